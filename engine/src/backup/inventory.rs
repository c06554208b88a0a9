//! The list of what a backup consists of: the file `BACKUP`, written last. A directory without it holds no backup.
//!
//! It is text, one fact a line, so that a person can read it and another program can check the files:
//!
//! ```text
//! strata backup 1
//! instance 0123456789abcdef0123456789abcdef
//! checkpoint 64
//! end 8192
//! earliest 3400000000000000000
//! latest 3400000000000004095
//! file segment-0000000000000001 4096 <BLAKE3 of the file, 64 hexadecimal digits>
//! …
//! blake3 <of everything before this line>
//! ```
//!
//! `checkpoint` and `end` are positions of the log, `earliest` and `latest` commit timestamps: the moments that can be
//! restored. Lines come in this order, the files sorted by name. An unknown version or line is refused.

use super::BackupError;
use crate::ids::Timestamp;
use crate::log::Lsn;
use std::fmt::Write;

/// The name of the list.
pub(crate) const INVENTORY: &str = "BACKUP";
const FIRST_LINE: &str = "strata backup 1";

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub name: String,
    pub bytes: u64,
    pub hash: [u8; 32],
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inventory {
    pub instance: [u8; 16],
    pub checkpoint: Lsn,
    pub end: Lsn,
    pub earliest: Timestamp,
    pub latest: Timestamp,
    pub files: Vec<Kept>,
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes_of<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if text.len() != LENGTH * 2 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl Inventory {
    /// The text of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!(
            "{FIRST_LINE}\ninstance {}\ncheckpoint {}\nend {}\nearliest {}\nlatest {}\n",
            hexadecimal(&self.instance),
            self.checkpoint.0,
            self.end.0,
            self.earliest.0,
            self.latest.0
        );
        for Kept { name, bytes, hash } in &self.files {
            text.push_str(&format!("file {name} {bytes} {}\n", hexadecimal(hash)));
        }
        let hash = blake3::hash(text.as_bytes());
        text.push_str(&format!("blake3 {}\n", hexadecimal(hash.as_bytes())));
        text.into_bytes()
    }

    /// Reads the text of the file.
    pub fn decode(bytes: &[u8]) -> Result<Inventory, BackupError> {
        let damaged = |line: usize, reason: &str| BackupError::Damaged {
            file: INVENTORY.to_owned(),
            reason: format!("line {}: {reason}", line + 1),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| damaged(0, "it is no text"))?;
        let lines: Vec<&str> = text.lines().collect();
        if lines.first() != Some(&FIRST_LINE) {
            return Err(damaged(0, "it is not the list of a backup of a version known here"));
        }
        let last = lines.len() - 1;
        let hash = lines.get(last).and_then(|line| line.strip_prefix("blake3 ")).and_then(bytes_of::<32>);
        let before = text.rfind("blake3 ").and_then(|at| bytes.get(..at)).unwrap_or_default();
        if hash != Some(*blake3::hash(before).as_bytes()) || !text.ends_with('\n') {
            return Err(damaged(last, "the hash of the list fails"));
        }
        let fact = |line: usize, word: &str| {
            let found = lines.get(line).and_then(|text| text.strip_prefix(word)?.strip_prefix(' '));
            found.ok_or_else(|| damaged(line, &format!("\"{word}\" is missing")))
        };
        let number = |line: usize, word: &str| {
            fact(line, word)?.parse().map_err(|_| damaged(line, "a number cannot be read"))
        };
        let instance = bytes_of(fact(1, "instance")?).ok_or_else(|| damaged(1, "it names no instance"))?;
        let mut files = Vec::new();
        for line in 6..last {
            let mut words = fact(line, "file")?.split(' ');
            let kept = (|| {
                let name = words.next().filter(|name| !name.is_empty() && !name.contains(['/', '\\']))?;
                let bytes = words.next()?.parse().ok()?;
                let hash = bytes_of(words.next()?)?;
                words.next().is_none().then(|| Kept { name: name.to_owned(), bytes, hash })
            })();
            files.push(kept.ok_or_else(|| damaged(line, "it names no file"))?);
        }
        let inventory = Inventory {
            instance,
            checkpoint: Lsn(number(2, "checkpoint")?),
            end: Lsn(number(3, "end")?),
            earliest: Timestamp(number(4, "earliest")?),
            latest: Timestamp(number(5, "latest")?),
            files,
        };
        // There is one way to write a list.
        if inventory.encode() == bytes {
            Ok(inventory)
        } else {
            Err(damaged(0, "it is written in another way"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        Inventory {
            instance: *b"0123456789abcdef",
            checkpoint: Lsn(64),
            end: Lsn(8192),
            earliest: Timestamp(5),
            latest: Timestamp(4095),
            files: vec![Kept { name: "segment-0000000000000001".into(), bytes: 4096, hash: [7; 32] }],
        }
    }

    #[test]
    fn the_list_of_a_backup_keeps_its_format() {
        let text = String::from_utf8(inventory().encode()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..6],
            [
                "strata backup 1",
                "instance 30313233343536373839616263646566",
                "checkpoint 64",
                "end 8192",
                "earliest 5",
                "latest 4095"
            ]
        );
        assert_eq!(lines[6], format!("file segment-0000000000000001 4096 {}", "07".repeat(32)));
        assert_eq!(Inventory::decode(text.as_bytes()).unwrap(), inventory());
    }

    #[test]
    fn a_list_with_any_bit_changed_is_refused() {
        let bytes = inventory().encode();
        for place in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[place / 8] ^= 1 << (place % 8);
            assert!(Inventory::decode(&changed).is_err(), "bit {place}");
        }
        for length in 0..bytes.len() {
            assert!(Inventory::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
    }
}

//! The bytes of a log file.
//!
//! All numbers are little-endian. A file `log-<number, 16 hex digits>` is a header of 4096 bytes and batches behind it,
//! each at a multiple of eight bytes; what lies behind the last batch is zero or stale. Positions ([`Lsn`]) count the
//! bytes of batches: the byte at offset `o` of a file has position `first_lsn + o - 4096`. Files follow each other
//! without a gap in numbers or positions; the first position of a file is where the batches of the file before end,
//! even where older, superseded bytes follow there.
//!
//! File header: two copies of 2048 bytes, so that no single damaged byte hides a file.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | `STRATLOG` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | checksum seed of the batches, not zero |
//! | 16 | 16 | instance of the database |
//! | 32 | 8 | number of the file |
//! | 40 | 8 | epoch: one more at each recovery |
//! | 48 | 8 | nonce of the epoch: random, not zero, the first word of each of its batches |
//! | 56 | 8 | first position |
//! | 64 | 8 | durable position: everything before it was durable when this header was written |
//! | 72 | 4 | checksum of the header of the batch before the first one; zero if none |
//! | 76 | 4 | zero |
//! | 80 | 8 | length of the file |
//! | 88 | 1956 | zero |
//! | 2044 | 4 | CRC32C, seeded with [`HEADER_SEED`], of the 2044 bytes before |
//!
//! Batch: a header of 64 bytes, then records.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | nonce of the epoch |
//! | 8 | 8 | epoch |
//! | 16 | 8 | number of the file |
//! | 24 | 8 | position of the batch |
//! | 32 | 8 | durable position when the batch was written |
//! | 40 | 8 | length of the records, padding included; a positive multiple of eight |
//! | 48 | 4 | number of records, positive |
//! | 52 | 4 | checksum of the header of the batch before |
//! | 56 | 4 | CRC32C, seeded, of the 56 bytes before and the records |
//! | 60 | 4 | CRC32C, seeded, of the 60 bytes before: proves a header whose records are damaged |
//!
//! A record is its length (4 bytes, positive) and its bytes; zeros fill up to a multiple of eight. Seed and nonce are
//! drawn anew at each recovery, so neither a stale batch nor bytes that a client made a payload pass for a header.

use super::Lsn;

/// Bytes of a file's header, both copies.
pub(super) const FILE_HEADER: u64 = 4096;
/// Bytes of one copy.
pub(super) const HEADER_COPY: usize = 2048;
/// Bytes of a batch's header.
pub(super) const BATCH_HEADER: usize = 64;
/// Batches start at multiples of this.
pub(super) const ALIGNMENT: usize = 8;
/// Position of the first batch of a new log; zero is "no position".
pub(super) const FIRST_LSN: Lsn = Lsn(64);
/// Records of one batch together stay below this.
pub(super) const BATCH_LIMIT: usize = 1 << 32;

const MAGIC: [u8; 8] = *b"STRATLOG";
const VERSION: u32 = 1;
/// Seed of the checksum of file headers: the checksum of nothing is not zero.
const HEADER_SEED: u32 = 0x5354_5241;

/// What a file header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub instance: [u8; 16],
    pub number: u64,
    pub epoch: Epoch,
    pub first: Lsn,
    pub durable: Lsn,
    pub previous: u32,
    pub length: u64,
}

/// What all batches of one epoch share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    pub number: u64,
    pub nonce: u64,
    pub seed: u32,
}

/// What a batch header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub lsn: Lsn,
    pub durable: Lsn,
    /// Bytes of the records, padding included.
    pub length: u64,
    pub records: u32,
    pub previous: u32,
    pub body_checksum: u32,
    pub checksum: u32,
}

/// The name of a log file.
pub(super) fn file_name(number: u64) -> String {
    format!("log-{number:016x}")
}

/// The number in the name of a log file; `None` for any other name.
pub(super) fn file_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-").filter(|digits| digits.len() == 16)?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    (file_name(number) == name).then_some(number)
}

/// Why a header copy is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// Zero, stale or damaged.
    Invalid,
    /// Intact, of a version to come.
    Version(u32),
}

impl FileHeader {
    /// Both copies.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut copy = vec![0; HEADER_COPY];
        copy[0..8].copy_from_slice(&MAGIC);
        copy[8..12].copy_from_slice(&VERSION.to_le_bytes());
        copy[12..16].copy_from_slice(&self.epoch.seed.to_le_bytes());
        copy[16..32].copy_from_slice(&self.instance);
        copy[32..40].copy_from_slice(&self.number.to_le_bytes());
        copy[40..48].copy_from_slice(&self.epoch.number.to_le_bytes());
        copy[48..56].copy_from_slice(&self.epoch.nonce.to_le_bytes());
        copy[56..64].copy_from_slice(&self.first.0.to_le_bytes());
        copy[64..72].copy_from_slice(&self.durable.0.to_le_bytes());
        copy[72..76].copy_from_slice(&self.previous.to_le_bytes());
        copy[80..88].copy_from_slice(&self.length.to_le_bytes());
        let checksum = crc32c::crc32c_append(HEADER_SEED, &copy[..HEADER_COPY - 4]);
        copy[HEADER_COPY - 4..].copy_from_slice(&checksum.to_le_bytes());
        copy.extend_from_within(..);
        copy
    }

    /// One copy, of the file of this number.
    pub(super) fn decode(copy: &[u8], number: u64) -> Result<FileHeader, NoHeader> {
        if copy.len() != HEADER_COPY || copy[..8] != MAGIC {
            return Err(NoHeader::Invalid);
        }
        let checksum = crc32c::crc32c_append(HEADER_SEED, &copy[..HEADER_COPY - 4]);
        if checksum != u32_at(copy, HEADER_COPY - 4) {
            return Err(NoHeader::Invalid);
        }
        if u32_at(copy, 8) != VERSION {
            return Err(NoHeader::Version(u32_at(copy, 8)));
        }
        let mut instance = [0; 16];
        instance.copy_from_slice(&copy[16..32]);
        let header = FileHeader {
            instance,
            number: u64_at(copy, 32),
            epoch: Epoch { number: u64_at(copy, 40), nonce: u64_at(copy, 48), seed: u32_at(copy, 12) },
            first: Lsn(u64_at(copy, 56)),
            durable: Lsn(u64_at(copy, 64)),
            previous: u32_at(copy, 72),
            length: u64_at(copy, 80),
        };
        // A recycled file carries the header of its earlier number until it is used again.
        if header.number == number { Ok(header) } else { Err(NoHeader::Invalid) }
    }

    /// The offset in the file of a position.
    pub(super) fn offset_of(&self, lsn: Lsn) -> u64 {
        lsn.0.saturating_sub(self.first.0).saturating_add(FILE_HEADER)
    }

    /// The position of an offset in the file.
    pub(super) fn lsn_at(&self, offset: u64) -> Lsn {
        Lsn(self.first.0.saturating_add(offset.saturating_sub(FILE_HEADER)))
    }
}

/// Bytes of a batch of these records; `None` beyond the limit.
pub(super) fn batch_size(records: &[&[u8]]) -> Option<usize> {
    let mut size = 0_usize;
    for record in records {
        size = size.checked_add(4)?.checked_add(record.len())?;
    }
    (size < BATCH_LIMIT).then(|| BATCH_HEADER + size.next_multiple_of(ALIGNMENT))
}

/// What a batch header says besides its own checksums.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchPlace<'a> {
    pub epoch: &'a Epoch,
    pub file: u64,
    pub lsn: Lsn,
    pub durable: Lsn,
    /// Checksum of the header of the batch before.
    pub previous: u32,
}

/// The header of a batch, and its checksum. `body`: everything behind the header, in pieces, `length` bytes in all.
pub(super) fn encode_batch_header<'b>(
    place: &BatchPlace<'_>,
    records: usize,
    length: u64,
    body: impl Iterator<Item = &'b [u8]>,
) -> ([u8; BATCH_HEADER], u32) {
    let mut header = [0; BATCH_HEADER];
    header[0..8].copy_from_slice(&place.epoch.nonce.to_le_bytes());
    header[8..16].copy_from_slice(&place.epoch.number.to_le_bytes());
    header[16..24].copy_from_slice(&place.file.to_le_bytes());
    header[24..32].copy_from_slice(&place.lsn.0.to_le_bytes());
    header[32..40].copy_from_slice(&place.durable.0.to_le_bytes());
    header[40..48].copy_from_slice(&length.to_le_bytes());
    header[48..52].copy_from_slice(&(records as u32).to_le_bytes());
    header[52..56].copy_from_slice(&place.previous.to_le_bytes());
    let seed = crc32c::crc32c_append(place.epoch.seed, &header[..56]);
    let body_checksum = body.fold(seed, |checksum, piece| crc32c::crc32c_append(checksum, piece));
    header[56..60].copy_from_slice(&body_checksum.to_le_bytes());
    let checksum = crc32c::crc32c_append(place.epoch.seed, &header[..60]);
    header[60..64].copy_from_slice(&checksum.to_le_bytes());
    (header, checksum)
}

/// Appends an encoded batch to `output` and returns the checksum of its header.
/// There is at least one record, none is empty, and [`batch_size`] has answered.
pub(super) fn encode_batch(output: &mut Vec<u8>, place: &BatchPlace<'_>, records: &[&[u8]]) -> u32 {
    let start = output.len();
    output.resize(start + BATCH_HEADER, 0);
    for record in records {
        output.extend_from_slice(&(record.len() as u32).to_le_bytes());
        output.extend_from_slice(record);
    }
    output.resize(output.len().next_multiple_of(ALIGNMENT).max(start + BATCH_HEADER), 0);
    // The start is a multiple of eight, too, so this padding is that of the batch.
    let (header, body) = output[start..].split_at_mut(BATCH_HEADER);
    let length = body.len() as u64;
    let (encoded, checksum) = encode_batch_header(place, records.len(), length, std::iter::once(&*body));
    header.copy_from_slice(&encoded);
    checksum
}

/// The body of a batch in pieces that need no copy of the records: what [`encode_batch`] would have written.
pub(super) fn body_pieces<'r>(
    lengths: &'r [[u8; 4]],
    records: &'r [&'r [u8]],
) -> impl Iterator<Item = &'r [u8]> + Clone {
    const PADDING: [u8; ALIGNMENT] = [0; ALIGNMENT];
    let size: usize = records.iter().map(|record| 4 + record.len()).sum();
    let padding = &PADDING[..size.next_multiple_of(ALIGNMENT) - size];
    let records = lengths.iter().zip(records).flat_map(|(length, record)| [&length[..], *record]);
    records.chain(std::iter::once(padding))
}

/// What 64 bytes say as a batch header of this epoch and file, at this position. `trusting` believes the checksum.
pub(super) fn decode_batch_header(
    bytes: &[u8],
    epoch: &Epoch,
    file: u64,
    lsn: Lsn,
    trusting: bool,
) -> Option<BatchHeader> {
    let bytes = bytes.get(..BATCH_HEADER)?;
    if u64_at(bytes, 0) != epoch.nonce || u64_at(bytes, 8) != epoch.number || u64_at(bytes, 16) != file {
        return None;
    }
    let header = BatchHeader {
        lsn: Lsn(u64_at(bytes, 24)),
        durable: Lsn(u64_at(bytes, 32)),
        length: u64_at(bytes, 40),
        records: u32_at(bytes, 48),
        previous: u32_at(bytes, 52),
        body_checksum: u32_at(bytes, 56),
        checksum: u32_at(bytes, 60),
    };
    let intact = trusting || crc32c::crc32c_append(epoch.seed, &bytes[..60]) == header.checksum;
    let sound = header.lsn == lsn
        && header.length > 0
        && header.length.is_multiple_of(ALIGNMENT as u64)
        && header.length <= BATCH_LIMIT as u64
        && header.records > 0;
    (intact && sound).then_some(header)
}

/// Whether the records of a batch are those that its header was written for. `header` are the header's bytes.
pub(super) fn body_is_intact(epoch: &Epoch, header: &[u8], body: &[u8], expected: u32) -> bool {
    crc32c::crc32c_append(crc32c::crc32c_append(epoch.seed, &header[..56]), body) == expected
}

/// The records of a batch; `None` if they do not add up.
pub(super) fn decode_records(body: &[u8], count: u32) -> Option<Vec<&[u8]>> {
    let mut records = Vec::with_capacity((count as usize).min(body.len() / 5 + 1));
    let mut rest = body;
    for _ in 0..count {
        let (length, after) = rest.split_at_checked(4)?;
        let length = u32_at(length, 0) as usize;
        let (record, after) = after.split_at_checked(length)?;
        if record.is_empty() {
            return None;
        }
        records.push(record);
        rest = after;
    }
    (rest.len() < ALIGNMENT && rest.iter().all(|byte| *byte == 0)).then_some(records)
}

/// The number at an offset that the caller knows to be inside.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(number)
}

/// The number at an offset that the caller knows to be inside.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch { number: 3, nonce: 0x1122_3344_5566_7788, seed: 0x0BAD_CAFE };

    #[test]
    fn a_file_header_keeps_its_format() {
        let header = FileHeader {
            instance: *b"0123456789abcdef",
            number: 5,
            epoch: EPOCH,
            first: Lsn(64),
            durable: Lsn(64),
            previous: 9,
            length: 16 << 20,
        };
        let bytes = header.encode();
        assert_eq!(bytes.len() as u64, FILE_HEADER);
        assert_eq!(FileHeader::decode(&bytes[..HEADER_COPY], 5), Ok(header));
        assert_eq!(FileHeader::decode(&bytes[HEADER_COPY..], 5), Ok(header));
        assert_eq!(FileHeader::decode(&bytes[..HEADER_COPY], 6), Err(NoHeader::Invalid));
        let golden: String = bytes[..88].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            golden,
            "53545241544c4f4701000000fecaad0b30313233343536373839616263646566\
             050000000000000003000000000000008877665544332211\
             4000000000000000400000000000000009000000000000000000000100000000"
        );
        assert_eq!(u32_at(&bytes, HEADER_COPY - 4), GOLDEN_HEADER_CHECKSUM);
    }

    const GOLDEN_HEADER_CHECKSUM: u32 = 1_870_036_577;
    const GOLDEN_BATCH_CHECKSUMS: (u32, u32) = (816_126_531, 1_223_723_535);

    #[test]
    fn a_batch_keeps_its_format() {
        let mut bytes = Vec::new();
        let place = BatchPlace { epoch: &EPOCH, file: 5, lsn: Lsn(64), durable: Lsn(64), previous: 0 };
        let checksum = encode_batch(&mut bytes, &place, &[b"abc", b"defgh"]);
        let golden: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            (golden[..112].to_owned(), golden[128..].to_owned()),
            (
                "887766554433221103000000000000000500000000000000400000000000000040000000000000001000000000000000\
                 0200000000000000"
                    .to_owned(),
                "03000000616263050000006465666768".to_owned()
            )
        );
        assert_eq!((u32_at(&bytes, 56), checksum), GOLDEN_BATCH_CHECKSUMS);
        let header = decode_batch_header(&bytes, &EPOCH, 5, Lsn(64), false).unwrap();
        assert!(body_is_intact(&EPOCH, &bytes, &bytes[BATCH_HEADER..], header.body_checksum));
        assert_eq!(decode_records(&bytes[BATCH_HEADER..], 2).unwrap(), [&b"abc"[..], b"defgh"]);
        assert_eq!(decode_batch_header(&bytes, &EPOCH, 5, Lsn(72), false), None);
        assert_eq!(decode_batch_header(&[0; 64], &EPOCH, 5, Lsn(64), false), None);
    }
    #[test]
    fn a_batch_in_pieces_is_the_same_batch() {
        let place = BatchPlace { epoch: &EPOCH, file: 5, lsn: Lsn(64), durable: Lsn(64), previous: 7 };
        for records in [&[&b"abc"[..], b"defgh", b"i"][..], &[b"abcd"], &[b"abcdefg", b"hi"]] {
            let mut whole = Vec::new();
            let checksum = encode_batch(&mut whole, &place, records);
            let lengths: Vec<[u8; 4]> =
                records.iter().map(|record| (record.len() as u32).to_le_bytes()).collect();
            let body = body_pieces(&lengths, records);
            let length = (whole.len() - BATCH_HEADER) as u64;
            let (header, of_pieces) = encode_batch_header(&place, records.len(), length, body.clone());
            let pieces: Vec<u8> = header.iter().chain(body.flatten()).copied().collect();
            assert_eq!((pieces, of_pieces), (whole, checksum));
        }
    }
}

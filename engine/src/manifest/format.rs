//! The bytes of `CURRENT` and of a manifest file.
//!
//! All numbers are little-endian, all checksums CRC32C with a seed that is not zero.
//!
//! `CURRENT`, 64 bytes: `STRATCUR`, version 4 (1), zero 4, generation 8, instance 16, zero 20, checksum 4 of the 60
//! bytes before.
//!
//! `manifest-<generation, 16 hex digits>`: a header of 64 bytes, then records at multiples of eight.
//!
//! Header: `STRATMAN`, version 4 (1), checksum seed of the records 4 (not zero), generation 8, instance 16, nonce 8
//! (random, not zero), zero 12, checksum 4 of the 60 bytes before.
//!
//! | offset in a record | bytes | content |
//! |---|---|---|
//! | 0 | 8 | nonce of the file |
//! | 8 | 4 | kind: 1 snapshot, 2 edits, 3 seal |
//! | 12 | 4 | length of the content, without padding |
//! | 16 | 8 | sequence number: 0 for the first record, then one more each |
//! | 24 | 8 | how many records of the file were durable when this one was written |
//! | 32 | 8 | offset of the record in the file |
//! | 40 | 4 | checksum, seeded by the file, of the 40 bytes before and the content |
//! | 44 | 4 | checksum, seeded by the file, of the 44 bytes before |
//! | 48 | | content (edits), zeros up to a multiple of eight |
//!
//! The first record is a snapshot. A seal has no content: it is written, not synced, behind the last synced record, so
//! that damage in that one can be told from a tear, and the next record overwrites it.

/// Bytes of the header of a file, and of `CURRENT`.
pub(super) const HEADER: usize = 64;
/// Bytes of the header of a record.
pub(super) const RECORD_HEADER: usize = 48;
/// The name of the file that names the manifest.
pub(super) const CURRENT: &str = "CURRENT";

const CURRENT_MAGIC: [u8; 8] = *b"STRATCUR";
const MANIFEST_MAGIC: [u8; 8] = *b"STRATMAN";
const VERSION: u32 = 1;
/// Seed of the checksums of both headers.
const SEED: u32 = 0x4D41_4E49;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot = 1,
    Edits = 2,
    Seal = 3,
}

/// The header of a manifest file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub instance: [u8; 16],
    pub generation: u64,
    pub nonce: u64,
    pub seed: u32,
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub kind: u32,
    pub length: usize,
    pub sequence: u64,
    pub durable: u64,
    pub checksum: u32,
}

/// Why a header is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    Damaged,
    Version(u32),
}

/// The name of a manifest file.
pub(super) fn file_name(generation: u64) -> String {
    format!("manifest-{generation:016x}")
}

/// The generation in the name of a manifest file; `None` for any other name.
pub(super) fn generation_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("manifest-").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The content of `CURRENT`.
pub(super) fn encode_current(instance: [u8; 16], generation: u64) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[0..8].copy_from_slice(&CURRENT_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&generation.to_le_bytes());
    bytes[24..40].copy_from_slice(&instance);
    seal_header(&mut bytes);
    bytes
}

/// Instance and generation that `CURRENT` names.
pub(super) fn decode_current(bytes: &[u8]) -> Result<([u8; 16], u64), NoHeader> {
    check_header(bytes, CURRENT_MAGIC)?;
    if bytes.len() != HEADER {
        return Err(NoHeader::Damaged);
    }
    let mut instance = [0; 16];
    instance.copy_from_slice(&bytes[24..40]);
    Ok((instance, u64_at(bytes, 16)))
}

fn seal_header(bytes: &mut [u8]) {
    let checksum = crc32c::crc32c_append(SEED, &bytes[..HEADER - 4]);
    bytes[HEADER - 4..HEADER].copy_from_slice(&checksum.to_le_bytes());
}

fn check_header(bytes: &[u8], magic: [u8; 8]) -> Result<(), NoHeader> {
    if bytes.len() < HEADER || bytes[..8] != magic {
        return Err(NoHeader::Damaged);
    }
    if crc32c::crc32c_append(SEED, &bytes[..HEADER - 4]) != u32_at(bytes, HEADER - 4) {
        return Err(NoHeader::Damaged);
    }
    match u32_at(bytes, 8) {
        VERSION => Ok(()),
        unknown => Err(NoHeader::Version(unknown)),
    }
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[0..8].copy_from_slice(&MANIFEST_MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.seed.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.generation.to_le_bytes());
        bytes[24..40].copy_from_slice(&self.instance);
        bytes[40..48].copy_from_slice(&self.nonce.to_le_bytes());
        seal_header(&mut bytes);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Header, NoHeader> {
        check_header(bytes, MANIFEST_MAGIC)?;
        let mut instance = [0; 16];
        instance.copy_from_slice(&bytes[24..40]);
        Ok(Header {
            instance,
            generation: u64_at(bytes, 16),
            nonce: u64_at(bytes, 40),
            seed: u32_at(bytes, 12),
        })
    }

    /// Writes a record for `offset` of this file.
    pub(super) fn encode_record(
        &self,
        kind: Kind,
        sequence: u64,
        durable: u64,
        offset: u64,
        content: &[u8],
    ) -> Vec<u8> {
        let mut bytes = vec![0; RECORD_HEADER];
        bytes[0..8].copy_from_slice(&self.nonce.to_le_bytes());
        bytes[8..12].copy_from_slice(&(kind as u32).to_le_bytes());
        bytes[12..16].copy_from_slice(&(content.len() as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&durable.to_le_bytes());
        bytes[32..40].copy_from_slice(&offset.to_le_bytes());
        let body = crc32c::crc32c_append(crc32c::crc32c_append(self.seed, &bytes[..40]), content);
        bytes[40..44].copy_from_slice(&body.to_le_bytes());
        let checksum = crc32c::crc32c_append(self.seed, &bytes[..44]);
        bytes[44..48].copy_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    /// The record header at an offset of this file, if it is intact.
    pub(super) fn decode_record(&self, bytes: &[u8], offset: usize) -> Option<RecordHeader> {
        let header = bytes.get(offset..)?.get(..RECORD_HEADER)?;
        let is_intact = u64_at(header, 0) == self.nonce
            && u64_at(header, 32) == offset as u64
            && crc32c::crc32c_append(self.seed, &header[..44]) == u32_at(header, 44);
        is_intact.then(|| RecordHeader {
            kind: u32_at(header, 8),
            length: u32_at(header, 12) as usize,
            sequence: u64_at(header, 16),
            durable: u64_at(header, 24),
            checksum: u32_at(header, 40),
        })
    }

    /// The content of a record, if it is intact.
    pub(super) fn content<'a>(
        &self,
        bytes: &'a [u8],
        offset: usize,
        record: &RecordHeader,
    ) -> Option<&'a [u8]> {
        let header = bytes.get(offset..offset + 40)?;
        let start = offset + RECORD_HEADER;
        let content = bytes.get(start..start + record.length)?;
        let checksum = crc32c::crc32c_append(crc32c::crc32c_append(self.seed, header), content);
        (checksum == record.checksum).then_some(content)
    }
}

/// The number at an offset that the caller knows to be inside.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(number)
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(number)
}

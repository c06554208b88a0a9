//! Walking over the bytes of one log file.

use super::{
    Lsn,
    format::{self, ALIGNMENT, BATCH_HEADER, BatchHeader, FILE_HEADER, FileHeader},
};

/// A batch that was found intact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub header: BatchHeader,
    /// Offset of its header in the file.
    pub offset: usize,
}

impl Batch {
    /// The position behind the batch.
    pub(super) fn end(&self) -> Lsn {
        Lsn(self.header.lsn.0 + BATCH_HEADER as u64 + self.header.length)
    }

    /// Its records, in the bytes of its file; `None` if they do not add up.
    pub(super) fn records<'a>(&self, bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
        let start = self.offset + BATCH_HEADER;
        let body = bytes.get(start..start.checked_add(usize::try_from(self.header.length).ok()?)?)?;
        format::decode_records(body, self.header.records)
    }
}

/// The intact batches at the beginning of a file.
#[derive(Debug)]
pub(super) struct Scan {
    pub batches: Vec<Batch>,
    /// The position behind the last of them.
    pub end: Lsn,
    /// The furthest durable position that one of them names.
    pub durable: Lsn,
    /// Why the walk ended before its limit; `None` if it reached it.
    pub stopped: Option<&'static str>,
}

impl Scan {
    /// The checksum of the header of the batch that ends at a position.
    pub(super) fn checksum_before(&self, position: Lsn) -> Option<u32> {
        self.batches.iter().find(|batch| batch.end() == position).map(|batch| batch.header.checksum)
    }
}

/// Walks over the batches of a file, up to `limit` or to the first bytes that are no intact batch. `trusting` believes
/// every checksum.
pub(super) fn scan(header: &FileHeader, bytes: &[u8], limit: Option<Lsn>, trusting: bool) -> Scan {
    let mut scan = Scan { batches: Vec::new(), end: header.first, durable: header.first, stopped: None };
    let mut previous = header.previous;
    let mut offset = FILE_HEADER as usize;
    while limit != Some(scan.end) {
        match next(header, bytes, offset, previous, trusting) {
            Err(reason) => {
                scan.stopped = Some(reason);
                break;
            }
            Ok(batch) if limit.is_some_and(|limit| batch.end() > limit) => {
                scan.stopped = Some("a batch passes the start of the next file");
                break;
            }
            Ok(batch) => {
                previous = batch.header.checksum;
                scan.end = batch.end();
                scan.durable = scan.durable.max(batch.header.durable);
                offset += BATCH_HEADER + batch.header.length as usize;
                scan.batches.push(batch);
            }
        }
    }
    scan
}

/// The batch at an offset, or why there is none.
fn next(
    file: &FileHeader,
    bytes: &[u8],
    offset: usize,
    previous: u32,
    trusting: bool,
) -> Result<Batch, &'static str> {
    let rest = bytes.get(offset..).unwrap_or_default();
    let lsn = file.lsn_at(offset as u64);
    let header = format::decode_batch_header(rest, &file.epoch, file.number, lsn, trusting)
        .ok_or("there is no intact batch header")?;
    if header.previous != previous && !trusting {
        return Err("the batch does not continue the one before it");
    }
    if header.durable > lsn {
        return Err("the batch claims that it was durable before it was written");
    }
    let length = usize::try_from(header.length).map_err(|_| "the batch is longer than the file")?;
    let body = rest.get(BATCH_HEADER..BATCH_HEADER + length).ok_or("the batch is longer than the file")?;
    if !trusting && !format::body_is_intact(&file.epoch, rest, body, header.body_checksum) {
        return Err("the records of a batch fail their checksum");
    }
    Ok(Batch { header, offset })
}

/// A batch header that proves an earlier part of the log to have been durable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    pub offset: usize,
    pub durable: Lsn,
}

/// Looks behind `end` for an intact batch header of this file whose durable position passes `end`.
pub(super) fn later_proof(file: &FileHeader, bytes: &[u8], end: Lsn) -> Option<Proof> {
    let mut offset = file.offset_of(end) as usize;
    while offset + BATCH_HEADER <= bytes.len() {
        let lsn = file.lsn_at(offset as u64);
        if format::u64_at(bytes, offset) == file.epoch.nonce
            && let Some(header) =
                format::decode_batch_header(&bytes[offset..], &file.epoch, file.number, lsn, false)
            && header.durable > end
        {
            return Some(Proof { offset, durable: header.durable });
        }
        offset += ALIGNMENT;
    }
    None
}

/// How many bytes behind `end` look as if something had been written: up to the last byte that is not zero, unless
/// the file was recycled, where stale bytes cannot be told from torn ones.
pub(super) fn torn_bytes(file: &FileHeader, bytes: &[u8], end: Lsn) -> u64 {
    let rest = bytes.get(file.offset_of(end) as usize..).unwrap_or_default();
    rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

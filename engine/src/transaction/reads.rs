//! What a SERIALIZABLE transaction has read.
//!
//! Its views record by themselves: a look-up its key, a range its bounds, a scan its table. A caller that knows better
//! (the rows a scan kept satisfy a predicate) reads through [`crate::ReadView::untracked`] and notes the predicate.
//! Too many records of one table become one of the whole table: refusing more than needed, never less.

use super::ReadRecord;
use crate::TableId;
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;

/// Records of one table beyond which the whole table counts as read.
const TABLE_RECORDS: usize = 4096;

#[derive(Default)]
struct Records {
    records: Vec<ReadRecord>,
    counts: HashMap<TableId, usize>,
    whole: HashSet<TableId>,
}

/// The reads of one transaction, shared with its views.
#[derive(Default)]
pub(crate) struct Reads {
    records: Mutex<Records>,
}

impl ReadRecord {
    fn table(&self) -> TableId {
        match self {
            ReadRecord::Key { table, .. }
            | ReadRecord::Range { table, .. }
            | ReadRecord::Table { table, .. } => *table,
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self, ReadRecord::Table { predicate: None, .. })
    }
}

impl Reads {
    /// What has been read so far.
    pub fn list(&self) -> Vec<ReadRecord> {
        self.records.lock().records.clone()
    }

    pub fn note(&self, read: ReadRecord) {
        let mut records = self.records.lock();
        let records = &mut *records;
        let table = read.table();
        if records.whole.contains(&table) {
            return;
        }
        let count = records.counts.entry(table).or_default();
        *count += 1;
        if read.is_whole() || *count > TABLE_RECORDS {
            records.whole.insert(table);
            records.records.retain(|record| record.table() != table);
            records.records.push(ReadRecord::Table { table, predicate: None });
        } else {
            records.records.push(read);
        }
    }

    pub fn take(&self) -> Vec<ReadRecord> {
        std::mem::take(&mut *self.records.lock()).records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IndexId;

    #[test]
    fn many_reads_of_a_table_become_one_of_the_whole() {
        let reads = Reads::default();
        for number in 0..5000u32 {
            let key = number.to_be_bytes().to_vec();
            reads.note(ReadRecord::Key { table: TableId(1), index: IndexId(1), key });
        }
        reads.note(ReadRecord::Key { table: TableId(2), index: IndexId(2), key: vec![1] });
        let records = reads.take();
        assert_eq!(records.len(), 2);
        assert!(records.iter().any(|record| record.is_whole() && record.table() == TableId(1)));
    }
}

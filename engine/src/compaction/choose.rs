//! Choosing what to rewrite next: a pure function of what files there are.
//!
//! Files of living versions have two levels. What a checkpoint writes is level 0: files may overlap. Level 1 is
//! partitioned by the clustering key: its files do not overlap, and the partition of a file reaches from its first key
//! to the next file's. A file of level 0 that lies inside one partition waits there; when what waits and what has died
//! in a partition is a quarter of it, both are written anew; until then four of a size are merged into one, so that few
//! wait. A file of level 0 across partitions is merged with three others of its size, too, and what comes out is cut
//! where partitions begin. So a row is rewritten a number of times that
//! grows with the logarithm of the table.
//!
//! Files of history are merged four of a size inside their slice; a slice that can get no more versions is, if it is
//! not too large, written once more as files that do not overlap.
//!
//! A file that has the bytes of a whole one counts as whole, however few its rows, and so does one that came of a merge
//! which made as many files as it read: merged with others, it would become as many files again.
//!
//! Every plan makes fewer files of what it reads, or moves rows to a lower level for good, so choosing comes to an end.
//! Correctness never depends on levels or slices: every version lies at one place, and places only say who need not
//! look there.

use super::slice::Slice;
use crate::IndexId;
use std::collections::BTreeMap;

/// Files of one size that are merged.
const FAN: usize = 4;
/// The part of a partition that has to have changed before it is rewritten: one in so many.
const CHANGED: u64 = 4;

/// Where a file belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Living versions, most of them: 0 or 1.
    Current(u8),
    /// Dead versions.
    History(Slice),
}

impl Level {
    pub fn is_history(self) -> bool {
        matches!(self, Level::History(_))
    }
}

/// Sizes that decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Rows of a whole file.
    pub segment_rows: u64,
    /// Versions of a slice that are worth a file.
    pub small_rows: u64,
    /// Rows that one plan may read.
    pub plan_rows: u64,
}

/// What is to be known of a file.
#[derive(Clone, Debug)]
pub(crate) struct FileState {
    pub number: u32,
    pub rows: u64,
    /// Whether it has the bytes of a whole file, or came of a merge that made as many files as it read.
    pub full: bool,
    /// Versions that ended since the file was written.
    pub dead: u64,
    pub level: Level,
    pub sorted_by: Option<IndexId>,
    pub first_key: Vec<u8>,
    pub last_key: Vec<u8>,
    pub max_to: u64,
}

impl FileState {
    fn overlaps(&self, other: &FileState) -> bool {
        self.sorted_by != other.sorted_by
            || (self.first_key <= other.last_key && other.first_key <= self.last_key)
    }

    /// Whether it is about as large as files become.
    fn is_whole(&self, limits: &Limits) -> bool {
        self.full || self.rows * 2 >= limits.segment_rows
    }

    /// Files of one tier are near in size.
    fn tier(&self) -> u32 {
        self.rows.max(1).ilog2() / 2
    }
}

/// The files of one generation.
#[derive(Clone, Debug)]
pub(crate) struct LayoutState {
    pub files: Vec<FileState>,
    /// The index by which files are to be sorted.
    pub primary: Option<IndexId>,
    /// Ends after this moment may still come to any slice.
    pub moment: u64,
    /// Nothing before this moment is read any more; zero: everything is.
    pub horizon: u64,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Files whose every version ended before the horizon.
    Unlink(Vec<u32>),
    /// A file that overlaps no other becomes a partition, as it is.
    Promote(u32),
    /// Files to be written anew. Living versions go to `level`, cut at `boundaries`; dead ones to slices of at most
    /// the class `ceiling`.
    Merge { inputs: Vec<u32>, level: u8, boundaries: Vec<Vec<u8>>, ceiling: u8 },
}

/// What to do next; `None` if all is well.
pub(crate) fn choose(state: &LayoutState, limits: &Limits) -> Option<Plan> {
    unlink(state).or_else(|| current(state, limits)).or_else(|| history(state, limits))
}

fn unlink(state: &LayoutState) -> Option<Plan> {
    let over = state.files.iter().filter(|file| file.level.is_history() && file.max_to <= state.horizon);
    let over: Vec<u32> = over.map(|file| file.number).collect();
    (!over.is_empty()).then_some(Plan::Unlink(over))
}

/// The keys at which what goes to level 0 is cut: where partitions begin.
pub(crate) fn boundaries<'a>(
    files: impl Iterator<Item = (Level, Option<IndexId>, &'a [u8])>,
    primary: Option<IndexId>,
) -> Vec<Vec<u8>> {
    let partitions =
        files.filter(|(level, sorted_by, _)| *level == Level::Current(1) && *sorted_by == primary);
    let mut keys: Vec<Vec<u8>> = partitions.map(|(_, _, first)| first.to_vec()).collect();
    keys.sort_unstable();
    keys
}

fn current(state: &LayoutState, limits: &Limits) -> Option<Plan> {
    let in_order = |file: &&FileState| file.sorted_by == state.primary;
    let mut partitions: Vec<&FileState> =
        state.files.iter().filter(|file| file.level == Level::Current(1)).filter(in_order).collect();
    partitions.sort_unstable_by(|left, right| left.first_key.cmp(&right.first_key));
    let is_partition = |file: &FileState| partitions.iter().any(|other| other.number == file.number);
    let others: Vec<&FileState> =
        state.files.iter().filter(|file| !file.level.is_history() && !is_partition(file)).collect();
    if let Some(file) = others.iter().find(|file| {
        in_order(file)
            && file.is_whole(limits)
            && file.dead * CHANGED < file.rows
            && !partitions
                .iter()
                .chain(&others)
                .any(|other| other.number != file.number && other.overlaps(file))
    }) {
        return Some(Plan::Promote(file.number));
    }
    let mut spanning = Vec::new();
    let mut waiting: Vec<Vec<&FileState>> = vec![Vec::new(); partitions.len()];
    for file in others {
        let after = partitions.partition_point(|partition| partition.first_key <= file.first_key);
        let end = partitions.partition_point(|partition| partition.first_key <= file.last_key);
        // What lies before the first partition belongs to it.
        let place = after.saturating_sub(1);
        match waiting.get_mut(place) {
            Some(list) if in_order(&file) && end.saturating_sub(1) == place => list.push(file),
            _ => spanning.push(file),
        }
    }
    for (partition, waiting) in partitions.iter().zip(&waiting) {
        let changed = partition.dead + waiting.iter().map(|file| file.rows).sum::<u64>();
        if changed > 0 && changed * CHANGED >= partition.rows {
            let inputs = std::iter::once(*partition).chain(waiting.iter().copied());
            return Some(merge(inputs, 1, Vec::new()));
        }
    }
    for waiting in &waiting {
        let growing: Vec<&FileState> = waiting.iter().copied().filter(|file| !file.full).collect();
        if let Some(group) = of_one_size(&growing, limits) {
            return Some(merge(group.into_iter(), 0, Vec::new()));
        }
    }
    for pair in partitions.windows(2) {
        let rows: u64 = pair.iter().map(|file| file.rows - file.dead.min(file.rows)).sum();
        if rows * 2 <= limits.segment_rows && pair.iter().all(|file| !file.full) {
            return Some(merge(pair.iter().copied(), 1, Vec::new()));
        }
    }
    let partitioned = !partitions.is_empty();
    let level = u8::from(!partitioned);
    let keys = || partitions.iter().map(|partition| partition.first_key.clone()).collect();
    let growing: Vec<&FileState> = spanning.iter().copied().filter(|file| !file.full).collect();
    if let Some(group) = of_one_size(&growing, limits) {
        return Some(merge(group.into_iter(), level, keys()));
    }
    // Rows that nobody changes any more would stay in their files with others that died.
    let half_dead = spanning.iter().find(|file| file.dead > 0 && file.dead * CHANGED >= file.rows);
    half_dead.map(|file| merge(std::iter::once(*file), 0, keys()))
}

fn merge<'a>(inputs: impl Iterator<Item = &'a FileState>, level: u8, boundaries: Vec<Vec<u8>>) -> Plan {
    let inputs = inputs.map(|file| file.number).collect();
    Plan::Merge { inputs, level, boundaries, ceiling: super::slice::HIGHEST }
}

/// Some files of nearly one size, if there are enough and they are not too large together.
fn of_one_size<'a>(files: &[&'a FileState], limits: &Limits) -> Option<Vec<&'a FileState>> {
    let mut tiers: BTreeMap<u32, Vec<&FileState>> = BTreeMap::new();
    for file in files {
        tiers.entry(file.tier()).or_default().push(file);
    }
    for (_, mut group) in tiers {
        group.sort_unstable_by_key(|file| file.number);
        let mut rows = 0;
        group.retain(|file| {
            rows += file.rows;
            rows <= limits.plan_rows
        });
        if group.len() >= FAN {
            return Some(group);
        }
    }
    None
}

fn history(state: &LayoutState, limits: &Limits) -> Option<Plan> {
    let mut slices: BTreeMap<Slice, Vec<&FileState>> = BTreeMap::new();
    for file in &state.files {
        if let Level::History(slice) = file.level {
            slices.entry(slice).or_default().push(file);
        }
    }
    let plan = |slice: Slice, files: &[&FileState]| Plan::Merge {
        inputs: files.iter().map(|file| file.number).collect(),
        level: 0,
        boundaries: Vec::new(),
        ceiling: slice.class,
    };
    for (slice, files) in &slices {
        let growing: Vec<&FileState> = files.iter().copied().filter(|file| !file.is_whole(limits)).collect();
        if let Some(group) = of_one_size(&growing, limits) {
            return Some(plan(*slice, &group));
        }
        let closed = slice.limit().is_some_and(|limit| limit <= state.moment);
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        if closed && rows <= limits.plan_rows && any_overlap(files) {
            return Some(plan(*slice, files));
        }
    }
    None
}

/// Whether two files share more than one key: the versions of one key may go from one file on to the next.
fn any_overlap(files: &[&FileState]) -> bool {
    let crosses = |left: &FileState, right: &FileState| {
        left.sorted_by == right.sorted_by
            && left.first_key < right.last_key
            && right.first_key < left.last_key
    };
    files
        .iter()
        .enumerate()
        .any(|(place, file)| files.iter().skip(place + 1).any(|other| crosses(file, other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { segment_rows: 1000, small_rows: 10, plan_rows: 8000 };
    const KEY: Option<IndexId> = Some(IndexId(1));

    fn file(number: u32, level: Level, rows: u64, dead: u64, keys: (u8, u8)) -> FileState {
        let max_to = if level.is_history() { 100 } else { u64::MAX };
        FileState {
            number,
            rows,
            full: false,
            dead,
            level,
            sorted_by: KEY,
            first_key: vec![keys.0],
            last_key: vec![keys.1],
            max_to,
        }
    }

    fn state(files: Vec<FileState>) -> LayoutState {
        LayoutState { files, primary: KEY, moment: 1 << 50, horizon: 0 }
    }

    fn inputs(plan: Option<Plan>) -> Vec<u32> {
        match plan {
            Some(Plan::Merge { mut inputs, .. }) => {
                inputs.sort_unstable();
                inputs
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_partition_is_rewritten_when_a_quarter_of_it_has_changed() {
        let quiet = vec![
            file(1, Level::Current(1), 1000, 100, (0, 9)),
            file(2, Level::Current(1), 1000, 100, (10, 19)),
            file(3, Level::Current(0), 100, 0, (10, 12)),
        ];
        assert_eq!(choose(&state(quiet.clone()), &LIMITS), None);
        let mut busy = quiet;
        busy.push(file(4, Level::Current(0), 60, 0, (15, 30)));
        assert_eq!(inputs(choose(&state(busy), &LIMITS)), [2, 3, 4]);
    }

    #[test]
    fn few_files_of_a_size_wait_in_a_partition() {
        let mut files = vec![file(1, Level::Current(1), 1000, 0, (0, 9))];
        files.extend((2..5).map(|number| file(number, Level::Current(0), 10, 0, (1, 8))));
        assert_eq!(choose(&state(files.clone()), &LIMITS), None);
        files.push(file(5, Level::Current(0), 12, 0, (2, 7)));
        let plan = choose(&state(files), &LIMITS);
        assert!(matches!(plan, Some(Plan::Merge { level: 0, .. })));
        assert_eq!(inputs(plan), [2, 3, 4, 5]);
    }

    #[test]
    fn whole_files_of_their_own_range_become_partitions_as_they_are() {
        let files =
            vec![file(1, Level::Current(1), 1000, 0, (0, 9)), file(2, Level::Current(0), 900, 0, (10, 19))];
        assert_eq!(choose(&state(files.clone()), &LIMITS), Some(Plan::Promote(2)));
        let mut overlapping = files;
        overlapping[1].first_key = vec![9];
        assert_eq!(inputs(choose(&state(overlapping), &LIMITS)), [1, 2]);
    }

    #[test]
    fn what_has_the_bytes_of_a_whole_file_is_one_however_few_its_rows() {
        let open = Slice { class: 24, number: 1 << 6 };
        let mut pair =
            vec![file(1, Level::Current(1), 20, 0, (0, 9)), file(2, Level::Current(0), 20, 0, (10, 19))];
        assert_eq!(inputs(choose(&state(pair.clone()), &LIMITS)), [1, 2]);
        pair.iter_mut().for_each(|file| file.full = true);
        assert_eq!(choose(&state(pair.clone()), &LIMITS), Some(Plan::Promote(2)));
        pair[1].level = Level::Current(1);
        assert_eq!(choose(&state(pair), &LIMITS), None);
        let mut history: Vec<FileState> =
            (1..5).map(|number| file(number, Level::History(open), 50, 0, (0, 9))).collect();
        history.iter_mut().for_each(|file| file.full = true);
        assert_eq!(choose(&state(history), &LIMITS), None);
    }

    #[test]
    fn files_across_partitions_wait_for_others_of_their_size() {
        let mut files =
            vec![file(1, Level::Current(1), 1000, 0, (0, 9)), file(2, Level::Current(1), 1000, 0, (10, 19))];
        for number in 3..6 {
            files.push(file(number, Level::Current(0), 20, 0, (1, 18)));
        }
        assert_eq!(choose(&state(files.clone()), &LIMITS), None);
        files.push(file(6, Level::Current(0), 25, 0, (2, 15)));
        let plan = choose(&state(files), &LIMITS);
        assert!(matches!(&plan, Some(Plan::Merge { level: 0, boundaries, .. }) if boundaries.len() == 2));
        assert_eq!(inputs(plan), [3, 4, 5, 6]);
    }

    #[test]
    fn history_is_merged_within_its_slice_and_a_closed_slice_once_more() {
        let open = Slice { class: 24, number: 1 << 6 };
        let closed = Slice { class: 14, number: 3 };
        let mut files: Vec<FileState> =
            (1..4).map(|number| file(number, Level::History(open), 50, 0, (0, 9))).collect();
        assert_eq!(choose(&state(files.clone()), &LIMITS), None);
        files.push(file(4, Level::History(open), 50, 0, (0, 9)));
        assert_eq!(inputs(choose(&state(files), &LIMITS)), [1, 2, 3, 4]);
        let mut files = vec![
            file(1, Level::History(closed), 50, 0, (0, 9)),
            file(2, Level::History(closed), 900, 0, (10, 19)),
        ];
        assert_eq!(choose(&state(files.clone()), &LIMITS), None);
        files[1].first_key = vec![5];
        let plan = choose(&state(files), &LIMITS);
        assert!(matches!(plan, Some(Plan::Merge { ceiling: 14, .. })));
    }

    #[test]
    fn history_before_the_horizon_goes_first() {
        let slice = Slice { class: 24, number: 1 };
        let mut all = state(vec![file(1, Level::History(slice), 50, 0, (0, 9))]);
        assert_eq!(choose(&all, &LIMITS), None);
        all.horizon = 100;
        assert_eq!(choose(&all, &LIMITS), Some(Plan::Unlink(vec![1])));
    }
}

//! The names of segment, index run and delete log files.

use crate::ids::FileId;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Segment = 1,
    IndexRun = 2,
    DeleteLog = 3,
    Changes = 4,
    Graph = 5,
}

impl FileKind {
    const ALL: [FileKind; 5] =
        [FileKind::Segment, FileKind::IndexRun, FileKind::DeleteLog, FileKind::Changes, FileKind::Graph];

    fn prefix(self) -> &'static str {
        match self {
            FileKind::Segment => "segment-",
            FileKind::IndexRun => "index-",
            FileKind::DeleteLog => "ends-",
            FileKind::Changes => "changes-",
            FileKind::Graph => "graph-",
        }
    }

    /// The name of a file of this kind.
    pub(crate) fn name(self, file: FileId) -> String {
        format!("{}{:016x}", self.prefix(), file.0)
    }
}

/// The kind and id in the name of a file; `None` for a name of another form.
pub(crate) fn kind_of_name(name: &str) -> Option<(FileKind, FileId)> {
    FileKind::ALL.into_iter().find_map(|kind| {
        let digits = name.strip_prefix(kind.prefix()).filter(|digits| digits.len() == 16)?;
        u64::from_str_radix(digits, 16).ok().map(|file| (kind, FileId(file)))
    })
}

/// The id in the name of a file of any of the kinds.
pub(crate) fn file_of_name(name: &str) -> Option<FileId> {
    kind_of_name(name).map(|(_, file)| file)
}

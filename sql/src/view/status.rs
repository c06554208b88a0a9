//! What is known of a view's steps since the server started.

use engine::Timestamp;

/// The work on one view.
#[derive(Clone, Debug, Default)]
pub struct ViewStatus {
    /// Steps that were committed.
    pub steps: u64,
    /// Of those, the ones that evaluated the whole query.
    pub recomputed: u64,
    /// Rows deleted and inserted.
    pub changes: u64,
    /// Of a view at a pace: the last moment at which its rows were found to be the answer still.
    pub unchanged_at: Option<Timestamp>,
    /// Why the last step failed, if it did.
    pub error: Option<String>,
}

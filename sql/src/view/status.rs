//! What is known of a view's steps since the server started.

/// The work on one view.
#[derive(Clone, Debug, Default)]
pub struct ViewStatus {
    /// Steps that were committed.
    pub steps: u64,
    /// Of those, the ones that evaluated the whole query.
    pub recomputed: u64,
    /// Rows deleted and inserted.
    pub changes: u64,
    /// Why the last step failed, if it did.
    pub error: Option<String>,
}

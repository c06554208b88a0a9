//! Names to ids, types, roles: immutable snapshots versioned in time.

/// The catalog as of one moment.
#[derive(Debug, Default)]
pub struct Snapshot {}

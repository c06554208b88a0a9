//! Functions about the server, the session and the catalog.

pub(super) mod comment;
pub(super) mod describe;
pub(super) mod live;
pub(super) mod name;
pub(super) mod object;
pub(super) mod privilege;
pub(super) mod sequence;
pub(super) mod session;
pub(super) mod size;
pub(super) mod visible;

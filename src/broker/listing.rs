//! A list of all subscriptions that is under way.

use bytestring::ByteString;

#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The session that is looked at, by the index of its key.
    pub(super) session: u32,
    /// Filters of it that are listed.
    pub(super) filters: usize,
    pub(super) is_done: bool,
    pub(super) found: Vec<(ByteString, ByteString)>,
}

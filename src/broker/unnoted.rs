//! Sessions with something in flight that is not noted as such.

use std::collections::VecDeque;

use super::clock::Monotonic;
use super::slab::SessionKey;

#[derive(Debug, Default)]
pub(super) struct Unnoted {
    /// In the order in which the first of it was sent.
    pub(super) sessions: VecDeque<SessionKey>,
    /// Of them, how many are gone through before the next long pause. Who is noted may be back at the end at once.
    pub(super) due: usize,
    /// When some are noted.
    pub(super) timer: Option<Monotonic>,
}

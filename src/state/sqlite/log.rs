//! How long the write-ahead log is, and when it is to be moved into the database.

use std::sync::atomic::{AtomicU32, Ordering};

/// Pages of the log that are moved into the database at once. A page that a queue writes again and again is moved once,
/// and the disk is waited for four times less often than by SQLite's own measure.
const MOVED_AT_ONCE: u32 = 4000;

/// From so many pages on the log is to begin anew, for which all of it has to be moved while nobody writes. In bytes it is
/// what [`Writer`](super::Writer) leaves of a log that was longer.
const LONGEST: u32 = 16_000;

/// How long the log is, in pages.
#[derive(Debug, Default)]
pub struct LogLength {
    /// As the last commit left it.
    pages: AtomicU32,
    /// When it was moved last.
    moved: AtomicU32,
}

impl LogLength {
    pub(super) fn note(&self, pages: u32) {
        let before = self.pages.swap(pages, Ordering::Relaxed);
        if pages < before {
            // It began anew.
            self.moved.store(0, Ordering::Relaxed);
        }
    }

    /// Whether so much of it is new that it is to be moved.
    pub fn is_to_be_moved(&self) -> bool {
        let moved = self.moved.load(Ordering::Relaxed);
        self.pages.load(Ordering::Relaxed).saturating_sub(moved) >= MOVED_AT_ONCE
    }

    /// Whether it is so long that it is to begin anew.
    pub fn is_too_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= LONGEST
    }

    /// What there is now is being moved.
    pub fn moving(&self) {
        self.moved.store(self.pages.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_moved_as_it_grows_and_when_it_has_begun_anew() {
        let length = LogLength::default();
        length.note(MOVED_AT_ONCE - 1);
        assert!(!length.is_to_be_moved());
        length.note(MOVED_AT_ONCE);
        assert!(length.is_to_be_moved());
        length.moving();
        length.note(2 * MOVED_AT_ONCE - 1);
        assert!(!length.is_to_be_moved());
        // A reader holds it, so that it goes on growing.
        length.note(2 * MOVED_AT_ONCE);
        assert!(length.is_to_be_moved() && !length.is_too_long());
        length.moving();
        length.note(LONGEST);
        assert!(length.is_too_long());
        length.note(2);
        length.note(MOVED_AT_ONCE);
        assert!(length.is_to_be_moved() && !length.is_too_long());
    }
}

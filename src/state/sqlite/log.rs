//! How long the write-ahead log is, and when it is to be moved into the database.

use std::sync::atomic::{AtomicU32, Ordering};

/// Pages of the log that are moved into the database at once. A page that a queue writes again and again is moved once,
/// and the disk is waited for four times less often than by SQLite's own measure.
const MOVED_AT_ONCE: u32 = 4000;

/// From so many pages on the log is to begin anew, for which all of it has to be moved while nobody writes. In bytes it is
/// what [`Writer`](super::Writer) leaves of a log that was longer.
const LONGEST: u32 = 16_000;

/// Pages that are moved quickly: nobody writes until they are, and the disk is waited for twice.
const LITTLE: u32 = 256;

/// From so many pages on the log begins anew at any price. While much is written, much is written between two moves, and who writes
/// would wait for all of that.
const TOO_LONG: u32 = 8 * LONGEST;

/// How long the log is, in pages.
#[derive(Debug, Default)]
pub struct LogLength {
    /// As the last commit left it.
    pages: AtomicU32,
    /// When it was moved last.
    moved: AtomicU32,
    /// Of it, what the database has.
    in_database: AtomicU32,
}

impl LogLength {
    pub(super) fn note(&self, pages: u32) {
        let before = self.pages.swap(pages, Ordering::Relaxed);
        if pages < before {
            // It began anew.
            self.moved.store(0, Ordering::Relaxed);
            self.in_database.store(0, Ordering::Relaxed);
        }
    }

    /// Whether so much of it is new that it is to be moved.
    pub fn is_to_be_moved(&self) -> bool {
        let moved = self.moved.load(Ordering::Relaxed);
        self.pages.load(Ordering::Relaxed).saturating_sub(moved) >= MOVED_AT_ONCE
    }

    /// Whether it is so long that it is to begin anew.
    pub fn is_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= LONGEST
    }

    /// Whether little is left to be moved of it, or it is so long that it does not matter.
    pub fn is_to_begin_anew(&self) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        let left = pages.saturating_sub(self.in_database.load(Ordering::Relaxed));
        pages >= LONGEST && left <= LITTLE || pages >= TOO_LONG
    }

    /// What there is now is being moved.
    pub fn moving(&self) {
        self.moved.store(self.pages.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The database has so many pages of it.
    pub fn has_moved(&self, pages: u32) {
        self.in_database.store(pages, Ordering::Relaxed);
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
        assert!(length.is_to_be_moved() && !length.is_long());
        length.moving();
        length.note(LONGEST);
        assert!(length.is_long());
        length.note(2);
        length.note(MOVED_AT_ONCE);
        assert!(length.is_to_be_moved() && !length.is_long());
    }

    #[test]
    fn a_long_log_begins_anew_when_little_is_left_of_it_or_at_any_price() {
        let length = LogLength::default();
        length.note(LONGEST - 1);
        length.has_moved(LONGEST - 1);
        assert!(!length.is_to_begin_anew());
        length.note(LONGEST + LITTLE);
        assert!(length.is_long() && !length.is_to_begin_anew());
        length.has_moved(LONGEST);
        assert!(length.is_to_begin_anew());
        length.note(TOO_LONG - 1);
        assert!(!length.is_to_begin_anew());
        length.note(TOO_LONG);
        assert!(length.is_to_begin_anew());
        // What was moved of the one before says nothing of this one.
        length.note(10);
        length.note(LONGEST + 1);
        assert!(!length.is_to_begin_anew());
    }
}

//! What is said of a source that was read.

use crate::cmd::qshape::sentences::{note, snapshot_line};
use crate::queue::{Note, Snapshot};
use crate::state::ids::UnixTime;
use crate::term::Term;

/// What was read, and what is to be said of it; damage cannot be kept quiet. Returns whether there is any.
pub fn reading(word: &str, snapshot: &Snapshot, now: UnixTime, term: &mut Term) -> bool {
    term.note(snapshot_line(word, snapshot, now));
    for found in &snapshot.notes {
        let line = format!("warning: {}", note(found));
        if found.is_damage() {
            term.complain(line);
        } else {
            term.note(line);
        }
    }
    snapshot.notes.iter().any(Note::is_damage)
}

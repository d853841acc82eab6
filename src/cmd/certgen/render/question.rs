//! A question to whoever sits at the terminal.

use crate::term::Term;

/// On standard error, behind all that was shown before.
pub fn question(text: &str, term: &mut Term) {
    term.flush();
    term.complain_raw(text.as_bytes());
}

//! Lists that an HTTP API gives page by page.

use super::Note;
use super::http::HttpError;

/// Pages of a list that are read before a server is taken for one that never ends.
pub const MAX_PAGES: u64 = 10_000;

/// Reads pages until one says that it was the last; a server that never ends is not believed.
pub fn pages(notes: &mut Vec<Note>, mut page: impl FnMut(u64) -> Result<bool, HttpError>) -> Result<(), HttpError> {
    for number in 1..=MAX_PAGES {
        if !page(number)? {
            return Ok(());
        }
    }
    notes.push(Note::Incomplete(format!("the list did not end within {MAX_PAGES} pages")));
    Ok(())
}

//! Why the operating system refused, in its own words.

use std::io;

/// The text of an error of the operating system as `strerror` gives it: `Connection refused`,
/// without Rust's `(os error 111)`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => text.trim_end_matches(&format!(" (os error {code})")).to_owned(),
        None => text,
    }
}

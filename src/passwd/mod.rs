//! The password file: what a broker reads in it ([`File`]), its lines and the hashes they hold
//! ([`Line`], [`Hash`]), changes of its text and its replacement on disk.

mod file;
mod hash;
mod line;

pub use file::{Fault, File, FileError, Verdict};
pub use hash::{Argon2Cost, DEFAULT_ITERATIONS, Hash, HashError, HashingFailed, Recipe, SALT_BYTES, SALT_BYTES_LONG};
pub use line::{Line, lines};

//! The password file: what a broker reads in it ([`File`]), its lines and the hashes they hold
//! ([`Line`], [`Hash`]), changes of its text ([`edit`]) and its replacement on disk ([`Stored`]); and [`scram`], the file of
//! keys for logins by SCRAM.

pub mod edit;
mod file;
mod foreign;
mod generate;
mod hash;
mod line;
mod many;
mod remembered;
pub mod scram;
mod stored;

pub use file::{Fault, File, FileError, Verdict};
pub use foreign::foreign_kind;
pub use generate::generate;
pub use hash::{
    Argon2Cost, DEFAULT_ITERATIONS, Hash, HashError, HashingFailed, Recipe, SALT_BYTES, SALT_BYTES_LONG,
    is_empty_password,
};
pub use line::{Line, lines};
pub use many::{make_all, make_all_scram};
pub use remembered::Remembered;
pub use stored::{Replacement, Stored, StoredError, read};

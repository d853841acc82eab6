//! What qshape shows: the table in each of its forms, and the footer below it.

mod export;
mod picture;
mod table;

pub use self::table::{footer, show};

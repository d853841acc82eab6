//! What qshape shows: the table in each of its forms, one client's messages, what its queue means, what was removed, and
//! what is said of each source.

mod explained;
mod export;
mod listed;
mod picture;
mod purged;
mod reading;
mod table;

pub use self::explained::explained;
pub use self::listed::{counted, waiting};
pub use self::purged::{ask, ended, known, nothing_removed, unknown, would_end};
pub use self::reading::reading;
pub use self::table::{footer, next_look, over_the_limit, redraw, screen, show};

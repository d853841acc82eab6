//! What makes files of the table of verbs: man pages, completions and links.

pub mod completions;
mod folder;
pub mod links;
pub mod man;
mod record_page;

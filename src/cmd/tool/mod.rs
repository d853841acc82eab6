//! What makes files of the table of verbs: man pages, completions and links.

pub mod completions;
mod findings_page;
mod folder;
pub mod json_page;
pub mod links;
pub mod man;
mod record_page;
mod reference;

//! What a batch has made.

use crate::cmd::certgen::batch::Batch;
use crate::cmd::certgen::files::shown;
use crate::cmd::certgen::manifest_file;
use crate::term::{Exit, Term, plural};

/// A row that was passed over is a thing that was asked for and not made.
pub fn batch(batch: &Batch, term: &mut Term) -> Exit {
    let Batch { folder, made, before, passed_over } = batch;
    let before = if *before > 0 { format!(", {before} were done before") } else { String::new() };
    let passed_over =
        if *passed_over > 0 { format!(", {} passed over", plural(*passed_over, "row")) } else { String::new() };
    term.line(format_args!(
        "{}: {} made{before}{passed_over}; {} lists them",
        shown(folder),
        plural(*made, "device"),
        shown(&folder.join(manifest_file::NAME))
    ));
    if passed_over.is_empty() { Exit::OK } else { Exit::FAILED }
}

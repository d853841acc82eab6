//! What `certgen key` answers.

use std::path::PathBuf;

use crate::cmd::certgen::files::shown;
use crate::cmd::certgen::key::Answer;
use crate::term::{Exit, Term};

pub fn key(answer: &Answer, term: &mut Term) -> Exit {
    match answer {
        Answer::Written => {}
        Answer::Key(bytes) => term.write(bytes),
        Answer::Pins(all) => pins(all, term),
        Answer::Match => term.line("they belong together"),
        Answer::Differ(all) => {
            pins(all, term);
            term.line("they do not belong together: the public keys differ");
            return Exit::FAILED;
        }
    }
    Exit::OK
}

fn pins(all: &[(String, PathBuf)], term: &mut Term) {
    for (pin, file) in all {
        term.line(format_args!("{pin}  {}", shown(file)));
    }
}

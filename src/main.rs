//! argv in, exit code out; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut term = moskit::term::Term::from_process();
    ExitCode::from(moskit::cmd::run(std::env::args_os(), &mut term).0)
}

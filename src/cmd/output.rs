//! Standard output that cannot be written: what that means for the verb whose result it was.

use std::io;

use crate::net::reason;
use crate::term::{Exit, Failure, Term};

/// The row of the variable for the pages of verbs that colour.
pub const NO_COLOR: (&str, &str) = (
    "NO_COLOR, CLICOLOR_FORCE",
    "No colours on a terminal; colours elsewhere too. With TERM=dumb a terminal gets no escape sequence.",
);

/// Sends what has been collected for standard output, and fails if any of the verb's result did not get out. A reader
/// that has closed the pipe has seen enough, which is no failure.
pub fn deliver(term: &mut Term) -> Result<(), Failure> {
    term.flush();
    match term.out_failed() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::FAILED, format!("cannot write to standard output: {}", reason(error))))
        }
        _ => Ok(()),
    }
}

/// As [`deliver`], for what nobody can be shown a second time: here a closed pipe is a failure as well. `what` is
/// that thing, and `consequence` what is so because of that.
pub fn deliver_once(what: &str, consequence: &str, term: &mut Term) -> Result<(), Failure> {
    term.flush();
    match term.out_failed() {
        Some(error) => Err(Failure::new(
            Exit::FAILED,
            format!("cannot write {what} to standard output: {}; {consequence}", reason(error)),
        )),
        None => Ok(()),
    }
}

/// Tells how a verb ended, and gives the code the process ends with. A verb that has failed has said so, and its code
/// stands; one whose result is lost has not succeeded.
pub fn conclude(ended: Result<Exit, Failure>, term: &mut Term) -> Exit {
    let delivered = deliver(term);
    let exit = match ended {
        Ok(exit) => exit,
        Err(failure) if failure.has_text() => {
            failure.show(term);
            return failure.exit;
        }
        Err(silent) => silent.exit,
    };
    match delivered {
        Err(lost) => {
            lost.show(term);
            if exit == Exit::OK { lost.exit } else { exit }
        }
        Ok(()) => exit,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A writer that fails, and one that is read back.
    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no thread panics with it").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn concluded(kind: io::ErrorKind, ended: Result<Exit, Failure>) -> (u8, String) {
        let kept = Kept::default();
        let mut term = Term::from_writers(Box::new(Fails(kind)), Box::new(kept.clone()));
        term.line("result");
        let exit = conclude(ended, &mut term);
        let said = kept.0.lock().expect("no thread panics with it").clone();
        (exit.0, String::from_utf8(said).expect("we write UTF-8"))
    }

    #[test]
    fn a_lost_result_is_told_in_one_line_and_no_success() {
        let lost = "error: cannot write to standard output: no storage space\n".to_owned();
        let full = io::ErrorKind::StorageFull;
        assert_eq!(concluded(full, Ok(Exit::OK)), (1, lost.clone()));
        assert_eq!(concluded(full, Ok(Exit::DAMAGED)), (2, lost.clone()));
        assert_eq!(concluded(full, Err(Failure::silent(Exit::OK))), (1, lost));
        let failure = Failure::new(Exit::USAGE, "no such thing");
        assert_eq!(concluded(full, Err(failure)), (3, "error: no such thing\n".to_owned()));
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let closed = io::ErrorKind::BrokenPipe;
        assert_eq!(concluded(closed, Ok(Exit::OK)), (0, String::new()));
        assert_eq!(concluded(closed, Ok(Exit::FAILED)), (1, String::new()));
    }
}

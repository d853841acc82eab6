//! Asking for a password: without echo on a terminal, one line when standard input is something else.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Secret, Term};
use crate::os::signal::{Signal, SignalKind, signal};
use crate::os::terminal::{self, EchoOff};

/// Longest line that is taken for a password: what an MQTT packet can carry, and one more to tell.
const MAX_LINE: usize = 65_536;

/// Where the question is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Standard output, as mosquitto_passwd does.
    Out,
    /// Standard error: for verbs whose output is somebody's input.
    Err,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum AskError {
    /// A signal ended the question: its number.
    Signal(u8),
    Read(io::Error),
}

impl Term {
    /// Asks for a password. The terminal has its echo back when this returns, also when a signal is
    /// the reason. Not for use inside a tokio runtime.
    pub fn ask_secret(&mut self, question: &str, audience: Audience) -> Result<Secret, AskError> {
        // Both before the question is seen: what is typed at once is not shown, and a signal at once
        // does not leave the terminal silent.
        let mut signals = Signals::listen().map_err(AskError::Read)?;
        let mut input = terminal::unbuffered_input().map_err(AskError::Read)?;
        let echo_off = EchoOff::begin(&input);
        self.show(question, audience);
        let is_typed = echo_off.is_some();
        let answer = signals.unless_first(move || if is_typed { typed_line(input) } else { read_line(&mut input) });
        drop(echo_off);
        self.show("\n", audience);
        answer
    }

    /// As [`Term::ask_secret`], but on the terminal that the process belongs to: standard input may be a
    /// program's data. Fails where there is no terminal.
    pub fn ask_on_terminal(&mut self, question: &str) -> Result<Secret, AskError> {
        let (input, mut output) = terminal::own().map_err(AskError::Read)?;
        let mut signals = Signals::listen().map_err(AskError::Read)?;
        let echo_off = EchoOff::begin(&input);
        self.flush();
        // A terminal that shows nothing can still be typed on.
        let _ = output.write_all(question.as_bytes());
        let answer = signals.unless_first(move || typed_line(input));
        drop(echo_off);
        let _ = output.write_all(b"\n");
        answer
    }

    fn show(&mut self, text: &str, audience: Audience) {
        match audience {
            Audience::Out => {
                self.write(text.as_bytes());
                self.flush();
            }
            Audience::Err => self.complain_raw(text.as_bytes()),
        }
    }
}

/// A question has been asked: tokio does not give a signal back its default action.
static SIGNALS_ARE_TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether SIGINT, SIGTERM, SIGHUP and SIGQUIT do nothing any more unless somebody listens for them.
pub fn signals_are_taken() -> bool {
    SIGNALS_ARE_TAKEN.load(Ordering::Relaxed)
}

/// The signals that end a question, and the runtime that hears them.
struct Signals {
    runtime: Runtime,
    heard: Vec<(SignalKind, Signal)>,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let runtime = crate::os::runtime::on_this_thread()?;
        SIGNALS_ARE_TAKEN.store(true, Ordering::Relaxed);
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
        let entered = runtime.enter();
        let heard = kinds.into_iter().map(|kind| Ok((kind, signal(kind)?))).collect::<io::Result<_>>()?;
        drop(entered);
        Ok(Self { runtime, heard })
    }

    /// Reads on a thread of its own, which nobody waits for when a signal comes first.
    fn unless_first(&mut self, read: impl FnOnce() -> io::Result<Secret> + Send + 'static) -> Result<Secret, AskError> {
        let (sender, mut answer) = oneshot::channel();
        std::thread::spawn(move || {
            // Nobody listens any more once a signal has come.
            let _ = sender.send(read());
        });
        let heard = &mut self.heard;
        self.runtime.block_on(poll_fn(|context| {
            for (kind, signal) in heard.iter_mut() {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(Err(AskError::Signal(kind.as_raw_value() as u8)));
                }
            }
            let answer = ready!(Pin::new(&mut answer).poll(context));
            Poll::Ready(answer.expect("the reader sends before it ends").map_err(AskError::Read))
        }))
    }
}

/// A line typed on the terminal, with rpassword's editing (backspace, Ctrl-U, Ctrl-W).
fn typed_line(terminal: File) -> io::Result<Secret> {
    let config = terminal::line_of(terminal).output_discard().build();
    match rpassword::read_password_with_config(config) {
        Ok(line) => Ok(Secret::new(line)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Secret::new([])),
        Err(error) => Err(error),
    }
}

/// One line without its end; what follows it stays to be read. Too long a line comes back as one
/// byte more than a password may have.
fn read_line(input: &mut impl Read) -> io::Result<Secret> {
    // Reserved at once: a vector that grows would leave unwiped copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
    let mut byte = [0];
    while line.len() < MAX_LINE && input.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    Ok(Secret::new(&line[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_its_line_end_and_the_next_one_is_left() {
        let mut input = &b"one\r\n\nthree"[..];
        for expected in [&b"one"[..], b"", b"three", b""] {
            assert_eq!(read_line(&mut input).unwrap().expose(), expected);
        }
    }

    #[test]
    fn a_line_longer_than_a_password_may_be_is_seen_to_be_too_long() {
        let text = vec![b'x'; 70_000];
        assert_eq!(read_line(&mut text.as_slice()).unwrap().expose().len(), 65_536);
    }
}

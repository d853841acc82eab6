//! How sub and rr print a message: plain, with its topic, or by a format.

use std::time::{Duration, Instant};

use super::client_args::{ArgError, ClientArgs};
use crate::mqtt::packet::Publish;
use crate::term::Term;

/// Prints messages the way the options ask for.
#[derive(Debug)]
pub struct Printer {
    style: Style,
    newline: bool,
    /// `--message-rate`: the messages of this second, and when it ends.
    rate: Option<(u64, Instant)>,
}

#[derive(Debug)]
enum Style {
    /// The payload; nothing at all if it is empty.
    Payload,
    /// `topic payload`.
    Verbose,
}

impl Printer {
    pub fn new(args: &ClientArgs) -> Result<Self, ArgError> {
        if args.format.is_some() || args.watch || args.random_filter.is_some() {
            return Err(ArgError::plain("Error: -F, --watch and --random-filter are not there yet."));
        }
        let style = if args.verbose { Style::Verbose } else { Style::Payload };
        let rate = args.message_rate.then(|| (0, Instant::now() + Duration::from_secs(1)));
        Ok(Self { style, newline: !args.no_newline, rate })
    }

    /// What is shown before the first message.
    pub fn start(&mut self, _host: &str, _term: &mut Term) {}

    /// Counts a message, printed or not.
    pub fn count(&mut self) {
        if let Some((count, _)) = &mut self.rate {
            *count += 1;
        }
    }

    /// When [`Printer::tick`] has something to print.
    pub fn deadline(&self) -> Option<Instant> {
        self.rate.map(|(_, at)| at)
    }

    /// Prints the rate of the second that is over.
    pub fn tick(&mut self, now: Instant, term: &mut Term) {
        if let Some((count, at)) = &mut self.rate
            && *at <= now
        {
            term.line(format_args!("{count} msgs/s"));
            *count = 0;
            *at += Duration::from_secs(1);
        }
    }

    pub fn print(&mut self, publish: &Publish, term: &mut Term) {
        if self.rate.is_some() {
            return;
        }
        let payload = &publish.payload;
        match self.style {
            Style::Payload if payload.is_empty() => return,
            Style::Payload => term.write(payload),
            Style::Verbose if payload.is_empty() && !self.newline => return,
            Style::Verbose => {
                term.write(publish.topic.as_bytes());
                term.write(b" ");
                term.write(if payload.is_empty() { b"(null)" } else { payload });
            }
        }
        if self.newline {
            term.write(b"\n");
        }
    }
}

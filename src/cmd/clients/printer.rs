//! What sub and rr show: messages, a rate, or a screen with a line for each topic.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use super::watch::{Screen, Size};
use crate::cmd::connect::args::ClientArgs;
use crate::decode::{Colours, Decoded, FormatError, Select, write_json};
use crate::mqtt::packet::PublishRef;
use crate::record;
use crate::term::format::{Printer as Renderer, Style};
use crate::term::{Foreign, Term, escape_controls_in_json, escape_for_terminal};

/// Most topics that `--watch` gives a line of their own; a screen has no more lines than this.
const WATCHED_TOPICS: usize = 10_000;

const SECOND: Duration = Duration::from_secs(1);

/// Of so many messages `--random-filter` prints its share.
const WHOLE: u32 = 10_000;

/// Prints messages the way the options ask for.
#[derive(Debug)]
pub struct Printer {
    renderer: Renderer,
    /// What ends a line, where nothing but payloads is shown.
    bare: Option<&'static [u8]>,
    /// Messages are recorded, and nothing asks for them to be printed as well.
    is_silent: bool,
    shows_time: bool,
    /// The terminal is to be kept from strangers' control characters.
    safe: bool,
    /// `--select`
    select: Option<Select>,
    /// How decoded JSON is laid out, where no other option says how a message looks.
    layout: Option<Layout>,
    /// Topics whose payloads are not what they were said to be, and that has been told.
    said: HashSet<String>,
    selected: Vec<u8>,
    /// `--ndjson`
    records: Option<record::Writer>,
    buffer: Vec<u8>,
    rate: Option<Rate>,
    /// `--watch` under Mosquitto's name.
    watch: Option<Watch>,
    /// `--watch` under our own, on a terminal that knows escape sequences.
    screen: Option<Screen>,
    /// What is shown in a row of it.
    row: Vec<u8>,
    random: Option<RandomFilter>,
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// `-v`
    has_topic: bool,
    /// A line for each member and element.
    is_pretty: bool,
    colours: Option<&'static Colours>,
    line_end: &'static [u8],
}

const COLOURS: Colours =
    Colours { key: "\x1b[34m", text: "\x1b[32m", number: "\x1b[36m", word: "\x1b[35m", end: "\x1b[0m" };

/// `--message-rate`: the messages of this second, and when it ends.
#[derive(Debug)]
struct Rate {
    messages: u64,
    until: Instant,
}

/// `--watch` as Mosquitto has it: which line of the screen each topic has.
#[derive(Debug, Default)]
struct Watch {
    lines: HashMap<String, usize>,
}

/// `--random-filter`: lets a share of the messages through.
#[derive(Debug)]
struct RandomFilter {
    share: u32,
    state: u64,
}

impl Printer {
    /// `as_mosquitto`: whatever a message has goes to a terminal as it is, and `%J` reads it as Mosquitto's clients do.
    pub fn new(args: &ClientArgs, as_mosquitto: bool, term: &Term) -> Self {
        let safe = term.out_is_terminal() && !as_mosquitto && !args.data.raw;
        let style = match &args.format {
            Some(format) => Style::Format(format.clone()),
            // A row of a screen, or in a pipe a line, would else not say whose it is.
            None if args.verbose || args.watch && !as_mosquitto => Style::Verbose,
            None => Style::Payload,
        };
        let is_bare = style == Style::Payload
            && !args.message_rate
            && !args.watch
            && args.random_filter.is_none()
            && !args.data.ndjson
            && args.data.select.is_none()
            && args.data.decodes.is_empty()
            && !safe;
        let renderer = Renderer::new(style, !args.no_newline, args.pretty);
        let renderer = if as_mosquitto { renderer } else { renderer.whole() };
        let line_end: &[u8] = if args.no_newline { b"" } else { b"\n" };
        Self {
            bare: is_bare.then_some(line_end),
            is_silent: args.data.record.is_some()
                && args.format.is_none()
                && !(args.verbose || args.watch || args.message_rate)
                && args.data.select.is_none()
                && args.data.decodes.is_empty(),
            shows_time: args.format.is_some(),
            safe,
            select: args.data.select.clone(),
            layout: (args.format.is_none() && !args.watch).then(|| Layout {
                has_topic: args.verbose,
                is_pretty: args.pretty || term.out_is_terminal(),
                colours: colored::control::SHOULD_COLORIZE.should_colorize().then_some(&COLOURS),
                line_end,
            }),
            said: HashSet::new(),
            selected: Vec::new(),
            records: args.data.ndjson.then(record::Writer::default),
            renderer: if args.watch && (as_mosquitto || term.out_draws()) {
                renderer.on_screen()
            } else if safe {
                renderer.on_terminal()
            } else {
                renderer
            },
            buffer: Vec::new(),
            rate: args.message_rate.then(|| Rate::new(Instant::now())),
            watch: (args.watch && as_mosquitto).then(Watch::default),
            screen: (args.watch && !as_mosquitto && term.out_draws()).then(Screen::default),
            row: Vec::new(),
            random: args.random_filter.map(RandomFilter::new),
        }
    }

    /// What is shown before the first message.
    pub fn start(&mut self, host: &str, term: &mut Term) {
        if self.watch.is_some() || self.screen.is_some() {
            term.write(b"\x1b[2J\x1b[1;1H");
            term.line(format_args!("Broker: {host}"));
        }
    }

    /// Leaves the screen in order.
    pub fn finish(&mut self, term: &mut Term) {
        if let Some(screen) = &self.screen {
            self.buffer.clear();
            screen.leave(size(term), &mut self.buffer);
            term.write(&self.buffer);
        }
    }

    /// Counts a message, printed or not.
    #[inline]
    pub fn count(&mut self) {
        if let Some(rate) = &mut self.rate {
            rate.messages += 1;
        }
    }

    /// When [`Printer::tick`] has something to print.
    pub fn deadline(&self) -> Option<Instant> {
        self.rate.as_ref().map(|rate| rate.until)
    }

    /// Prints the rate of the second that is over.
    pub fn tick(&mut self, now: Instant, term: &mut Term) {
        if let Some(messages) = self.rate.as_mut().and_then(|rate| rate.tick(now)) {
            term.line(format_args!("{messages} msgs/s"));
        }
    }

    /// `decoded`: what `--decode` makes of the payload, or why it does not.
    #[inline]
    pub fn print(&mut self, publish: PublishRef<'_>, decoded: Option<Result<Decoded, FormatError>>, term: &mut Term) {
        if self.is_silent {
            return;
        }
        match self.bare {
            Some(_) if publish.payload.is_empty() => {}
            Some(line_end) => {
                term.write(publish.payload);
                term.write(line_end);
            }
            None => self.print_dressed(publish, decoded, term),
        }
    }

    /// With what was decoded in place of the payload, and of that what `--select` finds: nothing is printed if it finds
    /// nothing. What is not in the format, or is no JSON, is printed as it is.
    fn print_dressed(
        &mut self,
        publish: PublishRef<'_>,
        decoded: Option<Result<Decoded, FormatError>>,
        term: &mut Term,
    ) {
        let json = match decoded {
            None => None,
            Some(Ok(Decoded::Json(json))) => Some(json),
            Some(Ok(Decoded::Text(text))) => return self.print_around(PublishRef { payload: &text, ..publish }, term),
            Some(Err(error)) => {
                let topic = publish.topic;
                self.warn_once(topic, |topic| format!("the payload on '{topic}' is not decoded: {error}"), term);
                return self.print_around(publish, term);
            }
        };
        let Some(select) = &self.select else {
            return match json {
                Some(json) => self.print_json(publish, json, term),
                None => self.print_around(publish, term),
            };
        };
        let mut selected = std::mem::take(&mut self.selected);
        selected.clear();
        match select.write(json.as_deref().unwrap_or(publish.payload), &mut selected) {
            Ok(true) => self.print_around(PublishRef { payload: &selected, ..publish }, term),
            Ok(false) => {}
            Err(error) => {
                let why = |topic: Foreign<'_>| format!("nothing can be selected on '{topic}': {error}");
                self.warn_once(publish.topic, why, term);
                self.print_around(publish, term);
            }
        }
        self.selected = selected;
    }

    /// What is wrong with the payloads of a topic, once.
    fn warn_once(&mut self, topic: &str, what: impl FnOnce(Foreign<'_>) -> String, term: &mut Term) {
        let is_new = self.said.len() < WATCHED_TOPICS && self.said.insert(topic.to_owned());
        if is_new {
            term.note(format_args!("Warning: {}.", what(Foreign::new(topic))));
        }
    }

    /// JSON on its own, or behind its topic, is laid out as the terminal or `--pretty` asks for; elsewhere it is a line.
    fn print_json(&mut self, publish: PublishRef<'_>, mut json: Vec<u8>, term: &mut Term) {
        if self.safe {
            escape_controls_in_json(&mut json, 0);
        }
        let Some(layout) = self.layout.filter(|_| self.rate.is_none()) else {
            return self.print_around(PublishRef { payload: &json, ..publish }, term);
        };
        if self.random.as_mut().is_some_and(|random| !random.lets_through()) {
            return;
        }
        self.buffer.clear();
        if layout.has_topic {
            if self.safe {
                escape_for_terminal(publish.topic.as_bytes(), &mut self.buffer);
            } else {
                self.buffer.extend_from_slice(publish.topic.as_bytes());
            }
            self.buffer.push(b' ');
        }
        write_json(&json, layout.is_pretty, layout.colours, &mut self.buffer);
        self.buffer.extend_from_slice(layout.line_end);
        term.write(&self.buffer);
    }

    /// With what the other options put around the payload.
    fn print_around(&mut self, publish: PublishRef<'_>, term: &mut Term) {
        if self.rate.is_some() {
            return;
        }
        self.buffer.clear();
        if self.screen.is_some() {
            return self.show_on_screen(publish, term);
        }
        if let Some(watch) = &mut self.watch {
            watch.go_to_line_of(publish.topic, &mut self.buffer);
        }
        if self.random.as_mut().is_some_and(|random| !random.lets_through()) {
            // A topic has its line of the screen even if nothing is shown there.
            term.write(&self.buffer);
            return;
        }
        if let Some(records) = &mut self.records {
            records.write(&publish, SystemTime::now().into(), &mut self.buffer);
            if self.safe {
                escape_controls_in_json(&mut self.buffer, 0);
            }
            term.write(&self.buffer);
            return;
        }
        // Only a format shows the time, and asking for it costs more than printing a short message.
        let now = if self.shows_time { SystemTime::now() } else { SystemTime::UNIX_EPOCH };
        let complaints = self.renderer.render(publish, now, &mut self.buffer);
        if let Some(watch) = &self.watch {
            watch.go_below(&mut self.buffer);
        }
        for complaint in complaints {
            term.complain_raw(complaint.text(publish.topic).as_bytes());
        }
        term.write(&self.buffer);
    }

    /// In the row of its topic.
    fn show_on_screen(&mut self, publish: PublishRef<'_>, term: &mut Term) {
        let Some(screen) = &mut self.screen else { return };
        if self.random.as_mut().is_some_and(|random| !random.lets_through()) {
            return;
        }
        let now = if self.shows_time { SystemTime::now() } else { SystemTime::UNIX_EPOCH };
        self.row.clear();
        // What a message lacks that the format asks for would disturb the screen if it were told.
        self.renderer.render(publish, now, &mut self.row);
        screen.show(publish.topic, &self.row, size(term), &mut self.buffer);
        term.write(&self.buffer);
    }
}

/// That of the terminal, or one that terminals have had since there were any.
fn size(term: &Term) -> Size {
    let (columns, rows) = term.size().unwrap_or((80, 24));
    Size { columns, rows }
}

impl Rate {
    fn new(now: Instant) -> Self {
        Self { messages: 0, until: now + SECOND }
    }

    /// The messages of the second, once it is over.
    fn tick(&mut self, now: Instant) -> Option<u64> {
        if now < self.until {
            return None;
        }
        self.until += SECOND;
        Some(std::mem::take(&mut self.messages))
    }
}

impl Watch {
    /// The first line is the broker's; topics get the next ones as they come.
    fn go_to_line_of(&mut self, topic: &str, out: &mut Vec<u8>) {
        let next = self.lines.len() + 2;
        let line = match self.lines.get(topic) {
            Some(line) => *line,
            None if self.lines.len() < WATCHED_TOPICS => {
                self.lines.insert(topic.to_owned(), next);
                next
            }
            None => next,
        };
        out.extend_from_slice(format!("\x1b[{line};1H").as_bytes());
    }

    fn go_below(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("\x1b[{};1H\n", self.lines.len() + 1).as_bytes());
    }
}

impl RandomFilter {
    /// `share` of [`WHOLE`].
    fn new(share: u32) -> Self {
        let mut seed = [0; 8];
        // Which messages are shown is no secret: without randomness it is the same ones each time.
        let _ = aws_lc_rs::rand::fill(&mut seed);
        Self { share, state: u64::from_le_bytes(seed) | 1 }
    }

    /// A step of Marsaglia's xorshift, whose quality is enough for a share.
    fn lets_through(&mut self) -> bool {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % u64::from(WHOLE)) < u64::from(self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_filter_lets_its_percentage_through() {
        for (share, low, high) in [(10_000, 100_000, 100_000), (5_000, 49_000, 51_000), (10, 50, 160)] {
            let mut filter = RandomFilter { share, state: 88_172_645_463_325_252 };
            let through = (0..100_000).filter(|_| filter.lets_through()).count();
            assert!((low..=high).contains(&through), "{share}: {through}");
        }
    }

    #[test]
    fn a_rate_is_told_once_a_second_and_begins_anew() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut rate = Rate::new(start);
        rate.messages = 3;
        assert_eq!(rate.tick(after(999)), None);
        assert_eq!(rate.tick(after(1000)), Some(3));
        assert_eq!(rate.tick(after(1999)), None);
        rate.messages = 1;
        // Late is no reason to move the seconds that follow.
        assert_eq!((rate.tick(after(2700)), rate.tick(after(2999)), rate.tick(after(3000))), (Some(1), None, Some(0)));
    }

    #[test]
    fn each_topic_keeps_its_line_of_the_screen() {
        let mut watch = Watch::default();
        let mut out = Vec::new();
        for topic in ["a", "b", "a"] {
            watch.go_to_line_of(topic, &mut out);
        }
        watch.go_below(&mut out);
        assert_eq!(out, b"\x1b[2;1H\x1b[3;1H\x1b[2;1H\x1b[3;1H\n");
    }
}

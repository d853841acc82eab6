//! Reads the sources once and counts what they hold.

use indicatif::{ProgressBar, ProgressStyle};

use super::options::By;
use super::options::{TableOptions, or_none};
use super::sources::Sources;
use crate::cmd::connect::unreadable::cannot_read;
use crate::queue::shape::Shape;
use crate::queue::{Error, Item, Note, Snapshot, Total, Waiting, Want};
use crate::state::ids::UnixTime;
use crate::term::{Failure, Term};

/// Reading less than this is done before a bar could be seen.
const PROGRESS_FROM: u64 = 64 * 1024 * 1024;
const NANOS_PER_MINUTE: f64 = 60e9;

/// What was counted.
#[derive(Debug)]
pub struct Counted {
    pub shape: Shape,
    /// Each source's word, what it said of itself, and the moment its ages were counted at.
    pub snapshots: Vec<(String, Snapshot, UnixTime)>,
    /// Messages that are too old for `--fail-over`.
    pub too_old: u64,
    /// Messages of which it is not known whether they are, or whether `--older` takes them.
    pub undecided: u64,
    /// Counts of clients whose messages a source did not list.
    pub totals: u64,
}

impl Counted {
    /// What was counted, without what sources said of themselves.
    fn so_far(&self) -> SoFar {
        SoFar { shape: self.shape.clone(), numbers: (self.too_old, self.undecided, self.totals) }
    }

    fn go_back(&mut self, to: SoFar) {
        self.shape = to.shape;
        (self.too_old, self.undecided, self.totals) = to.numbers;
    }

    pub fn is_damaged(&self) -> bool {
        self.snapshots.iter().any(|(_, snapshot, _)| snapshot.notes.iter().any(Note::is_damage))
    }
}

/// Bytes remembered of messages at once: twenty million of ten days are read in two slices.
const MEMORY: usize = 36 << 20;

/// What was counted before a source, which may have to be read again.
struct SoFar {
    shape: Shape,
    numbers: (u64, u64, u64),
}

/// Reads all sources.
pub fn count(options: &TableOptions, sources: &Sources, term: &Term) -> Result<Counted, Failure> {
    let shape = Shape::new(options.buckets.clone(), UnixTime::from_seconds(0), options.by_bytes);
    let mut counting = Counting {
        options,
        takes_all: options.selection.takes_all(),
        counted: Counted { shape, snapshots: Vec::new(), too_old: 0, undecided: 0, totals: 0 },
        now: UnixTime::from_seconds(0),
        row: String::new(),
        bar: Bar { shown: term.err_is_terminal() && !term.is_quiet(), bar: None },
    };
    let want = Want { progress: counting.bar.shown, memory: Some(MEMORY), ..options.want(sources.age_from.clone()) };
    for word in &sources.words {
        counting.now = sources.now(word);
        counting.counted.shape.begin(counting.now);
        let before = counting.counted.so_far();
        let read = |want: &Want, counting: &mut Counting<'_>| -> Result<_, Failure> {
            let snapshot = sources.open(word)?.read(want, &mut |item| counting.item(&item));
            counting.bar.finish();
            Ok(snapshot)
        };
        let mut snapshot = read(&want, &mut counting)?;
        if let Err(Error::Disordered(_)) = snapshot {
            counting.counted.go_back(before);
            snapshot = read(&Want { memory: None, ..want.clone() }, &mut counting)?;
        }
        let mut snapshot = snapshot.map_err(|error| cannot_read(&error, sources.place(word)))?;
        if counting.counted.totals > 0 && options.selection.needs_messages() {
            snapshot.notes.push(Note::NotKnown("messages, so they could not be selected"));
        }
        counting.counted.snapshots.push((word.clone(), snapshot, counting.now));
    }
    Ok(counting.counted)
}

struct Counting<'a> {
    options: &'a TableOptions,
    /// Nothing is to be left out, so no message needs a look.
    takes_all: bool,
    counted: Counted,
    now: UnixTime,
    /// For names of rows that have to be made; kept to reuse its memory.
    row: String,
    bar: Bar,
}

impl Counting<'_> {
    fn item(&mut self, item: &Item<'_>) {
        match item {
            Item::Message(message) => self.message(message),
            Item::Total(total) => self.total(total),
            Item::Session(_) => {}
            Item::Progress { done, of } => self.bar.show(*done, *of),
        }
    }

    fn message(&mut self, message: &Waiting<'_>) {
        if !self.takes_all && !self.options.selection.takes(message, self.now) {
            self.counted.undecided += u64::from(self.options.selection.is_not_known(message, self.now));
            return;
        }
        if let Some(limit) = self.options.fail_over {
            let is_over = |age: i64| age as f64 > limit.minutes * NANOS_PER_MINUTE;
            if message.since.least_age(self.now).is_some_and(is_over) {
                self.counted.too_old += 1;
            } else if message.since.most_age(self.now).is_none_or(is_over) {
                self.counted.undecided += 1;
            }
        }
        let number = self.options.number_of(message);
        self.counted.shape.add(number, || self.options.row_of(message, &mut self.row), message);
    }

    fn total(&mut self, total: &Total<'_>) {
        if total.waiting() == 0 || !self.options.selection.takes_client(total.client) {
            return;
        }
        self.counted.totals += 1;
        if self.options.fail_over.is_some() || self.options.selection.older_minutes.is_some() {
            self.counted.undecided = self.counted.undecided.saturating_add(total.waiting());
        }
        let row = match self.options.by {
            By::Client | By::ClientTopic => total.client,
            By::User => or_none(total.user),
            By::Topic | By::Filter | By::Publisher | By::Qos => "(not told)",
        };
        self.counted.shape.add_total(self.options.folded(row), total);
    }
}

/// A bar on standard error for long files.
struct Bar {
    shown: bool,
    bar: Option<ProgressBar>,
}

impl Bar {
    fn show(&mut self, done: u64, of: u64) {
        if !self.shown || of < PROGRESS_FROM {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {eta} left");
            ProgressBar::new(of).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done);
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

//! The table: how many messages wait for whom, by age. Pure; rows are added one message at a time,
//! laid out when all are counted.

mod buckets;
mod parents;
mod table;

use hashbrown::HashMap;

use super::{Since, Total, Waiting};
use crate::state::ids::UnixTime;

pub use buckets::{Buckets, MAX_BUCKETS, Scale};
pub use parents::{Parents, Tree};
pub use table::{Cell, Layout, Line, Table};

/// The counts of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages or, when counting bytes, their payload bytes; the sum of all buckets and of `unknown`.
    pub total: u64,
    pub buckets: Vec<u64>,
    /// Of unknown age.
    pub unknown: u64,
    pub in_flight: u64,
    pub messages: u64,
    pub bytes: u64,
    pub expired: u64,
    /// Age of the oldest in nanoseconds, where known.
    pub oldest: Option<i64>,
    /// Sum of all known ages in nanoseconds; `i128`, because a million messages of a year overflow less.
    pub age_sum: i128,
}

impl Counts {
    fn new(buckets: usize) -> Self {
        Self { buckets: vec![0; buckets], ..Self::default() }
    }

    /// Numbers that an API or a line of JSON makes up stop at the largest there is.
    #[inline]
    fn add(&mut self, one: &One) {
        grow(&mut self.total, one.weight);
        match one.bucket {
            Some(bucket) => grow(&mut self.buckets[bucket], one.weight),
            None => grow(&mut self.unknown, one.weight),
        }
        grow(&mut self.in_flight, one.in_flight);
        grow(&mut self.messages, one.messages);
        grow(&mut self.bytes, one.bytes);
        self.expired += one.expired;
        self.oldest = self.oldest.max(one.age);
        self.age_sum += i128::from(one.age.unwrap_or(0));
    }

    fn add_all(&mut self, other: &Self) {
        grow(&mut self.total, other.total);
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            grow(mine, *theirs);
        }
        grow(&mut self.unknown, other.unknown);
        grow(&mut self.in_flight, other.in_flight);
        grow(&mut self.messages, other.messages);
        grow(&mut self.bytes, other.bytes);
        self.expired += other.expired;
        self.oldest = self.oldest.max(other.oldest);
        self.age_sum += other.age_sum;
    }
}

#[inline]
fn grow(count: &mut u64, by: u64) {
    *count = count.saturating_add(by);
}

/// What one message, or one client's total, adds to a row.
struct One {
    weight: u64,
    bucket: Option<usize>,
    age: Option<i64>,
    in_flight: u64,
    messages: u64,
    bytes: u64,
    expired: u64,
}

/// A row that has been counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub is_parent: bool,
    pub counts: Counts,
}

/// The table while it is counted.
#[derive(Clone, Debug)]
pub struct Shape {
    buckets: Buckets,
    now: UnixTime,
    by_bytes: bool,
    rows: Vec<Row>,
    index: HashMap<String, usize>,
    /// The rows of the names that have a number in the source that is counted.
    numbered: Vec<Option<usize>>,
    /// The row of the message before, and its column: the next one is nearly always of the same client,
    /// and hardly younger.
    last: usize,
    last_bucket: usize,
}

impl Shape {
    /// A table of ages at `now`. With `by_bytes` payload bytes are counted instead of messages.
    pub fn new(buckets: Buckets, now: UnixTime, by_bytes: bool) -> Self {
        let (rows, index, numbered) = (Vec::new(), HashMap::new(), Vec::new());
        Self { buckets, now, by_bytes, rows, index, numbered, last: 0, last_bucket: 0 }
    }

    /// What is added from here on is another source's, which has numbers of its own; ages are counted at `now`.
    pub fn begin(&mut self, now: UnixTime) {
        self.now = now;
        self.numbered.clear();
    }

    /// Counts one message into the row `name`, which need not be made once its number is known.
    #[inline]
    pub fn add<'a>(&mut self, number: Option<u32>, name: impl FnOnce() -> &'a str, message: &Waiting<'_>) {
        let (bucket, age) = self.bucket(message.since);
        let weight = if self.by_bytes { message.bytes } else { 1 };
        let one = One {
            weight,
            bucket,
            age,
            in_flight: if message.is_in_flight() { weight } else { 0 },
            messages: 1,
            bytes: message.bytes,
            expired: u64::from(message.is_expired(self.now)),
        };
        let row = match number {
            Some(number) => self.row_numbered(number, name),
            None => self.row(name()),
        };
        self.rows[row].counts.add(&one);
    }

    /// Counts a client's total into the row `name`; its messages' ages are unknown.
    pub fn add_total(&mut self, name: &str, total: &Total<'_>) {
        let (messages, bytes) = (total.waiting(), total.bytes.unwrap_or(0));
        let one = One {
            weight: if self.by_bytes { bytes } else { messages },
            bucket: None,
            age: total.oldest.map(|oldest| self.now.nanos_since(oldest)),
            in_flight: if self.by_bytes { 0 } else { total.in_flight },
            messages,
            bytes,
            expired: 0,
        };
        let row = self.row(name);
        self.rows[row].counts.add(&one);
    }

    #[inline]
    fn row_numbered<'a>(&mut self, number: u32, name: impl FnOnce() -> &'a str) -> usize {
        let number = number as usize;
        if let Some(Some(row)) = self.numbered.get(number) {
            return *row;
        }
        let row = self.row(name());
        self.numbered.resize(self.numbered.len().max(number + 1), None);
        self.numbered[number] = Some(row);
        row
    }

    #[inline]
    fn row(&mut self, name: &str) -> usize {
        if self.rows.get(self.last).is_none_or(|row| row.name != name) {
            self.last = match self.index.get(name) {
                Some(row) => *row,
                None => self.new_row(name),
            };
        }
        self.last
    }

    #[cold]
    fn new_row(&mut self, name: &str) -> usize {
        let counts = Counts::new(self.buckets.len());
        self.rows.push(Row { name: name.to_owned(), is_parent: false, counts });
        self.index.insert(name.to_owned(), self.rows.len() - 1);
        self.rows.len() - 1
    }

    /// The bucket that a message falls into, `None` when it could be more than one, and the age that is
    /// certain.
    #[inline]
    fn bucket(&mut self, since: Since) -> (Option<usize>, Option<i64>) {
        match since {
            Since::Exact(at) | Since::Look { by: at, .. } => {
                let age = self.now.nanos_since(at);
                self.last_bucket = self.buckets.near(self.last_bucket, age);
                (Some(self.last_bucket), Some(age))
            }
            Since::Between { from, to } => {
                let of = |at: UnixTime| self.buckets.of(self.now.nanos_since(at));
                (Some(of(to)).filter(|bucket| *bucket == of(from)), since.least_age(self.now))
            }
            Since::Unknown => (None, None),
        }
    }

    /// The rows in the order of the table: greatest total first, ties by the shorter name, then by
    /// name. With `parents`, rows that sum up the names below them are added.
    pub fn into_rows(self, parents: Option<&Parents>) -> (Buckets, Counts, Vec<Row>) {
        let mut rows = self.rows;
        let mut total = Counts::new(self.buckets.len());
        for row in &rows {
            total.add_all(&row.counts);
        }
        if let Some(parents) = parents {
            let sums = parents.rows(&rows, self.buckets.len());
            rows.extend(sums);
        }
        rows.sort_by(|a, b| {
            (b.counts.total.cmp(&a.counts.total))
                .then(a.name.len().cmp(&b.name.len()))
                .then_with(|| a.name.cmp(&b.name))
                .then(a.is_parent.cmp(&b.is_parent))
        });
        (self.buckets, total, rows)
    }
}

//! What the table shows in each of its forms, counted and in order.

use super::count::Counted;
use super::options::TableOptions;
use crate::queue::shape::{Buckets, Counts, Layout, Row, Table};
use crate::queue::{Note, Snapshot};
use crate::state::ids::UnixTime;

/// Everything that a form of output shows.
#[derive(Debug)]
pub struct Report<'a> {
    pub options: &'a TableOptions,
    pub buckets: Buckets,
    pub total: Counts,
    pub rows: Vec<Row>,
    pub snapshots: Vec<(String, Snapshot, UnixTime)>,
}

impl<'a> Report<'a> {
    pub fn new(options: &'a TableOptions, counted: Counted) -> Self {
        let Counted { shape, snapshots, .. } = counted;
        let (buckets, total, mut rows) = shape.into_rows(options.parents.as_ref());
        rows.retain(|row| row.counts.total >= options.least);
        Self { options, buckets, total, rows, snapshots }
    }

    /// What the messages do that were counted.
    pub fn verb(&self) -> &'static str {
        let are_stored = |snapshot: &Snapshot| snapshot.notes.iter().any(|note| matches!(note, Note::StoredOnce));
        if self.snapshots.iter().any(|(_, snapshot, _)| are_stored(snapshot)) { "stored" } else { "waiting" }
    }

    /// The table, laid out.
    pub fn table(&self) -> Table {
        let Self { options, .. } = self;
        let layout =
            Layout { width: options.width, rows: options.rows, in_flight: options.in_flight, folds: options.folds };
        Table::new(&self.buckets, &self.total, &self.rows, layout)
    }
}

/// The greatest number of an age column, TOTAL aside.
pub fn hottest(table: &Table) -> u64 {
    let cells = table.lines.iter().filter(|line| !line.is_total).flat_map(|line| &line.cells);
    cells.filter(|cell| cell.is_age).map(|cell| cell.count).max().unwrap_or(0)
}

/// How hot a number is, 0 to 1: by its order of magnitude, since backlogs double.
pub fn heat(count: u64, hottest: u64) -> f64 {
    if count == 0 || hottest == 0 {
        return 0.0;
    }
    ((count as f64).ln_1p() / (hottest as f64).ln_1p()).min(1.0)
}

//! Work in slices: how much may be done before others have their turn, and how far something has come.

/// Steps of one slice. None takes much more than a microsecond, but for a filter's levels, which count each.
pub(super) const SLICE: usize = 512;

/// What may still be done before others have their turn.
#[derive(Debug)]
pub(super) struct Slice {
    steps: usize,
}

impl Slice {
    pub(super) const fn new() -> Self {
        Self { steps: SLICE }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.steps == 0
    }

    /// Something was done that takes as long as so many steps.
    pub(super) const fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(steps);
    }
}

/// How far a job has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Done,
    /// Others have their turn first.
    Cut,
    /// The client has to read first.
    Full,
    /// The store has to write first.
    Held,
}

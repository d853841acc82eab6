//! A bar for work that takes long, on standard error and only where a person looks at it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Term;

/// How far a piece of work is. Counting is cheap and may be done from any thread; dropped, the bar is gone.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Term {
    /// A bar of `length` steps, which are called `noun`. Nothing is drawn when quiet or when
    /// standard error is no terminal.
    pub fn progress(&self, length: u64, noun: &str) -> Progress {
        let seen = self.err_is_terminal() && !self.is_quiet();
        let target = if seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}}/{{len}} {noun} ({{eta}} left)"))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress(ProgressBar::with_draw_target(Some(length), target).with_style(style))
    }
}

impl Term {
    /// The same with the rate; without a length where nobody knows it.
    pub fn progress_with_rate(&self, length: Option<u64>, noun: &str) -> Progress {
        let bar = self.progress(length.unwrap_or_default(), noun);
        let template = match length {
            Some(_) => format!("{{wide_bar}} {{pos}}/{{len}} {noun}, {{per_sec}} ({{eta}} left)"),
            None => format!("{{spinner}} {{pos}} {noun}, {{per_sec}}"),
        };
        if length.is_none() {
            bar.0.unset_length();
        }
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.0.set_style(style);
        }
        bar
    }
}

impl Progress {
    pub fn add(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// The work is so far.
    pub fn reach(&self, position: u64) {
        self.0.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

//! Shows the table: once or again and again, in the form that was asked for.

use std::thread::sleep;

use super::count::{Counted, count};
use super::options::TableOptions;
use super::refresh::refresh;
use super::render;
use super::report::Report;
use super::sources::Sources;
use crate::term::{Exit, Failure, Term, plural};

pub fn run(options: &TableOptions, sources: &Sources, term: &mut Term) -> Result<Exit, Failure> {
    let Some(pause) = options.watch else { return once(options, sources, term) };
    loop {
        // A file that is just being replaced, or a server that is busy, is back at the next look.
        if let Err(failure) = once(options, sources, term) {
            if failure.exit == Exit::USAGE {
                return Err(failure);
            }
            failure.show(term);
        }
        render::next_look(term);
        if term.out_failed().is_some() {
            return Ok(Exit::OK);
        }
        sleep(pause);
    }
}

fn once(options: &TableOptions, sources: &Sources, term: &mut Term) -> Result<Exit, Failure> {
    let counted = look(options, sources, term).map_err(|mut failure| {
        if options.fail_over.is_some() && failure.exit == Exit::FAILED {
            failure.exit = Exit::USAGE; // for a monitor: the state cannot be known
        }
        failure
    })?;
    for (_, snapshot, _) in &counted.snapshots {
        sources.keep_ledger(snapshot, term)?;
    }
    if options.watch.is_some() && term.out_draws() {
        render::redraw(term);
    }
    let (damaged, too_old, undecided) = (counted.is_damaged(), counted.too_old, counted.undecided);
    let report = Report::new(options, counted);
    render::show(&report, term)?;
    render::footer(&report, term);
    if damaged {
        return Ok(Exit::DAMAGED);
    }
    match options.fail_over {
        Some(limit) if too_old > limit.count => {
            render::over_the_limit(too_old, limit, term);
            Ok(Exit::FAILED)
        }
        Some(limit) if too_old.saturating_add(undecided) <= limit.count => Ok(Exit::OK),
        _ if undecided > 0 => Err(not_known(undecided)),
        _ => Ok(Exit::OK),
    }
}

/// What is not known is not "no": a monitor must not take it for it.
pub fn not_known(undecided: u64) -> Failure {
    let what = format!("{} may be older or not: since when they wait is not known", plural(undecided, "message"));
    Failure::new(Exit::USAGE, what).hint("--ledger FILE or --age-from, where the source does not tell the time")
}

fn look(options: &TableOptions, sources: &Sources, term: &Term) -> Result<Counted, Failure> {
    if let Some(whom) = options.refresh {
        refresh(&sources.files(), whom)?;
    }
    count(options, sources, term)
}

//! What `certgen trust` is going to do, and has done.

use crate::cmd::certgen::files::shown;
use crate::cmd::certgen::options::TrustAction;
use crate::cmd::certgen::trust::{Change, Trusted};
use crate::term::Term;

/// To standard error where somebody is asked next; a dry run is nothing but this.
pub fn trust_plan(plan: &Change, term: &mut Term) {
    let mut lines = Vec::new();
    if plan.steps.is_empty() {
        // Nothing is going to be done.
    } else if plan.is_install {
        lines.push(format!("{} will be trusted on this machine:", plan.subject));
    } else {
        lines.push(format!("{} will no longer be trusted on this machine:", plan.subject));
    }
    lines.extend(plan.steps.iter().map(|step| format!("  {step}")));
    if plan.is_dry_run {
        lines.extend(plan.left.iter().map(|left| {
            format!("{} stays, since moskit did not put it there; this takes it out: {}", left.holder, left.command)
        }));
    }
    if plan.is_install && plan.is_unbounded && !plan.steps.is_empty() {
        lines.push(
            "Whoever has the key of this CA can then pretend to be any server to programs of this machine; a CA with \
             --name-constraint can sign for its own names alone."
                .to_owned(),
        );
    }
    for line in lines {
        if plan.is_dry_run {
            term.line(line);
        } else {
            term.note(line);
        }
    }
}

pub fn trusted(action: &TrustAction, trusted: &Trusted, term: &mut Term) {
    let (TrustAction::Install(args) | TrustAction::Remove(args)) = action;
    let path = shown(&args.authority);
    match (action, trusted) {
        (_, Trusted::Shown) => {}
        (TrustAction::Install(_), Trusted::AsAsked) => term.line(format_args!("{path}: is in the store already")),
        (TrustAction::Remove(_), Trusted::AsAsked) => term.line(format_args!("{path}: is not in the store")),
        (_, Trusted::Installed) => term.line(format_args!("{path}: installed")),
        (_, Trusted::Removed) => term.line(format_args!("{path}: removed")),
    }
}

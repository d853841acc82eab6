//! Starts a broker in this process, with its log.

use super::announce::{self, Origin};
use super::sentences;
use crate::broker::config::Configuration;
use crate::broker::host::log::{Log, LogEnds};
use crate::broker::host::start::{self, Plan};
use crate::broker::server::Running;
use crate::net::tls::Server;
use crate::term::Failure;

/// A broker at work, with its log.
pub struct Started {
    pub running: Running,
    pub log: Log,
    pub ends: LogEnds,
    /// One for each listener that is not bound to nothing, the first first.
    pub urls: Vec<String>,
    pub configuration: Configuration,
    /// Of the listeners that have it.
    pub tls: Vec<Server>,
}

/// Starts the broker. `colour`: standard error is a terminal. The text of every failure is complete.
pub fn start(plan: Plan, origin: &Origin, colour: bool) -> Result<Started, Failure> {
    let configuration = &plan.configuration;
    let (log, ends, unopenable) = Log::open(configuration.log.clone(), configuration.settings(), colour);
    announce::unopenable(unopenable.as_ref(), &log);
    announce::beginning(&plan, origin, &log);
    match start::start(&plan, &log, &mut |step| announce::step(&step, plan.version, &log)) {
        Ok((running, tls)) => {
            let urls = start::urls(&plan.configuration, &running);
            Ok(Started { running, log, ends, urls, configuration: plan.configuration, tls })
        }
        Err(error) => {
            let mut failure = sentences::not_started(&error);
            // The log may be all that anybody reads; who reads standard error needs it once.
            for line in failure.verbatim.lines() {
                log.error(line);
            }
            if log.shows_errors() {
                failure.verbatim.clear();
            }
            ends.keeper.end();
            Err(failure)
        }
    }
}

//! A broker in the process of a client: `--embedded[=CONF]`.

use std::path::Path;

use super::announce::Origin;
use super::sentences;
use super::start::{self, Started};
use crate::broker::config::{Configuration, LogTypes};
use crate::broker::fault::Faults;
use crate::broker::host::load;
use crate::broker::host::start::{Address, Overrides, Plan, reachable};
use crate::broker::server::{Bind, VERSION};
use crate::term::{Exit, Failure, Term};

/// The broker, which runs until this is dropped, and where the client reaches it.
pub struct Embedded {
    _started: Started,
    pub address: Address,
}

/// Starts a broker on `configuration`, or an open one on a port that the system chooses, and writes its
/// URL to standard error. Its log shows warnings and errors only.
pub fn start(configuration: Option<&Path>, term: &mut Term) -> Result<Embedded, Failure> {
    let overrides = Overrides {
        log_types: Some(LogTypes::ERROR.with(LogTypes::WARNING)),
        local_ports: vec![0],
        ..Overrides::default()
    };
    let mut settings = match configuration {
        Some(path) => load::configuration(path, load::Files::All).map_err(|error| sentences::load(&error))?,
        None => Configuration::default(),
    };
    let local_only = overrides.apply(&mut settings);
    let plan =
        Plan { configuration: settings, local_only, faults: Faults::default(), version: VERSION, tls_keylog: None };
    let origin = Origin { file: configuration.map(Path::to_owned), as_mosquitto: false };
    let started = start::start(plan, &origin, term.err_is_terminal())?;
    let tcp = started.running.endpoints.iter().find_map(|endpoint| match &endpoint.bind {
        Bind::Tcp(address) => Some(reachable(*address)),
        Bind::Unix(_) => None,
    });
    let address = tcp.ok_or_else(|| {
        Failure::new(Exit::FAILED, "the embedded broker has no TCP listener to connect to")
            .hint("add `listener 1884 127.0.0.1` to its configuration")
    })?;
    for url in &started.urls {
        term.note(format_args!("embedded broker: {url}"));
    }
    Ok(Embedded { _started: started, address })
}

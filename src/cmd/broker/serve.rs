//! What a broker at work listens to besides its clients: signals, the command that runs beside it, and
//! lines of its own log that are published.

use std::ffi::OsString;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::mpsc;

use super::login::USERNAME;
use super::options::Options;
use super::throw_away::ThrowAway;
use super::{certificates, child};
use crate::broker::config::Configuration;
use crate::broker::host::load;
use crate::broker::host::log::Log;
use crate::broker::host::start::{Address, Overrides, Started, reachable};
use crate::broker::host::tls::{no_passphrase, tls_failure};
use crate::broker::server::{Bind, Control, Rules, Running};
use crate::broker::{OwnMessage, log as lines};
use crate::net::tls::Server;
use crate::os::signal::{self, Signal, SignalKind};
use crate::term::{Exit, Failure, escape_controls};

/// How long a command may take to end after the signal that ended it.
const CHILD_PATIENCE: Duration = Duration::from_secs(10);

/// Where the configuration came from, to read it again, and what was made for this run.
pub struct Origin {
    pub file: Option<PathBuf>,
    pub overrides: Overrides,
    pub version: &'static str,
    pub throw_away: Option<ThrowAway>,
}

/// Serves until a signal ends the broker, or the command that the options name has ended. `ready` is
/// called when signals are heard. Gives the exit code.
pub fn serve(
    started: Started,
    origin: Origin,
    options: &Options,
    ready: impl FnOnce() -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let cannot_wait = |error: io::Error| {
        Failure::new(Exit::FAILED, format!("cannot wait for signals: {}", crate::net::reason(&error)))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_wait)?;
    let environment = environment(&started, origin.throw_away.as_ref());
    let version = origin.version;
    let Started { running, log, ends, configuration, tls, .. } = started;
    let mut desk = Desk { control: running.control(), log: log.clone(), origin, configuration, tls };
    let exit = runtime.block_on(async {
        let signals = Signals::listen().map_err(cannot_wait)?;
        ready()?;
        let child = options.has_command().then(|| child::start(options, &environment)).transpose()?;
        desk.attend(running, ends.topics, signals, child).await.map_err(cannot_wait)
    });
    log.information(format!("{version} terminating"));
    ends.keeper.end();
    exit
}

/// What tells a command where the broker is.
fn environment(started: &Started, throw_away: Option<&ThrowAway>) -> Vec<(&'static str, OsString)> {
    let mut environment = Vec::new();
    if let Some(url) = started.urls.first() {
        environment.push(("MQTT_URL", url.into()));
    }
    match started.running.endpoints.first().map(|endpoint| &endpoint.bind) {
        Some(Bind::Tcp(address)) => {
            let Address { host, port } = reachable(*address);
            environment.push(("MQTT_HOST", host.into()));
            environment.push(("MQTT_PORT", port.to_string().into()));
        }
        Some(Bind::Unix(path)) => environment.push(("MQTT_HOST", path.into())),
        None => {}
    }
    if let Some(throw_away) = throw_away.filter(|made| made.has_certificates) {
        environment.push(("MQTT_CAFILE", certificates::authority(throw_away.folder()).into()));
    }
    if let Some(login) = throw_away.and_then(|made| made.login.as_ref()) {
        environment.push(("MQTT_USERNAME", USERNAME.into()));
        environment.push(("MQTT_PASSWORD", login.password().into()));
        // Where our own clients look for it when they are given a user name.
        environment.push(("MOSQUITTO_PASSWORD", login.password().into()));
    }
    environment
}

/// The signals that mean something to a broker.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    save: Signal,
    show: Signal,
    /// Not every system has it.
    reopen: Option<Signal>,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal::signal(SignalKind::interrupt())?,
            terminate: signal::signal(SignalKind::terminate())?,
            hangup: signal::signal(SignalKind::hangup())?,
            save: signal::signal(SignalKind::user_defined1())?,
            show: signal::signal(SignalKind::user_defined2())?,
            reopen: signal::signal(signal::reopen_log()).ok(),
        })
    }
}

/// Where everything that is not a client's arrives.
struct Desk {
    control: Control,
    log: Log,
    origin: Origin,
    configuration: Configuration,
    /// Of the listeners that have it; their certificates are read again.
    tls: Vec<Server>,
}

impl Desk {
    async fn attend(
        &mut self,
        mut running: Running,
        mut topics: mpsc::Receiver<OwnMessage>,
        mut signals: Signals,
        mut child: Option<Child>,
    ) -> io::Result<Exit> {
        let exit = loop {
            tokio::select! {
                status = ended(&mut child) => break child::exit_of(status?),
                () = reopening(&mut signals.reopen) => self.log.reopen(),
                _ = signals.interrupt.recv() => if let Some(exit) = end(child.as_mut(), SignalKind::interrupt()).await? { break exit },
                _ = signals.terminate.recv() => if let Some(exit) = end(child.as_mut(), SignalKind::terminate()).await? { break exit },
                _ = signals.hangup.recv() => self.reload().await,
                _ = signals.save.recv() => self.save().await,
                _ = signals.show.recv() => self.show_subscriptions().await,
                Some(message) = topics.recv() => self.control.publish(message).await,
                () = running.ended() => {
                    self.log.error("Error: the broker has ended by itself.");
                    break Exit::FAILED;
                }
            }
        };
        // Waits until wills and state are written.
        running.stop();
        Ok(exit)
    }

    async fn save(&mut self) {
        if let Some(path) = self.configuration.persistence.path() {
            self.log.information(format!("Saving in-memory database to {}.", path.display()));
            self.control.save().await;
        }
    }

    /// Reads configuration and access files again. What is wrong is said, and the rules in force stay.
    async fn reload(&mut self) {
        self.log.notice("Reloading config.");
        if let Err(failure) = self.read_again().await {
            for line in failure.verbatim.lines().chain(failure.message.as_deref()) {
                self.log.error(line);
            }
        }
    }

    async fn read_again(&mut self) -> Result<(), Failure> {
        let configuration = match &self.origin.file {
            Some(file) => self.read_file_again(file)?,
            None => self.configuration.clone(),
        };
        let (access, warnings) = load::access(&configuration)?;
        for warning in warnings {
            self.log.warning(warning);
        }
        for server in &self.tls {
            server.reload(&mut no_passphrase).map_err(|error| tls_failure(&error))?;
        }
        let settings = configuration.settings();
        self.log.reload(configuration.log.clone(), settings.clone());
        let interest = lines::interest(&configuration.log);
        let sys_interval = configuration.sys_interval;
        self.configuration = configuration;
        self.control.reload(Rules { settings, access, sys_interval, interest }).await;
        Ok(())
    }

    /// The configuration as it is to be from now on. Sockets, and what was set up with them, stay as they are.
    fn read_file_again(&self, file: &Path) -> Result<Configuration, Failure> {
        let mut configuration = load::configuration(file)?;
        self.origin.overrides.apply(&mut configuration);
        let running = &self.configuration.listeners;
        let same = configuration.listeners.len() == running.len()
            && configuration.listeners.iter().zip(running).all(|(new, old)| new.is_same_socket(old));
        if !same {
            self.log
                .error("Error: It is not currently possible to add/remove listeners when reloading the config file.");
            configuration.listeners.clone_from(running);
        }
        for (new, old) in configuration.listeners.iter_mut().zip(running) {
            new.protocol = old.protocol;
            new.tls.clone_from(&old.tls);
            new.websockets_origins.clone_from(&old.websockets_origins);
        }
        Ok(configuration)
    }

    async fn show_subscriptions(&self) {
        let mut last = None;
        for (filter, client) in self.control.subscriptions().await {
            if last.as_ref() != Some(&filter) {
                self.log.print(escape_controls(&filter).into_owned());
            }
            self.log.print(format!("  {}", escape_controls(&client)));
            last = Some(filter);
        }
    }
}

async fn reopening(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}

async fn ended(child: &mut Option<Child>) -> io::Result<std::process::ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => pending().await,
    }
}

/// A signal that ends the broker: at once when it is alone, with the command when there is one. `None`
/// when the command goes on.
async fn end(child: Option<&mut Child>, signal: SignalKind) -> io::Result<Option<Exit>> {
    let Some(running) = child else { return Ok(Some(Exit::OK)) };
    child::forward(running, signal);
    match tokio::time::timeout(CHILD_PATIENCE, running.wait()).await {
        Ok(status) => Ok(Some(child::exit_of(status?))),
        Err(_) => Ok(None),
    }
}

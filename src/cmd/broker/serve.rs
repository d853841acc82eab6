//! What a broker at work listens to besides its clients: signals, the command that runs beside it, and
//! lines of its own log that are published.

use std::ffi::OsString;
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::mpsc;

use super::login::USERNAME;
use super::options::Options;
use super::reload::{Fresh, Reloading, Sources};
use super::throw_away::ThrowAway;
use super::{certificates, child};
use crate::broker::config::Configuration;
use crate::broker::host::log::Log;
use crate::broker::host::start::{Address, Overrides, reachable};
use crate::broker::server::{Bind, Control, Reload, Rules, Running};
use crate::broker::{OwnMessage, log as lines};
use crate::cmd::host::announce;
use crate::cmd::host::start::Started;
use crate::net::tls::Server;
use crate::os::signal::{self, Signal, SignalKind};
use crate::term::{Exit, Failure, escape_controls};

/// How long a command may take to end after the signal that ended it.
const CHILD_TIME_LIMIT: Duration = Duration::from_secs(10);

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
    let runtime = crate::os::runtime::on_this_thread().map_err(cannot_wait)?;
    let environment = environment(&started, origin.throw_away.as_ref());
    let version = origin.version;
    let Started { running, log, ends, configuration, tls, .. } = started;
    let mut desk = Desk {
        control: running.control(),
        log: log.clone(),
        origin,
        configuration,
        tls,
        reloading: None,
        reload_again: false,
    };
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
    reloading: Option<Reloading>,
    /// Another SIGHUP came while the files were read: they may have changed since.
    reload_again: bool,
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
                _ = signals.hangup.recv() => self.begin_reload(),
                read = reading(&mut self.reloading) => self.end_reload(read).await,
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

    /// Begins to read configuration and access files again. Clients that connect from now on wait until that is done.
    fn begin_reload(&mut self) {
        if self.reloading.is_some() {
            self.reload_again = true;
            return;
        }
        let gate = self.control.begin_reload();
        self.log.notice("Reloading config.");
        let sources = Sources {
            file: self.origin.file.clone(),
            overrides: self.origin.overrides.clone(),
            running: self.configuration.clone(),
            tls: self.tls.clone(),
        };
        match Reloading::begin(gate, sources) {
            Ok(reloading) => self.reloading = Some(reloading),
            Err(error) => self.log.error(format!("Error: Not reloaded: {}.", crate::net::reason(&error))),
        }
    }

    /// The files are read. What is wrong is said, and the rules in force stay.
    async fn end_reload(&mut self, read: Result<Fresh, Failure>) {
        let Some(reloading) = self.reloading.take() else { return };
        match read {
            Ok(fresh) => self.put_in_force(fresh, reloading.gate).await,
            Err(failure) => {
                for line in failure.verbatim.lines().chain(failure.message.as_deref()).chain(failure.hint.as_deref()) {
                    self.log.error(line);
                }
            }
        }
        if std::mem::take(&mut self.reload_again) {
            self.begin_reload();
        }
    }

    async fn put_in_force(&mut self, fresh: Fresh, gate: Reload) {
        let Fresh { configuration, access, tls, doubts, other_listeners } = fresh;
        if other_listeners {
            self.log
                .error("Error: It is not currently possible to add/remove listeners when reloading the config file.");
        }
        announce::doubts(&doubts, &self.log);
        for (server, renewed) in self.tls.iter().zip(tls) {
            server.renew(renewed);
        }
        let settings = configuration.settings();
        let unopenable = self.log.reload(configuration.log.clone(), settings.clone());
        announce::unopenable(unopenable.as_ref(), &self.log);
        let interest = lines::interest(&configuration.log);
        let sys_interval = configuration.sys_interval;
        self.configuration = configuration;
        gate.finish(Rules { settings, access, sys_interval, interest }).await;
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

async fn reading(reloading: &mut Option<Reloading>) -> Result<Fresh, Failure> {
    match reloading {
        Some(reloading) => reloading.read().await,
        None => pending().await,
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
    match tokio::time::timeout(CHILD_TIME_LIMIT, running.wait()).await {
        Ok(status) => Ok(Some(child::exit_of(status?))),
        Err(_) => Ok(None),
    }
}

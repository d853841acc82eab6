//! SIGHUP: reads the configuration and the files that it names again, beside the signals and the clients.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::broker::Access;
use crate::broker::config::Configuration;
use crate::broker::host::load::{self, Doubt, Files};
use crate::broker::host::start::Overrides;
use crate::broker::host::tls::no_passphrase;
use crate::broker::server;
use crate::cmd::host::sentences;
use crate::net::tls::{Renewed, Server};
use crate::os::files;
use crate::term::{Exit, Failure};

/// How long the files may take to be read. Clients that connect wait for it.
const READING_MOST: Duration = Duration::from_secs(10);

/// A reload under way. Dropped, the rules in force stay.
pub struct Reloading {
    pub gate: server::Reload,
    read: oneshot::Receiver<Result<Fresh, Failure>>,
    until: Instant,
}

/// What is read, and from where.
pub struct Sources {
    /// `None`: the broker has no configuration file.
    pub file: Option<PathBuf>,
    pub overrides: Overrides,
    pub running: Configuration,
    /// Of the listeners that have it.
    pub tls: Vec<Server>,
}

/// What was read, all of it right.
pub struct Fresh {
    pub configuration: Configuration,
    pub access: Access,
    pub tls: Vec<Renewed>,
    pub doubts: Vec<Doubt>,
    /// The file has other listeners than those that run, which stay.
    pub other_listeners: bool,
}

impl Reloading {
    /// Begins to read on a thread of its own. A thread that never comes back, for the files of a file system that does
    /// not answer, is left alone.
    pub fn begin(gate: server::Reload, sources: Sources) -> io::Result<Self> {
        let (done, read) = oneshot::channel();
        let work = move || {
            // Nobody waits for it any more when it took too long.
            let _ = done.send(sources.read());
        };
        std::thread::Builder::new().name("reload".into()).spawn(work)?;
        Ok(Self { gate, read, until: Instant::now() + READING_MOST })
    }

    /// Returns when the files are read.
    pub async fn read(&mut self) -> Result<Fresh, Failure> {
        match tokio::time::timeout_at(self.until, &mut self.read).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => Err(given_up("the files could not be read")),
            Err(_) => Err(given_up(&format!("the files were not read within {} seconds", READING_MOST.as_secs()))),
        }
    }
}

fn given_up(why: &str) -> Failure {
    Failure::verbatim(Exit::FAILED, format!("Error: Not reloaded: {why}. The rules in force stay.\n"))
}

impl Sources {
    fn read(mut self) -> Result<Fresh, Failure> {
        let mut other_listeners = false;
        let configuration = match self.file.take() {
            Some(file) => {
                let mut configuration =
                    load::configuration(&file, Files::Regular).map_err(|error| sentences::load(&error))?;
                self.overrides.apply(&mut configuration);
                other_listeners = !self.keep_sockets(&mut configuration);
                configuration
            }
            None => self.running.clone(),
        };
        let (access, doubts) = load::access(&configuration, Files::Regular).map_err(|error| sentences::load(&error))?;
        let tls = self.tls.iter().map(renewed).collect::<Result<_, _>>()?;
        Ok(Fresh { configuration, access, tls, doubts, other_listeners })
    }

    /// Sockets, and what was set up with them, stay as they are. Whether the configuration has the same ones.
    fn keep_sockets(&self, configuration: &mut Configuration) -> bool {
        let running = &self.running.listeners;
        let same = configuration.listeners.len() == running.len()
            && configuration.listeners.iter().zip(running).all(|(new, old)| new.is_same_socket(old));
        if !same {
            configuration.listeners.clone_from(running);
        }
        for (new, old) in configuration.listeners.iter_mut().zip(running) {
            new.protocol = old.protocol;
            new.tls.clone_from(&old.tls);
            new.websockets_origins.clone_from(&old.websockets_origins);
        }
        same
    }
}

/// Certificate, key and revocation list of a listener.
fn renewed(server: &Server) -> Result<Renewed, Failure> {
    for path in server.files() {
        files::check_regular(path).map_err(|error| {
            let file = path.display();
            Failure::verbatim(Exit::FAILED, format!("Error: Unable to read \"{file}\".\n"))
                .hint(format!("{}: look with ls -l {file}", crate::net::reason(&error)))
        })?;
    }
    server.read_again(&mut no_passphrase).map_err(|error| sentences::tls(&error))
}

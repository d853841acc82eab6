//! The I/O around [`Broker`]: listeners, a task per connection, one task that owns the core.
//!
//! All of it but the store runs on one thread: routing costs less than handing messages from thread to thread. The store
//! has a thread of its own, and what it is to write next gathers while it writes.

mod admission;
mod budget;
mod config;
mod connection_task;
mod core;
mod faulty;
mod handshake;
mod input;
mod listen;
mod lookout;
mod mailbox;
mod paced;
mod persistence;
mod turns;

pub use config::{Config, VERSION};
pub use handshake::{CertificateName, Tls, WebSockets};
pub use input::Rules;
pub use listen::{Bind, Endpoint, Listener, Missing, StartError};

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytestring::ByteString;
use tokio::sync::{mpsc, oneshot};

use self::admission::Admission;
use self::connection_task::Shared;
use self::core::Core;
use self::input::{Command, Input};
use self::paced::Pace;
use self::persistence::Persistence;
use super::{Census, OwnMessage, Statistics};
use crate::os::process;

/// Inputs on their way to the core; whoever has one more waits.
const INPUTS: usize = 512;

/// How long the last bytes of all connections may take when the server ends.
const LAST_WRITES: Duration = Duration::from_millis(500);

/// A server at work. It ends when this is dropped, which [`Running::stop`] says in a word.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the ports that the system chose.
    pub endpoints: Vec<Endpoint>,
    inputs: mpsc::Sender<Input>,
    admission: Arc<Admission>,
    /// The thread of the server, taken when its end is waited for.
    thread: Option<JoinHandle<()>>,
    ended: oneshot::Receiver<()>,
}

/// Binds all listeners and starts to serve them on a thread of its own.
///
/// ```
/// use std::io::{Read, Write};
/// use moskit::broker::server::{Bind, Config, start};
///
/// let running = start(Config::open(vec![Bind::Tcp(([127, 0, 0, 1], 0).into())])).expect("a free port");
/// let Bind::Tcp(address) = &running.endpoints[0].bind else { unreachable!() };
/// let mut client = std::net::TcpStream::connect(address)?;
/// client.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c")?;
/// let mut connack = [0; 4];
/// client.read_exact(&mut connack)?;
/// assert_eq!(connack, [0x20, 2, 0, 0]);
/// running.stop();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn start(mut config: Config) -> Result<Running, StartError> {
    process::raise_descriptor_limit();
    let runtime = crate::os::runtime::on_this_thread().map_err(StartError::Thread)?;
    let (sockets, endpoints) = {
        // Sockets are registered with the runtime they are made in.
        let _context = runtime.enter();
        listen::bind(&config.listeners)?
    };
    let persistence = Persistence::start(config.store.take()).map_err(StartError::Thread)?;
    let (inputs, received) = mpsc::channel(INPUTS);
    let (ending, ended) = oneshot::channel();
    let to_core = inputs.clone();
    let faults = (!config.faults.on_packets.is_empty()).then(|| Arc::new(config.faults.clone()));
    let (alive, mut all_gone) = mpsc::channel(1);
    let admission = Admission::new(config.access.clone(), config.settings.max_packet_size);
    let shared = Arc::new(Shared {
        core: to_core.clone(),
        _alive: alive,
        faults,
        admission: Arc::clone(&admission),
        handshakes: Pace::default(),
    });
    let asked = Arc::clone(&admission);
    let serve = move || {
        runtime.block_on(async move {
            let accepting: Vec<_> =
                sockets.into_iter().map(|socket| tokio::spawn(socket.accept(Arc::clone(&shared)))).collect();
            let core = Core::new(config, persistence, received, to_core.downgrade(), admission);
            drop((to_core, shared));
            core.run().await;
            for task in accepting {
                task.abort();
            }
            // Connections write their last bytes; those that have not written them by then are cut off.
            let _ = tokio::time::timeout(LAST_WRITES, all_gone.recv()).await;
        });
        // Tasks that still write their last bytes have had their time.
        runtime.shutdown_background();
        // Nobody may be waiting.
        let _ = ending.send(());
    };
    let thread = std::thread::Builder::new().name("broker".into()).spawn(serve).map_err(StartError::Thread)?;
    Ok(Running { endpoints, inputs, admission: asked, thread: Some(thread), ended })
}

impl Running {
    /// A handle to talk to the server with while it runs.
    pub fn control(&self) -> Control {
        Control { inputs: self.inputs.clone(), admission: Arc::clone(&self.admission) }
    }

    /// Ends the server: wills and state are written, connections closed. Returns when it has ended.
    pub fn stop(mut self) {
        self.end();
    }

    /// Returns when the server has ended, whatever ended it.
    pub async fn ended(&mut self) {
        // The sender is gone, which is an end as well.
        let _ = (&mut self.ended).await;
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let mut command = Input::Command(Command::Stop);
        // A full channel empties by itself; a closed one means that it has ended.
        while let Err(mpsc::error::TrySendError::Full(again)) = self.inputs.try_send(command) {
            command = again;
            std::thread::yield_now();
        }
        // A panic has been reported by its own thread.
        let _ = thread.join();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Talks to a running server. When the server has ended, nothing happens.
#[derive(Clone, Debug)]
pub struct Control {
    inputs: mpsc::Sender<Input>,
    admission: Arc<Admission>,
}

/// A reload that has begun: clients that connect wait for its end, which is when this is dropped at the latest.
#[derive(Debug)]
pub struct Reload {
    inputs: mpsc::Sender<Input>,
    admission: Arc<Admission>,
}

impl Reload {
    /// New rules, in force in one step. The listeners stay as many as they are. The logins of those who are connected are
    /// checked against them; whose hash takes long stays until it is computed.
    pub async fn finish(self, rules: Rules) {
        let (done, applied) = oneshot::channel();
        // When the server has ended, nobody wants to know.
        let _ = self.inputs.send(Input::Command(Command::Reload(Box::new(rules), done))).await;
        let _ = applied.await;
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.admission.end_reload();
    }
}

impl Control {
    /// From now on clients that connect wait until the reload has ended: none of them meets the old rules.
    pub fn begin_reload(&self) -> Reload {
        self.admission.begin_reload();
        Reload { inputs: self.inputs.clone(), admission: Arc::clone(&self.admission) }
    }

    /// Moves the store's log into its file.
    pub async fn save(&self) {
        self.command(Command::Save).await;
    }

    /// Publishes for the broker itself.
    pub async fn publish(&self, message: OwnMessage) {
        self.command(Command::Publish(message)).await;
    }

    /// What the server has counted, and what there is now.
    pub async fn statistics(&self) -> Option<(Statistics, Census)> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Statistics(answer)).await;
        answered.await.ok()
    }

    /// Every filter with a client that subscribed to it, in order.
    pub async fn subscriptions(&self) -> Vec<(ByteString, ByteString)> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Subscriptions(answer)).await;
        let mut found = answered.await.unwrap_or_default();
        found.sort_unstable();
        found
    }

    async fn command(&self, command: Command) {
        // It has ended, and nobody wants to know.
        let _ = self.inputs.send(Input::Command(command)).await;
    }
}

//! The task that owns the [`Broker`]: takes what connections send, commits, hands out what they are to get.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

use super::Config;
use super::connection::Received;
use super::mailbox::{Mail, Mailbox};
use crate::broker::{
    Access, Broker, Census, Closing, ConnectionId, Event, ListenerId, Now, OwnMessage, Peer, Settings, Statistics,
};

/// Inputs that one batch takes at most: its outputs wait until it ends.
const BATCH: usize = 256;

/// How long the last words of all connections may take when the server ends.
const FAREWELL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) enum Input {
    Opened { id: ConnectionId, listener: ListenerId, peer: Peer, mailbox: Arc<Mailbox> },
    Packets(Box<Received>),
    Written(ConnectionId),
    Blocked(ConnectionId),
    Closed { id: ConnectionId, why: Closing },
    Command(Command),
}

#[derive(Debug)]
pub(super) enum Command {
    Reload(Box<(Settings, Access)>),
    Publish(OwnMessage),
    Statistics(oneshot::Sender<(Statistics, Census)>),
    Stop,
}

pub(super) struct Core {
    broker: Broker,
    clock: Clock,
    inputs: mpsc::Receiver<Input>,
    mailboxes: HashMap<ConnectionId, Arc<Mailbox>>,
    events: Box<dyn FnMut(Event) + Send>,
    stopping: bool,
}

impl Core {
    pub(super) fn new(config: Config, inputs: mpsc::Receiver<Input>) -> Self {
        let clock = Clock::start();
        let mut broker = Broker::new(config.settings, config.access, config.restored, clock.now());
        broker.listen(config.interest);
        Self { broker, clock, inputs, mailboxes: HashMap::new(), events: config.events, stopping: false }
    }

    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
        let mut armed = None;
        while !self.stopping {
            let deadline = self.broker.poll_deadline();
            if armed != deadline {
                self.arm(alarm.as_mut(), deadline);
                armed = deadline;
            }
            tokio::select! {
                biased;
                received = self.inputs.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        break;
                    }
                }
                () = alarm.as_mut(), if deadline.is_some() => {
                    self.broker.handle_deadline(self.clock.now());
                    armed = None;
                }
            }
            for input in batch.drain(..) {
                self.take(input);
            }
            self.hand_out();
        }
        self.broker.handle_shutdown(self.clock.now());
        self.hand_out();
        // Connections have their mail; they get a moment to deliver it.
        self.inputs.close();
        let last = async { while self.inputs.recv().await.is_some() {} };
        // Those that have not managed by then are cut off.
        let _ = tokio::time::timeout(FAREWELL, last).await;
    }

    fn arm(&self, alarm: std::pin::Pin<&mut Sleep>, deadline: Option<Duration>) {
        if let Some(deadline) = deadline {
            alarm.reset(tokio::time::Instant::from_std(self.clock.start + deadline));
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Packets(received) => self.take_packets(*received),
            Input::Written(id) => self.broker.handle_written(id),
            Input::Blocked(id) => self.broker.handle_blocked(id),
            Input::Opened { id, listener, peer, mailbox } => {
                self.mailboxes.insert(id, mailbox);
                self.broker.handle_open(id, listener, peer, self.clock.now());
            }
            Input::Closed { id, why } => {
                self.mailboxes.remove(&id);
                self.broker.handle_close(id, why, self.clock.now());
            }
            Input::Command(command) => self.obey(command),
        }
    }

    fn take_packets(&mut self, received: Received) {
        for packet in received.packets {
            // The clock is read for each: ids of messages carry it.
            self.broker.handle_packet(received.id, packet, self.clock.now());
        }
        if let Some((error, version)) = received.malformed {
            self.broker.handle_malformed(received.id, error, version, self.clock.now());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Reload(rules) => {
                let (settings, access) = *rules;
                self.broker.reload(settings, access, self.clock.now());
            }
            Command::Publish(message) => self.broker.publish_own(message, self.clock.now()),
            Command::Statistics(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send((*self.broker.statistics(), self.broker.census()));
            }
            Command::Stop => self.stopping = true,
        }
    }

    fn hand_out(&mut self) {
        while let Some(event) = self.broker.poll_event() {
            (self.events)(event);
        }
        while let Some(output) = self.broker.poll_output() {
            let mail = Mail { bytes: output.bytes, close: output.close };
            if output.close {
                if let Some(mailbox) = self.mailboxes.remove(&output.connection) {
                    mailbox.post(mail);
                }
            } else if let Some(mailbox) = self.mailboxes.get(&output.connection) {
                mailbox.post(mail);
            }
        }
    }
}

/// Both clocks of the broker.
#[derive(Clone, Copy, Debug)]
struct Clock {
    start: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { start: Instant::now() }
    }

    fn now(self) -> Now {
        Now {
            elapsed: self.start.elapsed(),
            // A clock before 1970 counts as 1970.
            wall: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
        }
    }
}

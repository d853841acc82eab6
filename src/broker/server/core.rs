//! The task that owns the [`Broker`]: takes what connections send, commits, hands out what they are to get.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytestring::ByteString;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Sleep;

use super::admission::Admission;
use super::config::Config;
use super::input::{Command, Input, Received, Rules};
use super::lookout::Lookout;
use super::mailbox::{Mail, Mailboxes};
use super::persistence::{Answer, Changes, Persistence, StoreProgress};
use super::turns::{Turns, Waiting};
use crate::broker::sys::{Publication, Sys};
use crate::broker::{Broker, Closing, ConnectionId, Event, Interest, Monotonic, Now, OwnMessage, WallTime};
use crate::mqtt::packet::QoS;

/// Logins of connected clients that are checked at once after a reload.
const RECHECKED_AT_ONCE: usize = 4;

/// Inputs that one batch takes at most: its outputs wait until it ends.
const BATCH: usize = 256;

/// How long one connection is served before others have their turn, and how long all are before what they are to get
/// goes out.
const TURN: Duration = Duration::from_millis(1);
const ROUND: Duration = Duration::from_millis(3);

/// Connections that are handed what they are to get before they write it and sockets are looked at: each write takes some
/// microseconds, and who has just sent something waits for all of them.
const OUTPUTS: usize = 256;

/// Steps of the broker, none of which takes much more than a microsecond, after which the clock is read again: reading it
/// for every packet costs as much as a sixth of routing a message.
const STEPS: u64 = 32;

pub(super) struct Core {
    broker: Broker,
    clock: Clock,
    inputs: mpsc::Receiver<Input>,
    /// The channel for what is to come back to us.
    to_us: mpsc::WeakSender<Input>,
    admission: Arc<Admission>,
    /// How many reloads there were; the last one counts.
    reloads: u64,
    /// Checks the logins of those who were connected at the last one.
    rechecking: Option<AbortHandle>,
    mailboxes: Mailboxes,
    turns: Turns,
    /// Connections that were handed something since they all had time to write it.
    handed: usize,
    /// When outputs go at the latest.
    round_end: Monotonic,
    /// The clock, as it was read last, and how many steps the broker had taken then.
    recent: Now,
    steps: u64,
    interest: Interest,
    events: Box<dyn FnMut(Event) + Send>,
    persistence: Persistence,
    lookout: Lookout,
    sys: Sys,
    /// When `$SYS` is published next.
    sys_due: Option<Monotonic>,
    /// Who has asked for all subscriptions: one list is made after the other.
    listed_for: VecDeque<oneshot::Sender<Vec<(ByteString, ByteString)>>>,
    stopping: bool,
}

impl Core {
    pub(super) fn new(
        config: Config,
        persistence: Persistence,
        inputs: mpsc::Receiver<Input>,
        to_us: mpsc::WeakSender<Input>,
        admission: Arc<Admission>,
    ) -> Self {
        let clock = Clock::start();
        let now = clock.now();
        let mut settings = config.settings;
        settings.persistent = persistence.is_enabled();
        let mut broker = Broker::new(settings, config.access, config.restored, now);
        broker.listen(config.interest);
        let mut core = Self {
            broker,
            clock,
            inputs,
            to_us,
            admission,
            reloads: 0,
            rechecking: None,
            mailboxes: Mailboxes::default(),
            turns: Turns::default(),
            handed: 0,
            round_end: Monotonic::default(),
            recent: now,
            steps: 0,
            interest: config.interest,
            events: config.events,
            persistence,
            lookout: Lookout::here(),
            sys: Sys::new(config.version, config.sys_interval, now),
            sys_due: None,
            listed_for: VecDeque::new(),
            stopping: false,
        };
        core.publish_version(now);
        core.publish_sys(now);
        core
    }

    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
        let mut armed = None;
        // The state that was read may have wills that are due, and rows that nothing refers to.
        self.hand_out().await;
        while !self.stopping {
            if self.handed >= OUTPUTS {
                self.let_write().await;
            }
            let deadline = self.deadline();
            if armed != deadline {
                self.arm(alarm.as_mut(), deadline);
                armed = deadline;
            }
            // In this order, and yet no timer waits for long. All tasks that send inputs run on this thread, so that nothing
            // comes into the channel while this task goes on, and a few batches empty it. The store has at most one answer
            // for each time that this loop has handed it something. Then the timer is looked at, before this task yields.
            tokio::select! {
                biased;
                answer = self.persistence.answer() => self.take_answer(answer),
                received = self.inputs.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        break;
                    }
                }
                () = alarm.as_mut(), if deadline.is_some() => {
                    self.wake();
                    armed = None;
                }
                // Sockets are looked at meanwhile.
                () = tokio::task::yield_now(), if self.is_awake() => {}
            }
            self.read_clock();
            self.round_end = self.recent.elapsed + ROUND;
            for input in batch.drain(..) {
                self.take(input);
            }
            if self.has_more() {
                // What was answered at once does not wait for a round of other work.
                self.hand_out_ready();
            }
            self.go_on();
            self.answer_with_list();
            self.hand_out().await;
        }
        self.finish().await;
    }

    /// Whether there is something to do without any input.
    fn has_more(&self) -> bool {
        !self.turns.is_empty() || self.broker.has_work()
    }

    /// Whether this loop goes on by itself.
    fn is_awake(&self) -> bool {
        self.has_more() || self.broker.has_output() || self.lookout.is_on(self.recent.elapsed)
    }

    /// Gives turns to who has waited, and goes on with work that was cut into slices, until the round is over; each at
    /// least once.
    fn go_on(&mut self) {
        self.wake_idle();
        while self.has_more() {
            if let Some((id, mut line)) = self.turns.next() {
                self.serve(id, &mut line);
                self.turns.resume(id, line, self.broker.is_busy(id));
            }
            if self.broker.has_work() {
                self.broker.handle_work(self.clock.now());
                self.read_clock();
            }
            self.wake_idle();
            if self.is_round_over() {
                return;
            }
        }
    }

    fn answer_with_list(&mut self) {
        if let Some(list) = self.broker.poll_subscriptions()
            && let Some(answer) = self.listed_for.pop_front()
        {
            // Whoever asked may have gone.
            let _ = answer.send(list);
            if !self.listed_for.is_empty() {
                self.broker.list_subscriptions();
            }
        }
    }

    fn wake_idle(&mut self) {
        while let Some(id) = self.broker.poll_idle() {
            self.turns.wake(id);
        }
    }

    fn is_round_over(&mut self) -> bool {
        self.recent().elapsed >= self.round_end
    }

    fn read_clock(&mut self) {
        self.recent = self.clock.now();
        self.steps = self.broker.steps();
    }

    /// The time, not older than [`STEPS`].
    fn recent(&mut self) -> Now {
        if self.broker.steps() - self.steps >= STEPS {
            self.read_clock();
        }
        self.recent
    }

    /// The next moment at which something is due.
    fn deadline(&self) -> Option<Monotonic> {
        [self.broker.poll_deadline(), self.sys_due, self.persistence.due()].into_iter().flatten().min()
    }

    fn wake(&mut self) {
        let now = self.clock.now();
        self.broker.handle_deadline(now);
        if self.sys_due.is_some_and(|due| due <= now.elapsed) {
            self.publish_sys(now);
        }
    }

    async fn finish(mut self) {
        self.broker.handle_shutdown(self.clock.now());
        match self.persistence.finish(self.broker.take_changes()).await {
            Ok(()) => self.broker.handle_stored(self.clock.now()),
            Err(error) => {
                (self.events)(Event::StoreFailed { why: error.to_string() });
                // Nothing is written any more, so nothing has to be kept for it.
                self.broker.handle_store_failed(Vec::new(), self.clock.now());
            }
        }
        hand_out(usize::MAX, &mut self.broker, &mut self.events, &mut self.mailboxes, &mut self.turns);
    }

    fn publish_version(&mut self, now: Now) {
        if let Some(version) = self.sys.version() {
            self.broker.publish_own(own(version), now);
        }
    }

    fn publish_sys(&mut self, now: Now) {
        self.sys_due = self.sys.wait(now).map(|wait| now.elapsed + wait);
        // What was published before may still be on its way to very many.
        if self.sys_due.is_some() && !self.broker.is_fanning_out() {
            let census = self.broker.recent_census();
            for publication in self.sys.round(self.broker.statistics(), &census, now) {
                self.broker.publish_own(own(publication), now);
            }
        }
    }

    fn arm(&self, alarm: std::pin::Pin<&mut Sleep>, deadline: Option<Monotonic>) {
        if let Some(deadline) = deadline {
            alarm.reset(tokio::time::Instant::from_std(self.clock.start + deadline.since_start()));
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Packets(received) => self.take_packets(received),
            Input::Written(id) => self.broker.handle_written(id),
            Input::Blocked(id) => self.broker.handle_blocked(id),
            Input::Opened { listener, peer, mailbox } => {
                let id = mailbox.id;
                self.mailboxes.insert(mailbox);
                self.broker.handle_open(id, listener, peer, self.clock.now());
            }
            Input::Closed { id, why } => {
                let is_busy = self.broker.is_busy(id);
                if is_busy || self.turns.has_line(id) {
                    self.broker.handle_gone(id);
                    self.turns.push(id, Waiting::Closed(why), is_busy);
                } else {
                    self.close(id, why);
                }
            }
            Input::Failed { peer, listener, why } => {
                if self.interest.notices {
                    (self.events)(Event::HandshakeFailed { peer, listener, why });
                }
            }
            Input::Command(command) => self.obey(command),
        }
    }

    fn take_packets(&mut self, mut received: Box<Received>) {
        self.broker.statistics_mut().bytes_received += received.bytes as u64;
        let id = received.id;
        let has_turn =
            self.turns.is_empty() && !self.turns.has_line(id) && !self.broker.is_busy(id) && !self.is_round_over();
        let now = self.recent();
        if has_turn && self.serve_packets(&mut received, now) {
            return;
        }
        self.turns.push(id, Waiting::Packets(received), self.broker.is_busy(id));
    }

    /// Handles what waits of a connection, until nothing is left, the connection is busy or its turn is over.
    fn serve(&mut self, id: ConnectionId, line: &mut VecDeque<Waiting>) {
        // What is handled in one turn came at one moment; ids of messages are different all the same.
        let now = self.recent();
        while let Some(waiting) = line.front_mut() {
            if self.broker.is_busy(id) {
                return;
            }
            match waiting {
                Waiting::Packets(received) => {
                    if !self.serve_packets(received, now) {
                        return;
                    }
                }
                Waiting::Closed(why) => {
                    let why = std::mem::replace(why, Closing::ByClient);
                    self.close(id, why);
                }
            }
            line.pop_front();
        }
    }

    /// Says whether all of it was handled.
    fn serve_packets(&mut self, received: &mut Received, now: Now) -> bool {
        while let Some(packet) = received.packets.next() {
            let is_busy = self.broker.handle_packet(received.id, packet, now);
            if received.packets.as_slice().is_empty() {
                if is_busy && received.malformed.is_some() {
                    return false;
                }
                break;
            }
            if is_busy || self.recent().elapsed >= now.elapsed + TURN {
                return false;
            }
        }
        if received.is_tls {
            self.broker.handle_unexpected_tls(received.id);
        }
        if let Some((error, version)) = received.malformed.take() {
            self.broker.handle_malformed(received.id, error, version, now);
        }
        if let Some(mailbox) = self.mailboxes.get(received.id) {
            mailbox.handled(received.bytes);
        }
        true
    }

    fn close(&mut self, id: ConnectionId, why: Closing) {
        self.mailboxes.remove(id);
        self.broker.handle_close(id, why, self.clock.now());
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Reload(rules, done) => {
                self.reload(*rules);
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            Command::Dismiss { reload, connection } => {
                if reload == self.reloads {
                    self.broker.dismiss(connection, self.clock.now());
                }
            }
            Command::Save => self.persistence.checkpoint(),
            Command::Publish(message) => self.broker.publish_own(message, self.clock.now()),
            Command::Statistics(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send((*self.broker.statistics(), self.broker.census()));
            }
            Command::Subscriptions(answer) => {
                self.listed_for.push_back(answer);
                if self.listed_for.len() == 1 {
                    self.broker.list_subscriptions();
                }
            }
            Command::Stop => self.stopping = true,
        }
    }

    /// New rules are in force at once. Whose password takes long to check against them stays until that is done.
    fn reload(&mut self, rules: Rules) {
        self.reloads += 1;
        let Rules { mut settings, mut access, sys_interval, interest } = rules;
        self.admission.hand_on_remembered(&mut access);
        let now = self.clock.now();
        self.interest = interest;
        self.broker.listen(interest);
        settings.persistent = self.persistence.is_enabled();
        self.admission.replace(access.clone(), settings.max_packet_size);
        self.broker.reload(settings, access, now);
        self.sys.set_interval(sys_interval);
        self.sys_due = self.sys.wait(now).map(|wait| now.elapsed + wait);
        self.recheck();
    }

    /// Checks logins beside the loop, a few at a time: who connects meanwhile does not wait for all of them.
    fn recheck(&mut self) {
        if let Some(earlier) = self.rechecking.take() {
            earlier.abort();
        }
        let mut slow = self.broker.slow_logins().into_iter();
        if slow.len() == 0 {
            return;
        }
        let (admission, to_us, reload) = (Arc::clone(&self.admission), self.to_us.clone(), self.reloads);
        let check = move |connection, login| {
            let (admission, to_us) = (Arc::clone(&admission), to_us.clone());
            async move {
                if !admission.check(login).await
                    && let Some(to_us) = to_us.upgrade()
                {
                    // It has ended, and nobody wants to know.
                    let _ = to_us.send(Input::Command(Command::Dismiss { reload, connection })).await;
                }
            }
        };
        let task = tokio::spawn(async move {
            let mut checks = JoinSet::new();
            loop {
                while checks.len() < RECHECKED_AT_ONCE
                    && let Some((connection, login)) = slow.next()
                {
                    checks.spawn(check(connection, login));
                }
                if checks.join_next().await.is_none() {
                    return;
                }
            }
        });
        self.rechecking = Some(task.abort_handle());
    }

    /// Lets outputs go, but those that rest on what is not stored, and has that stored.
    async fn hand_out(&mut self) {
        // Outputs go first, so that what the store has just answered for does not wait with what it is handed now.
        let before = self.handed;
        self.hand_out_ready();
        let has_posted = self.handed > before;
        if !self.persistence.is_enabled() {
            return;
        }
        let now = self.clock.now();
        let changes = self.changes();
        if has_posted && self.persistence.wants(changes, now.elapsed) {
            // Clients go on while this thread commits.
            self.let_write().await;
        }
        let (persistence, broker) = (&mut self.persistence, &mut self.broker);
        if let Some(answer) = persistence.keep(changes, || broker.take_changes(), now.elapsed) {
            self.take_answer(answer);
            // Who waited for it may have nothing else that wakes this task.
            self.wake_idle();
            self.hand_out_ready();
        }
    }

    /// Lets the connections that were handed something write it. The runtime looks at this task, which it was started with, after
    /// some tens of others, whatever waits: so it comes behind one that comes behind all that were woken.
    async fn let_write(&mut self) {
        // It does nothing, and nobody ends it.
        let _ = tokio::spawn(async {}).await;
        self.handed = 0;
    }

    /// How much the store is to be handed.
    fn changes(&self) -> Changes {
        if self.broker.has_urgent_changes() {
            Changes::Urgent
        } else if self.broker.has_changes() {
            Changes::ForLater
        } else {
            Changes::None
        }
    }

    /// The same without what would have to be stored first.
    fn hand_out_ready(&mut self) {
        let most = OUTPUTS.saturating_sub(self.handed);
        self.handed += hand_out(most, &mut self.broker, &mut self.events, &mut self.mailboxes, &mut self.turns);
    }

    fn take_answer(&mut self, answer: Answer) {
        let now = self.clock.now();
        let (changes, written) = match answer {
            Answer::Committed(changes, written) => (changes, written),
            Answer::NotMoved(error) => {
                (self.events)(Event::StoreFailed { why: error.to_string() });
                return;
            }
            Answer::Finished(_) => return,
        };
        match self.persistence.judge(changes, written, now.elapsed) {
            StoreProgress::Stored => {
                self.lookout.handle_stored(now.elapsed);
                self.broker.handle_stored(now);
            }
            StoreProgress::Recovered => {
                (self.events)(Event::StoreRecovered);
                self.broker.handle_stored(now);
            }
            StoreProgress::Later => {}
            StoreProgress::Failed(changes, error) => {
                (self.events)(Event::StoreFailed { why: error.to_string() });
                self.broker.handle_store_failed(changes, now);
            }
            StoreProgress::StillFailing(changes) => self.broker.handle_store_failed(changes, now),
        }
    }
}

/// Tells the events, and lets the outputs of at most so many connections go. Returns how many there were.
fn hand_out(
    most: usize,
    broker: &mut Broker,
    events: &mut Box<dyn FnMut(Event) + Send>,
    mailboxes: &mut Mailboxes,
    turns: &mut Turns,
) -> usize {
    while let Some(event) = broker.poll_event() {
        events(event);
    }
    for handed in 0..most {
        let Some(output) = broker.poll_output() else { return handed };
        broker.statistics_mut().bytes_sent += output.bytes.len() as u64;
        let mail = Mail { bytes: output.bytes, close: output.close };
        if output.close {
            turns.forget(output.connection);
            if let Some(mailbox) = mailboxes.remove(output.connection) {
                mailbox.post(mail);
            }
        } else if let Some(mailbox) = mailboxes.get(output.connection) {
            mailbox.post(mail);
        }
    }
    most
}

fn own(publication: Publication) -> OwnMessage {
    OwnMessage {
        topic: publication.topic,
        payload: publication.payload.into(),
        qos: QoS::ExactlyOnce,
        retain: true,
        expiry: None,
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
            elapsed: self.elapsed(),
            // A clock before 1970 counts as 1970.
            wall: WallTime::after_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
        }
    }

    fn elapsed(self) -> Monotonic {
        Monotonic::after_start(self.start.elapsed())
    }
}

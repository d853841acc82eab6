//! `sub --exec`: a command for each message. A message is acknowledged when its command has ended, in the order in which the
//! messages came.

mod command;
mod in_hand;

use std::collections::HashMap;
use std::future::pending;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use self::command::{End, program, start};
use self::in_hand::{InHand, Limits, Number};
use super::signals::Signals;
use crate::cmd::connect::args::ClientArgs;
use crate::cmd::connect::data_args::{CommandLine, OnFailure};
use crate::mqtt::packet::{Connect, ProtocolVersion, Publish, QoS};
use crate::mqtt::session::Session;
use crate::net::reason;
use crate::os::process;
use crate::term::{Exit, Failure, Foreign, Term, plural};

/// Messages in hand before version 5, where none is said: as Mosquitto has in flight.
const MOST_IN_HAND: u16 = 20;

/// How long commands may go on when the program is to end, before they are told to.
const GRACE: Duration = Duration::from_secs(5);

/// How long they may then take.
const HEEDING: Duration = Duration::from_secs(1);

/// Failures that are told one by one; the others are counted.
const FAILURES_SHOWN: u64 = 5;

/// What is to be run, and how.
#[derive(Clone, Debug)]
pub struct Execution {
    line: CommandLine,
    on_failure: OnFailure,
    limit: Option<Duration>,
    limits: Limits,
    /// What becomes of a message that is not acknowledged.
    is_session_kept: bool,
}

impl Execution {
    /// What the options ask for, if they do. A program that is not there is an error now and not with the first message.
    pub fn new(args: &ClientArgs, connect: &Connect) -> Result<Option<Self>, Failure> {
        let Some(line) = args.data.exec.clone() else { return Ok(None) };
        if let Some(program) = program(&line).filter(|program| !process::can_be_found(program)) {
            let program = program.to_string_lossy();
            return Err(Failure::new(Exit::FAILED, format!("cannot run `{program}`: there is no such program")));
        }
        let jobs = args.data.jobs();
        let is_announced = connect.version == ProtocolVersion::V5;
        let announced = connect.properties.receive_maximum().filter(|_| is_announced);
        Ok(Some(Self {
            line,
            on_failure: args.data.on_failure(),
            limit: args.data.exec_timeout,
            limits: Limits {
                jobs: jobs.into(),
                messages: announced.unwrap_or(MOST_IN_HAND.max(jobs)).into(),
                is_announced,
            },
            // Before MQTT 5 a session without "clean session" is kept.
            is_session_kept: !connect.clean_start
                && (connect.version != ProtocolVersion::V5
                    || connect.properties.session_expiry_interval().is_some_and(|seconds| seconds > 0)),
        }))
    }
}

/// The commands that run, and the messages in hand.
#[derive(Debug)]
pub struct Exec {
    execution: Execution,
    in_hand: InHand,
    commands: JoinSet<(Number, End)>,
    /// What runs now: the message's topic and QoS, and the process.
    running: HashMap<Number, Running>,
    ended: u64,
    failed: u64,
    /// Ended by us before they came to their end.
    killed: u64,
    /// Failures that are still to be told.
    unsaid: Vec<String>,
    /// What stopped it.
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Running {
    topic: String,
    qos: QoS,
    id: Option<u32>,
}

impl Exec {
    pub fn new(execution: Execution) -> Self {
        Self {
            in_hand: InHand::new(execution.limits),
            execution,
            commands: JoinSet::new(),
            running: HashMap::new(),
            ended: 0,
            failed: 0,
            killed: 0,
            unsaid: Vec::new(),
            failure: None,
        }
    }

    /// Takes a message; whether it is another one than those before. What its packet shares with others is copied.
    pub fn take(&mut self, publish: &Publish) -> bool {
        let is_new = self.in_hand.handle_message(detached(publish));
        self.begin();
        is_new
    }

    /// Takes a message that nothing is run for, to be acknowledged when it is its turn.
    pub fn pass_over(&mut self, publish: &Publish) {
        self.in_hand.handle_passed_over(detached(publish));
    }

    /// Whether more is to be read from the broker.
    pub fn has_room(&self) -> bool {
        self.in_hand.has_room()
    }

    /// All commands have ended, and all that could be acknowledged is.
    pub fn is_idle(&self) -> bool {
        self.in_hand.is_empty()
    }

    /// A command has failed, and that is the end.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    pub fn is_running(&self) -> bool {
        !self.commands.is_empty()
    }

    pub fn handle_connected(&mut self, session_present: bool) {
        self.in_hand.handle_connected(session_present);
    }

    pub fn handle_closed(&mut self) {
        self.in_hand.handle_closed();
    }

    /// Stages the acknowledgements whose turn it is, and tells what has failed.
    pub fn acknowledge(&mut self, session: &mut Session, term: &mut Term) {
        while let Some(ended) = self.commands.try_join_next() {
            self.note_ended(ended);
        }
        self.begin();
        while let Some(publish) = self.in_hand.poll_acknowledgement() {
            session.acknowledge(&publish);
        }
        for line in self.unsaid.drain(..) {
            term.note(line);
        }
    }

    /// Waits until a command has ended. May be cancelled.
    pub async fn ended(&mut self) {
        match self.commands.join_next().await {
            Some(ended) => self.note_ended(ended),
            None => pending().await,
        }
        self.begin();
    }

    /// Begins what may be begun now.
    fn begin(&mut self) {
        while let Some((number, publish)) = self.in_hand.poll_start() {
            let (topic, qos, payload) = (publish.topic.to_string(), publish.qos, publish.payload.clone());
            match start(&self.execution.line, publish) {
                Ok(started) => {
                    self.running.insert(number, Running { topic, qos, id: started.id });
                    let limit = self.execution.limit;
                    self.commands.spawn(async move { (number, started.end(payload, limit).await) });
                }
                Err(error) => {
                    let name = self.name();
                    self.in_hand.handle_end(number, false);
                    self.fail(&format!("cannot run `{name}`: {}", reason(&error)), qos, false);
                }
            }
        }
    }

    /// The program, as it was typed.
    fn name(&self) -> String {
        match &self.execution.line {
            CommandLine::Words(words) => words.first().map(|word| word.to_string_lossy().into_owned()),
            CommandLine::Shell(line) => Some(line.to_string_lossy().into_owned()),
        }
        .unwrap_or_default()
    }

    fn note_ended(&mut self, ended: Result<(Number, End), tokio::task::JoinError>) {
        // Nothing is cancelled here, and nothing in it panics.
        let Ok((number, end)) = ended else { return };
        let Some(running) = self.running.remove(&number) else { return };
        let is_over = end.is_good() || self.execution.on_failure == OnFailure::Go;
        self.in_hand.handle_end(number, is_over);
        self.ended += 1;
        if end.is_good() {
            return;
        }
        self.failed += 1;
        let how = match end {
            End::Status(status) => format!("ended with {status}"),
            End::Late(limit) => format!("did not end within {} s", limit.as_secs()),
            End::Lost(error) => format!("was lost: {}", reason(&error)),
        };
        let what = format!("the command for a message on `{}` {how}", Foreign::new(&running.topic));
        if !is_over {
            self.fail(&what, running.qos, true);
        } else if self.failed <= FAILURES_SHOWN {
            self.unsaid.push(format!("Warning: {what}."));
        }
    }

    /// That is the end: nothing more is begun. `--exec-fail go` would have counted a command that failed, and none that
    /// cannot be started.
    fn fail(&mut self, what: &str, qos: QoS, is_counted_by_go: bool) {
        self.in_hand.stop();
        if self.failure.is_some() {
            return;
        }
        let hint = match (qos, self.execution.is_session_kept) {
            (QoS::AtMostOnce, _) => "the message had QoS 0 and does not come again",
            (_, true) => "the message stays with the broker and comes again",
            (_, false) => "the message is lost, for the session is not kept: -c -i ID keeps it",
        };
        let hint = if is_counted_by_go {
            format!("{hint}; --exec-fail go counts failures and goes on")
        } else {
            hint.to_owned()
        };
        self.failure = Some(Failure::new(Exit::FAILED, what).hint(hint));
    }

    /// Nothing more is begun, and what runs has a few seconds to end: what does in time can be acknowledged. One more signal
    /// ends it at once.
    pub async fn wind_up(&mut self, session: &mut Session, signals: &mut Signals, term: &mut Term) {
        self.in_hand.stop();
        let is_over = tokio::select! {
            all = timeout(GRACE, self.all_ended()) => all.is_ok(),
            _ = signals.wait() => false,
        };
        if !is_over {
            self.killed = self.running.len() as u64;
            let (have, their) =
                if self.killed == 1 { ("has", "its message is") } else { ("have", "their messages are") };
            let commands = plural(self.killed, "command");
            term.note(format_args!("Warning: {commands} {have} not ended and {have} to: {their} not acknowledged."));
            for is_asked in [true, false] {
                for id in self.running.values().filter_map(|running| running.id) {
                    process::end_group(id, is_asked);
                }
                if timeout(HEEDING, self.dropped()).await.is_ok() {
                    break;
                }
            }
        }
        self.acknowledge(session, term);
    }

    async fn all_ended(&mut self) {
        while let Some(ended) = self.commands.join_next().await {
            self.note_ended(ended);
        }
    }

    /// Waits for commands that were told to end: how they do says nothing.
    async fn dropped(&mut self) {
        while let Some(ended) = self.commands.join_next().await {
            if let Ok((number, _)) = ended {
                self.running.remove(&number);
                self.in_hand.handle_end(number, false);
            }
        }
    }

    /// The count, and how it went.
    pub fn finish(&mut self, exit: Exit, term: &mut Term) -> Result<Exit, Failure> {
        if self.ended + self.killed == 0 && exit != Exit::OK {
            return self.failure.take().map_or(Ok(exit), Err);
        }
        let failed = if self.failed == 0 { String::new() } else { format!(", {} failed", self.failed) };
        let killed = if self.killed == 0 { String::new() } else { format!(", {} cut short", self.killed) };
        term.note(format_args!("{} run{failed}{killed}.", plural(self.ended + self.killed, "command")));
        match self.failure.take() {
            Some(failure) => Err(failure),
            None if self.failed > 0 && exit == Exit::OK => Ok(Exit::FAILED),
            None => Ok(exit),
        }
    }
}

fn detached(publish: &Publish) -> Publish {
    let mut publish = publish.clone();
    publish.detach();
    publish
}

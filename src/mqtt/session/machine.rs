//! What a session holds, and what its owner hands it and asks it for.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::at_most_once::AtMostOnce;
use super::error::{SendError, SessionError};
use super::event::{Event, Summary, Trace};
use super::keep_alive::{Due, KeepAlive};
use super::output::Output;
use super::staged::Staged;
use crate::mqtt::alias::{ReceivedAliases, SentAliases};
use crate::mqtt::authentication::Authentication;
use crate::mqtt::flow::{Receiver, Sender};
use crate::mqtt::packet::{
    Connect, Decoder, MAXIMUM_BEFORE_ACCEPTED, MAXIMUM_PACKET_SIZE, Packet, PacketId, PacketType, Properties,
    ProtocolVersion, Publish, PublishRef, QoS,
};

/// A client's session over one connection after the other.
#[derive(Debug)]
pub struct Session {
    /// The CONNECT of each connection; an assigned client id is adopted into it.
    pub(super) connect: Connect,
    pub(super) authentication: Option<Authentication>,
    /// The most QoS 1 and 2 messages in flight, whatever the server allows; `None` = as many as it allows.
    pub(super) window: Option<NonZeroU16>,
    pub(super) tracing: bool,
    /// How long CONNACK may take; `None` = the keep-alive time.
    pub(super) connack_limit: Option<Duration>,
    pub(super) state: State,
    pub(super) decoder: Decoder,
    pub(super) sender: Sender<Publish>,
    pub(super) receiver: Receiver,
    pub(super) staged: Staged,
    pub(super) at_most_once: AtMostOnce,
    /// SUBSCRIBE was sent, on whatever connection.
    pub(super) has_subscribed: bool,
    pub(super) server: ServerLimits,
    /// Retain is left out where the server keeps no messages, as libmosquitto does.
    pub(super) is_lenient: bool,
    pub(super) sent_aliases: SentAliases,
    pub(super) received_aliases: ReceivedAliases,
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) output: Output,
    pub(super) events: VecDeque<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No connection, or one that is to be closed.
    Closed,
    /// CONNECT is sent.
    Connecting,
    /// The server has accepted.
    Connected,
    /// DISCONNECT is sent.
    Disconnecting,
}

/// What the server announced in CONNACK.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerLimits {
    /// In bytes; `None`: the server takes packets of every size.
    pub(super) maximum_packet_size: Option<usize>,
    pub(super) maximum_qos: QoS,
    pub(super) retain_available: bool,
    /// 0 = the server takes no aliases.
    pub(super) topic_alias_maximum: u16,
}

impl ServerLimits {
    /// What holds where nothing is announced.
    const NONE: Self = Self {
        maximum_packet_size: None,
        maximum_qos: QoS::ExactlyOnce,
        retain_available: true,
        topic_alias_maximum: 0,
    };
}

impl Session {
    /// A session that has no connection yet. `window` is the most QoS 1 and 2 messages in flight (`-M`); `None` = as many
    /// as the server allows.
    pub fn new(connect: Connect, window: Option<NonZeroU16>) -> Self {
        Self {
            window,
            authentication: None,
            tracing: false,
            connack_limit: None,
            state: State::Closed,
            decoder: Decoder::client(connect.version, MAXIMUM_PACKET_SIZE),
            sender: Sender::new(window.unwrap_or(NonZeroU16::MAX)),
            receiver: Receiver::default(),
            staged: Staged::default(),
            at_most_once: AtMostOnce::default(),
            has_subscribed: false,
            server: ServerLimits::NONE,
            is_lenient: false,
            sent_aliases: SentAliases::default(),
            received_aliases: ReceivedAliases::default(),
            keep_alive: None,
            output: Output::default(),
            events: VecDeque::new(),
            connect,
        }
    }

    /// The password for the connections to come: a token may have to be fetched anew for each.
    pub fn set_password(&mut self, password: Bytes) {
        self.connect.password = Some(password);
    }

    /// Whether to make [`Event::Trace`]s.
    pub fn set_tracing(&mut self, tracing: bool) {
        self.tracing = tracing;
    }

    /// Whether a message goes out without retain where the server keeps none, as libmosquitto does. Otherwise it is not sent.
    pub fn set_lenient(&mut self, is_lenient: bool) {
        self.is_lenient = is_lenient;
    }

    /// How long the server may take to answer CONNECT. Without it that is the keep-alive time, as for every other silence.
    pub fn set_connack_limit(&mut self, limit: Duration) {
        self.connack_limit = Some(limit);
    }

    /// A connection is there: CONNECT goes into the output.
    pub fn handle_connected(&mut self, now: Instant) -> Result<(), SendError> {
        self.handle_closed();
        self.decoder = Decoder::client(self.connect.version, self.maximum_packet_size());
        self.receiver.set_maximum(receive_maximum(&self.connect.properties));
        // Aliases end with their connection [MQTT-3.3.2-7].
        self.sent_aliases = SentAliases::default();
        self.received_aliases = ReceivedAliases::new(self.connect.properties.topic_alias_maximum().unwrap_or(0));
        self.server = ServerLimits::NONE;
        self.at_most_once = AtMostOnce::default();
        self.connect_packet()?.encode(self.output.bytes())?;
        self.keep_alive = Some(KeepAlive::new(self.connect.keep_alive, now));
        self.state = State::Connecting;
        self.trace(|| Trace::Sending(Summary::Connect));
        Ok(())
    }

    /// The largest packet that is read, which depends on whether the server has accepted.
    pub(super) fn maximum_packet_size(&self) -> usize {
        let announced = self.connect.properties.maximum_packet_size().map_or(MAXIMUM_PACKET_SIZE, |size| size as usize);
        if self.state == State::Connected { announced } else { announced.min(MAXIMUM_BEFORE_ACCEPTED) }
    }

    /// The connection is gone, and with it what was not written of the output and what was staged. QoS 1 and 2 messages stay
    /// for the next one.
    pub fn handle_closed(&mut self) {
        self.state = State::Closed;
        self.keep_alive = None;
        self.receiver.handle_closed(self.output.left());
        self.staged.clear();
        self.output.restart();
        self.sender.resume();
    }

    /// Takes one packet from the front of `buffer`; `false` = more bytes are needed, or none are wanted any more.
    /// One at a time, so that a client which ends at a message has not acknowledged the next.
    #[inline]
    pub fn handle_next(&mut self, buffer: &mut BytesMut, now: Instant) -> Result<bool, SessionError> {
        if !self.wants_input() {
            return Ok(false);
        }
        self.check_first_byte(buffer).map_err(|error| self.fail(error))?;
        match self.decoder.decode(buffer) {
            Ok(Some(Packet::Publish(publish))) if self.state == State::Connected => {
                self.note_received(now);
                self.message(publish).map(|()| true).map_err(|error| self.fail(error))
            }
            Ok(Some(packet)) => self.handle_packet(packet, now).map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(self.fail(SessionError::Decode(error))),
        }
    }

    /// Shows the messages at the front of `buffer` that ask for nothing else: QoS 0, no properties, no log of packets,
    /// nothing older to be reported first. They are borrowed, which at a million messages a second is most of the work
    /// saved. Ends with what `show` breaks with; what is left is for [`Session::handle_next`].
    #[inline]
    pub fn show_plain<B>(
        &mut self,
        buffer: &mut BytesMut,
        now: Instant,
        mut show: impl FnMut(PublishRef<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if self.state != State::Connected || self.tracing || !self.events.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut taken = 0;
        let mut last_topic = "";
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue()
            && let Some((publish, size)) = self.decoder.peek_plain(&buffer[taken..], last_topic)
        {
            taken += size;
            last_topic = publish.topic;
            flow = show(publish);
        }
        if taken > 0 {
            buffer.advance(taken);
            self.note_received(now);
        }
        flow
    }

    /// Whoever begins with another packet than an answer to CONNECT speaks another protocol: the rest of it, which
    /// may be announced and never come, is not waited for.
    #[inline]
    fn check_first_byte(&self, buffer: &[u8]) -> Result<(), SessionError> {
        if self.state != State::Connecting {
            return Ok(());
        }
        match buffer.first().and_then(|first| PacketType::from_number(first >> 4)) {
            None | Some(PacketType::ConnAck | PacketType::Auth | PacketType::Disconnect) => Ok(()),
            Some(other) => Err(SessionError::BeforeConnAck(other)),
        }
    }

    /// As [`Session::handle_next`], for a packet that is decoded already.
    pub fn handle_packet(&mut self, packet: Packet, now: Instant) -> Result<(), SessionError> {
        self.note_received(now);
        self.receive(packet, now).map_err(|error| self.fail(error))
    }

    #[inline]
    fn note_received(&mut self, now: Instant) {
        if let Some(keep_alive) = &mut self.keep_alive {
            keep_alive.note_received(now);
        }
    }

    /// The next thing that happened.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes for the server. Its owner takes them off as they are written; at QoS 0 nothing else bounds their number,
    /// so a publisher stops for as long as there are many.
    #[inline]
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// When [`Session::handle_deadline`] has something to do, if nothing happens before.
    pub fn poll_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Connecting if self.connack_limit.is_some() => self.connack_due(),
            State::Connecting | State::Connected => self.keep_alive?.deadline(),
            State::Closed | State::Disconnecting => None,
        }
    }

    /// By when CONNACK must have come, where that has a limit of its own.
    fn connack_due(&self) -> Option<Instant> {
        Some(self.keep_alive?.last_sent() + self.connack_limit?)
    }

    /// Sends PINGREQ if it is time, or gives up.
    pub fn handle_deadline(&mut self, now: Instant) -> Result<(), SessionError> {
        if self.state == State::Connecting
            && let Some(due) = self.connack_due()
        {
            if now < due {
                return Ok(());
            }
            // Whoever does not answer does not read either: no DISCONNECT.
            self.state = State::Closed;
            return Err(SessionError::NoConnAck);
        }
        let connected = self.state == State::Connected;
        let due = match &mut self.keep_alive {
            Some(keep_alive) if connected || self.state == State::Connecting => keep_alive.check(connected, now),
            _ => Due::Nothing,
        };
        match due {
            Due::Nothing => Ok(()),
            Due::Ping => {
                self.send_pingreq(false, now);
                Ok(())
            }
            // Whoever does not answer does not read either: no DISCONNECT.
            Due::GiveUp => {
                self.state = State::Closed;
                Err(SessionError::KeepAlive)
            }
        }
    }

    /// Sends PINGREQ if it is time for one. For an owner who finds something to read each time and so never comes to wait
    /// for [`Session::poll_deadline`]: a server hears nothing from a client that only takes messages.
    #[inline]
    pub fn ping_if_due(&mut self, now: Instant) {
        if self.state == State::Connected && self.keep_alive.is_some_and(|keep_alive| keep_alive.is_ping_due(now)) {
            // A ping is all that is due, so there is nothing to fail.
            let _: Result<(), SessionError> = self.handle_deadline(now);
        }
    }

    /// Sends PINGREQ if it is time for one, for an owner who has no room for more and reads nothing: when that is to be asked
    /// again, if nothing happens before.
    pub fn handle_unread(&mut self, now: Instant) -> Option<Instant> {
        let keep_alive = self.keep_alive.as_mut().filter(|_| self.state == State::Connected)?;
        let is_due = keep_alive.ping_unheard(now);
        let deadline = keep_alive.unheard_deadline();
        if is_due {
            self.send_pingreq(false, now);
        }
        deadline
    }

    /// Asks the server whether it has read what was sent so far: [`Event::PingResp`] is the answer. Nothing is asked while
    /// an answer is awaited, or without a connection.
    pub fn ping(&mut self, now: Instant) {
        if self.state == State::Connected && !self.at_most_once.is_asked() {
            self.send_pingreq(true, now);
        }
    }

    fn send_pingreq(&mut self, is_asked: bool, now: Instant) {
        self.trace(|| Trace::Sending(Summary::PingReq));
        self.at_most_once.note_ping(is_asked);
        self.put(&Packet::PingReq, now);
    }

    /// Whether the server has accepted and neither side has left.
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    pub(super) fn wants_input(&self) -> bool {
        matches!(self.state, State::Connecting | State::Connected)
    }

    /// Whether one more message would go out at once: what waits behind the window waits in memory.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.state == State::Connected && self.sender.has_room()
    }

    /// QoS 1 and 2 messages whose flow is not over.
    pub fn unacknowledged(&self) -> usize {
        self.sender.len()
    }

    /// The messages of those flows, in the order in which they were taken, and whether a PUBLISH of each has gone out on any
    /// connection: what has may have been delivered.
    pub fn unacknowledged_messages(&self) -> Vec<(PacketId, &Publish, bool)> {
        self.sender.in_order_taken()
    }

    /// SUBSCRIBEs, UNSUBSCRIBEs and [questions](Session::ping) whose answer has not come.
    pub fn unanswered(&self) -> usize {
        self.sender.reserved() + usize::from(self.at_most_once.is_asked())
    }

    /// Messages of QoS 0 on this connection that nothing shows to have been read: neither the answer to a
    /// [question](Session::ping) nor one to the keep-alive's PINGREQ. They are the last that were published.
    pub fn unconfirmed(&self) -> u64 {
        self.at_most_once.unconfirmed()
    }

    /// DISCONNECT is sent, and nothing depends on whether the server reads it: all that was published is answered, there is no
    /// will for it to withhold, and no session whose subscriptions go on without it.
    pub fn has_nothing_to_lose(&self) -> bool {
        let ends_with_connection =
            self.connect.clean_start && self.connect.properties.session_expiry_interval().unwrap_or(0) == 0;
        self.state == State::Disconnecting
            && self.connect.will.is_none()
            && ends_with_connection
            && !self.has_subscribed
            && self.unacknowledged() == 0
            && self.unconfirmed() == 0
            && self.unanswered() == 0
    }

    /// PINGREQs that were sent on this connection: what is published between two of them is confirmed together.
    pub fn pings(&self) -> u64 {
        self.at_most_once.pings()
    }

    /// The client's id: as it was set, or as the server assigned it.
    pub fn client_id(&self) -> &str {
        &self.connect.client_id
    }

    pub fn version(&self) -> ProtocolVersion {
        self.connect.version
    }

    #[inline]
    pub(super) fn is_v5(&self) -> bool {
        self.connect.version == ProtocolVersion::V5
    }

    #[inline]
    pub(super) fn trace(&mut self, trace: impl FnOnce() -> Trace) {
        if self.tracing {
            self.events.push_back(Event::Trace(trace()));
        }
    }
}

/// What CONNECT or CONNACK announces as Receive Maximum; without it, it is 65,535.
pub(super) fn receive_maximum(announced: &Properties) -> NonZeroU16 {
    announced.receive_maximum().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MAX)
}

//! What is asked to be kept, and going on from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::broker::access::{Acl, Rules};

/// What a store would hold after the changes; panics where one contradicts another.
#[derive(Clone, Default)]
struct Shelf {
    messages: BTreeMap<MessageId, Arc<Message>>,
    clients: BTreeMap<String, RestoredClient>,
    retained: BTreeMap<String, MessageId>,
    /// Entries and subscriptions that sessions have left which have ended.
    leftovers: BTreeMap<String, [usize; 2]>,
}

impl Shelf {
    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.apply_one(change);
        }
    }

    fn client(&mut self, id: &str) -> &mut RestoredClient {
        self.clients.get_mut(id).unwrap_or_else(|| panic!("a change of {id}, which is not stored"))
    }

    fn remove_portion(&mut self, id: &str, [entries, subscriptions]: [usize; 2]) {
        let portion = [PORTION_OF_ENTRIES, PORTION_OF_SUBSCRIPTIONS];
        let left = [entries.saturating_sub(portion[0]), subscriptions.saturating_sub(portion[1])];
        if left == [0, 0] {
            self.leftovers.remove(id);
        } else {
            self.leftovers.insert(id.to_owned(), left);
        }
    }

    fn apply_one(&mut self, change: Change) {
        match change {
            Change::Client(record) => {
                let id = record.client_id.to_string();
                assert!(!self.leftovers.contains_key(&id), "rows of the session before would be those of this one");
                let record = *record;
                self.clients.entry(id).and_modify(|client| client.record = record.clone()).or_insert_with(|| {
                    RestoredClient {
                        record: record.clone(),
                        will: None,
                        subscriptions: Vec::new(),
                        entries: Vec::new(),
                        was_connected: false,
                    }
                });
            }
            Change::ClientRemoved(id) => {
                let client = self.clients.remove(&*id).expect("a session that is stored");
                self.remove_portion(&id, [client.entries.len(), client.subscriptions.len()]);
            }
            Change::LeftoversRemoved(id) => {
                let left = self.leftovers.remove(&*id).expect("a session that has left something");
                self.remove_portion(&id, left);
            }
            Change::Will(id, will) => self.client(&id).will = Some(*will),
            Change::WillRemoved(id) => self.client(&id).will = None,
            Change::Subscribed(id, record) => {
                let client = self.client(&id);
                client.subscriptions.retain(|old| old.filter != record.filter);
                client.subscriptions.push(record);
            }
            Change::Unsubscribed { client_id, filter } => {
                self.client(&client_id).subscriptions.retain(|old| old.filter != filter);
            }
            Change::Stored(message) => {
                assert!(self.messages.insert(message.id, message).is_none(), "stored twice");
            }
            Change::Removed(id) => {
                assert!(self.messages.remove(&id).is_some(), "removed without being stored");
                let used = self.clients.values().flat_map(|client| &client.entries).any(|entry| entry.message == id);
                assert!(!used && !self.retained.values().any(|kept| *kept == id), "removed while in use");
            }
            Change::Queued(record) => {
                assert!(self.messages.contains_key(&record.message), "an entry without message");
                self.client(&record.client_id).entries.push(*record);
            }
            Change::EntryChanged(record) => {
                let entries = &mut self.client(&record.client_id).entries;
                let old = entries.iter_mut().find(|old| old.sequence == record.sequence).expect("a known entry");
                *old = *record;
            }
            Change::EntryRemoved { client_id, sequence } => {
                let entries = &mut self.client(&client_id).entries;
                let before = entries.len();
                entries.retain(|old| old.sequence != sequence);
                assert_eq!(entries.len() + 1, before, "an entry that was not there");
            }
            Change::Retained { topic, message } => {
                self.retained.insert(topic.to_string(), message);
            }
            Change::RetainedRemoved { topic } => assert!(self.retained.remove(&*topic).is_some()),
        }
    }

    fn restored(&self) -> Restored {
        Restored {
            last_message_id: self.messages.keys().max().copied().unwrap_or_default(),
            messages: self.messages.values().cloned().collect(),
            clients: self.clients.values().cloned().map(as_read).collect(),
            retained: self.retained.values().copied().collect(),
            ..Restored::default()
        }
    }
}

/// The store finds a client that is not away as one that was there when its broker was killed.
fn as_read(client: RestoredClient) -> RestoredClient {
    RestoredClient { was_connected: client.record.disconnected_at.is_none(), ..client }
}

fn persistent() -> Settings {
    Settings { persistent: true, ..Settings::default() }
}

/// The broker is killed: another one starts from what was kept.
fn kill(stage: Stage, shelf: &mut Shelf) -> Stage {
    shelf.apply(stage.changes);
    let mut next = Stage::restored(persistent(), shelf.restored(), stage.now.wall);
    next.collect();
    next
}

#[test]
fn flows_go_on_after_a_kill() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    let subscriber = stage.join(lasting("s", 1000));
    stage.subscribe(subscriber, "t", QoS::ExactlyOnce);
    let publisher = stage.join(lasting("p", 1000));
    stage.send(publisher, &at_least_once("t", "one", 1));
    stage.send(publisher, &exactly_once("t", "two", 2));
    stage.send(publisher, &pubrel(2));
    stage.send(publisher, &exactly_once("t", "half", 3));
    stage.expect_message(subscriber, "one");
    stage.expect_message(subscriber, "two");
    stage.send(subscriber, &pubrec(2));
    stage.expect(subscriber, &pubrel(2));

    let mut stage = kill(stage, &mut shelf);
    let publisher = stage.rejoin(lasting("p", 1000), true);
    stage.send(publisher, &Packet::Publish(Publish { dup: true, ..message("t", "half", QoS::ExactlyOnce, 3) }));
    stage.expect(publisher, &pubrec(3));
    stage.send(publisher, &pubrel(3));
    stage.expect(publisher, &pubcomp(3));
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    assert!(stage.expect_message(subscriber, "one").dup);
    stage.expect(subscriber, &pubrel(2));
    assert_eq!(stage.expect_message(subscriber, "half").packet_id, PacketId::new(3));
    for packet in [puback(1), pubcomp(2), pubrec(3)] {
        stage.send(subscriber, &packet);
    }
    stage.expect(subscriber, &pubrel(3));
    stage.send(subscriber, &pubcomp(3));

    let mut stage = kill(stage, &mut shelf);
    assert!(shelf.messages.is_empty(), "everything was delivered");
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    stage.expect_silence(subscriber);
}

/// `s` is there, and has the first twenty of thirty messages that waited for it; what these rest on is stored.
fn draining(shelf: &mut Shelf) -> (Stage, u64) {
    let mut stage = Stage::with(persistent());
    let subscriber = stage.join(lasting("s", 1000));
    stage.subscribe(subscriber, "t", QoS::AtLeastOnce);
    stage.cut(subscriber);
    let publisher = stage.join(connect("p", V5));
    for packet_id in 1..=30 {
        stage.send(publisher, &at_least_once("t", "x", packet_id));
        stage.expect(publisher, &puback(packet_id));
    }
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    for packet_id in 1..=20 {
        assert_eq!(stage.expect_message(subscriber, "x").packet_id, PacketId::new(packet_id));
    }
    shelf.apply(std::mem::take(&mut stage.changes));
    (stage, subscriber)
}

/// The states of the entries of `s`, as they are stored.
fn states(shelf: &Shelf) -> Vec<(u16, EntryState)> {
    let id = |entry: &EntryRecord| entry.packet_id.map(PacketId::get).unwrap_or_default();
    shelf.clients["s"].entries.iter().map(|entry| (id(entry), entry.state)).collect()
}

#[test]
fn what_has_waited_goes_out_before_the_store_knows_and_as_a_duplicate_after_a_kill() {
    let mut shelf = Shelf::default();
    let (mut stage, subscriber) = draining(&mut shelf);
    stage.set_store(Disk::Waits);
    for packet_id in [1, 2] {
        stage.send(subscriber, &puback(packet_id));
        assert!(!stage.broker.has_urgent_changes(), "nobody waits for it");
    }
    for packet_id in [21, 22] {
        let sent = stage.expect_message(subscriber, "x");
        assert_eq!((sent.packet_id, sent.dup), (PacketId::new(packet_id), false));
    }
    stage.expect_silence(subscriber);
    // The store had not answered.
    for _ in 0..2 {
        stage = kill(stage, &mut shelf);
        assert_eq!(states(&shelf).len(), 30);
    }
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    for packet_id in 1..=20 {
        let sent = stage.expect_message(subscriber, "x");
        assert_eq!((sent.packet_id, sent.dup), (PacketId::new(packet_id), true));
        stage.send(subscriber, &puback(packet_id));
    }
    for packet_id in 21..=30 {
        let sent = stage.expect_message(subscriber, "x");
        assert_eq!((sent.packet_id, sent.dup), (PacketId::new(packet_id), true), "it may have been sent");
    }
    stage.cut(subscriber);
    // What comes now has not.
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("t", "new", 1));
    let mut stage = kill(stage, &mut shelf);
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    for packet_id in 21..=30 {
        stage.expect_message(subscriber, "x");
        stage.send(subscriber, &puback(packet_id));
    }
    assert!(!stage.expect_message(subscriber, "new").dup);
}

#[test]
fn that_a_message_is_in_flight_is_noted_after_a_second_and_with_the_end_of_the_connection() {
    let in_flight = |shelf: &Shelf| states(shelf).iter().filter(|(_, state)| *state != EntryState::Queued).count();
    for is_cut in [false, true] {
        let mut shelf = Shelf::default();
        let (mut stage, subscriber) = draining(&mut shelf);
        for packet_id in 1..=5 {
            stage.send(subscriber, &puback(packet_id));
            stage.expect_message(subscriber, "x");
        }
        shelf.apply(std::mem::take(&mut stage.changes));
        assert_eq!((states(&shelf).len(), in_flight(&shelf)), (25, 15));
        if is_cut {
            stage.cut(subscriber);
        } else {
            stage.pass(Duration::from_millis(999));
            assert!(!stage.broker.has_changes());
            stage.pass(Duration::from_millis(1));
        }
        shelf.apply(std::mem::take(&mut stage.changes));
        assert_eq!((states(&shelf).len(), in_flight(&shelf)), (25, 20));
        let states = states(&shelf);
        assert_eq!((states[19], states[20]), ((25, EntryState::WaitForPubAck), (26, EntryState::Queued)));
    }
}

/// How often each client's messages were noted as being in flight.
fn noted(changes: &[Change]) -> BTreeMap<&str, usize> {
    let mut noted = BTreeMap::new();
    for change in changes {
        if let Change::EntryChanged(entry) = change
            && entry.state == EntryState::WaitForPubAck
        {
            *noted.entry(&*entry.client_id).or_default() += 1;
        }
    }
    noted
}

#[test]
fn what_is_in_flight_to_each_of_many_is_noted_once_in_a_second_though_they_all_go_on() {
    const MANY: usize = 100;
    let mut stage = Stage::with(persistent());
    let name = |number: usize| format!("s{number}");
    for number in 0..MANY {
        let line = stage.join(lasting(&name(number), 1000));
        stage.subscribe(line, "t", QoS::AtLeastOnce);
        stage.cut(line);
    }
    let publisher = stage.join(connect("p", V5));
    for packet_id in 1..=60 {
        stage.send(publisher, &at_least_once("t", "x", packet_id));
    }
    let lines: Vec<_> = (0..MANY).map(|number| stage.rejoin(lasting(&name(number), 1000), true)).collect();
    let mut acknowledged = 0;
    let mut go_on = |stage: &mut Stage| {
        acknowledged += 1;
        for &line in &lines {
            stage.send(line, &puback(acknowledged));
        }
    };
    // The first rest on the store, what comes behind them does not.
    go_on(&mut stage);
    go_on(&mut stage);
    stage.changes.clear();
    stage.pass(Duration::from_millis(999));
    assert_eq!(noted(&stage.changes), BTreeMap::new());
    for _ in 0..20 {
        stage.pass(Duration::from_millis(1));
        go_on(&mut stage);
    }
    // Those that were on their way at that moment, and none that came since.
    let noted = noted(&stage.changes);
    assert_eq!(noted.len(), MANY, "{noted:?}");
    assert!(noted.values().all(|&times| times <= 20), "{noted:?}");
}

#[test]
fn of_very_many_in_flight_those_are_noted_later_that_the_store_does_not_know_of() {
    const MANY: u16 = 9_000;
    const MORE: u16 = 300;
    let mut stage = Stage::with(Settings {
        max_inflight_messages: NonZeroU16::new(MANY),
        max_queued_messages: None,
        ..persistent()
    });
    let subscriber = stage.join(lasting("s", 1000));
    stage.subscribe(subscriber, "t", QoS::AtLeastOnce);
    stage.cut(subscriber);
    let publisher = stage.join(connect("p", V311));
    for packet_id in 1..=MANY + MORE {
        stage.send(publisher, &at_least_once("t", "x", packet_id));
    }
    stage.changes.clear();
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    for _ in 1..=MANY {
        stage.expect_message(subscriber, "x");
    }
    for packet_id in 1..=MORE {
        stage.send(subscriber, &puback(packet_id));
        stage.expect_message(subscriber, "x");
    }
    let at_once = noted(&stage.changes).get("s").copied().unwrap_or_default();
    stage.changes.clear();
    stage.pass(Duration::from_secs(1));
    let later = noted(&stage.changes).get("s").copied().unwrap_or_default();
    assert_eq!(at_once + later, usize::from(MANY + MORE), "each once");
    assert!((1..=usize::from(MORE)).contains(&later), "{later}");
}

#[test]
fn at_qos_2_nothing_goes_out_before_the_store_knows() {
    let mut stage = Stage::with(persistent());
    let subscriber = stage.join(lasting("s", 1000));
    stage.subscribe(subscriber, "t", QoS::ExactlyOnce);
    stage.cut(subscriber);
    let publisher = stage.join(connect("p", V5));
    for packet_id in 1..=30 {
        stage.send(publisher, &exactly_once("t", "x", packet_id));
        stage.send(publisher, &pubrel(packet_id));
    }
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    for _ in 1..=20 {
        stage.expect_message(subscriber, "x");
    }
    for packet_id in 1..=20 {
        stage.send(subscriber, &pubrec(packet_id));
        stage.expect(subscriber, &pubrel(packet_id));
    }
    stage.set_store(Disk::Waits);
    stage.send(subscriber, &pubcomp(1));
    stage.expect_silence(subscriber);
    assert!(stage.broker.has_urgent_changes() || stage.taken.is_some());
    stage.finish_storing();
    stage.expect_message(subscriber, "x");
}

#[test]
fn no_more_goes_ahead_of_the_store_than_is_a_duplicate_after_a_kill() {
    let mut stage = Stage::with(persistent());
    let subscriber = stage.join(lasting("s", 1000));
    stage.subscribe(subscriber, "t", QoS::AtLeastOnce);
    stage.cut(subscriber);
    let publisher = stage.join(connect("p", V311));
    for packet_id in 1..=900 {
        stage.send(publisher, &at_least_once("t", "x", packet_id));
    }
    let subscriber = stage.rejoin(lasting("s", 1000), true);
    for packet_id in 1..=20 {
        stage.expect_message(subscriber, "x");
        stage.send(subscriber, &puback(packet_id));
    }
    stage.set_store(Disk::Waits);
    let mut packet_id = 21;
    while let Some(Packet::Publish(sent)) = stage.next(subscriber) {
        assert_eq!(sent.packet_id, PacketId::new(packet_id));
        stage.send(subscriber, &puback(packet_id));
        packet_id += 1;
    }
    assert!((500..=560).contains(&packet_id), "{packet_id}");
    assert!(stage.taken.is_some(), "the store is asked");
    stage.set_store(Disk::Works);
    for packet_id in packet_id..=900 {
        assert_eq!(stage.expect_message(subscriber, "x").packet_id, PacketId::new(packet_id));
        stage.send(subscriber, &puback(packet_id));
    }
}

/// What a subscriber has seen, by the numbers of the messages, which are their topics.
#[derive(Default)]
struct Seen {
    /// The packet id of each that came, and at which QoS.
    publishes: BTreeMap<u32, (PacketId, QoS)>,
    /// What is to be answered, in the order in which it came.
    unanswered: Vec<Packet>,
    /// What was acknowledged for good, or by PUBREC.
    ended: std::collections::BTreeSet<u32>,
    released: std::collections::BTreeSet<u32>,
}

impl Seen {
    fn number_of(&self, packet_id: PacketId) -> u32 {
        let of_it = self.publishes.iter().filter(|(_, known)| known.0 == packet_id);
        of_it.map(|(number, _)| *number).next_back().expect("an id that came")
    }

    /// Takes what comes. Returns the numbers of the messages, each with DUP.
    fn take(&mut self, stage: &mut Stage, line: u64) -> Vec<(u32, bool)> {
        let mut came = Vec::new();
        while let Some(packet) = stage.next(line) {
            match packet {
                Packet::Publish(publish) => {
                    let number = publish.topic.parse().unwrap();
                    let packet_id = publish.packet_id.unwrap();
                    self.unanswered.push(match publish.qos {
                        QoS::ExactlyOnce => pubrec(packet_id.get()),
                        _ => puback(packet_id.get()),
                    });
                    if let Some(before) = self.publishes.insert(number, (packet_id, publish.qos)) {
                        assert_eq!(before, (packet_id, publish.qos), "{number} has another packet id");
                        assert!(publish.dup, "{number} came before");
                        assert!(!self.released.contains(&number), "{number} was received");
                    }
                    came.push((number, publish.dup));
                }
                Packet::PubRel(ack) => {
                    let number = self.number_of(ack.packet_id);
                    self.released.insert(number);
                    self.unanswered.push(pubcomp(ack.packet_id.get()));
                }
                other => panic!("{other:?}"),
            }
        }
        came
    }

    fn answer(&mut self, stage: &mut Stage, line: u64, at: usize) {
        let packet = self.unanswered.remove(at);
        if let Packet::PubAck(ack) | Packet::PubComp(ack) = &packet {
            let number = self.number_of(ack.packet_id);
            self.ended.insert(number);
        }
        stage.send(line, &packet);
    }
}

#[test]
fn after_a_kill_at_any_moment_everything_comes_in_its_order_and_as_a_duplicate_if_it_came_before() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut shelf = Shelf::default();
        let mut stage = Stage::with(persistent());
        let subscriber = stage.join(lasting("s", 1000));
        stage.subscribe(subscriber, "+", QoS::ExactlyOnce);
        stage.cut(subscriber);
        let publisher = stage.join(connect("p", V311));
        let mut last = 0;
        let publish = |stage: &mut Stage, random: &mut Random, last: &mut u32| {
            *last += 1;
            let topic = last.to_string();
            // Mixed, or at QoS 1 alone.
            if seed % 2 == 0 && random.below(3) == 0 {
                stage.send(publisher, &exactly_once(&topic, "x", 1));
                stage.send(publisher, &pubrel(1));
            } else {
                stage.send(publisher, &at_least_once(&topic, "x", 2));
            }
        };
        for _ in 0..20 + random.below(60) {
            publish(&mut stage, &mut random, &mut last);
        }
        let mut seen = Seen::default();
        let mut subscriber = stage.rejoin(lasting("s", 1000), true);
        for _ in 0..random.below(200) {
            seen.take(&mut stage, subscriber);
            match random.below(20) {
                0 => publish(&mut stage, &mut random, &mut last),
                1 => stage.set_store(Disk::Waits),
                2 => stage.set_store(Disk::Works),
                3 if stage.taken.is_some() => stage.finish_storing(),
                4 if random.below(10) == 0 => stage.pass_seconds(1),
                5 if random.below(20) == 0 => {
                    stage.set_store(Disk::Works);
                    seen.take(&mut stage, subscriber);
                    stage.cut(subscriber);
                    seen.unanswered.clear();
                    subscriber = stage.rejoin(lasting("s", 1000), true);
                }
                _ if !seen.unanswered.is_empty() => {
                    let at = if random.below(3) == 0 { random.below(seen.unanswered.len()) } else { 0 };
                    seen.answer(&mut stage, subscriber, at);
                }
                _ => {}
            }
        }
        seen.take(&mut stage, subscriber);
        let sure = if stage.store == Disk::Works { last } else { 0 };

        let mut stage = kill(stage, &mut shelf);
        let subscriber = stage.rejoin(lasting("s", 1000), true);
        seen.unanswered.clear();
        let mut came = Vec::new();
        loop {
            came.extend(seen.take(&mut stage, subscriber));
            if seen.unanswered.is_empty() {
                break;
            }
            seen.answer(&mut stage, subscriber, 0);
        }
        assert!(came.is_sorted_by(|one, next| one.0 < next.0), "seed {seed}: {came:?}");
        let lost: Vec<_> = (1..=sure).filter(|number| !seen.ended.contains(number)).collect();
        assert!(lost.is_empty(), "seed {seed}: {lost:?} of {sure}");
    }
}

#[test]
fn retained_messages_and_subscriptions_survive() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    let line = stage.join(lasting("c", 1000));
    stage.send(line, &identified("a/+", qos(QoS::AtLeastOnce), 9));
    stage.send(line, &subscribe("$share/g/b", qos(QoS::AtLeastOnce)));
    stage.send(line, &subscribe("gone", qos(QoS::AtLeastOnce)));
    let filters = vec!["gone".into()];
    stage.send(line, &Packet::Unsubscribe(Unsubscribe { packet_id: id(1), properties: Properties::new(), filters }));
    stage.send(line, &retained("r", "old"));
    stage.send(line, &retained("r", "new"));
    stage.send(line, &retained("empty", "x"));
    stage.send(line, &retained("empty", ""));

    let mut stage = kill(stage, &mut shelf);
    assert_eq!((shelf.messages.len(), shelf.retained.len()), (1, 1));
    let publisher = stage.join(connect("p", V5));
    for topic in ["a/x", "b", "gone"] {
        stage.send(publisher, &at_least_once(topic, "x", 1));
    }
    let line = stage.rejoin(lasting("c", 1000), true);
    let got = stage.expect_message(line, "x");
    assert_eq!((&*got.topic, got.properties.subscription_identifier()), ("a/x", Some(9)));
    assert_eq!(stage.expect_message(line, "x").topic, "b");
    stage.expect_silence(line);
    stage.subscribe(line, "r", QoS::AtMostOnce);
    stage.expect_message(line, "new");
}

#[test]
fn a_will_survives_and_is_sent_after_the_start() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    let watcher = stage.join(lasting("w", 1000));
    stage.subscribe(watcher, "will", QoS::AtLeastOnce);
    let mut pending = will("will", "gone");
    pending.qos = QoS::AtLeastOnce;
    stage.join(Connect { will: Some(pending), ..lasting("c", 1000) });
    let mut stage = kill(stage, &mut shelf);
    stage.pass_seconds(1);
    let watcher = stage.rejoin(lasting("w", 1000), true);
    stage.expect_message(watcher, "gone");
    shelf.apply(std::mem::take(&mut stage.changes));
    assert!(shelf.clients["c"].will.is_none());
}

/// A broker with somebody who waits for the will of `c`, and `c` connected: its session lives for `expiry` seconds, its will
/// waits for `delay`.
fn with_will(expiry: u32, delay: u32) -> (Stage, u64) {
    let mut stage = Stage::with(persistent());
    let watcher = stage.join(lasting("w", 1000));
    stage.subscribe(watcher, "will", QoS::AtLeastOnce);
    let mut pending = will("will", "gone");
    pending.qos = QoS::AtLeastOnce;
    pending.properties.push(Property::WillDelayInterval(delay));
    let line = stage.join(Connect { will: Some(pending), ..lasting("c", expiry) });
    (stage, line)
}

#[test]
fn a_will_waits_over_a_kill_for_what_is_left_of_its_delay_or_of_its_session() {
    // Seconds: of the session, of the delay; since when the client was gone at the kill, if it was; without a broker; from
    // the start until the will comes. Who was connected at the kill counts as gone from the start on.
    let table: [(u32, u32, Option<u64>, u64, u64); 8] = [
        (100, 0, None, 0, 0),
        (100, 0, None, 50, 0),
        (100, 10, None, 50, 10),
        (100, 10, Some(4), 0, 6),
        (100, 10, Some(4), 3, 3),
        (100, 10, Some(4), 50, 0),
        (5, 10, Some(2), 1, 2),
        (5, 10, Some(2), 50, 0),
    ];
    for case in table {
        let (expiry, delay, gone, down, due) = case;
        let mut shelf = Shelf::default();
        let (mut stage, line) = with_will(expiry, delay);
        if let Some(seconds) = gone {
            stage.cut(line);
            stage.pass_seconds(seconds);
        }
        stage.now.wall += Duration::from_secs(down);
        let mut stage = kill(stage, &mut shelf);
        let watcher = stage.rejoin(lasting("w", 1000), true);
        if let Some(before) = Duration::from_secs(due).checked_sub(Duration::from_millis(1)) {
            stage.pass(before);
            assert_eq!(stage.next(watcher), None, "{case:?}: too early");
        }
        stage.pass(Duration::from_millis(1));
        let sent = stage.next(watcher);
        assert!(matches!(&sent, Some(Packet::Publish(publish)) if &*publish.payload == b"gone"), "{case:?}: {sent:?}");
        shelf.apply(std::mem::take(&mut stage.changes));
        assert!(
            shelf.clients.get("c").is_none_or(|client| client.will.is_none()),
            "{case:?}: sent again at the next start"
        );
    }
}

#[test]
fn who_is_back_before_the_delay_is_over_takes_the_will_back_over_a_kill_too() {
    let mut shelf = Shelf::default();
    let (mut stage, line) = with_will(100, 10);
    stage.cut(line);
    let mut stage = kill(stage, &mut shelf);
    stage.pass_seconds(9);
    let watcher = stage.rejoin(lasting("w", 1000), true);
    stage.rejoin(lasting("c", 100), true);
    stage.pass_seconds(30);
    stage.expect_silence(watcher);
}

#[test]
fn a_will_whose_session_ends_with_its_connection_does_not_outlast_a_kill() {
    let mut shelf = Shelf::default();
    let (stage, _) = with_will(0, 0);
    let mut stage = kill(stage, &mut shelf);
    let watcher = stage.rejoin(lasting("w", 1000), true);
    stage.pass_seconds(30);
    stage.expect_silence(watcher);
}

#[test]
fn sessions_expire_over_a_kill_by_the_wall_clock() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    for (name, seconds) in [("short", 10), ("long", 100)] {
        let line = stage.join(lasting(name, seconds));
        stage.cut(line);
    }
    stage.now.wall += Duration::from_secs(50);
    let mut stage = kill(stage, &mut shelf);
    stage.pass_seconds(1);
    stage.rejoin(lasting("short", 10), false);
    stage.rejoin(lasting("long", 100), true);
}

#[test]
fn sessions_that_end_leave_nothing_behind() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    for (name, how) in [("a", 0), ("b", 1), ("c", 2), ("d", 3)] {
        let line = stage.join(Connect { will: Some(will("w", "x")), ..lasting(name, 10) });
        stage.subscribe(line, "t", QoS::AtLeastOnce);
        let publisher = stage.join(lasting("p", 10));
        stage.send(publisher, &at_least_once("t", "x", 1));
        stage.send(line, &exactly_once("elsewhere", "x", 5));
        match how {
            // Expires.
            0 => {
                stage.cut(line);
                stage.pass_seconds(10);
            }
            // Comes back with a clean start.
            1 => {
                stage.cut(line);
                stage.rejoin(connect(name, V5), false);
            }
            // Comes back as a session that ends with its connection.
            2 => {
                stage.cut(line);
                stage.rejoin(connect(name, V311), false);
            }
            // Says at its end that nothing is to be kept.
            _ => {
                let properties = [Property::SessionExpiryInterval(0)].into_iter().collect();
                stage.send(line, &Packet::Disconnect(Disconnect { reason: ReasonCode::SUCCESS, properties }));
            }
        }
    }
    stage.pass_seconds(100);
    shelf.apply(stage.changes);
    assert!(shelf.clients.is_empty(), "{:?}", shelf.clients);
    assert!(shelf.messages.is_empty(), "{:?}", shelf.messages);
}

/// Entries and filters of a session that is forgotten in some portions.
const MANY: usize = 3 * PORTION_OF_ENTRIES;
const FILTERS: usize = 5 * PORTION_OF_SUBSCRIPTIONS;

/// A session with so much, whose client is away, and the publisher.
fn with_much() -> (Stage, u64) {
    let mut stage = Stage::with(Settings { max_queued_messages: None, ..persistent() });
    let line = stage.join(lasting("much", 10));
    let options = SubscriptionOptions { qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() };
    let filters = (0..FILTERS).map(|number| Subscription { filter: format!("t/{number}").into(), options });
    let properties = Properties::new();
    stage.send(line, &Packet::Subscribe(Subscribe { packet_id: id(1), properties, subscriptions: filters.collect() }));
    stage.cut(line);
    let publisher = stage.join(connect("p", V5));
    for _ in 0..MANY {
        stage.send(publisher, &at_least_once("t/1", "x", 1));
        assert!(matches!(stage.next(publisher), Some(Packet::PubAck(_))));
    }
    (stage, publisher)
}

/// What is noted until nothing is left to do, commit by commit, as it weighs.
fn commits(stage: &mut Stage) -> Vec<Vec<Change>> {
    let mut commits = Vec::new();
    loop {
        while stage.broker.has_work() {
            stage.broker.handle_work(stage.now);
        }
        let changes = stage.broker.take_changes();
        if changes.is_empty() {
            return commits;
        }
        commits.push(changes);
        stage.broker.handle_stored(stage.now);
        stage.broker.handle_deadline(stage.now);
    }
}

#[test]
fn a_message_at_qos_2_for_many_is_stored_in_many_commits_and_comes_once_wherever_the_broker_is_killed() {
    const MANY: usize = 3_000;
    const GROUPS: usize = 40;
    let settings = || Settings { max_queued_messages: None, ..persistent() };
    let mut stage = Stage::with(settings());
    for number in 0..MANY {
        let line = stage.join(lasting(&format!("away{number}"), 1000));
        stage.subscribe(line, "t", QoS::ExactlyOnce);
        if number % 100 == 0 {
            stage.subscribe(line, "+", QoS::ExactlyOnce);
        }
        if number < GROUPS {
            stage.subscribe(line, &format!("$share/g{number}/t"), QoS::ExactlyOnce);
        }
        stage.cut(line);
    }
    let publisher = stage.join(Connect { will: Some(will("elsewhere", "x")), ..lasting("p", 1000) });
    stage.send(publisher, &exactly_once("t", "x", 7));
    stage.expect(publisher, &Packet::PubRec(Ack::new(id(7))));
    let mut before = Shelf::default();
    before.apply(std::mem::take(&mut stage.changes));
    stage.broker.handle_packet(ConnectionId(publisher), Packet::PubRel(Ack::new(id(7))), stage.now);
    let commits = commits(&mut stage);
    assert!(commits.len() > 2 && commits.iter().all(|commit| commit.len() < 4096));
    stage.poll_outputs();
    stage.expect(publisher, &Packet::PubComp(Ack::new(id(7))));
    let expected = |number: usize| 1 + usize::from(number.is_multiple_of(100)) + usize::from(number < GROUPS);
    for kill in 0..=commits.len() {
        let mut shelf = before.clone();
        for commit in &commits[..kill] {
            shelf.apply(commit.clone());
        }
        let mut stage = Stage::restored(settings(), shelf.restored(), stage.now.wall);
        if kill == 0 {
            // Nobody has it yet: its client has to ask for it.
            stage.collect();
        }
        if kill % 2 == 1 {
            // What the will comes behind goes to all before it.
            stage.broker.handle_deadline(stage.now);
        }
        // It is killed again at once, half-way through what was left.
        stage.broker.handle_work(stage.now);
        shelf.apply(stage.broker.take_changes());
        let mut stage = Stage::restored(settings(), shelf.restored(), stage.now.wall);
        stage.collect();
        let publisher = stage.rejoin(lasting("p", 1000), true);
        stage.send(publisher, &Packet::PubRel(Ack::new(id(7))));
        stage.expect(publisher, &Packet::PubComp(Ack::new(id(7))));
        shelf.apply(stage.changes);
        for number in 0..MANY {
            let entries = &shelf.clients[&format!("away{number}")].entries;
            assert_eq!(entries.len(), expected(number), "away{number} after {kill} commits");
        }
        assert!(shelf.clients["p"].entries.is_empty());
    }
    // Its session ends with the restart, before it goes on: those who are left get it all the same, and nobody again.
    let mut shelf = before;
    commits[..2].iter().for_each(|commit| shelf.apply(commit.clone()));
    let mut stage = Stage::restored(settings(), shelf.restored(), stage.now.wall);
    let line = stage.open(V5);
    let fresh = Packet::Connect(Box::new(Connect { clean_start: true, ..connect("p", V5) }));
    stage.broker.handle_packet(ConnectionId(line), fresh, stage.now);
    stage.collect();
    shelf.apply(stage.changes);
    for number in 0..MANY {
        let entries = &shelf.clients[&format!("away{number}")].entries;
        assert_eq!(entries.len(), expected(number), "away{number} after the end of the session");
    }
}

#[test]
fn a_will_for_many_is_stored_in_many_commits_and_comes_once_wherever_the_broker_is_killed() {
    const MANY: usize = 3_000;
    let settings = || Settings { max_queued_messages: None, ..persistent() };
    let mut stage = Stage::with(settings());
    for number in 0..MANY {
        let line = stage.join(lasting(&format!("away{number}"), 1000));
        stage.subscribe(line, "w", QoS::AtLeastOnce);
        stage.cut(line);
    }
    let will = Will { qos: QoS::AtLeastOnce, ..will("w", "gone") };
    let lost = stage.join(Connect { will: Some(will), ..lasting("lost", 1000) });
    let mut before = Shelf::default();
    before.apply(std::mem::take(&mut stage.changes));
    stage.broker.handle_close(ConnectionId(lost), Closing::ByClient, stage.now);
    let commits = commits(&mut stage);
    assert!(commits.len() > 2 && commits.iter().all(|commit| commit.len() < 4096));
    for kill in 0..=commits.len() {
        let mut shelf = before.clone();
        for commit in &commits[..kill] {
            shelf.apply(commit.clone());
        }
        let mut stage = Stage::restored(settings(), shelf.restored(), stage.now.wall);
        // Before the first commit the will waits in the store.
        stage.broker.handle_deadline(stage.now);
        stage.collect();
        shelf.apply(stage.changes);
        let got = (0..MANY).map(|number| shelf.clients[&format!("away{number}")].entries.len());
        assert!(got.clone().all(|count| count == 1), "after {kill} commits: {:?}", got.collect::<Vec<_>>());
        assert!(shelf.clients["lost"].entries.is_empty() && shelf.clients["lost"].will.is_none());
    }
}

/// The connection goes on.
#[track_caller]
fn answers(stage: &mut Stage, line: u64) {
    stage.broker.handle_packet(ConnectionId(line), Packet::PingReq, stage.now);
    stage.poll_outputs();
    stage.expect(line, &Packet::PingResp);
}

fn is_portion(change: &Change) -> bool {
    matches!(change, Change::ClientRemoved(_) | Change::LeftoversRemoved(_))
}

#[test]
fn a_session_with_much_is_forgotten_in_portions_however_it_ends_and_the_next_has_nothing_of_it() {
    for how in 0..4 {
        let (mut stage, publisher) = with_much();
        let mut shelf = Shelf::default();
        let mut back = None;
        match how {
            0 => {
                stage.tick(Monotonic::after_start(Duration::from_secs(11)));
                stage.broker.handle_deadline(stage.now);
            }
            // A clean start, by one who is to be kept and by one who is not.
            1 | 2 => {
                let connect = if how == 1 { lasting("much", 10) } else { connect("much", V5) };
                let line = stage.open(V5);
                stage.broker.handle_packet(
                    ConnectionId(line),
                    Packet::Connect(Box::new(Connect { clean_start: true, ..connect })),
                    stage.now,
                );
                back = Some(line);
            }
            // Its client is there, and says at its end that nothing is to be kept.
            _ => {
                let line = stage.rejoin(lasting("much", 10), true);
                let properties = [Property::SessionExpiryInterval(0)].into_iter().collect();
                let disconnect = Packet::Disconnect(Disconnect { reason: ReasonCode::SUCCESS, properties });
                stage.broker.handle_packet(ConnectionId(line), disconnect, stage.now);
            }
        }
        assert_eq!(back.is_some_and(|line| stage.broker.is_busy(ConnectionId(line))), how == 1, "{how}");
        // Another is kept waiting by nothing of it.
        stage.broker.handle_packet(ConnectionId(publisher), Packet::PingReq, stage.now);
        let first = stage.broker.take_changes();
        assert!(first.iter().any(is_portion));
        stage.broker.handle_stored(stage.now);
        stage.changes.extend(first);
        let rest = commits(&mut stage);
        let portions = |commit: &Vec<Change>| commit.iter().filter(|change| is_portion(change)).count();
        assert!(rest.iter().all(|commit| portions(commit) <= 2 && commit.len() < 4096), "{how}");
        assert!(rest.iter().map(portions).sum::<usize>() >= 4, "{how}");
        stage.changes.extend(rest.into_iter().flatten());
        stage.poll_outputs();
        if let Some(line) = back {
            assert!(matches!(stage.next(line), Some(Packet::ConnAck(ack)) if !ack.session_present), "{how}");
            answers(&mut stage, line);
        }
        shelf.apply(std::mem::take(&mut stage.changes));
        assert!(shelf.messages.is_empty() && shelf.leftovers.is_empty(), "{how}: {:?}", shelf.leftovers);
        assert_eq!(shelf.clients.len(), usize::from(how == 1));
    }
}

#[test]
fn who_waits_for_the_end_of_a_session_is_let_in_in_order_or_not_at_all() {
    let (mut stage, _) = with_much();
    let fresh = || Packet::Connect(Box::new(Connect { clean_start: true, ..lasting("much", 10) }));
    let lines: Vec<_> = (0..4).map(|_| stage.open(V5)).collect();
    for &line in &lines {
        stage.broker.handle_packet(ConnectionId(line), fresh(), stage.now);
        assert!(stage.broker.is_busy(ConnectionId(line)));
    }
    // One goes meanwhile, and is not kept waiting for the others.
    stage.broker.handle_gone(ConnectionId(lines[1]));
    stage.broker.handle_close(ConnectionId(lines[1]), Closing::ByClient, stage.now);
    assert!(!stage.broker.is_busy(ConnectionId(lines[1])));
    // Nor is anybody ended for what he cannot help.
    stage.tick(stage.now.elapsed + Duration::from_secs(40));
    stage.broker.handle_deadline(stage.now);
    commits(&mut stage);
    stage.poll_outputs();
    for &line in &[lines[0], lines[2]] {
        assert!(matches!(stage.next(line), Some(Packet::ConnAck(ack)) if ack.code == 0 && !ack.session_present));
        assert!(
            matches!(stage.next(line), Some(Packet::Disconnect(end)) if end.reason == ReasonCode::SESSION_TAKEN_OVER)
        );
    }
    assert!(matches!(stage.next(lines[3]), Some(Packet::ConnAck(ack)) if ack.code == 0));
    answers(&mut stage, lines[3]);
}

#[test]
fn who_waits_for_the_end_of_a_session_is_refused_when_the_store_fails() {
    let (mut stage, _) = with_much();
    stage.set_store(Disk::Waits);
    let line = stage.open(V5);
    let fresh = Packet::Connect(Box::new(Connect { clean_start: true, ..lasting("much", 10) }));
    stage.broker.handle_packet(ConnectionId(line), fresh, stage.now);
    stage.collect();
    assert_eq!(stage.next(line), None);
    stage.set_store(Disk::Fails);
    stage.collect();
    assert!(matches!(stage.next(line), Some(Packet::ConnAck(ack)) if ack.code == ReasonCode::QUOTA_EXCEEDED.0));
    stage.expect_closed(line);
    stage.set_store(Disk::Works);
    stage.collect();
    let line = stage.rejoin(lasting("much", 10), false);
    stage.send(line, &Packet::PingReq);
    stage.expect(line, &Packet::PingResp);
}

#[test]
fn a_store_that_fails_takes_no_acknowledged_messages() {
    let mut stage = Stage::with(persistent());
    stage.set_store(Disk::Fails);
    let five = stage.join(connect("five", V5));
    stage.send(five, &at_least_once("t", "x", 1));
    stage.expect(five, &Packet::PubAck(Ack::with_reason(id(1), ReasonCode::QUOTA_EXCEEDED)));
    let three = stage.join(connect("three", V311));
    stage.send(three, &at_least_once("t", "x", 1));
    stage.expect_closed(three);
    stage.set_store(Disk::Works);
    stage.send(five, &at_least_once("t", "x", 2));
    stage.expect(five, &unheard(2));
}

#[test]
fn ids_of_messages_go_on_from_the_restored_ones() {
    let last = MessageId::at(wall(1_900_000_000));
    let restored = Restored { last_message_id: last, ..Restored::default() };
    let mut stage = Stage::restored(persistent(), restored, wall(1_800_000_000));
    let line = stage.join(connect("c", V5));
    stage.send(line, &retained("t", "x"));
    let stored = stage.changes.iter().find_map(|change| match change {
        Change::Stored(message) => Some(message.id),
        _ => None,
    });
    assert_eq!(stored, Some(MessageId(last.0 + 1)));
}

#[test]
fn a_session_that_was_never_kept_takes_nothing_from_those_that_are() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    let kept = stage.join(lasting("kept", 1000));
    stage.subscribe(kept, "t", QoS::AtLeastOnce);
    stage.cut(kept);
    let passing = stage.join(connect("passing", V5));
    stage.subscribe(passing, "t", QoS::AtLeastOnce);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("t", "x", 1));
    stage.expect_message(passing, "x");
    // It says what held anyway.
    let properties = [Property::SessionExpiryInterval(0)].into_iter().collect();
    stage.send(passing, &Packet::Disconnect(Disconnect { reason: ReasonCode::SUCCESS, properties }));
    let mut stage = kill(stage, &mut shelf);
    let kept = stage.rejoin(lasting("kept", 1000), true);
    stage.expect_message(kept, "x");
}

#[test]
fn a_session_in_the_store_that_has_no_time_to_live_is_forgotten() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    let kept = stage.join(lasting("kept", 1000));
    stage.subscribe(kept, "t", QoS::AtLeastOnce);
    stage.cut(kept);
    let publisher = stage.join(connect("p", V5));
    stage.send(publisher, &at_least_once("t", "x", 1));
    shelf.apply(std::mem::take(&mut stage.changes));
    shelf.client("kept").record.session_expiry = SessionExpiry::WithConnection;
    kill(kill(stage, &mut shelf), &mut shelf);
    assert!(shelf.clients.is_empty() && shelf.messages.is_empty());
}

#[test]
fn a_will_of_the_store_goes_by_the_rules_of_every_listener_that_may_be_its_own() {
    let rules = |acl| Rules { allow_anonymous: true, passwords: None, scram: None, tokens: None, acl };
    let closed = Arc::new(Acl::parse(b"topic read w\n").unwrap());
    for (ports, own, is_sent) in [
        ([1883, 1884], 1883, true),
        ([1883, 1884], 1884, false),
        // At two addresses, or one that is gone.
        ([1883, 1883], 1883, false),
        ([1883, 1884], 8883, false),
    ] {
        let mut shelf = Shelf::default();
        let mut stage = Stage::with(persistent());
        stage.join(Connect { will: Some(will("w", "gone")), ..lasting("c", 1000) });
        shelf.apply(std::mem::take(&mut stage.changes));
        shelf.client("c").record.listener_port = own;
        let listeners = ports.map(|port| ListenerSettings { port, ..ListenerSettings::default() }).to_vec();
        let settings = Settings { listeners, ..persistent() };
        let mut stage = Stage::restored(settings, shelf.restored(), stage.now.wall);
        stage.broker.access = Access::new(vec![rules(None), rules(Some(Arc::clone(&closed)))]);
        let line = stage.join(connect("s", V5));
        stage.subscribe(line, "w", QoS::AtMostOnce);
        stage.pass(Duration::from_secs(1));
        if is_sent {
            stage.expect_message(line, "gone");
        }
        stage.expect_silence(line);
        // Nor does the next start know more.
        let is_forgotten = |change: &Change| matches!(change, Change::Client(record) if record.listener_port != own);
        assert!(!stage.changes.iter().any(is_forgotten), "{:?}", stage.changes);
    }
}

#[test]
fn what_waits_for_a_client_is_not_lost_by_the_rules_of_another_listener_with_its_port() {
    let mut shelf = Shelf::default();
    let mut stage = Stage::with(persistent());
    let line = stage.join(lasting("c", 1000));
    stage.subscribe(line, "#", QoS::AtLeastOnce);
    stage.cut(line);
    shelf.apply(std::mem::take(&mut stage.changes));
    let listeners = [Some("first/".into()), None].map(|mount_point| ListenerSettings {
        port: 1883,
        mount_point,
        ..ListenerSettings::default()
    });
    shelf.client("c").record.listener_port = 1883;
    let settings = Settings { listeners: listeners.to_vec(), ..persistent() };
    let mut stage = Stage::restored(settings, shelf.restored(), stage.now.wall);
    let rules = |acl: &[u8]| Rules {
        allow_anonymous: true,
        passwords: None,
        scram: None,
        tokens: None,
        acl: Some(Arc::new(Acl::parse(acl).unwrap())),
    };
    stage.broker.access = Access::new(vec![rules(b"topic first/#\n"), rules(b"topic read its/#\n")]);
    let publisher = stage.join(connect("p", V5));
    for (topic, payload) in [("its/own", "one"), ("others", "two"), ("its/too", "three")] {
        let own = OwnMessage {
            topic: topic.into(),
            payload: Bytes::from_static(payload.as_bytes()),
            qos: QoS::AtLeastOnce,
            retain: false,
            expiry: None,
        };
        stage.broker.publish_own(own, stage.now);
    }
    stage.send(publisher, &at_least_once("x", "below the other mount point", 1));
    let line = stage.open(V5);
    let key = stage.broker.key_of(ConnectionId(line)).unwrap();
    stage.broker.connections[key].listener = ListenerId(1);
    stage.broker.open = vec![1, 1];
    stage.send(line, &Packet::Connect(Box::new(lasting("c", 1000))));
    let Some(Packet::ConnAck(connack)) = stage.next(line) else { panic!("no CONNACK") };
    assert!(connack.session_present);
    stage.expect_message(line, "one");
    stage.expect_message(line, "three");
    stage.expect_silence(line);
}

//! Whatever one anonymous client sends, another's PINGREQ is answered within 100 ms. Real sockets, a broker in this process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use moskit::broker::access::Rules;
use moskit::broker::config::Sync;
use moskit::broker::server::{self, Bind, Config, Running, start};
use moskit::broker::store::Store;
use moskit::broker::{Access, Interest, Restored, Settings, WallTime};
use moskit::mqtt::packet::{
    Ack, Connect, Decoder, Disconnect, Packet, PacketId, Properties, ProtocolVersion, Publish, QoS, Subscribe,
    Subscription, SubscriptionOptions, Will,
};
use moskit::passwd::{File, Hash, Recipe, SALT_BYTES};

use crate::stalls::waits_for_a_processor;

const VERSION: ProtocolVersion = ProtocolVersion::V311;

/// A debug build takes ten times as long, on a machine that compiles something else meanwhile.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

/// How long an attack without end is looked at.
const SHARE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 15 });

fn broker(settings: Settings) -> (Running, SocketAddr) {
    stored(settings, None)
}

/// A broker with its state in a file, or in memory.
fn stored(settings: Settings, state: Option<&Path>) -> (Running, SocketAddr) {
    let running = start(config(settings, state, Bind::Tcp(([127, 0, 0, 1], 0).into()))).unwrap();
    let Bind::Tcp(address) = running.endpoints[0].bind else { unreachable!("a TCP listener was asked for") };
    (running, address)
}

fn config(settings: Settings, state: Option<&Path>, bind: Bind) -> Config {
    let wall = WallTime::after_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
    let (store, restored) = match state {
        Some(path) => {
            let (store, restored) = Store::open(path, Sync::Normal, wall).unwrap();
            (Some(store), restored)
        }
        None => (None, Restored::default()),
    };
    let settings = Settings { persistent: store.is_some(), ..settings };
    Config { settings, sys_interval: 1, store, restored, ..Config::open(vec![bind]) }
}

struct Client<S = TcpStream> {
    stream: S,
    decoder: Decoder,
    received: BytesMut,
    buffer: Vec<u8>,
}

impl Client {
    fn join(address: SocketAddr, id: &str) -> Self {
        Self::connected(address, id, true)
    }

    /// `clean`: with a new session, which ends with the connection.
    fn connected(address: SocketAddr, id: &str, clean: bool) -> Self {
        Self::greeted(address, Connect { clean_start: clean, ..connect(id) })
    }

    fn greeted(address: SocketAddr, connect: Connect) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        Self::over(stream, connect)
    }
}

impl<S: Read + Write> Client<S> {
    fn over(stream: S, connect: Connect) -> Self {
        let decoder = Decoder::client(VERSION, usize::MAX);
        let mut client = Self { stream, decoder, received: BytesMut::new(), buffer: vec![0; 64 * 1024] };
        client.send(&[Packet::Connect(Box::new(connect))]);
        assert!(matches!(client.next(), Packet::ConnAck(ack) if ack.code == 0));
        client
    }

    fn send(&mut self, packets: &[Packet]) {
        let mut bytes = BytesMut::new();
        for packet in packets {
            packet.encode(VERSION, &mut bytes).unwrap();
        }
        self.stream.write_all(&bytes).unwrap();
    }

    fn next(&mut self) -> Packet {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.received).unwrap() {
                return packet;
            }
            let count = self.stream.read(&mut self.buffer).unwrap();
            assert!(count > 0, "the broker has closed the connection");
            self.received.extend_from_slice(&self.buffer[..count]);
        }
    }

    /// Waits until all that was sent is handled; returns how many PUBLISH came before.
    fn settle(&mut self) -> usize {
        self.send(&[Packet::PingReq]);
        let mut publishes = 0;
        loop {
            match self.next() {
                Packet::PingResp => return publishes,
                Packet::Publish(_) => publishes += 1,
                _ => {}
            }
        }
    }

    fn subscribe(&mut self, filters: impl Iterator<Item = String>, qos: QoS) {
        let options = SubscriptionOptions { qos, ..SubscriptionOptions::default() };
        let subscriptions = filters.map(|filter| Subscription { filter: filter.into(), options }).collect();
        let packet_id = PacketId::new(1).unwrap();
        self.send(&[Packet::Subscribe(Subscribe { packet_id, properties: Properties::new(), subscriptions })]);
    }

    /// Publishes a message again and again at QoS 1; each is acknowledged.
    fn publish_acknowledged(&mut self, topic: &str, count: usize) {
        let Packet::Publish(one) = publish(topic, false) else { unreachable!("that is what it makes") };
        let of_id = |packet_id| Packet::Publish(Publish { qos: QoS::AtLeastOnce, packet_id, ..one.clone() });
        let thousand: Vec<_> = (1..=1000).map(|id| of_id(PacketId::new(id))).collect();
        for sent in (0..count).step_by(thousand.len()) {
            self.send(&thousand[..thousand.len().min(count - sent)]);
            self.settle();
        }
    }

    fn retain(&mut self, topics: usize) {
        let topics: Vec<_> = (0..topics).map(|number| publish(&format!("{}/{number}", number % 100), true)).collect();
        for some in topics.chunks(1000) {
            self.send(some);
        }
        self.settle();
    }
}

fn connect(id: &str) -> Connect {
    Connect {
        version: VERSION,
        bridge: false,
        clean_start: true,
        keep_alive: 0,
        client_id: id.into(),
        will: None,
        username: None,
        password: None,
        properties: Properties::new(),
    }
}

fn publish(topic: &str, retain: bool) -> Packet {
    Packet::Publish(Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain,
        topic: topic.into(),
        packet_id: None,
        properties: Properties::new(),
        payload: "x".into(),
    })
}

/// One who sends PINGREQs all the while.
struct Bystander {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Bystander {
    fn watch(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut client = Client::join(address, "bystander");
        let stopped = Arc::clone(&stop);
        // The attack begins behind the first answer, and one more PINGREQ goes out behind its end.
        let (first, begun) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut longest = Duration::ZERO;
            loop {
                let is_last = stopped.load(Ordering::Relaxed);
                let (sent, before) = (Instant::now(), waits_for_a_processor("self"));
                client.settle();
                let taken = sent.elapsed();
                if taken > longest {
                    longest = longest.max(taken.saturating_sub(waits_for_a_processor("self").saturating_sub(before)));
                }
                if is_last {
                    return longest;
                }
                let _ = first.send(());
                // A pace: pings back to back would be load themselves.
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        begun.recv().unwrap();
        Self { stop, thread }
    }

    #[track_caller]
    fn was_served(self, during: &str) {
        self.stop.store(true, Ordering::Relaxed);
        let longest = self.thread.join().unwrap();
        eprintln!("{during}: the longest answer to a PINGREQ took {longest:?}");
        assert!(longest < LIMIT, "{during}: {longest:?}");
    }
}

fn groups_come_and_go(address: SocketAddr, count: usize) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "groups");
    client.subscribe((0..count).map(|number| format!("$share/group{number}/t")), QoS::AtMostOnce);
    client.settle();
    // Each is a message for every group.
    client.send(&vec![publish("t", false); 20]);
    client.settle();
    client.send(&[Packet::Disconnect(Disconnect::default())]);
    drop(client);
    let mut last = Client::join(address, "last");
    last.settle();
    bystander.was_served("shared groups");
}

/// `topics`: how many are retained.
fn retained_many_times(address: SocketAddr, topics: usize, filters: usize, reads: bool) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "retained");
    client.subscribe((0..filters).map(|_| "#".to_owned()), QoS::AtMostOnce);
    client.send(&[Packet::PingReq]);
    let end = Instant::now() + SHARE;
    let mut received = 0;
    while Instant::now() < end {
        if !reads {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        match client.next() {
            Packet::Publish(_) => received += 1,
            Packet::PingResp => {
                assert_eq!(received, topics * filters, "the answer comes behind what was asked for before");
                break;
            }
            _ => {}
        }
    }
    drop(client);
    bystander.was_served(if reads { "retained messages, many times" } else { "retained messages, not read" });
}

fn acknowledged_backwards(address: SocketAddr, count: u16) {
    let mut client = Client::join(address, "backwards");
    client.subscribe(std::iter::once("t".to_owned()), QoS::AtLeastOnce);
    client.settle();
    let mut publisher = Client::join(address, "publisher");
    // Behind those in flight as many wait, each of which takes a packet id that was just freed.
    let sender = std::thread::spawn(move || publisher.publish_acknowledged("t", 2 * usize::from(count)));
    let mut ids = Vec::new();
    while ids.len() < usize::from(count) {
        if let Packet::Publish(Publish { packet_id: Some(packet_id), .. }) = client.next() {
            ids.push(packet_id);
        }
    }
    sender.join().unwrap();
    let bystander = Bystander::watch(address);
    let acks: Vec<_> = ids.into_iter().rev().map(|packet_id| Packet::PubAck(Ack::new(packet_id))).collect();
    client.send(&acks);
    client.settle();
    bystander.was_served("acknowledged in reverse");
}

/// Makes a session that waits for messages of the topic, and leaves.
fn leave_session(address: SocketAddr, id: &str, topic: &str) {
    let mut client = Client::connected(address, id, false);
    client.subscribe(std::iter::once(topic.to_owned()), QoS::AtLeastOnce);
    client.settle();
    client.send(&[Packet::Disconnect(Disconnect::default())]);
}

fn one_message_for_many(address: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        leave_session(address, &format!("session{number}"), "many");
    }
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").publish_acknowledged("many", 3);
    bystander.was_served("a message for many sessions");
}

fn will_for_many(address: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        leave_session(address, &format!("heir{number}"), "will");
    }
    let mut witness = Client::join(address, "witness");
    witness.subscribe(std::iter::once("will".to_owned()), QoS::AtMostOnce);
    witness.settle();
    let bystander = Bystander::watch(address);
    let will = Will {
        topic: "will".into(),
        payload: "x".into(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::new(),
    };
    let lost = Client::greeted(address, Connect { will: Some(will), ..connect("lost") });
    drop(lost);
    while !matches!(witness.next(), Packet::Publish(_)) {}
    // What was published before, the witness has.
    let mut last = Client::join(address, "last");
    last.settle();
    bystander.was_served("a will for many sessions");
}

/// $SYS goes to each of them.
fn sys_for_many(address: SocketAddr, sessions: usize) {
    for number in 0..sessions {
        leave_session(address, &format!("watcher{number}"), "$SYS/#");
    }
    let bystander = Bystander::watch(address);
    std::thread::sleep(Duration::from_secs(3));
    bystander.was_served("$SYS for many sessions");
}

/// One topic, and one client that has every filter of literal levels and `+` that matches it.
fn filters_that_all_match(address: SocketAddr, levels: u32) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "filters");
    let level = |number: u32, at: u32| if number >> at & 1 == 0 { "a" } else { "+" };
    let filter = |number: u32| (0..levels).map(|at| level(number, at)).collect::<Vec<_>>().join("/");
    client.subscribe((0..1 << levels).map(filter), QoS::AtMostOnce);
    client.settle();
    bystander.was_served("filters of one topic");
    let bystander = Bystander::watch(address);
    client.send(&vec![publish(&filter(0), false); 20]);
    // One for each filter, as with Mosquitto.
    assert_eq!(client.settle(), 20 << levels);
    client.send(&[Packet::Disconnect(Disconnect::default())]);
    Client::join(address, "last").settle();
    bystander.was_served("messages for filters of one topic");
}

/// `connected` clients at one filter, all of which get what is published.
fn message_for_many_connections(address: SocketAddr, connected: usize) {
    let mut clients: Vec<_> = (0..connected).map(|number| Client::join(address, &format!("c{number}"))).collect();
    for client in &mut clients {
        client.subscribe(std::iter::once("all".to_owned()), QoS::AtMostOnce);
        client.settle();
    }
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").publish_acknowledged("all", 5);
    for client in &mut clients {
        assert_eq!(client.settle(), 5);
    }
    bystander.was_served("a message for many connections");
}

fn long_queue_comes_and_goes(address: SocketAddr, messages: usize) {
    leave_session(address, "long", "queued");
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").publish_acknowledged("queued", messages);
    bystander.was_served("messages for one who is away");
    let bystander = Bystander::watch(address);
    // Some rounds of $SYS, which tells how many messages there are.
    std::thread::sleep(Duration::from_secs(3));
    bystander.was_served("a long queue");
    let bystander = Bystander::watch(address);
    let mut client = Client::connected(address, "long", false);
    bystander.was_served("a long queue whose client comes back");
    let bystander = Bystander::watch(address);
    // It takes the session over, which goes on.
    let mut second = Client::connected(address, "long", false);
    second.settle();
    drop((client, second));
    bystander.was_served("a long queue that is taken over");
    let bystander = Bystander::watch(address);
    client = Client::join(address, "long");
    client.settle();
    // What is left of the session goes in the background.
    std::thread::sleep(Duration::from_secs(2));
    bystander.was_served("the end of a long queue");
}

fn flood(address: SocketAddr) {
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "flood");
    let mut other_end = client.stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 1024 * 1024];
        // It ends with the connection, however that ends.
        while matches!(other_end.read(&mut buffer), Ok(1..)) {}
    });
    let pings = vec![Packet::PingReq; 100_000];
    let end = Instant::now() + SHARE;
    while Instant::now() < end {
        client.send(&pings);
    }
    client.stream.shutdown(std::net::Shutdown::Both).unwrap();
    reader.join().unwrap();
    bystander.was_served("a flood of PINGREQ");
}

/// No limit stands in the way of what is tried here, in one packet.
fn unlimited() -> Settings {
    Settings {
        max_inflight_messages: None,
        max_queued_messages: None,
        max_packet_size: 16 * 1024 * 1024,
        ..Settings::default()
    }
}

/// Rules with so many logins, from `u0` on, all with one password. Each takes so many rounds to check.
fn logins(count: usize, iterations: u32) -> Access {
    let recipe = Recipe::Pbkdf2 { iterations: iterations.try_into().unwrap() };
    let hash = Hash::make(recipe, SALT_BYTES, b"p").unwrap();
    let text = (0..count).map(|number| format!("u{number}:{hash}")).collect::<Vec<_>>().join("\n");
    let passwords = Some(Arc::new(File::parse(text.as_bytes()).unwrap()));
    Access::new(vec![Rules { allow_anonymous: true, passwords, scram: None, tokens: None, acl: None }])
}

fn reload_of_many(logins_known: usize, connected: usize) {
    let open = Config::open(vec![Bind::Tcp(([127, 0, 0, 1], 0).into())]);
    let running = start(Config { access: logins(logins_known, 1), ..open }).unwrap();
    let Bind::Tcp(address) = running.endpoints[0].bind else { unreachable!("a TCP listener was asked for") };
    let login = |number: usize| Connect {
        username: Some(format!("u{number}").into()),
        password: Some("p".into()),
        ..connect(&format!("c{number}"))
    };
    let clients: Vec<_> = (0..connected).map(|number| Client::greeted(address, login(number))).collect();
    let bystander = Bystander::watch(address);
    // Other hashes: every login has to be checked anew. The last of them are gone.
    let rules = server::Rules {
        settings: Settings::default(),
        access: logins(logins_known - logins_known / 10, 1000),
        sys_interval: 0,
        interest: Interest::default(),
    };
    let control = running.control();
    wait_for(async { control.begin_reload().finish(rules).await });
    bystander.was_served("a reload with many logins");
    let bystander = Bystander::watch(address);
    std::thread::sleep(SHARE / 4);
    bystander.was_served("logins that are checked after a reload");
    drop(clients);
    running.stop();
}

fn wait_for(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
}

#[test]
fn another_is_served_while_one_has_thousands_of_shared_groups() {
    let (running, address) = broker(Settings::default());
    groups_come_and_go(address, 10_000);
    running.stop();
}

#[test]
fn another_is_served_while_one_asks_for_all_retained_messages_again_and_again() {
    let (running, address) = broker(Settings::default());
    Client::join(address, "publisher").retain(5_000);
    retained_many_times(address, 5_000, 3_000, true);
    retained_many_times(address, 5_000, 3_000, false);
    running.stop();
}

#[test]
fn another_is_served_while_one_acknowledges_in_reverse_or_floods() {
    let (running, address) = broker(unlimited());
    acknowledged_backwards(address, 20_000);
    flood(address);
    running.stop();
}

#[test]
fn another_is_served_while_one_message_goes_to_many_or_a_long_queue_ends() {
    let folder = tempfile::tempdir().unwrap();
    for store in [None, Some(folder.path().join("state"))] {
        let (running, address) = stored(unlimited(), store.as_deref());
        one_message_for_many(address, 500);
        will_for_many(address, 500);
        sys_for_many(address, 100);
        long_queue_comes_and_goes(address, 5_000);
        running.stop();
    }
}

#[test]
fn another_is_served_while_one_topic_has_many_filters_or_connections() {
    let (running, address) = broker(unlimited());
    filters_that_all_match(address, 10);
    message_for_many_connections(address, 200);
    running.stop();
}

#[test]
#[ignore = "a minute in a release build: 32,768 filters that match one topic, 9,000 connections that are to get one message"]
fn another_is_served_while_one_topic_has_thirty_thousand_filters_or_thousands_of_connections() {
    let (running, address) = broker(unlimited());
    filters_that_all_match(address, 15);
    message_for_many_connections(address, 9_000);
    running.stop();
}

#[test]
fn another_is_served_during_a_reload_with_many_logins() {
    reload_of_many(1_000, 100);
}

#[test]
#[ignore = "a minute in a release build: 10,000 logins, of which 5,000 are connected"]
fn another_is_served_during_a_reload_with_ten_thousand_logins() {
    reload_of_many(10_000, 5_000);
}

#[test]
#[ignore = "minutes in a release build: 100,000 sessions, and a million messages that wait for one"]
fn another_is_served_while_one_message_goes_to_a_hundred_thousand_sessions_or_a_million_end() {
    let folder = tempfile::tempdir().unwrap();
    for store in [None, Some(folder.path().join("state"))] {
        eprintln!("{}", if store.is_some() { "with a store" } else { "in memory" });
        let (running, address) = stored(unlimited(), store.as_deref());
        long_queue_comes_and_goes(address, 1_000_000);
        let sessions = if store.is_some() { 20_000 } else { 100_000 };
        one_message_for_many(address, sessions);
        will_for_many(address, sessions);
        sys_for_many(address, sessions / 10);
        running.stop();
    }
}

#[test]
fn retained_messages_come_before_the_answer_to_what_was_sent_after_the_subscribe() {
    let (running, address) = broker(Settings::default());
    Client::join(address, "publisher").retain(10_000);
    let mut client = Client::join(address, "c");
    client.subscribe(["+/+", "7/#"].map(str::to_owned).into_iter(), QoS::AtMostOnce);
    assert_eq!(client.settle(), 10_000 + 100);
    running.stop();
}

#[test]
fn a_client_that_reads_nothing_while_it_publishes_waits_for_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    // Nothing but this client wakes the broker.
    let silent = config(Settings::default(), Some(&folder.path().join("state")), Bind::Unix(socket.clone()));
    let running = start(Config { sys_interval: 0, ..silent }).unwrap();
    let client = |id| {
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client::over(stream, Connect { clean_start: false, ..connect(id) })
    };
    let mut away = client("away");
    away.subscribe(std::iter::once("t".to_owned()), QoS::AtLeastOnce);
    away.settle();
    drop(away);
    let mut publisher = client("publisher");
    // The socket takes about half of the answers.
    publisher.send(&vec![Packet::PingReq; 200_000]);
    let Packet::Publish(one) = publish("t", false) else { unreachable!("that is what it makes") };
    let large = Publish { qos: QoS::AtLeastOnce, payload: vec![b'x'; 4096].into(), ..one };
    let of_id = |id| Packet::Publish(Publish { packet_id: PacketId::new(id), ..large.clone() });
    publisher.send(&(1..=300).map(of_id).collect::<Vec<_>>());
    let mut acknowledged = 0;
    while acknowledged < 300 {
        acknowledged += usize::from(matches!(publisher.next(), Packet::PubAck(_)));
    }
    running.stop();
}

#[test]
#[ignore = "a minute or two in a release build: the figures of the issue, with a million retained topics"]
fn another_is_served_whatever_one_sends_to_a_broker_with_a_million_retained_topics() {
    let (running, address) = broker(unlimited());
    groups_come_and_go(address, 100_000);
    acknowledged_backwards(address, 65_000);
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").retain(50_000);
    bystander.was_served("retaining 50,000");
    retained_many_times(address, 50_000, 30_000, true);
    let bystander = Bystander::watch(address);
    Client::join(address, "publisher").retain(1_000_000);
    bystander.was_served("retaining a million");
    let bystander = Bystander::watch(address);
    let mut client = Client::join(address, "all");
    client.subscribe(std::iter::once("#".to_owned()), QoS::AtMostOnce);
    assert_eq!(client.settle(), 1_000_000);
    bystander.was_served("a million retained messages");
    retained_many_times(address, 1_000_000, 30_000, true);
    retained_many_times(address, 1_000_000, 30_000, false);
    groups_come_and_go(address, 100_000);
    flood(address);
    running.stop();
}

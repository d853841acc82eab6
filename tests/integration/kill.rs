//! The broker is killed under load, again and again: nothing that it acknowledged is lost, no QoS 2
//! message comes twice, and every start goes on without repair.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::mosquitto::free_port;
use crate::run::moskit;

/// Messages that a publisher has under way.
const WINDOW: usize = 10;
/// How long the broker, or what it owes, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker with a store, on `port`. Returns when it accepts connections.
fn start(folder: &Path, port: u16) -> Child {
    let ready = folder.join("ready");
    let _ = std::fs::remove_file(&ready);
    let configuration = folder.join("kill.conf");
    std::fs::write(&configuration, format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"))
        .unwrap();
    let mut command = moskit(&["broker", "-q"]);
    command.arg("-c").arg(configuration).arg("--store").arg(folder.join("state.sqlite3"));
    let mut child = command.arg("--ready-file").arg(&ready).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + PATIENCE;
    while !ready.exists() {
        if let Some(status) = child.try_wait().unwrap() {
            let mut words = String::new();
            child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
            panic!("the broker does not start: {status}: {words}");
        }
        assert!(Instant::now() < until, "the broker does not get ready");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

/// A connection to a broker that may die at any moment, MQTT 3.1.1.
struct Link {
    stream: TcpStream,
    session_present: bool,
}

impl Link {
    /// Connects without clean session; tries until the broker is there.
    fn open(port: u16, id: &str) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            match Self::try_open(port, id) {
                Ok(link) => return link,
                Err(error) => assert!(Instant::now() < until, "{id} cannot connect: {error}"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn try_open(port: u16, id: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut link = Self { stream, session_present: false };
        let mut body = b"\x00\x04MQTT\x04\x00\x00\x00".to_vec();
        body.extend((id.len() as u16).to_be_bytes());
        body.extend(id.bytes());
        link.send(0x10, &body)?;
        let (kind, body) = link.receive()?;
        assert_eq!((kind, body[1]), (0x20, 0), "{id} is refused");
        link.session_present = body[0] == 1;
        Ok(link)
    }

    fn send(&mut self, first: u8, body: &[u8]) -> io::Result<()> {
        assert!(body.len() < 128, "one byte of length is enough here");
        let mut packet = vec![first, body.len() as u8];
        packet.extend(body);
        self.stream.write_all(&packet)
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        assert!(head[1] < 128, "a packet longer than any of ours");
        let mut body = vec![0; usize::from(head[1])];
        self.stream.read_exact(&mut body)?;
        Ok((head[0], body))
    }
}

/// A message that is under way.
struct Flight {
    packet_id: u16,
    number: u32,
    released: bool,
}

/// Publishes 1, 2, 3 … to `topic` until it is told to stop, then until all is acknowledged. Gives the
/// last number.
fn publisher(port: u16, id: &'static str, qos: u8, stop: Arc<AtomicBool>, sent: Arc<AtomicU32>) -> JoinHandle<u32> {
    std::thread::spawn(move || {
        let mut flights: VecDeque<Flight> = VecDeque::new();
        let mut last = 0;
        loop {
            let mut link = Link::open(port, id);
            let outcome = (|| -> io::Result<()> {
                for flight in &flights {
                    if flight.released {
                        link.send(0x62, &flight.packet_id.to_be_bytes())?;
                    } else {
                        link.send(0x38 | qos << 1, &publish(id, flight))?;
                    }
                }
                loop {
                    while flights.len() < WINDOW && !stop.load(Ordering::Relaxed) {
                        last += 1;
                        let flight = Flight { packet_id: (last % 60_000) as u16 + 1, number: last, released: false };
                        let body = publish(id, &flight);
                        flights.push_back(flight);
                        link.send(0x30 | qos << 1, &body)?;
                    }
                    if flights.is_empty() {
                        return Ok(());
                    }
                    let (kind, body) = link.receive()?;
                    let packet_id = u16::from_be_bytes([body[0], body[1]]);
                    match kind {
                        0x40 | 0x70 => flights.retain(|flight| flight.packet_id != packet_id),
                        0x50 => {
                            let found = flights.iter_mut().filter(|flight| flight.packet_id == packet_id);
                            found.for_each(|flight| flight.released = true);
                            link.send(0x62, &body)?;
                        }
                        other => panic!("the publisher got {other:#x}"),
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })();
            if outcome.is_ok() {
                return last;
            }
        }
    })
}

fn publish(topic: &str, flight: &Flight) -> Vec<u8> {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.bytes());
    body.extend(flight.packet_id.to_be_bytes());
    body.extend(flight.number.to_string().bytes());
    body
}

/// What a subscriber got, in the order it came.
struct Got {
    topic: String,
    number: u32,
}

/// Takes everything until it has `want` (set when the publishers are done) of each topic.
fn subscriber(port: u16, want: Arc<[AtomicU32; 2]>) -> JoinHandle<Vec<Got>> {
    std::thread::spawn(move || {
        let mut got: Vec<Got> = Vec::new();
        let mut seen = [BTreeSet::new(), BTreeSet::new()];
        let mut unreleased: HashSet<u16> = HashSet::new();
        let mut subscribed = false;
        loop {
            let mut link = Link::open(port, "sub");
            assert!(!subscribed || link.session_present, "the session is lost");
            let outcome = (|| -> io::Result<()> {
                if !subscribed {
                    link.send(0x82, b"\x00\x01\x00\x02q1\x01\x00\x02q2\x02")?;
                }
                link.stream.set_read_timeout(Some(Duration::from_millis(20)))?;
                loop {
                    let done = [0, 1].map(|index| {
                        let want = want[index].load(Ordering::Relaxed);
                        want > 0 && seen[index].len() as u32 >= want
                    });
                    if done == [true, true] {
                        return Ok(());
                    }
                    let (kind, body) = match link.receive() {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                        received => received?,
                    };
                    match kind >> 4 {
                        9 => subscribed = true,
                        3 => {
                            let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                            let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
                            let id = [body[2 + length], body[3 + length]];
                            let packet_id = u16::from_be_bytes(id);
                            let number = std::str::from_utf8(&body[4 + length..]).unwrap().parse().unwrap();
                            let is_exactly_once = kind >> 1 & 3 == 2;
                            if !is_exactly_once || unreleased.insert(packet_id) {
                                seen[usize::from(is_exactly_once)].insert(number);
                                got.push(Got { topic, number });
                            }
                            link.send(if is_exactly_once { 0x50 } else { 0x40 }, &id)?;
                        }
                        6 => {
                            unreleased.remove(&u16::from_be_bytes([body[0], body[1]]));
                            link.send(0x70, &body)?;
                        }
                        other => panic!("the subscriber got packet type {other}"),
                    }
                }
            })();
            if outcome.is_ok() {
                return got;
            }
        }
    })
}

/// Kills the broker so many times under load.
fn kill_and_restart(kills: u32) {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut broker = start(folder.path(), port);
    let want = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
    let subscriber = subscriber(port, Arc::clone(&want));
    // The subscription comes before the first message, or messages would rightly go to nobody.
    let until = Instant::now() + PATIENCE;
    while subscriptions(folder.path()) < 2 {
        assert!(Instant::now() < until, "nobody subscribes");
        std::thread::sleep(Duration::from_millis(2));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let progress = Arc::new(AtomicU32::new(0));
    let publishers = [("q1", 1), ("q2", 2)]
        .map(|(topic, qos)| publisher(port, topic, qos, Arc::clone(&stop), Arc::clone(&progress)));
    for kill in 0..kills {
        // Under load means that something has been acknowledged since the start; then a moment of its own for each.
        let before = progress.load(Ordering::Relaxed);
        let until = Instant::now() + PATIENCE;
        while progress.load(Ordering::Relaxed) < before + 5 {
            assert!(Instant::now() < until, "nothing is acknowledged after {kill} kills");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(u64::from(kill * 7919 % 8000)));
        broker.kill().unwrap();
        broker.wait().unwrap();
        broker = start(folder.path(), port);
    }
    stop.store(true, Ordering::Relaxed);
    let lasts = publishers.map(|publisher| publisher.join().unwrap());
    for (want, last) in want.iter().zip(lasts) {
        want.store(last, Ordering::Relaxed);
    }
    let got = subscriber.join().unwrap();
    broker.kill().unwrap();
    broker.wait().unwrap();
    let of = |topic: &str| got.iter().filter(|one| one.topic == topic).map(|one| one.number).collect::<Vec<_>>();
    let once: BTreeSet<_> = of("q1").into_iter().collect();
    assert_eq!(once, (1..=lasts[0]).collect(), "QoS 1: everything acknowledged has come");
    assert_eq!(of("q2"), (1..=lasts[1]).collect::<Vec<_>>(), "QoS 2: everything has come once and in order");
}

/// Rows of the state's table of subscriptions; 0 while there is no such table.
fn subscriptions(folder: &Path) -> i64 {
    rusqlite::Connection::open_with_flags(folder.join("state.sqlite3"), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| connection.query_row("SELECT COUNT(*) FROM subscriptions", [], |row| row.get(0)))
        .unwrap_or(0)
}

/// Messages of a session that is killed while it is forgotten: those of some portions.
const WAITING: usize = 20_000;

/// Publishes so many at QoS 1 to a topic, each acknowledged.
fn fill(link: &mut Link, topic: &str, count: usize) {
    let mut packets = Vec::new();
    for number in 1..=count {
        let flight = Flight { packet_id: (number % 60_000) as u16 + 1, number: number as u32, released: false };
        let body = publish(topic, &flight);
        packets.extend([0x32, body.len() as u8]);
        packets.extend(body);
    }
    let mut stream = link.stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || stream.write_all(&packets).unwrap());
    for _ in 0..count {
        assert_eq!(link.receive().unwrap().0, 0x40);
    }
    writer.join().unwrap();
}

/// How many messages wait for `long`, as qshape reads the file.
fn waiting(folder: &Path) -> u64 {
    let mut command = moskit(&["qshape", "--json"]);
    let output = command.arg(folder.join("state.sqlite3")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shape: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shape["sources"][0]["orphans"], 0);
    let of_long = shape["rows"].as_array().unwrap().iter().find(|row| row["name"] == "long");
    of_long.map_or(0, |row| row["total"].as_u64().unwrap())
}

#[test]
fn a_session_that_a_kill_leaves_half_forgotten_has_ended_and_the_next_has_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut broker = start(folder.path(), port);
    let mut halves = 0;
    for kill in 0..12_u64 {
        let mut long = Link::open(port, "long");
        if !long.session_present {
            long.send(0x82, b"\x00\x01\x00\x01q\x01").unwrap();
            assert_eq!(long.receive().unwrap().0, 0x90);
        }
        drop(long);
        let missing = WAITING - waiting(folder.path()) as usize;
        fill(&mut Link::open(port, "filler"), "q", missing);
        // A clean start of MQTT 5, for a session that is kept for 1,000 s.
        let mut fresh = TcpStream::connect(("127.0.0.1", port)).unwrap();
        fresh.write_all(b"\x10\x16\x00\x04MQTT\x05\x02\x00\x00\x05\x11\x00\x00\x03\xe8\x00\x04long").unwrap();
        // Each kill has a moment of its own; the first comes at once, and the last when all is over.
        if kill == 11 {
            let mut connack = [0; 5];
            fresh.set_read_timeout(Some(PATIENCE)).unwrap();
            fresh.read_exact(&mut connack).unwrap();
            assert_eq!((connack[0], connack[2], connack[3]), (0x20, 0, 0));
        } else {
            std::thread::sleep(Duration::from_millis(kill * 6));
        }
        broker.kill().unwrap();
        broker.wait().unwrap();
        let found = waiting(folder.path());
        assert!(found == 0 || found == WAITING as u64, "{found} of {WAITING} after kill {kill}");
        let rows = |table| rows_of_long(folder.path(), table);
        let (entries, sessions) = (rows("client_msgs"), rows("clients"));
        assert!(entries == 0 || entries == WAITING as i64 || sessions == 0, "{entries} rows are those of a session");
        halves += u32::from(entries > 0 && sessions == 0);
        broker = start(folder.path(), port);
        assert_eq!(waiting(folder.path()), found);
        let after = [rows("client_msgs"), rows("moskit_leftovers")];
        assert_eq!(after, [found as i64, 0], "a start removes what is left");
    }
    assert_eq!(waiting(folder.path()), 0);
    assert!(Link::open(port, "long").session_present, "the last session is kept");
    eprintln!("{halves} kills came half-way");
    broker.kill().unwrap();
    broker.wait().unwrap();
}

fn rows_of_long(folder: &Path, table: &str) -> i64 {
    count(folder, &format!("SELECT COUNT(*) FROM {table} WHERE client_id = 'long'"))
}

fn count(folder: &Path, query: &str) -> i64 {
    rusqlite::Connection::open(folder.join("state.sqlite3"))
        .and_then(|connection| connection.query_row(query, [], |row| row.get(0)))
        .unwrap()
}

#[test]
fn a_message_at_qos_2_for_many_comes_once_to_each_though_the_broker_is_killed_half_way() {
    const MANY: i64 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut broker = start(folder.path(), port);
    for number in 0..MANY {
        let mut receiver = Link::open(port, &format!("receiver{number}"));
        receiver.send(0x82, b"\x00\x01\x00\x04many\x02").unwrap();
        assert_eq!(receiver.receive().unwrap().0, 0x90);
    }
    let mut halves = 0;
    for kill in 0..12_u16 {
        let mut publisher = Link::open(port, "exact");
        let packet_id = kill + 1;
        let flight = Flight { packet_id, number: kill.into(), released: false };
        publisher.send(0x34, &publish("many", &flight)).unwrap();
        assert_eq!(publisher.receive().unwrap(), (0x50, packet_id.to_be_bytes().to_vec()));
        publisher.send(0x62, &packet_id.to_be_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(u64::from(kill) * 8));
        broker.kill().unwrap();
        broker.wait().unwrap();
        let rows = count(folder.path(), "SELECT COUNT(*) FROM client_msgs WHERE direction = 1");
        halves += u32::from(rows % MANY != 0);
        broker = start(folder.path(), port);
        let mut publisher = Link::open(port, "exact");
        publisher.send(0x62, &packet_id.to_be_bytes()).unwrap();
        assert_eq!(publisher.receive().unwrap(), (0x70, packet_id.to_be_bytes().to_vec()));
        let each = "SELECT COUNT(*) AS n FROM client_msgs WHERE direction = 1 GROUP BY client_id";
        let right = format!("SELECT COUNT(*) FROM ({each}) WHERE n = {packet_id}");
        assert_eq!(count(folder.path(), &right), MANY, "after kill {kill}");
        assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM client_msgs WHERE direction = 0"), 0);
    }
    eprintln!("{halves} kills came half-way");
    broker.kill().unwrap();
    broker.wait().unwrap();
}

#[test]
fn two_hundred_kills_lose_nothing_and_repeat_nothing() {
    kill_and_restart(200);
}

#[test]
#[ignore = "takes minutes"]
fn a_thousand_kills_lose_nothing_and_repeat_nothing() {
    kill_and_restart(1000);
}

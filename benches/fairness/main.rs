//! How long an honest client waits while another does its worst: `cargo bench --bench fairness` for all of it (about three
//! minutes), `cargo bench --bench fairness -- retained reload` for some. The goal: 20 ms at the 99th percentile.
//!
//! The broker is a program of its own. The honest client has two round trips, each begun every 2 ms whether the one before
//! is over or not, and counted from when it was due. *Delivered*: a message at QoS 0 to itself. *Kept*: a message at QoS 1
//! for a session that is away, until its PUBACK, which is sent after the commit where the state is on disk. A row has the
//! milliseconds that half of them take at most, that 99 of 100 do, the longest, and how many times longer the 99th of 100
//! is than in the first row of its table: there the same machine has nothing else to do. In the second row nobody does
//! anything to the broker, but a thread for each processor computes: this much is the system's choice of who may run,
//! which the attackers' own threads, on the same processors, cause as well.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark says what it measured, or fails")]

#[path = "../../tests/integration/fairness/attacks.rs"]
mod attacks;
#[path = "../broker_load/broker.rs"]
#[expect(dead_code, reason = "the other benchmark asks more of its brokers")]
mod broker;
mod bystander;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moskit::mqtt::packet::Connect;
use moskit::passwd::{Hash, Recipe, SALT_BYTES};
use rustix::process::Signal;

use attacks::{
    Client, acknowledged_backwards, connect, exactly_once_for_many, filters_that_all_match, flood, group_that_is_away,
    groups_come_and_go, long_queue_comes_and_goes, long_queue_is_drained, message_for_many_connections,
    one_message_for_many, retained_many_times, subscriptions_end, sys_for_many, will_for_many,
};
use broker::{Brand, Broker, folder_on_disk, persistence, raise_descriptor_limit};
use bystander::Bystander;

/// No limit stands in the way of what is tried here.
const UNLIMITED: &str = "max_inflight_messages 0\nmax_packet_size 16777216\nsys_interval 1\n";

const QUEUED: usize = 1_000_000;
const RETAINED: usize = 100_000;
const LOGINS: usize = 10_000;
/// Of the logins, how many are connected while they are read again.
const CONNECTED_LOGINS: usize = 1_000;
const CONNECTIONS: usize = 5_000;
const SESSIONS: usize = 20_000;
const SUBSCRIPTIONS: usize = 100_000;
const MEMBERS: usize = 3_000;
const HANDSHAKES: usize = 300;

/// Word, what it measures.
const SCENARIOS: [(&str, fn()); 8] = [
    ("queue", queue_in_memory),
    ("stored", queue_on_disk),
    ("retained", retained),
    ("wildcards", wildcards),
    ("many", many),
    ("reload", reload),
    ("floods", floods),
    ("handshakes", handshakes),
];

fn main() {
    // `cargo bench` adds `--bench`.
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let known = |word: &String| SCENARIOS.iter().any(|(name, _)| name == word);
    assert!(words.iter().all(known), "the scenarios are {:?}", SCENARIOS.map(|(name, _)| name));
    raise_descriptor_limit(2 * CONNECTIONS as u64);
    for (name, measure) in SCENARIOS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            println!("{name}");
            measure();
        }
    }
}

/// A broker of which the first two rows are printed.
fn broker(lines: &str) -> Broker {
    let broker = Broker::start_with(Brand::Moskit, &format!("{UNLIMITED}{lines}"));
    bystander::print_head();
    Bystander::watch(broker.address).was_alone();
    let bystander = Bystander::watch(broker.address);
    compute_everywhere(Duration::from_secs(2));
    bystander.was_served("nothing; other threads compute");
    broker
}

fn compute_everywhere(time: Duration) {
    let is_over = Arc::new(AtomicBool::new(false));
    let compute = |_| {
        let is_over = Arc::clone(&is_over);
        std::thread::spawn(move || while !is_over.load(Ordering::Relaxed) {})
    };
    let computing: Vec<_> = (0..std::thread::available_parallelism().unwrap().get()).map(compute).collect();
    std::thread::sleep(time);
    is_over.store(true, Ordering::Relaxed);
    for thread in computing {
        thread.join().unwrap();
    }
}

fn queue_in_memory() {
    let broker = broker("");
    long_queue_comes_and_goes(broker.address, QUEUED);
    long_queue_is_drained(broker.address, QUEUED);
}

/// With the state on disk, where it is also read by another program meanwhile.
fn queue_on_disk() {
    let folder = folder_on_disk();
    let broker = broker(&persistence(&folder));
    long_queue_comes_and_goes(broker.address, QUEUED);
    long_queue_is_drained(broker.address, QUEUED);
    subscriptions_end(broker.address, SUBSCRIPTIONS);
    attacks::leave_session(broker.address, "exported", "exported");
    Client::join(broker.address, "publisher").publish_acknowledged("exported", QUEUED);
    let bystander = Bystander::watch(broker.address);
    for words in [&["--json"][..], &["list", "exported"]] {
        export(words, &folder.path().join("mosquitto.sqlite3"));
    }
    bystander.was_served("a million messages are exported by qshape");
    one_message_for_many(broker.address, SESSIONS);
    will_for_many(broker.address, SESSIONS);
    exactly_once_for_many(broker.address, SESSIONS);
    broker.stop();
}

fn export(words: &[&str], file: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moskit"));
    assert!(command.arg("qshape").args(words).arg(file).stdout(Stdio::null()).status().unwrap().success());
}

fn retained() {
    let broker = broker("");
    let bystander = Bystander::watch(broker.address);
    Client::join(broker.address, "publisher").retain(RETAINED);
    bystander.was_served("retaining 100,000 messages");
    retained_many_times(broker.address, RETAINED, 10, true);
    retained_many_times(broker.address, RETAINED, 10_000, false);
}

fn wildcards() {
    let broker = broker("");
    filters_that_all_match(broker.address, 15);
    groups_come_and_go(broker.address, 20_000);
    subscriptions_are_listed(&broker);
}

/// SIGUSR2: the broker prints all that anybody has subscribed to.
fn subscriptions_are_listed(broker: &Broker) {
    let mut client = Client::join(broker.address, "subscriber");
    for first in (0..SUBSCRIPTIONS).step_by(10_000) {
        client.subscribe(
            (first..first + 10_000).map(|number| format!("some/{number}/+")),
            moskit::mqtt::packet::QoS::AtMostOnce,
        );
        client.settle();
    }
    let bystander = Bystander::watch(broker.address);
    for _ in 0..3 {
        broker.signal(Signal::USR2);
        std::thread::sleep(Duration::from_millis(500));
    }
    bystander.was_served("100,000 subscriptions are listed");
}

fn many() {
    let broker = broker("");
    message_for_many_connections(broker.address, CONNECTIONS);
    one_message_for_many(broker.address, SESSIONS);
    will_for_many(broker.address, SESSIONS);
    sys_for_many(broker.address, SESSIONS / 10);
    group_that_is_away(broker.address, MEMBERS);
}

/// A password file is read again, twice, with other hashes each time: every login has to be checked anew.
fn reload() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    write_passwords(&file, 1);
    let broker = broker(&format!("password_file {}\n", file.display()));
    let login = |number: usize| Connect {
        username: Some(format!("u{number}").into()),
        password: Some("p".into()),
        ..connect(&format!("c{number}"))
    };
    let clients: Vec<_> = (0..CONNECTED_LOGINS).map(|number| Client::greeted(broker.address, login(number))).collect();
    let bystander = Bystander::watch(broker.address);
    for iterations in [1000, 1001] {
        write_passwords(&file, iterations);
        broker.signal(Signal::HUP);
        std::thread::sleep(Duration::from_secs(2));
    }
    bystander.was_served("10,000 passwords are read again");
    drop(clients);
}

/// Logins from `u0` on, all with one password, each of which takes so many rounds to check.
fn write_passwords(file: &Path, iterations: u32) {
    let recipe = Recipe::Pbkdf2 { iterations: iterations.try_into().unwrap() };
    let hash = Hash::make(recipe, SALT_BYTES, b"p").unwrap();
    let lines: Vec<_> = (0..LOGINS).map(|number| format!("u{number}:{hash}\n")).collect();
    std::fs::write(file, lines.concat()).unwrap();
}

fn floods() {
    let broker = broker("");
    acknowledged_backwards(broker.address, 65_000);
    flood(broker.address);
    let bystander = Bystander::watch(broker.address);
    let end = Instant::now() + bystander::SHARE;
    let mut number = 0;
    while Instant::now() < end {
        Client::join(broker.address, &format!("comes-and-goes{number}"));
        number += 1;
    }
    bystander.was_served("clients that come and go");
}

/// Hundreds of TLS handshakes are begun at once, again and again, and none goes on behind the answer.
fn handshakes() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_moskit"))
        .args(["certgen", "init"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = |name| folder.path().join(name).display().to_string();
    let (certificate, key) = (file("server.crt"), file("server.key"));
    let broker = broker(&format!("listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\n"));
    let hello = client_hello();
    let bystander = Bystander::watch(broker.address);
    let end = Instant::now() + bystander::SHARE;
    while Instant::now() < end {
        let mut streams: Vec<_> = (0..HANDSHAKES).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
        for stream in &mut streams {
            stream.write_all(&hello).unwrap();
        }
        for stream in &mut streams {
            assert!(stream.read(&mut [0; 64]).unwrap() > 0, "the broker answers");
        }
    }
    bystander.was_served("300 TLS handshakes at once");
}

/// What a client begins a handshake with.
fn client_hello() -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let mut client = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

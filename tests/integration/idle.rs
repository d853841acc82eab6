//! A broker that nobody asks anything of sleeps.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::broker_verb::Broker;
use crate::mosquitto::free_port;

/// How often threads of the process have begun to wait. Each time something woke them before.
fn waits(pid: u32) -> u64 {
    let of = |status: &str| {
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
        line.unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.map(|thread| of(&std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap())).sum()
}

/// A client with a session that is kept, a subscription, and no keep-alive.
fn join(port: u16, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let connect = [&b"\x10\x10\0\x04MQTT\x04\0\0\0\0\x04"[..], format!("{number:04}").as_bytes()].concat();
    stream.write_all(&connect).unwrap();
    stream.write_all(b"\x82\x06\0\x01\0\x01t\x01").unwrap();
    let mut answers = [0; 9];
    stream.read_exact(&mut answers).unwrap();
    assert_eq!(answers, *b"\x20\x02\0\0\x90\x03\0\x01\x01");
    stream
}

fn ping(mut stream: &TcpStream) {
    stream.write_all(b"\xc0\0").unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
}

#[test]
fn an_idle_broker_with_many_connections_is_woken_at_most_twice_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let lines = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nlog_type none\npersistence true\npersistence_location {}/\n",
        folder.path().display()
    );
    let broker = Broker::configured(folder.path(), &lines);
    let clients: Vec<_> = (0..200).map(|number| join(broker.port, number)).collect();
    // Whoever asks for something wakes it, and is counted as soon as it waits again.
    for client in &clients[..5] {
        let before = waits(broker.pid());
        ping(client);
        let asked = Instant::now();
        while waits(broker.pid()) == before {
            assert!(asked.elapsed() < Duration::from_secs(20), "a broker that has answered waits");
            std::thread::yield_now();
        }
    }
    // What was begun until now comes to its end first.
    let time = Duration::from_secs(2);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|&woken| woken > 2 * time.as_secs()) {
        assert!(seen.len() < 10, "woken in {time:?}: {seen:?}");
        let before = waits(broker.pid());
        std::thread::sleep(time);
        seen.push(waits(broker.pid()) - before);
    }
    drop(clients);
    broker.end();
}

//! Load on the embedded broker and on Debian's mosquitto, in the same run: `cargo bench --bench broker_load`.
//!
//! Closed loops of 64-byte payloads: at QoS 0 at most 500 messages between a publisher and its subscriber, at QoS 1
//! at most 20 unacknowledged. Each figure is the median of interleaved rounds; CPU seconds are the broker's alone.
//! The generator runs in this process, the brokers in their own.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark says what it measured, or fails")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use moskit::broker::server::{Bind, Config, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

const PAYLOAD: usize = 64;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
const IDLE: usize = 2_000;

fn main() {
    let words: Vec<_> = std::env::args().collect();
    if let [_, verb, port] = &words[..]
        && verb == "serve"
    {
        serve(port.parse().unwrap());
    }
    println!("{:<14} {:>10} {:>14} {:>16}", "", "broker", "messages/s", "CPU µs/message");
    for (name, pairs, qos) in [("QoS 0 1→1", 1, 0), ("QoS 1 1→1", 1, 1), ("QoS 0 20→20", 20, 0), ("QoS 1 20→20", 20, 1)]
    {
        compare(name, pairs, qos);
    }
    for broker in ["moskit", "mosquitto"] {
        println!("{:<14} {broker:>10} {:>9.2} kB per idle connection", "memory", idle_memory(broker));
    }
}

fn serve(port: u16) -> ! {
    let config = Config::open(vec![Bind::Tcp(([127, 0, 0, 1], port).into())]);
    let _running = start(config).unwrap();
    loop {
        std::thread::park();
    }
}

fn compare(name: &str, pairs: usize, qos: u8) {
    let mut results = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (broker, results) in ["moskit", "mosquitto"].into_iter().zip(&mut results) {
            results.push(round(broker, pairs, qos));
        }
    }
    let mut rates = Vec::new();
    for (broker, results) in ["moskit", "mosquitto"].into_iter().zip(&mut results) {
        results.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (rate, cpu) = results[ROUNDS / 2];
        rates.push(rate);
        println!("{name:<14} {broker:>10} {rate:>14.0} {:>16.2}", cpu * 1e6);
    }
    println!("{name:<14} {:>10} {:>13.1}×", "", rates[0] / rates[1]);
}

/// Messages per second, and the broker's CPU seconds per message.
fn round(broker: &str, pairs: usize, qos: u8) -> (f64, f64) {
    let broker = Broker::start(broker);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let before = broker.cpu();
    let began = Instant::now();
    let end = began + ROUND;
    let messages = local.block_on(&runtime, async {
        let mut pairs: Vec<_> = (0..pairs)
            .map(|index| {
                let address = broker.address;
                tokio::task::spawn_local(async move { pair(address, index, qos, end).await })
            })
            .collect();
        let mut sum = 0;
        for pair in &mut pairs {
            sum += pair.await.unwrap();
        }
        sum
    });
    let seconds = began.elapsed().as_secs_f64();
    (messages as f64 / seconds, (broker.cpu() - before) / messages as f64)
}

/// A publisher and its subscriber; how many messages the subscriber got.
async fn pair(address: SocketAddr, index: usize, qos: u8, end: Instant) -> u64 {
    let topic = format!("load/{index:03}");
    let mut subscriber = connect(address, &format!("s{index}")).await;
    let mut subscribe = vec![0x82, (5 + topic.len()) as u8, 0, 1, 0, topic.len() as u8];
    subscribe.extend(topic.bytes().chain([qos]));
    subscriber.write_all(&subscribe).await.unwrap();
    subscriber.read_exact(&mut [0; 5]).await.unwrap();
    let publisher = connect(address, &format!("p{index}")).await;
    // QoS 0: permits come back when messages arrive; QoS 1: when they are acknowledged.
    let window = Rc::new(Semaphore::new(if qos == 0 { 500 } else { 20 }));
    let sending = tokio::task::spawn_local(publish(publisher, topic.clone(), qos, Rc::clone(&window), end));
    let received = receive(subscriber, topic.len(), qos, window, end).await;
    sending.abort();
    received
}

async fn connect(address: SocketAddr, client_id: &str) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut packet = vec![0x10, (12 + client_id.len()) as u8];
    packet.extend(b"\x00\x04MQTT\x04\x02\x00\x00\x00");
    packet.push(client_id.len() as u8);
    packet.extend(client_id.bytes());
    stream.write_all(&packet).await.unwrap();
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
    stream
}

async fn publish(stream: tokio::net::TcpStream, topic: String, qos: u8, window: Rc<Semaphore>, end: Instant) {
    let (mut reader, mut writer) = stream.into_split();
    let acknowledged = Rc::clone(&window);
    if qos == 1 {
        tokio::task::spawn_local(async move {
            let mut buffer = vec![0; 16 * 1024];
            let mut rest = 0;
            while let Ok(length @ 1..) = reader.read(&mut buffer).await {
                acknowledged.add_permits((rest + length) / 4);
                rest = (rest + length) % 4;
            }
        });
    }
    let mut packet_id: u16 = 0;
    let mut batch = Vec::new();
    while Instant::now() < end {
        let Ok(first) = window.acquire().await else { return };
        let more = window.available_permits();
        first.forget();
        if more > 0 {
            window.acquire_many(more as u32).await.unwrap().forget();
        }
        batch.clear();
        for _ in 0..=more {
            packet_id = packet_id.checked_add(1).unwrap_or(1);
            let variable = 2 + topic.len() + if qos == 1 { 2 } else { 0 };
            batch.extend([0x30 | qos << 1, (variable + PAYLOAD) as u8, 0, topic.len() as u8]);
            batch.extend(topic.bytes());
            if qos == 1 {
                batch.extend(packet_id.to_be_bytes());
            }
            batch.extend([b'x'; PAYLOAD]);
        }
        writer.write_all(&batch).await.unwrap();
    }
}

async fn receive(
    mut stream: tokio::net::TcpStream,
    topic_length: usize,
    qos: u8,
    window: Rc<Semaphore>,
    end: Instant,
) -> u64 {
    let size = 4 + topic_length + PAYLOAD + if qos == 1 { 2 } else { 0 };
    let mut buffer = vec![0; 64 * 1024];
    let mut held = 0;
    let mut received = 0;
    let mut acks = Vec::new();
    while Instant::now() < end {
        let Ok(read) = tokio::time::timeout_at(end.into(), stream.read(&mut buffer[held..])).await else { break };
        let read = read.unwrap();
        assert!(read > 0, "the broker hung up");
        held += read;
        let whole = held / size;
        if qos == 0 {
            window.add_permits(whole);
        } else {
            acks.clear();
            for packet in buffer[..whole * size].chunks_exact(size) {
                acks.extend([0x40, 2, packet[4 + topic_length], packet[5 + topic_length]]);
            }
            stream.write_all(&acks).await.unwrap();
        }
        received += whole as u64;
        buffer.copy_within(whole * size..held, 0);
        held -= whole * size;
    }
    received
}

/// kB that one more connection without traffic costs.
fn idle_memory(broker: &str) -> f64 {
    let broker = Broker::start(broker);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let _first = connect(broker.address, "first").await;
        let before = broker.resident_kilobytes();
        let mut connections = Vec::new();
        for index in 0..IDLE {
            connections.push(connect(broker.address, &format!("idle{index}")).await);
        }
        (broker.resident_kilobytes() - before) / IDLE as f64
    })
}

/// A broker in a process of its own, ended by its id.
struct Broker {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Broker {
    fn start(name: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let mut command = if name == "moskit" {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["serve", &port.to_string()]);
            command
        } else {
            let file = folder.path().join("mosquitto.conf");
            let configuration =
                format!("user root\nlistener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
            std::fs::write(&file, configuration).unwrap();
            let mut command = Command::new("/usr/sbin/mosquitto");
            command.arg("-c").arg(file);
            command
        };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let address = ([127, 0, 0, 1], port).into();
        while TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        Self { child, address, _folder: folder }
    }

    /// User and system time.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
        // Linux counts in hundredths for every program.
        ticks / 100.0
    }

    fn resident_kilobytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

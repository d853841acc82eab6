//! The time that messages take at half of what the same generator brings through without a pause, and its tail.
//!
//! The load is given by a clock, not by answers. Each message has a moment at which it is due, and is sent then, alone, in a
//! write of its own; all publishers take turns. Its time counts from when it was due, whoever was late, until its subscriber
//! has read it. One thread of the generator sends: it sleeps until shortly before a message is due, and then looks at
//! the clock until it is. Another one reads all that comes and acknowledges it. Windows are open, since they would
//! slow the load down where the broker is slow. The broker has processor 0, the generator the next one, and its reader one of
//! its own where there are three. The relay (`nothing`) passes the same bytes on, acknowledgements as well, and knows
//! no MQTT: its time is what system, generator and machine add.
//!
//! Each figure is the middle one of those of all rounds, which are interleaved: a virtual machine stands still for
//! milliseconds when its host has other work, and a round that met this has another tail than those that did not. `sent late`:
//! how late the generator itself was with 99 of 100 messages at most, which is part of their time. `busy`: how much of
//! its processor the broker used. The goal of the project: p99 at most twice that of the relay, p99.9 at most five times.

use std::cell::RefCell;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;

use crate::broker::{Brand, Broker, on_processor};
use crate::client::{Incoming, Outgoing, Session, connect, subscribe};
use crate::relay::Relay;
use crate::throughput::Load;
use crate::{block_on, median};

const ROUND: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 5;
/// Not counted: buffers and caches are cold.
const WARM_UP: Duration = Duration::from_millis(200);
/// For the last messages.
const PATIENCE: Duration = Duration::from_secs(10);
/// A thread that sleeps is woken late by less than this, where nobody else wants the processor.
const WAKE_UP: Duration = Duration::from_micros(150);
/// The brokers must not hold messages back for acknowledgements.
const OPEN_WINDOWS: &str = "max_inflight_messages 0\n";

/// What the messages go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Through {
    Broker(Brand),
    /// A relay that knows no MQTT.
    Nothing,
}

impl Through {
    fn name(self) -> &'static str {
        match self {
            Self::Broker(brand) => brand.name(),
            Self::Nothing => "nothing",
        }
    }
}

/// How fast messages are due, all publishers together.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// So many per second.
    Rate(f64),
    /// As fast as the sockets take them.
    Unpaced,
}

pub fn measure(loads: &[Load]) {
    println!(
        "{:<14} {:>10} {:>12} {:>8} {:>8} {:>8} {:>8} {:>10} {:>6} {:>8} {:>8}",
        "half load",
        "through",
        "messages/s",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "sent late",
        "busy",
        "p99",
        "p99.9"
    );
    for &Load { name, pairs, qos } in loads {
        let [ours, theirs] = Brand::BOTH.map(|brand| most(brand, pairs, qos) / 2.0);
        let subjects = [
            (Through::Nothing, ours),
            (Through::Broker(Brand::Moskit), ours),
            (Through::Nothing, theirs),
            (Through::Broker(Brand::Moskit), theirs),
            (Through::Broker(Brand::Mosquitto), theirs),
        ];
        let mut results = subjects.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for ((through, rate), results) in subjects.iter().zip(&mut results) {
                results.push(Figures::of(round(*through, pairs, qos, Pace::Rate(*rate))));
            }
        }
        let mut relay = Figures::default();
        for ((through, rate), rounds) in subjects.iter().zip(&mut results) {
            let figures = Figures::middle(rounds);
            print!("{name:<14} {:>10} {rate:>12.0} {figures}", through.name());
            if *through == Through::Nothing {
                relay = figures;
                println!();
            } else {
                println!(" {:>7.1}× {:>7.1}×", figures.p99 / relay.p99, figures.p999 / relay.p999);
            }
        }
    }
}

/// Messages per second that come through when the generator does not wait for their time.
fn most(brand: Brand, pairs: usize, qos: u8) -> f64 {
    let mut rates: Vec<_> = (0..3)
        .map(|_| {
            let round = round(Through::Broker(brand), pairs, qos, Pace::Unpaced);
            round.arrived as f64 / ROUND.as_secs_f64()
        })
        .collect();
    median(&mut rates, |rate| *rate)
}

/// What was seen of the messages of one round, but for its warm-up.
#[derive(Default)]
struct Round {
    /// Nanoseconds from when a message was due.
    took: Vec<u32>,
    /// Nanoseconds by which it was sent late.
    late: Vec<u32>,
    /// How many arrived while messages were sent.
    arrived: usize,
    /// Seconds of a processor that the broker used for each second.
    busy: f64,
}

/// Milliseconds, but for `busy`.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
    late: f64,
    busy: f64,
}

impl Figures {
    fn of(mut round: Round) -> Self {
        let [took, late] = [&mut round.took, &mut round.late];
        took.sort_unstable();
        late.sort_unstable();
        let at = |times: &[u32], share: f64| f64::from(times[((times.len() - 1) as f64 * share) as usize]) / 1e6;
        Self {
            p50: at(took, 0.5),
            p99: at(took, 0.99),
            p999: at(took, 0.999),
            max: at(took, 1.0),
            late: at(late, 0.99),
            busy: round.busy,
        }
    }

    /// Each figure by itself.
    fn middle(rounds: &mut [Self]) -> Self {
        let mut of = |figure: fn(&Self) -> f64| figure(&median(rounds, figure));
        Self {
            p50: of(|round| round.p50),
            p99: of(|round| round.p99),
            p999: of(|round| round.p999),
            max: of(|round| round.max),
            late: of(|round| round.late),
            busy: of(|round| round.busy),
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50, p99, p999, max, late, busy } = self;
        write!(f, "{p50:>8.3} {p99:>8.3} {p999:>8.3} {max:>8.3} {late:>10.3} {:>5.0}%", busy * 100.0)
    }
}

fn round(through: Through, pairs: usize, qos: u8, pace: Pace) -> Round {
    match through {
        Through::Broker(brand) => {
            let broker = on_processor(0, || Broker::start_with(brand, OPEN_WINDOWS));
            let ends = block_on(connect_all(broker.address, pairs, qos));
            let (before, began) = (broker.cpu(), Instant::now());
            let round = exchange(ends, pace);
            Round { busy: (broker.cpu() - before) / began.elapsed().as_secs_f64(), ..round }
        }
        Through::Nothing => {
            let relay = Relay::start(pairs, 0);
            let round = exchange(block_on(reach_all(relay.address, pairs, qos)), pace);
            relay.end();
            round
        }
    }
}

/// The ends of a pair: what is published, what comes of it, and the acknowledgements to the publisher.
struct Pair {
    publisher: Publisher,
    acknowledgements: TcpStream,
    subscriber: TcpStream,
    incoming: Incoming,
}

impl Pair {
    fn new(publisher: tokio::net::TcpStream, subscriber: tokio::net::TcpStream, topic: &str, qos: u8) -> Self {
        let stream = publisher.into_std().unwrap();
        Self {
            acknowledgements: stream.try_clone().unwrap(),
            publisher: Publisher { stream, outgoing: Outgoing::new(topic, qos) },
            subscriber: subscriber.into_std().unwrap(),
            incoming: Incoming::new(topic, qos),
        }
    }
}

async fn connect_all(address: SocketAddr, pairs: usize, qos: u8) -> Vec<Pair> {
    let mut ends = Vec::new();
    for index in 0..pairs {
        let topic = format!("load/{index:03}");
        let mut subscriber = connect(address, &format!("s{index}"), Session::Clean).await;
        subscribe(&mut subscriber, &topic, qos).await;
        let publisher = connect(address, &format!("p{index}"), Session::Clean).await;
        ends.push(Pair::new(publisher, subscriber, &topic, qos));
    }
    ends
}

/// The same without MQTT.
async fn reach_all(address: SocketAddr, pairs: usize, qos: u8) -> Vec<Pair> {
    let reach = async || {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    };
    let mut ends = Vec::new();
    for index in 0..pairs {
        let subscriber = reach().await;
        ends.push(Pair::new(reach().await, subscriber, &format!("load/{index:03}"), qos));
    }
    ends
}

/// Sends for a round, and reads what comes. Where messages have their time, all have to arrive.
fn exchange(pairs: Vec<Pair>, pace: Pace) -> Round {
    let (mut publishers, mut readers) = (Vec::new(), Vec::new());
    for Pair { publisher, acknowledgements, subscriber, incoming } in pairs {
        publishers.push(publisher);
        readers.push((acknowledgements, subscriber, incoming));
    }
    let began = Instant::now();
    let (sent, all_sent) = oneshot::channel();
    let sender = std::thread::spawn(move || {
        on_processor(1, || {
            let (count, late) = send(&mut publishers, pace, began);
            // Its reader has had enough where something went wrong.
            let _ = sent.send(count);
            (publishers, late)
        })
    });
    let of_reader = if available_parallelism().unwrap().get() > 2 { 2 } else { 1 };
    let received = on_processor(of_reader, || block_on(receive(readers, pace, began, all_sent)));
    // The sockets stay open until all has arrived.
    let (_publishers, late) = sender.join().unwrap();
    Round { late, ..received }
}

/// Sends one message after the other; how many, and by how much each was late.
fn send(publishers: &mut [Publisher], pace: Pace, began: Instant) -> (usize, Vec<u32>) {
    let mut late = Vec::new();
    for number in 0.. {
        let due = match pace {
            Pace::Rate(rate) => Duration::from_secs_f64(number as f64 / rate),
            Pace::Unpaced => began.elapsed(),
        };
        if due >= WARM_UP + ROUND {
            return (number, late);
        }
        match pace {
            Pace::Rate(_) => wait_until(began + due),
            // Its reader has to read, on the same processor.
            Pace::Unpaced => std::thread::yield_now(),
        }
        if due >= WARM_UP {
            late.push(nanoseconds(began.elapsed().saturating_sub(due)));
        }
        publishers[number % publishers.len()].send(due);
    }
    unreachable!("a round ends")
}

fn wait_until(due: Instant) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match left.checked_sub(WAKE_UP) {
            Some(most) => std::thread::sleep(most),
            // The reader may share the processor.
            None => std::thread::yield_now(),
        }
    }
}

fn nanoseconds(time: Duration) -> u32 {
    u32::try_from(time.as_nanos()).unwrap_or(u32::MAX)
}

struct Publisher {
    stream: TcpStream,
    outgoing: Outgoing,
}

impl Publisher {
    /// Sends one message, and waits while the socket takes none.
    fn send(&mut self, due: Duration) {
        self.outgoing.bytes.clear();
        self.outgoing.push(due.as_nanos() as u64);
        let mut rest = &self.outgoing.bytes[..];
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    std::thread::yield_now();
                }
            }
        }
    }
}

/// Reads all that comes until all has come, or, where messages have no time of theirs, until nothing more is sent.
async fn receive(
    readers: Vec<(TcpStream, TcpStream, Incoming)>,
    pace: Pace,
    began: Instant,
    all_sent: oneshot::Receiver<usize>,
) -> Round {
    let seen = Rc::new(RefCell::new(Round::default()));
    let (count, more) = (Rc::new(RefCell::new(0)), Rc::new(Notify::new()));
    for (acknowledgements, subscriber, mut incoming) in readers {
        spawn_local(discard(tokio::net::TcpStream::from_std(acknowledgements).unwrap()));
        let mut subscriber = tokio::net::TcpStream::from_std(subscriber).unwrap();
        let (seen, count, more) = (Rc::clone(&seen), Rc::clone(&count), Rc::clone(&more));
        spawn_local(async move {
            loop {
                let messages = incoming.read(&mut subscriber, |stamp| {
                    let (due, now) = (Duration::from_nanos(stamp), began.elapsed());
                    let mut seen = seen.borrow_mut();
                    if due >= WARM_UP {
                        seen.took.push(nanoseconds(now.saturating_sub(due)));
                    }
                    seen.arrived += usize::from((WARM_UP..WARM_UP + ROUND).contains(&now));
                });
                let messages = messages.await;
                *count.borrow_mut() += messages;
                more.notify_one();
            }
        });
    }
    let sent = all_sent.await.unwrap();
    if matches!(pace, Pace::Rate(_)) {
        let rest = async {
            while *count.borrow() < sent {
                more.notified().await;
            }
        };
        let all = tokio::time::timeout(PATIENCE, rest).await;
        assert!(all.is_ok(), "{} messages of {sent} arrived", count.borrow());
    }
    seen.take()
}

async fn discard(mut stream: tokio::net::TcpStream) {
    let mut buffer = vec![0; 4096];
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

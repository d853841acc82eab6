//! The time a message takes through the broker at half of what the same run carried in the closed loop.
//!
//! The load is given by a clock, not by answers: each publisher has a turn in each period, the turns of all are
//! spread over it, and a message's time counts from the turn it was meant for, whoever was late. Windows are open,
//! since they would slow the load down where the broker is slow. Broker and generator have a processor each, and the
//! generator never sleeps: what is measured is the broker, not how soon the system wakes a thread beside two others.
//!
//! What the machine itself adds is seen in the rounds through `nothing`. A virtual machine stands still for milliseconds
//! when its host has other work, which one message in a hundred meets easily; so besides the time that 99 of 100
//! messages of all rounds need there is that of the middle one among slices of 50 ms.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::broker::{Brand, Broker, on_processor};
use crate::client::{Incoming, Outgoing, Session, connect, subscribe};
use crate::relay::Relay;
use crate::{block_on, median, throughput};

const ROUND: Duration = Duration::from_secs(1);
const ROUNDS: usize = 5;
/// Not counted: buffers and caches are cold.
const WARM_UP: Duration = Duration::from_millis(200);
const SLICE: Duration = Duration::from_millis(50);
/// For the last messages.
const PATIENCE: Duration = Duration::from_secs(10);
/// From a publisher's turn to its next, at least.
const PERIOD: Duration = Duration::from_micros(200);
/// From the turn of one publisher to that of the next, at least.
const TURN: Duration = Duration::from_micros(50);
/// The brokers must not hold messages back for acknowledgements.
const OPEN_WINDOWS: &str = "max_inflight_messages 0\n";

/// What the messages go through.
#[derive(Clone, Copy, Debug)]
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

pub fn measure() {
    println!(
        "{:<14} {:>10} {:>14} {:>9} {:>14} {:>9} {:>9}",
        "half load", "through", "messages/s", "p50 ms", "p99 of slices", "p99 ms", "max ms"
    );
    for (name, pairs, qos) in throughput::SCENARIOS {
        let half = |brand| {
            let mut most: Vec<_> =
                (0..3).map(|_| throughput::round(brand, pairs, qos, Duration::from_secs(1)).0).collect();
            median(&mut most, |rate| *rate) / 2.0
        };
        let [ours, theirs] = Brand::BOTH.map(half);
        let subjects = [
            (Through::Broker(Brand::Moskit), ours),
            (Through::Nothing, ours),
            (Through::Broker(Brand::Mosquitto), theirs),
            (Through::Broker(Brand::Moskit), theirs),
            (Through::Nothing, theirs),
        ];
        let mut results = subjects.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for ((through, rate), results) in subjects.iter().zip(&mut results) {
                results.extend(round(*through, pairs, qos, *rate));
            }
        }
        for ((through, rate), messages) in subjects.iter().zip(&mut results) {
            let slices = middle_p99(messages);
            messages.sort_unstable_by_key(|message| message.took);
            let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| at(messages, share));
            println!("{name:<14} {:>10} {rate:>14.0} {p50:>9.3} {slices:>14.3} {p99:>9.3} {max:>9.3}", through.name());
        }
    }
}

/// One that arrived.
#[derive(Clone, Copy, Debug)]
struct Message {
    /// Of which slice of its round.
    slice: u32,
    /// Nanoseconds.
    took: u32,
}

/// Milliseconds that a share of messages, shortest first, stays below.
fn at(messages: &[Message], share: f64) -> f64 {
    f64::from(messages[((messages.len() - 1) as f64 * share) as usize].took) / 1e6
}

/// Milliseconds that 99 of 100 messages stay below in the middle one of the slices of all rounds.
fn middle_p99(messages: &mut [Message]) -> f64 {
    let mut slices: Vec<_> = messages
        .chunk_by_mut(|a, b| a.slice == b.slice)
        .map(|slice| {
            slice.sort_unstable_by_key(|message| message.took);
            at(slice, 0.99)
        })
        .collect();
    median(&mut slices, |p99| *p99)
}

/// `rate` is that of all pairs together.
fn round(through: Through, pairs: usize, qos: u8, rate: f64) -> Vec<Message> {
    let mut messages = match through {
        Through::Broker(brand) => {
            let broker = on_processor(0, || Broker::start_with(brand, OPEN_WINDOWS));
            let ends = block_on(connect_all(broker.address, pairs, qos));
            on_processor(1, || exchange(ends, rate))
        }
        Through::Nothing => {
            let relay = Relay::start(pairs, 0);
            let ends = block_on(reach_all(relay.address, pairs, qos));
            let messages = on_processor(1, || exchange(ends, rate));
            relay.end();
            messages
        }
    };
    messages.sort_by_key(|message| message.slice);
    messages
}

/// A publisher and its subscriber.
struct Pair {
    publisher: Publisher,
    subscriber: TcpStream,
    incoming: Incoming,
}

impl Pair {
    fn new(publisher: tokio::net::TcpStream, subscriber: tokio::net::TcpStream, topic: &str, qos: u8) -> Self {
        let outgoing = Outgoing::new(topic, qos);
        Self {
            publisher: Publisher { stream: publisher.into_std().unwrap(), outgoing, scheduled: 0 },
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

/// Gives each publisher its turns, and each subscriber a look in between; the messages after the warm-up. All have to
/// arrive.
fn exchange(mut pairs: Vec<Pair>, rate: f64) -> Vec<Message> {
    let turn = TURN.max(PERIOD / pairs.len() as u32);
    let each = rate / pairs.len() as f64;
    let mut messages = Vec::with_capacity((rate * ROUND.as_secs_f64()) as usize);
    let (mut turns, mut received) = (0, 0);
    let began = Instant::now();
    loop {
        let at = turn * (turns + 1);
        if at < WARM_UP + ROUND {
            if began.elapsed() >= at {
                let whose = turns as usize % pairs.len();
                pairs[whose].publisher.turn(at, each);
                turns += 1;
            }
        } else {
            let scheduled: usize = pairs.iter_mut().map(|pair| pair.publisher.finish()).sum();
            if received == scheduled {
                return messages;
            }
            assert!(began.elapsed() < WARM_UP + ROUND + PATIENCE, "{received} messages of {scheduled} arrived");
        }
        for pair in &mut pairs {
            received += pair.incoming.read_at_once(&mut pair.subscriber, |stamp| {
                let intended = Duration::from_nanos(stamp);
                if let Some(since) = intended.checked_sub(WARM_UP) {
                    let took = u32::try_from(began.elapsed().saturating_sub(intended).as_nanos()).unwrap_or(u32::MAX);
                    messages.push(Message { slice: (since.as_nanos() / SLICE.as_nanos()) as u32, took });
                }
            });
        }
    }
}

/// One publisher on its schedule.
struct Publisher {
    stream: TcpStream,
    outgoing: Outgoing,
    scheduled: usize,
}

impl Publisher {
    /// Sends what is due `at` after the start, as far as the socket takes it. `rate` is its own.
    fn turn(&mut self, at: Duration, rate: f64) {
        let due = (rate * at.as_secs_f64()) as usize;
        for _ in self.scheduled..due {
            self.outgoing.push(at.as_nanos() as u64);
        }
        self.scheduled = self.scheduled.max(due);
        self.write();
        // There is nothing to do about acknowledgements.
        while self.outgoing.qos > 0 && self.stream.read(&mut [0; 4096]).is_ok_and(|read| read == 4096) {}
    }

    /// Sends what is left; how many messages there were.
    fn finish(&mut self) -> usize {
        self.write();
        self.scheduled
    }

    fn write(&mut self) {
        if self.outgoing.bytes.is_empty() {
            return;
        }
        match self.stream.write(&self.outgoing.bytes) {
            Ok(written) => drop(self.outgoing.bytes.drain(..written)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

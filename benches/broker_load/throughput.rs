//! Messages per second in closed loops: at QoS 0 at most 500 messages between a publisher and its subscriber, at
//! QoS 1 at most 20 unacknowledged.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;

use crate::broker::{Brand, Broker};
use crate::client::{Incoming, Outgoing, Session, connect, subscribe};
use crate::{block_on, median};

const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub name: &'static str,
    /// Publishers, and as many subscribers.
    pub pairs: usize,
    pub qos: u8,
}

pub const LOADS: [Load; 4] = [
    Load { name: "QoS 0 1→1", pairs: 1, qos: 0 },
    Load { name: "QoS 1 1→1", pairs: 1, qos: 1 },
    Load { name: "QoS 0 20→20", pairs: 20, qos: 0 },
    Load { name: "QoS 1 20→20", pairs: 20, qos: 1 },
];

pub fn measure(loads: &[Load]) {
    println!("{:<14} {:>10} {:>14} {:>16}", "", "broker", "messages/s", "CPU µs/message");
    for &Load { name, pairs, qos } in loads {
        compare(name, pairs, qos);
    }
}

fn compare(name: &str, pairs: usize, qos: u8) {
    let mut results = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (brand, results) in Brand::BOTH.into_iter().zip(&mut results) {
            results.push(round(brand, pairs, qos, ROUND));
        }
    }
    let mut rates = Vec::new();
    for (brand, results) in Brand::BOTH.into_iter().zip(&mut results) {
        let (rate, cpu) = median(results, |(rate, _)| *rate);
        rates.push(rate);
        println!("{name:<14} {:>10} {rate:>14.0} {:>16.2}", brand.name(), cpu * 1e6);
    }
    println!("{name:<14} {:>10} {:>13.1}×", "", rates[0] / rates[1]);
}

/// Messages per second, and the broker's CPU seconds per message.
pub fn round(brand: Brand, pairs: usize, qos: u8, time: Duration) -> (f64, f64) {
    let broker = Broker::start(brand);
    let before = broker.cpu();
    let began = Instant::now();
    let end = began + time;
    let messages = block_on(async {
        let pairs: Vec<_> = (0..pairs).map(|index| spawn_local(pair(broker.address, index, qos, end))).collect();
        let mut sum = 0;
        for pair in pairs {
            sum += pair.await.unwrap();
        }
        sum
    });
    (messages as f64 / began.elapsed().as_secs_f64(), (broker.cpu() - before) / messages as f64)
}

/// A publisher and its subscriber; how many messages the subscriber got.
async fn pair(address: SocketAddr, index: usize, qos: u8, end: Instant) -> u64 {
    let topic = format!("load/{index:03}");
    let mut subscriber = connect(address, &format!("s{index}"), Session::Clean).await;
    subscribe(&mut subscriber, &topic, qos).await;
    let publisher = connect(address, &format!("p{index}"), Session::Clean).await;
    // QoS 0: permits come back when messages arrive; QoS 1: when they are acknowledged.
    let window = Rc::new(Semaphore::new(if qos == 0 { 500 } else { 20 }));
    let sending = spawn_local(publish(publisher, Outgoing::new(&topic, qos), Rc::clone(&window), end, Rc::default()));
    let mut incoming = Incoming::new(&topic, qos);
    let mut received = 0;
    while let Ok(count) = tokio::time::timeout_at(end.into(), incoming.read(&mut subscriber, |_| ())).await {
        if qos == 0 {
            window.add_permits(count);
        }
        received += count as u64;
    }
    sending.abort();
    received
}

/// Publishes as fast as `window` allows. At QoS 1 acknowledgements, which are counted, give permits back.
pub async fn publish(
    stream: TcpStream,
    mut outgoing: Outgoing,
    window: Rc<Semaphore>,
    end: Instant,
    acknowledged: Rc<Cell<usize>>,
) {
    let (mut reader, mut writer) = stream.into_split();
    let freed = Rc::clone(&window);
    if outgoing.qos == 1 {
        spawn_local(async move {
            let mut buffer = vec![0; 16 * 1024];
            let mut rest = 0;
            while let Ok(length @ 1..) = reader.read(&mut buffer).await {
                let whole = (rest + length) / 4;
                freed.add_permits(whole);
                acknowledged.set(acknowledged.get() + whole);
                rest = (rest + length) % 4;
            }
        });
    }
    while Instant::now() < end {
        let Ok(first) = window.acquire().await else { return };
        let more = window.available_permits();
        first.forget();
        if more > 0 {
            window.acquire_many(more as u32).await.unwrap().forget();
        }
        outgoing.bytes.clear();
        for _ in 0..=more {
            outgoing.push(0);
        }
        writer.write_all(&outgoing.bytes).await.unwrap();
    }
}

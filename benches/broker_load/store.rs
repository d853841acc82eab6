//! With the state on disk: QoS 1 messages of 20 publishers per second, acknowledged after the commit, each queued for
//! a session that is away, or delivered to one that is there; and where each commit waits for the disk (`--store-sync full`).

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::spawn_local;

use crate::broker::{Brand, Broker, folder_on_disk};
use crate::client::{Incoming, Outgoing, Session, connect, disconnect, subscribe};
use crate::{block_on, median, throughput};

const PAIRS: usize = 20;
/// Unacknowledged messages of each publisher.
const WINDOW: usize = 20;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

/// Where the subscribers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscribers {
    Away,
    There,
}

pub fn measure() {
    println!("{:<14} {:>10} {:>14} {:>16}", "stored", "broker", "messages/s", "CPU µs/message");
    let normal = "persistence true\n";
    let full = "plugin mosquitto_persist_sqlite.so\nplugin_opt_sync full\n";
    for (name, subscribers, lines) in [
        ("queued", Subscribers::Away, normal),
        ("delivered", Subscribers::There, normal),
        ("queued, full", Subscribers::Away, full),
    ] {
        let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round(subscribers, lines)).collect();
        let (rate, cpu) = median(&mut rounds, |(rate, _)| *rate);
        println!("{name:<14} {:>10} {rate:>14.0} {:>16.2}", "moskit", cpu * 1e6);
    }
}

/// Messages that were acknowledged and, where the subscribers are there, delivered, per second; CPU seconds of each.
/// `lines`: of the broker's configuration, which say how the state is kept.
fn round(subscribers: Subscribers, lines: &str) -> (f64, f64) {
    let folder = folder_on_disk();
    let broker =
        Broker::start_with(Brand::Moskit, &format!("{lines}persistence_location {}\n", folder.path().display()));
    let before = broker.cpu();
    let began = Instant::now();
    let end = began + ROUND;
    let messages = block_on(async {
        let pairs: Vec<_> =
            (0..PAIRS).map(|index| spawn_local(pair(broker.address, index, subscribers, end))).collect();
        let mut sum = 0;
        for pair in pairs {
            sum += pair.await.unwrap();
        }
        sum
    });
    (messages as f64 / began.elapsed().as_secs_f64(), (broker.cpu() - before) / messages as f64)
}

async fn pair(address: SocketAddr, index: usize, subscribers: Subscribers, end: Instant) -> usize {
    let topic = format!("load/{index:03}");
    let mut subscriber = connect(address, &format!("s{index}"), Session::Kept).await;
    subscribe(&mut subscriber, &topic, 1).await;
    let publisher = connect(address, &format!("p{index}"), Session::Clean).await;
    let window = Rc::new(Semaphore::new(WINDOW));
    let acknowledged = Rc::new(Cell::new(0));
    let outgoing = Outgoing::new(&topic, 1);
    let publishing = throughput::publish(publisher, outgoing, Rc::clone(&window), end, Rc::clone(&acknowledged));
    let sending = spawn_local(publishing);
    if subscribers == Subscribers::Away {
        disconnect(subscriber).await;
        tokio::time::sleep_until(end.into()).await;
        sending.abort();
        return acknowledged.get();
    }
    let mut incoming = Incoming::new(&topic, 1);
    let mut received = 0;
    while let Ok(count) = tokio::time::timeout_at(end.into(), incoming.read(&mut subscriber, |_| ())).await {
        received += count;
    }
    sending.abort();
    received.min(acknowledged.get())
}

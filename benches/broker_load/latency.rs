//! The time from a publisher's write to its subscriber's read, at half of what the broker can carry: 20 pairs, each
//! message sent in its own millisecond. The generator's turn is part of it, and at QoS 1 the window of 20 lets a pair
//! have no more than 20 messages in one: on a machine that does other work the figure is the machine's.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_local;

use crate::broker::{Brand, Broker};
use crate::client::{Incoming, Outgoing, Session, connect, subscribe};
use crate::{block_on, median, throughput};

const PAIRS: usize = 20;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
/// Not counted: buffers and caches are cold.
const WARM_UP: Duration = Duration::from_millis(500);

pub fn measure() {
    println!("{:<14} {:>10} {:>14} {:>12} {:>12}", "half load", "broker", "messages/s", "p50 ms", "p99 ms");
    for qos in [0, 1] {
        for brand in Brand::BOTH {
            let mut most: Vec<_> =
                (0..3).map(|_| throughput::round(brand, PAIRS, qos, Duration::from_secs(1)).0).collect();
            let half = median(&mut most, |rate| *rate) / 2.0;
            let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round(brand, qos, half)).collect();
            let (p50, p99) = median(&mut rounds, |(_, p99)| *p99);
            println!("QoS {qos} 20→20    {:>10} {half:>14.0} {p50:>12.2} {p99:>12.2}", brand.name());
        }
    }
}

/// Milliseconds: half of the messages took less than the first, 99 of 100 less than the second.
fn round(brand: Brand, qos: u8, rate: f64) -> (f64, f64) {
    let broker = Broker::start(brand);
    let mut times = block_on(async {
        let pairs: Vec<_> =
            (0..PAIRS).map(|index| spawn_local(pair(broker.address, index, qos, rate / PAIRS as f64))).collect();
        let mut times = Vec::new();
        for pair in pairs {
            times.extend(pair.await.unwrap());
        }
        times
    });
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize] as f64 / 1e6;
    (at(0.5), at(0.99))
}

/// Nanoseconds of each message.
async fn pair(address: SocketAddr, index: usize, qos: u8, rate: f64) -> Vec<u64> {
    let topic = format!("load/{index:03}");
    let mut subscriber = connect(address, &format!("s{index}"), Session::Clean).await;
    subscribe(&mut subscriber, &topic, qos).await;
    let publisher = connect(address, &format!("p{index}"), Session::Clean).await;
    let began = Instant::now();
    let (mut reader, mut writer) = publisher.into_split();
    let draining = spawn_local(async move { while let Ok(1..) = reader.read(&mut [0; 4096]).await {} });
    let mut outgoing = Outgoing::new(&topic, qos);
    let sending = spawn_local(async move {
        let mut sent: u64 = 0;
        loop {
            // The timer wakes us each millisecond; what has become due since is written at once.
            let due = (began.elapsed().as_secs_f64() * rate) as u64;
            outgoing.bytes.clear();
            for _ in sent..due {
                outgoing.push(began.elapsed().as_nanos() as u64);
            }
            sent = sent.max(due);
            writer.write_all(&outgoing.bytes).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let mut incoming = Incoming::new(&topic, qos);
    let mut times = Vec::new();
    let end = began + WARM_UP + ROUND;
    let each = |stamp: u64, times: &mut Vec<u64>| {
        if stamp > WARM_UP.as_nanos() as u64 {
            times.push(began.elapsed().as_nanos() as u64 - stamp);
        }
    };
    while tokio::time::timeout_at(end.into(), incoming.read(&mut subscriber, |stamp| each(stamp, &mut times)))
        .await
        .is_ok()
    {}
    sending.abort();
    draining.abort();
    times
}

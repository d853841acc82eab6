//! From the start of the program to the first accepted connection: empty, and with messages that wait.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use crate::broker::{Brand, Broker, folder_on_disk, persistence};
use crate::client::{Outgoing, Session, connect, disconnect, subscribe};
use crate::{block_on, median};

const ROUNDS: usize = 9;
const QUEUED: usize = 200_000;

pub fn measure() {
    for brand in Brand::BOTH {
        let mut rounds: Vec<_> = (0..ROUNDS).map(|_| Broker::start(brand).took.as_secs_f64()).collect();
        let seconds = median(&mut rounds, |seconds| *seconds);
        println!("{:<14} {:>10} {:>9.1} ms", "start empty", brand.name(), seconds * 1e3);
    }
    let folder = folder_on_disk();
    let lines = persistence(&folder);
    fill(Broker::start_with(Brand::Moskit, &lines));
    let mut rounds: Vec<_> =
        (0..ROUNDS).map(|_| Broker::start_with(Brand::Moskit, &lines).took.as_secs_f64()).collect();
    let seconds = median(&mut rounds, |seconds| *seconds);
    println!("{:<14} {:>10} {:>9.1} ms with {QUEUED} queued messages", "start full", "moskit", seconds * 1e3);
    let broker = Broker::start_with(Brand::Moskit, &lines);
    println!("{:<14} {:>10} {:>9.1} MB after it", "", "moskit", broker.resident_kilobytes() / 1024.0);
}

/// Queues messages for ten sessions that are away.
fn fill(broker: Broker) {
    const SESSIONS: usize = 10;
    block_on(async {
        let mut publishing = Vec::new();
        for index in 0..SESSIONS {
            let topic = format!("load/{index:03}");
            let mut away = connect(broker.address, &format!("away{index}"), Session::Kept).await;
            subscribe(&mut away, &topic, 1).await;
            disconnect(away).await;
            let publisher = connect(broker.address, &format!("p{index}"), Session::Clean).await;
            publishing.push(spawn_local(publish_all(publisher, topic, QUEUED / SESSIONS)));
        }
        for publisher in publishing {
            publisher.await.unwrap();
        }
    });
    broker.stop();
}

async fn publish_all(stream: TcpStream, topic: String, count: usize) {
    let (mut reader, mut writer) = stream.into_split();
    let mut outgoing = Outgoing::new(&topic, 1);
    for _ in 0..count {
        outgoing.push(0);
    }
    let writing = spawn_local(async move {
        writer.write_all(&outgoing.bytes).await.unwrap();
        writer
    });
    let mut acknowledged = vec![0; count * 4];
    reader.read_exact(&mut acknowledged).await.unwrap();
    writing.await.unwrap();
}

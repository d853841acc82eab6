//! No broker: bytes go from a publisher to its subscriber as they come, and acknowledgements the other way. How long they
//! take is what system and machine take, and no broker can take less.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use crate::block_on;
use crate::broker::on_processor;

pub struct Relay {
    pub address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Relay {
    /// For `pairs` of connections, of which the subscriber's comes first, on the processor with the number.
    pub fn start(pairs: usize, processor: usize) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move || on_processor(processor, || block_on(serve(listener, pairs)));
        Self { address, thread: std::thread::spawn(serve) }
    }

    /// Returns when all connections are closed.
    pub fn end(self) {
        self.thread.join().unwrap();
    }
}

async fn serve(listener: std::net::TcpListener, pairs: usize) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut relaying = Vec::new();
    for _ in 0..pairs {
        let (subscriber, _) = listener.accept().await.unwrap();
        let (publisher, _) = listener.accept().await.unwrap();
        relaying.push(spawn_local(relay(publisher, subscriber)));
    }
    for one in relaying {
        one.await.unwrap();
    }
}

async fn relay(publisher: TcpStream, subscriber: TcpStream) {
    publisher.set_nodelay(true).unwrap();
    subscriber.set_nodelay(true).unwrap();
    let (published, to_publisher) = publisher.into_split();
    let (acknowledged, to_subscriber) = subscriber.into_split();
    let back = spawn_local(forward(acknowledged, to_publisher));
    forward(published, to_subscriber).await;
    back.abort();
}

/// Until either end is closed.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

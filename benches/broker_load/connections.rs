//! Connections without traffic: what each costs, and how many are held.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::block_on;
use crate::broker::{Brand, Broker, raise_descriptor_limit};
use crate::client::{Session, connect};

const IDLE: usize = 2_000;
const HELD: usize = 20_000;
/// For everything that is no connection.
const SPARE: u64 = 100;

pub fn measure_idle() {
    for brand in Brand::BOTH {
        let kilobytes = idle(brand);
        println!("{:<14} {:>10} {kilobytes:>9.2} kB per idle connection, of {IDLE}", "memory", brand.name());
    }
}

/// kB that one more connection costs.
fn idle(brand: Brand) -> f64 {
    raise_descriptor_limit(IDLE as u64 + SPARE);
    let broker = Broker::start(brand);
    block_on(async {
        let _first = connect(broker.address, "first", Session::Clean).await;
        let before = broker.resident_kilobytes();
        let mut connections = Vec::new();
        for index in 0..IDLE {
            connections.push(connect(broker.address, &format!("idle{index}"), Session::Clean).await);
        }
        (broker.resident_kilobytes() - before) / IDLE as f64
    })
}

pub fn measure_held() {
    let limit = raise_descriptor_limit(HELD as u64 + SPARE);
    let wanted = HELD.min((limit - SPARE) as usize);
    if wanted < HELD {
        println!("held: this system allows {limit} descriptors");
    }
    let broker = Broker::start(Brand::Moskit);
    block_on(async {
        let mut connections = Vec::new();
        for index in 0..wanted {
            connections.push(connect(broker.address, &format!("held{index}"), Session::Clean).await);
        }
        for connection in &mut connections {
            connection.write_all(&[0xc0, 0]).await.unwrap();
        }
        for connection in &mut connections {
            connection.read_exact(&mut [0; 2]).await.unwrap();
        }
    });
    println!(
        "{:<14} {:>10} {wanted} connections, all answer; {:.0} MB",
        "held",
        "moskit",
        broker.resident_kilobytes() / 1024.0
    );
}

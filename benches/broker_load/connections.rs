//! Connections without traffic: what each costs, and how many are held.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::block_on;
use crate::broker::{Brand, Broker, raise_descriptor_limit};
use crate::client::{Session, connect};

const IDLE: usize = 2_000;
const HELD: usize = 20_000;
/// How long it is looked at how often the broker is woken: longer than its interval for `$SYS`, 10 s.
const STILL: Duration = Duration::from_secs(15);
/// For everything that is no connection.
const SPARE: u64 = 20;

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

/// The clients' ends are held by two processes more, since a system that gives one process too few descriptors for all
/// ends should not be what is measured. The broker has to do with those of one process.
pub fn measure_held() {
    let limit = raise_descriptor_limit(HELD as u64 + SPARE);
    let wanted = HELD.min((limit - SPARE) as usize);
    if wanted < HELD {
        println!("held: this system allows a broker {limit} descriptors");
    }
    let broker = Broker::start(Brand::Moskit);
    let empty = broker.resident_kilobytes();
    let mut holders = [Holder::start(broker.address, 0..wanted / 2), Holder::start(broker.address, wanted / 2..wanted)];
    // All are there before the first is asked.
    holders.iter_mut().for_each(Holder::wait);
    let kilobytes = (broker.resident_kilobytes() - empty) / wanted as f64;
    let before = broker.waits();
    std::thread::sleep(STILL);
    let woken = (broker.waits() - before) as f64 / STILL.as_secs_f64();
    holders.iter_mut().for_each(Holder::ask);
    holders.iter_mut().for_each(Holder::wait);
    println!("{:<14} {:>10} {wanted} connections, all answer; {kilobytes:.2} kB each", "held", "moskit");
    println!("{:<14} {:>10} woken {woken:.1} times a second while nobody sends", "", "");
}

/// This program again, with the clients' ends of some connections.
struct Holder {
    child: Child,
    said: BufReader<ChildStdout>,
}

/// The first argument of such a process.
pub const HOLD: &str = "hold";

impl Holder {
    fn start(address: SocketAddr, clients: Range<usize>) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([HOLD, &address.to_string(), &clients.start.to_string(), &clients.end.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    fn wait(&mut self) {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line, DONE);
    }

    fn ask(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The end of its input is its own.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

const DONE: &str = "done\n";

/// What such a process does with its arguments: connects, and asks for an answer on each connection when told to.
pub fn hold(words: &[String]) {
    let [address, first, end] = words else { panic!("an address and two numbers") };
    let (address, clients) = (address.parse().unwrap(), first.parse::<usize>().unwrap()..end.parse().unwrap());
    raise_descriptor_limit(clients.len() as u64 + SPARE);
    block_on(async {
        let mut connections = Vec::new();
        for index in clients {
            connections.push(connect(address, &format!("held{index}"), Session::Clean).await);
        }
        print!("{DONE}");
        std::io::stdout().flush().unwrap();
        if std::io::stdin().read_line(&mut String::new()).unwrap() == 0 {
            return;
        }
        for connection in &mut connections {
            connection.write_all(&[0xc0, 0]).await.unwrap();
        }
        for connection in &mut connections {
            connection.read_exact(&mut [0; 2]).await.unwrap();
        }
        print!("{DONE}");
        std::io::stdout().flush().unwrap();
        std::io::stdin().read_line(&mut String::new()).unwrap();
    });
}

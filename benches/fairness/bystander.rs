//! The honest client, and the rows of the table about it.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use moskit::mqtt::packet::{Packet, PacketId, Publish, QoS};

use super::attacks::{Client, VERSION, leave_session, publish};

/// How long an attack without end is looked at.
pub const SHARE: Duration = Duration::from_secs(3);

/// From one round trip to the next of its kind.
const PERIOD: Duration = Duration::from_millis(2);
/// No wildcard of an attacker matches it [MQTT-4.7.2-1].
const TO_ITSELF: &str = "$bystander/itself";
const TO_AWAY: &str = "$bystander/away";

/// Nanoseconds that 99 of 100 round trips took while nothing else was done, delivered and kept.
static ALONE: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

pub struct Bystander {
    stop: Arc<AtomicBool>,
    sender: JoinHandle<()>,
    /// What each round trip took, delivered and kept.
    receivers: [JoinHandle<Vec<Duration>>; 2],
}

impl Bystander {
    /// Returns when a round trip of each kind is over.
    pub fn watch(address: SocketAddr) -> Self {
        leave_session(address, "bystander-away", TO_AWAY);
        let mut itself = Client::join(address, "bystander");
        itself.subscribe(std::iter::once(TO_ITSELF.to_owned()), QoS::AtMostOnce);
        itself.settle();
        let kept = Client::join(address, "bystander-kept");
        let streams = [&itself, &kept].map(|client| client.stream.try_clone().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        // All three begin at once, when all are there.
        let start = Arc::new(Barrier::new(3));
        let (until, at_start) = (Arc::clone(&stop), Arc::clone(&start));
        let sender = std::thread::spawn(move || {
            at_start.wait();
            send(streams, Instant::now(), &until);
        });
        let (first, begun) = std::sync::mpsc::channel();
        let receivers = [itself, kept].map(|client| {
            let (first, start) = (first.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                receive(client, Instant::now(), || first.send(()).unwrap_or_default())
            })
        });
        begun.recv().unwrap();
        begun.recv().unwrap();
        Self { stop, sender, receivers }
    }

    /// The row of a machine that has nothing else to do.
    pub fn was_alone(self) {
        std::thread::sleep(Duration::from_secs(2));
        let mut trips = self.end();
        for (trips, alone) in trips.iter_mut().zip(&ALONE) {
            alone.store(at(trips, 0.99).as_nanos() as u64, Ordering::Relaxed);
        }
        print_row("nothing", trips);
    }

    pub fn was_served(self, during: &str) {
        print_row(during, self.end());
    }

    fn end(self) -> [Vec<Duration>; 2] {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.join().unwrap();
        self.receivers.map(|receiver| receiver.join().unwrap())
    }
}

/// Sends what is due, in turns, and a PINGREQ behind the last.
fn send(mut streams: [TcpStream; 2], began: Instant, stop: &AtomicBool) {
    let mut send = |stream: usize, packet: &Packet| {
        let mut bytes = BytesMut::new();
        packet.encode(VERSION, &mut bytes).unwrap();
        std::io::Write::write_all(&mut streams[stream], &bytes).unwrap();
    };
    let of = |topic| match publish(topic, false) {
        Packet::Publish(publish) => publish,
        _ => unreachable!("that is what it makes"),
    };
    let to_itself = Packet::Publish(of(TO_ITSELF));
    let to_away = Publish { qos: QoS::AtLeastOnce, ..of(TO_AWAY) };
    for number in 0.. {
        std::thread::sleep((began + PERIOD * number).saturating_duration_since(Instant::now()));
        if stop.load(Ordering::Relaxed) {
            break;
        }
        send(0, &to_itself);
        let packet_id = PacketId::new((number % u32::from(u16::MAX)) as u16 + 1);
        send(1, &Packet::Publish(Publish { packet_id, ..to_away.clone() }));
    }
    for stream in 0..2 {
        send(stream, &Packet::PingReq);
    }
}

/// What each round trip took until the PINGRESP. `answered` is called after the first.
fn receive(mut client: Client, began: Instant, answered: impl FnOnce()) -> Vec<Duration> {
    let mut answered = Some(answered);
    let mut trips = Vec::new();
    loop {
        match client.next() {
            // They come in the order in which they were sent.
            Packet::Publish(_) | Packet::PubAck(_) => {
                trips.push(began.elapsed().saturating_sub(PERIOD * trips.len() as u32));
                if let Some(answered) = answered.take() {
                    answered();
                }
            }
            Packet::PingResp => return trips,
            _ => {}
        }
    }
}

/// What a share of them, shortest first, stays below.
fn at(trips: &mut [Duration], share: f64) -> Duration {
    trips.sort_unstable();
    trips[((trips.len() - 1) as f64 * share).round() as usize]
}

pub fn print_head() {
    let columns = "p50 ms    p99 ms  × alone    max ms";
    println!("  {:<44} {:>8} | delivered {columns} |      kept {columns}", "what one does", "trips");
}

fn print_row(during: &str, trips: [Vec<Duration>; 2]) {
    print!("  {during:<44} {:>8}", trips[0].len());
    for (mut trips, alone) in trips.into_iter().zip(&ALONE) {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| at(&mut trips, share));
        let times = p99.as_nanos() as f64 / alone.load(Ordering::Relaxed) as f64;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        print!(" | {:>16.2} {:>9.2} {times:>7.1}× {:>9.2}", ms(p50), ms(p99), ms(max));
    }
    println!();
}

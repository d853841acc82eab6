//! `$SYS`: what the broker publishes about itself. Pure: counters and the time go in, publications come out.

use std::collections::HashMap;
use std::time::Duration;

use bytestring::ByteString;

use super::{Census, Monotonic, Now, Statistics};

/// Time constants of the moving averages, in seconds, and how their topics end.
const WINDOWS: [(f64, &str); 3] = [(60.0, "1min"), (300.0, "5min"), (900.0, "15min")];

/// A `$SYS` message. Published at QoS 2, retained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub topic: ByteString,
    pub payload: String,
}

/// Remembers what was published, and publishes what has changed.
#[derive(Debug)]
pub struct Sys {
    version: &'static str,
    interval: Option<Duration>,
    started: Monotonic,
    published: HashMap<&'static str, String>,
    most_clients: usize,
    loads: Vec<Load>,
    /// When the averages were last brought up to date.
    averaged: Option<Monotonic>,
}

/// A counter whose change per minute is averaged.
#[derive(Debug)]
struct Load {
    name: &'static str,
    count: Counter,
    last: u64,
    averages: [f64; WINDOWS.len()],
    /// What was published last, in hundredths, the unit of these topics.
    published: [Option<i64>; WINDOWS.len()],
}

type Counter = fn(&Statistics) -> u64;

/// The values of one moment, by the end of their topic.
type Values = [(&'static str, u64); 24];

const LOADS: [(&str, Counter); 9] = [
    ("messages/received", |s| s.messages_received),
    ("messages/sent", |s| s.messages_sent),
    ("publish/dropped", |s| s.publish_dropped),
    ("publish/received", |s| s.publish_received),
    ("publish/sent", |s| s.publish_sent),
    ("bytes/received", |s| s.bytes_received),
    ("bytes/sent", |s| s.bytes_sent),
    ("sockets", |s| s.sockets),
    ("connections", |s| s.connections),
];

impl Sys {
    /// `interval` in seconds; 0 = no `$SYS` at all.
    pub fn new(version: &'static str, interval: u16, now: Now) -> Self {
        let load = |(name, count)| Load { name, count, last: 0, averages: [0.0; 3], published: [None; 3] };
        Self {
            version,
            interval: (interval > 0).then(|| Duration::from_secs(interval.into())),
            started: now.elapsed,
            published: HashMap::new(),
            most_clients: 0,
            loads: LOADS.into_iter().map(load).collect(),
            averaged: None,
        }
    }

    /// A reload may change the interval; 0 keeps what was published and publishes no more.
    pub fn set_interval(&mut self, interval: u16) {
        self.interval = (interval > 0).then(|| Duration::from_secs(interval.into()));
    }

    /// Everything is to be published again: what was published is lost.
    pub fn restart(&mut self) {
        self.published.clear();
        for load in &mut self.loads {
            load.published = [None; 3];
        }
    }

    /// How long until the next round: rounds fall on multiples of the interval by the wall clock.
    pub fn wait(&self, now: Now) -> Option<Duration> {
        let interval = self.interval?.as_nanos();
        let rest = interval - now.wall.since_epoch().as_nanos() % interval;
        // An interval is at most 65,535 s, so its nanoseconds fit.
        Some(Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX)))
    }

    /// The version, once and for all; the first message.
    pub fn version(&self) -> Option<Publication> {
        self.interval?;
        Some(Publication { topic: ByteString::from_static("$SYS/broker/version"), payload: self.version.to_owned() })
    }

    /// What has changed since the last round; everything in the first. The uptime always changes.
    pub fn round(&mut self, statistics: &Statistics, census: &Census, now: Now) -> Vec<Publication> {
        if self.interval.is_none() {
            return Vec::new();
        }
        let mut round = Vec::new();
        let uptime = now.elapsed.saturating_since(self.started).as_secs();
        round.push(publication("uptime", format!("{uptime} seconds")));
        self.most_clients = self.most_clients.max(census.clients);
        for (name, value) in values(statistics, census) {
            self.send_own_message(name, value.to_string(), &mut round);
        }
        // Mosquitto is silent about a maximum of one.
        if self.most_clients > 1 {
            self.send_own_message("clients/maximum", self.most_clients.to_string(), &mut round);
        }
        self.average(statistics, now, &mut round);
        round
    }

    fn send_own_message(&mut self, name: &'static str, value: String, round: &mut Vec<Publication>) {
        if self.published.get(name) != Some(&value) {
            round.push(publication(name, value.clone()));
            self.published.insert(name, value);
        }
    }

    /// new = i + e^(−Δt/τ)·(old − i), where i is the change per minute.
    fn average(&mut self, statistics: &Statistics, now: Now, round: &mut Vec<Publication>) {
        let since = now.elapsed.saturating_since(self.averaged.unwrap_or(self.started)).as_secs_f64();
        self.averaged = Some(now.elapsed);
        for load in &mut self.loads {
            let count = (load.count)(statistics);
            let delta = count.saturating_sub(load.last);
            load.last = count;
            let per_minute = if since > 0.0 { delta as f64 * 60.0 / since } else { 0.0 };
            for (index, (window, ending)) in WINDOWS.into_iter().enumerate() {
                let old = load.averages[index];
                let new = per_minute + (-since / window).exp() * (old - per_minute);
                load.averages[index] = new;
                let hundredths = (new * 100.0).round() as i64;
                if load.published[index] != Some(hundredths) {
                    load.published[index] = Some(hundredths);
                    round.push(publication(&format!("load/{}/{ending}", load.name), format!("{new:.2}")));
                }
            }
        }
    }
}

fn publication(name: &str, payload: String) -> Publication {
    Publication { topic: format!("$SYS/broker/{name}").into(), payload }
}

fn values(statistics: &Statistics, census: &Census) -> Values {
    let disconnected = census.clients.saturating_sub(census.connected) as u64;
    let (connected, stored) = (census.connected as u64, census.stored as u64);
    [
        ("clients/total", census.clients as u64),
        ("clients/connected", connected),
        ("clients/active", connected),
        ("clients/disconnected", disconnected),
        ("clients/inactive", disconnected),
        ("clients/expired", statistics.clients_expired),
        ("messages/received", statistics.messages_received),
        ("messages/sent", statistics.messages_sent),
        ("messages/stored", stored),
        ("store/messages/count", stored),
        ("store/messages/bytes", census.stored_bytes),
        ("subscriptions/count", census.subscriptions as u64),
        ("shared_subscriptions/count", census.shared_subscriptions as u64),
        ("retained messages/count", census.retained as u64),
        ("bytes/received", statistics.bytes_received),
        ("bytes/sent", statistics.bytes_sent),
        ("publish/bytes/received", statistics.publish_bytes_received),
        ("publish/bytes/sent", statistics.publish_bytes_sent),
        ("publish/messages/received", statistics.publish_received),
        ("publish/messages/sent", statistics.publish_sent),
        ("publish/messages/dropped", statistics.publish_dropped),
        ("packet/out/count", census.packets_out as u64),
        ("packet/out/bytes", census.packets_out_bytes as u64),
        ("connections/socket/count", statistics.sockets),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::WallTime;

    fn now(seconds: u64) -> Now {
        let after = |start| Duration::from_secs(start + seconds);
        Now { elapsed: Monotonic::after_start(after(0)), wall: WallTime::after_epoch(after(1_800_000_003)) }
    }

    fn found<'a>(round: &'a [Publication], topic: &str) -> Option<&'a str> {
        let topic = format!("$SYS/broker/{topic}");
        round.iter().find(|one| one.topic == topic.as_str()).map(|one| one.payload.as_str())
    }

    #[test]
    fn the_first_round_has_everything_and_later_ones_what_changed() {
        let mut sys = Sys::new("v", 10, now(0));
        let mut statistics = Statistics::default();
        let census = Census { clients: 1, connected: 1, retained: 3, ..Census::default() };
        let first = sys.round(&statistics, &census, now(0));
        assert_eq!(found(&first, "uptime"), Some("0 seconds"));
        assert_eq!(found(&first, "clients/connected"), Some("1"));
        assert_eq!(found(&first, "clients/active"), Some("1"));
        assert_eq!(found(&first, "retained messages/count"), Some("3"));
        assert_eq!(found(&first, "load/publish/received/15min"), Some("0.00"));
        assert_eq!(found(&first, "clients/maximum"), None);
        statistics.publish_dropped = 2;
        let second = sys.round(&statistics, &census, now(10));
        let topics: Vec<_> = second.iter().map(|one| one.topic.strip_prefix("$SYS/broker/").unwrap()).collect();
        assert_eq!(
            topics,
            [
                "uptime",
                "publish/messages/dropped",
                "load/publish/dropped/1min",
                "load/publish/dropped/5min",
                "load/publish/dropped/15min"
            ]
        );
    }

    #[test]
    fn the_highest_number_of_clients_is_kept_and_published_from_two_on() {
        let mut sys = Sys::new("v", 1, now(0));
        let census = |clients| Census { clients, ..Census::default() };
        let statistics = Statistics::default();
        assert_eq!(found(&sys.round(&statistics, &census(2), now(0)), "clients/maximum"), Some("2"));
        assert_eq!(found(&sys.round(&statistics, &census(1), now(1)), "clients/maximum"), None);
        assert_eq!(found(&sys.round(&statistics, &census(3), now(2)), "clients/maximum"), Some("3"));
    }

    #[test]
    fn averages_move_towards_the_rate_per_minute() {
        let mut sys = Sys::new("v", 10, now(0));
        let mut statistics = Statistics::default();
        sys.round(&statistics, &Census::default(), now(0));
        statistics.messages_received = 10;
        let round = sys.round(&statistics, &Census::default(), now(10));
        // 60 per minute for ten seconds: 60 − 60·e^(−10/60).
        assert_eq!(found(&round, "load/messages/received/1min"), Some("9.21"));
        assert_eq!(found(&round, "load/messages/received/5min"), Some("1.97"));
        let round = sys.round(&statistics, &Census::default(), now(20));
        assert_eq!(found(&round, "load/messages/received/1min"), Some("7.80"));
    }

    #[test]
    fn rounds_fall_on_multiples_of_the_interval_by_the_wall_clock() {
        let sys = Sys::new("v", 10, now(0));
        assert_eq!(sys.wait(now(0)), Some(Duration::from_secs(7)));
        assert_eq!(sys.wait(now(7)), Some(Duration::from_secs(10)));
    }

    #[test]
    fn an_interval_of_0_publishes_nothing() {
        let mut sys = Sys::new("v", 0, now(0));
        assert_eq!(sys.wait(now(0)), None);
        assert_eq!(sys.version(), None);
        assert_eq!(sys.round(&Statistics::default(), &Census::default(), now(0)), []);
    }
}

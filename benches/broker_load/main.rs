//! What the embedded broker can carry, beside Debian's mosquitto in the same run: `cargo bench --bench broker_load`
//! for all of it, `cargo bench --bench broker_load -- latency store` for some, `… -- latency 'QoS 1 20→20'` for one of the loads.
//!
//! The brokers are programs of their own, on their defaults but for what a scenario names; the generator is this one.
//! Figures are medians of interleaved rounds; CPU time is the broker's alone.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark says what it measured, or fails")]

mod broker;
mod client;
mod connections;
mod latency;
mod relay;
mod start;
mod store;
mod throughput;

use throughput::{LOADS, Load};

/// What a scenario measures.
enum Measure {
    /// Each of these loads.
    Loads(fn(&[Load])),
    Alone(fn()),
}

use Measure::{Alone, Loads};

/// Word, what it measures.
const SCENARIOS: [(&str, Measure); 6] = [
    ("throughput", Loads(throughput::measure)),
    ("latency", Loads(latency::measure)),
    ("idle", Alone(connections::measure_idle)),
    ("held", Alone(connections::measure_held)),
    ("start", Alone(start::measure)),
    ("store", Alone(store::measure)),
];

fn main() {
    // `cargo bench` adds `--bench`.
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [connections::HOLD, ..] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        connections::hold(&words[1..]);
        return;
    }
    let is_scenario = |word: &str| SCENARIOS.iter().any(|(name, _)| *name == word);
    let is_load = |word: &str| LOADS.iter().any(|load| load.name == word);
    for word in &words {
        let (scenarios, loads) = (SCENARIOS.map(|(name, _)| name), LOADS.map(|load| load.name));
        assert!(is_scenario(word) || is_load(word), "the scenarios are {scenarios:?}, the loads {loads:?}");
    }
    let is_wanted = |name: &str, is_one: &dyn Fn(&str) -> bool| {
        words.iter().any(|word| word == name) || !words.iter().any(|word| is_one(word))
    };
    let loads: Vec<_> = LOADS.into_iter().filter(|load| is_wanted(load.name, &is_load)).collect();
    for (name, measure) in SCENARIOS {
        match measure {
            _ if !is_wanted(name, &is_scenario) => {}
            Loads(measure) => measure(&loads),
            Alone(measure) => measure(),
        }
    }
}

/// The one in the middle, by `key`.
fn median<T: Copy>(values: &mut [T], key: impl Fn(&T) -> f64) -> T {
    values.sort_by(|a, b| key(a).total_cmp(&key(b)));
    values[values.len() / 2]
}

/// Runs `work` on one thread.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, work)
}

//! What the embedded broker can carry, beside Debian's mosquitto in the same run: `cargo bench --bench broker_load`
//! for all of it, `cargo bench --bench broker_load -- latency store` for some.
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

/// Word, what it measures.
const SCENARIOS: [(&str, fn()); 6] = [
    ("throughput", throughput::measure),
    ("latency", latency::measure),
    ("idle", connections::measure_idle),
    ("held", connections::measure_held),
    ("start", start::measure),
    ("store", store::measure),
];

fn main() {
    // `cargo bench` adds `--bench`.
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [connections::HOLD, ..] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        connections::hold(&words[1..]);
        return;
    }
    let known = |word: &String| SCENARIOS.iter().any(|(name, _)| name == word);
    assert!(words.iter().all(known), "the scenarios are {:?}", SCENARIOS.map(|(name, _)| name));
    for (name, measure) in SCENARIOS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            measure();
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

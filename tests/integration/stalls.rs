//! How long brokers wait for a processor, which says nothing of them: on a machine that is busy with other things, how long
//! an answer takes is no measure of who was served.

use std::time::Duration;

/// How long all threads of brokers in the process, and the thread that asks, have waited for a processor by now. Zero where
/// the system does not say. `process`: its id, or `self`.
pub fn waits_for_a_processor(process: &str) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let brokers = threads.map(|thread| thread.path()).filter(|thread| {
        // As `moskit::broker::server::start` calls it.
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name == "broker\n")
    });
    let waits = brokers.chain(["/proc/thread-self".into()]).filter_map(|thread| {
        // Nanoseconds on a processor, nanoseconds of waiting for one, how often.
        let text = std::fs::read_to_string(thread.join("schedstat")).ok()?;
        text.split(' ').nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(waits.sum())
}

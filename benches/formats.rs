//! Nanoseconds of CPU time per message that sub prints, by format: `cargo bench --bench formats`.
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::hint::black_box;
use std::time::SystemTime;

use bytes::Bytes;
use moskit::mqtt::packet::{PacketId, Properties, Property, Publish, QoS};
use moskit::term::format::{Format, Printer, Style};
use rustix::time::{ClockId, clock_gettime};

/// Messages of one run.
const MESSAGES: usize = 1_000_000;
const RUNS: usize = 7;
/// What is collected before it would be written.
const BUFFER: usize = 64 * 1024;

fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Prints the median of `RUNS` runs, the clock's reading for each message included.
fn measure(name: &str, style: &Style, message: &Publish) {
    let mut printer = Printer::new(style.clone(), true, false);
    let mut out = Vec::with_capacity(2 * BUFFER);
    let mut figures: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = cpu_ns();
            for _ in 0..MESSAGES {
                printer.render(black_box(message.as_ref()), SystemTime::now(), &mut out);
                if out.len() > BUFFER {
                    black_box(&out);
                    out.clear();
                }
            }
            (cpu_ns() - start) / MESSAGES as f64
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    println!("{name:44} {:7.1} ns", figures[RUNS / 2]);
}

fn main() {
    let plain = Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: "sensors/kitchen/temperature".into(),
        packet_id: None,
        properties: Properties::new(),
        payload: Bytes::from_static(br#"{"celsius":21.5,"humidity":40,"battery":"ok","seq":123456}"#),
    };
    let properties =
        [Property::ContentType("application/json".into()), Property::UserProperty("unit".into(), "C".into())];
    let rich = Publish {
        qos: QoS::AtLeastOnce,
        packet_id: PacketId::new(7),
        properties: properties.into_iter().collect(),
        ..plain.clone()
    };
    measure("payload", &Style::Payload, &plain);
    measure("-v", &Style::Verbose, &plain);
    for format in ["%t %p", "%I %t %p", "@Y-@m-@dT@H:@M:@S.@N %t %l", "%x", "%.2:x", "%30t|%-80p|", "%j", "%J"] {
        let style = Style::Format(Format::parse(format.as_bytes(), true).expect("a right format"));
        measure(format, &style, &plain);
    }
    measure("%j with properties", &Style::Format(Format::parse(b"%j", true).expect("a right format")), &rich);
}

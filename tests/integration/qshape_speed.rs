//! How long a large mosquitto.db takes. Ignored in normal runs: worth something only in a release
//! build on a quiet machine (`cargo test --release --test integration qshape_speed -- --ignored --nocapture`).
//! `MOSKIT_BENCH_ENTRIES` makes another number of entries, 20,000,000 for a file of 2 GB;
//! `MOSKIT_BENCH_FILE` keeps the file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use moskit::state::ids::{StoreId, UnixTime};

use crate::qshape::qshape;

const CLIENTS: u64 = 1_000;
const NOW: i64 = 1_800_000_000;

/// Writes a mosquitto.db of version 6 as 2.1 would: `entries` messages, each waiting for one of
/// [`CLIENTS`] clients, about 100 bytes an entry.
fn write_large(path: &Path, entries: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06").unwrap();
    // Ten days of messages, evenly; ids as the clock would give them.
    let step = 10 * 86_400 * 1_000_000_000 / entries as i64;
    let id = |n: u64| StoreId::at(UnixTime::from_nanos(NOW * 1_000_000_000 - (entries - n) as i64 * step)).0;
    let mut chunk = |kind: u32, parts: &[&[u8]]| {
        file.write_all(&kind.to_be_bytes()).unwrap();
        file.write_all(&(parts.iter().map(|part| part.len()).sum::<usize>() as u32).to_be_bytes()).unwrap();
        for part in parts {
            file.write_all(part).unwrap();
        }
    };
    chunk(1, &[&id(entries - 1).to_le_bytes(), &[0, 8, 0, 0, 0, 0, 0, 0]]);
    for n in 0..entries {
        let topic = format!("plant/{}/temp", n % 97);
        let mut fixed = [0; 24];
        fixed[..4].copy_from_slice(&8_u32.to_be_bytes());
        fixed[7] = 6; // source id
        fixed[11] = topic.len() as u8;
        fixed[14] = 1;
        let fixed = [&[0; 8][..], &fixed[..16]].concat();
        chunk(2, &[&id(n).to_le_bytes(), &fixed, b"sensor", topic.as_bytes(), b"12345678"]);
    }
    for client in 0..CLIENTS {
        let name = format!("gateway-{client:04}");
        let mut fixed = [0; 24];
        fixed[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
        fixed[15] = name.len() as u8;
        chunk(6, &[&fixed, name.as_bytes()]);
        for n in (client..entries).step_by(CLIENTS as usize) {
            let rest = [0, 0, 0, name.len() as u8, 1, 11, 0, 1];
            chunk(3, &[&id(n).to_le_bytes(), &rest, name.as_bytes()]);
        }
    }
    file.flush().unwrap();
}

#[test]
#[ignore = "a measurement, see the head of this file"]
fn two_hundred_thousand_entries_are_read_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let entries = std::env::var("MOSKIT_BENCH_ENTRIES").map_or(200_000, |entries| entries.parse().unwrap());
    let path = std::env::var_os("MOSKIT_BENCH_FILE").map_or(folder.path().join("mosquitto.db"), Into::into);
    write_large(&path, entries);
    let at = NOW.to_string();
    let mut times: Vec<Duration> = (0..if entries > 1_000_000 { 3 } else { 7 })
        .map(|_| {
            let start = Instant::now();
            let ended = qshape(&["-n", "1", "-q", "--at", &at, path.to_str().unwrap()], "");
            assert!(ended.stdout.contains(&format!(" {entries} ")), "{ended:?}");
            start.elapsed()
        })
        .collect();
    times.sort();
    let length = path.metadata().unwrap().len();
    eprintln!("{length} bytes, {entries} entries: {times:?}");
    if !cfg!(debug_assertions) && entries == 200_000 {
        assert!(times[times.len() / 2] < Duration::from_millis(40), "{times:?}");
    }
}

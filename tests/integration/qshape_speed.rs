//! How long a large mosquitto.db takes, and how much memory. The time is ignored in normal runs: worth something only in a
//! release build on a quiet machine (`cargo test --release --test integration qshape_speed -- --ignored --nocapture`).
//! `MOSKIT_BENCH_ENTRIES` makes another number of entries, 20,000,000 for a file of 2 GB;
//! `MOSKIT_BENCH_FILE` keeps the file.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use moskit::queue::file::{FileSource, Format};
use moskit::queue::{Error, Item, Note, Source, Want};
use moskit::state::ids::{StoreId, UnixTime};

use crate::qshape::qshape;
use crate::run::moskit;

const CLIENTS: u64 = 1_000;
const NOW: i64 = 1_800_000_000;

/// Writes a mosquitto.db of version 6 as 2.1 would: `entries` messages, each waiting for one of
/// [`CLIENTS`] clients, about 100 bytes an entry.
fn write_large(path: &Path, entries: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06").unwrap();
    // Twenty million in ten days, evenly; ids as the clock would give them.
    let step = 43_200_000;
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

/// The most memory that qshape has had when it shows the table of `path`.
fn peak(path: &Path) -> u64 {
    let words = ["qshape", "-q", "-n", "1", "--at", &NOW.to_string(), "--watch", "3600", path.to_str().unwrap()];
    let mut child = moskit(&words).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_shown = lines.map_while(Result::ok).any(|line| line.trim_start().starts_with("TOTAL "));
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_shown);
    let status = status.unwrap();
    let peak: Option<u64> =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    1024 * peak.unwrap_or_else(|| panic!("{status}"))
}

#[test]
fn a_message_takes_four_bytes_of_memory_at_most() {
    const ENTRIES: u64 = 640_000;
    // Long enough to be read ahead, too, which takes memory once.
    const FEW: u64 = 64_000;
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (folder.path().join("small.db"), folder.path().join("large.db"));
    write_large(&small, FEW);
    write_large(&large, ENTRIES);
    let (least, most) = (peak(&small), peak(&large));
    assert!(
        most.saturating_sub(least) <= 4 * (ENTRIES - FEW),
        "{least} bytes for a small file, {most} for a large one"
    );
}

/// The chunks of a mosquitto.db, with their kinds.
fn chunks(file: &[u8]) -> Vec<(u8, &[u8])> {
    let mut rest = &file[23..];
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = 8 + u32::from_be_bytes(rest[4..8].try_into().unwrap()) as usize;
        let (chunk, behind) = rest.split_at(length);
        chunks.push((chunk[3], chunk));
        rest = behind;
    }
    chunks
}

/// What is told of a file if so much may be remembered at once: each item, sorted, and all there is to say in the end.
fn told(path: &Path, memory: Option<usize>) -> Result<(Vec<String>, String), Error> {
    let at = Some(UnixTime::from_seconds(NOW));
    let mut source = FileSource { path: path.to_owned(), format: Format::MosquittoDb, ledger: None, at };
    let want = Want { topics: true, bytes: true, memory, ..Want::default() };
    let mut items = Vec::new();
    let snapshot = source.read(&want, &mut |item| match item {
        Item::Progress { .. } => {}
        item => items.push(format!("{item:?}")),
    })?;
    items.sort();
    Ok((items, format!("{snapshot:?}")))
}

#[test]
fn a_file_that_is_read_in_slices_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    write_large(&path, 8_000);
    let file = fs::read(&path).unwrap();
    let all = chunks(&file);
    // Some messages are not there, and some entries are of the other direction.
    let messages: Vec<_> = all.iter().filter(|(kind, _)| *kind == 2).enumerate().filter(|(n, _)| n % 10 != 3).collect();
    let mut others: Vec<_> = all.iter().filter(|(kind, _)| *kind != 2).map(|(_, chunk)| chunk.to_vec()).collect();
    for entry in others.iter_mut().filter(|chunk| chunk[3] == 3).step_by(7) {
        entry[23] = 0;
    }
    let messages: Vec<&[u8]> = messages.into_iter().map(|(_, (_, chunk))| *chunk).collect();
    let falling: Vec<&[u8]> = messages.iter().rev().copied().collect();
    let others: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
    let (messages, falling, others) = (&messages[..], &falling[..], &others[..]);
    let (first, second) = messages.split_at(messages.len() / 2);
    let (one, cut) = (&messages[..1], &others[..others.len() / 3]);
    let write = |parts: &[&[&[u8]]]| {
        let chunks = parts.concat().concat();
        fs::write(&path, [&file[..23], &chunks].concat()).unwrap();
    };
    let sound: [&[&[&[u8]]]; 5] =
        [&[messages, others], &[falling, others], &[messages, cut], &[messages], &[one, others]];
    for parts in sound {
        write(parts);
        let whole = told(&path, None).unwrap();
        for memory in [0, 10_000, 40_000, 1_000_000] {
            let sliced = told(&path, Some(memory)).unwrap();
            assert_eq!(sliced.1, whole.1, "in {memory} bytes");
            assert!(sliced.0 == whole.0, "in {memory} bytes, {} items and {}", sliced.0.len(), whole.0.len());
        }
    }
    // No broker writes messages like this, so that each has to be remembered.
    let rest = &messages[1..];
    let strange: [&[&[&[u8]]]; 6] = [
        &[second, first, others],
        &[first, others, second],
        &[messages, second, others],
        &[messages, second],
        &[one, others, rest],
        &[one, cut, rest, others],
    ];
    for parts in strange {
        write(parts);
        assert!(matches!(told(&path, Some(10_000)), Err(Error::Disordered(_))));
        assert!(told(&path, None).is_ok());
        let ended = qshape(&["-n", "1", "-q", "--at", &NOW.to_string(), path.to_str().unwrap()], "");
        assert!(ended.stdout.contains("TOTAL"), "{ended:?}");
    }
}

#[test]
fn damage_is_told_once_and_also_where_only_a_later_slice_comes_upon_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    write_large(&path, 1_100);
    let file = fs::read(&path).unwrap();
    let messages: Vec<_> = chunks(&file).into_iter().filter(|(kind, _)| *kind == 2).collect();
    let length: usize = messages.iter().map(|(_, chunk)| chunk.len()).sum();
    let start = messages[0].1.as_ptr() as usize - file.as_ptr() as usize;
    // Inside of the last message, and inside of an entry.
    let (in_message, in_entry) = (start + length - 5, file.len() - 5);
    for cut in [in_message, in_entry] {
        fs::write(&path, &file[..cut]).unwrap();
        let whole = told(&path, None).unwrap();
        assert_eq!(whole.1.matches("Damage(").count(), 1, "{}", whole.1);
        assert!(told(&path, Some(0)).unwrap() == whole);
    }
    // It becomes shorter when the first reading is at its end: a slice has 1,024 messages, and the last entry is of one of them.
    fs::write(&path, &file).unwrap();
    let mut source = FileSource { path: path.clone(), format: Format::MosquittoDb, ledger: None, at: None };
    let want = Want { memory: Some(0), ..Want::default() };
    let mut items = 0;
    let snapshot = source.read(&want, &mut |item| {
        items += u64::from(matches!(item, Item::Message(_)));
        if items == 1024 {
            File::options().write(true).open(&path).unwrap().set_len(in_message as u64).unwrap();
        }
    });
    let snapshot = snapshot.unwrap();
    assert!(snapshot.notes.iter().any(Note::is_damage), "{snapshot:?}");
}

#[test]
#[ignore = "a file of two gigabytes"]
fn two_gigabytes_are_read_in_64_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    write_large(&path, 20_000_000);
    let (length, peak) = (path.metadata().unwrap().len(), peak(&path));
    eprintln!("{length} bytes read in {peak} bytes");
    assert!(length > 2_000_000_000 && peak <= 64_000_000, "{length} bytes read in {peak} bytes");
}

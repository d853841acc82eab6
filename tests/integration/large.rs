//! The largest message that MQTT can carry: through pub, our own broker and sub, within a bound of memory
//! that the operating system holds them to.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::broker_verb::Broker;
use crate::run::{Ended, moskit, run};

/// A packet has at most so many bytes behind its header.
const LARGEST_PACKET: usize = 268_435_455;
/// With a topic of one byte, at QoS 0 before version 5.
const LARGEST_PAYLOAD: usize = LARGEST_PACKET - 3;

/// Measured with the largest message: each of the three holds it twice, 2.1 times its size with all they need;
/// the address space, which is what can be limited, is 3.5 times.
///
/// What a program may take beside the copies of a message: its code, stacks, and the allocator's share.
const REST: usize = 300 << 20;
/// How many copies of a message each program may have room for at once.
const COPIES: usize = 4;

/// One of our verbs, with no more address space than that.
fn bounded(payload: usize, words: &[&str]) -> Command {
    let unbounded = moskit(words);
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={}", COPIES * payload + REST)).arg(unbounded.get_program()).args(unbounded.get_args());
    for (name, _) in unbounded.get_envs() {
        command.env_remove(name);
    }
    command
}

/// Bytes that no shift or repetition of a block leaves the same.
fn write_payload(path: &Path, length: usize) {
    let mut file = std::io::BufWriter::new(File::create(path).unwrap());
    let mut state = 1_u64;
    let mut left = length;
    while left > 0 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let block = state.to_be_bytes();
        let count = left.min(block.len());
        file.write_all(&block[..count]).unwrap();
        left -= count;
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let bytes = |path: &Path| BufReader::with_capacity(1 << 20, File::open(path).unwrap()).bytes().map(Result::unwrap);
    bytes(one).eq(bytes(other))
}

/// A configuration that takes the largest packet with its header.
fn generous(folder: &Path) -> String {
    let file = folder.join("m.conf");
    std::fs::write(&file, "allow_anonymous true\nmax_packet_size 268435460\n").unwrap();
    file.to_str().unwrap().to_owned()
}

fn passes(payload: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (sent, received) = (folder.path().join("sent"), folder.path().join("received"));
    write_payload(&sent, payload);
    let conf = generous(folder.path());
    let broker = Broker::start_with(&mut bounded(payload, &["broker", "-q", "-p", "0", "-c", &conf]));
    let port = broker.port.to_string();
    let retained = ["pub", "-p", &port, "-t", "a", "-r", "-f", sent.to_str().unwrap()];
    let ended = run(&mut bounded(payload, &retained), b"");
    assert_eq!(ended, Ended { stdout: String::new(), stderr: String::new(), code: 0 });
    let mut sub = bounded(payload, &["sub", "-p", &port, "-t", "a", "-C", "1", "-N", "-W", "300"]);
    let status = sub.stdin(Stdio::null()).stdout(File::create(&received).unwrap()).status().unwrap();
    assert!(status.success(), "{status}");
    assert!(is_same(&sent, &received));
}

/// It would otherwise be waited for in memory, for as long as there is some.
#[test]
#[ignore = "a quarter of a gigabyte of input"]
fn a_line_that_no_packet_can_hold_ends_pub_before_its_end_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let conf = generous(folder.path());
    let broker = Broker::start_with(&mut moskit(&["broker", "-q", "-p", "0", "-c", &conf]));
    let mut pub_ = bounded(LARGEST_PACKET, &["pub", "-p", &broker.port.to_string(), "-t", "a", "-l", "--quiet"]);
    let endless = File::open("/dev/zero").unwrap();
    let status = pub_.stdin(endless).status().unwrap();
    assert_eq!(status.code(), Some(7));
}

#[test]
fn a_large_message_passes_pub_broker_and_sub_within_a_bound_of_memory() {
    passes(16 << 20);
}

/// Run it with `cargo test --release -- --ignored the_largest`.
#[test]
#[ignore = "half a minute, and gigabytes of memory"]
fn the_largest_message_passes_pub_broker_and_sub_within_a_bound_of_memory() {
    passes(LARGEST_PAYLOAD);
}

#[test]
#[ignore = "half a gigabyte of memory"]
fn one_byte_more_than_the_largest_message_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload");
    let broker = Broker::start(&["-q", "-p", "0", "-c", &generous(folder.path())]);
    let port = broker.port.to_string();
    let publish = ["pub", "-p", &port, "-t", "a", "-f", file.to_str().unwrap()];
    File::create(&file).unwrap().set_len(LARGEST_PAYLOAD as u64 + 1).unwrap();
    let ended = run(&mut moskit(&publish), b"");
    let stderr = "Error: The connection was lost\n\
         cause: topic and payload make a packet of 268435456 bytes, and MQTT has none above 268,435,455 [limits]\n";
    assert_eq!(ended, Ended { stdout: String::new(), stderr: stderr.to_owned(), code: 7 });
    File::create(&file).unwrap().set_len(LARGEST_PACKET as u64 + 1).unwrap();
    let ended = run(&mut moskit(&publish), b"");
    assert!(ended.stderr.starts_with("Error: File must be less than 268435455 bytes.\n"), "{}", ended.stderr);
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 1));
}

//! A broker that cannot write any more: nothing is acknowledged that is not stored, nothing stored is lost, and it
//! goes on when there is room again.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::mosquitto::free_port;
use crate::run::moskit;

const PATIENCE: Duration = Duration::from_secs(20);
const PAYLOAD: usize = 10_000;

/// A broker whose state is on a file system of 1 MB, a part of which is a file to remove later.
/// `None`, said aloud, where this process may not mount one.
fn on_a_small_disk(port: u16) -> Option<(Child, PathBuf)> {
    let broker = moskit(&["broker"]);
    let script = "mount -t tmpfs -o size=1m tmpfs /mnt && head -c 400000 /dev/zero > /mnt/ballast && \
                  printf 'max_queued_messages 0\\n' > /mnt/m.conf && \
                  exec \"$0\" broker -p \"$1\" -c /mnt/m.conf --store /mnt/state.sqlite3 --print-url";
    let mut child = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .arg(broker.get_program())
        .arg(port.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    if url.is_empty() {
        eprintln!("SKIPPED: no file system can be mounted here");
        child.wait().unwrap();
        return None;
    }
    let root = PathBuf::from(format!("/proc/{}/root/mnt", child.id()));
    Some((child, root))
}

fn connect(port: u16, id: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut packet = vec![0x10, 12 + id.len() as u8];
    packet.extend(b"\x00\x04MQTT\x04\x00\x00\x00");
    packet.extend((id.len() as u16).to_be_bytes());
    packet.extend(id.bytes());
    stream.write_all(&packet)?;
    let mut connack = [0; 4];
    stream.read_exact(&mut connack)?;
    assert_eq!(connack[3], 0, "{id} is refused");
    Ok(stream)
}

/// Publishes one message at QoS 1 and waits for its PUBACK.
fn publish(stream: &mut TcpStream, number: u32) -> io::Result<()> {
    let mut payload = number.to_string().into_bytes();
    payload.resize(PAYLOAD, b' ');
    let length = 2 + 1 + 2 + payload.len();
    let mut packet = vec![0x32, (length % 128) as u8 | 128, (length / 128) as u8, 0, 1, b'a', 0, 1];
    packet.extend(payload);
    stream.write_all(&packet)?;
    let mut puback = [0; 4];
    stream.read_exact(&mut puback)?;
    assert_eq!(puback, [0x40, 2, 0, 1]);
    Ok(())
}

/// The numbers of what waits for `away`, as long as something comes.
fn collect(port: u16, until: u32) -> Vec<u32> {
    let mut stream = connect(port, "away").unwrap();
    let mut numbers = Vec::new();
    while numbers.last() != Some(&until) {
        let mut packet = vec![0; 3 + 2 + 1 + 2 + PAYLOAD];
        stream.read_exact(&mut packet).unwrap();
        assert_eq!(packet[0] >> 4, 3);
        numbers.push(std::str::from_utf8(&packet[8..]).unwrap().trim_end().parse().unwrap());
        stream.write_all(&[0x40, 2, packet[6], packet[7]]).unwrap();
    }
    numbers
}

/// Publishes until nothing more can be stored, for `reason`, makes room, goes on, and finds all that was acknowledged.
fn fill_and_go_on(broker: Child, port: u16, reason: &str, make_room: impl FnOnce(&Child)) {
    publish_in_trouble(broker, port, reason, |_| (), make_room);
}

/// The same where trouble may begin `before` the message with a number.
fn publish_in_trouble(
    mut broker: Child,
    port: u16,
    reason: &str,
    before: impl Fn(u32),
    make_room: impl FnOnce(&Child),
) {
    let mut log = BufReader::new(broker.stderr.take().unwrap());
    let mut away = connect(port, "away").unwrap();
    away.write_all(b"\x82\x06\x00\x01\x00\x01a\x01").unwrap();
    away.read_exact(&mut [0; 5]).unwrap();
    drop(away);

    let mut publisher = connect(port, "publisher").unwrap();
    let mut acknowledged = Vec::new();
    for number in 1.. {
        assert!(number < 200, "the disk is never full");
        before(number);
        if publish(&mut publisher, number).is_err() {
            break;
        }
        acknowledged.push(number);
    }
    assert!(!acknowledged.is_empty());
    let mut line = String::new();
    while !line.contains(&format!("Error: The state cannot be stored: {reason}")) {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the log does not say why");
    }

    make_room(&broker);
    let until = Instant::now() + PATIENCE;
    let last = 1000;
    while connect(port, "publisher").and_then(|mut stream| publish(&mut stream, last)).is_err() {
        assert!(Instant::now() < until, "it does not recover");
        std::thread::sleep(Duration::from_millis(50));
    }
    let got = collect(port, last);
    let missing: Vec<_> = acknowledged.iter().filter(|number| !got.contains(number)).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    assert!(got.is_sorted());
    broker.kill().unwrap();
    broker.wait().unwrap();
}

#[test]
fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let port = free_port();
    let Some((broker, disk)) = on_a_small_disk(port) else { return };
    let make_room = |_: &Child| std::fs::remove_file(disk.join("ballast")).unwrap();
    fill_and_go_on(broker, port, "database or disk is full", make_room);
}

/// The same where only this process may write no more: `ulimit -f` gives another error, and needs no privilege.
#[test]
fn a_limit_on_the_size_of_files_is_met_like_a_full_disk() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
    let conf = folder.path().join("m.conf");
    std::fs::write(&conf, "max_queued_messages 0\n").unwrap();
    // In blocks of 512 bytes; without the trap the system would end the process.
    let script = "trap '' XFSZ; ulimit -S -f 1200; exec \"$0\" broker -p \"$1\" -c \"$2\" --store \"$3\" --print-url";
    let mut broker = Command::new("sh")
        .args(["-c", script])
        .arg(moskit(&[]).get_program())
        .arg(port.to_string())
        .args([&conf, &folder.path().join("state.sqlite3")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    BufReader::new(broker.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    fill_and_go_on(broker, port, "", |broker| {
        let pid = Pid::from_raw(broker.id().cast_signed());
        prlimit(pid, Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    });
}

/// Takes away from everybody, root and whoever has it open included, the right to write a file.
struct Immutable(Vec<PathBuf>);

impl Immutable {
    /// Whether the system did so.
    fn change(&self, flag: &str) -> bool {
        Command::new("chattr")
            .arg(flag)
            .args(&self.0)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// `None` where the file system knows nothing of it.
    fn of(paths: Vec<PathBuf>) -> Option<Self> {
        let probe = tempfile::NamedTempFile::new_in(paths[0].parent().unwrap()).unwrap();
        let one = Self(vec![probe.path().to_owned()]);
        (one.change("+i") && probe.as_file().write_all(b"x").is_err()).then(|| Self(paths))
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        self.change("-i");
    }
}

/// The disk under a running broker becomes read-only, as after a fault of its hardware.
#[test]
fn a_file_that_may_no_longer_be_written_is_met_like_a_full_disk() {
    let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
    let conf = folder.path().join("m.conf");
    std::fs::write(&conf, "max_queued_messages 0\n").unwrap();
    let file = |name: &str| folder.path().join(name);
    let Some(state) = Immutable::of(vec![file("state.sqlite3"), file("state.sqlite3-wal")]) else {
        eprintln!("SKIPPED: files cannot be made immutable here");
        return;
    };
    let mut broker = moskit(&["broker", "-p", &port.to_string(), "--print-url", "-c"]);
    broker.args([&conf, &"--store".into(), &file("state.sqlite3")]);
    let mut broker = broker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    BufReader::new(broker.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let before = |number| assert!(number != 10 || state.change("+i"));
    publish_in_trouble(broker, port, "", before, |_| assert!(state.change("-i")));
}

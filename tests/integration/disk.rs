//! A broker that cannot write any more: nothing is acknowledged that is not stored, nothing stored is lost, and it
//! goes on when there is room again.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::mosquitto::free_port;
use crate::run::moskit;
use crate::stalls::waits_for_a_processor;

const PATIENCE: Duration = Duration::from_secs(60);
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
    let (stream, code) = try_connect(port, id, 0)?;
    assert_eq!(code, 0, "{id} is refused");
    Ok(stream)
}

/// With the flags of CONNECT; gives the code of the CONNACK.
fn try_connect(port: u16, id: &str, flags: u8) -> io::Result<(TcpStream, u8)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut packet = vec![0x10, 12 + id.len() as u8];
    packet.extend(b"\x00\x04MQTT\x04");
    packet.extend([flags, 0, 0]);
    packet.extend((id.len() as u16).to_be_bytes());
    packet.extend(id.bytes());
    stream.write_all(&packet)?;
    let mut connack = [0; 4];
    stream.read_exact(&mut connack)?;
    Ok((stream, connack[3]))
}

/// Makes a session that is kept, with a subscription to `a` at QoS 1.
fn subscribe_and_go(port: u16, id: &str) {
    let mut away = connect(port, id).unwrap();
    away.write_all(b"\x82\x06\x00\x01\x00\x01a\x01").unwrap();
    away.read_exact(&mut [0; 5]).unwrap();
}

/// Two clients that need no store, and never lose their connections.
struct Bystanders {
    from: TcpStream,
    to: TcpStream,
    broker: String,
}

impl Bystanders {
    fn meet(port: u16, broker: &Child) -> Self {
        const CLEAN: u8 = 2;
        let join =
            |id| try_connect(port, id, CLEAN).map(|(stream, code)| (code == 0).then_some(stream)).unwrap().unwrap();
        let (from, mut to) = (join("from"), join("to"));
        to.write_all(b"\x82\x06\x00\x01\x00\x01b\x00").unwrap();
        to.read_exact(&mut [0; 5]).unwrap();
        Self { from, to, broker: broker.id().to_string() }
    }

    /// How long a message and a PINGREQ take, without what nobody had a processor for.
    fn exchange(&mut self) -> Duration {
        let (start, before) = (Instant::now(), waits_for_a_processor(&self.broker));
        let message = b"\x30\x04\x00\x01b!";
        self.from.write_all(message).unwrap();
        let mut got = [0; 6];
        self.to.read_exact(&mut got).expect("a connection that needs no store goes on");
        assert_eq!(&got, message);
        self.to.write_all(b"\xc0\x00").unwrap();
        let mut got = [0; 2];
        self.to.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"\xd0\x00");
        start.elapsed().saturating_sub(waits_for_a_processor(&self.broker).saturating_sub(before))
    }

    /// The longest time that an exchange takes within `time`.
    fn exchange_for(&mut self, time: Duration) -> Duration {
        let end = Instant::now() + time;
        let mut longest = Duration::ZERO;
        while Instant::now() < end {
            longest = longest.max(self.exchange());
        }
        longest
    }
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
    subscribe_and_go(port, "away");

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
    wait_for_line(&mut log, &format!("Error: The state cannot be stored: {reason}"));

    make_room(&broker);
    let last = 1000;
    publish_at_last(port, last);
    let got = collect(port, last);
    let missing: Vec<_> = acknowledged.iter().filter(|number| !got.contains(number)).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    assert!(got.is_sorted());
    broker.kill().unwrap();
    broker.wait().unwrap();
}

/// The lines before it are the answer.
fn wait_for_line(log: &mut impl BufRead, wanted: &str) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the log does not say {wanted:?}: {lines:?}");
        if line.contains(wanted) {
            return lines;
        }
        lines.push(line);
    }
}

/// A broker with its state in `folder`, which has become ready.
fn start(port: u16, folder: &Path) -> Child {
    let mut broker = moskit(&["broker", "-p", &port.to_string(), "--print-url", "--store"]);
    broker.arg(folder.join("state.sqlite3"));
    let mut broker = broker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    BufReader::new(broker.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    broker
}

/// Publishes message `last` once the broker keeps things again.
fn publish_at_last(port: u16, last: u32) {
    let until = Instant::now() + PATIENCE;
    while connect(port, "publisher").and_then(|mut stream| publish(&mut stream, last)).is_err() {
        assert!(Instant::now() < until, "it does not recover");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn on_a_full_disk_who_needs_no_store_goes_on_and_the_rest_is_refused() {
    let port = free_port();
    let Some((mut broker, disk)) = on_a_small_disk(port) else { return };
    let mut log = BufReader::new(broker.stderr.take().unwrap());
    subscribe_and_go(port, "away");
    let mut bystanders = Bystanders::meet(port, &broker);
    let mut publisher = connect(port, "publisher").unwrap();
    let full = (1..200).find(|number| publish(&mut publisher, *number).is_err());
    let full = full.expect("the disk is full at last");
    wait_for_line(&mut log, "Error: The state cannot be stored: database or disk is full");
    bystanders.exchange_for(Duration::from_millis(2500));
    assert_eq!(try_connect(port, "new", 0).unwrap().1, 3);
    // It takes what waits, and acknowledges it.
    let mut away = connect(port, "away").unwrap();
    for _ in 1..full {
        let mut packet = vec![0; 3 + 2 + 1 + 2 + PAYLOAD];
        away.read_exact(&mut packet).unwrap();
        away.write_all(&[0x40, 2, packet[6], packet[7]]).unwrap();
    }
    drop(away);
    std::fs::remove_file(disk.join("ballast")).unwrap();
    publish_at_last(port, 1000);
    bystanders.exchange();
    let between = wait_for_line(&mut log, "The state can be stored again.");
    assert!(!between.iter().any(|line| line.contains("cannot be stored")), "it is said once: {between:?}");
    broker.kill().unwrap();
    broker.wait().unwrap();
}

#[test]
fn a_state_file_that_loses_its_name_is_noticed_and_nothing_more_is_acknowledged() {
    for (trouble, says, ends) in [
        ("removed", "the file is gone", false),
        ("replaced", "another file is in its place", false),
        ("away for a while", "the file is gone", true),
        // Its content is in what is still open, and is moved into the file.
        ("without its log", "the file is gone", true),
    ] {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let file = |name: &str| folder.path().join(name);
        let mut broker = start(port, folder.path());
        let mut log = BufReader::new(broker.stderr.take().unwrap());
        subscribe_and_go(port, "away");
        let mut bystanders = Bystanders::meet(port, &broker);
        let mut publisher = connect(port, "publisher").unwrap();
        publish(&mut publisher, 1).unwrap();
        match trouble {
            "removed" => std::fs::remove_file(file("state.sqlite3")).unwrap(),
            "replaced" => {
                std::fs::copy(file("state.sqlite3"), file("new")).unwrap();
                std::fs::rename(file("new"), file("state.sqlite3")).unwrap();
            }
            "away for a while" => std::fs::rename(file("state.sqlite3"), file("old")).unwrap(),
            _ => std::fs::remove_file(file("state.sqlite3-wal")).unwrap(),
        }
        assert!(publish(&mut publisher, 2).is_err(), "{trouble}");
        wait_for_line(&mut log, &format!("Error: The state cannot be stored: {says}"));
        bystanders.exchange();
        if trouble == "away for a while" {
            std::fs::rename(file("old"), file("state.sqlite3")).unwrap();
        }
        if ends {
            publish_at_last(port, 1000);
            bystanders.exchange();
        }
        broker.kill().unwrap();
        broker.wait().unwrap();
        if ends {
            let mut broker = start(port, folder.path());
            let got = collect(port, 1000);
            assert_eq!(got.first(), Some(&1), "{trouble}: {got:?}");
            broker.kill().unwrap();
            broker.wait().unwrap();
        }
    }
}

#[test]
fn nobody_waits_for_another_program_that_writes_to_the_state_but_who_needs_it() {
    let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
    let mut broker = start(port, folder.path());
    let mut log = BufReader::new(broker.stderr.take().unwrap());
    subscribe_and_go(port, "away");
    let mut bystanders = Bystanders::meet(port, &broker);
    let other = rusqlite::Connection::open(folder.path().join("state.sqlite3")).unwrap();
    let publisher = connect(port, "publisher").unwrap();
    // For as long as it is waited for, and for longer.
    for (number, seconds, is_kept) in [(1, 2, true), (2, 7, false)] {
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut publishing = publisher.try_clone().unwrap();
        let waiting = std::thread::spawn(move || publish(&mut publishing, number).is_ok());
        let mut longest = bystanders.exchange_for(Duration::from_secs(seconds));
        let until = Instant::now() + PATIENCE;
        while !is_kept && !waiting.is_finished() && Instant::now() < until {
            longest = longest.max(bystanders.exchange());
        }
        assert!(longest < Duration::from_secs(1), "{longest:?}");
        assert_eq!(waiting.is_finished(), !is_kept);
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(waiting.join().unwrap(), is_kept);
        if !is_kept {
            wait_for_line(&mut log, "Error: The state cannot be stored: another program is writing to the file");
        }
    }
    publish_at_last(port, 1000);
    drop(other);
    assert_eq!(collect(port, 1000).first(), Some(&1));
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

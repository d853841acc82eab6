//! Debian's mosquitto as a broker for one test.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::ops::{Range, RangeInclusive};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a broker may take to say something that we wait for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running mosquitto, ended by its own id when dropped. Its log goes to standard error, which is
/// read line by line: [`Mosquitto::wait_for`] waits for a line instead of sleeping.
pub struct Mosquitto {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

/// The path of an installed program; `None`, said aloud, when it is absent, and a failure under `CI`.
pub fn installed(program: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed, and CI must not skip");
        eprintln!("SKIPPED: {program} is not installed");
    }
    found
}

/// Ports that this process may give its tests: blocks that no other test process has.
struct Ports {
    /// A UDP socket on the first port of each block, which holds the block while this process lives.
    blocks: Vec<UdpSocket>,
    rest: Range<u16>,
    /// On ports that the system could take for an outgoing connection. They do not listen.
    held: Vec<OwnedFd>,
}

/// A TCP port that nobody listens on and that no other test is given, in this process or in one that runs beside it: a
/// broker whose port another has taken ends, and its test would talk to the other's. Outside of the range that the system
/// takes the ports of outgoing connections from, where that leaves any: one of those would otherwise now and then have the
/// port by the time the broker asks for it. Where it leaves none, a socket holds the port for the broker.
pub fn free_port() -> u16 {
    const BLOCK: u16 = 100;
    static PORTS: Mutex<Ports> = Mutex::new(Ports { blocks: Vec::new(), rest: 0..0, held: Vec::new() });
    let mut ports = PORTS.lock().unwrap();
    let outgoing = ports_of_outgoing_connections();
    let is_outgoing = |port| outgoing.contains(&port);
    loop {
        if let Some(port) = ports.rest.next() {
            let Some(socket) = unless_taken(port) else { continue };
            if is_outgoing(port) {
                ports.held.push(socket);
            }
            return port;
        }
        let mut firsts: Vec<_> = (10_000..65_000).step_by(usize::from(BLOCK)).collect();
        firsts.sort_by_key(|first| is_outgoing(*first) || is_outgoing(first + BLOCK - 1));
        let (block, first) = firsts
            .into_iter()
            .find_map(|first| Some((UdpSocket::bind(("127.0.0.1", first)).ok()?, first)))
            .expect("a block of ports that no test process has");
        ports.blocks.push(block);
        ports.rest = first..first + BLOCK;
    }
}

/// The range differs between containers. Empty where the system does not say.
fn ports_of_outgoing_connections() -> RangeInclusive<u16> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    match text.split_whitespace().map(str::parse::<u16>).collect::<Vec<_>>()[..] {
        [Ok(first), Ok(last)] => first..=last,
        _ => RangeInclusive::new(1, 0),
    }
}

/// A socket on the port, if nobody listens there. It never listens itself: a child that another test forks at this moment
/// has it too until it executes its program, and would still accept connections that are meant for the broker. A broker may
/// listen on the port all the same, and the system takes it for no outgoing connection.
fn unless_taken(port: u16) -> Option<OwnedFd> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)).is_ok().then_some(socket)
}

impl Mosquitto {
    /// Starts a broker on `configuration`, written to `folder`, and waits until it runs.
    pub fn start(folder: &Path, configuration: &str) -> Option<Self> {
        // Another version than Debian's, for whoever has one.
        let program = match std::env::var_os("MOSKIT_MOSQUITTO") {
            Some(program) => program.into(),
            None => installed("mosquitto")?,
        };
        let file = folder.join("mosquitto.conf");
        // As root it would otherwise drop to a user who cannot enter the test's folder.
        std::fs::write(&file, format!("user root\nlog_type all\n{configuration}")).unwrap();
        let mut child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mosquitto starts");
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // The test may have ended; the broker's log still has to be read until it ends too.
                let _ = sender.send(line);
            }
        });
        let mut broker = Self { child, lines, seen: Vec::new() };
        // 2.1 says before that as whom it is running.
        while !broker.wait_for(" running").ends_with(" running") {}
        Some(broker)
    }

    /// A broker with one plain listener that lets everybody in.
    pub fn open(folder: &Path) -> Option<(Self, u16)> {
        let port = free_port();
        Self::start(folder, &format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).map(|broker| (broker, port))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it with SIGTERM and waits until it has saved what it keeps.
    pub fn end(mut self) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for a log line that contains `text` and was not waited for before; gives it back.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("mosquitto never said {text:?}; it said {:#?}", self.seen);
            };
            let found = line.contains(text);
            self.seen.push(line.clone());
            if found {
                return line;
            }
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

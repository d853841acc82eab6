//! A broker in a process of its own, ended by its id.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    Moskit,
    Mosquitto,
}

impl Brand {
    pub const BOTH: [Self; 2] = [Self::Moskit, Self::Mosquitto];

    pub fn name(self) -> &'static str {
        match self {
            Self::Moskit => "moskit",
            Self::Mosquitto => "mosquitto",
        }
    }
}

pub struct Broker {
    child: Child,
    pub address: SocketAddr,
    /// From before the program was started until a connection was accepted.
    pub took: Duration,
    _folder: tempfile::TempDir,
}

impl Broker {
    /// In memory, without limits on queues.
    pub fn start(brand: Brand) -> Self {
        Self::start_with(brand, "")
    }

    /// With more lines in its configuration.
    pub fn start_with(brand: Brand, lines: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mosquitto.conf");
        let configuration =
            format!("user root\nlistener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n{lines}");
        std::fs::write(&file, configuration).unwrap();
        let mut command = match brand {
            Brand::Moskit => Command::new(env!("CARGO_BIN_EXE_moskit")),
            Brand::Mosquitto => Command::new("/usr/sbin/mosquitto"),
        };
        if brand == Brand::Moskit {
            command.arg("broker");
        }
        command.arg("-c").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let address = ([127, 0, 0, 1], port).into();
        while TcpStream::connect(address).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "the broker ended at once");
            std::thread::yield_now();
        }
        Self { child, address, took: began.elapsed(), _folder: folder }
    }

    /// Seconds of user and system time.
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
        // Linux counts in hundredths for every program.
        ticks / 100.0
    }

    pub fn resident_kilobytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How often its threads have begun to wait, and so were woken, since it started.
    pub fn waits(&self) -> u64 {
        let of = |status: PathBuf| {
            let status = std::fs::read_to_string(status).unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        threads.map(|thread| of(thread.unwrap().path().join("status"))).sum()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Ends it as a system does, so that it can put its state in order.
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It has ended already where that was asked for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines of a configuration that keep the state in `folder`.
pub fn persistence(folder: &tempfile::TempDir) -> String {
    format!("persistence true\npersistence_location {}\n", folder.path().display())
}

/// A folder on a disk: what is in memory commits too fast.
pub fn folder_on_disk() -> tempfile::TempDir {
    tempfile::tempdir_in(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

/// Does `work` on one processor; programs that it starts stay there.
pub fn on_processor<T>(number: usize, work: impl FnOnce() -> T) -> T {
    let all = sched_getaffinity(None).unwrap();
    let mut one = CpuSet::new();
    one.set(number);
    sched_setaffinity(None, &one).expect("two processors");
    let result = work();
    sched_setaffinity(None, &all).unwrap();
    result
}

/// Asks for descriptors for ourselves and for the brokers to come; how many there are.
pub fn raise_descriptor_limit(wanted: u64) -> u64 {
    let all = Rlimit { current: Some(wanted), maximum: Some(wanted) };
    let maximum = getrlimit(Resource::Nofile).maximum;
    // More than the hard limit is for root only.
    if maximum.is_some_and(|maximum| maximum < wanted) && setrlimit(Resource::Nofile, all).is_err() {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    } else if maximum.is_none_or(|maximum| maximum >= wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

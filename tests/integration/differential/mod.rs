//! The same packets to Debian's mosquitto 2.0.11 and to our broker: what comes back must be the same bytes.
//!
//! `script` is what is sent, `play` sends it and listens, `packets` makes packets. `random` makes scripts from a seed and
//! plays them to both; `dialogues`, `malformed`, `access`, `timed`, `restart`, `rows` and `transports` are by hand, with the answers of 2.1.2 written
//! down (`answers`).
//! What may differ is in `play`, and script by script in the files of answers. To repeat a seed:
//! `MOSKIT_SEED=1 MOSKIT_SCRIPTS=1 cargo test --test integration differential::random -- --ignored`

mod access;
mod answers;
mod dialogues;
mod malformed;
mod packets;
mod play;
mod random;
mod restart;
mod rows;
mod script;
mod timed;
mod transports;

use std::path::Path;
use std::process::{Child, Stdio};

use crate::mosquitto::{Mosquitto, free_port};
use crate::run::called_as;
use play::{Beside, Heard, play};
use script::Script;

/// What both brokers are told. Debian's has Nagle's algorithm on otherwise, and smaller limits left out.
const COMMON: &str = "allow_anonymous true\nset_tcp_nodelay true\nmax_packet_size 2000000\nsys_interval 0\n\
                      allow_duplicate_messages true\n";

fn configuration(global: &str, port: u16, local: &str) -> String {
    format!("{COMMON}{global}listener {port} 127.0.0.1\n{local}")
}

/// Both brokers with the same configuration.
struct Pair {
    theirs: u16,
    ours: u16,
    round: u32,
    _mosquitto: Mosquitto,
    _moskit: Ours,
    _folder: tempfile::TempDir,
}

struct Ours(Child);

impl Ours {
    /// Ends it with SIGTERM and waits until it has saved what it keeps.
    fn end(mut self) {
        let pid = rustix::process::Pid::from_raw(self.0.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Pair {
    /// `None` without Debian's mosquitto. `global` options stand before the listener, `local` ones after it.
    fn start(global: &str, local: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (theirs, ours) = (free_port(), free_port());
        let mosquitto = Mosquitto::start(folder.path(), &configuration(global, theirs, local))?;
        let moskit = start_ours(folder.path(), &configuration(global, ours, local), ours);
        Some(Self { theirs, ours, round: 0, _mosquitto: mosquitto, _moskit: moskit, _folder: folder })
    }

    /// Plays the script to both and tells where they first differ.
    fn difference(&mut self, script: &Script) -> Option<Difference> {
        // Names of each round are its own, so that nothing of an earlier one is in the way.
        self.round += 1;
        let beside = if std::env::var_os("MOSKIT_MOSQUITTO").is_some() { Beside::New } else { Beside::Old };
        let (theirs, ours) = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| play(script, self.theirs, self.round, beside));
            let ours = play(script, self.ours, self.round, beside);
            (theirs.join().unwrap(), ours)
        });
        let at = (0..script.steps.len()).find(|&at| theirs[at] != ours[at])?;
        Some(Difference { at, theirs: theirs[at].clone(), ours: ours[at].clone() })
    }
}

/// The first step after which the brokers say different things.
struct Difference {
    at: usize,
    theirs: Heard,
    ours: Heard,
}

impl Difference {
    fn tell(&self, script: &Script) -> String {
        let steps: Vec<_> = script.steps[..=self.at].iter().map(|step| format!("  {step:?}")).collect();
        let (steps, theirs, ours) = (steps.join("\n"), &self.theirs, &self.ours);
        format!("{}:\n{steps}\nmosquitto: {theirs:?}\nmoskit:    {ours:?}", script.name)
    }
}

fn start_ours(folder: &Path, configuration: &str, port: u16) -> Ours {
    let file = folder.join("moskit.conf");
    std::fs::write(&file, format!("user root\n{configuration}")).unwrap();
    let mut command = called_as("mosquitto", &["-c", file.to_str().unwrap(), "-q"]);
    let broker = Ours(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    let start = std::time::Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed().as_secs() < 20, "our broker does not accept connections");
        std::thread::yield_now();
    }
    broker
}

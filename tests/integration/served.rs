//! Programs of others that serve: a web server, proxies. Each in the foreground, ended by its own id.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::mosquitto::installed;

/// How long one may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// What tells that a program serves.
#[derive(Clone, Copy)]
pub enum Ready<'a> {
    /// It prints a line that contains this.
    Line(&'a str),
    /// It says nothing: something answers at the port.
    Port(u16),
}

pub struct Served(Child);

impl Served {
    /// Starts `program` and waits until it serves. `None` where it is not installed.
    pub fn start(program: &str, words: &[&str], ready: Ready<'_>) -> Option<Self> {
        let mut child = Command::new(installed(program)?)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = channel();
        let pipes: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for pipe in pipes {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    // The test may have ended; the output still has to be read until the program ends too.
                    let _ = sender.send(line);
                }
            });
        }
        let mut served = Self(child);
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        loop {
            let late = Instant::now() >= deadline || matches!(served.0.try_wait(), Ok(Some(_)));
            assert!(!late, "{program} never served; it said {said:#?}");
            let is_ready = match ready {
                Ready::Port(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok(),
                Ready::Line(text) => said.last().is_some_and(|line: &String| line.contains(text)),
            };
            if is_ready {
                return Some(served);
            }
            // A program that says nothing is asked again a little later.
            said.extend(lines.recv_timeout(Duration::from_millis(20)));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

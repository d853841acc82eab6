//! The stage of the demo: its folder, its programs, and how a step is shown and judged.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use super::render;
use crate::cmd::{connect, output};
use crate::diagnose::shell::quoted;
use crate::net::reason;
use crate::os::files::DirBuilderExt;
use crate::os::process;
use crate::os::signal::SignalKind;
use crate::os::socket::free_port;
use crate::private_folder::PrivateFolder;
use crate::term::{Exit, Failure, Term};

/// How long a step stays on a terminal before the next one.
const PAUSE: Duration = Duration::from_millis(900);

/// How long one command may take, and the broker to begin or end.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Between two looks whether something has happened.
const LOOK: Duration = Duration::from_millis(5);

/// Where the demo plays.
pub struct Scene {
    program: PathBuf,
    folder: Folder,
    pauses: bool,
    pub port: u16,
    /// Keeps the port for the broker until it listens.
    held: Option<TcpSocket>,
    broker: Option<Child>,
    step: usize,
}

/// Where the files of a demo are.
enum Folder {
    Kept(PathBuf),
    Private(PrivateFolder),
}

/// What a command printed and how it ended.
pub struct Ended {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Ended {
    /// Both streams, as a terminal shows them.
    pub fn text(&self) -> String {
        format!("{}{}", self.stderr, self.stdout)
    }
}

fn failed(what: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::FAILED, format!("the demo cannot {what}: {why}"))
}

impl Scene {
    pub fn new(keep: Option<&Path>, pauses: bool) -> Result<Self, Failure> {
        let folder = if let Some(folder) = keep {
            Folder::Kept(folder_to_keep(folder)?)
        } else {
            let made = PrivateFolder::make("demo");
            Folder::Private(made.map_err(|error| failed("make a folder", reason(&error)))?)
        };
        let program = std::env::current_exe().map_err(|error| failed("find its own program", reason(&error)))?;
        let (port, held) = free_port().map_err(|error| failed("find a free port", reason(&error)))?;
        Ok(Self { program, folder, pauses, port, held, broker: None, step: 0 })
    }

    pub fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Kept(path) => path,
            Folder::Private(folder) => folder.path(),
        }
    }

    pub fn is_kept(&self) -> bool {
        matches!(self.folder, Folder::Kept(_))
    }

    /// A headline.
    pub fn headline(&mut self, text: &str, term: &mut Term) {
        if self.pauses && self.step > 0 {
            term.flush();
            std::thread::sleep(PAUSE);
        }
        self.step += 1;
        render::heading(self.step, text, term);
    }

    /// Writes a file of the demo, and shows it.
    pub fn write(&self, name: &str, content: &str, term: &mut Term) -> Result<(), Failure> {
        fs::write(self.folder().join(name), content)
            .map_err(|error| failed(&format!("write {name}"), reason(&error)))?;
        render::typed(format_args!("cat {name}"), term);
        render::printed(content, term);
        Ok(())
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(self.folder());
        // The demo is the same for everybody, whatever options files and variables there are.
        for variable in connect::environment::VARIABLES.iter().chain(&["SSLKEYLOGFILE", "CLICOLOR_FORCE"]) {
            command.env_remove(variable);
        }
        command.env("XDG_CONFIG_HOME", self.folder().join("no-options-files"));
        command
    }

    /// Shows and runs `moskit WORDS…`, with `input` on its standard input; `holds` says what is wrong.
    pub fn run(
        &self,
        words: &[&str],
        input: Option<&str>,
        holds: impl Fn(&Ended) -> Result<(), String>,
        term: &mut Term,
    ) -> Result<Ended, Failure> {
        let line = shown(words, input);
        render::typed(&line, term);
        output::deliver(term)?;
        let ended = self.finish(words, input)?;
        render::printed(&ended.text(), term);
        match holds(&ended) {
            Ok(()) => Ok(ended),
            Err(why) => Err(Failure::new(Exit::FAILED, format!("`{line}` did not do what it should: {why}"))
                .hint("please report this with the output above")),
        }
    }

    fn finish(&self, words: &[&str], input: Option<&str>) -> Result<Ended, Failure> {
        let verb = words.first().copied().unwrap_or_default();
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = self
            .command(words)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&format!("run {verb}"), reason(&error)))?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
            // A program that ends without reading its input says by its exit code what was wrong.
            let _ = pipe.write_all(input.as_bytes());
        }
        // Outputs are a few kilobytes and fit into the pipes, so waiting before reading cannot hang.
        let deadline = Instant::now() + TIME_LIMIT;
        while child.try_wait().map_err(|error| failed(&format!("wait for {verb}"), reason(&error)))?.is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(&format!("go on: `moskit {verb}`"), "it does not end"));
            }
            std::thread::sleep(LOOK);
        }
        let output =
            child.wait_with_output().map_err(|error| failed(&format!("read what {verb} said"), reason(&error)))?;
        Ok(Ended {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        })
    }

    /// Starts the broker of `words` in the background and waits until it accepts.
    pub fn start_broker(&mut self, words: &[&str], term: &mut Term) -> Result<(), Failure> {
        render::typed(format_args!("{} &", shown(words, None)), term);
        output::deliver(term)?;
        let log = fs::File::create(self.folder().join("broker.log"))
            .map_err(|error| failed("write broker.log", reason(&error)))?;
        let child = self
            .command(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| failed("start the broker", reason(&error)))?;
        self.broker = Some(child);
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.broker.as_mut().is_some_and(|broker| !matches!(broker.try_wait(), Ok(None)));
            if ended || started.elapsed() > TIME_LIMIT {
                let log = fs::read_to_string(self.folder().join("broker.log")).unwrap_or_default();
                return Err(failed("start the broker", log.lines().last().unwrap_or("it said nothing")));
            }
            std::thread::sleep(LOOK);
        }
        drop(self.held.take());
        render::ready(started.elapsed(), self.broker_id(), term);
        Ok(())
    }

    fn broker_id(&self) -> u32 {
        self.broker.as_ref().map_or(0, Child::id)
    }

    /// Ends the broker as a user would, so that it writes its state; tells its exit code.
    pub fn stop_broker(&mut self) -> Result<i32, Failure> {
        let Some(mut broker) = self.broker.take() else { return Ok(0) };
        // It may have ended by itself; then its exit code tells.
        if let Err(error) = process::send(broker.id(), SignalKind::terminate())
            && error.kind() == std::io::ErrorKind::Unsupported
        {
            let _ = broker.kill();
            let _ = broker.wait();
            return Err(failed("stop the broker", reason(&error)));
        }
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            match broker.try_wait() {
                Ok(Some(status)) => return Ok(status.code().unwrap_or(-1)),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK),
                Ok(None) => {
                    let _ = broker.kill();
                    let _ = broker.wait();
                    return Err(failed("stop the broker", "it does not end"));
                }
                Err(error) => return Err(failed("stop the broker", reason(&error))),
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            let _ = broker.kill();
            let _ = broker.wait();
        }
    }
}

/// A folder for `--keep`: made here, or empty.
fn folder_to_keep(folder: &Path) -> Result<PathBuf, Failure> {
    let refused = |exit, why: &str| {
        Failure::new(exit, format!("cannot keep the demo in `{}`: {why}", folder.display())).hint("name a new folder")
    };
    let failed = |error: std::io::Error| refused(Exit::FAILED, &reason(&error));
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(refused(Exit::USAGE, "it is not empty"));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::DirBuilder::new().mode(0o700).create(folder).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    fs::canonicalize(folder).map_err(failed)
}

/// The command as a shell would take it.
fn shown(words: &[&str], input: Option<&str>) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    let command = format!("moskit {}", words.join(" "));
    match input {
        Some(input) => format!("echo {} | {command}", quoted(input.trim_end())),
        None => command,
    }
}

/// The words of a command, some of them computed.
pub fn words<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_a_shell_takes_them() {
        assert_eq!(shown(&["sub", "-t", "home/#", "-m", "it's"], None), "moskit sub -t 'home/#' -m 'it'\\''s'");
        assert_eq!(shown(&["passwd", "-c"], Some("secret\n")), "echo secret | moskit passwd -c");
    }
}

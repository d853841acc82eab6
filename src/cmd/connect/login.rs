//! Where a password comes from: the command line, a file, the terminal, a command that prints it, or a token endpoint.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::args::PasswordSource;
use super::runtime::block_on;
use crate::diagnose;
use crate::net::reason;
use crate::oauth::{Grant, OAuthError, fetch};
use crate::os::process;
use crate::term::{AskError, Exit, Failure, Secret, Term};

/// Longest password: its length goes over the wire in two bytes.
const MAX_PASSWORD: usize = 65_535;

/// How long a command may take to print the password. Some ask a server for a token, some a person.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// How often a command that has closed its output is looked after.
const ENDING: Duration = Duration::from_millis(2);

/// How the password of this run is obtained.
#[derive(Debug)]
pub struct Login {
    source: Option<PasswordSource>,
    /// What a token is asked for by, which is the password then.
    grant: Option<Grant>,
}

impl Login {
    pub fn new(source: Option<&PasswordSource>, grant: Option<Grant>) -> Self {
        Self { source: source.cloned(), grant }
    }

    /// What a token is asked for by, where the password is one that has to be asked for.
    pub fn grant(&self) -> Option<&Grant> {
        self.grant.as_ref()
    }

    /// How long it may take to get a token.
    pub fn set_limit(&mut self, limit: Duration) {
        if let Some(grant) = &mut self.grant {
            grant.route.timeout = limit;
        }
    }

    /// Whether there is to be one.
    pub fn is_given(&self) -> bool {
        self.source.is_some()
    }

    /// Whether somebody has to type it.
    pub fn is_asked_for(&self) -> bool {
        matches!(self.source, Some(PasswordSource::Prompt))
    }

    /// The password for the first connection, if there is to be one.
    pub fn first(&self, term: &mut Term) -> Result<Option<Secret>, Failure> {
        match &self.source {
            None => Ok(None),
            Some(PasswordSource::Given(secret)) => Ok(Some(secret.clone())),
            Some(PasswordSource::File(path)) => first_line_of(path).map(Some).map_err(|error| {
                let path = path.display();
                Failure::new(Exit::FAILED, format!("cannot read the password from `{path}`: {}", reason(&error)))
            }),
            Some(PasswordSource::Prompt) => term.ask_on_terminal("Password: ").map(Some).map_err(|error| match error {
                AskError::Signal(number) => Failure::silent(Exit(128 + number)),
                AskError::Read(error) => {
                    Failure::new(Exit::FAILED, format!("cannot ask for the password: {}", reason(&error)))
                        .hint("without a terminal use --pw-file FILE or --pw-command COMMAND")
                }
            }),
            Some(PasswordSource::Command(command)) => printed_by(command, COMMAND_LIMIT).map(Some),
            Some(PasswordSource::OAuth) => {
                let Some(grant) = &self.grant else { return Ok(None) };
                block_on(async { fetch(grant).await.map_err(|error| not_granted(&error, grant)) })
                    .map(|granted| Some(granted.token))
            }
        }
    }

    /// The password for a later connection, if it may have changed: only a command's here; the one who holds the connection sees
    /// to tokens. It is waited for on a thread of its
    /// own, since a signal may end the program meanwhile; then the command ends too.
    pub async fn renewed(&self) -> Result<Option<Secret>, Failure> {
        let Some(PasswordSource::Command(command)) = &self.source else { return Ok(None) };
        let running = Running::start(command)?;
        let waiting = running.clone();
        let printed = tokio::task::spawn_blocking(move || waiting.password(COMMAND_LIMIT)).await;
        printed.map_err(|error| command_failed(&error.to_string()))?.map(Some)
    }
}

/// Why no token came.
pub fn not_granted(error: &OAuthError, grant: &Grant) -> Failure {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let finding = diagnose::oauth::not_granted(error, grant, since_1970.as_secs().cast_signed());
    let failure = Failure::new(Exit::FAILED, "there is no token to log in with").cause(&finding.what, finding.id);
    match finding.fix {
        Some(fix) => failure.hint(fix),
        None => failure,
    }
}

/// The first line of a file, without its end.
pub fn first_line_of(path: &Path) -> io::Result<Secret> {
    Secret::first_line(File::open(path)?, MAX_PASSWORD)
}

/// Runs the command by the shell; its first line of output is the password. A command that is not done by then is killed.
fn printed_by(command: &OsStr, limit: Duration) -> Result<Secret, Failure> {
    Running::start(command)?.password(limit)
}

fn command_failed(why: &str) -> Failure {
    Failure::new(Exit::FAILED, format!("the password command failed: {why}"))
}

/// A command that has been started. It is killed when one of those who share it has no use for it any more; what it has
/// started itself may live on, and nothing waits for it.
#[derive(Clone)]
struct Running(Arc<Mutex<Child>>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self.child();
        // It may have ended, which is what is wanted.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Running {
    fn start(command: &OsStr) -> Result<Self, Failure> {
        let spawned = process::shell(command).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let child = spawned.map_err(|error| command_failed(&reason(&error)))?;
        Ok(Self(Arc::new(Mutex::new(child))))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it prints, if it ends well and in time.
    fn password(&self, limit: Duration) -> Result<Secret, Failure> {
        let deadline = Instant::now() + limit;
        let pipe = self.child().stdout.take();
        let printed = first_line_by(pipe, deadline);
        let status = self.ended_by(deadline).map_err(|error| command_failed(&reason(&error)))?;
        let (Some(printed), Some(status)) = (printed, status) else {
            let hint = "a command that prints and ends, such as one that reads a token from a file, or --pw-file FILE";
            return Err(command_failed(&format!("it did not end within {} s", limit.as_secs_f64())).hint(hint));
        };
        if !status.success() {
            return Err(command_failed(&format!("it ended with {status}")));
        }
        printed.map_err(|error| command_failed(&reason(&error)))
    }

    /// How the child has ended, if it has in time. One that has closed its output is about to.
    fn ended_by(&self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            let status = self.child().try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            std::thread::sleep(ENDING);
        }
    }
}

/// The first line of a pipe, if it is closed in time. Read by another thread, because somebody may hold it open for ever.
fn first_line_by(pipe: Option<ChildStdout>, deadline: Instant) -> Option<io::Result<Secret>> {
    let Some(pipe) = pipe else { return Some(Ok(Secret::new(""))) };
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(Secret::first_line(pipe, MAX_PASSWORD)));
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_prints_the_password_or_its_failure_is_told() {
        let printed = |command: &str| printed_by(OsStr::new(command), COMMAND_LIMIT);
        assert_eq!(printed("printf 'top\\nsecond'").unwrap().expose(), b"top");
        let failure = printed("exit 3").unwrap_err();
        assert_eq!(failure.message.as_deref(), Some("the password command failed: it ended with exit status: 3"));
    }

    #[test]
    fn the_help_names_the_time_of_a_command() {
        use crate::cmd::connect::options::CLIENT_OPTIONS;
        let spec = CLIENT_OPTIONS.iter().find(|spec| spec.long == Some("pw-command")).unwrap();
        assert!(spec.help.contains(&format!("within {} seconds", COMMAND_LIMIT.as_secs())), "{}", spec.help);
    }

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        // Once silent, once with all said but not done, once with its output held open by another.
        for rest in ["exec sleep 1000", "echo secret; exec >&-; exec sleep 1000", "sleep 40 & echo secret; exit 0"] {
            let command = format!("echo $$ > {}; {rest}", pid.display());
            // On a busy machine the shell may not have begun within the shorter time.
            let written = ["0.3", "5"].into_iter().find_map(|limit| {
                let started = Instant::now();
                let time = Duration::from_secs_f64(limit.parse().unwrap());
                let failure = printed_by(OsStr::new(&command), time).unwrap_err();
                let message = format!("the password command failed: it did not end within {limit} s");
                assert_eq!(failure.message, Some(message), "{rest}");
                assert!(started.elapsed() < Duration::from_secs(30), "{rest}");
                std::fs::read_to_string(&pid).ok().filter(|written| written.ends_with('\n'))
            });
            let pid = rustix::process::Pid::from_raw(written.unwrap().trim().parse().unwrap()).unwrap();
            assert!(rustix::process::test_kill_process(pid).is_err(), "{rest}");
            std::fs::remove_file(folder.path().join("pid")).unwrap();
        }
    }
}

//! The command that `--exec` runs for a message: what it gets, and how it ends.

use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;
use tokio::time::timeout;

use crate::cmd::connect::data_args::CommandLine;
use crate::cmd::connect::environment::SECRETS;
use crate::mqtt::packet::Publish;
use crate::os::process;
use crate::record::write_properties;

/// Bytes of `MQTT_PROPERTIES`: a variable may have 128 KiB on Linux, and all together must leave room for others.
const MAXIMUM_PROPERTIES: usize = 32 * 1024;

/// How long a command that is over its time may take to heed SIGTERM.
const HEEDING: Duration = Duration::from_secs(2);

/// How a command has ended.
#[derive(Debug)]
pub enum End {
    Status(ExitStatus),
    /// It took longer than it may, and was ended.
    Late(Duration),
    /// Nobody knows.
    Lost(io::Error),
}

impl End {
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Status(status) if status.success())
    }
}

/// A command that has been started. Dropped, it is killed.
#[derive(Debug)]
pub struct Started {
    child: Child,
    /// Of the process, and of its group.
    pub id: Option<u32>,
}

/// Starts the command for a message.
pub fn start(line: &CommandLine, publish: &Publish) -> io::Result<Started> {
    let mut command = match line {
        CommandLine::Shell(line) => process::shell(line),
        CommandLine::Words(words) => {
            let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
    };
    for secret in SECRETS {
        command.env_remove(secret);
    }
    let mut properties = Vec::new();
    write_properties(&publish.properties, MAXIMUM_PROPERTIES, &mut properties);
    command
        .env("MQTT_TOPIC", &*publish.topic)
        .env("MQTT_QOS", (publish.qos as u8).to_string())
        .env("MQTT_RETAIN", if publish.retain { "1" } else { "0" })
        .env("MQTT_PROPERTIES", String::from_utf8_lossy(&properties).as_ref())
        .stdin(Stdio::piped());
    process::in_own_group(&mut command);
    let mut command = tokio::process::Command::from(command);
    let child = command.kill_on_drop(true).spawn()?;
    Ok(Started { id: child.id(), child })
}

/// The program, where one can tell: the shell is there.
pub fn program(line: &CommandLine) -> Option<&OsStr> {
    match line {
        CommandLine::Words(words) => words.first().map(AsRef::as_ref),
        CommandLine::Shell(_) => None,
    }
}

impl Started {
    /// Writes the payload, as far as it is read, and waits for the end: of the command, not of what it may have started and
    /// left behind.
    pub async fn end(mut self, payload: Bytes, limit: Option<Duration>) -> End {
        let stdin = self.child.stdin.take();
        let writing = async {
            if let Some(mut stdin) = stdin {
                // Whether to read it is the command's business.
                let _ = stdin.write_all(&payload).await;
            }
            pending().await
        };
        let ending = async {
            let Some(limit) = limit else { return self.child.wait().await.map_or_else(End::Lost, End::Status) };
            if let Ok(ended) = timeout(limit, self.child.wait()).await {
                return ended.map_or_else(End::Lost, End::Status);
            }
            for is_asked in [true, false] {
                self.id.into_iter().for_each(|id| process::end_group(id, is_asked));
                if timeout(HEEDING, self.child.wait()).await.is_ok() {
                    return End::Late(limit);
                }
            }
            // Where there are no groups.
            let _ = self.child.kill().await;
            End::Late(limit)
        };
        tokio::select! {
            end = ending => end,
            end = writing => end,
        }
    }
}

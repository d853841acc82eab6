//! The options of `moskit broker`: Mosquitto's, and those for tests and scripts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

/// Mosquitto takes as many `-p`.
const PORTS_MOST: usize = 10;

#[derive(Debug, Args)]
pub struct Options {
    /// Read this mosquitto.conf
    #[arg(short, long = "config-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Go to the background
    #[arg(short, long)]
    pub daemon: bool,
    /// Listen on this port of 127.0.0.1 and ::1 [default: 1883]; 0 chooses a free one. Up to 10 times;
    /// without effect when the configuration has a listener
    #[arg(short, long = "port", value_name = "PORT", action = ArgAction::Append)]
    pub ports: Vec<u16>,
    /// Log nothing
    #[arg(short, long)]
    pub quiet: bool,
    /// Log everything, whatever the configuration says
    #[arg(short, long)]
    pub verbose: bool,
    /// Read the configuration, say whether it is right, and end
    #[arg(long)]
    pub test_config: bool,

    /// Keep the state in this SQLite file, which is created if it is not there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "State")]
    pub store: Option<PathBuf>,
    /// What an acknowledged message survives: `normal` the end of the process, `full` a power failure too
    #[arg(long, value_name = "WHAT", value_parser = ["normal", "full"], help_heading = "State")]
    pub store_sync: Option<String>,
    /// Fill the empty state with what this mosquitto.db holds (any version), and end
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "export", help_heading = "State")]
    pub import: Option<PathBuf>,
    /// Write the state as a mosquitto.db, which Mosquitto 1.6 and later read, and end
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "State")]
    pub export: Option<PathBuf>,

    /// Run this shell command beside the broker with MQTT_HOST and MQTT_PORT set, then stop, with its exit code.
    /// The broker listens on a free port and logs warnings and errors only
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString, help_heading = "In tests and scripts")]
    pub run: Option<String>,
    /// The same for a program with its arguments, without a shell
    #[arg(last = true, value_name = "PROGRAM", conflicts_with = "run", help_heading = "In tests and scripts")]
    pub program: Vec<OsString>,
    /// Speak TLS, with certificates made for this run; MQTT_CAFILE and MQTT_URL tell the command
    #[arg(long, help_heading = "In tests and scripts")]
    pub tls: bool,
    /// Write the URL of the first listener into this file when the broker accepts connections
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "In tests and scripts")]
    pub ready_file: Option<PathBuf>,
    /// Print the URL of each listener on standard output when the broker accepts connections
    #[arg(long, help_heading = "In tests and scripts")]
    pub print_url: bool,
    /// Misbehave on purpose, to test clients; `help` lists how. May be repeated
    #[arg(long = "fault", value_name = "FAULT", action = ArgAction::Append, help_heading = "In tests and scripts")]
    pub faults: Vec<String>,
}

impl Options {
    /// What clap does not check. The text is Mosquitto's.
    pub fn check(&self) -> Result<(), String> {
        if self.ports.len() > PORTS_MOST {
            return Err("Error: Only 10 ports can be specified on the command line.\n".to_owned());
        }
        Ok(())
    }

    /// A command is run beside the broker.
    pub fn has_command(&self) -> bool {
        self.run.is_some() || !self.program.is_empty()
    }
}

/// The words of a command line that Mosquitto would refuse, in its own sentence. Under the name
/// `mosquitto` this comes before our own reading.
pub fn mosquitto_objection(words: &[OsString]) -> Option<String> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        match &*word {
            "-c" | "--config-file" => {
                if words.next().is_none() {
                    return Some("Error: -c argument given, but no config file specified.\n".to_owned());
                }
            }
            "-p" | "--port" => {
                let Some(port) = words.next() else {
                    return Some("Error: -p argument given, but no port specified.\n".to_owned());
                };
                if port.parse::<u16>().is_err() {
                    return Some(format!("Error: Invalid port specified ({port}).\n"));
                }
            }
            "-d" | "--daemon" | "-q" | "--quiet" | "-v" | "--verbose" | "--test-config" | "-h" | "--help" => {}
            // Our own options are taken as well.
            other if other.starts_with("--") => return None,
            other => return Some(format!("Error: Unknown option '{other}'.\n")),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objection(words: &[&str]) -> Option<String> {
        mosquitto_objection(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn mosquittos_words_are_refused_in_its_sentences() {
        assert_eq!(objection(&["-c", "f", "-p", "1883", "-v"]), None);
        assert_eq!(objection(&["-x"]).unwrap(), "Error: Unknown option '-x'.\n");
        assert_eq!(objection(&["-c"]).unwrap(), "Error: -c argument given, but no config file specified.\n");
        assert_eq!(objection(&["-p"]).unwrap(), "Error: -p argument given, but no port specified.\n");
        assert_eq!(objection(&["-p", "70000"]).unwrap(), "Error: Invalid port specified (70000).\n");
        assert_eq!(objection(&["--store", "x"]), None);
    }
}

//! The command line under the name `mosquitto`: its words in its order, with its sentences and exit codes.

use std::ffi::OsString;
use std::path::Path;

use super::options::PORTS_MOST;
use crate::broker::host::load;
use crate::broker::host::state::wall;
use crate::cmd::host::sentences;
use crate::term::{Exit, Failure};

/// What the broker calls itself: scripts look for the version.
pub const VERSION: &str = "mosquitto version 2.1.2";

/// What the text that Mosquitto shows for `--help` says.
const USAGE: &str = "\
Usage: mosquitto [-c config_file] [-d] [-p port]... [-q | -v] [--test-config] [--tls-keylog file]

 -c : the configuration file.
 -d : go to the background.
 -h : show this help.
 -p : listen on this port of 127.0.0.1 and ::1. Up to 10 times; not with a configured listener.
 -q : log nothing, whatever the configuration says.
 -v : log everything, whatever the configuration says.
 --test-config : read the configuration file, say whether it is right, and end.
 --tls-keylog : write the secrets of TLS sessions to this file, for a look at the traffic.

This is moskit standing in for mosquitto; `moskit broker --help` lists what else it can do.
";

/// How a line begins and ends that is written before the log is open.
pub fn stamped(line: &str) -> String {
    format!("{}: {line}\n", wall().since_epoch().as_secs())
}

/// How the words end the program.
pub struct Ended {
    /// What goes to standard output first.
    pub shown: Option<Text>,
    pub failure: Failure,
}

/// Mosquitto's own texts.
#[derive(Clone, Copy)]
pub enum Text {
    Usage,
    Version,
}

impl Text {
    pub fn text(self) -> String {
        match self {
            Self::Usage => usage(),
            Self::Version => version(),
        }
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self { shown: None, failure }
    }
}

/// Reads the words as Mosquitto does, left to right, configuration files at their place. The first that ends the
/// program ends it here: with its text, or with what it objects to. Our own long options are left to our own reader.
pub fn read(words: &[OsString]) -> Result<(), Ended> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let mut ports = 0;
    while let Some(word) = words.next() {
        match &*word {
            "-c" | "--config-file" => {
                let Some(file) = words.next() else {
                    return Err(objection("Error: -c argument given, but no config file specified.").into());
                };
                load::configuration(Path::new(&*file), load::Files::All)
                    .map_err(|error| stamp(sentences::load(&error)))?;
            }
            "-p" | "--port" => {
                let Some(port) = words.next() else {
                    return Err(objection("Error: -p argument given, but no port specified.").into());
                };
                if port.parse::<u16>().ok().is_none_or(|port| port == 0) {
                    return Err(objection(&format!("Error: Invalid port specified ({port}).")).into());
                }
                ports += 1;
                if ports > PORTS_MOST {
                    return Err(objection("Error: Only 10 ports can be specified on the command line.").into());
                }
            }
            "--tls-keylog" => {
                if words.next().is_none() {
                    return Err(objection("Error: --tls-keylog argument given, but no file specified.").into());
                }
            }
            "-h" | "--help" => {
                return Err(Ended { shown: Some(Text::Usage), failure: Failure::silent(Exit::OK) });
            }
            "--version" => {
                return Err(Ended { shown: Some(Text::Version), failure: Failure::silent(Exit::OK) });
            }
            "-d" | "--daemon" | "-q" | "--quiet" | "-v" | "--verbose" | "--test-config" => {}
            other if is_ours(other) => return Ok(()),
            other => {
                let failure = Failure::verbatim(Exit::USAGE, format!("Error: Unknown option '{other}'.\n"));
                return Err(Ended { shown: Some(Text::Usage), failure });
            }
        }
    }
    Ok(())
}

/// Long options that Mosquitto does not have. It takes no value behind `=`.
fn is_ours(word: &str) -> bool {
    const THEIRS: [&str; 8] =
        ["config-file", "daemon", "help", "port", "quiet", "test-config", "tls-keylog", "verbose"];
    word.strip_prefix("--").is_some_and(|long| {
        let name = long.split_once('=').map_or(long, |(name, _)| name);
        !name.is_empty() && !THEIRS.contains(&name)
    })
}

fn usage() -> String {
    format!("{VERSION}\n\n{}\n{USAGE}", about())
}

fn version() -> String {
    format!("mosquitto 2.1.2\n\n{}", about())
}

fn about() -> String {
    format!("An MQTT v5.0/v3.1.1/v3.1 broker, played by moskit {}.\n", env!("CARGO_PKG_VERSION"))
}

/// Ends the program with a line as in a log.
pub fn objection(line: &str) -> Failure {
    Failure::verbatim(Exit::USAGE, stamped(line))
}

/// Puts the time before each line.
pub fn stamp(failure: Failure) -> Failure {
    Failure { verbatim: failure.verbatim.lines().map(stamped).collect(), ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objection(words: &[&str]) -> Option<String> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        let text = read(&words).err()?.failure.verbatim;
        // Without the time.
        Some(
            text.split_once(": ")
                .filter(|(time, _)| time.parse::<u64>().is_ok())
                .map_or(text.clone(), |(_, rest)| rest.to_owned()),
        )
    }

    #[test]
    fn words_are_refused_in_mosquittos_sentences() {
        assert_eq!(objection(&["-p", "1883", "-v", "-v"]), None);
        for word in ["-x", "--", "--port=1", "word", ""] {
            assert_eq!(objection(&["-v", word]).unwrap(), format!("Error: Unknown option '{word}'.\n"));
        }
        assert_eq!(objection(&["-c"]).unwrap(), "Error: -c argument given, but no config file specified.\n");
        assert_eq!(objection(&["-p"]).unwrap(), "Error: -p argument given, but no port specified.\n");
        for port in ["0", "70000", "x", "-1"] {
            assert_eq!(objection(&["-p", port]).unwrap(), format!("Error: Invalid port specified ({port}).\n"));
        }
        assert_eq!(
            objection(&["-p", "1"].repeat(11)).unwrap(),
            "Error: Only 10 ports can be specified on the command line.\n"
        );
        assert_eq!(objection(&["--store", "x"]), None);
    }

    #[test]
    fn a_configuration_file_is_read_at_its_place() {
        assert_eq!(
            objection(&["-c", "no such file", "-x"]).unwrap(),
            "Error: Unable to open config file 'no such file'.\n"
        );
        assert!(objection(&["-x", "-c", "no such file"]).unwrap().starts_with("Error: Unknown option '-x'."));
    }
}

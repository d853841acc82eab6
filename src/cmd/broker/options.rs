//! The options of `moskit broker`: Mosquitto's, and those for tests and scripts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::StringValueParser;
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};

use crate::broker::config::Sync;
use crate::broker::fault;
use crate::cmd::applet::{Suggested, words_of};
use crate::cmd::number::whole;
use crate::term::{Exit, Failure};

/// In place of a fault: what there are.
const HELP: &str = "help";

/// Mosquitto takes as many `-p`.
pub const PORTS_MOST: usize = 10;

#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct Options {
    /// Read this mosquitto.conf
    #[arg(short, long = "config-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Go to the background
    #[arg(short, long)]
    pub daemon: bool,
    /// Listen on this port of 127.0.0.1 and ::1 [default: 1883]; 0 chooses a free one. Up to 10 times;
    /// without effect when the configuration has a listener
    #[arg(short, long = "port", value_name = "PORT", action = ArgAction::Append, value_parser = whole(0..=u16::MAX))]
    pub ports: Vec<u16>,
    /// Log nothing
    #[arg(short, long)]
    pub quiet: bool,
    /// Log everything, whatever the configuration says
    #[arg(short, long)]
    pub verbose: bool,
    /// Read the configuration and the files it names, say whether the broker would start, and exit.
    /// `moskit check --config` finds more: what starts and does not do what was meant
    #[arg(long)]
    pub test_config: bool,
    /// Append the secrets of TLS sessions to this file of yours alone, for Wireshark
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_keylog: Option<PathBuf>,

    /// Keep the state in this SQLite file, which is created if it is not there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "State")]
    pub store: Option<PathBuf>,
    /// What an acknowledged message survives: `normal` the end of the process, `full` a power failure too [default: what
    /// plugin_opt_sync of the configuration says, else normal]
    #[arg(long, value_name = "WHAT", value_parser = words_of([("normal", Sync::Normal), ("full", Sync::Full)]),
        help_heading = "State")]
    pub store_sync: Option<Sync>,
    /// Fill the empty state with what this mosquitto.db holds (any version), and exit
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "export", help_heading = "State")]
    pub import: Option<PathBuf>,
    /// Write the state as a mosquitto.db, which Mosquitto 1.6 and later read, and exit. A file that exists is
    /// replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "State")]
    pub export: Option<PathBuf>,

    /// Run this shell command beside the broker with MQTT_HOST and MQTT_PORT set, then stop, with its exit code.
    /// Without -c and -p the broker listens on a free port; without -c and -v it logs warnings and errors only
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString, help_heading = "In tests and scripts")]
    pub run: Option<String>,
    /// The same for a program with its arguments, without a shell
    #[arg(last = true, value_name = "PROGRAM", conflicts_with = "run", help_heading = "In tests and scripts")]
    pub program: Vec<OsString>,
    /// Speak TLS, with certificates made for this run; MQTT_CAFILE and MQTT_URL tell the command
    #[arg(long, help_heading = "In tests and scripts")]
    pub tls: bool,
    /// Ask for a login that is made for this run; MQTT_USERNAME, MQTT_PASSWORD and MQTT_URL tell the command
    #[arg(long, help_heading = "In tests and scripts")]
    pub login: bool,
    /// Write the URL of the first listener into this file when the broker accepts connections
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "In tests and scripts")]
    pub ready_file: Option<PathBuf>,
    /// Print the URL of each listener on standard output when the broker accepts connections
    #[arg(long, help_heading = "In tests and scripts")]
    pub print_url: bool,
    /// Misbehave on purpose, to test clients; `help` lists how. May be repeated
    #[arg(long = "fault", value_name = "FAULT", action = ArgAction::Append, help_heading = "In tests and scripts",
        value_parser = fault(), hide_possible_values = true)]
    pub faults: Vec<String>,
    /// `help` is one of the faults.
    #[arg(skip)]
    pub lists_faults: bool,
}

fn fault() -> Suggested<StringValueParser> {
    let mut forms = fault::beginnings();
    forms.push(HELP);
    Suggested::new(forms, StringValueParser::new())
}

pub fn command() -> Command {
    Options::augment_args(Command::new("broker"))
}

/// What was asked for.
pub fn read(matches: &ArgMatches) -> Result<Options, Failure> {
    let mut options = Options::from_arg_matches(matches)
        .map_err(|error| Failure::verbatim(Exit::USAGE, error.render().to_string()))?;
    options.lists_faults = options.faults.iter().any(|fault| fault == HELP);
    if options.ports.len() > PORTS_MOST {
        // Mosquitto's text.
        let text = "Error: Only 10 ports can be specified on the command line.\n";
        return Err(Failure::verbatim(Exit::USAGE, text));
    }
    Ok(options)
}

impl Options {
    /// A command is run beside the broker.
    pub fn has_command(&self) -> bool {
        self.run.is_some() || !self.program.is_empty()
    }
}

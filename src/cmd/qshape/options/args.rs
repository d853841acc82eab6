//! The words of `moskit qshape` as typed.

use std::path::PathBuf;

use clap::builder::StringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cmd::applet::Suggested;
use crate::cmd::connect::api::ApiArgs;
use crate::cmd::connect::reach::{BrokerOptions, SourceOptions};
use crate::cmd::number::{seconds, whole};

/// A day between two looks is not watching any more.
pub const MAX_WATCH_SECONDS: f64 = 86_400.0;

/// Of what a process id is a number of: a larger one is none, and 0 would be this process's whole group.
const PID_MOST: u32 = i32::MAX.unsigned_abs();

/// Shows who has messages waiting, and since when: a table of clients by age.
#[derive(Debug, Parser)]
#[command(
    name = "qshape",
    override_usage = "moskit qshape [OPTIONS] [SOURCE]...\n       \
        moskit qshape list|explain|purge [OPTIONS] CLIENT [SOURCE]...",
    disable_help_subcommand = true,
    subcommand_help_heading = "Actions"
)]
pub struct QshapeArgs {
    #[command(subcommand)]
    pub verb: Option<Verb>,

    #[command(flatten)]
    pub rows: RowArgs,
    #[command(flatten)]
    pub columns: ColumnArgs,
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub live: LiveArgs,
    #[command(flatten)]
    pub from: SourceArgs,
}

/// Where messages are looked for, and how it is told since when they wait.
#[derive(Debug, Args)]
pub struct SourceArgs {
    #[command(flatten)]
    pub time: TimeArgs,
    #[command(flatten)]
    pub api: ApiArgs,
    #[command(flatten)]
    pub reach: SourceOptions,

    /// Where to look; several are counted together. Without any, Mosquitto's files in /var/lib/mosquitto.
    ///
    /// A mosquitto.db (versions 2 to 6), a mosquitto.sqlite3 (of Mosquitto's persist-sqlite or of moskit
    /// broker), a file of NDJSON, `-` for NDJSON on standard input, or the API of a broker:
    /// emqx+http://HOST:18083, rabbitmq+http://HOST:15672/VHOST, vernemq+http://HOST:8888,
    /// hivemq+http://HOST:8888, rmqtt+http://HOST:6060 (each also with https). Those of EMQX, VerneMQ
    /// and HiveMQ are experimental: they were tried on recorded answers, not on real servers.
    /// mqtt://HOST gives the totals under $SYS, also as mqtts, ws, wss, or unix:///PATH; a broker counts them anew
    /// every sys_interval seconds, 10 unless configured, so they may be that old.
    #[arg(value_name = "SOURCE", value_hint = clap::ValueHint::FilePath, help_heading = None::<&str>)]
    pub sources: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show one client's waiting messages
    List(ListArgs),
    /// Say in words what the shape of one client's queue means and what to do
    Explain(ExplainArgs),
    /// Remove one client's session, and all that waits for it, over MQTT
    Purge(PurgeArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// The client id
    #[arg(value_name = "CLIENT")]
    pub client: String,
    /// Show payloads too, as text with control characters escaped
    #[arg(long)]
    pub payload: bool,
    /// Show at most N messages; 0 for all
    #[arg(short = 'n', value_name = "N", default_value_t = 0, value_parser = whole(0..=usize::MAX))]
    pub limit: usize,
    /// Print JSON, one message a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub quiet: QuietArgs,
    #[command(flatten)]
    pub from: SourceArgs,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The client id
    #[arg(value_name = "CLIENT")]
    pub client: String,
    #[command(flatten)]
    pub quiet: QuietArgs,
    #[command(flatten)]
    pub from: SourceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The client a message waits for
    Client,
    /// Its topic
    Topic,
    /// The client's filter that brought it
    Filter,
    /// The client that published it
    Publisher,
    /// The user name of the client's session
    User,
    /// The QoS it will be sent with
    Qos,
    /// The client and the topic
    #[value(name = "client,topic")]
    ClientTopic,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Rows")]
pub struct RowArgs {
    /// What a row is
    #[arg(long, value_name = "WHAT", value_enum, default_value = "client")]
    pub by: By,
    /// Rows are publishers: --by publisher
    #[arg(short = 's', conflicts_with = "by")]
    pub publishers: bool,
    /// Also rows for parents: topics by their levels, clients up to a separator
    #[arg(short = 'p')]
    pub parents: bool,
    /// A parent needs N different names directly below it. 0 or less means the default
    #[arg(short = 'm', value_name = "N", default_value = "5", allow_hyphen_values = true)]
    pub children: String,
    /// Parents are suffixes of labels joined by dots, as in Postfix
    #[arg(long)]
    pub suffix: bool,
    /// Parents of at most N levels
    #[arg(long, value_name = "N", value_parser = whole(0..=usize::MAX))]
    pub depth: Option<usize>,
    /// Characters that separate the levels of client ids
    #[arg(long, value_name = "CHARS", default_value = ":-_/.")]
    pub sep: String,
    /// Count rows of one name together: what the first group of this regular expression matches
    #[arg(long, value_name = "REGEX")]
    pub group: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
pub struct ColumnArgs {
    /// Number of age columns, at most 1000; the last has no end. 0 or less means the default
    #[arg(short = 'b', value_name = "N", default_value = "10", allow_hyphen_values = true)]
    pub buckets: String,
    /// Minutes of the first column. 0 or less means the default
    #[arg(short = 't', value_name = "MINUTES", default_value = "5", allow_hyphen_values = true)]
    pub first: String,
    /// Columns of equal width instead of doubling ones
    #[arg(short = 'l')]
    pub linear: bool,
    /// A column of messages in flight: sent and not acknowledged
    #[arg(short = 'F')]
    pub in_flight: bool,
    /// Count payload bytes instead of messages
    #[arg(long)]
    pub bytes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StateArg {
    All,
    Queued,
    Inflight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExpiredArg {
    Show,
    Hide,
    Only,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Which messages")]
pub struct SelectionArgs {
    /// Only clients like GLOB (`*` any text, `?` any character)
    #[arg(long = "client", value_name = "GLOB")]
    pub client_glob: Option<String>,
    /// Only topics that match FILTER
    #[arg(long, value_name = "FILTER")]
    pub topic: Option<String>,
    /// Only these QoS levels
    #[arg(long, value_name = "0,1,2", value_delimiter = ',', value_parser = whole(0..=2_u8))]
    pub qos: Vec<u8>,
    /// Only messages in this state
    #[arg(long, value_name = "STATE", value_enum, default_value = "all")]
    pub state: StateArg,
    /// What to do with messages that have expired and will never be delivered
    #[arg(long, value_name = "HOW", value_enum, default_value = "show")]
    pub expired: ExpiredArg,
    /// Only messages at least this old (90s, 30m, 2h, 3d, 1w)
    #[arg(long, value_name = "AGE")]
    pub older: Option<String>,
    /// Count what clients published with QoS 2 and have not released, instead of what waits for them
    #[arg(long)]
    pub incoming: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Show N rows, TOTAL included; 0 for all [default: 20 on a terminal, else 0]
    #[arg(short = 'n', value_name = "N", value_parser = whole(0..=usize::MAX))]
    pub limit: Option<usize>,
    /// Only rows of at least N
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub min: u64,
    /// Width of the table in columns [default: the terminal's, else 80]
    #[arg(short = 'w', value_name = "N", value_parser = whole(0..=usize::MAX))]
    pub width: Option<usize>,
    /// Print JSON
    #[arg(long, group = "format")]
    pub json: bool,
    /// Print CSV
    #[arg(long, group = "format")]
    pub csv: bool,
    /// Print OpenMetrics text
    #[arg(long, group = "format")]
    pub openmetrics: bool,
    /// Write the table as a picture; - for standard output, in place of the table
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub svg: Option<PathBuf>,
    /// Write the table as an HTML page that needs no other file; - for standard output, in place of the table
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub quiet: QuietArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Monitoring")]
pub struct LiveArgs {
    /// Read and show again every SECONDS (0.1 to 86400), in place on a terminal
    #[arg(long, value_name = "SECONDS", value_parser = seconds(0.1..=MAX_WATCH_SECONDS))]
    pub watch: Option<f64>,
    /// End with 1 if more than N messages are older than AGE (90s, 30m, 2h, 3d, 1w)
    #[arg(long, value_name = "AGE=N")]
    pub fail_over: Option<String>,
    /// Ask the running mosquitto to write its file first (SIGUSR1), and wait for it; with --watch each time
    #[arg(long)]
    pub refresh: bool,
    /// The process to ask [default: the only mosquitto that runs]
    #[arg(long, value_name = "PID", requires = "refresh", value_parser = whole(1..=PID_MOST))]
    pub pid: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub struct TimeArgs {
    /// Ages are counted at TIME: RFC 3339, Unix seconds, or `mtime` for the file's last change [default: now]
    #[arg(long, value_name = "TIME", value_parser = Suggested::new(["now", "mtime"], StringValueParser::new()), hide_possible_values = true)]
    pub at: Option<String>,
    /// For brokers that only count messages (Mosquitto 2.0 and older): keep the time and counter of each
    /// look in FILE, and date messages by it
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ledger: Option<PathBuf>,
    /// Where a message's time comes from: store, expiry:SECONDS (expiry less the interval that publishers
    /// set), payload:/POINTER (into JSON) or prop:NAME (a user property)
    #[arg(long, value_name = "FROM", default_value = "store", hide_possible_values = true,
        value_parser = Suggested::new(["store", "expiry:", "payload:", "prop:"], StringValueParser::new()))]
    pub age_from: String,
}

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct PurgeArgs {
    /// The client id whose session ends
    #[arg(value_name = "CLIENT")]
    pub client: String,
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; needed when there is no terminal to ask on
    #[arg(long)]
    pub yes: bool,
    /// Also if no source shows the client as disconnected: one that is online loses its connection
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub broker: BrokerOptions,
    #[command(flatten)]
    pub api: ApiArgs,
    #[command(flatten)]
    pub quiet: QuietArgs,
    /// Show this help
    #[arg(long, action = clap::ArgAction::Help)]
    pub help: Option<bool>,
    /// Where to look first, as for the table. Without any, Mosquitto's files where the broker is this machine's; of
    /// another broker nothing is known before, so --force is needed
    #[arg(value_name = "SOURCE", value_hint = clap::ValueHint::FilePath, help_heading = None::<&str>)]
    pub sources: Vec<String>,
}

/// No more than was asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct QuietArgs {
    /// No footer and no warnings on standard error, but those of damage
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

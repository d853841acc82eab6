//! The options of check, and what they ask for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint, value_parser};

use super::monitor::{self, Bounds};
use crate::cmd::applet::words_of;
use crate::cmd::connect::api::ApiArgs;
use crate::cmd::connect::arg_error::ArgError;
use crate::cmd::connect::args::{ClientArgs, Port};
use crate::cmd::connect::options::{CONNECT, add_options, take_matches};
use crate::cmd::connect::reach::SourceOptions;
use crate::cmd::connect::values;
use crate::cmd::number::seconds;
use crate::examine::acl::Question;
use crate::examine::config::{
    self,
    places::{Map, Places},
};
use crate::examine::files::{Files, Issuers};
use crate::examine::preset::Preset;
use crate::mqtt::topic::TopicName;
use crate::net::authority::HostAndPort;
use crate::pki::chain::Purpose;
use crate::term::{Exit, Failure};

/// What to check.
#[derive(Debug)]
pub enum Request {
    Files { files: Files, user: Option<String> },
    Config(config::Question),
    Acl { path: PathBuf, question: Question },
    Session(Box<Session>),
    Connect(Box<Connection>),
}

/// Whose session, and where the broker's state is.
#[derive(Debug)]
pub struct Session {
    pub id: String,
    /// A file, or the URL of a broker's API.
    pub source: Option<OsString>,
    pub api: ApiArgs,
    pub reach: SourceOptions,
}

/// What a check by connection was asked for beside the options of pub and sub.
#[derive(Debug)]
pub struct Connection {
    pub args: ClientArgs,
    /// The topic below which may be published, without wildcards.
    pub topic: Option<String>,
    pub as_client: bool,
    pub trust_anyway: bool,
    pub second_opinion: bool,
    /// Send a token that is of no use all the same.
    pub token_anyway: bool,
    pub audience: Option<String>,
    /// The service whose wishes the options are compared with.
    pub preset: Option<Preset>,
    /// Judge the options, and connect to nobody.
    pub offline: bool,
    pub time_limit: Duration,
}

/// Seconds that each step may take, unless the user says.
const TIME_LIMIT: f32 = 5.0;

/// How to say it.
#[derive(Debug)]
pub enum Output {
    Text,
    Json,
    Monitor { warn: Bounds, critical: Bounds },
}

pub fn command() -> Command {
    const HEADING: &str = "Check";
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help_heading(HEADING).help(help)
    };
    let command = Command::new("check")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(true)
        .subcommand_value_name("WHAT")
        .subcommand_help_heading("Without a connection")
        .arg(
            Arg::new("broker")
                .value_name("HOST[:PORT]|URL")
                .conflicts_with_all(["host", "url", "unix", "config"])
                .value_hint(ValueHint::Hostname)
                .help("Broker to check, in place of -h and -p or of -L"),
        )
        .arg(flag(
            "second-opinion",
            "Repeat CONNECT, SUBSCRIBE and PUBLISH with another MQTT client (rumqttc) and compare",
        ))
        .arg(
            flag(
                "as-client",
                "Connect with the id of -i too: this disconnects a client that uses it, and may change its session",
            )
            .requires("id"),
        )
        .arg(flag("trust-anyway", "Send login and client certificate even if the server's certificate failed"))
        .arg(flag("token-anyway", "Send a token (JWT) that is the password even if it has expired or is otherwise of no use"))
        .arg(
            Arg::new("token-audience")
                .long("token-audience")
                .value_name("AUDIENCE")
                .help_heading(HEADING)
                .help("Audience that the token has to be for (aud)"),
        )
        .arg(
            Arg::new("preset")
                .long("preset")
                .value_name("SERVICE")
                .value_parser(words_of(Preset::ALL))
                .conflicts_with("config")
                .help_heading(HEADING)
                .help("What this service wants, and what of it is missing in the options; without a broker they alone are judged"),
        )
        .arg(
            flag("offline", "With --preset: judge the options alone, and connect to nobody")
                .requires("preset")
                .conflicts_with_all(["second-opinion", "as-client", "trust-anyway", "token-anyway"]),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .value_parser(seconds(0.1..=3600.0_f32))
                .help_heading(HEADING)
                .help("Longest time for each step, 0.1 to 3600 [default: 5]"),
        )
        .arg(
            path_arg("config", "FILE", "Check this mosquitto.conf and the files it names")
                .help_heading(HEADING)
                .conflicts_with_all(["broker", "host", "url", "unix"]),
        )
        .args(place_args().map(|arg| arg.help_heading(HEADING)))
        .arg(
            user_arg("User that the broker of --config runs as: a name or UID[:GID] [default: the configuration's, or mosquitto]")
                .help_heading(HEADING)
                .requires("config"),
        )
        .subcommand(files_command())
        .subcommand(acl_command())
        .subcommand(session_command());
    let command =
        NOT_HERE.iter().fold(add_options(command, CONNECT), |command, id| command.mut_arg(*id, |arg| arg.hide(true)));
    output_args(command)
}

/// Options of pub and sub that would change nothing here: packets and ids are the check's own.
const NOT_HERE: [&str; 3] = ["debug", "property", "id-prefix"];

fn output_args(command: Command) -> Command {
    const HEADING: &str = "Output";
    command
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help_heading(HEADING).help("Print the report as JSON"))
        .arg(
            Arg::new("monitor")
                .long("monitor")
                .action(ArgAction::SetTrue)
                .conflicts_with("json")
                .help_heading(HEADING)
                .help("Print one line and end with 0 (OK), 1 (warning), 2 (critical) or 3 (unknown), as monitoring systems want it"),
        )
        .arg(bounds_arg("warn", "With --monitor: bounds of a warning: days left of the certificate (30d, 2w), round-trip time (200ms, 1.5s), or both (30d,200ms) [default: 30d]"))
        .arg(bounds_arg("crit", "With --monitor: bounds of critical, as for --warn, and not crossed before them [default: 7d]"))
        .arg(Arg::new("help").long("help").action(ArgAction::Help).help_heading(HEADING).help("Show this help"))
}

fn bounds_arg(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("BOUNDS")
        .requires("monitor")
        .value_parser(Bounds::parse)
        .help_heading("Output")
        .help(help)
}

fn path_arg(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    let hint = if value == "DIR" { ValueHint::DirPath } else { ValueHint::FilePath };
    Arg::new(name).long(name).value_name(value).value_hint(hint).value_parser(value_parser!(PathBuf)).help(help)
}

fn user_arg(help: &'static str) -> Arg {
    Arg::new("user").long("user").value_name("USER").value_hint(ValueHint::Username).help(help)
}

/// Where the files of a configuration are that is another system's.
fn place_args() -> [Arg; 2] {
    [
        path_arg("root", "DIR", "Folder that is the root of the configuration's paths, as an unpacked container")
            .requires("config"),
        Arg::new("map")
            .long("map")
            .value_name("FROM=DIR")
            .value_hint(ValueHint::AnyPath)
            .value_parser(Map::parse)
            .action(ArgAction::Append)
            .requires("config")
            .help("Folder DIR stands for FROM in the configuration's paths, as a container's volume; repeatable"),
    ]
}

fn files_command() -> Command {
    let command = Command::new("files")
        .about("Certificates, keys and revocation lists on disk")
        .disable_help_flag(true)
        .arg_required_else_help(true)
        .arg(path_arg("cafile", "FILE", "CA certificates, PEM"))
        .arg(path_arg("capath", "DIR", "Folder of CA certificates under hashed names"))
        .arg(path_arg("cert", "FILE", "Certificate chain to check, PEM"))
        .arg(path_arg("key", "FILE", "Private key of the certificate, PEM"))
        .arg(path_arg("crl", "FILE", "Revocation list, PEM"))
        .arg(Arg::new("host").long("host").value_name("HOST").help("Name that clients connect to"))
        .arg(
            Arg::new("purpose")
                .long("purpose")
                .value_name("PURPOSE")
                .value_parser(words_of([("server", Purpose::Server), ("client", Purpose::Client)]))
                .help("What the certificate is for [default: what it says itself, else server]"),
        )
        .arg(
            path_arg("config", "FILE", "Check this mosquitto.conf and the files it names")
                .conflicts_with_all(["cafile", "capath", "cert", "key", "crl", "host"]),
        )
        .args(place_args())
        .arg(user_arg("User that must be able to read the files"));
    output_args(command)
}

fn acl_command() -> Command {
    let command = Command::new("acl")
        .about("What an ACL file decides, and by which line")
        .disable_help_flag(true)
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_hint(ValueHint::FilePath)
                .value_parser(value_parser!(PathBuf))
                .help("ACL file"),
        )
        .arg(
            Arg::new("user")
                .long("user")
                .short('u')
                .value_name("USER")
                .help("User name [default: an anonymous client]"),
        )
        .arg(Arg::new("client").long("client").short('i').value_name("ID").default_value("client").help("Client id"))
        .arg(
            Arg::new("topic")
                .long("topic")
                .short('t')
                .value_name("TOPIC")
                .required(true)
                .help("Topic, without wildcards"),
        )
        .arg(
            Arg::new("access")
                .long("access")
                .value_name("WHAT")
                .value_parser(words_of([("publish", Wish::Publish), ("receive", Wish::Receive), ("both", Wish::Both)]))
                .default_value("both")
                .help("What the client wants"),
        );
    output_args(command)
}

fn session_command() -> Command {
    let command = Command::new("session")
        .about("Why a broker stores messages for a client, or does not")
        .disable_help_flag(true)
        .arg(Arg::new("id").long("id").short('i').value_name("ID").required(true).help("Client id"))
        .arg(
            Arg::new("source")
                .value_name("SOURCE")
                .value_hint(ValueHint::FilePath)
                .value_parser(value_parser!(OsString))
                .help("The broker's state: a mosquitto.db, the SQLite file of persist-sqlite or moskit, a folder with one of them, or an API that qshape asks, as emqx+http://HOST:PORT [default: /var/lib/mosquitto]"),
        );
    output_args(SourceOptions::augment_args(ApiArgs::augment_args(command)))
}

/// What was typed, made valid.
pub fn read(matches: &ArgMatches) -> Result<(Request, Output), Failure> {
    match matches.subcommand() {
        Some(("files", files)) => Ok((files_request(files), output(files)?)),
        Some(("session", session)) => {
            let unread = |error: clap::Error| Failure::new(Exit::USAGE, error.to_string());
            let request = Session {
                id: text(session, "id").unwrap_or_default(),
                source: session.get_one::<OsString>("source").cloned(),
                api: ApiArgs::from_arg_matches(session).map_err(unread)?,
                reach: SourceOptions::from_arg_matches(session).map_err(unread)?,
            };
            Ok((Request::Session(Box::new(request)), output(session)?))
        }
        Some(("acl", acl)) => Ok((acl_request(acl)?, output(acl)?)),
        _ => {
            match (path(matches, "config"), of_config_only(matches)) {
                (Some(path), _) => Ok((config_request(path, matches), output(matches)?)),
                (None, Some(option)) => Err(Failure::new(Exit::USAGE, format!("--{option} belongs to --config FILE"))
                    .hint("moskit check --help")),
                (None, None) => Ok((Request::Connect(Box::new(connection(matches)?)), output(matches)?)),
            }
        }
    }
}

/// An option of --config that was given without it. clap lets it pass where a broker is named, which --config excludes.
fn of_config_only(matches: &ArgMatches) -> Option<&'static str> {
    ["root", "map", "user"].into_iter().find(|option| matches.contains_id(option))
}

fn output(matches: &ArgMatches) -> Result<Output, Failure> {
    let bounds = |name, default| matches.get_one::<Bounds>(name).copied().unwrap_or_default().or(default);
    if matches.get_flag("json") {
        return Ok(Output::Json);
    }
    if !matches.get_flag("monitor") {
        return Ok(Output::Text);
    }
    let (warn, critical) = (bounds("warn", monitor::WARN), bounds("crit", monitor::CRITICAL));
    if !warn.is_crossed_before(critical) {
        return Err(Failure::new(Exit::USAGE, "--crit is crossed before --warn, which would never warn")
            .hint("--warn 30d,200ms --crit 7d,1s"));
    }
    Ok(Output::Monitor { warn, critical })
}

fn path(matches: &ArgMatches, name: &str) -> Option<PathBuf> {
    matches.get_one::<PathBuf>(name).cloned()
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

fn config_request(file: PathBuf, matches: &ArgMatches) -> Request {
    let maps = matches.get_many::<Map>("map").into_iter().flatten().cloned().collect();
    let places = Places { root: path(matches, "root"), maps, is_container: false };
    Request::Config(config::Question { path: file, user: text(matches, "user"), places })
}

fn files_request(matches: &ArgMatches) -> Request {
    if let Some(path) = path(matches, "config") {
        return config_request(path, matches);
    }
    let user = text(matches, "user");
    let files = Files {
        cafile: path(matches, "cafile"),
        capath: path(matches, "capath"),
        certificate: path(matches, "cert"),
        key: path(matches, "key"),
        revocation: path(matches, "crl"),
        host: text(matches, "host"),
        purpose: matches.get_one::<Purpose>("purpose").copied(),
        issuer_is_elsewhere: false,
        issuers: Issuers::default(),
        key_can_be_opened: false,
    };
    Request::Files { files, user }
}

/// The options of pub and sub among the others, read by their own reader.
fn connection(matches: &ArgMatches) -> Result<Connection, Failure> {
    let typed = |id: &&&str| matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    if let Some(id) = NOT_HERE.iter().find(typed) {
        return Err(Failure::new(
            Exit::USAGE,
            format!("check takes no --{id}: its packets and its client id are its own"),
        )
        .hint("moskit check --help"));
    }
    let refused = |error: ArgError| Failure { exit: Exit::USAGE, ..error.into_failure("moskit check") };
    let mut args = ClientArgs::default();
    if let Some(broker) = matches.get_one::<String>("broker") {
        take_broker(&mut args, broker).map_err(refused)?;
    }
    take_matches(&mut args, matches, CONNECT).map_err(refused)?;
    args.take_environment(|name| std::env::var_os(name)).map_err(refused)?;
    let from_url = args.topic.as_ref().map(|topic| str::to_owned(topic));
    Ok(Connection {
        topic: args.base_topic.clone().or(from_url),
        args,
        as_client: matches.get_flag("as-client"),
        trust_anyway: matches.get_flag("trust-anyway"),
        second_opinion: matches.get_flag("second-opinion"),
        token_anyway: matches.get_flag("token-anyway"),
        audience: matches.get_one::<String>("token-audience").cloned(),
        preset: matches.get_one::<Preset>("preset").copied(),
        offline: matches.get_flag("offline"),
        time_limit: Duration::from_secs_f32(matches.get_one::<f32>("timeout").copied().unwrap_or(TIME_LIMIT)),
    })
}

/// Takes `HOST`, `HOST:PORT`, `[ADDRESS]:PORT` or an URL.
fn take_broker(args: &mut ClientArgs, broker: &str) -> Result<(), ArgError> {
    if broker.contains("://") {
        return values::set_url(args, &[broker.into()]);
    }
    let place = HostAndPort::parse(broker).map_err(|error| {
        let failure = Failure::new(Exit::USAGE, format!("`{broker}` names no broker: {error}"));
        ArgError::Ended(Box::new(failure.hint("moskit check HOST, HOST:PORT, [ADDRESS]:PORT or URL")))
    })?;
    args.host = Some(place.host.into());
    args.port = place.port.map(Port::from);
    Ok(())
}

/// What the client of an ACL file wants.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Publish,
    Receive,
    Both,
}

fn acl_request(matches: &ArgMatches) -> Result<Request, Failure> {
    let topic = text(matches, "topic").unwrap_or_default();
    if TopicName::check(&topic).is_err() {
        return Err(
            Failure::new(Exit::USAGE, format!("`{topic}` is no topic")).hint("give one topic without `+` and `#`")
        );
    }
    let wish = matches.get_one::<Wish>("access").copied().unwrap_or(Wish::Both);
    let question = Question {
        user: text(matches, "user"),
        client: text(matches, "client").unwrap_or_default(),
        topic,
        publish: matches!(wish, Wish::Publish | Wish::Both),
        receive: matches!(wish, Wish::Receive | Wish::Both),
    };
    Ok(Request::Acl { path: path(matches, "file").unwrap_or_default(), question })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_the_defaults_and_limits_of_the_code() {
        let days = |bounds: Bounds| format!("[default: {}d]", bounds.days.unwrap());
        let command = command();
        for (option, text) in [
            ("timeout", format!("0.1 to 3600 [default: {TIME_LIMIT}]")),
            ("warn", days(monitor::WARN)),
            ("crit", days(monitor::CRITICAL)),
        ] {
            let argument = command.get_arguments().find(|argument| argument.get_id() == option).unwrap();
            assert!(argument.get_help().unwrap().to_string().contains(&text), "--{option}: {text}");
        }
        let is_taken = |text: &str| seconds(0.1..=3600.0_f32)(text).is_ok();
        assert_eq!(["0.09", "0.1", "3600", "3601", "x"].map(is_taken), [false, true, true, false, false]);
        assert_eq!((monitor::WARN.latency_ms, monitor::CRITICAL.latency_ms), (None, None));
    }
}

//! The options of check, and what they ask for.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use super::acl::Question;
use super::files::Files;
use super::monitor::Bounds;
use crate::mqtt::topic::TopicName;
use crate::pki::chain::Purpose;
use crate::term::{Exit, Failure};

/// What to check.
#[derive(Debug)]
pub enum Request {
    Files { files: Files, user: Option<String> },
    Config { path: PathBuf, user: Option<String> },
    Acl { path: PathBuf, question: Question },
}

/// How to say it.
#[derive(Debug)]
pub enum Output {
    Text,
    Json,
    Monitor { warn: Bounds, critical: Bounds },
}

pub fn command() -> Command {
    let command = Command::new("check")
        .about(super::APPLET.about)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(true)
        .subcommand_value_name("WHAT")
        .subcommand_help_heading("Without a connection")
        .arg(path_arg("config", "FILE", "Check this mosquitto.conf and the files it names"))
        .arg(user_arg("User that the broker runs as [default: the configuration's, or mosquitto]"))
        .subcommand(files_command())
        .subcommand(acl_command());
    output_args(command)
}

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
        .arg(bounds_arg("warn", "Bounds of a warning: days left of the certificate, round-trip time, or both (30d,200ms) [default: 30d]"))
        .arg(bounds_arg("crit", "Bounds of critical, as for --warn [default: 7d]"))
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
                .value_parser(["server", "client"])
                .help("What the certificate is for [default: what it says itself, else server]"),
        )
        .arg(
            path_arg("config", "FILE", "Check this mosquitto.conf and the files it names")
                .conflicts_with_all(["cafile", "capath", "cert", "key", "crl", "host"]),
        )
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
                .value_parser(["publish", "receive", "both"])
                .default_value("both")
                .help("What the client wants"),
        );
    output_args(command)
}

/// What was typed, made valid.
pub fn read(matches: &ArgMatches) -> Result<(Request, Output), Failure> {
    match matches.subcommand() {
        Some(("files", files)) => Ok((files_request(files), output(files))),
        Some(("acl", acl)) => Ok((acl_request(acl)?, output(acl))),
        _ => Ok((config_request(matches)?, output(matches))),
    }
}

fn output(matches: &ArgMatches) -> Output {
    let bounds = |name| matches.get_one::<Bounds>(name).copied().unwrap_or_default();
    if matches.get_flag("json") {
        Output::Json
    } else if matches.get_flag("monitor") {
        Output::Monitor { warn: bounds("warn"), critical: bounds("crit") }
    } else {
        Output::Text
    }
}

fn path(matches: &ArgMatches, name: &str) -> Option<PathBuf> {
    matches.get_one::<PathBuf>(name).cloned()
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

fn files_request(matches: &ArgMatches) -> Request {
    let user = text(matches, "user");
    if let Some(path) = path(matches, "config") {
        return Request::Config { path, user };
    }
    let files = Files {
        cafile: path(matches, "cafile"),
        capath: path(matches, "capath"),
        certificate: path(matches, "cert"),
        key: path(matches, "key"),
        revocation: path(matches, "crl"),
        host: text(matches, "host"),
        purpose: text(matches, "purpose")
            .map(|purpose| if purpose == "client" { Purpose::Client } else { Purpose::Server }),
        issuer_is_elsewhere: false,
    };
    Request::Files { files, user }
}

fn config_request(matches: &ArgMatches) -> Result<Request, Failure> {
    let Some(path) = path(matches, "config") else {
        return Err(Failure::new(Exit::USAGE, "nothing to check").hint("moskit check --help"));
    };
    Ok(Request::Config { path, user: text(matches, "user") })
}

fn acl_request(matches: &ArgMatches) -> Result<Request, Failure> {
    let topic = text(matches, "topic").unwrap_or_default();
    if TopicName::check(&topic).is_err() {
        return Err(
            Failure::new(Exit::USAGE, format!("`{topic}` is no topic")).hint("give one topic without `+` and `#`")
        );
    }
    let access = text(matches, "access").unwrap_or_default();
    let question = Question {
        user: text(matches, "user"),
        client: text(matches, "client").unwrap_or_default(),
        topic,
        publish: access != "receive",
        receive: access != "publish",
    };
    Ok(Request::Acl { path: path(matches, "file").unwrap_or_default(), question })
}

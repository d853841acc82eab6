//! `moskit check`: why it fails, in words.
//!
//! Each stage gathers facts and findings into a [`Report`]; nothing prints but `render` and `monitor`.

mod monitor;
mod online;
mod options;
mod preset;
mod render;
mod session;

use crate::cmd::applet::{Applet, Invocation, Manual};
use crate::cmd::connect;
use crate::cmd::output::NO_COLOR;
use crate::examine::report::Report;
use crate::examine::{acl, config, files};
use crate::os::account::Account;
use crate::term::{Exit, Failure, Term};

use options::{Output, Request};

pub const APPLET: Applet = Applet {
    name: "check",
    mosquitto_name: None,
    as_mosquitto: Some,
    about: "Find out why a connection, a certificate, a configuration or a session does not work",
    command: options::command,
    run,
    manual: Manual {
        description: &[
            "moskit check finds out why a client cannot connect, publish or receive. It goes through name, connection, TLS, certificate chain, login, rights and session in the order of a client, names the first cause and says what to do. It sends no password to a server whose certificate failed.",
            "Three usual calls: check HOST or check URL tests a running broker; check files --cafile FILE --cert FILE --key FILE tests files before a broker gets them; check --config FILE tests a mosquitto.conf.",
            "--preset names a service, and says what it wants of a client and what of that is missing in the options: aws (AWS IoT Core), azure (Azure IoT Hub), hivemq (HiveMQ Cloud), emqx (EMQX Serverless) or rabbitmq. With a broker it stands before what the broker says itself; without one, or with --offline, the options alone are judged and nobody is connected to. It knows what the vendors' documentation says, and what that leaves open stands under `not known`.",
            "A password that is a token (JWT) is looked at before anything is sent. One that has expired, is not valid yet, is unsigned or malformed, or is for another audience than --token-audience, cannot let anybody in: it is not sent, and the check ends there, unless --token-anyway is given. Neither the token nor a claim of it about its holder is shown.",
            "With --oauth-token-url the stage oauth asks for the token, says where it came from, and the stage token judges it as any other.",
        ],
        exit_status: &[
            ("0", "No error was found; there may be warnings. With --monitor: OK."),
            ("1", "An error was found; the report names the cause. With --monitor: a warning."),
            ("2", "With --monitor: critical."),
            ("3", "Usage; the queue of check session cannot be read. With --monitor: unknown."),
        ],
        environment: &[connect::environment::MANUAL, &[NO_COLOR]],
        files: &[("/etc/passwd, /etc/group", "Users and groups, for the permissions of --config and --user")],
        examples: &[
            ("moskit check localhost -t lab", "Is all well with a broker, up to a message below lab?"),
            (
                "moskit check files --cafile ca.crt --cert server.crt --key server.key --host broker.lan",
                "Check a server's files before the broker gets them",
            ),
            (
                "moskit check --config /etc/mosquitto/mosquitto.conf --user mosquitto",
                "What in a configuration will bite",
            ),
            (
                "moskit check --config mosquitto.conf --map /mosquitto/config=. --user 1883",
                "The same for a configuration of a container, whose volume is this folder",
            ),
            (
                "moskit check --preset rabbitmq -u shop:ann --pw-prompt --offline",
                "What RabbitMQ wants, and whether anything of it is missing",
            ),
            (
                "moskit check acl acl.conf --user ann --client sensor-1 --topic home/door",
                "Which line of an ACL file decides",
            ),
        ],
        see_also: &["moskit-certgen(1)", "moskit-qshape(1)", "moskit-demo(1)"],
        ..Manual::EMPTY
    },
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    let (request, output) = options::read(&matches)?;
    match checked(&request, invocation, term) {
        Ok(report) => Ok(show(&report, &output, term)),
        Err(failure) if matches!(output, Output::Monitor { .. }) => {
            render::monitor(&monitor::unknown(&failure), term);
            Ok(Exit::USAGE)
        }
        Err(failure) => Err(failure),
    }
}

fn checked(request: &Request, invocation: &Invocation, term: &mut Term) -> Result<Report, Failure> {
    Ok(match request {
        Request::Files { files, user } => files_report(files, user.as_deref())?,
        Request::Config(question) => config::check(question, now()),
        Request::Acl { path, question } => acl::check(path, question),
        Request::Session(request) => session::check(request, invocation, now(), term),
        Request::Connect(request) => online::run(request, invocation, now(), term)?,
    })
}

fn files_report(files: &files::Files, user: Option<&str>) -> Result<Report, Failure> {
    let account = match user {
        None => None,
        Some(numbers) if Account::of_numbers(numbers).is_some() => Account::of_numbers(numbers),
        Some(name) => {
            let found = Account::find(name).map_err(|error| {
                let why = crate::net::reason(&error);
                Failure::new(Exit::FAILED, format!("cannot find out about user `{name}`: {why}"))
            })?;
            Some(found.ok_or_else(|| {
                Failure::new(Exit::USAGE, format!("there is no user `{name}` on this machine"))
                    .hint("getent passwd lists the users")
            })?)
        }
    };
    Ok(files::check(files, account.as_ref(), now()))
}

fn show(report: &Report, output: &Output, term: &mut Term) -> Exit {
    match output {
        Output::Text => render::text(report, term),
        Output::Json => render::as_json(report, term),
        Output::Monitor { warn, critical } => {
            let (line, exit) = monitor::line(report, *warn, *critical);
            render::monitor(&line, term);
            return exit;
        }
    }
    report.exit()
}

/// Seconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

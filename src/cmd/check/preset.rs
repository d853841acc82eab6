//! `check --preset`: the options as a service's wishes are compared with them, and the check that connects to nobody.

use super::options::Connection as Request;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::args::PasswordSource;
use crate::cmd::connect::valid::{Broker, Connection};
use crate::examine::files;
use crate::examine::preset::{Connects, Given, Preset, judge};
use crate::examine::report::Report;
use crate::net::Endpoint;
use crate::net::websocket::Opening;
use crate::term::{Exit, Failure, Secret, Term};

/// Whether the options alone are judged: that is asked for, or no broker is named.
pub fn is_offline(request: &Request) -> bool {
    request.offline || request.args.host.is_none() && request.args.embedded.is_none()
}

/// Judges the options, which may stand together, for the service, and the client certificate that they name, and connects to nobody. A password that would
/// have to be typed, or that a command prints, is taken for given.
pub fn offline(
    request: &Request,
    preset: Preset,
    invocation: &Invocation,
    now: i64,
    term: &mut Term,
) -> Result<Report, Failure> {
    for (option, is_given) in [("--as-client", request.as_client), ("--second-opinion", request.second_opinion)] {
        if is_given {
            let text = format!("{option} connects to a broker, and none is named");
            return Err(Failure::new(Exit::USAGE, text).hint("name it: -h HOST"));
        }
    }
    let connection = Connection::new(&request.args, invocation, term)?;
    let is_at_hand = matches!(request.args.password, Some(PasswordSource::Given(_) | PasswordSource::File(_)));
    let password = if is_at_hand { connection.login.first(term)? } else { None };
    let mut report = Report::new(format!("the options, for {}", preset.name()));
    report.reservation = Some("nobody was connected to");
    report.stages.push(judge(preset, &given(request, &connection, password, now)).into_stage(false));
    if let Some(options) = &connection.tls
        && let Some((certificate, key)) = &options.identity
    {
        report.stages.push(files::identity(certificate, key, files::Issuers::of(options), now));
    }
    Ok(report)
}

/// What was given, as a preset judges it.
pub fn given(request: &Request, connection: &Connection, password: Option<Secret>, now: i64) -> Given {
    let args = &request.args;
    let (host, port) = match &connection.broker {
        Broker::At(Endpoint::Tcp { host, port }) => {
            let is_named = args.host.is_some();
            (is_named.then(|| host.clone()), (is_named || args.port.is_some()).then_some(*port))
        }
        Broker::At(Endpoint::Unix(_)) | Broker::Embedded { .. } => (None, None),
    };
    let text = |word: &std::ffi::OsString| word.to_string_lossy().into_owned();
    let tls = connection.tls.as_ref();
    Given {
        host,
        port,
        tls: tls.is_some(),
        alpn: tls.map(|tls| tls.alpn.clone()).unwrap_or_default(),
        websocket: connection.websocket.as_ref().map(|opening| Opening::shown_path(opening).into_owned()),
        certificate: tls.is_some_and(|tls| tls.identity.is_some()),
        id: args.id.as_ref().map(text),
        connects: match (is_offline(request), request.as_client) {
            (true, _) => Connects::Never,
            (false, true) => Connects::WithTheId,
            (false, false) => Connects::WithAnotherId,
        },
        username: args.username.as_ref().map(text),
        password_is_to_come: password.is_none() && connection.login.is_given(),
        password,
        qos: args.qos,
        topic: request.topic.clone(),
        version: args.version,
        keep_alive: args.keep_alive,
        now,
    }
}

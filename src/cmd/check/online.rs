//! `check HOST`: from the options to a target, and the questions to it.

use std::path::Path;

use bytestring::ByteString;

use super::preset;
use crate::cmd::applet::Invocation;
use crate::cmd::check::options::Connection;
use crate::cmd::connect;
use crate::cmd::connect::args::ClientArgs;
use crate::cmd::connect::args::Verb;
use crate::cmd::connect::checks::SessionPlan;
use crate::cmd::connect::runtime;
use crate::cmd::host::embedded::Embedded;
use crate::diagnose::{self, Finding};
use crate::examine::online::target::{Login, Target, Tls};
use crate::examine::online::{self, announcement};
use crate::examine::preset::{Judgement, judge};
use crate::examine::report::{Report, Stage};
use crate::mqtt::packet::ProtocolVersion;
use crate::net::endpoint::TLS_PORT;
use crate::net::tls::{self, Checks, OptionsError};
use crate::scram::Credentials;
use crate::term::{Exit, Failure, Secret, Term};

/// Asks the broker of the options.
pub fn run(request: &Connection, invocation: &Invocation, now: i64, term: &mut Term) -> Result<Report, Failure> {
    judge_options(&request.args, invocation)?;
    if let Some(preset) = request.preset.filter(|_| preset::is_offline(request)) {
        return preset::offline(request, preset, invocation, now, term);
    }
    match target(request, invocation, now, term)? {
        Prepared::Target(mut target, _embedded, judgement) => {
            if let Some(id) = target.id.as_ref().filter(|_| target.as_client) {
                term.note(announcement(id));
            }
            let mut report = runtime::block_on(async { Ok(online::check(&mut target).await) })?;
            if let Some(judgement) = judgement {
                report.stages.insert(0, judgement.into_stage(report.is_let_in));
            }
            Ok(report)
        }
        Prepared::Finding(finding) => {
            let mut stage = Stage::new("options");
            stage.found(*finding);
            let mut report = Report::new("the options");
            report.stages.push(stage);
            Ok(report)
        }
    }
}

/// What the options come to.
enum Prepared {
    /// With the broker that lives as long as the check.
    Target(Box<Target>, Option<Box<Embedded>>, Option<Judgement>),
    /// Why nothing can be tried.
    Finding(Box<Finding>),
}

/// What options may not be together, or not at all.
fn judge_options(args: &ClientArgs, invocation: &Invocation) -> Result<(), Failure> {
    let usage = |failure: Failure| Failure { exit: Exit::USAGE, ..failure };
    connect::checks::check_connection(args).map_err(|error| usage(error.into_failure(&invocation.program)))?;
    connect::oauth::check_user_name(args, args.version.unwrap_or(ProtocolVersion::V5))
        .map_err(|error| usage(error.into_failure(&invocation.program)))?;
    connect::tls::refuse_missing_parts(args)?;
    connect::tls::refuse_pre_shared_key(args)
}

/// Reads the files that the options, which have been judged, name and asks for what they leave to be asked.
fn target(request: &Connection, invocation: &Invocation, now: i64, term: &mut Term) -> Result<Prepared, Failure> {
    let args = &request.args;
    let text = |what: &str, word: &std::ffi::OsString| {
        word.to_str().map(str::to_owned).ok_or_else(|| Failure::new(Exit::USAGE, format!("the {what} is not UTF-8")))
    };
    if tls_is_off(args) {
        return Ok(Prepared::Finding(Box::new(
            Finding::error(
                "client.tls-off",
                "--cert and --key alone do not switch TLS on: the connection would be in clear",
            )
            .fix("add --cafile FILE, --capath DIR or --tls-use-os-certs"),
        )));
    }
    let mut connection = connect::valid::Connection::new(args, invocation, term)?;
    let key_pass_file = connection.key_pass_file.as_deref();
    let tls = connection.tls.clone().map(|options| both(options, request.trust_anyway, key_pass_file, term));
    let tls = match tls.transpose() {
        Ok(tls) => tls,
        Err(error) => return Ok(Prepared::Finding(Box::new(diagnose::tls::options(&error)))),
    };
    connection.login.set_limit(request.time_limit);
    let oauth = connection.login.grant().cloned();
    let mut login = Login {
        username: args.username.as_ref().map(|name| text("user name", name)).transpose()?.map(ByteString::from),
        password: if oauth.is_some() { None } else { connection.login.first(term)? },
        scram: None,
    };
    let judgement =
        request.preset.map(|preset| judge(preset, &preset::given(request, &connection, login.password.clone(), now)));
    if let Some(method) = connection.auth_method {
        let (user, password) = (login.username.as_deref().unwrap_or_default(), login.password.take());
        let password = password.as_ref().map_or(&[][..], Secret::expose);
        match Credentials::new(method, user.as_bytes(), password) {
            Ok(credentials) => login.scram = Some(credentials),
            Err(error) => return Ok(Prepared::Finding(Box::new(diagnose::scram::credentials(error)))),
        }
    }
    let embedded = connection.start_embedded(term)?;
    let mut route = connection.route(embedded.as_ref(), term)?;
    route.timeout = request.time_limit;
    let plan = SessionPlan::of(Verb::Pub, args);
    let target = Target {
        tls,
        login,
        oauth,
        version: args.version,
        topic: request.topic.clone(),
        qos: args.qos,
        keep_alive: args.keep_alive,
        keep_session: args.keep_session,
        session_expiry: plan.expiry,
        id: args.id.as_ref().map(|id| text("client id", id)).transpose()?,
        as_client: request.as_client,
        trust_anyway: request.trust_anyway,
        second_opinion: request.second_opinion,
        token_anyway: request.token_anyway,
        audience: request.audience.clone(),
        time_limit: request.time_limit,
        now,
        route,
    };
    Ok(Prepared::Target(Box::new(target), embedded.map(Box::new), judgement))
}

/// A certificate without anything that switches TLS on.
fn tls_is_off(args: &ClientArgs) -> bool {
    let tls = &args.tls;
    let switched_on =
        tls.cafile.is_some() || tls.capath.is_some() || tls.os_certs || args.port.is_some_and(|port| port.is(TLS_PORT));
    tls.cert.is_some() && !switched_on && !tls.no_tls
}

/// TLS as asked for; and the same without a certificate of ours and without refusing anything.
fn both(
    options: tls::Options,
    trust_anyway: bool,
    key_pass_file: Option<&Path>,
    term: &mut Term,
) -> Result<Tls, OptionsError> {
    // What was told to be trusted anyway is judged all the same, but not refused.
    let checks = if trust_anyway { Checks::Nothing } else { options.checks };
    let wanted = tls::Options { checks, ..options.clone() };
    let real =
        tls::Client::new(&wanted, &mut |path, _| connect::tls::passphrase(key_pass_file, path, term).ok().flatten())?;
    let blind = tls::Options { identity: None, checks: Checks::Nothing, keylog: None, ..options.clone() };
    let capture = tls::Client::new(&blind, &mut |_, _| None)?;
    Ok(Tls { options, capture, real })
}

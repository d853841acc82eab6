//! `moskit check HOST`: the stages that need a connection, in the order in which a client meets them.
//!
//! Facts are gathered on after a failure as far as that is possible and harmless. Nothing that could
//! be abused goes to a server whose certificate failed.

mod access;
mod broker;
mod handshake;
mod oauth;
mod reach;
mod second;
mod storefwd;
mod takeover;
pub mod target;

use super::report::{Report, Stage};
use super::token;
use crate::diagnose::stacks;
use crate::net::tls::Checks;
use crate::pki::chain::{Problem, Verdict};
use crate::pki::name::PeerName;
use crate::term::Secret;

use broker::Trust;
use handshake::Shown;
pub use takeover::announcement;
use target::{How, Login, Target};

/// The stages after the handshake.
const AFTER: [&str; 5] = ["connect", "limits", "access", "session", "rtt"];

/// Asks what there is to ask of the target, as far as it gets.
pub async fn check(target: &mut Target) -> Report {
    let mut report = Report::new(target.endpoint().to_string());
    if let Some(grant) = &target.oauth {
        let (stage, token) = oauth::granted(grant, target.now).await;
        report.stages.push(stage);
        target.login.password = token;
    }
    let is_tokenless = report.has_failed();
    let target = &*target;
    let password = target.login.password.as_ref().map_or(&[][..], Secret::expose);
    if !is_tokenless {
        report.stages.extend(token::stage(password, target.audience.as_deref(), target.oauth.is_some(), target.now));
    }
    let is_in_vain = report.has_failed();
    let dns = reach::dns(target).await;
    let no_name = dns.failed();
    report.stages.push(dns);
    if no_name {
        skip(&mut report, &["tcp", "connect"], "the name has no address");
        return report;
    }
    let tcp = reach::tcp(target).await;
    let no_way = tcp.failed();
    report.stages.push(tcp);
    if no_way {
        skip(&mut report, &AFTER[..1], "nothing answers");
        return report;
    }
    let Some(believed) = tls_stages(target, &mut report).await else {
        skip(&mut report, &AFTER[..1], "there is no TLS session");
        return report;
    };
    if is_tokenless {
        skip(&mut report, &AFTER[..1], "there is no token to log in with");
        return report;
    }
    if is_in_vain && !target.token_anyway {
        // Nobody lets it in, and whoever reads the broker's log would have it.
        skip(
            &mut report,
            &AFTER[..1],
            "the token is of no use, so it is not sent (--token-anyway sends it all the same)",
        );
        return report;
    }
    mqtt_stages(target, believed, &mut report).await;
    report
}

fn skip(report: &mut Report, names: &[&'static str], why: &str) {
    report.stages.extend(names.iter().map(|name| Stage::skipped(name, why)));
}

/// Whether the server's certificate is good enough for our login.
async fn tls_stages(target: &Target, report: &mut Report) -> Option<bool> {
    let Some(tls) = &target.tls else { return Some(true) };
    let Shown { tls: stage, chain, seen } = handshake::capture(target, tls).await;
    let verdict = seen.as_ref().and_then(|seen| seen.verdict.as_ref());
    let believed = is_believed(target.checks(), verdict) || target.trust_anyway;
    let has_session = !stage.failed() || stage.facts.contains_key("version");
    report.stages.push(stage);
    report.stages.push(chain);
    if let Some(verdict) = verdict {
        let name = target.endpoint().host().map(PeerName::new);
        report.opinions = stacks::opinions(verdict, name.as_ref());
    }
    report.stages.extend(handshake::identity(target, tls));
    has_session.then_some(believed)
}

/// Whether our clients would go on with such a server: what others refuse is told, and is no reason to withhold a login.
/// A chain that nobody saw is not believed.
fn is_believed(checks: Checks, verdict: Option<&Verdict>) -> bool {
    match checks {
        Checks::Nothing => true,
        Checks::Everything => verdict.is_some_and(Verdict::is_accepted),
        Checks::NotTheName => {
            verdict.is_some_and(|verdict| verdict.problems.iter().all(|it| matches!(it, Problem::WrongName { .. })))
        }
    }
}

/// What of ours a server gets only when its certificate is good.
fn withheld(target: &Target) -> &'static str {
    let has_certificate = target.tls.as_ref().is_some_and(|tls| tls.options.identity.is_some());
    match (target.login.is_given(), has_certificate) {
        (true, true) => "login and no client certificate",
        (true, false) => "login",
        (false, _) => "client certificate",
    }
}

async fn mqtt_stages(target: &Target, believed: bool, report: &mut Report) {
    let nothing = Login::default();
    let has_secrets = target.login.is_given() || target.tls.as_ref().is_some_and(|tls| tls.options.identity.is_some());
    if !believed && has_secrets {
        // What the broker says to a stranger says nothing of who has a login or a certificate.
        let withheld = withheld(target);
        let failed = "the server's certificate failed";
        skip(
            report,
            &AFTER[..1],
            &format!("{failed}, so it gets no {withheld} (--trust-anyway sends it all the same)"),
        );
        skip(report, &AFTER[1..], failed);
        if target.second_opinion {
            skip(report, &[second::STAGE], failed);
        }
        return;
    }
    let trust = if believed {
        Trust { how: How::Real, login: &target.login }
    } else {
        Trust { how: How::Capture, login: &nothing }
    };
    let (connect, accepted) = broker::connect(target, trust).await;
    report.is_let_in = !connect.failed();
    report.stages.push(connect);
    let mut published = None;
    match &accepted {
        None => skip(report, &AFTER[1..], "CONNECT was not accepted"),
        Some(accepted) => {
            report.stages.push(broker::limits(target, accepted));
            let access = access::check(target, trust, accepted).await;
            published = access.skipped.is_none().then_some(!access.failed());
            report.stages.push(access);
            report.stages.push(storefwd::check(target, trust, accepted, published == Some(true)).await);
            report.stages.push(access::round_trip(target, trust, accepted).await);
            report.stages.extend(takeover::check(target, trust, accepted).await);
        }
    }
    if target.second_opinion {
        report.stages.push(if target.login.scram.is_some() {
            Stage::skipped("second", "rumqttc does not log in by SCRAM")
        } else {
            second::check(target, trust, accepted.as_ref(), published).await
        });
    }
}

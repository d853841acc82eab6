//! `moskit check HOST`: the stages that need a connection, in the order in which a client meets them.
//!
//! Facts are gathered on after a failure as far as that is possible and harmless. Nothing that could
//! be abused goes to a server whose certificate failed.

mod access;
mod broker;
mod handshake;
mod reach;
mod second;
mod storefwd;
mod takeover;
pub mod target;

use super::report::{Report, Stage};
use crate::diagnose::stacks;
use crate::net::tls::Checks;
use crate::pki::name::PeerName;

use broker::Trust;
use handshake::Shown;
pub use takeover::announcement;
use target::{How, Login, Target};

/// The stages after the handshake.
const AFTER: [&str; 5] = ["connect", "limits", "access", "session", "rtt"];

/// Asks what there is to ask of the target, as far as it gets.
pub async fn check(target: &Target) -> Report {
    let mut report = Report::new(target.endpoint().to_string());
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
    let believed = tls_stages(target, &mut report).await;
    if report.stages.iter().any(|stage| stage.name == "tls" && stage.failed() && !stage.facts.contains_key("version")) {
        skip(&mut report, &AFTER[..1], "there is no TLS session");
        return report;
    }
    mqtt_stages(target, believed, &mut report).await;
    report
}

fn skip(report: &mut Report, names: &[&'static str], why: &str) {
    report.stages.extend(names.iter().map(|name| Stage::skipped(name, why)));
}

/// Whether the server's certificate is good enough for our login.
async fn tls_stages(target: &Target, report: &mut Report) -> bool {
    let Some(tls) = &target.tls else { return true };
    let Shown { tls: stage, chain, seen } = handshake::capture(target, tls).await;
    let believed = !chain_refused(target, &chain) || target.trust_anyway;
    report.stages.push(stage);
    report.stages.push(chain);
    if let Some(verdict) = seen.as_ref().and_then(|seen| seen.verdict.as_ref()) {
        let name = target.endpoint().host().map(PeerName::new);
        report.opinions = stacks::opinions(verdict, name.as_ref());
    }
    report.stages.extend(handshake::identity(target, tls));
    believed
}

/// The chain was not believed, or was not even looked at where it had to be.
fn chain_refused(target: &Target, chain: &Stage) -> bool {
    // An equal subject is OpenSSL's quarrel: the signature is the CA's.
    let refused = chain.findings.iter().any(|finding| finding.is_error() && finding.id != "cert.subject-equals-issuer");
    match target.checks() {
        Checks::Nothing => false,
        Checks::Everything | Checks::NotTheName => refused || chain.skipped.is_some(),
    }
}

async fn mqtt_stages(target: &Target, believed: bool, report: &mut Report) {
    let nothing = Login::default();
    let has_secrets = target.login.is_given() || target.tls.as_ref().is_some_and(|tls| tls.options.identity.is_some());
    let trust = if believed {
        Trust { how: How::Real, login: &target.login, withheld: false }
    } else {
        Trust { how: How::Capture, login: &nothing, withheld: has_secrets }
    };
    let (connect, accepted) = broker::connect(target, trust).await;
    report.stages.push(connect);
    let mut published = None;
    match &accepted {
        None => skip(report, &AFTER[1..], "the broker did not let us in"),
        Some(accepted) => {
            report.stages.push(broker::limits(target, accepted));
            let access = access::check(target, trust, accepted).await;
            published = access.skipped.is_none().then_some(!access.failed());
            report.stages.push(access);
            report.stages.push(storefwd::check(target, trust, accepted).await);
            report.stages.push(access::round_trip(target, trust, accepted).await);
            report.stages.extend(takeover::check(target, trust, accepted).await);
        }
    }
    if target.second_opinion {
        report.stages.push(second::check(target, trust, accepted.as_ref(), published).await);
    }
}

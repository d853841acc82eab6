//! TLS: what the handshake shows, whether the chain is believed, and whether ours will be.

use std::time::Instant;

use super::target::{How, Target, Tls, milliseconds};
use crate::diagnose::chain::{self, Forgiven};
use crate::diagnose::{self, Finding, shell};
use crate::examine::files;
use crate::examine::report::{MILLISECONDS, Stage};
use crate::net::ConnectError;
use crate::net::tls::{Alert, Cause, Checks, Failure, Seen};
use crate::pki::certificate::Certificate;
use crate::pki::chain::Problem;
use crate::pki::name::PeerName;
use crate::pki::read;
use crate::probe::hello::Offers;
use crate::probe::{NotOpened, instead};

/// Stages `tls` and `chain`, and what the handshake showed.
pub struct Shown {
    pub tls: Stage,
    pub chain: Stage,
    pub seen: Option<Seen>,
}

/// Makes a handshake that refuses nothing and shows nothing of ours.
pub async fn capture(target: &Target, tls: &Tls) -> Shown {
    let mut stage = Stage::new("tls");
    let start = Instant::now();
    let seen = match target.open(How::Handshake).await {
        Ok(stream) => {
            let Some(session) = stream.session().cloned() else { return untried(stage) };
            stage.fact("version", session.version);
            stage.fact("cipher", session.cipher.as_str());
            if let Some(alpn) = &session.alpn {
                stage.fact("alpn", alpn.as_str());
            }
            stage.fact(MILLISECONDS, milliseconds(start));
            session.seen
        }
        Err(NotOpened::Error(error)) => match *error {
            ConnectError::Tls(failure) => failed(target, failure, &mut stage).await,
            other => {
                stage.found(diagnose::not_connected(&other, &target.attempted()));
                Seen::default()
            }
        },
        Err(NotOpened::TimedOut) => {
            let found = instead::of_tls(target.probe(), true).await;
            stage.found(found.unwrap_or_else(|| instead::silent(target.probe())));
            Seen::default()
        }
    };
    request(target, tls, &seen, &mut stage);
    if seen.presented.is_empty() {
        return Shown { tls: stage, chain: Stage::skipped("chain", "no certificate was seen"), seen: None };
    }
    let chain = chain_stage(target, tls, &seen).await;
    Shown { tls: stage, chain, seen: Some(seen) }
}

fn untried(stage: Stage) -> Shown {
    Shown { tls: stage, chain: Stage::skipped("chain", "there was no TLS"), seen: None }
}

/// The handshake failed. A server that wants a certificate ends a TLS 1.2 handshake when none comes,
/// after it has shown its own: that is no failure of this stage.
async fn failed(target: &Target, failure: Failure, stage: &mut Stage) -> Seen {
    if failure.seen.asked_for_certificate.is_some() && matches!(failure.cause, Cause::Alert(_) | Cause::Closed) {
        return *failure.seen;
    }
    let wrong_protocol = failure.seen.speaks_tls() != Some(true)
        && matches!(failure.cause, Cause::NotTls | Cause::Closed | Cause::TimedOut | Cause::Io(_));
    let nothing_in_common = matches!(failure.cause, Cause::Incompatible(_) | Cause::Alert(Alert(40 | 70 | 71)));
    let instead = if wrong_protocol {
        instead::of_tls(target.probe(), matches!(failure.cause, Cause::TimedOut)).await
    } else {
        None
    };
    let finding = match instead {
        Some(finding) => finding,
        None => diagnose::tls::handshake(&failure, &target.attempted()),
    };
    stage.found(if nothing_in_common { offered(target, finding).await } else { finding });
    *failure.seen
}

/// What the server offers instead of what we asked for, each point by a handshake that is not finished.
async fn offered(target: &Target, finding: Finding) -> Finding {
    let offers = target.probe().offers().await;
    if offers.is_nothing() {
        return finding
            .evidence(
                "it refuses every version of TLS with every suite: do its certificate and its ciphers fit together?",
            )
            .fix("the server's log says why");
    }
    let finding = if offers.only_pre_shared_keys() {
        Finding::error("psk.required", format!("{} takes clients with a pre-shared key only", target.endpoint()))
            .fix("moskit has no TLS with pre-shared keys: use a listener with certificates, or mosquitto_pub --psk")
    } else {
        finding
    };
    let mut finding = finding.evidence(format!("it offers {}", offers.versions.join(", "))).evidence(format!(
        "of {} it takes {}",
        offers.versions[0],
        offers.suites.join(", ")
    ));
    if let Some(key) = &offers.key {
        finding = finding.evidence(format!("its key is {}", key.kind.name()));
    }
    let is_narrowed = target.tls.as_ref().is_some_and(|tls| diagnose::tls::is_narrowed(&tls.options));
    match beyond_suites(target, &offers) {
        Some(fix) if !is_narrowed => finding.fix(fix),
        _ => finding,
    }
}

/// What to change where it is not the suites: a server may have those that we have, and a key or curves that we have not.
fn beyond_suites(target: &Target, offers: &Offers) -> Option<String> {
    if offers.key.as_ref().is_some_and(|key| key.is_weak() || !key.kind.is_usable()) {
        let host = shell::quoted(target.endpoint().host().unwrap_or("HOST"));
        return Some(format!(
            "issue the server's certificate again with a key that TLS libraries take: moskit certgen server {host} --key p256"
        ));
    }
    let is_unknown = offers.key.is_none() && offers.has_suite_of_ours();
    let curves = "the server must have one of our curves (X25519, P-256, P-384)";
    match (offers.has_suite_of_ours(), is_unknown) {
        (_, true) => Some(format!(
            "its suites are ours too, so it is its key or its curves: {curves} and a key of RSA, P-256, P-384, P-521 or Ed25519"
        )),
        (true, false) => Some(format!("its suites and its key are ours too: {curves} and sign by SHA-256 or stronger")),
        (false, false) => None,
    }
}

/// The server's wish for a certificate, compared with what we have.
fn request(target: &Target, tls: &Tls, seen: &Seen, stage: &mut Stage) {
    let Some(issuers) = &seen.asked_for_certificate else { return };
    let names: Vec<_> = issuers.iter().map(ToString::to_string).filter(|name| !name.is_empty()).take(10).collect();
    stage.fact("asks_for_certificate", true);
    if !names.is_empty() {
        stage.fact("of_issuers", names.clone());
    }
    let Some((path, _)) = &tls.options.identity else { return };
    let own: Vec<_> =
        read::certificates(path).into_iter().flatten().filter_map(|der| Certificate::parse(&der).ok()).collect();
    let fits =
        |certificate: &Certificate| issuers.contains(&certificate.issuer) || issuers.contains(&certificate.subject);
    if !issuers.is_empty() && !own.is_empty() && !own.iter().any(fits) {
        stage.found(
            Finding::error(
                "client.ca-unknown",
                format!("the broker does not take the issuer of `{}`: `{}`", path.display(), own[0].issuer),
            )
            .evidence(format!("{} takes certificates of {}", target.endpoint(), names.join(" and ")))
            .fix("use a certificate by one of these CAs, or add the CA to the broker's cafile"),
        );
    }
}

async fn chain_stage(target: &Target, tls: &Tls, seen: &Seen) -> Stage {
    let mut stage = Stage::new("chain");
    stage.fact("certificates", seen.presented.len());
    let Some(verdict) = &seen.verdict else { return stage };
    let attempted = target.attempted();
    let trusted = attempted.trusted();
    let scene = attempted.scene(&trusted);
    let name = target.endpoint().host().map(PeerName::new);
    let forgiven = match tls.options.checks {
        Checks::Everything => Forgiven::Nothing,
        Checks::NotTheName => Forgiven::TheName,
        Checks::Nothing => Forgiven::Everything,
    };
    if let Some(leaf) = seen.peer() {
        files::leaf_facts(&leaf, target.now, &mut stage);
    }
    stage.findings.extend(chain::findings_but(forgiven, verdict, name.as_ref(), scene, chain::SOON));
    // Some servers choose the certificate by the name asked for, and this one may not have been.
    if verdict.problems.iter().any(|problem| matches!(problem, Problem::WrongName { .. })) {
        stage.findings.extend(without_name(target, tls, seen).await);
    }
    stage
}

/// Whether the server shows another certificate when no name is sent.
async fn without_name(target: &Target, tls: &Tls, seen: &Seen) -> Option<Finding> {
    let stream = target.open(How::Plain).await.ok()?;
    let other = match tls.capture.connect(None, stream, target.time_limit).await {
        Ok(stream) => stream.session()?.seen.clone(),
        Err(failure) => *failure.seen,
    };
    if other.presented.is_empty() || other.presented.first() == seen.presented.first() {
        return None;
    }
    let names = other.peer().map(|leaf| leaf.presented_names().join(", ")).unwrap_or_default();
    Some(
        Finding::note("tls.sni", "the server shows another certificate when no name is sent")
            .evidence(format!("without a name it is for {names}"))
            .fix("connect by the host name, not by an address: -h NAME"),
    )
}

/// Our own certificate, judged as the broker will.
pub fn identity(target: &Target, tls: &Tls) -> Option<Stage> {
    let (certificate, key) = tls.options.identity.as_ref()?;
    Some(files::identity(certificate, key, files::Issuers::of(&tls.options), target.now))
}

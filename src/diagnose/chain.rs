//! Judgements of certificate chains in words.

use std::path::Path;

use crate::pki::certificate::{Certificate, short_key_id};
use crate::pki::chain::{Problem, Purpose, UnknownIssuer, Verdict, Warning};
use crate::pki::name::PeerName;
use crate::pki::strict::{self, Departure};

use super::files::empty_capath;
use super::lists::list;
use super::stacks::key_ids_differ;
use super::when::{DAY, date, span};
use super::{Finding, Severity, shell};

/// What the sentences need to know besides the judgement.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub purpose: Purpose,
    /// Seconds since 1970.
    pub now: i64,
    /// Where those lie who were trusted, for people, to stand behind `in`: the name of the CA file.
    pub trusted: &'a str,
    /// The folder among what was trusted.
    pub folder: Option<&'a Path>,
    /// Where the certificate lies, if it came from a file.
    pub file: Option<&'a Path>,
}

/// What the user said that is not to be minded. It is told all the same, but fails nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forgiven {
    #[default]
    Nothing,
    TheName,
    Everything,
}

impl Forgiven {
    fn applies(self, is_about_the_name: bool) -> bool {
        self == Self::Everything || (self == Self::TheName && is_about_the_name)
    }

    fn soften(self, finding: Finding, is_about_the_name: bool) -> Finding {
        let forgives = finding.is_error() && self.applies(is_about_the_name);
        if forgives { finding.severity(Severity::Warning) } else { finding }
    }
}

impl Scene<'_> {
    fn holder(&self) -> &'static str {
        match self.purpose {
            Purpose::Server => "server certificate",
            Purpose::Client => "client certificate",
        }
    }

    fn sender(&self) -> &'static str {
        match self.purpose {
            Purpose::Server => "server",
            Purpose::Client => "client",
        }
    }

    fn verb(&self) -> &'static str {
        match self.purpose {
            Purpose::Server => "moskit certgen server HOST",
            Purpose::Client => "moskit certgen client ID",
        }
    }

    /// The command that gives the certificate a new end.
    fn renew(&self) -> String {
        let Some(file) = self.file else { return "moskit certgen renew CERT".to_owned() };
        let command = format!("moskit certgen renew {}", shell::path(file));
        // It takes the key of the CA that lies beside.
        if file.with_file_name("ca.key").exists() {
            return command;
        }
        format!("where the key of its CA is, in the folder DIR: {command} -d DIR")
    }
}

/// The stable id of a problem. Those of client certificates have names of their own where the
/// remedy is another.
fn id(problem: &Problem, purpose: Purpose) -> &'static str {
    match (purpose, problem) {
        (Purpose::Client, Problem::Expired { is_leaf: true, .. }) => "client.expired",
        (Purpose::Client, Problem::UnknownIssuer(_)) => "client.ca-unknown",
        (Purpose::Client, Problem::WrongUsage { .. }) => "client.eku",
        (Purpose::Client, Problem::Revoked { .. }) => "client.revoked",
        (Purpose::Client | Purpose::Server, problem) => problem.id(),
    }
}

/// Everything that is to be said of a judged chain, in the one order that all verbs tell it in. `asked` is the host that
/// was asked for; `soon` is the time, in seconds, that must be left.
pub fn findings(verdict: &Verdict, asked: Option<&PeerName>, scene: Scene<'_>, soon: i64) -> Vec<Finding> {
    findings_but(Forgiven::Nothing, verdict, asked, scene, soon)
}

/// The same, with what was forgiven as a warning.
pub fn findings_but(
    forgiven: Forgiven,
    verdict: &Verdict,
    asked: Option<&PeerName>,
    scene: Scene<'_>,
    soon: i64,
) -> Vec<Finding> {
    // OpenSSL stops at equal names before it looks at anything else.
    let (stopping, others): (Vec<_>, Vec<_>) =
        verdict.warnings.iter().partition(|warning| **warning == Warning::SubjectEqualsIssuer);
    let warn = |it: &Warning| {
        let found = warning(*it, verdict, asked, scene)?;
        Some(forgiven.soften(found, *it == Warning::CommonNameOnly))
    };
    let mut found: Vec<_> = stopping.into_iter().filter_map(warn).collect();
    let mind = |it: &Problem| forgiven.soften(problem(it, scene), matches!(it, Problem::WrongName { .. }));
    found.extend(verdict.problems.iter().map(mind));
    found.extend(others.into_iter().filter_map(warn));
    if verdict.is_accepted() && scene.purpose == Purpose::Server {
        found.extend(departures(verdict));
    }
    found.extend(verdict.path.first().into_iter().flat_map(|leaf| advice(leaf, scene, soon)));
    found
}

/// What strict verifiers refuse in a chain that the others believe: a finding for each certificate.
fn departures(verdict: &Verdict) -> Vec<Finding> {
    let broken = strict::departures(verdict.partial_path(), verdict.is_anchored);
    let of = |(place, certificate): (usize, &std::sync::Arc<Certificate>)| {
        let own = broken.iter().filter(|(at, _)| *at == place).map(|(_, departure)| *departure);
        strict_finding(certificate, own)
    };
    verdict.path.iter().enumerate().filter_map(of).collect()
}

/// The rules of RFC 5280 that one certificate breaks, if it does.
pub fn strict_finding(certificate: &Certificate, broken: impl IntoIterator<Item = Departure>) -> Option<Finding> {
    let mut broken = broken.into_iter().map(departure);
    let first = broken.next()?;
    let what = format!("{} {first}: Python ≥ 3.13 and other strict X.509 users refuse it", named(certificate));
    let mut finding = Finding::warning("cert.strict", what);
    finding.evidence = broken.map(|it| format!("also, it {it}")).collect();
    Some(finding.fix(if certificate.is_ca() {
        "make the CA anew, and what it issued: moskit certgen init"
    } else {
        "issue it again: moskit certgen server HOST"
    }))
}

/// How a certificate breaks a rule, as the end of a sentence about it.
fn departure(departure: Departure) -> &'static str {
    match departure {
        Departure::ConstraintsNotCritical => "has basic constraints that are not critical",
        Departure::PathLengthOfNoCa => "has a path length and is no CA",
        Departure::PathLengthWithoutSigning => "has a path length, and its key usage lacks certificate signing",
        Departure::CaWithoutKeyUsage => "is a CA without key usage",
        Departure::SigningOfNoCa => "may sign certificates by its key usage and is no CA",
        Departure::IssuerIsNoCa => "issues certificates without CA:TRUE",
        Departure::EmptyIssuer => "has an empty issuer",
        Departure::EmptySubject => "has an empty subject",
        Departure::NamesNotCritical => "has an empty subject, and its subjectAltName is not critical",
        Departure::NoNames => "has an empty subjectAltName",
        Departure::AuthorityKeyIdCritical => "has a critical authority key identifier",
        Departure::NoAuthorityKeyId => "has no authority key identifier",
        Departure::SubjectKeyIdCritical => "has a critical subject key identifier",
        Departure::CaWithoutSubjectKeyId => "is a CA without subject key identifier",
        Departure::ExtensionsBeforeVersion3 => "has extensions but is not X.509 v3",
    }
}

/// Why a chain is not believed, and what to do.
pub fn problem(problem: &Problem, scene: Scene<'_>) -> Finding {
    let (what, evidence, fix) = match problem {
        Problem::Expired { certificate, is_leaf } => expired(certificate, *is_leaf, scene),
        Problem::NotYetValid { certificate, is_leaf } => not_yet_valid(certificate, *is_leaf, scene),
        Problem::UnknownIssuer(unknown) => unknown_issuer(unknown, scene),
        Problem::MissingIntermediate { certificate } => missing_intermediate(certificate, scene),
        Problem::SameNameOtherKey { certificate, ca } => same_name_other_key(certificate, ca, scene),
        Problem::WrongName { certificate, asked, address_as_dns_name } => {
            wrong_name(certificate, asked, *address_as_dns_name)
        }
        Problem::WrongUsage { certificate, purpose } => wrong_usage(certificate, *purpose, scene),
        Problem::NotCa { certificate } => not_a_ca(certificate),
        Problem::LeafNotFirst { first } => leaf_not_first(first),
        Problem::WeakSignature { certificate } => (
            format!(
                "{} is signed with {}, which nobody accepts any more",
                named(certificate),
                certificate.signature_algorithm.name
            ),
            Vec::new(),
            format!("issue it again with SHA-256: {}", scene.renew()),
        ),
        Problem::WeakKey { certificate } => (
            format!("{} has a key of {}, which is too short", named(certificate), certificate.public_key.kind.name()),
            vec!["the least is RSA-2048".to_owned()],
            format!("issue it again with a new key: {} --new-key", scene.renew()),
        ),
        Problem::NameNotPermitted { ca, name } => (
            format!("the CA `{}` may not speak for `{name}`: its name constraints exclude it", ca.subject),
            Vec::new(),
            "use a name within the constraints, or a CA without them".to_owned(),
        ),
        Problem::Revoked { certificate, at } => (
            format!("{} was revoked {} ago ({})", named(certificate), span(scene.now - at), date(*at)),
            Vec::new(),
            format!("issue a new one: {}", scene.verb()),
        ),
        Problem::RevocationListExpired { issuer, next_update } => (
            format!(
                "the revocation list of `{issuer}` ran out {} ago, so every certificate is refused",
                span(scene.now - next_update)
            ),
            vec![format!("next update was due {}", date(*next_update))],
            "make a new list (openssl ca -gencrl -out crl.pem) and reload the broker".to_owned(),
        ),
        Problem::RevocationListNotYetValid { issuer, last_update } => (
            format!(
                "the revocation list of `{issuer}` is valid only in {}, so every certificate is refused",
                span(last_update - scene.now)
            ),
            vec![format!("it is of {}", date(*last_update))],
            "set the clock of the machine that is wrong (date -u), then make the list again".to_owned(),
        ),
        other => plain(other),
    };
    let mut finding = Finding::error(id(problem, scene.purpose), what).fix(fix);
    finding.evidence = evidence;
    finding
}

/// Sentence, evidence, fix.
type Words = (String, Vec<String>, String);

/// Problems whose sentence needs no more than their names.
fn plain(problem: &Problem) -> Words {
    let (what, fix) = match problem {
        Problem::NothingPresented => {
            ("no certificate was presented".to_owned(), "set certfile in the broker's configuration")
        }
        Problem::TooLong => (
            "more certificates were presented than anybody needs".to_owned(),
            "put the leaf and its intermediates into certfile, nothing else",
        ),
        Problem::Malformed(place) => (
            format!("certificate {} of the chain cannot be read", place + 1),
            "make it again: moskit certgen server HOST",
        ),
        Problem::BadSignature { certificate, ca } => (
            format!("the signature of {} was not made by the key of `{}`", named(certificate), ca.subject),
            "the file is damaged or forged: issue the certificate again",
        ),
        Problem::UnsupportedAlgorithm { certificate, signer } => (
            format!(
                "{} is signed with {} by a key of {}, which cannot be checked here",
                named(certificate),
                certificate.signature_algorithm.name,
                signer.name()
            ),
            "issue it again by a CA with P-256, P-384, Ed25519 or RSA from 2048 to 8192 bits, and SHA-256 or longer",
        ),
        Problem::UnsupportedKey { certificate } => (
            format!(
                "{} has a key of {}, which not every TLS takes",
                named(certificate),
                certificate.public_key.kind.name()
            ),
            "issue it again with a new key: moskit certgen server HOST --key p256",
        ),
        Problem::PathTooLong { ca } => (
            format!("the CA `{}` allows fewer CAs below it than there are", ca.subject),
            "issue the server certificate with a CA nearer to the root",
        ),
        Problem::UnknownCriticalExtension { certificate, identifier } => (
            format!("{} has a critical extension {identifier} that is not known", named(certificate)),
            "issue it again without that extension",
        ),
        Problem::RevocationUnknown { certificate } => {
            (format!("no revocation list speaks for {}", named(certificate)), "give the list of its issuer: --crl FILE")
        }
        // Told with evidence by their own functions.
        _ => (String::new(), ""),
    };
    (what, Vec::new(), fix.to_owned())
}

/// A certificate by its subject.
fn named(certificate: &Certificate) -> String {
    let subject = certificate.subject.to_string();
    if subject.is_empty() {
        "the certificate without a subject".to_owned()
    } else {
        format!("the certificate `{subject}`")
    }
}

fn validity(certificate: &Certificate) -> String {
    format!("valid {} to {}", date(certificate.not_before), date(certificate.not_after))
}

fn expired(certificate: &Certificate, is_leaf: bool, scene: Scene<'_>) -> Words {
    let who = if is_leaf {
        format!("the {} expired", scene.holder())
    } else {
        format!("the CA `{}` expired", certificate.subject)
    };
    let since = span(scene.now - certificate.not_after);
    let evidence = vec![
        validity(certificate),
        format!("issued by `{}`", certificate.issuer),
        format!("this machine says {}", date(scene.now)),
    ];
    let fix = if is_leaf {
        scene.renew()
    } else {
        "make a new CA and issue the certificates again: moskit certgen init".to_owned()
    };
    (format!("{who} {since} ago ({})", date(certificate.not_after)), evidence, fix)
}

fn not_yet_valid(certificate: &Certificate, is_leaf: bool, scene: Scene<'_>) -> Words {
    let who = if is_leaf { format!("the {}", scene.holder()) } else { format!("the CA `{}`", certificate.subject) };
    (
        format!(
            "{who} is not valid yet: it begins in {} ({})",
            span(certificate.not_before - scene.now),
            date(certificate.not_before)
        ),
        vec![validity(certificate), format!("this machine says {}", date(scene.now))],
        "is a clock wrong, here or where it was issued? compare: date -u".to_owned(),
    )
}

fn unknown_issuer(unknown: &UnknownIssuer, scene: Scene<'_>) -> Words {
    let certificate = &unknown.certificate;
    let mut evidence = vec![known(unknown, scene)];
    if let Some(id) = &certificate.authority_key_id {
        evidence.push(format!("the issuer's key id is {}", short_key_id(id)));
    }
    let what = match (unknown.self_signed, unknown.is_leaf) {
        (true, true) => format!("{} is self-signed and not in {}", named(certificate), scene.trusted),
        (true, false) => format!("the CA `{}`, which was sent along, is not in {}", certificate.subject, scene.trusted),
        (false, _) => format!("the issuer `{}` is not in {}", certificate.issuer, scene.trusted),
    };
    // OpenSSL, and we as it, find a CA in a folder by the hash of its name.
    let unhashed = scene.folder.filter(|_| unknown.known.is_empty()).map(empty_capath);
    if let Some(Finding { what: why, fix: Some(fix), .. }) = unhashed {
        return (what, vec![why], fix);
    }
    let fix = match scene.purpose {
        Purpose::Server if unknown.self_signed && unknown.is_leaf => {
            "if you trust this server, use its own certificate: --cafile SERVER.crt".to_owned()
        }
        Purpose::Server if unknown.is_leaf => format!(
            "if `{0}` is a root, get its CA certificate and give it: --cafile FILE; if it is an intermediate, the server \
             must send it and --cafile hold its root",
            certificate.issuer
        ),
        Purpose::Server => format!("get the CA certificate of `{}` and give it: --cafile FILE", certificate.issuer),
        Purpose::Client => format!("use a certificate by a CA that the broker's cafile holds: {}", scene.verb()),
    };
    (what, evidence, fix)
}

/// Who is trusted, of the first some.
fn known(unknown: &UnknownIssuer, scene: Scene<'_>) -> String {
    let mut names: Vec<_> = unknown.known.iter().map(|name| format!("`{name}`")).collect();
    if unknown.more > 0 {
        names.push(format!("{} more", unknown.more));
    }
    match &names[..] {
        [] => format!("no CA is in {}", scene.trusted),
        [one] => format!("in {} is {one}", scene.trusted),
        several => format!("in {} are {}", scene.trusted, list(several)),
    }
}

fn missing_intermediate(certificate: &Certificate, scene: Scene<'_>) -> Words {
    (
        format!("the intermediate `{}`, which issued {}, was not sent along", certificate.issuer, named(certificate)),
        vec![format!("that CA is not in {} either", scene.trusted)],
        format!(
            "the {} must send it: cat leaf.crt intermediate.crt > chain.crt as its certificate file",
            scene.sender()
        ),
    )
}

fn same_name_other_key(certificate: &Certificate, ca: &Certificate, scene: Scene<'_>) -> Words {
    let id = |id: &Option<Vec<u8>>| id.as_deref().map_or_else(|| "unknown".to_owned(), short_key_id);
    (
        format!("in {} is a CA named `{}`, but with another key than the one that signed", scene.trusted, ca.subject),
        vec![
            format!("key id in {}: {}", scene.trusted, id(&ca.subject_key_id)),
            format!("key id of the issuer: {}", id(&certificate.authority_key_id)),
        ],
        "the CA was made anew under the same name: copy the new CA certificate to the clients".to_owned(),
    )
}

fn wrong_name(certificate: &Certificate, asked: &PeerName, as_dns: bool) -> Words {
    let names = certificate.presented_names();
    let list = if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.iter().take(8).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let reissue = format!("moskit certgen server {}", shell::quoted(&asked.to_string()));
    if as_dns {
        return (
            format!("the address {asked} stands in the certificate as a DNS name, where it means nothing"),
            vec![format!("the certificate is for {list}")],
            format!("issue it again with the address as address: {reissue}"),
        );
    }
    let fix = match names.iter().find(|name| !name.contains('*')) {
        Some(name) => format!("connect with -h {}, or issue it again: {reissue}", shell::quoted(name)),
        None => format!("issue it again: {reissue}"),
    };
    (format!("asked for `{asked}`, but the certificate is for {list}"), Vec::new(), fix)
}

fn wrong_usage(certificate: &Certificate, purpose: Purpose, scene: Scene<'_>) -> Words {
    let wanted = match purpose {
        Purpose::Server => "serverAuth",
        Purpose::Client => "clientAuth",
    };
    let has = certificate.extended_key_usage.as_ref().map_or_else(|| "none".to_owned(), |usage| usage.names.join(", "));
    (
        format!("{} may not be used for this: its extended key usage lacks {wanted}", named(certificate)),
        vec![format!("extended key usage: {has}")],
        format!("issue it again for its purpose: {}", scene.verb()),
    )
}

fn not_a_ca(certificate: &Certificate) -> Words {
    (
        format!("`{}` issued a certificate but is no CA", certificate.subject),
        vec!["no basicConstraints CA:TRUE, or a key usage without certificate signing".to_owned()],
        "it was made with `openssl x509 -req` instead of `req -x509`; make a real CA: moskit certgen init".to_owned(),
    )
}

fn leaf_not_first(first: &Certificate) -> Words {
    (
        format!("the first certificate in the chain is the CA `{}`", first.subject),
        Vec::new(),
        "put the server certificate first: cat server.crt ca.crt > chain.crt".to_owned(),
    )
}

/// What was accepted and will fail elsewhere. `None` for a verdict without a path, which has no warnings.
fn warning(warning: Warning, verdict: &Verdict, asked: Option<&PeerName>, scene: Scene<'_>) -> Option<Finding> {
    let leaf = verdict.path.first()?;
    Some(match (warning, asked) {
        // Mosquitto before 2.1 looked for addresses in the common name; OpenSSL's own check, used since, does not.
        (Warning::CommonNameOnly, Some(PeerName::Ip(address))) => {
            Finding::error("cert.ip-in-cn-or-dns", format!("the address {address} stands in the common name only"))
                .evidence("OpenSSL wants it as an iPAddress in subjectAltName; Mosquitto before 2.1 did not")
                .fix(format!("moskit certgen server {address}"))
        }
        (Warning::CommonNameOnly, _) => {
            let name = leaf.common_name().unwrap_or("HOST");
            Finding::warning(
                "cert.cn-only",
                "the certificate has no subjectAltName: Mosquitto's clients take it, rustls, Go and browsers do not",
            )
            .fix(format!("moskit certgen server {}", shell::quoted(name)))
        }
        (Warning::Version1, _) => {
            Finding::warning("cert.v1", "the certificate is X.509 v1: OpenSSL takes it, rustls does not")
                .evidence("`openssl x509 -req` without -extfile makes those")
                .fix(format!("issue it again as v3: {}", scene.verb()))
        }
        (Warning::CaAsLeaf, _) => Finding::warning(
            "cert.self-signed-as-server",
            format!(
                "the {} uses a CA certificate (CA:TRUE) as its own: OpenSSL takes it, rustls does not",
                scene.sender()
            ),
        )
        .fix(match scene.purpose {
            Purpose::Server => "make a CA and a server certificate: moskit certgen init",
            Purpose::Client => "make a certificate for the client by a CA: moskit certgen client ID",
        }),
        (Warning::AnchorNotRoot { is_sent }, _) => anchor_not_root(verdict.path.last()?, is_sent, scene),
        (Warning::SubjectEqualsIssuer, _) => subject_equals_issuer(leaf, scene),
    })
}

fn subject_equals_issuer(leaf: &Certificate, scene: Scene<'_>) -> Finding {
    let id = match scene.purpose {
        Purpose::Server => "cert.subject-equals-issuer",
        Purpose::Client => "client.subject-equals-issuer",
    };
    if key_ids_differ(leaf) {
        let what = format!(
            "the {} and its CA have the same subject `{}`, and only their key identifiers tell them apart",
            scene.holder(),
            leaf.subject
        );
        return Finding::warning(id, what)
            .evidence("OpenSSL 3 looks at the key identifiers; who does not takes it for self-signed")
            .fix("give CA, server and client different names: moskit certgen init");
    }
    Finding::error(
        id,
        format!(
            "the {} and its CA have the same subject `{}`: OpenSSL takes it for self-signed and stops",
            scene.holder(),
            leaf.subject
        ),
    )
    .evidence("OpenSSL says `self-signed certificate`, which is misleading; rustls accepts it")
    .fix("give CA, server and client different names: moskit certgen init")
}

/// Most clients are OpenSSL's, and to them this chain has no end.
fn anchor_not_root(anchor: &Certificate, is_sent: bool, scene: Scene<'_>) -> Finding {
    let (subject, issuer) = (&anchor.subject, &anchor.issuer);
    let ends = format!("`{subject}` in {} is not self-signed: OpenSSL clients refuse the chain", scene.trusted);
    let root = format!("get the CA certificate of `{issuer}` and give it: --cafile FILE");
    let finding = Finding::error("ca.not-root", ends).evidence(format!("`{subject}` was issued by `{issuer}`"));
    if is_sent {
        return finding.evidence("moskit's own clients and rustls take any CA that they are told to trust").fix(root);
    }
    finding.evidence("the server does not send that intermediate along").fix(format!(
        "the server must send it (cat server.crt intermediate.crt > chain.crt as its certfile); then {root}"
    ))
}

/// Days that Apple's systems allow the certificate of a server from its first second to its last, also by private CAs
/// (support.apple.com/103769).
pub const APPLE_DAYS: i64 = 825;

/// What is wrong with a server's certificate that is valid for `lifetime` seconds, if that is too long.
pub fn too_long_for_apple(lifetime: i64) -> Option<String> {
    let days = (lifetime + DAY - 1).div_euclid(DAY);
    (lifetime > APPLE_DAYS * DAY).then(|| {
        format!("valid for {days} days from its first second on: Apple's clients refuse more than {APPLE_DAYS}")
    })
}

/// Long enough to plan a renewal, in seconds.
pub const SOON: i64 = 14 * DAY;

/// What no verifier minds but people should know; `soon` is the time, in seconds, that must be left.
fn advice(leaf: &Certificate, scene: Scene<'_>, soon: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    let lifetime = leaf.not_after - leaf.not_before;
    if scene.purpose == Purpose::Server
        && !leaf.is_ca()
        && let Some(words) = too_long_for_apple(lifetime)
    {
        found.push(Finding::warning("cert.lifetime", words));
    }
    if scene.purpose == Purpose::Client && !leaf.is_ca() && leaf.common_name().is_none() {
        found.push(
            Finding::warning("client.no-cn", "the client certificate has no common name to be a user name")
                .evidence("a broker with use_identity_as_username refuses it as a bad user name or password")
                .fix("moskit certgen client ID"),
        );
    }
    if lifetime > soon.min(SOON) {
        found.extend(expires_soon(leaf, scene, soon));
    }
    found
}

/// A certificate with less than `soon` seconds to go.
pub fn expires_soon(certificate: &Certificate, scene: Scene<'_>, soon: i64) -> Option<Finding> {
    let left = certificate.not_after - scene.now;
    // A CA is not renewed: those who trust it would not hear of it.
    let (who, fix) = if certificate.is_ca() {
        (format!("the CA `{}`", certificate.subject), "make a new one: moskit certgen ca NAME".to_owned())
    } else {
        (format!("the {}", scene.holder()), scene.renew())
    };
    let what = format!("{who} expires in {} ({})", span(left), date(certificate.not_after));
    (0..soon).contains(&left).then(|| Finding::warning("cert.expires-soon", what).fix(fix))
}

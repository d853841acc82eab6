//! Judgements of certificate chains in words.

use std::path::Path;

use crate::pki::certificate::{Certificate, short_key_id};
use crate::pki::chain::{Problem, Purpose, UnknownIssuer, Warning};
use crate::pki::name::PeerName;

use super::stacks::key_ids_differ;
use super::when::{date, span};
use super::{Finding, Severity, shell};

/// What the sentences need to know besides the judgement.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub purpose: Purpose,
    /// Seconds since 1970.
    pub now: i64,
    /// What was trusted, for people: the name of the CA file.
    pub trusted: &'a str,
    /// Where the certificate lies, if it came from a file.
    pub file: Option<&'a Path>,
}

impl Scene<'_> {
    fn holder(&self) -> &'static str {
        match self.purpose {
            Purpose::Server => "server certificate",
            Purpose::Client => "client certificate",
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
        let file = self.file.map_or_else(|| "CERT".to_owned(), shell::path);
        format!("moskit certgen renew {file}")
    }
}

/// The stable id of a problem. Those of client certificates have names of their own where the
/// remedy is another.
fn id(problem: &Problem, purpose: Purpose) -> &'static str {
    let id = problem.id();
    if purpose == Purpose::Server {
        return id;
    }
    match id {
        "cert.expired" => "client.expired",
        "ca.unknown" => "client.ca-unknown",
        "cert.eku" => "client.eku",
        "cert.revoked" => "client.revoked",
        other => other,
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
        Problem::UnsupportedAlgorithm { certificate } => (
            format!(
                "{} is signed with {}, which is not supported",
                named(certificate),
                certificate.signature_algorithm.name
            ),
            "issue it again with RSA, ECDSA or Ed25519",
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
    let known = if unknown.known.is_empty() {
        "nobody".to_owned()
    } else {
        unknown.known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let mut evidence = vec![format!("{} holds {known}", scene.trusted)];
    if let Some(id) = &certificate.authority_key_id {
        evidence.push(format!("the issuer's key id is {}", short_key_id(id)));
    }
    let what = if unknown.self_signed {
        format!("{} is self-signed and not in {}", named(certificate), scene.trusted)
    } else {
        format!("the issuer `{}` is not in {}", certificate.issuer, scene.trusted)
    };
    let fix = match scene.purpose {
        Purpose::Server if unknown.self_signed => {
            "if you trust this server, use its own certificate: --cafile SERVER.crt".to_owned()
        }
        Purpose::Server => format!("get the CA certificate of `{}` and give it: --cafile FILE", certificate.issuer),
        Purpose::Client => format!("use a certificate by a CA that the broker's cafile holds: {}", scene.verb()),
    };
    (what, evidence, fix)
}

fn missing_intermediate(certificate: &Certificate, scene: Scene<'_>) -> Words {
    (
        format!("only the leaf was presented, issued by `{}`, which is no root", certificate.issuer),
        vec![format!("{} does not hold that CA either", scene.trusted)],
        "the certificate file must hold leaf and intermediate: cat leaf.crt intermediate.crt > chain.crt".to_owned(),
    )
}

fn same_name_other_key(certificate: &Certificate, ca: &Certificate, scene: Scene<'_>) -> Words {
    let id = |id: &Option<Vec<u8>>| id.as_deref().map_or_else(|| "unknown".to_owned(), short_key_id);
    (
        format!("{} has a CA named `{}`, but with another key than the one that signed", scene.trusted, ca.subject),
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

/// What was accepted and will fail elsewhere. `asked` is the host that was asked for.
pub fn warning(warning: Warning, leaf: &Certificate, asked: Option<&PeerName>, scene: Scene<'_>) -> Finding {
    match (warning, asked) {
        // Mosquitto before 2.1 looked for addresses in the common name; OpenSSL's own check, used since, does not.
        (Warning::CommonNameOnly, Some(PeerName::Ip(address))) => {
            Finding::error("cert.ip-in-cn-or-dns", format!("the address {address} stands in the common name only"))
                .evidence("OpenSSL wants it as an iPAddress in subjectAltName; Mosquitto before 2.1 did not")
                .fix(format!("moskit certgen server {address}"))
        }
        (Warning::CommonNameOnly, _) => {
            let name = leaf.common_name().unwrap_or_default();
            Finding::warning(
                "cert.cn-only",
                "the certificate has no subjectAltName: Mosquitto's clients take it, rustls, Go and browsers do not",
            )
            .fix(format!("moskit certgen server {}", shell::quoted(name)))
        }
        (Warning::Version1, _) => {
            Finding::warning("cert.v1", "the certificate is X.509 v1: OpenSSL clients take it, rustls does not")
                .evidence("`openssl x509 -req` without -extfile makes those")
                .fix(format!("issue it again as v3: {}", scene.verb()))
        }
        (Warning::CaAsLeaf, _) => Finding::warning(
            "cert.self-signed-as-server",
            "the server uses a CA certificate (CA:TRUE) as its own: OpenSSL clients take it, rustls does not",
        )
        .fix("make a CA and a server certificate: moskit certgen init"),
        (Warning::SubjectEqualsIssuer, _) => {
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
    }
}

/// What no verifier minds but people should know.
pub fn advice(leaf: &Certificate, scene: Scene<'_>) -> Vec<Finding> {
    /// Apple refuses longer ones.
    const LIFETIME_DAYS: i64 = 825;
    /// Long enough to plan a renewal.
    const SOON_DAYS: i64 = 14;
    let days = |seconds: i64| seconds / 86_400;
    let mut found = Vec::new();
    let lifetime = days(leaf.not_after - leaf.not_before);
    if scene.purpose == Purpose::Server && lifetime > LIFETIME_DAYS {
        found.push(Finding::note(
            "cert.lifetime",
            format!("valid for {lifetime} days: Apple's clients refuse more than {LIFETIME_DAYS}"),
        ));
    }
    if scene.purpose == Purpose::Client && leaf.common_name().is_none() {
        found.push(
            Finding::warning("client.no-cn", "the client certificate has no common name to be a user name")
                .evidence("a broker with use_identity_as_username refuses it as a bad user name or password")
                .fix("moskit certgen client ID"),
        );
    }
    let left = days(leaf.not_after - scene.now);
    if (0..SOON_DAYS).contains(&left) && leaf.not_after >= scene.now && lifetime > SOON_DAYS {
        found.push(
            Finding::new(
                Severity::Warning,
                "cert.expires-soon",
                format!("the {} expires in {}", scene.holder(), span(leaf.not_after - scene.now)),
            )
            .fix(scene.renew()),
        );
    }
    found
}

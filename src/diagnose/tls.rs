//! TLS that does not come about: handshakes, alerts, and options that make no configuration.

use std::path::Path;

use crate::net::endpoint::TLS_PORT;
use crate::net::reason;
use crate::net::tls::{self, Alert, Cause, Failure, FileRole, OptionsError, Seen, UnknownCiphers, Version};
use crate::pki::key::DecryptError;

use super::chain;
use super::files::{self, mismatch, unreadable};
use super::when::date;
use super::{About, Attempted, Finding, list, protocol, shell};

/// Why a TLS handshake failed.
pub fn handshake(failure: &Failure, attempted: &Attempted<'_>) -> Finding {
    let place = attempted.place();
    match &failure.cause {
        Cause::Certificate => {
            let verdict = failure.seen.verdict.as_ref();
            match verdict.and_then(|verdict| verdict.problems.first()) {
                Some(problem) => chain::problem(problem, attempted.scene(&attempted.trusted())),
                None => Finding::error("cert.malformed", format!("{place} shows no certificate")),
            }
        }
        Cause::Alert(given) => alert(*given, &failure.seen, attempted),
        Cause::NotTls => tls_to_plain(&place, &failure.seen.first_bytes),
        Cause::Closed if attempted.lacks_alpn_of_aws() => aws(attempted),
        Cause::Closed if failure.seen.speaks_tls() == Some(true) => hung_up(&place, &failure.seen, attempted),
        Cause::Closed => unanswered(&place, attempted),
        Cause::Incompatible(why) => {
            let id = if why.contains("Version") { "tls.version" } else { "tls.cipher" };
            Finding::error(id, format!("{place} and we have nothing in common: {why}")).fix(offer_more(attempted))
        }
        Cause::BadName => {
            let name = failure.name.as_deref().unwrap_or_default();
            Finding::error("tls.name", format!("`{name}` cannot be the name of a TLS server"))
                .fix("give the host name in the server's certificate with -h")
        }
        Cause::TimedOut if failure.seen.speaks_tls() == Some(true) => {
            Finding::error("tls.timeout", format!("{place} began the TLS handshake and did not go on with it"))
                .fix("the server may be overloaded, or something between holds large packets back: its log says whether it sent more")
        }
        Cause::TimedOut => {
            Finding::error("tls.timeout", format!("{place} accepted the connection and then said nothing of TLS"))
                .fix("is it a TLS listener? without --cafile, --tls-use-os-certs and mqtts:// we speak plain MQTT")
        }
        Cause::Protocol(why) => Finding::error("tls.protocol", format!("{place} breaks the rules of TLS: {why}")),
        Cause::Io(error) => Finding::error("net.lost", format!("the connection to {place} broke: {}", reason(error))),
    }
}

/// What to do about a listener that has no TLS.
pub const WITHOUT_TLS: &str = "TLS listeners are usually on port 8883: -p 8883; or, in clear, leave out --cafile, --capath, \
     --tls-use-os-certs and mqtts://, or add --no-tls";

/// What we speak at most, for people.
const ALL_WE_SPEAK: &str =
    "moskit speaks TLS 1.2 and 1.3 with ECDHE and AES-GCM or ChaCha20 only: the server must offer one of them";

/// Whether the options leave out something that we could offer.
pub fn is_narrowed(tls: &tls::Options) -> bool {
    let has_fewer_suites = tls.suites.tls12.is_some() || tls.suites.tls13.is_some();
    tls.minimum_version != Version::default() || has_fewer_suites || !tls.alpn.is_empty()
}

/// What to leave out so that more is offered, of what was given.
fn offer_more(attempted: &Attempted<'_>) -> String {
    let Some(tls) = attempted.tls else { return ALL_WE_SPEAK.to_owned() };
    let is_narrowed = tls.suites.tls12.is_some() || tls.suites.tls13.is_some();
    let given: Vec<_> = [
        (tls.minimum_version != Version::default(), "--tls-version"),
        (is_narrowed, "--ciphers"),
        (!tls.alpn.is_empty(), "--tls-alpn"),
    ]
    .into_iter()
    .filter(|(is_given, _)| *is_given)
    .map(|(_, option)| option.to_owned())
    .collect();
    if given.is_empty() {
        return ALL_WE_SPEAK.to_owned();
    }
    format!("leave out {} to offer everything that moskit speaks", list(&given))
}

/// The peer ended a handshake in whose course it had shown its certificate, and did not say why.
fn hung_up(place: &str, seen: &Seen, attempted: &Attempted<'_>) -> Finding {
    let what =
        format!("{place} closed the connection in the middle of the TLS handshake, without an alert that says why");
    let finding = Finding::error("tls.closed", what);
    match (&seen.asked_for_certificate, seen.sent_certificate) {
        (Some(_), false) => finding.about(About::OwnCertificate).fix(format!(
            "perhaps it insists on the client certificate that it asked for{}: --cert FILE --key FILE",
            accepted_issuers(seen)
        )),
        (Some(_), true) => finding
            .about(About::OwnCertificate)
            .fix(format!("perhaps it refuses the client certificate: {}", inspect_own(attempted))),
        (None, _) => finding.fix("the server's log says why"),
    }
}

fn tls_to_plain(place: &str, first_bytes: &[u8]) -> Finding {
    let (what, fix) = match protocol(first_bytes) {
        Some("HTTP") => (format!("{place} speaks HTTP, and not TLS"), WITHOUT_TLS),
        Some(protocol) => {
            (format!("{place} speaks {protocol}, and neither TLS nor MQTT"), "give the port of the broker: -p PORT")
        }
        None => (format!("{place} answers, but not with TLS"), WITHOUT_TLS),
    };
    Finding::error("tls.tls-to-plain", what)
        .about(About::NoTls)
        .evidence(format!("it says {:?}", String::from_utf8_lossy(first_bytes)))
        .fix(fix)
}

/// The peer hung up before a byte. Listeners without TLS do that, and so does a server that has TLS and refuses us before it says
/// anything, or what stands before one that does not run.
fn unanswered(place: &str, attempted: &Attempted<'_>) -> Finding {
    let what = format!("{place} closed the connection when TLS began, without a byte: whether it has TLS is not known");
    let finding = Finding::error("tls.unanswered", what).about(About::NoTls);
    let finding = match attempted.endpoint.host() {
        Some(host) if host.parse::<std::net::IpAddr>().is_ok() => finding.evidence(
            "the host is an address, so no name was sent: a server that chooses its certificate by name may hang up",
        ),
        _ => finding,
    };
    finding.fix(match attempted.port() {
        Some(TLS_PORT) => "the server's log says why it hung up".to_owned(),
        _ => {
            format!("the server's log says why it hung up; TLS listeners are usually on port {TLS_PORT}: -p {TLS_PORT}")
        }
    })
}

fn aws(attempted: &Attempted<'_>) -> Finding {
    Finding::error(
        "tls.alpn",
        format!("{} looks like AWS IoT, which takes MQTT on port 443 by ALPN only", attempted.place()),
    )
    .fix("--tls-alpn x-amzn-mqtt-ca (mqtt with a custom authorizer)")
}

/// What the peer meant by its alert, which depends on whether it judged a certificate of ours.
pub(super) fn alert(alert: Alert, seen: &Seen, attempted: &Attempted<'_>) -> Finding {
    let asked = seen.asked_for_certificate.is_some();
    // TLS 1.3 has an alert of its own for it; before, OpenSSL says 40 and Go and Java 42.
    if alert.0 == 116 || matches!(alert.0, 40 | 42) && asked && !seen.sent_certificate {
        return certificate_required(seen);
    }
    let of_own = if seen.sent_certificate { alert_about_own(alert, seen, attempted) } else { None };
    of_own.unwrap_or_else(|| alert_about_tls(alert, attempted))
}

/// The alerts that mean the certificate that we showed.
fn alert_about_own(alert: Alert, seen: &Seen, attempted: &Attempted<'_>) -> Option<Finding> {
    let finding = match alert.0 {
        48 => Finding::error(
            "client.ca-unknown",
            format!("the broker does not know the issuer of the client certificate{}", accepted_issuers(seen)),
        )
        .fix(inspect_own(attempted)),
        45 => expired(attempted),
        43 => Finding::error(
            "client.eku",
            "the broker says that the client certificate is not for clients (its extended key usage lacks clientAuth)",
        )
        .fix(inspect_own(attempted)),
        44 => Finding::error("client.revoked", "the client certificate has been revoked")
            .fix("get another one from its CA; if it should be valid, the broker's crlfile has to be made anew"),
        42 | 46 | 49 | 51 => {
            Finding::error("client.refused", format!("the broker refuses the client certificate: {alert}"))
                .fix(inspect_own(attempted))
        }
        _ => return None,
    };
    Some(finding.about(About::OwnCertificate))
}

fn alert_about_tls(alert: Alert, attempted: &Attempted<'_>) -> Finding {
    let place = attempted.place();
    match alert.0 {
        120 if attempted.is_aws() && !attempted.offers_alpn_of_aws() => aws(attempted),
        120 => {
            let offered = attempted.tls.map(|tls| tls.alpn.clone()).unwrap_or_default();
            let offered = if offered.is_empty() { "none".to_owned() } else { list(&offered) };
            Finding::error("tls.alpn", format!("{place} wants another application protocol (we offered {offered})"))
                .fix("name it with --tls-alpn")
        }
        70 => Finding::error("tls.version", format!("{place} speaks no version of TLS that we do (1.2 and 1.3)"))
            .fix(offer_more(attempted)),
        40 | 71 => Finding::error(
            "tls.cipher",
            format!("{place} ended the handshake ({alert}): no cipher suite, signature or curve in common"),
        )
        .fix(offer_more(attempted)),
        112 => Finding::error("tls.sni", format!("{place} has no certificate for the name that we asked for"))
            .fix("give the host name in the server's certificate with -h"),
        115 => Finding::error("psk.unknown-identity", "the broker does not know this --psk-identity")
            .fix("the broker's psk_file lists the identities that it knows"),
        20 => Finding::error("psk.wrong-key", "the broker has another key for this --psk-identity")
            .fix("give with --psk the key that the broker's psk_file has for it"),
        _ => Finding::error("tls.alert", format!("{place} ended the TLS session: {alert}"))
            .fix("the server's log says why"),
    }
}

/// The broker says that something has expired, and OpenSSL says the same of a revocation list that is out of date. The
/// dates of our own certificates tell which.
fn expired(attempted: &Attempted<'_>) -> Finding {
    let own = attempted.tls.map(tls::Options::own_certificates).unwrap_or_default();
    let now = date(attempted.now);
    match own.iter().map(|certificate| certificate.not_after).min() {
        Some(earliest) if earliest > attempted.now => Finding::error(
            "crl.expired",
            format!(
                "the broker says that something has expired, and the client certificate is valid until {}: its \
                 revocation list (crlfile) is probably out of date",
                date(earliest)
            ),
        )
        .fix(format!(
            "have the CA issue a new revocation list for the broker; or is its clock wrong? this machine's says {now}"
        )),
        _ => Finding::error(
            "client.expired",
            format!("the broker says that the client certificate has expired; this machine's clock says {now}"),
        )
        .fix("or the broker's revocation list is out of date: check its nextUpdate"),
    }
}

fn certificate_required(seen: &Seen) -> Finding {
    let finding = Finding::error(
        "client.cert-required",
        format!("the broker asks for a client certificate{}, and none was given", accepted_issuers(seen)),
    );
    finding.about(About::OwnCertificate).fix("--cert FILE --key FILE, together with --cafile or --capath")
}

/// ` (it accepts those of CN=Lab CA)`: the issuers that the server named when it asked.
pub(super) fn accepted_issuers(seen: &Seen) -> String {
    let names: Vec<_> =
        seen.asked_for_certificate.iter().flatten().filter(|name| !name.is_empty()).map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!(" (it accepts those of {})", list(&names)) }
}

fn inspect_own(attempted: &Attempted<'_>) -> String {
    let certificate = attempted.tls.and_then(|tls| tls.identity.as_ref()).map(|(certificate, _)| certificate);
    let certificate = certificate.map_or_else(|| "CERT".to_owned(), |path| shell::path(path));
    format!("look at it: moskit certgen inspect {certificate}")
}

/// Why options made no TLS configuration.
pub fn options(error: &OptionsError) -> Finding {
    match error {
        OptionsError::File { role: FileRole::Cafile, error } => files::cafile_unreadable(error),
        OptionsError::File { role, error } => unreadable(what_for(*role), error),
        OptionsError::Malformed { role, path } => Finding::error(
            "file.damaged",
            format!("a section of the {} `{}` is damaged", what_for(*role), path.display()),
        )
        .fix("get the file again from where it was made"),
        OptionsError::NoSystemCertificates => {
            Finding::error("ca.none", "the operating system has no certificates that can be read")
                .fix("install ca-certificates, or give --cafile FILE")
        }
        OptionsError::KeyEncrypted { path, encryption } => Finding::error(
            "key.encrypted",
            format!("the key `{}` is encrypted ({encryption}) and no passphrase was given", path.display()),
        )
        .fix(decrypt(path)),
        OptionsError::KeyNotDecrypted { path, encryption, error } => not_decrypted(path, encryption, error),
        OptionsError::KeyUnusable { path } => Finding::error(
            "key.unusable",
            format!(
                "the key `{}` cannot be used: RSA of 2048 bits and more, P-256, P-384, P-521 and Ed25519 can",
                path.display()
            ),
        ),
        OptionsError::Swapped { certificate, key } => files::swapped(certificate, key),
        OptionsError::KeyMismatch { certificate, key } => mismatch(certificate, key),
        OptionsError::ChainOrder { certificate } => Finding::error(
            "chain.order",
            format!("the first certificate in `{}` is not the one that the key belongs to", certificate.display()),
        )
        .fix("put the own certificate first, then the one that issued it"),
        OptionsError::Ciphers(list) => ciphers(list, "--ciphers"),
        OptionsError::ApplicationProtocol(name) => Finding::error(
            "tls.alpn",
            format!("`{name}` cannot be the name of an application protocol: it has 1 to 255 bytes"),
        ),
        OptionsError::KeyLog { path, error } => Finding::error(
            "file.kind",
            format!("the key log `{}` cannot be written: {}", path.display(), reason(error)),
        ),
    }
}

/// The same where nothing but the CAs to trust was asked for: by `option`, in whose absence those of the system count.
pub fn authorities(error: &OptionsError, option: &str) -> Finding {
    match error {
        OptionsError::NoSystemCertificates => {
            options(error).fix(format!("install ca-certificates, or give {option} FILE"))
        }
        // There is no such option for a folder.
        OptionsError::File { role: FileRole::Cafile, error } => unreadable(what_for(FileRole::Cafile), error),
        _ => options(error),
    }
}

/// A list of ciphers that cannot be had; `option` is where it was given.
pub fn ciphers(ciphers: &UnknownCiphers, option: &str) -> Finding {
    let cause = if ciphers.unknown.is_empty() {
        format!("`{}` leaves no cipher suite that moskit has", ciphers.list)
    } else {
        let words: Vec<_> = ciphers.unknown.iter().map(|word| format!("`{word}`")).collect();
        format!("no cipher suite that moskit has is called {}", list(&words))
    };
    Finding::error("tls.cipher", cause)
        .fix(format!("the suites are those of TLS 1.3 and ECDHE with AES-GCM or ChaCha20: leave out {option} for all"))
}

fn what_for(role: FileRole) -> &'static str {
    match role {
        FileRole::Cafile => "CA file",
        FileRole::Capath => "CA folder",
        FileRole::Certificate => "certificate",
        FileRole::Key => "private key",
        FileRole::RevocationList => "revocation list",
        FileRole::KeyLog => "key log",
    }
}

fn not_decrypted(path: &Path, encryption: &str, error: &DecryptError) -> Finding {
    let word = shell::path(path);
    let path = path.display();
    match error {
        DecryptError::WrongPassphrase => {
            Finding::error("key.passphrase", format!("that is not the passphrase of the key `{path}` ({encryption})"))
        }
        DecryptError::Unsupported(what) => Finding::error(
            "key.encrypted",
            format!("the key `{path}` is encrypted in a way that moskit does not know: {what}"),
        )
        .fix(format!("to convert it: openssl pkcs8 -topk8 -in {word} -out {word}.new")),
        DecryptError::TooCostly => Finding::error(
            "key.encrypted",
            format!("the key `{path}` demands more work or memory to open than moskit allows"),
        ),
        // A key has no MAC.
        DecryptError::Malformed | DecryptError::Mac => {
            Finding::error("file.kind", format!("the key `{path}` is damaged"))
        }
    }
}

fn decrypt(path: &Path) -> String {
    format!("give its passphrase with --key-pass-file, or open it for good: {}", files::decrypt(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Endpoint;

    #[test]
    fn an_alert_is_told_by_what_we_had_shown() {
        let endpoint = Endpoint::new("mqtt.lan", 8883).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 1_795_268_760 };
        let id = |code, asked: bool, sent| {
            let seen = Seen { asked_for_certificate: asked.then(Vec::new), sent_certificate: sent, ..Seen::default() };
            alert(Alert(code), &seen, &attempted).id
        };
        let rows = [
            (116, true, false, "client.cert-required"),
            (40, true, false, "client.cert-required"),
            (40, false, false, "tls.cipher"),
            (48, true, true, "client.ca-unknown"),
            (45, true, true, "client.expired"),
            (43, true, true, "client.eku"),
            (44, true, true, "client.revoked"),
            (42, true, true, "client.refused"),
            (42, true, false, "client.cert-required"),
            (42, false, false, "tls.alert"),
            (120, false, false, "tls.alpn"),
            (70, false, false, "tls.version"),
            (112, false, false, "tls.sni"),
            (115, false, false, "psk.unknown-identity"),
        ];
        for (code, asked, sent, expected) in rows {
            assert_eq!(id(code, asked, sent), expected, "alert {code}, asked {asked}, sent {sent}");
        }
    }

    #[test]
    fn a_key_under_a_pass_phrase_is_named_with_its_encryption() {
        let error = OptionsError::KeyEncrypted { path: "client.key".into(), encryption: "PKCS#8, PBES2 x".to_owned() };
        let finding = options(&error);
        assert_eq!(finding.what, "the key `client.key` is encrypted (PKCS#8, PBES2 x) and no passphrase was given");
        assert!(finding.fix.unwrap().contains("moskit certgen key decrypt client.key"));
    }
}

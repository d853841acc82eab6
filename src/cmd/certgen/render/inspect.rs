//! What `certgen inspect` has seen, as text and as JSON.

use serde_json::{Map, Value, json};

use crate::cmd::certgen::dates::{from_now, instant, now};
use crate::cmd::certgen::inspect::{Seen, Thing};
use crate::cmd::certgen::key::{hex, pin, sha256};
use crate::cmd::certgen::peer::Peer;
use crate::cmd::certgen::sentences::why_closed;
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::make::{Request, RequestError};
use crate::pki::name::{Constraints, Subtree};
use crate::pki::revocation::RevocationList;
use crate::term::{Failure, Term, escape_controls, plural};

/// What is shown of one thing: a heading, and facts by their stable names.
struct Sheet {
    kind: &'static str,
    /// What its place is called in the file.
    part: Option<String>,
    facts: Vec<Fact>,
}

/// One line for people, and one member of the JSON object.
struct Fact {
    name: &'static str,
    label: &'static str,
    text: String,
    value: Value,
}

/// What was seen of `target`. `is_first`: nothing was shown before it.
pub fn seen(target: &str, seen: &Seen, is_first: bool, term: &mut Term) {
    if !is_first {
        term.line("");
    }
    let (server, sheets) = sheets(seen);
    let place = escape_controls(target);
    if let Some(server) = &server {
        server.show(&place, term);
    }
    for (index, sheet) in sheets.iter().enumerate() {
        // What is alone in its file, or first in it, is the file.
        let is_file = index == 0 && server.is_none();
        let name = match &sheet.part {
            Some(part) => format!("{place} ({})", escape_controls(part)),
            None if is_file => place.to_string(),
            None => format!("{place} ({})", index + 1),
        };
        sheet.show(&name, term);
    }
}

/// The same as one JSON object.
pub fn seen_as_json(target: &str, seen: &Seen, term: &mut Term) {
    let (server, sheets) = sheets(seen);
    let mut object = Map::new();
    object.insert("target".to_owned(), json!(target));
    if let Some(server) = server {
        object.insert("server".to_owned(), server.to_json());
    }
    object.insert("items".to_owned(), sheets.iter().map(Sheet::to_json).collect());
    term.json(Value::Object(object));
}

/// That a target could not be looked at, as one JSON object.
pub fn unseen_as_json(target: &str, failure: &Failure, term: &mut Term) {
    term.json(json!({ "target": target, "error": failure.message }));
}

/// That of the server, if it is one, and those of what it shows or the file holds.
fn sheets(seen: &Seen) -> (Option<Sheet>, Vec<Sheet>) {
    match seen {
        Seen::Server(peer) => (Some(server_sheet(peer)), peer.presented.iter().map(certificate_sheet).collect()),
        Seen::File { form, things } => {
            let bare = |name: &'static str| name.strip_prefix("an ").or(name.strip_prefix("a ")).unwrap_or(name);
            let head = form.map(|form| {
                Sheet::new(bare(form.name())).fact(
                    "things",
                    "holds",
                    format!("{}, shown below", plural(things.len() as u64, "thing")),
                    json!(things.len()),
                )
            });
            let of = |(part, thing): &(Option<String>, Thing)| Sheet { part: part.clone(), ..thing_sheet(thing) };
            (None, head.into_iter().chain(things.iter().map(of)).collect())
        }
    }
}

impl Sheet {
    fn new(kind: &'static str) -> Self {
        Self { kind, part: None, facts: Vec::new() }
    }

    /// A fact that both people and programs get as text.
    fn text(self, name: &'static str, label: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        let value = json!(text);
        self.fact(name, label, text, value)
    }

    /// As [`Sheet::text`]; without a text, people see nothing and programs `null`.
    fn optional(self, name: &'static str, label: &'static str, text: Option<String>) -> Self {
        let value = json!(text);
        self.fact(name, label, text.unwrap_or_default(), value)
    }

    fn fact(mut self, name: &'static str, label: &'static str, text: impl Into<String>, value: Value) -> Self {
        self.facts.push(Fact { name, label, text: text.into(), value });
        self
    }

    fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("kind".to_owned(), json!(self.kind));
        if let Some(part) = &self.part {
            object.insert("part".to_owned(), json!(part));
        }
        for fact in &self.facts {
            object.insert(fact.name.to_owned(), fact.value.clone());
        }
        Value::Object(object)
    }

    fn show(&self, place: &str, term: &mut Term) {
        term.line(format_args!("{place}: {}", self.kind));
        for fact in self.facts.iter().filter(|fact| !fact.text.is_empty()) {
            term.line(format_args!("  {:10} {}", fact.label, escape_controls(&fact.text)));
        }
    }
}

fn thing_sheet(thing: &Thing) -> Sheet {
    match thing {
        Thing::Certificate(certificate) => certificate_sheet(certificate),
        Thing::Request(request) => request_sheet(request),
        Thing::RevocationList(list) => list_sheet(list),
        Thing::Key { kind, public_key } => {
            Sheet::new("private key").text("key", "type", kind.to_string()).text("pin", "pin", pin(public_key))
        }
        Thing::EncryptedKey(encryption) => {
            Sheet::new("encrypted private key").text("encryption", "encrypted", encryption)
        }
        Thing::PublicKey(der) => Sheet::new("public key").text("pin", "pin", pin(der)),
        Thing::Closed(closed) => Sheet::new("not known").text("what", "what", why_closed(closed)),
        Thing::Unknown(kind) => Sheet::new("not known").text("what", "what", kind.describe()),
        Thing::Store { keys, certificates } => Sheet::new("PKCS#12 store")
            .fact("private_keys", "keys", keys.to_string(), json!(keys))
            .fact("certificates", "holds", format!("{certificates} certificates, shown below"), json!(certificates)),
        Thing::Other(label) => Sheet::new("PEM section").text("label", "label", label),
        Thing::Damaged(what) => Sheet::new("damaged").text("what", "what", *what),
    }
}

fn list_sheet(list: &RevocationList) -> Sheet {
    let now = now();
    let next = list.next_update;
    let count = list.len();
    Sheet::new("revocation list")
        .text("issuer", "issuer", list.issuer.to_string())
        .text("last_update", "made", instant(list.last_update))
        .fact(
            "next_update",
            "good until",
            next.map_or("for ever".to_owned(), |next| format!("{} ({})", instant(next), from_now(next, now))),
            json!(next.map(instant)),
        )
        .fact("revoked", "revoked", count.to_string(), json!(count))
}

fn certificate_sheet(certificate: &Certificate) -> Sheet {
    let now = now();
    let names: Vec<_> = certificate.alternative_names.iter().flatten().map(ToString::to_string).collect();
    let path_length = certificate.basic_constraints.and_then(|constraints| constraints.path_length);
    let authority = match (certificate.is_ca(), path_length) {
        (true, Some(length)) => format!("yes, path length {length}"),
        (true, None) => "yes".to_owned(),
        (false, _) if certificate.basic_constraints.is_none() => "not said".to_owned(),
        (false, _) => "no".to_owned(),
    };
    let usage = key_usage(certificate);
    let purposes = certificate.extended_key_usage.as_ref().map(|usage| usage.names.clone());
    let all_usages: Vec<_> =
        usage.iter().map(|usage| (*usage).to_owned()).chain(purposes.iter().flatten().cloned()).collect();
    let validity = match certificate {
        it if now > it.not_after => format!(", expired {}", from_now(it.not_after, now)),
        it if now < it.not_before => format!(", begins {}", from_now(it.not_before, now)),
        it => format!(", ends {}", from_now(it.not_after, now)),
    };
    let mut sheet = Sheet::new("certificate")
        .text("subject", "subject", certificate.subject.to_string())
        .text("issuer", "issuer", certificate.issuer.to_string())
        .fact("names", "names", names.join(", "), json!(names))
        .text("not_before", "valid from", instant(certificate.not_before))
        .fact(
            "not_after",
            "until",
            format!("{}{validity}", instant(certificate.not_after)),
            json!(instant(certificate.not_after)),
        )
        .fact("ca", "CA", authority, json!(certificate.is_ca()))
        .fact("path_length", "", "", json!(path_length))
        .fact("key_usage", "use", all_usages.join(", "), json!(usage))
        .fact("extended_key_usage", "", "", json!(purposes));
    if let Some(constraints) = &certificate.name_constraints {
        sheet = constraints_facts(sheet, constraints);
    }
    sheet
        .text("key", "key", certificate.public_key.kind.name())
        .text("signature", "signed", certificate.signature_algorithm.name.clone())
        .fact("version", "", "", json!(certificate.version))
        .text("serial", "serial", hex(&certificate.serial))
        .fact("self_signed", "", "", json!(certificate.is_self_signed()))
        .optional("subject_key_id", "key id", certificate.subject_key_id.as_deref().map(hex))
        .optional("authority_key_id", "issuer id", certificate.authority_key_id.as_deref().map(hex))
        .text("sha256", "SHA-256", hex(&sha256(&certificate.der)))
        .text("pin", "pin", pin(&certificate.public_key.info))
}

fn constraints_facts(sheet: Sheet, constraints: &Constraints) -> Sheet {
    let list = |subtrees: &[Subtree]| subtrees.iter().map(subtree_text).collect::<Vec<_>>();
    let (permitted, excluded) = (list(&constraints.permitted), list(&constraints.excluded));
    sheet.fact("permitted_names", "only for", permitted.join(", "), json!(permitted)).fact(
        "excluded_names",
        "never for",
        excluded.join(", "),
        json!(excluded),
    )
}

fn subtree_text(subtree: &Subtree) -> String {
    match subtree {
        Subtree::Dns(domain) if domain.is_empty() => "every DNS name".to_owned(),
        Subtree::Dns(domain) => format!("DNS:{domain}"),
        Subtree::Ip(bytes) => network(bytes),
        Subtree::Directory(name) => format!("DirName:{name}"),
        Subtree::Email(host) => format!("email:{host}"),
        Subtree::Uri(host) => format!("URI:{host}"),
        Subtree::Other => "names of an unknown kind".to_owned(),
    }
}

/// Address and mask as `10.0.0.0/8`; a mask with holes as it stands.
fn network(bytes: &[u8]) -> String {
    let (address, mask) = bytes.split_at(bytes.len() / 2);
    let ones: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    let contiguous =
        mask.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).is_sorted_by(|one, next| one >= next);
    let text = match address.len() {
        4 => <[u8; 4]>::try_from(address).map(|octets| std::net::IpAddr::from(octets).to_string()),
        _ => <[u8; 16]>::try_from(address).map(|octets| std::net::IpAddr::from(octets).to_string()),
    };
    match text {
        Ok(address) if contiguous => format!("IP:{address}/{ones}"),
        _ => format!("IP:{}", hex(bytes)),
    }
}

fn key_usage(certificate: &Certificate) -> Vec<&'static str> {
    let Some(usage) = certificate.key_usage else { return Vec::new() };
    [
        (usage.digital_signature, "digitalSignature"),
        (usage.key_encipherment, "keyEncipherment"),
        (usage.key_agreement, "keyAgreement"),
        (usage.certificate_sign, "keyCertSign"),
        (usage.crl_sign, "cRLSign"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .collect()
}

fn request_sheet(request: &Result<Request, RequestError>) -> Sheet {
    let sheet = Sheet::new("request");
    match request {
        Ok(request) => {
            let names: Vec<_> = request.names.iter().map(AlternativeName::to_string).collect();
            sheet
                .text("subject", "subject", request.subject.to_string())
                .fact("names", "names", names.join(", "), json!(names))
                .fact("not_granted", "not granted", request.refused.join(", "), json!(request.refused))
                .text("pin", "pin", pin(request.public_key()))
                .text("signature", "signature", "by its own key")
        }
        Err(error) => sheet.text(
            "signature",
            "signature",
            match error {
                RequestError::Unreadable => "the request is damaged",
                RequestError::Signature => "not by its own key",
                RequestError::UnsupportedSignature => "of an algorithm that cannot be checked here",
            },
        ),
    }
}

fn server_sheet(peer: &Peer) -> Sheet {
    let mut sheet = Sheet::new("TLS server");
    if let Some((version, cipher, alpn)) = &peer.session {
        sheet = sheet.text("tls_version", "TLS", *version).text("cipher", "cipher", cipher.clone()).fact(
            "alpn",
            "ALPN",
            alpn.clone().unwrap_or_default(),
            json!(alpn),
        );
    }
    let issuers: Option<Vec<_>> =
        peer.asks_for_certificate.as_ref().map(|issuers| issuers.iter().map(ToString::to_string).collect());
    let wants = match &issuers {
        None => "no certificate".to_owned(),
        Some(issuers) if issuers.is_empty() => "a certificate, of any CA".to_owned(),
        Some(issuers) => format!("a certificate by {}", issuers.join(" or ")),
    };
    sheet.fact("asks_clients_for", "asks for", wants, json!(issuers)).fact(
        "presented",
        "shows",
        format!("{} certificates", peer.presented.len()),
        json!(peer.presented.len()),
    )
}

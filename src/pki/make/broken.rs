//! Sets of files that show one failure each, for tests and for teaching: what a broker and a client of
//! `localhost` would be given.

use rcgen::IsCa;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::authority::sign_again;
use super::{
    Authority, AuthorityPlan, Error, KeyPair, KeyType, Leaf, PermittedNames, Purpose, Subject, Validity, to_pem,
};
use crate::pki::certificate::Certificate;
use crate::pki::revocation::{Reason, Revocation};
use crate::pki::serial::Serial;

const DAY: i64 = 86_400;

/// What the libraries of today do not make any more was made once with openssl, valid to 2049: a CA, a server's certificate
/// and its key.
const SHA1: [&str; 3] =
    [include_str!("weak/sha1-ca.crt"), include_str!("weak/sha1-server.crt"), include_str!("weak/sha1-server.key")];
const RSA_1024: [&str; 3] = [
    include_str!("weak/rsa1024-ca.crt"),
    include_str!("weak/rsa1024-server.crt"),
    include_str!("weak/rsa1024-server.key"),
];

/// The passphrase of the key that is encrypted.
pub const PASSPHRASE: &str = "moskit";

/// One kind of failure. Most names are those of the finding that tells it.
#[derive(Clone, Copy, Debug)]
pub struct BrokenKind {
    pub name: &'static str,
    /// The stable id of the finding.
    pub finding: &'static str,
    /// What is wrong, one sentence.
    pub about: &'static str,
    make: fn(&mut Scene) -> Result<(), Error>,
}

/// A file of the set.
#[derive(Debug)]
pub struct Broken {
    pub name: &'static str,
    /// PEM, but for the kind whose failure is that it is not.
    pub content: Zeroizing<Vec<u8>>,
    /// Only for its owner's eyes.
    pub is_key: bool,
}

const fn kind(
    name: &'static str,
    finding: &'static str,
    make: fn(&mut Scene) -> Result<(), Error>,
    about: &'static str,
) -> BrokenKind {
    BrokenKind { name, finding, about, make }
}

/// Every kind, in the order of the catalogue; the first is the set in which nothing is wrong.
pub const KINDS: &[BrokenKind] = &[
    kind("none", "none", |_| Ok(()), "nothing is wrong: what the others are compared with"),
    kind(
        "cert.expired",
        "cert.expired",
        |scene| scene.server_valid(-30, -1),
        "the server's certificate expired yesterday",
    ),
    kind(
        "cert.not-yet-valid",
        "cert.not-yet-valid",
        |scene| scene.server_valid(7, 30),
        "the server's certificate begins in a week",
    ),
    kind(
        "cert.hostname",
        "cert.hostname",
        |scene| scene.server_named(&["dns:mqtt.example.com"]),
        "the server's certificate is for mqtt.example.com only",
    ),
    kind(
        "cert.cn-only",
        "cert.cn-only",
        |scene| scene.server_named(&[]),
        "the server's certificate has its host in the common name alone",
    ),
    kind(
        "cert.ip-in-cn-or-dns",
        "cert.ip-in-cn-or-dns",
        |scene| scene.server_named(&["dns:127.0.0.1"]),
        "the server's address stands among the DNS names",
    ),
    kind(
        "cert.subject-equals-issuer",
        "cert.subject-equals-issuer",
        |scene| scene.named_as_its_ca(Purpose::Server),
        "the server's certificate has the name of its CA",
    ),
    kind("ca.unknown", "ca.unknown", Scene::other_ca, "clients know another CA than the server's"),
    kind(
        "ca.same-name-other-key",
        "ca.same-name-other-key",
        Scene::ca_made_anew,
        "clients know a CA of the same name with another key",
    ),
    kind(
        "chain.missing-intermediate",
        "ca.unknown",
        |scene| scene.intermediate(false),
        "the server does not send its intermediate CA",
    ),
    kind(
        "chain.order",
        "chain.order",
        |scene| scene.intermediate(true),
        "the server's file begins with the intermediate CA",
    ),
    kind("ca.not-a-ca", "ca.not-a-ca", Scene::ca_false, "the CA's own certificate says CA:FALSE"),
    kind("cert.v1", "cert.v1", Scene::version_1, "the server's certificate is X.509 version 1"),
    kind(
        "cert.self-signed-as-server",
        "cert.self-signed-as-server",
        Scene::ca_as_server,
        "the server uses a self-signed CA certificate as its own",
    ),
    kind(
        "cert.weak-sha1",
        "cert.weak",
        |scene| {
            scene.committed(SHA1);
            Ok(())
        },
        "the server's certificate is signed with SHA-1",
    ),
    kind(
        "cert.weak-rsa1024",
        "cert.weak",
        |scene| {
            scene.committed(RSA_1024);
            Ok(())
        },
        "the server's key is RSA with 1024 bits",
    ),
    kind(
        "cert.eku",
        "cert.eku",
        |scene| scene.wrong_usage(Purpose::Server),
        "the server's certificate is for clients only",
    ),
    kind(
        "cert.name-constraints",
        "cert.name-constraints",
        Scene::constrained,
        "the CA may sign for example.com only, the server is localhost",
    ),
    kind("ca.expired", "ca.expired", Scene::ca_expired, "the CA expired yesterday, the server's certificate did not"),
    kind(
        "cert.lifetime",
        "cert.lifetime",
        |scene| scene.server_valid(-1, 3000),
        "the server's certificate lives longer than 825 days",
    ),
    kind(
        "client.ca-unknown",
        "client.ca-unknown",
        Scene::client_of_other_ca,
        "the client's certificate is by a CA that the broker does not know",
    ),
    kind(
        "client.expired",
        "client.expired",
        |scene| scene.client_valid(-30, -1),
        "the client's certificate expired yesterday",
    ),
    kind(
        "client.eku",
        "client.eku",
        |scene| scene.wrong_usage(Purpose::Client),
        "the client's certificate is for servers only",
    ),
    kind(
        "client.subject-equals-issuer",
        "client.subject-equals-issuer",
        |scene| scene.named_as_its_ca(Purpose::Client),
        "the client's certificate has the name of its CA",
    ),
    kind(
        "client.revoked",
        "client.revoked",
        |scene| scene.revocation(true, 30),
        "the client's certificate is on the revocation list (crl.pem)",
    ),
    kind(
        "crl.expired",
        "crl.expired",
        |scene| scene.revocation(false, -1),
        "the revocation list (crl.pem) should have been replaced yesterday",
    ),
    kind(
        "client.no-cn",
        "client.no-cn",
        Scene::no_common_name,
        "the client's certificate has no common name to make a user name of",
    ),
    kind("key.mismatch", "key.mismatch", Scene::other_key, "server.key is not the key of server.crt"),
    kind(
        "key.encrypted",
        "key.encrypted",
        Scene::encrypted_key,
        "server.key is encrypted (its passphrase is `moskit`), and no service can be asked",
    ),
    kind("file.kind", "file.kind", Scene::der, "server.crt is DER where PEM is expected"),
];

impl BrokenKind {
    pub fn find(name: &str) -> Option<Self> {
        KINDS.iter().find(|kind| kind.name == name).copied()
    }
}

/// Makes the files of `kind` as of `now`: `ca.crt`, `server.crt` and `.key`, `client.crt` and `.key`,
/// and what the kind needs beside them.
///
/// ```
/// use moskit::pki::make::{BrokenKind, broken};
/// let kind = BrokenKind::find("cert.expired").unwrap();
/// let files = broken(kind, 1_800_000_000).unwrap();
/// assert_eq!(files[0].name, "ca.crt");
/// ```
pub fn broken(kind: BrokenKind, now: i64) -> Result<Vec<Broken>, Error> {
    let mut scene = Scene::new(now)?;
    (kind.make)(&mut scene)?;
    Ok(scene.files())
}

/// Everything as it should be, until a kind changes one thing.
struct Scene {
    now: i64,
    ca: Authority,
    /// What clients and the broker trust: PEM.
    trusted: Vec<u8>,
    server: Leaf,
    server_key: KeyPair,
    server_file: Vec<u8>,
    server_key_file: Zeroizing<Vec<u8>>,
    client: Leaf,
    client_key: KeyPair,
    client_file: Vec<u8>,
    more: Vec<Broken>,
}

impl Scene {
    fn new(now: i64) -> Result<Self, Error> {
        let ca = Authority::self_signed(&plan("Broken Lab CA", now), key()?)?;
        let validity = days(now, -1, 90);
        let names =
            ["dns:localhost", "ip:127.0.0.1", "ip:::1"].map(str::parse).into_iter().collect::<Result<_, _>>()?;
        let server = Leaf { subject: Subject::common_name("localhost"), names, purpose: Purpose::Server, validity };
        let client = Leaf {
            subject: Subject::common_name("dev1"),
            names: vec!["dns:dev1".parse()?],
            purpose: Purpose::Client,
            validity,
        };
        let server_key = key()?;
        let mut scene = Self {
            now,
            trusted: certificate_pem(&ca.certificate().der),
            ca,
            server,
            server_key_file: Zeroizing::new(server_key.to_pem().as_bytes().to_vec()),
            server_key,
            server_file: Vec::new(),
            client,
            client_key: key()?,
            client_file: Vec::new(),
            more: Vec::new(),
        };
        scene.sign_both()?;
        Ok(scene)
    }

    fn files(self) -> Vec<Broken> {
        let file = |name, content: Vec<u8>, is_key| Broken { name, content: Zeroizing::new(content), is_key };
        let mut files = vec![
            file("ca.crt", self.trusted, false),
            file("server.crt", self.server_file, false),
            Broken { name: "server.key", content: self.server_key_file, is_key: true },
            file("client.crt", self.client_file, false),
            file("client.key", self.client_key.to_pem().as_bytes().to_vec(), true),
        ];
        files.extend(self.more);
        files
    }

    /// Signs server and client, whatever they are by now.
    fn sign_both(&mut self) -> Result<(), Error> {
        self.server_file = certificate_pem(&sign(&self.ca, &self.server, &self.server_key)?);
        self.client_file = certificate_pem(&sign(&self.ca, &self.client, &self.client_key)?);
        Ok(())
    }

    fn server_valid(&mut self, from: i64, until: i64) -> Result<(), Error> {
        self.server.validity = days(self.now, from, until);
        self.sign_both()
    }

    fn client_valid(&mut self, from: i64, until: i64) -> Result<(), Error> {
        self.client.validity = days(self.now, from, until);
        self.sign_both()
    }

    fn server_named(&mut self, names: &[&str]) -> Result<(), Error> {
        self.server.names = names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        self.sign_both()
    }

    /// Without key identifiers, as the recipes of openssl make it: with them OpenSSL 3 sees that the
    /// certificate is not self-signed.
    fn named_as_its_ca(&mut self, purpose: Purpose) -> Result<(), Error> {
        let is_client = purpose == Purpose::Client;
        let (leaf, key) = if is_client { (&self.client, &self.client_key) } else { (&self.server, &self.server_key) };
        let leaf = Leaf { subject: Subject::common_name("Broken Lab CA"), ..leaf.clone() };
        let mut params = leaf.params(false)?;
        params.use_authority_key_identifier_extension = false;
        params.is_ca = IsCa::NoCa;
        let made = certificate_pem(&self.ca.issue_anything(&mut params, &key.public_key(), None)?);
        *(if is_client { &mut self.client_file } else { &mut self.server_file }) = made;
        Ok(())
    }

    fn wrong_usage(&mut self, purpose: Purpose) -> Result<(), Error> {
        match purpose {
            Purpose::Client => self.client.purpose = Purpose::Server,
            Purpose::Server | Purpose::Both => self.server.purpose = Purpose::Client,
        }
        self.sign_both()
    }

    fn no_common_name(&mut self) -> Result<(), Error> {
        self.client.subject = Subject { organization: Some("Broken Lab".to_owned()), ..Subject::default() };
        self.sign_both()
    }

    fn other_ca(&mut self) -> Result<(), Error> {
        let other = Authority::self_signed(&plan("Broken Other CA", self.now), key()?)?;
        self.trusted = certificate_pem(&other.certificate().der);
        Ok(())
    }

    fn ca_made_anew(&mut self) -> Result<(), Error> {
        let again = Authority::self_signed(&plan("Broken Lab CA", self.now), key()?)?;
        self.trusted = certificate_pem(&again.certificate().der);
        Ok(())
    }

    fn client_of_other_ca(&mut self) -> Result<(), Error> {
        let other = Authority::self_signed(&plan("Broken Other CA", self.now), key()?)?;
        self.client_file = certificate_pem(&sign(&other, &self.client, &self.client_key)?);
        Ok(())
    }

    /// The server's certificate below an intermediate, which its file lacks or begins with.
    fn intermediate(&mut self, first: bool) -> Result<(), Error> {
        self.replace_ca(|plan| plan.path_length = 1)?;
        let below = self.ca.sign_authority(&plan("Broken Intermediate CA", self.now), key()?)?;
        let intermediate = certificate_pem(&below.certificate().der);
        let leaf = certificate_pem(&sign(&below, &self.server, &self.server_key)?);
        self.server_file = if first { [intermediate.clone(), leaf].concat() } else { leaf };
        self.more.push(Broken { name: "intermediate.crt", content: Zeroizing::new(intermediate), is_key: false });
        Ok(())
    }

    fn constrained(&mut self) -> Result<(), Error> {
        let permitted = PermittedNames::parse(["example.com"])?;
        self.replace_ca(|plan| plan.permitted = permitted)
    }

    fn ca_expired(&mut self) -> Result<(), Error> {
        let validity = days(self.now, -400, -1);
        self.replace_ca(|plan| plan.validity = validity)
    }

    fn ca_false(&mut self) -> Result<(), Error> {
        let mut params = plan("Broken Lab CA", self.now).params()?;
        params.is_ca = IsCa::ExplicitNoCa;
        self.ca = Authority::anything(&mut params, key()?)?;
        self.trusted = certificate_pem(&self.ca.certificate().der);
        self.sign_both()
    }

    fn replace_ca(&mut self, change: impl FnOnce(&mut AuthorityPlan)) -> Result<(), Error> {
        let mut plan = plan("Broken Lab CA", self.now);
        change(&mut plan);
        self.ca = Authority::self_signed(&plan, key()?)?;
        self.trusted = certificate_pem(&self.ca.certificate().der);
        self.sign_both()
    }

    /// One certificate that is CA and server at once, as `openssl req -x509` makes it.
    fn ca_as_server(&mut self) -> Result<(), Error> {
        let leaf = self.server.params(false)?;
        let mut plan = plan("localhost", self.now);
        plan.subject.organization = Some(ORGANIZATION.to_owned());
        let mut params = plan.params()?;
        params.subject_alt_names = leaf.subject_alt_names;
        params.key_usages.clear();
        let both = Authority::anything(&mut params, key()?)?;
        self.trusted = certificate_pem(&both.certificate().der);
        self.server_file.clone_from(&self.trusted);
        self.server_key_file = Zeroizing::new(both.key().to_pem().as_bytes().to_vec());
        Ok(())
    }

    /// Version 1 has neither the version field, which is the first, nor extensions, which are the last.
    fn version_1(&mut self) -> Result<(), Error> {
        let version_3 = sign(&self.ca, &self.server, &self.server_key)?;
        let version_1 = sign_again(&version_3, self.ca.key(), |fields| {
            fields.remove(0);
            fields.pop();
            Ok(())
        })?;
        self.server_file = certificate_pem(&version_1);
        Ok(())
    }

    /// Takes files that were made once.
    fn committed(&mut self, [ca, certificate, key]: [&str; 3]) {
        self.trusted = [ca.as_bytes(), &self.trusted].concat();
        self.server_file = certificate.as_bytes().to_vec();
        self.server_key_file = Zeroizing::new(key.as_bytes().to_vec());
    }

    fn revocation(&mut self, client_is_on_it: bool, next_update_days: i64) -> Result<(), Error> {
        let client = sign(&self.ca, &self.client, &self.client_key)?;
        self.client_file = certificate_pem(&client);
        let certificate = Certificate::parse(&client).map_err(|_| Error::IssuerUnreadable)?;
        let serial = Serial::of(&certificate.serial).map_err(|_| Error::IssuerUnreadable)?;
        let validity = days(self.now, -30, next_update_days);
        let revocation = Revocation { at: validity.not_before, reason: Reason::Unspecified };
        let revoked = client_is_on_it.then_some((&serial, &revocation));
        let list = self.ca.revocation_list(revoked, &[1], validity)?;
        let content = Zeroizing::new(to_pem("X509 CRL", &list).as_bytes().to_vec());
        self.more.push(Broken { name: "crl.pem", content, is_key: false });
        Ok(())
    }

    fn other_key(&mut self) -> Result<(), Error> {
        self.server_key_file = Zeroizing::new(key()?.to_pem().as_bytes().to_vec());
        Ok(())
    }

    fn encrypted_key(&mut self) -> Result<(), Error> {
        let text = self.server_key.to_encrypted_pem(PASSPHRASE.as_bytes())?;
        self.server_key_file = Zeroizing::new(text.as_bytes().to_vec());
        Ok(())
    }

    fn der(&mut self) -> Result<(), Error> {
        self.server_file = sign(&self.ca, &self.server, &self.server_key)?.to_vec();
        Ok(())
    }
}

fn key() -> Result<KeyPair, Error> {
    KeyPair::generate(KeyType::P256)
}

/// Of a CA whose common name has to be another's.
const ORGANIZATION: &str = "Broken Lab";

/// Whether a CA is one of those that are made here, which nobody misses.
pub fn is_broken_authority(certificate: &Certificate) -> bool {
    certificate.common_name().is_some_and(|name| name.starts_with("Broken "))
        || certificate.subject.to_string().contains(ORGANIZATION)
}

fn days(now: i64, from: i64, until: i64) -> Validity {
    Validity { not_before: now + from * DAY, not_after: now + until * DAY }
}

fn plan(name: &str, now: i64) -> AuthorityPlan {
    AuthorityPlan {
        subject: Subject::common_name(name),
        validity: days(now, -400, 3650),
        path_length: 0,
        permitted: PermittedNames::default(),
    }
}

/// Signs a leaf without asking whether that is right.
fn sign(ca: &Authority, leaf: &Leaf, key: &KeyPair) -> Result<CertificateDer<'static>, Error> {
    let mut params = leaf.params(key.kind().is_rsa())?;
    ca.issue_anything(&mut params, &key.public_key(), None)
}

fn certificate_pem(der: &[u8]) -> Vec<u8> {
    to_pem("CERTIFICATE", der).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::chain::{Anchors, Problem, Purpose as Use, Question, judge};
    use crate::pki::name::PeerName;
    use crate::pki::read::{Section, parse};
    use crate::pki::revocation::RevocationList;

    const NOW: i64 = 1_795_000_000;

    fn certificates(files: &[Broken], name: &str) -> Vec<Vec<u8>> {
        let file = files.iter().find(|file| file.name == name).unwrap();
        let sections = parse(&file.content).unwrap().into_iter();
        sections.filter_map(|section| if let Section::Certificate(der) = section { Some(der) } else { None }).collect()
    }

    /// The ids of all that our judge says of the server or the client of a set.
    fn judged(kind: &BrokenKind, purpose: Use) -> Vec<&'static str> {
        let files = broken(*kind, NOW).unwrap();
        let anchors = Anchors::new(certificates(&files, "ca.crt"));
        let host = PeerName::new(if kind.name == "cert.ip-in-cn-or-dns" { "127.0.0.1" } else { "localhost" });
        let lists: Vec<_> = files
            .iter()
            .filter(|file| file.name == "crl.pem")
            .flat_map(|file| parse(&file.content).unwrap())
            .map(|section| match section {
                Section::RevocationList(der) => RevocationList::parse(&der).unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        let question = Question {
            purpose,
            name: (purpose == Use::Server).then_some(&host),
            now: NOW,
            check_dates: true,
            revocation: (purpose == Use::Client && !lists.is_empty()).then_some(&lists),
        };
        let file = if purpose == Use::Server { "server.crt" } else { "client.crt" };
        let verdict = judge(&certificates(&files, file), &anchors, &question);
        let warnings = verdict.warnings.iter().map(|warning| warning.id());
        verdict.problems.iter().map(Problem::id).chain(warnings).collect()
    }

    #[test]
    fn the_judge_finds_in_each_set_what_it_was_made_for() {
        for kind in KINDS {
            let expected: &[&str] = match kind.name {
                // The judge of chains has nothing to say about life times and keys.
                "none" | "cert.lifetime" | "key.mismatch" | "key.encrypted" => &[],
                // No certificate is found in the file at all.
                "file.kind" => continue,
                name if name.starts_with("client.") || name == "crl.expired" => &[],
                _ => &[kind.finding],
            };
            let found = judged(kind, Use::Server);
            assert!(
                if expected.is_empty() { found.is_empty() } else { found.contains(&expected[0]) },
                "{}: {found:?}",
                kind.name
            );
        }
    }

    #[test]
    fn the_judge_finds_what_is_wrong_with_clients() {
        let rows = [
            ("none", &[][..]),
            ("client.ca-unknown", &["ca.unknown"]),
            ("client.expired", &["cert.expired"]),
            ("client.eku", &["cert.eku"]),
            ("client.subject-equals-issuer", &["cert.subject-equals-issuer"]),
            ("client.revoked", &["cert.revoked"]),
            ("crl.expired", &["crl.expired"]),
            ("client.no-cn", &[]),
        ];
        for (name, expected) in rows {
            assert_eq!(judged(&BrokenKind::find(name).unwrap(), Use::Client), expected, "{name}");
        }
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..at].iter().all(|earlier| earlier.name != kind.name), "{}", kind.name);
        }
    }
}

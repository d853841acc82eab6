//! Our judgement of certificate chains beside OpenSSL's, on one table. Where the two differ, the row says why.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use moskit::diagnose::stacks::{self, Answer, Stack};
use moskit::pki::chain::Warning::{self, AnchorNotRoot, CaAsLeaf, CommonNameOnly, SubjectEqualsIssuer, Version1};
use moskit::pki::chain::{Anchors, Purpose, Question, judge};
use moskit::pki::name::PeerName;
use moskit::pki::read;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};

use crate::keys::openssl;
use crate::mosquitto::installed;

const HOST: &str = "mqtt.example.com";

/// Whom a row is about, what both say, and why they may differ.
struct Row {
    name: &'static str,
    /// Leaf first.
    presented: Vec<Vec<u8>>,
    anchors: Vec<Vec<u8>>,
    host: &'static str,
    openssl_accepts: bool,
    /// The warnings of an acceptance, or the id of the first problem.
    ours: Result<&'static [Warning], &'static str>,
    /// On purpose: the reason. Demanded where the verdicts differ, forbidden where they agree.
    differs: Option<&'static str>,
}

/// Somebody who can issue: parameters and key.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}

fn ca(common_name: &str) -> CertificateParams {
    let mut params = named(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(names: &[&str]) -> CertificateParams {
    let mut params = named("somebody");
    params.subject_alt_names = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        .unwrap()
        .subject_alt_names;
    params.use_authority_key_identifier_extension = true;
    params
}

impl Authority {
    fn root(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    fn below(params: CertificateParams, parent: &Self) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = parent.sign(&params, &key);
        Self { params, key, der }
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
        params.signed_by(key, &Issuer::from_params(&self.params, &self.key)).unwrap().der().to_vec()
    }

    fn issue(&self, params: &CertificateParams) -> Vec<u8> {
        self.sign(params, &KeyPair::generate().unwrap())
    }
}

/// The same parameters with a change.
fn with(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

fn row(
    name: &'static str,
    presented: &[&[u8]],
    anchors: &[&[u8]],
    host: &'static str,
    ours: Result<&'static [Warning], &'static str>,
) -> Row {
    let own = |ders: &[&[u8]]| ders.iter().map(|der| der.to_vec()).collect();
    Row {
        name,
        presented: own(presented),
        anchors: own(anchors),
        host,
        openssl_accepts: ours.is_ok(),
        ours,
        differs: None,
    }
}

impl Row {
    fn but_openssl(mut self, accepts: bool, because: &'static str) -> Self {
        self.openssl_accepts = accepts;
        self.differs = Some(because);
        self
    }
}

/// Names: alternative names, common names, wildcards, addresses.
fn name_rows() -> Vec<Row> {
    let root = Authority::root(ca("Lab CA"));
    let ok: Result<&'static [Warning], _> = Ok(&[]);
    let anchors: &[&[u8]] = &[&root.der];
    let one = |name, params: &CertificateParams, host, ours| row(name, &[&root.issue(params)], anchors, host, ours);
    let common = |text: &str| named(text);
    vec![
        one("host in the SAN", &leaf(&[HOST]), HOST, ok),
        one("host in the SAN, other letter case", &leaf(&["MQTT.Example.COM"]), HOST, ok),
        one("IPv4 address in the SAN", &leaf(&["192.168.1.10"]), "192.168.1.10", ok),
        one("IPv6 address in the SAN", &leaf(&["::1"]), "::1", ok),
        one("wildcard", &leaf(&["*.example.com"]), HOST, ok),
        one("wildcard for two labels", &leaf(&["*.example.com"]), "a.mqtt.example.com", Err("cert.hostname")),
        one("wildcard for no label", &leaf(&["*.example.com"]), "example.com", Err("cert.hostname")),
        one("wildcard of a top-level domain", &leaf(&["*.com"]), "example.com", Err("cert.hostname")),
        one("wildcard for a part of a label", &leaf(&["m*.example.com"]), HOST, Err("cert.hostname"))
            .but_openssl(true, "RFC 6125 lets a verifier refuse partial wildcards, and webpki does"),
        one("another host", &leaf(&["other.example.com"]), HOST, Err("cert.hostname")),
        one("another address", &leaf(&["192.168.1.11"]), "192.168.1.10", Err("cert.hostname")),
        one("host in the common name only", &common(HOST), HOST, Ok(&[CommonNameOnly])),
        one("another host in the common name only", &common("other"), HOST, Err("cert.hostname")),
        one("address in the common name only", &common("192.168.1.10"), "192.168.1.10", Ok(&[CommonNameOnly]))
            .but_openssl(false, "mosquitto's clients up to 2.0 accept it, by a check of their own"),
        one(
            "host in the common name, others in the SAN",
            &with(leaf(&["other.example.com"]), |params| params.distinguished_name.push(DnType::CommonName, HOST)),
            HOST,
            Err("cert.hostname"),
        ),
        one(
            "host in the common name, an address in the SAN",
            &with(leaf(&["192.168.1.10"]), |params| params.distinguished_name.push(DnType::CommonName, HOST)),
            HOST,
            Err("cert.hostname"),
        )
        .but_openssl(true, "a certificate with a SAN says all its names there"),
        one(
            "address as a DNS name",
            &with(leaf(&[]), |params| {
                params.subject_alt_names = vec![SanType::DnsName("192.168.1.10".try_into().unwrap())];
            }),
            "192.168.1.10",
            Err("cert.ip-in-cn-or-dns"),
        ),
    ]
}

/// Names that are written unusually.
fn odd_name_rows() -> Vec<Row> {
    let root = Authority::root(ca("Lab CA"));
    let ok: Result<&'static [Warning], _> = Ok(&[]);
    let wrong = Err("cert.hostname");
    let anchors: &[&[u8]] = &[&root.der];
    let one = |name, params: &CertificateParams, host, ours| row(name, &[&root.issue(params)], anchors, host, ours);
    let only = |names: Vec<SanType>, common: &str| with(named(common), |params| params.subject_alt_names = names);
    let mail = || vec![SanType::Rfc822Name("ops@example.com".try_into().unwrap())];
    vec![
        one("host with a final dot", &leaf(&[HOST]), "mqtt.example.com.", ok)
            .but_openssl(false, "the dot says only that the name is whole: curl and rustls take it off, too"),
        one("SAN with a final dot", &leaf(&["mqtt.example.com."]), HOST, wrong),
        one("host of one label", &leaf(&["localhost"]), "localhost", ok),
        one("name with an underscore", &leaf(&["my_broker.example.com"]), "my_broker.example.com", ok),
        one("internationalised name", &leaf(&["xn--mnchen-3ya.example.com"]), "xn--mnchen-3ya.example.com", ok),
        one("wildcard for an internationalised label", &leaf(&["*.example.com"]), "xn--mnchen-3ya.example.com", ok),
        one("wildcard in the middle", &leaf(&["mqtt.*.com"]), HOST, wrong),
        one("two wildcards", &leaf(&["*.*.com"]), HOST, wrong),
        one("a wildcard alone", &leaf(&["*"]), "localhost", wrong),
        one("wildcard for an address", &leaf(&["*.168.1.10"]), "192.168.1.10", wrong),
        one("wildcard in the common name", &named("*.example.com"), HOST, Ok(&[CommonNameOnly])),
        one("the second of two names", &leaf(&["other.lan", HOST]), HOST, ok),
        one("a mail address as the only SAN, the host in the common name", &only(mail(), HOST), HOST, wrong)
            .but_openssl(true, "a certificate with a SAN says all its names there"),
        one("a mail address as the only SAN, another common name", &only(mail(), "other"), HOST, wrong),
        one("IPv6 address written in full", &leaf(&["2001:db8::1"]), "2001:0db8:0:0:0:0:0:1", ok),
        one("host that begins like the name", &leaf(&[HOST]), "mqtt.example.com.evil.lan", wrong),
        one("name that ends like the host", &leaf(&["example.com"]), HOST, wrong),
    ]
}

/// Dates, at every depth.
fn date_rows() -> Vec<Row> {
    let expired = |params| with(params, |params| params.not_after = date_time_ymd(2021, 1, 1));
    let future = |params| with(params, |params| params.not_before = date_time_ymd(2089, 1, 1));
    let root = Authority::root(ca("Lab CA"));
    let old_root = Authority::root(expired(ca("Lab CA")));
    let young_root = Authority::root(future(ca("Lab CA")));
    let young_intermediate = Authority::below(future(ca("Lab Intermediate")), &root);
    let old_intermediate = Authority::below(expired(ca("Lab Intermediate")), &root);
    let anchors: &[&[u8]] = &[&root.der];
    vec![
        row("expired", &[&root.issue(&expired(leaf(&[HOST])))], anchors, HOST, Err("cert.expired")),
        row("not yet valid", &[&root.issue(&future(leaf(&[HOST])))], anchors, HOST, Err("cert.not-yet-valid")),
        row(
            "a root that is not valid yet",
            &[&young_root.issue(&leaf(&[HOST]))],
            &[&young_root.der],
            HOST,
            Err("ca.not-yet-valid"),
        ),
        row(
            "an intermediate that is not valid yet",
            &[&young_intermediate.issue(&leaf(&[HOST])), &young_intermediate.der],
            anchors,
            HOST,
            Err("ca.not-yet-valid"),
        ),
        row("valid beyond 2050, in the other form of time", &[&root.issue(&leaf(&[HOST]))], anchors, HOST, Ok(&[])),
        row("expired root", &[&old_root.issue(&leaf(&[HOST]))], &[&old_root.der], HOST, Err("ca.expired")),
        row(
            "expired intermediate",
            &[&old_intermediate.issue(&leaf(&[HOST])), &old_intermediate.der],
            anchors,
            HOST,
            Err("ca.expired"),
        ),
    ]
}

/// Who issued it, and whether that is known.
fn issuer_rows() -> Vec<Row> {
    let ok: Result<&'static [Warning], _> = Ok(&[]);
    let root = Authority::root(ca("Lab CA"));
    let other = Authority::root(ca("Other CA"));
    let namesake = Authority::root(ca("Lab CA"));
    let intermediate = Authority::below(ca("Lab Intermediate"), &root);
    let deeper = Authority::below(ca("Lab Deeper"), &intermediate);
    let direct = root.issue(&leaf(&[HOST]));
    let indirect = intermediate.issue(&leaf(&[HOST]));
    let deep = deeper.issue(&leaf(&[HOST]));
    let own_key = KeyPair::generate().unwrap();
    let own = with(leaf(&[HOST]), |params| params.is_ca = IsCa::ExplicitNoCa).self_signed(&own_key).unwrap();
    let own_ca = with(ca(HOST), |params| params.subject_alt_names = leaf(&[HOST]).subject_alt_names);
    let own_ca = own_ca.self_signed(&own_key).unwrap();
    // keyCertSign alone would be the wrong usage for a server.
    let own_tls_ca = with(ca(HOST), |params| {
        params.subject_alt_names = leaf(&[HOST]).subject_alt_names;
        params.key_usages = Vec::new();
    });
    let own_tls_ca = own_tls_ca.self_signed(&own_key).unwrap();
    let same_subject = with(leaf(&[HOST]), |params| params.distinguished_name.push(DnType::CommonName, "Lab CA"));
    let expired_twin = {
        let params = with(ca("Lab Intermediate"), |params| params.not_after = date_time_ymd(2021, 1, 1));
        root.sign(&params, &intermediate.key)
    };
    vec![
        row("through an intermediate", &[&indirect, &intermediate.der], &[&root.der], HOST, ok),
        row("through two intermediates", &[&deep, &deeper.der, &intermediate.der], &[&root.der], HOST, ok),
        row(
            "intermediates out of order, the root too",
            &[&deep, &root.der, &intermediate.der, &deeper.der],
            &[&root.der],
            HOST,
            ok,
        ),
        row(
            "an expired twin of the intermediate first",
            &[&indirect, &expired_twin, &intermediate.der],
            &[&root.der],
            HOST,
            ok,
        ),
        row("unknown CA", &[&direct], &[&other.der], HOST, Err("ca.unknown")),
        row(
            "a CA of the same name with another key",
            &[&direct],
            &[&namesake.der],
            HOST,
            Err("ca.same-name-other-key"),
        ),
        row("two CAs of one name, the second is it", &[&direct], &[&namesake.der, &root.der], HOST, ok),
        row("missing intermediate", &[&indirect], &[&root.der], HOST, Err("ca.unknown")),
        row("no anchor at all but another's", &[&indirect, &intermediate.der], &[&other.der], HOST, Err("ca.unknown")),
        row(
            "the intermediate as anchor",
            &[&indirect],
            &[&intermediate.der],
            HOST,
            Ok(&[AnchorNotRoot { is_sent: false }]),
        )
        .but_openssl(false, "what the user trusts is trusted, root or not; webpki does the same"),
        row("the intermediate as anchor, beside its root", &[&indirect], &[&intermediate.der, &root.der], HOST, ok),
        row("the leaf as anchor, beside its root", &[&direct], &[&direct, &root.der], HOST, ok),
        row(
            "the upper of two intermediates as anchor",
            &[&deep, &deeper.der],
            &[&intermediate.der],
            HOST,
            Ok(&[AnchorNotRoot { is_sent: false }]),
        )
        .but_openssl(false, "what the user trusts is trusted, root or not"),
        row(
            "the intermediate as anchor, sent along",
            &[&indirect, &intermediate.der],
            &[&intermediate.der],
            HOST,
            Ok(&[AnchorNotRoot { is_sent: true }]),
        )
        .but_openssl(false, "what the user trusts is trusted, root or not; webpki does the same"),
        row("the leaf as anchor, root absent", &[&direct], &[&direct], HOST, Ok(&[AnchorNotRoot { is_sent: true }]))
            .but_openssl(false, "a leaf given as trusted is trusted"),
        row("self-signed, its own anchor", &[own.der()], &[own.der()], HOST, ok),
        row("self-signed, unknown", &[own.der()], &[&root.der], HOST, Err("ca.unknown")),
        row("a CA's certificate as its own anchor", &[own_tls_ca.der()], &[own_tls_ca.der()], HOST, Ok(&[CaAsLeaf])),
        row("a CA's certificate for signing only", &[own_ca.der()], &[own_ca.der()], HOST, Err("cert.eku")),
        row("subject equal to issuer", &[&root.issue(&same_subject)], &[&root.der], HOST, Ok(&[SubjectEqualsIssuer]))
            .but_openssl(false, "OpenSSL takes it for self-signed; its signature is as good as any"),
        row(
            "subject equal to issuer, with key identifiers that differ",
            &[&root.issue(&with(same_subject, |params| params.is_ca = IsCa::ExplicitNoCa))],
            &[&root.der],
            HOST,
            Ok(&[SubjectEqualsIssuer]),
        ),
    ]
}

/// Who may issue, for whom, and how deep.
fn authority_rows() -> Vec<Row> {
    let ok: Result<&'static [Warning], _> = Ok(&[]);
    let root = Authority::root(ca("Lab CA"));
    let bare = |params| with(params, |params: &mut CertificateParams| params.is_ca = IsCa::NoCa);
    let no_usage = |params| with(params, |params: &mut CertificateParams| params.key_usages = Vec::new());
    let chain = |name, middle: CertificateParams, ours| {
        let middle = Authority::below(middle, &root);
        row(name, &[&middle.issue(&leaf(&[HOST])), &middle.der], &[&root.der], HOST, ours)
    };
    let direct = |name, root: CertificateParams, ours| {
        let root = Authority::root(root);
        row(name, &[&root.issue(&leaf(&[HOST]))], &[&root.der], HOST, ours)
    };
    let flat = Authority::root(with(ca("Flat CA"), |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))));
    let too_deep = Authority::below(ca("Too Deep"), &flat);
    let limited =
        |name: &str, length| with(ca(name), |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length)));
    let narrow = Authority::below(limited("Narrow CA", 0), &root);
    let below_narrow = Authority::below(ca("Below Narrow"), &narrow);
    let deep = Authority::root(limited("Deep CA", 1));
    let below_deep = Authority::below(ca("Below Deep"), &deep);
    vec![
        chain(
            "intermediate with CA:FALSE",
            with(no_usage(ca("M")), |params| params.is_ca = IsCa::ExplicitNoCa),
            Err("ca.not-a-ca"),
        ),
        chain("intermediate without basicConstraints", no_usage(bare(ca("M"))), Err("ca.not-a-ca")),
        chain("intermediate with key usage alone", bare(ca("M")), Err("ca.not-a-ca")),
        chain(
            "intermediate that may not sign certificates",
            with(ca("M"), |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]),
            Err("ca.not-a-ca"),
        ),
        direct(
            "root with CA:FALSE",
            with(no_usage(ca("R")), |params| params.is_ca = IsCa::ExplicitNoCa),
            Err("ca.not-a-ca"),
        ),
        direct("root without basicConstraints", no_usage(bare(ca("R"))), Err("ca.not-a-ca")),
        direct("root with key usage alone", bare(ca("R")), ok),
        direct("root without key usage", no_usage(ca("R")), ok),
        row(
            "path length of the intermediate is 0 and there is one more",
            &[&below_narrow.issue(&leaf(&[HOST])), &below_narrow.der, &narrow.der],
            &[&root.der],
            HOST,
            Err("chain.path-length"),
        ),
        row(
            "path length 1 and one intermediate",
            &[&below_deep.issue(&leaf(&[HOST])), &below_deep.der],
            &[&deep.der],
            HOST,
            ok,
        ),
        row("path length 0 and no intermediate", &[&flat.issue(&leaf(&[HOST]))], &[&flat.der], HOST, ok),
        row(
            "path length 0 and an intermediate",
            &[&too_deep.issue(&leaf(&[HOST])), &too_deep.der],
            &[&flat.der],
            HOST,
            Err("chain.path-length"),
        ),
    ]
}

/// Name constraints of the root.
fn constraint_rows() -> Vec<Row> {
    let ok: Result<&'static [Warning], _> = Ok(&[]);
    let refused = Err("cert.name-constraints");
    let constrained = |permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>| {
        Authority::root(with(ca("Lab CA"), |params| {
            params.name_constraints =
                Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded });
        }))
    };
    let dns = |name: &str| GeneralSubtree::DnsName(name.to_owned());
    let lan = constrained(vec![dns("example.com")], vec![dns("secret.example.com")]);
    let subnet = || GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([192, 168, 0, 0], 16));
    let network = constrained(vec![subnet()], Vec::new());
    let without = constrained(Vec::new(), vec![subnet()]);
    let free = Authority::root(ca("Free CA"));
    let narrow = with(ca("Narrow CA"), |params| {
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: vec![dns("example.com")], excluded_subtrees: Vec::new() });
    });
    let narrow = Authority::below(narrow, &free);
    let one = |name, root: &Authority, params: &CertificateParams, host, ours| {
        row(name, &[&root.issue(params)], &[&root.der], host, ours)
    };
    vec![
        one("permitted name", &lan, &leaf(&[HOST]), HOST, ok),
        one("name that is not permitted", &lan, &leaf(&["mqtt.example.org"]), "mqtt.example.org", refused),
        one("excluded name", &lan, &leaf(&["a.secret.example.com"]), "a.secret.example.com", refused),
        one("a second name that is not permitted", &lan, &leaf(&[HOST, "example.org"]), HOST, refused),
        one("common name that is not permitted", &lan, &named("mqtt.example.org"), "mqtt.example.org", refused),
        one("wildcard within the permitted domain", &lan, &leaf(&["*.example.com"]), HOST, ok),
        one("wildcard of another domain", &lan, &leaf(&["*.example.org"]), "mqtt.example.org", refused),
        one("the domain itself", &lan, &leaf(&["example.com"]), "example.com", ok),
        one("a name that only ends like the permitted one", &lan, &leaf(&["myexample.com"]), "myexample.com", refused),
        one("other letter case", &lan, &leaf(&["MQTT.EXAMPLE.COM"]), HOST, ok),
        one("an address under constraints for names only", &lan, &leaf(&["10.0.0.1"]), "10.0.0.1", ok),
        one("excluded address", &without, &leaf(&["192.168.1.10"]), "192.168.1.10", refused),
        one("address that is not excluded", &without, &leaf(&["10.0.0.1"]), "10.0.0.1", ok),
        row(
            "constraints of the intermediate",
            &[&narrow.issue(&leaf(&["mqtt.example.org"])), &narrow.der],
            &[&free.der],
            "mqtt.example.org",
            refused,
        ),
        row(
            "within the constraints of the intermediate",
            &[&narrow.issue(&leaf(&[HOST])), &narrow.der],
            &[&free.der],
            HOST,
            ok,
        ),
        one("permitted address", &network, &leaf(&["192.168.1.10"]), "192.168.1.10", ok),
        one("address that is not permitted", &network, &leaf(&["10.0.0.1"]), "10.0.0.1", refused),
        one("a name under constraints for addresses only", &network, &leaf(&[HOST]), HOST, ok),
    ]
}

/// Usages, and extensions that nobody knows.
fn usage_rows() -> Vec<Row> {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    let ok: Result<&'static [Warning], _> = Ok(&[]);
    let root = Authority::root(ca("Lab CA"));
    let one = |name, params: CertificateParams, ours| row(name, &[&root.issue(&params)], &[&root.der], HOST, ours);
    let extended =
        |usages: &[ExtendedKeyUsagePurpose]| with(leaf(&[HOST]), |params| params.extended_key_usages = usages.to_vec());
    let usage = |usage| with(leaf(&[HOST]), |params| params.key_usages = vec![usage]);
    let for_clients = with(ca("Clients CA"), |params| params.extended_key_usages = vec![ClientAuth]);
    let for_clients = Authority::below(for_clients, &root);
    let for_servers = with(ca("Servers CA"), |params| params.extended_key_usages = vec![ServerAuth]);
    let for_servers = Authority::below(for_servers, &root);
    let strange = with(leaf(&[HOST]), |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    });
    let ignored = with(leaf(&[HOST]), |params| {
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0])];
    });
    vec![
        one("for servers", extended(&[ServerAuth]), ok),
        one("for servers and clients", extended(&[ServerAuth, ClientAuth]), ok),
        one("for clients only", extended(&[ClientAuth]), Err("cert.eku")),
        one("for anything", extended(&[Any]), Err("cert.eku")),
        one("key usage for signatures", usage(KeyUsagePurpose::DigitalSignature), ok),
        one("key usage for key agreement", usage(KeyUsagePurpose::KeyAgreement), ok),
        one("key usage for key encipherment", usage(KeyUsagePurpose::KeyEncipherment), ok),
        one("key usage for data only", usage(KeyUsagePurpose::DataEncipherment), Err("cert.eku")),
        row(
            "under a CA for servers only",
            &[&for_servers.issue(&leaf(&[HOST])), &for_servers.der],
            &[&root.der],
            HOST,
            ok,
        ),
        one("key usage for certificates only", usage(KeyUsagePurpose::KeyCertSign), Err("cert.eku")),
        row(
            "under a CA for clients only",
            &[&for_clients.issue(&leaf(&[HOST])), &for_clients.der],
            &[&root.der],
            HOST,
            Err("cert.eku"),
        ),
        one("unknown critical extension", strange, Err("cert.critical-extension")),
        one("unknown extension that is not critical", ignored, ok),
    ]
}

/// What rcgen does not write: X.509 v1, RSA, SHA-1; by the commands that people use.
fn command_rows(folder: &Path) -> Vec<Row> {
    std::fs::write(folder.join("ca.ext"), "basicConstraints=critical,CA:TRUE\n").unwrap();
    std::fs::write(folder.join("leaf.ext"), format!("subjectAltName=DNS:{HOST}\n")).unwrap();
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for words in [
        // Roots: by `req -x509`; v1; RSA of 1024 bits; signed with SHA-1.
        format!("req -x509 {ec} -days 900 -keyout ca.key -out ca.crt -subj /CN=Lab_CA"),
        format!("req -new {ec} -keyout v1ca.key -out v1ca.csr -subj /CN=Old_CA"),
        "x509 -req -in v1ca.csr -signkey v1ca.key -days 900 -out v1ca.crt".to_owned(),
        "req -x509 -newkey rsa:1024 -nodes -days 900 -keyout short.key -out short.crt -subj /CN=Short_CA".to_owned(),
        "req -x509 -newkey rsa:2048 -nodes -days 900 -sha1 -keyout rsa.key -out rsa.crt -subj /CN=RSA_CA".to_owned(),
        // Requests: EC and RSA, long and short; other curves.
        format!("req -new {ec} -keyout leaf.key -out leaf.csr -subj /CN={HOST}"),
        format!("req -new {ec} -keyout middle.key -out middle.csr -subj /CN=Middle"),
        format!("req -new -newkey rsa:1024 -nodes -keyout leaf1024.key -out leaf1024.csr -subj /CN={HOST}"),
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key".to_owned(),
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521.key".to_owned(),
        "genpkey -algorithm ED25519 -out ed25519.key".to_owned(),
        // Old and odd: MD5, and a curve that only OpenSSL has.
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes -days 900 -keyout odd.key -out odd.crt -subj /CN=Odd_CA".to_owned(),
        "x509 -req -in leaf.csr -CA odd.crt -CAkey odd.key -CAcreateserial -days 900 -extfile leaf.ext -out underodd.crt".to_owned(),
        "x509 -req -in leaf.csr -CA rsa.crt -CAkey rsa.key -CAcreateserial -days 900 -md5 -extfile leaf.ext -out md5.crt".to_owned(),
        format!("req -x509 -newkey rsa:2048 -nodes -days 900 -keyout self.key -out self.crt -subj /CN={HOST} -addext subjectAltName=DNS:{HOST}"),
        // Leaves without extensions (v1) and with.
        "x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 900 -out v1.crt".to_owned(),
        "x509 -req -in middle.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 900 -out v1middle.crt".to_owned(),
        "x509 -req -in leaf.csr -CA v1middle.crt -CAkey middle.key -CAcreateserial -days 900 -extfile leaf.ext -out undermiddle.crt".to_owned(),
        "x509 -req -in leaf.csr -CA v1ca.crt -CAkey v1ca.key -CAcreateserial -days 900 -extfile leaf.ext -out underv1.crt".to_owned(),
        "x509 -req -in leaf1024.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 900 -extfile leaf.ext -out short-leaf.crt".to_owned(),
        "x509 -req -in leaf.csr -CA short.crt -CAkey short.key -CAcreateserial -days 900 -extfile leaf.ext -out undershort.crt".to_owned(),
        "x509 -req -in leaf.csr -CA rsa.crt -CAkey rsa.key -CAcreateserial -days 900 -extfile leaf.ext -out underrsa.crt".to_owned(),
        "x509 -req -in leaf.csr -CA rsa.crt -CAkey rsa.key -CAcreateserial -days 900 -sha1 -extfile leaf.ext -out sha1.crt".to_owned(),
        "x509 -req -in leaf.csr -CA rsa.crt -CAkey rsa.key -CAcreateserial -days 900 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -extfile leaf.ext -out pss.crt".to_owned(),
    ] {
        openssl(folder, &words);
    }
    for (curve, digest) in [("p384", "-sha384"), ("p521", "-sha512"), ("ed25519", "")] {
        openssl(folder, &format!("req -x509 -key {curve}.key {digest} -days 900 -out {curve}.crt -subj /CN={curve}"));
        let issuer = format!("-CA {curve}.crt -CAkey {curve}.key -CAcreateserial");
        openssl(
            folder,
            &format!("x509 -req -in leaf.csr {issuer} {digest} -extfile leaf.ext -days 900 -out {curve}-leaf.crt"),
        );
    }
    let der = |name: &str| read::certificates(&folder.join(name)).unwrap().remove(0);
    let one = |name, leaf: &str, anchor: &str, ours| row(name, &[&der(leaf)], &[&der(anchor)], HOST, ours);
    let mut broken = der("underrsa.crt");
    *broken.last_mut().unwrap() ^= 1;
    let ok: Result<&'static [Warning], _> = Ok(&[]);
    vec![
        one("X.509 v1 leaf", "v1.crt", "ca.crt", Ok(&[CommonNameOnly, Version1])),
        one("X.509 v1 root", "underv1.crt", "v1ca.crt", ok),
        row(
            "X.509 v1 intermediate",
            &[&der("undermiddle.crt"), &der("v1middle.crt")],
            &[&der("ca.crt")],
            HOST,
            Err("ca.not-a-ca"),
        ),
        one("leaf with RSA of 1024 bits", "short-leaf.crt", "ca.crt", Err("cert.weak")),
        one("root with RSA of 1024 bits", "undershort.crt", "short.crt", Err("cert.weak")),
        one("signed with SHA-1", "sha1.crt", "rsa.crt", Err("cert.weak")),
        one("signed with MD5", "md5.crt", "rsa.crt", Err("cert.weak")),
        one("signed on a curve that TLS has given up", "underodd.crt", "odd.crt", Err("cert.unsupported-algorithm"))
            .but_openssl(true, "aws-lc has no secp256k1, and no TLS stack but OpenSSL offers it"),
        one("a self-signed RSA certificate by `openssl req -x509`", "self.crt", "self.crt", Ok(&[CaAsLeaf])),
        one("root signed with SHA-1 by itself", "underrsa.crt", "rsa.crt", ok),
        one("signed with RSA-PSS", "pss.crt", "rsa.crt", ok),
        one("signed with P-384", "p384-leaf.crt", "p384.crt", ok),
        one("signed with P-521", "p521-leaf.crt", "p521.crt", ok),
        one("signed with Ed25519", "ed25519-leaf.crt", "ed25519.crt", ok),
        row("a signature with a changed bit", &[&broken], &[&der("rsa.crt")], HOST, Err("cert.bad-signature")),
    ]
}

/// What `openssl verify` says, at the security level of Debian's OpenSSL, with more words.
fn openssl_accepts(folder: &Path, row: &Row, more: &[&str]) -> (bool, String) {
    let pem = |ders: &[Vec<u8>]| {
        ders.iter().map(|der| pem::encode(&pem::Pem::new("CERTIFICATE", der.clone()))).collect::<Vec<_>>().concat()
    };
    for (file, ders) in
        [("leaf.pem", &row.presented[..1]), ("more.pem", &row.presented[1..]), ("trusted.pem", &row.anchors)]
    {
        std::fs::write(folder.join(file), pem(ders)).unwrap();
    }
    let name = if row.host.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
    let mut command = Command::new("openssl");
    command.current_dir(folder).args([
        "verify",
        "-purpose",
        "sslserver",
        "-auth_level",
        "2",
        "-no-CApath",
        "-no-CAstore",
    ]);
    command.args([name, row.host, "-CAfile", "trusted.pem"]).args(more);
    if row.presented.len() > 1 {
        command.args(["-untrusted", "more.pem"]);
    }
    let output = command.arg("leaf.pem").output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn our_verdicts_stand_beside_those_of_openssl() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = [
        name_rows(),
        odd_name_rows(),
        date_rows(),
        issuer_rows(),
        authority_rows(),
        constraint_rows(),
        usage_rows(),
        command_rows(folder.path()),
    ]
    .into_iter()
    .flatten()
    .collect();
    // After the commands have run: what they made is valid from that second on.
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    assert!(rows.len() >= 110, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let name = PeerName::new(row.host);
        let question =
            Question { purpose: Purpose::Server, name: Some(&name), now, check_dates: true, revocation: None };
        let verdict = judge(&row.presented, &Anchors::new(&row.anchors), &question);
        let ours = match verdict.problems.first() {
            Some(problem) => Err(problem.id()),
            None => Ok(verdict.warnings.as_slice()),
        };
        if ours != row.ours {
            wrong.push(format!("{}: ours is {ours:?}, not {:?}", row.name, row.ours));
        }
        let (accepts, text) = openssl_accepts(folder.path(), row, &[]);
        let (accepts_strictly, _) = openssl_accepts(folder.path(), row, &["-x509_strict", "-partial_chain"]);
        for opinion in stacks::opinions(&verdict, Some(&name)) {
            let theirs = match opinion.stack {
                Stack::OpenSsl => accepts,
                Stack::Strict => accepts_strictly,
                Stack::Rustls | Stack::MbedTls => continue,
            };
            // Mosquitto's clients give OpenSSL the host as it was typed; here its final dot is gone.
            let is_known = !matches!(opinion.answer, Answer::Unknown(_)) && !row.host.ends_with('.');
            if is_known && opinion.accepts() != theirs {
                wrong.push(format!("{}: {} says {theirs}, not {:?}", row.name, opinion.stack.name(), opinion.answer));
            }
        }
        if accepts != row.openssl_accepts {
            wrong.push(format!("{}: OpenSSL {}: {text}", row.name, if accepts { "accepts" } else { "refuses" }));
        }
        if (accepts != ours.is_ok()) != row.differs.is_some() {
            wrong.push(format!("{}: verdicts that differ need a reason, and only those", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! `moskit certgen broken`: OpenSSL finds in each set the failure that it was made for.

use std::fs;

use crate::certgen::{certgen, made, openssl};
use crate::mosquitto::installed;

/// Kind, what is asked of the server's certificate, and the error number of OpenSSL (0: it believes it).
const SERVERS: &[(&str, &str, u32)] = &[
    ("none", "-verify_hostname localhost", 0),
    ("cert.expired", "-verify_hostname localhost", 10),
    ("cert.not-yet-valid", "-verify_hostname localhost", 9),
    ("cert.hostname", "-verify_hostname localhost", 62),
    ("cert.cn-only", "-verify_hostname localhost", 0),
    ("cert.ip-in-cn-or-dns", "-verify_ip 127.0.0.1", 64),
    ("cert.subject-equals-issuer", "-verify_hostname localhost", 18),
    ("ca.unknown", "-verify_hostname localhost", 20),
    ("ca.same-name-other-key", "-verify_hostname localhost", 20),
    ("chain.missing-intermediate", "-verify_hostname localhost", 20),
    ("ca.not-a-ca", "-verify_hostname localhost", 79),
    ("cert.v1", "-verify_hostname localhost", 0),
    ("cert.self-signed-as-server", "-verify_hostname localhost", 0),
    ("cert.weak-sha1", "-verify_hostname localhost", 68),
    ("cert.weak-rsa1024", "-verify_hostname localhost", 66),
    ("cert.eku", "-verify_hostname localhost", 26),
    ("cert.name-constraints", "-verify_hostname localhost", 47),
    ("ca.expired", "-verify_hostname localhost", 10),
    ("cert.lifetime", "-verify_hostname localhost", 0),
];

/// The same for the client's certificate.
const CLIENTS: &[(&str, &str, u32)] = &[
    ("none", "", 0),
    ("client.ca-unknown", "", 20),
    ("client.expired", "", 10),
    ("client.eku", "", 26),
    ("client.subject-equals-issuer", "", 18),
    ("client.revoked", "-crl_check -CRLfile crl.pem", 23),
    ("crl.expired", "-crl_check -CRLfile crl.pem", 12),
    ("client.no-cn", "", 0),
];

#[test]
fn openssl_finds_the_failure_that_each_set_was_made_for() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rows = SERVERS.iter().map(|row| (row, "sslserver", "server.crt"));
    for ((kind, asked, error), purpose, file) in rows.chain(CLIENTS.iter().map(|row| (row, "sslclient", "client.crt")))
    {
        made(folder.path(), &format!("broken {kind} --force"));
        let set = folder.path().join(kind);
        let words = format!("verify -auth_level 2 -CAfile ca.crt -purpose {purpose} {asked} {file}");
        let (code, text) = openssl(&set, &words);
        if *error == 0 {
            assert_eq!(code, 0, "{kind}: {text}");
        } else {
            assert!(text.contains(&format!("error {error} at ")), "{kind}: {text}");
        }
    }
}

#[test]
fn the_files_of_a_set_are_named_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let out = made(folder.path(), "broken key.encrypted set");
    assert_eq!(
        out,
        "set/ca.crt\nset/server.crt\nset/server.key\nset/client.crt\nset/client.key\n  \
         server.key is encrypted (its passphrase is `moskit`), and no service can be asked\n  \
         finding: key.encrypted\n"
    );
    fs::write(folder.path().join("pass"), "moskit\n").unwrap();
    made(folder.path(), "key decrypt set/server.key -o open.key --pass-file pass");
    assert_eq!(made(folder.path(), "key match open.key set/server.crt"), "they belong together\n");
    let ended = certgen(folder.path(), "broken none set");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            1,
            "error: `set/ca.crt` exists already\nhint: --force replaces all of them, and the private key that is there is lost\n"
        )
    );
    let ended = certgen(folder.path(), "broken nonsense");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (3, "error: there is no kind `nonsense`\nhint: moskit certgen broken --list\n")
    );
    assert_eq!(made(folder.path(), "broken --list").lines().count(), moskit::pki::make::BROKEN_KINDS.len());
}

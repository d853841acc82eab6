//! Private keys as OpenSSL writes them: every form, every cipher.

use std::path::Path;
use std::process::Command;

use moskit::pki::key::{DecryptError, EncodedKey, EncryptedKey};
use moskit::pki::read;

use crate::mosquitto::installed;

const PASSPHRASE: &str = "correct horse";

/// Runs `openssl` in `folder` and demands success.
pub fn openssl(folder: &Path, words: &str) {
    let output = Command::new("openssl").args(words.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
}

fn encrypted(path: &Path) -> EncryptedKey {
    match read::private_key(path).unwrap() {
        EncodedKey::Encrypted(key) => key,
        EncodedKey::Plain(_) => panic!("{} is not encrypted", path.display()),
    }
}

#[test]
fn every_encryption_that_openssl_writes_opens_to_the_same_key() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("pass"), PASSPHRASE).unwrap();
    openssl(folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out plain.key");
    let EncodedKey::Plain(plain) = read::private_key(&folder.join("plain.key")).unwrap() else { panic!() };
    let public = plain.public_key().unwrap();
    let rows = [
        ("pkcs8 -topk8 -v2 des3", "PKCS#8, PBES2 des-ede3-cbc"),
        ("pkcs8 -topk8 -v2 aes-128-cbc", "PKCS#8, PBES2 aes-128-cbc"),
        ("pkcs8 -topk8 -v2 aes-192-cbc -v2prf hmacWithSHA1", "PKCS#8, PBES2 aes-192-cbc"),
        ("pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512", "PKCS#8, PBES2 aes-256-cbc"),
        ("pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA384", "PKCS#8, PBES2 aes-256-cbc"),
        ("pkcs8 -topk8 -scrypt", "PKCS#8, PBES2 aes-256-cbc"),
        ("rsa -traditional -des3", "PEM, DES-EDE3-CBC"),
        ("rsa -traditional -aes128", "PEM, AES-128-CBC"),
        ("rsa -traditional -aes192", "PEM, AES-192-CBC"),
        ("rsa -traditional -aes256", "PEM, AES-256-CBC"),
    ];
    for (words, encryption) in rows {
        openssl(folder, &format!("{words} -in plain.key -passout file:pass -out secret.key"));
        let key = encrypted(&folder.join("secret.key"));
        assert_eq!(key.encryption(), encryption, "{words}");
        assert_eq!(key.decrypt(PASSPHRASE.as_bytes()).unwrap().public_key().unwrap(), public, "{words}");
        assert_eq!(key.decrypt(b"wrong"), Err(DecryptError::WrongPassphrase), "{words}");
    }
}

#[test]
fn keys_of_every_algorithm_in_every_plain_form_are_read() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for words in [
        "genrsa -traditional -out any.key 2048",
        "genrsa -out any.key 3072",
        "ecparam -name prime256v1 -genkey -out any.key",
        "ecparam -name secp384r1 -genkey -noout -out any.key",
        "ecparam -name secp521r1 -genkey -noout -out any.key",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out any.key",
        "genpkey -algorithm ED25519 -out any.key",
    ] {
        openssl(folder, words);
        let EncodedKey::Plain(key) = read::private_key(&folder.join("any.key")).unwrap() else { panic!("{words}") };
        assert!(key.public_key().is_some(), "{words}");
    }
}

#[test]
fn an_encryption_of_another_age_is_named_not_guessed() {
    if installed("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "genpkey -algorithm ED25519 -out plain.key");
    let under = |cipher: &str| {
        openssl(
            folder,
            &format!(
                "pkcs8 -topk8 -v1 {cipher} -in plain.key -passout pass:x -out old.key -provider legacy -provider default"
            ),
        );
        encrypted(&folder.join("old.key"))
    };
    for cipher in ["PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128"] {
        let key = under(cipher);
        assert!(key.decrypt(b"x").is_ok() && key.decrypt(b"y").is_err(), "{cipher}");
    }
    let refused = Err(DecryptError::Unsupported("1.2.840.113549.1.12.1.1".to_owned()));
    assert_eq!(under("PBE-SHA1-RC4-128").decrypt(b"x"), refused);
}

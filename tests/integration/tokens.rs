//! Tokens as passwords: what check says of them, and that it neither shows nor sends those of no use.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::broker_verb::Broker;
use crate::mosquitto::free_port;
use crate::peers::stub;
use crate::run::{Ended, moskit, run, within_short_or_long};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

fn token(algorithm: &str, claims: &str) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    [&header, claims, "a signature of nobody"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// A port that takes everything and answers nothing, and what it was told.
fn listener() -> (String, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let address = stub(move |mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            ear.lock().unwrap().extend_from_slice(&bytes[..count]);
        }
    });
    (address, heard)
}

fn check(address: &str, token: &str, limit: &str, more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), token).unwrap();
    let words = ["check", address, "-u", "device", "--pw-file", "token", "--timeout", limit];
    run(moskit(&[&words, more].concat()).current_dir(folder.path()), b"")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// The listener may not have read yet what was sent.
fn holds_soon(heard: &Mutex<Vec<u8>>, text: &str) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds(&heard.lock().unwrap(), text) {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

#[test]
fn a_token_of_no_use_is_named_for_what_it_is_and_neither_sent_nor_shown() {
    let claims = |exp: i64, more: &str| format!(r#"{{"sub":"ann-the-user","exp":{}{more}}}"#, now() + exp);
    let good = token("RS256", &claims(3600, r#","aud":"lab""#));
    let rows = [
        (token("RS256", &claims(-3 * 3600 - 60, "")), &[][..], "token.expired", "the token expired 3 hours ago"),
        (
            token("RS256", &claims(3600, &format!(r#","nbf":{}"#, now() + 3030))),
            &[],
            "token.not-yet-valid",
            "in 50 minutes",
        ),
        (token("none", &claims(3600, "")), &[], "token.unsigned", "algorithm none"),
        (good.rsplit_once('.').unwrap().0.to_owned(), &[], "token.malformed", "2 parts"),
        (format!("Bearer {good}"), &[], "token.malformed", "Bearer"),
        (good.clone(), &["--token-audience", "house"], "token.audience", "another audience than `house`"),
    ];
    for (token, more, id, part) in rows {
        let (address, heard) = listener();
        let ended = check(&address, &token, "0.3", more);
        assert_eq!(ended.code, 1, "{id}: {ended:?}");
        assert!(ended.stdout.contains(id) && ended.stdout.contains(part), "{id}: {}", ended.stdout);
        let secret = good.split('.').nth(1).unwrap();
        for text in [secret, "ann-the-user", token.split('.').nth(1).unwrap()] {
            assert!(!ended.stdout.contains(text) && !ended.stderr.contains(text), "{id}: {}", ended.stdout);
        }
        assert!(!holds(&heard.lock().unwrap(), "eyJ"), "{id} was sent");
        within_short_or_long("0.3", |limit| {
            let (address, heard) = listener();
            check(&address, &token, limit, &[more, &["--token-anyway"]].concat());
            assert!(holds_soon(&heard, "eyJ"), "{id} was not sent");
        });
    }
    within_short_or_long("0.3", |limit| {
        let (address, heard) = listener();
        let ended = check(&address, &good, limit, &["--token-audience", "lab", "--json"]);
        let said = &ended.stdout;
        assert!(!said.contains("\"token.") && said.contains("\"audience_fits\":true"), "{said}");
        assert!(holds_soon(&heard, "eyJ"));
    });
}

const SECRET: [u8; 32] = [7; 32];

fn signed(claims: &str) -> String {
    let signed = [r#"{"alg":"HS256"}"#, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn the_broker_takes_tokens_of_its_issuer_and_lets_their_holders_go_when_they_expire() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let keys = format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-384"}},{{"kty":"oct","k":"{}"}}]}}"#,
        URL_SAFE_NO_PAD.encode(SECRET)
    );
    std::fs::write(path("keys"), keys).unwrap();
    std::fs::set_permissions(path("keys"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let configuration = format!(
        "listener {} 127.0.0.1\nallow_anonymous false\nauth_jwt_jwks_file {}\nauth_jwt_issuer home\nauth_jwt_audience lab\n",
        free_port(),
        path("keys").display()
    );
    let mut broker = Broker::configured(folder.path(), &configuration);
    let port = broker.port.to_string();
    let client = |verb: &str, token: &str, more: &[&str]| {
        std::fs::write(path("token"), token).unwrap();
        let words = [verb, "-h", "127.0.0.1", "-p", &port, "-V", "5", "--pw-file", "token", "-t", "t"];
        run(moskit(&[&words, more].concat()).current_dir(folder.path()), b"")
    };
    let claims = |seconds: i64| format!(r#"{{"iss":"home","aud":"lab","sub":"ann","exp":{}}}"#, now() + seconds);
    assert_eq!(client("pub", &signed(&claims(60)), &["-m", "x"]).code, 0);
    assert_eq!(client("pub", &signed(&claims(60)), &["-m", "x", "-u", "ann"]).code, 0);
    assert_eq!(client("pub", &signed(&claims(60)), &["-m", "x", "-u", "bob"]).code, 135);
    let old = client("pub", &signed(&claims(-1)), &["-m", "x"]);
    assert_eq!(old.code, 135);
    let line = broker.wait_for("is refused: it has expired");
    assert!(!line.contains("eyJ"), "{line}");
    assert_eq!(client("pub", &token("none", &claims(60)), &["-m", "x"]).code, 135);
    assert_eq!(client("pub", &signed(&claims(60).replace("lab", "house")), &["-m", "x"]).code, 135);
    // The connection ends with its token, and the next is refused.
    let begun = Instant::now();
    let ended = client("sub", &signed(&claims(2)), &["-W", "60"]);
    assert_eq!(ended.code, 135, "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(broker.end().code, 0);
}

#[test]
fn keys_that_verify_nothing_are_named_by_the_broker_and_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("m.conf");
    for (keys, part) in [
        ("secret", "a secret has to be a JSON Web Key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "private key"),
        (r#"{"keys":[]}"#, "none for RS256"),
        (r#"{"kty":"oct","k":"c2hvcnQ"}"#, "too short"),
    ] {
        std::fs::write(folder.path().join("keys"), keys).unwrap();
        std::fs::write(
            &conf,
            format!("listener 1883 127.0.0.1\nauth_jwt_key_file {}\n", folder.path().join("keys").display()),
        )
        .unwrap();
        let conf = conf.to_str().unwrap();
        let ended = run(&mut moskit(&["broker", "-c", conf]), b"");
        assert!(ended.code == 3 && ended.stderr.contains(part), "{ended:?}");
        let told = run(&mut moskit(&["check", "--config", conf, "--json"]), b"").stdout;
        assert!(told.contains("auth.token-keys") && told.contains(part), "{told}");
        assert!(!told.contains("conf.nobody-can-connect"), "{told}");
    }
    std::fs::write(&conf, "listener 1883 127.0.0.1\nauth_jwt_issuer home\n").unwrap();
    let ended = run(&mut moskit(&["broker", "-c", conf.to_str().unwrap()]), b"");
    assert!(ended.code == 3 && ended.stderr.contains("need auth_jwt_key_file"), "{ended:?}");
}

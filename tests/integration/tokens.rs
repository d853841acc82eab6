//! Tokens as passwords: what check says of them, and that it neither shows nor sends those of no use.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::peers::stub;
use crate::run::{Ended, moskit, run};

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
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            ear.lock().unwrap().extend_from_slice(&bytes[..count]);
        }
    });
    (address, heard)
}

fn check(address: &str, token: &str, more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), token).unwrap();
    let words = ["check", address, "-u", "device", "--pw-file", "token", "--timeout", "0.3"];
    run(moskit(&[&words, more].concat()).current_dir(folder.path()), b"")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn a_token_of_no_use_is_named_for_what_it_is_and_neither_sent_nor_shown() {
    let claims = |exp: i64, more: &str| format!(r#"{{"sub":"ann-the-user","exp":{}{more}}}"#, now() + exp);
    let good = token("RS256", &claims(3600, r#","aud":"lab""#));
    let rows = [
        (token("RS256", &claims(-3 * 3600 - 60, "")), &[][..], "token.expired", "the token expired 3 hours ago"),
        (
            token("RS256", &claims(3600, &format!(r#","nbf":{}"#, now() + 3000))),
            &[],
            "token.not-yet-valid",
            "in 49 minutes",
        ),
        (token("none", &claims(3600, "")), &[], "token.unsigned", "algorithm none"),
        (good.rsplit_once('.').unwrap().0.to_owned(), &[], "token.malformed", "2 parts"),
        (format!("Bearer {good}"), &[], "token.malformed", "Bearer"),
        (good.clone(), &["--token-audience", "house"], "token.audience", "another audience than `house`"),
    ];
    for (token, more, id, part) in rows {
        let (address, heard) = listener();
        let ended = check(&address, &token, more);
        assert_eq!(ended.code, 1, "{id}: {ended:?}");
        assert!(ended.stdout.contains(id) && ended.stdout.contains(part), "{id}: {}", ended.stdout);
        let secret = good.split('.').nth(1).unwrap();
        for text in [secret, "ann-the-user", token.split('.').nth(1).unwrap()] {
            assert!(!ended.stdout.contains(text) && !ended.stderr.contains(text), "{id}: {}", ended.stdout);
        }
        assert!(!holds(&heard.lock().unwrap(), "eyJ"), "{id} was sent");
        let (address, heard) = listener();
        check(&address, &token, &[more, &["--token-anyway"]].concat());
        assert!(holds(&heard.lock().unwrap(), "eyJ"), "{id} was not sent");
    }
    let (address, heard) = listener();
    let ended = check(&address, &good, &["--token-audience", "lab", "--json"]);
    assert!(!ended.stdout.contains("\"token.") && ended.stdout.contains("\"audience_fits\":true"), "{}", ended.stdout);
    assert!(holds(&heard.lock().unwrap(), "eyJ"));
}

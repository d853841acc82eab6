//! A token that is given as a password, before it is sent anywhere. Neither it nor what it says of its holder is shown.

use super::report::Stage;
use crate::diagnose::Finding;
use crate::diagnose::when::{date, from_now, span};
use crate::jwt::{Algorithm, LEEWAY, Malformed, Times, Token, looks_like_token};

/// Less than this until the end of a token is worth a warning, in seconds.
const SOON: i64 = 5 * 60;

/// What is wrong with the token, if the password is one. `audience` is what it has to be for, if that is known; `is_renewed`:
/// another one is asked for before it expires; `now` is in seconds since 1970.
pub fn stage(password: &[u8], audience: Option<&str>, is_renewed: bool, now: i64) -> Option<Stage> {
    if !looks_like_token(password) {
        return audience.map(|_| {
            let mut stage = Stage::new("token");
            let what = "--token-audience is given, and the password is no JWT";
            stage.found(Finding::error("token.malformed", what).fix("give the token as the password: --pw-file FILE"));
            stage
        });
    }
    let mut stage = Stage::new("token");
    let token = match Token::parse(password) {
        Ok(token) => token,
        Err(why) => {
            stage.found(malformed(why));
            return Some(stage);
        }
    };
    match token.algorithm() {
        Algorithm::None => {
            stage.fact("algorithm", "none");
            stage.found(
                Finding::error("token.unsigned", "the token is not signed (algorithm none): no broker may believe it")
                    .fix("get a signed one from the issuer"),
            );
        }
        Algorithm::Named(name) => stage.fact("algorithm", name),
    }
    let times = token.times().unwrap_or_default();
    stage.findings.extend(judge_times(times, is_renewed, now));
    if let Some(expires) = times.expires {
        stage.fact("expires", date(expires));
        stage.fact("seconds_left", expires.saturating_sub(now));
    }
    if let Some(audience) = audience {
        let is_for_it = token.claims_one_of("aud", audience);
        stage.fact("audience_fits", is_for_it);
        if !is_for_it {
            let what = if token.claim("aud").is_some() {
                format!("the token is for another audience than `{audience}`")
            } else {
                format!("the token names no audience, and `{audience}` is wanted")
            };
            stage.found(Finding::error("token.audience", what).fix("ask the issuer for a token for this audience"));
        }
    }
    Some(stage)
}

/// What is wrong with a token that a broker has refused, if the password is one and anything is.
pub fn fault(password: &[u8], now: i64) -> Option<Finding> {
    stage(password, None, false, now)?.findings.into_iter().find(Finding::is_error)
}

fn malformed(why: Malformed) -> Finding {
    let (what, fix) = match why {
        Malformed::Bearer => (
            "the token begins with `Bearer `, which belongs into headers of HTTP alone".to_owned(),
            "give what stands behind it",
        ),
        Malformed::Space => ("there is white space in the token".to_owned(), "give it without spaces and line ends"),
        Malformed::TooLong => ("the token has more than 16 KiB".to_owned(), "ask the issuer for one with fewer claims"),
        Malformed::Parts(count) => (
            format!("the token has {count} parts between its dots, and not 3"),
            "was it cut off when it was copied? take it again from the issuer",
        ),
        Malformed::Header => {
            ("the header of the token is no JSON with an algorithm".to_owned(), "take it again from the issuer")
        }
        Malformed::Claims => ("the claims of the token are no JSON object".to_owned(), "take it again from the issuer"),
        Malformed::Signature => {
            ("the signature of the token is not base64url".to_owned(), "was it cut off? take it again from the issuer")
        }
        Malformed::Time(name) => {
            (format!("`{name}` of the token is no number"), "the issuer has to write seconds since 1970")
        }
    };
    Finding::error("token.malformed", what).fix(fix)
}

fn judge_times(times: Times, is_renewed: bool, now: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let clock = format!("this machine's clock says {}", date(now));
    match times.expires {
        Some(expires) if expires <= now => findings.push(
            Finding::error("token.expired", format!("the token expired {}", from_now(expires, now)))
                .evidence(format!("it was good until {}", date(expires)))
                .evidence(clock.clone())
                .fix("get a new one from the issuer"),
        ),
        Some(expires) if expires - now < SOON && !is_renewed => findings.push(
            Finding::warning("token.expires-soon", format!("the token is good for {} more", span(expires - now)))
                .fix("get a new one before each connect: --pw-command COMMAND"),
        ),
        Some(_) => {}
        None => findings.push(Finding::note("token.no-expiry", "the token does not say when it expires (exp)")),
    }
    let late = |time: Option<i64>| time.filter(|time| *time > now.saturating_add(LEEWAY));
    let too_early = |time| ("nbf", time, format!("the token is not valid yet, but {}", from_now(time, now)));
    let in_future = |time| {
        let distance = from_now(time, now);
        let what =
            format!("the token was issued in the future, {distance}: this machine's clock is wrong, or the issuer's");
        ("iat", time, what)
    };
    let begins = late(times.not_before).map(too_early).or_else(|| late(times.issued).map(in_future));
    if let Some((claim, time, what)) = begins {
        findings.push(
            Finding::error("token.not-yet-valid", what)
                .evidence(format!("{claim}: {}", date(time)))
                .evidence(clock)
                .fix("is this machine's clock right? timedatectl"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn token(algorithm: &str, claims: &str) -> String {
        [&format!(r#"{{"alg":"{algorithm}"}}"#), claims, "sig"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
    }

    /// The ids of what is found, and all that is said.
    fn told(password: &str, audience: Option<&str>) -> (Vec<&'static str>, String) {
        let stage = stage(password.as_bytes(), audience, false, NOW).unwrap();
        let ids = stage.findings.iter().map(|finding| finding.id).collect();
        (ids, format!("{:?} {:?}", stage.facts, stage.findings))
    }

    #[test]
    fn each_fault_has_its_name_and_none_shows_the_token() {
        let claims = |exp: i64, more: &str| format!(r#"{{"sub":"ann-the-user","exp":{}{more}}}"#, NOW + exp);
        let rows: [(String, Option<&str>, &[&str]); 12] = [
            (token("RS256", &claims(3600, "")), None, &[]),
            (token("RS256", &claims(-3 * 3600, "")), None, &["token.expired"]),
            (token("RS256", &claims(0, "")), None, &["token.expired"]),
            (token("RS256", &claims(60, "")), None, &["token.expires-soon"]),
            (token("none", &claims(3600, "")), None, &["token.unsigned"]),
            (token("RS256", &claims(3600, &format!(r#","nbf":{}"#, NOW + 600))), None, &["token.not-yet-valid"]),
            (token("RS256", &claims(3600, &format!(r#","nbf":{}"#, NOW + 30))), None, &[]),
            (token("RS256", &claims(3600, &format!(r#","iat":{}"#, NOW + 600))), None, &["token.not-yet-valid"]),
            (token("RS256", r#"{"sub":"ann-the-user"}"#), None, &["token.no-expiry"]),
            (token("RS256", &claims(3600, r#","aud":"a""#)), Some("b"), &["token.audience"]),
            (token("RS256", &claims(3600, r#","aud":["a","b"]"#)), Some("b"), &[]),
            (token("RS256", &claims(3600, "")) + ".x", None, &["token.malformed"]),
        ];
        for (password, audience, ids) in rows {
            let (found, text) = told(&password, audience);
            assert_eq!(found, ids, "{text}");
            assert!(!text.contains("ann-the-user") && !text.contains(password.split('.').nth(1).unwrap()), "{text}");
        }
        assert!(told(&token("RS256", &claims(-3 * 3600, "")), None).1.contains("expired 3 hours ago"));
        assert!(stage(b"secret", None, false, NOW).is_none());
        let short = token("RS256", &claims(60, ""));
        assert!(stage(short.as_bytes(), None, true, NOW).unwrap().findings.is_empty());
        assert_eq!(told("secret", Some("a")).0, ["token.malformed"]);
    }
}

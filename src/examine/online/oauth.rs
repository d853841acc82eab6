//! Where the token comes from that is the password: the endpoint that issues it, and what it says. The token itself is judged
//! by `examine::token`.

use std::time::Instant;

use super::target::milliseconds;
use crate::diagnose::oauth::not_granted;
use crate::examine::report::{MILLISECONDS, Stage};
use crate::oauth::{Grant, fetch};
use crate::term::Secret;

/// Asks for the token; `None` where there is none, and the stage says why. `now` is in seconds since 1970.
pub async fn granted(grant: &Grant, now: i64) -> (Stage, Option<Secret>) {
    let mut stage = Stage::new("oauth");
    stage.fact("url", grant.url.to_string());
    if let Some(hop) = &grant.route.proxy {
        stage.fact("proxy", hop.proxy.to_string());
        stage.fact("proxy_from", hop.proxy.origin.to_string());
    }
    let start = Instant::now();
    let granted = match fetch(grant).await {
        Ok(granted) => granted,
        Err(error) => {
            stage.found(not_granted(&error, grant, now));
            return (stage, None);
        }
    };
    stage.fact(MILLISECONDS, milliseconds(start));
    stage.fact("kind", if granted.is_jwt() { "JWT" } else { "opaque" });
    if let Some(lifetime) = granted.lifetime_at(now) {
        stage.fact("seconds_left", lifetime.as_secs());
    }
    (stage, Some(granted.token))
}

//! Ends a client's session over MQTT, with all that waits for it: a CONNECT of its id that starts
//! clean and keeps nothing. A broker's file is never touched.

use std::time::Duration;

use super::exchange::{ExchangeError, Login, open, open_answered, run};
use crate::mqtt::packet::Connect;
use crate::net::Route;

/// Ends the session of `client` at the broker of `route`, within `timeout`.
pub fn purge(client: &str, login: &Login, route: &Route, timeout: Duration) -> Result<(), ExchangeError> {
    run(timeout, async {
        let talk = open(route, &login.connect(client), timeout).await?;
        Ok(talk.close_and_wait().await?)
    })
}

/// The same where nothing was known of the session before. Returns whether the broker said that it had one (Session
/// Present), which some brokers never do.
pub fn purge_unseen(client: &str, login: &Login, route: &Route, timeout: Duration) -> Result<bool, ExchangeError> {
    run(timeout, async {
        let resuming = Connect { clean_start: false, ..login.connect(client) };
        let (answer, talk) = open_answered(route, &resuming, timeout).await?;
        talk.close_and_wait().await?;
        let talk = open(route, &login.connect(client), timeout).await?;
        talk.close_and_wait().await?;
        Ok(answer.session_present)
    })
}

//! Ends a client's session over MQTT, with all that waits for it: a CONNECT of its id that starts
//! clean and keeps nothing. A broker's file is never touched.

use std::time::Duration;

use super::exchange::{ExchangeError, Login, open, run};
use crate::net::Route;

/// Ends the session of `client` at the broker of `route`, within `timeout`.
pub fn purge(client: &str, login: &Login, route: &Route, timeout: Duration) -> Result<(), ExchangeError> {
    run(timeout, async {
        let talk = open(route, &login.connect(client), timeout).await?;
        Ok(talk.close_and_wait().await?)
    })
}

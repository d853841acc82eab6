//! How pub, sub and rr let go of messages and of a broker: what was shown is written first, then acknowledged, and what was
//! acknowledged is brought to its end before DISCONNECT.

use std::time::{Duration, Instant};

use tokio::task::yield_now;
use tokio::time::timeout;

use super::debug_lines::{self, Nameless};
use crate::client::Client;
use crate::mqtt::packet::{Disconnect, Properties, Property, ReasonCode};
use crate::mqtt::session::Event;
use crate::term::Term;

/// How long the flows of messages that were shown at QoS 2 may take to end. Should it not suffice, the broker has their PUBRECs
/// all the same, and goes on with their PUBRELs when the session is there again.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes what has been shown, and then lets the acknowledgements of it out; whether it could be written. If not, they
/// are dropped: the messages are still the broker's.
pub fn acknowledge_shown(client: &mut Client, term: &mut Term) -> bool {
    term.flush();
    let is_written = term.out_failed().is_none();
    if is_written {
        client.session().release_acknowledgements(Instant::now());
    } else {
        client.session().withhold_acknowledgements();
    }
    is_written
}

/// Waits for the PUBRELs of what was shown at QoS 2 and answers them. What else comes is neither shown nor acknowledged.
pub async fn settle(client: &mut Client, nameless: Nameless, term: &mut Term) {
    let settling = async {
        while client.session().awaits_pubrel() {
            let now = Instant::now();
            while let Ok(Some(event)) = client.poll_event(now) {
                if let Event::Trace(trace) = event {
                    debug_lines::show(client.session(), &trace, nameless, term);
                }
            }
            // What comes again was shown and written before.
            client.session().release_acknowledgements(now);
            if client.session().awaits_pubrel() && client.transfer().await.is_err() {
                return;
            }
            // What it is waited beside is looked at however much comes.
            yield_now().await;
        }
    };
    // The messages are acknowledged; all that is late is the end of their flows.
    let _ = timeout(SETTLE_TIMEOUT, settling).await;
}

/// DISCONNECT with the properties given for it, its line of the log, and the end of the connection.
pub async fn leave(
    client: &mut Client,
    reason: ReasonCode,
    properties: &Properties,
    nameless: Nameless,
    term: &mut Term,
) {
    let mut brief = properties.clone();
    brief.retain(|property| !matches!(property, Property::ReasonString(_) | Property::UserProperty(..)));
    // Properties that cannot be sent are no reason to leave without a word.
    for properties in [properties.clone(), brief, Properties::new()] {
        if client.session().disconnect(&Disconnect { reason, properties }, Instant::now()).is_ok() {
            break;
        }
    }
    debug_lines::drain(client.session(), nameless, term);
    term.flush();
    client.close().await;
}

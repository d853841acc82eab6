//! The totals that a live broker publishes under $SYS: nothing per client and no age, but all that
//! some brokers tell.

use std::collections::HashMap;
use std::time::Duration;

use bytestring::ByteString;

use super::exchange::{ExchangeError, Login, open, run};
use super::{Error, Item, Note, Snapshot, Source, Total, Want};
use crate::mqtt::packet::{Packet, PacketId, Properties, Subscribe, Subscription, SubscriptionOptions};
use crate::net::Route;
use crate::talk::Ended;

const FILTERS: [&str; 4] = [
    "$SYS/broker/store/messages/count",
    "$SYS/broker/retained messages/count",
    "$SYS/broker/clients/disconnected",
    "$SYS/broker/publish/messages/dropped",
];
/// The row that stands for everybody.
const EVERYBODY: &str = "(all clients together)";

/// A broker that is asked by MQTT.
#[derive(Clone, Debug)]
pub struct SysSource {
    pub route: Route,
    pub login: Login,
    pub timeout: Duration,
}

impl Source for SysSource {
    fn read(&mut self, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, Error> {
        let place = self.route.endpoint.to_string();
        if want.client.is_some() {
            // An answer without the client would say that it is not there.
            return Err(Error::TotalsOnly(place));
        }
        let totals = run(self.timeout, self.ask()).map_err(|error| Error::Exchange(place.clone(), error))?;
        let number = |filter: &str| totals.get(filter).copied();
        let mut snapshot = Snapshot { kind: format!("$SYS of {place}"), ..Snapshot::default() };
        snapshot.stored = number(FILTERS[0]);
        snapshot.notes.push(Note::NotKnown("anything per client, topics nor ages"));
        match (number(FILTERS[0]), number(FILTERS[1])) {
            (Some(stored), retained) => {
                // A message that waits for many is stored once, and a retained one waits for nobody.
                let queued = stored.saturating_sub(retained.unwrap_or(0));
                snapshot.notes.push(Note::StoredOnce);
                snapshot.notes.push(Note::AtIntervals);
                each(Item::Total(Total { client: EVERYBODY, queued, ..Total::default() }));
            }
            (None, _) => snapshot.notes.push(Note::Incomplete("the broker publishes no totals under $SYS".into())),
        }
        snapshot.sessions = number(FILTERS[2]).unwrap_or(0);
        if let Some(dropped) = number(FILTERS[3]).filter(|dropped| *dropped > 0) {
            snapshot.notes.push(Note::Dropped(dropped));
        }
        Ok(snapshot)
    }
}

impl SysSource {
    /// The totals by topic. A broker without one of them answers the PING that is sent behind the
    /// SUBSCRIBE before anything more can come.
    async fn ask(&self) -> Result<HashMap<String, u64>, ExchangeError> {
        let mut talk = open(&self.route, &self.login.connect(""), self.timeout).await?;
        let options = SubscriptionOptions::default();
        let subscriptions =
            FILTERS.iter().map(|filter| Subscription { filter: ByteString::from(*filter), options }).collect();
        let packet_id = PacketId::MIN;
        talk.send(&Packet::Subscribe(Subscribe { packet_id, properties: Properties::new(), subscriptions })).await?;
        talk.send(&Packet::PingReq).await?;
        let mut totals = HashMap::new();
        loop {
            match talk.receive().await? {
                // What was not asked for is not kept, however much of it comes.
                Packet::Publish(publish) if FILTERS.contains(&&*publish.topic) => {
                    let text = std::str::from_utf8(&publish.payload).unwrap_or_default();
                    if let Ok(number) = text.trim().parse() {
                        totals.insert(publish.topic.to_string(), number);
                    }
                }
                Packet::Publish(_) | Packet::SubAck(_) => {}
                Packet::PingResp => break,
                Packet::Disconnect(goodbye) => return Err(Ended::Disconnected(goodbye.reason).into()),
                _ => return Err(ExchangeError::Unexpected),
            }
        }
        talk.close_and_wait().await?;
        Ok(totals)
    }
}

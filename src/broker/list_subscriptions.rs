//! The list of all that anybody has subscribed to, for who asks for it by hand: it is made in slices.

use bytestring::ByteString;

use super::Broker;
use super::session::SessionKey;
use super::slice::Slice;

impl Broker {
    /// Begins to list every filter with a client that subscribed to it. What comes and goes meanwhile may be in the list.
    pub fn list_subscriptions(&mut self) {
        self.listing = Some(Box::default());
    }

    /// The list, in no order, once it is made.
    pub fn poll_subscriptions(&mut self) -> Option<Vec<(ByteString, ByteString)>> {
        self.listing.take_if(|listing| listing.is_done).map(|listing| listing.found)
    }

    pub(super) fn is_listing(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| !listing.is_done)
    }

    /// Does a slice of the list.
    pub(super) fn go_on_listing(&mut self, slice: &mut Slice) {
        let Some(listing) = &mut self.listing else { return };
        while !slice.is_over() {
            slice.spend(1);
            if listing.session as usize >= self.sessions.bound() {
                listing.is_done = true;
                return;
            }
            let Some(session) = self.sessions.get(SessionKey(listing.session)) else {
                listing.session += 1;
                continue;
            };
            for filter in session.subscriptions.iter().skip(listing.filters) {
                if slice.is_over() {
                    return;
                }
                slice.spend(1);
                listing.filters += 1;
                listing.found.push((filter.into(), session.id.clone()));
            }
            listing.session += 1;
            listing.filters = 0;
        }
    }

    /// The session's filters are to change. Where some of them are listed, the others are listed first: they have no order in which
    /// the rest could be found again.
    pub(super) fn before_filters_change(&mut self, session_key: SessionKey) {
        if let Some(listing) = &mut self.listing
            && listing.session == session_key.0
            && listing.filters > 0
            && let Some(session) = self.sessions.get(session_key)
        {
            let rest = session.subscriptions.iter().skip(listing.filters);
            listing.found.extend(rest.map(|filter| (filter.into(), session.id.clone())));
            listing.session += 1;
            listing.filters = 0;
        }
    }
}

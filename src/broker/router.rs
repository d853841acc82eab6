//! Which clients get a message: the tree of topic filters with their subscribers and shared groups.

use std::collections::BTreeMap;

use super::client::ClientKey;
use super::tree::{Node, Tree};
use crate::mqtt::packet::SubscriptionOptions;

/// One client's subscription at one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscriber {
    pub(super) client: ClientKey,
    pub(super) options: SubscriptionOptions,
    /// 0 = none.
    pub(super) identifier: u32,
}

#[derive(Debug)]
pub(super) struct Router {
    tree: Tree<Place>,
    subscriptions: usize,
    shared: usize,
    last: LastRoute,
}

/// Who gets messages with the topic that was routed last, shared groups apart: the next often has the same.
#[derive(Debug, Default)]
struct LastRoute {
    is_valid: bool,
    topic: String,
    subscribers: Vec<Subscriber>,
}

/// What stands at one filter.
#[derive(Debug, Default)]
struct Place {
    /// In the order of subscribing.
    subscribers: Vec<Subscriber>,
    /// By name. One client may be in any number of groups at the same filter, so no group is looked for one by one.
    groups: BTreeMap<Box<str>, Group>,
}

/// The members of `$share/NAME/filter` take turns: whoever has had one goes behind all others, and so does who comes.
#[derive(Debug, Default)]
struct Group {
    members: Vec<Subscriber>,
    /// Whose turn it is, so always below the number of members; a cell, since routing only looks at the tree.
    next: std::cell::Cell<usize>,
}

impl Router {
    pub(super) fn new() -> Self {
        Self { tree: Tree::new(), subscriptions: 0, shared: 0, last: LastRoute::default() }
    }

    /// Subscriptions but for the shared ones, as Mosquitto counts them.
    pub(super) fn subscriptions(&self) -> usize {
        self.subscriptions
    }

    pub(super) fn shared(&self) -> usize {
        self.shared
    }

    /// Adds or replaces. Says whether the subscription is new.
    pub(super) fn subscribe(&mut self, filter: &str, group: Option<&str>, subscriber: Subscriber) -> bool {
        self.last.is_valid = false;
        let place = self.tree.insert(filter);
        match group {
            None if replace(&mut place.subscribers, subscriber) => return false,
            None => {
                place.subscribers.push(subscriber);
                self.subscriptions += 1;
            }
            Some(name) => {
                let group = place.groups.entry(name.into()).or_default();
                if replace(&mut group.members, subscriber) {
                    return false;
                }
                group.join(subscriber);
                self.shared += 1;
            }
        }
        true
    }

    /// Says whether there was such a subscription.
    pub(super) fn unsubscribe(&mut self, filter: &str, group: Option<&str>, client: ClientKey) -> bool {
        let Some(place) = self.tree.find_mut(filter) else { return false };
        self.last.is_valid = false;
        let removed = match group {
            None => {
                let removed = remove(&mut place.subscribers, client);
                self.subscriptions -= usize::from(removed);
                removed
            }
            Some(name) => {
                let removed = place.leave(name, client);
                self.shared -= usize::from(removed);
                removed
            }
        };
        if removed {
            self.tree.prune(filter, |place| place.subscribers.is_empty() && place.groups.is_empty());
        }
        removed
    }

    /// Appends everybody who gets a message with `topic`; last, of each shared group the member whose turn it is.
    /// Those who are not there any more, and whose subscriptions are still to be removed, get nothing and have no turn.
    pub(super) fn route(&mut self, topic: &str, found: &mut Vec<Subscriber>, is_there: impl Fn(ClientKey) -> bool) {
        if !self.last.is_valid || self.last.topic != topic {
            let mut last = std::mem::take(&mut self.last);
            last.subscribers.clear();
            self.visit(topic, &mut |place| last.subscribers.extend_from_slice(&place.subscribers));
            last.topic.clear();
            last.topic.push_str(topic);
            last.is_valid = true;
            self.last = last;
        }
        found.extend(self.last.subscribers.iter().filter(|subscriber| is_there(subscriber.client)));
        if self.shared > 0 {
            self.visit(topic, &mut |place| {
                found.extend(place.groups.values().filter_map(|group| group.take_turn(&is_there)));
            });
        }
    }

    /// Goes through the filters that match.
    fn visit(&self, topic: &str, see: &mut impl FnMut(&Place)) {
        // Wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1].
        self.descend(self.tree.root(), Some(topic), !topic.starts_with('$'), see);
    }

    fn descend(&self, node: &Node<Place>, rest: Option<&str>, wildcards: bool, see: &mut impl FnMut(&Place)) {
        if let Some(rest) = rest {
            let (level, below) = match rest.split_once('/') {
                Some((level, below)) => (level, Some(below)),
                None => (rest, None),
            };
            let literal = self.tree.child(node, level);
            let plus = if wildcards { self.tree.plus(node) } else { None };
            for next in [literal, plus].into_iter().flatten() {
                self.descend(next, below, true, see);
                if below.is_none() {
                    see(&next.value);
                }
            }
        }
        // `#` stands for its parent too [MQTT-4.7.1-2].
        if wildcards && let Some(hash) = self.tree.hash(node) {
            see(&hash.value);
        }
    }
}

impl Place {
    fn leave(&mut self, name: &str, client: ClientKey) -> bool {
        let Some(group) = self.groups.get_mut(name) else { return false };
        let removed = group.leave(client);
        if group.members.is_empty() {
            self.groups.remove(name);
        }
        removed
    }
}

impl Group {
    fn take_turn(&self, is_there: impl Fn(ClientKey) -> bool) -> Option<Subscriber> {
        let (before, from) = self.members.split_at(self.next.get());
        let mut turns = from.iter().chain(before).zip(1..);
        let (member, steps) = turns.find(|(member, _)| is_there(member.client))?;
        self.next.set((self.next.get() + steps) % self.members.len());
        Some(*member)
    }

    fn join(&mut self, subscriber: Subscriber) {
        let next = self.next.get_mut();
        if *next == 0 {
            self.members.push(subscriber);
        } else {
            // Before the one whose turn it is: that is the last place of the round.
            self.members.insert(*next, subscriber);
            *next += 1;
        }
    }

    fn leave(&mut self, client: ClientKey) -> bool {
        let Some(at) = self.members.iter().position(|member| member.client == client) else { return false };
        self.members.remove(at);
        let next = self.next.get_mut();
        *next -= usize::from(at < *next);
        if *next == self.members.len() {
            *next = 0;
        }
        true
    }
}

/// Puts the subscriber in the place of an older self, if there is one.
fn replace(list: &mut [Subscriber], subscriber: Subscriber) -> bool {
    let old = list.iter_mut().find(|old| old.client == subscriber.client);
    old.map(|old| *old = subscriber).is_some()
}

fn remove(list: &mut Vec<Subscriber>, client: ClientKey) -> bool {
    let Some(at) = list.iter().position(|subscriber| subscriber.client == client) else { return false };
    list.remove(at);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(client: u32) -> Subscriber {
        Subscriber { client: ClientKey(client), options: SubscriptionOptions::default(), identifier: 0 }
    }

    fn routed(router: &mut Router, topic: &str) -> Vec<u32> {
        let mut found = Vec::new();
        router.route(topic, &mut found, |_| true);
        found.iter().map(|subscriber| subscriber.client.0).collect()
    }

    fn router(filters: &[&str]) -> Router {
        let mut router = Router::new();
        for (client, filter) in filters.iter().enumerate() {
            assert!(router.subscribe(filter, None, subscriber(client as u32)));
        }
        router
    }

    #[test]
    fn wildcards_match_their_levels_and_nothing_else() {
        let mut router = router(&["a/b", "a/+", "a/#", "+/b", "#", "a", "a/b/#", "+/+/c", "/a", "+/a"]);
        assert_eq!(routed(&mut router, "a/b"), [6, 0, 1, 2, 3, 4]);
        assert_eq!(routed(&mut router, "a"), [2, 5, 4]);
        assert_eq!(routed(&mut router, "x/y/c"), [7, 4]);
        assert_eq!(routed(&mut router, "/a"), [8, 9, 4]);
        assert_eq!(routed(&mut router, "a/"), [1, 2, 4]);
    }

    #[test]
    fn wildcards_at_the_first_level_leave_dollar_topics_alone() {
        let mut router = router(&["#", "+/x", "$SYS/#", "$SYS/+"]);
        assert_eq!(routed(&mut router, "$SYS/x"), [3, 2]);
    }

    #[test]
    fn members_of_a_group_take_turns() {
        let mut router = Router::new();
        for client in 0..3 {
            router.subscribe("t", Some("g"), subscriber(client));
        }
        let turns: Vec<_> = (0..5).flat_map(|_| routed(&mut router, "t")).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1]);
        assert!(router.unsubscribe("t", Some("g"), ClientKey(2)));
        assert_eq!(routed(&mut router, "t"), [0]);
    }

    #[test]
    fn whoever_joins_a_group_or_leaves_it_leaves_the_order_of_the_others() {
        let mut router = Router::new();
        let turn = |router: &mut Router| routed(router, "t")[0];
        for client in 0..2 {
            router.subscribe("t", Some("g"), subscriber(client));
        }
        assert_eq!(turn(&mut router), 0);
        router.subscribe("t", Some("g"), subscriber(2));
        assert_eq!([(); 4].map(|()| turn(&mut router)), [1, 0, 2, 1]);
        router.unsubscribe("t", Some("g"), ClientKey(0));
        assert_eq!([(); 3].map(|()| turn(&mut router)), [2, 1, 2]);
        router.unsubscribe("t", Some("g"), ClientKey(1));
        router.subscribe("t", Some("g"), subscriber(3));
        assert_eq!([(); 3].map(|()| turn(&mut router)), [2, 3, 2]);
    }

    #[test]
    fn who_is_not_there_any_more_has_no_turn() {
        let mut router = Router::new();
        for client in 0..4 {
            router.subscribe("t", Some("g"), subscriber(client));
        }
        router.subscribe("t", None, subscriber(1));
        router.subscribe("t", None, subscriber(2));
        let mut found = Vec::new();
        for _ in 0..3 {
            router.route("t", &mut found, |client| [0, 2].contains(&client.0));
        }
        assert_eq!(found.iter().map(|one| one.client.0).collect::<Vec<_>>(), [2, 0, 2, 2, 2, 0]);
        found.clear();
        router.route("t", &mut found, |_| false);
        assert_eq!(found, []);
    }

    #[test]
    fn groups_of_other_names_and_plain_subscribers_get_their_own_copy() {
        let mut router = Router::new();
        router.subscribe("t", Some("g"), subscriber(1));
        router.subscribe("t", Some("h"), subscriber(2));
        router.subscribe("t", None, subscriber(3));
        assert_eq!(routed(&mut router, "t"), [3, 1, 2]);
        assert_eq!((router.subscriptions(), router.shared()), (1, 2));
    }

    #[test]
    fn the_route_of_a_topic_is_remembered_until_a_subscription_changes() {
        let mut router = router(&["t", "u"]);
        assert_eq!(routed(&mut router, "t"), [0]);
        assert_eq!(routed(&mut router, "t"), [0]);
        assert_eq!(routed(&mut router, "u"), [1]);
        assert!(router.subscribe("+", None, subscriber(2)));
        assert_eq!(routed(&mut router, "u"), [1, 2]);
        assert!(router.unsubscribe("u", None, ClientKey(1)));
        assert_eq!(routed(&mut router, "u"), [2]);
    }

    #[test]
    fn subscribing_again_replaces() {
        let mut router = router(&["t"]);
        let again = Subscriber { identifier: 7, ..subscriber(0) };
        assert!(!router.subscribe("t", None, again));
        let mut found = Vec::new();
        router.route("t", &mut found, |_| true);
        assert_eq!(found, [again]);
        assert!(router.unsubscribe("t", None, ClientKey(0)));
        assert!(!router.unsubscribe("t", None, ClientKey(0)));
        assert_eq!((router.subscriptions(), router.tree.size()), (0, 0));
    }
}

//! Which clients get a message: the tree of topic filters with their subscribers and shared groups.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::session::SessionKey;
use super::tree::{Node, Tree};
use crate::mqtt::packet::{SubscriptionIdentifier, SubscriptionOptions};
use crate::mqtt::topic::SubscriptionFilter;

/// One client's subscription at one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscriber {
    pub(super) session: SessionKey,
    pub(super) options: SubscriptionOptions,
    pub(super) identifier: Option<SubscriptionIdentifier>,
}

impl Subscriber {
    /// Whether it gets messages of that session.
    pub(super) fn takes_from(&self, publisher: Option<SessionKey>) -> bool {
        // [MQTT-3.8.3-3]
        !(self.options.no_local && Some(self.session) == publisher)
    }
}

#[derive(Debug)]
pub(super) struct Router {
    tree: Tree<Place>,
    subscriptions: usize,
    shared: usize,
    last: Route,
    /// The last that was long. Routes of others, which come between its messages, are short as a rule.
    last_long: Route,
    /// Nodes of the tree that were gone through.
    visited: Cell<u64>,
}

/// Nodes of the tree that are gone through in a microsecond, at least.
const VISITED_IN_A_STEP: u64 = 16;

/// Subscriptions from which on a route is long. Finding them takes a tenth of a microsecond each.
const LONG: usize = 256;

/// Who gets messages with a topic that was routed a moment ago: the next often has the same.
#[derive(Debug, Default)]
struct Route {
    is_valid: bool,
    topic: String,
    subscribers: Vec<Subscriber>,
    /// The filters of shared subscriptions.
    groups: Vec<Arc<SubscriptionFilter>>,
}

impl Route {
    #[inline]
    fn is_of(&self, topic: &str) -> bool {
        self.is_valid && self.topic == topic
    }

    fn is_long(&self) -> bool {
        self.subscribers.len() + self.groups.len() > LONG
    }
}

/// What stands at one filter.
#[derive(Debug, Default)]
enum Place {
    #[default]
    Empty,
    /// Most filters have one subscriber.
    One(Subscriber),
    Several(Box<Several>),
}

#[derive(Debug, Default)]
struct Several {
    /// In the order of subscribing.
    subscribers: Vec<Subscriber>,
    /// By name. One client may be in any number of groups at the same filter, so no group is looked for one by one.
    groups: BTreeMap<Box<str>, Group>,
}

/// A member of a shared subscription, with its filter as subscribed.
pub(super) type SharedSubscriber = (Subscriber, Arc<SubscriptionFilter>);

/// Which members of a shared subscription may get a message, the first kind first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Candidates {
    /// Those who are connected and take it.
    Connected,
    /// Those who are away, and for whom it is kept.
    Away,
    /// All who have a session. The message is dropped, and counted for the one whose turn it is.
    Any,
}

/// The members of a Shared Subscription take turns: whoever has had one goes behind all others, and so does who comes.
#[derive(Debug)]
struct Group {
    /// The filter as subscribed.
    filter: Arc<SubscriptionFilter>,
    members: Vec<Subscriber>,
    /// Whose turn it is, so always below the number of members; a cell, since routing only looks at the tree.
    next: Cell<usize>,
}

impl Router {
    pub(super) fn new() -> Self {
        Self {
            tree: Tree::new(),
            subscriptions: 0,
            shared: 0,
            last: Route::default(),
            last_long: Route::default(),
            visited: Cell::new(0),
        }
    }

    /// Subscriptions but for the shared ones, as Mosquitto counts them.
    pub(super) fn subscriptions(&self) -> usize {
        self.subscriptions
    }

    pub(super) fn shared(&self) -> usize {
        self.shared
    }

    /// Adds the subscription, or puts it in the place of the client's older one with the same filter [MQTT-3.8.4-3]. Says whether
    /// it is new.
    pub(super) fn subscribe(&mut self, filter: &SubscriptionFilter, subscriber: Subscriber) -> bool {
        self.forget_routes();
        let place = self.tree.insert(filter.topic_filter());
        match filter.share_name() {
            None => {
                let is_new = place.join(subscriber);
                self.subscriptions += usize::from(is_new);
                is_new
            }
            Some(name) => {
                let is_new = place.with_several(|several| {
                    let group = several.groups.entry(name.into()).or_insert_with(|| Group::new(filter));
                    let is_new = !replace(&mut group.members, subscriber);
                    if is_new {
                        group.join(subscriber);
                    }
                    is_new
                });
                self.shared += usize::from(is_new);
                is_new
            }
        }
    }

    /// Says whether there was such a subscription.
    pub(super) fn unsubscribe(&mut self, filter: &SubscriptionFilter, session_key: SessionKey) -> bool {
        let Some(place) = self.tree.find_mut(filter.topic_filter()) else { return false };
        let removed = match filter.share_name() {
            None => {
                let removed = place.leave(session_key);
                self.subscriptions -= usize::from(removed);
                removed
            }
            Some(name) => {
                let removed = place.leave_group(name, session_key);
                self.shared -= usize::from(removed);
                removed
            }
        };
        if removed {
            self.forget_routes();
            self.tree.prune(filter.topic_filter(), |place| matches!(place, Place::Empty));
        }
        removed
    }

    /// Calls `each` for everybody who gets a message with `topic`, but for shared subscriptions.
    pub(super) fn route(&mut self, topic: &str, each: impl FnMut(&Subscriber)) {
        self.subscribers(topic).iter().for_each(each);
    }

    /// Everybody who gets a message with `topic`, but for shared subscriptions.
    #[inline]
    pub(super) fn subscribers(&mut self, topic: &str) -> &[Subscriber] {
        &self.find(topic).subscribers
    }

    #[inline]
    fn find(&mut self, topic: &str) -> &Route {
        if self.last.is_of(topic) { &self.last } else { self.find_anew(topic) }
    }

    fn find_anew(&mut self, topic: &str) -> &Route {
        if self.last_long.is_of(topic) {
            return &self.last_long;
        }
        let mut route = std::mem::take(&mut self.last);
        route.subscribers.clear();
        route.groups.clear();
        self.visit(topic, &mut |place| {
            route.subscribers.extend_from_slice(place.subscribers());
            route.groups.extend(place.groups().map(|group| Arc::clone(&group.filter)));
        });
        route.topic.clear();
        route.topic.push_str(topic);
        route.is_valid = true;
        let last = if route.is_long() { &mut self.last_long } else { &mut self.last };
        *last = route;
        last
    }

    fn forget_routes(&mut self) {
        self.last.is_valid = false;
        self.last_long.is_valid = false;
    }

    /// Appends, for each shared subscription that matches `topic`, the member whose turn it is. A member has its turn only if
    /// it is one of the best candidates: one that is away is passed over while another is connected.
    pub(super) fn route_shared(
        &self,
        topic: &str,
        found: &mut Vec<SharedSubscriber>,
        is_among: impl Fn(&Subscriber, Candidates) -> bool,
    ) {
        if self.shared > 0 {
            self.visit(topic, &mut |place| {
                found.extend(place.groups().filter_map(|group| group.take_turn(&is_among)));
            });
        }
    }

    /// The shared subscriptions that match `topic`.
    pub(super) fn groups(&mut self, topic: &str) -> &[Arc<SubscriptionFilter>] {
        if self.shared > 0 { &self.find(topic).groups } else { &[] }
    }

    /// The member of one shared subscription whose turn it is.
    pub(super) fn next_member(
        &mut self,
        filter: &SubscriptionFilter,
        is_among: impl Fn(&Subscriber, Candidates) -> bool,
    ) -> Option<Subscriber> {
        let Place::Several(several) = self.tree.find_mut(filter.topic_filter())? else { return None };
        let group = several.groups.get(filter.share_name()?)?;
        group.take_turn(&is_among).map(|(member, _)| member)
    }

    /// Steps that it took to find who gets messages since this was asked last.
    pub(super) fn take_steps(&self) -> u64 {
        self.visited.take() / VISITED_IN_A_STEP
    }

    /// Goes through the filters that match.
    fn visit(&self, topic: &str, see: &mut impl FnMut(&Place)) {
        // Wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1].
        self.descend(self.tree.root(), Some(topic), !topic.starts_with('$'), see);
    }

    fn descend(&self, node: &Node<Place>, rest: Option<&str>, wildcards: bool, see: &mut impl FnMut(&Place)) {
        self.visited.set(self.visited.get() + 1);
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
        // `#` stands for its parent too, §4.7.1.2.
        if wildcards && let Some(hash) = self.tree.hash(node) {
            see(&hash.value);
        }
    }
}

impl Place {
    fn subscribers(&self) -> &[Subscriber] {
        match self {
            Self::Empty => &[],
            Self::One(subscriber) => std::slice::from_ref(subscriber),
            Self::Several(several) => &several.subscribers,
        }
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        let several = if let Self::Several(several) = self { Some(several) } else { None };
        several.into_iter().flat_map(|several| several.groups.values())
    }

    /// Changes what stands there when there is room for more than one.
    fn with_several<T>(&mut self, change: impl FnOnce(&mut Several) -> T) -> T {
        let mut several = match std::mem::take(self) {
            Self::Several(several) => several,
            Self::One(subscriber) => Box::new(Several { subscribers: vec![subscriber], ..Several::default() }),
            Self::Empty => Box::default(),
        };
        let result = change(&mut several);
        *self = Self::Several(several);
        result
    }

    /// Says whether the subscriber is new, and not in the place of an older self.
    fn join(&mut self, subscriber: Subscriber) -> bool {
        match self {
            Self::Empty => *self = Self::One(subscriber),
            Self::One(old) if old.session == subscriber.session => {
                *old = subscriber;
                return false;
            }
            _ => {
                return self.with_several(|several| {
                    let is_new = !replace(&mut several.subscribers, subscriber);
                    if is_new {
                        several.subscribers.push(subscriber);
                    }
                    is_new
                });
            }
        }
        true
    }

    fn leave(&mut self, session_key: SessionKey) -> bool {
        match self {
            Self::One(subscriber) if subscriber.session == session_key => *self = Self::Empty,
            Self::Empty | Self::One(_) => return false,
            Self::Several(several) => {
                if !remove(&mut several.subscribers, session_key) {
                    return false;
                }
                self.shrink();
            }
        }
        true
    }

    fn leave_group(&mut self, name: &str, session_key: SessionKey) -> bool {
        let Self::Several(several) = self else { return false };
        let Some(group) = several.groups.get_mut(name) else { return false };
        let removed = group.leave(session_key);
        if group.members.is_empty() {
            several.groups.remove(name);
            self.shrink();
        }
        removed
    }

    /// Gives back what several take, where there is at most one.
    fn shrink(&mut self) {
        if let Self::Several(several) = self
            && several.groups.is_empty()
        {
            match several.subscribers[..] {
                [] => *self = Self::Empty,
                [one] => *self = Self::One(one),
                _ => {}
            }
        }
    }
}

impl Group {
    fn new(filter: &SubscriptionFilter) -> Self {
        Self { filter: Arc::new(filter.clone()), members: Vec::new(), next: Cell::default() }
    }

    fn take_turn(&self, is_among: &impl Fn(&Subscriber, Candidates) -> bool) -> Option<SharedSubscriber> {
        let (before, from) = self.members.split_at(self.next.get());
        let (mut away, mut any) = (None, None);
        let mut turns = from.iter().chain(before).zip(1..);
        // Of many members most may be away: each is looked at once.
        let connected = turns.find(|&(member, steps)| {
            if is_among(member, Candidates::Connected) {
                return true;
            }
            for (first, kind) in [(&mut away, Candidates::Away), (&mut any, Candidates::Any)] {
                if first.is_none() && is_among(member, kind) {
                    *first = Some((member, steps));
                }
            }
            false
        });
        let (member, steps) = connected.or(away).or(any)?;
        self.next.set((self.next.get() + steps) % self.members.len());
        Some((*member, Arc::clone(&self.filter)))
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

    fn leave(&mut self, session_key: SessionKey) -> bool {
        let Some(at) = self.members.iter().position(|member| member.session == session_key) else { return false };
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
    let old = list.iter_mut().find(|old| old.session == subscriber.session);
    old.map(|old| *old = subscriber).is_some()
}

fn remove(list: &mut Vec<Subscriber>, session_key: SessionKey) -> bool {
    let Some(at) = list.iter().position(|subscriber| subscriber.session == session_key) else { return false };
    list.remove(at);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(number: u32) -> Subscriber {
        Subscriber { session: SessionKey(number), options: SubscriptionOptions::default(), identifier: None }
    }

    fn routed(router: &mut Router, topic: &str) -> Vec<u32> {
        let mut found = Vec::new();
        router.route(topic, |subscriber| found.push(*subscriber));
        let mut shared = Vec::new();
        router.route_shared(topic, &mut shared, |_, _| true);
        found.iter().chain(shared.iter().map(|(subscriber, _)| subscriber)).map(|one| one.session.0).collect()
    }

    fn filter(text: &str) -> SubscriptionFilter {
        SubscriptionFilter::new(text).unwrap()
    }

    fn share(name: &str) -> SubscriptionFilter {
        filter(&format!("$share/{name}/t"))
    }

    fn router(filters: &[&str]) -> Router {
        let mut router = Router::new();
        for (number, text) in filters.iter().enumerate() {
            assert!(router.subscribe(&filter(text), subscriber(number as u32)));
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
    fn a_place_takes_sixteen_bytes_and_gives_back_what_several_have_taken() {
        assert_eq!(size_of::<Place>(), 16);
        let mut place = Place::Empty;
        assert!(place.join(subscriber(1)) && !place.join(subscriber(1)) && place.join(subscriber(2)));
        assert!(!place.join(subscriber(2)) && !place.leave(SessionKey(3)));
        assert!(place.leave(SessionKey(1)) && matches!(place, Place::One(Subscriber { session: SessionKey(2), .. })));
        place.with_several(|several| several.groups.insert("g".into(), Group::new(&share("g"))));
        assert!(place.leave(SessionKey(2)) && matches!(place, Place::Several(_)));
        assert!(!place.leave_group("g", SessionKey(2)) && matches!(place, Place::Empty));
    }

    #[test]
    fn members_of_a_group_take_turns() {
        let mut router = Router::new();
        for number in 0..3 {
            router.subscribe(&share("g"), subscriber(number));
        }
        let turns: Vec<_> = (0..5).flat_map(|_| routed(&mut router, "t")).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1]);
        assert!(router.unsubscribe(&share("g"), SessionKey(2)));
        assert_eq!(routed(&mut router, "t"), [0]);
    }

    #[test]
    fn whoever_joins_a_group_or_leaves_it_leaves_the_order_of_the_others() {
        let mut router = Router::new();
        let turn = |router: &mut Router| routed(router, "t")[0];
        for number in 0..2 {
            router.subscribe(&share("g"), subscriber(number));
        }
        assert_eq!(turn(&mut router), 0);
        router.subscribe(&share("g"), subscriber(2));
        assert_eq!([(); 4].map(|()| turn(&mut router)), [1, 0, 2, 1]);
        router.unsubscribe(&share("g"), SessionKey(0));
        assert_eq!([(); 3].map(|()| turn(&mut router)), [2, 1, 2]);
        router.unsubscribe(&share("g"), SessionKey(1));
        router.subscribe(&share("g"), subscriber(3));
        assert_eq!([(); 3].map(|()| turn(&mut router)), [2, 3, 2]);
    }

    #[test]
    fn who_is_not_there_any_more_has_no_turn() {
        let mut router = Router::new();
        for number in 0..4 {
            router.subscribe(&share("g"), subscriber(number));
        }
        router.subscribe(&filter("t"), subscriber(1));
        router.subscribe(&filter("t"), subscriber(2));
        let is_there = |number: SessionKey| [0, 2].contains(&number.0);
        let turn = |router: &mut Router, is_there: &dyn Fn(SessionKey) -> bool| {
            let (mut found, mut shared) = (Vec::new(), Vec::new());
            router.route("t", |one| found.extend(is_there(one.session).then_some(*one)));
            router.route_shared("t", &mut shared, |member, _| is_there(member.session));
            found.iter().chain(shared.iter().map(|(member, _)| member)).map(|one| one.session.0).collect::<Vec<_>>()
        };
        assert_eq!([(); 3].map(|()| turn(&mut router, &is_there)), [[2, 0], [2, 2], [2, 0]]);
        assert!(turn(&mut router, &|_| false).is_empty());
    }

    #[test]
    fn whoever_is_away_has_a_turn_only_where_nobody_is_connected() {
        let mut router = Router::new();
        for number in 0..4 {
            router.subscribe(&share("g"), subscriber(number));
        }
        let turn = |router: &mut Router, connected: &[u32], away: &[u32]| {
            let member = router.next_member(&share("g"), |member, kind| match kind {
                Candidates::Connected => connected.contains(&member.session.0),
                Candidates::Away => away.contains(&member.session.0),
                Candidates::Any => true,
            });
            member.unwrap().session.0
        };
        assert_eq!([(); 3].map(|()| turn(&mut router, &[1, 3], &[0, 2])), [1, 3, 1]);
        assert_eq!([(); 3].map(|()| turn(&mut router, &[], &[0, 2])), [2, 0, 2]);
        assert_eq!(turn(&mut router, &[], &[]), 3);
        assert_eq!(router.next_member(&share("h"), |_, _| true), None);
    }

    #[test]
    fn groups_of_other_names_and_plain_subscribers_get_their_own_copy() {
        let mut router = Router::new();
        router.subscribe(&share("g"), subscriber(1));
        router.subscribe(&share("h"), subscriber(2));
        router.subscribe(&filter("t"), subscriber(3));
        assert_eq!(routed(&mut router, "t"), [3, 1, 2]);
        assert_eq!((router.subscriptions(), router.shared()), (1, 2));
    }

    #[test]
    fn the_route_of_a_topic_is_remembered_until_a_subscription_changes() {
        let mut router = router(&["t", "u"]);
        assert_eq!(routed(&mut router, "t"), [0]);
        assert_eq!(routed(&mut router, "t"), [0]);
        assert_eq!(routed(&mut router, "u"), [1]);
        assert!(router.subscribe(&filter("+"), subscriber(2)));
        assert_eq!(routed(&mut router, "u"), [1, 2]);
        assert!(router.unsubscribe(&filter("u"), SessionKey(1)));
        assert_eq!(routed(&mut router, "u"), [2]);
    }

    #[test]
    fn a_long_route_is_remembered_beside_short_ones() {
        let mut router = router(&["u"]);
        let all: Vec<_> = (1..=LONG as u32 + 1).collect();
        for &number in &all {
            assert!(router.subscribe(&filter("t"), subscriber(number)));
        }
        for _ in 0..2 {
            assert_eq!(routed(&mut router, "t"), all);
            assert_eq!(routed(&mut router, "u"), [0]);
        }
        assert!(router.last_long.is_of("t") && router.last.is_of("u"));
        assert!(router.subscribe(&filter("$share/g/t"), subscriber(0)));
        assert!(!router.last_long.is_of("t") && !router.last.is_of("u"));
        assert_eq!(router.groups("t"), [Arc::new(filter("$share/g/t"))]);
        assert!(router.groups("u").is_empty());
        assert!(router.unsubscribe(&filter("$share/g/t"), SessionKey(0)));
        assert!(router.unsubscribe(&filter("t"), SessionKey(1)));
        assert_eq!(routed(&mut router, "t"), all[1..]);
        assert!(router.groups("t").is_empty());
    }

    #[test]
    fn subscribing_again_replaces() {
        let mut router = router(&["t"]);
        let again = Subscriber { identifier: SubscriptionIdentifier::new(7), ..subscriber(0) };
        assert!(!router.subscribe(&filter("t"), again));
        let mut found = Vec::new();
        router.route("t", |subscriber| found.push(*subscriber));
        assert_eq!(found, [again]);
        assert!(router.unsubscribe(&filter("t"), SessionKey(0)));
        assert!(!router.unsubscribe(&filter("t"), SessionKey(0)));
        assert_eq!((router.subscriptions(), router.tree.size()), (0, 0));
    }
}

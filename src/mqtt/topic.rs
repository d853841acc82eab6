//! Topic names and topic filters, §4.7 and §4.8: what is valid and what matches what.

use std::fmt;
use std::ops::Deref;

use bytestring::ByteString;
use memchr::arch::all::memchr::Two;

/// Longest topic in bytes [MQTT-4.7.3-3].
pub const MAXIMUM_LENGTH: usize = 65_535;

/// Most `/` in a topic, as in Mosquitto: a tree of topics is walked level by level.
pub const MAXIMUM_SEPARATORS: usize = 200;

const SHARE: &str = "$share/";

/// Why a text is no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicError {
    /// [MQTT-4.7.3-1].
    Empty,
    TooLong {
        length: usize,
    },
    TooManyLevels {
        separators: usize,
    },
    /// [MQTT-4.7.3-2].
    NulCharacter,
    /// A `+` or `#` in a topic name, or one that does not fill its level or, for `#`, is not last in a filter.
    Wildcard,
    /// `$share/` without a ShareName, with a wildcard in it, or without a filter after it [MQTT-4.8.2-1] [MQTT-4.8.2-2].
    ShareName,
}

/// A topic that messages are published to: valid, without wildcards.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(ByteString);

/// A filter that subscriptions are made with: valid, its wildcards in their places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter(ByteString);

/// What a subscription is made with, taken apart: a topic filter alone, or the `$share/{ShareName}/{filter}` of a
/// Shared Subscription, §4.8.2.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubscriptionFilter {
    text: ByteString,
    /// Where the topic filter begins in the text; only that of a Shared Subscription begins behind 0.
    start: usize,
}

impl TopicName {
    pub fn new(text: impl Into<ByteString>) -> Result<Self, TopicError> {
        let text = text.into();
        Self::check(&text)?;
        Ok(Self(text))
    }

    /// Whether `text` is a topic name, for those who keep it elsewhere.
    pub fn check(text: &str) -> Result<(), TopicError> {
        check_any(text)?;
        // Topics are short, and `memchr2` asks the processor first what it has, which takes a virtual machine as long as 100 topics.
        let wildcards = Two::new(b'+', b'#');
        // [MQTT-4.7.0-1]
        if wildcards.find(text.as_bytes()).is_some() { Err(TopicError::Wildcard) } else { Ok(()) }
    }

    pub fn into_inner(self) -> ByteString {
        self.0
    }
}

impl TopicFilter {
    pub fn new(text: impl Into<ByteString>) -> Result<Self, TopicError> {
        let text = text.into();
        Self::check(&text)?;
        Ok(Self(text))
    }

    /// Whether `text` is a topic filter. What `$share/` asks for more is checked by [`SubscriptionFilter::new`].
    pub fn check(text: &str) -> Result<(), TopicError> {
        check_any(text)?;
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            let valid = match level {
                // [MQTT-4.7.1-2]
                "+" => true,
                // [MQTT-4.7.1-1]
                "#" => levels.peek().is_none(),
                _ => !level.contains(['+', '#']),
            };
            if !valid {
                return Err(TopicError::Wildcard);
            }
        }
        Ok(())
    }

    /// Whether the filter matches `topic`. A Shared Subscription matches by [`SubscriptionFilter::topic_filter`] instead.
    pub fn matches(&self, topic: &str) -> bool {
        matches(&self.0, topic)
    }

    pub fn into_inner(self) -> ByteString {
        self.0
    }
}

impl SubscriptionFilter {
    /// The filter of a SUBSCRIBE or UNSUBSCRIBE.
    pub fn new(text: impl Into<ByteString>) -> Result<Self, TopicError> {
        let text = text.into();
        TopicFilter::check(&text)?;
        // `$share` alone is the beginning of one that lacks both name and filter.
        if &*text == SHARE.trim_end_matches('/') {
            return Err(TopicError::ShareName);
        }
        let filter = Self::split(text);
        if is_shared(&filter.text) {
            // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
            let name = filter.share_name().ok_or(TopicError::ShareName)?;
            if name.is_empty() || name.contains(['+', '#']) || filter.topic_filter().is_empty() {
                return Err(TopicError::ShareName);
            }
        }
        Ok(filter)
    }

    /// A filter that was accepted once, as a broker's store has it. What `$share/` does not make a Shared Subscription of
    /// is a filter alone.
    pub fn split(text: impl Into<ByteString>) -> Self {
        let text = text.into();
        let rest = text.strip_prefix(SHARE).and_then(|rest| rest.split_once('/'));
        let start = rest.map_or(0, |(_, filter)| text.len() - filter.len());
        Self { text, start }
    }

    /// The ShareName of a Shared Subscription; `None` for any other.
    pub fn share_name(&self) -> Option<&str> {
        (self.start > 0).then(|| &self.text[SHARE.len()..self.start - 1])
    }

    /// The filter that topics are matched with.
    pub fn topic_filter(&self) -> &str {
        &self.text[self.start..]
    }

    pub fn is_shared(&self) -> bool {
        self.start > 0
    }

    /// The same with `mount_point` in front of what topics are matched with, in memory of its own.
    #[must_use]
    pub fn mounted(&self, mount_point: &str) -> Self {
        let (share, filter) = self.text.split_at(self.start);
        Self { text: format!("{share}{mount_point}{filter}").into(), start: self.start }
    }

    /// All of it, as it was subscribed to.
    pub fn text(&self) -> &ByteString {
        &self.text
    }
}

/// Whether a valid `filter` matches the topic name `topic`.
pub fn matches(filter: &str, topic: &str) -> bool {
    // [MQTT-4.7.2-1]
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut topic_levels = topic.split('/');
    for level in filter.split('/') {
        // `a/#` matches `a` too, §4.7.1.2.
        if level == "#" {
            return true;
        }
        match topic_levels.next() {
            // Levels are compared byte by byte [MQTT-4.7.3-4].
            Some(other) if level == "+" || level == other => {}
            _ => return false,
        }
    }
    topic_levels.next().is_none()
}

/// Whether a text has the beginning of a Shared Subscription's filter.
pub fn is_shared(text: &str) -> bool {
    text.starts_with(SHARE)
}

/// How many levels a topic name or filter has.
pub fn levels(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'/').count() + 1
}

/// What holds for names and filters.
fn check_any(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > MAXIMUM_LENGTH {
        return Err(TopicError::TooLong { length: text.len() });
    }
    let separators = levels(text) - 1;
    if separators > MAXIMUM_SEPARATORS {
        return Err(TopicError::TooManyLevels { separators });
    }
    if text.contains('\0') { Err(TopicError::NulCharacter) } else { Ok(()) }
}

impl Deref for TopicName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for TopicFilter {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for SubscriptionFilter {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl fmt::Debug for TopicFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl fmt::Debug for SubscriptionFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mqtt_4_7_1_1_a_multi_level_wildcard_is_alone_in_the_last_level() {
        for filter in ["#", "a/#", "/#", "+/#", "a//#", "$SYS/#"] {
            assert_eq!(TopicFilter::check(filter), Ok(()), "{filter}");
        }
        for filter in ["a#", "#/a", "a/#/b", "##", "a/b#", "#a", "a/#b", "#/"] {
            assert_eq!(TopicFilter::check(filter), Err(TopicError::Wildcard), "{filter}");
        }
    }

    #[test]
    fn mqtt_4_7_1_2_a_single_level_wildcard_is_alone_in_its_level() {
        for filter in ["+", "+/a", "a/+", "+/+/+", "/+", "+/", "a/+/b/#"] {
            assert_eq!(TopicFilter::check(filter), Ok(()), "{filter}");
        }
        for filter in ["a+", "+a", "++", "a/b+/c", "#+", "+#", "/+a"] {
            assert_eq!(TopicFilter::check(filter), Err(TopicError::Wildcard), "{filter}");
        }
    }

    #[test]
    fn mqtt_4_7_3_1_a_topic_has_at_least_one_character() {
        assert_eq!(TopicName::check(""), Err(TopicError::Empty));
        assert_eq!(TopicFilter::check(""), Err(TopicError::Empty));
        assert_eq!(TopicName::check("/"), Ok(()));
    }

    #[test]
    fn mqtt_4_7_3_2_a_topic_has_no_nul_character() {
        assert_eq!(TopicName::check("a\0"), Err(TopicError::NulCharacter));
    }

    #[test]
    fn mqtt_4_7_3_3_a_topic_has_at_most_65535_bytes() {
        assert_eq!(TopicName::check(&"é".repeat(32_767)), Ok(()));
        assert_eq!(TopicName::check(&"é".repeat(32_768)), Err(TopicError::TooLong { length: 65_536 }));
    }

    #[test]
    fn a_topic_has_at_most_200_separators() {
        assert_eq!(TopicName::check(&"/".repeat(200)), Ok(()));
        assert_eq!(TopicFilter::check(&"/".repeat(201)), Err(TopicError::TooManyLevels { separators: 201 }));
    }

    #[test]
    fn mqtt_3_3_2_2_a_topic_name_has_no_wildcard() {
        for name in ["+", "a/#", "a+b", "a/b#c"] {
            assert_eq!(TopicName::check(name), Err(TopicError::Wildcard), "{name}");
        }
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        let sport = "sport/tennis/player1";
        let table = [
            ("sport/tennis/player1/#", sport, true),
            ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/#", "sport", true),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("+", "/finance", false),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("#", "/finance", true),
            ("a/+/c", "a/b/c", true),
            ("a/+/c", "a/b/d", false),
            ("a/b", "a/b", true),
            ("a/b", "a/B", false),
            ("a/b", "a/b/", false),
            ("a/b/", "a/b", false),
            ("a/b", "a", false),
            ("/", "/", true),
            ("+/#", "a", true),
            ("a//b", "a//b", true),
            ("a/+/b", "a//b", true),
        ];
        for (filter, topic, expected) in table {
            assert_eq!(TopicFilter::new(filter).unwrap().matches(topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn mqtt_4_7_2_1_a_leading_wildcard_does_not_match_a_dollar_topic() {
        for filter in ["#", "+/monitor/Clients", "+/#", "+"] {
            assert!(!matches(filter, "$SYS/monitor/Clients"), "{filter}");
        }
        for filter in ["$SYS/#", "$SYS/monitor/+", "$SYS/+/Clients"] {
            assert!(matches(filter, "$SYS/monitor/Clients"), "{filter}");
        }
        assert!(matches("a/+", "a/$b"));
    }

    #[test]
    fn mqtt_4_8_2_1_a_share_has_a_name() {
        let shared = |text: &str| SubscriptionFilter::new(text).map(|filter| filter.is_shared());
        assert_eq!(shared("$share//a"), Err(TopicError::ShareName));
        assert_eq!(shared("a/$share/b"), Ok(false));
        assert_eq!(shared("$share"), Err(TopicError::ShareName));
        assert_eq!(shared("$sharing/a/b"), Ok(false));
    }

    #[test]
    fn mqtt_4_8_2_2_a_share_name_has_no_wildcard_and_a_filter_follows_it() {
        let filter = SubscriptionFilter::new("$share/group/a/+/#").unwrap();
        assert_eq!((filter.share_name(), filter.topic_filter()), (Some("group"), "a/+/#"));
        for text in ["$share/+/a", "$share/#", "$share/g", "$share/g/"] {
            assert_eq!(SubscriptionFilter::new(text), Err(TopicError::ShareName), "{text}");
        }
        let filter = SubscriptionFilter::new("$share/g//").unwrap();
        assert_eq!((filter.share_name(), filter.topic_filter()), (Some("g"), "/"));
    }

    #[test]
    fn a_mount_point_stands_in_front_of_what_topics_are_matched_with() {
        for (text, mounted) in [("a/#", "m/a/#"), ("$share/g/a/#", "$share/g/m/a/#")] {
            let filter = SubscriptionFilter::new(text).unwrap().mounted("m/");
            assert_eq!((&*filter, filter.topic_filter()), (mounted, "m/a/#"));
            assert_eq!(filter, SubscriptionFilter::split(mounted));
        }
    }

    #[test]
    fn what_a_store_has_is_taken_as_it_is() {
        for text in ["$share/g", "$share", "$share/"] {
            let filter = SubscriptionFilter::split(text);
            assert_eq!((filter.share_name(), filter.topic_filter()), (None, text));
        }
        assert_eq!(SubscriptionFilter::split("$share//a").topic_filter(), "a");
    }

    /// Matching as one would write it with lists, to compare with.
    fn matches_by_lists(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            ([first, filter @ ..], [level, topic @ ..]) => {
                (*first == "+" || first == level) && matches_by_lists(filter, topic)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_lists_of_levels(filter in "([ab+]{0,1}/){0,3}[ab+#]", topic in "([ab]{0,1}/){0,4}[ab]") {
            let expected = matches_by_lists(
                &filter.split('/').collect::<Vec<_>>(),
                &topic.split('/').collect::<Vec<_>>(),
            );
            prop_assert_eq!(matches(&filter, &topic), expected);
        }

        #[test]
        fn a_topic_name_is_a_filter_that_matches_itself(topic in "\\PC{1,20}") {
            if TopicName::check(&topic).is_ok() {
                prop_assert!(TopicFilter::new(topic.clone()).unwrap().matches(&topic));
            }
        }
    }
}

//! The filters that one session has subscribed to, and how many they may be.

use std::collections::HashSet;

use super::shared_seed::SharedSeed;
use crate::mqtt::topic::{SubscriptionFilter, levels};

/// Bytes of one client's filters.
const MAXIMUM_BYTES: usize = 16 * 1024 * 1024;

/// Levels of one client's filters: each may take memory of its own, and time whenever a message is routed.
const MAXIMUM_LEVELS: usize = 1_000_000;

/// Filters as subscribed, mount point included; what was asked for with them is in the router.
#[derive(Debug, Default)]
pub(super) struct Filters {
    texts: Texts,
    /// Of those texts.
    bytes: u32,
    levels: u32,
}

#[derive(Debug, Default)]
enum Texts {
    #[default]
    None,
    /// As most sessions have.
    One(Box<str>),
    #[expect(clippy::box_collection, reason = "there is one in each session, and most have one filter")]
    Many(Box<HashSet<Box<str>, SharedSeed>>),
}

impl Filters {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match &self.texts {
            Texts::None => (None, None),
            Texts::One(text) => (Some(text), None),
            Texts::Many(texts) => (None, Some(texts)),
        };
        one.into_iter().chain(many.into_iter().flat_map(|texts| texts.iter())).map(|text| &**text)
    }

    pub(super) fn contains(&self, filter: &SubscriptionFilter) -> bool {
        match &self.texts {
            Texts::None => false,
            Texts::One(text) => **text == **filter,
            Texts::Many(texts) => texts.contains(&**filter),
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.texts {
            Texts::None => 0,
            Texts::One(_) => 1,
            Texts::Many(texts) => texts.len(),
        }
    }

    /// Whether there may be one more, or it is there. `limit`: of their number.
    pub(super) fn takes(&self, filter: &SubscriptionFilter, limit: Option<u32>) -> bool {
        let has_room = limit.is_none_or(|limit| self.len() < limit as usize)
            && self.bytes as usize + filter.len() <= MAXIMUM_BYTES
            && self.levels as usize + levels(filter) <= MAXIMUM_LEVELS;
        has_room || self.contains(filter)
    }

    pub(super) fn insert(&mut self, filter: &SubscriptionFilter) {
        if self.contains(filter) {
            return;
        }
        // A text has at most 65,535 bytes, and `takes` bounds the sum.
        self.bytes += filter.len() as u32;
        self.levels += levels(filter) as u32;
        let text: Box<str> = (**filter).into();
        self.texts = match std::mem::take(&mut self.texts) {
            Texts::None => Texts::One(text),
            Texts::One(first) => Texts::Many(Box::new([first, text].into_iter().collect())),
            Texts::Many(mut texts) => {
                texts.insert(text);
                Texts::Many(texts)
            }
        };
    }

    /// Says whether it was there.
    pub(super) fn remove(&mut self, filter: &SubscriptionFilter) -> bool {
        let existed = match &mut self.texts {
            Texts::Many(texts) => texts.remove(&**filter),
            Texts::None | Texts::One(_) => {
                let existed = self.contains(filter);
                if existed {
                    self.texts = Texts::None;
                }
                existed
            }
        };
        if existed {
            self.bytes -= filter.len() as u32;
            self.levels -= levels(filter) as u32;
        }
        existed
    }
}

impl IntoIterator for Filters {
    type Item = SubscriptionFilter;
    type IntoIter = IntoFilters;

    fn into_iter(self) -> IntoFilters {
        match self.texts {
            Texts::None => IntoFilters { one: None, many: None },
            Texts::One(text) => IntoFilters { one: Some(text), many: None },
            Texts::Many(texts) => IntoFilters { one: None, many: Some(texts.into_iter()) },
        }
    }
}

/// The filters, one after the other, of a session that has ended.
#[derive(Debug)]
pub(super) struct IntoFilters {
    one: Option<Box<str>>,
    many: Option<std::collections::hash_set::IntoIter<Box<str>>>,
}

impl Iterator for IntoFilters {
    type Item = SubscriptionFilter;

    fn next(&mut self) -> Option<SubscriptionFilter> {
        let text = self.one.take().or_else(|| self.many.as_mut()?.next())?;
        // Each was a filter when it was put in.
        Some(SubscriptionFilter::split(String::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> SubscriptionFilter {
        SubscriptionFilter::new(text).unwrap()
    }

    #[test]
    fn filters_are_there_from_their_first_to_their_last() {
        let mut filters = Filters::default();
        let texts = ["a/b", "$share/g/a", "+/#"];
        for (index, text) in texts.into_iter().enumerate() {
            for _ in 0..2 {
                filters.insert(&filter(text));
            }
            let mut all: Vec<_> = filters.iter().collect();
            all.sort_unstable();
            let mut expected = texts[..=index].to_vec();
            expected.sort_unstable();
            assert_eq!(all, expected);
            assert!(filters.contains(&filter(text)) && !filters.contains(&filter("x")));
        }
        assert_eq!((filters.len(), filters.bytes, filters.levels), (3, 16, 7));
        assert!(filters.remove(&filter("a/b")) && !filters.remove(&filter("a/b")));
        assert_eq!((filters.bytes, filters.levels), (13, 5));
        let mut rest: Vec<_> = filters.into_iter().collect();
        rest.sort_unstable_by(|a, b| a.text().cmp(b.text()));
        assert_eq!(rest, [filter("$share/g/a"), filter("+/#")]);
        assert!(rest[0].is_shared());
    }

    #[test]
    fn one_that_is_gone_leaves_room_and_one_that_is_there_always_has_it() {
        let mut filters = Filters::default();
        assert!(filters.takes(&filter("a"), Some(1)) && !filters.takes(&filter("a"), Some(0)));
        filters.insert(&filter("a"));
        assert!(filters.takes(&filter("a"), Some(1)) && !filters.takes(&filter("b"), Some(1)));
        assert!(!filters.remove(&filter("b")) && filters.remove(&filter("a")));
        assert!(filters.takes(&filter("b"), Some(1)));
        assert_eq!((filters.bytes, filters.levels, filters.into_iter().count()), (0, 0, 0));
    }

    #[test]
    fn one_client_has_no_more_than_a_million_levels() {
        let mut filters = Filters::default();
        let long = |number: usize| filter(&format!("{number}{}", "/x".repeat(199)));
        let most = MAXIMUM_LEVELS / 200;
        (0..most).for_each(|number| filters.insert(&long(number)));
        assert!(!filters.takes(&filter("a"), None) && filters.takes(&long(0), None));
    }
}

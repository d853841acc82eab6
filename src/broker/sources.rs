//! The sources of messages, each once, by numbers.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::message::Source;
use super::shared_seed::SharedSeed;

#[derive(Debug, Default)]
pub(super) struct Sources {
    list: Vec<Known>,
    /// Numbers of `list` that stand for nothing.
    free: Vec<u32>,
    by_content: HashTable<u32>,
}

#[derive(Debug)]
struct Known {
    source: Arc<Source>,
    /// Messages that came from it; 0 = the number is free.
    messages: usize,
}

impl Sources {
    pub(super) fn get(&self, number: u32) -> &Arc<Source> {
        &self.list[number as usize].source
    }

    /// The number of a source, for one message more.
    pub(super) fn hold(&mut self, source: &Arc<Source>) -> u32 {
        let Self { list, free, by_content } = self;
        let is_it = |&number: &u32| {
            let known = &list[number as usize].source;
            Arc::ptr_eq(known, source) || known == source
        };
        let rehash = |&number: &u32| SharedSeed.hash_one(&*list[number as usize].source);
        match by_content.entry(SharedSeed.hash_one(&**source), is_it, rehash) {
            Entry::Occupied(entry) => {
                let number = *entry.get();
                list[number as usize].messages += 1;
                number
            }
            Entry::Vacant(entry) => {
                let number = free.pop().unwrap_or(list.len() as u32);
                entry.insert(number);
                let known = Known { source: Arc::clone(source), messages: 1 };
                match list.get_mut(number as usize) {
                    Some(place) => *place = known,
                    None => list.push(known),
                }
                number
            }
        }
    }

    /// One of its messages is gone.
    pub(super) fn release(&mut self, number: u32) {
        let known = &mut self.list[number as usize];
        known.messages -= 1;
        if known.messages == 0 {
            let source = std::mem::take(&mut known.source);
            if let Ok(entry) = self.by_content.find_entry(SharedSeed.hash_one(&*source), |&other| other == number) {
                entry.remove();
            }
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Arc<Source> {
        Arc::new(Source { client_id: name.into(), username: None, listener_port: 1883 })
    }

    #[test]
    fn a_source_has_one_number_while_a_message_came_from_it() {
        let mut sources = Sources::default();
        let numbers: Vec<_> = (0..100).map(|number| sources.hold(&source(&number.to_string()))).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        // The same client on another connection.
        assert_eq!(sources.hold(&source("7")), 7);
        sources.release(7);
        assert_eq!(sources.get(7).client_id, "7");
        sources.release(7);
        assert_eq!(sources.hold(&source("new")), 7);
        assert_eq!(sources.hold(&source("7")), 100);
        for number in 0..=100 {
            sources.release(number);
        }
        assert_eq!((sources.by_content.len(), sources.free.len()), (0, 101));
    }
}

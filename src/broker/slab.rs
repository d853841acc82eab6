//! Values that keep their index while they live; freed indices are used again.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// An index with a type of its own.
pub(super) trait Key: Copy {
    fn new(index: u32) -> Self;
    fn index(self) -> usize;
}

#[derive(Debug)]
pub(super) struct Slab<K, V> {
    values: Vec<Option<V>>,
    free: Vec<u32>,
    /// Values that are there.
    len: usize,
    key: PhantomData<K>,
}

impl<K: Key, V> Slab<K, V> {
    pub(super) const fn new() -> Self {
        Self { values: Vec::new(), free: Vec::new(), len: 0, key: PhantomData }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All keys have a lower index.
    pub(super) fn bound(&self) -> usize {
        self.values.len()
    }

    pub(super) fn contains(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.values.get_mut(key.index())?.as_mut()
    }

    pub(super) fn get(&self, key: K) -> Option<&V> {
        self.values.get(key.index())?.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.values.iter().enumerate().filter_map(|(index, value)| Some((K::new(index as u32), value.as_ref()?)))
    }

    pub(super) fn keys(&self) -> Vec<K> {
        self.iter().map(|(key, _)| key).collect()
    }

    pub(super) fn insert(&mut self, value: V) -> K {
        self.len += 1;
        if let Some(index) = self.free.pop() {
            self.values[index as usize] = Some(value);
            return K::new(index);
        }
        self.values.push(Some(value));
        K::new((self.values.len() - 1) as u32)
    }

    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let value = self.retire(key)?;
        self.release(key);
        Some(value)
    }

    /// Removes the value and keeps its key from being used again until [`Slab::release`].
    pub(super) fn retire(&mut self, key: K) -> Option<V> {
        let value = self.values.get_mut(key.index())?.take()?;
        self.len -= 1;
        Some(value)
    }

    /// Nothing names the retired key any more.
    pub(super) fn release(&mut self, key: K) {
        self.free.push(key.index() as u32);
    }
}

impl<K: Key, V> Index<K> for Slab<K, V> {
    type Output = V;

    fn index(&self, key: K) -> &V {
        self.values[key.index()].as_ref().expect("keys are forgotten when their value is removed")
    }
}

impl<K: Key, V> IndexMut<K> for Slab<K, V> {
    fn index_mut(&mut self, key: K) -> &mut V {
        self.values[key.index()].as_mut().expect("keys are forgotten when their value is removed")
    }
}

/// A key type for a [`Slab`].
macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) struct $name(pub(super) u32);

        impl crate::broker::slab::Key for $name {
            fn new(index: u32) -> Self {
                Self(index)
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

key! {
    /// Names a session while it lives.
    SessionKey
}

key! {
    /// Names a connection while it is open.
    ConnectionKey
}

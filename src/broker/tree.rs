//! A tree of topic levels with a value at each node: the shape of subscriptions.

use std::collections::HashMap;

use super::shared_seed::SharedSeed;

const ROOT: u32 = 0;

#[derive(Debug)]
pub(super) struct Tree<V> {
    nodes: Vec<Node<V>>,
    /// Indices of `nodes` that hold nothing.
    free: Vec<u32>,
}

/// A node is kept small: there is one for each level of each filter.
#[derive(Debug, Default)]
pub(super) struct Node<V> {
    /// Most nodes are leaves.
    branch: Option<Box<Branch>>,
    pub(super) value: V,
}

/// What is below a node.
#[derive(Debug, Default)]
struct Branch {
    children: Children,
    /// The children `+` and `#` stand apart, since every match asks for them. [`ROOT`], which is nobody's child, is none.
    plus: u32,
    hash: u32,
}

/// The children of a node but `+` and `#`, by their levels.
#[derive(Debug, Default)]
enum Children {
    #[default]
    None,
    /// Where each device has a topic of its own, all levels below its name.
    One(Box<str>, u32),
    Many(HashMap<Box<str>, u32, SharedSeed>),
}

impl<V: Default> Tree<V> {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], free: Vec::new() }
    }

    pub(super) fn root(&self) -> &Node<V> {
        &self.nodes[ROOT as usize]
    }

    pub(super) fn child(&self, node: &Node<V>, level: &str) -> Option<&Node<V>> {
        node.child(level).map(|key| &self.nodes[key as usize])
    }

    pub(super) fn plus(&self, node: &Node<V>) -> Option<&Node<V>> {
        node.plus().map(|key| &self.nodes[key as usize])
    }

    pub(super) fn hash(&self, node: &Node<V>) -> Option<&Node<V>> {
        node.hash().map(|key| &self.nodes[key as usize])
    }

    /// The value at `path`, made if it is not there.
    pub(super) fn insert(&mut self, path: &str) -> &mut V {
        let mut at = ROOT;
        for level in path.split('/') {
            at = match self.step(at, level) {
                Some(next) => next,
                None => self.grow(at, level),
            };
        }
        &mut self.nodes[at as usize].value
    }

    pub(super) fn find_mut(&mut self, path: &str) -> Option<&mut V> {
        let at = self.locate(path)?;
        Some(&mut self.nodes[at as usize].value)
    }

    /// Removes the nodes of `path` that are `empty` and have no children.
    pub(super) fn prune(&mut self, path: &str, empty: impl Fn(&V) -> bool) {
        let mut way = vec![ROOT];
        for level in path.split('/') {
            let Some(next) = self.step(way[way.len() - 1], level) else { return };
            way.push(next);
        }
        for (ends, level) in way.windows(2).rev().zip(path.rsplit('/')) {
            let node = &mut self.nodes[ends[1] as usize];
            if !node.is_leaf() || !empty(&node.value) {
                return;
            }
            *node = Node::default();
            self.nodes[ends[0] as usize].part_with(level);
            self.free.push(ends[1]);
        }
    }

    fn locate(&self, path: &str) -> Option<u32> {
        path.split('/').try_fold(ROOT, |at, level| self.step(at, level))
    }

    fn step(&self, at: u32, level: &str) -> Option<u32> {
        let node = &self.nodes[at as usize];
        match level {
            "+" => node.plus(),
            "#" => node.hash(),
            other => node.child(other),
        }
    }

    fn grow(&mut self, parent: u32, level: &str) -> u32 {
        let key = if let Some(key) = self.free.pop() {
            key
        } else {
            self.nodes.push(Node::default());
            (self.nodes.len() - 1) as u32
        };
        let branch = self.nodes[parent as usize].branch.get_or_insert_default();
        match level {
            "+" => branch.plus = key,
            "#" => branch.hash = key,
            other => branch.children.insert(other, key),
        }
        key
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.nodes.len() - self.free.len() - 1
    }
}

impl<V> Node<V> {
    fn child(&self, level: &str) -> Option<u32> {
        self.branch.as_ref()?.children.get(level)
    }

    fn plus(&self) -> Option<u32> {
        self.branch.as_ref().map(|branch| branch.plus).filter(|&key| key != ROOT)
    }

    fn hash(&self) -> Option<u32> {
        self.branch.as_ref().map(|branch| branch.hash).filter(|&key| key != ROOT)
    }

    fn part_with(&mut self, level: &str) {
        let Some(branch) = &mut self.branch else { return };
        match level {
            "+" => branch.plus = ROOT,
            "#" => branch.hash = ROOT,
            other => branch.children.remove(other),
        }
        if branch.plus == ROOT && branch.hash == ROOT && matches!(branch.children, Children::None) {
            self.branch = None;
        }
    }

    fn is_leaf(&self) -> bool {
        self.branch.is_none()
    }
}

impl Children {
    fn get(&self, level: &str) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(name, key) => (**name == *level).then_some(*key),
            Self::Many(children) => children.get(level).copied(),
        }
    }

    /// Adds a child, which is not there yet.
    fn insert(&mut self, level: &str, key: u32) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(level.into(), key),
            Self::One(name, one) => Self::Many([(name, one), (level.into(), key)].into_iter().collect()),
            Self::Many(mut children) => {
                children.insert(level.into(), key);
                Self::Many(children)
            }
        };
    }

    fn remove(&mut self, level: &str) {
        match self {
            Self::Many(children) => {
                children.remove(level);
                if children.is_empty() {
                    *self = Self::None;
                }
            }
            Self::One(name, _) if **name == *level => *self = Self::None,
            Self::None | Self::One(..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pruning_takes_empty_branches_and_leaves_the_others() {
        let mut tree = Tree::<u8>::new();
        *tree.insert("a/b/c") = 1;
        *tree.insert("a/+") = 2;
        *tree.find_mut("a/b/c").unwrap() = 0;
        tree.prune("a/b/c", |value| *value == 0);
        assert_eq!(tree.size(), 2);
        assert_eq!(tree.find_mut("a/+"), Some(&mut 2));
        assert_eq!(tree.find_mut("a/b"), None);
    }

    #[test]
    fn children_are_found_however_many_there_are() {
        let mut tree = Tree::<u8>::new();
        let paths = || (0..10).map(|number| format!("a/{number}"));
        for (number, path) in paths().enumerate() {
            *tree.insert(&path) = 1;
            let below = tree.child(tree.root(), "a").unwrap();
            let is_there = |number: usize| tree.child(below, &number.to_string()).is_some();
            assert!((0..=number).all(is_there) && !is_there(number + 1));
        }
        for path in paths() {
            *tree.find_mut(&path).unwrap() = 0;
            tree.prune(&path, |value| *value == 0);
            assert_eq!(tree.find_mut(&path), None);
        }
        assert_eq!((tree.size(), tree.root().is_leaf()), (0, true));
    }

    #[test]
    fn freed_nodes_are_used_again() {
        let mut tree = Tree::<u8>::new();
        for _ in 0..10 {
            tree.insert("x/#");
            tree.prune("x/#", |value| *value == 0);
        }
        assert_eq!((tree.size(), tree.nodes.len()), (0, 3));
    }
}

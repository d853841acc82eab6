//! A tree of topic levels with a value at each node: the shape of subscriptions and of retained messages.

use std::collections::HashMap;

const ROOT: u32 = 0;

#[derive(Debug)]
pub(super) struct Tree<V> {
    nodes: Vec<Node<V>>,
    /// Indices of `nodes` that hold nothing.
    free: Vec<u32>,
}

/// A node is kept small: there is one for each level of each filter, and of each topic with a retained message.
#[derive(Debug, Default)]
pub(super) struct Node<V> {
    /// Most nodes have none.
    #[expect(clippy::box_collection, reason = "eight bytes where there is none, which is nearly everywhere")]
    children: Option<Box<HashMap<Box<str>, u32>>>,
    /// The children `+` and `#` stand apart, since every match asks for them. [`ROOT`], which is nobody's child, is none.
    plus: u32,
    hash: u32,
    pub(super) value: V,
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
        (node.plus != ROOT).then(|| &self.nodes[node.plus as usize])
    }

    pub(super) fn hash(&self, node: &Node<V>) -> Option<&Node<V>> {
        (node.hash != ROOT).then(|| &self.nodes[node.hash as usize])
    }

    /// The children but `+` and `#`, with their levels.
    pub(super) fn children<'a>(&'a self, node: &'a Node<V>) -> impl Iterator<Item = (&'a str, &'a Node<V>)> {
        let children = node.children.iter().flat_map(|children| children.iter());
        children.map(|(level, &key)| (level.as_ref(), &self.nodes[key as usize]))
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
        let key = match level {
            "+" => node.plus,
            "#" => node.hash,
            other => return node.child(other),
        };
        (key != ROOT).then_some(key)
    }

    fn grow(&mut self, parent: u32, level: &str) -> u32 {
        let key = if let Some(key) = self.free.pop() {
            key
        } else {
            self.nodes.push(Node::default());
            (self.nodes.len() - 1) as u32
        };
        let above = &mut self.nodes[parent as usize];
        match level {
            "+" => above.plus = key,
            "#" => above.hash = key,
            other => {
                above.children.get_or_insert_default().insert(other.into(), key);
            }
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
        self.children.as_ref()?.get(level).copied()
    }

    fn part_with(&mut self, level: &str) {
        match level {
            "+" => self.plus = ROOT,
            "#" => self.hash = ROOT,
            other => {
                if let Some(children) = &mut self.children {
                    children.remove(other);
                    if children.is_empty() {
                        self.children = None;
                    }
                }
            }
        }
    }

    fn is_leaf(&self) -> bool {
        self.children.is_none() && self.plus == ROOT && self.hash == ROOT
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
    fn freed_nodes_are_used_again() {
        let mut tree = Tree::<u8>::new();
        for _ in 0..10 {
            tree.insert("x/#");
            tree.prune("x/#", |value| *value == 0);
        }
        assert_eq!((tree.size(), tree.nodes.len()), (0, 3));
    }
}

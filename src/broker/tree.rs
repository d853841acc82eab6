//! A tree of topic levels with a value at each node: the shape of subscriptions and of retained messages.

use std::collections::HashMap;

const ROOT: u32 = 0;

#[derive(Debug)]
pub(super) struct Tree<V> {
    nodes: Vec<Node<V>>,
    /// Indices of `nodes` that hold nothing.
    free: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Node<V> {
    parent: u32,
    level: Box<str>,
    children: HashMap<Box<str>, u32>,
    /// The children `+` and `#` stand apart, since every match asks for them.
    plus: Option<u32>,
    hash: Option<u32>,
    pub(super) value: V,
}

impl<V: Default> Tree<V> {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::new(ROOT, "")], free: Vec::new() }
    }

    pub(super) fn root(&self) -> &Node<V> {
        &self.nodes[ROOT as usize]
    }

    pub(super) fn child(&self, node: &Node<V>, level: &str) -> Option<&Node<V>> {
        node.children.get(level).map(|&key| &self.nodes[key as usize])
    }

    pub(super) fn plus(&self, node: &Node<V>) -> Option<&Node<V>> {
        node.plus.map(|key| &self.nodes[key as usize])
    }

    pub(super) fn hash(&self, node: &Node<V>) -> Option<&Node<V>> {
        node.hash.map(|key| &self.nodes[key as usize])
    }

    /// The children but `+` and `#`, with their levels.
    pub(super) fn children<'a>(&'a self, node: &'a Node<V>) -> impl Iterator<Item = (&'a str, &'a Node<V>)> {
        node.children.iter().map(|(level, &key)| (level.as_ref(), &self.nodes[key as usize]))
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

    /// Lets go of the nodes of `path` that are `empty` and have no children.
    pub(super) fn prune(&mut self, path: &str, empty: impl Fn(&V) -> bool) {
        let Some(mut at) = self.locate(path) else { return };
        while at != ROOT {
            let node = &mut self.nodes[at as usize];
            if !node.is_leaf() || !empty(&node.value) {
                return;
            }
            let parent = node.parent;
            let level = std::mem::take(&mut node.level);
            node.children = HashMap::new();
            node.value = V::default();
            let above = &mut self.nodes[parent as usize];
            match &*level {
                "+" => above.plus = None,
                "#" => above.hash = None,
                other => {
                    above.children.remove(other);
                }
            }
            self.free.push(at);
            at = parent;
        }
    }

    fn locate(&self, path: &str) -> Option<u32> {
        path.split('/').try_fold(ROOT, |at, level| self.step(at, level))
    }

    fn step(&self, at: u32, level: &str) -> Option<u32> {
        let node = &self.nodes[at as usize];
        match level {
            "+" => node.plus,
            "#" => node.hash,
            other => node.children.get(other).copied(),
        }
    }

    fn grow(&mut self, parent: u32, level: &str) -> u32 {
        let node = Node::new(parent, level);
        let key = if let Some(key) = self.free.pop() {
            self.nodes[key as usize] = node;
            key
        } else {
            self.nodes.push(node);
            (self.nodes.len() - 1) as u32
        };
        let above = &mut self.nodes[parent as usize];
        match level {
            "+" => above.plus = Some(key),
            "#" => above.hash = Some(key),
            other => {
                above.children.insert(other.into(), key);
            }
        }
        key
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.nodes.len() - self.free.len() - 1
    }
}

impl<V: Default> Node<V> {
    fn new(parent: u32, level: &str) -> Self {
        Self { parent, level: level.into(), children: HashMap::new(), plus: None, hash: None, value: V::default() }
    }

    fn is_leaf(&self) -> bool {
        self.children.is_empty() && self.plus.is_none() && self.hash.is_none()
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

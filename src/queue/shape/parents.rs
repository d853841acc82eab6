//! Rows that sum up the rows below them: topic prefixes, client-id prefixes, domain suffixes.

use std::collections::{HashMap, HashSet};

use super::{Counts, Row};

/// Which part of a name is its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// `plant/a/temp` is below `plant/a/#` and `plant/#`.
    Topic,
    /// `plant-a:gw` is below `plant-a:*` and `plant-*`: up to any of these characters.
    Prefix(Vec<char>),
    /// `a.example.com` is below `.example.com`, as in Postfix's qshape. One last label is nobody's parent.
    Suffix,
}

/// Which parents get a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parents {
    pub tree: Tree,
    /// Fewer different names directly below make no row.
    pub children: usize,
    /// The most levels a parent may have; `None` for all.
    pub depth: Option<usize>,
}

/// Levels of a name that may have parents: as many as Mosquitto allows a topic. A client id may have one at each of its
/// 65,535 characters.
const MAX_LEVELS: usize = 200;

/// A parent of a name, as the part of the name that tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Parent<'a> {
    level: usize,
    part: &'a str,
}

/// What is below a parent.
struct Sum<'a> {
    counts: Counts,
    /// What stands directly below it: rows, and the parts of parents.
    children: HashSet<&'a str>,
}

impl Parents {
    /// The parent rows of `rows`.
    pub(super) fn rows(&self, rows: &[Row], buckets: usize) -> Vec<Row> {
        let mut sums: HashMap<&str, Sum<'_>> = HashMap::new();
        for row in rows {
            let mut child = row.name.as_str();
            for parent in self.chain(&row.name) {
                if self.depth.is_none_or(|depth| parent.level <= depth) {
                    let sum = sums
                        .entry(parent.part)
                        .or_insert_with(|| Sum { counts: Counts::new(buckets), children: HashSet::new() });
                    sum.counts.add_all(&row.counts);
                    sum.children.insert(child);
                }
                child = self.bare(parent.part);
            }
        }
        // In MQTT `plant/a/#` matches `plant/a` too, so a reader expects it in the sum.
        for row in rows.iter().filter(|_| self.tree == Tree::Topic) {
            if let Some(sum) = sums.get_mut(row.name.as_str()) {
                sum.counts.add_all(&row.counts);
            }
        }
        sums.into_iter()
            .filter(|(_, sum)| sum.children.len() >= self.children)
            .map(|(part, sum)| Row { name: self.marked(part), is_parent: true, counts: sum.counts })
            .collect()
    }

    /// The name of the row of a parent.
    fn marked(&self, part: &str) -> String {
        match self.tree {
            Tree::Topic => format!("{part}/#"),
            Tree::Prefix(_) => format!("{part}*"),
            Tree::Suffix => part.to_owned(),
        }
    }

    /// What a row of the same name has in common with a parent.
    fn bare<'a>(&self, part: &'a str) -> &'a str {
        match self.tree {
            Tree::Topic | Tree::Prefix(_) => part,
            Tree::Suffix => part.strip_prefix('.').unwrap_or(part),
        }
    }

    /// All parents of `name`, nearest first.
    fn chain<'a>(&self, name: &'a str) -> Vec<Parent<'a>> {
        let ends: Vec<usize> = match &self.tree {
            Tree::Topic => name.match_indices('/').map(|(at, _)| at).take(MAX_LEVELS).collect(),
            // A separator at the very end separates nothing.
            Tree::Prefix(separators) => name
                .char_indices()
                .filter(|(_, c)| separators.contains(c))
                .map(|(at, c)| at + c.len_utf8())
                .filter(|end| *end < name.len())
                .take(MAX_LEVELS)
                .collect(),
            Tree::Suffix => return suffixes(name),
        };
        ends.iter().enumerate().rev().map(|(place, end)| Parent { level: place + 1, part: &name[..*end] }).collect()
    }
}

/// The nearest is the longest; the last label alone is nobody's parent.
fn suffixes(name: &str) -> Vec<Parent<'_>> {
    let starts: Vec<usize> = name.rmatch_indices('.').map(|(at, _)| at).skip(1).take(MAX_LEVELS).collect();
    starts.iter().enumerate().rev().map(|(place, at)| Parent { level: place + 2, part: &name[*at..] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(tree: Tree, name: &str) -> Vec<String> {
        let parents = Parents { tree, children: 1, depth: None };
        parents.chain(name).into_iter().map(|parent| parents.marked(parent.part)).collect()
    }

    #[test]
    fn parents_are_prefixes_of_topics_and_clients_and_suffixes_of_domains() {
        assert_eq!(chain(Tree::Topic, "plant/a/line1/temp"), ["plant/a/line1/#", "plant/a/#", "plant/#"]);
        assert_eq!(chain(Tree::Topic, "/x"), ["/#"]);
        assert_eq!(chain(Tree::Topic, "plant"), [""; 0]);
        let separators = || Tree::Prefix(":-_/.".chars().collect());
        assert_eq!(chain(separators(), "plant-a:line1:gw"), ["plant-a:line1:*", "plant-a:*", "plant-*"]);
        assert_eq!(chain(separators(), "gw-"), [""; 0]);
        assert_eq!(chain(Tree::Suffix, "x.a.example.com"), [".a.example.com", ".example.com"]);
        assert_eq!(chain(Tree::Suffix, "example.com"), [""; 0]);
    }

    #[test]
    fn a_name_of_nothing_but_separators_has_as_many_parents_as_a_topic_may() {
        let trees = [(Tree::Prefix(vec!['-']), "-"), (Tree::Topic, "/"), (Tree::Suffix, ".")];
        for (tree, separator) in trees {
            let name = separator.repeat(65_535);
            let parents = Parents { tree, children: 1, depth: None };
            let levels: Vec<_> = parents.chain(&name).iter().map(|parent| parent.level).collect();
            assert_eq!((levels.len(), levels.windows(2).all(|pair| pair[0] == pair[1] + 1)), (MAX_LEVELS, true));
        }
    }

    fn row(name: &str, total: u64) -> Row {
        let counts = Counts { total, buckets: vec![total], messages: total, ..Counts::default() };
        Row { name: name.into(), is_parent: false, counts }
    }

    fn sums(parents: &Parents, rows: &[Row]) -> Vec<(String, u64)> {
        let mut sums: Vec<_> = parents.rows(rows, 1).into_iter().map(|row| (row.name, row.counts.total)).collect();
        sums.sort();
        sums
    }

    #[test]
    fn a_parent_needs_enough_different_children() {
        let rows = [row("a/b/1", 1), row("a/b/2", 2), row("a/c", 4)];
        let mut parents = Parents { tree: Tree::Topic, children: 2, depth: None };
        assert_eq!(sums(&parents, &rows), [("a/#".to_owned(), 7), ("a/b/#".to_owned(), 3)]);
        parents.depth = Some(1);
        assert_eq!(sums(&parents, &rows), [("a/#".to_owned(), 7)]);
        parents.children = 3;
        assert_eq!(sums(&parents, &rows), []);
    }

    #[test]
    fn a_name_and_the_parent_of_that_name_are_one_child() {
        let parents = Parents { tree: Tree::Suffix, children: 2, depth: None };
        let rows = [row("a.example.com", 1), row("x.a.example.com", 1), row("y.a.example.com", 1)];
        assert_eq!(sums(&parents, &rows), [(".a.example.com".to_owned(), 2)]);
    }

    #[test]
    fn a_topic_is_part_of_its_own_wildcard_whatever_the_order() {
        let parents = Parents { tree: Tree::Topic, children: 1, depth: None };
        assert_eq!(sums(&parents, &[row("a/b", 1), row("a", 2)]), [("a/#".to_owned(), 3)]);
        assert_eq!(sums(&parents, &[row("a", 2), row("a/b", 1)]), [("a/#".to_owned(), 3)]);
    }
}

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

impl Parents {
    /// The parent rows of `rows`.
    pub(super) fn rows(&self, rows: &[Row], buckets: usize) -> Vec<Row> {
        let mut sums: HashMap<String, (Counts, HashSet<String>)> = HashMap::new();
        for row in rows {
            let mut child = row.name.clone();
            for (level, parent) in self.chain(&row.name) {
                if self.depth.is_none_or(|depth| level <= depth) {
                    let (counts, children) =
                        sums.entry(parent.clone()).or_insert_with(|| (Counts::new(buckets), HashSet::new()));
                    counts.add_all(&row.counts);
                    children.insert(child);
                }
                child = String::from(self.bare(&parent));
            }
        }
        for row in rows {
            self.count_into_own_wildcard(row, &mut sums);
        }
        sums.into_iter()
            .filter(|(_, (_, children))| children.len() >= self.children)
            .map(|(name, (counts, _))| Row { name, is_parent: true, counts })
            .collect()
    }

    /// In MQTT `plant/a/#` matches `plant/a` too, so a reader expects it in the sum.
    fn count_into_own_wildcard(&self, row: &Row, sums: &mut HashMap<String, (Counts, HashSet<String>)>) {
        if self.tree == Tree::Topic
            && let Some((counts, _)) = sums.get_mut(&format!("{}/#", row.name))
        {
            counts.add_all(&row.counts);
        }
    }

    /// A parent without its mark: what a row of that name has in common with it.
    fn bare<'a>(&self, parent: &'a str) -> &'a str {
        match self.tree {
            Tree::Topic => parent.strip_suffix("/#").unwrap_or(parent),
            Tree::Prefix(_) => parent.strip_suffix('*').unwrap_or(parent),
            Tree::Suffix => parent.strip_prefix('.').unwrap_or(parent),
        }
    }

    /// All parents of `name`, nearest first, each with its number of levels.
    fn chain(&self, name: &str) -> Vec<(usize, String)> {
        match &self.tree {
            Tree::Topic => {
                let ends = name.match_indices('/').map(|(at, _)| at);
                let mut chain: Vec<_> =
                    ends.zip(1..).map(|(at, level)| (level, format!("{}/#", &name[..at]))).collect();
                chain.reverse();
                chain
            }
            Tree::Prefix(separators) => {
                // A separator at the very end separates nothing.
                let ends = name.char_indices().filter(|(_, c)| separators.contains(c)).map(|(at, c)| at + c.len_utf8());
                let mut chain: Vec<_> = ends
                    .filter(|end| *end < name.len())
                    .zip(1..)
                    .map(|(end, level)| (level, format!("{}*", &name[..end])))
                    .collect();
                chain.reverse();
                chain
            }
            Tree::Suffix => {
                let labels = name.matches('.').count() + 1;
                name.match_indices('.')
                    .map(|(at, _)| at)
                    .zip((1..labels).rev())
                    .filter(|(_, level)| *level >= 2)
                    .map(|(at, level)| (level, name[at..].to_owned()))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(tree: Tree, name: &str) -> Vec<String> {
        Parents { tree, children: 1, depth: None }.chain(name).into_iter().map(|(_, name)| name).collect()
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

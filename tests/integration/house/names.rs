//! Which file of a tree of sources names which: by `crate::`, `super::` and `self::`, in groups or not, by the name
//! of a child, by an imported name, and through what another file re-exports.
//!
//! Reads Rust by its tokens, which is enough: a path is names with `::` between them. What only tests name is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module's path from the crate's root, `["broker", "server"]`; the root itself has none.
type ModulePath = Vec<String>;

/// The sources of a crate, by module.
pub struct Tree {
    files: BTreeMap<ModulePath, File>,
}

/// What one file names.
#[derive(Default)]
struct File {
    /// Every path as it stands there, from the root, and whether it stands in a `pub use`.
    paths: Vec<(ModulePath, bool)>,
    /// What a name that a `use` brought in stands for; two where platforms differ.
    imported: BTreeMap<String, Vec<ModulePath>>,
    /// The children that `mod NAME;` declares.
    children: BTreeSet<String>,
}

/// One file names something of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Naming {
    pub from: String,
    pub to: String,
    /// What is named, as far as the path says.
    pub path: String,
    /// It is only shown to others under this file's name, not used here.
    pub is_shown: bool,
}

impl Tree {
    /// The sources below `root`, without the folders and files of tests.
    pub fn read(root: &Path) -> Self {
        let mut texts = Vec::new();
        collect(root, root, &mut texts);
        Self::new(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// `(path below the root, text)`: `("net/tls/mod.rs", "use super::Endpoint;")`.
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let read = |(path, text): (&str, &str)| {
            let module = module_of(path);
            let file = Reading::of(text, module.clone());
            (module, file)
        };
        let files = texts.into_iter().filter(|(path, _)| !is_of_tests(path)).map(read);
        Self { files: files.collect() }
    }

    pub fn modules(&self) -> impl Iterator<Item = String> {
        self.files.keys().map(|module| module.join("::"))
    }

    /// Who names whom.
    pub fn namings(&self) -> BTreeSet<Naming> {
        let mut namings = BTreeSet::new();
        for (module, file) in &self.files {
            for (path, is_shown) in &file.paths {
                let mut targets = BTreeSet::new();
                self.resolve(path, 0, &mut targets);
                let others = targets.into_iter().filter(|target| target != module);
                namings.extend(others.map(|target| Naming {
                    from: module.join("::"),
                    to: target.join("::"),
                    path: path.join("::"),
                    is_shown: *is_shown,
                }));
            }
        }
        namings
    }

    /// The files that hold what `path` names. A module alone is nothing yet: what is taken from it is.
    fn resolve(&self, path: &[String], depth: u8, targets: &mut BTreeSet<ModulePath>) {
        let Some(length) = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length])) else {
            return;
        };
        let (module, rest) = path.split_at(length);
        let Some(name) = rest.first() else { return };
        match self.files[module].imported.get(name).filter(|_| depth < 16) {
            Some(origins) => {
                for origin in origins {
                    self.resolve(&[origin, &rest[1..]].concat(), depth + 1, targets);
                }
            }
            None => drop(targets.insert(module.to_vec())),
        }
    }

    /// For each set of files that reach each other, one circle among them: `["a", "b", "a"]`.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for naming in self.namings().into_iter().filter(|naming| !naming.is_shown) {
            used.entry(naming.from).or_default().insert(naming.to);
        }
        // A file that leads to none which is still here is part of no circle; what is left is few.
        while let Some(end) = used.iter().find(|(_, next)| !next.iter().any(|file| used.contains_key(file))) {
            let end = end.0.clone();
            used.remove(&end);
        }
        let mut circles: Vec<Vec<String>> = Vec::new();
        for file in used.keys() {
            if let Some(circle) = way_back(file, &used)
                && !circles.iter().any(|known| known.contains(file))
            {
                circles.push(circle);
            }
        }
        circles
    }
}

/// The shortest way from `file` back to it.
fn way_back(file: &str, used: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut ways = vec![vec![file.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in used.get(way.last()?).into_iter().flatten() {
                if next == file {
                    return Some([way, vec![file.to_owned()]].concat());
                }
                if seen.insert(next.clone()) {
                    longer.push([way.clone(), vec![next.clone()]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn collect(root: &Path, folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            texts.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn is_of_tests(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// `mqtt/packet/mod.rs` → `["mqtt", "packet"]`.
fn module_of(path: &str) -> ModulePath {
    let mut parts: Vec<_> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || parts == ["lib"] {
        parts.pop();
    }
    parts
}

/// The tokens of one file on their way to what it names.
struct Reading {
    tokens: Vec<String>,
    at: usize,
    /// Where `self` is: the file's module and the modules with a body in it.
    module: ModulePath,
    file: File,
}

impl Reading {
    fn of(text: &str, module: ModulePath) -> File {
        let mut reading = Self { tokens: tokens(text), at: 0, module, file: File::default() };
        // Names may stand before the `use` that brings them in.
        reading.walk(true);
        reading.at = 0;
        reading.walk(false);
        reading.file
    }

    fn token(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn is(&self, expected: &[&str]) -> bool {
        expected.iter().enumerate().all(|(ahead, token)| self.token(ahead) == *token)
    }

    /// To the end of the tokens, or behind the brace that closes the module.
    fn walk(&mut self, is_first: bool) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            if self.is(&["#", "[", "cfg", "(", "test", ")", "]"]) {
                self.at += 7;
                self.skip_item();
                continue;
            }
            match self.token(0) {
                "{" => depth += 1,
                "}" if depth == 0 => {
                    self.at += 1;
                    return;
                }
                "}" => depth -= 1,
                "mod" if self.token(2) == "{" => {
                    self.module.push(self.token(1).to_owned());
                    self.at += 3;
                    self.walk(is_first);
                    self.module.pop();
                    continue;
                }
                "mod" if self.token(2) == ";" => {
                    self.file.children.insert(self.token(1).to_owned());
                }
                "use" => {
                    // `pub use`, `pub(super) use`
                    let before = self.at.checked_sub(1).map_or("", |before| self.tokens[before].as_str());
                    let is_shown = matches!(before, "pub" | ")");
                    self.at += 1;
                    self.use_tree(&Vec::new(), is_shown, is_first);
                    continue;
                }
                token if !is_first && is_name(token) && self.token(1) == "::" => {
                    self.path();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Behind the item that begins here.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            let token = self.token(0).to_owned();
            self.at += 1;
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(token.as_str(), "}" | ";") {
                return;
            }
        }
    }

    /// One branch of a `use`, up to and not behind its `,`, `}` or `;`.
    fn use_tree(&mut self, before: &[String], is_shown: bool, is_first: bool) {
        let mut path = before.to_vec();
        loop {
            match self.token(0) {
                "{" => {
                    while self.token(0) != "}" {
                        self.at += 1;
                        if self.token(0) != "}" {
                            self.use_tree(&path, is_shown, is_first);
                        }
                    }
                    self.at += 1;
                    return;
                }
                "::" => self.at += 1,
                "," | "}" | ";" | "" => break,
                "as" => {
                    let alias = self.token(1).to_owned();
                    self.at += 2;
                    return self.import(&path, alias, is_shown, is_first);
                }
                // `use a::{self, b}`: `self` after a path is that path.
                "self" if !path.is_empty() => self.at += 1,
                name => {
                    path.push(name.to_owned());
                    self.at += 1;
                }
            }
        }
        let Some(name) = path.last().cloned() else { return };
        self.import(&path, name, is_shown, is_first);
    }

    fn import(&mut self, path: &[String], name: String, is_shown: bool, is_first: bool) {
        let Some(path) = self.absolute(path) else { return };
        if is_first {
            self.file.imported.entry(name).or_default().push(path);
        } else {
            self.file.paths.push((path, is_shown));
        }
    }

    /// A path outside of a `use`.
    fn path(&mut self) {
        let is_continued = self.at > 0 && matches!(self.tokens[self.at - 1].as_str(), "::" | "$");
        let mut path = vec![self.token(0).to_owned()];
        self.at += 1;
        while self.token(0) == "::" && is_name(self.token(1)) {
            path.push(self.token(1).to_owned());
            self.at += 2;
        }
        // The `::` of a turbofish or of `<T as Trait>::`.
        if self.token(0) == "::" {
            self.at += 1;
        }
        if is_continued {
            return;
        }
        if let Some(path) = self.absolute(&path) {
            self.file.paths.push((path, false));
        }
        let imported = self.file.imported.get(&path[0]).cloned().unwrap_or_default();
        self.file.paths.extend(imported.into_iter().map(|origin| ([&origin, &path[1..]].concat(), false)));
    }

    /// From the root, where the first name is one that leads through this crate.
    fn absolute(&self, path: &[String]) -> Option<ModulePath> {
        let first = path.first()?;
        match first.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([&self.module, &path[1..]].concat()),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let base = self.module.get(..self.module.len().checked_sub(ups)?)?;
                Some([base, &path[ups..]].concat())
            }
            _ if self.file.children.contains(first) => Some([&self.module, path].concat()),
            _ => None,
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single characters; no comments, texts, numbers' insides or lifetimes.
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_text(rest) {
            length
        } else if first == '"' {
            1 + quoted(&rest[1..], '"')
        } else if first == '\'' {
            let inner = &rest[1..];
            // A lifetime has no second quote behind its first letter.
            let is_character = inner.starts_with('\\') || inner.chars().nth(1) == Some('\'');
            if is_character { 1 + quoted(inner, '\'') } else { 1 + inner.find(|c| !is_part(c)).unwrap_or(inner.len()) }
        } else if is_part(first) {
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of `r"…"`, `br#"…"#` and their like.
fn raw_text(rest: &str) -> Option<usize> {
    let head = rest.strip_prefix("br").or(rest.strip_prefix('r'))?;
    let hashes = head.chars().take_while(|c| *c == '#').count();
    let inner = head[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let before = rest.len() - inner.len();
    Some(inner.find(&end).map_or(rest.len(), |at| before + at + end.len()))
}

/// The length of a text up to and with its closing quote.
fn quoted(inner: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    inner.len()
}

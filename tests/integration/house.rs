//! The house stays as drawn: which module may name which.

mod names;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use names::Tree;

/// The lines of the table in ARCHITECTURE.md; a module may name modules of lower lines only, or,
/// on its own line, itself. So no verb names a verb, and only `cmd` itself names them all.
const LAYERS: &[(u8, &str)] = &[
    (0, "os"),
    (0, "text_table"),
    (0, "c_text"),
    (1, "escape"),
    (1, "jwt"),
    (1, "mqtt::topic"),
    (1, "private_folder"),
    (1, "scram"),
    (1, "text_file"),
    (1, "whole_file"),
    (2, "mqtt::packet"),
    (2, "pki"),
    (2, "file_set"),
    (2, "passwd"),
    (3, "mqtt::alias"),
    (3, "mqtt::authentication"),
    (3, "mqtt::flow"),
    (3, "net"),
    (3, "term"),
    (3, "state"),
    (4, "mqtt::session"),
    (4, "broker"),
    (4, "talk"),
    (4, "record"),
    (4, "decode"),
    (4, "http"),
    (5, "client"),
    (5, "broker::store"),
    (6, "broker::server"), // it owns the store
    (5, "queue"),
    (5, "oauth"),
    (6, "diagnose"),
    (7, "broker::host"),
    (7, "probe"),
    (8, "examine"),
    (9, "cmd::applet"),
    (9, "cmd::duration"),
    (9, "cmd::findings"),
    (9, "cmd::host"),
    (9, "cmd::number"),
    (9, "cmd::output"),
    (9, "cmd::words"),
    (10, "cmd::connect"),
    (11, "cmd::broker"),
    (11, "cmd::certgen"),
    (11, "cmd::check"),
    (11, "cmd::clients"),
    (11, "cmd::demo"),
    (11, "cmd::passwd"),
    (11, "cmd::qshape"),
    (11, "cmd::tool"),
    (12, "cmd"),
];

/// The entry of the table that `path` (`a::b::c`) belongs to: the longest that is a prefix of it.
fn room<'a>(layers: &[(u8, &'a str)], path: &str) -> Option<(u8, &'a str)> {
    layers
        .iter()
        .filter(|(_, name)| path == *name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::")))
        .max_by_key(|(_, name)| name.len())
        .copied()
}

/// What `tree` names against the order of `layers`.
fn misplaced(layers: &[(u8, &str)], tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for naming in tree.namings() {
        if let (Some((own_layer, own)), Some((layer, other))) = (room(layers, &naming.from), room(layers, &naming.to))
            && other != own
            && layer >= own_layer
        {
            wrong.push(format!("{} (line {own_layer}) names {} (line {layer})", naming.from, naming.path));
        }
    }
    wrong
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// `src/mqtt/packet/mod.rs` → `mqtt::packet`.
fn module_of(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<_> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts.join("::")
}

/// Read once for all tests.
fn own_tree() -> &'static Tree {
    static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));
    &TREE
}

#[test]
fn every_module_names_only_rooms_below_its_own() {
    let wrong = misplaced(LAYERS, own_tree());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    let circles: Vec<_> = own_tree().circles().iter().map(|circle| circle.join(" > ")).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn every_module_is_in_a_room() {
    let known = ["", "main", "mqtt"];
    let stray: Vec<_> = own_tree()
        .modules()
        .filter(|module| room(LAYERS, module).is_none() && !known.contains(&module.as_str()))
        .collect();
    assert!(stray.is_empty(), "no line of the table holds {stray:?}");
}

#[test]
fn the_table_of_the_architecture_is_this_one() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    let mut drawn = BTreeSet::new();
    for line in
        text.lines().skip_while(|line| !line.starts_with("| line |")).skip(2).take_while(|line| line.starts_with('|'))
    {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let number: u8 = cells[1].parse().unwrap();
        drawn.extend(cells[2].split('`').skip(1).step_by(2).map(|room| (number, room)));
    }
    let held: BTreeSet<_> = LAYERS.iter().copied().collect();
    assert_eq!(drawn, held);
}

/// The made-up tree that every kind of naming is tried on.
const LOW_AND_HIGH: &[(u8, &str)] = &[(0, "low"), (1, "high::one"), (1, "high::two"), (2, "high")];

fn made_up<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Tree {
    let empty = [
        ("lib.rs", ""),
        ("low.rs", "pub struct Thing;"),
        ("high/one.rs", ""),
        ("high/two.rs", ""),
        ("high/mod.rs", ""),
    ];
    // A later text of the same file takes the place of the empty one.
    Tree::new(empty.into_iter().chain(texts))
}

#[test]
fn a_name_from_a_room_above_is_seen_however_it_is_written() {
    for text in [
        "use crate::high::one::Thing;",
        "use crate::{high::{one::{self, Thing}}};",
        "use super::high::one::Thing as Other;",
        "use crate::high::one; fn f() { one::Thing::new() }",
        "fn f() { crate::high::one::Thing::<u8>::new() }",
        "pub use crate::high::one::Thing;",
        "mod inner { use super::super::high::one::Thing; }",
    ] {
        let wrong = misplaced(LOW_AND_HIGH, &made_up([("low.rs", text)]));
        assert_eq!(wrong.len(), 1, "{text}: {wrong:?}");
        assert!(wrong[0].starts_with("low (line 0) names high::one::"), "{text}: {wrong:?}");
    }
}

#[test]
fn a_verb_that_names_a_verb_is_seen() {
    for text in ["use super::two::Thing;", "fn f() { super::two::run() }", "use crate::high::{two::run};"] {
        let wrong = misplaced(LOW_AND_HIGH, &made_up([("high/one.rs", text)]));
        assert_eq!(wrong.len(), 1, "{text}: {wrong:?}");
    }
    // What opens both may name both, and what is below may be named by all.
    let right = [
        ("high/mod.rs", "mod one; mod two; fn f() { one::run(); two::run() }"),
        ("high/one.rs", "use crate::low::Thing;"),
    ];
    assert_eq!(misplaced(LOW_AND_HIGH, &made_up(right)), Vec::<String>::new());
}

#[test]
fn what_tests_comments_and_texts_name_is_left_out() {
    for text in [
        "#[cfg(test)]\nmod tests { use crate::high::one::Thing; fn f() { { } } }",
        "#[cfg(test)]\nuse crate::high::one::Thing;",
        "// use crate::high::one::Thing;\n/* crate::high::one::Thing */",
        "const TEXT: &str = \"crate::high::one::Thing\"; const RAW: &str = r#\"use \" crate::high::one::Thing\"#;",
        "fn f<'a>(quote: char) -> bool { quote == '\"' || quote == '\\'' } // crate::high::one::Thing",
    ] {
        assert_eq!(misplaced(LOW_AND_HIGH, &made_up([("low.rs", text)])), Vec::<String>::new(), "{text}");
    }
    let seen = "fn f(quote: char) { quote == '\"'; crate::high::one::run(); }";
    assert_eq!(misplaced(LOW_AND_HIGH, &made_up([("low.rs", seen)])).len(), 1);
}

#[test]
fn a_circle_is_seen_also_through_what_a_file_only_shows() {
    let pair =
        [("high/one.rs", "use super::two::B; pub struct A;"), ("high/two.rs", "use super::one::A; pub struct B;")];
    assert_eq!(made_up(pair).circles(), [["high::one", "high::two", "high::one"]]);
    let shown = [
        ("high/mod.rs", "mod one; mod two; pub use one::A; pub use two::B;"),
        ("high/one.rs", "use super::B; pub struct A;"),
        ("high/two.rs", "use crate::high::A; pub struct B;"),
    ];
    assert_eq!(made_up(shown).circles(), [["high::one", "high::two", "high::one"]]);
    let one_way = [("high/mod.rs", "mod one; mod two; pub use two::B;"), ("high/one.rs", "use super::B;")];
    assert_eq!(made_up(one_way).circles(), Vec::<Vec<String>>::new());
}

#[test]
fn a_file_that_names_its_opener_is_a_circle() {
    let folder = [
        ("high/mod.rs", "mod one; pub struct Thing(one::Part);"),
        ("high/one.rs", "use super::Thing; pub struct Part;"),
    ];
    assert_eq!(made_up(folder).circles(), [["high", "high::one", "high"]]);
}

/// What only the room for it may name: calls and types of one operating system, conditions on it, its own paths.
const OF_ONE_SYSTEM: [&str; 17] = [
    "std::os::",
    "rustix::",
    "nix::",
    "libc::",
    "signal::unix",
    "signal::windows",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "cfg(unix",
    "cfg(windows",
    "not(unix",
    "not(windows",
    "target_os",
    "target_family",
    "\"/dev/",
    "\"/proc",
];

/// Whether `word` stands in `line` and not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let starts_alone = |at| !word.starts_with(char::is_alphanumeric) || !is_part(line[..at].chars().next_back());
    let ends_alone = |end| !word.ends_with(char::is_alphanumeric) || !is_part(line[end..].chars().next());
    line.match_indices(word).any(|(at, _)| starts_alone(at) && ends_alone(at + word.len()))
}

#[test]
fn what_one_operating_system_has_is_named_in_one_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let module = module_of(&root, &file);
        // Tests run on Unix; they are last in a file, or files of their own.
        if module.split("::").any(|part| part == "tests") || room(LAYERS, &module).is_some_and(|(_, room)| room == "os")
        {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (number, line) in program.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let named = OF_ONE_SYSTEM.iter().filter(|word| has_word(line, word));
            wrong.extend(named.map(|word| format!("{}:{} names {word}", file.display(), number + 1)));
        }
    }
    assert!(wrong.is_empty(), "this belongs into src/os: {wrong:#?}");
}

/// The rows of the table of rules in a text: rule, file, function.
fn rules_in<'a>(text: &'a str, before: &str) -> Vec<[&'a str; 3]> {
    let lines = text.lines().map(|line| line.strip_prefix(before).unwrap_or_default());
    let rows = lines.skip_while(|line| !line.starts_with("| rule |")).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        [cells[1], cells[2], cells[3]]
    })
    .collect()
}

/// The rows whose file or function is not there.
fn misled<'a>(rows: &[[&'a str; 3]], text_of: impl Fn(&str) -> Option<String>) -> Vec<&'a str> {
    let is_there = |file: &str, function: &str| {
        let declared = [format!("fn {function}("), format!("fn {function}<")];
        text_of(file).is_some_and(|text| declared.iter().any(|declared| text.contains(declared)))
    };
    rows.iter().filter(|[_, file, function]| !is_there(file, function)).map(|[rule, ..]| *rule).collect()
}

#[test]
fn each_rule_is_decided_where_the_map_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).ok();
    let (page, map) = (read("ARCHITECTURE.md").unwrap(), read("src/lib.rs").unwrap());
    let rows = rules_in(&page, "");
    assert!(rows.len() > 30, "{rows:?}");
    assert_eq!(rows, rules_in(&map, "//! "), "ARCHITECTURE.md and src/lib.rs differ");
    assert_eq!(misled(&rows, read), Vec::<&str>::new(), "these rows name a file or function that is not there");
}

#[test]
fn a_row_that_leads_nowhere_is_seen() {
    let text = "| rule | file | function |\n|---|---|---|\n| a | `a.rs` | `one` |\n| b | `a.rs` | `two` |\n| c | `b.rs` | `one` |\n\n| d |";
    let text_of = |file: &str| (file == "a.rs").then(|| "pub fn one<T>(it: T) {} // fn two".to_owned());
    assert_eq!(misled(&rules_in(text, ""), text_of), ["b", "c"]);
}

/// Words of a dialect that only we spoke, in names: the trade has its own (a limit of time, to send, to show, a listener).
const DIALECT: [&str; 10] =
    ["door", "doors", "flyable", "give", "gives", "hollow", "patience", "tell", "tells", "told"];

/// Types whose names mean something else to everybody: a trait of the standard library, a lock.
const MISLEADING: [&str; 2] = ["Copy", "Share"];

/// The names in `text` that have a word of the dialect in them, each once.
fn in_dialect(text: &str) -> BTreeSet<String> {
    let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let tokens = names::tokens(program);
    let words_of = |name: &str| {
        let mut words = String::new();
        for c in name.replace("give_up", "").replace("GiveUp", "").chars() {
            if c.is_uppercase() {
                words.push('_');
            }
            words.extend(c.to_lowercase());
        }
        words
    };
    let is_constant = |name: &str| name.chars().all(|c| !c.is_lowercase());
    let is_dialect = |name: &String| {
        let words = if is_constant(name) { name.to_lowercase() } else { words_of(name) };
        words.split('_').any(|word| DIALECT.contains(&word))
    };
    let declares = |pair: &[String]| {
        ["struct", "enum", "type", "trait"].contains(&pair[0].as_str()) && MISLEADING.contains(&pair[1].as_str())
    };
    let misleading = tokens.windows(2).filter(|pair| declares(pair)).map(|pair| pair[1].clone());
    tokens.iter().filter(|name| is_dialect(name)).cloned().chain(misleading).collect()
}

#[test]
fn names_are_words_of_the_trade() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let module = module_of(&root, &file);
        if module.split("::").any(|part| part == "tests") {
            continue;
        }
        let found = in_dialect(&fs::read_to_string(&file).unwrap());
        wrong.extend(found.into_iter().map(|name| format!("{module}: {name}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_name_in_dialect_is_seen_and_a_text_or_comment_is_not() {
    for (text, name) in [
        ("fn tell_notes() {}", "tell_notes"),
        ("const CHILD_PATIENCE: u8 = 1;", "CHILD_PATIENCE"),
        ("enum Note { CannotTell }", "CannotTell"),
        ("pub struct Copy<'a>(&'a str);", "Copy"),
        ("let told = 1;", "told"),
    ] {
        assert_eq!(in_dialect(text), BTreeSet::from([name.to_owned()]), "{text}");
    }
    for text in [
        "// tell",
        "let text = \"tell\";",
        "#[derive(Clone, Copy)] struct Teller;",
        "fn give_up() {}",
        "let given = 1;",
    ] {
        assert_eq!(in_dialect(text), BTreeSet::new(), "{text}");
    }
}

/// The verbs whose folders have the common shape. `clients` is three verbs over one table of options, `tool` explains
/// and links the others.
const VERBS: &[&str] = &["broker", "certgen", "check", "demo", "passwd", "qshape"];

/// What writes a result or a complaint, or lays one out: an action returns a value, or has render show what cannot wait.
const SHOWS: &[&str] = &[
    "term.line",
    "term.json",
    "term.write",
    "term.columns",
    "term.complain",
    "term.complain_raw",
    "json!",
    "findings::lines",
    "wrap(",
];

/// The file, or a file of the folder, that shows.
fn is_render(file: &str) -> bool {
    file == "render" || file.starts_with("render::")
}

/// What a file other than `render` does to show something.
fn shown_elsewhere(file: &str, text: &str) -> Vec<String> {
    if is_render(file) {
        return Vec::new();
    }
    let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = || program.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found = SHOWS.iter().filter(|word| lines().any(|line| has_word(line, word)));
    found.map(|word| format!("only render shows, and this has `{word}`")).collect()
}

/// What a file of a verb's folder names that another file of it is for.
fn misshapen(file: &str, text: &str) -> Vec<String> {
    let is_options = file == "options" || file.starts_with("options::");
    let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = || program.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = |words: &'static [&'static str]| {
        words.iter().copied().filter(move |word| lines().any(|line| has_word(line, word)))
    };
    let mut wrong = Vec::new();
    if is_options {
        let opens = names(&["File::open", "OpenOptions", "fs::read", "read_dir", "connect(", "spawn(", "stdin("]);
        wrong.extend(opens.map(|word| format!("options open nothing, and these name `{word}`")));
    } else {
        wrong.extend(
            names(&["clap", "ArgMatches"]).map(|word| format!("only options know clap, and this names `{word}`")),
        );
    }
    if !is_render(file) {
        wrong.extend(
            names(&["colored", "Colorize"]).map(|word| format!("only render colours, and this names `{word}`")),
        );
    }
    wrong
}

#[test]
fn every_verbs_folder_has_the_same_shape() {
    let verbs = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cmd");
    let mut wrong = Vec::new();
    for verb in VERBS {
        let root = verbs.join(verb);
        let files: Vec<_> = sources(&root).into_iter().map(|file| (module_of(&root, &file), file)).collect();
        for needed in ["", "options"] {
            if !files.iter().any(|(module, _)| module == needed) {
                wrong.push(format!("{verb} has no {needed}.rs"));
            }
        }
        for (module, file) in files {
            let text = fs::read_to_string(&file).unwrap();
            if module.is_empty() && !text.contains("pub const APPLET: Applet") {
                wrong.push(format!("{verb}: its opener has no APPLET"));
            }
            wrong.extend(misshapen(&module, &text).into_iter().map(|why| format!("{verb}::{module}: {why}")));
            wrong.extend(shown_elsewhere(&module, &text).into_iter().map(|why| format!("{verb}::{module}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_belongs_into_another_file_of_a_verb_is_seen() {
    for (file, text) in [
        ("init", "use clap::Args;"),
        ("", "fn run(matches: &ArgMatches) {}"),
        ("options::make", "fn f() { std::fs::read(path) }"),
        ("options", "fn f() { File::open(path) }"),
        ("steps", "use colored::Colorize;"),
    ] {
        assert_eq!(misshapen(file, text).len(), 1 + usize::from(text.starts_with("use colored")), "{file}: {text}");
    }
    for text in ["term.line(path.display());", "term.json(json!({\"a\": 1}));", "let text = wrap(what, 80);"] {
        assert!(!shown_elsewhere("lint", text).is_empty(), "{text}");
        assert_eq!(shown_elsewhere("render::made", text), Vec::<String>::new(), "{text}");
    }
    let right =
        [("options", "use clap::Args;"), ("render", "use colored::ColoredString;"), ("init", "// clap knows it")];
    for (file, text) in right {
        assert_eq!(misshapen(file, text), Vec::<String>::new(), "{file}");
    }
}

/// How a program would decide by the id of a finding, which is for scripts: `Finding::about` is for that.
const BY_ID: [&str; 5] =
    ["finding.id ==", "finding.id !=", "finding.id.starts_with", "match finding.id", "problem.id() =="];

#[test]
fn nothing_is_decided_by_the_id_of_a_finding() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let text = fs::read_to_string(&file).unwrap();
        let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let by_id = BY_ID.iter().filter(|words| program.contains(**words));
        wrong.extend(by_id.map(|words| format!("{} has `{words}`", file.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Files, and rooms (`::` at the end) that read text all over, which decide by comparing text, each with whose text it is. It is
/// parsed there: what comes out of them has types.
const COMPARES_TEXT: &[(&str, &str)] = &[
    ("cmd::certgen::", "rows, names of files, words of options"),
    ("cmd::clients::", "words of the command line, names of files"),
    ("cmd::connect::", "words of the command line and of the environment"),
    ("decode::", "names of files"),
    ("jwt::", "members of tokens and keys"),
    ("net::", "fields of HTTP, words of lists"),
    ("queue::", "members of the answers of APIs, names of files"),
    ("record::", "words of a record, names of files"),
    ("broker::config", "options and words of mosquitto.conf"),
    ("broker::config::bridge", "words of a bridge's topic line"),
    ("broker::config::options", "words of options"),
    ("broker::fault", "words of --fault"),
    ("broker::host::load", "the ending of a file's name"),
    ("cmd::applet", "clap's own action `help`"),
    ("cmd::broker::user", "the name of root in a configuration"),
    ("cmd::check::options", "the word for a value, which clap completes by"),
    ("cmd::duration", "a duration"),
    ("cmd::passwd::options", "`-` for standard output"),
    ("cmd::passwd::options::table", "options that clap completes the values of"),
    ("cmd::qshape::purge", "an answer, and the name of this machine"),
    ("cmd::qshape::refresh", "the ending of a file's name"),
    ("cmd::qshape::sentences", "`-` for standard input"),
    ("cmd::qshape::sources", "`-` for standard input"),
    ("cmd::tool::man", "clap's own action `help`, and the page of moskit itself"),
    ("cmd::words", "words of the command line"),
    ("examine::config::places", "a part of a path"),
    ("examine::lint", "the ending of a file's name"),
    ("examine::preset::judge", "paths, hosts and users as they were typed"),
    ("examine::session", "the ending of a file's name"),
    ("mqtt::topic", "levels of a filter"),
    ("pki::content::", "signs of the languages that are read"),
    ("pki::make::authority", "extended key usages as options name them"),
    ("probe", "fields of HTTP"),
    ("state::sqlite::write", "tables of a database"),
];

/// Whether a program has `== "…"` or `!= "…"` in it.
fn compares_text(program: &str) -> bool {
    let mut lines = program.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.any(|line| line.contains("== \"") || line.contains("!= \""))
}

#[test]
fn what_is_decided_is_no_text_but_where_text_is_parsed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let listed: BTreeSet<_> = COMPARES_TEXT.iter().map(|(module, _)| *module).collect();
    assert_eq!(listed.len(), COMPARES_TEXT.len(), "a file is listed twice");
    let mut found = BTreeSet::new();
    for file in sources(&root) {
        let module = module_of(&root, &file);
        let text = fs::read_to_string(&file).unwrap();
        let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        if !module.split("::").any(|part| part == "tests") && compares_text(program) {
            found.insert(module);
        }
    }
    let is_of = |module: &str, entry: &str| module == entry || entry.ends_with("::") && module.starts_with(entry);
    let unlisted: Vec<_> = found.iter().filter(|module| !listed.iter().any(|entry| is_of(module, entry))).collect();
    assert!(unlisted.is_empty(), "these decide by comparing text, where a type would say it: {unlisted:#?}");
    let stale: Vec<_> = listed.iter().filter(|entry| !found.iter().any(|module| is_of(module, entry))).collect();
    assert!(stale.is_empty(), "these compare no text any more: {stale:#?}");
}

#[test]
fn a_comparison_of_text_is_seen() {
    for text in ["if name == \"publish\" {", "let it = words.any(|word| word != \"-\");"] {
        assert!(compares_text(text), "{text}");
    }
    for text in
        ["// name == \"publish\"", "if wish == Wish::Publish {", "let text = \"==\";", "assert!(a == b, \"x\");"]
    {
        assert!(!compares_text(text), "{text}");
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for folder in ["src", "tests", "benches"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        if !root.exists() {
            continue;
        }
        for file in sources(&root) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} has no first line that says what it is for", file.display());
        }
    }
}

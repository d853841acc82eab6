//! Every normative statement of MQTT 5.0 and 3.1.1 is shown by a test, or says why it cannot be.
//!
//! `tests/data/statements` has a file for each version. A line: the statement's number, whom it concerns, what it asks
//! in our words, and what shows it: paths of tests (`integration::` for those here) and, as `FILE.tsv: NAME`, scripts
//! whose answers are in `tests/data/wire`. A reason begins with a dash.
//!
//! The sources name each statement of MQTT 5 by its number, `[MQTT-3.1.2-4]`, at the line that decides it. The numbers of 3.1.1 are
//! others: there a tag is followed by `of 3.1.1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Appendix B of MQTT 5.0: sections with numbered statements, and how many each has. The first of 2.2.1 does not exist.
const V5: &str = "\
    1.5.4:3 1.5.5:1 1.5.7:1 2.1.3:1 2.2.1:6 2.2.2:1 3.1.0:2 3.1.2:30 3.1.3:12 3.1.4:6 3.2.0:2 3.2.2:22 \
    3.3.1:13 3.3.2:20 3.3.4:10 3.4.2:3 3.5.2:3 3.6.1:1 3.6.2:3 3.7.2:3 3.8.1:1 3.8.3:5 3.8.4:8 3.9.2:2 \
    3.9.3:2 3.10.1:1 3.10.3:2 3.10.4:6 3.11.2:2 3.11.3:2 3.12.4:1 3.14.0:1 3.14.1:1 3.14.2:4 3.14.4:3 \
    3.15.1:1 3.15.2:3 4.1.0:2 4.2.0:1 4.3.1:1 4.3.2:5 4.3.3:13 4.4.0:2 4.5.0:2 4.6.0:6 4.7.0:1 4.7.1:2 \
    4.7.2:1 4.7.3:4 4.8.2:6 4.9.0:3 4.12.0:7 4.12.1:2 4.13.1:1 4.13.2:1 6.0.0:4";

const ABSENT: &str = "MQTT-2.2.1-1";

/// Appendix B of MQTT 3.1.1.
const V311: &str = "\
    1.5.3:3 2.2.2:2 2.3.1:7 3.1.0:2 3.1.2:24 3.1.3:11 3.1.4:5 3.2.0:1 3.2.2:6 3.3.1:12 3.3.2:3 3.3.4:1 \
    3.3.5:2 3.6.1:1 3.8.1:1 3.8.3:4 3.8.4:6 3.9.3:2 3.10.1:1 3.10.3:2 3.10.4:6 3.12.4:1 3.14.1:1 3.14.4:3 \
    4.1.0:2 4.3.1:1 4.3.2:2 4.3.3:2 4.4.0:1 4.5.0:2 4.6.0:6 4.7.1:3 4.7.2:1 4.7.3:4 4.8.0:2 6.0.0:4 7.0.0:2 \
    7.1.1:1 7.1.2:1";

struct Row {
    number: String,
    shown_by: Vec<String>,
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows(version: &str) -> Vec<Row> {
    let text = fs::read_to_string(home().join(format!("tests/data/statements/{version}.tsv"))).unwrap();
    let row = |line: &str| {
        let [number, whom, asks, shown_by] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(["server", "client", "both"].contains(&whom), "{line}");
        assert!(!asks.is_empty() && !shown_by.is_empty(), "{line}");
        Row { number: number.to_owned(), shown_by: shown_by.split("; ").map(str::to_owned).collect() }
    };
    text.lines().map(row).collect()
}

fn all(sections: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    for section in sections.split_whitespace() {
        let (section, count) = section.split_once(':').unwrap();
        numbers.extend((1..=count.parse().unwrap()).map(|at: u32| format!("MQTT-{section}-{at}")));
    }
    numbers.retain(|number| number != ABSENT);
    numbers
}

/// The sources in which the test of that path may stand.
fn sources(path: &str) -> Vec<PathBuf> {
    let (folder, path) = match path.strip_prefix("integration::") {
        Some(rest) => ("tests/integration", rest),
        None => ("src", path),
    };
    let modules: Vec<_> = path.split("::").collect();
    let (_, modules) = modules.split_last().unwrap();
    let place = |modules: &[&str]| {
        let place = home().join(folder).join(modules.join("/"));
        [place.with_extension("rs"), place.join("mod.rs")]
    };
    let mut places = place(modules).to_vec();
    // `mod tests` within a file.
    if let Some((&"tests", outer)) = modules.split_last() {
        places.extend(place(outer));
    }
    places
}

/// Whether a test of that path is in the sources.
pub fn is_there(path: &str) -> bool {
    let name = path.rsplit("::").next().unwrap();
    sources(path).iter().filter_map(|source| fs::read_to_string(source).ok()).any(|text| {
        let is_marked = |line: &str| line.trim() == "#[test]" || line.trim().starts_with("#[tokio::test");
        // Those of `recorded` are made by a macro from a list of names and files.
        text.contains(&format!("\n    {name} \""))
            || text
                .split_once(&format!("fn {name}("))
                .is_some_and(|(before, _)| before.rsplit('\n').skip(1).take(3).any(is_marked))
    })
}

fn scripts(file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(home().join("tests/data/wire").join(file)).unwrap_or_default();
    text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn every_statement_is_listed_once_and_in_order() {
    for (version, sections) in [("v5", V5), ("v311", V311)] {
        let listed: Vec<_> = rows(version).into_iter().map(|row| row.number).collect();
        assert_eq!(listed, all(sections), "{version}");
    }
    assert_eq!((all(V5).len(), all(V311).len()), (251, 141));
}

#[test]
fn every_test_that_shows_a_statement_is_there() {
    let mut known = BTreeMap::new();
    let mut told = Vec::new();
    for (version, row) in
        ["v5", "v311"].into_iter().flat_map(|version| rows(version).into_iter().map(move |row| (version, row)))
    {
        for shown_by in row.shown_by.iter().filter(|shown_by| !shown_by.starts_with("- ")) {
            let is_there = match shown_by.split_once(".tsv: ") {
                Some((file, script)) => {
                    known.entry(format!("{file}.tsv")).or_insert_with_key(|file| scripts(file)).contains(script)
                }
                None => is_there(shown_by),
            };
            if !is_there {
                told.push(format!("{version} {}: {shown_by}", row.number));
            }
        }
    }
    assert!(told.is_empty(), "no such test:\n{}", told.join("\n"));
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `mqtt_3_1_2_24_…` → `MQTT-3.1.2-24`.
fn number(test: &str) -> Option<String> {
    let mut numbers = test.split('_').map_while(|word| word.parse::<u32>().ok());
    let [one, two, three, four] = [numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()?];
    // A section of four numbers, and a statement in it that has none.
    numbers.next().is_none().then(|| format!("MQTT-{one}.{two}.{three}-{four}"))
}

#[test]
fn a_test_that_is_named_after_a_statement_stands_in_its_line() {
    let mut sources = Vec::new();
    files(&home().join("src"), &mut sources);
    let mut told = Vec::new();
    for (version, prefix) in [("v5", "fn mqtt_"), ("v311", "fn mqtt311_")] {
        let rows: BTreeMap<_, _> = rows(version).into_iter().map(|row| (row.number, row.shown_by)).collect();
        for source in &sources {
            let text = fs::read_to_string(source).unwrap();
            for line in text.lines().filter_map(|line| line.trim().strip_prefix(prefix)) {
                let name = line.split('(').next().unwrap();
                let Some(shown_by) = number(name).and_then(|number| rows.get(&number)) else { continue };
                let name = format!("{}{name}", &prefix[3..]);
                if !shown_by.iter().any(|path| path.ends_with(&name)) {
                    told.push(name);
                }
            }
        }
    }
    assert!(told.is_empty(), "not in the line of their statement: {}", told.join(", "));
}

/// The statements that a text names: those of MQTT 5, and those that it says are `of 3.1.1`.
fn cited(text: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let tags = text.match_indices("[MQTT-").filter_map(|(at, _)| text[at + 1..].split_once(']'));
    let (old, new): (Vec<_>, Vec<_>) = tags.partition(|(_, rest)| rest.starts_with(" of 3.1.1"));
    let numbers = |tags: Vec<(_, _)>| tags.into_iter().map(|(number, _)| number).collect();
    (numbers(new), numbers(old))
}

/// Each source of the program, without its tests.
fn program() -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    files(&home().join("src"), &mut sources);
    sources.retain(|source| !source.iter().any(|part| part == "tests" || part == "tests.rs"));
    let read = |source: PathBuf| {
        let text = fs::read_to_string(&source).unwrap();
        let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
        (source, program)
    };
    sources.into_iter().map(read).collect()
}

#[test]
fn every_statement_that_the_sources_cite_exists() {
    let [v5, v311] = [V5, V311].map(|sections| all(sections).into_iter().collect::<BTreeSet<_>>());
    let mut sources = Vec::new();
    files(&home().join("src"), &mut sources);
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        let (new, old) = cited(&text);
        for (cited, known) in [(new, &v5), (old, &v311)] {
            let unknown: Vec<_> = cited.into_iter().filter(|number| !known.contains(*number)).collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", source.display());
        }
    }
}

#[test]
fn every_statement_of_mqtt_5_is_named_at_the_line_that_decides_it() {
    let program = program();
    let named: BTreeSet<_> = program.iter().flat_map(|(_, text)| cited(text).0).collect();
    let unnamed: Vec<_> = all(V5).into_iter().filter(|number| !named.contains(&**number)).collect();
    assert!(unnamed.is_empty(), "no line of src has their tags: {unnamed:#?}");
}

#[test]
fn a_tag_of_another_version_is_not_taken_for_one_of_mqtt_5() {
    let text = "// [MQTT-3.1.2-22] of 3.1.1; [MQTT-3.1.2-3], [MQTT-1.5.4-1].";
    let (new, old) = cited(text);
    assert_eq!(new.into_iter().collect::<Vec<_>>(), ["MQTT-1.5.4-1", "MQTT-3.1.2-3"]);
    assert_eq!(old.into_iter().collect::<Vec<_>>(), ["MQTT-3.1.2-22"]);
}

//! What the manual pages promise is what the code does: ids of findings, fields of JSON, exit codes, and words that everybody understands.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use moskit::cmd::APPLETS;
use moskit::cmd::applet::Manual;
use moskit::cmd::tool::{json_page, man};
use moskit::diagnose::catalogue::findings;
use regex_lite::Regex;
use serde_json::Value;

use crate::run::{moskit, run};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The sources below `folder` without their unit tests, each with its path.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                found.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
            found.push((path, code));
        }
    }
    found
}

#[test]
fn every_finding_stands_in_the_manual_and_nothing_else_does() {
    let listed: BTreeSet<_> = findings().map(|entry| entry.id).collect();
    assert_eq!(listed.len(), findings().count(), "an id stands twice");
    assert!(findings().is_sorted_by_key(|entry| entry.id), "not in the order of the ids");
    let areas: BTreeSet<_> = listed.iter().filter_map(|id| id.split_once('.')).map(|(area, _)| area).collect();
    let literal = Regex::new(r#""([a-z]+(?:\.[a-z0-9-]+)?)""#).unwrap();
    let made = Regex::new(r#"Finding::(?:error|warning|note)\(\s*"([^"]+)""#).unwrap();
    // The table itself; kinds of broken sets, which are named after what they show; the id of a function's own value.
    let apart = ["diagnose/catalogue.rs", "pki/make/broken.rs"];
    let mut in_code = BTreeSet::new();
    for (path, code) in sources(&root().join("src")) {
        if apart.iter().any(|file| path.ends_with(file)) {
            continue;
        }
        for found in made.captures_iter(&code) {
            in_code.insert(found[1].to_owned());
        }
        for found in literal.captures_iter(&code) {
            let text = &found[1];
            let is_file = [".key", ".crt", ".conf", ".sock", ".log"].iter().any(|ending| text.ends_with(ending));
            let is_id = text.split_once('.').is_some_and(|(area, _)| areas.contains(area) && !is_file);
            if is_id || listed.contains(text) {
                in_code.insert(text.to_owned());
            }
        }
    }
    let missing: Vec<_> = in_code.iter().filter(|id| !listed.contains(id.as_str())).collect();
    assert!(missing.is_empty(), "reported, and not in src/diagnose/catalogue.rs: {missing:?}");
    let stale: Vec<_> = listed.iter().filter(|id| !in_code.contains(**id)).collect();
    assert!(stale.is_empty(), "in src/diagnose/catalogue.rs, and reported by nobody: {stale:?}");
}

/// The fields of an object as moskit-json(5) writes them.
fn fields(value: &Value, prefix: &str, found: &mut BTreeSet<String>, inside: &[&str]) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        let name = format!("{prefix}{name}");
        let last = name.rsplit('.').next().unwrap_or_default().to_owned();
        match value {
            Value::Array(list) if list.iter().any(Value::is_object) && inside.contains(&last.as_str()) => {
                for one in list {
                    fields(one, &format!("{name}[]."), found, inside);
                }
            }
            Value::Object(_) if inside.contains(&last.as_str()) => fields(value, &format!("{name}."), found, inside),
            _ => {
                found.insert(name);
            }
        }
    }
}

fn documented(title: &str) -> BTreeSet<String> {
    let document = json_page::DOCUMENTS.iter().find(|document| document.title.starts_with(title));
    document.unwrap().fields.rows().map(|[name, ..]| name.to_owned()).collect()
}

/// Runs the command line in `folder`, and compares the fields of each line with those of the page.
fn compare(folder: &Path, title: &str, commands: &[&str], inside: &[&str], all_are_seen: bool) {
    let documented = documented(title);
    let mut seen = BTreeSet::new();
    for command in commands {
        let ended = run(moskit(&command.split(' ').collect::<Vec<_>>()).current_dir(folder), b"");
        assert!(!ended.stdout.is_empty(), "{command}: {ended:?}");
        for line in ended.stdout.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{command}: {error}: {line}"));
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value]);
            for value in &values {
                fields(value, "", &mut seen, inside);
            }
        }
    }
    let unknown: Vec<_> = seen.difference(&documented).collect();
    assert!(unknown.is_empty(), "{title}: printed, and not in moskit-json(5): {unknown:?}");
    let unseen: Vec<_> = documented.difference(&seen).collect();
    assert!(!all_are_seen || unseen.is_empty(), "{title}: in moskit-json(5), and not printed: {unseen:?}");
}

#[test]
fn every_field_of_json_stands_in_the_manual() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let make = |words: &str| {
        let ended = run(moskit(&words.split(' ').collect::<Vec<_>>()).current_dir(folder), b"");
        assert_eq!(ended.code, 0, "{words}: {ended:?}");
    };
    make("certgen init certs --hosts localhost --clients dev1");
    make("certgen csr dev2 -o .");
    make("certgen ca Narrow -o narrow --name-constraint .lan");
    make("certgen broken cert.expired old");
    make("certgen broken client.revoked revoked");
    fs::write(folder.join("pass"), "open sesame\n").unwrap();
    make("certgen key encrypt certs/dev1.key --out locked.key --pass-file pass");
    make("passwd -b -c -H argon2id passwords ann a");
    make("passwd -b passwords bob b");
    fs::write(folder.join("w.ndjson"), "{\"client\":\"a\",\"topic\":\"t\",\"since\":5,\"expires\":6,\"publisher\":\"p\",\"properties\":{\"n\":\"v\"},\"payload\":\"x\",\"qos\":2,\"incoming\":true}\n").unwrap();
    fs::write(folder.join("acl.conf"), "user ann\ntopic home/#\n").unwrap();
    fs::write(folder.join("mosquitto.conf"), "listener 1883 127.0.0.1\nallow_anonymous true\n").unwrap();
    let queues = root().join("tests/data/queues/mosq212-real/mosq212-real-exit.db");
    fs::copy(queues, folder.join("mosquitto.db")).unwrap();

    let report = ["stages", "findings"];
    let checks = [
        "check files --cafile certs/ca.crt --cert old/server.crt --key certs/server.key --host localhost --json",
        "check 127.0.0.1:1 --json",
    ];
    let mut seen = BTreeSet::new();
    for command in checks {
        let ended = run(moskit(&command.split(' ').collect::<Vec<_>>()).current_dir(folder), b"");
        let mut value: Value = serde_json::from_str(&ended.stdout).unwrap();
        // Members whose names are data.
        let verdicts = value["verdicts"].as_object_mut().map(std::mem::take).unwrap_or_default();
        for verdict in verdicts.values() {
            fields(verdict, "verdicts.STACK.", &mut seen, &[]);
        }
        value.as_object_mut().unwrap().remove("verdicts");
        fields(&value, "", &mut seen, &report);
    }
    // A stage without findings.
    seen.remove("stages[].findings");
    assert_eq!(seen, documented("moskit check --json"));
    fs::create_dir(folder.join("half")).unwrap();
    fs::copy(folder.join("certs/server.crt"), folder.join("half/server.crt")).unwrap();
    fs::write(folder.join("half/cut.crt"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    compare(folder, "moskit certgen verify", &["certgen verify half --ca certs/ca.crt --json"], &[], true);
    compare(folder, "moskit certgen lint", &["certgen lint old revoked --json"], &[], true);
    compare(folder, "moskit certgen expiry", &["certgen expiry certs revoked nowhere.crt --json"], &[], true);
    compare(folder, "moskit certgen index", &["certgen index -d certs --json"], &[], true);
    fs::write(folder.join("fleet.csv"), "id\ndev3\n").unwrap();
    make("certgen batch fleet.csv -d certs");
    let manifest: Value =
        serde_json::from_str(fs::read_to_string(folder.join("devices/manifest.ndjson")).unwrap().trim()).unwrap();
    let mut seen = BTreeSet::new();
    fields(&manifest, "", &mut seen, &[]);
    assert_eq!(seen, documented("manifest.ndjson"));
    let inspected =
        "certgen inspect certs/ca.crt certs/server.key locked.key dev2.csr narrow/ca.crt revoked/ca.crl --json";
    compare(folder, "moskit certgen inspect", &[inspected], &["items", "server"], false);
    compare(folder, "moskit passwd --list", &["passwd --list --json passwords"], &[], true);
    compare(folder, "moskit qshape --json", &["qshape --json mosquitto.db"], &["rows", "sources"], true);
    let listed =
        ["qshape list slow:1 --payload --json mosquitto.db", "qshape list a --payload --incoming --json w.ndjson"];
    compare(folder, "moskit qshape list", &listed, &[], false);
    facts(folder);
}

/// The facts of every kind of check.
fn facts(folder: &Path) {
    let documented = documented("FACTS");
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let online = "check --json --second-opinion --as-client -i ann -t lab -V 5 -c -x 100 -q 1";
    let online = words("broker --tls --login --")
        .into_iter()
        .chain([env!("CARGO_BIN_EXE_moskit").to_owned()])
        .chain(words(online));
    let commands = [
        online.collect(),
        words(
            "check files --cafile certs/ca.crt --cert certs/server.crt --key certs/server.key --host localhost --json",
        ),
        words("check --config mosquitto.conf --json"),
        words("check acl acl.conf --user ann --topic home/x --json"),
        words("check session -i slow:1 mosquitto.db --json"),
        words("check --preset aws --json"),
        words("check --preset azure --json"),
        words("check --preset hivemq --json"),
        words("check --preset emqx --json"),
        words("check --preset rabbitmq --json"),
    ];
    for command in commands {
        let command: Vec<_> = command.iter().map(String::as_str).collect();
        let ended = run(moskit(&command).current_dir(folder), b"");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        for stage in report["stages"].as_array().unwrap() {
            for fact in stage["facts"].as_object().unwrap().keys() {
                assert!(documented.contains(fact), "stage {}: {fact} is not in moskit-json(5)", stage["name"]);
            }
        }
    }
}

/// The codes that a row of EXIT STATUS stands for.
fn codes(tag: &str) -> Vec<u16> {
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => (first.parse().unwrap()..=last.parse().unwrap()).collect::<Vec<u16>>(),
        None => part.parse().into_iter().collect(),
    };
    tag.split(", ").flat_map(range).collect()
}

#[test]
fn every_exit_code_that_the_clients_were_seen_with_stands_in_their_pages() {
    for (verb, name) in [("pub", "mosquitto_pub"), ("sub", "mosquitto_sub"), ("rr", "mosquitto_rr")] {
        let manual = &APPLETS.iter().find(|applet| applet.name == verb).unwrap().manual;
        let rows: BTreeSet<u16> = manual.exit_status.iter().flat_map(|(tag, _)| codes(tag)).collect();
        let mut seen = BTreeSet::new();
        for entry in fs::read_dir(root().join("tests/data/clients")).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            for case in text.split("\n\n").filter(|case| case.contains(&format!("$ {name}"))) {
                seen.extend(
                    case.lines().filter_map(|line| line.strip_prefix("= ")).filter_map(|code| code.parse::<u16>().ok()),
                );
            }
        }
        assert!(seen.len() > 5, "{name}: {seen:?}");
        let missing: Vec<_> = seen.difference(&rows).collect();
        assert!(missing.is_empty(), "{name} ended with {missing:?}, and its page has no such row");
    }
}

/// The codes that a text of the program names, by the constants of `Exit` or by number.
fn exits_in(text: &str) -> BTreeSet<u16> {
    let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let named = [("Exit::OK", 0), ("Exit::FAILED", 1), ("Exit::DAMAGED", 2), ("Exit::USAGE", 3)];
    let numbered = Regex::new(r"\bExit\((\d+)\)").unwrap();
    let by_name = named.into_iter().filter(|(name, _)| program.contains(name)).map(|(_, code)| code);
    by_name.chain(numbered.captures_iter(program).map(|found| found[1].parse().unwrap())).collect()
}

fn exits_below(folder: &Path) -> BTreeSet<u16> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { exits_below(&path) } else { exits_in(&fs::read_to_string(path).unwrap()) })
        .collect()
}

#[test]
fn every_exit_code_in_the_code_of_a_verb_stands_in_its_page() {
    for verb in ["broker", "certgen", "check", "demo", "passwd", "qshape"] {
        let manual = &APPLETS.iter().find(|applet| applet.name == verb).unwrap().manual;
        let rows: BTreeSet<u16> = manual.exit_status.iter().flat_map(|(tag, _)| codes(tag)).collect();
        let named = exits_below(&root().join("src/cmd").join(verb));
        assert!(named.len() > 1, "{verb}: {named:?}");
        let missing: Vec<_> = named.difference(&rows).collect();
        assert!(missing.is_empty(), "moskit {verb} names {missing:?}, and its page has no such row");
    }
    let text = "Failure::new(Exit::USAGE, why); Exit(4)\n#[cfg(test)]\nmod tests { Exit(9) }";
    assert_eq!(exits_in(text), BTreeSet::from([3, 4]));
}

#[test]
fn every_verb_says_how_it_exits_what_it_is_for_and_how_it_is_called() {
    for applet in APPLETS {
        let Manual { exit_status, description, see_also, .. } = &applet.manual;
        assert!(exit_status.len() >= 2 && exit_status[0].0 == "0", "{}: {exit_status:?}", applet.name);
        assert!(description.iter().map(|text| text.len()).sum::<usize>() > 2 * applet.about.len(), "{}", applet.name);
        assert!(!see_also.is_empty(), "{}", applet.name);
        for (_, meaning) in *exit_status {
            assert!(meaning.ends_with('.'), "{}: {meaning}", applet.name);
        }
    }
}

/// Words that a reader whose first language is not English stumbles over, and what to write instead.
const UNCLEAR: &[(&str, &str)] = &[
    ("heeds", "obeys"),
    ("heeded", "obeyed"),
    ("Heeded", "Obeyed"),
    ("Goes before", "Overrides"),
    ("goes before", "overrides"),
    ("is told", "is reported"),
    ("are told", "are reported"),
    ("in person", "with the installed program"),
    ("held beside", "compared with"),
    ("told as warnings", "reported as warnings"),
    ("under way is sent", "in flight is sent"),
    ("map of the house", "module overview"),
    (" leaves by itself", " exits by itself"),
    ("one clear error", "an error"),
    ("Give a certificate a new end", "Renew a certificate"),
    ("Let these clients decide", "Which TLS library decides the exit code"),
    ("must speak for the certificate", "Check against this revocation list (CRL)"),
    ("is the most bytes of it", "also limits the output to that many bytes"),
    ("Leave after", "Exit after"),
    ("Leave once", "Exit once"),
    ("leave when", "exit when"),
    ("Ended by a signal", "A signal ended it"),
    (" leaves when ", "exits when"),
    (" leaves at the ", "exits at the"),
    (" leaves after ", "exits after"),
    (" rooms", "modules"),
    ("it is that broker", "it runs with that configuration"),
    ("asks for and the system lacks", "that this system does not support"),
];

#[test]
fn words_that_need_two_readings_do_not_come_back() {
    let mut texts: Vec<(String, String)> = man::pages(APPLETS);
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        texts.push((name.to_owned(), fs::read_to_string(root().join(name)).unwrap()));
    }
    texts.push(("src/lib.rs".to_owned(), fs::read_to_string(root().join("src/lib.rs")).unwrap()));
    let mut found = Vec::new();
    for (name, text) in &texts {
        for (index, line) in text.lines().enumerate() {
            for (unclear, better) in UNCLEAR.iter().filter(|(unclear, _)| line.contains(unclear)) {
                found.push(format!("{name}:{}: \"{unclear}\", write \"{better}\"", index + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

//! `moskit qshape` as a user calls it: Postfix's golden tables, the stories of real brokers, every
//! form of output, bad input.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::qshape_files::{data, truth};
use crate::run::{Ended, moskit, program_in, run};

/// The moment that the golden queues are looked at.
const NOW: i64 = 1_800_000_000;

pub fn qshape(words: &[&str], stdin: &str) -> Ended {
    let words: Vec<&str> = ["qshape"].iter().chain(words).copied().collect();
    run(&mut moskit(&words), stdin.as_bytes())
}

/// A crafted Postfix queue as NDJSON: an entry for each recipient, or one a message for senders.
fn golden_queue(case: &str, senders: bool) -> String {
    let domain = |address: &str| address.rsplit_once('@').map_or("MAILER-DAEMON", |(_, domain)| domain).to_owned();
    let mut lines = String::new();
    for message in truth(&format!("qshape-golden/{case}.json")).as_array().unwrap() {
        let since = NOW - message[0].as_i64().unwrap();
        let publisher = domain(message[1].as_str().unwrap());
        let recipients = message[2].as_array().unwrap();
        let taken = if senders { 1 } else { recipients.len() };
        for recipient in &recipients[..taken] {
            let client = domain(recipient.as_str().unwrap());
            lines += &json!({"client": client, "publisher": publisher, "since": since}).to_string();
            lines.push('\n');
        }
    }
    lines
}

/// Lines with rows of equal total put into one order: Postfix shows those in a random one.
fn without_ties(table: &str) -> Vec<String> {
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    let total = |line: &str| line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    let head = lines.remove(0);
    lines.sort_by_key(|line| {
        let name = line.split_whitespace().next().unwrap().to_owned();
        (std::cmp::Reverse(total(line)), name.len(), name)
    });
    lines.insert(0, head);
    lines
}

#[test]
fn the_golden_tables_of_postfix_come_out_byte_for_byte() {
    let at = NOW.to_string();
    let cases = truth("qshape-golden/index.json");
    assert!(cases.as_array().unwrap().len() > 40);
    for case in cases.as_array().unwrap() {
        let given: Vec<&str> = case["options"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let senders = given.contains(&"-s");
        // Postfix ignores widths of 80 and below; moskit honours them.
        let mut words: Vec<&str> = if given == ["-w", "60"] { Vec::new() } else { given.clone() };
        words.extend(["--suffix", "--at", &at, "-q", "-"]);
        let ended = qshape(&words, &golden_queue(case["case"].as_str().unwrap(), senders));
        let golden = fs::read_to_string(data("qshape-golden").join(case["output"].as_str().unwrap())).unwrap();
        assert_eq!(without_ties(&ended.stdout), without_ties(&golden), "{case}");
        assert_eq!((ended.stdout.len(), ended.stderr.as_str(), ended.code), (golden.len(), "", 0), "{case}");
    }
}

/// `{client: (total, buckets)}` of the JSON output.
fn rows(ended: &Ended) -> BTreeMap<String, (u64, Value)> {
    let value: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let rows = value["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["name"].as_str().unwrap().to_owned(), (row["total"].as_u64().unwrap(), row["buckets"].clone())))
        .collect()
}

fn check_story(folder: &str, ledger: Option<&str>) {
    let truth = truth(&format!("queues/{folder}/{folder}-truth.json"));
    for state in truth["states"].as_array().unwrap() {
        let file = data("queues").join(folder).join(state["files"][0].as_str().unwrap());
        let at = state["taken_at"].to_string();
        let mut words = vec!["--json", "--at", &at];
        if let Some(ledger) = ledger {
            words.extend(["--ledger", ledger]);
        }
        words.push(file.to_str().unwrap());
        let ended = qshape(&words, "");
        assert_eq!(ended.code, 0, "{ended:?}");
        let mut rows = rows(&ended);
        for (client, expected) in state["expected"].as_object().unwrap() {
            let total = expected["total"].as_u64().unwrap();
            if client == "$share:pool" {
                let workers: Vec<_> =
                    ["worker:1", "worker:2"].iter().filter_map(|worker| rows.remove(*worker)).collect();
                assert_eq!(workers.iter().map(|(total, _)| total).sum::<u64>(), total);
            } else if client != "clean:1" && total > 0 {
                let (got, buckets) = rows.remove(client).unwrap_or_else(|| panic!("{folder}: {client} is missing"));
                assert_eq!((got, &buckets), (total, &expected["buckets"]), "{folder}: {client}");
            }
        }
        rows.retain(|client, _| !client.starts_with("worker:"));
        assert!(rows.is_empty(), "{folder}: {rows:?}");
    }
}

#[test]
fn the_table_of_2_1_shows_the_true_ages() {
    check_story("mosq212-real", None);
}

#[test]
fn the_table_of_persist_sqlite_shows_the_true_ages() {
    let folder = data("queues/mosq212-sqlite/mosq212-sqlite-live");
    let before = fs::read(folder.join("mosquitto.sqlite3")).unwrap();
    check_story("mosq212-sqlite", None);
    assert_eq!(fs::read(folder.join("mosquitto.sqlite3")).unwrap(), before);
}

#[test]
fn a_ledger_gives_2_0_the_true_ages_and_gains_a_look() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.json");
    fs::copy(data("queues/mosq2011-fake/mosq2011-fake-ledger.json"), &ledger).unwrap();
    check_story("mosq2011-fake", Some(ledger.to_str().unwrap()));
    let looks: Value = serde_json::from_slice(&fs::read(&ledger).unwrap()).unwrap();
    assert_eq!(looks.as_array().unwrap().len(), 11);
}

#[test]
fn a_ledger_grown_look_by_look_dates_all_but_what_was_there_before() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.json");
    let truth = truth("queues/mosq2011-fake/mosq2011-fake-truth.json");
    for step in truth["steps"].as_array().unwrap() {
        let file = data("queues/mosq2011-fake").join(step["file"].as_str().unwrap());
        let at = step["taken_at"].to_string();
        let ended = qshape(&["--json", "--at", &at, "--ledger", ledger.to_str().unwrap(), file.to_str().unwrap()], "");
        let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
        // What waits, from the story's own log: in a column if it was stored after the first look or is
        // older than all columns, else unknown.
        let now = step["taken_at"].as_f64().unwrap();
        let first_look = truth["steps"][0]["taken_at"].as_f64().unwrap();
        let (mut buckets, mut unknown) = ([0_u64; 10], 0);
        for (client, entries) in crate::qshape_files::waiting_at(&truth, now) {
            for entry in entries {
                let stored = entry["t0"].as_f64().unwrap();
                let age = now - stored.max(first_look);
                if stored < first_look && age < 1280.0 * 60.0 {
                    unknown += 1;
                } else {
                    // Each batch lies within a few seconds before its look.
                    let age = now
                        - truth["steps"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .map(|step| step["taken_at"].as_f64().unwrap())
                            .find(|look| *look >= stored)
                            .unwrap_or(now);
                    buckets[(1 + (age / 300.0).max(0.5).log2().floor() as i32).clamp(0, 9) as usize] += 1;
                }
                let _ = &client;
            }
        }
        assert_eq!(
            (&shown["total"]["buckets"], &shown["total"]["unknown"]),
            (&json!(buckets), &json!(unknown)),
            "{step}"
        );
    }
}

#[test]
fn counters_without_a_ledger_stand_in_the_column_of_unknown_age() {
    let file = data("queues/mosq2011-fake/mosq2011-fake-live.db");
    let ended = qshape(&["-n", "2", "-w", "70", "--at", "1795356100", file.to_str().unwrap()], "");
    assert_eq!(
        ended.stdout,
        concat!(
            "                           T  5 10 20 40 80 160 320 640 1280 1280+   ?\n",
            "                   TOTAL 680  0  0  0  0  0   0   0   0    0     0 680\n",
            "             app-billing 286  0  0  0  0  0   0   0   0    0     0 286\n",
        )
    );
    assert!(ended.stderr.contains("age unknown: 680 of 680; this broker only counts messages"), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("15 rows not shown (-n 0 shows all)\n"), "{}", ended.stderr);
    assert_eq!(ended.code, 0);
}

#[test]
fn an_upgraded_and_downgraded_file_is_never_guessed() {
    // Ids of 2.0 (3), of 2.1's clock, counted on by 2.0 (+1, +2), and of 2.1 again.
    let clock = |seconds: i64| moskit::state::ids::StoreId::at(moskit::state::ids::UnixTime::from_seconds(seconds)).0;
    let ids = [3, clock(NOW - 3600), clock(NOW - 3600) + 1, clock(NOW - 3600) + 2, clock(NOW - 2700)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    fs::write(&path, database(&ids)).unwrap();
    let at = NOW.to_string();
    let ended = qshape(&["--json", "--at", &at, path.to_str().unwrap()], "");
    let total = &serde_json::from_str::<Value>(&ended.stdout).unwrap()["total"];
    // Between an hour and 45 minutes ago is one column, so the bounds suffice.
    assert_eq!((&total["buckets"], &total["unknown"]), (&json!([0, 0, 0, 0, 4, 0, 0, 0, 0, 0]), &json!(1)));
    let ended = qshape(&["--json", "-l", "--at", &at, path.to_str().unwrap()], "");
    let total = &serde_json::from_str::<Value>(&ended.stdout).unwrap()["total"];
    assert_eq!((&total["total"], &total["unknown"]), (&json!(5), &json!(1)), "{total}");
    let ended = qshape(&["--json", "-l", "-b", "20", "--at", &at, path.to_str().unwrap()], "");
    let total = &serde_json::from_str::<Value>(&ended.stdout).unwrap()["total"];
    assert_eq!((&total["buckets"][9], &total["buckets"][12], &total["unknown"]), (&json!(1), &json!(1), &json!(3)));
}

/// A mosquitto.db of version 6 with one client and a message of each id waiting for it.
fn database(ids: &[u64]) -> Vec<u8> {
    let mut file = b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06".to_vec();
    let mut chunk = |kind: u32, parts: &[&[u8]]| {
        file.extend(kind.to_be_bytes());
        file.extend((parts.iter().map(|part| part.len()).sum::<usize>() as u32).to_be_bytes());
        file.extend(parts.concat());
    };
    chunk(1, &[&ids.iter().max().unwrap().to_le_bytes(), &[0, 8, 0, 0, 0, 0, 0, 0]]);
    for id in ids {
        let rest = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0];
        chunk(2, &[&id.to_le_bytes(), &[0; 8], &rest, b"p", b"t", b"x"]);
    }
    let client = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    chunk(6, &[&[0; 8], &client, b"c"]);
    for id in ids {
        chunk(3, &[&id.to_le_bytes(), &[0, 1, 0, 1, 1, 11, 0, 1], b"c"]);
    }
    file
}

#[test]
fn damaged_files_are_shown_as_far_as_they_go_and_end_with_2() {
    let expected = truth("queues/corrupt/expected.json");
    for (file, expected) in expected.as_object().unwrap() {
        let path = data("queues/corrupt").join(file);
        let ended = qshape(&["--json", path.to_str().unwrap()], "");
        if expected["read"] == json!(false) {
            assert_eq!((ended.stdout.as_str(), ended.code), ("", 2), "{file}");
            assert!(ended.stderr.starts_with(&format!("error: cannot read `{}`: it", path.display())), "{ended:?}");
            continue;
        }
        let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
        let source = &shown["sources"][0];
        let waiting = shown["total"]["messages"].as_u64().unwrap() + source["incoming"].as_u64().unwrap();
        let orphans = source["orphans"].as_u64().unwrap();
        assert_eq!(json!(waiting + orphans), expected["client_messages"], "{file}");
        assert_eq!(json!(orphans), expected["orphans"], "{file}");
        assert_eq!(source["stored"].as_u64().unwrap_or(0), expected["stored"].as_u64().unwrap(), "{file}");
        assert_eq!(source["sessions"], expected["clients"], "{file}");
        let notes = expected["notes"].as_array().unwrap();
        // The reader notes nothing in a file that ends between two chunks; what it lacks is seen by what is in it.
        let is_damaged = !notes.is_empty() || file == "cut-between-chunks.db";
        assert_eq!(ended.code, if is_damaged { 2 } else { 0 }, "{file}: {}", ended.stderr);
        for note in notes {
            // Offsets and sizes are named whatever the words are.
            let numbers = |text: &str| -> Vec<u64> {
                text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
            };
            let wanted = numbers(note.as_str().unwrap());
            assert!(
                ended.stderr.lines().any(|line| wanted.iter().all(|number| numbers(line).contains(number))),
                "{file}: {note} is not told in {}",
                ended.stderr
            );
        }
    }
}

const STORY: &str = "queues/mosq212-real/mosq212-real-live.db";
const STORY_AT: &str = "1795358733.473813";

fn story(words: &[&str]) -> Ended {
    let file = data(STORY);
    let words: Vec<&str> = words.iter().copied().chain(["--at", STORY_AT, file.to_str().unwrap()]).collect();
    qshape(&words, "")
}

fn names(ended: &Ended) -> Vec<String> {
    let value: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    value["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["name"].as_str().unwrap(), row["total"]))
        .collect()
}

#[test]
fn rows_are_what_is_asked_for() {
    assert_eq!(names(&story(&["--by", "qos", "--json"])), ["1 692", "2 62", "0 7"]);
    assert_eq!(names(&story(&["--by", "user", "--json"])), ["(none) 754", "reports 7"]);
    let publishers = names(&story(&["-s", "--json"]));
    assert!(publishers[0].starts_with("pub:main "), "{publishers:?}");
    let filters = names(&story(&["--by", "filter", "--json", "-n", "5"]));
    assert_eq!(filters, ["orders/# 410", "orders/+/created 132", "stream/q2 40", "stream/slow 36"]);
    assert!(names(&story(&["--by", "filter", "--json"])).contains(&"(no filter) 28".to_owned()));
    let both = names(&story(&["--by", "client,topic", "--json", "-n", "2"]));
    assert_eq!(both, ["app-audit orders/eu/created 264"]);
    let parents = names(&story(&["-p", "-m", "2", "--json", "--client", "plant-*"]));
    assert_eq!(
        parents,
        [
            "plant-* 57",
            "plant-a:* 36",
            "plant-a:line1:gw 28",
            "plant-b:* 21",
            "plant-b:hist 14",
            "plant-a:line2:gw 8",
            "plant-b:rep 7"
        ]
    );
    assert_eq!(names(&story(&["--group", r"^(plant)-.*$", "--json", "--client", "plant-*"])), ["plant 57"]);
}

#[test]
fn only_what_is_selected_is_counted() {
    assert_eq!(names(&story(&["--topic", "plant/+/line1/#", "--json"])), ["plant-a:line1:gw 28"]);
    assert_eq!(names(&story(&["--state", "inflight", "--json"])), ["slow:2 20", "slow:1 5", "late 2"]);
    assert_eq!(names(&story(&["--qos", "0", "--json"])), ["q0:client 7"]);
    assert_eq!(names(&story(&["--expired", "only", "--json"])), ["plant-b:hist 1"]);
    assert_eq!(names(&story(&["--min", "100", "--json"])), ["app-audit 271", "app-billing 271"]);
    assert_eq!(names(&story(&["--incoming", "--json"])), ["pub:q2open 1"]);
    let old = names(&story(&["--older", "43m", "--json", "--client", "plant-a*"]));
    assert_eq!(old, ["plant-a:line1:gw 4"]);
}

#[test]
fn in_flight_and_bytes_have_columns() {
    let ended = story(&["-F", "-n", "1", "-q"]);
    assert_eq!(
        ended.stdout,
        concat!(
            "                                    T  F   5 10  20 40 80 160 320 640 1280 1280+\n",
            "                            TOTAL 761 27 102 54 523 55 27   0   0   0    0     0\n"
        )
    );
    let ended = story(&["--bytes", "--json", "--client", "q0:*"]);
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&shown["unit"], &shown["total"]["total"]), (&json!("bytes"), &shown["total"]["bytes"]));
    assert!(shown["total"]["bytes"].as_u64().unwrap() >= 7);
}

#[test]
fn csv_and_openmetrics_hold_the_same_numbers() {
    let ended = story(&["--csv", "--client", "late"]);
    let mut lines = ended.stdout.split("\r\n");
    assert_eq!(
        lines.next(),
        Some(
            "client,total,5,10,20,40,80,160,320,640,1280,1280+,unknown,in_flight,messages,bytes,expired,oldest_seconds"
        )
    );
    assert!(lines.next().unwrap().starts_with("TOTAL,3,0,1,0,0,2,0,0,0,0,0,0,2,3,"));
    assert!(lines.next().unwrap().starts_with("late,3,0,1,0,0,2,0,0,0,0,0,0,2,3,"));
    let ended = story(&["--openmetrics", "--client", "late"]);
    for line in [
        "# TYPE moskit_waiting_age_seconds gaugehistogram",
        "moskit_waiting_age_seconds_bucket{client=\"late\",le=\"300.0\"} 0",
        "moskit_waiting_age_seconds_bucket{client=\"late\",le=\"600.0\"} 1",
        "moskit_waiting_age_seconds_bucket{client=\"late\",le=\"+Inf\"} 3",
        "moskit_waiting_age_seconds_gcount{client=\"late\"} 3",
        "moskit_waiting{client=\"late\"} 3",
        "moskit_waiting_in_flight{client=\"late\"} 2",
        "# EOF",
    ] {
        assert!(ended.stdout.lines().any(|found| found == line), "{line} is not in {}", ended.stdout);
    }
}

#[test]
fn pictures_stand_alone_and_escape_what_strangers_named() {
    let folder = tempfile::tempdir().unwrap();
    let (svg, html) = (folder.path().join("t.svg"), folder.path().join("t.html"));
    let line = json!({"client": "<script>\u{1b}[2J&\"", "since": NOW - 60}).to_string();
    let at = NOW.to_string();
    let words = ["--svg", svg.to_str().unwrap(), "--html", html.to_str().unwrap(), "-q", "--at", &at, "-"];
    let ended = qshape(&words, &line);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for (path, start, end) in [(svg, "<svg ", "</svg>\n"), (html, "<!DOCTYPE html>", "</html>\n")] {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with(start) && text.ends_with(end), "{text}");
        assert!(text.contains("&lt;script&gt;\\x1b[2J&amp;&quot;"), "{text}");
        assert!(!text.contains("<script") && !text.contains('\u{1b}') && !text.contains("href="), "{text}");
    }
}

#[test]
fn too_many_old_messages_fail_for_a_monitor() {
    let ended = story(&["--fail-over", "40m=20", "-q"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: 27 messages older than 40 minutes, and at most 20 may be\n")
    );
    assert_eq!(story(&["--fail-over", "40m=27", "-q"]).code, 0);
    let ended = qshape(&["--fail-over", "40m=27", "/nonexistent/mosquitto.db"], "");
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (3, "error: cannot read `/nonexistent/mosquitto.db`: No such file or directory\n")
    );
}

#[test]
fn ages_come_from_where_the_operator_says() {
    let lines = [
        json!({"client": "expiry", "expires": NOW - 60 + 3600}),
        json!({"client": "payload", "payload": json!({"sent": NOW - 700}).to_string()}),
        json!({"client": "property", "properties": {"sent": "2027-01-15T07:46:40Z"}}),
        json!({"client": "none"}),
    ]
    .map(|line| line.to_string() + "\n")
    .concat();
    let at = NOW.to_string();
    for (from, client, column) in
        [("expiry:3600", "expiry", 0), ("payload:/sent", "payload", 2), ("prop:sent", "property", 2)]
    {
        let ended = qshape(&["--age-from", from, "--at", &at, "--json", "-"], &lines);
        let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(shown["total"]["unknown"], json!(3), "{from}");
        let row = shown["rows"].as_array().unwrap().iter().find(|row| row["name"] == json!(client)).unwrap();
        assert_eq!(row["buckets"][column], json!(1), "{from}: {row}");
    }
}

#[test]
fn a_list_shows_every_message_in_its_order_and_can_be_read_again() {
    let file = data(STORY);
    let words = ["list", "plant-b:hist", "--payload", "--at", STORY_AT, file.to_str().unwrap()];
    let ended = qshape(&words, "");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.stdout.starts_with("       AGE     BYTES QOS STATE                          TOPIC\n"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("   44 min "), "{}", ended.stdout);
    for text in
        ["content-type: ", "response-topic: ", "correlation-data: ", "payload-format-indicator: ", "queued, expired"]
    {
        assert!(ended.stdout.contains(text), "{text} is not in {}", ended.stdout);
    }
    assert!(ended.stderr.ends_with("14 messages waiting for `plant-b:hist`, 14 shown\n"), "{}", ended.stderr);

    let listed = qshape(&["list", "slow:2", "--json", "--at", STORY_AT, file.to_str().unwrap()], "").stdout;
    assert_eq!(listed.lines().count(), 40);
    let again = qshape(&["--at", STORY_AT, "-q", "-F", "-"], &listed);
    let direct = story(&["-q", "-F", "--client", "slow:2"]);
    assert_eq!(again.stdout, direct.stdout);
}

#[test]
fn a_client_that_is_not_there_is_a_clear_no() {
    let file = data(STORY);
    for verb in ["list", "explain"] {
        let ended = qshape(&[verb, "nobody", file.to_str().unwrap()], "");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1));
        assert!(ended.stderr.contains("error: no client `nobody` here\nhint: "), "{}", ended.stderr);
    }
}

#[test]
fn shapes_are_explained_in_words() {
    let file = data("queues/mosq212-sqlite/mosq212-sqlite-exit.sqlite3");
    for (client, words) in [
        ("plant-a:line1:gw", "Dead consumer"),
        ("app-audit", "Burst: 241 messages"),
        ("slow:1", "Slow consumer: 5 sent"),
        ("late", "retained ones"),
        ("q0:client", "of QoS 0"),
        ("idle:none", "Nothing waits for it."),
        ("plant-b:hist", "1 message expired"),
    ] {
        let ended = qshape(&["explain", client, "--at", "1795356118.79", file.to_str().unwrap()], "");
        assert!(ended.stdout.contains(words), "{client}: {}", ended.stdout);
        assert_eq!(ended.code, 0);
    }
}

#[test]
fn what_is_typed_wrong_is_a_usage_error() {
    for (words, message) in [
        (&["-b", "x"][..], "`-b x` is not a whole number up to 1000"),
        (&["-b", "5000"], "`-b 5000` is not a whole number up to 1000"),
        (&["--topic", "a/#/b"], "`a/#/b` is not a topic filter"),
        (&["--group", "("], "`--group (`"),
        (&["--group", "a"], "`--group a` has no group"),
        (&["--at", "noon"], "`--at noon` is not a time"),
        (&["--older", "old"], "`--older old` is not an age"),
        (&["--fail-over", "5"], "`--fail-over 5` is not AGE=N"),
        (&["--watch", "0"], "invalid value '0' for '--watch <SECONDS>': must be seconds, 0.1 to 86400"),
        (&["--age-from", "guess"], "`--age-from guess` is not understood"),
        (&["-p", "--by", "qos"], "`-p` makes no sense for these rows"),
        (&["ftp://x"], "`ftp://x` is no source"),
        (&["--refresh", "-"], "nothing to refresh: no source is a file"),
        (&["--json", "--csv"], "cannot be used with"),
    ] {
        let words: Vec<&str> = words.iter().copied().chain(["-"]).collect();
        let ended = qshape(&words, "");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 3), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(message), "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn a_signal_goes_to_brokers_only() {
    let pid = std::process::id().to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    fs::copy(data(STORY), &path).unwrap();
    let ended = qshape(&["--refresh", "--pid", &pid, path.to_str().unwrap()], "");
    assert_eq!(ended.stderr, format!("error: process {pid} is not a mosquitto, so it gets no signal\n"));
    assert_eq!(ended.code, 1);
}

#[test]
fn payloads_and_incoming_messages_of_lines_are_shown_only_when_asked_for() {
    let lines = "{\"client\":\"a\",\"topic\":\"t\",\"payload\":\"{\\\"at\\\":1}\"}\n\
                 {\"client\":\"a\",\"topic\":\"t\",\"qos\":2,\"incoming\":true,\"count\":3}\n";
    for (words, has_payload) in [
        (&["list", "a", "-"][..], false),
        (&["list", "a", "--json", "--age-from", "payload:/at", "-"], false),
        (&["list", "a", "--payload", "-"], true),
    ] {
        let ended = qshape(words, lines);
        assert_eq!(
            (ended.stdout.contains("at\\\":1") || ended.stdout.contains("\"at\":1"), ended.code),
            (has_payload, 0),
            "{words:?}: {ended:?}"
        );
    }
    let count = |words: &[&str]| {
        let shown: Value = serde_json::from_str(&qshape(words, lines).stdout).unwrap();
        (shown["total"]["messages"].clone(), shown["sources"][0]["incoming"].clone())
    };
    assert_eq!(count(&["--json", "-"]), (json!(1), json!(3)));
    assert_eq!(count(&["--json", "--incoming", "-"]), (json!(3), json!(3)));
    let listed = qshape(&["list", "a", "--incoming", "--json", "-"], lines).stdout;
    assert_eq!(listed.matches("\"incoming\":true").count(), 3, "{listed}");
    assert_eq!(qshape(&["list", "a", "--incoming", "--json", "-"], &listed).stdout, listed);
}

#[test]
fn a_picture_goes_to_standard_output_in_place_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    for (option, start) in [("--svg", "<svg "), ("--html", "<!DOCTYPE html>")] {
        let mut command = moskit(&["qshape", option, "-", "-"]);
        let ended = run(command.current_dir(folder.path()), b"{\"client\":\"a\"}\n");
        assert!(
            ended.code == 0 && ended.stdout.to_lowercase().starts_with(&start.to_lowercase()),
            "{option}: {ended:?}"
        );
        assert!(!ended.stdout.contains("TOTAL  1  0"), "{option}: {ended:?}");
        assert!(!folder.path().join("-").exists());
    }
}

#[test]
fn what_is_no_source_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "hello\n").unwrap();
    let ended = qshape(&[path.to_str().unwrap()], "");
    let expected =
        format!("error: `{}` is neither a mosquitto.db nor a mosquitto.sqlite3 nor NDJSON\n", path.display());
    assert_eq!((ended.stderr, ended.code), (expected, 1));
    let ended = qshape(&[folder.path().to_str().unwrap()], "");
    let expected = format!(
        "error: there is no mosquitto.db and no mosquitto.sqlite3 in the folder `{}`\n",
        folder.path().display()
    );
    assert_eq!((ended.stderr, ended.stdout, ended.code), (expected, String::new(), 1));
    // A pipe of a broker's file would look like a broker for which nothing waits.
    for name in ["mosq212-real/mosq212-real-live.db", "mosq212-sqlite/mosq212-sqlite-exit.sqlite3"] {
        for (word, shown) in [("-", "standard input"), ("/dev/stdin", "`/dev/stdin`")] {
            let file = fs::read(data(&format!("queues/{name}"))).unwrap();
            let ended = run(&mut moskit(&["qshape", word]), &file);
            let expected = format!(
                "error: {shown} is a broker's file, which cannot be read by a pipe\nhint: moskit qshape FILE\n"
            );
            assert_eq!((ended.stderr, ended.stdout, ended.code), (expected, String::new(), 1));
        }
    }
    let ended = qshape(&["-"], "{\"client\":\"a\"}\nnonsense\n");
    assert!(ended.stdout.contains("a  1"), "{}", ended.stdout);
    assert!(ended.stderr.contains("warning: line 2 is not understood: "), "{}", ended.stderr);
    assert_eq!(ended.code, 2);
}

#[test]
fn names_of_strangers_cannot_move_the_cursor() {
    let line = json!({"client": "\u{1b}[2J\u{202e}x\u{6e29}", "since": NOW}).to_string();
    let at = NOW.to_string();
    let ended = qshape(&["-b", "1", "-w", "40", "-q", "--at", &at, "-"], &line);
    assert_eq!(
        ended.stdout,
        concat!(
            "                                    T 0+\n",
            "                             TOTAL  1  1\n",
            "                \\x1b[2J\\u{202e}x温  1  1\n"
        )
    );
}

#[test]
fn user_names_are_doubted_only_where_a_broker_mixed_them_up() {
    let of = |file: &str| qshape(&["--by", "user", data(file).to_str().unwrap()], "").stderr;
    let doubt = "user names written by Mosquitto 1.6.11 to 2.0.15 may be those of another client";
    assert!(of("queues/mosq2011-fake/mosq2011-fake-live.db").contains(doubt));
    assert!(!of(STORY).contains(doubt));
}

#[test]
fn explaining_can_be_quiet() {
    let ended = qshape(&["explain", "late", "-q", "--at", STORY_AT, data(STORY).to_str().unwrap()], "");
    assert!(ended.stdout.starts_with("late: 1 queued, 2 in flight\n"), "{ended:?}");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
}

#[test]
fn a_file_that_may_not_be_read_names_who_may() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    mode(folder.path(), 0o755);
    // Somebody else has to be able to reach the program too.
    let program = program_in(folder.path());
    let (file, closed) = (folder.path().join("mosquitto.db"), folder.path().join("closed"));
    fs::create_dir(&closed).unwrap();
    fs::copy(data(STORY), &file).unwrap();
    fs::copy(data(STORY), closed.join("mosquitto.db")).unwrap();
    let as_nobody = |path: &Path| {
        let mut command = std::process::Command::new(&program);
        command.arg("qshape").arg(path);
        if rustix::process::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let ended = run(&mut command, b"");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{ended:?}");
        ended.stderr
    };
    mode(&file, 0o000);
    mode(&closed, 0o000);
    let (owner, path) = (rustix::process::getuid().as_raw(), file.display());
    let expected = format!(
        "error: cannot read `{path}`: Permission denied\n\
         hint: only its owner (user id {owner}) and root may read it: sudo moskit qshape {path}\n"
    );
    assert_eq!(as_nobody(&file), expected);
    let path = closed.join("mosquitto.db");
    let stderr = as_nobody(&path);
    mode(&closed, 0o700);
    let path = path.display();
    let expected = format!(
        "error: cannot read `{path}`: Permission denied\n\
         hint: a broker's folder is open to its own user and root: sudo moskit qshape {path}\n"
    );
    assert_eq!(stderr, expected);
}

#[test]
fn an_age_that_is_not_known_is_not_taken_for_young() {
    let file = data("queues/mosq2011-fake/mosq2011-fake-exit.db");
    let file = file.to_str().unwrap();
    for words in [&["--fail-over", "2h=0"][..], &["--older", "10m"], &["list", "plant-a:line1:gw", "--older", "10m"]] {
        let ended = qshape(&[words, &[file]].concat(), "");
        assert_eq!(ended.code, 3, "{words:?} {ended:?}");
        assert!(ended.stderr.contains("since when they wait is not known"), "{words:?} {ended:?}");
    }
    // However old they are, they are not more than these.
    assert_eq!(qshape(&["--fail-over", "2h=100000", file], "").code, 0);
    // A message that is certainly too old decides.
    let lines = "{\"client\":\"a\"}\n{\"client\":\"a\",\"since\":5}\n";
    assert_eq!(qshape(&["--fail-over", "2h=0", "-"], lines).code, 1);
    assert_eq!(qshape(&["--fail-over", "2h=1", "-"], lines).code, 3);
    assert_eq!(qshape(&["--fail-over", "2h=2", "-"], lines).code, 0);
}

#[test]
fn a_file_that_may_be_cut_is_not_whole() {
    let ended = qshape(&["-q", data("queues/corrupt/cut-between-chunks.db").to_str().unwrap()], "");
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("may have been cut between two chunks"), "{ended:?}");
}

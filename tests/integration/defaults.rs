//! Every number in the help of an option is held: its default, its range, its exit code and its limit. What is written by hand
//! is compared with the code or with what a run shows; what clap writes is the code's own. A number that nobody holds fails here.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{available_parallelism, sleep};
use std::time::Duration;

use jiff::Timestamp;
use moskit::cmd::APPLETS;
use moskit::cmd::clients::connect_packet;
use moskit::cmd::connect::args::{ClientArgs, Verb};
use moskit::cmd::connect::data_args::{DataArgs, OnFailure, PayloadForm};
use moskit::cmd::connect::options::{self, CLIENT_OPTIONS, SUB};
use moskit::cmd::words::OptionSpec;
use moskit::cmd::words::Value::Word;
use moskit::mqtt::packet::ProtocolVersion;
use moskit::net::{endpoint, websocket};
use moskit::record::Speed;
use regex_lite::Regex;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;

use crate::mosquitto::{free_port, installed};
use crate::run::{Ended, moskit, run};

/// How a number in a help text is held.
enum Held {
    /// This is what the code, or a run of the program, says.
    Is(String),
    /// The test of this name compares it, or tries it: `FILE: TEST`.
    By(&'static str),
}

use Held::{By, Is};

/// An option of a command: the command, or `*` for every one that has it.
type Row = (&'static str, &'static str, Held);

const CLIENTS: &str = "tests/integration/defaults.rs: the_defaults_and_ranges_of_the_clients_are_those_of_the_code";
const BOUNDS: &str = "src/cmd/clients/plan.rs: the_help_names_the_bounds_of_the_code";
const CHECK: &str = "src/cmd/check/options.rs: the_help_names_the_defaults_and_limits_of_the_code";
const OAUTH: &str = "tests/integration/oauth.rs: every_verb_logs_in_with_a_token_over_tls_and_through_a_proxy";
const PASSWD: &str = "src/cmd/passwd/options/table.rs: the_help_names_the_defaults_and_limits_of_the_code";
const QSHAPE: &str = "src/cmd/qshape/options/mod.rs: the_help_names_the_defaults_and_limits_of_the_code";

/// The options of all commands with their help: command, option, text.
fn texts() -> Vec<(String, String, String)> {
    fn walk(command: &clap::Command, path: &str, found: &mut Vec<(String, String, String)>) {
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            if let Some(help) = argument.get_long_help().or(argument.get_help()) {
                found.push((path.to_owned(), argument.get_id().to_string(), help.to_string()));
            }
        }
        for action in command.get_subcommands() {
            walk(action, &format!("{path} {}", action.get_name()), found);
        }
    }
    let mut found = Vec::new();
    for applet in APPLETS {
        walk(&applet.clap_command(), applet.name, &mut found);
    }
    found
}

/// Every text that `pattern` finds is held by a row, and every row holds one.
fn compare(pattern: &str, rows: &[Row]) {
    let pattern = Regex::new(pattern).unwrap();
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, id, help) in texts() {
        for found in pattern.captures_iter(&help) {
            let said = &found[1];
            let here =
                |(_, (command, option, _)): &(usize, &Row)| (*command == path || *command == "*") && *option == id;
            let Some((index, (_, _, held))) = rows.iter().enumerate().find(here) else {
                wrong.push(format!("moskit {path}, {id}: no test holds \"{said}\""));
                continue;
            };
            used.insert(index);
            match held {
                Is(value) if value != said => {
                    wrong.push(format!("moskit {path}, {id}: says \"{said}\", is \"{value}\""));
                }
                Is(_) => {}
                By(place) => {
                    let (file, test) = place.split_once(": ").unwrap();
                    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
                    if !text.contains(&format!("fn {test}()")) {
                        wrong.push(format!("moskit {path}, {id}: there is no {place}"));
                    }
                }
            }
        }
    }
    let stale = rows.iter().enumerate().filter(|(index, _)| !used.contains(index));
    wrong.extend(stale.map(|(_, (command, option, _))| format!("moskit {command}, {option}: holds nothing")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// certgen in `folder`, to its end with 0.
fn certgen(folder: &Path, words: &str) -> String {
    let words: Vec<_> = words.split(' ').collect();
    let ended = run(moskit(&[&["certgen"], &words[..]].concat()).current_dir(folder), b"");
    assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
    ended.stdout
}

fn shown(folder: &Path, file: &str) -> Value {
    let line: Value = serde_json::from_str(&certgen(folder, &format!("inspect {file} --json"))).unwrap();
    line["items"][0].clone()
}

fn seconds(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<Timestamp>().unwrap().as_second()
}

/// Days from now, which was a moment ago, to the end of a certificate.
fn days(folder: &Path, file: &str) -> String {
    let left = seconds(&shown(folder, file)["not_after"]) - Timestamp::now().as_second();
    ((left + 3600) / 86_400).to_string()
}

/// What certgen does where nothing is said, as its help says it.
fn defaults_of_certgen(folder: &Path) -> Vec<Row> {
    certgen(folder, "init --clients dev1");
    let server = shown(folder, "certs/server.crt");
    let begun = Timestamp::now().as_second() - seconds(&server["not_before"]);
    assert!((86_400..90_000).contains(&begun), "--backdate: {begun}");
    assert_eq!(server["key"], "P-256");
    let configuration = fs::read_to_string(folder.join("certs/mosquitto.conf")).unwrap();
    assert!(configuration.contains("listener 8883\n"), "{configuration}");
    let names: Vec<_> = server["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let host = names[0].strip_prefix("DNS:").unwrap();
    assert_eq!(names[1..], [&*format!("DNS:{host}.local"), "DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
    let subject = shown(folder, "certs/ca.crt")["subject"].as_str().unwrap().to_owned();
    assert!(subject.starts_with("CN=certs MQTT CA ") && subject.len() == "CN=certs MQTT CA 0000".len(), "{subject}");
    let of_init =
        format!("{} for the server, {} for a client", days(folder, "certs/server.crt"), days(folder, "certs/dev1.crt"));
    assert_eq!(days(folder, "certs/ca.crt"), "3650", "--ca-days");

    certgen(folder, "ca Lab --path-len 1");
    certgen(folder, "ca Floor_2 --parent ca.crt");
    certgen(folder, "ca SubUnit-3 --parent ca.crt -o sub");
    assert!(folder.join("sub/subunit-3.key").exists());
    let of_ca = format!("{}, with --parent {}", days(folder, "ca.crt"), days(folder, "floor_2.crt"));
    certgen(folder, "server *.lan mqtt.lan");
    certgen(folder, "client dev2");
    certgen(folder, "csr dev3");
    certgen(folder, "sign dev3.csr --profile client");
    certgen(folder, "csr mqtt2.lan");
    certgen(folder, "sign mqtt2.lan.csr --profile server");
    let of_profile = format!("{}, of a server {}", days(folder, "dev3.crt"), days(folder, "mqtt2.lan.crt"));
    fs::write(folder.join("fleet.csv"), "id\ndev4\n").unwrap();
    certgen(folder, "batch fleet.csv");
    let of_batch = days(folder, "devices/dev4.crt");
    fs::write(folder.join("fleet.csv"), "id\nmqtt3.lan\n").unwrap();
    certgen(folder, "batch fleet.csv --profile server -o servers");
    let of_batch = format!("{of_batch}, of a server {}", days(folder, "servers/mqtt3.lan.crt"));

    // The CA of the certificate's own folder, the key beside the certificate, the life that it had.
    certgen(folder, "client dev5 -d certs --days 50");
    certgen(folder, "renew certs/dev5.crt --within 60d");
    assert_eq!(days(folder, "certs/dev5.crt"), "50");
    certgen(folder, "client dev6 --days 29");
    certgen(folder, "client dev7 --days 31");
    for (id, is_renewed) in [("dev6", true), ("dev7", false)] {
        let before = fs::read(folder.join(format!("{id}.crt"))).unwrap();
        certgen(folder, &format!("renew {id}.crt"));
        assert_eq!(fs::read(folder.join(format!("{id}.crt"))).unwrap() != before, is_renewed, "--within: {id}");
    }

    certgen(folder, "crl");
    let list = shown(folder, "ca.crl");
    let of_crl = (seconds(&list["next_update"]) - seconds(&list["last_update"])) / 86_400;
    fs::remove_file(folder.join("ca.crl")).unwrap();
    certgen(folder, "revoke dev2 --crl");
    assert_eq!(shown(folder, "ca.crl")["revoked"], 1);
    assert!(certgen(folder, "index --json").contains("\"reason\":\"unspecified\""));
    // The CA beside it, the purpose that it names, the two libraries: mbedTLS, which does not take Ed25519, decides nothing.
    certgen(folder, "client dev8 -d certs --key ed25519 --force");
    certgen(folder, "verify certs/dev8.crt");
    certgen(folder, "broken ca.unknown");
    assert!(folder.join("ca.unknown/server.crt").exists());

    // A folder for a broker: its user, its passwords in a file where no terminal shows them, its rules.
    certgen(folder, "init ready --broker");
    let logins = fs::read_to_string(folder.join("ready/logins.txt")).unwrap();
    assert!(logins.lines().any(|line| line.starts_with("mqtt:")), "{logins}");
    certgen(folder, "init rules --broker --acl standard");
    let rules = |of: &str| {
        let files = fs::read_dir(folder.join(of)).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.to_str().unwrap().contains("acl"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect::<String>()
    };
    assert!(rules("ready").contains("topic") || rules("ready").contains("pattern"), "{}", rules("ready"));
    assert_eq!(rules("ready"), rules("rules"));

    let own = |text: &str| Is(text.to_owned());
    vec![
        ("certgen export", "key", By("tests/integration/certgen_export.rs: der_and_pem_are_what_openssl_reads")),
        ("certgen export", "ca", By("tests/integration/certgen_export.rs: der_and_pem_are_what_openssl_reads")),
        ("certgen export", "stem", By("tests/integration/certgen_export.rs: der_and_pem_are_what_openssl_reads")),
        ("certgen init", "login", own("mqtt, where there are no --clients")),
        ("certgen init", "passwords", own("show on a terminal, file elsewhere")),
        ("certgen init", "acl", own("standard")),
        ("certgen init", "ca_name", own("the folder's")),
        ("certgen init", "hosts", own("this machine's name, the same with .local, localhost, 127.0.0.1, ::1")),
        ("certgen init", "days", Is(of_init)),
        ("certgen ca", "days", Is(of_ca)),
        ("certgen ca", "parent_key", own("as its certificate, with .key")),
        ("certgen ca", "stem", own("ca; for an intermediate CA, NAME in small letters with - for spaces")),
        ("certgen server", "days", Is(days(folder, "_wildcard.lan.crt"))),
        ("certgen server", "stem", own("the first host, with _wildcard for a *")),
        ("certgen client", "days", Is(days(folder, "dev2.crt"))),
        ("certgen csr", "stem", own("NAME")),
        ("certgen sign", "days", Is(of_profile)),
        ("certgen batch", "days", Is(of_batch)),
        ("certgen batch", "jobs", By("tests/integration/defaults.rs: a_batch_is_made_by_a_thread_for_each_processor")),
        ("certgen renew", "days", own("as many as the old certificate had")),
        ("certgen renew", "dir", own("that of CERT")),
        ("certgen renew", "key", own("as CERT, with .key")),
        ("certgen crl", "days", Is(of_crl.to_string())),
        ("certgen revoke", "days", Is(of_crl.to_string())),
        ("certgen crl", "out", own("as the CA's certificate, with .crl")),
        ("certgen revoke", "out", own("as the CA's certificate, with .crl")),
        ("certgen import", "ca", By("tests/integration/certgen_fleet.rs: a_ca_of_easy_rsa_goes_on_here")),
        ("certgen import", "ca_key", By("tests/integration/certgen_fleet.rs: a_ca_of_openssl_goes_on_here")),
        ("certgen verify", "ca", own("ca.crt beside CERT")),
        ("certgen verify", "purpose", own("what it says, else server")),
        ("certgen verify", "stack", own("OpenSSL and rustls; the others are shown")),
        ("certgen broken", "dir", own("KIND")),
        ("*", "dir", own(".")),
        ("*", "ca", own("DIR/ca.crt")),
        ("*", "ca_key", own("as its certificate, with .key")),
        ("*", "out", own("where the CA is")),
    ]
}

/// What check does where nothing is said; `folder` has certgen's files.
fn defaults_of_check(folder: &Path) -> Vec<Row> {
    let code = |words: &str| {
        let words: Vec<_> = words.split(' ').collect();
        run(moskit(&[&["check"], &words[..]].concat()).current_dir(folder), b"").code
    };
    let files = "files --cafile certs/ca.crt --cert certs/dev1.crt";
    assert_eq!([code(files), code(&format!("{files} --purpose server"))], [0, 1]);
    fs::write(folder.join("acl.conf"), "topic read all\nuser ann\ntopic hers\n").unwrap();
    let may = |words: &str| code(&format!("acl acl.conf --access receive {words}"));
    assert_eq!([may("--topic all"), may("--topic hers"), may("--topic hers --user ann")], [0, 1, 0]);
    let own = |text: &str| Is(text.to_owned());
    vec![
        (
            "check",
            "protocol-version",
            By("tests/integration/check_online.rs: a_broker_in_clear_is_healthy_by_every_way"),
        ),
        ("check", "timeout", By(CHECK)),
        ("*", "warn", By(CHECK)),
        ("*", "crit", By(CHECK)),
        ("check", "user", By("tests/integration/defaults.rs: a_configuration_is_judged_for_its_user_or_for_mosquitto")),
        ("check files", "purpose", own("what it says itself, else server")),
        ("check acl", "user", own("an anonymous client")),
        (
            "check session",
            "source",
            By("tests/integration/defaults.rs: without_a_source_the_files_of_mosquitto_are_read"),
        ),
    ]
}

fn version(verb: Verb) -> String {
    match connect_packet::build(verb, &ClientArgs::default()).unwrap().version {
        ProtocolVersion::V31 => "31",
        ProtocolVersion::V311 => "311",
        ProtocolVersion::V5 => "5",
    }
    .to_owned()
}

#[test]
fn every_default_is_the_one_of_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let none = ClientArgs::default();
    assert_eq!((none.data.on_failure(), none.data.payload_form), (OnFailure::Stop, PayloadForm::Text));
    let recording = DataArgs { replays: vec!["file".into()], ..DataArgs::default() };
    assert_eq!(recording.speed(), Speed::Times(1.0));
    // A configuration says nothing of how it is synced.
    let plain = moskit::broker::config::Sync::default();
    let mut rows = defaults_of_certgen(folder);
    rows.extend(defaults_of_check(folder));
    rows.extend([
        ("rr", "protocol-version", Is(version(Verb::Rr))),
        ("*", "protocol-version", Is(version(Verb::Pub))),
        ("*", "host", By(CLIENTS)),
        ("*", "port", By(CLIENTS)),
        ("*", "keepalive", By(CLIENTS)),
        ("*", "M", By(CLIENTS)),
        ("*", "qos", By(CLIENTS)),
        ("*", "will-qos", By(CLIENTS)),
        ("*", "will-payload", By(CLIENTS)),
        ("*", "repeat", By(CLIENTS)),
        ("*", "repeat-delay", By(CLIENTS)),
        ("*", "connect-timeout", By(BOUNDS)),
        ("*", "answer-timeout", By(BOUNDS)),
        ("*", "retry", By(BOUNDS)),
        ("*", "reconnect-max", By(BOUNDS)),
        ("*", "reconnect-wait", By(BOUNDS)),
        ("*", "ws-path", Is(websocket::DEFAULT_PATH.to_owned())),
        ("*", "proxy-cafile", By("tests/integration/proxies.rs: every_verb_goes_through_every_kind_of_proxy")),
        ("*", "oauth-client-auth", By(OAUTH)),
        ("*", "oauth-cafile", By(OAUTH)),
        ("pub", "speed", Is("1x".to_owned())),
        ("pub", "loop", Is(none.data.rounds().to_string())),
        ("pub", "payload-format", Is("text".to_owned())),
        ("sub", "jobs", Is(none.data.jobs().to_string())),
        ("sub", "exec-fail", Is("stop".to_owned())),
        ("passwd", "generate", By(PASSWD)),
        ("passwd", "hash", By(PASSWD)),
        ("passwd", "iterations", By(PASSWD)),
        ("passwd", "mechanism", By("tests/integration/scram.rs: the_file_for_scram_has_the_care_of_a_password_file")),
        ("passwd", "argon2-memory", By(PASSWD)),
        ("passwd", "argon2-passes", By(PASSWD)),
        ("passwd", "argon2-lanes", By(PASSWD)),
        ("passwd", "salt-bytes", By(PASSWD)),
        ("qshape", "limit", By(QSHAPE)),
        ("qshape", "width", By(QSHAPE)),
        ("qshape", "pid", By("tests/integration/defaults.rs: without_a_process_the_only_broker_is_asked")),
        ("*", "at", By("tests/integration/qshape.rs: the_table_of_2_1_shows_the_true_ages")),
        ("broker", "ports", Is(endpoint::PORT.to_string())),
        (
            "broker",
            "store_sync",
            Is(format!("what plugin_opt_sync of the configuration says, else {plain:?}").replace("Normal", "normal")),
        ),
    ]);
    compare(r"\[default: ([^\]]*)\]", &rows);
}

#[test]
fn every_range_is_the_one_of_the_code() {
    compare(
        r"\b([0-9.]+ to [0-9.]+)\b",
        &[
            ("check", "timeout", By(CHECK)),
            ("*", "keepalive", By(CLIENTS)),
            ("*", "x", By(CLIENTS)),
            ("*", "connect-timeout", By(CLIENTS)),
            ("*", "answer-timeout", By(CLIENTS)),
            ("*", "reauth", By(CLIENTS)),
            ("sub", "random-filter", By(CLIENTS)),
            ("sub", "jobs", By(CLIENTS)),
            ("passwd", "generate", By(PASSWD)),
            ("passwd", "iterations", By(PASSWD)),
            ("qshape", "watch", By(QSHAPE)),
            // Versions of mosquitto.db.
            ("*", "sources", By("tests/integration/qshape_files.rs: every_old_version_is_read")),
        ],
    );
}

#[test]
fn every_limit_and_exit_code_in_the_help_of_an_option_is_tried() {
    compare(
        r"((?:[Aa]t most|Up to|within|exit code|exit|[Ee]xits? with|[Ee]nds? with) [0-9][0-9a-zA-Z]*)",
        &[
            ("*", "pw-command", By("src/cmd/connect/login.rs: the_help_names_the_time_of_a_command")),
            (
                "*",
                "answer-timeout",
                By("tests/integration/bounds.rs: a_message_or_a_request_that_is_not_answered_is_bounded"),
            ),
            ("*", "W", By("tests/integration/bounds.rs: dash_w_bounds_everything_for_all_three")),
            ("*", "monitor", By("tests/integration/check_files.rs: monitoring_gets_one_line_and_its_codes")),
            ("passwd", "stdin", By(PASSWD)),
            ("passwd", "pw-file", By(PASSWD)),
            ("passwd", "import", By("tests/integration/passwd/modes.rs: many_users_are_imported_at_once_or_none")),
            ("passwd", "verify", By("tests/integration/passwd/modes.rs: a_password_is_right_or_wrong_or_of_nobody")),
            (
                "passwd",
                "weak",
                By("tests/integration/passwd/modes.rs: a_list_names_users_hashes_and_weakness_but_no_secret"),
            ),
            ("certgen expiry", "warn", By("tests/integration/certgen_look.rs: expiry_has_a_code_for_each_state")),
            ("certgen expiry", "crit", By("tests/integration/certgen_look.rs: expiry_has_a_code_for_each_state")),
            (
                "certgen batch",
                "skip_bad",
                By(
                    "tests/integration/certgen_batch.rs: a_row_that_is_wrong_is_named_by_its_line_and_nothing_is_made_or_the_rest",
                ),
            ),
            (
                "certgen crl",
                "warn",
                By("tests/integration/certgen_fleet.rs: a_list_is_made_when_it_is_due_and_looked_at_for_monitoring"),
            ),
            (
                "certgen renew",
                "exit_code",
                By(
                    "tests/integration/certgen_judge.rs: renew_waits_until_it_is_due_and_keeps_what_the_certificate_says",
                ),
            ),
            (
                "certgen renew",
                "exec",
                By("tests/integration/certgen_judge.rs: renew_runs_its_command_and_says_when_that_fails"),
            ),
            ("qshape", "buckets", By(QSHAPE)),
            ("qshape", "fail_over", By("tests/integration/qshape.rs: too_many_old_messages_fail_for_a_monitor")),
            (
                "broker",
                "ports",
                By("tests/integration/broker_as_mosquitto.rs: words_that_mosquitto_refuses_are_refused_alike"),
            ),
        ],
    );
}

#[test]
fn a_configuration_is_judged_for_its_user_or_for_mosquitto() {
    let folder = tempfile::tempdir().unwrap();
    let user = |line: &str| {
        fs::write(folder.path().join("mosquitto.conf"), format!("listener 1 127.0.0.1\n{line}")).unwrap();
        let words = ["check", "--config", "mosquitto.conf", "--json"];
        let ended = run(moskit(&words).current_dir(folder.path()), b"");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let stages = report["stages"].as_array().unwrap().clone();
        stages.iter().find_map(|stage| stage["facts"]["user"].as_str().map(str::to_owned)).unwrap_or_default()
    };
    assert_eq!([user(""), user("user daemon\n")], ["mosquitto", "daemon"]);
}

/// The defaults and ranges in the help of pub, sub, rr and check.
#[test]
fn the_defaults_and_ranges_of_the_clients_are_those_of_the_code() {
    let none = ClientArgs::default();
    let plain = format!("{}, or {} with TLS options", endpoint::PORT, endpoint::TLS_PORT);
    // What code decides behind the table, and what is tried by other tests.
    let decided = [
        ("host", "localhost".to_owned()),
        ("port", plain),
        ("keepalive", none.keep_alive.to_string()),
        ("M", none.max_inflight.to_string()),
        ("qos", (none.qos as u8).to_string()),
        ("will-qos", (none.will.qos as u8).to_string()),
        ("repeat", none.repeat.to_string()),
        ("repeat-delay", none.repeat_delay.as_secs().to_string()),
        ("will-payload", "empty".to_owned()),
    ];
    let default = Regex::new(r"\[default: ([^\]]*)\]").unwrap();
    let range = Regex::new(r"\b([0-9.]+) to ([0-9.]+)").unwrap();
    let mut ranges = 0;
    for spec in CLIENT_OPTIONS {
        let name = spec.long.map_or_else(|| spec.short.unwrap().to_string(), str::to_owned);
        if let Some(found) = default.captures(spec.help)
            && let Some((_, value)) = decided.iter().find(|(known, _)| *known == name)
        {
            assert_eq!(&found[1], value, "{name}: {}", spec.help);
        }
        let Some(found) = range.captures(spec.help).filter(|_| matches!(spec.value, Word { .. })) else { continue };
        let option = spec.long.map_or_else(|| format!("-{name}"), |long| format!("--{long}"));
        let verb = if spec.verbs & SUB != 0 { Verb::Sub } else { Verb::Pub };
        let is_taken = |value: f64| {
            let words = [OsString::from(&option), OsString::from(value.to_string())];
            options::read(verb, false, &[], &words).is_ok()
        };
        let (least, most): (f64, f64) = (found[1].parse().unwrap(), found[2].parse().unwrap());
        // Below the range of -x stands -1, for never.
        let below = if name == "x" { -2.0 } else { least - if least < 1.0 && least > 0.0 { 0.05 } else { 1.0 } };
        assert_eq!(
            [least, most, below, most + 1.0].map(is_taken),
            [true, true, false, false],
            "{option}: {}",
            spec.help
        );
        ranges += 1;
    }
    assert!(ranges >= 3, "{ranges}");
    for (name, _) in &decided {
        let is_named = |spec: &&OptionSpec<ClientArgs>| {
            spec.long == Some(name)
                || spec.long.is_none() && spec.short.is_some_and(|short| short.to_string() == **name)
        };
        let spec = CLIENT_OPTIONS.iter().find(is_named).unwrap();
        assert!(default.is_match(spec.help), "{name} names no default");
    }
}

/// Runs the shell's `script` where no other process is seen and what is mounted is seen by nobody else; `words` are its `$0`, `$1` and
/// so on. `None`, said aloud, where this machine lets nobody do that.
fn alone(folder: &Path, script: &str, words: &[&str]) -> Option<Ended> {
    let flags = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let unshare = installed("unshare")?;
    let run_script = |script: &str, words: &[&str]| {
        let mut command = Command::new(&unshare);
        command.args(flags).args(["sh", "-c", script]).args(words).current_dir(folder);
        run(&mut command, b"")
    };
    if run_script("mount -t tmpfs tmpfs /var/lib", &[]).code != 0 {
        eprintln!("SKIPPED: this machine lets nobody make namespaces of processes and mounts");
        return None;
    }
    Some(run_script(script, words))
}

/// The path of the program under test.
fn program() -> String {
    moskit(&[]).get_program().to_str().unwrap().to_owned()
}

/// A queue of one message of the client `id`, in `file`.
fn queue_of(id: &str, file: &Path) {
    let script = "\"$0\" sub -i \"$1\" -c -q 1 -t t -E && \"$0\" pub -q 1 -t t -m x";
    let (port, file) = (free_port().to_string(), file.to_str().unwrap());
    let words = ["broker", "-p", &port, "--store", file, "--", "sh", "-c", script, &program(), id];
    let ended = run(&mut moskit(&words), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn without_a_source_the_files_of_mosquitto_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (id, name) in [("newer", "new.sqlite3"), ("here", "mosquitto.sqlite3")] {
        queue_of(id, &folder.join(name));
    }
    // What lies where the command is typed is not the broker's, nor is an older file of it.
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/queues/mosq2011-fake/mosq2011-fake-step09.db");
    assert!(old.exists());
    let script = "mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/mosquitto
        \"$0\" check session -i newer; echo \"exit $?\"; \"$0\" qshape; echo \"exit $?\"
        cp \"$1\" /var/lib/mosquitto/mosquitto.db && touch -d '1 hour ago' /var/lib/mosquitto/mosquitto.db
        cp new.sqlite3 /var/lib/mosquitto/mosquitto.sqlite3
        \"$0\" check session -i newer; echo \"exit $?\"; \"$0\" qshape; echo \"exit $?\"";
    let Some(ended) = alone(folder, script, &[&program(), old.to_str().unwrap()]) else { return };
    let parts: Vec<_> = ended.stdout.split("exit ").collect();
    assert_eq!(parts.len(), 5, "{ended:?}");
    assert!(parts[0].contains("no state of a broker was found here") && parts[1].starts_with("3\n"), "{ended:?}");
    assert!(ended.stderr.contains("no source given, and there is no broker's file in /var/lib/mosquitto"), "{ended:?}");
    assert!(parts[2].starts_with("1\n") && parts[2].contains("/var/lib/mosquitto/mosquitto.sqlite3"), "{ended:?}");
    assert!(parts[3].starts_with("0\n") && parts[3].contains("newer"), "{ended:?}");
    assert_eq!(parts[4], "0\n");
}

#[test]
fn without_a_process_the_only_broker_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some(mosquitto) = installed("mosquitto") else { return };
    let ports = [(); 2].map(|()| free_port());
    for (name, port) in ["one", "two"].into_iter().zip(ports) {
        let state = folder.join(name);
        fs::create_dir(&state).unwrap();
        let state = state.display();
        let text = format!(
            "user root\nlistener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {state}/\n"
        );
        fs::write(folder.join(format!("{name}.conf")), text).unwrap();
    }
    let script = "\"$0\" qshape --refresh one
        \"$1\" -c one.conf 2>/dev/null & one=$!
        \"$0\" pub -p \"$2\" --retry 60 -t t -n || exit 9
        \"$0\" sub -p \"$2\" -i sleeper -c -q 1 -t t -E || exit 9
        \"$0\" pub -p \"$2\" -q 1 -t t -m x || exit 9
        \"$0\" qshape --refresh one; echo \"exit $?\"
        \"$1\" -c two.conf 2>/dev/null & two=$!
        \"$0\" pub -p \"$3\" --retry 60 -t t -n || exit 9
        echo \"$one, $two\"; \"$0\" qshape --refresh one; echo \"exit $?\"";
    let ports = ports.map(|port| port.to_string());
    let words = [&program(), mosquitto.to_str().unwrap(), &ports[0], &ports[1]];
    let Some(ended) = alone(folder, script, &words) else { return };
    assert!(ended.stderr.contains("no mosquitto runs here that could refresh its file"), "{ended:?}");
    let (first, rest) = ended.stdout.split_once("exit 0\n").unwrap_or_else(|| panic!("{ended:?}"));
    assert!(first.contains("sleeper"), "{ended:?}");
    let ids = rest.lines().next().unwrap();
    assert!(ended.stderr.contains(&format!("several mosquittos run here: processes {ids}\n")), "{ended:?}");
    assert!(rest.ends_with("exit 1\n"), "{ended:?}");
}

#[test]
fn a_batch_is_made_by_a_thread_for_each_processor() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certgen(folder, "init lab --hosts localhost");
    let processors = available_parallelism().unwrap().get();
    let ids = (0..24.max(4 * processors)).map(|number| format!("dev{number}\n")).collect::<Vec<_>>().concat();
    fs::write(folder.join("fleet.csv"), format!("id\n{ids}")).unwrap();
    // The most threads that are seen at once: keys of RSA take long enough to be seen at work.
    let threads = |out: &str, words: &[&str]| {
        let words = [&["certgen", "batch", "fleet.csv", "-d", "lab", "--key", "rsa3072", "-o", out], words].concat();
        let mut command = moskit(&words);
        let mut child = command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut most = 0;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            let now = fs::read_dir(format!("/proc/{}/task", child.id())).map_or(0, Iterator::count);
            most = most.max(now);
            sleep(Duration::from_millis(1));
        };
        assert!(status.success(), "{words:?}");
        most
    };
    let all = sched_getaffinity(None).unwrap();
    let one_thread = threads("one", &["-j", "1"]);
    assert_eq!(threads("three", &["-j", "3"]), one_thread + 2);
    assert_eq!(threads("default", &[]), one_thread + processors - 1, "{processors} processors");
    // A process that may use one processor has one.
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).find(|processor| all.is_set(*processor)).unwrap());
    sched_setaffinity(None, &one).unwrap();
    let on_one = threads("narrow", &[]);
    sched_setaffinity(None, &all).unwrap();
    assert_eq!(on_one, one_thread);
}

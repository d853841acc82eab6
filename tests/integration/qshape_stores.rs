//! Random queues, put into real brokers and read back from what they keep: Debian's mosquitto by its
//! snapshot and by its file after the end, our own broker by its store while it runs and when it is
//! stopped. What qshape lists is what was published, message by message.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::qshape::qshape;
use crate::run::{moskit, run};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A message as it waits: topic, QoS it will be sent with, payload, and when it was published.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    topic: String,
    qos: u64,
    payload: String,
}

/// Clients that are away, and what is published meanwhile.
struct Story {
    numbers: Numbers,
    /// First level of a topic → filter and QoS, for each client: filters of one client never overlap.
    clients: Vec<BTreeMap<char, (String, u64)>>,
    waiting: Vec<Vec<Message>>,
    began: f64,
}

const FIRST_LEVELS: [char; 4] = ['a', 'b', 'c', 'd'];

fn id(client: usize) -> String {
    format!("away-{client}")
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Runs one of Mosquitto's clients, with `stdin`, to its end.
fn client(program: &str, port: u16, words: &[&str], stdin: &str) {
    let mut command = Command::new(installed(program).unwrap());
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).args(words);
    let ended = run(&mut command, stdin.as_bytes());
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0), "{program} {words:?}");
}

impl Story {
    fn new(seed: u64, clients: usize) -> Self {
        let mut numbers = Numbers(seed);
        let clients = (0..clients).map(|_| {
            // At least one, else there would be no session.
            let levels: Vec<_> =
                FIRST_LEVELS.into_iter().filter(|level| *level == 'a' || numbers.below(3) > 0).collect();
            let filter = |level| (level, format!("{level}/{}", ["#", "+", "0"][numbers.below(3) as usize]));
            let filters: Vec<_> = levels.into_iter().map(filter).collect();
            filters.into_iter().map(|(level, filter)| (level, (filter, 1 + numbers.below(2)))).collect()
        });
        let clients: Vec<_> = clients.collect();
        Self { numbers, waiting: vec![Vec::new(); clients.len()], clients, began: now() }
    }

    /// Everybody subscribes and leaves.
    fn subscribe(&self, port: u16) {
        for (number, filters) in self.clients.iter().enumerate() {
            for (filter, qos) in filters.values() {
                let qos = qos.to_string();
                client("mosquitto_sub", port, &["-i", &id(number), "-c", "-q", &qos, "-t", filter, "-E"], "");
            }
        }
    }

    /// Publishes `batches` batches of up to `most` messages, and keeps for whom they wait.
    fn publish(&mut self, port: u16, batches: u64, most: u64) {
        for batch in 0..batches {
            let level = FIRST_LEVELS[self.numbers.below(4) as usize];
            let second = self.numbers.below(3);
            let topic = format!("{level}/{second}");
            let qos = self.numbers.below(3);
            let payloads: Vec<String> = (0..=self.numbers.below(most))
                .map(|n| format!("{batch}.{n} {}", "x".repeat(self.numbers.below(200) as usize)))
                .collect();
            client("mosquitto_pub", port, &["-q", &qos.to_string(), "-t", &topic, "-l"], &(payloads.join("\n") + "\n"));
            for (filters, waiting) in self.clients.iter().zip(&mut self.waiting) {
                let Some((filter, granted)) = filters.get(&level) else { continue };
                if filter.ends_with(['#', '+']) || *filter == topic {
                    let message = |payload: &String| Message {
                        topic: topic.clone(),
                        qos: qos.min(*granted),
                        payload: payload.clone(),
                    };
                    waiting.extend(payloads.iter().map(message));
                }
            }
        }
    }

    /// Compares with what qshape reads from `path`: the table by client and by topic, and every list.
    fn check(&self, path: &Path, times_are_known: bool) {
        let path = path.to_str().unwrap();
        let mut by_client = BTreeMap::new();
        let mut by_topic = BTreeMap::new();
        for (number, waiting) in self.waiting.iter().enumerate() {
            for message in waiting {
                *by_client.entry(id(number)).or_insert(0) += 1;
                *by_topic.entry(message.topic.clone()).or_insert(0) += 1;
            }
        }
        assert_eq!(table(path, &[]), by_client);
        assert_eq!(table(path, &["--by", "topic"]), by_topic);
        for (number, waiting) in self.waiting.iter().enumerate() {
            let ended = qshape(&["list", &id(number), "--payload", "--json", "-q", path], "");
            assert_eq!((ended.stderr.as_str(), ended.code), ("", 0), "{}", id(number));
            let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let listed: Vec<Message> = lines.iter().map(message).collect();
            assert_eq!(&listed, waiting, "{} in {path}", id(number));
            for since in lines.iter().map(|line| line["since"].as_f64()) {
                let fits = since.map_or(!times_are_known, |since| (self.began - 0.01..=now()).contains(&since));
                assert!(fits, "{since:?} is not between {} and now", self.began);
            }
        }
    }
}

fn message(line: &Value) -> Message {
    let text = |name: &str| line[name].as_str().unwrap().to_owned();
    let message = Message { topic: text("topic"), qos: line["qos"].as_u64().unwrap(), payload: text("payload") };
    assert_eq!(line["bytes"], json!(message.payload.len()), "{line}");
    message
}

fn table(path: &str, words: &[&str]) -> BTreeMap<String, u64> {
    let ended = qshape(&[&["--json", "-q"], words, &[path]].concat(), "");
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
    let rows = shown["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["name"].as_str().unwrap().to_owned(), row["total"].as_u64().unwrap())).collect()
}

fn mosquitto_story(seed: u64, clients: usize, batches: u64, most: u64) {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
         autosave_interval 0\nqueue_qos0_messages true\nmax_queued_messages 0\n",
        folder.path().display()
    );
    let Some(broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let path = folder.path().join("mosquitto.db");
    let mut story = Story::new(seed, clients);
    story.subscribe(port);
    story.publish(port, batches, most);
    let pid = broker.pid().to_string();
    assert_eq!(qshape(&["--refresh", "--pid", &pid, "-q", path.to_str().unwrap()], "").code, 0);
    story.check(&path, false);
    story.publish(port, batches, most);
    broker.end();
    story.check(&path, false);
}

/// Our broker on a store of its own.
struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    fn start(folder: &Path) -> Self {
        let configuration = folder.join("moskit.conf");
        let text = "allow_anonymous true\nmax_queued_messages 0\nqueue_qos0_messages true\n";
        fs::write(&configuration, text).unwrap();
        let mut command = moskit(&["broker", "--print-url", "-q", "-p", "0"]);
        command.arg("-c").arg(configuration).arg("--store").arg(folder.join("state.sqlite3"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let port = url.trim_end().rsplit(':').next().and_then(|port| port.parse().ok());
        Self { port: port.unwrap_or_else(|| panic!("no URL: {url:?}")), child }
    }

    fn end(mut self) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .filter(|name| name.starts_with("state"))
        .collect();
    names.sort();
    names
}

fn store_story(seed: u64, clients: usize, batches: u64, most: u64) {
    if installed("mosquitto_pub").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path());
    let path = folder.path().join("state.sqlite3");
    let mut story = Story::new(seed, clients);
    story.subscribe(broker.port);
    story.publish(broker.port, batches, most);
    let before = files(folder.path());
    story.check(&path, true);
    assert_eq!(files(folder.path()), before);
    story.publish(broker.port, batches, most);
    broker.end();
    story.check(&path, true);
    assert_eq!(files(folder.path()), ["state.sqlite3"]);
}

#[test]
fn random_queues_of_a_real_mosquitto_are_listed_as_they_were_published() {
    mosquitto_story(20_261_122, 4, 8, 9);
}

#[test]
fn random_queues_of_our_broker_are_listed_as_they_were_published() {
    store_story(20_261_123, 4, 8, 9);
}

#[test]
#[ignore = "long: twenty stories of thousands of messages through real brokers"]
fn many_random_queues_are_listed_as_they_were_published() {
    for seed in 0..10 {
        mosquitto_story(seed, 12, 40, 200);
        store_story(seed, 12, 40, 200);
    }
}

#[test]
fn our_store_tells_since_when_a_client_is_away() {
    if installed("mosquitto_sub").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path());
    let path = folder.path().join("state.sqlite3");
    let before = now().floor();
    client("mosquitto_sub", broker.port, &["-i", "gone", "-c", "-q", "1", "-t", "t", "-E"], "");
    client("mosquitto_pub", broker.port, &["-q", "1", "-t", "t", "-m", "x"], "");
    let ended = qshape(&["explain", "gone", path.to_str().unwrap()], "");
    let moment = ended.stdout.lines().find_map(|line| line.strip_prefix("It was last connected at ")).unwrap();
    let at: jiff::Timestamp = moment.trim_end_matches('.').parse().unwrap();
    assert!((before..=now()).contains(&(at.as_second() as f64)), "{ended:?}");
    assert!(ended.stderr.contains("(moskit broker's store), as of "), "{ended:?}");
    // A store that shows the client as away needs no --force.
    let port = broker.port.to_string();
    let ended = qshape(&["purge", "gone", "-h", "127.0.0.1", "-p", &port, "--yes", path.to_str().unwrap()], "");
    let expected = "gone: 1 message waiting\nIt is not connected.\nThe session of gone has ended.\n";
    assert_eq!((ended.stdout.as_str(), ended.code), (expected, 0), "{ended:?}");
    assert_eq!(qshape(&["list", "gone", path.to_str().unwrap()], "").code, 1);
}

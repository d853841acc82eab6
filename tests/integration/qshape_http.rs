//! Brokers' HTTP APIs, played by a small server that gives answers of their documented shapes. What a
//! server may do wrong is played as well. `qshape_brokers` runs the brokers that can be had.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::mosquitto::free_port;
use crate::proxies::{PASSWORD, tinyproxy, with_login};
use crate::qshape::qshape;
use crate::run::{Ended, moskit, run, within_short_or_long};
use crate::served::{Ready, Served};

/// Paths with their queries → status and body. What is not there is 404.
type Answers = BTreeMap<String, (u16, String)>;

/// A server on 127.0.0.1 that remembers what it was asked.
pub struct Server {
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answers, log) = (answers.clone(), Arc::clone(&log));
                thread::spawn(move || serve(stream, &answers, &log));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Serves requests on one connection until it is closed. The log holds `METHOD PATH AUTHORIZATION`.
fn serve(stream: TcpStream, answers: &Answers, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let mut words = head[0].split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let authorization = head
            .iter()
            .find_map(|line| line.strip_prefix("authorization: ").or_else(|| line.strip_prefix("Authorization: ")))
            .unwrap_or("-");
        log.lock().unwrap().push(format!("{method} {path} {authorization}"));
        let (status, body) = answers.get(path).cloned().unwrap_or((404, "{}".into()));
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn answers(list: &[(&str, u16, Value)]) -> Answers {
    list.iter().map(|(path, status, body)| ((*path).to_owned(), (*status, body.to_string()))).collect()
}

fn shown(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

const NOW: i64 = 1_800_000_000;
const EMQX_CLIENTS: &str = "/api/v5/clients?limit=1000&page=1&fields=clientid,username,connected,disconnected_at,mqueue_len,mqueue_max,mqueue_dropped,inflight_cnt,inflight_max,expiry_interval,durable";

fn emqx_client(id: &str, queued: u64, in_flight: u64) -> Value {
    json!({"clientid": id, "username": null, "connected": false, "disconnected_at": "2027-01-15T07:00:00.000+00:00",
           "mqueue_len": queued, "mqueue_max": 1000, "mqueue_dropped": 3, "inflight_cnt": in_flight, "inflight_max": 32})
}

fn emqx_message(topic: &str, minutes: i64, qos: u8) -> Value {
    let publish_at = (NOW - minutes * 60) * 1000;
    json!({"msgid": "0006", "topic": topic, "qos": qos, "publish_at": publish_at,
           "inserted_at": (publish_at * 1_000_000).to_string(), "from_clientid": "sensor", "from_username": "u"})
}

pub fn emqx() -> Server {
    let queue = "/api/v5/clients/gw%2F1/mqueue_messages?limit=1000&payload=none&position=";
    Server::start(answers(&[
        (
            EMQX_CLIENTS,
            200,
            json!({"data": [emqx_client("gw/1", 3, 1), emqx_client("idle", 0, 0), emqx_client("durable", 7, 2)],
                                   "meta": {"count": 3, "limit": 1000, "page": 1}}),
        ),
        ("/api/v5/clients/gw%2F1", 200, emqx_client("gw/1", 3, 1)),
        (
            "/api/v5/clients/gw%2F1/inflight_messages?limit=1000&payload=none&position=none",
            200,
            json!({"data": [emqx_message("a/b", 100, 2)], "meta": {"start": "x", "position": "x"}}),
        ),
        (
            &format!("{queue}none"),
            200,
            json!({"data": [emqx_message("a/b", 30, 1), emqx_message("a/c", 12, 1)], "meta": {"start": "1", "position": "2_0"}}),
        ),
        (
            &format!("{queue}2_0"),
            200,
            json!({"data": [emqx_message("a/c", 1, 0)], "meta": {"start": "1", "position": "3_0"}}),
        ),
        (&format!("{queue}3_0"), 200, json!({"data": [], "meta": {"start": "1", "position": "3_0"}})),
        (
            "/api/v5/clients/gw%2F1/inflight_messages?limit=1000&payload=none&position=x",
            200,
            json!({"data": [], "meta": {"position": "x"}}),
        ),
        (
            "/api/v5/clients/durable/inflight_messages?limit=1000&payload=none&position=none",
            501,
            json!({"code": "NOT_IMPLEMENTED", "message": "durable session"}),
        ),
    ]))
}

#[test]
fn emqx_tells_every_message_and_its_age() {
    let server = emqx();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "id:secret\n").unwrap();
    let at = NOW.to_string();
    let url = format!("emqx+http://127.0.0.1:{}", server.port);
    let ended = qshape(&["--json", "--at", &at, "--api-key-file", key.to_str().unwrap(), &url], "");
    assert_eq!(ended.code, 0, "{ended:?}");
    let rows = shown(&ended)["rows"].clone();
    assert_eq!((&rows[0]["name"], &rows[0]["total"], &rows[0]["unknown"]), (&json!("durable"), &json!(9), &json!(9)));
    assert_eq!((&rows[1]["name"], &rows[1]["total"], &rows[1]["in_flight"]), (&json!("gw/1"), &json!(4), &json!(1)));
    assert_eq!(rows[1]["buckets"], json!([1, 0, 1, 1, 0, 1, 0, 0, 0, 0]));
    assert!(ended.stderr.contains("the messages of `durable` cannot be listed: HTTP 501"), "{}", ended.stderr);
    assert!(ended.stderr.contains("warning: experimental: EMQX was never tried on a real server"), "{}", ended.stderr);
    let asked = server.asked();
    assert!(
        asked.iter().all(|request| request.starts_with("GET ") && request.ends_with(" Basic aWQ6c2VjcmV0")),
        "{asked:?}"
    );

    let ended = qshape(&["list", "gw/1", "--at", &at, &url], "");
    assert!(ended.stdout.contains("   100 min         0   2 sent, no PUBREC                a/b\n"), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 5);
    let ended = qshape(&["explain", "gw/1", "--at", &at, &url], "");
    assert!(ended.stdout.starts_with("gw/1: 3 queued, 1 in flight\n"), "{ended:?}");
    assert!(ended.stdout.contains("The broker has dropped 3 messages for it."), "{ended:?}");
}

#[test]
fn an_api_is_asked_through_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_http, http_port)) = tinyproxy(folder.path(), &with_login()) else { return };
    let socks_port = free_port();
    let words = ["-i", "127.0.0.1", "-p", &socks_port.to_string(), "-u", "me", "-P", PASSWORD];
    let Some(_socks) = Served::start("microsocks", &words, Ready::Port(socks_port)) else { return };
    let server = emqx();
    let url = format!("emqx+http://127.0.0.1:{}", server.port);
    let done = |words: &[&str]| {
        let mut command = moskit(words);
        run(command.env("MOSKIT_API_KEY", "id:secret"), b"")
    };
    for (scheme, port) in [("http", http_port), ("socks5h", socks_port)] {
        let way = format!("{scheme}://me:{PASSWORD}@127.0.0.1:{port}");
        let shaped = done(&["qshape", "--json", "--proxy", &way, &url]);
        assert_eq!(shaped.code, 0, "{shaped:?}");
        assert_eq!(shown(&shaped)["rows"][1]["name"], "gw/1", "{shaped:?}");
        let session = done(&["check", "session", "-i", "gw/1", "--proxy", &way, &url]);
        assert!(session.code == 0 && session.stdout.contains("waiting 3"), "{session:?}");
        // That it was the proxy which let it through is seen where it does not.
        let before = server.asked().len();
        let way = format!("{scheme}://me:wrong@127.0.0.1:{port}");
        let refused = done(&["qshape", "--proxy", &way, &url]);
        assert!(refused.code == 1 && refused.stderr.contains("[proxy."), "{refused:?}");
        let session = done(&["check", "session", "-i", "gw/1", "--proxy", &way, &url]);
        assert!(
            session.code == 3 && session.stdout.contains(&format!("the proxy 127.0.0.1 port {port}")),
            "{session:?}"
        );
        assert_eq!(server.asked().len(), before);
    }
}

#[test]
fn rabbitmq_tells_counts_of_queues_by_page() {
    let path = |page: u64| {
        format!(
            "/api/queues/%2F?page={page}&page_size=500&name=%5Emqtt-subscription-&use_regex=true&columns=name,messages,\
             messages_ready,messages_unacknowledged,message_bytes,head_message_timestamp,consumers"
        )
    };
    let queue = |name: &str, ready: u64, sent: u64| {
        json!({"name": name, "messages": ready + sent, "messages_ready": ready, "messages_unacknowledged": sent,
               "message_bytes": 10 * ready, "head_message_timestamp": "", "consumers": 0})
    };
    let server = Server::start(answers(&[
        (
            &path(1),
            200,
            json!({"items": [queue("mqtt-subscription-gwqos1", 5, 2), queue("mqtt-subscription-gwqos0", 1, 0)], "page": 1, "page_count": 2}),
        ),
        (&path(2), 200, json!({"items": [queue("mqtt-subscription-backqos1", 40, 0)], "page": 2, "page_count": 2})),
    ]));
    let mut command = moskit(&["qshape", "--json", &format!("rabbitmq+http://127.0.0.1:{}", server.port)]);
    let ended = run(command.env("MOSKIT_API_KEY", "guest:guest"), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    let rows = shown(&ended)["rows"].clone();
    assert_eq!((&rows[0]["name"], &rows[0]["total"]), (&json!("back"), &json!(40)));
    assert_eq!((&rows[1]["name"], &rows[1]["total"], &rows[1]["in_flight"]), (&json!("gw"), &json!(8), &json!(2)));
    assert!(ended.stderr.contains("this source cannot tell topics"), "{}", ended.stderr);
    assert!(server.asked().iter().all(|request| request.ends_with(" Basic Z3Vlc3Q6Z3Vlc3Q=")), "{:?}", server.asked());
}

#[test]
fn vernemq_hivemq_and_rmqtt_tell_counts() {
    let verne = "/api/v1/session/show?--client_id&--user&--is_online&--offline_messages&--online_messages&--waiting_acks&--limit=1000000&--rowtimeout=5000";
    let server = Server::start(answers(&[
        (
            verne,
            200,
            json!({"type": "table", "table": [
            {"client_id": "v1", "user": "u", "is_online": false, "offline_messages": 12, "online_messages": 0, "waiting_acks": 0}]}),
        ),
        (
            "/api/v1/mqtt/clients?limit=500",
            200,
            json!({"items": [{"id": "h/1"}], "_links": {"next": "/api/v1/mqtt/clients?cursor=a"}}),
        ),
        ("/api/v1/mqtt/clients?cursor=a", 200, json!({"items": [{"id": "gone"}, {"id": "h2"}]})),
        (
            "/api/v1/mqtt/clients/h%2F1",
            200,
            json!({"client": {"id": "h/1", "connected": false, "messageQueueSize": 21}}),
        ),
        ("/api/v1/mqtt/clients/h2", 200, json!({"client": {"id": "h2", "connected": true, "messageQueueSize": 0}})),
        (
            "/api/v1/clients?_limit=1000000",
            200,
            json!([{"clientid": "r1", "connected": false, "mqueue_len": 4, "inflight": 1, "max_mqueue": 1000}]),
        ),
        ("/api/v1/stats/sum", 200, json!({"stats": {"sessions.count": 1}})),
    ]));
    for (name, row) in [("vernemq", "v1 12"), ("hivemq", "h/1 21"), ("rmqtt", "r1 5")] {
        let ended = qshape(&["--json", &format!("{name}+http://127.0.0.1:{}", server.port)], "");
        let rows = shown(&ended)["rows"].clone();
        assert_eq!(rows.as_array().unwrap().len(), 1, "{name}");
        assert_eq!(format!("{} {}", rows[0]["name"].as_str().unwrap(), rows[0]["total"]), row);
        assert_eq!((ended.code, &rows[0]["unknown"]), (0, &rows[0]["total"]), "{name}");
    }
}

#[test]
fn a_list_that_rmqtt_cuts_is_told_and_read_again_without_the_idle() {
    let client = |id: usize, queued: u64| json!({"clientid": format!("c{id}"), "mqueue_len": queued, "inflight": 0});
    let first: Vec<Value> = (0..100).map(|id| client(id, 0)).collect();
    let server = Server::start(answers(&[
        ("/api/v1/clients?_limit=1000000", 200, json!(first)),
        ("/api/v1/stats/sum", 200, json!({"stats": {"sessions.count": 5000}})),
        ("/api/v1/clients?_limit=1000000&_gte_mqueue_len=1", 200, json!([client(4711, 3)])),
    ]));
    let ended = qshape(&["--json", &format!("rmqtt+http://127.0.0.1:{}", server.port)], "");
    assert_eq!((shown(&ended)["rows"][0]["name"].as_str(), ended.code), (Some("c4711"), 2), "{ended:?}");
    assert!(ended.stderr.contains("it lists 100 of its 5000 sessions (max_row_limit"), "{ended:?}");
}

/// What a server may do besides answering.
fn server_that(does: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            does(stream);
        }
    });
    port
}

#[test]
fn a_server_that_is_silent_refuses_or_lies_is_told_as_such() {
    let answering = |answer: &'static str| {
        server_that(move |mut stream| {
            let _ = stream.write_all(answer.as_bytes());
        })
    };
    let free = free_port();
    let held = Mutex::new(Vec::new());
    for (port, message) in [
        (free, "Connection refused"),
        (server_that(move |stream| held.lock().unwrap().push(stream)), "no answer within LIMIT s"),
        (answering("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"), "it refuses (HTTP 401)"),
        (
            answering("HTTP/1.1 302 Away\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n"),
            "HTTP 302 for /api/v1/clients?_limit=100000",
        ),
        (answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"), "is not what this API gives"),
        (answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), "is not what this API gives"),
        (answering("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n["), "is broken off"),
        (answering("SSH-2.0-x\r\n"), "it does not speak HTTP as it should"),
    ] {
        within_short_or_long("0.3", |limit| {
            let ended = qshape(&["--timeout", limit, &format!("rmqtt+http://127.0.0.1:{port}")], "");
            assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{message}: {ended:?}");
            assert!(ended.stderr.starts_with(&format!("error: cannot read from 127.0.0.1:{port}: ")), "{ended:?}");
            assert!(ended.stderr.contains(&message.replace("LIMIT", limit)), "{message}: {ended:?}");
        });
    }
}

#[test]
fn a_list_that_never_ends_is_left() {
    // Every page gives the same next link, and so does every other.
    let body = json!({"items": [], "_links": {"next": "/api/v1/mqtt/clients?limit=500"}}).to_string();
    let server = Server::start([("/api/v1/mqtt/clients?limit=500".to_owned(), (200, body))].into());
    let ended = qshape(&["--json", &format!("hivemq+http://127.0.0.1:{}", server.port)], "");
    assert_eq!((ended.code, server.asked().len()), (0, 1), "{ended:?}");
}

/// Sends `head`, then `piece` until `times` or the reader has enough, with a pause after each.
fn sending(head: &'static str, piece: String, times: usize, pause: Duration) -> u16 {
    server_that(move |mut stream| {
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{head}").as_bytes());
        for _ in 0..times {
            if stream.write_all(piece.as_bytes()).is_err() {
                return;
            }
            thread::sleep(pause);
        }
    })
}

#[test]
fn long_answers_take_no_more_memory_than_short_ones() {
    // A value of 32 bytes for two of text: 10 MB of them were more than 300 MB.
    let ones = || "1,".repeat(1_000_000);
    let rows = [
        ("rmqtt", sending("[", ones(), 5, Duration::ZERO)),
        ("rmqtt", sending("[[", ones(), 5, Duration::ZERO)),
        ("rmqtt", sending("[\"", "x".repeat(1_000_000), 40, Duration::ZERO)),
        ("emqx", sending("{\"data\":[", "{},".repeat(1_000_000), 3, Duration::ZERO)),
        ("emqx", sending("{\"meta\":[", ones(), 5, Duration::ZERO)),
        ("vernemq", sending("{\"table\":[", ones(), 5, Duration::ZERO)),
    ];
    for (kind, port) in rows {
        let script = "ulimit -v 300000; exec \"$0\" qshape \"$1\"";
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script]).arg(moskit(&[]).get_program()).arg(format!("{kind}+http://127.0.0.1:{port}"));
        let ended = run(&mut command, b"");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{kind}: {ended:?}");
        let is_told = ["is longer than any that a broker gives", "is broken off", "is not what this API gives"];
        assert!(is_told.iter().any(|told| ended.stderr.contains(told)), "{kind}: {ended:?}");
    }
}

#[test]
fn a_server_that_never_comes_to_an_end_is_left() {
    // Each piece has to come within the first of these; on a busy machine one may come too late for the short one.
    let is_left = |limit: &str, all: &str| {
        let port = sending("[", " ".to_owned(), 1_000_000, Duration::from_millis(20));
        let ended = qshape(&["--timeout", limit, &format!("rmqtt+http://127.0.0.1:{port}")], "");
        assert_eq!((ended.stdout.as_str(), ended.code), ("", 1), "{ended:?}");
        let told = format!(
            "error: cannot read from 127.0.0.1:{port}: its answers have not ended within {all} s\n\
             hint: --timeout SECONDS gives each answer, and so all of them, more time\n"
        );
        ended.stderr == told
    };
    assert!([("0.1", "6"), ("0.3", "18"), ("1", "60")].into_iter().any(|(limit, all)| is_left(limit, all)));
}

//! Tokens of an OAuth server as passwords: asked of a real HTTP server, by every verb, and anew before they expire.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::broker_verb::Broker;
use crate::mosquitto::{free_port, installed};
use crate::peers::{Running, stub};
use crate::run::{Ended, called_as, moskit, run};
use crate::served::{Ready, Served};
use crate::tls::tutorial;

const ID: &str = "device:1";
const SECRET: &str = "s3cret & more %";
/// The secret in a form, and the pair as Basic sends it.
const ENCODED: &str = "s3cret%20%26%20more%20%25";
const KEY: [u8; 32] = [7; 32];

/// A token endpoint, and a broker that believes it.
struct Scene {
    folder: tempfile::TempDir,
    broker: Broker,
    endpoint: Option<Served>,
    port: u16,
}

impl Scene {
    fn start(more: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        if !more.is_empty() {
            installed("openssl")?;
            tutorial(path);
        }
        std::fs::write(path.join("key"), KEY).unwrap();
        std::fs::write(path.join("secret"), format!("{SECRET}\nnot this\n")).unwrap();
        let keys = format!(r#"{{"kty":"oct","k":"{}"}}"#, URL_SAFE_NO_PAD.encode(KEY));
        std::fs::write(path.join("keys"), keys).unwrap();
        std::fs::set_permissions(path.join("keys"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let (endpoint, port) = endpoint(path, more)?;
        let broker = broker(path, free_port());
        Some(Self { broker, endpoint: Some(endpoint), port, folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn requests(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path().join("requests")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How the broker is reached with a token of `url`.
    fn words(&self, url: &str) -> Vec<String> {
        let secret = self.path().join("secret").display().to_string();
        let port = self.broker.port.to_string();
        ["-h", "127.0.0.1", "-p", &port, "--oauth-token-url", url, "--oauth-client-id", ID]
            .into_iter()
            .chain(["--oauth-client-secret-file", &secret])
            .map(str::to_owned)
            .collect()
    }

    fn command(&self, verb: &str, url: &str, more: &[&str]) -> Command {
        let mut command = moskit(&[verb]);
        command.args(self.words(url)).args(more).current_dir(self.path());
        command
    }

    fn run(&self, verb: &str, url: &str, more: &[&str]) -> Ended {
        let ended = run(&mut self.command(verb, url, more), b"");
        says_no_secret(&ended);
        ended
    }

    /// sub, once it has subscribed; what it prints and what it says. It ends when it is dropped.
    fn subscriber(&self, url: &str, more: &[&str]) -> (Running, BufReader<ChildStdout>, BufReader<ChildStderr>) {
        let words = [&["-V", "5", "-t", "n", "-d"], more].concat();
        let child = self.command("sub", url, &words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut sub = Running(child.unwrap());
        let mut printed = BufReader::new(sub.0.stdout.take().unwrap());
        let said = BufReader::new(sub.0.stderr.take().unwrap());
        wait_for(&mut printed, "Subscribed");
        (sub, printed, said)
    }

    fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

fn endpoint(folder: &Path, more: &[&str]) -> Option<(Served, u16)> {
    let port = free_port();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/oauth/server.py");
    let at = port.to_string();
    let words = [&[script, &at, folder.to_str().unwrap()], more].concat();
    Served::start("python3", &words, Ready::Port(port)).map(|served| (served, port))
}

fn broker(folder: &Path, port: u16) -> Broker {
    let keys = folder.join("keys");
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous false\nauth_jwt_jwks_file {}\nauth_jwt_audience lab\n",
        keys.display()
    );
    Broker::configured(folder, &configuration)
}

fn says_no_secret(ended: &Ended) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for secret in ["s3cret", ENCODED, "eyJ", "ZGV2aWNl"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn every_verb_logs_in_with_a_token_over_tls_and_through_a_proxy() {
    let Some(scene) = Scene::start(&["tls"]) else { return };
    let url = format!("https://localhost:{}/token", scene.port);
    let ca = ["--oauth-cafile", "ca.crt"];
    let verbs: [(&[&str], &str); 3] = [
        (&["pub", "-V", "5", "-t", "a", "-m", "x", "-q", "1", "-d"], ""),
        (&["rr", "-t", "r", "-e", "r", "-m", "y", "-W", "60"], "y\n"),
        (&["sub", "-V", "311", "-u", "ann", "-t", "a", "-E", "-q", "1"], ""),
    ];
    for (words, printed) in verbs {
        let ended = scene.run(words[0], &url, &[&words[1..], &ca].concat());
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
        assert!(printed.is_empty() || ended.stdout == printed, "{ended:?}");
    }
    let asked = ["--oauth-scope", "mqtt read", "--oauth-audience", "lab", "--oauth-client-auth", "post"];
    let checked = scene.run("check", &url, &[&["--json", "-t", "home"], &ca[..], &asked].concat());
    assert_eq!(checked.code, 0, "{checked:?}");
    for part in [r#""kind":"JWT""#, r#""name":"oauth""#, &format!(r#""url":"{url}""#), r#""name":"token""#] {
        assert!(checked.stdout.contains(part), "{part}: {}", checked.stdout);
    }
    assert!(!checked.stdout.contains("mqtt_3.1.1"), "it has no password without a user name: {}", checked.stdout);
    assert_eq!(scene.requests().last().map(String::as_str), Some("/token post mqtt read lab"));
    // A source of qshape is named by its URL.
    let source = format!("mqtt://127.0.0.1:{}", scene.broker.port);
    let words = scene.words(&url);
    let words: Vec<&str> = words[4..].iter().map(String::as_str).collect();
    let all = [&["qshape", &source, "--protocol-version", "5", "--timeout", "20"], &words[..], &ca].concat();
    let asked = run(moskit(&all).current_dir(scene.path()), b"");
    assert_eq!(asked.code, 0, "{asked:?}");
    assert!(scene.requests().iter().filter(|line| *line == "/token basic - -").count() >= 4, "{:?}", scene.requests());

    // Without its CA nothing is sent.
    let before = scene.requests().len();
    let refused = scene.run("pub", &url, &["-V", "5", "-t", "a", "-n"]);
    assert!(refused.code == 1 && refused.stderr.contains("[oauth.tls]"), "{refused:?}");
    assert!(refused.stderr.contains("--oauth-cafile"), "{refused:?}");
    assert_eq!(scene.requests().len(), before);

    let proxy_port = free_port();
    let file = scene.path().join("tinyproxy.conf");
    std::fs::write(&file, format!("Port {proxy_port}\nListen 127.0.0.1\nLogLevel Info\n")).unwrap();
    let words = ["-d", "-c", file.to_str().unwrap()];
    let Some(_proxy) = Served::start("tinyproxy", &words, Ready::Port(proxy_port)) else { return };
    let proxy = format!("http://127.0.0.1:{proxy_port}");
    let sent = scene.run("check", &url, &[&["--json", "--proxy", &proxy], &ca[..]].concat());
    assert_eq!(sent.code, 0, "{sent:?}");
    let stage = sent.stdout.split(r#""name":"oauth""#).nth(1).unwrap();
    assert!(stage.contains(&format!(r#""proxy":"{proxy}""#)), "{}", sent.stdout);
    let direct = scene.run("check", &url, &[&["--proxy", "http://127.0.0.1:1"], &ca[..], &["--json"]].concat());
    assert!(direct.stdout.contains("proxy.not-reached") && direct.code == 1, "{direct:?}");
}

#[test]
fn what_grants_no_token_is_told_by_its_cause_and_without_a_secret() {
    let Some(scene) = Scene::start(&[]) else { return };
    let silent = stub(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.read(&mut [0; 4096]);
    });
    let no_http = stub(|mut stream| {
        let _ = stream.write_all(b"220 mail ready\r\n");
        let _ = stream.read(&mut [0; 4096]);
    });
    let rows: Vec<(String, &str, &str)> = [
        ("/slow", "oauth.timeout", "within 0.5 s"),
        ("/html", "oauth.not-an-endpoint", "web page"),
        ("/moved", "oauth.not-an-endpoint", "redirects to http://127.0.0.1:"),
        ("/wrong", "oauth.not-an-endpoint", "no such path"),
        ("/busy", "oauth.unavailable", "503: temporarily_unavailable"),
        ("/no-token", "oauth.no-token", "no access_token"),
        ("/two-lines", "oauth.no-token", "cannot be a password"),
        ("/mac", "oauth.token-type", "`mac`"),
        ("/echo", "oauth.refused", "invalid_request: (what it says has the client's secret in it)"),
        ("/large", "oauth.too-large", "262144 bytes"),
        ("/cut", "oauth.not-an-endpoint", "does not speak HTTP as it should"),
    ]
    .into_iter()
    .map(|(path, id, part)| (scene.at(path), id, part))
    .chain([
        (format!("https://127.0.0.1:{}/token", scene.port), "oauth.tls", "no TLS session"),
        (format!("http://{silent}/"), "oauth.timeout", "no answer"),
        (format!("http://{no_http}/"), "oauth.not-an-endpoint", "HTTP"),
        (format!("http://127.0.0.1:{}/token", free_port()), "oauth.not-reached", "onnection refused"),
        ("https://nowhere.invalid/token".to_owned(), "oauth.not-reached", "has no address"),
    ])
    .collect();
    for (url, id, part) in rows {
        let begun = Instant::now();
        // Only who is silent needs a limit.
        let limit = if id == "oauth.timeout" { "0.5" } else { "20" };
        let ended = scene.run("pub", &url, &["-V", "5", "-t", "a", "-n", "--connect-timeout", limit]);
        assert_eq!(ended.code, 1, "{url}: {ended:?}");
        assert!(ended.stderr.starts_with("error: there is no token to log in with\ncause: "), "{url}: {ended:?}");
        assert!(ended.stderr.contains(&format!("[{id}]")) && ended.stderr.contains(part), "{url}: {}", ended.stderr);
        assert!(begun.elapsed() < Duration::from_secs(25), "{url}: {:?}", begun.elapsed());
    }
    // What refuses, with the reason that it gives, and a wrong secret is not tried again.
    std::fs::write(scene.path().join("secret"), "wrong-secret\n").unwrap();
    let before = scene.requests().len();
    let refused = scene.run("pub", &scene.at("/token"), &["-V", "5", "-t", "a", "-n", "--retry", "3,0.1", "-d"]);
    assert!(refused.code == 1 && refused.stderr.contains("refuses: invalid_client: Client \\x1b[2J"), "{refused:?}");
    assert!(refused.stderr.contains("--oauth-client-auth post"), "{refused:?}");
    assert!(!refused.stderr.contains("wrong-secret"), "{refused:?}");
    assert_eq!(scene.requests().len(), before + 1);
    let checked = scene.run("check", &scene.at("/token"), &["--json"]);
    assert!(checked.code == 1 && checked.stdout.contains(r#""cause":"oauth.refused""#), "{checked:?}");
    assert!(checked.stdout.contains("there is no token to log in with"), "{}", checked.stdout);
    // What is for now is.
    std::fs::write(scene.path().join("secret"), SECRET).unwrap();
    let before = scene.requests().len();
    let busy = scene.run("pub", &scene.at("/busy"), &["-V", "5", "-t", "a", "-n", "--retry", "2,0.1"]);
    assert!(busy.code == 1 && busy.stderr.contains("after 2 more attempts"), "{busy:?}");
    assert_eq!(scene.requests().len(), before + 3);
    assert_eq!(scene.run("pub", &scene.at("/chunked"), &["-V", "5", "-t", "a", "-n"]).code, 0);
}

#[test]
fn a_token_of_no_use_is_named_when_the_broker_refuses_it() {
    let Some(scene) = Scene::start(&[]) else { return };
    let expired = scene.run("pub", &scene.at("/expired"), &["-V", "5", "-t", "a", "-n"]);
    let told = "the broker refuses the login, and the token expired 3 hours ago [token.expired]";
    assert!(expired.code == 135 && expired.stderr.contains(told), "{expired:?}");
    let checked = scene.run("check", &scene.at("/expired"), &["--json"]);
    assert!(checked.stdout.contains(r#""cause":"token.expired""#) && checked.code == 1, "{checked:?}");
    let opaque = scene.run("sub", &scene.at("/opaque"), &["-V", "5", "-t", "a"]);
    assert!(opaque.code == 135 && opaque.stderr.contains("--oauth-audience"), "{opaque:?}");
    // The token of a password option, too, and not under the other name.
    let claims = r#"{"sub":"ann","aud":"lab","exp":1000}"#;
    let token = [r#"{"alg":"HS256"}"#, claims, "x"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    std::fs::write(scene.path().join("token"), &token).unwrap();
    let port = scene.broker.port.to_string();
    for (version, code) in [("5", 135), ("311", 5)] {
        let words = ["-h", "127.0.0.1", "-p", &port, "-V", version, "-u", "ann", "-t", "a"];
        let own = run(moskit(&[&["sub"], &words[..], &["--pw-file", "token"]].concat()).current_dir(scene.path()), b"");
        assert!(own.code == code && own.stderr.contains("the token expired "), "{own:?}");
        assert!(!own.stderr.contains(&token[20..40]), "{own:?}");
        let as_there = run(&mut called_as("mosquitto_sub", &[&words[..], &["-P", &token]].concat()), b"");
        assert!(as_there.code == code && !as_there.stderr.contains("token"), "{as_there:?}");
    }
}

#[test]
fn the_options_contradict_each_other_in_one_sentence_and_are_none_of_mosquittos() {
    let url = "https://idp.example/token?key=hidden";
    let secret = ["--oauth-client-secret-file", "none"];
    let rows: [(&[&str], &str); 9] = [
        (&["--oauth-scope", "x"], "--oauth-scope needs --oauth-token-url."),
        (&["--oauth-token-url", url], "--oauth-token-url needs --oauth-client-id."),
        (&["--oauth-token-url", url, "--oauth-client-id", "x"], "needs --oauth-client-secret-file."),
        (&["--oauth-token-url", url, "-P", "x"], "Only one of --oauth-token-url and -P can give the password."),
        (&["--oauth-token-url", "http://idp.example/token"], "http:// is for localhost"),
        (&["--oauth-token-url", "https://a:hidden@idp.example/"], "id and secret do not belong into it"),
        (&["--oauth-client-auth", "jwt"], "takes basic or post"),
        (&["--oauth-token-url", url, "--oauth-client-id", "x", secret[0], secret[1]], "A token needs a user name"),
        (
            &[
                "--oauth-token-url",
                url,
                "--oauth-client-id",
                "x",
                secret[0],
                secret[1],
                "--auth-method",
                "SCRAM-SHA-256",
                "-u",
                "a",
            ],
            "--auth-method and --oauth-token-url cannot be used together.",
        ),
    ];
    for (words, part) in rows {
        let ended = run(&mut moskit(&[&["pub", "-t", "a", "-n"], words].concat()), b"");
        assert!(ended.code == 1 && ended.stderr.contains(part), "{words:?}: {ended:?}");
        assert!(!ended.stderr.contains("hidden"), "{ended:?}");
        let there = run(&mut called_as("mosquitto_pub", &[&["-t", "a", "-n"], words].concat()), b"");
        assert!(there.stderr.contains("Unknown option '--oauth"), "{there:?}");
    }
    let words = ["--oauth-token-url", url, "--oauth-client-id", "x", secret[0], secret[1], "-V", "5"];
    let ended = run(&mut moskit(&[&["pub", "-t", "a", "-n"], &words[..]].concat()), b"");
    assert!(ended.code == 1 && ended.stderr.contains("cannot read the client's secret from `none`"), "{ended:?}");
}

/// Reads lines up to one with `text`.
fn wait_for(lines: &mut impl BufRead, text: &str) -> String {
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the output ends without {text:?}");
        if line.contains(text) {
            return line;
        }
    }
}

#[test]
fn a_session_outlives_its_tokens_and_nothing_is_lost() {
    let Some(scene) = Scene::start(&[]) else { return };
    let url = scene.at("/token?lifetime=3");
    let (sub, mut printed, mut said) = scene.subscriber(&url, &["-i", "s", "-c", "-q", "1"]);
    let mut publisher = scene
        .command("pub", &url, &["-V", "5", "-q", "2", "-t", "n", "-l"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = publisher.stdin.take().unwrap();
    // For as long as two tokens of each side are good, and a part of the third.
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_millis(5500) {
        count += 1;
        writeln!(lines, "{count}.").unwrap();
        lines.flush().unwrap();
        let expected = format!("{count}.\n");
        loop {
            let line = wait_for(&mut printed, "");
            if line.ends_with(".\n") && !line.starts_with("Client") {
                assert_eq!(line, expected);
                break;
            }
        }
    }
    drop(lines);
    assert_eq!(publisher.wait().unwrap().code(), Some(0));
    for _ in 0..2 {
        wait_for(&mut said, "the token is about to expire: connecting again with a new one");
        wait_for(&mut said, "connected again");
    }
    drop(sub);
    assert!(count > 20 && scene.requests().len() >= 6, "{count}, {:?}", scene.requests());
    assert!(!scene.broker.end().stderr.contains("expired"), "a token was used beyond its end");
}

#[test]
fn lines_of_qos_0_are_not_called_lost_where_a_token_is_renewed() {
    let Some(scene) = Scene::start(&[]) else { return };
    let mut publisher = scene
        .command("pub", &scene.at("/token?lifetime=3"), &["-V", "5", "-q", "0", "-t", "n", "-l"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = publisher.stdin.take().unwrap();
    // A line comes every 20 ms for as long as the first token is good and the second has come.
    for count in 0..200 {
        writeln!(lines, "{count}").unwrap();
        lines.flush().unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(lines);
    let output = publisher.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(scene.requests().len() >= 2, "{:?}", scene.requests());
    assert!(output.status.code() == Some(0) && !stderr.contains("lost"), "{:?}: {stderr}", output.status);
}

#[test]
fn a_connection_gets_its_own_token_and_attempts_that_reach_no_broker_need_no_other() {
    let Some(mut scene) = Scene::start(&[]) else { return };
    let (_sub, mut printed, mut said) = scene.subscriber(&scene.at("/token"), &["--reconnect-wait", "0.1"]);
    assert_eq!(scene.requests().len(), 1);
    let (port, path) = (scene.broker.port, scene.path());
    scene.broker.signal(rustix::process::Signal::TERM);
    for _ in 0..5 {
        wait_for(&mut said, "no connection: ");
    }
    assert_eq!(scene.requests().len(), 2);
    scene.broker = broker(&path, port);
    wait_for(&mut printed, "Subscribed");
    assert_eq!(scene.requests().len(), 2);
}

#[test]
fn an_endpoint_that_is_gone_is_told_while_the_token_is_good_and_asked_again_after_it() {
    let Some(mut scene) = Scene::start(&[]) else { return };
    let (_sub, mut printed, mut said) = scene.subscriber(&scene.at("/token?lifetime=4"), &["--reconnect-wait", "0.1"]);
    let port = scene.port.to_string();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/oauth/server.py");
    let path = scene.path();
    drop(scene.endpoint.take());
    let line = wait_for(&mut said, "warning: the token cannot be renewed, and expires in ");
    assert!(line.contains("[oauth.not-reached]"), "{line}");
    wait_for(&mut said, "connection lost: the broker ended the connection: ");
    wait_for(&mut said, "no connection: there is no token to log in with");
    let words = [script, &port, path.to_str().unwrap()];
    scene.endpoint = Served::start("python3", &words, Ready::Port(scene.port));
    wait_for(&mut printed, "Subscribed");
}

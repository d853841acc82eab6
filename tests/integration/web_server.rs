//! A broker behind a web server, as nginx stands before one: WebSockets at a path, some of them for who shows a token.

use std::path::Path;

use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{called_as, moskit, run};
use crate::served::{Ready, Served};

const TOKEN: &str = "Bearer nobody-else-knows-this";

/// nginx in front of Mosquitto: `/ws` for who shows the token, and on a second port for everybody; nothing elsewhere.
struct Web {
    _broker: Mosquitto,
    _nginx: Served,
    guarded: String,
    open: String,
}

impl Web {
    fn start(folder: &Path) -> Option<Self> {
        let [broker_port, guarded, open] = [(); 3].map(|()| free_port());
        let broker = Mosquitto::start(
            folder,
            // 2.0 does not start with listeners for WebSockets alone.
            &format!(
                "allow_anonymous true\nlistener 0 {}/mqtt.sock\nlistener {broker_port} 127.0.0.1\nprotocol websockets\n",
                folder.display()
            ),
        )?;
        let pass = format!(
            "proxy_pass http://127.0.0.1:{broker_port}; proxy_http_version 1.1;
             proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection Upgrade;"
        );
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
            .concat();
        let configuration = format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log stderr notice; events {{}}
             http {{ access_log off; {temporary}
               server {{ listen 127.0.0.1:{guarded};
                 location = /ws {{ if ($http_authorization != \"{TOKEN}\") {{ return 401; }} {pass} }}
                 location / {{ return 404; }} }}
               server {{ listen 127.0.0.1:{open};
                 location = /ws {{ {pass} }}
                 location / {{ return 404; }} }} }}",
            folder.display()
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        std::fs::write(folder.join("token"), format!("{TOKEN}\n")).unwrap();
        let words = ["-p", folder.to_str().unwrap(), "-e", "stderr", "-c", file.to_str().unwrap()];
        let nginx = Served::start("nginx", &words, Ready::Line("event method"))?;
        Some(Self { _broker: broker, _nginx: nginx, guarded: guarded.to_string(), open: open.to_string() })
    }
}

#[test]
fn every_verb_goes_to_the_path_and_shows_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let Some(web) = Web::start(folder.path()) else { return };
    let header = format!("Authorization=@{}", folder.path().join("token").display());
    let way = ["-h", "127.0.0.1", "-p", &web.guarded, "--ws", "--ws-path", "/ws", "--header", &header];
    let verbs: [&[&str]; 4] = [
        &["pub", "-t", "a/b", "-m", "x", "-q", "1", "-r"],
        &["sub", "-t", "a/b", "-C", "1", "-W", "60"],
        &["rr", "-t", "a/r", "-e", "a/r", "-m", "y", "-W", "60"],
        &["check", "-t", "a"],
    ];
    for (verb, printed) in verbs.iter().zip(["", "x\n", "y\n", "status"]) {
        let ended = run(&mut moskit(&[*verb, &way[..]].concat()), b"");
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(if printed == "status" { !ended.stdout.is_empty() } else { ended.stdout == printed }, "{ended:?}");
    }
    // qshape's sources name a broker by an URL that has no topic: what stands there is the path.
    let url = format!("ws://127.0.0.1:{}/ws", web.guarded);
    let ended = run(&mut moskit(&["qshape", &url, "--header", &header, "--timeout", "20"]), b"");
    assert_eq!(ended.code, 0, "{ended:?}");
    // In -L the topic stands there, as in Mosquitto's programs.
    let url = format!("ws://127.0.0.1:{}/a/b", web.guarded);
    let ended =
        run(&mut moskit(&["sub", "-L", &url, "--ws-path=/ws", "--header", &header, "-C", "1", "-W", "60"]), b"");
    assert_eq!((&*ended.stdout, ended.code), ("x\n", 0), "{ended:?}");
    let ended = run(&mut called_as("mosquitto_sub", &["-L", &url, "-E"]), b"");
    assert!(ended.stderr.contains("answers 404 Not Found to the request for /mqtt [ws.status]"), "{ended:?}");
    assert_eq!(ended.code, 13);
}

#[test]
fn the_path_that_a_broker_has_is_found_and_the_token_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(web) = Web::start(folder.path()) else { return };
    for verb in [&["pub", "-t", "a", "-n"][..], &["check"]] {
        let place = ["-h", "127.0.0.1", "-p", &web.open, "--ws"];
        let ended = run(&mut moskit(&[verb, &place[..]].concat()), b"");
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("at /ws, and not at /mqtt") && said.contains("--ws --ws-path /ws"), "{said}");
        // Without --ws, too: HTTP answers.
        let ended = run(&mut moskit(&[verb, &place[..4]].concat()), b"");
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("add --ws --ws-path /ws"), "{said}");

        let place = ["-h", "127.0.0.1", "-p", &web.guarded, "--ws", "--ws-path", "/ws"];
        let ended =
            run(&mut moskit(&[verb, &place[..], &["--header", "Authorization=Bearer wrong-one"]].concat()), b"");
        let said = ended.stdout + &ended.stderr;
        assert_ne!(ended.code, 0);
        assert!(said.contains("401") && said.contains("--header Authorization=@FILE"), "{said}");
        assert!(!said.contains("wrong-one"), "{said}");
        let ended = run(&mut moskit(&[verb, &place[..4], &["--ws", "--ws-path", "/none"]].concat()), b"");
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("--ws-path /mqtt for EMQX"), "{said}");
    }
}

#[test]
fn what_no_request_can_hold_is_refused_before_anybody_is_asked() {
    // Whatever connects would find nobody here, and say so.
    let place = ["-t", "a", "-n", "-h", "127.0.0.1", "-p", "1"];
    let secret = "c2VjcmV0";
    for (words, why) in [
        (&["--ws-path", "/ws"][..], "--ws-path is for WebSockets: add --ws, or use a ws:// or wss:// URL."),
        (&["--header", "X=c2VjcmV0"], "--header is for WebSockets: add --ws, or use a ws:// or wss:// URL."),
        (&["--ws", "--ws-path", "ws"], "Invalid --ws-path: it does not begin with /."),
        (&["--ws", "--ws-path", "/a\r\nX: c2VjcmV0"], "Invalid --ws-path: it has a blank"),
        (&["--ws", "--ws-path", ""], "Invalid --ws-path: it does not begin with /."),
        (&["--ws", "--header", "X=c2VjcmV0\r\nHost: b"], "Invalid --header: X: its value has a line break"),
        (&["--ws", "--header", "Authorization: c2VjcmV0"], "Invalid --header: it is not NAME=VALUE"),
        (&["--ws", "--header", "c2VjcmV0"], "Invalid --header: it is not NAME=VALUE"),
        (&["--ws", "--header", "Sec-WebSocket-Protocol=c2VjcmV0"], "the WebSocket handshake sets this header itself"),
        (&["--ws", "--header", "=c2VjcmV0"], "Invalid --header: its name is empty."),
        (&["--ws", "--header=X=@/nowhere/token"], "cannot send the header X: `/nowhere/token`: No such file"),
    ] {
        let ended = run(&mut moskit(&[&["pub"], &place[..], words].concat()), b"");
        assert!(ended.stderr.contains(why), "{words:?}: {ended:?}");
        assert!(!ended.stderr.contains(secret) && !ended.stderr.contains("refused"), "{ended:?}");
        assert_eq!((&*ended.stdout, ended.code), ("", 1), "{words:?}");
    }
    let ended = run(&mut moskit(&["sub", "--headerX=c2VjcmV0", "-t", "a"]), b"");
    assert!(!ended.stderr.contains(secret), "{ended:?}");
}

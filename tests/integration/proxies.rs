//! Real proxies on the way to a broker: tinyproxy (HTTP), microsocks (SOCKS5), stunnel in front of tinyproxy (https); and
//! what stands where a proxy should.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{Ended, called_as, moskit, run};
use crate::served::{Ready, Served};
use crate::tls::tutorial;

pub const PASSWORD: &str = "nobody-else-knows-this";
/// `me:` and the password, as Basic sends them.
const IN_BASIC: &str = "bWU6bm9ib2R5LWVsc2Uta25vd3MtdGhpcw==";

/// This machine by its name, which is not looked up before a proxy is chosen.
fn this_machine() -> String {
    rustix::system::uname().nodename().to_str().unwrap().to_owned()
}

pub fn tinyproxy(folder: &Path, lines: &str) -> Option<(Served, u16)> {
    let port = free_port();
    let file = folder.join(format!("tinyproxy-{port}.conf"));
    std::fs::write(&file, format!("Port {port}\nListen 127.0.0.1\nLogLevel Info\nMaxClients 20\n{lines}")).unwrap();
    Served::start("tinyproxy", &["-d", "-c", file.to_str().unwrap()], Ready::Port(port)).map(|served| (served, port))
}

pub fn with_login() -> String {
    format!("BasicAuth me {PASSWORD}\n")
}

fn done(words: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = moskit(words);
    command.envs(variables.iter().copied());
    let ended = run(&mut command, b"");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!said.contains(PASSWORD) && !said.contains(IN_BASIC), "{said}");
    ended
}

#[test]
fn every_verb_goes_through_every_kind_of_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tutorial(folder);
    let [plain, encrypted, web, socks_port, tls_port] = [(); 5].map(|()| free_port());
    let configuration = format!(
        "allow_anonymous true\nlistener {plain}\nlistener {encrypted}\ncafile ca.crt\ncertfile server.crt\n\
         keyfile server.key\nlistener {web}\nprotocol websockets\n"
    );
    let Some(_broker) = Mosquitto::start(folder, &configuration) else { return };
    let Some((_http, http_port)) = tinyproxy(folder, &with_login()) else { return };
    let words = ["-i", "127.0.0.1", "-p", &socks_port.to_string(), "-u", "me", "-P", PASSWORD];
    let Some(_socks) = Served::start("microsocks", &words, Ready::Port(socks_port)) else { return };
    let file = folder.join("stunnel.conf");
    let configuration = format!(
        "foreground = yes\npid =\nsyslog = no\n[proxy]\naccept = 127.0.0.1:{tls_port}\nconnect = 127.0.0.1:{http_port}\n\
         cert = {0}/server.crt\nkey = {0}/server.key\n",
        folder.display()
    );
    std::fs::write(&file, configuration).unwrap();
    let Some(_tls) = Served::start("stunnel", &[file.to_str().unwrap()], Ready::Line("Configuration successful"))
    else {
        return;
    };
    let ca = folder.join("ca.crt");
    let ca = ca.to_str().unwrap();
    let [plain, encrypted, web] = [plain, encrypted, web].map(|port| port.to_string());
    let me = format!("me:{PASSWORD}@");
    let proxies = [
        format!("http://{me}127.0.0.1:{http_port}"),
        format!("socks5h://{me}127.0.0.1:{socks_port}"),
        format!("https://{me}localhost:{tls_port}/"),
    ];
    let host = this_machine();
    for proxy in &proxies {
        let way: &[&str] = if proxy.starts_with("https") { &["--proxy-cafile", ca] } else { &[] };
        let way = [&["--proxy", proxy], way].concat();
        for place in [
            &["-h", &host, "-p", &plain][..],
            &["-h", "localhost", "-p", &encrypted, "--cafile", ca],
            &["-h", &host, "-p", &web, "--ws"],
        ] {
            let sent = done(&[&["pub", "-t", "a/b", "-m", "x", "-q", "1", "-r", "-d"], place, &way].concat(), &[]);
            assert_eq!((&*sent.stderr, sent.code), ("", 0), "{proxy} {place:?}: {sent:?}");
            assert!(
                sent.stdout.contains("Connecting through the proxy ") && sent.stdout.contains("(--proxy)"),
                "{sent:?}"
            );
            let got = done(&[&["sub", "-t", "a/b", "-C", "1", "-W", "60"], place, &way].concat(), &[]);
            assert_eq!((&*got.stdout, got.code), ("x\n", 0), "{proxy} {place:?}: {got:?}");
        }
        let checked = done(&[&["check", "--json", "-h", &host, "-p", &plain, "-t", "a"], &way[..]].concat(), &[]);
        assert!(checked.stdout.contains("\"proxy_from\":\"--proxy\"") && checked.code == 0, "{checked:?}");
        let source = format!("mqtt://{host}:{plain}");
        let asked = done(&[&["qshape", &source, "--timeout", "20"], &way[..]].concat(), &[]);
        assert_eq!(asked.code, 0, "{asked:?}");
    }
    // The certificate of a proxy is the proxy's: neither the broker's CA nor --insecure are for it.
    let place = ["-h", &*host, "-p", &plain, "--cafile", ca, "--no-tls", "--insecure"];
    let refused = done(&[&["pub", "-t", "a", "-n", "--proxy", &proxies[2]], &place[..]].concat(), &[]);
    assert!(refused.stderr.contains("[proxy.tls]") && refused.code == 16, "{refused:?}");
    // Without a CA for it, it is the operating system's that must know it.
    let place = ["pub", "-t", "a", "-n", "-h", &*host, "-p", &plain, "--proxy", &proxies[2]];
    let trusted_by = |system| done(&place, &[("SSL_CERT_FILE", system), ("SSL_CERT_DIR", "/nonexistent")]);
    assert_eq!(trusted_by(ca).code, 0);
    let nobody = trusted_by("/nonexistent");
    assert!(nobody.stderr.contains("give --proxy-cafile FILE") && nobody.code == 1, "{nobody:?}");
}

#[test]
fn the_environment_names_a_proxy_for_other_machines_and_never_for_mosquittos_programs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let port = free_port();
    let Some(_broker) = Mosquitto::start(folder, &format!("allow_anonymous true\nlistener {port}\n")) else { return };
    let Some((_http, http_port)) = tinyproxy(folder, &with_login()) else { return };
    let (host, port) = (this_machine(), port.to_string());
    let proxy = format!("http://me:{PASSWORD}@127.0.0.1:{http_port}");
    let way = ["-t", "a", "-n", "-d", "-p", &port];
    let there = [&way[..], &["-h", &host]].concat();

    let sent = done(&[&["pub"], &there[..]].concat(), &[("ALL_PROXY", &proxy)]);
    let told = format!("Connecting through the proxy http://127.0.0.1:{http_port} (ALL_PROXY)");
    assert_eq!((sent.stdout.lines().next(), &*sent.stderr, sent.code), (Some(&*told), "", 0), "{sent:?}");
    let sent = done(&[&["pub", "-u", "ann", "-P", PASSWORD], &there[..]].concat(), &[("all_proxy", &proxy)]);
    let warned = format!(
        "warning: the password goes without TLS through the proxy http://127.0.0.1:{http_port}, which all_proxy names"
    );
    assert!(sent.stderr.starts_with(&warned) && sent.code == 0, "{sent:?}");
    let checked = done(&["check", "--json", "-h", &host, "-p", &port], &[("ALL_PROXY", &proxy)]);
    assert!(checked.stdout.contains("\"proxy_from\":\"ALL_PROXY\""), "{checked:?}");

    // Where nobody listens as a proxy, only who goes around it gets through.
    let nobody = format!("http://me:{PASSWORD}@127.0.0.1:{}", free_port());
    let dead = ("ALL_PROXY", &*nobody);
    let refused = done(&[&["pub"], &there[..]].concat(), &[dead]);
    assert!(
        refused.stderr.contains("of ALL_PROXY cannot be reached") && refused.stderr.contains("[proxy.not-reached]"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("--proxy none, or NO_PROXY, goes around it"), "{refused:?}");
    let api = done(&["qshape", &format!("emqx+http://{host}:1")], &[dead]);
    assert!(api.stderr.contains("[proxy.not-reached]") && api.code != 0, "{api:?}");
    for (words, variables) in [
        (&["--proxy", "none", "-h", &host][..], &[dead][..]),
        (&["-h", &host], &[dead, ("NO_PROXY", &host)]),
        (&["-h", &host], &[dead, ("no_proxy", "*")]),
        (&["-h", &host], &[("HTTPS_PROXY", &nobody), ("HTTP_PROXY", &nobody)]),
        (&["-h", "127.0.0.1"], &[dead]),
        (&["-h", "localhost"], &[dead]),
    ] {
        let sent = done(&[&["pub"], &way[..], words].concat(), variables);
        assert!(sent.code == 0 && !sent.stdout.contains("proxy"), "{words:?}: {sent:?}");
    }
    let mut mosquittos = called_as("mosquitto_pub", &there);
    let sent = run(mosquittos.env(dead.0, dead.1), b"");
    assert!(sent.code == 0 && !sent.stdout.contains("proxy"), "{sent:?}");
    let wrong = done(&[&["pub"], &there[..]].concat(), &[("ALL_PROXY", &format!("socks4://me:{PASSWORD}@h"))]);
    assert!(wrong.stderr.contains("ALL_PROXY names no proxy") && wrong.code == 1, "{wrong:?}");
}

#[test]
fn a_proxy_that_refuses_is_told_by_what_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some((_http, guarded)) = tinyproxy(folder, &with_login()) else { return };
    let Some((_https_only, narrow)) = tinyproxy(folder, "ConnectPort 443\n") else { return };
    let socks_port = free_port();
    let words = ["-i", "127.0.0.1", "-p", &socks_port.to_string(), "-u", "me", "-P", PASSWORD];
    let Some(_socks) = Served::start("microsocks", &words, Ready::Port(socks_port)) else { return };
    let dead = free_port().to_string();
    for (proxy, id, code) in [
        (format!("http://127.0.0.1:{guarded}"), "proxy.login", 16),
        (format!("http://me:wrong@127.0.0.1:{guarded}"), "proxy.login", 16),
        (format!("http://me:{PASSWORD}@127.0.0.1:{guarded}"), "proxy.failed", 16),
        (format!("http://127.0.0.1:{narrow}"), "proxy.denied", 11),
        (format!("socks5h://127.0.0.1:{socks_port}"), "proxy.login", 11),
        (format!("socks5h://me:wrong@127.0.0.1:{socks_port}"), "proxy.login", 16),
        (format!("socks5h://me:{PASSWORD}@127.0.0.1:{socks_port}"), "proxy.refused", 4),
        (format!("http://127.0.0.1:{socks_port}"), "proxy.not-http", 16),
    ] {
        let words = ["-h", "127.0.0.1", "-p", &dead, "--proxy", &proxy];
        let refused = done(&[&["pub", "-t", "a", "-n", "-d"], &words[..]].concat(), &[]);
        assert!(refused.stderr.contains(&format!("[{id}]")) && refused.code == code, "{proxy}: {refused:?}");
        let checked = done(&[&["check"], &words[..]].concat(), &[]);
        assert!(checked.stdout.contains(id) && checked.code == 1, "{proxy}: {checked:?}");
    }
}

/// What stands where an HTTP proxy should: says `answer`, over and over where `endless`, and ends then or holds on.
fn impostor(answer: &'static [u8], endless: bool) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            if answer.is_empty() {
                held.push(stream);
                continue;
            }
            let mut request = [0; 1024];
            // The client may have gone, which is its right.
            let _ = stream.read(&mut request);
            while stream.write_all(answer).is_ok() && endless {}
        }
    });
    port
}

#[test]
fn what_is_no_proxy_costs_bounded_time_and_says_no_secret() {
    for (answer, endless, id) in [
        (&b""[..], false, "proxy.timeout"),
        (b"\x20\x02\0\0", false, "proxy.not-http"),
        (b"\x15\x03\x01\0\x02\x02\x46", false, "proxy.not-http"),
        (b"<html>\x1b[31mhello</html>", false, "proxy.not-http"),
        (b"HTTP/1.1 200 OK\r\nX-Endless: ", true, "proxy.not-http"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n<html>", false, "proxy.failed"),
        (b"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\n\r\n", false, "proxy.login"),
        (b"HTTP/1.1 502 \x1b[31mBad\r\n\r\n", false, "proxy."),
    ] {
        let proxy = format!("http://me:{PASSWORD}@127.0.0.1:{}", impostor(answer, endless));
        let place = ["-h", "broker.example", "-p", "1883", "--proxy", &proxy];
        // check bounds each step by --timeout.
        let limit = if answer.is_empty() { "2" } else { "30" };
        let checked = done(&[&["check", "--timeout", limit], &place[..]].concat(), &[]);
        let said = checked.stdout + &checked.stderr;
        let is_timeout = id == "proxy.timeout" && said.contains("net.timeout");
        assert!((said.contains(id) || is_timeout) && checked.code == 1, "{id}: {said}");
        assert!(!said.contains('\u{1b}'), "{said}");
        if id != "proxy.timeout" {
            let ended = done(&[&["sub", "-t", "a", "-d"], &place[..]].concat(), &[]);
            assert!(ended.stderr.contains(id) && ended.code != 0 && !ended.stderr.contains('\u{1b}'), "{ended:?}");
        }
    }
}

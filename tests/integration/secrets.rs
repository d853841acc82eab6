//! Errors that quote what was typed, with a password in it: terminals scroll back, and logs are kept.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::peers::stub;
use crate::run::{moskit, run};

const SECRET: &str = "SECRETx7q";

/// Words of a verb in which the password stands where it does not belong, or belongs and something else is wrong.
const ROWS: &[&str] = &[
    "pub -t a -m x --proxy http://u:SECRETx7q@h",
    "pub -t a -m x --proxy=http://u:SECRETx7q@h",
    "pub -t a -m x --proxy u:SECRETx7q@h:1",
    "pub -t a -m x --proxy socks5h://u:SECRETx7q",
    "pub -t a -m x --proxy socks5h://u:SECRETx7q@127.0.0.1:1",
    "pub -t a -m x --proxy socks5h://u:SECRETx7q@a:b:c",
    "pub -t a -m x -L mqtt://u:SECRETx7q@h",
    "pub -t a -m x -L foo://u:SECRETx7q@h/t",
    "pub -t a -m x -L mqtt://u:SECRETx7q@127.0.0.1:99999/t",
    "pub -t a -m x -L mqtt://u:SECRETx7q@127.0.0.1:1/t",
    "pub -t a -m x -PSECRETx7q",
    "pub -t a -m x -P=SECRETx7q",
    "pub -t a -m x --pwSECRETx7q",
    "pub -t a -m x --password=SECRETx7q",
    "pub -t a -m x --psk SECRETx7q",
    "pub -t a -m x --psk=SECRETx7q",
    "sub -t a -h u:SECRETx7q@127.0.0.1",
    "sub -t a -PSECRETx7q",
    "rr -t a -m x -e b -PSECRETx7q",
    "passwd --generate=SECRETx7q f u",
    "passwd --generate=12SECRETx7q f u",
    "passwd --pw=SECRETx7q f u",
    "passwd -P SECRETx7q f u",
    "passwd -b=SECRETx7q f u",
    "passwd -b f u SECRETx7q extra",
    "passwd -b f a:b SECRETx7q",
    "check u:SECRETx7q@127.0.0.1:1",
    "check mqtt://u:SECRETx7q@127.0.0.1:1",
    "check mqtt://u:SECRETx7q@127.0.0.1:1 --json",
    "check mqtt://u:SECRETx7q@127.0.0.1:1 --monitor",
    "check mqtt://u:SECRETx7q@127.0.0.1:999999",
    "check foo://u:SECRETx7q@127.0.0.1",
    "check 127.0.0.1:1 --proxy http://u:SECRETx7q@h",
    "check 127.0.0.1:1 --proxy u:SECRETx7q@h",
    "check 127.0.0.1:1 --pw SECRETx7q",
    "check files mqtt://u:SECRETx7q@h",
    "qshape emqx+http://u:SECRETx7q@127.0.0.1:1",
    "qshape emqx+http://u:a/SECRETx7q@127.0.0.1:1",
    "qshape foo+http://u:SECRETx7q@h",
    "qshape mqtt://u:SECRETx7q@127.0.0.1:1",
    "qshape --proxy http://u:SECRETx7q@h mqtt://127.0.0.1:1",
    "qshape purge c mqtt://u:SECRETx7q@127.0.0.1:1",
    "certgen key decrypt --pass-fd SECRETx7q f -o -",
    "certgen key decrypt --passphrase=SECRETx7q f -o -",
    "certgen inspect mqtts://u:SECRETx7q@127.0.0.1:1",
    "certgen inspect u:SECRETx7q@127.0.0.1:1",
    "certgen expiry mqtts://u:SECRETx7q@127.0.0.1:1",
    "certgen expiry --json mqtts://u:SECRETx7q@127.0.0.1:1",
];

#[test]
fn no_error_shows_the_secret_that_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let faults = |row: &&&str| {
        let words: Vec<_> = row.split(' ').collect();
        let ended = moskit(&words).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
        let said = [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(row.contains(SECRET), "{row}");
        ended.status.success() || said.is_empty() || said.contains(SECRET)
    };
    let faulty: Vec<_> = ROWS.iter().filter(faults).collect();
    assert_eq!(faulty, [&""; 0], "these end well, say nothing or show the secret");
}

/// What a web server answers to a request for a WebSocket is told with the path that was asked for, but for its query.
#[test]
fn no_finding_about_a_web_server_shows_the_query_of_the_path() {
    for status in ["401 Unauthorized", "404 Not Found", "500 Oops"] {
        let address = stub(move |mut stream| {
            let head = BufReader::new(stream.try_clone().unwrap()).lines();
            // The head ends with an empty line, or with the connection.
            let _ended = head.map_while(Result::ok).find(String::is_empty);
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        });
        let (host, port) = address.rsplit_once(':').unwrap();
        let asked = ["-h", host, "-p", port, "--ws", "--ws-path", "/mqtt?token=SECRETx7q"];
        for verb in [&["pub", "-t", "a", "-m", "x"][..], &["sub", "-t", "a"], &["check"], &["check", "--json"]] {
            let ended = run(&mut moskit(&[verb, &asked].concat()), b"");
            let said = ended.stdout + &ended.stderr;
            assert!(ended.code != 0 && said.contains("/mqtt?") && !said.contains(SECRET), "{status} {verb:?}: {said}");
        }
    }
}

//! Logins: hashes that take long hold up nobody, a reload lets go who may no longer be there, and `--login` makes one
//! for a run.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU32;
use std::sync::Arc;

use moskit::broker::access::Rules;
use moskit::broker::server::{self, Bind, Config, Running, start};
use moskit::broker::{Access, Interest, Settings};
use moskit::passwd::{File, Hash, Recipe, SALT_BYTES};

use crate::run::{Ended, moskit, run};

/// Some 0.3 s of work.
const SLOW: NonZeroU32 = NonZeroU32::new(300_000).unwrap();
const QUICK: NonZeroU32 = NonZeroU32::new(1).unwrap();

/// Lets in `ann` by `password`, and everybody without a name.
fn access(password: &[u8], iterations: NonZeroU32) -> Access {
    let hash = Hash::make(Recipe::Pbkdf2 { iterations }, SALT_BYTES, password).unwrap();
    let passwords = File::parse(format!("ann:{hash}\n").as_bytes()).unwrap();
    Access::new(vec![Rules {
        allow_anonymous: true,
        passwords: Some(Arc::new(passwords)),
        scram: None,
        tokens: None,
        acl: None,
    }])
}

fn broker(access: Access) -> (Running, SocketAddr) {
    let config = Config { access, ..Config::open(vec![Bind::Tcp(([127, 0, 0, 1], 0).into())]) };
    let running = start(config).unwrap();
    let Bind::Tcp(address) = running.endpoints[0].bind else { unreachable!("a TCP listener was asked for") };
    (running, address)
}

/// A connection that has sent its CONNECT, and `more` right after it.
fn connecting(address: SocketAddr, id: &str, login: Option<&str>, more: &[u8]) -> TcpStream {
    let mut body = b"\x00\x04MQTT\x04".to_vec();
    body.push(if login.is_some() { 0xc2 } else { 2 });
    body.extend([0, 0]);
    for field in [Some(id), login.map(|_| "ann"), login].into_iter().flatten() {
        body.extend([0, field.len() as u8]);
        body.extend(field.bytes());
    }
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&[&[0x10, body.len() as u8], &body[..], more].concat()).unwrap();
    stream
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn is_silent(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let silent = stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    silent
}

const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];
const REFUSED: [u8; 4] = [0x20, 2, 0, 5];
const PINGREQ: [u8; 2] = [0xc0, 0];
const PINGRESP: [u8; 2] = [0xd0, 0];

#[test]
fn a_hash_that_takes_long_holds_up_nobody_else_and_keeps_the_order_of_its_connection() {
    let (running, address) = broker(access(b"secret", SLOW));
    let mut other = connecting(address, "other", None, &[]);
    assert_eq!(read(&mut other), ACCEPTED);
    // Where a hash held up the others they would always be answered behind it; a busy machine may be so slow once.
    let mut longest = std::time::Duration::ZERO;
    let mut is_other_first = |guess: &str| {
        let begun = std::time::Instant::now();
        let mut wrong = connecting(address, "wrong", Some(guess), &PINGREQ);
        other.write_all(&PINGREQ).unwrap();
        assert_eq!(read(&mut other), PINGRESP);
        let is_first = is_silent(&wrong);
        assert_eq!(read(&mut wrong), REFUSED);
        assert_eq!(wrong.read(&mut [0]).unwrap(), 0);
        longest = longest.max(begun.elapsed());
        is_first
    };
    assert!((0..10).any(|number| is_other_first(&format!("guess{number}"))), "the other is answered first");
    let mut slow = connecting(address, "slow", Some("secret"), &PINGREQ);
    assert_eq!(read(&mut slow), ACCEPTED);
    assert_eq!(read(&mut slow), PINGRESP);

    // Once checked it is known, in whatever connection it comes.
    let is_known = |id: &&str| {
        let before = std::time::Instant::now();
        assert_eq!(read(&mut connecting(address, id, Some("secret"), &[])), ACCEPTED);
        before.elapsed() < longest / 4
    };
    assert!(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].iter().any(is_known), "a hash takes {longest:?}");
    running.stop();
}

#[test]
fn new_rules_are_in_force_at_once_and_who_is_there_is_checked_against_them_beside_the_loop() {
    let (running, address) = broker(access(b"secret", QUICK));
    let mut ann = connecting(address, "ann", Some("secret"), &[]);
    let mut other = connecting(address, "other", None, &[]);
    assert_eq!((read(&mut ann), read(&mut other)), (ACCEPTED, ACCEPTED));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let reload = |access| {
        let (settings, interest) = (Settings::default(), Interest::default());
        let reload = running.control().begin_reload();
        runtime.block_on(reload.finish(server::Rules { settings, access, sys_interval: 10, interest }));
    };
    // The same password behind another, slow hash: nobody has to go, and meanwhile everybody is served.
    reload(access(b"secret", SLOW));
    for stream in [&mut ann, &mut other] {
        stream.write_all(&PINGREQ).unwrap();
        assert_eq!(read(stream), PINGRESP);
    }
    // Another password.
    reload(access(b"changed", SLOW));
    other.write_all(&PINGREQ).unwrap();
    assert_eq!(read(&mut other), PINGRESP);
    assert_eq!(ann.read(&mut [0]).unwrap(), 0, "ann is let go");
    assert_eq!(read(&mut connecting(address, "new", Some("changed"), &[])), ACCEPTED);
    running.stop();
}

#[test]
fn nobody_who_connects_during_a_reload_meets_the_old_rules_and_a_deleted_user_is_out_at_once() {
    let (running, address) = broker(access(b"secret", SLOW));
    let mut ann = connecting(address, "ann", Some("secret"), &[]);
    assert_eq!(read(&mut ann), ACCEPTED);
    let reload = running.control().begin_reload();
    let mut late = connecting(address, "late", Some("secret"), &PINGREQ);
    let mut anonymous = connecting(address, "anonymous", None, &PINGREQ);
    // Who is there goes on, and its answer says that the others' CONNECTs had their time.
    for _ in 0..20 {
        ann.write_all(&PINGREQ).unwrap();
        assert_eq!(read(&mut ann), PINGRESP);
    }
    assert!(is_silent(&late) && is_silent(&anonymous));
    let empty = Access::new(vec![Rules {
        allow_anonymous: false,
        passwords: Some(Arc::default()),
        scram: None,
        tokens: None,
        acl: None,
    }]);
    let (settings, interest) = (Settings::default(), Interest::default());
    let rules = server::Rules { settings, access: empty, sys_interval: 10, interest };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(reload.finish(rules));
    assert_eq!(ann.read(&mut [0]).unwrap(), 0);
    for stream in [&mut late, &mut anonymous] {
        assert_eq!(read(stream), REFUSED);
    }
    // One that is given up leaves the rules, and lets everybody go on.
    drop(running.control().begin_reload());
    assert_eq!(read(&mut connecting(address, "after", None, &[])), REFUSED);
    running.stop();
}

#[test]
fn a_client_beside_the_broker_needs_no_options_for_tls_and_login() {
    let program = moskit(&[]).get_program().to_owned();
    let script = r#""$MOSKIT" sub -t a -C 1 -W 60 -d | while read -r line; do case "$line" in
        Subscribed*) "$MOSKIT" pub -t a -m b;;
        Client*) ;;
        *) echo "$line";;
        esac; done"#;
    for options in [&["--tls", "--login"][..], &["--tls"], &["--login"], &[]] {
        let mut command = moskit(&[&["broker"], options, &["--run", script]].concat());
        // What another broker has left in the environment does no harm.
        let stale = [("MQTT_CAFILE", "/none"), ("MQTT_USERNAME", "nobody"), ("MQTT_PASSWORD", "none")];
        let ended = run(command.env("MOSKIT", &program).envs(stale), b"");
        assert_eq!(ended, Ended { stdout: "b\n".to_owned(), stderr: String::new(), code: 0 }, "{options:?}");
    }
    // Mosquitto's names know nothing of it.
    let script = "exec -a mosquitto_pub \"$MOSKIT\" -h \"$MQTT_HOST\" -p \"$MQTT_PORT\" -t a -n -q 1 --quiet";
    let words = ["broker", "--login", "--", "bash", "-c", script];
    assert_eq!(run(moskit(&words).env("MOSKIT", &program), b"").code, 5);
}

#[test]
fn a_login_can_be_made_for_one_run() {
    let script = r#"
        test "$MOSQUITTO_PASSWORD" = "$MQTT_PASSWORD" || exit 9
        "$MOSKIT" pub -t t -m m -q 1; echo "as it is: $?"
        env -u MQTT_USERNAME "$MOSKIT" pub -t t -m m -q 1; echo "without: $?"
        "$MOSKIT" pub -u "$MQTT_USERNAME" -P wrong -t t -m m -q 1; echo "wrong: $?"
        "$MOSKIT" pub -u "$MQTT_USERNAME" -t t -m m -q 1; echo "right: $?"
        "$MOSKIT" pub -L "$MQTT_URL/t" -m m -q 1; echo "by URL: $?"
    "#;
    let program = moskit(&[]).get_program().to_owned();
    let ended = run(moskit(&["broker", "--login", "--run", script]).env("MOSKIT", program), b"");
    assert_eq!(ended.stdout, "as it is: 0\nwithout: 5\nwrong: 5\nright: 0\nby URL: 0\n", "{ended:?}");
    let conf = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(conf.path(), "listener 1883 127.0.0.1\n").unwrap();
    let ended = run(&mut moskit(&["broker", "--login", "-c", conf.path().to_str().unwrap()]), b"");
    let message = "error: --login is for a broker without configured listeners\n\
                   hint: give the listener files of its own: moskit certgen and moskit passwd make them\n";
    assert_eq!(ended, Ended { stdout: String::new(), stderr: message.to_owned(), code: 3 });
}

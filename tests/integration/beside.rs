//! The same words to Debian's clients and to ours, each against a broker that keeps what it was sent:
//! the same bytes on the wire, the same output, the same exit code.

use std::process::Command;

use crate::mosquitto::installed;
use crate::run::{Ended, called_as, run};
use crate::stub::{CONNECT, PUBLISH, PUBREC, Recorded, SUBSCRIBE, Stub, Turn, last, message, on};

/// The words of a row: parted by blanks, `''` is an empty one, `PORT` the stub's port.
pub fn words_of(row: &str, port: u16) -> Vec<String> {
    let word = |word: &str| if word == "''" { String::new() } else { word.replace("PORT", &port.to_string()) };
    row.split(' ').map(word).collect()
}

/// Runs the first word of `row` as ours, with the rest behind the address of a stub with `turns`.
pub fn ours(row: &str, turns: &[Turn], stdin: &[u8]) -> (Recorded, Ended) {
    against_stub(row, turns, stdin, called_as)
}

fn against_stub(
    row: &str,
    turns: &[Turn],
    stdin: &[u8],
    program: impl Fn(&str, &[&str]) -> Command,
) -> (Recorded, Ended) {
    let stub = Stub::start(turns);
    let port = stub.port.to_string();
    let words = words_of(row, stub.port);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let address = ["-h", "127.0.0.1", "-p", &port];
    let words = [&[words[0]], &address[..], &words[1..]].concat();
    let mut ended = run(&mut program(words[0], &words[1..]), stdin);
    ended.stderr = ended.stderr.replace(&port, "PORT");
    (stub.stop(), ended)
}

fn theirs(name: &str, words: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(words).env_remove("XDG_CONFIG_HOME").env_remove("HOME");
    command
}

/// 2.0.11 ends its lines with a stop where 2.1 does not, and shows an id that is none in another way.
fn in_words_of_2_1(text: &str) -> String {
    text.replace("(null)", "null").replace(".\n", "\n").replace(".)", ")")
}

fn same(rows: &[(&str, &[Turn])]) {
    if installed("mosquitto_pub").is_none() {
        return;
    }
    for (row, turns) in rows {
        let (stdin, row) = row.split_once(" < ").map_or(("", *row), |(row, stdin)| (stdin, row));
        let stdin = stdin.replace(' ', "\n");
        let (our_packets, ours) = ours(row, turns, stdin.as_bytes());
        let (their_packets, theirs) = against_stub(row, turns, stdin.as_bytes(), theirs);
        // A cause and a hint of ours may follow what both print.
        let stderr_is_same = in_words_of_2_1(&ours.stderr).starts_with(&in_words_of_2_1(&theirs.stderr));
        let stdout_is_same = in_words_of_2_1(&ours.stdout) == in_words_of_2_1(&theirs.stdout);
        let is_same = ours.code == theirs.code && stdout_is_same && stderr_is_same;
        assert!(is_same, "{row}\nours: {ours:#?}\ntheirs: {theirs:#?}");
        assert_eq!(our_packets, without_farewell(&our_packets, their_packets), "{row}");
    }
}

/// Mosquitto's clients often close before DISCONNECT is written; ours always write it.
fn without_farewell(ours: &Recorded, mut theirs: Recorded) -> Recorded {
    for (ours, theirs) in ours.iter().zip(&mut theirs) {
        let farewell = ours.last().filter(|packet| packet[0] == 0xe0);
        if theirs.last().is_some_and(|packet| packet[0] != 0xe0) {
            theirs.extend(farewell.cloned());
        }
    }
    theirs
}

#[test]
fn a_publish_is_the_same_on_the_wire() {
    same(&[
        ("mosquitto_pub -t a -m x", &[]),
        ("mosquitto_pub -t a -m x -q 1", &[]),
        ("mosquitto_pub -t a -m x -q 2", &[]),
        ("mosquitto_pub -t a -m '' -r", &[]),
        ("mosquitto_pub -t a -n -r -q 1", &[]),
        ("mosquitto_pub -t a -s < all of it", &[]),
        ("mosquitto_pub -t a -l -q 1 < one two  four", &[]),
        ("mosquitto_pub -t a -m x -q 2 -d -i me", &[]),
        ("mosquitto_pub -t a -m x -q 1 -d -i me -V 5", &[]),
        ("mosquitto_pub -t a -m x -q 2 -d -i me -V 31", &[]),
        ("mosquitto_pub -t a -m x -i me -u user -P pass", &[]),
        ("mosquitto_pub -t a -m x -i me -u user", &[]),
        ("mosquitto_pub -t a -m x -u '' -P ''", &[]),
        ("mosquitto_pub -t a -m x -P pass -V 5", &[]),
        ("mosquitto_pub -t a -m x -i me -k 17 -c", &[]),
        ("mosquitto_pub -t a -m x --repeat 3 --repeat-delay 0.01 -q 1 -d -i me", &[]),
        ("mosquitto_pub -L mqtt://127.0.0.1:PORT/a/b -m x", &[]),
        ("mosquitto_pub -L MQTT://u:p:q@127.0.0.1:PORT/a/b -m x -i me", &[]),
        ("mosquitto_pub -L mqtt://u@127.0.0.1:PORT/a/b -m x -i me", &[]),
        ("mosquitto_pub -A 127.0.0.1 -t a -m x", &[]),
        ("mosquitto_pub -t a -t b -m x --nodelay --quiet", &[]),
    ]);
}

/// CONNACK with a Topic Alias Maximum of 10. Ours sends no alias to who takes none.
const TEN_ALIASES: &[u8] = b"\x20\x06\0\0\x03\x22\0\x0a";

#[test]
fn wills_and_properties_are_the_same_on_the_wire() {
    same(&[
        ("mosquitto_pub -t a -m x -i me --will-topic w --will-payload p --will-qos 2 --will-retain", &[]),
        ("mosquitto_pub -t a -m x -i me --will-topic w", &[]),
        (
            "mosquitto_pub -t a -m x -i me --will-topic w -D will will-delay-interval 5 -D will user-property a b \
             -D will content-type t -D will reason-string r",
            &[],
        ),
        (
            "mosquitto_pub -t a -m x -D connect user-property a b -D connect receive-maximum 3 \
             -D connect topic-alias-maximum 4 -D connect maximum-packet-size 1000 \
             -D connect request-problem-information 1 -D connect request-response-information 1 \
             -D connect authentication-method m -D connect authentication-data d",
            &[],
        ),
        (
            "mosquitto_pub -t a -m x -D connect session-expiry-interval 10 -D disconnect session-expiry-interval 5 \
             -D disconnect user-property a b -D disconnect reason-string r -D disconnect server-reference z",
            &[],
        ),
        (
            "mosquitto_pub -t a -m x -D publish topic-alias 3 -D publish content-type c \
             -D publish correlation-data d -D publish response-topic r -D publish message-expiry-interval 9 \
             -D publish payload-format-indicator 1 -D publish user-property k v",
            &[on(CONNECT, TEN_ALIASES)],
        ),
        ("mosquitto_pub -t a -m x -D publish topic-alias 3 --repeat 3 -q 1 -d", &[on(CONNECT, TEN_ALIASES)]),
        ("mosquitto_pub -t a -l -D publish topic-alias 3 < a b c", &[on(CONNECT, TEN_ALIASES)]),
        ("mosquitto_pub -t a -m x -D PUBLISH Content-Type y", &[]),
        (
            "mosquitto_sub -t a -E -d -i me -V 5 -q 1 -D subscribe subscription-identifier 3 \
             -D subscribe user-property k v",
            &[],
        ),
        ("mosquitto_sub -t a -t b -E -d -i me -U c -U d -V 5 -D unsubscribe user-property k v", &[]),
        ("mosquitto_sub -t a -W 1 -V 5 -d -i me -D disconnect user-property a b --will-topic w", &[]),
        ("mosquitto_rr -t a -e b -m x -D publish correlation-data d -D publish user-property k v -W 1", &[]),
    ]);
}

#[test]
fn a_subscription_is_the_same_on_the_wire() {
    let retained_then_live = [message(0x31, "a", None, b"x"), message(0x30, "a", None, b"y")].concat();
    let two = [message(0x32, "a", Some(7), b"x"), message(0x32, "a", Some(8), b"y")].concat();
    let granted = |messages: &[u8]| [&[0x90, 3, 0, 1, 0], messages].concat();
    let exactly_once = [on(SUBSCRIBE, &granted(&message(0x34, "a", Some(7), b"x"))), on(PUBREC, &[0x62, 2, 0, 7])];
    same(&[
        ("mosquitto_sub -t a -E -V 5 -R", &[]),
        ("mosquitto_sub -t a -E -V 5 --retain-as-published", &[]),
        ("mosquitto_sub -t a -C 3 -E -V 5", &[]),
        ("mosquitto_sub -t a -C 30 -E -V 5", &[]),
        ("mosquitto_sub -t $share/g/a -E -q 2", &[]),
        ("mosquitto_sub -c -i me -t a -E", &[]),
        ("mosquitto_sub -c -i me -t a -E -V 5", &[]),
        ("mosquitto_sub -L mqtt://127.0.0.1:PORT/a/# -t b -E", &[]),
        ("mosquitto_sub -t a -W 1", &[]),
        ("mosquitto_sub -t a -d -i me", &[on(SUBSCRIBE, &[0x90, 3, 0, 1, 0x80])]),
        ("mosquitto_sub -t a -d -i me -V 5", &[on(SUBSCRIBE, &[0x90, 4, 0, 1, 0, 0x87])]),
        ("mosquitto_sub -t a --quiet", &[on(SUBSCRIBE, &[0x90, 3, 0, 1, 0x80])]),
        ("mosquitto_sub -t a -t b -d -i me -W 1", &[on(SUBSCRIBE, &[0x90, 4, 0, 1, 0x80, 1])]),
        ("mosquitto_sub -t a -C 1 -v -N", &[on(SUBSCRIBE, &granted(&retained_then_live))]),
        ("mosquitto_sub -t a -C 2 -v -q 1 -d -i me", &[on(SUBSCRIBE, &granted(&two))]),
        // Without -d: ours shows the message before PUBREC, and the lines between have another order (tests/data/clients).
        ("mosquitto_sub -t a -C 1 -v -q 2 -i me", &exactly_once),
        ("mosquitto_sub -t a -C 1 -R -v", &[on(SUBSCRIBE, &granted(&retained_then_live))]),
        ("mosquitto_sub -t a -C 1 -T b -v", &[on(SUBSCRIBE, &granted(&retained_then_live))]),
        ("mosquitto_sub -t a --retained-only -v", &[on(SUBSCRIBE, &granted(&retained_then_live))]),
        ("mosquitto_rr -t a -e b -m x -v", &[on(PUBLISH, b"\x30\x05\0\x01b\0y")]),
        ("mosquitto_rr -t a -e b -m x -v -q 1", &[on(PUBLISH, b"\x40\x03\0\x02\0\x30\x05\0\x01b\0y")]),
        ("mosquitto_rr -t a -e b -m x -V 311", &[on(PUBLISH, b"\x30\x04\0\x01bz")]),
        ("mosquitto_rr -t a -e b -m x -W 1", &[]),
        ("mosquitto_rr -t a -e b -m x", &[on(SUBSCRIBE, b"\x90\x04\0\x01\0\x87")]),
        ("mosquitto_rr -t a -e b -m x --quiet", &[on(SUBSCRIBE, b"\x90\x04\0\x01\0\x87")]),
    ]);
}

#[test]
fn refusals_and_lost_connections_end_the_same_way() {
    same(&[
        ("mosquitto_pub -t a -m x", &[on(CONNECT, b"\x20\x02\0\x01")]),
        ("mosquitto_pub -t a -m x -d -i me", &[on(CONNECT, b"\x20\x02\0\x05")]),
        ("mosquitto_pub -t a -m x", &[on(CONNECT, b"\x20\x02\0\x09")]),
        ("mosquitto_pub -t a -m x -V 5", &[on(CONNECT, b"\x20\x03\0\x87\0")]),
        ("mosquitto_pub -t a -m x -V 5", &[on(CONNECT, b"\x20\x03\0\x84\0")]),
        ("mosquitto_sub -t a -E", &[on(CONNECT, b"\x20\x02\0\x05")]),
        ("mosquitto_sub -t a -E -V 5", &[on(CONNECT, b"\x20\x03\0\x84\0")]),
        ("mosquitto_sub -t a -E -V 5", &[on(CONNECT, b"\x20\x03\0\x87\0")]),
        ("mosquitto_rr -t a -e b -m x -V 311", &[on(CONNECT, b"\x20\x02\0\x05")]),
        ("mosquitto_pub -t a -m x", &[last(CONNECT, b"")]),
        ("mosquitto_pub -t a -m x -q 1", &[last(PUBLISH, b"")]),
        ("mosquitto_pub -t a -m x -q 1 -V 5", &[on(PUBLISH, b"\xe0\x01\x89")]),
        ("mosquitto_pub -t a -m x -q 1 -V 5 -d -i me", &[last(PUBLISH, b"\xe0\x01\x89")]),
        ("mosquitto_pub -t a -m x -q 1", &[on(PUBLISH, b"\xff\0")]),
        ("mosquitto_rr -t a -e b -m x", &[last(PUBLISH, b"")]),
        ("mosquitto_rr -t a -e b -m x", &[on(PUBLISH, b"\xe0\x01\x89")]),
        ("mosquitto_pub -t a -m x -q 1 -d -i me -V 5", &[on(PUBLISH, b"\x40\x03\0\x01\x10")]),
        ("mosquitto_pub -t a -m x -q 1 -d -i me -V 5", &[on(PUBLISH, b"\x40\x03\0\x01\x87")]),
        ("mosquitto_pub -t a -m x -q 1 -i me -V 5", &[on(PUBLISH, b"\x40\x0a\0\x01\x87\x06\x1f\0\x03abc")]),
        ("mosquitto_pub -t a -m x -q 2 -d -i me -V 5", &[on(PUBLISH, b"\x50\x03\0\x01\x87")]),
        ("mosquitto_pub -t a -m x -r -V 5 -d", &[on(CONNECT, b"\x20\x05\0\0\x02\x25\0")]),
        ("mosquitto_pub -t a -m x -d -V 5", &[on(CONNECT, b"\x20\x0a\0\0\x07\x12\0\x04name")]),
    ]);
}

#[test]
fn what_cannot_be_understood_is_told_the_same_way() {
    let rows: Vec<_> = "\
        mosquitto_pub -t a -m x -D publish content-type \u{1}
        mosquitto_pub -t a -m x -D publish user-property \u{1} v
        mosquitto_pub -t a -m x -D publish correlation-data \u{1}
        mosquitto_pub -t a -m x -D connack reason-string c
        mosquitto_pub -t a -m x -D puback reason-string c
        mosquitto_pub -t a -m x -D auth reason-string c
        mosquitto_pub -t a -m x -D publish content-type
        mosquitto_pub -t a -m x -D publish
        mosquitto_pub -t a -m x -D publish user-property a
        mosquitto_pub -t a -m x -D publish subscription-identifier 1
        mosquitto_pub -t a -m x -D subscribe subscription-identifier 268435456
        mosquitto_pub -t a -m x -D publish topic-alias 65536
        mosquitto_pub -t a -m x -D will payload-format-indicator 256
        mosquitto_pub -t a -m x -D connect receive-maximum 5 -V 311
        mosquitto_pub -t a -m x --will-topic w -D will content-type c -V 311
        mosquitto_pub -t a -m x -i ''
        mosquitto_sub -t a -E -i ''
        mosquitto_pub -t a -m x -i me\u{1}
        mosquitto_pub -t a -m x -u me\u{1}
        mosquitto_pub -t a -m x -P pass
        mosquitto_pub -t a\u{1} -m x
        mosquitto_pub -t a -I pre -i x
        mosquitto_pub -t a -i x -I
        mosquitto_pub -M 0
        mosquitto_pub -k abc
        mosquitto_pub -q 7
        mosquitto_pub -q -1
        mosquitto_pub -V 6
        mosquitto_pub -V MQTTV5
        mosquitto_pub --repeat 0
        mosquitto_pub --repeat-delay -1
        mosquitto_pub --will-qos 3
        mosquitto_pub --will-topic a/#
        mosquitto_pub --proxy foo://a --bogus
        mosquitto_pub -t a -m x --quiet --proxy foo://a
        mosquitto_pub -t a -m x --proxy foo://a --quiet
        mosquitto_pub --proxy socks5h://a:b@d:1:2
        mosquitto_pub --proxy socks5h://
        mosquitto_pub --proxy socks5h://u%zz@h
        mosquitto_pub --proxy socks5h://h:0
        mosquitto_pub -L mqtt://h
        mosquitto_pub -L mqtt://127.0.0.1:PORT/a/# -m x
        mosquitto_pub -A nonexistent.invalid -t a -m x
        mosquitto_pub --psk 00 -t a -m x
        mosquitto_pub --psk 00 --psk-identity x --cafile y -t a -m x
        mosquitto_pub --psk zz --psk-identity x -t a -m x
        mosquitto_pub --psk-identity x -t a -m x
        mosquitto_pub --keyform pem -t a -m x
        mosquitto_pub --tls-engine foo -t a -m x
        mosquitto_pub --tls-engine-kpass-sha1 foo -t a -m x
        mosquitto_pub --tls-version foo -t a -m x
        mosquitto_pub --ciphers foo --cafile /etc/ssl/certs/ca-certificates.crt -t a -m x
        mosquitto_pub -x abc
        mosquitto_pub -x 4294967296
        mosquitto_pub -x -2
        mosquitto_pub -p 70000
        mosquitto_pub -n -s
        mosquitto_pub -t a -m x -l
        mosquitto_pub -t a -m x -C 1
        mosquitto_pub -c -t a -m x
        mosquitto_pub --will-payload x --cert y
        mosquitto_pub --will-retain
        mosquitto_sub -t a -C abc
        mosquitto_sub -t a -W 0
        mosquitto_sub -t a -F %
        mosquitto_sub -t a -F %Q
        mosquitto_sub -t a -F \\
        mosquitto_sub -t a -F \\q
        mosquitto_sub -t a -F @
        mosquitto_sub -t a -T a/#/b
        mosquitto_sub -t a -U a/#/b
        mosquitto_sub -t a/+b
        mosquitto_sub -t $share/g -E
        mosquitto_sub -t $share//a -E
        mosquitto_sub -R --retained-only -t a
        mosquitto_sub -t a -m
        mosquitto_sub -t a -c
        mosquitto_sub -L mqtt://127.0.0.1:PORT/a/#/c -t b -E
        mosquitto_rr -t a -e b
        mosquitto_rr -t a -m x
        mosquitto_rr -t a -e b/# -m x
        mosquitto_rr -t a -e b -m x -D publish response-topic c
        mosquitto_rr -l"
        .lines()
        .map(|row| (row.trim_start(), &[] as &[Turn]))
        .collect();
    same(&rows);
}

/// Each option that takes a value, as the last word.
#[test]
fn a_missing_value_is_told_the_same_way() {
    let of =
        |name: &str, options: &str| options.split(' ').map(|option| format!("{name} {option}")).collect::<Vec<_>>();
    let shared = "-A -D -f -h -i -I -k -L -m -M -p -P -q -t -u -V -x --cafile --capath --cert --ciphers --key --keyform \
                  --proxy --psk --psk-identity --tls-alpn --tls-engine --tls-engine-kpass-sha1 --tls-version --unix \
                  --will-payload --will-qos --will-topic";
    let mut rows = of("mosquitto_pub", shared);
    rows.extend(of("mosquitto_pub", "--repeat --repeat-delay"));
    rows.extend(of("mosquitto_sub", "-C -F -T -U -W --random-filter --host --topic --will-topic"));
    rows.extend(of("mosquitto_rr", "-e -F -W -m --id --property"));
    let rows: Vec<_> = rows.iter().map(|row| (row.as_str(), &[] as &[Turn])).collect();
    same(&rows);
}

//! Password and ACL files: every clause, and who reaches whom by it.

use bytes::Bytes;
use moskit::mqtt::packet::{Connect, Packet};

use super::answers;
use super::packets::{bytes, connect, encode, publish, subscribe};
use super::script::Script;

/// `joe`, whose password is `secret`, as mosquitto_passwd wrote it.
const PASSWORDS: &str = "joe:$7$101$gNemwqKetUcndbM7$5h3PhhEsOVc93BYKFZYkIJJMyaHvqlgUpB53PojtrWaAYFU8aWg7zVxnXpvRt3YKlXGtov9k/plVhGvwuWRX9Q==\n";

/// Name and files of each.
const ACLS: &[(&str, Files)] = &[
    ("topics of anonymous clients", &[("acl", "topic a\ntopic read a/b\ntopic write e\n")]),
    ("topics of a user", &[("acl", "user joe\ntopic readwrite a\ntopic read a/b\ntopic write e\n")]),
    ("deny goes first", &[("acl", "user joe\ntopic readwrite #\ntopic deny a/b\n")]),
    ("patterns", &[("acl", "pattern readwrite u/%u\npattern read c/%c\npattern write c/%c\n")]),
    ("a pattern that denies", &[("acl", "pattern readwrite #\npattern deny u/%u\n")]),
    ("topics, then patterns", &[("acl", "topic read a\npattern write a\nuser joe\ntopic read e\n")]),
    ("topics with a dollar", &[("acl", "topic readwrite $x/#\ntopic #\nuser joe\ntopic readwrite $x/y\n")]),
    ("users in pieces", &[("acl", "user joe\ntopic read a\nuser ann\ntopic read e\nuser joe\ntopic write a\n")]),
    ("nothing allowed", &[("acl", "")]),
];

type Files = &'static [(&'static str, &'static str)];

const TOPICS: [&str; 7] = ["a", "a/b", "u/joe", "c/joes", "$x/y", "d", "e"];

fn login(level: u8, id: &str, user: Option<&str>, password: Option<&'static str>) -> Vec<u8> {
    let password = password.map(|password| Bytes::from_static(password.as_bytes()));
    encode(&Connect { username: user.map(Into::into), password, ..connect(level, id) })
}

fn scripts() -> Vec<Script> {
    let mut scripts = Vec::new();
    for &(name, files) in ACLS {
        for (who, id, user) in [("nobody", "any", None), ("joe", "joes", Some("joe"))] {
            let listens = Script { files, ..Script::with(&format!("{name}, {who}"), "acl_file FOLDER/acl\n", "") }
                .open(0, login(5, id, user, None))
                .send(0, subscribe(5, 1, &[("#", 1), ("$x/#", 1)], 0));
            scripts.push((1..).zip(TOPICS).fold(listens, |script, (packet_id, topic)| {
                script
                    .send(0, bytes(5, &Packet::Publish(publish(topic, 1, packet_id))))
                    .send(0, bytes(5, &Packet::Publish(publish(topic, 0, 0))))
            }));
        }
    }
    for anonymous in ["true", "false"] {
        for level in [4, 5] {
            let global: &'static str = if anonymous == "true" {
                "password_file FOLDER/passwords\n"
            } else {
                "allow_anonymous false\npassword_file FOLDER/passwords\n"
            };
            let name = format!("{level}: logins, anonymous {anonymous}");
            let script = Script { files: &[("passwords", PASSWORDS)], ..Script::with(&name, global, "") };
            let logins = [
                (Some("joe"), Some("secret")),
                (Some("joe"), Some("wrong")),
                (Some("joe"), None),
                (Some("ann"), Some("secret")),
                (None, None),
            ];
            scripts.push(
                logins
                    .into_iter()
                    .fold(script, |script, (user, password)| script.open(0, login(level, "@@@@a", user, password))),
            );
        }
    }
    scripts
}

#[test]
fn files_guard_access_as_with_mosquitto_2_1() {
    answers::check("access.tsv", &scripts());
}

#[test]
#[ignore = "needs a Mosquitto 2.1, named by MOSKIT_MOSQUITTO"]
fn the_answers_about_access_are_those_of_mosquitto_2_1() {
    answers::verify("access.tsv", &scripts());
}

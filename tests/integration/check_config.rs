//! `moskit check --config`: what keeps a broker from starting is found, and nothing else is called that. What Mosquitto
//! does with each row was measured with 2.1.2; `MOSKIT_MOSQUITTO=PROGRAM` runs the rows beside it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::check_files::{findings, report, write_kind};
use crate::run::{moskit, program_in, run};

/// A folder with good files, and a configuration that is checked for root.
struct House {
    folder: tempfile::TempDir,
}

const LISTENER: &str = "listener 18847 127.0.0.1\nallow_anonymous true\n";

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_kind("none", folder.path());
        let house = Self { folder };
        house.write("empty", "");
        fs::create_dir(house.path().join("folder")).unwrap();
        house.write("folder/file", "");
        let made = run(moskit(&["passwd", "-c", "--stdin", "passwords", "ann"]).current_dir(house.path()), b"secret\n");
        assert_eq!(made.code, 0, "{made:?}");
        house
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn good(&self) -> String {
        fs::read_to_string(self.path().join("passwords")).unwrap()
    }

    fn check(&self, text: impl AsRef<[u8]>, words: &[&str]) -> (Value, i32) {
        self.write("m.conf", text);
        report(&[&["check", "--config", "m.conf"], words].concat(), self.path())
    }

    fn as_root(&self, text: impl AsRef<[u8]>) -> (Value, i32) {
        self.check(text, &["--user", "root"])
    }
}

fn found(report: &Value) -> Vec<Value> {
    let stages = report["stages"].as_array().unwrap();
    stages.iter().flat_map(|stage| stage["findings"].as_array().unwrap()).cloned().collect()
}

/// The text of every finding of that id: what, evidence, fix.
fn told(report: &Value, id: &str) -> String {
    let of = |finding: &Value| format!("{}\n{}\n{}", finding["what"], finding["evidence"], finding["fix"]);
    found(report).iter().filter(|finding| finding["id"] == id).map(of).collect::<Vec<_>>().join("\n")
}

/// Lines below a good listener with which Mosquitto 2.1.2 does not start (or, where it says so, runs and fails at what
/// was asked for), the finding, and words that it must hold.
const WRONG: &[(&str, &str, &[&str])] = &[
    ("pid_file nowhere/x.pid", "conf.pid-file error", &["`nowhere`", "mkdir -p nowhere"]),
    ("pid_file folder", "conf.pid-file error", &["is a folder"]),
    ("persistence true\npersistence_file nonsense", "state.unusable error", &["not a mosquitto.db", "mv "]),
    ("persistence true\npersistence_file cut.db", "state.unusable error", &["damaged"]),
    ("listener 0 nowhere/x.sock", "conf.socket error", &["mkdir -p nowhere"]),
    ("listener 0 folder", "conf.socket error", &["is a folder"]),
    ("listener 18847", "conf.listener-twice error", &["127.0.0.1:18847 and *:18847 overlap"]),
    ("listener 18847 0.0.0.0", "conf.listener-twice error", &["overlap"]),
    ("listener 18847 localhost", "conf.listener-twice error", &["overlap"]),
    ("listener 18848 192.0.2.7", "conf.bind-address error", &["192.0.2.7"]),
    ("listener 18848 no.host.invalid", "conf.bind-address error", &["no.host.invalid"]),
    ("socket_domain ipv6", "conf.bind-address error", &["socket_domain"]),
    ("http_dir nowhere", "conf.http-dir error", &["nowhere"]),
    ("psk_file nowhere", "file.missing error", &["psk_file `nowhere`", "m.conf line 3"]),
    ("plugin ./nowhere.so", "conf.plugin error", &["./nowhere.so", "m.conf line 3"]),
    ("certfile server.crt\nkeyfile server.key\nciphers NOPE", "tls.ciphers error", &["`NOPE`", "does not start"]),
    ("certfile server.crt\nkeyfile server.key\nciphers_tls1.3 HIGH", "tls.ciphers error", &["`HIGH`"]),
    (
        "certfile server.crt\nkeyfile server.key\nciphers ECDHE-RSA-AES128-GCM-SHA256",
        "tls.ciphers error",
        &["P-256", "TLS 1.3"],
    ),
    ("certfile server.crt\nkeyfile nowhere", "file.missing error", &["key `nowhere`"]),
    ("certfile server.crt\nkeyfile server.crt", "file.kind error", &[]),
    ("certfile server.crt\nkeyfile server.key\ntls_version tlsv1.2 # x", "conf.refused error", &["line of their own"]),
    ("password_file marked", "file.byte-order-mark error", &["can never log in", "sed -i"]),
    ("acl_file marked-acl", "file.byte-order-mark error", &["does not start"]),
    ("password_file \"passwords\"", "auth.password-file error", &["remove the quotes"]),
    ("password_file passwords # users", "conf.comment error", &["`# users`", "a line of their own"]),
    ("user root # me", "conf.comment error", &["`# me`"]),
    ("password_file bcrypt", "auth.password-file error", &["bcrypt", "line 2", "moskit passwd bcrypt USER"]),
    ("password_file go-auth", "auth.password-file error", &["mosquitto-go-auth"]),
    ("password_file argon2i", "auth.password-file error", &["argon2i"]),
    ("password_file commented", "auth.password-file error", &["a line of their own"]),
    ("password_file plain", "auth.password-file error", &["moskit passwd -U plain"]),
    ("acl_file rw", "acl.file error", &["line 2", "`readwrite`"]),
    ("acl_file tab", "acl.file error", &["line 2", "tab"]),
    ("acl_file capital", "acl.file error", &["did you mean `user`?"]),
    ("acl_file acl-comment", "acl.file error", &["line 1", "a line of their own"]),
    ("connection a\ntopic #", "conf.refused error", &["`a` has no `address`"]),
    ("connection a\naddress h\ntopic # both 3", "conf.refused error", &["`3`", "m.conf line 5"]),
    ("connection a\naddress h:99999\ntopic #", "conf.refused error", &["`99999`", "m.conf line 4"]),
    ("connection a\naddress h\ntopic #\nconnection a\naddress h\ntopic #", "conf.refused error", &["two bridges"]),
    ("listner 1884", "conf.refused error", &["did you mean `listener`?", "m.conf line 3"]),
    ("allow_anonymus true", "conf.refused error", &["did you mean `allow_anonymous`?"]),
    ("listener: 1884", "conf.refused error", &["write `listener VALUE`"]),
    ("allow_anonymous=true", "conf.refused error", &["write `allow_anonymous VALUE`"]),
    ("allow_anonymous = true", "conf.refused error", &["without `=`"]),
    ("Listener 1884", "conf.refused error", &["did you mean `listener`?"]),
    ("allow_anonymous yes", "conf.refused error", &["write `allow_anonymous true`"]),
    ("trace_level 1", "conf.refused error", &["delete the line"]),
    (" # indented", "conf.refused error", &["first column"]),
    ("password_file {{ file }}", "conf.template error", &["`{{ file }}`", "m.conf line 3"]),
    ("listener ${PORT}", "conf.template error", &["`${PORT}`"]),
];

/// Lines with which it starts, and what is said of them: a finding that is no error, or nothing.
const RIGHT: &[(&str, Option<&str>)] = &[
    ("listener 0 x.sock # local", None),
    ("listener 18848 127.0.0.1 # local", None),
    ("accept_protocol_versions 4, 5 # x", None),
    ("persistent_client_expiration 2d # x", None),
    ("listener 18847 ::1", None),
    ("listener 18847 127.0.0.2", None),
    ("pid_file x.pid", None),
    ("log_dest file x.log", None),
    ("log_dest file nowhere/x.log", Some("conf.log-file warning")),
    ("persistence true\npersistence_location .", None),
    ("persistence true\npersistence_file empty", Some("state.unusable warning")),
    ("certfile server.crt\nkeyfile server.key\nciphers ECDHE-ECDSA-AES128-GCM-SHA256", None),
    ("certfile server.crt\nkeyfile server.key\nciphers NOPE:HIGH", Some("tls.ciphers warning")),
    ("certfile server.crt\nkeyfile server.key\nciphers_tls1.3 TLS_AES_128_GCM_SHA256", None),
    ("password_file passwords", None),
    ("password_file marked-comment", Some("file.byte-order-mark warning")),
    ("password_file empty", Some("auth.no-users warning")),
    ("bind_interface lo", Some("conf.not-judged note")),
    ("enable_proxy_protocol 2", Some("conf.not-judged note")),
    ("psk_hint x\npsk_file psk", Some("conf.not-judged note")),
    ("connection a\naddress h\ntopic # both 1", Some("conf.not-judged note")),
    ("password_file passwords\nacl_file strangers", Some("acl.unknown-user warning")),
    ("acl_file star", Some("acl.star warning")),
    ("acl_file percent", Some("acl.pattern-needed warning")),
    ("acl_file boss", Some("acl.comment warning")),
    ("websockets_origin a # x", Some("conf.comment warning")),
];

fn furnished() -> House {
    let house = House::new();
    let good = house.good();
    let files: &[(&str, String)] = &[
        ("nonsense", "this is no database at all, and long enough".to_owned()),
        ("marked", format!("\u{feff}{good}")),
        ("marked-comment", format!("\u{feff}# users\n{good}")),
        ("marked-acl", "\u{feff}# rules\ntopic a\n".to_owned()),
        ("bcrypt", format!("{good}bob:$2y$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghijklmno\n")),
        ("go-auth", "ann:PBKDF2$sha512$100000$abc$def\n".to_owned()),
        ("argon2i", "ann:$argon2i$v=19$m=1,t=1,p=1$abc$def\n".to_owned()),
        ("commented", format!("{} # boss\n", good.trim_end())),
        ("plain", "ann:secret\n".to_owned()),
        ("psk", "ann:0102\n".to_owned()),
        ("rw", "user ann\ntopic rw a\n".to_owned()),
        ("tab", "user ann\n\ttopic a\n".to_owned()),
        ("capital", "User ann\n".to_owned()),
        ("acl-comment", "topic read a # x\n".to_owned()),
        ("strangers", "user ann\ntopic a\nuser bob\ntopic b\n".to_owned()),
        ("star", "user ann\ntopic readwrite home/*\n".to_owned()),
        ("percent", "user ann\ntopic read home/%u/x\n".to_owned()),
        ("boss", "user bob # boss\ntopic a\n".to_owned()),
    ];
    for (name, text) in files {
        house.write(name, text);
    }
    let cut = [&b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06"[..], &[0, 0, 0, 1, 0, 0, 0, 16, 0, 0]].concat();
    house.write("cut.db", cut);
    house
}

#[test]
fn what_keeps_a_broker_from_starting_is_found_and_told_with_what_helps() {
    let house = furnished();
    for (line, expected, words) in WRONG {
        let (report, code) = house.as_root(format!("{LISTENER}{line}\n"));
        let all = findings(&report);
        assert!(all.iter().any(|found| found == expected), "{line:?}: {report:#}");
        assert_eq!(code, 1, "{line:?}");
        let (id, _) = expected.split_once(' ').unwrap();
        let text = told(&report, id).replace("\\\"", "\"");
        for word in *words {
            assert!(text.contains(word), "{line:?}: no {word:?} in {text}");
        }
    }
}

#[test]
fn what_a_broker_starts_with_is_no_error() {
    let house = furnished();
    for (line, expected) in RIGHT {
        let (report, code) = house.as_root(format!("{LISTENER}{line}\n"));
        let all = findings(&report);
        assert_eq!(code, 0, "{line:?}: {report:#}");
        match expected {
            Some(expected) => assert!(all.iter().any(|found| found == expected), "{line:?}: {all:?}"),
            None => assert!(all.iter().all(|found| found.ends_with(" note")), "{line:?}: {all:?}"),
        }
    }
}

/// Rows of [`WRONG`] with which Mosquitto starts all the same: clients without TLS 1.3, or the first user, stay out.
const STARTS_ALL_THE_SAME: &[&str] = &["ciphers ECDHE-RSA-AES128-GCM-SHA256", "password_file marked"];

/// Whether the Mosquitto at `program` starts with the configuration.
fn starts(program: &str, folder: &Path) -> bool {
    let mut broker = Command::new(program)
        .args(["-c", "m.conf"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(broker.stderr.take().unwrap()).lines();
    // Without its log file it runs, and writes errors alone.
    let is_running = |line: &String| line.ends_with(" running") || line.contains("Unable to open log file");
    let runs = lines.map_while(Result::ok).any(|line| is_running(&line));
    let _ = broker.kill();
    broker.wait().unwrap();
    runs
}

#[test]
#[ignore = "needs root, and the program of Mosquitto 2.1 in MOSKIT_MOSQUITTO"]
fn mosquitto_starts_or_not_as_the_rows_say() {
    let program = std::env::var("MOSKIT_MOSQUITTO").expect("it names a program");
    let house = furnished();
    let starts = |line: &str| {
        let user = if line.starts_with("user ") { "" } else { "user root\n" };
        // Where the line that it runs is waited for.
        house.write("m.conf", format!("{user}{LISTENER}{line}\nlog_dest stderr\n"));
        starts(&program, house.path())
    };
    for (line, ..) in WRONG {
        assert_eq!(starts(line), STARTS_ALL_THE_SAME.iter().any(|row| line.ends_with(row)), "{line:?}");
    }
    for (line, _) in RIGHT {
        assert!(starts(line), "{line:?}");
    }
}

#[test]
fn what_only_our_broker_lacks_is_not_judged_and_the_rest_is() {
    let house = House::new();
    let lines = "plugin mosquitto_go_auth.so\nplugin_opt_backends files\nlistener 18848 127.0.0.1\npsk_hint x\nbogus 1\n\
                 listener 18849\nbind_interface eth0\npid_file nowhere/x\n";
    let (report, code) = house.as_root(format!("listener 18847\n{lines}"));
    let all = findings(&report);
    let not_judged = all.iter().filter(|found| *found == "conf.not-judged note").count();
    assert_eq!((code, not_judged), (1, 3), "{report:#}");
    for expected in ["conf.refused error", "conf.pid-file error"] {
        assert!(all.iter().any(|found| found == expected), "{all:?}");
    }
    // Who comes in is the plugin's matter, and of the keys.
    assert!(!all.iter().any(|found| found.starts_with("conf.nobody-can-connect")), "{all:?}");
    let text = told(&report, "conf.not-judged");
    assert!(
        text.contains("Mosquitto has it; moskit's broker does not start with it") && !text.contains("correct line"),
        "{text}"
    );
    let ended = run(moskit(&["check", "--config", "m.conf", "--user", "root"]).current_dir(house.path()), b"");
    assert!(!ended.stdout.contains("all is well"), "{ended:?}");
    house.write("m.conf", format!("{LISTENER}psk_hint x\n"));
    let ended = run(moskit(&["check", "--config", "m.conf", "--user", "root"]).current_dir(house.path()), b"");
    assert_eq!(ended.stdout.lines().last(), Some("nothing wrong was found; 1 thing was not judged"), "{ended:?}");
}

#[test]
fn all_lines_that_are_wrong_are_told_at_once() {
    let house = House::new();
    let (report, _) = house.as_root("listener 18847 127.0.0.1\nfoo 1\nallow_anonymous true\nmax_qos 7\nbar 2\n");
    assert_eq!(findings(&report).iter().filter(|found| *found == "conf.refused error").count(), 3, "{report:#}");
    assert_eq!(report["cause"], "conf.refused");
}

#[test]
fn paths_of_a_container_are_not_looked_for_here_unless_it_is_said_where() {
    let house = House::new();
    let lines = "listener 1883\npassword_file /mosquitto/config/passwords\npersistence true\npersistence_location /mosquitto/data/\n\
                 log_dest file /mosquitto/log/m.log\npid_file /var/run/mosquitto.pid\n";
    let (report, code) = house.check(lines, &[]);
    let all = findings(&report);
    assert_eq!(code, 0, "{report:#}");
    assert!(all.contains(&"conf.container warning".to_owned()), "{all:?}");
    let text = told(&report, "conf.container");
    for word in ["these look like paths inside a container", "/mosquitto/data/", "--map /mosquitto/config=."] {
        assert!(text.contains(word), "{word:?} in {text}");
    }
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("mkdir") && !text.contains("moskit passwd"), "{text}");
    for stage in ["access", "process", "state"] {
        let stages = report["stages"].as_array().unwrap();
        assert!(stages.iter().any(|one| one["name"] == stage && one["status"] == "skipped"), "{stage}: {report:#}");
    }

    fs::create_dir_all(house.path().join("root/mosquitto/data")).unwrap();
    fs::create_dir_all(house.path().join("root/mosquitto/log")).unwrap();
    fs::create_dir_all(house.path().join("root/run")).unwrap();
    fs::create_dir_all(house.path().join("root/var")).unwrap();
    symlink("/run", house.path().join("root/var/run")).unwrap();
    let maps = ["--map", "/mosquitto/config=.", "--map", "/mosquitto=root/mosquitto", "--map", "/var/run=root/run"];
    let ours = format!("{}:{}", rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    for words in [&maps[..], &["--root", "root", "--map", "/mosquitto/config=."]] {
        let (report, code) = house.check(lines, &[words, &["--user", &ours]].concat());
        let all = findings(&report);
        assert!(code == 0 && all.iter().all(|found| found.ends_with(" note")), "{words:?}: {report:#}");
        fs::remove_dir(house.path().join("root/mosquitto/data")).unwrap();
        let (report, code) = house.check(lines, &[words, &["--user", &ours]].concat());
        assert_eq!((code, report["cause"].as_str()), (1, Some("conf.persistence-location")), "{report:#}");
        assert!(report["next"].as_str().unwrap().contains("root/mosquitto/data"), "{report:#}");
        fs::create_dir(house.path().join("root/mosquitto/data")).unwrap();
    }
}

#[test]
fn a_misspelt_folder_of_this_machine_is_no_container() {
    let (report, code) = House::new().as_root(format!("{LISTENER}password_file /ect/mosquitto/passwd\n"));
    assert_eq!((code, report["cause"].as_str()), (1, Some("auth.password-file")), "{report:#}");
}

#[test]
fn options_of_a_configuration_belong_to_one() {
    let house = House::new();
    house.write("m.conf", LISTENER);
    let rows: &[(&[&str], &str)] = &[
        (&["--config", "m.conf", "localhost"], "cannot be used with"),
        (&["--config", "m.conf", "-h", "localhost"], "cannot be used with"),
        (&["--config", "m.conf", "--map", "data=x"], "FROM is not an absolute path"),
        (&["--root", ".", "localhost"], "--root belongs to --config FILE"),
        (&["--map", "/a=b", "localhost"], "--map belongs to --config FILE"),
        (&["--user", "root", "localhost"], "--user belongs to --config FILE"),
    ];
    for (words, expected) in rows {
        let ended = run(moskit(&[&["check"], *words].concat()).current_dir(house.path()), b"");
        assert!(ended.code == 3 && ended.stdout.is_empty() && ended.stderr.contains(expected), "{words:?}: {ended:?}");
    }
}

#[test]
fn a_link_that_is_refused_is_named_with_where_it_leads_and_what_allows_it() {
    let house = House::new();
    symlink("passwords", house.path().join("link")).unwrap();
    let (report, _) = house.as_root(format!("{LISTENER}password_file link\n"));
    assert_eq!(report["cause"], "file.symlink");
    let text = told(&report, "file.symlink");
    let target = house.path().join("passwords");
    for word in ["`link`", target.to_str().unwrap(), "MOSQUITTO_UNSAFE_ALLOW_SYMLINKS"] {
        assert!(text.contains(word), "{word:?} in {text}");
    }
    let ended = run(moskit(&["broker", "-c", "m.conf", "--test-config"]).current_dir(house.path()), b"");
    let hint = "hint: `link` is a symbolic link to `passwords`, and links are refused: name the file itself, or set MOSQUITTO_UNSAFE_ALLOW_SYMLINKS\n";
    assert!(ended.code == 13 && ended.stderr.contains(hint), "{ended:?}");
}

/// Whether we may give files to others, and be them.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// As Mosquitto 2.1.2 refuses or warns of them: owner, group, mode, finding.
#[test]
fn whose_a_file_is_and_who_may_read_it_is_what_mosquitto_says() {
    if !is_root() {
        return;
    }
    let house = House::new();
    fs::set_permissions(house.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = 65534;
    let rows = [
        (0, 0, 0o640, Some(("key.permission error", "chown nobody:"))),
        (0, nobody, 0o640, Some(("auth.owner warning", "chown nobody:"))),
        (nobody, 0, 0o600, Some(("auth.owner warning", "chown nobody:"))),
        (nobody, nobody, 0o644, Some(("auth.world-readable warning", "chmod 600 passwords"))),
        (nobody, nobody, 0o602, Some(("auth.world-readable warning", "chmod 600 passwords"))),
        (nobody, nobody, 0o640, None),
    ];
    let group = Command::new("id").args(["-g", "nobody"]).output().unwrap();
    let group: u32 = String::from_utf8(group.stdout).unwrap().trim().parse().unwrap();
    for (user, owner_group, mode, expected) in rows {
        let file = house.path().join("passwords");
        let own_group = if owner_group == nobody { group } else { owner_group };
        std::os::unix::fs::chown(&file, Some(user), Some(own_group)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let (report, code) = house.check(format!("{LISTENER}password_file passwords\n"), &["--user", "nobody"]);
        let all = findings(&report);
        match expected {
            None => assert!(all.iter().all(|found| found.ends_with(" note")), "{user}:{owner_group} {mode:o}: {all:?}"),
            Some((expected, fix)) => {
                assert!(all.iter().any(|found| found == expected), "{user}:{owner_group} {mode:o}: {all:?}");
                assert_eq!(code, i32::from(expected.ends_with("error")));
                assert!(told(&report, expected.split(' ').next().unwrap()).contains(fix), "{report:#}");
            }
        }
    }
}

#[test]
fn what_we_may_not_see_is_not_known_and_not_missing() {
    if !is_root() {
        return;
    }
    let house = House::new();
    let secret = house.path().join("secret");
    fs::create_dir(&secret).unwrap();
    for name in ["passwords", "server.crt", "server.key"] {
        fs::copy(house.path().join(name), secret.join(name)).unwrap();
    }
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(house.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = program_in(house.path());
    let text = "user root\nlistener 18847\npassword_file secret/passwords\ncertfile secret/server.crt\nkeyfile secret/server.key\n\
                persistence true\npersistence_location secret/data/\npid_file secret/x.pid\n";
    house.write("m.conf", text);
    fs::set_permissions(house.path().join("m.conf"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = Command::new(&program);
    command.args(["check", "--config", "m.conf", "--json"]).current_dir(house.path()).uid(65534).gid(65534);
    let ended = run(&mut command, b"");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let all = findings(&report);
    assert_eq!(ended.code, 0, "{report:#}");
    assert!(all.iter().filter(|found| *found == "file.not-seen warning").count() >= 5, "{all:?}");
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("mkdir") && !text.contains("passwd -c"), "{text}");
}

#[test]
fn the_configuration_of_debian_has_nothing_above_a_note() {
    let path = "/etc/mosquitto/mosquitto.conf";
    if !Path::new(path).exists() {
        return;
    }
    let (report, code) = report(&["check", "--config", path], Path::new("/"));
    let all = findings(&report);
    assert!(code == 0 && all.iter().all(|found| found.ends_with(" note")), "{report:#}");
}

#[test]
fn entries_for_clients_without_a_name_are_named_where_none_come_in() {
    let house = House::new();
    house.write("acl", "topic read news/#\nuser ann\ntopic a\n");
    let closed = "listener 18847 127.0.0.1\npassword_file passwords\nacl_file acl\n";
    for (text, expected) in [(closed.to_owned(), true), (format!("{closed}allow_anonymous true\n"), false)] {
        let (report, _) = house.as_root(&text);
        let is_named = findings(&report).iter().any(|found| found == "acl.anonymous-only warning");
        assert_eq!(is_named, expected, "{text}: {report:#}");
    }
}

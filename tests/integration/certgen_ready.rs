//! `moskit certgen init --broker`: real brokers start on the folder, and let in whom it names, to the topics that are theirs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::broker_verb::Broker;
use crate::certgen::{certgen, made};
use crate::mosquitto::{Mosquitto, free_port};
use crate::run::{moskit, run};

/// The first of three ports that nobody listens on.
fn three_ports() -> u16 {
    loop {
        let first = free_port();
        if free_port() == first + 1 && free_port() == first + 2 {
            return first;
        }
    }
}

fn password(folder: &Path, user: &str) -> String {
    let told = fs::read_to_string(folder.join("site/logins.txt")).unwrap();
    told.lines().find_map(|line| line.strip_prefix(&format!("{user}:"))).unwrap().to_owned()
}

/// How a publish at QoS 1 ends, and whether the broker refused the topic.
fn publish(folder: &Path, port: u16, login: &[&str], topic: &str) -> (i32, bool) {
    let port = port.to_string();
    let words = ["pub", "-h", "localhost", "-p", &port, "--cafile", "site/ca.crt", "-V", "5", "-q", "1", "-m", "x"];
    let ended = run(moskit(&[&words, login, &["-t", topic]].concat()).current_dir(folder), b"");
    (ended.code, ended.stderr.contains("Not authorized"))
}

const DEV1: [&str; 4] = ["--cert", "site/dev1.crt", "--key", "site/dev1.key"];

/// What both brokers must do on the folder.
fn serves(folder: &Path, first: u16) {
    fs::write(folder.join("ann"), password(folder, "ann")).unwrap();
    let ann = ["-u", "ann", "--pw-file", "ann"];
    assert_eq!(publish(folder, first, &DEV1, "dev1/a"), (0, false));
    assert_eq!(publish(folder, first, &DEV1, "dev2/a"), (0, true), "the topics of another");
    assert_eq!(publish(folder, first + 1, &ann, "ann/a"), (0, false));
    assert_eq!(publish(folder, first + 1, &ann, "dev1/a"), (0, true), "the topics of another");
    assert_ne!(publish(folder, first, &ann, "ann/a").0, 0, "a password where certificates are asked for");
    assert_eq!(publish(folder, first + 1, &[], "ann/a"), (135, true), "nobody");
    fs::write(folder.join("ann"), "wrong").unwrap();
    assert_eq!(publish(folder, first + 1, &ann, "ann/a"), (135, true), "a wrong password");
}

#[test]
fn brokers_start_on_the_folder_and_each_user_has_its_own_topics() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = three_ports();
    let words = format!(
        "init site --broker --hosts localhost --clients dev1,dev2 --login ann,bob --persistence --websockets --port {first}"
    );
    let out = made(folder, &words);
    let site = folder.join("site");
    let mode = |name: &str| fs::metadata(site.join(name)).unwrap().permissions().mode() & 0o777;
    for (name, wanted) in [("passwords", 0o600), ("logins.txt", 0o600), ("acl", 0o600), ("data", 0o700)] {
        assert_eq!(mode(name), wanted, "{name}");
    }
    let (ann, bob) = (password(folder, "ann"), password(folder, "bob"));
    assert!(ann.len() == 24 && ann != bob && !out.contains(&ann) && !out.contains(&bob), "{out}");
    let checked = ["check", "--config", "site/mosquitto.conf", "--user", "root", "--json"];
    let checked = run(moskit(&checked).current_dir(folder), b"");
    assert!(checked.code == 0 && !checked.stdout.contains("\"id\""), "{checked:?}");
    let configuration = fs::read_to_string(site.join("mosquitto.conf")).unwrap();
    let broker = Broker::start_with(moskit(&["broker", "-c", "site/mosquitto.conf"]).current_dir(folder));
    serves(folder, first);
    fs::write(folder.join("ann"), &ann).unwrap();
    assert_eq!(publish(folder, first + 2, &["--ws", "-u", "ann", "--pw-file", "ann"], "ann/a"), (0, false));
    let ended = broker.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    if let Some(broker) = Mosquitto::start(folder, &configuration) {
        serves(folder, first);
        broker.end();
        assert!(site.join("data/mosquitto.db").exists());
    }
}

#[test]
fn the_listeners_are_those_that_somebody_can_use() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listeners = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(folder.join(name).join("mosquitto.conf")).unwrap();
        text.lines()
            .filter(|line| line.starts_with("listener") || line.starts_with("require"))
            .map(str::to_owned)
            .collect()
    };
    let out = made(folder, "init alone --broker --passwords show");
    assert_eq!(listeners("alone"), ["listener 8883"]);
    let shown = out.split("Passwords, shown this once:\n\n  mqtt  ").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(shown.len(), 24);
    assert!(!folder.join("alone/logins.txt").exists());
    let checked = ["passwd", "--stdin", "--verify", "mqtt", "alone/passwords"];
    let checked = run(moskit(&checked).current_dir(folder), shown.as_bytes());
    assert_eq!(checked.code, 0, "{checked:?}");
    made(folder, "init devices --broker --clients dev1 --acl none");
    assert_eq!(listeners("devices"), ["listener 8883", "require_certificate true"]);
    for name in ["passwords", "logins.txt", "acl", "data"] {
        assert!(!folder.join("devices").join(name).exists(), "{name}");
    }
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (words, code, why) in [
        ("init new --login ann", 3, "--broker"),
        ("init new --broker --login a/b", 3, "it has `/`"),
        ("init new --broker --login #", 3, "it has `#`"),
        ("init new --broker --clients $SYS", 3, "it begins with `$`"),
        ("init new --broker --login ann,ann", 3, "given twice"),
        ("init new --broker --clients dev1 --websockets", 3, "--login USER makes one"),
        ("init new --broker --clients dev1 --login ann --port 65535", 3, "not enough for all listeners"),
    ] {
        let ended = certgen(folder, words);
        assert!(ended.code == code && ended.stderr.contains(why), "{words}: {ended:?}");
        assert!(!folder.join("new").exists(), "{words}");
    }
    // A line of mosquitto.conf ends where the path does: what stands behind would be an option.
    let ended =
        run(moskit(&["certgen", "init", "a\nallow_anonymous true\n#", "--ca-name", "x"]).current_dir(folder), b"");
    assert!(ended.code == 1 && ended.stderr.contains("paths of UTF-8 on one line"), "{ended:?}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_in_use_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init site --broker --login ann --persistence");
    fs::write(folder.join("site/data/mosquitto.db"), "kept").unwrap();
    let before = fs::read(folder.join("site/passwords")).unwrap();
    let ended = certgen(folder, "init site --broker --login ann");
    assert!(ended.code == 1 && ended.stderr.contains("--force"), "{ended:?}");
    assert_eq!(fs::read(folder.join("site/passwords")).unwrap(), before);
    made(folder, "init site --broker --login ann --persistence --force");
    assert_ne!(fs::read(folder.join("site/passwords")).unwrap(), before);
    assert_eq!(fs::read(folder.join("site/data/mosquitto.db")).unwrap(), b"kept");
}

#[test]
fn passwords_that_nobody_saw_or_that_are_over_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    made(folder, "init site --broker --login ann --passwords file");
    assert!(folder.join("site/logins.txt").exists());
    let words = ["certgen", "init", "site", "--broker", "--login", "ann", "--passwords", "show", "--force"];
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = moskit(&words).current_dir(folder).stdout(full).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("moskit passwd --generate site/passwords ann makes a new one"), "{told}");
    assert!(told.contains("the old logins.txt is deleted") && !folder.join("site/logins.txt").exists(), "{told}");
}

#[test]
fn the_commands_for_a_broker_of_root_let_it_read_and_never_replace_the_ca() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let ended = certgen(folder.path(), "init site --broker --login ann --persistence --hosts localhost");
    let shell = |script: &str| run(Command::new("sh").args(["-c", script]).current_dir(folder.path()), b"");
    // Root alone is told the commands, and not every machine has Mosquitto's user.
    let Some((_, commands)) = ended.stderr.split_once("own: ") else { return };
    if shell("id mosquitto && command -v setpriv").code != 0 {
        return;
    }
    assert_eq!(shell(commands.trim()).code, 0, "{ended:?}");
    let ended = shell(
        "setpriv --reuid mosquitto --regid mosquitto --clear-groups sh -c 'cd site && cat server.key passwords acl ca.crt \
         mosquitto.conf > data/copy && ! cat ca.key && ! mv ca.crt ca.old && ! touch new'",
    );
    assert_eq!(ended.code, 0, "{ended:?}");
}

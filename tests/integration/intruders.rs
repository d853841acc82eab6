//! Attempts to get in where one should not, or to take what is another's, against the broker as users start it.

use std::path::Path;

use crate::broker_verb::{Broker, text};
use crate::mosquitto::free_port;
use crate::run::{Ended, called_as, moskit, run};

/// A broker with one listener and these lines behind it, and its port.
fn broker(folder: &Path, lines: &str) -> (Broker, String) {
    let port = free_port();
    let configuration = format!("log_timestamp false\nallow_anonymous true\nlistener {port} 127.0.0.1\n{lines}");
    (Broker::configured(folder, &configuration), port.to_string())
}

/// Publishes, keeps and acknowledges one message.
fn retain(port: &str, id: &str, topic: &str, payload: &str) -> Ended {
    run(&mut moskit(&["pub", "-p", port, "-i", id, "-t", topic, "-m", payload, "-r", "-q", "1"]), b"")
}

#[test]
fn a_slash_in_a_client_id_opens_no_part_of_another_clients_topics() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let acl = folder.join("acl");
    std::fs::write(&acl, "pattern readwrite devices/%c/#\n").unwrap();
    let (broker, port) = broker(folder, &format!("acl_file {}\n", acl.display()));
    retain(&port, "victim/cmd", "devices/victim/cmd/x", "the attacker's");
    assert_eq!(retain(&port, "victim", "devices/victim/cmd/y", "its own").code, 0);
    let retained = |id| {
        let words = ["sub", "-p", &port, "-i", id, "-t", "devices/victim/cmd/#", "--retained-only", "-v", "-W", "2"];
        run(&mut moskit(&words), b"").stdout
    };
    assert_eq!(retained("victim"), "devices/victim/cmd/y its own\n");
    assert_eq!(retained("victim/cmd"), "");
    broker.end();
}

#[test]
fn a_second_broker_leaves_the_socket_and_the_pid_file_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (socket, pid) = (folder.join("s.sock"), folder.join("pid"));
    let configuration = format!("allow_anonymous true\npid_file {}\nlistener 0 {}\n", pid.display(), socket.display());
    let broker = Broker::configured(folder, &configuration);
    let first = std::fs::read_to_string(&pid).unwrap();
    let second = run(&mut moskit(&["broker", "-c", text(&folder.join("m.conf"))]), b"");
    assert_eq!((second.stdout.as_str(), second.code), ("", 1), "{second:?}");
    assert!(second.stderr.contains("Error: Address already in use"), "{second:?}");
    let publish = || run(&mut moskit(&["pub", "--unix", text(&socket), "-t", "t", "-m", "m", "-q", "1"]), b"");
    assert_eq!(publish().code, 0);
    assert_eq!(std::fs::read_to_string(&pid).unwrap(), first);
    assert_eq!(broker.end().code, 0);
    assert!(!socket.exists() && !pid.exists());
}

#[test]
fn a_user_that_does_not_exist_ends_the_start_and_nobody_stays_root_instead() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("m.conf");
    let start = |user: &str, variables: &[(&str, &str)]| {
        std::fs::write(&conf, format!("allow_anonymous true\nlistener {} 127.0.0.1\n{user}\n", free_port())).unwrap();
        run(moskit(&["broker", "-c", text(&conf)]).envs(variables.iter().copied()), b"")
    };
    let ended = start("user nobody-of-this-name", &[]);
    assert_eq!((ended.stdout.as_str(), ended.code), ("", 3));
    assert!(ended.stderr.contains("cannot run as user `nobody-of-this-name`: there is no such user"), "{ended:?}");
    assert!(!ended.stderr.contains("running"), "{ended:?}");
    let tested = run(&mut moskit(&["broker", "--test-config", "-c", text(&conf)]), b"");
    assert_eq!((tested.stdout.as_str(), tested.code), ("", 3), "{tested:?}");
    for variables in [[("PUID", "4294967295")], [("PGID", "4294967295")], [("PUID", "-1")], [("PUID", "")]] {
        let ended = start("user root", &variables);
        assert_eq!(ended.code, 3, "{variables:?}: {ended:?}");
        assert!(ended.stderr.contains(&format!("{} is not the number of a user", variables[0].0)), "{ended:?}");
    }
}

#[test]
fn a_broker_that_gives_up_root_has_the_groups_of_its_user_and_no_others() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (broker, _) = broker(folder.path(), "user daemon\n");
    let status = std::fs::read_to_string(format!("/proc/{}/status", broker.pid())).unwrap();
    let line = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let asked = |option: &str| run(std::process::Command::new("id").args([option, "daemon"]), b"").stdout;
    let numbers = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((line("Uid:"), line("Gid:")), (numbers(asked("-u").repeat(4)), numbers(asked("-g").repeat(4))));
    assert_eq!(line("Groups:"), numbers(asked("-G")));
    assert_eq!(broker.end().code, 0);
}

#[test]
fn an_entry_for_the_empty_password_is_not_made_and_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("passwords");
    let refused = run(&mut moskit(&["passwd", "-c", "-b", text(&file), "ann", ""]), b"");
    assert_eq!((refused.stderr.as_str(), refused.code), ("Error: Empty password.\n", 1));
    std::fs::write(folder.join("users.csv"), "bob,secret\ncat,\n").unwrap();
    let csv = folder.join("users.csv");
    let refused = run(&mut moskit(&["passwd", "-c", "--import", text(&csv), text(&file)]), b"");
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("line 2") && refused.stderr.contains("the password is empty"), "{refused:?}");
    assert!(!file.exists());
    // The original makes it, and so does ours under that name.
    let made = run(&mut called_as("mosquitto_passwd", &["-c", "-b", text(&file), "ann", ""]), b"");
    assert_eq!((made.stdout.as_str(), made.code), ("Adding password for user ann\n", 0));
    assert!(made.stderr.contains("Warning: the password is empty"), "{made:?}");
    let (broker, port) = broker(folder, &format!("password_file {}\n", file.display()));
    for words in [&["-u", "ann", "-P", ""][..], &["-u", "ann"]] {
        let ended = run(moskit(&["pub", "-p", &port, "-t", "t", "-m", "m"]).args(words), b"");
        assert_ne!(ended.code, 0, "{words:?}");
    }
    broker.end();
}

/// Certificates with strange names in place of the user's, at a broker that takes the common name for it.
#[test]
fn of_several_common_names_the_first_is_the_users_and_what_is_no_text_is_nobodys() {
    use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyPair};
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = run(moskit(&["certgen", "init", ".", "--hosts", "localhost"]).current_dir(folder), b"");
    assert_eq!(made.code, 0, "{made:?}");
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Clients CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let place = folder.display();
    std::fs::write(folder.join("clients.crt"), authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::from_params(&authority, &key);
    let lines = format!(
        "certfile {place}/server.crt\nkeyfile {place}/server.key\ncafile {place}/clients.crt\n\
         require_certificate true\nuse_identity_as_username true\n"
    );
    let (broker, port) = broker(folder, &lines);
    let ca = folder.join("ca.crt");
    let connect = |names: &[(DnType, DnValue)], id: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in names {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        let key = KeyPair::generate().unwrap();
        let (certificate, own_key) = (folder.join("c.crt"), folder.join("c.key"));
        std::fs::write(&certificate, params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
        std::fs::write(&own_key, key.serialize_pem()).unwrap();
        let words = ["-h", "localhost", "-t", "t", "-m", "m", "-q", "1", "--cafile", text(&ca)];
        let identity = ["--cert", text(&certificate), "--key", text(&own_key), "-i", id, "-p", &port];
        run(moskit(&["pub"]).args(words).args(identity), b"")
    };
    let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
    let good = connect(&[(DnType::CommonName, utf8("lowly"))], "good");
    assert_eq!(good.code, 0, "{good:?}");
    let bmp = DnValue::BmpString("lowly".try_into().unwrap());
    for (id, value) in
        [("nul", utf8("ad\0min")), ("control", utf8("ad\u{1}min")), ("none", utf8("a\u{ffff}")), ("bmp", bmp)]
    {
        let ended = connect(&[(DnType::CommonName, value)], id);
        assert_eq!(ended.code, 4, "{id}: {ended:?}");
    }
    let log = broker.end().stderr;
    assert!(log.contains(" as good (p4, c1, k60, u'lowly')."), "{log}");
}

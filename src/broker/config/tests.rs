//! Tests of the configuration reader.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::broker::{Settings, UsernameFrom, Versions};
use crate::mqtt::packet::QoS;

fn read(text: &str) -> Result<Configuration, Refusal> {
    let file = File { name: "m.conf".to_owned(), text: text.as_bytes().to_vec() };
    parse(&file, &mut |path| Err(format!("{path} is not there")))
}

fn accepted(text: &str) -> Configuration {
    read(text).unwrap_or_else(|refusal| panic!("{text:?} is refused: {refusal:?}"))
}

fn refused(text: &str) -> (Problem, usize) {
    let refusal = read(text).expect_err(text);
    (refusal.problem, refusal.places.first().map_or(0, |place| place.line))
}

fn invalid(option: &str, value: &str) -> Problem {
    Problem::Invalid { option: option.to_owned(), value: value.to_owned() }
}

#[test]
fn an_empty_file_is_local_only_with_mosquittos_defaults() {
    let configuration = accepted("");
    assert!(configuration.is_local_only());
    assert!(configuration.allows_anonymous(&Listener::on(1883)));
    assert_eq!(configuration.settings(), Settings::default());
    assert_eq!(configuration.sys_interval, 10);
    assert_eq!(configuration.log.types, LogTypes::DEFAULT);
    assert_eq!(configuration.persistence.path(), None);
}

#[test]
fn a_listener_ends_local_only_mode_and_lets_nobody_in_unasked() {
    let configuration = accepted("listener 1884 127.0.0.1\n");
    assert_eq!(configuration.listeners[0].port, 1884);
    assert_eq!(configuration.listeners[0].host.as_deref(), Some("127.0.0.1"));
    assert!(!configuration.allows_anonymous(&configuration.listeners[0]));
}

#[test]
fn a_listener_with_a_path_is_a_unix_socket_and_port_0_needs_one() {
    let configuration = accepted("listener 0 /run/a.sock b\n");
    assert_eq!(configuration.listeners[0].unix_path.as_deref(), Some(Path::new("/run/a.sock")));
    assert_eq!(refused("\nlistener 0\n"), (Problem::UnixListenerWithoutPath, 2));
    assert_eq!(refused("listener x\n"), (Problem::NotANumber { option: "listener port".to_owned() }, 1));
    assert_eq!(refused("listener\n"), (Problem::Empty { option: "listener port".to_owned() }, 1));
    assert_eq!(refused("listener 0 # path to follow\n"), (Problem::UnixListenerWithoutPath, 1));
    assert_eq!(refused("listener 70000\n"), (invalid("port", "70000"), 1));
}

#[test]
fn old_options_make_the_default_listener() {
    let configuration = accepted("port 1885\nbind_address localhost\nmax_connections 7\nport 1886\nlistener 1\n");
    assert_eq!(configuration.listeners.len(), 2);
    assert_eq!(configuration.listeners[0].port, 1886);
    assert_eq!(configuration.listeners[0].host.as_deref(), Some("localhost"));
    assert_eq!(configuration.listeners[0].settings.max_connections, Some(7));
    assert!(configuration.notices.contains(&Notice::DefaultPortTwice));
    assert!(configuration.notices.contains(&Notice::DefaultListener { option: "port".to_owned() }));
}

#[test]
fn options_of_a_listener_need_one_first() {
    for option in ["cafile x", "mount_point x", "http_dir x", "max_topic_alias 3", "listener_allow_anonymous true"] {
        let name = option.split(' ').next().unwrap().to_owned();
        assert_eq!(refused(&format!("{option}\n")), (Problem::NeedsListener { option: name }, 1));
    }
}

#[test]
fn options_go_to_the_listener_above_them() {
    let configuration = accepted(
        "listener 1\nmax_qos 1\nmount_point a/\nlistener 2\nprotocol websockets\nsocket_domain ipv6\n\
         max_connections 0\nglobal_max_connections 0\nglobal_max_clients 0\naccept_protocol_versions 4, 5\nuse_username_as_clientid true\nmax_topic_alias 0\n",
    );
    let [first, second] = configuration.listeners.as_slice() else { panic!("two listeners") };
    assert_eq!((first.settings.max_qos, first.settings.mount_point.as_deref()), (QoS::AtLeastOnce, Some("a/")));
    assert_eq!((second.settings.max_qos, second.settings.mount_point.as_deref()), (QoS::ExactlyOnce, None));
    assert_eq!(second.protocol, Protocol::Websockets);
    assert_eq!(second.socket_domain, SocketDomain::Ipv6);
    assert_eq!(second.settings.max_connections, None);
    assert!(second.settings.use_username_as_clientid);
    assert_eq!(second.settings.max_topic_alias, 0);
    assert_eq!(second.settings.versions, Versions { v31: false, v311: true, v5: true });
}

#[test]
fn values_out_of_their_range_are_refused_with_the_value() {
    for (option, value) in [
        ("message_size_limit", "268435456"),
        ("max_keepalive", "65536"),
        ("sys_interval", "-1"),
        ("log_facility", "8"),
        ("port", "0"),
        ("log_type", "loud"),
        ("log_dest", "paper"),
        ("socket_domain", "ipx"),
        ("protocol", "amqp"),
    ] {
        assert_eq!(refused(&format!("{option} {value}\n")), (invalid(option, value), 1), "{option}");
    }
}

#[test]
fn some_limits_are_named_where_a_value_is_beyond_them() {
    let (option, least) = ("max_packet_size".to_owned(), 20);
    assert_eq!(refused("max_packet_size 19\n").0, Problem::TooSmall { option, least });
    let (option, least) = ("retain_expiry_interval".to_owned(), 1);
    assert_eq!(refused("retain_expiry_interval 0\n").0, Problem::TooSmall { option, least });
    let (option, most) = ("max_inflight_messages".to_owned(), 65535);
    assert_eq!(refused("max_inflight_messages 65536\n").0, Problem::TooLarge { option, most });
    for prefix in ["auto_id_prefix", "listener_auto_id_prefix"] {
        let problem = Problem::TooLong { option: prefix.to_owned(), most: 50 };
        assert_eq!(refused(&format!("listener 1\n{prefix} {}\n", "x".repeat(51))), (problem, 2));
    }
    assert_eq!(refused("max_qos 3\n").0, Problem::NotAQos { option: "max_qos".to_owned() });
    for value in ["3", "d", "0d", "-1d", "1x"] {
        let option = "persistent_client_expiration".to_owned();
        assert_eq!(refused(&format!("{option} {value}\n")).0, Problem::NotADuration { option }, "{value}");
    }
}

#[test]
fn options_without_effect_are_read_all_the_same() {
    for (line, problem) in [
        ("set_tcp_nodelay x", invalid("set_tcp_nodelay", "x")),
        ("autosave_interval x", Problem::NotANumber { option: "autosave_interval".to_owned() }),
        ("autosave_on_changes 2", invalid("autosave_on_changes", "2")),
        ("memory_limit -1", invalid("memory_limit", "-1")),
        ("address a", Problem::NeedsBridge { option: "address".to_owned() }),
        ("connection", Problem::Empty { option: "connection".to_owned() }),
        (
            "auth_plugin_deny_special_chars true",
            Problem::NeedsPlugin { option: "auth_plugin_deny_special_chars".to_owned() },
        ),
        ("trace_level 1", Problem::Unknown { option: "trace_level".to_owned() }),
    ] {
        assert_eq!(refused(&format!("{line}\n")), (problem, 1), "{line}");
    }
    accepted("set_tcp_nodelay true\nautosave_interval -1\nautosave_on_changes 1\nmemory_limit 10\n");
    accepted("connection a\naddress b\ntopic #\n");
}

#[test]
fn limits_below_zero_are_no_limits() {
    let settings = accepted("max_inflight_messages -1\nmax_queued_messages 0\nmax_queued_bytes 0x10\n").settings();
    assert_eq!(settings.max_inflight_messages, None);
    assert_eq!(settings.max_queued_messages, None);
    assert_eq!(settings.max_queued_bytes, Some(16));
}

#[test]
fn subscriptions_are_bounded_unless_the_limit_is_0() {
    let limits = |text: &str| {
        let settings = accepted(text).settings();
        (settings.max_subscriptions, settings.max_subscriptions_per_packet)
    };
    assert_eq!(limits(""), (Some(100_000), Some(100_000)));
    assert_eq!(limits("max_subscriptions 7\nmax_subscriptions_per_packet 3\n"), (Some(7), Some(3)));
    assert_eq!(limits("max_subscriptions 0\nmax_subscriptions_per_packet 0\n"), (None, None));
    assert_eq!(refused("max_subscriptions -1\n"), (invalid("max_subscriptions", "-1"), 1));
}

#[test]
fn a_second_text_is_an_error_unless_the_last_one_wins() {
    assert_eq!(refused("pid_file a\n\npid_file b\n"), (Problem::Duplicate { option: "pid_file".to_owned() }, 3));
    for (option, value) in [("auto_id_prefix", "p"), ("listener_auto_id_prefix", "p"), ("tls_version", "tlsv1.3")] {
        let line = format!("{option} {value}\n");
        let duplicate = Problem::Duplicate { option: option.to_owned() };
        assert_eq!(refused(&format!("listener 1\n{line}{line}")), (duplicate, 3));
        accepted(&format!("per_listener_settings true\nlistener 1\n{line}listener 2\n{line}"));
    }
    let configuration = accepted("password_file a\npassword_file b\nuser x\nuser y\nclientid_prefixes p\n");
    assert_eq!(configuration.security.password_file.as_deref(), Some(Path::new("b")));
    assert_eq!(configuration.user.as_deref(), Some("y"));
}

#[test]
fn security_is_global_until_per_listener_settings() {
    let configuration = accepted("listener 1\nallow_anonymous true\nacl_file a\nlistener 2\n");
    assert!(configuration.listeners.iter().all(|listener| configuration.allows_anonymous(listener)));
    let configuration = accepted("per_listener_settings true\nlistener 1\nallow_anonymous true\nlistener 2\n");
    let allowed: Vec<_> = configuration.listeners.iter().map(|one| configuration.allows_anonymous(one)).collect();
    assert_eq!(allowed, [true, false]);
    assert_eq!(
        refused("per_listener_settings true\nallow_anonymous true\n"),
        (Problem::NeedsListener { option: "allow_anonymous".to_owned() }, 2)
    );
    assert_eq!(refused("allow_anonymous true\nper_listener_settings true\n"), (Problem::PerListenerSettingsTooLate, 2));
    let twice = "per_listener_settings true\nper_listener_settings false\nlistener 1\n";
    assert!(accepted(twice).per_listener_settings);
}

#[test]
fn a_listeners_own_word_on_anonymous_clients_goes_first() {
    let configuration = accepted("allow_anonymous true\nlistener 1\nlistener_allow_anonymous false\nlistener 2\n");
    let allowed: Vec<_> = configuration.listeners.iter().map(|one| configuration.allows_anonymous(one)).collect();
    assert_eq!(allowed, [false, true]);
}

#[test]
fn tls_needs_certificate_and_key() {
    assert_eq!(refused("listener 1\ncertfile a\n").0, Problem::CertificateAndKey { given: None });
    assert_eq!(refused("listener 1\nkeyfile a\n").0, Problem::CertificateAndKey { given: None });
    assert_eq!(refused("listener 1\ncafile a\n").0, Problem::CertificateAndKey { given: Some("cafile") });
    let configuration = accepted("listener 1\ncertfile a\nkeyfile b\ntls_version tlsv1.3\nrequire_certificate true\n");
    let tls = &configuration.listeners[0].tls;
    assert!(tls.is_on() && tls.require_certificate);
    assert_eq!(tls.minimum, TlsVersion::V13);
    let ssl3 = "tls_version ssl3 # old\ncertfile a\nkeyfile b\n";
    assert_eq!(refused(&format!("listener 1\n{ssl3}")), (Problem::TlsVersion { value: "ssl3 # old".to_owned() }, 2));
    assert_eq!(refused("tls_version tlsv1.2\n").0, Problem::NeedsListener { option: "tls_version".to_owned() });
    let raised = accepted("listener 1\ntls_version tlsv1.1\ncertfile a\nkeyfile b\n").notices;
    assert!(
        matches!(&raised[..], [Notice::Deprecated { option, .. }] if option == "tls_version tlsv1.1"),
        "{raised:?}"
    );
}

#[test]
fn tls_of_the_default_listener_needs_no_listener_line() {
    let configuration = accepted("port 1885\ncertfile a\nkeyfile b\nrequire_certificate true\ntls_keyform pem\n");
    assert_eq!(configuration.listeners.len(), 1);
    assert!(configuration.listeners[0].tls.is_on() && configuration.listeners[0].tls.require_certificate);
    assert_eq!(refused("port 1885\ncertfile a\n").0, Problem::CertificateAndKey { given: None });
}

/// Mosquitto 2.1.2 listens on 127.0.0.1 and ::1 then, on the ports of the command line, and forgets the options.
#[test]
fn options_of_a_listener_that_nothing_makes_leave_the_broker_local() {
    for option in ["max_connections 10", "max_qos 1", "protocol websockets", "socket_domain ipv6", "ciphers X"] {
        let name = option.split(' ').next().unwrap().to_owned();
        let configuration = accepted(&format!("\n{option}\n"));
        assert!(configuration.is_local_only(), "{option}");
        assert_eq!(configuration.settings(), Settings::default(), "{option}");
        let place = Place { file: "m.conf".to_owned(), line: 2, included: false };
        assert_eq!(configuration.notices, [Notice::WithoutListener { option: name, place }]);
        for address in ["port 1885", "bind_address localhost", "listener 1885"] {
            let configuration = accepted(&format!("{option}\n{address}\n"));
            let notice = |notice: &Notice| matches!(notice, Notice::WithoutListener { .. });
            assert!(!configuration.is_local_only() && !configuration.notices.iter().any(notice), "{option}, {address}");
        }
    }
    assert_eq!(refused("certfile a\n").0, Problem::CertificateAndKey { given: None });
    assert_eq!(accepted("certfile a\nkeyfile b\n").listeners, []);
    assert_eq!(accepted("require_certificate false\n").notices, []);
}

/// Where Mosquitto forgets them and lets in everybody on the machine.
#[test]
fn who_may_come_in_is_not_forgotten_with_the_listener_that_nothing_makes() {
    for option in ["require_certificate", "use_identity_as_username", "use_subject_as_username"] {
        let needs = Problem::NeedsListener { option: option.to_owned() };
        assert_eq!(refused(&format!("certfile a\nkeyfile b\n{option} true\n")), (needs, 3));
    }
    let text = "per_listener_settings true\nmax_qos 1\nallow_anonymous false\npassword_file p\nacl_file a\n";
    let configuration = accepted(text);
    let local = Listener::on(1883);
    assert!(configuration.is_local_only() && !configuration.allows_anonymous(&local));
    let security = configuration.security_of(&local);
    assert_eq!(security.password_file.as_deref(), Some(Path::new("p")));
    assert_eq!(security.acl_file.as_deref(), Some(Path::new("a")));
    assert!(accepted("per_listener_settings true\nmax_qos 1\n").allows_anonymous(&local));
}

#[test]
fn options_of_tls_are_named_on_a_listener_that_does_not_speak_it() {
    let lines = "ciphers AES128-SHA\ntls_version tlsv1\nrequire_certificate true\nuse_subject_as_username false\n";
    let configuration = accepted(&format!("listener 1\n{lines}listener 2\ncertfile c\nkeyfile k\nciphers X\n"));
    let named: Vec<_> = configuration
        .notices
        .iter()
        .map(|notice| match notice {
            Notice::WithoutTls { option, place } => (option.as_str(), place.line),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(named, [("ciphers", 2), ("tls_version", 3), ("require_certificate", 4)]);
}

#[test]
fn words_after_a_value_are_ignored_as_by_mosquitto() {
    let listener = |line: &str| accepted(&format!("{line}\n")).listeners.remove(0);
    for line in ["listener 1 ::1 # x", "listener 1 ::1 extra", "listener  1  ::1", "listener \t1 ::1 é"] {
        assert_eq!(listener(line).host.as_deref(), Some("::1"), "{line}");
    }
    for line in ["listener 1 # x", "listener 1 #x", "listener 1 *", "listener 1 * x"] {
        assert_eq!(listener(line).host, None, "{line}");
    }
    assert_eq!(listener("listener 0 /p # x").unix_path.as_deref(), Some(Path::new("/p")));
    for (list, expected) in [
        ("4, 5 # x", (false, true, true)),
        ("5 # 3", (false, false, true)),
        ("3,4\t5", (true, true, true)),
        (",4,", (false, true, false)),
        ("4 x", (false, true, false)),
    ] {
        let versions = listener(&format!("listener 1\naccept_protocol_versions {list}")).settings.versions;
        assert_eq!((versions.v31, versions.v311, versions.v5), expected, "{list}");
    }
    for list in ["# 4", "6", "45", "\"4,5\""] {
        assert!(matches!(
            refused(&format!("listener 1\naccept_protocol_versions {list}\n")).0,
            Problem::Invalid { .. }
        ));
    }
    let two_days = Some(Duration::from_secs(2 * 86_400));
    assert_eq!(accepted("persistent_client_expiration 2d # x\n").settings().persistent_client_expiration, two_days);
    accepted("memory_limit 1000, x\nwebsockets_log_level\nmax_keepalive \t60\nretry_interval\nlog_dest dlt\n");
    let old = accepted("retry_interval 20\nretry_interval 30\n").notices;
    assert!(matches!(&old[..], [Notice::Ignored { option, .. }] if option == "retry_interval"), "{old:?}");
}

#[test]
fn bytes_that_are_no_text_stop_the_reader_only_where_they_would_be_a_value() {
    let parsed = |text: &[u8]| {
        let file = File { name: "m.conf".to_owned(), text: text.to_vec() };
        parse(&file, &mut |path| Err(format!("{path} is not there")))
    };
    let problem = |text: &[u8]| parsed(text).unwrap_err().problem;
    for text in [&b"# \xe9\xff\n"[..], b"persistence false \xe9\n", b"listener 1 ::1 \xe9\n"] {
        assert_eq!(parsed(text).unwrap().notices, [], "{text:?}");
    }
    assert_eq!(problem(b"listener 1\nmount_point \xe9\n"), Problem::MalformedUtf8);
    let marked = parsed(b"\xef\xbb\xbfmax_keepalive 60\n").unwrap();
    assert_eq!(marked.notices, [Notice::ByteOrderMark { file: "m.conf".to_owned() }]);
    assert_eq!(marked.settings().max_keepalive, Some(60));
    let binary = parsed(b"max_keepalive 60\n\0\x05\x16\x07 x\n\0\nsys_interval 5\n").unwrap();
    assert!(matches!(&binary.notices[..], [Notice::BinaryLines { place }] if place.line == 2));
    assert_eq!((binary.settings().max_keepalive, binary.sys_interval), (Some(60), 5));
    assert_eq!(problem(b"max_qos 1\0x\n"), Problem::ZeroByte);
    for wide in [&b"l\0i\0s\0t\0"[..], b"\0l\0i\0s\0t", b"\xff\xfel\0", b"\xfe\xff\0l"] {
        assert_eq!(problem(wide), Problem::Utf16);
    }
}

#[test]
fn expirations_have_a_unit() {
    for (value, days) in [("2d", 2), ("1w", 7), ("1m", 30), ("1y", 365)] {
        let settings = accepted(&format!("persistent_client_expiration {value}\n")).settings();
        assert_eq!(settings.persistent_client_expiration, Some(Duration::from_secs(days * 86_400)));
    }
}

#[test]
fn log_destinations_and_types_replace_the_defaults_and_then_add_up() {
    let log = accepted("log_dest file /a b\nlog_dest topic\nlog_type error\nlog_type subscribe # and so on\n").log;
    assert_eq!(log.destinations, [LogDestination::File("/a b".into()), LogDestination::Topic]);
    assert_eq!(log.types, LogTypes::ERROR.with(LogTypes::SUBSCRIBE));
    assert_eq!(accepted("log_dest stdout\nlog_dest none\n").log.destinations, []);
    assert_eq!(refused("log_dest file\n"), (Problem::Empty { option: "log_dest file".to_owned() }, 1));
    assert_eq!(
        refused("log_dest file a\nlog_dest file b\n"),
        (Problem::Duplicate { option: "log_dest file".to_owned() }, 2)
    );
}

#[test]
fn the_store_is_a_file_in_the_persistence_location() {
    let persistence = accepted("persistence true\npersistence_location /var/lib/m/\n").persistence;
    assert_eq!(persistence.path().as_deref(), Some(Path::new("/var/lib/m/mosquitto.sqlite3")));
    assert_eq!(persistence.snapshot_path().as_deref(), Some(Path::new("/var/lib/m/mosquitto.db")));
    let named = accepted("persistence true\npersistence_location /d\npersistence_file my.db\n").persistence;
    assert_eq!((named.path().as_deref(), named.snapshot_path()), (Some(Path::new("/d/my.db")), None));
    assert_eq!(accepted("persistence true\n").persistence.path().as_deref(), Some(Path::new("mosquitto.sqlite3")));
}

#[test]
fn the_lines_of_persist_sqlite_select_our_store() {
    let plugin = "/usr/lib/mosquitto_persist_sqlite.so";
    let persistence =
        accepted(&format!("plugin {plugin}\nplugin_opt_sync full\nplugin_opt_db_file /x/y.db\n")).persistence;
    assert_eq!((persistence.sync, persistence.path().as_deref()), (Sync::Full, Some(Path::new("/x/y.db"))));
    let located =
        accepted(&format!("persistence_location /d\nplugin_load p {plugin}\nplugin_opt_db_file /x/y\nplugin_use p\n"));
    assert_eq!(located.persistence.path().as_deref(), Some(Path::new("/d/mosquitto.sqlite3")));
    assert_eq!(refused(&format!("persistence true\nplugin {plugin}\n")).0, Problem::PersistenceTwice);
}

#[test]
fn a_plugin_that_may_guard_access_is_never_left_out() {
    for line in ["plugin /usr/lib/mosquitto_dynamic_security.so", "auth_plugin a.so", "plugin_load x y.so"] {
        assert!(matches!(refused(&format!("{line}\n")), (Problem::Unsafe { .. }, 1)), "{line}");
    }
    assert_eq!(refused("plugin_opt_x y\n"), (Problem::NeedsPlugin { option: "plugin_opt_x".to_owned() }, 1));
}

#[test]
fn what_would_open_a_listener_wider_than_asked_is_refused() {
    for line in ["psk_hint h", "psk_file f", "bind_interface lo", "enable_proxy_protocol 2", "protocol http_api"] {
        assert!(matches!(refused(&format!("listener 1\n{line}\n")), (Problem::Unsafe { .. }, 2)), "{line}");
    }
}

#[test]
fn an_option_that_has_no_effect_is_named_once() {
    let bridge = "address b\ntopic #\n";
    let configuration = accepted(&format!("connection a\n{bridge}connection c\n{bridge}"));
    let named: Vec<_> = configuration
        .notices
        .iter()
        .map(|notice| match notice {
            Notice::Ignored { option, place, .. } => (option.as_str(), place.line),
            Notice::Bridge { place, .. } => ("connection", place.line),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(named, [("connection", 1)]);
}

#[test]
fn unknown_options_are_refused() {
    assert_eq!(refused("persistence true\nfoo 1\n"), (Problem::Unknown { option: "foo".to_owned() }, 2));
}

#[test]
fn included_files_start_without_a_listener_and_do_not_include() {
    let included = |text: &str, main: &str| {
        let main = File { name: "m.conf".to_owned(), text: main.as_bytes().to_vec() };
        let file = File { name: "d/a.conf".to_owned(), text: text.as_bytes().to_vec() };
        parse(&main, &mut |path| if path == "d" { Ok(vec![file.clone()]) } else { Err("no such folder".to_owned()) })
    };
    let configuration = included("listener 2\n", "listener 1\ninclude_dir d\nmax_qos 1\n").unwrap();
    assert_eq!(configuration.listeners.iter().map(|one| one.settings.max_qos as u8).collect::<Vec<_>>(), [1, 2]);
    assert!(configuration.notices.contains(&Notice::Loading { file: "d/a.conf".to_owned() }));

    let refusal = included("\nmount_point x\n", "listener 1\ninclude_dir d\n").unwrap_err();
    assert_eq!(refusal.problem, Problem::NeedsListener { option: "mount_point".to_owned() });
    let places: Vec<_> = refusal.places.iter().map(|place| (place.file.as_str(), place.line, place.included)).collect();
    assert_eq!(places, [("d/a.conf", 2, true), ("m.conf", 2, false)]);

    assert_eq!(included("include_dir d\n", "include_dir d\n").unwrap_err().problem, Problem::IncludeInIncluded);
    let reason = "no such folder".to_owned();
    assert_eq!(
        included("", "include_dir e\n").unwrap_err().problem,
        Problem::IncludeUnreadable { path: "e".to_owned(), reason }
    );
}

#[test]
fn included_names_sort_without_case_and_upper_first_among_equals() {
    let mut names = ["b", "a", "B", "A", "_c"].map(OsString::from);
    sort_included(&mut names);
    assert_eq!(names, ["_c", "A", "a", "B", "b"]);
}

#[test]
fn no_option_stands_twice_in_the_table() {
    let mut names: Vec<_> = OPTIONS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_core_gets_one_entry_for_each_listener() {
    let configuration = accepted(
        "auto_id_prefix all-\nallow_zero_length_clientid false\nlistener 1\nlistener_auto_id_prefix one-\nlistener 2\n\
         certfile c\nkeyfile k\nuse_subject_as_username true\n",
    );
    let settings = configuration.settings();
    let prefixes: Vec<_> = settings.listeners.iter().map(|one| (one.port, &*one.auto_id_prefix)).collect();
    assert_eq!(prefixes, [(1, "one-"), (2, "all-")]);
    let from: Vec<_> = settings.listeners.iter().map(|one| one.username_from).collect();
    assert_eq!(from, [UsernameFrom::Connect, UsernameFrom::Certificate]);
    assert!(settings.listeners.iter().all(|one| !one.allow_zero_length_clientid));
}

fn bridge(text: &str) -> Result<Configuration, Refusal> {
    read(&format!("connection a\naddress h:1\ntopic # both 1\n{text}"))
}

/// As measured with Mosquitto 2.1.2.
#[test]
fn a_bridge_that_mosquitto_refuses_is_refused() {
    let name = || "a".to_owned();
    let value = |text: &str| text.to_owned();
    let whole = [
        ("connection a\n", BridgeProblem::NoAddress { name: name() }, 1),
        ("connection a\ntopic #\n", BridgeProblem::NoAddress { name: name() }, 1),
        ("connection a\naddress h\n", BridgeProblem::NoTopic { name: name() }, 1),
    ];
    for (text, problem, line) in whole {
        assert_eq!(refused(text), (Problem::Bridge(problem), line), "{text}");
    }
    let rows = [
        ("address i", BridgeProblem::DuplicateAddress),
        ("topic a sideways", BridgeProblem::Direction { value: value("sideways") }),
        ("topic a both 3", BridgeProblem::QoS { value: value("3") }),
        ("topic a both -1", BridgeProblem::QoS { value: value("-1") }),
        ("topic a out 3x", BridgeProblem::QoS { value: value("3x") }),
        ("topic a in 1 l/# r/", BridgeProblem::Prefix { value: value("l/#") }),
        ("topic a in 1 l/ r/+", BridgeProblem::Prefix { value: value("r/+") }),
        ("topic # in 1 l", BridgeProblem::Prefix { value: value("l#") }),
        ("topic \"\" in 1 a/", BridgeProblem::Remapping),
        ("start_type manual", BridgeProblem::ManualStart),
        ("restart_timeout 10 5", BridgeProblem::RestartTimeout),
        ("bridge_cafile x\nbridge_psk 0102", BridgeProblem::PskAndCertificate { option: value("bridge_psk") }),
        ("bridge_psk 0102", BridgeProblem::PskNeeds { name: name(), missing: "bridge_identity" }),
        ("bridge_identity x", BridgeProblem::PskNeeds { name: name(), missing: "bridge_psk" }),
        ("connection a\naddress h\ntopic #", BridgeProblem::DuplicateName { name: name() }),
        (
            "local_clientid x\nconnection b\naddress h\ntopic #\nlocal_clientid x",
            BridgeProblem::DuplicateLocalClientId { id: value("x") },
        ),
    ];
    for (text, problem) in rows {
        assert_eq!(
            bridge(&format!("{text}\n")).map_err(|refusal| refusal.problem).unwrap_err(),
            Problem::Bridge(problem),
            "{text}"
        );
    }
    for port in ["99999", "0", "x", ""] {
        let problem = BridgeProblem::Port { value: port.to_owned() };
        assert_eq!(refused(&format!("connection a\naddress h:{port}\n")), (Problem::Bridge(problem), 2));
    }
    for text in [
        "cleansession maybe",
        "keepalive_interval x",
        "start_type nope",
        "bridge_receive_maximum 0",
        "clientid x\nremote_clientid y",
        "bridge_protocol_version mqttv5",
        "bridge_tcp_keepalive 1 2",
    ] {
        bridge(&format!("{text}\n")).expect_err(text);
    }
}

#[test]
fn a_bridge_that_mosquitto_starts_with_is_taken() {
    for text in [
        "topic a",
        "topic # both x",
        "topic a in # x",
        "topic # both 1 # x",
        "topic # both 1 x/ # y",
        "topic # both 1 \"\" b/",
        "topic \"\" both 0 a/ b/",
        "topic a/#/b both 1",
        "topic # in 1 l/",
        "keepalive_interval 1 # x",
        "restart_timeout 1 5",
        "restart_timeout 5 30 # x",
        "start_type lazy",
        "remote_password # 1",
        "bridge_keyfile a\nbridge_keyfile b",
        "bridge_psk 0102\nbridge_identity x",
        "bridge_tcp_keepalive 1 2 3",
        "connection b\naddresses [::1]:1883 127.0.0.1 h:1x\ntopic # in",
    ] {
        bridge(&format!("{text}\n")).expect(text);
    }
}

#[test]
fn a_survey_goes_on_behind_what_is_wrong() {
    let text = "bogus 1\nlistener x\ncertfile a\nlistener 1884\nplugin p.so\nplugin_opt_x y\nmax_qos 1\nmax_qos 7\n";
    let file = File { name: "m.conf".to_owned(), text: text.as_bytes().to_vec() };
    let survey = survey(&file, &mut |_| Err(String::new()));
    let lines: Vec<_> = survey.refusals.iter().map(|refusal| refusal.places[0].line).collect();
    // The options of a listener whose line is refused are given to no other.
    assert_eq!(lines, [1, 2, 5, 8]);
    assert_eq!(survey.configuration.listeners.len(), 1);
    assert_eq!(survey.configuration.listeners[0].settings.max_qos, QoS::AtLeastOnce);
    assert_eq!(survey.configuration.listeners[0].tls.certfile, None);
    let many = "bogus 1\n".repeat(10 * REFUSALS_MOST);
    let file = File { name: "m.conf".to_owned(), text: many.into_bytes() };
    assert_eq!(super::survey(&file, &mut |_| Err(String::new())).refusals.len(), REFUSALS_MOST);
}

#[test]
fn a_comment_behind_a_text_is_noticed_and_one_behind_a_number_is_none_of_it() {
    let comments = |text: &str| -> Vec<String> {
        let notices = accepted(text).notices.into_iter();
        notices
            .filter_map(|notice| match notice {
                Notice::CommentInValue { comment, .. } => Some(comment),
                _ => None,
            })
            .collect()
    };
    for line in
        ["password_file p # users", "log_dest file /l # users", "user u  # users", "log_timestamp_format %H # users"]
    {
        assert_eq!(comments(&format!("{line}\n")), ["# users"], "{line}");
    }
    for line in [
        "persistence true # x",
        "log_dest stdout # x",
        "listener 1 127.0.0.1 # x",
        "password_file p#x",
        "max_keepalive 1 # x",
    ] {
        assert!(comments(&format!("{line}\n")).is_empty(), "{line}");
    }
}

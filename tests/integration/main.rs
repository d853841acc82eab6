//! The integration tests, one binary. Real programs on 127.0.0.1 in temporary folders.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot go on says why by failing")]

mod addresses;
mod announced;
mod attacks;
mod beside;
mod bounds;
mod broker;
mod broker_as_mosquitto;
mod broker_configured;
mod broker_listeners;
mod broker_log;
mod broker_logins;
mod broker_reload;
mod broker_verb;
mod certgen;
mod certgen_batch;
mod certgen_broken;
mod certgen_export;
mod certgen_fleet;
mod certgen_forms;
mod certgen_judge;
mod certgen_keys;
mod certgen_look;
mod certgen_pairs;
mod certgen_ready;
mod certgen_trust;
mod check_causes;
mod check_config;
mod check_files;
mod check_healthy;
mod check_online;
mod check_secrets;
mod clients;
mod completed;
mod decoding;
mod defaults;
mod demo;
mod dependencies;
mod descriptors;
mod differential;
mod disk;
mod ends;
mod exec;
mod failures;
mod fairness;
mod first_process;
mod floods;
mod foreign;
mod formats;
mod generated;
mod hints;
mod house;
mod idle;
mod in_vain;
mod intruders;
mod keys;
mod kill;
mod large;
mod linked;
mod lossy;
mod manuals;
mod marks;
mod memory;
mod mistyped;
mod mosquitto;
mod nonsense;
mod oauth;
mod old_brokers;
mod one_judge;
mod options;
mod outputs;
mod passwd;
mod peers;
mod pem;
mod pictures;
mod pipes;
mod presets;
mod proxies;
mod psk;
mod qshape;
mod qshape_brokers;
mod qshape_files;
mod qshape_hostile;
mod qshape_http;
mod qshape_live;
mod qshape_speed;
mod qshape_stores;
mod qshape_terminal;
mod reconnecting;
mod recorded;
mod records;
mod reporters;
mod requests;
mod revoked;
mod run;
mod scram;
mod secrets;
mod served;
mod stalls;
mod statements;
mod story;
mod strangers;
mod strict;
mod strict_chain;
mod stub;
mod terminal;
mod timing;
mod tls;
mod tokens;
mod verify;
mod ways;
mod web_server;
mod written;

use run::{called_as, moskit, run};

#[test]
fn an_unknown_verb_is_a_usage_error_that_says_where_the_verbs_are() {
    let ended = run(&mut moskit(&["dance"]), b"");
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "error: unknown verb `dance`\nhint: moskit --help lists the verbs\n");
    assert_eq!(ended.code, 3);
}

#[test]
fn a_name_that_is_no_applet_is_the_program_itself() {
    let ended = run(&mut called_as("mosquitto_dance", &[]), b"");
    assert_eq!(ended.stderr, "error: no verb given\nhint: moskit --help lists the verbs\n");
    assert_eq!(ended.code, 3);
}

#[test]
fn a_mosquitto_starts_on_a_free_port_and_reloads_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut broker, port)) = mosquitto::Mosquitto::open(folder.path()) else { return };
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let pid = rustix::process::Pid::from_raw(broker.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    broker.wait_for("Reloading config");
}

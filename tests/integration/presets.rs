//! `check --preset`: judged from the options alone, and beside what a broker says.

use serde_json::Value;

use crate::broker_verb::Broker;
use crate::run::{Ended, moskit, run};
use crate::tls::tutorial;

const NAME: &str = "x-ats.iot.eu-west-1.amazonaws.com";

fn check(folder: &std::path::Path, words: &[&str]) -> Ended {
    let mut command = moskit(&[&["check", "--preset"], words].concat());
    run(command.env_remove("MQTT_HOST").current_dir(folder), b"")
}

fn report(folder: &std::path::Path, words: &[&str]) -> Value {
    let ended = check(folder, &[words, &["--json"]].concat());
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The ids of stage `preset` and how bad they are.
fn found(report: &Value) -> Vec<String> {
    let stage = &report["stages"][0];
    assert_eq!(stage["name"], "preset");
    let findings = stage["findings"].as_array().unwrap().iter();
    findings.map(|it| format!("{} {}", it["id"].as_str().unwrap(), it["severity"].as_str().unwrap())).collect()
}

#[test]
fn what_only_a_connection_can_do_is_refused_without_a_broker() {
    let folder = tempfile::tempdir().unwrap();
    for option in ["--as-client", "--second-opinion"] {
        let ended = check(folder.path(), &["aws", "-i", "lamp", option]);
        let said = format!("{option} connects to a broker, and none is named");
        assert!(ended.code == 3 && ended.stderr.contains(&said), "{ended:?}");
    }
}

#[test]
fn the_options_alone_are_judged_where_nobody_is_to_be_connected_to() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tutorial(folder);
    // No such host: whoever looks it up is not told of the port.
    let aws = ["aws", "-h", NAME, "-p", "443", "--cafile", "ca.crt", "--cert", "server.crt", "--key", "server.key"];
    let elsewhere = aws.map(|word| if word == "443" { "1883" } else { word });
    let ended = check(folder, &[&elsewhere[..], &["-i", "lamp", "--offline"]].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    for said in
        ["the options, for AWS IoT Core\n", "[preset.port]", "next:  -p 8883, or -p 443 --tls-alpn x-amzn-mqtt-ca"]
    {
        assert!(ended.stdout.contains(said), "{said}: {ended:?}");
    }
    // A domain may be configured to need no ALPN.
    let ended = check(folder, &[&aws[..], &["-i", "lamp", "--offline"]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    for said in ["[preset.alpn]", "--tls-alpn x-amzn-mqtt-ca, or -p 8883"] {
        assert!(ended.stdout.contains(said), "{said}: {ended:?}");
    }
    let whole = [&aws[..], &["-i", "lamp", "--offline", "--tls-alpn", "x-amzn-mqtt-ca"]].concat();
    let ended = check(folder, &whole);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.ends_with("; nobody was connected to\n"), "{ended:?}");
    assert!(ended.stdout.contains("wants keep alive: 30 to 1200 s\n"), "{ended:?}");
    let report = report(folder, &whole);
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(report["stages"][1]["name"], "identity");
    assert_eq!((&report["ok"], &report["reservation"]), (&true.into(), &"nobody was connected to".into()));
    // Without a broker nobody can be meant, and nobody is asked for a password.
    let ended = check(folder, &["rabbitmq", "-u", "shop:ann", "--pw-prompt"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    let ended = check(folder, &["hivemq", "--monitor"]);
    assert!(ended.code == 2 && ended.stdout.contains("[preset.tls]"), "{ended:?}");
    for (words, why) in [
        (&["--offline"][..], "--preset"),
        (&["--preset", "ibm"], "ibm"),
        (&["--preset", "aws", "--config", "m.conf"], "--config"),
        (&["--preset", "aws", "--offline", "--second-opinion"], "--second-opinion"),
    ] {
        let ended = run(&mut moskit(&[&["check"], words].concat()), b"");
        assert!(ended.code == 3 && ended.stderr.contains(why), "{ended:?}");
    }
}

#[test]
fn a_token_is_judged_before_anybody_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let token = "SharedAccessSignature sr=hub.azure-devices.net%2Fdevices%2Fd1&sig=VerySecret&se=1700000000";
    std::fs::write(folder.path().join("pw"), token).unwrap();
    let user = "hub.azure-devices.net/d1/?api-version=2021-04-12";
    let words =
        ["azure", "-h", "hub.azure-devices.net", "-i", "d1", "-u", user, "--pw-file", "pw", "--tls-use-os-certs"];
    let ended = check(folder.path(), &[&words[..], &["-p", "8883", "--offline"]].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stdout.contains("cause: the SAS token has expired ") && !ended.stdout.contains("VerySecret"),
        "{ended:?}"
    );
}

#[test]
fn what_a_broker_lets_in_is_not_in_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let broker = Broker::start(&["--tls"]);
    let port = broker.port.to_string();
    // It is no AWS IoT Core: by an address, on another port and without a certificate, and it lets us in.
    let place = ["-h", "127.0.0.1", "-p", &port, "--tls-use-os-certs", "--no-verify"];
    let told = report(folder, &[&["aws"], &place[..]].concat());
    let expected = ["preset.port note", "preset.certificate note", "preset.sni note", "preset.client-id note"];
    assert_eq!(found(&told), expected);
    assert_eq!((&told["ok"], &told["reservation"]), (&true.into(), &Value::Null));
    // What matters afterwards stays.
    let told = report(folder, &[&["rabbitmq", "-q", "2"], &place[..]].concat());
    assert_eq!(found(&told), ["preset.login note", "preset.qos error"]);
    assert_eq!(told["cause"], "preset.qos");
    assert_eq!(broker.end().code, 0);
    // Where nobody answers, what is missing is the cause.
    let told = report(folder, &["aws", "-h", "127.0.0.1", "-p", &port, "--tls-use-os-certs"]);
    assert_eq!((&told["cause"], &told["ok"]), (&"preset.port".into(), &false.into()));
    assert_eq!(found(&told)[0], "preset.port error");
    assert!(
        told["stages"].as_array().unwrap().iter().any(|stage| stage["name"] == "tcp" && stage["status"] == "failed")
    );
}

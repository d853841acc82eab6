//! Each service's wishes, complete, empty, and with one mistake at a time.

use super::*;

const HUB: &str = "hub.azure-devices.net";

fn nothing() -> Given {
    Given {
        host: None,
        port: None,
        tls: false,
        alpn: Vec::new(),
        websocket: None,
        certificate: false,
        id: None,
        connects: Connects::WithAnotherId,
        username: None,
        password: None,
        password_is_to_come: false,
        qos: QoS::AtMostOnce,
        topic: None,
        version: None,
        keep_alive: 60,
        now: 1_000_000,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what was given is optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The ids and how bad they are.
fn found(preset: Preset, given: &Given) -> Vec<String> {
    let stage = judge(preset, given).into_stage(false);
    assert!(stage.facts.len() > 4 && stage.facts.contains_key("not_known"), "{:?}", stage.facts);
    assert!(stage.findings.iter().all(|finding| finding.fix.is_some() && !finding.evidence.is_empty()));
    stage.findings.iter().map(|finding| format!("{} {}", finding.id, finding.severity.name())).collect()
}

#[test]
fn everything_that_is_missing_is_named() {
    let given = nothing();
    let aws = ["preset.tls error", "preset.certificate warning", "preset.client-id warning"];
    assert_eq!(found(Preset::Aws, &given), aws);
    let azure = ["preset.tls error", "preset.username error", "preset.client-id warning", "preset.password error"];
    assert_eq!(found(Preset::Azure, &given), azure);
    assert_eq!(found(Preset::HiveMq, &given), ["preset.tls error", "preset.login error"]);
    assert_eq!(found(Preset::Emqx, &given), ["preset.tls error", "preset.login error"]);
    assert_eq!(found(Preset::RabbitMq, &given), ["preset.login warning"]);
}

#[test]
fn what_is_complete_is_no_error() {
    let password = b"SharedAccessSignature sr=hub.azure-devices.net%2Fdevices%2Fd1&sig=x&se=2000000".to_vec();
    let base = Given { tls: true, username: some("ann"), password: Some(Secret::new(password)), ..nothing() };
    let aws =
        Given { host: some("a-ats.iot.eu-west-1.amazonaws.com"), certificate: true, id: some("lamp"), ..base.clone() };
    for (port, alpn) in [(8883, vec![]), (443, vec!["x-amzn-mqtt-ca".to_owned()])] {
        let given = Given { port: Some(port), alpn, ..aws.clone() };
        assert_eq!(found(Preset::Aws, &given), ["preset.client-id warning"]);
    }
    let custom = Given { port: Some(443), alpn: vec!["mqtt".to_owned()], certificate: false, ..aws };
    assert_eq!(found(Preset::Aws, &custom), ["preset.client-id warning"]);
    let azure = Given {
        host: some(HUB),
        port: Some(8883),
        id: some("d1"),
        username: some("hub.azure-devices.net/d1/?api-version=2021-04-12&DeviceClientType=x"),
        ..base.clone()
    };
    assert_eq!(found(Preset::Azure, &azure), ["preset.client-id warning"]);
    let azure = Given { port: Some(443), websocket: some("/$iothub/websocket?iothub-no-client-cert=true"), ..azure };
    assert_eq!(found(Preset::Azure, &azure), ["preset.client-id warning"]);
    let hivemq = Given { host: some("x.s1.eu.hivemq.cloud"), port: Some(8883), ..base.clone() };
    assert_eq!(found(Preset::HiveMq, &hivemq), [""; 0]);
    let hivemq = Given { port: Some(8884), websocket: some("/mqtt"), ..hivemq };
    assert_eq!(found(Preset::HiveMq, &hivemq), [""; 0]);
    let emqx = Given { host: some("x.ala.eu-central-1.emqxsl.com"), ..base.clone() };
    assert_eq!(found(Preset::Emqx, &Given { port: Some(8883), ..emqx.clone() }), [""; 0]);
    for path in ["/mqtt", "/mqtt?…"] {
        let emqx = Given { port: Some(8084), websocket: some(path), ..emqx.clone() };
        assert_eq!(found(Preset::Emqx, &emqx), [""; 0]);
    }
    let rabbit = Given { host: some("localhost"), username: some("shop:guest"), tls: false, ..base };
    for host in ["localhost", "127.1", "::ffff:7f00:1", "0.0.0.0"] {
        let rabbit = Given { host: some(host), port: Some(1883), ..rabbit.clone() };
        assert_eq!(found(Preset::RabbitMq, &rabbit), [""; 0], "{host}");
    }
    assert_eq!(found(Preset::RabbitMq, &Given { port: Some(15_675), websocket: some("/ws"), ..rabbit }), [""; 0]);
}

/// What is found beside what is found in `base`.
fn beside(preset: Preset, base: &Given, given: &Given) -> Vec<String> {
    let before = found(preset, base);
    found(preset, given).into_iter().filter(|id| !before.contains(id)).collect()
}

#[test]
fn each_mistake_is_found_alone() {
    use Preset::{Aws, Azure, Emqx, HiveMq, RabbitMq};
    let base = Given { tls: true, certificate: true, id: some("d1"), ..nothing() };
    let on_azure = Given { host: some(HUB), username: some("hub.azure-devices.net/d1/?api-version=1"), ..base.clone() };
    let port = |port| Given { port: Some(port), ..base.clone() };
    let host = |host| Given { host: some(host), ..base.clone() };
    let topic = |topic| Given { topic: some(topic), ..base.clone() };
    let keep_alive = |keep_alive| Given { keep_alive, ..base.clone() };
    let alpn = |name: &str| Given { port: Some(443), alpn: vec![name.to_owned()], ..base.clone() };
    let path = |path| Given { websocket: some(path), ..base.clone() };
    let user = |user| Given { username: some(user), ..on_azure.clone() };
    let long = "i".repeat(1025);
    let qos_2 = |given: &Given| Given { qos: QoS::ExactlyOnce, ..given.clone() };
    for (preset, given, id) in [
        (Aws, port(443), "preset.alpn warning"),
        (Aws, alpn("http/1.1"), "preset.alpn warning"),
        (Aws, alpn("mqtt"), "preset.login warning"),
        (Aws, port(1883), "preset.port error"),
        (Aws, host("10.0.0.1"), "preset.sni warning"),
        (Aws, host("::1"), "preset.sni warning"),
        (Aws, host("iot.example.com"), "preset.host note"),
        (Aws, Given { id: some(&long[..129]), ..base.clone() }, "preset.client-id error"),
        (Aws, qos_2(&base), "preset.qos error"),
        (Aws, path("/mqtt"), "preset.websocket warning"),
        (Aws, keep_alive(29), "preset.keep-alive warning"),
        (Aws, keep_alive(1201), "preset.keep-alive warning"),
        (Aws, topic("1/2/3/4/5/6/7/8/9"), "preset.topic error"),
        (HiveMq, port(1883), "preset.port error"),
        (HiveMq, host("1.2.3.4"), "preset.sni warning"),
        (HiveMq, path("/ws"), "preset.websocket warning"),
        (Emqx, Given { port: Some(8883), ..path("/mqtt") }, "preset.port error"),
        (Emqx, path("/ws"), "preset.websocket error"),
        (Emqx, host("mqtt.example.com"), "preset.host warning"),
        (Emqx, host("1.2.3.4"), "preset.sni error"),
        (Emqx, Given { id: some(&long), ..base.clone() }, "preset.client-id error"),
        (Emqx, topic("1/2/3/4/5/6/7/8/9/10/11"), "preset.topic error"),
        (RabbitMq, path("/mqtt"), "preset.websocket warning"),
        (RabbitMq, port(15_675), "preset.websocket warning"),
        (RabbitMq, port(5672), "preset.port warning"),
        (RabbitMq, Given { port: Some(1883), ..path("/ws") }, "preset.port warning"),
        (RabbitMq, qos_2(&base), "preset.qos error"),
        (RabbitMq, Given { username: some("ann"), ..base.clone() }, "preset.username note"),
        (RabbitMq, Given { username: some("v:"), ..base.clone() }, "preset.username warning"),
        (RabbitMq, Given { username: some("v:guest"), ..host("mq.lan") }, "preset.username warning"),
    ] {
        assert_eq!(beside(preset, &base, &given), [id], "{preset:?} {given:?}");
    }
    for (given, id) in [
        (Given { port: Some(443), ..on_azure.clone() }, "preset.websocket error"),
        (Given { websocket: some("/mqtt"), ..on_azure.clone() }, "preset.websocket warning"),
        (Given { port: Some(1883), ..on_azure.clone() }, "preset.port error"),
        (Given { version: Some(ProtocolVersion::V5), ..on_azure.clone() }, "preset.version warning"),
        (Given { version: Some(ProtocolVersion::V31), ..on_azure.clone() }, "preset.version error"),
        (qos_2(&on_azure), "preset.qos error"),
        (Given { keep_alive: 1178, ..on_azure.clone() }, "preset.keep-alive warning"),
        (Given { topic: some("home"), ..on_azure.clone() }, "preset.topic error"),
        (Given { topic: some("devices/d2/messages/events/"), ..on_azure.clone() }, "preset.topic error"),
        (Given { topic: some("devices/d1/messages/events/"), ..on_azure.clone() }, "preset.topic warning"),
        (user("ann"), "preset.username error"),
        (user("hub.azure-devices.net/d2/?api-version=1"), "preset.username error"),
        (user("x.azure-devices.net/d1/?api-version=1"), "preset.username error"),
        (user("hub.azure-devices.net/d1/?api-version="), "preset.username warning"),
        (user("hub.azure-devices.net/d1?api-version=2021-04-12"), "preset.username warning"),
        (user("hub.azure-devices.net/d1"), "preset.username warning"),
        (user("hub.azure-devices.net/?api-version=2021-04-12"), "preset.username error"),
    ] {
        assert_eq!(beside(Azure, &on_azure, &given), [id], "{given:?}");
    }
}

#[test]
fn what_may_be_configured_otherwise_is_no_error() {
    // A gateway of IoT Edge, whose name is its own, a module of a device, and what a HiveMQ cluster lets in without a password.
    let password = b"SharedAccessSignature sr=hub.azure-devices.net%2Fdevices%2Fd1&sig=x&se=2000000".to_vec();
    let gateway = Given {
        host: some("edge.lan"),
        tls: true,
        id: some("d1"),
        connects: Connects::Never,
        username: some("hub.azure-devices.net/d1/?api-version=2021-04-12"),
        password: Some(Secret::new(password)),
        ..nothing()
    };
    assert_eq!(found(Preset::Azure, &gateway), ["preset.host note"]);
    let by_itself = b"SharedAccessSignature sr=edge.lan%2Fdevices%2Fd1&sig=x&se=2000000".to_vec();
    let by_itself = Given {
        username: some("edge.lan/d1/?api-version=2021-04-12"),
        password: Some(Secret::new(by_itself)),
        ..gateway.clone()
    };
    assert_eq!(found(Preset::Azure, &by_itself), ["preset.host note"]);
    let another = Given { host: some("edge2.lan"), ..by_itself };
    let expected = ["preset.host note", "preset.username warning", "preset.password warning"];
    assert_eq!(found(Preset::Azure, &another), expected);
    let device = Given { id: some("d2"), ..gateway.clone() };
    assert_eq!(found(Preset::Azure, &device), ["preset.host note", "preset.username error", "preset.password error"]);
    let user = judge(Preset::Azure, &device).into_stage(false).findings[1].fix.clone().unwrap();
    assert!(user.contains("HUB.azure-devices.net/d2/?"), "{user}");
    let there = Given { host: some("other.azure-devices.net"), ..gateway.clone() };
    assert_eq!(found(Preset::Azure, &there), ["preset.username error", "preset.password error"]);
    let module = Given {
        host: some(HUB),
        id: some("d1/camera"),
        username: some("hub.azure-devices.net/d1/camera/?api-version=2021-04-12"),
        topic: some("devices/d1/modules/camera/messages/events/"),
        ..gateway
    };
    assert_eq!(found(Preset::Azure, &module), [""; 0]);
    let hivemq = Given { tls: true, ..nothing() };
    let token = Some(Secret::new(b"a.b.c".to_vec()));
    for (given, expected) in [
        (Given { certificate: true, ..hivemq.clone() }, &[][..]),
        (Given { password: token, ..hivemq.clone() }, &["preset.login warning"]),
        (Given { username: some("ann"), ..hivemq.clone() }, &["preset.login error"]),
    ] {
        assert_eq!(found(Preset::HiveMq, &given), expected, "{given:?}");
    }
    let deep = Given { topic: some("1/2/3/4/5/6/7/8/9/10/11"), connects: Connects::Never, ..nothing() };
    assert!(found(Preset::Emqx, &deep).contains(&"preset.topic warning".to_owned()));
}

#[test]
fn rabbitmq_is_never_refused_for_what_its_administrator_decides() {
    let texts = ["v:", ":ann", "guest", "v:guest", "ann"];
    for username in texts.map(some).into_iter().chain([None]) {
        for port in [1883, 8883, 5672, 5671, 15_675, 15_676, 80] {
            for path in [None, some("/ws"), some("/mqtt")] {
                let given = Given {
                    host: some("mq.lan"),
                    port: Some(port),
                    websocket: path,
                    username: username.clone(),
                    ..nothing()
                };
                let found = found(Preset::RabbitMq, &given);
                assert!(!found.iter().any(|it| it.ends_with("error")), "{given:?}: {found:?}");
            }
        }
    }
}

#[test]
fn what_a_service_lets_in_is_not_in_its_way() {
    let given = Given { port: Some(1883), qos: QoS::ExactlyOnce, ..nothing() };
    let stage = judge(Preset::RabbitMq, &given).into_stage(true);
    let found: Vec<_> = stage.findings.iter().map(|it| (it.id, it.severity.name(), it.what.as_str())).collect();
    assert_eq!(found[0].0, "preset.login");
    assert!(found[0].1 == "note" && found[0].2.ends_with("; it let us in all the same"), "{found:?}");
    let own = Given { username: some("ann"), password_is_to_come: true, ..nothing() };
    let note = &judge(Preset::RabbitMq, &own).into_stage(true).findings[0];
    assert!(note.id == "preset.username" && !note.what.contains("all the same"), "{note:?}");
    assert_eq!(found[1], ("preset.qos", "error", "RabbitMQ has no QoS 2"));
}

#[test]
fn what_check_itself_would_do_is_told_only_where_it_connects() {
    let azure = Given {
        tls: true,
        certificate: true,
        username: some("hub.azure-devices.net/d1/?api-version=1"),
        id: some("d1"),
        topic: some("devices/d1/messages/events/"),
        ..nothing()
    };
    let of = |connects| found(Preset::Azure, &Given { connects, ..azure.clone() });
    assert_eq!(of(Connects::Never), [""; 0]);
    assert_eq!(of(Connects::WithTheId), ["preset.topic warning"]);
    assert_eq!(of(Connects::WithAnotherId), ["preset.client-id warning", "preset.topic warning"]);
    let no_id = Given { id: None, connects: Connects::Never, ..azure };
    assert_eq!(found(Preset::Azure, &no_id)[0], "preset.client-id warning");
}

#[test]
fn an_id_that_was_not_tried_was_not_let_in() {
    let long = Given { tls: true, certificate: true, id: some(&"i".repeat(129)), ..nothing() };
    for (connects, severity) in [(Connects::WithAnotherId, "error"), (Connects::WithTheId, "note")] {
        let stage = judge(Preset::Aws, &Given { connects, ..long.clone() }).into_stage(true);
        let finding = stage.findings.iter().find(|finding| finding.what.contains("128 bytes at most")).unwrap();
        assert_eq!(finding.severity.name(), severity, "{finding:?}");
    }
}

#[test]
fn a_token_is_judged_and_never_shown() {
    let judged = |token: &str, now: i64| {
        let given = Given {
            host: some(HUB),
            tls: true,
            id: some("d1"),
            username: some("hub.azure-devices.net/d1/?api-version=1"),
            password: Some(Secret::new(token.as_bytes().to_vec())),
            now,
            ..nothing()
        };
        let stage = judge(Preset::Azure, &given).into_stage(false);
        let text = format!("{:?} {:?}", stage.facts, stage.findings);
        assert!(!text.contains("VerySecret"), "{text}");
        let said = stage.findings.iter().map(|finding| format!("{}: {}", finding.id, finding.what));
        said.filter(|said| !said.starts_with("preset.client-id")).collect::<Vec<_>>().join("; ")
    };
    let token = "SharedAccessSignature sr=hub.azure-devices.net%2Fdevices%2Fd1&sig=VerySecret&se=20000";
    assert_eq!(judged(token, 0), "");
    assert_eq!(judged(token, 20_000 + 3 * 3600), "preset.token-expired: the SAS token has expired 3 hours ago");
    assert_eq!(judged(token, 19_900), "preset.token-expired: the SAS token expires in 100 seconds");
    let other = "SharedAccessSignature sr=hub.azure-devices.net%2Fdevices%2Fd2&sig=VerySecret&se=20000";
    assert!(judged(other, 0).starts_with("preset.password: the SAS token is for another device than -i"));
    assert!(judged("VerySecretKey=", 0).starts_with("preset.password: the password is no SAS token"));
}

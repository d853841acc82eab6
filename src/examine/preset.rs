//! `moskit check --preset`: what a service wants of a client by its vendor's public documentation, and what of it is missing in
//! what was given. Pure. Where the documentation is silent, that is said, and nothing is judged.
//!
//! What an administrator may have configured otherwise is a warning; an error is what the service never takes.
//!
//! * AWS IoT Core: `docs.aws.amazon.com/iot/latest/developerguide`, pages `protocols` (TLS, ports, ALPN, SNI), `mqtt` (QoS 2,
//!   retained messages), `custom-auth`; `apireference/API_CreateDomainConfiguration` (a domain that needs no ALPN or no certificate);
//!   `docs.aws.amazon.com/general/latest/gr/iot-core.html` (sizes, keep-alive)
//! * Azure IoT Hub: `learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub` (ports, names, tokens, QoS 2, RETAIN, topics, will,
//!   keep-alive, sizes), `iot-mqtt-5-preview`; `azure/iot-edge/how-to-authenticate-downstream-device` (a gateway is connected to by a
//!   name of its own), `github.com/Azure/iotedge/blob/main/doc/edgehub-api.md` (user names and tokens there name the hub).
//!   The path of its WebSockets stands in Microsoft's SDKs only; whether it needs SNI is not known
//! * HiveMQ Cloud: the vendor's example projects (`github.com/hivemq-cloud`: TLS on 8883), `docs.hivemq.com/hivemq-cloud/authn-authz.html`
//!   (password, certificate or JWT). That it needs SNI, and its
//!   WebSockets on 8884 at /mqtt, are known from its users, not from documentation
//! * EMQX Serverless: `docs.emqx.com/en/cloud/latest`, pages `deployments/port_guide_serverless` (TLS, ports, the one name),
//!   `create/restriction` (none of it adjustable; the levels are those of subscriptions)
//! * RabbitMQ: `rabbitmq.com/docs/mqtt`, `rabbitmq.com/docs/web-mqtt`, `rabbitmq.com/docs/access-control` (guest), the release notes
//!   of 4.1 (sizes). `ignore_colons_in_username` stands in its source only (`rabbit_mqtt_processor`), which takes what follows the
//!   last colon for the user

mod judge;
mod sas;

use crate::diagnose::{Finding, Severity};
use crate::examine::report::Stage;
use crate::mqtt::packet::{ProtocolVersion, QoS};
use crate::term::Secret;

pub use judge::judge;

/// A service that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Aws,
    Azure,
    HiveMq,
    Emqx,
    RabbitMq,
}

impl Preset {
    /// By the names of `--preset`.
    pub const ALL: [(&'static str, Self); 5] = [
        ("aws", Self::Aws),
        ("azure", Self::Azure),
        ("hivemq", Self::HiveMq),
        ("emqx", Self::Emqx),
        ("rabbitmq", Self::RabbitMq),
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS IoT Core",
            Self::Azure => "Azure IoT Hub",
            Self::HiveMq => "HiveMQ Cloud",
            Self::Emqx => "EMQX Serverless",
            Self::RabbitMq => "RabbitMQ",
        }
    }

    /// What it wants, for people, by what it is about.
    const fn wants(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Aws => &[
                ("port", "8883; or 443 with ALPN x-amzn-mqtt-ca for a certificate, mqtt for a custom authorizer"),
                ("tls", "1.2 or 1.3, by the name of the endpoint (SNI)"),
                ("login", "a client certificate, or a custom authorizer"),
                ("websocket", "443, at /mqtt, with a signed request (SigV4) or a custom authorizer"),
                ("client_id", "one that the policy allows, often the name of the thing; 128 bytes at most"),
                ("qos", "0 or 1; what is sent or asked for with 2 is not acknowledged"),
                ("keep_alive", "30 to 1200 s"),
                ("limits", "128 KB a message, 7 slashes in a topic, 8 filters in a SUBSCRIBE"),
            ],
            Self::Azure => &[
                ("port", "8883; WebSockets on 443"),
                ("tls", "always, by the name of the hub"),
                ("version", "MQTT 3.1.1"),
                ("client_id", "the id of the device; it has one connection"),
                ("user_name", "HUB/DEVICE/?api-version=2021-04-12, at a gateway of IoT Edge too"),
                ("password", "SharedAccessSignature sr=…&sig=…&se=END, or none with a client certificate"),
                ("qos", "0 or 1; a message with 2 ends the connection"),
                ("retained", "not kept: passed on with a property"),
                ("topic", "devices/DEVICE/messages/events/, for the will too; no message comes back on it"),
                ("keep_alive", "1177 s at most"),
                ("limits", "256 KB a message, 5 subscriptions"),
            ],
            Self::HiveMq => &[
                ("port", "8883; WebSockets on 8884 at /mqtt"),
                ("tls", "always, by the name of the cluster (SNI)"),
                ("login", "user name and password; or a client certificate or a token (JWT), by the plan"),
            ],
            Self::Emqx => &[
                ("port", "8883; WebSockets on 8084 at /mqtt"),
                ("tls", "1.2 or 1.3, by the deployment's own name and no other (SNI)"),
                ("login", "user name and password"),
                ("client_id", "1024 bytes at most"),
                (
                    "limits",
                    "1 MB a message, 10 messages/s a publisher, 10 levels in a subscription, 10 subscriptions a client, 2000 retained messages",
                ),
            ],
            Self::RabbitMq => &[
                ("port", "1883, or 8883 with TLS; WebSockets on 15675, or 15676 with TLS, at /ws"),
                ("user_name", "USER, or VHOST:USER for another virtual host than the default"),
                (
                    "login",
                    "user name and password, or the user of anonymous_login_user (before 4.0 mqtt.default_user) or of a certificate; guest from its own machine only",
                ),
                ("qos", "0 or 1; what is published with 2 is taken as 1, and with MQTT 5 ends the connection"),
                ("retained", "only for filters without wildcards, and on the node that got the message"),
                ("limits", "16 MiB a packet since 4.1, before that 256 MiB"),
            ],
        }
    }

    /// What the documentation does not say.
    const fn not_known(self) -> &'static str {
        match self {
            Self::Aws => "what the policy of this client and the configuration of the domain allow",
            Self::Azure => {
                "which versions of TLS this hub takes; the path of its WebSockets, /$iothub/websocket, stands in its SDKs only"
            }
            Self::HiveMq => "limits of sizes and keep-alive; SNI and the port of WebSockets are known from users",
            Self::Emqx => {
                "limits of keep-alive and of the levels of a topic that is published; deployments that are not Serverless have other rules"
            }
            Self::RabbitMq => "how this broker is configured: ports, paths and logins may be others",
        }
    }

    /// How the names of its brokers end, where they are the vendor's.
    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &[".amazonaws.com", ".amazonaws.com.cn"],
            Self::Azure => &[".azure-devices.net", ".azure-devices.cn", ".azure-devices.us"],
            Self::HiveMq => &[".hivemq.cloud"],
            Self::Emqx => &[".emqxsl.com", ".emqxsl.cn"],
            Self::RabbitMq => &[],
        }
    }
}

/// What was given, as far as a preset judges it. What was not given is `None`.
#[derive(Clone, Debug)]
pub struct Given {
    pub host: Option<String>,
    /// The one that is connected to, where a host or a port was given.
    pub port: Option<u16>,
    pub tls: bool,
    /// The protocols that are offered in the handshake.
    pub alpn: Vec<String>,
    /// The path of the WebSocket, where one is asked for.
    pub websocket: Option<String>,
    pub certificate: bool,
    pub id: Option<String>,
    pub connects: Connects,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// A password is to come, and nobody knows it yet.
    pub password_is_to_come: bool,
    pub qos: QoS,
    pub topic: Option<String>,
    pub version: Option<ProtocolVersion>,
    /// Seconds.
    pub keep_alive: u16,
    /// Seconds since 1970.
    pub now: i64,
}

impl Given {
    /// The path of the WebSocket, where one is asked for, without its query: servers choose by the path alone.
    fn websocket_path(&self) -> Option<&str> {
        self.websocket.as_deref().map(|path| path.split('?').next().unwrap_or_default())
    }
}

/// Whether the check connects, and as whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connects {
    Never,
    /// With an id of its own.
    WithAnotherId,
    /// With that of the client (`--as-client`).
    WithTheId,
}

/// What of a service's wishes is missing.
#[derive(Clone, Debug)]
pub struct Judgement {
    preset: Preset,
    /// What stands in the way of a connection.
    way: Vec<Finding>,
    /// What matters once there is one.
    use_of_it: Vec<Finding>,
}

impl Judgement {
    /// Stage `preset`. `accepted`: the service has let a client in with all that was given, so that what seemed to stand in the way
    /// does not.
    pub fn into_stage(self, accepted: bool) -> Stage {
        let Self { preset, mut way, use_of_it } = self;
        let mut stage = Stage::new("preset");
        stage.is_table = true;
        stage.fact("service", preset.name());
        for (about, wish) in preset.wants() {
            stage.fact(&format!("wants_{about}"), *wish);
        }
        stage.fact("not_known", preset.not_known());
        for finding in way.iter_mut().filter(|finding| accepted && finding.severity != Severity::Note) {
            finding.severity = Severity::Note;
            finding.what = format!("{}; it let us in all the same", finding.what);
        }
        stage.findings = way;
        stage.findings.extend(use_of_it);
        stage
    }
}

#[cfg(test)]
mod tests;

//! Brokers that are asked over their HTTP APIs, one file each.

use super::http::{Address, Api};
use super::{Error, Item, Note, Snapshot, Source, Want, emqx, hivemq, rabbitmq, rmqtt, vernemq};

/// Which broker's API it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Emqx,
    /// With the virtual host.
    RabbitMq {
        vhost: String,
    },
    VerneMq,
    HiveMq,
    Rmqtt,
}

impl Kind {
    /// By the first part of a source's scheme, and the path behind the host.
    pub fn parse(name: &str, path: &str) -> Option<Self> {
        Some(match name {
            "emqx" => Self::Emqx,
            "rabbitmq" => Self::RabbitMq { vhost: if path.is_empty() { "/".into() } else { path.into() } },
            "vernemq" => Self::VerneMq,
            "hivemq" => Self::HiveMq,
            "rmqtt" => Self::Rmqtt,
            _ => return None,
        })
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Emqx => "EMQX",
            Self::RabbitMq { .. } => "RabbitMQ",
            Self::VerneMq => "VerneMQ",
            Self::HiveMq => "HiveMQ",
            Self::Rmqtt => "RMQTT",
        }
    }

    /// Whether it was run against a real server; the others know recorded answers only.
    fn was_tried(&self) -> bool {
        matches!(self, Self::RabbitMq { .. } | Self::Rmqtt)
    }

    pub fn default_port(&self) -> u16 {
        match self {
            Self::Emqx => 18083,
            Self::RabbitMq { .. } => 15672,
            Self::VerneMq | Self::HiveMq => 8888,
            Self::Rmqtt => 6060,
        }
    }
}

/// A broker with an HTTP API.
#[derive(Clone, Debug)]
pub struct ApiSource {
    pub kind: Kind,
    pub address: Address,
}

impl Source for ApiSource {
    fn read(&mut self, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, Error> {
        let failed = |error| Error::Http(self.address.route.endpoint.to_string(), error);
        let mut api = Api::new(self.address.clone()).map_err(failed)?;
        let mut snapshot = match &self.kind {
            Kind::Emqx => emqx::read(&mut api, want, each),
            Kind::RabbitMq { vhost } => rabbitmq::read(&mut api, vhost, want, each),
            Kind::VerneMq => vernemq::read(&mut api, want, each),
            Kind::HiveMq => hivemq::read(&mut api, want, each),
            Kind::Rmqtt => rmqtt::read(&mut api, want, each),
        }
        .map_err(failed)?;
        snapshot.kind = format!("{} at {}", self.kind.name(), api.place());
        if !self.kind.was_tried() {
            snapshot.notes.push(Note::Experimental(self.kind.name()));
        }
        Ok(snapshot)
    }
}

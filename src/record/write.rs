//! A PUBLISH → a line of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::MAXIMUM_TEXT;
use crate::mqtt::packet::{Properties, Property, PublishRef, QoS};
use crate::state::ids::UnixTime;
use crate::term::format::{escape_json, put_number};

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// Writes records. It keeps how the last second looks, because most messages come within the same.
#[derive(Debug)]
pub struct Writer {
    second: i64,
    /// `2026-11-29T21:07:48`
    text: String,
}

impl Default for Writer {
    fn default() -> Self {
        Self { second: 0, text: "1970-01-01T00:00:00".to_owned() }
    }
}

impl Writer {
    /// Appends the record of a message, and its line end.
    pub fn write(&mut self, publish: &PublishRef<'_>, received: UnixTime, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"v\":1,\"ts\":\"");
        self.time(received, out);
        out.extend_from_slice(b"\",\"topic\":\"");
        escape_json(publish.topic, out);
        out.extend_from_slice(b"\",");
        binary("payload", publish.payload, out);
        out.extend_from_slice(b",\"qos\":");
        out.push(b'0' + publish.qos as u8);
        out.extend_from_slice(if publish.retain { b",\"retain\":true" } else { b",\"retain\":false" });
        out.extend_from_slice(if publish.dup { b",\"dup\":true" } else { b",\"dup\":false" });
        if let Some(id) = publish.packet_id.filter(|_| publish.qos != QoS::AtMostOnce) {
            out.extend_from_slice(b",\"mid\":");
            put_number(id.get().into(), out);
        }
        if !publish.properties.is_empty() {
            out.extend_from_slice(b",\"properties\":{");
            properties(publish.properties, out);
            out.push(b'}');
        }
        out.extend_from_slice(b"}\n");
    }

    /// `2026-11-29T21:07:48.123456789Z`
    fn time(&mut self, time: UnixTime, out: &mut Vec<u8>) {
        let second = time.seconds();
        if second != self.second {
            self.second = second;
            // The range of `UnixTime` lies within jiff's.
            let text = jiff::Timestamp::from_second(second).unwrap_or_default().to_string();
            self.text.clear();
            self.text.push_str(text.trim_end_matches('Z'));
        }
        out.extend_from_slice(self.text.as_bytes());
        let mut digits = *b".000000000Z";
        let mut rest = time.nanos().rem_euclid(SECOND);
        for digit in digits[1..10].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits);
    }
}

/// Appends the properties of a message as an object, as a record has them, of at most about `most` bytes: what comes after
/// that is left out, and `left-out` counts it.
pub fn write_properties(all: &Properties, most: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(b'{');
    properties(all, out);
    if out.len() - start > most {
        let mut size = 0;
        let mut line = Vec::new();
        let fits = |property: &&Property| {
            line.clear();
            properties(&std::iter::once((*property).clone()).collect(), &mut line);
            size += line.len() + 1;
            size <= most
        };
        let kept: Properties = all.iter().take_while(fits).cloned().collect();
        out.truncate(start + 1);
        properties(&kept, out);
        if !kept.is_empty() {
            out.push(b',');
        }
        number("left-out", (all.len() - kept.len()) as u64, out);
    }
    out.push(b'}');
}

/// `"name":"text"` for UTF-8, else `"name_b64":"base64"`.
fn binary(name: &str, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    match str::from_utf8(bytes) {
        Ok(text) if text.len() <= MAXIMUM_TEXT => {
            out.extend_from_slice(b"\":\"");
            escape_json(text, out);
        }
        _ => {
            out.extend_from_slice(b"_b64\":\"");
            let start = out.len();
            out.resize(start + bytes.len().div_ceil(3) * 4, 0);
            BASE64.encode_slice(bytes, &mut out[start..]).expect("base64 has four characters for three bytes");
        }
    }
    out.push(b'"');
}

/// By the names that `-D` has. What may repeat is a list that stands where the first of it stood.
fn properties(properties: &Properties, out: &mut Vec<u8>) {
    let (mut users, mut identifiers) = (false, false);
    let mut is_first = true;
    for property in properties {
        let done = match property {
            Property::UserProperty(..) => std::mem::replace(&mut users, true),
            Property::SubscriptionIdentifier(_) => std::mem::replace(&mut identifiers, true),
            _ => false,
        };
        if done {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        let name = property.id().name();
        match property {
            Property::PayloadFormatIndicator(value) => number(name, u64::from(*value), out),
            Property::MessageExpiryInterval(seconds) => number(name, u64::from(*seconds), out),
            Property::TopicAlias(alias) => number(name, u64::from(*alias), out),
            Property::ContentType(text) | Property::ResponseTopic(text) => {
                key(name, out);
                string(text, out);
            }
            Property::CorrelationData(data) => binary(name, data, out),
            Property::SubscriptionIdentifier(_) => list(name, properties, out, |property, out| match property {
                Property::SubscriptionIdentifier(identifier) => {
                    put_number(u64::from(*identifier), out);
                    true
                }
                _ => false,
            }),
            Property::UserProperty(..) => list(name, properties, out, |property, out| match property {
                Property::UserProperty(name, value) => {
                    out.push(b'[');
                    string(name, out);
                    out.push(b',');
                    string(value, out);
                    out.push(b']');
                    true
                }
                _ => false,
            }),
            // No other property stands in a PUBLISH, §3.3.2.3.
            _ => {}
        }
    }
}

/// `"name":[…]`: an element for each property that `each` writes.
fn list(name: &str, properties: &Properties, out: &mut Vec<u8>, each: impl Fn(&Property, &mut Vec<u8>) -> bool) {
    key(name, out);
    out.push(b'[');
    for property in properties {
        if each(property, out) {
            out.push(b',');
        }
    }
    out.pop();
    out.push(b']');
}

fn number(name: &str, value: u64, out: &mut Vec<u8>) {
    key(name, out);
    put_number(value, out);
}

fn key(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_json(text, out);
    out.push(b'"');
}

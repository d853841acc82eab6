//! The `%` conversions of a format: `%[-][0][width][.precision][separator]conversion`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::context::{Complaint, Context, Controls, shown};
use super::error::{FormatError, MAX_WIDTH};
use super::{json, number};
use crate::mqtt::packet::{Property, PublishRef};
use crate::term::foreign::escape_controls_in_json;

/// Characters that may stand before a conversion to part groups of hex digits.
const SEPARATORS: &[u8] = b"!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~ ";

/// One conversion with its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    conversion: Conversion,
    left: bool,
    zero: bool,
    /// 0 when none was given, which is the same.
    width: usize,
    precision: Option<usize>,
    separator: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conversion {
    Base64,
    TopicAlias,
    ContentType,
    CorrelationData,
    Double,
    ExpiryInterval,
    FormatIndicator,
    Float,
    Time,
    Json { embedded: bool },
    Length,
    PacketId,
    UserProperties,
    Payload,
    QoS,
    ResponseTopic,
    Retain,
    SubscriptionIdentifier,
    Topic,
    UnixTime,
    Hex { upper: bool },
}

/// Takes the first byte off `rest`.
pub fn next(rest: &mut &[u8]) -> Option<u8> {
    rest.split_off_first().copied()
}

impl Conversion {
    const fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'A' => Self::TopicAlias,
            b'b' => Self::Base64,
            b'C' => Self::ContentType,
            b'D' => Self::CorrelationData,
            b'd' => Self::Double,
            b'E' => Self::ExpiryInterval,
            b'F' => Self::FormatIndicator,
            b'f' => Self::Float,
            b'I' => Self::Time,
            b'j' => Self::Json { embedded: false },
            b'J' => Self::Json { embedded: true },
            b'l' => Self::Length,
            b'm' => Self::PacketId,
            b'P' => Self::UserProperties,
            b'p' => Self::Payload,
            b'q' => Self::QoS,
            b'R' => Self::ResponseTopic,
            b'r' => Self::Retain,
            b'S' => Self::SubscriptionIdentifier,
            b't' => Self::Topic,
            b'U' => Self::UnixTime,
            b'x' => Self::Hex { upper: false },
            b'X' => Self::Hex { upper: true },
            _ => return None,
        })
    }
}

impl Field {
    /// Takes what follows a `%` off `rest`. Only one flag is allowed; a width that begins with 0 is
    /// a second one, so `%-020t` passes and `%0-20t` does not.
    ///
    /// `None`: a percent sign. `exact`: only those that Mosquitto has.
    pub fn parse(rest: &mut &[u8], exact: bool) -> Result<Option<Self>, FormatError> {
        let incomplete = FormatError::IncompleteSpecifier;
        let mut letter = next(rest).ok_or(incomplete)?;
        let left = letter == b'-';
        let mut zero = letter == b'0';
        if left || zero {
            letter = next(rest).ok_or(incomplete)?;
        }
        zero |= letter == b'0';
        let width = digits(&mut letter, rest)?;
        let mut precision = None;
        if letter == b'.' {
            letter = next(rest).ok_or(incomplete)?;
            precision = Some(digits(&mut letter, rest)?);
        }
        let mut separator = b' ';
        if SEPARATORS.contains(&letter) {
            separator = letter;
            letter = next(rest).ok_or(incomplete)?;
        }
        if letter == b'%' {
            return Ok(None);
        }
        let conversion = Conversion::from_letter(letter)
            .filter(|conversion| !(exact && *conversion == Conversion::Base64))
            .ok_or(FormatError::InvalidSpecifier(letter))?;
        Ok(Some(Self { conversion, left, zero, width, precision, separator }))
    }

    /// Appends the field; on a complaint nothing, but what the complaint says.
    #[inline]
    pub fn render(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Result<(), Complaint> {
        let message = context.message;
        match self.conversion {
            Conversion::Topic => self.put_text(&shown(message.topic.as_bytes(), context.controls), out),
            Conversion::Payload => self.put_payload(message.payload, context.controls, out),
            _ => return self.render_other(context, out),
        }
        Ok(())
    }

    fn render_other(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Result<(), Complaint> {
        let message = context.message;
        match self.conversion {
            Conversion::Topic | Conversion::Payload => {}
            Conversion::Hex { upper } => self.put_hex(message.payload, upper, out),
            Conversion::Base64 => self.put_text(BASE64.encode(self.cut(message.payload)).as_bytes(), out),
            Conversion::TopicAlias => self.put_property(message, out, |property| match property {
                Property::TopicAlias(alias) => Some(i64::from(*alias)),
                _ => None,
            }),
            Conversion::ExpiryInterval => self.put_property(message, out, |property| match property {
                // Mosquitto prints it as a signed number.
                Property::MessageExpiryInterval(seconds) => Some(i64::from(seconds.cast_signed())),
                _ => None,
            }),
            Conversion::FormatIndicator => self.put_property(message, out, |property| match property {
                Property::PayloadFormatIndicator(indicator) => Some(i64::from(*indicator)),
                _ => None,
            }),
            Conversion::SubscriptionIdentifier => self.put_property(message, out, |property| match property {
                Property::SubscriptionIdentifier(identifier) => Some(i64::from(*identifier)),
                _ => None,
            }),
            Conversion::ContentType => {
                let content_type = message.properties.iter().find_map(|property| match property {
                    Property::ContentType(text) => Some(text.as_bytes()),
                    _ => None,
                });
                match content_type {
                    Some(text) => self.put_text(&shown(text, context.controls), out),
                    None => self.put_absent(out),
                }
            }
            Conversion::ResponseTopic => {
                if let Some(topic) = message.properties.iter().find_map(response_topic) {
                    self.put_text(&shown(topic, context.controls), out);
                }
            }
            Conversion::CorrelationData => {
                for property in message.properties {
                    if let Property::CorrelationData(data) = property {
                        out.extend_from_slice(&shown(data, context.controls));
                    }
                }
            }
            Conversion::UserProperties => put_user_properties(message, context.controls, out),
            Conversion::Length => self.put_number(message.payload.len() as i64, out),
            Conversion::PacketId => self.put_number(message.packet_id.map_or(0, |id| i64::from(id.get())), out),
            Conversion::QoS => out.push(b'0' + message.qos as u8),
            Conversion::Retain => out.push(b'0' + u8::from(message.retain)),
            Conversion::Time => {
                let mut text = [0; 24];
                text[..19].copy_from_slice(context.clock.date_and_time(context.now));
                text[19..].copy_from_slice(&context.clock.offset(context.now));
                self.put_text(&text, out);
            }
            Conversion::UnixTime => {
                number::put(context.now.seconds.unsigned_abs(), out);
                out.push(b'.');
                number::put_padded(u64::from(context.now.nanoseconds), 9, b'0', out);
            }
            Conversion::Double => {
                let bytes = message.payload.try_into().map_err(|_| Complaint::NotDouble)?;
                self.put_float(f64::from_ne_bytes(bytes), out);
            }
            Conversion::Float => {
                let bytes = message.payload.try_into().map_err(|_| Complaint::NotFloat)?;
                self.put_float(f64::from(f32::from_ne_bytes(bytes)), out);
            }
            Conversion::Json { embedded } => {
                let start = out.len();
                let complaint = json::render(context, embedded, out);
                if context.controls != Controls::Kept {
                    escape_controls_in_json(out, start);
                }
                complaint?;
            }
        }
        Ok(())
    }

    /// At least `width` and at most `precision` bytes; `0` does not matter.
    fn put_text(&self, text: &[u8], out: &mut Vec<u8>) {
        let text = self.precision.map_or(text, |most| &text[..text.len().min(most)]);
        self.put_aligned(b' ', out, |out| out.extend_from_slice(text));
    }

    /// The width is also the most that is printed.
    fn put_payload(&self, payload: &[u8], controls: Controls, out: &mut Vec<u8>) {
        let payload = shown(self.cut(payload), controls);
        self.put_aligned(self.fill(), out, |out| out.extend_from_slice(&payload));
    }

    fn put_number(&self, value: i64, out: &mut Vec<u8>) {
        self.put_signed(value < 0, out, |out| number::put(value.unsigned_abs(), out));
    }

    fn put_float(&self, value: f64, out: &mut Vec<u8>) {
        let zero = self.zero && value.is_finite();
        let field = Self { zero, ..*self };
        let precision = self.precision.unwrap_or(6);
        let negative = value.is_sign_negative();
        field.put_signed(negative, out, |out| number::put_fixed(value.abs(), precision, out));
    }

    /// Digits with their sign, which stands before zeros and behind spaces.
    fn put_signed(&self, negative: bool, out: &mut Vec<u8>, put_digits: impl FnOnce(&mut Vec<u8>)) {
        let sign: &[u8] = if negative { b"-" } else { b"" };
        if self.fill() == b'0' {
            out.extend_from_slice(sign);
            let width = self.width.saturating_sub(sign.len());
            Self { width, ..*self }.put_aligned(b'0', out, put_digits);
        } else {
            self.put_aligned(b' ', out, |out| {
                out.extend_from_slice(sign);
                put_digits(out);
            });
        }
    }

    /// A number that a property holds; nothing but the fill if the message has none.
    fn put_property(&self, message: PublishRef<'_>, out: &mut Vec<u8>, value: impl Fn(&Property) -> Option<i64>) {
        match message.properties.iter().find_map(value) {
            Some(value) => self.put_number(value, out),
            None => self.put_absent(out),
        }
    }

    /// What stands for a property that the message does not have. Here `0` counts beside `-`, and for texts, too.
    fn put_absent(&self, out: &mut Vec<u8>) {
        out.resize(out.len() + self.width, if self.zero { b'0' } else { b' ' });
    }

    /// Two digits for each byte, a separator behind every `precision` of them. What fills the field
    /// from the left is grouped with them.
    fn put_hex(&self, payload: &[u8], upper: bool, out: &mut Vec<u8>) {
        let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let payload = self.cut(payload);
        let characters = payload.len() * 2;
        let missing = self.width.saturating_sub(characters);
        let before = if self.left { 0 } else { missing };
        let group = self.precision.filter(|group| *group > 0).unwrap_or(usize::MAX);
        let filled = std::iter::repeat_n(self.fill(), before);
        let hex = payload.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        if group == usize::MAX {
            out.extend(filled);
            out.reserve(characters);
            out.extend(hex);
        } else {
            for (index, character) in filled.chain(hex).enumerate() {
                if index > 0 && index.is_multiple_of(group) {
                    out.push(self.separator);
                }
                out.push(character);
            }
        }
        if self.left {
            out.resize(out.len() + missing, b' ');
        }
    }

    fn cut<'p>(&self, payload: &'p [u8]) -> &'p [u8] {
        if self.width == 0 { payload } else { &payload[..payload.len().min(self.width)] }
    }

    /// What fills the field from the left: `-` wins over `0`.
    fn fill(&self) -> u8 {
        if self.zero && !self.left { b'0' } else { b' ' }
    }

    /// What `put` appends, filled to the width.
    #[inline]
    fn put_aligned(&self, fill: u8, out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        put(out);
        let missing = self.width.saturating_sub(out.len() - start);
        if missing > 0 {
            out.resize(out.len() + missing, fill);
            if !self.left {
                out[start..].rotate_right(missing);
            }
        }
    }
}

/// The number that begins with `letter`; 0 if there is none. `letter` becomes what follows it.
fn digits(letter: &mut u8, rest: &mut &[u8]) -> Result<usize, FormatError> {
    let mut number = 0_usize;
    while letter.is_ascii_digit() {
        number = number * 10 + usize::from(*letter - b'0');
        if number > MAX_WIDTH {
            return Err(FormatError::TooWide);
        }
        *letter = next(rest).ok_or(FormatError::IncompleteSpecifier)?;
    }
    Ok(number)
}

fn response_topic(property: &Property) -> Option<&[u8]> {
    match property {
        Property::ResponseTopic(topic) => Some(topic.as_bytes()),
        _ => None,
    }
}

fn put_user_properties(message: PublishRef<'_>, controls: Controls, out: &mut Vec<u8>) {
    let mut is_first = true;
    for property in message.properties {
        if let Property::UserProperty(name, value) = property {
            if !std::mem::take(&mut is_first) {
                out.push(b' ');
            }
            out.extend_from_slice(&shown(name.as_bytes(), controls));
            out.push(b':');
            out.extend_from_slice(&shown(value.as_bytes(), controls));
        }
    }
}

//! `%j` and `%J`: a message as JSON, with the keys, types and layout of Mosquitto's.
//!
//! Unlike Mosquitto's it is always valid: NUL is `\u0000` instead of an end, and what is no UTF-8 is U+FFFD.

use super::context::{Complaint, Context, Embedding};
use super::number;
use crate::mqtt::packet::{Properties, Property, QoS};

/// Arrays and objects within each other, as cJSON limits them.
const MAX_DEPTH: usize = 1000;

/// Appends the message. With `embedded` the payload becomes part of it as the JSON that it is; one that is none is refused, or as
/// [`Embedding::Whole`] written as a string.
pub fn render(context: &mut Context<'_>, embedded: bool, out: &mut Vec<u8>) -> Result<(), Complaint> {
    let message = context.message;
    let start = out.len();
    let mut writer = Writer { out, pretty: context.pretty, depth: 0, is_first: true };
    writer.open(b'{');
    writer.key(b"tst");
    writer.out.push(b'"');
    writer.out.extend_from_slice(context.clock.date_and_time(context.now));
    writer.out.push(b'.');
    number::put_padded(u64::from(context.now.nanoseconds / 1000), 6, b'0', writer.out);
    writer.out.extend_from_slice(&context.clock.offset(context.now));
    writer.out.push(b'"');
    writer.key(b"topic");
    writer.string(message.topic.as_bytes());
    writer.key(b"qos");
    writer.integer(message.qos as u64);
    writer.key(b"retain");
    writer.word(if message.retain { b"true" } else { b"false" });
    writer.key(b"payloadlen");
    writer.integer(message.payload.len() as u64);
    if message.qos != QoS::AtMostOnce {
        writer.key(b"mid");
        writer.integer(message.packet_id.map_or(0, |id| u64::from(id.get())));
    }
    if !message.properties.is_empty() {
        writer.key(b"properties");
        properties(message.properties, &mut writer);
    }
    writer.key(b"payload");
    if message.payload.is_empty() {
        writer.word(b"null");
    } else if embedded {
        let (before, depth) = (writer.out.len(), writer.depth);
        let mut reader = Reader { text: message.payload, embedding: context.embedding };
        if reader.document(&mut writer).is_none() {
            if context.embedding == Embedding::AsCjson {
                out.truncate(start);
                return Err(Complaint::NotJson);
            }
            writer.out.truncate(before);
            (writer.depth, writer.is_first) = (depth, false);
            writer.string(message.payload);
            writer.close(b'}');
            return Err(Complaint::NotJsonButString);
        }
    } else {
        writer.string(message.payload);
    }
    writer.close(b'}');
    Ok(())
}

/// In wire order; the user properties together where the first of them stood.
fn properties(properties: &Properties, writer: &mut Writer<'_>) {
    let mut users_done = false;
    writer.open(b'{');
    for property in properties {
        match property {
            Property::PayloadFormatIndicator(number) => {
                writer.key(b"payload-format-indicator");
                writer.integer(u64::from(*number));
            }
            Property::MessageExpiryInterval(seconds) => {
                writer.key(b"message-expiry-interval");
                writer.integer(u64::from(*seconds));
            }
            Property::ContentType(text) => {
                writer.key(b"content-type");
                writer.string(text.as_bytes());
            }
            Property::ResponseTopic(topic) => {
                writer.key(b"response-topic");
                writer.string(topic.as_bytes());
            }
            Property::CorrelationData(data) => {
                writer.key(b"correlation-data");
                writer.string(data);
            }
            Property::SubscriptionIdentifier(number) => {
                writer.key(b"subscription-identifier");
                writer.integer(u64::from(*number));
            }
            Property::TopicAlias(alias) => {
                writer.key(b"topic-alias");
                writer.integer(u64::from(*alias));
            }
            Property::UserProperty(..) if !users_done => {
                users_done = true;
                writer.key(b"user-properties");
                user_properties(properties, writer);
            }
            // No other property stands in a PUBLISH.
            _ => {}
        }
    }
    writer.close(b'}');
}

/// One object for each, because names may repeat.
fn user_properties(properties: &Properties, writer: &mut Writer<'_>) {
    writer.open(b'[');
    for property in properties {
        if let Property::UserProperty(name, value) = property {
            writer.element();
            writer.open(b'{');
            writer.key(name.as_bytes());
            writer.string(value.as_bytes());
            writer.close(b'}');
        }
    }
    writer.close(b']');
}

/// Writes JSON as cJSON lays it out: nothing between the parts, or with `pretty` a line for each
/// member, tabs, and arrays on one line.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    pretty: bool,
    depth: usize,
    /// Nothing has been written into the array or object that was opened last.
    is_first: bool,
}

impl Writer<'_> {
    fn open(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.depth += 1;
        self.is_first = true;
        if self.pretty && bracket == b'{' {
            self.out.push(b'\n');
        }
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        if self.pretty && bracket == b'}' {
            if !self.is_first {
                self.out.push(b'\n');
            }
            self.indent();
        }
        self.out.push(bracket);
        self.is_first = false;
    }

    fn indent(&mut self) {
        self.out.resize(self.out.len() + self.depth, b'\t');
    }

    /// What stands before a member of an object, up to its value.
    fn key(&mut self, key: &[u8]) {
        self.begin_member();
        self.string(key);
        self.end_key();
    }

    fn begin_member(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
            if self.pretty {
                self.out.push(b'\n');
            }
        }
        if self.pretty {
            self.indent();
        }
    }

    fn end_key(&mut self) {
        self.out.push(b':');
        if self.pretty {
            self.out.push(b'\t');
        }
    }

    /// What stands before an element of an array.
    fn element(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.extend_from_slice(if self.pretty { b", " } else { b"," });
        }
    }

    fn word(&mut self, word: &[u8]) {
        self.out.extend_from_slice(word);
    }

    fn integer(&mut self, value: u64) {
        number::put(value, self.out);
    }

    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        escape(bytes, self.out);
        self.out.push(b'"');
    }
}

/// Appends the inside of a string.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    if let Ok(text) = str::from_utf8(bytes) {
        escape_json(text, out);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        escape_json(chunk.valid(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Appends the inside of a string of JSON. What needs no escape is copied in runs.
pub fn escape_json(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control & 15)]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Reads JSON as cJSON does, which is a little more than the standard allows, and writes it again
/// while reading. `None` is an error.
struct Reader<'t> {
    text: &'t [u8],
    embedding: Embedding,
}

impl Reader<'_> {
    fn document(&mut self, writer: &mut Writer<'_>) -> Option<()> {
        self.text = self.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.text);
        self.skip_space();
        self.value(0, writer)?;
        self.skip_space();
        self.text.is_empty().then_some(())
    }

    /// Every byte up to the space counts as one.
    fn skip_space(&mut self) {
        let end = self.text.iter().position(|byte| *byte > b' ').unwrap_or(self.text.len());
        self.text = &self.text[end..];
    }

    fn take(&mut self, prefix: &[u8]) -> bool {
        let rest = self.text.strip_prefix(prefix);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn value(&mut self, depth: usize, writer: &mut Writer<'_>) -> Option<()> {
        match self.text.first()? {
            b'{' if depth < MAX_DEPTH => self.object(depth, writer),
            b'[' if depth < MAX_DEPTH => self.array(depth, writer),
            b'"' => self.string(writer),
            b'-' | b'0'..=b'9' => self.number(writer),
            _ => {
                let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| self.take(word))?;
                writer.word(word);
                Some(())
            }
        }
    }

    fn object(&mut self, depth: usize, writer: &mut Writer<'_>) -> Option<()> {
        self.take(b"{");
        writer.open(b'{');
        self.skip_space();
        while !(writer.is_first && self.take(b"}")) {
            writer.begin_member();
            self.string(writer)?;
            writer.end_key();
            self.skip_space();
            self.take(b":").then_some(())?;
            self.skip_space();
            self.value(depth + 1, writer)?;
            self.skip_space();
            if !self.take(b",") {
                self.take(b"}").then_some(())?;
                break;
            }
            self.skip_space();
        }
        writer.close(b'}');
        Some(())
    }

    fn array(&mut self, depth: usize, writer: &mut Writer<'_>) -> Option<()> {
        self.take(b"[");
        writer.open(b'[');
        self.skip_space();
        while !(writer.is_first && self.take(b"]")) {
            writer.element();
            self.value(depth + 1, writer)?;
            self.skip_space();
            if !self.take(b",") {
                self.take(b"]").then_some(())?;
                break;
            }
            self.skip_space();
        }
        writer.close(b']');
        Some(())
    }

    /// The longest number there is, as a double.
    fn number(&mut self, writer: &mut Writer<'_>) -> Option<()> {
        let digits = |from: usize| self.text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let sign = usize::from(self.text.first() == Some(&b'-'));
        let mut end = sign + digits(sign);
        if self.text.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(self.text.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.text.get(end + 1), Some(b'+' | b'-')));
            let exponent = self.text.get(end + 1 + sign..).map_or(0, |_| digits(end + 1 + sign));
            end += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
        let token = str::from_utf8(&self.text[..end]).ok()?;
        let number = token.parse().ok()?;
        self.text = &self.text[end..];
        let start = writer.out.len();
        number::put_json(number, writer.out);
        if self.embedding == Embedding::Whole && !number::are_equal(token.as_bytes(), &writer.out[start..]) {
            writer.out.truncate(start);
            number::put_token(token, writer.out);
        }
        Some(())
    }

    fn string(&mut self, writer: &mut Writer<'_>) -> Option<()> {
        self.take(b"\"").then_some(())?;
        writer.out.push(b'"');
        loop {
            let end = memchr::memchr2(b'"', b'\\', self.text)?;
            escape(&self.text[..end], writer.out);
            let quote = self.text[end];
            self.text = &self.text[end + 1..];
            if quote == b'"' {
                writer.out.push(b'"');
                return Some(());
            }
            let character = self.escaped()?;
            escape_json(character.encode_utf8(&mut [0; 4]), writer.out);
        }
    }

    /// What a backslash and the text behind it stand for.
    fn escaped(&mut self) -> Option<char> {
        let letter = *self.text.split_off_first()?;
        Some(match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'"' | b'\\' | b'/' => char::from(letter),
            b'u' => {
                let first = self.four_digits()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first);
                }
                self.take(b"\\u").then_some(())?;
                let second = self.four_digits()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)?
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.split_off(..4)?;
        digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
    }
}

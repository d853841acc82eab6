//! Frames of WebSockets (RFC 6455, 5): bytes in, events out. Pure.

use std::fmt;
use std::io;

use bytes::{Buf, BufMut, BytesMut};

/// The longest frame that is read. One may hold many packets, the longest of which has 256 MiB; the
/// payload is handed on as it arrives and never collected.
pub const FRAME_LIMIT: u64 = 1 << 30;

/// The longest payload of a control frame (RFC 6455, 5.5).
const CONTROL_LIMIT: u8 = 125;

/// In place of a short length: two bytes of length follow, or eight.
const LENGTH_16: u8 = 0x7e;
const LENGTH_64: u8 = 0x7f;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// How a frame breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameError {
    /// Bits that no extension was agreed on for.
    ReservedBits,
    Opcode(u8),
    /// MQTT travels in binary frames [MQTT-6.0.0-1].
    Text,
    /// A client must mask and a server must not.
    Mask,
    ControlTooLong,
    ControlFragmented,
    TooLong,
    /// A continuation of nothing, or a message within a message.
    Fragmentation,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a broken WebSocket frame: ")?;
        f.write_str(match self {
            Self::ReservedBits => "reserved bits are set",
            Self::Opcode(opcode) => return write!(f, "opcode {opcode} does not exist"),
            Self::Text => "text instead of binary data",
            Self::Mask => "masked by the server, or not masked by the client",
            Self::ControlTooLong => "a control frame of more than 125 bytes",
            Self::ControlFragmented => "a control frame in pieces",
            Self::TooLong => "more than 1 GiB long",
            Self::Fragmentation => "a continuation of nothing, or a message within a message",
        })
    }
}

impl FrameError {
    /// The status code of the close frame that answers it (RFC 6455, 7.4.1).
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Text => 1003,
            Self::TooLong => 1009,
            _ => 1002,
        }
    }
}

impl std::error::Error for FrameError {}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// What the next bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Payload, unmasked; never empty.
    Data(BytesMut),
    /// A whole control frame.
    Control(Opcode, Vec<u8>),
    NeedMore,
}

/// Reads frames of one direction.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Frames must be masked (we are the server) or must not be.
    masked: bool,
    /// Within a data frame: bytes still to come, and the mask turned to the next of them.
    remaining: u64,
    mask: [u8; 4],
    /// Within a message whose last frame is still to come.
    fragmented: bool,
}

impl Decoder {
    pub fn new(masked: bool) -> Self {
        Self { masked, remaining: 0, mask: [0; 4], fragmented: false }
    }

    /// Nothing is missing if the connection ends here.
    pub fn is_between_frames(&self) -> bool {
        self.remaining == 0 && !self.fragmented
    }

    /// Takes the next event from `input`; data at most `limit` bytes at a time. Where frames begin and end says nothing of
    /// packets [MQTT-6.0.0-2].
    pub fn decode(&mut self, input: &mut BytesMut, limit: usize) -> Result<Event, FrameError> {
        loop {
            if self.remaining > 0 {
                if input.is_empty() {
                    return Ok(Event::NeedMore);
                }
                return Ok(Event::Data(self.take_data(input, limit)));
            }
            let Some(header) = Header::parse(input, self.masked)? else { return Ok(Event::NeedMore) };
            match header.opcode {
                Opcode::Binary | Opcode::Continuation => {
                    if (header.opcode == Opcode::Continuation) != self.fragmented {
                        return Err(FrameError::Fragmentation);
                    }
                    input.advance(header.length);
                    self.fragmented = !header.last;
                    self.remaining = header.payload;
                    self.mask = header.mask;
                }
                control => {
                    if !header.last {
                        return Err(FrameError::ControlFragmented);
                    }
                    // At most 125, by `Header::parse`.
                    let payload = header.payload as usize;
                    if input.len() < header.length + payload {
                        return Ok(Event::NeedMore);
                    }
                    input.advance(header.length);
                    let mut payload = input.split_to(payload).to_vec();
                    apply_mask(&mut payload, header.mask);
                    return Ok(Event::Control(control, payload));
                }
            }
        }
    }

    fn take_data(&mut self, input: &mut BytesMut, limit: usize) -> BytesMut {
        let available = input.len().min(limit);
        let length = usize::try_from(self.remaining).map_or(available, |remaining| remaining.min(available));
        let mut data = input.split_to(length);
        apply_mask(&mut data, self.mask);
        self.mask.rotate_left(length % 4);
        self.remaining -= length as u64;
        data
    }
}

struct Header {
    last: bool,
    opcode: Opcode,
    mask: [u8; 4],
    payload: u64,
    /// Of the header itself.
    length: usize,
}

impl Header {
    /// `None` when more bytes are needed; what is there is already checked.
    fn parse(input: &[u8], must_be_masked: bool) -> Result<Option<Self>, FrameError> {
        let [first, second, rest @ ..] = input else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(FrameError::ReservedBits);
        }
        let opcode = match first & 0x0f {
            0 => Opcode::Continuation,
            1 => return Err(FrameError::Text),
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            other => return Err(FrameError::Opcode(other)),
        };
        if (second & 0x80 != 0) != must_be_masked {
            return Err(FrameError::Mask);
        }
        let is_control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
        if is_control && second & 0x7f > CONTROL_LIMIT {
            return Err(FrameError::ControlTooLong);
        }
        let (payload, rest) = match second & 0x7f {
            LENGTH_16 => match rest.split_first_chunk() {
                Some((digits, rest)) => (u64::from(u16::from_be_bytes(*digits)), rest),
                None => return Ok(None),
            },
            LENGTH_64 => match rest.split_first_chunk() {
                Some((digits, rest)) => (u64::from_be_bytes(*digits), rest),
                None => return Ok(None),
            },
            length => (u64::from(length), rest),
        };
        if payload > FRAME_LIMIT {
            return Err(FrameError::TooLong);
        }
        let (mask, rest) = match rest.split_first_chunk() {
            _ if !must_be_masked => ([0; 4], rest),
            Some((mask, rest)) => (*mask, rest),
            None => return Ok(None),
        };
        Ok(Some(Self { last: first & 0x80 != 0, opcode, mask, payload, length: input.len() - rest.len() }))
    }
}

fn apply_mask(bytes: &mut [u8], mask: [u8; 4]) {
    if mask != [0; 4] {
        for (byte, key) in bytes.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
    }
}

/// Appends a whole frame.
pub(super) fn encode(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>, out: &mut BytesMut) {
    const LAST: u8 = 0x80;
    let masked = if mask.is_some() { 0x80 } else { 0 };
    out.reserve(payload.len() + 14);
    out.put_u8(LAST | opcode as u8);
    match payload.len() {
        length @ 0..126 => out.put_u8(masked | length as u8),
        length @ 126..0x1_0000 => {
            out.put_u8(masked | LENGTH_16);
            out.put_u16(length as u16);
        }
        length => {
            out.put_u8(masked | LENGTH_64);
            out.put_u64(length as u64);
        }
    }
    if let Some(mask) = mask {
        out.put_slice(&mask);
    }
    let start = out.len();
    out.put_slice(payload);
    apply_mask(&mut out[start..], mask.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode_all(decoder: &mut Decoder, input: &mut BytesMut) -> Result<Vec<Event>, FrameError> {
        let mut events = Vec::new();
        loop {
            match decoder.decode(input, 1000)? {
                Event::NeedMore => return Ok(events),
                event => events.push(event),
            }
        }
    }

    fn refused(bytes: &[u8], masked: bool) -> FrameError {
        decode_all(&mut Decoder::new(masked), &mut BytesMut::from(bytes)).unwrap_err()
    }

    #[test]
    fn the_examples_of_rfc_6455_section_5_7_are_read() {
        let mut decoder = Decoder::new(true);
        let mut ping = BytesMut::from(&[0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58][..]);
        let hello = Event::Control(Opcode::Ping, b"Hello".to_vec());
        assert_eq!(decode_all(&mut decoder, &mut ping).unwrap(), [hello]);
        let mut long = BytesMut::from(&[0x82, 0x7e, 0x01, 0x00][..]);
        long.extend_from_slice(&[7; 256]);
        let data = Event::Data(BytesMut::from(&[7; 256][..]));
        assert_eq!(decode_all(&mut Decoder::new(false), &mut long).unwrap(), [data]);
    }

    #[test]
    fn what_breaks_the_rules_is_named() {
        assert_eq!(refused(&[0xc2, 0x00], false), FrameError::ReservedBits);
        assert_eq!(refused(&[0x83, 0x00], false), FrameError::Opcode(3));
        assert_eq!(refused(&[0x81, 0x00], false), FrameError::Text);
        assert_eq!(refused(&[0x82, 0x80], false), FrameError::Mask);
        assert_eq!(refused(&[0x82, 0x00], true), FrameError::Mask);
        assert_eq!(refused(&[0x89, 0x7e], false), FrameError::ControlTooLong);
        assert_eq!(refused(&[0x09, 0x00], false), FrameError::ControlFragmented);
        assert_eq!(refused(&[0x80, 0x00], false), FrameError::Fragmentation);
        assert_eq!(refused(&[0x02, 0x01, 1, 0x82, 0x01, 2], false), FrameError::Fragmentation);
        assert_eq!(refused(&[0x82, 0x7f, 0, 0, 0, 0, 0x40, 0, 0, 1], false), FrameError::TooLong);
        assert_eq!(refused(&[0x82, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0], false), FrameError::TooLong);
    }

    #[test]
    fn a_control_frame_may_stand_between_the_pieces_of_a_message() {
        let mut input = BytesMut::from(&[0x02, 1, b'a', 0x89, 0, 0x80, 1, b'b'][..]);
        let mut decoder = Decoder::new(false);
        let events = decode_all(&mut decoder, &mut input).unwrap();
        let data = |bytes: &[u8]| Event::Data(BytesMut::from(bytes));
        assert_eq!(events, [data(b"a"), Event::Control(Opcode::Ping, Vec::new()), data(b"b")]);
        assert!(decoder.is_between_frames());
    }

    #[test]
    fn an_announced_length_reserves_nothing() {
        let mut input = BytesMut::from(&[0x82, 0x7f, 0, 0, 0, 0, 0x40, 0, 0, 0, b'x'][..]);
        let mut decoder = Decoder::new(false);
        assert_eq!(decode_all(&mut decoder, &mut input).unwrap(), [Event::Data(BytesMut::from(&b"x"[..]))]);
        assert!(!decoder.is_between_frames());
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back_however_it_is_cut(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..6),
            mask in any::<Option<[u8; 4]>>(),
            cut in 1usize..50,
        ) {
            let mut wire = BytesMut::new();
            for payload in &payloads {
                encode(Opcode::Binary, payload, mask, &mut wire);
            }
            let mut decoder = Decoder::new(mask.is_some());
            let mut input = BytesMut::new();
            let mut got = Vec::new();
            for piece in wire.chunks(cut) {
                input.extend_from_slice(piece);
                for event in decode_all(&mut decoder, &mut input).unwrap() {
                    let Event::Data(bytes) = event else { panic!("{event:?}") };
                    got.extend_from_slice(&bytes);
                }
            }
            prop_assert_eq!(got, payloads.concat());
            prop_assert!(decoder.is_between_frames());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), masked in any::<bool>()) {
            let _ = decode_all(&mut Decoder::new(masked), &mut BytesMut::from(&bytes[..]));
        }
    }
}

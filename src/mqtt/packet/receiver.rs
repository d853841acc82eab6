//! The two ends of a connection, as far as decoding differs between them.

/// Who reads: a server is as strict as the standards, a client forgives what libmosquitto forgives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    Server,
    Client,
}

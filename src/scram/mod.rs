//! SCRAM, a login by challenge and response, RFC 5802 and 7677: the client proves that it knows the password without sending
//! it, the server that it has what was made of it. Pure but for random numbers.
//!
//! The client's half is [`Credentials`] and [`ClientExchange`], the server's [`ServerExchange`]; [`Keys`] is what a server
//! keeps in place of a password (`passwd::scram` has the file). Ours, over the HMAC and PBKDF2 of aws-lc-rs: the crates that there are bound no
//! iteration count and know no answer for a user who does not exist.

mod client;
mod keys;
mod message;
mod server;

pub use client::{ClientExchange, Credentials, CredentialsError, Distrust};
pub use keys::{
    DEFAULT_ITERATIONS, Keys, KeysError, KeysFault, LEAST_ITERATIONS, MOST_ITERATIONS, Mechanism, NoRandom, SALT_BYTES,
    Unprepared, prepare,
};
pub use message::MAXIMUM_MESSAGE;
pub use server::{Refused, ServerExchange, UserKeys};

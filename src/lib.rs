//! moskit, the MQTT toolkit: the map of the house.
//!
//! ```text
//! argv ──► cmd ──► Options ──► net ──► client ──► mqtt::session ──► mqtt::packet     one direction, one noun each
//!           │      (valid)    (bytes)  (moves       (decides)        (bytes ⇄ Packet)
//!           ▼                           bytes)
//!         term  ◄── events: message, acknowledged, closed ──┘
//!        (text, exit code)
//! ```
//!
//! * [`mqtt`]: the protocol, pure: packets, topics, flows, the client's side of a session
//! * [`broker`]: the embedded broker; its core is pure too
//! * [`net`]: how to reach a peer or be reached, TLS included; knows no packet
//! * [`client`]: a session over a stream
//! * [`state`]: what brokers leave on disk
//! * [`decode`]: payloads as JSON, by the format that they are said to have
//! * [`record`]: a message as a line of JSON, written and read
//! * [`pki`]: keys, certificates, chains
//! * [`passwd`]: the password file
//! * [`queue`]: where waiting messages can be read from, and the age × who table
//! * [`diagnose`]: facts of a failure → cause and hint
//! * [`talk`]: a bounded conversation in packets, with whatever answers
//! * [`probe`]: what answers at an address, and what it offers
//! * [`examine`]: what is wrong with files, configurations, sessions and running brokers
//! * [`term`]: everything that a person sees
//! * [`cmd`]: one folder a verb (`clients`: pub, sub and rr), and what several share
//! * [`private_folder`]: temporary folders of our own
//! * [`text_file`]: text files as editors leave them
//! * [`whole_file`]: files written whole or not at all
//! * [`file_set`]: files that belong together, replaced even when the process is killed half-way
//! * [`os`]: what differs between operating systems; below all the others
//!
//! A module names only modules on lines above its own; `tests/integration/house.rs` holds the table.

pub mod broker;
pub mod client;
pub mod cmd;
pub mod decode;
pub mod diagnose;
pub mod examine;
pub mod file_set;
pub mod mqtt;
pub mod net;
pub mod os;
pub mod passwd;
pub mod pki;
pub mod private_folder;
pub mod probe;
pub mod queue;
pub mod record;
pub mod state;
pub mod talk;
pub mod term;
pub mod text_file;
pub mod whole_file;

//! moskit, the MQTT toolkit: module overview.
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
//! * [`jwt`]: JSON Web Tokens, taken apart and verified
//! * [`scram`]: logins by challenge and response, both halves, and their file
//! * [`http`]: requests over HTTP/1.1, for those that know what they ask
//! * [`oauth`]: tokens from an OAuth server, for who logs in with them
//! * [`queue`]: where waiting messages can be read from, and the age × who table
//! * [`diagnose`]: facts of a failure → cause and hint
//! * [`talk`]: a bounded conversation in packets, with whatever answers
//! * [`probe`]: what answers at an address, and what it offers
//! * [`examine`]: what is wrong with files, configurations, sessions and running brokers
//! * [`term`]: everything that a person sees
//! * [`cmd`]: one folder a verb (`clients`: pub, sub and rr), and what several share
//! * [`escape`]: strangers' text made safe for a terminal
//! * [`private_folder`]: temporary folders of our own
//! * [`text_file`]: text files as editors leave them; [`c_text`]: text as C's library reads it
//! * [`whole_file`]: files written whole or not at all
//! * [`file_set`]: files that belong together, replaced even when the process is killed half-way
//! * [`os`]: what differs between operating systems; below all the others
//!
//! A module names only modules on lines above its own; `tests/integration/house.rs` holds the table.
//!
//! # Where each rule is decided
//!
//! | rule | file | function |
//! |---|---|---|
//! | a QoS 2 message that the server sends again | `src/mqtt/flow.rs` | `handle_publish` |
//! | a QoS 2 message that a client sends again | `src/broker/publish.rs` | `keep_incoming` |
//! | when a will is sent, its delay | `src/broker/will.rs` | `will_after_connection` |
//! | when a session ends, and the cap of its expiry interval | `src/broker/session_end.rs` | `expiry` |
//! | topic aliases that the peer may use, on both sides | `src/mqtt/alias.rs` | `resolve` |
//! | topic aliases that the broker sends | `src/mqtt/alias.rs` | `assign` |
//! | the broker's window for each client, its Topic Alias Maximum | `src/broker/connect.rs` | `negotiate` |
//! | the client's Maximum Packet Size | `src/broker/connection.rs` | `takes` |
//! | the server's Maximum Packet Size | `src/mqtt/session/send.rs` | `check_size` |
//! | the largest packet that a client reads, before the server has accepted and after | `src/mqtt/session/machine.rs` | `maximum_packet_size` |
//! | the server's Maximum QoS and Retain Available | `src/mqtt/session/send.rs` | `fit` |
//! | which messages of QoS 0 the server has read | `src/mqtt/session/at_most_once.rs` | `handle_answer` |
//! | the broker's Receive Maximum | `src/broker/publish.rs` | `keep_incoming` |
//! | retain handling | `src/broker/retained.rs` | `wants_retained` |
//! | which retained messages a filter brings | `src/broker/retained_messages.rs` | `matching` |
//! | whether a topic or a filter is valid | `src/mqtt/topic.rs` | `check` |
//! | whether a filter matches a topic | `src/mqtt/topic.rs` | `matches` |
//! | which member of a shared subscription gets a message | `src/broker/deliver.rs` | `members` |
//! | who may connect, publish and receive | `src/broker/access/mod.rs` | `may_connect` |
//! | which line of an ACL file decides | `src/broker/access/acl.rs` | `decide` |
//! | which topics there are behind a mount point | `src/broker/deliver.rs` | `is_mounted` |
//! | what ended pub, sub or rr, and the exit code (that of `-W` too) | `src/cmd/clients/conversation.rs` | `end` |
//! | whether a client connects again | `src/cmd/clients/progress.rs` | `handle_ended` |
//! | who is looked at first, the broker or what else is waited for | `src/cmd/clients/turns.rs` | `wait` |
//! | whether another of several hosts is asked | `src/cmd/clients/ending.rs` | `is_for_another_host` |
//! | the port, where none is typed | `src/cmd/connect/valid.rs` | `broker` |
//! | which host, as it is typed, is this machine | `src/net/this_machine.rs` | `is_this_machine` |
//! | whether what answers speaks TLS | `src/net/tls/mod.rs` | `begins_tls` |
//! | which protocol else a peer speaks, by its first bytes | `src/diagnose/strange.rs` | `protocol` |
//! | whether a peer speaks MQTT before its turn, by its first bytes | `src/diagnose/strange.rs` | `early_packet` |
//! | which proxy is on the way to a broker or an API, if one | `src/cmd/connect/proxy.rs` | `of_environment` |
//! | what `--insecure` and `--no-verify` leave out | `src/cmd/connect/tls.rs` | `tls_options` |
//! | whether a chain of certificates is believed; a certificate of version 1 | `src/pki/chain.rs` | `judge_leaf` |
//! | whether a certificate is for a host | `src/pki/name.rs` | `matches` |
//! | what a subject is as a user name | `src/pki/rfc2253.rs` | `written` |
//! | what a certificate is for, where nobody says it | `src/pki/chain.rs` | `guess` |
//! | what strict verifiers refuse besides | `src/pki/strict.rs` | `departures` |
//! | which findings a chain gets, and in which order | `src/diagnose/chain.rs` | `findings_but` |
//! | what each family of TLS clients makes of a chain | `src/diagnose/stacks.rs` | `opinions` |
//! | when check withholds the login | `src/examine/online/mod.rs` | `is_believed` |
//! | what is wrong with a token | `src/examine/token.rs` | `stage` |
//! | what a file holds, in whatever form | `src/pki/content/mod.rs` | `contents` |
//! | who made a revocation list | `src/pki/revocation.rs` | `authorship` |
//! | which files of a CA are not replaced | `src/cmd/certgen/files.rs` | `authority_of` |
//! | whether a token lets somebody in | `src/jwt/verifier.rs` | `verify` |
//! | whether others can read a key | `src/examine/files.rs` | `exposed` |
//! | whether another user could read a file | `src/os/account.rs` | `obstacle` |
//! | the units of a duration, and that a bare number is none | `src/cmd/duration.rs` | `number_and_unit` |
//! | what a number in an option has to be | `src/cmd/number.rs` | `whole` |
//! | how many days are left, or have passed | `src/diagnose/when.rs` | `days_until` |
//! | which word was meant by a misspelt one | `src/examine/spelling.rs` | `nearest` |
//! | HOST:PORT and the authority of an URL | `src/net/authority.rs` | `parse` |
//! | the first line of a file with a secret | `src/term/secret.rs` | `first_line` |
//! | what is wrong with a line of a password file | `src/diagnose/files.rs` | `password_fault` |
//! | whether a password is right | `src/passwd/file.rs` | `verify` |
//! | whether a SCRAM login is right | `src/scram/server.rs` | `finish` |
//! | whether a server that logs us in by SCRAM is believed | `src/scram/client.rs` | `verify` |
//! | the exit code of a broker with `--run` | `src/cmd/broker/child.rs` | `exit_of` |
//! | Mosquitto's sentence for what is wrong with a configuration | `src/cmd/host/sentences.rs` | `load` |
//! | which exit code a lost result has | `src/cmd/output.rs` | `conclude` |

pub mod broker;
pub mod c_text;
pub mod client;
pub mod cmd;
pub mod decode;
pub mod diagnose;
pub mod escape;
pub mod examine;
pub mod file_set;
pub mod http;
pub mod jwt;
pub mod mqtt;
pub mod net;
pub mod oauth;
pub mod os;
pub mod passwd;
pub mod pki;
pub mod private_folder;
pub mod probe;
pub mod queue;
pub mod record;
pub mod scram;
pub mod state;
pub mod talk;
pub mod term;
pub mod text_file;
pub mod text_table;
pub mod whole_file;

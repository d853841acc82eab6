//! moskit-json(5): every field of the JSON that moskit prints and reads, for whoever writes a program that does the same.
//!
//! A test compares it with what the verbs print.

use super::reference::{self, FIRST};

pub const NAME: &str = "json";

/// What one command prints or reads.
pub struct Document {
    /// The command.
    pub title: &'static str,
    pub text: &'static str,
    /// Field, type with its unit, and meaning. A field of an object inside another stands behind a dot, one of the objects
    /// of a list behind `[]`.
    pub fields: &'static [(&'static str, &'static str, &'static str)],
}

#[rustfmt::skip]
pub const DOCUMENTS: &[Document] = &[
    Document {
        title: "moskit check --json",
        text: "One object, whatever is checked: a broker, files, a configuration, an ACL file or a session.",
        fields: &[
            ("target", "text", "What was checked."),
            ("ok", "true, false or null", "true if no error was found; null if what was to be checked could not be read."),
            ("cause", "text or null", "The id of the first error, see moskit-findings(7)."),
            ("next", "text or null", "The next step for it."),
            ("stages[].name", "text", "The stage. All stages that belong to the check are listed, in their order."),
            ("stages[].status", "text", "ok, warning, failed or skipped."),
            ("stages[].facts", "object", "What was seen, see FACTS."),
            ("stages[].findings[].id", "text", "See moskit-findings(7)."),
            ("stages[].findings[].severity", "text", "note, warning or error."),
            ("stages[].findings[].what", "text", "What is wrong, in one sentence."),
            ("stages[].findings[].evidence", "list of texts", "What it follows from."),
            ("stages[].findings[].fix", "text or null", "What to do."),
            ("stages[].findings[].cause", "true or false", "true for the one finding that is the cause."),
            ("stages[].not_tried", "text or null", "Why the stage was skipped."),
            ("unjudged", "whole number", "How many things were met that moskit cannot judge, such as options of a configuration that only Mosquitto has. ok says nothing of them."),
            ("verdicts.STACK.accepts", "true, false or null", "Whether this family of TLS libraries accepts the certificate; null if that is not known. STACK is openssl, strict, rustls or mbedtls. The object is empty if no certificate was judged."),
            ("verdicts.STACK.refusal", "text or null", "The id of the finding for which it refuses."),
            ("verdicts.STACK.unknown", "text or null", "What is not known."),
            ("verdicts.STACK.reservation", "text or null", "The condition under which it accepts."),
        ],
    },
    Document {
        title: "FACTS",
        text: "The members of stages[].facts of moskit check --json. A fact that was not seen is absent. Times are in UTC, \
               2026-12-30 01:07Z.",
        fields: &[
            ("algorithm", "text", "Stage token: how the token says that it is signed."),
            ("seconds_left", "whole number, seconds", "Stage token: until it expires; below 0 after it."),
            ("audience_fits", "true or false", "Stage token: it is for the audience of --token-audience."),
            ("addresses", "list of texts", "Stage dns: the addresses of the host."),
            ("milliseconds", "number, milliseconds", "Stages dns, tcp, tls, connect and rtt: how long it took."),
            ("connected_to", "text", "Stage tcp: address and port of the broker."),
            ("from", "text", "Stage tcp: the local address."),
            ("proxy", "text", "Stage tcp: the proxy on the way, without its login; connected_to is its address then."),
            ("proxy_from", "text", "Stage tcp: what names the proxy: --proxy, or a variable of the environment."),
            ("version", "text", "Stage tls: TLSv1.2 or TLSv1.3."),
            ("cipher", "text", "Stage tls: the cipher suite."),
            ("alpn", "text", "Stage tls: the protocol that ALPN chose."),
            ("asks_for_certificate", "true", "Stage tls: the broker asks for a client certificate."),
            ("of_issuers", "list of texts", "Stage tls: the issuers that the broker names for it."),
            ("certificates", "whole number", "Stages chain and files: how many certificates there are."),
            ("sent", "whole number", "Stage files: how many the server would send."),
            ("authorities", "list of texts", "Stage files: the trusted CAs."),
            ("subject", "text", "Stages chain and identity: the subject of the certificate."),
            ("names", "list of texts", "Stages chain and identity: its subjectAltName."),
            ("issuer", "text", "Stages chain and identity: its issuer."),
            ("key", "text", "Stages chain, identity and key: the type of the key."),
            ("expires", "text", "Stages chain and identity: when the certificate expires. Stage session: when the session expires, or never. Stage token: when the token expires."),
            ("days_left", "whole number, days", "Stages chain and identity: days until the certificate expires; below 0 after it."),
            ("belongs_to", "text", "Stage key: the certificate of the key."),
            ("readable", "true or false", "Stage key: whether the user of --user can read it."),
            ("mqtt_5", "text", "Stages connect and second: accepted or works, or why not."),
            ("mqtt_3.1.1", "text", "Stages connect and second: the same for MQTT 3.1.1."),
            ("mqtt_3.1", "text", "Stage connect: the same for MQTT 3.1."),
            ("log_in_again", "text", "Stage connect: what became of a second login on the same connection (--auth-method): accepted, or why not."),
            ("maximum_qos", "whole number", "Stage limits: Maximum QoS of CONNACK."),
            ("maximum_packet_size", "whole number, bytes", "Stage limits: Maximum Packet Size of CONNACK."),
            ("receive_maximum", "whole number, messages", "Stage limits: Receive Maximum of CONNACK."),
            ("topic_alias_maximum", "whole number", "Stage limits: Topic Alias Maximum of CONNACK."),
            ("server_keep_alive", "whole number, seconds", "Stage limits: Server Keep Alive of CONNACK."),
            ("retain", "true or false", "Stage limits: Retain Available of CONNACK."),
            ("session_expiry_interval", "whole number, seconds", "Stage limits: Session Expiry Interval of CONNACK."),
            ("topic", "text", "Stage access: the topic that was tried."),
            ("qos", "0, 1 or 2", "Stage access: the QoS that was tried."),
            ("subscribe", "text", "Stage access: granted, or what the broker answered."),
            ("publish", "text", "Stage access: accepted, or what the broker answered."),
            ("loop", "text", "Stage access: how long a message took from the check to itself."),
            ("kept", "true or false", "Stage session: the broker kept a session for a client that was away."),
            ("stored_message_delivered", "true or false", "Stage session: a message published meanwhile was delivered."),
            ("client", "text", "Stage second: the other client."),
            ("id", "text", "Stage client: the client id of -i."),
            ("session_present", "true or false", "Stage client: the broker had a session for this id."),
            ("user", "text", "Stage config: the user that the broker becomes."),
            ("listeners", "list of texts", "Stage config: where the broker listens."),
            ("address", "text", "Stage listener: where it listens."),
            ("tls", "true or false", "Stage listener: it speaks TLS."),
            ("anonymous", "true or false", "Stage listener: clients may connect without a login."),
            ("password_file", "text", "Stage access: the file."),
            ("scram_file", "text", "Stage access: the file of users who log in by SCRAM."),
            ("token_algorithms", "list of texts", "Stage access: which algorithms the keys for tokens have."),
            ("scram_users", "whole number", "Stage access: how many users it has."),
            ("acl_file", "text", "Stage access: the file."),
            ("users", "whole number", "Stage access: how many users the password file has."),
            ("log", "text", "Stage process: the log file."),
            ("pid_file", "text", "Stage process: the file of the process id."),
            ("persistence", "true or false", "Stage state: the broker keeps its state on disk."),
            ("folder", "text", "Stage state: where."),
            ("file", "text", "Stages file and source: the file that was read."),
            ("line", "whole number", "Stages publish and receive: the line that decides."),
            ("allowed", "text", "Stages publish and receive: what allows it."),
            ("written", "text", "Stage source: when the broker wrote the file."),
            ("url", "text", "Stage source: the API that was asked."),
            ("kind", "text", "Stage source: the broker."),
            ("expiry_interval", "text", "Stage session: how long the session is kept."),
            ("connected", "true or false", "Stage session: the client is connected."),
            ("away_since", "text", "Stage session: since when it is not."),
            ("ends_in", "text", "Stage session: when the session ends if the client does not come back."),
            ("filters", "list of texts", "Stage filters: each subscription with its QoS."),
            ("waiting", "whole number, messages", "Stage queue: messages that wait."),
            ("in_flight", "whole number, messages", "Stage queue: messages that were sent and not acknowledged."),
        ],
    },
    Document {
        title: "moskit certgen inspect --json",
        text: "One object a line for each FILE or server. Dates are RFC 3339 in UTC; identifiers and hashes are hex digits in \
               pairs with colons.",
        fields: &[
            ("target", "text", "The file or server."),
            ("server", "object", "Of a server: its TLS, see the fields that begin with server."),
            ("server.kind", "text", "TLS server."),
            ("server.tls_version", "text", "TLSv1.2 or TLSv1.3; absent where the handshake did not end."),
            ("server.cipher", "text", "The cipher suite; absent as above."),
            ("server.alpn", "text or null", "The protocol that ALPN chose; absent as above."),
            ("server.asks_clients_for", "list of texts or null", "The issuers of client certificates that it names; null if it asks for none."),
            ("server.presented", "whole number", "How many certificates it sends."),
            ("items[].kind", "text", "certificate, request, revocation list, private key, encrypted private key, public key, PKCS#12 store, and others."),
            ("items[].subject", "text", "Certificate, request: the subject."),
            ("items[].issuer", "text", "Certificate, revocation list: the issuer."),
            ("items[].names", "list of texts", "Certificate, request: subjectAltName."),
            ("items[].not_before", "text", "Certificate: its begin."),
            ("items[].not_after", "text", "Certificate: its end."),
            ("items[].ca", "true or false", "Certificate: CA:TRUE."),
            ("items[].path_length", "whole number or null", "Certificate: how many CAs may stand below it."),
            ("items[].key_usage", "list of texts", "Certificate: key usage."),
            ("items[].extended_key_usage", "list of texts or null", "Certificate: extended key usage."),
            ("items[].permitted_names", "list of texts", "CA with name constraints: the names that it may sign for."),
            ("items[].excluded_names", "list of texts", "CA with name constraints: the names that it may not sign for."),
            ("items[].key", "text", "Certificate, private key: the type of the key."),
            ("items[].signature", "text", "Certificate: the algorithm of its signature. Request: whether its own key signed it."),
            ("items[].version", "whole number", "Certificate: 1 or 3."),
            ("items[].serial", "text", "Certificate: the serial number."),
            ("items[].self_signed", "true or false", "Certificate: its own key signed it."),
            ("items[].subject_key_id", "text or null", "Certificate: the key identifier."),
            ("items[].authority_key_id", "text or null", "Certificate: the key identifier of its issuer."),
            ("items[].sha256", "text", "Certificate: the SHA-256 of its DER form."),
            ("items[].pin", "text", "Certificate, request, key: sha256// and the hash of the public key in base64."),
            ("items[].not_granted", "list of texts", "Request: what certgen sign would leave out."),
            ("items[].last_update", "text", "Revocation list: when it was made."),
            ("items[].next_update", "text or null", "Revocation list: until when it is good."),
            ("items[].revoked", "whole number", "Revocation list: how many certificates it names."),
            ("items[].encryption", "text", "Encrypted private key: how it is encrypted."),
            ("items[].private_keys", "whole number", "PKCS#12 store: how many keys it holds."),
            ("items[].certificates", "whole number", "PKCS#12 store: how many certificates it holds; they follow as items."),
            ("items[].label", "text", "Another PEM block: its label."),
            ("items[].what", "text", "A damaged block: what it should be."),
        ],
    },
    Document {
        title: "moskit certgen verify --json",
        text: "One object.",
        fields: &[
            ("target", "text", "The certificate."),
            ("good", "true or false", "Whether those that --stack names accept it; the exit code says the same."),
            ("verdicts", "object", "As in moskit check --json."),
            ("findings", "list of objects", "id, severity, what, evidence and fix as in moskit check --json."),
        ],
    },
    Document {
        title: "moskit certgen lint --json",
        text: "One object a line for each finding; nothing if there is none.",
        fields: &[
            ("id", "text", "See moskit-findings(7)."),
            ("severity", "text", "note, warning or error."),
            ("what", "text", "What is wrong, in one sentence."),
            ("evidence", "list of texts", "What it follows from."),
            ("fix", "text or null", "What to do."),
            ("target", "text", "The file."),
        ],
    },
    Document {
        title: "moskit certgen expiry --json",
        text: "One object a line for each certificate and revocation list.",
        fields: &[
            ("state", "text", "OK, WARNING, CRITICAL or UNKNOWN."),
            ("target", "text", "The file or server."),
            ("what", "text", "The subject of the certificate, or the revocation list; absent with UNKNOWN."),
            ("not_after", "text or null", "When it expires, RFC 3339 in UTC; null if never; absent with UNKNOWN."),
            ("days_left", "whole number or null, days", "Days until then, below 0 after it; absent with UNKNOWN."),
            ("error", "text", "With UNKNOWN: why it cannot be read."),
        ],
    },
    Document {
        title: "moskit certgen index --json",
        text: "One object a line for each certificate.",
        fields: &[
            ("state", "text", "good, expired, revoked or on hold."),
            ("serial", "text", "The serial number, hexadecimal."),
            ("subject", "text or null", "The subject; null if only the serial number is known."),
            ("names", "list of texts", "The alternative names: DNS:mqtt.lan."),
            ("not_after", "text or null", "When it expires, RFC 3339 in UTC."),
            ("sha256", "text or null", "SHA-256 of the certificate, hexadecimal; null if the certificate was not there."),
            ("file", "text or null", "Where it was written, from the folder of the index on."),
            ("revoked_at", "text or null", "When it was revoked, RFC 3339 in UTC."),
            ("reason", "text or null", "Why, by the names of RFC 5280."),
        ],
    },
    Document {
        title: "ca-index.ndjson",
        text: "The index of a CA. The first line has moskit_index, ca and key_sha256; each line behind it has issued, revoked \
               or released, and what belongs to it. The later line counts.",
        fields: &[
            ("moskit_index", "whole number", "The version of the form, 1."),
            ("ca", "text", "The subject of the CA."),
            ("key_sha256", "text", "SHA-256 of its public key, hexadecimal."),
            ("issued", "text", "The serial number of a certificate, hexadecimal."),
            ("subject", "text", "Its subject."),
            ("name", "text or null", "Its first common name."),
            ("names", "list of texts", "Its alternative names: DNS:mqtt.lan."),
            ("not_after", "text", "When it expires, RFC 3339 in UTC."),
            ("sha256", "text or null", "SHA-256 of the certificate, hexadecimal."),
            ("file", "text or null", "Where it was written, from the folder of the index on."),
            ("revoked", "text", "The serial number of a certificate that was revoked."),
            ("released", "text", "The serial number of a certificate that was on hold and is good again."),
            ("at", "text", "When, RFC 3339 in UTC."),
            ("reason", "text", "Why, by the names of RFC 5280."),
        ],
    },
    Document {
        title: "manifest.ndjson",
        text: "What certgen batch has made, one object a line for each device, in its folder. A device that stands there is done, \
               and is made again only when its line is taken out.",
        fields: &[
            ("id", "text", "The id of the device."),
            ("serial", "text", "The serial number of its certificate, hexadecimal."),
            ("sha256", "text", "SHA-256 of the certificate, hexadecimal."),
            ("not_after", "text", "When the certificate expires, RFC 3339 in UTC."),
            ("files", "list of texts", "Its files, from the folder of the manifest on; the certificate, or the archive with it, is the first."),
            ("ca_key_sha256", "text", "SHA-256 of the public key of the CA, hexadecimal."),
        ],
    },
    Document {
        title: "moskit passwd --list --json, --weak --json",
        text: "One list with an object for each user.",
        fields: &[
            ("line", "whole number", "The line of the file, from 1."),
            ("user", "text", "The user name; bytes that are not UTF-8 are U+FFFD."),
            ("hash", "text or null", "sha512-pbkdf2, sha512 or argon2id; null if the password is not hashed."),
            ("iterations", "whole number", "sha512-pbkdf2: the iterations."),
            ("memory_kib", "whole number, KiB", "argon2id: the memory."),
            ("passes", "whole number", "argon2id: the passes."),
            ("lanes", "whole number", "argon2id: the lanes."),
            ("salt_bytes", "whole number, bytes", "The length of the salt; absent if the password is not hashed."),
            ("weak", "true or false", "Weaker than what passwd makes without options."),
        ],
    },
    Document {
        title: "moskit qshape --json",
        text: "One object; with --watch one a look. The columns of --csv have the same names, the age columns those of the table.",
        fields: &[
            ("by", "text", "What a row is: client, topic, filter, publisher, user, qos or client,topic."),
            ("unit", "text", "messages, or bytes with --bytes: what total and buckets count."),
            ("bucket_ends_seconds", "list of numbers and null, seconds", "The ages at which the columns end; null for the last, which has no end."),
            ("total", "object", "The sums, with the same members as a row but name and parent."),
            ("rows[].name", "text", "The client, topic or what a row is."),
            ("rows[].parent", "true or false", "A sum of other rows (-p)."),
            ("rows[].total", "whole number", "What waits, of known and unknown age."),
            ("rows[].buckets", "list of whole numbers", "What waits in each column."),
            ("rows[].unknown", "whole number", "What waits since a time that is not known."),
            ("rows[].in_flight", "whole number, messages", "Messages that were sent and not acknowledged."),
            ("rows[].messages", "whole number, messages", "Messages that wait."),
            ("rows[].bytes", "whole number, bytes", "Their payloads."),
            ("rows[].expired", "whole number, messages", "Messages that have expired and are still stored."),
            ("rows[].oldest_seconds", "number or null, seconds", "The age of the oldest message; null if no age is known."),
            ("sources[].source", "text", "The SOURCE as it was given."),
            ("sources[].kind", "text", "What it is, as mosquitto.db version 6."),
            ("sources[].taken_at", "text or null", "When the broker wrote it, RFC 3339 in UTC."),
            ("sources[].ages_at", "text", "The moment at which ages are counted, RFC 3339 in UTC."),
            ("sources[].sessions", "whole number or null", "Sessions in it; null if the source does not tell."),
            ("sources[].stored", "whole number or null, messages", "Messages that it stores, each once; null if the source does not tell."),
            ("sources[].orphans", "whole number", "Places in queues whose message is gone."),
            ("sources[].incoming", "whole number, messages", "Messages published with QoS 2 and not released."),
            ("sources[].notes", "list of texts", "Warnings."),
        ],
    },
    Document {
        title: "moskit qshape list --json, and NDJSON that qshape reads",
        text: "One object a line for each message. qshape reads what it lists. Only client must be there when it reads; null is \
               the same as absent, and fields that are not listed here are ignored.",
        fields: &[
            ("client", "text", "The client that the message waits for."),
            ("topic", "text", "Its topic."),
            ("bytes", "whole number, bytes", "The length of its payload; when read and absent, that of payload."),
            ("qos", "0, 1 or 2", "Its QoS; when read, 0 if absent."),
            ("state", "text", "queued or inflight; when read, queued if absent."),
            ("retain", "true or false", "It is retained; when read, false if absent."),
            ("dup", "true or false", "It was sent before; when read, false if absent."),
            ("incoming", "true", "The client published it with QoS 2 and has not released it, see --incoming; else absent."),
            ("publisher", "text", "The client that published it; absent if not known. from and source are read too."),
            ("since", "number or text, seconds since 1970 or RFC 3339", "Since when it waits; listed as a number; absent if not known."),
            ("expires", "text", "When it expires, RFC 3339 in UTC; a number of seconds since 1970 is read too; absent if never."),
            ("property_list", "list of pairs of texts", "Its user properties. Listed, not read."),
            ("payload", "text", "With --payload: the payload, if it is UTF-8."),
            ("payload_base64", "text", "With --payload: the payload in base64, if it is not UTF-8. Listed, not read."),
            ("user", "text", "The user name of the client's session. Read, not listed."),
            ("filter", "text", "The subscription that brought it. Read, not listed."),
            ("properties", "object", "Its user properties by name, for --age-from prop:NAME. Read, not listed."),
            ("count", "whole number, 1 to 1000000", "So many equal messages, 1 if absent. Read, not listed."),
        ],
    },
    Document {
        title: "moskit sub -F %j and %J",
        text: "One object for each message, as mosquitto_sub prints it. moskit-record(5) is the form that pub reads.",
        fields: &[
            ("tst", "text", "When it came, in local time: 2026-11-22T18:43:46.001002+0200."),
            ("topic", "text", "Its topic."),
            ("qos", "0, 1 or 2", "Its QoS."),
            ("retain", "true or false", "The broker had retained it."),
            ("payloadlen", "whole number, bytes", "The length of the payload."),
            ("mid", "whole number", "The packet identifier; absent at QoS 0."),
            ("properties", "object", "The MQTT 5 properties; absent if there are none."),
            ("properties.payload-format-indicator", "0 or 1", "Payload format indicator."),
            ("properties.message-expiry-interval", "whole number, seconds", "Message expiry interval."),
            ("properties.content-type", "text", "Content type."),
            ("properties.response-topic", "text", "Response topic."),
            ("properties.correlation-data", "text", "Correlation data."),
            ("properties.subscription-identifier", "whole number", "Subscription identifier."),
            ("properties.topic-alias", "whole number", "Topic alias."),
            ("properties.user-properties", "list of objects", "User properties: one object with one member each."),
            ("payload", "text, or any JSON with %J", "The payload; null if it is empty."),
        ],
    },
];

/// The line of `check --monitor`.
const MONITOR: &[(&str, &str)] = &[
    (
        "MQTT STATE - TARGET: WHY",
        "STATE is OK, WARNING, CRITICAL or UNKNOWN, as the exit codes 0, 1, 2 and 3 say. WHY ends with the id of a finding in brackets where there is one.",
    ),
    ("days=N;WARN:;CRIT:", "Days until the server's certificate expires, with the bounds of --warn and --crit."),
    ("client_days=N;WARN:;CRIT:", "The same for the client certificate."),
    ("rtt=Nms;WARN;CRIT", "The round-trip time in milliseconds, with the bounds."),
    ("unjudged=N", "How many things were met that moskit cannot judge; absent if there are none."),
];

/// The page.
pub fn page() -> String {
    let mut roff = reference::head(NAME, "5", "the JSON that moskit prints and reads");
    reference::paragraphs(
        &mut roff,
        "DESCRIPTION",
        &[
            "JSON is RFC 8259 in UTF-8. Each field stands with its type and unit, and what it means. New fields may be added in any version; from 1.0 on \
         fields are removed or changed only with a new major version. Programs ignore fields that they do not know.",
            FIRST,
        ],
    );
    for document in DOCUMENTS {
        let rows: Vec<_> = document
            .fields
            .iter()
            .map(|(name, kind, meaning)| ((*name).to_owned(), format!("({kind}) {meaning}")))
            .collect();
        reference::section(&mut roff, document.title, document.text, &rows);
    }
    let rows: Vec<_> = MONITOR.iter().map(|(form, meaning)| ((*form).to_owned(), (*meaning).to_owned())).collect();
    let text =
        "One line for monitoring systems: text, and behind a bar the numbers that were measured, with blanks between.";
    reference::section(&mut roff, "moskit check --monitor", text, &rows);
    reference::see_also(
        &mut roff,
        "moskit-findings(7), moskit-record(5), moskit-check(1), moskit-certgen(1), moskit-qshape(1), moskit-sub(1), jq(1)",
    );
    roff.to_roff()
}

//! What is wrong with a configuration, and what the user should know about one that is accepted: facts and their places.

/// A line of a file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
    /// Mosquitto quotes the place when the file was included.
    pub included: bool,
}

/// Why a configuration is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub problem: Problem,
    /// Innermost first: a line of an included file is followed by the `include_dir` line. Empty for
    /// what only the configuration as a whole shows.
    pub places: Vec<Place>,
}

/// A file that Mosquitto reads and that is nothing to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignFile {
    Plugin,
    PreSharedKeys,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Empty {
        option: String,
    },
    Invalid {
        option: String,
        value: String,
    },
    /// A `tls_version` of a listener that speaks TLS; the line is right in itself.
    TlsVersion {
        value: String,
    },
    NotANumber {
        option: String,
    },
    OutOfRange {
        option: String,
    },
    TooSmall {
        option: String,
        least: i32,
    },
    TooLarge {
        option: String,
        most: i32,
    },
    /// Characters.
    TooLong {
        option: String,
        most: usize,
    },
    NotAQos {
        option: String,
    },
    NotADuration {
        option: String,
    },
    Duplicate {
        option: String,
    },
    Unknown {
        option: String,
    },
    NeedsListener {
        option: String,
    },
    NeedsPlugin {
        option: String,
    },
    NeedsBridge {
        option: String,
    },
    MalformedUtf8,
    /// A zero byte inside a line: Mosquitto joins what precedes it with a later line.
    ZeroByte,
    /// The whole file is UTF-16, which Mosquitto takes for an empty one.
    Utf16,
    UnixListenerWithoutPath,
    MountPointWildcard {
        value: String,
    },
    PerListenerSettingsTooLate,
    IncludeInIncluded,
    IncludeUnreadable {
        path: String,
        reason: String,
    },
    /// An option that we do not have and that must not be ignored: what would go wrong. Mosquitto has it.
    Unsafe {
        option: String,
        /// The rest of the line.
        value: String,
        /// The file that it names, without which Mosquitto does not start.
        file: Option<ForeignFile>,
        because: &'static str,
    },
    /// A bridge, which we do not have, with which Mosquitto does not start.
    Bridge(BridgeProblem),
    /// TLS needs both; `given` names the option that stands alone.
    CertificateAndKey {
        given: Option<&'static str>,
    },
    PersistenceTwice,
}

/// What is wrong with a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BridgeProblem {
    DuplicateName {
        name: String,
    },
    DuplicateLocalClientId {
        id: String,
    },
    DuplicateAddress,
    NoAddress {
        name: String,
    },
    NoTopic {
        name: String,
    },
    /// Not from 1 to 65535, or no number.
    Port {
        value: String,
    },
    Direction {
        value: String,
    },
    QoS {
        value: String,
    },
    /// A prefix of a topic, alone or before the topic, that is no topic filter.
    Prefix {
        value: String,
    },
    /// An empty topic stands for one topic on either side, which both prefixes must name.
    Remapping,
    /// `start_type manual`, which Mosquitto knows and does not have.
    ManualStart,
    /// The longest wait is shorter than the first.
    RestartTimeout,
    /// Of a pre-shared key and its identity one is missing.
    PskNeeds {
        name: String,
        missing: &'static str,
    },
    PskAndCertificate {
        option: String,
    },
}

/// What the user should know about a configuration that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An option of Mosquitto's that has no effect here.
    Ignored {
        option: String,
        because: &'static str,
        place: Place,
    },
    /// A bridge, which has no effect here.
    Bridge {
        because: &'static str,
        place: Place,
    },
    /// An option that Mosquitto does not know.
    Own {
        option: &'static str,
        place: Place,
    },
    /// The option still works and has a better successor.
    Deprecated {
        option: String,
        instead: Option<&'static str>,
    },
    DefaultListener {
        option: String,
    },
    /// An option of a listener before any, where no `listener`, `port` or `bind_address` makes one.
    WithoutListener {
        option: String,
        place: Place,
    },
    /// An option of TLS for a listener that does not speak it.
    WithoutTls {
        option: String,
        place: Place,
    },
    /// `listener PORT *`: every address, as without it.
    EveryAddress {
        place: Place,
    },
    /// A word that is no value of the option, beside words that are.
    WordIgnored {
        option: String,
        word: String,
        place: Place,
    },
    /// What looks like a comment, from its `#` on, is a part of the value: comments need a line of their own.
    CommentInValue {
        option: String,
        comment: String,
        place: Place,
    },
    /// Lines that begin with a zero byte, the first of which is here: no text, and ignored.
    BinaryLines {
        place: Place,
    },
    ByteOrderMark {
        file: String,
    },
    DefaultPortTwice,
    Loading {
        file: String,
    },
}

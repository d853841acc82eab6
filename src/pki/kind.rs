//! What a file is, by what it holds and how.

/// What a file or a section of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Certificate,
    PrivateKey,
    EncryptedPrivateKey,
    PublicKey,
    Request,
    RevocationList,
    /// A PEM section with this label.
    Pem(String),
    /// DER where PEM was expected.
    Der(&'static str),
    /// Either, where both are taken.
    PemOrDer,
    /// A form that holds certificates and keys in its own way.
    Form(Form),
    /// Something else that is known by its first bytes: with its article, and what opens it.
    Known(&'static str, &'static str),
    /// What may hold certificates and keys and was not looked into: with its article.
    Unread(&'static str),
    /// It is not there, or cannot be read.
    Missing,
    Empty,
    Text,
    Binary,
}

impl Kind {
    /// What it is, with its article: `a certificate`.
    pub fn describe(&self) -> String {
        match self {
            Self::Certificate => "a certificate".to_owned(),
            Self::PrivateKey => "a private key".to_owned(),
            Self::EncryptedPrivateKey => "an encrypted private key".to_owned(),
            Self::PublicKey => "a public key".to_owned(),
            Self::Request => "a certificate request".to_owned(),
            Self::RevocationList => "a revocation list".to_owned(),
            Self::Pem(label) => format!("a PEM file of `{label}`"),
            Self::Der(what) => format!("{what} in DER form, not PEM"),
            Self::PemOrDer => "PEM or DER".to_owned(),
            Self::Form(form) => form.name().to_owned(),
            Self::Known(what, _) | Self::Unread(what) => (*what).to_owned(),
            Self::Missing => "not there, or cannot be read".to_owned(),
            Self::Empty => "empty".to_owned(),
            Self::Text => "text without any PEM section".to_owned(),
            Self::Binary => "binary data of an unknown kind".to_owned(),
        }
    }
}

/// How a file holds certificates and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Pem,
    /// One thing, without a label.
    Der,
    /// PEM or DER in base64, and nothing else.
    Base64,
    /// C or C++: arrays of bytes, or PEM in texts.
    C,
    /// Python: bytes, or base64 that is decoded.
    Python,
    /// `NAME=VALUE`, with PEM in base64.
    Variables,
    /// The table of `nvs_partition_gen.py` of ESP-IDF, which mostly names files.
    Partition,
    /// Secrets and ConfigMaps of Kubernetes, YAML or JSON.
    Kubernetes,
    /// A compose.yaml, which names files.
    Compose,
    /// A profile of Apple's.
    Profile,
    Archive,
}

impl Form {
    /// With its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pem => "PEM",
            Self::Der => "DER",
            Self::Base64 => "base64",
            Self::C => "a C source",
            Self::Python => "a Python module",
            Self::Variables => "a list of variables",
            Self::Partition => "a table for the storage of ESP-IDF",
            Self::Kubernetes => "an object of Kubernetes",
            Self::Compose => "a compose.yaml of Docker",
            Self::Profile => "a configuration profile",
            Self::Archive => "an archive (tar)",
        }
    }

    /// One that names files beside it, which hold the things.
    pub fn names_files(self) -> bool {
        matches!(self, Self::Partition | Self::Compose)
    }

    /// One that programs read as it is, and not a text or an archive for something else.
    pub fn is_plain(self) -> bool {
        matches!(self, Self::Pem | Self::Der)
    }
}

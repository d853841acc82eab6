//! What passwd's actions return: the users of a file, and what became of one.

use std::ffi::OsString;
use std::path::PathBuf;

use super::text;
use crate::passwd::edit::Corrupt;
use crate::passwd::scram::Record;
use crate::passwd::{Hash, HashError};
use crate::term::{Exit, Failure};

/// The users of a file, or those whose hash is weak.
pub struct Listing {
    pub rows: Vec<Row>,
    /// The first line that is none of a password file.
    pub corrupt: Option<Corrupt>,
}

impl Listing {
    /// How the verb ends that has listed these.
    pub fn exit(&self, weak_only: bool) -> Result<Exit, Failure> {
        match self.corrupt {
            Some(corrupt) => Err(text::corrupt(corrupt)),
            None if weak_only && !self.rows.is_empty() => Ok(Exit::FAILED),
            None => Ok(Exit::OK),
        }
    }
}

/// One user as the list shows them.
pub struct Row {
    pub line: usize,
    pub user: String,
    pub kept: Result<Kept, HashError>,
}

/// What is kept of a password.
pub enum Kept {
    Hash(Hash),
    Scram(Record),
}

impl Kept {
    pub fn parse(secret: &[u8]) -> Result<Self, HashError> {
        match Record::parse(secret) {
            Ok(record) => Ok(Self::Scram(record)),
            Err(_) => Hash::parse(secret).map(Self::Hash),
        }
    }

    pub fn kind(&self) -> String {
        match self {
            Self::Hash(hash) => hash.kind().to_owned(),
            Self::Scram(record) => record.0.iter().map(|(mechanism, _)| mechanism.name()).collect::<Vec<_>>().join(","),
        }
    }

    pub fn is_weak(&self) -> bool {
        match self {
            Self::Hash(hash) => hash.is_weak(),
            Self::Scram(record) => record.is_weak(),
        }
    }

    pub fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Hash(hash) => hash.verify(password),
            Self::Scram(record) => record.verify(password),
        }
    }

    /// Of the first mechanism, where there are several.
    pub fn salt_bytes(&self) -> usize {
        match self {
            Self::Hash(hash) => hash.salt_bytes(),
            Self::Scram(record) => record.0.first().map_or(0, |(_, keys)| keys.salt.len()),
        }
    }
}

/// The fewest of all mechanisms.
pub fn iterations(record: &Record) -> u32 {
    record.0.iter().map(|(_, keys)| keys.iterations.get()).min().unwrap_or_default()
}

impl Row {
    /// What is no hash at all is weaker than any.
    pub fn is_weak(&self) -> bool {
        self.kept.as_ref().map_or(true, Kept::is_weak)
    }
}

/// What became of a password file.
pub struct Changed {
    /// The file that was changed.
    pub file: Option<PathBuf>,
    /// What is to be told of it besides, in order.
    pub remarks: Vec<Remark>,
    pub outcome: Outcome,
}

pub enum Outcome {
    /// The new file is for standard output.
    Printed(Vec<u8>),
    Put {
        user: OsString,
        updated: bool,
        /// Its password was made here.
        is_generated: bool,
    },
    Imported {
        added: usize,
        updated: usize,
    },
    /// mosquitto_passwd says nothing of it.
    Silent,
}

pub enum Remark {
    /// The byte-order mark is gone.
    MarkGone(PathBuf),
    /// The file could not be replaced, and was written over.
    InPlace(PathBuf),
    /// A line is corrupt, which did not keep a new user out.
    Corrupt(Corrupt),
    /// Not every broker reads the new hashes.
    Argon2,
}

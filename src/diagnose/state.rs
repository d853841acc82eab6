//! Why what a broker left on disk cannot be read, and what is broken in it.

use crate::net::reason;
use crate::state::mosquitto_db::{self, Damage};
use crate::state::sqlite;
use crate::state::usual;
use crate::term::plural;

/// Why nothing is read in a folder that is named as the place of a broker's file.
pub fn no_file_in_folder() -> String {
    format!("there is no {} in the folder", usual::NAMES.join(" and no "))
}

/// Why nothing is read where no place is named.
pub fn no_usual_file() -> String {
    format!("there is no broker's file in {}", usual::FOLDER)
}

/// Why a file is not read as persist-sqlite's.
pub fn sqlite(error: &sqlite::Unreadable) -> String {
    match error {
        sqlite::Unreadable::Io(error) => reason(error),
        sqlite::Unreadable::NotAFile => "it is not a file".to_owned(),
        sqlite::Unreadable::NotSqlite => "it is not an SQLite database".to_owned(),
        sqlite::Unreadable::NotPersistSqlite => "it has not the tables of Mosquitto's persist-sqlite".to_owned(),
        sqlite::Unreadable::ChangedMeanwhile => "a broker started on it while it was read; try again".to_owned(),
        sqlite::Unreadable::Sqlite(error) => error.to_string(),
    }
}

/// Why a file is not read as a mosquitto.db.
pub fn mosquitto_db(error: &mosquitto_db::Unreadable) -> String {
    match error {
        mosquitto_db::Unreadable::Io(error) => reason(error),
        mosquitto_db::Unreadable::NotAFile => "it is not a file".to_owned(),
        mosquitto_db::Unreadable::NotMosquittoDb => "it is not a mosquitto.db".to_owned(),
        mosquitto_db::Unreadable::Version(version) => format!("its file version is {version}, and 2 to 6 are known"),
    }
}

/// Where a mosquitto.db breaks off, or what in it makes no sense.
pub fn damage(damage: &Damage) -> String {
    match damage {
        Damage::Io(error) => format!("reading failed: {}", reason(error)),
        Damage::NoChunks => "the file ends behind its head of 23 bytes: truncated".to_owned(),
        Damage::StrayTail { at, bytes } => {
            format!("{} at {at}, the end of the file (truncated?)", plural(*bytes, "stray byte"))
        }
        Damage::Truncated { kind, at, wants, left } => {
            format!("chunk {kind} at {at} wants {wants} bytes, {left} left: truncated")
        }
        Damage::ShortChunk { kind, at, needs, field_at: place, has } => {
            format!("chunk {kind} at {at}: needs {needs} bytes at {place}, has {has}")
        }
        Damage::EmptyTopic { at } => format!("chunk 2 at {at}: a message without a topic"),
        Damage::ChunkTooLong { kind, at, length } => {
            format!("chunk {kind} at {at} has {length} bytes, more than any broker writes")
        }
        Damage::PayloadTooLong { at, length } => format!("chunk 2 at {at}: a payload of {length} bytes"),
        Damage::IdSize { at, size } => format!("chunk 1 at {at}: ids of {size} bytes, and only 8 are known"),
    }
}

//! The modes that only read: `--list`, `--upgrade` and `--verify`.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use super::options::Source;
use super::secret::Interrupted;
use super::text::{self, error, failed};
use crate::diagnose::files::password_fault;
use crate::diagnose::shell;
use crate::os::text::OsStrExt;
use crate::passwd::scram::Record;
use crate::passwd::{self, Fault, Hash, HashError, Line, lines};
use crate::term::{Exit, Failure, Term, escape_controls};

const WRONG: Exit = Exit(4);
const NO_SUCH_USER: Exit = Exit(5);

/// One user as the list shows them.
struct Row {
    line: usize,
    user: String,
    kept: Result<Kept, HashError>,
}

/// What is kept of a password.
enum Kept {
    Hash(Hash),
    Scram(Record),
}

impl Kept {
    fn parse(secret: &[u8]) -> Result<Self, HashError> {
        match Record::parse(secret) {
            Ok(record) => Ok(Self::Scram(record)),
            Err(_) => Hash::parse(secret).map(Self::Hash),
        }
    }

    fn kind(&self) -> String {
        match self {
            Self::Hash(hash) => hash.kind().to_owned(),
            Self::Scram(record) => record.0.iter().map(|(mechanism, _)| mechanism.name()).collect::<Vec<_>>().join(","),
        }
    }

    fn is_weak(&self) -> bool {
        match self {
            Self::Hash(hash) => hash.is_weak(),
            Self::Scram(record) => record.is_weak(),
        }
    }

    fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Hash(hash) => hash.verify(password),
            Self::Scram(record) => record.verify(password),
        }
    }

    /// Of the first mechanism, where there are several.
    fn salt_bytes(&self) -> usize {
        match self {
            Self::Hash(hash) => hash.salt_bytes(),
            Self::Scram(record) => record.0.first().map_or(0, |(_, keys)| keys.salt.len()),
        }
    }
}

/// The fewest of all mechanisms.
fn iterations(record: &Record) -> u32 {
    record.0.iter().map(|(_, keys)| keys.iterations.get()).min().unwrap_or_default()
}

/// Lists the users of a file, or those whose hash is weak.
pub fn run(file: &Path, weak_only: bool, as_json: bool, term: &mut Term) -> Result<Exit, Failure> {
    let text = passwd::read(file).map_err(|cause| text::stored(file, &cause))?;
    let text = unmarked(file, &text, term)?;
    let mut rows = Vec::new();
    let mut corrupt = None;
    for (index, line) in lines(text).enumerate() {
        let parsed = Line::parse(line);
        if let Some((user, secret)) = parsed.whole_record() {
            let user = String::from_utf8_lossy(user).into_owned();
            rows.push(Row { line: index + 1, user, kept: Kept::parse(secret) });
        } else if parsed.is_corrupt() {
            corrupt = corrupt.or(Some(passwd::edit::Corrupt { line: index + 1 }));
        }
    }
    rows.retain(|row| !weak_only || row.is_weak());
    if as_json {
        term.json(Value::Array(rows.iter().map(Row::json).collect()));
    } else if !rows.is_empty() {
        table(&rows, term);
    }
    match corrupt {
        Some(corrupt) => Err(text::corrupt(corrupt)),
        None if weak_only && !rows.is_empty() => Ok(Exit::FAILED),
        None => Ok(Exit::OK),
    }
}

impl Row {
    /// What is no hash at all is weaker than any.
    fn is_weak(&self) -> bool {
        self.kept.as_ref().map_or(true, Kept::is_weak)
    }

    fn work(&self) -> String {
        match &self.kept {
            Ok(Kept::Hash(Hash::Sha512 { .. })) => "1 round".to_owned(),
            Ok(Kept::Hash(Hash::Pbkdf2 { iterations, .. })) if iterations.get() == 1 => "1 iteration".to_owned(),
            Ok(Kept::Hash(Hash::Pbkdf2 { iterations, .. })) => format!("{iterations} iterations"),
            Ok(Kept::Hash(Hash::Argon2id { cost, .. })) => {
                format!("m={} t={} p={}", cost.memory_kib, cost.passes, cost.lanes)
            }
            Ok(Kept::Scram(record)) => format!("{} iterations", iterations(record)),
            Err(_) => "-".to_owned(),
        }
    }

    fn columns(&self) -> [String; 5] {
        let (kind, salt, note) = match &self.kept {
            Ok(kept) => {
                (kept.kind(), kept.salt_bytes().to_string(), if kept.is_weak() { "weak" } else { "" }.to_owned())
            }
            Err(why) => ("none".to_owned(), "-".to_owned(), password_fault(Fault::Hash(*why)).to_owned()),
        };
        [escape_controls(&self.user).into_owned(), kind, self.work(), salt, note]
    }

    fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("line".to_owned(), json!(self.line));
        object.insert("user".to_owned(), json!(self.user));
        object.insert("hash".to_owned(), json!(self.kept.as_ref().ok().map(Kept::kind)));
        match &self.kept {
            Ok(Kept::Scram(record)) => {
                object.insert("iterations".to_owned(), json!(iterations(record)));
            }
            Ok(Kept::Hash(Hash::Pbkdf2 { iterations, .. })) => {
                object.insert("iterations".to_owned(), json!(iterations.get()));
            }
            Ok(Kept::Hash(Hash::Argon2id { cost, .. })) => {
                object.insert("memory_kib".to_owned(), json!(cost.memory_kib));
                object.insert("passes".to_owned(), json!(cost.passes));
                object.insert("lanes".to_owned(), json!(cost.lanes));
            }
            _ => {}
        }
        if let Ok(kept) = &self.kept {
            object.insert("salt_bytes".to_owned(), json!(kept.salt_bytes()));
        }
        object.insert("weak".to_owned(), json!(self.is_weak()));
        Value::Object(object)
    }
}

/// Columns as wide as their widest cell; the last one ends where its text ends.
fn table(rows: &[Row], term: &mut Term) {
    let heading = ["USER", "HASH", "WORK", "SALT", "NOTE"].map(str::to_owned);
    let cells: Vec<_> = std::iter::once(heading).chain(rows.iter().map(Row::columns)).collect();
    let widths: Vec<_> =
        (0..5).map(|column| cells.iter().map(|row| row[column].width()).max().unwrap_or_default()).collect();
    for row in &cells {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.width() + 2));
        }
        term.line(line.trim_end());
    }
}

/// The text without a byte-order mark, and a warning if there is one: Mosquitto takes it for a part of the first line.
fn unmarked<'t>(file: &Path, text: &'t [u8], term: &mut Term) -> Result<&'t [u8], Failure> {
    let text = text::unmarked(file, text)?;
    if text.has_mark {
        term.note(format_args!(
            "warning: `{}` begins with a byte-order mark, for which Mosquitto does not know the user of its first line; \
             the next change of the file removes it",
            file.display()
        ));
    }
    Ok(text.bytes)
}

/// Checks a password against the user's first record, which is the one that an update changes.
pub fn verify(
    file: &Path,
    user: &OsStr,
    password: Source,
    interrupted: Interrupted,
    term: &mut Term,
) -> Result<Exit, Failure> {
    let text = passwd::read(file).map_err(|cause| text::stored(file, &cause))?;
    let text = unmarked(file, &text, term)?;
    let record =
        lines(text).filter_map(|line| Line::parse(line).whole_record()).find(|(name, _)| *name == user.as_bytes());
    let Some((_, secret)) = record else {
        return Err(Failure::new(NO_SUCH_USER, format!("no user `{}` in `{}`", user.display(), file.display())));
    };
    let kept = Kept::parse(secret).map_err(|why| {
        failed(format!("user `{}` cannot log in: {}", user.display(), password_fault(Fault::Hash(why))))
            .hint(format!("moskit passwd -U {} hashes plain-text passwords", shell::path(file)))
    })?;
    let password = password.known_password(interrupted, term)?;
    if kept.verify(password.expose()) {
        term.line(format_args!("Right password for user {}", user.display()));
        return Ok(Exit::OK);
    }
    Err(Failure { exit: WRONG, ..error(&format!("Wrong password for user {}.", user.display())) })
}

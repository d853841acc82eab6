//! The modes that change a password file. Each returns what became of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::csv::{self, CsvError};
use super::options::{Making, Source, Target, valid_user};
use super::outcome::{Changed, Outcome, Remark};
use super::permissions;
use super::render;
use super::secret::Interrupted;
use super::text::{self, error, failed};
use crate::cmd::applet::Invocation;
use crate::diagnose::scram::unprepared;
use crate::net::reason;
use crate::os::text::{OsStrExt, OsStringExt};
use crate::passwd::edit::{self, PlainText, Record};
use crate::passwd::{
    Hash, Line, Recipe, Replacement, Stored, StoredError, is_empty_password, lines, make_all, make_all_scram, scram,
};
use crate::scram::{KeysError, prepare};
use crate::term::{Exit, Failure, Secret, Term, escape_controls};
use crate::whole_file::{self, Draft, Permission};

/// The mode of a file that we create.
const MODE: u32 = 0o600;

impl Making {
    fn record(&self, user: &OsStr, password: &Secret) -> Result<Record, Failure> {
        let secret = match self {
            Self::Hash { recipe, salt_bytes } => {
                Hash::make(*recipe, *salt_bytes, password.expose()).map_err(|_| unable_to_hash())?.to_string()
            }
            Self::Scram { mechanisms, iterations } => {
                scram::Record::make(mechanisms, *iterations, password.expose()).map_err(no_keys)?.to_string()
            }
        };
        Ok(Record { user: user.as_bytes().to_vec(), secret })
    }

    fn all(&self, passwords: &[&[u8]], term: &Term) -> Result<Vec<String>, Failure> {
        let progress = term.progress(passwords.len() as u64, "passwords");
        let done = |more| progress.add(more);
        Ok(match self {
            Self::Hash { recipe, salt_bytes } => {
                let hashes = make_all(*recipe, *salt_bytes, passwords, done).map_err(|_| unable_to_hash())?;
                hashes.iter().map(Hash::to_string).collect()
            }
            Self::Scram { mechanisms, iterations } => {
                let records = make_all_scram(mechanisms, *iterations, passwords, done).map_err(no_keys)?;
                records.iter().map(scram::Record::to_string).collect()
            }
        })
    }

    /// A file with nothing but `records`.
    fn new_file(&self, records: &[Record]) -> Result<Vec<u8>, Failure> {
        self.completed(records.iter().flat_map(Record::line).collect())
    }

    /// The text with what the file needs beside its records.
    fn completed(&self, text: Vec<u8>) -> Result<Vec<u8>, Failure> {
        if matches!(self, Self::Hash { .. }) || lines(&text).any(|line| line.starts_with(scram::DECOY.as_bytes())) {
            return Ok(text);
        }
        let heading = scram::Record::heading().map_err(|_| no_keys(KeysError::NoRandom))?;
        Ok([heading.as_bytes(), &text].concat())
    }

    /// A file of the other kind would be of use to nobody afterwards.
    fn check_kind(&self, file: &Path, text: &[u8]) -> Result<(), Failure> {
        let is_for_scram = matches!(self, Self::Scram { .. });
        let other = lines(text)
            .filter_map(|line| Line::parse(line).whole_record())
            .any(|(_, secret)| scram::Record::parse(secret).is_ok() != is_for_scram);
        let file = file.display();
        match (other, is_for_scram) {
            (false, _) => Ok(()),
            (true, true) => Err(failed(format!("`{file}` is no file for SCRAM: it has users with other passwords"))
                .hint("give --scram a file of its own: the broker's scram_file")),
            (true, false) => {
                Err(failed(format!("`{file}` is a file for SCRAM")).hint("moskit passwd --scram changes it"))
            }
        }
    }

    /// Not every broker reads what we can make.
    fn remark(&self) -> Option<Remark> {
        matches!(self, Self::Hash { recipe: Recipe::Argon2id(_), .. }).then_some(Remark::Argon2)
    }
}

/// Adds the user or changes the password.
pub fn put(
    target: &Target,
    user: &OsStr,
    password: Source,
    interrupted: Interrupted,
    making: &Making,
    term: &mut Term,
) -> Result<Changed, Failure> {
    let is_generated = matches!(password, Source::Generate(_));
    // Before the prompt, so that nobody types a password for nothing.
    let stored = match target {
        Target::Existing(file) => Some(open(file, term).map_err(|failure| {
            let is_missing =
                std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            if is_missing { failure.hint("-c in front of FILE makes a new file") } else { failure }
        })?),
        Target::New { .. } | Target::Output => None,
    };
    let password = password.new_password(interrupted, term)?;
    let record = making.record(user, &password)?;
    let mut generated = Generated(is_generated.then_some(&password));
    let (updated, file, mut remarks) = match (target, stored) {
        (Target::Existing(file), Some(stored)) => {
            let put = put_records(&stored, making, std::slice::from_ref(&record), file, &mut generated, term)?;
            (put.updated[0], file, put.remarks)
        }
        (Target::New { file, overwrite }, _) => {
            create(file, *overwrite, &making.new_file(std::slice::from_ref(&record))?, &mut generated, term)?;
            (false, file, Vec::new())
        }
        _ => {
            let outcome = Outcome::Printed(making.new_file(std::slice::from_ref(&record))?);
            return Ok(Changed { file: None, remarks: making.remark().into_iter().collect(), outcome });
        }
    };
    remarks.extend(making.remark());
    let outcome = Outcome::Put { user: user.to_owned(), updated, is_generated };
    Ok(Changed { file: Some(file.clone()), remarks, outcome })
}

/// A password made here, until it has been shown. It is shown when all is ready to store it and before it is: nobody
/// could ever log in with one that is stored and was never seen.
struct Generated<'p>(Option<&'p Secret>);

impl Generated<'_> {
    fn show(&mut self, term: &mut Term) -> Result<(), Failure> {
        let Some(password) = self.0.take() else { return Ok(()) };
        render::generated(password, term)
    }
}

pub fn delete(file: &Path, user: &OsStr, term: &mut Term) -> Result<Changed, Failure> {
    let stored = open(file, term)?;
    let (removed, remarks) = change(&stored, file, |text| {
        let removed = edit::remove(text, user.as_bytes());
        let changed = removed.corrupt.is_none() && removed.lines > 0;
        let text = changed.then(|| Zeroizing::new(removed.text));
        Ok((text, (removed.lines, removed.corrupt)))
    })?;
    match removed {
        (0, None) => Err(text::not_found(user)),
        (0, Some(corrupt)) => {
            let not_found = text::not_found(user);
            let verbatim = text::corrupt(corrupt).verbatim + &not_found.verbatim;
            Err(Failure { verbatim, ..not_found })
        }
        (_, Some(corrupt)) => Err(text::corrupt(corrupt)),
        (_, None) => Ok(Changed { file: Some(file.to_owned()), remarks, outcome: Outcome::Silent }),
    }
}

/// Hashes the plain-text passwords of a file.
pub fn update(
    file: &Path,
    hashes_too: bool,
    making: &Making,
    invocation: &Invocation,
    term: &mut Term,
) -> Result<Changed, Failure> {
    let stored = open(file, term)?;
    let mut counted = 0;
    let (is_empty, mut remarks) = change(&stored, file, |text| {
        making.check_kind(file, text)?;
        let plain = PlainText::find(text, hashes_too).map_err(text::corrupt)?;
        let passwords = plain.passwords();
        counted = passwords.len();
        if passwords.is_empty() {
            return Ok((None, text.is_empty()));
        }
        let hashes = making.all(&passwords, term)?;
        Ok((Some(plain.with_hashes(hashes)), false))
    })?;
    if is_empty {
        // mosquitto_passwd says nothing here.
        let silent = Failure::silent(Exit::FAILED);
        let said = failed(format!("`{}` is empty", file.display()));
        return Err(if invocation.as_mosquitto { silent } else { said });
    }
    if counted > 0 {
        remarks.extend(making.remark());
    }
    Ok(Changed { file: Some(file.to_owned()), remarks, outcome: Outcome::Silent })
}

/// As long as a password file may be.
const MAX_CSV_BYTES: u64 = 1 << 30;

/// Adds or updates all users of a CSV file in one step.
pub fn import(csv: &Path, target: &Target, making: &Making, term: &mut Term) -> Result<Changed, Failure> {
    let cannot_read = |why: &str| failed(format!("cannot read `{}`: {why}", csv.display()));
    let mut text = Zeroizing::new(Vec::new());
    File::open(csv)
        .and_then(|file| file.take(MAX_CSV_BYTES + 1).read_to_end(&mut text))
        .map_err(|cause| cannot_read(&reason(&cause)))?;
    if text.len() as u64 > MAX_CSV_BYTES {
        return Err(cannot_read("it is larger than 1 GiB"));
    }
    let rows = csv::parse(&text).map_err(|fault| failed(csv_text(csv, &fault)))?;
    for (line, (user, password)) in &rows {
        importable(user, password, making)
            .map_err(|why| failed(format!("cannot import line {line} of `{}`: {why}", csv.display())))?;
    }
    let stored = match target {
        Target::Existing(file) => Some(open(file, term)?),
        Target::New { .. } | Target::Output => None,
    };
    let passwords: Vec<&[u8]> = rows.iter().map(|(_, (_, password))| password.as_slice()).collect();
    let hashes = making.all(&passwords, term)?;
    let users = rows.iter().map(|(_, (user, _))| user.clone());
    let records: Vec<_> = users.zip(hashes).map(|(user, secret)| Record { user, secret }).collect();
    let (updated, file, mut remarks) = match (target, stored) {
        (Target::Existing(file), Some(stored)) => {
            let put = put_records(&stored, making, &records, file, &mut Generated(None), term)?;
            (put.updated.iter().filter(|updated| **updated).count(), file, put.remarks)
        }
        (Target::New { file, overwrite }, _) => {
            create(file, *overwrite, &making.new_file(&records)?, &mut Generated(None), term)?;
            (0, file, Vec::new())
        }
        _ => return Ok(Changed { file: None, remarks: Vec::new(), outcome: Outcome::Silent }),
    };
    remarks.extend(making.remark());
    let outcome = Outcome::Imported { added: records.len() - updated, updated };
    Ok(Changed { file: Some(file.clone()), remarks, outcome })
}

fn importable(user: &[u8], password: &[u8], making: &Making) -> Result<(), String> {
    let sentence = |failure: Failure| failure.verbatim.trim_start_matches("Error: ").trim_end().to_owned();
    if user.is_empty() {
        return Err("no user name".to_owned());
    }
    if matches!(making, Making::Scram { .. }) {
        // A client sends its name in this form, and no other is looked for.
        let prepared = prepare(user).map_err(|why| format!("SCRAM cannot carry the user name: {}", unprepared(why)))?;
        if prepared.as_bytes() != user {
            return Err(format!("in SCRAM the user name is `{}`", escape_controls(&prepared)));
        }
        prepare(password).map_err(|why| format!("SCRAM cannot carry the password: {}", unprepared(why)))?;
    }
    valid_user(OsString::from_vec(user.to_vec())).map_err(sentence)?;
    if is_empty_password(password) {
        return Err("the password is empty".to_owned());
    }
    super::options::valid_password(Secret::new(password)).map(drop).map_err(sentence)
}

fn csv_text(csv: &Path, fault: &CsvError) -> String {
    let csv = csv.display();
    match fault {
        CsvError::Fields { line, count } => {
            let fields = if *count == 1 { "field" } else { "fields" };
            format!("line {line} of `{csv}` has {count} {fields}, not user and password")
        }
        CsvError::OpenQuote { line } => format!("line {line} of `{csv}` has a quote that is never closed"),
        CsvError::AfterQuote { line } => format!("line {line} of `{csv}` has more behind a closing quote"),
        CsvError::Duplicate { line, before } => {
            format!("line {line} of `{csv}` has the user of line {before} again")
        }
    }
}

fn open(file: &Path, term: &mut Term) -> Result<Stored, Failure> {
    let stored = Stored::open(file).map_err(|cause| text::stored(file, &cause))?;
    // At once: a prompt may follow.
    render::exposures(stored.path(), &permissions::exposures(stored.metadata()), term);
    Ok(stored)
}

struct Put {
    updated: Vec<bool>,
    remarks: Vec<Remark>,
}

/// Puts records into a file. A corrupt line does not keep a new user out, but a file that has one
/// is not updated: mosquitto_passwd decides so too.
fn put_records(
    stored: &Stored,
    making: &Making,
    records: &[Record],
    file: &Path,
    generated: &mut Generated<'_>,
    term: &mut Term,
) -> Result<Put, Failure> {
    let ((updated, corrupt), mut remarks) = change(stored, file, |text| {
        making.check_kind(file, text)?;
        let put = edit::put(text, records);
        match put.corrupt {
            Some(corrupt) if put.updated.contains(&true) => Err(text::corrupt(corrupt)),
            _ => {
                generated.show(term)?;
                Ok((Some(Zeroizing::new(making.completed(put.text)?)), (put.updated, put.corrupt)))
            }
        }
    })?;
    remarks.extend(corrupt.map(Remark::Corrupt));
    Ok(Put { updated, remarks })
}

/// What stopped a change: the file, or the verb itself.
enum Stopped {
    Stored(StoredError),
    Verb(Failure),
}

impl From<StoredError> for Stopped {
    fn from(cause: StoredError) -> Self {
        Self::Stored(cause)
    }
}

fn change<T>(
    stored: &Stored,
    file: &Path,
    mut make: impl FnMut(&[u8]) -> Result<(Option<Zeroizing<Vec<u8>>>, T), Failure>,
) -> Result<(T, Vec<Remark>), Failure> {
    let mut had_mark = false;
    let changed = stored.change(|text| {
        let text = text::unmarked(file, text).map_err(Stopped::Verb)?;
        let (replacement, said) = make(text.bytes).map_err(Stopped::Verb)?;
        had_mark = text.has_mark && replacement.is_some();
        Ok((replacement, said))
    });
    let (said, replacement) = changed.map_err(|stopped| match stopped {
        Stopped::Stored(cause) => text::stored(file, &cause),
        Stopped::Verb(failure) => failure,
    })?;
    let path = || stored.path().to_owned();
    let mark = had_mark.then(|| Remark::MarkGone(path()));
    let in_place = (replacement == Replacement::InPlace).then(|| Remark::InPlace(path()));
    Ok((said, mark.into_iter().chain(in_place).collect()))
}

/// Makes a new file.
fn create(
    file: &Path,
    overwrite: bool,
    text: &[u8],
    generated: &mut Generated<'_>,
    term: &mut Term,
) -> Result<(), Failure> {
    let not_created = |cause: whole_file::Error| {
        let failure = error(&format!("Unable to open file {} for writing. {}.", file.display(), reason(&cause.cause)));
        if cause.target_exists() {
            failure.hint("--overwrite replaces it; without -c the user is added to it")
        } else {
            failure
        }
    };
    let draft = if overwrite {
        Draft::replacing(file, text, Permission::KeepOr(MODE))
    } else {
        Draft::new(file, text, MODE).and_then(Draft::still_unused)
    };
    let draft = draft.map_err(not_created)?;
    generated.show(term)?;
    draft.publish().map(drop).map_err(not_created)
}

/// SCRAM cannot carry the password, or nothing random is to be had.
fn no_keys(error: KeysError) -> Failure {
    match error {
        KeysError::Password(why) => text::error(&format!("SCRAM cannot carry this password: {}.", unprepared(why))),
        KeysError::NoRandom => failed("cannot make keys: the system gives no random bytes".to_owned()),
    }
}

fn unable_to_hash() -> Failure {
    error("Unable to hash password.")
}

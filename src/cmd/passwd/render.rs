//! What passwd shows: the list of users, what was changed, a new password, and its notes and warnings.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use super::outcome::{Changed, Kept, Outcome, Remark, Row, iterations};
use super::permissions::Exposure;
use super::text;
use crate::cmd::applet::{Invocation, VERSION};
use crate::cmd::output;
use crate::diagnose::files::password_fault;
use crate::os::text::OsStrExt;
use crate::passwd::{Fault, Hash};
use crate::term::{Failure, Secret, Term, escape_controls};

/// Words that make no sense: how it is used, on standard output, as mosquitto_passwd ends.
pub fn usage(invocation: &Invocation, term: &mut Term) {
    let program = &invocation.program;
    term.line(format_args!(
        "Usage: {program} [-c] [-H HASH] [-I COUNT] FILE USER\n\
        \x20      {program} -b [-c] [-H HASH] [-I COUNT] FILE USER PASSWORD\n\
        \x20      {program} -D FILE USER           remove the user\n\
        \x20      {program} -U FILE                hash plain-text passwords"
    ));
    if !invocation.as_mosquitto {
        term.line(format_args!(
            "\x20      {program} --import CSV FILE      add or change many users\n\
             \x20      {program} --verify USER FILE     check a password\n\
             \x20      {program} --list FILE            list the users\n\
             \x20      {program} --weak FILE            list the users with a weak hash\n\
             \x20      {program} --scram [-c] FILE USER a file for SCRAM logins; also with\n\
             \x20                                           -b, -D, --import, --verify, --list"
        ));
    }
    term.line(
        "HASH is sha512-pbkdf2 (the default), sha512 or argon2id; with -c, FILE may be\n\
         - for standard output. Everything else: moskit passwd --help",
    );
}

pub fn help(help: &str, term: &mut Term) {
    term.write(help.as_bytes());
}

pub fn version(term: &mut Term) {
    term.line(VERSION);
}

pub fn empty_password(term: &mut Term) {
    term.note("Warning: the password is empty, and moskit's broker lets nobody in by this entry.");
}

/// Who else may read a password file, in mosquitto_passwd's words.
pub fn exposures(path: &Path, exposures: &[Exposure], term: &mut Term) {
    let (file, refused) = (path.display(), "Future versions will refuse to load this file.");
    for exposure in exposures {
        match exposure {
            Exposure::World => {
                term.complain(format_args!("Warning: File {file} has world readable permissions. {refused}"));
                term.complain(format_args!("To fix this, use `chmod 0700 {file}`."));
            }
            Exposure::OtherOwner { us } => term.complain(format_args!(
                "Warning: File {file} owner is not {us}. {refused}To fix this, use `chown {us} {file}`."
            )),
            Exposure::OtherGroup { ours } => {
                term.complain(format_args!("Warning: File {file} group is not {ours}. {refused}"));
            }
        }
    }
}

/// A password that was made here. It is lost to everybody if it cannot be shown.
pub fn generated(password: &Secret, term: &mut Term) -> Result<(), Failure> {
    term.write(password.expose());
    term.write(b"\n");
    output::deliver_once("the new password", "it was not stored", term)
}

/// What became of a password file.
pub fn changed(changed: &Changed, term: &mut Term) {
    for remark in &changed.remarks {
        show_remark(remark, term);
    }
    match &changed.outcome {
        Outcome::Printed(text) => term.write(text),
        Outcome::Put { user, updated, is_generated } => announce(*updated, user, *is_generated, term),
        Outcome::Imported { added, updated } => term.line(format_args!("{added} added, {updated} updated")),
        Outcome::Silent => {}
    }
}

fn show_remark(remark: &Remark, term: &mut Term) {
    match remark {
        Remark::MarkGone(file) => term.note(format_args!(
            "note: the byte-order mark of `{}` is gone: for it Mosquitto did not know the user of the first line",
            file.display()
        )),
        Remark::InPlace(file) => term.note(format_args!(
            "note: `{}` was written in place, because its folder or owner does not let us replace it",
            file.display()
        )),
        Remark::Corrupt(corrupt) => term.complain_raw(text::corrupt(*corrupt).verbatim.as_bytes()),
        Remark::Argon2 => term.note(
            "note: Mosquitto reads argon2id hashes since 2.1 and only if built with argon2; 2.0 starts without \
             the users who have one, and they cannot log in",
        ),
    }
}

/// On standard output as mosquitto_passwd does, unless that is for a new password alone.
fn announce(updated: bool, user: &OsStr, generated: bool, term: &mut Term) {
    let what = if updated { "Updating" } else { "Adding" };
    let mut line = format!("{what} password for user ").into_bytes();
    line.extend_from_slice(user.as_bytes());
    line.push(b'\n');
    if generated { term.complain_raw(&line) } else { term.write(&line) }
}

/// The program that has been told to read its password file again.
pub fn reloaded(program: &str, process: u32, term: &mut Term) {
    term.note(format_args!("note: told {program} (process {process}) to reload"));
}

/// Mosquitto takes the mark for a part of the first line.
pub fn has_mark(file: &Path, term: &mut Term) {
    term.note(format_args!(
        "warning: `{}` begins with a byte-order mark, for which Mosquitto does not know the user of its first line; \
         the next change of the file removes it",
        file.display()
    ));
}

pub fn right_password(user: &OsStr, term: &mut Term) {
    term.line(format_args!("Right password for user {}", user.display()));
}

/// The users of a file.
pub fn list(rows: &[Row], as_json: bool, term: &mut Term) {
    if as_json {
        term.json(Value::Array(rows.iter().map(json_of).collect()));
    } else if !rows.is_empty() {
        table(rows, term);
    }
}

/// Columns as wide as their widest cell; the last one ends where its text ends.
fn table(rows: &[Row], term: &mut Term) {
    let heading = ["USER", "HASH", "WORK", "SALT", "NOTE"].map(str::to_owned);
    let cells: Vec<_> = std::iter::once(heading).chain(rows.iter().map(columns)).collect();
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

fn work(row: &Row) -> String {
    match &row.kept {
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

fn columns(row: &Row) -> [String; 5] {
    let (kind, salt, note) = match &row.kept {
        Ok(kept) => (kept.kind(), kept.salt_bytes().to_string(), if kept.is_weak() { "weak" } else { "" }.to_owned()),
        Err(why) => ("none".to_owned(), "-".to_owned(), password_fault(Fault::Hash(*why)).to_owned()),
    };
    [escape_controls(&row.user).into_owned(), kind, work(row), salt, note]
}

fn json_of(row: &Row) -> Value {
    let mut object = Map::new();
    object.insert("line".to_owned(), json!(row.line));
    object.insert("user".to_owned(), json!(row.user));
    object.insert("hash".to_owned(), json!(row.kept.as_ref().ok().map(Kept::kind)));
    match &row.kept {
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
    if let Ok(kept) = &row.kept {
        object.insert("salt_bytes".to_owned(), json!(kept.salt_bytes()));
    }
    object.insert("weak".to_owned(), json!(row.is_weak()));
    Value::Object(object)
}

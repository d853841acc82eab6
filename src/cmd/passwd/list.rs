//! The modes that only read: `--list`, `--upgrade` and `--verify`.

use std::ffi::OsStr;
use std::path::Path;

use super::options::Source;
use super::outcome::{Kept, Listing, Row};
use super::render;
use super::secret::Interrupted;
use super::text::{self, error, failed};
use crate::diagnose::files::password_fault;
use crate::diagnose::shell;
use crate::os::text::OsStrExt;
use crate::passwd::edit::Corrupt;
use crate::passwd::{self, Fault, Line, lines};
use crate::term::{Exit, Failure, Term};

const WRONG: Exit = Exit(4);
const NO_SUCH_USER: Exit = Exit(5);

/// Lists the users of a file, or those whose hash is weak.
pub fn list(file: &Path, weak_only: bool, term: &mut Term) -> Result<Listing, Failure> {
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
            corrupt = corrupt.or(Some(Corrupt { line: index + 1 }));
        }
    }
    rows.retain(|row| !weak_only || row.is_weak());
    Ok(Listing { rows, corrupt })
}

/// The text without a byte-order mark; a warning says that it had one.
fn unmarked<'t>(file: &Path, text: &'t [u8], term: &mut Term) -> Result<&'t [u8], Failure> {
    let text = text::unmarked(file, text)?;
    if text.has_mark {
        render::has_mark(file, term);
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
) -> Result<(), Failure> {
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
        return Ok(());
    }
    Err(Failure { exit: WRONG, ..error(&format!("Wrong password for user {}.", user.display())) })
}

//! Where the devices of a batch come from: the rows of a file or of standard input, or the requests in a folder.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::rows::{NoRows, Row, Rows};
use crate::net::reason;
use crate::term::{Exit, Failure};

/// Where a row stands.
#[derive(Clone)]
pub enum At {
    Line(usize),
    File(PathBuf),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// A row that nothing can be made of.
pub struct Bad {
    pub at: At,
    pub why: String,
}

/// A row and where it stands, or what is wrong with it.
pub type Found = Result<(At, Row), Bad>;

/// Where rows come from.
pub enum Source {
    Rows(Rows<Box<dyn BufRead>>),
    Requests(fs::ReadDir),
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::new(Exit::FAILED, format!("cannot read `{}`: {}", path.display(), reason(&error)))
        };
        if path == Path::new("-") {
            return Ok(Self::Rows(Rows::new(Box::new(io::stdin().lock()))));
        }
        if path.is_dir() {
            return fs::read_dir(path).map(Self::Requests).map_err(failed);
        }
        let file = File::open(path).map_err(failed)?;
        Ok(Self::Rows(Rows::new(Box::new(BufReader::with_capacity(1 << 16, file)))))
    }

    /// The next row, or what is wrong with it. `None` at the end.
    pub fn next(&mut self, path: &Path) -> Result<Option<Found>, Failure> {
        let failed = |error: &io::Error| {
            Failure::new(Exit::FAILED, format!("cannot read `{}`: {}", path.display(), reason(error)))
        };
        match self {
            Self::Rows(rows) => match rows.next_row() {
                Ok(None) => Ok(None),
                Ok(Some((number, row))) => {
                    let at = At::Line(number);
                    Ok(Some(match row {
                        Ok(row) => Ok((at, row)),
                        Err(why) => Err(Bad { at, why }),
                    }))
                }
                Err(NoRows::Read(error)) => Err(failed(&error)),
                Err(NoRows::Columns(why)) => {
                    let why = format!("`{}` has no column names in its first line: {why}", path.display());
                    Err(Failure::new(Exit::FAILED, why)
                        .hint("the columns are id, san, days, key, org and org_unit; lines of JSON need no first line"))
                }
            },
            Self::Requests(entries) => loop {
                let Some(entry) = entries.next() else { return Ok(None) };
                let file = entry.map_err(|error| failed(&error))?.path();
                if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csr")) {
                    let id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    return Ok(Some(Ok((At::File(file), Row { id, ..Row::default() }))));
                }
            },
        }
    }
}

//! The SOURCE words: which kind of source each one is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::options::SourceArgs;
use super::options::{At, age_from, at};
use super::sentences::cannot_use_ledger;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::api::{Asked, Live};
use crate::cmd::connect::unreadable::{Place, cannot_open};
use crate::diagnose::state;
use crate::queue::age::AgeFrom;
use crate::queue::file::{FileSource, Format, Found, format_of};
use crate::queue::ledger::Ledger;
use crate::queue::ndjson::NdjsonSource;
use crate::queue::{Snapshot, Source};
use crate::state::ids::UnixTime;
use crate::state::usual;
use crate::term::{Exit, Failure, Term};

/// The sources, opened one by one, and how their times are told.
#[derive(Debug)]
pub struct Sources {
    pub words: Vec<String>,
    pub at: At,
    pub age_from: AgeFrom,
    pub ledger: Option<PathBuf>,
    /// Those that are asked, by their words.
    live: Vec<(String, Live)>,
}

impl Sources {
    pub fn new(args: &SourceArgs, invocation: &Invocation, term: &mut Term) -> Result<Self, Failure> {
        let asked = Asked::new(&args.api, &args.reach, invocation)?;
        let mut sources = Self::plain(&args.sources, &asked, term)?;
        if args.time.ledger.is_some() && sources.words.len() > 1 {
            return Err(Failure::new(Exit::USAGE, "a ledger belongs to one broker, and several sources are given"));
        }
        sources.at = at(args.time.at.as_deref())?;
        sources.age_from = age_from(&args.time.age_from)?;
        sources.ledger.clone_from(&args.time.ledger);
        Ok(sources)
    }

    /// Sources whose times are of no interest.
    pub fn plain(words: &[String], asked: &Asked<'_>, term: &mut Term) -> Result<Self, Failure> {
        let words = if words.is_empty() { vec![default_file()?] } else { words.to_vec() };
        let live = words.iter().filter(|word| word.contains("://"));
        let live = live.map(|word| Ok((word.clone(), asked.source(word, term)?))).collect::<Result<_, Failure>>()?;
        Ok(Self { words, at: At::Now, age_from: AgeFrom::Store, ledger: None, live })
    }

    /// Whether there is a file that is looked at without a word: one that may not be seen is one, too.
    pub fn has_default() -> bool {
        usual::file().map_or(true, |file| file.is_some())
    }

    fn live(&self, word: &str) -> Option<&Live> {
        self.live.iter().find(|(known, _)| known == word).map(|(_, live)| live)
    }

    /// How the source is reached, if it is one that is asked.
    pub fn place(&self, word: &str) -> Option<&Place> {
        self.live(word).map(|live| &live.place)
    }

    /// Writes the look at a source into the ledger.
    pub fn keep_ledger(&self, snapshot: &Snapshot, term: &mut Term) -> Result<(), Failure> {
        let (Some(path), Some(ledger)) = (&self.ledger, &snapshot.ledger) else { return Ok(()) };
        if ledger.starts_over() {
            term.note(format_args!(
                "warning: the broker's counter went down: its database was replaced, and the ledger starts over \
                 (the old one is kept as {}.old)",
                path.display()
            ));
        }
        ledger.write(path).map_err(|error| cannot_use_ledger(path, &error))
    }

    /// The files among the sources, where they are or will be.
    pub fn files(&self) -> Vec<PathBuf> {
        self.words
            .iter()
            .filter(|word| *word != "-" && !word.contains("://"))
            .map(|word| usual::awaited(Path::new(word)))
            .collect()
    }

    /// Opens a source as far as that can fail without reading it.
    pub fn open(&self, word: &str) -> Result<Box<dyn Source>, Failure> {
        if word == "-" {
            return Ok(Box::new(NdjsonSource::StandardInput));
        }
        if let Some(live) = self.live(word) {
            return Ok(live.open());
        }
        let path = usual::in_folder(Path::new(word));
        if path.is_dir() {
            return Err(without_file(&path));
        }
        let found = format_of(&path).map_err(|error| cannot_open(&path, &error))?;
        match found {
            Found::Broker(format) => self.file(path, format),
            Found::Lines => Ok(Box::new(NdjsonSource::File(path))),
            Found::Other => Err(Failure::new(
                Exit::FAILED,
                format!("`{}` is neither a mosquitto.db nor a mosquitto.sqlite3 nor NDJSON", path.display()),
            )),
        }
    }

    fn file(&self, path: PathBuf, format: Format) -> Result<Box<dyn Source>, Failure> {
        let ledger = match &self.ledger {
            Some(path) => Some(Ledger::read(path).map_err(|error| cannot_use_ledger(path, &error))?),
            None => None,
        };
        let at = match self.at {
            At::Time(time) => Some(time),
            At::Now | At::Mtime => None,
        };
        Ok(Box::new(FileSource { path, format, ledger, at }))
    }

    /// The moment that the ages of `word`'s messages are counted at.
    pub fn now(&self, word: &str) -> UnixTime {
        let wall = UnixTime::from(SystemTime::now());
        match self.at {
            At::Time(time) => time,
            At::Now => wall,
            At::Mtime => fs::metadata(usual::in_folder(Path::new(word)))
                .and_then(|metadata| metadata.modified())
                .map_or(wall, UnixTime::from),
        }
    }
}

/// A folder in which no broker's file is seen, be it that nobody may look.
fn without_file(folder: &Path) -> Failure {
    match usual::denied(folder) {
        Some(error) => cannot_open(folder, &error),
        None => Failure::new(Exit::FAILED, format!("{} `{}`", state::no_file_in_folder(), folder.display())),
    }
}

fn default_file() -> Result<String, Failure> {
    let file = usual::file().map_err(|error| cannot_open(Path::new(usual::FOLDER), &error))?;
    file.map(|path| path.to_string_lossy().into_owned()).ok_or_else(|| {
        Failure::new(Exit::FAILED, format!("no source given, and {}", state::no_usual_file()))
            .hint("moskit qshape FILE, or moskit qshape emqx+http://HOST:18083")
    })
}

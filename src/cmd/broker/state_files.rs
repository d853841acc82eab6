//! `--import` and `--export`: between our state and Mosquitto's snapshot.

use std::path::Path;

use crate::broker::config::Sync;
use crate::broker::host::state::{self as files, wall};
use crate::broker::store::{self, ImportError};
use crate::cmd::host::sentences;
use crate::diagnose::state;
use crate::state::mosquitto_db::Unreadable;
use crate::term::{Exit, Failure, Term, plural};
use crate::whole_file;

/// Fills the empty state at `store` with the mosquitto.db `from`.
pub fn import(from: &Path, store: &Path, sync: Sync, term: &mut Term) -> Result<Exit, Failure> {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot import `{}`: {why}", from.display()));
    let imported = store::import(from, wall()).map_err(|error| match error {
        ImportError::Empty => failed("it is empty".to_owned()).hint("is there another one, or a backup of it?"),
        ImportError::Unreadable(error) => {
            let failure = failed(state::mosquitto_db(&error));
            let exit = if matches!(error, Unreadable::NotMosquittoDb) { Exit::DAMAGED } else { failure.exit };
            Failure { exit, ..failure }
        }
    })?;
    let (mut file, before) = files::open(store, sync).map_err(|error| sentences::state(&error))?;
    if !before.clients.is_empty() || !before.messages.is_empty() {
        return Err(failed(format!("there is a state in `{}` already", store.display()))
            .hint(format!("import into a new file: --store NEW.sqlite3, or move {} away", store.display())));
    }
    file.fill(&imported.state).and_then(|()| file.close()).map_err(|error| failed(error.to_string()))?;
    let entries: usize = imported.state.clients.iter().map(|client| client.entries.len()).sum();
    term.line(format_args!(
        "{}: {}, {entries} queued and {} from {}",
        store.display(),
        plural(imported.state.clients.len() as u64, "client"),
        plural(imported.state.retained.len() as u64, "retained message"),
        from.display()
    ));
    if imported.orphans > 0 {
        let places = plural(imported.orphans as u64, "place");
        term.note(format_args!("left out: {places} in a queue that belonged to no client or to no message"));
    }
    match imported.damage {
        None => Ok(Exit::OK),
        Some(damage) => Err(Failure::new(
            Exit::DAMAGED,
            format!("`{}` is damaged: {}; what was read before is imported", from.display(), state::damage(&damage)),
        )),
    }
}

/// Writes the state at `store` as the mosquitto.db `to`.
pub fn export(store: &Path, to: &Path, sync: Sync, term: &mut Term) -> Result<Exit, Failure> {
    if !store.exists() {
        return Err(Failure::new(Exit::FAILED, format!("there is no state to export: `{}`", store.display())));
    }
    let (file, state) = files::open(store, sync).map_err(|error| sentences::state(&error))?;
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot export to `{}`: {why}", to.display()));
    let exported = store::export(&state).map_err(|error| failed(error.0.to_string()))?;
    whole_file::replace(to, &exported.bytes, whole_file::Permission::Exactly(0o600))
        .map_err(|error| failed(crate::net::reason(&error.cause)))?;
    file.close().map_err(|error| failed(error.to_string()))?;
    term.line(format_args!(
        "{}: {}, {} of which {} retained",
        to.display(),
        plural(state.clients.len() as u64, "client"),
        plural(state.messages.len() as u64, "message"),
        state.retained.len()
    ));
    if exported.wills_left_out > 0 {
        let wills = plural(exported.wills_left_out as u64, "will");
        term.note(format_args!("left out: {wills}, for which a mosquitto.db has no place"));
    }
    Ok(Exit::OK)
}

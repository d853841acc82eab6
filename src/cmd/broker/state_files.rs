//! `--import` and `--export`: between our state and Mosquitto's snapshot.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::broker::config::Sync;
use crate::broker::host::state::{self as files, wall};
use crate::broker::store::{self, ImportError};
use crate::cmd::host::sentences;
use crate::diagnose::state;
use crate::net::reason;
use crate::os::account;
use crate::os::{self, Owner};
use crate::state::mosquitto_db::{Damage, Unreadable};
use crate::term::{Exit, Failure};
use crate::whole_file;

/// What was put into a state.
pub struct Imported {
    pub clients: u64,
    pub queued: usize,
    pub retained: u64,
    /// Places in queues that belonged to no client or to no message.
    pub orphans: u64,
    /// Why no more was read.
    pub damage: Option<Damage>,
}

/// What was written of a state.
pub struct Exported {
    pub clients: u64,
    pub messages: u64,
    pub retained: usize,
    pub wills_left_out: u64,
}

/// Fills the empty state at `store` with the mosquitto.db `from`. What root makes belongs to `keeper`, as whom the broker will run, or
/// to whom the snapshot belongs: a broker that is not root's could not open it.
pub fn import(from: &Path, store: &Path, sync: Sync, keeper: Option<Owner>) -> Result<Imported, Failure> {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot import `{}`: {why}", from.display()));
    let imported = store::import(from, wall()).map_err(|error| match error {
        ImportError::Empty => failed("it is empty".to_owned()).hint("is there another one, or a backup of it?"),
        ImportError::Unreadable(error) => {
            let failure = failed(state::mosquitto_db(&error));
            let exit = if matches!(error, Unreadable::NotMosquittoDb) { Exit::DAMAGED } else { failure.exit };
            Failure { exit, ..failure }
        }
    })?;
    let is_new = !store.exists();
    let (mut file, before) = files::open(store, sync).map_err(|error| sentences::state(&error))?;
    if !before.clients.is_empty() || !before.messages.is_empty() {
        return Err(failed(format!("there is a state in `{}` already", store.display()))
            .hint(format!("import into a new file: --store NEW.sqlite3, or move {} away", store.display())));
    }
    file.fill(&imported.state).and_then(|()| file.close()).map_err(|error| failed(error.to_string()))?;
    if is_new && account::is_root() {
        hand_over(from, store, keeper).map_err(|error| {
            failed(format!("`{}` cannot be given to the broker's user: {}", store.display(), reason(&error)))
        })?;
    }
    Ok(Imported {
        clients: imported.state.clients.len() as u64,
        queued: imported.state.clients.iter().map(|client| client.entries.len()).sum(),
        retained: imported.state.retained.len() as u64,
        orphans: imported.orphans as u64,
        damage: imported.damage,
    })
}

/// Gives `store` to `keeper`, or to whom `from` belongs.
fn hand_over(from: &Path, store: &Path, keeper: Option<Owner>) -> io::Result<()> {
    match keeper.or(os::files::owner(&from.metadata()?)) {
        Some(owner) => os::files::set_owner(&File::open(store)?, owner),
        None => Ok(()),
    }
}

/// How the verb ends that has imported what stands before the damage, if there is any.
pub fn exit_of_import(from: &Path, imported: &Imported) -> Result<Exit, Failure> {
    match &imported.damage {
        None => Ok(Exit::OK),
        Some(damage) => Err(Failure::new(
            Exit::DAMAGED,
            format!("`{}` is damaged: {}; what was read before is imported", from.display(), state::damage(damage)),
        )),
    }
}

/// Writes the state at `store` as the mosquitto.db `to`.
pub fn export(store: &Path, to: &Path, sync: Sync) -> Result<Exported, Failure> {
    if !store.exists() {
        return Err(Failure::new(Exit::FAILED, format!("there is no state to export: `{}`", store.display())));
    }
    let (file, state) = files::open(store, sync).map_err(|error| sentences::state(&error))?;
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot export to `{}`: {why}", to.display()));
    let exported = store::export(&state).map_err(|error| failed(error.0.to_string()))?;
    whole_file::replace(to, &exported.bytes, whole_file::Permission::Exactly(0o600))
        .map_err(|error| failed(reason(&error.cause)))?;
    file.close().map_err(|error| failed(error.to_string()))?;
    Ok(Exported {
        clients: state.clients.len() as u64,
        messages: state.messages.len() as u64,
        retained: state.retained.len(),
        wills_left_out: exported.wills_left_out as u64,
    })
}

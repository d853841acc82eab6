//! Where the broker writes: its pid file, its log, its state, and the sockets that it makes.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::scene::{Scene, Seen, look, unseen};
use crate::broker::config::{Configuration, Listener, LogDestination};
use crate::broker::store::{self, StoreError};
use crate::diagnose::{Finding, shell, state as words};
use crate::examine::report::Stage;
use crate::os::account::Want;
use crate::state::Keep;
use crate::state::mosquitto_db::{Damage, Reader, Unreadable};

/// The longest path of a unix socket in bytes: the structure that the system wants has no room for more.
const SOCKET_PATH_MOST: usize = 107;

/// Folders that the system empties when it starts: what is below them is made by whoever starts the broker.
const MADE_AT_START: &[&str] = &["/run", "/var/run"];

/// The pid file and the log.
pub fn process(configuration: &Configuration, scene: &Scene<'_>) -> Option<Stage> {
    let mut stage = Stage::new("process");
    if let Some(path) = &configuration.pid_file {
        stage.fact("pid_file", path.display().to_string());
        if let Some(found) = scene.find(path) {
            let consequence = "Mosquitto does not start without it";
            stage.findings.extend(
                writable(&found, "pid file", scene)
                    .map(|obstacle| obstacle.finding("conf.pid-file", Finding::error, consequence)),
            );
        }
    }
    for destination in &configuration.log.destinations {
        let LogDestination::File(path) = destination else { continue };
        stage.fact("log", path.display().to_string());
        let Some(found) = scene.find_unfollowed(path) else { continue };
        let consequence = "the broker runs without a log, and shows errors alone on standard error";
        if std::fs::symlink_metadata(&found).is_ok_and(|metadata| metadata.is_symlink()) {
            stage.found(
                Finding::warning(
                    "conf.log-file",
                    format!("the log `{}` is a symlink, which Mosquitto 2.1 does not open", found.display()),
                )
                .evidence(consequence)
                .fix("name the file itself"),
            );
            continue;
        }
        let obstacle = writable(&found, "log", scene);
        stage
            .findings
            .extend(obstacle.map(|obstacle| obstacle.finding("conf.log-file", Finding::warning, consequence)));
    }
    let files = configuration.log.destinations.iter().filter_map(|destination| match destination {
        LogDestination::File(path) => Some(path),
        _ => None,
    });
    let mut named = files.chain(&configuration.pid_file).peekable();
    named.peek()?;
    if named.all(|path| scene.find(path).is_none()) {
        return Some(Stage::skipped("process", "its files are not on this machine"));
    }
    Some(stage)
}

/// Why a file cannot be written.
enum Obstacle {
    /// It is a folder, or something else is wrong, in one sentence; what to do.
    Is(String, Option<String>, Option<String>),
    /// Its folder is not there yet, which whoever starts the broker changes.
    MadeAtStart(PathBuf),
    Unseen(Box<Finding>),
}

impl Obstacle {
    fn finding(self, id: &'static str, severity: fn(&'static str, String) -> Finding, consequence: &str) -> Finding {
        match self {
            Self::Unseen(finding) => *finding,
            Self::MadeAtStart(folder) => Finding::note(id, format!("`{}` is not there", folder.display())).evidence(
                "the service that starts the broker makes it, as systemd's does; without a service it must be made",
            ),
            Self::Is(what, evidence, fix) => {
                let finding = severity(id, what).evidence(consequence);
                let finding = evidence.into_iter().fold(finding, Finding::evidence);
                fix.into_iter().fold(finding, Finding::fix)
            }
        }
    }
}

/// Whether the broker's user may write, or make, the file at `path`.
fn writable(path: &Path, what: &str, scene: &Scene<'_>) -> Option<Obstacle> {
    let shown = path.display();
    match look(what, path) {
        Seen::Unseen(finding) => Some(Obstacle::Unseen(finding)),
        Seen::There(metadata) if metadata.is_dir() => {
            Some(Obstacle::Is(format!("the {what} `{shown}` is a folder"), None, Some("name a file in it".to_owned())))
        }
        Seen::There(_) => match scene.obstacle(path, Want::Write) {
            Ok(None) => None,
            Ok(Some(mode)) => {
                let what = format!("{} cannot write the {what} `{shown}`", scene.who());
                Some(Obstacle::Is(what, Some(mode), Some(scene.chown(path))))
            }
            Err(error) => Some(Obstacle::Unseen(Box::new(unseen(what, path, &error)))),
        },
        Seen::Missing => folder_of(path, what, scene),
    }
}

/// Whether the file can be made in its folder.
fn folder_of(path: &Path, what: &str, scene: &Scene<'_>) -> Option<Obstacle> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = folder.display();
    match look("folder", folder) {
        Seen::Unseen(finding) => Some(Obstacle::Unseen(finding)),
        Seen::Missing if MADE_AT_START.iter().any(|start| folder.parent() == Some(Path::new(start))) => {
            Some(Obstacle::MadeAtStart(folder.to_owned()))
        }
        Seen::Missing => {
            let fix = format!("mkdir -p {} && {}", shell::path(folder), scene.chown(folder));
            Some(Obstacle::Is(format!("the folder `{shown}` of the {what} does not exist"), None, Some(fix)))
        }
        Seen::There(metadata) if !metadata.is_dir() => {
            Some(Obstacle::Is(format!("`{shown}`, where the {what} is to be, is no folder"), None, None))
        }
        Seen::There(_) => match scene.obstacle(folder, Want::WriteInto) {
            Ok(None) => None,
            Ok(Some(mode)) => {
                let what = format!("{} cannot write to `{shown}`, where the {what} is to be", scene.who());
                Some(Obstacle::Is(what, Some(mode), Some(scene.chown(folder))))
            }
            Err(error) => Some(Obstacle::Unseen(Box::new(unseen("folder", folder, &error)))),
        },
    }
}

/// The socket of a listener.
pub fn socket(listener: &Listener, scene: &Scene<'_>, stage: &mut Stage) {
    let Some(path) = &listener.unix_path else { return };
    let length = path.as_os_str().len();
    if length > SOCKET_PATH_MOST {
        stage.found(
            Finding::error(
                "conf.socket",
                format!("the path of the socket has {length} bytes: {SOCKET_PATH_MOST} are the most"),
            )
            .evidence("the broker does not start")
            .fix("choose a shorter path"),
        );
        return;
    }
    let Some(found) = scene.find(path) else { return };
    let shown = found.display();
    let consequence = "the broker does not start";
    match look("socket", &found) {
        Seen::There(metadata) if metadata.is_dir() && !is_empty(&found) => stage.found(
            Finding::error("conf.socket", format!("`{shown}`, where the socket is to be, is a folder"))
                .evidence(consequence)
                .fix("name a file in it"),
        ),
        // So it does with an empty folder.
        Seen::There(metadata) if metadata.is_file() || metadata.is_dir() => stage.found(
            Finding::warning(
                "conf.socket",
                format!("something is at `{shown}`: Mosquitto deletes it, and makes its socket there"),
            )
            .fix("choose another path"),
        ),
        Seen::Unseen(finding) => stage.found(*finding),
        // An old socket is replaced, for which the folder is what counts.
        Seen::There(_) | Seen::Missing => {
            let obstacle = folder_of(&found, "socket", scene);
            stage
                .findings
                .extend(obstacle.map(|obstacle| obstacle.finding("conf.socket", Finding::error, consequence)));
        }
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Where the state is kept, and whether what is there is a state.
pub fn state(configuration: &Configuration, scene: &Scene<'_>) -> Stage {
    let mut stage = Stage::new("state");
    let persistence = &configuration.persistence;
    stage.fact("persistence", persistence.enabled);
    if !persistence.enabled {
        stage.found(
            Finding::note("session.no-persistence", "sessions and queued messages are lost when the broker stops")
                .fix("persistence true"),
        );
        return stage;
    }
    let folder = persistence.location.clone().unwrap_or_else(|| PathBuf::from("."));
    stage.fact("folder", folder.display().to_string());
    let is_sqlite = configuration.has_persist_sqlite();
    let file = match (is_sqlite, &persistence.file) {
        (true, _) => persistence.path().unwrap_or_default(),
        (false, name) => folder.join(name.clone().unwrap_or_else(|| "mosquitto.db".into())),
    };
    if scene.find(&folder).is_none() || scene.find(&file).is_none() {
        return Stage::skipped("state", "its folder is not on this machine");
    }
    let where_it_is = if is_sqlite { file.parent().map(Path::to_owned).unwrap_or_default() } else { folder };
    if let Some(found) = scene.find(&where_it_is)
        && let Some(finding) = state_folder(&found, is_sqlite, persistence.store.is_some(), scene)
    {
        stage.found(finding);
        return stage;
    }
    if let Some(found) = scene.find(&file) {
        state_file(&found, is_sqlite, scene, &mut stage);
    }
    stage
}

/// persist-sqlite makes its folder, but not that of a file that is named by itself.
fn state_folder(folder: &Path, is_sqlite: bool, is_file_named: bool, scene: &Scene<'_>) -> Option<Finding> {
    const ID: &str = "conf.persistence-location";
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let shown = folder.display();
    match look("folder", folder) {
        Seen::Unseen(finding) => Some(*finding),
        Seen::Missing if is_sqlite && !is_file_named => folder_of(folder, "folder of the state", scene)
            .map(|obstacle| obstacle.finding(ID, Finding::error, "the broker does not start")),
        Seen::Missing => Some(
            Finding::error(ID, format!("the folder `{shown}` for the broker's state does not exist"))
                .evidence(if is_sqlite {
                    "the broker does not start"
                } else {
                    "Mosquitto starts and cannot save: what it holds is lost when it stops"
                })
                .fix(format!("mkdir -p {} && {}", shell::path(folder), scene.chown(folder))),
        ),
        Seen::There(metadata) if !metadata.is_dir() => {
            Some(Finding::error(ID, format!("`{shown}` is to hold the broker's state and is no folder")))
        }
        Seen::There(_) => match scene.obstacle(folder, Want::WriteInto) {
            Ok(None) => None,
            Ok(Some(mode)) => Some(
                Finding::error(ID, format!("{} cannot write to `{shown}`: the state would be lost", scene.who()))
                    .evidence(mode)
                    .fix(scene.chown(folder)),
            ),
            Err(error) => Some(unseen("folder", folder, &error)),
        },
    }
}

fn state_file(path: &Path, is_sqlite: bool, scene: &Scene<'_>, stage: &mut Stage) {
    const ID: &str = "state.unusable";
    let shown = path.display();
    let metadata = match look("state file", path) {
        // It is made at the first start.
        Seen::Missing => return,
        Seen::Unseen(finding) => return stage.found(*finding),
        Seen::There(metadata) => metadata,
    };
    stage.fact("file", shown.to_string());
    if let Ok(Some(mode)) = scene.obstacle(path, Want::Read) {
        return stage.found(
            Finding::error(ID, format!("{} cannot read the state `{shown}`", scene.who()))
                .evidence(mode)
                .fix(scene.chown(path)),
        );
    }
    if metadata.len() == 0 && metadata.is_file() {
        return stage.found(Finding::warning(ID, format!("the state file `{shown}` is empty: nothing is restored")));
    }
    let move_away =
        || format!("restore a backup of it, or start without its messages: mv {0} {0}.broken", shell::path(path));
    let unusable = |why: String| {
        Finding::error(ID, format!("the broker does not start with its state `{shown}`: {why}")).fix(move_away())
    };
    if is_sqlite {
        match store::test(path, crate::broker::host::state::wall()) {
            Ok(()) | Err(StoreError::Busy) => {}
            Err(error) => stage.found(unusable(error.to_string())),
        }
        return;
    }
    match damage_of(path) {
        Ok(None) => {}
        Ok(Some(damage @ Damage::StrayTail { .. })) => {
            stage.found(Finding::warning(ID, format!("the state `{shown}` has {}", words::damage(&damage))));
        }
        Ok(Some(Damage::NoChunks)) => stage.found(Finding::warning(
            ID,
            format!("the state file `{shown}` ends behind its head of 23 bytes: nothing is restored"),
        )),
        Ok(Some(damage)) => stage.found(
            Finding::error(ID, format!("the state `{shown}` is damaged: {}", words::damage(&damage)))
                .evidence("Mosquitto does not start with it, or restores a part of it")
                .fix(move_away()),
        ),
        Err(Unreadable::Io(error)) => stage.found(unseen("state file", path, &error)),
        Err(error) => stage.found(unusable(words::mosquitto_db(&error))),
    }
}

fn damage_of(path: &Path) -> Result<Option<Damage>, Unreadable> {
    let mut reader = Reader::<File>::open(path, Keep::HEADS)?;
    loop {
        match reader.next_chunk() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(damage) => return Ok(Some(damage)),
        }
    }
}

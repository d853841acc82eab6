//! `moskit links`: the `mosquitto_*` names, as symbolic links to this program.

use std::io;
use std::path::{Path, PathBuf};

use crate::cmd::applet::{Applet, Invocation, Manual};
use crate::diagnose::shell;
use crate::net::reason;
use crate::os::files::symlink;
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "links",
    mosquitto_name: None,
    as_mosquitto: Some,
    about: "Make the mosquitto_* names as links to moskit",
    command,
    run,
    manual: Manual {
        description: &[
            "moskit links makes symbolic links to this program in DIR: mosquitto_pub, mosquitto_sub, mosquitto_rr, mosquitto_passwd and mosquitto. Called by one of these names, moskit behaves as that program does. Put DIR in front of the others in PATH.",
        ],
        exit_status: &[("0", "All links are there."), ("1", "A link could not be made."), ("3", "Usage.")],
        examples: &[
            ("moskit links ~/bin", "Let scripts that call mosquitto_pub and its like use moskit"),
            ("PATH=~/bin:$PATH mosquitto_pub --help", "Try one of them"),
            ("moskit links ~/bin --remove", "Take the links away again"),
        ],
        see_also: &["moskit(1)", "moskit-pub(1)", "moskit-sub(1)", "moskit-rr(1)", "moskit-passwd(1)"],
        ..Manual::EMPTY
    },
};

fn command() -> clap::Command {
    clap::Command::new("links")
        .arg(
            clap::Arg::new("dir")
                .value_name("DIR")
                .required(true)
                .value_hint(clap::ValueHint::DirPath)
                .value_parser(clap::value_parser!(PathBuf))
                .help("Where the links go. A file of another program is never replaced"),
        )
        .arg(
            clap::Arg::new("remove")
                .long("remove")
                .action(clap::ArgAction::SetTrue)
                .help("Remove the links to this program instead; anything else stays"),
        )
}

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    let folder = matches.get_one::<PathBuf>("dir").expect("clap has seen that DIR is given");
    let target = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot tell where this program is: {}", reason(&error)))
    })?;
    let mut foreign = Vec::new();
    for name in invocation.applets.iter().filter_map(|applet| applet.mosquitto_name) {
        let link = folder.join(name);
        let done = if matches.get_flag("remove") { remove(&link, &target) } else { make(&link, &target) };
        match done.map_err(|error| cannot_change(&link, &error))? {
            Change::Made => term.line(format_args!("{} -> {}", link.display(), target.display())),
            Change::Removed => term.line(format_args!("removed {}", link.display())),
            Change::None => {}
            Change::Foreign => foreign.push(link.display().to_string()),
        }
    }
    if foreign.is_empty() {
        return Ok(Exit::OK);
    }
    Err(Failure::new(
        Exit::FAILED,
        format!("left alone, because it is not a link to this program: {}", foreign.join(", ")),
    )
    .hint("remove it yourself, or choose a folder that comes earlier in PATH"))
}

fn cannot_change(link: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::FAILED, format!("cannot change `{}`: {}", link.display(), reason(error)));
    match link.parent() {
        Some(folder) if error.kind() == io::ErrorKind::NotFound => {
            failure.hint(format!("mkdir -p {}", shell::path(folder)))
        }
        _ => failure,
    }
}

enum Change {
    Made,
    Removed,
    None,
    Foreign,
}

fn make(link: &Path, target: &Path) -> io::Result<Change> {
    match symlink(target, link) {
        Ok(()) => Ok(Change::Made),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(if leads_to(link, target) { Change::None } else { Change::Foreign })
        }
        Err(error) => Err(error),
    }
}

fn remove(link: &Path, target: &Path) -> io::Result<Change> {
    if !link.is_symlink() && !link.exists() {
        return Ok(Change::None);
    }
    if !leads_to(link, target) {
        return Ok(Change::Foreign);
    }
    std::fs::remove_file(link).map(|()| Change::Removed)
}

fn leads_to(link: &Path, target: &Path) -> bool {
    link.read_link().is_ok_and(|leads| leads == target)
}

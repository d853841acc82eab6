//! What happens to the file: kept bytes, corrupt lines, permissions, full disks, many at once.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::{done, ended, file, names, own, theirs};
use crate::run::{Ended, run};

fn read(folder: &Path) -> String {
    fs::read_to_string(folder.join("passwords")).unwrap()
}

/// The user's hash in the file, which a test cannot know, replaced by `HASH`.
fn with_hash_of(text: &str, user: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| if line.starts_with(&format!("{user}:$")) { format!("{user}:HASH\n") } else { line.to_owned() })
        .collect()
}

#[test]
fn an_update_changes_the_first_line_of_the_user_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "# who\r\n\n  a : x \r\n u :1\nu:2\nlast:y");
    let updated = run(&mut theirs(folder.path(), &["-b", "passwords", "u", "p"]), b"");
    assert_eq!(updated, ended("Updating password for user u\n", "", 0));
    assert_eq!(with_hash_of(&read(folder.path()), "u"), "# who\r\n\n  a : x \r\nu:HASH\nu:2\nlast:y");
}

#[test]
fn a_new_user_is_never_glued_to_the_last_line() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "a:x");
    done(folder.path(), &["-b", "passwords", "u", "p"]);
    assert_eq!(with_hash_of(&read(folder.path()), "u"), "a:x\nu:HASH\n");
}

#[test]
fn a_corrupt_line_is_told_and_costs_nothing() {
    for corrupt in ["no colon", ":hash", "user:", " : "] {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("a:x\n# fine\n\n{corrupt}\nb:y\nu:z\n");
        file(folder.path(), &text);
        let told = "Error: Corrupt password file at line 4.\n";
        for words in [
            &["-b", "passwords", "a", "p"][..],
            &["-b", "passwords", "u", "p"],
            &["-D", "passwords", "b"],
            &["-U", "passwords"],
        ] {
            assert_eq!(run(&mut theirs(folder.path(), words), b""), ended("", told, 1), "{words:?}");
        }
        let absent = format!("{told}Warning: User new not found in password file.\n");
        assert_eq!(run(&mut theirs(folder.path(), &["-D", "passwords", "new"]), b""), ended("", &absent, 1));
        assert_eq!(read(folder.path()), text);
        let added = run(&mut theirs(folder.path(), &["-b", "passwords", "new", "p"]), b"");
        assert_eq!(added, ended("Adding password for user new\n", told, 0));
        assert_eq!(with_hash_of(&read(folder.path()), "new"), format!("{text}new:HASH\n"));
    }
}

#[test]
fn all_lines_of_a_deleted_user_go_and_a_second_time_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "u:1\n# c\nx:2\r\n u :3");
    assert_eq!(done(folder.path(), &["-D", "passwords", "u"]), "");
    assert_eq!(read(folder.path()), "# c\nx:2\r\n");
    let absent = ended("", "Warning: User u not found in password file.\n", 1);
    assert_eq!(run(&mut theirs(folder.path(), &["-D", "passwords", "u"]), b""), absent);
}

#[test]
fn a_new_file_is_for_its_owner_only_and_an_existing_one_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &["-c", "-b", "passwords", "u", "p"]);
    assert_eq!(fs::metadata(folder.path().join("passwords")).unwrap().mode() & 0o777, 0o600);
    let before = read(folder.path());
    let exists = "Error: Unable to open file passwords for writing. File exists.\n";
    assert_eq!(run(&mut theirs(folder.path(), &["-c", "-b", "passwords", "v", "p"]), b""), ended("", exists, 1));
    let hint = "hint: --overwrite replaces it; without -c the user is added to it\n";
    assert_eq!(
        run(&mut own(folder.path(), &["-c", "-b", "passwords", "v", "p"]), b""),
        ended("", &format!("{exists}{hint}"), 1)
    );
    assert_eq!(read(folder.path()), before);
    done(folder.path(), &["-c", "--overwrite", "-b", "passwords", "v", "p"]);
    assert_eq!(with_hash_of(&read(folder.path()), "v"), "v:HASH\n");
    let nowhere = "Error: Unable to open file no/f for writing. No such file or directory.\n";
    assert_eq!(run(&mut theirs(folder.path(), &["-c", "-b", "no/f", "v", "p"]), b""), ended("", nowhere, 1));
}

#[test]
fn a_folder_is_no_password_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(folder.path()).unwrap();
    let told = format!("Error: Unable to open password file {}. Is a directory.\n", path.display());
    assert_eq!(run(&mut theirs(folder.path(), &["-D", ".", "u"]), b""), ended("", &told, 1));
}

#[test]
fn mode_owner_and_link_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "u:x\n");
    symlink("passwords", folder.path().join("link")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let is_root = rustix::process::getuid().is_root();
    if is_root {
        chown(&path, Some(1), Some(2)).unwrap();
    }
    let Ended { stderr, code, .. } = run(&mut theirs(folder.path(), &["-b", "link", "u", "p"]), b"");
    let now = fs::metadata(&path).unwrap();
    assert_eq!((code, now.mode() & 0o7777), (0, 0o640));
    assert!(fs::symlink_metadata(folder.path().join("link")).unwrap().is_symlink());
    assert_eq!(names(folder.path()), ["link", "passwords"]);
    if is_root {
        assert_eq!((now.uid(), now.gid()), (1, 2));
        let path = fs::canonicalize(&path).unwrap();
        let (file, refused) = (path.display(), "Future versions will refuse to load this file.");
        let warnings = format!(
            "Warning: File {file} owner is not root. {refused}To fix this, use `chown root {file}`.\n\
             Warning: File {file} group is not root. {refused}\n"
        );
        assert_eq!(stderr, warnings);
    }
}

#[test]
fn a_file_that_the_world_may_read_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(file(folder.path(), "u:x\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    let file = path.display();
    let warning = format!(
        "Warning: File {file} has world readable permissions. Future versions will refuse to load this file.\n\
         To fix this, use `chmod 0700 {file}`.\n"
    );
    let deleted = run(&mut theirs(folder.path(), &["-D", "passwords", "u"]), b"");
    assert_eq!(deleted, ended("", &warning, 0));
}

/// The command as a user who may not do everything; `None`, said aloud, if there is no way.
fn as_nobody(command: &Command) -> Option<Command> {
    if !rustix::process::getuid().is_root() {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args()).current_dir(command.get_current_dir().unwrap());
        return Some(same);
    }
    crate::mosquitto::installed("setpriv")?;
    let mut dropped = Command::new("setpriv");
    dropped.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(command.get_program());
    dropped.args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    // The program must be reachable for nobody too.
    let reachable = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(command.get_program())
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !reachable {
        eprintln!("SKIPPED: another user cannot run {}", command.get_program().display());
    }
    reachable.then_some(dropped)
}

#[test]
fn where_the_folder_is_not_writable_the_file_is_written_in_place_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(file(folder.path(), "a:x\nu:old\n")).unwrap();
    if rustix::process::getuid().is_root() {
        chown(&path, Some(65_534), Some(65_534)).unwrap();
    }
    let inode = fs::metadata(&path).unwrap().ino();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let Some(mut command) = as_nobody(&own(folder.path(), &["-b", "passwords", "u", "p"])) else { return };
    let note = format!(
        "note: `{}` was written in place, because its folder or owner does not let us replace it\n",
        path.display()
    );
    assert_eq!(run(&mut command, b""), ended("Updating password for user u\n", &note, 0));
    let mut shorter = as_nobody(&own(folder.path(), &["-D", "passwords", "u"])).unwrap();
    assert_eq!(run(&mut shorter, b""), ended("", &note, 0));
    assert_eq!(read(folder.path()), "a:x\n");
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    let refused = "Error: Unable to open file new for writing. Permission denied.\n";
    let mut create = as_nobody(&own(folder.path(), &["-c", "-b", "new", "u", "p"])).unwrap();
    assert_eq!(run(&mut create, b""), ended("", refused, 1));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_file_that_may_not_be_read_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(file(folder.path(), "u:x\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let Some(mut command) = as_nobody(&own(folder.path(), &["-b", "passwords", "u", "p"])) else { return };
    let told = format!("Error: Unable to open password file {}. Permission denied.\n", path.display());
    assert_eq!(run(&mut command, b""), ended("", &told, 1));
}

/// The command with files limited to `blocks` blocks, and without the signal that says so: like a disk that is full.
fn with_little_room(command: &Command, blocks: u32) -> Command {
    let mut limited = Command::new("bash");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "bash"]);
    limited.arg(command.get_program()).args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    limited
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..1000).fold(String::new(), |mut text, number| {
        writeln!(text, "user{number}:{}", "x".repeat(20)).unwrap();
        text
    });
    let path = fs::canonicalize(file(folder.path(), &text)).unwrap();
    let told = format!("error: cannot replace `{}`: File too large; it is as it was\n", path.display());
    for words in [&["-b", "passwords", "u", "p"][..], &["-D", "passwords", "user5"], &["-U", "passwords"]] {
        let refused = run(&mut with_little_room(&own(folder.path(), words), 4), b"");
        assert_eq!(refused, ended("", &told, 1), "{words:?}");
    }
    assert_eq!(read(folder.path()), text);
    assert_eq!(names(folder.path()), ["passwords"]);
}

#[test]
fn a_full_disk_spares_a_file_that_is_written_in_place_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = "x".repeat(2_000) + ":y\n";
    let path = fs::canonicalize(file(folder.path(), &text)).unwrap();
    if rustix::process::getuid().is_root() {
        chown(&path, Some(65_534), Some(65_534)).unwrap();
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let Some(command) = as_nobody(&own(folder.path(), &["-b", "passwords", "u", "p"])) else { return };
    let refused = run(&mut with_little_room(&command, 2), b"");
    let told = format!("error: cannot write `{}`: File too large; it is as it was\n", path.display());
    assert_eq!(refused, ended("", &told, 1));
    assert_eq!(read(folder.path()), text);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn users_added_at_the_same_time_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "");
    let users: Vec<_> = (0..24).map(|number| format!("user{number:02}")).collect();
    let children: Vec<_> = users
        .iter()
        .map(|user| {
            own(folder.path(), &["-H", "sha512", "-b", "passwords", user, "p"])
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let mut there: Vec<_> =
        read(folder.path()).lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    there.sort();
    assert_eq!(there, users);
    assert_eq!(names(folder.path()), ["passwords"]);
}

#[test]
fn a_line_of_ten_megabytes_is_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("long:{}\n", "x".repeat(10_000_000));
    file(folder.path(), &format!("a:x\n{long}b:y\n"));
    done(folder.path(), &["-b", "passwords", "u", "p"]);
    done(folder.path(), &["-D", "passwords", "a"]);
    let text = read(folder.path());
    assert!(text.starts_with(&long));
    assert_eq!(with_hash_of(&text[long.len()..], "u"), "b:y\nu:HASH\n");
}

#[test]
#[ignore = "a measurement: needs a machine that does nothing else"]
fn adding_a_user_to_a_million_lines_takes_less_than_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let hash = done(folder.path(), &["-c", "-b", "-", "u", "p"]).trim_start_matches("u:").to_owned();
    let text: String = (0..1_000_000).fold(String::new(), |mut text, number| {
        write!(text, "user{number}:{hash}").unwrap();
        text
    });
    file(folder.path(), &text);
    let begun = Instant::now();
    done(folder.path(), &["-b", "passwords", "one-more", "p"]);
    let taken = begun.elapsed();
    assert!(read(folder.path()).starts_with(&text));
    eprintln!("a user added to {} bytes in {taken:?}", text.len());
    assert!(taken.as_secs_f64() < 1.0, "{taken:?}");
}

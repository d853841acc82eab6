//! A killed run leaves the old file or the new one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{done, file, names, own};

/// Kills runs at moments spread over the time that one takes.
fn kill(times: u32) {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!("user:{}\n", "x".repeat(100)).repeat(20_000);
    let path = file(folder.path(), &lines);
    let words = ["-H", "sha512", "-b", "passwords", "new", "p"];
    let begun = Instant::now();
    done(folder.path(), &words);
    let whole_run = begun.elapsed();
    let (mut old, mut new) = (0, 0);
    for number in 0..times {
        file(folder.path(), &lines);
        let mut child = own(folder.path(), &words).stdout(Stdio::null()).spawn().unwrap();
        // Spread evenly over a run, in an order that has no pattern of its own. The first is killed at
        // once and the last is let live, so that both sides are seen however busy the machine is.
        let moment = f64::from(number * 7919 % times) / f64::from(times);
        std::thread::sleep(whole_run.mul_f64(moment * 1.2));
        if number + 1 < times {
            child.kill().unwrap();
        }
        child.wait().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        if text == lines {
            old += 1;
        } else {
            let added = text.strip_prefix(&lines).expect("the old lines, then the new one");
            assert!(added.starts_with("new:$6$") && added.ends_with("==\n") && added.lines().count() == 1, "{added}");
            new += 1;
        }
    }
    assert!(old > 0 && new > 0, "the moments hit both sides: {old} old, {new} new, one run takes {whole_run:?}");
    eprintln!("{old} old, {new} new");
}

#[test]
fn a_killed_run_leaves_the_old_file_or_the_new_one() {
    kill(25);
}

#[test]
#[ignore = "500 killed runs take a minute"]
fn five_hundred_killed_runs_leave_the_old_file_or_the_new_one() {
    kill(500);
}

fn drafts(folder: &Path) -> Vec<String> {
    names(folder).into_iter().filter(|name| name.starts_with(".moskit-")).collect()
}

/// A run that was stopped while it had a draft in the folder.
fn stopped_with_a_draft(folder: &Path) -> Child {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let words = ["-H", "sha512", "-b", "passwords", "new", "p"];
        let mut child = own(folder, &words).stdout(Stdio::null()).spawn().unwrap();
        let id = Pid::from_raw(child.id().cast_signed()).unwrap();
        let prefix = format!(".moskit-{}-", child.id());
        while child.try_wait().unwrap().is_none() {
            if !names(folder).iter().any(|name| name.starts_with(&prefix)) {
                continue;
            }
            kill_process(id, Signal::STOP).unwrap();
            // It may have come to its end before the signal did.
            if names(folder).iter().any(|name| name.starts_with(&prefix)) {
                return child;
            }
            kill_process(id, Signal::CONT).unwrap();
        }
        assert!(Instant::now() < until, "no run is ever met with its draft");
    }
}

#[test]
fn the_draft_of_a_killed_run_goes_with_the_next_and_that_of_a_living_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), &format!("user:{}\n", "x".repeat(100)).repeat(100_000));
    let other = folder.path().join("others");
    fs::write(&other, "").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let write_beside = || done(folder.path(), &["-H", "sha512", "-b", "others", "new", "p"]);

    let mut stopped = stopped_with_a_draft(folder.path());
    let draft = drafts(folder.path());
    write_beside();
    assert_eq!((draft.len(), drafts(folder.path())), (1, draft), "it is wanted still");
    stopped.kill().unwrap();
    stopped.wait().unwrap();
    assert_eq!(drafts(folder.path()).len(), 1);
    write_beside();
    assert_eq!(names(folder.path()), ["others", "passwords"]);
}

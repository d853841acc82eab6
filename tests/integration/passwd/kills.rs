//! A killed run leaves the old file or the new one.

use std::fs;
use std::process::Stdio;
use std::time::Instant;

use super::{done, file, own};

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

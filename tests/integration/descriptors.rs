//! Hardly any file descriptor: a verb that needs more says so.

use std::process::Command;

use crate::run::{moskit, run};

#[test]
fn with_hardly_any_descriptor_each_verb_ends_with_an_error_and_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let verbs = [
        "pub -p 1 -t a -m b",
        "sub -p 1 -t a -W 1",
        "rr -p 1 -t a -e b -m x -W 1",
        "broker -p 0 --run true",
        "check -p 1",
        "qshape list --url http://127.0.0.1:1/ c",
        "passwd -c -b pw u p",
        "certgen expiry 127.0.0.1:1",
        "demo",
    ];
    let program = moskit(&[]).get_program().to_owned();
    for descriptors in 4..12 {
        for verb in verbs {
            let script = format!("ulimit -n {descriptors}; exec \"$0\" {verb}");
            let mut command = Command::new("sh");
            command.args(["-c", &script]).arg(&program).current_dir(folder.path());
            let ended = run(&mut command, b"");
            assert!(!ended.stderr.contains("panicked") && ended.code < 100, "{descriptors} {verb}: {ended:?}");
            assert!(
                ended.code == 0 || !(ended.stdout.is_empty() && ended.stderr.is_empty()),
                "{descriptors} {verb}: {ended:?}"
            );
        }
    }
}

//! Completions of the `mosquitto_*` names, in the shells themselves; and that what help and completions offer under them is known there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use moskit::cmd::APPLETS;
use moskit::cmd::tool::completions;

use crate::mosquitto::installed;
use crate::run::{called_as, run};

/// A folder with the scripts, with a link to moskit in `link` and another program of that name in `foreign`.
fn lab() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["scripts", "link", "foreign"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    for (name, script) in completions::scripts(APPLETS) {
        fs::write(folder.path().join("scripts").join(name), script).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_moskit"), folder.path().join("link/mosquitto_pub")).unwrap();
    let foreign = folder.path().join("foreign/mosquitto_pub");
    fs::write(&foreign, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// What `script` says in that shell, where `place` is in front of PATH.
fn said(folder: &Path, shell: &[&str], place: &str, script: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(script).current_dir(folder).env("HOME", folder).env("TERM", "dumb");
    command.env("PATH", format!("{}:{path}", folder.join(place).display()));
    run(&mut command, b"").stdout
}

#[test]
fn bash_completes_a_name_of_mosquitto_that_leads_to_moskit_alone() {
    if installed("bash").is_none() {
        return;
    }
    let folder = lab();
    let script = "source scripts/mosquitto_pub.bash; complete -p mosquitto_pub; \
        declare -F _mosquitto_pub >/dev/null || exit 0; \
        for word in --payload-f --reau; do COMPREPLY=(); COMP_WORDS=(mosquitto_pub $word); COMP_CWORD=1; \
        _mosquitto_pub mosquitto_pub $word mosquitto_pub; echo \"$word ${COMPREPLY[*]}\"; done; \
        COMP_WORDS=(mosquitto_pub -q ''); COMP_CWORD=2; _mosquitto_pub mosquitto_pub '' -q; echo \"${COMPREPLY[*]}\"";
    let ours = said(folder.path(), &["bash", "--norc", "-c"], "link", script);
    let lines: Vec<_> = ours.lines().collect();
    assert!(lines[0].contains("-F _mosquitto_pub"), "{ours}");
    // An option that is unknown under this name is not offered.
    assert_eq!(lines[1..], ["--payload-f --payload-format", "--reau ", "0 1 2"]);
    let theirs = said(folder.path(), &["bash", "--norc", "-c"], "foreign", script);
    assert_eq!(theirs, "complete -o bashdefault -o default mosquitto_pub\n");
}

/// Where these shells are not installed nothing is tried: the tests ask for no more than bash.
fn is_there(shell: &str) -> bool {
    Command::new(shell).arg("-c").arg("exit").status().is_ok_and(|status| status.success())
}

#[test]
fn fish_completes_it_too() {
    if !is_there("fish") {
        return;
    }
    let folder = lab();
    let script = "source scripts/mosquitto_pub.fish; complete -C 'mosquitto_pub --payload-f'; complete -C 'mosquitto_pub --reau'";
    let ours = said(folder.path(), &["fish", "-N", "-c"], "link", script);
    assert!(ours.starts_with("--payload-format\t") && ours.lines().count() == 1, "{ours}");
    assert_eq!(said(folder.path(), &["fish", "-N", "-c"], "foreign", script), "");
}

#[test]
fn zsh_completes_it_too() {
    if !is_there("zsh") {
        return;
    }
    let folder = lab();
    // A shell in a terminal of its own, since completion asks for one; what is waited for is words, and no time.
    let script = "zmodload zsh/zpty; zpty shell 'zsh -f -i'; \
        zpty -w shell \"fpath=($PWD/scripts \\$fpath); autoload -Uz compinit; compinit -u -D; PS1=; echo rea''dy\"; \
        zpty -r shell line '*ready*'; zpty -w -n shell $'mosquitto_pub --payload-f\\t'; \
        zpty -r shell line '*--payload-format*' && echo found; zpty -d shell";
    assert_eq!(said(folder.path(), &["zsh", "-f", "-c"], "link", script), "found\n");
    // Another program has files, as every command: `pay` becomes the file of that name.
    fs::write(folder.path().join("payload-file"), "").unwrap();
    let foreign = script.replace("--payload-f\\t", "payload-f\\t").replace("--payload-format", "payload-file");
    assert_eq!(said(folder.path(), &["zsh", "-f", "-c"], "foreign", &foreign), "found\n");
}

#[test]
fn what_is_offered_under_a_name_of_mosquitto_is_known_there() {
    for applet in APPLETS {
        let Some(name @ ("mosquitto_pub" | "mosquitto_sub" | "mosquitto_rr" | "mosquitto_passwd")) =
            applet.mosquitto_name
        else {
            continue;
        };
        let command = applet.mosquitto_command(name);
        let options: Vec<String> = command
            .get_arguments()
            .flat_map(|argument| {
                let long = argument.get_long().map(|long| format!("--{long}"));
                long.into_iter().chain(argument.get_short().map(|short| format!("-{short}")))
            })
            .collect();
        assert!(options.len() > 4, "{name}: {options:?}");
        for option in options {
            let ended = run(&mut called_as(name, &[&option]), b"");
            assert!(!ended.stderr.contains("nknown option"), "{name} {option}: {ended:?}");
        }
        let help = run(&mut called_as(name, &["--help"]), b"").stdout;
        assert!(!help.contains("--reauth") && !help.contains("--oauth-token-url"), "{help}");
    }
    let all = completions::scripts(APPLETS);
    assert_eq!(all.len(), 5 + 3 * APPLETS.iter().filter(|applet| applet.mosquitto_name.is_some()).count());
}

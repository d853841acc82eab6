//! `moskit completions`: completion scripts for five shells, generated from the applet table. The
//! committed scripts in `completions/` are compared with these by a test.

use clap::builder::StringValueParser;
use clap_complete::Shell;

use super::{folder, man};
use crate::cmd::applet::{Applet, Invocation, Manual, Suggested, moskit_command};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "completions",
    mosquitto_name: None,
    about: "Print a completion script for a shell",
    command,
    run,
    manual: Manual {
        description: &[
            "moskit completions prints the script by which a shell completes moskit's verbs, options and values: bash, zsh, fish, elvish or powershell.",
        ],
        examples: &[
            ("moskit completions bash > ~/.local/share/bash-completion/completions/moskit", "Install for bash"),
            ("moskit completions fish > ~/.config/fish/completions/moskit.fish", "Install for fish"),
            ("moskit completions --out completions", "Write the scripts of all shells into a folder"),
        ],
        exit_status: &[
            ("0", "Done."),
            ("1", "A file or the folder could not be written."),
            ("3", "Usage; there is no such shell."),
        ],
        see_also: &["moskit(1)", "moskit-man(1)"],
        ..Manual::EMPTY
    },
};

const SHELLS: [Shell; 5] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell];

fn command() -> clap::Command {
    clap::Command::new("completions")
        .override_usage("moskit completions SHELL\n       moskit completions --out DIR")
        .arg(
            clap::Arg::new("shell")
                .value_name("SHELL")
                .value_parser(clap::value_parser!(Shell))
                .required_unless_present("out")
                .help("The shell that the script is for"),
        )
        .arg(folder::folder_option(
            "shell",
            "Write the scripts of all shells into DIR instead. DIR is made if it does not exist; files of the same names are replaced",
        ))
}

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    if let Some(folder) = matches.get_one::<std::path::PathBuf>("out") {
        return folder::write_all(folder, &scripts(invocation.applets));
    }
    if let Some(shell) = matches.get_one::<Shell>("shell") {
        term.write(script(*shell, invocation.applets).as_bytes());
    }
    Ok(Exit::OK)
}

/// Every script as `(file name, text)`.
pub fn scripts(applets: &[Applet]) -> Vec<(String, String)> {
    SHELLS.iter().map(|shell| (clap_complete::Generator::file_name(shell, "moskit"), script(*shell, applets))).collect()
}

fn script(shell: Shell, applets: &[Applet]) -> String {
    let mut text = Vec::new();
    let names = applets.iter().map(|applet| applet.name).chain(man::OTHER_PAGES).collect::<Vec<_>>();
    let pages = Suggested::new(names, StringValueParser::new());
    let page = |man: clap::Command| man.mut_arg("verb", |verb| verb.value_parser(pages));
    let mut command = moskit_command(applets).mut_subcommand("man", page);
    clap_complete::generate(shell, &mut command, "moskit", &mut text);
    String::from_utf8(text).expect("a script made of UTF-8 text is UTF-8")
}

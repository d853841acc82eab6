//! `moskit completions`: completion scripts for five shells, generated from the applet table. The
//! committed scripts in `completions/` are compared with these by a test.

use clap::builder::StringValueParser;
use clap::{Arg, Command};
use clap_complete::Shell;

use super::{folder, man};
use crate::cmd::applet::{Applet, Invocation, Manual, Suggested, moskit_command};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "completions",
    mosquitto_name: None,
    as_mosquitto: Some,
    about: "Print a completion script for a shell",
    command,
    run,
    manual: Manual {
        description: &[
            "moskit completions prints the script by which a shell completes moskit's verbs, options and values: bash, zsh, fish, elvish or powershell.",
            "Those for the mosquitto_* names are scripts of their own, for bash, zsh and fish, and offer what is known under that name. They do nothing where the name does not lead to moskit, but to Mosquitto's own program.",
        ],
        examples: &[
            ("moskit completions bash > ~/.local/share/bash-completion/completions/moskit", "Install for bash"),
            ("moskit completions fish > ~/.config/fish/completions/moskit.fish", "Install for fish"),
            (
                "moskit completions bash mosquitto_pub > ~/.local/share/bash-completion/completions/mosquitto_pub",
                "The same for a link of moskit links",
            ),
            ("moskit completions --out completions", "Write the scripts of all shells into a folder"),
        ],
        exit_status: &[
            ("0", "Done."),
            ("1", "A file or the folder could not be written."),
            ("3", "Usage; there is no such shell, or no script for that name and shell."),
        ],
        see_also: &["moskit(1)", "moskit-links(1)", "moskit-man(1)"],
        ..Manual::EMPTY
    },
};

const SHELLS: [Shell; 5] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell];

/// What the program is called itself.
const OWN_NAME: &str = "moskit";

fn command() -> Command {
    Command::new("completions")
        .override_usage("moskit completions SHELL [NAME]\n       moskit completions --out DIR")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .value_parser(clap::value_parser!(Shell))
                .required_unless_present("out")
                .help("The shell that the script is for"),
        )
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .value_parser(Suggested::new(NAMES, StringValueParser::new()))
                .default_value(OWN_NAME)
                .help("What is typed: moskit, or a name that moskit links makes"),
        )
        .arg(folder::folder_option(
            "shell",
            "Write the scripts of all shells and names into DIR instead. DIR is made if it does not exist; files of the same names are replaced",
        ))
}

/// For completions of this verb. A test compares them with the applets.
const NAMES: [&str; 6] = [OWN_NAME, "mosquitto_pub", "mosquitto_sub", "mosquitto_rr", "mosquitto_passwd", "mosquitto"];

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    if let Some(folder) = matches.get_one::<std::path::PathBuf>("out") {
        return folder::write_all(folder, &scripts(invocation.applets));
    }
    let (shell, name) = (matches.get_one::<Shell>("shell"), matches.get_one::<String>("name"));
    if let (Some(shell), Some(name)) = (shell, name) {
        let script = script(*shell, name, invocation.applets).ok_or_else(|| unknown(*shell, name))?;
        term.write(script.as_bytes());
    }
    Ok(Exit::OK)
}

fn unknown(shell: Shell, name: &str) -> Failure {
    if NAMES.contains(&name) {
        let text = format!("there is no script of {shell} for `{name}`");
        return Failure::new(Exit::USAGE, text).hint("the mosquitto_* names have scripts of bash, zsh and fish");
    }
    Failure::new(Exit::USAGE, format!("`{name}` is no name of moskit"))
        .hint(format!("the names are {}", NAMES.join(", ")))
}

/// Every script as `(file name, text)`.
pub fn scripts(applets: &[Applet]) -> Vec<(String, String)> {
    let pairs = NAMES.iter().flat_map(|name| SHELLS.iter().map(move |shell| (*shell, *name)));
    let scripts = pairs.filter_map(|(shell, name)| {
        Some((clap_complete::Generator::file_name(&shell, name), script(shell, name, applets)?))
    });
    scripts.collect()
}

/// `None`: there is none.
fn script(shell: Shell, name: &str, applets: &[Applet]) -> Option<String> {
    if name == OWN_NAME {
        let names = applets.iter().map(|applet| applet.name).chain(man::OTHER_PAGES).collect::<Vec<_>>();
        let pages = Suggested::new(names, StringValueParser::new());
        let page = |man: Command| man.mut_arg("verb", |verb| verb.value_parser(pages));
        return Some(generated(shell, OWN_NAME, moskit_command(applets).mut_subcommand("man", page)));
    }
    let applet = applets.iter().find(|applet| applet.mosquitto_name == Some(name))?;
    let name = applet.mosquitto_name?;
    let command = applet.mosquitto_command(name);
    match shell {
        Shell::Bash => Some(guarded_bash(name, &generated(shell, name, command))),
        Shell::Zsh => Some(guarded_zsh(name, &generated(shell, name, command))),
        Shell::Fish => Some(guarded_fish(name, &generated(shell, name, command))),
        _ => None,
    }
}

fn generated(shell: Shell, name: &str, mut command: Command) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    String::from_utf8(text).expect("a script made of UTF-8 text is UTF-8")
}

/// The name is Mosquitto's: where it leads to another program, files are completed as if there were no script. A script that
/// only returned there would be loaded again and again.
fn guarded_bash(name: &str, script: &str) -> String {
    format!(
        "case \"$(readlink -f -- \"$(type -P {name})\" 2>/dev/null)\" in\n*/{OWN_NAME})\n{script};;\n*)\n    \
         complete -o bashdefault -o default {name}\n;;\nesac\n"
    )
}

/// The file is read once and the function called each time, so the question stands in the function.
fn guarded_zsh(name: &str, script: &str) -> String {
    let begin = format!("\n_{name}() {{\n");
    let question = format!(
        "{begin}    [[ ${{${{commands[$words[1]]:-$words[1]}}:A:t}} == {OWN_NAME} ]] || {{ _default; return }}\n"
    );
    script.replacen(&begin, &question, 1)
}

fn guarded_fish(name: &str, script: &str) -> String {
    format!(
        "set -l program (command -s {name})\nif test -n \"$program\"; and string match -q '*/{OWN_NAME}' (realpath \"$program\")\n\
         {script}end\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_asks_whether_the_name_leads_to_moskit() {
        let command = || Command::new("mosquitto_pub").arg(Arg::new("topic").short('t'));
        let script = |shell| generated(shell, "mosquitto_pub", command());
        for (guarded, question) in [
            (guarded_bash("mosquitto_pub", &script(Shell::Bash)), "case \"$(readlink -f"),
            (guarded_zsh("mosquitto_pub", &script(Shell::Zsh)), "\n_mosquitto_pub() {\n    [[ "),
            (guarded_fish("mosquitto_pub", &script(Shell::Fish)), "\nif test -n"),
        ] {
            assert!(guarded.contains(question), "{guarded}");
        }
    }
}

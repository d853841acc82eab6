//! One folder a verb, and the one table of them all.
//!
//! [`APPLETS`] drives dispatch (by verb and by the name the program is called with), help, man pages,
//! completions and the `mosquitto_*` names.

pub mod broker;
pub mod certgen;
pub mod check;
pub mod clients;
pub mod connect;
pub mod demo;
pub mod output;
pub mod passwd;
pub mod qshape;
pub mod tool;
pub mod words;

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::path::Path;

use crate::term::{Exit, Failure, Term};

/// One verb of the program.
pub struct Applet {
    /// The verb: `moskit NAME`.
    pub name: &'static str,
    /// The name under which the applet stands in for one of Mosquitto's programs.
    pub mosquitto_name: Option<&'static str>,
    /// One line for `moskit --help` and the NAME section of the man page.
    pub about: &'static str,
    /// The applet's options for help, man page, completions and, for verbs that are not
    /// Mosquitto's, for parsing.
    pub command: fn() -> clap::Command,
    pub run: fn(&Invocation, &mut Term) -> Result<Exit, Failure>,
    pub manual: Manual,
}

/// The sections of a man page that the option table does not hold.
pub struct Manual {
    /// Those of this verb alone, between OPTIONS and EXIT STATUS.
    pub sections: fn() -> Vec<Section>,
    /// `(code, meaning)`
    pub exit_status: &'static [(&'static str, &'static str)],
    /// `(variable, meaning)`
    pub environment: &'static [(&'static str, &'static str)],
    /// `(path, meaning)`
    pub files: &'static [(&'static str, &'static str)],
    /// `(command line, what it does)`; a test runs them.
    pub examples: &'static [(&'static str, &'static str)],
    /// Where we differ from the program we stand in for, one sentence each.
    pub differences: &'static [&'static str],
    pub see_also: &'static [&'static str],
}

impl Manual {
    pub const EMPTY: Self = Self {
        sections: Vec::new,
        exit_status: &[],
        environment: &[],
        files: &[],
        examples: &[],
        differences: &[],
        see_also: &[],
    };
}

/// A section that explains what values an option takes, or what a file may hold.
pub struct Section {
    pub title: &'static str,
    pub text: &'static str,
    /// `(tag, meaning)`
    pub rows: Vec<(String, String)>,
}

/// How the applet was called.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Under a `mosquitto_*` name: exact drop-in, none of our own environment variables.
    pub as_mosquitto: bool,
    /// What the user typed to get here, for usage lines: `moskit pub` or `mosquitto_pub`.
    pub program: String,
    /// The words after the program's name or the verb.
    pub words: Vec<OsString>,
}

/// Every verb, in the order of `moskit --help`.
pub const APPLETS: &[Applet] = &[
    clients::publish::APPLET,
    clients::subscribe::APPLET,
    clients::request::APPLET,
    passwd::APPLET,
    certgen::APPLET,
    check::APPLET,
    qshape::APPLET,
    broker::APPLET,
    demo::APPLET,
    tool::man::APPLET,
    tool::completions::APPLET,
    tool::links::APPLET,
];

/// Runs the applet that `words` (the whole argv) names and tells how it ended.
pub fn run(words: impl IntoIterator<Item = OsString>, term: &mut Term) -> Exit {
    let ended = dispatch(words.into_iter().collect(), term);
    output::conclude(ended, term)
}

fn dispatch(mut words: Vec<OsString>, term: &mut Term) -> Result<Exit, Failure> {
    let called_as = if words.is_empty() { OsString::from("moskit") } else { words.remove(0) };
    let mut called_as =
        Path::new(&called_as).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // `.exe`, where programs have one.
    called_as.truncate(called_as.strip_suffix(EXE_SUFFIX).map_or(called_as.len(), str::len));
    if let Some(applet) = APPLETS.iter().find(|applet| applet.mosquitto_name == Some(&called_as)) {
        return (applet.run)(&Invocation { as_mosquitto: true, program: called_as, words }, term);
    }
    if words.is_empty() {
        return Err(Failure::new(Exit::USAGE, "no verb given").hint("moskit --help lists the verbs"));
    }
    let verb = words.remove(0).to_string_lossy().into_owned();
    match verb.as_str() {
        "--version" | "-V" => {
            term.line(concat!("moskit ", env!("CARGO_PKG_VERSION")));
            Ok(Exit::OK)
        }
        "--help" | "-h" | "help" => help(words.first().map(|word| word.to_string_lossy()).as_deref(), term),
        _ => {
            let applet = find(&verb)?;
            (applet.run)(&Invocation { as_mosquitto: false, program: format!("moskit {verb}"), words }, term)
        }
    }
}

fn find(verb: &str) -> Result<&'static Applet, Failure> {
    APPLETS.iter().find(|applet| applet.name == verb).ok_or_else(|| {
        Failure::new(Exit::USAGE, format!("unknown verb `{verb}`")).hint("moskit --help lists the verbs")
    })
}

/// `moskit --help`, or `moskit help VERB`.
fn help(verb: Option<&str>, term: &mut Term) -> Result<Exit, Failure> {
    let text = match verb {
        Some(verb) => find(verb)?.help(&format!("moskit {verb}"), term),
        None => moskit_command().term_width(width(term)).render_help().to_string(),
    };
    term.write(text.as_bytes());
    Ok(Exit::OK)
}

impl Applet {
    /// The help text: the options by group, then the examples.
    pub fn help(&self, program: &str, term: &Term) -> String {
        let command = (self.command)().after_help(examples(&self.manual)).bin_name(program);
        command.term_width(width(term)).render_help().to_string()
    }
}

/// Help is laid out for the terminal it is shown on; elsewhere for a page of 100 columns.
fn width(term: &Term) -> usize {
    term.columns().map_or(100, usize::from).clamp(40, 120)
}

fn examples(manual: &Manual) -> String {
    if manual.examples.is_empty() {
        return String::new();
    }
    let lines: Vec<_> =
        manual.examples.iter().map(|(line, what)| format!("  {}\n    {line}", introduction(what))).collect();
    format!("Examples:\n{}", lines.join("\n"))
}

/// What an example does, in front of it.
fn introduction(what: &str) -> String {
    if what.ends_with('?') { what.to_owned() } else { format!("{what}:") }
}

/// The program as a whole, with every verb below it.
pub fn moskit_command() -> clap::Command {
    clap::Command::new("moskit")
        .about("The MQTT toolkit: publish, subscribe, passwords, certificates, queues, diagnosis and a test broker")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand_value_name("VERB")
        .subcommand_help_heading("Verbs")
        .after_help(
            "`moskit VERB --help` explains a verb. Called by one of Mosquitto's names (through a symlink, see\n\
             `moskit links`), the program stands in for mosquitto_pub, _sub, _rr and _passwd.",
        )
        .subcommands(APPLETS.iter().map(|applet| (applet.command)().name(applet.name).about(applet.about)))
}

/// Parses the words of one of moskit's own verbs. Help and version go to standard output and end the
/// verb with 0; a usage error ends it with 3 (clap's own code is 2, which means "damaged" here).
pub fn parse(command: clap::Command, invocation: &Invocation, term: &mut Term) -> Result<clap::ArgMatches, Failure> {
    let verb = invocation.program.rsplit(' ').next().unwrap_or_default();
    let manual = APPLETS.iter().find(|applet| applet.name == verb).map_or(&Manual::EMPTY, |applet| &applet.manual);
    let command =
        command.after_help(examples(manual)).bin_name(&invocation.program).no_binary_name(true).term_width(width(term));
    command.try_get_matches_from(&invocation.words).map_err(|error| {
        let text = error.render().to_string();
        if error.use_stderr() {
            Failure::verbatim(Exit::USAGE, text)
        } else {
            term.write(text.as_bytes());
            Failure::silent(Exit::OK)
        }
    })
}

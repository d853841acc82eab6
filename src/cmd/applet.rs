//! What a verb is made of, how it was called, and how its words are parsed and its help is laid out. Knows no verb.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::examine::spelling::nearest;
use crate::term::{Exit, Failure, Term};

/// One verb of the program.
#[derive(Debug)]
pub struct Applet {
    /// The verb: `moskit NAME`.
    pub name: &'static str,
    /// The name under which the applet stands in for one of Mosquitto's programs.
    pub mosquitto_name: Option<&'static str>,
    /// An option as it is under that name; `None` where it is unknown there.
    pub as_mosquitto: fn(clap::Arg) -> Option<clap::Arg>,
    /// One line for `moskit --help` and the NAME section of the man page.
    pub about: &'static str,
    /// The applet's options for help, man page, completions and, for verbs that are not
    /// Mosquitto's, for parsing. Name and `about` are set by whoever asks.
    pub command: fn() -> clap::Command,
    pub run: fn(&Invocation, &mut Term) -> Result<Exit, Failure>,
    pub manual: Manual,
}

/// The sections of a man page that the option table does not hold.
#[derive(Debug)]
pub struct Manual {
    /// What the verb does, for whom, and the usual ways to call it: one paragraph each.
    pub description: &'static [&'static str],
    /// Those of this verb alone, between OPTIONS and EXIT STATUS.
    pub sections: fn() -> Vec<Section>,
    /// `(code, meaning)`
    pub exit_status: &'static [(&'static str, &'static str)],
    /// `(variable, meaning)`, in groups that verbs may share.
    pub environment: &'static [&'static [(&'static str, &'static str)]],
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
        description: &[],
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
    /// Every verb of the program, for those that list, explain or link them.
    pub applets: &'static [Applet],
}

impl Applet {
    /// The options, with what the table knows of the verb.
    pub fn clap_command(&self) -> clap::Command {
        with_version((self.command)()).name(self.name).about(self.about)
    }

    /// The same under one of Mosquitto's names.
    pub fn mosquitto_command(&self, name: &'static str) -> clap::Command {
        let arguments = (self.command)().get_arguments().cloned().filter_map(self.as_mosquitto).collect::<Vec<_>>();
        let command = clap::Command::new(name).about(self.about).disable_help_flag(true).disable_version_flag(true);
        command.args(arguments)
    }

    /// The help text: the options by group, then the examples.
    pub fn help(&self, invocation: &Invocation, term: &Term) -> String {
        let command = match self.mosquitto_name.filter(|_| invocation.as_mosquitto) {
            Some(name) => self.mosquitto_command(name),
            None => self.clap_command(),
        };
        let command = command.after_help(examples(&self.manual)).bin_name(&invocation.program);
        command.term_width(width(term)).render_help().to_string()
    }

    /// Parses the words of one of moskit's own verbs. Help and version go to standard output and end the
    /// verb with 0; a usage error ends it with 3 (clap's own code is 2, which means "damaged" here).
    pub fn parse(&self, invocation: &Invocation, term: &mut Term) -> Result<clap::ArgMatches, Failure> {
        let command = self.clap_command().after_help(examples(&self.manual)).bin_name(&invocation.program);
        let command = with_negative_numbers(command).no_binary_name(true).term_width(width(term));
        let words = help_of_action(&command, &invocation.words);
        command.try_get_matches_from(words.as_ref()).map_err(|mut error| {
            if error.kind() == ErrorKind::DisplayVersion {
                term.line(VERSION);
                return Failure::silent(Exit::OK);
            }
            hide_secret(&mut error);
            drop_advice_about_words(&mut error);
            let text = error.render().to_string();
            if error.use_stderr() {
                Failure::verbatim(Exit::USAGE, text)
            } else {
                term.write(text.as_bytes());
                Failure::silent(Exit::OK)
            }
        })
    }
}

/// What `--version` prints, whatever the verb.
pub const VERSION: &str = concat!("moskit ", env!("CARGO_PKG_VERSION"));

/// Every verb has `--version`, among the options where its `--help` stands.
fn with_version(command: clap::Command) -> clap::Command {
    if command.get_arguments().any(|argument| argument.get_long() == Some("version")) {
        return command;
    }
    let help = command.get_arguments().find(|argument| argument.get_long() == Some("help"));
    let heading = help.and_then(clap::Arg::get_help_heading).map(str::to_owned);
    let version = clap::Arg::new("version").long("version").action(clap::ArgAction::Version).help("Show the version");
    let version = match heading {
        Some(heading) => version.help_heading(heading),
        None => version,
    };
    command.version(env!("CARGO_PKG_VERSION")).disable_version_flag(true).arg(version)
}

/// No option is called by a digit: `-1` behind an option is its value, and is judged as one.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let is_option = |argument: &clap::Arg| !argument.is_positional() && argument.get_action().takes_values();
    command
        .mut_args(|argument| if is_option(&argument) { argument.allow_negative_numbers(true) } else { argument })
        .mut_subcommands(with_negative_numbers)
}

/// `help ACTION` is `ACTION --help`, for verbs with actions.
fn help_of_action<'a>(command: &clap::Command, words: &'a [OsString]) -> Cow<'a, [OsString]> {
    match words.split_first() {
        Some((first, actions)) if first == "help" && command.has_subcommands() => {
            actions.iter().cloned().chain(["--help".into()]).collect()
        }
        _ => words.into(),
    }
}

/// Values that completions offer for an option. Whoever reads the option judges what it gets.
#[derive(Clone, Debug)]
pub struct Suggested<P> {
    values: Vec<&'static str>,
    parser: P,
}

impl<P> Suggested<P> {
    /// None: there is nothing to offer.
    pub fn new(values: impl Into<Vec<&'static str>>, parser: P) -> Self {
        Self { values: values.into(), parser }
    }
}

impl<P: TypedValueParser> TypedValueParser for Suggested<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<P::Value, clap::Error> {
        self.parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = self.values.iter().map(|value| PossibleValue::new(*value));
        (!self.values.is_empty()).then(|| Box::new(values) as Box<dyn Iterator<Item = PossibleValue>>)
    }
}

/// One of a few words, each with what it stands for.
pub fn words_of<T: Clone + Send + Sync + 'static, const N: usize>(
    words: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    let names = words.each_ref().map(|(name, _)| *name);
    PossibleValuesParser::new(names).try_map(move |given| {
        let meant = words.iter().find(|(name, _)| *name == given);
        meant.map(|(_, meaning)| meaning.clone()).ok_or("it is none of the words")
    })
}

/// Takes the value out of an error about an option that names the source of a secret: it may be the secret itself.
fn hide_secret(error: &mut clap::Error) {
    let is_secret = error.get(ContextKind::InvalidArg).is_some_and(|option| {
        let option = option.to_string();
        ["--pass", "--pw", "--psk"].iter().any(|secret| option.starts_with(secret))
    });
    if is_secret && error.get(ContextKind::InvalidValue).is_some() {
        error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
}

/// "To pass `-h` as a value, use `-- -h`": nobody who types an option means a word.
fn drop_advice_about_words(error: &mut clap::Error) {
    let Some(ContextValue::StyledStrs(advice)) = error.remove(ContextKind::Suggested) else { return };
    let others: Vec<_> = advice.into_iter().filter(|text| !text.to_string().contains("as a value")).collect();
    if !others.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(others));
    }
}

/// The verb that was meant: spelt otherwise, by the name of Mosquitto's program, longer (`publish`) or shorter (`cert`).
fn meant(applets: &'static [Applet], verb: &str) -> Option<&'static str> {
    let as_mosquitto = applets.iter().find(|applet| applet.mosquitto_name == Some(verb));
    let begins = |applet: &&Applet| verb.len() >= 3 && (applet.name.starts_with(verb) || verb.starts_with(applet.name));
    let alike = || nearest(verb, applets.iter().map(|applet| applet.name));
    as_mosquitto
        .map(|applet| applet.name)
        .or_else(alike)
        .or_else(|| applets.iter().find(begins).map(|applet| applet.name))
}

/// `moskit` itself has two options; those of a verb stand behind it.
fn unknown_option(word: &str) -> Failure {
    let name = word.trim_start_matches('-').to_ascii_lowercase();
    let meant = if name == "v" { Some("version") } else { nearest(&name, ["help", "version"]) };
    let failure = Failure::new(Exit::USAGE, format!("unknown option `{word}`"));
    match meant {
        Some(meant) => failure.hint(format!("did you mean `--{meant}`?")),
        None => failure.hint("the verb comes first: moskit --help lists the verbs"),
    }
}

/// The applet that is called `verb` after `moskit`.
pub fn find(applets: &'static [Applet], verb: &str) -> Result<&'static Applet, Failure> {
    applets.iter().find(|applet| applet.name == verb).ok_or_else(|| {
        if verb.starts_with('-') {
            return unknown_option(verb);
        }
        let failure = Failure::new(Exit::USAGE, format!("unknown verb `{verb}`"));
        match meant(applets, verb) {
            Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
            None => failure.hint("moskit --help lists the verbs"),
        }
    })
}

/// Help is laid out for the terminal it is shown on; elsewhere for a page of 100 columns.
pub fn width(term: &Term) -> usize {
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
pub fn introduction(what: &str) -> String {
    if what.ends_with('?') { what.to_owned() } else { format!("{what}:") }
}

/// The program as a whole, with every verb below it.
pub fn moskit_command(applets: &[Applet]) -> clap::Command {
    clap::Command::new("moskit")
        .about("The MQTT toolkit: publish, subscribe, passwords, certificates, queues, diagnosis and a test broker")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand_value_name("VERB")
        .subcommand_help_heading("Verbs")
        .after_help(
            "`moskit VERB --help` explains a verb, `man moskit` lists the manual pages. Called by one of Mosquitto's names \
             (see `moskit links`), the program takes the place of mosquitto_pub, mosquitto_sub, mosquitto_rr, \
             mosquitto_passwd or mosquitto.",
        )
        .subcommands(applets.iter().map(Applet::clap_command))
}

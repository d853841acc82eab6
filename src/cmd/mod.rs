//! One file per verb, and the one table of them all.
//!
//! [`APPLETS`] drives dispatch (by verb and by the name the program is called with), help, man pages,
//! completions and the `mosquitto_*` names.

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
    pub run: fn(Invocation, &mut Term) -> Result<Exit, Failure>,
    pub manual: Manual,
}

/// The sections of a man page that the option table does not hold.
pub struct Manual {
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
    pub const EMPTY: Self =
        Self { exit_status: &[], environment: &[], files: &[], examples: &[], differences: &[], see_also: &[] };
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
pub const APPLETS: &[Applet] = &[];

/// Runs the applet that `words` (the whole argv) names and tells how it ended.
pub fn run(words: impl IntoIterator<Item = OsString>, term: &mut Term) -> Exit {
    let ended = dispatch(words.into_iter().collect(), term);
    term.flush();
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            failure.tell(term);
            failure.exit
        }
    }
}

fn dispatch(mut words: Vec<OsString>, term: &mut Term) -> Result<Exit, Failure> {
    let called_as = if words.is_empty() { OsString::from("moskit") } else { words.remove(0) };
    let called_as =
        Path::new(&called_as).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(applet) = APPLETS.iter().find(|applet| applet.mosquitto_name == Some(&called_as)) {
        return (applet.run)(Invocation { as_mosquitto: true, program: called_as, words }, term);
    }
    if words.is_empty() {
        return Err(Failure::new(Exit::USAGE, "no verb given").hint("moskit --help lists the verbs"));
    }
    let verb = words.remove(0).to_string_lossy().into_owned();
    if verb == "--version" {
        term.line(concat!("moskit ", env!("CARGO_PKG_VERSION")));
        return Ok(Exit::OK);
    }
    match APPLETS.iter().find(|applet| applet.name == verb) {
        Some(applet) => {
            (applet.run)(Invocation { as_mosquitto: false, program: format!("moskit {verb}"), words }, term)
        }
        None => Err(Failure::new(Exit::USAGE, format!("unknown verb `{verb}`")).hint("moskit --help lists the verbs")),
    }
}

/// Parses the words of one of moskit's own verbs. Help and version go to standard output and end the
/// verb with 0; a usage error ends it with 3 (clap's own code is 2, which means "damaged" here).
pub fn parse(command: clap::Command, invocation: &Invocation, term: &mut Term) -> Result<clap::ArgMatches, Failure> {
    let command = command.bin_name(&invocation.program).no_binary_name(true);
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

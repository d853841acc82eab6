//! From the words of pub, sub and rr to checked arguments: options file, command line, help.

use std::ffi::OsString;

use super::client_args::{ArgError, ClientArgs, Verb};
use super::{Applet, Invocation, client_checks, options_file};
use crate::term::{Exit, Failure, Term};

/// Largest options file that is read.
const MAX_OPTIONS_FILE: u64 = 1 << 20;

/// Reads and checks everything that was typed. `Err` with a silent failure if help or the version was
/// asked for and has been printed.
pub fn read(applet: &Applet, verb: Verb, invocation: &Invocation, term: &mut Term) -> Result<ClientArgs, Failure> {
    let file_lines = file_lines(verb, invocation);
    let mut args = match ClientArgs::read(verb, invocation.as_mosquitto, &file_lines, &invocation.words) {
        Ok(args) => args,
        Err(ArgError::Help) => return Err(help(applet, invocation, term)),
        Err(ArgError::Version) => return Err(version(verb, invocation, term)),
        Err(error) => return Err(error.into_failure(&invocation.program)),
    };
    if !invocation.as_mosquitto {
        args.take_environment(|name| std::env::var_os(name))
            .map_err(|error| error.into_failure(&invocation.program))?;
    }
    client_checks::check(verb, &args).map_err(|error| error.into_failure(&invocation.program))?;
    term.set_quiet(args.quiet);
    Ok(args)
}

/// An options file that cannot be opened counts as absent, even one named with `-o`: scripts rely on it.
fn file_lines(verb: Verb, invocation: &Invocation) -> Vec<Vec<OsString>> {
    let path = options_file::path(verb.mosquitto_name(), &invocation.words, |name| std::env::var_os(name));
    let Some(path) =
        path.filter(|path| path.metadata().is_ok_and(|data| data.is_file() && data.len() <= MAX_OPTIONS_FILE))
    else {
        return Vec::new();
    };
    std::fs::read(path).map(|text| options_file::lines(&text)).unwrap_or_default()
}

/// Mosquitto's programs end with 1 after their help, and so do we under their names.
fn asked_for(invocation: &Invocation) -> Failure {
    Failure::silent(if invocation.as_mosquitto { Exit::FAILED } else { Exit::OK })
}

fn help(applet: &Applet, invocation: &Invocation, term: &mut Term) -> Failure {
    let text = applet.help(&invocation.program, term);
    term.write(text.as_bytes());
    asked_for(invocation)
}

/// Under Mosquitto's names: the version that we stand in for, as scripts expect to read it.
fn version(verb: Verb, invocation: &Invocation, term: &mut Term) -> Failure {
    if invocation.as_mosquitto {
        term.line(format_args!("{} version 2.1.2 running on libmosquitto 2.1.0.", verb.mosquitto_name()));
    } else {
        term.line(concat!("moskit ", env!("CARGO_PKG_VERSION")));
    }
    asked_for(invocation)
}

//! From the words of pub, sub and rr to checked arguments: options file, command line, help.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;

use super::options_file;
use crate::cmd::applet::{Applet, Invocation, VERSION};
use crate::cmd::connect;
use crate::cmd::connect::arg_error::ArgError;
use crate::cmd::connect::args::{ClientArgs, Verb};
use crate::cmd::connect::options;
use crate::net::reason;
use crate::term::{Exit, Failure, Term};

/// Largest options file that is read.
const MAX_OPTIONS_FILE: u64 = 1 << 20;

/// Reads and checks everything that was typed. `Err` with a silent failure if help or the version was
/// asked for and has been printed.
pub fn read(applet: &Applet, verb: Verb, invocation: &Invocation, term: &mut Term) -> Result<ClientArgs, Failure> {
    let file_lines = file_lines(verb, invocation)?;
    let mut args = match options::read(verb, invocation.as_mosquitto, &file_lines, &invocation.words) {
        Ok(args) => args,
        Err(ArgError::Help) => return Err(help(applet, invocation, term)),
        Err(ArgError::Version) => return Err(version(verb, invocation, term)),
        Err(error) => return Err(error.into_failure(&invocation.program)),
    };
    if !invocation.as_mosquitto {
        args.take_environment(|name| std::env::var_os(name))
            .map_err(|error| error.into_failure(&invocation.program))?;
    }
    connect::checks::check(verb, &args).map_err(|error| error.into_failure(&invocation.program))?;
    term.set_quiet(args.quiet);
    if !invocation.as_mosquitto {
        for warning in connect::checks::without_effect(verb, &args) {
            term.note(warning);
        }
    }
    Ok(args)
}

/// Under Mosquitto's names an options file that cannot be read counts as absent, even one named with `-o`: scripts rely
/// on it. Under ours, one that is named must be there. It may be a pipe, as a shell makes one of `<(…)`.
fn file_lines(verb: Verb, invocation: &Invocation) -> Result<Vec<Vec<OsString>>, Failure> {
    let variable = |name: &str| std::env::var_os(name);
    let Some(path) = options_file::path(verb.mosquitto_name(), &invocation.words, variable) else {
        return Ok(Vec::new());
    };
    let mut text = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_OPTIONS_FILE + 1).read_to_end(&mut text));
    if let Err(error) = read {
        if options_file::is_named(&invocation.words) && !invocation.as_mosquitto {
            let why = format!("cannot read the options file `{}`: {}", path.display(), reason(&error));
            return Err(Failure::new(Exit::FAILED, why));
        }
        return Ok(Vec::new());
    }
    if text.len() as u64 > MAX_OPTIONS_FILE {
        let why = format!("the options file `{}` has more than {MAX_OPTIONS_FILE} bytes", path.display());
        return Err(Failure::new(Exit::FAILED, why));
    }
    Ok(options_file::lines(&text))
}

/// Mosquitto's programs end with 1 after their help, and so do we under their names.
fn asked_for(invocation: &Invocation) -> Failure {
    Failure::silent(if invocation.as_mosquitto { Exit::FAILED } else { Exit::OK })
}

fn help(applet: &Applet, invocation: &Invocation, term: &mut Term) -> Failure {
    let text = applet.help(invocation, term);
    term.write(text.as_bytes());
    asked_for(invocation)
}

/// Under Mosquitto's names: the version that we stand in for, as scripts expect to read it.
fn version(verb: Verb, invocation: &Invocation, term: &mut Term) -> Failure {
    if invocation.as_mosquitto {
        term.line(format_args!("{} version 2.1.2 running on libmosquitto 2.1.0.", verb.mosquitto_name()));
    } else {
        term.line(VERSION);
    }
    asked_for(invocation)
}

//! One folder a verb, and the one table of them all.
//!
//! [`APPLETS`] drives dispatch (by verb and by the name the program is called with), help, man pages,
//! completions and the `mosquitto_*` names.

pub mod applet;
pub mod broker;
pub mod certgen;
pub mod check;
pub mod clients;
pub mod connect;
pub mod demo;
pub mod duration;
pub mod findings;
pub mod host;
pub mod number;
pub mod output;
pub mod passwd;
pub mod qshape;
pub mod tool;
pub mod words;

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::path::Path;

use self::applet::{Applet, Invocation, VERSION, find, moskit_command, width};
use crate::os::first_process;
use crate::term::{Exit, Failure, Term};

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
    // Without descriptors for it the verb says so itself.
    let _ = first_process::end_by_signals();
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
        return (applet.run)(&Invocation { as_mosquitto: true, program: called_as, words, applets: APPLETS }, term);
    }
    if words.is_empty() {
        return Err(Failure::new(Exit::USAGE, "no verb given").hint("moskit --help lists the verbs"));
    }
    let verb = words.remove(0).to_string_lossy().into_owned();
    match verb.as_str() {
        "--version" | "-V" => {
            term.line(VERSION);
            Ok(Exit::OK)
        }
        "--help" | "-h" | "help" => help(words, term),
        _ => run_verb(&verb, words, term),
    }
}

fn run_verb(verb: &str, words: Vec<OsString>, term: &mut Term) -> Result<Exit, Failure> {
    let applet = find(APPLETS, verb)?;
    let program = format!("moskit {verb}");
    (applet.run)(&Invocation { as_mosquitto: false, program, words, applets: APPLETS }, term)
}

/// `moskit --help`, or `moskit help VERB`, or `moskit help VERB ACTION`.
fn help(mut words: Vec<OsString>, term: &mut Term) -> Result<Exit, Failure> {
    if words.is_empty() {
        let text = moskit_command(APPLETS).term_width(width(term)).render_help().to_string();
        term.write(text.as_bytes());
        return Ok(Exit::OK);
    }
    let verb = words.remove(0).to_string_lossy().into_owned();
    words.push("--help".into());
    run_verb(&verb, words, term)
}

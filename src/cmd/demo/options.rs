//! The options of demo.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

/// What was asked for.
#[derive(Debug)]
pub struct Options {
    /// The folder to work in, which stays.
    pub keep: Option<PathBuf>,
    /// No pauses between the steps.
    pub is_fast: bool,
}

pub fn command() -> Command {
    Command::new("demo")
        .arg(
            Arg::new("keep")
                .long("keep")
                .value_name("DIR")
                .value_hint(ValueHint::DirPath)
                .value_parser(value_parser!(PathBuf))
                .help("Work in DIR and keep it; without it everything is removed at the end"),
        )
        .arg(Arg::new("fast").long("fast").action(ArgAction::SetTrue).help("No pauses between the steps"))
}

pub fn read(matches: &ArgMatches) -> Options {
    Options { keep: matches.get_one::<PathBuf>("keep").cloned(), is_fast: matches.get_flag("fast") }
}

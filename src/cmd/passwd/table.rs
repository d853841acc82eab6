//! The options of passwd: one table for the reader of words, help, man page and completions.

use std::ffi::OsString;

use crate::cmd::words::{OptionSpec, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opt {
    Batch,
    Create,
    Delete,
    Hash,
    Iterations,
    Update,
    Stdin,
    PasswordFile,
    PasswordVariable,
    Generate,
    Verify,
    List,
    Upgrade,
    Import,
    Json,
    Overwrite,
    Rehash,
    SaltBytes,
    Memory,
    Passes,
    Lanes,
    Reload,
    Help,
}

/// Bits of [`OptionSpec::verbs`]: mosquitto_passwd has the six options that it knows.
pub const MOSQUITTO: u8 = 1;
pub const OWN: u8 = 2;

const MODE: &str = "What to do (without any of these: add a user or change the password)";
const PASSWORD: &str = "Where the password comes from (default: ask for it)";
const HASHING: &str = "Hashing";
const OTHER: &str = "Other";

const fn row(
    id: Opt,
    short: Option<char>,
    long: &'static str,
    value: Option<&'static str>,
    heading: &'static str,
    help: &'static str,
) -> OptionSpec<Opt> {
    let value = match value {
        Some(name) => Value::Word { name, missing: "" },
        None => Value::None,
    };
    let verbs = if short.is_some() { MOSQUITTO | OWN } else { OWN };
    OptionSpec { id, short, long: Some(long), value, verbs, heading, help }
}

/// Every option, in the order of the help.
#[rustfmt::skip]
pub const TABLE: &[OptionSpec<Opt>] = &[
    row(Opt::Create, Some('c'), "create", None, MODE, "Create FILE with this user; `-` prints the line instead"),
    row(Opt::Overwrite, None, "overwrite", None, MODE, "With -c: replace a file that exists"),
    row(Opt::Delete, Some('D'), "delete", None, MODE, "Remove the user"),
    row(Opt::Update, Some('U'), "update", None, MODE, "Hash every plain-text password in FILE; hashes stay as they are"),
    row(Opt::Rehash, None, "rehash", None, MODE, "With -U: take hashes for passwords too, as mosquitto_passwd does"),
    row(Opt::Import, None, "import", Some("CSV"), MODE, "Add or update every user of a CSV file of the columns user,password"),
    row(Opt::Verify, None, "verify", Some("USER"), MODE, "Check a password: exit code 0 right, 4 wrong, 5 no such user"),
    row(Opt::List, None, "list", None, MODE, "List the users and how their passwords are hashed"),
    row(Opt::Upgrade, None, "upgrade", None, MODE, "List the users whose hash is weaker than today's default; exit code 1 if there are any"),
    row(Opt::Json, None, "json", None, MODE, "With --list or --upgrade: as JSON"),
    row(Opt::Batch, Some('b'), "batch", None, PASSWORD, "From the last word of the command line, where other users of the machine can see it"),
    row(Opt::Stdin, None, "stdin", None, PASSWORD, "From standard input"),
    row(Opt::PasswordFile, None, "pw-file", Some("FILE"), PASSWORD, "From a file"),
    row(Opt::PasswordVariable, None, "pw-env", Some("NAME"), PASSWORD, "From an environment variable"),
    OptionSpec {
        value: Value::Attached { name: "LENGTH" },
        ..row(Opt::Generate, None, "generate", None, PASSWORD, "Make one of LENGTH letters and digits [default: 24] and print it once")
    },
    row(Opt::Hash, Some('H'), "hash", Some("HASH"), HASHING, "sha512-pbkdf2 (the default), sha512 or argon2id (for Mosquitto 2.1 built with it)"),
    row(Opt::Iterations, Some('I'), "iterations", Some("COUNT"), HASHING, "Iterations of sha512-pbkdf2 [default: 1000]"),
    row(Opt::Memory, None, "argon2-memory", Some("KIB"), HASHING, "Memory of argon2id [default: 47104]"),
    row(Opt::Passes, None, "argon2-passes", Some("COUNT"), HASHING, "Passes of argon2id [default: 1]"),
    row(Opt::Lanes, None, "argon2-lanes", Some("COUNT"), HASHING, "Lanes of argon2id [default: 1]"),
    row(Opt::SaltBytes, None, "salt-bytes", Some("COUNT"), HASHING, "12 (the default), which every Mosquitto reads, or 64 as 2.1 makes"),
    row(Opt::Reload, None, "reload", Some("PID|FILE"), OTHER, "Afterwards read the file back and send the broker of this process id, or pid file, a SIGHUP"),
    row(Opt::Help, None, "help", None, OTHER, "Show this help"),
];

/// The table as clap knows it, for help, man page and completions.
pub fn command() -> clap::Command {
    let command = clap::Command::new("passwd").disable_help_flag(true);
    TABLE.iter().map(argument).chain(operands()).fold(command, clap::Command::arg)
}

fn argument(spec: &OptionSpec<Opt>) -> clap::Arg {
    let long = spec.long.unwrap_or_default();
    let mut argument = clap::Arg::new(long).long(long).help(spec.help).help_heading(spec.heading);
    if let Some(short) = spec.short {
        argument = argument.short(short);
    }
    match spec.value {
        Value::Word { name, .. } => argument.value_name(name).value_hint(hint(name)).value_parser(values(spec.id)),
        Value::Attached { name } => argument.num_args(0..=1).require_equals(true).value_name(name),
        Value::None | Value::Property => argument.action(clap::ArgAction::SetTrue),
    }
}

fn values(id: Opt) -> clap::builder::ValueParser {
    if id == Opt::Hash {
        return clap::builder::PossibleValuesParser::new(["sha512-pbkdf2", "sha512", "argon2id"]).into();
    }
    clap::value_parser!(OsString)
}

fn operands() -> [clap::Arg; 3] {
    let operand = |name: &'static str, help: &'static str| {
        clap::Arg::new(name).value_name(name).help(help).value_parser(clap::value_parser!(OsString))
    };
    [
        operand("FILE", "The password file").value_hint(clap::ValueHint::FilePath),
        operand("USER", "The user; not with -U, --import, --verify, --list, --upgrade"),
        operand("PASSWORD", "Only with -b"),
    ]
}

fn hint(name: &str) -> clap::ValueHint {
    match name {
        "FILE" | "CSV" | "PID|FILE" => clap::ValueHint::FilePath,
        _ => clap::ValueHint::Other,
    }
}

//! The options of passwd: one table for the reader of words, help, man page and completions.

use std::ffi::OsString;

use super::typed::{self, Source, Typed, number};
use crate::cmd::words::{Operands, OptionSpec, Reader, Set, Value};
use crate::scram::Mechanism;

/// Bits of [`OptionSpec::verbs`]: mosquitto_passwd has the six options that it knows.
pub const MOSQUITTO: u8 = 1;
pub const OWN: u8 = 2;

const MODE: &str = "What to do (without any of these: add a user or change the password)";
const PASSWORD: &str = "Where the password comes from (default: ask for it)";
const HASHING: &str = "Hashing";
const OTHER: &str = "Other";

const fn row(
    short: Option<char>,
    long: &'static str,
    value: Option<&'static str>,
    heading: &'static str,
    help: &'static str,
    set: Set<Typed>,
) -> OptionSpec<Typed> {
    let value = match value {
        Some(name) => Value::Word { name, missing: "" },
        None => Value::None,
    };
    let verbs = if short.is_some() { MOSQUITTO | OWN } else { OWN };
    OptionSpec {
        short,
        long: Some(long),
        value,
        verbs,
        heading,
        help,
        repeats: false,
        conflict: None,
        choices: &[],
        is_ours_alone: false,
        set,
    }
}

/// Sets a flag.
macro_rules! flag {
    ($field:ident) => {
        |typed, _| {
            typed.$field = true;
            Ok(())
        }
    };
}

/// Keeps the word as it is.
macro_rules! word {
    ($field:ident) => {
        |typed, words| {
            typed.$field = Some(words[0].clone().into());
            Ok(())
        }
    };
}

/// Keeps the word as a number greater than 0.
macro_rules! number {
    ($field:ident, $option:literal) => {
        |typed, words| {
            typed.$field = Some(number($option, &words[0])?);
            Ok(())
        }
    };
}

/// One more place for the password to come from.
macro_rules! source {
    ($source:expr) => {
        |typed, words| {
            let source: fn(&[OsString]) -> Source = $source;
            typed.sources.push(source(words));
            Ok(())
        }
    };
}

/// Reads the words as mosquitto_passwd does, or as our own verb does.
pub const fn reader(as_mosquitto: bool) -> Reader<Typed> {
    Reader {
        table: TABLE,
        verb: if as_mosquitto { MOSQUITTO } else { OWN },
        exact: as_mosquitto,
        short_names_only: as_mosquitto,
        operands: if as_mosquitto { Operands::AfterOptions } else { Operands::Anywhere },
    }
}

/// Every option, in the order of the help.
#[rustfmt::skip]
pub const TABLE: &[OptionSpec<Typed>] = &[
    row(Some('c'), "create", None, MODE, "Create FILE with this user; `-` prints the line instead", flag!(create)),
    row(None, "overwrite", None, MODE, "With -c: replace a file that exists", flag!(overwrite)),
    row(Some('D'), "delete", None, MODE, "Remove the user", flag!(delete)),
    row(Some('U'), "update", None, MODE, "Hash every plain-text password in FILE; hashes stay as they are", flag!(update)),
    row(None, "rehash", None, MODE, "With -U: take hashes for passwords too, as mosquitto_passwd does", flag!(rehash)),
    row(None, "import", Some("CSV"), MODE, "Add or update every user of a CSV file with the columns user,password (RFC 4180, UTF-8, at most 1 GiB); all or none", word!(import)),
    row(None, "verify", Some("USER"), MODE, "Check a password: exit code 0 right, 4 wrong, 5 no such user", word!(verify)),
    row(None, "list", None, MODE, "List the users and how their passwords are hashed", flag!(list)),
    row(None, "weak", None, MODE, "List the users whose hash is weaker than today's default; exit code 1 if there are any", flag!(weak)),
    row(None, "json", None, MODE, "With --list or --weak: as JSON", flag!(json)),
    row(None, "scram", None, MODE, "FILE is one for logins by SCRAM, the broker's scram_file: instead of a hash it holds keys, with which nobody can log in", flag!(scram)),
    row(Some('b'), "batch", None, PASSWORD, "From the last word of the command line, where other users of the machine can see it", flag!(batch)),
    row(None, "stdin", None, PASSWORD, "From the first line of standard input, at most 65535 bytes", source!(|_| Source::Stdin)),
    row(None, "pw-file", Some("FILE"), PASSWORD, "From the first line of FILE, at most 65535 bytes", source!(|words| Source::File(words[0].clone().into()))),
    row(None, "pw-env", Some("NAME"), PASSWORD, "From the environment variable NAME", source!(|words| Source::Variable(words[0].clone()))),
    OptionSpec {
        value: Value::Number { name: "LENGTH" },
        ..row(None, "generate", None, PASSWORD, "Make one of LENGTH letters and digits (8 to 1024) [default: 24] and print it once", typed::add_generate)
    },
    row(Some('H'), "hash", Some("HASH"), HASHING, "sha512-pbkdf2, sha512 or argon2id, which only a Mosquitto 2.1 that was built with it reads [default: sha512-pbkdf2]", typed::set_hash),
    row(Some('I'), "iterations", Some("COUNT"), HASHING, "Iterations of sha512-pbkdf2, 1 to 2147483647 [default: 1000], or of SCRAM, 4096 to 2000000 [default: 15000]", typed::set_iterations),
    row(None, "mechanism", Some("NAME"), HASHING, "With --scram: make keys for SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1; may be given several times [default: SCRAM-SHA-256 and SCRAM-SHA-512]", typed::add_mechanism).repeated(),
    row(None, "argon2-memory", Some("KIB"), HASHING, "Memory of argon2id in KiB, 8 for each lane to 2097152 [default: 47104]", number!(memory, "--argon2-memory")),
    row(None, "argon2-passes", Some("COUNT"), HASHING, "Passes of argon2id [default: 1]", number!(passes, "--argon2-passes")),
    row(None, "argon2-lanes", Some("COUNT"), HASHING, "Lanes of argon2id [default: 1]", number!(lanes, "--argon2-lanes")),
    row(None, "salt-bytes", Some("COUNT"), HASHING, "Bytes of a new salt: 12, which every Mosquitto reads, or 64, as 2.1 makes [default: 12]", typed::set_salt_bytes),
    row(None, "reload", Some("PID|FILE"), OTHER, "Afterwards read the file back and send SIGHUP to the broker with this process id, or the one in this pid file", word!(reload)),
    row(None, "help", None, OTHER, "Show this help", flag!(help)),
    row(None, "version", None, OTHER, "Show the version", flag!(version)),
];

/// The table as clap knows it, for help, man page and completions.
pub fn command() -> clap::Command {
    let command = clap::Command::new("passwd").disable_help_flag(true);
    TABLE.iter().map(argument).chain(operands()).fold(command, clap::Command::arg)
}

/// The option as it is under the name of mosquitto_passwd, which has no long ones.
pub fn as_mosquitto(argument: clap::Arg) -> Option<clap::Arg> {
    (argument.is_positional() || argument.get_short().is_some()).then(|| argument.long(None))
}

fn argument(spec: &OptionSpec<Typed>) -> clap::Arg {
    let long = spec.long.unwrap_or_default();
    let mut argument = clap::Arg::new(long).long(long).help(spec.help).help_heading(spec.heading);
    if let Some(short) = spec.short {
        argument = argument.short(short);
    }
    match spec.value {
        Value::Word { name, .. } => argument.value_name(name).value_hint(hint(name)).value_parser(values(long)),
        Value::Attached { name } | Value::Number { name } => {
            argument.num_args(0..=1).require_equals(true).value_name(name)
        }
        Value::None | Value::Property | Value::Rest { .. } => argument.action(clap::ArgAction::SetTrue),
    }
}

fn values(long: &str) -> clap::builder::ValueParser {
    if long == "hash" {
        return clap::builder::PossibleValuesParser::new(["sha512-pbkdf2", "sha512", "argon2id"]).into();
    }
    if long == "mechanism" {
        return clap::builder::PossibleValuesParser::new(Mechanism::ALL.map(Mechanism::name)).into();
    }
    clap::value_parser!(OsString)
}

fn operands() -> [clap::Arg; 3] {
    let operand = |name: &'static str, help: &'static str| {
        clap::Arg::new(name).value_name(name).help(help).value_parser(clap::value_parser!(OsString))
    };
    [
        operand("FILE", "The password file").value_hint(clap::ValueHint::FilePath),
        operand("USER", "The user; not with -U, --import, --verify, --list, --weak"),
        operand("PASSWORD", "Only with -b"),
    ]
}

fn hint(name: &str) -> clap::ValueHint {
    match name {
        "FILE" | "CSV" | "PID|FILE" => clap::ValueHint::FilePath,
        _ => clap::ValueHint::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::passwd::options::MAX_BYTES;
    use crate::passwd::{Argon2Cost, DEFAULT_ITERATIONS, SALT_BYTES, SALT_BYTES_LONG};
    use crate::scram;

    #[test]
    fn the_help_names_the_defaults_and_limits_of_the_code() {
        let (least, most) = (typed::GENERATED_LENGTHS.start(), typed::GENERATED_LENGTHS.end());
        let cost = Argon2Cost::DEFAULT;
        for (option, text) in [
            ("stdin", format!("at most {MAX_BYTES} bytes")),
            ("pw-file", format!("at most {MAX_BYTES} bytes")),
            ("generate", format!("({least} to {most}) [default: {}]", typed::GENERATED_LENGTH)),
            ("iterations", format!("1 to {} [default: {DEFAULT_ITERATIONS}]", i32::MAX)),
            (
                "iterations",
                format!(
                    "{} to {} [default: {}]",
                    scram::LEAST_ITERATIONS,
                    scram::MOST_ITERATIONS,
                    scram::DEFAULT_ITERATIONS
                ),
            ),
            ("argon2-memory", format!("[default: {}]", cost.memory_kib)),
            ("argon2-passes", format!("[default: {}]", cost.passes)),
            ("argon2-lanes", format!("[default: {}]", cost.lanes)),
            ("salt-bytes", format!("or {SALT_BYTES_LONG}, as 2.1 makes [default: {SALT_BYTES}]")),
            ("hash", "[default: sha512-pbkdf2]".to_owned()),
            ("mechanism", "[default: SCRAM-SHA-256 and SCRAM-SHA-512]".to_owned()),
        ] {
            let spec = TABLE.iter().find(|spec| spec.long == Some(option)).unwrap();
            assert!(spec.help.contains(&text), "--{option}: {text}");
        }
        let cost = |memory_kib| Argon2Cost { memory_kib, passes: 1, lanes: 1 }.is_possible();
        assert_eq!([7, 8, 2_097_152, 2_097_153].map(cost), [false, true, true, false]);
    }
}

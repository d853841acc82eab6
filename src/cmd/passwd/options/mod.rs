//! From what was typed to what is valid, with mosquitto_passwd's checks in its order.

mod table;
mod typed;

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

pub use self::table::{as_mosquitto, command};
pub use self::typed::Source;
use self::typed::{Kind, Refused, Typed};
use super::text::error;
use crate::diagnose::scram::unprepared;
use crate::os::text::{OsStrExt, OsStringExt};
use crate::passwd::{Argon2Cost, DEFAULT_ITERATIONS, Recipe, SALT_BYTES, is_empty_password};
use crate::scram::{
    DEFAULT_ITERATIONS as DEFAULT_SCRAM_ITERATIONS, LEAST_ITERATIONS, MOST_ITERATIONS, Mechanism, prepare,
};
use crate::term::{Failure, Secret};

/// Mosquitto's limit of user names and passwords, which is that of an MQTT packet.
pub const MAX_BYTES: usize = 65_535;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub action: Action,
    pub making: Making,
    /// A process id, or the file that holds it.
    pub reload: Option<OsString>,
}

/// What is kept of a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Making {
    Hash {
        recipe: Recipe,
        salt_bytes: usize,
    },
    /// The file is one for SCRAM.
    Scram {
        mechanisms: Vec<Mechanism>,
        iterations: NonZeroU32,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Put {
        file: Target,
        user: OsString,
        password: Source,
    },
    Delete {
        file: PathBuf,
        user: OsString,
    },
    /// Plain-text passwords become hashes; `hashes_too`: whatever they are.
    Update {
        file: PathBuf,
        hashes_too: bool,
    },
    Import {
        csv: PathBuf,
        file: Target,
    },
    Verify {
        file: PathBuf,
        user: OsString,
        password: Source,
    },
    List {
        file: PathBuf,
        weak_only: bool,
        json: bool,
    },
    /// The words make no sense; say how it is used.
    Usage,
    Help,
    Version,
}

/// Where a record goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// A file that exists.
    Existing(PathBuf),
    New {
        file: PathBuf,
        overwrite: bool,
    },
    /// `-c -`
    Output,
}

impl Action {
    /// Whether an entry is asked for with which nobody could log in.
    pub fn has_empty_password(&self) -> bool {
        matches!(self, Self::Put { password: Source::Word(word), .. } if is_empty_password(word.expose()))
    }
}

/// Reads the words of the command line.
pub fn parse(words: &[OsString], as_mosquitto: bool) -> Result<Options, Failure> {
    let mut typed = Typed::default();
    let operands = table::reader(as_mosquitto).read(words, &mut typed).map_err(Refused::into_failure)?;
    if typed.help || typed.version {
        let action = if typed.help { Action::Help } else { Action::Version };
        let making = Making::Hash { recipe: Recipe::Sha512, salt_bytes: SALT_BYTES };
        return Ok(Options { action, making, reload: None });
    }
    // mosquitto_passwd reads the number in front and passes over the rest.
    if !as_mosquitto && typed.iterations_go_on {
        return Err(typed::no_iterations());
    }
    typed.check_combination()?;
    let making = if typed.scram { typed.scram()? } else { typed.hash(as_mosquitto)? };
    let action = typed.action(operands)?;
    typed.check_use(&action)?;
    // A variable that is not set, most likely. mosquitto_passwd makes the entry.
    if !as_mosquitto && action.has_empty_password() {
        return Err(error("Empty password."));
    }
    Ok(Options { action, making, reload: typed.reload })
}

impl Typed {
    /// Modes that exclude each other; mosquitto_passwd's pairs first and in its order.
    fn check_combination(&self) -> Result<(), Failure> {
        let (verify, import) = (self.verify.is_some(), self.import.is_some());
        let modes = [
            ("-c", self.create),
            ("-D", self.delete),
            ("-U", self.update),
            ("--import", import),
            ("--verify", verify),
            ("--list", self.list),
            ("--weak", self.weak),
        ];
        for (index, (one, is_one)) in modes.iter().enumerate() {
            for (other, is_other) in &modes[index + 1..] {
                if *is_one && *is_other && (*one, *other) != ("-c", "--import") {
                    return Err(error(&format!("{one} and {other} cannot be used together.")));
                }
            }
        }
        if self.batch && self.delete {
            return Err(error("-b and -D cannot be used together."));
        }
        if self.sources.len() + usize::from(self.batch) > 1 {
            return Err(error("Only one of -b, --stdin, --pw-file, --pw-env and --generate can be used."));
        }
        Ok(())
    }

    /// Keys of SCRAM, and the options that have no use for them.
    fn scram(&mut self) -> Result<Making, Failure> {
        let argon2 = self.memory.or(self.passes).or(self.lanes).is_some();
        if self.kind.is_some() || argon2 || self.salt_bytes.is_some() {
            return Err(error(
                "-H, --salt-bytes and --argon2-… are for password files; --scram has --mechanism and -I.",
            ));
        }
        if self.update {
            return Err(error("-U is for password files: a file for SCRAM has no plain-text passwords."));
        }
        let default = NonZeroU32::new(DEFAULT_SCRAM_ITERATIONS).unwrap_or(NonZeroU32::MIN);
        let iterations = self.iterations.unwrap_or(default);
        if !(LEAST_ITERATIONS..=MOST_ITERATIONS).contains(&iterations.get()) {
            let sentence = format!("Iterations of SCRAM are {LEAST_ITERATIONS} to {MOST_ITERATIONS}.");
            return Err(error(&sentence));
        }
        let mut mechanisms = std::mem::take(&mut self.mechanisms);
        if mechanisms.is_empty() {
            mechanisms = vec![Mechanism::Sha256, Mechanism::Sha512];
        }
        Ok(Making::Scram { mechanisms, iterations })
    }

    fn hash(&self, as_mosquitto: bool) -> Result<Making, Failure> {
        if !self.mechanisms.is_empty() {
            return Err(error("--mechanism needs --scram."));
        }
        let salt_bytes = self.salt_bytes.unwrap_or(SALT_BYTES);
        Ok(Making::Hash { recipe: self.recipe(as_mosquitto)?, salt_bytes })
    }

    fn recipe(&self, as_mosquitto: bool) -> Result<Recipe, Failure> {
        let kind = self.kind.unwrap_or_default();
        let argon2 = self.memory.or(self.passes).or(self.lanes).is_some();
        if argon2 && kind != Kind::Argon2id {
            return Err(error("The --argon2-… options need -H argon2id."));
        }
        if self.iterations.is_some() && kind != Kind::Pbkdf2 && !as_mosquitto {
            return Err(error("Iterations are for the hash type 'sha512-pbkdf2' only."));
        }
        let cost = Argon2Cost {
            memory_kib: self.memory.unwrap_or(Argon2Cost::DEFAULT.memory_kib),
            passes: self.passes.unwrap_or(Argon2Cost::DEFAULT.passes),
            lanes: self.lanes.unwrap_or(Argon2Cost::DEFAULT.lanes),
        };
        match kind {
            Kind::Sha512 => Ok(Recipe::Sha512),
            Kind::Pbkdf2 => Ok(Recipe::Pbkdf2 { iterations: self.iterations.unwrap_or(DEFAULT_ITERATIONS) }),
            Kind::Argon2id if cost.is_possible() => Ok(Recipe::Argon2id(cost)),
            Kind::Argon2id => Err(error(
                "argon2id needs at least 1 pass, 1 lane and 8 KiB of memory for each lane, and at most 2 GiB.",
            )),
        }
    }

    /// The operands, counted as mosquitto_passwd does: `-c` and `-D` do not mind more words.
    fn action(&mut self, operands: Vec<OsString>) -> Result<Action, Failure> {
        let count = operands.len();
        let mut operands = operands.into_iter();
        let mut next = || operands.next().unwrap_or_default();
        if let Some(csv) = self.import.take() {
            return Ok(if count == 1 { Action::Import { csv, file: self.target(next()) } } else { Action::Usage });
        }
        if let Some(user) = self.verify.take() {
            if count != 1 + usize::from(self.batch) {
                return Ok(Action::Usage);
            }
            let file = next().into();
            return Ok(Action::Verify { file, user, password: self.source(next)? });
        }
        if self.list || self.weak {
            let (weak_only, json) = (self.weak, self.json);
            return Ok(if count == 1 { Action::List { file: next().into(), weak_only, json } } else { Action::Usage });
        }
        if self.create {
            let missing = "argument given but password file";
            match (self.batch, count) {
                (true, 0..3) => return Err(error(&format!("-c {missing}, username, or password missing."))),
                (false, 0..2) => return Err(error(&format!("-c {missing} or username missing."))),
                _ => {}
            }
        } else if self.delete {
            if count < 2 {
                return Err(error("-D argument given but password file or username missing."));
            }
            let (file, user) = (next().into(), self.user(next())?);
            return Ok(Action::Delete { file, user });
        } else if self.update {
            if count != 1 {
                return Err(error("-U argument given but password file missing."));
            }
            return Ok(Action::Update { file: next().into(), hashes_too: self.rehash });
        } else if count != 2 + usize::from(self.batch) {
            return Ok(Action::Usage);
        }
        let (file, user) = (self.target(next()), self.user(next())?);
        Ok(Action::Put { file, user, password: self.source(next)? })
    }

    /// The name of a user, in SCRAM's one form of it where it is for that.
    fn user(&self, name: OsString) -> Result<OsString, Failure> {
        if !self.scram {
            return valid_user(name);
        }
        let prepared = prepare(name.as_bytes())
            .map_err(|why| error(&format!("SCRAM cannot carry this user name: {}.", unprepared(why))))?;
        valid_user(prepared.as_str().into())
    }

    fn target(&self, file: OsString) -> Target {
        match (self.create, file) {
            (true, file) if file == "-" => Target::Output,
            (true, file) => Target::New { file: file.into(), overwrite: self.overwrite },
            (false, file) => Target::Existing(file.into()),
        }
    }

    fn source(&mut self, mut next: impl FnMut() -> OsString) -> Result<Source, Failure> {
        if self.batch {
            let password = Secret::new(next().into_vec());
            return valid_password(password).map(Source::Word);
        }
        Ok(self.sources.pop().unwrap_or(Source::Prompt))
    }

    /// An option that the action has no use for is an error, not ignored. The options of
    /// mosquitto_passwd itself may be: `-b -U FILE` is fine there.
    fn check_use(&self, action: &Action) -> Result<(), Failure> {
        let changes = !matches!(action, Action::List { .. } | Action::Verify { .. });
        let printed = matches!(action, Action::Put { file: Target::Output, .. });
        let generates = matches!(action, Action::Put { password: Source::Generate(_), .. });
        let lists = matches!(action, Action::List { .. });
        let asks = matches!(action, Action::Put { .. } | Action::Verify { .. });
        let hashes = changes && !matches!(action, Action::Delete { .. });
        let checks_generated = matches!(action, Action::Verify { password: Source::Generate(_), .. });
        let misplaced = [
            (self.json && !lists, "--json needs --list or --weak."),
            (self.overwrite && !self.create, "--overwrite needs -c."),
            (self.rehash && !self.update, "--rehash needs -U."),
            (self.salt_bytes.is_some() && !hashes, "--salt-bytes has no use without a password to hash."),
            (!self.sources.is_empty() && !asks, "No password is needed here."),
            (checks_generated, "--generate cannot be used with --verify."),
            (self.reload.is_some() && (!changes || printed), "--reload has no use when no file is changed."),
            (generates && printed, "--generate cannot be used with '-': both print on standard output."),
            (matches!(action, Action::Import { file: Target::Output, .. }), "--import needs a file to write."),
        ];
        match misplaced.iter().find(|(is_misplaced, _)| *is_misplaced) {
            Some((_, sentence)) if *action != Action::Usage => Err(error(sentence)),
            _ => Ok(()),
        }
    }
}

/// mosquitto_passwd's rules for a user name, and its sentences.
pub fn valid_user(user: OsString) -> Result<OsString, Failure> {
    let bytes = user.as_bytes();
    if bytes.len() > MAX_BYTES {
        return Err(error("Username must be less than 65536 characters long."));
    }
    if bytes.iter().any(u8::is_ascii_control) {
        return Err(error("Username must not contain control characters."));
    }
    if bytes.contains(&b':') {
        return Err(error("Username must not contain the ':' character."));
    }
    // What follows mosquitto_passwd writes, and the broker reads another user, none, or refuses the file.
    if bytes.is_empty() {
        return Err(error("Username must not be empty."));
    }
    if bytes.starts_with(b"#") {
        return Err(error("Username must not begin with '#', which begins a comment."));
    }
    if bytes.starts_with(b" ") || bytes.ends_with(b" ") {
        return Err(error("Username must not begin or end with a space, which brokers pass over."));
    }
    Ok(user)
}

pub fn valid_password(password: Secret) -> Result<Secret, Failure> {
    if password.expose().len() > MAX_BYTES {
        return Err(error("Password must be less than 65536 characters long."));
    }
    if password.expose().contains(&0) {
        return Err(error("Password must not contain a zero byte, at which it would end for a broker."));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> String {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&words, false).map_or_else(|failure| failure.verbatim, |options| format!("accepted: {options:?}"))
    }

    fn action(words: &[&str]) -> Action {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&words, false).unwrap().action
    }

    #[test]
    fn an_option_without_use_is_refused_and_not_ignored() {
        let cases: [(&[&str], &str); 17] = [
            (&["--json", "f", "u"], "--json needs --list or --weak."),
            (&["--overwrite", "f", "u"], "--overwrite needs -c."),
            (&["--rehash", "f", "u"], "--rehash needs -U."),
            (&["--salt-bytes", "12", "--list", "f"], "--salt-bytes has no use without a password to hash."),
            (&["--stdin", "-U", "f"], "No password is needed here."),
            (&["--stdin", "-D", "f", "u"], "No password is needed here."),
            (&["--generate", "--verify", "u", "f"], "--generate cannot be used with --verify."),
            (&["--reload", "1", "--list", "f"], "--reload has no use when no file is changed."),
            (&["--reload", "1", "-c", "-", "u"], "--reload has no use when no file is changed."),
            (&["--generate", "-c", "-", "u"], "--generate cannot be used with '-': both print on standard output."),
            (&["--import", "x", "-c", "-"], "--import needs a file to write."),
            (&["--list", "--weak", "f"], "--list and --weak cannot be used together."),
            (&["-c", "--list", "f"], "-c and --list cannot be used together."),
            (
                &["--stdin", "-b", "f", "u", "p"],
                "Only one of -b, --stdin, --pw-file, --pw-env and --generate can be used.",
            ),
            (&["--argon2-lanes", "2", "f", "u"], "The --argon2-… options need -H argon2id."),
            (&["-H", "sha512", "-I", "5", "f", "u"], "Iterations are for the hash type 'sha512-pbkdf2' only."),
            (&["--salt-bytes", "16", "f", "u"], "--salt-bytes is 12 or 64."),
        ];
        for (words, sentence) in cases {
            assert_eq!(refused(words), format!("Error: {sentence}\n"), "{words:?}");
        }
    }

    #[test]
    fn a_user_whom_no_broker_would_find_is_refused() {
        for (user, why) in [
            ("", "be empty."),
            ("#ann", "begin with '#', which begins a comment."),
            (" ann", "begin or end with a space, which brokers pass over."),
            ("ann ", "begin or end with a space, which brokers pass over."),
            ("a\tb", "contain control characters."),
        ] {
            assert_eq!(refused(&["f", user]), format!("Error: Username must not {why}\n"), "{user:?}");
        }
        assert_eq!(
            valid_password(Secret::new(*b"a\0b")).unwrap_err().verbatim,
            "Error: Password must not contain a zero byte, at which it would end for a broker.\n"
        );
    }

    #[test]
    fn each_mode_takes_its_own_number_of_operands() {
        for words in [&["f"][..], &["f", "u", "x"], &["-b", "f", "u"], &["--list"], &["--verify", "u", "f", "x"], &[]] {
            assert_eq!(action(words), Action::Usage, "{words:?}");
        }
        let create = action(&["-c", "f", "u", "too", "many"]);
        let file = Target::New { file: "f".into(), overwrite: false };
        assert_eq!(create, Action::Put { file, user: "u".into(), password: Source::Prompt });
        let verify = action(&["-b", "--verify", "u", "f", "p"]);
        let password = Source::Word(Secret::new(*b"p"));
        assert_eq!(verify, Action::Verify { file: "f".into(), user: "u".into(), password });
        assert_eq!(action(&["-D", "f", "u", "x"]), Action::Delete { file: "f".into(), user: "u".into() });
    }

    #[test]
    fn argon2_numbers_out_of_range_are_refused() {
        let sentence = "argon2id needs at least 1 pass, 1 lane and 8 KiB of memory for each lane, and at most 2 GiB.";
        for (option, value) in
            [("--argon2-memory", "7"), ("--argon2-memory", "2097153"), ("--argon2-lanes", "16777216")]
        {
            assert_eq!(refused(&["-H", "argon2id", option, value, "f", "u"]), format!("Error: {sentence}\n"));
        }
        let sentence = "--argon2-passes takes a whole number greater than 0, not 'x'.";
        assert_eq!(refused(&["-H", "argon2id", "--argon2-passes", "x", "f", "u"]), format!("Error: {sentence}\n"));
    }
}

//! mosquitto.conf: from the texts of the files to a [`Configuration`].
//!
//! Pure: whoever opened the files hands in their texts. Problems and notices are facts with the place
//! where they were found; `cmd::host` makes Mosquitto's sentences of them.

mod options;
mod types;
mod value;

pub use types::{
    Configuration, Listener, LogDestination, LogSettings, LogTypes, Persistence, Protocol, Security, SocketDomain,
    Sync, Tls, TlsVersion,
};

use std::ffi::OsString;

use crate::text_file;
use options::{Asks, Current, OPTIONS, Rule};
use value::Line;

/// The text of one file with the name it is known by.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub text: Vec<u8>,
}

/// A line of a file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
    /// Mosquitto quotes the place when the file was included.
    pub included: bool,
}

/// Why a configuration is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub problem: Problem,
    /// Innermost first: a line of an included file is followed by the `include_dir` line. Empty for
    /// what only the configuration as a whole shows.
    pub places: Vec<Place>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Empty {
        option: String,
    },
    Invalid {
        option: String,
        value: String,
    },
    NotANumber {
        option: String,
    },
    OutOfRange {
        option: String,
    },
    TooSmall {
        option: String,
        least: i32,
    },
    TooLarge {
        option: String,
        most: i32,
    },
    /// Characters.
    TooLong {
        option: String,
        most: usize,
    },
    NotAQos {
        option: String,
    },
    NotADuration {
        option: String,
    },
    Duplicate {
        option: String,
    },
    Unknown {
        option: String,
    },
    NeedsListener {
        option: String,
    },
    NeedsPlugin {
        option: String,
    },
    NeedsBridge {
        option: String,
    },
    MalformedUtf8,
    /// A zero byte inside a line: Mosquitto joins what precedes it with a later line.
    ZeroByte,
    /// The whole file is UTF-16, which Mosquitto takes for an empty one.
    Utf16,
    UnixListenerWithoutPath,
    MountPointWildcard {
        value: String,
    },
    PerListenerSettingsTooLate,
    IncludeInIncluded,
    IncludeUnreadable {
        path: String,
        reason: String,
    },
    /// An option that we do not have and that must not be ignored: what would go wrong.
    Unsafe {
        option: String,
        because: &'static str,
    },
    /// TLS needs both; `given` names the option that stands alone.
    CertificateAndKey {
        given: Option<&'static str>,
    },
    PersistenceTwice,
}

/// What the user should know about a configuration that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An option of Mosquitto's that has no effect here.
    Ignored {
        option: String,
        because: &'static str,
        place: Place,
    },
    /// The option still works and has a better successor.
    Deprecated {
        option: String,
        instead: Option<&'static str>,
    },
    DefaultListener {
        option: String,
    },
    /// An option of a listener before any, where no `listener`, `port` or `bind_address` makes one.
    WithoutListener {
        option: String,
        place: Place,
    },
    /// An option of TLS for a listener that does not speak it.
    WithoutTls {
        option: String,
        place: Place,
    },
    /// `listener PORT *`: every address, as without it.
    EveryAddress {
        place: Place,
    },
    /// A word that is no value of the option, beside words that are.
    WordIgnored {
        option: String,
        word: String,
        place: Place,
    },
    /// Lines that begin with a zero byte, the first of which is here: no text, and ignored.
    BinaryLines {
        place: Place,
    },
    ByteOrderMark {
        file: String,
    },
    DefaultPortTwice,
    Loading {
        file: String,
    },
}

/// How an `include_dir` is answered: the `*.conf` files of the folder, or why it cannot be read.
pub type Include<'a> = dyn FnMut(&str) -> Result<Vec<File>, String> + 'a;

/// Reads a configuration file and those it includes.
///
/// ```
/// use moskit::broker::config::{File, parse};
/// let file = File { name: "test.conf".into(), text: b"listener 0 /run/test.sock\nmax_qos 1\n".to_vec() };
/// let configuration = parse(&file, &mut |_| unreachable!("nothing is included")).unwrap();
/// assert_eq!(configuration.settings().listeners[0].max_qos as u8, 1);
/// ```
pub fn parse(main: &File, include: &mut Include<'_>) -> Result<Configuration, Refusal> {
    let place = Place { file: main.name.clone(), line: 0, included: false };
    let mut reader = Reader {
        configuration: Configuration::default(),
        place,
        texts_seen: Vec::new(),
        default_ports: 0,
        default_has_address: false,
        of_listeners: Vec::new(),
        has_bridge: false,
    };
    reader.read(main, Some(include))?;
    reader.judge_listeners()?;
    reader.configuration.finish().map_err(|problem| Refusal { problem, places: Vec::new() })
}

/// The order in which the files of an `include_dir` are read: by letter without case, upper case
/// before lower where that is the only difference.
pub fn sort_included(names: &mut [OsString]) {
    names.sort_by(|a, b| a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()).then_with(|| a.cmp(b)));
}

/// The configuration as far as it has been read.
struct Reader {
    configuration: Configuration,
    /// Of the line that is read.
    place: Place,
    /// Scope and name of the text options seen: most may be given once per scope.
    texts_seen: Vec<(Current, &'static str)>,
    default_ports: usize,
    /// `port` or `bind_address` asked for the default listener. Other options alone do not: Mosquitto forgets them
    /// and starts in local only mode.
    default_has_address: bool,
    /// Options of a listener whose effect depends on what the rest of the file makes of it.
    of_listeners: Vec<OfListener>,
    has_bridge: bool,
}

/// An option that was given to a listener.
struct OfListener {
    listener: Current,
    name: &'static str,
    /// What it switches on is a check of who comes in.
    guards: bool,
    /// It concerns TLS only.
    is_tls: bool,
    /// A value that a listener with TLS cannot have.
    unknown_value: Option<String>,
    place: Place,
}

impl Reader {
    /// Reads one file. `include` is absent for an included one: they do not include in turn.
    fn read(&mut self, file: &File, mut include: Option<&mut Include<'_>>) -> Result<(), Refusal> {
        // Neither the current listener nor the current plugin reaches over from one file to another.
        let mut current = Current::None;
        let included = include.is_none();
        let at = |line| Place { file: file.name.clone(), line, included };
        let text = match text_file::utf8(&file.text) {
            Ok(text) => text,
            Err(text_file::Utf16) => return Err(Refusal { problem: Problem::Utf16, places: vec![at(1)] }),
        };
        if text.has_mark {
            self.configuration.notices.push(Notice::ByteOrderMark { file: file.name.clone() });
        }
        let mut is_binary = false;
        for (index, text) in text.bytes.split(|byte| *byte == b'\n').enumerate() {
            let place = at(index + 1);
            let refuse = |problem| Refusal { problem, places: vec![place.clone()] };
            // As the AppleDouble files of macOS (`._x.conf`) begin.
            if text.first() == Some(&0) {
                if !is_binary {
                    self.configuration.notices.push(Notice::BinaryLines { place });
                }
                is_binary = true;
                continue;
            }
            let Some(line) = Line::read(text).map_err(refuse)? else { continue };
            if line.name == "include_dir" {
                let Some(include) = include.as_deref_mut() else { return Err(refuse(Problem::IncludeInIncluded)) };
                self.include(line.text().map_err(refuse)?, include, &place)?;
            } else {
                self.place.clone_from(&place);
                self.apply(&line, &mut current).map_err(refuse)?;
            }
        }
        Ok(())
    }

    fn include(&mut self, folder: &str, include: &mut Include<'_>, place: &Place) -> Result<(), Refusal> {
        let files = include(folder).map_err(|reason| Refusal {
            problem: Problem::IncludeUnreadable { path: folder.to_owned(), reason },
            places: vec![place.clone()],
        })?;
        for file in files {
            self.configuration.notices.push(Notice::Loading { file: file.name.clone() });
            self.read(&file, None).map_err(|mut refusal| {
                refusal.places.push(place.clone());
                refusal
            })?;
        }
        Ok(())
    }

    fn apply(&mut self, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
        let Some((name, rule)) = options::find(line.name) else {
            return Err(Problem::Unknown { option: line.name.to_owned() });
        };
        match rule {
            Rule::Global(kind) | Rule::Own(kind, _) => {
                self.once(kind.is_once(), Current::None, name)?;
                kind.apply(line, &mut self.configuration)
            }
            Rule::Listener(kind) => {
                self.once(kind.is_once(), *current, name)?;
                kind.apply(line, self.listener(*current, name)?)?;
                self.remember(*current, name, kind.is_off(line), None);
                Ok(())
            }
            Rule::ListenerOrDefault(kind) => {
                self.default_if_none(current, name);
                self.once(kind.is_once(), *current, name)?;
                kind.apply(line, self.listener(*current, name)?)?;
                self.remember(*current, name, kind.is_off(line), None);
                Ok(())
            }
            Rule::Security(kind) => {
                self.configuration.security_was_set = true;
                if self.configuration.per_listener_settings {
                    self.once(kind.is_once(), *current, name)?;
                    kind.apply(line, &mut self.listener(*current, name)?.security)
                } else {
                    self.once(kind.is_once(), Current::None, name)?;
                    kind.apply(line, &mut self.configuration.security)
                }
            }
            Rule::Special(read) => read(self, line, current),
            Rule::Ignored(because, asks) => {
                self.ask(*asks, line, *current)?;
                // What belongs to a bridge goes with the `connection` line, which has its warning.
                if *asks != Asks::Bridge {
                    self.ignore(line.name, because);
                }
                Ok(())
            }
            Rule::Unsafe(because) => Err(Problem::Unsafe { option: line.name.to_owned(), because }),
        }
    }

    fn ask(&mut self, asks: Asks, line: &Line<'_>, current: Current) -> Result<(), Problem> {
        let option = || line.name.to_owned();
        match asks {
            Asks::Flag => {
                line.flag()?;
            }
            Asks::Number => {
                line.number()?;
            }
            // Mosquitto reads as far as there are digits, and takes a word without any for 0.
            Asks::Size => {
                let word = line.word()?.trim_ascii_start();
                if word.starts_with('-') && word[1..].starts_with(|c: char| ('1'..='9').contains(&c)) {
                    return Err(line.invalid(word));
                }
            }
            Asks::ListenerText => {
                self.listener(current, line.name)?;
                line.text()?;
            }
            Asks::Bridge if !self.has_bridge => return Err(Problem::NeedsBridge { option: option() }),
            Asks::Plugin if self.configuration.plugins.persist_sqlite.is_none() => {
                return Err(Problem::NeedsPlugin { option: option() });
            }
            Asks::Nothing | Asks::Bridge | Asks::Plugin => {}
        }
        Ok(())
    }

    /// Says once that the option has no effect.
    fn ignore(&mut self, option: &str, because: &'static str) {
        let told = |notice: &Notice| matches!(notice, Notice::Ignored { option: known, .. } if known == option);
        if !self.configuration.notices.iter().any(told) {
            let option = option.to_owned();
            self.configuration.notices.push(Notice::Ignored { option, because, place: self.place.clone() });
        }
    }

    /// Notes an option of a listener that may turn out to have no effect on it. `is_off` means that none was wanted.
    fn remember(&mut self, listener: Current, name: &'static str, is_off: bool, unknown_value: Option<String>) {
        let is_tls = options::CONCERN_TLS.contains(&name);
        if !is_off && (is_tls || listener == Current::Default) {
            let guards = options::GUARD_ACCESS.contains(&name);
            let place = self.place.clone();
            self.of_listeners.push(OfListener { listener, name, guards, is_tls, unknown_value, place });
        }
    }

    /// What only the whole file shows of the listeners: whether there is a default listener at all, and which options
    /// have no effect on theirs.
    fn judge_listeners(&mut self) -> Result<(), Refusal> {
        let without_listener = self.configuration.listeners.is_empty() && !self.default_has_address;
        if without_listener {
            self.forget_default_listener().map_err(|problem| Refusal { problem, places: Vec::new() })?;
        }
        for given in std::mem::take(&mut self.of_listeners) {
            let option = given.name.to_owned();
            let refuse = |problem| Refusal { problem, places: vec![given.place.clone()] };
            if without_listener {
                // Without it the listener that takes its place would let in whom it was to keep out.
                if given.guards {
                    return Err(refuse(Problem::NeedsListener { option }));
                }
                self.configuration.notices.push(Notice::WithoutListener { option, place: given.place });
                continue;
            }
            let speaks_tls = self.listener(given.listener, given.name).is_ok_and(|listener| listener.tls.is_on());
            match (given.unknown_value, speaks_tls) {
                (Some(value), true) => return Err(refuse(Problem::Invalid { option, value })),
                (_, false) if given.is_tls => {
                    self.configuration.notices.push(Notice::WithoutTls { option, place: given.place });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Leaves the broker in local only mode. Who may come in is still what the file says: with `per_listener_settings`
    /// it stands with the listener that goes, and holds for the local ones. (Mosquitto forgets that too.)
    fn forget_default_listener(&mut self) -> Result<(), Problem> {
        let configuration = &mut self.configuration;
        let gone = configuration.default_listener.take();
        gone.as_ref().map_or(Ok(()), |listener| listener.tls.check())?;
        if configuration.per_listener_settings {
            configuration.per_listener_settings = false;
            configuration.security = gone.map(|listener| listener.security).unwrap_or_default();
        }
        configuration.notices.retain(|notice| !matches!(notice, Notice::DefaultListener { .. }));
        Ok(())
    }

    /// Notes a text option of which a second value in the same scope is an error.
    fn once(&mut self, once: bool, scope: Current, name: &'static str) -> Result<(), Problem> {
        if once {
            if self.texts_seen.contains(&(scope, name)) {
                return Err(Problem::Duplicate { option: name.to_owned() });
            }
            self.texts_seen.push((scope, name));
        }
        Ok(())
    }

    fn listener(&mut self, current: Current, option: &str) -> Result<&mut Listener, Problem> {
        let found = match current {
            Current::None => None,
            Current::Default => self.configuration.default_listener.as_mut(),
            Current::Listener(index) => self.configuration.listeners.get_mut(index),
        };
        found.ok_or_else(|| Problem::NeedsListener { option: option.to_owned() })
    }

    /// Options that work without a `listener` line create the listener on port 1883.
    fn default_if_none(&mut self, current: &mut Current, option: &str) {
        if *current == Current::None {
            if self.configuration.default_listener.is_none() {
                self.configuration.default_listener = Some(Listener::on(types::DEFAULT_PORT));
                self.configuration.notices.push(Notice::DefaultListener { option: option.to_owned() });
            }
            *current = Current::Default;
        }
    }
}

/// What becomes of an option of mosquitto.conf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Heeded,
    /// Mosquitto does not know it; what it does.
    Own(&'static str),
    /// It has no effect, and why that does no harm.
    Ignored(&'static str),
    /// A configuration with it is refused, and why.
    Refused(&'static str),
}

/// Every option that the reader knows, for the manual page.
pub fn known_options() -> impl Iterator<Item = (&'static str, Standing)> {
    OPTIONS.iter().map(|(name, rule)| {
        let standing = match rule {
            Rule::Own(_, meaning) => Standing::Own(meaning),
            Rule::Ignored(because, _) => Standing::Ignored(because),
            Rule::Unsafe(because) => Standing::Refused(because),
            _ if *name == "connection" => Standing::Ignored(options::NO_BRIDGES),
            _ => Standing::Heeded,
        };
        (*name, standing)
    })
}

#[cfg(test)]
mod tests;

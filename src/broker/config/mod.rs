//! mosquitto.conf: from the texts of the files to a [`Configuration`].
//!
//! Pure: whoever opened the files hands in their texts. Problems and notices are facts with the place
//! where they were found; `cmd::broker` makes Mosquitto's sentences of them.

mod options;
mod types;
mod value;

pub use types::{
    Configuration, Listener, LogDestination, LogSettings, LogTypes, Persistence, Protocol, Security, SocketDomain,
    Sync, Tls, TlsVersion,
};

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
    let configuration = Configuration::default();
    let mut reader = Reader { configuration, place, texts_seen: Vec::new(), default_ports: 0, has_bridge: false };
    reader.read(main, Some(include))?;
    reader.configuration.finish().map_err(|problem| Refusal { problem, places: Vec::new() })
}

/// The order in which the files of an `include_dir` are read: by letter without case, upper case
/// before lower where that is the only difference.
pub fn sort_included(names: &mut [String]) {
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
    has_bridge: bool,
}

impl Reader {
    /// Reads one file. `include` is absent for an included one: they do not include in turn.
    fn read(&mut self, file: &File, mut include: Option<&mut Include<'_>>) -> Result<(), Refusal> {
        // Neither the current listener nor the current plugin reaches over from one file to another.
        let mut current = Current::None;
        let included = include.is_none();
        for (index, text) in file.text.split(|byte| *byte == b'\n').enumerate() {
            let place = Place { file: file.name.clone(), line: index + 1, included };
            let refuse = |problem| Refusal { problem, places: vec![place.clone()] };
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
                kind.apply(line, self.listener(*current, name)?)
            }
            Rule::ListenerOrDefault(kind) => {
                self.default_if_none(current, name);
                self.once(kind.is_once(), *current, name)?;
                kind.apply(line, self.listener(*current, name)?)
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
                self.ignore(line, because);
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
            Asks::Size => {
                let number = line.number()?;
                if number < 0 {
                    return Err(line.invalid(number));
                }
            }
            Asks::Listener => {
                self.listener(current, line.name)?;
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
    fn ignore(&mut self, line: &Line<'_>, because: &'static str) {
        let told = |notice: &Notice| matches!(notice, Notice::Ignored { option, .. } if option == line.name);
        if !self.configuration.notices.iter().any(told) {
            let option = line.name.to_owned();
            self.configuration.notices.push(Notice::Ignored { option, because, place: self.place.clone() });
        }
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

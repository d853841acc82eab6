//! mosquitto.conf: from the texts of the files to a [`Configuration`].
//!
//! Pure: whoever opened the files hands in their texts. Problems and notices are facts with the place
//! where they were found; `cmd::host` makes Mosquitto's sentences of them.

mod bridge;
mod options;
mod problem;
mod reader;
mod types;
mod value;

pub use problem::{BridgeProblem, ForeignFile, Notice, Place, Problem, Refusal};
pub use types::{
    Configuration, Listener, LogDestination, LogSettings, LogTypes, Persistence, Protocol, Security, SocketDomain,
    Sync, Tls, TlsVersion, Tokens,
};

use std::ffi::OsString;

use crate::text_file;
use options::{Asks, OPTIONS, Rule};
use reader::{Current, OfListener, Reader};
use value::Line;

/// The text of one file with the name it is known by.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub text: Vec<u8>,
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
    let Survey { configuration, refusals } = survey(main, include);
    refusals.into_iter().next().map_or(Ok(configuration), Err)
}

/// A configuration with all that is wrong with it, for those who judge it and start nothing.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What the lines say that could be read.
    pub configuration: Configuration,
    /// In the order of the files; [`REFUSALS_MOST`] at most.
    pub refusals: Vec<Refusal>,
}

/// Of a file with more mistakes than this the rest is not read: it is no configuration.
pub const REFUSALS_MOST: usize = 50;

/// Reads a configuration file and those it includes, past what is wrong with them.
pub fn survey(main: &File, include: &mut Include<'_>) -> Survey {
    let place = Place { file: main.name.clone(), line: 0, included: false };
    let mut reader = Reader {
        configuration: Configuration::default(),
        place,
        refusals: Vec::new(),
        texts_seen: Vec::new(),
        default_ports: 0,
        default_has_address: false,
        of_listeners: Vec::new(),
        unread_listener: Listener::on(0),
        bridges: Vec::new(),
        has_foreign_plugin: false,
    };
    reader.read(main, Some(include));
    reader.judge_listeners();
    reader.judge_bridges();
    let Reader { configuration, mut refusals, .. } = reader;
    let (configuration, problems) = configuration.finish();
    refusals.extend(problems.into_iter().map(|problem| Refusal { problem, places: Vec::new() }));
    Survey { configuration, refusals }
}

/// The order in which the files of an `include_dir` are read: by letter without case, upper case
/// before lower where that is the only difference.
pub fn sort_included(names: &mut [OsString]) {
    names.sort_by(|a, b| a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()).then_with(|| a.cmp(b)));
}

impl Reader {
    /// Reads one file. `include` is absent for an included one: they do not include in turn.
    fn read(&mut self, file: &File, mut include: Option<&mut Include<'_>>) {
        // Neither the current listener nor the current plugin reaches over from one file to another.
        let mut current = Current::None;
        let included = include.is_none();
        let at = |line| Place { file: file.name.clone(), line, included };
        let text = match text_file::utf8(&file.text) {
            Ok(text) => text,
            Err(text_file::Utf16) => return self.refuse(Problem::Utf16, vec![at(1)]),
        };
        if text.has_mark {
            self.configuration.notices.push(Notice::ByteOrderMark { file: file.name.clone() });
        }
        let mut is_binary = false;
        for (index, text) in text.bytes.split(|byte| *byte == b'\n').enumerate() {
            if self.refusals.len() >= REFUSALS_MOST {
                return;
            }
            let place = at(index + 1);
            // As the AppleDouble files of macOS (`._x.conf`) begin.
            if text.first() == Some(&0) {
                if !is_binary {
                    self.configuration.notices.push(Notice::BinaryLines { place });
                }
                is_binary = true;
                continue;
            }
            let line = Line::read(text);
            if let Ok(Some(line)) = &line {
                self.look_for_comment(line, &place);
            }
            let done = match line {
                Ok(None) => Ok(()),
                Ok(Some(line)) if line.name == "include_dir" => {
                    include_line(&line, include.as_deref_mut()).map(|files| self.read_included(files, &place))
                }
                Ok(Some(line)) => {
                    self.place.clone_from(&place);
                    self.apply(&line, &mut current)
                }
                Err(problem) => Err(problem),
            };
            if let Err(problem) = done {
                self.refuse(problem, vec![place]);
            }
        }
    }

    /// A value that is a text goes on to the end of its line.
    fn look_for_comment(&mut self, line: &Line<'_>, place: &Place) {
        if options::takes_text(line)
            && let Some(comment) = line.comment()
        {
            let (option, comment) = (line.name.to_owned(), comment.to_owned());
            self.configuration.notices.push(Notice::CommentInValue { option, comment, place: place.clone() });
        }
    }

    fn read_included(&mut self, files: Vec<File>, place: &Place) {
        for file in files {
            self.configuration.notices.push(Notice::Loading { file: file.name.clone() });
            let before = self.refusals.len();
            self.read(&file, None);
            for refusal in &mut self.refusals[before..] {
                refusal.places.push(place.clone());
            }
        }
    }

    fn apply(&mut self, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
        let Some((name, rule)) = options::find(line.name) else {
            return Err(Problem::Unknown { option: line.name.to_owned() });
        };
        match rule {
            Rule::Global(kind) | Rule::Own(kind, _) => {
                if let Rule::Own(..) = rule {
                    self.note_own(name);
                }
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
            Rule::Security(kind) | Rule::OwnSecurity(kind, _) => {
                if let Rule::OwnSecurity(..) = rule {
                    self.note_own(name);
                }
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
                self.ignore(line.name, because);
                Ok(())
            }
            Rule::Bridge(value) => {
                let Some(bridge) = self.bridges.last_mut() else {
                    return Err(Problem::NeedsBridge { option: line.name.to_owned() });
                };
                // What belongs to a bridge goes with the `connection` line, which has its warning.
                bridge.apply(name, *value, line)
            }
            Rule::Unsafe(because, asks) => {
                self.ask(*asks, line, *current)?;
                if let Ok(listener) = self.listener(*current, name) {
                    listener.unsupported.push(name);
                }
                let file = matches!(asks, Asks::KeyFile).then_some(ForeignFile::PreSharedKeys);
                Err(line.unsafe_here(file, because))
            }
        }
    }

    fn note_own(&mut self, option: &'static str) {
        self.configuration.notices.push(Notice::Own { option, place: self.place.clone() });
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
            Asks::Text | Asks::KeyFile => {
                line.text()?;
            }
            Asks::ListenerNumber(least, most) => {
                self.listener(current, line.name)?;
                let number = line.number()?;
                if !(least..=most).contains(&number) {
                    return Err(line.invalid(number));
                }
            }
            Asks::ListenerFlag => {
                self.listener(current, line.name)?;
                line.flag()?;
            }
            Asks::Plugin if self.configuration.plugins.persist_sqlite.is_none() && !self.has_foreign_plugin => {
                return Err(Problem::NeedsPlugin { option: option() });
            }
            Asks::Nothing | Asks::Plugin => {}
        }
        Ok(())
    }

    /// Notes an option of a listener that may turn out to have no effect on it. `is_off` means that none was wanted.
    fn remember(&mut self, listener: Current, name: &'static str, is_off: bool, unknown_value: Option<String>) {
        let is_tls = options::CONCERN_TLS.contains(&name);
        if listener == Current::Unread {
            return;
        }
        if !is_off && (is_tls || listener == Current::Default) {
            let guards = options::GUARD_ACCESS.contains(&name);
            let place = self.place.clone();
            self.of_listeners.push(OfListener { listener, name, guards, is_tls, unknown_value, place });
        }
    }

    /// What only the whole file shows of the listeners: whether there is a default listener at all, and which options
    /// have no effect on theirs.
    fn judge_listeners(&mut self) {
        let without_listener = self.configuration.listeners.is_empty() && !self.default_has_address;
        if without_listener && let Err(problem) = self.forget_default_listener() {
            self.refuse(problem, Vec::new());
        }
        for given in std::mem::take(&mut self.of_listeners) {
            let option = given.name.to_owned();
            if without_listener {
                // Without it the listener that takes its place would let in whom it was to keep out.
                if given.guards {
                    self.refuse(Problem::NeedsListener { option }, vec![given.place]);
                } else {
                    self.configuration.notices.push(Notice::WithoutListener { option, place: given.place });
                }
                continue;
            }
            let listener = self.listener(given.listener, given.name);
            // With a pre-shared key it speaks TLS without a certificate.
            let speaks_tls = listener.is_ok_and(|listener| listener.tls.is_on() || listener.has_psk());
            match (given.unknown_value, speaks_tls) {
                (Some(value), true) => self.refuse(Problem::TlsVersion { value }, vec![given.place]),
                (_, false) if given.is_tls => {
                    self.configuration.notices.push(Notice::WithoutTls { option, place: given.place });
                }
                _ => {}
            }
        }
    }

    /// What only the whole file shows of the bridges.
    fn judge_bridges(&mut self) {
        let mut local_ids: Vec<String> = Vec::new();
        for bridge in std::mem::take(&mut self.bridges) {
            let place = bridge.place.clone();
            if let Some(problem) = bridge.problem() {
                self.refuse(Problem::Bridge(problem), vec![place.clone()]);
            }
            let Some(id) = bridge.local_client_id else { continue };
            if local_ids.contains(&id) {
                self.refuse(Problem::Bridge(BridgeProblem::DuplicateLocalClientId { id }), vec![place]);
            } else {
                local_ids.push(id);
            }
        }
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
    OPTIONS
        .iter()
        .map(|(name, rule)| {
            let standing = match rule {
                Rule::Own(_, meaning) | Rule::OwnSecurity(_, meaning) => Standing::Own(meaning),
                Rule::Ignored(because, _) => Standing::Ignored(because),
                Rule::Unsafe(because, _) => Standing::Refused(because),
                Rule::Bridge(_) => Standing::Ignored(options::NO_BRIDGES),
                _ if *name == "http_dir" => Standing::Ignored(options::NO_HTTP_FILES),
                _ if *name == "connection" => Standing::Ignored(options::NO_BRIDGES),
                _ if options::PLUGINS.contains(name) => Standing::Refused(options::NO_PLUGINS),
                _ => Standing::Heeded,
            };
            (*name, standing)
        })
        .chain([("include_dir", Standing::Heeded), ("plugin_opt_\u{2026}", Standing::Refused(options::NO_PLUGINS))])
}

/// The files that an `include_dir` line asks for.
fn include_line(line: &Line<'_>, include: Option<&mut Include<'_>>) -> Result<Vec<File>, Problem> {
    let include = include.ok_or(Problem::IncludeInIncluded)?;
    let folder = line.text()?;
    include(folder).map_err(|reason| Problem::IncludeUnreadable { path: folder.to_owned(), reason })
}

#[cfg(test)]
mod tests;

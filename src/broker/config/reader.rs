//! A configuration while its lines are read: what they have said so far, and which listener the next one is about.

use super::bridge::Bridge;
use super::problem::{Notice, Place, Problem, Refusal};
use super::types::{Configuration, DEFAULT_PORT, Listener};

/// The configuration as far as it has been read.
pub(super) struct Reader {
    pub(super) configuration: Configuration,
    /// The place of the line that is read.
    pub(super) place: Place,
    pub(super) refusals: Vec<Refusal>,
    /// Scope and name of the text options seen: most may be given once per scope.
    pub(super) texts_seen: Vec<(Current, &'static str)>,
    pub(super) default_ports: usize,
    /// `port` or `bind_address` asked for the default listener. Other options alone do not: Mosquitto forgets them
    /// and starts in local only mode.
    pub(super) default_has_address: bool,
    /// Options of a listener whose effect depends on what the rest of the file makes of it.
    pub(super) of_listeners: Vec<OfListener>,
    /// Stands for a listener whose line is refused, so that the options of it are read and apply to no other.
    pub(super) unread_listener: Listener,
    pub(super) bridges: Vec<Bridge>,
    /// A plugin that is none of ours was loaded: what its options mean is not known.
    pub(super) has_foreign_plugin: bool,
}

/// An option that was set for a listener.
pub(super) struct OfListener {
    pub(super) listener: Current,
    pub(super) name: &'static str,
    /// What it switches on is a check of who comes in.
    pub(super) guards: bool,
    /// It concerns TLS only.
    pub(super) is_tls: bool,
    /// A value that a listener with TLS cannot have.
    pub(super) unknown_value: Option<String>,
    pub(super) place: Place,
}

/// The listener that a line of a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Current {
    None,
    Default,
    Listener(usize),
    /// One whose line is refused.
    Unread,
}

impl Reader {
    pub(super) fn refuse(&mut self, problem: Problem, places: Vec<Place>) {
        self.refusals.push(Refusal { problem, places });
    }

    /// Says once that the option has no effect.
    pub(super) fn ignore(&mut self, option: &str, because: &'static str) {
        let is_known = |notice: &Notice| matches!(notice, Notice::Ignored { option: known, .. } if known == option);
        if !self.configuration.notices.iter().any(is_known) {
            let option = option.to_owned();
            self.configuration.notices.push(Notice::Ignored { option, because, place: self.place.clone() });
        }
    }

    /// Says once that bridges have no effect.
    pub(super) fn ignore_bridge(&mut self, because: &'static str) {
        if !self.configuration.notices.iter().any(|notice| matches!(notice, Notice::Bridge { .. })) {
            self.configuration.notices.push(Notice::Bridge { because, place: self.place.clone() });
        }
    }

    /// Notes a text option of which a second value in the same scope is an error.
    pub(super) fn once(&mut self, once: bool, scope: Current, name: &'static str) -> Result<(), Problem> {
        if once {
            if self.texts_seen.contains(&(scope, name)) {
                return Err(Problem::Duplicate { option: name.to_owned() });
            }
            self.texts_seen.push((scope, name));
        }
        Ok(())
    }

    pub(super) fn listener(&mut self, current: Current, option: &str) -> Result<&mut Listener, Problem> {
        let found = match current {
            Current::None => None,
            Current::Default => self.configuration.default_listener.as_mut(),
            Current::Listener(index) => self.configuration.listeners.get_mut(index),
            Current::Unread => Some(&mut self.unread_listener),
        };
        found.ok_or_else(|| Problem::NeedsListener { option: option.to_owned() })
    }

    /// Options that work without a `listener` line create the listener on port 1883.
    pub(super) fn default_if_none(&mut self, current: &mut Current, option: &str) {
        if *current == Current::None {
            if self.configuration.default_listener.is_none() {
                self.configuration.default_listener = Some(Listener::on(DEFAULT_PORT));
                self.configuration.notices.push(Notice::DefaultListener { option: option.to_owned() });
            }
            *current = Current::Default;
        }
    }
}

//! Which of the waiting messages are counted.

use super::Waiting;
use crate::mqtt::topic;
use crate::state::ids::UnixTime;

const NANOS_PER_MINUTE: f64 = 60e9;

/// The filters of the command line; a message must pass them all.
#[derive(Clone, Debug)]
pub struct Selection {
    /// `*` is any text, `?` any character.
    pub client: Option<String>,
    /// An MQTT topic filter.
    pub topic: Option<String>,
    /// `[at most once, at least once, exactly once]`.
    pub qos: [bool; 3],
    pub state: State,
    pub expired: Expired,
    /// Only messages that are certainly at least this many minutes old.
    pub older_minutes: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    All,
    Queued,
    InFlight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    Show,
    Hide,
    Only,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            client: None,
            topic: None,
            qos: [true; 3],
            state: State::All,
            expired: Expired::Show,
            older_minutes: None,
        }
    }
}

impl Selection {
    /// Whether `message` is counted at `now`.
    #[inline]
    pub fn takes(&self, message: &Waiting<'_>, now: UnixTime) -> bool {
        self.takes_client(message.client)
            && self.topic.as_ref().is_none_or(|filter| topic::matches(filter, message.topic))
            && self.qos.get(usize::from(message.qos)).copied().unwrap_or(true)
            && match self.state {
                State::All => true,
                State::Queued => !message.is_in_flight(),
                State::InFlight => message.is_in_flight(),
            }
            && match self.expired {
                Expired::Show => true,
                Expired::Hide => !message.is_expired(now),
                Expired::Only => message.is_expired(now),
            }
            && self.older_minutes.is_none_or(|minutes| {
                message.since.least_age(now).is_some_and(|age| age as f64 >= minutes * NANOS_PER_MINUTE)
            })
    }

    /// Whether only its age, which is not known well enough, keeps `message` from being counted.
    pub fn is_not_known(&self, message: &Waiting<'_>, now: UnixTime) -> bool {
        let Some(minutes) = self.older_minutes else { return false };
        let may_be = message.since.most_age(now).is_none_or(|age| age as f64 >= minutes * NANOS_PER_MINUTE);
        may_be && !self.takes(message, now) && Self { older_minutes: None, ..self.clone() }.takes(message, now)
    }

    #[inline]
    pub fn takes_client(&self, client: &str) -> bool {
        self.client.as_ref().is_none_or(|glob| glob_matches(glob, client))
    }

    /// Whether every message is counted.
    pub fn takes_all(&self) -> bool {
        self.client.is_none() && self.state == State::All && !self.needs_messages()
    }

    /// Whether it asks for something that a mere count per client cannot answer.
    pub fn needs_messages(&self) -> bool {
        let Self { client: _, topic, qos, state: _, expired, older_minutes } = self;
        topic.is_some() || *qos != [true; 3] || *expired != Expired::Show || older_minutes.is_some()
    }
}

/// Whether `text` fits `glob`. One step back at the last `*` is enough, so this is never exponential.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match glob.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                in_text = taken + 1;
            }
        }
    }
    glob[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (glob, text) in [("*", ""), ("a*c", "abc"), ("a*c", "ac"), ("?", "é"), ("*b*b", "abab"), ("gw-*", "gw-")] {
            assert!(glob_matches(glob, text), "{glob} {text}");
        }
        for (glob, text) in [("a", "ab"), ("a*c", "abd"), ("?", ""), ("", "a"), ("*b", "abc")] {
            assert!(!glob_matches(glob, text), "{glob} {text}");
        }
        assert!(!glob_matches(&"*a".repeat(50), &"b".repeat(5000)));
    }
}

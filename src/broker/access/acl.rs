//! The ACL file: which client may read and write which topics.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::mqtt::topic::{TopicFilter, matches};

/// Topics by who may use them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// Of clients without user name.
    anonymous: Entries,
    users: HashMap<String, Entries>,
    /// Of every client, with `%c` and `%u` in the filters.
    patterns: Entries,
    /// Patterns that name neither client nor user, which is seldom meant.
    plain_patterns: Vec<String>,
    lines_not_utf8: Vec<usize>,
    /// The names of `user` lines, each with its first line.
    named: Vec<(String, usize)>,
}

/// The line that an ACL file is refused for, counted from 1, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclError {
    pub line: usize,
    pub problem: AclProblem,
}

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    Anonymous,
    User(&'a str),
    /// Everybody, with `%c` and `%u` filled in.
    Everybody,
}

/// An entry as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<'a> {
    pub holder: Holder<'a>,
    pub filter: &'a str,
    /// Counted from 1.
    pub line: usize,
}

/// Why an ACL file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AclProblem {
    UnknownAccess(String),
    UnknownLine(String),
    EmptyTopic,
    MissingUsername,
    InvalidTopic(String),
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// What an entry grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grant {
    Read,
    Write,
    ReadWrite,
    Deny,
}

/// What is decided, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub allowed: bool,
    pub because: Because,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// An entry of the ACL file, by its line counted from 1.
    Line(usize),
    /// No entry speaks of the topic.
    NoEntry,
    /// A wildcard in the client id or the user name, while there are patterns.
    WildcardInName,
    /// A pattern would grant it, but for a client id or user name that is empty, has a `/` in it, or makes of it a topic that
    /// begins with `$`.
    NameIsNoLevel,
    /// `$SYS` is the broker's own to write.
    ReservedTopic,
    /// There is no ACL file.
    NoFile,
}

/// One entry, with its line counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    grant: Grant,
    filter: String,
    line: usize,
}

/// One list. `deny` goes before everything else of the list, wherever it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entries {
    denied: Vec<Entry>,
    granted: Vec<Entry>,
}

/// The client that `topic` lines are about.
enum Whose {
    Anonymous,
    User(String),
    /// A user whose name no client can have.
    Nobody,
}

impl Acl {
    /// Reads the text of an ACL file.
    pub fn parse(text: &[u8]) -> Result<Self, AclError> {
        let mut acl = Self::default();
        let mut whose = Whose::Anonymous;
        // As Mosquitto, which sees an empty line where one begins with a zero byte.
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        for (index, line) in lines.filter(|(_, line)| !matches!(line.first(), Some(b'#' | 0))) {
            let number = index + 1;
            let refuse = |problem| AclError { line: number, problem };
            let line = String::from_utf8_lossy(line);
            // MQTT's topics and names are UTF-8, so that what is not matches none of them. It is judged as if it were
            // text, and then it grants and denies nothing.
            let is_utf8 = matches!(line, Cow::Borrowed(_));
            if !is_utf8 {
                acl.lines_not_utf8.push(number);
            }
            let line = line.trim_ascii_end();
            let word_start = line.find(|c| c != ' ').unwrap_or(line.len());
            let word_end = line[word_start..].find(' ').map_or(line.len(), |space| word_start + space);
            let rest = line[word_end..].trim_ascii_start();
            match &line[word_start..word_end] {
                "" => {}
                "user" if rest.is_empty() => return Err(refuse(AclProblem::MissingUsername)),
                "user" if is_utf8 => {
                    if !acl.named.iter().any(|(name, _)| name == rest) {
                        acl.named.push((rest.to_owned(), number));
                    }
                    whose = Whose::User(rest.to_owned());
                }
                "user" => whose = Whose::Nobody,
                "topic" => {
                    let entry = entry(rest, number).map_err(refuse)?;
                    match &whose {
                        _ if !is_utf8 => {}
                        Whose::Nobody => {}
                        Whose::Anonymous => acl.anonymous.add(entry),
                        Whose::User(user) => acl.users.entry(user.clone()).or_default().add(entry),
                    }
                }
                "pattern" => {
                    let entry = entry(rest, number).map_err(refuse)?;
                    if is_utf8 {
                        if !entry.filter.contains("%c") && !entry.filter.contains("%u") {
                            acl.plain_patterns.push(entry.filter.clone());
                        }
                        acl.patterns.add(entry);
                    }
                }
                _ => return Err(refuse(AclProblem::UnknownLine(line[..word_end].to_owned()))),
            }
        }
        Ok(acl)
    }

    /// The names of `user` lines in the order of the file, each with its first line.
    pub fn named_users(&self) -> &[(String, usize)] {
        &self.named
    }

    /// Every entry, in the order of the file.
    pub fn written(&self) -> Vec<Written<'_>> {
        let own = self.users.iter().map(|(user, entries)| (Holder::User(user.as_str()), entries));
        let lists = own.chain([(Holder::Anonymous, &self.anonymous), (Holder::Everybody, &self.patterns)]);
        let mut written: Vec<_> = lists.flat_map(|(holder, entries)| entries.written(holder)).collect();
        written.sort_by_key(|entry| entry.line);
        written
    }

    /// Lines that are not UTF-8, counted from 1.
    pub fn lines_not_utf8(&self) -> &[usize] {
        &self.lines_not_utf8
    }

    /// Patterns without `%c` and `%u`: they work, and deserve a warning.
    pub fn plain_patterns(&self) -> &[String] {
        &self.plain_patterns
    }

    /// The first entry that matches topic and kind decides; without one the answer is no.
    pub(super) fn rule(&self, client_id: &str, username: Option<&str>, topic: &str, kind: Kind) -> Ruling {
        let own = match username {
            None => Some(&self.anonymous),
            Some(user) => self.users.get(user),
        };
        if let Some(ruling) = own.and_then(|entries| entries.decide(topic, kind, |entry| Some(entry.as_written()))) {
            return ruling;
        }
        if self.patterns.is_empty() {
            return Ruling::NO_ENTRY;
        }
        // An id with wildcards in it would match what belongs to others.
        if client_id.contains(['+', '#']) || username.is_some_and(|user| user.contains(['+', '#'])) {
            return Ruling { allowed: false, because: Because::WildcardInName };
        }
        let names = Names { client_id, username };
        if let Some(ruling) = self.patterns.decide(topic, kind, |entry| names.fill(entry)) {
            return ruling;
        }
        // Only the reason is still open, and only to a client with such a name.
        let would_be_granted =
            || self.patterns.decide(topic, kind, |entry| names.fill_if(&entry.filter, |_| true)).is_some();
        if (!names.are_levels() || names.begin_with_dollar()) && would_be_granted() {
            return Ruling { allowed: false, because: Because::NameIsNoLevel };
        }
        Ruling::NO_ENTRY
    }
}

impl Ruling {
    const NO_ENTRY: Self = Self { allowed: false, because: Because::NoEntry };
}

impl Entries {
    fn add(&mut self, entry: Entry) {
        match entry.grant {
            Grant::Deny => self.denied.push(entry),
            _ => self.granted.push(entry),
        }
    }

    fn written<'a>(&'a self, holder: Holder<'a>) -> impl Iterator<Item = Written<'a>> {
        let all = self.denied.iter().chain(&self.granted);
        all.map(move |entry| Written { holder, filter: &entry.filter, line: entry.line })
    }

    fn is_empty(&self) -> bool {
        self.denied.is_empty() && self.granted.is_empty()
    }

    /// `None`: no entry speaks of it. `filled` makes the filter of an entry, or nothing if it does not
    /// concern this client.
    fn decide(&self, topic: &str, kind: Kind, filled: impl Fn(&Entry) -> Option<Cow<'_, str>>) -> Option<Ruling> {
        let speaks_of = |entry: &&Entry| filled(entry).is_some_and(|filter| matches(&filter, topic));
        let grants = |entry: &&Entry| match kind {
            Kind::Read => matches!(entry.grant, Grant::Read | Grant::ReadWrite),
            Kind::Write => matches!(entry.grant, Grant::Write | Grant::ReadWrite),
        };
        let ruling = |allowed| move |entry: &Entry| Ruling { allowed, because: Because::Line(entry.line) };
        let denied = self.denied.iter().find(speaks_of).map(ruling(false));
        denied.or_else(|| self.granted.iter().filter(grants).find(speaks_of).map(ruling(true)))
    }
}

/// `[read|write|readwrite|deny] FILTER`. The keyword may be missing when the filter has no spaces.
fn entry(text: &str, line: usize) -> Result<Entry, AclProblem> {
    let (grant, filter) = match text.split_once(' ') {
        None => (Grant::ReadWrite, text),
        Some((word, filter)) => {
            let grant = match word {
                "read" => Grant::Read,
                "write" => Grant::Write,
                "readwrite" => Grant::ReadWrite,
                "deny" => Grant::Deny,
                other => return Err(AclProblem::UnknownAccess(other.to_owned())),
            };
            (grant, filter.trim_ascii())
        }
    };
    match filter {
        "" => Err(AclProblem::EmptyTopic),
        filter if TopicFilter::check(filter).is_ok() => Ok(Entry { grant, filter: filter.to_owned(), line }),
        filter => Err(AclProblem::InvalidTopic(filter.to_owned())),
    }
}

impl Entry {
    fn as_written(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.filter)
    }
}

/// What `%c` and `%u` stand for.
#[derive(Clone, Copy)]
struct Names<'a> {
    client_id: &'a str,
    username: Option<&'a str>,
}

impl Names<'_> {
    /// The filter of an entry with the names in it, which stand for whole levels. `None` if the entry does not
    /// concern this client.
    ///
    /// A name grants nothing unless it is exactly one level: the client `victim/cmd` would get, by
    /// `pattern devices/%c/#`, a part of what belongs to the client `victim`. Nor does it lead to topics that begin with
    /// `$` where the entry does not: the client `$SYS` would read, by `pattern %c/#`, what is the broker's. What is denied is
    /// denied to any name, or a slash in it would be the way around.
    fn fill<'a>(&self, entry: &'a Entry) -> Option<Cow<'a, str>> {
        let is_granted = entry.grant != Grant::Deny;
        let filled = self.fill_if(&entry.filter, |name| !is_granted || is_level(name))?;
        let is_dollar_of_name = filled.starts_with('$') && !entry.filter.starts_with('$');
        (!is_granted || !is_dollar_of_name).then_some(filled)
    }

    /// The pattern with the names in it, unless it uses one that may not stand there.
    fn fill_if<'a>(&self, pattern: &'a str, may_stand: impl Fn(&str) -> bool) -> Option<Cow<'a, str>> {
        if !pattern.contains('%') {
            return Some(Cow::Borrowed(pattern));
        }
        let mut filled = String::with_capacity(pattern.len() + self.client_id.len());
        for (index, level) in pattern.split('/').enumerate() {
            if index > 0 {
                filled.push('/');
            }
            filled.push_str(match level {
                "%c" => Some(self.client_id).filter(|name| may_stand(name))?,
                "%u" => self.username.filter(|name| may_stand(name))?,
                level => level,
            });
        }
        Some(Cow::Owned(filled))
    }

    fn are_levels(&self) -> bool {
        is_level(self.client_id) && self.username.is_none_or(is_level)
    }

    fn begin_with_dollar(&self) -> bool {
        self.client_id.starts_with('$') || self.username.is_some_and(|username| username.starts_with('$'))
    }
}

/// One level of a topic, and not an empty one.
fn is_level(name: &str) -> bool {
    !name.is_empty() && !name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(text: &str) -> Acl {
        Acl::parse(text.as_bytes()).unwrap()
    }

    /// `rw`, `r-`, `-w` or `--`.
    fn may(acl: &Acl, username: Option<&str>, topic: &str) -> &'static str {
        let allows = |kind| acl.rule("client", username, topic, kind).allowed;
        match (allows(Kind::Read), allows(Kind::Write)) {
            (true, true) => "rw",
            (true, false) => "r-",
            (false, true) => "-w",
            (false, false) => "--",
        }
    }

    #[test]
    fn an_empty_file_denies_everything() {
        for text in ["", "# nothing\n\n   \n"] {
            assert_eq!(may(&acl(text), None, "a"), "--");
            assert_eq!(may(&acl(text), Some("ann"), "$SYS/broker/uptime"), "--");
        }
    }

    #[test]
    fn topics_before_any_user_are_for_clients_without_user_name_only() {
        let acl = acl("topic read a\nuser ann\ntopic write b\n");
        assert_eq!(may(&acl, None, "a"), "r-");
        assert_eq!(may(&acl, Some("ann"), "a"), "--");
        assert_eq!(may(&acl, Some("ann"), "b"), "-w");
        assert_eq!(may(&acl, Some("eve"), "b"), "--");
        assert_eq!(may(&acl, None, "b"), "--");
    }

    #[test]
    fn blocks_of_one_user_merge_and_names_may_have_spaces() {
        let acl = acl("user  ann lee \ntopic a\nuser bob\ntopic b\nuser ann lee\ntopic c\r\n");
        for topic in ["a", "c"] {
            assert_eq!(may(&acl, Some("ann lee"), topic), "rw");
        }
        assert_eq!(may(&acl, Some("ann lee"), "b"), "--");
    }

    #[test]
    fn access_defaults_to_both_and_filters_may_have_spaces_behind_a_keyword() {
        let acl = acl("topic a\ntopic readwrite b c/d \ntopic read\ntopic  write   e\n");
        assert_eq!(may(&acl, None, "a"), "rw");
        assert_eq!(may(&acl, None, "b c/d"), "rw");
        assert_eq!(may(&acl, None, "read"), "rw");
        assert_eq!(may(&acl, None, "e"), "-w");
    }

    #[test]
    fn deny_goes_first_wherever_it_stands() {
        let acl = acl("topic a/#\ntopic deny a/secret\npattern deny p/%c\npattern p/#\n");
        assert_eq!(may(&acl, None, "a/b"), "rw");
        assert_eq!(may(&acl, None, "a/secret"), "--");
        assert_eq!(may(&acl, None, "p/client"), "--");
        assert_eq!(may(&acl, None, "p/other"), "rw");
    }

    #[test]
    fn the_users_list_decides_before_the_patterns() {
        let acl = acl("pattern read a/#\ntopic deny a/b\ntopic write a/c\n");
        assert_eq!(may(&acl, None, "a/b"), "--");
        assert_eq!(may(&acl, None, "a/c"), "rw");
        assert_eq!(may(&acl, Some("ann"), "a/b"), "r-");
    }

    #[test]
    fn patterns_stand_for_whole_levels_and_need_what_they_name() {
        let acl = acl("pattern c/%c/+\npattern read u/%u\npattern x/%cx\n");
        assert_eq!(may(&acl, None, "c/client/x"), "rw");
        assert_eq!(may(&acl, None, "c/other/x"), "--");
        assert_eq!(may(&acl, None, "u/"), "--");
        assert_eq!(may(&acl, Some("ann"), "u/ann"), "r-");
        assert_eq!(may(&acl, None, "x/clientx"), "--");
        assert_eq!(may(&acl, None, "x/%cx"), "rw");
    }

    #[test]
    fn names_with_wildcards_are_denied_once_there_are_patterns() {
        let with_patterns = acl("topic a\npattern read p/%c\n");
        assert!(with_patterns.rule("evil/#", None, "a", Kind::Read).allowed);
        assert!(!with_patterns.rule("#", None, "p/x", Kind::Read).allowed);
        assert!(!with_patterns.rule("+", None, "p/+", Kind::Read).allowed);
        assert!(!with_patterns.rule("client", Some("+"), "p/client", Kind::Read).allowed);
    }

    #[test]
    fn a_name_that_is_not_one_level_is_granted_nothing_by_the_patterns_that_use_it() {
        let acl = acl("pattern devices/%c/#\npattern users/%u/#\npattern both/%c/%u\npattern all/#\npattern x/%cx/#\n");
        let rows = [
            ("victim/cmd", Some("ann"), "devices/victim/cmd/x", false),
            ("victim/", Some("ann"), "devices/victim/x", false),
            ("/", Some("ann"), "devices///x", false),
            ("", Some("ann"), "devices//x", false),
            ("dev", Some("victim/cmd"), "users/victim/cmd/x", false),
            ("dev", Some(""), "users//x", false),
            ("dev", None, "users//x", false),
            ("a/b", Some("ann"), "both/a/b/ann", false),
            ("a", Some("b/ann"), "both/a/b/ann", false),
            ("victim", Some("ann"), "devices/victim/cmd/x", true),
            // What does not use the name does not mind it.
            ("a/b", Some("ann"), "users/ann/x", true),
            ("dev", Some("a/b"), "devices/dev/x", true),
            ("a/b", Some("a/b"), "all/x", true),
            ("a/b", None, "x/%cx/y", true),
        ];
        for (client_id, username, topic, allowed) in rows {
            for kind in [Kind::Read, Kind::Write] {
                let ruling = acl.rule(client_id, username, topic, kind);
                assert_eq!(ruling.allowed, allowed, "{client_id:?} {username:?} {topic}");
            }
        }
        assert_eq!(acl.rule("a/b", None, "devices/a/b", Kind::Read).because, Because::NameIsNoLevel);
        assert_eq!(acl.rule("a/b", None, "else", Kind::Read).because, Because::NoEntry);
    }

    #[test]
    fn a_slash_in_a_name_does_not_lead_around_a_deny() {
        let acl = acl("pattern deny secret/%c/#\npattern deny own/%u\npattern #\n");
        assert!(!acl.rule("a/b", None, "secret/a/b/x", Kind::Read).allowed);
        assert!(!acl.rule("", None, "secret//x", Kind::Read).allowed);
        assert!(!acl.rule("c", Some("a/b"), "own/a/b", Kind::Write).allowed);
        assert!(acl.rule("a/b", None, "secret/a/x", Kind::Read).allowed);
    }

    #[test]
    fn a_name_that_begins_with_a_dollar_opens_no_dollar_topics() {
        let acl = acl("pattern %c/#\npattern %u/#\npattern $own/%c/#\npattern x/%c\npattern deny %u/secret\n");
        let rows = [
            ("$SYS", None, "$SYS/broker/log/N", false),
            ("dev", Some("$SYS"), "$SYS/broker/uptime", false),
            ("$queue", Some("ann"), "$queue", false),
            ("$SYS", Some("ann"), "ann/x", true),
            ("$SYS", None, "x/$SYS", true),
            ("dev", None, "$own/dev/x", true),
            ("$own", None, "$own/$own/x", true),
            ("a", Some("$own"), "$own/a", true),
            // What is denied is denied all the same.
            ("secret", Some("$own"), "$own/secret", false),
        ];
        for (client_id, username, topic, allowed) in rows {
            let ruling = acl.rule(client_id, username, topic, Kind::Read);
            assert_eq!(ruling.allowed, allowed, "{client_id:?} {username:?} {topic}");
        }
        assert_eq!(acl.rule("$SYS", None, "$SYS/x", Kind::Read).because, Because::NameIsNoLevel);
        assert_eq!(acl.rule("dev", None, "$SYS/x", Kind::Read).because, Because::NoEntry);
    }

    #[test]
    fn dollar_topics_need_an_entry_that_begins_with_a_dollar() {
        let acl = acl("topic #\ntopic read $SYS/#\n");
        assert_eq!(may(&acl, None, "a/b"), "rw");
        assert_eq!(may(&acl, None, "$SYS/broker/uptime"), "r-");
        assert_eq!(may(&acl, None, "$other"), "--");
    }

    #[test]
    fn lines_that_mean_nothing_refuse_the_file() {
        for (text, problem) in [
            ("topic a b", AclProblem::UnknownAccess("a".to_owned())),
            ("topic", AclProblem::EmptyTopic),
            ("pattern ", AclProblem::EmptyTopic),
            ("user", AclProblem::MissingUsername),
            ("foo bar", AclProblem::UnknownLine("foo".to_owned())),
            ("topic\ta", AclProblem::UnknownLine("topic\ta".to_owned())),
            ("  #y", AclProblem::UnknownLine("  #y".to_owned())),
            ("topic #/a", AclProblem::InvalidTopic("#/a".to_owned())),
            ("topic read a+", AclProblem::InvalidTopic("a+".to_owned())),
        ] {
            let text = format!("# the first line\n{text}");
            assert_eq!(Acl::parse(text.as_bytes()), Err(AclError { line: 2, problem }), "{text}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf8_speaks_of_nobody_and_nothing() {
        let acl = Acl::parse(
            b"topic a\nuser joe\ntopic b\nuser \xe9\ntopic c\ntopic deny \xe9/#\nuser ann\ntopic \xe9\ntopic d\n\
              pattern \xe9/%c\n\0topic e\n",
        )
        .unwrap();
        assert_eq!(acl.lines_not_utf8(), [4, 6, 8, 10]);
        let writes = |user, topic| acl.rule("x", user, topic, Kind::Write).allowed;
        assert!(writes(None, "a") && writes(Some("joe"), "b") && writes(Some("ann"), "d"));
        // What follows the name that nobody has is no right of whoever was named before, or of anonymous clients.
        for (user, topic) in [(Some("joe"), "c"), (None, "c"), (Some("\u{fffd}"), "c"), (Some("ann"), "\u{fffd}")] {
            assert!(!writes(user, topic), "{user:?} {topic}");
        }
        assert_eq!(
            Acl::parse(b"topic \xe9 x\n"),
            Err(AclError { line: 1, problem: AclProblem::UnknownAccess("\u{fffd}".to_owned()) })
        );
    }

    #[test]
    fn a_pattern_that_names_nobody_is_noticed() {
        assert_eq!(acl("pattern read a\npattern b/%u\n").plain_patterns(), ["a"]);
    }
}

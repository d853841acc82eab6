//! What was typed, made valid: one function per group of words.

mod args;

use std::path::PathBuf;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

pub use self::args::{By, ExplainArgs, ListArgs, PurgeArgs, QshapeArgs, SourceArgs, Verb};
use self::args::{ColumnArgs, ExpiredArg, OutputArgs, RowArgs, SelectionArgs, StateArg};
use super::refresh::Whom;
use crate::cmd::duration::number_and_unit;
use crate::mqtt::topic::TopicFilter;
use crate::queue::age::{AgeFrom, parse_time};
use crate::queue::select::{Expired, Selection, State};
use crate::queue::shape::{Buckets, MAX_BUCKETS, Parents, Scale, Tree};
use crate::queue::{Waiting, Want};
use crate::state::ids::UnixTime;
use crate::term::{Exit, Failure};

/// Rows on a terminal when nothing else is asked for.
const TERMINAL_ROWS: usize = 20;
/// Columns of a line when nobody says how wide it may be.
const WIDTH: usize = 80;
/// Wider lines than any screen or paper has.
const MAX_WIDTH: usize = 10_000;
const DEFAULT_BUCKETS: usize = 10;
const DEFAULT_MINUTES: f64 = 5.0;
const DEFAULT_CHILDREN: usize = 5;
/// More names than there are clients.
const MAX_CHILDREN: usize = 1_000_000_000;
/// The table to make.
#[derive(Debug)]
pub struct TableOptions {
    pub by: By,
    pub parents: Option<Parents>,
    pub group: Option<regex_lite::Regex>,
    pub buckets: Buckets,
    pub by_bytes: bool,
    pub in_flight: bool,
    pub selection: Selection,
    pub incoming: bool,
    pub rows: usize,
    pub least: u64,
    pub width: usize,
    /// The width is the terminal's and the columns are the usual ones: on a narrow one the oldest ages share a column.
    pub folds: bool,
    pub format: Format,
    pub svg: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub watch: Option<std::time::Duration>,
    /// Who is asked to write its file before each look.
    pub refresh: Option<Whom>,
    pub fail_over: Option<FailOver>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
    Csv,
    OpenMetrics,
}

/// More than `count` messages older than `minutes` are too many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailOver {
    pub minutes: f64,
    pub count: u64,
}

/// The moment that ages are counted at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Now,
    /// The last change of the file.
    Mtime,
    Time(UnixTime),
}

pub fn command() -> Command {
    QshapeArgs::command()
}

/// What was typed.
pub fn read(matches: &ArgMatches) -> Result<QshapeArgs, Failure> {
    QshapeArgs::from_arg_matches(matches).map_err(|error| Failure::verbatim(Exit::USAGE, error.render().to_string()))
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::USAGE, message).hint("moskit qshape --help")
}

impl TableOptions {
    /// `columns`: of the screen; `on_terminal`: somebody looks at it.
    pub fn new(args: &QshapeArgs, columns: Option<u16>, on_terminal: bool) -> Result<Self, Failure> {
        let by = if args.rows.publishers { By::Publisher } else { args.rows.by };
        let output = &args.output;
        let buckets = buckets(&args.columns)?;
        let folds = output.width.is_none() && columns.is_some() && buckets.len() == DEFAULT_BUCKETS;
        Ok(Self {
            by,
            parents: parents(&args.rows, by)?,
            group: group(&args.rows)?,
            buckets,
            by_bytes: args.columns.bytes,
            in_flight: args.columns.in_flight,
            selection: selection(&args.selection)?,
            incoming: args.selection.incoming,
            rows: output.limit.unwrap_or(if on_terminal { TERMINAL_ROWS } else { 0 }),
            least: output.min,
            width: output.width.unwrap_or_else(|| columns.map_or(WIDTH, usize::from)).min(MAX_WIDTH),
            folds,
            format: format(output),
            svg: output.svg.clone(),
            html: output.html.clone(),
            watch: args.live.watch.map(std::time::Duration::from_secs_f64),
            refresh: args.live.refresh.then_some(args.live.pid.map_or(Whom::TheOnlyOne, Whom::Process)),
            fail_over: args.live.fail_over.as_deref().map(fail_over).transpose()?,
        })
    }

    /// What the sources have to tell for this table.
    pub fn want(&self, age_from: AgeFrom) -> Want {
        Want {
            topics: matches!(self.by, By::Topic | By::ClientTopic) || self.selection.topic.is_some(),
            publishers: self.by == By::Publisher,
            users: self.by == By::User,
            filters: self.by == By::Filter,
            bytes: self.by_bytes || self.format != Format::Text,
            incoming: self.incoming,
            age_from,
            ..Want::default()
        }
    }

    /// The number that its source gave to what makes the row of a message.
    #[inline]
    pub fn number_of(&self, message: &Waiting<'_>) -> Option<u32> {
        match self.by {
            By::Topic => message.topic_number,
            By::Publisher => message.publisher_number,
            By::Client | By::Filter | By::User | By::Qos | By::ClientTopic => None,
        }
    }

    /// The row that a message belongs to; `scratch` holds a name that has to be made.
    #[inline]
    pub fn row_of<'a>(&self, message: &Waiting<'a>, scratch: &'a mut String) -> &'a str {
        let name = match self.by {
            By::Client => message.client,
            By::Topic => message.topic,
            By::Filter => message.filter.unwrap_or("(no filter)"),
            By::Publisher => or_none(message.publisher),
            By::User => or_none(message.user),
            By::Qos => ["0", "1", "2"].get(usize::from(message.qos)).copied().unwrap_or("?"),
            By::ClientTopic => {
                scratch.clear();
                scratch.extend([message.client, " ", message.topic]);
                scratch
            }
        };
        self.folded(name)
    }

    /// The name that `--group` gives to all that it takes for the same.
    #[inline]
    pub fn folded<'a>(&self, name: &'a str) -> &'a str {
        let Some(group) = &self.group else { return name };
        group.captures(name).and_then(|captures| captures.get(1)).map_or(name, |found| found.as_str())
    }
}

pub fn or_none(name: &str) -> &str {
    if name.is_empty() { "(none)" } else { name }
}

/// As in Postfix, a number that is not above zero means the default.
fn count_or(text: &str, option: &str, default: usize, most: usize) -> Result<usize, Failure> {
    // What is below 0 counts as 0.
    let number = text.trim().parse::<i64>().ok().map(|number| usize::try_from(number).unwrap_or(0));
    match number {
        Some(0) => Ok(default),
        Some(number) if number <= most => Ok(number),
        _ => {
            Err(usage(format!("`{option} {text}` is not a whole number up to {most}"))
                .hint(default_of(option, default)))
        }
    }
}

fn minutes_or(text: &str, option: &str, default: f64) -> Result<f64, Failure> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let none = || usage(format!("`{option} {text}` is not a number of minutes")).hint(default_of(option, default));
    number.map(|number| if number > 0.0 { number } else { default }).ok_or_else(none)
}

fn default_of(option: &str, default: impl std::fmt::Display) -> String {
    format!("without {option}, or with 0, it is {default}")
}

fn buckets(args: &ColumnArgs) -> Result<Buckets, Failure> {
    let count = count_or(&args.buckets, "-b", DEFAULT_BUCKETS, MAX_BUCKETS)?;
    let first = minutes_or(&args.first, "-t", DEFAULT_MINUTES)?;
    Ok(Buckets::new(count, first, if args.linear { Scale::Linear } else { Scale::Doubling }))
}

fn parents(args: &RowArgs, by: By) -> Result<Option<Parents>, Failure> {
    let children = count_or(&args.children, "-m", DEFAULT_CHILDREN, MAX_CHILDREN)?;
    if !args.parents {
        return Ok(None);
    }
    let tree = match by {
        _ if args.suffix => Tree::Suffix,
        By::Topic | By::Filter => Tree::Topic,
        By::Client | By::Publisher | By::User => Tree::Prefix(args.sep.chars().collect()),
        By::Qos | By::ClientTopic => return Err(usage("`-p` makes no sense for these rows: they have no parents")),
    };
    Ok(Some(Parents { tree, children, depth: args.depth }))
}

fn group(args: &RowArgs) -> Result<Option<regex_lite::Regex>, Failure> {
    let Some(text) = &args.group else { return Ok(None) };
    let regex = regex_lite::Regex::new(text).map_err(|error| usage(format!("`--group {text}`: {error}")))?;
    if regex.captures_len() < 2 {
        return Err(usage(format!("`--group {text}` has no group")).hint(r"--group '^(.*?)-\d+$'"));
    }
    Ok(Some(regex))
}

pub fn selection(args: &SelectionArgs) -> Result<Selection, Failure> {
    if let Some(filter) = &args.topic {
        TopicFilter::check(filter).map_err(|_| usage(format!("`{filter}` is not a topic filter")))?;
    }
    let qos = [0, 1, 2].map(|qos| args.qos.is_empty() || args.qos.contains(&qos));
    Ok(Selection {
        client: args.client_glob.clone(),
        topic: args.topic.clone(),
        qos,
        state: match args.state {
            StateArg::All => State::All,
            StateArg::Queued => State::Queued,
            StateArg::Inflight => State::InFlight,
        },
        expired: match args.expired {
            ExpiredArg::Show => Expired::Show,
            ExpiredArg::Hide => Expired::Hide,
            ExpiredArg::Only => Expired::Only,
        },
        older_minutes: args.older.as_deref().map(|text| minutes(text, "--older")).transpose()?,
    })
}

/// Minutes, from a number and its unit.
fn minutes(text: &str, option: &str) -> Result<f64, Failure> {
    let (number, unit) = number_and_unit(text).unwrap_or_default();
    match number.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number * f64::from(unit) / 60.0),
        _ => Err(usage(format!("`{option} {text}` is not an age"))
            .hint("an age is a number and its unit: 30m, 90s, 2h, 3d, 1w")),
    }
}

fn format(args: &OutputArgs) -> Format {
    match args {
        OutputArgs { json: true, .. } => Format::Json,
        OutputArgs { csv: true, .. } => Format::Csv,
        OutputArgs { openmetrics: true, .. } => Format::OpenMetrics,
        _ => Format::Text,
    }
}

fn fail_over(text: &str) -> Result<FailOver, Failure> {
    let not_understood = || usage(format!("`--fail-over {text}` is not AGE=N")).hint("--fail-over 2h=100");
    let (age, count) = text.split_once('=').ok_or_else(not_understood)?;
    Ok(FailOver { minutes: minutes(age, "--fail-over")?, count: count.parse().map_err(|_| not_understood())? })
}

pub fn at(text: Option<&str>) -> Result<At, Failure> {
    match text {
        None | Some("now") => Ok(At::Now),
        Some("mtime") => Ok(At::Mtime),
        Some(text) => parse_time(text).map(At::Time).ok_or_else(|| {
            usage(format!("`--at {text}` is not a time")).hint("a time is 2026-11-22T14:00:00Z, Unix seconds, or mtime")
        }),
    }
}

pub fn age_from(text: &str) -> Result<AgeFrom, Failure> {
    let not_understood = || {
        usage(format!("`--age-from {text}` is not understood"))
            .hint("--age-from store, expiry:SECONDS, payload:/POINTER or prop:NAME")
    };
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    Ok(match (kind, value) {
        ("store", "") => AgeFrom::Store,
        ("expiry", seconds) => AgeFrom::Expiry { seconds: seconds.parse().map_err(|_| not_understood())? },
        ("payload", pointer) if pointer.is_empty() || pointer.starts_with('/') => {
            AgeFrom::Payload { pointer: pointer.to_owned() }
        }
        ("prop", name) if !name.is_empty() => AgeFrom::Property { name: name.to_owned() },
        _ => return Err(not_understood()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_the_defaults_and_limits_of_the_code() {
        let command = <QshapeArgs as CommandFactory>::command();
        let of = |id: &str| {
            let argument = command.get_arguments().find(|argument| argument.get_id() == id).unwrap();
            let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
            (argument.get_help().unwrap().to_string(), default.unwrap_or_default())
        };
        for (id, text, default) in [
            ("buckets", format!("at most {MAX_BUCKETS};"), DEFAULT_BUCKETS.to_string()),
            ("first", String::new(), DEFAULT_MINUTES.to_string()),
            ("children", String::new(), DEFAULT_CHILDREN.to_string()),
            ("limit", format!("[default: {TERMINAL_ROWS} on a terminal"), String::new()),
            ("width", format!("else {WIDTH}]"), String::new()),
            ("watch", format!("(0.1 to {})", args::MAX_WATCH_SECONDS), String::new()),
        ] {
            let (help, shown) = of(id);
            assert!(help.contains(&text) && shown == default, "{id}: {help} {shown}");
        }
    }

    #[test]
    fn ages_have_units() {
        for (text, expected) in
            [("30m", 30.0), ("90s", 1.5), ("2h", 120.0), ("3d", 4320.0), ("1w", 10_080.0), ("0", 0.0)]
        {
            assert_eq!(minutes(text, "--older").unwrap().to_string(), expected.to_string());
        }
        for text in ["", "30", "-1m", "x", "h", "1y", "infm"] {
            assert_eq!(minutes(text, "--older").unwrap_err().exit, Exit::USAGE, "{text}");
        }
        assert_eq!(fail_over("2h=5").unwrap(), FailOver { minutes: 120.0, count: 5 });
        assert!(fail_over("2h").is_err() && fail_over("2h=x").is_err());
    }

    #[test]
    fn where_ages_come_from_is_checked() {
        assert_eq!(age_from("expiry:60").unwrap(), AgeFrom::Expiry { seconds: 60 });
        assert_eq!(age_from("payload:/a/0").unwrap(), AgeFrom::Payload { pointer: "/a/0".into() });
        assert_eq!(age_from("prop:sent").unwrap(), AgeFrom::Property { name: "sent".into() });
        for text in ["", "expiry:", "expiry:x", "payload:a", "prop:", "store:1", "file"] {
            assert!(age_from(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_not_above_zero_are_the_default() {
        let count = |text| count_or(text, "-b", 10, 1000).ok();
        assert_eq!(["0", "-3", "7", "1000"].map(count), [10, 10, 7, 1000].map(Some));
        assert_eq!(["many", "", "1.5", "1001", "99999999999999999999"].map(count), [None; 5]);
        let minutes = |text| minutes_or(text, "-t", 5.0).ok();
        assert_eq!(["0", "-3", "0.5"].map(minutes), [5.0, 5.0, 0.5].map(Some));
        assert_eq!(["many", "", "nan", "inf"].map(minutes), [None; 4]);
    }
}

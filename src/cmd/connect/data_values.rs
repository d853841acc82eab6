//! How the values of the options for messages as data are read, and the checks that need several of them.

use std::ffi::OsString;
use std::time::Duration;

use super::arg_error::ArgError;
use super::args::{ClientArgs, PayloadSource};
use super::data_args::{DataArgs, Kind, OnFailure, PayloadForm};
use super::values;
use crate::cmd::duration::whole_seconds;
use crate::decode::{FormatName, Match, PathError, Select};
use crate::os::text::OsStrExt as _;
use crate::record::{Bound, Mapping, Rotation, Speed};
use crate::state::ids::UnixTime;

/// Each takes a process and a pipe.
const MOST_JOBS: u16 = 1024;

const TIME: &str = "a time of RFC 3339, or as 90s, 5m or 2h the time after the first record";

fn duration(text: &str) -> Option<Duration> {
    whole_seconds(text).map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
}

/// A size in bytes or an age, neither of them nothing.
fn rotation(text: &str) -> Option<Rotation> {
    if let Some(age) = duration(text) {
        return (age > Duration::ZERO).then_some(Rotation::Age(age));
    }
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: u64 = match text[at..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    let bytes = text[..at].parse::<u64>().ok()?.checked_mul(unit)?;
    (bytes > 0).then_some(Rotation::Bytes(bytes))
}

fn bound(text: &str) -> Option<Bound> {
    if let Some(after) = duration(text) {
        return Some(Bound::After(after));
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(|nanos| Bound::At(UnixTime::from_nanos(nanos)))
}

pub fn set_payload_form(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    typed.data.payload_form = PayloadForm::parse(words[0].as_bytes()).ok_or_else(|| {
        ArgError::plain(format!(
            "Error: Unknown payload format '{}': it is text, hex, base64 or json.",
            words[0].to_string_lossy()
        ))
    })?;
    Ok(())
}

fn set<T>(
    place: &mut Option<T>,
    value: Option<T>,
    word: &OsString,
    option: &str,
    expected: &str,
) -> Result<(), ArgError> {
    let value = value.ok_or_else(|| {
        let word = word.to_string_lossy();
        ArgError::plain(format!("Error: Invalid value '{word}' for {option}: it is {expected}."))
    })?;
    *place = Some(value);
    Ok(())
}

pub fn set_select(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    typed.data.select = Some(path(&words[0], "--select", Select::parse)?);
    Ok(())
}

pub fn set_match(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    typed.data.matching = Some(path(&words[0], "--match", Match::parse)?);
    Ok(())
}

fn path<T>(word: &OsString, option: &str, parse: fn(&str) -> Result<T, PathError>) -> Result<T, ArgError> {
    let text = word.to_str().ok_or_else(|| ArgError::plain(format!("Error: Malformed UTF-8 in {option} argument.")))?;
    parse(text).map_err(|PathError { position, why }| {
        ArgError::plain(format!("Error: Invalid value '{text}' for {option}: {why} at position {}.", position + 1))
    })
}

pub fn set_rotation(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let value = rotation(&words[0].to_string_lossy());
    set(&mut typed.data.rotation, value, &words[0], "--rotate", "a size as 10MB or a time as 1h")
}

pub fn set_speed(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let value = Speed::parse(&words[0].to_string_lossy());
    set(&mut typed.data.speed, value, &words[0], "--speed", "2x, 0.5x or max")
}

pub fn set_from(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    set(&mut typed.data.choice.from, bound(&words[0].to_string_lossy()), &words[0], "--from", TIME)
}

pub fn set_to(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    set(&mut typed.data.choice.to, bound(&words[0].to_string_lossy()), &words[0], "--to", TIME)
}

pub fn set_rounds(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let value = words[0].to_string_lossy().parse().ok();
    set(&mut typed.data.rounds, value, &words[0], "--loop", &format!("a whole number up to {}", u32::MAX))
}

pub fn add_mapping(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let mut mapping = None;
    let value = words[0].to_str().and_then(Mapping::parse);
    set(&mut mapping, value, &words[0], "--map", "A=B, two beginnings of topics")?;
    typed.data.choice.mappings.extend(mapping);
    Ok(())
}

const KIND: &str = "json, cbor, msgpack, protobuf:TYPE, sparkplug or hex";

/// `KIND`, `KIND=FILTER`
pub fn add_decode(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let text = words[0].to_string_lossy();
    let (kind, filter) = text.split_once('=').map_or((&*text, None), |(kind, filter)| (kind, Some(filter)));
    let mut known = None;
    set(&mut known, Kind::parse(kind), &words[0], "--decode", KIND)?;
    let filter = filter.map(|filter| values::topic_filter(filter.as_ref(), "--decode", "decode")).transpose()?;
    typed.data.decodes.extend(known.map(|kind| (kind, filter)));
    Ok(())
}

pub fn set_encode(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    set(&mut typed.data.encode, Kind::parse(&words[0].to_string_lossy()), &words[0], "--encode", KIND)
}

/// Message types are in a file, and a file is for message types.
fn check_proto(data: &DataArgs) -> Result<(), ArgError> {
    let mut kinds = data.decodes.iter().map(|(kind, _)| kind).chain(&data.encode);
    let has_protobuf = kinds.any(|kind| kind.format == FormatName::Protobuf);
    let option = if data.proto.is_some() { "--proto" } else { "--proto-path" };
    match (has_protobuf, data.proto.is_some(), data.proto_paths.is_empty()) {
        (true, false, _) => Err(ArgError::plain("Error: protobuf needs --proto FILE, which has its message types.")),
        (false, true, _) | (false, _, false) => {
            Err(ArgError::plain(format!("Error: {option} needs --decode or --encode with protobuf.")))
        }
        _ => Ok(()),
    }
}

pub fn set_jobs(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let value = words[0].to_str().and_then(|text| text.parse().ok()).filter(|jobs| (1..=MOST_JOBS).contains(jobs));
    set(&mut typed.data.jobs, value, &words[0], "--jobs", &format!("a number from 1 to {MOST_JOBS}"))
}

pub fn set_exec_fail(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let value = match words[0].as_bytes() {
        b"stop" => Some(OnFailure::Stop),
        b"go" => Some(OnFailure::Go),
        _ => None,
    };
    set(&mut typed.data.exec_fail, value, &words[0], "--exec-fail", "stop or go")
}

pub fn set_exec_timeout(typed: &mut ClientArgs, words: &[OsString]) -> Result<(), ArgError> {
    let seconds = words[0].to_str().and_then(|text| text.parse::<u32>().ok()).filter(|seconds| *seconds > 0);
    let value = seconds.map(|seconds| Duration::from_secs(seconds.into()));
    set(
        &mut typed.data.exec_timeout,
        value,
        &words[0],
        "--exec-timeout",
        &format!("a whole number of seconds from 1 to {}", u32::MAX),
    )
}

/// `--exec` beside `--exec-shell`, or twice.
pub fn refuse_second_command(typed: &ClientArgs) -> Result<(), ArgError> {
    match typed.data.exec {
        None => Ok(()),
        Some(_) => Err(ArgError::plain("Error: Only one of --exec and --exec-shell can be used.")),
    }
}

/// Beside another file to be played, but beside no other payload.
pub fn refuse_replay(typed: &ClientArgs) -> Result<(), ArgError> {
    if typed.data.replays.is_empty() { values::refuse_second_payload(typed) } else { Ok(()) }
}

/// The contradictions of pub's options.
pub fn check_pub(args: &ClientArgs) -> Result<(), ArgError> {
    let data = &args.data;
    let needs = |is_given: bool, option: &str, other: &str| {
        if is_given { Err(ArgError::plain(format!("Error: {option} needs {other}."))) } else { Ok(()) }
    };
    let has_records = args.payload == Some(PayloadSource::Records);
    let has_lines = args.payload == Some(PayloadSource::StdinLines);
    let plays = !data.replays.is_empty();
    needs(data.lenient && !has_records, "--lenient", "--ndjson or --replay")?;
    needs(data.skip_bad && !has_records, "--skip-bad", "--ndjson or --replay")?;
    needs(!data.choice.filters.is_empty() && !has_records, "--filter", "--ndjson or --replay")?;
    needs(!data.choice.mappings.is_empty() && !has_records, "--map", "--ndjson or --replay")?;
    needs(data.speed.is_some() && !plays, "--speed", "--replay")?;
    needs(data.choice.from.is_some() && !plays, "--from", "--replay")?;
    needs(data.choice.to.is_some() && !plays, "--to", "--replay")?;
    needs(data.rounds.is_some() && !plays, "--loop", "--replay")?;
    if data.rounds.is_some_and(|rounds| rounds != 1) && data.replays.iter().any(|path| path.as_os_str() == "-") {
        return Err(ArgError::plain("Error: --loop cannot play standard input again."));
    }
    needs(data.topic_per_line && !has_lines, "--topic-per-line", "-l")?;
    if data.topic_per_line && args.topic.is_some() {
        return Err(ArgError::plain("Error: --topic-per-line and -t cannot be used together."));
    }
    if data.payload_form != PayloadForm::Text && has_records {
        return Err(ArgError::plain("Error: --payload-format cannot be used with records: they say it."));
    }
    if data.encode.is_some() {
        if has_records {
            return Err(ArgError::plain(
                "Error: --encode cannot be used with records: they have payloads as they are.",
            ));
        }
        if data.payload_form != PayloadForm::Text {
            return Err(ArgError::plain("Error: --payload-format and --encode cannot be used together."));
        }
    }
    check_proto(data)
}

/// The contradictions of sub's options.
pub fn check_sub(args: &ClientArgs) -> Result<(), ArgError> {
    check_exec(args)?;
    check_proto(&args.data)?;
    let others = [
        (args.format.is_some(), "-F"),
        (args.verbose, "-v"),
        (args.no_newline, "-N"),
        (args.pretty, "--pretty"),
        (args.watch, "-w"),
        (args.message_rate, "--message-rate"),
        (args.debug, "-d"),
        (args.data.record.is_some(), "--record"),
        (args.data.select.is_some(), "--select"),
        (!args.data.decodes.is_empty(), "--decode"),
    ];
    if args.data.rotation.is_some() && args.data.record.is_none() {
        return Err(ArgError::plain("Error: --rotate needs --record."));
    }
    if let Some((_, other)) = others.iter().find(|(is_given, _)| args.data.ndjson && *is_given) {
        return Err(ArgError::plain(format!("Error: --ndjson and {other} cannot be used together.")));
    }
    Ok(())
}

/// A message goes to a command in place of standard output.
fn check_exec(args: &ClientArgs) -> Result<(), ArgError> {
    let data = &args.data;
    if data.exec.is_none() {
        let others = [
            (data.jobs.is_some(), "--jobs"),
            (data.exec_fail.is_some(), "--exec-fail"),
            (data.exec_timeout.is_some(), "--exec-timeout"),
        ];
        return match others.iter().find(|(is_given, _)| *is_given) {
            Some((_, other)) => Err(ArgError::plain(format!("Error: {other} needs --exec or --exec-shell."))),
            None => Ok(()),
        };
    }
    let others = [
        (args.format.is_some(), "-F"),
        (args.verbose, "-v"),
        (args.no_newline, "-N"),
        (args.pretty, "--pretty"),
        (args.watch, "-w"),
        (args.message_rate, "--message-rate"),
        (args.random_filter.is_some(), "--random-filter"),
        (args.remove_retained, "--remove-retained"),
        (data.ndjson, "--ndjson"),
        (data.raw, "--raw"),
        (data.select.is_some(), "--select"),
        (!data.decodes.is_empty(), "--decode"),
    ];
    match others.iter().find(|(is_given, _)| *is_given) {
        Some((_, other)) => Err(ArgError::plain(format!("Error: --exec and {other} cannot be used together."))),
        None => Ok(()),
    }
}

//! What `--connect-timeout` to `--unsent` take, each judged alone, and their contradictions.

use std::ffi::OsString;
use std::time::Duration;

use super::arg_error::ArgError;
use super::args::{ClientArgs, PayloadSource};

/// The shortest and the longest time that the options take, in seconds: with less nothing could be answered, and more than a
/// day is meant for none of them.
const SECONDS: std::ops::RangeInclusive<f64> = 0.1..=86_400.0;

type Set = Result<(), ArgError>;

fn refused(word: &OsString, option: &str, expected: &str) -> ArgError {
    let word = word.to_string_lossy();
    ArgError::plain(format!("Error: Invalid value '{word}' for {option}: it is {expected}."))
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    SECONDS.contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|count| *count > 0)
}

pub fn set_connect_timeout(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let time = words[0].to_str().and_then(seconds);
    typed.bounds.connect = Some(time.ok_or_else(|| refused(&words[0], "--connect-timeout", "seconds, 0.1 to 86400"))?);
    Ok(())
}

pub fn set_answer_timeout(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let time = words[0].to_str().and_then(seconds);
    typed.bounds.answer = Some(time.ok_or_else(|| refused(&words[0], "--answer-timeout", "seconds, 0.1 to 86400"))?);
    Ok(())
}

pub fn set_reauth(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let time = words[0].to_str().and_then(seconds);
    typed.reauth = Some(time.ok_or_else(|| refused(&words[0], "--reauth", "seconds, 0.1 to 86400"))?);
    Ok(())
}

/// `N`, `N,WAIT`
pub fn set_retry(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let read = |text: &str| match text.split_once(',') {
        None => Some((count(text)?, None)),
        Some((times, wait)) => Some((count(times)?, Some(seconds(wait)?))),
    };
    let retry = words[0].to_str().and_then(read);
    let expected = "a number of times, and seconds behind a comma: 3 or 3,0.5";
    typed.bounds.retry = Some(retry.ok_or_else(|| refused(&words[0], "--retry", expected))?);
    Ok(())
}

pub fn set_reconnect_most(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let most = words[0].to_str().and_then(count);
    let expected = "a whole number from 1 on; --no-reconnect is for none";
    typed.bounds.reconnect_most = Some(most.ok_or_else(|| refused(&words[0], "--reconnect-max", expected))?);
    Ok(())
}

/// `MIN`, `MIN,MAX`
pub fn set_reconnect_wait(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let read = |text: &str| match text.split_once(',') {
        None => seconds(text).map(|wait| (wait, wait)),
        Some((least, most)) => Some((seconds(least)?, seconds(most)?)).filter(|(least, most)| least <= most),
    };
    let wait = words[0].to_str().and_then(read);
    let expected = "seconds, 0.1 to 86400, or the shortest and the longest pause: 1,30";
    typed.bounds.reconnect_wait = Some(wait.ok_or_else(|| refused(&words[0], "--reconnect-wait", expected))?);
    Ok(())
}

/// The contradictions among them.
pub fn check(args: &ClientArgs) -> Set {
    let bounds = &args.bounds;
    if bounds.no_reconnect && (bounds.reconnect_most.is_some() || bounds.reconnect_wait.is_some()) {
        let other = if bounds.reconnect_most.is_some() { "--reconnect-max" } else { "--reconnect-wait" };
        return Err(ArgError::plain(format!("Error: --no-reconnect and {other} cannot be used together.")));
    }
    Ok(())
}

/// Those of pub's.
pub fn check_pub(args: &ClientArgs) -> Set {
    let bounds = &args.bounds;
    let has_lines = matches!(args.payload, Some(PayloadSource::StdinLines | PayloadSource::Records));
    let reconnecting = [
        (bounds.no_reconnect, "--no-reconnect"),
        (bounds.reconnect_most.is_some(), "--reconnect-max"),
        (bounds.reconnect_wait.is_some(), "--reconnect-wait"),
    ];
    if let Some((_, option)) = reconnecting.iter().find(|(is_given, _)| *is_given) {
        if bounds.retry.is_some() {
            return Err(ArgError::plain(format!("Error: --retry and {option} cannot be used together.")));
        }
        if !has_lines {
            return Err(ArgError::plain(format!(
                "Error: {option} needs -l, --ndjson or --replay; --retry needs none."
            )));
        }
    }
    if bounds.unsent.is_some() && !has_lines && args.repeat > 1 {
        return Err(ArgError::plain("Error: --unsent and --repeat cannot be used together."));
    }
    if bounds.unsent.is_some() && args.data.rounds == Some(0) {
        return Err(ArgError::plain("Error: --unsent cannot keep what --loop 0 plays without an end."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::connect::args::Verb;
    use crate::cmd::connect::bound_args::BoundArgs;
    use crate::cmd::connect::checks;
    use crate::cmd::connect::options;

    fn typed(verb: Verb, words: &str) -> Result<BoundArgs, String> {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let args = options::read(verb, false, &[], &words);
        args.and_then(|args| checks::check(verb, &args).map(|()| args.bounds))
            .map_err(|error| error.into_failure("x").verbatim.lines().next().unwrap_or_default().to_owned())
    }

    #[test]
    fn times_are_seconds_and_numbers_are_whole() {
        let half = Duration::from_millis(500);
        let second = Duration::from_secs(1);
        assert_eq!(typed(Verb::Rr, "--connect-timeout 0.5").unwrap().connect, Some(half));
        assert_eq!(typed(Verb::Sub, "-t a --answer-timeout 1").unwrap().answer, Some(second));
        assert_eq!(typed(Verb::Pub, "--retry 3").unwrap().retry, Some((3, None)));
        assert_eq!(typed(Verb::Pub, "--retry 3,0.5").unwrap().retry, Some((3, Some(half))));
        assert_eq!(typed(Verb::Sub, "-t a --reconnect-wait 0.5,1").unwrap().reconnect_wait, Some((half, second)));
        assert_eq!(typed(Verb::Sub, "-t a --reconnect-wait 1").unwrap().reconnect_wait, Some((second, second)));
        assert_eq!(typed(Verb::Pub, "-l -t a --reconnect-max 7").unwrap().reconnect_most, Some(7));
    }

    #[test]
    fn what_is_none_is_refused_with_the_option() {
        for words in [
            "--connect-timeout 0",
            "--connect-timeout 5s",
            "--answer-timeout nan",
            "--answer-timeout 1e9",
            "--answer-timeout -1",
            "--retry 0",
            "--retry -1",
            "--retry 3,",
            "--retry ,1",
            "--retry 3,0",
            "--retry 99999999999",
            "--reauth 0",
            "-l --reconnect-max 0",
            "-l --reconnect-wait 5,1",
            "-l --reconnect-wait 0",
            "-l --reconnect-wait 1,2,3",
        ] {
            let option = words.trim_start_matches("-l ").split(' ').next().unwrap();
            let text = typed(Verb::Pub, words).unwrap_err();
            assert!(text.starts_with("Error: Invalid value '") && text.contains(option), "{words}: {text}");
        }
    }

    #[test]
    fn what_contradicts_each_other_is_refused() {
        for (verb, words, text) in [
            (Verb::Sub, "-t a --no-reconnect --reconnect-max 1", "--no-reconnect and --reconnect-max"),
            (Verb::Sub, "-t a --no-reconnect --reconnect-wait 1", "--no-reconnect and --reconnect-wait"),
            (Verb::Pub, "-t a -l --retry 1 --reconnect-max 1", "--retry and --reconnect-max"),
            (Verb::Pub, "-t a -m x --no-reconnect", "--no-reconnect needs -l"),
            (Verb::Pub, "-t a -m x --repeat 2 --unsent f", "--unsent and --repeat"),
            (Verb::Pub, "--replay f --loop 0 --unsent f", "--loop 0"),
        ] {
            let said = typed(verb, words).unwrap_err();
            assert!(said.contains(text), "{words}: {said}");
        }
    }
}

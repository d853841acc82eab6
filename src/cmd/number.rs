//! Numbers as users type them, for the options that clap reads: what is wrong with one is said in plain words, and with
//! the numbers that there are. (clap's own parsers say what Rust says: "invalid digit found in string".)

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A whole number in `range`.
pub fn whole<T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    in_range(range, "a whole number from")
}

/// Seconds in `range`, whole or not.
pub fn seconds<T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    in_range(range, "seconds,")
}

fn in_range<T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static>(
    range: RangeInclusive<T>,
    what: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("must be {what} {} to {}", range.start(), range.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_and_what_is_none_is_answered_with_those_that_there_are() {
        let port = whole(1..=u16::MAX);
        assert_eq!((port("1"), port("65535")), (Ok(1), Ok(65535)));
        for text in ["", "abc", "0", "-1", "65536", "99999999999999999999", "1.5", " 1"] {
            assert_eq!(port(text), Err("must be a whole number from 1 to 65535".to_owned()), "{text}");
        }
        let time = seconds(0.1..=3600.0);
        assert_eq!((time("0.1"), time("3600")), (Ok(0.1), Ok(3600.0)));
        for text in ["", "abc", "0", "-1", "3601", "nan", "inf", "5s"] {
            assert_eq!(time(text), Err("must be seconds, 0.1 to 3600".to_owned()), "{text}");
        }
    }
}

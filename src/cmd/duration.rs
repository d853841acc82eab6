//! Spans of time as users type them: a number and its unit.

/// The number in `90s`, `30m`, `2h`, `3d` or `2w`, as text, and the seconds of its unit. A bare number but 0 is refused,
/// because the options of other verbs, and Mosquitto's, count other units.
pub fn number_and_unit(text: &str) -> Option<(&str, u32)> {
    if text == "0" {
        return Some((text, 1));
    }
    let (end, unit) = text.char_indices().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    Some((&text[..end], seconds))
}

/// Whole seconds, from a whole number and its unit.
pub fn whole_seconds(text: &str) -> Option<i64> {
    let (number, unit) = number_and_unit(text)?;
    let number: u32 = number.parse().ok()?;
    Some(i64::from(number) * i64::from(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_unit_unless_it_is_0() {
        let rows = [("90s", 90), ("90m", 5400), ("24h", 86_400), ("30d", 30 * 86_400), ("2w", 14 * 86_400), ("0", 0)];
        for (text, seconds) in rows {
            assert_eq!(whole_seconds(text), Some(seconds), "{text}");
        }
        for text in ["", "30", "d", "1y", "-1d", "1.5h", "99999999999d", "1 d", "1\u{e9}"] {
            assert_eq!(whole_seconds(text), None, "{text}");
        }
        assert_eq!(number_and_unit("1.5h"), Some(("1.5", 3600)));
    }
}

//! Numbers as C's printf writes them: `%d`, `%.*f`, and `%g` as cJSON uses it.

use std::io::Write;

/// Digits behind the point that a double can have; more are zeros.
const MAX_FRACTION: usize = 1074;

/// Appends a number in decimal.
pub fn put(number: u64, out: &mut Vec<u8>) {
    put_padded(number, 1, b'0', out);
}

/// Appends a number in decimal, filled from the left to `width` characters.
pub fn put_padded(number: u64, width: usize, fill: u8, out: &mut Vec<u8>) {
    // 20 digits hold every u64.
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let length = digits.len() - start;
    out.resize(out.len() + width.saturating_sub(length), fill);
    out.extend_from_slice(&digits[start..]);
}

/// Appends `%.*f` of a number.
pub fn put_fixed(number: f64, precision: usize, out: &mut Vec<u8>) {
    if !number.is_finite() {
        let sign = if number.is_sign_negative() { "-" } else { "" };
        let name = if number.is_nan() { "nan" } else { "inf" };
        put_fmt(out, format_args!("{sign}{name}"));
        return;
    }
    let exact = precision.min(MAX_FRACTION);
    put_fmt(out, format_args!("{number:.exact$}"));
    out.resize(out.len() + precision - exact, b'0');
}

/// Appends a number as cJSON prints it: 15 significant digits if they give the number back, else 17.
/// What JSON cannot express is `null`.
pub fn put_json(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        out.extend_from_slice(b"null");
        return;
    }
    if number.fract() == 0.0 && (1.0..1e15).contains(&number.abs()) {
        // Most numbers are whole, and these have the same digits in every format.
        out.extend_from_slice(if number < 0.0 { b"-" } else { b"" });
        put(number.abs() as u64, out);
        return;
    }
    let start = out.len();
    put_general(number, 15, out);
    let read_back = str::from_utf8(&out[start..]).ok().and_then(|text| text.parse::<f64>().ok());
    if !read_back.is_some_and(|again| are_near(again, number)) {
        out.truncate(start);
        put_general(number, 17, out);
    }
}

/// Whether two numbers in digits are the same one, however they are written. What is no number is equal to none.
pub fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let one = Decimal::parse(one);
    one.is_some() && one == Decimal::parse(other)
}

/// Appends a number as it was written. JSON knows neither zeros in front nor a point without digits behind it, which cJSON reads.
pub fn put_token(token: &str, out: &mut Vec<u8>) {
    let (sign, token) = token.strip_prefix('-').map_or(("", token), |token| ("-", token));
    let at = token.find(|c: char| !c.is_ascii_digit()).unwrap_or(token.len());
    let (whole, rest) = token.split_at(at);
    let significant = whole.trim_start_matches('0');
    let bare_point = rest.strip_prefix('.').filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
    for part in [sign, if significant.is_empty() { "0" } else { significant }, bare_point.unwrap_or(rest)] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// A number in digits as `0.DIGITS` times a power of ten.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    /// Without zeros at either end.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &[u8]) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix(b"-").map_or((false, text), |text| (true, text));
        let at = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, power) = text.split_at(at);
        let mut exponent: i64 = match power {
            [] => 0,
            [_, power @ ..] => str::from_utf8(power.strip_prefix(b"+").unwrap_or(power)).ok()?.parse().ok()?,
        };
        let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
        let mut digits = [&mantissa[..point], mantissa.get(point + 1..).unwrap_or_default()].concat();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        digits.truncate(digits.len() - digits.iter().rev().take_while(|digit| **digit == b'0').count());
        exponent = exponent.checked_add(i64::try_from(point).ok()?)?.checked_sub(i64::try_from(zeros).ok()?)?;
        if digits.is_empty() {
            exponent = 0;
        }
        Some(Self { is_negative, digits, exponent })
    }
}

fn are_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= one.abs().max(other.abs()) * f64::EPSILON
}

/// `%.*g`: so many significant digits, no zeros at the end, and an exponent if the number is very
/// large or small.
fn put_general(number: f64, digits: usize, out: &mut Vec<u8>) {
    // Sign, 17 digits, point, `e`, sign and 3 digits of an exponent.
    let mut text = [0_u8; 32];
    let mut rest = text.as_mut_slice();
    let fraction = digits - 1;
    write!(rest, "{number:.fraction$e}").expect("32 bytes hold 17 digits");
    let length = 32 - rest.len();
    let text = str::from_utf8(&text[..length]).expect("a formatted number is ASCII");
    let (mantissa, exponent) = text.split_once('e').expect("`e` format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if exponent < -4 || exponent >= digits as i32 {
        let mantissa =
            if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
        let sign = if exponent < 0 { '-' } else { '+' };
        put_fmt(out, format_args!("{mantissa}e{sign}{:02}", exponent.unsigned_abs()));
        return;
    }
    let start = out.len();
    let decimals = (fraction as i32 - exponent) as usize;
    put_fmt(out, format_args!("{number:.decimals$}"));
    if decimals > 0 {
        while out.len() > start && out.last() == Some(&b'0') {
            out.pop();
        }
        if out.last() == Some(&b'.') {
            out.pop();
        }
    }
}

fn put_fmt(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_are_filled_from_the_left() {
        for (number, width, fill, text) in [
            (0, 1, b'0', "0"),
            (7, 3, b' ', "  7"),
            (1234, 3, b'0', "1234"),
            (u64::MAX, 1, b'0', "18446744073709551615"),
        ] {
            assert_eq!(shown(|out| put_padded(number, width, fill, out)), text);
        }
    }

    #[test]
    fn fixed_point_is_exact_and_rounds_to_even() {
        for (number, precision, text) in [
            (0.5, 0, "0"),
            (1.5, 0, "2"),
            (2.675, 2, "2.67"),
            (-1.0, 6, "-1.000000"),
            (1e22, 1, "10000000000000000000000.0"),
            (0.1, 20, "0.10000000000000000555"),
            (f64::NEG_INFINITY, 3, "-inf"),
            (f64::NAN, 3, "nan"),
        ] {
            assert_eq!(shown(|out| put_fixed(number, precision, out)), text);
        }
        assert_eq!(shown(|out| put_fixed(1.0, 100_000, out)).len(), 100_002);
    }

    /// The right column was printed by mosquitto_sub 2.0.11 for these payloads.
    #[test]
    fn json_numbers_are_those_of_cjson() {
        for (number, text) in [
            (1.50, "1.5"),
            (1e3, "1000"),
            (-0.0, "-0"),
            (0.0, "0"),
            (-7.0, "-7"),
            (999_999_999_999_999.0, "999999999999999"),
            (0.1, "0.1"),
            (12_345_678_901.0, "12345678901"),
            (12_345_678_901_234_567_890.0, "1.2345678901234567e+19"),
            (2.123_456_789_012_345_7, "2.1234567890123457"),
            (123_456_789_012_345.67, "123456789012345.67"),
            (1e-7, "1e-07"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e300, "1e+300"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!(shown(|out| put_json(number, out)), text);
        }
    }

    #[test]
    fn numbers_are_compared_by_their_value() {
        for (one, other, equal) in [
            ("1", "1.0", true),
            ("1e2", "100", true),
            ("0.00120", "12E-4", true),
            ("-0", "-0", true),
            ("0", "0e99", true),
            ("01", "1", true),
            ("1.", "1", true),
            ("1", "-1", false),
            ("1724442618569203714", "1.7244426185692037e+18", false),
            ("1e999", "null", false),
            ("1e99999999999999999999", "1e99999999999999999999", false),
        ] {
            assert_eq!(are_equal(one.as_bytes(), other.as_bytes()), equal, "{one} {other}");
        }
    }

    #[test]
    fn a_token_is_kept_as_json_has_it() {
        for (token, kept) in
            [("12", "12"), ("-0012.50", "-12.50"), ("12.", "12"), ("12.e5", "12e5"), ("000", "0"), ("0.5E+9", "0.5E+9")]
        {
            assert_eq!(shown(|out| put_token(token, out)), kept);
        }
    }
}

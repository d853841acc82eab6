//! What all formats need on the way to JSON and from it.

use serde_json::Value;

use super::error::FormatError;

/// Lists and maps within each other.
pub const MAXIMUM_DEPTH: usize = 100;

/// JSON is UTF-8 throughout (RFC 8259 §8.1). The parser looks at the bytes of those strings only that somebody asks for.
pub fn read_json<'a, T: serde_core::Deserialize<'a>>(text: &'a [u8]) -> Result<T, FormatError> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = &text[..error.valid_up_to()];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        FormatError::Json { line, column: 1 + before.len() - line_start }
    })?;
    serde_json::from_str(text).map_err(|error| FormatError::Json { line: error.line(), column: error.column() })
}

/// A number, or where JSON has none its name as Protocol Buffers write it.
pub fn float(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(
        || {
            let name = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            Value::from(name)
        },
        Value::Number,
    )
}

/// What stands for a key that is no text.
pub fn key(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

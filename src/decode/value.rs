//! What all formats need on the way to JSON and from it.

use serde_json::Value;

use super::error::FormatError;

/// Lists and maps within each other.
pub const MAXIMUM_DEPTH: usize = 100;

pub fn read_json<'a, T: serde_core::Deserialize<'a>>(text: &'a [u8]) -> Result<T, FormatError> {
    serde_json::from_slice(text).map_err(|error| FormatError::Json { line: error.line(), column: error.column() })
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

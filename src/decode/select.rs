//! A part of a payload, and the question whether it is there: JSONPath, RFC 9535.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::error::{FormatError, MAXIMUM_PAYLOAD};
use super::value::read_json;

/// Why an expression is none. `position` counts bytes from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    pub position: usize,
    pub why: String,
}

/// `--select`: a path into JSON.
#[derive(Clone, Debug)]
pub struct Select(JsonPath);

impl Select {
    pub fn parse(text: &str) -> Result<Self, PathError> {
        JsonPath::parse(text)
            .map(Self)
            .map_err(|error| PathError { position: error.position(), why: why(text, error.message()) })
    }

    /// Appends each value that the path finds as a line; a text without its quotes. Whether there was any.
    pub fn write(&self, json: &[u8], out: &mut Vec<u8>) -> Result<bool, FormatError> {
        let value = read(json)?;
        let found = self.0.query(&value);
        let mut is_first = true;
        for node in found.iter() {
            if !std::mem::take(&mut is_first) {
                out.push(b'\n');
            }
            match node {
                Value::String(text) => out.extend_from_slice(text.as_bytes()),
                other => out.extend_from_slice(other.to_string().as_bytes()),
            }
        }
        Ok(!is_first)
    }
}

/// `--match`: a path that finds something, or a comparison of RFC 9535's filters such as `$.state == "on"`.
#[derive(Clone, Debug)]
pub struct Match {
    path: JsonPath,
    /// The payload is asked as the only element of a list.
    is_comparison: bool,
}

impl Match {
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if let Ok(path) = JsonPath::parse(text) {
            return Ok(Self { path, is_comparison: false });
        }
        // In a filter `@` is the element that is asked; `$` at the beginning of a path means the payload, too.
        let (before, comparison) = ("$[?(", current(text));
        match JsonPath::parse(&format!("{before}{comparison})]")) {
            Ok(path) => Ok(Self { path, is_comparison: true }),
            Err(error) => Err(PathError {
                position: error.position().saturating_sub(before.len()).min(text.len()),
                why: why(text, error.message()),
            }),
        }
    }

    /// Whether `json` matches; what is no JSON does not.
    pub fn is_met(&self, json: &[u8]) -> bool {
        let Ok(value) = read(json) else { return false };
        let value = if self.is_comparison { Value::Array(vec![value]) } else { value };
        !self.path.query(&value).is_empty()
    }
}

/// Why an expression is none. Regular expressions are left out of a usual build, whose parser then knows no function of
/// these names.
fn why(text: &str, message: &str) -> String {
    let asks_for_regex = ["match(", "search("].iter().any(|name| text.contains(name));
    if asks_for_regex && !cfg!(feature = "jsonpath-regex") {
        return "match() and search() need a build with the cargo feature `jsonpath-regex`".to_owned();
    }
    message.to_owned()
}

/// The comparison with each `$` that is in no string as `@`. It keeps its length.
fn current(text: &str) -> String {
    let mut quote = None;
    let mut is_escaped = false;
    text.chars()
        .map(|c| {
            match (quote, c) {
                _ if is_escaped => is_escaped = false,
                (Some(_), '\\') => is_escaped = true,
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '$') => return '@',
                _ => {}
            }
            c
        })
        .collect()
}

fn read(json: &[u8]) -> Result<Value, FormatError> {
    if json.len() > MAXIMUM_PAYLOAD { Err(FormatError::TooLarge) } else { read_json(json) }
}

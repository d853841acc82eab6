//! `--ws-path` and `--header`: what the request for a WebSocket asks for.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;

use super::arg_error::ArgError;
use crate::net::reason;
use crate::net::websocket::{
    DEFAULT_PATH, HEADER_COUNT, Header, Opening, OpeningError, VALUE_LIMIT, check_header_name, check_path,
};
use crate::os::text::{OsStrExt, OsStringExt};
use crate::term::{Exit, Failure, Secret};

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct WebSocketArgs {
    pub path: Option<String>,
    headers: Vec<HeaderArg>,
}

/// A header by its name, which is valid.
#[derive(Clone, Debug)]
struct HeaderArg {
    name: String,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Given(Secret),
    /// The first line of a file.
    File(PathBuf),
}

/// What is wrong, with the name where that is one.
fn named(name: &str, error: OpeningError) -> String {
    match error {
        OpeningError::NameIsOurs | OpeningError::ValueCharacter | OpeningError::ValueTooLong => {
            format!("{name}: {error}")
        }
        error => error.to_string(),
    }
}

impl WebSocketArgs {
    pub fn set_path(&mut self, word: &OsStr) -> Result<(), ArgError> {
        let path = word.to_string_lossy();
        check_path(&path).map_err(|error| ArgError::plain(format!("Error: Invalid --ws-path: {error}.")))?;
        self.path = Some(path.into_owned());
        Ok(())
    }

    /// `NAME=VALUE` or `NAME=@FILE`. No error quotes the word, in which a secret may stand in the wrong place.
    pub fn add_header(&mut self, word: &OsStr) -> Result<(), ArgError> {
        let refused = |why: String| ArgError::plain(format!("Error: Invalid --header: {why}."));
        let word = word.as_bytes();
        let at = memchr::memchr(b'=', word)
            // `NAME: VALUE`, as other programs have it, with an = somewhere in the value.
            .filter(|at| !word[..*at].contains(&b':'))
            .ok_or_else(|| refused("it is not NAME=VALUE or NAME=@FILE".to_owned()))?;
        let (name, value) = (String::from_utf8_lossy(&word[..at]), &word[at + 1..]);
        check_header_name(&name).map_err(|error| refused(named(&name, error)))?;
        let value = match value.strip_prefix(b"@") {
            Some([]) => return Err(refused(format!("{name}=@ names no file"))),
            Some(file) => Value::File(OsString::from_vec(file.to_vec()).into()),
            None => {
                Header::new(&name, value).map_err(|error| refused(named(&name, error)))?;
                Value::Given(Secret::new(value))
            }
        };
        if self.headers.len() == HEADER_COUNT {
            return Err(refused(OpeningError::TooManyHeaders.to_string()));
        }
        self.headers.push(HeaderArg { name: name.into_owned(), value });
        Ok(())
    }

    /// An option that asks for something, where one was given.
    pub fn given(&self) -> Option<&'static str> {
        match (&self.path, self.headers.is_empty()) {
            (Some(_), _) => Some("--ws-path"),
            (None, false) => Some("--header"),
            (None, true) => None,
        }
    }

    /// The request that they come to. Files are read now.
    pub fn opening(&self) -> Result<Opening, Failure> {
        let headers = self.headers.iter().map(HeaderArg::read).collect::<Result<_, _>>()?;
        Opening::new(self.path.as_deref().unwrap_or(DEFAULT_PATH), headers)
            .map_err(|error| Failure::new(Exit::FAILED, format!("no WebSocket can be asked for: {error}")))
    }
}

impl HeaderArg {
    fn read(&self) -> Result<Header, Failure> {
        let (name, file) = match &self.value {
            Value::Given(secret) => {
                return Header::new(&self.name, secret.expose())
                    .map_err(|error| unusable(&self.name, &error.to_string()));
            }
            Value::File(file) => (&self.name, file),
        };
        let failed = |why: &str| unusable(name, &format!("`{}`: {why}", file.display()));
        let line = File::open(file)
            .and_then(|file| Secret::first_line(file, VALUE_LIMIT))
            .map_err(|error| failed(&reason(&error)))?;
        if line.expose().trim_ascii().is_empty() {
            return Err(failed("its first line is empty"));
        }
        Header::new(name, line.expose()).map_err(|error| failed(&error.to_string()))
    }
}

fn unusable(name: &str, why: &str) -> Failure {
    Failure::new(Exit::FAILED, format!("cannot send the header {name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Result<WebSocketArgs, String> {
        let mut args = WebSocketArgs::default();
        for word in words {
            args.add_header(OsStr::new(word)).map_err(|error| error.into_failure("x").verbatim)?;
        }
        Ok(args)
    }

    #[test]
    fn a_value_is_taken_from_the_word_or_from_the_first_line_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "Bearer a=b\nmore").unwrap();
        let opening = typed(&["X-Any=a=b", &format!("Authorization=@{}", file.display())]).unwrap().opening().unwrap();
        let headers: Vec<_> = opening.headers().iter().map(|header| (header.name(), header.value())).collect();
        assert_eq!(headers, [("X-Any", &b"a=b"[..]), ("Authorization", &b"Bearer a=b"[..])]);
        assert_eq!(opening.path(), "/mqtt");

        for (content, why) in [("\nBearer x", "its first line is empty"), ("a\u{1b}b", "another control character")] {
            std::fs::write(&file, content).unwrap();
            let failure = typed(&[&format!("A=@{}", file.display())]).unwrap().opening().unwrap_err();
            let message = failure.message.unwrap();
            assert!(message.contains(why) && message.contains("token`"), "{message}");
        }
        assert!(typed(&["A=@/nowhere/token"]).unwrap().opening().unwrap_err().message.unwrap().contains("/nowhere"));
    }

    #[test]
    fn no_error_quotes_what_may_be_a_secret() {
        for (word, why) in [
            ("Authorization: Bearer c2VjcmV0==", "it is not NAME=VALUE or NAME=@FILE"),
            ("secret", "it is not NAME=VALUE or NAME=@FILE"),
            ("Bearer secret=", "its name has a character that names of HTTP headers cannot have"),
            ("=secret", "its name is empty"),
            ("Host=secret", "Host: the WebSocket handshake sets this header itself"),
            ("X=secret\r\nY: z", "X: its value has a line break or another control character"),
            ("X=@", "X=@ names no file"),
        ] {
            let refused = typed(&[word]).unwrap_err();
            assert_eq!(refused.lines().next(), Some(&*format!("Error: Invalid --header: {why}.")), "{word}");
        }
        assert!(typed(&["X=y"; HEADER_COUNT]).is_ok());
        assert!(typed(&["X=y"; HEADER_COUNT + 1]).unwrap_err().contains("more than 32 headers"));
        assert!(!format!("{:?}", typed(&["X=secret"]).unwrap()).contains("secret"));
    }
}

//! The options files of pub, sub and rr: more words in front.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::os::text::{OsStrExt as _, OsStringExt};

/// Longest piece of a line that is read as one: Mosquitto's buffer of 1024 bytes less its NUL. What
/// is left of a longer line counts as a line of its own.
const MAX_LINE: usize = 1023;

/// Whether `-o` names the file.
pub fn is_named(words: &[OsString]) -> bool {
    words.iter().position(|word| word == "-o").is_some_and(|at| at + 1 < words.len())
}

/// Where the options come from: `-o` anywhere in the words, else the file in the user's
/// configuration folder. `variable` looks up the environment.
pub fn path(program: &str, words: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // What --exec runs has words of its own.
    let is_exec = |word: &OsString| word == "--exec" || word.as_bytes().starts_with(b"--exec=");
    let words = &words[..words.iter().position(is_exec).unwrap_or(words.len())];
    if let Some(at) = words.iter().position(|word| word == "-o")
        && let Some(file) = words.get(at + 1)
    {
        return Some(file.into());
    }
    if let Some(folder) = variable("XDG_CONFIG_HOME") {
        return Some(PathBuf::from(folder).join(program));
    }
    variable("HOME").map(|home| PathBuf::from(home).join(".config").join(program))
}

/// The words of each line of the file: the option, and all that follows one space as its value.
pub fn lines(text: &[u8]) -> Vec<Vec<OsString>> {
    text.split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| line.chunks(MAX_LINE))
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(words_of_line)
        .collect()
}

fn words_of_line(line: &[u8]) -> Option<Vec<OsString>> {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'))? + 1;
    let line = &line[..end];
    let line = &line[line.iter().position(|byte| *byte != b' ')?..];
    let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    Some(match memchr::memchr(b' ', line) {
        // Nothing behind the space is no value, not an empty one.
        Some(at) if at + 1 == line.len() => vec![word(&line[..at])],
        Some(at) => vec![word(&line[..at]), word(&line[at + 1..])],
        None => vec![word(line)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        lines(text.as_bytes())
            .into_iter()
            .map(|line| line.into_iter().map(|word| word.into_string().unwrap()).collect())
            .collect()
    }

    #[test]
    fn all_that_follows_one_space_is_the_value() {
        assert_eq!(words("-t  a b \r\n"), [["-t", " a b "]]);
        assert_eq!(words("  --host h"), [["--host", "h"]]);
        assert_eq!(words("-d\n"), [["-d"]]);
        assert_eq!(words("-m \n"), [["-m"]]);
        assert_eq!(words("-m  \n"), [["-m", " "]]);
    }

    #[test]
    fn comments_stand_in_the_first_column_and_tabs_separate_nothing() {
        assert_eq!(words("# -d\n\n -d\n"), [["-d"]]);
        assert_eq!(words(" # x"), [["#", "x"]]);
        assert_eq!(words("-t\ta"), [["-t\ta"]]);
    }

    #[test]
    fn the_tail_of_an_overlong_line_is_a_line_of_its_own() {
        let text = format!("-m {}", "x".repeat(1022));
        assert_eq!(words(&text), [vec!["-m".to_owned(), "x".repeat(1020)], vec!["xx".to_owned()]]);
    }

    #[test]
    fn the_file_is_the_named_one_or_the_one_in_the_configuration_folder() {
        let with = |words: &[&str], variables: &[(&str, &str)]| {
            let words: Vec<_> = words.iter().map(OsString::from).collect();
            path("mosquitto_pub", &words, |name| {
                variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
            })
        };
        let both = [("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(with(&["-m", "-o", "f"], &both), Some("f".into()));
        assert_eq!(with(&["-o"], &both), Some("/x/mosquitto_pub".into()));
        assert_eq!(with(&[], &both[1..]), Some("/h/.config/mosquitto_pub".into()));
        assert_eq!(with(&[], &[("XDG_CONFIG_HOME", "")]), Some("mosquitto_pub".into()));
        assert_eq!(with(&[], &[]), None);
    }
}

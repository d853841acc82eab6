//! What an option was meant to be that no broker knows, and what a value was meant to be that is none.

use crate::broker::config::known_options;
use crate::examine::spelling::nearest;

/// Options of Mosquitto 1.x that no Mosquitto 2 knows.
const REMOVED: &[&str] = &["ffdc_output", "max_log_entries", "store_clean_interval", "trace_level", "trace_output"];

/// Why there is no such option, and what to do.
pub struct Unknown {
    pub why: String,
    pub fix: String,
}

/// About the first word of a line, `name`.
pub fn unknown(name: &str) -> Unknown {
    let of = |why: String, fix: String| Unknown { why, fix };
    if name.starts_with('#') {
        return of("a comment must begin in the first column".to_owned(), format!("remove the spaces before `{name}`"));
    }
    if let Some(rest) = name.strip_prefix('\t') {
        let rest = rest.trim_start();
        return of(
            format!("the line begins with a tab, which belongs to the name of the option: `{}`", shown(rest)),
            "begin the line with its option, or with spaces".to_owned(),
        );
    }
    if name.starts_with("//") || name.starts_with([';', '-', '*', '<', '!', '%']) || name.starts_with("/*") {
        return of(
            format!("there is no option `{}`: a comment begins with `#`", shown(name)),
            "begin the line with `#` if it is a comment, else remove it".to_owned(),
        );
    }
    if name.starts_with('[') {
        return of("a mosquitto.conf has no sections".to_owned(), "remove the line".to_owned());
    }
    if REMOVED.contains(&name) {
        return of(format!("`{name}` was removed in Mosquitto 2"), "delete the line".to_owned());
    }
    if let Some((option, _)) = name.split_once('\t')
        && is_known(option)
    {
        return of(
            format!("a tab stands behind `{option}`, where a space must be"),
            format!("put a space between `{option}` and its value"),
        );
    }
    let (bare, separator) = bare(name);
    let meant = meant(&bare);
    match (meant, separator) {
        (Some(meant), Some(sign)) => of(
            format!(
                "there is no option `{}`: a space, and no `{sign}`, stands between an option and its value",
                shown(name)
            ),
            format!("write `{meant} VALUE`"),
        ),
        (Some(meant), None) => of(format!("there is no option `{}`", shown(name)), format!("did you mean `{meant}`?")),
        (None, _) => of(format!("there is no option `{}`", shown(name)), "correct or remove the line".to_owned()),
    }
}

/// Control characters are shown as what they are.
fn shown(name: &str) -> String {
    name.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

fn is_known(name: &str) -> bool {
    known_options().any(|(known, _)| known == name)
}

/// The name without what other formats put behind or around it, and the sign that stood there.
fn bare(name: &str) -> (String, Option<char>) {
    let sign = name.find([':', '=']);
    let (option, separator) = match sign {
        Some(at) => (&name[..at], name[at..].chars().next()),
        None => (name, None),
    };
    (option.trim_matches(['"', '\'', ',', ';']).to_owned(), separator)
}

/// The option that is written like `name` but for case, dashes, or a letter or two.
fn meant(name: &str) -> Option<&'static str> {
    let plain = name.to_ascii_lowercase().replace('-', "_");
    nearest(&plain, known_options().map(|(known, _)| known))
}

/// What to write in place of a value that is none, where that can be told.
pub fn instead_of(option: &str, value: &str) -> Option<String> {
    if value.starts_with('=') || value.starts_with(':') {
        return Some(format!("write `{option} VALUE`, without `{}`", &value[..1]));
    }
    let bare = value.trim_matches(['"', '\'', ';', ',']);
    if bare != value && !bare.is_empty() {
        return Some(format!("write `{option} {bare}`"));
    }
    match value.to_ascii_lowercase().as_str() {
        "yes" | "on" | "true" | "enable" | "enabled" => Some(format!("write `{option} true`")),
        "no" | "off" | "false" | "disable" | "disabled" => Some(format!("write `{option} false`")),
        _ => None,
    }
}

/// The part of a line that a template engine, or a script, was to replace.
pub fn placeholder(line: &str) -> Option<&str> {
    let between = |open: &str, close: &str| -> Option<&str> {
        let start = line.find(open)?;
        let end = line[start + open.len()..].find(close)?;
        Some(&line[start..start + open.len() + end + close.len()])
    };
    [("{{", "}}"), ("{%", "%}"), ("<%", "%>")].iter().find_map(|(open, close)| between(open, close)).or_else(|| {
        let variable = between("${", "}")?;
        let name = &variable[2..variable.len() - 1];
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_:-.".contains(c);
        (!name.is_empty() && name.chars().all(is_name)).then_some(variable)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_named() {
        let rows = [
            ("listner", "did you mean `listener`?"),
            ("Listener", "did you mean `listener`?"),
            ("allow_anonymus", "did you mean `allow_anonymous`?"),
            ("allow-anonymous", "did you mean `allow_anonymous`?"),
            ("\"listener\"", "did you mean `listener`?"),
            ("listener:", "write `listener VALUE`"),
            ("allow_anonymous=true", "write `allow_anonymous VALUE`"),
            ("Allow_Anonymus:", "write `allow_anonymous VALUE`"),
            ("#x", "remove the spaces before `#x`"),
            ("\tlistener", "begin the line with its option, or with spaces"),
            ("listener\t1883", "put a space between `listener` and its value"),
            ("//", "begin the line with `#` if it is a comment, else remove it"),
            ("[default]", "remove the line"),
            ("trace_level", "delete the line"),
            ("bogus", "correct or remove the line"),
            ("x", "correct or remove the line"),
        ];
        for (name, fix) in rows {
            assert_eq!(unknown(name).fix, fix, "{name}");
        }
        for (name, _) in known_options() {
            assert_eq!(meant(name), Some(name));
        }
    }

    #[test]
    fn placeholders_are_seen_and_what_only_looks_alike_is_not() {
        let rows = [
            ("listener {{ port }}", Some("{{ port }}")),
            ("{% if x %}", Some("{% if x %}")),
            ("password_file ${PW_FILE}", Some("${PW_FILE}")),
            ("user ${USER:-mosquitto} x", Some("${USER:-mosquitto}")),
            ("<% x %> y", Some("<% x %>")),
            ("log_timestamp_format %Y-%m-%dT%H:%M:%S", None),
            ("websockets_origin {", None),
            ("user a${", None),
            ("user $x", None),
            ("mount_point ${a b}/", None),
        ];
        for (line, expected) in rows {
            assert_eq!(placeholder(line), expected, "{line}");
        }
    }

    #[test]
    fn values_of_other_formats_are_known() {
        let rows = [
            ("=", Some("write `o VALUE`, without `=`")),
            ("Yes", Some("write `o true`")),
            ("OFF", Some("write `o false`")),
            ("\"1884\"", Some("write `o 1884`")),
            ("1884;", Some("write `o 1884`")),
            ("maybe", None),
            ("\"\"", None),
        ];
        for (value, expected) in rows {
            assert_eq!(instead_of("o", value).as_deref(), expected, "{value}");
        }
    }
}

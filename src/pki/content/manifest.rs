//! Secrets and ConfigMaps of Kubernetes, and the files that a compose.yaml makes secrets of. Of YAML it reads what kubectl and people
//! write there: mappings, lists, texts in lines, in quotes and in blocks. An alias, a tag or a mapping in braces where a value should be is not
//! guessed at.

use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::value::{NAME_LIMIT, VALUES_LIMIT, Value};

/// The mappings of an object that hold its values.
const DATA: [&str; 3] = ["data", "stringData", "binaryData"];

/// Kinds of objects that have them, and the lists that kubectl makes of several.
const KINDS: [&str; 5] = ["Secret", "ConfigMap", "List", "SecretList", "ConfigMapList"];

/// Whether a text is YAML or JSON of such an object.
pub fn is_object(text: &str) -> bool {
    if text.trim_start().starts_with('{') {
        return text.contains("\"apiVersion\"") && KINDS.iter().any(|kind| text.contains(&format!("\"{kind}\"")));
    }
    let has = |key: &str, is_wanted: &dyn Fn(&str) -> bool| {
        text.lines().filter_map(|line| Line::of(line).pair()).any(|(found, value)| found == key && is_wanted(value))
    };
    has("apiVersion", &|_| true) && has("kind", &|value| KINDS.contains(&value.trim_matches(['"', '\''])))
}

/// The values of all objects in a text; each by its key, and where there are several objects behind the name of its object.
/// `None` where the text is none that is read here, or a name in it is longer than any that Kubernetes takes.
pub fn values(text: &str) -> Option<Vec<Value>> {
    let objects = if text.trim_start().starts_with('{') {
        let mut objects = Vec::new();
        of_json(&serde_json::from_str(text).ok()?, &mut objects);
        objects
    } else {
        of_yaml(text)?
    };
    let are_several = objects.len() > 1;
    let mut found = Vec::new();
    for (at, object) in objects.into_iter().enumerate() {
        let name = object.name.unwrap_or_else(|| (at + 1).to_string());
        if name.len() > NAME_LIMIT {
            return None;
        }
        for (key, bytes) in object.values {
            if found.len() > VALUES_LIMIT {
                return Some(found);
            }
            found.push(Value { name: if are_several { format!("{name}/{key}") } else { key }, bytes });
        }
    }
    Some(found)
}

/// Whether a text is a compose file with secrets of its own.
pub fn is_compose(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == SECRETS)
        && text.lines().any(|line| line.trim_start().starts_with("file:"))
}

const SECRETS: &str = "secrets:";

/// The files that a compose.yaml makes secrets of, by their paths from it on.
pub fn secret_files(text: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut found = Vec::new();
    for line in text.lines().map(Line::of).filter(|line| !line.is_empty()) {
        if line.indent == 0 {
            is_inside = line.text.trim_end() == SECRETS;
        } else if let Some(("file", path)) = line.pair().filter(|_| is_inside && found.len() <= VALUES_LIMIT) {
            found.push(path.trim_matches(['"', '\'']).to_owned());
        }
    }
    found
}

/// Those of a value; `None` where it is written in a way that is not read here.
type Bytes = Option<Zeroizing<Vec<u8>>>;

#[derive(Default)]
struct Object {
    name: Option<String>,
    values: Vec<(String, Bytes)>,
}

/// Objects in the answer of `kubectl get -o json`, by themselves or in a list. serde_json bounds how deep they may lie.
fn of_json(json: &Json, objects: &mut Vec<Object>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| of_json(item, objects)),
        Json::Object(_) if json.get("items").is_some_and(Json::is_array) => of_json(&json["items"], objects),
        Json::Object(_) => {
            let name = json.pointer("/metadata/name").and_then(Json::as_str).map(str::to_owned);
            let members = DATA.iter().filter_map(|key| json.get(key)?.as_object()).flatten();
            let bytes = |value: &Json| value.as_str().map(|text| Zeroizing::new(text.as_bytes().to_vec()));
            let values = members.map(|(key, value)| (key.clone(), bytes(value))).collect();
            objects.push(Object { name, values });
        }
        _ => {}
    }
}

/// A line of YAML: where its text begins, with the mark of a list as blanks.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    text: &'a str,
    /// It begins an item of a list.
    is_item: bool,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let line = line.trim_end();
        let mut text = line.trim_start_matches(' ');
        let mut is_item = false;
        while let Some(rest) = text.strip_prefix("- ") {
            is_item = true;
            text = rest.trim_start_matches(' ');
        }
        Self { indent: line.len() - text.len(), text, is_item }
    }

    /// Nothing, or a comment.
    fn is_empty(&self) -> bool {
        self.text.is_empty() || self.text.starts_with('#')
    }

    /// `key: value`, without the comment behind it and without quotes around the key.
    fn pair(&self) -> Option<(&'a str, &'a str)> {
        let (key, value) = match self.text.strip_suffix(':') {
            Some(key) if !key.contains(": ") => (key, ""),
            _ => self.text.split_once(": ")?,
        };
        let value = value.trim();
        // A `#` within quotes is text.
        let value =
            if value.starts_with(['"', '\'']) { value } else { value.split(" #").next().unwrap_or_default().trim() };
        Some((key.trim().trim_matches(['"', '\'']), value))
    }
}

/// Objects of a text with several documents or a list. `None` where lines begin with tabs, which YAML forbids, or objects or
/// values stand in braces.
fn of_yaml(text: &str) -> Option<Vec<Object>> {
    let lines: Vec<_> = text.lines().collect();
    let (mut objects, mut object) = (Vec::new(), Object::default());
    // Where the mapping began whose entries are values, and that of the name.
    let (mut data, mut metadata) = (None::<usize>, None::<usize>);
    let (mut at, mut count) = (0, 0);
    while at < lines.len() && count <= VALUES_LIMIT {
        let line = Line::of(lines[at]);
        at += 1;
        let is_object = line.text.starts_with('{')
            && line.text.contains("kind")
            && KINDS.iter().any(|kind| line.text.contains(kind));
        if line.text.starts_with('\t') || is_object {
            return None;
        }
        if line.is_empty() {
            continue;
        }
        let begins_document = line.indent == 0 && line.text.starts_with("---");
        if begins_document || (line.is_item && data.is_none_or(|indent| line.indent <= indent + 2)) {
            objects.push(std::mem::take(&mut object));
            (data, metadata) = (None, None);
            if begins_document {
                continue;
            }
        }
        let Some((key, value)) = line.pair() else { continue };
        if data.is_some_and(|indent| line.indent <= indent) {
            data = None;
        }
        if metadata.is_some_and(|indent| line.indent <= indent) {
            metadata = None;
        }
        let (bytes, used) = scalar(value, &lines[at..], line.indent);
        at += used;
        if data.is_some() {
            object.values.push((key.to_owned(), bytes));
            count += 1;
        } else if matches!(key, "name") && metadata.is_some_and(|indent| line.indent == indent + 2) {
            object.name = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        } else if matches!(key, "metadata") && value.is_empty() {
            metadata = Some(line.indent);
        } else if DATA.contains(&key) && (value.is_empty() || value.starts_with('&')) {
            data = Some(line.indent);
        } else if DATA.contains(&key) && !matches!(value, "{}" | "null" | "~") {
            return None;
        }
    }
    objects.push(object);
    objects.retain(|object| !object.values.is_empty());
    Some(objects)
}

/// The text that begins with `value` in a line that is indented so, and how many of the lines behind it belong to it.
fn scalar(value: &str, lines: &[&str], indent: usize) -> (Bytes, usize) {
    let text = |text: String| Some(Zeroizing::new(text.into_bytes()));
    if value.starts_with(['|', '>']) {
        return block(value, lines, indent);
    }
    if let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        let mut inside = Zeroizing::new(String::with_capacity(value.len()));
        let mut used = 0;
        let mut is_closed = take_quoted(&value[1..], quote, &mut inside);
        while !is_closed {
            let Some(next) = lines.get(used).filter(|line| line.trim().is_empty() || Line::of(line).indent > indent)
            else {
                return (None, used);
            };
            // A line that goes on in the next has a blank in its place.
            inside.push(' ');
            is_closed = take_quoted(next.trim(), quote, &mut inside);
            used += 1;
        }
        return (text(std::mem::take(&mut *inside)), used);
    }
    if value.starts_with(['&', '*', '!', '{', '[', '%', '@', '`']) {
        return (None, 0);
    }
    // base64 may go on in lines that are further in.
    let more = |line: &&&str| !value.is_empty() && Line::of(line).indent > indent && Line::of(line).pair().is_none();
    let rest: Vec<_> = lines.iter().take_while(more).collect();
    let joined = rest.iter().fold(value.to_owned(), |whole, line| whole + " " + line.trim());
    (text(joined), rest.len())
}

/// Adds the part of a text in quotes that stands in one line to `inside`, and says whether the quotes are closed in it. Each line is
/// looked at once, since a text may have a million of them.
fn take_quoted(line: &str, quote: char, inside: &mut String) -> bool {
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' if quote == '\'' => match letters.next() {
                Some('\'') => inside.push('\''),
                _ => return true,
            },
            '"' if quote == '"' => return true,
            '\\' if quote == '"' => match letters.next() {
                Some('n') => inside.push('\n'),
                Some('t') => inside.push('\t'),
                Some('r') => inside.push('\r'),
                Some(other) => inside.push(other),
                // The blank between the lines is what it stands before.
                None => {}
            },
            letter => inside.push(letter),
        }
    }
    false
}

/// `|` and `>`: the lines that are further in, as they are or as one.
fn block(head: &str, lines: &[&str], indent: usize) -> (Bytes, usize) {
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let inside: Vec<_> =
        lines.iter().take_while(|line| line.trim().is_empty() || blanks(line) > indent).copied().collect();
    let first = inside.iter().find(|line| !line.trim().is_empty()).map_or(0, |line| blanks(line));
    let end = if head.starts_with('|') { "\n" } else { " " };
    let mut bytes = Zeroizing::new(Vec::with_capacity(inside.iter().map(|line| line.len() + 1).sum()));
    for line in &inside {
        bytes.extend_from_slice(line.get(first..).unwrap_or_default().trim_end().as_bytes());
        bytes.extend_from_slice(end.as_bytes());
    }
    (Some(bytes), inside.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Option<Vec<(String, String)>> {
        assert!(is_object(text), "{text}");
        let shown = |bytes: Bytes| bytes.map_or("?".to_owned(), |bytes| String::from_utf8(bytes.to_vec()).unwrap());
        let row = |value: Value| (value.name, shown(value.bytes));
        Some(values(text)?.into_iter().map(row).collect())
    }

    fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_secret_is_read_as_kubectl_and_people_write_it() {
        let text = "# SECRET\napiVersion: v1\nkind: Secret\nmetadata:\n  name: \"dev1\"\n  annotations:\n    last: |\n      data:\n        no: no\n\
            type: kubernetes.io/tls\ndata:\n  ca.crt: QUJD # a comment\n  \"tls.crt\": 'RE VG'\n  tls.key: >-\n    R0hJ\n    SktM\n  more: TU5P\n    UFFS\n\
            stringData:\n  text.pem: |\n    -----BEGIN X-----\n      a\n    -----END X-----\n\n  quoted: \"a\\nb\n    c\"\n  odd: *alias\n  it: {a: b}\nimmutable: true\n";
        assert_eq!(
            rows(text),
            Some(pairs(&[
                ("ca.crt", "QUJD"),
                ("tls.crt", "RE VG"),
                ("tls.key", "R0hJ SktM "),
                ("more", "TU5P UFFS"),
                ("text.pem", "-----BEGIN X-----\n  a\n-----END X-----\n\n"),
                ("quoted", "a\nb c"),
                ("odd", "?"),
                ("it", "?"),
            ]))
        );
    }

    #[test]
    fn of_several_objects_each_value_has_the_name_of_its_own() {
        let wanted = Some(pairs(&[("a/tls.crt", "QQ=="), ("2/tls.crt", "Qg==")]));
        let list = "apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    tls.crt: QQ==\n  kind: Secret\n  metadata:\n    name: a\n\
            - apiVersion: v1\n  data:\n    tls.crt: Qg==\n  kind: Secret\nkind: List\nmetadata:\n  resourceVersion: \"\"\n";
        assert_eq!(rows(list), wanted);
        let documents = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  tls.crt: QQ==\n---\napiVersion: v1\nkind: ConfigMap\n\
            data:\n  tls.crt: Qg==\n";
        assert_eq!(rows(documents), wanted);
        let json = r#"{"apiVersion":"v1","kind":"List","items":[{"kind":"Secret","metadata":{"name":"a"},"data":{"tls.crt":"QQ=="}},
            {"kind":"Secret","binaryData":{"tls.crt":"Qg=="}}]}"#;
        assert_eq!(rows(json), wanted);
        let one = r#"{"apiVersion":"v1","kind":"Secret","data":{"x":7}}"#;
        assert_eq!(rows(one), Some(pairs(&[("x", "?")])));
    }

    #[test]
    fn what_is_no_such_object_is_not_taken_for_one() {
        for text in ["kind: Secret\n", "apiVersion: v1\nkind: Deployment\n", "{\"kind\":\"Secret\"}", "", "- \n: \n"] {
            assert!(!is_object(text), "{text}");
        }
        assert_eq!(rows("apiVersion: v1\nkind: Secret\ndata:\n\tx: y\n"), None);
        assert_eq!(rows("apiVersion: v1\nkind: Secret\ndata: {a: b}\n"), None);
        assert_eq!(
            rows("apiVersion: v1\nkind: Secret\ndata:\n  a: b\n---\n{apiVersion: v1, kind: Secret, data: {c: d}}\n"),
            None
        );
        assert_eq!(
            rows("apiVersion: v1\n{{ if kind }}\n- {name: a}\nkind: Secret\ndata:\n  x: y\n"),
            Some(pairs(&[("x", "y")]))
        );
        assert_eq!(rows("apiVersion: v1\nkind: Secret\ndata: &a\n  x: y\n"), Some(pairs(&[("x", "y")])));
        assert_eq!(rows("apiVersion: v1\nkind: Secret\ndata: {}\n"), Some(pairs(&[])));
    }

    #[test]
    fn a_compose_file_names_the_files_of_its_secrets() {
        let text = "services:\n  a:\n    secrets: [x]\n    file: no\nsecrets:\n  x:\n    file: ./ca.crt\n  y:\n    file: 'tls.key'\nvolumes:\n  z:\n    file: no\n";
        assert!(is_compose(text));
        assert_eq!(secret_files(text), ["./ca.crt", "tls.key"]);
    }
}

//! What files hold, in all the forms in which certificates and keys lie about: the one place that tells them apart. Pure: bytes in, things
//! out; [`super::read`] opens the files.
//!
//! Everything in a file is looked at in memory, which [`super::read::FILE_LIMIT`] bounds; an archive in an archive is not, and a file that a
//! table names may name no others.

mod archive;
mod der;
mod item;
mod manifest;
mod profile;
mod source;
mod store;
mod table;
mod value;

use zeroize::Zeroizing;

use self::source::Language;
use self::table::Entry;
use self::value::{NAME_LIMIT, VALUES_LIMIT, Value};
use super::kind::{Form, Kind};
use super::pem_text::Fault;
use super::section::PemText;

pub use self::archive::{ArchiveFault, MEMBERS_LIMIT};
pub use self::item::{Closed, Contents, Found, Item, OWN_ENDINGS, Place, is_file_of_our_kind};
pub use self::store::{open, opened};

/// Why a file gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A PEM section that OpenSSL does not read.
    Damaged(Fault),
    Archive(ArchiveFault),
    /// Nothing in it is of our kinds: what it is instead.
    Unknown(Kind),
}

/// The most certificates, keys and other things of one file. Each bears the name of its place, so that a small file could take much memory.
const THINGS_LIMIT: usize = 100_000;

/// The most bytes of all the files that a table names; the last may go beyond.
const NAMED_LIMIT: usize = 32 * 1024 * 1024;

const TOO_MUCH: Kind =
    Kind::Unread("more than is looked at: 100,000 things, 10,000 values of a text, 32 MB that a table names");

const UNUSUAL_OBJECT: Kind = Kind::Unread("an object of Kubernetes that is written in a way that is not read here");

/// Gives the file that another names, if it may be read. `None`: files that are named are not looked at.
pub type Beside<'a> = Option<&'a dyn Fn(&str) -> Option<Zeroizing<Vec<u8>>>>;

/// Bytes by which files begin that are no business of ours, what they are, and what opens them.
const KNOWN: [(&[u8], &str, &str); 9] = [
    (b"\x1f\x8b", "compressed by gzip", "gunzip opens it"),
    (b"PK\x03\x04", "a zip archive", "unzip opens it"),
    (b"\xfd7zXZ\0", "compressed by xz", "unxz opens it"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unzstd opens it"),
    (b"BZh", "compressed by bzip2", "bunzip2 opens it"),
    (b"\xfe\xed\xfe\xed", "a Java keystore (JKS)", KEYTOOL),
    (b"\xce\xce\xce\xce", "a Java keystore (JCEKS)", KEYTOOL),
    (b"bplist00", "a binary property list", "plutil -convert xml1 makes XML of it"),
    (b"SQLite format 3\0", "a database", ""),
];

const KEYTOOL: &str =
    "keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12 makes PKCS#12 of it";

/// All that a file holds: at least one thing.
pub fn contents(bytes: &[u8], beside: Beside<'_>) -> Result<Contents, Unreadable> {
    if archive::is_archive(bytes) {
        let members = archive::members(bytes).map_err(Unreadable::Archive)?;
        return gathered(Form::Archive, all(members.into_iter().map(|member| of_member(&member.name, member.bytes)))?);
    }
    of_file(bytes, beside)
}

/// What a file is, in one word, for who wants PEM.
pub fn kind(bytes: &[u8]) -> Result<Kind, Fault> {
    let text = PemText::of(bytes);
    if let Some(section) = text.sections.first().filter(|_| text.broken.is_none()) {
        return Ok(section.kind());
    }
    match contents(bytes, None) {
        Err(Unreadable::Archive(_)) => Ok(Kind::Form(Form::Archive)),
        Ok(Contents { form: Form::Der, found, .. }) => Ok(found.first().map_or(Kind::Binary, |it| der_kind(&it.item))),
        Ok(Contents { form, .. }) => Ok(Kind::Form(form)),
        Err(Unreadable::Damaged(fault)) => Err(fault),
        Err(Unreadable::Unknown(kind)) => Ok(kind),
    }
}

/// The parts of a file together, unless they are too many.
fn all(parts: impl Iterator<Item = Vec<Found>>) -> Result<Vec<Found>, Unreadable> {
    let mut all = Vec::new();
    for part in parts {
        add(&mut all, part);
        if all.len() > THINGS_LIMIT {
            return Err(Unreadable::Unknown(TOO_MUCH));
        }
    }
    Ok(all)
}

/// Adds what is in another part of a file, whose values are others than those before.
fn add(all: &mut Vec<Found>, part: impl IntoIterator<Item = Found>) {
    let next = all.last().map_or(0, |last| last.value + 1);
    all.extend(part.into_iter().map(|found| Found { value: found.value + next, ..found }));
}

/// What a file is that holds nothing known, or DER.
fn der_kind(item: &Item) -> Kind {
    Kind::Der(match item {
        Item::Certificate(_) => "a certificate",
        Item::RevocationList(_) => "a revocation list",
        Item::Request(_) => "a certificate request",
        Item::Store(_) => "a PKCS#12 store",
        Item::PublicKey(_) => "a public key",
        _ => "a private key",
    })
}

fn gathered(form: Form, found: Vec<Found>) -> Result<Contents, Unreadable> {
    let is_known = |found: &Found| !matches!(found.item, Item::Unknown(_)) || found.is_promised();
    if found.iter().any(is_known) {
        Ok(Contents { form, found, passed_over: Vec::new() })
    } else {
        Err(Unreadable::Unknown(Kind::Form(form)))
    }
}

fn of_member(name: &str, bytes: Option<Zeroizing<Vec<u8>>>) -> Vec<Found> {
    let unknown = |kind| vec![Found::new(Some(name.to_owned()), Item::Unknown(kind))];
    let Some(bytes) = bytes else { return unknown(Kind::Known("no file by itself", "")) };
    if archive::is_archive(&bytes) {
        return unknown(Kind::Unread("an archive in an archive, which is not looked into"));
    }
    named(name, &bytes)
}

/// What is in a file that has a name in another.
fn named(name: &str, bytes: &[u8]) -> Vec<Found> {
    let at = |part: Option<String>| Some(part.map_or_else(|| name.to_owned(), |part| format!("{name}: {part}")));
    match of_file(bytes, None) {
        Ok(contents) => {
            let passed_over = contents.passed_over.first().map(|_| Item::Damaged("PEM section"));
            let items = contents.found.into_iter().map(|found| Found { part: at(found.part), ..found });
            items.chain(passed_over.map(|item| Found::new(at(None), item))).collect()
        }
        Err(Unreadable::Damaged(_)) => vec![Found::new(at(None), Item::Damaged("PEM section"))],
        Err(Unreadable::Archive(_)) => vec![Found::new(at(None), Item::Damaged("archive"))],
        Err(Unreadable::Unknown(kind)) => vec![Found::new(at(None), Item::Unknown(kind))],
    }
}

/// A file that is no archive.
fn of_file(bytes: &[u8], beside: Beside<'_>) -> Result<Contents, Unreadable> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Unreadable::Unknown(Kind::Empty));
    }
    if archive::is_archive(bytes) {
        return Err(Unreadable::Unknown(Kind::Form(Form::Archive)));
    }
    if let Some((_, what, how)) = KNOWN.iter().find(|(mark, ..)| bytes.starts_with(mark)) {
        return Err(Unreadable::Unknown(Kind::Known(what, how)));
    }
    // Most files, so that no other form need be thought of.
    let is_pem = bytes.starts_with(b"-----BEGIN ");
    let text = if is_pem || bytes.contains(&0) { None } else { str::from_utf8(bytes).ok() };
    let text = text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    let form = text.and_then(|text| text_form(text).map(|form| (form, text)));
    if let Some((form, text)) = form {
        let found = of_text(form, text, beside)?;
        if !found.is_empty() {
            return gathered(form, found);
        }
    }
    let pem = PemText::of(bytes);
    if let Some(fault) = pem.fault() {
        return Err(Unreadable::Damaged(fault));
    }
    if pem.sections.len() > THINGS_LIMIT {
        return Err(Unreadable::Unknown(TOO_MUCH));
    }
    if !pem.sections.is_empty() {
        let found = pem.sections.into_iter().map(|section| Found::new(None, Item::of(section))).collect();
        return Ok(Contents { form: Form::Pem, found, passed_over: pem.passed_over });
    }
    if let Some(item) = der::item(bytes) {
        return Ok(Contents { form: Form::Der, found: vec![Found::new(None, item)], passed_over: Vec::new() });
    }
    if let Some(text) = text {
        let encoded = value::items(&Value::new("", Zeroizing::new(text.as_bytes().to_vec())));
        if !encoded.is_empty() {
            let found = encoded.into_iter().map(|item| Found::new(None, item)).collect();
            return gathered(Form::Base64, found);
        }
    }
    Err(Unreadable::Unknown(match form {
        Some((form, _)) => Kind::Form(form),
        None => unknown(bytes),
    }))
}

fn unknown(bytes: &[u8]) -> Kind {
    match der::name(bytes) {
        Some(name) => Kind::Der(name),
        None if bytes.iter().any(|byte| *byte == 0 || *byte >= 0x80) => Kind::Binary,
        None => Kind::Text,
    }
}

/// What a text seems to be. It is only tried: where nothing is found it may be PEM all the same.
fn text_form(text: &str) -> Option<Form> {
    if profile::is_profile(text) {
        return Some(Form::Profile);
    }
    if manifest::is_object(text) {
        return Some(Form::Kubernetes);
    }
    if table::is_partition(text) {
        return Some(Form::Partition);
    }
    if table::variables(text).is_some() {
        return Some(Form::Variables);
    }
    let begins = |marks: &[&str]| text.lines().any(|line| marks.iter().any(|mark| line.trim_start().starts_with(mark)));
    if begins(&["import ", "from ", "def "]) || text.contains("a2b_base64(") || text.contains("b64decode(") {
        return Some(Form::Python);
    }
    if begins(&["#include", "#pragma", "#ifndef", "#define", "static ", "const ", "extern ", "unsigned char ", "char "])
    {
        return Some(Form::C);
    }
    manifest::is_compose(text).then_some(Form::Compose)
}

/// What the values of a text hold, and how many PEM sections begin in them.
#[derive(Default)]
struct Read {
    found: Vec<Found>,
    beginnings: usize,
}

impl Read {
    fn add(&mut self, value: &Value) {
        self.beginnings += value.bytes.as_deref().map_or(0, |bytes| value::beginnings(bytes));
        if self.found.len() <= THINGS_LIMIT {
            add(&mut self.found, of_value(value));
        }
    }
}

/// What a text of that form holds; nothing where it is not what it seemed to be. The files that it names have together no more bytes than
/// one may have.
fn of_text(form: Form, text: &str, beside: Beside<'_>) -> Result<Vec<Found>, Unreadable> {
    let mut read = Read::default();
    let values = |values: Option<Vec<Value>>| values.map(|values| values.into_iter().map(Entry::Value).collect());
    let file = |path| Entry::File { path, is_hexadecimal: false };
    let entries: Vec<Entry> = match form {
        Form::Profile => values(profile::values(text)).unwrap_or_default(),
        Form::Variables => values(table::variables(text)).unwrap_or_default(),
        Form::Kubernetes => values(manifest::values(text)).ok_or(Unreadable::Unknown(UNUSUAL_OBJECT))?,
        Form::Partition => table::partition(text).ok_or(Unreadable::Unknown(TOO_MUCH))?,
        Form::Compose => manifest::secret_files(text).into_iter().map(file).collect(),
        Form::C | Form::Python => {
            let language = if form == Form::C { Language::C } else { Language::Python };
            source::values(text, language, |value| read.add(&value));
            Vec::new()
        }
        Form::Pem | Form::Der | Form::Base64 | Form::Archive => Vec::new(),
    };
    let is_long = |entry: &Entry| match entry {
        Entry::Value(Value { name, .. }) | Entry::File { path: name, .. } => name.len() > NAME_LIMIT,
    };
    if entries.len() > VALUES_LIMIT || entries.iter().any(is_long) {
        return Err(Unreadable::Unknown(TOO_MUCH));
    }
    let mut left = NAMED_LIMIT;
    for entry in entries {
        match entry {
            Entry::Value(value) => read.add(&value),
            Entry::File { path, .. } if left == 0 => {
                add(&mut read.found, [Found::new(Some(path), Item::Unknown(TOO_MUCH))]);
            }
            Entry::File { path, is_hexadecimal } => {
                add(&mut read.found, of_named_file(&path, is_hexadecimal, beside, &mut left));
            }
        }
        if read.found.len() > THINGS_LIMIT {
            break;
        }
    }
    let Read { mut found, beginnings } = read;
    if found.len() > THINGS_LIMIT {
        return Err(Unreadable::Unknown(TOO_MUCH));
    }
    // PEM that stands in none of the values: it is not known what it is for, and must not be passed over.
    if !found.is_empty() && value::beginnings(text.as_bytes()) > beginnings {
        add(&mut found, [Found::new(None, Item::Damaged("PEM section"))]);
    }
    Ok(found)
}

fn of_value(value: &Value) -> Vec<Found> {
    let part = (!value.name.is_empty()).then(|| value.name.clone());
    let items = value::items(value).into_iter().take(THINGS_LIMIT + 1);
    items.map(|item| Found::new(part.clone(), item)).collect()
}

/// What is in a file that a table names. `left` is how many bytes of such files may still be read.
fn of_named_file(path: &str, is_hexadecimal: bool, beside: Beside<'_>, left: &mut usize) -> Vec<Found> {
    let Some(beside) = beside else { return Vec::new() };
    let unknown = |kind| vec![Found::new(Some(path.to_owned()), Item::Unknown(kind))];
    let bytes = beside(path);
    *left = left.saturating_sub(bytes.as_ref().map_or(0, |bytes| bytes.len()));
    let bytes = match bytes.as_deref().filter(|_| is_hexadecimal).map(|bytes| table::hexadecimal(bytes)) {
        Some(None) => return vec![Found::new(Some(path.to_owned()), Item::Damaged("value"))],
        Some(decoded) => decoded,
        None => bytes,
    };
    match bytes {
        Some(bytes) if !archive::is_archive(&bytes) => named(path, &bytes),
        Some(_) => unknown(Kind::Unread("an archive, which is not looked into")),
        None => unknown(Kind::Missing),
    }
}

#[cfg(test)]
mod tests;

//! PEM text as OpenSSL reads it: which sections it sees, which it passes over, and where it gives up.
//!
//! RFC 7468 lets a parser be lax, and the `pem` crate is. OpenSSL is not, and a file that only some programs can
//! read is not fine: so the lines are found here by OpenSSL's rules, which were measured (`tests/integration/pem.rs`
//! asks it again), and the crate decodes what stands between them.

use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A place where OpenSSL reads something else than a person does. Lines are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Spaces before the BEGIN: the section is text.
    IndentedBegin,
    /// Something behind the dashes of the BEGIN, or no dashes: the section is text.
    BeginWithoutEnd,
    /// Lines end in a carriage return alone: all is one line.
    CarriageReturns,
    /// Something behind the dashes of the END, as where the next BEGIN stands in its line.
    RunOn,
    /// Spaces before the END.
    IndentedEnd,
    /// The END has another label than the BEGIN.
    OtherEnd,
    /// An empty line among the base64.
    EmptyLine,
    NotBase64,
    /// The section that begins in this line has no end.
    NoEnd,
}

/// What OpenSSL sees in a text.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub blocks: Vec<pem::Pem>,
    /// Sections that OpenSSL takes for text.
    pub passed_over: Vec<Fault>,
    /// Where it gives up; what stands behind is not read.
    pub broken: Option<Fault>,
}

/// A section that has begun.
struct Open<'a> {
    line: usize,
    label: &'a [u8],
    /// Its lines so far, without the spaces at both ends.
    text: Zeroizing<Vec<u8>>,
    has_headers: bool,
    /// The base64 has begun.
    in_body: bool,
    /// An empty line has come after the base64 began.
    empty_line: Option<usize>,
}

pub(super) fn sections(text: &[u8]) -> Sections {
    let mut found = Sections::default();
    if !text.contains(&b'\n') && text.contains(&b'\r') && memchr::memmem::find(text, BEGIN).is_some() {
        found.passed_over.push(Fault { line: 1, kind: FaultKind::CarriageReturns });
        return found;
    }
    let mut open: Option<Open<'_>> = None;
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate().map(|(index, line)| (index + 1, line)) {
        let whole = line.trim_ascii_end();
        match open.take() {
            None => match outside(number, whole) {
                Outside::Begins(section) => open = Some(section),
                Outside::PassedOver(kind) => found.passed_over.push(Fault { line: number, kind }),
                Outside::Text => {}
            },
            Some(section) => match section.line(number, whole) {
                Inside::More(section) => open = Some(section),
                Inside::Done(block) => found.blocks.push(block),
                Inside::Broken(fault) => {
                    found.broken = Some(fault);
                    return found;
                }
            },
        }
    }
    found.broken = open.map(|section| Fault { line: section.line, kind: FaultKind::NoEnd });
    found
}

enum Outside<'a> {
    Begins(Open<'a>),
    PassedOver(FaultKind),
    Text,
}

fn outside(number: usize, line: &[u8]) -> Outside<'_> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if let Some(label) = line.strip_prefix(BEGIN) {
        return match label.strip_suffix(DASHES) {
            Some(label) => Outside::Begins(Open {
                line: number,
                label,
                text: Zeroizing::default(),
                has_headers: false,
                in_body: false,
                empty_line: None,
            }),
            None => Outside::PassedOver(FaultKind::BeginWithoutEnd),
        };
    }
    if line.trim_ascii_start().starts_with(BEGIN) {
        return Outside::PassedOver(FaultKind::IndentedBegin);
    }
    Outside::Text
}

enum Inside<'a> {
    More(Open<'a>),
    Done(pem::Pem),
    Broken(Fault),
}

impl<'a> Open<'a> {
    fn line(mut self, number: usize, line: &[u8]) -> Inside<'a> {
        let broken = |line, kind| Inside::Broken(Fault { line, kind });
        if let Some(rest) = line.strip_prefix(END) {
            return match rest.strip_prefix(self.label) {
                Some(DASHES) => self.end(number),
                Some(rest) if rest.starts_with(DASHES) => broken(number, FaultKind::RunOn),
                _ => broken(number, FaultKind::OtherEnd),
            };
        }
        if line.starts_with(BEGIN) {
            return broken(self.line, FaultKind::NoEnd);
        }
        let words = line.trim_ascii();
        if words.starts_with(END) {
            return broken(number, FaultKind::IndentedEnd);
        }
        if words.is_empty() {
            if self.in_body {
                self.empty_line.get_or_insert(number);
            }
            if self.has_headers && !self.in_body {
                self.text.push(b'\n');
                self.in_body = true;
            }
            return Inside::More(self);
        }
        if let Some(line) = self.empty_line {
            return broken(line, FaultKind::EmptyLine);
        }
        let is_header = !self.in_body && words.contains(&b':');
        // A header may go on in the next line, and ends with an empty one.
        if is_header || (self.has_headers && !self.in_body) {
            self.has_headers = true;
            self.text.extend_from_slice(words);
        } else {
            self.in_body = true;
            if !words.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/= \t".contains(byte)) {
                return broken(number, FaultKind::NotBase64);
            }
            self.text.extend(words.iter().filter(|byte| !byte.is_ascii_whitespace()));
        }
        self.text.push(b'\n');
        Inside::More(self)
    }

    fn end(self, number: usize) -> Inside<'a> {
        if let Some(line) = self.empty_line {
            return Inside::Broken(Fault { line, kind: FaultKind::EmptyLine });
        }
        let whole = [BEGIN, self.label, DASHES, b"\n", self.text.as_slice(), END, self.label, DASHES, b"\n"].concat();
        let whole = Zeroizing::new(whole);
        match pem::parse(whole.as_slice()) {
            Ok(block) => Inside::Done(block),
            Err(_) => Inside::Broken(Fault { line: number, kind: FaultKind::NotBase64 }),
        }
    }
}

//! Lines out of pieces of input, each with its number, and none longer than a record may be.

use bytes::Bytes;

/// A line of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// From 1.
    pub number: u64,
    /// Without its newline.
    pub text: &'a [u8],
    /// The line ended with a newline. Only the last one of an input may lack it: whoever wrote it may have been
    /// interrupted.
    pub is_ended: bool,
    /// It is longer than the limit, and `text` is as much of it as has come: its end may never.
    pub is_too_long: bool,
}

/// Splits input into lines, in pieces as they come.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where in the buffer the next line starts.
    start: usize,
    /// Up to where the buffer has been searched for the line's end.
    searched: usize,
    /// The line that `peek` found: its end, and where the next one starts.
    found: Option<(usize, usize)>,
    is_at_end: bool,
    /// A line that was too long has been taken before its end came: what follows up to there belongs to it.
    is_in_long_line: bool,
    /// Lines that have been taken.
    taken: u64,
    limit: usize,
}

impl Lines {
    /// Lines of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            found: None,
            is_at_end: false,
            is_in_long_line: false,
            taken: 0,
            limit,
        }
    }

    /// The next line, as often as it is asked for until it is taken; `None` while its end has not come.
    pub fn peek(&mut self) -> Option<Line<'_>> {
        self.leave_long_line();
        if self.found.is_none() {
            let all = self.buffer.len();
            self.found = match memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                Some(at) => Some((self.searched + at, self.searched + at + 1)),
                None if self.is_at_end && self.start < all || all - self.start > self.limit => Some((all, all)),
                None => {
                    self.searched = all;
                    None
                }
            };
        }
        let (end, next) = self.found?;
        Some(Line {
            number: self.taken + 1,
            text: &self.buffer[self.start..end],
            is_ended: next > end,
            is_too_long: end - self.start > self.limit,
        })
    }

    /// Goes on to the line after the one that `peek` returned.
    pub fn take(&mut self) {
        if let Some((end, next)) = self.found.take() {
            self.is_in_long_line = next == end && !self.is_at_end;
            self.start = next;
            self.searched = next;
            self.taken += 1;
        }
    }

    /// Goes on to the line after the one that `peek` returned, and hands that out with its memory: for lines that are too
    /// long to be kept beside what is made of them.
    pub fn take_whole(&mut self) -> Bytes {
        let Some((end, next)) = self.found.take() else { return Bytes::new() };
        let rest = self.buffer[next..].to_vec();
        let mut whole = std::mem::replace(&mut self.buffer, rest);
        whole.truncate(end);
        let start = std::mem::take(&mut self.start);
        self.searched = 0;
        self.taken += 1;
        Bytes::from(whole).split_off(start)
    }

    /// Drops what belongs to a line that was too long and has been taken.
    fn leave_long_line(&mut self) {
        if self.is_in_long_line {
            let end = memchr::memchr(b'\n', &self.buffer[self.start..]);
            self.start = end.map_or(self.buffer.len(), |at| self.start + at + 1);
            self.searched = self.start;
            self.is_in_long_line = end.is_none();
        }
    }

    /// Whether the beginning of a line has come, and its end has not.
    pub fn is_within_line(&self) -> bool {
        self.is_in_long_line || self.found.is_none() && self.start < self.buffer.len()
    }

    /// The number of the last line that was taken; 0 before the first.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The next line is the first of another input.
    pub fn count_anew(&mut self) {
        self.taken = 0;
    }

    /// Whether reading would help: there is no complete line left.
    pub fn wants_more(&mut self) -> bool {
        !self.is_at_end && self.peek().is_none()
    }

    /// No more input will come.
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Everything has come and has been taken.
    pub fn is_drained(&self) -> bool {
        self.is_at_end && self.start == self.buffer.len()
    }

    /// Where to append input. What has been taken is removed from the buffer first.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.found = self.found.map(|(end, next)| (end - self.start, next - self.start));
            self.start = 0;
        }
        &mut self.buffer
    }

    /// No more input will come.
    pub fn end(&mut self) {
        self.is_at_end = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, text: &[u8], is_ended: bool) -> Line<'_> {
        Line { number, text, is_ended, is_too_long: false }
    }

    #[test]
    fn lines_are_found_in_pieces_and_numbered() {
        let mut lines = Lines::new(10);
        lines.buffer().extend_from_slice(b"ab");
        assert!(lines.wants_more());
        lines.buffer().extend_from_slice(b"c\n\nde");
        assert_eq!(lines.peek(), Some(line(1, b"abc", true)));
        assert_eq!(lines.peek(), Some(line(1, b"abc", true)));
        lines.take();
        assert_eq!(lines.peek(), Some(line(2, b"", true)));
        lines.take();
        assert!(lines.wants_more() && !lines.is_drained());
        lines.buffer().extend_from_slice(b"f");
        lines.end();
        assert_eq!(lines.peek(), Some(line(3, b"def", false)));
        lines.take();
        assert!(lines.is_drained() && lines.peek().is_none());
    }

    #[test]
    fn a_line_that_was_found_stays_when_more_comes() {
        let mut lines = Lines::new(10);
        lines.buffer().extend_from_slice(b"a\nb\nc");
        assert_eq!(lines.peek(), Some(line(1, b"a", true)));
        lines.take();
        assert_eq!(lines.peek(), Some(line(2, b"b", true)));
        lines.buffer().extend_from_slice(b"d\n");
        assert_eq!(lines.peek(), Some(line(2, b"b", true)));
        lines.take();
        assert_eq!(lines.peek(), Some(line(3, b"cd", true)));
    }

    #[test]
    fn a_line_is_taken_whole_and_what_came_behind_it_stays() {
        let mut lines = Lines::new(10);
        lines.buffer().extend_from_slice(b"a\nbcd\ne\nf");
        assert!(lines.peek().is_some());
        lines.take();
        assert_eq!(lines.peek(), Some(line(2, b"bcd", true)));
        assert_eq!(lines.take_whole(), &b"bcd"[..]);
        assert_eq!(lines.peek(), Some(line(3, b"e", true)));
        lines.take();
        lines.buffer().extend_from_slice(b"g");
        lines.end();
        assert_eq!(lines.peek(), Some(line(4, b"fg", false)));
        assert_eq!(lines.take_whole(), &b"fg"[..]);
        assert!(lines.is_drained());
    }

    #[test]
    fn a_line_beyond_the_limit_is_not_waited_for() {
        let mut lines = Lines::new(3);
        lines.buffer().extend_from_slice(b"abc");
        assert!(lines.peek().is_none());
        lines.buffer().extend_from_slice(b"d");
        assert!(lines.peek().unwrap().is_too_long);
    }

    #[test]
    fn the_rest_of_a_line_that_was_too_long_is_no_line() {
        for (pieces, last) in
            [(&["abcd", "ef\ng\n"][..], "g"), (&["abcd", "e", "f", "\n", "g\n"], "g"), (&["abcd\nh\n"], "h")]
        {
            let mut lines = Lines::new(3);
            let mut seen = Vec::new();
            for piece in pieces {
                lines.buffer().extend_from_slice(piece.as_bytes());
                while let Some(line) = lines.peek() {
                    seen.push((line.number, String::from_utf8_lossy(line.text).into_owned(), line.is_too_long));
                    lines.take();
                }
            }
            assert_eq!(seen, [(1, "abcd".to_owned(), true), (2, last.to_owned(), false)], "{pieces:?}");
            assert!(!lines.is_within_line());
        }
        let mut lines = Lines::new(3);
        lines.buffer().extend_from_slice(b"abcd");
        assert!(lines.peek().is_some());
        lines.take();
        lines.buffer().extend_from_slice(b"ef");
        assert!(lines.is_within_line() && lines.peek().is_none() && lines.wants_more());
        lines.end();
        assert!(lines.is_drained());
    }
}

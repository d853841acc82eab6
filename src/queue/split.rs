//! A long answer in JSON, taken apart while it arrives: the elements of its one list one by one, and what is around
//! them. So an answer takes no more memory than its largest element, however long it is.

use serde_json::Value;

/// The longest element, and the longest rest: a message with a payload of megabytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The most values in one of them. Two bytes of `[1,1,…]` become a value of more than thirty.
const MAX_PARTS: usize = 200_000;

/// Where the list is in an answer.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// It is the answer.
    Top,
    /// It is the value of this field of the answer's object.
    Field(&'static str),
    /// There is none to be taken apart.
    Nowhere,
}

/// Why an answer cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// It is no JSON.
    Malformed,
    /// One element, or all that is around them, is too long.
    TooLong,
}

/// One piece of text on its way to become a [`Value`].
#[derive(Debug, Default)]
struct Piece {
    text: Vec<u8>,
    parts: usize,
}

impl Piece {
    fn push(&mut self, byte: u8, is_part: bool) -> Result<(), SplitError> {
        self.parts += usize::from(is_part);
        if self.text.len() == MAX_BYTES || self.parts > MAX_PARTS {
            return Err(SplitError::TooLong);
        }
        self.text.push(byte);
        Ok(())
    }

    fn value(&mut self) -> Result<Value, SplitError> {
        let value = serde_json::from_slice(&self.text).map_err(|_| SplitError::Malformed);
        self.text.clear();
        self.parts = 0;
        value
    }
}

/// Takes an answer apart.
#[derive(Debug)]
pub struct Splitter {
    place: Place,
    rest: Piece,
    element: Piece,
    depth: usize,
    /// The depth of the list's elements while we are in it.
    list: Option<usize>,
    was_found: bool,
    in_string: bool,
    is_escaped: bool,
    /// Where the last string at the depth of the fields begins, behind its quote.
    last_string: usize,
}

impl Splitter {
    pub fn new(place: Place) -> Self {
        Self {
            place,
            rest: Piece::default(),
            element: Piece::default(),
            depth: 0,
            list: None,
            was_found: false,
            in_string: false,
            is_escaped: false,
            last_string: 0,
        }
    }

    /// Takes the next bytes of the answer; `each` gets the elements that end in them.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(&Value)) -> Result<(), SplitError> {
        bytes.iter().try_for_each(|byte| self.take(*byte, each))
    }

    /// What was around the list, which is empty in it, and whether there was one.
    pub fn finish(mut self) -> Result<(Value, bool), SplitError> {
        Ok((self.rest.value()?, self.was_found))
    }

    fn take(&mut self, byte: u8, each: &mut dyn FnMut(&Value)) -> Result<(), SplitError> {
        if self.in_string {
            self.in_string = byte != b'"' || self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            return self.push(byte, false);
        }
        let at_elements = self.list == Some(self.depth);
        match byte {
            b'[' if self.begins_list() => {
                self.depth += 1;
                self.list = Some(self.depth);
                self.was_found = true;
                self.rest.push(b'[', true)
            }
            b']' if at_elements => {
                if !self.element.text.trim_ascii().is_empty() {
                    each(&self.element.value()?);
                } else if self.element.parts > 0 {
                    return Err(SplitError::Malformed);
                }
                self.depth -= 1;
                self.list = None;
                self.rest.push(b']', false)
            }
            b',' if at_elements => {
                each(&self.element.value()?);
                // An element must follow: the list may not end here.
                self.element.parts = 1;
                Ok(())
            }
            b'[' | b'{' => {
                self.depth += 1;
                self.push(byte, true)
            }
            b']' | b'}' => {
                self.depth = self.depth.checked_sub(1).ok_or(SplitError::Malformed)?;
                self.push(byte, false)
            }
            b'"' => {
                self.in_string = true;
                self.push(byte, false)?;
                if self.depth == 1 && self.list.is_none() {
                    self.last_string = self.rest.text.len();
                }
                Ok(())
            }
            _ => self.push(byte, byte == b',' || byte == b':'),
        }
    }

    fn push(&mut self, byte: u8, is_part: bool) -> Result<(), SplitError> {
        if self.list.is_some() { &mut self.element } else { &mut self.rest }.push(byte, is_part)
    }

    /// Whether a `[` here begins the list.
    fn begins_list(&self) -> bool {
        let before = self.rest.text.trim_ascii_end();
        match self.place {
            _ if self.was_found => false,
            Place::Nowhere => false,
            Place::Top => self.depth == 0 && before.is_empty(),
            Place::Field(name) => {
                let key = || self.rest.text[self.last_string..].strip_prefix(name.as_bytes());
                self.depth == 1
                    && before.last() == Some(&b':')
                    && key().is_some_and(|after| after.first() == Some(&b'"'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements, the rest and whether there was a list; fed in steps of `step` bytes.
    fn split(text: &str, place: Place, step: usize) -> Result<(Vec<String>, String, bool), SplitError> {
        let mut splitter = Splitter::new(place);
        let mut elements = Vec::new();
        for bytes in text.as_bytes().chunks(step) {
            splitter.feed(bytes, &mut |element| elements.push(element.to_string()))?;
        }
        let (rest, was_found) = splitter.finish()?;
        Ok((elements, rest.to_string(), was_found))
    }

    #[test]
    fn the_elements_of_the_list_come_one_by_one() {
        let rows = [
            (Place::Top, "[1, {\"a\":[2,3]} ,\"x]\\\",\"]", vec!["1", "{\"a\":[2,3]}", "\"x]\\\",\""], "[]"),
            (Place::Top, " [ ] ", vec![], "[]"),
            (
                Place::Field("data"),
                "{\"m\":{\"data\":[0]},\"data\" : [1,2],\"n\":3}",
                vec!["1", "2"],
                "{\"m\":{\"data\":[0]},\"data\":[],\"n\":3}",
            ),
            (Place::Field("data"), "{\"x\":\"data\",\"y\":[5]}", vec![], "{\"x\":\"data\",\"y\":[5]}"),
            (Place::Field("data"), "{\"data2\":[5],\"data\":[6]}", vec!["6"], "{\"data2\":[5],\"data\":[]}"),
            (Place::Nowhere, "[1,2]", vec![], "[1,2]"),
        ];
        for (place, text, elements, rest) in rows {
            for step in [1, 2, 7, 1000] {
                let found = split(text, place, step).unwrap();
                let was_found = !elements.is_empty() || text.trim() == "[ ]";
                assert_eq!(
                    found,
                    (elements.iter().map(ToString::to_string).collect(), rest.to_owned(), was_found),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_json_is_refused_wherever_it_breaks() {
        for text in
            ["", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}]", "]", "[1]x", "{\"data\":[1}", "[\"x]", "[{]}"]
        {
            for place in [Place::Top, Place::Field("data"), Place::Nowhere] {
                assert_eq!(split(text, place, 3), Err(SplitError::Malformed), "{text}");
            }
        }
    }

    #[test]
    fn one_element_is_bounded_and_the_list_is_not() {
        let long = format!("[{}1]", "1,".repeat(1_000_000));
        let mut count = 0;
        let mut splitter = Splitter::new(Place::Top);
        splitter.feed(long.as_bytes(), &mut |_| count += 1).unwrap();
        assert_eq!((count, splitter.finish().unwrap().1), (1_000_001, true));
        assert_eq!(split(&format!("[{long}]"), Place::Top, 1000), Err(SplitError::TooLong));
        assert_eq!(split(&long, Place::Nowhere, 1000), Err(SplitError::TooLong));
        let text = format!("[\"{}\"]", "x".repeat(MAX_BYTES));
        assert_eq!(split(&text, Place::Top, 1000), Err(SplitError::TooLong));
    }
}

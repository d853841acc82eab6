//! Bytes for the server, and how many of them have left.

use bytes::{Buf, BytesMut};

/// What is to be written. Its owner takes off what he has written by [`Buf::advance`].
#[derive(Debug, Default)]
pub struct Output {
    bytes: BytesMut,
    /// Bytes of this connection that have been taken off.
    left: u64,
    /// Bytes of answers that went in since it was last empty.
    answers: usize,
}

/// Bytes of answers that may wait for a server that does not read. A quarter of a million acknowledgements: more than any
/// window, and no server that means well waits for us to read before it reads itself.
const MAXIMUM_ANSWERS: usize = 1024 * 1024;

impl Output {
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Drops what can never be written. It does not count as having left.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.answers = 0;
    }

    /// Whether nothing more is to be read from the server before it has read: what it sends makes answers without end,
    /// and it takes none of them.
    #[inline]
    pub fn is_congested(&self) -> bool {
        self.answers > MAXIMUM_ANSWERS
    }

    /// So many bytes of what was put in answer something that the server has sent.
    #[inline]
    pub(super) fn note_answer(&mut self, count: usize) {
        self.answers += count;
    }

    /// Where packets are encoded to.
    #[inline]
    pub(super) fn bytes(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// How many bytes of this connection have left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Where in the stream of this connection the next byte will stand.
    pub(super) fn end(&self) -> u64 {
        self.left + self.bytes.len() as u64
    }

    /// Another connection begins.
    pub(super) fn restart(&mut self) {
        self.clear();
        self.left = 0;
    }
}

impl Buf for Output {
    #[inline]
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.left += count as u64;
        if self.bytes.is_empty() {
            self.answers = 0;
        }
    }
}

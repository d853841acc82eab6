//! The first bytes that a peer sends, kept for whoever has to say later what it speaks.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes that are kept: the beginning of a greeting or of a line of HTTP.
const LIMIT: usize = 40;

/// What was kept; whoever makes a [`Noted`] holds the same.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstBytes(Arc<Mutex<Vec<u8>>>);

impl FirstBytes {
    /// What has come so far.
    pub fn so_far(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many more are kept.
    fn note(&self, bytes: &[u8]) -> usize {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LIMIT - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        LIMIT - kept.len()
    }
}

/// A stream of which the first bytes that are read are kept.
#[derive(Debug)]
pub struct Noted<S> {
    stream: S,
    first_bytes: FirstBytes,
    room: usize,
}

impl<S> Noted<S> {
    pub(super) fn new(stream: S, first_bytes: FirstBytes) -> Self {
        Self { stream, first_bytes, room: LIMIT }
    }

    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.room > 0 && buffer.filled().len() > before {
            this.room = this.first_bytes.note(&buffer.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn no_more_than_the_first_bytes_are_kept_and_all_are_read() {
        let sent: Vec<u8> = (0..100).collect();
        let first_bytes = FirstBytes::default();
        // Each part comes by itself, one of them over the limit.
        let parts = sent[..7].chain(&sent[7..39]).chain(&sent[39..]);
        let mut stream = Noted::new(parts, first_bytes.clone());
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        assert_eq!((first_bytes.so_far(), read), (sent[..LIMIT].to_vec(), sent));
    }
}

//! Stands between a client and the broker and does what `--fault` asks for. Without `--fault` it is not there.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};

use crate::broker::fault::{Faults, Verdict, Watcher};
use crate::net::Stream;
use crate::os::local;

/// Longer packets are passed on unseen, so that nothing is kept of them.
const PACKET_MOST: usize = 1 << 20;

/// The broker's end of a connection that has faults.
pub(super) fn interpose(client: Stream, faults: Arc<Faults>) -> io::Result<Stream> {
    let (outer, inner) = local::pair()?;
    let watcher = Arc::new(Mutex::new(Watcher::new(faults)));
    let (from_client, to_client) = split(client);
    let (from_broker, to_broker) = split(outer);
    let up = Half { watcher: Arc::clone(&watcher), from_client: true, packets: Packets::default() };
    let down = Half { watcher, from_client: false, packets: Packets::default() };
    tokio::spawn(async move {
        // When one direction ends, by fault or by itself, the connection does.
        tokio::select! {
            _ = up.run(from_client, to_broker) => {}
            _ = down.run(from_broker, to_client) => {}
        }
    });
    Ok(inner.into())
}

/// One direction.
struct Half {
    watcher: Arc<Mutex<Watcher>>,
    from_client: bool,
    packets: Packets,
}

impl Half {
    async fn run<R, W>(mut self, mut from: ReadHalf<R>, mut to: WriteHalf<W>) -> io::Result<()>
    where
        R: AsyncRead,
        W: AsyncWrite,
    {
        loop {
            while let Some(piece) = self.packets.next() {
                let verdict = match &piece {
                    Piece::Packet(packet) => {
                        self.watcher.lock().unwrap_or_else(PoisonError::into_inner).judge(packet, self.from_client)
                    }
                    Piece::Unseen(_) => Verdict::Pass,
                };
                let (Piece::Packet(bytes) | Piece::Unseen(bytes)) = piece;
                match verdict {
                    Verdict::Pass => to.write_all(&bytes).await?,
                    Verdict::PassAfter(time) => {
                        tokio::time::sleep(time).await;
                        to.write_all(&bytes).await?;
                    }
                    Verdict::Drop => {}
                    Verdict::Close => return Ok(()),
                    Verdict::LastWords(words) => return last(&mut to, &words).await,
                    Verdict::PassAndClose => return last(&mut to, &bytes).await,
                }
                to.flush().await?;
            }
            if from.read_buf(&mut self.packets.received).await? == 0 {
                return Ok(());
            }
        }
    }
}

async fn last<W: AsyncWrite>(to: &mut WriteHalf<W>, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.shutdown().await
}

/// Bytes cut into packets.
#[derive(Default)]
struct Packets {
    received: BytesMut,
    /// Bytes of a long packet that are still to come.
    unseen: usize,
}

enum Piece {
    Packet(Bytes),
    Unseen(Bytes),
}

impl Packets {
    fn next(&mut self) -> Option<Piece> {
        if self.unseen == 0 {
            let length = packet_length(&self.received)?;
            if length <= PACKET_MOST {
                return (self.received.len() >= length).then(|| Piece::Packet(self.received.split_to(length).freeze()));
            }
            self.unseen = length;
        }
        let part = self.unseen.min(self.received.len());
        if part == 0 {
            return None;
        }
        self.unseen -= part;
        Some(Piece::Unseen(self.received.copy_to_bytes(part)))
    }
}

/// Bytes of the packet that begins here, its fixed header included, once that has come. What is no
/// length at all is passed on as it is: refusing it is the other end's work.
fn packet_length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (index, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 127) << (7 * index);
        if byte & 128 == 0 {
            return Some(length + index + 2);
        }
    }
    (bytes.len() >= 5).then_some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(packets: &mut Packets, bytes: &[u8]) -> Vec<(bool, usize)> {
        packets.received.extend_from_slice(bytes);
        std::iter::from_fn(|| packets.next())
            .map(|piece| match piece {
                Piece::Packet(bytes) => (true, bytes.len()),
                Piece::Unseen(bytes) => (false, bytes.len()),
            })
            .collect()
    }

    #[test]
    fn bytes_are_cut_where_packets_end() {
        let mut packets = Packets::default();
        assert_eq!(pieces(&mut packets, &[0xC0, 0, 0x40, 2, 0]), [(true, 2)]);
        assert_eq!(pieces(&mut packets, &[1, 0xD0]), [(true, 4)]);
        assert_eq!(pieces(&mut packets, &[0]), [(true, 2)]);
    }

    #[test]
    fn long_packets_pass_unseen_and_unkept() {
        let mut packets = Packets::default();
        // 2 MiB announced.
        assert_eq!(pieces(&mut packets, &[0x30, 0x80, 0x80, 0x80, 0x01, 1, 2]), [(false, 7)]);
        assert_eq!(pieces(&mut packets, &vec![0; (2 << 20) - 4]), [(false, (2 << 20) - 4)]);
        assert_eq!(pieces(&mut packets, &[0, 0, 0xC0, 0]), [(false, 2), (true, 2)]);
    }

    #[test]
    fn what_is_no_length_is_passed_on() {
        assert_eq!(pieces(&mut Packets::default(), &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1]), [(true, 6)]);
    }
}

//! What connections have sent and the core has not handled yet. Connections take turns, so that one that sends much, or
//! what takes long, keeps nobody waiting for longer than a turn.

use std::collections::VecDeque;

use super::input::Received;
use crate::broker::{ByConnection, Closing, ConnectionId};

/// Something that came of a connection and waits until what came before it is handled.
#[derive(Debug)]
pub(super) enum Waiting {
    Packets(Box<Received>),
    Closed(Closing),
}

/// What waits of one connection, in the order in which it came.
type Line = VecDeque<Waiting>;

#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The lines of connections for which something waits.
    lines: ByConnection<Line>,
    /// Whose turn it is. Busy connections are not among them, nor anybody twice.
    order: VecDeque<ConnectionId>,
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether something of the connection waits.
    pub(super) fn has_line(&self, id: ConnectionId) -> bool {
        self.lines.contains_key(&id)
    }

    /// Puts something behind all that waits of its connection. Whoever had nothing waiting and is not busy has a turn.
    pub(super) fn push(&mut self, id: ConnectionId, waiting: Waiting, is_busy: bool) {
        let line = self.lines.entry(id).or_default();
        line.push_back(waiting);
        if line.len() == 1 && !is_busy {
            self.order.push_back(id);
        }
    }

    /// The connection whose turn it is, with its line. The line is handed back with [`Turns::resume`].
    pub(super) fn next(&mut self) -> Option<(ConnectionId, Line)> {
        loop {
            let id = self.order.pop_front()?;
            if let Some(line) = self.lines.remove(&id) {
                return Some((id, line));
            }
        }
    }

    /// The rest waits: for its next turn, or until the connection is no longer busy.
    pub(super) fn resume(&mut self, id: ConnectionId, rest: Line, is_busy: bool) {
        if rest.is_empty() {
            return;
        }
        self.lines.insert(id, rest);
        if !is_busy {
            self.order.push_back(id);
        }
    }

    /// The connection is no longer busy.
    pub(super) fn wake(&mut self, id: ConnectionId) {
        if self.has_line(id) && !self.order.contains(&id) {
            self.order.push_back(id);
        }
    }

    /// The connection has ended: nobody asks for what waits.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.lines.remove(&id);
    }
}

//! Where the entries of each client stand in `client_msgs`.
//!
//! The number of a row is a block, which one client has, and the entry's sequence behind it. So a row is found by its number
//! alone, the rows of a client are in the order of its queue, and its end removes one range of them. Each of the three indexes
//! that this would take costs as much as the row itself.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::ops::RangeInclusive;

use bytestring::ByteString;

use crate::mqtt::flow::IdHasher;

/// Bits of the sequence in the number of a row. At 250,000 messages a second one queue uses them up in 50 days, and its
/// client has another block then.
const SEQUENCE_BITS: u32 = 40;

const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;

/// Blocks that there are: the number of a row is positive.
const BLOCKS: u64 = 1 << (63 - SEQUENCE_BITS);

/// No block is free: more clients have messages waiting than the numbers of rows can distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoBlock;

/// One block: entries of one client whose sequences have these bits above [`SEQUENCE_BITS`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    above: u64,
    number: u64,
}

impl Block {
    /// The rows that its client can have in it.
    pub(super) fn rows(self) -> RangeInclusive<i64> {
        row(self.number, 0)..=row(self.number, u64::MAX)
    }

    /// The sequence of the entry at a row of it.
    pub(super) fn sequence(self, row: i64) -> i64 {
        ((self.above << SEQUENCE_BITS) | row.cast_unsigned() & SEQUENCE_MASK).cast_signed()
    }
}

#[derive(Debug, Default)]
pub(super) struct EntryRows {
    /// The blocks of each client with entries; the last is the one in use.
    blocks: HashMap<ByteString, Vec<Block>>,
    taken: HashSet<u64, BuildHasherDefault<IdHasher>>,
    last: u64,
    /// Clients with rows of a session that has ended.
    leftovers: HashSet<ByteString>,
    /// Rows of `client_msgs` with one of `moskit_entry`.
    detailed: BTreeSet<i64>,
    /// What is undone when the transaction fails, and done when it is committed.
    pending: Pending,
}

#[derive(Debug, Default)]
struct Pending {
    ended: HashSet<ByteString>,
    /// Whether clients have leftovers from now on.
    leftovers: HashMap<ByteString, bool>,
    plain: BTreeSet<i64>,
}

impl EntryRows {
    /// The row of an entry that is new.
    pub(super) fn place(&mut self, client_id: &ByteString, sequence: u64) -> Result<i64, NoBlock> {
        let above = sequence >> SEQUENCE_BITS;
        if !self.pending.ended.is_empty() {
            // A session that began anew goes on in the block of the one before.
            self.pending.ended.remove(client_id);
        }
        if let Some(block) = self.blocks.get(client_id).and_then(|blocks| blocks.last())
            && block.above == above
        {
            return Ok(row(block.number, sequence));
        }
        let earlier = self.blocks.get(client_id).and_then(|blocks| blocks.last()).map(|block| block.number);
        let number = self.free_block(earlier).ok_or(NoBlock)?;
        self.taken.insert(number);
        self.blocks.entry(client_id.clone()).or_default().push(Block { above, number });
        Ok(row(number, sequence))
    }

    /// A block that nobody has, behind `earlier`.
    fn free_block(&mut self, earlier: Option<u64>) -> Option<u64> {
        let after = earlier.unwrap_or(self.last);
        let behind = after + 1..BLOCKS;
        let before = 0..if earlier.is_some() { 0 } else { after + 1 };
        let number = behind.chain(before).find(|number| !self.taken.contains(number))?;
        self.last = number;
        Some(number)
    }

    /// The row of an entry that is there.
    pub(super) fn find(&self, client_id: &ByteString, sequence: u64) -> Option<i64> {
        let above = sequence >> SEQUENCE_BITS;
        let block = self.blocks.get(client_id)?.iter().rev().find(|block| block.above == above)?;
        Some(row(block.number, sequence))
    }

    /// Where all rows of a client are.
    pub(super) fn blocks_of(&self, client_id: &ByteString) -> Vec<Block> {
        self.blocks.get(client_id).cloned().unwrap_or_default()
    }

    /// Whether there are rows of a session of the client that has ended.
    pub(super) fn has_leftovers(&self, client_id: &ByteString) -> bool {
        let pending = self.pending.leftovers.get(client_id);
        pending.copied().unwrap_or_else(|| self.leftovers.contains(client_id))
    }

    /// Takes a row that was read over, in the order of the rows. Says whether it stands where [`EntryRows`] would look for it.
    pub(super) fn adopt(&mut self, client_id: &ByteString, sequence: u64, row: i64) -> bool {
        let Ok(number) = u64::try_from(row >> SEQUENCE_BITS) else { return false };
        let above = sequence >> SEQUENCE_BITS;
        let blocks = self.blocks.entry(client_id.clone()).or_default();
        let is_known = blocks.last().is_some_and(|block| (block.above, block.number) == (above, number));
        if !is_known {
            if blocks.last().is_some_and(|block| block.above >= above) || !self.taken.insert(number) {
                return false;
            }
            blocks.push(Block { above, number });
            self.last = number;
        }
        self::row(number, sequence) == row
    }

    /// The row has one of `moskit_entry` besides.
    pub(super) fn detailed(&mut self, row: i64) {
        self.detailed.insert(row);
        self.pending.plain.remove(&row);
    }

    /// The entry's row goes. Says whether it has one of `moskit_entry`, which goes with it.
    pub(super) fn removed(&mut self, row: i64) -> bool {
        let is_detailed = self.detailed.contains(&row);
        if is_detailed {
            self.pending.plain.insert(row);
        }
        is_detailed
    }

    /// All these rows go. Says whether some have one of `moskit_entry`.
    pub(super) fn all_removed(&mut self, rows: RangeInclusive<i64>) -> bool {
        let before = self.pending.plain.len();
        self.pending.plain.extend(self.detailed.range(rows));
        self.pending.plain.len() > before
    }

    /// The client's session has ended, and has left some rows or none.
    pub(super) fn ended(&mut self, client_id: &ByteString, is_some_left: bool) {
        if is_some_left || self.has_leftovers(client_id) {
            self.pending.leftovers.insert(client_id.clone(), is_some_left);
        }
        if !is_some_left && self.blocks.contains_key(client_id) {
            self.pending.ended.insert(client_id.clone());
        }
    }

    /// What was written is committed, or is not.
    pub(super) fn settle(&mut self, is_committed: bool) {
        let Pending { ended, leftovers, plain } = std::mem::take(&mut self.pending);
        if !is_committed {
            return;
        }
        for row in plain {
            self.detailed.remove(&row);
        }
        for (client_id, is_some_left) in leftovers {
            if is_some_left {
                self.leftovers.insert(client_id);
            } else {
                self.leftovers.remove(&client_id);
            }
        }
        for client_id in ended {
            for block in self.blocks.remove(&client_id).unwrap_or_default() {
                self.taken.remove(&block.number);
            }
        }
    }
}

fn row(block: u64, sequence: u64) -> i64 {
    (block << SEQUENCE_BITS | sequence & SEQUENCE_MASK).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(client_id: &'static str) -> ByteString {
        ByteString::from_static(client_id)
    }

    #[test]
    fn rows_of_a_client_are_in_the_order_of_its_queue_and_apart_from_those_of_others() {
        let mut all_rows = EntryRows::default();
        let (a, b) = (name("a"), name("b"));
        let rows = [1, 2, 3].map(|sequence| all_rows.place(&a, sequence).unwrap());
        let other = all_rows.place(&b, 1).unwrap();
        assert!(rows.is_sorted());
        assert_eq!(all_rows.find(&a, 2), Some(rows[1]));
        let all: Vec<_> = all_rows.blocks_of(&a).into_iter().map(Block::rows).collect();
        assert!(matches!(&all[..], [all] if rows.iter().all(|row| all.contains(row)) && !all.contains(&other)));
        assert_eq!(all_rows.find(&name("c"), 1), None);
    }

    #[test]
    fn a_sequence_that_does_not_fit_into_a_block_has_another_behind_it() {
        let mut rows = EntryRows::default();
        let a = name("a");
        let last = rows.place(&a, (1 << SEQUENCE_BITS) - 1).unwrap();
        rows.place(&name("b"), 1).unwrap();
        let next = rows.place(&a, 1 << SEQUENCE_BITS).unwrap();
        assert!(next > last);
        assert_eq!(rows.find(&a, (1 << SEQUENCE_BITS) - 1), Some(last));
        let [first, second] = rows.blocks_of(&a)[..] else { panic!("two blocks") };
        assert_eq!((first.sequence(last), second.sequence(next)), ((1 << SEQUENCE_BITS) - 1, 1 << SEQUENCE_BITS));
        // Read again, they are where they were.
        let mut again = EntryRows::default();
        assert!(again.adopt(&a, (1 << SEQUENCE_BITS) - 1, last) && again.adopt(&a, 1 << SEQUENCE_BITS, next));
        assert_eq!(again.find(&a, 1 << SEQUENCE_BITS), Some(next));
    }

    #[test]
    fn a_block_is_free_again_once_the_end_of_its_client_is_committed() {
        let mut rows = EntryRows::default();
        let (a, b) = (name("a"), name("b"));
        let row = rows.place(&a, 1).unwrap();
        rows.ended(&a, false);
        rows.settle(false);
        assert_eq!(rows.find(&a, 1), Some(row));
        rows.ended(&a, false);
        // A session that begins anew in the same batch has its rows in the same block.
        assert_eq!(rows.place(&a, 1), Ok(row));
        rows.settle(true);
        assert_eq!(rows.find(&a, 1), Some(row));
        rows.ended(&a, false);
        rows.settle(true);
        assert_eq!((rows.find(&a, 1), rows.taken.len()), (None, 0));
        rows.last = BLOCKS - 1;
        assert_eq!(rows.place(&b, 1), Ok(1));
    }

    #[test]
    fn where_no_block_is_free_nothing_is_placed() {
        let mut rows = EntryRows { last: BLOCKS - 1, ..EntryRows::default() };
        rows.taken.extend(0..BLOCKS);
        assert_eq!(rows.place(&name("a"), 1), Err(NoBlock));
        // Nor behind the last one.
        let mut rows = EntryRows::default();
        assert!(rows.adopt(&name("a"), 1, row(BLOCKS - 1, 1)));
        assert_eq!(rows.place(&name("a"), 1 << SEQUENCE_BITS), Err(NoBlock));
    }

    #[test]
    fn rows_that_another_program_has_numbered_do_not_fit() {
        let (a, b) = (name("a"), name("b"));
        let mut rows = EntryRows::default();
        assert!(rows.adopt(&a, 1, 1));
        assert!(!rows.adopt(&b, 1, 2), "in the block of another client");
        assert!(!rows.adopt(&a, 2, 3), "not where its sequence is");
        assert!(!rows.adopt(&a, 2, row(7, 2)), "in a second block");
        assert!(!rows.adopt(&name("c"), 1, -1));
    }

    #[test]
    fn details_are_known_until_their_row_is_gone_for_good() {
        let mut rows = EntryRows::default();
        let a = name("a");
        let row = rows.place(&a, 1).unwrap();
        assert!(!rows.removed(row));
        rows.detailed(row);
        assert!(rows.removed(row));
        rows.settle(false);
        assert!(rows.removed(row));
        rows.settle(false);
        assert!(rows.all_removed(row..=row));
        rows.ended(&a, false);
        // The session begins anew, and its first entry has a detail as well.
        rows.place(&a, 1).unwrap();
        rows.detailed(row);
        rows.settle(true);
        assert!(rows.removed(row));
        rows.settle(true);
        assert!(!rows.removed(row) && !rows.all_removed(row..=row));
    }
}

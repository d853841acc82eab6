//! Entries that are removed one after the other, as a client acknowledges them: their rows stand in that order, and are removed
//! at once.

use bytestring::ByteString;

use super::entry_rows::EntryRows;
use super::error::StoreError;
use crate::state::sqlite::Transaction;

/// Rows that follow each other and are still to be removed.
#[derive(Debug, Default)]
pub(super) struct Acknowledged(Option<(i64, i64)>);

impl Acknowledged {
    /// The entry is to be removed. One that is not there is left alone.
    pub(super) fn take(
        &mut self,
        client_id: &ByteString,
        sequence: u64,
        transaction: &Transaction<'_>,
        entry_rows: &mut EntryRows,
    ) -> Result<(), StoreError> {
        let Some(row) = entry_rows.find(client_id, sequence) else { return Ok(()) };
        if entry_rows.removed(row) {
            transaction.remove_detail(client_id.as_bytes(), sequence)?;
        }
        match &mut self.0 {
            Some((_, last)) if row == *last + 1 => *last = row,
            _ => {
                self.remove(transaction)?;
                self.0 = Some((row, row));
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        match self.0.take() {
            None => {}
            Some((first, last)) if first == last => transaction.remove_entry(first)?,
            Some((first, last)) => transaction.remove_entries(first..=last)?,
        }
        Ok(())
    }
}

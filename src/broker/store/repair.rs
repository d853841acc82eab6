//! What has to be put right in a file that somebody else has changed.

use super::entry_rows::EntryRows;
use super::error::StoreError;
use super::records;
use crate::broker::Restored;
use crate::state::sqlite::Transaction;

/// What a file that Mosquitto, or nobody, changed in between needs before we go on with it.
#[derive(Debug, Default)]
pub(super) struct Repair {
    /// Rows without a partner.
    pub(super) stray_rows: bool,
    /// Entries that are not numbered as ours are, or not all of use.
    pub(super) renumber: bool,
}

impl Repair {
    pub(super) fn is_empty(&self) -> bool {
        !self.stray_rows && !self.renumber
    }

    pub(super) fn write(
        &self,
        restored: &Restored,
        transaction: &Transaction<'_>,
        entry_rows: &mut EntryRows,
    ) -> Result<(), StoreError> {
        if self.renumber {
            *entry_rows = EntryRows::default();
            transaction.remove_all_entries()?;
            let mut entries = restored.clients.iter().flat_map(|client| &client.entries);
            entries.try_for_each(|entry| records::write_entry(entry, transaction, entry_rows))?;
        }
        if self.stray_rows {
            transaction.remove_stray_rows()?;
        }
        Ok(())
    }
}

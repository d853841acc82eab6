//! Writes persist-sqlite's tables and our own three, one transaction at a time.
//!
//! `moskit_entry` and `moskit_session` hold what the schema lacks. `moskit_leftovers` names clients whose session has ended and
//! has left entries or subscriptions, which go in later transactions; they have no row in `clients`. Mosquitto leaves tables alone
//! that it does not know, and entries and subscriptions of clients that it does not know, so the file stays one that it opens.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::hooks::Wal;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, ToSql, params};

use super::super::ids::StoreId;
use super::super::{Message, Properties};
use super::log::LogLength;
use super::row_by_row::RowByRow;
use super::rows::{Entry, SessionRow, Will};

/// Statements kept ready; there are fewer.
const STATEMENTS: usize = 32;
/// The write-ahead log is cut back to this after a checkpoint.
const LOG_KEEPS: i64 = 64 << 20;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS base_msgs (store_id INTEGER PRIMARY KEY, expiry_time INT64, topic TEXT NOT NULL,
        payload BLOB, source_id TEXT, source_username TEXT, payloadlen INTEGER, source_mid INTEGER,
        source_port INTEGER, qos INTEGER, retain INTEGER, properties TEXT);
    CREATE TABLE IF NOT EXISTS retains (topic TEXT PRIMARY KEY, store_id INT64);
    CREATE TABLE IF NOT EXISTS clients (client_id TEXT PRIMARY KEY, username TEXT, connection_time INT64,
        will_delay_time INT64, session_expiry_time INT64, listener_port INT, max_packet_size INT, max_qos INT,
        retain_available INT, session_expiry_interval INT, will_delay_interval INT);
    CREATE TABLE IF NOT EXISTS subscriptions (client_id TEXT NOT NULL, topic TEXT NOT NULL,
        subscription_options INTEGER, subscription_identifier INTEGER, PRIMARY KEY (client_id, topic));
    CREATE TABLE IF NOT EXISTS client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64, dup INTEGER,
        direction INTEGER, mid INTEGER, qos INTEGER, retain INTEGER, state INTEGER, subscription_identifier INTEGER);
    CREATE TABLE IF NOT EXISTS wills (client_id TEXT PRIMARY KEY, payload BLOB, topic TEXT NOT NULL,
        payloadlen INTEGER, qos INTEGER, retain INTEGER, properties TEXT);
    CREATE TABLE IF NOT EXISTS version_info (component TEXT NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL,
        patch INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS moskit_entry (client_id TEXT NOT NULL, cmsg_id INTEGER NOT NULL,
        store_id INTEGER NOT NULL, queued_at INTEGER NOT NULL, subscription_ids TEXT NOT NULL,
        pubrel_order INTEGER NOT NULL, PRIMARY KEY (client_id, cmsg_id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS moskit_session (client_id TEXT PRIMARY KEY, disconnected_at INTEGER NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS moskit_leftovers (client_id TEXT PRIMARY KEY) WITHOUT ROWID;
";

/// Indexes of persist-sqlite, which it makes again where they are missing, and one of ours of earlier. Each costs as much as
/// the row that it finds, and rows of `client_msgs` are found by their number here.
const NO_INDEXES: &str = "
    DROP INDEX IF EXISTS client_msgs_client_id;
    DROP INDEX IF EXISTS client_msgs_store_id;
    DROP INDEX IF EXISTS retains_storeid;
    DROP INDEX IF EXISTS moskit_entry_position;
";

/// What a commit waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// The operating system: survives the end of the process, however it comes.
    #[default]
    Normal,
    /// The disk: survives a power failure too.
    Full,
}

/// Why a file cannot be written.
#[derive(Debug)]
pub enum Unwritable {
    /// SQLite, but somebody else's tables.
    NotPersistSqlite,
    /// A schema of a later major version than 1.
    TooNew {
        major: i64,
    },
    /// Another process writes to it, for longer than it was to be waited for.
    Busy,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unwritable {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Sqlite(error),
        }
    }
}

/// The database of a running broker.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
}

impl Writer {
    /// Opens or creates the database at `path` and makes its tables ours: columns that Mosquitto declares
    /// STRING become TEXT, because SQLite keeps `0042` in a STRING column as the number 42. `busy_timeout` is how long
    /// another process may hold the file before a write fails. `length`: is told how long each commit leaves the log.
    pub fn open(path: &Path, sync: Sync, busy_timeout: Duration, length: &Arc<LogLength>) -> Result<Self, Unwritable> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        check_owner(&connection)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", if sync == Sync::Full { "full" } else { "normal" })?;
        connection.pragma_update_and_check(None, "journal_size_limit", LOG_KEEPS, |_| Ok(()))?;
        // Who commits says when: SQLite would do it within the commit.
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        let length = Arc::clone(length);
        let note = move |_: &mut Wal, pages: i32| {
            length.note(pages.cast_unsigned());
            Ok(())
        };
        connection.wal_hook(Some(note))?;
        let transaction = connection.transaction()?;
        rebuild(&transaction)?;
        transaction.execute_batch(TABLES)?;
        transaction.execute_batch(NO_INDEXES)?;
        transaction.execute(
            "INSERT INTO version_info SELECT 'database_schema', 1, 1, 0
             WHERE NOT EXISTS (SELECT 1 FROM version_info WHERE component = 'database_schema')",
            [],
        )?;
        transaction.commit()?;
        Ok(Self { connection })
    }

    /// Runs `write` in one transaction: all of it is kept, or, when it fails, nothing. Nobody else writes from its beginning on.
    pub fn transaction<E: From<rusqlite::Error>>(
        &mut self,
        write: impl FnOnce(&Transaction<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let open = OpenTransaction::begin(&self.connection)?;
        write(&Transaction::new(&self.connection))?;
        Ok(open.commit()?)
    }

    /// As [`Transaction::foreign_writes`].
    pub fn foreign_writes(&self) -> Result<i64, Unwritable> {
        Ok(foreign_writes(&self.connection)?)
    }

    /// How long another process may hold the file before a write fails.
    pub fn set_busy_timeout(&self, timeout: Duration) -> Result<(), Unwritable> {
        Ok(self.connection.busy_timeout(timeout)?)
    }

    /// Moves the write-ahead log into the main file. A reader may hold some of it back, which is no error, and is not
    /// waited for. Says whether all was moved.
    pub fn checkpoint(&self) -> Result<bool, Unwritable> {
        let is_held_back = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).map(|busy| busy != 0);
        Ok(!self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], is_held_back)?)
    }

    /// Closes the file; SQLite folds the log into it.
    pub fn close(self) -> Result<(), Unwritable> {
        self.connection.close().map_err(|(_, error)| Unwritable::Sqlite(error))
    }

    /// Holds the file to `pages`, as a full disk would.
    #[cfg(test)]
    pub fn limit_pages(&self, pages: u32) {
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }

    #[cfg(test)]
    pub fn pages(&self) -> u32 {
        self.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
    }
}

/// Ends with its transaction: what was not committed is undone. [`rusqlite::Transaction`] has SQLite read its statements anew
/// each time, which takes as long as writing three rows.
struct OpenTransaction<'a>(&'a Connection);

impl<'a> OpenTransaction<'a> {
    fn begin(connection: &'a Connection) -> Result<Self, rusqlite::Error> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self(connection))
    }

    fn commit(self) -> Result<(), rusqlite::Error> {
        self.0.prepare_cached("COMMIT")?.execute([]).map(|_| ())
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        // SQLite ends some transactions itself when they fail. One that cannot be undone fails the next.
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

/// A transaction of a [`Writer`]. Whatever is put replaces what has the same key.
pub struct Transaction<'a> {
    connection: &'a Connection,
    /// Statements that are run for each message.
    put_message: Ready<'a>,
    remove_message: Ready<'a>,
    put_entry: Ready<'a>,
    change_entry: Ready<'a>,
    remove_entry: Ready<'a>,
}

fn foreign_writes(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

type Ready<'a> = RefCell<RowByRow<'a>>;

type Written = Result<(), rusqlite::Error>;

impl<'a> Transaction<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            put_message: Ready::default(),
            remove_message: Ready::default(),
            put_entry: Ready::default(),
            change_entry: Ready::default(),
            remove_entry: Ready::default(),
        }
    }

    pub fn put_message(&self, message: &Message<'_>) -> Written {
        let payload = message.payload.filter(|payload| !payload.is_empty());
        self.run(
            &self.put_message,
            "INSERT OR REPLACE INTO base_msgs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            &[
                number(signed(message.store_id)),
                number(message.expires.unwrap_or(0)),
                ValueRef::Text(message.topic),
                payload.map_or(ValueRef::Null, ValueRef::Blob),
                ValueRef::Text(message.source_id),
                text_or_null(message.source_username),
                number(message.payload_len),
                number(message.source_mid),
                number(message.source_port),
                number(message.qos),
                number(message.retain),
                json(message.properties),
            ],
        )
    }

    pub fn remove_message(&self, id: StoreId) -> Written {
        self.run(&self.remove_message, "DELETE FROM base_msgs WHERE store_id = ?1", &[number(signed(id))])
    }

    pub fn put_session(&self, session: &SessionRow<'_>) -> Written {
        let interval = match session.session_expiry_interval {
            u32::MAX => -1,
            seconds => i64::from(seconds),
        };
        self.execute(
            "INSERT OR REPLACE INTO clients VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                Text(session.client_id),
                session.username.map(Text),
                session.created_at,
                session.will_delay_time,
                session.session_expires,
                session.listener_port,
                session.max_packet_size,
                session.max_qos,
                session.retain_available,
                interval,
                session.will_delay_interval,
            ],
        )?;
        match session.disconnected_at {
            Some(at) => self.execute(
                "INSERT OR REPLACE INTO moskit_session VALUES (?1, ?2)",
                params![Text(session.client_id), at.nanos()],
            ),
            None => self.execute("DELETE FROM moskit_session WHERE client_id = ?1", [Text(session.client_id)]),
        }
    }

    /// Removes a session with its will.
    pub fn remove_session(&self, client_id: &[u8]) -> Written {
        self.execute("DELETE FROM clients WHERE client_id = ?1", [Text(client_id)])?;
        self.execute("DELETE FROM moskit_session WHERE client_id = ?1", [Text(client_id)])?;
        self.remove_will(client_id)
    }

    pub fn put_will(&self, will: &Will<'_>) -> Written {
        self.execute(
            "INSERT OR REPLACE INTO wills VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                Text(will.client_id),
                Some(will.payload).filter(|payload| !payload.is_empty()),
                Text(will.topic),
                will.payload.len() as i64,
                will.qos,
                will.retain,
                ToSqlOutput::Borrowed(json(will.properties)),
            ],
        )
    }

    pub fn remove_will(&self, client_id: &[u8]) -> Written {
        self.execute("DELETE FROM wills WHERE client_id = ?1", [Text(client_id)])
    }

    pub fn put_subscription(&self, subscription: &super::super::Subscription<'_>) -> Written {
        self.execute(
            "INSERT OR REPLACE INTO subscriptions VALUES (?1, ?2, ?3, ?4)",
            params![
                Text(subscription.client_id),
                Text(subscription.filter),
                subscription.qos | subscription.options,
                subscription.identifier,
            ],
        )
    }

    pub fn remove_subscription(&self, client_id: &[u8], filter: &[u8]) -> Written {
        self.execute("DELETE FROM subscriptions WHERE client_id = ?1 AND topic = ?2", [Text(client_id), Text(filter)])
    }

    /// Removes at most so many subscriptions of a client. Says how many there were.
    pub fn remove_subscriptions(&self, client_id: &[u8], most: usize) -> Result<usize, rusqlite::Error> {
        let some = "DELETE FROM subscriptions
            WHERE rowid IN (SELECT rowid FROM subscriptions WHERE client_id = ?1 LIMIT ?2)";
        self.connection.prepare_cached(some)?.execute(params![Text(client_id), most as i64])
    }

    /// The client has entries or subscriptions of a session that has ended.
    pub fn note_leftovers(&self, client_id: &[u8]) -> Written {
        self.execute("INSERT OR IGNORE INTO moskit_leftovers VALUES (?1)", [Text(client_id)])
    }

    /// Nothing is left of that session.
    pub fn forget_leftovers(&self, client_id: &[u8]) -> Written {
        self.execute("DELETE FROM moskit_leftovers WHERE client_id = ?1", [Text(client_id)])
    }

    /// A number that differs once another connection has written to the file; those of two connections have nothing to do with
    /// each other.
    pub fn foreign_writes(&self) -> Result<i64, rusqlite::Error> {
        foreign_writes(self.connection)
    }

    /// Moves each entry to the row that `row_of` says for its client and its `cmsg_id`, and puts aside what stood there. Entries
    /// for which it says none stay.
    pub fn move_entries(&self, mut row_of: impl FnMut(&[u8], u64) -> Option<i64>) -> Written {
        let mut moves = Vec::new();
        let mut least = 0;
        let mut statement = self.connection.prepare("SELECT rowid, client_id, cmsg_id FROM client_msgs")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let from: i64 = row.get(0)?;
            least = least.min(from);
            let (Ok(client_id), Ok(cmsg_id)) = (row.get_ref(1)?.as_bytes(), row.get_ref(2)?.as_i64()) else { continue };
            let to = row_of(client_id, cmsg_id.cast_unsigned());
            moves.extend(to.filter(|to| *to != from).map(|to| (from, to)));
        }
        // By way of rows that nobody has: an entry may go where another one stands that is still to go.
        let mut one = self.connection.prepare("UPDATE OR REPLACE client_msgs SET rowid = ?2 WHERE rowid = ?1")?;
        let aside = (1..).map(|step| least - step);
        for (&(from, _), aside) in moves.iter().zip(aside.clone()) {
            one.execute([from, aside])?;
        }
        for (&(_, to), aside) in moves.iter().zip(aside) {
            one.execute([aside, to])?;
        }
        Ok(())
    }

    /// Puts an entry at `row`: the order of a client's rows is that of its queue.
    pub fn put_entry(&self, row: i64, entry: &Entry<'_>) -> Written {
        let message = &entry.message;
        self.run(
            &self.put_entry,
            "INSERT OR REPLACE INTO client_msgs (rowid, client_id, cmsg_id, store_id, dup, direction, mid, qos, retain, state,
                subscription_identifier) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            &[
                number(row),
                ValueRef::Text(message.client_id),
                number(message.cmsg_id.cast_signed()),
                number(signed(message.store_id)),
                number(message.dup),
                number(message.direction as u8),
                number(message.mid),
                number(message.qos),
                number(message.retain),
                number(message.state),
                number(message.subscription_identifier),
            ],
        )?;
        self.put_detail(entry)
    }

    /// Changes what may change of the entry at `row`.
    pub fn change_entry(&self, row: i64, entry: &Entry<'_>) -> Written {
        let message = &entry.message;
        self.run(
            &self.change_entry,
            "UPDATE client_msgs SET dup = ?2, mid = ?3, state = ?4 WHERE rowid = ?1",
            &[number(row), number(message.dup), number(message.mid), number(message.state)],
        )?;
        self.put_detail(entry)
    }

    pub fn remove_entry(&self, row: i64) -> Written {
        self.run(&self.remove_entry, "DELETE FROM client_msgs WHERE rowid = ?1", &[number(row)])
    }

    /// Removes what [`Entry::detail`] was of an entry.
    pub fn remove_detail(&self, client_id: &[u8], cmsg_id: u64) -> Written {
        let key = params![Text(client_id), cmsg_id.cast_signed()];
        self.execute("DELETE FROM moskit_entry WHERE client_id = ?1 AND cmsg_id = ?2", key)
    }

    /// Removes that of all entries of a client from one `cmsg_id` to another.
    pub fn remove_details(&self, client_id: &[u8], cmsg_ids: RangeInclusive<i64>) -> Written {
        self.execute(
            "DELETE FROM moskit_entry WHERE client_id = ?1 AND cmsg_id BETWEEN ?2 AND ?3",
            params![Text(client_id), cmsg_ids.start(), cmsg_ids.end()],
        )
    }

    /// The row behind the first `count` entries from one row to another, if there are more.
    pub fn entry_behind(&self, rows: RangeInclusive<i64>, count: usize) -> Result<Option<i64>, rusqlite::Error> {
        self.connection
            .prepare_cached(
                "SELECT rowid FROM client_msgs WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid LIMIT 1 OFFSET ?3",
            )?
            .query_row(params![rows.start(), rows.end(), count as i64], |row| row.get(0))
            .optional()
    }

    /// Removes all entries from one row to another.
    pub fn remove_entries(&self, rows: RangeInclusive<i64>) -> Written {
        self.execute("DELETE FROM client_msgs WHERE rowid BETWEEN ?1 AND ?2", [rows.start(), rows.end()])
    }

    /// Removes all entries of all clients.
    pub fn remove_all_entries(&self) -> Written {
        self.execute("DELETE FROM client_msgs", [])?;
        self.execute("DELETE FROM moskit_entry", [])
    }

    /// Entries of nobody: of clients, or of messages, that are not there.
    pub fn remove_stray_rows(&self) -> Written {
        for statement in [
            "DELETE FROM client_msgs WHERE client_id NOT IN (SELECT client_id FROM clients)
                OR store_id NOT IN (SELECT store_id FROM base_msgs)",
            "DELETE FROM retains WHERE store_id NOT IN (SELECT store_id FROM base_msgs)",
            "DELETE FROM base_msgs WHERE store_id NOT IN (SELECT store_id FROM client_msgs)
                AND store_id NOT IN (SELECT store_id FROM retains)",
            "DELETE FROM subscriptions WHERE client_id NOT IN (SELECT client_id FROM clients)",
            "DELETE FROM wills WHERE client_id NOT IN (SELECT client_id FROM clients)",
            "DELETE FROM moskit_session WHERE client_id NOT IN (SELECT client_id FROM clients)",
            "DELETE FROM moskit_entry WHERE (client_id, cmsg_id, store_id)
                NOT IN (SELECT client_id, cmsg_id, store_id FROM client_msgs)",
            "DELETE FROM moskit_leftovers",
        ] {
            self.execute(statement, [])?;
        }
        Ok(())
    }

    pub fn put_retained(&self, topic: &[u8], id: StoreId) -> Written {
        self.execute("INSERT OR REPLACE INTO retains VALUES (?1, ?2)", params![Text(topic), signed(id)])
    }

    pub fn remove_retained(&self, topic: &[u8]) -> Written {
        self.execute("DELETE FROM retains WHERE topic = ?1", [Text(topic)])
    }

    fn put_detail(&self, entry: &Entry<'_>) -> Written {
        let Some(detail) = &entry.detail else { return Ok(()) };
        self.execute(
            "INSERT OR REPLACE INTO moskit_entry VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                Text(entry.message.client_id),
                entry.message.cmsg_id.cast_signed(),
                signed(entry.message.store_id),
                detail.queued_at.nanos(),
                detail.subscription_identifiers,
                detail.pubrel_order.cast_signed(),
            ],
        )
    }

    /// Runs a statement that is kept ready in `place`.
    fn run(&self, place: &Ready<'a>, statement: &str, values: &[ValueRef<'_>]) -> Written {
        place.borrow_mut().run(self.connection, statement, values)
    }

    fn execute(&self, statement: &str, values: impl rusqlite::Params) -> Written {
        self.connection.prepare_cached(statement)?.execute(values).map(|_| ())
    }
}

/// Somebody else's database is not ours to fill.
fn check_owner(connection: &Connection) -> Result<(), Unwritable> {
    let count = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
    let tables = count("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'")?;
    let known = count(
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('base_msgs', 'client_msgs', 'clients')",
    )?;
    if tables > 0 && known < 3 {
        return Err(Unwritable::NotPersistSqlite);
    }
    let has_version = count("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'version_info'")? > 0;
    if has_version {
        let major = count("SELECT COALESCE(MAX(major), 1) FROM version_info WHERE component = 'database_schema'")?;
        if major > 1 {
            return Err(Unwritable::TooNew { major });
        }
    }
    Ok(())
}

/// Declares as TEXT what Mosquitto declares STRING, which to SQLite is a number where it looks like one, and as the number of
/// its row what finds a message, which else takes an index.
fn rebuild(connection: &Connection) -> Result<(), rusqlite::Error> {
    for (table, columns, is_to_be) in [
        (
            "base_msgs",
            "store_id, expiry_time, CAST(topic AS TEXT), payload, CAST(source_id AS TEXT),
             CAST(source_username AS TEXT), payloadlen, source_mid, source_port, qos, retain, CAST(properties AS TEXT)",
            "type = 'STRING' OR name = 'store_id' AND type <> 'INTEGER'",
        ),
        ("retains", "CAST(topic AS TEXT), store_id", "type = 'STRING'"),
        (
            "wills",
            "client_id, payload, CAST(topic AS TEXT), payloadlen, qos, retain, CAST(properties AS TEXT)",
            "type = 'STRING'",
        ),
    ] {
        let is_another =
            connection.prepare(&format!("SELECT 1 FROM pragma_table_info(?1) WHERE {is_to_be}"))?.exists([table])?;
        if is_another {
            connection.execute_batch(&format!("ALTER TABLE {table} RENAME TO moskit_old_{table};"))?;
            connection.execute_batch(TABLES)?;
            let usable = if table == "base_msgs" { "WHERE typeof(store_id) = 'integer'" } else { "" };
            connection.execute_batch(&format!(
                "INSERT OR REPLACE INTO {table} SELECT {columns} FROM moskit_old_{table} {usable};
                 DROP TABLE moskit_old_{table};"
            ))?;
        }
    }
    Ok(())
}

/// Ids of node 512 and above are negative in the file.
fn signed(id: StoreId) -> i64 {
    id.0.cast_signed()
}

/// Bytes bound as text: names and topics, which are UTF-8 where they come from.
#[derive(Clone, Copy)]
struct Text<'a>(&'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

fn number<'a>(number: impl Into<i64>) -> ValueRef<'a> {
    ValueRef::Integer(number.into())
}

fn text_or_null(bytes: &[u8]) -> ValueRef<'_> {
    if bytes.is_empty() { ValueRef::Null } else { ValueRef::Text(bytes) }
}

/// The column of properties; only the form of this format goes into it.
fn json(properties: Properties<'_>) -> ValueRef<'_> {
    match properties {
        Properties::Json(text) => ValueRef::Text(text),
        Properties::None | Properties::Wire(_) => ValueRef::Null,
    }
}

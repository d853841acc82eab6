//! Reads persist-sqlite's tables, of a running broker or a stopped one, and leaves no file behind.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::super::ids::StoreId;
use super::super::{Client, ClientMessage, Direction, Keep, Message, Properties, Subscription};
use crate::private_folder::PrivateFolder;

/// First bytes of every SQLite file.
pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How long a writer may hold the file before we give up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How often two readers try to begin at one moment. A broker commits hundreds of times a second at most.
const TWIN_ATTEMPTS: usize = 3;

/// Clients with rows of a session that has ended. Where another program has made them sessions since, they have their rows.
const LEFTOVERS: &str = "SELECT client_id FROM moskit_leftovers EXCEPT SELECT client_id FROM clients";

/// Why a file cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    Io(io::Error),
    NotAFile,
    NotSqlite,
    /// SQLite, but without the tables of persist-sqlite.
    NotPersistSqlite,
    /// A broker started on the file while it was read as one that nobody uses.
    ChangedMeanwhile,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What is read of each entry of a queue besides its client, its message, its direction, its QoS and its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryColumns {
    /// Its position in the queue.
    pub position: bool,
    /// Everything else, and the number of its row.
    pub details: bool,
}

/// A database being read, in one transaction: everything it yields is of one moment.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    /// The file as it was when it was opened as one that nobody uses.
    unused: Option<(u64, Option<SystemTime>)>,
    /// Declared after the connection, which has to be closed first.
    copy: Option<PrivateCopy>,
    modified: Option<SystemTime>,
}

impl Reader {
    /// Opens `path` read-only.
    ///
    /// A write-ahead log beside it means that a broker runs or was killed: the log has to be read as
    /// well. Without one the file is opened as immutable, because anything else would leave an empty
    /// log behind that belongs to the reader and locks the broker out of its own file.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let metadata = check_magic(path)?;
        let modified = metadata.modified().ok();
        let (log, index) = (beside(path, "-wal"), beside(path, "-shm"));
        let mut reader = if !log.exists() {
            let connection = connect(path, "mode=ro&immutable=1")?;
            let unused = Some((metadata.len(), modified));
            Self { connection, path: path.to_owned(), unused, copy: None, modified }
        } else if index.exists() {
            let connection = connect(path, "mode=ro")?;
            Self { connection, path: path.to_owned(), unused: None, copy: None, modified }
        } else {
            // A log without its index: nobody runs, and SQLite would create the index here.
            let copy = PrivateCopy::of(path, &log).map_err(Unreadable::Io)?;
            let connection = connect(&copy.database, "mode=ro")?;
            Self { connection, path: path.to_owned(), unused: None, copy: Some(copy), modified }
        };
        if let Ok(log) = log.metadata() {
            reader.modified = reader.modified.max(log.modified().ok());
        }
        reader.begin()?;
        Ok(reader)
    }

    /// Another reader of the same moment, for another thread. This one begins anew for it, so nothing may have been read yet.
    /// Nothing if the broker writes so fast that there is no moment for both.
    pub fn twin(&self) -> Result<Option<Self>, Unreadable> {
        let (path, options) = match (&self.copy, self.unused) {
            (Some(copy), _) => (&copy.database, "mode=ro"),
            (None, None) => (&self.path, "mode=ro"),
            (None, Some(_)) => (&self.path, "mode=ro&immutable=1"),
        };
        let version = || self.connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
        let connection = connect(path, options)?;
        let twin = Self { connection, path: path.clone(), unused: None, copy: None, modified: self.modified };
        for _ in 0..TWIN_ATTEMPTS {
            self.connection.execute_batch("COMMIT")?;
            let before = version()?;
            twin.begin()?;
            self.begin()?;
            // Nobody has written between the two, so both see the same.
            if version()? == before {
                return Ok(Some(twin));
            }
            twin.connection.execute_batch("COMMIT")?;
        }
        Ok(None)
    }

    /// Begins a transaction, of the moment of its first look.
    fn begin(&self) -> Result<(), Unreadable> {
        self.connection.execute_batch("BEGIN")?;
        if self.has_table("client_msgs")? && self.has_table("base_msgs")? {
            Ok(())
        } else {
            Err(Unreadable::NotPersistSqlite)
        }
    }

    /// When the file or its log last changed.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    pub fn has_table(&self, name: &str) -> Result<bool, Unreadable> {
        let found = self
            .connection
            .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
            .and_then(|mut statement| statement.exists([name]))?;
        Ok(found)
    }

    /// Whether sessions that have ended have left rows.
    pub fn has_leftovers(&self) -> Result<bool, Unreadable> {
        Ok(self.has_table("moskit_leftovers")?
            && self.connection.prepare("SELECT 1 FROM moskit_leftovers")?.exists([])?)
    }

    /// What leaves out rows of sessions that have ended.
    pub(super) fn of_sessions(&self) -> Result<String, Unreadable> {
        Ok(if self.has_leftovers()? { format!("WHERE client_id NOT IN ({LEFTOVERS})") } else { String::new() })
    }

    /// Number of stored messages and of entries in clients' queues.
    pub fn counts(&self) -> Result<(u64, u64), Unreadable> {
        let count = |table: &str| {
            self.connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
        };
        Ok((count("base_msgs")?.cast_unsigned(), count("client_msgs")?.cast_unsigned()))
    }

    /// Every stored message, in the order of its id.
    pub fn messages(&self, keep: Keep, each: impl FnMut(&Message<'_>)) -> Result<(), Unreadable> {
        self.messages_in("ORDER BY store_id", keep, each)
    }

    /// Every stored message, in the order of the rows: in a table of Mosquitto's, that of the ids would jump from page to page.
    pub fn messages_by_row(&self, keep: Keep, each: impl FnMut(&Message<'_>)) -> Result<(), Unreadable> {
        self.messages_in("ORDER BY rowid", keep, each)
    }

    fn messages_in(&self, order: &str, keep: Keep, mut each: impl FnMut(&Message<'_>)) -> Result<(), Unreadable> {
        // Columns declared STRING turn `0042` into a number, hence the casts. What is not wanted is not named: each column
        // takes its time, and one behind a payload of many pages that of reading them all.
        let keep = Keep { topic: keep.topic || keep.head, length: keep.length || keep.head, ..keep };
        let text = |is_wanted: bool, column: &str| -> Result<String, rusqlite::Error> {
            Ok(if !is_wanted {
                "NULL".to_owned()
            } else if self.is_text(column)? {
                column.to_owned()
            } else {
                format!("CAST({column} AS BLOB)")
            })
        };
        let topic = text(keep.topic, "topic")?;
        let (source_id, username) = (text(keep.head, "source_id")?, text(keep.head, "source_username")?);
        // The row's own head knows it, in front of the payload.
        let length = "CASE typeof(payload) WHEN 'blob' THEN octet_length(payload) ELSE payloadlen END";
        let length = if keep.length { length } else { "NULL" };
        let others = if keep.head { "source_mid, source_port, qos, retain" } else { "NULL, NULL, NULL, NULL" };
        let payload = if keep.payload { "payload" } else { "NULL" };
        let properties = text(keep.properties, "properties")?;
        self.rows(
            &format!(
                "SELECT store_id, expiry_time, {topic}, {length}, {source_id}, {username}, {others}, {payload}, {properties}
                 FROM base_msgs {order}"
            ),
            |row| {
                let bytes = |is_wanted: bool, column| if is_wanted { bytes(row, column) } else { Ok(&[][..]) };
                let of_head = |column| if keep.head { number(row, column) } else { Ok(0) };
                let expires = number(row, 1)?;
                each(&Message {
                    store_id: store_id(row, 0)?,
                    expires: (expires > 0).then_some(expires),
                    topic: bytes(keep.topic, 2)?,
                    payload_len: if keep.length { small(number(row, 3)?) } else { 0 },
                    source_id: bytes(keep.head, 4)?,
                    source_username: bytes(keep.head, 5)?,
                    source_mid: small(of_head(6)?),
                    source_port: small(of_head(7)?),
                    qos: small(of_head(8)?),
                    retain: of_head(9)? != 0,
                    payload: if keep.payload { Some(bytes(true, 10)?) } else { None },
                    properties: json(bytes(keep.properties, 11)?),
                });
                Ok(())
            },
        )
    }

    /// Whether a column of the messages is declared so that it holds every text as it is.
    fn is_text(&self, column: &str) -> Result<bool, rusqlite::Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM pragma_table_info('base_msgs') WHERE name = ?1 AND type = 'TEXT'")?;
        statement.exists([column])
    }

    /// Every entry of every client's queue; a client's entries come in the order of its queue.
    pub fn client_messages(&self, mut each: impl FnMut(&ClientMessage<'_>)) -> Result<(), Unreadable> {
        self.entries(|_, entry| each(entry))
    }

    /// The same, with the number of each row.
    pub fn entries(&self, each: impl FnMut(i64, &ClientMessage<'_>)) -> Result<(), Unreadable> {
        self.entries_with(EntryColumns { position: true, details: true }, each)
    }

    /// The same; what is not among `columns` is 0.
    pub fn entries_with(
        &self,
        columns: EntryColumns,
        mut each: impl FnMut(i64, &ClientMessage<'_>),
    ) -> Result<(), Unreadable> {
        self.entries_until(columns, |row, entry| {
            each(row, entry);
            ControlFlow::Continue(())
        })
    }

    /// The same, until `each` has enough.
    pub fn entries_until(
        &self,
        columns: EntryColumns,
        mut each: impl FnMut(i64, &ClientMessage<'_>) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let of_sessions = self.of_sessions()?;
        let position = if columns.position { "cmsg_id" } else { "NULL" };
        let details = "mid, retain, dup, subscription_identifier, rowid";
        let details = if columns.details { details } else { "NULL, NULL, NULL, NULL, NULL" };
        self.rows_until(
            &format!(
                "SELECT client_id, store_id, direction, qos, state, {position}, {details} FROM client_msgs {of_sessions}
                 ORDER BY rowid"
            ),
            |row| {
                let number = |column| number(row, column);
                let detail = |column| if columns.details { number(column) } else { Ok(0) };
                Ok(each(
                    detail(10)?,
                    &ClientMessage {
                        client_id: bytes(row, 0)?,
                        cmsg_id: if columns.position { number(5)?.cast_unsigned() } else { 0 },
                        store_id: store_id(row, 1)?,
                        mid: small(detail(6)?),
                        qos: small(number(3)?),
                        retain: detail(7)? != 0,
                        dup: detail(8)? != 0,
                        direction: if number(2)? == 0 { Direction::Incoming } else { Direction::Outgoing },
                        state: small(number(4)?),
                        properties: Properties::None,
                        subscription_identifier: small(detail(9)?),
                    },
                ))
            },
        )
    }

    /// Every session.
    pub fn clients(&self, mut each: impl FnMut(&Client<'_>)) -> Result<(), Unreadable> {
        self.rows(
            "SELECT client_id, username, session_expiry_time, listener_port, session_expiry_interval FROM clients",
            |row| {
                let expires = number(row, 2)?;
                let interval = number(row, 4)?;
                let session_expires = (expires > 0).then_some(expires);
                let session_expiry_interval = u32::try_from(interval).unwrap_or(u32::MAX);
                each(&Client {
                    client_id: bytes(row, 0)?,
                    username: bytes(row, 1)?,
                    last_mid: 0,
                    listener_port: small(number(row, 3)?),
                    session_expires,
                    session_expiry_interval,
                    disconnected_at: session_expires
                        .filter(|_| session_expiry_interval != u32::MAX)
                        .map(|at| at - i64::from(session_expiry_interval)),
                });
                Ok(())
            },
        )
    }

    /// Every subscription, shared ones included.
    pub fn subscriptions(&self, mut each: impl FnMut(&Subscription<'_>)) -> Result<(), Unreadable> {
        let of_sessions = self.of_sessions()?;
        self.rows(
            &format!(
                "SELECT client_id, CAST(topic AS BLOB), subscription_options, subscription_identifier
                 FROM subscriptions {of_sessions}"
            ),
            |row| {
                let options: u8 = small(number(row, 2)?);
                each(&Subscription {
                    client_id: bytes(row, 0)?,
                    filter: bytes(row, 1)?,
                    qos: options & 0b11,
                    options: options & !0b11,
                    identifier: small(number(row, 3)?),
                });
                Ok(())
            },
        )
    }

    /// The retained message of each topic.
    pub fn retained(&self, mut each: impl FnMut(&[u8], StoreId)) -> Result<(), Unreadable> {
        self.rows("SELECT CAST(topic AS BLOB), store_id FROM retains", |row| {
            each(bytes(row, 0)?, store_id(row, 1)?);
            Ok(())
        })
    }

    /// Ends the reading. Says so if a broker started meanwhile and what was read may be a mixture.
    pub fn finish(self) -> Result<(), Unreadable> {
        if let Some((length, modified)) = self.unused {
            let now = fs::metadata(&self.path).map_err(Unreadable::Io)?;
            if beside(&self.path, "-wal").exists() || now.len() != length || now.modified().ok() != modified {
                return Err(Unreadable::ChangedMeanwhile);
            }
        }
        Ok(())
    }

    pub(super) fn rows(
        &self,
        query: &str,
        mut each: impl FnMut(&Row<'_>) -> Result<(), rusqlite::Error>,
    ) -> Result<(), Unreadable> {
        self.rows_until(query, |row| each(row).map(ControlFlow::Continue))
    }

    fn rows_until(
        &self,
        query: &str,
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, rusqlite::Error>,
    ) -> Result<(), Unreadable> {
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if each(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The database and its log, copied into a folder of our own.
#[derive(Debug)]
struct PrivateCopy {
    _folder: PrivateFolder,
    database: PathBuf,
}

impl PrivateCopy {
    fn of(database: &Path, log: &Path) -> io::Result<Self> {
        let folder = PrivateFolder::make("copy")?;
        let copy = Self { database: folder.path().join("copy.sqlite3"), _folder: folder };
        fs::copy(database, &copy.database)?;
        fs::copy(log, beside(&copy.database, "-wal"))?;
        Ok(copy)
    }
}

fn check_magic(path: &Path) -> Result<Metadata, Unreadable> {
    let mut file = File::open(path).map_err(Unreadable::Io)?;
    let metadata = file.metadata().map_err(Unreadable::Io)?;
    if !metadata.is_file() {
        return Err(Unreadable::NotAFile);
    }
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => Ok(metadata),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(Unreadable::Io(error)),
        _ => Err(Unreadable::NotSqlite),
    }
}

/// The file that SQLite keeps beside `path` under its name and `suffix`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn connect(path: &Path, options: &str) -> Result<Connection, Unreadable> {
    // An absolute path needs an empty authority in front, or one that starts with // would be read as one.
    let mut uri = if path.is_absolute() { b"file://".to_vec() } else { b"file:".to_vec() };
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02X}").bytes()),
            plain => uri.push(*plain),
        }
    }
    uri.extend(format!("?{options}").bytes());
    let uri = String::from_utf8(uri).map_err(|_| Unreadable::Io(io::ErrorKind::InvalidFilename.into()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Text or blob; nothing for NULL. A number can stand where a text was meant only in columns that
/// the queries cast.
pub(super) fn bytes<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8], rusqlite::Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
    })
}

/// An integer; 0 for NULL and for what is none.
pub(super) fn number(row: &Row<'_>, column: usize) -> Result<i64, rusqlite::Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => number,
        _ => 0,
    })
}

/// Ids of node 512 and above are negative in the file.
pub(super) fn store_id(row: &Row<'_>, column: usize) -> Result<StoreId, rusqlite::Error> {
    Ok(StoreId(number(row, column)?.cast_unsigned()))
}

/// A number in a smaller type; 0 when the file holds one that cannot be.
pub(super) fn small<T: TryFrom<i64> + Default>(number: i64) -> T {
    T::try_from(number).unwrap_or_default()
}

pub(super) fn json(properties: &[u8]) -> Properties<'_> {
    if properties.is_empty() { Properties::None } else { Properties::Json(properties) }
}

//! Large tables of persist-sqlite, which two threads read: in order, whatever numbers the rows have, and never half of them.

use std::fs;
use std::path::Path;

use moskit::queue::age::AgeFrom;
use moskit::queue::file::{FileSource, Format};
use moskit::queue::{Error, Item, Source, Want};
use moskit::state::ids::{StoreId, UnixTime};
use moskit::state::sqlite::Unreadable;

const ROWS: i64 = 6_000;

/// The numbers of rows: as clocks give them, with leaps, below zero, and nearly all at one place.
fn number(spread: usize, n: i64) -> i64 {
    match spread {
        0 => n + 1,
        1 => n * 1_000_003 - 900_000_000,
        2 => {
            if n < ROWS - 1 {
                n - 3
            } else {
                i64::MAX
            }
        }
        _ => (n / 1_000) << 50 | n,
    }
}

/// Writes the tables as Mosquitto declares them, of some 6 MB. Names the client, topic, publisher and bytes of each entry.
fn write_tables(path: &Path, spread: usize) -> Vec<(String, String, String, u64)> {
    let mut database = rusqlite::Connection::open(path).unwrap();
    let tables = "
        CREATE TABLE base_msgs (store_id INT64 PRIMARY KEY, expiry_time INT64, topic STRING NOT NULL, payload BLOB,
            source_id STRING, source_username STRING, payloadlen INTEGER, source_mid INTEGER, source_port INTEGER,
            qos INTEGER, retain INTEGER, properties STRING);
        CREATE TABLE clients (client_id TEXT PRIMARY KEY, username TEXT, connection_time INT64, will_delay_time INT64,
            session_expiry_time INT64, listener_port INT, max_packet_size INT, max_qos INT, retain_available INT,
            session_expiry_interval INT, will_delay_interval INT);
        CREATE TABLE client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64, dup INTEGER,
            direction INTEGER, mid INTEGER, qos INTEGER, retain INTEGER, state INTEGER, subscription_identifier INTEGER);";
    database.execute_batch(tables).unwrap();
    let transaction = database.transaction().unwrap();
    let mut expected = Vec::new();
    for n in 0..ROWS {
        let id = StoreId::at(UnixTime::from_seconds(1_790_000_000 + n)).0.cast_signed();
        let (topic, publisher) = (format!("a/{}", n % 7), format!("p{}", n % 3));
        transaction
            .execute(
                "INSERT INTO base_msgs (rowid, store_id, expiry_time, topic, payload, source_id, payloadlen, qos, retain)
                 VALUES (?1, ?2, 0, ?3, zeroblob(?4), ?5, ?4, 1, 0)",
                (number(spread, n), id, &topic, 600 + n % 1_000, &publisher),
            )
            .unwrap();
        let client = format!("c{}", n / 100 % 5);
        transaction
            .execute(
                "INSERT INTO client_msgs (rowid, client_id, cmsg_id, store_id, dup, direction, mid, qos, retain, state)
                 VALUES (?1, ?2, ?3, ?4, 0, 1, 0, 1, 0, 11)",
                (number(spread, n), &client, n, id),
            )
            .unwrap();
        expected.push((client, topic, publisher, (600 + n % 1_000).cast_unsigned()));
    }
    transaction.commit().unwrap();
    expected
}

fn read(path: &Path, want: &Want) -> Result<Vec<(String, String, String, u64)>, Error> {
    let mut source = FileSource { path: path.to_owned(), format: Format::Sqlite, ledger: None, at: None };
    let mut found = Vec::new();
    let snapshot = source.read(want, &mut |item| {
        if let Item::Message(message) = item {
            let [client, topic, publisher] = [message.client, message.topic, message.publisher].map(str::to_owned);
            found.push((client, topic, publisher, message.bytes));
        }
    })?;
    assert_eq!((snapshot.stored, snapshot.orphans), (Some(ROWS.cast_unsigned()), 0));
    Ok(found)
}

fn all() -> Want {
    Want { topics: true, publishers: true, bytes: true, ..Want::default() }
}

#[test]
fn entries_come_in_the_order_of_their_rows_whatever_numbers_the_rows_have() {
    let folder = tempfile::tempdir().unwrap();
    for spread in 0..4 {
        let path = folder.path().join(format!("{spread}.sqlite3"));
        let expected = write_tables(&path, spread);
        assert!(fs::metadata(&path).unwrap().len() > 5 << 20, "too short for two threads");
        assert_eq!(read(&path, &all()).unwrap(), expected, "{spread}");
        // Payloads are read by one of the two alone.
        let want = Want { age_from: AgeFrom::Payload { pointer: "/t".to_owned() }, ..all() };
        assert_eq!(read(&path, &want).unwrap(), expected, "{spread}");
    }
}

#[test]
fn a_row_whose_number_is_out_of_place_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.sqlite3");
    write_tables(&path, 1);
    let sound = fs::read(&path).unwrap();
    // Numbers of nine bytes would need no more than this; these have five, of seven bits each.
    let varint = |number: i64| -> Vec<u8> {
        (0..5).rev().map(|place| (number >> (7 * place) & 0x7F) as u8 | if place > 0 { 0x80 } else { 0 }).collect()
    };
    let mut damaged = 0;
    for n in [2_000, 3_333, 4_444, 5_998] {
        let (number, wrong) = (varint(number(1, n)), varint(number(1, n) + (1 << 33)));
        assert!(number[0] & 0x7F > 0, "five bytes");
        for (place, _) in sound.windows(5).enumerate().filter(|(_, bytes)| *bytes == number) {
            let mut bytes = sound.clone();
            bytes[place..place + 5].copy_from_slice(&wrong);
            fs::write(&path, &bytes).unwrap();
            // In a leaf's row; elsewhere the same bytes lead to a row, or mean nothing.
            match read(&path, &all()) {
                Err(Error::Sqlite(_, Unreadable::Sqlite(error))) => {
                    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseCorrupt));
                    damaged += 1;
                }
                Err(other) => panic!("{other:?}"),
                Ok(found) => assert_eq!(found.len(), ROWS as usize),
            }
        }
    }
    assert!(damaged >= 4, "{damaged} of 8 rows");
}

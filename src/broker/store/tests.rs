//! Tests of the store: what goes in comes out, and what is broken is put right or refused.

use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::broker::{
    ClientRecord, Direction, EntryRecord, EntryState, Message, MessageId, PORTION_OF_ENTRIES, PORTION_OF_SUBSCRIPTIONS,
    RestoredClient, SessionExpiry, Source, SubscriptionRecord, WillRecord,
};
use crate::mqtt::packet::{PacketId, Property, QoS, RetainHandling, SubscriptionIdentifier, SubscriptionOptions};

const WALL: WallTime = at(1_795_000_000);

/// So many seconds after 1970 began.
const fn at(seconds: u64) -> WallTime {
    WallTime::after_epoch(Duration::from_secs(seconds))
}

/// What is in the file, which the store opens anew for the next commit.
fn reload(store: &mut Store) -> Restored {
    reload_at(store, WALL)
}

fn reload_at(store: &mut Store, wall: WallTime) -> Restored {
    store.writer = None;
    restore::read(&store.path, wall).unwrap().0
}

fn message(number: u64, topic: &str) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId(MessageId::at(WALL).0 + number),
        topic: topic.into(),
        payload: Bytes::from(format!("payload {number}")),
        qos: QoS::ExactlyOnce,
        retain: false,
        properties: [Property::ContentType("text/plain".into())].into_iter().collect(),
        expires_at: None,
        packet_id: PacketId::new(3),
        source: Arc::new(Source { client_id: "source".into(), username: Some("ann".into()), listener_port: 1883 }),
    })
}

fn copy(message: &Message) -> Message {
    Message {
        topic: message.topic.clone(),
        payload: message.payload.clone(),
        properties: message.properties.clone(),
        source: message.source.clone(),
        ..*message
    }
}

fn client(id: &str, disconnected_at: Option<WallTime>) -> ClientRecord {
    ClientRecord {
        client_id: id.into(),
        username: Some("bob".into()),
        listener_port: 1884,
        session_expiry: SessionExpiry::from_interval(3600),
        created_at: at(1_794_999_940),
        disconnected_at,
        max_packet_size: None,
        max_qos: QoS::ExactlyOnce,
        retain_available: true,
        will_delay_interval: 5,
    }
}

fn entry(client_id: &str, sequence: u64, message: &Message, state: EntryState) -> EntryRecord {
    EntryRecord {
        client_id: client_id.into(),
        sequence,
        message: message.id,
        direction: Direction::Out,
        packet_id: PacketId::new(if state == EntryState::Queued { sequence as u16 } else { 40 }),
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        state,
        subscription_identifiers: Vec::new(),
        queued_at: WALL + Duration::from_nanos(128 * (message.id.0 - MessageId::at(WALL).0)),
        pubrel_order: None,
    }
}

fn open(path: &Path) -> (Store, Restored) {
    Store::open(path, Sync::Normal, WALL).unwrap()
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("state.sqlite3")
}

/// Everything that a state can hold.
fn changes() -> Vec<Change> {
    let (first, second) = (message(1, "0042"), message(2, "a/b"));
    let options = SubscriptionOptions {
        qos: QoS::ExactlyOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    let will = WillRecord {
        topic: "will".into(),
        payload: Bytes::new(),
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: [Property::UserProperty("a".into(), "b".into()), Property::MessageExpiryInterval(60)]
            .into_iter()
            .collect(),
    };
    let release = EntryRecord {
        pubrel_order: NonZeroU64::new(4),
        subscription_identifiers: [7, 9].into_iter().filter_map(SubscriptionIdentifier::new).collect(),
        ..entry("ü:1", 2, &second, EntryState::WaitForPubComp)
    };
    let incoming = EntryRecord {
        direction: Direction::In,
        packet_id: PacketId::new(9),
        qos: QoS::ExactlyOnce,
        state: EntryState::WaitForPubRel,
        ..entry("ü:1", 3, &second, EntryState::Queued)
    };
    vec![
        Change::Client(Box::new(client("ü:1", Some(WALL)))),
        Change::Will("ü:1".into(), Box::new(will)),
        Change::Subscribed(
            "ü:1".into(),
            SubscriptionRecord { filter: "0042".into(), options, identifier: SubscriptionIdentifier::new(7) },
        ),
        Change::Subscribed(
            "ü:1".into(),
            SubscriptionRecord { filter: "$share/pool/#".into(), options, identifier: None },
        ),
        Change::Stored(first.clone()),
        Change::Stored(second.clone()),
        Change::Queued(Box::new(entry("ü:1", 1, &first, EntryState::Queued))),
        Change::Queued(Box::new(release)),
        Change::Queued(Box::new(incoming)),
        Change::Retained { topic: "0042".into(), message: first.id },
    ]
}

#[test]
fn what_is_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, empty) = open(&file(&folder));
    assert!(empty.messages.is_empty() && empty.clients.is_empty() && empty.retained.is_empty());
    store.commit(&changes()).unwrap();
    store.close().unwrap();

    let (_store, state) = open(&file(&folder));
    assert_eq!(state.messages, [message(1, "0042"), message(2, "a/b")]);
    assert_eq!(state.retained, [message(1, "").id]);
    assert_eq!(state.last_message_id, message(2, "").id);
    let [RestoredClient { record, will, subscriptions, entries, .. }] = state.clients.as_slice() else {
        panic!("one client: {state:?}")
    };
    let mut expected = changes().into_iter();
    assert_eq!(expected.next(), Some(Change::Client(Box::new(record.clone()))));
    assert_eq!(expected.next(), Some(Change::Will("ü:1".into(), Box::new(will.clone().unwrap()))));
    for subscription in subscriptions {
        assert_eq!(expected.next(), Some(Change::Subscribed("ü:1".into(), subscription.clone())));
    }
    let mut expected = expected.skip(2);
    for entry in entries {
        assert_eq!(expected.next(), Some(Change::Queued(Box::new(entry.clone()))));
    }
    assert_eq!(entries.len(), 3);
}

#[test]
fn the_file_is_for_its_owner_only_and_is_one_file_after_a_clean_end() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    store.commit(&changes()).unwrap();
    for name in ["state.sqlite3", "state.sqlite3-wal"] {
        assert_eq!(folder.path().join(name).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    store.close().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn removals_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    store.commit(&changes()).unwrap();
    store
        .commit(&[
            Change::EntryRemoved { client_id: "ü:1".into(), sequence: 2 },
            Change::ClientRemoved("ü:1".into()),
            Change::RetainedRemoved { topic: "0042".into() },
            Change::Removed(message(1, "").id),
            Change::Removed(message(2, "").id),
        ])
        .unwrap();
    let state = reload(&mut store);
    assert!(state.messages.is_empty() && state.clients.is_empty() && state.retained.is_empty(), "{state:?}");
    store.close().unwrap();
    let connection = rusqlite::Connection::open(file(&folder)).unwrap();
    for table in
        ["base_msgs", "client_msgs", "clients", "subscriptions", "retains", "wills", "moskit_entry", "moskit_session"]
    {
        let rows: i64 = connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[test]
fn how_far_a_message_has_been_given_out_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    let one = message(1, "t");
    let incoming = EntryRecord {
        direction: Direction::In,
        packet_id: PacketId::new(9),
        qos: QoS::ExactlyOnce,
        ..entry("p", 1, &one, EntryState::WaitForPubRel)
    };
    let begun =
        [Change::Client(Box::new(client("p", None))), Change::Stored(one), Change::Queued(Box::new(incoming.clone()))];
    store.commit(&begun).unwrap();
    for place in [1, 1 << 40, i64::MAX.unsigned_abs()] {
        let further = EntryRecord { pubrel_order: NonZeroU64::new(place), ..incoming.clone() };
        store.commit(&[Change::EntryChanged(Box::new(further.clone()))]).unwrap();
        assert_eq!(reload(&mut store).clients[0].entries, [further]);
    }
}

#[test]
fn a_changed_entry_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    let one = message(1, "a");
    let queue = |state| [1, 2, 3].map(|sequence| entry("c", sequence, &one, state));
    store.commit(&[Change::Client(Box::new(client("c", None))), Change::Stored(one.clone())]).unwrap();
    store.commit(&queue(EntryState::Queued).map(|entry| Change::Queued(Box::new(entry)))).unwrap();
    let changed = entry("c", 1, &one, EntryState::WaitForPubAck);
    store.commit(&[Change::EntryChanged(Box::new(changed.clone()))]).unwrap();
    let state = reload(&mut store);
    let [_, second, third] = queue(EntryState::Queued);
    assert_eq!(state.clients[0].entries, [changed, second, third]);
}

/// Two clients with three entries each, all of one message.
fn two_queues(path: &Path) -> (Store, Arc<Message>) {
    let (mut store, _) = open(path);
    let one = message(1, "a");
    store.commit(&["c", "d"].map(|id| Change::Client(Box::new(client(id, Some(WALL)))))).unwrap();
    store.commit(&[Change::Stored(one.clone())]).unwrap();
    for id in ["c", "d"] {
        let queue = [1, 2, 3].map(|sequence| Change::Queued(Box::new(entry(id, sequence, &one, EntryState::Queued))));
        store.commit(&queue).unwrap();
    }
    (store, one)
}

#[test]
fn rows_that_another_program_numbers_anew_are_found_again() {
    let vacuum = |path: &Path| rusqlite::Connection::open(path).unwrap().execute_batch("VACUUM").unwrap();
    // With the file open, and opened anew after it.
    for is_opened_anew in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        let (mut store, one) = two_queues(&path);
        if is_opened_anew {
            store.let_go();
        }
        vacuum(&path);
        let changed = entry("d", 2, &one, EntryState::WaitForPubAck);
        store
            .commit(&[
                Change::EntryRemoved { client_id: "d".into(), sequence: 1 },
                Change::EntryChanged(Box::new(changed.clone())),
                Change::Queued(Box::new(entry("c", 4, &one, EntryState::Queued))),
            ])
            .unwrap();
        let queued = |id, sequence| entry(id, sequence, &one, EntryState::Queued);
        let entries =
            |store: &mut Store| reload(store).clients.into_iter().map(|client| client.entries).collect::<Vec<_>>();
        let of_c = [1, 2, 3, 4].map(|sequence| queued("c", sequence)).to_vec();
        assert_eq!(entries(&mut store), [of_c.clone(), vec![changed, queued("d", 3)]], "{is_opened_anew}");
        // A session that ends takes all of its entries with it, and no others.
        vacuum(&path);
        store.commit(&[Change::ClientRemoved("d".into()), Change::Client(Box::new(client("d", Some(WALL))))]).unwrap();
        assert_eq!(entries(&mut store), [of_c, Vec::new()], "{is_opened_anew}");
    }
}

#[test]
fn a_few_rows_are_committed_at_once_and_what_may_take_long_is_left_to_who_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, first) = two_queues(&file(&folder));
    let queued = |sequence| Change::Queued(Box::new(entry("c", sequence, &first, EntryState::Queued)));
    let large = message(9, "t");
    let large = Arc::new(Message { payload: vec![b'x'; 70_000].into(), ..copy(&large) });
    let not_brief = [
        vec![],
        vec![queued(10), Change::ClientRemoved("d".into())],
        (10..=10 + BRIEF_CHANGES as u64).map(queued).collect(),
        vec![Change::Stored(large)],
    ];
    for changes in not_brief {
        assert!(store.commit_at_once(&changes).is_none(), "{} changes", changes.len());
    }
    let entries = |store: &mut Store| reload(store).clients[0].entries.len();
    let before = entries(&mut store);
    // Nor by a store that opens its file first.
    assert!(store.commit_at_once(&[queued(10)]).is_none());
    store.commit(&[queued(10)]).unwrap();
    assert!(matches!(store.commit_at_once(&[queued(11), queued(12)]), Some(Ok(()))));
    // Another program writes: perhaps it has numbered all rows anew.
    let other = rusqlite::Connection::open(file(&folder)).unwrap();
    other.execute_batch("CREATE TABLE other (x); DROP TABLE other;").unwrap();
    assert!(store.commit_at_once(&[queued(13)]).is_none());
    store.commit(&[queued(13)]).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(store.commit_at_once(&[queued(14)]).is_none());
    other.execute_batch("COMMIT").unwrap();
    assert!(matches!(store.commit_at_once(&[queued(14)]), Some(Ok(()))));
    drop(other);
    assert_eq!(entries(&mut store), before + 5);
    let (mut full, _) = Store::open(&folder.path().join("full"), Sync::Full, WALL).unwrap();
    full.commit(&[Change::Client(Box::new(client("c", None)))]).unwrap();
    assert!(full.commit_at_once(&[queued(1)]).is_none());
}

/// A batch of one row and fifteen pages.
fn large() -> [Change; 1] {
    let stored = Message { payload: vec![b'x'; 60_000].into(), ..copy(&message(1, "t")) };
    [Change::Stored(Arc::new(stored))]
}

#[test]
fn a_long_log_is_moved_while_commits_go_on_and_begins_anew_once_all_of_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    let batch = large();
    let log = Arc::clone(store.log());
    let mut commits = 0;
    let mut commit = |store: &mut Store| {
        store.commit_at_once(&batch).unwrap().unwrap();
        commits += 1;
    };
    while !log.is_to_be_moved() {
        commit(&mut store);
    }
    let moving = {
        let log = Arc::clone(&log);
        std::thread::spawn(move || log.move_on())
    };
    for _ in 0..100 {
        commit(&mut store);
    }
    moving.join().unwrap().unwrap();
    assert!(!log.is_to_be_moved());
    while !log.is_long() {
        commit(&mut store);
    }
    log.move_on().unwrap();
    commit(&mut store);
    assert!(!log.is_long());
    assert!(commits > 500, "{commits}");
    assert_eq!(Arc::strong_count(&log), 2);
    assert_eq!(reload(&mut store).messages.len(), 0, "nobody refers to it");
}

#[test]
fn a_log_is_moved_into_no_file_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (mut store, _) = open(&path);
    store.commit(&changes()).unwrap();
    let aside = folder.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    assert!(matches!(store.log().move_on(), Err(StoreError::Gone)));
    std::fs::copy(&aside, &path).unwrap();
    let others = std::fs::read(&path).unwrap();
    assert!(matches!(store.log().move_on(), Err(StoreError::Replaced)));
    assert_eq!(std::fs::read(&path).unwrap(), others);
    std::fs::rename(&aside, &path).unwrap();
    let log = sqlite::log_of(&path);
    std::fs::rename(&log, &aside).unwrap();
    assert!(matches!(store.log().move_on(), Err(StoreError::Gone)));
    std::fs::rename(&aside, &log).unwrap();
    store.log().move_on().unwrap();
    // Closed with its store, it has no file open that could be moved into.
    let log = Arc::clone(store.log());
    store.close().unwrap();
    log.move_on().unwrap();
}

#[test]
fn who_was_connected_at_a_kill_is_gone_since_the_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    store.commit(&[Change::Client(Box::new(client("c", None)))]).unwrap();
    let later = WALL + Duration::from_secs(9);
    let read = reload_at(&mut store, later);
    assert_eq!(read.clients[0].record, client("c", Some(later)));
    assert!(read.clients[0].was_connected);
    store.commit(&[Change::Client(Box::new(client("c", Some(WALL))))]).unwrap();
    assert!(!reload_at(&mut store, later).clients[0].was_connected);
}

#[test]
fn what_comes_and_goes_within_a_batch_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    let (passing, staying) = (message(1, "a"), message(2, "a"));
    let batch = [
        Change::Stored(passing.clone()),
        Change::Queued(Box::new(entry("c", 1, &passing, EntryState::Queued))),
        Change::Stored(staying.clone()),
        Change::Queued(Box::new(entry("c", 2, &staying, EntryState::Queued))),
        Change::EntryChanged(Box::new(entry("c", 1, &passing, EntryState::WaitForPubAck))),
        Change::EntryRemoved { client_id: "c".into(), sequence: 1 },
        Change::Removed(passing.id),
    ];
    let covered: Vec<_> = batch.iter().map(|change| Passing::of(&batch).covers(change)).collect();
    assert_eq!(covered, [true, true, false, false, true, true, true]);
    store.commit(&[Change::Client(Box::new(client("c", None)))]).unwrap();
    store.commit(&batch).unwrap();
    let state = reload(&mut store);
    assert_eq!(state.messages, std::slice::from_ref(&staying));
    assert_eq!(state.clients[0].entries, [entry("c", 2, &staying, EntryState::Queued)]);
}

#[test]
fn a_full_disk_refuses_the_batch_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    store.commit(&changes()).unwrap();
    let writer = &store.writer.as_ref().unwrap().writer;
    writer.limit_pages(writer.pages() + 2);
    let big = Arc::new(Message { payload: Bytes::from(vec![b'x'; 1 << 20]), ..copy(&message(3, "big")) });
    let batch = [Change::Stored(big.clone()), Change::Queued(Box::new(entry("ü:1", 4, &big, EntryState::Queued)))];
    assert!(matches!(store.commit(&batch), Err(StoreError::Sqlite(_))));
    let state = reload(&mut store);
    assert_eq!(state.messages.len(), 2);
    assert_eq!(state.clients[0].entries.len(), 3);
    // The reload opened the file anew, without the limit: there is room again.
    store.commit(&batch).unwrap();
    assert_eq!(reload(&mut store).messages.len(), 3);
}

#[test]
fn two_brokers_do_not_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, _) = open(&file(&folder));
    assert!(matches!(Store::open(&file(&folder), Sync::Full, WALL), Err(StoreError::InUse)));
}

#[test]
fn other_peoples_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bookmarks.sqlite3");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Store::open(&path, Sync::Normal, WALL), Err(StoreError::NotPersistSqlite)));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database at all").unwrap();
    assert!(matches!(Store::open(&path, Sync::Normal, WALL), Err(StoreError::NotPersistSqlite)));
    let newer = file(&folder);
    open(&newer).0.close().unwrap();
    rusqlite::Connection::open(&newer).unwrap().execute("UPDATE version_info SET major = 2", []).unwrap();
    assert!(matches!(Store::open(&newer, Sync::Normal, WALL), Err(StoreError::TooNew { major: 2 })));
}

#[test]
fn rows_without_partner_are_dropped_and_entries_numbered_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    store.commit(&changes()).unwrap();
    store.close().unwrap();
    let connection = rusqlite::Connection::open(file(&folder)).unwrap();
    connection
        .execute_batch(
            "INSERT INTO client_msgs SELECT 'nobody', 1, store_id, 0, 1, 0, 1, 0, 11, 0 FROM base_msgs;
             INSERT INTO client_msgs VALUES ('ü:1', 9, 12345, 0, 1, 0, 1, 0, 11, 0);
             INSERT INTO retains VALUES ('gone', 12345);
             INSERT INTO base_msgs (store_id, topic) VALUES (777, 'nobody waits');
             INSERT INTO moskit_entry VALUES ('ü:1', 77, 1, 0, '', 0);
             UPDATE client_msgs SET cmsg_id = 1 WHERE client_id = 'ü:1';",
        )
        .unwrap();
    drop(connection);
    let (store, state) = open(&file(&folder));
    assert_eq!(state.messages.len(), 2);
    assert_eq!(state.retained.len(), 1);
    let sequences: Vec<_> = state.clients[0].entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
    store.close().unwrap();
    let connection = rusqlite::Connection::open(file(&folder)).unwrap();
    let count = |table: &str| {
        connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(["base_msgs", "client_msgs", "retains"].map(count), [2, 3, 1]);
}

#[test]
fn a_file_of_mosquittos_plugin_is_restored_and_its_topics_become_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE base_msgs (store_id INT64 PRIMARY KEY, expiry_time INT64, topic STRING NOT NULL, payload BLOB,
                source_id STRING, source_username STRING, payloadlen INTEGER, source_mid INTEGER, source_port INTEGER,
                qos INTEGER, retain INTEGER, properties STRING);
             CREATE TABLE retains (topic STRING PRIMARY KEY, store_id INT64);
             CREATE TABLE clients (client_id TEXT PRIMARY KEY, username TEXT, connection_time INT64,
                will_delay_time INT64, session_expiry_time INT64, listener_port INT, max_packet_size INT, max_qos INT,
                retain_available INT, session_expiry_interval INT, will_delay_interval INT);
             CREATE TABLE subscriptions (client_id TEXT NOT NULL, topic TEXT NOT NULL, subscription_options INTEGER,
                subscription_identifier INTEGER, PRIMARY KEY (client_id, topic));
             CREATE TABLE client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64, dup INTEGER,
                direction INTEGER, mid INTEGER, qos INTEGER, retain INTEGER, state INTEGER,
                subscription_identifier INTEGER);
             CREATE INDEX retains_storeid ON retains(store_id);
             INSERT INTO base_msgs VALUES (1326220710643090, 0, '0042', x'AA', '7', NULL, 1, 1, 1883, 1, 1, NULL);
             INSERT INTO retains VALUES ('0042', 1326220710643090);
             INSERT INTO clients VALUES ('c', NULL, 1795266101, 0, 1797858101, 1883, 0, 2, 1, 2592000, 0);
             INSERT INTO clients VALUES ('d', 'u', 1795266101, 0, 0, 1883, 0, 2, 1, -1, 0);
             INSERT INTO client_msgs VALUES ('c', 1, 1326220710643090, 0, 1, 1, 1, 0, 11, 7);",
        )
        .unwrap();
    drop(connection);
    let (mut store, state) = open(&path);
    assert_eq!(state.messages[0].topic, "42", "what Mosquitto lost stays lost");
    assert_eq!(state.messages[0].source.client_id, "7");
    let [c, d] = state.clients.as_slice() else { panic!("two clients") };
    assert_eq!(c.record.disconnected_at, Some(at(1_797_858_101 - 2_592_000)));
    assert_eq!(c.entries[0].subscription_identifiers, [SubscriptionIdentifier::new(7).unwrap()]);
    assert_eq!(d.record.disconnected_at, Some(WALL));
    assert_eq!(d.record.session_expiry, SessionExpiry::Never);
    let numeric = message(5, "0042");
    store
        .commit(&[Change::Stored(numeric.clone()), Change::Retained { topic: "0042".into(), message: numeric.id }])
        .unwrap();
    let topics: Vec<_> = reload(&mut store).messages.iter().map(|one| one.topic.clone()).collect();
    assert_eq!(topics, ["0042", "42"]);
}

#[test]
fn messages_with_expiry_keep_it_to_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    let expires_at = Some(WALL + Duration::from_millis(5500));
    let one = Arc::new(Message { expires_at, ..copy(&message(1, "a")) });
    store.commit(&[Change::Stored(one.clone()), Change::Retained { topic: "a".into(), message: one.id }]).unwrap();
    let state = reload(&mut store);
    assert_eq!(state.messages[0].expires_at, Some(WALL + Duration::from_secs(6)));
    // Whole seconds, and no more than there were.
    assert_eq!(state.messages[0].properties.message_expiry_interval(), Some(5));
}

#[test]
fn an_export_is_imported_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    store.commit(&changes()).unwrap();
    let state = reload(&mut store);
    let exported = export(&state).unwrap();
    assert_eq!(exported.wills_left_out, 1);
    let path = folder.path().join("mosquitto.db");
    std::fs::write(&path, &exported.bytes).unwrap();
    let imported = import(&path, WALL).unwrap();
    assert!(imported.damage.is_none());
    assert_eq!(imported.orphans, 0);
    assert_eq!(imported.state.messages, state.messages);
    assert_eq!(imported.state.retained, state.retained);
    let [before] = state.clients.as_slice() else { panic!("one client") };
    let [after] = imported.state.clients.as_slice() else { panic!("one client") };
    assert_eq!(after.subscriptions, before.subscriptions);
    let heads = |client: &RestoredClient| {
        let mut heads: Vec<_> =
            client.entries.iter().map(|entry| (entry.message, entry.state, entry.packet_id, entry.direction)).collect();
        heads.sort_by_key(|head| (head.3 as u8, head.1 == EntryState::Queued));
        heads
    };
    assert_eq!(heads(after), heads(before));

    let other = folder.path().join("imported.sqlite3");
    let (mut store, _) = open(&other);
    store.fill(&imported.state).unwrap();
    assert_eq!(reload(&mut store).clients[0].entries, after.entries);
}

#[test]
fn files_of_every_version_are_imported() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/queues");
    let mut seen = 0;
    for folder in ["old", "mosq212-real", "mosq2011-fake"] {
        for file in std::fs::read_dir(samples.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "db") {
                continue;
            }
            let imported = import(&file, WALL).unwrap();
            assert!(imported.damage.is_none(), "{}: {:?}", file.display(), imported.damage);
            let entries: usize = imported.state.clients.iter().map(|client| client.entries.len()).sum();
            assert!(entries > 0 && !imported.state.retained.is_empty(), "{}", file.display());
            // What goes through our own tables and out again is the same.
            let folder = tempfile::tempdir().unwrap();
            let (mut store, _) = open(&folder.path().join("state.sqlite3"));
            store.fill(&imported.state).unwrap();
            let state = reload(&mut store);
            assert_eq!(export(&state).unwrap().bytes.len(), export(&imported.state).unwrap().bytes.len());
            seen += 1;
        }
    }
    assert!(seen >= 6, "only {seen} samples found");
}

#[test]
fn a_damaged_file_gives_what_stands_before_the_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    let (mut store, _) = open(&file(&folder));
    store.commit(&changes()).unwrap();
    let mut bytes = export(&reload(&mut store)).unwrap().bytes;
    bytes.truncate(bytes.len() - 3);
    std::fs::write(&path, &bytes).unwrap();
    let imported = import(&path, WALL).unwrap();
    assert!(imported.damage.is_some());
    assert_eq!(imported.state.clients[0].entries.len(), 3);
    std::fs::write(&path, "nothing").unwrap();
    assert!(import(&path, WALL).is_err());
}

#[test]
fn an_entry_of_a_session_that_began_anew_in_one_batch_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    let (old, new) = (message(1, "a"), message(2, "a"));
    let queued = |message: &Message| Change::Queued(Box::new(entry("c", 1, message, EntryState::Queued)));
    let begin = || Change::Client(Box::new(client("c", None)));
    let removed = || Change::EntryRemoved { client_id: "c".into(), sequence: 1 };
    store
        .commit(&[
            begin(),
            Change::Stored(old.clone()),
            queued(&old),
            // It has expired, and the client starts clean.
            removed(),
            Change::Removed(old.id),
            Change::ClientRemoved("c".into()),
            begin(),
            Change::Stored(new.clone()),
            queued(&new),
        ])
        .unwrap();
    let state = reload(&mut store);
    assert_eq!(state.clients[0].entries, [entry("c", 1, &new, EntryState::Queued)]);
    store.commit(&[removed(), Change::Removed(new.id)]).unwrap();
    assert!(reload(&mut store).clients[0].entries.is_empty());
}

/// What no broker writes, and a person with a SQLite shell can.
/// A session with entries, details and filters for some portions, and another beside it.
fn with_much(path: &Path) -> (Store, Arc<Message>) {
    let (mut store, _) = open(path);
    let one = message(1, "t");
    let mut changes = vec![Change::Stored(Arc::clone(&one))];
    for (id, entries) in [("much", 2 * PORTION_OF_ENTRIES + 10), ("other", 3)] {
        changes.push(Change::Client(Box::new(client(id, Some(WALL)))));
        changes.extend((1..=entries as u64).map(|sequence| {
            let late = WALL + Duration::from_secs(if sequence % 2 == 0 { 100 } else { 0 });
            Change::Queued(Box::new(EntryRecord { queued_at: late, ..entry(id, sequence, &one, EntryState::Queued) }))
        }));
        changes.extend((0..=PORTION_OF_SUBSCRIPTIONS).map(|number| {
            let filter = format!("t/{number}").into();
            Change::Subscribed(
                id.into(),
                SubscriptionRecord { filter, options: SubscriptionOptions::default(), identifier: None },
            )
        }));
    }
    store.commit(&changes).unwrap();
    (store, one)
}

/// How many rows of `client_id` are in each table.
fn rows_of(path: &Path, client_id: &str) -> Vec<i64> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let tables = ["clients", "client_msgs", "moskit_entry", "subscriptions", "moskit_leftovers"];
    let count = |table| {
        let query = format!("SELECT COUNT(*) FROM {table} WHERE client_id = ?1");
        connection.query_row(&query, [client_id], |row| row.get(0)).unwrap()
    };
    tables.into_iter().map(count).collect()
}

#[test]
fn a_session_ends_at_once_and_its_rows_go_in_portions() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (mut store, one) = with_much(&path);
    let others = rows_of(&path, "other");
    let portion = PORTION_OF_ENTRIES as i64;
    store.commit(&[Change::ClientRemoved("much".into())]).unwrap();
    assert_eq!(rows_of(&path, "much"), [0, portion + 10, portion / 2 + 5, 1, 1]);
    let is_forgotten = |restored: &Restored| {
        let [other] = &restored.clients[..] else { panic!("{:?}", restored.clients) };
        assert_eq!((&*other.record.client_id, other.entries.len()), ("other", 3));
        assert!(restored.losses.is_empty(), "{:?}", restored.losses);
    };
    is_forgotten(&reload(&mut store));
    // A batch that fails changes nothing of what is known of it.
    let stuck = rusqlite::Connection::open(&path).unwrap();
    stuck.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(store.commit(&[Change::LeftoversRemoved("much".into())]), Err(StoreError::Busy)));
    stuck.execute_batch("ROLLBACK").unwrap();
    store.commit(&[Change::LeftoversRemoved("much".into())]).unwrap();
    assert_eq!(rows_of(&path, "much"), [0, 10, 5, 0, 1]);
    is_forgotten(&reload(&mut store));
    // The rows are numbered anew by another program.
    rusqlite::Connection::open(&path).unwrap().execute_batch("VACUUM").unwrap();
    store.commit(&[Change::LeftoversRemoved("much".into())]).unwrap();
    assert_eq!((rows_of(&path, "much"), rows_of(&path, "other")), (vec![0; 5], others));
    // The next session of the client has a block of its own.
    let first = entry("much", 1, &one, EntryState::Queued);
    store.commit(&[Change::Client(Box::new(client("much", Some(WALL)))), Change::Queued(Box::new(first))]).unwrap();
    assert_eq!(rows_of(&path, "much"), [1, 1, 0, 0, 0]);
    store.close().unwrap();
}

#[test]
fn what_a_session_has_left_is_gone_with_the_next_start_or_the_next_session() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (mut store, _) = with_much(&path);
    store.commit(&[Change::ClientRemoved("much".into())]).unwrap();
    store.close().unwrap();
    let (store, restored) = open(&path);
    assert!(restored.losses.is_empty() && restored.clients.len() == 1);
    assert_eq!(rows_of(&path, "much"), [0; 5]);
    store.close().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (mut store, one) = with_much(&path);
    // Whatever the broker does, a session that begins has nothing of the one before.
    let [again, queued] = [
        Change::Client(Box::new(client("much", Some(WALL)))),
        Change::Queued(Box::new(entry("much", 1, &one, EntryState::Queued))),
    ];
    store.commit(&[Change::ClientRemoved("much".into()), again, queued]).unwrap();
    assert_eq!(rows_of(&path, "much"), [1, 1, 0, 0, 0]);
    let restored = reload(&mut store);
    let much = restored.clients.iter().find(|client| &*client.record.client_id == "much").unwrap();
    assert_eq!((much.entries.len(), much.subscriptions.len()), (1, 0));
}

#[test]
fn what_mosquitto_has_made_since_of_a_client_with_leftovers_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (mut store, one) = with_much(&path);
    let other = message(2, "u");
    store.commit(&[Change::Stored(Arc::clone(&other)), Change::ClientRemoved("much".into())]).unwrap();
    store.close().unwrap();
    // 2.1.2 leaves such rows where they are, forgets messages that nobody is to get, and adds rows behind the others.
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(&format!(
            "DELETE FROM base_msgs WHERE store_id = {}; DELETE FROM client_msgs WHERE client_id = 'other';
             INSERT INTO clients (client_id, session_expiry_interval) VALUES ('much', -1);
             INSERT INTO client_msgs VALUES ('much', 1, {}, 0, 1, 1, 1, 0, 11, 0)",
            one.id.0, other.id.0
        ))
        .unwrap();
    let (_, restored) = open(&path);
    let much = restored.clients.iter().find(|client| &*client.record.client_id == "much").unwrap();
    assert_eq!(much.entries.iter().map(|entry| entry.message).collect::<Vec<_>>(), [other.id]);
    assert_eq!(rows_of(&path, "much")[..2], [1, 1]);
}

#[test]
fn strange_rows_cost_nothing_but_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (mut store, _) = open(&path);
    let (first, second) = (message(1, "t"), message(2, "t"));
    store
        .commit(&[
            Change::Client(Box::new(client("c", Some(WALL)))),
            Change::Stored(first.clone()),
            Change::Stored(second.clone()),
            Change::Queued(Box::new(entry("c", 1, &first, EntryState::Queued))),
        ])
        .unwrap();
    store.close().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let entry_row = |cmsg_id: i64, direction: u8, mid: u16, qos: u8, state: i64| {
        let id = second.id.0.cast_signed();
        connection
            .execute(
                "INSERT INTO client_msgs VALUES ('c', ?1, ?2, 0, ?3, ?4, ?5, 0, ?6, 0)",
                rusqlite::params![cmsg_id, id, direction, mid, qos, state],
            )
            .unwrap();
    };
    for (cmsg_id, direction, mid, qos, state) in [
        (i64::MAX, 1, 7, 1, 3),
        // The same packet id twice, none, and none at all for what has no flow.
        (-1, 1, 7, 2, 5),
        (0, 1, 0, 1, 3),
        (5, 1, 0, 0, 3),
        // Nothing could end these.
        (6, 1, 7, 2, 9),
        (7, 1, 0, 2, 9),
        (8, 0, 9, 2, 7),
        (9, 0, 9, 2, 7),
        (10, 0, 0, 2, 7),
        // A state that nobody knows.
        (11, 1, 8, 1, -99),
    ] {
        entry_row(cmsg_id, direction, mid, qos, state);
    }
    let deep = "/".repeat(200_000);
    connection
        .execute_batch(&format!(
            "INSERT INTO clients SELECT CAST('c' AS BLOB), username, 0, 0, 0, 0, 0, 0, 0, -1, 0 FROM clients;
             INSERT INTO clients VALUES (NULL, NULL, 0, 0, 0, 0, 0, 0, 0, -1, 0);
             INSERT INTO clients VALUES ('huge', x'FF', {max}, {max}, {max}, {max}, {max}, {max}, {max}, {max}, {max});
             INSERT INTO moskit_session VALUES ('huge', {max});
             INSERT INTO subscriptions VALUES ('c', '', 255, -1), ('c', '{deep}', 1, 0);
             INSERT INTO wills VALUES ('c', NULL, '', -1, 9, 7, 'nonsense');
             INSERT INTO moskit_entry SELECT client_id, cmsg_id, store_id, {max}, '1,x,-2', -5 FROM client_msgs
                WHERE cmsg_id = 1;
             INSERT INTO base_msgs VALUES (5, {max}, '{deep}', NULL, x'FF', x'FF', -5, -1, -1, -1, 9, '[[[');
             INSERT INTO retains VALUES ('{deep}', 5);
             INSERT INTO base_msgs VALUES (6, -1, 'r', NULL, x'FF', NULL, 0, 0, 0, 0, 1, NULL);
             INSERT INTO retains VALUES ('r', 6);",
            max = i64::MAX
        ))
        .unwrap();
    drop(connection);
    for _ in 0..2 {
        let (mut store, state) = open(&path);
        let names: Vec<_> = state.clients.iter().map(|client| &*client.record.client_id).collect();
        assert_eq!(names, ["c", "huge"]);
        // What has no packet id gets one in the file, for Mosquitto's sake.
        let is_settled = |entry: &EntryRecord| entry.state != EntryState::Queued;
        let told = |entry: &EntryRecord| {
            (entry.sequence, entry.packet_id.filter(|_| is_settled(entry)).map(PacketId::get), entry.state)
        };
        let entries: Vec<_> = state.clients[0].entries.iter().map(told).collect();
        assert_eq!(
            entries,
            [
                (1, None, EntryState::Queued),
                (2, Some(7), EntryState::WaitForPubAck),
                (3, None, EntryState::Queued),
                (4, None, EntryState::Queued),
                (5, None, EntryState::Queued),
                (8, Some(9), EntryState::WaitForPubRel),
                (11, None, EntryState::Queued),
            ]
        );
        assert_eq!((state.clients[0].subscriptions.len(), state.clients[0].will.is_some()), (0, false));
        assert_eq!((state.retained.len(), state.messages.len()), (1, 3), "{:?}", state.retained);
        // The broker goes on from it.
        let settings = crate::broker::Settings { persistent: true, ..crate::broker::Settings::default() };
        let now = crate::broker::Now { elapsed: crate::broker::Monotonic::default(), wall: WALL };
        let mut broker = crate::broker::Broker::new(settings, crate::broker::Access::open(), state, now);
        assert_eq!((broker.census().clients, broker.census().retained), (2, 1));
        broker.handle_deadline(now);
        store.commit(&broker.take_changes()).unwrap();
        broker.handle_stored(now);
        store.close().unwrap();
    }
}

#[test]
fn a_reader_does_not_hold_up_who_moves_the_log_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (mut store, _) = open(&path);
    store.commit(&changes()).unwrap();
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT COUNT(*) FROM base_msgs;").unwrap();
    let count = || reader.query_row("SELECT COUNT(*) FROM base_msgs", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 2);
    store.commit(&[Change::Stored(message(9, "later"))]).unwrap();
    let start = std::time::Instant::now();
    store.checkpoint().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(count(), 2);
}

#[test]
fn the_expiry_interval_of_a_restored_message_is_the_publishers() {
    for (fraction, seconds) in [(0, 10), (200, 10), (500_000_000, 10), (999_999_900, 1)] {
        let (folder, stored_at) = (tempfile::tempdir().unwrap(), WALL + Duration::from_nanos(fraction));
        let (mut store, _) = open(&file(&folder));
        let expires_at = Some(stored_at + Duration::from_secs(seconds));
        let one = Arc::new(Message { id: MessageId::at(stored_at), expires_at, ..copy(&message(1, "a")) });
        let topic = one.topic.clone();
        store.commit(&[Change::Stored(one.clone()), Change::Retained { topic, message: one.id }]).unwrap();
        let restored = reload(&mut store).messages.remove(0);
        assert_eq!(restored.properties.message_expiry_interval(), Some(seconds as u32), "{fraction}");
    }
}

#[test]
fn a_row_that_was_tampered_with_loses_what_hangs_on_it_and_each_loss_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(&file(&folder));
    store.commit(&changes()).unwrap();
    store.close().unwrap();
    let connection = rusqlite::Connection::open(file(&folder)).unwrap();
    connection.execute_batch("UPDATE base_msgs SET topic = '' WHERE topic = 'a/b'").unwrap();
    drop(connection);
    let (_store, state) = open(&file(&folder));
    let lines = crate::broker::log::losses(&state.losses, state.more_losses);
    assert!(lines[0].contains("has no topic that can be one"), "{lines:?}");
    assert!(lines[1..].iter().any(|line| line.contains("in the queue of 'ü:1'")), "{lines:?}");
    assert_eq!(state.clients.len(), 1);
}

mod condensed {
    use proptest::prelude::*;

    use super::*;
    use crate::broker::condense::condense;

    /// What may happen to one of two clients or topics. Entries and messages live as the core lets them.
    fn any_changes() -> impl Strategy<Value = Vec<Change>> {
        proptest::collection::vec((0..9u8, 0..2u8, 0..3u64), 0..60).prop_map(|steps| {
            let mut changes = Vec::new();
            let mut queues = [Vec::new(), Vec::new()];
            let mut last = [0; 2];
            for (number, (kind, which, value)) in steps.into_iter().enumerate() {
                let (place, id) = (usize::from(which), ["a", "b"][usize::from(which)]);
                let stored = message(number as u64, id);
                let seconds = Some(at(1_795_000_000 + value));
                match kind {
                    0 => changes.push(Change::Client(Box::new(client(id, seconds)))),
                    1 => {
                        changes.push(Change::ClientRemoved(id.into()));
                        changes.extend(
                            queues[place]
                                .drain(..)
                                .map(|(_, message): (u64, Arc<Message>)| Change::Removed(message.id)),
                        );
                        last[place] = 0;
                    }
                    2 => {
                        let (payload, properties) =
                            (Bytes::from(vec![b'x'; value as usize]), crate::mqtt::packet::Properties::new());
                        let will =
                            WillRecord { topic: "w".into(), payload, qos: QoS::AtMostOnce, retain: false, properties };
                        changes.push(Change::Will(id.into(), Box::new(will)));
                    }
                    3 => changes.push(Change::WillRemoved(id.into())),
                    4 => {
                        let options = SubscriptionOptions { qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() };
                        let record = SubscriptionRecord {
                            filter: "f".into(),
                            options,
                            identifier: SubscriptionIdentifier::new(1 + value as u32),
                        };
                        changes.push(Change::Subscribed(id.into(), record));
                    }
                    5 => changes.push(Change::Unsubscribed { client_id: id.into(), filter: "f".into() }),
                    6 => {
                        last[place] += 1;
                        changes.push(Change::Stored(stored.clone()));
                        changes.push(Change::Queued(Box::new(entry(id, last[place], &stored, EntryState::Queued))));
                        queues[place].push((last[place], stored));
                    }
                    7 => {
                        if let Some((sequence, message)) = queues[place].first() {
                            let state =
                                [EntryState::WaitForPubAck, EntryState::WaitForPubRec, EntryState::WaitForPubComp]
                                    [value as usize];
                            changes.push(Change::EntryChanged(Box::new(entry(id, *sequence, message, state))));
                        }
                    }
                    _ => {
                        if !queues[place].is_empty() {
                            let (sequence, message) = queues[place].remove(0);
                            changes.push(Change::EntryRemoved { client_id: id.into(), sequence });
                            changes.push(Change::Removed(message.id));
                        }
                    }
                }
            }
            changes
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn changes_lead_to_the_same_state(all in any_changes(), cut in 0..60usize) {
            let folder = tempfile::tempdir().unwrap();
            let (first, second) = all.split_at(cut.min(all.len()));
            let state_after = |name: &str, batches: &[Vec<Change>]| {
                let (mut store, _) = open(&folder.path().join(name));
                for batch in batches {
                    store.commit(batch).unwrap();
                }
                format!("{:?}", reload(&mut store).clients)
            };
            let one_by_one: Vec<_> = all.iter().map(|change| vec![change.clone()]).collect();
            let condensed = condense(second.to_vec());
            prop_assert!(condensed.len() <= second.len());
            prop_assert_eq!(
                state_after("plain", &one_by_one),
                state_after("condensed", &[first.to_vec(), condensed])
            );
        }
    }

    #[test]
    fn a_message_that_is_stored_again_stays() {
        let (folder, again) = (tempfile::tempdir().unwrap(), message(1, "t"));
        let (mut store, _) = open(&file(&folder));
        let batch = [
            Change::Client(Box::new(client("c", None))),
            Change::Stored(again.clone()),
            Change::Removed(again.id),
            Change::Stored(again.clone()),
            Change::Queued(Box::new(entry("c", 1, &again, EntryState::Queued))),
        ];
        store.commit(&batch).unwrap();
        assert_eq!(reload(&mut store).messages, [again]);
    }
}

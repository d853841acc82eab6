#!/usr/bin/env python3
"""Times qshape on brokers' files: a large mosquitto.db, and the tables of persist-sqlite as Mosquitto and moskit keep them.

Each file is read in turns by qshape and by what it is compared with: `cat` for a mosquitto.db, and for the tables one
look of Python's SQLite at the columns that the table of ages needs. The figures are medians of the rounds; CPU seconds
(user and system) stand beside wall time, because machines are shared and noisy. Memory is the peak resident size.

    cargo build --release && benches/queue_files.py [--runs 5] [--scale 1.0] [--folder DIR]

A scale of 1 makes a mosquitto.db of 200 MB and a million queued messages; one of 10 has the files of 2 GB.
"""

import argparse
import pathlib
import random
import sqlite3
import statistics
import struct
import tempfile
import time

from bounds import verdict
from versus_mosquitto import MOSKIT, SQLITE_RATE, Run

NOW = 1_800_000_000
EPOCH = 1_637_168_273
CLIENTS = 1000
TOPICS = [f"plant/{number}/temp".encode() for number in range(97)]

# What must not be exceeded.
MEMORY_MB = 64
GB_PER_SECOND = 1.0
SECONDS_A_MILLION = 0.3
# They are meant where SQLite writes SQLITE_RATE rows of two tables a second: others are scaled by it.


def ids(count):
    """Ids as a clock gives them, twenty million in ten days, at random distances."""
    thrown = random.Random(7)
    step = 43_200_000
    nanos = NOW * 10**9 - count * step
    for number in range(count):
        at = nanos + number * step + thrown.randrange(step)
        yield (at // 10**9 - EPOCH) << 23 | at % 10**9 // 128


def mosquitto_db(path, count):
    """A file of version 6 as 2.1 writes it, about 100 bytes a message with its entry."""
    all_ids = list(ids(count))
    with open(path, "wb", buffering=1 << 20) as file:
        file.write(b"\x00\xb5\x00mosquitto db\0\0\0\0\0\0\0\x06")
        file.write(struct.pack(">II", 1, 16) + struct.pack("<Q", all_ids[-1]) + bytes([0, 8, 0, 0, 0, 0, 0, 0]))
        for number, store_id in enumerate(all_ids):
            topic = TOPICS[number % len(TOPICS)]
            fixed = struct.pack("<Qq", store_id, 0) + struct.pack(">IHHHHHBB", 8, 0, 6, 0, len(topic), 0, 1, 0)
            body = fixed + b"sensor" + topic + b"12345678"
            file.write(struct.pack(">II", 2, len(body)) + body)
        for client in range(CLIENTS):
            name = f"gateway-{client:04}".encode()
            fixed = struct.pack(">qIHHHHI", 0, 0xFFFFFFFF, 0, len(name), 0, 0, 0)
            file.write(struct.pack(">II", 6, len(fixed) + len(name)) + fixed + name)
            rest = struct.pack(">HHBBBB", 0, len(name), 1, 11, 0, 1) + name
            head = struct.pack(">II", 3, 8 + len(rest))
            for store_id in all_ids[client::CLIENTS]:
                file.write(head + struct.pack("<Q", store_id) + rest)


# What both have; how Mosquitto declares what differs, and how our broker does.
TABLES = """
    CREATE TABLE base_msgs (store_id {id} PRIMARY KEY, expiry_time INT64, topic {text} NOT NULL, payload BLOB,
        source_id {text}, source_username {text}, payloadlen INTEGER, source_mid INTEGER, source_port INTEGER,
        qos INTEGER, retain INTEGER, properties {text});
    CREATE TABLE retains (topic {text} PRIMARY KEY, store_id INT64);
    CREATE TABLE clients (client_id TEXT PRIMARY KEY, username TEXT, connection_time INT64, will_delay_time INT64,
        session_expiry_time INT64, listener_port INT, max_packet_size INT, max_qos INT, retain_available INT,
        session_expiry_interval INT, will_delay_interval INT);
    CREATE TABLE subscriptions (client_id TEXT NOT NULL, topic TEXT NOT NULL, subscription_options INTEGER,
        subscription_identifier INTEGER, PRIMARY KEY (client_id, topic));
    CREATE TABLE client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64, dup INTEGER, direction INTEGER,
        mid INTEGER, qos INTEGER, retain INTEGER, state INTEGER, subscription_identifier INTEGER);
    CREATE TABLE wills (client_id TEXT PRIMARY KEY, payload BLOB, topic {text} NOT NULL, payloadlen INTEGER,
        qos INTEGER, retain INTEGER, properties {text});
"""
MOSQUITTO_INDEXES = """
    CREATE INDEX client_msgs_client_id ON client_msgs (client_id);
    CREATE INDEX client_msgs_store_id ON client_msgs (store_id, client_id);
"""
OUR_TABLES = """
    CREATE TABLE moskit_entry (client_id TEXT NOT NULL, cmsg_id INTEGER NOT NULL, store_id INTEGER NOT NULL,
        queued_at INTEGER NOT NULL, subscription_ids TEXT NOT NULL, pubrel_order INTEGER NOT NULL,
        PRIMARY KEY (client_id, cmsg_id)) WITHOUT ROWID;
    CREATE TABLE moskit_session (client_id TEXT PRIMARY KEY, disconnected_at INTEGER NOT NULL) WITHOUT ROWID;
"""


def tables(path, count, is_ours):
    """The messages of one client that is away, 64 bytes each; gives the rows of two tables written a second."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = off")
    database.executescript(TABLES.format(id="INTEGER" if is_ours else "INT64", text="TEXT" if is_ours else "STRING"))
    database.executescript(OUR_TABLES if is_ours else MOSQUITTO_INDEXES)
    database.execute("INSERT INTO clients VALUES ('away', NULL, ?, 0, 0, 1883, 0, 2, 1, -1, 0)", (NOW - 10**6,))
    payload = b"x" * 64
    started = time.perf_counter()
    for number, store_id in enumerate(ids(count), 1):
        database.execute(
            "INSERT INTO base_msgs VALUES (?, 0, 'plant/line/temp', ?, 'sensor', NULL, 64, 0, 1883, 1, 0, NULL)",
            (store_id, payload),
        )
        database.execute("INSERT INTO client_msgs VALUES ('away', ?, ?, 0, 1, 0, 1, 0, 11, 0)", (number, store_id))
        if number % 400 == 0:
            database.commit()
    database.commit()
    seconds = time.perf_counter() - started
    database.close()
    return count / seconds


def look(path):
    """Seconds in which Python's SQLite looks at what the table of ages needs."""
    database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    started = time.perf_counter()
    for query in [
        "SELECT MAX(store_id + 0), MAX(expiry_time) FROM base_msgs NOT INDEXED",
        "SELECT MAX(client_id), MAX(store_id), MAX(direction), MAX(qos), MAX(state) FROM client_msgs NOT INDEXED",
    ]:
        database.execute(query).fetchall()
    return time.perf_counter() - started


def qshape(path, *more):
    return Run([str(MOSKIT), "qshape", "-q", "--at", str(NOW), *more, str(path)])


def median(runs, what):
    return statistics.median(getattr(run, what) for run in runs)


def report(name, path, runs, others, other):
    length = path.stat().st_size
    wall, cpu = median(runs, "wall"), median(runs, "cpu")
    rate, memory = length / wall / 1e9, max(run.memory for run in runs)
    print(f"{name}: {length / 1e6:.0f} MB, {wall:.3f} s ({cpu:.3f} s of CPU), {wall / statistics.median(others):.2f} x {other}")
    verdict(f"{name}, speed", rate, "GB/s", f">= {GB_PER_SECOND}", rate >= GB_PER_SECOND)
    verdict(f"{name}, memory", memory, "MB", f"<= {MEMORY_MB}", memory <= MEMORY_MB)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the message counts")
    parser.add_argument("--folder", default=None, help="where the temporary folder is made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        path = folder / "mosquitto.db"
        mosquitto_db(path, int(2_000_000 * arguments.scale))
        for what, more in [("mosquitto.db", []), ("mosquitto.db, --by topic", ["--by", "topic"]), ("mosquitto.db, JSON", ["--json"])]:
            runs, others = [], []
            for _ in range(arguments.runs):
                others.append(Run(["cat", str(path)]).wall)
                runs.append(qshape(path, *more))
            report(what, path, runs, others, "cat")
        path.unlink()
        for what, is_ours in [("moskit's tables", True), ("Mosquitto's tables", False)]:
            path = folder / "mosquitto.sqlite3"
            count = int(1_000_000 * arguments.scale)
            rate = tables(path, count, is_ours)
            runs, others = [], []
            for _ in range(arguments.runs):
                others.append(look(path))
                runs.append(qshape(path))
            report(what, path, runs, others, "SQLite's look")
            seconds = median(runs, "wall") * 1_000_000 / count
            if is_ours:
                bound = SECONDS_A_MILLION * max(1.0, SQLITE_RATE / rate)
                print(f"SQLite writes {rate:.0f} messages a second")
                verdict(f"{what}, a million queued", seconds, "s", f"<= {bound:.2f} (scaled)", seconds <= bound)
            path.unlink()


if __name__ == "__main__":
    main()

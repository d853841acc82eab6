#!/usr/bin/env python3
"""Times moskit beside Mosquitto: its pub and sub, its broker's queue on disk, and what its broker keeps in memory.

All that is compared runs in the same session on the same machine, interleaved; the figures are medians of the runs, as
ratios moskit / mosquitto. CPU seconds (user + system) stand beside wall time, because machines are shared and noisy;
MB is the peak resident size of our client. A limit is what the ratio must not exceed.

    cargo build --release && benches/versus_mosquitto.py [--runs 5] [--scale 1.0] [--only NAME]

The rows:

  pub -l, sub        Debian's mosquitto_pub and mosquitto_sub beside ours, messages of 64 bytes, over Debian's mosquitto
  ..., TLS           the same over TLS 1.3, the certificate of the broker verified
  ..., our broker    the same clients over moskit broker, in memory
  pub -m             one message: 20 starts of each, of which the median is taken; `localhost` without -h, others with
                     -h 127.0.0.1. Ours is a copy, as an installed program is one: what the linker wrote lies in the page
                     cache page by page, until it is read from the disk again
  SQLite             two rows a message, in the tables of persist-sqlite, in transactions of 400 messages from Python: what
                     the disk and SQLite can do here. 585,000 messages/s are the measure of the goals in seconds
  durable queue      `moskit pub -l -q 1` for a session that is away, then `moskit sub` of all of it: moskit broker with
                     persistence beside a Mosquitto 2.1 with persist-sqlite. MOSKIT_MOSQUITTO names that program and
                     MOSKIT_PERSIST_SQLITE its plugin; without them the rows say that they are not measured. `scaled` is our
                     time on a disk of 585,000 messages/s. Ours is on the disk before it is acknowledged, theirs is not
  memory             what `memory.py` measures, once, ours beside Debian's mosquitto and, where it is named, the 2.1

What ends with an error, or does not end, is named in its row with what it said; the other rows are measured, and the
exit code is 1.
"""

import argparse
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import memory

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOSKIT = ROOT / "target" / "release" / "moskit"
PAYLOAD = "x" * 64

# After so many seconds a program or an answer is not waited for any more.
LIMIT = 600
# Messages a second of SQLite for which goals in seconds are meant.
SQLITE_RATE = 585_000


class Broken(Exception):
    """A program that is compared did not do what it was to do."""


class Absent(Exception):
    """A program that is compared is not here."""


class Run:
    """One finished program: wall seconds, CPU seconds, peak memory in MB."""

    def __init__(self, words, stdin=None, stdout=None):
        start = time.perf_counter()
        child = started(words, stdin=stdin, stdout=stdout or subprocess.DEVNULL)
        self._finish(child, start)

    def _finish(self, child, start):
        # ru_maxrss would tell the size of this script, which the child had between fork and exec.
        self.memory = 0.0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - start > LIMIT:
                child.kill()
                child.wait()
                raise Broken(f"{called(child.args)} does not end within {LIMIT} s")
            try:
                for line in open(f"/proc/{child.pid}/status"):
                    if line.startswith("VmHWM"):
                        self.memory = max(self.memory, int(line.split()[1]) / 1024)
            except OSError:
                pass
            time.sleep(0.005)
        self._take(child, start, status, usage)

    def _take(self, child, start, status, usage):
        child.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.perf_counter() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        if child.returncode != 0:
            said = child.stderr.read().decode(errors="replace").strip()
            raise Broken(f"{called(child.args)} ended with {child.returncode}: {said or 'without a word'}")


class Started(Run):
    """A program that is started first and waited for later."""

    def __init__(self, words):
        self.child = started(words)
        self.start = time.perf_counter()

    def finish(self):
        self._finish(self.child, self.start)
        return self

    def leave(self):
        """Ends it, where nobody will wait for it."""
        if self.child.returncode is None:
            self.child.kill()
            self.child.wait()


class Short(Run):
    """A program that ends within milliseconds: waited for without looking at its memory."""

    def _finish(self, child, start):
        self.memory = 0.0
        _, status, usage = os.wait4(child.pid, 0)
        self._take(child, start, status, usage)


def started(words, stdin=None, stdout=subprocess.DEVNULL):
    try:
        return subprocess.Popen(words, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise Absent(f"there is no {words[0]}") from None


def called(words):
    """The program, and the verb if it has one."""
    return " ".join(str(word) for word in words[:2] if not str(word).startswith("-"))


class Broker:
    """A broker of its own process. `brand`: `moskit`, `mosquitto` (Debian's), or `2.1`, which MOSKIT_MOSQUITTO names."""

    def __init__(self, folder, extra="", brand="mosquitto", tls=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        # How a client reaches it.
        self.reach = ["-p", self.port]
        if tls:
            self.reach += ["-h", "localhost", "--cafile", str(tls / "ca.crt")]
            extra += f"certfile {tls}/server.crt\nkeyfile {tls}/server.key\n"
        conf = folder / "mosquitto.conf"
        conf.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type error\n"
            f"max_queued_messages 0\nmax_inflight_messages 20\n{extra}"
        )
        programs = {"moskit": [MOSKIT, "broker"], "mosquitto": ["mosquitto"], "2.1": [named("MOSKIT_MOSQUITTO")] if brand == "2.1" else []}
        self.child = started([*programs[brand], "-c", conf])
        for _ in range(500):
            try:
                self.open().close()
                return
            except ConnectionRefusedError:
                if self.child.poll() is not None:
                    said = self.child.stderr.read().decode(errors="replace").strip()
                    raise Broken(f"{called(self.child.args)} ended with {self.child.returncode}: {said}") from None
                time.sleep(0.01)
        self.stop()
        raise Broken(f"{called(self.child.args)} does not listen")

    def open(self):
        connection = socket.create_connection(("127.0.0.1", int(self.port)), timeout=LIMIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()


def named(variable):
    path = os.environ.get(variable)
    if not path:
        raise Absent(f"{variable} is not set")
    if not os.path.exists(path):
        raise Broken(f"{variable} names {path}, which is not there")
    return path


def program(peer, verb):
    return [f"mosquitto_{verb}"] if peer == "mosquitto" else [str(MOSKIT), verb]


def lines(folder, count):
    path = folder / f"lines-{count}"
    if not path.exists():
        path.write_text((PAYLOAD + "\n") * count)
    return path


def counted(broker, count, qos, publish):
    """Runs `publish` while a subscriber counts, and fails if not all arrive."""
    counter = Started([str(MOSKIT), "sub", *broker.reach, "-t", "bench/#", "-q", str(qos), "-C", str(count), "-i", "counter"])
    # It has said nothing by which one could see that it has subscribed.
    time.sleep(0.3)
    try:
        result = publish()
        counter.child.wait(timeout=60)
    except subprocess.TimeoutExpired:
        raise Broken("not all messages were delivered") from None
    finally:
        counter.leave()
    return result


def pub_lines(peer, broker, folder, count, qos, delivered=False):
    def publish():
        with open(lines(folder, count)) as stdin:
            return Run(program(peer, "pub") + [*broker.reach, "-t", "bench/t", "-q", str(qos), "-l"], stdin=stdin)

    return counted(broker, count, 0 if qos == 0 else 2, publish) if delivered else publish()


def sub_live(peer, broker, folder, count, qos, *options):
    subscriber = Started(program(peer, "sub") + [*options, *broker.reach, "-t", "bench/#", "-q", str(qos), "-C", str(count)])
    time.sleep(0.3)
    subscriber.start = time.perf_counter()
    try:
        pub_lines("moskit", broker, folder, count, qos)
        return subscriber.finish()
    finally:
        subscriber.leave()


def queue(peer, broker, folder, count, qos):
    """Fills the queue of a session that is away, and empties it by the client of `peer`."""
    identity = ["-i", "drain", "-c", "-t", "bench/#", "-q", str(qos), *broker.reach]
    Run([str(MOSKIT), "sub", "-E"] + identity)
    filled = pub_lines("moskit", broker, folder, count, qos)
    return filled, Run(program(peer, "sub") + ["-C", str(count)] + identity)


def pub_one(peer, broker, folder, *options):
    installed = folder / "moskit"
    if not installed.exists():
        shutil.copy(MOSKIT, installed)
    command = program(peer, "pub") if peer == "mosquitto" else [str(installed), "pub"]
    words = command + [*broker.reach, "-q", "1", "-t", "bench/t", "-m", PAYLOAD, *options]
    runs = [Short(words) for _ in range(20)]
    run = runs[0]
    run.wall, run.cpu = (statistics.median(getattr(run, figure) for run in runs) for figure in ("wall", "cpu"))
    return run


def certificates(folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    openssl("req", "-new", "-x509", "-days", "30", "-extensions", "v3_ca", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Bench CA")
    openssl("genrsa", "-out", "server.key", "2048")
    openssl("req", "-out", "server.csr", "-key", "server.key", "-new", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.crt", "-days", "30")


# The queue on disk.


def sqlite_rate(folder, count):
    """Messages a second that SQLite takes, each as a message and as an entry of a queue."""
    path = folder / "rate.sqlite3"
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(
        """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        CREATE TABLE base_msgs (store_id INTEGER PRIMARY KEY, expiry_time INT64, topic TEXT NOT NULL, payload BLOB,
            source_id TEXT, source_username TEXT, payloadlen INTEGER, source_mid INTEGER, source_port INTEGER, qos INTEGER,
            retain INTEGER, properties TEXT);
        CREATE TABLE client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64, dup INTEGER, direction INTEGER,
            mid INTEGER, qos INTEGER, retain INTEGER, state INTEGER, subscription_identifier INTEGER);
        """
    )
    payload = PAYLOAD.encode()
    batches = [range(first, min(first + 400, count)) for first in range(0, count, 400)]
    rows = [
        (
            [(id, 0, "bench/t", payload, "publisher", None, 64, 1, 1883, 1, 0, None) for id in batch],
            [("drain", id, id, 0, 1, 0, 1, 0, 11, 0) for id in batch],
        )
        for batch in batches
    ]
    start = time.perf_counter()
    for messages, entries in rows:
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO base_msgs VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", messages)
        database.executemany("INSERT INTO client_msgs VALUES (?,?,?,?,?,?,?,?,?,?)", entries)
        database.execute("COMMIT")
    rate = count / (time.perf_counter() - start)
    database.close()
    for file in folder.glob("rate.sqlite3*"):
        file.unlink()
    return rate


def durable(brand, folder, disk, count):
    """How long it takes to fill and to empty a queue that is kept on disk."""
    with tempfile.TemporaryDirectory(dir=disk) as state:
        if brand == "moskit":
            extra = f"persistence true\npersistence_location {state}/\n"
        else:
            extra = f"plugin {named('MOSKIT_PERSIST_SQLITE')}\nplugin_opt_db_file {state}/state.sqlite3\n"
        broker = Broker(folder, extra, brand)
        try:
            return queue("moskit", broker, folder, count, 1)
        finally:
            broker.stop()


class Table:
    """Says what was measured, row by row, and whether all could be."""

    def __init__(self, runs, only):
        self.runs, self.only, self.is_whole = runs, only, True

    def wants(self, *titles):
        return any(self.only in title for title in titles)

    def rounds(self, title, peers, measure, runs=None):
        """What `measure` gives for each of `peers`, in turns; `None` where it was not to be measured, which is said."""
        results = {peer: [] for peer in peers}
        try:
            for _ in range(runs or self.runs):
                for peer in peers:
                    results[peer].append(measure(peer))
        except Absent as error:
            print(f"{title:26} not measured: {error}", flush=True)
            return None
        except (Broken, OSError, subprocess.CalledProcessError) as error:
            self.is_whole = False
            print(f"{title:26} FAILED: {error}", flush=True)
            return None
        return results

    def times(self, title, results, wall_limit=None, cpu_limit=None, memory_limit=None, note=""):
        median = lambda peer, figure: statistics.median(getattr(run, figure) for run in results[peer])
        us, them = results
        ours, theirs = median(us, "wall"), median(them, "wall")
        our_cpu, their_cpu = median(us, "cpu"), median(them, "cpu")
        print(
            f"{title:26} {ours:8.4f} {theirs:8.4f} {ours / theirs:6.3f} {limit(wall_limit)}"
            f" {our_cpu:8.4f} {their_cpu:8.4f} {our_cpu / max(their_cpu, 1e-6):6.3f} {limit(cpu_limit)}"
            f" {median(us, 'memory'):6.1f}" + (f" (limit {memory_limit})" if memory_limit else "") + note,
            flush=True,
        )
        return ours


def limit(value):
    return f"{value:6.2f}" if value is not None else f"{'':6}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of which the medians are taken")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the counts of messages, connections and sessions")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    options = parser.parse_args()
    count = lambda n: max(100, int(n * options.scale))
    table = Table(options.runs, options.only)
    disk = ROOT / "target" / "tmp"
    disk.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificates(folder)
        compare_clients(table, folder, count)
        compare_queues(table, folder, disk, count)
    compare_memory(table, options.scale)
    sys.exit(0 if table.is_whole else 1)


def compare_clients(table, folder, count):
    lined = lambda n, qos: lambda peer, broker: pub_lines(peer, broker, folder, count(n), qos)
    live = lambda n, qos, *words: lambda peer, broker: sub_live(peer, broker, folder, count(n), qos, *words)
    drained = lambda n, qos: lambda peer, broker: queue(peer, broker, folder, count(n), qos)[1]
    one = lambda *words: lambda peer, broker: pub_one(peer, broker, folder, *words)
    plain, tls, ours = {}, {"tls": folder}, {"brand": "moskit"}
    # name, what to run, the broker, limits of the ratios (wall, CPU) and of our memory in MB
    rows = [
        ("pub -l QoS 0 1M", lined(1_000_000, 0), plain, 1.0, 0.05, 8),
        ("pub -l QoS 1 60k", lined(60_000, 1), plain, 0.6, None, None),
        ("pub -l QoS 2 60k", lined(60_000, 2), plain, 0.75, None, None),
        ("pub -l QoS 0 1M TLS", lined(1_000_000, 0), tls, 1.0, None, None),
        ("pub -l QoS 1 60k TLS", lined(60_000, 1), tls, None, None, None),
        ("pub -l QoS 0 1M our broker", lined(1_000_000, 0), ours, None, None, None),
        ("pub -l QoS 1 60k our broker", lined(60_000, 1), ours, None, None, None),
        ("pub -l QoS 2 60k our broker", lined(60_000, 2), ours, None, None, None),
        ("sub QoS 0 1M", live(1_000_000, 0), plain, None, 0.03, None),
        ("sub -F '%t %p' 1M", live(1_000_000, 0, "-F", "%t %p"), plain, None, 0.3, None),
        ("sub -F %j 1M", live(1_000_000, 0, "-F", "%j"), plain, None, 0.3, None),
        ("sub QoS 1 queue 300k", drained(300_000, 1), plain, 0.4, None, None),
        ("sub QoS 2 60k live", live(60_000, 2), plain, 0.9, 0.8, None),
        ("sub QoS 0 1M TLS", live(1_000_000, 0), tls, None, None, None),
        ("sub QoS 1 60k TLS", live(60_000, 1), tls, None, None, None),
        ("pub -m QoS 1", one("-h", "127.0.0.1"), plain, 0.65, None, None),
        ("pub -m QoS 1 localhost", one(), plain, 0.65, None, None),
        ("pub -m QoS 1 TLS", one(), tls, 0.15, None, None),
    ]

    def with_broker(measure, words):
        def measured(peer):
            broker = Broker(folder, **words)
            try:
                return measure(peer, broker)
            finally:
                broker.stop()

        return measured

    if not table.only:
        deliver = lambda qos: with_broker(lambda peer, broker: pub_lines(peer, broker, folder, count(1_000_000), qos, True), {})
        if all([table.rounds(f"delivery at QoS {qos}", ["moskit"], deliver(qos), runs=1) for qos in (0, 1, 2)]):
            print(f"all of {count(1_000_000)} messages delivered at each QoS")
    if table.wants(*(row[0] for row in rows)):
        print(f"{'clients':26} {'wall s':>17} {'ratio':>6} {'limit':>6} {'CPU s':>17} {'ratio':>6} {'limit':>6} {'MB':>6}")
    for title, run, words, *limits in rows:
        if table.wants(title):
            results = table.rounds(title, ["moskit", "mosquitto"], with_broker(run, words))
            if results:
                table.times(title, results, *limits)


def compare_queues(table, folder, disk, count):
    titles = ["durable queue in", "durable queue out"]
    if not table.wants("SQLite", *titles):
        return
    print(f"{'queue on disk':26} {'wall s':>17} {'ratio':>6} {'limit':>6} {'CPU s':>17} {'ratio':>6} {'limit':>6} {'MB':>6}")
    rates = table.rounds("SQLite", ["Python"], lambda _: sqlite_rate(disk, count(400_000)))
    if rates is None:
        return
    rate = statistics.median(rates["Python"])
    print(f"{'SQLite':26} {rate:,.0f} messages/s, {rate / SQLITE_RATE:.2f} of those that goals are meant for", flush=True)
    if not table.wants(*titles):
        return
    results = table.rounds("durable queue", ["moskit", "2.1"], lambda brand: durable(brand, folder, disk, count(100_000)))
    for index, title in enumerate(titles):
        if results and table.wants(title):
            one = {brand: [runs[index] for runs in all_runs] for brand, all_runs in results.items()}
            scaled = statistics.median(run.wall for run in one["moskit"]) * rate / SQLITE_RATE
            table.times(title, one, 0.9, note=f", scaled {scaled:.3f} s")


def compare_memory(table, scale):
    brokers = {"moskit": [MOSKIT, "broker"], "mosquitto": ["mosquitto"]}
    if os.environ.get("MOSKIT_MOSQUITTO"):
        try:
            brokers["2.1"] = [named("MOSKIT_MOSQUITTO")]
        except Broken as error:
            table.is_whole = False
            print(f"{'memory':26} FAILED: {error}", flush=True)
            return
    # Once: what a broker takes is the same each time, within a few per cent.
    _, failed = memory.compare(brokers, table.only, scale)
    table.is_whole &= not failed


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Measures what the broker's memory grows by: a connection, over TCP, TLS and a websocket; a subscription; a retained
message; a session that is away and for which messages wait.

Figures are of VmRSS, so without what the kernel keeps for sockets, divided by the number of things that were added; they
are medians of the runs. The first of a kind, and buffers that all share, are there before it is looked at. Other brokers
are measured in turns with ours:

    cargo build --release && benches/memory.py [--only ROW] [--mosquitto /usr/sbin/mosquitto] [--scale 1.0] [--runs 1]

`versus_mosquitto.py` has these rows, too.
"""

import argparse
import concurrent.futures
import base64
import os
import pathlib
import resource
import shutil
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOSKIT = ROOT / "target" / "release" / "moskit"
LOCAL = "127.0.0.1"

# After so many seconds an answer is not waited for any more.
LIMIT = 600

# What must be reached, in bytes; the last in MB. Connections: the bounds that ARCHITECTURE.md states.
GOALS = {
    "memory connection": 1500,
    "memory TLS connection": 10_000,
    "memory websocket connection": 2000,
    "memory subscription a/N": 160,
    "memory subscription sensor/N/temperature": None,
    "memory retained, above site/room/devN/temp and 64 bytes": 100,
    "memory retained, above a/N and 64 bytes": 100,
    "memory 100,000 sessions away, 10 publishes of 64 bytes, MB": 150,
}


class Failed(Exception):
    """A broker did not do what it was to do."""


def text(value):
    value = value.encode()
    return len(value).to_bytes(2, "big") + value


def packet(first, body):
    length, left = b"", len(body)
    while True:
        left, digit = left >> 7, left & 127
        length += bytes([digit | (128 if left else 0)])
        if not left:
            return bytes([first]) + length + body


def read(stream, count):
    found = b""
    while len(found) < count:
        more = stream.recv(count - len(found))
        if not more:
            raise Failed("the broker has closed the connection")
        found += more
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind((LOCAL, 0))
        return listener.getsockname()[1]


class Broker:
    def __init__(self, words, certificates):
        self.folder = tempfile.mkdtemp()
        self.ports = {kind: free_port() for kind in ("TCP", "TLS", "websocket")}
        self.context = ssl.create_default_context(cafile=certificates / "certs/ca.crt")
        config = pathlib.Path(self.folder, "m.conf")
        config.write_text(
            "user root\nallow_anonymous true\nlog_type none\nmax_queued_messages 0\n"
            f"listener {self.ports['TCP']} {LOCAL}\n"
            f"listener {self.ports['TLS']} {LOCAL}\ncertfile {certificates}/certs/server.crt\nkeyfile {certificates}/certs/server.key\n"
            f"listener {self.ports['websocket']} {LOCAL}\nprotocol websockets\n"
        )
        self.child = subprocess.Popen([*words, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for port in self.ports.values():
                self.wait_for(port)
        except Failed:
            self.stop()
            raise

    def wait_for(self, port):
        end = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection((LOCAL, port)).close()
            except OSError:
                if self.child.poll() is not None or time.monotonic() > end:
                    raise Failed("the broker does not start") from None
                time.sleep(0.02)

    def memory(self):
        # What has been read and not been handled yet is no memory of what is measured.
        time.sleep(0.3)
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def connect(self, client_id, kind="TCP", clean=True):
        stream = socket.create_connection((LOCAL, self.ports[kind]), timeout=LIMIT)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == "TLS":
            stream = self.context.wrap_socket(stream, server_hostname="localhost")
        connect = packet(0x10, b"\0\4MQTT\4" + bytes([2 if clean else 0]) + b"\0\0" + text(client_id))
        if kind == "websocket":
            key = base64.b64encode(os.urandom(16)).decode()
            stream.sendall(
                f"GET /mqtt HTTP/1.1\r\nHost: {LOCAL}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n".encode()
            )
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += read(stream, 1)
            if b" 101 " not in head:
                raise Failed(f"the broker opens no websocket: {head}")
            # A frame whose mask is 0.
            stream.sendall(bytes([0x82, 0x80 | len(connect)]) + bytes(4) + connect)
            code = read(stream, 6)[5]
        else:
            stream.sendall(connect)
            code = read(stream, 4)[3]
        if code:
            raise Failed(f"the broker refuses a client with {code}")
        return stream

    def stop(self):
        self.child.kill()
        self.child.wait()
        shutil.rmtree(self.folder)


def connections(broker, kind, count):
    # Side by side: there are brokers that look at a handshake once in 100 ms.
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        connect = lambda name: broker.connect(name, kind)
        kept = list(threads.map(connect, [f"first{number}" for number in range(100)]))
        before = broker.memory()
        kept += threads.map(connect, [f"idle{number}" for number in range(count)])
    return (broker.memory() - before) / count


def subscriptions(broker, shape, count):
    stream = broker.connect("subscriber")

    def subscribe(numbers):
        for first in numbers[::10]:
            filters = b"".join(text(shape % number) + b"\0" for number in range(first, first + 10))
            stream.sendall(packet(0x82, b"\0\1" + filters))
            read(stream, 14)

    subscribe(range(1000))
    before = broker.memory()
    subscribe(range(1000, 1000 + count))
    return (broker.memory() - before) / count


def retained(broker, topic, count):
    stream = broker.connect("publisher")

    def publish(numbers):
        for first in numbers[::100]:
            hundred = range(first, first + 100)
            stream.sendall(b"".join(packet(0x31, text(topic(number)) + b"x" * 64) for number in hundred) + b"\xc0\0")
            read(stream, 2)

    publish(range(1000))
    before = broker.memory()
    added = range(1000, 1000 + count)
    publish(added)
    texts = statistics.mean(len(topic(number)) for number in added) + 64
    return (broker.memory() - before) / count - texts


def sessions_away(broker, count):
    for number in range(count):
        stream = broker.connect(f"away{number:06}", clean=False)
        stream.sendall(packet(0x82, b"\0\1" + text("to/all") + b"\1"))
        read(stream, 5)
        stream.sendall(b"\xe0\0")
        stream.recv(1)
        # Without the minute in which the system keeps the number of the port.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
    publisher = broker.connect("publisher")
    for number in range(1, 11):
        publisher.sendall(packet(0x32, text("to/all") + number.to_bytes(2, "big") + b"x" * 64))
        read(publisher, 4)
    grown = broker.memory() / 1e6
    # What was measured was there.
    read(broker.connect("away000000", clean=False), 10 * len(packet(0x32, text("to/all") + b"\0\1" + b"x" * 64)))
    return grown


def rows(count):
    """By name. `count` says how many are measured where all are so many."""
    away, many = count(100_000), count(100_000)
    site = lambda number: f"site/room{number // 100}/dev{number}/temp"
    measures = [
        lambda broker: connections(broker, "TCP", count(2000)),
        lambda broker: connections(broker, "TLS", count(1000)),
        lambda broker: connections(broker, "websocket", count(2000)),
        lambda broker: subscriptions(broker, "a/%06d", many),
        lambda broker: subscriptions(broker, "sensor/%06d/temperature", many),
        lambda broker: retained(broker, site, many),
        lambda broker: retained(broker, lambda number: f"a/{number:06}", many),
        lambda broker: sessions_away(broker, away),
    ]
    return dict(zip(GOALS, measures, strict=True))


def compare(brokers, only="", scale=1.0, runs=1):
    """Prints the rows whose names contain `only`, for `brokers`: names and the words that start them, ours first. Gives the names
    of the rows where ours is above its goal, and of those that could not be measured."""
    # Subscriptions are made by tens, retained messages by hundreds.
    wanted = rows(lambda number: max(100, int(number * scale) // 100 * 100))
    wanted = {name: measure for name, measure in wanted.items() if only in name}
    if not wanted:
        return [], []
    missed, failed = [], []
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{'':<60}{'goal':>8}" + "".join(f"{name[-24:]:>26}" for name in brokers))
    with tempfile.TemporaryDirectory() as folder:
        certificates = pathlib.Path(folder)
        ours = next(iter(brokers.values()))[0]
        subprocess.run([ours, "certgen", "init"], cwd=certificates, check=True, capture_output=True)
        for name, measure in wanted.items():
            figures = {broker: [] for broker in brokers}
            try:
                for _ in range(runs):
                    for broker, words in brokers.items():
                        running = Broker(words, certificates)
                        try:
                            figures[broker].append(measure(running))
                        finally:
                            running.stop()
            except FileNotFoundError as error:
                print(f"{name:<60} not measured: there is no {error.filename}", flush=True)
                continue
            except (Failed, OSError) as error:
                failed.append(name)
                print(f"{name:<60} FAILED with {broker}: {error}", flush=True)
                continue
            medians = [statistics.median(one) for one in figures.values()]
            print(f"{name:<60}{GOALS[name] or '':>8}" + "".join(f"{figure:>26,.0f}" for figure in medians), flush=True)
            if GOALS[name] and medians[0] > GOALS[name]:
                missed.append(name)
    return missed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moskit", type=pathlib.Path, default=MOSKIT)
    parser.add_argument("--mosquitto", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--only", default="", help="rows whose names contain this")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the counts; goals are meant for 1")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    brokers = {"moskit": [options.moskit.resolve(), "broker"]} | {str(program): [program] for program in options.mosquitto}
    missed, failed = compare(brokers, options.only, options.scale, options.runs)
    if missed or failed:
        sys.exit("; ".join(f"{what}: {', '.join(names)}" for what, names in [("above the goal", missed), ("failed", failed)] if names))


if __name__ == "__main__":
    main()

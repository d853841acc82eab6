#!/usr/bin/env python3
"""Measures what the broker's memory grows by: a connection, over TCP, TLS and a websocket; a subscription; a retained
message; a session that is away and for which messages wait.

Figures are of VmRSS, so without what the kernel keeps for sockets, divided by the number of things that were added. The
first of a kind, and buffers that all share, are there before it is looked at. Other brokers are measured in the same run:

    cargo build --release && benches/memory.py [--only ROW] [--mosquitto /usr/sbin/mosquitto] [--messages 100000]
"""

import argparse
import base64
import os
import pathlib
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOSKIT = ROOT / "target" / "release" / "moskit"
LOCAL = "127.0.0.1"

# What must be reached, in bytes; the last in MB. Connections: the bounds that ARCHITECTURE.md states.
GOALS = {
    "connection": 1500,
    "TLS connection": 10_000,
    "websocket connection": 2000,
    "subscription a/N": 160,
    "subscription sensor/N/temperature": None,
    "retained, above site/room/devN/temp and 64 bytes": 100,
    "retained, above a/N and 64 bytes": 100,
    "100,000 sessions away, 10 publishes of 64 bytes, MB": 150,
}


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
        assert more, "the broker has closed the connection"
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
        for port in self.ports.values():
            self.wait_for(port)

    def wait_for(self, port):
        end = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection((LOCAL, port)).close()
            except OSError:
                assert self.child.poll() is None and time.monotonic() < end, "the broker does not start"
                time.sleep(0.02)

    def memory(self):
        # What has been read and not been handled yet is no memory of what is measured.
        time.sleep(0.3)
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def connect(self, client_id, kind="TCP", clean=True):
        stream = socket.create_connection((LOCAL, self.ports[kind]))
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
            assert b" 101 " in head, head
            # A frame whose mask is 0.
            stream.sendall(bytes([0x82, 0x80 | len(connect)]) + bytes(4) + connect)
            assert read(stream, 6)[5] == 0
        else:
            stream.sendall(connect)
            assert read(stream, 4)[3] == 0
        return stream

    def stop(self):
        self.child.kill()
        self.child.wait()
        shutil.rmtree(self.folder)


def connections(broker, kind, count):
    kept = [broker.connect(f"first{number}", kind) for number in range(100)]
    before = broker.memory()
    kept += [broker.connect(f"idle{number}", kind) for number in range(count)]
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
        stream.close()
    publisher = broker.connect("publisher")
    for number in range(1, 11):
        publisher.sendall(packet(0x32, text("to/all") + number.to_bytes(2, "big") + b"x" * 64))
        read(publisher, 4)
    return broker.memory() / 1e6


def rows(messages):
    return {
        "connection": lambda broker: connections(broker, "TCP", 2000),
        "TLS connection": lambda broker: connections(broker, "TLS", 1000),
        "websocket connection": lambda broker: connections(broker, "websocket", 2000),
        "subscription a/N": lambda broker: subscriptions(broker, "a/%06d", 100_000),
        "subscription sensor/N/temperature": lambda broker: subscriptions(broker, "sensor/%06d/temperature", 100_000),
        "retained, above site/room/devN/temp and 64 bytes": lambda broker: retained(
            broker, lambda number: f"site/room{number // 100}/dev{number}/temp", messages
        ),
        "retained, above a/N and 64 bytes": lambda broker: retained(broker, lambda number: f"a/{number:06}", messages),
        "100,000 sessions away, 10 publishes of 64 bytes, MB": lambda broker: sessions_away(broker, 100_000),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moskit", type=pathlib.Path, default=MOSKIT)
    parser.add_argument("--mosquitto", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--only", default="", help="rows whose names contain this")
    parser.add_argument("--messages", type=int, default=100_000, help="retained messages, a multiple of 100")
    options = parser.parse_args()
    options.moskit = options.moskit.resolve()
    wanted = 6000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    certificates = pathlib.Path(tempfile.mkdtemp())
    subprocess.run([options.moskit, "certgen", "init"], cwd=certificates, check=True, capture_output=True)
    brokers = {"moskit": [options.moskit, "broker"]} | {str(program): [program] for program in options.mosquitto}
    print(f"{'':<56}{'goal':>8}" + "".join(f"{name[-24:]:>26}" for name in brokers))
    missed = []
    try:
        for name, measure in rows(options.messages).items():
            if options.only not in name:
                continue
            figures = {}
            for broker, words in brokers.items():
                running = Broker(words, certificates)
                try:
                    figures[broker] = measure(running)
                finally:
                    running.stop()
            goal = GOALS[name]
            print(f"{name:<56}{goal or '':>8}" + "".join(f"{figure:>26,.0f}" for figure in figures.values()), flush=True)
            if goal and figures["moskit"] > goal:
                missed.append(name)
    finally:
        shutil.rmtree(certificates)
    if missed:
        sys.exit("above the goal: " + ", ".join(missed))


if __name__ == "__main__":
    main()

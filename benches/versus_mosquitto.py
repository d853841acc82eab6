#!/usr/bin/env python3
"""Times moskit's pub and sub against Debian's mosquitto_pub and mosquitto_sub.

Both run in the same session against the same local mosquitto, interleaved; the figures are medians
of the runs, as ratios moskit / mosquitto. CPU seconds (user + system) stand beside wall time, because
machines are shared and noisy; memory is the peak resident size.

    cargo build --release && benches/versus_mosquitto.py [--runs 5] [--scale 1.0] [--only NAME]
"""

import argparse
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOSKIT = ROOT / "target" / "release" / "moskit"
PAYLOAD = "x" * 64


class Run:
    """One finished program: wall seconds, CPU seconds, peak memory in MB."""

    def __init__(self, words, stdin=None, stdout=None):
        start = time.perf_counter()
        child = subprocess.Popen(words, stdin=stdin, stdout=stdout or subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._finish(child, start)

    def _finish(self, child, start):
        # ru_maxrss would tell the size of this script, which the child had between fork and exec.
        self.memory = 0.0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            try:
                for line in open(f"/proc/{child.pid}/status"):
                    if line.startswith("VmHWM"):
                        self.memory = max(self.memory, int(line.split()[1]) / 1024)
            except OSError:
                pass
            time.sleep(0.005)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.perf_counter() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        if child.returncode != 0:
            sys.exit(f"{child.args} ended with {child.returncode}: {child.stderr.read().decode()}")


class Started(Run):
    """A program that is started first and waited for later."""

    def __init__(self, words):
        self.child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.start = time.perf_counter()

    def finish(self):
        self._finish(self.child, self.start)
        return self


class Broker:
    def __init__(self, folder, extra=""):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        conf = folder / "mosquitto.conf"
        conf.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type none\n"
            f"max_queued_messages 0\nmax_inflight_messages 20\n{extra}"
        )
        self.child = subprocess.Popen(["mosquitto", "-c", conf], stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", int(self.port))).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        sys.exit("mosquitto does not start")

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()


def program(peer, verb):
    return [f"mosquitto_{verb}"] if peer == "mosquitto" else [str(MOSKIT), verb]


def lines(folder, count):
    path = folder / f"lines-{count}"
    if not path.exists():
        path.write_text((PAYLOAD + "\n") * count)
    return path


def counted(broker, count, qos, publish):
    """Runs `publish` while a subscriber counts, and fails if not all arrive."""
    counter = Started([str(MOSKIT), "sub", "-p", broker.port, "-t", "bench/#", "-q", str(qos), "-C", str(count), "-i", "counter"])
    # Subscribed once the broker lets a probe through to it; the probe is not counted.
    time.sleep(0.3)
    result = publish()
    try:
        counter.child.wait(timeout=60)
    except subprocess.TimeoutExpired:
        counter.child.kill()
        sys.exit("not all messages were delivered")
    return result


def pub_lines(peer, broker, folder, count, qos, delivered):
    def publish():
        with open(lines(folder, count)) as stdin:
            return Run(program(peer, "pub") + ["-p", broker.port, "-t", "bench/t", "-q", str(qos), "-l"], stdin=stdin)

    return counted(broker, count, 0 if qos == 0 else 2, publish) if delivered else publish()


def sub_live(peer, broker, folder, count, qos, *options):
    subscriber = Started(program(peer, "sub") + [*options, "-p", broker.port, "-t", "bench/#", "-q", str(qos), "-C", str(count)])
    time.sleep(0.3)
    subscriber.start = time.perf_counter()
    with open(lines(folder, count)) as stdin:
        Run([str(MOSKIT), "pub", "-p", broker.port, "-t", "bench/t", "-q", str(qos), "-l"], stdin=stdin)
    return subscriber.finish()


def sub_queue(peer, broker, folder, count, qos):
    identity = ["-i", "drain", "-c", "-t", "bench/#", "-q", str(qos), "-p", broker.port]
    Run([str(MOSKIT), "sub", "-E"] + identity)
    with open(lines(folder, count)) as stdin:
        Run([str(MOSKIT), "pub", "-p", broker.port, "-t", "bench/t", "-q", str(qos), "-l"], stdin=stdin)
    return Run(program(peer, "sub") + ["-C", str(count)] + identity)


class Short(Run):
    """A program that ends within milliseconds: waited for without looking at its memory."""

    def _finish(self, child, start):
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.perf_counter() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = 0.0
        if child.returncode != 0:
            sys.exit(f"{child.args} ended with {child.returncode}: {child.stderr.read().decode()}")


def pub_one(peer, broker, folder, tls):
    extra = ["--cafile", str(folder / "ca.crt"), "-h", "localhost"] if tls else ["-h", "127.0.0.1"]
    words = program(peer, "pub") + ["-p", broker.port, "-q", "1", "-t", "bench/t", "-m", PAYLOAD] + extra
    walls, cpus = [], []
    for _ in range(20):
        run = Short(words)
        walls.append(run.wall)
        cpus.append(run.cpu)
    run.wall, run.cpu = statistics.median(walls), statistics.median(cpus)
    return run


def certificates(folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    openssl("req", "-new", "-x509", "-days", "30", "-extensions", "v3_ca", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Bench CA")
    openssl("genrsa", "-out", "server.key", "2048")
    openssl("req", "-out", "server.csr", "-key", "server.key", "-new", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.crt", "-days", "30")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the message counts")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    options = parser.parse_args()
    count = lambda n: max(100, int(n * options.scale))

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificates(folder)
        tls = f"certfile {folder}/server.crt\nkeyfile {folder}/server.key\ncafile {folder}/ca.crt\n"
        # name, what to run, TLS, ceilings of the ratios (wall, CPU) and of our memory in MB
        rows = [
            ("pub -l QoS 0 1M", lambda p, b: pub_lines(p, b, folder, count(1_000_000), 0, False), False, 1.0, 0.05, 8),
            ("pub -l QoS 1 60k", lambda p, b: pub_lines(p, b, folder, count(60_000), 1, False), False, 0.6, None, None),
            ("pub -l QoS 2 60k", lambda p, b: pub_lines(p, b, folder, count(60_000), 2, False), False, 0.75, None, None),
            ("sub QoS 0 1M", lambda p, b: sub_live(p, b, folder, count(1_000_000), 0), False, None, 0.03, None),
            ("sub -F '%t %p' 1M", lambda p, b: sub_live(p, b, folder, count(1_000_000), 0, "-F", "%t %p"), False, None, 0.3, None),
            ("sub -F %j 1M", lambda p, b: sub_live(p, b, folder, count(1_000_000), 0, "-F", "%j"), False, None, 0.3, None),
            ("sub QoS 1 queue 300k", lambda p, b: sub_queue(p, b, folder, count(300_000), 1), False, 0.4, None, None),
            ("sub QoS 2 60k live", lambda p, b: sub_live(p, b, folder, count(60_000), 2), False, 0.9, 0.8, None),
            ("pub -m QoS 1", lambda p, b: pub_one(p, b, folder, False), False, 0.9, None, None),
            ("pub -m QoS 1 TLS", lambda p, b: pub_one(p, b, folder, True), True, 0.15, None, None),
        ]
        if not options.only:
            broker = Broker(folder)
            for qos in (0, 1, 2):
                pub_lines("moskit", broker, folder, count(1_000_000), qos, True)
            broker.stop()
            print(f"all of {count(1_000_000)} messages delivered at each QoS")
        print(f"{'':22} {'wall s':>17} {'ratio':>6} {'limit':>6} {'CPU s':>17} {'ratio':>6} {'limit':>6} {'MB':>6}")
        for title, run, over_tls, wall_limit, cpu_limit, memory_limit in rows:
            if options.only not in title:
                continue
            runs = {"moskit": [], "mosquitto": []}
            for _ in range(options.runs):
                for peer in runs:
                    broker = Broker(folder, tls if over_tls else "")
                    try:
                        runs[peer].append(run(peer, broker))
                    finally:
                        broker.stop()
            median = lambda peer, figure: statistics.median(getattr(run, figure) for run in runs[peer])
            ours, theirs = median("moskit", "wall"), median("mosquitto", "wall")
            our_cpu, their_cpu = median("moskit", "cpu"), median("mosquitto", "cpu")
            limit = lambda value: f"{value:6.2f}" if value is not None else f"{'':6}"
            print(
                f"{title:22} {ours:8.4f} {theirs:8.4f} {ours / theirs:6.3f} {limit(wall_limit)}"
                f" {our_cpu:8.4f} {their_cpu:8.4f} {our_cpu / max(their_cpu, 1e-6):6.3f} {limit(cpu_limit)}"
                f" {median('moskit', 'memory'):6.1f}" + (f" (limit {memory_limit})" if memory_limit else ""),
                flush=True,
            )


if __name__ == "__main__":
    main()

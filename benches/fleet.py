#!/usr/bin/env python3
"""Times certgen for fleets: batch beside a loop over the openssl command, crl, expiry, and the memory of a long batch.

The loop makes for each device what people's scripts make: a P-256 key, a request, a certificate signed by the CA, with
three calls of openssl; it runs in the same session, before and behind ours. Everything lies in one temporary folder.

    cargo build --release && benches/fleet.py [--devices 10000] [--loop 200] [--rows 1000000] [--folder DIR]
"""

import argparse
import os
import pathlib
import subprocess
import tempfile
import time

from bounds import verdict

MOSKIT = pathlib.Path(__file__).resolve().parent.parent / "target/release/moskit"

# What must be reached.
TIMES_OPENSSL = 50
GOAL_TIMES_OPENSSL = 140
MEMORY_MB = 64
CRL_SECONDS = 0.5
EXPIRY_SECONDS = 1.0


def moskit(folder, *words, stdin=None):
    """Runs it and gives the seconds that it took and the peak of its memory in MB."""
    started = time.monotonic()
    child = subprocess.Popen(
        [MOSKIT, *words], cwd=folder, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1, 2), words
    return time.monotonic() - started, usage.ru_maxrss / 1024


def fleet(folder, name, count, first=1):
    with open(folder / name, "w") as file:
        file.write("id\n")
        file.writelines(f"dev{number}\n" for number in range(first, first + count))


def openssl_loop(folder, count):
    """Devices a second."""
    script = f"""
mkdir loop; i=0
while [ $i -lt {count} ]; do i=$((i+1))
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out loop/$i.key
  openssl req -new -key loop/$i.key -subj /CN=dev$i -out loop/$i.csr
  openssl x509 -req -in loop/$i.csr -CA lab/ca.crt -CAkey lab/ca.key -days 825 -out loop/$i.crt
done; rm -r loop"""
    started = time.monotonic()
    subprocess.run(["sh", "-ec", script], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return count / (time.monotonic() - started)


def revoked(folder, count):
    """An index in which so many are revoked."""
    with open(folder / "lab/ca-index.ndjson", "a") as file:
        for number in range(count):
            serial = f"{0x4000000000000000 + number:032X}"
            file.write(
                f'{{"issued":"{serial}","subject":"CN=d{number}","name":"d{number}","names":[],'
                f'"not_after":"2029-03-04T00:00:00Z","sha256":null,"file":null}}\n'
                f'{{"revoked":"{serial}","at":"2026-11-30T00:00:00Z","reason":"keyCompromise"}}\n'
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--loop", type=int, default=200)
    parser.add_argument("--rows", type=int, default=0, help="rows of a batch whose memory is measured, 0 for none")
    parser.add_argument("--folder", default=None, help="where the temporary folder is made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        moskit(folder, "certgen", "init", "lab", "--hosts", "localhost")
        fleet(folder, "fleet.csv", arguments.devices)
        before = openssl_loop(folder, arguments.loop)
        batch, memory = moskit(folder, "certgen", "batch", "fleet.csv", "-d", "lab", "-o", "devices")
        behind = openssl_loop(folder, arguments.loop)
        rate, loop = arguments.devices / batch, (before + behind) / 2
        print(f"openssl: {before:.1f} and {behind:.1f} devices a second; batch: {rate:.0f}, {memory:.0f} MB")
        times = rate / loop
        goal = f"(goal {GOAL_TIMES_OPENSSL}: {'reached' if times >= GOAL_TIMES_OPENSSL else 'not reached'})"
        verdict("batch, times the loop over openssl", times, "x", f"at least {TIMES_OPENSSL}", times >= TIMES_OPENSSL, goal)
        expiry, _ = moskit(folder, "certgen", "expiry", "devices")
        verdict(f"expiry over {arguments.devices} certificates", expiry, "s", f"at most {EXPIRY_SECONDS}", expiry <= EXPIRY_SECONDS)
        revoked(folder, 100_000)
        crl, _ = moskit(folder, "certgen", "crl", "-d", "lab")
        verdict("crl with 100,000 entries", crl, "s", f"at most {CRL_SECONDS}", crl <= CRL_SECONDS)
        again, _ = moskit(folder, "certgen", "crl", "-d", "lab", "--force")
        verdict("crl in the place of one of 100,000", again, "s", f"at most {CRL_SECONDS}", again <= CRL_SECONDS)
        if arguments.rows:
            fleet(folder, "long.csv", arguments.rows)
            words = ("certgen", "batch", "long.csv", "-d", "lab", "-o", "long", "--layout", "archive")
            seconds, memory = moskit(folder, *words)
            verdict(f"memory of a batch of {arguments.rows}", memory, "MB", f"at most {MEMORY_MB}", memory <= MEMORY_MB)
            seconds, memory = moskit(folder, *words)
            verdict("and of a start when all is done", memory, "MB", f"at most {MEMORY_MB}", memory <= MEMORY_MB)
            # As much again as a third, by a pipe: those that are done are passed over, the others made.
            fleet(folder, "longer.csv", arguments.rows + arguments.rows // 3)
            feeder = subprocess.Popen(["cat", "longer.csv"], cwd=folder, stdout=subprocess.PIPE)
            words = ("certgen", "batch", "-", "-d", "lab", "-o", "long", "--layout", "archive")
            seconds, memory = moskit(folder, *words, stdin=feeder.stdout)
            feeder.stdout.close()
            feeder.wait()
            verdict("and of one by pipe that goes on", memory, "MB", f"at most {MEMORY_MB}", memory <= MEMORY_MB)


if __name__ == "__main__":
    main()

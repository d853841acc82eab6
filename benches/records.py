#!/usr/bin/env python3
"""Times messages as data: sub --ndjson, pub --ndjson and pub --replay, against what they are compared with.

All of a round runs in the same session against the same local mosquitto, the compared programs one after the
other; the figures are medians of the rounds. Memory is the peak resident size with messages of 1 kB, for a short
file and one ten times as long.

    cargo build --release && benches/records.py [--runs 5] [--scale 1.0]
"""

import argparse
import pathlib
import statistics
import tempfile

from versus_mosquitto import MOSKIT, Broker, Run, lines, pub_lines, sub_live

# What the ratios and the memory must not exceed, or fall below.
CPU_OF_NDJSON = 0.15
RATE_AT_QOS_0 = 0.5
RATE_AT_QOS_1 = 0.9
MEMORY = 16


def records(folder, count, size):
    """A file of so many records, with payloads of this size and a millisecond between them."""
    path = folder / f"records-{count}-{size}.ndjson"
    if not path.exists():
        with open(path, "w") as file:
            for number in range(count):
                second, milli = divmod(number, 1000)
                minute, second = divmod(second, 60)
                hour, minute = divmod(minute, 60)
                file.write(
                    f'{{"v":1,"ts":"2026-11-29T{hour:02}:{minute:02}:{second:02}.{milli:03}000000Z","topic":"bench/t",'
                    f'"payload":"{"x" * size}","qos":0,"retain":false,"dup":false}}\n'
                )
    return path


def pub_records(broker, path, qos, replay=False):
    words = [str(MOSKIT), "pub", "-p", broker.port, "--map", "bench/=bench/"]
    if replay:
        return Run(words + ["--replay", str(path), "--speed", "max"])
    with open(path) as stdin:
        return Run(words[:4] + ["-t", "bench/t", "-q", str(qos), "--ndjson"], stdin=stdin)


def of_qos(path, qos):
    """The same records at another QoS."""
    other = path.with_suffix(f".{qos}.ndjson")
    if not other.exists():
        other.write_text(path.read_text().replace('"qos":0', f'"qos":{qos}'))
    return other


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the message counts")
    options = parser.parse_args()
    count = lambda n: max(1000, int(n * options.scale))

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        many, some = count(1_000_000), count(60_000)
        plain, acknowledged = records(folder, many, 64), of_qos(records(folder, some, 64), 1)
        lines(folder, many), lines(folder, some)
        short, long = records(folder, count(50_000), 1000), records(folder, count(500_000), 1000)
        measured = {}

        def measure(name, run):
            broker = Broker(folder)
            try:
                measured.setdefault(name, []).append(run(broker))
            finally:
                broker.stop()

        for _ in range(options.runs):
            measure("sub --ndjson", lambda broker: sub_live("moskit", broker, folder, many, 0, "--ndjson"))
            measure("mosquitto_sub -F %j", lambda broker: sub_live("mosquitto", broker, folder, many, 0, "-F", "%j"))
            measure("pub -l QoS 0", lambda broker: pub_lines("moskit", broker, folder, many, 0, False))
            measure("pub --ndjson QoS 0", lambda broker: pub_records(broker, plain, 0))
            measure("pub --replay QoS 0", lambda broker: pub_records(broker, plain, 0, replay=True))
            measure("pub -l QoS 1", lambda broker: pub_lines("moskit", broker, folder, some, 1, False))
            measure("pub --ndjson QoS 1", lambda broker: pub_records(broker, acknowledged, 1))
            measure("pub --replay QoS 1", lambda broker: pub_records(broker, acknowledged, 1, replay=True))
        for path in (short, long):
            size = f"{path.stat().st_size / 1e6:.0f} MB"
            measure(f"pub --ndjson of {size}", lambda broker: pub_records(broker, path, 0))
            measure(f"pub --replay of {size}", lambda broker: pub_records(broker, path, 0, replay=True))

        median = lambda name, figure: statistics.median(getattr(run, figure) for run in measured[name])
        print(f"{'':28} {'wall s':>8} {'CPU s':>8} {'MB':>6}")
        for name in measured:
            print(f"{name:28} {median(name, 'wall'):8.3f} {median(name, 'cpu'):8.3f} {median(name, 'memory'):6.1f}")
        print()
        cpu = median("sub --ndjson", "cpu") / median("mosquitto_sub -F %j", "cpu")
        print(f"CPU of sub --ndjson / mosquitto_sub -F %j: {cpu:.3f} (at most {CPU_OF_NDJSON})")
        for qos, least in ((0, RATE_AT_QOS_0), (1, RATE_AT_QOS_1)):
            for verb in ("--ndjson", "--replay"):
                rate = median(f"pub -l QoS {qos}", "wall") / median(f"pub {verb} QoS {qos}", "wall")
                print(f"rate of pub {verb} / pub -l at QoS {qos}: {rate:.2f} (at least {least})")
        most = max(run.memory for name, runs in measured.items() if " of " in name for run in runs)
        print(f"most memory: {most:.1f} MB (at most {MEMORY})")


if __name__ == "__main__":
    main()

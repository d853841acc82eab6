"""What was measured beside its bound, as a line: for the measurements that have bounds of their own."""


def verdict(name, value, unit, bound, is_right, goal=""):
    line = f"{name:52} {value:10.3f} {unit:12} {bound:28} {'ok' if is_right else 'TOO BAD'} {goal}"
    print(line.rstrip(), flush=True)

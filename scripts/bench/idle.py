#!/usr/bin/env python3
"""Memory of an idle server whose model is installed but not loaded, and the time from start to ready.

`scripts/bench/idle.py BOXWOOD_BINARY`. The first start makes keys and certificates; later ones find them.
"""
import statistics
import sys
import tempfile
import time

from common import Server, figure, memory

SETTLE_SECONDS = 5
STARTS = 5


def main():
    program = sys.argv[1]
    first, later, idle = [], [], []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="boxwood-bench-data-") as data:
            with Server(program, data) as server:
                first.append(server.seconds_to_ready)
            with Server(program, data) as server:
                later.append(server.seconds_to_ready)
                if len(idle) < 2:
                    time.sleep(SETTLE_SECONDS)
                    idle.append(memory(server.pid))
    print("start to ready, new data folder:", " ".join(f"{seconds:.3f}" for seconds in first), "s")
    print("start to ready, later:          ", " ".join(f"{seconds:.3f}" for seconds in later), "s")
    figure("idle server, model not loaded", f"{max(idle):.1f} MB RSS", "≤ 60 MB", max(idle) <= 60)
    for name, seconds in [("first start to ready (makes keys)", first), ("later start to ready", later)]:
        middle = statistics.median(seconds)
        value = f"{middle:.2f} s (longest {max(seconds):.2f} s)"
        figure(name, value, "≤ 1 s", middle <= 1)


if __name__ == "__main__":
    main()

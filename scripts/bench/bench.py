#!/usr/bin/env python3
"""Runs every measure and prints one table: `scripts/bench/bench.py BOXWOOD_BINARY [MEASURE…]`.

Each measure is a command of its own, shown before it runs, and can be run alone. Exits with 1 when a goal is missed.
"""
import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from common import MODELS, ROOT

ENGINE_MODEL = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"


def commands(program):
    """Name → command."""
    examples = Path(program).resolve().parent / "examples"
    here = Path(__file__).resolve().parent
    return {
        "overhead": [examples / "bench_overhead", program],
        "ingestion": [here / "ingestion.py", examples],
        "idle": [here / "idle.py", program],
        "upload": [here / "upload.py", program],
        "gateway": [here / "gateway.py", program, examples],
        "tokens": [here / "tokens.py", examples],
        "engine": [examples / "engine_bench", MODELS / ENGINE_MODEL],
    }


def rows(name, output):
    """The figures in a measure's output: (what, value, goal, met)."""
    for line in output.splitlines():
        if line.startswith("figure | "):
            yield line.split(" | ")[1:]
    if name == "overhead" and (found := re.search(r"^p99 ratio\s+([\d.]+) \(goal ([\d.]+)\)", output, re.MULTILINE)):
        yield ["ask, 16 clients: p99 against a bare proxy", f"{found[1]} ×", f"≤ {found[2]} ×", met(float(found[1]) <= float(found[2]))]
    if name == "engine":
        for found in re.finditer(r"^(prefill|decode) .*ratio ([\d.]+) \(goal ([\d.]+)\)", output, re.MULTILINE):
            yield [f"engine {found[1]} against raw calls", f"{found[2]} ×", f"≥ {found[3]} ×", met(float(found[2]) >= float(found[3]))]
        for found in re.finditer(r"second, ([a-z ]+): .*ratio ([\d.]+) \(goal ([\d.]+)\)", output):
            yield [f"second question, {found[1]}: time to first token", f"{found[2]} ×", f"≤ {found[3]} ×", met(float(found[2]) <= float(found[3]))]


def met(reached):
    return "yes" if reached else "NO"


def load():
    return os.getloadavg()[0]


def processor():
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def main():
    program, chosen = sys.argv[1], sys.argv[2:]
    table = []
    for name, command in commands(program).items():
        if chosen and name not in chosen:
            continue
        shown = " ".join(str(part) for part in command)
        print(f"\n== {name}: {shown}  (load average {load():.2f})", flush=True)
        result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(result.stdout, end="")
        found = list(rows(name, result.stdout))
        if result.returncode != 0 or not found:
            found.append([name, f"failed ({result.returncode})", "-", "NO"])
        table += [[*row, f"{load():.1f}"] for row in found]
    head = ["measure", "value", "goal", "met", "load after"]
    print(f"\n{datetime.date.today()}, {os.cpu_count()} × {processor()}, {platform.system()} {platform.release()}")
    widths = [max(len(row[column]) for row in [head, *table]) for column in range(len(head))]
    for row in [head, ["-" * width for width in widths], *table]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    sys.exit(1 if any(row[3] == "NO" for row in table) else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What the gateway adds to a completion, metering on, beside a bare proxy and LiteLLM, all before the same instant host.

    scripts/bench/gateway.py BOXWOOD_BINARY EXAMPLES_FOLDER [--quick] [--without-litellm]

LiteLLM is installed into a virtual environment in the cache folder, once. Two things would make it look three times slower
than it is, so they are avoided: it imports modules on every request where opentelemetry is missing or where
PYTHONDONTWRITEBYTECODE keeps Python from keeping its bytecode. Version 1.107.0 was compromised: 1.106.10 is pinned.
"""
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from common import TOKEN, figure, memory

LITELLM = "1.106.10"
CACHE = Path(os.environ.get("BOXWOOD_CACHE", Path.home() / ".cache/boxwood"))
QUICK = "--quick" in sys.argv
ROUNDS = 2 if QUICK else 5


class Process:
    """A program that ends with this one."""

    def __init__(self, command, log, **more):
        self.log = log
        with open(log, "wb") as out:
            self.child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=out, stdin=subprocess.DEVNULL, **more)

    def wait_for(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.child.poll() is None:
            if found := re.search(pattern, self.log.read_text(errors="replace"), re.MULTILINE):
                return found
            time.sleep(0.02)
        raise SystemExit(f"{self.log.name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()


def litellm(folder, stub):
    """Installs and starts LiteLLM; gives the process and its address."""
    environment = CACHE / f"litellm-{LITELLM}"
    python = environment / "bin/python"
    if not (environment / "complete").exists():
        print(f"installing LiteLLM {LITELLM} into {environment}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        wanted = [f"litellm[proxy]=={LITELLM}", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        subprocess.run([python, "-m", "compileall", "-q", environment / "lib"], check=False)
        (environment / "complete").touch()
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: stub\n    litellm_params:\n      model: openai/stub\n"
        f"      api_base: http://{stub}/v1\n      api_key: none\ngeneral_settings:\n  master_key: sk-bench\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [environment / "bin/litellm", "--config", config, "--host", "127.0.0.1", "--port", port, "--num_workers", 1]
    process = Process(command, folder / "litellm.log", env=variables, cwd=folder)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=2).read()
            return process, f"127.0.0.1:{port}"
        except OSError:
            if process.child.poll() is not None:
                break
            time.sleep(0.2)
    raise SystemExit(f"LiteLLM did not start:\n{process.log.read_text(errors='replace')[-2000:]}")


def boxwood(program, folder, stub):
    config = folder / "boxwood.toml"
    config.write_text(
        '[models]\ndefault = "stub"\n[models.bindings."stub"]\nhost = "openai_compatible"\n'
        f'base_url = "http://{stub}/v1"\nmodel = "stub"\nfamily = "compatible"\nmax_concurrent = 64\n'
        'context_window = 200000\n'
        '[models.prices."stub"]\ninput = 1.10\ncached_input = 0.275\noutput = 4.40\n'
        # Metering with a budget that holds: the whole path.
        '[budgets.bench]\nmoney = 1000000\n'
    )
    command = [program, "serve", "--http", "127.0.0.1:0", "--https", "off", "--config", config]
    command += ["--data", folder / "data", "--cache", folder / "cache"]
    process = Process(command, folder / "boxwood.log")
    address = process.wait_for(r"^\s+http://(\S+)$")[1]
    process.wait_for("developer token")
    return process, address


def main():
    program, examples = sys.argv[1], Path(sys.argv[2])
    tool = examples / "bench_gateway"
    running = []
    with tempfile.TemporaryDirectory(prefix="boxwood-gateway-") as name:
        folder = Path(name)
        try:
            measure(program, tool, folder, running)
        finally:
            for process in reversed(running):
                process.stop()


def measure(program, tool, folder, running):
    stub = Process([tool, "--stub"], folder / "stub.log")
    running.append(stub)
    host = stub.wait_for(r"^(127\S+)$")[1]
    proxy = Process([tool, "--proxy", host], folder / "proxy.log")
    running.append(proxy)
    targets = {"host": (host, "none"), "proxy": (proxy.wait_for(r"^(127\S+)$")[1], "none")}
    ours, address = boxwood(program, folder, host)
    running.append(ours)
    targets["boxwood"] = (address, TOKEN)
    if "--without-litellm" not in sys.argv:
        other, address = litellm(folder, host)
        running.append(other)
        targets["litellm"] = (address, "sk-bench")

    def load(target, clients, requests, tokens=0):
        address, token = targets[target]
        command = [tool, "--load", f"http://{address}/v1/chat/completions", token, "stub", clients, requests, tokens]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{target}: {done.stderr}")
        return [float(word) for word in done.stdout.split()]

    medians = {}
    for clients in (1, 16, 64):
        rounds = {target: [] for target in targets}
        for target in targets:
            load(target, clients, 50)
        for _ in range(ROUNDS):
            for target in targets:
                requests = (40 if QUICK else 150) if target == "litellm" else (400 if QUICK else 4_000)
                rounds[target].append(load(target, clients, max(requests, clients * 2)))
        for target, results in rounds.items():
            medians[target, clients] = [statistics.median(column) for column in zip(*results)]
            p50, p99, rate = medians[target, clients]
            print(f"{clients:3} clients  {target:8} p50 {p50:8.3f} ms  p99 {p99:8.3f} ms  {rate:8.0f} requests/s", flush=True)
        added = [medians["boxwood", clients][part] - medians["host", clients][part] for part in (0, 1)]
        print(f"{clients:3} clients  boxwood adds p50 {added[0]:.3f} ms, p99 {added[1]:.3f} ms")
        if clients == 16:
            figure("gateway, 16 clients: p99 added", f"{added[1]:.2f} ms", "≤ 1 ms", added[1] <= 1)
            ratio = medians["boxwood", 16][2] / medians["proxy", 16][2]
            figure("gateway, 16 clients: requests/s against a bare proxy", f"{ratio:.2f} ×", "≥ 0.70 ×", ratio >= 0.7)
            if "litellm" in targets:
                ratio = medians["boxwood", 16][2] / medians["litellm", 16][2]
                figure("gateway, 16 clients: requests/s against LiteLLM", f"{ratio:.1f} ×", "≥ 10 ×", ratio >= 10)
    long = {target: load(target, 1, 20 if QUICK else 60, 100_000) for target in ("proxy", "boxwood")}
    added = long["boxwood"][0] - long["proxy"][0]
    print(f"100k tokens  proxy p50 {long['proxy'][0]:.2f} ms  boxwood p50 {long['boxwood'][0]:.2f} ms")
    figure("gateway, a prompt of 100k tokens: p50 added to a bare proxy", f"{added:.1f} ms", "≤ 10 ms", added <= 10)
    total, step = (4_000, 1_000) if QUICK else (200_000, 20_000)
    load("boxwood", 16, step)
    before = memory(ours.child.pid)
    for _ in range(step, total, step):
        load("boxwood", 16, step)
    after = memory(ours.child.pid)
    grown = after / before
    figure(f"gateway: resident memory after {total:,} requests against after {step:,}", f"{after:.0f} MB, {grown:.2f} ×", "≤ 1.10 ×", grown <= 1.1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs every code block of docs/clients.md against the server under test and compares what it prints with the text block
that follows it, where `…` stands for any text.

A block is run as it stands; only the addresses of a default server are replaced. The word after its language says which
client it is for. Called by `tests/sdk/run.sh snippets CACHE`, which has installed the clients; standard library only.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs/clients.md"
BLOCK = re.compile(r"^```(\w+)[ ]?([\w-]*)\n(.*?)^```$", re.M | re.S)
TIME_LIMIT_SECONDS = 600
NEEDED = {"curl", "boxsdk", "node", "langchain", "llama-index", "boxwood"}


def blocks(text):
    """(client, code, pattern of the output) of each block; a block without its output is a mistake."""
    found = BLOCK.findall(text)
    if len(found) % 2 or any(language != "text" for language, _, _ in found[1::2]):
        sys.exit(f"{DOCUMENT}: after each code block stands a `text` block with what it prints")
    return [(client, code, output) for (_, client, code), (_, _, output) in zip(found[::2], found[1::2])]


def at_the_server(code):
    """The code with the addresses of the server under test."""
    return code.replace("127.0.0.1:8020", os.environ["BOXWOOD_SDK_HTTP"]).replace("127.0.0.1:8443", os.environ["BOXWOOD_SDK_HTTPS"])


def fits(output, wanted):
    """Whether the output is what the document says, `…` standing for any text."""
    pattern = ".*".join(re.escape(part) for part in wanted.strip().split("…"))
    return re.fullmatch(pattern, output.strip(), re.S) is not None


def upload():
    """The id of a new file, for the blocks that read one that was uploaded before."""
    attributes = {"name": f"{uuid.uuid4()}.pdf", "parent": {"id": "0"}}
    body = (
        b'--cut\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n' + json.dumps(attributes).encode()
        + b'\r\n--cut\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'
        + (ROOT / "samples/invoice.pdf").read_bytes() + b"\r\n--cut--\r\n"
    )
    headers = {"Authorization": "Bearer boxwood-dev-token", "Content-Type": "multipart/form-data; boundary=cut"}
    request = urllib.request.Request(f"http://{os.environ['BOXWOOD_SDK_HTTP']}/2.0/files/content", body, headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)["entries"][0]["id"]


def command(client, cache, file):
    """How a block is run, and what its environment has besides."""
    python = {"boxsdk": "python", "langchain": "frameworks", "llama-index": "frameworks"}.get(client)
    if python == "frameworks":
        redirect = str(ROOT / "tests/sdk/frameworks/redirect")
        return [str(cache / python / "venv/bin/python"), file], {"PYTHONPATH": redirect, "FILE_ID": upload()}
    if python:
        return [str(cache / python / "venv/bin/python"), file], {}
    if client == "node":
        return ["node", file], {"NODE_PATH": str(cache / "node/node_modules")}
    return ["bash", "-euo", "pipefail", file], {}


def run(client, code, wanted, cache):
    """Runs one block; returns what is wrong with it, if anything."""
    with tempfile.NamedTemporaryFile("w", suffix=".cjs" if client == "node" else "") as file:
        file.write(at_the_server(code))
        file.flush()
        words, environment = command(client, cache, file.name)
        done = subprocess.run(
            words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS
        )
    if done.returncode:
        return f"ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    if not fits(done.stdout, wanted):
        return f"printed\n{done.stdout}\nand not\n{wanted}"
    return None


def main():
    cache, failed, seen = Path(sys.argv[1]), False, set()
    for client, code, wanted in blocks(DOCUMENT.read_text()):
        began = time.monotonic()
        mistake = run(client, code, wanted, cache)
        seen.add(client)
        failed = failed or mistake is not None
        print(f"{'FAILED ' if mistake else 'passed '} {client} ({time.monotonic() - began:.1f} s) {mistake or ''}", flush=True)
    if missing := NEEDED - seen:
        sys.exit(f"{DOCUMENT} has no block for {', '.join(sorted(missing))}")
    sys.exit(failed)


if __name__ == "__main__":
    main()

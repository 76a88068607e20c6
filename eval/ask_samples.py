#!/usr/bin/env python3
"""Asks five questions about each sample document (one of them unanswerable) and prints a table of the answers that came.

usage: eval/ask_samples.py [--server URL]     Standard library only; the server must have been started by `make run`.
"""
import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from ask_set import Server  # noqa: E402

HERE = Path(__file__).parent


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--server", default="http://127.0.0.1:8020")
    server = Server(arguments.parse_args().server)
    for line in (HERE / "sample_questions.jsonl").read_text().splitlines():
        row = json.loads(line)
        content = (HERE.parent / "samples" / row["file"]).read_bytes()
        started = time.monotonic()
        answer = server.ask([server.file(row["file"], content)], row["question"])
        extra = answer["boxwood"]
        pages = sorted({page for citation in extra["citations"] for page in citation["pages"]})
        print(f"{row['file']} | {row['question']} | expected: {row['expected'] or '(not in the document)'} | {answer['answer']} | "
              f"pages {pages} | support {extra['support']['probability']:.2f} | {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Asks the questions of a data set over a running server and writes predictions, one JSON object a line.

usage: eval/ask_set.py SET_FOLDER OUT.jsonl [--server URL] [--split dev] [--limit N] [--keep-going]
Each document of a row is uploaded as a file of its own; the answer is what the server says, `sources` are the names of the
files it cites. Rows that OUT already holds are not asked again. Standard library only.
"""
import argparse
import hashlib
import json
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

TOKEN = "boxwood-dev-token"


class Server:
    """The few calls that are needed."""

    def __init__(self, base):
        self.base = base
        self.folder = self.make_folder(f"eval {uuid.uuid4().hex[:8]}")
        self.uploaded = {}

    def call(self, method, path, body, content_type="application/json"):
        request = urllib.request.Request(self.base + path, data=body, method=method, headers={
            "Authorization": f"Bearer {TOKEN}", "Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=1800) as response:
            return json.loads(response.read())

    def make_folder(self, name):
        return self.call("POST", "/2.0/folders", json.dumps({"name": name, "parent": {"id": "0"}}).encode())["id"]

    def file(self, name, content):
        """The id of a file with this content, uploaded once."""
        key = (name, hashlib.sha256(content).hexdigest())
        if key not in self.uploaded:
            boundary = uuid.uuid4().hex
            stored = f"{len(self.uploaded)}-{name}".replace("/", "_").replace("\\", "_")[:200].strip()
            attributes = json.dumps({"name": stored, "parent": {"id": self.folder}})
            body = (f'--{boundary}\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n{attributes}\r\n--{boundary}\r\n'
                    f'Content-Disposition: form-data; name="file"; filename="file"\r\n\r\n').encode()
            body += content + f"\r\n--{boundary}--\r\n".encode()
            entry = self.call("POST", "/2.0/files/content", body, f"multipart/form-data; boundary={boundary}")
            self.uploaded[key] = entry["entries"][0]["id"]
        return self.uploaded[key]

    def ask(self, ids, question):
        mode = "single_item_qa" if len(ids) == 1 else "multiple_item_qa"
        items = [{"id": file_id, "type": "file"} for file_id in ids]
        body = {"mode": mode, "prompt": question, "items": items, "include_citations": True}
        return self.call("POST", "/2.0/ai/ask", json.dumps(body).encode())


def documents(row, folder):
    for document in row["documents"]:
        name = document.get("title") or Path(document["doc_id"]).name
        text = document.get("text")
        yield document["doc_id"], name, text.encode() if text is not None else (folder / document["path"]).read_bytes()


def arguments_of_a_run(words):
    """What every run over a data set is told."""
    arguments = argparse.ArgumentParser(description=words)
    arguments.add_argument("set_folder", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--server", default="http://127.0.0.1:8020")
    arguments.add_argument("--split", default="dev")
    arguments.add_argument("--limit", type=int)
    arguments.add_argument("--keep-going", action="store_true", help="write a failed row without an answer and go on")
    return arguments


def rows_to_do(chosen):
    """The rows that OUT does not hold yet; tells how far the run is."""
    rows = [json.loads(line) for line in (chosen.set_folder / f"{chosen.split}.jsonl").read_text().splitlines()][:chosen.limit]
    done = set()
    if chosen.out.exists():
        done = {json.loads(line)["id"] for line in chosen.out.read_text().splitlines()}
    for number, row in enumerate(rows):
        if row["id"] not in done:
            yield row
            print(f"\r{number + 1}/{len(rows)}", end="", flush=True)
    print()


def main():
    arguments = arguments_of_a_run(__doc__)
    chosen = arguments.parse_args()
    server = Server(chosen.server)
    with chosen.out.open("a") as out:
        for row in rows_to_do(chosen):
            by_id = {server.file(name, content): doc_id for doc_id, name, content in documents(row, chosen.set_folder)}
            started = time.monotonic()
            try:
                answer = server.ask(list(by_id), row["question"].strip())
            except urllib.error.HTTPError as error:
                if not chosen.keep_going:
                    raise SystemExit(f"{row['id']}: {error} {error.read().decode()}") from error
                out.write(json.dumps({"id": row["id"], "answer": None, "error": str(error)}) + "\n")
                continue
            extra = answer["boxwood"]
            sources = list(dict.fromkeys(by_id[citation["id"]] for citation in answer["citations"]))
            out.write(json.dumps({
                "id": row["id"], "answer": answer["answer"], "sources": sources, "support": extra["support"],
                "processor": answer["ai_agent_info"]["processor"], "usage": extra["usage"],
                "seconds": round(time.monotonic() - started, 2)}, ensure_ascii=False) + "\n")
            out.flush()


if __name__ == "__main__":
    main()

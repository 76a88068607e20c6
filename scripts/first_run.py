#!/usr/bin/env python3
"""What `make run` shows: models pulled, server started, samples uploaded, a question answered with its citations.

Standard library only. With --once it stops the server afterwards; with --stop it stops a server that was left running.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("BOXWOOD_CACHE", Path.home() / ".cache/boxwood"))
DATA = Path(os.environ.get("BOXWOOD_DATA", Path.home() / ".local/share/boxwood"))
HTTP = os.environ.get("BOXWOOD_HTTP", "127.0.0.1:8020")
BASE = f"http://{HTTP}"
TOKEN = "boxwood-dev-token"
PID_FILE = DATA / "server.pid"
LOG_FILE = DATA / "server.log"
QUESTION = ("lease-contract.pdf", "How much is the deposit, and when is it returned?")


def call(method, path, body=None, headers=None, timeout=600):
    """One request with the developer token; JSON in, JSON out."""
    headers = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
    if isinstance(body, (dict, list)):
        body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    request = urllib.request.Request(BASE + path, data=body, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=timeout) as response:
        text = response.read()
        return json.loads(text) if text else None


def is_up():
    try:
        with urllib.request.urlopen(BASE + "/health", timeout=2) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


def start_server(program):
    """Starts the server in a session of its own, so that it goes on after this script; None if one runs already."""
    if is_up():
        print(f"A server answers at {BASE} already; using it.")
        return None
    DATA.mkdir(parents=True, exist_ok=True)
    with open(LOG_FILE, "ab") as log:
        server = subprocess.Popen([program, "serve"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    PID_FILE.write_text(str(server.pid))
    for _ in range(300):
        if is_up():
            return server
        if server.poll() is not None:
            sys.exit(f"The server ended at once; the end of {LOG_FILE}:\n" + LOG_FILE.read_text(errors="replace")[-2000:])
        time.sleep(0.1)
    sys.exit(f"The server did not come up within 30 s; see {LOG_FILE}")


def stop_server():
    try:
        pid = int(PID_FILE.read_text())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        print("No server of `make run` is running.")
        return
    for _ in range(300):
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        try:
            os.kill(pid, 0)
        except OSError:
            break
        time.sleep(0.1)
    PID_FILE.unlink(missing_ok=True)
    print("The server has stopped.")


def samples_folder():
    """The id of the folder "Boxwood samples", made if it is missing."""
    for entry in call("GET", "/2.0/folders/0/items?limit=1000&fields=id,name,type")["entries"]:
        if entry["type"] == "folder" and entry["name"] == "Boxwood samples":
            return entry["id"]
    return call("POST", "/2.0/folders", {"name": "Boxwood samples", "parent": {"id": "0"}})["id"]


def upload(path, folder):
    boundary = uuid.uuid4().hex
    attributes = json.dumps({"name": path.name, "parent": {"id": folder}})
    body = (f'--{boundary}\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n{attributes}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
            f"Content-Type: application/octet-stream\r\n\r\n").encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return call("POST", "/api/2.0/files/content", body, headers)["entries"][0]["id"]


def upload_samples():
    folder = samples_folder()
    entries = call("GET", f"/2.0/folders/{folder}/items?limit=1000&fields=id,name")["entries"]
    ids = {entry["name"]: entry["id"] for entry in entries}
    for path in sorted((ROOT / "samples").iterdir()):
        if path.suffix != ".py" and path.name not in ids:
            ids[path.name] = upload(path, folder)
    return ids


def ask(file_id, question):
    """Asks over the event stream, so that progress shows; gives the final body."""
    body = {"mode": "single_item_qa", "prompt": question, "items": [{"id": file_id, "type": "file"}], "include_citations": True}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Accept": "text/event-stream"}
    request = urllib.request.Request(BASE + "/2.0/ai/ask", data=json.dumps(body).encode(), method="POST", headers=headers)
    event, shown = None, ""
    with urllib.request.urlopen(request, timeout=900) as response:
        for raw in response:
            line = raw.decode().rstrip("\r\n")
            if line.startswith("event:"):
                event = line[6:].strip()
            elif line.startswith("data:"):
                data = json.loads(line[5:])
                if event == "answer":
                    if shown:
                        print("\r" + " " * 72 + "\r", end="")
                    return data
                if event == "error":
                    sys.exit("The question failed: " + json.dumps(data, ensure_ascii=False))
                if event == "progress":
                    text = "  " + " ".join(str(data[key]) for key in ("step", "done", "of", "total") if key in data)
                    if text != shown and sys.stdout.isatty():
                        print("\r" + text.ljust(72)[:72], end="", flush=True)
                        shown = text
    sys.exit("The event stream ended without an answer")


def show(question, answer, seconds):
    extra = answer["boxwood"]
    print(f"Question   {question}\nAnswer     {answer['answer']}")
    for citation in extra["citations"]:
        pages = ", ".join(f"page {place['page']}" for place in citation["highlights"])
        quote = " ".join(citation["quote"].split())
        print(f"Citation   {citation['file_name']}, {pages}: “{quote}”")
    served = extra["served_by"]
    print(f"Answered by {served['answered']} ({served['kind']}); support {extra['support']['probability']:.2f}")
    for file in extra["coverage"]["files"]:
        print(f"Coverage   {len(file['shown_pages'])} of {file['pages']} pages shown to the model, all {file['searched_bytes']} bytes searched")
    usage = extra["usage"]
    print(f"Time       {seconds:.1f} s in all; {usage['input_tokens']} tokens read ({usage['cached_tokens']} from the cache), "
          f"{usage['output_tokens']} written")


def next_lines(ids, file_id):
    print(f"""
The server goes on at {BASE} (log: {LOG_FILE}; stop it with `make stop`). Try:

  curl -s {BASE}/2.0/ai/ask -H "Authorization: Bearer {TOKEN}" -H "Content-Type: application/json" \\
    -d '{{"mode":"single_item_qa","prompt":"What is the total due?","items":[{{"id":"{ids['invoice.pdf']}","type":"file"}}],"include_citations":true}}'

  pip install boxsdk && python3 - <<'PY'
  from box_sdk_gen import *
  urls = BaseUrls(base_url="{BASE}", upload_url="{BASE}/api", oauth_2_url="{BASE}/oauth2")
  auth = BoxDeveloperTokenAuth(token="{TOKEN}")
  client = BoxClient(auth=auth, network_session=NetworkSession(base_urls=urls))
  print(client.ai.create_ai_ask("single_item_qa", "Who signed the lease?", [AiItemAsk(id="{file_id}", type="file")]).answer)
  PY

  {os.environ.get('BOXWOOD', 'boxwood')} ask samples/air-quality-report.docx "Who wrote the report?"
""")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--once", action="store_true")
    arguments.add_argument("--stop", action="store_true")
    chosen = arguments.parse_args()
    if chosen.stop:
        return stop_server()
    program = os.environ["BOXWOOD"]
    subprocess.run([program, "models", "pull"], check=True)
    server = start_server(program)
    try:
        ids = upload_samples()
        print(f"{len(ids)} sample documents are in the folder “Boxwood samples”.\n")
        name, question = QUESTION
        started = time.monotonic()
        answer = ask(ids[name], question)
        show(question, answer, time.monotonic() - started)
        if not answer["boxwood"]["citations"]:
            sys.exit("The answer came without a citation: that is not what the main job promises.")
        if not chosen.once:
            next_lines(ids, ids[name])
    finally:
        if chosen.once and server:
            stop_server()


if __name__ == "__main__":
    main()

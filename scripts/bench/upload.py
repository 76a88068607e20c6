#!/usr/bin/env python3
"""Memory of the server while a file of 1 GiB is uploaded and downloaded again, and whether the bytes are the same.

`scripts/bench/upload.py BOXWOOD_BINARY [MEBIBYTES]`. The content is generated and streamed: it exists nowhere as a whole
but in the server's data folder. The figure is the largest resident memory (VmHWM) above that of the idle server.
"""
import hashlib
import http.client
import json
import sys
import time
import urllib.request

from common import TOKEN, Server, figure, memory, reset_peak

MIB = 1 << 20


def pieces(count):
    """`count` different mebibytes, the same every time, that don't compress."""
    block = hashlib.shake_256(b"boxwood").digest(MIB)
    for number in range(count):
        yield number.to_bytes(8, "big") + block[8:]


def upload(server, count, digest):
    boundary = "boxwood-bench"
    attributes = json.dumps({"name": "large.bin", "parent": {"id": "0"}})
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n{attributes}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    connection = http.client.HTTPConnection(server.base.removeprefix("http://"), timeout=600)
    connection.putrequest("POST", "/api/2.0/files/content")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={boundary}")
    connection.putheader("Content-Length", str(len(head) + count * MIB + len(tail)))
    connection.endheaders()
    connection.send(head)
    for piece in pieces(count):
        digest.update(piece)
        connection.send(piece)
    connection.send(tail)
    response = connection.getresponse()
    body = json.load(response)
    if response.status != 201:
        raise SystemExit(f"the upload was refused: {body}")
    return body["entries"][0]


def download(server, file_id):
    digest, size = hashlib.sha1(), 0
    url = f"{server.base}/2.0/files/{file_id}/content"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=600) as response:
        while piece := response.read(MIB):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1024
    with Server(program) as server:
        time.sleep(3)
        idle = memory(server.pid)
        reset_peak(server.pid)
        digest, began = hashlib.sha1(), time.monotonic()
        entry = upload(server, count, digest)
        seconds = time.monotonic() - began
        above = memory(server.pid, "VmHWM") - idle
        print(f"idle {idle:.1f} MB, peak while uploading {idle + above:.1f} MB, {count / seconds:.0f} MiB/s")
        stored = server.get(f"/2.0/files/{entry['id']}?fields=size,sha1")
        same = stored["size"] == count * MIB and stored["sha1"] == digest.hexdigest()
        reset_peak(server.pid)
        read = download(server, entry["id"])
        above_reading = memory(server.pid, "VmHWM") - idle
        same = same and read == (digest.hexdigest(), count * MIB)
        print(f"read back: {'the same bytes' if same else f'OTHER BYTES {stored} {read}'}")
        name = f"upload of {count} MiB"
        figure(f"{name}, memory above idle", f"{above:.1f} MB", "≤ 64 MB", above <= 64)
        figure(f"download of it, memory above idle", f"{above_reading:.1f} MB", "≤ 64 MB", above_reading <= 64)
        figure(f"{name}, bytes and SHA-1", "equal" if same else "NOT equal", "equal", same)


if __name__ == "__main__":
    main()

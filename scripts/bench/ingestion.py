#!/usr/bin/env python3
"""PDF pages read for each CPU second, and the memory of a worker that reads hostile files.

`scripts/bench/ingestion.py EXAMPLES_FOLDER`, the folder with the built `pdf_speed` and `robustness`. Text PDFs of samples/
are read, and those of the folder that BOXWOOD_BENCH_PDFS names. The hostile files are made here, each to use as much
memory as its format lets it.
"""
import os
import re
import resource
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from common import ROOT, figure

GOAL_PAGES = 200
LIMIT_MIB = 1536
REPEATS = 40


def speed(program, name, files):
    """Counts all CPU time of the reading process: starting, reading the files and printing included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = subprocess.run([program, *files], capture_output=True, text=True, check=True).stdout.splitlines()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    pages = int(re.search(r"total: (\d+) pages", lines[-1])[1])
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rate = pages / seconds
    print(f"{name}: {len(files)} files, {pages} pages, {seconds:.2f} CPU s")
    figure(f"PDF pages per CPU second, {name}", f"{rate:.0f}", f"≥ {GOAL_PAGES}", rate >= GOAL_PAGES)


def text_pdfs(folder):
    """PDFs by their first bytes."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return [path for path in files if path.open("rb").read(5) == b"%PDF-"]


def word_bomb(path):
    head = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    paragraph = b"<w:p><w:r><w:t>a</w:t></w:r></w:p>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
            'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>'))
        with archive.open("word/document.xml", "w") as part:
            part.write(head)
            for _ in range(450):
                part.write(paragraph * 30_000)
            part.write(b"</w:body></w:document>")


def html_tree(path):
    with open(path, "wb") as file:
        file.write(b"<!DOCTYPE html><html><body>")
        for _ in range(400):
            file.write(b"<p><i>a</i><b>b</b>" * 25_000)


def large_picture(path, side=60_000):
    """A PNG of 3.6 milliard pixels in a few megabytes."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(side // 8 + 1)) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def pdf_bomb(path):
    """One page whose content, twice deflated, is 1 GiB of text operators."""
    inner, outer = zlib.compressobj(9), zlib.compressobj(9)
    block, packed = b"(aaaaaaaa) Tj\n" * 74_899, b""
    packed = b"".join(outer.compress(inner.compress(block)) for _ in range(1024))
    packed += outer.compress(inner.flush()) + outer.flush()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n" % len(packed) + packed + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    path.write_bytes(
        body + b"xref\n0 6\n0000000000 65535 f \n" + table
        + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(body))


def hostile(program):
    with tempfile.TemporaryDirectory(prefix="boxwood-bench-hostile-") as folder:
        for name, make in [("bomb.docx", word_bomb), ("tree.html", html_tree), ("huge.png", large_picture), ("bomb.pdf", pdf_bomb)]:
            make(Path(folder) / name)
        output = subprocess.run([program, folder], capture_output=True, text=True, check=True).stdout
    print(output.strip())
    largest = int(re.search(r"largest worker (\d+) MB", output)[1])
    figure("worker on hostile files, largest", f"{largest} MiB RSS", f"≤ {LIMIT_MIB} MiB", 0 < largest <= LIMIT_MIB)


def main():
    examples = Path(sys.argv[1])
    samples = [path for path in text_pdfs(ROOT / "samples")]
    speed(examples / "pdf_speed", "samples/", samples * REPEATS)
    if folder := os.environ.get("BOXWOOD_BENCH_PDFS"):
        speed(examples / "pdf_speed", folder, text_pdfs(folder))
    hostile(examples / "robustness")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How fast tokens are counted, beside OpenAI's own `tiktoken`, on the same texts: `scripts/bench/tokens.py EXAMPLES_FOLDER`.

`tiktoken` is installed into a virtual environment in the cache folder and downloads its vocabulary where it is used first;
it is given the one that Boxwood carries instead, whose sum it checks. Texts of 200,000 tokens are made from our own
documentation (English) and from the samples of the support check (Japanese); both counts must be equal. Times are those of
the processor, the best of several.
"""
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT, figure

TIKTOKEN = "0.12.0"
URL = b"https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
CACHE = Path(os.environ.get("BOXWOOD_CACHE", Path.home() / ".cache/boxwood"))
WANTED = 200_000
READER = """
import sys, time, tiktoken
encoding = tiktoken.get_encoding("o200k_base")
for name in sys.argv[1:]:
    text = open(name, encoding="utf-8").read()
    best = 1e9
    for _ in range(15):
        began = time.process_time()
        count = len(encoding.encode_ordinary(text))
        best = min(best, time.process_time() - began)
    print(name, count, best)
"""


def texts(folder):
    """Files with about as many tokens as are wanted: four characters a token of English, one and a half of Japanese."""
    english = "\n\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("docs/*.md")) + [ROOT / "ARCHITECTURE.md"])
    samples = (ROOT / "eval/support/japanese.jsonl").read_text(encoding="utf-8").splitlines()
    japanese = "\n".join(part for line in samples for part in json.loads(line).values() if isinstance(part, str))
    for name, text, characters in [("English", english, 4.2 * WANTED), ("Japanese", japanese, 1.4 * WANTED)]:
        path = folder / f"{name}.txt"
        path.write_text((text * (1 + int(characters) // len(text)))[: int(characters)], encoding="utf-8")
        yield path


def peer(folder):
    environment = CACHE / f"tiktoken-{TIKTOKEN}"
    python = environment / "bin/python"
    if not (environment / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"tiktoken=={TIKTOKEN}"], check=True)
        (environment / "complete").touch()
    vocabulary = gzip.decompress((ROOT / "crates/boxwood-models/data/o200k_base.tiktoken.gz").read_bytes())
    (folder / hashlib.sha1(URL).hexdigest()).write_bytes(vocabulary)
    return [python, "-c", READER]


def run(command, files, **more):
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=True, **more)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {Path(name).stem: (int(count), float(seconds)) for name, count, seconds in rows}


def main():
    with tempfile.TemporaryDirectory(prefix="boxwood-tokens-") as name:
        folder = Path(name)
        files = list(texts(folder))
        theirs = run(peer(folder), files, env={**os.environ, "TIKTOKEN_CACHE_DIR": str(folder)})
        ours = run([Path(sys.argv[1]) / "bench_tokens"], files)
    for language, (count, seconds) in ours.items():
        other, took = theirs[language]
        print(f"{language:9} {count} tokens  boxwood {seconds * 1e3:.1f} ms  tiktoken {other} tokens, {took * 1e3:.1f} ms")
        if count != other:
            raise SystemExit(f"{language}: {count} tokens were counted, tiktoken counts {other}")
        figure(f"counting {count:,} tokens, {language}, against tiktoken", f"{took / seconds:.1f} ×", "≥ 5.0 ×", took / seconds >= 5)


if __name__ == "__main__":
    main()

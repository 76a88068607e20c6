#!/usr/bin/env python3
"""Makes a set of documents that lack one of their values, so that the confidence of absences can be measured.

usage: eval/confidence/withhold.py SET_FOLDER OUT_FOLDER [--split dev]
SET_FOLDER is a set of flat schemas whose documents have a `text_path` (receipts with their OCR text). Of each document one
field's value is withheld, the fields taking turns: the lines that hold it or a part of it are left out of the text, and
`expected` says null. Documents in which the value was not found are left out, which is told. OUT_FOLDER is a set for
`boxwood eval`, whose predictions `fit.py` reads. Standard library only.
"""
import argparse
import json
import re
from pathlib import Path

# A part of a value that is shorter says too little of it to be withheld.
SHORTEST_PART = 5


def letters(text):
    return re.sub(r"[\W_]", "", text.casefold())


def holds(line, value):
    """Whether a line says the value, or is a part of a value that stands on several lines."""
    amount = re.fullmatch(r"\W*\d+[.,]\d\d\W*", value)
    if amount:
        return re.search(rf"(?<![\d.,]){re.escape(value.strip())}(?!\d)", line) is not None
    line, value = letters(line), letters(value)
    return bool(value) and (value in line or (len(line) >= SHORTEST_PART and line in value))


def without(text, value):
    """The text without the value; None where it does not stand there."""
    lines = text.splitlines()
    kept = [line for line in lines if not holds(line, value)]
    return "\n".join(kept) + "\n" if len(kept) < len(lines) and kept else None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("set_folder", type=Path)
    arguments.add_argument("out_folder", type=Path)
    arguments.add_argument("--split", default="dev")
    chosen = arguments.parse_args()
    made, left_out = [], 0
    for number, line in enumerate((chosen.set_folder / f"{chosen.split}.jsonl").read_text().splitlines()):
        row = json.loads(line)
        document = row["documents"][0]
        fields = list(row["expected"])
        field = fields[number % len(fields)]
        text = without((chosen.set_folder / document["text_path"]).read_text(), str(row["expected"][field]))
        if text is None:
            left_out += 1
            continue
        row["documents"] = [{"doc_id": document["doc_id"], "text": text}]
        row["schema"] = json.loads((chosen.set_folder / row.pop("schema_path")).read_text())
        row["expected"][field] = None
        row["id"] += f"-without-{field}"
        made.append(json.dumps(row, ensure_ascii=False))
    chosen.out_folder.mkdir(parents=True, exist_ok=True)
    (chosen.out_folder / f"{chosen.split}.jsonl").write_text("\n".join(made) + "\n")
    print(f"{len(made)} documents lack a value; {left_out} were left out, since their value was not found in the text")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Extracts the fields of a data set over a running server and writes predictions, one JSON object a line.

usage: eval/extract_set.py SET_FOLDER OUT.jsonl [--server URL] [--split dev] [--limit N] [--keep-going] [--enhanced]
Rows have one document and a JSON schema. A flat schema goes through `extract_structured` with typed fields, a nested one as
the prompt of `extract`. Rows that OUT already holds are not done again. Standard library only (and `ask_set.py`).
"""
import json
import time
import urllib.error
from pathlib import Path

from ask_set import Server, arguments_of_a_run, rows_to_do

# Fields whose description asks for a form that has a type of its own.
DATE = "YYYY-MM-DD"
NOISE = ("evaluation_config", "$schema", "examples", "default", "minimum", "maximum", "minItems", "additionalProperties")


def kind_of(schema):
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next(name for name in kind if name != "null")
    return kind


def is_flat(schema):
    return all(kind_of(field) in ("string", "number", "integer", "boolean") and "anyOf" not in field and "$ref" not in field
               for field in schema["properties"].values())


def fields_of(schema):
    """Typed fields for a flat schema."""
    fields = []
    for key, field in schema["properties"].items():
        kind = {"number": "float", "integer": "float", "boolean": "boolean"}.get(kind_of(field), "string")
        if kind == "string" and field.get("description") == DATE:
            kind = "date"
        entry = {"key": key, "type": kind}
        if "description" in field and kind != "date":
            entry["description"] = field["description"]
        fields.append(entry)
    return fields


def stripped(schema):
    """The schema without what only the scorer needs."""
    if isinstance(schema, dict):
        return {key: stripped(value) for key, value in schema.items() if key not in NOISE}
    return [stripped(value) for value in schema] if isinstance(schema, list) else schema


def main():
    arguments = arguments_of_a_run(__doc__)
    arguments.add_argument("--enhanced", action="store_true", help="use Box's enhanced agent")
    chosen = arguments.parse_args()
    server = Server(chosen.server)
    with chosen.out.open("a") as out:
        for row in rows_to_do(chosen):
            document = row["documents"][0]
            content = (chosen.set_folder / document["path"]).read_bytes()
            file_id = server.file(Path(document["path"]).name, content)
            schema = json.loads((chosen.set_folder / row["schema_path"]).read_text())
            schema = schema.get("schema_definition", schema)
            body = {"items": [{"id": file_id, "type": "file"}]}
            if is_flat(schema):
                path = "/2.0/ai/extract_structured"
                body |= {"fields": fields_of(schema), "include_confidence_score": True, "include_reference": True}
            else:
                path = "/2.0/ai/extract"
                body["prompt"] = json.dumps(stripped(schema), separators=(",", ":"))
            if chosen.enhanced:
                body["ai_agent"] = {"type": "ai_agent_id", "id": "enhanced_extract_agent"}
            started = time.monotonic()
            try:
                reply = server.call("POST", path, json.dumps(body).encode())
            except urllib.error.HTTPError as error:
                words = error.read().decode()
                if not chosen.keep_going:
                    raise SystemExit(f"{row['id']}: {error} {words}") from error
                out.write(json.dumps({"id": row["id"], "answer": None, "error": words}) + "\n")
                continue
            answer = reply["answer"]
            if isinstance(answer, str):
                answer = json.loads(answer)
            out.write(json.dumps({
                "id": row["id"], "answer": answer, "confidence": reply.get("confidence_score"),
                "signals": reply["boxwood"].get("signals"), "usage": reply["boxwood"]["usage"],
                "warnings": reply["boxwood"]["warnings"], "processor": reply["ai_agent_info"]["processor"],
                "seconds": round(time.monotonic() - started, 2)}, ensure_ascii=False) + "\n")
            out.flush()


if __name__ == "__main__":
    main()

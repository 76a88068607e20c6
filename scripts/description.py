#!/usr/bin/env python3
"""Writes crates/boxwood-server/data/description.json: facts of Box's published description for the operations we serve.

usage: description.py OPENAPI.json [OPERATION_ID ...]

Keeps the operations that the file has, adds those named, and takes along every schema that they reach. All prose
(descriptions, examples, titles) is left behind. One operation or schema a line, so that changes merge.
"""
import json
import pathlib
import sys

FILE = pathlib.Path(__file__).resolve().parent.parent / "crates/boxwood-server/data/description.json"
SCHEMA_KEYS = {
    "type", "properties", "format", "enum", "items", "$ref", "oneOf", "allOf", "anyOf", "nullable", "required",
    "maxLength", "minLength", "pattern", "minimum", "maximum", "maxItems", "minItems", "uniqueItems",
    "additionalProperties", "default",
}
PARAMETER_KEYS = ("name", "in", "required", "explode")


def schema(value):
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, member in value.items():
        if key not in SCHEMA_KEYS:
            continue
        if key == "properties":
            member = {name: schema(of) for name, of in member.items()}
        elif key in ("allOf", "oneOf", "anyOf"):
            member = [part for part in map(schema, member) if part]
            if not member:
                continue
        elif key in ("items", "additionalProperties"):
            member = schema(member)
        kept[key] = member
    if list(kept) == ["allOf"] and len(kept["allOf"]) == 1:
        return kept["allOf"][0]
    return kept


def content(value):
    return {media: {"schema": schema(of.get("schema", {}))} for media, of in value.items()}


def operation(source):
    facts = {}
    parameters = [p for p in source.get("parameters", []) if p["in"] != "path"]
    if parameters:
        facts["parameters"] = [
            {**{key: p[key] for key in PARAMETER_KEYS if key in p and (key != "required" or p[key])},
             "schema": schema(p["schema"])}
            for p in parameters
        ]
    if "requestBody" in source:
        facts["requestBody"] = {"content": content(source["requestBody"]["content"])}
    facts["responses"] = {
        status: ({"content": content(response["content"])} if response.get("content") else {})
        for status, response in source["responses"].items()
    }
    return facts


def references(value, found):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            found.add(value["$ref"].rsplit("/", 1)[1])
        for member in value.values():
            references(member, found)
    elif isinstance(value, list):
        for member in value:
            references(member, found)


def lines(members):
    return ",\n".join(json.dumps(name) + ":" + json.dumps(members[name], separators=(",", ":"), ensure_ascii=False)
                      for name in sorted(members))


def main():
    openapi = json.loads(pathlib.Path(sys.argv[1]).read_text())
    sources = {of["operationId"]: of for path in openapi["paths"].values() for of in path.values()
               if isinstance(of, dict) and "operationId" in of}
    old = json.loads(FILE.read_text())
    operations = dict(old["operations"])
    for name in sys.argv[2:]:
        operations[name] = operation(sources[name])
    schemas, open_names = {}, set()
    references(operations, open_names)
    while open_names:
        name = open_names.pop()
        if name in schemas:
            continue
        known = openapi["components"]["schemas"].get(name)
        schemas[name] = old["schemas"].get(name) or schema(known)
        references(schemas[name], open_names)
    FILE.write_text('{"operations":{\n' + lines(operations) + '\n},"schemas":{\n' + lines(schemas) + "\n}}\n")


main()

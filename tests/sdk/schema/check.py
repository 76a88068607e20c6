#!/usr/bin/env python3
"""Sends generated requests to every operation that the server's `/openapi.json` names: valid ones, with real objects in
most of them, and broken ones. No answer may be a server's error, have a status or a content type that the description
does not know, or a body that its schema does not allow; and every operation must have succeeded at least once, but for
those that REFUSED names.

The requests are the same in every run (`derandomize`). Called by `tests/sdk/run.sh schema`; with words, only operations
whose label has one of them.
"""

import collections
import os
import sys
import time

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from seeds import Seeds

BASE = f"http://{os.environ['BOXWOOD_SDK_HTTP']}"
HEADERS = {"Authorization": "Bearer boxwood-dev-token"}
EXAMPLES = int(os.environ.get("BOXWOOD_SCHEMA_EXAMPLES", "24"))
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
# Where a generated request can't succeed, and why.
REFUSED = {
    "GET /dl/{ticket}": "a ticket can't be guessed",
    "PUT /2.0/files/upload_sessions/{upload_session_id}": "a part has the digest of its bytes",
    "POST /2.0/files/upload_sessions/{upload_session_id}/commit": "it names parts that were uploaded",
    "POST /oauth2/authorize": "the form is made for one sign-in",
    "POST /api/oauth2/authorize": "the form is made for one sign-in",
}


def description():
    """The description, without its security: tokens are not what is generated here."""
    text = requests.get(f"{BASE}/openapi.json", timeout=60).json()
    text["components"].pop("securitySchemes", None)
    for methods in text["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return text


def seeded(case, seeds, least):
    """Puts real objects into a request; with `least`, leaves out every query parameter and header that it needs not."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = seeds.path_parameter(name, case.operation) or case.path_parameters[name]
    if least:
        wanted = {parameter.name for parameter in case.operation.query if parameter.is_required}
        case.query = {name: value for name, value in (case.query or {}).items() if name in wanted}
        case.headers = None
    for name in list(case.query or {}):
        real = seeds.query_parameter(name)
        if real is not None:
            case.query[name] = real
    for name, value in seeds.needed_query(case.operation.label).items():
        case.query[name] = value
    if isinstance(case.body, (dict, list)):
        case.body = seeds.whole_body(case.operation.label, case.body)


def only_known_headers(case):
    """Leaves out headers that the operation does not have, and values that no client can send."""
    known = {parameter.name for parameter in case.operation.headers}
    fits = lambda value: str(value).isascii() and str(value).isprintable()
    case.headers = {name: value for name, value in (case.headers or {}).items() if name in known and fits(value)}


class Operation:
    """One operation with what came back from it."""

    def __init__(self, operation, enterprise):
        self.operation, self.enterprise = operation, enterprise
        self.statuses, self.mistakes = collections.Counter(), []

    def run(self):
        """Sends everything."""
        restores = self.operation.method.upper() == "POST" and self.operation.path.endswith("_id}")
        seeds = Seeds(BASE, HEADERS, self.enterprise)
        if restores or self.operation.path.endswith("/trash"):
            seeds.trash()
        if "{answer_id}" in self.operation.path:
            seeds.ask()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                self.generate(mode, seeds)
            except (Exception, BaseExceptionGroup) as mistake:  # what a check found, or what can't be generated
                if "Unsatisfiable" not in type(mistake).__name__:
                    self.mistakes.append(mistake)

    def generate(self, mode, seeds):
        cases = self.operation.as_strategy(generation_mode=mode)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(cases, st.integers(0, 3))
        def send(case, chance):
            only_known_headers(case)
            if chance or mode is GenerationMode.NEGATIVE:
                seeded(case, seeds, least=chance == 1 and mode is GenerationMode.POSITIVE)
            response = case.call(base_url=BASE, headers=HEADERS, allow_redirects=False, timeout=60)
            self.statuses[response.status_code] += 1
            # A selection of fields leaves out what the schema requires.
            selected = "fields" in (case.query or {})
            case.validate_response(response, checks=[check for name, check in checks() if not (selected and "schema" in name)])

        send()

    @property
    def succeeded(self):
        return any(status < 400 for status in self.statuses)


def checks():
    from schemathesis.checks import CHECKS as known

    return [(name, known.get_one(name)) for name in CHECKS]


def main():
    schema = schemathesis.openapi.from_dict(description())
    me = requests.get(f"{BASE}/2.0/users/me?fields=enterprise", headers=HEADERS, timeout=60).json()
    began, bad = time.monotonic(), 0
    for result in schema.get_all_operations():
        operation = Operation(result.ok(), me["enterprise"]["id"])
        label = operation.operation.label
        if sys.argv[1:] and not any(word in label for word in sys.argv[1:]):
            continue
        operation.run()
        if not operation.succeeded and label not in REFUSED:
            operation.mistakes.append("no request succeeded; seed it or give a reason in REFUSED")
        bad += bool(operation.mistakes)
        print("FAILED " if operation.mistakes else "passed ", label, dict(sorted(operation.statuses.items())), flush=True)
        for mistake in operation.mistakes:
            print(f"{type(mistake).__name__}: {mistake}", flush=True)
            for note in getattr(mistake, "__notes__", []):
                print(note, flush=True)
    print(f"generated requests: {bad} operations failed, {time.monotonic() - began:.0f} s")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

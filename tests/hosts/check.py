"""Checks exchanges with model hosts against the makers' own libraries; see run.sh. Prints what is wrong, exits with 1."""

import ast
import base64
import datetime
import json
import pathlib
import re
import sys
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.eventstream
import botocore.loaders
import botocore.model
import botocore.validate


def packages():
    return pathlib.Path(botocore.__file__).parent.parent


# --- AWS -------------------------------------------------------------------------------------------------------------


def signature(url, body, content_type, keys, region, when):
    credentials = botocore.credentials.Credentials(keys["id"], keys["secret"], keys.get("session"))
    headers = {"Content-Type": content_type}
    request = botocore.awsrequest.AWSRequest(method="POST", url=url, data=body, headers=headers)
    signer = botocore.auth.SigV4Auth(credentials, "bedrock", region)
    fixed = mock.patch.object(botocore.auth, "get_current_datetime", lambda *_args, **_named: when)
    with fixed:
        signer.add_auth(request)
    return request.headers["Authorization"]


def service_model():
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model("bedrock-runtime", "service-2"), "bedrock-runtime")


def with_bytes(value, shape):
    """The same value with its blobs as bytes, as botocore's own callers give them."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict) and not shape.metadata.get("document") and not getattr(shape, "is_document_type", False):
        known = shape.members
        return {key: with_bytes(inner, known[key]) if key in known else inner for key, inner in value.items()}
    if kind == "list" and isinstance(value, list):
        return [with_bytes(inner, shape.member) for inner in value]
    if kind == "map" and isinstance(value, dict):
        return {key: with_bytes(inner, shape.value) for key, inner in value.items()}
    if kind == "blob" and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    return value


def bounds(value, shape, place):
    """What botocore's validator leaves to the service: enums, patterns, unions, largest lengths and values."""
    kind, meta = shape.type_name, shape.metadata
    if getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        if getattr(shape, "is_tagged_union", False) and len(value) != 1:
            yield f"{place}: one of a union is wanted, not {sorted(value)}"
        for key, inner in value.items():
            if key not in shape.members:
                yield f"{place}.{key}: is unknown"
            else:
                yield from bounds(inner, shape.members[key], f"{place}.{key}")
    elif kind == "list":
        for index, inner in enumerate(value):
            yield from bounds(inner, shape.member, f"{place}[{index}]")
    elif kind == "string":
        if shape.enum and value not in shape.enum:
            yield f"{place}: {value} is none of {shape.enum}"
        if len(value) < meta.get("min", 0) or len(value) > meta.get("max", len(value)):
            yield f"{place}: has {len(value)} characters"
        if "pattern" in meta and not re.fullmatch(meta["pattern"], value):
            yield f"{place}: does not fit {meta['pattern']}"
    elif kind in ("integer", "long", "float", "double"):
        if value < meta.get("min", value) or value > meta.get("max", value):
            yield f"{place}: {value} is out of range"


def mistakes_of_shape(value, shape, place):
    value = with_bytes(value, shape)
    report = botocore.validate.ParamValidator().validate(value, shape)
    if report.has_errors():
        yield f"{place}: {report.generate_report()}"
    yield from bounds(value, shape, place)


def check_aws(exchange):
    keys, url = exchange["keys"], exchange["url"]
    headers, body = exchange["headers"], base64.b64decode(exchange["body"])
    when = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    wanted = signature(url, body, headers["content-type"], keys, exchange["region"], when)
    if headers["authorization"] != wanted:
        yield f"signature: sent {headers['authorization']}, botocore signs {wanted}"
    model = service_model()
    operation = model.operation_model("ConverseStream")
    parameters = {"modelId": exchange["model"], **json.loads(body)}
    yield from mistakes_of_shape(parameters, operation.input_shape, "request")
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(base64.b64decode(exchange["reply"]))
    stream = operation.output_shape.members["stream"]
    names = []
    for message in buffer:
        event = message.to_response_dict()
        name = event["headers"][":event-type"]
        names.append(name)
        yield from mistakes_of_shape(json.loads(event["body"]), stream.members[name], f"reply.{name}")
    if names[-2:] != ["messageStop", "metadata"]:
        yield f"reply: ends with {names[-2:]}"


def golden():
    keys = {"id": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
    when = datetime.datetime(2026, 11, 25, 21, 7, 9, tzinfo=datetime.timezone.utc)
    base = "https://bedrock-runtime.eu-west-1.amazonaws.com/model"
    profile = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Fx"
    cases = [
        (f"{base}/eu.anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream", '{"messages":[]}', None),
        (f"{base}/{profile}/converse-stream", '{"text":"日本"}', "session-token/+="),
        ("http://127.0.0.1:8123/model/m/invoke?b=2&a=1%2F", "", None),
    ]
    for url, body, session in cases:
        print(signature(url, body.encode(), "application/json", {**keys, "session": session}, "eu-west-1", when))


# --- Google ----------------------------------------------------------------------------------------------------------


def google_schemas():
    path = packages() / "googleapiclient/discovery_cache/documents/aiplatform.v1.json"
    return json.loads(path.read_text())["schemas"]


def check_described(schemas, value, described, place):
    if "$ref" in described:
        described = schemas[described["$ref"]]
    kind = described.get("type")
    if kind == "object":
        if not isinstance(value, dict):
            yield f"{place}: {value!r} is no object"
            return
        known, others = described.get("properties"), described.get("additionalProperties")
        for key, inner in value.items():
            if known and key in known:
                yield from check_described(schemas, inner, known[key], f"{place}.{key}")
            elif others:
                yield from check_described(schemas, inner, others, f"{place}.{key}")
            elif known is not None:
                yield f"{place}.{key}: is unknown"
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{place}: {value!r} is no list"
            return
        for index, inner in enumerate(value):
            yield from check_described(schemas, inner, described["items"], f"{place}[{index}]")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{place}: {value!r} is no text"
        elif "enum" in described and value not in described["enum"]:
            yield f"{place}: {value} is none of {described['enum']}"
        elif described.get("format") == "byte" and not re.fullmatch(r"[A-Za-z0-9+/_-]*={0,2}", value):
            yield f"{place}: is not base64"
        elif described.get("format") == "int64" and not re.fullmatch(r"-?\d+", value):
            yield f"{place}: is no number in a text"
    elif kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool) or not -(2**31) <= value < 2**31:
            yield f"{place}: {value!r} is no 32-bit number"
    elif kind == "number":
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            yield f"{place}: {value!r} is no number"
    elif kind == "boolean" and not isinstance(value, bool):
        yield f"{place}: {value!r} is neither true nor false"


def check_google(exchange, schemas=[]):
    if not schemas:
        schemas.append(google_schemas())
    body = json.loads(base64.b64decode(exchange["body"]))
    request = {"$ref": "GoogleCloudAiplatformV1GenerateContentRequest"}
    yield from check_described(schemas[0], body, request, "request")
    for line in base64.b64decode(exchange["reply"]).decode().splitlines():
        if line.startswith("data: "):
            response = {"$ref": "GoogleCloudAiplatformV1GenerateContentResponse"}
            yield from check_described(schemas[0], json.loads(line[6:]), response, "reply")


# --- IBM -------------------------------------------------------------------------------------------------------------


def ibm_fields():
    """The parameters of a chat, and what the SDK puts beside them; read, not imported: the SDK wants half of PyPI."""
    folder = packages() / "ibm_watsonx_ai/foundation_models"
    tree = ast.parse((folder / "schema/_api.py").read_text())
    chat = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "TextChatParameters")
    fields = {node.target.id for node in chat.body if isinstance(node, ast.AnnAssign)}
    source = (folder / "inference/fm_model_inference.py").read_text()
    function = source[source.index("def _prepare_chat_payload") :].split("\n    def ", 2)[0]
    beside = set(re.findall(r'payload\["(\w+)"\]', function)) | set(re.findall(r'"(\w+)": (?:self|messages)', function))
    assert {"temperature", "response_format"} <= fields and {"model_id", "messages", "project_id"} <= beside
    return fields | beside


def check_ibm(exchange, known=[]):
    if not known:
        known.append(ibm_fields())
    body = json.loads(base64.b64decode(exchange["body"]))
    for key in body:
        if key not in known[0]:
            yield f"request.{key}: is unknown"


def main():
    what = sys.argv[1]
    if what == "golden":
        golden()
        return 0
    check = {"aws": check_aws, "google": check_google, "ibm": check_ibm}[what]
    lines = pathlib.Path(sys.argv[2]).read_text().splitlines()
    wrong = [f"exchange {number}: {mistake}" for number, line in enumerate(lines) for mistake in check(json.loads(line))]
    print("\n".join(wrong) if wrong else f"{len(lines)} exchanges agree")
    return 1 if wrong or not lines else 0


if __name__ == "__main__":
    sys.exit(main())

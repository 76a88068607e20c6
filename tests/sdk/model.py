"""A model for the SDK suites: answers with the sentence of the prompt's documents that has most words of the question,
and where a reply by a schema is asked for, with the emptiest value that it allows.

Speaks the OpenAI chat dialect on loopback, streamed and whole, and prints its port. It knows nothing, so an answer is
right only when the server sent it the right text: what the suites check is the server.
"""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DOCUMENT = re.compile(r"<document[^>]*>\n(.*?)\n</document>", re.S)
WORD = re.compile(r"\w+")


def answer(prompt):
    """The best sentence, or a plain statement that there is none."""
    sentences = [s.strip() for text in DOCUMENT.findall(prompt) for s in re.split(r"(?<=[.!?])\s+|\n+", text) if s.strip()]
    question = {word.lower() for word in WORD.findall(DOCUMENT.sub("", prompt))}
    scored = [(len(question & {word.lower() for word in WORD.findall(s)}), -len(s), s) for s in sentences]
    best = max(scored, default=(0, 0, ""))
    return best[2] if best[0] else "The document does not say."


def emptiest(schema):
    """The value of a schema that says least."""
    if "enum" in schema:
        return None if None in schema["enum"] else schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            values = [emptiest(entry) for entry in schema[choice]]
            return None if None in values else values[0]
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "null" in kinds:
        return None
    if "object" in kinds or "properties" in schema:
        return {name: emptiest(member) for name, member in schema.get("properties", {}).items()}
    if "array" in kinds:
        return [emptiest(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
    return {"string": "", "number": 0, "integer": 0, "boolean": False}.get(kinds[0])


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = "\n".join(message["content"] for message in request["messages"] if isinstance(message["content"], str))
        wanted = (request.get("response_format") or {}).get("json_schema")
        text = json.dumps(emptiest(wanted["schema"])) if wanted else answer(prompt)
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(text) // 4, "total_tokens": (len(prompt) + len(text)) // 4}
        base = {"id": "chatcmpl-1", "created": 0, "model": request.get("model", "overlap")}
        if request.get("stream"):
            chunks = [
                {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]},
                {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
                {"choices": [], "usage": usage},
            ]
            events = [json.dumps({**base, "object": "chat.completion.chunk", **chunk}) for chunk in chunks] + ["[DONE]"]
            self.reply("text/event-stream", "".join(f"data: {event}\n\n" for event in events))
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            self.reply("application/json", json.dumps({**base, "object": "chat.completion", "choices": [choice], "usage": usage}))

    def reply(self, media, body):
        body = body.encode()
        self.send_response(200)
        self.send_header("content-type", media)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    print(server.server_port, flush=True)
    server.serve_forever()

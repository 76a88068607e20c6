"""Real objects for generated requests: without them nearly every request would end at "not found".

For each operation a new set is made, so that one that deletes or changes leaves the others theirs. Used by check.py.
"""

import uuid

import requests

TEXT = b"My name is John Doe. I was born on 4 July 1990. The Sun rises in the east.\n"
SESSION_BYTES = 20 * 1024 * 1024


class Seeds:
    """What one operation may name."""

    def __init__(self, base, headers, enterprise):
        self.base, self.headers, self.scope = base, headers, f"enterprise_{enterprise}"
        self.word = "s" + uuid.uuid4().hex
        self.folder = self.make("/2.0/folders", {"name": self.word, "parent": {"id": "0"}})
        self.file = self.upload(f"{self.word}.txt", TEXT)
        self.version = self.old_version()
        self.current_version = self.call("GET", f"/2.0/files/{self.file}?fields=file_version").json()["file_version"]["id"]
        self.session = self.make(
            "/2.0/files/upload_sessions", {"folder_id": "0", "file_name": f"{self.word}.bin", "file_size": SESSION_BYTES}
        )
        self.user = self.make("/2.0/users", {"name": self.word, "login": f"{self.word}@example.com"})
        self.other_user = self.make("/2.0/users", {"name": self.word, "login": f"{self.word}@example.org"})
        self.answer = None
        self.others()

    def others(self):
        """Objects about those above."""
        self.group = self.make("/2.0/groups", {"name": self.word})
        self.membership = self.make("/2.0/group_memberships", {"user": {"id": self.user}, "group": {"id": self.group}})
        self.collaboration = self.make(
            "/2.0/collaborations",
            {
                "item": {"type": "folder", "id": self.folder},
                "accessible_by": {"type": "user", "id": self.user},
                "role": "editor",
            },
        )
        self.metadata()
        studio = {"type": "ai_agent_ask", "access_state": "enabled", "description": "answers"}
        self.agent = self.make("/2.0/ai_agents", {"type": "ai_agent", "name": self.word, "access_state": "enabled", "ask": studio})

    def metadata(self):
        """A taxonomy, a template with a field of it, and values on the file and the folder."""
        taxonomy = f"/2.0/metadata_taxonomies/{self.scope}/{self.word}"
        self.make("/2.0/metadata_taxonomies", {"displayName": self.word, "key": self.word, "namespace": self.scope})
        self.call("POST", f"{taxonomy}/levels", json=[{"displayName": "One"}])
        self.node = self.make(f"{taxonomy}/nodes", {"displayName": "Node", "level": 1})
        self.spare = f"{self.word}x"
        self.make("/2.0/metadata_taxonomies", {"displayName": self.spare, "key": self.spare, "namespace": self.scope})
        levels = [{"displayName": "One"}, {"displayName": "Two"}]
        self.call("POST", f"/2.0/metadata_taxonomies/{self.scope}/{self.spare}/levels", json=levels)
        place = {"taxonomyKey": self.word, "namespace": self.scope, "optionsRules": {"selectableLevels": [1]}}
        fields = [
            {"type": "string", "key": "name", "displayName": "Name"},
            {"type": "taxonomy", "key": "place", "displayName": "Place", **place},
        ]
        template = {"scope": "enterprise", "templateKey": self.word, "displayName": self.word, "fields": fields}
        self.template = self.make("/2.0/metadata_templates/schema", template)
        for item in (f"files/{self.file}", f"folders/{self.folder}"):
            made = self.call("POST", f"/2.0/{item}/metadata/enterprise/{self.word}", json={"name": "John"})
        self.instance = made.json()["$id"]
        cascade = {"folder_id": self.folder, "scope": self.scope, "templateKey": self.word}
        self.policy = self.make("/2.0/metadata_cascade_policies", cascade)

    def trash(self):
        """Puts the file and the folder into the trash."""
        for kind, id in (("files", self.file), ("folders", self.folder)):
            self.call("DELETE", f"/2.0/{kind}/{id}")

    def ask(self):
        """Makes an answer that is kept."""
        items = [{"type": "file", "id": self.file}]
        body = {"mode": "single_item_qa", "prompt": "Where does the Sun rise?", "items": items}
        self.call("POST", "/2.0/ai/ask", json=body)
        self.answer = self.call("GET", "/boxwood/answers").json()["entries"][0]["id"]

    def call(self, method, path, **given):
        """One request that must succeed, or find that the operation is not served."""
        response = requests.request(method, self.base + path, headers=self.headers, timeout=60, **given)
        if response.status_code != 501 and not response.ok:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text}")
        return response

    def make(self, path, body):
        """The id of what was made; `None` where that is not served."""
        response = self.call("POST", path, json=body)
        return response.json().get("id") if response.ok else None

    def upload(self, name, content, file=None):
        """The id of a new file, or of the file that got a new version."""
        attributes = f'{{"name":"{name}","parent":{{"id":"{self.folder}"}}}}'
        form = {"attributes": (None, attributes), "file": (name, content)}
        path = f"/2.0/files/{file}/content" if file else "/2.0/files/content"
        return self.call("POST", path, files=form).json()["entries"][0]["id"]

    def old_version(self):
        """A version that is not the file's current one."""
        self.upload(f"{self.word}.txt", TEXT + TEXT, self.file)
        return self.call("GET", f"/2.0/files/{self.file}/versions").json()["entries"][0]["id"]

    def path_parameter(self, name, operation):
        """A real value of a path parameter; `None` where there is none."""
        path = operation.path
        if name == "file_version_id" and path.startswith("/2.0/internal_files/"):
            return self.current_version
        if name == "taxonomy_key" and path.endswith(("/{taxonomy_key}", "/levels:trim")):
            # The other one is used by a template.
            return self.spare
        if operation.method.upper() == "POST" and name in ("scope", "template_key"):
            # The item has values of the template already.
            return {"scope": "global", "template_key": "properties"}[name]
        return {
            "file_id": self.file,
            "folder_id": self.folder,
            "file_version_id": self.version,
            "upload_session_id": self.session,
            "user_id": self.user,
            "group_id": self.group,
            "group_membership_id": self.membership,
            "collaboration_id": self.collaboration,
            "template_id": self.template,
            "template_key": self.word,
            "scope": "enterprise",
            "namespace": self.scope,
            "taxonomy_key": self.word,
            "node_id": self.node,
            "level_index": "1",
            "field_key": "place",
            "agent_id": self.agent,
            "form": "extracted_text",
            "answer_id": self.answer,
            "metadata_cascade_policy_id": self.policy,
        }.get(name)

    def query_parameter(self, name):
        """A real value of a query parameter; `None` where a generated one will do."""
        return {"folder_id": "0", "marker": ""}.get(name)

    def needed_query(self, label):
        """Query parameters without which an operation can't succeed here."""
        return {
            "DELETE /2.0/folders/{folder_id}": {"recursive": "true"},
            "GET /2.0/search": {"query": self.word},
            "GET /2.0/metadata_cascade_policies": {"folder_id": self.folder},
            "GET /2.0/metadata_templates": {"metadata_instance_id": self.instance},
            "GET /oauth2/authorize": self.sign_in(),
            "GET /api/oauth2/authorize": self.sign_in(),
        }.get(label, {})

    def sign_in(self):
        return {"response_type": "code", "client_id": "boxwood-dev", "redirect_uri": "http://localhost/callback"}

    def whole_body(self, label, body):
        """The body of an operation with real objects where it names some."""
        fixed = self.fixed_body(label)
        if isinstance(fixed, dict) and isinstance(body, dict):
            return {**body, **fixed}
        return self.fill(body) if fixed is None else fixed

    def fixed_body(self, label):
        """What the body of an operation must have to succeed; `None` where a generated one with real objects will do."""
        application = {"client_id": "boxwood-dev", "client_secret": "boxwood-dev-secret"}
        subject = {"box_subject_type": "enterprise", "box_subject_id": self.scope.removeprefix("enterprise_")}
        if label.startswith("OPTIONS "):
            return {"name": f"{uuid.uuid4()}.txt", "size": 3, "parent": {"id": "0"}}
        if label.startswith(("PUT /2.0/files/{file_id}/metadata", "PUT /2.0/folders/{folder_id}/metadata")):
            return [{"op": "replace", "path": "/name", "value": "Jane"}]
        if label.startswith("POST /2.0/metadata_taxonomies/") and label.endswith("/nodes"):
            return {"displayName": str(uuid.uuid4()), "level": 1, "parentId": None}
        items, ask = [{"id": self.file, "type": "file"}], {"type": "ai_agent_ask", "access_state": "enabled"}
        modes = {"ask": {**ask, "description": "answers"}, "text_gen": None, "extract": None}
        agent = {"type": "ai_agent", "name": self.word, "access_state": "enabled", **modes}
        template = {"type": "metadata_template", "scope": "enterprise", "template_key": self.word}
        return {
            "POST /2.0/ai/extract": {"items": items, "ai_agent": None},
            "POST /2.0/ai/extract_structured": {
                "items": items,
                "metadata_template": template,
                **dict.fromkeys(("fields", "ai_agent", "taxonomy_sources")),
            },
            "POST /2.0/ai_agents": {**agent, "icon_reference": None, "allowed_entities": None},
            "PUT /2.0/ai_agents/{agent_id}": {**agent, "icon_reference": None, "allowed_entities": None},
            "POST /2.0/metadata_cascade_policies": {
                "folder_id": self.folder,
                "scope": "global",
                "templateKey": "properties",
            },
            "POST /2.0/metadata_cascade_policies/{metadata_cascade_policy_id}/apply": {"conflict_resolution": "none"},
            "POST /2.0/users": {"name": "Generated", "login": f"{uuid.uuid4()}@example.com"},
            "POST /2.0/metadata_templates/schema": {
                "scope": "enterprise",
                "displayName": "Generated",
                "templateKey": f"g{uuid.uuid4().hex}",
                "fields": [],
            },
            "POST /2.0/metadata_taxonomies": {
                "displayName": "Generated",
                "key": f"g{uuid.uuid4().hex}",
                "namespace": self.scope,
            },
            "POST /oauth2/token": {"grant_type": "client_credentials", **application, **subject},
            "POST /oauth2/revoke": {**application, "token": "anything"},
            "POST /2.0/files/{file_id}/versions/current": {"type": "file_version", "id": self.version},
            "POST /2.0/group_memberships": {"user": {"id": self.other_user}, "group": {"id": self.group}, "role": "member"},
            "POST /2.0/metadata_queries/execute_read": {
                "from": f"{self.scope}.{self.word}",
                "ancestor_folder_id": "0",
                "query": "name = :name",
                "query_params": {"name": "John"},
            },
            "PUT /2.0/metadata_templates/{scope}/{template_key}/schema": [
                {"op": "editTemplate", "data": {"displayName": "Changed"}}
            ],
        }.get(label)

    def fill(self, body):
        """The body with real objects where it names some."""
        if isinstance(body, list):
            return [self.fill(entry) for entry in body]
        if not isinstance(body, dict):
            return body
        return {key: self.member(key, value) for key, value in body.items() if key != "ai_agent"}

    def member(self, key, value):
        """One member of a body."""
        if key == "parent":
            return {"id": "0"}
        if key == "attributes":
            return f'{{"name":"{uuid.uuid4()}.txt","parent":{{"id":"0"}}}}'
        if key == "items" and isinstance(value, list):
            return [{**self.fill(item), "id": self.file, "type": "file"} for item in value[:1] if isinstance(item, dict)]
        real = {
            "user": {"id": self.user},
            "group": {"id": self.group},
            "item": {"type": "folder", "id": self.folder},
            "accessible_by": {"type": "group", "id": self.group},
            "folder_id": "0",
            "mode": "single_item_qa",
            "shared_link": None,
        }
        return real[key] if key in real else self.fill(value)

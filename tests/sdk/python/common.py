"""Clients of the server under test, and small things that every test file needs.

The server and its identity come from the environment that tests/sdk/run.sh sets. The SDK is the official package; it
is only told the server's addresses, by the setting that it offers for that.
"""

import base64
import io
import os
import time
import unittest
import uuid

from box_sdk_gen import (
    BaseUrls,
    BoxAPIError,
    BoxCCGAuth,
    BoxClient,
    BoxJWTAuth,
    CCGConfig,
    CreateFolderParent,
    JWTConfig,
    NetworkSession,
    UploadFileAttributes,
    UploadFileAttributesParentField,
)

URL = os.environ["BOXWOOD_SDK_URL"]
USER_ID = os.environ["USER_ID"]
ENTERPRISE_ID = os.environ["ENTERPRISE_ID"]
MEBIBYTE = 1024 * 1024


def session():
    """A network session that talks to the server under test."""
    return NetworkSession(base_urls=BaseUrls(base_url=URL, upload_url=f"{URL}/api", oauth_2_url=f"{URL}/api/oauth2"))


def jwt_auth():
    """Login by JWT, as the service account of the enterprise."""
    return BoxJWTAuth(JWTConfig.from_config_json_string(base64.b64decode(os.environ["JWT_CONFIG_BASE_64"]).decode()))


def ccg_auth(**subject):
    """Login by client credentials."""
    return BoxCCGAuth(CCGConfig(client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"], **subject))


def client(auth=None):
    """A client; without a login, that of the enterprise's service account."""
    return BoxClient(auth=auth or jwt_auth(), network_session=session())


def name(suffix=""):
    """A name that no other test uses."""
    return f"{uuid.uuid4()}{suffix}"


def upload(box, content, file_name=None, parent="0"):
    """Uploads bytes as a new file."""
    attributes = UploadFileAttributes(name=file_name or name(".txt"), parent=UploadFileAttributesParentField(id=parent))
    return box.uploads.upload_file(attributes, io.BytesIO(content)).entries[0]


def folder(box, folder_name=None, parent="0"):
    """Makes a folder."""
    return box.folders.create_folder(folder_name or name(), CreateFolderParent(id=parent))


class BoxTest(unittest.TestCase):
    """A test as the enterprise's service account. What it makes by `file`, `folder` and `user` is removed at its end."""

    def setUp(self):
        self.box = client()

    def refused(self, status, code, call):
        """Checks that a call is refused in Box's shape, and returns the error's body."""
        with self.assertRaises(BoxAPIError) as caught:
            call()
        response = caught.exception.response_info
        self.assertEqual((response.status_code, response.body["code"]), (status, code), response.body)
        self.assertTrue(response.request_id)
        return response.body

    def file(self, content, file_name=None, parent="0"):
        """A new file with these bytes."""
        file = upload(self.box, content, file_name, parent)
        self.addCleanup(ignoring_absence(self.box.files.delete_file_by_id), file.id)
        return file

    def folder(self, folder_name=None, parent="0"):
        """A new folder."""
        made = folder(self.box, folder_name, parent)
        self.addCleanup(ignoring_absence(self.box.folders.delete_folder_by_id), made.id, recursive=True)
        return made

    def user(self):
        """A new user of the enterprise. One who has changed a file can't be removed, and stays."""
        made = self.box.users.create_user(name(), login=f"{name()}@example.com", is_platform_access_only=True)
        self.addCleanup(ignoring_absence(self.box.users.delete_user_by_id, 400), made.id)
        return made

    def eventually(self, expected, call):
        """Waits until a call gives this: the text of a new file is searched as soon as it was read."""
        until = time.monotonic() + 60
        while (found := call()) != expected and time.monotonic() < until:
            time.sleep(0.2)
        self.assertEqual(found, expected)

    def group(self):
        """A new group."""
        made = self.box.groups.create_group(name())
        self.addCleanup(ignoring_absence(self.box.groups.delete_group_by_id), made.id)
        return made

    def template(self, *fields):
        """A new metadata template of the enterprise."""
        key = f"key{name()}"
        made = self.box.metadata_templates.create_metadata_template("enterprise", key, template_key=key, fields=list(fields))
        self.addCleanup(
            ignoring_absence(self.box.metadata_templates.delete_metadata_template), "enterprise", made.template_key
        )
        return made


def ignoring_absence(call, *statuses):
    """A call that may find its subject gone already, or be refused with one of these statuses."""

    def careful(*given, **named):
        try:
            call(*given, **named)
        except BoxAPIError as error:
            if error.response_info.status_code not in (404, *statuses):
                raise

    return careful

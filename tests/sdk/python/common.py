"""Clients of the server under test, and small things that every test file needs.

The server and its identity come from the environment that tests/sdk/run.sh sets. The SDK is the official package; it
is only told the server's addresses, by the setting that it offers for that.
"""

import base64
import io
import os
import uuid

from box_sdk_gen import (
    BaseUrls,
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

"""What the framework tests read: files that are uploaded by the SDK that both frameworks use."""

import io
import os
import time
import unittest
import uuid

import requests
from box_sdk_gen import (
    BoxCCGAuth,
    BoxClient,
    CCGConfig,
    CreateFolderParent,
    UploadFileAttributes,
    UploadFileAttributesParentField,
)

SUN = b"The Sun rises in the east and sets in the west."
PERSON = b"My name is John Doe. I live in San Francisco. I work at Box."


def login():
    """As the administrator of the enterprise."""
    return BoxCCGAuth(
        CCGConfig(
            client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"], user_id=os.environ["USER_ID"]
        )
    )


class FrameworkTest(unittest.TestCase):
    """A folder with two files and a folder with a third; removed after the last test."""

    @classmethod
    def setUpClass(cls):
        cls.box = BoxClient(auth=login())
        cls.word = "w" + uuid.uuid4().hex
        cls.folder = cls.box.folders.create_folder(cls.word, CreateFolderParent(id="0")).id
        cls.inner = cls.box.folders.create_folder("inner", CreateFolderParent(id=cls.folder)).id
        cls.sun = cls.upload("sun.txt", SUN, cls.folder)
        cls.person = cls.upload("person.txt", PERSON, cls.folder)
        cls.deep = cls.upload(f"{cls.word}.md", f"# Deep\n\nThe word is {cls.word}.\n".encode(), cls.inner)

        until = time.monotonic() + 60
        while not cls.found_by_content() and time.monotonic() < until:
            time.sleep(0.2)

    @classmethod
    def found_by_content(cls):
        """Whether the text of the third file is searched already: that begins as soon as it was read."""
        return cls.box.search.search_for_content(query=cls.word, content_types=["file_content"]).entries

    @classmethod
    def tearDownClass(cls):
        cls.box.folders.delete_folder_by_id(cls.folder, recursive=True)

    @classmethod
    def upload(cls, name, content, folder):
        attributes = UploadFileAttributes(name=name, parent=UploadFileAttributesParentField(id=folder))
        return cls.box.uploads.upload_file(attributes, io.BytesIO(content)).entries[0].id

    def test_box_itself_is_out_of_reach(self):
        with self.assertRaises(requests.exceptions.ConnectionError):
            requests.get("https://www.box.com/", timeout=5)

"""Files: upload, read, change, copy, versions, download, trash, chunked upload."""

import hashlib
import io
from pathlib import Path

from box_sdk_gen import (
    BoxAPIError,
    CopyFileParent,
    FetchOptions,
    PreflightFileUploadCheckParent,
    PromoteFileVersionType,
    ResponseFormat,
    UpdateFileByIdLock,
    UpdateFileByIdLockAccessField,
    UploadFileVersionAttributes,
    create_null,
)

import common


class Files(common.BoxTest):
    def test_upload_read_rename_and_trash(self):
        file = common.upload(self.box, b"The Sun rises in the east")
        self.assertEqual(file.size, 25)
        self.assertEqual(file.sha_1, hashlib.sha1(b"The Sun rises in the east").hexdigest())
        new_name = common.name(".txt")
        changed = self.box.files.update_file_by_id(file.id, name=new_name, description="Astronomy")
        self.assertEqual((changed.name, changed.description), (new_name, "Astronomy"))
        self.box.files.delete_file_by_id(file.id)
        self.assertEqual(self.box.trashed_files.get_trashed_file_by_id(file.id).id, file.id)
        self.assertEqual(self.box.files.get_file_by_id(file.id).item_status.value, "trashed")
        restored = self.box.trashed_files.restore_file_from_trash(file.id)
        self.assertEqual(restored.name, new_name)
        self.box.files.delete_file_by_id(file.id)
        self.box.trashed_files.delete_trashed_file_by_id(file.id)
        self.refused(404, "not_found", lambda: self.box.files.get_file_by_id(file.id))

    def test_fields_narrow_the_answer(self):
        file = common.upload(self.box, b"x", common.name(".md"))
        narrowed = self.box.files.get_file_by_id(file.id, fields=["name", "extension", "has_collaborations", "is_externally_owned"])
        self.assertEqual(narrowed.extension, "md")
        self.assertFalse(narrowed.has_collaborations)
        self.assertFalse(narrowed.is_externally_owned)
        self.assertIsNone(narrowed.size)
        self.box.files.delete_file_by_id(file.id)

    def test_a_taken_name_is_a_conflict_that_names_the_file(self):
        file = common.upload(self.box, b"one")
        body = self.refused(409, "item_name_in_use", lambda: common.upload(self.box, b"two", file.name))
        self.assertEqual(body["context_info"]["conflicts"]["id"], file.id)
        self.refused(
            409,
            "item_name_in_use",
            lambda: self.box.uploads.preflight_file_upload_check(
                name=file.name, size=3, parent=PreflightFileUploadCheckParent(id="0")
            ),
        )
        self.box.files.delete_file_by_id(file.id)

    def test_etags_guard_changes(self):
        file = common.upload(self.box, b"one")
        self.refused(412, "precondition_failed", lambda: self.box.files.delete_file_by_id(file.id, if_match="999"))
        self.box.files.delete_file_by_id(file.id, if_match=file.etag)

    def test_locks_come_and_go(self):
        file = common.upload(self.box, b"one")
        locked = self.box.files.update_file_by_id(
            file.id, lock=UpdateFileByIdLock(access=UpdateFileByIdLockAccessField.LOCK), fields=["lock"]
        )
        self.assertIsNotNone(locked.lock)
        self.assertIsNone(self.box.files.update_file_by_id(file.id, lock=create_null(), fields=["lock"]).lock)
        self.box.files.delete_file_by_id(file.id)

    def test_copy(self):
        file = common.upload(self.box, b"one")
        copy = self.box.files.copy_file(file.id, CopyFileParent(id="0"), name=common.name(".txt"))
        self.assertNotEqual(copy.id, file.id)
        self.assertEqual(copy.sha_1, file.sha_1)
        for item in (file, copy):
            self.box.files.delete_file_by_id(item.id)

    def test_versions(self):
        file = common.upload(self.box, b"first")
        newer = self.box.uploads.upload_file_version(
            file.id, UploadFileVersionAttributes(name=common.name(".txt")), io.BytesIO(b"second one")
        ).entries[0]
        self.assertEqual(newer.size, 10)
        past = self.box.file_versions.get_file_versions(file.id)
        self.assertEqual(past.total_count, 1)
        version = past.entries[0]
        self.box.file_versions.promote_file_version(file.id, id=version.id, type=PromoteFileVersionType.FILE_VERSION)
        promoted = self.box.files.get_file_by_id(file.id)
        self.assertEqual((promoted.name, promoted.size), (file.name, 5))
        self.box.file_versions.delete_file_version_by_id(file.id, version.id)
        self.assertIsNotNone(self.box.file_versions.get_file_version_by_id(file.id, version.id).trashed_at)
        self.box.file_versions.update_file_version_by_id(file.id, version.id, trashed_at=create_null())
        self.assertIsNone(self.box.file_versions.get_file_version_by_id(file.id, version.id).trashed_at)
        self.box.files.delete_file_by_id(file.id)

    def test_download_whole_range_and_version(self):
        file = common.upload(self.box, b"0123456789")
        self.assertEqual(self.box.downloads.download_file(file.id).read(), b"0123456789")
        self.assertEqual(self.box.downloads.download_file(file.id, range="bytes=2-4").read(), b"234")
        self.assertTrue(self.box.downloads.get_download_file_url(file.id).startswith("https://"))
        self.box.uploads.upload_file_version(file.id, UploadFileVersionAttributes(name=file.name), io.BytesIO(b"new"))
        old = self.box.file_versions.get_file_versions(file.id).entries[0].id
        self.assertEqual(self.box.downloads.download_file(file.id, version=old).read(), b"0123456789")
        self.assertEqual(self.box.downloads.download_file(file.id).read(), b"new")
        self.box.files.delete_file_by_id(file.id)

    def test_chunked_upload(self):
        size = 20 * common.MEBIBYTE
        content = bytes(bytearray(range(256)) * (size // 256))
        file_name = common.name(".bin")
        file = self.box.chunked_uploads.upload_big_file(io.BytesIO(content), file_name, size, "0")
        self.assertEqual((file.name, file.size, file.parent.id), (file_name, size, "0"))
        self.assertEqual(file.sha_1, hashlib.sha1(content).hexdigest())
        self.box.files.delete_file_by_id(file.id)

    def test_a_wrong_digest_is_refused(self):
        session = self.box.chunked_uploads.create_file_upload_session("0", 20 * common.MEBIBYTE, common.name())
        self.assertEqual(session.num_parts_processed, 0)
        with self.assertRaises(BoxAPIError) as caught:
            self.box.chunked_uploads.upload_file_part(
                session.id,
                io.BytesIO(b"x" * session.part_size),
                "sha=AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                f"bytes 0-{session.part_size - 1}/{20 * common.MEBIBYTE}",
            )
        self.assertEqual(caught.exception.response_info.status_code, 412)
        self.box.chunked_uploads.delete_file_upload_session_by_id(session.id)

    def test_thumbnails_show_the_first_page(self):
        samples = Path(__file__).resolve().parents[3] / "samples"
        for name in ("lease-contract.pdf", "meeting-minutes-ja.pdf", "scanned-card.png"):
            with self.subTest(name):
                file = common.upload(self.box, (samples / name).read_bytes(), common.name(Path(name).suffix))
                png = self.box.files.get_file_thumbnail_by_id(file.id, "png", min_height=128, min_width=128).read()
                self.assertTrue(png.startswith(b"\x89PNG"))
                self.assertEqual(max(int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")), 128)
                jpg = self.box.files.get_file_thumbnail_by_id(file.id, "jpg", max_height=32).read()
                self.assertTrue(jpg.startswith(b"\xff\xd8"))
                self.assertIn(f"/files/{file.id}/thumbnail.png", self.box.files.get_file_thumbnail_url(file.id, "png"))
                self.box.files.delete_file_by_id(file.id)

    def test_thumbnails_have_few_sizes(self):
        file = common.upload(self.box, b"no picture", common.name(".png"))
        with self.assertRaises(BoxAPIError) as caught:
            self.box.files.get_file_thumbnail_by_id(file.id, "jpg", min_height=161, max_height=319)
        self.assertEqual(caught.exception.response_info.body["code"], "requested_preview_unavailable")
        self.box.files.delete_file_by_id(file.id)

    def test_thumbnail_urls_are_absolute(self):
        file = common.upload(self.box, b"no picture", common.name(".png"))
        self.assertTrue(self.box.files.get_file_thumbnail_url(file.id, "png").startswith("https://"))
        self.box.files.delete_file_by_id(file.id)

    def test_text_representations(self):
        file = common.upload(self.box, b"# Sky\n\nThe Sun rises in the east.\n", common.name(".md"))
        for hint in ("[extracted_text]", "[markdown]"):
            entry = self.box.files.get_file_by_id(file.id, fields=["representations"], x_rep_hints=hint).representations.entries[0]
            self.assertEqual(f"[{entry.representation}]", hint)
            self.assertIn(entry.status.state.value, ("success", "pending"))
            url = entry.content.url_template.replace("{+asset_path}", "")
            response = self.box.make_request(FetchOptions(url=url, method="GET", response_format=ResponseFormat.BINARY))
            self.assertIn("The Sun rises in the east.", response.content.read().decode())
        self.box.files.delete_file_by_id(file.id)

"""Folders: make, read, page through, change, copy, delete; the trash; owners."""

from box_sdk_gen import BoxAPIError, CopyFolderParent, UpdateFolderByIdParent

import common


class Folders(common.BoxTest):
    def test_the_root_is_called_all_files(self):
        root = self.box.folders.get_folder_by_id("0")
        self.assertEqual((root.id, root.name, root.type.value), ("0", "All Files", "folder"))
        extra = self.box.folders.get_folder_by_id("0", fields=["has_collaborations", "tags"])
        self.assertEqual((extra.has_collaborations, extra.tags), (False, []))

    def test_make_change_and_delete(self):
        folder = common.folder(self.box)
        changed = self.box.folders.update_folder_by_id(folder.id, name=common.name(), description="Updated")
        self.assertEqual(changed.description, "Updated")
        self.box.folders.delete_folder_by_id(folder.id)
        with self.assertRaises(BoxAPIError) as caught:
            self.box.folders.get_folder_by_id(folder.id)
        self.assertEqual(caught.exception.response_info.status_code, 404)
        restored = self.box.trashed_folders.restore_folder_from_trash(folder.id)
        self.assertEqual(restored.id, self.box.folders.get_folder_by_id(folder.id).id)
        self.box.folders.delete_folder_by_id(folder.id)
        self.assertIn(folder.id, [entry.id for entry in self.box.trashed_items.get_trashed_items(limit=1000).entries])
        self.box.trashed_folders.delete_trashed_folder_by_id(folder.id)

    def test_copy_move_and_list(self):
        folder = common.folder(self.box)
        copy = self.box.folders.copy_folder(folder.id, CopyFolderParent(id="0"), name=common.name())
        moved = self.box.folders.update_folder_by_id(copy.id, parent=UpdateFolderByIdParent(id=folder.id))
        self.assertEqual(moved.parent.id, folder.id)
        items = self.box.folders.get_folder_items(folder.id)
        self.assertEqual([entry.id for entry in items.entries], [moved.id])
        with self.assertRaises(BoxAPIError) as caught:
            self.box.folders.delete_folder_by_id(folder.id)
        self.assertEqual(caught.exception.response_info.body["code"], "folder_not_empty")
        self.box.folders.delete_folder_by_id(folder.id, recursive=True)

    def test_pages_by_marker_and_by_offset(self):
        folder = common.folder(self.box)
        ids = {common.upload(self.box, b"x", parent=folder.id).id for _ in range(5)}
        seen, marker = [], None
        while True:
            page = self.box.folders.get_folder_items(folder.id, usemarker=True, marker=marker, limit=2)
            seen += [entry.id for entry in page.entries]
            marker = page.next_marker
            if not marker:
                break
        self.assertEqual((set(seen), len(seen)), (ids, 5))
        page = self.box.folders.get_folder_items(folder.id, offset=3, limit=2)
        self.assertEqual((page.total_count, page.offset, len(page.entries)), (5, 3, 2))
        self.box.folders.delete_folder_by_id(folder.id, recursive=True)


class Owners(common.BoxTest):
    def test_user_and_enterprise_subjects_are_two_users(self):
        user = common.client(common.ccg_auth(enterprise_id=common.ENTERPRISE_ID, user_id=common.USER_ID).with_user_subject(common.USER_ID))
        self.assertEqual(user.users.get_user_me().id, common.USER_ID)
        service = common.client(common.jwt_auth()).users.get_user_me(fields=["enterprise"])
        self.assertEqual(service.enterprise.id, common.ENTERPRISE_ID)
        self.assertNotEqual(service.id, common.USER_ID)

    def test_another_users_file_is_not_there(self):
        service = common.client()
        file = common.upload(service, b"private")
        user = common.client(common.jwt_auth().with_user_subject(common.USER_ID))
        with self.assertRaises(BoxAPIError) as caught:
            user.files.get_file_by_id(file.id)
        self.assertEqual(caught.exception.response_info.status_code, 404)
        service.files.delete_file_by_id(file.id)

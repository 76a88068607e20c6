"""Users: made, found, changed, removed; acting as another user."""

import common


class Users(common.BoxTest):
    def test_made_changed_and_removed(self):
        user = self.user()
        self.assertEqual(self.box.users.update_user_by_id(user.id, name="Renamed").name, "Renamed")
        found = self.box.users.get_users(filter_term=user.login)
        self.assertEqual([entry.id for entry in found.entries], [user.id])
        self.box.users.delete_user_by_id(user.id)
        self.refused(404, "not_found", lambda: self.box.users.get_user_by_id(user.id))

    def test_pages_by_marker(self):
        made = {self.user().id for _ in range(3)}
        seen, marker = [], None
        while True:
            page = self.box.users.get_users(usemarker=True, marker=marker, limit=2)
            seen += [entry.id for entry in page.entries]
            marker = page.next_marker
            if not marker:
                break
        self.assertTrue(made <= set(seen))
        self.assertEqual(len(seen), len(set(seen)))

    def test_an_administrator_acts_as_another_user(self):
        user = self.user()
        acting = self.box.with_as_user_header(user.id)
        self.assertEqual(acting.users.get_user_me().id, user.id)
        file = common.upload(acting, b"theirs")
        self.assertEqual(acting.files.get_file_by_id(file.id).owned_by.id, user.id)
        self.refused(404, "not_found", lambda: self.box.files.get_file_by_id(file.id))
        acting.files.delete_file_by_id(file.id)
        acting.trashed_files.delete_trashed_file_by_id(file.id)

    def test_a_user_without_that_right_acts_as_nobody_else(self):
        acted, actor = self.user(), self.user()
        plain = common.client(common.jwt_auth().with_user_subject(actor.id))
        with self.assertRaises(common.BoxAPIError) as caught:
            plain.with_as_user_header(acted.id).users.get_user_me()
        self.assertEqual(caught.exception.response_info.status_code, 403)

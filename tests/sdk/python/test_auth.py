"""Tokens: what a down-scoped token may do, and that a revoked one ends."""

from box_sdk_gen import BoxAPIError, BoxDeveloperTokenAuth, DeveloperTokenConfig

import common


class Tokens(common.BoxTest):
    def test_a_down_scoped_token_renames_one_file_and_no_more(self):
        auth = common.jwt_auth()
        box = common.client(auth)
        file, other = common.upload(box, b"one"), common.upload(box, b"two")
        resource = f"https://api.box.com/2.0/files/{file.id}"
        token = auth.downscope_token(["item_rename", "item_preview"], resource=resource, network_session=common.session())
        narrow = common.client(BoxDeveloperTokenAuth(token.access_token))
        narrow.files.update_file_by_id(file.id, name=common.name())
        for call in (
            lambda: narrow.files.delete_file_by_id(file.id),
            lambda: narrow.files.update_file_by_id(other.id, name=common.name()),
            lambda: narrow.downloads.download_file(file.id),
        ):
            with self.assertRaises(BoxAPIError) as caught:
                call()
            self.assertIn(caught.exception.response_info.status_code, (403, 404))
        for item in (file, other):
            box.files.delete_file_by_id(item.id)

    def test_a_reading_token_can_not_upload(self):
        token = common.jwt_auth().downscope_token(["root_readonly"], network_session=common.session())
        with self.assertRaises(BoxAPIError) as caught:
            common.upload(common.client(BoxDeveloperTokenAuth(token.access_token)), b"no")
        self.assertEqual(caught.exception.response_info.body["code"], "insufficient_scope")

    def test_a_revoked_token_ends(self):
        auth = common.ccg_auth(enterprise_id=common.ENTERPRISE_ID)
        token = auth.retrieve_token(network_session=common.session()).access_token
        held = common.client(BoxDeveloperTokenAuth(token, config=DeveloperTokenConfig(client_id="x", client_secret="y")))
        held.users.get_user_me()
        auth.revoke_token(network_session=common.session())
        with self.assertRaises(Exception):
            held.users.get_user_me()

"""Collaborations: what a user or a group may do with somebody else's file or folder."""

from box_sdk_gen import (
    CreateCollaborationAccessibleBy,
    CreateCollaborationAccessibleByTypeField,
    CreateCollaborationItem,
    CreateCollaborationItemTypeField,
    CreateCollaborationRole,
    CreateGroupMembershipGroup,
    CreateGroupMembershipUser,
    UpdateCollaborationByIdRole,
)

import common


class Collaborations(common.BoxTest):
    def share(self, kind, item, who, who_id, role):
        return self.box.user_collaborations.create_collaboration(
            CreateCollaborationItem(type=CreateCollaborationItemTypeField(kind), id=item.id),
            CreateCollaborationAccessibleBy(CreateCollaborationAccessibleByTypeField(who), id=who_id),
            CreateCollaborationRole(role),
        )

    def test_a_role_opens_a_file_and_its_end_closes_it(self):
        file, user = self.file(b"shared"), self.user()
        theirs = common.client(common.jwt_auth().with_user_subject(user.id))
        self.refused(404, "not_found", lambda: theirs.files.get_file_by_id(file.id))
        made = self.share("file", file, "user", user.id, "viewer")
        self.assertEqual((made.role.value, made.status.value), ("viewer", "accepted"))
        self.assertEqual(theirs.downloads.download_file(file.id).read(), b"shared")
        with self.assertRaises(common.BoxAPIError) as caught:
            theirs.files.update_file_by_id(file.id, name=common.name())
        self.assertEqual(caught.exception.response_info.status_code, 403)
        self.box.user_collaborations.update_collaboration_by_id(made.id, role=UpdateCollaborationByIdRole.EDITOR)
        theirs.files.update_file_by_id(file.id, name=common.name(".txt"))
        listed = self.box.list_collaborations.get_file_collaborations(file.id).entries
        self.assertEqual([entry.id for entry in listed], [made.id])
        self.box.user_collaborations.delete_collaboration_by_id(made.id)
        self.refused(404, "not_found", lambda: theirs.files.get_file_by_id(file.id))

    def test_a_folder_shared_with_a_group_opens_what_is_in_it(self):
        folder, group, user = self.folder(), self.group(), self.user()
        file = self.file(b"shared", parent=folder.id)
        self.box.memberships.create_group_membership(CreateGroupMembershipUser(user.id), CreateGroupMembershipGroup(group.id))
        made = self.share("folder", folder, "group", group.id, "viewer")
        theirs = common.client(common.jwt_auth().with_user_subject(user.id))
        self.assertEqual(theirs.downloads.download_file(file.id).read(), b"shared")
        self.assertEqual(
            [entry.id for entry in self.box.list_collaborations.get_folder_collaborations(folder.id).entries], [made.id]
        )
        self.assertEqual(
            [entry.id for entry in self.box.list_collaborations.get_group_collaborations(group.id).entries], [made.id]
        )

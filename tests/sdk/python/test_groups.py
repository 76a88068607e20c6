"""Groups and who belongs to them."""

from box_sdk_gen import CreateGroupMembershipGroup, CreateGroupMembershipUser, UpdateGroupMembershipByIdRole

import common


class Groups(common.BoxTest):
    def test_made_changed_found_and_removed(self):
        group = self.group()
        changed = self.box.groups.update_group_by_id(group.id, name=common.name(), description="Potters", fields=["description"])
        self.assertEqual(changed.description, "Potters")
        name = self.box.groups.get_group_by_id(group.id).name
        self.assertEqual([entry.id for entry in self.box.groups.get_groups(filter_term=name).entries], [group.id])
        with self.assertRaises(common.BoxAPIError) as caught:
            self.box.groups.create_group(name)
        self.assertEqual(caught.exception.response_info.status_code, 409)
        self.box.groups.delete_group_by_id(group.id)
        self.refused(404, "not_found", lambda: self.box.groups.get_group_by_id(group.id))

    def test_members_come_and_go(self):
        group, user = self.group(), self.user()
        memberships = self.box.memberships
        made = memberships.create_group_membership(CreateGroupMembershipUser(user.id), CreateGroupMembershipGroup(group.id))
        self.assertEqual((made.user.id, made.group.id, made.role.value), (user.id, group.id, "member"))
        changed = memberships.update_group_membership_by_id(made.id, role=UpdateGroupMembershipByIdRole.ADMIN)
        self.assertEqual(changed.role.value, "admin")
        self.assertEqual([entry.id for entry in memberships.get_group_memberships(group.id).entries], [made.id])
        self.assertEqual([entry.id for entry in memberships.get_user_memberships(user.id).entries], [made.id])
        memberships.delete_group_membership_by_id(made.id)
        self.assertEqual(memberships.get_group_memberships(group.id).total_count, 0)

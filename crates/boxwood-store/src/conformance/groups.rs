//! Groups, who belongs to them, and what that opens.

use super::{World, refused};
use crate::{
    GroupChange, GroupRole, Invitation, Invitee, ItemQuery, ItemRef, MembershipChange, NewGroup,
    NewMembership, Part, Role, StoreError, Thing,
};
use boxwood_core::{EnterpriseId, FolderId, GroupId, Principal};

const ALL: Part = Part {
    offset: 0,
    limit: 100,
};

fn member(group: &GroupId, user: &Principal) -> NewMembership {
    NewMembership {
        group: group.clone(),
        user: user.user_id.clone(),
        role: GroupRole::Member,
        permissions: None,
    }
}

pub(crate) async fn groups_are_made_changed_and_removed(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let made = store.create_group(admin, NewGroup::new("Legal")).await.unwrap();
    refused!(
        store.create_group(admin, NewGroup::new("LEGAL")).await,
        StoreError::GroupNameInUse { .. }
    );
    let change = GroupChange {
        name: Some("Legal Europe".into()),
        description: Some("contracts".into()),
        ..GroupChange::default()
    };
    let changed = store.update_group(admin, &made.id, change).await.unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.description.as_str()),
        ("Legal Europe", "contracts")
    );
    assert_eq!(store.group(admin, &made.id).await.unwrap(), changed);
    let other = store.create_group(admin, NewGroup::new("Finance")).await.unwrap();
    let names = |page: crate::PartOf<crate::Group>| -> Vec<String> {
        page.entries.into_iter().map(|group| group.name).collect()
    };
    assert_eq!(
        names(store.groups(admin, None, ALL).await.unwrap()),
        ["Finance", "Legal Europe"]
    );
    assert_eq!(
        names(store.groups(admin, Some("le"), ALL).await.unwrap()),
        ["Legal Europe"]
    );
    let second = store
        .groups(admin, None, Part { offset: 1, limit: 1 })
        .await
        .unwrap();
    assert_eq!(
        (second.total_count, names(second)),
        (2, vec!["Legal Europe".to_owned()])
    );
    store.delete_group(admin, &other.id).await.unwrap();
    refused!(
        store.group(admin, &other.id).await,
        StoreError::NotFound {
            thing: Thing::Group,
            ..
        }
    );
    let elsewhere = Principal {
        enterprise_id: EnterpriseId::from_number(1),
        ..admin.clone()
    };
    refused!(
        store.group(&elsewhere, &made.id).await,
        StoreError::NotFound { .. }
    );
    refused!(
        store.delete_group(&elsewhere, &made.id).await,
        StoreError::NotFound { .. }
    );
    assert_eq!(store.groups(&elsewhere, None, ALL).await.unwrap().total_count, 0);
}

pub(crate) async fn members_come_and_go(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let user = world.user("other").await;
    let group = store.create_group(admin, NewGroup::new("g")).await.unwrap();
    let made = store.add_member(admin, member(&group.id, &user)).await.unwrap();
    assert_eq!(
        (made.user.id.clone(), made.group.id.clone()),
        (user.user_id.clone(), group.id.clone())
    );
    refused!(
        store.add_member(admin, member(&group.id, &user)).await,
        StoreError::AlreadyMember { .. }
    );
    assert_eq!(
        store.groups_of(&user.user_id).await.unwrap(),
        std::slice::from_ref(&group.id)
    );
    let change = MembershipChange {
        role: Some(GroupRole::Admin),
        permissions: None,
    };
    let changed = store.update_membership(admin, &made.id, change).await.unwrap();
    assert_eq!(changed.role, GroupRole::Admin);
    assert_eq!(
        store.members(admin, &group.id, ALL).await.unwrap().entries,
        std::slice::from_ref(&changed)
    );
    assert_eq!(
        store
            .memberships_of(admin, &user.user_id, ALL)
            .await
            .unwrap()
            .entries,
        std::slice::from_ref(&changed)
    );
    let found = store
        .membership_in(admin, &group.id, &user.user_id)
        .await
        .unwrap();
    assert_eq!(found, Some(changed));
    let elsewhere = Principal {
        enterprise_id: EnterpriseId::from_number(1),
        ..admin.clone()
    };
    refused!(
        store.membership(&elsewhere, &made.id).await,
        StoreError::NotFound {
            thing: Thing::Membership,
            ..
        }
    );
    store.remove_member(admin, &made.id).await.unwrap();
    refused!(
        store.membership(admin, &made.id).await,
        StoreError::NotFound { .. }
    );
    assert!(store.groups_of(&user.user_id).await.unwrap().is_empty());
    let again = store.add_member(admin, member(&group.id, &user)).await.unwrap();
    store.delete_group(admin, &group.id).await.unwrap();
    refused!(
        store.membership(admin, &again.id).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn what_a_group_reaches_its_members_reach(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let folder = world.folder(&FolderId::root(), "shared").await;
    let file = world.upload(admin, &folder.id, "a.txt", b"1").await;
    let user = world.user("other").await;
    let group = store.create_group(admin, NewGroup::new("g")).await.unwrap();
    let invitation = Invitation::new(Invitee::Group(group.id.clone()), Role::Viewer);
    let item = ItemRef::Folder(folder.id.clone());
    let made = store.invite(admin, &item, invitation.clone()).await.unwrap();
    refused!(
        store.invite(admin, &item, invitation).await,
        StoreError::AlreadyCollaborator
    );
    let ids = std::slice::from_ref(&file.id);
    refused!(store.readable(&user, ids).await, StoreError::NotFound { .. });
    let membership = store.add_member(admin, member(&group.id, &user)).await.unwrap();
    assert_eq!(store.readable(&user, ids).await.unwrap().len(), 1);
    let listed = |page: crate::ItemPage| page.total_count;
    let root = FolderId::root();
    assert_eq!(
        listed(
            store
                .folder_items(&user, &root, ItemQuery::default())
                .await
                .unwrap()
        ),
        1
    );
    assert!(!store.file(&user, &file.id).await.unwrap().permissions.can_rename);
    // An invitation of his own is stronger than that of the group, and the other way round.
    store
        .set_collaboration(admin, &item, &user.user_id, Role::Editor)
        .await
        .unwrap();
    assert!(store.file(&user, &file.id).await.unwrap().permissions.can_rename);
    assert_eq!(
        listed(
            store
                .folder_items(&user, &root, ItemQuery::default())
                .await
                .unwrap()
        ),
        1
    );
    store
        .remove_collaboration(admin, &item, &user.user_id)
        .await
        .unwrap();
    store.readable(&user, ids).await.unwrap();
    assert_eq!(
        store
            .collaborations_of_group(admin, &group.id, ALL)
            .await
            .unwrap()
            .entries[0]
            .id,
        made.id
    );
    store.remove_member(admin, &membership.id).await.unwrap();
    refused!(store.readable(&user, ids).await, StoreError::NotFound { .. });
    store.add_member(admin, member(&group.id, &user)).await.unwrap();
    store.readable(&user, ids).await.unwrap();
    store.delete_group(admin, &group.id).await.unwrap();
    refused!(store.readable(&user, ids).await, StoreError::NotFound { .. });
    refused!(
        store.collaboration(admin, &made.id).await,
        StoreError::NotFound { .. }
    );
}

//! Invitations: who makes them, who answers them, when they count.

use super::{World, principal, refused};
use crate::{
    CollaborationChange, CollaborationStatus, Collaborator, GroupAudience, Invitation, Invitee, ItemRef,
    NewGroup, NewUser, Part, Role, StoreError, Thing, UserKind, UserRole,
};
use boxwood_core::FolderId;

const ALL: Part = Part {
    offset: 0,
    limit: 100,
};

fn role(role: Role) -> CollaborationChange {
    CollaborationChange {
        role: Some(role),
        ..CollaborationChange::default()
    }
}

fn status(status: CollaborationStatus) -> CollaborationChange {
    CollaborationChange {
        status: Some(status),
        ..CollaborationChange::default()
    }
}

pub(crate) async fn collaborators_are_invited_changed_and_removed(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let folder = world.folder(&FolderId::root(), "shared").await;
    let file = world.upload(admin, &folder.id, "a.txt", b"1").await;
    let (user, stranger) = (world.user("other").await, world.user("stranger").await);
    let item = ItemRef::Folder(folder.id.clone());
    let invitation = Invitation::new(Invitee::User(user.user_id.clone()), Role::Editor);
    let made = store.invite(admin, &item, invitation.clone()).await.unwrap();
    assert_eq!(
        (made.status, made.role),
        (CollaborationStatus::Accepted, Role::Editor)
    );
    refused!(
        store.invite(admin, &item, invitation).await,
        StoreError::AlreadyCollaborator
    );
    assert_eq!(store.collaboration(&user, &made.id).await.unwrap().id, made.id);
    refused!(
        store.collaboration(&stranger, &made.id).await,
        StoreError::NotFound {
            thing: Thing::Collaboration,
            ..
        }
    );
    refused!(
        store
            .update_collaboration(&user, &made.id, role(Role::CoOwner))
            .await,
        StoreError::Forbidden { .. }
    );
    let changed = store
        .update_collaboration(admin, &made.id, role(Role::Viewer))
        .await
        .unwrap();
    assert_eq!(changed.map(|changed| changed.role), Some(Role::Viewer));
    assert!(!store.file(&user, &file.id).await.unwrap().permissions.can_rename);
    // Below the folder it is listed too; a stranger lists nothing.
    let on_file = ItemRef::File(file.id.clone());
    for (who, item) in [(admin, &item), (admin, &on_file), (&user, &on_file)] {
        let page = store.collaborations_on(who, item, None, 10).await.unwrap();
        assert_eq!((page.entries.len(), page.next), (1, None));
    }
    refused!(
        store.collaborations_on(&stranger, &item, None, 10).await,
        StoreError::NotFound { .. }
    );
    refused!(
        store.end_collaboration(&stranger, &made.id).await,
        StoreError::NotFound { .. }
    );
    store.end_collaboration(&user, &made.id).await.unwrap();
    refused!(store.file(&user, &file.id).await, StoreError::NotFound { .. });
    refused!(
        store.collaboration(admin, &made.id).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn pages_of_collaborations_join(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let folder = world.folder(&FolderId::root(), "shared").await;
    let item = ItemRef::Folder(folder.id.clone());
    for name in ["a", "b", "c"] {
        let user = world.user(name).await;
        store
            .set_collaboration(admin, &item, &user.user_id, Role::Viewer)
            .await
            .unwrap();
    }
    let first = store.collaborations_on(admin, &item, None, 2).await.unwrap();
    assert_eq!(first.entries.len(), 2);
    let second = store
        .collaborations_on(admin, &item, first.next.as_ref(), 2)
        .await
        .unwrap();
    assert_eq!((second.entries.len(), second.next), (1, None));
    assert!(!first.entries.contains(&second.entries[0]));
}

pub(crate) async fn an_address_becomes_its_user(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let file = world.file("a.txt", b"1").await;
    let item = ItemRef::File(file.id.clone());
    let invitation = Invitation::new(Invitee::Login("New@Example.com".into()), Role::Viewer);
    let made = store.invite(admin, &item, invitation).await.unwrap();
    assert_eq!(made.status, CollaborationStatus::Pending);
    assert_eq!(made.collaborator, Collaborator::Address("new@example.com".into()));
    let user = world.user("new").await;
    let now = store.collaboration(admin, &made.id).await.unwrap();
    assert_eq!(now.status, CollaborationStatus::Accepted);
    assert!(now.acknowledged_at.is_some());
    store
        .readable(&user, std::slice::from_ref(&file.id))
        .await
        .unwrap();
}

pub(crate) async fn users_of_other_enterprises_answer_first(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let file = world.file("a.txt", b"1").await;
    let item = ItemRef::File(file.id.clone());
    let mut seed = super::seed();
    seed.enterprise_name = "Elsewhere".into();
    seed.admin_login = "eve@elsewhere.example".into();
    seed.client_id = "elsewhere".into();
    seed.developer_token = None;
    let elsewhere = store.seed(seed).await.unwrap();
    let new = NewUser {
        enterprise_id: elsewhere.enterprise.id,
        name: "Guest".into(),
        login: "guest@elsewhere.example".into(),
        role: UserRole::User,
        kind: UserKind::Managed,
    };
    let guest = principal(&store.create_user(new).await.unwrap());
    let invitation = Invitation::new(Invitee::Login("guest@elsewhere.example".into()), Role::Viewer);
    let made = store.invite(admin, &item, invitation).await.unwrap();
    assert_eq!(made.status, CollaborationStatus::Pending);
    let ids = std::slice::from_ref(&file.id);
    refused!(store.readable(&guest, ids).await, StoreError::NotFound { .. });
    let waiting = store.pending_collaborations(&guest, ALL).await.unwrap();
    assert_eq!((waiting.total_count, &waiting.entries[0].item), (1, &None));
    refused!(
        store
            .update_collaboration(admin, &made.id, status(CollaborationStatus::Accepted))
            .await,
        StoreError::Forbidden { .. }
    );
    store
        .update_collaboration(&guest, &made.id, status(CollaborationStatus::Accepted))
        .await
        .unwrap();
    store.readable(&guest, ids).await.unwrap();
    assert_eq!(
        store
            .pending_collaborations(&guest, ALL)
            .await
            .unwrap()
            .total_count,
        0
    );
    refused!(
        store
            .update_collaboration(&guest, &made.id, status(CollaborationStatus::Rejected))
            .await,
        StoreError::InvalidValue { field: "status", .. }
    );
}

pub(crate) async fn a_collaboration_ends_at_its_time(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let file = world.file("a.txt", b"1").await;
    let user = world.user("other").await;
    let item = ItemRef::File(file.id.clone());
    let now = boxwood_core::Clock::now(&*world.clock);
    let invite = |end| Invitation {
        expires_at: Some(end),
        ..Invitation::new(Invitee::User(user.user_id.clone()), Role::Viewer)
    };
    refused!(
        store.invite(admin, &item, invite(now)).await,
        StoreError::InvalidValue {
            field: "expires_at",
            ..
        }
    );
    let made = store
        .invite(admin, &item, invite(now + chrono::Duration::hours(1)))
        .await
        .unwrap();
    let ids = std::slice::from_ref(&file.id);
    store.readable(&user, ids).await.unwrap();
    world.clock.advance(chrono::Duration::minutes(59));
    store.readable(&user, ids).await.unwrap();
    world.clock.advance(chrono::Duration::minutes(1));
    refused!(store.readable(&user, ids).await, StoreError::NotFound { .. });
    refused!(
        store.collaboration(admin, &made.id).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn an_item_is_handed_over(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let outer = world.folder(&FolderId::root(), "outer").await;
    let folder = world.folder(&outer.id, "shared").await;
    let file = world.upload(admin, &folder.id, "a.txt", b"12345").await;
    let heir = world.user("heir").await;
    let item = ItemRef::Folder(folder.id.clone());
    let own = crate::NewFolder::new(FolderId::root(), "Shared");
    store.create_folder(&heir, own).await.unwrap();
    let made = store
        .set_collaboration(admin, &item, &heir.user_id, Role::Editor)
        .await
        .unwrap();
    refused!(
        store
            .update_collaboration(&heir, &made.id, role(Role::Owner))
            .await,
        StoreError::InvalidValue { field: "role", .. }
    );
    assert_eq!(
        store
            .update_collaboration(admin, &made.id, role(Role::Owner))
            .await
            .unwrap(),
        None
    );
    let moved = store.folder(&heir, &folder.id).await.unwrap();
    assert_eq!(
        (moved.owned_by.id, moved.name.as_str()),
        (heir.user_id.clone(), "shared (1)")
    );
    assert_eq!(moved.path.len(), 1);
    assert_eq!(
        store.file(&heir, &file.id).await.unwrap().owned_by.id,
        heir.user_id
    );
    assert_eq!(store.user(&heir.user_id).await.unwrap().space_used, 5);
    assert_eq!(store.user(&admin.user_id).await.unwrap().space_used, 0);
    assert_eq!(store.folder(admin, &outer.id).await.unwrap().size, 0);
    let left = store
        .collaborations_on(admin, &item, None, 10)
        .await
        .unwrap()
        .entries;
    assert_eq!((left.len(), left[0].role), (1, Role::CoOwner));
    store.end_collaboration(admin, &left[0].id).await.unwrap();
    refused!(store.folder(admin, &folder.id).await, StoreError::NotFound { .. });
}

pub(crate) async fn a_group_is_invited_by_whom_it_allows(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let user = world.user("other").await;
    let new = NewGroup {
        invitability: GroupAudience::AdminsOnly,
        ..NewGroup::new("closed")
    };
    let group = store.create_group(admin, new).await.unwrap();
    let theirs = store
        .create_folder(&user, crate::NewFolder::new(FolderId::root(), "theirs"))
        .await
        .unwrap();
    let invitation = || Invitation::new(Invitee::Group(group.id.clone()), Role::Viewer);
    refused!(
        store
            .invite(&user, &ItemRef::Folder(theirs.id.clone()), invitation())
            .await,
        StoreError::Forbidden {
            thing: Thing::Group,
            ..
        }
    );
    let mine = world.folder(&FolderId::root(), "mine").await;
    store
        .invite(admin, &ItemRef::Folder(mine.id), invitation())
        .await
        .unwrap();
}

pub(crate) async fn a_path_is_shown_where_the_invitation_says_so(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let outer = world.folder(&FolderId::root(), "outer").await;
    let inner = world.folder(&outer.id, "inner").await;
    let user = world.user("other").await;
    let item = ItemRef::Folder(inner.id.clone());
    let made = store
        .set_collaboration(admin, &item, &user.user_id, Role::Viewer)
        .await
        .unwrap();
    assert_eq!(store.folder(&user, &inner.id).await.unwrap().path.len(), 1);
    let change = CollaborationChange {
        can_view_path: Some(true),
        ..CollaborationChange::default()
    };
    store.update_collaboration(admin, &made.id, change).await.unwrap();
    let path = store.folder(&user, &inner.id).await.unwrap().path;
    assert_eq!(path.last().map(|folder| folder.name.as_str()), Some("outer"));
    refused!(store.folder(&user, &outer.id).await, StoreError::NotFound { .. });
}

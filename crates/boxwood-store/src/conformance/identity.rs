//! Users, applications, tokens.

use super::{World, refused, seed};
use crate::{
    InvalidGrant, ItemRef, NewAccessToken, NewAuthorizationCode, NewUser, Seed, StoreError, TokenCheck,
    TokenPair, UserChange, UserKind, UserRole,
};
use boxwood_core::{Clock, FolderId, Resource, Scope, ScopeSet};
use chrono::Duration;

fn token_for(world: &World) -> NewAccessToken {
    NewAccessToken {
        user_id: world.admin.user_id.clone(),
        client_id: Some("test-client".into()),
        scopes: ScopeSet::full(),
        resource: None,
        lifetime: Duration::hours(1),
        parent: None,
    }
}

async fn code_pair(world: &World) -> TokenPair {
    let code = NewAuthorizationCode {
        client_id: "test-client".into(),
        user_id: world.admin.user_id.clone(),
        scopes: ScopeSet::full(),
        redirect_uri: Some("http://127.0.0.1/callback".into()),
    };
    let code = world.store.issue_code(code).await.unwrap();
    world
        .store
        .redeem_code(&code.secret, "test-client", None, Duration::hours(1))
        .await
        .unwrap()
}

pub(crate) async fn the_seed_is_repeatable(world: &World) {
    let again = world.store.seed(seed()).await.unwrap();
    assert_eq!(again, world.seeded);
    assert_ne!(again.admin.id, again.service_account.id);
    assert_eq!(again.service_account.kind, UserKind::ServiceAccount);
    let TokenCheck::Valid(token) = world.store.check_token("test-developer-token").await.unwrap() else {
        panic!("the developer token is valid")
    };
    assert_eq!(
        (token.principal.user_id, token.expires_at),
        (again.admin.id.clone(), None)
    );
    let listed = world.store.users(&again.enterprise.id).await.unwrap();
    assert_eq!(listed, [again.admin], "service accounts are not listed");
    assert!(
        world
            .store
            .revoke_token("test-developer-token", None)
            .await
            .unwrap()
    );
    world
        .store
        .seed(Seed {
            developer_token: None,
            ..seed()
        })
        .await
        .unwrap();
    assert_eq!(
        world.store.check_token("test-developer-token").await.unwrap(),
        TokenCheck::Revoked
    );
}

pub(crate) async fn secrets_are_compared_and_replaced(world: &World) {
    let store = &world.store;
    assert!(
        store
            .check_client("test-client", "test-secret")
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .check_client("test-client", "test-secre")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .check_client("no-client", "test-secret")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        store.client("test-client").await.unwrap(),
        Some(world.seeded.client.clone())
    );
    store
        .seed(Seed {
            client_secret: "another".into(),
            ..seed()
        })
        .await
        .unwrap();
    assert!(
        store
            .check_client("test-client", "test-secret")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .check_client("test-client", "another")
            .await
            .unwrap()
            .is_some()
    );
}

pub(crate) async fn tokens_end(world: &World) {
    let token = world.store.issue_access_token(token_for(world)).await.unwrap();
    assert_eq!(token.expires_at, world.clock.now() + Duration::hours(1));
    assert!(
        !format!("{token:?}").contains(&token.secret),
        "a token is not printed"
    );
    assert!(world.store.valid_token(&token.secret).await.unwrap().is_some());
    world.clock.advance(Duration::minutes(61));
    assert_eq!(
        world.store.check_token(&token.secret).await.unwrap(),
        TokenCheck::Expired
    );
    assert_eq!(
        world.store.check_token("nonsense").await.unwrap(),
        TokenCheck::Unknown
    );
    world.clock.advance(Duration::days(2));
    assert_eq!(world.store.sweep().await.unwrap().tokens, 1);
    assert_eq!(
        world.store.check_token(&token.secret).await.unwrap(),
        TokenCheck::Unknown
    );
    let nobody = NewAccessToken {
        user_id: "12".parse().unwrap(),
        ..token_for(world)
    };
    refused!(
        world.store.issue_access_token(nobody).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn exchanged_tokens_end_with_their_parent(world: &World) {
    let parent = world.store.issue_access_token(token_for(world)).await.unwrap();
    let number = world
        .store
        .valid_token(&parent.secret)
        .await
        .unwrap()
        .unwrap()
        .number;
    world.clock.advance(Duration::minutes(30));
    let exchanged = NewAccessToken {
        scopes: ScopeSet::from_iter([Scope::ItemPreview]),
        resource: Some(Resource::File("123".parse().unwrap())),
        parent: Some(number),
        ..token_for(world)
    };
    let child = world.store.issue_access_token(exchanged.clone()).await.unwrap();
    assert_eq!(child.expires_at, parent.expires_at);
    let found = world.store.valid_token(&child.secret).await.unwrap().unwrap();
    assert_eq!(
        found.principal.resource,
        Some(Resource::File("123".parse().unwrap()))
    );
    assert_eq!(found.principal.scopes.to_string(), "item_preview");
    assert!(
        world
            .store
            .revoke_token(&parent.secret, Some("test-client"))
            .await
            .unwrap()
    );
    assert_eq!(
        world.store.check_token(&child.secret).await.unwrap(),
        TokenCheck::Revoked
    );
    refused!(
        world.store.issue_access_token(exchanged).await,
        StoreError::InvalidGrant(InvalidGrant::Revoked)
    );
}

pub(crate) async fn refresh_tokens_work_once(world: &World) {
    let pair = code_pair(world).await;
    let store = &world.store;
    let hour = Duration::hours(1);
    refused!(
        store
            .redeem_refresh_token(&pair.refresh.secret, "other", hour)
            .await,
        StoreError::InvalidGrant(InvalidGrant::OtherClient)
    );
    let next = store
        .redeem_refresh_token(&pair.refresh.secret, "test-client", hour)
        .await
        .unwrap();
    refused!(
        store
            .redeem_refresh_token(&pair.refresh.secret, "test-client", hour)
            .await,
        StoreError::InvalidGrant(InvalidGrant::Used)
    );
    refused!(
        store.redeem_refresh_token("nonsense", "test-client", hour).await,
        StoreError::InvalidGrant(InvalidGrant::Unknown)
    );
    assert!(store.valid_token(&next.access.secret).await.unwrap().is_some());
    world.clock.advance(Duration::days(60));
    refused!(
        store
            .redeem_refresh_token(&next.refresh.secret, "test-client", hour)
            .await,
        StoreError::InvalidGrant(InvalidGrant::Expired)
    );
}

pub(crate) async fn codes_work_once_and_briefly(world: &World) {
    let new = NewAuthorizationCode {
        client_id: "test-client".into(),
        user_id: world.admin.user_id.clone(),
        scopes: ScopeSet::from_iter([Scope::RootReadonly]),
        redirect_uri: Some("http://127.0.0.1/callback".into()),
    };
    let store = &world.store;
    let hour = Duration::hours(1);
    let code = store.issue_code(new.clone()).await.unwrap();
    refused!(
        store
            .redeem_code(&code.secret, "test-client", Some("http://evil/"), hour)
            .await,
        StoreError::InvalidGrant(InvalidGrant::OtherRedirect)
    );
    let pair = store
        .redeem_code(
            &code.secret,
            "test-client",
            Some("http://127.0.0.1/callback"),
            hour,
        )
        .await
        .unwrap();
    assert_eq!(pair.scopes.to_string(), "root_readonly");
    refused!(
        store.redeem_code(&code.secret, "test-client", None, hour).await,
        StoreError::InvalidGrant(InvalidGrant::Used)
    );
    let late = store.issue_code(new).await.unwrap();
    world.clock.advance(Duration::seconds(30));
    refused!(
        store.redeem_code(&late.secret, "test-client", None, hour).await,
        StoreError::InvalidGrant(InvalidGrant::Expired)
    );
}

pub(crate) async fn revoking_takes_the_family(world: &World) {
    let store = &world.store;
    let by_access = code_pair(world).await;
    assert!(
        !store
            .revoke_token(&by_access.access.secret, Some("other"))
            .await
            .unwrap()
    );
    assert!(
        store
            .revoke_token(&by_access.access.secret, Some("test-client"))
            .await
            .unwrap()
    );
    refused!(
        store
            .redeem_refresh_token(&by_access.refresh.secret, "test-client", Duration::hours(1))
            .await,
        StoreError::InvalidGrant(InvalidGrant::Revoked)
    );
    let by_refresh = code_pair(world).await;
    assert!(
        store
            .revoke_token(&by_refresh.refresh.secret, None)
            .await
            .unwrap()
    );
    assert_eq!(
        store.check_token(&by_refresh.access.secret).await.unwrap(),
        TokenCheck::Revoked
    );
    assert!(!store.revoke_token("nonsense", None).await.unwrap());
}

pub(crate) async fn jwt_ids_are_seen_once(world: &World) {
    let ends_at = world.clock.now() + Duration::seconds(30);
    let remember = |client: &'static str, id: &'static str| world.store.remember_jwt_id(client, id, ends_at);
    assert!(remember("test-client", "a").await.unwrap());
    assert!(!remember("test-client", "a").await.unwrap());
    assert!(remember("test-client", "b").await.unwrap());
    assert!(remember("other", "a").await.unwrap());
}

pub(crate) async fn logins_are_unique(world: &World) {
    let user = NewUser {
        enterprise_id: world.seeded.enterprise.id.clone(),
        name: "Twin".into(),
        login: "ADA@example.com".into(),
        role: UserRole::CoAdmin,
        kind: UserKind::Managed,
    };
    refused!(
        world.store.create_user(user.clone()).await,
        StoreError::LoginInUse { .. }
    );
    let made = world
        .store
        .create_user(NewUser {
            login: "twin@example.com".into(),
            ..user
        })
        .await
        .unwrap();
    assert_eq!(world.store.user(&made.id).await.unwrap(), made);
    assert_eq!(made.role, UserRole::CoAdmin);
    refused!(
        world.store.user(&"99999999999999999999".parse().unwrap()).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn users_change_and_go_when_nothing_is_theirs(world: &World) {
    let store = &world.store;
    let user = world.user("guest").await;
    let change = UserChange {
        login: Some("ADA@example.com".into()),
        ..UserChange::default()
    };
    refused!(
        store.update_user(&user.user_id, change).await,
        StoreError::LoginInUse { .. }
    );
    let change = UserChange {
        name: Some("Guest".into()),
        login: Some("Guest@example.com".into()),
    };
    let changed = store.update_user(&user.user_id, change).await.unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.login.as_str()),
        ("Guest", "Guest@example.com")
    );
    let token = NewAccessToken {
        user_id: user.user_id.clone(),
        ..token_for(world)
    };
    let token = store.issue_access_token(token).await.unwrap();
    let file = world.upload(&user, &FolderId::root(), "a.txt", b"1").await;
    refused!(
        store.delete_user(&user.user_id).await,
        StoreError::InvalidValue { .. }
    );
    store.trash_file(&user, &file.id, None).await.unwrap();
    refused!(
        store.delete_user(&user.user_id).await,
        StoreError::InvalidValue { .. }
    );
    store.purge_item(&user, &ItemRef::File(file.id)).await.unwrap();
    store.delete_user(&user.user_id).await.unwrap();
    refused!(store.user(&user.user_id).await, StoreError::NotFound { .. });
    assert_eq!(
        store.check_token(&token.secret).await.unwrap(),
        TokenCheck::Unknown
    );
    refused!(
        store.delete_user(&user.user_id).await,
        StoreError::NotFound { .. }
    );
}

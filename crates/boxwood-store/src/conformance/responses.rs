//! Kept responses: whose they are, how they follow one another, when they go.

use super::{World, limited, refused};
use crate::{KeptResponse, StoreError, Thing};
use boxwood_core::{Clock, Resource};
use serde_json::json;

fn response(world: &World, id: &str, previous: Option<&str>) -> KeptResponse {
    KeptResponse {
        id: id.to_owned(),
        previous: previous.map(str::to_owned),
        input: json!([{"type": "message", "role": "user", "content": "?"}]),
        object: json!({"id": id, "status": "in_progress"}),
        created_at: world.clock.now(),
    }
}

pub(crate) async fn responses_are_kept_changed_and_removed(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let first = response(world, "resp_1", None);
    store.keep_response(admin, &first).await.unwrap();
    let kept = store.response(admin, "resp_1").await.unwrap();
    assert_eq!((&kept.input, &kept.object), (&first.input, &first.object));
    let done = json!({"id": "resp_1", "status": "completed"});
    store.update_response(admin, "resp_1", &done).await.unwrap();
    assert_eq!(store.response(admin, "resp_1").await.unwrap().object, done);
    assert!(
        store.keep_response(admin, &first).await.is_err(),
        "an id is taken once"
    );
    store.remove_response(admin, "resp_1").await.unwrap();
    refused!(
        store.response(admin, "resp_1").await,
        StoreError::NotFound {
            thing: Thing::Response,
            ..
        }
    );
    refused!(
        store.update_response(admin, "resp_1", &done).await,
        StoreError::NotFound {
            thing: Thing::Response,
            ..
        }
    );
    refused!(
        store.remove_response(admin, "resp_1").await,
        StoreError::NotFound {
            thing: Thing::Response,
            ..
        }
    );
}

pub(crate) async fn responses_follow_one_another(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    for (id, previous) in [
        ("resp_1", None),
        ("resp_2", Some("resp_1")),
        ("resp_3", Some("resp_2")),
    ] {
        store
            .keep_response(admin, &response(world, id, previous))
            .await
            .unwrap();
    }
    let ids = |chain: Vec<KeptResponse>| chain.into_iter().map(|response| response.id).collect::<Vec<_>>();
    let chain = store.response_chain(admin, "resp_3", 10).await.unwrap();
    assert_eq!(ids(chain), ["resp_1", "resp_2", "resp_3"]);
    let bounded = store.response_chain(admin, "resp_3", 2).await.unwrap();
    assert_eq!(ids(bounded), ["resp_2", "resp_3"]);
    store.remove_response(admin, "resp_1").await.unwrap();
    let error = store.response_chain(admin, "resp_3", 10).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { id, .. } if id == "resp_1"));
}

pub(crate) async fn responses_are_ones_own_and_end(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let other = world.user("other").await;
    store
        .keep_response(&other, &response(world, "resp_1", None))
        .await
        .unwrap();
    refused!(
        store.response(admin, "resp_1").await,
        StoreError::NotFound {
            thing: Thing::Response,
            ..
        }
    );
    refused!(
        store.update_response(admin, "resp_1", &json!({})).await,
        StoreError::NotFound {
            thing: Thing::Response,
            ..
        }
    );
    refused!(
        store.remove_response(admin, "resp_1").await,
        StoreError::NotFound {
            thing: Thing::Response,
            ..
        }
    );
    let file = world.file("a.txt", b"1").await;
    let narrow = limited(admin, Resource::File(file.id.clone()));
    assert!(
        store
            .keep_response(&narrow, &response(world, "resp_2", None))
            .await
            .is_err()
    );
    world.clock.advance(chrono::Duration::days(31));
    assert_eq!(store.sweep().await.unwrap().responses, 1);
    refused!(
        store.response(&other, "resp_1").await,
        StoreError::NotFound {
            thing: Thing::Response,
            ..
        }
    );
}

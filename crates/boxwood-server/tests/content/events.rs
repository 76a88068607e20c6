//! Events: what happened to whom, for users and for administrators.

use crate::support::{App, id};
use serde_json::{Value, json};

fn types(events: &Value) -> Vec<&str> {
    let entries = events["entries"].as_array().unwrap();
    entries
        .iter()
        .filter_map(|event| event["event_type"].as_str())
        .collect()
}

#[tokio::test]
async fn a_user_sees_what_happened_and_goes_on_from_there() {
    let app = App::start().await;
    let folder = app.folder("f", "0").await;
    let file = id(&app.upload("a.txt", "x").await);
    let first = app.call("GET", "/2.0/events").send().await.json();
    assert_eq!(types(&first), ["ITEM_CREATE", "ITEM_UPLOAD"]);
    assert_eq!(first["chunk_size"], 2);
    let event = &first["entries"][1];
    assert_eq!(
        (&event["source"]["type"], &event["source"]["id"]),
        (&json!("file"), &json!(file))
    );
    assert_eq!(
        event["source"]["parent"],
        json!({"type": "folder", "id": "0", "name": "All Files"})
    );
    assert_eq!(event["created_by"]["login"], "ada@example.com");
    let position = first["next_stream_position"].as_u64().unwrap();
    let path = format!("/2.0/files/{file}");
    app.call("PUT", &path)
        .json(json!({"parent": {"id": folder}, "description": "d"}))
        .send()
        .await;
    app.call("DELETE", &path).send().await;
    let next = app
        .call("GET", &format!("/2.0/events?stream_position={position}"))
        .send()
        .await
        .json();
    assert_eq!(types(&next), ["ITEM_MOVE", "ITEM_MODIFY", "ITEM_TRASH"]);
    let now = app
        .call("GET", "/2.0/events?stream_position=now")
        .send()
        .await
        .json();
    assert_eq!(
        (&now["chunk_size"], &now["next_stream_position"]),
        (&json!(0), &next["next_stream_position"])
    );
    let limited = app
        .call("GET", "/2.0/events?limit=1&stream_type=changes")
        .send()
        .await
        .json();
    assert_eq!(types(&limited), ["ITEM_CREATE"]);
}

#[tokio::test]
async fn administrators_see_the_enterprise_and_others_do_not() {
    let app = App::start().await;
    let (user, token) = app.other_user().await;
    let file = id(&app.upload_as(&token, "theirs.txt", "x").await.uploaded());
    app.call_as(&token, "GET", &format!("/2.0/files/{file}/content"))
        .send()
        .await;
    let made = app
        .call("POST", "/2.0/users")
        .json(json!({"name": "Cy", "login": "cy@example.com"}))
        .send()
        .await
        .json();
    app.call("DELETE", &format!("/2.0/users/{}", id(&made)))
        .send()
        .await;
    app.state.keeper().drained().await;
    let all = app
        .call("GET", "/2.0/events?stream_type=admin_logs_streaming")
        .send()
        .await
        .json();
    let found = types(&all);
    for wanted in ["UPLOAD", "DOWNLOAD", "NEW_USER", "DELETE_USER"] {
        assert!(found.contains(&wanted), "{wanted}: {found:?}");
    }
    assert!(all["next_stream_position"].is_string());
    let path = "/2.0/events?stream_type=admin_logs&event_type=UPLOAD,DELETE_USER";
    let some = app.call("GET", path).send().await.json();
    assert_eq!(types(&some), ["UPLOAD", "DELETE_USER"]);
    assert_eq!(
        (
            &some["entries"][0]["source"]["item_name"],
            &some["entries"][0]["source"]["owned_by"]["id"]
        ),
        (&json!("theirs.txt"), &json!(user))
    );
    assert_eq!(some["entries"][1]["source"]["type"], "user");
    let early = "/2.0/events?stream_type=admin_logs&created_before=2001-01-01T00:00:00Z";
    assert_eq!(app.call("GET", early).send().await.json()["chunk_size"], 0);
    assert_eq!(
        app.call("GET", "/2.0/events").send().await.json()["chunk_size"],
        0
    );
    app.call_as(&token, "GET", "/2.0/events?stream_type=admin_logs")
        .send()
        .await
        .refused(403, "access_denied_insufficient_permissions", "");
    let narrow = app.scoped("root_readwrite", None).await;
    app.call_as(&narrow, "GET", "/2.0/events?stream_type=admin_logs")
        .send()
        .await
        .refused(403, "insufficient_scope", "header.authorization");
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let app = App::start().await;
    for (query, name) in [
        ("stream_type=everything", "query.stream_type"),
        ("stream_position=here", "query.stream_position"),
        ("stream_position=99999999999999999999", "query.stream_position"),
        ("limit=0", "query.limit"),
        (
            "stream_type=admin_logs&created_after=yesterday",
            "query.created_after",
        ),
    ] {
        app.call("GET", &format!("/2.0/events?{query}"))
            .send()
            .await
            .refused(400, "bad_request", name);
    }
}

#[tokio::test]
async fn waiting_ends_with_the_next_event() {
    let app = App::start().await;
    let servers = app.call("OPTIONS", "/2.0/events").send().await.json();
    let url = servers["entries"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix("https://localhost").unwrap().to_owned();
    app.upload("a.txt", "x").await;
    let now = app
        .call("GET", "/2.0/events?stream_position=now")
        .send()
        .await
        .json();
    let here = format!("{path}?stream_position={}", now["next_stream_position"]);
    let upload = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        app.upload("b.txt", "x").await
    };
    let (message, _) = tokio::join!(app.call("GET", &here).send(), upload);
    assert_eq!(message.json(), json!({"version": 1, "message": "new_change"}));
    app.call_without_token("GET", &path)
        .send()
        .await
        .refused(401, "unauthorized", "");
}

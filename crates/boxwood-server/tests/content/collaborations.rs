//! Collaborations: invitations, what they open, and every refusal.

use crate::support::{App, Reply, id};
use serde_json::{Value, json};

async fn invite(app: &App, token: &str, body: Value) -> Reply {
    app.call_as(token, "POST", "/2.0/collaborations")
        .json(body)
        .send()
        .await
}

fn to_user(folder: &str, user: &str, role: &str) -> Value {
    json!({"item": {"type": "folder", "id": folder}, "accessible_by": {"type": "user", "id": user}, "role": role})
}

#[tokio::test]
async fn a_user_is_invited_and_everything_follows() {
    let app = App::start().await;
    let (user, token) = app.other_user().await;
    let folder = app.folder("shared", "0").await;
    let made = invite(&app, &app.token, to_user(&folder, user.as_str(), "editor")).await;
    assert_eq!(made.status, 201, "{:?}", made.bytes);
    let made = made.json();
    assert_eq!(
        (&made["status"], &made["role"], &made["item"]["id"]),
        (&json!("accepted"), &json!("editor"), &json!(folder))
    );
    assert_eq!(
        made["accessible_by"],
        json!({"type": "user", "id": user, "name": "Bo", "login": "bo@example.com", "is_active": true})
    );
    let path = format!("/2.0/collaborations/{}", id(&made));
    let root = app
        .call_as(&token, "GET", "/2.0/folders/0/items")
        .send()
        .await
        .json();
    assert_eq!(root["entries"][0]["id"], json!(folder));
    let list = format!("/2.0/folders/{folder}/collaborations");
    let listed = app.call_as(&token, "GET", &list).send().await.json();
    assert_eq!(
        (&listed["entries"][0]["id"], &listed["next_marker"]),
        (&made["id"], &Value::Null)
    );
    let changed = app
        .call("PUT", &path)
        .json(json!({"role": "viewer"}))
        .send()
        .await;
    assert_eq!(changed.json()["role"], "viewer");
    let of_viewer = app
        .call_as(
            &token,
            "GET",
            &format!("/2.0/folders/{folder}?fields=permissions,allowed_invitee_roles"),
        )
        .send()
        .await
        .json();
    assert_eq!(of_viewer["permissions"]["can_upload"], false);
    assert_eq!(of_viewer["permissions"]["can_invite_collaborator"], false);
    assert_eq!(of_viewer["allowed_invitee_roles"], json!([]));
    assert_eq!(app.call_as(&token, "DELETE", &path).send().await.status, 204);
    app.call("GET", &path).send().await.refused(404, "not_found", "");
    let gone = format!("/2.0/folders/{folder}");
    app.call_as(&token, "GET", &gone)
        .send()
        .await
        .refused(404, "not_found", "");
}

#[tokio::test]
async fn an_item_goes_to_a_new_owner() {
    let app = App::start().await;
    let (user, _) = app.other_user().await;
    let folder = app.folder("shared", "0").await;
    let made = invite(&app, &app.token, to_user(&folder, user.as_str(), "editor"))
        .await
        .json();
    let path = format!("/2.0/collaborations/{}", id(&made));
    let handed = app.call("PUT", &path).json(json!({"role": "owner"})).send().await;
    assert_eq!((handed.status.as_u16(), handed.bytes.len()), (204, 0));
    let list = format!("/2.0/folders/{folder}/collaborations");
    let left = app.call("GET", &list).send().await.json();
    assert_eq!(left["entries"][0]["role"], "co-owner");
    assert_eq!(left["entries"][0]["item"]["id"], json!(folder));
}

#[tokio::test]
async fn an_address_waits_for_its_user() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "x").await);
    let body = json!({"item": {"type": "file", "id": file}, "accessible_by": {"type": "user", "login": "new@x.org"},
        "role": "viewer"});
    let made = invite(&app, &app.token, body).await.json();
    assert_eq!(
        (&made["status"], &made["invite_email"], &made["accessible_by"]),
        (&json!("pending"), &json!("new@x.org"), &Value::Null)
    );
    let listed = app
        .call("GET", &format!("/2.0/files/{file}/collaborations"))
        .send()
        .await
        .json();
    assert_eq!(listed["entries"].as_array().map(Vec::len), Some(1));
    let waiting = app
        .call("GET", "/2.0/collaborations?status=pending")
        .send()
        .await
        .json();
    assert_eq!(waiting["total_count"], 0, "it is not for the administrator");
}

#[tokio::test]
async fn a_group_is_invited() {
    let app = App::start().await;
    let (user, token) = app.other_user().await;
    let file = id(&app.upload("a.txt", "x").await);
    let group = app
        .call("POST", "/2.0/groups")
        .json(json!({"name": "g"}))
        .send()
        .await
        .json();
    let body = json!({"item": {"type": "file", "id": file}, "accessible_by": {"type": "group", "id": group["id"]},
        "role": "previewer"});
    let made = invite(&app, &app.token, body.clone()).await.json();
    assert_eq!(made["accessible_by"]["type"], "group");
    invite(&app, &app.token, body)
        .await
        .refused(400, "user_already_collaborator", "");
    let path = format!("/2.0/files/{file}");
    app.call_as(&token, "GET", &path)
        .send()
        .await
        .refused(404, "not_found", "");
    app.call("POST", "/2.0/group_memberships")
        .json(json!({"user": {"id": user}, "group": {"id": group["id"]}}))
        .send()
        .await;
    assert_eq!(app.call_as(&token, "GET", &path).send().await.status, 200);
    let list = format!("/2.0/groups/{}/collaborations", id(&group));
    let listed = app.call("GET", &list).send().await.json();
    assert_eq!(
        (&listed["total_count"], &listed["entries"][0]["id"]),
        (&json!(1), &made["id"])
    );
    app.call_as(&token, "GET", &list)
        .send()
        .await
        .refused(403, "access_denied_insufficient_permissions", "");
}

#[tokio::test]
async fn wrong_invitations_are_refused() {
    let app = App::start().await;
    let (user, token) = app.other_user().await;
    let folder = app.folder("mine", "0").await;
    let bo = user.as_str();
    let admin = app.seeded.admin.id.as_str();
    invite(&app, &token, to_user(&folder, bo, "editor"))
        .await
        .refused(404, "not_found", "");
    invite(&app, &app.token, to_user("0", bo, "editor"))
        .await
        .refused(400, "bad_request", "");
    invite(&app, &app.token, to_user(&folder, bo, "owner"))
        .await
        .refused(400, "bad_request", "role");
    invite(&app, &app.token, to_user(&folder, admin, "editor"))
        .await
        .refused(400, "bad_request", "role");
    invite(&app, &app.token, to_user(&folder, "999999999999", "editor"))
        .await
        .refused(404, "not_found", "");
    invite(&app, &app.token, json!({}))
        .await
        .refused(400, "bad_request", "accessible_by");
    let made = invite(&app, &app.token, to_user(&folder, bo, "editor"))
        .await
        .json();
    let path = format!("/2.0/collaborations/{}", id(&made));
    app.call_as(&token, "PUT", &path)
        .json(json!({"role": "co-owner"}))
        .send()
        .await
        .refused(403, "access_denied_insufficient_permissions", "");
    invite(&app, &token, to_user(&folder, admin, "viewer"))
        .await
        .refused(403, "access_denied_insufficient_permissions", "");
    app.call("PUT", &path)
        .json(json!({"status": "rejected"}))
        .send()
        .await
        .refused(403, "access_denied_insufficient_permissions", "");
    app.call("GET", "/2.0/collaborations")
        .send()
        .await
        .refused(400, "bad_request", "query.status");
    app.call("GET", "/2.0/collaborations/x")
        .send()
        .await
        .refused(404, "not_found", "");
    let readonly = app.scoped("root_readonly", None).await;
    invite(&app, &readonly, to_user(&folder, bo, "editor"))
        .await
        .refused(403, "insufficient_scope", "header.authorization");
}

//! Users: who asks, acting as another, and the management of users.

use crate::support::{App, id};
use boxwood_core::ScopeSet;
use serde_json::json;

#[tokio::test]
async fn me_is_who_asks() {
    let app = App::start().await;
    let me = app.call("GET", "/2.0/users/me").send().await.json();
    assert_eq!(
        (&me["id"], &me["login"], &me["type"]),
        (
            &json!(app.seeded.admin.id.as_str()),
            &json!("ada@example.com"),
            &json!("user")
        )
    );
    assert!(
        me.get("role").is_none() && me.get("enterprise").is_none(),
        "only with fields"
    );
    let chosen = app
        .call("GET", "/2.0/users/me?fields=role,enterprise")
        .send()
        .await
        .json();
    assert_eq!(chosen["role"], "admin");
    assert_eq!(chosen["enterprise"]["id"], app.seeded.enterprise.id.as_str());
}

#[tokio::test]
async fn users_are_made_changed_and_removed() {
    let app = App::start().await;
    let made = app
        .call("POST", "/2.0/users")
        .json(json!({"name": "Cy", "is_platform_access_only": true}))
        .send()
        .await;
    assert_eq!(made.status, 201);
    let path = format!("/2.0/users/{}", id(&made.json()));
    assert_eq!(app.call("GET", &path).send().await.json()["name"], "Cy");
    let changed = app
        .call("PUT", &path)
        .json(json!({"name": "Di", "login": "di@example.com"}))
        .send()
        .await
        .json();
    assert_eq!(
        (&changed["name"], &changed["login"]),
        (&json!("Di"), &json!("di@example.com"))
    );
    let listed = app.call("GET", "/2.0/users?filter_term=DI").send().await.json();
    assert_eq!(
        (&listed["total_count"], &listed["entries"][0]["name"]),
        (&json!(1), &json!("Di"))
    );
    app.call("POST", "/2.0/users")
        .json(json!({"name": "E"}))
        .send()
        .await
        .refused(400, "bad_request", "login");
    app.call("POST", "/2.0/users")
        .json(json!({"name": "E", "login": "no address"}))
        .send()
        .await
        .refused(400, "bad_request", "login");
    app.call("POST", "/2.0/users")
        .json(json!({"name": "E", "login": "DI@example.com"}))
        .send()
        .await
        .refused(409, "conflict", "");
    app.call("DELETE", &format!("{path}?force=true"))
        .send()
        .await
        .refused(400, "bad_request", "query.force");
    assert_eq!(app.call("DELETE", &path).send().await.status, 204);
    app.call("GET", &path).send().await.refused(404, "not_found", "");
}

#[tokio::test]
async fn a_user_with_files_is_not_removed() {
    let app = App::start().await;
    let (other, token) = app.other_user().await;
    app.upload_as(&token, "a.txt", "x").await.uploaded();
    app.call("DELETE", &format!("/2.0/users/{other}"))
        .send()
        .await
        .refused(400, "bad_request", "user_id");
    app.call("DELETE", &format!("/2.0/users/{}", app.seeded.service_account.id))
        .send()
        .await
        .refused(400, "bad_request", "user_id");
}

#[tokio::test]
async fn ordinary_users_manage_nobody_but_see_themselves() {
    let app = App::start().await;
    let (other, token) = app.other_user().await;
    assert_eq!(
        app.call_as(&token, "GET", &format!("/2.0/users/{other}"))
            .send()
            .await
            .status,
        200
    );
    for (method, path) in [
        ("GET", "/2.0/users".to_owned()),
        ("GET", format!("/2.0/users/{}", app.seeded.admin.id)),
        ("DELETE", format!("/2.0/users/{other}")),
    ] {
        app.call_as(&token, method, &path).send().await.refused(
            403,
            "access_denied_insufficient_permissions",
            "",
        );
    }
}

#[tokio::test]
async fn administrators_act_as_others_and_nobody_else_does() {
    let app = App::start().await;
    let (other, token) = app.other_user().await;
    let file = id(&app.upload_as(&token, "theirs.txt", "x").await.uploaded());
    let path = format!("/2.0/files/{file}");
    app.call("GET", &path).send().await.refused(404, "not_found", "");
    let seen = app
        .call("GET", &path)
        .header("as-user", other.as_str())
        .send()
        .await;
    assert_eq!(seen.json()["owned_by"]["id"], other.as_str());
    let admin = app.seeded.admin.id.as_str();
    app.call_as(&token, "GET", "/2.0/users/me")
        .header("as-user", admin)
        .send()
        .await
        .refused(403, "forbidden", "header.as-user");
    app.call("GET", &path)
        .header("as-user", "999999999999")
        .send()
        .await
        .refused(403, "forbidden", "header.as-user");
    app.call("GET", &path)
        .header("as-user", "x")
        .send()
        .await
        .refused(403, "forbidden", "header.as-user");
    let narrow = app.scoped("root_readwrite", None).await;
    app.call_as(&narrow, "GET", &path)
        .header("as-user", other.as_str())
        .send()
        .await
        .refused(403, "forbidden", "header.as-user");
    let service = app
        .token_for(&app.seeded.service_account.id, ScopeSet::full(), None)
        .await;
    assert_eq!(
        app.call_as(&service, "GET", &path)
            .header("as-user", other.as_str())
            .send()
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn users_come_in_pages_by_marker() {
    let app = App::start().await;
    app.other_user().await;
    let all = app.call("GET", "/2.0/users").send().await.json();
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let path = format!("/2.0/users?usemarker=true&limit=1&marker={marker}");
        let page = app.call("GET", &path).send().await.json();
        assert!(page.get("total_count").is_none() && page.get("offset").is_none());
        seen.extend(page["entries"].as_array().unwrap().iter().cloned());
        marker = page["next_marker"].as_str().unwrap().to_owned();
        if marker.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 2);
    assert_eq!(Some(&seen), all["entries"].as_array());
    app.call("GET", "/2.0/users?usemarker=true&marker=nonsense")
        .send()
        .await
        .refused(400, "bad_request", "query.marker");
}

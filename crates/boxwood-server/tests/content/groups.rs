//! Groups and memberships: what administrators, members and others do and see.

use crate::support::{App, Reply, id};
use boxwood_core::ScopeSet;
use serde_json::{Value, json};

async fn group(app: &App, body: Value) -> String {
    let made = app.call("POST", "/2.0/groups").json(body).send().await;
    assert_eq!(made.status, 201, "{:?}", made.bytes);
    id(&made.json())
}

async fn add(app: &App, token: &str, group: &str, user: &str, role: &str) -> Reply {
    app.call_as(token, "POST", "/2.0/group_memberships")
        .json(json!({"user": {"id": user}, "group": {"id": group}, "role": role}))
        .send()
        .await
}

#[tokio::test]
async fn groups_are_made_changed_listed_and_removed() {
    let app = App::start().await;
    let legal = group(&app, json!({"name": "Legal", "description": "contracts"})).await;
    group(
        &app,
        json!({"name": "Finance", "invitability_level": "admins_only"}),
    )
    .await;
    let path = format!("/2.0/groups/{legal}");
    let shown = app.call("GET", &path).send().await.json();
    assert_eq!(
        (&shown["name"], &shown["group_type"]),
        (&json!("Legal"), &json!("managed_group"))
    );
    assert!(shown.get("description").is_none(), "only with fields");
    let full = app
        .call(
            "GET",
            &format!("{path}?fields=description,permissions,invitability_level"),
        )
        .send()
        .await
        .json();
    assert_eq!(full["description"], "contracts");
    assert_eq!(full["permissions"]["can_invite_as_collaborator"], true);
    assert_eq!(full["invitability_level"], "all_managed_users");
    let changed = app.call("PUT", &path).json(json!({"name": "Law"})).send().await;
    assert_eq!(changed.json()["name"], "Law");
    let listed = app.call("GET", "/2.0/groups?filter_term=l").send().await.json();
    assert_eq!(
        (&listed["total_count"], &listed["entries"][0]["id"]),
        (&json!(1), &json!(legal))
    );
    let page = app
        .call("GET", "/2.0/groups?limit=1&offset=1")
        .send()
        .await
        .json();
    assert_eq!(
        (&page["total_count"], &page["entries"][0]["name"]),
        (&json!(2), &json!("Law"))
    );
    app.call("POST", "/2.0/groups")
        .json(json!({"name": "LAW"}))
        .send()
        .await
        .refused(409, "conflict", "name");
    app.call("POST", "/2.0/groups")
        .json(json!({}))
        .send()
        .await
        .refused(400, "bad_request", "name");
    app.call("GET", "/2.0/groups?offset=10001")
        .send()
        .await
        .refused(400, "bad_request", "query.offset");
    assert_eq!(app.call("DELETE", &path).send().await.status, 204);
    app.call("GET", &path).send().await.refused(404, "not_found", "");
    app.call("GET", "/2.0/groups/x")
        .send()
        .await
        .refused(404, "not_found", "");
}

#[tokio::test]
async fn memberships_are_made_changed_listed_and_removed() {
    let app = App::start().await;
    let (user, _) = app.other_user().await;
    let group = group(&app, json!({"name": "g"})).await;
    let made = add(&app, &app.token, &group, user.as_str(), "member").await;
    assert_eq!(made.status, 201, "{:?}", made.bytes);
    let made = made.json();
    assert_eq!(
        (&made["user"]["id"], &made["group"]["id"]),
        (&json!(user), &json!(group))
    );
    let path = format!("/2.0/group_memberships/{}", id(&made));
    add(&app, &app.token, &group, user.as_str(), "member")
        .await
        .refused(409, "conflict", "");
    add(&app, &app.token, &group, "999999999999", "member")
        .await
        .refused(404, "not_found", "");
    add(&app, &app.token, &group, user.as_str(), "boss")
        .await
        .refused(400, "bad_request", "role");
    let permissions = json!({"role": "admin", "configurable_permissions": {"can_run_reports": true}});
    let changed = app.call("PUT", &path).json(permissions).send().await.json();
    assert_eq!(changed["role"], "admin");
    for list in [
        format!("/2.0/groups/{group}/memberships"),
        format!("/2.0/users/{user}/memberships"),
    ] {
        let listed = app.call("GET", &list).send().await.json();
        assert_eq!(
            (&listed["total_count"], &listed["entries"][0]),
            (&json!(1), &changed),
            "{list}"
        );
    }
    let kept = app
        .call("GET", &format!("{path}?fields=configurable_permissions"))
        .send()
        .await
        .json();
    assert_eq!(kept["configurable_permissions"]["can_run_reports"], true);
    assert_eq!(app.call("DELETE", &path).send().await.status, 204);
    app.call("GET", &path).send().await.refused(404, "not_found", "");
}

#[tokio::test]
async fn members_see_their_group_and_others_do_not() {
    let app = App::start().await;
    let (user, token) = app.other_user().await;
    let group = group(
        &app,
        json!({"name": "g", "member_viewability_level": "admins_and_members"}),
    )
    .await;
    let (path, members) = (
        format!("/2.0/groups/{group}"),
        format!("/2.0/groups/{group}/memberships"),
    );
    for path in [&path, &members] {
        app.call_as(&token, "GET", path)
            .send()
            .await
            .refused(404, "not_found", "");
    }
    let denied = "access_denied_insufficient_permissions";
    app.call_as(&token, "GET", "/2.0/groups")
        .send()
        .await
        .refused(403, denied, "");
    add(&app, &token, &group, user.as_str(), "admin")
        .await
        .refused(403, denied, "");
    let made = add(&app, &app.token, &group, user.as_str(), "member")
        .await
        .json();
    let own = format!("/2.0/group_memberships/{}", id(&made));
    for path in [&path, &members, &own] {
        assert_eq!(
            app.call_as(&token, "GET", path).send().await.status,
            200,
            "{path}"
        );
    }
    app.call_as(&token, "PUT", &own)
        .json(json!({"role": "admin"}))
        .send()
        .await
        .refused(403, denied, "");
    app.call_as(&token, "PUT", &path)
        .json(json!({"name": "mine"}))
        .send()
        .await
        .refused(404, "not_found", "");
    app.call("PUT", &own).json(json!({"role": "admin"})).send().await;
    let renamed = app
        .call_as(&token, "PUT", &path)
        .json(json!({"name": "ours"}))
        .send()
        .await;
    assert_eq!(renamed.json()["name"], "ours");
    app.call_as(&token, "DELETE", &path)
        .send()
        .await
        .refused(403, denied, "");
    let admin = app.seeded.admin.id.as_str();
    app.call_as(&token, "GET", &format!("/2.0/users/{admin}/memberships"))
        .send()
        .await
        .refused(403, denied, "");
}

#[tokio::test]
async fn groups_need_their_scope() {
    let app = App::start().await;
    let token = app
        .token_for(
            &app.seeded.admin.id.clone(),
            ScopeSet::parse("root_readwrite").unwrap(),
            None,
        )
        .await;
    for path in [
        "/2.0/groups",
        "/2.0/groups/1",
        "/2.0/groups/1/collaborations",
        "/2.0/group_memberships/1",
    ] {
        app.call_as(&token, "GET", path).send().await.refused(
            403,
            "insufficient_scope",
            "header.authorization",
        );
    }
}

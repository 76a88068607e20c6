//! Downloads: the redirect, the ticket, ranges.

use crate::support::{App, Form, id};
use serde_json::json;

async fn locate(app: &App, path: &str) -> String {
    let reply = app.call("GET", path).send().await;
    assert_eq!(reply.status, 302, "{:?}", reply.bytes);
    let location = reply.headers["location"].to_str().unwrap();
    location
        .strip_prefix("https://localhost")
        .expect("an absolute https address")
        .to_owned()
}

#[tokio::test]
async fn a_ticket_gives_the_bytes_without_a_token() {
    let app = App::start().await;
    let file = id(&app.upload("ü b.txt", "0123456789").await);
    let ticket = locate(&app, &format!("/2.0/files/{file}/content")).await;
    let whole = app.call_without_token("GET", &ticket).send().await;
    assert_eq!(
        (whole.status.as_u16(), whole.bytes.as_ref()),
        (200, b"0123456789".as_slice())
    );
    assert_eq!(whole.headers["content-length"], "10");
    assert_eq!(whole.headers["x-content-type-options"], "nosniff");
    assert_eq!(
        whole.headers["content-disposition"],
        "attachment; filename=\"_ b.txt\"; filename*=UTF-8''%C3%BC%20b.txt"
    );
    let etag = whole.headers["etag"].to_str().unwrap();
    let known = app
        .call_without_token("GET", &ticket)
        .header("if-none-match", etag)
        .send()
        .await;
    assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
    let head = app.call_without_token("HEAD", &ticket).send().await;
    assert_eq!(
        (
            head.status.as_u16(),
            head.bytes.len(),
            &head.headers["content-length"]
        ),
        (200, 0, &"10".parse().unwrap())
    );
}

#[tokio::test]
async fn ranges_give_parts() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "0123456789").await);
    let ticket = locate(&app, &format!("/2.0/files/{file}/content")).await;
    for (range, status, content, shown) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=0-99", 206, "0123456789", "bytes 0-9/10"),
    ] {
        let reply = app
            .call_without_token("GET", &ticket)
            .header("range", range)
            .send()
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.bytes.as_ref()),
            (status, content.as_bytes()),
            "{range}"
        );
        assert_eq!(reply.headers["content-range"], shown);
    }
    let outside = app
        .call_without_token("GET", &ticket)
        .header("range", "bytes=10-")
        .send()
        .await;
    outside.refused(416, "range_not_satisfiable", "");
}

#[tokio::test]
async fn tickets_end_with_time_and_with_the_file() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "x").await);
    let path = format!("/2.0/files/{file}/content");
    let ticket = locate(&app, &path).await;
    app.call_without_token("GET", &format!("{ticket}x"))
        .send()
        .await
        .refused(404, "not_found", "");
    app.call("DELETE", &format!("/2.0/files/{file}")).send().await;
    app.call_without_token("GET", &ticket)
        .send()
        .await
        .refused(404, "trashed", "");
    app.call("POST", &format!("/2.0/files/{file}")).send().await;
    assert_eq!(app.call_without_token("GET", &ticket).send().await.status, 200);
    app.clock.advance(chrono::Duration::minutes(16));
    app.call_without_token("GET", &ticket)
        .send()
        .await
        .refused(404, "not_found", "");
}

#[tokio::test]
async fn an_earlier_version_and_a_token_in_the_query() {
    let app = App::start().await;
    let file = app.upload("a.txt", "first").await;
    let path = format!("/2.0/files/{}/content", id(&file));
    Form::new()
        .part("name=\"attributes\"", "{}")
        .part("name=\"file\"; filename=\"x\"", "second")
        .send(app.call("POST", &path))
        .await
        .uploaded();
    let version = id(&file["file_version"]);
    let old = locate(&app, &format!("{path}?version={version}")).await;
    assert_eq!(
        app.call_without_token("GET", &old).send().await.bytes.as_ref(),
        b"first"
    );
    let current = locate(&app, &path).await;
    assert_eq!(
        app.call_without_token("GET", &current)
            .send()
            .await
            .bytes
            .as_ref(),
        b"second"
    );
    let by_query = app
        .call_without_token("GET", &format!("{path}?access_token={}", app.token))
        .send()
        .await;
    assert_eq!(by_query.status, 302);
    app.call_without_token("GET", &format!("{path}?access_token=wrong"))
        .send()
        .await
        .refused(401, "unauthorized", "");
    app.call("GET", &format!("{path}?version=x"))
        .send()
        .await
        .refused(400, "bad_request", "query.version");
    app.call("GET", &format!("{path}?version=999999999999"))
        .send()
        .await
        .refused(404, "not_found", "");
    assert_eq!(app.call("GET", &path).json(json!({})).send().await.status, 302);
}

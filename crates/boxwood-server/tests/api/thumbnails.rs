//! Thumbnails with the real worker: sizes, files without a picture, broken files, other users, representations.

use crate::WORKER;
use boxwood_test::TestApp;
use reqwest::Response;
use serde_json::json;
use std::time::Duration;

const LEASE: &[u8] = include_bytes!("../../../../samples/lease-contract.pdf");
const MINUTES: &[u8] = include_bytes!("../../../../samples/meeting-minutes-ja.pdf");
const CARD: &[u8] = include_bytes!("../../../../samples/scanned-card.png");
const REPORT: &[u8] = include_bytes!("../../../../samples/air-quality-report.docx");

/// Asks until the thumbnail is no longer being made, as the SDKs do.
async fn asked(app: &TestApp, path: &str) -> Response {
    for _ in 0..30 {
        let reply = app.request("GET", path).send().await.unwrap();
        if reply.status() != 202 {
            return reply;
        }
        assert!(
            reply.headers()["location"]
                .to_str()
                .unwrap()
                .contains("/placeholders/file.")
        );
        let seconds: u64 = reply.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    panic!("{path} is never ready");
}

/// Width and height that the head of a PNG says.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG"), "{:?}", &bytes[..8]);
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
async fn thumbnails_show_the_first_page_in_the_size_that_was_asked_for() {
    let app = TestApp::builder().worker(WORKER).start().await;
    for (name, bytes, shape) in [
        ("lease.pdf", LEASE, (181, 256)),
        ("minutes.pdf", MINUTES, (181, 256)),
        ("card.png", CARD, (256, 171)),
    ] {
        let file = app.upload(name, bytes).await;
        let reply = asked(&app, &format!("/2.0/files/{file}/thumbnail.png?min_height=129")).await;
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.headers()["content-type"], "image/png");
        let own = format!("/2.0/files/{file}/thumbnail.png?min_height=256&min_width=256");
        assert!(reply.headers()["location"].to_str().unwrap().ends_with(&own));
        let (width, height) = png_size(&reply.bytes().await.unwrap());
        assert_eq!(width.max(height), 256, "{name}");
        assert!(
            width.abs_diff(shape.0) <= 40 && height.abs_diff(shape.1) <= 90,
            "{width}x{height}"
        );

        let reply = asked(&app, &format!("/2.0/files/{file}/thumbnail.jpg?max_width=32")).await;
        assert_eq!(reply.headers()["content-type"], "image/jpeg");
        assert!(reply.bytes().await.unwrap().starts_with(b"\xff\xd8"));
    }
}

#[tokio::test]
async fn files_without_a_picture_and_broken_ones_get_a_placeholder() {
    let app = TestApp::builder().worker(WORKER).start().await;
    for (name, bytes) in [
        ("report.docx", REPORT),
        ("notes.txt", b"Words only."),
        ("broken.pdf", &LEASE[..900]),
        ("broken.png", &CARD[..500]),
    ] {
        let file = app.upload(name, bytes).await;
        for _ in 0..2 {
            let reply = asked(&app, &format!("/2.0/files/{file}/thumbnail.jpg")).await;
            assert_eq!(reply.status(), 302, "{name}");
            let location = reply.headers()["location"].to_str().unwrap();
            assert!(location.ends_with("/placeholders/file.jpg"), "{location}");
        }
    }
}

#[tokio::test]
async fn sizes_that_do_not_exist_and_unknown_files_are_refused() {
    let app = TestApp::start().await;
    let file = app.upload("notes.txt", b"Words only.").await;
    for bounds in [
        "thumbnail.png?min_height=257",
        "thumbnail.jpg?max_width=31",
        "thumbnail.jpg?min_height=33&max_height=159",
    ] {
        app.get(&format!("/2.0/files/{file}/{bounds}"))
            .await
            .assert_refused(400, "requested_preview_unavailable", "out_of_range", "query");
    }
    app.get(&format!("/2.0/files/{file}/thumbnail.png?min_height=big"))
        .await
        .assert_refused(400, "bad_request", "out_of_range", "query.min_height");
    let missing = app.get("/2.0/files/999999999999/thumbnail.png").await;
    assert_eq!(
        (missing.status, &missing.body["code"]),
        (404, &json!("not_found"))
    );
}

#[tokio::test]
async fn thumbnails_are_representations_too() {
    let app = TestApp::builder().worker(WORKER).start().await;
    let file = app.upload("minutes.pdf", MINUTES).await;
    // Made first, so that the state is not "pending" on a slow machine.
    asked(&app, &format!("/2.0/files/{file}/thumbnail.png")).await;
    let shown = app
        .request("GET", &format!("/2.0/files/{file}?fields=representations"))
        .header("x-rep-hints", "[jpg?dimensions=160x160]")
        .send()
        .await
        .unwrap();
    let shown: serde_json::Value = shown.json().await.unwrap();
    let entries = shown["representations"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["representation"], "jpg");
    assert_eq!(
        entries[0]["properties"],
        json!({"dimensions": "160x160", "paged": "false", "thumb": "true"})
    );
    assert_eq!(entries[0]["status"], json!({"state": "success"}));
    let template = entries[0]["content"]["url_template"].as_str().unwrap();
    let path = &template[template.find("/2.0/").unwrap()..];
    let picture = asked(&app, &path.replace("{+asset_path}", "")).await;
    assert_eq!(picture.status(), 200);
    assert!(picture.bytes().await.unwrap().starts_with(b"\xff\xd8"));
}

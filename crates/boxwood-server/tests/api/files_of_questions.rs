//! Questions about stored files, with the real worker process: what can't be read is refused with the reason.

use crate::WORKER;
use boxwood_test::{ScriptedModel, TestApp};
use serde_json::{Value, json};

fn question(files: &[&str]) -> Value {
    let items: Vec<Value> = files.iter().map(|id| json!({"id": id, "type": "file"})).collect();
    let mode = if files.len() == 1 {
        "single_item_qa"
    } else {
        "multiple_item_qa"
    };
    json!({"mode": mode, "prompt": "When does the lease end?", "items": items, "include_citations": true})
}

#[tokio::test]
async fn a_stored_file_is_read_and_cited() {
    let model = ScriptedModel::saying("The lease ends on 31 March 2027.");
    let app = TestApp::builder().model(model).worker(WORKER).start().await;
    let text = "Lease contract\n\nThe lease begins on 1 April 2024. The lease ends on 31 March 2027.\n";
    let file = app.upload("lease.txt", text.as_bytes()).await;
    let reply = app.post("/2.0/ai/ask", &question(&[&file])).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let quote = reply.body["citations"][0]["content"].as_str().unwrap();
    assert!(text.contains(quote) && quote.contains("31 March 2027"), "{quote}");
}

#[tokio::test]
async fn unreadable_files_are_refused_with_the_reason() {
    let app = TestApp::builder().worker(WORKER).start().await;
    for (name, content, reason) in [
        (
            "locked.pdf",
            &include_bytes!("../../../boxwood-ingest/tests/fixtures/needs-password.pdf")[..],
            "encrypted_file",
        ),
        ("empty.pdf", &b""[..], "empty_file"),
        (
            "program.bin",
            &b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>\0\x01\0\0\0"[..],
            "unsupported_format",
        ),
        ("blank.txt", &b" \n\n "[..], "empty_file"),
        (
            "blank.html",
            &b"<!doctype html><html><body><p></p></body></html>"[..],
            "no_text",
        ),
    ] {
        let file = app.upload(name, content).await;
        let reply = app.post("/2.0/ai/ask", &question(&[&file])).await;
        reply.assert_refused(400, "bad_request", reason, "items[0]");
    }
}

#[tokio::test]
async fn an_unreadable_file_beside_a_readable_one_is_told() {
    let app = TestApp::builder().worker(WORKER).start().await;
    let good = app.upload("sun.txt", b"The sun rises in the east.").await;
    let bad = app.upload("empty.txt", b"").await;
    let reply = app.post("/2.0/ai/ask", &question(&[&good, &bad])).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply.body["boxwood"]["warnings"]
            .to_string()
            .contains("empty.txt"),
        "{}",
        reply.text
    );
}

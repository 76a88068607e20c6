//! Representations: states and texts. The parser itself is not started: its results are put into the store.

use crate::support::{App, id};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{DocumentFormat, FileId, LineKind, TextSource};
use boxwood_ingest::PARSER_VERSION;
use boxwood_store::{ContentStore, JobStore, ParseOutcome};
use serde_json::json;

async fn parsed_file(app: &App) -> String {
    let file = id(&app.upload("a.txt", "raw").await);
    let files = app
        .store
        .readable(&app.principal(), &[file.parse::<FileId>().unwrap()])
        .await
        .unwrap();
    let mut builder = DocumentBuilder::new(PARSER_VERSION, DocumentFormat::Docx);
    builder.page(None, None, TextSource::Native);
    builder.line("Prices", LineKind::Heading(2));
    builder.line("They rose.", LineKind::Body);
    builder.line("• first", LineKind::ListItem);
    builder.table(
        None,
        1,
        vec![vec!["Year".into(), "A|B".into()], vec!["2026".into(), "7".into()]],
    );
    let bytes = builder.finish().to_artifact().unwrap();
    let hash = files.as_slice()[0].content_hash();
    app.store
        .put_artifact(&hash, "document", PARSER_VERSION, bytes.into())
        .await
        .unwrap();
    file
}

#[tokio::test]
async fn texts_are_read_from_the_address_in_the_answer() {
    let app = App::start().await;
    let file = parsed_file(&app).await;
    let (_, other) = app.other_user().await;
    let path = format!("/2.0/files/{file}?fields=representations");
    for (form, expected) in [
        ("extracted_text", "They rose.\n"),
        (
            "markdown",
            "## Prices\n\nThey rose.\n\n- first\n\n| Year | A\\|B |\n| --- | --- |\n| 2026 | 7 |\n",
        ),
    ] {
        let shown = app
            .call("GET", &path)
            .header("x-rep-hints", &format!("[{form}]"))
            .send()
            .await
            .json();
        let entries = shown["representations"]["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(
            (&entries[0]["representation"], &entries[0]["status"]),
            (&json!(form), &json!({"state": "success"}))
        );
        let template = entries[0]["content"]["url_template"].as_str().unwrap();
        let address = template
            .strip_suffix("{+asset_path}")
            .unwrap()
            .strip_prefix("https://localhost")
            .unwrap();
        let text = app.call("GET", address).send().await;
        assert_eq!(text.status, 200);
        assert!(
            std::str::from_utf8(&text.bytes).unwrap().contains(expected),
            "{:?}",
            text.bytes
        );
        let info = entries[0]["info"]["url"]
            .as_str()
            .unwrap()
            .strip_prefix("https://localhost")
            .unwrap();
        assert_eq!(
            app.call("GET", info).send().await.json()["status"]["state"],
            "success"
        );
        app.call_as(&other, "GET", address)
            .send()
            .await
            .refused(404, "not_found", "");
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_read_says_so() {
    let app = App::start().await;
    let file = id(&app.upload("a.bin", "raw").await);
    let lease = app
        .store
        .lease_parse_job(PARSER_VERSION, chrono::Duration::minutes(1))
        .await
        .unwrap()
        .unwrap();
    let outcome = ParseOutcome::Refused {
        code: "encrypted".into(),
        message: "the file needs a password".into(),
    };
    app.store.finish_parse_job(lease, outcome).await.unwrap();
    let shown = app
        .call("GET", &format!("/2.0/files/{file}?fields=representations"))
        .send()
        .await
        .json();
    for entry in shown["representations"]["entries"].as_array().unwrap() {
        assert_eq!(entry["status"], json!({"state": "error", "code": "encrypted"}));
        let address = entry["content"]["url_template"]
            .as_str()
            .unwrap()
            .strip_suffix("{+asset_path}")
            .unwrap();
        let reply = app
            .call("GET", address.strip_prefix("https://localhost").unwrap())
            .send()
            .await;
        let body = reply.refused(404, "not_found", "");
        assert_eq!(body["context_info"]["errors"][0]["reason"], "encrypted_file");
    }
}

#[tokio::test]
async fn unknown_forms_and_versions_are_not_there() {
    let app = App::start().await;
    let file = parsed_file(&app).await;
    let shown = app
        .call("GET", &format!("/2.0/files/{file}?fields=representations"))
        .header("x-rep-hints", "[jpg?dimensions=2048x2048]");
    assert_eq!(shown.send().await.json()["representations"]["entries"], json!([]));
    for path in [
        "versions/1/representations/markdown",
        "versions/1/representations/jpg",
    ] {
        app.call("GET", &format!("/2.0/internal_files/{file}/{path}"))
            .send()
            .await
            .refused(404, "not_found", "");
    }
}

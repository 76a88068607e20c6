//! Clients that people use already against the program: the Node SDK's own test files, unmodified; ours over the Python
//! SDK, LangChain, LlamaIndex and OpenAI's package; the code of `docs/clients.md`; and schemathesis over what the server
//! says it serves.
//!
//! They need `node` with npm, and `python3` with venv; packages are installed once, by lock files (`tests/sdk`). With
//! `BOXWOOD_SDK=skip` these tests say so and do nothing. What each client called and got is compared with
//! `tests/sdk/conformance` ([`crate::conformance`]).

use crate::conformance;
use crate::server::{Server, repository};
use base64::Engine;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Runs a suite and checks its record. `record` names a file below `tests/sdk/conformance`.
fn run(server: &Server, suite: &[&str], record: Option<&str>) {
    let (status, body) = server.get("/2.0/users/me?fields=enterprise", Some("boxwood-dev-token"));
    assert_eq!(status, 200, "{body}");
    let me: serde_json::Value = serde_json::from_str(&body).unwrap();
    let config = std::fs::read(server.data_file("box-jwt-config.json")).unwrap();
    let before = conformance::requests(server);
    let outcome = Command::new(repository().join("tests/sdk/run.sh"))
        .args(suite)
        .env("PATH", path_with_the_program())
        .env("BOXWOOD_SDK_HTTP", server.http.to_string())
        .env("BOXWOOD_SDK_HTTPS", server.https.to_string())
        .env("BOXWOOD_SDK_CA", server.data_file("ca.pem"))
        .env(
            "JWT_CONFIG_BASE_64",
            base64::engine::general_purpose::STANDARD.encode(config),
        )
        .env("CLIENT_ID", "boxwood-dev")
        .env("CLIENT_SECRET", "boxwood-dev-secret")
        .env("USER_ID", me["id"].as_str().unwrap())
        .env("ENTERPRISE_ID", me["enterprise"]["id"].as_str().unwrap())
        .status()
        .unwrap();
    assert!(
        outcome.success(),
        "{suite:?} failed; the server said:\n{}",
        server.log()
    );
    if let Some(record) = record {
        conformance::check(server, &before, record);
    }
}

/// `PATH` with the folder of the program under test before the others.
fn path_with_the_program() -> OsString {
    let folder = Path::new(env!("CARGO_BIN_EXE_boxwood")).parent().unwrap();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&others));
    std::env::join_paths(folders).unwrap()
}

fn left_out() -> bool {
    let skip = std::env::var("BOXWOOD_SDK").is_ok_and(|value| value == "skip");
    if skip {
        println!("left out: BOXWOOD_SDK=skip");
    }
    skip
}

#[test]
fn the_node_sdk_passes_its_own_tests() {
    if !left_out() {
        run(&Server::start(""), &["node"], Some("node-content"));
    }
}

#[test]
fn the_python_sdk_works() {
    if !left_out() {
        run(&Server::start(""), &["python"], Some("python-content"));
    }
}

#[test]
fn every_client_gets_answers_from_the_default_model() {
    if left_out() {
        return;
    }
    // One model for all of them: loading it costs more than most answers.
    let server = Server::start_with_the_default_model();
    run(&server, &["node", "--model"], Some("node-answers"));
    run(&server, &["python", "--model"], Some("python-answers"));
    run(&server, &["frameworks", "test_langchain"], Some("langchain"));
    run(&server, &["frameworks", "test_llama_index"], Some("llama-index"));
    run(&server, &["snippets"], None);
    run_openai(&server);
}

/// The openai package, with the model under its own name and standing in for a card.
fn run_openai(server: &Server) {
    let (status, body) = server.get("/v1/models", Some("boxwood-dev-token"));
    assert_eq!(status, 200, "{body}");
    let models: serde_json::Value = serde_json::from_str(&body).unwrap();
    let listed = models["data"].as_array().unwrap();
    let local = listed
        .iter()
        .find(|model| model["boxwood"]["served_by"]["relation"] == "local")
        .unwrap();
    let outcome = Command::new(repository().join("tests/sdk/openai.sh"))
        .arg("local")
        .env("BOXWOOD_OPENAI_URL", format!("http://{}", server.http))
        .env("BOXWOOD_OPENAI_TOKEN", "boxwood-dev-token")
        .env("BOXWOOD_OPENAI_MODEL", "azure__openai__gpt_o4_mini")
        .env("BOXWOOD_OPENAI_LOCAL", local["id"].as_str().unwrap())
        .status()
        .unwrap();
    assert!(outcome.success(), "the server said:\n{}", server.log());
}

#[test]
fn the_description_holds_for_generated_requests() {
    if !left_out() {
        run(&Server::start(""), &["schema"], None);
    }
}

//! The official SDKs against the program: the Node SDK's own test files, unmodified, and ours over the Python SDK.
//!
//! They need `node` with npm, and `python3` with venv; packages are installed once, by lock files (`tests/sdk`). With
//! `BOXWOOD_SDK=skip` these tests say so and do nothing.

use crate::server::{Server, repository};
use base64::Engine;
use std::process::Command;

fn run(suite: &str) {
    if std::env::var("BOXWOOD_SDK").is_ok_and(|value| value == "skip") {
        println!("left out: BOXWOOD_SDK=skip");
        return;
    }
    let server = Server::start("");
    let (status, body) = server.get("/2.0/users/me?fields=enterprise", Some("boxwood-dev-token"));
    assert_eq!(status, 200, "{body}");
    let me: serde_json::Value = serde_json::from_str(&body).unwrap();
    let config = std::fs::read(server.data_file("box-jwt-config.json")).unwrap();
    let outcome = Command::new(repository().join("tests/sdk/run.sh"))
        .arg(suite)
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
        "the {suite} suite failed; the server said:\n{}",
        server.log()
    );
}

#[test]
fn the_node_sdk_passes_its_own_tests() {
    run("node");
}

#[test]
fn the_python_sdk_works() {
    run("python");
}

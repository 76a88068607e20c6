//! What a client called and how it went, read from the server's own counters and compared with the record that
//! `docs/conformance.md` is made of.
//!
//! A record (`tests/sdk/conformance/NAME.tsv`) has a line for each operation of Box that the suite called: `served`
//! when at least one call succeeded, `refused` when every call was refused. With `BOXWOOD_RECORD=1` a run writes the record instead of
//! comparing it; `cargo xtask conformance` then renders the table.

use crate::server::{Server, repository};
use serde_json::Value;
use std::collections::BTreeMap;

/// Method, route and status of requests → how many.
pub type Requests = BTreeMap<(String, String, u16), u64>;

/// The server's counters.
pub fn requests(server: &Server) -> Requests {
    let (status, body) = server.get("/metrics", None);
    assert_eq!(status, 200, "{body}");
    body.lines().filter_map(request_line).collect()
}

fn request_line(line: &str) -> Option<((String, String, u16), u64)> {
    let rest = line.strip_prefix("boxwood_http_requests_total{")?;
    let (labels, count) = rest.split_once("} ")?;
    let value = |name: &str| {
        let (_, after) = labels.split_once(&format!("{name}=\""))?;
        after.split_once('"').map(|(value, _)| value.to_owned())
    };
    let status = value("status")?.parse().ok()?;
    Some((
        (value("method")?, value("route")?, status),
        count.trim().parse().ok()?,
    ))
}

/// Operations of Box that were called since `before` → whether a call succeeded.
fn called(server: &Server, before: &Requests) -> BTreeMap<String, bool> {
    let (status, body) = server.get("/openapi.json", None);
    assert_eq!(status, 200, "{body}");
    let description: Value = serde_json::from_str(&body).unwrap();
    let mut called = BTreeMap::new();
    for ((method, route, status), count) in requests(server) {
        if before.get(&(method.clone(), route.clone(), status)) == Some(&count) {
            continue;
        }
        let path = route
            .strip_prefix("/api")
            .filter(|rest| rest.starts_with("/2.0/"))
            .unwrap_or(&route);
        let operation = &description["paths"][path][method.to_ascii_lowercase()]["operationId"];
        let Some(operation) = operation.as_str().filter(|name| !name.starts_with("boxwood_")) else {
            continue;
        };
        *called.entry(operation.to_owned()).or_insert(false) |= (200..400).contains(&status);
    }
    called
}

/// Compares what was called since `before` with the record of that name, or writes it.
pub fn check(server: &Server, before: &Requests, name: &str) {
    let file = repository().join(format!("tests/sdk/conformance/{name}.tsv"));
    let lines: Vec<String> = called(server, before)
        .iter()
        .map(|(operation, served)| format!("{operation}\t{}\n", if *served { "served" } else { "refused" }))
        .collect();
    let now = lines.concat();
    if std::env::var_os("BOXWOOD_RECORD").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, now).unwrap();
        return;
    }
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        recorded == now,
        "{} is stale: run the tests with BOXWOOD_RECORD=1, then `cargo xtask conformance`.\nRecorded:\n{recorded}\nNow:\n{now}",
        file.display()
    );
}

//! `docs/conformance.md`: which operation which client called in the tests, and how it went.
//!
//! Invariant: the document is a function of the records that the tests wrote (`tests/sdk/conformance`, held true by
//! `crates/boxwood/tests/program/conformance.rs`) and of the operations that the server describes; nothing in it is written by hand.
//! `cargo xtask conformance` writes it, `cargo xtask tidy` says when it is stale.

use anyhow::Context;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Where the document is.
pub const DOCUMENT: &str = "docs/conformance.md";

/// Where the facts of the served operations are.
const DATA: &str = "crates/boxwood-server/data";

/// A client: its package, where its version stands, and its records.
struct Client {
    package: &'static str,
    versions: &'static str,
    records: &'static [&'static str],
}

const CLIENTS: [Client; 4] = [
    Client {
        package: "box-node-sdk",
        versions: "tests/sdk/node/package.json",
        records: &["node-content", "node-answers"],
    },
    Client {
        package: "boxsdk",
        versions: "tests/sdk/python/requirements.txt",
        records: &["python-content", "python-answers"],
    },
    Client {
        package: "langchain-box",
        versions: "tests/sdk/frameworks/requirements.txt",
        records: &["langchain"],
    },
    Client {
        package: "llama-index-readers-box",
        versions: "tests/sdk/frameworks/requirements.txt",
        records: &["llama-index"],
    },
];

const HEAD: &str = "# Conformance\n\n\
Which operations of Box's API the tests of each client call against Boxwood, and how it went. Written by `cargo xtask conformance` from \
what the server counted while `make test` ran; a test fails when a client calls something else than is recorded here.\n\n\
- **served**: the client called it and got what it asked for, in a suite that passed;\n\
- *refused*: called only to check that it is refused;\n\
- empty: this client's tests don't call it. Every operation is also sent generated requests (`tests/sdk/schema`).\n\n\
The Node SDK runs the test files that it ships, the others ours (`tests/sdk/README.md`). An operation that is not listed answers 501.\n\n";

/// The document's text.
///
/// # Errors
/// Where a file that it is made of can't be read.
pub fn render(root: &Path) -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    let mut columns = Vec::new();
    let mut heads = vec!["operation".to_owned()];
    for client in &CLIENTS {
        columns.push(record(root, client)?);
        heads.push(format!("{} {}", client.package, version(root, client)?));
    }
    writeln!(text, "| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()))?;
    for (shown, operation) in served(root)? {
        let cells: Vec<&str> = columns
            .iter()
            .map(|column| cell(column.get(&operation).map(String::as_str)))
            .collect();
        writeln!(text, "| {shown} | {} |", cells.join(" | "))?;
    }
    Ok(text)
}

fn cell(result: Option<&str>) -> &'static str {
    match result {
        Some("served") => "**served**",
        Some(_) => "*refused*",
        None => "",
    }
}

fn read(root: &Path, path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(root.join(path)).with_context(|| format!("{path} can't be read"))
}

/// Operation → result, over all records of a client; `served` wins.
fn record(root: &Path, client: &Client) -> anyhow::Result<BTreeMap<String, String>> {
    let mut results = BTreeMap::new();
    for name in client.records {
        for line in read(root, &format!("tests/sdk/conformance/{name}.tsv"))?.lines() {
            let (operation, result) = line.split_once('\t').context("a record has two columns")?;
            let known = results
                .entry(operation.to_owned())
                .or_insert_with(|| result.to_owned());
            if result == "served" {
                result.clone_into(known);
            }
        }
    }
    Ok(results)
}

/// The version that the lock file names: `"package": "1.2.3"` or `package==1.2.3`.
fn version(root: &Path, client: &Client) -> anyhow::Result<String> {
    let text = read(root, client.versions)?;
    let found = text.lines().find_map(|line| {
        let rest = line.trim().trim_start_matches('"').strip_prefix(client.package)?;
        let rest = rest.strip_prefix("==").or_else(|| rest.strip_prefix("\": "))?;
        Some(
            rest.trim_matches(|letter: char| !letter.is_ascii_alphanumeric())
                .to_owned(),
        )
    });
    found.with_context(|| format!("{} names no version of {}", client.versions, client.package))
}

/// Method and path with the operation's name, in the order of Box's own table.
fn served(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut described = Vec::new();
    for entry in std::fs::read_dir(root.join(DATA)).with_context(|| format!("{DATA} can't be read"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("description") {
            let part: Value = serde_json::from_str(&read(root, &format!("{DATA}/{name}"))?)?;
            let operations = part["operations"].as_object().into_iter().flatten();
            described.extend(operations.map(|(name, _)| name.clone()));
        }
    }
    let table = read(root, &format!("{DATA}/operations.tsv"))?;
    let rows = table.lines().filter_map(|line| {
        let mut columns = line.split('\t');
        let (method, path, operation) = (columns.next()?, columns.next()?, columns.next()?);
        let served = described.iter().any(|name| name == operation);
        served.then(|| (format!("`{method} {path}`"), operation.to_owned()))
    });
    Ok(rows.collect())
}

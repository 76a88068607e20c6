//! `POST /2.0/metadata_queries/execute_read` on the wire.
//!
//! Called by the server's handlers. Unknown members are ignored, also `use_index`, which Box no longer needs.

use crate::error::Reason;
use crate::reading::{Findings, Reader, one_of};
use crate::wire::required_id;
use boxwood_core::FolderId;
use serde::Serialize;
use serde_json::{Map, Value};

/// Most entries of a page.
const MOST: u64 = 100;

/// One field of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryOrder {
    /// The field's key.
    pub field_key: String,
    /// Largest first.
    pub descending: bool,
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataQuery {
    /// `enterprise_123`.
    pub scope: String,
    /// The template's key.
    pub template_key: String,
    /// The predicate.
    pub query: Option<String>,
    /// The values of `:name`.
    pub query_params: Map<String, Value>,
    /// Only what lies below this folder; `0`: everything.
    pub ancestor_folder_id: FolderId,
    /// By which fields.
    pub order_by: Vec<QueryOrder>,
    /// 0 to 100.
    pub limit: u32,
    /// Of the page before.
    pub marker: Option<String>,
    /// What each entry shows.
    pub fields: Vec<String>,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetadataQueryResults {
    /// Files and folders, already narrowed.
    pub entries: Vec<Value>,
    /// The most entries of a page.
    pub limit: u32,
    /// Where the next page starts; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

impl MetadataQuery {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let from = reader
            .required_text("from", findings)
            .and_then(|from| template_name(from, findings));
        let query = reader.text("query", findings).map(str::to_owned);
        let query_params = match reader.value("query_params") {
            None => Map::new(),
            Some(Value::Object(params)) => params.clone(),
            Some(_) => {
                findings.refuse(Reason::WrongType, "query_params", "must be an object");
                Map::new()
            }
        };
        let ancestor = required_id(&mut reader, "ancestor_folder_id", findings);
        let order_by = orders(&mut reader, findings);
        let limit = reader.whole("limit", 0, MOST, findings).unwrap_or(MOST);
        let marker = reader.text("marker", findings).map(str::to_owned);
        let fields = fields(&mut reader, findings);
        reader.value("use_index");
        reader.close(findings);
        let (scope, template_key) = from?;
        Some(Self {
            scope,
            template_key,
            query,
            query_params,
            ancestor_folder_id: ancestor?,
            order_by,
            limit: u32::try_from(limit).unwrap_or(100),
            marker,
            fields,
        })
    }
}

/// `enterprise_123.key`.
fn template_name(from: &str, findings: &mut Findings) -> Option<(String, String)> {
    match from.split_once('.') {
        Some((scope, key)) if !scope.is_empty() && !key.is_empty() => {
            Some((scope.to_owned(), key.to_owned()))
        }
        _ => {
            let message = "must name a template by scope and key: `enterprise_123.key`";
            findings.refuse(Reason::InvalidParameter, "from", message);
            None
        }
    }
}

fn orders(reader: &mut Reader<'_>, findings: &mut Findings) -> Vec<QueryOrder> {
    const DIRECTIONS: &[(&str, bool)] = &[("ASC", false), ("DESC", true), ("asc", false), ("desc", true)];
    let entries = reader.array("order_by", findings).unwrap_or_default();
    let mut orders = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let Some(mut entry) = Reader::object(entry, &format!("order_by[{index}]"), findings) else {
            continue;
        };
        let key = entry.required_text("field_key", findings).map(str::to_owned);
        let direction = entry.text("direction", findings);
        let path = entry.path_of("direction");
        let descending = direction.and_then(|word| one_of(word, DIRECTIONS, &path, findings));
        entry.close(findings);
        if let Some(field_key) = key {
            orders.push(QueryOrder {
                field_key,
                descending: descending.unwrap_or(false),
            });
        }
    }
    orders
}

fn fields(reader: &mut Reader<'_>, findings: &mut Findings) -> Vec<String> {
    let entries = reader.array("fields", findings).unwrap_or_default();
    let mut fields = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match entry.as_str() {
            Some(field) => fields.push(field.to_owned()),
            None => findings.refuse(Reason::WrongType, format!("fields[{index}]"), "must be a string"),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_wrong_field_is_named() {
        for (body, expected) in [
            (json!({}), vec!["from", "ancestor_folder_id"]),
            (json!({"from": "deal", "ancestor_folder_id": "0"}), vec!["from"]),
            (
                json!({"from": "e.d", "ancestor_folder_id": "x", "query_params": [], "limit": 101, "fields": [1],
                    "order_by": [{"direction": "up"}, 1]}),
                vec![
                    "query_params",
                    "ancestor_folder_id",
                    "order_by[0].field_key",
                    "order_by[0].direction",
                    "order_by[1]",
                    "limit",
                    "fields[0]",
                ],
            ),
            (
                json!({"from": "enterprise_1.deal.x", "ancestor_folder_id": "0"}),
                vec![],
            ),
        ] {
            let mut findings = Findings::default();
            let read = MetadataQuery::read(&body, &mut findings);
            let names: Vec<&str> = findings.errors.iter().map(|error| error.name.as_str()).collect();
            assert_eq!(names, expected, "{body} → {read:?}");
        }
    }
}

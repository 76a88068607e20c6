//! `mdfilters` of a search: one template, and what its fields must be.
//!
//! The parameter is JSON: a list with one object. What is wrong in it is named by its path (`query.mdfilters[0].scope`).

use super::parameters::read_body;
use crate::error::ApiError;
use crate::extract::{Query, parse_json};
use boxwood_api::Reason;
use boxwood_api::reading::{Findings, Reader};
use boxwood_store::StoreError;
use boxwood_store::metadata::query::{FieldFilter, MetadataFilter, Range};
use boxwood_store::metadata::{MetadataError, TemplateScope};
use serde_json::{Map, Value};

const PATH: &str = "query.mdfilters";

/// The filter, where the request has one.
///
/// # Errors
/// `bad_request` with every path that is wrong.
pub(super) fn filter(query: &Query) -> Result<Option<MetadataFilter>, ApiError> {
    let Some(text) = query.text("mdfilters") else {
        return Ok(None);
    };
    let malformed = |_| query.refuse("mdfilters", "must be JSON: a list with one filter");
    let value: Value = parse_json(text.as_bytes()).map_err(malformed)?;
    let one = match value {
        Value::Array(mut filters) if filters.len() == 1 => filters.swap_remove(0),
        Value::Object(_) => value,
        _ => return Err(query.refuse("mdfilters", "must be a list with exactly one filter")),
    };
    read_body(&one, read).map(Some)
}

/// Names what the store refused by its place in the parameter.
pub(super) fn refusal(error: StoreError) -> ApiError {
    match &error {
        StoreError::Metadata(
            MetadataError::Invalid { field, reason } | MetadataError::InvalidValue { field, reason },
        ) => ApiError::field(
            Reason::InvalidParameter,
            format!("{PATH}[0].{field}"),
            reason.clone(),
        ),
        _ => error.into(),
    }
}

fn read(value: &Value, findings: &mut Findings) -> Option<MetadataFilter> {
    let path = format!("{PATH}[0]");
    let mut reader = Reader::object(value, &path, findings)?;
    let scope = reader.required_text("scope", findings).and_then(|text| {
        let scope = TemplateScope::parse(text);
        if scope.is_none() {
            let message = "must be `global`, `enterprise` or `enterprise_` with an id";
            findings.refuse(Reason::InvalidParameter, format!("{path}.scope"), message);
        }
        scope
    });
    let template_key = reader.required_text("templateKey", findings);
    let fields = match reader.value("filters") {
        None => Vec::new(),
        Some(Value::Object(members)) => fields(members, &path, findings),
        Some(_) => {
            findings.refuse(Reason::WrongType, reader.path_of("filters"), "must be an object");
            Vec::new()
        }
    };
    Some(MetadataFilter {
        scope: scope?,
        template_key: template_key?.to_owned(),
        fields,
    })
}

fn fields(members: &Map<String, Value>, path: &str, findings: &mut Findings) -> Vec<(String, FieldFilter)> {
    let mut fields = Vec::with_capacity(members.len());
    for (key, value) in members {
        let shown: String = key.chars().take(64).collect();
        let path = format!("{path}.filters.{shown}");
        if let Some(filter) = field(value, &path, findings) {
            fields.push((key.clone(), filter));
        }
    }
    fields
}

fn field(value: &Value, path: &str, findings: &mut Findings) -> Option<FieldFilter> {
    match value {
        Value::String(_) | Value::Number(_) => Some(FieldFilter::Exactly(value.clone())),
        Value::Array(values) if !values.is_empty() => Some(FieldFilter::AnyOf(values.clone())),
        Value::Object(_) => {
            let mut reader = Reader::object(value, path, findings)?;
            let range = Range {
                most: reader.value("lt").cloned(),
                least: reader.value("gt").cloned(),
            };
            if range.most.is_some() || range.least.is_some() {
                return Some(FieldFilter::Within(range));
            }
            findings.refuse(Reason::MissingParameter, path, "must have `lt`, `gt` or both");
            None
        }
        _ => {
            let message = "must be a text, a number, a list of values, or a range with `lt` and `gt`";
            findings.refuse(Reason::WrongType, path, message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(filters: Value, wrong: Option<&str>) {
        let text: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("mdfilters", &filters.to_string())
            .finish();
        let error = filter(&Query::parse(&text)).err();
        let name = error.map(|error| {
            let body = error.body("r", "");
            body.context_info["errors"][0]["name"].as_str().map(str::to_owned)
        });
        assert_eq!(name.flatten().as_deref(), wrong, "{filters}");
    }

    #[test]
    fn what_is_wrong_with_a_filter_is_named() {
        let good = json!({"scope": "enterprise", "templateKey": "t", "filters": {"a": "x", "b": 1, "c": ["x"],
            "d": {"lt": 2}}});
        check(json!([good]), None);
        check(good.clone(), None);
        check(json!([{"scope": "global", "templateKey": "t"}]), None);
        check(json!([]), Some("query.mdfilters"));
        check(json!([good, good]), Some("query.mdfilters"));
        check(json!("x"), Some("query.mdfilters"));
        check(
            json!([{"scope": "mine", "templateKey": "t"}]),
            Some("query.mdfilters[0].scope"),
        );
        check(
            json!([{"scope": "global"}]),
            Some("query.mdfilters[0].templateKey"),
        );
        let field = |value: Value| json!([{"scope": "global", "templateKey": "t", "filters": {"a": value}}]);
        check(field(json!(true)), Some("query.mdfilters[0].filters.a"));
        check(field(json!({})), Some("query.mdfilters[0].filters.a"));
        check(field(json!([])), Some("query.mdfilters[0].filters.a"));
    }
}

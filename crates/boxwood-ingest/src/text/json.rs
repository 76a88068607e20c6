//! JSON and JSON lines as readable text: one line a value, with its path; lists of flat objects as tables.
//!
//! Invariant: nesting is bounded by the JSON reader itself (128), so the walk below may recurse.

use crate::context::ParseContext;
use crate::encoding::decode;
use crate::error::ParseError;
use crate::table::MAX_TABLE_ROWS;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, TextSource};
use serde::de::IgnoredAny;
use serde_json::Value;

/// A list of objects with more different keys than this is no table.
const MAX_TABLE_COLUMNS: usize = 60;

/// Whether the text is one JSON value, or one a line.
pub fn is_json(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next().is_some_and(|value| value.is_ok()) && values.all(|value| value.is_ok())
}

/// Reads JSON.
///
/// # Errors
/// Damaged, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let text = decode(bytes);
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
    let values = values.map_err(|error| context.damaged(error))?;
    context.begin_page(1, builder)?;
    builder.page(None, None, TextSource::Native);
    let mut path = String::new();
    match values.as_slice() {
        [value] => append(value, &mut path, context, builder),
        several => append_list(several, &mut path, context, builder),
    }
}

fn append(
    value: &Value,
    path: &mut String,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                append(value, path, context, builder)?;
                path.truncate(length);
            }
            Ok(())
        }
        Value::Array(values) => append_list(values, path, context, builder),
        scalar => {
            context.check_growth(builder)?;
            append_scalar(path, &scalar_text(scalar), builder);
            Ok(())
        }
    }
}

/// `path: value`; the further lines of a long text stand below it.
fn append_scalar(path: &str, text: &str, builder: &mut DocumentBuilder) {
    let mut lines = super::plain::split_lines(text);
    let first = lines.next().unwrap_or_default();
    if path.is_empty() {
        builder.line(first, LineKind::Body);
    } else {
        builder.line(&format!("{path}: {first}"), LineKind::Body);
    }
    lines.for_each(|line| builder.line(line, LineKind::Body));
}

fn append_list(
    values: &[Value],
    path: &mut String,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    if let Some(columns) = columns(values) {
        return append_table(values, &columns, path, context, builder);
    }
    let flat = values.iter().all(|value| !value.is_array() && !value.is_object());
    if flat && values.len() <= 20 {
        context.check_growth(builder)?;
        let texts: Vec<String> = values.iter().map(scalar_text).collect();
        append_scalar(path, &texts.join(", "), builder);
        return Ok(());
    }
    for (index, value) in values.iter().enumerate() {
        let length = path.len();
        path.push_str(&format!("[{index}]"));
        append(value, path, context, builder)?;
        path.truncate(length);
    }
    Ok(())
}

/// The columns of a list of at least two flat objects.
fn columns(values: &[Value]) -> Option<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    for value in values {
        for (key, value) in value.as_object()? {
            let nested = value.is_object()
                || value
                    .as_array()
                    .is_some_and(|list| list.iter().any(|value| value.is_array() || value.is_object()));
            if nested {
                return None;
            }
            if !columns.contains(key) {
                columns.push(key.clone());
            }
        }
        if columns.len() > MAX_TABLE_COLUMNS {
            return None;
        }
    }
    (values.len() >= 2 && !columns.is_empty()).then_some(columns)
}

fn append_table(
    values: &[Value],
    columns: &[String],
    path: &str,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let name = (!path.is_empty()).then(|| path.to_owned());
    if let Some(name) = &name {
        builder.line(&format!("{name}:"), LineKind::Body);
    }
    for part in values.chunks(MAX_TABLE_ROWS) {
        context.check_growth(builder)?;
        let cell = |value: &Value, column: &String| value.get(column).map(scalar_text).unwrap_or_default();
        let mut rows = vec![columns.to_vec()];
        rows.extend(
            part.iter()
                .map(|value| columns.iter().map(|column| cell(value, column)).collect()),
        );
        builder.table(name.clone(), 1, rows);
    }
    Ok(())
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(scalar_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{self, parse};
    use boxwood_core::DocumentFormat;

    #[test]
    fn values_are_lines_and_flat_lists_are_tables() {
        let check = |text: &str, expected: &str| testing::check(text, "a.json", expected);
        check(
            r#"{"name": "A", "address": {"city": "X", "lines": ["1", "2"]}, "ok": true, "none": null}"#,
            "name: A\naddress.city: X\naddress.lines: 1, 2\nok: true\nnone: null\n",
        );
        check(
            r#"{"items": [{"sku": "a", "n": 1}, {"sku": "b", "tags": ["x", "y"]}]}"#,
            "items:\n|! sku | n | tags\n| a | 1 | \n| b |  | x, y\n",
        );
        check(r#"[{"a": {"b": 1}}, 5]"#, "[0].a.b: 1\n[1]: 5\n");
        check("{\"a\": 1}\n{\"a\": 2}\n", "|! a\n| 1\n| 2\n");
        check(r#"{"t": "one\ntwo"}"#, "t: one\ntwo\n");
    }

    #[test]
    fn too_deep_json_is_text() {
        let deep = "[".repeat(100_000);
        assert_eq!(
            parse(deep.as_bytes(), "a.json").unwrap().format,
            DocumentFormat::Text
        );
    }
}

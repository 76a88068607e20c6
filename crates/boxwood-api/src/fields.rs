//! Which fields of an item an answer shows: Box's `fields` query parameter.
//!
//! Every resource is written in full by serde and then narrowed here, so that one struct serves the mini, the standard
//! and the full form. Invariant: `type`, `id` and `etag` are always shown; a name that does not exist is ignored, as
//! Box does. Called by the server's handlers.

use serde::Serialize;
use serde_json::{Map, Value};

/// Shown whatever `fields` says.
const ALWAYS: [&str; 3] = ["type", "id", "etag"];

/// The names that a request asked for; none: the resource's standard form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelection(Option<Vec<String>>);

impl FieldSelection {
    /// Reads the value of the query parameter: names parted by commas. `None` or an empty list: the standard form.
    pub fn parse(list: Option<&str>) -> Self {
        let names: Vec<String> = list
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        Self((!names.is_empty()).then_some(names))
    }

    /// Whether the request named this field (always `false` for the standard form).
    pub fn names(&self, field: &str) -> bool {
        self.0
            .as_ref()
            .is_some_and(|names| names.iter().any(|name| name == field))
    }

    /// What the request named below a field: `metadata.global.properties` is `global.properties` below `metadata`.
    pub fn below<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.0.iter().flatten();
        names.filter_map(move |name| name.strip_prefix(field)?.strip_prefix('.'))
    }

    /// Whether the request named any field.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Narrows a resource to what was asked for, or to `standard` where nothing was.
    ///
    /// # Errors
    /// What serde says of a resource that is no JSON object.
    pub fn narrow<T: Serialize>(&self, resource: &T, standard: &[&str]) -> Result<Value, serde_json::Error> {
        let value = serde_json::to_value(resource)?;
        let Value::Object(members) = value else {
            return Ok(value);
        };
        let keep = |name: &str| match &self.0 {
            None => standard.contains(&name),
            Some(names) => names.iter().any(|wanted| wanted == name),
        };
        let narrowed: Map<String, Value> = members
            .into_iter()
            .filter(|(name, _)| ALWAYS.contains(&name.as_str()) || keep(name))
            .collect();
        Ok(Value::Object(narrowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(fields: Option<&str>, expected: Value) {
        let resource = json!({"type": "file", "id": "7", "etag": "0", "name": "a", "size": 3, "tags": []});
        let narrowed = FieldSelection::parse(fields).narrow(&resource, &["name", "size"]);
        assert_eq!(narrowed.ok(), Some(expected), "{fields:?}");
    }

    #[test]
    fn names_below_a_field_are_found() {
        let fields = FieldSelection::parse(Some("name,metadata.a.b,metadatax.c,metadata,metadata.d"));
        assert_eq!(fields.below("metadata").collect::<Vec<_>>(), ["a.b", "d"]);
        assert_eq!(FieldSelection::default().below("metadata").count(), 0);
    }

    #[test]
    fn fields_narrow_and_never_hide_the_identity() {
        check(
            None,
            json!({"type": "file", "id": "7", "etag": "0", "name": "a", "size": 3}),
        );
        check(
            Some(""),
            json!({"type": "file", "id": "7", "etag": "0", "name": "a", "size": 3}),
        );
        check(
            Some("tags"),
            json!({"type": "file", "id": "7", "etag": "0", "tags": []}),
        );
        check(
            Some("name, nonsense"),
            json!({"type": "file", "id": "7", "etag": "0", "name": "a"}),
        );
    }
}

//! What the tests of request bodies share.

use crate::error::{FieldError, Reason};
use serde_json::Value;

/// A body with these members instead of its own.
pub(crate) fn changed(mut body: Value, change: &Value) -> Value {
    if let (Value::Object(body), Value::Object(change)) = (&mut body, change) {
        body.extend(change.clone());
    }
    body
}

/// The refusals of a body must be exactly these, in their order; what was `sent` is shown where they are not.
#[track_caller]
pub(crate) fn assert_refusals(errors: &[FieldError], expected: &[(Reason, &str)], sent: &Value) {
    let found: Vec<(Reason, &str)> = errors
        .iter()
        .map(|error| (error.reason, error.name.as_str()))
        .collect();
    assert_eq!(found, expected, "{sent}");
}

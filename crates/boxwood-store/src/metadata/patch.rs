//! JSON Patch (RFC 6902) over the values of an instance.
//!
//! Invariant: all operations are applied or none; members that begin with `$` belong to the server and can't be changed.
//! Whether the result fits the template, `values` decides. Pure; called by the stores.

use super::error::MetadataError;
use super::values::{Values, moment};
use serde_json::Value;

/// One operation; paths are JSON pointers.
#[derive(Debug, Clone, PartialEq)]
pub enum PatchOperation {
    /// Adds or overwrites.
    Add {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Overwrites what is there.
    Replace {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Removes what is there.
    Remove {
        /// Where.
        path: String,
    },
    /// Fails unless this is there.
    Test {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Removes here, adds there.
    Move {
        /// From where.
        from: String,
        /// Where.
        path: String,
    },
    /// Adds what is elsewhere.
    Copy {
        /// From where.
        from: String,
        /// Where.
        path: String,
    },
}

/// Applies all operations or none.
///
/// # Errors
/// [`MetadataError::PatchFailed`], [`MetadataError::Invalid`] for a path that is no pointer.
pub fn apply_patch(values: &Values, operations: &[PatchOperation]) -> Result<Values, MetadataError> {
    let mut document = Value::Object(values.clone());
    for (index, operation) in operations.iter().enumerate() {
        let step = Step { index };
        step.apply(&mut document, operation)?;
    }
    match document {
        Value::Object(values) => Ok(values),
        _ => Err(MetadataError::invalid("", "must leave an object")),
    }
}

struct Step {
    index: usize,
}

impl Step {
    fn apply(&self, document: &mut Value, operation: &PatchOperation) -> Result<(), MetadataError> {
        match operation {
            PatchOperation::Add { path, value } => self.add(document, path, value.clone()),
            PatchOperation::Replace { path, value } => {
                let place = self.find(document, &self.pointer("path", path)?, "path")?;
                *place = value.clone();
                Ok(())
            }
            PatchOperation::Remove { path } => self.take(document, path, "path").map(|_| ()),
            PatchOperation::Test { path, value } => {
                let found = self.find(document, &self.pointer("path", path)?, "path")?;
                if is_same(found, value) {
                    Ok(())
                } else {
                    self.fail("value", "differs from what is there")
                }
            }
            PatchOperation::Move { from, path } => {
                let value = self.take(document, from, "from")?;
                self.add(document, path, value)
            }
            PatchOperation::Copy { from, path } => {
                let value = self.find(document, &self.pointer("from", from)?, "from")?.clone();
                self.add(document, path, value)
            }
        }
    }

    fn fail<T>(&self, member: &str, reason: &str) -> Result<T, MetadataError> {
        Err(MetadataError::PatchFailed {
            field: format!("[{}].{member}", self.index),
            reason: reason.to_owned(),
        })
    }

    /// The steps of a pointer: `/a~1b/0` is `a/b`, then `0`.
    fn pointer(&self, member: &str, pointer: &str) -> Result<Vec<String>, MetadataError> {
        let field = || format!("[{}].{member}", self.index);
        let Some(rest) = pointer.strip_prefix('/') else {
            return Err(MetadataError::invalid(
                field(),
                "must begin with `/` and name a key: `/status`",
            ));
        };
        let steps: Vec<String> = rest
            .split('/')
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .collect();
        if steps.first().is_some_and(|key| key.starts_with('$')) {
            return Err(MetadataError::invalid(
                field(),
                "must not name a member that begins with `$`: those belong to the server",
            ));
        }
        Ok(steps)
    }

    fn find<'v>(
        &self,
        document: &'v mut Value,
        steps: &[String],
        member: &str,
    ) -> Result<&'v mut Value, MetadataError> {
        let mut place = document;
        for step in steps {
            let next = match place {
                Value::Object(members) => members.get_mut(step),
                Value::Array(entries) => position(step).and_then(|index| entries.get_mut(index)),
                _ => None,
            };
            match next {
                Some(next) => place = next,
                None => return self.fail(member, "names a value that is not there"),
            }
        }
        Ok(place)
    }

    fn add(&self, document: &mut Value, path: &str, value: Value) -> Result<(), MetadataError> {
        let steps = self.pointer("path", path)?;
        let (last, above) = match steps.split_last() {
            Some(split) => split,
            None => return self.fail("path", "names no value"),
        };
        match self.find(document, above, "path")? {
            Value::Object(members) => {
                members.insert(last.clone(), value);
                Ok(())
            }
            Value::Array(entries) => {
                let index = if last == "-" {
                    Some(entries.len())
                } else {
                    position(last).filter(|index| *index <= entries.len())
                };
                match index {
                    Some(index) => {
                        entries.insert(index, value);
                        Ok(())
                    }
                    None => self.fail("path", "names no place in the list"),
                }
            }
            _ => self.fail("path", "leads into a value that has no members"),
        }
    }

    fn take(&self, document: &mut Value, path: &str, member: &str) -> Result<Value, MetadataError> {
        let steps = self.pointer(member, path)?;
        let (last, above) = match steps.split_last() {
            Some(split) => split,
            None => return self.fail(member, "names no value"),
        };
        let taken = match self.find(document, above, member)? {
            Value::Object(members) => members.shift_remove(last),
            Value::Array(entries) => position(last)
                .filter(|index| *index < entries.len())
                .map(|index| entries.remove(index)),
            _ => None,
        };
        match taken {
            Some(value) => Ok(value),
            None => self.fail(member, "names a value that is not there"),
        }
    }
}

/// A place in a list: digits without leading zeros.
fn position(step: &str) -> Option<usize> {
    let plain = step == "0" || !step.starts_with('0');
    (plain && step.bytes().all(|byte| byte.is_ascii_digit())).then(|| step.parse().ok())?
}

/// Whether two values mean the same: `1` and `1.0`, and a moment however it is written.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::String(left), Value::String(right)) => {
            left == right || matches!((moment(left), moment(right)), (Some(a), Some(b)) if a == b)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::PatchOperation::{Add, Copy, Move, Remove, Replace, Test};
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(operations: &[PatchOperation], expected: Result<Value, &str>) {
        let values =
            json!({"a": "x", "n": 1, "list": ["p", "q"], "d": "2035-01-02T00:00:00.000Z", "s/t": "u"});
        let found = apply_patch(values.as_object().unwrap(), operations);
        let found = found.map(Value::Object).map_err(|error| match error {
            MetadataError::PatchFailed { field, .. } | MetadataError::Invalid { field, .. } => field,
            other => other.to_string(),
        });
        assert_eq!(found, expected.map_err(str::to_owned), "{operations:?}");
    }

    fn path(path: &str) -> String {
        path.to_owned()
    }

    #[test]
    fn operations_work_together() {
        check(
            &[
                Test {
                    path: path("/a"),
                    value: json!("x"),
                },
                Test {
                    path: path("/n"),
                    value: json!(1.0),
                },
                Test {
                    path: path("/d"),
                    value: json!("2035-01-02T00:00:00Z"),
                },
                Replace {
                    path: path("/a"),
                    value: json!("y"),
                },
                Copy {
                    from: path("/a"),
                    path: path("/b"),
                },
                Move {
                    from: path("/n"),
                    path: path("/m"),
                },
                Remove { path: path("/d") },
                Add {
                    path: path("/list/-"),
                    value: json!("r"),
                },
                Add {
                    path: path("/list/0"),
                    value: json!("o"),
                },
                Remove {
                    path: path("/list/1"),
                },
                Remove { path: path("/s~1t") },
            ],
            Ok(json!({"a": "y", "list": ["o", "q", "r"], "b": "y", "m": 1})),
        );
    }

    #[test]
    fn what_leads_nowhere_fails() {
        check(
            &[Test {
                path: path("/a"),
                value: json!("z"),
            }],
            Err("[0].value"),
        );
        check(
            &[Test {
                path: path("/none"),
                value: json!("z"),
            }],
            Err("[0].path"),
        );
        check(
            &[Replace {
                path: path("/none"),
                value: json!("z"),
            }],
            Err("[0].path"),
        );
        check(&[Remove { path: path("/none") }], Err("[0].path"));
        check(
            &[Remove {
                path: path("/list/2"),
            }],
            Err("[0].path"),
        );
        check(
            &[Remove {
                path: path("/list/01"),
            }],
            Err("[0].path"),
        );
        check(
            &[Add {
                path: path("/list/9"),
                value: json!("z"),
            }],
            Err("[0].path"),
        );
        check(
            &[Add {
                path: path("/a/b"),
                value: json!("z"),
            }],
            Err("[0].path"),
        );
        check(
            &[Add {
                path: path("a"),
                value: json!("z"),
            }],
            Err("[0].path"),
        );
        check(
            &[Add {
                path: path("/$id"),
                value: json!("z"),
            }],
            Err("[0].path"),
        );
        check(
            &[Move {
                from: path("/none"),
                path: path("/a"),
            }],
            Err("[0].from"),
        );
        check(
            &[
                Replace {
                    path: path("/a"),
                    value: json!("y"),
                },
                Copy {
                    from: path("/$id"),
                    path: path("/a"),
                },
            ],
            Err("[1].from"),
        );
    }
}

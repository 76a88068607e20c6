//! Where two requests differ first, in words without their content.
//!
//! Invariant: of texts only places and lengths are told, never what they say. Called by [`super::replayed`].

use serde_json::Value;
use std::fmt;

/// The first difference between a recorded request and one that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// `messages[1].content`
    path: String,
    what: What,
    /// How far apart the requests are, for finding the nearest.
    size: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// From this character on; with both lengths.
    Text {
        from: usize,
        recorded: usize,
        asked: usize,
    },
    /// Numbers, truth values, nothing.
    Values { recorded: String, asked: String },
    /// Another kind, or another number of entries.
    Shape {
        recorded: &'static str,
        asked: &'static str,
    },
}

impl Difference {
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.what {
            What::Text {
                from,
                recorded,
                asked,
            } => write!(
                f,
                "`{path}` differs from character {from} on ({recorded} characters were recorded, {asked} are asked)"
            ),
            What::Values { recorded, asked } => {
                write!(f, "`{path}` was recorded as {recorded}, and is asked as {asked}")
            }
            What::Shape { recorded, asked } => {
                write!(f, "`{path}` was recorded as {recorded}, and is asked as {asked}")
            }
        }
    }
}

/// The first difference; `None` where the two are equal.
pub(super) fn difference(recorded: &Value, asked: &Value) -> Option<Difference> {
    let mut found = Vec::new();
    walk(recorded, asked, String::new(), &mut found);
    let size = found.iter().map(|difference| difference.size).sum();
    let first = found.into_iter().next()?;
    Some(Difference { size, ..first })
}

fn walk(recorded: &Value, asked: &Value, path: String, found: &mut Vec<Difference>) {
    if recorded == asked {
        return;
    }
    let mut note = |what, size| {
        found.push(Difference {
            path: if path.is_empty() {
                "request".to_owned()
            } else {
                path.clone()
            },
            what,
            size,
        });
    };
    match (recorded, asked) {
        (Value::String(recorded), Value::String(asked)) => {
            let from = recorded
                .chars()
                .zip(asked.chars())
                .take_while(|(a, b)| a == b)
                .count();
            let (recorded, asked) = (recorded.chars().count(), asked.chars().count());
            let what = What::Text {
                from,
                recorded,
                asked,
            };
            note(what, 1 + recorded.max(asked).saturating_sub(from));
        }
        (Value::Array(recorded), Value::Array(asked)) if recorded.len() == asked.len() => {
            for (index, (recorded, asked)) in recorded.iter().zip(asked).enumerate() {
                walk(recorded, asked, format!("{path}[{index}]"), found);
            }
        }
        (Value::Object(recorded), Value::Object(asked)) => {
            let names = recorded
                .keys()
                .chain(asked.keys().filter(|name| !recorded.contains_key(*name)));
            for name in names {
                let inner = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let of =
                    |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                walk(&of(recorded), &of(asked), inner, found);
            }
        }
        (recorded, asked) if is_plain(recorded) && is_plain(asked) => {
            let what = What::Values {
                recorded: recorded.to_string(),
                asked: asked.to_string(),
            };
            note(what, 1);
        }
        (recorded, asked) => {
            let what = What::Shape {
                recorded: kind(recorded),
                asked: kind(asked),
            };
            note(what, 1_000);
        }
    }
}

fn is_plain(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_) | Value::Number(_))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list of another length",
        Value::Object(_) => "an object",
    }
}

//! Reading the JSON that a model wrote, with the place of every value in it.
//!
//! Invariant: text that breaks off gives what is complete of it and says so; nothing is guessed. Places are bytes of the
//! completion, so that the probabilities of its tokens can be told apart by value. Called by the reading step.

use serde_json::{Number, Value};
use std::ops::Range;

/// How deep values may be nested.
const DEEPEST: usize = 32;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where its content stands: of a string without the quotation marks.
    pub span: Range<usize>,
    /// What it is.
    pub value: NodeValue,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A string, unescaped.
    Text(String),
    /// An array.
    Array(Vec<Node>),
    /// An object, members in order.
    Object(Vec<(String, Node)>),
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The outermost value; `None` where there is none.
    pub node: Option<Node>,
    /// Whether it came to its end.
    pub complete: bool,
    /// Whether it was stopped because it went round in a circle, of which one round is left.
    pub circles: bool,
}

impl Node {
    /// A member of an object.
    pub fn member(&self, key: &str) -> Option<&Node> {
        match &self.value {
            NodeValue::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// Without places.
    pub fn to_value(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(flag) => Value::Bool(*flag),
            NodeValue::Number(written) => written
                .parse::<Number>()
                .map_or_else(|_| Value::String(written.clone()), Value::Number),
            NodeValue::Text(text) => Value::String(text.clone()),
            NodeValue::Array(entries) => entries.iter().map(Node::to_value).collect(),
            NodeValue::Object(members) => members
                .iter()
                .map(|(key, node)| (key.clone(), node.to_value()))
                .collect(),
        }
    }
}

/// Reads the first JSON object or array of a completion, whatever stands before and after it.
pub fn parse(text: &str) -> Parsed {
    read(text, false)
}

/// What a completion has come to, with the entry that it is in the middle of.
pub fn so_far(text: &str) -> Option<Node> {
    read(text, true).node
}

fn read(text: &str, keeps_open_entries: bool) -> Parsed {
    let Some(start) = text.find(['{', '[']) else {
        return Parsed {
            node: None,
            complete: false,
            circles: false,
        };
    };
    let mut parser = Parser {
        text,
        at: start,
        complete: true,
        keeps_open_entries,
    };
    let node = parser.value(0);
    Parsed {
        complete: parser.complete && node.is_some(),
        circles: false,
        node,
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    complete: bool,
    keeps_open_entries: bool,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        let skipped = rest.len() - trimmed.len();
        let next = trimmed.chars().next();
        self.at += skipped;
        next
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    fn broken<T>(&mut self) -> Option<T> {
        self.complete = false;
        None
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return self.broken();
        }
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"') => self.string(),
            Some(_) => self.word(),
            None => self.broken(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Node> {
        let start = self.at;
        self.at += 1;
        let mut members = Vec::new();
        while !self.eat('}') {
            let Some(member) = self.pair(depth) else {
                self.complete = false;
                break;
            };
            members.push(member);
            if !self.eat(',') && self.peek() != Some('}') {
                self.complete = false;
                break;
            }
        }
        Some(self.node(start, NodeValue::Object(members)))
    }

    fn pair(&mut self, depth: usize) -> Option<(String, Node)> {
        if self.peek() != Some('"') {
            return None;
        }
        let Some(Node {
            value: NodeValue::Text(key),
            ..
        }) = self.string()
        else {
            return None;
        };
        if !self.eat(':') {
            return None;
        }
        let value = self.value(depth + 1)?;
        Some((key, value))
    }

    fn array(&mut self, depth: usize) -> Option<Node> {
        let start = self.at;
        self.at += 1;
        let mut entries = Vec::new();
        while !self.eat(']') {
            let was_complete = self.complete;
            let Some(entry) = self.value(depth + 1) else {
                self.complete = false;
                break;
            };
            // A row that broke off in the middle is not a row.
            let broke_off = was_complete && !self.complete;
            if !broke_off || self.keeps_open_entries {
                entries.push(entry);
            }
            if broke_off {
                break;
            }
            if !self.eat(',') && self.peek() != Some(']') {
                self.complete = false;
                break;
            }
        }
        Some(self.node(start, NodeValue::Array(entries)))
    }

    fn node(&self, start: usize, value: NodeValue) -> Node {
        Node {
            span: start..self.at,
            value,
        }
    }

    fn string(&mut self) -> Option<Node> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        let end = self.rest().char_indices().find_map(|(at, character)| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends.then_some(at)
        });
        let Some(length) = end else {
            self.at = self.text.len();
            return self.broken();
        };
        let raw = &self.text[start..start + length];
        self.at = start + length + 1;
        // serde_json knows every escape; raw line breaks, which models write, are not JSON.
        let quoted = format!(
            "\"{}\"",
            raw.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
        );
        let text = serde_json::from_str(&quoted).unwrap_or_else(|_| raw.to_owned());
        Some(Node {
            span: start..start + length,
            value: NodeValue::Text(text),
        })
    }

    fn word(&mut self) -> Option<Node> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find([',', '}', ']', ' ', '\n', '\r', '\t', ':'])
            .unwrap_or(rest.len());
        let word = rest[..length].to_owned();
        let ends_here = length == rest.len();
        let value = match word.as_str() {
            "null" => NodeValue::Null,
            "true" => NodeValue::Bool(true),
            "false" => NodeValue::Bool(false),
            // A number at the very end may go on.
            _ if !ends_here && word.parse::<Number>().is_ok() => NodeValue::Number(word),
            _ => return self.broken(),
        };
        self.at += length;
        Some(Node {
            span: start..start + length,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, value: Value, complete: bool) {
        let parsed = parse(text);
        assert_eq!(parsed.node.map(|node| node.to_value()), Some(value), "{text}");
        assert_eq!(parsed.complete, complete, "{text}");
    }

    #[test]
    fn json_is_read_also_where_it_breaks_off() {
        check(
            r#"{"a":"x","b":[1,2.5],"c":null}"#,
            json!({"a": "x", "b": [1, 2.5], "c": null}),
            true,
        );
        check(
            "Here it is:\n```json\n{\"a\": \"\\u00e9\\\"\"}\n```",
            json!({"a": "é\""}),
            true,
        );
        check(r#"{"a":"x","b":"un"#, json!({"a": "x"}), false);
        check(r#"{"a":12"#, json!({}), false);
        check(
            r#"{"rows":[{"k":"1"},{"k":"2","v":"#,
            json!({"rows": [{"k": "1"}]}),
            false,
        );
        check("{\"a\":\"line\nbreak\"}", json!({"a": "line\nbreak"}), true);
        check(r#"{"a" "b"}"#, json!({}), false);
        assert_eq!(parse("nothing").node, None);
    }

    #[test]
    fn nesting_has_a_bound() {
        let deep = "[".repeat(10_000);
        assert!(!parse(&deep).complete);
    }

    #[test]
    fn places_are_those_of_the_contents() {
        let text = r#"{"name":"Ada","age":36}"#;
        let node = parse(text).node.unwrap();
        assert_eq!(&text[node.member("name").unwrap().span.clone()], "Ada");
        assert_eq!(&text[node.member("age").unwrap().span.clone()], "36");
    }
}

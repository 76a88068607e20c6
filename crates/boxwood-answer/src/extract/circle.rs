//! Completions that go round in a circle: a small model that has nothing more to list lists the same again, up to its
//! limit.
//!
//! Invariant: what the documents themselves say as often is no circle. Called by the filling step while a completion is
//! written, and once more when it ended.

use super::json::{Node, NodeValue, Parsed, so_far};
use boxwood_core::repetition::phrase_at_end;
use serde_json::Value;

/// How often the same must come, one after the other, before it can be a circle.
const ROUNDS: usize = 4;
/// The same for entries that say nothing which could stand in a document: flags and nulls.
const ROUNDS_OF_FLAGS: usize = 16;
/// Entries of a list that make up one round at most.
const LONGEST_ROUND: usize = 12;
/// Bytes of repeated text that can be a circle: rules and dotted lines are shorter.
const LEAST_TEXT: usize = 160;
/// Bytes of text that one round has at most.
const LONGEST_TEXT: usize = 400;
/// Parts of a completion between two looks.
const PARTS_BETWEEN: usize = 16;

/// Watches a completion for circles.
pub struct CircleWatch<'a> {
    /// How often the documents say a text.
    said: &'a (dyn Fn(&str) -> usize + Sync),
    parts: usize,
}

impl<'a> CircleWatch<'a> {
    /// For one completion.
    pub fn new(said: &'a (dyn Fn(&str) -> usize + Sync)) -> Self {
        Self { said, parts: 0 }
    }

    /// Whether the completion, of which a further part came, goes round in a circle.
    pub fn stops(&mut self, text: &str) -> bool {
        self.parts += 1;
        if !self.parts.is_multiple_of(PARTS_BETWEEN) {
            return false;
        }
        let lists = so_far(text).is_some_and(|mut node| cut(&mut node, self.said));
        lists || text_goes_round(text, self.said)
    }
}

/// Leaves one round of the circle in which a completion went until it was stopped, or had no room for more.
pub fn leave_one_round(parsed: &mut Parsed, stopped: bool, said: &dyn Fn(&str) -> usize) {
    if parsed.complete {
        return;
    }
    let lists = parsed.node.as_mut().is_some_and(|node| cut(node, said));
    parsed.circles = lists || stopped;
}

/// Cuts a circle at the end after its first round; whether there was one.
fn cut(node: &mut Node, said: &dyn Fn(&str) -> usize) -> bool {
    match &mut node.value {
        // What is being written stands last.
        NodeValue::Object(members) => members.last_mut().is_some_and(|(_, last)| cut(last, said)),
        NodeValue::Array(entries) => {
            if let Some(length) = before_circle(entries, said) {
                entries.truncate(length);
                return true;
            }
            entries.last_mut().is_some_and(|last| cut(last, said))
        }
        _ => false,
    }
}

/// How many entries come before the second round of the circle that they end in.
fn before_circle(entries: &[Node], said: &dyn Fn(&str) -> usize) -> Option<usize> {
    let values: Vec<Value> = entries.iter().map(Node::to_value).collect();
    // The last entry may still be in the middle of being written.
    circle_of(&values, said).or_else(|| circle_of(&values[..values.len().checked_sub(1)?], said))
}

fn circle_of(values: &[Value], said: &dyn Fn(&str) -> usize) -> Option<usize> {
    let longest = LONGEST_ROUND.min(values.len() / ROUNDS);
    (1..=longest).find_map(|round| {
        let repeated = (round..values.len())
            .rev()
            .take_while(|index| values[*index] == values[index - round])
            .count();
        let rounds = repeated / round + 1;
        (rounds >= ROUNDS && rounds > times_said(&values[values.len() - round..], said))
            .then(|| values.len() - repeated)
    })
}

/// How often the documents can say these entries: as often as the rarest of their values that they say at all.
fn times_said(entries: &[Value], said: &dyn Fn(&str) -> usize) -> usize {
    let mut leaves = Vec::new();
    entries.iter().for_each(|entry| push_leaves(entry, &mut leaves));
    if leaves.is_empty() {
        return ROUNDS_OF_FLAGS - 1;
    }
    let times = leaves.iter().map(|leaf| said(leaf)).filter(|times| *times > 0);
    times.min().unwrap_or(0)
}

fn push_leaves(value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::String(text) => leaves.push(text.clone()),
        Value::Number(number) => leaves.push(number.to_string()),
        Value::Array(entries) => entries.iter().for_each(|entry| push_leaves(entry, leaves)),
        Value::Object(members) => members.values().for_each(|value| push_leaves(value, leaves)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether the string that is being written repeats itself, which no document does.
fn text_goes_round(text: &str, said: &dyn Fn(&str) -> usize) -> bool {
    let string = &text[text.rfind('"').map_or(0, |quote| quote + 1)..];
    let run = |round: usize| LEAST_TEXT.max(round * ROUNDS);
    let Some(round) = phrase_at_end(string.as_bytes(), LONGEST_TEXT, run) else {
        return false;
    };
    let mut start = string.len() - run(round);
    while !string.is_char_boundary(start) {
        start += 1;
    }
    said(string[start..].trim()) == 0
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use super::*;

    fn stops(text: &str, document: &str) -> bool {
        let said = |wanted: &str| document.matches(wanted).count();
        let mut watch = CircleWatch::new(&said);
        let ends = text
            .char_indices()
            .map(|(at, character)| at + character.len_utf8());
        ends.into_iter().any(|end| watch.stops(&text[..end]))
    }

    #[test]
    fn a_list_of_the_same_without_end_is_a_circle() {
        for (round, document) in [
            (r#""null","#, "none of it"),
            (r#"{"name":"Ada","born":"1815"},"#, "Ada, born 1815"),
            (r#"{"name":"Ada"},{"name":"Ben"},"#, "Ada and Ben"),
            (r#"{"name":null},"#, "none of it"),
            (r#"{"name":"Ada","likes":["x","y"]},"#, "Ada"),
        ] {
            let text = format!(r#"{{"rows":[{{"name":"Eve"}},{}"#, round.repeat(30));
            assert!(stops(&text, document), "{round}");
        }
    }

    #[test]
    fn what_the_documents_say_as_often_is_none() {
        let cups = r#"{"what":"coffee","cost":"3.00"},"#.repeat(20);
        let text = format!(r#"{{"rows":[{cups}"#);
        assert!(!stops(&text, &"coffee 3.00 EUR\n".repeat(20)));
        assert!(stops(&text, &"coffee 3.00 EUR\n".repeat(12)));
        let counted: String = (0..50)
            .map(|number| format!(r#"{{"n":"{number}","a":"x"}},"#))
            .collect();
        assert!(!stops(&format!(r#"{{"rows":[{counted}"#), ""));
        let flags = r#"{"paid":true},"#.repeat(12);
        assert!(!stops(
            &format!(r#"{{"rows":[{flags}"#),
            "twelve boxes with marks"
        ));
        let dots = format!("Chapter 1 {} 17", ".".repeat(200));
        assert!(!stops(&format!(r#"{{"line":"{dots}"#), &dots));
    }

    #[test]
    fn a_string_that_repeats_itself_is_a_circle() {
        let text = format!(r#"{{"a":"one","b":"it is {}"#, "very, very ".repeat(40));
        assert!(stops(&text, "it is very, very long"));
        let japanese = format!(r#"{{"b":"{}"#, "契約の".repeat(60));
        assert!(stops(&japanese, "契約の"));
        let mark = format!(r#"{{"a":"{}"#, "x".repeat(400));
        assert!(stops(&mark, "none"));
    }

    #[test]
    fn one_round_is_left_of_a_circle() {
        let said = |_: &str| 1;
        let rows = r#"{"n":"a"},{"n":"b"},"#.repeat(6);
        let mut parsed = parse(&format!(r#"{{"first":1,"rows":[{{"n":"c"}},{rows}{{"n":"#));
        for stopped in [true, false] {
            leave_one_round(&mut parsed, stopped, &said);
            assert_eq!(parsed.circles, stopped, "a circle is cut once");
            assert_eq!(
                parsed.node.as_ref().unwrap().to_value()["rows"],
                serde_json::json!([{"n": "c"}, {"n": "a"}, {"n": "b"}])
            );
        }
    }
}

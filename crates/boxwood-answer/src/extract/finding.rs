//! What was found for a field: its value, how sure that is, and where the files say it. Nested as the fields are.
//!
//! Invariant: a finding without a value says how sure it is that the files hold none. Made by the steps of extraction,
//! turned into the wire's three objects by the server and into lines by the CLI.

use boxwood_core::{BoundingBox, FileId, PageSize};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One field's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The value.
    pub content: Content,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where the files say it.
    pub references: Vec<Reference>,
    /// As the model wrote it, before it was read as a value of the type; for the second reading. Of an absent finding: what
    /// was written and not kept, because it is no value of the type or was not likely enough.
    pub written: Option<String>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The files hold none.
    Absent,
    /// A string, number, flag, or the list of a multiple choice.
    Value(Value),
    /// A struct, or a row of a table.
    Object(Vec<(String, Finding)>),
    /// Rows, or a list of values.
    List(Vec<Finding>),
}

/// How sure a value is, and what that was measured by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    /// 0 to 1.
    pub score: f32,
    /// What was measured; `None` for what is put together from parts.
    pub signals: Option<Signals>,
}

/// What is measured about one value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Signals {
    /// Mean natural-log probability of the value's own tokens; `None` where the model gives none, or where the value was
    /// copied from a table's cell.
    pub log_prob: Option<f32>,
    /// Least natural-log probability of one of its tokens.
    pub least_log_prob: Option<f32>,
    /// 1: stands in the files as it is written; 0: stands nowhere. Between: nearly so.
    pub grounding: f32,
    /// Second reading, of this field alone: ln(P(some value)/P(null)).
    pub presence: Option<f32>,
    /// Second reading: natural-log probability of this very value, given that there is one.
    pub agreement: Option<f32>,
    /// ln(P(Yes)/P(No)) that the passage around the value says it; only of the enhanced agent.
    pub check: Option<f32>,
}

/// A place in a file that says a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reference {
    /// The file.
    pub file_id: FileId,
    /// Its name.
    pub file_name: String,
    /// The exact words.
    pub quote: String,
    /// 1-based page on which they stand.
    pub page: u32,
    /// Sheet name or slide title.
    pub label: Option<String>,
    /// The page's size in points.
    pub page_size: Option<PageSize>,
    /// One box a line; empty where the format has no geometry.
    pub boxes: Vec<BoundingBox>,
    /// Byte range in the file's text.
    pub start: u32,
    /// End of the byte range.
    pub end: u32,
}

impl Confidence {
    /// Box's three levels.
    pub fn level(self) -> &'static str {
        match self.score {
            score if score >= 0.90 => "HIGH",
            score if score >= 0.70 => "MEDIUM",
            _ => "LOW",
        }
    }
}

impl Finding {
    /// No value, with how sure that is.
    pub fn absent(score: f32) -> Self {
        Self {
            content: Content::Absent,
            confidence: Confidence { score, signals: None },
            references: Vec::new(),
            written: None,
        }
    }

    /// A struct or row, or nothing where no part of it has a value. Its confidence is the mean of its parts'.
    pub fn object(parts: Vec<(String, Finding)>) -> Self {
        let score = mean(parts.iter().map(|(_, part)| part.confidence.score));
        let content = match parts.iter().all(|(_, part)| part.is_absent()) {
            true => Content::Absent,
            false => Content::Object(parts),
        };
        Self {
            content,
            confidence: Confidence { score, signals: None },
            references: Vec::new(),
            written: None,
        }
    }

    /// Rows or values; a list that holds none is absent with the given score.
    pub fn list(entries: Vec<Finding>, absent_score: f32) -> Self {
        if entries.is_empty() {
            return Self::absent(absent_score);
        }
        let score = mean(entries.iter().map(|entry| entry.confidence.score));
        Self {
            content: Content::List(entries),
            confidence: Confidence { score, signals: None },
            references: Vec::new(),
            written: None,
        }
    }

    /// Whether the model wrote that there is nothing although it found that unlikely: it was kept from what it meant.
    pub fn is_unmeant(&self) -> bool {
        /// About one in four.
        const LIKELY: f32 = -1.4;
        let log_prob = self.confidence.signals.and_then(|signals| signals.log_prob);
        self.is_absent() && log_prob.is_some_and(|log_prob| log_prob < LIKELY)
    }

    /// Whether something of it stands in the files.
    pub fn is_grounded(&self) -> bool {
        match &self.content {
            Content::Absent => false,
            Content::Value(_) => self
                .confidence
                .signals
                .is_some_and(|signals| signals.grounding > 0.0),
            Content::Object(parts) => parts.iter().any(|(_, part)| part.is_grounded()),
            Content::List(entries) => entries.iter().any(Finding::is_grounded),
        }
    }

    /// Whether there is no value.
    pub fn is_absent(&self) -> bool {
        self.content == Content::Absent
    }

    /// The value as JSON.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Absent => Value::Null,
            Content::Value(value) => value.clone(),
            Content::Object(parts) => {
                let members = parts.iter().map(|(key, part)| (key.clone(), part.to_value()));
                Value::Object(members.collect())
            }
            Content::List(entries) => entries.iter().map(Finding::to_value).collect(),
        }
    }

    /// `{level, score}`, for a struct with the same of its `fields`, for a list with those of its `rows`.
    pub fn confidence_value(&self) -> Value {
        let mut value = json!({
            "level": self.confidence.level(),
            "score": rounded(self.confidence.score),
        });
        match &self.content {
            Content::Object(parts) => {
                let fields = parts
                    .iter()
                    .map(|(key, part)| (key.clone(), part.confidence_value()));
                value["fields"] = Value::Object(fields.collect());
            }
            Content::List(entries) => value["rows"] = entries.iter().map(Finding::confidence_value).collect(),
            Content::Absent | Content::Value(_) => {}
        }
        value
    }

    /// The places of a value as an array; nested as the value is.
    pub fn reference_value(&self) -> Value {
        match &self.content {
            Content::Object(parts) => {
                let fields: Map<String, Value> = parts
                    .iter()
                    .map(|(key, part)| (key.clone(), part.reference_value()))
                    .collect();
                Value::Object(fields)
            }
            Content::List(entries) => entries.iter().map(Finding::reference_value).collect(),
            Content::Absent | Content::Value(_) => json!(self.references),
        }
    }

    /// What was measured, nested as the value is.
    pub fn signals_value(&self) -> Value {
        match &self.content {
            Content::Object(parts) => {
                let fields: Map<String, Value> = parts
                    .iter()
                    .map(|(key, part)| (key.clone(), part.signals_value()))
                    .collect();
                Value::Object(fields)
            }
            Content::List(entries) => entries.iter().map(Finding::signals_value).collect(),
            Content::Absent => self.signals_of_absence(),
            Content::Value(_) => json!(self.confidence.signals),
        }
    }

    /// What was measured, and under `dropped` what was written and not kept.
    fn signals_of_absence(&self) -> Value {
        let mut signals = json!(self.confidence.signals);
        let dropped: Option<Value> = self
            .written
            .as_ref()
            .and_then(|text| serde_json::from_str(text).ok());
        if let (Some(members), Some(dropped)) = (signals.as_object_mut(), dropped) {
            members.insert("dropped".to_owned(), dropped);
        }
        signals
    }
}

fn mean(scores: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = scores.fold((0.0, 0.0), |(sum, count), score| (sum + score, count + 1.0));
    if count == 0.0 { 0.0 } else { sum / count }
}

/// Three digits after the point, without the noise of a float's binary form.
fn rounded(score: f32) -> f64 {
    (f64::from(score) * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: Value, score: f32) -> Finding {
        Finding {
            content: Content::Value(value),
            confidence: Confidence { score, signals: None },
            references: Vec::new(),
            written: None,
        }
    }

    #[test]
    fn the_three_objects_are_nested_alike() {
        let row = |name: &str| Finding::object(vec![("name".to_owned(), found(json!(name), 0.9))]);
        let table = Finding::list(vec![row("Ada"), row("Ben")], 0.5);
        assert_eq!(table.to_value(), json!([{"name": "Ada"}, {"name": "Ben"}]));
        assert_eq!(
            table.confidence_value()["rows"][1]["fields"]["name"],
            json!({"level": "HIGH", "score": 0.9})
        );
        assert_eq!(table.reference_value(), json!([{"name": []}, {"name": []}]));
    }

    #[test]
    fn a_value_that_was_not_kept_stands_among_the_signals() {
        let measured = Confidence {
            score: 0.4,
            signals: Some(Signals::default()),
        };
        let kept = Finding {
            confidence: measured,
            written: Some("\"12\"".to_owned()),
            ..found(json!(12), 0.4)
        };
        assert_eq!(kept.signals_value().get("dropped"), None);
        let dropped = Finding {
            content: Content::Absent,
            ..kept
        };
        assert_eq!(dropped.signals_value()["dropped"], json!("12"));
    }

    #[test]
    fn levels_are_boxes() {
        for (score, level) in [
            (1.0, "HIGH"),
            (0.9, "HIGH"),
            (0.89, "MEDIUM"),
            (0.7, "MEDIUM"),
            (0.69, "LOW"),
        ] {
            assert_eq!(Confidence { score, signals: None }.level(), level, "{score}");
        }
    }

    #[test]
    fn a_struct_of_nothing_is_nothing() {
        let empty = Finding::object(vec![("a".to_owned(), Finding::absent(0.8))]);
        assert!(empty.is_absent() && empty.to_value().is_null());
        assert!((empty.confidence.score - 0.8).abs() < 1e-6);
    }
}

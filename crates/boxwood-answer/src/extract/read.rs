//! Step 7 of an extraction: the model's JSON → findings of the fields' types, each with its places and the certainty of
//! its own tokens.
//!
//! Invariant: the keys of a finding are exactly those of its field, in its order, whatever the model wrote. Called by the
//! running step and the table reader.

use super::confidence::ConfidenceModel;
use super::field::{FieldKind, FieldSpec};
use super::finding::{Confidence, Content, Finding, Signals};
use super::ground::{Place, references};
use super::json::{Node, NodeValue};
use super::leaf::{Leaf, Looking};
use crate::generate::Piece;
use boxwood_search::{ShownDocument, find_evidence};
use serde_json::Value;
use std::ops::Range;

/// Grounding of a conclusion whose words stand nowhere.
const INFERRED_GROUNDING: f32 = 0.5;
/// How far from the surest value of its row a cell may stand, in bytes of text: a row may have several lines.
const ROW_REACH: u32 = 400;
/// What counts of the grounding of a cell that stands in the file, but not in its row.
const OUTSIDE_ROW: f32 = 0.4;

/// Reads one completion.
#[derive(Clone, Copy)]
pub struct ReadingOf<'a> {
    /// Where values are looked for.
    pub looking: Looking<'a>,
    /// The parts of the completion with their probabilities; empty for values that no model wrote.
    pub pieces: &'a [Piece],
    /// Signals → score.
    pub scores: &'a ConfidenceModel,
}

/// A finding, and whether everything that was written was of its field's type.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The finding.
    pub finding: Finding,
    /// False where something was written that can't be used.
    pub valid: bool,
}

impl Reading {
    fn valid(finding: Finding) -> Self {
        Self { finding, valid: true }
    }
}

impl ReadingOf<'_> {
    /// Reads the node of a field; `None`: the model left it out.
    pub fn field(&self, field: &FieldSpec, node: Option<&Node>) -> Reading {
        let Some(node) = node else {
            return Reading {
                finding: Finding::absent(0.0),
                valid: false,
            };
        };
        match &field.kind {
            FieldKind::Struct(fields) => self.object(fields, node),
            FieldKind::Table(fields) => self.rows(fields, node),
            FieldKind::List(kind) => self.list(field, kind, node),
            _ => self.scalar(field, node),
        }
    }

    fn object(&self, fields: &[FieldSpec], node: &Node) -> Reading {
        if node.value == NodeValue::Null {
            return Reading::valid(self.absence(node));
        }
        let mut valid = true;
        let parts = fields
            .iter()
            .map(|field| {
                let reading = self.field(field, node.member(&field.key));
                valid &= reading.valid;
                (field.key.clone(), reading.finding)
            })
            .collect();
        Reading {
            finding: Finding::object(parts),
            valid,
        }
    }

    fn list(&self, field: &FieldSpec, kind: &FieldKind, node: &Node) -> Reading {
        let entry_field = FieldSpec {
            kind: kind.clone(),
            ..field.clone()
        };
        let NodeValue::Array(entries) = &node.value else {
            return Reading::valid(self.absence(node));
        };
        let readings: Vec<Reading> = entries
            .iter()
            .map(|entry| self.field(&entry_field, Some(entry)))
            .collect();
        let findings = readings.into_iter().map(|reading| reading.finding);
        let findings: Vec<Finding> = findings.filter(|entry| !entry.is_absent()).collect();
        Reading::valid(match findings.is_empty() {
            true => self.absence(node),
            false => Finding::list(findings, 0.0),
        })
    }

    fn scalar(&self, field: &FieldSpec, node: &Node) -> Reading {
        if node.value == NodeValue::Null {
            return Reading::valid(self.absence(node));
        }
        if let NodeValue::Array(entries) = &node.value {
            return self.several(field, node, entries);
        }
        let leaf = self.leaf(field, node);
        let place = self.looking.grounds.best(&leaf.places, field);
        let mut finding = self.finding(field, leaf.clone(), place, self.certainty(&node.span));
        finding.written = Some(node.to_value().to_string());
        Reading {
            valid: leaf.valid,
            finding,
        }
    }

    /// The chosen keys of a multiple choice, each once.
    fn several(&self, field: &FieldSpec, node: &Node, entries: &[Node]) -> Reading {
        let mut valid = true;
        let mut found: Vec<(Value, Option<Place>)> = Vec::new();
        for entry in entries {
            let leaf = self.leaf(field, entry);
            valid &= leaf.valid;
            let Some(value) = leaf
                .value
                .filter(|value| found.iter().all(|(known, _)| known != value))
            else {
                continue;
            };
            found.push((value, self.looking.grounds.best(&leaf.places, field)));
        }
        // What a term of a taxonomy stands under is seldom stated beside it.
        if matches!(field.kind, FieldKind::Choice { .. }) {
            keep_stated(&mut found);
        }
        let (mut chosen, mut places, mut grounding) = (Vec::new(), Vec::new(), 1f32);
        for (value, place) in found {
            grounding = grounding.min(place.map_or(INFERRED_GROUNDING, |place| place.quality));
            places.extend(place.or_else(|| self.evidence(field, &value)));
            chosen.push(value);
        }
        if chosen.is_empty() {
            return Reading {
                finding: self.absence(node),
                valid,
            };
        }
        let (log_prob, least_log_prob) = self.certainty(&node.span);
        let signals = Signals {
            log_prob,
            least_log_prob,
            grounding,
            ..Signals::default()
        };
        let finding = Finding {
            written: Some(Value::Array(chosen.clone()).to_string()),
            content: Content::Value(Value::Array(chosen)),
            confidence: self.scored(field, signals),
            references: places
                .iter()
                .flat_map(|place| references(self.looking.sources, place))
                .collect(),
        };
        Reading { finding, valid }
    }

    fn leaf(&self, field: &FieldSpec, node: &Node) -> Leaf {
        let written = match &node.value {
            NodeValue::Text(text) => text.clone(),
            NodeValue::Number(written) => written.clone(),
            NodeValue::Bool(flag) => flag.to_string(),
            _ => String::new(),
        };
        self.looking.leaf(&field.kind, &written)
    }

    /// The finding of a leaf that stands at this place.
    pub fn finding(
        &self,
        field: &FieldSpec,
        leaf: Leaf,
        place: Option<Place>,
        (log_prob, least_log_prob): (Option<f32>, Option<f32>),
    ) -> Finding {
        let Some(value) = leaf.value else {
            let signals = Signals {
                log_prob,
                least_log_prob,
                ..Signals::default()
            };
            let score = if leaf.valid {
                self.scores.absence(&signals)
            } else {
                0.0
            };
            return Finding {
                confidence: Confidence {
                    score,
                    signals: Some(signals),
                },
                ..Finding::absent(score)
            };
        };
        let ungrounded = if field.kind.is_inferred() {
            INFERRED_GROUNDING
        } else {
            0.0
        };
        let signals = Signals {
            log_prob,
            least_log_prob,
            grounding: place.map_or(ungrounded, |place| place.quality * leaf.share),
            ..Signals::default()
        };
        let place = place.or_else(|| {
            let inferred = field.kind.is_inferred();
            inferred.then(|| self.evidence(field, &value)).flatten()
        });
        Finding {
            content: Content::Value(value),
            confidence: self.scored(field, signals),
            references: place.map_or_else(Vec::new, |place| references(self.looking.sources, &place)),
            written: None,
        }
    }

    fn scored(&self, field: &FieldSpec, signals: Signals) -> Confidence {
        Confidence {
            score: self.scores.value(&signals, field.kind.is_inferred()),
            signals: Some(signals),
        }
    }

    fn absence(&self, node: &Node) -> Finding {
        let (log_prob, least_log_prob) = self.certainty(&node.span);
        let signals = Signals {
            log_prob,
            least_log_prob,
            ..Signals::default()
        };
        let score = self.scores.absence(&signals);
        Finding {
            confidence: Confidence {
                score,
                signals: Some(signals),
            },
            ..Finding::absent(score)
        }
    }

    /// The part of the shown text that says most of what leads to a conclusion.
    fn evidence(&self, field: &FieldSpec, value: &Value) -> Option<Place> {
        let Looking { sources, region, .. } = self.looking;
        let documents: Vec<ShownDocument<'_>> = sources
            .iter()
            .enumerate()
            .map(|(index, source)| ShownDocument {
                document: &source.document,
                spans: region
                    .0
                    .iter()
                    .filter(|(of, _)| *of == index)
                    .map(|(_, span)| *span)
                    .collect(),
            })
            .collect();
        let said = match value {
            Value::String(option) => option.clone(),
            _ => field.label(),
        };
        let found = find_evidence(&documents, &field.search_text(), &said, 1);
        found.pieces.first().map(|piece| Place {
            source: piece.document,
            span: piece.span,
            quality: INFERRED_GROUNDING,
        })
    }

    /// Mean and least probability of the tokens of a part of the completion.
    pub fn certainty(&self, span: &Range<usize>) -> (Option<f32>, Option<f32>) {
        let mut start = 0;
        let (mut sum, mut least, mut count) = (0f32, 0f32, 0f32);
        for piece in self.pieces {
            let overlaps = start < span.end && piece.end > span.start;
            start = piece.end;
            if let Some(log_prob) = piece.log_prob.filter(|_| overlaps) {
                sum += log_prob;
                least = least.min(log_prob);
                count += 1.0;
            }
        }
        match count > 0.0 {
            true => (Some(sum / count), Some(least)),
            false => (None, None),
        }
    }

    /// The rows of a table, each read where it stands after the one before it.
    fn rows(&self, fields: &[FieldSpec], node: &Node) -> Reading {
        let NodeValue::Array(entries) = &node.value else {
            return Reading::valid(self.absence(node));
        };
        let mut cursor = None;
        let mut valid = true;
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let cells = fields
                .iter()
                .map(|field| self.cell(field, entry.member(&field.key)))
                .collect();
            let row = self.row(fields, cells, &mut cursor, &mut valid);
            if !row.is_absent() {
                rows.push(row);
            }
        }
        let finding = match rows.is_empty() {
            true => self.absence(node),
            false => Finding::list(rows, 0.0),
        };
        Reading { finding, valid }
    }

    fn cell(&self, field: &FieldSpec, node: Option<&Node>) -> Cell {
        match (node, &field.kind) {
            (Some(node), FieldKind::Struct(_) | FieldKind::Table(_) | FieldKind::List(_)) => {
                Cell::Nested(self.field(field, Some(node)))
            }
            (Some(node), _) if matches!(node.value, NodeValue::Array(_)) => {
                Cell::Nested(self.field(field, Some(node)))
            }
            (Some(node), _) if node.value == NodeValue::Null => {
                Cell::Nested(Reading::valid(self.absence(node)))
            }
            (Some(node), _) => Cell::Leaf(self.leaf(field, node), self.certainty(&node.span)),
            (None, _) => Cell::Nested(Reading::valid(Finding::absent(0.0))),
        }
    }

    /// One row: its cells stand near one another, the rarest of them tells where.
    pub fn row(
        &self,
        fields: &[FieldSpec],
        cells: Vec<Cell>,
        cursor: &mut Option<(usize, u32)>,
        valid: &mut bool,
    ) -> Finding {
        let anchor = cells
            .iter()
            .filter_map(|cell| match cell {
                Cell::Leaf(leaf, _) if !leaf.places.is_empty() => Some(&leaf.places),
                _ => None,
            })
            .min_by_key(|places| places.len())
            .and_then(|places| after(places, *cursor));
        if let Some(anchor) = anchor {
            *cursor = Some((anchor.source, anchor.span.end));
        }
        let parts = fields.iter().zip(cells).map(|(field, cell)| {
            let finding = match cell {
                Cell::Nested(reading) => {
                    *valid &= reading.valid;
                    reading.finding
                }
                Cell::Leaf(leaf, certainty) => {
                    *valid &= leaf.valid;
                    let place = nearest(&leaf.places, anchor).map(|place| in_row(place, anchor));
                    self.finding(field, leaf, place, certainty)
                }
            };
            (field.key.clone(), finding)
        });
        Finding::object(parts.collect())
    }
}

/// A cell of a row before its place is known.
#[derive(Debug, Clone)]
pub enum Cell {
    /// A value with its places and the certainty of its tokens.
    Leaf(Leaf, (Option<f32>, Option<f32>)),
    /// Something that was read as a whole.
    Nested(Reading),
}

/// Small models choose every option that they are offered: beside options that the files state, others are dropped.
fn keep_stated(found: &mut Vec<(Value, Option<Place>)>) {
    if found.iter().any(|(_, place)| place.is_some()) {
        found.retain(|(_, place)| place.is_some());
    }
}

/// The first place behind the cursor, else the first.
fn after(places: &[Place], cursor: Option<(usize, u32)>) -> Option<Place> {
    let behind = places
        .iter()
        .find(|place| cursor.is_none_or(|cursor| (place.source, place.span.start) >= cursor));
    behind.or_else(|| places.first()).copied()
}

/// The place of a cell, which confirms its value only where it stands in the row.
fn in_row(place: Place, anchor: Option<Place>) -> Place {
    let is_near = anchor.is_none_or(|anchor| {
        anchor.source == place.source && anchor.span.start.abs_diff(place.span.start) <= ROW_REACH
    });
    Place {
        quality: place.quality * if is_near { 1.0 } else { OUTSIDE_ROW },
        ..place
    }
}

fn nearest(places: &[Place], anchor: Option<Place>) -> Option<Place> {
    let Some(anchor) = anchor else {
        return places.first().copied();
    };
    let distance = |place: &&Place| {
        let far = if place.source == anchor.source {
            0
        } else {
            u64::from(u32::MAX)
        };
        far + u64::from(place.span.start.abs_diff(anchor.span.start))
    };
    places.iter().min_by_key(distance).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_search::Span;
    use serde_json::json;

    fn place(start: u32) -> Place {
        Place {
            source: 0,
            span: Span::new(start, start + 4),
            quality: 1.0,
        }
    }

    #[test]
    fn options_that_nothing_states_are_dropped_beside_those_that_are_stated() {
        for (found, kept) in [
            (vec![("guitar", Some(place(3))), ("books", None)], vec!["guitar"]),
            (vec![("calm", None), ("kind", None)], vec!["calm", "kind"]),
        ] {
            let mut found: Vec<(Value, Option<Place>)> = found
                .into_iter()
                .map(|(value, place)| (json!(value), place))
                .collect();
            keep_stated(&mut found);
            let values: Vec<Value> = found.into_iter().map(|(value, _)| value).collect();
            assert_eq!(json!(values), json!(kept));
        }
    }

    #[test]
    fn rows_are_read_one_after_the_other() {
        let places = [place(10), place(50), place(90)];
        assert_eq!(after(&places, None), Some(place(10)));
        assert_eq!(after(&places, Some((0, 14))), Some(place(50)));
        assert_eq!(after(&places, Some((0, 99))), Some(place(10)));
        assert_eq!(nearest(&places, Some(place(60))), Some(place(50)));
    }

    #[test]
    fn a_cell_that_stands_far_from_its_row_is_confirmed_less() {
        let quality = |cell: u32, anchor: Option<u32>| in_row(place(cell), anchor.map(place)).quality;
        assert!((quality(50, Some(90)) - 1.0).abs() < 1e-6);
        assert!((quality(50, None) - 1.0).abs() < 1e-6);
        assert!((quality(50, Some(5_000)) - OUTSIDE_ROW).abs() < 1e-6);
    }
}

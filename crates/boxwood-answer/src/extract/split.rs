//! Many fields → tasks of a size that one completion holds, over the same document prefix.
//!
//! Invariant: every field is in exactly one task, or, a struct of very many fields, in slices of several; the findings
//! of the slices joined give all of it in order. Called by the running step.

use super::field::{FieldKind, FieldSpec};
use super::finding::{Content, Finding};
use boxwood_search::estimate_tokens;
use std::collections::HashMap;

/// Fields of one task at most where the whole document is shown.
const MOST_FIELDS_WHOLE: usize = 24;
/// Fields of one task at most where passages are searched for them.
const MOST_FIELDS_BY_PASSAGES: usize = 10;
/// Estimated tokens that the values of one task take at most.
const MOST_OUTPUT: u32 = 640;
/// Estimated tokens that the description of one task's fields takes at most.
const MOST_WORDS: u32 = 900;

/// Fields that are filled in by one completion.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The fields, or slices of them.
    pub parts: Vec<Part>,
    /// Whether the number of values is open, so that all pages are gone through.
    pub open: bool,
}

/// A field, or a slice of a struct's fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Index among the fields of the extraction.
    pub field: usize,
    /// What is filled in.
    pub spec: FieldSpec,
}

impl Task {
    /// The fields as one list, for schema and instruction.
    pub fn specs(&self) -> Vec<FieldSpec> {
        self.parts.iter().map(|part| part.spec.clone()).collect()
    }

    /// Estimated tokens of the values and keys.
    pub fn output_tokens(&self) -> u32 {
        self.parts
            .iter()
            .map(|part| output_tokens(&part.spec))
            .sum::<u32>()
            + 8
    }
}

/// The tasks for these fields.
pub fn split(fields: &[FieldSpec], whole: bool) -> Vec<Task> {
    let most_fields = if whole {
        MOST_FIELDS_WHOLE
    } else {
        MOST_FIELDS_BY_PASSAGES
    };
    let mut tasks: Vec<Task> = Vec::new();
    let mut current: Vec<Part> = Vec::new();
    let (mut output, mut words) = (0, 0);
    let parts = fields.iter().enumerate().flat_map(|(field, spec)| {
        let slices = slices(spec).into_iter();
        slices.map(move |spec| Part { field, spec })
    });
    for part in parts {
        if holds_rows(&part.spec) {
            tasks.push(Task {
                parts: vec![part],
                open: true,
            });
            continue;
        }
        let (own_output, own_words) = (output_tokens(&part.spec), word_tokens(&part.spec));
        let full = current.len() >= most_fields
            || output + own_output > MOST_OUTPUT
            || words + own_words > MOST_WORDS;
        if full && !current.is_empty() {
            tasks.push(closed(std::mem::take(&mut current)));
            (output, words) = (0, 0);
        }
        output += own_output;
        words += own_words;
        current.push(part);
    }
    if !current.is_empty() {
        tasks.push(closed(current));
    }
    // Closed tasks first: they are short, and read the document for the others.
    tasks.sort_by_key(|task| task.open);
    tasks
}

fn closed(parts: Vec<Part>) -> Task {
    Task { parts, open: false }
}

/// A struct whose values one completion does not hold, in slices of its fields; else the field itself. A struct inside
/// it that is too large for a slice is sliced in the same way.
fn slices(field: &FieldSpec) -> Vec<FieldSpec> {
    let FieldKind::Struct(inner) = &field.kind else {
        return vec![field.clone()];
    };
    // Rows take as many completions as they need: there only what is told of the fields can be too much.
    let too_long = !holds_rows(field) && output_tokens(field) > MOST_OUTPUT;
    if !too_long && word_tokens(field) <= MOST_WORDS {
        return vec![field.clone()];
    }
    let of_these = |inner: Vec<FieldSpec>| field.clone().of_kind(FieldKind::Struct(inner));
    let mut parts = Vec::new();
    let mut slice: Vec<FieldSpec> = Vec::new();
    let (mut output, mut words) = (0, 0);
    for one in inner.iter().flat_map(slices) {
        let (own_output, own_words) = (output_tokens(&one), word_tokens(&one));
        // Two slices of one struct have the same key: each needs an object of its own.
        let last = slice.last();
        let apart = holds_rows(&one) || last.is_some_and(|last| holds_rows(last) || last.key == one.key);
        let full = output + own_output > MOST_OUTPUT / 2 || words + own_words > MOST_WORDS / 2;
        if !slice.is_empty() && (apart || full) {
            parts.push(of_these(std::mem::take(&mut slice)));
            (output, words) = (0, 0);
        }
        output += own_output;
        words += own_words;
        slice.push(one);
    }
    parts.push(of_these(slice));
    parts
}

/// Whether the field is, or holds, something of open length.
fn holds_rows(field: &FieldSpec) -> bool {
    field.kind.is_open() || field.kind.fields().iter().any(holds_rows)
}

fn output_tokens(field: &FieldSpec) -> u32 {
    let value = match &field.kind {
        FieldKind::Text => 24,
        FieldKind::Number | FieldKind::Date(_) => 12,
        FieldKind::Boolean => 3,
        FieldKind::Choice { multiple: false, .. } => 12,
        FieldKind::Taxonomy(choice) if !choice.multiple => 12,
        FieldKind::Choice { .. } | FieldKind::Taxonomy(_) | FieldKind::List(_) => 40,
        FieldKind::Struct(fields) => fields.iter().map(output_tokens).sum::<u32>() + 4,
        FieldKind::Table(fields) => fields.iter().map(output_tokens).sum::<u32>() * 10,
    };
    estimate_tokens(&field.key) + value + 3
}

fn word_tokens(field: &FieldSpec) -> u32 {
    let told = [&field.display_name, &field.description, &field.prompt];
    let own: u32 = told.into_iter().flatten().map(|text| estimate_tokens(text)).sum();
    let options = match &field.kind {
        FieldKind::Choice { options, .. } => options.iter().map(|option| estimate_tokens(option) + 3).sum(),
        FieldKind::Taxonomy(choice) => choice.options.iter().map(|o| estimate_tokens(&o.label) + 3).sum(),
        _ => 0,
    };
    let inner: u32 = field.kind.fields().iter().map(word_tokens).sum();
    estimate_tokens(&field.key) + 6 + own + options + inner
}

/// The findings of all tasks in the order of the fields; slices of a struct are joined.
pub fn merge(fields: &[FieldSpec], found: Vec<(usize, Finding)>) -> Vec<(String, Finding)> {
    let mut by_field: Vec<Vec<Finding>> = vec![Vec::new(); fields.len()];
    for (index, finding) in found {
        if let Some(findings) = by_field.get_mut(index) {
            findings.push(finding);
        }
    }
    fields
        .iter()
        .zip(by_field)
        .map(|(field, findings)| (field.key.clone(), joined(field, findings)))
        .collect()
}

fn joined(field: &FieldSpec, mut findings: Vec<Finding>) -> Finding {
    let is_struct = matches!(field.kind, FieldKind::Struct(_));
    if findings.len() <= 1 && !(is_struct && findings.iter().any(|one| is_slice(field, one))) {
        return findings.pop().unwrap_or_else(|| Finding::absent(0.0));
    }
    let mut by_key: HashMap<String, Vec<Finding>> = HashMap::new();
    for finding in findings {
        if let Content::Object(some) = finding.content {
            for (key, finding) in some {
                by_key.entry(key).or_default().push(finding);
            }
        }
    }
    // A slice of which nothing was found gives no parts of its own.
    let all = field.kind.fields().iter().map(|inner| {
        let found = by_key.remove(&inner.key);
        let finding = found.map_or_else(|| Finding::absent(0.5), |found| joined(inner, found));
        (inner.key.clone(), finding)
    });
    Finding::object(all.collect())
}

/// Whether a struct was found only in part, because nothing was found in its other slices.
fn is_slice(field: &FieldSpec, finding: &Finding) -> bool {
    matches!(&finding.content, Content::Object(some) if some.len() < field.kind.fields().len())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Confidence;
    use super::*;
    use serde_json::json;

    fn fields(count: usize) -> Vec<FieldSpec> {
        (0..count)
            .map(|number| FieldSpec::text(format!("field{number}")))
            .collect()
    }

    #[test]
    fn four_hundred_fields_are_all_in_tasks_of_bounded_size() {
        let fields = fields(400);
        for whole in [true, false] {
            let tasks = split(&fields, whole);
            let order: Vec<usize> = tasks
                .iter()
                .flat_map(|task| task.parts.iter().map(|part| part.field))
                .collect();
            assert_eq!(order, (0..400).collect::<Vec<_>>());
            assert!(tasks.iter().all(|task| task.output_tokens() <= MOST_OUTPUT + 8));
        }
    }

    #[test]
    fn tables_stand_alone_and_come_last() {
        let mut fields = fields(3);
        fields[1].kind = FieldKind::Table(vec![FieldSpec::text("a")]);
        let tasks = split(&fields, true);
        let places: Vec<(bool, usize)> = tasks.iter().map(|task| (task.open, task.parts.len())).collect();
        assert_eq!(places, [(false, 2), (true, 1)]);
    }

    #[test]
    fn a_struct_of_very_many_tables_is_sliced_into_tasks_that_can_be_told() {
        let mut inner: Vec<FieldSpec> = fields(40);
        for field in inner.iter_mut().skip(1) {
            field.kind = FieldKind::Table(fields(20));
        }
        let one = FieldSpec::text("report").of_kind(FieldKind::Struct(inner.clone()));
        let tasks = split(std::slice::from_ref(&one), false);
        let words = |task: &Task| task.parts.iter().map(|part| word_tokens(&part.spec)).sum::<u32>();
        assert!(tasks.iter().all(|task| words(task) <= MOST_WORDS));
        let keys = tasks
            .iter()
            .flat_map(|task| &task.parts)
            .flat_map(|part| part.spec.kind.fields());
        assert_eq!(keys.count(), inner.len());
        inner.truncate(3);
        let small = FieldSpec::text("report").of_kind(FieldKind::Struct(inner));
        assert_eq!(
            split(std::slice::from_ref(&small), false).len(),
            1,
            "few rows stay with their struct"
        );
    }

    /// What a task that finds every value gives for a part.
    fn all_found(spec: &FieldSpec) -> Finding {
        match &spec.kind {
            FieldKind::Struct(inner) => {
                let inner = inner.iter().map(|field| (field.key.clone(), all_found(field)));
                Finding::object(inner.collect())
            }
            _ => Finding {
                content: Content::Value(json!(spec.key)),
                confidence: Confidence {
                    score: 1.0,
                    signals: None,
                },
                ..Finding::absent(1.0)
            },
        }
    }

    #[test]
    fn a_struct_of_very_many_fields_is_sliced_and_joined() {
        let one = FieldSpec::text("form").of_kind(FieldKind::Struct(fields(200)));
        let tasks = split(std::slice::from_ref(&one), true);
        let parts: Vec<&Part> = tasks.iter().flat_map(|task| &task.parts).collect();
        assert!(parts.len() > 4);
        let found = parts.iter().map(|part| (part.field, all_found(&part.spec)));
        let merged = merge(std::slice::from_ref(&one), found.collect());
        let value = merged[0].1.to_value();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 200);
        assert_eq!((keys[0].as_str(), keys[199].as_str()), ("field0", "field199"));
    }

    #[test]
    fn a_large_struct_inside_a_struct_is_sliced_too() {
        let large = FieldSpec::text("annex").of_kind(FieldKind::Struct(fields(200)));
        let mut inner = fields(3);
        inner.insert(1, large);
        let one = FieldSpec::text("form").of_kind(FieldKind::Struct(inner));
        let form = std::slice::from_ref(&one);
        let tasks = split(form, true);
        assert!(tasks.iter().all(|task| task.output_tokens() <= MOST_OUTPUT + 8));
        let parts: Vec<Part> = tasks.into_iter().flat_map(|task| task.parts).collect();
        let found = |parts: &[Part]| {
            let found = parts.iter().map(|part| (part.field, all_found(&part.spec)));
            merge(form, found.collect())[0].1.to_value()
        };
        let annex = found(&parts)["annex"].as_object().unwrap().clone();
        assert_eq!(annex.len(), 200);
        assert_eq!(annex["field199"], json!("field199"));
        let some = &found(&parts[..2])["annex"];
        assert_eq!(some.as_object().unwrap().len(), 200, "what was not found is null");
        assert_eq!(
            (&some["field0"], &some["field199"]),
            (&json!("field0"), &json!(null))
        );
    }
}

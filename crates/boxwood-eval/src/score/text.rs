//! Texts and numbers compared as the data sets compare them.

use super::patterns::{ABSTAIN, ARTICLES, BOXED, LATEX_NOISE, NUMBER};
use super::python;
use boxwood_answer::extract::spaced_json;
use serde_json::Value;
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Lower case, without punctuation and articles, single spaces.
pub fn normalised(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    let kept: String = lower
        .chars()
        .filter(|character| !is_punctuation(*character))
        .collect();
    python::joined(&ARTICLES.replace_all(&kept, " "))
}

fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || character.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// Words; in Japanese and Chinese, characters.
pub fn tokens(text: &str, language: &str) -> Vec<String> {
    let text = normalised(text);
    match language {
        "ja" | "zh" => text
            .chars()
            .filter(|character| !python::is_space(*character))
            .map(String::from)
            .collect(),
        _ => text
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

/// How many tokens two texts share, each as often as both have it.
pub fn shared(first: &[String], second: &[String]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for token in first {
        *counts.entry(token).or_default() += 1;
    }
    let mut shared = 0;
    for token in second {
        if let Some(left) = counts.get_mut(token.as_str()).filter(|left| **left > 0) {
            *left -= 1;
            shared += 1;
        }
    }
    shared
}

/// Token F1, 0 to 1.
pub fn f1(predicted: &str, gold: &str, language: &str) -> f64 {
    let (predicted, gold) = (tokens(predicted, language), tokens(gold, language));
    if predicted.is_empty() || gold.is_empty() {
        return super::as_number(predicted == gold);
    }
    let shared = shared(&predicted, &gold);
    super::count(2 * shared) / super::count(predicted.len() + gold.len())
}

/// The last number of a text; `(1,234)` is negative, a percent sign changes nothing.
pub fn number(text: &str) -> Option<f64> {
    let text = text.replace('\u{2212}', "-").replace(',', "");
    let last = NUMBER.captures_iter(&text).last()?;
    // Digits of other scripts, full-width ones first of all, are digits to Python.
    let plain = |text: &str| -> Option<f64> {
        let kept: String = text
            .nfkc()
            .filter(|character| !python::is_space(*character) && *character != '$')
            .collect();
        kept.parse().ok()
    };
    match (last.get(1), last.get(2)) {
        (Some(negative), _) => plain(negative.as_str()).map(|number| -number),
        (None, Some(found)) => plain(found.as_str()),
        (None, None) => None,
    }
}

/// Whether a number is near another, relative to the second.
pub fn is_close(found: Option<f64>, gold: Option<f64>, relative: f64) -> bool {
    let (Some(found), Some(gold)) = (found, gold) else {
        return false;
    };
    (found - gold).abs() <= relative * gold.abs() + 1e-9
}

/// Whether an answer declines: null, empty, or in words.
pub fn abstains(answer: &Value) -> bool {
    match answer {
        Value::Null => true,
        Value::String(text) => text.is_empty() || ABSTAIN.is_match(text),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// An answer as one text.
pub fn answer_text(answer: &Value) -> String {
    match answer {
        Value::Null => String::new(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(python::to_text).collect();
            values.join("; ")
        }
        Value::Object(_) => spaced_json(answer),
        other => python::to_text(other),
    }
}

/// Average normalised Levenshtein similarity of one pair; below one half it is 0.
pub fn similarity(predicted: &str, gold: &str) -> f64 {
    let letters = |text: &str| -> Vec<char> { python::joined(&text.to_lowercase()).chars().collect() };
    let (predicted, gold) = (letters(predicted), letters(gold));
    if predicted.is_empty() && gold.is_empty() {
        return 1.0;
    }
    let mut before: Vec<usize> = (0..=gold.len()).collect();
    for (row, from) in predicted.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, to) in gold.iter().enumerate() {
            let changed = before[column] + usize::from(from != to);
            line.push((line[column] + 1).min(before[column + 1] + 1).min(changed));
        }
        before = line;
    }
    let distance = before.last().copied().unwrap_or_default();
    let similarity = 1.0 - super::count(distance) / super::count(predicted.len().max(gold.len()));
    match similarity >= 0.5 {
        true => similarity,
        false => 0.0,
    }
}

/// The content of LaTeX's last box; the whole text where there is none.
pub fn boxed(text: &str) -> &str {
    let last = BOXED.captures_iter(text).last();
    last.and_then(|found| found.get(1))
        .map_or(text, |found| found.as_str())
}

/// A formula without what says nothing about its value.
pub fn plain_formula(text: &str) -> String {
    let kept = LATEX_NOISE.replace_all(text, |found: &regex::Captures<'_>| {
        match found
            .get(0)
            .is_some_and(|found| found.as_str().starts_with("\\text"))
        {
            true => "{",
            false => "",
        }
    });
    let text = kept.replace("dfrac", "frac").replace("tfrac", "frac");
    text.trim_end_matches('.').to_owned()
}

//! Where the files say a value: as it is written, else nearly so, else another writing of the same number or date.
//!
//! Invariant: a place lies inside what the model was shown. Called by the reading step and the table reader.

use super::dates::{DateOrder, FoundDate, find_dates};
use super::field::FieldSpec;
use super::finding::Reference;
use super::fold::{Folded, folded, is_ideograph};
use super::numbers::{FoundNumber, find_numbers};
use crate::cite::highlights;
use crate::gather::Source;
use crate::numerals::DecimalMark;
use boxwood_search::Span;
use chrono::NaiveDate;
use std::collections::HashSet;
use std::ops::Range;

/// Places of one value that are compared.
const MOST_CANDIDATES: usize = 64;
/// Folded bytes before a place in which the field's words are looked for.
const LABEL_REACH: usize = 160;
/// Folded bytes after a place in which they are looked for.
const LABEL_AFTER: usize = 40;

/// A place in a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Index of the source.
    pub source: usize,
    /// The exact range of its text.
    pub span: Span,
    /// 1: as written; less: nearly so.
    pub quality: f32,
}

/// The parts of the sources in which to look.
#[derive(Debug, Clone, Default)]
pub struct Region(pub Vec<(usize, Span)>);

/// A document as values are looked for in it.
struct Ground {
    fold: Folded,
    squeezed: Squeezed,
    numbers: Vec<FoundNumber>,
    dates: Vec<FoundDate>,
    words: HashSet<String>,
    mark: DecimalMark,
    order: DateOrder,
}

/// Only the letters and digits, to compare across differences of spacing and punctuation.
struct Squeezed {
    text: String,
    /// For each byte, its place in the folded text.
    places: Vec<u32>,
}

/// Every source of an extraction as values are looked for in it.
pub struct Grounds(Vec<Ground>);

impl Grounds {
    /// Reads all sources; milliseconds a megabyte.
    pub fn of(sources: &[Source]) -> Self {
        Self(
            sources
                .iter()
                .map(|source| Ground::of(&source.document.text))
                .collect(),
        )
    }

    /// Which share of a text's words the sources hold, 0 to 1.
    pub fn familiarity(&self, text: &str) -> f32 {
        let text = folded(text);
        let (mut held, mut all) = (0f32, 0f32);
        for word in text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
        {
            all += 1.0;
            let is_held = self.0.iter().any(|ground| {
                ground.words.contains(word)
                    || word.chars().all(is_ideograph) && ground.fold.text.contains(word)
            });
            held += if is_held { 1.0 } else { 0.0 };
        }
        if all == 0.0 { 0.0 } else { held / all }
    }

    /// What divides decimals in most of the sources.
    pub fn mark(&self) -> DecimalMark {
        self.0.first().map(|ground| ground.mark).unwrap_or_default()
    }

    /// What stands first in dates of most of the sources.
    pub fn order(&self) -> DateOrder {
        self.0.first().map(|ground| ground.order).unwrap_or_default()
    }

    /// What divides decimals in one source.
    pub fn mark_of(&self, source: usize) -> DecimalMark {
        self.0.get(source).map(|ground| ground.mark).unwrap_or_default()
    }

    /// What stands first in dates of one source.
    pub fn order_of(&self, source: usize) -> DateOrder {
        self.0.get(source).map(|ground| ground.order).unwrap_or_default()
    }

    /// Every place of a written value.
    pub fn of_text(&self, written: &str, region: &Region) -> Vec<Place> {
        let needle = folded(written);
        let exact = |ground: &Ground, within| ground.fold.find_all(&needle, within, MOST_CANDIDATES);
        let exact = self.places(region, exact, 1.0);
        if !exact.is_empty() {
            return exact;
        }
        let needle = Squeezed::of(&needle).text;
        let long_enough =
            needle.chars().count() >= 4 || needle.chars().any(is_ideograph) && needle.len() >= 6;
        match long_enough {
            true => self.places(
                region,
                |ground, within| ground.squeezed.find_all(&needle, within),
                0.85,
            ),
            false => Vec::new(),
        }
    }

    /// How often the sources say a text; [`usize::MAX`] where that is too often to count.
    pub fn times_said(&self, text: &str, region: &Region) -> usize {
        match self.of_text(text, region).len() {
            MOST_CANDIDATES.. => usize::MAX,
            times => times,
        }
    }

    /// Every place of a number, however it is written.
    pub fn of_number(&self, value: f64, region: &Region) -> Vec<Place> {
        let same = |found: &&FoundNumber| (found.value - value).abs() <= 1e-9 * value.abs().max(1.0);
        let ranges = |ground: &Ground, within: Range<usize>| {
            let first = ground
                .numbers
                .partition_point(|found| found.range.start < within.start);
            let inside = ground.numbers[first..]
                .iter()
                .take_while(|found| found.range.end <= within.end);
            let numbers = inside.filter(same).take(MOST_CANDIDATES);
            numbers.map(|found| found.range.clone()).collect()
        };
        self.places(region, ranges, 1.0)
    }

    /// Every place of a date, however it is written.
    pub fn of_date(&self, date: NaiveDate, region: &Region) -> Vec<Place> {
        let ranges = |ground: &Ground, within: Range<usize>| {
            let first = ground
                .dates
                .partition_point(|found| found.range.start < within.start);
            let inside = ground.dates[first..]
                .iter()
                .take_while(|found| found.range.end <= within.end);
            let dates = inside.filter(|found| found.date == date).take(MOST_CANDIDATES);
            dates.map(|found| found.range.clone()).collect()
        };
        self.places(region, ranges, 1.0)
    }

    fn places(
        &self,
        region: &Region,
        ranges: impl Fn(&Ground, Range<usize>) -> Vec<Range<usize>>,
        quality: f32,
    ) -> Vec<Place> {
        let mut places = Vec::new();
        for (source, span) in &region.0 {
            let Some(ground) = self.0.get(*source) else {
                continue;
            };
            let within = ground.fold.position(span.start)..ground.fold.position(span.end);
            for range in ranges(ground, within) {
                if let Some(original) = ground.fold.original(range) {
                    places.push(Place {
                        source: *source,
                        span: Span::new(original.start, original.end),
                        quality,
                    });
                }
            }
        }
        places
    }

    /// The place that stands nearest to the words of the field.
    pub fn best(&self, places: &[Place], field: &FieldSpec) -> Option<Place> {
        let words = label_words(field);
        let score = |place: &Place| self.label_score(place, &words);
        let mut best: Option<(f32, Place)> = None;
        for place in places {
            let score = score(place);
            if best.is_none_or(|(least, _)| score > least) {
                best = Some((score, *place));
            }
        }
        best.map(|(_, place)| place)
    }

    fn label_score(&self, place: &Place, words: &[(String, f32)]) -> f32 {
        let Some(ground) = self.0.get(place.source) else {
            return 0.0;
        };
        let text = &ground.fold.text;
        let at = ground.fold.position(place.span.start).min(text.len());
        let after = ground.fold.position(place.span.end).min(text.len());
        let before = &text[floor(text, at.saturating_sub(LABEL_REACH))..floor(text, at)];
        let behind = &text[floor(text, after)..floor(text, after + LABEL_AFTER)];
        let mut score = 0.0;
        for (word, weight) in words {
            let near = match (before.rfind(word.as_str()), behind.find(word.as_str())) {
                (Some(found), _) => 1.0 - (before.len() - found) as f32 / (2 * LABEL_REACH) as f32,
                (None, Some(_)) => 0.4,
                (None, None) => 0.0,
            };
            score += near * weight;
        }
        score
    }
}

impl Ground {
    fn of(text: &str) -> Self {
        let fold = Folded::of(text);
        let (mark, order) = (DecimalMark::of(&fold.text), DateOrder::of(&fold.text));
        Self {
            squeezed: Squeezed::of(&fold.text),
            numbers: find_numbers(&fold.text, mark),
            dates: find_dates(&fold.text, order),
            words: words_of(&fold.text),
            fold,
            mark,
            order,
        }
    }
}

impl Squeezed {
    fn of(folded: &str) -> Self {
        let mut squeezed = Self {
            text: String::with_capacity(folded.len()),
            places: Vec::with_capacity(folded.len()),
        };
        for (at, character) in folded.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            squeezed.text.push(character);
            squeezed
                .places
                .extend(std::iter::repeat_n(at as u32, character.len_utf8()));
        }
        squeezed
    }

    fn find_all(&self, needle: &str, within: Range<usize>) -> Vec<Range<usize>> {
        let byte_of = |place: usize| self.places.partition_point(|at| (*at as usize) < place);
        let (from, to) = (byte_of(within.start), byte_of(within.end));
        let matches = self.text[from..to].match_indices(needle).take(MOST_CANDIDATES);
        matches
            .filter_map(|(at, found)| {
                let at = from + at;
                let first = *self.places.get(at)? as usize;
                let last = at + found.char_indices().next_back()?.0;
                let end = *self.places.get(last)? as usize;
                let width = self.text[last..].chars().next().map_or(1, char::len_utf8);
                Some(first..end + width)
            })
            .collect()
    }
}

fn words_of(folded: &str) -> HashSet<String> {
    let words = folded.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words by which a field is known, with how much each tells.
fn label_words(field: &FieldSpec) -> Vec<(String, f32)> {
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    let texts = [
        (Some(field.label()), 2.0),
        (Some(super::field::words_of_key(&field.key)), 2.0),
        (field.description.clone(), 0.7),
        (field.prompt.clone(), 0.5),
    ];
    for (text, weight) in texts {
        for word in folded(&text.unwrap_or_default()).split(|c: char| !c.is_alphanumeric()) {
            let long_enough = word.chars().count() >= 3 || word.chars().any(is_ideograph);
            if long_enough && seen.insert(word.to_owned()) {
                words.push((word.to_owned(), weight));
            }
        }
    }
    words
}

/// The nearest character boundary at or before.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The references of a place: one a page.
pub fn references(sources: &[Source], place: &Place) -> Vec<Reference> {
    let Some(source) = sources.get(place.source) else {
        return Vec::new();
    };
    let document = &source.document;
    let Some(quote) = document.text.get(place.span.range()) else {
        return Vec::new();
    };
    highlights(document, place.span.start, place.span.end)
        .into_iter()
        .map(|highlight| Reference {
            file_id: source.file.id().clone(),
            file_name: source.file.name().to_owned(),
            quote: quote.to_owned(),
            page: highlight.page,
            label: highlight.label,
            page_size: highlight.page_size,
            boxes: highlight.boxes,
            start: place.span.start,
            end: place.span.end,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grounds(text: &str) -> (Grounds, Region) {
        let region = Region(vec![(0, Span::new(0, text.len() as u32))]);
        (Grounds(vec![Ground::of(text)]), region)
    }

    fn quotes<'a>(text: &'a str, places: &[Place]) -> Vec<&'a str> {
        places.iter().map(|place| &text[place.span.range()]).collect()
    }

    #[test]
    fn values_are_found_as_written_nearly_so_or_by_what_they_mean() {
        let text = "Invoice 2018/77\nDate: 5. März 2018\nTotal EUR 1.234,56\n12, Long-Street\nOldtown";
        let (grounds, all) = grounds(text);
        assert_eq!(
            quotes(text, &grounds.of_text("invoice 2018/77", &all)),
            ["Invoice 2018/77"]
        );
        assert_eq!(
            quotes(text, &grounds.of_text("12 Long Street, Oldtown", &all)),
            ["12, Long-Street\nOldtown"]
        );
        assert_eq!(quotes(text, &grounds.of_number(1234.56, &all)), ["1.234,56"]);
        let date = NaiveDate::from_ymd_opt(2018, 3, 5).unwrap();
        assert_eq!(quotes(text, &grounds.of_date(date, &all)), ["5. März 2018"]);
        assert!(grounds.of_text("zebra", &all).is_empty());
    }

    #[test]
    fn what_was_not_shown_is_no_place() {
        let text = "code 4711 and later 4711";
        let (grounds, _) = grounds(text);
        let shown = Region(vec![(0, Span::new(12, text.len() as u32))]);
        let places = grounds.of_text("4711", &shown);
        assert_eq!(places.len(), 1);
        assert_eq!(places[0].span.start, 20);
    }

    #[test]
    fn of_several_places_the_one_by_the_fields_words_is_taken() {
        let text = "Net total 100.00\nTax 19.00\nAmount due: 100.00";
        let (grounds, all) = grounds(text);
        let field = FieldSpec::text("amount_due");
        let place = grounds.best(&grounds.of_text("100.00", &all), &field).unwrap();
        assert_eq!(place.span.start as usize, text.rfind("100.00").unwrap());
    }
}

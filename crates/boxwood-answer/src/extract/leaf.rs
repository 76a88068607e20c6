//! One written value → a value of the field's type, with every place where the files say it.
//!
//! Invariant: numbers and dates are worked out from what the document writes, by the document's own habits; a model's
//! rewriting of them only leads to the place. Called by the reading step and the table reader.

use super::dates::{FoundDate, parse_date};
use super::field::{DateForm, FieldKind};
use super::fold::folded;
use super::ground::{Grounds, Place, Region};
use super::numbers::parse_number;
use crate::gather::Source;
use chrono::{Datelike, NaiveDate};
use serde_json::{Number, Value};
use std::ops::Range;

/// A value of the field's type.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// The value; `None`: there is none.
    pub value: Option<Value>,
    /// Where the files say it.
    pub places: Vec<Place>,
    /// False where something was written that is no value of the type.
    pub valid: bool,
    /// What the quality of every place is multiplied by: a date of which only the month is written.
    pub share: f32,
}

impl Leaf {
    fn none() -> Self {
        Self {
            value: None,
            places: Vec::new(),
            valid: true,
            share: 1.0,
        }
    }

    fn invalid() -> Self {
        Self {
            valid: false,
            ..Self::none()
        }
    }

    fn found(value: Value, places: Vec<Place>) -> Self {
        Self {
            value: Some(value),
            places,
            ..Self::none()
        }
    }
}

/// Codes of ISO 4217 with the signs that stand for them, and how surely they do: several countries write `$` and `¥`.
const CURRENCIES: [(&str, &str, f32); 12] = [
    ("EUR", "€", 1.0),
    ("GBP", "£", 1.0),
    ("INR", "₹", 1.0),
    ("KRW", "₩", 1.0),
    ("JPY", "円", 1.0),
    ("JPY", "¥", 0.8),
    ("CNY", "元", 1.0),
    ("CNY", "¥", 0.8),
    ("RUB", "₽", 1.0),
    ("TRY", "₺", 1.0),
    ("USD", "$", 0.8),
    ("MYR", "RM", 0.8),
];

/// Where values are looked for.
#[derive(Clone, Copy)]
pub struct Looking<'a> {
    /// The sources.
    pub sources: &'a [Source],
    /// How they are searched.
    pub grounds: &'a Grounds,
    /// What the model was shown.
    pub region: &'a Region,
}

impl Looking<'_> {
    /// Reads a written value. Structs, tables and lists have no leaf of their own.
    pub fn leaf(&self, kind: &FieldKind, written: &str) -> Leaf {
        let written = written.trim();
        if says_nothing(written) {
            return Leaf::none();
        }
        match kind {
            FieldKind::Number => self.number(written),
            FieldKind::Date(form) => self.date(written, *form),
            FieldKind::Boolean => boolean(written),
            FieldKind::Choice { options, .. } => self.choice(options.iter().map(String::as_str), written),
            FieldKind::Taxonomy(choice) => {
                self.choice(choice.options.iter().map(|option| option.label.as_str()), written)
            }
            FieldKind::Text | FieldKind::Struct(_) | FieldKind::Table(_) | FieldKind::List(_) => {
                self.text(written)
            }
        }
    }

    fn text(&self, written: &str) -> Leaf {
        let mut places = self.grounds.of_text(written, self.region);
        if places.is_empty() {
            places = self.currency(written);
        }
        let as_in_file = places.iter().find_map(|place| self.own_writing(place, written));
        Leaf::found(
            Value::String(as_in_file.unwrap_or_else(|| written.to_owned())),
            places,
        )
    }

    /// Where the files write a currency's sign for its code.
    fn currency(&self, written: &str) -> Vec<Place> {
        let signs = CURRENCIES.iter().filter(|(code, ..)| *code == written);
        let places = signs.flat_map(|(_, sign, quality)| {
            let found = self.grounds.of_text(sign, self.region);
            found.into_iter().map(|place| Place {
                quality: *quality,
                ..place
            })
        });
        places.collect()
    }

    /// The file's own spelling where only letter case and white space differ.
    fn own_writing(&self, place: &Place, written: &str) -> Option<String> {
        let text = self
            .sources
            .get(place.source)?
            .document
            .text
            .get(place.span.range())?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let own = words.join(" ");
        (own.to_lowercase() == written.to_lowercase()).then_some(own)
    }

    fn number(&self, written: &str) -> Leaf {
        let mut places = self.grounds.of_text(written, self.region);
        places.retain(|place| {
            let source = self.sources.get(place.source);
            source.is_none_or(|source| is_whole_number(&source.document.text, place.span.range()))
        });
        let mark = places
            .first()
            .map_or_else(|| self.grounds.mark(), |place| self.grounds.mark_of(place.source));
        let Some(value) = parse_number(written, mark) else {
            return Leaf::invalid();
        };
        if places.is_empty() {
            places = self.grounds.of_number(value, self.region);
        }
        number_value(value).map_or_else(Leaf::invalid, |number| Leaf::found(number, places))
    }

    fn date(&self, written: &str, form: DateForm) -> Leaf {
        let mut places = self.grounds.of_text(written, self.region);
        let order = places.first().map_or_else(
            || self.grounds.order(),
            |place| self.grounds.order_of(place.source),
        );
        let Some(FoundDate {
            mut date, has_day, ..
        }) = parse_date(written, order)
        else {
            return Leaf::invalid();
        };
        if places.is_empty() {
            places = self.grounds.of_date(date, self.region);
        }
        if places.is_empty()
            && let Some(turned) = turned(date)
        {
            places = self.grounds.of_date(turned, self.region);
            date = if places.is_empty() { date } else { turned };
        }
        Leaf {
            share: if has_day { 1.0 } else { 0.6 },
            ..Leaf::found(Value::String(written_date(date, form)), places)
        }
    }

    fn choice<'o>(&self, options: impl Iterator<Item = &'o str>, written: &str) -> Leaf {
        let wanted = folded(written);
        let mut alike = None;
        for option in options {
            if option == written {
                alike = Some(option);
                break;
            }
            if alike.is_none() && folded(option) == wanted {
                alike = Some(option);
            }
        }
        match alike {
            Some(option) => {
                let last = option.rsplit(" > ").next().unwrap_or(option);
                Leaf::found(
                    Value::String(option.to_owned()),
                    self.grounds.of_text(last, self.region),
                )
            }
            None => Leaf::invalid(),
        }
    }
}

/// Whether a range is not only a piece of a longer number or date, as `19` is of `19,50`.
fn is_whole_number(text: &str, range: Range<usize>) -> bool {
    let is_joined = |mark: Option<char>, beyond: Option<char>| {
        mark.is_some_and(|mark| matches!(mark, '.' | ',' | '\'' | '’'))
            && beyond.is_some_and(|beyond| beyond.is_numeric())
    };
    let mut before = text.get(..range.start).unwrap_or("").chars().rev();
    let mut after = text.get(range.end..).unwrap_or("").chars();
    !is_joined(before.next(), before.next()) && !is_joined(after.next(), after.next())
}

fn boolean(written: &str) -> Leaf {
    match folded(written).as_str() {
        "true" | "yes" | "ja" | "はい" | "1" | "y" | "x" | "✓" => {
            Leaf::found(Value::Bool(true), Vec::new())
        }
        "false" | "no" | "nein" | "いいえ" | "0" | "n" => Leaf::found(Value::Bool(false), Vec::new()),
        _ => Leaf::invalid(),
    }
}

/// Ways in which models write that there is nothing.
fn says_nothing(written: &str) -> bool {
    const NOTHING: [&str; 16] = [
        "",
        "null",
        "none",
        "nil",
        "n/a",
        "na",
        "not available",
        "not specified",
        "not mentioned",
        "not provided",
        "not given",
        "unknown",
        "-",
        "不明",
        "なし",
        "記載なし",
    ];
    NOTHING.contains(&folded(written).trim_end_matches('.'))
}

/// A JSON number; a whole one without a fraction.
pub fn number_value(value: f64) -> Option<Value> {
    // 2^53: beyond it a float no longer names one whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // Scaling (`3.3 million`) leaves binary noise far behind the point.
    let value = if value.abs() < 1e9 {
        (value * 1e6).round() / 1e6
    } else {
        value
    };
    #[expect(clippy::cast_possible_truncation, reason = "checked in the same line")]
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return Some(Value::Number(Number::from(value as i64)));
    }
    Number::from_f64(value).map(Value::Number)
}

fn turned(date: NaiveDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(date.year(), date.day(), date.month()).filter(|turned| *turned != date)
}

fn written_date(date: NaiveDate, form: DateForm) -> String {
    match form {
        DateForm::Day => date.format("%Y-%m-%d").to_string(),
        DateForm::Moment => date.format("%Y-%m-%dT00:00:00Z").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(kind: &FieldKind, written: &str) -> Leaf {
        let (grounds, region) = (Grounds::of(&[]), Region::default());
        let looking = Looking {
            sources: &[],
            grounds: &grounds,
            region: &region,
        };
        looking.leaf(kind, written)
    }

    #[test]
    fn values_get_the_type_of_their_field() {
        let options = || FieldKind::Choice {
            options: vec!["guitar".to_owned(), "Books".to_owned()],
            multiple: false,
        };
        for (kind, written, value) in [
            (FieldKind::Number, "34 years", json!(34)),
            (FieldKind::Number, "34.50", json!(34.5)),
            (
                FieldKind::Date(DateForm::Day),
                "4th July 1990",
                json!("1990-07-04"),
            ),
            (
                FieldKind::Date(DateForm::Moment),
                "4 July 1990",
                json!("1990-07-04T00:00:00Z"),
            ),
            (FieldKind::Boolean, "Yes", json!(true)),
            (options(), "books", json!("Books")),
            (FieldKind::Text, " Ada ", json!("Ada")),
        ] {
            assert_eq!(read(&kind, written).value, Some(value), "{written}");
        }
    }

    #[test]
    fn nothing_and_nonsense_are_told_apart() {
        for (kind, written, valid) in [
            (FieldKind::Text, "N/A", true),
            (FieldKind::Number, "null", true),
            (FieldKind::Number, "many", false),
            (FieldKind::Date(DateForm::Day), "soon", false),
            (FieldKind::Boolean, "perhaps", false),
        ] {
            let leaf = read(&kind, written);
            assert_eq!((leaf.value, leaf.valid), (None, valid), "{written}");
        }
    }

    #[test]
    fn a_piece_of_a_number_does_not_confirm_it() {
        for (text, written, whole) in [
            ("tax 19,50 EUR", "19", false),
            ("tax 19 % of 100.", "19", true),
            ("paid 100.", "100", true),
            ("paid 1.100", "100", false),
            ("on 19.03.2018", "19", false),
            ("No.7, page 3", "7", true),
        ] {
            let at = text.find(written).unwrap();
            assert_eq!(is_whole_number(text, at..at + written.len()), whole, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_no_fraction() {
        for (value, written) in [(34.0, "34"), (-2.5, "-2.5"), (3.3e6, "3300000"), (1e16, "1e+16")] {
            assert_eq!(
                number_value(value).map(|number| number.to_string()).as_deref(),
                Some(written)
            );
        }
    }
}

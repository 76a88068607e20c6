//! Dates as documents write them: `2018-03-05`, `05.03.2018`, `12 March 2023`, `March 12th, 2023`, `令和5年3月12日`.
//!
//! Invariant: whether `03/04/2024` names a day or a month first is decided once a document, from its dates that leave no
//! doubt, and never from a model's rewriting. Called by the reading and grounding steps.

use super::fold::Folded;
use chrono::NaiveDate;
use std::ops::Range;

/// What stands first in a date of three numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// `31/12/2024`; the default where nothing tells.
    #[default]
    DayFirst,
    /// `12/31/2024`
    MonthFirst,
}

/// A date in a folded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDate {
    /// Where it stands.
    pub range: Range<usize>,
    /// What it is; the first day where only the month is written.
    pub date: NaiveDate,
    /// Whether the day is written.
    pub has_day: bool,
}

impl DateOrder {
    /// What the dates of a folded text tell; else what its currency tells.
    pub fn of(text: &str) -> Self {
        let (mut day_first, mut month_first) = (0, 0);
        for run in runs(text) {
            if let Some([first, second, third]) = three_numbers(&run.parts)
                && run.mark == Some('/')
                && third.length != 1
                && third.length != 3
            {
                day_first += i32::from(first.value > 12 && second.value <= 12);
                month_first += i32::from(second.value > 12 && first.value <= 12);
            }
        }
        // Of the countries with dollars only the United States write the month first.
        const OTHER_CODES: [&str; 4] = ["aud", "nzd", "sgd", "hkd"];
        const OTHER_SIGNS: [&str; 4] = ["au$", "nz$", "hk$", "€"];
        let dollars = || {
            let mut words = text.split(|c: char| !c.is_alphanumeric());
            (text.contains("usd") || text.contains('$'))
                && !OTHER_SIGNS.iter().any(|sign| text.contains(sign))
                && !words.any(|word| OTHER_CODES.contains(&word))
        };
        if month_first > day_first || (month_first == day_first && dollars()) {
            Self::MonthFirst
        } else {
            Self::DayFirst
        }
    }
}

/// Every date of a folded text, in order.
pub fn find_dates(text: &str, order: DateOrder) -> Vec<FoundDate> {
    let mut found: Vec<FoundDate> = Vec::new();
    let mut add = |date: Option<FoundDate>| found.extend(date);
    for run in runs(text) {
        add(date_of_run(&run, order));
    }
    for (range, month) in month_names(text) {
        add(named_month(text, range, month));
    }
    for range in years_of_east_asia(text) {
        add(east_asian(text, range));
    }
    // The longest reading of a place counts: `12 march 2023` and not `march 2023`.
    found.sort_by_key(|date| (date.range.start, std::cmp::Reverse(date.range.end)));
    let mut end = 0;
    found.retain(|date| {
        let is_new = date.range.start >= end;
        end = end.max(date.range.end);
        is_new
    });
    found
}

/// The first date of a written value.
pub fn parse_date(value: &str, order: DateOrder) -> Option<FoundDate> {
    find_dates(&Folded::of(value).text, order).into_iter().next()
}

/// The last whole date of a text.
pub fn last_date(text: &str, order: DateOrder) -> Option<NaiveDate> {
    let dates = find_dates(&Folded::of(text).text, order);
    dates
        .into_iter()
        .rev()
        .find(|found| found.has_day)
        .map(|found| found.date)
}

/// A number with its place and number of digits.
#[derive(Debug, Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    value: u32,
    length: usize,
}

/// Numbers that one kind of mark joins: `05.03.2018`.
struct Run {
    parts: Vec<Part>,
    mark: Option<char>,
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for part in parts(text) {
        if let Some(run) = runs.last_mut()
            && let Some(last) = run.parts.last()
            && let Some(mark) = joining_mark(&text[last.end..part.start])
            && run.mark.is_none_or(|known| known == mark)
            && run.parts.len() < 3
        {
            run.mark = Some(mark);
            run.parts.push(part);
            continue;
        }
        runs.push(Run {
            parts: vec![part],
            mark: None,
        });
    }
    runs
}

fn joining_mark(between: &str) -> Option<char> {
    let mark = between.trim();
    let mut characters = mark.chars();
    match (characters.next(), characters.next()) {
        (Some(mark @ ('.' | '/' | '-')), None) if between.len() <= 3 => Some(mark),
        _ => None,
    }
}

fn parts(text: &str) -> Vec<Part> {
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        parts.push(Part {
            start,
            end: at,
            value: text[start..at].parse().unwrap_or(u32::MAX),
            length: at - start,
        });
    }
    parts
}

fn three_numbers(parts: &[Part]) -> Option<[Part; 3]> {
    match parts {
        [first, second, third] => Some([*first, *second, *third]),
        _ => None,
    }
}

fn date_of_run(run: &Run, order: DateOrder) -> Option<FoundDate> {
    if let [one] = run.parts.as_slice() {
        return compact(*one);
    }
    let [first, second, third] = three_numbers(&run.parts)?;
    let range = first.start..third.end;
    let dated = |year: u32, month: u32, day: u32| dated(range.clone(), year, month, day);
    if first.length == 4 {
        return dated(first.value, second.value, third.value);
    }
    if !matches!(third.length, 2 | 4) || first.length > 2 || second.length > 2 {
        return None;
    }
    let year = full_year(third);
    let month_first = match (first.value > 12, second.value > 12) {
        (true, _) => false,
        (_, true) => true,
        // Points and dashes are written day first everywhere.
        _ => order == DateOrder::MonthFirst && run.mark == Some('/'),
    };
    match month_first {
        true => dated(year, first.value, second.value),
        false => dated(year, second.value, first.value),
    }
}

/// `20180305`
fn compact(part: Part) -> Option<FoundDate> {
    if part.length != 8 || !(1900..2100).contains(&(part.value / 10_000)) {
        return None;
    }
    dated(
        part.start..part.end,
        part.value / 10_000,
        part.value / 100 % 100,
        part.value % 100,
    )
}

fn full_year(part: Part) -> u32 {
    match part.length {
        2 if part.value < 70 => 2_000 + part.value,
        2 => 1_900 + part.value,
        _ => part.value,
    }
}

fn dated(range: Range<usize>, year: u32, month: u32, day: u32) -> Option<FoundDate> {
    if !(1_000..=2_999).contains(&year) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(FoundDate {
        range,
        date,
        has_day: true,
    })
}

/// Names of the twelve months in the languages of Latin and Cyrillic script that documents here are written in.
const MONTHS: [&str; 12] = [
    "january januar janvier enero gennaio janeiro januari января jan ene",
    "february februar février fevrier febrero febbraio fevereiro februari февраля feb fev",
    "march märz mars marzo março maart марта mar mär",
    "april avril abril aprile апреля apr abr",
    "may mai mayo maggio maio mei мая",
    "june juni juin junio giugno junho июня jun",
    "july juli juillet julio luglio julho июля jul",
    "august août aout agosto augustus августа aug ago",
    "september septembre septiembre settembre setembro сентября sep sept",
    "october oktober octobre octubre ottobre outubro октября oct okt",
    "november novembre noviembre novembro ноября nov",
    "december dezember décembre decembre diciembre dicembre dezembro декабря dec dez",
];

fn month_of(word: &str) -> Option<u32> {
    let place = MONTHS
        .iter()
        .position(|names| names.split(' ').any(|name| name == word))?;
    u32::try_from(place + 1).ok()
}

/// Every month name of a text.
fn month_names(text: &str) -> Vec<(Range<usize>, u32)> {
    let mut names = Vec::new();
    let mut word_start = None;
    let ends = text.char_indices().chain(std::iter::once((text.len(), ' ')));
    for (at, character) in ends {
        match (character.is_alphabetic(), word_start) {
            (true, None) => word_start = Some(at),
            (false, Some(start)) => {
                if let Some(month) = month_of(&text[start..at]) {
                    names.push((start..at, month));
                }
                word_start = None;
            }
            _ => {}
        }
    }
    names
}

/// The date around a month's name.
fn named_month(text: &str, name: Range<usize>, month: u32) -> Option<FoundDate> {
    let (head, tail) = (&text[..name.start], &text[name.end..]);
    let day_before = day_before(head);
    let (day_after, rest_at) = match day_before {
        Some(_) => (None, 0),
        None => day_after(tail).map_or((None, 0), |(day, end)| (Some(day), end)),
    };
    let (year, year_end) = year_after(&tail[rest_at..])?;
    let end = name.end + rest_at + year_end;
    match (day_before, day_after) {
        (Some((start, day)), _) => dated(start..end, year, month, day),
        (None, Some(day)) => dated(name.start..end, year, month, day),
        (None, None) => dated(name.start..end, year, month, 1).map(|date| FoundDate {
            has_day: false,
            ..date
        }),
    }
}

/// A day right before a month's name: `4th `, `12. `, `12 de `, `12-`.
fn day_before(head: &str) -> Option<(usize, u32)> {
    let mut rest = head.trim_end_matches([' ', '-', '/', '.', ',']);
    for word in ["of", "de", "di", "day", "do"] {
        if let Some(shorter) = rest.strip_suffix(word)
            && shorter.ends_with([' ', '.'])
        {
            rest = shorter.trim_end();
        }
    }
    for ending in ["st", "nd", "rd", "th", "er", "º", "ª", "."] {
        if let Some(shorter) = rest.strip_suffix(ending)
            && shorter.ends_with(|c: char| c.is_ascii_digit())
        {
            rest = shorter;
            break;
        }
    }
    let digits = rest.bytes().rev().take_while(u8::is_ascii_digit).count();
    if !(1..=2).contains(&digits) || head.len() - rest.len() > 8 {
        return None;
    }
    let start = rest.len() - digits;
    // `2023 march`: a year is no day.
    let day: u32 = rest[start..].parse().ok()?;
    (1..=31).contains(&day).then_some((start, day))
}

/// A day right after a month's name, not a year: ` 12, `, ` 4th `, `-12-`. Gives where it ends.
fn day_after(tail: &str) -> Option<(u32, usize)> {
    let rest = tail.trim_start_matches([' ', '.', '-', '/']);
    let skipped = tail.len() - rest.len();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=2).contains(&digits) || skipped > 2 {
        return None;
    }
    let day: u32 = rest[..digits].parse().ok()?;
    let after = &rest[digits..];
    let ending = ["st", "nd", "rd", "th"]
        .iter()
        .find(|ending| after.starts_with(**ending));
    let end = skipped + digits + ending.map_or(0, |ending| ending.len());
    // `mar 23` without a year after it is taken for a year by the caller's next step.
    let has_year = year_after(&tail[end..]).is_some();
    ((1..=31).contains(&day) && has_year).then_some((day, end))
}

/// A year near the beginning: ` 2023`, `, 2023`, `-23`, ` '23`, ` de 2023`.
fn year_after(tail: &str) -> Option<(u32, usize)> {
    let mut rest = tail.trim_start_matches([' ', ',', '-', '/', '.', '\'']);
    for word in ["of ", "de ", "del ", "di "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let skipped = tail.len() - rest.len();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if !matches!(digits, 2 | 4) || skipped > 6 {
        return None;
    }
    let two_digits_fit = digits == 4 || tail.starts_with(['-', '/', '\'']) || tail.starts_with(" '");
    let value = rest[..digits].parse().ok()?;
    two_digits_fit.then(|| {
        let part = Part {
            start: 0,
            end: digits,
            value,
            length: digits,
        };
        (full_year(part), skipped + digits)
    })
}

/// Where `年` or `년` stands.
fn years_of_east_asia(text: &str) -> Vec<Range<usize>> {
    text.char_indices()
        .filter(|(_, character)| matches!(character, '年' | '년'))
        .map(|(at, character)| at..at + character.len_utf8())
        .collect()
}

/// `2023年3月12日`, `令和5年3月12日`, `2023년 3월 12일`.
fn east_asian(text: &str, mark: Range<usize>) -> Option<FoundDate> {
    let head = &text[..mark.start].trim_end();
    let digits = head.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (number_start, number) = match digits {
        0 if head.ends_with('元') => (head.len() - '元'.len_utf8(), 1),
        0 => return None,
        digits => (
            head.len() - digits,
            head[head.len() - digits..].parse::<u32>().ok()?,
        ),
    };
    const ERAS: [(&str, u32); 5] = [
        ("令和", 2018),
        ("平成", 1988),
        ("昭和", 1925),
        ("大正", 1911),
        ("明治", 1867),
    ];
    let before = head[..number_start].trim_end();
    let era = ERAS.iter().find(|(era, _)| before.ends_with(era));
    let (start, year) = match era {
        Some((era, zero)) => (before.len() - era.len(), zero + number),
        None => (number_start, number),
    };
    let (month, after_month) = number_before(text, mark.end, ['月', '월'])?;
    let end = after_month;
    match number_before(text, after_month, ['日', '일']) {
        Some((day, end)) => dated(start..end, year, month, day),
        None => dated(start..end, year, month, 1).map(|date| FoundDate {
            has_day: false,
            ..date
        }),
    }
}

/// A number from here up to one of these marks; gives where the mark ends.
fn number_before(text: &str, from: usize, marks: [char; 2]) -> Option<(u32, usize)> {
    let rest = text[from..].trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest[digits..].trim_start();
    let mark = after.chars().next().filter(|mark| marks.contains(mark))?;
    let value = rest.get(..digits)?.parse().ok()?;
    Some((value, text.len() - after.len() + mark.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, order: DateOrder, expected: Option<&str>) {
        let found = parse_date(written, order).map(|found| found.date.to_string());
        assert_eq!(found.as_deref(), expected, "{written}");
    }

    #[test]
    fn dates_are_read_in_many_forms() {
        use DateOrder::{DayFirst, MonthFirst};
        for (written, order, expected) in [
            ("2018-03-05", DayFirst, Some("2018-03-05")),
            ("2018-03-05T10:00:00Z", DayFirst, Some("2018-03-05")),
            ("20180305", DayFirst, Some("2018-03-05")),
            ("05.03.2018", MonthFirst, Some("2018-03-05")),
            ("03/04/2024", DayFirst, Some("2024-04-03")),
            ("03/04/2024", MonthFirst, Some("2024-03-04")),
            ("23/12/17", DayFirst, Some("2017-12-23")),
            ("12/31/99", DayFirst, Some("1999-12-31")),
            ("4th July 1990", DayFirst, Some("1990-07-04")),
            ("born in the 4th of July, 1990", DayFirst, Some("1990-07-04")),
            ("March 12, 2023", DayFirst, Some("2023-03-12")),
            ("12. März 2023", DayFirst, Some("2023-03-12")),
            ("12 de março de 2023", DayFirst, Some("2023-03-12")),
            ("1er août 2021", DayFirst, Some("2021-08-01")),
            ("12-Mar-23", DayFirst, Some("2023-03-12")),
            ("5 марта 2018 г.", DayFirst, Some("2018-03-05")),
            ("March 2023", DayFirst, Some("2023-03-01")),
            ("2023年3月12日", DayFirst, Some("2023-03-12")),
            ("令和５年３月１２日", DayFirst, Some("2023-03-12")),
            ("平成元年 1月 8日", DayFirst, Some("1989-01-08")),
            ("2023년 3월 12일", DayFirst, Some("2023-03-12")),
            ("31/02/2020", DayFirst, None),
            ("version 1.2.3", DayFirst, None),
            ("1990", DayFirst, None),
            ("may", DayFirst, None),
        ] {
            check(written, order, expected);
        }
        assert!(parse_date("March 2023", DayFirst).is_some_and(|date| !date.has_day));
    }

    #[test]
    fn the_order_of_a_document_comes_from_dates_without_doubt() {
        for (text, order) in [
            ("13/07/2017 and 03/04/2017", DateOrder::DayFirst),
            ("07/13/2017 and 03/04/2017", DateOrder::MonthFirst),
            ("03/04/2017 total $5", DateOrder::MonthFirst),
            ("03/04/2017 audit fee $5", DateOrder::MonthFirst),
            ("03/04/2017 total $5 aud", DateOrder::DayFirst),
            ("03/04/2017", DateOrder::DayFirst),
        ] {
            assert_eq!(DateOrder::of(text), order, "{text}");
        }
    }

    #[test]
    fn places_of_dates() {
        let text = "from 1 march 2023 to 05.04.2024.";
        let found: Vec<&str> = find_dates(text, DateOrder::DayFirst)
            .iter()
            .map(|found| &text[found.range.clone()])
            .collect();
        assert_eq!(found, ["1 march 2023", "05.04.2024"]);
    }
}

//! The values that a program starts from, and where the question or the text state them. Pure.
//!
//! Invariant: a value counts as stated only where the question or the text has it: as it is, as a percentage or with a
//! word of its scale, as the same date in any notation, or as the cell of a table that was read.

use super::number::{self, Found};
use super::problem::ValueUsed;
use super::tables::{Place, Tables};
use crate::extract::dates::{DateOrder, find_dates};
use crate::extract::fold::Folded;
use crate::extract::numbers::{FoundNumber, find_numbers};
use crate::numerals::DecimalMark;
use chrono::{Datelike, NaiveDate};
use std::ops::Range;

/// Numbers that belong to calculating itself: they need no source.
const OWN: [f64; 10] = [0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 10.0, 12.0, 100.0, 1000.0];
/// The most values that are told.
const MOST: usize = 40;

/// What a program starts from: cells of tables, dates, then numbers in its order; each once.
pub(super) fn values_used(
    program: &str,
    sources: &[&str],
    tables: &Tables,
    read: &[Place],
) -> Vec<ValueUsed> {
    let mut used: Vec<ValueUsed> = Vec::new();
    let mut add = |value: ValueUsed| {
        let is_new = used
            .iter()
            .all(|known| (&known.value, &known.cell) != (&value.value, &value.cell));
        if is_new && used.len() < MOST {
            used.push(value);
        }
    };
    let written = places_written(program)
        .into_iter()
        .filter_map(|place| tables.place(place));
    for place in read.iter().copied().chain(written) {
        if let Some((value, text)) = tables.cell(place) {
            add(ValueUsed {
                value,
                stated_as: Some(text.to_owned()),
                cell: tables.labels(place),
            });
        }
    }
    let (dates, program) = dates_written(program);
    let stated = stated_dates(sources, &dates);
    for date in dates {
        add(ValueUsed {
            value: date.to_string(),
            stated_as: stated
                .iter()
                .find(|(other, _)| *other == date)
                .map(|(_, text)| text.clone()),
            cell: None,
        });
    }
    let stated = stated_numbers(sources);
    for (value, written) in literals(&program) {
        let stated_as = stated
            .iter()
            .find(|(other, _)| (other - value).abs() <= 1e-9 * value.max(1.0))
            .map(|(_, text)| (*text).to_owned());
        if !OWN.contains(&value) || stated_as.is_some() {
            add(ValueUsed {
                value: written,
                stated_as,
                cell: None,
            });
        }
    }
    used
}

/// The share of a program's own values that the question or the text state; 1 where it has none.
pub(super) fn grounded_share(values: &[ValueUsed]) -> f32 {
    let is_date = |value: &str| value.parse::<NaiveDate>().is_ok();
    let needing: Vec<&ValueUsed> = values
        .iter()
        .filter(|value| {
            let number = number::last_number(&value.value);
            is_date(&value.value) || number.is_some_and(|number| !OWN.contains(&number.abs()))
        })
        .collect();
    if needing.is_empty() {
        return 1.0;
    }
    let stated = needing.iter().filter(|value| value.stated_as.is_some()).count();
    stated as f32 / needing.len() as f32
}

/// Numbers of the sources as they stand; then as their document means them (`1.234,50`, `1.5 million`, `12.5%`).
fn stated_numbers<'a>(sources: &[&'a str]) -> Vec<(f64, &'a str)> {
    let (mut plain, mut meant) = (Vec::new(), Vec::new());
    for source in sources {
        let found = number::numbers(source).into_iter();
        plain.extend(found.map(|found| (found.value.abs(), &source[found.start..found.end])));
        let folded = Folded::of(source);
        for FoundNumber { range, value } in find_numbers(&folded.text, DecimalMark::of(&folded.text)) {
            let mut add = |value: f64, range: Range<usize>| {
                let place = folded.original(range);
                let text = place.and_then(|place| source.get(place.start as usize..place.end as usize));
                meant.extend(text.map(|text| (value.abs(), text)));
            };
            let rest = &folded.text[range.end..];
            let sign = rest.trim_start();
            if sign.starts_with('%') {
                add(value * 0.01, range.start..range.end + rest.len() - sign.len() + 1);
            }
            add(value, range);
        }
    }
    plain.extend(meant);
    plain
}

/// The dates of the sources that are among these, with the words that state them.
fn stated_dates(sources: &[&str], wanted: &[NaiveDate]) -> Vec<(NaiveDate, String)> {
    let mut stated = Vec::new();
    if wanted.is_empty() {
        return stated;
    }
    for source in sources {
        let folded = Folded::of(source);
        for found in find_dates(&folded.text, DateOrder::of(&folded.text)) {
            let place = folded.original(found.range.clone());
            let text = place.and_then(|place| source.get(place.start as usize..place.end as usize));
            if let Some(text) = text.filter(|_| found.has_day && wanted.contains(&found.date)) {
                stated.push((found.date, text.to_owned()));
            }
        }
    }
    stated
}

/// The dates that a program writes, as `date(2024, 3, 1)` or in a text, and the program without them.
fn dates_written(program: &str) -> (Vec<NaiveDate>, String) {
    let mut found: Vec<(Range<usize>, NaiveDate)> = Vec::new();
    for (at, name) in program
        .match_indices("date")
        .chain(program.match_indices("datetime"))
    {
        let open = at + name.len();
        if let Some((date, length)) = call_of_date(&program[open..]) {
            found.push((open..open + length, date));
        }
    }
    for text in texts(program) {
        let folded = Folded::of(&program[text.clone()]);
        // Points and dashes are read the same in every order, and so are names of months.
        for date in find_dates(&folded.text, DateOrder::MonthFirst) {
            if let Some(place) = folded.original(date.range.clone()).filter(|_| date.has_day) {
                found.push((
                    text.start + place.start as usize..text.start + place.end as usize,
                    date.date,
                ));
            }
        }
    }
    found.sort_by_key(|(place, _)| place.start);
    let mut rest = program.as_bytes().to_vec();
    for (place, _) in &found {
        rest[place.clone()].fill(b' ');
    }
    let dates = found.into_iter().map(|(_, date)| date).collect();
    (dates, String::from_utf8_lossy(&rest).into_owned())
}

/// `(2024, 3, 1` with anything after it, and its length.
fn call_of_date(text: &str) -> Option<(NaiveDate, usize)> {
    let arguments = text.strip_prefix('(')?;
    let end = arguments.find(')')?;
    let mut parts = arguments[..end].splitn(4, ',').map(str::trim);
    let mut part = || parts.next()?.parse::<u32>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    (date.year() > 0).then_some((date, 1 + end))
}

/// Where the texts of a program stand, without their quotes.
fn texts(program: &str) -> Vec<Range<usize>> {
    let mut texts = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut in_comment = false;
    for (at, character) in program.char_indices() {
        match (open, character) {
            (None, '#') => in_comment = true,
            (_, '\n') => (open, in_comment) = (None, false),
            (None, '\'' | '"') if !in_comment => open = Some((at + 1, character)),
            (Some((start, quote)), _) if quote == character => {
                texts.push(start..at);
                open = None;
            }
            _ => {}
        }
    }
    texts
}

/// `tables[0][-1][2]` in a program.
fn places_written(program: &str) -> Vec<[i64; 3]> {
    let place = |rest: &str| {
        let mut rest = rest;
        let mut place = [0; 3];
        for index in &mut place {
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            (*index, rest) = (inside.trim().parse().ok()?, after);
        }
        Some(place)
    };
    program
        .match_indices("tables")
        .filter_map(|(at, name)| place(&program[at + name.len()..]))
        .collect()
}

/// The literal numbers of a program, without comments, names, indices and places of formats.
fn literals(program: &str) -> Vec<(f64, String)> {
    let mut found = Vec::new();
    for line in program.lines() {
        let code = without_underscores(line.split('#').next().unwrap_or(line));
        for Found { value, start, end } in number::numbers(&code) {
            let before = code[..start].chars().next_back();
            let in_name = before.is_some_and(|character| {
                character.is_alphanumeric() || character == '_' || character == '%' || character == ':'
            });
            let in_format = code[end..].starts_with(['f', 'd']) && before == Some('.');
            let call =
                code[..start].trim_end_matches(|character: char| character != '(' && character != '\n');
            let rounds = call.ends_with("round(") && before != Some('(');
            if !in_name && !in_format && !rounds && !is_index(&code[..start], &code[end..]) {
                found.push((value.abs(), code[start..end].to_owned()));
            }
        }
    }
    found
}

/// Whether a number between these stands for a place: `row[3]`, `rows[-1]`, `row[1:]`, `table=2`.
fn is_index(before: &str, after: &str) -> bool {
    let before = before.trim_end_matches([' ', '-']);
    let indexed = before
        .strip_suffix('[')
        .is_some_and(|name| name.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ']' | ')')));
    (indexed && after.trim_start().starts_with([']', ':'])) || before.ends_with("table=")
}

/// `1_000_000` as 1000000.
fn without_underscores(code: &str) -> String {
    let bytes = code.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let joins = |at: usize| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    code.char_indices()
        .filter(|(at, character)| *character != '_' || !joins(*at))
        .map(|(_, character)| character)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each value with what states it.
    fn told(program: &str, text: &str) -> Vec<(String, Option<String>)> {
        let used = values_used(program, &[text], &Tables::default(), &[]);
        used.into_iter()
            .map(|value| (value.value, value.stated_as))
            .collect()
    }

    #[track_caller]
    fn check(program: &str, text: &str, expected: &[(&str, Option<&str>)]) {
        let expected: Vec<(String, Option<String>)> = expected
            .iter()
            .map(|(value, stated)| ((*value).to_owned(), stated.map(str::to_owned)))
            .collect();
        assert_eq!(told(program, text), expected, "{program}");
    }

    #[test]
    fn values_are_found_where_they_are_stated() {
        let text = "Net income was $24,193 and $(20,402) before. Growth 12.5%.";
        let program = "net_income_2019 = 24193\nloss = 20402  # 77 in a comment\nrate = 12.5 / 100\nother = 999\nprint(round(rate, 4), f'{loss:.2f}')";
        check(
            program,
            text,
            &[
                ("24193", Some("24,193")),
                ("20402", Some("20,402")),
                ("12.5", Some("12.5")),
                ("999", None),
            ],
        );
        let used = values_used(program, &[text], &Tables::default(), &[]);
        assert_eq!(grounded_share(&used), 0.75);
        assert_eq!(grounded_share(&[]), 1.0);
    }

    #[test]
    fn percentages_and_scales_state_what_they_mean() {
        check("rate = 0.125", "a rate of 12.5%", &[("0.125", Some("12.5%"))]);
        check(
            "sales = 1_500_000",
            "sales of $1.5 million",
            &[("1500000", Some("1.5 million"))],
        );
        check(
            "sales = 2500000",
            "Umsatz 2,5 Mio. Euro",
            &[("2500000", Some("2,5 Mio."))],
        );
        check(
            "net = 1234.5",
            "Summe 1.234,50 €, davon 19,00 %",
            &[("1234.5", Some("1.234,50"))],
        );
        check("sales = 3e8", "売上高は3億円", &[("3e8", Some("3億"))]);
        check("x = 0.2", "5 apples", &[("0.2", None)]);
    }

    #[test]
    fn dates_are_stated_in_any_notation() {
        let text = "Signed on August 15, 2024; delivered 20.09.2024. 納期は2025年5月9日。";
        check(
            "a = date(2024, 8, 15)\nb = parse_date('20.09.2024')\nc = datetime(2025, 5, 9, 12)\nd = add_days('2024-08-16', 30)",
            text,
            &[
                ("2024-08-15", Some("August 15, 2024")),
                ("2024-09-20", Some("20.09.2024")),
                ("2025-05-09", Some("2025年5月9日")),
                ("2024-08-16", None),
                ("30", None),
            ],
        );
        let used = values_used("d = date(2024, 1, 1)", &[text], &Tables::default(), &[]);
        assert_eq!(
            grounded_share(&used),
            0.0,
            "a date needs a source whatever its day"
        );
    }

    #[test]
    fn places_in_tables_are_no_values() {
        check("x = row[5] - rows[-6] + cells[8:9]\ncell('a', table=5)", "", &[]);
        check("total = sum([5, 6])", "", &[("5", None), ("6", None)]);
    }

    #[test]
    fn cells_of_tables_are_stated_with_their_labels() {
        let text = "|  | 2019 | 2018 |\n| Net income | $24,193 | $20,402 |\n| Loss | (12) | — |";
        let tables = Tables::of(text);
        let program =
            "a = cell('Net income', '2019')\nb = tables[0][1][2]\nc = tables[0][-1][1]\nprint(a - b + c)";
        let used = values_used(program, &[text], &tables, &[[0, 1, 1], [0, 1, 1]]);
        let told: Vec<(&str, Option<&str>, Option<&str>)> = used
            .iter()
            .map(|value| {
                (
                    value.value.as_str(),
                    value.stated_as.as_deref(),
                    value.cell.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("24193", Some("$24,193"), Some("Net income, 2019")),
                ("20402", Some("$20,402"), Some("Net income, 2018")),
                ("-12", Some("(12)"), Some("Loss, 2019")),
                ("2019", Some("2019"), None),
            ]
        );
        assert_eq!(grounded_share(&used), 1.0);
    }

    proptest! {
        #[test]
        fn any_program_is_read(program in "[a-z0-9(),.'\"\\[\\]_ \n#年月日-]{0,80}", text in "\\PC{0,60}") {
            values_used(&program, &[&text], &Tables::of(&text), &[[0, 0, 0]]);
        }
    }
}

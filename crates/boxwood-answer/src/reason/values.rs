//! The numbers that a program starts from, and where the question or the text state them. Pure.

use super::number::{self, Found};
use super::problem::ValueUsed;

/// Numbers that belong to calculating itself: they need no source.
const OWN: [f64; 10] = [0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 10.0, 12.0, 100.0, 1000.0];
/// The most values that are told.
const MOST: usize = 40;

/// What a program starts from, in its order, each value once.
pub(super) fn values_used(program: &str, sources: &[&str]) -> Vec<ValueUsed> {
    let stated: Vec<(f64, &str)> = sources
        .iter()
        .flat_map(|source| {
            number::numbers(source)
                .into_iter()
                .map(|found| (found.value.abs(), &source[found.start..found.end]))
        })
        .collect();
    let mut used: Vec<ValueUsed> = Vec::new();
    for (value, written) in literals(program) {
        let stated_as = stated
            .iter()
            .find(|(other, _)| (other - value).abs() <= 1e-9 * value.max(1.0))
            .map(|(_, text)| (*text).to_owned());
        let needs_source = !OWN.contains(&value);
        let is_new = used.iter().all(|known| known.value != written);
        if is_new && (needs_source || stated_as.is_some()) && used.len() < MOST {
            used.push(ValueUsed {
                value: written,
                stated_as,
            });
        }
    }
    used
}

/// The share of a program's own numbers that the question or the text state; 1 where it has none.
pub(super) fn grounded_share(values: &[ValueUsed]) -> f32 {
    let needing: Vec<&ValueUsed> = values
        .iter()
        .filter(|value| number::last_number(&value.value).is_some_and(|number| !OWN.contains(&number.abs())))
        .collect();
    if needing.is_empty() {
        return 1.0;
    }
    let stated = needing.iter().filter(|value| value.stated_as.is_some()).count();
    stated as f32 / needing.len() as f32
}

/// The literal numbers of a program, without comments, names and places of formats.
fn literals(program: &str) -> Vec<(f64, String)> {
    let mut found = Vec::new();
    for line in program.lines() {
        let code = line.split('#').next().unwrap_or(line);
        for Found { value, start, end } in number::numbers(code) {
            let before = code[..start].chars().next_back();
            let in_name = before.is_some_and(|character| {
                character.is_alphanumeric() || character == '_' || character == '%' || character == ':'
            });
            let in_format = code[end..].starts_with(['f', 'd']) && before == Some('.');
            let call =
                code[..start].trim_end_matches(|character: char| character != '(' && character != '\n');
            let rounds = call.ends_with("round(") && before != Some('(');
            if !in_name && !in_format && !rounds {
                found.push((value.abs(), code[start..end].to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_they_are_stated() {
        let text = "Net income was $24,193 and $(20,402) before. Growth 12.5%.";
        let program = "net_income_2019 = 24193\nloss = 20402  # 77 in a comment\nrate = 12.5 / 100\nother = 999\nprint(round(rate, 4), f'{loss:.2f}')";
        let used = values_used(program, &[text]);
        let told: Vec<(&str, Option<&str>)> = used
            .iter()
            .map(|value| (value.value.as_str(), value.stated_as.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("24193", Some("24,193")),
                ("20402", Some("20,402")),
                ("12.5", Some("12.5")),
                ("999", None)
            ]
        );
        assert_eq!(grounded_share(&used), 0.75);
        assert_eq!(grounded_share(&[]), 1.0);
    }
}

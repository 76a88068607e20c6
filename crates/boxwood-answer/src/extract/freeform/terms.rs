//! A prompt that lists terms: by commas, by lines, with or without bullets and descriptions.

use crate::extract::field::FieldSpec;

/// Longest term, in characters and words.
const LONGEST_TERM: (usize, usize) = (64, 5);
/// Words before the first term that only ask for it.
const ASKING: [&str; 22] = [
    "please",
    "extract",
    "get",
    "find",
    "give",
    "return",
    "list",
    "show",
    "identify",
    "provide",
    "me",
    "the",
    "a",
    "an",
    "following",
    "all",
    "these",
    "fields",
    "values",
    "and",
    "or",
    "of",
];

/// The terms, if the prompt is a list of them.
pub(super) fn read(prompt: &str) -> Option<Vec<FieldSpec>> {
    if prompt.contains(['?', '？', '{', '<']) {
        return None;
    }
    let mut lines: Vec<&str> = prompt
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.len() > 1 && lines[0].ends_with([':', '：']) {
        lines.remove(0);
    }
    let entries: Vec<String> = match lines.as_slice() {
        [] => return None,
        [line] => split_line(after_heading(line)),
        lines => lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let alone = entries.len() == 1;
    let fields: Vec<FieldSpec> = entries.iter().map(|entry| term(entry)).collect::<Option<_>>()?;
    // One long term is rather a sentence.
    let fits = !alone
        || fields
            .first()
            .is_some_and(|field| field.key.split_whitespace().count() <= 2);
    fits.then_some(fields)
}

/// What follows `Extract the following:`.
fn after_heading(line: &str) -> &str {
    match line.split_once([':', '：']) {
        Some((heading, rest)) if rest.contains([',', '、', '，', ';']) && !heading.contains([',', '、']) =>
        {
            let asks = heading.split_whitespace().next().map(str::to_lowercase);
            let is_asking = asks.is_some_and(|word| ASKING.contains(&word.as_str()));
            if is_asking { rest } else { line }
        }
        _ => line,
    }
}

/// At commas and semicolons outside brackets; the last `and` divides too.
fn split_line(line: &str) -> Vec<String> {
    let mut entries = vec![String::new()];
    let mut depth = 0usize;
    for character in line.trim_end_matches(['.', '。']).chars() {
        match character {
            '(' | '（' | '[' => depth += 1,
            ')' | '）' | ']' => depth = depth.saturating_sub(1),
            ',' | ';' | '、' | '，' | '；' | '|' if depth == 0 => {
                entries.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(entry) = entries.last_mut() {
            entry.push(character);
        }
    }
    if entries.len() > 1
        && let Some(last) = entries.pop()
    {
        match last.split_once(" and ") {
            Some((one, other)) if !one.trim().is_empty() => {
                entries.extend([one.to_owned(), other.to_owned()]);
            }
            _ => entries.push(last),
        }
    }
    entries.retain(|entry| !entry.trim().is_empty());
    entries
}

/// One term: `- name: the customer's name`, `name (the customer's)`, `and name`.
fn term(entry: &str) -> Option<FieldSpec> {
    let entry = without_bullet(entry.trim());
    let (key, description) = described(entry);
    let key = without_asking(key).trim_end_matches(['.', ',']).trim();
    let (characters, words) = (key.chars().count(), key.split_whitespace().count());
    if key.is_empty() || characters > LONGEST_TERM.0 || words > LONGEST_TERM.1 || key.contains(". ") {
        return None;
    }
    let mut field = FieldSpec::text(key.trim_matches(['"', '\'', '`']));
    field.description = description
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    Some(field)
}

fn described(entry: &str) -> (&str, Option<&str>) {
    if let Some((key, rest)) = entry.split_once([':', '：']) {
        return (key, Some(rest));
    }
    if let Some((key, rest)) = entry.split_once(" - ").or_else(|| entry.split_once(" – ")) {
        return (key, Some(rest));
    }
    match entry.find(['(', '（']) {
        Some(at) if at > 0 => (
            &entry[..at],
            Some(entry[at..].trim_matches(['(', ')', '（', '）'])),
        ),
        _ => (entry, None),
    }
}

fn without_bullet(entry: &str) -> &str {
    let entry = entry.trim_start_matches(['-', '*', '•', '・', '–', ' ']);
    let digits = entry.bytes().take_while(u8::is_ascii_digit).count();
    match entry[digits..].strip_prefix(['.', ')']) {
        Some(rest) if (1..=3).contains(&digits) => rest.trim_start(),
        _ => entry,
    }
}

fn without_asking(key: &str) -> &str {
    let mut rest = key.trim();
    while let Some((word, more)) = rest.split_once(char::is_whitespace) {
        if !ASKING.contains(&word.to_lowercase().as_str()) {
            break;
        }
        rest = more.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_may_have_descriptions() {
        let described = |prompt: &str| -> Vec<(String, Option<String>)> {
            let fields = read(prompt).unwrap_or_default();
            fields
                .into_iter()
                .map(|field| (field.key, field.description))
                .collect()
        };
        let own = |key: &str, text: Option<&str>| (key.to_owned(), text.map(str::to_owned));
        assert_eq!(
            described("1. name: the customer\n2) total (with tax, in euros)"),
            [
                own("name", Some("the customer")),
                own("total", Some("with tax, in euros"))
            ]
        );
        assert_eq!(
            described("please extract name, total (net, gross) and date."),
            [
                own("name", None),
                own("total", Some("net, gross")),
                own("date", None)
            ]
        );
    }

    #[test]
    fn sentences_are_no_terms() {
        for prompt in [
            "Summarise the duties of the tenant",
            "What is the rent?",
            "The name of the person who signs the contract for the landlord, the date",
            "",
        ] {
            assert_eq!(read(prompt), None, "{prompt}");
        }
    }
}

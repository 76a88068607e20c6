//! What the document's catalogue says: page labels, embedded files, forms that are not drawn.
//!
//! Invariant: trees are walked with a limit of depth and of nodes, so that a loop in the file ends. Used by `pdf`.

use super::strings::text_of;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};

const MAX_DEPTH: usize = 12;
const MAX_NODES: usize = 20_000;

/// The document's catalogue.
pub(super) fn catalog(pdf: &Pdf) -> Dict<'_> {
    pdf.xref()
        .get::<Dict<'_>>(pdf.xref().root_id())
        .unwrap_or_default()
}

/// Labels of pages ("iv", "A-3"), where they differ from the page's number.
pub(super) fn page_labels(pdf: &Pdf, pages: usize) -> Vec<Option<String>> {
    let mut labels = vec![None; pages];
    let Some(tree) = catalog(pdf).get::<Dict<'_>>("PageLabels") else {
        return labels;
    };
    let mut ranges: Vec<(usize, Dict<'_>)> = Vec::new();
    let mut budget = MAX_NODES;
    walk_numbers(&tree, 0, &mut budget, &mut ranges);
    ranges.sort_by_key(|(first, _)| *first);
    for (index, (first, style)) in ranges.iter().enumerate() {
        let end = ranges
            .get(index + 1)
            .map_or(pages, |(next, _)| (*next).min(pages));
        let prefix = style
            .get::<PdfString<'_>>("P")
            .map(|p| text_of(p.as_bytes()))
            .unwrap_or_default();
        let start = style.get::<i32>("St").filter(|start| *start > 0).unwrap_or(1) as usize;
        let kind = style.get::<Name<'_>>("S").map(|name| name.as_str().to_owned());
        for (page, slot) in labels.iter_mut().enumerate().take(end).skip(*first) {
            let number = start.saturating_add(page - first);
            let label = format!("{prefix}{}", numeral(kind.as_deref(), number));
            if !label.is_empty() && label.len() <= 64 && label != (page + 1).to_string() {
                *slot = Some(label);
            }
        }
    }
    labels
}

fn walk_numbers<'a>(node: &Dict<'a>, depth: usize, budget: &mut usize, out: &mut Vec<(usize, Dict<'a>)>) {
    if depth > MAX_DEPTH || *budget == 0 {
        return;
    }
    if let Some(numbers) = node.get::<Array<'_>>("Nums") {
        let mut items = numbers.iter::<Object<'_>>();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            *budget = budget.saturating_sub(1);
            if let (Some(first), Some(style)) = (key.into_i32(), value.into_dict())
                && let Ok(first) = usize::try_from(first)
                && *budget > 0
            {
                out.push((first, style));
            }
        }
    }
    for kid in node
        .get::<Array<'_>>("Kids")
        .iter()
        .flat_map(|kids| kids.iter::<Dict<'_>>())
    {
        *budget = budget.saturating_sub(1);
        walk_numbers(&kid, depth + 1, budget, out);
    }
}

fn numeral(kind: Option<&str>, number: usize) -> String {
    match kind {
        Some("D") => number.to_string(),
        Some("R") => roman(number),
        Some("r") => roman(number).to_lowercase(),
        Some("A") => letters(number),
        Some("a") => letters(number).to_lowercase(),
        _ => String::new(),
    }
}

fn roman(mut number: usize) -> String {
    const STEPS: [(usize, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if number > 20_000 {
        return number.to_string();
    }
    let mut text = String::new();
    for (value, sign) in STEPS {
        while number >= value {
            text.push_str(sign);
            number -= value;
        }
    }
    text
}

/// A to Z, then AA to ZZ, as PDF counts.
fn letters(number: usize) -> String {
    let (letter, count) = ((number - 1) % 26, (number - 1) / 26 + 1);
    char::from(b'A' + letter as u8).to_string().repeat(count.min(60))
}

/// Names of embedded files.
pub(super) fn embedded_files(pdf: &Pdf) -> Vec<String> {
    let mut names = Vec::new();
    let mut budget = MAX_NODES;
    if let Some(tree) = catalog(pdf)
        .get::<Dict<'_>>("Names")
        .and_then(|names| names.get::<Dict<'_>>("EmbeddedFiles"))
    {
        walk_names(&tree, 0, &mut budget, &mut names);
    }
    names
}

fn walk_names(node: &Dict<'_>, depth: usize, budget: &mut usize, out: &mut Vec<String>) {
    if depth > MAX_DEPTH || *budget == 0 {
        return;
    }
    if let Some(entries) = node.get::<Array<'_>>("Names") {
        let mut items = entries.iter::<Object<'_>>();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            *budget = budget.saturating_sub(1);
            if *budget == 0 {
                return;
            }
            let file = value.into_dict();
            let name = file.and_then(|file| {
                file.get::<PdfString<'_>>("UF")
                    .or_else(|| file.get::<PdfString<'_>>("F"))
            });
            let name = name.or_else(|| key.into_string());
            out.push(name.map(|name| text_of(name.as_bytes())).unwrap_or_default());
        }
    }
    for kid in node
        .get::<Array<'_>>("Kids")
        .iter()
        .flat_map(|kids| kids.iter::<Dict<'_>>())
    {
        *budget = budget.saturating_sub(1);
        walk_names(&kid, depth + 1, budget, out);
    }
}

/// Whether the form is of the kind that a program draws itself (XFA), so that the pages may show only a notice.
pub(super) fn has_dynamic_form(pdf: &Pdf) -> bool {
    catalog(pdf)
        .get::<Dict<'_>>("AcroForm")
        .is_some_and(|form| form.contains_key("XFA"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_follow_the_styles_of_page_labels() {
        let check = |kind, number, expected: &str| assert_eq!(numeral(Some(kind), number), expected);
        check("D", 12, "12");
        check("r", 4, "iv");
        check("R", 1994, "MCMXCIV");
        check("A", 3, "C");
        check("a", 28, "bb");
    }
}

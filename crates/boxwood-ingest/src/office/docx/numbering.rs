//! The numbers and bullets of lists, which a Word file does not hold as text but as rules.
//!
//! Invariant: computed as Word counts them: one counter a level and list definition, deeper levels start again.

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::xml::{Node, XmlReader};
use std::collections::HashMap;

/// Levels of a list.
const LEVELS: usize = 9;

/// How one level is numbered.
#[derive(Debug, Clone)]
struct Level {
    format: String,
    /// `%1.%2` with the numbers of the levels.
    text: String,
    start: u32,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            format: "decimal".to_owned(),
            text: String::new(),
            start: 1,
        }
    }
}

/// List definitions and the counters while the document is read.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    definitions: HashMap<String, Vec<Level>>,
    lists: HashMap<String, String>,
    /// First number by list and level, where a list overrides its definition.
    starts: HashMap<(String, usize), u32>,
    counters: HashMap<String, [Option<u32>; LEVELS]>,
    started: HashMap<String, ()>,
}

impl Numbering {
    /// Reads the numbering part.
    pub(super) fn read(xml: &str, context: &ParseContext) -> Result<Self, ParseError> {
        let mut reader = XmlReader::new(xml);
        let mut all = Self::default();
        let mut definition = String::new();
        let mut list = String::new();
        let mut level = 0usize;
        loop {
            let element = match reader.next(context)? {
                Node::Open(element) => element,
                Node::End => return Ok(all),
                _ => continue,
            };
            let value = element.attribute("val").unwrap_or_default();
            let number = || {
                element
                    .attribute("ilvl")
                    .and_then(|level| level.parse().ok())
                    .unwrap_or(0)
            };
            match element.name() {
                "abstractNum" => {
                    definition = element.attribute("abstractNumId").unwrap_or_default();
                    list.clear();
                    all.definitions
                        .insert(definition.clone(), vec![Level::default(); LEVELS]);
                }
                "num" => {
                    list = element.attribute("numId").unwrap_or_default();
                    definition.clear();
                }
                "abstractNumId" if !list.is_empty() => {
                    all.lists.insert(list.clone(), value);
                }
                "lvl" | "lvlOverride" => level = number().min(LEVELS - 1),
                "startOverride" => {
                    let start = value.parse().unwrap_or(1);
                    all.starts.insert((list.clone(), level), start);
                }
                name => {
                    if let Some(levels) = all.definitions.get_mut(&definition) {
                        match name {
                            "numFmt" => levels[level].format = value,
                            "lvlText" => levels[level].text = value,
                            "start" => levels[level].start = value.parse().unwrap_or(1),
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// Counts the next paragraph of a list and gives its label; `None` for no list or a level without a label.
    pub(super) fn next_label(&mut self, list: &str, level: usize) -> Option<String> {
        let level = level.min(LEVELS - 1);
        let definition = self.lists.get(list)?.clone();
        let levels = self.definitions.get(&definition)?;
        // A list that restarts begins its own count at its first paragraph.
        let counters = self.counters.entry(definition.clone()).or_default();
        if !self.started.contains_key(list) {
            self.started.insert(list.to_owned(), ());
            for (deep, counter) in counters.iter_mut().enumerate() {
                if self.starts.contains_key(&(list.to_owned(), deep)) {
                    *counter = None;
                }
            }
        }
        let first = |level: usize| {
            let own = self.starts.get(&(list.to_owned(), level)).copied();
            own.unwrap_or(levels[level].start)
        };
        counters[level] = Some(counters[level].map_or(first(level), |count| count.saturating_add(1)));
        counters[level + 1..].fill(None);
        let rule = &levels[level];
        if rule.format == "none" {
            return None;
        }
        if rule.format == "bullet" {
            return Some("•".to_owned());
        }
        let mut label = rule.text.clone();
        for deep in 0..=level {
            let number = counters[deep].unwrap_or_else(|| first(deep));
            let format = levels[deep].format.as_str();
            label = label.replace(&format!("%{}", deep + 1), &numeral(number, format));
        }
        Some(label).filter(|label| !label.trim().is_empty())
    }
}

/// A number in a list's script.
fn numeral(number: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letters(number),
        "upperLetter" => letters(number).to_uppercase(),
        "lowerRoman" => roman(number),
        "upperRoman" => roman(number).to_uppercase(),
        "decimalZero" => format!("{number:02}"),
        "bullet" => "•".to_owned(),
        "none" => String::new(),
        _ => number.to_string(),
    }
}

/// a … z, aa, bb, …
fn letters(number: u32) -> String {
    let Some(index) = number.checked_sub(1) else {
        return "0".to_owned();
    };
    let letter = char::from(b'a' + (index % 26) as u8);
    let count = (index / 26 + 1).min(32) as usize;
    std::iter::repeat_n(letter, count).collect()
}

fn roman(number: u32) -> String {
    const NUMERALS: [(u32, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if number == 0 || number >= 4_000 {
        return number.to_string();
    }
    let mut rest = number;
    let mut out = String::new();
    for (value, letters) in NUMERALS {
        while rest >= value {
            out.push_str(letters);
            rest -= value;
        }
    }
    out
}

#[cfg(test)]
mod unit {
    use super::{letters, roman};

    #[test]
    fn numerals() {
        assert_eq!([1, 4, 9, 14, 2024].map(roman).join(" "), "i iv ix xiv mmxxiv");
        assert_eq!([1, 26, 27, 0].map(letters).join(" "), "a z aa 0");
    }
}

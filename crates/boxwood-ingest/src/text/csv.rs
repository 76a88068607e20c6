//! Comma-, tab-, semicolon- and pipe-separated values as one table.
//!
//! Invariant: a quoted cell may hold delimiters and line ends; a quote that never ends does not swallow the file
//! (cells are bounded).

use crate::context::ParseContext;
use crate::encoding::decode;
use crate::error::ParseError;
use crate::table::{MAX_TABLE_ROWS, guess_header_rows, tidy_with_places};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{Grid, TextSource};

/// Delimiters in the order of preference.
const DELIMITERS: [char; 4] = [',', '\t', ';', '|'];
/// A quoted cell ends here at the latest: the quote was not one.
const MAX_CELL_BYTES: usize = 256 << 10;
/// Rows that the guess of the delimiter looks at.
const SNIFFED_ROWS: usize = 50;

/// A guessed delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sniffed {
    /// The character.
    pub delimiter: char,
    /// Whether the text is so regular that it must be a table, whatever its name.
    pub certain: bool,
}

/// Guesses the delimiter: the one that gives the most rows the same number of cells, at least two.
pub fn sniff_delimiter(text: &str) -> Option<Sniffed> {
    let mut best: Option<(usize, usize, Sniffed)> = None;
    for delimiter in DELIMITERS {
        let widths: Vec<usize> = Rows::new(text, delimiter)
            .take(SNIFFED_ROWS)
            .filter(|row| row.iter().any(|cell| !cell.is_empty()))
            .map(|row| row.len())
            .collect();
        let Some(width) = most_common(&widths).filter(|width| *width >= 2) else {
            continue;
        };
        let same = widths.iter().filter(|other| **other == width).count();
        let regular = same == widths.len();
        // Prose has commas: a table must be wide or long, and have no sentences in its cells.
        let certain = regular && same >= 3 && (width >= 3 || delimiter == '\t') && !has_sentences(text);
        let found = Sniffed { delimiter, certain };
        let better = best.is_none_or(|(rows, cells, _)| (same, width) > (rows, cells));
        if better {
            best = Some((same, width, found));
        }
    }
    best.map(|(_, _, sniffed)| sniffed)
}

fn has_sentences(text: &str) -> bool {
    text.lines()
        .take(SNIFFED_ROWS)
        .any(|line| line.trim_end().ends_with(". ") || line.contains(". ") && line.len() > 200)
}

fn most_common(widths: &[usize]) -> Option<usize> {
    let count = |width: usize| widths.iter().filter(|other| **other == width).count();
    widths.iter().copied().max_by_key(|width| (count(*width), *width))
}

/// Reads separated values.
///
/// # Errors
/// Limits only.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let text = decode(bytes);
    let sample_end = text
        .char_indices()
        .nth(64 << 10)
        .map_or(text.len(), |(index, _)| index);
    // "sep=;" in the first line is Excel's own hint.
    let hint = text.lines().next().and_then(|line| line.strip_prefix("sep="));
    let declared = hint.and_then(|hint| hint.chars().next());
    let sniffed = sniff_delimiter(&text[..sample_end]).map(|sniffed| sniffed.delimiter);
    let delimiter = declared.or(sniffed).unwrap_or(',');
    let body = if hint.is_some() {
        text.split_once('\n').map_or("", |(_, body)| body)
    } else {
        &text
    };
    context.begin_page(1, builder)?;
    builder.page(None, None, TextSource::Native);
    let mut rows = Vec::new();
    let mut first_row = u32::from(hint.is_some());
    for (number, row) in Rows::new(body, delimiter).enumerate() {
        if number % 1_024 == 0 {
            context.check_growth(builder)?;
        }
        rows.push(row);
        if rows.len() == MAX_TABLE_ROWS {
            first_row = append(std::mem::take(&mut rows), first_row, builder);
        }
    }
    append(rows, first_row, builder);
    context.check_growth(builder)
}

/// Adds rows as a table; the first of them is row `first_row` of the file. Gives the row after the last.
fn append(rows: Vec<Vec<String>>, first_row: u32, builder: &mut DocumentBuilder) -> u32 {
    let next = first_row.saturating_add(rows.len() as u32);
    let (rows, places) = tidy_with_places(rows);
    if !rows.is_empty() {
        let grid = Grid {
            columns: places.columns,
            rows: places
                .rows
                .into_iter()
                .map(|row| first_row.saturating_add(row))
                .collect(),
            values: Vec::new(),
        };
        builder.sheet_table(None, guess_header_rows(&rows), rows, grid);
    }
    next
}

/// Splits text into rows of cells by RFC 4180, leniently.
struct Rows<'a> {
    rest: &'a str,
    delimiter: char,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, delimiter: char) -> Self {
        Self {
            rest: text,
            delimiter,
        }
    }

    /// One cell; true when the row goes on behind it.
    fn cell(&mut self) -> (String, bool) {
        if let Some((cell, used)) = self.quoted() {
            self.rest = &self.rest[used..];
            let (junk, more) = self.bare();
            return (cell + junk.trim_end(), more);
        }
        let (cell, more) = self.bare();
        (cell.trim().to_owned(), more)
    }

    fn bare(&mut self) -> (&'a str, bool) {
        let end = self
            .rest
            .find([self.delimiter, '\n', '\r'])
            .unwrap_or(self.rest.len());
        let (cell, rest) = self.rest.split_at(end);
        let more = rest.starts_with(self.delimiter);
        let ends = ["\r\n", "\n", "\r"];
        self.rest = match rest.strip_prefix(self.delimiter) {
            Some(rest) => rest,
            None => ends.iter().find_map(|end| rest.strip_prefix(end)).unwrap_or(rest),
        };
        (cell, more)
    }

    /// The text of a quoted cell and the bytes it takes, closing quote included.
    fn quoted(&self) -> Option<(String, usize)> {
        let start = self.rest.len() - self.rest.trim_start_matches(' ').len();
        let inner = self.rest[start..].strip_prefix('"')?;
        let mut cell = String::new();
        let mut characters = inner.char_indices().peekable();
        while let Some((index, character)) = characters.next() {
            if index > MAX_CELL_BYTES {
                return None;
            }
            match character {
                '"' if characters.next_if(|(_, next)| *next == '"').is_some() => cell.push('"'),
                '"' => return Some((cell, start + 1 + index + 1)),
                '\n' | '\r' => cell.push(' '),
                other => cell.push(other),
            }
        }
        None
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut row = Vec::new();
        loop {
            let (cell, more) = self.cell();
            row.push(cell);
            if !more {
                return Some(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[test]
    fn values_become_a_table() {
        let check = |text: &str, expected: &str| testing::check(text, "a.csv", expected);
        check(
            "Name,Age\nAnn,30\nBob,41\n",
            "|! Name | Age\n| Ann | 30\n| Bob | 41\n",
        );
        check(
            "Name;Betrag\nA;1,50\nB;2,75\n",
            "|! Name | Betrag\n| A | 1,50\n| B | 2,75\n",
        );
        check(
            "a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\n",
            "|! a | b\n| x, \"y\" | two lines\n",
        );
        check("sep=|\na|b\n1|2\n", "|! a | b\n| 1 | 2\n");
        check("a\tb\r\n1\t2\r\n,\t\r\n", "|! a | b\n| 1 | 2\n| , | \n");
        check("open,\"quote\nnext,row\n", "|! open | \"quote\n| next | row\n");
    }
}

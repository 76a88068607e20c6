//! Small decisions about tables that all formats share.
//!
//! Invariant: rows stay in order and every row of a table that leaves here has the same number of cells.

/// Most rows of one table in the document; longer ones are continued in a further table with the same header.
pub const MAX_TABLE_ROWS: usize = 200_000;

/// Removes empty rows at both ends and inside, and columns that are empty in every row; pads short rows.
pub fn tidy(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    tidy_with_places(rows).0
}

/// Which rows and columns of a table are left.
pub struct Places {
    /// Indices of the rows before tidying.
    pub rows: Vec<u32>,
    /// Indices of the columns before tidying.
    pub columns: Vec<u32>,
}

/// [`tidy`] that also tells where the rows and columns came from.
pub fn tidy_with_places(rows: Vec<Vec<String>>) -> (Vec<Vec<String>>, Places) {
    let (kept_rows, mut rows): (Vec<u32>, Vec<Vec<String>>) = (0..)
        .zip(rows)
        .filter(|(_, row)| row.iter().any(|cell| !cell.trim().is_empty()))
        .unzip();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut used = vec![false; width];
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            used[column] |= !cell.trim().is_empty();
        }
    }
    let columns = (0..)
        .zip(&used)
        .filter(|(_, used)| **used)
        .map(|(column, _)| column);
    let places = Places {
        rows: kept_rows,
        columns: columns.collect(),
    };
    if places.columns.len() == width {
        rows.iter_mut().for_each(|row| row.resize(width, String::new()));
        return (rows, places);
    }
    for row in &mut rows {
        row.resize(width, String::new());
        let mut column = 0;
        row.retain(|_| {
            column += 1;
            used[column - 1]
        });
    }
    (rows, places)
}

/// [`tidy`] for a table whose first `marked` rows are headers by the file's own word (0: it does not say, so they are
/// guessed). Returns the rows and how many of them are headers.
pub fn tidy_with_header(rows: Vec<Vec<String>>, marked: usize) -> (Vec<Vec<String>>, u32) {
    let is_filled = |row: &&Vec<String>| row.iter().any(|cell| !cell.trim().is_empty());
    let header_rows = rows.iter().take(marked).filter(is_filled).count();
    let rows = tidy(rows);
    if header_rows > 0 && header_rows < rows.len() {
        return (rows, header_rows as u32);
    }
    let guessed = guess_header_rows(&rows);
    (rows, guessed)
}

/// Guesses whether the first row names the columns: all its cells are filled and are words, and below it stands
/// something else (numbers, dates or gaps), or the words of a column's title do not come again.
pub fn guess_header_rows(rows: &[Vec<String>]) -> u32 {
    let [first, rest @ ..] = rows else { return 0 };
    let filled = first.iter().filter(|cell| !cell.trim().is_empty()).count();
    let words = first.iter().all(|cell| !looks_numeric(cell));
    let repeated = rest.iter().take(50).any(|row| {
        row.iter()
            .zip(first)
            .any(|(cell, title)| !title.is_empty() && cell == title)
    });
    let mostly_filled = filled >= 2 && filled * 4 >= first.len() * 3;
    u32::from(!rest.is_empty() && words && mostly_filled && !repeated)
}

/// Numbers, amounts, percentages and dates.
fn looks_numeric(cell: &str) -> bool {
    let cell = cell.trim();
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let others = cell
        .chars()
        .filter(|c| {
            !c.is_ascii_digit() && !matches!(c, '.' | ',' | '-' | '+' | '/' | ':' | '%' | ' ' | '(' | ')')
        })
        .count();
    // A year alone may well be a title.
    digits > 0 && others <= 3 && others < digits && !(digits == 4 && cell.len() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        text.lines()
            .map(|line| line.split(',').map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn empty_rows_and_columns_go_and_short_rows_are_padded() {
        let tidied = tidy(rows("a,,b\n,,\n1,,2,3\n,,\n"));
        assert_eq!(tidied, rows("a,b,\n1,2,3"));
        let places = tidy_with_places(rows("a,,b\n,,\n1,,2,3\n,,\n")).1;
        assert_eq!((places.rows, places.columns), (vec![0, 2], vec![0, 2, 3]));
        assert_eq!(tidy(rows(",\n,")), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_header_is_a_row_of_words_that_do_not_come_again() {
        let check = |text, expected| assert_eq!(guess_header_rows(&rows(text)), expected, "{text}");
        check("Name,Amount\nA,1\nB,2", 1);
        check("Region,2023,2024\nNorth,1,2", 1);
        check("A,1\nB,2", 0);
        check("2024-01-01,5\n2024-01-02,6", 0);
        check("Name,Name2", 0);
        check("yes,no\nyes,no", 0);
        check("Title,,,\na,b,c,d", 0);
    }
}

//! Rows of a table that stand on two lines, the second line behind the first: a name and its club, and below, further to
//! the right, the time.
//!
//! Such lines alternate, which the cells of a paragraph never do; each pair becomes one row, the cells of its second line
//! in columns of their own. Invariant: each word is in exactly one row, as before. Called by `rows`.

use super::LayoutWord;

/// A row: the words of each cell.
pub(super) type Cells = Vec<Vec<usize>>;

/// Fewest pairs of lines that tell a pattern.
const LEAST_PAIRS: usize = 2;
/// Fewest columns that a second line leaves empty at its beginning.
const LEAST_EMPTY: usize = 2;

/// The rows, each on two lines joined where the table is made of such rows.
pub(super) fn joined(words: &[LayoutWord], rows: Vec<Cells>) -> Vec<Cells> {
    let Some(begin) = begin_of_second_lines(words, &rows) else {
        return rows;
    };
    let is_second = |row: &Cells| first_filled(row).is_some_and(|first| first >= begin);
    let width = rows
        .iter()
        .filter(|row| !is_second(row))
        .filter_map(|row| row.iter().rposition(|cell| !cell.is_empty()))
        .max()
        .map_or(begin, |last| (last + 1).max(begin));
    let columns = rows.first().map_or(0, Vec::len);
    let mut joined: Vec<Cells> = Vec::with_capacity(rows.len());
    let mut open = false;
    for mut row in rows {
        if !is_second(&row) {
            row.truncate(width);
            row.resize(width + columns - begin, Vec::new());
            joined.push(row);
            open = true;
            continue;
        }
        let second = row.split_off(begin);
        match joined.last_mut().filter(|_| open) {
            Some(first) => first.splice(width.., second).for_each(drop),
            // A second line without a first keeps its columns.
            None => joined.push(vec![Vec::new(); width].into_iter().chain(second).collect()),
        }
        open = false;
    }
    joined
}

fn first_filled(row: &Cells) -> Option<usize> {
    row.iter().position(|cell| !cell.is_empty())
}

/// The column in which the second lines of the rows begin; `None` where rows stand on one line each.
fn begin_of_second_lines(words: &[LayoutWord], rows: &[Cells]) -> Option<usize> {
    let firsts = rows.iter().filter_map(first_filled);
    let begin = firsts.filter(|first| *first >= LEAST_EMPTY).min()?;
    let is_second = |row: &Cells| first_filled(row).is_some_and(|first| first >= begin);
    let filled = |row: &Cells| row[..begin].iter().filter(|cell| !cell.is_empty()).count();
    let mut pairs: Vec<(&Cells, &Cells)> = Vec::new();
    for (at, second) in rows.iter().enumerate().skip(1) {
        let first = &rows[at - 1];
        match (is_second(first), is_second(second)) {
            (false, true) if filled(first) >= LEAST_EMPTY => pairs.push((first, second)),
            // Two of them below each other are what stands below the table's rows, or lines of one cell.
            (true, true) => return None,
            _ => {}
        }
    }
    let alternates = pairs.len() >= LEAST_PAIRS && pairs.len() * 8 >= rows.len() * 3;
    // The names of columns go on below as they like.
    let has_digit = |cell: &Vec<usize>| {
        let mut texts = cell.iter().map(|&word| words[word].text.chars());
        texts.any(|mut text| text.any(|c| c.is_ascii_digit()))
    };
    pairs.retain(|(first, _)| first.iter().any(has_digit));
    let most = |holds: &dyn Fn(&(&Cells, &Cells)) -> bool| {
        !pairs.is_empty() && pairs.iter().filter(|pair| holds(pair)).count() * 3 >= pairs.len() * 2
    };
    let states_numbers =
        most(&|(_, second)| second.iter().find(|cell| !cell.is_empty()).is_some_and(has_digit));
    let stands_apart = most(&|(first, second)| !continues(words, first, second));
    (alternates && states_numbers && stands_apart).then_some(begin)
}

/// Whether the second line goes on with a cell of the first, below its beginning.
fn continues(words: &[LayoutWord], first: &Cells, second: &Cells) -> bool {
    let left = |cell: &Vec<usize>| cell.iter().map(|&word| words[word].left).reduce(f32::min);
    let column = first_filled(second).unwrap_or(0);
    let (above, below) = (
        first.get(column).and_then(left),
        second.get(column).and_then(left),
    );
    match (above, below) {
        (Some(above), Some(below)) => {
            let size = second[column].first().map_or(0.0, |&word| words[word].size);
            below < above + size
        }
        _ => false,
    }
}

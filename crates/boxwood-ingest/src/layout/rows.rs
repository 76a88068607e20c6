//! A region → rows → lines, with the rows of well-aligned tables recognised as such.
//!
//! Invariant: each word of the region is in exactly one line. Called by `layout::arrange_into`.

use super::characters::{is_right_to_left, is_unspaced_script};
use super::emit::line_text;
use super::grid::Grid;
use super::kinds::is_list_marker;
use super::order::Region;
use super::segments::Segment;
use super::staggered;
use super::{Join, LayoutLine, LayoutTable, LayoutWord, LineWord, PageLayout};
use boxwood_core::LineKind;

/// A gap within a line that is told in its text, in font sizes: wider than any space between words.
const COLUMN_GAP: f32 = 2.0;

/// A row: its segments from left to right, or a ruled table.
pub(super) struct Row {
    /// Indices of its segments.
    pub segments: Vec<usize>,
    /// Upper edge.
    pub top: f32,
    /// Lower edge.
    pub bottom: f32,
    /// The largest font size in it.
    pub size: f32,
    /// Index of the ruled table that it is.
    pub grid: Option<usize>,
}

/// Appends the lines and tables of a region to the page.
pub(super) fn lay_region(
    page: &mut PageLayout,
    words: &[LayoutWord],
    segments: &[Segment],
    grids: &[Grid],
    region: Region,
) {
    let rows = rows_of(segments, region);
    let mut start = 0;
    while start < rows.len() {
        if let Some(grid) = rows[start].grid {
            push_grid(page, words, &grids[grid]);
            start += 1;
            continue;
        }
        let end = table_end(&rows, start);
        let columns = (end > start)
            .then(|| Columns::of(words, segments, &rows[start..end]))
            .flatten();
        if let Some(columns) = columns {
            push_table(page, words, segments, &rows[start..end], &columns);
            start = end;
        } else {
            push_line(page, line_of_row(words, segments, &rows[start]), LineKind::Body);
            start += 1;
        }
    }
}

/// The words of a row that is no table's, its wide gaps marked.
fn line_of_row(words: &[LayoutWord], segments: &[Segment], row: &Row) -> Vec<LineWord> {
    let indices = row
        .segments
        .iter()
        .flat_map(|&s| segments[s].words.iter().copied());
    let mut line = make_line(words, indices.collect());
    let mut at = 0;
    for pair in row.segments.windows(2) {
        let (left, right) = (&segments[pair[0]], &segments[pair[1]]);
        let is_number = at == 0 && is_numbering(words, left);
        at += left.words.len();
        let wide = right.left - left.right >= COLUMN_GAP * left.size.max(right.size);
        // A line of a right-to-left script was turned: its words stand elsewhere.
        let begins = right.words.first().map(|&word| words[word].bounds);
        if let Some(word) = line.get_mut(at)
            && wide
            && !is_number
            && begins == Some(word.word.bounds)
        {
            word.cells_before = 1;
        }
    }
    line
}

/// Whether a segment only numbers or marks what follows: `•`, `(a)`, `2.1`.
fn is_numbering(words: &[LayoutWord], segment: &Segment) -> bool {
    let text: String = segment
        .words
        .iter()
        .map(|&word| words[word].text.as_str())
        .collect();
    is_list_marker(&text) || text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '§'))
}

/// The rows of a region, from the first to the last.
pub(super) fn rows_of(segments: &[Segment], mut region: Region) -> Vec<Row> {
    region.sort_by(|&a, &b| {
        segments[a]
            .baseline
            .total_cmp(&segments[b].baseline)
            .then(a.cmp(&b))
    });
    let mut rows: Vec<Row> = Vec::new();
    let mut baseline = f32::MIN;
    for index in region {
        let segment = &segments[index];
        let joins = segment.grid.is_none()
            && rows.last().is_some_and(|row| {
                row.grid.is_none() && segment.baseline - baseline <= 0.3 * segment.size.min(row.size)
            });
        if let Some(row) = rows.last_mut().filter(|_| joins) {
            row.segments.push(index);
            row.top = row.top.min(segment.top);
            row.bottom = row.bottom.max(segment.bottom);
            row.size = row.size.max(segment.size);
        } else {
            baseline = segment.baseline;
            rows.push(Row {
                segments: vec![index],
                top: segment.top,
                bottom: segment.bottom,
                size: segment.size,
                grid: segment.grid,
            });
        }
    }
    for row in &mut rows {
        row.segments
            .sort_by(|&a, &b| segments[a].left.total_cmp(&segments[b].left).then(a.cmp(&b)));
    }
    rows
}

/// The end of the run of rows from `start` that may be one table; `start` where there is none.
fn table_end(rows: &[Row], start: usize) -> usize {
    if rows[start].segments.len() < 2 {
        return start;
    }
    let mut end = start + 1;
    let mut single = 0;
    for index in start + 1..rows.len() {
        let row = &rows[index];
        if row.grid.is_some() || row.top - rows[index - 1].bottom > 1.8 * row.size {
            break;
        }
        if row.segments.len() >= 2 {
            end = index + 1;
            single = 0;
        } else {
            single += 1;
            if single > 2 {
                break;
            }
        }
    }
    if end - start >= 2 { end } else { start }
}

/// The columns of a table by the white space between its cells.
struct Columns {
    /// Left and right edge of each column.
    spans: Vec<(f32, f32)>,
}

impl Columns {
    fn of(words: &[LayoutWord], segments: &[Segment], rows: &[Row]) -> Option<Self> {
        let several: Vec<&Row> = rows.iter().filter(|row| row.segments.len() >= 2).collect();
        let size = several.iter().map(|row| row.size).fold(0.0, f32::max);
        let columns = Self {
            spans: spans_of(segments, &several, size),
        };
        let count = columns.spans.len();
        let enough = several.len() >= 3 || (several.len() == 2 && count >= 3);
        if !(2..=40).contains(&count) || !enough || several.len() * 10 < rows.len() * 6 {
            return None;
        }
        let clean = several
            .iter()
            .filter(|row| columns.is_clean(segments, row))
            .count();
        if clean * 4 < several.len() * 3 {
            return None;
        }
        columns
            .looks_like_table(words, segments, &several)
            .then_some(columns)
    }

    fn column_of(&self, segment: &Segment) -> usize {
        let overlap = |span: &(f32, f32)| span.1.min(segment.right) - span.0.max(segment.left);
        // A cell over several columns counts for its first.
        self.spans
            .iter()
            .position(|span| overlap(span) > 0.0)
            .unwrap_or_else(|| {
                self.spans
                    .partition_point(|span| span.1 < segment.left)
                    .min(self.spans.len() - 1)
            })
    }

    fn is_clean(&self, segments: &[Segment], row: &Row) -> bool {
        let columns: Vec<usize> = row
            .segments
            .iter()
            .map(|&s| self.column_of(&segments[s]))
            .collect();
        columns.windows(2).all(|pair| pair[0] < pair[1])
    }

    /// Lists and paragraphs beside each other are not tables.
    fn looks_like_table(&self, words: &[LayoutWord], segments: &[Segment], rows: &[&Row]) -> bool {
        if self.spans.len() > 2 {
            return true;
        }
        let first = |row: &&Row| &segments[row.segments[0]];
        let text = |segment: &Segment| {
            segment
                .words
                .iter()
                .map(|&w| words[w].text.as_str())
                .collect::<String>()
        };
        let markers = rows
            .iter()
            .filter(|row| is_list_marker(&text(first(row))))
            .count();
        if markers * 2 > rows.len() {
            return false;
        }
        let narrow = rows.iter().filter(|row| {
            row.segments
                .iter()
                .any(|&s| segments[s].width() <= 12.0 * segments[s].size)
        });
        narrow.count() * 10 >= rows.len() * 7
    }
}

/// Intervals that cells cover, but for a few cells that run over several columns.
fn spans_of(segments: &[Segment], rows: &[&Row], size: f32) -> Vec<(f32, f32)> {
    let mut events: Vec<(f32, i32)> = Vec::new();
    for row in rows {
        for &index in &row.segments {
            events.push((segments[index].left, 1));
            events.push((segments[index].right + 0.3 * size, -1));
        }
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let over = (rows.len() / 8) as i32;
    let (mut spans, mut depth, mut from) = (Vec::new(), 0, 0.0);
    for (position, change) in events {
        let before = depth;
        depth += change;
        if before <= over && depth > over {
            from = position;
        } else if before > over && depth <= over {
            spans.push((from, position - 0.3 * size));
        }
    }
    spans
}

fn push_table(
    page: &mut PageLayout,
    words: &[LayoutWord],
    segments: &[Segment],
    rows: &[Row],
    columns: &Columns,
) {
    let cells_of = |row: &Row| {
        let mut cells = vec![Vec::new(); columns.spans.len()];
        for &index in &row.segments {
            let segment = &segments[index];
            cells[columns.column_of(segment)].extend_from_slice(&segment.words);
        }
        cells
    };
    let table = staggered::joined(words, rows.iter().map(cells_of).collect());
    push_rows(page, words, table.into_iter());
}

fn push_grid(page: &mut PageLayout, words: &[LayoutWord], grid: &Grid) {
    push_rows(page, words, grid.rows.iter().cloned());
}

fn push_rows(page: &mut PageLayout, words: &[LayoutWord], rows: impl Iterator<Item = Vec<Vec<usize>>>) {
    let table = page.tables.len() as u32;
    let mut texts: Vec<Vec<String>> = Vec::new();
    for cells in rows {
        let mut line: Vec<LineWord> = Vec::new();
        let mut row = Vec::with_capacity(cells.len());
        let mut begun = 0;
        for (column, cell) in cells.into_iter().enumerate() {
            let mut cell = make_line(words, cell);
            row.push(line_text(&cell));
            if let Some(first) = cell.first_mut() {
                first.cells_before = (column - begun) as u16;
                first.space_before = column > 0;
                begun = column;
            }
            line.append(&mut cell);
        }
        let kind = LineKind::TableRow {
            table,
            row: texts.len() as u32,
        };
        texts.push(row);
        push_line(page, line, kind);
    }
    let header_rows = u32::from(has_header(&texts));
    page.tables.push(LayoutTable {
        rows: texts,
        header_rows,
    });
}

/// Whether the first row names the columns: it has no numbers, the rows below do.
fn has_header(rows: &[Vec<String>]) -> bool {
    let is_number = |cell: &String| {
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        digits > 0 && digits * 2 >= cell.chars().filter(|c| c.is_alphanumeric()).count()
    };
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    let numeric_rows = rest.iter().filter(|row| row.iter().any(is_number)).count();
    !first.iter().any(is_number) && numeric_rows * 2 > rest.len()
}

fn push_line(page: &mut PageLayout, words: Vec<LineWord>, kind: LineKind) {
    if words.is_empty() {
        return;
    }
    let mut sizes: Vec<(f32, usize)> = words.iter().map(|w| (w.word.size, w.word.text.len())).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = sizes.iter().map(|(_, count)| count).sum::<usize>() / 2;
    let mut seen = 0;
    let size = sizes.iter().find(|(_, count)| {
        seen += count;
        seen > half
    });
    page.lines.push(LayoutLine {
        size: size.map_or(0.0, |(size, _)| *size),
        words,
        kind,
    });
}

/// The words of a line with the spaces between them; lines of a right-to-left script are turned.
fn make_line(words: &[LayoutWord], mut indices: Vec<usize>) -> Vec<LineWord> {
    let turned = |index: &usize| words[*index].text.starts_with(is_right_to_left);
    if indices.iter().filter(|index| turned(index)).count() * 2 > indices.len() {
        turn_line(words, &mut indices);
    }
    let mut line: Vec<LineWord> = Vec::with_capacity(indices.len());
    let mut before: Option<usize> = None;
    for index in indices {
        line.push(LineWord {
            word: words[index].clone(),
            space_before: before.is_some_and(|before| space_between(words, before, index)),
            cells_before: 0,
        });
        before = Some(index);
    }
    line
}

fn turn_line(words: &[LayoutWord], indices: &mut [usize]) {
    indices.reverse();
    let mut start = 0;
    while start < indices.len() {
        let left_to_right = |index: &&usize| !words[**index].text.starts_with(is_right_to_left);
        let length = indices[start..].iter().take_while(left_to_right).count();
        indices[start..start + length].reverse();
        start += length.max(1);
    }
}

fn space_between(words: &[LayoutWord], before: usize, after: usize) -> bool {
    let (left, right) = (&words[before], &words[after]);
    if after == before + 1 && right.join != Join::Unknown {
        return right.join == Join::Space;
    }
    let size = left.size.min(right.size);
    if (right.baseline - left.baseline).abs() > 0.6 * left.size.max(right.size) {
        // The next line of a cell.
        return !(ends_unspaced(&left.text) && starts_unspaced(&right.text));
    }
    let gap = (right.left - left.right).max(left.left - right.right);
    let limit = if ends_unspaced(&left.text) && starts_unspaced(&right.text) {
        0.55
    } else {
        0.125
    };
    gap > limit * size
}

fn ends_unspaced(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_unspaced_script)
}

fn starts_unspaced(text: &str) -> bool {
    text.chars().next().is_some_and(is_unspaced_script)
}

//! Blocks beside each other that are no running text: an address on the left, the numbers of the invoice on the right.
//!
//! A run of neighbouring rows that one wide white strip divides from top to bottom is two blocks where its sides can't be
//! the columns of one table: their lines stand on baselines of their own, or the right side names each of its values
//! itself (`Date: 5 March`) while the left side names none. A ruled table and the lines beside it are two blocks as well.
//! Everything else stays as it is, row by row.
//! Invariant: the four parts hold each segment of the region exactly once; the work is bounded for any geometry. Called
//! by `order::reading_order`: for blocks of short lines first, for all others where there is no running text in columns.

use super::LayoutWord;
use super::rows::{Row, rows_of};
use super::segments::Segment;

/// The least width of the strip, in font sizes: several times the widest space between words.
const STRIP: f32 = 3.0;
/// White space between rows that ends a run, in font sizes.
const ROW_GAP: f32 = 1.8;
/// Lines of a block.
const FEWEST_LINES: usize = 3;
/// The widest distance of a block's lines, in font sizes: the cells of a table stand farther apart than lines of text.
const WIDEST_PITCH: f32 = 2.2;
/// The share of lines that stand on lines of the other side from which on the sides are columns of one table.
const PAIRED: f32 = 0.7;
/// Rows that a run may have.
const MOST_ROWS: usize = 150;
/// A region with more segments is a large table or a drawing.
const MOST_SEGMENTS: usize = 2_000;

/// Pieces of lines are shorter than this in a block of short lines, in font sizes; those of running text are longer.
const SHORT: f32 = 12.0;

/// Which blocks are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocks {
    /// Addresses, labels and values: nothing that could be a column of running text.
    OfShortLines,
    /// Any.
    OfAnyLines,
}

/// A region with two blocks beside each other, in reading order.
pub(super) struct Beside {
    /// What stands above both; it may hold more blocks.
    pub before: Vec<usize>,
    /// The left block.
    pub left: Vec<usize>,
    /// The right block.
    pub right: Vec<usize>,
    /// What stands below both; it may hold more blocks.
    pub after: Vec<usize>,
}

impl Beside {
    /// These two blocks, which are all of some rows.
    fn around(rows: &[Row], first: usize, last: usize, left: Vec<usize>, right: Vec<usize>) -> Self {
        let all = |rows: &[Row]| rows.iter().flat_map(|row| row.segments.clone()).collect();
        Self {
            before: all(&rows[..first]),
            left,
            right,
            after: all(&rows[last + 1..]),
        }
    }
}

/// A run of rows that a strip divides.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: usize,
    last: usize,
    /// Left and right end of the strip.
    strip: (f32, f32),
}

/// The first two blocks of a region that stand beside each other.
pub(super) fn find(
    words: &[LayoutWord],
    segments: &[Segment],
    region: &[usize],
    kind: Blocks,
) -> Option<Beside> {
    if region.len() > MOST_SEGMENTS {
        return None;
    }
    let rows = rows_of(segments, region.to_vec());
    beside_strip(words, segments, &rows, kind)
        .or_else(|| beside_ruled_table(segments, &rows).filter(|_| kind == Blocks::OfAnyLines))
}

/// The first two blocks that a strip divides.
fn beside_strip(words: &[LayoutWord], segments: &[Segment], rows: &[Row], kind: Blocks) -> Option<Beside> {
    let mut tried: Vec<Run> = Vec::new();
    for index in 0..rows.len() {
        for strip in strips(segments, &rows[index..rows.len().min(index + 2)]) {
            if tried.iter().any(|run| run.holds(index, strip)) {
                continue;
            }
            let run = Run::around(segments, rows, index, strip);
            let (left, right) = run.sides(segments, rows);
            let side = |of: &[usize]| Side::of(words, segments, of);
            let fits = |side: &Side| kind == Blocks::OfAnyLines || side.piece < SHORT * side.size;
            let are_blocks = || {
                let (left, right) = (side(&left), side(&right));
                fits(&left) && fits(&right) && left.stands_beside(&right)
            };
            if left.len().min(right.len()) >= FEWEST_LINES && are_blocks() {
                return Some(Beside::around(rows, run.first, run.last, left, right));
            }
            tried.push(run);
        }
    }
    None
}

/// A ruled table with lines of text beside it, all on the same side.
fn beside_ruled_table(segments: &[Segment], rows: &[Row]) -> Option<Beside> {
    (0..rows.len())
        .filter(|&index| rows[index].grid.is_some())
        .find_map(|index| {
            let table = rows[index].segments[0];
            let grid = &segments[table];
            let is_level = |row: &Row| row.top < grid.bottom - 1.0 && row.bottom > grid.top + 1.0;
            let above = rows[..index].iter().rev().take_while(|row| is_level(row)).count();
            let below = rows[index + 1..].iter().take_while(|row| is_level(row)).count();
            let (first, last) = (index - above, index + below);
            let text: Vec<usize> = (first..=last)
                .filter(|&row| row != index)
                .flat_map(|row| rows[row].segments.iter().copied())
                .collect();
            if above + below < 2 {
                return None;
            }
            if text.iter().all(|&one| segments[one].right <= grid.left + 1.0) {
                Some(Beside::around(rows, first, last, text, vec![table]))
            } else if text.iter().all(|&one| segments[one].left >= grid.right - 1.0) {
                Some(Beside::around(rows, first, last, vec![table], text))
            } else {
                None
            }
        })
}

/// The wide white strips of a row and the one below it, which may stand beside it.
fn strips(segments: &[Segment], rows: &[Row]) -> Vec<(f32, f32)> {
    let size = rows.iter().map(|row| row.size).fold(0.0, f32::max);
    let mut spans: Vec<(f32, f32)> = rows
        .iter()
        .flat_map(|row| &row.segments)
        .map(|&index| (segments[index].left, segments[index].right))
        .collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut strips = Vec::new();
    let mut covered = f32::MAX;
    for (left, right) in spans {
        if left - covered >= STRIP * size {
            strips.push((covered, left));
        }
        covered = if covered == f32::MAX {
            right
        } else {
            covered.max(right)
        };
    }
    strips
}

impl Run {
    /// As many rows above and below as the strip stays wide in.
    fn around(segments: &[Segment], rows: &[Row], index: usize, strip: (f32, f32)) -> Self {
        let mut run = Self {
            first: index,
            last: index,
            strip,
        };
        while run.last + 1 < rows.len() && run.last - run.first < MOST_ROWS {
            let (row, next) = (&rows[run.last], &rows[run.last + 1]);
            let Some(strip) = run.narrowed(segments, row, next) else {
                break;
            };
            run = Self {
                last: run.last + 1,
                strip,
                ..run
            };
        }
        while run.first > 0 && run.last - run.first < MOST_ROWS {
            let (above, row) = (&rows[run.first - 1], &rows[run.first]);
            let apart = row.top - above.bottom > ROW_GAP * row.size;
            let Some(strip) = run.with(segments, above).filter(|_| !apart) else {
                break;
            };
            run = Self {
                first: run.first - 1,
                strip,
                ..run
            };
        }
        run
    }

    fn narrowed(&self, segments: &[Segment], row: &Row, next: &Row) -> Option<(f32, f32)> {
        let apart = next.top - row.bottom > ROW_GAP * next.size;
        if apart { None } else { self.with(segments, next) }
    }

    /// The strip with one more row; none where something stands in it or little is left of it.
    fn with(&self, segments: &[Segment], row: &Row) -> Option<(f32, f32)> {
        let (mut from, mut to) = self.strip;
        let middle = (from + to) / 2.0;
        for &index in &row.segments {
            let segment = &segments[index];
            if segment.right <= middle {
                from = from.max(segment.right);
            } else if segment.left >= middle {
                to = to.min(segment.left);
            } else {
                return None;
            }
        }
        (to - from >= STRIP * row.size).then_some((from, to))
    }

    /// Whether the run was grown over this row and strip already.
    fn holds(&self, row: usize, strip: (f32, f32)) -> bool {
        (self.first..=self.last).contains(&row) && strip.0 <= self.strip.0 && strip.1 >= self.strip.1
    }

    fn sides(&self, segments: &[Segment], rows: &[Row]) -> (Vec<usize>, Vec<usize>) {
        let middle = (self.strip.0 + self.strip.1) / 2.0;
        rows[self.first..=self.last]
            .iter()
            .flat_map(|row| row.segments.iter().copied())
            .partition(|&index| segments[index].right <= middle)
    }
}

/// One side of a strip.
struct Side {
    baselines: Vec<f32>,
    /// The middle font size of its lines.
    size: f32,
    /// The text of each line.
    lines: Vec<String>,
    /// How many pieces each line has.
    pieces: Vec<usize>,
    /// The mean width of the pieces.
    piece: f32,
}

impl Side {
    fn of(words: &[LayoutWord], segments: &[Segment], side: &[usize]) -> Self {
        let rows = rows_of(segments, side.to_vec());
        let mut sizes: Vec<f32> = rows.iter().map(|row| row.size).collect();
        sizes.sort_by(f32::total_cmp);
        Self {
            baselines: rows
                .iter()
                .map(|row| segments[row.segments[0]].baseline)
                .collect(),
            size: sizes.get(sizes.len() / 2).copied().unwrap_or(1.0).max(0.1),
            lines: rows.iter().map(|row| text_of(words, segments, row)).collect(),
            pieces: rows.iter().map(|row| row.segments.len()).collect(),
            piece: side.iter().map(|&index| segments[index].width()).sum::<f32>() / side.len().max(1) as f32,
        }
    }

    /// Whether this side and the one on its right are blocks and not columns of a table.
    fn stands_beside(&self, right: &Self) -> bool {
        let fewer = self.baselines.len().min(right.baselines.len());
        if fewer < FEWEST_LINES || !self.is_block() || !right.is_block() {
            return false;
        }
        let paired = self.paired(right) as f32 / fewer as f32;
        let alone = (1.0 - paired) * fewer as f32;
        let own_lines = paired < PAIRED && alone > FEWEST_LINES as f32 - 0.5;
        own_lines || (right.names_its_values() && self.labels().count() * 10 <= self.lines.len() * 3)
    }

    /// Lines as near to one another as those of a text, of words at least in half, and no more than labels and values.
    fn is_block(&self) -> bool {
        let (Some(first), Some(last)) = (self.baselines.first(), self.baselines.last()) else {
            return false;
        };
        let pitch = (last - first) / (self.baselines.len() - 1).max(1) as f32;
        let worded = self.lines.iter().filter(|line| has_words(line)).count();
        pitch <= WIDEST_PITCH * self.size
            && worded * 2 >= self.lines.len()
            && self.pieces.iter().all(|pieces| *pieces <= 3)
            && self.pieces.iter().filter(|pieces| **pieces == 3).count() * 5 < self.lines.len()
    }

    /// How many lines of the other side stand at the same height beside a line of this one: on its baseline, or above or
    /// below it by what all the others are too, as small labels stand beside larger values.
    fn paired(&self, other: &Self) -> usize {
        let alike_in_size = self.size.max(other.size) < 1.15 * self.size.min(other.size);
        let farthest = if alike_in_size { 0.35 } else { 1.0 } * other.size;
        let mut offsets: Vec<f32> = other
            .baselines
            .iter()
            .filter_map(|baseline| {
                let next = self.baselines.partition_point(|own| own < baseline);
                let near = self.baselines[next.saturating_sub(1)..].iter().take(2);
                let offset = near
                    .map(|own| baseline - own)
                    .min_by(|a, b| a.abs().total_cmp(&b.abs()))?;
                (offset.abs() <= farthest).then_some(offset / other.size)
            })
            .collect();
        offsets.sort_by(f32::total_cmp);
        let alike = |from: usize| {
            offsets[from..]
                .iter()
                .take_while(|offset| **offset - offsets[from] <= 0.24)
                .count()
        };
        let most = (0..offsets.len()).map(alike).max().unwrap_or(0);
        most.min(self.baselines.len())
    }

    /// Whether most lines are a label with its value, each with another label.
    fn names_its_values(&self) -> bool {
        let labels: Vec<&str> = self.labels().collect();
        let distinct: std::collections::HashSet<&str> = labels.iter().copied().collect();
        labels.len() * 10 >= self.lines.len() * 6 && distinct.len() == labels.len()
    }

    fn labels(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| {
            let (label, value) = line.split_once([':', '：'])?;
            (!label.trim().is_empty() && !value.trim().is_empty()).then_some(label.trim())
        })
    }
}

fn text_of(words: &[LayoutWord], segments: &[Segment], row: &Row) -> String {
    let mut text = String::new();
    for &word in row.segments.iter().flat_map(|&index| &segments[index].words) {
        text.push_str(&words[word].text);
        text.push(' ');
    }
    text
}

/// More letters than digits.
fn has_words(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters > line.chars().filter(|c| c.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{arranged, grid_rules, line, lines_in_rows, place, texts};

    /// Address and key–value lines: each block on a grid of its own.
    fn letterhead(pitch: f32) -> Vec<String> {
        let address = [
            ["Supplier Ltd"],
            ["Mill Lane 20"],
            ["80333 Munich"],
            ["Germany"],
            ["Buyer"],
            ["Customer plc"],
            ["69876 Frankfurt"],
        ];
        let numbers = [
            ["Invoice number", "471102"],
            ["Invoice date", "05.03.2013"],
            ["Your reference", "Smith"],
            ["Customer", "GE2020211"],
            ["Amounts in", "EUR"],
            ["Terms", "thirty days"],
        ];
        let mut lines = lines_in_rows([40.0], (60.0, 14.0), &address);
        lines.extend(lines_in_rows([330.0, 470.0], (66.0, pitch), &numbers));
        lines.push(line(
            40.0,
            190.0,
            10.0,
            "We delivered the goods below on the day of this invoice, as you ordered them.",
        ));
        texts(&arranged(&lines, &[]))
    }

    #[test]
    fn an_address_and_the_numbers_beside_it_are_read_apart() {
        let read = letterhead(16.0);
        assert_eq!(
            read[..7],
            [
                "Supplier Ltd",
                "Mill Lane 20",
                "80333 Munich",
                "Germany",
                "Buyer",
                "Customer plc",
                "69876 Frankfurt"
            ]
        );
        assert!(
            read[7].starts_with("Invoice number") && read[7].ends_with("471102"),
            "{read:#?}"
        );
        assert_eq!(read.len(), 14, "{read:#?}");
    }

    #[test]
    fn labels_on_the_same_lines_as_an_address_are_a_block_too() {
        let lines = lines_in_rows(
            [40.0, 330.0],
            (60.0, 14.0),
            &[
                ["Customer plc", "Invoice: 471102"],
                ["Mill Lane 20", "Date: 5 March 2013"],
                ["80333 Munich", "Your order: 17"],
            ],
        );
        assert_eq!(
            texts(&arranged(&lines, &[])),
            [
                "Customer plc",
                "Mill Lane 20",
                "80333 Munich",
                "Invoice: 471102",
                "Date: 5 March 2013",
                "Your order: 17"
            ]
        );
    }

    #[test]
    fn a_long_value_in_one_block_does_not_cut_both() {
        let left = [
            (60.0, "Delivery address", ""),
            (72.0, "Olive traders", ""),
            (84.0, "Harbour road 9", ""),
            (96.0, "Dos Hermanas", ""),
            (108.0, "Spain", ""),
            (130.0, "Invoice date", "11/03/2017"),
            (147.0, "Payment terms", "30% advance payment,"),
            (158.0, "", "balance at 30 days"),
            (175.0, "Due date", "12/03/2017"),
            (192.0, "Incoterms", "DELIVERED DUTY UNPAID"),
        ];
        let right = [
            (66.0, "Olive traders"),
            (79.0, "Pedro Sanchez"),
            (92.0, "Old road 87"),
            (105.0, "Spain"),
            (118.0, "Sales contact"),
            (147.0, "Tony Dubois"),
            (158.0, "+33 4 72 07 08 56"),
            (170.0, "call in the morning"),
            (181.0, "tony.dubois@example.org"),
        ];
        let mut lines = Vec::new();
        for (baseline, label, value) in left {
            lines.push(line(34.0, baseline, 10.0, label));
            lines.push(line(155.0, baseline, 10.0, value));
        }
        lines.extend(right.map(|(baseline, text)| line(326.0, baseline, 10.0, text)));
        let read = texts(&arranged(&lines, &[]));
        let at = |text: &str| place(&read, text);
        assert_eq!(at("Olive traders"), 1, "{read:#?}");
        assert!(at("UNPAID") < at("Pedro Sanchez"), "{read:#?}");
        assert!(
            at("Sales contact") + 1 == at("Tony Dubois") && at("example.org") == read.len() - 1,
            "{read:#?}"
        );
    }

    #[test]
    fn a_table_whose_cells_have_several_lines_stays_one() {
        let mut lines = Vec::new();
        for (row, (item, amount)) in [
            (["Grinding wheel", "with a spare disc", "in a box"], "1,240.10"),
            (["Kiln shelf", "silicon carbide", "on a pallet"], "84.50"),
            (["Celadon glaze", "in a drum", "of ten kilos"], "62.00"),
            (["Thermocouple", "type S", "with a plug"], "118.00"),
        ]
        .into_iter()
        .enumerate()
        {
            let top = 60.0 + 44.0 * row as f32;
            for (number, text) in item.into_iter().enumerate() {
                lines.push(line(40.0, top + 12.0 * number as f32, 10.0, text));
            }
            // In the middle of its cell, on no line of the text.
            lines.push(line(330.0, top + 6.0, 10.0, amount));
        }
        let read = texts(&arranged(&lines, &[]));
        let at = |text: &str| place(&read, text);
        assert!(at("1,240.10") < at("Kiln shelf"), "{read:#?}");
        assert!(at("84.50") < at("Celadon glaze"), "{read:#?}");
    }

    #[test]
    fn a_ruled_table_does_not_interrupt_the_address_beside_it() {
        let rules = grid_rules(&[300.0, 400.0, 500.0], &[70.0, 86.0, 102.0]);
        let lines = [
            line(40.0, 66.0, 10.0, "Customer plc"),
            line(40.0, 78.0, 10.0, "Mill Lane 20"),
            line(40.0, 90.0, 10.0, "80333 Munich"),
            line(40.0, 102.0, 10.0, "Germany"),
            line(305.0, 82.0, 10.0, "Invoice"),
            line(405.0, 82.0, 10.0, "471102"),
            line(305.0, 98.0, 10.0, "Date"),
            line(405.0, 98.0, 10.0, "5 March"),
        ];
        let read = texts(&arranged(&lines, &rules));
        assert_eq!(
            read[..4],
            ["Customer plc", "Mill Lane 20", "80333 Munich", "Germany"]
        );
        assert_eq!(read.len(), 6, "{read:#?}");
    }

    #[test]
    fn labels_and_values_of_one_form_stay_together() {
        let mut lines = Vec::new();
        for (row, (label, value)) in [
            ("Name of the tenant", "Fennimore Ceramics"),
            ("Town of the premises", "Bristol"),
            ("Use of the premises", "a workshop"),
            ("Governing law", "England and Wales"),
        ]
        .into_iter()
        .enumerate()
        {
            let baseline = 60.0 + 16.0 * row as f32;
            lines.push(line(40.0, baseline, 8.0, label));
            lines.push(line(330.0, baseline + 4.0, 10.0, value));
        }
        let read = texts(&arranged(&lines, &[]));
        let at = |text: &str| place(&read, text);
        assert!(
            at("Bristol") < at("Use of the premises") && at("a workshop") < at("Governing law"),
            "{read:#?}"
        );
    }
}

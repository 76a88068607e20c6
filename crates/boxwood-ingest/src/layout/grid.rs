//! Tables that are drawn with lines: rules → cells → rows.
//!
//! Rules that touch form a component; a component with at least two rows and two columns of cells is a table, and the
//! words inside belong to the cell that their middle falls into. A missing piece of a vertical rule joins two cells.
//! Invariant: each word is either in exactly one cell or given back. Called by `layout::arrange_into`.

use super::segments::Segment;
use super::{LayoutWord, Rule};

/// Ends that are closer than this touch, in points.
const TOUCH: f32 = 2.5;
/// More rules than this are a drawing.
const MAX_RULES: usize = 1_500;
/// A cell with more lines than this is a text box, not a cell.
const MAX_LINES_IN_CELL: usize = 12;

/// A ruled table: for each row, for each column, the words of the cell in reading order.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// Word indices by row and column.
    pub rows: Vec<Vec<Vec<usize>>>,
    columns: Vec<f32>,
    lines: Vec<f32>,
    size: f32,
}

impl Grid {
    /// The table as one block in the reading order.
    pub fn as_segment(&self, index: usize) -> Segment {
        let end = |edges: &[f32]| edges.last().copied().unwrap_or(0.0);
        Segment {
            words: Vec::new(),
            left: self.columns[0],
            right: end(&self.columns),
            top: self.lines[0],
            bottom: end(&self.lines),
            baseline: self.lines[0],
            size: self.size,
            grid: Some(index),
        }
    }
}

/// The ruled tables, and the indices of the words outside them.
pub(super) fn find_grids(words: &[LayoutWord], rules: &[Rule]) -> (Vec<Grid>, Vec<usize>) {
    let rules = merged(rules);
    let mut taken = vec![false; words.len()];
    let mut grids = Vec::new();
    if rules.len() <= MAX_RULES {
        for component in components(&rules) {
            if let Some(grid) = grid_of(words, &component, &taken) {
                for index in grid.rows.iter().flatten().flatten() {
                    taken[*index] = true;
                }
                grids.push(grid);
            }
        }
    }
    let rest = (0..words.len()).filter(|&index| !taken[index]).collect();
    (grids, rest)
}

/// Joins pieces of the same line, since many programs draw each cell by itself.
fn merged(rules: &[Rule]) -> Vec<Rule> {
    let mut rules = rules.to_vec();
    rules.sort_by(|a, b| {
        (a.horizontal.cmp(&b.horizontal))
            .then(
                (a.position / TOUCH)
                    .round()
                    .total_cmp(&(b.position / TOUCH).round()),
            )
            .then(a.from.total_cmp(&b.from))
    });
    let mut joined: Vec<Rule> = Vec::new();
    for rule in rules {
        match joined.last_mut() {
            Some(last)
                if last.horizontal == rule.horizontal
                    && (last.position - rule.position).abs() <= TOUCH
                    && rule.from <= last.to + TOUCH =>
            {
                last.to = last.to.max(rule.to);
            }
            _ => joined.push(rule),
        }
    }
    joined
}

/// Groups of rules that touch each other.
fn components(rules: &[Rule]) -> Vec<Vec<Rule>> {
    let mut parent: Vec<usize> = (0..rules.len()).collect();
    fn root(parent: &mut [usize], mut index: usize) -> usize {
        while parent[index] != index {
            parent[index] = parent[parent[index]];
            index = parent[index];
        }
        index
    }
    for (across, h) in rules.iter().enumerate().filter(|(_, rule)| rule.horizontal) {
        for (down, v) in rules.iter().enumerate().filter(|(_, rule)| !rule.horizontal) {
            let touch = v.position >= h.from - TOUCH
                && v.position <= h.to + TOUCH
                && h.position >= v.from - TOUCH
                && h.position <= v.to + TOUCH;
            if touch {
                let (a, b) = (root(&mut parent, across), root(&mut parent, down));
                parent[a] = b;
            }
        }
    }
    let mut groups: std::collections::BTreeMap<usize, Vec<Rule>> = std::collections::BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let root = root(&mut parent, index);
        groups.entry(root).or_default().push(*rule);
    }
    groups.into_values().filter(|group| group.len() >= 5).collect()
}

fn edges(rules: &[Rule], horizontal: bool) -> Vec<f32> {
    let mut edges: Vec<f32> = rules
        .iter()
        .filter(|rule| rule.horizontal == horizontal)
        .map(|rule| rule.position)
        .collect();
    edges.sort_by(f32::total_cmp);
    edges.dedup_by(|next, kept| *next - *kept <= TOUCH);
    edges
}

fn grid_of(words: &[LayoutWord], rules: &[Rule], taken: &[bool]) -> Option<Grid> {
    let (lines, columns) = (edges(rules, true), edges(rules, false));
    if lines.len() < 3 || columns.len() < 3 || lines.len() * columns.len() > 40_000 {
        return None;
    }
    let joins = joined_columns(rules, &lines, &columns);
    let mut rows = vec![vec![Vec::new(); columns.len() - 1]; lines.len() - 1];
    let mut size = 0.0f32;
    for (index, word) in words.iter().enumerate().filter(|(index, _)| !taken[*index]) {
        let (x, y) = ((word.left + word.right) / 2.0, word.baseline - 0.3 * word.size);
        if let (Some(row), Some(column)) = (cell(&lines, y), cell(&columns, x)) {
            rows[row][joins[row][column]].push(index);
            size = size.max(word.size);
        }
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    for cell in rows.iter_mut().flatten() {
        if order_lines(words, cell) > MAX_LINES_IN_CELL {
            return None;
        }
    }
    let full = rows
        .iter()
        .filter(|row| row.iter().filter(|cell| !cell.is_empty()).count() >= 2);
    let enough = rows.len() >= 2 && full.count() * 2 >= rows.len();
    enough.then_some(Grid {
        rows,
        columns,
        lines,
        size,
    })
}

/// For each row, the column whose cell each column belongs to: cells without a rule between them are one.
fn joined_columns(rules: &[Rule], lines: &[f32], columns: &[f32]) -> Vec<Vec<usize>> {
    let vertical: Vec<&Rule> = rules.iter().filter(|rule| !rule.horizontal).collect();
    let mut joins = Vec::with_capacity(lines.len() - 1);
    for pair in lines.windows(2) {
        let middle = (pair[0] + pair[1]) / 2.0;
        let mut owner: Vec<usize> = (0..columns.len() - 1).collect();
        for column in 1..owner.len() {
            let ruled = vertical.iter().any(|rule| {
                (rule.position - columns[column]).abs() <= TOUCH && rule.from <= middle && rule.to >= middle
            });
            if !ruled {
                owner[column] = owner[column - 1];
            }
        }
        joins.push(owner);
    }
    joins
}

fn cell(edges: &[f32], position: f32) -> Option<usize> {
    let next = edges.partition_point(|&edge| edge <= position);
    (next > 0 && next < edges.len()).then(|| next - 1)
}

/// Sorts the words of a cell line by line and returns how many lines they make.
fn order_lines(words: &[LayoutWord], cell: &mut [usize]) -> usize {
    cell.sort_by(|&a, &b| words[a].baseline.total_cmp(&words[b].baseline).then(a.cmp(&b)));
    let (mut start, mut lines) = (0, 0);
    for end in 1..=cell.len() {
        let same = end < cell.len()
            && words[cell[end]].baseline - words[cell[start]].baseline <= 0.4 * words[cell[start]].size;
        if !same {
            cell[start..end].sort_by(|&a, &b| words[a].left.total_cmp(&words[b].left).then(a.cmp(&b)));
            start = end;
            lines += 1;
        }
    }
    lines
}

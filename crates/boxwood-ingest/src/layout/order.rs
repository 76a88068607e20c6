//! Segments → regions in reading order: columns one after the other, what spans them in between.
//!
//! A gutter is a line from top to bottom that few segments cross. Segments that cross it (titles, wide figures) divide
//! the page into bands; a band whose two sides read as running text is read column by column. Any other band (a table,
//! a form) is read row by row, but for blocks beside each other (`blocks.rs`).
//! Invariant: each segment is in exactly one region. Called by `layout::arrange_into`.

use super::LayoutWord;
use super::blocks::{self, Blocks};
use super::segments::Segment;

const BINS: usize = 512;
const MAX_DEPTH: usize = 6;
const MAX_CANDIDATES: usize = 4;

/// Segment indices of one region, to be read row by row.
pub(super) type Region = Vec<usize>;

/// The regions in reading order.
pub(super) fn reading_order(words: &[LayoutWord], segments: &[Segment]) -> Vec<Region> {
    let mut all: Vec<usize> = (0..segments.len()).collect();
    all.sort_by(|&a, &b| {
        middle(&segments[a])
            .total_cmp(&middle(&segments[b]))
            .then(a.cmp(&b))
    });
    // Short lines first: a gutter that suits running text below may run through a block of them.
    let mut heads = Vec::new();
    part_blocks(words, segments, (all, Blocks::OfShortLines), 0, &mut heads);
    let mut ordered = Vec::with_capacity(heads.len());
    for head in heads {
        let mut regions = Vec::new();
        split(segments, head, 0, &mut regions);
        for region in regions {
            part_blocks(words, segments, (region, Blocks::OfAnyLines), 0, &mut ordered);
        }
    }
    ordered
}

/// Appends a region, its blocks of a kind one after the other.
fn part_blocks(
    words: &[LayoutWord],
    segments: &[Segment],
    (mut region, kind): (Region, Blocks),
    depth: usize,
    ordered: &mut Vec<Region>,
) {
    while depth < MAX_DEPTH
        && let Some(beside) = blocks::find(words, segments, &region, kind)
    {
        for part in [beside.before, beside.left, beside.right] {
            part_blocks(words, segments, (part, kind), depth + 1, ordered);
        }
        region = beside.after;
    }
    if !region.is_empty() {
        ordered.push(region);
    }
}

fn middle(segment: &Segment) -> f32 {
    (segment.top + segment.bottom) / 2.0
}

fn split(segments: &[Segment], indices: Vec<usize>, depth: usize, regions: &mut Vec<Region>) {
    if depth < MAX_DEPTH && indices.len() >= 6 {
        for gutter in gutters(segments, &indices) {
            let parts = bands(segments, &indices, gutter);
            if parts.iter().any(|part| matches!(part, Part::Columns(..))) {
                for part in parts {
                    match part {
                        Part::Plain(plain) => split(segments, plain, depth + 1, regions),
                        Part::Columns(left, right) => {
                            split(segments, left, depth + 1, regions);
                            split(segments, right, depth + 1, regions);
                        }
                    }
                }
                return;
            }
        }
    }
    if !indices.is_empty() {
        regions.push(indices);
    }
}

enum Part {
    Plain(Vec<usize>),
    Columns(Vec<usize>, Vec<usize>),
}

/// Cuts the region at the segments that cross the gutter; neighbours that are not columns stay together.
fn bands(segments: &[Segment], indices: &[usize], gutter: f32) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut start = 0;
    while start < indices.len() {
        let crossing = crosses(&segments[indices[start]], gutter);
        let length = indices[start..]
            .iter()
            .take_while(|&&index| crosses(&segments[index], gutter) == crossing)
            .count();
        let band = &indices[start..start + length];
        start += length;
        let (left, right): (Vec<usize>, Vec<usize>) = band
            .iter()
            .partition(|&&index| segments[index].left + segments[index].right < 2.0 * gutter);
        if !crossing && are_columns(segments, &left, &right) {
            parts.push(Part::Columns(left, right));
        } else if let Some(Part::Plain(last)) = parts.last_mut() {
            last.extend_from_slice(band);
        } else {
            parts.push(Part::Plain(band.to_vec()));
        }
    }
    parts
}

fn crosses(segment: &Segment, gutter: f32) -> bool {
    segment.left < gutter - 0.5 && segment.right > gutter + 0.5
}

/// Positions of gutters, the most promising first.
fn gutters(segments: &[Segment], indices: &[usize]) -> Vec<f32> {
    let left = indices.iter().map(|&i| segments[i].left).fold(f32::MAX, f32::min);
    let right = indices
        .iter()
        .map(|&i| segments[i].right)
        .fold(f32::MIN, f32::max);
    let width = right - left;
    if !(width > 1.0 && width.is_finite()) {
        return Vec::new();
    }
    let bin = |x: f32| (((x - left) / width * BINS as f32) as usize).min(BINS - 1);
    let (mut starting, mut ending) = (vec![0.0f32; BINS + 1], vec![0.0f32; BINS + 1]);
    let mut total = 0.0;
    for &index in indices {
        let segment = &segments[index];
        starting[bin(segment.left)] += segment.height();
        ending[bin(segment.right)] += segment.height();
        total += segment.height();
    }
    let line = total / indices.len() as f32;
    let mut before = 0.0;
    let mut after = total;
    // score of each bin that could be a gutter
    let mut scores = vec![f32::MIN; BINS];
    for position in 0..BINS {
        after -= starting[position];
        let (smaller, crossing) = (f32::min(before, after), total - before - after);
        if smaller >= 3.0 * line.min(40.0) && crossing <= 6.0 * smaller {
            scores[position] = smaller - 0.5 * crossing;
        }
        before += ending[position];
    }
    best_runs(&scores)
        .into_iter()
        .map(|position| left + width * position / BINS as f32)
        .collect()
}

/// Middles of the runs of equal best scores, without near neighbours.
fn best_runs(scores: &[f32]) -> Vec<f32> {
    let mut runs: Vec<(f32, f32)> = Vec::new();
    let mut start = 0;
    for end in 1..=scores.len() {
        if end == scores.len() || scores[end] != scores[start] {
            if scores[start] > f32::MIN {
                runs.push((scores[start], (start + end) as f32 / 2.0));
            }
            start = end;
        }
    }
    runs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut chosen: Vec<f32> = Vec::new();
    for (_, position) in runs {
        if chosen
            .iter()
            .all(|other| (other - position).abs() > BINS as f32 / 24.0)
        {
            chosen.push(position);
        }
        if chosen.len() == MAX_CANDIDATES {
            break;
        }
    }
    chosen
}

/// Whether the two sides of a band read as running text, not as the columns of a table.
fn are_columns(segments: &[Segment], left: &[usize], right: &[usize]) -> bool {
    let fewer = left.len().min(right.len());
    if fewer < 3 {
        return false;
    }
    let paired = paired_lines(segments, left, right) as f32 / fewer as f32;
    let (left, right) = (Prose::of(segments, left), Prose::of(segments, right));
    if paired > 0.7 {
        left.is_text(0.72) && right.is_text(0.72)
    } else {
        let either = left.is_text(0.5) || right.is_text(0.5);
        (left.is_text(0.5) && right.is_text(0.5)) || (paired < 0.35 && either)
    }
}

/// How many lines of the right side stand on the baseline of a line of the left side.
fn paired_lines(segments: &[Segment], left: &[usize], right: &[usize]) -> usize {
    let mut baselines: Vec<f32> = left.iter().map(|&i| segments[i].baseline).collect();
    baselines.sort_by(f32::total_cmp);
    right
        .iter()
        .filter(|&&index| {
            let tolerance = 0.12 * segments[index].size;
            let baseline = segments[index].baseline;
            let next = baselines.partition_point(|&other| other < baseline - tolerance);
            baselines
                .get(next)
                .is_some_and(|&other| other <= baseline + tolerance)
        })
        .count()
}

/// How much the lines of one side look like running text.
struct Prose {
    /// Mean line width in font sizes, long lines counting more.
    ems: f32,
    /// The same as a share of the column's width.
    fill: f32,
}

impl Prose {
    fn of(segments: &[Segment], side: &[usize]) -> Self {
        let (mut widths, mut squares, mut ems) = (0.0f32, 0.0f32, 0.0f32);
        let (mut left, mut right) = (f32::MAX, f32::MIN);
        for &index in side {
            let segment = &segments[index];
            let width = segment.width();
            widths += width;
            squares += width * width;
            ems += width * width / segment.size.max(1.0);
            left = left.min(segment.left);
            right = right.max(segment.right);
        }
        let widths = widths.max(0.1);
        Self {
            ems: ems / widths,
            fill: squares / widths / (right - left).max(0.1),
        }
    }

    fn is_text(&self, fill: f32) -> bool {
        self.ems >= 10.0 && self.fill >= fill
    }
}

//! Words → segments: pieces of one line without a wide gap, the atoms of columns and tables.
//!
//! Invariant: each word index is in exactly one segment. Called by `layout::arrange_into`.

use super::LayoutWord;

/// A gap that ends a segment, in font sizes.
const SEGMENT_GAP: f32 = 1.0;
/// The widest gap between a currency sign and its amount, in font sizes.
const CURRENCY_GAP: f32 = 8.0;

/// A piece of a line, or a ruled table as a block.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// Indices of its words, along the line.
    pub words: Vec<usize>,
    /// Left end along the line.
    pub left: f32,
    /// Right end.
    pub right: f32,
    /// Upper edge.
    pub top: f32,
    /// Lower edge.
    pub bottom: f32,
    /// Baseline.
    pub baseline: f32,
    /// The largest font size in it.
    pub size: f32,
    /// Index of the ruled table that it stands for.
    pub grid: Option<usize>,
}

impl Segment {
    fn of_word(words: &[LayoutWord], index: usize) -> Self {
        let word = &words[index];
        Self {
            words: vec![index],
            left: word.left,
            right: word.right,
            top: word.baseline - 0.8 * word.size,
            bottom: word.baseline + 0.2 * word.size,
            baseline: word.baseline,
            size: word.size,
            grid: None,
        }
    }

    fn absorb(&mut self, other: Self) {
        self.words.extend(other.words);
        self.left = self.left.min(other.left);
        self.right = self.right.max(other.right);
        self.top = self.top.min(other.top);
        self.bottom = self.bottom.max(other.bottom);
        if other.size > self.size * 1.1 {
            self.baseline = other.baseline;
        }
        self.size = self.size.max(other.size);
    }

    /// Height of its line.
    pub fn height(&self) -> f32 {
        (self.bottom - self.top).max(0.1)
    }

    /// Width along the line.
    pub fn width(&self) -> f32 {
        (self.right - self.left).max(0.0)
    }
}

/// The segments of the words with these indices, sorted from the first line to the last.
pub(super) fn segments_of(words: &[LayoutWord], mut indices: Vec<usize>) -> Vec<Segment> {
    indices.sort_by(|&a, &b| words[a].baseline.total_cmp(&words[b].baseline).then(a.cmp(&b)));
    let mut segments = Vec::new();
    let mut start = 0;
    for end in 1..=indices.len() {
        let same_row = indices.get(end).is_some_and(|&next| {
            let next = &words[next];
            let (first, last) = (&words[indices[start]], &words[indices[end - 1]]);
            let size = next.size.min(last.size);
            next.baseline - last.baseline <= 0.2 * size && next.baseline - first.baseline <= 0.4 * size
        });
        if !same_row {
            split_row(words, &mut indices[start..end], &mut segments);
            start = end;
        }
    }
    attach_raised(words, segments)
}

fn split_row(words: &[LayoutWord], row: &mut [usize], segments: &mut Vec<Segment>) {
    row.sort_by(|&a, &b| words[a].left.total_cmp(&words[b].left).then(a.cmp(&b)));
    let mut current: Option<Segment> = None;
    for &index in row.iter() {
        let next = Segment::of_word(words, index);
        match &mut current {
            Some(last) if belong_together(words, last, &next) => last.absorb(next),
            _ => segments.extend(current.replace(next)),
        }
    }
    segments.extend(current);
}

/// Whether a word continues a segment. A dollar sign belongs to the amount after it, however far that stands.
fn belong_together(words: &[LayoutWord], last: &Segment, next: &Segment) -> bool {
    let text = |segment: &Segment| segment.words.last().map_or("", |&word| words[word].text.as_str());
    let (gap, size) = (next.left - last.right, last.size.max(next.size));
    let amount = text(next).starts_with(|c: char| c.is_ascii_digit() || matches!(c, '(' | '—' | '-' | '.'));
    if last.words.len() == 1 && is_currency(text(last)) && amount {
        return gap <= CURRENCY_GAP * size;
    }
    let ends_amount = text(last).ends_with(|c: char| c.is_ascii_digit() || matches!(c, ')' | '—' | '%'));
    if is_currency(text(next)) && ends_amount && gap > 0.45 * size {
        return false;
    }
    gap <= SEGMENT_GAP * size
}

fn is_currency(text: &str) -> bool {
    matches!(text, "$" | "US$" | "€" | "£" | "¥" | "₩")
}

/// Puts raised and lowered marks (footnote numbers, indices) into the line that they stand at.
fn attach_raised(words: &[LayoutWord], mut segments: Vec<Segment>) -> Vec<Segment> {
    segments.sort_by(|a, b| a.baseline.total_cmp(&b.baseline).then(a.left.total_cmp(&b.left)));
    let mut host_of = vec![None; segments.len()];
    for index in 0..segments.len() {
        let mark = &segments[index];
        if mark.width() > 4.0 * mark.size {
            continue;
        }
        let below = (index + 1..segments.len())
            .take_while(|&i| segments[i].baseline - mark.baseline < 3.0 * mark.size);
        let above = (0..index)
            .rev()
            .take_while(|&i| mark.baseline - segments[i].baseline < 2.0 * mark.size);
        host_of[index] = below.chain(above).find(|&i| is_host(&segments[i], mark));
    }
    for index in 0..segments.len() {
        if let Some(host) = host_of[index]
            && host_of[host].is_none()
        {
            let mark = std::mem::take(&mut segments[index].words);
            segments[host].words.extend(mark);
            let (left, right) = (segments[index].left, segments[index].right);
            segments[host].left = segments[host].left.min(left);
            segments[host].right = segments[host].right.max(right);
            segments[host]
                .words
                .sort_by(|&a, &b| words[a].left.total_cmp(&words[b].left).then(a.cmp(&b)));
        }
    }
    segments.retain(|segment| !segment.words.is_empty());
    segments
}

fn is_host(line: &Segment, mark: &Segment) -> bool {
    let middle = (mark.top + mark.bottom) / 2.0;
    let near = 0.45 * line.size;
    line.size > 1.15 * mark.size
        && middle > line.top - 0.15 * line.size
        && middle < line.bottom + 0.1 * line.size
        && mark.left < line.right + near
        && mark.right > line.left - near
}

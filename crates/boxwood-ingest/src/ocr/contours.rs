//! A map of text probabilities → rotated boxes around lines of text.
//!
//! Pixels above a threshold are joined into components row by row; the smallest rotated rectangle around a component is
//! widened, since the map shows the core of the letters only.
//! Invariant: linear in the number of pixels but for the hull of each component. Used by `ppocr`.

const THRESHOLD: f32 = 0.3;
const MIN_SCORE: f32 = 0.55;
const WIDEN: f32 = 1.6;
const MIN_SIDE: f32 = 3.0;
const MAX_BOXES: usize = 4_000;

/// A rectangle that may be rotated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RotatedBox {
    /// Middle.
    pub x: f32,
    /// Middle.
    pub y: f32,
    /// Unit vector along the width; within 45° of the x axis.
    pub along: (f32, f32),
    /// Size along `along`.
    pub width: f32,
    /// Size across.
    pub height: f32,
}

impl RotatedBox {
    /// The same box on an image of another scale.
    pub fn scaled(self, x: f32, y: f32) -> Self {
        Self {
            x: self.x * x,
            y: self.y * y,
            width: self.width * x,
            height: self.height * y,
            ..self
        }
    }

    /// A point of the box; both coordinates run from 0 to 1.
    pub fn point(&self, across: f32, down: f32) -> (f32, f32) {
        let (u, v) = ((across - 0.5) * self.width, (down - 0.5) * self.height);
        (
            self.x + self.along.0 * u - self.along.1 * v,
            self.y + self.along.1 * u + self.along.0 * v,
        )
    }
}

/// The boxes of a map of `width` × `height` probabilities.
pub(super) fn text_boxes(map: &[f32], width: usize, height: usize) -> Vec<RotatedBox> {
    let mut boxes: Vec<RotatedBox> = components(map, width, height)
        .into_iter()
        .filter(|component| component.sum / component.count as f32 >= MIN_SCORE)
        .filter_map(|component| smallest_box(&hull(component.edge)))
        .filter(|found| found.width.min(found.height) >= MIN_SIDE)
        .map(widened)
        .collect();
    boxes.truncate(MAX_BOXES);
    boxes
}

fn widened(found: RotatedBox) -> RotatedBox {
    let distance = found.width * found.height * WIDEN / (2.0 * (found.width + found.height));
    RotatedBox {
        width: found.width + 2.0 * distance,
        height: found.height + 2.0 * distance,
        ..found
    }
}

struct Component {
    sum: f32,
    count: usize,
    /// First and last pixel of each of its runs.
    edge: Vec<(f32, f32)>,
}

struct Run {
    start: usize,
    end: usize,
    row: usize,
}

fn components(map: &[f32], width: usize, height: usize) -> Vec<Component> {
    let mut runs: Vec<Run> = Vec::new();
    let mut parent: Vec<usize> = Vec::new();
    let mut previous = 0..0;
    for (row, pixels) in map.chunks_exact(width.max(1)).take(height).enumerate() {
        let first = runs.len();
        let mut x = 0;
        while x < width {
            if pixels[x] <= THRESHOLD {
                x += 1;
                continue;
            }
            let start = x;
            while x < width && pixels[x] > THRESHOLD {
                x += 1;
            }
            parent.push(runs.len());
            runs.push(Run { start, end: x, row });
        }
        let mut above = previous.start;
        for index in first..runs.len() {
            while above < previous.end && runs[above].end < runs[index].start {
                above += 1;
            }
            let mut touching = above;
            while touching < previous.end && runs[touching].start <= runs[index].end {
                join(&mut parent, touching, index);
                touching += 1;
            }
        }
        previous = first..runs.len();
    }
    gather(map, width, &runs, &mut parent)
}

fn gather(map: &[f32], width: usize, runs: &[Run], parent: &mut [usize]) -> Vec<Component> {
    let mut slot: Vec<Option<usize>> = vec![None; runs.len()];
    let mut found: Vec<Component> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let root = root(parent, index);
        let at = *slot[root].get_or_insert_with(|| {
            found.push(Component {
                sum: 0.0,
                count: 0,
                edge: Vec::new(),
            });
            found.len() - 1
        });
        let component = &mut found[at];
        let row = run.row * width;
        component.sum += map[row + run.start..row + run.end].iter().sum::<f32>();
        component.count += run.end - run.start;
        for x in [run.start as f32, run.end as f32] {
            component.edge.push((x, run.row as f32));
            component.edge.push((x, run.row as f32 + 1.0));
        }
    }
    found
}

fn root(parent: &mut [usize], mut index: usize) -> usize {
    while parent[index] != index {
        parent[index] = parent[parent[index]];
        index = parent[index];
    }
    index
}

fn join(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[b] = a;
}

/// The convex hull, by the monotone chain.
fn hull(mut points: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let cross =
        |o: (f32, f32), a: (f32, f32), b: (f32, f32)| (a.0 - o.0) * (b.1 - o.1) - (a.1 - o.1) * (b.0 - o.0);
    let mut chain: Vec<(f32, f32)> = Vec::new();
    for pass in 0..2 {
        let base = chain.len();
        for step in 0..points.len() {
            let point = if pass == 0 {
                points[step]
            } else {
                points[points.len() - 1 - step]
            };
            while chain.len() >= base + 2
                && cross(chain[chain.len() - 2], chain[chain.len() - 1], point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
    }
    chain
}

/// The rectangle of the smallest area around a hull: one of its sides lies on an edge of the hull.
fn smallest_box(hull: &[(f32, f32)]) -> Option<RotatedBox> {
    let mut best: Option<(f32, RotatedBox)> = None;
    for index in 0..hull.len() {
        let (a, b) = (hull[index], hull[(index + 1) % hull.len()]);
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        if length < 0.5 {
            continue;
        }
        let candidate = box_along(hull, ((b.0 - a.0) / length, (b.1 - a.1) / length));
        let area = candidate.width * candidate.height;
        if best.is_none_or(|(least, _)| area < least) {
            best = Some((area, candidate));
        }
    }
    // Nearly straight boxes are made straight: lines of text are, and the crop is sharper.
    let (area, found) = best?;
    let straight = box_along(hull, (1.0, 0.0));
    Some(if straight.width * straight.height <= 1.12 * area {
        straight
    } else {
        found
    })
}

fn box_along(hull: &[(f32, f32)], (mut ex, mut ey): (f32, f32)) -> RotatedBox {
    // Turn by quarters until the width lies within 45° of the x axis.
    while ex < ey.abs() || ex <= -ey.abs() {
        (ex, ey) = (-ey, ex);
        if ex >= ey.abs() {
            break;
        }
    }
    let (mut left, mut right, mut top, mut bottom) = (f32::MAX, f32::MIN, f32::MAX, f32::MIN);
    for &(x, y) in hull {
        let (u, v) = (x * ex + y * ey, y * ex - x * ey);
        left = left.min(u);
        right = right.max(u);
        top = top.min(v);
        bottom = bottom.max(v);
    }
    let (u, v) = ((left + right) / 2.0, (top + bottom) / 2.0);
    RotatedBox {
        x: u * ex - v * ey,
        y: u * ey + v * ex,
        along: (ex, ey),
        width: right - left,
        height: bottom - top,
    }
}

//! A drawing device that collects glyphs, ruled lines and the area of images instead of painting them.
//!
//! Invariant: everything is in points from the top left of the rotated, cropped page; memory per page is bounded by
//! [`MAX_GLYPHS`] and [`MAX_RULES`], and what goes beyond is counted. Driven by `pdf::page`.

use super::unicode::UnicodeFallback;
use crate::layout::{Glyph, GlyphText, Rule, VERTICAL, is_meaningless};
use boxwood_core::BoundingBox;
use hayro::hayro_interpret::font::{Glyph as PdfGlyph, GlyphRun, PositionedGlyph};
use hayro::hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};
use hayro::kurbo::{Affine, BezPath, PathEl, Point, Rect};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const MAX_GLYPHS: usize = 400_000;
const MAX_RULES: usize = 4_000;
const MAX_PATH_ELEMENTS: usize = 40_000;
/// The page is divided into this many cells a side to measure how much of it images cover.
const COVERAGE_CELLS: usize = 32;
const ASCENT: f32 = 0.8;
const DESCENT: f32 = 0.2;

/// What a page draws, as far as reading it needs to know.
#[derive(Default)]
pub(super) struct Drawn {
    /// Glyphs in the order of the file, without duplicates.
    pub glyphs: Vec<Glyph>,
    /// Ruled lines.
    pub rules: Vec<Rule>,
    /// Glyphs whose character nobody knows.
    pub unknown: usize,
    /// Glyphs outside the visible page.
    pub outside: usize,
    /// Glyphs beyond the limit of a page.
    pub beyond_limit: usize,
    /// Shapes with curves: text may be drawn as such.
    pub curved_shapes: usize,
    /// Images that were drawn.
    pub images: usize,
    coverage: Vec<bool>,
}

impl Drawn {
    /// The share of the page that images cover, 0 to 1.
    pub fn image_share(&self) -> f32 {
        let covered = self.coverage.iter().filter(|cell| **cell).count();
        covered as f32 / (COVERAGE_CELLS * COVERAGE_CELLS) as f32
    }
}

/// The device.
pub(super) struct Collector<'f> {
    /// What was collected.
    pub drawn: Drawn,
    width: f32,
    height: f32,
    seen: HashMap<(char, i32, i32), (f32, f32), BuildHasherDefault<CellHasher>>,
    fallback: &'f UnicodeFallback,
    path_elements: usize,
}

impl<'f> Collector<'f> {
    /// A device for a page of this size.
    pub fn new(width: f32, height: f32, fallback: &'f UnicodeFallback) -> Self {
        Self {
            drawn: Drawn {
                coverage: vec![false; COVERAGE_CELLS * COVERAGE_CELLS],
                ..Drawn::default()
            },
            width,
            height,
            seen: HashMap::default(),
            fallback,
            path_elements: 0,
        }
    }

    fn push_run(&mut self, run: &GlyphRun<'_, '_>, transform: Affine) {
        let glyphs = run.glyphs();
        if self.drawn.glyphs.len() + glyphs.len() > MAX_GLYPHS {
            self.drawn.beyond_limit += glyphs.len();
            return;
        }
        let vertical = run.writing_mode() == WritingMode::Vertical;
        let mut metrics: Vec<Metrics> = glyphs
            .iter()
            .map(|glyph| Metrics::of(glyph, transform, vertical))
            .collect();
        if !vertical {
            settle_advances(&mut metrics);
        }
        let type3 = glyphs.iter().any(|glyph| matches!(**glyph, PdfGlyph::Type3(_)));
        let size_factor = if type3 { type3_size_factor(&metrics) } else { 1.0 };
        for (glyph, metrics) in glyphs.iter().zip(&metrics) {
            if metrics.is_usable() {
                self.push_glyph(glyph, metrics, size_factor, vertical);
            }
        }
    }

    fn push_glyph(
        &mut self,
        glyph: &PositionedGlyph<'_>,
        metrics: &Metrics,
        size_factor: f32,
        vertical: bool,
    ) {
        let text = self.text_of(glyph);
        let glyph = metrics.place(text, metrics.size * size_factor, vertical);
        let bounds = glyph.bounds;
        if bounds.right < 0.0 || bounds.bottom < 0.0 || bounds.left > self.width || bounds.top > self.height {
            self.drawn.outside += usize::from(!glyph.text.is_space());
            return;
        }
        if glyph.text.is_space() || !self.is_duplicate(&glyph) {
            self.drawn.unknown += usize::from(is_meaningless(glyph.text.first()));
            self.drawn.glyphs.push(glyph);
        }
    }

    fn text_of(&self, glyph: &PdfGlyph<'_>) -> GlyphText {
        let unicode = glyph.as_unicode().or_else(|| match glyph {
            PdfGlyph::Outline(outline) => self.fallback.lookup(outline),
            PdfGlyph::Type3(_) => None,
        });
        match unicode {
            Some(BfString::Char('\0')) | None => GlyphText::Char('\u{fffd}'),
            Some(BfString::Char(c)) => GlyphText::Char(c),
            Some(BfString::String(text)) => {
                let text = text.trim_matches('\0');
                if text.is_empty() {
                    GlyphText::Char('\u{fffd}')
                } else {
                    GlyphText::Text(text.into())
                }
            }
        }
    }

    /// Whether the same character was already drawn here, as programs do to make it look bold.
    fn is_duplicate(&mut self, glyph: &Glyph) -> bool {
        let first = glyph.text.first();
        let tolerance = 0.12 * glyph.size;
        let cell = 4.0 * tolerance.max(0.05);
        let (x, y) = (glyph.bounds.left, glyph.bounds.bottom);
        let (fx, fy) = (x / cell, y / cell);
        let near = |f: f32| {
            if f.fract().abs() < 0.5 {
                f.floor() as i32 - 1
            } else {
                f.floor() as i32 + 1
            }
        };
        let (cx, cy) = (fx.floor() as i32, fy.floor() as i32);
        for key in [
            (first, cx, cy),
            (first, near(fx), cy),
            (first, cx, near(fy)),
            (first, near(fx), near(fy)),
        ] {
            if let Some(&(other_x, other_y)) = self.seen.get(&key)
                && (x - other_x).abs() <= tolerance
                && (y - other_y).abs() <= tolerance
            {
                return true;
            }
        }
        self.seen.insert((first, cx, cy), (x, y));
        false
    }

    fn push_rule(&mut self, a: Point, b: Point) {
        if self.drawn.rules.len() >= MAX_RULES {
            return;
        }
        let (dx, dy) = ((a.x - b.x).abs(), (a.y - b.y).abs());
        let rule = if dy <= 1.0 && dx >= 6.0 {
            Rule {
                horizontal: true,
                position: ((a.y + b.y) / 2.0) as f32,
                from: a.x.min(b.x) as f32,
                to: a.x.max(b.x) as f32,
            }
        } else if dx <= 1.0 && dy >= 6.0 {
            Rule {
                horizontal: false,
                position: ((a.x + b.x) / 2.0) as f32,
                from: a.y.min(b.y) as f32,
                to: a.y.max(b.y) as f32,
            }
        } else {
            return;
        };
        if rule.position.is_finite() && rule.from.is_finite() && rule.to.is_finite() {
            self.drawn.rules.push(rule);
        }
    }

    /// A filled box that is so thin that it is a line.
    fn push_thin(&mut self, bounds: Rect) {
        let middle = bounds.center();
        if bounds.height() <= 3.0 && bounds.width() > bounds.height() {
            self.push_rule(Point::new(bounds.x0, middle.y), Point::new(bounds.x1, middle.y));
        } else if bounds.width() <= 3.0 {
            self.push_rule(Point::new(middle.x, bounds.y0), Point::new(middle.x, bounds.y1));
        }
    }

    fn push_path(&mut self, path: &BezPath, transform: Affine, stroked: bool) {
        self.path_elements += path.elements().len();
        if self.path_elements > MAX_PATH_ELEMENTS {
            return;
        }
        let (mut start, mut last) = (Point::ZERO, Point::ZERO);
        let mut bounds: Option<Rect> = None;
        let mut curved = false;
        for element in path.elements() {
            let next = element.end_point().map(|point| transform * point);
            match (element, next) {
                (PathEl::MoveTo(_), Some(next)) => {
                    if let (Some(bounds), false) = (bounds.take(), stroked) {
                        self.push_thin(bounds);
                    }
                    start = next;
                }
                (PathEl::LineTo(_), Some(next)) if stroked => self.push_rule(last, next),
                (PathEl::ClosePath, _) if stroked => self.push_rule(last, start),
                (PathEl::QuadTo(..) | PathEl::CurveTo(..), _) => curved = true,
                _ => {}
            }
            last = next.unwrap_or(start);
            bounds = Some(bounds.map_or(Rect::from_points(last, last), |bounds| bounds.union_pt(last)));
        }
        if let (Some(bounds), false, false) = (bounds, stroked, curved) {
            self.push_thin(bounds);
        }
        self.drawn.curved_shapes += usize::from(curved);
    }

    fn cover(&mut self, bounds: Rect) {
        let cell = |position: f64, length: f32| {
            let scaled = position / f64::from(length.max(1.0)) * COVERAGE_CELLS as f64;
            scaled.clamp(0.0, COVERAGE_CELLS as f64)
        };
        let (left, right) = (
            cell(bounds.x0, self.width).round(),
            cell(bounds.x1, self.width).round(),
        );
        let (top, bottom) = (
            cell(bounds.y0, self.height).round(),
            cell(bounds.y1, self.height).round(),
        );
        for row in top as usize..bottom as usize {
            let row = row * COVERAGE_CELLS;
            self.drawn.coverage[row + left as usize..row + right as usize].fill(true);
        }
    }
}

impl<'a> Device<'a> for Collector<'_> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        match mode {
            DrawMode::Stroke(_) | DrawMode::FillAndStroke(..) => self.push_path(path, props.transform, true),
            DrawMode::Fill(_) => self.push_path(path, props.transform, false),
            DrawMode::Invisible => {}
        }
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, mode: &DrawMode) {
        let bounds = props.transform.transform_rect_bbox(*rect);
        match mode {
            DrawMode::Fill(_) => self.push_thin(bounds),
            DrawMode::Stroke(_) | DrawMode::FillAndStroke(..) => {
                let corners = [
                    Point::new(bounds.x0, bounds.y0),
                    Point::new(bounds.x1, bounds.y0),
                    Point::new(bounds.x1, bounds.y1),
                    Point::new(bounds.x0, bounds.y1),
                ];
                for corner in 0..4 {
                    self.push_rule(corners[corner], corners[(corner + 1) % 4]);
                }
            }
            DrawMode::Invisible => {}
        }
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _mode: &DrawMode) {
        // Invisible text counts too: it is how scans carry their recognised text.
        self.push_run(run, props.transform);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let (width, height) = (image.width(), image.height());
        if width < 8 && height < 8 {
            return;
        }
        self.drawn.images += 1;
        let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        self.cover(props.transform.transform_rect_bbox(bounds));
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &Rect) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// Where a glyph stands and how large it is, in page space.
struct Metrics {
    origin: Point,
    /// Unit vector along the line.
    along: (f32, f32),
    size: f32,
    /// Size of the font along the line, which differs from `size` for stretched text.
    along_size: f32,
    /// Advance in font sizes, as the PDF states it.
    advance: f32,
    /// Advance in points.
    width: f32,
}

impl Metrics {
    fn of(glyph: &PositionedGlyph<'_>, transform: Affine, vertical: bool) -> Self {
        let [a, b, c, d, x, y] = (transform * glyph.transform()).as_coeffs();
        let length = a.hypot(b);
        let advance = match &**glyph {
            PdfGlyph::Outline(outline) => outline.advance_width(),
            PdfGlyph::Type3(type3) => type3.advance_width(),
        };
        let advance = if vertical {
            1.0
        } else {
            advance.unwrap_or(500.0) / 1000.0
        };
        let along_size = (length * 1000.0) as f32;
        Self {
            origin: Point::new(x, y),
            along: ((a / length) as f32, (b / length) as f32),
            size: (c.hypot(d) * 1000.0) as f32,
            along_size,
            advance,
            width: advance * along_size,
        }
    }

    fn is_usable(&self) -> bool {
        self.origin.is_finite() && self.size.is_finite() && self.size > 0.05 && self.along.0.is_finite()
    }

    fn place(&self, text: GlyphText, size: f32, vertical: bool) -> Glyph {
        let (x, y) = (self.origin.x as f32, self.origin.y as f32);
        if vertical && self.along.0 > 0.9 {
            let (left, top) = (x, y - 0.88 * size);
            return Glyph {
                text,
                left: top,
                right: top + size,
                baseline: -(left + size / 2.0),
                size,
                bounds: BoundingBox {
                    left,
                    top,
                    right: left + size,
                    bottom: top + size,
                },
                direction: VERTICAL,
            };
        }
        let (direction, (ex, ey)) = snapped(self.along);
        let width = if self.width.is_finite() {
            self.width.max(0.0)
        } else {
            0.0
        };
        let left = x * ex + y * ey;
        // Upwards is towards the line before: (ey, -ex).
        let corner = |along: f32, up: f32| (x + ex * along + ey * up, y + ey * along - ex * up);
        let corners = [
            corner(0.0, ASCENT * size),
            corner(width, ASCENT * size),
            corner(0.0, -DESCENT * size),
            corner(width, -DESCENT * size),
        ];
        let least = |pick: fn(&(f32, f32)) -> f32| corners.iter().map(pick).fold(f32::MAX, f32::min);
        let most = |pick: fn(&(f32, f32)) -> f32| corners.iter().map(pick).fold(f32::MIN, f32::max);
        Glyph {
            text,
            left,
            right: left + width,
            baseline: y * ex - x * ey,
            size,
            bounds: BoundingBox {
                left: least(|c| c.0),
                top: least(|c| c.1),
                right: most(|c| c.0),
                bottom: most(|c| c.1),
            },
            direction,
        }
    }
}

/// The direction in whole degrees, with its unit vector; nearly straight text counts as straight.
fn snapped((x, y): (f32, f32)) -> (i16, (f32, f32)) {
    const NEARLY: f32 = 0.9994;
    if x > NEARLY {
        (0, (1.0, 0.0))
    } else if y > NEARLY {
        (90, (0.0, 1.0))
    } else if x < -NEARLY {
        (180, (-1.0, 0.0))
    } else if y < -NEARLY {
        (270, (0.0, -1.0))
    } else {
        let degrees = y.atan2(x).to_degrees().round();
        let (sine, cosine) = degrees.to_radians().sin_cos();
        ((degrees as i16).rem_euclid(360), (cosine, sine))
    }
}

/// Fonts that are not embedded are stretched glyph by glyph to the widths that the file states; the advance is then
/// not stretched. Which of the two holds shows in where the next glyph begins.
fn settle_advances(metrics: &mut [Metrics]) {
    let mut plain = 0i32;
    for index in 1..metrics.len() {
        let (before, after) = (&metrics[index - 1], &metrics[index]);
        if (before.along_size - before.size).abs() <= 0.01 * before.size {
            continue;
        }
        let step = (after.origin - before.origin).hypot() as f32;
        let stretched_off = (before.advance * before.along_size - step).abs();
        let plain_off = (before.advance * before.size - step).abs();
        plain += if plain_off < stretched_off { 1 } else { -1 };
    }
    if plain > 0 {
        for metrics in metrics {
            metrics.width = metrics.advance * metrics.size;
        }
    }
}

/// Type 3 fonts may draw at any scale; their advances tell the real size.
fn type3_size_factor(metrics: &[Metrics]) -> f32 {
    let total: f32 = metrics
        .iter()
        .map(|m| m.width / m.size.max(0.001))
        .filter(|w| w.is_finite())
        .sum();
    let mean = total / metrics.len().max(1) as f32;
    if mean > 1.3 || (mean > 0.0 && mean < 0.15) {
        mean * 2.0
    } else {
        1.0
    }
}

/// A quick hasher for grid cells.
#[derive(Default)]
struct CellHasher(u64);

impl Hasher for CellHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(value)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_i32(&mut self, value: i32) {
        self.write_u32(value as u32);
    }
}

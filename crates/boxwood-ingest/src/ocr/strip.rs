//! Lines of a page, cut out and set below each other, for an engine that reads whole images.
//!
//! Invariant: what is read in a row goes back to that line's place on the page. Used by `ocr::foreign`, which reads
//! with Tesseract the lines that the embedded engine found.

use super::ppocr::page_box;
use super::resize::{Turn, crop_into};
use super::{LineCrop, RecognisedLine, RecognisedWord};
use image::{Rgb, RgbImage};

/// Height of a cut-out line; its letters take about six tenths of it.
const ROW_HEIGHT: usize = 56;
/// Around every row, in the row's own background.
const MARGIN: usize = 20;
const MAX_ROW_WIDTH: usize = 2_800;

/// The image and where its rows come from.
pub(super) struct Strip {
    /// The rows, below each other.
    pub image: RgbImage,
    rows: Vec<(LineCrop, usize)>,
}

impl Strip {
    /// Cuts lines out of an image.
    pub fn of(image: &RgbImage, crops: &[LineCrop]) -> Self {
        let rows: Vec<(LineCrop, usize)> = crops.iter().map(|crop| (*crop, row_width(crop))).collect();
        let width = rows.iter().map(|(_, width)| *width).max().unwrap_or(1) + 2 * MARGIN;
        let height = rows.len().max(1) * pitch();
        let mut strip = RgbImage::from_pixel(width as u32, height as u32, Rgb([255; 3]));
        for (index, (crop, row_width)) in rows.iter().enumerate() {
            paint_row(image, crop, *row_width, index * pitch(), &mut strip);
        }
        Self { image: strip, rows }
    }

    /// What was read, by row, with boxes in pixels of the page.
    pub fn words_by_row(&self, lines: Vec<RecognisedLine>) -> Vec<Vec<RecognisedWord>> {
        let mut by_row: Vec<Vec<RecognisedWord>> = vec![Vec::new(); self.rows.len()];
        for line in lines {
            for (index, mut word) in line.words.into_iter().enumerate() {
                let middle = (word.bounds.top + word.bounds.bottom) / 2.0;
                let row = (middle / pitch() as f32) as usize;
                let (Some((crop, width)), Some(words)) = (self.rows.get(row), by_row.get_mut(row)) else {
                    continue;
                };
                let along = |x: f32| ((x - MARGIN as f32) / *width as f32).clamp(0.0, 1.0);
                word.bounds = page_box(
                    &crop.region,
                    crop.turn,
                    along(word.bounds.left),
                    along(word.bounds.right),
                );
                // The engine may find two lines in one row: the second goes on after a space.
                word.space_before |= index == 0 && !words.is_empty();
                words.push(word);
            }
        }
        by_row
    }
}

fn pitch() -> usize {
    ROW_HEIGHT + 2 * MARGIN
}

fn row_width(crop: &LineCrop) -> usize {
    ((crop.ratio() * ROW_HEIGHT as f32).ceil() as usize).clamp(ROW_HEIGHT / 2, MAX_ROW_WIDTH)
}

/// Paints a line into its row, on a band of the line's own background.
fn paint_row(image: &RgbImage, crop: &LineCrop, width: usize, top: usize, strip: &mut RgbImage) {
    let plane = width * ROW_HEIGHT;
    let mut planes = vec![0.0; 3 * plane];
    let size = (width, ROW_HEIGHT);
    crop_into(image, &crop.region, crop.turn, size, width, &mut planes);
    // The planes are blue, green, red, from -1 to 1.
    let pixel = |x: usize, y: usize| {
        let at = y * width + x;
        Rgb([2, 1, 0].map(|channel| ((planes[channel * plane + at] + 1.0) * 127.5).round() as u8))
    };
    let background = background(width, &pixel);
    for y in top..top + pitch() {
        for x in 0..strip.width() as usize {
            let inside = (MARGIN..MARGIN + width).contains(&x)
                && (top + MARGIN..top + MARGIN + ROW_HEIGHT).contains(&y);
            let colour = if inside {
                pixel(x - MARGIN, y - top - MARGIN)
            } else {
                background
            };
            strip.put_pixel(x as u32, y as u32, colour);
        }
    }
}

/// The middle colour of the row's upper and lower edge.
fn background(width: usize, pixel: &impl Fn(usize, usize) -> Rgb<u8>) -> Rgb<u8> {
    let mut channels: [Vec<u8>; 3] = Default::default();
    for y in [0, ROW_HEIGHT - 1] {
        for x in 0..width {
            for (values, value) in channels.iter_mut().zip(pixel(x, y).0) {
                values.push(value);
            }
        }
    }
    Rgb(channels.map(|mut values| {
        values.sort_unstable();
        values[values.len() / 2]
    }))
}

impl LineCrop {
    /// How often the line's height goes into its length.
    pub(super) fn ratio(&self) -> f32 {
        let region = &self.region;
        match self.turn {
            Turn::None | Turn::Half => region.width / region.height.max(0.1),
            _ => region.height / region.width.max(0.1),
        }
    }
}

//! Boxes in the place of East Asian characters that could not be painted, as browsers draw them: a page whose fonts
//! neither the file nor this machine has looks like a page of text and not like an empty one.
//!
//! Invariant: only a place that is blank is drawn on; what was painted stays as it is. Used by `pdf::paint`.

use super::device::Drawn;
use crate::layout::is_unspaced_script;
use boxwood_core::BoundingBox;
use image::{Rgb, RgbImage};

const INK: Rgb<u8> = Rgb([60, 60, 60]);

/// Draws a box for every such character of a page.
pub(super) fn mark(drawn: &Drawn, image: &mut RgbImage, points_per_pixel: f32) {
    for glyph in &drawn.glyphs {
        if is_east_asian(glyph.text.first())
            && let Some(place) = Place::of(&glyph.bounds, image, points_per_pixel)
            && place.is_blank(image)
        {
            place.outline(image);
        }
    }
}

fn is_east_asian(character: char) -> bool {
    is_unspaced_script(character) || matches!(character, '\u{ac00}'..='\u{d7a3}')
}

/// A rectangle of pixels, a little smaller than the character.
struct Place {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Place {
    /// None for a character that is too small to be seen.
    fn of(bounds: &BoundingBox, image: &RgbImage, points_per_pixel: f32) -> Option<Self> {
        let pixel = |points: f32, most: u32| ((points / points_per_pixel).round().max(0.0) as u32).min(most);
        let (left, right) = (
            pixel(bounds.left, image.width()),
            pixel(bounds.right, image.width()),
        );
        let (top, bottom) = (
            pixel(bounds.top, image.height()),
            pixel(bounds.bottom, image.height()),
        );
        let inset = right.saturating_sub(left).min(bottom.saturating_sub(top)) / 8;
        let place = Self {
            left: left + inset,
            top: top + inset,
            right: right.saturating_sub(inset),
            bottom: bottom.saturating_sub(inset),
        };
        (place.right > place.left + 3 && place.bottom > place.top + 3).then_some(place)
    }

    fn is_blank(&self, image: &RgbImage) -> bool {
        let first = image.get_pixel(self.left, self.top);
        (self.top..self.bottom).all(|y| (self.left..self.right).all(|x| image.get_pixel(x, y) == first))
    }

    fn outline(&self, image: &mut RgbImage) {
        let thick = ((self.right - self.left).min(self.bottom - self.top) / 8).max(1);
        for y in self.top..self.bottom {
            for x in self.left..self.right {
                let inside = x >= self.left + thick
                    && x + thick < self.right
                    && y >= self.top + thick
                    && y + thick < self.bottom;
                if !inside {
                    image.put_pixel(x, y, INK);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Glyph, GlyphText};

    const WHITE: Rgb<u8> = Rgb([255, 255, 255]);

    fn glyph(character: char, left: f32) -> Glyph {
        let bounds = BoundingBox {
            left,
            top: 10.0,
            right: left + 16.0,
            bottom: 26.0,
        };
        Glyph {
            text: GlyphText::Char(character),
            left,
            right: left + 16.0,
            baseline: 22.0,
            size: 16.0,
            bounds,
            direction: 0,
        }
    }

    #[test]
    fn boxes_stand_only_where_an_east_asian_character_left_nothing() {
        let mut image = RgbImage::from_pixel(200, 80, WHITE);
        // The second character was painted; the third is of another script, the last stands outside.
        image.put_pixel(90, 40, Rgb([0, 0, 0]));
        let mut drawn = Drawn::default();
        drawn.glyphs.extend([
            glyph('議', 10.0),
            glyph('事', 40.0),
            glyph('A', 60.0),
            glyph('録', 400.0),
        ]);
        mark(&drawn, &mut image, 0.5);
        let ink = |from: u32, to: u32| (from..to).any(|x| (0..80).any(|y| *image.get_pixel(x, y) == INK));
        assert_eq!(
            [ink(20, 52), ink(80, 112), ink(120, 152), ink(152, 200)],
            [true, false, false, false]
        );
        assert_eq!(*image.get_pixel(36, 36), WHITE, "a box is empty inside");
    }
}

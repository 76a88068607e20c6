//! Pixels → the tensors that the models take.
//!
//! Invariant: sampling outside the image repeats its edge. Used by `ppocr`.

use super::contours::RotatedBox;
use image::RgbImage;
use image::imageops::{FilterType, resize};

/// How a crop is turned before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// As it stands.
    None,
    /// A quarter against the clock: what ran down the page runs to the right.
    CounterClockwise,
    /// A quarter with the clock: what ran up the page runs to the right.
    Clockwise,
    /// Upside down.
    Half,
}

impl Turn {
    /// The direction on the page of a line that was turned so, in degrees, clockwise.
    pub fn direction(self) -> i16 {
        match self {
            Self::None => 0,
            Self::CounterClockwise => 90,
            Self::Half => 180,
            Self::Clockwise => 270,
        }
    }
}

/// The image at another size, as three planes (blue, green, red) with the model's normalisation.
pub(super) fn detection_tensor(image: &RgbImage, width: u32, height: u32) -> Vec<f32> {
    const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
    const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
    let resized = resize(image, width, height, FilterType::Triangle);
    let plane = (width * height) as usize;
    let mut tensor = vec![0.0; 3 * plane];
    for (index, pixel) in resized.pixels().enumerate() {
        for channel in 0..3 {
            let value = f32::from(pixel.0[2 - channel]) / 255.0;
            tensor[channel * plane + index] = (value - MEAN[channel]) / DEVIATION[channel];
        }
    }
    tensor
}

/// A crop of a line of text at the height that the model takes, three planes with values from -1 to 1, written into
/// `out`, whose rows are `stride` wide.
pub(super) fn crop_into(
    image: &RgbImage,
    region: &RotatedBox,
    turn: Turn,
    (width, height): (usize, usize),
    stride: usize,
    out: &mut [f32],
) {
    let plane = stride * height;
    let (source_width, source_height) = match turn {
        Turn::None | Turn::Half => (region.width, region.height),
        _ => (region.height, region.width),
    };
    let samples = |source: f32, target: usize| ((source / target as f32).ceil() as usize).clamp(1, 4);
    let (across, down) = (samples(source_width, width), samples(source_height, height));
    let weight = 1.0 / (across * down) as f32;
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0f32; 3];
            for sy in 0..down {
                for sx in 0..across {
                    let u = (x as f32 + (sx as f32 + 0.5) / across as f32) / width as f32;
                    let v = (y as f32 + (sy as f32 + 0.5) / down as f32) / height as f32;
                    let (px, py) = match turn {
                        Turn::None => region.point(u, v),
                        Turn::CounterClockwise => region.point(1.0 - v, u),
                        Turn::Clockwise => region.point(v, 1.0 - u),
                        Turn::Half => region.point(1.0 - u, 1.0 - v),
                    };
                    let pixel = sample(image, px - 0.5, py - 0.5);
                    for channel in 0..3 {
                        sum[channel] += pixel[channel];
                    }
                }
            }
            for channel in 0..3 {
                out[channel * plane + y * stride + x] = sum[2 - channel] * weight / 127.5 - 1.0;
            }
        }
    }
}

fn sample(image: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let x = x.clamp(0.0, (width - 1) as f32);
    let y = y.clamp(0.0, (height - 1) as f32);
    let (x0, y0) = (x as usize, y as usize);
    let (x1, y1) = ((x0 + 1).min(width - 1), (y0 + 1).min(height - 1));
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let data = image.as_raw();
    let at = |x: usize, y: usize, channel: usize| f32::from(data[(y * width + x) * 3 + channel]);
    std::array::from_fn(|channel| {
        let top = at(x0, y0, channel) * (1.0 - fx) + at(x1, y0, channel) * fx;
        let bottom = at(x0, y1, channel) * (1.0 - fx) + at(x1, y1, channel) * fx;
        top * (1.0 - fy) + bottom * fy
    })
}

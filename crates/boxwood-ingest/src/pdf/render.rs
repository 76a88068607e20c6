//! A page → pixels for recognition.
//!
//! Invariant: at most [`MAX_PIXELS`] pixels, whatever size the file gives its pages. Used by `pdf::page`.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use image::RgbImage;

/// Resolution that recognition gets along, in dots per inch.
const RESOLUTION: f32 = 180.0;
const MAX_PIXELS: f32 = 12_000_000.0;
const MAX_SIDE: f32 = 12_000.0;

/// The pixels of a page, and how many points one of them measures.
pub(super) fn render_page<'a>(
    page: &'a Page<'a>,
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
) -> Option<(RgbImage, f32)> {
    let (width, height) = page.render_dimensions();
    let scale = (RESOLUTION / 72.0)
        .min((MAX_PIXELS / (width * height)).sqrt())
        .min(MAX_SIDE / width.max(height));
    if !scale.is_finite() || width * scale < 1.0 || height * scale < 1.0 {
        return None;
    }
    let pixmap_settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let pixmap = render(
        page,
        cache,
        settings,
        &RenderSettings::default(),
        &pixmap_settings,
    );
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let rgb: Vec<u8> = pixmap
        .data_as_u8_slice()
        .chunks_exact(4)
        .flat_map(|p| [p[0], p[1], p[2]])
        .collect();
    RgbImage::from_raw(width, height, rgb).map(|image| (image, 1.0 / scale))
}

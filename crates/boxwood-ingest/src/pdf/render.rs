//! A page → pixels for recognition, for thumbnails and for models that see.
//!
//! Invariant: at most [`MAX_PIXELS`] pixels, whatever size the file gives its pages. Used by `pdf::page` and `pdf::paint`.

use crate::fonts::{SystemFonts, Writing};
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::font::{FontData, FontQuery};
use hayro::hayro_interpret::hayro_cmap::CidFamily;
use hayro::hayro_syntax::page::Page;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use image::RgbImage;
use std::sync::Arc;

/// Resolution that recognition gets along, in dots per inch.
const RESOLUTION: f32 = 180.0;
const MAX_PIXELS: f32 = 12_000_000.0;
const MAX_SIDE: f32 = 12_000.0;

/// Settings for painting: a font of this machine stands in for East Asian ones that the file does not hold.
pub(super) fn settings(fonts: &SystemFonts) -> InterpreterSettings {
    let settings = InterpreterSettings::default();
    let (standard, fonts) = (Arc::clone(&settings.font_resolver), fonts.clone());
    InterpreterSettings {
        font_resolver: Arc::new(move |query| stand_in(&fonts, query).or_else(|| standard(query))),
        ..settings
    }
}

fn stand_in(fonts: &SystemFonts, query: &FontQuery) -> Option<(FontData, u32)> {
    let FontQuery::Fallback(wanted) = query else {
        return None;
    };
    let writing = match wanted.character_collection.as_ref()?.family {
        CidFamily::AdobeJapan1 => Writing::Japanese,
        CidFamily::AdobeKorea1 => Writing::Korean,
        CidFamily::AdobeGB1 => Writing::SimplifiedChinese,
        CidFamily::AdobeCNS1 => Writing::TraditionalChinese,
        _ => return None,
    };
    let (bytes, face) = fonts.face(writing)?;
    Some((bytes, face))
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::tests::fonts_of;
    use hayro::hayro_interpret::font::FallbackFontQuery;
    use hayro::hayro_interpret::hayro_cmap::CharacterCollection;

    #[test]
    fn a_font_of_the_machine_stands_in_for_east_asian_ones_only() {
        let fonts = fonts_of(b"a font");
        let asked = |family: Option<CidFamily>| {
            let query = FallbackFontQuery {
                character_collection: family.map(|family| CharacterCollection {
                    family,
                    supplement: 0,
                }),
                ..FallbackFontQuery::default()
            };
            stand_in(&fonts, &FontQuery::Fallback(query)).map(|(_, face)| face)
        };
        assert_eq!(asked(Some(CidFamily::AdobeJapan1)), Some(0));
        assert_eq!(asked(Some(CidFamily::AdobeCNS1)), Some(3));
        assert_eq!(asked(Some(CidFamily::AdobeIdentity)), None);
        assert_eq!(asked(None), None);
    }
}

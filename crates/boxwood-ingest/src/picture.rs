//! Pages as pictures, for models that see.
//!
//! Invariant: at most so many pictures and none larger than asked, whatever the file says of itself; the pixels that
//! leave are encoded here and never those of the file. Only the worker process (and tests) call this.

use crate::context::ParseContext;
use crate::detect::{Detected, detect};
use crate::error::ParseError;
use boxwood_core::DocumentFormat;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use serde::{Deserialize, Serialize};

/// Quality of the encoded pictures: text stays legible.
const QUALITY: u8 = 90;

/// Which pictures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureRequest {
    /// Pages or frames, from the first.
    pub most: u32,
    /// Longest side in pixels; smaller ones stay as they are.
    pub side: u32,
}

/// A page or frame as a JPEG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagePicture {
    /// 1-based.
    pub page: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The encoded picture.
    pub jpeg: Vec<u8>,
}

/// Renders the first pages of a PDF or the first frames of a picture.
///
/// # Errors
/// [`ParseError`]: another format, damage, encryption, limits.
pub fn render_pictures(
    bytes: &[u8],
    context: &mut ParseContext,
    request: PictureRequest,
) -> Result<Vec<PagePicture>, ParseError> {
    let mut pictures = Vec::new();
    let mut take = |page: u32, image: RgbImage| -> Result<(), image::ImageError> {
        pictures.push(encoded(page, &image, request.side)?);
        Ok(())
    };
    paint_first(bytes, context, request.most, &mut take)?;
    Ok(pictures)
}

/// Paints the first pages of a PDF or the first frames of a picture, one at a time.
///
/// # Errors
/// [`ParseError`]: another format, damage, encryption, limits; what `take` fails with counts as damage.
pub(crate) fn paint_first(
    bytes: &[u8],
    context: &mut ParseContext,
    most: u32,
    take: &mut dyn FnMut(u32, RgbImage) -> Result<(), image::ImageError>,
) -> Result<(), ParseError> {
    let format = match detect(bytes, context.file_name()) {
        Detected::Format(format) => format,
        Detected::Encrypted(format) => return Err(ParseError::Encrypted { format }),
        Detected::Unsupported(detected) => return Err(ParseError::Unsupported { detected }),
        Detected::Empty => return Err(ParseError::Empty),
    };
    context.set_format(format);
    let mut take =
        |page: u32, image: RgbImage| take(page, image).map_err(|error| ParseError::damaged(format, error));
    match format {
        DocumentFormat::Pdf => crate::pdf::paint(bytes, context, most, &mut take),
        format if format.is_image() => crate::image::frames(bytes, context, most, &mut take),
        other => {
            let detected = format!("a picture of {}", crate::formats::name_of(other));
            Err(ParseError::Unsupported { detected })
        }
    }
}

fn encoded(page: u32, image: &RgbImage, side: u32) -> Result<PagePicture, image::ImageError> {
    let shrunk = within(image, side.max(1));
    let image = shrunk.as_ref().unwrap_or(image);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(image)?;
    Ok(PagePicture {
        page,
        width: image.width(),
        height: image.height(),
        jpeg,
    })
}

/// The picture made smaller so that it fits a square; `None` where it does.
pub(crate) fn within(image: &RgbImage, side: u32) -> Option<RgbImage> {
    let longer = image.width().max(image.height());
    if longer <= side {
        return None;
    }
    let scale = f64::from(side) / f64::from(longer);
    let length = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, side);
    Some(resize(
        image,
        length(image.width()),
        length(image.height()),
        FilterType::Triangle,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{IngestLimits, OcrConfig};
    use crate::testing::png;

    fn render(bytes: &[u8], most: u32, side: u32) -> Result<Vec<PagePicture>, ParseError> {
        let mut context = ParseContext::new(IngestLimits::default(), OcrConfig::default(), "file");
        render_pictures(bytes, &mut context, PictureRequest { most, side })
    }

    #[test]
    fn pictures_are_made_smaller_and_never_larger() {
        for (width, height, side, expected) in [
            (2_000, 1_000, 1_024, (1_024, 512)),
            (300, 200, 1_024, (300, 200)),
            (3, 5_000, 1_024, (1, 1_024)),
        ] {
            let pictures = render(&png(width, height), 5, side).unwrap();
            assert_eq!(
                (pictures[0].page, pictures[0].width, pictures[0].height),
                (1, expected.0, expected.1)
            );
            let decoded = image::load_from_memory(&pictures[0].jpeg).unwrap();
            assert_eq!((decoded.width(), decoded.height()), expected);
        }
    }

    #[test]
    fn the_first_pages_of_a_pdf_are_painted() {
        let lease = include_bytes!("../../../samples/lease-contract.pdf");
        let pictures = render(lease, 2, 1_024).unwrap();
        let sizes: Vec<(u32, u32)> = pictures
            .iter()
            .map(|picture| (picture.page, picture.height))
            .collect();
        assert_eq!(sizes, [(1, 1_024), (2, 1_024)]);
        let page = image::load_from_memory(&pictures[0].jpeg).unwrap().into_luma8();
        assert!(
            page.pixels().any(|pixel| pixel.0[0] < 80),
            "there is no ink on the page"
        );
    }

    #[test]
    fn what_has_no_pages_is_refused() {
        assert!(matches!(
            render(b"plain words", 5, 1_024),
            Err(ParseError::Unsupported { .. })
        ));
        assert_eq!(render(b"", 5, 1_024), Err(ParseError::Empty));
        let locked = include_bytes!("../tests/fixtures/needs-password.pdf");
        assert!(matches!(
            render(locked, 5, 1_024),
            Err(ParseError::Encrypted { .. })
        ));
    }
}

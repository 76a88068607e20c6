//! Thumbnails: the first page or frame of a file in Box's sizes.
//!
//! Invariant: the pixels that leave are encoded here and never those of the file, and none is larger than its size says.
//! The worker process makes them; the library keeps them as one artifact; the server only hands them out.

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::picture::{paint_first, within};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError, RgbImage};
use serde::{Deserialize, Serialize};

/// Version of what is made here: kept thumbnails of another version are made again.
pub const THUMBNAIL_VERSION: u32 = 2;
/// Quality of the JPEGs.
const QUALITY: u8 = 85;

/// The encoding of a thumbnail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThumbnailFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpg,
}

impl ThumbnailFormat {
    /// Both, as Box names their paths.
    pub const ALL: [Self; 2] = [Self::Png, Self::Jpg];

    /// The sides of the squares that they fit, in pixels, smallest first.
    pub const fn sides(self) -> &'static [u32] {
        match self {
            Self::Png => &[32, 64, 128, 256],
            Self::Jpg => &[32, 160, 320],
        }
    }
}

/// One picture in one size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// The encoding.
    pub format: ThumbnailFormat,
    /// The side of the square that it fits, in pixels; the picture keeps its shape and is never enlarged.
    pub side: u32,
    /// The encoded picture.
    pub bytes: Vec<u8>,
}

/// All thumbnails of a file; none where it has no picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnails(Vec<Thumbnail>);

impl Thumbnails {
    /// The one of a size, if there is any.
    pub fn get(&self, format: ThumbnailFormat, side: u32) -> Option<&Thumbnail> {
        self.0
            .iter()
            .find(|thumbnail| thumbnail.format == format && thumbnail.side == side)
    }

    /// Whether the file has no picture.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For keeping.
    ///
    /// # Errors
    /// From the encoder.
    pub fn to_artifact(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    /// What was kept.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn from_artifact(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

/// Paints the first page of a PDF or the first frame of a picture in every size.
///
/// # Errors
/// [`ParseError`]: another format, damage, encryption, limits.
pub fn render_thumbnails(bytes: &[u8], context: &mut ParseContext) -> Result<Thumbnails, ParseError> {
    let mut painted = None;
    let mut take = |_: u32, image: RgbImage| {
        painted = Some(image);
        Ok(())
    };
    paint_first(bytes, context, 1, &mut take)?;
    let image = painted.ok_or_else(|| context.damaged("its first page can't be painted"))?;
    every_size(&image).map_err(|error| context.damaged(error))
}

fn every_size(image: &RgbImage) -> Result<Thumbnails, ImageError> {
    let mut thumbnails = Vec::new();
    for format in ThumbnailFormat::ALL {
        for side in format.sides() {
            thumbnails.push(Thumbnail {
                format,
                side: *side,
                bytes: encoded(image, format, *side)?,
            });
        }
    }
    Ok(Thumbnails(thumbnails))
}

fn encoded(image: &RgbImage, format: ThumbnailFormat, side: u32) -> Result<Vec<u8>, ImageError> {
    let shrunk = within(image, side);
    let image = shrunk.as_ref().unwrap_or(image);
    let mut bytes = Vec::new();
    match format {
        ThumbnailFormat::Png => image::codecs::png::PngEncoder::new(&mut bytes).write_image(
            image,
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )?,
        ThumbnailFormat::Jpg => {
            JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(image)?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{IngestLimits, OcrConfig};
    use crate::testing::png;
    use image::ImageFormat;

    fn render(bytes: &[u8]) -> Result<Thumbnails, ParseError> {
        let mut context = ParseContext::new(IngestLimits::default(), OcrConfig::default(), "file");
        render_thumbnails(bytes, &mut context)
    }

    #[track_caller]
    fn size_of(thumbnails: &Thumbnails, format: ThumbnailFormat, side: u32) -> (u32, u32) {
        let bytes = &thumbnails.get(format, side).unwrap().bytes;
        let (kind, image) = (
            image::guess_format(bytes).unwrap(),
            image::load_from_memory(bytes).unwrap(),
        );
        let expected = match format {
            ThumbnailFormat::Png => ImageFormat::Png,
            ThumbnailFormat::Jpg => ImageFormat::Jpeg,
        };
        assert_eq!(kind, expected);
        (image.width(), image.height())
    }

    #[test]
    fn pictures_keep_their_shape_and_are_never_enlarged() {
        let wide = render(&png(1_000, 500)).unwrap();
        for (format, side, expected) in [
            (ThumbnailFormat::Png, 32, (32, 16)),
            (ThumbnailFormat::Png, 256, (256, 128)),
            (ThumbnailFormat::Jpg, 320, (320, 160)),
        ] {
            assert_eq!(size_of(&wide, format, side), expected);
        }
        let small = render(&png(40, 20)).unwrap();
        assert_eq!(size_of(&small, ThumbnailFormat::Jpg, 320), (40, 20));
    }

    #[test]
    fn the_first_page_of_a_document_is_painted() {
        let invoice = include_bytes!("../../../samples/invoice.pdf");
        let thumbnails = render(invoice).unwrap();
        let page = &thumbnails.get(ThumbnailFormat::Png, 256).unwrap().bytes;
        let page = image::load_from_memory(page).unwrap().into_luma8();
        assert_eq!(page.height(), 256);
        let ink = page.pixels().filter(|pixel| pixel.0[0] < 200).count();
        assert!(ink > 200, "{ink} dark pixels");
    }

    #[test]
    fn text_whose_font_neither_file_nor_machine_has_is_seen_all_the_same() {
        let minutes = include_bytes!("../../../samples/meeting-minutes-ja.pdf");
        let thumbnails = render(minutes).unwrap();
        let page = &thumbnails.get(ThumbnailFormat::Png, 256).unwrap().bytes;
        let page = image::load_from_memory(page).unwrap().into_luma8();
        let ink = page.pixels().filter(|pixel| pixel.0[0] < 235).count();
        assert!(ink > 1_500, "{ink} dark pixels");
    }

    #[test]
    fn artifacts_are_read_back() {
        let thumbnails = render(&png(64, 64)).unwrap();
        let artifact = thumbnails.to_artifact().unwrap();
        assert_eq!(Thumbnails::from_artifact(&artifact).unwrap(), thumbnails);
        assert!(Thumbnails::from_artifact(&artifact[..10]).is_err());
        assert!(Thumbnails::default().is_empty() && !thumbnails.is_empty());
    }

    #[test]
    fn what_has_no_picture_or_is_broken_is_refused() {
        assert!(matches!(
            render(b"plain words"),
            Err(ParseError::Unsupported { .. })
        ));
        let lease = include_bytes!("../../../samples/lease-contract.pdf");
        assert!(matches!(render(&lease[..900]), Err(ParseError::Damaged { .. })));
        assert!(render(&png(64, 64)[..60]).is_err());
    }
}

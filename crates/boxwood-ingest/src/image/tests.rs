//! Pictures that the tests make themselves.

use super::parse;
use super::resolution::dots_per_inch;
use crate::context::{IngestLimits, OcrConfig, OcrEngine, ParseContext};
use crate::error::ParseError;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{Document, DocumentFormat, PageSize, ReadNoteKind};
use image::{GrayImage, ImageFormat, RgbaImage};
use std::io::Cursor;

fn read_with(bytes: &[u8], limits: IngestLimits) -> Result<Document, ParseError> {
    let ocr = OcrConfig {
        engine: OcrEngine::Off,
        ..OcrConfig::default()
    };
    let mut context = ParseContext::new(limits, ocr, "picture");
    let mut builder = DocumentBuilder::new(1, DocumentFormat::Png);
    parse(bytes, &mut context, &mut builder)?;
    let document = builder.finish();
    document.check().unwrap();
    Ok(document)
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = image::DynamicImage::from(RgbaImage::from_pixel(300, 100, image::Rgba([0, 0, 0, 0])));
    let image = if format == ImageFormat::Jpeg {
        image.into_rgb8().into()
    } else {
        image
    };
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An uncompressed TIFF of grey frames of 8 × 8 pixels; each directory is followed by its pixels.
fn tiff(frames: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    for frame in 0..frames {
        let start = bytes.len() as u32;
        let entries: [(u16, u32); 8] = [
            (256, 8),
            (257, 8),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, start + 2 + 8 * 12 + 4),
            (278, 8),
            (279, 64),
        ];
        bytes.extend(8u16.to_le_bytes());
        for (tag, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(4u16.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        let next = if frame + 1 == frames {
            0
        } else {
            start + 2 + 8 * 12 + 4 + 64
        };
        bytes.extend(next.to_le_bytes());
        bytes.extend([200 - frame as u8; 64]);
    }
    bytes
}

#[test]
fn pictures_of_all_formats_are_opened_and_noted() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Bmp,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Tiff,
    ] {
        let document = read_with(&encoded(format), IngestLimits::default()).unwrap();
        assert_eq!(document.pages.len(), 1, "{format:?}");
        let size = document.pages[0].size.unwrap();
        assert!(
            (size.width / size.height - 3.0).abs() < 0.01,
            "{format:?} {size:?}"
        );
        assert_eq!(document.notes[0].kind, ReadNoteKind::NotRecognised);
    }
}

#[test]
fn every_frame_of_a_tiff_is_a_page() {
    let document = read_with(&tiff(3), IngestLimits::default()).unwrap();
    assert_eq!(document.pages.len(), 3);
    let limited = read_with(
        &tiff(3),
        IngestLimits {
            max_pages: 2,
            ..IngestLimits::default()
        },
    )
    .unwrap();
    assert_eq!(limited.pages.len(), 2);
    assert!(
        limited
            .notes
            .iter()
            .any(|note| note.kind == ReadNoteKind::LimitReached),
        "{:?}",
        limited.notes
    );
    // A directory that names itself as the next one is refused and not followed for ever.
    let mut looped = tiff(1);
    let at = 8 + 2 + 8 * 12;
    looped[at..at + 4].copy_from_slice(&8u32.to_le_bytes());
    assert!(matches!(
        read_with(&looped, IngestLimits::default()),
        Err(ParseError::Damaged { .. })
    ));
}

#[test]
fn the_size_in_points_follows_the_resolution() {
    let mut png = Vec::new();
    let image = GrayImage::from_pixel(600, 300, image::Luma([255]));
    image
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .unwrap();
    assert_eq!(dots_per_inch(&png), None);
    assert_eq!(
        read_with(&png, IngestLimits::default()).unwrap().pages[0].size,
        Some(PageSize {
            width: 450.0,
            height: 225.0
        })
    );
    // pHYs with 11,811 pixels a metre: 300 dots per inch. Its check sum is not needed to read it.
    let chunk = [
        &9u32.to_be_bytes()[..],
        b"pHYs",
        &11_811u32.to_be_bytes(),
        &11_811u32.to_be_bytes(),
        &[1],
        &[0; 4],
    ]
    .concat();
    png.splice(33..33, chunk);
    assert!(dots_per_inch(&png).is_some_and(|dots| (dots - 300.0).abs() < 0.1));
}

#[test]
fn bombs_and_broken_pictures_are_refused() {
    // A PNG header that promises 30,000 × 30,000 pixels.
    let mut bomb = encoded(ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    assert!(read_with(&bomb, IngestLimits::default()).is_err());
    let mut cut = encoded(ImageFormat::Png);
    cut.truncate(60);
    assert!(matches!(
        read_with(&cut, IngestLimits::default()),
        Err(ParseError::Damaged { .. })
    ));
    assert!(read_with(b"not a picture", IngestLimits::default()).is_err());
}

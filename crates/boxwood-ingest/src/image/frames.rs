//! The frames of a picture, upright and on white, one at a time.
//!
//! Invariant: no more than [`MAX_PIXELS`] are decoded at once; what the decoder may allocate is bounded. Animations give
//! their first frame. Used by `image::parse`.

use crate::context::ParseContext;
use crate::error::ParseError;
use boxwood_core::DocumentFormat;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

/// 100 megapixels: an A0 sheet at 250 dots per inch.
const MAX_PIXELS: u64 = 100_000_000;
const MAX_ALLOCATION: u64 = 640 << 20;
/// More pixels than this help no recognition; the picture is made smaller.
const USEFUL_PIXELS: u32 = 24_000_000;

/// The frames that are still to come.
pub(super) struct Frames<'b> {
    bytes: &'b [u8],
    format: ImageFormat,
    next: u32,
    /// Offsets of the directories of a TIFF; empty for other formats.
    directories: Vec<u32>,
    animated: bool,
}

impl<'b> Frames<'b> {
    /// Finds the frames without decoding them.
    pub fn open(bytes: &'b [u8], context: &ParseContext) -> Result<Self, ParseError> {
        let format = match context.format() {
            DocumentFormat::Jpeg => ImageFormat::Jpeg,
            DocumentFormat::Tiff => ImageFormat::Tiff,
            DocumentFormat::Webp => ImageFormat::WebP,
            DocumentFormat::Bmp => ImageFormat::Bmp,
            DocumentFormat::Gif => ImageFormat::Gif,
            DocumentFormat::Png => ImageFormat::Png,
            _ => image::guess_format(bytes).map_err(|error| context.damaged(error))?,
        };
        let directories = if format == ImageFormat::Tiff {
            tiff_directories(bytes)
        } else {
            Vec::new()
        };
        Ok(Self {
            bytes,
            format,
            next: 0,
            directories,
            animated: is_animated(bytes, format),
        })
    }

    /// How many frames there are.
    pub fn count(&self) -> u32 {
        (self.directories.len() as u32).max(1)
    }

    /// What of the picture is not given out, in words.
    pub fn unread(&self) -> Option<&'static str> {
        self.animated
            .then_some("only the first frame of the animation was read")
    }

    /// The next frame, upright.
    pub fn next(&mut self, context: &ParseContext) -> Option<Result<RgbImage, ParseError>> {
        let index = self.next as usize;
        self.next += 1;
        if self.directories.is_empty() {
            return (index == 0).then(|| decode(Cursor::new(self.bytes), self.format, context));
        }
        let directory = *self.directories.get(index)?;
        if index == 0 {
            return Some(decode(Cursor::new(self.bytes), self.format, context));
        }
        let patch = if self.bytes[0] == b'I' {
            directory.to_le_bytes()
        } else {
            directory.to_be_bytes()
        };
        Some(decode(
            BufReader::new(Patched {
                inner: Cursor::new(self.bytes),
                patch,
            }),
            self.format,
            context,
        ))
    }
}

/// A TIFF whose header names another first directory, so that the decoder reads that one.
struct Patched<'b> {
    inner: Cursor<&'b [u8]>,
    patch: [u8; 4],
}

impl Read for Patched<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let start = self.inner.position();
        let count = self.inner.read(out)?;
        for (at, byte) in (start..).zip(&mut out[..count]).take(8) {
            if let Some(patch) = at.checked_sub(4).and_then(|index| self.patch.get(index as usize)) {
                *byte = *patch;
            }
        }
        Ok(count)
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

fn decode(
    source: impl BufRead + Seek,
    format: ImageFormat,
    context: &ParseContext,
) -> Result<RgbImage, ParseError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION.min(context.limits().memory_bytes / 2));
    let mut reader = ImageReader::with_format(source, format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| failed(error, context))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ParseError::limit(
            "pixels of a picture",
            format!("{} million", MAX_PIXELS / 1_000_000),
        ));
    }
    if width == 0 || height == 0 {
        return Err(context.damaged("it has no pixels"));
    }
    let orientation = decoder
        .orientation()
        .unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| failed(error, context))?;
    image.apply_orientation(orientation);
    Ok(on_white(shrunk(image)))
}

fn failed(error: image::ImageError, context: &ParseContext) -> ParseError {
    match error {
        image::ImageError::Limits(_) => {
            ParseError::limit("memory of a picture", format!("{} MiB", MAX_ALLOCATION >> 20))
        }
        image::ImageError::Unsupported(error) => ParseError::Unsupported {
            detected: format!("a picture of a rare kind ({error})"),
        },
        error => context.damaged(error),
    }
}

fn shrunk(image: DynamicImage) -> DynamicImage {
    let pixels = image.width().saturating_mul(image.height());
    if pixels <= USEFUL_PIXELS {
        return image;
    }
    let scale = (f64::from(USEFUL_PIXELS) / f64::from(pixels)).sqrt();
    let side = |length: u32| ((f64::from(length) * scale) as u32).max(1);
    image.thumbnail_exact(side(image.width()), side(image.height()))
}

/// Transparent pixels show white, as on paper.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, a] = image.get_pixel(x, y).0.map(u16::from);
        image::Rgb([r, g, b].map(|c| ((c * a + 255 * (255 - a)) / 255) as u8))
    })
}

fn is_animated(bytes: &[u8], format: ImageFormat) -> bool {
    let holds = |needle: &[u8]| {
        bytes[..bytes.len().min(1 << 16)]
            .windows(needle.len())
            .any(|part| part == needle)
    };
    match format {
        ImageFormat::Gif => holds(b"NETSCAPE2.0"),
        ImageFormat::WebP => holds(b"ANIM"),
        ImageFormat::Png => holds(b"acTL"),
        _ => false,
    }
}

/// Offsets of the image directories of a TIFF, each once.
fn tiff_directories(bytes: &[u8]) -> Vec<u32> {
    const MAX_DIRECTORIES: usize = 5_000;
    let little = bytes.first() == Some(&b'I');
    let long = |at: usize| -> Option<u32> {
        let part: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little {
            u32::from_le_bytes(part)
        } else {
            u32::from_be_bytes(part)
        })
    };
    let short = |at: usize| -> Option<u16> {
        let part: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(part)
        } else {
            u16::from_be_bytes(part)
        })
    };
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut next = long(4);
    while let Some(offset) = next.filter(|offset| *offset != 0 && found.len() < MAX_DIRECTORIES) {
        let Some(entries) = short(offset as usize) else {
            break;
        };
        if !seen.insert(offset) {
            break;
        }
        found.push(offset);
        next = long(offset as usize + 2 + usize::from(entries) * 12);
    }
    found
}

//! Pictures: every frame is recognised.
//!
//! Invariant: a picture is decoded only after its size is known to fit, and a frame whose text could not be recognised
//! is named in a note. Row of the table of formats for PNG, JPEG, TIFF, WebP, BMP and GIF.

mod frames;
mod resolution;
#[cfg(test)]
mod tests;

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::layout::{BodySize, arrange_words, emit_page};
use crate::ocr::Session;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{PageSize, ReadNoteKind, TextSource};
use image::RgbImage;

/// Points per pixel where the picture does not say its resolution and is small: a screen.
const SCREEN: f32 = 0.75;
/// The longer side in points that a picture without a resolution gets when it is larger than a page: A4.
const PAGE_SIDE: f32 = 842.0;

/// Reads a picture.
///
/// # Errors
/// [`ParseError::Damaged`] when no frame can be decoded, [`ParseError::LimitReached`] when it has too many pixels.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let mut session = Session::new(context.ocr());
    let mut body = BodySize::default();
    let resolution = resolution::dots_per_inch(bytes);
    let mut frames = frames::Frames::open(bytes, context)?;
    context.pages_total(frames.count());
    let mut number = 0;
    while let Some(frame) = frames.next(context) {
        number += 1;
        if let Err(error) = context.begin_page(number, builder) {
            if number == 1 {
                return Err(error);
            }
            let message = format!("frames from {number} on were not read: {error}");
            builder.note(None, ReadNoteKind::LimitReached, message);
            return Ok(());
        }
        match frame {
            Ok(image) => read_frame(&image, resolution, &mut session, &mut body, context, builder),
            Err(error) if number == 1 => return Err(error),
            Err(error) => {
                builder.page(None, None, TextSource::Native);
                builder.note(
                    Some(number),
                    ReadNoteKind::Damaged,
                    format!("frame {number}: {error}"),
                );
            }
        }
    }
    if let Some(message) = frames.unread() {
        builder.note(None, ReadNoteKind::Unsupported, message);
    }
    Ok(())
}

/// Hands out the first frames of a picture.
///
/// # Errors
/// [`ParseError`], also from `take`; a damaged frame after the first ends the picture.
pub(crate) fn frames(
    bytes: &[u8],
    context: &ParseContext,
    most: u32,
    take: &mut dyn FnMut(u32, RgbImage) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let mut frames = frames::Frames::open(bytes, context)?;
    for number in 1..=most {
        context.checkpoint()?;
        match frames.next(context) {
            Some(Ok(image)) => take(number, image)?,
            Some(Err(error)) if number == 1 => return Err(error),
            Some(Err(_)) | None => break,
        }
    }
    Ok(())
}

fn read_frame(
    image: &RgbImage,
    resolution: Option<f32>,
    session: &mut Session,
    body: &mut BodySize,
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) {
    let points = points_per_pixel(image, resolution);
    let size = PageSize {
        width: image.width() as f32 * points,
        height: image.height() as f32 * points,
    };
    let recognised = match session.unavailable() {
        Some(why) => Err(why),
        None => match context.begin_ocr_page() {
            Ok(()) => session.recognise(image, context).map_err(|error| error.why),
            Err(error) => Err(error.to_string()),
        },
    };
    match recognised {
        Ok(recognised) => {
            let source = TextSource::Ocr {
                engine: recognised.engine.clone(),
            };
            builder.page(None, Some(size), source);
            if let Some(doubt) = &recognised.doubt {
                builder.note(Some(builder.current_page()), ReadNoteKind::NotRecognised, doubt);
            }
            emit_page(builder, arrange_words(recognised.scaled(points).words, &[]), body);
        }
        Err(why) => {
            builder.page(None, Some(size), TextSource::Native);
            let number = builder.current_page();
            let message = format!("the text in the picture was not recognised: {why}");
            builder.note(Some(number), ReadNoteKind::NotRecognised, message);
        }
    }
}

fn points_per_pixel(image: &RgbImage, resolution: Option<f32>) -> f32 {
    let longer = image.width().max(image.height()).max(1) as f32;
    match resolution {
        Some(dots) => 72.0 / dots,
        None => SCREEN.min(PAGE_SIDE / longer),
    }
}

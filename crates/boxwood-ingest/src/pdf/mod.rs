//! PDF: text where the file has text, recognition where it only has pixels.
//!
//! Invariant: a page is either read or named in a note, one damaged page never costs the others, and memory does not
//! grow with the number of pages beyond what is kept of their text. Row of the table of formats.
//!
//! Path of a page: `device.rs` collects glyphs and ruled lines → `page.rs` decides whether pixels must be read →
//! `render.rs` and `crate::ocr` read them → `crate::layout` makes lines of what came.

mod annotations;
mod catalog;
mod device;
mod notes;
mod page;
mod render;
mod strings;
#[cfg(test)]
mod tests;
mod unicode;
mod unpainted;

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::layout::BodySize;
use crate::ocr::Session;
use boxwood_core::document::{DocumentBuilder, ReadNoteKind};
use hayro::RenderCache;
use hayro::hayro_interpret::{InterpreterCache, InterpreterSettings};
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use image::RgbImage;
use notes::Notes;
use page::PageReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use unicode::UnicodeFallback;

/// The file is opened anew after so many pages, since an open file keeps the contents of every page it has read.
const PAGES_PER_OPENING: usize = 400;

/// Reads a PDF.
///
/// # Errors
/// [`ParseError::Encrypted`] when it needs a password, [`ParseError::Damaged`] when no page can be found,
/// [`ParseError::LimitReached`] when not even the first page could be read within the limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let data = Arc::new(bytes.to_vec());
    let first = open(&data, context)?;
    let total = first.pages().len();
    if total == 0 {
        return Err(context.damaged("it has no pages"));
    }
    builder.title(first.metadata().title.as_deref().map(strings::text_of));
    context.pages_total(total as u32);
    let labels = catalog::page_labels(&first, total);
    note_catalog(&first, builder);
    drop(first);

    let mut reading = Reading {
        session: Session::new(context.ocr()),
        body: BodySize::default(),
        notes: Notes::default(),
        labels,
    };
    let mut next = 0;
    while next < total {
        let pdf = open(&data, context)?;
        let end = (next + PAGES_PER_OPENING).min(total).min(pdf.pages().len());
        if end <= next {
            break;
        }
        if let Err((page, error)) = read_pages(&pdf, next..end, &mut reading, context, builder) {
            reading.notes.finish(builder);
            return stop(error, page, total, builder);
        }
        next = end;
    }
    reading.notes.finish(builder);
    Ok(())
}

/// Paints the first pages.
///
/// # Errors
/// [`ParseError`] as for [`parse`], also from `take`; a page that can't be painted is passed over.
pub(crate) fn paint(
    bytes: &[u8],
    context: &ParseContext,
    most: u32,
    take: &mut dyn FnMut(u32, RgbImage) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let pdf = open(&Arc::new(bytes.to_vec()), context)?;
    let (cache, interpreter) = (RenderCache::new(), InterpreterCache::new());
    let settings = render::settings(context.fonts());
    let fallback = context.fonts().is_empty().then(|| UnicodeFallback::of(&pdf));
    for (number, page) in (1..=most).zip(pdf.pages().iter()) {
        context.checkpoint()?;
        let painted = catch_unwind(AssertUnwindSafe(|| render::render_page(page, &cache, &settings)));
        if let Some((mut image, points_per_pixel)) = painted.ok().flatten() {
            if let Some(fallback) = &fallback
                && let Some(drawn) = page::draw(page, &interpreter, fallback, InterpreterSettings::default())
            {
                unpainted::mark(&drawn, &mut image, points_per_pixel);
            }
            take(number, image)?;
        }
    }
    Ok(())
}

/// What is carried from page to page.
struct Reading {
    session: Session,
    body: BodySize,
    notes: Notes,
    labels: Vec<Option<String>>,
}

fn open(data: &Arc<Vec<u8>>, context: &ParseContext) -> Result<Pdf, ParseError> {
    Pdf::new(Arc::clone(data)).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            ParseError::encrypted(context.format())
        }
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => ParseError::Unsupported {
            detected: "a PDF with an encryption that is not in the standard".into(),
        },
        LoadPdfError::Decryption(_) => context.damaged("its encryption is not valid"),
        LoadPdfError::Invalid => context.damaged("its objects or pages can't be found"),
    })
}

fn read_pages(
    pdf: &Pdf,
    range: std::ops::Range<usize>,
    reading: &mut Reading,
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), (usize, ParseError)> {
    let fallback = UnicodeFallback::of(pdf);
    let mut reader = PageReader {
        interpreter: InterpreterCache::new(),
        renderer: RenderCache::new(),
        fallback: &fallback,
    };
    for index in range {
        let failed = |error| (index, error);
        context.begin_page(index as u32 + 1, builder).map_err(failed)?;
        if let Some(page) = pdf.pages().get(index) {
            reader
                .read(index, page, reading, context, builder)
                .map_err(failed)?;
        }
    }
    Ok(())
}

/// Ends at a limit: what was read is kept, and the pages that were not are named.
fn stop(
    error: ParseError,
    page: usize,
    total: usize,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    if builder.current_page() == 0 {
        return Err(error);
    }
    let range = if page + 1 == total {
        format!("page {total} was")
    } else {
        format!("pages {}–{total} were", page + 1)
    };
    builder.note(
        None,
        ReadNoteKind::LimitReached,
        format!("{range} not read: {error}"),
    );
    Ok(())
}

fn note_catalog(pdf: &Pdf, builder: &mut DocumentBuilder) {
    let embedded = catalog::embedded_files(pdf);
    if !embedded.is_empty() {
        builder.note(None, ReadNoteKind::Embedded, notes::embedded_message(&embedded));
    }
    if catalog::has_dynamic_form(pdf) {
        let message = "the form has a part that only form programs draw (XFA); what its pages show was read";
        builder.note(None, ReadNoteKind::Unsupported, message);
    }
}

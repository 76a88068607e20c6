//! One page: draw it into the collecting device, decide whether its pixels must be read, lay it out.
//!
//! Invariant: a panic or a failure of the drawing library costs this page only, and is noted. Used by `pdf::parse`.

use super::Reading;
use super::annotations::{Annotation, annotations_of};
use super::device::{Collector, Drawn};
use super::render::{self, render_page};
use super::unicode::UnicodeFallback;
use crate::context::ParseContext;
use crate::error::ParseError;
use crate::layout::{LayoutWord, PageLayout, Rule, arrange_glyphs, arrange_words, emit_page};
use crate::ocr::{Recognised, Unrecognised};
use boxwood_core::document::{DocumentBuilder, PlacedWord};
use boxwood_core::{BoundingBox, LineKind, PageSize, ReadNoteKind, TextSource};
use hayro::RenderCache;
use hayro::hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, InterpreterWarning, TransformExt, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::Rect;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A page with fewer characters than this, mostly covered by images, is a scan with a stamp or a page number.
const FEW_CHARACTERS: usize = 60;

/// Reads pages of one opening of the file.
pub(super) struct PageReader<'a, 'f> {
    /// Fonts and colours of the document.
    pub interpreter: InterpreterCache<'a>,
    /// The same for painting.
    pub renderer: RenderCache<'a>,
    /// Maps for fonts without their own.
    pub fallback: &'f UnicodeFallback,
}

/// Why the pixels of a page must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// The text of the file is enough.
    None,
    /// The page is an image or a drawing without text.
    NoText,
    /// There is some text, but the page is mostly an image.
    LittleText,
    /// The text is in a font whose characters nobody knows.
    UnknownCharacters,
}

impl Need {
    fn of(drawn: &Drawn) -> Self {
        let characters = drawn.glyphs.iter().filter(|glyph| !glyph.text.is_space()).count();
        let known = characters - drawn.unknown.min(characters);
        let share = drawn.image_share();
        if characters >= 8 && drawn.unknown * 10 > characters * 3 {
            Self::UnknownCharacters
        } else if known == 0 && (share > 0.03 || drawn.curved_shapes > 40 || drawn.images > 4) {
            Self::NoText
        } else if known < FEW_CHARACTERS && share > 0.5 {
            Self::LittleText
        } else {
            Self::None
        }
    }

    fn reason(self, drawn: &Drawn) -> String {
        match self {
            Self::UnknownCharacters => {
                format!(
                    "{} characters are in fonts that do not say what they mean",
                    drawn.unknown
                )
            }
            _ => "text in images".to_owned(),
        }
    }
}

impl<'a> PageReader<'a, '_> {
    /// Reads a page and appends it to the document.
    ///
    /// # Errors
    /// [`ParseError::LimitReached`] when the time is over.
    pub fn read(
        &mut self,
        index: usize,
        page: &'a Page<'a>,
        reading: &mut Reading,
        context: &mut ParseContext,
        builder: &mut DocumentBuilder,
    ) -> Result<(), ParseError> {
        let number = index as u32 + 1;
        let label = reading.labels.get_mut(index).and_then(Option::take);
        let (width, height) = page.render_dimensions();
        let size = Some(PageSize { width, height });
        let Some(drawn) = self.collect(page, number, reading) else {
            builder.page(label, size, TextSource::Native);
            reading
                .notes
                .add(number, ReadNoteKind::Damaged, "the page could not be read");
            return Ok(());
        };
        let (annotations, attached) = annotations_of(page);
        note_losses(&drawn, attached, number, reading);
        let need = Need::of(&drawn);
        let recognised = if need == Need::None {
            None
        } else {
            self.recognise(page, need, &drawn, number, reading, context)
        };
        let (layout, source) = compose(drawn, need, recognised);
        builder.page(label, size, source);
        emit_page(builder, layout, &mut reading.body);
        for annotation in &annotations {
            emit_annotation(builder, annotation);
        }
        Ok(())
    }

    fn collect(&self, page: &'a Page<'a>, number: u32, reading: &mut Reading) -> Option<Drawn> {
        let failed_images = Arc::new(AtomicU32::new(0));
        let failed_fonts = Arc::new(AtomicU32::new(0));
        let settings = settings(&failed_images, &failed_fonts);
        let drawn = draw(page, &self.interpreter, self.fallback, settings);
        if failed_fonts.load(Ordering::Relaxed) > 0 {
            reading.notes.add(
                number,
                ReadNoteKind::Damaged,
                "text in a font that could not be loaded",
            );
        }
        drawn
    }

    fn recognise(
        &self,
        page: &'a Page<'a>,
        need: Need,
        drawn: &Drawn,
        number: u32,
        reading: &mut Reading,
        context: &mut ParseContext,
    ) -> Option<Recognised> {
        let mut refuse = |why: String| {
            let reason = format!("{} could not be recognised: {why}", need.reason(drawn));
            reading.notes.add(number, ReadNoteKind::NotRecognised, reason);
            None
        };
        if let Some(why) = reading.session.unavailable() {
            return refuse(why);
        }
        if let Err(error) = context.begin_ocr_page() {
            return refuse(error.to_string());
        }
        let settings = render::settings(context.fonts());
        let rendered = catch_unwind(AssertUnwindSafe(|| render_page(page, &self.renderer, &settings)));
        let Some((image, points_per_pixel)) = rendered.ok().flatten() else {
            return refuse("the page could not be painted".to_owned());
        };
        match reading.session.recognise(&image, context) {
            // A photograph without text is common, an illegible scan is not rare: the reader must be told of both.
            Ok(recognised) if recognised.words.is_empty() => refuse("no text was found in them".to_owned()),
            Ok(mut recognised) => {
                if let Some(doubt) = recognised.doubt.take() {
                    reading.notes.add(number, ReadNoteKind::NotRecognised, doubt);
                }
                Some(recognised.scaled(points_per_pixel))
            }
            Err(Unrecognised { why }) => refuse(why),
        }
    }
}

/// Everything that a page draws; none where the drawing library panics.
pub(super) fn draw<'a>(
    page: &'a Page<'a>,
    interpreter: &InterpreterCache<'a>,
    fallback: &UnicodeFallback,
    settings: InterpreterSettings,
) -> Option<Drawn> {
    let (width, height) = page.render_dimensions();
    let drawn = catch_unwind(AssertUnwindSafe(|| {
        let transform = page.initial_transform(true).to_kurbo();
        let target = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        let mut context = Context::new(transform, target, interpreter, page.xref(), settings);
        let mut device = Collector::new(width, height, fallback);
        interpret_page(page, &mut context, &mut device);
        device.drawn
    }));
    drawn.ok()
}

fn settings(failed_images: &Arc<AtomicU32>, failed_fonts: &Arc<AtomicU32>) -> InterpreterSettings {
    let (images, fonts) = (Arc::clone(failed_images), Arc::clone(failed_fonts));
    InterpreterSettings {
        warning_sink: Arc::new(move |warning| {
            let counter = match warning {
                InterpreterWarning::UnsupportedFont => &fonts,
                _ => &images,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }),
        ..InterpreterSettings::default()
    }
}

fn note_losses(drawn: &Drawn, attached: usize, number: u32, reading: &mut Reading) {
    if drawn.beyond_limit > 0 {
        let reason = format!(
            "{} characters beyond the limit of a page were not read",
            drawn.beyond_limit
        );
        reading.notes.add(number, ReadNoteKind::LimitReached, reason);
    }
    if drawn.outside > 0 {
        reading.notes.add(
            number,
            ReadNoteKind::Unsupported,
            "text outside the visible area was left out",
        );
    }
    if attached > 0 {
        let reason = format!("{attached} attached file(s) were not opened");
        reading.notes.add(number, ReadNoteKind::Embedded, reason);
    }
}

/// The layout of a page from its own text, from recognised words, or from both.
fn compose(drawn: Drawn, need: Need, recognised: Option<Recognised>) -> (PageLayout, TextSource) {
    let Some(recognised) = recognised else {
        return (arrange_glyphs(drawn.glyphs, &drawn.rules), TextSource::Native);
    };
    let engine = recognised.engine;
    if need != Need::LittleText || drawn.glyphs.is_empty() {
        return (
            arrange_words(recognised.words, &drawn.rules),
            TextSource::Ocr { engine },
        );
    }
    let boxes: Vec<BoundingBox> = drawn.glyphs.iter().map(|glyph| glyph.bounds).collect();
    let native = arrange_glyphs(drawn.glyphs, &[]);
    let mut words: Vec<LayoutWord> = native
        .lines
        .into_iter()
        .flat_map(|line| line.words)
        .map(|word| word.word)
        .collect();
    let apart = recognised
        .words
        .into_iter()
        .filter(|word| !boxes.iter().any(|native| overlaps(&word.bounds, native)));
    words.extend(apart);
    (
        arrange_words(words, &drawn.rules as &[Rule]),
        TextSource::Mixed { engine },
    )
}

/// Whether the middle of one box lies in the other.
fn overlaps(word: &BoundingBox, native: &BoundingBox) -> bool {
    let (x, y) = (
        (native.left + native.right) / 2.0,
        (native.top + native.bottom) / 2.0,
    );
    x > word.left && x < word.right && y > word.top && y < word.bottom
}

fn emit_annotation(builder: &mut DocumentBuilder, annotation: &Annotation) {
    for line in &annotation.lines {
        let words: Vec<PlacedWord<'_>> = line
            .split_whitespace()
            .enumerate()
            .map(|(index, text)| PlacedWord {
                text,
                bounds: annotation.bounds,
                confidence: None,
                space_before: index > 0,
            })
            .collect();
        builder.line_of_words(&words, LineKind::Body);
    }
}

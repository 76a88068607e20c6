//! Text in pixels → words with boxes and confidence, by whichever engine is there.
//!
//! Invariant: an engine that is missing or fails is reported with its reason and what would mend it, never as an empty
//! page. Used by `pdf` (scanned pages) and `image` (pictures).

mod contours;
mod ctc;
mod foreign;
mod ppocr;
mod resize;
mod strip;
mod tesseract;
#[cfg(test)]
mod tests;

use crate::context::{OcrConfig, OcrEngine, ParseContext};
use crate::layout::{Join, LayoutWord, is_unspaced_script};
use boxwood_core::BoundingBox;
use contours::RotatedBox;
use foreign::Suspicion;
use image::RgbImage;
use ppocr::{PpOcr, first_turn};
use resize::Turn;
use std::collections::BTreeSet;
use tesseract::Tesseract;

/// Below this mean confidence a page of the embedded engine is tried with Tesseract too.
const LOW_CONFIDENCE: f32 = 0.72;

/// A line below this confidence is dropped: it is texture, not text.
const NOT_TEXT: f32 = 0.35;

/// Name of the embedded engine in documents.
const EMBEDDED: &str = "pp-ocrv6";

/// An engine that recognises text.
pub(crate) trait Recogniser {
    /// Its name in documents.
    fn name(&self) -> &'static str;

    /// Lines of an upright image, in any order, boxes in pixels.
    ///
    /// # Errors
    /// [`Unrecognised`] with the reason, in words.
    fn recognise(
        &mut self,
        image: &RgbImage,
        context: &ParseContext,
    ) -> Result<Vec<RecognisedLine>, Unrecognised>;
}

/// A line that an engine found.
#[derive(Debug, Clone)]
pub(crate) struct RecognisedLine {
    /// Its words in the order of the line.
    pub words: Vec<RecognisedWord>,
    /// The direction of the line on the image in degrees, clockwise: 0, 90, 180 or 270.
    pub direction: i16,
    /// Where to cut it out; `None` where the engine does not say.
    pub crop: Option<LineCrop>,
}

/// The place of a line, and how it must be turned to be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LineCrop {
    region: RotatedBox,
    turn: Turn,
}

impl LineCrop {
    /// The same line, turned as its shape suggests.
    fn upright(&self) -> Self {
        Self {
            turn: first_turn(&self.region),
            ..*self
        }
    }
}

/// A word that an engine found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecognisedWord {
    /// Its text.
    pub text: String,
    /// Its box in pixels.
    pub bounds: BoundingBox,
    /// 0 to 1.
    pub confidence: f32,
    /// Whether a space stands before it.
    pub space_before: bool,
}

/// Why no text came out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct Unrecognised {
    /// The reason, in words.
    pub why: String,
}

impl Unrecognised {
    fn because(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// The words of a page.
#[derive(Debug, Clone)]
pub(crate) struct Recognised {
    /// The engine's name; with the languages where Tesseract read, and both where both did.
    pub engine: String,
    /// Words for the layout.
    pub words: Vec<LayoutWord>,
    /// Mean confidence of the lines that were found, those that are no text included; 1 where none was.
    pub confidence: f32,
    /// What is probably wrong with the words, and how to mend it.
    pub doubt: Option<String>,
}

impl Recognised {
    /// The same in another unit, such as points.
    pub fn scaled(mut self, factor: f32) -> Self {
        for word in &mut self.words {
            for value in [
                &mut word.left,
                &mut word.right,
                &mut word.baseline,
                &mut word.size,
            ] {
                *value *= factor;
            }
            let bounds = &mut word.bounds;
            for value in [
                &mut bounds.left,
                &mut bounds.top,
                &mut bounds.right,
                &mut bounds.bottom,
            ] {
                *value *= factor;
            }
        }
        self
    }

    fn of(engine: impl Into<String>, lines: Vec<RecognisedLine>) -> Self {
        let sum: f32 = lines.iter().map(RecognisedLine::confidence).sum();
        let confidence = if lines.is_empty() {
            1.0
        } else {
            sum / lines.len() as f32
        };
        let text = lines.into_iter().filter(|line| line.confidence() >= NOT_TEXT);
        Self {
            engine: engine.into(),
            words: text.flat_map(layout_words).collect(),
            confidence,
            doubt: None,
        }
    }
}

impl RecognisedLine {
    fn confidence(&self) -> f32 {
        confidence_of(&self.words)
    }
}

/// Mean confidence of words, by their characters; 0 without any.
fn confidence_of(words: &[RecognisedWord]) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for word in words {
        let weight = word.text.chars().count() as f32;
        sum += word.confidence * weight;
        count += weight;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Engines of one file; they are loaded when the first page needs them.
pub(crate) struct Session {
    config: OcrConfig,
    embedded: Option<Result<PpOcr, Unrecognised>>,
    tesseract: Option<Result<Tesseract, Unrecognised>>,
}

impl Session {
    /// Loads nothing yet.
    pub fn new(config: &OcrConfig) -> Self {
        Self {
            config: config.clone(),
            embedded: None,
            tesseract: None,
        }
    }

    /// Why no engine can be used at all; `None` when one can.
    pub fn unavailable(&mut self) -> Option<String> {
        match self.config.engine {
            OcrEngine::Off => Some("recognition is switched off".to_owned()),
            OcrEngine::PpOcr => self.embedded().err(),
            OcrEngine::Tesseract => self.tesseract().err(),
            OcrEngine::Auto => match (self.embedded().err(), self.tesseract().err()) {
                (Some(embedded), Some(tesseract)) => Some(format!("{embedded}; {tesseract}")),
                _ => None,
            },
        }
    }

    /// Recognises an upright image.
    ///
    /// # Errors
    /// [`Unrecognised`] when no engine is there or the one that is failed.
    pub fn recognise(
        &mut self,
        image: &RgbImage,
        context: &ParseContext,
    ) -> Result<Recognised, Unrecognised> {
        match self.config.engine {
            OcrEngine::Off => Err(Unrecognised::because("recognition is switched off")),
            OcrEngine::PpOcr => run(self.embedded().map_err(Unrecognised::because)?, image, context),
            OcrEngine::Tesseract => run(self.tesseract().map_err(Unrecognised::because)?, image, context),
            OcrEngine::Auto => self.recognise_by_best(image, context),
        }
    }

    fn recognise_by_best(
        &mut self,
        image: &RgbImage,
        context: &ParseContext,
    ) -> Result<Recognised, Unrecognised> {
        let embedded = match self.embedded() {
            Ok(engine) if !wants_tesseract(context.ocr()) => engine.recognise(image, context),
            Ok(_) => Err(Unrecognised::because(
                "the embedded engine does not read the languages that are set",
            )),
            Err(why) => Err(Unrecognised::because(why)),
        };
        let embedded = embedded.map(|lines| self.with_foreign_scripts(lines, image, context));
        let doubtful = match &embedded {
            Ok(page) => page.confidence < LOW_CONFIDENCE,
            Err(_) => true,
        };
        if !doubtful {
            return embedded;
        }
        let other = match self.tesseract() {
            Ok(engine) => run(engine, image, context),
            Err(why) => Err(Unrecognised::because(why)),
        };
        match (embedded, other) {
            (Ok(first), Ok(second)) if second.confidence <= first.confidence => Ok(first),
            (_, Ok(second)) => Ok(second),
            (Ok(first), Err(_)) => Ok(first),
            (Err(first), Err(second)) if first == second => Err(first),
            (Err(first), Err(second)) => Err(Unrecognised::because(format!("{first}; {second}"))),
        }
    }

    /// The lines of the embedded engine, read again where they are in a script that it does not know.
    fn with_foreign_scripts(
        &mut self,
        mut lines: Vec<RecognisedLine>,
        image: &RgbImage,
        context: &ParseContext,
    ) -> Recognised {
        let suspicion = Suspicion::of(&lines);
        if !suspicion.calls_for_a_trial() {
            return Recognised::of(EMBEDDED, lines);
        }
        let found = match self.tesseract() {
            Ok(engine) if foreign::has_candidates(engine) => {
                foreign::reread(image, &mut lines, engine, context).map_err(|error| error.why)
            }
            Ok(_) => Err("Tesseract has no data for such a script".to_owned()),
            Err(why) => Err(why),
        };
        match found {
            Ok(Some((language, replaced))) => {
                let engine = match replaced * 10 >= lines.len() * 9 {
                    true => format!("tesseract ({language})"),
                    false => format!("{EMBEDDED}, tesseract ({language})"),
                };
                Recognised::of(engine, lines)
            }
            Ok(None) => Recognised::of(EMBEDDED, lines),
            Err(why) => Recognised {
                doubt: suspicion.is_striking().then(|| {
                    format!("the text may be in a script that the embedded recognition does not know: {why}")
                }),
                ..Recognised::of(EMBEDDED, lines)
            },
        }
    }

    fn embedded(&mut self) -> Result<&mut PpOcr, String> {
        let directory = self.config.models_dir.as_deref();
        match self.embedded.get_or_insert_with(|| PpOcr::load(directory)) {
            Ok(engine) => Ok(engine),
            Err(error) => Err(error.why.clone()),
        }
    }

    fn tesseract(&mut self) -> Result<&mut Tesseract, String> {
        let languages = &self.config.languages;
        match self.tesseract.get_or_insert_with(|| Tesseract::find(languages)) {
            Ok(engine) => Ok(engine),
            Err(error) => Err(error.why.clone()),
        }
    }
}

fn run(
    engine: &mut dyn Recogniser,
    image: &RgbImage,
    context: &ParseContext,
) -> Result<Recognised, Unrecognised> {
    let lines = engine.recognise(image, context)?;
    Ok(Recognised::of(engine.name(), lines))
}

/// Whether all languages that are set are ones that the embedded models do not know.
fn wants_tesseract(config: &OcrConfig) -> bool {
    const KNOWN: [&str; 20] = [
        "en", "ja", "zh", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "nb", "fi", "pl", "cs", "hu",
        "ro", "tr", "id",
    ];
    let languages: BTreeSet<&str> = config
        .languages
        .iter()
        .map(|l| l.split(['-', '_']).next().unwrap_or(l))
        .collect();
    !languages.is_empty() && languages.iter().all(|language| !KNOWN.contains(language))
}

/// A recognised line as words for the layout: the line's box gives size and baseline to all of them.
fn layout_words(line: RecognisedLine) -> Vec<LayoutWord> {
    let Some(bounds) = line
        .words
        .iter()
        .map(|word| word.bounds)
        .reduce(BoundingBox::union)
    else {
        return Vec::new();
    };
    let direction = line.direction;
    let (_, _, top, bottom) = in_frame(&bounds, direction);
    // A box holds ascenders and descenders; a font size is about nine tenths of that.
    let height = |word: &RecognisedWord| {
        let (_, _, top, bottom) = in_frame(&word.bounds, direction);
        bottom - top
    };
    let mut heights: Vec<f32> = line.words.iter().map(height).collect();
    heights.sort_by(f32::total_cmp);
    let height = heights[heights.len() / 2].min(bottom - top).max(1.0);
    let word = |(index, word): (usize, RecognisedWord)| {
        let (left, right, _, _) = in_frame(&word.bounds, direction);
        LayoutWord {
            left,
            right,
            baseline: bottom - 0.2 * height,
            size: 0.9 * height,
            join: match (index, word.space_before) {
                (0, _) => Join::Unknown,
                (_, true) => Join::Space,
                (_, false) => Join::Touch,
            },
            confidence: Some(word.confidence.clamp(0.0, 1.0)),
            bounds: word.bounds,
            text: word.text,
            direction,
        }
    };
    line.words
        .into_iter()
        .filter(|word| !word.text.is_empty())
        .enumerate()
        .map(word)
        .collect()
}

/// Left, right, top and bottom of a box in the frame of a direction.
fn in_frame(bounds: &BoundingBox, direction: i16) -> (f32, f32, f32, f32) {
    match direction {
        90 => (bounds.top, bounds.bottom, -bounds.right, -bounds.left),
        180 => (-bounds.right, -bounds.left, -bounds.bottom, -bounds.top),
        270 => (-bounds.bottom, -bounds.top, bounds.left, bounds.right),
        _ => (bounds.left, bounds.right, bounds.top, bounds.bottom),
    }
}

/// Splits the characters of a line, each with where it begins and ends, into words.
fn words_of_characters(characters: &[(char, f32, f32, f32)], top: f32, bottom: f32) -> Vec<RecognisedWord> {
    let mut words: Vec<RecognisedWord> = Vec::new();
    let mut count = 0.0f32;
    let mut space = false;
    let mut alone = true;
    for &(c, left, right, confidence) in characters {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        let unspaced = is_unspaced_script(c);
        match words.last_mut() {
            Some(word) if !space && !alone && !unspaced => {
                word.text.push(c);
                word.bounds.right = right;
                word.confidence = (word.confidence * count + confidence) / (count + 1.0);
                count += 1.0;
            }
            _ => {
                words.push(RecognisedWord {
                    text: c.to_string(),
                    bounds: BoundingBox {
                        left,
                        top,
                        right,
                        bottom,
                    },
                    confidence,
                    space_before: space && !words.is_empty(),
                });
                count = 1.0;
            }
        }
        alone = unspaced;
        space = false;
    }
    words
}

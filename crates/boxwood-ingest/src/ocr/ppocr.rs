//! The embedded engine: PP-OCRv6, a detection and a recognition model, run by rten.
//!
//! Invariant: pixels and threads are bounded; between batches the time of the file is checked. Models are found at run
//! time in [`crate::OcrConfig::models_dir`] and never trusted to have the right shape. Used by `ocr::Session`.

use super::contours::{RotatedBox, text_boxes};
use super::ctc::{Decoded, Dictionary};
use super::resize::{Turn, crop_into, detection_tensor};
use super::{LineCrop, RecognisedLine, RecognisedWord, Recogniser, Unrecognised, words_of_characters};
use crate::context::ParseContext;
use boxwood_core::BoundingBox;
use image::RgbImage;
use rten::{Model, ModelOptions, RunOptions, ThreadPool, Value};
use std::path::Path;
use std::sync::Arc;

const DETECTION: &str = "PP-OCRv6_det_small.rten";
const RECOGNITION: &str = "PP-OCRv6_rec_small.rten";
const DICTIONARY: &str = "ppocrv6_dict.txt";

/// The longer side that detection sees.
const DETECTION_SIDE: f32 = 1_408.0;
/// Height of a line for recognition.
const LINE_HEIGHT: usize = 48;
const MAX_LINE_WIDTH: usize = 2_400;
/// Pixels of width in one batch; bounds the memory of the output.
const BATCH_WIDTH: usize = 4_800;
const MAX_BATCH: usize = 12;
/// Lines of one direction below this mean are tried the other way round.
const DOUBTFUL: f32 = 0.85;
/// A line has at least so many characters for each time its height goes into its width.
const SPARSE: f32 = 0.3;
/// So many of them decide.
const PROBES: usize = 4;

/// The loaded models.
pub(super) struct PpOcr {
    detection: Model,
    recognition: Model,
    dictionary: Dictionary,
    threads: Arc<ThreadPool>,
}

/// A line read from one box.
struct Reading {
    region: RotatedBox,
    turn: Turn,
    characters: Vec<Decoded>,
    confidence: f32,
}

impl PpOcr {
    /// Loads the models from their folder.
    pub fn load(directory: Option<&Path>) -> Result<Self, Unrecognised> {
        let missing =
            || Unrecognised::because("the recognition models are not installed (`boxwood doctor` tells how)");
        let directory = directory.ok_or_else(missing)?;
        if !directory.join(DETECTION).is_file() || !directory.join(RECOGNITION).is_file() {
            return Err(missing());
        }
        let failed = |name: &'static str| {
            move |error: &dyn std::fmt::Display| {
                Unrecognised::because(format!("the model {name} can't be loaded: {error}"))
            }
        };
        let load = |name: &'static str| {
            let mut options = ModelOptions::with_all_ops();
            options.prepack_weights(true);
            options
                .load_file(directory.join(name))
                .map_err(|error| failed(name)(&error))
        };
        let text = std::fs::read_to_string(directory.join(DICTIONARY))
            .map_err(|error| failed(DICTIONARY)(&error))?;
        Ok(Self {
            detection: load(DETECTION)?,
            recognition: load(RECOGNITION)?,
            dictionary: Dictionary::parse(&text),
            threads: Arc::new(ThreadPool::with_num_threads(free_cores())),
        })
    }

    fn run<const N: usize>(
        &self,
        model: &Model,
        shape: [usize; 4],
        data: Vec<f32>,
    ) -> Result<([usize; N], Vec<f32>), Unrecognised> {
        let failed =
            |error: &dyn std::fmt::Display| Unrecognised::because(format!("the recognition failed: {error}"));
        let input = Value::from_shape(shape, data).map_err(|error| failed(&error))?;
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(&self.threads));
        let output = model
            .run_one(input.into(), Some(options))
            .map_err(|error| failed(&error))?;
        output.into_shape_vec::<f32, N>().map_err(|error| failed(&error))
    }

    fn detect(&self, image: &RgbImage) -> Result<Vec<RotatedBox>, Unrecognised> {
        let (width, height) = (image.width() as f32, image.height() as f32);
        let scale = (DETECTION_SIDE / width.max(height)).min(1.5);
        let side = |length: f32| ((length * scale / 32.0).round().max(1.0) * 32.0) as usize;
        let (w, h) = (side(width), side(height));
        let tensor = detection_tensor(image, w as u32, h as u32);
        let (_, map) = self.run::<4>(&self.detection, [1, 3, h, w], tensor)?;
        if map.len() != w * h {
            return Err(Unrecognised::because(
                "the detection model gave a map of another size",
            ));
        }
        let (x, y) = (width / w as f32, height / h as f32);
        Ok(text_boxes(&map, w, h)
            .into_iter()
            .map(|found| found.scaled(x, y))
            .collect())
    }

    fn read(
        &self,
        image: &RgbImage,
        mut crops: Vec<(RotatedBox, Turn)>,
        context: &ParseContext,
    ) -> Result<Vec<Reading>, Unrecognised> {
        crops.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        let mut readings = Vec::with_capacity(crops.len());
        let mut start = 0;
        while start < crops.len() {
            context
                .checkpoint()
                .map_err(|error| Unrecognised::because(error.to_string()))?;
            let mut end = start + 1;
            while end < crops.len()
                && end - start < MAX_BATCH
                && line_width(&crops[end]) * (end + 1 - start) <= BATCH_WIDTH
                && line_width(&crops[end]) * 4 <= line_width(&crops[start]) * 5 + 64
            {
                end += 1;
            }
            self.read_batch(image, &crops[start..end], &mut readings)?;
            start = end;
        }
        Ok(readings)
    }

    fn read_batch(
        &self,
        image: &RgbImage,
        crops: &[(RotatedBox, Turn)],
        readings: &mut Vec<Reading>,
    ) -> Result<(), Unrecognised> {
        let widest = crops.iter().map(line_width).max().unwrap_or(LINE_HEIGHT);
        let stride = widest.next_multiple_of(32).max(160);
        let size = 3 * LINE_HEIGHT * stride;
        let mut data = vec![0.0; crops.len() * size];
        for (crop, out) in crops.iter().zip(data.chunks_exact_mut(size)) {
            crop_into(
                image,
                &crop.0,
                crop.1,
                (line_width(crop), LINE_HEIGHT),
                stride,
                out,
            );
        }
        let shape = [crops.len(), 3, LINE_HEIGHT, stride];
        let ([lines, steps, labels], output) = self.run::<3>(&self.recognition, shape, data)?;
        if labels < self.dictionary.labels() || lines != crops.len() || steps == 0 {
            return Err(Unrecognised::because(
                "the recognition model does not fit its dictionary",
            ));
        }
        for (crop, row) in crops.iter().zip(output.chunks_exact(steps * labels)) {
            let used = line_width(crop) as f32 / stride as f32;
            let mut characters = self.dictionary.decode(row, labels, used);
            // Letters that the model does not know come out as blanks: a long line with hardly a character is doubtful.
            let dense = (characters.len() as f32 / (SPARSE * ratio(crop))).min(1.0);
            characters.iter_mut().for_each(|c| c.confidence *= dense);
            let sum: f32 = characters.iter().map(|c| c.confidence).sum();
            let confidence = if characters.is_empty() {
                0.0
            } else {
                sum / characters.len() as f32
            };
            readings.push(Reading {
                region: crop.0,
                turn: crop.1,
                characters,
                confidence,
            });
        }
        Ok(())
    }

    /// Reads doubtful lines the other way round and keeps the better readings.
    fn retry(
        &self,
        image: &RgbImage,
        readings: &mut [Reading],
        context: &ParseContext,
    ) -> Result<(), Unrecognised> {
        for (turn, other) in [
            (Turn::None, Turn::Half),
            (Turn::CounterClockwise, Turn::Clockwise),
        ] {
            let mut group: Vec<usize> = (0..readings.len())
                .filter(|&i| readings[i].turn == turn)
                .collect();
            let mean = group.iter().map(|&i| readings[i].confidence).sum::<f32>() / group.len().max(1) as f32;
            if mean >= DOUBTFUL {
                continue;
            }
            let length = |i: &usize| readings[*i].region.width.max(readings[*i].region.height);
            group.sort_by(|a, b| length(b).total_cmp(&length(a)));
            let rest = group.split_off(group.len().min(PROBES));
            if self.reread(image, readings, &group, other, context)? * 2 > group.len() {
                self.reread(image, readings, &rest, other, context)?;
            }
        }
        let single = |reading: &Reading| is_single(&reading.region) && reading.confidence < DOUBTFUL;
        let singles: Vec<usize> = (0..readings.len())
            .filter(|&i| readings[i].turn != Turn::None && single(&readings[i]))
            .collect();
        self.reread(image, readings, &singles, Turn::None, context)?;
        Ok(())
    }

    /// Reads these lines in another turn; returns how many became better.
    fn reread(
        &self,
        image: &RgbImage,
        readings: &mut [Reading],
        indices: &[usize],
        turn: Turn,
        context: &ParseContext,
    ) -> Result<usize, Unrecognised> {
        let crops = indices.iter().map(|&i| (readings[i].region, turn)).collect();
        let mut better = 0;
        for other in self.read(image, crops, context)? {
            let place = indices.iter().find(|&&i| readings[i].region == other.region);
            if let Some(&index) = place
                && other.confidence > readings[index].confidence + 0.03
            {
                readings[index] = other;
                better += 1;
            }
        }
        Ok(better)
    }
}

impl Recogniser for PpOcr {
    fn name(&self) -> &'static str {
        super::EMBEDDED
    }

    fn recognise(
        &mut self,
        image: &RgbImage,
        context: &ParseContext,
    ) -> Result<Vec<RecognisedLine>, Unrecognised> {
        let crops = self
            .detect(image)?
            .into_iter()
            .map(|found| (found, first_turn(&found)))
            .collect();
        let mut readings = self.read(image, crops, context)?;
        self.retry(image, &mut readings, context)?;
        Ok(readings.iter().map(line_of).collect())
    }
}

/// Tall boxes are columns or turned lines.
pub(super) fn first_turn(region: &RotatedBox) -> Turn {
    if region.height >= 1.8 * region.width {
        Turn::CounterClockwise
    } else {
        Turn::None
    }
}

/// Whether a tall box may be a single upright character.
fn is_single(region: &RotatedBox) -> bool {
    region.height < 3.2 * region.width
}

fn ratio((region, turn): &(RotatedBox, Turn)) -> f32 {
    match turn {
        Turn::None | Turn::Half => region.width / region.height.max(0.1),
        _ => region.height / region.width.max(0.1),
    }
}

fn line_width(crop: &(RotatedBox, Turn)) -> usize {
    ((ratio(crop) * LINE_HEIGHT as f32).ceil() as usize).clamp(16, MAX_LINE_WIDTH)
}

/// The words of a reading with upright boxes around their parts of the line.
fn line_of(reading: &Reading) -> RecognisedLine {
    let characters = &reading.characters;
    let edge = |index: usize| match (
        index.checked_sub(1).and_then(|i| characters.get(i)),
        characters.get(index),
    ) {
        (Some(before), Some(after)) => (before.at + after.at) / 2.0,
        (None, Some(first)) => (first.at - half_step(characters)).max(0.0),
        (Some(last), None) => (last.at + half_step(characters)).min(1.0),
        (None, None) => 0.0,
    };
    let spans: Vec<(char, f32, f32, f32)> = characters
        .iter()
        .enumerate()
        .map(|(index, c)| (c.text, edge(index), edge(index + 1), c.confidence))
        .collect();
    let place = |word: RecognisedWord| RecognisedWord {
        bounds: page_box(&reading.region, reading.turn, word.bounds.left, word.bounds.right),
        ..word
    };
    RecognisedLine {
        words: words_of_characters(&spans, 0.0, 1.0)
            .into_iter()
            .map(place)
            .collect(),
        direction: reading.turn.direction(),
        crop: Some(LineCrop {
            region: reading.region,
            turn: reading.turn,
        }),
    }
}

fn half_step(characters: &[Decoded]) -> f32 {
    match (characters.first(), characters.last()) {
        (Some(first), Some(last)) if characters.len() > 1 => {
            (last.at - first.at) / (characters.len() - 1) as f32 / 2.0
        }
        _ => 0.5,
    }
}

/// The box on the page of a part of a line; the widening of the detection is taken back across the line.
pub(super) fn page_box(region: &RotatedBox, turn: Turn, from: f32, to: f32) -> BoundingBox {
    const INSET: f32 = 0.12;
    let corner = |along: f32, across: f32| match turn {
        Turn::None => region.point(along, across),
        Turn::CounterClockwise => region.point(1.0 - across, along),
        Turn::Clockwise => region.point(across, 1.0 - along),
        Turn::Half => region.point(1.0 - along, 1.0 - across),
    };
    let corners = [
        corner(from, INSET),
        corner(to, INSET),
        corner(from, 1.0 - INSET),
        corner(to, 1.0 - INSET),
    ];
    let mut bounds = BoundingBox {
        left: f32::MAX,
        top: f32::MAX,
        right: f32::MIN,
        bottom: f32::MIN,
    };
    for (x, y) in corners {
        bounds = bounds.union(BoundingBox {
            left: x,
            top: y,
            right: x,
            bottom: y,
        });
    }
    bounds
}

/// Cores that nobody else is using now, at least one.
fn free_cores() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let busy = load
        .and_then(|text| text.split(' ').next().and_then(|load| load.parse::<f32>().ok()))
        .unwrap_or(0.0);
    let free = cores as f32 - busy + 0.5;
    (free.max(1.0) as usize).clamp(1, cores.min(8))
}

//! Scripts that the embedded models don't know, such as Cyrillic and Hangul: found by how they were misread, and read
//! again with Tesseract.
//!
//! The embedded engine finds such lines but writes look-alikes ("HacToAWmM") or next to nothing. A few of them are
//! tried in every language that Tesseract has for such a script; where one of them is surely right, all lines of the
//! page are read in it. Invariants: a page whose lines look right costs nothing; a line is replaced only by a reading
//! in the script that was found. Used by `ocr::Session`.

use super::strip::Strip;
use super::tesseract::Tesseract;
use super::{LineCrop, RecognisedLine, RecognisedWord, Unrecognised, confidence_of};
use crate::context::ParseContext;
use crate::layout::is_unspaced_script;
use image::RgbImage;

/// A line below this confidence is suspicious.
const DOUBTFUL: f32 = 0.8;
/// So much of the page's text must be suspicious before anything is tried.
const SUSPICIOUS_SHARE: f32 = 0.1;
/// From this share on the reader of the document is told when nothing could be done.
const STRIKING_SHARE: f32 = 0.5;
/// Of the words of three letters or more in a line, so many must look misread.
const MISREAD_WORDS: f32 = 0.3;
/// A line in letters has at least so many characters for each time its height goes into its length …
const SPARSE: f32 = 1.3;
/// … if it is not too short to tell.
const LONG_ENOUGH: f32 = 4.0;
/// Lines that are tried.
const SAMPLED_LINES: usize = 5;
/// A language fits when Tesseract is so sure of its script on the sampled lines …
const FITS: f32 = 0.65;
/// … and so much surer than it is of Latin letters.
const AHEAD_OF_LATIN: f32 = 0.08;
/// A line's new reading is taken from this confidence on.
const ACCEPTED: f32 = 0.5;
/// A line that is read less surely is read once more together with Latin letters.
const MIXED: f32 = 0.85;
/// Lines of one image for Tesseract; bounds its size.
const LINES_PER_STRIP: usize = 48;

/// Languages of Tesseract whose letters the embedded models can't write, with the ranges of those letters.
const LANGUAGES: [(&str, &[(u32, u32)]); 10] = [
    ("rus", CYRILLIC),
    ("ukr", CYRILLIC),
    ("bul", CYRILLIC),
    ("kor", &[(0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x3130, 0x318F)]),
    ("ell", &[(0x0370, 0x03FF), (0x1F00, 0x1FFF)]),
    (
        "ara",
        &[
            (0x0600, 0x06FF),
            (0x0750, 0x077F),
            (0xFB50, 0xFDFF),
            (0xFE70, 0xFEFF),
        ],
    ),
    ("heb", &[(0x0590, 0x05FF)]),
    ("hin", &[(0x0900, 0x097F)]),
    ("tha", &[(0x0E00, 0x0E7F)]),
    ("vie", &[(0x0102, 0x0103), (0x01A0, 0x01B0), (0x1EA0, 0x1EF9)]),
];
const CYRILLIC: &[(u32, u32)] = &[(0x0400, 0x052F)];
const LATIN: &str = "eng";

/// A language and the letters that only its script has.
type Candidate = (&'static str, &'static [(u32, u32)]);

/// How much of a page looks misread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Suspicion(f32);

impl Suspicion {
    /// Of a page's lines, by the room that they take.
    pub fn of(lines: &[RecognisedLine]) -> Self {
        let room = |line: &RecognisedLine| line.crop.map_or(0.0, |crop| crop.ratio());
        let all: f32 = lines.iter().map(room).sum();
        let suspicious: f32 = lines.iter().filter(|line| is_suspicious(line)).map(room).sum();
        Self(suspicious / all.max(1.0))
    }

    /// Whether it is worth trying other scripts.
    pub fn calls_for_a_trial(self) -> bool {
        self.0 >= SUSPICIOUS_SHARE
    }

    /// Whether the reader of the document should be told that nothing could be tried.
    pub fn is_striking(self) -> bool {
        self.0 >= STRIKING_SHARE
    }
}

/// Finds the script of the suspicious lines and reads the page in it. Gives the language and how many lines were
/// replaced; `None` where no language fits, which leaves the lines as they are.
///
/// # Errors
/// [`Unrecognised`] where Tesseract fails.
pub(super) fn reread(
    image: &RgbImage,
    lines: &mut [RecognisedLine],
    tesseract: &Tesseract,
    context: &ParseContext,
) -> Result<Option<(&'static str, usize)>, Unrecognised> {
    let reader = Reader {
        image,
        tesseract,
        context,
    };
    let mut sample: Vec<LineCrop> = lines
        .iter()
        .filter(|line| is_suspicious(line))
        .filter_map(|line| line.crop)
        .collect();
    sample.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    sample.truncate(SAMPLED_LINES);
    let Some((candidate, upright)) = reader.fitting(&sample)? else {
        return Ok(None);
    };
    let mut replaced = 0;
    for lines in lines.chunks_mut(LINES_PER_STRIP) {
        replaced += reader.replace(lines, candidate, upright)?;
    }
    Ok(Some((candidate.0, replaced)))
}

/// Whether Tesseract has data for any script that the embedded models don't know.
pub(super) fn has_candidates(tesseract: &Tesseract) -> bool {
    candidates(tesseract).next().is_some()
}

fn candidates(tesseract: &Tesseract) -> impl Iterator<Item = Candidate> + '_ {
    LANGUAGES
        .into_iter()
        .filter(|(language, _)| tesseract.may_read(language))
}

/// Reads lines of one page.
struct Reader<'a> {
    image: &'a RgbImage,
    tesseract: &'a Tesseract,
    context: &'a ParseContext,
}

impl Reader<'_> {
    /// The language that fits the sampled lines; and whether they must be read as they stand, although the embedded
    /// engine, which could not read them, may have turned them.
    fn fitting(&self, sample: &[LineCrop]) -> Result<Option<(Candidate, bool)>, Unrecognised> {
        let upright: Vec<LineCrop> = sample.iter().map(LineCrop::upright).collect();
        if let Some(candidate) = self.best(&upright)? {
            return Ok(Some((candidate, true)));
        }
        if upright == sample {
            return Ok(None);
        }
        Ok(self.best(sample)?.map(|candidate| (candidate, false)))
    }

    fn best(&self, sample: &[LineCrop]) -> Result<Option<Candidate>, Unrecognised> {
        if sample.is_empty() {
            return Ok(None);
        }
        let strip = Strip::of(self.image, sample);
        let mut best: Option<(f32, Candidate)> = None;
        for candidate in candidates(self.tesseract) {
            let words = self.read(&strip, candidate.0)?.concat();
            let score = confidence_of(&words) * share_of(&words, candidate.1);
            if score >= FITS && best.is_none_or(|(best, _)| score > best) {
                best = Some((score, candidate));
            }
        }
        let Some((score, candidate)) = best else {
            return Ok(None);
        };
        let latin = match self.tesseract.has(LATIN) {
            true => confidence_of(&self.read(&strip, LATIN)?.concat()),
            false => 0.0,
        };
        Ok((score >= latin + AHEAD_OF_LATIN).then_some(candidate))
    }

    /// Reads these lines in a language and replaces those that turn out to be in its script.
    fn replace(
        &self,
        lines: &mut [RecognisedLine],
        (language, letters): Candidate,
        upright: bool,
    ) -> Result<usize, Unrecognised> {
        let (places, crops): (Vec<usize>, Vec<LineCrop>) = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !is_surely_known(line))
            .filter_map(|(place, line)| Some((place, line.crop?)))
            .map(|(place, crop)| (place, if upright { crop.upright() } else { crop }))
            .unzip();
        if crops.is_empty() {
            return Ok(0);
        }
        let strip = Strip::of(self.image, &crops);
        let mut readings = self.read(&strip, language)?;
        if self.tesseract.has(LATIN) {
            self.read_mixed(&crops, language, &mut readings)?;
        }
        let mut replaced = 0;
        for ((place, crop), words) in places.into_iter().zip(crops).zip(readings) {
            if confidence_of(&words) >= ACCEPTED && holds_script(&words, letters) {
                lines[place] = RecognisedLine {
                    direction: crop.turn.direction(),
                    words,
                    crop: Some(crop),
                };
                replaced += 1;
            }
        }
        Ok(replaced)
    }

    /// Lines that hold Latin letters too are read better with both.
    fn read_mixed(
        &self,
        crops: &[LineCrop],
        language: &str,
        readings: &mut [Vec<RecognisedWord>],
    ) -> Result<(), Unrecognised> {
        let unsure: Vec<usize> = (0..readings.len())
            .filter(|&row| confidence_of(&readings[row]) < MIXED)
            .collect();
        if unsure.is_empty() {
            return Ok(());
        }
        let crops: Vec<LineCrop> = unsure.iter().map(|&row| crops[row]).collect();
        let strip = Strip::of(self.image, &crops);
        let mixed = self.read(&strip, &format!("{language}+{LATIN}"))?;
        for (row, words) in unsure.into_iter().zip(mixed) {
            if confidence_of(&words) > confidence_of(&readings[row]) {
                readings[row] = words;
            }
        }
        Ok(())
    }

    fn read(&self, strip: &Strip, languages: &str) -> Result<Vec<Vec<RecognisedWord>>, Unrecognised> {
        let lines = self.tesseract.read_block(&strip.image, languages, self.context)?;
        Ok(strip.words_by_row(lines))
    }
}

/// Whether a line was probably misread: the engine is unsure, the words are such as nobody writes, or too few characters
/// were found for the line's length.
fn is_suspicious(line: &RecognisedLine) -> bool {
    let Some(crop) = line.crop else { return false };
    line.confidence() < DOUBTFUL || looks_misread(&line.words) || is_sparse(&line.words, crop.ratio())
}

/// Letters that the engine does not know come out as nothing. Characters of scripts without spaces are wide.
fn is_sparse(words: &[RecognisedWord], ratio: f32) -> bool {
    let text = || words.iter().flat_map(|word| word.text.chars());
    let spaces = words.iter().filter(|word| word.space_before).count();
    let count = (text().count() + spaces) as f32;
    ratio >= LONG_ENOUGH && count < SPARSE * ratio && !text().any(is_unspaced_script)
}

/// Whether a line is in a script of the embedded models beyond doubt: Latin letters may be look-alikes, others not.
fn is_surely_known(line: &RecognisedLine) -> bool {
    let known = |c: char| matches!(u32::from(c), 0x3040..=0x30FF | 0x3400..=0x9FFF);
    let letters = line
        .words
        .iter()
        .flat_map(|word| word.text.chars())
        .filter(|c| c.is_alphabetic());
    let (mut all, mut of_them) = (0, 0);
    for letter in letters {
        all += 1;
        of_them += usize::from(known(letter));
    }
    line.confidence() >= DOUBTFUL && of_them * 2 > all
}

/// Look-alikes stand in odd company: capitals and digits inside words.
fn looks_misread(words: &[RecognisedWord]) -> bool {
    let (mut all, mut odd) = (0u32, 0u32);
    for word in words {
        let letters: Vec<char> = word.text.chars().filter(|c| c.is_alphanumeric()).collect();
        if letters.len() < 3 || !letters.iter().any(|c| c.is_ascii_alphabetic()) {
            continue;
        }
        all += 1;
        let digit_inside = letters
            .windows(3)
            .any(|three| three[0].is_alphabetic() && three[1].is_numeric() && three[2].is_alphabetic());
        odd += u32::from(
            digit_inside
                || letters.windows(2).any(|pair| {
                    pair[0].is_lowercase() && (pair[1].is_uppercase() || pair[1].is_numeric())
                        || pair[0].is_numeric() && pair[1].is_lowercase()
                }),
        );
    }
    odd > 0 && odd as f32 >= MISREAD_WORDS * all as f32
}

fn is_letter_of(c: char, letters: &[(u32, u32)]) -> bool {
    letters
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
}

/// Of the letters of these words, how many belong to the script.
fn share_of(words: &[RecognisedWord], letters: &[(u32, u32)]) -> f32 {
    let (mut all, mut of_them) = (0u32, 0u32);
    for letter in words
        .iter()
        .flat_map(|word| word.text.chars())
        .filter(|c| c.is_alphabetic())
    {
        all += 1;
        of_them += u32::from(is_letter_of(letter, letters));
    }
    of_them as f32 / all.max(1) as f32
}

/// Whether a line holds text in the script, and not just a stray letter of it.
fn holds_script(words: &[RecognisedWord], letters: &[(u32, u32)]) -> bool {
    let count = words
        .iter()
        .flat_map(|word| word.text.chars())
        .filter(|c| is_letter_of(*c, letters))
        .count();
    count >= 2 && share_of(words, letters) >= 0.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::BoundingBox;

    fn words(text: &str, confidence: f32) -> Vec<RecognisedWord> {
        let bounds = BoundingBox {
            left: 0.0,
            top: 0.0,
            right: 1.0,
            bottom: 1.0,
        };
        let word = |text: &str| RecognisedWord {
            text: text.to_owned(),
            bounds,
            confidence,
            space_before: true,
        };
        text.split(' ').map(word).collect()
    }

    #[test]
    fn look_alikes_are_told_from_words() {
        let check =
            |text: &str, expected: bool| assert_eq!(looks_misread(&words(text, 0.9)), expected, "{text}");
        check("The rent is 46,800 pounds a year", false);
        check(
            "McDonald and iPhone are names that stand among other words here",
            false,
        );
        check("Room 12 on floor 3, A4 paper", false);
        check("HacToAwnm Aoroвop 3akлюч3H", true);
        check("KoMuccnA co6panacb BO BTopHUK", true);
        check("C4ËT N 4471", true);
        check("2025 14 10", false);
        check("", false);
    }

    #[test]
    fn blanks_for_letters_are_told_from_short_lines_and_wide_characters() {
        let check = |text: &str, ratio: f32, expected: bool| {
            assert_eq!(is_sparse(&words(text, 0.9), ratio), expected, "{text}");
        };
        check("k : 12 950 .", 11.0, true);
        check("Total amount due: 12 950", 11.0, false);
        check("Page 3", 3.9, false);
        check("請求書", 5.0, false);
        check("", 8.0, true);
    }

    #[test]
    fn a_script_is_held_by_more_than_a_stray_letter() {
        let check = |text: &str, expected: bool| {
            assert_eq!(holds_script(&words(text, 0.9), CYRILLIC), expected, "{text}");
        };
        check("Товар lamps", true);
        check("Supplier: Severny Vеter LLC, Murmansk, Russia", false);
        check("48 шт.", true);
        check("", false);
    }
}

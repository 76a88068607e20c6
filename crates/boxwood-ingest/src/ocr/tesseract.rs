//! Tesseract 5 through its command, where it is installed.
//!
//! Invariant: the program gets the pixels by its standard input and is stopped when the time of the file is over.
//! Used by `ocr::Session` for languages that the embedded models do not know, or when it is chosen.

use super::{RecognisedLine, RecognisedWord, Recogniser, Unrecognised, words_of_characters};
use crate::context::ParseContext;
use crate::layout::is_unspaced_script;
use boxwood_core::BoundingBox;
use image::RgbImage;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "tesseract";

/// ISO 639-1 codes and Tesseract's names.
const LANGUAGES: [(&str, &str); 26] = [
    ("en", "eng"),
    ("ja", "jpn"),
    ("ko", "kor"),
    ("ru", "rus"),
    ("zh", "chi_sim"),
    ("de", "deu"),
    ("fr", "fra"),
    ("es", "spa"),
    ("it", "ita"),
    ("pt", "por"),
    ("nl", "nld"),
    ("pl", "pol"),
    ("uk", "ukr"),
    ("bg", "bul"),
    ("el", "ell"),
    ("ar", "ara"),
    ("he", "heb"),
    ("hi", "hin"),
    ("th", "tha"),
    ("tr", "tur"),
    ("sv", "swe"),
    ("da", "dan"),
    ("fi", "fin"),
    ("cs", "ces"),
    ("hu", "hun"),
    ("vi", "vie"),
];

/// Scripts as Tesseract's script detection names them, with the language that reads them.
const SCRIPTS: [(&str, &str); 10] = [
    ("Latin", "eng"),
    ("Cyrillic", "rus"),
    ("Hangul", "kor"),
    ("Korean", "kor"),
    ("Japanese", "jpn"),
    ("Han", "chi_sim"),
    ("Greek", "ell"),
    ("Arabic", "ara"),
    ("Hebrew", "heb"),
    ("Devanagari", "hin"),
];

/// An installed Tesseract.
pub(super) struct Tesseract {
    installed: Vec<String>,
    chosen: Vec<String>,
}

impl Tesseract {
    /// Asks the program for its languages.
    pub fn find(languages: &[String]) -> Result<Self, Unrecognised> {
        let output = Command::new(PROGRAM)
            .arg("--list-langs")
            .stdin(Stdio::null())
            .output()
            .map_err(|_| {
                Unrecognised::because("Tesseract is not installed (on Debian: `apt install tesseract-ocr`)")
            })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let installed: Vec<String> = text.lines().skip(1).map(|line| line.trim().to_owned()).collect();
        let mut chosen = Vec::new();
        for language in languages {
            let code = language.split(['-', '_']).next().unwrap_or(language);
            let name = LANGUAGES
                .iter()
                .find(|(iso, _)| *iso == code)
                .map_or(language.as_str(), |(_, name)| name);
            if installed.iter().any(|installed| installed == name) {
                chosen.push(name.to_owned());
            }
        }
        if installed.is_empty() || (!languages.is_empty() && chosen.is_empty()) {
            let wanted = languages.join(", ");
            return Err(Unrecognised::because(format!(
                "Tesseract has no data for the languages that are set ({wanted})"
            )));
        }
        Ok(Self { installed, chosen })
    }

    /// The languages for an image: those that are set, else the one of the script that it shows.
    fn languages(&self, image: &[u8], context: &ParseContext) -> Result<String, Unrecognised> {
        if !self.chosen.is_empty() {
            return Ok(self.chosen.join("+"));
        }
        if self.installed.iter().any(|name| name == "osd")
            && let Ok(text) = execute(&["stdin", "stdout", "--psm", "0"], image, context)
            && let Some(script) = text.lines().find_map(|line| line.strip_prefix("Script: "))
            && let Some((_, language)) = SCRIPTS.iter().find(|(name, _)| *name == script.trim())
            && self.installed.iter().any(|name| name == language)
        {
            return Ok((*language).to_owned());
        }
        let fallback = self
            .installed
            .iter()
            .find(|name| *name == "eng")
            .or(self.installed.first());
        Ok(fallback.cloned().unwrap_or_default())
    }
}

impl Recogniser for Tesseract {
    fn name(&self) -> &'static str {
        "tesseract"
    }

    fn recognise(
        &mut self,
        image: &RgbImage,
        context: &ParseContext,
    ) -> Result<Vec<RecognisedLine>, Unrecognised> {
        let bytes = portable_pixmap(image);
        let languages = self.languages(&bytes, context)?;
        // Korean is read best as one block; all else with the program's own page analysis.
        let mode = if languages == "kor" { "6" } else { "3" };
        let table = execute(
            &["stdin", "stdout", "-l", &languages, "--psm", mode, "tsv", "txt"],
            &bytes,
            context,
        )?;
        Ok(lines_of(&table))
    }
}

impl Tesseract {
    /// Whether it has data for a language, by its own name for it.
    pub fn has(&self, language: &str) -> bool {
        self.installed.iter().any(|name| name == language)
    }

    /// Whether a language may be tried: it is there, and expected where languages are set.
    pub fn may_read(&self, language: &str) -> bool {
        self.has(language) && (self.chosen.is_empty() || self.chosen.iter().any(|name| name == language))
    }

    /// Reads an image that holds one block of upright lines, in these languages joined by `+`.
    ///
    /// # Errors
    /// [`Unrecognised`] where the program fails or the time is over.
    pub fn read_block(
        &self,
        image: &RgbImage,
        languages: &str,
        context: &ParseContext,
    ) -> Result<Vec<RecognisedLine>, Unrecognised> {
        let arguments = ["stdin", "stdout", "-l", languages, "--psm", "6", "tsv", "txt"];
        Ok(lines_of(&execute(&arguments, &portable_pixmap(image), context)?))
    }
}

fn portable_pixmap(image: &RgbImage) -> Vec<u8> {
    let mut bytes = format!("P6\n{} {}\n255\n", image.width(), image.height()).into_bytes();
    bytes.extend_from_slice(image.as_raw());
    bytes
}

/// Runs the program with these bytes as its input and gives its output.
fn execute(arguments: &[&str], input: &[u8], context: &ParseContext) -> Result<String, Unrecognised> {
    let failed = |error: &dyn std::fmt::Display| Unrecognised::because(format!("Tesseract failed: {error}"));
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error))?;
    let (Some(mut sink), Some(mut source)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(&"its pipes are missing"));
    };
    std::thread::scope(|scope| {
        // A program that ends early closes its input; its exit status tells more than that.
        scope.spawn(move || drop(sink.write_all(input)));
        let reader = scope.spawn(move || {
            let mut text = Vec::new();
            source.read_to_end(&mut text).map(|_| text)
        });
        let ended = wait(&mut child, context);
        let text = reader
            .join()
            .map_err(|_| failed(&"its output could not be read"))?;
        ended?;
        let text = text.map_err(|error| failed(&error))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    })
}

fn wait(child: &mut Child, context: &ParseContext) -> Result<(), Unrecognised> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(Unrecognised::because(format!("Tesseract ended with {status}"))),
            Ok(None) => {}
            Err(error) => return Err(Unrecognised::because(format!("Tesseract failed: {error}"))),
        }
        if let Err(error) = context.checkpoint() {
            // Whether it could still be stopped or had just ended does not matter.
            drop(child.kill());
            drop(child.wait());
            return Err(Unrecognised::because(error.to_string()));
        }
        std::thread::sleep(Duration::from_millis(15));
    }
}

/// Tells from Tesseract's plain text where spaces stand: its table breaks Korean words into syllables.
struct Spaces<'a> {
    rest: std::str::Chars<'a>,
    /// Whether the text is no longer that of the table.
    lost: bool,
}

impl Spaces<'_> {
    /// Whether a space or line end stands before the next word; `None` where the text does not tell.
    fn before(&mut self, word: &str) -> Option<bool> {
        let mut spaced = false;
        for (index, expected) in word.chars().enumerate() {
            let mut next = self.rest.next();
            while index == 0 && next.is_some_and(char::is_whitespace) {
                spaced = true;
                next = self.rest.next();
            }
            self.lost |= next != Some(expected);
        }
        (!self.lost).then_some(spaced)
    }
}

/// The words of Tesseract's table, gathered by line, with the spaces of the plain text that stands beside it.
pub(super) fn lines_of(output: &str) -> Vec<RecognisedLine> {
    let is_row = |line: &&str| line.matches('\t').count() == 11;
    let text: Vec<&str> = output.lines().filter(|line| !is_row(line)).collect();
    let text = text.join("\n");
    let mut spaces = Spaces {
        rest: text.chars(),
        lost: false,
    };
    let mut lines: BTreeMap<(u32, u32, u32), Vec<RecognisedWord>> = BTreeMap::new();
    for row in output.lines().filter(is_row) {
        let cells: Vec<&str> = row.splitn(12, '\t').collect();
        let number = |index: usize| {
            cells
                .get(index)
                .and_then(|cell| cell.parse::<f32>().ok())
                .unwrap_or(-1.0)
        };
        let [level, _, block, paragraph, line, ..] = [0, 1, 2, 3, 4].map(|index| number(index) as u32);
        let text = cells.get(11).map_or("", |text| text.trim());
        if level != 5 || text.is_empty() || number(10) < 0.0 {
            continue;
        }
        let (left, top, width, height) = (number(6), number(7), number(8), number(9));
        let step = width / text.chars().count().max(1) as f32;
        let confidence = number(10) / 100.0;
        let characters: Vec<(char, f32, f32, f32)> = text
            .chars()
            .enumerate()
            .map(|(index, c)| {
                (
                    c,
                    left + step * index as f32,
                    left + step * (index + 1) as f32,
                    confidence,
                )
            })
            .collect();
        let words = lines.entry((block, paragraph, line)).or_default();
        let spaced = spaces.before(text).unwrap_or(true);
        let unspaced = words
            .last()
            .is_some_and(|word| word.text.ends_with(is_unspaced_script))
            && text.starts_with(is_unspaced_script);
        for (index, mut word) in words_of_characters(&characters, top, top + height)
            .into_iter()
            .enumerate()
        {
            if index == 0 {
                word.space_before = spaced && !unspaced && !words.is_empty();
            }
            word.bounds = BoundingBox {
                top,
                bottom: top + height,
                ..word.bounds
            };
            words.push(word);
        }
    }
    lines
        .into_values()
        .map(|words| RecognisedLine {
            words,
            direction: 0,
            crop: None,
        })
        .collect()
}

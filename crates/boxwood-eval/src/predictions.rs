//! Predictions: one JSON object a line, as `score.py` reads them, with what the answer cost beside.
//!
//! Invariant: a line is written whole, in one call, before the next row is asked. A last line that a crash has cut is
//! taken away when the file is opened again; any other line that can't be read is an error that names it.

use crate::error::EvalError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What was answered for a row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The row.
    pub id: String,
    /// A text, an object of fields, a value; null where the row failed.
    #[serde(default)]
    pub answer: Value,
    /// `doc_id` of the documents that the answer cites.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Probability that the answer is right; an object of them for an extraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Value>,
    /// Whether the program passed its tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// How the program failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The name of what answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Which of Box's processors ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUse>,
    /// Seconds of each step, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timings: BTreeMap<String, f64>,
    /// Seconds from the question to the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What else is worth looking at in a failure: signals, samples, calculation, warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

/// Tokens of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenUse {
    /// Read, cached ones included.
    pub input_tokens: u64,
    /// Of these, taken from the prefix cache.
    pub cached_tokens: u64,
    /// Written, thinking included.
    pub output_tokens: u64,
    /// Of these, thinking.
    pub reasoning_tokens: u64,
}

/// Predictions of one run, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictions {
    all: Vec<Prediction>,
    places: HashMap<String, usize>,
}

impl Predictions {
    /// Reads a finished or begun run; a cut last line is left out.
    ///
    /// # Errors
    /// [`EvalError::File`], [`EvalError::Prediction`].
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let text = std::fs::read(path).map_err(EvalError::file("read", path))?;
        Ok(parse(path, &text)?.0)
    }

    /// The prediction for a row; the last one, where there are several.
    pub fn get(&self, id: &str) -> Option<&Prediction> {
        self.places.get(id).map(|place| &self.all[*place])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Prediction> {
        self.all.iter()
    }

    /// Adds one; it takes the place of an earlier one of the same row.
    pub fn add(&mut self, prediction: Prediction) {
        match self.places.get(&prediction.id) {
            Some(place) => self.all[*place] = prediction,
            None => {
                self.places.insert(prediction.id.clone(), self.all.len());
                self.all.push(prediction);
            }
        }
    }
}

impl FromIterator<Prediction> for Predictions {
    fn from_iter<I: IntoIterator<Item = Prediction>>(predictions: I) -> Self {
        let mut all = Self::default();
        predictions.into_iter().for_each(|prediction| all.add(prediction));
        all
    }
}

/// Reads the lines; also gives the bytes that hold whole lines.
fn parse(path: &Path, bytes: &[u8]) -> Result<(Predictions, usize), EvalError> {
    let mut all = Predictions::default();
    let mut kept = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_whole = line.ends_with(b"\n");
        if !line.trim_ascii().is_empty() {
            match serde_json::from_slice::<Prediction>(line) {
                Ok(prediction) => all.add(prediction),
                // Only a crash while it was written leaves a line without an end.
                Err(_) if !is_whole => break,
                Err(error) => {
                    return Err(EvalError::Prediction {
                        path: path.to_owned(),
                        line: index + 1,
                        message: format!("no prediction: {error}"),
                    });
                }
            }
        }
        kept += line.len();
    }
    Ok((all, kept))
}

/// A file of predictions that is being written.
#[derive(Debug)]
pub struct PredictionFile {
    file: File,
    path: PathBuf,
}

impl PredictionFile {
    /// Opens a file, new or begun, and gives what it holds. A cut last line is taken away; with `retry_errors`, lines of
    /// failed rows as well.
    ///
    /// # Errors
    /// [`EvalError::File`], [`EvalError::Prediction`].
    pub fn open(path: &Path, retry_errors: bool) -> Result<(Self, Predictions), EvalError> {
        let failed = |action| EvalError::file(action, path);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed("written"))?;
        }
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(failed("read"))?,
        };
        let (predictions, kept) = parse(path, &bytes)?;
        let is_ended = kept == 0 || bytes.get(kept - 1) == Some(&b'\n');
        if retry_errors && predictions.iter().any(|prediction| prediction.error.is_some()) {
            return Self::rewrite(path, predictions);
        }
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed("written"))?;
        file.set_len(size(kept)).map_err(failed("written"))?;
        file.seek(SeekFrom::End(0)).map_err(failed("written"))?;
        if !is_ended {
            file.write_all(b"\n").map_err(failed("written"))?;
        }
        let path = path.to_owned();
        Ok((Self { file, path }, predictions))
    }

    /// The same without the failed rows; the old file stays until the new one is whole.
    fn rewrite(path: &Path, predictions: Predictions) -> Result<(Self, Predictions), EvalError> {
        let kept: Predictions = predictions
            .all
            .into_iter()
            .filter(|prediction| prediction.error.is_none())
            .collect();
        let mut text = String::new();
        for prediction in kept.iter() {
            text.push_str(&line_of(path, prediction)?);
        }
        write_whole(path, text.as_bytes())?;
        Self::open(path, false)
    }

    /// Writes one prediction.
    ///
    /// # Errors
    /// [`EvalError::File`].
    pub fn write(&mut self, prediction: &Prediction) -> Result<(), EvalError> {
        let line = line_of(&self.path, prediction)?;
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.flush())
            .map_err(EvalError::file("written", &self.path))
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// [`EvalError::File`].
    pub fn finish(&self) -> Result<(), EvalError> {
        self.file
            .sync_all()
            .map_err(EvalError::file("written", &self.path))
    }
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn line_of(path: &Path, prediction: &Prediction) -> Result<String, EvalError> {
    let line = serde_json::to_string(prediction)
        .map_err(std::io::Error::other)
        .map_err(EvalError::file("written", path))?;
    Ok(line + "\n")
}

/// Writes a file beside the other and puts it in its place.
///
/// # Errors
/// [`EvalError::File`].
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), EvalError> {
    let failed = || EvalError::file("written", path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed())?;
    // Readable as any file that a program writes, within the user's mask.
    let mut new = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(failed())?;
    new.write_all(bytes).map_err(failed())?;
    new.as_file().sync_all().map_err(failed())?;
    let kept = new.persist(path).map_err(|error| failed()(error.error))?;
    drop(kept);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prediction(id: &str, answer: Value) -> Prediction {
        Prediction {
            id: id.to_owned(),
            answer,
            ..Prediction::default()
        }
    }

    fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/out.jsonl");
        let (mut file, begun) = PredictionFile::open(&path, false).unwrap();
        assert!(begun.is_empty());
        file.write(&prediction("a", json!("x\ny"))).unwrap();
        file.write(&prediction("b", json!({"total": 3.5}))).unwrap();
        file.finish().unwrap();
        let read = Predictions::read(&path).unwrap();
        assert_eq!(read.get("b").unwrap().answer, json!({"total": 3.5}));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
        let (_, begun) = PredictionFile::open(&path, false).unwrap();
        assert_eq!(begun, read);
    }

    #[test]
    fn a_cut_last_line_is_taken_away_and_the_next_one_is_whole() {
        for cut in ["{\"id\":\"b\",\"ans", "{\"id\":\"b\",\"answer\":\"Jü", "{"] {
            let (_folder, path) = file_with(&format!("{{\"id\":\"a\",\"answer\":1}}\n{cut}"));
            let (mut file, begun) = PredictionFile::open(&path, false).unwrap();
            assert_eq!((begun.len(), begun.get("b")), (1, None), "{cut}");
            file.write(&prediction("b", json!(2))).unwrap();
            assert_eq!(
                Predictions::read(&path).unwrap().get("b").unwrap().answer,
                json!(2)
            );
        }
    }

    #[test]
    fn a_character_that_was_cut_is_taken_away() {
        let (_folder, path) = file_with("");
        let mut bytes = b"{\"id\":\"a\"}\n{\"id\":\"".to_vec();
        bytes.extend(&"é".as_bytes()[..1]);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(PredictionFile::open(&path, false).unwrap().1.len(), 1);
    }

    #[test]
    fn a_whole_last_line_without_an_end_is_kept() {
        let (_folder, path) = file_with("{\"id\":\"a\",\"answer\":1}");
        let (mut file, begun) = PredictionFile::open(&path, false).unwrap();
        assert_eq!(begun.len(), 1);
        file.write(&prediction("b", json!(2))).unwrap();
        assert_eq!(Predictions::read(&path).unwrap().len(), 2);
    }

    #[test]
    fn a_broken_line_in_the_middle_is_named() {
        for (line, words) in [
            ("{\"id\":", "line 2: no prediction"),
            ("{\"answer\":1}", "missing field `id`"),
            ("{\"id\":3}", "line 2: no prediction"),
        ] {
            let (_folder, path) = file_with(&format!("{{\"id\":\"a\"}}\n{line}\n{{\"id\":\"c\"}}\n"));
            let said = PredictionFile::open(&path, false).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn failed_rows_can_be_asked_again() {
        let failed = "{\"id\":\"a\",\"answer\":null,\"error\":\"busy\"}\n{\"id\":\"b\",\"answer\":1}\n";
        let (_folder, path) = file_with(failed);
        assert_eq!(PredictionFile::open(&path, false).unwrap().1.len(), 2);
        let (_, begun) = PredictionFile::open(&path, true).unwrap();
        assert_eq!((begun.len(), begun.get("a")), (1, None));
    }

    #[test]
    fn lines_of_other_programs_are_read() {
        let (_folder, path) = file_with(
            "{\"id\":\"a\",\"answer\":\"x\",\"support\":{\"probability\":0.5},\"usage\":{\"output_tokens\":3,\"queue_time\":0.1},\
             \"confidence\":null}\n",
        );
        let read = Predictions::read(&path).unwrap();
        assert_eq!(read.get("a").unwrap().usage.unwrap().output_tokens, 3);
    }
}

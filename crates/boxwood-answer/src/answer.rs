//! An answer as the pipeline gives it. The server turns it into `AiResponse--Full` plus the `boxwood` extension.

use crate::reason::{ProgramUsed, ReasoningReport};
use crate::support::Signals;
use boxwood_core::{Citation, FileId, ReadNote, Usage};
use serde::Serialize;
use std::time::Duration;

/// Box's processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Processor {
    /// All text of one file fits.
    BasicText,
    /// All text of several files fits.
    BasicTextMulti,
    /// Ranked passages of one file.
    LongText,
    /// Ranked passages of several files.
    LongTextMulti,
    /// One picture.
    BasicImage,
    /// Several pictures.
    BasicImageMulti,
    /// A workbook.
    Spreadsheet,
}

impl Processor {
    /// Box's name, as in `ai_agent_info.processor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BasicText => "basic_text",
            Self::BasicTextMulti => "basic_text_multi",
            Self::LongText => "long_text",
            Self::LongTextMulti => "long_text_multi",
            Self::BasicImage => "basic_image",
            Self::BasicImageMulti => "basic_image_multi",
            Self::Spreadsheet => "spreadsheet",
        }
    }
}

/// A finished answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Whether the text says that the files don't hold the answer.
    pub abstained: bool,
    /// Whether the model's output ended at the limit.
    pub truncated: bool,
    /// Quotes re-found in the files, best first. Empty when abstained.
    pub citations: Vec<Citation>,
    /// How well the files support the text.
    pub support: Support,
    /// Which of Box's processors ran.
    pub processor: Processor,
    /// What really answered, and what embedded.
    pub models: Vec<ModelUse>,
    /// The card (or name) that was asked for, and what served it.
    pub served_by: ServedBy,
    /// What was read of what is present.
    pub coverage: Coverage,
    /// What was computed, where the answer comes from that.
    pub calculation: Option<Worked>,
    /// How the answer was thought about; `None` where the model answered directly.
    pub reasoning: Option<ReasoningReport>,
    /// Who read the pictures, where the processor is one for pictures.
    pub pictures: Option<PicturesRead>,
    /// Tokens and times of the answering completion.
    pub usage: Usage,
    /// Time of each step.
    pub timings: StepTimings,
    /// Parameters that were dropped or translated, and similar.
    pub warnings: Vec<String>,
}

/// The support check's result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Support {
    /// Calibrated probability, 0 to 1, that the files support the answer.
    pub probability: f32,
    /// What it was measured by: `"model"` (own probabilities), `"text"` (overlap only: the model gives no
    /// probabilities), `"picture"` (the model saw pictures, and no text of theirs confirms it: a constant), or
    /// `"calculation"` (the model's probability of the query that was computed exactly; 0.8 where it gives none).
    pub method: &'static str,
    /// What was measured, where the model gives probabilities.
    pub signals: Option<Signals>,
}

/// A computation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Worked {
    /// A query over the cells of a workbook.
    Query(Calculation),
    /// A program that the model wrote, run in the sandbox.
    Program(ProgramUsed),
}

/// A computation over the cells of a workbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calculation {
    /// The query in words: `sum of "Units" in "Sales" where "Region" = "West"`.
    pub query: String,
    /// The exact result; one a group, where there are groups.
    pub result: String,
    /// The sheet; `None` in a CSV file.
    pub sheet: Option<String>,
    /// Rows that the result comes from.
    pub rows_used: usize,
    /// Rows that were looked at: all of the table.
    pub rows_read: usize,
    /// Cells of the column that were passed over since they hold no number.
    pub cells_skipped: usize,
    /// The cells that the result comes from: `Sales!D2:D14`.
    pub cells: Vec<String>,
}

/// Who read the pictures of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PicturesRead {
    /// `"model"`: it saw them; `"ocr"`: it was shown their recognised text only.
    pub read_by: &'static str,
    /// Pages or frames that the model saw.
    pub shown: u32,
    /// Pages or frames that the files have.
    pub pages: u32,
    /// Notes on what of each file the model did not see; they stand in [`FileCoverage::notes`].
    #[serde(skip)]
    pub left_out: Vec<(FileId, ReadNote)>,
}

/// A model that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelUse {
    /// The name of what really ran.
    pub name: String,
    /// Who runs it.
    pub provider: String,
    /// `"chat"` or `"embedding"`.
    pub supported_purpose: &'static str,
}

/// Which name was asked for and what served it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServedBy {
    /// The name in the request or in the default agent.
    pub requested: String,
    /// The name of what answered.
    pub answered: String,
    /// `"host"`, `"successor"`, `"stand_in"` or `"local"`.
    pub kind: &'static str,
}

/// What was read of what is present.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// One entry a file, in the order of the request.
    pub files: Vec<FileCoverage>,
}

/// What was read of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileCoverage {
    /// The file.
    pub file_id: FileId,
    /// Pages that the file has.
    pub pages: u32,
    /// Bytes of text that the file has.
    pub text_bytes: u64,
    /// Bytes of text that were searched (always all of it).
    pub searched_bytes: u64,
    /// Bytes of text that the model was shown.
    pub shown_bytes: u64,
    /// Pages of which something was shown, ascending.
    pub shown_pages: Vec<u32>,
    /// What is present but could not be read.
    pub notes: Vec<ReadNote>,
}

/// Time of each step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StepTimings {
    /// Parsing, or loading the stored parse result.
    pub gather: Duration,
    /// Ranking, embedding included.
    pub retrieve: Duration,
    /// The completion.
    pub generate: Duration,
    /// Re-finding quotes and the support check.
    pub check: Duration,
    /// All of it.
    pub total: Duration,
}

//! An extraction as the pipeline takes it, and what comes out. Made by the server from `POST /2.0/ai/extract` and
//! `POST /2.0/ai/extract_structured`, by the CLI from arguments.

use super::agent::{Depth, ExtractAgent};
use super::field::FieldSpec;
use super::finding::Finding;
use crate::agent::Language;
use crate::answer::{Coverage, ModelUse, Processor, ServedBy, StepTimings};
use crate::gather::Items;
use boxwood_core::{Caller, FileId, Usage};
use boxwood_store::ReadableFiles;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What is to be extracted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// These fields.
    Fields(Vec<FieldSpec>),
    /// What a prompt says in any form.
    Prompt(String),
}

/// Fields to be filled in from files that the asker may read.
#[derive(Debug)]
pub struct Extraction {
    /// The fields.
    pub wanted: Wanted,
    /// The files, in the order of the request.
    pub files: ReadableFiles,
    /// Text that replaces a file's own.
    pub contents: HashMap<FileId, String>,
    /// The complete agent: defaults with the caller's override already merged.
    pub agent: ExtractAgent,
    /// How much work is put into each value.
    pub depth: Depth,
    /// Whether every value is read a second time, for its confidence.
    pub confidence: bool,
    /// The language of our own words around the fields.
    pub language: Language,
    /// On whose behalf models work.
    pub caller: Caller,
    /// Cache partition: the enterprise of the asker.
    pub partition: String,
    /// For `{current_date}`.
    pub now: DateTime<Utc>,
    /// How long the extraction may take; `None`: until the caller goes away.
    pub time_limit: Option<Duration>,
    /// Cancelled when nobody waits any more.
    pub cancel: CancellationToken,
}

impl Extraction {
    /// What is to be read.
    pub fn items(&self) -> Items<'_> {
        Items {
            files: &self.files,
            contents: &self.contents,
            cancel: &self.cancel,
        }
    }
}

/// What was extracted.
#[derive(Debug, Clone)]
pub struct Extracted {
    /// Each field's key with its finding, in the order that was asked for.
    pub fields: Vec<(String, Finding)>,
    /// Which of Box's processors ran.
    pub processor: Processor,
    /// What really answered, and what embedded.
    pub models: Vec<ModelUse>,
    /// The card (or name) that was asked for, and what served it.
    pub served_by: ServedBy,
    /// What was read of what is present.
    pub coverage: Coverage,
    /// Tokens and times of all completions together.
    pub usage: Usage,
    /// How many completions were made.
    pub completions: u32,
    /// Time of each step.
    pub timings: StepTimings,
    /// What is worth telling: unread files, values that could not be read.
    pub warnings: Vec<String>,
}

impl Extracted {
    /// The answer: an object of all fields.
    pub fn to_value(&self) -> Value {
        self.object(Finding::to_value)
    }

    /// One member a field, made by the function.
    pub fn object(&self, of: impl Fn(&Finding) -> Value) -> Value {
        let members = self
            .fields
            .iter()
            .map(|(key, finding)| (key.clone(), of(finding)));
        Value::Object(members.collect())
    }
}

//! A question as the answer pipeline takes it: made by the server from `POST /2.0/ai/ask`, by the CLI from arguments.

use crate::agent::AskAgent;
use crate::gather::Items;
use boxwood_core::{Caller, FileId};
use boxwood_store::ReadableFiles;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Box's two modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionMode {
    /// `single_item_qa`: exactly one item.
    SingleItem,
    /// `multiple_item_qa`
    MultipleItems,
}

/// A prior exchange, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogueTurn {
    /// What was asked.
    pub prompt: String,
    /// What was answered.
    pub answer: String,
}

/// A question about files that the asker may read.
#[derive(Debug)]
pub struct Question {
    /// One item or several.
    pub mode: QuestionMode,
    /// The question, 1 to 10,000 characters.
    pub prompt: String,
    /// The files, in the order of the request.
    pub files: ReadableFiles,
    /// Text that replaces a file's own.
    pub contents: HashMap<FileId, String>,
    /// Prior exchanges, oldest first.
    pub dialogue: Vec<DialogueTurn>,
    /// The complete agent: defaults with the caller's override already merged.
    pub agent: AskAgent,
    /// On whose behalf models work.
    pub caller: Caller,
    /// Cache partition: the enterprise of the asker.
    pub partition: String,
    /// For `{current_date}`.
    pub now: DateTime<Utc>,
    /// How long the answer may take; `None`: until the caller goes away.
    pub time_limit: Option<Duration>,
    /// Cancelled when nobody waits any more.
    pub cancel: CancellationToken,
}

/// The caller's words: what is wanted, and what was said before.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// What is wanted.
    pub prompt: &'a str,
    /// Prior exchanges, oldest first.
    pub dialogue: &'a [DialogueTurn],
}

impl Question {
    /// The caller's words.
    pub fn words(&self) -> Words<'_> {
        Words {
            prompt: &self.prompt,
            dialogue: &self.dialogue,
        }
    }

    /// What is to be read.
    pub fn items(&self) -> Items<'_> {
        Items {
            files: &self.files,
            contents: &self.contents,
            cancel: &self.cancel,
        }
    }
}

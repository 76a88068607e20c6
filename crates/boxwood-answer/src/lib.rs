//! The product: questions about files answered with checked citations.
//!
//! The path of one question is [`AnswerService::ask`]: gather → resolve → retrieve → prompt → generate → parse → cite →
//! support. The server, the CLI and the evaluation runner call the same functions.
//!
//! Architecture invariant: nothing here knows HTTP, SQL or an HTTP client, and a file enters only as part of
//! [`boxwood_store::ReadableFiles`], which only the store's authoriser can make.

pub mod agent;
pub mod answer;
pub mod cite;
pub mod error;
pub mod extract;
pub mod gather;
pub mod generate;
pub mod library;
mod numerals;
mod opinions;
pub mod parse;
mod pictures;
pub mod progress;
pub mod prompt;
pub mod question;
pub mod reason;
pub mod resolve;
pub mod retrieve;
pub mod service;
mod spreadsheet;
pub mod suggest;
pub mod support;
pub mod text_gen;

pub use agent::{
    AgentOverride, AskAgent, EmbeddingStrategy, EndpointParams, Language, TextTool, TextToolOverride,
};
pub use answer::{
    Answer, Calculation, Coverage, FileCoverage, ModelUse, PicturesRead, Processor, ServedBy, StepTimings,
    Support, Worked,
};
pub use error::AnswerError;
pub use extract::{Depth, ExtractAgent, ExtractAgentOverride, ExtractMode, Extracted, Extraction};
pub use library::{Library, ReadError};
pub use progress::{NoProgress, Progress, ProgressSink};
pub use question::{DialogueTurn, Question, QuestionMode};
pub use service::{AnswerConfig, AnswerService};
pub use suggest::AgentPurpose;
pub use text_gen::{GeneratedText, TextGenAgent, TextGeneration};

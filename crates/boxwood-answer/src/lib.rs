//! The product: questions about files answered with checked citations.
//!
//! The path of one question is [`service::AnswerService::ask`]: resolve → gather → retrieve → prompt → generate →
//! parse → cite → support. The server, the CLI and the evaluation runner call the same functions.
//!
//! Architecture invariant: nothing here knows HTTP, SQL or an HTTP client, and a file enters only as part of
//! [`boxwood_store::ReadableFiles`], which only the store's authoriser can make.

pub mod agent;
pub mod answer;
pub mod error;
pub mod progress;
pub mod question;

pub use agent::{AgentOverride, AskAgent, EmbeddingStrategy, Language, SpreadsheetToolOverride, TextTool, TextToolOverride};
pub use answer::{Answer, Coverage, FileCoverage, ModelUse, Processor, ServedBy, StepTimings, Support};
pub use error::AnswerError;
pub use progress::{NoProgress, Progress, ProgressSink};
pub use question::{DialogueTurn, Question, QuestionMode};

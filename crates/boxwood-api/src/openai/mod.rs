//! The wire format of OpenAI's API as Azure and OpenAI speak it: chat completions, Responses, embeddings, models.
//!
//! Requests are read strictly: what OpenAI refuses is refused here, in the same words, and the first thing that is wrong
//! ends the reading, as it does there. What a *card's* contract forbids (`contract`) is refused before anything else is
//! read, whatever model serves the card. Invariant: nothing is passed over silently: a parameter is used, refused, or
//! among the `warnings` of what was read.
//!
//! * [`error`]: the error object in both dialects
//! * [`fields`]: reads one object strictly
//! * [`contract`]: what a reasoning model's contract refuses
//! * [`content`], [`tools`], [`format`]: parts that chat and Responses share
//! * [`chat`], [`completion`], [`chunk`]: chat completions in and out
//! * [`responses`]: the Responses API in and out
//! * [`embeddings`], [`models`]: the rest
//!
//! Called by `boxwood-server/src/compat` only.

pub mod chat;
pub mod chunk;
pub mod completion;
pub mod content;
pub mod contract;
pub mod embeddings;
pub mod error;
pub mod fields;
pub mod format;
pub mod messages;
pub mod models;
pub mod responses;
pub mod schema;
pub mod tools;

pub use chat::ChatCompletionRequest;
pub use contract::Contract;
pub use error::{Dialect, OpenAiError};
pub use fields::{Endpoint, Fields};
pub use format::ReplyFormat;

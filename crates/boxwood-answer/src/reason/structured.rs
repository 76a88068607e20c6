//! A reply that must keep to a schema, after free thinking: the thinking is written without the schema and stands in the
//! prompt of the reply, which is held to it.
//!
//! Invariant: the documents stay the beginning of both prompts, so that they are read once; nothing of the thinking is
//! part of the reply. Called by extraction; [`noted`] by [`super::conversation`] too.

use super::problem::Settings;
use super::solve::thinks_by_itself;
use super::thinker::{Ended, Thinker};
use crate::error::AnswerError;
use crate::progress::ProgressSink;
use boxwood_core::{ChatRequest, ChatRole, Effort, Usage};
use boxwood_models::ResolvedModel;
use tokio_util::sync::CancellationToken;

/// What the model is told around its thinking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// After the conversation, when it is to think.
    pub before: &'static str,
    /// After what was thought, when it is to reply.
    pub after: &'static str,
}

/// Around a reply that is held to a schema.
const WORDS: Words = Words {
    before: "Before that, think in plain words, briefly: which places matter, and what follows from them. No JSON yet.",
    after: "Now the reply itself.",
};

/// Tokens of thinking by effort; low thinks nothing.
pub(super) fn tokens(effort: Effort) -> u32 {
    match effort {
        Effort::Low => 0,
        Effort::Medium => 192,
        Effort::High => 448,
    }
}

/// The request with thinking before its reply, and what the thinking cost. Unchanged where the model thinks by itself,
/// at low effort, without a schema, or when the budget leaves nothing.
///
/// # Errors
/// From the model; [`AnswerError::Cancelled`].
pub async fn think_first(
    model: &ResolvedModel,
    request: ChatRequest,
    settings: &Settings,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<(ChatRequest, Usage), AnswerError> {
    let most = tokens(settings.effort).min(request.max_output_tokens);
    let is_users = request
        .messages
        .last()
        .is_some_and(|message| message.role == ChatRole::User);
    if most == 0 || request.response_format.is_none() || thinks_by_itself(model) || !is_users {
        return Ok((request, Usage::default()));
    }
    let thinker = Thinker::new(model, settings, cancel, progress);
    let (request, _) = noted(&thinker, request, most, WORDS).await?;
    let mut usage = thinker.spent().usage;
    usage.reasoning_tokens = usage.output_tokens;
    Ok((request, usage))
}

/// The request with what was thought about it in its prompt, and how the thinking ended; `None` where it was not begun.
///
/// # Errors
/// From the model; [`AnswerError::Cancelled`].
pub(super) async fn noted(
    thinker: &Thinker<'_>,
    mut request: ChatRequest,
    most: u32,
    words: Words,
) -> Result<(ChatRequest, Option<Ended>), AnswerError> {
    let mut free = request.clone();
    free.response_format = None;
    free.stop.clear();
    add(&mut free, words.before);
    let written = thinker.think(free, most).await?;
    let thought = written.as_ref().map_or("", |written| written.text.trim());
    if !thought.is_empty() {
        let notes = crate::prompt::neutralise(thought);
        add(
            &mut request,
            &format!("Notes made before:\n{notes}\n\n{}", words.after),
        );
    }
    Ok((request, written.map(|written| written.ended)))
}

/// Adds a paragraph to the last message, behind everything that is shared.
pub(super) fn add(request: &mut ChatRequest, text: &str) {
    if let Some(message) = request.messages.last_mut() {
        message.content.push_str("\n\n");
        message.content.push_str(text);
    }
}

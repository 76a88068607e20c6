//! Step 6: the completion, with progress, one retry on unusable output, and an end when nobody waits.
//!
//! Called by [`crate::service`].

use crate::error::AnswerError;
use crate::progress::{Progress, ProgressSink};
use boxwood_core::{ChatEvent, ChatRequest, FinishReason, ModelError, Usage};
use boxwood_models::ResolvedModel;
use boxwood_search::estimate_tokens;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

/// Temperature of the second try.
const RETRY_TEMPERATURE: f32 = 0.3;

/// What the model wrote.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The text, trimmed; never empty.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it cost, both tries together.
    pub usage: Usage,
    /// What really answered: a successor or fallback may have taken over.
    pub model: ResolvedModel,
}

/// Makes the completion.
///
/// # Errors
/// [`AnswerError::Generation`], [`AnswerError::Unusable`] when nothing visible came twice, [`AnswerError::Cancelled`].
pub async fn generate(
    model: &ResolvedModel,
    mut request: ChatRequest,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Completion, AnswerError> {
    let first = run(model, request.clone(), cancel, progress).await?;
    if !first.text.is_empty() {
        return Ok(first);
    }
    let name = first.model.model.identity().name.clone();
    if first.finish == FinishReason::ContentFilter {
        return Err(AnswerError::Unusable {
            model: name,
            reason: "its host filtered the answer".to_owned(),
        });
    }
    if first.finish == FinishReason::Length {
        let reason = "the output limit was used up before any visible text; raise num_tokens_for_completion"
            .to_owned();
        return Err(AnswerError::Unusable { model: name, reason });
    }
    request.sampling.temperature = Some(RETRY_TEMPERATURE);
    let second = run(&first.model, request, cancel, progress).await?;
    if second.text.is_empty() {
        return Err(AnswerError::Unusable {
            model: name,
            reason: "it gave no text, twice".to_owned(),
        });
    }
    Ok(Completion {
        usage: sum(first.usage, second.usage),
        ..second
    })
}

async fn run(
    model: &ResolvedModel,
    request: ChatRequest,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Completion, AnswerError> {
    let raw = complete(model, request, cancel, progress).await?;
    Ok(Completion {
        text: raw.text.trim().to_owned(),
        finish: raw.finish,
        usage: raw.usage,
        model: raw.model,
    })
}

/// A part of a completion as it came: usually one token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// Where it ends in the text, in bytes.
    pub end: usize,
    /// Natural-log probability under the model, where it is known.
    pub log_prob: Option<f32>,
}

/// A completion as the model wrote it, which may be empty.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The text.
    pub text: String,
    /// The parts of the text, in order.
    pub pieces: Vec<Piece>,
    /// Why it ended.
    pub finish: FinishReason,
    /// Whether [`complete_unless`] stopped it, which counts as the end of its room.
    pub stopped: bool,
    /// What it cost.
    pub usage: Usage,
    /// What really answered.
    pub model: ResolvedModel,
}

/// One completion from its start to its end.
///
/// # Errors
/// [`AnswerError::Generation`], [`AnswerError::Cancelled`].
pub async fn complete(
    model: &ResolvedModel,
    request: ChatRequest,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Raw, AnswerError> {
    complete_unless(|_| false, model, request, cancel, progress).await
}

/// The same, until nobody wants more of it: `stops` is shown all of the text after each part.
///
/// # Errors
/// As [`complete`].
pub async fn complete_unless(
    mut stops: impl FnMut(&str) -> bool + Send,
    model: &ResolvedModel,
    request: ChatRequest,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Raw, AnswerError> {
    let input_tokens = estimated_tokens(&request);
    let cancelled = cancel.cancelled();
    tokio::pin!(cancelled);
    let (model, mut stream) = tokio::select! {
        biased;
        () = &mut cancelled => return Err(AnswerError::Cancelled),
        started = model.start(request) => started?,
    };
    let mut text = String::new();
    let mut pieces = Vec::new();
    loop {
        let event = tokio::select! {
            biased;
            () = &mut cancelled => return Err(AnswerError::Cancelled),
            event = stream.next() => event,
        };
        match event {
            Some(Ok(ChatEvent::PromptProgress { done, total })) => {
                progress.report(Progress::Prompt { done, total })
            }
            Some(Ok(ChatEvent::Text {
                text: piece,
                log_prob,
            })) => {
                text.push_str(&piece);
                pieces.push(Piece {
                    end: text.len(),
                    log_prob,
                });
                progress.report(Progress::Draft(piece));
                if stops(&text) {
                    let usage = Usage {
                        input_tokens,
                        output_tokens: u32::try_from(pieces.len()).unwrap_or(u32::MAX),
                        estimated: true,
                        ..Usage::default()
                    };
                    return Ok(Raw {
                        text,
                        pieces,
                        finish: FinishReason::Length,
                        stopped: true,
                        usage,
                        model,
                    });
                }
            }
            // Thinking is no part of an answer, and no request of the pipeline offers tools.
            Some(Ok(ChatEvent::Reasoning { .. } | ChatEvent::ToolCall(_))) => {}
            Some(Ok(ChatEvent::End { finish, usage })) => {
                return Ok(Raw {
                    text,
                    pieces,
                    finish,
                    stopped: false,
                    usage,
                    model,
                });
            }
            Some(Err(error)) => return Err(error.into()),
            None => {
                return Err(AnswerError::Generation(ModelError::Failed {
                    model: model.model.identity().name.clone(),
                    message: "the answer broke off without an end".to_owned(),
                }));
            }
        }
    }
}

/// What a prompt has about, for one whose model was stopped before it told.
fn estimated_tokens(request: &ChatRequest) -> u32 {
    let messages = request.messages.iter();
    messages.map(|message| estimate_tokens(&message.content)).sum()
}

/// What two completions of one answer cost together.
pub(crate) fn sum(first: Usage, second: Usage) -> Usage {
    Usage {
        input_tokens: first.input_tokens + second.input_tokens,
        cached_tokens: first.cached_tokens + second.cached_tokens,
        output_tokens: first.output_tokens + second.output_tokens,
        reasoning_tokens: first.reasoning_tokens + second.reasoning_tokens,
        estimated: first.estimated || second.estimated,
        queue_time: first.queue_time + second.queue_time,
        time_to_first_token: first.time_to_first_token,
        total_time: first.total_time + second.total_time,
    }
}

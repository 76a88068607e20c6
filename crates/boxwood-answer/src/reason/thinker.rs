//! One completion of hidden thinking, within the budget.
//!
//! Invariant: whatever ends a completion, its tokens are counted once: by the model's own count where it came to its
//! end, else by the pieces that were received. Called by the methods.

use super::budget::Budget;
use super::problem::{Problem, Settings};
use super::prompts::{self, Method};
use super::tables::Tables;
use crate::error::AnswerError;
use crate::generate::sum;
use crate::progress::{Progress, ProgressSink};
use boxwood_core::{ChatEvent, ChatRequest, FinishReason, ModelError, Usage};
use boxwood_models::ResolvedModel;
use futures::StreamExt;
use parking_lot::Mutex;
use std::sync::OnceLock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Makes the request of a question about files with a way of working after it, so that it shares what was read of them.
pub(super) type Frame<'a> = &'a (dyn Fn(&str) -> ChatRequest + Send + Sync);

/// Everything that thinking about one problem needs.
pub(super) struct Thinker<'a> {
    pub model: &'a ResolvedModel,
    pub settings: &'a Settings,
    pub budget: Budget,
    cancel: &'a CancellationToken,
    progress: &'a dyn ProgressSink,
    frame: Option<Frame<'a>>,
    tables: OnceLock<Tables>,
    spent: Mutex<Spent>,
}

/// What was spent until now.
#[derive(Debug, Clone, Default)]
pub(super) struct Spent {
    pub usage: Usage,
    /// The name of what really answered.
    pub model: Option<String>,
    /// The same, for who asks it further.
    pub served: Option<ResolvedModel>,
    /// What the first completion that came to its end cost: its prompt is that of all of them, but for the instruction.
    pub first: Option<Usage>,
    /// What was written, a text a completion.
    pub written: Vec<String>,
}

/// What the model wrote.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub text: String,
    /// Mean natural-log probability of a piece; `None` where the model gives none.
    pub log_prob: Option<f32>,
    pub ended: Ended,
}

/// How a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The model said that it is done.
    Complete,
    /// It used up its tokens.
    Length,
    /// The time for it was over.
    Time,
}

/// Until when a completion may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The end of thinking.
    Thinking,
    /// The end of everything.
    Answer,
}

/// Counts what a completion costs, also when it is dropped in the middle.
struct Meter<'a> {
    thinker: &'a Thinker<'a>,
    granted: u32,
    pieces: u32,
    text: String,
    usage: Option<Usage>,
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        let told = self.usage.take();
        let first = told.clone();
        let usage = told.unwrap_or_else(|| Usage {
            output_tokens: self.pieces,
            ..Usage::default()
        });
        self.thinker
            .budget
            .give_back(self.granted.saturating_sub(usage.output_tokens));
        let mut spent = self.thinker.spent.lock();
        spent.usage = sum(std::mem::take(&mut spent.usage), usage);
        spent.first = spent.first.take().or(first);
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            spent.written.push(text);
        }
    }
}

impl<'a> Thinker<'a> {
    pub fn new(
        model: &'a ResolvedModel,
        settings: &'a Settings,
        cancel: &'a CancellationToken,
        progress: &'a dyn ProgressSink,
    ) -> Self {
        Self {
            model,
            settings,
            budget: Budget::new(settings.token_budget, settings.time_limit),
            cancel,
            progress,
            frame: None,
            tables: OnceLock::new(),
            spent: Mutex::default(),
        }
    }

    /// The same for a question about files.
    pub fn framed(mut self, frame: Frame<'a>) -> Self {
        self.frame = Some(frame);
        self
    }

    /// Whether the prompts are made from the problem, and not from what a user wrote.
    pub fn states_problem(&self) -> bool {
        self.frame.is_none()
    }

    /// The request of a problem, worked on in this way.
    pub fn request(&self, problem: &Problem, method: Method) -> ChatRequest {
        match self.frame {
            Some(frame) => frame(&prompts::instruction(problem, method)),
            None => prompts::request(problem, method, &self.settings.partition),
        }
    }

    /// The tables of the text that the problem is about, read once for all tries.
    pub fn tables(&self, problem: &Problem) -> &Tables {
        let read = || Tables::of(problem.context.as_deref().unwrap_or(""));
        self.tables.get_or_init(read)
    }

    /// What was spent until now.
    pub fn spent(&self) -> Spent {
        self.spent.lock().clone()
    }

    /// Has the model write up to this many tokens of thinking; `None` where nothing is left for it.
    ///
    /// # Errors
    /// From the model; [`AnswerError::Cancelled`].
    pub async fn think(&self, request: ChatRequest, most: u32) -> Result<Option<Written>, AnswerError> {
        let granted = self.budget.take(most);
        if granted == 0 || self.budget.is_late() {
            self.budget.give_back(granted);
            return Ok(None);
        }
        self.write(request, granted, Until::Thinking).await.map(Some)
    }

    /// Has the model write a short answer, for which tokens and time were kept.
    ///
    /// # Errors
    /// As [`Thinker::think`].
    pub async fn conclude(&self, request: ChatRequest, most: u32) -> Result<Written, AnswerError> {
        self.write(request, most, Until::Answer).await
    }

    async fn write(
        &self,
        mut request: ChatRequest,
        granted: u32,
        until: Until,
    ) -> Result<Written, AnswerError> {
        // What is kept for the answer was never taken from the budget.
        let (until, from_budget) = match until {
            Until::Thinking => (self.budget.thinking_until(), granted),
            Until::Answer => (self.budget.answer_until(), 0),
        };
        request.max_output_tokens = granted.min(self.model.max_output_tokens());
        if super::solve::thinks_by_itself(self.model) {
            request.effort = Some(self.settings.effort);
        }
        let mut meter = Meter {
            thinker: self,
            granted: from_budget,
            pieces: 0,
            text: String::new(),
            usage: None,
        };
        let mut log_probs = LogProbs::default();
        let ended = self.follow(request, until, &mut meter, &mut log_probs).await?;
        Ok(Written {
            text: meter.text.clone(),
            log_prob: log_probs.mean(),
            ended,
        })
    }

    async fn follow(
        &self,
        request: ChatRequest,
        until: Option<Instant>,
        meter: &mut Meter<'_>,
        log_probs: &mut LogProbs,
    ) -> Result<Ended, AnswerError> {
        let late = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(late);
        let (model, mut stream) = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(AnswerError::Cancelled),
            () = &mut late => return Ok(Ended::Time),
            started = self.model.start(request) => started?,
        };
        let name = model.model.identity().name.clone();
        {
            let mut spent = self.spent.lock();
            spent.model = Some(name.clone());
            spent.served = Some(model.clone());
        }
        loop {
            let event = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(AnswerError::Cancelled),
                () = &mut late => return Ok(Ended::Time),
                event = stream.next() => event,
            };
            match event {
                Some(Ok(ChatEvent::PromptProgress { done, total })) => {
                    self.progress.report(Progress::Prompt { done, total });
                }
                Some(Ok(ChatEvent::Text { text, log_prob })) => {
                    meter.pieces += 1;
                    log_probs.add(log_prob);
                    meter.text.push_str(&text);
                    self.progress.report(Progress::Thinking(text));
                }
                Some(Ok(ChatEvent::Reasoning { text })) => {
                    meter.pieces += 1;
                    self.progress.report(Progress::Thinking(text));
                }
                Some(Ok(ChatEvent::ToolCall(_))) => {}
                Some(Ok(ChatEvent::End { finish, usage })) => {
                    meter.usage = Some(usage);
                    return Ok(match finish {
                        FinishReason::Length => Ended::Length,
                        _ => Ended::Complete,
                    });
                }
                Some(Err(error)) => return Err(error.into()),
                None => {
                    return Err(AnswerError::Generation(ModelError::Failed {
                        model: name,
                        message: "the answer broke off without an end".to_owned(),
                    }));
                }
            }
        }
    }
}

/// The mean of what is known.
#[derive(Debug, Default)]
struct LogProbs {
    sum: f32,
    count: u32,
}

impl LogProbs {
    fn add(&mut self, log_prob: Option<f32>) {
        if let Some(log_prob) = log_prob.filter(|log_prob| log_prob.is_finite()) {
            self.sum += log_prob;
            self.count += 1;
        }
    }

    fn mean(&self) -> Option<f32> {
        (self.count > 0).then(|| self.sum / self.count as f32)
    }
}

//! What callers hold: a [`ChatModel`] that hands work to the engine's thread.
//!
//! Invariant: nothing here computes on the async runtime; tokenising runs on a blocking thread. A request is admitted
//! before any work is done for it. Dropping the last handle ends the engine's thread.

use crate::channels::{self, Channels};
use crate::config::{EngineConfig, EngineError};
use crate::grammar::{Grammar, GrammarError};
use crate::job::{Command, Job, Task};
use crate::loaded::{LoadError, LoadedModel};
use crate::native::system_info;
use crate::prompt::{self, Prompt, PromptError};
use crate::status::{Counters, EngineStatus, Permit};
use crate::thread;
use crate::tools::{self, CallReader};
use async_trait::async_trait;
use boxwood_core::{ChatEvent, ChatModel, ChatRequest, ChatStream, ChoiceScores, ModelError, ModelIdentity};
use futures::StreamExt;
use llama_cpp_2::token::LlamaToken;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// What the engine's thread and its handles share.
#[derive(Debug)]
pub(crate) struct EngineState {
    pub config: EngineConfig,
    pub counters: Counters,
    /// The model, while it is in memory.
    pub loaded: Mutex<Option<Arc<LoadedModel>>>,
    /// Set by a shutdown: no new work.
    pub closing: AtomicBool,
}

/// Starts engines.
#[derive(Debug)]
pub struct LocalEngine;

impl LocalEngine {
    /// Which instructions the library was built for, as it tells: `AVX512 = 1 | AVX512_VNNI = 1 | REPACK = 1 | …`.
    pub fn library_info() -> String {
        system_info()
    }

    /// Starts an engine's thread. The model is loaded at the first request or by [`LocalModel::warm_up`].
    ///
    /// # Errors
    /// A setting that can't be, or no thread.
    pub fn start(config: EngineConfig) -> Result<LocalModel, EngineError> {
        config.validate()?;
        let identity = ModelIdentity {
            name: config.name.clone(),
            provider: "boxwood".to_owned(),
            context_window: config.context_tokens,
            max_output_tokens: config.max_output_tokens,
            images: false,
            scores_choices: true,
            json_schema: true,
            tools: true,
        };
        let state = Arc::new(EngineState {
            config,
            counters: Counters::default(),
            loaded: Mutex::new(None),
            closing: AtomicBool::new(false),
        });
        let commands = thread::spawn(Arc::clone(&state)).map_err(EngineError::Thread)?;
        Ok(LocalModel {
            handle: Arc::new(Handle {
                identity,
                state,
                commands,
            }),
        })
    }
}

/// A local model. Cheap to clone; all clones share one engine.
#[derive(Debug, Clone)]
pub struct LocalModel {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    identity: ModelIdentity,
    state: Arc<EngineState>,
    commands: Sender<Command>,
}

impl LocalModel {
    /// Loads the model, so that the first request need not wait for it.
    ///
    /// # Errors
    /// [`ModelError::Unavailable`] with what to do, when the file is missing or no model.
    pub async fn warm_up(&self) -> Result<(), ModelError> {
        self.loaded().await.map(|_| ())
    }

    /// A reading of the engine's counters.
    pub fn status(&self) -> EngineStatus {
        self.handle.state.counters.read()
    }

    /// Ends the engine: new requests are refused, running ones may go on for `grace` and are cancelled then, read
    /// documents are saved, memory is freed. Later calls return at once.
    pub async fn shutdown(&self, grace: Duration) {
        self.handle.state.closing.store(true, Ordering::Release);
        let (done, ended) = oneshot::channel();
        if self
            .handle
            .commands
            .send(Command::Shutdown { grace, done })
            .is_ok()
        {
            // An error means that the thread is gone already, which is what was asked for.
            let _ = ended.await;
        }
    }

    fn name(&self) -> String {
        self.handle.identity.name.clone()
    }

    fn config(&self) -> &EngineConfig {
        &self.handle.state.config
    }

    fn unavailable(&self, message: impl Into<String>) -> ModelError {
        ModelError::Unavailable {
            model: self.name(),
            message: message.into(),
        }
    }

    fn closed(&self) -> ModelError {
        self.unavailable("its engine was shut down")
    }

    fn admit(&self) -> Result<Permit, ModelError> {
        let state = &self.handle.state;
        if state.closing.load(Ordering::Acquire) {
            return Err(self.closed());
        }
        let places = state.config.max_sequences as usize + state.config.queue_limit;
        state.counters.try_enter(places).ok_or_else(|| {
            Counters::add(&state.counters.overloads, 1);
            ModelError::Overloaded {
                model: self.name(),
                retry_after: state.counters.retry_after(state.config.max_sequences),
            }
        })
    }

    async fn loaded(&self) -> Result<Arc<LoadedModel>, ModelError> {
        if let Some(loaded) = self.handle.state.loaded.lock().clone() {
            return Ok(loaded);
        }
        let (reply, answer) = oneshot::channel();
        self.send(Command::Load(reply))?;
        let answer: Result<Arc<LoadedModel>, Arc<LoadError>> = answer.await.map_err(|_| self.closed())?;
        answer.map_err(|error| self.unavailable(error.to_string()))
    }

    fn send(&self, command: Command) -> Result<(), ModelError> {
        self.handle.commands.send(command).map_err(|_| self.closed())
    }

    /// Refuses what can be refused without the model.
    fn check(&self, request: &ChatRequest) -> Result<(), ModelError> {
        if request.messages.iter().any(|message| !message.images.is_empty()) {
            return Err(ModelError::Unsupported {
                model: self.name(),
                what: "read pictures",
            });
        }
        self.handle.identity.check_tools(request)?;
        if request.max_output_tokens == 0 {
            return Err(self.refused("max_output_tokens: must be at least 1"));
        }
        Ok(())
    }

    fn refused(&self, message: impl Into<String>) -> ModelError {
        ModelError::Refused {
            model: self.name(),
            status: None,
            code: None,
            message: message.into(),
        }
    }

    /// Runs on a blocking thread what needs the vocabulary.
    async fn tokenise<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LoadedModel) -> T + Send + 'static,
    ) -> Result<T, ModelError> {
        let loaded = self.loaded().await?;
        tokio::task::spawn_blocking(move || work(&loaded))
            .await
            .map_err(|error| ModelError::Failed {
                model: self.name(),
                message: format!("the text can't be tokenised: {error}"),
            })
    }

    async fn prompt(&self, request: ChatRequest) -> Result<Prompt, ModelError> {
        self.tokenise(move |loaded| prompt::build(loaded, &request))
            .await?
            .map_err(|error: PromptError| self.refused(error.to_string()))
    }

    /// The grammar of the reply, where the request has a schema.
    async fn grammar(&self, request: &ChatRequest) -> Result<Option<Box<Grammar>>, ModelError> {
        let Some(format) = &request.response_format else {
            return Ok(None);
        };
        let schema = format.schema.clone();
        let compiled = self
            .tokenise(move |loaded| {
                let table = loaded.grammars().map_err(ToString::to_string)?;
                table
                    .compile(&schema)
                    .map_err(|error: GrammarError| error.to_string())
            })
            .await?;
        let grammar = compiled.map_err(|message| ModelError::SchemaUnsupported {
            model: self.name(),
            message,
        })?;
        Ok(Some(Box::new(grammar)))
    }

    /// The reply's channels, where the model thinks by itself.
    async fn channels(&self, request: &ChatRequest) -> Result<Option<Box<Channels>>, ModelError> {
        let budget = channels::thinking_budget(request.effort, request.max_output_tokens);
        let marks = self.loaded().await?.marks.clone();
        Ok(marks.map(|marks| Box::new(Channels::new(marks, budget))))
    }

    fn check_length(&self, prompt: &Prompt, output: usize) -> Result<(), ModelError> {
        let context = self.config().context_tokens;
        let limit = context.saturating_sub(u32::try_from(output).unwrap_or(u32::MAX));
        let tokens = u32::try_from(prompt.len()).unwrap_or(u32::MAX);
        if tokens > limit {
            return Err(ModelError::ContextTooLong {
                model: self.name(),
                tokens,
                limit,
            });
        }
        Ok(())
    }

    fn run(&self, job: Job) -> Result<(), ModelError> {
        self.send(Command::Run(Box::new(job)))
    }
}

#[async_trait]
impl ChatModel for LocalModel {
    fn identity(&self) -> &ModelIdentity {
        &self.handle.identity
    }

    fn thinks(&self) -> bool {
        let loaded = self.handle.state.loaded.lock();
        loaded.as_ref().is_some_and(|loaded| loaded.marks.is_some())
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        let text = text.to_owned();
        let count = self
            .tokenise(move |loaded| prompt::plain_tokens(&loaded.model, &text).len())
            .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let queued_at = Instant::now();
        self.check(&request)?;
        let permit = self.admit()?;
        let (request, reader) = tools::prepare(request);
        let (sampling, max_output_tokens, stop) = (
            request.sampling.clone(),
            request.max_output_tokens,
            request.stop.clone(),
        );
        let grammar = self.grammar(&request).await?;
        let whole_value = request.whole_value;
        let channels = self.channels(&request).await?;
        let prompt = self.prompt(request).await?;
        self.check_length(&prompt, max_output_tokens as usize)?;
        let (events, receiver) = mpsc::unbounded_channel();
        self.run(Job {
            prompt,
            task: Task::Generate {
                events,
                sampling,
                max_output_tokens,
                // A value ends where it is complete: a stop string would cut it.
                stop: if grammar.is_none() { stop } else { Vec::new() },
                grammar,
                whole_value,
                channels,
            },
            queued_at,
            _permit: permit,
        })?;
        let events = event_stream(receiver, self.name());
        Ok(match reader {
            Some(reader) => with_calls(events, reader),
            None => events,
        })
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        let queued_at = Instant::now();
        self.check(&request)?;
        let permit = self.admit()?;
        let choices = self.choice_tokens(choices).await?;
        let prompt = self.prompt(request).await?;
        let (reply, answer) = oneshot::channel();
        let task = Task::Score { choices, reply };
        let job = Job {
            prompt,
            task,
            queued_at,
            _permit: permit,
        };
        self.check_length(&job.prompt, job.output_reserve())?;
        self.run(job)?;
        answer.await.map_err(|_| stopped(&self.handle.identity.name))?
    }
}

impl LocalModel {
    async fn choice_tokens(&self, choices: &[String]) -> Result<Vec<Vec<LlamaToken>>, ModelError> {
        if choices.is_empty() {
            return Err(self.refused("choices: must not be empty"));
        }
        if let Some(index) = choices.iter().position(String::is_empty) {
            return Err(self.refused(format!("choices[{index}]: must not be empty")));
        }
        let choices = choices.to_vec();
        let tokens: Vec<Vec<LlamaToken>> = self
            .tokenise(move |loaded| {
                choices
                    .iter()
                    .map(|choice| prompt::plain_tokens(&loaded.model, choice))
                    .collect()
            })
            .await?;
        let limit = self.config().batch_tokens as usize;
        match tokens.iter().position(|choice| choice.len() > limit) {
            Some(index) => Err(self.refused(format!(
                "choices[{index}]: must not have more than {limit} tokens"
            ))),
            None => Ok(tokens),
        }
    }
}

fn stopped(model: &str) -> ModelError {
    ModelError::Failed {
        model: model.to_owned(),
        message: "its engine stopped while it worked on this; ask again".to_owned(),
    }
}

/// The events as a stream that ends with exactly one end or error.
fn event_stream(
    receiver: mpsc::UnboundedReceiver<Result<ChatEvent, ModelError>>,
    model: String,
) -> ChatStream {
    futures::stream::unfold(Some((receiver, model)), |open| async {
        let (mut receiver, model) = open?;
        let Some(event) = receiver.recv().await else {
            return Some((Err(stopped(&model)), None));
        };
        let last = matches!(event, Err(_) | Ok(ChatEvent::End { .. }));
        Some((event, (!last).then_some((receiver, model))))
    })
    .boxed()
}

/// The events with calls read out of the text.
fn with_calls(events: ChatStream, reader: CallReader) -> ChatStream {
    let read = events.scan(reader, |reader, event| {
        let events = match event {
            Ok(event) => reader.take(event).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        std::future::ready(Some(futures::stream::iter(events)))
    });
    read.flatten().boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::{FinishReason, Usage};

    fn text(words: &str) -> Result<ChatEvent, ModelError> {
        Ok(ChatEvent::Text {
            text: words.to_owned(),
            log_prob: None,
        })
    }

    #[tokio::test]
    async fn a_stream_whose_engine_vanished_ends_with_an_error() {
        let (events, receiver) = mpsc::unbounded_channel();
        events.send(text("half an ")).unwrap();
        drop(events);
        let seen: Vec<_> = event_stream(receiver, "boxwood__test".to_owned()).collect().await;
        assert_eq!(seen.len(), 2);
        assert!(matches!(&seen[1], Err(ModelError::Failed { model, .. }) if model == "boxwood__test"));
    }

    #[tokio::test]
    async fn nothing_follows_the_end() {
        let (events, receiver) = mpsc::unbounded_channel();
        let end = ChatEvent::End {
            finish: FinishReason::Stop,
            usage: Usage::default(),
        };
        events.send(Ok(end.clone())).unwrap();
        events.send(text("more")).unwrap();
        let seen: Vec<_> = event_stream(receiver, String::new()).collect().await;
        assert_eq!(seen.len(), 1);
        assert!(matches!(&seen[0], Ok(event) if *event == end));
    }
}

//! The contract of a model, wherever it runs.
//!
//! Implemented by `boxwood-local` (in process) and `boxwood-models` (remote hosts); called only by `boxwood-answer`
//! and the wrappers of `boxwood-models`. Every implementation runs the conformance suite in `boxwood-test`.
//!
//! Invariants: a stream ends with exactly one [`ChatEvent::End`] or with an error, never silently; dropping the stream
//! cancels the work; over-length input is refused before any work with [`ModelError::ContextTooLong`].

use crate::tools::{ToolCall, ToolChoice, ToolDefinition};
use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What answers, told truthfully.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// As reported in `ai_agent_info.models[].name`: `"boxwood__qwen2_5_coder_1_5b_instruct_q4_k_m"`.
    pub name: String,
    /// As reported in `ai_agent_info.models[].provider`: `"boxwood"`, `"azure"`.
    pub provider: String,
    /// Tokens that prompt and completion may have together, as the binding serves it.
    pub context_window: u32,
    /// Tokens that one completion may have.
    pub max_output_tokens: u32,
    /// Whether images may be sent.
    pub images: bool,
    /// Whether [`ChatModel::score_choices`] works.
    pub scores_choices: bool,
    /// Whether [`ChatRequest::response_format`] is obeyed, by constrained decoding or by the host.
    pub json_schema: bool,
    /// Whether [`ChatRequest::tools`] may be given.
    #[serde(default)]
    pub tools: bool,
}

impl ModelIdentity {
    /// For implementations: refuses a request with tools where the model has none.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`].
    pub fn check_tools(&self, request: &ChatRequest) -> Result<(), ModelError> {
        if self.tools || !request.uses_tools() {
            return Ok(());
        }
        Err(ModelError::Unsupported {
            model: self.name.clone(),
            what: "call tools",
        })
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The result of a tool that the model called.
    Tool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: ChatRole,
    /// What is said.
    pub content: String,
    /// Pictures; refused by a model whose identity says `images: false`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageInput>,
    /// What the assistant called in this message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call this is the result of, for [`ChatRole::Tool`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message without pictures.
    pub fn new(role: ChatRole, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            images: Vec::new(),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }

    /// What the assistant said and called.
    pub fn calls(content: impl Into<String>, tool_calls: Vec<ToolCall>) -> Self {
        Self {
            tool_calls,
            ..Self::new(ChatRole::Assistant, content)
        }
    }

    /// The result of a call.
    pub fn tool_result(tool_call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            tool_call_id: Some(tool_call_id.into()),
            ..Self::new(ChatRole::Tool, content)
        }
    }
}

/// A picture for the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageInput {
    /// `image/png` or `image/jpeg`; from clients of the OpenAI-compatible API also `image/gif`, `image/webp`.
    pub media_type: String,
    /// The encoded picture.
    pub bytes: Vec<u8>,
}

/// Reasoning effort, as the o-series names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Least thinking.
    Low,
    /// The default.
    Medium,
    /// Most thinking.
    High,
}

/// How the next token is chosen. `None` means the serving model's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: Option<f32>,
    /// Nucleus.
    pub top_p: Option<f32>,
    /// Number of candidates (`ibm_params`); Box's google range 0.1–2 is translated by the caller.
    pub top_k: Option<f32>,
    /// OpenAI's frequency penalty.
    pub frequency_penalty: Option<f32>,
    /// OpenAI's presence penalty.
    pub presence_penalty: Option<f32>,
    /// Fixed seed, for replay.
    pub seed: Option<u64>,
}

/// The part of the last user message that later requests share: the documents, which come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedPrefix {
    /// Byte offset in the content of the last user message; everything before it (and all earlier messages) is shared.
    pub boundary: usize,
    /// Cache partition, the enterprise: a prefix is never looked up across partitions.
    pub partition: String,
}

/// The whole reply is one JSON value that is valid against this schema: compact (no white space outside strings), its
/// keys in the schema's order.
///
/// The value ends where it is complete: stop strings do not apply. A reply that ended with [`FinishReason::Length`] is
/// the beginning of a value, but for [`ChatRequest::whole_value`]. A host may enforce a weaker schema than this one (and
/// give `null` for an optional key), so whoever needs every rule to hold validates the reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JsonSchemaFormat {
    /// A name for the host: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// A JSON Schema. References are within the schema only; nothing is fetched.
    pub schema: serde_json::Value,
}

/// One completion to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The conversation; the last message is the user's, or the result of a tool.
    pub messages: Vec<ChatMessage>,
    /// Sampling.
    pub sampling: Sampling,
    /// Upper bound of tokens that may be generated.
    pub max_output_tokens: u32,
    /// Generation ends before any of these strings; they are not part of the text.
    pub stop: Vec<String>,
    /// What later requests share.
    pub shared_prefix: Option<SharedPrefix>,
    /// Reasoning effort, for models that have it.
    pub effort: Option<Effort>,
    /// What the reply must look like; refused with [`ModelError::Unsupported`] by a model whose identity says
    /// `json_schema: false`, and with [`ModelError::SchemaUnsupported`] where the schema can't be enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<JsonSchemaFormat>,
    /// What the model may call; refused with [`ModelError::Unsupported`] by a model whose identity says `tools: false`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolDefinition>,
    /// Whether it has to.
    #[serde(default, skip_serializing_if = "ToolChoice::is_auto")]
    pub tool_choice: ToolChoice,
    /// Whether it may call several tools at once; `None` is the serving model's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Whether [`ChatRequest::max_output_tokens`] bounds thinking and answer together: then a host is asked for no more,
    /// and an answer without a word that ended with [`FinishReason::Length`] is no failure.
    #[serde(default)]
    pub total_limit: bool,
    /// Whether a model that can is to end a reply that is held to a schema as a whole value when its room runs out: open
    /// lists are closed, what the schema still demands is filled in as shortly as it allows, and the end is told as
    /// [`FinishReason::Length`]. Not for whoever tells by missing keys how far a reply came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_value: bool,
}

impl ChatRequest {
    /// Whether tools are given, or were called earlier in the conversation.
    pub fn uses_tools(&self) -> bool {
        let called = |message: &ChatMessage| message.role == ChatRole::Tool || !message.tool_calls.is_empty();
        !self.tools.is_empty() || self.messages.iter().any(called)
    }

    /// A greedy request without stop strings.
    pub fn new(messages: Vec<ChatMessage>, max_output_tokens: u32) -> Self {
        Self {
            messages,
            sampling: Sampling {
                temperature: Some(0.0),
                ..Sampling::default()
            },
            max_output_tokens,
            stop: Vec::new(),
            shared_prefix: None,
            effort: None,
            response_format: None,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            parallel_tool_calls: None,
            total_limit: false,
            whole_value: false,
        }
    }
}

/// What a stream yields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatEvent {
    /// Prompt tokens that were read so far, and how many there are (long prefill on a CPU).
    PromptProgress {
        /// Read, or restored from the prefix cache.
        done: u32,
        /// All prompt tokens.
        total: u32,
    },
    /// A piece of the visible answer.
    Text {
        /// The text; never splits a character.
        text: String,
        /// Natural-log probability of the tokens of this piece under the model (before sampling), where it is known.
        log_prob: Option<f32>,
    },
    /// A piece of the model's thinking or of its summary, where it is shown; never part of the answer.
    Reasoning {
        /// The text; never splits a character.
        text: String,
    },
    /// A call of a tool, when its arguments are complete.
    ToolCall(ToolCall),
    /// The completion is over.
    End {
        /// Why.
        finish: FinishReason,
        /// What it cost.
        usage: Usage,
    },
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model said that it is done, or a stop string came.
    Stop,
    /// The output limit was reached.
    Length,
    /// The model waits for the results of the tools that it called.
    ToolCalls,
    /// The host filtered the content.
    ContentFilter,
}

/// Tokens and times of one completion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input_tokens: u32,
    /// Prompt tokens that came from the prefix cache.
    pub cached_tokens: u32,
    /// Generated tokens, reasoning included.
    pub output_tokens: u32,
    /// Generated tokens that were thinking.
    pub reasoning_tokens: u32,
    /// Whether the tokens are our estimate: the model or its host told none.
    #[serde(default)]
    pub estimated: bool,
    /// Waiting in the queue.
    pub queue_time: Duration,
    /// From the start of the work to the first token.
    pub time_to_first_token: Duration,
    /// From the start of the work to the end.
    pub total_time: Duration,
}

/// A running completion. Dropping it cancels the work.
pub type ChatStream = BoxStream<'static, Result<ChatEvent, ModelError>>;

/// What can go wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Prompt and requested output do not fit.
    #[error("the prompt has {tokens} tokens, but {limit} fit into the context window of {model}")]
    ContextTooLong {
        /// The model.
        model: String,
        /// Tokens that were asked for.
        tokens: u32,
        /// Tokens that fit.
        limit: u32,
    },
    /// The queue is full.
    #[error("the model {model} is busy")]
    Overloaded {
        /// The model.
        model: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The host refuses the request as it stands.
    #[error("the host of {model} refused the request: {message}")]
    Refused {
        /// The model.
        model: String,
        /// The host's HTTP status, where it has one.
        status: Option<u16>,
        /// The host's code.
        code: Option<String>,
        /// The host's words, without secrets.
        message: String,
    },
    /// The model is not there: never bound, removed, or retired by its host.
    #[error("the model {model} can't be reached: {message}")]
    Unavailable {
        /// The model.
        model: String,
        /// What to do.
        message: String,
    },
    /// The connection to the host, or the engine, failed.
    #[error("the model {model} failed: {message}")]
    Failed {
        /// The model.
        model: String,
        /// What happened.
        message: String,
    },
    /// A budget would be exceeded; told before anything was spent.
    #[error("{message}")]
    BudgetExceeded {
        /// The model.
        model: String,
        /// Which budget, how much of it is used, when it begins anew.
        message: String,
    },
    /// The caller went away, or the deadline passed.
    #[error("the request was cancelled")]
    Cancelled,
    /// The schema of the reply can't be enforced; told before any work.
    #[error("the model {model} can't keep to the schema of the reply: {message}")]
    SchemaUnsupported {
        /// The model.
        model: String,
        /// What of the schema is in the way, and where.
        message: String,
    },
    /// The implementation can't do that.
    #[error("the model {model} can't {what}")]
    Unsupported {
        /// The model.
        model: String,
        /// What was wanted.
        what: &'static str,
    },
}

/// What a model makes of given beginnings of its reply.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceScores {
    /// Natural-log probability of each choice, normalised over the choices: as probabilities they sum to 1.
    pub log_probs: Vec<f32>,
    /// Natural-log probability of every token of each choice, given what stands before it.
    pub token_log_probs: Vec<Vec<f32>>,
    /// The model's inner state where the reply would begin, for read-outs that were learned on exactly this model;
    /// `None` where it gives none.
    pub state: Option<Vec<f32>>,
}

/// A model that continues a conversation.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// What this is.
    fn identity(&self) -> &ModelIdentity;

    /// Whether it thinks by itself before it answers, as far as that is known without work: then it is given the effort
    /// and asked once. Its thinking comes as [`ChatEvent::Reasoning`].
    fn thinks(&self) -> bool {
        false
    }

    /// How many tokens the text has for this model, without template and special tokens. May be an upper estimate for
    /// a remote model whose tokenizer is not known.
    ///
    /// # Errors
    /// When the engine can't be loaded.
    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError>;

    /// Starts a completion.
    ///
    /// # Errors
    /// What can be known before the first token: too long, overloaded, refused.
    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError>;

    /// Scores each choice as the *beginning* of the assistant's reply. Costs a prefill and no generation. This is the
    /// support check's signal.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] where [`ModelIdentity::scores_choices`] is false.
    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        let _ = (request, choices);
        Err(ModelError::Unsupported {
            model: self.identity().name.clone(),
            what: "score choices",
        })
    }
}

/// A model that turns text into vectors.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// As reported in `ai_agent_info.models[]` with purpose `embedding`.
    fn identity(&self) -> &ModelIdentity;

    /// Length of every vector.
    fn dimensions(&self) -> usize;

    /// Unit vectors, one a text, in order.
    ///
    /// # Errors
    /// When the engine fails or is overloaded.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError>;
}

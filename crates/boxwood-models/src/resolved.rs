//! What a name resolved to, and why one could not be resolved.
//!
//! Invariant: the serving model's identity is what is reported; a takeover by a successor or fallback gives a new
//! [`ResolvedModel`] that says so. Made by the registry only, read by `boxwood-answer` and `boxwood models`.

use crate::capability::{Capabilities, Parameter};
use crate::cards::{ModelCard, ParameterKind, Purpose};
use crate::protocol::parameters;
use crate::registry::ModelRegistry;
use crate::tokens;
use boxwood_core::{ChatModel, ChatRequest, ChatStream, Embedder, ModelError, ModelIdentity};
use serde::Serialize;
use std::sync::Arc;

/// In which relation the serving model stands to the name that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Served {
    /// A host serves the very model of the name.
    Host,
    /// Another model, which the configuration names as the successor.
    Successor,
    /// The default model (or that of a pattern), since nothing is bound to the name.
    StandIn,
    /// A local model that was asked for by its own name.
    Local,
}

impl Served {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Successor => "successor",
            Self::StandIn => "stand_in",
            Self::Local => "local",
        }
    }
}

/// Something of a request that the serving model does not take as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelWarning {
    /// The parameter's name on the wire.
    pub parameter: &'static str,
    /// What is done instead.
    pub message: String,
}

/// A name that could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No card, binding or local model has this name.
    #[error("`{name}` is not a model{}", near(.nearest))]
    Unknown {
        /// The name, at most 80 characters of it.
        name: String,
        /// Up to three names that look like it.
        nearest: Vec<String>,
    },
    /// The card exists, nothing serves it, and stand-ins are forbidden.
    #[error(
        "nothing serves `{name}` here, and stand-ins are forbidden: bind it in boxwood.toml under \
         [models.bindings.\"{name}\"], or set stand_in = \"allow\" under [models]"
    )]
    NotBound {
        /// The card's name.
        name: String,
    },
    /// A model of the catalogue that is not on this machine, or that this server was not started with.
    #[error(
        "`{name}` is not loaded by this server: run `boxwood models pull {name}` and name it as `default` under [models]"
    )]
    NotInstalled {
        /// The model's name.
        name: String,
    },
    /// There is no model at all.
    #[error("no model is there to answer: run `boxwood models pull`, or bind a host in boxwood.toml")]
    NoModel,
    /// An embedding model was named where a chat model is needed, or the other way round.
    #[error("`{name}` is {}", purpose_mismatch(*.wanted))]
    WrongPurpose {
        /// The model's name.
        name: String,
        /// What was needed.
        wanted: Purpose,
    },
}

fn near(names: &[String]) -> String {
    if names.is_empty() {
        ". `boxwood models` lists all names".to_owned()
    } else {
        format!(". Did you mean {}?", names.join(", "))
    }
}

fn purpose_mismatch(wanted: Purpose) -> &'static str {
    match wanted {
        Purpose::Chat => "an embedding model and can't answer questions",
        Purpose::Embedding => "no embedding model",
    }
}

/// What answers a request.
#[derive(Clone)]
pub struct ResolvedModel {
    /// The name that was asked for (the default's name where none was).
    pub requested: String,
    /// The card of that name.
    pub card: Option<&'static ModelCard>,
    /// What answers; its identity is what `ai_agent_info.models[]` reports.
    pub model: Arc<dyn ChatModel>,
    /// In which relation it stands to the name.
    pub served: Served,
    /// Whether the contract of the name (the card's, else the serving model's) has reasoning and an effort.
    pub reasoning: bool,
    /// Which `llm_endpoint_params` fit the name.
    pub parameter_kind: ParameterKind,
    /// What the serving host accepts; `None` for a local model.
    pub capabilities: Option<Capabilities>,
    /// What is told in every answer: that another model took over, and why.
    pub moved: Option<String>,
    pub(crate) successor: Option<String>,
    pub(crate) fallback: Option<String>,
    pub(crate) registry: ModelRegistry,
}

impl std::fmt::Debug for ResolvedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResolvedModel")
            .field("requested", &self.requested)
            .field("served", &self.served)
            .field("by", &self.model.identity().name)
            .finish_non_exhaustive()
    }
}

impl ResolvedModel {
    /// What of this request is left out or done another way, and whether another model took over. Pure: nothing is sent.
    pub fn warnings_for(&self, request: &ChatRequest) -> Vec<ModelWarning> {
        let moved = self.moved.clone().map(|message| ModelWarning {
            parameter: "model",
            message,
        });
        let mut warnings = self.parameter_warnings(request);
        warnings.extend(moved);
        warnings
    }

    fn parameter_warnings(&self, request: &ChatRequest) -> Vec<ModelWarning> {
        match &self.capabilities {
            Some(capabilities) => parameters::warnings(capabilities, request),
            None if request.effort.is_some() && !self.model.thinks() => vec![ModelWarning {
                parameter: Parameter::ReasoningEffort.as_str(),
                message: format!(
                    "{} has no reasoning effort; it is ignored",
                    self.model.identity().name
                ),
            }],
            None => Vec::new(),
        }
    }

    /// Output tokens that a request under this name may ask for: the smaller of the card's and the serving limit.
    pub fn max_output_tokens(&self) -> u32 {
        let served = self.model.identity().max_output_tokens;
        let of_card = self.card.and_then(|card| card.max_output_tokens);
        of_card.map_or(served, |of_card| of_card.min(served))
    }

    /// What answers instead after this failure: the successor where the host has retired the model, the fallback where
    /// the host fails or is overloaded.
    pub fn after_failure(&self, error: &ModelError) -> Option<ResolvedModel> {
        let (name, served) = match error {
            ModelError::Unavailable { .. } => match &self.successor {
                Some(name) => (name, Served::Successor),
                None => (self.fallback.as_ref()?, Served::StandIn),
            },
            ModelError::Overloaded { .. } | ModelError::Failed { .. } => {
                (self.fallback.as_ref()?, Served::StandIn)
            }
            _ => return None,
        };
        let mut next = self.registry.resolve_unmetered(Some(name)).ok()?;
        next.requested.clone_from(&self.requested);
        (next.card, next.reasoning, next.parameter_kind) = (self.card, self.reasoning, self.parameter_kind);
        next.served = served;
        next.moved = Some(format!(
            "{} did not answer ({error}); {} does in its stead",
            self.model.identity().name,
            next.model.identity().name
        ));
        Some(self.registry.metered(next))
    }

    /// Refuses what the card of the name does not take, whatever serves it.
    fn check_card(&self, request: &ChatRequest) -> Result<(), ModelError> {
        let Some(card) = self.card else { return Ok(()) };
        let (Some(limit), Some(family)) = (card.input_context_window, card.family) else {
            return Ok(());
        };
        let tokens = tokens::prompt_tokens(family, request, 0, limit);
        if tokens <= limit {
            return Ok(());
        }
        Err(ModelError::ContextTooLong {
            model: card.api_name.clone(),
            tokens,
            limit,
        })
    }

    /// Starts the completion here, or where [`ResolvedModel::after_failure`] points. The returned model is the one that
    /// really answers; report that one.
    ///
    /// # Errors
    /// The first failure, when nothing else serves.
    pub async fn start(&self, request: ChatRequest) -> Result<(ResolvedModel, ChatStream), ModelError> {
        self.check_card(&request)?;
        let mut current = self.clone();
        // The settings allow no circle, so the chain ends; the bound holds if that were ever wrong.
        for _ in 0..8 {
            match current.model.stream(request.clone()).await {
                Ok(stream) => return Ok((current, stream)),
                Err(error) => match current.after_failure(&error) {
                    Some(next) => {
                        tracing::warn!(
                            %error, from = current.model.identity().name, to = next.model.identity().name,
                            "a model failed, another one takes over"
                        );
                        current = next;
                    }
                    None => return Err(error),
                },
            }
        }
        Err(ModelError::Unavailable {
            model: self.requested.clone(),
            message: "too many successors follow one another in boxwood.toml".into(),
        })
    }
}

/// What turns text into vectors for a name.
#[derive(Clone)]
pub struct ResolvedEmbedder {
    /// The name that was asked for.
    pub requested: String,
    /// The card of that name.
    pub card: Option<&'static ModelCard>,
    /// What embeds.
    pub embedder: Arc<dyn Embedder>,
    /// In which relation it stands to the name.
    pub served: Served,
}

/// One line of `boxwood models`.
#[derive(Debug, Clone)]
pub struct ModelRow {
    /// The name that requests use.
    pub name: String,
    /// Its card.
    pub card: Option<&'static ModelCard>,
    /// What serves it, with the serving model's identity; `Err`: why nothing does.
    pub served: Result<(Served, ModelIdentity), ResolveError>,
    /// That the host retires its model, or has done so, and what to do.
    pub ends: Option<String>,
}

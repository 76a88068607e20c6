//! From the name that a request gives to the model that answers, told truthfully.
//!
//! Invariant: [`ResolvedModel::served`] and the serving model's identity always say what really answers: a stand-in is
//! never passed off as the model of the card. Built once by the binary; called by `boxwood-answer`.

use crate::capability::{Capabilities, Parameter};
use crate::cards::{ModelCard, ParameterKind, Purpose, cards, find_card, nearest_of, normalised};
use crate::catalog::{CatalogPurpose, find_local};
use crate::host::Host;
use crate::protocol::openai_chat;
use crate::remote::RemoteModel;
use crate::settings::{Binding, ModelSettings, StandIn, find_binding};
use crate::transport::{Transport, TransportError};
use boxwood_core::{ChatModel, ChatRequest, ChatStream, Embedder, ModelError, ModelIdentity};
use serde::Serialize;
use std::collections::BTreeMap;
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
    successor: Option<String>,
    fallback: Option<String>,
    registry: ModelRegistry,
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
    /// What of this request is left out or done another way. Pure: nothing is sent.
    pub fn warnings_for(&self, request: &ChatRequest) -> Vec<ModelWarning> {
        match &self.capabilities {
            Some(capabilities) => openai_chat::warnings(capabilities, request),
            None if request.effort.is_some() => vec![ModelWarning {
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
        let mut next = self.registry.resolve(Some(name)).ok()?;
        next.requested.clone_from(&self.requested);
        (next.card, next.reasoning, next.parameter_kind) = (self.card, self.reasoning, self.parameter_kind);
        next.served = served;
        Some(next)
    }

    /// Starts the completion here, or where [`ResolvedModel::after_failure`] points. The returned model is the one that
    /// really answers; report that one.
    ///
    /// # Errors
    /// The first failure, when nothing else serves.
    pub async fn start(&self, request: ChatRequest) -> Result<(ResolvedModel, ChatStream), ModelError> {
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
}

/// Every model that this process can ask. Cheap to clone.
#[derive(Clone)]
pub struct ModelRegistry(Arc<Inner>);

struct Inner {
    settings: ModelSettings,
    locals: Vec<Arc<dyn ChatModel>>,
    embedder: Option<Arc<dyn Embedder>>,
    remotes: BTreeMap<String, Arc<dyn ChatModel>>,
}

impl ModelRegistry {
    /// Builds the registry; `locals` in order of preference: the first is the default where the settings name none.
    ///
    /// # Errors
    /// When hosts are bound and no connection could be made at all (no trusted certificates on this machine).
    pub fn new(
        settings: ModelSettings,
        locals: Vec<Arc<dyn ChatModel>>,
        embedder: Option<Arc<dyn Embedder>>,
    ) -> Result<Self, TransportError> {
        let mut remotes: BTreeMap<String, Arc<dyn ChatModel>> = BTreeMap::new();
        for binding in &settings.bindings {
            let Some(host) = &binding.host else { continue };
            let transport = Transport::new(&host.limits, &settings.proxy)?;
            let model = RemoteModel::new(remote_identity(binding, host), host.clone(), transport)?;
            remotes.insert(binding.name.clone(), Arc::new(model));
        }
        Ok(Self(Arc::new(Inner {
            settings,
            locals,
            embedder,
            remotes,
        })))
    }

    /// The model of a name; `None` asks for the default.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn resolve(&self, requested: Option<&str>) -> Result<ResolvedModel, ResolveError> {
        match requested.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => self.resolve_name(name, 0),
            None => self.resolve_default(0),
        }
    }

    /// The embedder of a name; `None` asks for the default.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn resolve_embedder(&self, requested: Option<&str>) -> Result<ResolvedEmbedder, ResolveError> {
        let embedder = self.0.embedder.clone();
        let own = embedder.as_ref().map(|embedder| embedder.identity().name.clone());
        let asked = requested.map(str::trim).filter(|name| !name.is_empty());
        let requested = asked.or(self.0.settings.embedding.as_deref()).or(own.as_deref());
        let requested = requested.ok_or(ResolveError::NoModel)?.to_owned();
        let card = find_card(&requested);
        let served = if own
            .as_deref()
            .is_some_and(|own| normalised(own) == normalised(&requested))
        {
            Served::Local
        } else if let Some(card) = card {
            if card.purpose != Purpose::Embedding {
                return Err(ResolveError::WrongPurpose {
                    name: requested,
                    wanted: Purpose::Embedding,
                });
            }
            if self.0.settings.stand_in == StandIn::Deny {
                return Err(ResolveError::NotBound {
                    name: card.api_name.clone(),
                });
            }
            Served::StandIn
        } else {
            return Err(self.unknown(&requested, Purpose::Embedding));
        };
        let embedder = embedder.ok_or(ResolveError::NoModel)?;
        Ok(ResolvedEmbedder {
            requested,
            card,
            embedder,
            served,
        })
    }

    /// The local embedder, where one was handed in.
    pub fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        self.0.embedder.clone()
    }

    /// Local models, own bindings and cards with what serves each: for `boxwood models`.
    pub fn overview(&self) -> Vec<ModelRow> {
        let locals = self.0.locals.iter().map(|local| local.identity().name.clone());
        let own = self
            .0
            .settings
            .bindings
            .iter()
            .filter(|b| b.card.is_none() && b.wildcard().is_none());
        let of_cards = cards().iter().filter(|card| card.purpose == Purpose::Chat);
        locals
            .chain(own.map(|binding| binding.name.clone()))
            .chain(of_cards.map(|card| card.api_name.clone()))
            .map(|name| {
                let resolved = self.resolve(Some(&name));
                let served = resolved.map(|resolved| (resolved.served, resolved.model.identity().clone()));
                ModelRow {
                    card: find_card(&name),
                    name,
                    served,
                }
            })
            .collect()
    }

    fn resolve_default(&self, depth: u8) -> Result<ResolvedModel, ResolveError> {
        match (&self.0.settings.default, self.0.locals.first()) {
            (Some(name), _) => self.resolve_name(name, depth),
            (None, Some(local)) => Ok(self.local(local)),
            (None, None) => match self.0.settings.bindings.iter().find(|b| b.wildcard().is_none()) {
                Some(binding) => self.resolve_name(&binding.name, depth),
                None => Err(ResolveError::NoModel),
            },
        }
    }

    fn resolve_name(&self, name: &str, depth: u8) -> Result<ResolvedModel, ResolveError> {
        if let Some(local) = self.find_loaded(name) {
            return Ok(ResolvedModel {
                requested: name.to_owned(),
                ..self.local(local)
            });
        }
        let card = find_card(name);
        if card.is_some_and(|card| card.purpose == Purpose::Embedding) {
            return Err(ResolveError::WrongPurpose {
                name: name.to_owned(),
                wanted: Purpose::Chat,
            });
        }
        let denied = self.0.settings.stand_in == StandIn::Deny;
        match (find_binding(&self.0.settings.bindings, name), card) {
            (Some(binding), _) if binding.wildcard().is_none() || !denied || is_own(binding, card) => {
                self.through_binding(name, card, binding, depth)
            }
            (_, Some(card)) if denied => Err(ResolveError::NotBound {
                name: card.api_name.clone(),
            }),
            (_, Some(card)) => self.stand_in(name, card, depth),
            (_, None) => Err(self.unknown(name, Purpose::Chat)),
        }
    }

    fn through_binding(
        &self,
        name: &str,
        card: Option<&'static ModelCard>,
        binding: &Binding,
        depth: u8,
    ) -> Result<ResolvedModel, ResolveError> {
        let mut resolved = match (&binding.host, self.0.remotes.get(&binding.name)) {
            (Some(host), Some(model)) => ResolvedModel {
                requested: name.to_owned(),
                card,
                model: model.clone(),
                served: host_relation(binding, host, card),
                reasoning: host.capabilities.rules().reasoning,
                parameter_kind: kind_of(name, card),
                capabilities: Some(host.capabilities.clone()),
                successor: binding.successor.clone(),
                fallback: binding.fallback.clone(),
                registry: self.clone(),
            },
            _ => {
                // Chains are checked when the settings are read; the bound keeps a mistake there from looping here.
                let successor = binding
                    .successor
                    .as_deref()
                    .filter(|_| depth < 8)
                    .ok_or(ResolveError::NoModel)?;
                let mut next = self.resolve_name(successor, depth + 1)?;
                next.served = Served::Successor;
                next.fallback = next.fallback.or_else(|| binding.fallback.clone());
                next
            }
        };
        resolved.requested = name.to_owned();
        resolved.card = card;
        resolved.parameter_kind = kind_of(name, card);
        if let Some(card) = card {
            resolved.reasoning = card.reasoning();
        }
        Ok(resolved)
    }

    fn stand_in(
        &self,
        name: &str,
        card: &'static ModelCard,
        depth: u8,
    ) -> Result<ResolvedModel, ResolveError> {
        if depth >= 8 {
            return Err(ResolveError::NoModel);
        }
        let default = self.0.settings.default.as_deref();
        // A default that is itself an unbound card would stand in for itself: the first local model serves then.
        let default_is_unbound_card = default.is_some_and(|default| {
            find_card(default).is_some() && find_binding(&self.0.settings.bindings, default).is_none()
        });
        let serving = if default_is_unbound_card {
            self.0
                .locals
                .first()
                .map(|local| self.local(local))
                .ok_or(ResolveError::NoModel)?
        } else {
            self.resolve_default(depth + 1)?
        };
        Ok(ResolvedModel {
            requested: name.to_owned(),
            card: Some(card),
            served: Served::StandIn,
            reasoning: card.reasoning(),
            parameter_kind: card.parameter_kind,
            ..serving
        })
    }

    fn local(&self, model: &Arc<dyn ChatModel>) -> ResolvedModel {
        ResolvedModel {
            requested: model.identity().name.clone(),
            card: None,
            model: model.clone(),
            served: Served::Local,
            reasoning: false,
            parameter_kind: ParameterKind::Openai,
            capabilities: None,
            successor: None,
            fallback: None,
            registry: self.clone(),
        }
    }

    /// A local model by its own name, or by the catalogue's other spellings of it.
    fn find_loaded(&self, name: &str) -> Option<&Arc<dyn ChatModel>> {
        let wanted = normalised(name);
        let of_catalog = find_local(name);
        self.0.locals.iter().find(|local| {
            let own = &local.identity().name;
            normalised(own) == wanted
                || of_catalog
                    .is_some_and(|model| find_local(own).is_some_and(|other| other.name == model.name))
        })
    }

    fn unknown(&self, name: &str, wanted: Purpose) -> ResolveError {
        if let Some(model) = find_local(name) {
            let purpose_fits = match model.purpose {
                CatalogPurpose::Chat => wanted == Purpose::Chat,
                CatalogPurpose::Embedding => wanted == Purpose::Embedding,
                CatalogPurpose::Ocr => false,
            };
            return if purpose_fits {
                ResolveError::NotInstalled {
                    name: model.name.to_owned(),
                }
            } else {
                ResolveError::WrongPurpose {
                    name: model.name.to_owned(),
                    wanted,
                }
            };
        }
        let locals = self.0.locals.iter().map(|local| local.identity().name.as_str());
        let own = self
            .0
            .settings
            .bindings
            .iter()
            .map(|binding| binding.name.as_str());
        let of_cards = cards()
            .iter()
            .filter(|card| card.purpose == wanted)
            .map(|card| card.api_name.as_str());
        let mut known: Vec<&str> = of_cards.collect();
        if wanted == Purpose::Chat {
            known.extend(locals.chain(own));
        }
        known.sort_unstable();
        known.dedup();
        ResolveError::Unknown {
            name: name.chars().take(80).collect(),
            nearest: nearest_of(name, known.into_iter())
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// Whether the binding's host runs the card's own model.
fn is_own(binding: &Binding, card: Option<&ModelCard>) -> bool {
    let (Some(host), Some(card)) = (&binding.host, card) else {
        return card.is_none();
    };
    host.model
        .as_deref()
        .is_none_or(|model| card.is_host_model(model))
}

fn host_relation(binding: &Binding, host: &Host, card: Option<&ModelCard>) -> Served {
    match card {
        None if binding.wildcard().is_some() && host.model.is_some() => Served::StandIn,
        _ if is_own(binding, card) => Served::Host,
        _ if binding.wildcard().is_some() => Served::StandIn,
        _ => Served::Successor,
    }
}

fn kind_of(name: &str, card: Option<&ModelCard>) -> ParameterKind {
    card.map(|card| card.parameter_kind)
        .or_else(|| ParameterKind::of_name(name))
        .unwrap_or(ParameterKind::Openai)
}

/// The card's name only where the host runs the card's own model; else a name made of provider and model.
fn remote_identity(binding: &Binding, host: &Host) -> ModelIdentity {
    let other_model = host.model.as_deref().filter(|_| {
        binding.wildcard().is_some() || (binding.card.is_some() && !is_own(binding, binding.card))
    });
    let name = other_model.map_or_else(
        || binding.name.clone(),
        |model| {
            format!(
                "{}__{}",
                normalised(&host.provider),
                normalised(&model.replace('/', "_"))
            )
        },
    );
    ModelIdentity {
        name,
        provider: host.provider.clone(),
        context_window: host.capabilities.context_window,
        max_output_tokens: host.capabilities.max_output_tokens,
        images: host.capabilities.images,
        choice_log_probs: false,
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;

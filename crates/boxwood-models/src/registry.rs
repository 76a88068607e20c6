//! From the name that a request gives to the model that answers, told truthfully.
//!
//! Invariant: [`ResolvedModel::served`] and the serving model's identity always say what really answers: a stand-in is
//! never passed off as the model of the card. What is resolved is metered, on behalf of the registry's caller. Built once
//! by the binary; called by `boxwood-answer`.

use crate::capability::JsonSchemaSupport;
use crate::cards::{ModelCard, ParameterKind, Purpose, cards, find_card, nearest_of, normalised};
use crate::cassette::Tape;
use crate::catalog::{CatalogPurpose, find_local};
use crate::host::Host;
use crate::lifecycle::{self, End};
use crate::meter::{Meter, MeteredEmbedder, MeteredModel, Of, Priced, price_of_local, price_on_host};
use crate::remote::{RemoteEmbedder, RemoteModel};
use crate::resolved::{ModelRow, ResolveError, ResolvedEmbedder, ResolvedModel, Served};
use crate::settings::{Binding, ModelSettings, StandIn, find_binding};
use crate::transport::{Transport, TransportError};
use boxwood_core::metering::Caller;
use boxwood_core::{ChatModel, Embedder, ModelIdentity};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every model that this process can ask, on behalf of a caller. Cheap to clone.
#[derive(Clone)]
pub struct ModelRegistry(Arc<Inner>, View);

/// Who asks, and what counts it.
#[derive(Clone)]
struct View {
    caller: Arc<Caller>,
    meter: Meter,
}

struct Inner {
    settings: ModelSettings,
    locals: Vec<Arc<dyn ChatModel>>,
    embedder: Option<Arc<dyn Embedder>>,
    remotes: BTreeMap<String, Arc<dyn ChatModel>>,
    /// By the names that models report.
    prices: BTreeMap<String, Arc<Priced>>,
    remote_embedders: BTreeMap<String, Arc<dyn Embedder>>,
}

impl ModelRegistry {
    /// Builds the registry; `locals` in order of preference: the first is the default where the settings name none.
    ///
    /// # Errors
    /// When hosts are bound and no connection could be made at all (no trusted certificates on this machine), or a
    /// cassette can't be opened.
    pub fn new(
        settings: ModelSettings,
        locals: Vec<Arc<dyn ChatModel>>,
        embedder: Option<Arc<dyn Embedder>>,
    ) -> Result<Self, TransportError> {
        let tape = Tape::open(&settings)?;
        let locals = tape.around_locals(locals, &names_on_hosts(&settings));
        let mut remotes: BTreeMap<String, Arc<dyn ChatModel>> = BTreeMap::new();
        let mut remote_embedders: BTreeMap<String, Arc<dyn Embedder>> = BTreeMap::new();
        let mut prices: BTreeMap<String, Arc<Priced>> = BTreeMap::new();
        for local in &locals {
            let name = local.identity().name.clone();
            prices.insert(name.clone(), Arc::new(price_of_local(&settings.prices, &name)));
        }
        for binding in &settings.bindings {
            let Some(host) = &binding.host else { continue };
            let transport = Transport::new(&host.limits, &settings.proxy)?;
            let mut identity = remote_identity(binding, host);
            if binding.embedding.is_some() {
                identity = embedder_identity(identity, binding, host);
            }
            let priced = price_of_binding(&settings, binding, host, &identity);
            prices.insert(identity.name.clone(), Arc::new(priced));
            if let Some(embedding) = &binding.embedding {
                let embedder = RemoteEmbedder::new(identity, host.clone(), embedding.clone(), transport)?;
                remote_embedders.insert(binding.name.clone(), tape.around_embedder(Arc::new(embedder)));
                continue;
            }
            let model = RemoteModel::new(identity, host.clone(), transport)?;
            remotes.insert(binding.name.clone(), tape.around(Arc::new(model)));
        }
        let on_hosts = remote_embedders.values();
        let on_hosts: Vec<String> = on_hosts
            .map(|embedder| embedder.identity().name.clone())
            .collect();
        let embedder = tape.around_local_embedder(embedder, &on_hosts);
        let inner = Inner {
            settings,
            locals,
            embedder,
            remotes,
            remote_embedders,
            prices,
        };
        let view = View {
            caller: Arc::new(Caller::program("program")),
            meter: Meter::default(),
        };
        Ok(Self(Arc::new(inner), view))
    }

    /// The same registry with a meter.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        let Self(inner, view) = self;
        Self(inner, View { meter, ..view })
    }

    /// The same models, asked on behalf of a caller.
    #[must_use]
    pub fn on_behalf_of(&self, caller: &Caller) -> Self {
        let view = View {
            caller: Arc::new(caller.clone()),
            meter: self.1.meter.clone(),
        };
        Self(self.0.clone(), view)
    }

    /// What counts, limits and measures the models.
    pub fn meter(&self) -> &Meter {
        &self.1.meter
    }

    /// The price of a model by the name that it reports, or why there is none.
    pub fn price(&self, model: &str) -> Arc<Priced> {
        let known = self.0.prices.get(model).cloned();
        known.unwrap_or_else(|| Arc::new(price_of_local(&self.0.settings.prices, model)))
    }

    /// Puts the meter around a model; the account is the name's that it serves.
    pub(crate) fn metered(&self, resolved: ResolvedModel) -> ResolvedModel {
        let of = self.account(&resolved.requested, resolved.model.identity(), resolved.served);
        let model = MeteredModel::new(
            resolved.model,
            self.1.meter.clone(),
            of,
            resolved.capabilities.clone(),
        );
        ResolvedModel {
            model: Arc::new(model),
            ..resolved
        }
    }

    fn account(&self, requested: &str, identity: &ModelIdentity, served: Served) -> Of {
        let card = find_card(requested);
        Of {
            caller: self.1.caller.clone(),
            requested: card.map_or(requested, |card| &card.api_name).to_owned(),
            model: identity.name.clone(),
            provider: identity.provider.clone(),
            served: served.as_str(),
            priced: self.price(&identity.name),
        }
    }

    /// The model of a name; `None` asks for the default.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn resolve(&self, requested: Option<&str>) -> Result<ResolvedModel, ResolveError> {
        self.resolve_unmetered(requested)
            .map(|resolved| self.metered(resolved))
    }

    /// As [`ModelRegistry::resolve`], for whoever puts the meter around it later.
    pub(crate) fn resolve_unmetered(&self, requested: Option<&str>) -> Result<ResolvedModel, ResolveError> {
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
        if let Some(bound) = self.bound_embedder(&requested, card) {
            return Ok(bound);
        }
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
        let of = self.account(&requested, embedder.identity(), served);
        let embedder = Arc::new(MeteredEmbedder::new(embedder, self.1.meter.clone(), of));
        Ok(ResolvedEmbedder {
            requested,
            card,
            embedder,
            served,
        })
    }

    /// The embedder of a host that is bound to the name.
    fn bound_embedder(&self, requested: &str, card: Option<&'static ModelCard>) -> Option<ResolvedEmbedder> {
        let binding = find_binding(&self.0.settings.bindings, requested)?;
        let embedder = self.0.remote_embedders.get(&binding.name)?.clone();
        let served = host_relation(binding, binding.host.as_ref()?, card);
        let of = self.account(requested, embedder.identity(), served);
        Some(ResolvedEmbedder {
            requested: requested.to_owned(),
            card,
            embedder: Arc::new(MeteredEmbedder::new(embedder, self.1.meter.clone(), of)),
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
            .filter(|b| b.card.is_none() && b.wildcard().is_none() && b.embedding.is_none());
        let of_cards = cards().iter().filter(|card| card.purpose == Purpose::Chat);
        let embedders = self.0.remote_embedders.keys().cloned();
        locals
            .chain(own.map(|binding| binding.name.clone()))
            .chain(of_cards.map(|card| card.api_name.clone()))
            .map(|name| {
                let resolved = self.resolve(Some(&name));
                let served = resolved.map(|resolved| (resolved.served, resolved.model.identity().clone()));
                ModelRow {
                    card: find_card(&name),
                    ends: self.notice(&name),
                    name,
                    served,
                }
            })
            .chain(embedders.map(|name| self.embedder_row(name)))
            .collect()
    }

    /// The end of a binding's model, where it has come.
    fn end(&self, binding: &Binding) -> Option<End> {
        let end = lifecycle::end_of(binding, binding.host.as_ref()?)?;
        end.has_come(self.1.meter.today()).then_some(end)
    }

    /// What a person should know about the end of the model that is bound to a name.
    fn notice(&self, name: &str) -> Option<String> {
        let binding = find_binding(&self.0.settings.bindings, name)?;
        let end = lifecycle::end_of(binding, binding.host.as_ref()?)?;
        end.notice(self.1.meter.today(), binding.successor.as_deref())
    }

    fn embedder_row(&self, name: String) -> ModelRow {
        let resolved = self.resolve_embedder(Some(&name));
        ModelRow {
            card: find_card(&name),
            ends: self.notice(&name),
            name,
            served: resolved.map(|resolved| (resolved.served, resolved.embedder.identity().clone())),
        }
    }

    fn resolve_default(&self, depth: u8) -> Result<ResolvedModel, ResolveError> {
        match (&self.0.settings.default, self.0.locals.first()) {
            (Some(name), _) => self.resolve_name(name, depth),
            (None, Some(local)) => Ok(self.local(local)),
            (None, None) => match self.0.settings.bindings.iter().find(|b| is_chat(b)) {
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
        let bound = find_binding(&self.0.settings.bindings, name);
        let embeds = bound.is_some_and(|binding| binding.embedding.is_some());
        if embeds || card.is_some_and(|card| card.purpose == Purpose::Embedding) {
            return Err(ResolveError::WrongPurpose {
                name: name.to_owned(),
                wanted: Purpose::Chat,
            });
        }
        let denied = self.0.settings.stand_in == StandIn::Deny;
        match (bound, card) {
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
        let end = self.end(binding);
        let gone = end.as_ref().filter(|_| binding.successor.is_some());
        let serving = self.0.remotes.get(&binding.name).filter(|_| gone.is_none());
        let mut resolved = match (&binding.host, serving) {
            (Some(host), Some(model)) => ResolvedModel {
                moved: None,
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
                let notice = gone.and_then(|end| end.notice(self.1.meter.today(), Some(successor)));
                next.moved = notice.map(|notice| format!("{name}: {notice}")).or(next.moved);
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
            moved: None,
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

/// The names that models on hosts report.
fn names_on_hosts(settings: &ModelSettings) -> Vec<String> {
    let bound = settings.bindings.iter();
    let hosts = bound.filter_map(|binding| Some((binding, binding.host.as_ref()?)));
    hosts
        .map(|(binding, host)| remote_identity(binding, host).name)
        .collect()
}

/// Whether the binding names one chat model.
fn is_chat(binding: &Binding) -> bool {
    binding.wildcard().is_none() && binding.embedding.is_none()
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

/// By the binding's name or the one that answers report; in the list, by the host's own words for the model.
fn price_of_binding(
    settings: &ModelSettings,
    binding: &Binding,
    host: &Host,
    identity: &ModelIdentity,
) -> Priced {
    let of_card = binding.card.map(|card| card.host_models.as_slice());
    let models: Vec<&str> = match &host.model {
        Some(model) => vec![model.as_str()],
        None => of_card.unwrap_or_default().iter().map(String::as_str).collect(),
    };
    price_on_host(
        &settings.prices,
        &[&binding.name, &identity.name],
        identity,
        &models,
    )
}

fn kind_of(name: &str, card: Option<&ModelCard>) -> ParameterKind {
    card.map(|card| card.parameter_kind)
        .or_else(|| ParameterKind::of_name(name))
        .unwrap_or(ParameterKind::Openai)
}

/// Kept vectors are told apart by this name, so it is that of the model, not of the binding.
fn embedder_identity(identity: ModelIdentity, binding: &Binding, host: &Host) -> ModelIdentity {
    let is_card_s_own = binding.card.is_some() && is_own(binding, binding.card);
    match host.model.as_deref().filter(|_| !is_card_s_own) {
        Some(model) => ModelIdentity {
            name: other_name(host, model),
            ..identity
        },
        None => identity,
    }
}

/// A name made of provider and model.
fn other_name(host: &Host, model: &str) -> String {
    format!(
        "{}__{}",
        normalised(&host.provider),
        normalised(&model.replace('/', "_"))
    )
}

/// The card's name only where the host runs the card's own model; else a name made of provider and model.
fn remote_identity(binding: &Binding, host: &Host) -> ModelIdentity {
    let other_model = host.model.as_deref().filter(|_| {
        binding.wildcard().is_some() || (binding.card.is_some() && !is_own(binding, binding.card))
    });
    let name = other_model.map_or_else(|| binding.name.clone(), |model| other_name(host, model));
    ModelIdentity {
        name,
        provider: host.provider.clone(),
        context_window: host.capabilities.context_window,
        max_output_tokens: host.capabilities.max_output_tokens,
        images: host.capabilities.images,
        scores_choices: false,
        json_schema: host.capabilities.json_schema != JsonSchemaSupport::None,
        tools: host.capabilities.tools,
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;

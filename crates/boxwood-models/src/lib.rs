//! Model cards, bindings, the wire protocol of model hosts, and the local models that can be pulled.
//!
//! Architecture invariant: a *card* is what a name promises, a *binding* is what serves it, and the two never mix: the
//! identity of a [`ResolvedModel`] is always that of what really answers. A family of models is stated by card or
//! binding, never guessed from a deployment's name. Only `transport.rs` opens a connection.
//!
//! * [`mod@cards`]: Box's list of models, one table
//! * [`capability`]: what each family accepts, one table
//! * [`settings`]: the `[models]` part of `boxwood.toml`, checked as a whole
//! * [`meter`]: tokens, money, budgets and speeds of every use of a model
//! * [`registry`], [`resolved`]: name → model that answers
//! * [`retirement`]: when hosts retire models
//! * [`mod@catalog`], [`pull`]: local models and how they come onto the machine
//!
//! Inside: `cassette` (record and replay), `o200k` (tokens of OpenAI's models), `host` (kinds of hosts, URLs), `protocol` (pure encode and decode, one module per wire protocol),
//! `authenticate` (keys, tokens), `remote` (the `ChatModel` over all of them, with retries, limits and deadlines),
//! `transport`.

mod authenticate;
pub mod capability;
pub mod cards;
mod cassette;
pub mod catalog;
mod config_reader;
mod credential;
pub mod host;
mod lifecycle;
pub mod meter;
mod o200k;
mod protocol;
pub mod pull;
pub mod registry;
mod remote;
pub mod resolved;
pub mod retirement;
mod retry;
pub mod settings;
mod settings_cloud;
mod settings_embedding;
mod settings_entra;
mod settings_host;
mod tokens;
mod transport;

pub use capability::{Capabilities, Family, Parameter};
pub use cards::{CardStatus, ModelCard, ParameterKind, Purpose, cards, find_card, nearest_names};
pub use catalog::{CatalogModel, CatalogPurpose, catalog, default_chat_model, find_local};
pub use config_reader::SettingError;
pub use meter::{Meter, UsageSink};
pub use o200k::count as count_o200k_tokens;
pub use pull::{PullError, PullOptions, PullProgress, PullStage};
pub use registry::ModelRegistry;
pub use resolved::{ModelRow, ModelWarning, ResolveError, ResolvedEmbedder, ResolvedModel, Served};
pub use settings::{ModelSettings, Proxy, RawModels, StandIn};
pub use transport::TransportError;

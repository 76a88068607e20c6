//! The `[models]` table of `boxwood.toml`: as written → as valid.
//!
//! Invariant: a [`ModelSettings`] holds only what can work: every URL joins, every named model is known, every key was
//! found, no successor leads back to itself. The checker reports every mistake with its TOML path. Made by the binary.

use crate::cards::{ModelCard, ParameterKind, Purpose, find_card, nearest_names};
use crate::config_reader::{SettingError, TableReader, clipped};
use crate::host::{Embedding, Host};
use crate::meter::{StatedPrice, read_price};
use crate::settings_embedding::read_embedding;
use crate::settings_host::{read_host, read_url};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// The `[models]` table as it was read; nothing is checked yet, and its values are never printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct RawModels(Map<String, Value>);

impl fmt::Debug for RawModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawModels")
            .field(&self.0.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Whether a local model may answer for a card that nothing else serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StandIn {
    /// The default model answers, and the answer says so.
    #[default]
    Allow,
    /// The request is refused.
    Deny,
}

/// Through which proxy hosts are reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// Directly, whatever the environment says.
    #[default]
    None,
    /// Through this one.
    Url(Url),
}

/// The valid `[models]` table.
#[derive(Debug, Clone, Default)]
pub struct ModelSettings {
    /// The model that answers where a request names none; `None`: the first local model.
    pub default: Option<String>,
    /// The embedding model; `None`: the local one.
    pub embedding: Option<String>,
    /// Whether unbound cards are served by the default model.
    pub stand_in: StandIn,
    /// What serves which name.
    pub bindings: Vec<Binding>,
    /// How hosts are reached.
    pub proxy: Proxy,
    /// A model hub to pull from when the Python packages fail; `None`: none is contacted.
    pub hub_url: Option<Url>,
    /// The cassette that traffic is recorded to.
    pub record: Option<PathBuf>,
    /// The cassette that is played back instead of asking models.
    pub replay: Option<PathBuf>,
    /// The cassette that is played back, and that models are asked and recorded for where it lacks a request.
    pub extend: Option<PathBuf>,
    /// Prices that the operator states; they win over the embedded list.
    pub prices: Vec<StatedPrice>,
}

/// What serves a name.
#[derive(Debug, Clone)]
pub struct Binding {
    /// A card's API name, a name of the user's own, or a pattern that ends in `*`.
    pub name: String,
    /// The card of the name.
    pub card: Option<&'static ModelCard>,
    /// The host; `None`: only the successor serves.
    pub host: Option<Host>,
    /// For an embedding model: how it is asked.
    pub embedding: Option<Embedding>,
    /// The name that serves when the host has retired the model, or when there is no host.
    pub successor: Option<String>,
    /// The name that serves when the host fails or is overloaded.
    pub fallback: Option<String>,
    /// The day from which the host does not serve the model, where it is another than the table's.
    pub retires_on: Option<NaiveDate>,
}

impl Binding {
    /// The pattern's fixed part where the name ends in `*`.
    pub fn wildcard(&self) -> Option<&str> {
        self.name.strip_suffix('*')
    }
}

impl RawModels {
    /// Checks everything. `environment` looks up a variable (keys are best kept there).
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn validate(
        self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ModelSettings, Vec<SettingError>> {
        let mut errors = Vec::new();
        let mut reader = TableReader::new("models".into(), self.0, &mut errors);
        let stand_in = reader.choice("stand_in", &[("allow", StandIn::Allow), ("deny", StandIn::Deny)]);
        let mut settings = ModelSettings {
            default: reader.string("default"),
            embedding: reader.string("embedding"),
            stand_in: stand_in.unwrap_or_default(),
            proxy: read_url(&mut reader, "proxy").map_or(Proxy::None, Proxy::Url),
            hub_url: read_url(&mut reader, "hub_url"),
            bindings: Vec::new(),
            prices: Vec::new(),
            record: reader.string("record").map(PathBuf::from),
            replay: reader.string("replay").map(PathBuf::from),
            extend: reader.string("extend").map(PathBuf::from),
        };
        if [&settings.record, &settings.replay, &settings.extend]
            .into_iter()
            .flatten()
            .count()
            > 1
        {
            reader.error(
                "replay",
                "only one of `record`, `replay` and `extend` can be set: a cassette is recorded, played back or extended",
            );
        }
        for (name, table) in reader.tables("prices") {
            let path = format!("models.prices.\"{}\"", clipped(&name));
            let nested = TableReader::new(path, table, reader.errors());
            settings.prices.extend(read_price(name, nested));
        }
        for (name, table) in reader.tables("bindings") {
            let path = format!("models.bindings.\"{}\"", clipped(&name));
            let nested = TableReader::new(path, table, reader.errors());
            if let Some(binding) = read_binding(name, nested, environment) {
                settings.bindings.push(binding);
            }
        }
        check_names(&settings, &mut reader);
        reader.finish();
        if errors.is_empty() {
            Ok(settings)
        } else {
            Err(errors)
        }
    }
}

fn read_binding(
    name: String,
    mut reader: TableReader<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<Binding> {
    let card = find_card(&name);
    let custom = reader.flag("custom").unwrap_or(false);
    check_binding_name(&mut reader, &name, card, custom);
    let purposes = [("chat", Purpose::Chat), ("embedding", Purpose::Embedding)];
    let purpose = reader.choice("purpose", &purposes);
    let purpose = card.map(|card| card.purpose).or(purpose).unwrap_or(Purpose::Chat);
    let successor = reader.string("successor");
    let fallback = reader.string("fallback");
    let retires_on = read_day(&mut reader, "retires_on");
    if purpose == Purpose::Embedding {
        check_no_others(&mut reader, successor.is_some() || fallback.is_some());
    }
    let mut embedding = None;
    let host = if reader.has("host") {
        let host = read_host(&name, card, purpose, &mut reader, environment);
        if purpose == Purpose::Embedding {
            embedding = read_embedding(host.as_ref(), card.is_some(), &mut reader);
        }
        host
    } else {
        if successor.is_none() {
            reader.error(
                "host",
                "is missing: name a host, or a `successor` that serves instead",
            );
        }
        if reader.has("base_url") {
            reader.error("base_url", "needs a `host` beside it, like \"azure_openai\"");
        }
        None
    };
    let has_no_server = host.is_none() && successor.is_none();
    reader.finish();
    let name = card.map_or(name, |card| card.api_name.clone());
    (!has_no_server).then_some(Binding {
        name,
        card,
        host,
        embedding,
        successor,
        fallback,
        retires_on,
    })
}

/// Vectors of two models can't be compared, so no other model may take over.
fn check_no_others(reader: &mut TableReader<'_>, has_others: bool) {
    if has_others {
        let message = "an embedding model has no `successor` and no `fallback`: vectors of two models can't be compared";
        reader.error("", message);
    }
}

fn read_day(reader: &mut TableReader<'_>, key: &'static str) -> Option<NaiveDate> {
    let text = reader.string(key)?;
    let day = text.parse().ok();
    if day.is_none() {
        reader.error(key, "must be a day like \"2027-10-16\"");
    }
    day
}

fn check_binding_name(reader: &mut TableReader<'_>, name: &str, card: Option<&ModelCard>, custom: bool) {
    if name.trim_end_matches('*').contains('*') || name.trim().is_empty() {
        reader.error("", "a name may have one `*`, at its end, and must not be empty");
    } else if card.is_none() && !custom && !name.ends_with('*') && ParameterKind::of_name(name).is_some() {
        let near = nearest_names(name);
        let hint = if near.is_empty() {
            String::new()
        } else {
            format!(" Near: {}.", near.join(", "))
        };
        reader.error(
            "",
            format!("is not one of Box's names; write `custom = true` if it is meant.{hint}"),
        );
    }
}

/// Names that point at other names: each must be known, and no chain may return to itself.
fn check_names(settings: &ModelSettings, reader: &mut TableReader<'_>) {
    if let Some(name) = &settings.embedding
        && !is_known_embedder(settings, name)
    {
        let message = format!(
            "names \"{}\", which is no embedding model of a card, binding or this machine",
            clipped(name)
        );
        reader.error("embedding", message);
    }
    for (key, name) in [("default", &settings.default)] {
        if let Some(name) = name
            && !is_known(settings, name)
        {
            reader.error(key, unknown_name(name));
        }
    }
    for (index, binding) in settings.bindings.iter().enumerate() {
        let path = |key: &str| format!("bindings.\"{}\".{key}", clipped(&binding.name));
        for (key, target) in [("successor", &binding.successor), ("fallback", &binding.fallback)] {
            let Some(target) = target else { continue };
            if !is_known(settings, target) {
                reader.error(&path(key), unknown_name(target));
            } else if returns_to(settings, target, &binding.name) {
                reader.error(&path(key), format!("leads back to {}", clipped(&binding.name)));
            }
        }
        if settings.bindings[..index]
            .iter()
            .any(|earlier| earlier.name == binding.name)
        {
            reader.error(
                &path("host"),
                "is a second binding of the same model under another spelling",
            );
        }
    }
}

fn unknown_name(name: &str) -> String {
    let near = nearest_names(name);
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!("; near: {}", near.join(", "))
    };
    format!(
        "names \"{}\", which is no card, no binding and no local model{hint}",
        clipped(name)
    )
}

fn is_known(settings: &ModelSettings, name: &str) -> bool {
    name.starts_with("boxwood__")
        || find_card(name).is_some_and(|card| card.purpose == Purpose::Chat)
        || find_binding(&settings.bindings, name).is_some_and(|binding| binding.embedding.is_none())
}

fn is_known_embedder(settings: &ModelSettings, name: &str) -> bool {
    name.starts_with("boxwood__")
        || find_card(name).is_some_and(|card| card.purpose == Purpose::Embedding)
        || find_binding(&settings.bindings, name).is_some_and(|binding| binding.embedding.is_some())
}

/// The binding of a name: the exact one, else the pattern with the longest fixed part.
pub(crate) fn find_binding<'a>(bindings: &'a [Binding], name: &str) -> Option<&'a Binding> {
    let canonical = find_card(name).map_or(name, |card| card.api_name.as_str());
    let exact = bindings.iter().find(|binding| binding.name == canonical);
    exact.or_else(|| {
        let fitting = bindings.iter().filter_map(|binding| {
            let fixed = binding.wildcard()?;
            canonical.starts_with(fixed).then_some((fixed.len(), binding))
        });
        fitting
            .max_by_key(|(length, _)| *length)
            .map(|(_, binding)| binding)
    })
}

fn returns_to(settings: &ModelSettings, from: &str, origin: &str) -> bool {
    let mut open = vec![from.to_owned()];
    let mut seen: Vec<String> = Vec::new();
    while let Some(name) = open.pop() {
        let Some(binding) = find_binding(&settings.bindings, &name) else {
            continue;
        };
        if binding.name == origin {
            return true;
        }
        if !seen.contains(&binding.name) {
            seen.push(binding.name.clone());
            open.extend(binding.successor.iter().chain(&binding.fallback).cloned());
        }
    }
    false
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;

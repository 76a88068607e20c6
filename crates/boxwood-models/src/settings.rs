//! The `[models]` table of `boxwood.toml`: as written → as valid.
//!
//! Invariant: a [`ModelSettings`] holds only what can work: every URL joins, every named model is known, every key was
//! found, no successor leads back to itself. The checker reports every mistake with its TOML path. Made by the binary.

use crate::capability::{Capabilities, Family, Parameter};
use crate::cards::{ModelCard, ParameterKind, Purpose, find_card, nearest_names};
use crate::config_reader::{SettingError, TableReader, clipped};
use crate::host::{Authentication, Host, HostKind, HostLimits, normalised_base};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;
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
    /// The name that serves when the host has retired the model, or when there is no host.
    pub successor: Option<String>,
    /// The name that serves when the host fails or is overloaded.
    pub fallback: Option<String>,
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
        };
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
    let successor = reader.string("successor");
    let fallback = reader.string("fallback");
    let host = if reader.has("host") {
        read_host(&name, card, &mut reader, environment)
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
        successor,
        fallback,
    })
}

fn check_binding_name(reader: &mut TableReader<'_>, name: &str, card: Option<&ModelCard>, custom: bool) {
    if name.trim_end_matches('*').contains('*') || name.trim().is_empty() {
        reader.error("", "a name may have one `*`, at its end, and must not be empty");
    } else if card.is_some_and(|card| card.purpose == Purpose::Embedding) {
        reader.error("", "is an embedding model; only chat models can be bound");
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

fn read_host(
    name: &str,
    card: Option<&'static ModelCard>,
    reader: &mut TableReader<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<Host> {
    let kinds = HostKind::TABLE.map(|(kind, row)| (row.name, kind));
    let kind = reader.choice("host", &kinds);
    let base_url = read_url(reader, "base_url");
    if base_url.is_none() && !reader.has_error("base_url") {
        reader.error(
            "base_url",
            "is missing: where is the host? Like \"https://NAME.openai.azure.com\"",
        );
    }
    let model = reader.string("model");
    let capabilities = read_capabilities(card, model.as_deref(), reader);
    let api_key = read_key(reader, environment);
    let ways = [
        ("api_key", Authentication::ApiKey),
        ("bearer", Authentication::Bearer),
    ];
    let authentication = reader.choice("authentication", &ways);
    let (api_version, deployment) = (reader.string("api_version"), reader.string("deployment"));
    let provider = reader.string("provider");
    let insecure = reader.flag("insecure_http").unwrap_or(false);
    let limits = read_limits(reader);
    let (kind, base_url) = (kind?, base_url?);
    let host = Host {
        kind,
        base_url: normalised_base(kind, base_url),
        api_version,
        deployment,
        model,
        provider: provider.unwrap_or_else(|| kind.row().provider.to_owned()),
        authentication: authentication.unwrap_or(kind.row().authentication),
        api_key,
        capabilities: capabilities?,
        limits,
    };
    check_host(&host, name.ends_with('*'), insecure, reader);
    Some(host)
}

fn check_host(host: &Host, wildcard: bool, insecure: bool, reader: &mut TableReader<'_>) {
    let row = host.kind.row();
    if row.needs_deployment && host.deployment.is_none() {
        reader.error(
            "deployment",
            format!("is missing: {} addresses a model by its deployment", row.name),
        );
    }
    if !row.needs_deployment && host.deployment.is_some() {
        reader.error(
            "deployment",
            format!("has no meaning for {}: use `model`", row.name),
        );
    }
    if row.needs_api_version && host.api_version.is_none() {
        reader.error(
            "api_version",
            "is missing: like \"2025-04-01-preview\", or use host \"azure_openai\"",
        );
    }
    if host.model.is_none() && (!row.needs_deployment || wildcard) {
        reader.error(
            "model",
            "is missing: which model answers there, in the host's own words?",
        );
    }
    if row.needs_key && host.api_key.is_none() && !reader.has_error("api_key") {
        let message = format!(
            "is missing: {} wants a key; name the variable that holds it",
            row.name
        );
        reader.error("api_key_env", message);
    }
    let plain = host.base_url.scheme() == "http" && !is_loopback(&host.base_url);
    if plain && host.api_key.is_some() && !insecure {
        reader.error(
            "base_url",
            "would send the key unencrypted: use https, or write `insecure_http = true`",
        );
    }
    if let Err(error) = host.chat_url() {
        reader.error("base_url", format!("makes no request URL: {error}"));
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The family comes from the binding, or from the card when the card's own model is bound; never from a name.
fn read_capabilities(
    card: Option<&'static ModelCard>,
    model: Option<&str>,
    reader: &mut TableReader<'_>,
) -> Option<Capabilities> {
    let families = Family::TABLE.map(|(family, rules)| (rules.name, family));
    let was_written = reader.has("family");
    let written = reader.choice("family", &families);
    let own_model = card.is_some_and(|card| model.is_none_or(|model| card.is_host_model(model)));
    let of_card = card.and_then(|card| card.family).filter(|_| own_model);
    let also_refused = read_refused(reader);
    let context_window = reader.number("context_window", 256..=100_000_000);
    let max_output = reader.number("max_output_tokens", 16..=10_000_000);
    let images = reader.flag("images");
    let reserve = reader.number("reasoning_reserve", 0..=1_000_000);
    if let (Some(written), Some(of_card), None) = (written, of_card, model)
        && written != of_card
    {
        let (written, own) = (written.rules().name, of_card.rules().name);
        reader.error("family", format!("is \"{written}\", but the card's own model is of \"{own}\": say with `model` which other model answers there"));
    }
    let Some(family) = written.or(of_card) else {
        if !was_written {
            let names: Vec<_> = families.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            reader.error(
                "family",
                format!(
                    "is missing; it is never guessed from a name: one of {}",
                    names.join(", ")
                ),
            );
        }
        return None;
    };
    let mut capabilities = Capabilities::of_family(family);
    if let Some(card) = card.filter(|_| own_model) {
        capabilities.context_window = card.input_context_window.unwrap_or(capabilities.context_window);
        capabilities.max_output_tokens = card.max_output_tokens.unwrap_or(capabilities.max_output_tokens);
    }
    let number = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
    capabilities.context_window = number(context_window).unwrap_or(capabilities.context_window);
    capabilities.max_output_tokens = number(max_output).unwrap_or_else(|| {
        capabilities
            .max_output_tokens
            .min(capabilities.context_window / 2)
    });
    capabilities.images = images.unwrap_or(capabilities.images);
    capabilities.reasoning_reserve = number(reserve);
    capabilities.also_refused = also_refused;
    if capabilities.max_output_tokens > capabilities.context_window {
        reader.error("max_output_tokens", "is more than `context_window`");
    }
    Some(capabilities)
}

fn read_refused(reader: &mut TableReader<'_>) -> Vec<Parameter> {
    let mut refused = Vec::new();
    for name in reader.strings("unsupported") {
        match Parameter::ALL.iter().find(|parameter| parameter.as_str() == name) {
            Some(parameter) => refused.push(*parameter),
            None => {
                let names = Parameter::ALL.map(Parameter::as_str).join(", ");
                reader.error(
                    "unsupported",
                    format!("holds \"{}\", but knows only {names}", clipped(&name)),
                );
            }
        }
    }
    refused
}

fn read_key(
    reader: &mut TableReader<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<SecretString> {
    let direct = reader.string("api_key");
    let variable = reader.string("api_key_env");
    let (key, place) = match (direct, variable) {
        (Some(_), Some(_)) => {
            reader.error("api_key", "and `api_key_env` are both given: keep one");
            return None;
        }
        (Some(key), None) => (key, "api_key"),
        (None, Some(variable)) => match environment(&variable).filter(|key| !key.trim().is_empty()) {
            Some(key) => (key, "api_key_env"),
            None => {
                reader.error(
                    "api_key_env",
                    format!("names the variable {}, which is not set", clipped(&variable)),
                );
                return None;
            }
        },
        (None, None) => return None,
    };
    let key = key.trim();
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        reader.error(place, "holds a character that no HTTP header may carry");
        return None;
    }
    Some(SecretString::from(key.to_owned()))
}

fn read_limits(reader: &mut TableReader<'_>) -> HostLimits {
    let usual = HostLimits::default();
    let count =
        |value: Option<u64>, usual: usize| value.and_then(|v| usize::try_from(v).ok()).unwrap_or(usual);
    let seconds = |value: Option<u64>, usual: Duration| value.map_or(usual, Duration::from_secs);
    HostLimits {
        max_concurrent: count(reader.number("max_concurrent", 1..=10_000), usual.max_concurrent),
        max_waiting: count(reader.number("max_waiting", 0..=100_000), usual.max_waiting),
        retries: reader
            .number("retries", 0..=10)
            .and_then(|v| u32::try_from(v).ok())
            .unwrap_or(usual.retries),
        deadline: seconds(reader.number("deadline_seconds", 1..=86_400), usual.deadline),
        connect: seconds(reader.number("connect_seconds", 1..=600), usual.connect),
        first_byte: seconds(reader.number("first_byte_seconds", 1..=86_400), usual.first_byte),
        idle: seconds(reader.number("idle_seconds", 1..=86_400), usual.idle),
    }
}

fn read_url(reader: &mut TableReader<'_>, key: &'static str) -> Option<Url> {
    let text = reader.string(key)?;
    let problem = match Url::parse(&text) {
        Err(error) => format!("is not a URL ({error}): write it like \"https://host/path\""),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            "must begin with https:// or http://".to_owned()
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "must not hold a user name or password".to_owned()
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            "must end with its path: no `?` and no `#`".to_owned()
        }
        Ok(url) => return Some(url),
    };
    reader.error(key, problem);
    None
}

/// Names that point at other names: each must be known, and no chain may return to itself.
fn check_names(settings: &ModelSettings, reader: &mut TableReader<'_>) {
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
        || find_binding(&settings.bindings, name).is_some()
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

//! The host part of a binding: as written → as valid.
//!
//! Invariant: a family is taken from the binding, or from the card where the card's own model is bound; nothing is ever
//! concluded from a name. Called by `settings.rs` only.

use crate::capability::{Capabilities, Family, JsonSchemaSupport, Parameter};
use crate::cards::{ModelCard, Purpose};
use crate::config_reader::{TableReader, clipped};
use crate::host::{
    Api, Authentication, Credential, Host, HostKind, HostLimits, PaceLimits, Summary, normalised_base,
};
use crate::protocol::protocol_of;
use crate::retirement::retirement_of;
use crate::settings_cloud;
use crate::settings_entra;
use secrecy::SecretString;
use std::time::Duration;
use url::Url;

pub(crate) fn read_host(
    name: &str,
    card: Option<&'static ModelCard>,
    purpose: Purpose,
    reader: &mut TableReader<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<Host> {
    let kinds = HostKind::TABLE.map(|(kind, row)| (row.name, kind));
    let kind = reader.choice("host", &kinds);
    let place = kind
        .map(|kind| settings_cloud::read_place(kind, reader))
        .unwrap_or_default();
    let written_url = read_url(reader, "base_url");
    let usual_url = || Url::parse(kind?.row().base_url?).ok();
    let may_be_left_out = !reader.has_error("base_url");
    let base_url = written_url
        .or_else(|| settings_cloud::own_url(kind?, &place))
        .or_else(|| usual_url().filter(|_| may_be_left_out));
    if base_url.is_none() && !kind.is_some_and(HostKind::is_cloud) && !reader.has_error("base_url") {
        reader.error(
            "base_url",
            "is missing: where is the host? Like \"https://NAME.openai.azure.com\"",
        );
    }
    let model = reader.string("model");
    let capabilities = if purpose == Purpose::Embedding {
        // An embedding model has none of them; it is never asked for a completion.
        Some(Capabilities::of_family(Family::Compatible))
    } else {
        read_capabilities(card, kind, model.as_deref(), reader)
    };
    let api_key = read_key(reader, environment);
    let ways = [
        ("api_key", Authentication::ApiKey),
        ("bearer", Authentication::Bearer),
        ("entra", Authentication::Entra),
        ("managed_identity", Authentication::ManagedIdentity),
        ("service_account", Authentication::ServiceAccount),
        ("metadata", Authentication::Metadata),
        ("sigv4", Authentication::SigV4),
    ];
    let authentication = reader.choice("authentication", &ways);
    let (api_version, deployment) = (reader.string("api_version"), reader.string("deployment"));
    let api = reader.choice("api", &Api::TABLE).unwrap_or_default();
    let reasoning_summary = reader.choice("reasoning_summary", &Summary::TABLE);
    let provider = reader.string("provider");
    let insecure = reader.flag("insecure_http").unwrap_or(false);
    let limits = read_limits(reader);
    let kind = kind?;
    let credential = if kind.is_cloud() {
        settings_cloud::read_credential(kind, api_key, authentication, reader, environment)
    } else {
        let way = authentication.unwrap_or(kind.row().authentication);
        read_credential(kind, way, api_key, reader, environment)
    };
    if kind.is_cloud() && base_url.is_none() {
        settings_cloud::check_place(kind, &place, reader);
    }
    let base_url = base_url?;
    let mut capabilities = capabilities?;
    capabilities.also_refused.extend(api.refused());
    let of_card = card.map_or(&[][..], |card| card.host_models.as_slice());
    let models = model.as_ref().map_or(of_card, std::slice::from_ref);
    let retirement = models.iter().find_map(|model| retirement_of(kind, model));
    let host = Host {
        kind,
        api,
        reasoning_summary,
        base_url: normalised_base(kind, base_url),
        api_version: api_version.or_else(|| settings_cloud::usual_version(kind)),
        deployment,
        model,
        provider: provider.unwrap_or_else(|| kind.row().provider.to_owned()),
        place,
        credential,
        capabilities,
        retirement,
        limits,
    };
    if purpose == Purpose::Chat {
        check_family(&host, reader);
    }
    check_host(&host, name.ends_with('*'), insecure, reader);
    Some(host)
}

/// What a host of the OpenAI dialect is proven with.
fn read_credential(
    kind: HostKind,
    way: Authentication,
    api_key: Option<SecretString>,
    reader: &mut TableReader<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Credential {
    let token = match way {
        Authentication::Entra if kind.is_azure() => settings_entra::read_client(reader, environment),
        Authentication::ManagedIdentity if kind.is_azure() => {
            settings_entra::read_identity(reader, environment)
        }
        Authentication::ApiKey | Authentication::Bearer => {
            return match (api_key, way) {
                (None, _) => Credential::None,
                (Some(key), Authentication::ApiKey) => Credential::ApiKey(key),
                (Some(key), _) => Credential::Bearer(key),
            };
        }
        _ => {
            let ways = if kind.is_azure() {
                "\"api_key\", \"bearer\", \"entra\" or \"managed_identity\""
            } else {
                "\"api_key\" or \"bearer\""
            };
            reader.error("authentication", format!("must be {ways} here"));
            None
        }
    };
    if token.is_some() && api_key.is_some() {
        reader.error(
            "api_key",
            "has no use beside tokens of Entra: keep one of the two",
        );
    }
    token.unwrap_or(Credential::None)
}

/// A family is asked in the language of its own hosts only.
fn check_family(host: &Host, reader: &mut TableReader<'_>) {
    let (family, kind) = (host.capabilities.family, host.kind);
    if !family.is_served_by(kind) {
        let fitting = Family::TABLE
            .iter()
            .filter(|(family, _)| family.is_served_by(kind));
        let names: Vec<_> = fitting.map(|(_, rules)| format!("\"{}\"", rules.name)).collect();
        let (name, kind) = (family.rules().name, kind.row().name);
        let message = format!(
            "is \"{name}\", which {kind} is not asked for: one of {}",
            names.join(", ")
        );
        reader.error("family", message);
    }
    if host.capabilities.json_schema == JsonSchemaSupport::Tool && kind != HostKind::Bedrock {
        reader.error("json_schema", "is \"tool\", which only bedrock knows");
    }
}

fn check_host(host: &Host, wildcard: bool, insecure: bool, reader: &mut TableReader<'_>) {
    let row = host.kind.row();
    if row.needs_deployment && host.deployment.is_none() {
        reader.error(
            "deployment",
            format!("is missing: {} addresses a model by its deployment", row.name),
        );
    }
    if !row.needs_deployment && host.deployment.is_some() && host.kind != HostKind::Watsonx {
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
    let is_deployment = row.needs_deployment || host.deployment.is_some();
    if host.model.is_none() && (!is_deployment || wildcard) {
        reader.error(
            "model",
            "is missing: which model answers there, in the host's own words?",
        );
    }
    if host.kind.is_cloud() {
        settings_cloud::check(host, reader);
    }
    let others = [
        "tenant_id",
        "client_id",
        "client_secret",
        "api_key",
        "access_key",
        "secret_access",
        "credentials",
        "authentication",
    ];
    let told = others.iter().any(|key| reader.has_error(key));
    if row.needs_key && !host.credential.is_secret() && !told {
        let message = format!(
            "is missing: {} wants a key; name the variable that holds it",
            row.name
        );
        reader.error("api_key_env", message);
    }
    if host.kind == HostKind::Ollama && host.capabilities.family == Family::SwitchedThinking {
        let message = "is \"switched_thinking\", but Ollama passes nothing on to the chat template: use \"compatible_thinking\"";
        reader.error("family", message);
    }
    if host.api == Api::Responses && host.kind.is_cloud() {
        reader.error("api", format!("has no meaning for {}", row.name));
    }
    if host.reasoning_summary.is_some() && host.api != Api::Responses {
        reader.error(
            "reasoning_summary",
            "needs `api = \"responses\"`: chat completions have none",
        );
    }
    let plain = host.base_url.scheme() == "http" && !is_loopback(&host.base_url);
    if plain && host.credential.is_secret() && !insecure {
        reader.error(
            "base_url",
            "would send the key unencrypted: use https, or write `insecure_http = true`",
        );
    }
    if let Err(error) = protocol_of(host).url(host) {
        reader.error("base_url", format!("makes no request URL: {error}"));
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
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
    kind: Option<HostKind>,
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
    let json_schema = reader.choice("json_schema", &JsonSchemaSupport::TABLE);
    let tools = reader.flag("tools");
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
    let of_server = kind.and_then(|kind| kind.row().json_schema);
    capabilities.json_schema = json_schema.or(of_server).unwrap_or(capabilities.json_schema);
    capabilities.tools = tools.unwrap_or(capabilities.tools);
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
        pace: read_pace(reader),
    }
}

fn read_pace(reader: &mut TableReader<'_>) -> PaceLimits {
    let usual = PaceLimits::default();
    let mut count = |key, range| {
        reader
            .number(key, range)
            .and_then(|value| u32::try_from(value).ok())
    };
    PaceLimits {
        requests_per_minute: count("requests_per_minute", 1..=10_000_000),
        tokens_per_minute: count("tokens_per_minute", 1..=4_000_000_000),
        breaker_failures: count("breaker_failures", 0..=1_000).unwrap_or(usual.breaker_failures),
        breaker_pause: count("breaker_seconds", 1..=300).map_or(usual.breaker_pause, |seconds| {
            Duration::from_secs(u64::from(seconds))
        }),
    }
}

pub(crate) fn read_url(reader: &mut TableReader<'_>, key: &'static str) -> Option<Url> {
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

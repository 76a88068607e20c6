//! Where a binding sends its requests: one row per kind of host, URLs, authentication, limits.
//!
//! Invariant: a vendor is a row here, not a type; which wire protocol it is asked in, `protocol::protocol_of` says.
//! Made by `settings.rs`, read by the protocols, `remote` and the transport.

pub use crate::credential::{AwsKeys, EntraClient, ManagedIdentity, ServiceAccount};
pub use crate::protocol::embeddings::EmbeddingDialect;

use crate::capability::{Capabilities, JsonSchemaSupport, Parameter, SchemaLimits};
use crate::retirement::Retirement;
use secrecy::SecretString;
use serde::Serialize;
use std::time::Duration;
use url::Url;

/// A kind of host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// Azure OpenAI, v1 API: `{base}/openai/v1/chat/completions`, the body's `model` is the deployment.
    AzureOpenai,
    /// Azure OpenAI, dated API: `{base}/openai/deployments/{deployment}/chat/completions?api-version=…`.
    AzureOpenaiDated,
    /// OpenAI itself.
    Openai,
    /// xAI.
    Xai,
    /// A vLLM server of one's own.
    Vllm,
    /// llama.cpp's server.
    LlamaServer,
    /// Ollama's compatible API.
    Ollama,
    /// Anything else that speaks the same dialect.
    OpenaiCompatible,
    /// Google's Gemini API with an API key.
    Gemini,
    /// Gemini on Google's Vertex AI.
    Vertex,
    /// AWS Bedrock, Converse.
    Bedrock,
    /// IBM watsonx, chat.
    Watsonx,
}

/// Which of a host's APIs is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Chat completions.
    #[default]
    ChatCompletions,
    /// OpenAI's Responses API; nothing is stored at the host.
    Responses,
}

impl Api {
    /// Every API with its name in `boxwood.toml`.
    pub const TABLE: [(&'static str, Self); 2] = [
        ("chat_completions", Self::ChatCompletions),
        ("responses", Self::Responses),
    ];

    /// Parameters that the API does not have, whatever the model.
    pub fn refused(self) -> &'static [Parameter] {
        match self {
            Self::ChatCompletions => &[],
            Self::Responses => &[
                Parameter::TopK,
                Parameter::FrequencyPenalty,
                Parameter::PresencePenalty,
                Parameter::Seed,
                Parameter::Stop,
            ],
        }
    }
}

/// How much of a summary of its thinking the Responses API is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    /// As the host sees fit.
    Auto,
    /// Short.
    Concise,
    /// Long.
    Detailed,
}

impl Summary {
    /// Every value with its name in `boxwood.toml` and on the wire.
    pub const TABLE: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("concise", Self::Concise),
        ("detailed", Self::Detailed),
    ];

    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Concise => "concise",
            Self::Detailed => "detailed",
        }
    }
}

/// How a binding proves who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// Header `api-key`.
    ApiKey,
    /// Header `Authorization: Bearer`.
    Bearer,
    /// A token of Entra ID for a client with a secret.
    Entra,
    /// A token of Entra ID for the identity of the machine or of the App Service.
    ManagedIdentity,
    /// A token of Google for a service account.
    ServiceAccount,
    /// A token of Google from the metadata server of a machine in its cloud.
    Metadata,
    /// AWS's Signature Version 4.
    #[serde(rename = "sigv4")]
    SigV4,
}

/// What a binding proves it with. Values are never printed.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing: a server of one's own without a key.
    None,
    /// A key in the header `api-key`.
    ApiKey(SecretString),
    /// A key in the header `Authorization: Bearer`.
    Bearer(SecretString),
    /// Tokens of Entra ID for a client with a secret.
    Entra(EntraClient),
    /// Tokens of Entra ID for the identity of the machine.
    ManagedIdentity(ManagedIdentity),
    /// A key in the header `x-goog-api-key`.
    GoogleKey(SecretString),
    /// A service account's private key.
    ServiceAccount(Box<ServiceAccount>),
    /// Whatever account the machine has, asked for at this URL.
    GoogleMetadata(Url),
    /// AWS's keys, for signatures.
    Aws(AwsKeys),
    /// An API key of IBM Cloud, handed to this token service.
    Ibm(SecretString, Url),
}

impl Credential {
    /// Whether anything secret travels with a request.
    pub fn is_secret(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// One row of the table of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostRow {
    /// As in `boxwood.toml`.
    pub name: &'static str,
    /// Reported in `ai_agent_info.models[].provider` unless the binding states another.
    pub provider: &'static str,
    /// How the key is sent unless the binding states another way.
    pub authentication: Authentication,
    /// Whether the host does not work without a key.
    pub needs_key: bool,
    /// Whether requests name a deployment.
    pub needs_deployment: bool,
    /// Whether requests name an API version.
    pub needs_api_version: bool,
    /// How large a schema it takes under `strict`.
    pub schema_limits: SchemaLimits,
    /// Where it is unless the binding says otherwise; `None`: everybody has their own.
    pub base_url: Option<&'static str>,
    /// How the server keeps to a schema where the family does not say.
    pub json_schema: Option<JsonSchemaSupport>,
}

/// As Microsoft states them for Azure; OpenAI has raised its own since.
const AZURE_SCHEMAS: SchemaLimits = SchemaLimits {
    properties: 100,
    levels: 5,
    enum_values: 500,
    characters: 15_000,
};
const OPENAI_SCHEMAS: SchemaLimits = SchemaLimits {
    properties: 5_000,
    levels: 10,
    enum_values: 1_000,
    characters: 120_000,
};

impl HostKind {
    /// Every kind with its row.
    pub const TABLE: [(HostKind, HostRow); 12] = [
        (
            HostKind::AzureOpenai,
            HostRow {
                needs_deployment: true,
                ..azure_row("azure_openai")
            },
        ),
        (
            HostKind::AzureOpenaiDated,
            HostRow {
                needs_deployment: true,
                needs_api_version: true,
                ..azure_row("azure_openai_dated")
            },
        ),
        (
            HostKind::Openai,
            HostRow {
                provider: "openai",
                authentication: Authentication::Bearer,
                schema_limits: OPENAI_SCHEMAS,
                base_url: Some("https://api.openai.com/v1"),
                ..azure_row("openai")
            },
        ),
        (
            HostKind::OpenaiCompatible,
            own_server_row("openai_compatible", "openai_compatible", None),
        ),
        (
            HostKind::Xai,
            HostRow {
                provider: "xai",
                authentication: Authentication::Bearer,
                schema_limits: OPENAI_SCHEMAS,
                base_url: Some("https://api.x.ai/v1"),
                ..azure_row("xai")
            },
        ),
        (
            HostKind::Gemini,
            cloud_row("gemini", "google", Authentication::ApiKey),
        ),
        (
            HostKind::Vertex,
            cloud_row("vertex", "google", Authentication::ServiceAccount),
        ),
        (
            HostKind::Bedrock,
            cloud_row("bedrock", "aws", Authentication::SigV4),
        ),
        (
            HostKind::Watsonx,
            cloud_row("watsonx", "ibm", Authentication::ApiKey),
        ),
        (
            HostKind::Vllm,
            own_server_row("vllm", "vllm", Some(JsonSchemaSupport::Full)),
        ),
        (
            HostKind::LlamaServer,
            own_server_row("llama_server", "llama_server", Some(JsonSchemaSupport::Full)),
        ),
        (
            HostKind::Ollama,
            own_server_row("ollama", "ollama", Some(JsonSchemaSupport::Full)),
        ),
    ];

    /// The kind's row.
    pub fn row(self) -> &'static HostRow {
        const ROWS: &[(HostKind, HostRow)] = &HostKind::TABLE;
        let row = ROWS.iter().find(|(kind, _)| *kind == self);
        // The table is exhaustive (tested), so the fallback row is never taken.
        row.map_or(&ROWS[3].1, |(_, row)| row)
    }

    /// Whether the host is Azure.
    pub fn is_azure(self) -> bool {
        matches!(self, Self::AzureOpenai | Self::AzureOpenaiDated)
    }

    /// Whether the host is a cloud with a language of its own: its URL follows from its region.
    pub fn is_cloud(self) -> bool {
        matches!(self, Self::Gemini | Self::Vertex | Self::Bedrock | Self::Watsonx)
    }
}

const fn azure_row(name: &'static str) -> HostRow {
    HostRow {
        name,
        provider: "azure",
        authentication: Authentication::ApiKey,
        needs_key: true,
        needs_deployment: false,
        needs_api_version: false,
        schema_limits: AZURE_SCHEMAS,
        base_url: None,
        json_schema: None,
    }
}

/// A server that people run themselves, with a key or without.
const fn own_server_row(
    name: &'static str,
    provider: &'static str,
    json_schema: Option<JsonSchemaSupport>,
) -> HostRow {
    HostRow {
        provider,
        authentication: Authentication::Bearer,
        needs_key: false,
        schema_limits: OPENAI_SCHEMAS,
        json_schema,
        ..azure_row(name)
    }
}

/// How often a host is asked, and when it is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaceLimits {
    /// Requests in a minute; `None`: no limit.
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute, as hosts count them: the prompt's and all that may be written; `None`: no limit.
    pub tokens_per_minute: Option<u32>,
    /// Failures in a row after which the host is left alone for a while; 0: never.
    pub breaker_failures: u32,
    /// For how long at first; twice as long after each further failure, up to five minutes.
    pub breaker_pause: Duration,
}

impl Default for PaceLimits {
    fn default() -> Self {
        Self {
            requests_per_minute: None,
            tokens_per_minute: None,
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(30),
        }
    }
}

const fn cloud_row(name: &'static str, provider: &'static str, authentication: Authentication) -> HostRow {
    HostRow {
        provider,
        authentication,
        schema_limits: OPENAI_SCHEMAS,
        ..azure_row(name)
    }
}

/// How an embedding model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// The language of its requests.
    pub dialect: EmbeddingDialect,
    /// Length of every vector.
    pub dimensions: usize,
    /// The model can give vectors of several lengths and is told this one.
    pub shortened: bool,
    /// Texts in one request.
    pub batch: usize,
}

/// Where in a cloud a model is, and on whose account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The region (Vertex says location).
    pub region: Option<String>,
    /// The project (Vertex, watsonx).
    pub project: Option<String>,
    /// The deployment space (watsonx).
    pub space: Option<String>,
}

/// How much a host is asked at once, and for how long one waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLimits {
    /// Requests that run at the same time.
    pub max_concurrent: usize,
    /// Requests that may wait for a place; one more is refused as overloaded.
    pub max_waiting: usize,
    /// Tries after the first one.
    pub retries: u32,
    /// From the call to the last event, tries and waiting included.
    pub deadline: Duration,
    /// Opening the connection.
    pub connect: Duration,
    /// From the request to the first byte of the answer: reasoning models think first.
    pub first_byte: Duration,
    /// Between two pieces of a stream.
    pub idle: Duration,
    /// Limits per minute, and the breaker.
    pub pace: PaceLimits,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            max_concurrent: 8,
            max_waiting: 64,
            retries: 2,
            deadline: Duration::from_secs(600),
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(120),
            pace: PaceLimits::default(),
        }
    }
}

/// A host with everything that a request needs.
#[derive(Debug, Clone)]
pub struct Host {
    /// The kind.
    pub kind: HostKind,
    /// Which of its APIs.
    pub api: Api,
    /// The summary of its thinking that the Responses API is asked for.
    pub reasoning_summary: Option<Summary>,
    /// Where it is, without the fixed part of the path; its path ends in `/`.
    pub base_url: Url,
    /// For the dated Azure API; optional for the v1 API.
    pub api_version: Option<String>,
    /// Azure: the deployment's name. It tells nothing about the model.
    pub deployment: Option<String>,
    /// The model behind it, in the host's own words; `None`: the card's own model.
    pub model: Option<String>,
    /// Reported in `ai_agent_info.models[].provider`.
    pub provider: String,
    /// Where in a cloud it is.
    pub place: Place,
    /// What proves who asks; never printed.
    pub credential: Credential,
    /// What the model accepts.
    pub capabilities: Capabilities,
    /// When this host retires the model, where that is known.
    pub retirement: Option<&'static Retirement>,
    /// Concurrency, tries, waiting.
    pub limits: HostLimits,
}

impl Host {
    /// The body's `model`; `None` where the URL names the deployment.
    pub fn wire_model(&self) -> Option<&str> {
        match self.kind {
            HostKind::AzureOpenai => self.deployment.as_deref(),
            HostKind::AzureOpenaiDated => None,
            _ => self.model.as_deref(),
        }
    }
}

/// A base URL with the part of the path that people paste along taken off (Azure) or put on (`/v1`).
pub(crate) fn normalised_base(kind: HostKind, mut url: Url) -> Url {
    let mut path = url.path().trim_end_matches('/').to_owned();
    if kind.is_azure() {
        for ending in ["/chat/completions", "/responses", "/v1", "/openai"] {
            path.truncate(path.strip_suffix(ending).unwrap_or(&path).len());
        }
    } else if !kind.is_cloud() {
        for ending in ["/chat/completions", "/responses"] {
            path.truncate(path.strip_suffix(ending).unwrap_or(&path).len());
        }
        if path.is_empty() {
            path.push_str("/v1");
        }
    }
    path.push('/');
    url.set_path(&path);
    url
}

/// A host as the tests of this crate need one; its key is `top-secret`.
#[cfg(test)]
pub(crate) fn test_host(kind: HostKind, family: crate::capability::Family) -> Host {
    let base = Url::parse("https://r.example").unwrap();
    Host {
        kind,
        api: Api::default(),
        reasoning_summary: None,
        base_url: normalised_base(kind, base),
        api_version: None,
        deployment: Some("prod".into()),
        model: Some("served-model".into()),
        provider: kind.row().provider.to_owned(),
        place: Place::default(),
        credential: Credential::ApiKey("top-secret".to_owned().into()),
        capabilities: Capabilities::of_family(family),
        retirement: None,
        limits: HostLimits::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Family;
    use crate::protocol::protocol_of;

    #[test]
    fn every_kind_has_its_own_row() {
        for (kind, row) in HostKind::TABLE {
            assert_eq!(kind.row(), &row);
            assert_eq!(
                serde_json::to_value(kind).unwrap(),
                serde_json::Value::from(row.name)
            );
        }
    }

    fn check(kind: HostKind, base: &str, version: Option<&str>, expected: &str) {
        let host = Host {
            base_url: normalised_base(kind, Url::parse(base).unwrap()),
            api_version: version.map(str::to_owned),
            deployment: Some("my o4/mini".into()),
            ..test_host(kind, Family::OSeries)
        };
        let url = protocol_of(&host).url(&host).unwrap();
        assert_eq!(url.as_str(), expected, "{base}");
        assert!(!format!("{host:?}").contains("top-secret"));
    }

    #[test]
    fn urls_come_out_right_from_what_people_paste() {
        use HostKind::{AzureOpenai, AzureOpenaiDated, OpenaiCompatible};
        let v1 = "https://r.example/openai/v1/chat/completions";
        for base in [
            "https://r.example",
            "https://r.example/",
            "https://r.example/openai/v1/",
            "https://r.example/openai/v1",
        ] {
            check(AzureOpenai, base, None, v1);
        }
        check(
            AzureOpenai,
            "https://r.example",
            Some("preview"),
            &format!("{v1}?api-version=preview"),
        );
        check(
            AzureOpenaiDated,
            "https://r.example/gateway/",
            Some("2025-04-01-preview"),
            "https://r.example/gateway/openai/deployments/my%20o4%2Fmini/chat/completions?api-version=2025-04-01-preview",
        );
        check(
            OpenaiCompatible,
            "http://127.0.0.1:8000",
            None,
            "http://127.0.0.1:8000/v1/chat/completions",
        );
        check(
            OpenaiCompatible,
            "http://h/api/v9",
            None,
            "http://h/api/v9/chat/completions",
        );
    }
}

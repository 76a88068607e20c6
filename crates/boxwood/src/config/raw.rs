//! The configuration as written: every value optional, nothing checked; and the one function that checks it.

use super::budgets::RawBudget;
use super::{
    Config, DEFAULT_HTTP, DEFAULT_HTTPS, EngineSettings, Identity, IngestSettings, KeepSettings, Overrides,
};
use boxwood_answer::AnswerConfig;
use boxwood_core::Effort;
use boxwood_ingest::{IngestLimits, OcrEngine};
use boxwood_models::RawModels;
use boxwood_server::ServerSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

/// All sections.
#[derive(Default)]
pub struct Raw {
    storage: RawStorage,
    server: RawServer,
    auth: Option<RawAuth>,
    models: RawModels,
    engine: RawEngine,
    answers: RawAnswers,
    ingest: RawIngest,
    log: RawLog,
    keep: RawKeep,
    budgets: BTreeMap<String, RawBudget>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStorage {
    data: Option<PathBuf>,
    cache: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeep {
    answer_days: Option<u32>,
    response_days: Option<u32>,
    event_days: Option<u32>,
    usage_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawServer {
    http: Option<String>,
    https: Option<String>,
    public_url: Option<String>,
    development: Option<bool>,
    access_token_minutes: Option<u64>,
    answer_time_limit_seconds: Option<u64>,
    repeat_grace_seconds: Option<u64>,
    stop_grace_seconds: Option<u64>,
    max_upload_mib: Option<u64>,
    max_questions: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAuth {
    client_id: Option<String>,
    client_secret_env: Option<String>,
    redirect_uris: Option<Vec<String>>,
    enterprise_name: Option<String>,
    admin_name: Option<String>,
    admin_login: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEngine {
    model: Option<String>,
    threads: Option<u32>,
    context_tokens: Option<u32>,
    sequences: Option<u32>,
    cache_tokens: Option<u32>,
    queue: Option<usize>,
    gpu_layers: Option<u32>,
    prefix_cache_mib: Option<u64>,
    idle_unload_minutes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAnswers {
    local_document_tokens: Option<u32>,
    max_citations: Option<usize>,
    abstain_below: Option<f32>,
    effort: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIngest {
    workers: Option<usize>,
    cpu_seconds: Option<u64>,
    wall_seconds: Option<u64>,
    memory_mib: Option<u64>,
    max_pages: Option<u32>,
    ocr: Option<String>,
    ocr_languages: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    json: Option<bool>,
}

impl Raw {
    /// Reads each section by itself, so that one wrong section does not hide the mistakes of the others.
    pub fn read(text: &str, mistakes: &mut Vec<String>) -> Self {
        let mut table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                mistakes.push(error.to_string());
                return Self::default();
            }
        };
        let raw = Self {
            storage: section(&mut table, "storage", mistakes),
            server: section(&mut table, "server", mistakes),
            auth: table
                .contains_key("auth")
                .then(|| section(&mut table, "auth", mistakes)),
            models: section(&mut table, "models", mistakes),
            engine: section(&mut table, "engine", mistakes),
            answers: section(&mut table, "answers", mistakes),
            ingest: section(&mut table, "ingest", mistakes),
            log: section(&mut table, "log", mistakes),
            keep: section(&mut table, "keep", mistakes),
            budgets: section(&mut table, "budgets", mistakes),
        };
        mistakes.extend(table.keys().map(|key| format!("{key}: there is no such section")));
        raw
    }

    /// Fills in defaults and checks. `None` where a value without a default is missing.
    pub fn validate(self, overrides: &Overrides, mistakes: &mut Vec<String>) -> Option<Config> {
        let http = overrides
            .http
            .clone()
            .or(self.server.http.clone())
            .unwrap_or_else(|| DEFAULT_HTTP.to_owned());
        let https = overrides
            .https
            .clone()
            .or(self.server.https.clone())
            .unwrap_or_else(|| DEFAULT_HTTPS.to_owned());
        let http = address("server.http", &http, mistakes);
        let https = address("server.https", &https, mistakes);
        let environment = |name: &str| std::env::var(name).ok();
        let identity = self.auth.and_then(|auth| auth.validate(&environment, mistakes));
        let mut server = self.server.validate(&[http, https], identity.is_some(), mistakes);
        let keep = self.keep.validate(mistakes);
        server.keep_answers = !keep.answers.is_zero();
        let models = match self.models.validate(&environment) {
            Ok(models) => models,
            Err(errors) => {
                mistakes.extend(errors.iter().map(ToString::to_string));
                boxwood_models::ModelSettings::default()
            }
        };
        let budgets = self.budgets.into_iter();
        let budgets = budgets
            .filter_map(|(name, budget)| budget.validate(&name, mistakes))
            .collect();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let data = overrides
            .data
            .clone()
            .or(self.storage.data)
            .or_else(|| Some(home.as_ref()?.join(".local/share/boxwood")));
        let cache = overrides
            .cache
            .clone()
            .or(self.storage.cache)
            .or_else(|| Some(home?.join(".cache/boxwood")));
        let (Some(data), Some(cache)) = (data, cache) else {
            mistakes.push("storage: HOME is not set, so data and cache must be named".to_owned());
            return None;
        };
        Some(Config {
            data,
            cache,
            http,
            https,
            server,
            identity,
            models,
            budgets,
            engine: self.engine.validate(mistakes),
            answers: self.answers.validate(mistakes),
            ingest: self.ingest.validate(mistakes),
            json_logs: self.log.json.unwrap_or(false),
            keep,
        })
    }
}

fn section<T: DeserializeOwned + Default>(
    table: &mut toml::Table,
    name: &str,
    mistakes: &mut Vec<String>,
) -> T {
    let Some(value) = table.remove(name) else {
        return T::default();
    };
    value.try_into().unwrap_or_else(|error: toml::de::Error| {
        mistakes.push(format!("{name}: {}", error.message()));
        T::default()
    })
}

fn address(path: &str, text: &str, mistakes: &mut Vec<String>) -> Option<SocketAddr> {
    if text == "off" {
        return None;
    }
    text.parse()
        .map_err(|_| mistakes.push(format!("{path}: `{text}` is no address such as 127.0.0.1:8020")))
        .ok()
}

/// The value if it is in the range, else a mistake and the default.
fn within<T: PartialOrd + Display + Copy>(
    path: &str,
    value: Option<T>,
    default: T,
    range: (T, T),
    mistakes: &mut Vec<String>,
) -> T {
    match value {
        Some(value) if value < range.0 || value > range.1 => {
            mistakes.push(format!(
                "{path}: {value} is not between {} and {}",
                range.0, range.1
            ));
            default
        }
        Some(value) => value,
        None => default,
    }
}

impl RawKeep {
    fn validate(self, mistakes: &mut Vec<String>) -> KeepSettings {
        let days = within("keep.answer_days", self.answer_days, 30, (0, 36_500), mistakes);
        // A budget of a month is filled from what was used since its first day.
        let usage_days = within("keep.usage_days", self.usage_days, 400, (31, 36_500), mistakes);
        let response_days = within(
            "keep.response_days",
            self.response_days,
            30,
            (0, 36_500),
            mistakes,
        );
        let event_days = within("keep.event_days", self.event_days, 365, (1, 36_500), mistakes);
        KeepSettings {
            answers: chrono::Duration::days(i64::from(days)),
            responses: chrono::Duration::days(i64::from(response_days)),
            events: chrono::Duration::days(i64::from(event_days)),
            usage: chrono::Duration::days(i64::from(usage_days)),
        }
    }
}

impl RawServer {
    fn validate(
        self,
        addresses: &[Option<SocketAddr>; 2],
        has_identity: bool,
        mistakes: &mut Vec<String>,
    ) -> ServerSettings {
        let mut settings = ServerSettings {
            development: self.development.unwrap_or(!has_identity),
            ..ServerSettings::default()
        };
        let beyond = addresses
            .iter()
            .flatten()
            .find(|address| !address.ip().is_loopback());
        if let (true, Some(address)) = (settings.development, beyond) {
            mistakes.push(format!(
                "server.development: the development identity is for loopback only, and {address} is beyond it; set \
                 client_id and client_secret_env under [auth]"
            ));
        }
        if let Some(url) = self.public_url {
            match url.parse() {
                Ok(url) => settings.public_url = Some(url),
                Err(_) => mistakes.push(format!("server.public_url: `{url}` is no URL")),
            }
        }
        let minutes = within(
            "server.access_token_minutes",
            self.access_token_minutes,
            60,
            (1, 1_440),
            mistakes,
        );
        settings.access_token_lifetime = Duration::from_secs(minutes * 60);
        settings.answer_time_limit = self
            .answer_time_limit_seconds
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs);
        let grace = within(
            "server.repeat_grace_seconds",
            self.repeat_grace_seconds,
            15,
            (0, 600),
            mistakes,
        );
        settings.join_grace = Duration::from_secs(grace);
        let stop = within(
            "server.stop_grace_seconds",
            self.stop_grace_seconds,
            20,
            (0, 3_600),
            mistakes,
        );
        settings.stop_grace = Duration::from_secs(stop);
        let upload = within(
            "server.max_upload_mib",
            self.max_upload_mib,
            50 << 10,
            (1, 1 << 30),
            mistakes,
        );
        settings.limits.upload_bytes = upload * MIB;
        settings.limits.questions = within(
            "server.max_questions",
            self.max_questions,
            256,
            (1, 100_000),
            mistakes,
        );
        settings
    }
}

impl RawAuth {
    fn validate(
        self,
        environment: &dyn Fn(&str) -> Option<String>,
        mistakes: &mut Vec<String>,
    ) -> Option<Identity> {
        let secret = match &self.client_secret_env {
            Some(variable) => environment(variable)
                .filter(|secret| secret.len() >= 16)
                .ok_or_else(|| {
                    format!(
                        "auth.client_secret_env: the variable {variable} must hold at least 16 characters"
                    )
                }),
            None => {
                Err("auth.client_secret_env: name the environment variable that holds the secret".to_owned())
            }
        };
        let client_id = self
            .client_id
            .ok_or_else(|| "auth.client_id: name the OAuth client".to_owned());
        match (client_id, secret) {
            (Ok(client_id), Ok(secret)) => Some(Identity {
                client_id,
                client_secret: secret.into(),
                redirect_uris: self.redirect_uris.unwrap_or_default(),
                enterprise_name: self.enterprise_name.unwrap_or_else(|| "Boxwood".to_owned()),
                admin_name: self.admin_name.unwrap_or_else(|| "Administrator".to_owned()),
                admin_login: self.admin_login.unwrap_or_else(|| "admin@localhost".to_owned()),
            }),
            (client_id, secret) => {
                mistakes.extend(client_id.err());
                mistakes.extend(secret.err());
                None
            }
        }
    }
}

impl RawEngine {
    fn validate(self, mistakes: &mut Vec<String>) -> EngineSettings {
        if let Some(name) = self
            .model
            .as_deref()
            .filter(|name| boxwood_models::find_local(name).is_none())
        {
            mistakes.push(format!(
                "engine.model: `{name}` is not in the catalogue; `boxwood models` lists it"
            ));
        }
        let minutes = self.idle_unload_minutes.filter(|minutes| *minutes > 0);
        EngineSettings {
            model: self.model,
            threads: within("engine.threads", self.threads, 0, (0, 1_024), mistakes),
            context_tokens: within(
                "engine.context_tokens",
                self.context_tokens,
                8_192,
                (1_024, 1 << 20),
                mistakes,
            ),
            sequences: within("engine.sequences", self.sequences, 4, (1, 64), mistakes),
            cache_tokens: within(
                "engine.cache_tokens",
                self.cache_tokens,
                12_288,
                (1_024, 1 << 24),
                mistakes,
            ),
            queue: within("engine.queue", self.queue, 32, (1, 100_000), mistakes),
            gpu_layers: self.gpu_layers.unwrap_or(0),
            prefix_cache_bytes: self.prefix_cache_mib.unwrap_or(4_096) * MIB,
            idle_unload: minutes.map(|minutes| Duration::from_secs(minutes * 60)),
        }
    }
}

impl RawAnswers {
    fn validate(self, mistakes: &mut Vec<String>) -> AnswerConfig {
        let default = AnswerConfig::default();
        let tokens = self.local_document_tokens;
        let tokens = within(
            "answers.local_document_tokens",
            tokens,
            default.local_document_tokens,
            (128, 1 << 20),
            mistakes,
        );
        let below = within(
            "answers.abstain_below",
            self.abstain_below,
            default.abstain_below,
            (0.0, 1.0),
            mistakes,
        );
        let citations = within(
            "answers.max_citations",
            self.max_citations,
            default.max_citations,
            (1, 20),
            mistakes,
        );
        let effort = match self.effort.as_deref() {
            None => default.effort,
            Some("low") => Effort::Low,
            Some("medium") => Effort::Medium,
            Some("high") => Effort::High,
            Some(other) => {
                mistakes.push(format!(
                    "answers.effort: must be low, medium or high, not {other:?}"
                ));
                default.effort
            }
        };
        AnswerConfig {
            effort,
            local_document_tokens: tokens,
            max_citations: citations,
            abstain_below: below,
            ..default
        }
    }
}

impl RawIngest {
    fn validate(self, mistakes: &mut Vec<String>) -> IngestSettings {
        let default = IngestLimits::default();
        let ocr = match self.ocr.as_deref() {
            None | Some("auto") => OcrEngine::Auto,
            Some("pp-ocr") => OcrEngine::PpOcr,
            Some("tesseract") => OcrEngine::Tesseract,
            Some("off") => OcrEngine::Off,
            Some(other) => {
                mistakes.push(format!(
                    "ingest.ocr: `{other}` is none of auto, pp-ocr, tesseract, off"
                ));
                OcrEngine::Auto
            }
        };
        let memory = self.memory_mib.map(|mib| mib * MIB);
        IngestSettings {
            workers: within("ingest.workers", self.workers, 2, (1, 256), mistakes),
            limits: IngestLimits {
                cpu_seconds: within(
                    "ingest.cpu_seconds",
                    self.cpu_seconds,
                    default.cpu_seconds,
                    (1, 86_400),
                    mistakes,
                ),
                wall_seconds: within(
                    "ingest.wall_seconds",
                    self.wall_seconds,
                    default.wall_seconds,
                    (1, 86_400),
                    mistakes,
                ),
                memory_bytes: within(
                    "ingest.memory_mib",
                    memory,
                    default.memory_bytes,
                    (128 * MIB, 1 << 40),
                    mistakes,
                ),
                max_pages: within(
                    "ingest.max_pages",
                    self.max_pages,
                    default.max_pages,
                    (1, 1_000_000),
                    mistakes,
                ),
                ..default
            },
            ocr,
            ocr_languages: self.ocr_languages.unwrap_or_default(),
        }
    }
}

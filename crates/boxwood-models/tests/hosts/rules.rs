//! What each host refuses, the first mistake only, in its own words.

use crate::stub::KEY;
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

/// A host with the model behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// o4-mini, chat completions, v1.
    AzureChat,
    /// o4-mini, Responses, v1.
    AzureResponses,
    /// o4-mini, Responses, dated.
    AzureDatedResponses,
    /// o4-mini.
    OpenaiChat,
    /// o4-mini.
    OpenaiResponses,
    /// Grok with reasoning.
    Xai,
    /// gpt-oss.
    Vllm,
    /// A model that thinks.
    LlamaServer,
    /// A model that thinks.
    Ollama,
}

impl Dialect {
    pub const ALL: [Self; 9] = [
        Self::AzureChat,
        Self::AzureResponses,
        Self::AzureDatedResponses,
        Self::OpenaiChat,
        Self::OpenaiResponses,
        Self::Xai,
        Self::Vllm,
        Self::LlamaServer,
        Self::Ollama,
    ];

    pub fn is_responses(self) -> bool {
        matches!(
            self,
            Self::AzureResponses | Self::AzureDatedResponses | Self::OpenaiResponses
        )
    }

    fn is_azure(self) -> bool {
        matches!(
            self,
            Self::AzureChat | Self::AzureResponses | Self::AzureDatedResponses
        )
    }

    fn path(self) -> &'static str {
        match self {
            Self::AzureChat => "/openai/v1/chat/completions",
            Self::AzureResponses => "/openai/v1/responses",
            Self::AzureDatedResponses => "/openai/responses?api-version=2025-04-01-preview",
            Self::OpenaiResponses => "/v1/responses",
            _ => "/v1/chat/completions",
        }
    }

    /// The name that requests must give the model.
    pub fn model(self) -> &'static str {
        match self {
            _ if self.is_azure() => "prod",
            Self::OpenaiChat | Self::OpenaiResponses => "o4-mini",
            Self::Xai => "grok-4",
            Self::Vllm => "openai/gpt-oss-20b",
            Self::LlamaServer => "default",
            _ => "qwen3:8b",
        }
    }

    /// The binding's settings, without its address.
    pub fn binding(self) -> &'static str {
        match self {
            Self::AzureChat => "host = \"azure_openai\"\ndeployment = \"prod\"\nfamily = \"o_series\"",
            Self::AzureResponses => {
                "host = \"azure_openai\"\ndeployment = \"prod\"\nfamily = \"o_series\"\napi = \"responses\"\nreasoning_summary = \"auto\""
            }
            Self::AzureDatedResponses => {
                "host = \"azure_openai_dated\"\ndeployment = \"prod\"\nfamily = \"o_series\"\napi = \"responses\"\napi_version = \"2025-04-01-preview\""
            }
            Self::OpenaiChat => "host = \"openai\"\nmodel = \"o4-mini\"\nfamily = \"o_series\"",
            Self::OpenaiResponses => {
                "host = \"openai\"\nmodel = \"o4-mini\"\nfamily = \"o_series\"\napi = \"responses\"\nreasoning_summary = \"detailed\""
            }
            Self::Xai => "host = \"xai\"\nmodel = \"grok-4\"\nfamily = \"grok_reasoning\"",
            Self::Vllm => "host = \"vllm\"\nmodel = \"openai/gpt-oss-20b\"\nfamily = \"gpt_oss\"",
            Self::LlamaServer => {
                "host = \"llama_server\"\nmodel = \"default\"\nfamily = \"switched_thinking\"\nimages = true\ntools = true"
            }
            Self::Ollama => {
                "host = \"ollama\"\nmodel = \"qwen3:8b\"\nfamily = \"compatible_thinking\"\nimages = true\ntools = true"
            }
        }
    }
}

type Refusal = (u16, Value);

/// Why the host does not answer this request.
pub fn refusal(dialect: Dialect, uri: &Uri, headers: &HeaderMap, body: &Value) -> Option<Refusal> {
    if uri.path_and_query().map(ToString::to_string).as_deref() != Some(dialect.path()) {
        let body = if dialect.is_azure() {
            json!({"error": {"code": "404", "message": "Resource not found"}})
        } else {
            json!({"detail": "Not Found"})
        };
        return Some((404, body));
    }
    key(dialect, headers)
        .or_else(|| model(dialect, body))
        .or_else(|| match dialect {
            _ if dialect.is_responses() => responses_body(body),
            Dialect::AzureChat | Dialect::OpenaiChat => o_series_chat(body),
            Dialect::Xai => grok(body),
            _ => compatible(dialect, body),
        })
}

fn key(dialect: Dialect, headers: &HeaderMap) -> Option<Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if dialect.is_azure() {
        if header("authorization").is_some() && header("api-key").is_some() {
            return Some((400, json!({"error": {"code": "400", "message": "two proofs"}})));
        }
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let good = header("api-key") == Some(KEY) || bearer.is_some_and(|token| token.starts_with("entra-"));
        let message = "Access denied due to invalid subscription key or wrong API endpoint.";
        return (!good).then(|| (401, json!({"error": {"code": "401", "message": message}})));
    }
    let good = header("authorization") == Some(&format!("Bearer {KEY}"));
    let refused = match dialect {
        // Neither asks for a key unless it was started with one.
        Dialect::Ollama => return None,
        Dialect::LlamaServer => {
            json!({"error": {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}})
        }
        Dialect::Vllm => json!({"error": "Unauthorized"}),
        Dialect::Xai => {
            json!({"code": "The caller does not have permission to execute the specified operation", "error": "Incorrect API key provided"})
        }
        _ => {
            json!({"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}})
        }
    };
    (!good).then_some((401, refused))
}

fn model(dialect: Dialect, body: &Value) -> Option<Refusal> {
    if body["model"] == dialect.model() || dialect == Dialect::LlamaServer {
        return None;
    }
    let name = body["model"].as_str().unwrap_or_default();
    let refused = match dialect {
        _ if dialect.is_azure() => {
            json!({"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}})
        }
        Dialect::Vllm => {
            json!({"error": {"message": format!("The model `{name}` does not exist."), "type": "NotFoundError", "param": "model", "code": 404}})
        }
        Dialect::Ollama => {
            json!({"error": {"message": format!("model '{name}' not found"), "type": "not_found_error", "param": null, "code": null}})
        }
        Dialect::Xai => {
            json!({"code": "Some requested entity was not found", "error": format!("The model {name} does not exist or your team does not have access to it.")})
        }
        _ => {
            json!({"error": {"message": format!("The model `{name}` does not exist or you do not have access to it."), "type": "invalid_request_error", "param": null, "code": "model_not_found"}})
        }
    };
    Some((404, refused))
}

fn invalid(message: String, parameter: Option<&str>, code: Option<&str>) -> Option<Refusal> {
    let error =
        json!({"message": message, "type": "invalid_request_error", "param": parameter, "code": code});
    Some((400, json!({"error": error})))
}

fn unsupported(name: &str, code: Option<&str>) -> Option<Refusal> {
    let message = format!("Unsupported parameter: '{name}' is not supported with this model.");
    invalid(message, Some(name), code)
}

fn unknown(name: &str) -> Option<Refusal> {
    invalid(
        format!("Unrecognized request argument supplied: {name}"),
        None,
        None,
    )
}

/// What o4-mini refuses in chat completions.
fn o_series_chat(body: &Value) -> Option<Refusal> {
    for (name, value) in body.as_object()? {
        let refused = match name.as_str() {
            "model" | "messages" | "stream" | "stream_options" | "tools" | "tool_choice"
            | "response_format" => None,
            "max_completion_tokens" if in_range(value, 1) => None,
            "reasoning_effort" if is_effort(value) => None,
            "temperature" if value.as_f64() == Some(1.0) => None,
            "temperature" => invalid(
                format!(
                    "Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is supported."
                ),
                Some(name),
                Some("unsupported_value"),
            ),
            "max_tokens"
            | "top_p"
            | "stop"
            | "logit_bias"
            | "parallel_tool_calls"
            | "presence_penalty"
            | "frequency_penalty"
            | "logprobs"
            | "top_logprobs" => unsupported(name, Some("unsupported_parameter")),
            "max_completion_tokens" | "reasoning_effort" => invalid(
                format!("Invalid value: {value}"),
                Some(name),
                Some("invalid_value"),
            ),
            _ => unknown(name),
        };
        if refused.is_some() {
            return refused;
        }
    }
    chat_messages(body, &["developer", "user", "assistant", "tool"])
}

fn in_range(value: &Value, least: u64) -> bool {
    value
        .as_u64()
        .is_some_and(|tokens| (least..=100_000).contains(&tokens))
}

fn is_effort(value: &Value) -> bool {
    matches!(value.as_str(), Some("low" | "medium" | "high"))
}

/// Roles, and that every result of a tool follows its call.
fn chat_messages(body: &Value, roles: &[&str]) -> Option<Refusal> {
    let messages = body["messages"]
        .as_array()
        .filter(|messages| !messages.is_empty());
    let Some(messages) = messages else {
        return invalid("Invalid 'messages'.".into(), Some("messages"), None);
    };
    let mut called: Vec<&str> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        if !roles.contains(&role) {
            return invalid(
                format!("Invalid value: '{role}'."),
                Some("messages"),
                Some("invalid_value"),
            );
        }
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        called.extend(calls.filter_map(|call| call["id"].as_str()));
        let result_of = message["tool_call_id"].as_str();
        if role == "tool" && !result_of.is_some_and(|id| called.contains(&id)) {
            let message =
                "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
            return invalid(message.into(), Some("messages"), None);
        }
    }
    None
}

/// What o4-mini refuses in the Responses API; the code is null there.
fn responses_body(body: &Value) -> Option<Refusal> {
    for (name, value) in body.as_object()? {
        let refused = match name.as_str() {
            "model" | "input" | "stream" | "store" | "tools" | "tool_choice" | "text" => None,
            "max_output_tokens" if in_range(value, 16) => None,
            "max_output_tokens" => invalid(
                "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.".into(),
                Some(name),
                Some("integer_below_min_value"),
            ),
            "reasoning" if value.get("effort").is_none_or(is_effort) => None,
            "temperature" | "top_p" | "parallel_tool_calls" | "top_logprobs" => unsupported(name, None),
            _ => invalid(
                format!("Unknown parameter: '{name}'."),
                Some(name),
                Some("unknown_parameter"),
            ),
        };
        if refused.is_some() {
            return refused;
        }
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    if tools.into_iter().any(|tool| tool["name"].is_null()) {
        return invalid(
            "Missing required parameter: 'tools[0].name'.".into(),
            Some("tools[0].name"),
            None,
        );
    }
    let items = body["input"].as_array().into_iter().flatten();
    for item in items {
        let known = match item["type"].as_str() {
            Some("message") => matches!(item["role"].as_str(), Some("developer" | "user" | "assistant")),
            Some("function_call") => item["call_id"].is_string() && item["arguments"].is_string(),
            Some("function_call_output") => item["call_id"].is_string() && item["output"].is_string(),
            _ => false,
        };
        if !known {
            return invalid("Invalid 'input'.".into(), Some("input"), None);
        }
    }
    None
}

/// What Grok with reasoning refuses; xAI's errors have their own shape.
fn grok(body: &Value) -> Option<Refusal> {
    let refused = ["stop", "presence_penalty", "frequency_penalty", "top_k"];
    let found = refused.iter().find(|name| body.get(**name).is_some())?;
    let message = format!("Model grok-4 does not support parameter {found}.");
    Some((
        400,
        json!({"code": "Client specified an invalid argument", "error": message}),
    ))
}

/// What servers of one's own refuse.
fn compatible(dialect: Dialect, body: &Value) -> Option<Refusal> {
    let bad = |message: &str| {
        let kind = if dialect == Dialect::Vllm {
            "BadRequestError"
        } else {
            "invalid_request_error"
        };
        Some((
            400,
            json!({"error": {"message": message, "type": kind, "param": null, "code": 400}}),
        ))
    };
    // Chat templates of local models do not know the role.
    let messages = body["messages"].as_array()?;
    if messages.iter().any(|message| message["role"] == "developer") {
        return bad("Unexpected message role.");
    }
    if body.get("max_tokens").and_then(Value::as_u64).is_none() {
        return bad("max_tokens is missing: the answer would have no end");
    }
    if dialect != Dialect::Ollama && body.get("think").is_some() {
        return bad("unknown argument think");
    }
    None
}

//! How hosts are asked for vectors: one row of [`EmbeddingDialect`], a body for a batch of texts, vectors out of a reply.
//!
//! Invariants: pure; as many vectors as texts, in their order, each of the length that the binding states, or an error:
//! a vector of another text would be found for the wrong question. Refusals are read as those of chat are. Used by
//! `remote/embedder.rs`.

use super::{bedrock, gemini, host_failed, watsonx};
use crate::host::{Embedding, Host, HostKind};
use boxwood_core::ModelError;
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::{ParseError, Url};

/// A way of asking for vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingDialect {
    /// `POST …/embeddings` as OpenAI, Azure, vLLM, llama-server and Ollama answer it.
    Openai,
    /// `batchEmbedContents` of the Gemini API.
    Gemini,
    /// `predict` of Vertex AI.
    Vertex,
    /// Amazon's Titan models on Bedrock: one text a request.
    Titan,
    /// Cohere's models on Bedrock.
    Cohere,
    /// `text/embeddings` of watsonx.
    Watsonx,
}

impl EmbeddingDialect {
    /// Every dialect: its name in `boxwood.toml`, and the most texts that one request may hold.
    pub const TABLE: [(&'static str, Self, usize); 6] = [
        ("openai", Self::Openai, 256),
        ("gemini", Self::Gemini, 100),
        // The newest model there takes one; older ones up to 250, which a binding may say.
        ("vertex", Self::Vertex, 1),
        ("titan", Self::Titan, 1),
        ("cohere", Self::Cohere, 96),
        ("watsonx", Self::Watsonx, 500),
    ];

    /// The dialect of a kind of host; `None` on Bedrock, where the model decides.
    pub fn of_host(kind: HostKind) -> Option<Self> {
        match kind {
            HostKind::Gemini => Some(Self::Gemini),
            HostKind::Vertex => Some(Self::Vertex),
            HostKind::Bedrock => None,
            HostKind::Watsonx => Some(Self::Watsonx),
            _ => Some(Self::Openai),
        }
    }

    /// The most texts that one request may hold.
    pub fn most_texts(self) -> usize {
        let row = Self::TABLE.iter().find(|(_, dialect, _)| *dialect == self);
        row.map_or(1, |(_, _, most)| *most)
    }

    /// Whether a host of this kind is asked so.
    pub fn fits(self, kind: HostKind) -> bool {
        match Self::of_host(kind) {
            Some(own) => own == self,
            None => matches!(self, Self::Titan | Self::Cohere),
        }
    }
}

/// Where requests go.
///
/// # Errors
/// When the parts make no URL; asked for when the settings are read, so that later calls can't fail.
pub(crate) fn url(host: &Host, embedding: &Embedding) -> Result<Url, ParseError> {
    match embedding.dialect {
        EmbeddingDialect::Openai => super::openai_url(host, "embeddings"),
        EmbeddingDialect::Gemini => gemini::model_url(host, "batchEmbedContents"),
        EmbeddingDialect::Vertex => gemini::model_url(host, "predict"),
        EmbeddingDialect::Titan | EmbeddingDialect::Cohere => bedrock::model_url(host, "invoke"),
        EmbeddingDialect::Watsonx => watsonx::service_url(host, &["text", "embeddings"]),
    }
}

/// The body for a batch of at most [`EmbeddingDialect::most_texts`] texts.
pub(crate) fn body(host: &Host, embedding: &Embedding, texts: &[String]) -> Value {
    // Models that have one length only refuse to be told it.
    let asked = embedding.shortened.then_some(embedding.dimensions);
    match embedding.dialect {
        EmbeddingDialect::Openai => {
            let mut body = Map::new();
            if let Some(model) = host.wire_model() {
                body.insert("model".into(), json!(model));
            }
            body.insert("input".into(), json!(texts));
            body.insert("encoding_format".into(), json!("float"));
            body.extend(asked.map(|length| ("dimensions".to_owned(), json!(length))));
            Value::Object(body)
        }
        EmbeddingDialect::Gemini => {
            let name = host
                .model
                .as_deref()
                .unwrap_or_default()
                .trim_start_matches("models/");
            let request = |text: &String| {
                let mut request =
                    json!({"model": format!("models/{name}"), "content": {"parts": [{"text": text}]}});
                if let Some(length) = asked {
                    request["outputDimensionality"] = json!(length);
                }
                request
            };
            json!({"requests": texts.iter().map(request).collect::<Vec<_>>()})
        }
        EmbeddingDialect::Vertex => {
            let instances: Vec<Value> = texts.iter().map(|text| json!({"content": text})).collect();
            // A text that is too long is refused instead of being cut without a word.
            let mut parameters = json!({"autoTruncate": false});
            if let Some(length) = asked {
                parameters["outputDimensionality"] = json!(length);
            }
            json!({"instances": instances, "parameters": parameters})
        }
        EmbeddingDialect::Titan => {
            let mut body = json!({"inputText": texts.first()});
            if let Some(length) = asked {
                body["dimensions"] = json!(length);
                body["normalize"] = json!(true);
            }
            body
        }
        EmbeddingDialect::Cohere => {
            let mut body = json!({"texts": texts, "input_type": "search_document", "truncate": "NONE"});
            if let Some(length) = asked {
                body["output_dimension"] = json!(length);
                body["embedding_types"] = json!(["float"]);
            }
            body
        }
        EmbeddingDialect::Watsonx => {
            let mut body = watsonx::address(host);
            body.insert("inputs".into(), json!(texts));
            Value::Object(body)
        }
    }
}

/// The vectors of a reply, made to length one.
///
/// # Errors
/// When they are not as many as the texts, of another length than the binding states, or no numbers.
pub(crate) fn read(
    model: &str,
    embedding: &Embedding,
    texts: usize,
    body: &[u8],
) -> Result<Vec<Vec<f32>>, ModelError> {
    let failed = |what: &str| host_failed(model, what);
    let reply: Value = serde_json::from_slice(body).map_err(|_| failed("sent a reply that is no JSON"))?;
    let vectors = vectors(embedding.dialect, &reply).ok_or_else(|| failed("sent a reply without vectors"))?;
    if vectors.len() != texts {
        return Err(failed(&format!(
            "sent {} vectors for {texts} texts",
            vectors.len()
        )));
    }
    let read =
        |vector: &Value| unit_vector(vector).ok_or_else(|| failed("sent a vector that holds no numbers"));
    let vectors = vectors.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    match vectors.iter().find(|vector| vector.len() != embedding.dimensions) {
        Some(other) => Err(failed(&format!(
            "sent a vector of {} numbers, but `dimensions` of the binding is {}",
            other.len(),
            embedding.dimensions
        ))),
        None => Ok(vectors),
    }
}

/// The vectors in the order of the texts.
fn vectors(dialect: EmbeddingDialect, reply: &Value) -> Option<Vec<&Value>> {
    match dialect {
        EmbeddingDialect::Openai => {
            let mut items: Vec<&Value> = reply["data"].as_array()?.iter().collect();
            // The order is told, not promised.
            items.sort_by_key(|item| item["index"].as_u64().unwrap_or(u64::MAX));
            items.into_iter().map(|item| item.get("embedding")).collect()
        }
        EmbeddingDialect::Gemini => each(&reply["embeddings"], "/values"),
        EmbeddingDialect::Vertex => each(&reply["predictions"], "/embeddings/values"),
        EmbeddingDialect::Titan => Some(vec![reply.get("embedding")?]),
        EmbeddingDialect::Cohere => match &reply["embeddings"] {
            Value::Array(vectors) => Some(vectors.iter().collect()),
            by_kind => each(&by_kind["float"], ""),
        },
        EmbeddingDialect::Watsonx => each(&reply["results"], "/embedding"),
    }
}

fn each<'a>(list: &'a Value, pointer: &str) -> Option<Vec<&'a Value>> {
    list.as_array()?
        .iter()
        .map(|item| item.pointer(pointer))
        .collect()
}

fn unit_vector(vector: &Value) -> Option<Vec<f32>> {
    let numbers: Vec<f64> = vector
        .as_array()?
        .iter()
        .map(Value::as_f64)
        .collect::<Option<_>>()?;
    let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
    if !length.is_finite() || length <= 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "vectors are kept with 32 bits a number"
    )]
    let narrowed = numbers.iter().map(|number| (number / length) as f32).collect();
    Some(narrowed)
}

#[cfg(test)]
#[path = "embeddings_tests.rs"]
mod tests;

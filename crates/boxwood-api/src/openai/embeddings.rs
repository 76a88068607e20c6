//! The embeddings operation in and out.
//!
//! Called by `boxwood-server/src/compat/embeddings.rs`.

use super::error::OpenAiError;
use super::fields::{Endpoint, Fields, wrong_type};
use base64::Engine;
use serde_json::{Value, json};

/// As the hosts bound it.
const MOST_TEXTS: usize = 2_048;

/// Texts to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingsRequest {
    /// The texts, at least one, none empty.
    pub input: Vec<String>,
    /// Whether vectors come as base64 of little-endian single-precision numbers.
    pub base64: bool,
    /// The length of vectors that was asked for.
    pub dimensions: Option<u32>,
}

impl EmbeddingsRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(body: &Value) -> Result<Self, OpenAiError> {
        const FORMATS: [(&str, bool); 2] = [("float", false), ("base64", true)];
        let mut fields = Fields::of(body, "", Endpoint::Chat)?;
        // `input_type` is of Azure's other embedding models.
        fields.pass_over(&["model", "user", "input_type"]);
        let input = read_input(fields.required("input")?)?;
        let base64 = fields.word("encoding_format", &FORMATS)?.unwrap_or(false);
        let dimensions = fields.tokens("dimensions", 1)?;
        fields.close()?;
        Ok(Self {
            input,
            base64,
            dimensions,
        })
    }
}

fn read_input(value: &Value) -> Result<Vec<String>, OpenAiError> {
    let wrong = || wrong_type("input", "one of a string or array of strings", value);
    let texts: Vec<String> = match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(entries) if entries.iter().any(|entry| entry.is_number() || entry.is_array()) => {
            return Err(OpenAiError::not_served(
                "input",
                "Tokens are not taken here, since they are those of another model. Send texts (LangChain: check_embedding_ctx_length=False).",
            ));
        }
        Value::Array(entries) => {
            let texts = entries
                .iter()
                .map(|entry| entry.as_str().map(str::to_owned).ok_or_else(wrong));
            texts.collect::<Result<_, _>>()?
        }
        _ => return Err(wrong()),
    };
    if texts.is_empty() || texts.len() > MOST_TEXTS {
        let message = format!(
            "Invalid 'input': between 1 and {MOST_TEXTS} texts are expected, not {}.",
            texts.len()
        );
        return Err(OpenAiError::invalid("input", Some("invalid_value"), message));
    }
    match texts.iter().position(String::is_empty) {
        Some(index) => {
            let message = "Invalid 'input': input cannot be an empty string.";
            Err(OpenAiError::invalid(
                format!("input[{index}]"),
                Some("invalid_value"),
                message,
            ))
        }
        None => Ok(texts),
    }
}

/// The body of an answer.
pub fn embeddings(model: &str, vectors: &[Vec<f32>], as_base64: bool, tokens: u64, boxwood: Value) -> Value {
    let data = vectors.iter().enumerate().map(|(index, vector)| {
        let embedding = if as_base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    json!({
        "object": "list",
        "data": data.collect::<Vec<_>>(),
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "boxwood": boxwood,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_tokens_are_not() {
        let read = |input: Value| EmbeddingsRequest::read(&json!({"model": "m", "input": input}));
        assert_eq!(read(json!("a")).unwrap().input, ["a"]);
        assert_eq!(read(json!(["a", "b"])).unwrap().input.len(), 2);
        assert_eq!(
            read(json!([1, 2])).unwrap_err().code,
            Some("unsupported_parameter")
        );
        assert_eq!(read(json!([])).unwrap_err().param.as_deref(), Some("input"));
        assert_eq!(
            read(json!(["a", ""])).unwrap_err().param.as_deref(),
            Some("input[1]")
        );
    }

    #[test]
    fn base64_holds_the_numbers_as_they_are() {
        let body = embeddings("m", &[vec![1.0, -0.5]], true, 3, json!({}));
        let text = body["data"][0]["embedding"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        assert_eq!(bytes, [1.0f32.to_le_bytes(), (-0.5f32).to_le_bytes()].concat());
    }
}

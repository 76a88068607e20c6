//! The response object.
//!
//! Invariant: `status` follows from how the work ended, so that no unfinished response says `completed`.

use boxwood_core::{FinishReason, Usage};
use serde_json::{Map, Value, json};

/// What stays the same over a response's life.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// `resp_…`
    pub id: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// The name that was asked for.
    pub model: String,
    /// Whether it goes on without its client.
    pub background: bool,
    /// Whether it is kept.
    pub store: bool,
    /// What is told back about the request.
    pub echo: Map<String, Value>,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// It waits.
    Queued,
    /// It is worked on.
    InProgress,
    /// It is over.
    Finished {
        /// Why.
        finish: FinishReason,
        /// What it cost.
        usage: Usage,
    },
    /// It failed; the code and words of the failure.
    Failed {
        /// One of the API's words: `server_error`, `rate_limit_exceeded`.
        code: &'static str,
        /// Words.
        message: String,
    },
    /// Its client cancelled it.
    Cancelled,
}

impl Ending {
    /// The word of `status`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Finished {
                finish: FinishReason::Length | FinishReason::ContentFilter,
                ..
            } => "incomplete",
            Self::Finished { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Frame {
    /// The object with what was written so far.
    pub fn object(&self, ending: &Ending, output: &[Value], boxwood: Value) -> Value {
        let reason = match ending {
            Ending::Finished {
                finish: FinishReason::Length,
                ..
            } => Some("max_output_tokens"),
            Ending::Finished {
                finish: FinishReason::ContentFilter,
                ..
            } => Some("content_filter"),
            _ => None,
        };
        let error = match ending {
            Ending::Failed { code, message } => json!({"code": code, "message": message}),
            _ => Value::Null,
        };
        let usage = match ending {
            Ending::Finished { usage, .. } => usage_body(usage),
            _ => Value::Null,
        };
        let mut object = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": ending.status(),
            "background": self.background,
            "error": error,
            "incomplete_details": reason.map(|reason| json!({"reason": reason})),
            "model": self.model,
            "output": output,
            "store": self.store,
            "usage": usage,
            "boxwood": boxwood,
        });
        for (name, value) in &self.echo {
            object[name] = value.clone();
        }
        object
    }
}

fn usage_body(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": u64::from(usage.input_tokens) + u64::from(usage.output_tokens),
    })
}

/// Whether a kept object is over.
pub fn is_over(object: &Value) -> bool {
    !matches!(object["status"].as_str(), Some("queued" | "in_progress"))
}

/// A kept object whose work ended with the process that did it.
pub fn broken_off(mut object: Value) -> Value {
    object["status"] = "failed".into();
    object["error"] = json!({
        "code": "server_error",
        "message": "The server was stopped while it worked on this response. Ask again.",
    });
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_from_the_end() {
        let frame = Frame {
            id: "resp_1".into(),
            created_at: 1,
            model: "m".into(),
            background: false,
            store: true,
            echo: Map::new(),
        };
        let check = |finish, status: &str, details: Value| {
            let usage = Usage {
                input_tokens: 3,
                output_tokens: 4,
                ..Usage::default()
            };
            let object = frame.object(&Ending::Finished { finish, usage }, &[], json!({}));
            assert_eq!(
                (&object["status"], &object["incomplete_details"]),
                (&json!(status), &details)
            );
            assert_eq!(object["usage"]["total_tokens"], 7);
            assert!(is_over(&object));
        };
        check(FinishReason::Stop, "completed", Value::Null);
        check(FinishReason::ToolCalls, "completed", Value::Null);
        check(
            FinishReason::Length,
            "incomplete",
            json!({"reason": "max_output_tokens"}),
        );
        let running = frame.object(&Ending::InProgress, &[], json!({}));
        assert!(!is_over(&running));
        assert_eq!(broken_off(running)["status"], "failed");
    }
}

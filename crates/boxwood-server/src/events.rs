//! A running question as a stream of server-sent events: `progress`, `delta`, then `answer` or `error`.
//!
//! Invariants: the last event is exactly one `answer` (the body that the plain operation would give) or `error` (the
//! body of the error object); deltas joined together are the draft, which the answer may differ from. A quiet stream
//! sends a comment from time to time. Memory stays bounded: a slow reader gets larger deltas, not more of them.

use crate::join::{Outcome, RunState, Waiter};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use boxwood_answer::Progress;
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Turns the end of a question into the event's name and data.
pub type RenderEnd = Box<dyn Fn(&Outcome) -> (&'static str, Value) + Send>;

struct Events {
    waiter: Waiter,
    render: RenderEnd,
    heartbeat: Duration,
    seen_step: u64,
    sent_bytes: usize,
    ended: bool,
}

/// What is new since the last look.
struct News {
    text: String,
    outcome: Option<Arc<Outcome>>,
    step_number: u64,
    draft_bytes: usize,
}

/// The response.
pub fn respond(waiter: Waiter, heartbeat: Duration, render: RenderEnd) -> Response {
    let events = Events {
        waiter,
        render,
        heartbeat,
        seen_step: 0,
        sent_bytes: 0,
        ended: false,
    };
    let body = Body::from_stream(stream::unfold(events, |mut events| async move {
        let chunk = events.next_chunk().await?;
        Some((Ok::<_, Infallible>(Bytes::from(chunk)), events))
    }));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
    let mut response = (headers, body).into_response();
    // Asks nginx not to collect the events.
    response
        .headers_mut()
        .insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    response
}

impl Events {
    async fn next_chunk(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        loop {
            let (seen_step, sent_bytes) = (self.seen_step, self.sent_bytes);
            let news = self
                .waiter
                .look(|state| News::since(state, seen_step, sent_bytes));
            (self.seen_step, self.sent_bytes) = (news.step_number, news.draft_bytes);
            let mut text = news.text;
            if let Some(outcome) = news.outcome {
                self.ended = true;
                let (name, data) = (self.render)(&outcome);
                push_event(&mut text, name, &data);
            }
            if !text.is_empty() {
                return Some(text);
            }
            match tokio::time::timeout(self.heartbeat, self.waiter.changed()).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => return Some(": still working\n\n".to_owned()),
            }
        }
    }
}

impl News {
    fn since(state: &RunState, seen_step: u64, sent_bytes: usize) -> Self {
        let mut text = String::new();
        if let Some(step) = state.step.as_ref().filter(|_| state.step_number > seen_step) {
            push_event(&mut text, "progress", &step_data(step));
        }
        if let Some(new) = state.draft.get(sent_bytes..).filter(|new| !new.is_empty()) {
            push_event(&mut text, "delta", &json!({"text": new}));
        }
        Self {
            text,
            outcome: state.outcome.clone(),
            step_number: state.step_number,
            draft_bytes: state.draft.len(),
        }
    }
}

fn step_data(step: &Progress) -> Value {
    match step {
        Progress::Reading { done, total } => {
            json!({"step": "reading", "done": done, "total": total, "unit": "files"})
        }
        Progress::Searching => json!({"step": "searching"}),
        Progress::Prompt { done, total } => {
            json!({"step": "prompt", "done": done, "total": total, "unit": "tokens"})
        }
        Progress::Draft(_) => json!({"step": "writing"}),
        // What is thought stays here; that it is thought is progress.
        Progress::Thinking(_) => json!({"step": "thinking"}),
        Progress::Fields { done, total } => {
            json!({"step": "fields", "done": done, "total": total, "unit": "groups"})
        }
        Progress::Checking => json!({"step": "checking"}),
    }
}

/// JSON has no raw line breaks, so the data is always one line.
fn push_event(text: &mut String, name: &str, data: &Value) {
    text.push_str("event: ");
    text.push_str(name);
    text.push_str("\ndata: ");
    text.push_str(&data.to_string());
    text.push_str("\n\n");
}

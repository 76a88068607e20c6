//! `POST /responses`.

use super::super::background::Place;
use super::super::caller::{ModelCaller, model_name};
use super::super::chat::with_served_by;
use super::super::failure::{Failure, of_store};
use super::super::serving::{Serving, Wanted, registry};
use super::super::sse::{self, Feed};
use super::work::{INPUT, Step, Work, failed};
use crate::state::AppState;
use async_trait::async_trait;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use boxwood_api::openai::OpenAiError;
use boxwood_api::openai::responses::{Ending, Frame, ResponseRequest, Writer, input, object};
use boxwood_store::StoreError;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Responses that follow one another, at most.
const LONGEST_CHAIN: usize = 256;

/// Makes a response.
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: ModelCaller,
    body: Body,
) -> Result<Response, Failure> {
    let answered = answer(&state, &caller, body).await;
    answered.map_err(|error| caller.refuse(error))
}

async fn answer(state: &AppState, caller: &ModelCaller, body: Body) -> Result<Response, OpenAiError> {
    let body = caller.json(state, body).await?;
    let name = model_name(&body, None)?;
    let serving = Serving::of(&registry(state, caller), name)?;
    let read = ResponseRequest::read(&body, &serving.contract)?;
    let (stream, background) = (read.stream, read.background);
    let mut work = prepare(state, caller, name, serving, read).await?;
    if background {
        return in_background(work, stream).await;
    }
    work.start().await?;
    let served = work.model.clone();
    let response = if stream {
        let first = work.writer.begin(false);
        sse::respond(Events::new(work, first), state.settings.heartbeat)
    } else {
        Json(whole(work).await?).into_response()
    };
    Ok(with_served_by(response, &served))
}

async fn prepare(
    state: &AppState,
    caller: &ModelCaller,
    name: &str,
    serving: Serving,
    read: ResponseRequest,
) -> Result<Work, OpenAiError> {
    if read.logprobs && serving.model.capabilities.is_some() {
        let message =
            "The host of this model tells no probabilities. Leave 'message.output_text.logprobs' out.";
        return Err(OpenAiError::not_served("include", message));
    }
    let ids = Arc::clone(&state.ids);
    let mut new_id = move |prefix: &str| format!("{prefix}_{}", ids.hex(24));
    let items = match &read.input {
        Some(given) => {
            check_seals(state, caller, given)?;
            input::read(given, &mut new_id)?
        }
        None => Vec::new(),
    };
    let mut all = earlier(state, caller, read.previous.as_deref()).await?;
    all.extend(items.iter().cloned());
    let messages = input::conversation(read.instructions.as_deref(), &all)?;
    if serving.contract.openai {
        read.format.check_mention(&messages, INPUT, "text.format")?;
    }
    let mut warnings = read.warnings;
    let wanted = Wanted {
        messages,
        tools: read.tools,
        tool_choice: read.tool_choice,
        parallel_tool_calls: read.parallel_tool_calls,
        format: read.format,
        sampling: read.sampling,
        stop: Vec::new(),
        effort: read.effort,
        max_output_tokens: read.max_output_tokens,
        is_single: !read.logprobs,
        effort_name: "reasoning.effort",
        limit_name: "max_output_tokens",
        input_name: INPUT,
    };
    let prepared = serving.request(wanted, caller, &mut warnings).await?;
    let frame = Frame {
        id: new_id("resp"),
        created_at: state.clock.now().timestamp(),
        model: name.to_owned(),
        background: read.background,
        store: read.store,
        echo: read.echo,
    };
    let mut writer = Writer::new(frame, read.summary, read.logprobs, Box::new(new_id));
    if read.sealed {
        let (seals, user) = (Arc::clone(state.seals()), caller.principal.user_id.clone());
        writer = writer.sealing(Box::new(move |item| seals.seal(&user, item).ok()));
    }
    Ok(Work {
        state: state.clone(),
        caller: caller.clone(),
        model: serving.model,
        prepared,
        writer,
        warnings,
        items,
        previous: read.previous,
        store: read.store,
        is_kept: false,
        calls: 0,
        run: None,
        thought: None,
    })
}

/// Refuses reasoning items whose seal is none of this server's for this user. Items without a seal are taken.
fn check_seals(state: &AppState, caller: &ModelCaller, input: &Value) -> Result<(), OpenAiError> {
    let items = input.as_array().into_iter().flatten();
    for item in items.filter(|item| item["type"] == "reasoning") {
        let Some(seal) = item["encrypted_content"].as_str() else {
            continue;
        };
        let id = item["id"].as_str();
        if !state.seals().is_of(seal, &caller.principal.user_id, id) {
            return Err(not_verified(seal));
        }
    }
    Ok(())
}

fn not_verified(seal: &str) -> OpenAiError {
    let head: String = seal.chars().take(4).collect();
    let tail: String = seal
        .chars()
        .skip(seal.chars().count().saturating_sub(4))
        .collect();
    let message = format!("The encrypted content {head}...{tail} could not be verified.");
    OpenAiError::failure(
        400,
        "invalid_request_error",
        Some("invalid_encrypted_content"),
        message,
    )
}

/// Input and output of the responses that this one continues.
async fn earlier(
    state: &AppState,
    caller: &ModelCaller,
    previous: Option<&str>,
) -> Result<Vec<Value>, OpenAiError> {
    let Some(id) = previous else {
        return Ok(Vec::new());
    };
    let chain = state
        .store
        .response_chain(&caller.principal, id, LONGEST_CHAIN)
        .await
        .map_err(|error| match error {
            StoreError::NotFound { id, .. } => gone(&id),
            error => of_store(error),
        })?;
    if chain.iter().any(|response| !object::is_over(&response.object)) {
        let message = format!("Previous response with id '{id}' is not complete yet.");
        return Err(OpenAiError::invalid("previous_response_id", None, message));
    }
    let mut items = Vec::new();
    for response in chain {
        for part in [&response.input, &response.object["output"]] {
            items.extend(part.as_array().into_iter().flatten().cloned());
        }
    }
    Ok(items)
}

fn gone(id: &str) -> OpenAiError {
    let shown: String = id.chars().take(80).collect();
    OpenAiError::invalid(
        "previous_response_id",
        Some("previous_response_not_found"),
        format!("Previous response with id '{shown}' not found."),
    )
}

async fn whole(mut work: Work) -> Result<Value, OpenAiError> {
    loop {
        if let Step::Over(_, object) = work.step().await? {
            return Ok(*object);
        }
    }
}

/// The events of a response to the client that waits for them.
struct Events {
    work: Option<Work>,
    pending: VecDeque<Value>,
}

impl Events {
    fn new(work: Work, first: Vec<Value>) -> Self {
        Self {
            work: Some(work),
            pending: first.into(),
        }
    }
}

#[async_trait]
impl Feed for Events {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(sse::named(&event));
            }
            let (events, is_over) = advance(self.work.as_mut()?).await;
            self.pending.extend(events);
            if is_over {
                self.work = None;
            }
        }
    }
}

/// The next events, and whether they are the last.
async fn advance(work: &mut Work) -> (Vec<Value>, bool) {
    match work.step().await {
        Ok(Step::Events(events)) => (events, false),
        Ok(Step::Over(events, _)) => (events, true),
        Err(error) => (end_failed(work, &failed(&error)).await, true),
    }
}

async fn end_failed(work: &mut Work, ending: &Ending) -> Vec<Value> {
    match work.end(ending).await {
        Ok((events, _)) => events,
        // It could not even be kept; the log has why.
        Err(_) => Vec::new(),
    }
}

async fn in_background(mut work: Work, stream: bool) -> Result<Response, OpenAiError> {
    let state = work.state.clone();
    let backgrounds = state.backgrounds().clone();
    let place = backgrounds.place(&work.writer.frame().id)?;
    let object = work.object(&Ending::Queued);
    work.keep(&object).await?;
    let served = work.model.clone();
    let (events, receiver) = mpsc::unbounded_channel();
    backgrounds.spawn(run_in_background(work, place, events));
    let response = if stream {
        sse::respond(Received(receiver), state.settings.heartbeat)
    } else {
        Json(object).into_response()
    };
    Ok(with_served_by(response, &served))
}

/// Events of a response that goes on when this is dropped.
struct Received(mpsc::UnboundedReceiver<Value>);

#[async_trait]
impl Feed for Received {
    async fn next(&mut self) -> Option<String> {
        self.0.recv().await.map(|event| sse::named(&event))
    }
}

async fn run_in_background(mut work: Work, place: Place, events: mpsc::UnboundedSender<Value>) {
    // A client that went away needs no events.
    let tell = |told: Vec<Value>| told.into_iter().for_each(|event| drop(events.send(event)));
    tell(work.writer.begin(true));
    let ending = tokio::select! {
        biased;
        () = place.cancel.cancelled() => Some(Ending::Cancelled),
        () = place.stopped() => Some(stopped()),
        ending = to_the_end(&mut work, &tell) => ending,
    };
    if let Some(ending) = ending {
        tell(end_failed(&mut work, &ending).await);
    }
}

/// Works until the response is over; the ending that is still to be told, where it failed.
async fn to_the_end(work: &mut Work, tell: &impl Fn(Vec<Value>)) -> Option<Ending> {
    if let Err(error) = work.start().await {
        return Some(failed(&error));
    }
    let object = work.object(&Ending::InProgress);
    if let Err(error) = work.keep(&object).await {
        return Some(failed(&error));
    }
    loop {
        match work.step().await {
            Ok(Step::Events(events)) => tell(events),
            Ok(Step::Over(events, _)) => {
                tell(events);
                return None;
            }
            Err(error) => return Some(failed(&error)),
        }
    }
}

fn stopped() -> Ending {
    Ending::Failed {
        code: "server_error",
        message: "The server was stopped while it worked on this response. Ask again.".to_owned(),
    }
}

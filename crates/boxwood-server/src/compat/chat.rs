//! `POST /chat/completions`, by model name or by deployment.

use super::caller::{ModelCaller, model_name};
use super::chat_stream;
use super::failure::Failure;
use super::run::{Collected, Run};
use super::serving::{Prepared, Serving, Wanted, registry, told};
use crate::state::AppState;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_api::openai::completion::{Head, UsageBody, completion};
use boxwood_api::openai::{ChatCompletionRequest, OpenAiError};
use boxwood_models::ResolvedModel;
use futures::stream::{self, StreamExt, TryStreamExt};
use http::HeaderValue;
use serde_json::json;

/// Replies of one request that are made at the same time.
const AT_ONCE: usize = 4;

/// Answers a conversation; an address may name the deployment.
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: ModelCaller,
    deployment: Option<Path<String>>,
    body: Body,
) -> Result<Response, Failure> {
    let deployment = deployment.as_ref().map(|Path(name)| name.as_str());
    let answered = answer(&state, &caller, deployment, body).await;
    answered.map_err(|error| caller.refuse(error))
}

/// A chat completion that was read and resolved.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) head: Head,
    pub(super) model: ResolvedModel,
    pub(super) prepared: Prepared,
    pub(super) choices: u32,
    pub(super) include_usage: bool,
    pub(super) logprobs: bool,
    pub(super) warnings: Vec<String>,
}

impl Asked {
    /// Starts one of the replies; with a seed each has its own, or all would be the same.
    pub(super) async fn start(&self, state: &AppState, index: u32) -> Result<Run, OpenAiError> {
        let mut prepared = self.prepared.clone();
        let sampling = &mut prepared.request.sampling;
        sampling.seed = sampling.seed.map(|seed| seed.wrapping_add(u64::from(index)));
        Run::start(state, &self.model, prepared, "messages").await
    }
}

async fn answer(
    state: &AppState,
    caller: &ModelCaller,
    deployment: Option<&str>,
    body: Body,
) -> Result<Response, OpenAiError> {
    let body = caller.json(state, body).await?;
    let name = model_name(&body, deployment)?;
    let serving = Serving::of(&registry(state, caller), name)?;
    let read = ChatCompletionRequest::read(&body, &serving.contract)?;
    let stream = read.stream;
    let asked = ask(state, caller, name, serving, read).await?;
    if stream {
        return chat_stream::respond(state, asked).await;
    }
    let replies: Vec<Collected> = stream::iter(0..asked.choices)
        .map(|index| collect(state, &asked, index))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(whole(&asked, replies))
}

async fn ask(
    state: &AppState,
    caller: &ModelCaller,
    name: &str,
    serving: Serving,
    read: ChatCompletionRequest,
) -> Result<Asked, OpenAiError> {
    if read.logprobs && serving.model.capabilities.is_some() {
        let message = "The host of this model tells no probabilities. Leave 'logprobs' out.";
        return Err(OpenAiError::not_served("logprobs", message));
    }
    let mut warnings = read.warnings;
    let wanted = Wanted {
        messages: read.messages,
        tools: read.tools,
        tool_choice: read.tool_choice,
        parallel_tool_calls: read.parallel_tool_calls,
        format: read.format,
        sampling: read.sampling,
        stop: read.stop,
        effort: read.effort,
        max_output_tokens: read.max_output_tokens,
        is_single: read.choices == 1 && !read.logprobs,
        effort_name: "reasoning_effort",
        limit_name: "max_completion_tokens",
        input_name: "messages",
    };
    let prepared = serving.request(wanted, caller, &mut warnings).await?;
    Ok(Asked {
        head: Head {
            id: format!("chatcmpl-{}", state.ids.hex(14)),
            created: state.clock.now().timestamp(),
            model: name.to_owned(),
            dialect: caller.dialect,
        },
        model: serving.model,
        prepared,
        choices: read.choices,
        include_usage: read.include_usage,
        logprobs: read.logprobs,
        warnings,
    })
}

async fn collect(state: &AppState, asked: &Asked, index: u32) -> Result<Collected, OpenAiError> {
    let run = asked.start(state, index).await?;
    run.collect(state.ids.as_ref(), asked.logprobs).await
}

fn whole(asked: &Asked, collected: Vec<Collected>) -> Response {
    let served = collected
        .first()
        .map_or(&asked.model, |first| &first.served)
        .clone();
    let thoughts: Vec<_> = collected.iter().filter_map(|one| one.thought.clone()).collect();
    let mut boxwood = told(&served, &asked.warnings, &thoughts);
    let thinking: Vec<&str> = collected.iter().map(|one| one.reasoning.as_str()).collect();
    if thinking.iter().any(|text| !text.is_empty()) {
        boxwood["reasoning"] = json!(thinking);
    }
    let usages: Vec<_> = collected.iter().map(|one| one.usage.clone()).collect();
    if let Some(usage) = usages.first() {
        boxwood["timings"] = json!({
            "queue": usage.queue_time.as_secs_f64(),
            "first_token": usage.time_to_first_token.as_secs_f64(),
            "total": usage.total_time.as_secs_f64(),
        });
    }
    let replies: Vec<_> = collected.into_iter().map(|one| one.reply).collect();
    let body = completion(&asked.head, &replies, &UsageBody::of(&usages), boxwood);
    with_served_by(Json(body).into_response(), &served)
}

/// The headers that tell what really answered.
pub(super) fn with_served_by(mut response: Response, served: &ResolvedModel) -> Response {
    let name = &served.model.identity().name;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(format!("{name}; relation={}", served.served.as_str())) {
        headers.insert("x-boxwood-served-by", value);
    }
    response
}

//! Completions that fill in fields: asked for, read, and asked for again where something can't be used.
//!
//! Invariant: what the model is shown of the sources is noted, so that coverage and places are true. Called by the
//! running step and those that read rows or values again.

use super::circle::{self, CircleWatch};
use super::confidence::ConfidenceModel;
use super::extraction::Extraction;
use super::field::FieldSpec;
use super::finding::Finding;
use super::freeform;
use super::ground::{Grounds, Region};
use super::json::{self, Parsed};
use super::leaf::Looking;
use super::partial::parted;
use super::read::{Reading, ReadingOf};
use super::schema::{Strictness, instruction, object_schema};
use super::shortlist::shortened;
use super::split::{Part, Task, merge};
use crate::agent::Language;
use crate::answer::ModelUse;
use crate::error::AnswerError;
use crate::gather::Source;
use crate::generate::{Raw, complete_unless, sum};
use crate::progress::{Progress, ProgressSink};
use crate::prompt::{self, Asked};
use crate::reason::{self, Settings};
use crate::resolve::Plan;
use crate::retrieve::{self, Shown};
use crate::service::AnswerService;
use boxwood_core::{
    ChatMessage, ChatRequest, ChatRole, ChoiceScores, FinishReason, JsonSchemaFormat, ModelError, Usage,
};
use boxwood_models::ResolvedModel;
use boxwood_search::{Query, Span};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Most keys that a model may name for a prompt of sentences.
const MOST_NAMED_KEYS: usize = 40;
/// Room beyond the estimate of a group's values.
const OUTPUT_RESERVE: u32 = 128;
/// Requests to the model that run or wait at one time: an extraction leaves room in the model's queue for others.
const CONCURRENT_REQUESTS: usize = 8;
/// How often a request of a running extraction is tried while the model is busy with others.
const BUSY_TRIES: usize = 40;
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What all completions of one extraction have in common.
pub struct Filling<'a> {
    pub(super) service: &'a AnswerService,
    pub(super) extraction: &'a Extraction,
    pub(super) sources: &'a [Source],
    pub(super) plan: &'a Plan,
    pub(super) grounds: &'a Grounds,
    pub(super) progress: &'a dyn ProgressSink,
    pub(super) scores: ConfidenceModel,
    turns: Semaphore,
    tally: Mutex<Tally>,
}

/// What the completions of an extraction cost and were shown.
#[derive(Default)]
pub struct Tally {
    /// Tokens and times together.
    pub usage: Usage,
    /// How many.
    pub completions: u32,
    /// What really answered.
    pub model: Option<ResolvedModel>,
    /// What embedded.
    pub embedding: Option<ModelUse>,
    /// Which parts of which source were shown.
    pub shown: Vec<(usize, Span)>,
    /// What is worth telling.
    pub warnings: Vec<String>,
}

/// Passes on how far the prompt is read, not the pieces of several answers at once.
struct Quiet<'a>(&'a dyn ProgressSink);

impl ProgressSink for Quiet<'_> {
    fn report(&self, progress: Progress) {
        if matches!(progress, Progress::Prompt { .. }) {
            self.0.report(progress);
        }
    }
}

impl<'a> Filling<'a> {
    /// For one extraction.
    pub fn new(
        service: &'a AnswerService,
        extraction: &'a Extraction,
        sources: &'a [Source],
        plan: &'a Plan,
        grounds: &'a Grounds,
        progress: &'a dyn ProgressSink,
    ) -> Self {
        Self {
            service,
            extraction,
            sources,
            plan,
            grounds,
            progress,
            scores: ConfidenceModel::DEFAULT,
            turns: Semaphore::new(CONCURRENT_REQUESTS),
            tally: Mutex::default(),
        }
    }

    /// What it all cost.
    pub fn into_tally(self) -> Tally {
        self.tally.into_inner()
    }

    /// Something worth telling.
    pub fn warn(&self, warning: String) {
        let mut tally = self.tally.lock();
        if !tally.warnings.contains(&warning) {
            tally.warnings.push(warning);
        }
    }

    /// All text where it fits, else the passages for these fields.
    ///
    /// # Errors
    /// From the store, the embedder or the tokenizer.
    pub async fn show(&self, fields: &[FieldSpec]) -> Result<Shown, AnswerError> {
        if self.plan.whole {
            return Ok(Shown::whole(self.sources.len()));
        }
        let words: Vec<String> = fields.iter().map(FieldSpec::search_text).collect();
        self.passages(&words.join("\n"), self.plan).await
    }

    /// The passages for a text, within a plan's budget.
    ///
    /// # Errors
    /// As [`Filling::show`].
    pub async fn passages(&self, text: &str, plan: &Plan) -> Result<Shown, AnswerError> {
        let (library, models) = (self.service.library(), self.service.models());
        let mut shown = retrieve::retrieve(library, models, plan, &Query::new(text), self.sources).await?;
        if let Some(embedding) = shown.embedding.take() {
            self.tally.lock().embedding = Some(embedding);
        }
        Ok(shown)
    }

    /// The parts of the sources that are shown.
    pub fn region(&self, shown: &Shown) -> Region {
        let parts = self.sources.iter().enumerate().flat_map(|(index, source)| {
            let spans = shown.spans(index, &source.document).into_iter();
            spans.map(move |span| (index, span))
        });
        Region(parts.collect())
    }

    /// Fills in parts; what can't be used is asked for once more, held to its type.
    ///
    /// # Errors
    /// From the model; cancellation.
    pub async fn fill(&self, parts: &[Part], shown: &Shown) -> Result<Vec<Finding>, AnswerError> {
        let mut readings = self.attempt(parts.to_vec(), shown, Strictness::AsWritten).await?;
        self.ask_unmeant(parts, &mut readings, shown).await?;
        let failed: Vec<usize> = (0..parts.len()).filter(|index| !readings[*index].valid).collect();
        if failed.is_empty() {
            return Ok(readings.into_iter().map(|reading| reading.finding).collect());
        }
        let again: Vec<Part> = failed.iter().map(|index| parts[*index].clone()).collect();
        let repaired = self.attempt(again, shown, Strictness::Typed).await?;
        for (index, reading) in failed.into_iter().zip(repaired) {
            if !reading.valid {
                let key = &parts[index].spec.key;
                self.warn(format!(
                    "the field `{key}` or a part of it could not be read as its type"
                ));
            }
            readings[index] = reading;
        }
        Ok(readings.into_iter().map(|reading| reading.finding).collect())
    }

    /// Asks again for what was left out against the model's own inclination; what then stands in the files is kept.
    async fn ask_unmeant(
        &self,
        parts: &[Part],
        readings: &mut [Reading],
        shown: &Shown,
    ) -> Result<(), AnswerError> {
        let unmeant: Vec<usize> = (0..parts.len())
            .filter(|index| readings[*index].valid && readings[*index].finding.is_unmeant())
            .collect();
        if unmeant.is_empty() {
            return Ok(());
        }
        let again: Vec<Part> = unmeant.iter().map(|index| parts[*index].clone()).collect();
        let asked = self.attempt(again, shown, Strictness::Present).await?;
        for (index, reading) in unmeant.into_iter().zip(asked) {
            if reading.valid && reading.finding.is_grounded() {
                readings[index] = reading;
            }
        }
        Ok(())
    }

    /// One completion for these parts; what a completion that broke off did not come to is asked for by itself.
    fn attempt<'s>(
        &'s self,
        parts: Vec<Part>,
        shown: &'s Shown,
        strictness: Strictness,
    ) -> BoxFuture<'s, Result<Vec<Reading>, AnswerError>> {
        Box::pin(async move {
            let task = Task { parts, open: false };
            let specs = task.specs();
            let alone = specs.len() == 1;
            let limit = match alone {
                true => self.plan.output_tokens,
                false => (task.output_tokens() * 2 + OUTPUT_RESERVE).min(self.plan.output_tokens),
            };
            let region = self.region(shown);
            let request = self.request(&specs, self.sources, shown, strictness, limit);
            let (raw, parsed) = self.ask(request, &region).await?;
            if let ([part], false) = (&task.parts[..], parsed.complete)
                && let Some(reading) = self
                    .rest_of_struct(part, (&raw, &parsed), shown, strictness)
                    .await?
            {
                return Ok(vec![reading]);
            }
            let mut readings = self.read(&specs, &raw, &parsed, &region);
            let is_missing = |spec: &FieldSpec| {
                let node = parsed.node.as_ref().and_then(|node| node.member(&spec.key));
                node.is_none() && !parsed.complete
            };
            let missing: Vec<usize> = (0..specs.len())
                .filter(|index| is_missing(&specs[*index]))
                .collect();
            if missing.is_empty() || missing.len() == specs.len() && alone {
                return Ok(readings);
            }
            // A completion that gave nothing at all is tried in halves, so that this ends.
            let rest: Vec<Part> = missing.iter().map(|index| task.parts[*index].clone()).collect();
            let halves = match missing.len() == specs.len() {
                true => rest
                    .chunks(rest.len().div_ceil(2))
                    .map(<[Part]>::to_vec)
                    .collect(),
                false => vec![rest],
            };
            let mut again = Vec::with_capacity(missing.len());
            for half in halves {
                again.extend(self.attempt(half, shown, strictness).await?);
            }
            for (index, reading) in missing.into_iter().zip(again) {
                readings[index] = reading;
            }
            Ok(readings)
        })
    }

    /// A struct of which a completion gave only the beginning, with what is asked for again; `None` for what is none, and
    /// where nothing came of it.
    async fn rest_of_struct(
        &self,
        part: &Part,
        (raw, parsed): (&Raw, &Parsed),
        shown: &Shown,
        strictness: Strictness,
    ) -> Result<Option<Reading>, AnswerError> {
        let node = parsed.node.as_ref().and_then(|node| node.member(&part.spec.key));
        let (Some(came), Some(rest)) = parted(&part.spec, node) else {
            return Ok(None);
        };
        let came = self.read(&[came], raw, parsed, &self.region(shown));
        let rest = Part { field: 0, spec: rest };
        let asked = self.attempt(vec![rest], shown, strictness).await?;
        let valid = came.iter().chain(&asked).all(|reading| reading.valid);
        let found = came.into_iter().chain(asked).map(|reading| (0, reading.finding));
        let merged = merge(std::slice::from_ref(&part.spec), found.collect()).pop();
        Ok(merged.map(|(_, finding)| Reading { finding, valid }))
    }

    /// The request for fields over some of the sources.
    pub fn request(
        &self,
        specs: &[FieldSpec],
        sources: &[Source],
        shown: &Shown,
        strictness: Strictness,
        limit: u32,
    ) -> ChatRequest {
        let specs: Vec<FieldSpec> = specs.iter().map(|spec| shortened(spec, self.grounds)).collect();
        let mut asked = instruction(&specs, self.extraction.language);
        if let super::Wanted::Prompt(prompt) = &self.extraction.wanted
            && matches!(freeform::read(prompt), freeform::Freeform::Sentences)
        {
            asked = format!("{prompt}\n\n{asked}");
        }
        let schema = object_schema(&specs, strictness);
        self.request_for(&asked, schema, sources, shown, limit)
    }

    /// The request for anything that a schema describes, over some of the sources.
    pub fn request_for(
        &self,
        asked: &str,
        schema: Value,
        sources: &[Source],
        shown: &Shown,
        limit: u32,
    ) -> ChatRequest {
        let held = self.plan.model.model.identity().json_schema;
        let asked = match held {
            true => asked.to_owned(),
            // Nothing holds this model to the schema: it is told.
            false => format!("{asked}\nJSON schema: {schema}"),
        };
        let asked = Asked {
            text: &asked,
            now: self.extraction.now,
            partition: &self.extraction.partition,
        };
        let mut request = prompt::build_for(self.plan, asked, sources, shown);
        request.max_output_tokens = limit.min(self.plan.output_tokens);
        request.response_format = held.then(|| JsonSchemaFormat {
            name: "fields".to_owned(),
            schema,
        });
        request
    }

    /// Makes a completion and reads its JSON. A schema that this model can't be held to is told to it instead.
    ///
    /// # Errors
    /// From the model; cancellation.
    pub async fn ask(&self, request: ChatRequest, region: &Region) -> Result<(Raw, Parsed), AnswerError> {
        let _turn = self.turns.acquire().await.map_err(|_| AnswerError::Cancelled)?;
        let (request, thought) = self.think_first(request).await?;
        let said = |text: &str| self.grounds.times_said(text, region);
        let raw = match self.complete(request.clone(), &said).await {
            Err(AnswerError::Generation(
                ModelError::SchemaUnsupported { .. } | ModelError::Unsupported { .. },
            )) if request.response_format.is_some() => self.complete(told_schema(request), &said).await?,
            done => done?,
        };
        let mut parsed = json::parse(&raw.text);
        parsed.complete &= raw.finish != FinishReason::Length;
        circle::leave_one_round(&mut parsed, raw.stopped, &said);
        let mut tally = self.tally.lock();
        let usage = match thought.output_tokens {
            0 => raw.usage.clone(),
            _ => sum(thought, raw.usage.clone()),
        };
        tally.usage = match tally.completions {
            0 => usage,
            _ => sum(std::mem::take(&mut tally.usage), usage),
        };
        tally.completions += 1;
        tally.model = Some(raw.model.clone());
        tally.shown.extend(region.0.iter().copied());
        drop(tally);
        Ok((raw, parsed))
    }

    /// Free thinking before the values, where the agent asks for it: an effort that nobody named thinks nothing here,
    /// since most fields are looked up.
    async fn think_first(&self, request: ChatRequest) -> Result<(ChatRequest, Usage), AnswerError> {
        let Some(effort) = self.plan.tool.effort else {
            return Ok((request, Usage::default()));
        };
        let settings = Settings::new(effort, &self.extraction.partition, None);
        let quiet = Quiet(self.progress);
        reason::think_first(
            &self.plan.model,
            request,
            &settings,
            &self.extraction.cancel,
            &quiet,
        )
        .await
    }

    async fn complete(
        &self,
        request: ChatRequest,
        said: &(dyn Fn(&str) -> usize + Sync),
    ) -> Result<Raw, AnswerError> {
        let quiet = Quiet(self.progress);
        let (model, cancel) = (&self.plan.model, &self.extraction.cancel);
        self.patiently(|| {
            let mut watch = CircleWatch::new(said);
            complete_unless(
                move |text| watch.stops(text),
                model,
                request.clone(),
                cancel,
                &quiet,
            )
        })
        .await
    }

    /// How the model scores beginnings of a reply.
    ///
    /// # Errors
    /// From the model; cancellation.
    pub async fn score(&self, request: ChatRequest, choices: &[String]) -> Result<ChoiceScores, AnswerError> {
        let _turn = self.turns.acquire().await.map_err(|_| AnswerError::Cancelled)?;
        let scored = || async {
            tokio::select! {
                biased;
                () = self.extraction.cancel.cancelled() => Err(AnswerError::Cancelled),
                scores = self.plan.model.model.score_choices(request.clone(), choices) => Ok(scores?),
            }
        };
        self.patiently(scored).await
    }

    /// Waits while the model is busy with others, except before its first completion: a new extraction is rather refused.
    async fn patiently<T, F: Future<Output = Result<T, AnswerError>>>(
        &self,
        work: impl Fn() -> F,
    ) -> Result<T, AnswerError> {
        for _ in 0..BUSY_TRIES {
            match work().await {
                Err(AnswerError::Generation(ModelError::Overloaded { retry_after, .. }))
                    if self.tally.lock().completions > 0 =>
                {
                    tokio::time::sleep(retry_after.min(LONGEST_WAIT)).await;
                }
                done => return done,
            }
        }
        work().await
    }

    /// Reads a completion's values.
    pub fn read(&self, specs: &[FieldSpec], raw: &Raw, parsed: &Parsed, region: &Region) -> Vec<Reading> {
        let reading = ReadingOf {
            looking: self.looking(region),
            pieces: &raw.pieces,
            scores: &self.scores,
        };
        specs
            .iter()
            .map(|spec| reading.field(spec, parsed.node.as_ref().and_then(|node| node.member(&spec.key))))
            .collect()
    }

    /// Where values are looked for.
    pub fn looking<'r>(&'r self, region: &'r Region) -> Looking<'r> {
        Looking {
            sources: self.sources,
            grounds: self.grounds,
            region,
        }
    }

    /// Lets the model name the keys that a prompt of sentences asks for.
    ///
    /// # Errors
    /// From the model; [`AnswerError::Unusable`] when it names none.
    pub async fn name_keys(&self, prompt: &str) -> Result<Vec<FieldSpec>, AnswerError> {
        let keys =
            json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_NAMED_KEYS});
        let schema = json!({
            "type": "object",
            "properties": {"keys": keys},
            "required": ["keys"],
            "additionalProperties": false,
        });
        let words = match self.extraction.language {
            Language::English => format!(
                "Somebody wants to have facts from a document and writes:\n\n{prompt}\n\nName each fact that is wanted by \
                 a short key in camelCase, in this order. Answer with a JSON object {{\"keys\": [...]}}."
            ),
            Language::Japanese => format!(
                "文書から知りたい事実が次のように書かれています。\n\n{prompt}\n\n求められている事実のそれぞれに短い項目名を付け、\
                 この順に JSON オブジェクト {{\"keys\": [...]}} で答えてください。"
            ),
        };
        let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, words)], 400);
        request.response_format = self
            .plan
            .model
            .model
            .identity()
            .json_schema
            .then(|| JsonSchemaFormat {
                name: "keys".to_owned(),
                schema,
            });
        let (raw, parsed) = self.ask(request, &Region::default()).await?;
        let keys = parsed
            .node
            .map(|node| node.to_value()["keys"].clone())
            .unwrap_or_default();
        let named = keys.as_array().into_iter().flatten().filter_map(Value::as_str);
        let fields = freeform::from_keys(named);
        match fields.is_empty() {
            true => Err(AnswerError::Unusable {
                model: raw.model.model.identity().name.clone(),
                reason:
                    "it named no facts to extract for the prompt; name them in the prompt, divided by commas"
                        .to_owned(),
            }),
            false => Ok(fields),
        }
    }
}

/// The request without a schema that is enforced; the model is told it.
fn told_schema(mut request: ChatRequest) -> ChatRequest {
    if let Some(format) = request.response_format.take()
        && let Some(last) = request.messages.last_mut()
    {
        last.content
            .push_str(&format!("\nJSON schema: {}", format.schema));
    }
    request
}

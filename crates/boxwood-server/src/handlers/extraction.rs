//! `POST /2.0/ai/extract` and `POST /2.0/ai/extract_structured`.

use super::ai_call::{AiCall, agent_in_force, failure_of, given_contents, outcome_of};
use super::extraction_fields::structured_fields;
use crate::convert::{extract_agent_body, extract_override};
use crate::convert_extraction::{freeform_body, structured_body};
use crate::error::ApiError;
use crate::extract::parse_json;
use crate::join::{Outcome, StartQuestion};
use crate::keep::Asked;
use crate::state::AppState;
use crate::studio::{self, NamedAgent};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use boxwood_answer::extract::Wanted;
use boxwood_answer::{Depth, ExtractAgent, ExtractMode, Extraction, Language, ProgressSink};
use boxwood_api::ai::studio::ExtractTools;
use boxwood_api::ai::{AgentChoice, AskItem, ExtractKind, ExtractRequest, ExtractStructuredRequest};
use boxwood_core::AgentMode;
use boxwood_store::AnswerOperation;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Fills in what a prompt asks for in any form.
pub(crate) async fn extract(
    State(state): State<AppState>,
    call: AiCall,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = call.body(&state, body).await?;
    let body: Value = parse_json(&bytes)?;
    let request = ExtractRequest::read(&body).map_err(ApiError::bad_request)?;
    let wanted = Wanting {
        body: &body,
        mode: ExtractMode::Freeform,
        items: &request.items,
        agent: request.agent.as_ref(),
        language: Language::of_text(&request.prompt),
        confidence: false,
        wanted: Wanted::Prompt(request.prompt.clone()),
    };
    let extracting = Extracting::new(&state, &call, wanted, Form::Freeform).await?;
    call.answer(
        &state,
        AnswerOperation::Extract,
        &bytes,
        request.warnings,
        extracting,
    )
    .await
}

/// Fills in fields with types.
pub(crate) async fn extract_structured(
    State(state): State<AppState>,
    call: AiCall,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = call.body(&state, body).await?;
    let body: Value = parse_json(&bytes)?;
    let request = ExtractStructuredRequest::read(&body).map_err(ApiError::bad_request)?;
    let fields = structured_fields(&state, &call, &request.wanted).await?;
    let words: Vec<String> = fields.iter().map(|field| field.search_text()).collect();
    let wanted = Wanting {
        body: &body,
        mode: ExtractMode::Structured,
        items: &request.items,
        agent: request.agent.as_ref(),
        language: Language::of_text(&words.join(" ")),
        confidence: request.include_confidence_score,
        wanted: Wanted::Fields(fields),
    };
    let form = Form::Structured {
        confidence: request.include_confidence_score,
        reference: request.include_reference,
    };
    let extracting = Extracting::new(&state, &call, wanted, form).await?;
    call.answer(
        &state,
        AnswerOperation::ExtractStructured,
        &bytes,
        request.warnings,
        extracting,
    )
    .await
}

/// What the two requests have in common.
struct Wanting<'a> {
    body: &'a Value,
    mode: ExtractMode,
    items: &'a [AskItem],
    agent: Option<&'a AgentChoice<ExtractTools>>,
    language: Language,
    confidence: bool,
    wanted: Wanted,
}

impl Wanting<'_> {
    fn operation(&self) -> AnswerOperation {
        match self.mode {
            ExtractMode::Freeform => AnswerOperation::Extract,
            ExtractMode::Structured => AnswerOperation::ExtractStructured,
        }
    }
}

/// The form of the answer.
#[derive(Clone, Copy)]
enum Form {
    Freeform,
    Structured { confidence: bool, reference: bool },
}

/// An extraction that was read and authorised, ready to run.
struct Extracting {
    state: AppState,
    extraction: Extraction,
    named: Option<NamedAgent>,
    asked: Asked,
    form: Form,
}

impl Extracting {
    async fn new(state: &AppState, call: &AiCall, wanted: Wanting<'_>, form: Form) -> Result<Self, ApiError> {
        let named = studio::named(state, &call.principal, wanted.agent, AgentMode::Extract).await?;
        let operation = wanted.operation();
        let kind = match wanted.mode {
            ExtractMode::Freeform => ExtractKind::Freeform,
            ExtractMode::Structured => ExtractKind::Structured,
        };
        let body = wanted.body;
        let extraction = extraction(state, call, wanted, named.as_ref()).await?;
        let asked = Asked::new(&call.principal, operation, &extraction.files, body).with_agent(
            named.as_ref().map(NamedAgent::id),
            &extract_agent_body(&extraction.agent, kind),
        );
        Ok(Self {
            state: state.clone(),
            extraction,
            named,
            asked,
            form,
        })
    }
}

impl StartQuestion for Extracting {
    async fn run(self, cancel: CancellationToken, progress: Arc<dyn ProgressSink>) -> Outcome {
        let extraction = Extraction {
            cancel,
            ..self.extraction
        };
        let extracted = self.state.asker.extract(extraction, progress.as_ref()).await;
        self.state.metrics().extraction_ended(&extracted);
        let (keeper, now) = (self.state.keeper(), self.state.clock.now());
        let named = self.named.as_ref();
        let extracted = match extracted {
            Ok(extracted) => extracted,
            Err(error) => return failure_of(&self.state, &self.asked, named, error),
        };
        match self.form {
            Form::Freeform => {
                let body = freeform_body(&extracted, now);
                keeper.answered(self.asked, &body);
                outcome_of(&body, named)
            }
            Form::Structured {
                confidence,
                reference,
            } => {
                let body = structured_body(&extracted, confidence, reference, now);
                // Kept with everything that was measured, also what this client did not ask for.
                match confidence && reference || !keeper.keeps() {
                    true => keeper.answered(self.asked, &body),
                    false => keeper.answered(self.asked, &structured_body(&extracted, true, true, now)),
                }
                outcome_of(&body, named)
            }
        }
    }
}

async fn extraction(
    state: &AppState,
    call: &AiCall,
    asked: Wanting<'_>,
    named: Option<&NamedAgent>,
) -> Result<Extraction, ApiError> {
    let files = call.readable(state, asked.items).await?;
    let agent = agent(state, &asked, named)?;
    let caller = call.caller(asked.operation());
    let is_enhanced = named.is_some_and(|named| named.id() == Depth::ENHANCED_AGENT_ID);
    Ok(Extraction {
        wanted: asked.wanted,
        files,
        contents: given_contents(asked.items),
        agent,
        depth: if is_enhanced {
            Depth::Enhanced
        } else {
            Depth::Standard
        },
        confidence: asked.confidence,
        language: asked.language,
        caller,
        partition: call.principal.enterprise_id.to_string(),
        now: state.clock.now(),
        time_limit: state.settings.answer_time_limit,
        cancel: CancellationToken::new(),
    })
}

fn agent(
    state: &AppState,
    asked: &Wanting<'_>,
    named: Option<&NamedAgent>,
) -> Result<ExtractAgent, ApiError> {
    // The default words are those of the fields' language: a small model follows them in the language it answers in.
    let defaults = state
        .asker
        .default_extract_agent(asked.mode, asked.language, None)?;
    agent_in_force(
        (asked.agent, named),
        defaults,
        NamedAgent::over_extract,
        |over, defaults| {
            let over = extract_override(over, &defaults);
            defaults.with_override(over)
        },
    )
}

//! Rows answered in this process, by the functions that the server calls.
//!
//! Invariant: files enter as the user's own files ([`ReadableFiles::of_own_files`]); text that stands in a row is a
//! temporary file, so that it is read like any other.

use super::form::{self, ExtractForm, FlatField, FlatKind};
use super::{RowFailure, Target};
use crate::error::EvalError;
use crate::predictions::{Prediction, TokenUse};
use crate::record::EffortChoice;
use crate::rows::{DocumentContent, Row, Task};
use async_trait::async_trait;
use boxwood_answer::extract::{DateForm, FieldKind, FieldSpec, Finding, Wanted};
use boxwood_answer::generate::complete;
use boxwood_answer::{
    Answer, AnswerError, AnswerService, Depth, ExtractMode, Extracted, Extraction, Language, NoProgress,
    Question, QuestionMode, ReadError, StepTimings,
};
use boxwood_core::{Caller, ChatMessage, ChatRequest, ChatRole, FileId, JsonSchemaFormat, Usage};
use boxwood_models::ResolvedModel;
use boxwood_store::{OwnFile, ReadableFiles};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Cache partition of runs.
pub(super) const PARTITION: &str = "eval";
/// Tokens that a value may take at most.
const OUTPUT_TOKENS: u32 = 1_024;

/// How rows are answered.
#[derive(Debug, Clone, Default)]
pub struct LocalSettings {
    /// The model's name; `None`: the default.
    pub model: Option<String>,
    /// The effort; `None`: the agent's.
    pub effort: Option<EffortChoice>,
    /// Whether extractions take Box's enhanced agent.
    pub enhanced: bool,
}

/// The answer service of this process.
pub struct LocalTarget {
    pub(super) service: Arc<AnswerService>,
    pub(super) settings: LocalSettings,
}

/// Files of one row; the folder of its temporary ones goes with it.
pub(super) struct Files {
    pub(super) readable: ReadableFiles,
    _folder: TempDir,
}

#[async_trait]
impl Target for LocalTarget {
    async fn answer(&self, row: &Row, cancel: &CancellationToken) -> Result<Prediction, RowFailure> {
        match row.task {
            Task::Qa if self.settings.effort == Some(EffortChoice::Baseline) => {
                self.ask_model(row, cancel).await
            }
            Task::Qa | Task::Dialog => self.ask(row, cancel).await,
            Task::Extract => self.extract(row, cancel).await,
            Task::JsonSchema => self.write_value(row, cancel).await,
            Task::Reason | Task::Code => self.solve(row, cancel).await,
            Task::Robust => self.read(row, cancel).await,
        }
    }
}

impl LocalTarget {
    /// A target over the service.
    ///
    /// # Errors
    /// [`EvalError::Target`] when the model can't be served.
    pub fn new(service: Arc<AnswerService>, settings: LocalSettings) -> Result<Self, EvalError> {
        let target = Self { service, settings };
        match target.model() {
            Ok(_) => Ok(target),
            Err(error) => Err(EvalError::Target {
                message: error.to_string(),
            }),
        }
    }

    fn model(&self) -> Result<ResolvedModel, boxwood_models::ResolveError> {
        self.service.models().resolve(self.settings.model.as_deref())
    }

    pub(super) fn resolved(&self) -> Result<ResolvedModel, RowFailure> {
        self.model().map_err(|error| {
            RowFailure::Target(EvalError::Target {
                message: error.to_string(),
            })
        })
    }

    async fn ask(&self, row: &Row, cancel: &CancellationToken) -> Result<Prediction, RowFailure> {
        let files = own_files(row).await?;
        let prompt = row.question.trim().to_owned();
        let mut agent = self
            .service
            .default_agent(Language::of_text(&prompt), self.settings.model.as_deref())
            .map_err(failure)?;
        if let Some(effort) = self.settings.effort.and_then(EffortChoice::effort) {
            for tool in agent.tools_mut() {
                tool.effort = Some(effort);
            }
        }
        let question = Question {
            mode: match files.readable.len() {
                1 => QuestionMode::SingleItem,
                _ => QuestionMode::MultipleItems,
            },
            prompt,
            files: files.readable,
            contents: HashMap::new(),
            dialogue: form::dialogue(&row.history),
            agent,
            caller: Caller::program("eval"),
            partition: PARTITION.to_owned(),
            now: chrono::Utc::now(),
            time_limit: None,
            cancel: cancel.clone(),
        };
        let answer = self.service.ask(question, &NoProgress).await.map_err(failure)?;
        Ok(of_answer(row, answer))
    }

    async fn extract(&self, row: &Row, cancel: &CancellationToken) -> Result<Prediction, RowFailure> {
        let files = own_files(row).await?;
        let (wanted, mode, words) = wanted(row.schema.as_ref().unwrap_or(&Value::Null));
        let language = Language::of_text(&words);
        let agent = self
            .service
            .default_extract_agent(mode, language, self.settings.model.as_deref())
            .map_err(failure)?;
        let extraction = Extraction {
            wanted,
            files: files.readable,
            contents: HashMap::new(),
            agent,
            depth: match self.settings.enhanced {
                true => Depth::Enhanced,
                false => Depth::Standard,
            },
            confidence: mode == ExtractMode::Structured,
            language,
            caller: Caller::program("eval"),
            partition: PARTITION.to_owned(),
            now: chrono::Utc::now(),
            time_limit: None,
            cancel: cancel.clone(),
        };
        let extracted = self
            .service
            .extract(extraction, &NoProgress)
            .await
            .map_err(failure)?;
        Ok(of_extracted(row, &extracted, mode))
    }

    /// A value that is held to the row's schema.
    async fn write_value(&self, row: &Row, cancel: &CancellationToken) -> Result<Prediction, RowFailure> {
        let model = self.resolved()?;
        let schema = row.schema.clone().unwrap_or_default();
        let mut prompt = form::value_prompt(&schema);
        let tokens = model
            .model
            .count_tokens(&prompt)
            .await
            .map_err(|error| failure(error.into()))?;
        if tokens + 2 * OUTPUT_TOKENS > model.model.identity().context_window {
            form::BARE_VALUE_PROMPT.clone_into(&mut prompt);
        }
        let mut request = plain_request(prompt, &model);
        request.response_format = Some(JsonSchemaFormat {
            name: "value".to_owned(),
            schema,
        });
        // As a client of the OpenAI-compatible API has it.
        request.whole_value = true;
        let raw = complete(&model, request, cancel, &NoProgress)
            .await
            .map_err(failure)?;
        Ok(Prediction {
            answer: match serde_json::from_str(&raw.text) {
                // A text as an answer is JSON: that of a text too.
                Ok(Value::String(_)) | Err(_) => Value::String(raw.text),
                Ok(value) => value,
            },
            model: Some(raw.model.model.identity().name.clone()),
            usage: Some(token_use(&raw.usage)),
            ..Prediction::default()
        })
    }

    /// Reads a file that may be hostile.
    async fn read(&self, row: &Row, cancel: &CancellationToken) -> Result<Prediction, RowFailure> {
        let files = own_files(row).await?;
        let Some(file) = files.readable.iter().next() else {
            return Err(RowFailure::Row("the row has no document".to_owned()));
        };
        let answer = match self.service.library().document(file, cancel).await {
            Ok(document) => {
                json!({"outcome": "text", "pages": document.pages.len(), "characters": document.text.chars().count()})
            }
            Err(ReadError::Refused { code, message }) => {
                let outcome = match code.as_str() {
                    "worker_crashed" => "crashed",
                    _ => "refused",
                };
                json!({"outcome": outcome, "code": code, "message": message})
            }
            Err(ReadError::Cancelled) => return Err(RowFailure::Cancelled),
            Err(error) => return Err(RowFailure::Row(error.to_string())),
        };
        Ok(Prediction {
            answer,
            ..Prediction::default()
        })
    }
}

/// One user's message, greedy.
fn plain_request(prompt: String, model: &ResolvedModel) -> ChatRequest {
    let limit = OUTPUT_TOKENS.min(model.max_output_tokens());
    ChatRequest::new(vec![ChatMessage::new(ChatRole::User, prompt)], limit)
}

pub(super) async fn own_files(row: &Row) -> Result<Files, RowFailure> {
    let failed = |error: std::io::Error| RowFailure::Row(format!("a document can't be kept: {error}"));
    let folder = tempfile::tempdir().map_err(failed)?;
    let mut files = Vec::with_capacity(row.documents.len());
    for (index, document) in row.documents.iter().enumerate() {
        let path = match &document.content {
            DocumentContent::File(path) => path.clone(),
            DocumentContent::Text(text) => {
                let path = folder.path().join(format!("{index}.txt"));
                tokio::fs::write(&path, text).await.map_err(failed)?;
                path
            }
        };
        files.push(OwnFile {
            path,
            name: document.name.clone(),
        });
    }
    let readable = ReadableFiles::of_own_files(files).await;
    Ok(Files {
        readable: readable.map_err(|error| RowFailure::Row(error.to_string()))?,
        _folder: folder,
    })
}

/// The fields or the prompt, the mode, and the words that tell the language.
fn wanted(schema: &Value) -> (Wanted, ExtractMode, String) {
    match form::extract_form(schema) {
        ExtractForm::Fields(fields) => {
            let fields: Vec<FieldSpec> = fields.into_iter().map(field_spec).collect();
            let words: Vec<String> = fields.iter().map(FieldSpec::search_text).collect();
            (Wanted::Fields(fields), ExtractMode::Structured, words.join(" "))
        }
        ExtractForm::Prompt(prompt) => (Wanted::Prompt(prompt.clone()), ExtractMode::Freeform, prompt),
    }
}

fn field_spec(field: FlatField) -> FieldSpec {
    let mut spec = FieldSpec::text(field.key).of_kind(match field.kind {
        FlatKind::Text => FieldKind::Text,
        FlatKind::Number => FieldKind::Number,
        FlatKind::Boolean => FieldKind::Boolean,
        FlatKind::Date => FieldKind::Date(DateForm::Day),
    });
    spec.description = field.description;
    spec
}

fn of_answer(row: &Row, answer: Answer) -> Prediction {
    let mut sources = Vec::new();
    for citation in &answer.citations {
        if let Some(document) = document_of(row, &citation.file_id).filter(|found| !sources.contains(found)) {
            sources.push(document);
        }
    }
    let mut detail =
        json!({"abstained": answer.abstained, "truncated": answer.truncated, "support": answer.support});
    if let Some(calculation) = &answer.calculation {
        detail["calculation"] = json!(calculation);
    }
    if let Some(reasoning) = &answer.reasoning {
        detail["reasoning"] = json!(reasoning);
    }
    if !answer.warnings.is_empty() {
        detail["warnings"] = json!(answer.warnings);
    }
    Prediction {
        answer: Value::String(answer.text),
        sources,
        confidence: Some(json!(answer.support.probability)),
        model: Some(answer.served_by.answered),
        processor: Some(answer.processor.as_str().to_owned()),
        usage: Some(token_use(&answer.usage)),
        timings: timings(&answer.timings),
        detail: Some(detail),
        ..Prediction::default()
    }
}

/// Own files are numbered from 1 in their order.
fn document_of(row: &Row, id: &FileId) -> Option<String> {
    let number: usize = id.as_str().parse().ok()?;
    let document = row.documents.get(number.checked_sub(1)?)?;
    Some(document.doc_id.clone())
}

fn of_extracted(row: &Row, extracted: &Extracted, mode: ExtractMode) -> Prediction {
    let is_structured = mode == ExtractMode::Structured;
    Prediction {
        answer: extracted.to_value(),
        sources: row
            .documents
            .iter()
            .map(|document| document.doc_id.clone())
            .collect(),
        confidence: is_structured.then(|| extracted.object(Finding::confidence_value)),
        model: Some(extracted.served_by.answered.clone()),
        processor: Some(extracted.processor.as_str().to_owned()),
        usage: Some(token_use(&extracted.usage)),
        timings: timings(&extracted.timings),
        detail: Some(json!({
            "signals": extracted.object(Finding::signals_value),
            "completions": extracted.completions,
            "warnings": extracted.warnings,
        })),
        ..Prediction::default()
    }
}

pub(super) fn token_use(usage: &Usage) -> TokenUse {
    TokenUse {
        input_tokens: usage.input_tokens.into(),
        cached_tokens: usage.cached_tokens.into(),
        output_tokens: usage.output_tokens.into(),
        reasoning_tokens: usage.reasoning_tokens.into(),
    }
}

fn timings(timings: &StepTimings) -> BTreeMap<String, f64> {
    let seconds = |time: Duration| (time.as_secs_f64() * 1_000.0).round() / 1_000.0;
    let steps = [
        ("gather", timings.gather),
        ("retrieve", timings.retrieve),
        ("generate", timings.generate),
        ("check", timings.check),
    ];
    steps
        .into_iter()
        .map(|(name, time)| (name.to_owned(), seconds(time)))
        .collect()
}

/// A model that is not there fails every row; everything else is the row's own.
pub(super) fn failure(error: AnswerError) -> RowFailure {
    match error {
        AnswerError::Cancelled => RowFailure::Cancelled,
        AnswerError::Model { .. } => RowFailure::Target(EvalError::Target {
            message: error.to_string(),
        }),
        error => RowFailure::Row(error.to_string()),
    }
}

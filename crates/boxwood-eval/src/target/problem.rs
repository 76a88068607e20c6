//! Problems without files, and the model alone: what the reasoning engine is measured by and compared with.
//!
//! Invariant: the form of an answer is concluded from the question alone ([`super::form::answer_kind`]).

use super::RowFailure;
use super::form::{self, AnswerKind};
use super::local::{LocalTarget, PARTITION, failure, own_files, token_use};

use crate::predictions::Prediction;
use crate::record::EffortChoice;
use crate::rows::Row;
use boxwood_answer::NoProgress;
use boxwood_answer::reason::{AnswerForm, Choice, Problem, Settings, Solution, baseline, choices_in, solve};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

impl LocalTarget {
    /// Solves a problem with the effort of the run.
    pub(super) async fn solve(
        &self,
        row: &Row,
        cancel: &CancellationToken,
    ) -> Result<Prediction, RowFailure> {
        let model = self.resolved()?;
        let problem = problem_of(row);
        let solution = match self.settings.effort {
            Some(EffortChoice::Baseline) => baseline(&model, &problem, PARTITION, cancel, &NoProgress).await,
            chosen => {
                let effort = chosen
                    .and_then(EffortChoice::effort)
                    .unwrap_or(self.service.config().effort);
                let settings = Settings::new(effort, PARTITION, self.service.sandbox().cloned());
                solve(&model, &problem, &settings, cancel, &NoProgress).await
            }
        };
        solution.map(of_solution).map_err(failure)
    }

    /// The model alone over the documents' text: no retrieval, no checks.
    pub(super) async fn ask_model(
        &self,
        row: &Row,
        cancel: &CancellationToken,
    ) -> Result<Prediction, RowFailure> {
        let model = self.resolved()?;
        let files = own_files(row).await?;
        let mut texts = Vec::with_capacity(row.documents.len());
        for file in files.readable.iter() {
            let document = self.service.library().document(file, cancel).await;
            let document = document.map_err(|error| RowFailure::Row(error.to_string()))?;
            texts.push(document.text.trim().to_owned());
        }
        let problem = Problem {
            context: Some(texts.join("\n\n")),
            question: row.question.trim().to_owned(),
            form: AnswerForm::Text,
        };
        let solution = baseline(&model, &problem, PARTITION, cancel, &NoProgress).await;
        solution.map(of_solution).map_err(failure)
    }
}

fn problem_of(row: &Row) -> Problem {
    let (question, form) = match form::answer_kind(row) {
        AnswerKind::Program => {
            let entry_point = Some(row.text("entry_point").to_owned());
            (row.question.clone(), AnswerForm::Code { entry_point })
        }
        AnswerKind::Math => (row.question.trim().to_owned(), AnswerForm::Math),
        AnswerKind::Number => (row.question.trim().to_owned(), AnswerForm::Number),
        AnswerKind::Choice => choice_of(row),
    };
    Problem {
        context: None,
        question,
        form,
    }
}

/// Options stand beside the question or in it.
fn choice_of(row: &Row) -> (String, AnswerForm) {
    let question = row.question.trim();
    if row.choices.is_empty() {
        return match choices_in(question) {
            Some((question, choices)) => (question, AnswerForm::Choice(choices)),
            None => (question.to_owned(), AnswerForm::Text),
        };
    }
    let choices = ('A'..).zip(&row.choices).map(|(label, text)| Choice {
        label: label.to_string(),
        text: text.clone(),
    });
    (question.to_owned(), AnswerForm::Choice(choices.collect()))
}

fn of_solution(solution: Solution) -> Prediction {
    Prediction {
        answer: Value::String(solution.answer),
        confidence: solution.agreement.map(|agreement| json!(agreement)),
        model: Some(solution.model),
        usage: Some(token_use(&solution.usage)),
        detail: Some(json!({
            "reasoning": solution.report,
            "calculation": solution.calculation,
            "written": solution.written,
        })),
        ..Prediction::default()
    }
}

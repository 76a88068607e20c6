//! Problems without files, and the model alone: what the reasoning engine is measured by and compared with.
//!
//! Invariant: the form of an answer is concluded from the question alone ([`problem_of`]), the same for both targets.

use super::RowFailure;
use super::local::{LocalTarget, PARTITION, failure, own_files, token_use};
use crate::predictions::Prediction;
use crate::record::EffortChoice;
use crate::rows::{Row, Task};
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

/// The problem of a row: options beside the question or in it, a formula in it, else a number is asked for.
fn problem_of(row: &Row) -> Problem {
    let question = row.question.trim();
    let has_options = ["(A)", "(B)"].iter().all(|option| question.contains(option));
    let (question, form) = if row.task == Task::Code {
        let entry_point = Some(row.text("entry_point").to_owned());
        (row.question.clone(), AnswerForm::Code { entry_point })
    } else if !row.choices.is_empty() {
        let choices = Choice::labelled(row.choices.iter().map(String::as_str));
        (question.to_owned(), AnswerForm::Choice(choices))
    } else if has_options {
        match choices_in(question) {
            Some((question, choices)) => (question, AnswerForm::Choice(choices)),
            None => (question.to_owned(), AnswerForm::Text),
        }
    } else if row.set == "math500" || question.contains('\\') {
        (question.to_owned(), AnswerForm::Math)
    } else {
        (question.to_owned(), AnswerForm::Number)
    };
    Problem {
        context: None,
        question,
        form,
    }
}

/// A problem in words, for a model that is reached by a chat.
pub(super) fn prompt_of(row: &Row) -> String {
    match problem_of(row).form {
        // Options that stand in the question, but not as lines.
        AnswerForm::Text => AnswerForm::Choice(Vec::new()).message_for(&row.question),
        form => form.message_for(&row.question),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn row(task: Task, question: &str, choices: &[&str]) -> Row {
        Row {
            id: "1".to_owned(),
            set: "own".to_owned(),
            task,
            language: "en".to_owned(),
            documents: Vec::new(),
            question: question.to_owned(),
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            history: Vec::new(),
            schema: None,
            expected: None,
            raw: Map::new(),
        }
    }

    #[test]
    fn a_problem_in_words_says_how_its_answer_is_to_be_given() {
        const LETTER: &str = "\n\nGive the letter of the right option alone on the last line.";
        let listed = "Which day?\nOptions:\n(A) Monday\n(B) Friday";
        let inline = "Is it (A) one or (B) two?";
        for (task, question, choices, prompt) in [
            (
                Task::Reason,
                "How many?\n",
                &[][..],
                "How many?\n\nGive the number alone on the last line.".to_owned(),
            ),
            (
                Task::Reason,
                "Find \\(x\\).",
                &[][..],
                "Find \\(x\\).\n\nPut the final answer into \\boxed{}.".to_owned(),
            ),
            (
                Task::Reason,
                "Which?",
                &["one", "two"][..],
                format!("Which?\n(A) one\n(B) two{LETTER}"),
            ),
            (Task::Reason, listed, &[][..], format!("{listed}{LETTER}")),
            (Task::Reason, inline, &[][..], format!("{inline}{LETTER}")),
            (
                Task::Code,
                "def one():\n    \"\"\"One.\"\"\"\n",
                &[][..],
                "Complete this Python function. Write the whole function in one block.\n\n\
                 ```python\ndef one():\n    \"\"\"One.\"\"\"\n```"
                    .to_owned(),
            ),
        ] {
            assert_eq!(prompt_of(&row(task, question, choices)), prompt);
        }
        let day = problem_of(&row(Task::Reason, listed, &[]));
        let days = Choice::labelled(["Monday", "Friday"]);
        assert_eq!(
            (day.question.as_str(), day.form),
            ("Which day?", AnswerForm::Choice(days))
        );
        assert_eq!(problem_of(&row(Task::Reason, inline, &[])).form, AnswerForm::Text);
    }
}

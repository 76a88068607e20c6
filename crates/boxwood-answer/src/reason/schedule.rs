//! Which ways of working an effort plans for a problem, in which order, and how many beside each other. Pure.

use super::options;
use super::problem::{AnswerForm, Problem, Settings};
use super::prompts::Method;
use super::routing;
use boxwood_core::Effort;

/// Tokens of one derivation in words: of 228 recorded ones that had 896, three ended beyond it and five, all of mathematical
/// problems, were cut.
const PROSE_TOKENS: u32 = 640;
/// Tokens of one derivation of a mathematical problem.
const LONG_PROSE_TOKENS: u32 = 1_024;
/// Tokens of a plain answer: with the lowest effort as many as the model alone gets.
pub(super) const PLAIN_TOKENS: u32 = 1_024;
/// Weight of words about options that a program computes: of the dates of bbh_date_arith programs found 64 % (18 of 28),
/// words 32 % (35 of 109), which among six options is less than half the evidence.
const WORDS_OF_COMPUTED: f32 = 0.5;
/// Temperature of completions that are to differ.
const TEMPERATURE: f32 = 0.6;

/// One try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    pub method: Method,
    /// 0 is greedy.
    pub temperature: f32,
    pub seed: u64,
    /// Tokens that it may take.
    pub tokens: u32,
    /// How much its answer counts beside others.
    pub weight: f32,
}

/// The tries of one problem.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schedule {
    pub plans: Vec<Plan>,
    /// How many run beside each other, as a round.
    pub width: usize,
    /// How many equal answers are enough.
    pub enough: usize,
    /// Whether the best answers are checked once more.
    pub verify: bool,
    /// Whether an answer in words only supports those of programs, where there are any.
    pub programs_lead: bool,
}

/// The tries of a problem.
pub(super) fn schedule(problem: &Problem, settings: &Settings) -> Schedule {
    use Method::{Direct, Program, Prose, Scores};
    let computes = settings.sandbox.is_some() && computes(problem);
    let methods: &[Method] = match (settings.effort, &problem.form) {
        (Effort::Low, _) => &[Direct],
        (Effort::Medium, AnswerForm::Text) if computes => &[Program, Prose, Program],
        (Effort::Medium, AnswerForm::Text) => &[Direct],
        (Effort::Medium, AnswerForm::Choice(_)) if computes => &[Program, Prose, Scores],
        // The answer that the model gives by itself is one of the voices: more effort shall not lose it.
        (Effort::Medium, AnswerForm::Choice(_)) => &[Scores, Direct, Prose],
        // A third way of working where two differ; a second try of the same way is right less often.
        (Effort::Medium, AnswerForm::Number) if computes => &[Program, Prose, Direct],
        (Effort::Medium, _) if computes => &[Program, Prose],
        (Effort::Medium, _) => &[Prose],
        (Effort::High, AnswerForm::Text) if computes => {
            &[Program, Program, Program, Prose, Program, Program, Prose, Program]
        }
        (Effort::High, AnswerForm::Text) => &[Direct],
        (Effort::High, AnswerForm::Choice(_)) if computes => &[
            Scores, Program, Prose, Program, Prose, Program, Prose, Program, Prose,
        ],
        (Effort::High, AnswerForm::Choice(_)) => &[Scores, Direct, Prose, Direct, Prose, Direct, Prose],
        (Effort::High, AnswerForm::Number) if computes => &[
            Program, Prose, Direct, Program, Prose, Direct, Program, Prose, Direct, Program,
        ],
        (Effort::High, _) if computes => &[
            Program, Prose, Prose, Program, Prose, Prose, Program, Prose, Prose,
        ],
        (Effort::High, _) => &[Prose, Prose, Prose, Prose, Prose, Prose, Prose, Prose],
    };
    let high = settings.effort == Effort::High;
    let tokens = match settings.effort {
        Effort::Low => PLAIN_TOKENS,
        _ if problem.form == AnswerForm::Math => LONG_PROSE_TOKENS,
        Effort::Medium | Effort::High => PROSE_TOKENS,
    };
    let of_words = match problem.form {
        AnswerForm::Choice(_) if computes => WORDS_OF_COMPUTED,
        _ => 1.0,
    };
    Schedule {
        plans: numbered(methods, tokens, of_words),
        width: if high { 4 } else { 2 },
        enough: if high { 4 } else { 2 },
        verify: high,
        // Over a document's tables a small model copies values well and calculates badly: of 42 questions of tatqa, words
        // outvoted a right program in six, and were right against one in one.
        programs_lead: computes && problem.form == AnswerForm::Text,
    }
}

/// Whether a program can help.
fn computes(problem: &Problem) -> bool {
    match &problem.form {
        AnswerForm::Number | AnswerForm::Math => true,
        AnswerForm::Choice(choices) => {
            options::are_computable(choices) && routing::states_numbers(&problem.question)
        }
        AnswerForm::Text => {
            routing::asks_for_computation(&problem.question, problem.context.as_deref().unwrap_or(""))
        }
        AnswerForm::Code { .. } => false,
    }
}

/// The first of each method is greedy, the others differ.
fn numbered(methods: &[Method], tokens: u32, of_words: f32) -> Vec<Plan> {
    methods
        .iter()
        .enumerate()
        .map(|(index, method)| {
            let before = methods[..index].iter().filter(|one| *one == method).count();
            Plan {
                method: *method,
                temperature: if before == 0 { 0.0 } else { TEMPERATURE },
                // By the method alone: a plan of more tries begins with the same ones, and what was recorded stays valid.
                seed: before as u64,
                tokens,
                weight: match method {
                    Method::Prose | Method::Direct => of_words,
                    Method::Program | Method::Scores => 1.0,
                },
            }
        })
        .collect()
}

/// The one try of a model that thinks by itself.
pub(super) fn by_itself(settings: &Settings) -> Schedule {
    Schedule {
        plans: vec![Plan {
            method: Method::Direct,
            temperature: 0.0,
            seed: 0,
            tokens: settings.token_budget,
            weight: 1.0,
        }],
        width: 1,
        enough: 1,
        verify: false,
        programs_lead: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Choice;
    use super::super::sandbox::Sandbox;
    use super::*;

    fn planned(
        effort: Effort,
        form: AnswerForm,
        question: &str,
        context: Option<&str>,
        computes: bool,
    ) -> Vec<Method> {
        let sandbox = computes.then(|| Sandbox::new("/bin/false".into()));
        let problem = Problem {
            context: context.map(str::to_owned),
            question: question.to_owned(),
            form,
        };
        let schedule = schedule(&problem, &Settings::new(effort, "1", sandbox));
        schedule.plans.iter().map(|plan| plan.method).collect()
    }

    #[test]
    fn look_ups_cost_one_completion_at_every_effort() {
        let table = Some("| 2019 | 12 |\n| 2018 | 10 |");
        for effort in [Effort::Low, Effort::Medium, Effort::High] {
            let methods = planned(
                effort,
                AnswerForm::Text,
                "What was the revenue in 2019?",
                table,
                true,
            );
            assert_eq!(methods, [Method::Direct], "{effort:?}");
        }
        let change = "What was the percentage change in revenue?";
        assert!(planned(Effort::Medium, AnswerForm::Text, change, table, true).contains(&Method::Program));
        assert_eq!(
            planned(Effort::Medium, AnswerForm::Text, change, table, false),
            [Method::Direct]
        );
    }

    #[test]
    fn more_effort_is_more_tries_and_the_first_of_each_kind_is_greedy() {
        let count = |effort| planned(effort, AnswerForm::Number, "2 and 3?", None, true).len();
        assert!(count(Effort::Low) < count(Effort::Medium) && count(Effort::Medium) < count(Effort::High));
        let plans = numbered(
            &[Method::Program, Method::Prose, Method::Program],
            PROSE_TOKENS,
            1.0,
        );
        let temperatures: Vec<f32> = plans.iter().map(|plan| plan.temperature).collect();
        assert_eq!(temperatures, [0.0, 0.0, TEMPERATURE]);
        let options = ["12 m", "15 m"].map(|text| Choice {
            label: text[..1].to_owned(),
            text: text.to_owned(),
        });
        let form = AnswerForm::Choice(options.to_vec());
        assert!(planned(Effort::Medium, form.clone(), "3 and 4 m?", None, true).contains(&Method::Program));
        assert!(!planned(Effort::Medium, form, "Which way?", None, true).contains(&Method::Program));
    }
}

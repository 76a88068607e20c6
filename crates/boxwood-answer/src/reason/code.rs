//! Functions: written, run against the examples of their own docstring, mended with what went wrong; with the highest
//! effort written several times, and the one taken that most of the others behave like.
//!
//! Invariant: only examples that the question itself states are right or wrong; everything runs in the sandbox, and a
//! program that the sandbox can't run is not counted as wrong.

use super::candidate::sampled;
use super::examples::{Example, examples};
use super::probes;
use super::problem::{Problem, Solution, StoppedBy};
use super::program;
use super::prompts::{self, Method};
use super::schedule::Plan;
use super::solve::{report, solution, thinks_by_itself};
use super::thinker::Thinker;
use crate::error::AnswerError;
use boxwood_core::Effort;
use futures::{FutureExt, StreamExt, stream};
use serde_json::Map;

/// Tokens of one function.
const FUNCTION_TOKENS: u32 = 640;
/// Tries of the highest effort.
const TRIES: usize = 8;
/// Temperature of tries that are to differ.
const TEMPERATURE: f32 = 0.7;
/// Tries after the greedy one that keep near to it; where they are not enough, the others go further.
const NEAR: u64 = 3;
/// Temperature of those.
const HIGHER_TEMPERATURE: f32 = 1.0;
/// Right tries that behave in the same way and are enough.
const ENOUGH: usize = 4;

/// What a function is tried with.
struct Trial<'a> {
    entry_point: Option<&'a str>,
    examples: Vec<Example>,
    /// Inputs whose right results nobody knows.
    inputs: Vec<String>,
}

impl Trial<'_> {
    /// The share of inputs for which two functions give the same.
    fn alike(&self, one: &Tried, other: &Tried) -> f32 {
        probes::alike(&one.behaviour, &other.behaviour, self.inputs.len())
    }

    /// Whether two functions give the same for all inputs, as far as is known.
    fn are_alike(&self, one: &Tried, other: &Tried) -> bool {
        probes::are_alike(&one.behaviour, &other.behaviour, self.inputs.len())
    }
}

/// A function that was tried.
#[derive(Debug, Clone)]
struct Tried {
    code: String,
    passed: usize,
    /// Examples that gave something else, with what they gave; the program's error where it did not run.
    failed: Vec<String>,
    /// Examples that the sandbox could not run.
    unknown: usize,
    /// What it gives for the inputs.
    behaviour: Vec<String>,
    log_prob: f32,
}

impl Tried {
    fn is_right(&self) -> bool {
        self.failed.is_empty()
    }

    /// How well it does the examples; better is greater.
    fn rank(&self) -> (bool, usize) {
        (self.is_right(), 2 * self.passed + self.unknown)
    }
}

/// The try that does the examples best; of several the one that the others behave most like, then the likeliest.
fn best<'a>(tries: &'a [Tried], trial: &Trial<'_>) -> Option<&'a Tried> {
    let most = tries.iter().map(Tried::rank).max()?;
    let equal: Vec<&Tried> = tries.iter().filter(|tried| tried.rank() == most).collect();
    let support = |tried: &Tried| -> f32 { equal.iter().map(|other| trial.alike(tried, other)).sum() };
    equal.iter().copied().max_by(|one, other| {
        let by_support = support(one).total_cmp(&support(other));
        by_support.then(one.log_prob.total_cmp(&other.log_prob))
    })
}

/// Whether a further try is not needed: one is right, or so many as are wanted are and do the same.
fn is_settled(tries: &[Tried], trial: &Trial<'_>) -> bool {
    let right = || tries.iter().filter(|tried| tried.is_right());
    if trial.inputs.is_empty() {
        return right().next().is_some();
    }
    right().any(|one| right().filter(|other| trial.are_alike(one, other)).count() >= ENOUGH)
}

/// Writes the function.
///
/// # Errors
/// From the model; [`AnswerError::Cancelled`].
pub(super) async fn solve(
    thinker: &Thinker<'_>,
    problem: &Problem,
    entry_point: Option<&str>,
) -> Result<Solution, AnswerError> {
    let effort = thinker.settings.effort;
    let once = effort == Effort::Low || thinks_by_itself(thinker.model) || thinker.settings.sandbox.is_none();
    let mut trial = Trial {
        entry_point,
        examples: examples(&problem.question, entry_point),
        inputs: Vec::new(),
    };
    if !once && effort == Effort::High {
        trial.inputs = inputs(thinker, problem, &trial).await;
    }
    let first = write(thinker, problem, &trial, 0).await?;
    let mut tries: Vec<Tried> = first.into_iter().collect();
    let mut stopped_by = StoppedBy::Completed;
    if !once && !is_settled(&tries, &trial) {
        if effort == Effort::High {
            more(thinker, problem, &trial, &mut tries).await?;
        }
        if !tries.iter().any(Tried::is_right) {
            let mended = mend(thinker, problem, &trial, &tries).await?;
            tries.extend(mended);
        }
        stopped_by = if thinker.budget.is_late() {
            StoppedBy::TimeLimit
        } else if thinker.budget.tokens_left() == 0 {
            StoppedBy::TokenBudget
        } else if is_settled(&tries, &trial) {
            StoppedBy::Agreement
        } else {
            StoppedBy::Completed
        };
    }
    let samples = u32::try_from(tries.len()).unwrap_or(u32::MAX);
    let best = best(&tries, &trial);
    let summary = best.map_or_else(
        || "nothing was written".to_owned(),
        |best| summary(best, &tries, &trial),
    );
    let report = report(thinker, samples, stopped_by, summary);
    let answer = best.map(|best| best.code.clone()).unwrap_or_default();
    Ok(solution(thinker, answer, None, report, None))
}

fn summary(best: &Tried, tries: &[Tried], trial: &Trial<'_>) -> String {
    let examples = format!(
        "{} of {} examples of the docstring give what it says",
        best.passed,
        trial.examples.len()
    );
    if trial.inputs.is_empty() {
        return examples;
    }
    let same = tries.iter().filter(|tried| trial.are_alike(tried, best)).count();
    format!(
        "{examples}; {same} of {} functions give the same for {} further inputs",
        tries.len(),
        trial.inputs.len()
    )
}

/// Inputs near those of the examples; none where the question gives nothing to begin with.
async fn inputs(thinker: &Thinker<'_>, problem: &Problem, trial: &Trial<'_>) -> Vec<String> {
    let (Some(sandbox), Some(name)) = (&thinker.settings.sandbox, trial.entry_point) else {
        return Vec::new();
    };
    let Some(program) = probes::input_program(&problem.question, name, &trial.examples) else {
        return Vec::new();
    };
    match sandbox.run_whole(&program, &Map::new()).await {
        Ok(ran) => probes::inputs(&ran.output),
        Err(_) => Vec::new(),
    }
}

/// Further tries beside each other, until they are enough.
async fn more(
    thinker: &Thinker<'_>,
    problem: &Problem,
    trial: &Trial<'_>,
    tries: &mut Vec<Tried>,
) -> Result<(), AnswerError> {
    let seeds = 1..TRIES;
    let further: Vec<_> = seeds
        .map(|seed| write(thinker, problem, trial, seed as u64).boxed())
        .collect();
    let mut running = stream::iter(further).buffer_unordered(4);
    while let Some(tried) = running.next().await {
        tries.extend(tried?);
        if is_settled(tries, trial) {
            break;
        }
    }
    Ok(())
}

async fn write(
    thinker: &Thinker<'_>,
    problem: &Problem,
    trial: &Trial<'_>,
    seed: u64,
) -> Result<Option<Tried>, AnswerError> {
    let plan = Plan {
        method: Method::Direct,
        temperature: match seed {
            0 => 0.0,
            1..=NEAR => TEMPERATURE,
            _ => HIGHER_TEMPERATURE,
        },
        seed,
        tokens: FUNCTION_TOKENS,
        weight: 1.0,
    };
    let request = thinker.request(problem, Method::Direct);
    let Some(written) = thinker.think(sampled(request, plan), plan.tokens).await? else {
        return Ok(None);
    };
    let code = whole(&problem.question, trial.entry_point, &written.text);
    let log_prob = written.log_prob.unwrap_or(0.0);
    Ok(Some(run(thinker, code, trial, log_prob).await))
}

/// The best try with what went wrong, shown to the model once.
async fn mend(
    thinker: &Thinker<'_>,
    problem: &Problem,
    trial: &Trial<'_>,
    tries: &[Tried],
) -> Result<Option<Tried>, AnswerError> {
    let Some(best) = best(tries, trial) else {
        return Ok(None);
    };
    let request = thinker.request(problem, Method::Direct);
    let wrong: Vec<&str> = best.failed.iter().take(3).map(String::as_str).collect();
    let request = prompts::repair(&request, &best.code, &wrong.join("; "));
    let Some(written) = thinker.think(request, FUNCTION_TOKENS).await? else {
        return Ok(None);
    };
    let code = whole(&problem.question, trial.entry_point, &written.text);
    let log_prob = written.log_prob.unwrap_or(0.0);
    Ok(Some(run(thinker, code, trial, log_prob).await))
}

/// The whole program: what stands before the function in the question, then what the model wrote.
fn whole(question: &str, entry_point: Option<&str>, reply: &str) -> String {
    let code = program::code_of(reply).unwrap_or_else(|| reply.trim_end().to_owned());
    let head = entry_point.map(|name| format!("def {name}"));
    let Some(head) = head else { return code };
    let before = question.find(&head).map_or("", |at| &question[..at]).trim();
    if !code.contains(&head) {
        // The body alone.
        let indented: Vec<String> = code
            .lines()
            .map(|line| {
                if line.trim().is_empty() || line.starts_with(' ') {
                    line.to_owned()
                } else {
                    format!("    {line}")
                }
            })
            .collect();
        return format!("{}\n{}\n", question.trim_matches('\n'), indented.join("\n"));
    }
    if before.is_empty() || code.starts_with(before) {
        return format!("{code}\n");
    }
    format!("{before}\n\n\n{code}\n")
}

/// Runs the examples, each by itself, and the further inputs.
async fn run(thinker: &Thinker<'_>, code: String, trial: &Trial<'_>, log_prob: f32) -> Tried {
    let mut tried = Tried {
        code,
        passed: 0,
        failed: Vec::new(),
        unknown: 0,
        behaviour: Vec::new(),
        log_prob,
    };
    let Some(sandbox) = &thinker.settings.sandbox else {
        return tried;
    };
    let checks = trial.examples.iter().map(|example| {
        let check = format!(
            "_result = {}\nprint(_result == ({}))\nprint(repr(_result))",
            example.call, example.expected
        );
        (check, Some(example))
    });
    // Without examples: that the function is there.
    let loads = trial
        .examples
        .is_empty()
        .then(|| (trial.entry_point.unwrap_or("None").to_owned(), None));
    for (check, example) in checks.chain(loads) {
        let program = format!("{}\n\n{check}\n", tried.code);
        let Ok(ran) = sandbox.run(&program, &Map::new()).await else {
            tried.unknown += 1;
            continue;
        };
        match (ran.error, example) {
            (Some(error), _) if program::is_lack(&error) => tried.unknown += 1,
            (Some(error), Some(example)) => tried.failed.push(format!("{} raises {error}", example.call)),
            (Some(error), None) => tried.failed.push(error),
            (None, None) => {}
            (None, Some(Example { call, expected })) => {
                let mut lines = ran.output.lines().rev();
                let (value, verdict) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
                if verdict == "True" {
                    tried.passed += 1;
                } else {
                    tried
                        .failed
                        .push(format!("{call} gives {value}, but must give {expected}"));
                }
            }
        }
    }
    if let (false, Some(name)) = (trial.inputs.is_empty(), trial.entry_point) {
        let program = probes::behaviour_program(&tried.code, name, &trial.inputs);
        if let Ok(ran) = sandbox.run_whole(&program, &Map::new()).await {
            tried.behaviour = probes::behaviour(&ran.output);
        }
    }
    tried
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(code: &str, passed: usize, failed: usize, behaviour: &[&str], log_prob: f32) -> Tried {
        Tried {
            code: code.to_owned(),
            passed,
            failed: vec!["wrong".to_owned(); failed],
            unknown: 0,
            behaviour: behaviour.iter().map(|&line| line.to_owned()).collect(),
            log_prob,
        }
    }

    fn trial(inputs: usize) -> Trial<'static> {
        Trial {
            entry_point: Some("f"),
            examples: Vec::new(),
            inputs: vec!["(1,)".to_owned(); inputs],
        }
    }

    #[test]
    fn of_functions_that_do_the_examples_the_one_is_taken_that_most_others_behave_like() {
        let tries = [
            tried("wrong", 1, 1, &["=1", "=2"], -0.1),
            tried("alone", 2, 0, &["=1", "=9"], -0.1),
            tried("likelier", 2, 0, &["=1", "=3"], -0.2),
            tried("likely", 2, 0, &["=1", "=3"], -0.3),
        ];
        let code = |tries: &[Tried], inputs| best(tries, &trial(inputs)).map(|best| best.code.clone());
        assert_eq!(code(&tries, 2).as_deref(), Some("likelier"));
        assert_eq!(code(&tries, 0).as_deref(), Some("alone"), "by likelihood alone");
        assert_eq!(
            code(&tries[..1], 2).as_deref(),
            Some("wrong"),
            "better than nothing"
        );
        assert_eq!(code(&[], 2), None);
    }

    #[test]
    fn enough_functions_are_those_that_do_the_same() {
        let right = |behaviour: &str| tried("f", 1, 0, &[behaviour], -0.1);
        let (same, other) = (vec![right("=1"); 3], right("=2"));
        assert!(is_settled(&same[..1], &trial(0)), "nothing to compare by");
        assert!(!is_settled(&[same.clone(), vec![other]].concat(), &trial(1)));
        assert!(is_settled(&[same, vec![right("=1")]].concat(), &trial(1)));
        assert!(!is_settled(&[tried("f", 1, 1, &["=1"], -0.1)], &trial(0)));
    }

    #[test]
    fn what_the_model_leaves_out_comes_from_the_question() {
        let question = "from typing import List\n\n\ndef f(x: List[int]):\n    \"\"\"Doc.\"\"\"\n";
        let written = "```python\ndef f(x):\n    return x\n```";
        assert_eq!(
            whole(question, Some("f"), written),
            "from typing import List\n\n\ndef f(x):\n    return x\n"
        );
        assert!(whole(question, Some("f"), "    return x").ends_with("\"\"\"Doc.\"\"\"\n    return x\n"));
        assert!(whole(question, Some("f"), "```python\nreturn x\n```").ends_with("\n    return x\n"));
        assert_eq!(whole(question, None, "```\nprint(1)\n```"), "print(1)");
    }
}

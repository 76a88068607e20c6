//! Functions: written, run against the examples of their own docstring, mended with what went wrong.
//!
//! Invariant: only examples that the question itself states are run, in the sandbox; a program that the sandbox can't
//! run is not counted as wrong.

use super::candidate::sampled;
use super::examples::{Example, examples};
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

/// A function that was tried.
#[derive(Debug, Clone)]
struct Tried {
    code: String,
    passed: usize,
    /// Examples that gave something else, with what they gave; the program's error where it did not run.
    failed: Vec<String>,
    /// Examples that the sandbox could not run.
    unknown: usize,
    log_prob: f32,
}

impl Tried {
    fn is_right(&self) -> bool {
        self.failed.is_empty()
    }

    /// Better is greater.
    fn rank(&self) -> (bool, usize, f32) {
        (self.is_right(), 2 * self.passed + self.unknown, self.log_prob)
    }
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
    let examples = examples(&problem.question, entry_point);
    let effort = thinker.settings.effort;
    let first = write(thinker, problem, entry_point, &examples, 0).await?;
    let mut tries: Vec<Tried> = first.into_iter().collect();
    let mut stopped_by = StoppedBy::Completed;
    let once = effort == Effort::Low || thinks_by_itself(thinker.model) || thinker.settings.sandbox.is_none();
    if !once && !tries.iter().any(Tried::is_right) {
        if effort == Effort::High {
            more(thinker, problem, entry_point, &examples, &mut tries).await?;
        }
        if !tries.iter().any(Tried::is_right) {
            let mended = mend(thinker, problem, entry_point, &examples, &tries).await?;
            tries.extend(mended);
        }
        stopped_by = if thinker.budget.is_late() {
            StoppedBy::TimeLimit
        } else if thinker.budget.tokens_left() == 0 {
            StoppedBy::TokenBudget
        } else if tries.iter().any(Tried::is_right) {
            StoppedBy::Agreement
        } else {
            StoppedBy::Completed
        };
    }
    let best = tries
        .iter()
        .max_by(|one, other| {
            let (one, other) = (one.rank(), other.rank());
            (one.0, one.1)
                .cmp(&(other.0, other.1))
                .then(one.2.total_cmp(&other.2))
        })
        .cloned();
    let samples = u32::try_from(tries.len()).unwrap_or(u32::MAX);
    let summary = best.as_ref().map_or_else(
        || "nothing was written".to_owned(),
        |best| {
            format!(
                "{} of {} examples of the docstring give what it says",
                best.passed,
                examples.len()
            )
        },
    );
    let report = report(thinker, samples, stopped_by, summary);
    let answer = best.map(|best| best.code).unwrap_or_default();
    Ok(solution(thinker, answer, None, report, None))
}

/// Further tries beside each other, until one is right.
async fn more(
    thinker: &Thinker<'_>,
    problem: &Problem,
    entry_point: Option<&str>,
    examples: &[Example],
    tries: &mut Vec<Tried>,
) -> Result<(), AnswerError> {
    let seeds = 1..TRIES;
    let further: Vec<_> = seeds
        .map(|seed| write(thinker, problem, entry_point, examples, seed as u64).boxed())
        .collect();
    let mut running = stream::iter(further).buffer_unordered(4);
    while let Some(tried) = running.next().await {
        tries.extend(tried?);
        if tries.last().is_some_and(Tried::is_right) {
            break;
        }
    }
    Ok(())
}

async fn write(
    thinker: &Thinker<'_>,
    problem: &Problem,
    entry_point: Option<&str>,
    examples: &[Example],
    seed: u64,
) -> Result<Option<Tried>, AnswerError> {
    let plan = Plan {
        method: Method::Direct,
        temperature: if seed == 0 { 0.0 } else { TEMPERATURE },
        seed,
        tokens: FUNCTION_TOKENS,
    };
    let request = thinker.request(problem, Method::Direct);
    let Some(written) = thinker.think(sampled(request, plan), plan.tokens).await? else {
        return Ok(None);
    };
    let code = whole(&problem.question, entry_point, &written.text);
    let log_prob = written.log_prob.unwrap_or(0.0);
    Ok(Some(run(thinker, code, entry_point, examples, log_prob).await))
}

/// The best try with what went wrong, shown to the model once.
async fn mend(
    thinker: &Thinker<'_>,
    problem: &Problem,
    entry_point: Option<&str>,
    examples: &[Example],
    tries: &[Tried],
) -> Result<Option<Tried>, AnswerError> {
    let Some(best) = tries.iter().max_by_key(|tried| tried.rank().1) else {
        return Ok(None);
    };
    let request = thinker.request(problem, Method::Direct);
    let wrong: Vec<&str> = best.failed.iter().take(3).map(String::as_str).collect();
    let request = prompts::repair(&request, &best.code, &wrong.join("; "));
    let Some(written) = thinker.think(request, FUNCTION_TOKENS).await? else {
        return Ok(None);
    };
    let code = whole(&problem.question, entry_point, &written.text);
    Ok(Some(run(thinker, code, entry_point, examples, -1.0).await))
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

/// Runs the examples, each by itself.
async fn run(
    thinker: &Thinker<'_>,
    code: String,
    entry_point: Option<&str>,
    examples: &[Example],
    log_prob: f32,
) -> Tried {
    let mut tried = Tried {
        code,
        passed: 0,
        failed: Vec::new(),
        unknown: 0,
        log_prob,
    };
    let Some(sandbox) = &thinker.settings.sandbox else {
        return tried;
    };
    let checks = examples.iter().map(|example| {
        let check = format!(
            "_result = {}\nprint(_result == ({}))\nprint(repr(_result))",
            example.call, example.expected
        );
        (check, Some(example))
    });
    let loads = (examples.is_empty()).then(|| {
        let check = entry_point.map_or_else(
            || "print(True)".to_owned(),
            |name| format!("print(callable({name}))"),
        );
        (check, None)
    });
    for (check, example) in checks.chain(loads) {
        let program = format!("{}\n\n{check}\n", tried.code);
        let Ok(ran) = sandbox.run(&program, &Map::new()).await else {
            tried.unknown += 1;
            continue;
        };
        match ran.error {
            Some(error) if program::is_lack(&error) => tried.unknown += 1,
            Some(error) => tried.failed.push(match example {
                Some(example) => format!("{} raises {error}", example.call),
                None => error,
            }),
            None => {
                let mut lines = ran.output.lines().rev();
                let (value, verdict) = match example {
                    Some(_) => (lines.next().unwrap_or(""), lines.next().unwrap_or("")),
                    None => ("", lines.next().unwrap_or("")),
                };
                if verdict == "True" {
                    tried.passed += 1;
                } else if let Some(example) = example {
                    let Example { call, expected } = example;
                    tried
                        .failed
                        .push(format!("{call} gives {value}, but must give {expected}"));
                } else {
                    tried.failed.push("the function is not there".to_owned());
                }
            }
        }
    }
    tried
}

#[cfg(test)]
mod tests {
    use super::*;

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

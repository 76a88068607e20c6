//! Thinking before an answer, with a model that says what each test tells it to and a worker that knows a few programs.
//!
//! What the real worker does with programs is tested in `boxwood-calculate`.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

use boxwood_answer::reason::{
    AnswerForm, Choice, Problem, Sandbox, Settings, Solution, StoppedBy, baseline, solve,
};
use boxwood_answer::{AnswerError, Progress, ProgressSink};
use boxwood_core::{ChatModel, ChatRequest, Effort};
use boxwood_ingest::WorkerCommand;
use boxwood_models::{ModelRegistry, ModelSettings, ResolvedModel};
use boxwood_test::{Script, ScriptedModel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A worker that prints what stands in `print(…)`, and fails on `fail(…)`.
const WORKER: &str = r#"job=$(cat)
case "$job" in
  *"fail("*) echo '{"output":"","error":"ZeroDivisionError: division by zero (line 1)"}';;
  *"import sympy"*) echo "{\"output\":\"\",\"error\":\"ModuleNotFoundError: No module named 'sympy'\"}";;
  *) value=$(printf %s "$job" | sed 's/.*print(\([^)]*\)).*/\1/'); echo "{\"output\":\"$value\",\"error\":null}";;
esac"#;

fn sandbox() -> Option<Sandbox> {
    Some(Sandbox::with_command(WorkerCommand {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), WORKER.into()],
    }))
}

fn program(value: &str) -> Script {
    Script::Says(format!("```python\nprint({value})\n```"))
}

fn words(value: &str) -> Script {
    Script::Says(format!("First I think of SECRET things. Answer: {value}"))
}

fn asks_for_program(request: &ChatRequest) -> bool {
    request.messages[0]
        .content
        .contains("Write a short Python program")
}

/// From now on the model replies with these to who asks for a program, and to all others.
fn write(model: &ScriptedModel, by_program: Script, in_words: Script) {
    model.respond_with(move |request| {
        let asks = asks_for_program(request);
        let script = if asks { &by_program } else { &in_words };
        Some(script.clone())
    });
}

fn writing(by_program: Script, in_words: Script) -> ScriptedModel {
    let model = ScriptedModel::saying("");
    write(&model, by_program, in_words);
    model
}

/// Everything that was reported.
#[derive(Default)]
struct Seen(Mutex<Vec<Progress>>);

impl ProgressSink for Seen {
    fn report(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

fn bare(question: &str, form: AnswerForm) -> Problem {
    Problem {
        context: None,
        question: question.to_owned(),
        form,
    }
}

fn about(text: &str, question: &str, form: AnswerForm) -> Problem {
    Problem {
        context: Some(text.to_owned()),
        ..bare(question, form)
    }
}

fn apples() -> Problem {
    bare(
        "Ann has 3 apples and buys 4. How many are there?",
        AnswerForm::Number,
    )
}

struct Run {
    result: Result<Solution, AnswerError>,
    seen: Vec<Progress>,
}

fn resolved(model: &ScriptedModel) -> ResolvedModel {
    let locals: Vec<Arc<dyn ChatModel>> = vec![Arc::new(model.clone())];
    let registry = ModelRegistry::new(ModelSettings::default(), locals, None).unwrap();
    registry.resolve(None).unwrap()
}

async fn run(model: &ScriptedModel, problem: &Problem, settings: &Settings) -> Run {
    let resolved = resolved(model);
    let seen = Seen::default();
    let result = solve(&resolved, problem, settings, &CancellationToken::new(), &seen).await;
    Run {
        result,
        seen: seen.0.into_inner().unwrap(),
    }
}

async fn solved(model: &ScriptedModel, problem: &Problem, effort: Effort) -> Solution {
    run(model, problem, &Settings::new(effort, "1", sandbox()))
        .await
        .result
        .unwrap()
}

#[tokio::test]
async fn low_is_one_completion_like_the_baseline() {
    let model = ScriptedModel::saying("3 + 4 = 7\nAnswer: 7");
    let solution = solved(&model, &apples(), Effort::Low).await;
    assert_eq!(solution.answer, "7");
    assert_eq!(solution.report.stopped_by, StoppedBy::Completed);
    assert_eq!(model.requests().len(), 1);

    let resolved = resolved(&model);
    let seen = Seen::default();
    let plain = baseline(&resolved, &apples(), "1", &CancellationToken::new(), &seen)
        .await
        .unwrap();
    assert_eq!(plain.answer, "7");
    let requests = model.requests();
    assert_eq!(requests[0].messages, requests[1].messages);
}

#[tokio::test]
async fn medium_agrees_by_a_program_and_in_words() {
    let model = writing(program("7"), words("7"));
    let solution = solved(&model, &apples(), Effort::Medium).await;
    assert_eq!(solution.answer, "7");
    assert_eq!(solution.report.stopped_by, StoppedBy::Agreement);
    assert_eq!((solution.report.samples, model.requests().len()), (2, 2));
    let calculation = solution.calculation.unwrap();
    assert_eq!(calculation.output, "7");
    assert!(!calculation.repaired);
    assert_eq!(solution.usage.reasoning_tokens, solution.usage.output_tokens);
    assert!(solution.usage.output_tokens > 0);
    assert!(solution.agreement.unwrap() > 0.9);
}

#[tokio::test]
async fn a_third_way_decides_where_two_differ() {
    let model = ScriptedModel::saying("");
    model.respond_with(|request| {
        let in_steps = request.messages[0].content.contains("Think step by step");
        Some(match asks_for_program(request) {
            true => program("7"),
            false => words(if in_steps { "12" } else { "7" }),
        })
    });
    let solution = solved(&model, &apples(), Effort::Medium).await;
    assert_eq!(solution.answer, "7");
    assert_eq!(model.requests().len(), 3);
    assert_eq!(
        solution.report.summary,
        "2 of 3 samples came to this answer: 1 by a program, 1 in words"
    );
}

#[tokio::test]
async fn a_program_that_fails_is_shown_its_error_once() {
    let model = ScriptedModel::saying("");
    model.respond_with(|request| {
        Some(match (asks_for_program(request), request.messages.len()) {
            (true, 1) => Script::Says("```python\nfail(1)\n```".to_owned()),
            (true, _) => program("7"),
            (false, _) => words("7"),
        })
    });
    let solution = solved(&model, &apples(), Effort::Medium).await;
    assert_eq!(solution.answer, "7");
    assert!(solution.calculation.unwrap().repaired);
    let requests = model.requests();
    let repair = requests
        .iter()
        .find(|request| request.messages.len() == 3)
        .unwrap();
    assert!(
        repair.messages[2]
            .content
            .contains("ZeroDivisionError: division by zero (line 1)")
    );
    assert!(repair.messages[1].content.contains("fail(1)"));

    // A second failure is not shown again: the words are all there is.
    write(
        &model,
        Script::Says("```python\nfail(1)\n```".to_owned()),
        words("8"),
    );
    let solution = solved(&model, &apples(), Effort::Medium).await;
    assert_eq!((solution.answer.as_str(), solution.calculation), ("8", None));
}

#[tokio::test]
async fn high_ends_as_soon_as_the_samples_agree() {
    let model = writing(program("7"), words("7"));
    let solution = solved(&model, &apples(), Effort::High).await;
    assert_eq!(solution.answer, "7");
    assert_eq!(solution.report.stopped_by, StoppedBy::Agreement);
    assert!(model.requests().len() < 10, "{}", model.requests().len());
    assert_eq!(model.running(), 0);
}

#[tokio::test]
async fn high_outvotes_a_greedy_mistake() {
    let model = ScriptedModel::saying("");
    model.respond_with(|request| {
        let greedy = request.sampling.temperature == Some(0.0);
        let value = if greedy { "12" } else { "7" };
        Some(if asks_for_program(request) {
            program(value)
        } else {
            words(value)
        })
    });
    let solution = solved(&model, &apples(), Effort::High).await;
    assert_eq!(solution.answer, "7");
    let samples = model.requests();
    assert!(samples.iter().all(|request| {
        request
            .shared_prefix
            .as_ref()
            .is_some_and(|prefix| prefix.boundary > 0)
    }));
}

#[tokio::test]
async fn the_budget_of_tokens_holds_and_the_best_answer_is_given() {
    let model = ScriptedModel::saying("");
    let long = "word ".repeat(3_000);
    model.respond_with(move |request| {
        Some(match request.messages.len() {
            1 => Script::Says(long.clone()),
            _ => Script::Says("7".to_owned()),
        })
    });
    let mut settings = Settings::new(Effort::High, "1", sandbox());
    settings.token_budget = 500;
    let solution = run(&model, &apples(), &settings).await.result.unwrap();
    assert_eq!(solution.answer, "7");
    assert_eq!(solution.report.stopped_by, StoppedBy::TokenBudget);
    assert!(
        solution.usage.output_tokens <= 500,
        "{}",
        solution.usage.output_tokens
    );
}

#[tokio::test]
async fn the_time_limit_holds_also_when_nothing_came() {
    let model = ScriptedModel::saying("Answer: 7");
    model.hold();
    let mut settings = Settings::new(Effort::High, "1", sandbox());
    settings.time_limit = Some(Duration::from_millis(600));
    let started = tokio::time::Instant::now();
    let solution = run(&model, &apples(), &settings).await.result.unwrap();
    assert!(started.elapsed() <= Duration::from_secs(5));
    assert_eq!(solution.report.stopped_by, StoppedBy::TimeLimit);
    assert_eq!(solution.answer, "");
    assert_eq!(model.running(), 0);
}

#[tokio::test]
async fn thinking_is_progress_and_never_the_answer() {
    let model = writing(program("12.5%"), words("12.5%"));
    let form = [AnswerForm::Text, AnswerForm::Number, AnswerForm::Math];
    for form in form {
        let problem = about(
            "Sales: 80 in 2018, 90 in 2019.",
            "What was the percentage change in sales from 80 to 90?",
            form,
        );
        for effort in [Effort::Medium, Effort::High] {
            let run = run(&model, &problem, &Settings::new(effort, "1", sandbox())).await;
            let solution = run.result.unwrap();
            assert!(
                !solution.answer.contains("SECRET") && !solution.answer.contains("print"),
                "{}",
                solution.answer
            );
            assert!(!solution.report.summary.contains("SECRET"));
            assert!(
                run.seen
                    .iter()
                    .any(|progress| matches!(progress, Progress::Thinking(_)))
            );
            assert!(
                !run.seen
                    .iter()
                    .any(|progress| matches!(progress, Progress::Draft(_)))
            );
        }
    }
}

#[tokio::test]
async fn the_values_of_a_program_are_traced_to_the_text() {
    let model = writing(
        Script::Says("```python\nnew = 1234.5\nold = 999\nprint(23.5%)\n```".to_owned()),
        words("23.5%"),
    );
    let problem = about(
        "| 2019 | 2018 |\n| $1,234.50 | 1,000 |",
        "What was the percentage change in sales between 2018 and 2019?",
        AnswerForm::Text,
    );
    let solution = solved(&model, &problem, Effort::Medium).await;
    let values = solution.calculation.unwrap().values;
    assert_eq!(values[0].stated_as.as_deref(), Some("1,234.50"));
    assert_eq!(
        (values[1].value.as_str(), values[1].stated_as.as_deref()),
        ("999", None)
    );
}

#[tokio::test]
async fn a_program_gets_the_tables_and_what_it_reads_is_traced() {
    let program = "new, old = cell('Sales', 2019), cell('Sales', 2018)\nprint((new - old) / old)";
    let by_program = Script::Says(format!("```python\n{program}\n```"));
    let model = writing(by_program, words("25%"));
    let worker = r#"case "$(cat)" in
  *'"tables":[[["",2019,2018],["Sales",1250,1000]]]'*) echo '{"output":"25%","error":null,"cells":[[0,1,1],[0,1,2],[7,0,0]]}';;
  *) echo '{"output":"","error":"ValueError: there are no tables"}';;
esac"#;
    let sandbox = Sandbox::with_command(WorkerCommand {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), worker.into()],
    });
    let problem = about(
        "|  | 2019 | 2018 |\n| Sales | $1,250 | $1,000 |",
        "What was the percentage change in sales between 2018 and 2019?",
        AnswerForm::Text,
    );
    let settings = Settings::new(Effort::Medium, "1", Some(sandbox));
    let solution = run(&model, &problem, &settings).await.result.unwrap();
    assert_eq!(solution.answer, "25%");
    let values = serde_json::to_value(solution.calculation.unwrap().values).unwrap();
    assert_eq!(
        values,
        serde_json::json!([
            {"value": "1250", "stated_as": "$1,250", "cell": "Sales, 2019"},
            {"value": "1000", "stated_as": "$1,000", "cell": "Sales, 2018"},
            {"value": "2019", "stated_as": "2019"},
            {"value": "2018", "stated_as": "2018"},
        ])
    );
}

#[tokio::test]
async fn a_look_up_costs_one_completion() {
    let model = ScriptedModel::saying("46,552");
    let problem = about(
        "| 2019 | 46,552 |\n| 2018 | 12 |",
        "What were the shares in 2019?",
        AnswerForm::Text,
    );
    for effort in [Effort::Low, Effort::Medium, Effort::High] {
        let before = model.requests().len();
        assert_eq!(solved(&model, &problem, effort).await.answer, "46,552");
        assert_eq!(model.requests().len() - before, 1);
    }
}

#[tokio::test]
async fn without_a_sandbox_words_are_all_there_is() {
    let model = ScriptedModel::saying("Answer: 7");
    let run = run(&model, &apples(), &Settings::new(Effort::High, "1", None)).await;
    let solution = run.result.unwrap();
    assert_eq!((solution.answer.as_str(), solution.calculation), ("7", None));
    assert!(!model.requests().iter().any(asks_for_program));
}

#[tokio::test]
async fn options_are_chosen_by_their_likelihood_and_in_words() {
    let model = ScriptedModel::saying("Think. Answer: (A)");
    let choices = Choice::labelled(["Up", "Down"]);
    let problem = bare("Which way?", AnswerForm::Choice(choices));
    // A model that likes the first letter best likes both options alike.
    let solution = solved(&model, &problem, Effort::Medium).await;
    assert_eq!(solution.answer, "A");
    assert_eq!(model.requests().len(), 2, "a letter alone settles nothing");

    model.prefer("Up");
    assert_eq!(solved(&model, &problem, Effort::Medium).await.answer, "A");
    assert_eq!(
        model.requests().len(),
        3,
        "the scores and the first thought agree"
    );

    model.prefer("Down");
    model.respond_with(|_| Some(Script::Says("No idea.".to_owned())));
    assert_eq!(solved(&model, &problem, Effort::Medium).await.answer, "B");
}

#[tokio::test]
async fn a_model_that_fails_is_told_and_a_cancelled_question_ends() {
    let model = ScriptedModel::saying("");
    model.respond_with(|_| Some(Script::Breaks));
    let failed = run(&model, &apples(), &Settings::new(Effort::Medium, "1", sandbox())).await;
    assert!(matches!(failed.result, Err(AnswerError::Generation(_))));

    let resolved = resolved(&model);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let settings = Settings::new(Effort::Low, "1", None);
    let result = solve(&resolved, &apples(), &settings, &cancel, &Seen::default()).await;
    assert!(matches!(result, Err(AnswerError::Cancelled)));
}

#[tokio::test]
async fn one_failure_among_samples_is_passed_over() {
    let model = writing(Script::Breaks, words("7"));
    assert_eq!(solved(&model, &apples(), Effort::Medium).await.answer, "7");
}

#[tokio::test]
async fn a_function_is_held_to_its_own_examples() {
    let model = ScriptedModel::saying("");
    // The worker takes the first `print(…)` of the last line it finds; a right program holds the mark it prints.
    model.respond_with(|request| {
        Some(Script::Says(match request.messages.len() {
            1 => "```python\ndef f(x):\n    fail(x)\n```".to_owned(),
            _ => "```python\ndef f(x):\n    return x\n```".to_owned(),
        }))
    });
    let form = AnswerForm::Code {
        entry_point: Some("f".to_owned()),
    };
    let problem = bare(
        "def f(x):\n    \"\"\"Same.\n    >>> f(1)\n    1\n    \"\"\"\n",
        form,
    );
    let solution = solved(&model, &problem, Effort::Medium).await;
    let requests = model.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[1].messages[2]
            .content
            .contains("f(1) raises ZeroDivisionError")
    );
    assert!(solution.answer.starts_with("def f(x):"));
    let low = solved(&model, &problem, Effort::Low).await;
    assert!(low.answer.contains("fail"), "low does not mend");
}

#[tokio::test]
async fn a_structured_reply_is_thought_about_freely_and_held_to_its_schema() {
    use boxwood_answer::reason::think_first;
    use boxwood_core::{ChatMessage, ChatRole, JsonSchemaFormat, SharedPrefix};
    let model = ScriptedModel::saying("The total stands in row 3.");
    let resolved = resolved(&model);
    let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "DOCUMENT Fill in.")], 300);
    request.shared_prefix = Some(SharedPrefix {
        boundary: 8,
        partition: "1".to_owned(),
    });
    request.response_format = Some(JsonSchemaFormat {
        name: "fields".to_owned(),
        schema: serde_json::json!({"type": "object"}),
    });
    let cancel = CancellationToken::new();
    for (effort, thoughts) in [(Effort::Low, 0), (Effort::High, 1)] {
        let settings = Settings::new(effort, "1", None);
        let before = model.requests().len();
        let (changed, usage) = think_first(&resolved, request.clone(), &settings, &cancel, &Seen::default())
            .await
            .unwrap();
        assert_eq!(model.requests().len() - before, thoughts);
        assert_eq!(changed.response_format, request.response_format);
        assert_eq!(changed.shared_prefix, request.shared_prefix);
        assert!(changed.messages[0].content.starts_with("DOCUMENT Fill in."));
        assert_eq!(usage.reasoning_tokens > 0, thoughts > 0);
        assert_eq!(changed.messages[0].content.contains("row 3"), thoughts > 0);
    }
    assert!(
        model
            .requests()
            .iter()
            .all(|request| request.response_format.is_none()),
        "thinking is free"
    );
}

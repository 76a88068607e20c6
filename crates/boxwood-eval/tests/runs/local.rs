//! In this process: every task, failures, stopping and going on.

use crate::{Given, HELPER, Stop, lines, model, questions};
use boxwood_answer::{AnswerConfig, AnswerService, Library};
use boxwood_core::{ChatModel, ChatRequest};
use boxwood_eval::program::ProgramRunner;
use boxwood_eval::run::run;
use boxwood_eval::score::score;
use boxwood_eval::target::local::{LocalSettings, LocalTarget};
use boxwood_eval::{Predictions, report::RunSummary};
use boxwood_ingest::{IngestConfig, Ingestor, WorkerCommand};
use boxwood_models::{ModelRegistry, ModelSettings};
use boxwood_store::{SqliteStore, StoreOptions};
use boxwood_test::{Script, ScriptedModel};
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A target over a scripted model; the folder goes with it.
async fn target(model: &ScriptedModel, settings: LocalSettings) -> (LocalTarget, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(StoreOptions {
        parser_version: boxwood_ingest::PARSER_VERSION,
        ..StoreOptions::new(folder.path())
    });
    let worker = WorkerCommand {
        program: HELPER.into(),
        arguments: vec!["ingest-worker".into()],
    };
    let ingestor = Ingestor::new(IngestConfig {
        worker_command: Some(worker),
        ..IngestConfig::default()
    });
    let library = Arc::new(Library::new(Arc::new(store.await.unwrap()), ingestor));
    let locals = vec![Arc::new(model.clone()) as Arc<dyn ChatModel>];
    let registry = ModelRegistry::new(ModelSettings::default(), locals, None).unwrap();
    let service = AnswerService::new(library, registry, AnswerConfig::default());
    (LocalTarget::new(Arc::new(service), settings).unwrap(), folder)
}

async fn usual(model: &ScriptedModel) -> (LocalTarget, TempDir) {
    target(model, LocalSettings::default()).await
}

#[tokio::test]
async fn questions_are_answered_with_their_sources_and_cost() {
    let given = Given::new(&questions());
    let (target, _folder) = usual(&model()).await;
    let end = given.run(&target).await.unwrap();
    assert_eq!((end.asked, end.interrupted), (3, false));
    let first = &lines(&given.out())[0];
    assert_eq!(first["answer"], "The sun of q1 rises in the east.");
    assert_eq!(first["sources"], json!(["q1/b"]), "{first}");
    assert_eq!(first["model"], "scripted__model");
    assert!(first["usage"]["input_tokens"].as_u64().unwrap() > 10, "{first}");
    assert!(
        first["timings"]["gather"].is_f64() && first["seconds"].is_f64(),
        "{first}"
    );
    let summary = RunSummary::new(
        "x".to_owned(),
        None,
        &given.set,
        &Predictions::read(&given.out()).unwrap(),
    );
    assert!(
        summary.scores.percent() > 20.0 && summary.calibration.is_some(),
        "{summary:?}"
    );
    assert_eq!(summary.steps.first().unwrap().0, "gather");
}

#[tokio::test]
async fn a_failed_row_is_recorded_and_the_others_are_asked() {
    let mut rows = questions();
    rows[1]["documents"] = json!([{"doc_id": "bad", "path": "bad.pdf"}]);
    let folder = tempfile::tempdir().unwrap();
    let text: Vec<String> = rows.iter().map(ToString::to_string).collect();
    std::fs::write(folder.path().join("bad.pdf"), "%PDF-1.7\nnothing of a PDF").unwrap();
    std::fs::write(folder.path().join("dev.jsonl"), text.join("\n")).unwrap();
    let set = boxwood_eval::DataSet::read(folder.path(), "dev", boxwood_eval::DocumentChoice::Given).unwrap();
    let given = Given { folder, set };
    let model = model();
    let (target, _folder) = usual(&model).await;
    given.run(&target).await.unwrap();
    let written = lines(&given.out());
    assert_eq!(written.len(), 3);
    assert_eq!(written[1]["answer"], json!(null));
    assert!(
        written[1]["error"].as_str().unwrap().contains("bad.pdf"),
        "{}",
        written[1]
    );
    assert_eq!(
        score(&given.set, &Predictions::read(&given.out()).unwrap()).errors,
        1
    );
    // What failed stays failed, unless it is asked for again.
    let asked = model.requests().len();
    given.run(&target).await.unwrap();
    assert_eq!(model.requests().len(), asked);
    let again = boxwood_eval::run::RunOptions {
        retry_errors: true,
        ..given.options()
    };
    let end = run(
        &given.set,
        &target,
        None,
        &again,
        &Stop::never(),
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_eq!((end.asked, end.predictions.len()), (1, 3));
}

#[tokio::test]
async fn a_stopped_run_goes_on_where_it_was() {
    let given = Given::new(&questions());
    let model = model();
    let (target, _folder) = usual(&model).await;
    let cancel = CancellationToken::new();
    let stop = Stop::after(1, cancel.clone());
    let end = run(&given.set, &target, None, &given.options(), &stop, &cancel)
        .await
        .unwrap();
    assert_eq!((end.asked, end.interrupted), (1, true));
    assert_eq!(given.ids(), ["q1"]);
    let before = model.requests().len();
    let end = given.run(&target).await.unwrap();
    assert_eq!((end.asked, end.interrupted), (2, false));
    assert_eq!(given.ids(), ["q1", "q2", "q3"]);
    let asked = model.requests().split_off(before);
    let again = asked.iter().any(|request| {
        request
            .messages
            .iter()
            .any(|message| message.content.contains("sun of q1 rise?"))
    });
    assert!(!again, "an answered row is not asked again");
}

#[tokio::test]
async fn a_cut_line_is_asked_again_and_the_file_is_whole() {
    let given = Given::new(&questions());
    let (target, _folder) = usual(&model()).await;
    given.run(&target).await.unwrap();
    let whole = std::fs::read(given.out()).unwrap();
    std::fs::write(given.out(), &whole[..whole.len() - 40]).unwrap();
    let end = given.run(&target).await.unwrap();
    assert_eq!(end.asked, 1);
    assert_eq!(given.ids(), ["q1", "q2", "q3"]);
    assert_eq!(
        lines(&given.out())[2]["answer"],
        "The sun of q3 rises in the north."
    );
}

#[tokio::test]
async fn rows_are_asked_beside_each_other_and_written_in_order() {
    let given = Given::new(&questions());
    let (target, _folder) = usual(&model()).await;
    let options = boxwood_eval::run::RunOptions {
        parallel: 3,
        ..given.options()
    };
    run(
        &given.set,
        &target,
        None,
        &options,
        &Stop::never(),
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_eq!(given.ids(), ["q1", "q2", "q3"]);
}

#[tokio::test]
async fn a_conversation_is_told_to_the_model() {
    let mut row = questions().remove(0);
    row["task"] = json!("dialog");
    row["answerability"] = json!("ANSWERABLE");
    row["history"] =
        json!([{"role": "user", "content": "Is it warm?"}, {"role": "assistant", "content": "Rather."}]);
    let given = Given::new(&[row]);
    let model = model();
    let (target, _folder) = usual(&model).await;
    given.run(&target).await.unwrap();
    let told: String = model.requests()[0]
        .messages
        .iter()
        .map(|message| message.content.clone())
        .collect();
    assert!(told.contains("Is it warm?") && told.contains("Rather."), "{told}");
}

#[tokio::test]
async fn fields_are_extracted_with_confidence() {
    let given = Given::new(&[json!({
        "id": "e1", "set": "sroie", "task": "extract", "expected": {"company": "Example Ltd", "total": 12.5},
        "documents": [{"doc_id": "d", "text": "Example Ltd\nTotal: 12.50"}],
        "schema": {"type": "object", "properties": {"company": {"type": "string"}, "total": {"type": "number"}}},
    })]);
    let model = ScriptedModel::saying("{}");
    model.respond_with(|request: &ChatRequest| {
        let properties = request.response_format.as_ref()?.schema["properties"]
            .as_object()?
            .clone();
        let value = |key: &str| if key == "total" { "12.50" } else { "Example Ltd" };
        let members = properties.keys().map(|key| (key.clone(), json!(value(key))));
        Some(Script::SaysJson(
            members.collect::<serde_json::Map<_, _>>().into(),
        ))
    });
    let (target, _folder) = usual(&model).await;
    given.run(&target).await.unwrap();
    let written = &lines(&given.out())[0];
    assert_eq!(
        written["answer"],
        json!({"company": "Example Ltd", "total": 12.5}),
        "{written}"
    );
    assert!(written["confidence"]["total"]["score"].is_number(), "{written}");
    let scores = score(&given.set, &Predictions::read(&given.out()).unwrap());
    assert_eq!(
        (scores.metrics["f1"].clone(), scores.judgements().len()),
        (json!(100.0), 2)
    );
}

#[tokio::test]
async fn values_are_held_to_the_schema() {
    let given = Given::new(&[
        json!({"id": "j1", "task": "jsonschema", "schema": {"type": "array", "items": {"type": "integer"}}}),
    ]);
    let model = ScriptedModel::saying("[]");
    model.next(Script::SaysJson(json!([1, 2])));
    let (target, _folder) = usual(&model).await;
    given.run(&target).await.unwrap();
    assert_eq!(lines(&given.out())[0]["answer"], json!([1, 2]));
    let asked = &model.requests()[0];
    assert_eq!(asked.response_format.as_ref().unwrap().schema["type"], "array");
}

#[tokio::test]
async fn programs_are_run_against_their_tests() {
    let row = |id: &str| {
        json!({"id": id, "set": "humaneval", "task": "code", "entry_point": "twice",
               "question": format!("def twice(x):\n    \"\"\"Twice of {id}.\"\"\"\n"), "test": "def check(candidate):\n    assert candidate(2) == 4\n"})
    };
    let given = Given::new(&[row("c1"), row("c2")]);
    let model = ScriptedModel::saying("```python\ndef twice(x):\n    return x + 3\n```");
    model.next(Script::Says(
        "```python\ndef twice(x):\n    return 2 * x\n```".to_owned(),
    ));
    let settings = LocalSettings {
        effort: Some(boxwood_eval::EffortChoice::Baseline),
        ..LocalSettings::default()
    };
    let (target, _folder) = target(&model, settings).await;
    let programs = ProgramRunner::find(HELPER.into()).await.unwrap();
    run(
        &given.set,
        &target,
        Some(&programs),
        &given.options(),
        &Stop::never(),
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    let written = lines(&given.out());
    assert_eq!(written[0]["passed"], true, "{}", written[0]);
    assert_eq!(
        (&written[1]["passed"], &written[1]["failure"]),
        (&json!(false), &json!("AssertionError"))
    );
}

#[tokio::test]
async fn files_are_read_or_refused() {
    let row = |id: &str, text: &str| json!({"id": id, "task": "robust", "documents": [{"doc_id": id, "title": format!("{id}.pdf"), "text": text}]});
    let given = Given::new(&[row("f1", "Plain text."), row("f2", "%PDF-1.7\nnothing of a PDF")]);
    let (target, _folder) = usual(&model()).await;
    given.run(&target).await.unwrap();
    let outcomes: Vec<_> = lines(&given.out())
        .iter()
        .map(|line| line["answer"]["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["text", "refused"]);
}

#[tokio::test]
async fn a_model_that_is_not_there_ends_the_run_before_it_begins() {
    let (_target, _folder) = usual(&model()).await;
    let registry = ModelRegistry::new(ModelSettings::default(), Vec::new(), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(StoreOptions::new(folder.path())).await.unwrap();
    let library = Arc::new(Library::new(
        Arc::new(store),
        Ingestor::new(IngestConfig::default()),
    ));
    let service = AnswerService::new(library, registry, AnswerConfig::default());
    let error = LocalTarget::new(Arc::new(service), LocalSettings::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("boxwood models pull"), "{error}");
}

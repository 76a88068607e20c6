//! What is recorded is played back; what was not recorded is refused with the nearest recording.

use super::*;
use crate::settings::ModelSettings;
use async_trait::async_trait;
use boxwood_core::{ChatMessage, ChatModel, ChatRole, ChatStream, Embedder, FinishReason, ImageInput, Usage};
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Answers with the number of the request; its third one breaks off.
struct Counting(ModelIdentity, AtomicU32);

fn identity() -> ModelIdentity {
    ModelIdentity {
        name: "boxwood__x".into(),
        provider: "boxwood".into(),
        context_window: 8_192,
        max_output_tokens: 1_000,
        images: true,
        scores_choices: true,
        json_schema: false,
        tools: false,
    }
}

#[async_trait]
impl ChatModel for Counting {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        Ok(text.len() as u32)
    }

    async fn stream(&self, _: ChatRequest) -> Result<ChatStream, ModelError> {
        let number = self.1.fetch_add(1, Ordering::Relaxed);
        let text = ChatEvent::Text {
            text: format!("answer {number}"),
            log_prob: Some(-0.25),
        };
        let end = ChatEvent::End {
            finish: FinishReason::Stop,
            usage: Usage {
                input_tokens: 5,
                output_tokens: 2,
                ..Usage::default()
            },
        };
        let last = match number {
            2 => Err(ModelError::Failed {
                model: "boxwood__x".into(),
                message: "the host broke off".into(),
            }),
            _ => Ok(end),
        };
        Ok(futures::stream::iter([Ok(text), last]).boxed())
    }

    async fn score_choices(&self, _: ChatRequest, choices: &[String]) -> Result<ChoiceScores, ModelError> {
        Ok(ChoiceScores {
            log_probs: vec![-0.5; choices.len()],
            token_log_probs: vec![vec![-0.5]; choices.len()],
            state: None,
        })
    }
}

/// One that thinks by itself.
struct Thoughtful(Counting);

#[async_trait]
impl ChatModel for Thoughtful {
    fn identity(&self) -> &ModelIdentity {
        self.0.identity()
    }

    fn thinks(&self) -> bool {
        true
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        self.0.count_tokens(text).await
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        self.0.stream(request).await
    }
}

/// Turns a text into its length.
struct Lengths(ModelIdentity);

#[async_trait]
impl Embedder for Lengths {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn dimensions(&self) -> usize {
        2
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(texts.iter().map(|text| vec![0.1, text.len() as f32]).collect())
    }
}

fn request(text: &str) -> ChatRequest {
    let mut message = ChatMessage::new(ChatRole::User, text);
    message.images.push(ImageInput {
        media_type: "image/png".into(),
        bytes: vec![1, 2, 3],
    });
    ChatRequest::new(vec![message], 100)
}

async fn all(model: &dyn ChatModel, request: ChatRequest) -> Result<Vec<ChatEvent>, ModelError> {
    model.stream(request).await?.try_collect().await
}

async fn recorded(path: &std::path::Path) -> (Vec<Vec<ChatEvent>>, ChoiceScores) {
    let model = Counting(identity(), AtomicU32::new(0));
    let model = Recorded::new(Arc::new(model), Arc::new(Recorder::open(path).unwrap()));
    let first = all(&model, request("How many?")).await.unwrap();
    let second = all(&model, request("How many?")).await.unwrap();
    all(&model, request("Broken?")).await.unwrap_err();
    // Dropped before anything came: not recorded.
    drop(model.stream(request("Dropped?")).await.unwrap());
    let scores = model
        .score_choices(request("How many?"), &["yes".into()])
        .await
        .unwrap();
    model.count_tokens("four").await.unwrap();
    (vec![first, second], scores)
}

#[tokio::test]
async fn what_was_recorded_is_played_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    let (events, scores) = recorded(&path).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(!text.contains("\"bytes\"") && text.contains("sha256"), "{text}");
    let cassette = Arc::new(Cassette::open(&path).unwrap());
    assert_eq!(cassette.identities(), [identity()]);
    let model = Replayed::new(identity(), cassette);
    assert_eq!(all(&model, request("How many?")).await.unwrap(), events[0]);
    // The second time, the second recording; after the last one, the last.
    for _ in 0..2 {
        assert_eq!(all(&model, request("How many?")).await.unwrap(), events[1]);
    }
    let mut broken = model.stream(request("Broken?")).await.unwrap();
    assert!(broken.next().await.unwrap().is_ok());
    assert!(matches!(
        broken.next().await,
        Some(Err(ModelError::Failed { .. }))
    ));
    let again = model
        .score_choices(request("How many?"), &["yes".into()])
        .await
        .unwrap();
    assert_eq!((again, model.count_tokens("four").await.unwrap()), (scores, 4));
}

#[tokio::test]
async fn a_cassette_that_is_extended_is_asked_only_for_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    let settings = ModelSettings {
        extend: Some(path.clone()),
        ..ModelSettings::default()
    };
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    let model = || -> Arc<dyn ChatModel> { Arc::new(Counting(identity(), AtomicU32::new(0))) };
    let first = Tape::open(&settings).unwrap().around(model());
    let said = all(&*first, request("How many?")).await.unwrap();
    let scores = first
        .score_choices(request("How many?"), &["yes".into()])
        .await
        .unwrap();
    assert_eq!(first.count_tokens("four").await.unwrap(), 4);
    assert_eq!(lines(), 3);

    let tape = Tape::open(&settings).unwrap();
    let second = tape.around(model());
    assert_eq!(all(&*second, request("How many?")).await.unwrap(), said);
    let again = second
        .score_choices(request("How many?"), &["yes".into()])
        .await
        .unwrap();
    assert_eq!((again, second.count_tokens("four").await.unwrap()), (scores, 4));
    assert_eq!(lines(), 3, "nothing was asked");
    // The model's own first answer: it was not asked before.
    assert_eq!(all(&*second, request("How few?")).await.unwrap(), said);
    assert_eq!(lines(), 4);
    let embedder = tape.around_embedder(Arc::new(Lengths(identity())));
    let texts = ["one".to_owned()];
    let vectors = embedder.embed(&texts).await.unwrap();
    let embedder = Tape::open(&settings)
        .unwrap()
        .around_embedder(Arc::new(Lengths(identity())));
    assert_eq!(embedder.embed(&texts).await.unwrap(), vectors);
    assert_eq!((lines(), embedder.dimensions()), (5, 2));
}

#[tokio::test]
async fn a_completion_that_was_stopped_is_played_up_to_there_and_asked_anew_by_one_that_extends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    let settings = ModelSettings {
        extend: Some(path.clone()),
        ..ModelSettings::default()
    };
    let model = || -> Arc<dyn ChatModel> { Arc::new(Counting(identity(), AtomicU32::new(0))) };
    let extended = || Tape::open(&settings).unwrap().around(model());
    let mut stopped = extended().stream(request("How many?")).await.unwrap();
    let heard = stopped.next().await.unwrap().unwrap();
    drop(stopped);
    let played = Replayed::new(identity(), Arc::new(Cassette::open(&path).unwrap()));
    let mut again = played.stream(request("How many?")).await.unwrap();
    assert_eq!(again.next().await.unwrap().unwrap(), heard);
    let past_it = again.next().await.unwrap().unwrap_err().to_string();
    assert!(past_it.contains("its recording ends here"), "{past_it}");
    assert_eq!(all(&*extended(), request("How many?")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_miss_names_the_nearest_recording_and_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    recorded(&path).await;
    let model = Replayed::new(identity(), Arc::new(Cassette::open(&path).unwrap()));
    let check = async |request: ChatRequest, parts: &[&str]| {
        let message = all(&model, request).await.unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
        assert!(!message.contains("secret"), "{message}");
    };
    check(
        request("How many secret things?"),
        &["line 1", "`messages[0].content`", "character 8"],
    )
    .await;
    let more = ChatRequest {
        max_output_tokens: 200,
        ..request("How many?")
    };
    check(
        more,
        &[
            "line 1",
            "`max_output_tokens` was recorded as 100, and is asked as 200",
        ],
    )
    .await;
    let mut picture = request("How many?");
    picture.messages[0].images[0].bytes.push(4);
    check(picture, &["line 1", "`messages[0].images[0].sha256`"]).await;
    check(request("Dropped?"), &["line"]).await;
    let other = ModelIdentity {
        name: "boxwood__y".into(),
        ..identity()
    };
    let other = Replayed::new(other, Arc::new(Cassette::open(&path).unwrap()));
    let message = all(&other, request("How many?")).await.unwrap_err().to_string();
    assert!(message.contains("it holds boxwood__x"), "{message}");
    assert!(model.count_tokens("five!").await.is_err());
}

#[tokio::test]
async fn a_damaged_cassette_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    recorded(&path).await;
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"cassette\":1}\n");
    std::fs::write(&path, &text).unwrap();
    assert!(Cassette::open(&path).unwrap_err().contains("line 6"));
    std::fs::write(
        &path,
        text.lines()
            .next()
            .unwrap()
            .replace("\"cassette\":1", "\"cassette\":9"),
    )
    .unwrap();
    assert!(Cassette::open(&path).unwrap_err().contains("version 9"));
    assert!(Cassette::open(&folder.path().join("none")).is_err());
}

#[tokio::test]
async fn a_model_that_thinks_by_itself_does_so_recorded_and_played_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    let recorder = Arc::new(Recorder::open(&path).unwrap());
    let model = Thoughtful(Counting(identity(), AtomicU32::new(0)));
    let model = Recorded::new(Arc::new(model), recorder);
    assert!(model.thinks());
    all(&model, request("How many?")).await.unwrap();
    assert!(Replayed::new(identity(), Arc::new(Cassette::open(&path).unwrap())).thinks());
    let other = folder.path().join("other.jsonl");
    recorded(&other).await;
    assert!(!std::fs::read_to_string(&other).unwrap().contains("thinks"));
    assert!(!Replayed::new(identity(), Arc::new(Cassette::open(&other).unwrap())).thinks());
}

#[tokio::test]
async fn vectors_are_played_back_text_by_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.jsonl");
    let tape = Tape::Record(Arc::new(Recorder::open(&path).unwrap()));
    let embedder = tape.around_embedder(Arc::new(Lengths(identity())));
    let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let first = embedder.embed(&texts(&["one", "three"])).await.unwrap();
    embedder.embed(&texts(&["a secret"])).await.unwrap();

    let tape = Tape::Replay(Arc::new(Cassette::open(&path).unwrap()));
    let played = tape.around_local_embedder(None, &[]).unwrap();
    assert_eq!((played.identity(), played.dimensions()), (&identity(), 2));
    let again = played.embed(&texts(&["three", "a secret", "one"])).await.unwrap();
    assert_eq!(
        (&again[0], &again[2]),
        (&first[1], &first[0]),
        "in whatever order they come"
    );
    let miss = played
        .embed(&texts(&["one", "threw"]))
        .await
        .unwrap_err()
        .to_string();
    for part in ["line 1", "`text` differs from character 4"] {
        assert!(miss.contains(part), "{part} is missing in: {miss}");
    }
    assert!(!miss.contains("secret"), "{miss}");
    assert!(tape.around_local_embedder(None, &[identity().name]).is_none());
    assert!(
        tape.around_locals(Vec::new(), &[]).is_empty(),
        "an embedder is no chat model"
    );
}

//! Free answers of the engine.
//!
//! Answers of this model are poor; what is tested is that they are the same.

use crate::support::{PLENTY, about, complete, config, document, start, user, wait_until};
use boxwood_core::{ChatEvent, ChatModel, ChatRequest, FinishReason, ModelError, Sampling, SharedPrefix};
use boxwood_local::{EngineConfig, PrefixCacheConfig};
use futures::StreamExt;
use std::path::PathBuf;
use std::time::Duration;

/// Rounding depends on how many sequences are computed together, so that a near tie may fall either way and the ends may
/// differ. A mix-up of sequences would change the beginnings.
fn assert_same_beginnings(together: &[String], alone: &[String]) {
    assert_eq!(together.len(), alone.len());
    for (together, alone) in together.iter().zip(alone) {
        let shared = together
            .chars()
            .zip(alone.chars())
            .take_while(|(a, b)| a == b)
            .count();
        assert!(
            shared >= alone.chars().count().min(10),
            "{together:?} against {alone:?}"
        );
    }
}

#[tokio::test]
async fn a_greedy_answer_is_told_with_progress_probabilities_and_usage() {
    let model = start(config());
    assert!(
        !model.status().loaded,
        "nothing is loaded before the first request"
    );
    let answer = complete(&model, user("What is the capital of France?", 16))
        .await
        .unwrap();
    assert!(answer.text.contains("Paris"), "{answer:?}");
    assert!(answer.log_prob < 0.0 && answer.log_prob > -16.0, "{answer:?}");
    let (done, total) = answer.progress.last().copied().unwrap();
    assert_eq!(
        (done, total),
        (answer.usage.input_tokens, answer.usage.input_tokens)
    );
    assert!(answer.usage.output_tokens > 1 && answer.usage.output_tokens <= 16);
    assert_eq!(answer.usage.cached_tokens, 0);
    assert!(answer.usage.time_to_first_token <= answer.usage.total_time);
    let again = complete(&model, user("What is the capital of France?", 16))
        .await
        .unwrap();
    assert_eq!(again.text, answer.text);
    // The place is given back just after the end was told.
    wait_until("every place to be given back", || model.status().outstanding == 0).await;
}

#[tokio::test]
async fn the_limit_of_output_ends_with_length() {
    let model = start(config());
    let answer = complete(&model, user("Count from 1 to 100.", 5)).await.unwrap();
    assert_eq!(answer.finish, FinishReason::Length);
    assert_eq!(answer.usage.output_tokens, 5);
}

#[tokio::test]
async fn stop_strings_end_the_answer_and_are_not_shown() {
    let model = start(config());
    let free = complete(&model, user("What is the capital of France?", 16))
        .await
        .unwrap();
    let mut request = user("What is the capital of France?", 16);
    request.stop = vec!["Paris".to_owned()];
    let stopped = complete(&model, request).await.unwrap();
    let (before, _) = free.text.split_once("Paris").unwrap();
    assert_eq!(stopped.text, before);
    assert_eq!(stopped.finish, FinishReason::Stop);
}

#[tokio::test]
async fn characters_of_several_tokens_arrive_whole() {
    let model = start(config());
    let request = user("Repeat exactly: 日本語の文書 🙂 とても", 40);
    let answer = complete(&model, request).await.unwrap();
    assert!(
        answer.text.chars().any(|character| character as u32 > 0x2000),
        "{answer:?}"
    );
    assert!(!answer.text.contains('\u{FFFD}'), "{answer:?}");
}

#[tokio::test]
async fn control_words_in_a_document_stay_text() {
    let model = start(config());
    let plain = model.count_tokens("<|im_end|>").await.unwrap();
    assert!(plain > 1, "a control word must not become one control token");
    let tokens = |text: &'static str| {
        let model = model.clone();
        async move { complete(&model, user(text, 1)).await.unwrap().usage.input_tokens }
    };
    let (empty, control) = (tokens("x").await, tokens("x<|im_end|>").await);
    assert!(control >= empty + plain - 1, "{empty} {control} {plain}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answer() {
    let model = start(config());
    let request = |seed| {
        let mut request = user("Tell me a story about a dog.", 24);
        request.sampling = Sampling {
            temperature: Some(1.2),
            top_p: Some(0.95),
            seed: Some(seed),
            ..Sampling::default()
        };
        request
    };
    let first = complete(&model, request(1)).await.unwrap().text;
    assert_eq!(complete(&model, request(1)).await.unwrap().text, first);
    assert_ne!(complete(&model, request(2)).await.unwrap().text, first);
}

#[tokio::test]
async fn over_length_input_is_refused_before_any_work() {
    let model = start(config());
    let error = complete(&model, user(&document("wind").repeat(4), 100))
        .await
        .unwrap_err();
    let ModelError::ContextTooLong { tokens, limit, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(limit, 1024 - 100);
    assert!(tokens > limit);
    assert_eq!(model.status().prompt_tokens, 0);
}

#[tokio::test]
async fn bad_requests_are_refused_with_the_field() {
    let model = start(config());
    let refused = |request| {
        let model = model.clone();
        async move {
            match model.stream(request).await.err() {
                Some(ModelError::Refused { message, .. }) => message,
                other => panic!("{other:?}"),
            }
        }
    };
    assert!(refused(user("x", 0)).await.contains("max_output_tokens"));
    assert!(
        refused(ChatRequest::new(Vec::new(), 1))
            .await
            .contains("messages")
    );
    let mut request = user("é", 1);
    request.shared_prefix = Some(SharedPrefix {
        boundary: 1,
        partition: String::new(),
    });
    assert!(refused(request).await.contains("shared_prefix.boundary"));
    let error = model.score_choices(user("x", 1), &[]).await.unwrap_err();
    assert!(error.to_string().contains("choices"), "{error}");
}

#[tokio::test]
async fn a_missing_model_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let model = start(EngineConfig::new(
        folder.path().join("none.gguf"),
        "boxwood__none",
    ));
    let error = model.warm_up().await.unwrap_err();
    assert!(matches!(error, ModelError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("boxwood models pull"), "{error}");
    assert!(
        model.count_tokens("x").await.is_err(),
        "a second request is answered, too"
    );
}

#[tokio::test]
async fn choices_are_scored_by_all_of_their_tokens() {
    let model = start(config());
    let choices = [
        "Paris",
        "London",
        "The capital of France is Paris",
        "The capital of France is Rome",
    ]
    .map(String::from);
    let request = user("What is the capital of France?", 1);
    let scores = model.score_choices(request.clone(), &choices).await.unwrap();
    let log_probs = &scores.log_probs;
    let total: f32 = log_probs.iter().map(|score| score.exp()).sum();
    assert!((total - 1.0).abs() < 1e-3, "{scores:?}");
    assert!(log_probs[0] > log_probs[1], "{scores:?}");
    assert!(
        log_probs[2] > log_probs[3],
        "the choices differ in their last token only: {scores:?}"
    );
    assert_eq!(model.score_choices(request, &choices).await.unwrap(), scores);
    assert_eq!(model.status().output_tokens, 0, "nothing is generated");
}

#[tokio::test]
async fn the_state_of_the_wanted_layer_comes_with_the_scores() {
    let model = start(EngineConfig {
        state_layer: Some(12),
        ..config()
    });
    let choices = ["Yes", "No"].map(String::from);
    let state = async |question: &str| {
        let scores = model.score_choices(user(question, 1), &choices).await.unwrap();
        scores.state.expect("a layer is set")
    };
    let alone = state("Is Paris in France?").await;
    let (together, other) = futures::join!(state("Is Paris in France?"), state("Do fish have wings?"));
    assert_eq!(alone.len(), 576, "numbers of a state of this model");
    assert!(
        cosine(&alone, &together) > 0.999,
        "each request gets its own state"
    );
    assert!(cosine(&alone, &other) < 0.999, "{}", cosine(&alone, &other));
    let last = start(EngineConfig {
        state_layer: Some(29),
        ..config()
    });
    let scores = last.score_choices(user("Is Paris in France?", 1), &choices).await;
    assert_eq!(
        scores.unwrap().state,
        None,
        "the last layer is not kept for every token"
    );
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[tokio::test]
async fn a_document_is_read_once_and_answers_stay_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let cached = || {
        let mut config = config();
        config.prefix_cache = Some(PrefixCacheConfig {
            dir: folder.path().join("prefixes"),
            max_bytes: 1 << 30,
        });
        config
    };
    let text = document("wind");
    let ask = |question: &str| about(&text, question, "enterprise");
    let plain = start(config());
    let mut request = ask("Which station is the last?");
    request.shared_prefix = None;
    let uncached = complete(&plain, request).await.unwrap();

    let model = start(cached());
    let cold = complete(&model, ask("Which station is the last?")).await.unwrap();
    assert_eq!(cold.usage.cached_tokens, 0);
    assert_eq!(cold.text, uncached.text, "with and without a cache");
    let warm = complete(&model, ask("Which station is the last?")).await.unwrap();
    assert_eq!(warm.text, cold.text, "from memory");
    assert!(
        warm.usage.cached_tokens > 250 && warm.usage.cached_tokens < warm.usage.input_tokens,
        "{warm:?}"
    );
    assert_eq!(
        warm.progress.first().unwrap().0,
        warm.usage.cached_tokens,
        "progress begins at what is known"
    );
    let other = complete(&model, ask("How many stations are there?"))
        .await
        .unwrap();
    assert_eq!(
        other.usage.cached_tokens, warm.usage.cached_tokens,
        "another question, same document"
    );
    let foreign = complete(&model, about(&text, "Which station is the last?", "another"))
        .await
        .unwrap();
    assert_eq!(foreign.usage.cached_tokens, 0, "never across partitions");
    model.shutdown(PLENTY).await;
    assert_eq!(model.status().prefix_saves, 2);

    let model = start(cached());
    let restored = complete(&model, ask("Which station is the last?")).await.unwrap();
    assert_eq!(restored.text, cold.text, "after a restart");
    assert_eq!(restored.usage.cached_tokens, warm.usage.cached_tokens);
    let status = model.status();
    assert_eq!((status.prefix_restores, status.prefix_rejects), (1, 0));
}

#[tokio::test]
async fn a_damaged_saved_document_is_rejected_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let cached = || {
        let mut config = config();
        config.prefix_cache = Some(PrefixCacheConfig {
            dir: folder.path().to_path_buf(),
            max_bytes: 1 << 30,
        });
        config
    };
    let text = document("rain");
    let ask = || about(&text, "Which day was the first?", "enterprise");
    let model = start(cached());
    let cold = complete(&model, ask()).await.unwrap();
    model.shutdown(PLENTY).await;
    let files: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let mut bytes = std::fs::read(&files[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    std::fs::write(&files[0], bytes).unwrap();

    let model = start(cached());
    let again = complete(&model, ask()).await.unwrap();
    assert_eq!(again.text, cold.text);
    assert_eq!(again.usage.cached_tokens, 0);
    assert_eq!(model.status().prefix_rejects, 1);
    model.shutdown(PLENTY).await;
    assert_eq!(model.status().prefix_saves, 1, "it is saved anew");
}

#[tokio::test]
async fn documents_with_the_same_head_share_it() {
    let model = start(config());
    let first = document("wind");
    let second = format!("{first}An addition that only the second document has.\n");
    complete(&model, about(&first, "Which station is the last?", "enterprise"))
        .await
        .unwrap();
    let answer = complete(&model, about(&second, "What was added?", "enterprise"))
        .await
        .unwrap();
    assert!(answer.usage.cached_tokens > 250, "{answer:?}");
    let alone = start(config());
    let fresh = complete(&alone, about(&second, "What was added?", "enterprise"))
        .await
        .unwrap();
    assert_eq!(answer.text, fresh.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_at_the_same_time_read_the_document_once_and_answer_as_one_by_one() {
    let text = document("wind");
    let questions = [
        "Which station is the last?",
        "What is this about?",
        "Name one day.",
    ];
    let alone = start(config());
    let mut expected = Vec::new();
    for question in questions {
        expected.push(
            complete(&alone, about(&text, question, "enterprise"))
                .await
                .unwrap()
                .text,
        );
    }
    let together = start(config());
    let running = questions.map(|question| {
        let (model, request) = (together.clone(), about(&text, question, "enterprise"));
        tokio::spawn(async move { complete(&model, request).await.unwrap() })
    });
    let mut texts = Vec::new();
    for task in running {
        texts.push(task.await.unwrap().text);
    }
    assert_same_beginnings(&texts, &expected);
    let status = together.status();
    assert_eq!((status.prefix_misses, status.prefix_hits), (1, 2));
    let (apart, shared) = (alone.status().prompt_tokens, status.prompt_tokens);
    assert_eq!(
        apart, shared,
        "the document's tokens are computed once in both cases"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn different_requests_decode_together_as_one_by_one() {
    let prompts = [
        "What is the capital of France?",
        "Write the numbers from one to five.",
        "What color is the sky?",
        "What is 2 + 2?",
    ];
    let model = start(config());
    let mut expected = Vec::new();
    for prompt in prompts {
        expected.push(complete(&model, user(prompt, 10)).await.unwrap().text);
    }
    let running = prompts.map(|prompt| {
        let (model, request) = (model.clone(), user(prompt, 10));
        tokio::spawn(async move { complete(&model, request).await.unwrap().text })
    });
    let mut texts = Vec::new();
    for task in running {
        texts.push(task.await.unwrap());
    }
    assert_same_beginnings(&texts, &expected);
}

#[tokio::test]
async fn dropping_the_stream_frees_the_place_during_answer_and_prompt() {
    let mut config = config();
    config.max_sequences = 1;
    config.batch_tokens = 32;
    let model = start(config);
    let mut stream = model.stream(user("Count from 1 to 1000.", 500)).await.unwrap();
    while !matches!(stream.next().await.unwrap().unwrap(), ChatEvent::Text { .. }) {}
    drop(stream);
    wait_until("cancellation of an answer", || model.status().outstanding == 0).await;

    let mut stream = model
        .stream(about(&document("wind"), "Why?", "enterprise"))
        .await
        .unwrap();
    assert!(matches!(
        stream.next().await.unwrap().unwrap(),
        ChatEvent::PromptProgress { .. }
    ));
    drop(stream);
    wait_until("cancellation of a prompt", || model.status().outstanding == 0).await;
    assert_eq!(model.status().cancellations, 2);
    let answer = complete(&model, user("What is the capital of France?", 16))
        .await
        .unwrap();
    assert!(answer.text.contains("Paris"), "the sequence is clean: {answer:?}");
}

#[tokio::test]
async fn a_full_queue_answers_with_a_time_to_try_again() {
    let mut config = config();
    config.max_sequences = 1;
    config.queue_limit = 1;
    let model = start(config);
    let running = model.stream(user("Count from 1 to 1000.", 400)).await.unwrap();
    let waiting = model.stream(user("Count from 1 to 1000.", 400)).await.unwrap();
    let error = model.stream(user("Say hello.", 4)).await.err();
    let Some(ModelError::Overloaded { retry_after, .. }) = error else {
        panic!("{error:?}")
    };
    assert!(retry_after >= Duration::from_secs(1));
    assert_eq!(model.status().overloads, 1);
    drop((running, waiting));
    wait_until("the places to be free", || model.status().outstanding == 0).await;
    assert!(complete(&model, user("Say hello.", 4)).await.is_ok());
}

#[tokio::test]
async fn more_requests_than_memory_wait_and_all_are_answered() {
    let mut config = config();
    config.cache_tokens = 1024;
    let model = start(config);
    let texts: Vec<String> = ["wind", "rain", "snow", "heat", "fog"].map(document).into();
    let answers = texts
        .iter()
        .map(|text| complete(&model, about(text, "Which station is the last?", "enterprise")));
    for answer in futures::future::join_all(answers).await {
        assert!(answer.unwrap().usage.output_tokens > 0);
    }
}

#[tokio::test]
async fn a_shutdown_lets_running_answers_end_and_refuses_new_ones() {
    let model = start(config());
    let running = model
        .stream(user("What is the capital of France?", 16))
        .await
        .unwrap();
    let ending = model.clone();
    let shutdown = tokio::spawn(async move { ending.shutdown(PLENTY).await });
    let events: Vec<_> = running.collect().await;
    assert!(
        matches!(events.last(), Some(Ok(ChatEvent::End { .. }))),
        "{events:?}"
    );
    shutdown.await.unwrap();
    let error = model.stream(user("Say hello.", 4)).await.err();
    assert!(matches!(error, Some(ModelError::Unavailable { .. })), "{error:?}");
}

#[tokio::test]
async fn a_shutdown_without_grace_cancels_running_answers() {
    let model = start(config());
    let mut running = model.stream(user("Count from 1 to 1000.", 500)).await.unwrap();
    while !matches!(running.next().await.unwrap().unwrap(), ChatEvent::Text { .. }) {}
    model.shutdown(Duration::ZERO).await;
    let events: Vec<_> = running.collect().await;
    assert!(
        matches!(events.last(), Some(Err(ModelError::Cancelled))),
        "{events:?}"
    );
}

#[tokio::test]
async fn an_idle_engine_gives_its_memory_back_and_loads_again() {
    let mut config = config();
    config.idle_unload = Some(Duration::from_millis(50));
    let model = start(config);
    complete(&model, user("Say hello.", 4)).await.unwrap();
    wait_until("unloading", || !model.status().loaded).await;
    assert!(complete(&model, user("Say hello.", 4)).await.is_ok());
}

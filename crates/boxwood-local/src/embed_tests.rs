//! Tests of [`super`] against the published weights; they need the pulled embedder.

use super::*;
use std::path::Path;
use std::sync::mpsc::Receiver;

/// The published files, which `boxwood models pull all-minilm-l6-v2` brings and `make test` asks for.
fn model_dir() -> PathBuf {
    let cache = std::env::var_os("BOXWOOD_CACHE")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            PathBuf::from(std::env::var_os("HOME").expect("a home folder")).join(".cache/boxwood")
        });
    let folder = cache.join("models/minilm");
    assert!(
        folder.join("model.safetensors").exists(),
        "{} is missing: run `boxwood models pull all-minilm-l6-v2`",
        folder.display()
    );
    folder
}

fn start(cache: &Path) -> MiniLmEmbedder {
    let mut config = MiniLmConfig::new(model_dir(), cache);
    config.threads = 1;
    MiniLmEmbedder::start(config).unwrap()
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

async fn embed(embedder: &MiniLmEmbedder, texts: &[&str]) -> Vec<Vec<f32>> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    embedder.embed(&texts).await.unwrap()
}

/// A sentence and its vector in double precision from the published numbers, computed outside of this project's code.
#[derive(serde::Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

#[tokio::test]
async fn vectors_are_those_of_the_published_model() {
    let cache = tempfile::tempdir().unwrap();
    let embedder = start(cache.path());
    let references: Vec<Reference> = serde_json::from_str(include_str!("embed_reference.json")).unwrap();
    let texts: Vec<String> = references
        .iter()
        .map(|reference| reference.text.clone())
        .collect();
    let vectors = embedder.embed(&texts).await.unwrap();
    for (reference, vector) in references.iter().zip(&vectors) {
        let found = cosine(&reference.vector, vector);
        assert!(found >= 0.999, "{}: {found}", reference.text);
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4 && vector.len() == MINILM_DIMENSIONS);
    }
    // A damaged conversion is made again by the next start.
    let converted = std::fs::read_dir(cache.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "gguf"))
        .unwrap();
    let whole = std::fs::read(&converted).unwrap();
    std::fs::write(&converted, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(embed(&start(cache.path()), &["again"]).await.len(), 1);
    assert_eq!(std::fs::read(&converted).unwrap(), whole);
}

#[tokio::test]
async fn the_batch_does_not_change_a_vector_and_long_texts_are_read_to_the_end() {
    let cache = tempfile::tempdir().unwrap();
    let embedder = start(cache.path());
    let filler = "The tenant pays the rent each month and keeps the rooms clean. ".repeat(40);
    let long = format!("{filler}The penguins of Antarctica swim below the ice.");
    let texts = [
        "short",
        "",
        long.as_str(),
        "The notice period is ninety days.",
        filler.as_str(),
    ];
    let together = embed(&embedder, &texts).await;
    for (text, vector) in texts.iter().zip(&together) {
        let alone = embed(&embedder, &[text]).await;
        assert!(cosine(&alone[0], vector) > 0.999, "{}", text.len());
    }
    assert_eq!(together.len(), texts.len());
    let penguins = embed(&embedder, &["penguins swimming in the Antarctic"]).await;
    let gain = cosine(&penguins[0], &together[2]) - cosine(&penguins[0], &together[4]);
    assert!(gain > 0.01, "the last sentence left no trace: {gain}");
    assert_eq!(embed(&embedder, &[]).await, Vec::<Vec<f32>>::new());
}

#[tokio::test]
async fn an_idle_model_is_freed_and_loaded_again() {
    let cache = tempfile::tempdir().unwrap();
    let mut config = MiniLmConfig::new(model_dir(), cache.path());
    config.threads = 1;
    config.idle_unload = Some(Duration::from_millis(1));
    let embedder = MiniLmEmbedder::start(config).unwrap();
    let first = embed(&embedder, &["rent"]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(cosine(&first[0], &embed(&embedder, &["rent"]).await[0]) > 0.999);
}

#[tokio::test]
async fn a_missing_model_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let embedder = MiniLmEmbedder::start(MiniLmConfig::new(folder.path(), folder.path())).unwrap();
    for _ in 0..2 {
        let error = embedder.embed(&["text".to_owned()]).await.unwrap_err();
        assert!(
            matches!(error, ModelError::Unavailable { .. }) && error.to_string().contains("models pull"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_full_queue_says_when_to_try_again() {
    // No thread takes from this queue.
    let (jobs, _queue): (_, Receiver<EmbedJob>) = sync_channel(1);
    let started = start(tempfile::tempdir().unwrap().path());
    let embedder = MiniLmEmbedder {
        identity: started.identity.clone(),
        jobs,
    };
    let texts = ["text".to_owned()];
    let waiting = embedder.embed(&texts);
    tokio::pin!(waiting);
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    let error = embedder.embed(&texts).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Overloaded { retry_after, .. } if !retry_after.is_zero()),
        "{error}"
    );
}

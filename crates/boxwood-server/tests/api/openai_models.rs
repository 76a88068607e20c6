//! The list of models and the embeddings of the OpenAI-compatible API.

use crate::openai::{O4, refused};
use async_trait::async_trait;
use boxwood_core::{Embedder, ModelError, ModelIdentity};
use boxwood_test::{ScriptedModel, TestApp};
use serde_json::json;
use std::sync::Arc;

struct Halves(ModelIdentity);

#[async_trait]
impl Embedder for Halves {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn dimensions(&self) -> usize {
        2
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(texts.iter().map(|_| vec![0.5, -0.5]).collect())
    }
}

#[tokio::test]
async fn models_are_listed_and_texts_embedded() {
    let mut identity = None;
    drop(ScriptedModel::with_identity("", |usual| {
        usual.name = "halves".into();
        identity = Some(usual.clone());
    }));
    let app = TestApp::builder()
        .embedder(Arc::new(Halves(identity.unwrap())))
        .start()
        .await;
    let list = app.get("/v1/models").await;
    let ids: Vec<&str> = list.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert!(
        ids.contains(&O4) && ids.contains(&"scripted__model") && ids.contains(&"halves"),
        "{ids:?}"
    );
    let one = app.get(&format!("/openai/v1/models/{O4}")).await;
    assert_eq!(
        (&one.body["object"], &one.body["boxwood"]["served_by"]["relation"]),
        (&json!("model"), &json!("stand_in"))
    );
    assert_eq!(app.get("/v1/models/nonsense").await.status, 404);

    let vectors = app
        .post("/v1/embeddings", &json!({"model": "halves", "input": ["a", "b"]}))
        .await;
    assert_eq!(
        vectors.body["data"][1]["embedding"],
        json!([0.5, -0.5]),
        "{}",
        vectors.text
    );
    let base64 = app
        .post(
            "/v1/embeddings",
            &json!({"model": "halves", "input": "a", "encoding_format": "base64"}),
        )
        .await;
    assert_eq!(base64.body["data"][0]["embedding"], "AAAAPwAAAL8=");
    let path = "/openai/deployments/halves/embeddings?api-version=2024-10-21";
    assert_eq!(app.post(path, &json!({"input": "a"})).await.status, 200);
    let shorter = app
        .post(
            "/v1/embeddings",
            &json!({"model": "halves", "input": "a", "dimensions": 1}),
        )
        .await;
    refused(&shorter, 400, json!("dimensions"), json!("invalid_value"));
    let chat = app
        .post("/v1/embeddings", &json!({"model": O4, "input": "a"}))
        .await;
    refused(&chat, 400, json!("model"), json!("model_not_supported"));
}

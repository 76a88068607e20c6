//! Embedding models on every host, bound to a name of one's own or to one of Box's cards.

use crate::ask::{mistakes, registry};
use crate::bedrock_host::{self, REGION};
use crate::stub::{Answer, Fault, Seen, Stub};
use crate::{gemini_host, watsonx_host};
use boxwood_core::ModelError;
use boxwood_models::{ModelRegistry, ResolveError, Served};
use serde_json::{Value, json};

const NAME: &str = "vectors";

/// `/embeddings` as OpenAI and Azure answer it.
fn openai(seen: &Seen) -> Answer {
    let body = seen.json();
    let inputs = body["input"].as_array().map(Vec::len).unwrap_or_default();
    let is_azure = seen.uri.path() == "/openai/v1/embeddings";
    let proven = if is_azure {
        seen.header("api-key") == "k"
    } else {
        seen.header("authorization") == "Bearer k"
    };
    if !proven {
        let error = json!({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}});
        return Answer::Refuse(401, Vec::new(), error);
    }
    let known = ["model", "input", "encoding_format", "dimensions"];
    let is_known = body
        .as_object()
        .is_some_and(|fields| fields.keys().all(|key| known.contains(&key.as_str())));
    if inputs == 0 || inputs > 2_048 || !is_known || !seen.uri.path().ends_with("/v1/embeddings") {
        let error = json!({"error": {"message": "invalid input", "type": "invalid_request_error"}});
        return Answer::Refuse(400, Vec::new(), error);
    }
    // In another order than asked for, as the API may.
    let data: Vec<Value> = (0..inputs)
        .rev()
        .map(|index| json!({"index": index, "embedding": [3.0, 4.0]}))
        .collect();
    Answer::Whole(json!({"object": "list", "data": data, "usage": {"prompt_tokens": 2, "total_tokens": 2}}))
}

fn bound(settings: &str, key: &'static str) -> ModelRegistry {
    let toml = format!(
        "embedding = \"{NAME}\"\n[bindings.{NAME}]\npurpose = \"embedding\"\ndimensions = 2\nretries = 0\n{settings}\n"
    );
    registry(&toml, move |_| Some(key.to_owned()))
}

/// Every text gets a vector of length one; the requests keep to what the host takes.
async fn check(settings: &str, key: &'static str, stub: &Stub, path: &str, requests: usize) {
    let resolved = bound(settings, key).resolve_embedder(None).unwrap();
    assert_eq!(resolved.served, Served::Host);
    assert_eq!(resolved.embedder.dimensions(), 2);
    // Kept vectors are told apart by this name: it is that of the model, not of the binding.
    let name = &resolved.embedder.identity().name;
    assert!(name.contains("embed") || name.contains("slate"), "{name}");
    let texts: Vec<String> = (0..101).map(|number| format!("text {number}")).collect();
    let vectors = resolved.embedder.embed(&texts).await.unwrap();
    assert_eq!(vectors.len(), texts.len());
    assert!(vectors.iter().all(|vector| vector == &[0.6, 0.8]), "{settings}");
    assert_eq!(stub.seen(path).len(), requests, "{settings}");
    assert!(resolved.embedder.embed(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn vectors_come_from_every_host() {
    let stub = Stub::start(openai).await;
    let openai = format!(
        "host = \"openai\"\nbase_url = \"{}/v1\"\nmodel = \"text-embedding-3-small\"\nsend_dimensions = true\n\
         api_key = \"k\"",
        stub.base_url
    );
    check(&openai, "k", &stub, "/v1/embeddings", 1).await;
    let stub = Stub::start(self::openai).await;
    let azure = format!(
        "host = \"azure_openai\"\nbase_url = \"{}\"\ndeployment = \"d\"\nmodel = \"text-embedding-3-large\"\nbatch = 50\napi_key = \"k\"",
        stub.base_url
    );
    check(&azure, "k", &stub, "/openai/v1/embeddings", 3).await;
    let stub = Stub::start(gemini_host::rules).await;
    let gemini = format!(
        "host = \"gemini\"\nbase_url = \"{}\"\nmodel = \"text-embedding\"\napi_key_env = \"K\"",
        stub.base_url
    );
    check(&gemini, gemini_host::KEY, &stub, ":batchEmbedContents", 2).await;
    let stub = Stub::start(|seen: &Seen| match seen.uri.path() {
        "/token" => Answer::Whole(json!({"access_token": gemini_host::TOKEN, "expires_in": 3_600})),
        _ => gemini_host::vertex_rules(seen),
    })
    .await;
    let vertex = format!(
        "host = \"vertex\"\nbase_url = \"{0}\"\ntoken_url = \"{0}/token\"\nauthentication = \"metadata\"\n\
         project = \"my-project\"\nregion = \"europe-west4\"\nmodel = \"text-embedding\"",
        stub.base_url
    );
    check(&vertex, "", &stub, ":predict", 101).await;
    for (family, model, requests) in [
        ("titan", "amazon.titan-embed-text-v2:0", 101),
        ("cohere", "cohere.embed-v4:0", 2),
    ] {
        let stub = Stub::start(bedrock_host::rules).await;
        let bedrock = format!(
            "host = \"bedrock\"\nbase_url = \"{}\"\nregion = \"{REGION}\"\nmodel = \"{model}\"\nfamily = \"{family}\"\n\
             api_key_env = \"K\"",
            stub.base_url
        );
        check(&bedrock, bedrock_host::KEY, &stub, "/invoke", requests).await;
    }
    let stub = Stub::start(watsonx_host::rules).await;
    let watsonx = format!(
        "host = \"watsonx\"\nbase_url = \"{0}\"\ntoken_url = \"{0}/identity/token\"\nproject_id = \"p-1\"\n\
         model = \"ibm/slate-30m-english-rtrvr\"\napi_key_env = \"K\"",
        stub.base_url
    );
    check(&watsonx, watsonx_host::KEY, &stub, "/text/embeddings", 1).await;
}

#[tokio::test]
async fn a_card_of_box_s_can_be_bound() {
    let stub = Stub::start(openai).await;
    let card = "azure__openai__text_embedding_ada_002";
    let toml = format!(
        "stand_in = \"deny\"\n[bindings.{card}]\nhost = \"azure_openai\"\nbase_url = \"{}\"\ndeployment = \"d\"\n\
         dimensions = 2\napi_key = \"k\"",
        stub.base_url
    );
    let registry = registry(&toml, |_| None);
    let resolved = registry.resolve_embedder(Some(card)).unwrap();
    assert_eq!(
        (resolved.served, resolved.embedder.identity().name.as_str()),
        (Served::Host, card)
    );
    assert!(resolved.card.is_some());
    assert_eq!(
        resolved.embedder.embed(&["a".into()]).await.unwrap(),
        [[0.6, 0.8]]
    );
    let refused = registry.resolve(Some(card)).unwrap_err();
    assert!(
        matches!(refused, ResolveError::WrongPurpose { .. }),
        "{refused:?}"
    );
    let row = registry
        .overview()
        .into_iter()
        .find(|row| row.name == card)
        .unwrap();
    assert_eq!(row.served.unwrap().0, Served::Host);
}

#[tokio::test]
async fn a_failure_is_told_and_hides_the_key() {
    let stub = Stub::start(openai).await;
    let settings = format!(
        "host = \"openai\"\nbase_url = \"{}/v1\"\nmodel = \"m\"\napi_key = \"secret-key-1\"",
        stub.base_url
    );
    let embedder = bound(&settings, "")
        .resolve_embedder(Some(NAME))
        .unwrap()
        .embedder;
    let error = embedder.embed(&["a".into()]).await.unwrap_err();
    assert!(matches!(error, ModelError::Refused { .. }), "{error:?}");
    assert!(!error.to_string().contains("secret-key-1"), "{error}");
    stub.fail_next(Fault::Refuse(
        503,
        Vec::new(),
        json!({"error": {"message": "down"}}),
    ));
    let error = embedder.embed(&["a".into()]).await.unwrap_err();
    assert!(matches!(error, ModelError::Failed { .. }), "{error:?}");
}

#[test]
fn settings_say_what_is_missing() {
    let bedrock =
        "host = \"bedrock\"\nregion = \"eu-west-1\"\nmodel = \"m\"\napi_key = \"k\"\npurpose = \"embedding\"";
    let found = mistakes(&format!("[bindings.b]\n{bedrock}"));
    assert!(
        found.contains("dimensions: is missing") && found.contains("family: is missing"),
        "{found}"
    );
    let found = mistakes(&format!(
        "[bindings.b]\n{bedrock}\ndimensions = 8\nfamily = \"gemini\""
    ));
    assert!(
        found.contains("family: is not how embedding models on bedrock are asked"),
        "{found}"
    );
    let found = mistakes(&format!(
        "[bindings.b]\n{bedrock}\ndimensions = 8\nfamily = \"titan\"\nbatch = 2\nfallback = \"boxwood__x\""
    ));
    assert!(
        found.contains("batch: must be 1") && found.contains("can't be compared"),
        "{found}"
    );
    let found = mistakes("embedding = \"nobody\"");
    assert!(found.contains("embedding: names \"nobody\""), "{found}");
}

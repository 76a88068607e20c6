//! Golden bodies and replies of every dialect, and what must not pass as vectors.

use super::*;
use crate::capability::Family;
use crate::host::test_host;

fn host(kind: HostKind) -> Host {
    let mut host = test_host(kind, Family::Compatible);
    host.model = Some("embed-1".into());
    host.place.project = Some("p-1".into());
    host.place.region = Some("eu".into());
    host.api_version = None;
    if kind == HostKind::Watsonx {
        // There a deployment would stand for the model.
        host.deployment = None;
    }
    host
}

fn embedding(dialect: EmbeddingDialect, shortened: bool) -> Embedding {
    Embedding {
        dialect,
        dimensions: 2,
        shortened,
        batch: dialect.most_texts(),
    }
}

fn texts() -> Vec<String> {
    vec!["a".into(), "b".into()]
}

#[test]
fn every_dialect_has_its_row() {
    for (name, dialect, most) in EmbeddingDialect::TABLE {
        assert_eq!(serde_json::to_value(dialect).unwrap(), name);
        assert_eq!(dialect.most_texts(), most);
    }
    for (kind, _) in HostKind::TABLE {
        let fitting = EmbeddingDialect::TABLE
            .iter()
            .filter(|(_, dialect, _)| dialect.fits(kind))
            .count();
        assert_eq!(fitting, if kind == HostKind::Bedrock { 2 } else { 1 }, "{kind:?}");
    }
}

#[test]
fn bodies_are_what_hosts_want() {
    let check = |kind, dialect, shortened, expected: Value| {
        assert_eq!(
            body(&host(kind), &embedding(dialect, shortened), &texts()),
            expected,
            "{dialect:?}"
        );
    };
    use EmbeddingDialect::{Cohere, Gemini, Openai, Titan, Vertex, Watsonx};
    check(
        HostKind::Openai,
        Openai,
        true,
        json!({"model": "embed-1", "input": ["a", "b"], "encoding_format": "float", "dimensions": 2}),
    );
    check(
        HostKind::AzureOpenaiDated,
        Openai,
        false,
        json!({"input": ["a", "b"], "encoding_format": "float"}),
    );
    let part = |text: &str| json!({"model": "models/embed-1", "content": {"parts": [{"text": text}]}});
    check(
        HostKind::Gemini,
        Gemini,
        false,
        json!({"requests": [part("a"), part("b")]}),
    );
    check(
        HostKind::Vertex,
        Vertex,
        true,
        json!({"instances": [{"content": "a"}, {"content": "b"}],
               "parameters": {"autoTruncate": false, "outputDimensionality": 2}}),
    );
    check(
        HostKind::Bedrock,
        Titan,
        true,
        json!({"inputText": "a", "dimensions": 2, "normalize": true}),
    );
    check(
        HostKind::Bedrock,
        Cohere,
        false,
        json!({"texts": ["a", "b"], "input_type": "search_document", "truncate": "NONE"}),
    );
    check(
        HostKind::Watsonx,
        Watsonx,
        false,
        json!({"model_id": "embed-1", "project_id": "p-1", "inputs": ["a", "b"]}),
    );
}

#[test]
fn urls_lead_to_the_right_operation() {
    let check = |kind, dialect, expected: &str| {
        let mut host = host(kind);
        host.deployment = (kind == HostKind::AzureOpenaiDated).then(|| "d".to_owned());
        let url = url(&host, &embedding(dialect, false)).unwrap();
        assert!(url.as_str().ends_with(expected), "{url}");
    };
    use EmbeddingDialect::{Cohere, Gemini, Openai, Titan, Vertex, Watsonx};
    check(HostKind::AzureOpenai, Openai, "/openai/v1/embeddings");
    check(
        HostKind::AzureOpenaiDated,
        Openai,
        "/openai/deployments/d/embeddings",
    );
    check(HostKind::Openai, Openai, "/v1/embeddings");
    check(
        HostKind::Gemini,
        Gemini,
        "/v1beta/models/embed-1:batchEmbedContents",
    );
    check(
        HostKind::Vertex,
        Vertex,
        "/v1/projects/p-1/locations/eu/publishers/google/models/embed-1:predict",
    );
    check(HostKind::Bedrock, Titan, "/model/embed-1/invoke");
    check(HostKind::Bedrock, Cohere, "/model/embed-1/invoke");
    check(HostKind::Watsonx, Watsonx, "/ml/v1/text/embeddings");
}

#[test]
fn vectors_come_in_the_order_of_the_texts_and_have_length_one() {
    let check = |dialect, reply: Value| {
        let texts = if dialect == EmbeddingDialect::Titan { 1 } else { 2 };
        let found = read(
            "m",
            &embedding(dialect, false),
            texts,
            reply.to_string().as_bytes(),
        )
        .unwrap();
        assert_eq!(found[0], [0.6, 0.8], "{dialect:?}");
        assert_eq!(found.len(), texts);
    };
    use EmbeddingDialect::{Cohere, Gemini, Openai, Titan, Vertex, Watsonx};
    let (one, two) = (json!([3.0, 4.0]), json!([1, 0]));
    check(
        Openai,
        json!({"data": [{"index": 1, "embedding": two}, {"index": 0, "embedding": one}]}),
    );
    check(Gemini, json!({"embeddings": [{"values": one}, {"values": two}]}));
    check(
        Vertex,
        json!({"predictions": [{"embeddings": {"values": one}}, {"embeddings": {"values": two}}]}),
    );
    check(Titan, json!({"embedding": one, "inputTextTokenCount": 3}));
    check(
        Cohere,
        json!({"embeddings": [one, two], "response_type": "embeddings_floats"}),
    );
    check(Cohere, json!({"embeddings": {"float": [one, two]}}));
    check(
        Watsonx,
        json!({"results": [{"embedding": one}, {"embedding": two}]}),
    );
}

#[test]
fn what_is_no_vector_of_the_text_is_an_error() {
    let refused = |reply: Value| {
        let settings = embedding(EmbeddingDialect::Gemini, false);
        assert!(
            read("m", &settings, 1, reply.to_string().as_bytes()).is_err(),
            "{reply}"
        );
    };
    refused(json!({}));
    refused(json!({"embeddings": []}));
    refused(json!({"embeddings": [{"values": [1, 0]}, {"values": [0, 1]}]}));
    refused(json!({"embeddings": [{"values": [1, 0, 0]}]}));
    refused(json!({"embeddings": [{"values": [0, 0]}]}));
    refused(json!({"embeddings": [{"values": [1, null]}]}));
    refused(json!({"embeddings": [{"values": "x"}]}));
    let settings = embedding(EmbeddingDialect::Gemini, false);
    assert!(read("m", &settings, 1, b"<html>").is_err());
}

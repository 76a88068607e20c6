//! Gemini with an API key and on Vertex: streams, tools, schemas, thinking, keys and tokens.

use crate::ask::{NAME, ask, mistakes, question, registry, weather};
use crate::gemini_host::{KEY, TOKEN, rules, vertex_rules};
use crate::stub::{Answer, Seen, Stub};
use boxwood_core::{ChatMessage, Effort, FinishReason, ImageInput, JsonSchemaFormat, ModelError, ToolChoice};
use boxwood_models::ResolvedModel;
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use serde_json::{Value, json};

pub fn table(stub: &Stub, model: &str, family: &str, more: &str) -> String {
    format!(
        "[bindings.{NAME}]\nhost = \"gemini\"\nbase_url = \"{}\"\nmodel = \"{model}\"\nfamily = \"{family}\"\n\
         tools = true\nretries = 0\napi_key_env = \"KEY\"\n{more}\n",
        stub.base_url
    )
}

fn bound(stub: &Stub, model: &str, family: &str) -> ResolvedModel {
    let registry = registry(&table(stub, model, family, ""), |_| Some(KEY.to_owned()));
    registry.resolve(Some(NAME)).unwrap()
}

/// Each family with a model of it.
const FAMILIES: [(&str, &str); 3] = [
    ("gemini-2.0-flash", "gemini"),
    ("gemini-2.5-flash", "gemini_2_5"),
    ("gemini-3-pro", "gemini_3"),
];

#[tokio::test]
async fn an_answer_comes_through_with_its_usage() {
    let stub = Stub::start(rules).await;
    for (model, family) in FAMILIES {
        let mut request = question();
        request.effort = Some(Effort::Medium);
        let bound = bound(&stub, model, family);
        let reply = ask(&bound, request.clone()).await.unwrap();
        assert_eq!(reply.text, "The lease ends on 31 March 2027.", "{family}");
        assert_eq!(reply.finish(), FinishReason::Stop);
        let usage = reply.usage();
        assert_eq!((usage.input_tokens, usage.cached_tokens), (30, 10));
        assert_eq!((usage.output_tokens, usage.reasoning_tokens), (100, 64));
        let thinks = family != "gemini";
        assert_eq!(reply.reasoning, if thinks { "The lease says it." } else { "" });
        let warned: Vec<_> = bound
            .warnings_for(&request)
            .iter()
            .map(|warning| warning.parameter)
            .collect();
        let wanted: &[&str] = match family {
            "gemini" => &["reasoning_effort"],
            "gemini_2_5" => &["presence_penalty"],
            _ => &["presence_penalty", "reasoning_effort"],
        };
        assert_eq!(warned, wanted, "{family}");
    }
    let seen = stub.seen(":streamGenerateContent").remove(0);
    assert_eq!(
        seen.uri.to_string(),
        "/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse"
    );
    assert!(seen.headers.get("authorization").is_none());
}

#[tokio::test]
async fn tools_are_called_and_their_results_sent_back_with_the_signature() {
    let stub = Stub::start(rules).await;
    for (model, family) in FAMILIES {
        let bound = bound(&stub, model, family);
        let mut request = question();
        request.tools = vec![weather()];
        request.tool_choice = ToolChoice::Required;
        let reply = ask(&bound, request.clone()).await.unwrap();
        assert_eq!(reply.finish(), FinishReason::ToolCalls);
        assert_eq!(reply.calls[0].arguments, "{\"city\":\"Kyoto\"}");
        request.tool_choice = ToolChoice::Auto;
        request.messages.push(ChatMessage::calls("", reply.calls.clone()));
        request
            .messages
            .push(ChatMessage::tool_result(&reply.calls[0].id, "31 °C"));
        let reply = ask(&bound, request.clone()).await.unwrap();
        assert_eq!(reply.text, "The lease ends on 31 March 2027.");
        let sent = stub.seen(":streamGenerateContent").pop().unwrap().json();
        assert_eq!(sent["contents"][1]["parts"][0]["thoughtSignature"], "c2ln+/==");
        // A call of another model, whose id holds no signature.
        let calls = request.messages.len() - 2;
        request.messages[calls].tool_calls[0].id = "call_1".into();
        request.messages[calls + 1].tool_call_id = Some("call_1".into());
        ask(&bound, request).await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_is_kept() {
    let stub = Stub::start(rules).await;
    for (model, family) in FAMILIES {
        let mut request = question();
        request.response_format = Some(JsonSchemaFormat {
            name: "day".into(),
            schema: json!({"type": "object", "additionalProperties": false, "required": ["day"], "properties": {
                "day": {"type": ["string", "null"], "format": "date"},
                "rent": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}},
                "$defs": {"row": {"type": "object", "properties": {"name": {"enum": ["a", "b"]}}}}}),
        });
        let reply = ask(&bound(&stub, model, family), request).await.unwrap();
        assert_eq!(reply.text, "{\"day\":\"Monday\"}");
    }
}

#[tokio::test]
async fn pictures_are_sent() {
    let stub = Stub::start(rules).await;
    let mut request = question();
    request.messages[1].images = vec![ImageInput {
        media_type: "image/jpeg".into(),
        bytes: vec![1, 2, 3],
    }];
    ask(&bound(&stub, "gemini-2.5-flash", "gemini_2_5"), request)
        .await
        .unwrap();
    let body = stub.seen(":streamGenerateContent")[0].json();
    assert_eq!(body["contents"][0]["parts"][1]["inlineData"]["data"], "AQID");
}

#[tokio::test]
async fn a_refusal_says_what_mends_it() {
    let stub = Stub::start(rules).await;
    let error = ask(&bound(&stub, "gemini-1.5-pro", "gemini"), question())
        .await
        .unwrap_err();
    assert!(matches!(error, ModelError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("successor"), "{error}");
    let table = table(&stub, "gemini-2.5-flash", "gemini_2_5", "");
    let registry = registry(&table, |_| Some("AIza-wrong".to_owned()));
    let error = ask(&registry.resolve(Some(NAME)).unwrap(), question())
        .await
        .unwrap_err();
    assert!(matches!(error, ModelError::Refused { .. }), "{error:?}");
    assert!(
        error.to_string().contains("api_key_env") && !error.to_string().contains("AIza-wrong"),
        "{error}"
    );
}

/// A service account's key file, and the public half of its key.
fn account(token_uri: &str) -> (String, String) {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let file = json!({"type": "service_account", "client_email": "svc@my-project.iam.gserviceaccount.com",
                      "private_key": key.to_pkcs8_pem(LineEnding::LF).unwrap().as_str(), "private_key_id": "k1",
                      "token_uri": token_uri, "project_id": "my-project"});
    (
        file.to_string(),
        key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap(),
    )
}

/// The token service: gives a token for an assertion that it can verify.
fn grant(seen: &Seen, public: &str, audience: &str) -> Answer {
    let form: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(&seen.body).into_owned().collect();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&["svc@my-project.iam.gserviceaccount.com"]);
    let key = jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
    let assertion = form.get("assertion").map(String::as_str).unwrap_or_default();
    let claims = jsonwebtoken::decode::<Value>(assertion, &key, &validation);
    let is_scoped = claims.is_ok_and(|claims| {
        let lives = claims.claims["exp"].as_i64().unwrap_or(0) - claims.claims["iat"].as_i64().unwrap_or(0);
        claims.claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
            && lives == 3_600
            && claims.header.kid.as_deref() == Some("k1")
    });
    if !is_scoped
        || form
            .get("grant_type")
            .is_none_or(|grant| !grant.ends_with(":jwt-bearer"))
    {
        let error = json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
        return Answer::Refuse(400, Vec::new(), error);
    }
    Answer::Whole(json!({"access_token": TOKEN, "expires_in": 3_599, "token_type": "Bearer"}))
}

pub fn vertex_table(base_url: &str, more: &str) -> String {
    format!(
        "[bindings.{NAME}]\nhost = \"vertex\"\nbase_url = \"{base_url}\"\nproject = \"my-project\"\n\
         region = \"europe-west4\"\nmodel = \"gemini-2.5-flash\"\nfamily = \"gemini_2_5\"\nretries = 1\n{more}\n"
    )
}

#[tokio::test]
async fn vertex_is_asked_with_a_service_account_s_token() {
    // The file names the token service, whose address is known once it runs.
    let public = std::sync::Arc::new(std::sync::OnceLock::<(String, String)>::new());
    let known = public.clone();
    let stub = Stub::start(move |seen| match (seen.uri.path(), known.get()) {
        ("/token", Some((public, audience))) => grant(seen, public, audience),
        _ => vertex_rules(seen),
    })
    .await;
    let token_uri = format!("{}/token", stub.base_url);
    let (file, key) = account(&token_uri);
    public.set((key, token_uri)).unwrap();
    let table = vertex_table(&stub.base_url, "credentials_env = \"ACCOUNT\"");
    let registry_of = |file: String| registry(&table, move |_| Some(file.clone()));
    let vertex = registry_of(file.clone()).resolve(Some(NAME)).unwrap();
    let (one, other) = tokio::join!(ask(&vertex, question()), ask(&vertex, question()));
    assert_eq!(one.unwrap().text, "The lease ends on 31 March 2027.");
    assert_eq!(other.unwrap().finish(), FinishReason::Stop);
    assert_eq!(stub.seen("/token").len(), 1, "one token serves both");
    // Another key of the same name is refused by the token service.
    let (other, _) = account(&format!("{}/token", stub.base_url));
    let vertex = registry_of(other).resolve(Some(NAME)).unwrap();
    let error = ask(&vertex, question()).await.unwrap_err().to_string();
    assert!(
        error.contains("credentials_file") && error.contains("Invalid JWT Signature."),
        "{error}"
    );
    assert!(!error.contains("PRIVATE KEY"), "{error}");
}

#[tokio::test]
async fn vertex_is_asked_with_the_machine_s_token_and_a_refused_one_is_renewed() {
    let given = std::sync::atomic::AtomicUsize::new(0);
    let stub = Stub::start(move |seen| match seen.uri.path() {
        "/computeMetadata/v1/token" if seen.header("metadata-flavor") == "Google" && seen.method == "GET" => {
            // The first token is one that Vertex refuses.
            let is_first = given.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            let token = if is_first { "ya29.stale" } else { TOKEN };
            Answer::Whole(json!({"access_token": token, "expires_in": 3_599, "token_type": "Bearer"}))
        }
        _ => vertex_rules(seen),
    })
    .await;
    let more = format!(
        "authentication = \"metadata\"\ntoken_url = \"{}/computeMetadata/v1/token\"",
        stub.base_url
    );
    let registry = registry(&vertex_table(&stub.base_url, &more), |_| None);
    let reply = ask(&registry.resolve(Some(NAME)).unwrap(), question())
        .await
        .unwrap();
    assert_eq!(reply.finish(), FinishReason::Stop);
    assert_eq!(stub.seen("/token").len(), 2);
}

#[test]
fn settings_say_what_is_missing() {
    let found = mistakes("[bindings.b]\nhost = \"vertex\"\nmodel = \"m\"\nfamily = \"gemini_2_5\"");
    for missing in [
        "project: is missing",
        "region: is missing",
        "credentials_file: is missing",
    ] {
        assert!(found.contains(missing), "{missing}: {found}");
    }
    let found = mistakes(
        "[bindings.b]\nhost = \"vertex\"\nproject = \"p\"\nregion = \"global\"\nmodel = \"m\"\nfamily = \"claude\"\n\
         credentials_env = \"X\"",
    );
    assert!(found.contains("credentials_env: is no key file"), "{found}");
    let found = mistakes(
        "[bindings.b]\nhost = \"gemini\"\nmodel = \"m\"\nfamily = \"gemini\"\njson_schema = \"tool\"",
    );
    assert!(
        found.contains("api_key_env: is missing") && found.contains("json_schema: is \"tool\""),
        "{found}"
    );
    let found = mistakes("[bindings.b]\nhost = \"gemini\"\nmodel = \"m\"\napi_key = \"k\"\nregion = \"eu\"");
    assert!(
        found.contains("family: is missing") && found.contains("region: is not a setting"),
        "{found}"
    );
}

//! Tokens of Entra ID: by a client's secret, and by the identity of the machine, against stand-ins for both services.

use crate::rules::Dialect;
use crate::stub::{Fault, HostStub};
use crate::{NAME, answer, ask, request, resolve_in};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use boxwood_core::ModelError;
use boxwood_models::ResolvedModel;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "entra-client-secret";

/// A stand-in for `login.microsoftonline.com` and for the token service of a machine.
#[derive(Clone)]
struct TokenStub {
    url: String,
    given: Arc<AtomicU64>,
    lives: u64,
    failures: Arc<Mutex<Vec<u16>>>,
}

impl TokenStub {
    async fn start(lives: u64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            given: Arc::default(),
            lives,
            failures: Arc::default(),
        };
        let app = Router::new().fallback(token).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        stub
    }

    fn given(&self) -> u64 {
        self.given.load(Ordering::SeqCst)
    }
}

async fn token(State(stub): State<TokenStub>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(status) = stub.failures.lock().unwrap().pop() {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let has = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    let of_machine = match uri.path() {
        "/my-tenant/oauth2/v2.0/token" => false,
        "/metadata/identity/oauth2/token" => {
            let query = uri.query().unwrap_or_default();
            let fine = has("metadata", "true")
                && query.contains("api-version=2018-02-01")
                && query.contains("resource=https%3A%2F%2Fcognitiveservices.azure.com");
            if !fine {
                let error = json!({"error": "invalid_request", "error_description": "Required metadata header not specified"});
                return (StatusCode::BAD_REQUEST, axum::Json(error)).into_response();
            }
            true
        }
        "/msi/token" => {
            let query = uri.query().unwrap_or_default();
            if !has("x-identity-header", SECRET) || !query.contains("api-version=2019-08-01") {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            true
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let form = String::from_utf8_lossy(&body).into_owned();
    let field = |pair: &str| form.split('&').any(|found| found == pair);
    let known = field("grant_type=client_credentials")
        && field("client_id=my-client")
        && field(&format!("client_secret={SECRET}"))
        && field("scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default");
    if !of_machine && !known {
        let error = json!({"error": "invalid_client", "error_description": format!("AADSTS7000215: Invalid client secret provided: {form}"), "error_codes": [7_000_215]});
        return (StatusCode::UNAUTHORIZED, axum::Json(error)).into_response();
    }
    let number = stub.given.fetch_add(1, Ordering::SeqCst) + 1;
    let lives = if of_machine {
        json!(stub.lives.to_string())
    } else {
        json!(stub.lives)
    };
    axum::Json(
        json!({"token_type": "Bearer", "expires_in": lives, "access_token": format!("entra-{number}")}),
    )
    .into_response()
}

fn by_client(host: &HostStub, tokens: &TokenStub, secret: &str) -> ResolvedModel {
    let toml = format!(
        "[bindings.{NAME}]\n{}\nbase_url = \"{}\"\nauthentication = \"entra\"\ntenant_id = \"my-tenant\"\n\
         client_id = \"my-client\"\nclient_secret_env = \"SECRET\"\nauthority = \"{}\"",
        host.dialect.binding(),
        host.base_url,
        tokens.url
    );
    resolve_in(&toml, &|name| (name == "SECRET").then(|| secret.to_owned()))
}

fn proof(host: &HostStub, number: usize) -> String {
    let (headers, ..) = &host.requests()[number];
    assert!(headers.get("api-key").is_none());
    headers["authorization"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_the_host_refuses_it() {
    let (host, tokens) = (
        HostStub::start(Dialect::AzureChat, answer()).await,
        TokenStub::start(3_600).await,
    );
    let model = by_client(&host, &tokens, SECRET);
    ask(&model, request(&model)).await.unwrap();
    ask(&model, request(&model)).await.unwrap();
    assert_eq!((tokens.given(), proof(&host, 1).as_str()), (1, "Bearer entra-1"));

    let revoked = json!({"error": {"code": "401", "message": "The token entra-1 has expired."}});
    host.fail_next(Fault::Refuse(401, Vec::new(), revoked));
    ask(&model, request(&model)).await.unwrap();
    assert_eq!((tokens.given(), proof(&host, 3).as_str()), (2, "Bearer entra-2"));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out() {
    let (host, tokens) = (
        HostStub::start(Dialect::AzureResponses, answer()).await,
        TokenStub::start(2).await,
    );
    let model = by_client(&host, &tokens, SECRET);
    ask(&model, request(&model)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    ask(&model, request(&model)).await.unwrap();
    assert_eq!((tokens.given(), proof(&host, 1).as_str()), (2, "Bearer entra-2"));
}

#[tokio::test]
async fn what_is_wrong_with_the_client_is_told_without_its_secret() {
    let (host, tokens) = (
        HostStub::start(Dialect::AzureChat, answer()).await,
        TokenStub::start(3_600).await,
    );
    let model = by_client(&host, &tokens, "some-other-secret");
    let error = ask(&model, request(&model)).await.unwrap_err();
    let words = error.to_string();
    assert!(matches!(error, ModelError::Refused { .. }), "{error:?}");
    assert!(
        words.contains("AADSTS7000215") && words.contains("`client_secret"),
        "{words}"
    );
    assert!(!format!("{error:?}").contains("some-other-secret"), "{error:?}");
    assert!(host.requests().is_empty(), "nothing is sent without a token");
}

#[tokio::test]
async fn a_token_service_that_fails_is_asked_again() {
    let (host, tokens) = (
        HostStub::start(Dialect::AzureChat, answer()).await,
        TokenStub::start(3_600).await,
    );
    tokens.failures.lock().unwrap().push(503);
    let model = by_client(&host, &tokens, SECRET);
    ask(&model, request(&model)).await.unwrap();
    assert_eq!(tokens.given(), 1);
}

#[tokio::test]
async fn the_machines_identity_is_asked_for_a_token() {
    let (host, tokens) = (
        HostStub::start(Dialect::AzureChat, answer()).await,
        TokenStub::start(3_600).await,
    );
    let toml = format!(
        "[bindings.{NAME}]\n{}\nbase_url = \"{}\"\nauthentication = \"managed_identity\"",
        host.dialect.binding(),
        host.base_url
    );
    let of_machine = resolve_in(&toml, &|name| {
        (name == "AZURE_POD_IDENTITY_AUTHORITY_HOST").then(|| tokens.url.clone())
    });
    ask(&of_machine, request(&of_machine)).await.unwrap();
    assert_eq!(proof(&host, 0), "Bearer entra-1");

    let of_app = resolve_in(&toml, &|name| match name {
        "IDENTITY_ENDPOINT" => Some(format!("{}/msi/token", tokens.url)),
        "IDENTITY_HEADER" => Some(SECRET.to_owned()),
        _ => None,
    });
    ask(&of_app, request(&of_app)).await.unwrap();
    assert_eq!((tokens.given(), proof(&host, 1).as_str()), (2, "Bearer entra-2"));
}

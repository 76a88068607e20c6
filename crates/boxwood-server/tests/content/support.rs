//! A server in process, and small things that every test needs.

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use boxwood_answer::library::Library;
use boxwood_answer::{
    AgentPurpose, Answer, AnswerError, AskAgent, ExtractAgent, ExtractMode, Extracted, Extraction,
    GeneratedText, Language, ProgressSink, Question, TextGenAgent, TextGeneration,
};
use boxwood_core::{FixedClock, Principal, Resource, ScopeSet, SystemIds, UserId};
use boxwood_ingest::{IngestConfig, Ingestor, WorkerCommand};
use boxwood_models::{ModelRegistry, ModelSettings};
use boxwood_server::extract::ConnectionInfo;
use boxwood_server::{AppParts, AppState, Asker, ServerSettings, routes};
use boxwood_store::{
    IdentityStore, NewAccessToken, NewUser, Seed, Seeded, SqliteStore, Store, StoreOptions, UserKind,
    UserRole,
};
use bytes::Bytes;
use chrono::{Duration, Utc};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Content operations ask no questions.
struct NoAsker;

#[async_trait]
impl Asker for NoAsker {
    async fn ask(&self, _: Question, _: &dyn ProgressSink) -> Result<Answer, AnswerError> {
        Err(AnswerError::Cancelled)
    }

    fn default_agent(&self, _: Language, _: Option<&str>) -> Result<AskAgent, AnswerError> {
        Err(AnswerError::Cancelled)
    }

    async fn extract(&self, _: Extraction, _: &dyn ProgressSink) -> Result<Extracted, AnswerError> {
        Err(AnswerError::Cancelled)
    }

    fn default_extract_agent(
        &self,
        _: ExtractMode,
        _: Language,
        _: Option<&str>,
    ) -> Result<ExtractAgent, AnswerError> {
        Err(AnswerError::Cancelled)
    }

    async fn suggest_questions(
        &self,
        _: &AgentPurpose,
        _: &CancellationToken,
    ) -> Result<Vec<String>, AnswerError> {
        Err(AnswerError::Cancelled)
    }

    fn knows_model(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn is_inactive(&self, _: &str) -> bool {
        false
    }

    async fn generate_text(
        &self,
        _: TextGeneration,
        _: &dyn ProgressSink,
    ) -> Result<GeneratedText, AnswerError> {
        Err(AnswerError::Cancelled)
    }

    fn default_text_gen_agent(&self, _: Language, _: Option<&str>) -> Result<TextGenAgent, AnswerError> {
        Err(AnswerError::Cancelled)
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The server, its store and the identities in it.
pub struct App {
    router: Router,
    pub store: Arc<SqliteStore>,
    pub state: AppState,
    pub clock: Arc<FixedClock>,
    pub seeded: Seeded,
    /// A token of the administrator with every scope.
    pub token: String,
    _folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {:?}", self.bytes))
    }

    /// The one file of an upload.
    pub fn uploaded(&self) -> Value {
        assert_eq!(self.status, 201, "{:?}", self.bytes);
        let body = self.json();
        assert_eq!(body["total_count"], 1);
        body["entries"][0].clone()
    }

    /// Asserts a refusal: status, code, and the field that it names (empty: none in particular).
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, field: &str) -> Value {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
        assert_eq!(body["type"], "error");
        assert_eq!(body["status"], status);
        assert!(
            body["help_url"]
                .as_str()
                .is_some_and(|url| url.starts_with("http")),
            "{body}"
        );
        let id = body["request_id"].as_str().unwrap();
        assert_eq!(self.headers["box-request-id"], id);
        if !field.is_empty() {
            let fields = body["context_info"]["errors"].as_array().unwrap();
            assert!(
                fields.iter().any(|entry| entry["name"] == field),
                "{field}: {body}"
            );
        }
        body
    }
}

/// A request on its way.
pub struct Call<'a> {
    app: &'a App,
    request: http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(mut self, body: Value) -> Self {
        self.body = Body::from(body.to_string());
        self.header("content-type", "application/json")
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Reply {
        let mut request = self.request.header("host", "localhost").body(self.body).unwrap();
        request.extensions_mut().insert(ConnectionInfo {
            peer: "127.0.0.1:9".parse().unwrap(),
            tls: true,
        });
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }
}

impl App {
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(FixedClock::new(Utc::now()));
        let options = StoreOptions {
            clock: clock.clone(),
            parser_version: boxwood_ingest::PARSER_VERSION,
            ..StoreOptions::new(folder.path())
        };
        let store = Arc::new(SqliteStore::open(options).await.unwrap());
        let seed = Seed {
            enterprise_name: "Test".into(),
            admin_name: "Ada".into(),
            admin_login: "ada@example.com".into(),
            client_id: "test-client".into(),
            client_secret: "test-secret".into(),
            client_keys: Vec::new(),
            redirect_uris: Vec::new(),
            developer_token: None,
        };
        let seeded = store.seed(seed).await.unwrap();
        let shared: Arc<dyn Store> = store.clone();
        let ingest = IngestConfig {
            worker_command: Some(WorkerCommand {
                program: env!("CARGO_BIN_EXE_boxwood-test-worker").into(),
                arguments: Vec::new(),
            }),
            ..IngestConfig::default()
        };
        let state = AppState::new(AppParts {
            meter: boxwood_models::Meter::default(),
            store: shared.clone(),
            asker: Arc::new(NoAsker),
            models: ModelRegistry::new(ModelSettings::default(), Vec::new(), None).unwrap(),
            library: Arc::new(Library::new(shared, Ingestor::new(ingest))),
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
            settings: ServerSettings::default(),
            stop: CancellationToken::new(),
        });
        let router = routes::router(state.clone());
        let mut app = Self {
            router,
            store,
            state,
            clock,
            seeded,
            token: String::new(),
            _folder: folder,
        };
        app.token = app
            .token_for(&app.seeded.admin.id.clone(), ScopeSet::full(), None)
            .await;
        app
    }

    pub async fn token_for(&self, user: &UserId, scopes: ScopeSet, resource: Option<Resource>) -> String {
        let token = NewAccessToken {
            user_id: user.clone(),
            client_id: None,
            scopes,
            resource,
            lifetime: Duration::hours(1),
            parent: None,
        };
        self.store.issue_access_token(token).await.unwrap().secret
    }

    /// A token of the administrator with these scopes.
    pub async fn scoped(&self, scopes: &str, resource: Option<Resource>) -> String {
        self.token_for(&self.seeded.admin.id, ScopeSet::parse(scopes).unwrap(), resource)
            .await
    }

    /// Another user of the enterprise, and a token of that user.
    pub async fn other_user(&self) -> (UserId, String) {
        let user = NewUser {
            enterprise_id: self.seeded.enterprise.id.clone(),
            name: "Bo".into(),
            login: "bo@example.com".into(),
            role: UserRole::User,
            kind: UserKind::Managed,
        };
        let user = self.store.create_user(user).await.unwrap();
        let token = self.token_for(&user.id, ScopeSet::full(), None).await;
        (user.id, token)
    }

    pub fn principal(&self) -> Principal {
        Principal {
            user_id: self.seeded.admin.id.clone(),
            enterprise_id: self.seeded.enterprise.id.clone(),
            scopes: ScopeSet::full(),
            resource: None,
        }
    }

    /// A request as the administrator.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        self.call_as(&self.token, method, path)
    }

    pub fn call_as(&self, token: &str, method: &str, path: &str) -> Call<'_> {
        self.call_without_token(method, path)
            .header("authorization", &format!("Bearer {token}"))
    }

    pub fn call_without_token(&self, method: &str, path: &str) -> Call<'_> {
        Call {
            app: self,
            request: Request::builder().method(method).uri(path),
            body: Body::empty(),
        }
    }

    /// Uploads a file into the root, as an SDK does.
    pub async fn upload(&self, name: &str, content: &str) -> Value {
        self.upload_as(&self.token, name, content).await.uploaded()
    }

    pub async fn upload_as(&self, token: &str, name: &str, content: &str) -> Reply {
        let attributes = serde_json::json!({"name": name, "parent": {"id": "0"}}).to_string();
        let form = Form::new()
            .part("name=\"attributes\"", &attributes)
            .part("name=\"file\"; filename=\"\"", content);
        form.send(self.call_as(token, "POST", "/2.0/files/content")).await
    }

    pub async fn folder(&self, name: &str, parent: &str) -> String {
        let body = serde_json::json!({"name": name, "parent": {"id": parent}});
        let reply = self.call("POST", "/2.0/folders").json(body).send().await;
        assert_eq!(reply.status, 201, "{:?}", reply.bytes);
        id(&reply.json())
    }
}

pub fn id(item: &Value) -> String {
    item["id"].as_str().unwrap().to_owned()
}

/// A multipart form.
pub struct Form(String);

impl Form {
    pub fn new() -> Self {
        Self(String::new())
    }

    pub fn part(mut self, disposition: &str, content: &str) -> Self {
        self.0.push_str(&format!(
            "--cut\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n"
        ));
        self
    }

    pub async fn send(self, call: Call<'_>) -> Reply {
        call.header("content-type", "multipart/form-data; boundary=cut")
            .body(format!("{}--cut--\r\n", self.0))
            .send()
            .await
    }
}

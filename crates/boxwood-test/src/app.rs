//! A server in process, with a store in a temporary folder, a clock that stands still and a scripted model.

use crate::scripted::ScriptedModel;
use boxwood_answer::reason::Sandbox;
use boxwood_answer::{AnswerConfig, AnswerService, Library};
use boxwood_core::{ChatModel, Clock, Embedder, FixedClock, SystemIds};
use boxwood_ingest::{IngestConfig, Ingestor, WorkerCommand};
use boxwood_models::meter::{Budget, Budgets, StatedPrice};
use boxwood_models::{Meter, ModelRegistry, ModelSettings, StandIn};
use boxwood_server::listen::{Addresses, Ended, Server};
use boxwood_server::tls::{CurrentCertificate, TlsFiles};
use boxwood_server::usage::restore_budgets;
use boxwood_server::{AppParts, AppState, ServerSettings, UsageWriter, development};
use boxwood_store::{SqliteStore, Store, StoreOptions};
use chrono::Utc;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The developer token of the administrator.
pub const DEVELOPER_TOKEN: &str = "boxwood-dev-token";

/// How a [`TestApp`] is set up.
pub struct TestAppBuilder {
    settings: ServerSettings,
    model: Option<ScriptedModel>,
    worker: Option<PathBuf>,
    upload_bytes: Option<u64>,
    stand_in: StandIn,
    budgets: Vec<Budget>,
    prices: Vec<StatedPrice>,
    embedder: Option<Arc<dyn Embedder>>,
    sandbox: Option<Sandbox>,
}

/// A running server.
pub struct TestApp {
    /// `http://127.0.0.1:port`
    pub base: String,
    /// `https://localhost:port`
    pub secure_base: String,
    /// The plain address.
    pub address: SocketAddr,
    /// What clients trust.
    pub authority: PathBuf,
    /// The data folder.
    pub data: TempDir,
    /// The model.
    pub model: ScriptedModel,
    /// Time.
    pub clock: Arc<FixedClock>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The server's state.
    pub state: AppState,
    /// The development enterprise.
    pub enterprise_id: String,
    /// The development administrator, whose is the developer token.
    pub admin_id: String,
    /// A client without redirects.
    pub client: reqwest::Client,
    stop: CancellationToken,
    task: Option<JoinHandle<Ended>>,
}

impl TestAppBuilder {
    /// Changes the settings.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut ServerSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Sets the model.
    #[must_use]
    pub fn model(mut self, model: ScriptedModel) -> Self {
        self.model = Some(model);
        self
    }

    /// The program that parses files; without one only items with `content` can be asked about.
    #[must_use]
    pub fn worker(mut self, program: impl Into<PathBuf>) -> Self {
        self.worker = Some(program.into());
        self
    }

    /// The largest file.
    #[must_use]
    pub fn upload_bytes(mut self, bytes: u64) -> Self {
        self.upload_bytes = Some(bytes);
        self
    }

    /// Whether the model may stand in for cards that nothing serves.
    #[must_use]
    pub fn stand_in(mut self, stand_in: StandIn) -> Self {
        self.stand_in = stand_in;
        self
    }

    /// Limits the use of models.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
        self
    }

    /// States a price.
    #[must_use]
    pub fn price(mut self, price: StatedPrice) -> Self {
        self.prices.push(price);
        self
    }

    /// What embeds; without one there are no embeddings.
    #[must_use]
    pub fn embedder(mut self, embedder: Arc<dyn Embedder>) -> Self {
        self.embedder = Some(embedder);
        self
    }

    /// Where programs of the model run; without one nothing is computed.
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Starts the server.
    pub async fn start(self) -> TestApp {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(FixedClock::new(Utc::now()));
        let store = self.store(data.path(), clock.clone()).await;
        copy_development_keys(data.path()).await;
        let development = development::prepare(store.as_ref(), data.path())
            .await
            .expect("the development identity");
        let model = self
            .model
            .unwrap_or_else(|| ScriptedModel::saying("The sun rises in the east."));
        let locals: Vec<Arc<dyn ChatModel>> = vec![Arc::new(model.clone())];
        let settings = ModelSettings {
            stand_in: self.stand_in,
            prices: self.prices.clone(),
            ..ModelSettings::default()
        };
        let meter = Meter::new(
            clock.clone(),
            Arc::new(UsageWriter::new(store.clone())),
            Budgets::new(self.budgets),
        );
        restore_budgets(&meter, store.as_ref(), clock.now())
            .await
            .expect("what was used before");
        let models = ModelRegistry::new(settings, locals, self.embedder)
            .expect("no host is bound")
            .with_meter(meter.clone());
        let worker_command = self.worker.map(|program| WorkerCommand {
            program,
            arguments: Vec::new(),
        });
        let ingestor = Ingestor::new(IngestConfig {
            worker_command,
            ..IngestConfig::default()
        });
        let library = Arc::new(Library::new(store.clone(), ingestor));
        let asker = AnswerService::new(library.clone(), models.clone(), AnswerConfig::default());
        let asker = Arc::new(asker.with_sandbox(self.sandbox));
        let state = AppState::new(AppParts {
            store: store.clone(),
            asker,
            models,
            library,
            clock: clock.clone(),
            meter,
            ids: Arc::new(SystemIds),
            settings: self.settings,
            stop: CancellationToken::new(),
        });
        let tls = TlsFiles::open_or_make(&data.path().join("tls"), Utc::now()).expect("certificates");
        let current = CurrentCertificate::load(&tls.server_certificate(), &tls.server_key())
            .expect("certificates that load");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = current.config().expect("a TLS configuration");
        let server = Server::bind(
            state.clone(),
            Addresses {
                http: Some(any),
                https: Some((any, config)),
            },
        )
        .await
        .expect("free ports on loopback");
        let address = server.http_address().expect("an HTTP listener");
        let secure = server.https_address().expect("an HTTPS listener");
        let stop = CancellationToken::new();
        let task = tokio::spawn(server.run(stop.clone().cancelled_owned()));
        TestApp {
            base: format!("http://{address}"),
            secure_base: format!("https://localhost:{}", secure.port()),
            address,
            authority: tls.authority_certificate(),
            data,
            model,
            clock,
            store,
            state,
            enterprise_id: development.seeded.enterprise.id.to_string(),
            admin_id: development.seeded.admin.id.to_string(),
            client: client(),
            stop,
            task: Some(task),
        }
    }

    async fn store(&self, folder: &Path, clock: Arc<FixedClock>) -> Arc<dyn Store> {
        let mut options = StoreOptions::new(folder);
        options.clock = clock;
        options.parser_version = boxwood_ingest::PARSER_VERSION;
        if let Some(bytes) = self.upload_bytes {
            options.max_file_size = bytes;
        }
        Arc::new(SqliteStore::open(options).await.expect("a new store"))
    }
}

/// Makes the key pair of the development application once a process: it takes a part of a second of one core.
async fn copy_development_keys(data: &Path) {
    static KEPT: tokio::sync::OnceCell<TempDir> = tokio::sync::OnceCell::const_new();
    let kept = KEPT.get_or_init(|| async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(StoreOptions::new(folder.path()))
            .await
            .expect("a new store");
        development::prepare(&store, folder.path())
            .await
            .expect("the development identity");
        store.close().await;
        folder
    });
    let from = kept.await.path().join("development");
    let to = data.join("development");
    std::fs::create_dir_all(&to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the kept keys") {
        let entry = entry.expect("a kept key");
        // Copying keeps the mode: for the owner only.
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copied key");
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client")
}

impl TestApp {
    /// The usual settings; a question that nobody waits for ends after a fifth of a second.
    pub fn builder() -> TestAppBuilder {
        let settings = ServerSettings {
            join_grace: Duration::from_millis(200),
            ..ServerSettings::default()
        };
        TestAppBuilder {
            settings,
            model: None,
            worker: None,
            upload_bytes: None,
            stand_in: StandIn::Allow,
            budgets: Vec::new(),
            prices: Vec::new(),
            embedder: None,
            sandbox: None,
        }
    }

    /// A server with the usual settings.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Starts a request with the developer token.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request_as(DEVELOPER_TOKEN, method, path)
    }

    /// Starts a request with a token.
    pub fn request_as(&self, token: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token)
    }

    /// GET with the developer token.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request("GET", path)).await
    }

    /// POST of JSON with the developer token.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_as(DEVELOPER_TOKEN, path, body).await
    }

    /// POST of JSON with a token.
    pub async fn post_as(&self, token: &str, path: &str, body: &Value) -> Reply {
        Reply::of(
            self.request_as(token, "POST", path)
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
        .await
    }

    /// POST of a form, without a token.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut body = String::new();
        for (name, value) in fields {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(&format!("{name}={}", encoded(value)));
        }
        let request = self.client.post(format!("{}{path}", self.base));
        Reply::of(
            request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body),
        )
        .await
    }

    /// Uploads a file into the root of whose token it is, and answers its id.
    pub async fn upload_as(&self, token: &str, name: &str, content: &[u8]) -> String {
        let boundary = "boxwood-test-boundary";
        let attributes = json!({"name": name, "parent": {"id": "0"}});
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n{attributes}\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"x\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let request = self.request_as(token, "POST", "/api/2.0/files/content");
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let reply = Reply::of(request.header("content-type", content_type).body(body)).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body["entries"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// Uploads a file of the administrator.
    pub async fn upload(&self, name: &str, content: &[u8]) -> String {
        self.upload_as(DEVELOPER_TOKEN, name, content).await
    }

    /// Ends the server in good order.
    pub async fn stop(&mut self) -> Ended {
        self.stop.cancel();
        let task = self.task.take().expect("a server that was not stopped before");
        task.await.expect("a server that did not panic")
    }

    /// Asks the server to end, without waiting for it.
    pub fn begin_stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON; `null` where it is none.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Reply {
    /// Sends and reads.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a whole body");
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self {
            status,
            headers,
            body,
            text,
        }
    }

    /// The issued token.
    pub fn access_token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.body["access_token"].as_str().expect("a token").to_owned()
    }

    /// A header as text, empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Checks Box's error object: status, code, and the reason and path of its first entry.
    #[track_caller]
    pub fn assert_refused(&self, status: u16, code: &str, reason: &str, name: &str) {
        self.assert_error(status, code);
        let entry = &self.body["context_info"]["errors"][0];
        assert_eq!(
            (&entry["reason"], &entry["name"]),
            (&json!(reason), &json!(name)),
            "{}",
            self.text
        );
        assert!(
            entry["message"].as_str().is_some_and(|words| !words.is_empty()),
            "{}",
            self.text
        );
    }

    /// Checks Box's error object without entries.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, &self.body["code"]),
            (status, &json!(code)),
            "{}",
            self.text
        );
        assert_eq!(
            (&self.body["type"], &self.body["status"]),
            (&json!("error"), &json!(status)),
            "{}",
            self.text
        );
        assert_eq!(
            self.body["request_id"],
            self.header("box-request-id"),
            "{}",
            self.text
        );
        for member in ["message", "help_url", "request_id"] {
            assert!(
                self.body[member].as_str().is_some_and(|words| !words.is_empty()),
                "{member}: {}",
                self.text
            );
        }
    }
}

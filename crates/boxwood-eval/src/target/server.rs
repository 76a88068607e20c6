//! Rows answered by a Boxwood server that the command names, over its public API.
//!
//! Invariants: nothing is sent but to that server; the token is never shown. Documents are uploaded once each into a
//! folder of the run's own, which goes to the trash when the run ends.

use super::form::{self, ExtractForm};
use super::{RowFailure, Target, problem, wire};
use crate::error::EvalError;
use crate::predictions::Prediction;
use crate::record::EffortChoice;
use crate::rows::{DocumentContent, Row, RowDocument, Task};
use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(3_600);
/// Tries of one call while the server is busy.
const TRIES: u32 = 6;
/// Waiting between tries, where the server does not say.
const PAUSE: Duration = Duration::from_secs(2);
/// Times that a file's text is looked for, a [`PAUSE`] apart.
const LOOKS: u32 = 60;
/// Characters of a file's name.
const NAME: usize = 200;
/// The name that takes an effort, whatever serves it.
const REASONING_MODEL: &str = "azure__openai__gpt_o4_mini";
/// Between the parts of an upload.
const BOUNDARY: &str = "boxwood-eval-8a1d0c5be7f24c03";

/// How rows are asked.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `http://127.0.0.1:8020`, without a slash at its end.
    pub base: String,
    /// Who asks.
    pub token: SecretString,
    /// The model's name; `None`: the server's default.
    pub model: Option<String>,
    /// The effort; `None`: the server's default.
    pub effort: Option<EffortChoice>,
    /// Whether extractions take Box's enhanced agent.
    pub enhanced: bool,
}

/// A server.
pub struct ServerTarget {
    client: reqwest::Client,
    settings: ServerSettings,
    uploads: Mutex<Uploads>,
}

/// What was uploaded.
#[derive(Default)]
struct Uploads {
    folder: Option<String>,
    /// File ids by name and SHA-256 of the content.
    files: HashMap<(String, [u8; 32]), String>,
}

#[async_trait]
impl Target for ServerTarget {
    async fn answer(&self, row: &Row, _cancel: &CancellationToken) -> Result<Prediction, RowFailure> {
        match row.task {
            Task::Qa | Task::Dialog => self.ask(row).await,
            Task::Extract => self.extract(row).await,
            Task::JsonSchema => {
                let schema = row.schema.as_ref().unwrap_or(&Value::Null);
                self.chat(&form::value_prompt(schema), Some(schema))
                    .await
                    .map(parsed)
            }
            Task::Reason | Task::Code => self.chat(&problem::prompt_of(row), None).await,
            Task::Robust => self.read(row).await,
        }
    }

    async fn finish(&self) {
        if let Some(folder) = self.uploads.lock().await.folder.take() {
            let path = format!("/2.0/folders/{folder}?recursive=true");
            // What stays when this fails is a folder with a name that says what it is.
            let _kept = self.call(Method::DELETE, &path, None).await;
        }
    }
}

/// A value that came as text.
fn parsed(mut prediction: Prediction) -> Prediction {
    if let Some(value) = prediction
        .answer
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
    {
        prediction.answer = value;
    }
    prediction
}

impl ServerTarget {
    /// A target; nothing is sent yet.
    ///
    /// # Errors
    /// [`EvalError::Target`] for settings that can't be used.
    pub fn new(settings: ServerSettings) -> Result<Self, EvalError> {
        if settings.effort == Some(EffortChoice::Baseline) {
            return Err(EvalError::Target {
                message: "the baseline is the model alone, which a server does not offer: leave --server out"
                    .to_owned(),
            });
        }
        // Fails only when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("boxwood-eval/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(ANSWER_TIME)
            .build();
        let client = client.map_err(|error| EvalError::Target {
            message: format!("no connection can be set up: {error}"),
        })?;
        Ok(Self {
            client,
            settings,
            uploads: Mutex::default(),
        })
    }

    async fn ask(&self, row: &Row) -> Result<Prediction, RowFailure> {
        let documents = self.upload_all(row).await?;
        let ids: Vec<String> = documents.iter().map(|(id, _)| id.clone()).collect();
        let dialogue = form::dialogue(&row.history);
        let body = wire::ask_body(
            row,
            &ids,
            &dialogue,
            self.settings.model.as_deref(),
            self.settings.effort,
        );
        let reply = self.call(Method::POST, "/2.0/ai/ask", Some(body)).await?;
        Ok(wire::of_box_answer(reply, &documents))
    }

    async fn extract(&self, row: &Row) -> Result<Prediction, RowFailure> {
        let documents = self.upload_all(row).await?;
        let ids: Vec<String> = documents.iter().map(|(id, _)| id.clone()).collect();
        let form = form::extract_form(row.schema.as_ref().unwrap_or(&Value::Null));
        let (path, body) = wire::extract_body(&form, &ids, self.settings.enhanced);
        let reply = self.call(Method::POST, path, Some(body)).await?;
        let mut prediction = wire::of_box_answer(reply, &documents);
        prediction.sources = documents.into_iter().map(|(_, document)| document).collect();
        match form {
            ExtractForm::Prompt(_) => Ok(parsed(prediction)),
            ExtractForm::Fields(_) => Ok(prediction),
        }
    }

    async fn chat(&self, prompt: &str, schema: Option<&Value>) -> Result<Prediction, RowFailure> {
        let effort = self.settings.effort;
        let model = match (&self.settings.model, effort) {
            (Some(model), _) => model.clone(),
            (None, Some(_)) => REASONING_MODEL.to_owned(),
            (None, None) => self.local_model().await?,
        };
        let mut body = wire::chat_body(&model, prompt, effort, schema);
        if self.settings.model.is_none() && effort.is_none() {
            // Reasoning models refuse a temperature; whoever names a model may have named one.
            body["temperature"] = json!(0);
        }
        let reply = self
            .call(Method::POST, "/v1/chat/completions", Some(body))
            .await?;
        Ok(wire::of_chat_answer(reply))
    }

    /// The OpenAI-compatible part has no default: the first local model of its list is taken, else the first.
    async fn local_model(&self) -> Result<String, RowFailure> {
        let list = self.call(Method::GET, "/v1/models", None).await?;
        let models = list["data"].as_array().map_or(&[][..], Vec::as_slice);
        let local = models
            .iter()
            .find(|model| model["boxwood"]["served_by"]["relation"] == "local");
        let name = local.or(models.first()).and_then(|model| model["id"].as_str());
        name.map(str::to_owned)
            .ok_or_else(|| target_failure("the server lists no model: name one with --model".to_owned()))
    }

    /// Whether a file's text comes, or a clean refusal.
    async fn read(&self, row: &Row) -> Result<Prediction, RowFailure> {
        let documents = match self.upload_all(row).await {
            Err(RowFailure::Row(refused)) => {
                let answer = json!({"outcome": "refused", "message": refused});
                return Ok(Prediction {
                    answer,
                    ..Prediction::default()
                });
            }
            uploaded => uploaded?,
        };
        let Some((id, _)) = documents.first() else {
            return Err(RowFailure::Row("the row has no document".to_owned()));
        };
        for _ in 0..LOOKS {
            let path = format!("/2.0/files/{id}?fields=representations");
            let reply = self.hinted(&path).await?;
            let status = &reply["representations"]["entries"][0]["status"];
            let answer = match status["state"].as_str() {
                Some("success" | "viewable") => json!({"outcome": "text"}),
                Some("error") => match status["code"].as_str() {
                    Some(code) if code.contains("crash") => json!({"outcome": "crashed", "code": code}),
                    code => json!({"outcome": "refused", "code": code}),
                },
                _ => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            return Ok(Prediction {
                answer,
                ..Prediction::default()
            });
        }
        Err(RowFailure::Row("the file was not read in time".to_owned()))
    }

    async fn upload_all(&self, row: &Row) -> Result<Vec<(String, String)>, RowFailure> {
        let mut documents = Vec::with_capacity(row.documents.len());
        for document in &row.documents {
            documents.push((self.upload(document).await?, document.doc_id.clone()));
        }
        Ok(documents)
    }

    /// The id of a file with this name and content, uploaded once.
    async fn upload(&self, document: &RowDocument) -> Result<String, RowFailure> {
        let content = match &document.content {
            DocumentContent::Text(text) => text.clone().into_bytes(),
            DocumentContent::File(path) => tokio::fs::read(path)
                .await
                .map_err(|error| RowFailure::Row(format!("{} can't be read: {error}", path.display())))?,
        };
        let key = (document.name.clone(), Sha256::digest(&content).into());
        let mut uploads = self.uploads.lock().await;
        if let Some(id) = uploads.files.get(&key) {
            return Ok(id.clone());
        }
        let folder = match &uploads.folder {
            Some(folder) => folder.clone(),
            None => {
                let folder = self.make_folder().await?;
                uploads.folder.insert(folder).clone()
            }
        };
        let name = stored_name(uploads.files.len(), &document.name);
        let id = self.send_file(&folder, &name, &content).await?;
        uploads.files.insert(key, id.clone());
        Ok(id)
    }

    async fn make_folder(&self) -> Result<String, RowFailure> {
        let name = format!("eval {}", chrono::Utc::now().format("%Y-%m-%d %H-%M-%S%.6f"));
        let body = json!({"name": name, "parent": {"id": "0"}});
        let reply = self.call(Method::POST, "/2.0/folders", Some(body)).await?;
        text_of(&reply["id"], "the new folder has no id")
    }

    async fn send_file(&self, folder: &str, name: &str, content: &[u8]) -> Result<String, RowFailure> {
        let attributes = json!({"name": name, "parent": {"id": folder}});
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n{attributes}\r\n--{BOUNDARY}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self
            .request(Method::POST, "/2.0/files/content")
            .header("content-type", kind)
            .body(body);
        let reply = self.send(request).await?;
        text_of(&reply["entries"][0]["id"], "the new file has no id")
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.settings.base))
            .bearer_auth(self.settings.token.expose_secret())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, RowFailure> {
        let request = self.request(method, path);
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    async fn hinted(&self, path: &str) -> Result<Value, RowFailure> {
        self.send(
            self.request(Method::GET, path)
                .header("x-rep-hints", "[extracted_text]"),
        )
        .await
    }

    /// Sends until the server has time.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, RowFailure> {
        for attempt in 1.. {
            let Some(again) = request.try_clone() else {
                break;
            };
            let response = again
                .send()
                .await
                .map_err(|error| self.connection_failure(&error))?;
            let status = response.status();
            let busy = matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            );
            if busy && attempt < TRIES {
                tokio::time::sleep(pause_of(&response)).await;
                continue;
            }
            let body = response
                .text()
                .await
                .map_err(|error| self.connection_failure(&error))?;
            return match status {
                StatusCode::UNAUTHORIZED => Err(target_failure(format!(
                    "{}; name another token in BOXWOOD_TOKEN",
                    wire::error_words(status.as_u16(), &body)
                ))),
                status if !status.is_success() => {
                    Err(RowFailure::Row(wire::error_words(status.as_u16(), &body)))
                }
                StatusCode::NO_CONTENT => Ok(Value::Null),
                _ => serde_json::from_str(&body)
                    .map_err(|error| RowFailure::Row(format!("the server's answer is no JSON: {error}"))),
            };
        }
        Err(RowFailure::Row("the request could not be sent again".to_owned()))
    }

    /// A server that is not there fails every row; one that was too slow, this one.
    fn connection_failure(&self, error: &reqwest::Error) -> RowFailure {
        let base = &self.settings.base;
        match error.is_timeout() {
            true => RowFailure::Row(format!(
                "{base} did not answer within {} s",
                ANSWER_TIME.as_secs()
            )),
            false => target_failure(format!(
                "{base} can't be reached: start it, then run the same command again to go on from here"
            )),
        }
    }
}

fn target_failure(message: String) -> RowFailure {
    RowFailure::Target(EvalError::Target { message })
}

fn text_of(value: &Value, missing: &str) -> Result<String, RowFailure> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| RowFailure::Row(missing.to_owned()))
}

fn pause_of(response: &reqwest::Response) -> Duration {
    let told = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok());
    told.and_then(|seconds| seconds.parse().ok())
        .map_or(PAUSE, Duration::from_secs)
}

/// Names are distinct in the folder, and hold nothing that a name may not hold.
fn stored_name(number: usize, name: &str) -> String {
    let plain = format!("{number}-{name}").replace(['/', '\\'], "_");
    plain.chars().take(NAME).collect::<String>().trim().to_owned()
}

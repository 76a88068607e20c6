//! Representations: the text of a file as it was read, plain or as Markdown.
//!
//! Invariant: the state is honest: `success` only where the text is there to be read, `error` with the reason where the
//! file can't be read, `pending` while it is being read. Small files are read while the client waits, for at most
//! [`PATIENCE`], because several clients look only once.

use super::markdown::markdown;
use super::operations::Operation;
use super::parameters::path_id;
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Origin};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_answer::library::ReadError;
use boxwood_api::files::{
    Representation, RepresentationContent, RepresentationInfo, RepresentationProperties,
    RepresentationStatus, Representations,
};
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::{Document, FileId, FileVersionId, Principal};
use boxwood_ingest::PARSER_VERSION;
use boxwood_store::{File, ItemStatus, ReadableFile, StoreError, Thing};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use std::sync::Arc;
use std::time::Duration;

/// How long a request for a file's representations waits for the text.
const PATIENCE: Duration = Duration::from_secs(3);

/// The forms that Boxwood makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    ExtractedText,
    Markdown,
}

impl Form {
    /// Every form: name on the wire, media type.
    const TABLE: [(Form, &'static str, &'static str); 2] = [
        (Form::ExtractedText, "extracted_text", "text/plain; charset=utf-8"),
        (Form::Markdown, "markdown", "text/markdown; charset=utf-8"),
    ];

    fn name(self) -> &'static str {
        Self::TABLE
            .iter()
            .find(|(form, ..)| *form == self)
            .map_or("", |(_, name, _)| name)
    }

    fn named(name: &str) -> Option<(Form, &'static str)> {
        Self::TABLE
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(form, _, media)| (*form, *media))
    }

    fn of(self, document: &Document) -> String {
        match self {
            Form::ExtractedText => document.text.clone(),
            Form::Markdown => markdown(document),
        }
    }
}

/// The forms that `x-rep-hints` asks for, in its order: `[extracted_text][markdown]`. Pictures and thumbnails are left
/// out, as Box leaves out what it can't make. Without the header: all forms.
fn hinted(headers: &HeaderMap) -> Vec<Form> {
    let Some(hints) = headers.get("x-rep-hints").and_then(|value| value.to_str().ok()) else {
        return Form::TABLE.iter().map(|(form, ..)| *form).collect();
    };
    hints
        .split(['[', ']', ','])
        .filter_map(|hint| Form::named(hint.split('?').next().unwrap_or_default().trim()))
        .map(|(form, _)| form)
        .collect()
}

/// The `representations` of a file.
pub(super) async fn of_file(
    state: &AppState,
    principal: &Principal,
    origin: &Origin,
    file: &File,
    headers: &HeaderMap,
) -> Result<Representations, ApiError> {
    let forms = hinted(headers);
    if forms.is_empty() || file.status == ItemStatus::Trashed {
        return Ok(Representations { entries: Vec::new() });
    }
    Operation::ReadText.authorize(principal)?;
    let readable = one(state, principal, &file.id).await?;
    let status = status(state, &readable, PATIENCE).await?;
    let entries = forms
        .into_iter()
        .map(|form| entry(origin, &readable, form, status.clone()))
        .collect();
    Ok(Representations { entries })
}

fn entry(origin: &Origin, file: &ReadableFile, form: Form, status: RepresentationStatus) -> Representation {
    let url = format!(
        "{}/2.0/internal_files/{}/versions/{}/representations/{}",
        origin.0,
        file.id(),
        file.version_id(),
        form.name()
    );
    Representation {
        representation: form.name(),
        properties: RepresentationProperties {},
        content: RepresentationContent {
            url_template: format!("{url}/content/{{+asset_path}}"),
        },
        info: RepresentationInfo { url },
        status,
    }
}

async fn one(state: &AppState, principal: &Principal, id: &FileId) -> Result<ReadableFile, ApiError> {
    let files = state.store.readable(principal, std::slice::from_ref(id)).await?;
    files
        .iter()
        .next()
        .cloned()
        .ok_or_else(|| StoreError::not_found(Thing::File, id).into())
}

/// How far the text is, after waiting for it a little.
async fn status(
    state: &AppState,
    file: &ReadableFile,
    patience: Duration,
) -> Result<RepresentationStatus, ApiError> {
    let cancel = state.stop.child_token();
    let reading = state.library.document(file, &cancel);
    let (state_word, code) = match tokio::time::timeout(patience, reading).await {
        Ok(Ok(_)) => ("success", None),
        Ok(Err(ReadError::Refused { code, .. })) => ("error", Some(code)),
        Ok(Err(error)) => return Err(failure(error)),
        Err(_) => {
            // Giving up here ends this reading; the queued job goes on with it.
            state.store.request_parse(file, PARSER_VERSION).await?;
            ("pending", None)
        }
    };
    Ok(RepresentationStatus {
        state: state_word,
        code,
    })
}

fn failure(error: ReadError) -> ApiError {
    match error {
        ReadError::Refused { code, message } => {
            let reason = match code.as_str() {
                "unsupported" => Reason::UnsupportedFormat,
                "encrypted" => Reason::EncryptedFile,
                "empty" => Reason::EmptyFile,
                "limit_reached" => Reason::FileLimitReached,
                _ => Reason::DamagedFile,
            };
            ApiError::new(ErrorCode::NotFound, format!("The file has no text: {message}."))
                .with_error(FieldError::new(reason, "", message))
        }
        ReadError::Store(error) => error.into(),
        ReadError::Cancelled => ApiError::new(ErrorCode::Unavailable, "The server is stopping."),
        error @ ReadError::Failed { .. } => ApiError::internal(error),
    }
}

/// The file and form that a path names. Only the current version has representations.
async fn named(
    state: &AppState,
    principal: &Principal,
    (file, version, form): (&str, &str, &str),
) -> Result<(ReadableFile, Form, &'static str), ApiError> {
    Operation::ReadText.authorize(principal)?;
    let (form, media) = Form::named(form).ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotFound,
            "Boxwood makes `extracted_text` and `markdown` only.",
        )
    })?;
    let id: FileId = path_id(Thing::File, file)?;
    let version: FileVersionId = path_id(Thing::FileVersion, version)?;
    let readable = one(state, principal, &id).await?;
    if readable.version_id() == &version {
        Ok((readable, form, media))
    } else {
        Err(StoreError::not_found(Thing::FileVersion, version).into())
    }
}

/// `GET /2.0/internal_files/{id}/versions/{version}/representations/{form}`: how far it is.
pub(crate) async fn info(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path((file, version, form)): Path<(String, String, String)>,
) -> Result<BoxJson<Representation>, ApiError> {
    let (readable, form, _) = named(&state, &principal, (&file, &version, &form)).await?;
    let status = status(&state, &readable, PATIENCE).await?;
    Ok(BoxJson(entry(&origin, &readable, form, status)))
}

/// `GET …/content/{asset_path}`: the text. Reads the file if that was not done yet, while the client waits.
pub(crate) async fn content(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((file, version, form)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let (readable, form, media) = named(&state, &principal, (&file, &version, &form)).await?;
    let cancel = state.stop.child_token();
    let document: Arc<Document> = state
        .library
        .document(&readable, &cancel)
        .await
        .map_err(failure)?;
    let headers = [(CONTENT_TYPE, media), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, form.of(&document)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hints: Option<&str>, expected: &[Form]) {
        let mut headers = HeaderMap::new();
        if let Some(hints) = hints {
            headers.insert("x-rep-hints", hints.parse().unwrap());
        }
        assert_eq!(hinted(&headers), expected, "{hints:?}");
    }

    #[test]
    fn hints_choose_the_forms() {
        check(None, &[Form::ExtractedText, Form::Markdown]);
        check(Some("[extracted_text]"), &[Form::ExtractedText]);
        check(
            Some("[markdown][extracted_text]"),
            &[Form::Markdown, Form::ExtractedText],
        );
        check(
            Some("[markdown,extracted_text]"),
            &[Form::Markdown, Form::ExtractedText],
        );
        check(Some("[jpg?dimensions=32x32][png]"), &[]);
    }
}

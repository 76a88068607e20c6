//! Representations: the text of a file as it was read, plain or as Markdown, and its thumbnails.
//!
//! Invariant: the state is honest: `success` only where the text is there to be read, `error` with the reason where the
//! file can't be read, `pending` while it is being read. Small files are read while the client waits, for at most
//! [`PATIENCE`], because several clients look only once.

use super::markdown::markdown;
use super::operations::Operation;
use super::parameters::path_id;
use super::thumbnails;
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
use boxwood_ingest::{PARSER_VERSION, ThumbnailFormat};
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
    /// A JPEG that fits a square of this side.
    Thumbnail(u32),
}

impl Form {
    /// What a client gets that does not say what it wants.
    const TEXTS: [Form; 2] = [Form::ExtractedText, Form::Markdown];

    fn all() -> impl Iterator<Item = Form> {
        let sides = ThumbnailFormat::Jpg.sides().iter();
        Self::TEXTS
            .into_iter()
            .chain(sides.map(|side| Form::Thumbnail(*side)))
    }

    /// As hints and answers name it.
    fn name(self) -> &'static str {
        match self {
            Form::ExtractedText => "extracted_text",
            Form::Markdown => "markdown",
            Form::Thumbnail(_) => "jpg",
        }
    }

    /// As its path names it.
    fn segment(self) -> String {
        match self {
            Form::Thumbnail(side) => format!("jpg_thumb_{side}x{side}"),
            text => text.name().to_owned(),
        }
    }

    fn properties(self) -> RepresentationProperties {
        match self {
            Form::Thumbnail(side) => RepresentationProperties::thumbnail(side),
            Form::ExtractedText | Form::Markdown => RepresentationProperties::default(),
        }
    }

    /// Whether a hint as `jpg?dimensions=32x32` asks for it.
    fn is_hinted(self, hint: &str) -> bool {
        let (name, variant) = hint.split_once('?').unwrap_or((hint, ""));
        let dimensions = variant
            .split('&')
            .find_map(|part| part.strip_prefix("dimensions="));
        let wanted = self.properties().dimensions;
        name == self.name() && dimensions.is_none_or(|dimensions| wanted.is_none_or(|own| own == dimensions))
    }
}

/// The forms that `x-rep-hints` asks for, in its order: `[extracted_text][jpg?dimensions=32x32]`. Others are left out, as
/// Box leaves out what it can't make. Without the header: the texts.
fn hinted(headers: &HeaderMap) -> Vec<Form> {
    let Some(hints) = headers.get("x-rep-hints").and_then(|value| value.to_str().ok()) else {
        return Form::TEXTS.to_vec();
    };
    hints
        .split(['[', ']', ','])
        .flat_map(|hint| Form::all().filter(|form| form.is_hinted(hint.trim())))
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
    let mut entries: Vec<Representation> = Vec::with_capacity(forms.len());
    for form in forms {
        let known = entries.iter().find(|entry| is_alike(entry, form));
        let status = match known {
            Some(entry) => entry.status.clone(),
            None => status(state, &readable, form).await?,
        };
        entries.push(entry(origin, &readable, form, status));
    }
    Ok(Representations { entries })
}

/// Whether an entry is of the same work as a form: both texts are ready at once, and so are all thumbnails.
fn is_alike(entry: &Representation, form: Form) -> bool {
    let is_picture = entry.representation == Form::Thumbnail(0).name();
    is_picture == matches!(form, Form::Thumbnail(_))
}

fn entry(origin: &Origin, file: &ReadableFile, form: Form, status: RepresentationStatus) -> Representation {
    let url = format!(
        "{}/2.0/internal_files/{}/versions/{}/representations/{}",
        origin.0,
        file.id(),
        file.version_id(),
        form.segment()
    );
    Representation {
        representation: form.name(),
        properties: form.properties(),
        content: RepresentationContent {
            url_template: format!("{url}/content/{{+asset_path}}"),
        },
        info: RepresentationInfo { url },
        status,
    }
}

pub(super) async fn one(
    state: &AppState,
    principal: &Principal,
    id: &FileId,
) -> Result<ReadableFile, ApiError> {
    let files = state.store.readable(principal, std::slice::from_ref(id)).await?;
    files
        .iter()
        .next()
        .cloned()
        .ok_or_else(|| StoreError::not_found(Thing::File, id).into())
}

/// How far a form is, after waiting for it a little.
async fn status(state: &AppState, file: &ReadableFile, form: Form) -> Result<RepresentationStatus, ApiError> {
    let (word, code) = match form {
        Form::ExtractedText | Form::Markdown => text_status(state, file).await?,
        Form::Thumbnail(_) => thumbnail_status(state, file).await?,
    };
    Ok(RepresentationStatus { state: word, code })
}

async fn text_status(
    state: &AppState,
    file: &ReadableFile,
) -> Result<(&'static str, Option<String>), ApiError> {
    let cancel = state.stop.child_token();
    let reading = state.library.document(file, &cancel);
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(_)) => Ok(("success", None)),
        Ok(Err(ReadError::Refused { code, .. })) => Ok(("error", Some(code))),
        Ok(Err(error)) => Err(failure(error)),
        Err(_) => {
            // Giving up here ends this reading; the queued job goes on with it.
            state.store.request_parse(file, PARSER_VERSION).await?;
            Ok(("pending", None))
        }
    }
}

async fn thumbnail_status(
    state: &AppState,
    file: &ReadableFile,
) -> Result<(&'static str, Option<String>), ApiError> {
    let thumbnails = state.painting().thumbnails(file).await.map_err(failure)?;
    Ok(match thumbnails {
        None => ("pending", None),
        Some(none) if none.is_empty() => ("error", Some("no_picture".to_owned())),
        Some(_) => ("success", None),
    })
}

pub(super) fn failure(error: ReadError) -> ApiError {
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
) -> Result<(ReadableFile, Form), ApiError> {
    Operation::ReadText.authorize(principal)?;
    let form = Form::all().find(|known| known.segment() == form).ok_or_else(|| {
        let message = "Boxwood makes `extracted_text`, `markdown` and thumbnails as `jpg` only.";
        ApiError::new(ErrorCode::NotFound, message)
    })?;
    let id: FileId = path_id(Thing::File, file)?;
    let version: FileVersionId = path_id(Thing::FileVersion, version)?;
    let readable = one(state, principal, &id).await?;
    if readable.version_id() == &version {
        Ok((readable, form))
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
    let (readable, form) = named(&state, &principal, (&file, &version, &form)).await?;
    let status = status(&state, &readable, form).await?;
    Ok(BoxJson(entry(&origin, &readable, form, status)))
}

/// `GET …/content/{asset_path}`: the text or picture. Reads the file if that was not done yet, while the client waits.
pub(crate) async fn content(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path((file, version, form)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let (readable, form) = named(&state, &principal, (&file, &version, &form)).await?;
    match form {
        Form::ExtractedText => {
            let document = document(&state, &readable).await?;
            Ok(text("text/plain; charset=utf-8", document.text.clone()))
        }
        Form::Markdown => {
            let document = document(&state, &readable).await?;
            Ok(text("text/markdown; charset=utf-8", markdown(&document)))
        }
        Form::Thumbnail(side) => {
            let made = state.painting().thumbnails(&readable).await.map_err(failure)?;
            let size = (ThumbnailFormat::Jpg, side);
            Ok(thumbnails::answer(made.as_ref(), size, &origin))
        }
    }
}

async fn document(state: &AppState, file: &ReadableFile) -> Result<Arc<Document>, ApiError> {
    let cancel = state.stop.child_token();
    state.library.document(file, &cancel).await.map_err(failure)
}

fn text(media: &'static str, text: String) -> Response {
    let headers = [(CONTENT_TYPE, media), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, text).into_response()
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
        check(
            Some("[jpg?dimensions=320x320&paged=false][extracted_text]"),
            &[Form::Thumbnail(320), Form::ExtractedText],
        );
        check(Some("[jpg?dimensions=2048x2048][png]"), &[]);
    }
}

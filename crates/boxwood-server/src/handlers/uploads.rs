//! Uploads in one request: a multipart form with the file's attributes and its bytes, and the check before it.
//!
//! Invariant: the bytes are streamed to the store as they come, so memory stays bounded whatever the size; the order of
//! the parts, their names (`file`, `content`) and file names do not matter. Chunked uploads are beside this file.

use super::conflicts::refusal;
use super::operations::Operation;
use super::optional_json::OptionalJson;
use super::parameters::{fields, if_match, path_id, read_body};
use super::present;
use super::upload_form::{Part, UploadForm};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Origin, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::Reason;
use boxwood_api::files::Files;
use boxwood_api::uploads::{Preflight, UploadAttributes, UploadUrl};
use boxwood_core::{FileId, FolderId, Principal};
use boxwood_store::{File, ItemKind, NewFile, NewVersion, StagedBlob, StoreError, Thing};
use http::{HeaderMap, StatusCode};

/// What an upload makes.
enum Target {
    /// A new file.
    File,
    /// A new version of this file.
    Version(FileId),
}

/// One upload on its way.
struct Upload<'a> {
    state: &'a AppState,
    principal: &'a Principal,
    headers: &'a HeaderMap,
    target: Target,
}

/// `POST /2.0/files/content`: a new file.
pub(crate) async fn upload_file(
    State(state): State<AppState>,
    caller: Result<Authenticated, ApiError>,
    query: Query,
    headers: HeaderMap,
    form: UploadForm,
) -> Result<(StatusCode, BoxJson<Files>), ApiError> {
    upload(&state, caller, &headers, Ok(Target::File), form, &query).await
}

/// `POST /2.0/files/{id}/content`: a new version of a file.
pub(crate) async fn upload_version(
    State(state): State<AppState>,
    caller: Result<Authenticated, ApiError>,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
    form: UploadForm,
) -> Result<(StatusCode, BoxJson<Files>), ApiError> {
    let target = path_id(Thing::File, &id).map(Target::Version);
    upload(&state, caller, &headers, target, form, &query).await
}

/// Every refusal, also that of the token, comes after the form was read: clients that send all first get to it.
async fn upload(
    state: &AppState,
    caller: Result<Authenticated, ApiError>,
    headers: &HeaderMap,
    target: Result<Target, ApiError>,
    mut form: UploadForm,
    query: &Query,
) -> Result<(StatusCode, BoxJson<Files>), ApiError> {
    let result = async {
        let (Authenticated(principal), target) = (caller?, target?);
        let upload = Upload {
            state,
            principal: &principal,
            headers,
            target,
        };
        let file = upload.read_and_store(&mut form).await?;
        answer(&principal, &file, query)
    };
    let result = result.await;
    if result.is_err() {
        form.discard().await;
    }
    result
}

impl Upload<'_> {
    async fn read_and_store(&self, form: &mut UploadForm) -> Result<File, ApiError> {
        Operation::Upload.authorize(self.principal)?;
        let (mut attributes, mut content) = (None, None);
        while let Some(part) = form.next(self.state, self.principal).await? {
            match part {
                Part::Attributes(read) => {
                    once(&attributes, "attributes")?;
                    // An upload that can't succeed is refused before its bytes are taken in.
                    self.check(&read).await?;
                    attributes = Some(read);
                }
                Part::Content(blob) => {
                    once(&content, "file")?;
                    content = Some(blob);
                }
            }
        }
        let missing = |name: &str, what: &str| ApiError::field(Reason::MissingParameter, name, what);
        let attributes = attributes.ok_or_else(|| {
            missing(
                "attributes",
                "must be a part of the form, with the file's name as JSON",
            )
        })?;
        let content =
            content.ok_or_else(|| missing("file", "must be a part of the form, with the file's bytes"))?;
        check_digest(self.headers, &content)?;
        self.store(attributes, content).await
    }

    async fn check(&self, attributes: &UploadAttributes) -> Result<(), ApiError> {
        let store = &self.state.store;
        let checked = match &self.target {
            Target::File => {
                let (parent, name) = place(attributes)?;
                store.check_new_file(self.principal, &parent, &name, None).await
            }
            Target::Version(id) => {
                store
                    .check_new_version(self.principal, id, attributes.name.as_deref(), None)
                    .await
            }
        };
        checked.map_err(|error| refusal(self.principal, ItemKind::File, error))
    }

    async fn store(&self, attributes: UploadAttributes, content: StagedBlob) -> Result<File, ApiError> {
        let store = &self.state.store;
        let stored = match &self.target {
            Target::File => {
                let (parent, name) = place(&attributes)?;
                let file = NewFile {
                    parent,
                    name,
                    description: attributes.description.unwrap_or_default(),
                    content_created_at: attributes.content_created_at,
                    content_modified_at: attributes.content_modified_at,
                };
                store.create_file(self.principal, file, content).await
            }
            Target::Version(id) => {
                let version = NewVersion {
                    name: attributes.name,
                    content_modified_at: attributes.content_modified_at,
                    if_match: if_match(self.headers),
                };
                store.create_version(self.principal, id, version, content).await
            }
        };
        stored.map_err(|error| refusal(self.principal, ItemKind::File, error))
    }
}

fn once<T>(part: &Option<T>, name: &str) -> Result<(), ApiError> {
    match part {
        None => Ok(()),
        Some(_) => Err(ApiError::field(
            Reason::NotUnique,
            name,
            "must be in the form only once",
        )),
    }
}

pub(super) fn answer(
    principal: &Principal,
    file: &File,
    query: &Query,
) -> Result<(StatusCode, BoxJson<Files>), ApiError> {
    let files = present::one_file(principal, file, &fields(query)).map_err(ApiError::internal)?;
    Ok((StatusCode::CREATED, BoxJson(files)))
}

/// Where a new file goes and how it is called.
fn place(attributes: &UploadAttributes) -> Result<(FolderId, String), ApiError> {
    let missing = |name: &str| ApiError::field(Reason::MissingParameter, name, "is required for a new file");
    let parent = attributes
        .parent
        .clone()
        .ok_or_else(|| missing("attributes.parent.id"))?;
    let name = attributes
        .name
        .clone()
        .ok_or_else(|| missing("attributes.name"))?;
    Ok((parent, name))
}

/// `content-md5` holds, whatever its name says, the SHA-1 of the bytes in hexadecimal.
fn check_digest(headers: &HeaderMap, content: &StagedBlob) -> Result<(), ApiError> {
    let Some(sent) = headers.get("content-md5") else {
        return Ok(());
    };
    let found = content.sha1();
    if sent
        .to_str()
        .is_ok_and(|sent| sent.trim().eq_ignore_ascii_case(&found))
    {
        Ok(())
    } else {
        let message =
            format!("must be the SHA-1 of the file in hexadecimal, which is {found} for what arrived");
        Err(ApiError::field(
            Reason::InvalidParameter,
            "header.content-md5",
            message,
        ))
    }
}

/// `OPTIONS /2.0/files/content`: would this upload be accepted?
pub(crate) async fn preflight_file(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    body: OptionalJson,
) -> Result<BoxJson<UploadUrl>, ApiError> {
    Operation::Upload.authorize(&principal)?;
    let request = read_body(&body.0, Preflight::read)?;
    let parent = request.parent.unwrap_or_else(FolderId::root);
    let name = request
        .name
        .ok_or_else(|| ApiError::field(Reason::MissingParameter, "name", "is required for a new file"))?;
    let checked = state
        .store
        .check_new_file(&principal, &parent, &name, request.size)
        .await;
    checked.map_err(|error| refusal(&principal, ItemKind::File, error))?;
    Ok(upload_url(&origin, "/api/2.0/files/content"))
}

/// `OPTIONS /2.0/files/{id}/content`: would this version be accepted?
pub(crate) async fn preflight_version(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
    body: OptionalJson,
) -> Result<BoxJson<UploadUrl>, ApiError> {
    Operation::Upload.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    let request = read_body(&body.0, Preflight::read)?;
    let checked = state
        .store
        .check_new_version(&principal, &id, request.name.as_deref(), request.size)
        .await;
    checked.map_err(|error: StoreError| refusal(&principal, ItemKind::File, error))?;
    Ok(upload_url(&origin, &format!("/api/2.0/files/{id}/content")))
}

fn upload_url(origin: &Origin, path: &str) -> BoxJson<UploadUrl> {
    BoxJson(UploadUrl {
        upload_url: format!("{}{path}", origin.0),
    })
}

//! The multipart form of an upload, read part by part.
//!
//! Invariant: at most [`ATTRIBUTES_BYTES`] of the form are held in memory besides the buffers of the stream. When an
//! upload is refused half-way, what the client still sends is read and thrown away, up to [`DISCARDED_BYTES`]: most
//! clients read the answer only after they have sent everything, and would report a broken connection otherwise.

use crate::error::ApiError;
use crate::extract::parse_json;
use crate::state::AppState;
use axum::body::BodyDataStream;
use axum::extract::{FromRequest, Request};
use boxwood_api::reading::Findings;
use boxwood_api::uploads::UploadAttributes;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::Principal;
use boxwood_store::StagedBlob;
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use http::header::CONTENT_TYPE;
use multer::{Field, Multipart};
use serde_json::Value;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_util::io::StreamReader;

/// The longest `attributes` part.
const ATTRIBUTES_BYTES: usize = 64 << 10;
/// The most that is read of a refused upload.
const DISCARDED_BYTES: usize = 64 << 20;

/// An upload's form that was not read yet.
pub(crate) struct UploadForm(Multipart<'static>);

/// One part of the form.
#[derive(Debug)]
pub(super) enum Part {
    /// The `attributes` part.
    Attributes(UploadAttributes),
    /// The bytes, taken in by the store.
    Content(StagedBlob),
}

impl FromRequest<AppState> for UploadForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &AppState) -> Result<Self, ApiError> {
        let boundary = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| multer::parse_boundary(value).ok())
            .ok_or_else(|| {
                let message =
                    "must be `multipart/form-data` with a boundary, with the parts `attributes` and `file`";
                ApiError::new(
                    ErrorCode::UnsupportedMediaType,
                    format!("`content-type` {message}."),
                )
                .with_error(FieldError::new(
                    Reason::Malformed,
                    "header.content-type",
                    message,
                ))
            })?;
        let body = Paced {
            body: request.into_body().into_data_stream(),
            rests: false,
        };
        Ok(Self(Multipart::new(body, boundary)))
    }
}

/// A body that hands over one chunk each time it is polled. The form's reader takes whatever is ready into its buffer
/// before it looks at it, so a body that is always ready would be held in memory as a whole.
struct Paced {
    body: BodyDataStream,
    rests: bool,
}

impl Stream for Paced {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rests {
            self.rests = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_next(context);
        self.rests = matches!(polled, Poll::Ready(Some(_)));
        polled
    }
}

impl UploadForm {
    /// The next part, in whatever order they come; `None` after the last.
    pub(super) async fn next(
        &mut self,
        state: &AppState,
        principal: &Principal,
    ) -> Result<Option<Part>, ApiError> {
        while let Some(field) = self.0.next_field().await.map_err(malformed)? {
            match field.name() {
                Some("attributes") => {
                    return read_attributes(field)
                        .await
                        .map(|read| Some(Part::Attributes(read)));
                }
                Some("file" | "content") => {
                    return stage(state, principal, field)
                        .await
                        .map(|blob| Some(Part::Content(blob)));
                }
                _ => skip(field).await?,
            }
        }
        Ok(None)
    }

    /// Reads on after a refusal, so that the client gets to the answer.
    pub(super) async fn discard(&mut self) {
        let mut left = DISCARDED_BYTES;
        while let Ok(Some(mut field)) = self.0.next_field().await {
            while let Ok(Some(chunk)) = field.chunk().await {
                left = left.saturating_sub(chunk.len());
                if left == 0 {
                    return;
                }
            }
        }
    }
}

async fn read_attributes(mut field: Field<'static>) -> Result<UploadAttributes, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(malformed)? {
        if bytes.len() + chunk.len() > ATTRIBUTES_BYTES {
            let message = format!("must have at most {ATTRIBUTES_BYTES} bytes");
            return Err(ApiError::field(Reason::TooLong, "attributes", message));
        }
        bytes.extend_from_slice(&chunk);
    }
    let value: Value = parse_json(&bytes).map_err(|_| {
        let message = "must be a JSON object: {\"name\": \"report.pdf\", \"parent\": {\"id\": \"0\"}}";
        ApiError::field(Reason::Malformed, "attributes", message)
    })?;
    let mut findings = Findings::default();
    let attributes = UploadAttributes::read(&value, "attributes", &mut findings);
    findings
        .finish(attributes)
        .map(|(attributes, _)| attributes)
        .map_err(ApiError::bad_request)
}

async fn stage(
    state: &AppState,
    principal: &Principal,
    field: Field<'static>,
) -> Result<StagedBlob, ApiError> {
    let bytes = StreamReader::new(field.map_err(io::Error::other));
    Ok(state.store.stage(principal, Box::pin(bytes)).await?)
}

/// Parts that Boxwood does not know are read and left out, as Box does.
async fn skip(mut field: Field<'static>) -> Result<(), ApiError> {
    while field.chunk().await.map_err(malformed)?.is_some() {}
    Ok(())
}

fn malformed(error: multer::Error) -> ApiError {
    let message = "is no complete multipart form: it must end with the closing boundary";
    ApiError::field(Reason::Malformed, "", message).caused_by(error)
}

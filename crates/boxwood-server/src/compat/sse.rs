//! Server-sent events out of a feed, with comments while it is quiet.
//!
//! Invariant: dropping the response drops the feed, and with it the completion.

use async_trait::async_trait;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;
use std::convert::Infallible;
use std::time::Duration;

/// What makes the events of one answer.
#[async_trait]
pub(super) trait Feed: Send + 'static {
    /// The next piece of the body; `None` when the answer is over.
    async fn next(&mut self) -> Option<String>;
}

/// A feed that works on its next piece.
fn advance<F: Feed>(mut feed: F) -> BoxFuture<'static, (Option<String>, F)> {
    Box::pin(async move {
        let piece = feed.next().await;
        (piece, feed)
    })
}

/// The response.
pub(super) fn respond(feed: impl Feed, heartbeat: Duration) -> Response {
    let pieces = stream::unfold(advance(feed), move |mut running| async move {
        // A quiet time must not drop what is waited for: starting a reply can take longer.
        let (piece, running) = match tokio::time::timeout(heartbeat, &mut running).await {
            Ok((None, _)) => return None,
            Ok((Some(piece), feed)) => (piece, advance(feed)),
            Err(_) => (": still working\n\n".to_owned(), running),
        };
        Some((Ok::<_, Infallible>(Bytes::from(piece)), running))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    let mut response = (headers, Body::from_stream(pieces)).into_response();
    // Asks nginx not to collect the events.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// An event without a name. JSON has no raw line breaks, so the data is always one line.
pub(super) fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event whose name is the `type` of its data.
pub(super) fn named(value: &Value) -> String {
    let name = value["type"].as_str().unwrap_or("message");
    format!("event: {name}\ndata: {value}\n\n")
}

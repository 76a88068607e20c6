//! A stand-in for a host: gives each request to the host's rules, and lets go wrong what a test asks for.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as the host sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// What the host's rules say.
pub enum Answer {
    /// A refusal: status, headers, body.
    Refuse(u16, Vec<(&'static str, String)>, Value),
    /// One JSON body.
    Whole(Value),
    /// A stream of this content type, in these pieces.
    Stream(&'static str, Vec<Vec<u8>>),
}

/// What goes wrong with the next request (to the model; token services are spared).
#[derive(Debug, Clone)]
pub enum Fault {
    /// A refusal.
    Refuse(u16, Vec<(&'static str, String)>, Value),
    /// Silence for so long, then as usual.
    Slow(Duration),
    /// The connection breaks off after so many pieces.
    CutAfter(usize),
    /// The stream ends in good order after so many pieces.
    EndAfter(usize),
    /// The stream pauses for so long before this piece.
    PauseBefore(usize, Duration),
    /// In place of this piece.
    Replace(usize, Vec<u8>),
    /// This byte of this piece is another one.
    Flip(usize, usize),
}

type Rules = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

/// A running stand-in.
#[derive(Clone)]
pub struct Stub {
    pub base_url: String,
    rules: Rules,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    /// Starts on a free loopback port.
    pub async fn start(rules: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            base_url: format!("http://{}", listener.local_addr().unwrap()),
            rules: Arc::new(rules),
            faults: Arc::default(),
            seen: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        stub
    }

    pub fn fail_next(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// Every request whose path ends so.
    pub fn seen(&self, path_end: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.uri.path().ends_with(path_end))
            .cloned()
            .collect()
    }
}

async fn answer(
    State(stub): State<Stub>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let seen = Seen {
        method,
        uri,
        headers,
        body,
    };
    stub.seen.lock().unwrap().push(seen.clone());
    let is_token = seen.uri.path().ends_with("/token");
    let fault = if is_token {
        None
    } else {
        stub.faults.lock().unwrap().pop_front()
    };
    match &fault {
        Some(Fault::Refuse(status, headers, body)) => return refuse(*status, headers, body),
        Some(Fault::Slow(pause)) => tokio::time::sleep(*pause).await,
        _ => {}
    }
    match (stub.rules)(&seen) {
        Answer::Refuse(status, headers, body) => refuse(status, &headers, &body),
        Answer::Whole(body) => axum::Json(body).into_response(),
        Answer::Stream(kind, pieces) => stream(kind, pieces, fault),
    }
}

fn refuse(status: u16, headers: &[(&'static str, String)], body: &Value) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

fn stream(kind: &'static str, pieces: Vec<Vec<u8>>, fault: Option<Fault>) -> Response {
    let steps = futures::stream::unfold(0, move |number| {
        let (piece, fault) = (pieces.get(number).cloned(), fault.clone());
        async move {
            let mut piece = piece;
            match &fault {
                Some(Fault::CutAfter(at)) if *at == number => {
                    return Some((Err(std::io::Error::other("cut")), usize::MAX));
                }
                Some(Fault::EndAfter(at)) if *at == number => return None,
                Some(Fault::PauseBefore(at, pause)) if *at == number => tokio::time::sleep(*pause).await,
                Some(Fault::Replace(at, with)) if *at == number => piece = Some(with.clone()),
                Some(Fault::Flip(at, byte)) if *at == number => {
                    if let Some(piece) = &mut piece {
                        piece[*byte] ^= 0x10;
                    }
                }
                _ => {}
            }
            // Lets each piece leave as one of its own.
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok(piece?), number + 1))
        }
    });
    ([("content-type", kind)], Body::from_stream(steps)).into_response()
}

/// An event of a text stream.
pub fn event(data: &Value) -> Vec<u8> {
    format!("data: {data}\r\n\r\n").into_bytes()
}

//! A strict stand-in for one host: it refuses what the real host refuses, in the host's own words, and fails on demand.
//!
//! Written from the documented and observed behaviour of the hosts, not from our client, so that the two can disagree.
//! `rules` says what each dialect refuses, `wire` how it answers.

use crate::rules::{self, Dialect};
use crate::wire;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const KEY: &str = "host-test-key";

/// What goes wrong with the next request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A refusal with this status, headers and body.
    Refuse(u16, Vec<(&'static str, String)>, Value),
    /// Silence for so long, then as usual.
    Slow(Duration),
    /// The connection breaks after so many events.
    CutAfter(usize),
    /// The stream ends cleanly after so many events, without the host's own end.
    EndAfter(usize),
    /// In place of the event of this number.
    Replace(usize, String),
    /// The limit was used up by thinking.
    OnlyThinking,
    /// A whole JSON reply although a stream was asked for.
    NotStreamed,
}

/// What the model says.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub thinking: Option<&'static str>,
    pub pieces: Vec<&'static str>,
    /// Name and arguments of a tool that it calls.
    pub call: Option<(&'static str, &'static str)>,
}

#[derive(Default)]
struct Script {
    faults: VecDeque<Fault>,
    requests: Vec<(HeaderMap, String, Value)>,
}

/// A running stand-in.
#[derive(Clone)]
pub struct HostStub {
    pub base_url: String,
    pub dialect: Dialect,
    answer: Answer,
    script: Arc<Mutex<Script>>,
}

impl HostStub {
    /// Starts on a free loopback port.
    pub async fn start(dialect: Dialect, answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            base_url: format!("http://{}", listener.local_addr().unwrap()),
            dialect,
            answer,
            script: Arc::default(),
        };
        let app = Router::new().fallback(handle).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        stub
    }

    pub fn fail_next(&self, fault: Fault) {
        self.script.lock().unwrap().faults.push_back(fault);
    }

    /// Headers, path with query, and body of every request.
    pub fn requests(&self) -> Vec<(HeaderMap, String, Value)> {
        self.script.lock().unwrap().requests.clone()
    }
}

async fn handle(State(stub): State<HostStub>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let fault = {
        let mut script = stub.script.lock().unwrap();
        script
            .requests
            .push((headers.clone(), uri.to_string(), body.clone()));
        script.faults.pop_front()
    };
    if let Some((status, refusal)) = rules::refusal(stub.dialect, &uri, &headers, &body) {
        return refuse(status, refusal);
    }
    match &fault {
        Some(Fault::Refuse(status, headers, body)) => {
            let mut response = refuse(*status, body.clone());
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            return response;
        }
        Some(Fault::Slow(pause)) => tokio::time::sleep(*pause).await,
        Some(Fault::NotStreamed) => {
            return axum::Json(wire::whole(stub.dialect, &stub.answer)).into_response();
        }
        _ => {}
    }
    stream(&stub, fault)
}

fn stream(stub: &HostStub, fault: Option<Fault>) -> Response {
    let only_thinking = matches!(fault, Some(Fault::OnlyThinking));
    let events = wire::events(stub.dialect, &stub.answer, only_thinking);
    let steps = futures::stream::unfold(0, move |number| {
        let (event, fault) = (events.get(number).cloned(), fault.clone());
        async move {
            let event = match &fault {
                Some(Fault::CutAfter(at)) if *at == number => {
                    return Some((Err(std::io::Error::other("cut")), usize::MAX));
                }
                Some(Fault::EndAfter(at)) if *at == number => return None,
                Some(Fault::Replace(at, with)) if *at == number => format!("data: {with}\n\n"),
                _ => event?,
            };
            // Lets each event leave as a piece of its own.
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok(event), number + 1))
        }
    });
    let kind = [("content-type", "text/event-stream; charset=utf-8")];
    (kind, Body::from_stream(steps)).into_response()
}

fn refuse(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

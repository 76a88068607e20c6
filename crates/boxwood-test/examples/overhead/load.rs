//! What the clients of the benchmark ask, and how long they wait.

use crate::Outcome;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

/// Clients that ask at the same time, each with a connection of its own.
pub const CLIENTS: usize = 16;

/// The small file.
pub const DOCUMENT: &str = "\
LEASE OF A FLAT

1. Parties. The lessor is Alder Court Housing Ltd, 12 Mill Lane. The lessee is Ms Ines Okafor.
2. The flat. Second floor left, three rooms, 74 square metres, with a cellar and a place for one bicycle.
3. Term. The lease begins on 1 March 2025 and runs for an unlimited time. Either party may end it with three months' notice.
4. Rent. The rent is 1,180 euros a month, payable on the third working day. Heating is paid in advance with 140 euros a month.
5. Deposit. The deposit is 2,360 euros. It is returned within 60 days after the keys were handed back.
6. Repairs. Small repairs up to 100 euros each are paid by the lessee, but no more than 400 euros in a year.
7. Pets. Cats are allowed. Dogs need the lessor's written consent.
8. Quiet hours are from 22:00 to 06:00, and on Sundays all day.
";

/// What the model says about it.
pub const ANSWER: &str =
    "The deposit is 2,360 euros. It is returned within 60 days after the keys were handed back.";

/// Waiting times of one round.
#[derive(Clone, Copy)]
pub struct Figures {
    /// Milliseconds within which half of the answers came.
    pub p50: f64,
    /// Milliseconds within which 99 of 100 answers came.
    pub p99: f64,
    /// Answers a second, all clients together.
    pub per_second: f64,
}

/// Something that answers questions.
#[derive(Clone)]
pub struct Target {
    client: reqwest::Client,
    url: String,
    token: Option<&'static str>,
    file: String,
    asked: Arc<AtomicU64>,
}

impl Target {
    /// A target with a pool of connections of its own.
    pub fn new(url: String, token: Option<&'static str>, file: &str) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .unwrap_or_default();
        Self {
            client,
            url,
            token,
            file: file.to_owned(),
            asked: Arc::default(),
        }
    }

    /// Asks one question and answers the answer's text; an answer without it is an error.
    pub async fn ask_once(&self) -> Outcome<String> {
        let body: Value = serde_json::from_slice(&self.ask().await?)?;
        match body["answer"].as_str() {
            Some(ANSWER) => Ok(format!("{} {ANSWER}", self.url)),
            _ => Err(format!("{} gave another answer: {body}", self.url).into()),
        }
    }

    /// One round: every client asks `requests` questions, one after the other.
    pub async fn run(&self, requests: usize) -> Outcome<Figures> {
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let target = self.clone();
            clients.spawn(async move {
                let mut waited = Vec::with_capacity(requests);
                for _ in 0..requests {
                    let asked = Instant::now();
                    target.ask().await.map_err(|error| error.to_string())?;
                    waited.push(asked.elapsed().as_secs_f64() * 1e3);
                }
                Ok::<_, String>(waited)
            });
        }
        let mut waited = Vec::with_capacity(CLIENTS * requests);
        while let Some(client) = clients.join_next().await {
            waited.extend(client??);
        }
        let seconds = began.elapsed().as_secs_f64();
        waited.sort_by(f64::total_cmp);
        let at = |share: f64| {
            waited
                .get((waited.len() as f64 * share) as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        Ok(Figures {
            p50: at(0.5),
            p99: at(0.99),
            per_second: waited.len() as f64 / seconds,
        })
    }

    async fn ask(&self) -> Result<Vec<u8>, reqwest::Error> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let question = json!({
            "mode": "single_item_qa",
            "prompt": format!("How much is the deposit, and when is it returned? (case {number})"),
            "items": [{"id": self.file, "type": "file"}],
        });
        let mut request = self.client.post(&self.url).json(&question);
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    }
}

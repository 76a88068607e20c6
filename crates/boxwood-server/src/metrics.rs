//! What is counted and timed, in Prometheus' text form at `/metrics`.
//!
//! Invariant: labels come from fixed sets (route templates, methods, statuses, step names), never from what a client
//! sent, so that the number of series is bounded.

use crate::join::Joins;
use boxwood_answer::{Answer, AnswerError, Extracted, GeneratedText, StepTimings};
use boxwood_core::Usage;
use boxwood_models::meter::Speed;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Upper bounds in seconds: from an instant refusal to a long document on a slow processor.
const REQUEST_SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
const ANSWER_SECONDS: [f64; 12] = [
    0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabels {
    name: &'static str,
}

/// The names are those of the configuration and of cards; the meter bounds how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SpeedLabels {
    model: String,
    requested: String,
    measure: &'static str,
    quantile: &'static str,
}

/// The server's counters.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    joins: Joins,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    in_flight: Gauge,
    questions: Family<NameLabels, Counter>,
    questions_running: Gauge,
    answer_seconds: Family<NameLabels, Histogram>,
    tokens: Family<NameLabels, Counter>,
    speeds: Family<SpeedLabels, Gauge<f64, AtomicU64>>,
}

impl Metrics {
    /// All at zero; the number of running questions is read from `joins`.
    pub fn new(joins: Joins) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("boxwood"),
            joins,
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            in_flight: Gauge::default(),
            questions: Family::default(),
            questions_running: Gauge::default(),
            answer_seconds: Family::new_with_constructor(|| Histogram::new(ANSWER_SECONDS)),
            tokens: Family::default(),
            speeds: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "http_requests",
            "Requests by method, route and status",
            self.requests.clone(),
        );
        let help = "From the first byte of the request to the head of the response";
        registry.register_with_unit(
            "http_request_duration",
            help,
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that run",
            self.in_flight.clone(),
        );
        let help =
            "Questions by how they went: started, joined, answered, abstained, written, refused, cancelled";
        registry.register("questions", help, self.questions.clone());
        registry.register(
            "questions_running",
            "Questions that run or wait",
            self.questions_running.clone(),
        );
        let help = "Time of each step of an answer, of waiting for the model, and to its first token";
        registry.register_with_unit(
            "answer_duration",
            help,
            Unit::Seconds,
            self.answer_seconds.clone(),
        );
        registry.register(
            "model_tokens",
            "Tokens by kind: input, cached, output",
            self.tokens.clone(),
        );
        registry.register(
            "model_speed",
            "How fast models were within a day: 95 of 100 completions were at least as good as quantile 0.95",
            self.speeds.clone(),
        );
    }

    /// Tells how fast models were lately.
    pub fn measured(&self, speeds: &[Speed]) {
        self.speeds.clear();
        for speed in speeds {
            for (measure, spread) in [
                ("prefill_tokens_per_second", speed.prefill_tokens_per_second),
                ("decode_tokens_per_second", speed.decode_tokens_per_second),
                ("first_token_seconds", speed.first_token_seconds),
            ] {
                let Some(spread) = spread else { continue };
                for (quantile, value) in [("0.5", spread.median), ("0.95", spread.p95)] {
                    let labels = SpeedLabels {
                        model: speed.model.clone(),
                        requested: speed.requested.clone(),
                        measure,
                        quantile,
                    };
                    self.speeds.get_or_create(&labels).set(value);
                }
            }
        }
    }

    /// A request began.
    pub fn request_began(&self) {
        self.in_flight.inc();
    }

    /// A request ended. `route` is the template of the path, or `unmatched`.
    pub fn request_ended(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.in_flight.dec();
        let route = route.to_owned();
        self.request_seconds
            .get_or_create(&RouteLabels { route: route.clone() })
            .observe(took.as_secs_f64());
        self.requests
            .get_or_create(&RequestLabels {
                method: method.to_owned(),
                route,
                status,
            })
            .inc();
    }

    /// A question was started, or joined one that runs.
    pub fn question_came(&self, joined: bool) {
        self.count_question(if joined { "joined" } else { "started" });
    }

    /// A question ended.
    pub fn question_ended(&self, outcome: &Result<Answer, AnswerError>) {
        match outcome {
            Ok(answer) => {
                self.count_question(if answer.abstained { "abstained" } else { "answered" });
                self.count_answer(&answer.timings, &answer.usage);
            }
            Err(error) => self.count_failure(error),
        }
    }

    /// A text was written, or was not.
    pub fn text_ended(&self, outcome: &Result<GeneratedText, AnswerError>) {
        match outcome {
            Ok(text) => {
                self.count_question("written");
                self.count_answer(&text.timings, &text.usage);
            }
            Err(error) => self.count_failure(error),
        }
    }

    /// An extraction ended.
    pub fn extraction_ended(&self, outcome: &Result<Extracted, AnswerError>) {
        match outcome {
            Ok(extracted) => {
                self.count_question("extracted");
                self.count_answer(&extracted.timings, &extracted.usage);
            }
            Err(error) => self.count_failure(error),
        }
    }

    fn count_failure(&self, error: &AnswerError) {
        self.count_question(match error {
            AnswerError::Cancelled => "cancelled",
            _ => "refused",
        });
    }

    fn count_question(&self, name: &'static str) {
        self.questions.get_or_create(&NameLabels { name }).inc();
    }

    fn count_answer(&self, timings: &StepTimings, usage: &Usage) {
        for (name, took) in [
            ("gather", timings.gather),
            ("retrieve", timings.retrieve),
            ("generate", timings.generate),
            ("check", timings.check),
            ("total", timings.total),
            ("queue", usage.queue_time),
            ("first_token", usage.time_to_first_token),
        ] {
            self.answer_seconds
                .get_or_create(&NameLabels { name })
                .observe(took.as_secs_f64());
        }
        for (name, tokens) in [
            ("input", usage.input_tokens),
            ("cached", usage.cached_tokens),
            ("output", usage.output_tokens),
        ] {
            self.tokens
                .get_or_create(&NameLabels { name })
                .inc_by(u64::from(tokens));
        }
    }

    /// The text form.
    ///
    /// # Errors
    /// From the encoder.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        self.questions_running
            .set(i64::try_from(self.joins.running()).unwrap_or(i64::MAX));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

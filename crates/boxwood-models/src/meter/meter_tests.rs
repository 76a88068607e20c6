//! The meter around a model: what is recorded at an end, an error and a cancellation, and when budgets refuse.

use super::*;
use crate::registry::ModelRegistry;
use crate::settings::ModelSettings;
use boxwood_core::metering::Money;
use boxwood_core::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatRole, ChatStream, FinishReason, FixedClock,
    ModelIdentity, UserId,
};
use futures::StreamExt;
use parking_lot::Mutex;
use std::time::Duration;

/// Gives these events, then waits for ever or ends.
struct Scripted {
    identity: ModelIdentity,
    events: Vec<Option<ChatEvent>>,
    hangs: bool,
}

#[async_trait]
impl ChatModel for Scripted {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    async fn count_tokens(&self, _: &str) -> Result<u32, ModelError> {
        Ok(1)
    }

    async fn stream(&self, _: ChatRequest) -> Result<ChatStream, ModelError> {
        let events: Vec<_> = self
            .events
            .iter()
            .map(|event| event.clone().ok_or(ModelError::Cancelled))
            .collect();
        let events = futures::stream::iter(events);
        Ok(match self.hangs {
            true => events.chain(futures::stream::pending()).boxed(),
            false => events.boxed(),
        })
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<UsageRecord>>);

impl UsageSink for Kept {
    fn take(&self, record: UsageRecord) {
        self.0.lock().push(record);
    }
}

fn text() -> Option<ChatEvent> {
    Some(ChatEvent::Text {
        text: "word ".into(),
        log_prob: None,
    })
}

fn end() -> Option<ChatEvent> {
    Some(ChatEvent::End {
        finish: FinishReason::Stop,
        usage: Usage {
            input_tokens: 1_000,
            cached_tokens: 400,
            output_tokens: 50,
            time_to_first_token: Duration::from_millis(100),
            total_time: Duration::from_millis(600),
            ..Usage::default()
        },
    })
}

struct Bench {
    kept: Arc<Kept>,
    registry: ModelRegistry,
}

fn bench(events: Vec<Option<ChatEvent>>, hangs: bool, tokens: u64) -> Bench {
    let identity = ModelIdentity {
        name: "boxwood__x".into(),
        provider: "boxwood".into(),
        context_window: 8_192,
        max_output_tokens: 1_000,
        images: false,
        scores_choices: false,
        json_schema: false,
        tools: false,
    };
    let model: Arc<dyn ChatModel> = Arc::new(Scripted {
        identity,
        events,
        hangs,
    });
    let settings = ModelSettings {
        prices: vec![StatedPrice {
            name: "boxwood__x".into(),
            price: Price {
                currency: "EUR".into(),
                input: 1_000_000_000,
                cached_input: 0,
                output: 2_000_000_000,
                as_of: "2026-11-22".into(),
                source: "power".into(),
            },
        }],
        ..ModelSettings::default()
    };
    let budget = Budget {
        name: "b".into(),
        user: Whose::Everyone,
        key: Whose::Everyone,
        model: Whose::Everyone,
        period: Period::Day,
        limit: Limit::Tokens(tokens),
    };
    let kept = Arc::new(Kept::default());
    let clock = Arc::new(FixedClock::new(chrono::Utc::now()));
    let meter = Meter::new(clock, kept.clone(), Budgets::new(vec![budget]));
    let registry = ModelRegistry::new(settings, vec![model], None)
        .unwrap()
        .with_meter(meter);
    let caller = Caller {
        user: Some("7".parse::<UserId>().unwrap()),
        client: Some("app".into()),
        request: "r".into(),
        ..Caller::program("ask")
    };
    Bench {
        kept,
        registry: registry.on_behalf_of(&caller),
    }
}

fn request() -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "How many words?")], 100)
}

async fn streamed(registry: &ModelRegistry) -> ChatStream {
    let model = registry.resolve(None).unwrap().model;
    model.stream(request()).await.unwrap()
}

impl Bench {
    fn only(&self) -> UsageRecord {
        let kept = self.kept.0.lock();
        assert_eq!(kept.len(), 1);
        kept[0].clone()
    }

    fn reserved(&self) -> u64 {
        self.registry
            .meter()
            .budget_states()
            .iter()
            .map(|state| state.reserved)
            .sum()
    }
}

#[tokio::test]
async fn a_completion_is_recorded_charged_and_measured_before_its_end_is_seen() {
    let bench = bench(vec![text(), text(), end()], false, 10_000);
    let resolved = bench
        .registry
        .resolve(Some("azure__openai__gpt-o4-mini"))
        .unwrap();
    let (model, mut stream) = resolved.start(request()).await.unwrap();
    assert_eq!(model.model.identity().name, "boxwood__x");
    assert!(bench.reserved() > 100);
    while let Some(event) = stream.next().await {
        if let ChatEvent::End { .. } = event.unwrap() {
            assert_eq!(bench.reserved(), 0);
        }
    }
    drop(stream);
    let record = bench.only();
    assert_eq!(
        (
            record.caller.user.as_ref().map(UserId::as_str),
            record.caller.key().as_deref()
        ),
        (Some("7"), Some("app"))
    );
    assert_eq!(
        (
            record.requested.as_str(),
            record.model.as_str(),
            record.served.as_str()
        ),
        ("azure__openai__gpt_o4_mini", "boxwood__x", "stand_in")
    );
    assert_eq!(
        (record.outcome, record.estimated, record.usage.cached_tokens),
        (UsageOutcome::Finished, false, 400)
    );
    let cost = Money {
        currency: "EUR".into(),
        nanos: 600_000 + 100_000,
    };
    assert_eq!(
        (record.cost, record.price_note.as_str()),
        (Some(cost), "power, as of 2026-11-22")
    );
    assert_eq!(bench.registry.meter().budget_states()[0].spent, 1_050);
    let speed = &bench.registry.meter().speeds()[0];
    assert_eq!(speed.decode_tokens_per_second.unwrap().median, 98.0);
}

#[tokio::test]
async fn a_cancelled_completion_counts_what_it_used_until_then() {
    let bench = bench(vec![text(), text(), text()], true, 10_000);
    let mut stream = streamed(&bench.registry).await;
    for _ in 0..3 {
        stream.next().await.unwrap().unwrap();
    }
    drop(stream);
    let record = bench.only();
    assert_eq!(
        (record.outcome, record.estimated, record.usage.output_tokens),
        (UsageOutcome::Cancelled, true, 3)
    );
    assert!(record.usage.input_tokens > 3);
    assert_eq!(bench.reserved(), 0);
    let spent = bench.registry.meter().budget_states()[0].spent;
    assert_eq!(spent, u64::from(record.usage.input_tokens) + 3);
}

#[tokio::test]
async fn a_completion_that_breaks_off_is_counted_too() {
    let bench = bench(vec![text(), None], false, 10_000);
    let mut stream = streamed(&bench.registry).await;
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap_err();
    drop(stream);
    assert_eq!(
        (bench.only().outcome, bench.only().usage.output_tokens),
        (UsageOutcome::Failed, 1)
    );
    assert_eq!(bench.reserved(), 0);
}

#[tokio::test]
async fn a_budget_refuses_before_the_model_is_asked() {
    let bench = bench(vec![end()], false, 100);
    let resolved = bench.registry.resolve(None).unwrap();
    match resolved.start(request()).await {
        Err(ModelError::BudgetExceeded { model, message }) => {
            assert_eq!(model, "boxwood__x");
            assert!(message.contains("`b`"), "{message}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the budget holds"),
    }
    assert!(bench.kept.0.lock().is_empty());
    assert_eq!(bench.reserved(), 0);
}

#[tokio::test]
async fn work_without_a_caller_is_the_programs() {
    let bench = bench(vec![end()], false, 10_000);
    let registry = bench.registry.on_behalf_of(&Caller::program("suggestions"));
    let mut stream = streamed(&registry).await;
    stream.next().await.unwrap().unwrap();
    let record = bench.only();
    assert_eq!(
        (record.caller.user, record.caller.operation),
        (None, "suggestions")
    );
}

//! Tests of [`super`]: which model serves which name, told truthfully.

use super::*;
use async_trait::async_trait;
use boxwood_core::{ChatRequest, ChatStream, FixedClock, ModelError};
use chrono::{NaiveDate, NaiveTime};

struct Fake(ModelIdentity);

fn identity(name: &str) -> ModelIdentity {
    ModelIdentity {
        name: name.into(),
        provider: "boxwood".into(),
        context_window: 32_768,
        max_output_tokens: 4_096,
        images: false,
        scores_choices: true,
        json_schema: true,
        tools: false,
    }
}

#[async_trait]
impl ChatModel for Fake {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        Ok(u32::try_from(text.len()).unwrap())
    }

    async fn stream(&self, _: ChatRequest) -> Result<ChatStream, ModelError> {
        Ok(Box::pin(futures::stream::empty()))
    }
}

#[async_trait]
impl Embedder for Fake {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn dimensions(&self) -> usize {
        1
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(texts.iter().map(|_| vec![1.0]).collect())
    }
}

const LOCAL: &str = "boxwood__qwen2_5_coder_1_5b_instruct";
const O4_MINI: &str = "azure__openai__gpt_o4_mini";

/// The registry on another day.
fn at(registry: ModelRegistry, day: &str) -> ModelRegistry {
    let day: NaiveDate = day.parse().unwrap();
    let clock = FixedClock::new(day.and_time(NaiveTime::MIN).and_utc());
    registry.with_meter(Meter::with_clock(Arc::new(clock)))
}

fn registry(toml: &str, locals: &[&str]) -> ModelRegistry {
    let raw: crate::settings::RawModels = toml::from_str(toml).unwrap();
    let settings = raw.validate(&|_| Some("secret".into())).unwrap();
    let locals = locals
        .iter()
        .map(|name| Arc::new(Fake(identity(name))) as Arc<dyn ChatModel>)
        .collect();
    let embedder = Arc::new(Fake(identity("boxwood__all_minilm_l6_v2")));
    at(
        ModelRegistry::new(settings, locals, Some(embedder)).unwrap(),
        "2026-01-15",
    )
}

/// What serves a name: relation and serving model, or the refusal.
fn check(registry: &ModelRegistry, name: Option<&str>, expected: Result<(Served, &str), &str>) {
    let found = registry.resolve(name);
    match (&found, expected) {
        (Ok(found), Ok((served, by))) => {
            assert_eq!(
                (found.served, found.model.identity().name.as_str()),
                (served, by),
                "{name:?}"
            );
        }
        (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
        _ => panic!("{name:?}: {found:?}"),
    }
}

#[test]
fn local_models_and_stand_ins() {
    let registry = registry("", &[LOCAL]);
    check(&registry, None, Ok((Served::Local, LOCAL)));
    check(&registry, Some(" "), Ok((Served::Local, LOCAL)));
    check(&registry, Some(LOCAL), Ok((Served::Local, LOCAL)));
    check(
        &registry,
        Some("boxwood__qwen2_5_coder_1_5b_instruct_q4_k_m"),
        Ok((Served::Local, LOCAL)),
    );
    check(&registry, Some(O4_MINI), Ok((Served::StandIn, LOCAL)));
    check(
        &registry,
        Some("azure__openai__gpt_o4-mini"),
        Ok((Served::StandIn, LOCAL)),
    );
    check(
        &registry,
        Some("boxwood__qwen2_5_coder_0_5b_instruct"),
        Err("boxwood models pull"),
    );
    check(
        &registry,
        Some("azure__openai__gpt_o4_mimi"),
        Err("Did you mean azure__openai__gpt_o4_mini"),
    );
    check(
        &registry,
        Some("azure__openai__text_embedding_ada_002"),
        Err("can't answer questions"),
    );
    check(
        &registry,
        Some("boxwood__qwen_coder_1_5b_instruct"),
        Err("Did you mean boxwood__qwen2_5_coder_1_5b"),
    );

    let resolved = registry.resolve(Some("azure__openai__gpt_o4-mini")).unwrap();
    assert_eq!(resolved.requested, "azure__openai__gpt_o4-mini");
    assert_eq!(resolved.card.unwrap().api_name, O4_MINI);
    assert!(resolved.reasoning);
    assert_eq!(resolved.max_output_tokens(), 4_096);
    assert_eq!(
        registry
            .resolve(Some("aws__claude_3_haiku"))
            .unwrap()
            .parameter_kind,
        ParameterKind::Aws
    );
    assert_eq!(
        registry
            .resolve(Some("aws__claude_3_haiku"))
            .unwrap()
            .max_output_tokens(),
        4_000
    );
}

#[test]
fn stand_ins_can_be_forbidden() {
    let registry = registry("stand_in = \"deny\"", &[LOCAL]);
    check(
        &registry,
        Some(O4_MINI),
        Err("[models.bindings.\"azure__openai__gpt_o4_mini\"]"),
    );
    check(&registry, None, Ok((Served::Local, LOCAL)));
    let refusal = registry
        .resolve_embedder(Some("openai__text_embedding_ada_002"))
        .err()
        .unwrap();
    assert!(matches!(refusal, ResolveError::NotBound { .. }));
}

#[test]
fn nothing_at_all_is_a_clear_refusal() {
    check(&registry("", &[]), None, Err("boxwood models pull"));
    check(&registry("", &[]), Some(O4_MINI), Err("boxwood models pull"));
    check(
        &registry("default = \"boxwood__other\"", &[]),
        None,
        Err("is not a model"),
    );
}

const HOSTS: &str = r#"
    default = "my_server__qwen3"
    [bindings."azure__openai__gpt_o4_mini"]
    host = "azure_openai"
    base_url = "https://r.example"
    deployment = "prod"
    api_key_env = "KEY"
    successor = "openai__gpt_5_mini"
    fallback = "my_server__qwen3"
    [bindings."openai__gpt_5_mini"]
    host = "azure_openai"
    base_url = "https://r.example"
    deployment = "next"
    model = "gpt-5.4-mini"
    family = "gpt_5"
    api_key_env = "KEY"
    [bindings."openai__gpt_o3"]
    successor = "azure__openai__gpt_o4_mini"
    [bindings."my_server__qwen3"]
    host = "openai_compatible"
    base_url = "http://127.0.0.1:8000"
    model = "Qwen/Qwen3-8B"
    family = "compatible"
    [bindings."google__*"]
    host = "openai_compatible"
    base_url = "http://127.0.0.1:8000"
    model = "Qwen/Qwen3-8B"
    family = "compatible"
"#;

#[test]
fn bindings_tell_the_truth() {
    let registry = registry(HOSTS, &[LOCAL]);
    check(&registry, None, Ok((Served::Host, "my_server__qwen3")));
    check(&registry, Some(O4_MINI), Ok((Served::Host, O4_MINI)));
    check(
        &registry,
        Some("openai__gpt_5_mini"),
        Ok((Served::Successor, "azure__gpt_5_4_mini")),
    );
    check(
        &registry,
        Some("openai__gpt_o3"),
        Ok((Served::Successor, O4_MINI)),
    );
    check(
        &registry,
        Some("google__gemini_3_pro"),
        Ok((Served::StandIn, "openai_compatible__qwen_qwen3_8b")),
    );
    check(
        &registry,
        Some("aws__claude_3_haiku"),
        Ok((Served::StandIn, "my_server__qwen3")),
    );
    check(&registry, Some("my_server__qwen4"), Err("my_server__qwen3"));
    assert_eq!(
        registry.resolve(Some(O4_MINI)).unwrap().model.identity().provider,
        "azure"
    );

    let denied = self::registry(
        &HOSTS.replacen("default", "stand_in = \"deny\"\ndefault", 1),
        &[LOCAL],
    );
    check(&denied, Some(O4_MINI), Ok((Served::Host, O4_MINI)));
    check(
        &denied,
        Some("google__gemini_3_pro"),
        Err("stand-ins are forbidden"),
    );
}

#[test]
fn failures_lead_to_successor_and_fallback() {
    let registry = registry(HOSTS, &[LOCAL]);
    let o4_mini = registry.resolve(Some(O4_MINI)).unwrap();
    let model = || O4_MINI.to_owned();
    let after = |error: ModelError| {
        let next = o4_mini.after_failure(&error)?;
        assert_eq!((next.requested.as_str(), next.card), (O4_MINI, o4_mini.card));
        Some((next.served, next.model.identity().name.clone()))
    };
    assert_eq!(
        after(ModelError::Unavailable {
            model: model(),
            message: "retired".into()
        }),
        Some((Served::Successor, "azure__gpt_5_4_mini".into()))
    );
    assert_eq!(
        after(ModelError::Failed {
            model: model(),
            message: "HTTP 500".into()
        }),
        Some((Served::StandIn, "my_server__qwen3".into()))
    );
    assert_eq!(after(ModelError::Cancelled), None);
}

#[test]
fn warnings_name_what_is_left_out() {
    let registry = registry(HOSTS, &[LOCAL]);
    let mut request = ChatRequest::new(Vec::new(), 100);
    request.effort = Some(boxwood_core::Effort::High);
    let names = |name: &str| -> Vec<&'static str> {
        let resolved = registry.resolve(Some(name)).unwrap();
        resolved
            .warnings_for(&request)
            .iter()
            .map(|warning| warning.parameter)
            .collect()
    };
    assert_eq!(names(O4_MINI), ["temperature"]);
    assert_eq!(names(LOCAL), ["reasoning_effort"]);
    assert_eq!(names("my_server__qwen3"), ["reasoning_effort"]);
}

#[test]
fn embedders_resolve_like_models() {
    let registry = registry("", &[LOCAL]);
    let served = |name: Option<&str>| registry.resolve_embedder(name).map(|resolved| resolved.served);
    assert_eq!(served(None), Ok(Served::Local));
    assert_eq!(served(Some("boxwood__all_minilm_l6_v2")), Ok(Served::Local));
    assert_eq!(
        served(Some("azure__openai__text_embedding_ada_002")),
        Ok(Served::StandIn)
    );
    assert!(matches!(
        served(Some(O4_MINI)),
        Err(ResolveError::WrongPurpose { .. })
    ));
    assert!(matches!(
        served(Some("nothing")),
        Err(ResolveError::Unknown { .. })
    ));
}

#[test]
fn the_overview_has_every_name_once() {
    let rows = registry(HOSTS, &[LOCAL]).overview();
    let names: std::collections::BTreeSet<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len());
    assert!(names.contains(LOCAL) && names.contains("my_server__qwen3") && names.contains(O4_MINI));
    assert!(rows.iter().all(|row| row.served.is_ok()));
}

/// A host that has retired the model is not asked any more: by the later of the known days, or the binding's own.
#[test]
fn a_binding_moves_to_its_successor_on_the_day_that_its_model_ends() {
    let toml = |more: &str| {
        format!(
            "[bindings.{O4_MINI}]\nhost = \"azure_openai\"\nbase_url = \"https://r.example\"\ndeployment = \"d\"\n\
             api_key_env = \"KEY\"\n{more}"
        )
    };
    let on = |more: &str, day: &str| {
        let resolved = at(registry(&toml(more), &[LOCAL]), day)
            .resolve(Some(O4_MINI))
            .unwrap();
        let warnings = resolved.warnings_for(&ChatRequest::new(Vec::new(), 1));
        // The temperature of such a request is left out as well, which is told too.
        let of_model = warnings
            .into_iter()
            .filter(|warning| warning.parameter == "model");
        let told: Vec<String> = of_model.map(|warning| warning.message).collect();
        (
            resolved.served,
            resolved.model.identity().name.clone(),
            told.join(" "),
        )
    };
    let successor = format!("successor = \"{LOCAL}\"");
    // 2026-10-16 by one source, 2026-11-19 by another: the later one counts.
    let (served, name, told) = on(&successor, "2026-11-18");
    assert_eq!(
        (served, name.as_str(), told.as_str()),
        (Served::Host, O4_MINI, "")
    );
    let (served, name, told) = on(&successor, "2026-11-19");
    assert_eq!((served, name.as_str()), (Served::Successor, LOCAL));
    assert!(
        told.contains("retired by Azure on 2026-10-16") && told.contains(LOCAL),
        "{told}"
    );
    // A fine-tuned deployment outlives its model.
    let longer = format!("{successor}\nretires_on = \"2027-10-16\"");
    assert_eq!(on(&longer, "2027-10-15").0, Served::Host);
    assert_eq!(on(&longer, "2027-10-16").0, Served::Successor);
    // Without a successor nothing else is asked, but the list of models tells.
    assert_eq!(on("", "2027-01-01").0, Served::Host);
    let row = |day: &str| {
        let rows = at(registry(&toml(""), &[LOCAL]), day).overview();
        rows.into_iter().find(|row| row.name == O4_MINI).unwrap().ends
    };
    assert_eq!(row("2026-01-15"), None);
    let before = row("2026-11-09").unwrap();
    assert!(
        before.starts_with("in 10 days") && before.contains("successor"),
        "{before}"
    );
    assert!(
        row("2026-12-01")
            .unwrap()
            .contains("Microsoft's retirement schedule")
    );
}

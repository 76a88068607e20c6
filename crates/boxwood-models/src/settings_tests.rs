//! Tests of [`super`]: every mistake is reported with its path.

use super::*;
use crate::capability::{Family, JsonSchemaSupport, Parameter};
use crate::host::Credential;
use secrecy::ExposeSecret;
use std::time::Duration;

fn environment(name: &str) -> Option<String> {
    (name == "KEY").then(|| "top-secret".to_owned())
}

fn read(toml: &str) -> Result<ModelSettings, Vec<SettingError>> {
    toml::from_str::<RawModels>(toml).unwrap().validate(&environment)
}

/// The mistakes as `path: first words`, in order of their paths.
fn check_errors(toml: &str, expected: &[(&str, &str)]) {
    let mut errors = read(toml).expect_err("must be refused");
    errors.sort_by(|left, right| left.path.cmp(&right.path));
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (error, (path, words)) in errors.iter().zip(expected) {
        assert_eq!(&error.path, path, "{found:#?}");
        assert!(error.message.contains(words), "{error} does not say {words:?}");
        assert!(!error.message.contains("top-secret"));
    }
}

const AZURE: &str = r#"
    host = "azure_openai"
    base_url = "https://r.example"
    deployment = "prod-1"
    api_key_env = "KEY"
"#;

#[test]
fn nothing_written_is_valid() {
    let settings = read("").unwrap();
    assert_eq!(settings.stand_in, StandIn::Allow);
    assert!(settings.bindings.is_empty() && settings.default.is_none() && settings.hub_url.is_none());
}

#[test]
fn o4_mini_on_azure_takes_its_rules_from_the_card() {
    let settings = read(&format!("[bindings.\"azure__openai__gpt_o4-mini\"]\n{AZURE}")).unwrap();
    let binding = &settings.bindings[0];
    assert_eq!(binding.name, "azure__openai__gpt_o4_mini");
    let host = binding.host.as_ref().unwrap();
    assert_eq!(host.capabilities.family, Family::OSeries);
    assert_eq!(
        (
            host.capabilities.context_window,
            host.capabilities.max_output_tokens
        ),
        (200_000, 100_000)
    );
    assert_eq!(
        crate::protocol::protocol_of(host).url(host).unwrap().as_str(),
        "https://r.example/openai/v1/chat/completions"
    );
    assert_eq!(host.wire_model(), Some("prod-1"));
    let Credential::ApiKey(key) = &host.credential else {
        panic!("{host:?}")
    };
    assert_eq!(key.expose_secret(), "top-secret");
    assert!(!format!("{settings:?}").contains("top-secret"));
}

#[test]
fn a_full_binding_is_read() {
    let settings = read(
        r#"
        default = "local_vllm__qwen3"
        stand_in = "deny"
        hub_url = "https://hub.example"
        [bindings."local_vllm__qwen3"]
        host = "openai_compatible"
        base_url = "http://127.0.0.1:8000"
        model = "Qwen/Qwen3-8B"
        family = "compatible_thinking"
        context_window = 40960
        max_output_tokens = 4096
        images = true
        json_schema = "full"
        unsupported = ["top_k", "stop"]
        reasoning_reserve = 100
        provider = "vllm"
        authentication = "api_key"
        max_concurrent = 2
        retries = 0
        deadline_seconds = 30
        fallback = "boxwood__qwen2_5_coder_1_5b_instruct"
        [bindings."azure__openai__gpt_o4_mini"]
        successor = "local_vllm__qwen3"
        "#,
    )
    .unwrap();
    assert_eq!(settings.stand_in, StandIn::Deny);
    let own = settings
        .bindings
        .iter()
        .find(|binding| binding.card.is_none())
        .unwrap();
    let host = own.host.as_ref().unwrap();
    assert_eq!(host.provider, "vllm");
    assert_eq!(host.capabilities.also_refused, [Parameter::TopK, Parameter::Stop]);
    assert_eq!(host.capabilities.json_schema, JsonSchemaSupport::Full);
    assert!(host.capabilities.images && !host.capabilities.accepts(Parameter::Stop));
    assert_eq!((host.limits.max_concurrent, host.limits.retries), (2, 0));
    assert_eq!(host.limits.deadline, Duration::from_secs(30));
    let by_successor = settings
        .bindings
        .iter()
        .find(|binding| binding.host.is_none())
        .unwrap();
    assert_eq!(by_successor.successor.as_deref(), Some("local_vllm__qwen3"));
}

#[test]
fn every_mistake_is_told_with_its_path() {
    check_errors(
        r#"
        stand_in = "maybe"
        defualt = "x"
        hub_url = "ftp://hub.example"
        [bindings."azure__openai__gpt_o4_mini"]
        host = "azure"
        base_url = 7
        api_key_env = "NOT_THERE"
        max_concurrent = 0
        images = "yes"
        json_schema = "yes"
        fallback = "azure__openai__gpt_o5"
        "#,
        &[
            (
                "models.bindings.\"azure__openai__gpt_o4_mini\".api_key_env",
                "NOT_THERE, which is not set",
            ),
            (
                "models.bindings.\"azure__openai__gpt_o4_mini\".base_url",
                "must be a text in quotes, but is a number",
            ),
            (
                "models.bindings.\"azure__openai__gpt_o4_mini\".host",
                "one of \"azure_openai\", \"azure_openai_dated\"",
            ),
            (
                "models.bindings.\"azure__openai__gpt_o4_mini\".images",
                "true or false, but is a text",
            ),
            (
                "models.bindings.\"azure__openai__gpt_o4_mini\".json_schema",
                "one of \"none\", \"strict\", \"full\"",
            ),
            (
                "models.bindings.\"azure__openai__gpt_o4_mini\".max_concurrent",
                "between 1 and 10000",
            ),
            ("models.defualt", "did you mean `default`"),
            ("models.hub_url", "https:// or http://"),
            ("models.stand_in", "one of \"allow\", \"deny\""),
        ],
    );
}

#[test]
fn what_a_host_needs_is_demanded() {
    let name = "models.bindings.\"azure__openai__gpt_o4_mini\"";
    let path = |key: &str| format!("{name}.{key}");
    let check = |body: &str, key: &str, words: &str| {
        check_errors(
            &format!("[bindings.azure__openai__gpt_o4_mini]\n{body}"),
            &[(&path(key), words)],
        );
    };
    check("fallback = \"openai__gpt_5\"", "host", "is missing");
    let dated = AZURE.replace("azure_openai", "azure_openai_dated");
    check(&dated, "api_version", "is missing");
    check(
        &AZURE.replace("deployment = \"prod-1\"", ""),
        "deployment",
        "is missing",
    );
    check(
        &AZURE.replace("api_key_env = \"KEY\"", ""),
        "api_key_env",
        "wants a key",
    );
    check(
        &AZURE.replace("base_url = \"https://r.example\"", ""),
        "base_url",
        "is missing",
    );
    check(&AZURE.replace("https", "http"), "base_url", "unencrypted");
    check(
        &AZURE.replace("r.example", "u:p@r.example"),
        "base_url",
        "user name",
    );
    check(
        &AZURE.replace("r.example", "r.example/?a=b"),
        "base_url",
        "no `?`",
    );
    check(&format!("{AZURE} api_key = \"x\""), "api_key", "both");
    check(
        &format!("{AZURE} family = \"gpt_4\""),
        "family",
        "the card's own model is of \"o_series\"",
    );
    check(
        &format!("{AZURE} model = \"some-model\""),
        "family",
        "never guessed",
    );
    check(
        &format!("{AZURE} unsupported = [\"warmth\"]"),
        "unsupported",
        "\"warmth\"",
    );
    check(
        &format!("{AZURE} context_window = 1000\nmax_output_tokens = 2000"),
        "max_output_tokens",
        "more than",
    );
    check(
        &AZURE.replace("api_key_env = \"KEY\"", "api_key = \"two words\""),
        "api_key",
        "no HTTP header",
    );
}

#[test]
fn plain_http_is_fine_on_loopback_or_when_it_is_meant() {
    for base in ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"] {
        let body = AZURE.replace("https://r.example", base);
        read(&format!("[bindings.azure__openai__gpt_o4_mini]\n{body}")).unwrap();
    }
    let body = AZURE.replace("https", "http");
    read(&format!(
        "[bindings.azure__openai__gpt_o4_mini]\n{body} insecure_http = true"
    ))
    .unwrap();
}

#[test]
fn names_that_lead_nowhere_or_back_are_refused() {
    check_errors(
        "default = \"gpt-o4-mini\"",
        &[("models.default", "azure__openai__gpt_o4_mini")],
    );
    check_errors(
        "[bindings.openai__gpt_5]\nsuccessor = \"openai__gpt_o3\"\n[bindings.openai__gpt_o3]\nsuccessor = \"openai__gpt_5\"",
        &[
            ("models.bindings.\"openai__gpt_5\".successor", "leads back"),
            ("models.bindings.\"openai__gpt_o3\".successor", "leads back"),
        ],
    );
    check_errors(
        "[bindings.azure__openai__gpt_o5_mini]\nsuccessor = \"openai__gpt_5\"",
        &[("models.bindings.\"azure__openai__gpt_o5_mini\"", "custom = true")],
    );
    check_errors(
        "[bindings.azure__openai__text_embedding_ada_002]\nsuccessor = \"openai__gpt_5\"",
        &[(
            "models.bindings.\"azure__openai__text_embedding_ada_002\"",
            "embedding model",
        )],
    );
    check_errors(
        "[bindings.\"azure__openai__gpt_o4_mini\"]\nsuccessor = \"openai__gpt_5\"\n[bindings.\"azure__openai__gpt_o4-mini\"]\nsuccessor = \"openai__gpt_5\"",
        &[(
            "models.bindings.\"azure__openai__gpt_o4_mini\".host",
            "second binding",
        )],
    );
    check_errors("bindings = 3", &[("models.bindings", "must be a table")]);
    check_errors(
        "[bindings]\nx = 3",
        &[("models.bindings.\"x\"", "must be a table")],
    );
}

#[test]
fn tokens_of_entra_want_all_that_the_token_service_wants() {
    let host = "[bindings.x]\nhost = \"azure_openai\"\nbase_url = \"https://r.example\"\ndeployment = \"d\"\nfamily = \"o_series\"\n";
    let entra =
        "authentication = \"entra\"\ntenant_id = \"t\"\nclient_id = \"c\"\nclient_secret_env = \"KEY\"";
    let settings = read(&format!("{host}{entra}")).unwrap();
    let host_of = |settings: &ModelSettings| settings.bindings[0].host.clone().unwrap();
    let Credential::Entra(client) = host_of(&settings).credential else {
        panic!("{settings:?}")
    };
    assert_eq!(
        client.token_url.as_str(),
        "https://login.microsoftonline.com/t/oauth2/v2.0/token"
    );
    assert!(!format!("{settings:?}").contains("top-secret"));
    check_errors(
        &format!("{host}authentication = \"entra\""),
        &[
            ("models.bindings.\"x\".client_id", "is missing"),
            ("models.bindings.\"x\".client_secret_env", "is missing"),
            ("models.bindings.\"x\".tenant_id", "is missing"),
        ],
    );
    check_errors(
        &format!("{host}{entra}\napi_key_env = \"KEY\""),
        &[("models.bindings.\"x\".api_key", "keep one of the two")],
    );

    let settings = read(&format!(
        "{host}authentication = \"managed_identity\"\nclient_id = \"c\""
    ))
    .unwrap();
    let Credential::ManagedIdentity(machine) = host_of(&settings).credential else {
        panic!("{settings:?}")
    };
    assert_eq!(
        machine.url.as_str(),
        "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=c"
    );
    let vllm = "[bindings.x]\nhost = \"vllm\"\nbase_url = \"http://127.0.0.1\"\nmodel = \"m\"\nfamily = \"compatible\"\nauthentication = \"entra\"";
    check_errors(
        vllm,
        &[(
            "models.bindings.\"x\".authentication",
            "must be \"api_key\" or \"bearer\"",
        )],
    );
}

#[test]
fn kinds_of_hosts_bring_their_own_defaults() {
    let host = |more: &str| {
        let toml = format!("[bindings.x]\nmodel = \"m\"\napi_key_env = \"KEY\"\n{more}");
        read(&toml).map(|settings| settings.bindings[0].host.clone().unwrap())
    };
    let openai =
        host("host = \"openai\"\nfamily = \"gpt_4\"\napi = \"responses\"\nrequests_per_minute = 60").unwrap();
    assert_eq!(
        crate::protocol::protocol_of(&openai)
            .url(&openai)
            .unwrap()
            .as_str(),
        "https://api.openai.com/v1/responses"
    );
    assert!(!openai.capabilities.accepts(Parameter::Stop), "the API has none");
    assert_eq!(openai.limits.pace.requests_per_minute, Some(60));
    let xai = host("host = \"xai\"\nfamily = \"grok\"").unwrap();
    assert_eq!(xai.base_url.as_str(), "https://api.x.ai/v1/");
    let own = host("host = \"llama_server\"\nbase_url = \"http://127.0.0.1:8080\"\nfamily = \"compatible\"")
        .unwrap();
    assert_eq!(own.capabilities.json_schema, JsonSchemaSupport::Full);
    let path = |key: &str| format!("models.bindings.\"x\".{key}");
    let refused = |more: &str, key: &str, words: &str| {
        let toml = format!("[bindings.x]\nmodel = \"m\"\napi_key_env = \"KEY\"\n{more}");
        check_errors(&toml, &[(&path(key), words)]);
    };
    refused(
        "host = \"vllm\"\nfamily = \"compatible\"",
        "base_url",
        "is missing",
    );
    refused(
        "host = \"xai\"\nfamily = \"grok\"\nreasoning_summary = \"auto\"",
        "reasoning_summary",
        "needs `api",
    );
    refused(
        "host = \"ollama\"\nbase_url = \"http://127.0.0.1\"\nfamily = \"switched_thinking\"",
        "family",
        "compatible_thinking",
    );
}

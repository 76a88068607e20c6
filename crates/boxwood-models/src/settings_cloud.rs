//! What only the clouds' bindings say: region and project, credentials of other kinds, the URL that follows from a region.
//!
//! Invariant: nothing is looked up but what the binding names: no ambient credentials of the machine, no metadata server
//! that was not asked for. Called by `settings_host.rs` only.

use crate::config_reader::{TableReader, clipped};
use crate::host::{Authentication, AwsKeys, Credential, Host, HostKind, Place, ServiceAccount};
use crate::settings_host::{is_loopback, read_url};
use secrecy::SecretString;
use url::Url;

/// Where IBM gives tokens for API keys.
const IBM_TOKENS: &str = "https://iam.cloud.ibm.com/identity/token";
/// Where a machine in Google's cloud gets tokens for the account it runs as.
const GOOGLE_METADATA: &str =
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
/// The version of watsonx's API that the protocol was written for.
const WATSONX_VERSION: &str = "2025-02-11";

type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Region, project and space, where the kind has them.
pub(crate) fn read_place(kind: HostKind, reader: &mut TableReader<'_>) -> Place {
    let has_region = matches!(kind, HostKind::Vertex | HostKind::Bedrock | HostKind::Watsonx);
    let region = has_region.then(|| read_name(reader, "region")).flatten();
    let (project, space) = match kind {
        HostKind::Vertex => (read_name(reader, "project"), None),
        HostKind::Watsonx => (reader.string("project_id"), reader.string("space_id")),
        _ => (None, None),
    };
    Place {
        region,
        project,
        space,
    }
}

/// A name that becomes part of a host name or path.
fn read_name(reader: &mut TableReader<'_>, key: &'static str) -> Option<String> {
    let name = reader.string(key)?;
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.:".contains(character);
    if name.chars().all(fits) {
        return Some(name);
    }
    reader.error(key, "may hold letters, digits and hyphens only");
    None
}

/// The URL of the cloud itself, by its region.
pub(crate) fn own_url(kind: HostKind, place: &Place) -> Option<Url> {
    let region = place.region.as_deref();
    let url = match (kind, region) {
        (HostKind::Gemini, _) => "https://generativelanguage.googleapis.com".to_owned(),
        (HostKind::Vertex, Some("global")) => "https://aiplatform.googleapis.com".to_owned(),
        (HostKind::Vertex, Some(region)) => format!("https://{region}-aiplatform.googleapis.com"),
        (HostKind::Bedrock, Some(region)) => format!("https://bedrock-runtime.{region}.amazonaws.com"),
        (HostKind::Watsonx, Some(region)) => format!("https://{region}.ml.cloud.ibm.com"),
        _ => return None,
    };
    Url::parse(&url).ok()
}

/// The API version where the binding names none.
pub(crate) fn usual_version(kind: HostKind) -> Option<String> {
    (kind == HostKind::Watsonx).then(|| WATSONX_VERSION.to_owned())
}

/// What proves who asks. `key` is what `api_key` or `api_key_env` gave, `way` what `authentication` says.
pub(crate) fn read_credential(
    kind: HostKind,
    key: Option<SecretString>,
    way: Option<Authentication>,
    reader: &mut TableReader<'_>,
    environment: Environment<'_>,
) -> Credential {
    let usual = match kind {
        HostKind::Bedrock if key.is_some() => Authentication::Bearer,
        _ => kind.row().authentication,
    };
    let way = way.unwrap_or(usual);
    let fits = match kind {
        HostKind::Vertex => matches!(way, Authentication::ServiceAccount | Authentication::Metadata),
        HostKind::Bedrock => matches!(way, Authentication::SigV4 | Authentication::Bearer),
        _ => way == Authentication::ApiKey,
    };
    if !fits {
        let message = match kind {
            HostKind::Vertex => "must be \"service_account\" or \"metadata\" for vertex",
            HostKind::Bedrock => "must be \"sigv4\" or \"bearer\" for bedrock",
            _ => "must be \"api_key\" here, or be left out",
        };
        reader.error("authentication", message);
        return Credential::None;
    }
    let takes_key = matches!(way, Authentication::ApiKey | Authentication::Bearer);
    if key.is_some() && !takes_key {
        reader.error(
            "api_key_env",
            "has no meaning here: keys of another kind prove who asks",
        );
    }
    let credential = match (kind, way) {
        (HostKind::Gemini, _) => key.map(Credential::GoogleKey),
        (HostKind::Watsonx, _) => {
            let service = read_url(reader, "token_url").or_else(|| Url::parse(IBM_TOKENS).ok());
            key.zip(service)
                .map(|(key, service)| Credential::Ibm(key, service))
        }
        (_, Authentication::Bearer) => key.map(Credential::Bearer),
        (_, Authentication::Metadata) => {
            let service = read_url(reader, "token_url").or_else(|| Url::parse(GOOGLE_METADATA).ok());
            service.map(Credential::GoogleMetadata)
        }
        (HostKind::Vertex, _) => {
            read_account(reader, environment).map(|account| Credential::ServiceAccount(Box::new(account)))
        }
        _ => read_aws_keys(reader, environment).map(Credential::Aws),
    };
    credential.unwrap_or(Credential::None)
}

fn read_account(reader: &mut TableReader<'_>, environment: Environment<'_>) -> Option<ServiceAccount> {
    let (file, variable) = (
        reader.string("credentials_file"),
        reader.string("credentials_env"),
    );
    let (text, place) = match (file, variable) {
        (Some(_), Some(_)) => {
            reader.error(
                "credentials_file",
                "and `credentials_env` are both given: keep one",
            );
            return None;
        }
        (Some(file), None) => match std::fs::read_to_string(&file) {
            Ok(text) => (text, "credentials_file"),
            Err(error) => {
                reader.error(
                    "credentials_file",
                    format!("{} can't be read: {error}", clipped(&file)),
                );
                return None;
            }
        },
        (None, Some(variable)) => match environment(&variable) {
            Some(text) => (text, "credentials_env"),
            None => {
                let message = format!("names the variable {}, which is not set", clipped(&variable));
                reader.error("credentials_env", message);
                return None;
            }
        },
        (None, None) => {
            let message = "is missing: the key file of a service account (or write `authentication = \"metadata\"` on a \
                           machine in Google's cloud)";
            reader.error("credentials_file", message);
            return None;
        }
    };
    match serde_json::from_str(&text) {
        Ok(account) => Some(account),
        // The parser's message could quote the file.
        Err(_) => {
            reader.error(
                place,
                "is no key file of a service account: JSON with client_email, private_key and token_uri",
            );
            None
        }
    }
}

fn read_aws_keys(reader: &mut TableReader<'_>, environment: Environment<'_>) -> Option<AwsKeys> {
    let id = read_secret(
        reader,
        environment,
        "access_key_id_env",
        Some("AWS_ACCESS_KEY_ID"),
    );
    let secret = read_secret(
        reader,
        environment,
        "secret_access_key_env",
        Some("AWS_SECRET_ACCESS_KEY"),
    );
    let session_token = if reader.has("session_token_env") {
        read_secret(reader, environment, "session_token_env", None).map(SecretString::from)
    } else {
        None
    };
    Some(AwsKeys {
        access_key_id: id?,
        secret_access_key: secret?.into(),
        session_token,
    })
}

/// The value of the variable that the key names, or of the usual one.
pub(crate) fn read_secret(
    reader: &mut TableReader<'_>,
    environment: Environment<'_>,
    key: &'static str,
    usual: Option<&str>,
) -> Option<String> {
    let variable = reader.string(key).or_else(|| usual.map(str::to_owned))?;
    let value = environment(&variable)
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty());
    match value {
        Some(value) if value.bytes().all(|byte| byte.is_ascii_graphic()) => Some(value),
        Some(_) => {
            reader.error(
                key,
                "names a variable that holds a character that no HTTP header may carry",
            );
            None
        }
        None => {
            reader.error(
                key,
                format!("names the variable {}, which is not set", clipped(&variable)),
            );
            None
        }
    }
}

/// What the place must say; asked for even where no URL came about for want of it.
pub(crate) fn check_place(kind: HostKind, place: &Place, reader: &mut TableReader<'_>) {
    if kind == HostKind::Vertex && place.project.is_none() {
        reader.error("project", "is missing: the id of the Google Cloud project");
    }
    if place.region.is_none() && kind != HostKind::Gemini && !reader.has_error("region") {
        let like = match kind {
            HostKind::Vertex => "is missing: like \"europe-west4\", or \"global\"",
            HostKind::Bedrock => "is missing: like \"eu-central-1\"",
            _ => "is missing: like \"eu-de\" (or write `base_url`)",
        };
        reader.error("region", like);
    }
}

/// What a cloud's binding must say besides.
pub(crate) fn check(host: &Host, reader: &mut TableReader<'_>) {
    // Watsonx takes its region from the URL alone.
    if host.kind != HostKind::Watsonx {
        check_place(host.kind, &host.place, reader);
    }
    if let Credential::Ibm(_, service) = &host.credential
        && service.scheme() == "http"
        && !is_loopback(service)
    {
        reader.error("token_url", "would send the key unencrypted: use https");
    }
    let on_account = host.place.project.is_some() || host.place.space.is_some();
    if host.kind == HostKind::Watsonx && host.deployment.is_none() && !on_account {
        reader.error(
            "project_id",
            "is missing: the watsonx project (or `space_id`, or a `deployment`)",
        );
    }
    if host.kind == HostKind::Watsonx && host.deployment.is_some() && on_account {
        reader.error(
            "deployment",
            "says the project itself: leave `project_id` and `space_id` out",
        );
    }
}

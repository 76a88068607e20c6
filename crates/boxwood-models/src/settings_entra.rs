//! What a binding of Azure proves who asks with, where that is no key: as written → as valid.
//!
//! Invariant: a binding that asks for a token has all that the token service wants. Called by `settings_host.rs` only.

use crate::config_reader::TableReader;
use crate::host::{Credential, EntraClient, ManagedIdentity};
use crate::settings_cloud::read_secret;
use crate::settings_host::read_url;
use url::Url;

const USUAL_AUTHORITY: &str = "https://login.microsoftonline.com";
const USUAL_SCOPE: &str = "https://cognitiveservices.azure.com/.default";
/// Where a machine in Azure asks for its own tokens; reachable from nowhere else.
const MACHINE_SERVICE: &str = "http://169.254.169.254";

/// A registered application with its secret.
pub(crate) fn read_client(
    reader: &mut TableReader<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<Credential> {
    let tenant = required(reader, "tenant_id", "the directory (tenant) of the application");
    let client_id = required(reader, "client_id", "the application (client) id");
    let client_secret = read_secret(reader, environment, "client_secret_env", None);
    if client_secret.is_none() && !reader.has_error("client_secret") {
        reader.error(
            "client_secret_env",
            "is missing: name the variable that holds the client's secret",
        );
    }
    let authority = read_url(reader, "authority").or_else(|| Url::parse(USUAL_AUTHORITY).ok())?;
    let scope = reader
        .string("token_scope")
        .unwrap_or_else(|| USUAL_SCOPE.to_owned());
    let mut token_url = authority;
    token_url.path_segments_mut().ok()?.pop_if_empty().extend([
        tenant.as_deref()?,
        "oauth2",
        "v2.0",
        "token",
    ]);
    Some(Credential::Entra(EntraClient {
        token_url,
        client_id: client_id?,
        client_secret: client_secret?.into(),
        scope,
    }))
}

/// The identity of the machine, or of the App Service that the program runs in.
pub(crate) fn read_identity(
    reader: &mut TableReader<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<Credential> {
    let scope = reader
        .string("token_scope")
        .unwrap_or_else(|| USUAL_SCOPE.to_owned());
    let resource = scope.strip_suffix("/.default").unwrap_or(&scope).to_owned();
    let client_id = reader.string("client_id");
    let app_service = environment("IDENTITY_ENDPOINT").zip(environment("IDENTITY_HEADER"));
    let (text, version, header) = match app_service {
        Some((endpoint, header)) => (endpoint, "2019-08-01", Some(header.into())),
        None => {
            let service = environment("AZURE_POD_IDENTITY_AUTHORITY_HOST");
            let service = service.unwrap_or_else(|| MACHINE_SERVICE.to_owned());
            let path = "metadata/identity/oauth2/token";
            (
                format!("{}/{path}", service.trim_end_matches('/')),
                "2018-02-01",
                None,
            )
        }
    };
    let Ok(mut url) = Url::parse(&text) else {
        let message = "asks for a token service whose address in the environment is no URL";
        reader.error("authentication", message);
        return None;
    };
    url.query_pairs_mut()
        .append_pair("api-version", version)
        .append_pair("resource", &resource);
    if let Some(client_id) = client_id {
        url.query_pairs_mut().append_pair("client_id", &client_id);
    }
    Some(Credential::ManagedIdentity(ManagedIdentity {
        url,
        app_service_header: header,
    }))
}

fn required(reader: &mut TableReader<'_>, key: &'static str, what: &str) -> Option<String> {
    let value = reader.string(key);
    if value.is_none() && !reader.has_error(key) {
        reader.error(key, format!("is missing: {what}"));
    }
    value
}

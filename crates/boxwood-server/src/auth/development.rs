//! The development identity, whose secrets everybody knows, and the conditions under which it is accepted.
//!
//! Invariant: it works only while the settings allow it (which the server does on loopback listeners only), only for a
//! peer on this machine, only without a proxy in between, and only under a host name of this machine. The last one
//! keeps a web page in the user's browser from reaching it through a domain that resolves to loopback.

use crate::error::ApiError;
use crate::extract::ConnectionInfo;
use crate::settings::{DevelopmentIdentity, ServerSettings};
use http::HeaderMap;
use http::header::{FORWARDED, HOST};

/// Names under which this machine may be reached for development: those of the certificate.
pub const LOCAL_NAMES: [&str; 7] = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    "api.box.com",
    "upload.box.com",
    "account.box.com",
    "dl.boxcloud.com",
];

/// Whether the request comes from this machine, for this machine.
pub fn is_local(connection: Option<ConnectionInfo>, headers: &HeaderMap) -> bool {
    let peer_is_local =
        connection.is_some_and(|connection| connection.peer.ip().to_canonical().is_loopback());
    let proxied = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
    peer_is_local
        && !proxied
        && headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .is_some_and(is_local_name)
}

fn is_local_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    LOCAL_NAMES.iter().any(|local| local.eq_ignore_ascii_case(name))
}

/// Refuses a token of the development identity where it is not accepted.
///
/// # Errors
/// 401, in the words for any unknown token.
pub fn allow_token(
    settings: &ServerSettings,
    token: &str,
    client_id: Option<&str>,
    connection: Option<ConnectionInfo>,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let identity = DevelopmentIdentity::default();
    let is_development = token == identity.token || client_id == Some(identity.client_id.as_str());
    if is_development && !(settings.development && is_local(connection, headers)) {
        return Err(ApiError::unauthorized("The token is not valid."));
    }
    Ok(())
}

/// Whether an application's credentials are accepted here; only the development application is ever refused.
pub fn allows_client(
    settings: &ServerSettings,
    client_id: &str,
    connection: Option<ConnectionInfo>,
    headers: &HeaderMap,
) -> bool {
    client_id != DevelopmentIdentity::default().client_id
        || (settings.development && is_local(connection, headers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    #[track_caller]
    fn check(peer: &str, header: &[(&'static str, &str)], expected: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in header {
            headers.insert(*name, value.parse().unwrap());
        }
        let connection = ConnectionInfo {
            peer: peer.parse::<SocketAddr>().unwrap(),
            tls: false,
        };
        assert_eq!(
            is_local(Some(connection), &headers),
            expected,
            "{peer} {header:?}"
        );
    }

    #[test]
    fn only_this_machine_under_its_own_names() {
        check("127.0.0.1:5", &[("host", "localhost:8020")], true);
        check("127.0.0.1:5", &[("host", "LOCALHOST")], true);
        check("[::1]:5", &[("host", "[::1]:8443")], true);
        check("[::ffff:127.0.0.1]:5", &[("host", "127.0.0.1:8020")], true);
        check("127.0.0.1:5", &[("host", "api.box.com")], true);
        check("127.0.0.1:5", &[("host", "rebound.example:8020")], false);
        check("127.0.0.1:5", &[("host", "localhost.example")], false);
        check("127.0.0.1:5", &[], false);
        check("10.0.0.7:5", &[("host", "localhost:8020")], false);
        check(
            "127.0.0.1:5",
            &[("host", "localhost"), ("x-forwarded-for", "10.0.0.7")],
            false,
        );
    }

    #[test]
    fn without_a_connection_nothing_is_local() {
        assert!(!is_local(None, &HeaderMap::new()));
    }
}

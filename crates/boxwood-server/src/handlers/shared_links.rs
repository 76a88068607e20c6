//! Shared links, as far as Boxwood keeps them: what the client set is shown again, and opens nothing.
//!
//! Invariant: a link's `effective_access` is `collaborators`, whatever `access` was asked for: the address in it works
//! only for those who may read the item anyway. The default is private.

use crate::error::ApiError;
use crate::extract::Origin;
use boxwood_api::Reason;
use boxwood_api::reading::{Findings, Reader, one_of};
use serde_json::{Value, json};

/// Box's levels of access.
const ACCESS: &[(&str, &str)] = &[
    ("open", "open"),
    ("company", "company"),
    ("collaborators", "collaborators"),
];

/// The link to keep for the link that a client asked for; `path` is where the item's content is.
///
/// # Errors
/// Members that Boxwood does not serve (passwords, vanity names, ends), an unknown access.
pub(super) fn change(
    request: Option<Option<Value>>,
    origin: &Origin,
    path: &str,
) -> Result<Option<Option<Value>>, ApiError> {
    match request {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(link)) => kept(&link, origin, path).map(|link| Some(Some(link))),
    }
}

fn kept(link: &Value, origin: &Origin, path: &str) -> Result<Value, ApiError> {
    let mut findings = Findings::default();
    let mut access = "collaborators";
    if let Some(mut reader) = Reader::object(link, "shared_link", &mut findings) {
        let given = reader.text("access", &mut findings);
        let path = reader.path_of("access");
        access = given
            .and_then(|word| one_of(word, ACCESS, &path, &mut findings))
            .unwrap_or(access);
        for name in ["password", "vanity_name", "unshared_at"] {
            if reader.value(name).is_some() {
                let message = "is not served by Boxwood, whose links open nothing; leave it out";
                findings.refuse(Reason::NotServed, reader.path_of(name), message);
            }
        }
    }
    findings.finish(Some(())).map_err(ApiError::bad_request)?;
    Ok(json!({
        "url": format!("{}{path}", origin.0),
        "download_url": null,
        "vanity_url": null,
        "vanity_name": null,
        "access": access,
        "effective_access": "collaborators",
        "effective_permission": "can_download",
        "unshared_at": null,
        "is_password_enabled": false,
        "permissions": {"can_download": true, "can_preview": true, "can_edit": false},
        "download_count": 0,
        "preview_count": 0,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(link: Value, expected: Result<&str, &str>) {
        let origin = Origin("https://localhost".to_owned());
        match (kept(&link, &origin, "/2.0/files/1/content"), expected) {
            (Ok(kept), Ok(access)) => {
                assert_eq!(kept["access"], access);
                assert_eq!(kept["effective_access"], "collaborators");
            }
            (Err(error), Err(field)) => {
                assert_eq!(error.body("r", "").context_info["errors"][0]["name"], field);
            }
            (kept, expected) => panic!("{kept:?} is not {expected:?}"),
        }
    }

    #[test]
    fn links_never_open_more_than_the_owner_can() {
        check(json!({}), Ok("collaborators"));
        check(json!({"access": "open"}), Ok("open"));
        check(json!({"access": "everybody"}), Err("shared_link.access"));
        check(json!({"password": "secret"}), Err("shared_link.password"));
    }
}

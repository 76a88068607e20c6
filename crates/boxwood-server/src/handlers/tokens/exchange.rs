//! Narrowing a token to fewer scopes and, if wanted, to one file or folder.

use super::{Asked, OAuthFailure};
use crate::auth::{development, narrowed_scopes};
use crate::extract::BoxJson;
use boxwood_api::oauth::{ACCESS_TOKEN_TYPE, OAuthErrorCode, RestrictedObject, RestrictedTo, TokenBody};
use boxwood_core::{FileId, FolderId, Principal, Resource, ScopeSet};
use boxwood_store::{AccessToken, NewAccessToken, StoreError};
use url::Url;

pub(super) async fn narrow(asked: &Asked<'_>) -> Result<BoxJson<TokenBody>, OAuthFailure> {
    let form = &asked.form;
    if form.actor_token.is_some() || form.box_shared_link.is_some() {
        let message = "actor_token and box_shared_link are not served; leave them out";
        return Err(OAuthFailure::new(OAuthErrorCode::InvalidRequest, message));
    }
    if form.subject_token_type.as_deref() != Some(ACCESS_TOKEN_TYPE) {
        let message = format!("subject_token_type must be {ACCESS_TOKEN_TYPE}");
        return Err(OAuthFailure::new(OAuthErrorCode::InvalidRequest, message));
    }
    let subject = subject(asked).await?;
    let wanted = form
        .scope
        .as_deref()
        .ok_or_else(|| OAuthFailure::missing("scope"))?;
    let scopes = scopes(&subject.principal, wanted)?;
    let resource = match form.resource.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(reachable(asked, &subject.principal, text).await?),
        None => subject.principal.resource.clone(),
    };
    let restricted_to = restrictions(&scopes, resource.as_ref());
    let token = NewAccessToken {
        user_id: subject.principal.user_id.clone(),
        client_id: subject.client_id.clone(),
        scopes,
        resource,
        lifetime: asked.lifetime(),
        parent: Some(subject.number),
    };
    let issued = asked.state.store.issue_access_token(token).await?;
    let body = asked.body(issued, None);
    Ok(BoxJson(TokenBody {
        restricted_to,
        issued_token_type: Some(ACCESS_TOKEN_TYPE),
        ..body
    }))
}

/// The token to be narrowed, valid now and allowed from here.
async fn subject(asked: &Asked<'_>) -> Result<AccessToken, OAuthFailure> {
    let token = asked
        .form
        .subject_token
        .as_ref()
        .ok_or_else(|| OAuthFailure::missing("subject_token"))?;
    let wrong = || {
        OAuthFailure::new(
            OAuthErrorCode::InvalidGrant,
            "the subject_token is not valid (any more)",
        )
    };
    let found = asked.state.store.valid_token(&token.0).await?.ok_or_else(wrong)?;
    let client = found.client_id.as_deref();
    development::allow_token(
        &asked.state.settings,
        &token.0,
        client,
        asked.connection,
        &asked.headers,
    )
    .map_err(|_| wrong())?;
    Ok(found)
}

fn scopes(principal: &Principal, wanted: &str) -> Result<ScopeSet, OAuthFailure> {
    let invalid = |message: String| OAuthFailure::new(OAuthErrorCode::InvalidScope, message);
    let wanted = ScopeSet::parse(wanted).map_err(|error| invalid(error.to_string()))?;
    if wanted.iter().next().is_none() {
        return Err(invalid("scope must name at least one scope".to_owned()));
    }
    narrowed_scopes(&principal.scopes, wanted)
        .map_err(|beyond| invalid(format!("the scope `{beyond}` goes beyond the subject_token")))
}

/// The file or folder that an address names, if the token reaches it.
async fn reachable(asked: &Asked<'_>, principal: &Principal, text: &str) -> Result<Resource, OAuthFailure> {
    let invalid = |message: &str| OAuthFailure::new(OAuthErrorCode::InvalidResource, message);
    let resource = parse_resource(text).ok_or_else(|| {
        invalid("resource must be the address of a file or folder, such as https://api.box.com/2.0/files/123")
    })?;
    let store = &asked.state.store;
    let found = match &resource {
        Resource::File(id) => store.file(principal, id).await.map(|_| ()),
        Resource::Folder(id) => store.folder(principal, id).await.map(|_| ()),
    };
    match found {
        Ok(()) => Ok(resource),
        Err(StoreError::NotFound { .. } | StoreError::Trashed { .. }) => Err(invalid(
            "the resource was not found, or the subject_token does not reach it",
        )),
        Err(error) => Err(error.into()),
    }
}

/// From any address whose path ends in `files/{id}` or `folders/{id}`: SDKs write Box's own host.
fn parse_resource(text: &str) -> Option<Resource> {
    let url = Url::parse(text).ok()?;
    let segments: Vec<&str> = url
        .path_segments()?
        .filter(|segment| !segment.is_empty())
        .collect();
    match segments.as_slice() {
        [.., "files", id] => id.parse::<FileId>().ok().map(Resource::File),
        [.., "folders", id] => id.parse::<FolderId>().ok().map(Resource::Folder),
        _ => None,
    }
}

fn restrictions(scopes: &ScopeSet, resource: Option<&Resource>) -> Vec<RestrictedTo> {
    let object = resource.map(|resource| match resource {
        Resource::File(id) => RestrictedObject {
            kind: "file",
            id: id.to_string(),
        },
        Resource::Folder(id) => RestrictedObject {
            kind: "folder",
            id: id.to_string(),
        },
    });
    scopes
        .iter()
        .map(|scope| RestrictedTo {
            scope: scope.to_string(),
            object: object.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let found = parse_resource(text).map(|resource| match resource {
            Resource::File(id) => format!("file {id}"),
            Resource::Folder(id) => format!("folder {id}"),
        });
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn resources_are_read_from_any_host() {
        check("https://api.box.com/2.0/files/12", Some("file 12"));
        check("http://127.0.0.1:8020/2.0/folders/0/", Some("folder 0"));
        check("https://localhost:8443/api/2.0/files/3?x=1", Some("file 3"));
        check("https://api.box.com/2.0/files/abc", None);
        check("https://api.box.com/2.0/users/3", None);
        check("files/3", None);
        check("", None);
    }
}

//! AWS's Signature Version 4 over a request of Bedrock.
//!
//! Invariant: what is signed is what is sent: method, path, query, host, the headers that are named, and the body. Byte
//! oracle: botocore's own signer (`tests/oracle.rs`). No SDK: `aws-sigv4` would bring twelve crates for these lines.

use super::{Authenticator, Outgoing, secret_header, without_secret};
use crate::host::AwsKeys;
use crate::protocol::bedrock::encoded;
use crate::retry::AttemptError;
use async_trait::async_trait;
use boxwood_core::{Clock, ModelError, SystemClock};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use url::Url;

const SERVICE: &str = "bedrock";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Signs with the keys of a binding.
pub(super) struct AwsSigner {
    pub(super) keys: AwsKeys,
    pub(super) region: String,
    pub(super) model: String,
}

#[async_trait]
impl Authenticator for AwsSigner {
    async fn headers(&self, outgoing: &Outgoing<'_>) -> Result<HeaderMap, AttemptError> {
        let signed = signed_headers(&self.keys, &self.region, SystemClock.now(), outgoing);
        let headers: Option<HeaderMap> = signed
            .into_iter()
            .map(|(name, value)| Some((name, secret_header(&value)?)))
            .collect();
        headers.ok_or_else(|| {
            AttemptError::never(ModelError::Failed {
                model: self.model.clone(),
                message: "the AWS keys hold what can't be sent in a header".to_owned(),
            })
        })
    }

    fn without_secrets(&self, text: &str) -> String {
        let text = without_secret(text, &self.keys.secret_access_key);
        match &self.keys.session_token {
            Some(token) => without_secret(&text, token),
            None => text,
        }
    }
}

/// The headers that prove who sends this request at this time.
fn signed_headers(
    keys: &AwsKeys,
    region: &str,
    now: DateTime<Utc>,
    outgoing: &Outgoing<'_>,
) -> Vec<(HeaderName, String)> {
    let time = now.format("%Y%m%dT%H%M%SZ").to_string();
    let day = now.format("%Y%m%d").to_string();
    let mut added = vec![(HeaderName::from_static("x-amz-date"), time.clone())];
    if let Some(token) = &keys.session_token {
        let name = HeaderName::from_static("x-amz-security-token");
        added.push((name, token.expose_secret().to_owned()));
    }
    let mut signed: Vec<(String, String)> = added
        .iter()
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    signed.push(("host".into(), host_of(outgoing.url)));
    let content_type = outgoing
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    signed.extend(content_type.map(|value| (CONTENT_TYPE.to_string(), value.trim().to_owned())));
    signed.sort();
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let canonical = canonical_request(outgoing, &signed, &names);
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", digest(canonical.as_bytes()));
    let signature = hex::encode(hmac(&signing_key(keys, &day, region), to_sign.as_bytes()));
    let credential = format!("{}/{scope}", keys.access_key_id);
    let proof = format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}");
    added.push((AUTHORIZATION, proof));
    added
}

fn canonical_request(outgoing: &Outgoing<'_>, signed: &[(String, String)], names: &str) -> String {
    // The path is encoded once more than it is sent, as for every service but S3.
    let path = encoded(outgoing.url.path().as_bytes(), b"/");
    let mut query: Vec<String> = outgoing
        .url
        .query_pairs()
        .map(|(key, value)| {
            format!(
                "{}={}",
                encoded(key.as_bytes(), b""),
                encoded(value.as_bytes(), b"")
            )
        })
        .collect();
    query.sort();
    let query = query.join("&");
    let headers: String = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let body = digest(outgoing.body);
    format!("POST\n{path}\n{query}\n{headers}\n{names}\n{body}")
}

/// As the client sends it: with the port where it is not the scheme's own.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn signing_key(keys: &AwsKeys, day: &str, region: &str) -> Vec<u8> {
    let secret = format!("AWS4{}", keys.secret_access_key.expose_secret());
    [day, region, SERVICE, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| hmac(&key, part.as_bytes()))
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    // A key of any length is taken, so the fallback is never reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn authorization(url: &str, body: &str, session: Option<&str>) -> String {
        let keys = AwsKeys {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session_token: session.map(|token| token.to_owned().into()),
        };
        let url = Url::parse(url).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        let outgoing = Outgoing {
            url: &url,
            headers: &headers,
            body: body.as_bytes(),
        };
        let now = Utc.with_ymd_and_hms(2026, 11, 25, 21, 7, 9).unwrap();
        let signed = signed_headers(&keys, "eu-west-1", now, &outgoing);
        signed.last().unwrap().1.clone()
    }

    /// Made with botocore 1.44.5's `SigV4Auth` for the same requests (`tests/oracle/botocore.py golden`).
    #[test]
    fn signatures_are_botocore_s_own() {
        let check = |url: &str, body: &str, session: Option<&str>, expected: &str| {
            let proof = authorization(url, body, session);
            assert!(
                proof.ends_with(&format!("Signature={expected}")),
                "{url}: {proof}"
            );
        };
        let base = "https://bedrock-runtime.eu-west-1.amazonaws.com/model";
        check(
            &format!("{base}/eu.anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream"),
            "{\"messages\":[]}",
            None,
            "23eb79d63d3bcff48500b7e1808fb70ca57059f3bfd3cae04edf6d6798373301",
        );
        check(
            &format!(
                "{base}/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Fx/converse-stream"
            ),
            "{\"text\":\"日本\"}",
            Some("session-token/+="),
            "2e029dc2bed59b919e8edb822ea9415f1ddf6ec6f73ae834ad0d4441358f4f12",
        );
        check(
            "http://127.0.0.1:8123/model/m/invoke?b=2&a=1%2F",
            "",
            None,
            "63a1bb56d4ea7c7d9abe41d574f7826a7bad816190273e49dd35f60c0a27291e",
        );
    }

    #[test]
    fn the_session_is_part_of_what_is_signed() {
        let proof = authorization("https://h/model/m/converse-stream", "{}", Some("t"));
        assert!(proof.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,"));
        assert!(proof.contains("Credential=AKIDEXAMPLE/20261125/eu-west-1/bedrock/aws4_request,"));
    }
}

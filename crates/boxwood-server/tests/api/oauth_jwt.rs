//! `POST /oauth2/token` with signed claims, by the configuration that SDKs read.

use boxwood_server::development;
use boxwood_test::tokens::JWT;
use boxwood_test::{Reply, TestApp};
use chrono::Duration;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use serde_json::{Value, json};

struct Signer {
    key: EncodingKey,
    key_id: String,
}

impl Signer {
    /// From the file that `boxwood dev-config` prints.
    fn of(app: &TestApp) -> Self {
        let text = std::fs::read_to_string(development::config_file(app.data.path())).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(config["enterpriseID"], json!(app.enterprise_id));
        let auth = &config["boxAppSettings"]["appAuth"];
        let (pem, phrase) = (
            auth["privateKey"].as_str().unwrap(),
            auth["passphrase"].as_str().unwrap(),
        );
        let private = rsa::RsaPrivateKey::from_pkcs8_encrypted_pem(pem, phrase).unwrap();
        let plain = private.to_pkcs8_pem(LineEnding::LF).unwrap();
        Self {
            key: EncodingKey::from_rsa_pem(plain.as_bytes()).unwrap(),
            key_id: auth["publicKeyID"].as_str().unwrap().to_owned(),
        }
    }

    fn sign(&self, claims: &Value, key_id: Option<&str>) -> String {
        let header = Header {
            kid: key_id.map(str::to_owned),
            ..Header::new(Algorithm::RS256)
        };
        encode(&header, claims, &self.key).unwrap()
    }
}

fn claims(app: &TestApp, id: &str) -> Value {
    use boxwood_core::Clock;
    json!({
        "iss": "boxwood-dev",
        "sub": app.enterprise_id,
        "box_sub_type": "enterprise",
        "aud": "https://api.box.com/oauth2/token",
        "jti": id,
        "exp": (app.clock.now() + Duration::seconds(30)).timestamp(),
    })
}

async fn send(app: &TestApp, assertion: &str) -> Reply {
    app.token(&[("grant_type", JWT), ("assertion", assertion)]).await
}

#[tokio::test]
async fn assertions_with_and_without_a_key_id_give_tokens_once() {
    let app = TestApp::start().await;
    let signer = Signer::of(&app);
    let with = signer.sign(&claims(&app, "0123456789abcdef-1"), Some(&signer.key_id));
    let without = signer.sign(&claims(&app, "0123456789abcdef-2"), None);
    for assertion in [&with, &without] {
        let token = send(&app, assertion).await.access_token();
        assert_eq!(
            Reply::of(app.request_as(&token, "GET", "/2.0/users/me"))
                .await
                .status,
            200
        );
    }
    let replayed = send(&app, &with).await;
    assert_eq!(
        (replayed.status, &replayed.body["error"]),
        (400, &json!("invalid_grant")),
        "{}",
        replayed.text
    );
}

#[tokio::test]
async fn an_assertion_for_a_user_acts_for_that_user() {
    let app = TestApp::start().await;
    let mut claims = claims(&app, "0123456789abcdef-3");
    claims["sub"] = json!(app.admin_id);
    claims["box_sub_type"] = json!("user");
    let token = send(&app, &Signer::of(&app).sign(&claims, None))
        .await
        .access_token();
    let me = Reply::of(app.request_as(&token, "GET", "/2.0/users/me")).await;
    assert_eq!(me.body["id"], json!(app.admin_id));
}

#[tokio::test]
async fn bad_assertions_are_refused() {
    let app = TestApp::start().await;
    let signer = Signer::of(&app);
    let good = claims(&app, "0123456789abcdef-4");
    let exp = good["exp"].as_i64().unwrap();
    for (claim, value) in [
        ("iss", json!("somebody-else")),
        ("sub", json!("999999")),
        ("sub", Value::Null),
        ("box_sub_type", json!("group")),
        ("jti", json!("short")),
        ("jti", Value::Null),
        ("exp", json!(exp - 60)),
        ("exp", json!(exp + 3_600)),
        ("exp", Value::Null),
    ] {
        let mut claims = good.clone();
        claims[claim] = value.clone();
        let reply = send(&app, &signer.sign(&claims, None)).await;
        assert_eq!(
            (reply.status, &reply.body["error"]),
            (400, &json!("invalid_grant")),
            "{claim} = {value}: {}",
            reply.text
        );
    }
    let unknown_key = signer.sign(&good, Some("other"));
    let mut forged = signer.sign(&good, None);
    forged.truncate(forged.len() - 8);
    forged.push_str("AAAAAAAA");
    let symmetric = encode(
        &Header::new(Algorithm::HS256),
        &good,
        &EncodingKey::from_secret(b"boxwood-dev-secret"),
    )
    .unwrap();
    for assertion in [
        unknown_key.as_str(),
        forged.as_str(),
        symmetric.as_str(),
        "not.a.jwt",
        "",
    ] {
        let reply = send(&app, assertion).await;
        assert_eq!(
            (reply.status, &reply.body["error"]),
            (400, &json!("invalid_grant")),
            "{}",
            reply.text
        );
    }
    let fresh = claims(&app, "0123456789abcdef-5");
    assert_eq!(
        send(&app, &signer.sign(&fresh, None)).await.status,
        200,
        "the good one is good"
    );
}

#[tokio::test]
async fn the_configuration_is_kept_and_for_its_owner_only() {
    let app = TestApp::start().await;
    let file = development::config_file(app.data.path());
    let before = std::fs::read_to_string(&file).unwrap();
    development::prepare(app.store.as_ref(), app.data.path())
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

//! Connections: TLS, headers, keep-alive, slow clients, addresses beyond loopback.

use boxwood_server::listen::{Addresses, ListenError, Server};
use boxwood_test::{Reply, TestApp};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn exchange(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn clients_that_trust_the_authority_connect_under_every_name() {
    let app = TestApp::start().await;
    let authority = reqwest::Certificate::from_pem(&std::fs::read(&app.authority).unwrap()).unwrap();
    let port = app.secure_base.rsplit_once(':').unwrap().1.to_owned();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let mut builder = reqwest::Client::builder().tls_certs_only([authority]).no_proxy();
    for name in [
        "api.box.com",
        "upload.box.com",
        "account.box.com",
        "dl.boxcloud.com",
    ] {
        builder = builder.resolve(name, address);
    }
    let client = builder.build().unwrap();
    for name in [
        "localhost",
        "127.0.0.1",
        "api.box.com",
        "upload.box.com",
        "account.box.com",
        "dl.boxcloud.com",
    ] {
        let url = format!("https://{name}:{port}/2.0/users/me");
        let reply = Reply::of(client.get(url).bearer_auth("boxwood-dev-token")).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text);
    }
}

#[tokio::test]
async fn clients_that_do_not_trust_the_authority_do_not_connect() {
    let app = TestApp::start().await;
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let error = client
        .get(format!("{}/health", app.secure_base))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_connect(), "{error}");
}

#[tokio::test]
async fn headers_are_written_in_title_case() {
    let app = TestApp::start().await;
    let answer = exchange(
        &app,
        "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("\r\nContent-Type: application/json\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\nBox-Request-Id: "), "{answer}");
}

#[tokio::test]
async fn a_connection_serves_several_requests() {
    let app = TestApp::start().await;
    let one = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let last = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = exchange(&app, &format!("{one}{one}{last}")).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_cut_off() {
    let limit = Duration::from_millis(100);
    let app = TestApp::builder()
        .settings(|settings| settings.header_read_timeout = limit)
        .start()
        .await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: loc")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection stayed open");
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.header_bytes = 8_192)
        .start()
        .await;
    let request = format!(
        "GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let answer = exchange(&app, &request).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn the_development_identity_never_listens_beyond_loopback() {
    let app = TestApp::start().await;
    let addresses = Addresses {
        http: Some("0.0.0.0:0".parse().unwrap()),
        https: None,
    };
    match Server::bind(app.state.clone(), addresses).await {
        Err(ListenError::OpenDevelopment { address }) => assert_eq!(address.ip().to_string(), "0.0.0.0"),
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(_) => panic!("it listens"),
    }
}

#[tokio::test]
async fn the_development_token_is_refused_under_a_foreign_name_or_behind_a_proxy() {
    let app = TestApp::start().await;
    for (name, value) in [
        ("host", "rebound.example:8020"),
        ("x-forwarded-for", "192.0.2.7"),
        ("forwarded", "for=192.0.2.7"),
    ] {
        let reply = Reply::of(app.request("GET", "/2.0/users/me").header(name, value)).await;
        reply.assert_error(401, "unauthorized");
    }
    let token = app.service_token().await;
    let reply = Reply::of(
        app.request_as(&token, "GET", "/2.0/users/me")
            .header("host", "rebound.example"),
    )
    .await;
    reply.assert_error(401, "unauthorized");
}

#[tokio::test]
async fn without_the_development_identity_its_secrets_are_worth_nothing() {
    let app = TestApp::builder()
        .settings(|settings| settings.development = false)
        .start()
        .await;
    app.get("/2.0/users/me").await.assert_error(401, "unauthorized");
    let reply = app
        .token(&[
            ("grant_type", "client_credentials"),
            ("box_subject_type", "enterprise"),
            ("box_subject_id", &app.enterprise_id),
        ])
        .await;
    assert_eq!(
        (reply.status, &reply.body["error"]),
        (400, &"invalid_client".into()),
        "{}",
        reply.text
    );
}

//! The orderly end.

use crate::question;
use boxwood_test::TestApp;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A question whose answer does not come before the model is released.
async fn held_question(app: &TestApp) -> JoinHandle<reqwest::Result<reqwest::Response>> {
    let file = app.upload("sun.txt", b"x").await;
    app.model.hold();
    let request = app
        .request("POST", "/2.0/ai/ask")
        .body(question(&file).to_string());
    let sent = tokio::spawn(request.send());
    app.model.until_running().await;
    sent
}

#[tokio::test]
async fn a_running_answer_is_finished_before_the_end() {
    let mut app = TestApp::start().await;
    let running = held_question(&app).await;
    app.begin_stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let refused = tokio::net::TcpStream::connect(app.address).await;
    assert!(refused.is_err(), "nothing new is accepted");
    app.model.release();
    assert_eq!(running.await.unwrap().unwrap().status(), 200);
    assert!(app.stop().await.gracefully);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_cancelled_with_words() {
    let mut app = TestApp::builder()
        .settings(|settings| settings.stop_grace = Duration::from_millis(100))
        .start()
        .await;
    let running = held_question(&app).await;
    let began = Instant::now();
    assert!(!app.stop().await.gracefully);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(running.await.unwrap().unwrap().status(), 503);
    assert_eq!(app.model.abandoned(), 1);
}

#[tokio::test]
async fn an_idle_kept_alive_connection_does_not_hold_the_end_up() {
    let mut app = TestApp::start().await;
    assert_eq!(app.get("/health").await.status, 200);
    let began = Instant::now();
    assert!(app.stop().await.gracefully);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

//! Identical questions join; a question that nobody waits for ends.

use crate::question;
use boxwood_test::{Reply, TestApp, until};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/2.0/ai/ask";

/// Sends a question and gives up reading once it runs, as an SDK does after 60 seconds.
async fn give_up(app: &TestApp, body: &Value) {
    let request = app.request("POST", PATH).body(body.to_string());
    let sent = tokio::spawn(request.send());
    until("the question runs", || app.model.running() == 1).await;
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled(), "it was not answered");
}

#[tokio::test]
async fn an_identical_question_joins_the_running_one() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let body = question(&file);
    app.model.hold();
    give_up(&app, &body).await;
    let (reply, ()) = tokio::join!(app.post(PATH, &body), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        app.model.release();
    });
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.body["boxwood"]["joined"], true);
    assert_eq!(app.model.requests().len(), 1, "the work was done once");
}

#[tokio::test]
async fn an_answer_that_came_between_two_tries_is_kept() {
    let app = TestApp::builder()
        .settings(|settings| settings.join_grace = Duration::from_secs(30))
        .start()
        .await;
    let file = app.upload("sun.txt", b"x").await;
    let body = question(&file);
    app.model.hold();
    give_up(&app, &body).await;
    app.model.release();
    until("the answer is ready", || app.state.joins().running() == 0).await;
    let reply = app.post(PATH, &body).await;
    assert_eq!(reply.body["boxwood"]["joined"], true, "{}", reply.text);
    assert_eq!(app.model.requests().len(), 1);
    let again = app.post(PATH, &body).await;
    assert_eq!(
        again.body["boxwood"]["joined"], false,
        "an answer that was received is not given again"
    );
}

#[tokio::test]
async fn different_questions_and_principals_do_not_join() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let token = app
        .narrow("boxwood-dev-token", "ai.readwrite item_preview", None)
        .await
        .access_token();
    app.model.hold();
    let first = question(&file);
    let mut second = question(&file);
    second["prompt"] = json!("Where does the sun set?");
    let release = async {
        until("three completions run", || app.model.running() == 3).await;
        app.model.release();
    };
    let (one, two, three, ()) = tokio::join!(
        app.post(PATH, &first),
        app.post(PATH, &second),
        app.post_as(&token, PATH, &first),
        release
    );
    assert_eq!((one.status, two.status, three.status), (200, 200, 200));
}

#[tokio::test]
async fn when_the_client_is_gone_the_work_ends() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.hold();
    give_up(&app, &question(&file)).await;
    assert_eq!(app.model.running(), 1, "for a moment the client may come back");
    app.model.until_abandoned().await;
    until("the question is forgotten", || app.state.joins().running() == 0).await;
    app.model.release();
    assert_eq!(
        app.post(PATH, &question(&file)).await.status,
        200,
        "a cancelled question is not joined"
    );
}

#[tokio::test]
async fn all_waiters_of_a_failed_question_get_the_error() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.hold();
    app.model.next(boxwood_test::Script::Breaks);
    let body = question(&file);
    let release = async {
        until("one completion runs", || app.model.running() == 1).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        app.model.release();
    };
    let (one, two, ()): (Reply, Reply, ()) =
        tokio::join!(app.post(PATH, &body), app.post(PATH, &body), release);
    one.assert_error(502, "bad_gateway");
    two.assert_error(502, "bad_gateway");
    assert_ne!(
        one.body["request_id"], two.body["request_id"],
        "each refusal has its own request's id"
    );
}

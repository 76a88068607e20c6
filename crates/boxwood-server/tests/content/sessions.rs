//! Chunked uploads.

use crate::support::{App, Reply, id};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

const SIZE: usize = 20 << 20;

fn digest(bytes: &[u8]) -> String {
    format!("sha={}", STANDARD.encode(Sha1::digest(bytes)))
}

struct Session<'a> {
    app: &'a App,
    url: String,
    part_size: usize,
    content: Vec<u8>,
}

impl<'a> Session<'a> {
    async fn open(app: &'a App, path: &str, body: Value) -> Self {
        let reply = app.call("POST", path).json(body).send().await;
        assert_eq!(reply.status, 201, "{:?}", reply.bytes);
        let session = reply.json();
        let endpoint = |name: &str| session["session_endpoints"][name].as_str().unwrap().to_owned();
        let url = endpoint("upload_part")
            .strip_prefix("https://localhost")
            .unwrap()
            .to_owned();
        assert_eq!(endpoint("commit"), format!("https://localhost{url}/commit"));
        assert_eq!(session["num_parts_processed"], 0);
        let part_size = usize::try_from(session["part_size"].as_u64().unwrap()).unwrap();
        assert!(part_size * usize::try_from(session["total_parts"].as_u64().unwrap()).unwrap() >= SIZE);
        let content = (0..SIZE)
            .map(|place| u8::try_from(place % 251).unwrap())
            .collect();
        Self {
            app,
            url,
            part_size,
            content,
        }
    }

    async fn part(&self, offset: usize) -> Reply {
        let bytes = &self.content[offset..(offset + self.part_size).min(SIZE)];
        let range = format!("bytes {offset}-{}/{SIZE}", offset + bytes.len() - 1);
        let call = self
            .app
            .call("PUT", &self.url)
            .header("digest", &digest(bytes))
            .header("content-range", &range);
        call.body(bytes.to_vec()).send().await
    }

    async fn commit(&self, parts: &[Value]) -> Reply {
        let call = self
            .app
            .call("POST", &format!("{}/commit", self.url))
            .header("digest", &digest(&self.content));
        call.json(json!({"parts": parts})).send().await
    }

    async fn all_parts(&self) -> Vec<Value> {
        let mut parts = Vec::new();
        for offset in (0..SIZE).step_by(self.part_size) {
            parts.push(self.part(offset).await.json()["part"].clone());
        }
        parts
    }
}

#[tokio::test]
async fn parts_become_a_file() {
    let app = App::start().await;
    let body = json!({"folder_id": "0", "file_size": SIZE, "file_name": "big.bin"});
    let session = Session::open(&app, "/2.0/files/upload_sessions", body).await;
    let first = session.part(0).await.json()["part"].clone();
    session
        .commit(std::slice::from_ref(&first))
        .await
        .refused(400, "bad_request", "parts");
    let parts = session.all_parts().await;
    assert_eq!(parts[0], first, "the same part again gives the same answer");
    let listed = app
        .call("GET", &format!("{}/parts", session.url))
        .send()
        .await
        .json();
    assert_eq!(
        (&listed["total_count"], &listed["entries"]),
        (&json!(parts.len()), &json!(parts))
    );
    let status = app.call("GET", &session.url).send().await.json();
    assert_eq!(status["num_parts_processed"], json!(parts.len()));
    let file = session.commit(&parts).await.uploaded();
    assert_eq!((&file["name"], &file["size"]), (&json!("big.bin"), &json!(SIZE)));
    assert_eq!(file["sha1"], hex::encode(Sha1::digest(&session.content)));
    assert_eq!(
        session.commit(&parts).await.uploaded()["id"],
        file["id"],
        "a repeated commit answers the same"
    );
    assert_eq!(
        app.call("DELETE", &session.url).send().await.status,
        204,
        "clients abort also after a commit"
    );
}

#[tokio::test]
async fn parts_become_a_version() {
    let app = App::start().await;
    let file = id(&app.upload("a.bin", "small").await);
    let path = format!("/2.0/files/{file}/upload_sessions");
    let session = Session::open(&app, &path, json!({"file_size": SIZE, "file_name": "b.bin"})).await;
    let parts = session.all_parts().await;
    let newer = session.commit(&parts).await.uploaded();
    assert_eq!((&newer["id"], &newer["name"]), (&json!(file), &json!("b.bin")));
}

#[tokio::test]
async fn wrong_parts_are_refused() {
    let app = App::start().await;
    let body = json!({"folder_id": "0", "file_size": SIZE, "file_name": "big.bin"});
    let session = Session::open(&app, "/2.0/files/upload_sessions", body).await;
    let bytes = session.content[..session.part_size].to_vec();
    let range = format!("bytes 0-{}/{SIZE}", session.part_size - 1);
    let put = async |digest: &str, range: &str, body: Vec<u8>| {
        app.call("PUT", &session.url)
            .header("digest", digest)
            .header("content-range", range)
            .body(body)
            .send()
            .await
    };
    let good = digest(&bytes);
    put("sha=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", &range, bytes.clone())
        .await
        .refused(412, "precondition_failed", "header.digest");
    put("md5=x", &range, bytes.clone())
        .await
        .refused(400, "bad_request", "header.digest");
    put(&good, "0-9", bytes.clone())
        .await
        .refused(400, "bad_request", "header.content-range");
    put(
        &good,
        &format!("bytes 5-{}/{SIZE}", session.part_size + 4),
        bytes.clone(),
    )
    .await
    .refused(400, "bad_request", "header.content-range");
    put(&good, &range, bytes[..100].to_vec())
        .await
        .refused(400, "bad_request", "body");
    let (_, other) = app.other_user().await;
    app.call_as(&other, "GET", &session.url)
        .send()
        .await
        .refused(404, "not_found", "");
    assert_eq!(app.call("DELETE", &session.url).send().await.status, 204);
    app.call("GET", &session.url)
        .send()
        .await
        .refused(404, "not_found", "");
}

#[tokio::test]
async fn sessions_that_can_not_succeed_are_not_opened() {
    let app = App::start().await;
    app.upload("taken.bin", "x").await;
    let open = async |body| {
        app.call("POST", "/2.0/files/upload_sessions")
            .json(body)
            .send()
            .await
    };
    open(json!({"folder_id": "0", "file_size": SIZE, "file_name": "taken.bin"}))
        .await
        .refused(409, "item_name_in_use", "name");
    open(json!({"folder_id": "0", "file_size": 0, "file_name": "a"}))
        .await
        .refused(400, "bad_request", "file_size");
    open(json!({"folder_id": "0", "file_name": "a"}))
        .await
        .refused(400, "bad_request", "file_size");
    open(json!({"file_size": SIZE, "file_name": "a"}))
        .await
        .refused(400, "bad_request", "folder_id");
    open(json!({"folder_id": "999999999999", "file_size": SIZE, "file_name": "a"}))
        .await
        .refused(404, "not_found", "");
}

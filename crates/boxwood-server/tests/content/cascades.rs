//! Metadata cascade policies.

use crate::support::{App, id};
use serde_json::json;

#[tokio::test]
async fn a_policy_lives() {
    let app = App::start().await;
    let body = json!({"scope": "enterprise", "templateKey": "deal", "displayName": "Deal",
        "fields": [{"type": "string", "key": "customer", "displayName": "Customer"}]});
    app.call("POST", "/2.0/metadata_templates/schema")
        .json(body)
        .send()
        .await;
    let folder = app.folder("sub", "0").await;
    let create = |folder: &str| {
        let body = json!({"folder_id": folder, "scope": "enterprise", "templateKey": "deal"});
        app.call("POST", "/2.0/metadata_cascade_policies").json(body)
    };
    let made = create(&folder).send().await;
    assert_eq!(made.status, 201, "{:?}", made.bytes);
    let made = made.json();
    let enterprise = app.seeded.enterprise.id.to_string();
    assert_eq!(made["type"], "metadata_cascade_policy");
    assert_eq!(
        made["owner_enterprise"],
        json!({"type": "enterprise", "id": enterprise})
    );
    assert_eq!(made["parent"], json!({"type": "folder", "id": folder}));
    assert_eq!(
        (&made["scope"], &made["templateKey"]),
        (&json!(format!("enterprise_{enterprise}")), &json!("deal"))
    );
    create(&folder)
        .send()
        .await
        .refused(409, "tuple_already_exists", "");
    create("0").send().await.refused(403, "forbidden", "");
    create("77").send().await.refused(404, "not_found", "");
    let path = format!("/2.0/metadata_cascade_policies/{}", id(&made));
    assert_eq!(app.call("GET", &path).send().await.json(), made);
    let list = format!("/2.0/metadata_cascade_policies?folder_id={folder}");
    assert_eq!(
        app.call("GET", &list).send().await.json()["entries"],
        json!([made])
    );
    let apply = async |how: &str| {
        app.call("POST", &format!("{path}/apply"))
            .json(json!({"conflict_resolution": how}))
            .send()
            .await
    };
    apply("overwrite").await.refused(404, "instance_not_found", "");
    apply("merge")
        .await
        .refused(400, "bad_request", "conflict_resolution");
    let metadata = format!("/2.0/folders/{folder}/metadata/enterprise/deal");
    app.call("POST", &metadata)
        .json(json!({"customer": "Acme"}))
        .send()
        .await;
    assert_eq!(apply("overwrite").await.status, 202);
    let sub = app.folder("deeper", &folder).await;
    let path_of_sub = format!("/2.0/folders/{sub}/metadata/enterprise/deal");
    assert_eq!(
        app.call("GET", &path_of_sub).send().await.json()["customer"],
        "Acme"
    );
    assert_eq!(app.call("DELETE", &path).send().await.status, 204);
    app.call("GET", &path)
        .send()
        .await
        .refused(404, "instance_not_found", "");
    app.call("GET", "/2.0/metadata_cascade_policies")
        .send()
        .await
        .refused(400, "bad_request", "query.folder_id");
}

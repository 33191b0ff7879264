//! Limits, counts, and the document.

use axum::body::Body;
use axum::http::Request;
use feiqian_core::Mode;
use serde_json::json;

use crate::world::{World, text};

#[tokio::test]
async fn bodies_and_methods_are_limited() {
    let w = World::new(Mode::Production).await;
    let large = json!({ "name": "x".repeat(1 << 20) });
    let answer = w.post(&w.operator, "/v1/brands", "n", large).await;
    assert_eq!(answer.error(), (413, "body_too_large".into()));
    let request = |media: &'static str, body: &'static str| {
        Request::post("/v1/brands")
            .header("Authorization", format!("Bearer {}", w.operator))
            .header("Idempotency-Key", "n")
            .header("Content-Type", media)
            .body(Body::from(body))
            .unwrap()
    };
    let form = w
        .send(request("application/x-www-form-urlencoded", "name=Red"))
        .await;
    assert_eq!(form.error(), (415, "not_json".into()));
    for bad in [
        "",
        "{",
        "{\"name\":\"Red\"} x",
        "{\"name\":\"Red\",\"name\":\"Blue\"}",
        "\u{1}",
    ] {
        let answer = w
            .send(request("application/json; charset=utf-8", bad))
            .await;
        assert_eq!(answer.error(), (400, "body_bad".into()), "{bad:?}");
    }
    let unknown = w
        .with_body(&w.operator, "PUT", "/v1/brands", "", json!({}))
        .await;
    assert_eq!(unknown.error(), (405, "method_not_allowed".into()));
    assert_eq!(unknown.headers["allow"], "GET,HEAD,POST");
    assert_eq!(unknown.headers["x-content-type-options"], "nosniff");
    assert_eq!(unknown.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn requests_are_counted_and_limited() {
    let mut w = World::new(Mode::Production).await;
    w.peer = ([192, 0, 2, 1], 1).into();
    let mut last = None;
    for _ in 0..300 {
        let answer = w.get("fqu_guess", "/v1/brands").await;
        last = Some(answer.error());
        if answer.status == 429 {
            assert_eq!(answer.headers["retry-after"], "1");
            break;
        }
    }
    assert_eq!(last, Some((429, "too_many_requests".into())));
    assert_eq!(w.get("", "/openapi.json").await.status, 429);
    // Whoever has a key has a bucket of their own.
    assert_eq!(w.get(&w.operator, "/v1/brands").await.status, 200);
    w.peer = ([192, 0, 2, 2], 1).into();
    assert_eq!(w.get("", "/metrics").await.error().0, 401);
    let metrics = w.get(&w.operator, "/metrics").await;
    assert!(
        metrics.text.contains("feiqian_durable_events 1\n"),
        "{}",
        metrics.text
    );
    let counted = "feiqian_http_requests_total{method=\"GET\",route=\"/v1/brands\",status=\"401\"}";
    assert!(metrics.text.contains(counted), "{}", metrics.text);
    assert_eq!(w.get("", "/health").await.ok()["status"], "ok");
    assert_eq!(w.get("", "/ready").await.ok()["status"], "ready");
    w.platform.engine.stop();
    assert_eq!(w.get("", "/ready").await.status, 503);
    assert_eq!(
        w.get(&w.operator, "/v1/brands").await.error(),
        (503, "stopped".into())
    );
}

#[tokio::test]
async fn the_document_names_what_it_refers_to() {
    for (mode, sandbox) in [(Mode::Sandbox, true), (Mode::Production, false)] {
        let w = World::new(mode).await;
        let document = w.get("", "/openapi.json").await.ok();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.contains_key("/v1/sandbox/sessions"), sandbox);
        assert!(paths.len() >= 20);
        let operations = paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values());
        let mut ids: Vec<_> = operations
            .map(|operation| text(&operation["operationId"]))
            .collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "an operation's id is its own");
        for operation in paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert_ne!(
                    response["description"].as_str(),
                    None,
                    "{status} of {operation}"
                );
            }
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let whole = document.to_string();
        for reference in whole.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is not described");
        }
    }
}

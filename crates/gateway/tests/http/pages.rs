//! Pages for people, what only a sandbox has, and its bank.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use feiqian_core::Mode;
use feiqian_gateway::bank::sandbox::SandboxBank;
use feiqian_gateway::server::router;
use serde_json::{Value, json};

use crate::world::{Answer, BASE_URL, World, text};

async fn submit(w: &World, path: &str, form: String) -> Answer {
    let request = Request::post(path)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Body::from(form));
    w.send(request.unwrap()).await
}

fn page_path(order: &Value) -> String {
    let url = text(&order["code_url"]);
    let path = url.strip_prefix(BASE_URL).unwrap();
    format!("{path}/plain")
}

fn pay_path(page: &str) -> String {
    page.replace("/plain", "/pay")
}

#[tokio::test]
async fn the_page_of_an_order_is_safe_and_in_two_languages() {
    let w = World::new(Mode::Sandbox).await;
    let (_, shop_key) = w.shop("Noodles <script>alert(1)</script>").await;
    let order = w.order(&shop_key, "a", 1_234).await;
    let path = page_path(&order);
    let page = w.get("", &path).await;
    assert_eq!(page.status, 200);
    for part in [
        "¥12.34",
        "noodles 面",
        "&lt;script&gt;",
        "<svg",
        "Waiting",
        "待支付",
        "Sandbox",
        "沙箱",
    ] {
        assert!(page.text.contains(part), "{part} is not in {}", page.text);
    }
    assert!(
        !page.text.contains("<script") && !page.text.contains("style="),
        "{}",
        page.text
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(
        w.get("", "/link.css").await.headers["content-type"],
        "text/css; charset=utf-8"
    );
}

#[tokio::test]
async fn pressing_twice_pays_once() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let (mei, mei_key) = w.user(&brand, "mei").await;
    let (_, shop_key) = w.shop("Noodles").await;
    let path = page_path(&w.order(&shop_key, "a", 1_234).await);
    let page = w.get("", &path).await;
    let attempt = page.text.split("name=\"attempt\" value=\"").nth(1).unwrap();
    let form = format!(
        "attempt={}&shopper={mei}",
        attempt.split('"').next().unwrap()
    );
    let short = submit(&w, &pay_path(&path), form.clone()).await;
    assert_eq!(short.status, 422);
    assert!(
        short.text.contains("role=\"alert\"") && short.text.contains("余额不足"),
        "{}",
        short.text
    );
    w.fund(&mei, "t", 10_000).await;
    for _ in 0..2 {
        let paid = submit(&w, &pay_path(&path), form.clone()).await;
        assert_eq!(
            (paid.status.as_u16(), &paid.headers["location"]),
            (303, &path.parse().unwrap())
        );
    }
    assert_eq!(w.balance(&mei_key, &mei).await, 10_000 - 1_234);
    let page = w.get("", &path).await;
    assert!(
        page.text.contains("已支付") && !page.text.contains("<form"),
        "{}",
        page.text
    );
    let form = format!("attempt=other&shopper={mei}");
    assert_eq!(submit(&w, &pay_path(&path), form).await.status, 422);
    for bad in [
        "",
        "attempt=a",
        "attempt=a&shopper=mei",
        "attempt=&shopper=usr_0",
    ] {
        let answer = submit(&w, &pay_path(&path), bad.into()).await;
        assert_eq!(answer.error().1, "form_bad", "{bad}");
        assert!(answer.status.is_client_error());
    }
}

#[tokio::test]
async fn pages_tell_what_became_of_an_order() {
    let w = World::new(Mode::Sandbox).await;
    let (_, shop_key) = w.shop("Noodles").await;
    let order = w.order(&shop_key, "a", 1).await;
    w.post(
        &shop_key,
        &format!("/v1/orders/{}/close", text(&order["id"])),
        "",
        json!({}),
    )
    .await
    .ok();
    assert!(w.get("", &page_path(&order)).await.text.contains("已关闭"));
    for path in [
        "/q/AAAAAAAAAAAAAAAAAAAA/plain",
        "/q/x/plain",
        "/q/%00/plain",
    ] {
        let page = w.get("", path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(
            page.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
        assert!(page.text.contains("链接无效") && page.text.contains("Sandbox"));
    }
    let landing = w.get("", "/").await;
    assert!(landing.text.contains("/openapi.json") && landing.text.contains("Noodles"));
}

#[tokio::test]
async fn in_production_nothing_of_the_sandbox_is_there() {
    let w = World::new(Mode::Production).await;
    let brand = w.brand("Red").await;
    w.user(&brand, "mei").await;
    let (_, shop_key) = w.shop("Noodles").await;
    let path = page_path(&w.order(&shop_key, "a", 1).await);
    for path in ["/v1/sandbox/shoppers", "/v1/sandbox/merchants"] {
        assert_eq!(
            w.get(&w.operator, path).await.error(),
            (404, "path_not_found".into())
        );
    }
    let session = w
        .post(
            &w.operator,
            "/v1/sandbox/sessions",
            "",
            json!({ "as": "mei" }),
        )
        .await;
    assert_eq!(session.error(), (404, "path_not_found".into()));
    let paid = submit(&w, &pay_path(&path), "attempt=a&shopper=usr_0".into()).await;
    assert_eq!(paid.error(), (405, "method_not_allowed".into()));
    for page in [path.as_str(), "/"] {
        let page = w.get("", page).await;
        assert_eq!(page.status, 200);
        for part in ["Sandbox", "沙箱", "<form", "mei"] {
            assert!(!page.text.contains(part), "{part} is in {}", page.text);
        }
    }
}

#[tokio::test]
async fn a_session_plays_a_shopper_with_one_key() {
    let mut w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let body = json!({ "brand_id": brand, "handle": "mei", "name": "梅", "latin_name": "Mei Lin", "tier": "full" });
    let user = w.post(&w.operator, "/v1/users", "mei", body).await.ok();
    let mut keys = Vec::new();
    for name in ["mei", "MEI", "梅", "mei lin", "mei"] {
        let session = w
            .post("", "/v1/sandbox/sessions", "", json!({ "as": name }))
            .await;
        assert_eq!(
            (session.status.as_u16(), &session.ok()["user_id"]),
            (201, &user["id"])
        );
        keys.push(text(&session.ok()["key"]));
    }
    keys.dedup();
    assert_eq!(keys.len(), 1);
    // A restart logs nobody out and makes no second key.
    w.router = router(w.platform.clone(), None);
    let session = w
        .post("", "/v1/sandbox/sessions", "", json!({ "as": "mei" }))
        .await;
    assert_eq!(text(&session.ok()["key"]), keys[0]);
    assert_eq!(w.balance(&keys[0], &text(&user["id"])).await, 0);
    let nobody = w
        .post("", "/v1/sandbox/sessions", "", json!({ "as": "lei" }))
        .await;
    assert_eq!(nobody.error(), (404, "shopper_not_found".into()));
    let shoppers = w.get("", "/v1/sandbox/shoppers").await.ok();
    let first = &shoppers["data"][0];
    assert_eq!(
        (&first["name"], &first["brand"], &first["balance"]),
        (&json!("梅"), &json!("Red"), &json!(0))
    );
    assert_eq!(
        w.get("", "/v1/sandbox/merchants").await.ok()["data"],
        json!([])
    );
    let code = w
        .post(
            &keys[0],
            &format!("/v1/users/{}/pay_codes", text(&user["id"])),
            "",
            json!({}),
        )
        .await;
    assert_eq!(
        (text(&code.ok()["code"]).len(), &code.ok()["expires_in"]),
        (18, &json!(30))
    );
}

#[tokio::test]
async fn the_sandbox_bank_answers() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let (mei, key) = w.user(&brand, "mei").await;
    let ask = async |leaf: &str, number: &str, fen: i64| {
        let path = format!("/v1/users/{mei}/{leaf}");
        let made = w
            .post(&key, &path, number, json!({ "amount": fen }))
            .await
            .ok();
        format!("/v1/transfers/{}", text(&made["id"]))
    };
    let answered = async |path: &str| {
        let begun = Instant::now();
        loop {
            let transfer = w.get(&key, path).await.ok();
            if transfer["status"] != "pending" {
                return text(&transfer["status"]);
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "the bank did not answer"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Asked before the bank opens.
    let early = ask("top_ups", "t1", 1_000).await;
    let bank = SandboxBank::start(&w.platform).unwrap();
    assert_eq!(answered(&early).await, "succeeded");
    assert_eq!(answered(&ask("top_ups", "t2", 1_244).await).await, "failed");
    assert_eq!(
        answered(&ask("withdrawals", "w1", 44).await).await,
        "failed"
    );
    assert_eq!(w.balance(&key, &mei).await, 1_000);
    assert_eq!(
        answered(&ask("withdrawals", "w2", 100).await).await,
        "succeeded"
    );
    assert_eq!(w.balance(&key, &mei).await, 900);
    bank.stop();
}

//! Tills: who signs in, who may what, and what a shop took.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::world::{Answer, Market, World, text};

/// Somebody of a shop, at a till.
struct Person {
    name: &'static str,
    password: String,
    cookie: String,
    id: String,
}

/// Asks a till's route under a number.
async fn ask_under(w: &World, cookie: &str, number: &str, what: &str, body: Value) -> Answer {
    let (method, path) = what.split_once(' ').unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/app/till/{path}"))
        .header("Feiqian-App", "till");
    if !cookie.is_empty() {
        request = request.header("Cookie", cookie);
    }
    if !number.is_empty() {
        request = request.header("Idempotency-Key", number);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("Content-Type", "application/json");
        Body::from(body.to_string())
    };
    w.send(request.body(body).unwrap()).await
}

async fn ask(w: &World, cookie: &str, what: &str, body: Value) -> Answer {
    ask_under(w, cookie, "", what, body).await
}

async fn sign_in(w: &World, shop: &str, name: &str, password: &str) -> Answer {
    let body = json!({ "shop": shop, "name": name, "password": password });
    ask(w, "", "POST session", body).await
}

/// Somebody whom an operator adds, signed in.
async fn joins(m: &Market, shop: &str, name: &'static str, role: &str) -> Person {
    let what = format!("POST /v1/merchants/{shop}/staff");
    let made = m.ask("operator", &what, json!({ "name": name, "role": role }));
    let password = text(&made.await.ok()["password"]);
    let signed_in = sign_in(&m.w, shop, name, &password).await;
    assert_eq!(signed_in.status, 201, "{}", signed_in.text);
    let set = signed_in.headers["set-cookie"].to_str().unwrap();
    Person {
        name,
        password,
        cookie: set.split(';').next().unwrap().to_owned(),
        id: text(&signed_in.json()["id"]),
    }
}

/// A market whose noodle shop has an owner and a cashier.
async fn with_tills() -> (Market, Person, Person) {
    let m = Market::new().await;
    let owner = joins(&m, &m.noodles, "Wang", "owner").await;
    let cashier = joins(&m, &m.noodles, "Li", "cashier").await;
    (m, owner, cashier)
}

async fn order_of(m: &Market, who: &Person, number: &str, fen: i64) -> Value {
    let body = json!({ "amount": fen });
    let made = ask_under(&m.w, &who.cookie, number, "POST orders", body).await;
    made.ok()
}

/// An order of this till that Mei has paid.
async fn paid(m: &Market, who: &Person, number: &str, fen: i64) -> String {
    let order = text(&order_of(m, who, number, fen).await["id"]);
    let pay = json!({ "order_id": order });
    m.ask("mei", "POST /v1/payments", pay).await.ok();
    order
}

async fn pay_code(m: &Market) -> String {
    let what = format!("POST /v1/users/{}/pay_codes", m.mei);
    text(&m.ask("mei", &what, json!({})).await.ok()["code"])
}

#[tokio::test]
async fn whoever_guesses_a_password_waits_longer_and_longer() {
    let (m, owner, _) = with_tills().await;
    let wrong = (401, "sign_in_wrong".to_owned());
    for (shop, name) in [
        (m.noodles.as_str(), "Nobody"),
        ("mch_99", "Wang"),
        ("x", "Wang"),
    ] {
        let answer = sign_in(&m.w, shop, name, &owner.password).await;
        assert_eq!(answer.error(), wrong, "{shop} {name}");
    }
    // The number that SDKs know the shop by will do.
    let me = ask(&m.w, &owner.cookie, "GET me", Value::Null).await.ok();
    let number = text(&me["shop"]["number"]);
    assert_eq!(
        sign_in(&m.w, &number, owner.name, &owner.password)
            .await
            .status,
        201
    );

    for _ in 0..5 {
        let answer = sign_in(&m.w, &m.noodles, owner.name, "wrong password").await;
        assert_eq!(answer.error(), wrong);
    }
    let answer = sign_in(&m.w, &m.noodles, owner.name, &owner.password).await;
    assert_eq!(
        answer.error(),
        (429, "too_many_tries".into()),
        "even the right one"
    );
    assert!(answer.headers.contains_key("retry-after"));
    // Who is signed in stays so, and others are not held up.
    assert!(
        ask(&m.w, &owner.cookie, "GET me", Value::Null)
            .await
            .status
            .is_success()
    );
    joins(&m, &m.noodles, "Zhao", "cashier").await;
}

#[tokio::test]
async fn a_cashier_does_not_do_what_owners_do() {
    let (m, owner, cashier) = with_tills().await;
    for (what, body) in [
        ("GET staff", Value::Null),
        ("POST staff", json!({ "name": "Me", "role": "owner" })),
        ("DELETE staff/stf_0", Value::Null),
        ("PATCH shop", json!({ "refund_limit": 1_000_000 })),
    ] {
        let answer = ask(&m.w, &cashier.cookie, what, body).await;
        assert_eq!(answer.error(), (403, "not_allowed".into()), "{what}");
        let nobody = ask(&m.w, "", what, json!({})).await;
        assert_eq!(nobody.status, 401, "{what}");
    }
    let new = json!({ "name": "Sun", "role": "cashier" });
    let sun = ask(&m.w, &owner.cookie, "POST staff", new.clone())
        .await
        .ok();
    let again = ask(&m.w, &owner.cookie, "POST staff", new).await;
    assert_eq!(again.error(), (422, "name_taken".into()));
    let signed_in = sign_in(&m.w, &m.noodles, "Sun", &text(&sun["password"])).await;
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap();
    assert!(
        ask(&m.w, cookie, "GET me", Value::Null)
            .await
            .status
            .is_success()
    );
    // Whoever is removed is out at once; the last owner stays.
    let remove = format!("DELETE staff/{}", text(&sun["id"]));
    assert_eq!(
        ask(&m.w, &owner.cookie, &remove, Value::Null).await.status,
        204
    );
    assert_eq!(ask(&m.w, cookie, "GET me", Value::Null).await.status, 401);
    let last = ask(
        &m.w,
        &owner.cookie,
        &format!("DELETE staff/{}", owner.id),
        Value::Null,
    )
    .await;
    assert_eq!(last.error(), (422, "last_owner".into()));

    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    let what = "POST password";
    let wrong = ask(
        &m.w,
        &cashier.cookie,
        what,
        change("nonsense", "a long enough one"),
    )
    .await;
    assert_eq!(wrong.error(), (422, "password_wrong".into()));
    let weak = ask(
        &m.w,
        &cashier.cookie,
        what,
        change(&cashier.password, "short"),
    )
    .await;
    assert_eq!(weak.error(), (422, "password_weak".into()));
    let changed = ask(
        &m.w,
        &cashier.cookie,
        what,
        change(&cashier.password, "a long enough one"),
    );
    assert_eq!(changed.await.status, 204);
    assert_eq!(
        sign_in(&m.w, &m.noodles, "Li", &cashier.password)
            .await
            .status,
        401
    );
    assert_eq!(
        sign_in(&m.w, &m.noodles, "Li", "a long enough one")
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn another_shops_order_is_none() {
    let (m, owner, cashier) = with_tills().await;
    let tea = "mch_1";
    let stranger = joins(&m, tea, "Tea", "owner").await;
    let order = text(&order_of(&m, &cashier, "o1", 1_000).await["id"]);
    for what in [
        format!("GET orders/{order}"),
        format!("GET orders/{order}/events"),
        format!("POST orders/{order}/close"),
        format!("POST orders/{order}/reverse"),
    ] {
        let answer = ask(&m.w, &stranger.cookie, &what, Value::Null).await;
        assert_eq!(answer.error(), (404, "order_not_found".into()), "{what}");
    }
    let refund = format!("POST orders/{order}/refunds");
    let answer = ask_under(&m.w, &stranger.cookie, "r", &refund, json!({ "amount": 1 })).await;
    assert_eq!(answer.error(), (404, "order_not_found".into()));
    // Nor does an owner of another shop agree to anything here.
    let order = paid(&m, &cashier, "o2", 50_000).await;
    let refund = format!("POST orders/{order}/refunds");
    let with = |name: &str, password: &str| json!({ "amount": 50_000, "owner": { "name": name, "password": password } });
    let body = with(stranger.name, &stranger.password);
    let answer = ask_under(&m.w, &cashier.cookie, "r1", &refund, body).await;
    assert_eq!(answer.error(), (422, "owner_wrong".into()));
    let body = with(cashier.name, &cashier.password);
    let answer = ask_under(&m.w, &cashier.cookie, "r2", &refund, body).await;
    assert_eq!(answer.error(), (422, "not_an_owner".into()));
    let body = with(owner.name, &owner.password);
    let answer = ask_under(&m.w, &cashier.cookie, "r3", &refund, body).await;
    assert_eq!(answer.ok()["refunded"], 50_000);
}

#[tokio::test]
async fn small_refunds_add_up_to_what_an_owner_signs() {
    let (m, owner, cashier) = with_tills().await;
    let order = paid(&m, &cashier, "o1", 50_000).await;
    let refund = format!("POST orders/{order}/refunds");
    let give = |number: &'static str, fen: i64| {
        let body = json!({ "amount": fen });
        ask_under(&m.w, &cashier.cookie, number, &refund, body)
    };
    assert_eq!(give("r1", 15_000).await.status, 201);
    assert_eq!(give("r1", 15_000).await.status, 200, "the same again");
    assert_eq!(
        give("r2", 5_001).await.error(),
        (422, "owner_required".into())
    );
    assert_eq!(give("r3", 5_000).await.ok()["refunded"], 20_000);
    let reverse = format!(
        "POST orders/{}/reverse",
        paid(&m, &cashier, "o2", 20_001).await
    );
    let answer = ask(&m.w, &cashier.cookie, &reverse, Value::Null).await;
    assert_eq!(answer.error(), (422, "owner_required".into()));
    let done = ask(&m.w, &owner.cookie, &reverse, Value::Null).await.ok();
    assert_eq!(done["status"], "reversed");
    assert!(
        ask(
            &m.w,
            &owner.cookie,
            "PATCH shop",
            json!({ "refund_limit": 30_000 })
        )
        .await
        .status
        .is_success()
    );
    assert_eq!(give("r4", 10_000).await.ok()["refunded"], 30_000);
}

#[tokio::test]
async fn a_scanned_code_is_charged_once() {
    let (m, _, cashier) = with_tills().await;
    let charge = |number: &'static str, fen: i64, code: String| {
        let body = json!({ "amount": fen, "pay_code": code });
        ask_under(&m.w, &cashier.cookie, number, "POST charges", body)
    };
    let code = pay_code(&m).await;
    let first = charge("c1", 1_200, code.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let first = first.json();
    assert_eq!(
        (&first["status"], &first["paid"]),
        (&json!("paid"), &json!(1_200))
    );
    assert!(first.get("code_url").is_none());
    // Sent again because the answer was lost: paid once, whatever code is shown by now.
    let again = charge("c1", 1_200, "133713371337133713".into()).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["id"]),
        (200, &first["id"])
    );
    assert_eq!(m.w.balance(m.key("mei"), &m.mei).await, 98_800);
    let other = charge("c1", 1_300, pay_code(&m).await).await;
    assert_eq!(other.error(), (409, "number_reused".into()));
    let spent = charge("c2", 100, code).await;
    assert_eq!(spent.status, 422, "{}", spent.text);
    let nonsense = charge("c3", 100, "0".repeat(5_000)).await;
    assert_eq!(nonsense.error(), (422, "pay_code_invalid".into()));
    // Above what passes unasked, the shopper is asked.
    m.w.fund(&m.mei, "more", 200_000).await;
    let waits = charge("c4", 150_000, pay_code(&m).await).await.ok();
    assert_eq!(waits["status"], "awaiting_shopper");
    let close = format!("POST orders/{}/reverse", text(&waits["id"]));
    let undone = ask(&m.w, &cashier.cookie, &close, Value::Null).await.ok();
    assert_eq!(undone["status"], "reversed");
}

#[tokio::test]
async fn an_order_is_told_as_it_changes() {
    use axum::extract::ConnectInfo;
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;

    let (m, _, cashier) = with_tills().await;
    let order = order_of(&m, &cashier, "o1", 700).await;
    assert!(text(&order["code_svg"]).contains("<svg"));
    let id = text(&order["id"]);
    let mut request = Request::get(format!("/app/till/orders/{id}/events"))
        .header("Cookie", &cashier.cookie)
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(ConnectInfo(m.w.peer));
    let response = m.w.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut told = response.into_body().into_data_stream();
    let mut next = async || {
        let bytes = told.next().await.unwrap().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = text.strip_prefix("data: ").unwrap().trim();
        serde_json::from_str::<Value>(json).unwrap()
    };
    assert_eq!(next().await["status"], "open");
    let pay = json!({ "order_id": id });
    m.ask("mei", "POST /v1/payments", pay).await.ok();
    let paid = next().await;
    assert_eq!((&paid["status"], &paid["fee"]), (&json!("paid"), &json!(4)));
    assert_eq!(paid["payer_masked"], "m**");
    assert!(told.next().await.is_none(), "nothing more is to come");
}

#[tokio::test]
async fn a_shift_is_of_one_person_and_a_report_stays() {
    let (m, owner, cashier) = with_tills().await;
    let first = paid(&m, &cashier, "o1", 10_000).await;
    paid(&m, &cashier, "o2", 2_000).await;
    paid(&m, &owner, "o1", 500).await;
    m.paid(100).await;
    let refund = format!("POST orders/{first}/refunds");
    ask_under(
        &m.w,
        &cashier.cookie,
        "r1",
        &refund,
        json!({ "amount": 3_000 }),
    )
    .await
    .ok();
    let shift = ask(&m.w, &cashier.cookie, "GET shift", Value::Null)
        .await
        .ok();
    let sums = |shift: &Value| {
        ["payments", "gross", "refunds", "refunded", "net"].map(|it| shift[it].as_i64().unwrap())
    };
    assert_eq!(sums(&shift), [2, 12_000, 1, 3_000, 9_000]);
    let close = |number| ask_under(&m.w, &cashier.cookie, number, "POST shift/close", json!({}));
    let closed = close("s1").await.ok();
    assert_eq!(sums(&closed), sums(&shift));
    assert!(closed["to"].is_string());
    paid(&m, &cashier, "o3", 800).await;
    let again = close("s1").await;
    assert_eq!((again.status.as_u16(), again.json()), (200, closed));
    let next = ask(&m.w, &cashier.cookie, "GET shift", Value::Null)
        .await
        .ok();
    assert_eq!(sums(&next), [1, 800, 0, 0, 800]);
    let owners = ask(&m.w, &owner.cookie, "GET shift", Value::Null)
        .await
        .ok();
    assert_eq!(sums(&owners), [1, 500, 0, 0, 500]);

    // The day is the shop's, by whatever till or API.
    let today = ask(&m.w, &cashier.cookie, "GET today", Value::Null)
        .await
        .ok();
    let of = |name: &str| today[name].as_i64().unwrap();
    assert_eq!(
        (of("payments"), of("gross"), of("refunded")),
        (5, 13_400, 3_000)
    );
    assert_eq!(of("net"), of("gross") - of("refunded") - of("fees"));
    let hours = today["hours"].as_array().unwrap();
    assert_eq!(
        hours
            .iter()
            .map(|hour| hour["amount"].as_i64().unwrap())
            .sum::<i64>(),
        13_400
    );
    let list = ask(&m.w, &cashier.cookie, "GET orders?limit=2", Value::Null)
        .await
        .ok();
    assert_eq!(list["data"][0]["amount"], 800);
    let rest = format!("GET orders?limit=100&cursor={}", text(&list["next_cursor"]));
    let rest = ask(&m.w, &cashier.cookie, &rest, Value::Null).await.ok();
    assert_eq!(rest["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_nobody_paid_is_listed_too() {
    let (m, _, cashier) = with_tills().await;
    let given_up = text(&order_of(&m, &cashier, "o1", 1_000).await["id"]);
    let bought = paid(&m, &cashier, "o2", 2_000).await;
    let waits = text(&order_of(&m, &cashier, "o3", 3_000).await["id"]);
    let close = format!("POST orders/{given_up}/close");
    ask(&m.w, &cashier.cookie, &close, Value::Null).await.ok();
    let list = ask(&m.w, &cashier.cookie, "GET orders", Value::Null).await;
    let list = list.ok();
    let rows = list["data"].as_array().unwrap().iter();
    let rows: Vec<_> = rows
        .map(|row| (text(&row["id"]), text(&row["status"])))
        .collect();
    let expected = [(waits, "open"), (bought, "paid"), (given_up, "closed")];
    assert_eq!(rows, expected.map(|(id, status)| (id, status.to_owned())));
    // Another shop sees nothing of it.
    let stranger = joins(&m, "mch_1", "Tea", "owner").await;
    let list = ask(&m.w, &stranger.cookie, "GET orders", Value::Null).await;
    assert_eq!(list.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_till_prints_its_own_sticker() {
    let (m, owner, cashier) = with_tills().await;
    for who in [&owner, &cashier] {
        let svg = ask(&m.w, &who.cookie, "GET sticker.svg?amount=800", Value::Null).await;
        assert!(
            svg.text.contains("Noodles") && svg.text.contains("¥8.00"),
            "{}",
            svg.text
        );
        let at_v1 = format!("/v1/merchants/{}/sticker.", m.noodles);
        for form in ["svg", "png", "pdf"] {
            let here = ask(
                &m.w,
                &who.cookie,
                &format!("GET sticker.{form}"),
                Value::Null,
            )
            .await;
            let there = m.w.get(m.key("noodles"), &format!("{at_v1}{form}")).await;
            assert_eq!(
                (here.status.as_u16(), here.text),
                (200, there.text),
                "{form}"
            );
        }
    }
    for (cookie, query, error) in [
        ("", "", (401, "session_missing")),
        (&*owner.cookie, "?amount=0", (400, "query_bad")),
        (&*owner.cookie, "?shop=1", (400, "query_bad")),
    ] {
        let answer = ask(
            &m.w,
            cookie,
            &format!("GET sticker.pdf{query}"),
            Value::Null,
        )
        .await;
        assert_eq!(answer.error(), (error.0, error.1.into()), "{query}");
    }
}

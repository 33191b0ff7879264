//! Reports over HTTP: who sees what, in which form, and that they say what happened.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::Request;
use feiqian_core::campaign::terms::{Benefit, Funding, Kind, PerUser, Terms, WhenSpent};
use feiqian_core::campaign::{add::AddCampaign, step::Step, step::StepCampaign};
use feiqian_core::{BasisPoints, CampaignId, Fen, MerchantId, Mode, Number, UnixMillis};
use feiqian_engine::{Engine, Options};
use feiqian_gateway::reports::Books;
use feiqian_gateway::reports::tables;
use feiqian_gateway::server::router_with;
use serde_json::json;

use super::world::{Answer, Market, World};

const DAYS_AGO: i64 = 2;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn now() -> UnixMillis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis(i64::try_from(now.as_millis()).unwrap())
}

/// A market whose engine lives two days ago, so that its day is over, with reports.
async fn market() -> (Market, Books) {
    let dir = tempfile::tempdir().unwrap();
    let mut options = Options::new(&dir.path().join("data"), Mode::Sandbox);
    // One instant: a test must not run over midnight.
    let instant = now().plus(-DAYS_AGO * DAY_MS);
    options.clock = Arc::new(move || instant);
    let engine = Engine::open(options).unwrap();
    let books = Books::start(engine.clone(), &dir.path().join("data/reports")).unwrap();
    let mut w = World::of(dir, engine).await;
    w.router = router_with(w.platform.clone(), None, Some(books.clone()));
    (Market::of(w).await, books)
}

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

/// Five yuan off, half of it paid by Noodles.
async fn campaign(m: &Market) -> CampaignId {
    let engine = &m.w.platform.engine;
    let from = now().plus(-10 * DAY_MS);
    let terms = Terms {
        name: "lunch".into(),
        kind: Kind::Discount,
        benefit: Benefit::Fixed(Fen(500)),
        funding: Funding::Shared {
            merchant: MerchantId(0),
            platform: BasisPoints(5_000),
        },
        from,
        until: from.plus(100 * DAY_MS),
        minimum: Fen(1_000),
        per_day: None,
        per_payment: None,
        per_user: PerUser::default(),
        users: None,
        brand: None,
        merchants: Vec::new(),
        rule: None,
        group: None,
        holdout: BasisPoints(0),
        when_spent: WhenSpent::PayWithout,
        seed: 1,
        echo: None,
    };
    let add = AddCampaign {
        number: number("c"),
        by: number("ann"),
        budget: Fen(5_000),
        terms: Arc::new(terms),
    };
    engine.submit(add).await.unwrap();
    let campaign = CampaignId(0);
    for step in [Step::Approve, Step::Start] {
        let by = number("bob");
        engine
            .submit(StepCampaign { campaign, step, by })
            .await
            .unwrap();
    }
    campaign
}

async fn csv(m: &Market, who: &str, path: &str) -> Answer {
    let request = Request::get(path)
        .header("Authorization", format!("Bearer {}", m.key(who)))
        .header("Accept", "text/csv");
    let answer = m.w.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/csv")
    );
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_say_what_happened() {
    let (m, books) = market().await;
    // Noodles earns what it funds the campaign with.
    m.paid(10_000).await;
    campaign(&m).await;
    let order = m.paid(2_000).await;
    m.paid(900).await;
    let back = json!({ "amount": 1_000 });
    m.ask("noodles", &format!("POST /v1/orders/{order}/refunds"), back)
        .await
        .ok();

    let get = |path: &'static str| m.w.get(m.key("operator"), path);
    let income = get("/v1/reports/income?by=year").await.ok();
    let row = &income["data"][0];
    // Of 2,000 fen the shop received 1,750, for a fee of 10.5: half-up 11, of which half goes back.
    let fees = 60 + 5 + 11 - 6;
    let shown = [
        &row["fee_income"],
        &row["subsidy"],
        &row["funded_by_merchants"],
        &row["profit"],
    ];
    assert_eq!(
        shown,
        [fees, 125, 125, fees - 125]
            .map(|fen| json!(fen))
            .each_ref(),
        "{row}"
    );
    assert_eq!(income["campaigns"][0]["granted"], 500);
    assert_eq!(income["campaigns"][0]["returned"], 250);
    assert_eq!(
        get("/v1/reports/income?from=2001-01-01&to=2001-12-31")
            .await
            .ok()["data"],
        json!([])
    );

    let share = get("/v1/reports/share?by=quarter").await.ok();
    let row = &share["data"][0];
    assert_eq!(
        (&row["payments"], &row["volume"]),
        (&json!(3), &json!(12_900))
    );
    assert_eq!(
        (&row["new_users"], &row["volume_share"]),
        (&json!(1), &json!(10_000))
    );
    assert_eq!(
        (&row["retained_users"], &row["subsidy_per_retained_user"]),
        (&json!(0), &json!(null))
    );
    assert_eq!(row["category_concentration"], 10_000);
    assert_eq!(share["categories"][0]["category"], "5812");

    let report = get("/v1/reports/campaigns/cmp_0").await.ok();
    assert_eq!(
        (&report["status"], &report["budget"]),
        (&json!("running"), &json!(5_000))
    );
    let total = &report["total"];
    assert_eq!(
        (&total["granted"], &total["users"], &total["first_payments"]),
        (&json!(500), &json!(1), &json!(0))
    );
    books.stop();
}

#[allow(
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "one world, seen by each"
)]
#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_concerns_it() {
    let (m, _books) = market().await;
    m.paid(10_000).await;
    campaign(&m).await;
    m.paid(2_000).await;
    let flow = "GET /v1/reports/campaigns/cmp_0/flow?date=2026-01-31";
    for path in ["GET /v1/reports/income", "GET /v1/reports/share"] {
        for who in ["noodles", "tea", "mei"] {
            m.check([(who, path, json!({}), 403, "not_allowed")]).await;
        }
    }
    let (report, none) = ("GET /v1/reports/campaigns/cmp_0", json!({}));
    m.check([
        ("mei", report, none.clone(), 403, "not_allowed"),
        ("tea", report, none.clone(), 404, "not_found"),
        ("tea", flow, none.clone(), 404, "not_found"),
        (
            "operator",
            "GET /v1/reports/campaigns/cmp_1",
            none.clone(),
            404,
            "not_found",
        ),
        (
            "operator",
            "GET /v1/reports/campaigns/usr_1",
            none.clone(),
            404,
            "not_found",
        ),
        (
            "operator",
            "GET /v1/reports/income?by=week",
            none.clone(),
            400,
            "query_bad",
        ),
        (
            "operator",
            "GET /v1/reports/income?from=2026-2-1",
            none.clone(),
            400,
            "query_bad",
        ),
        (
            "operator",
            "GET /v1/reports/income?format=csv&table=x",
            none.clone(),
            400,
            "table_unknown",
        ),
        (
            "operator",
            "GET /v1/reports/campaigns/cmp_0/flow",
            none.clone(),
            400,
            "query_bad",
        ),
        (
            "operator",
            "GET /v1/reports/campaigns/cmp_0/flow?date=2999-01-01",
            none,
            400,
            "day_not_over",
        ),
    ])
    .await;
    // One user is nobody's business but the operator's.
    let path = "/v1/reports/campaigns/cmp_0";
    let all = m.w.get(m.key("operator"), path).await.ok();
    let own = m.w.get(m.key("noodles"), path).await.ok();
    assert_eq!(
        (&all["total"]["users"], &all["total"]["hidden"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        (&own["total"]["users"], &own["total"]["hidden"]),
        (&json!(null), &json!(true))
    );
    assert_eq!(own["days"][0]["users"], json!(null));
    assert_eq!(own["total"]["granted"], all["total"]["granted"]);
}

#[allow(clippy::wildcard_enum_match_arm, reason = "texts stand alone")]
#[tokio::test(flavor = "multi_thread")]
async fn tables_are_csv_with_the_names_of_json() {
    let (m, _books) = market().await;
    let empty = csv(&m, "operator", "/v1/reports/income").await.text;
    m.paid(10_000).await;
    campaign(&m).await;
    m.paid(2_000).await;
    for (path, table, rows) in [
        ("income", "brands", "data"),
        ("income", "campaigns", "campaigns"),
        ("share", "brands", "data"),
        ("share", "categories", "categories"),
        ("campaigns/cmp_0", "days", "days"),
    ] {
        let json =
            m.w.get(m.key("operator"), &format!("/v1/reports/{path}"))
                .await
                .ok();
        let csv = csv(&m, "operator", &format!("/v1/reports/{path}?table={table}"))
            .await
            .text;
        let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        let row: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
        let object = json[rows][0].as_object().unwrap();
        assert_eq!(columns.len(), object.len(), "{path}");
        for (name, value) in columns.iter().zip(row) {
            let text = match &object[*name] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(text, value, "{path} {name}");
        }
        let again = csv.lines().next().unwrap();
        if (path, table) == ("income", "brands") {
            assert_eq!(empty.trim_end(), again, "without rows as well");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_file_is_the_same_bytes_each_time_with_its_hash() {
    let (m, _books) = market().await;
    m.paid(10_000).await;
    campaign(&m).await;
    let order = m.paid(2_000).await;
    let engine = &m.w.platform.engine;
    let end = StepCampaign {
        campaign: CampaignId(0),
        step: Step::End,
        by: number("bob"),
    };
    engine.submit(end).await.unwrap();
    // The campaign has ended and the shop is the funder: nothing is posted to the campaign any more.
    let back = json!({ "amount": 2_000 });
    m.ask("noodles", &format!("POST /v1/orders/{order}/refunds"), back)
        .await
        .ok();

    let day = tables::written(now().plus(-DAYS_AGO * DAY_MS).day());
    let path = format!("/v1/reports/campaigns/cmp_0/flow?date={day}");
    let file = csv(&m, "operator", &path).await;
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 3, "{}", file.text);
    let columns =
        "event,time,flow,kind,order_id,merchant_id,payer,coupon_id,amount,platform,funder";
    assert_eq!(lines[0], columns);
    assert!(
        lines[1].contains(&format!(",use,discount,{order},mch_0,")),
        "{}",
        lines[1]
    );
    assert!(lines[1].ends_with(",,500,250,250"), "{}", lines[1]);
    assert!(lines[2].contains(",return,discount,") && lines[2].ends_with(",,500,250,250"));
    let payer = |line: &str| line.split(',').nth(6).unwrap().to_owned();
    assert_eq!(payer(lines[1]), payer(lines[2]));
    assert_eq!(payer(lines[1]).len(), 16);

    let again = csv(&m, "noodles", &path).await;
    assert_eq!(again.text, file.text);
    assert_eq!(again.headers["repr-digest"], file.headers["repr-digest"]);
    let about = m.w.get(m.key("operator"), &path).await.ok();
    assert_eq!(
        (&about["rows"], &about["bytes"]),
        (&json!(2), &json!(file.text.len()))
    );
    assert_eq!(about["sha1"].as_str().unwrap().len(), 40);
    let digits = about["sha256"].as_str().unwrap();
    let bytes: Vec<u8> = (0..32)
        .map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap())
        .collect();
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    assert_eq!(
        file.headers["repr-digest"].to_str().unwrap(),
        format!("sha-256=:{encoded}:")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_with_the_totals_that_were_written() {
    let (m, books) = market().await;
    m.paid(10_000).await;
    let path = "/v1/reports/share?by=day";
    let before = m.w.get(m.key("operator"), path).await.ok();
    books.stop();
    let engine = m.w.platform.engine.clone();
    let dir = m.w.dir.path().join("data/reports");
    let file = std::fs::read(dir.join("totals")).unwrap();
    let reopen = |w: &World| {
        let books = Books::start(engine.clone(), &dir).unwrap();
        (
            router_with(w.platform.clone(), None, Some(books.clone())),
            books,
        )
    };
    let mut m = m;
    for damage in [false, true] {
        if damage {
            let mut bytes = file.clone();
            bytes[40] ^= 1;
            std::fs::write(dir.join("totals"), bytes).unwrap();
        }
        let (router, books) = reopen(&m.w);
        m.w.router = router;
        assert_eq!(
            m.w.get(m.key("operator"), path).await.ok(),
            before,
            "damage: {damage}"
        );
        books.stop();
    }
    m.w.router = feiqian_gateway::server::router(m.w.platform.clone(), None);
    let refused = m.w.get(m.key("operator"), path).await;
    assert_eq!(refused.error(), (503, "no_reports".to_owned()));
}

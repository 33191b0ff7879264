//! Reports and backtests as an operator's scripts meet them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

mod common;

use common::{Folder, Shop, demo, refusal, run, stdout, text};

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&stdout(&run(arguments))).unwrap()
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story")]
fn a_server_and_its_log_report_alike_and_a_backtest_writes_nothing() {
    let folder = Folder::new();
    let (server, credentials) = demo(&folder);
    let url = credentials["base_url"].as_str().unwrap();
    let data = folder.file("demo");
    let key = data.join("operator.key");
    let shop = Shop::new(&credentials);
    let order = shop.paid("one", 2_000);
    shop.paid("two", 3_000);
    assert_eq!(shop.refund(&order, "r", 1_000).0, 201);

    let (data, key) = (text(&data), text(&key));
    let of_server = |report: &str, form: &str| {
        let arguments = ["report", report, "--server", url, "--key-file", key, form];
        stdout(&run(&arguments))
    };
    let csv = of_server("income", "--csv");
    let all: Value = serde_json::from_str(&of_server("share", "--json")).unwrap();
    let total: i64 = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["volume"].as_i64().unwrap())
        .sum();
    assert!(total >= 5_000, "{all}");
    let people = stdout(&run(&[
        "report",
        "income",
        "--server",
        url,
        "--key-file",
        key,
    ]));
    assert!(
        people.contains("fee income") && people.contains("amounts in yuan"),
        "{people}"
    );
    assert!(shop.metrics().contains("feiqian_reported_events"));
    server.stop();

    let of_data =
        |report: &str, form: &str| stdout(&run(&["report", report, "--data", data, form]));
    assert_eq!(of_data("income", "--csv"), csv);
    assert_eq!(
        serde_json::from_str::<Value>(&of_data("share", "--json")).unwrap(),
        all
    );
    let said = refusal(&[
        "report", "income", "--data", data, "--csv", "--table", "nuts",
    ]);
    assert!(said.contains("brands, campaigns"), "{said}");
    let said = refusal(&["report", "campaign", "cmp_9999", "--data", data]);
    assert!(said.contains("no such campaign"), "{said}");

    let draft = json!({
        "budget": 700,
        "terms": {
            "name": "ten yuan off",
            "kind": "discount",
            "benefit": { "fixed": 500 },
            "funding": "platform",
            "from": "2026-01-01T00:00:00Z",
            "until": "2026-02-01T00:00:00Z",
            "minimum": 1_000,
        },
    });
    let draft = folder.write("draft.json", &draft.to_string());
    let log = folder.file("demo").join("log/0000000000000000.log");
    let before = std::fs::read(&log).unwrap();
    let files = || std::fs::read_dir(folder.file("demo")).unwrap().count();
    let files_before = files();
    let backtest = |from: &str, to: &str| {
        let file = text(&draft);
        json(&[
            "campaign", "backtest", file, "--from", from, "--to", to, "--data", data, "--json",
        ])
    };
    let found = backtest("2020-01-01", "2100-01-01");
    // 5 yuan off the first payment of 10 yuan or more; what is left does not cover another.
    assert_eq!(found["total"]["reached"], 1, "{found}");
    assert_eq!(found["total"]["granted"], 500);
    assert!(found["total"]["missed"].as_u64().unwrap() >= 1, "{found}");
    assert!(found["budget_spent_at"].is_string());
    let none = backtest("2020-01-01", "2020-01-02");
    assert_eq!(
        (&none["total"]["payments"], &none["budget_spent_at"]),
        (&json!(0), &json!(null))
    );
    assert!(std::fs::read(&log).unwrap() == before && files() == files_before);
}

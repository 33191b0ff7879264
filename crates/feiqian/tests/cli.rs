//! The binary as an operator's scripts meet it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

mod common;

use common::{Folder, Server, Shop, demo, refusal, run, stdout, text};

#[test]
fn a_demo_is_seeded_paid_in_audited_and_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let (server, credentials) = demo(&folder);
    let url = credentials["base_url"].as_str().unwrap();
    let mode = std::fs::metadata(folder.file("credentials.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for key in ["api_v3_key", "api_v2_key"] {
        assert_eq!(credentials["wechat"][key].as_str().unwrap().len(), 32);
    }

    let code = stdout(&run(&["paycode", "--server", url, "--as", "韩梅"]));
    let code = code.split_whitespace().last().unwrap();
    assert!(
        code.len() == 18 && code.bytes().all(|byte| byte.is_ascii_digit()),
        "{code}"
    );
    assert!(refusal(&["paycode", "--server", url, "--as", "nobody"]).contains("feiqian: "));
    let unknown = format!("{url}/q/AAAAAAAAAAAAAAAAAAAA");
    assert!(refusal(&["pay", "--server", url, "--as", "mei", &unknown]).contains("feiqian: "));
    assert!(
        refusal(&[
            "pay",
            "--server",
            "http://127.0.0.1:1",
            "--as",
            "mei",
            &unknown
        ])
        .contains("feiqian demo")
    );

    let data = folder.file("demo");
    let audit = || -> Value {
        serde_json::from_str(&stdout(&run(&["audit", "--data", text(&data), "--json"]))).unwrap()
    };
    let running = audit();
    assert_eq!(running["users"], 20);
    assert_eq!(running["merchants"], 7);
    let sum = |names: &[&str]| -> i64 {
        names
            .iter()
            .map(|name| running[*name].as_i64().unwrap())
            .sum()
    };
    assert_eq!(
        sum(&["bank_reserve", "subsidies", "rebate_losses"]),
        sum(&[
            "wallets",
            "merchant_balances",
            "transit",
            "fee_income",
            "capital",
            "campaign_funds",
            "pending_rebates"
        ])
    );
    server.stop();

    let (server, again) = demo(&folder);
    assert_eq!(again["wechat"], credentials["wechat"]);
    assert_eq!(audit(), running, "starting again changes nothing");
    server.stop();
}

#[test]
fn an_ephemeral_demo_leaves_nothing() {
    let folder = Folder::new();
    let start = |name| {
        let file = folder.file(name);
        let (server, said) = Server::start(&["demo", "--ephemeral", "--credentials", text(&file)]);
        let credentials: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let audit = said.iter().find_map(|line| line.split_once("--data "));
        (server, credentials, PathBuf::from(audit.unwrap().1))
    };
    let (one, first, data) = start("one.json");
    let (other, second, beside) = start("other.json");
    assert_ne!(first["base_url"], second["base_url"], "each has its port");
    assert!(data.join("log").is_dir() && beside.join("log").is_dir());
    one.stop();
    assert!(!data.exists() && beside.exists());
    other.stop();
    assert!(!beside.exists());
    let said = run(&["demo", "--ephemeral", "--data", text(&data)]);
    assert_eq!(said.status.code(), Some(2), "one folder or the other");
}

#[test]
fn a_campaign_is_made_and_run_from_the_command_line() {
    let folder = Folder::new();
    let (server, credentials) = demo(&folder);
    let url = credentials["base_url"].as_str().unwrap();
    let (keys, one_key) = (
        folder.file("credentials.json"),
        folder.file("demo/second.key"),
    );
    let campaign = |words: &[&'static str]| {
        let who = ["--server", url, "--credentials", text(&keys)];
        run(&[&["campaign"], words, &who].concat())
    };
    let draft = json!({ "budget": 1_000, "terms": {
        "name": "Lunch", "kind": "discount", "benefit": { "fixed": 300 }, "funding": "platform",
        "from": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z", "rule": "hour < 25",
    } });
    let file = folder.write("lunch.json", &draft.to_string());
    let create = ["campaign", "create", text(&file), "--server", url];
    let told = stdout(&run(
        &[&create[..], &["--key-file", text(&one_key)]].concat()
    ));
    assert!(
        told.contains("cmp_3 Lunch: draft, 10.00 of 10.00 yuan left"),
        "{told}"
    );
    let refused = campaign(&["approve", "cmp_3", "--operator", "second"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && told.contains("time is over"),
        "{told}"
    );
    let budget = ["budget", "cmp_3", "--from", "1000", "--to", "2000"];
    assert!(stdout(&campaign(&budget)).contains("20.00 yuan, was 10.00"));
    assert!(stdout(&campaign(&["end", "cmp_3"])).contains("ended"));
    let listed = stdout(&campaign(&["list", "--json"]));
    let newest = listed.lines().next().unwrap();
    let listed: Value = serde_json::from_str(newest).unwrap();
    assert_eq!(
        (&listed["added_by"], &listed["status"], &listed["budget"]),
        (&json!("second"), &json!("ended"), &json!(2_000))
    );
    assert!(stdout(&campaign(&["show", "cmp_3"])).contains("\"rule\": \"hour < 25\""));
    let nobody = campaign(&["list", "--operator", "third"]);
    assert!(
        String::from_utf8(nobody.stderr)
            .unwrap()
            .contains("no operator third")
    );

    let order = Shop::new(&credentials).order("a", 900).1;
    let id = order["id"].as_str().unwrap();
    let quote = run(&["campaign", "quote", id, "--as", "mei", "--server", url]);
    assert_eq!(
        stdout(&quote).trim(),
        format!("{id}: 9.00 yuan to pay of 9.00")
    );
    server.stop();
}

#[test]
fn reset_removes_sandboxes_only() {
    let folder = Folder::new();
    let data = folder.file("demo");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("thesis.txt"), "years of work").unwrap();
    let said = refusal(&[
        "demo",
        "--data",
        text(&data),
        "--reset",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert!(said.contains("not a sandbox's folder"), "{said}");
    assert!(data.join("thesis.txt").exists());
}

#[test]
fn an_audit_of_nothing_and_of_damage_says_so() {
    let folder = Folder::new();
    assert!(refusal(&["audit", "--data", text(&folder.file("none"))]).contains("has no log"));
    let (server, _) = demo(&folder);
    server.stop();
    let log = folder.file("demo").join("log/0000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[400] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let said = refusal(&["audit", "--data", text(&folder.file("demo"))]);
    assert!(said.contains("0000000000000000.log"), "{said}");
}

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn config(folder: &Folder, listen: &str, url: &str, rest: &str) -> PathBuf {
    folder.write("master.key", KEY);
    let (data, key) = (folder.file("data"), folder.file("master.key"));
    let lines = format!(
        "data = {data:?}\nlisten = {listen:?}\npublic_url = {url:?}\nmaster_key_file = {key:?}\n{rest}"
    );
    folder.write("feiqian.toml", &lines)
}

#[test]
fn production_refuses_to_start_where_that_is_unsafe() {
    let folder = Folder::new();
    let serve = |listen: &str, url: &str, rest: &str| {
        refusal(&[
            "serve",
            "--config",
            text(&config(&folder, listen, url, rest)),
        ])
    };
    let local = "127.0.0.1:0";
    assert!(serve("0.0.0.0:0", "https://pay.example", "").contains("[tls]"));
    assert!(serve(local, "http://pay.example", "").contains("https://"));
    assert!(serve(local, "https://pay.example", "lisen = 1").contains("lisen"));
    assert!(refusal(&["serve", "--config", "nowhere.toml"]).contains("nowhere.toml"));

    let (server, _) = demo(&folder);
    server.stop();
    let sandbox_key = folder.file("demo").join("master.key");
    let data = folder.file("fresh");
    let lines = format!(
        "data = {data:?}\npublic_url = 'https://pay.example'\nmaster_key_file = {sandbox_key:?}\n"
    );
    let path = folder.write("sandbox.toml", &lines);
    assert!(refusal(&["serve", "--config", text(&path)]).contains("sandbox"));

    folder.write("master.key", KEY);
    let (data, key) = (folder.file("demo"), folder.file("master.key"));
    let lines = format!(
        "data = {data:?}\nlisten = {local:?}\npublic_url = 'https://pay.example'\nmaster_key_file = {key:?}\n"
    );
    let path = folder.write("mode.toml", &lines);
    let said = refusal(&["serve", "--config", text(&path)]);
    assert!(said.contains("Sandbox mode"), "{said}");
}

#[test]
fn production_serves_tls_and_nothing_of_the_sandbox() {
    let folder = Folder::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let certificate = folder.write("chain.pem", &made.cert.pem());
    let key = folder.write("key.pem", &made.signing_key.serialize_pem());
    let tls = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    let path = config(&folder, "127.0.0.1:0", "https://pay.example", &tls);
    let (server, lines) = Server::start(&["serve", "--config", text(&path)]);
    let address = lines[0]
        .split_whitespace()
        .nth(2)
        .unwrap()
        .trim_end_matches(';')
        .to_owned();
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let operator = std::fs::read_to_string(folder.file("data").join("operator.key")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        let patience = Instant::now() + Duration::from_secs(20);
        let get = |path: &str| client.get(format!("https://{address}{path}")).send();
        while get("/ready").await.is_err() && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(get("/ready").await.unwrap().status(), 200);
        assert_eq!(get("/v1/sandbox/shoppers").await.unwrap().status(), 404);
        assert_eq!(get("/v1/brands").await.unwrap().status(), 401);
        let brands = client
            .get(format!("https://{address}/v1/brands"))
            .bearer_auth(operator.trim());
        assert_eq!(brands.send().await.unwrap().status(), 200);
    });
    server.stop();
}

#[test]
fn every_metric_is_explained_to_operators() {
    let folder = Folder::new();
    let (server, credentials) = demo(&folder);
    let shop = Shop::new(&credentials);
    shop.paid("one", 10);
    assert_eq!(
        shop.order("one", 11).0,
        409,
        "a refusal, so that it is counted"
    );
    let exposed = shop.metrics();
    server.stop();
    let manual = include_str!("../../../docs/OPERATIONS.md");
    let types = exposed
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let mut names: Vec<_> = types
        .map(|line| match line.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, _) => name.to_owned(),
        })
        .collect();
    for name in &names {
        assert!(
            manual.contains(&format!("| `{name}` |")),
            "{name} is not explained"
        );
    }
    // And none that is not there.
    names.sort();
    for row in manual
        .lines()
        .filter(|line| line.starts_with("| `feiqian_"))
    {
        let name = row.split('`').nth(1).unwrap().to_owned();
        assert!(names.contains(&name), "{name} is explained but not exposed");
    }
}

//! The bank's three answers: done, declined, and none. A scripted bank keeps books of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use feiqian_core::Mode;
use feiqian_core::bank::Direction;
use feiqian_gateway::bank::Reply::{self, Declined, Done, NeverHeard, Silence, Working};
use feiqian_gateway::bank::clerk::{Clerk, Pauses};
use feiqian_gateway::bank::sandbox::SandboxBank;
use feiqian_gateway::bank::{Bank, Order};
use serde_json::json;

use crate::hand::Hand;
use crate::world::{World, text};

/// What was put to it, and what it will say.
#[derive(Default)]
struct Script {
    calls: Vec<(&'static str, Order)>,
    replies: VecDeque<Reply>,
}

/// Says what it was told to; afterwards it keeps silent.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

impl Scripted {
    fn says(&self, replies: &[Reply]) {
        self.0.lock().unwrap().replies.extend(replies);
    }

    fn hear(&self, call: &'static str, order: Order) -> Reply {
        let mut script = self.0.lock().unwrap();
        script.calls.push((call, order));
        script.replies.pop_front().unwrap_or(Silence)
    }

    fn calls(&self) -> Vec<&'static str> {
        let script = self.0.lock().unwrap();
        script.calls.iter().map(|(call, _)| *call).collect()
    }

    /// The number under which all was asked.
    fn number(&self) -> String {
        let script = self.0.lock().unwrap();
        let (_, first) = script.calls[0];
        assert!(script.calls.iter().all(|(_, order)| *order == first));
        format!("trf_{}", first.number.0)
    }

    async fn asked(&self, times: usize) {
        until(async || self.calls().len() >= times).await;
    }
}

impl Bank for Scripted {
    async fn ask(&self, order: Order) -> Reply {
        self.hear("ask", order)
    }

    async fn query(&self, order: Order) -> Reply {
        self.hear("query", order)
    }
}

/// Not more often than a person may ask.
async fn until(so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not yet");
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

fn clerk(w: &World, bank: &Scripted) -> Clerk {
    let pauses = Pauses {
        first: Duration::from_millis(20),
        most: Duration::from_millis(200),
    };
    Clerk::start(&w.platform, bank.clone(), pauses).unwrap()
}

/// A user with 1,000 fen, who asks.
struct Mei {
    user: String,
    key: String,
}

impl Mei {
    async fn of(w: &World) -> Self {
        let brand = w.brand("Red").await;
        let (user, key) = w.user(&brand, "mei").await;
        w.fund(&user, "first", 1_000).await;
        Self { user, key }
    }

    async fn asks(&self, w: &World, leaf: &str, fen: i64) -> String {
        let path = format!("/v1/users/{}/{leaf}", self.user);
        let made = w.post(&self.key, &path, "n1", json!({ "amount": fen }));
        text(&made.await.ok()["id"])
    }

    async fn status(&self, w: &World, transfer: &str) -> String {
        let shown = w.get(&self.key, &format!("/v1/transfers/{transfer}")).await;
        text(&shown.ok()["status"])
    }

    async fn has(&self, w: &World, fen: i64) {
        assert_eq!(w.balance(&self.key, &self.user).await, fen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_then_done_and_unknown_then_declined() {
    for (leaf, last, meanwhile, status, after) in [
        ("top_ups", Done, 1_000, "succeeded", 1_100),
        ("top_ups", Declined, 1_000, "failed", 1_000),
        ("withdrawals", Done, 900, "succeeded", 900),
        ("withdrawals", Declined, 900, "failed", 1_000),
    ] {
        let w = World::new(Mode::Sandbox).await;
        let mei = Mei::of(&w).await;
        let bank = Scripted::default();
        let clerk = clerk(&w, &bank);
        bank.says(&[Silence, Silence, Working]);
        let transfer = mei.asks(&w, leaf, 100).await;
        bank.asked(6).await;
        assert_eq!(mei.status(&w, &transfer).await, "pending", "{leaf}");
        mei.has(&w, meanwhile).await;
        bank.says(&[last, last]);
        until(async || mei.status(&w, &transfer).await != "pending").await;
        assert_eq!(mei.status(&w, &transfer).await, status, "{leaf}");
        mei.has(&w, after).await;
        // One request to move money, then questions about that very number only; and none after the last word.
        assert_eq!(bank.number(), transfer);
        let calls = bank.calls();
        assert_eq!(calls[0], "ask");
        assert!(calls[1..].iter().all(|call| *call == "query"), "{calls:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(bank.calls().len(), calls.len());
        clerk.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_bank_is_asked_what_became_of_it() {
    let w = World::new(Mode::Sandbox).await;
    let mei = Mei::of(&w).await;
    let bank = Scripted::default();
    let first = clerk(&w, &bank);
    let transfer = mei.asks(&w, "withdrawals", 100).await;
    bank.asked(2).await;
    first.stop();
    let before = bank.calls().len();
    let w = w.restarted().await;
    assert_eq!(mei.status(&w, &transfer).await, "pending");
    mei.has(&w, 900).await;
    let second = clerk(&w, &bank);
    bank.asked(before + 2).await;
    bank.says(&[Done]);
    until(async || mei.status(&w, &transfer).await == "succeeded").await;
    mei.has(&w, 900).await;
    assert_eq!(bank.number(), transfer);
    let calls = bank.calls();
    assert_eq!(calls.iter().filter(|call| **call == "ask").count(), 1);
    second.stop();
    // What is answered is not asked about any more, whoever starts.
    let third = clerk(&w, &bank);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bank.calls().len(), calls.len());
    third.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_never_heard_of_is_asked_anew_under_its_number() {
    let w = World::new(Mode::Sandbox).await;
    let mei = Mei::of(&w).await;
    // Asked while no clerk was there: nobody knows whether the bank was told.
    let transfer = mei.asks(&w, "top_ups", 100).await;
    let bank = Scripted::default();
    bank.says(&[NeverHeard, Silence, NeverHeard, Done]);
    let clerk = clerk(&w, &bank);
    until(async || mei.status(&w, &transfer).await == "succeeded").await;
    mei.has(&w, 1_100).await;
    assert_eq!(bank.calls(), ["query", "ask", "query", "ask"]);
    assert_eq!(bank.number(), transfer);
    assert_eq!(
        bank.0.lock().unwrap().calls[0].1.direction,
        Direction::TopUp
    );
    clerk.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wallet_says_that_it_is_unknown() {
    let w = World::new(Mode::Sandbox).await;
    let brand = w.brand("Red").await;
    let mei = Hand::with_money(&w, &brand, "+8613800138001", "Mei", 10_000).await;
    let bank = SandboxBank::start(&w.platform).unwrap();
    let ask = async |leaf: &str, fen: i64| {
        let body = json!({ "amount": fen, "pin": "135790" });
        let body = if leaf == "top-ups" {
            json!({ "amount": fen })
        } else {
            body
        };
        let made = mei.ask(&w, &format!("POST /app/wallet/{leaf}"), body).await;
        assert_eq!(made.ok()["status"], "pending");
        format!("/app/wallet/bank-transfers/{}", text(&made.json()["id"]))
    };
    let became = async |path: &str, status: &str| {
        until(async || mei.get(&w, path).await.ok()["status"] == status).await;
    };
    let (done, declined) = (ask("top-ups", 146).await, ask("withdrawals", 147).await);
    let (lost, outage) = (ask("top-ups", 148).await, ask("withdrawals", 149).await);
    became(&done, "unknown").await;
    let waiting = mei.get(&w, "/app/wallet/bank-transfers").await.ok();
    let amounts: Vec<_> = waiting["data"].as_array().unwrap().iter().collect();
    assert_eq!(amounts.len(), 4, "{waiting}");
    assert_eq!(amounts[0]["amount"], 149);
    assert_eq!(amounts[0]["kind"], "withdrawal");
    for (path, status) in [(done, "done"), (declined, "declined"), (lost, "done")] {
        became(&path, status).await;
    }
    became(&outage, "unknown").await;
    assert_eq!(
        w.balance(&w.operator, &mei.user).await,
        10_000 + 146 + 148 - 149
    );
    bank.stop();
}

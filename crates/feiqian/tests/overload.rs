//! Many times more requests than a caller may send, against the real binary: each is answered, the
//! ones too many with "try again later", memory stays bounded, and what was acknowledged is there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use feiqian_core::Event;
use feiqian_log::{Position, Reader, Verify};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

mod common;

use common::{Folder, Shop, audit, demo, string};

/// How long everybody sends as fast as they can.
const FLOOD: Duration = Duration::from_secs(8);
const CONNECTIONS: usize = 256;
/// Requests sent on a connection before the first of them is answered.
const AHEAD: usize = 16;
/// Most memory that the server may ever have had, in kilobytes.
const MEMORY_KB_MAX: u64 = 1_500_000;

#[derive(Default)]
struct Seen {
    statuses: BTreeMap<u16, u64>,
    /// Orders that were acknowledged, and those of them whose payment was.
    orders: Vec<String>,
    paid: Vec<String>,
}

/// Whose keys are used, and how many requests there were.
struct Flood {
    address: String,
    merchant: String,
    shoppers: Vec<String>,
    sent: AtomicU64,
}

impl Flood {
    fn request(&self, key: &str, path: &str, number: &str, body: &Value) -> Vec<u8> {
        let (body, address) = (body.to_string(), &self.address);
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
             Idempotency-Key: {number}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// Sends orders, and pays those that were acknowledged, on one connection.
    async fn connection(self: Arc<Self>, connection: usize) -> Seen {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (read, mut write) = stream.into_split();
        let ahead = Arc::new(Semaphore::new(AHEAD));
        let (created, mut to_pay) = tokio::sync::mpsc::unbounded_channel::<String>();
        let (flood, room) = (self.clone(), ahead.clone());
        let (asked, answers) = tokio::sync::mpsc::unbounded_channel::<Option<String>>();
        let sender = tokio::spawn(async move {
            let begin = Instant::now();
            let shopper = &flood.shoppers[connection % flood.shoppers.len()];
            let terms = json!({ "amount": 1, "description": "flood" });
            for number in 0.. {
                if begin.elapsed() > FLOOD {
                    break;
                }
                room.acquire().await.unwrap().forget();
                let order = to_pay.try_recv().ok();
                let number = format!("{connection}-{number}");
                let request = match &order {
                    None => flood.request(&flood.merchant, "/v1/orders", &number, &terms),
                    Some(order) => {
                        let body = json!({ "order_id": order });
                        flood.request(shopper, "/v1/payments", &number, &body)
                    }
                };
                asked.send(order).unwrap();
                flood.sent.fetch_add(1, Ordering::Relaxed);
                write.write_all(&request).await.unwrap();
            }
            // Open until all is answered: a peer that hung up gets no answers.
            write
        });
        let seen = Self::answers(BufReader::new(read), answers, &ahead, &created).await;
        drop(sender.await.unwrap());
        seen
    }

    /// Reads as many answers as requests were sent.
    async fn answers(
        mut from: BufReader<tokio::net::tcp::OwnedReadHalf>,
        mut asked: tokio::sync::mpsc::UnboundedReceiver<Option<String>>,
        ahead: &Semaphore,
        created: &tokio::sync::mpsc::UnboundedSender<String>,
    ) -> Seen {
        let mut seen = Seen::default();
        while let Some(paid) = asked.recv().await {
            let (status, retry_after, body) = answer(&mut from).await;
            ahead.add_permits(1);
            *seen.statuses.entry(status).or_default() += 1;
            match (status, paid) {
                (201, None) => {
                    let order = string(&body["id"]);
                    drop(created.send(order.clone()));
                    seen.orders.push(order);
                }
                (201, Some(order)) => seen.paid.push(order),
                (429 | 503, _) => assert!(retry_after, "{status} says when to try again"),
                (_, _) => panic!("{status} {body}"),
            }
        }
        seen
    }
}

/// Status, whether it says when to try again, and body.
async fn answer(from: &mut BufReader<tokio::net::tcp::OwnedReadHalf>) -> (u16, bool, Value) {
    let mut line = String::new();
    from.read_line(&mut line).await.unwrap();
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no answer: {line:?}"));
    let (mut length, mut retry_after) = (0, false);
    loop {
        line.clear();
        from.read_line(&mut line).await.unwrap();
        let header = line.trim_end().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
            Some(("retry-after", _)) => retry_after = true,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await.unwrap();
    (status, retry_after, serde_json::from_slice(&body).unwrap())
}

/// The most memory that a process ever had, in kilobytes.
fn peak_memory_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

#[test]
fn a_flood_is_answered_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let (server, credentials) = demo(&folder);
    // A sandbox has a month of payments behind it.
    let before = audit(&folder.file("demo"))["payments"].as_u64().unwrap();
    let shop = Shop::new(&credentials);
    let operator = string(&credentials["operator_key"]);
    let made = shop.post(&operator, "/v1/merchants/mch_0/keys", "", &json!({}));
    let shoppers = ["lei", "fang"].map(|name| {
        let session = shop.post("", "/v1/sandbox/sessions", "", &json!({ "as": name }));
        string(&session.1["key"])
    });
    let flood = Arc::new(Flood {
        address: string(&credentials["base_url"]).replace("http://", ""),
        merchant: string(&made.1["key"]),
        shoppers: shoppers.to_vec(),
        sent: AtomicU64::new(0),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let seen = runtime.block_on(async {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|connection| tokio::spawn(flood.clone().connection(connection)))
            .collect();
        let mut all = Seen::default();
        for connection in connections {
            let seen = connection.await.unwrap();
            for (status, count) in seen.statuses {
                *all.statuses.entry(status).or_default() += count;
            }
            all.orders.extend(seen.orders);
            all.paid.extend(seen.paid);
        }
        all
    });
    let ended = Instant::now();
    assert_eq!(shop.order("after", 1).0, 201);
    let recovered = ended.elapsed();
    let memory = peak_memory_kb(server.pid());
    let sent = flood.sent.load(Ordering::Relaxed);
    println!(
        "sent {sent}, {:?}, {memory} kB, then {recovered:?}",
        seen.statuses
    );
    assert_eq!(
        seen.statuses.values().sum::<u64>(),
        sent,
        "each was answered"
    );
    let refused = seen.statuses.get(&429).or(seen.statuses.get(&503));
    assert!(seen.orders.len() > 1_000 && seen.paid.len() > 100 && refused.is_some());
    assert!(memory < MEMORY_KB_MAX && recovered < Duration::from_secs(10));
    server.stop();

    let totals = audit(&folder.file("demo"));
    let paid = totals["payments"].as_u64().unwrap() - before;
    assert_eq!(paid, seen.paid.len() as u64);
    let reader = Reader::open(&folder.file("demo").join("log")).unwrap();
    let mut cursor = reader.batches_from(Position(0), Verify::Frames).unwrap();
    let mut held = std::collections::BTreeSet::new();
    while let Some(batch) = cursor.next_batch().unwrap() {
        for stored in batch.events() {
            if let Ok(Event::OrderPaid(paid)) = minicbor::decode(stored.bytes) {
                held.insert(format!("ord_{}", paid.order.0.0));
            }
        }
    }
    assert!(seen.paid.iter().all(|order| held.contains(order)));
}

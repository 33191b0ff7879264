//! Throwaway.
#![allow(missing_docs, clippy::all, clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::unwrap_used, reason = "throwaway")]
use std::time::{Duration, Instant};
use feiqian_core::ids::{BrandId, Digest, MerchantId, Number, OrderId, UserId};
use feiqian_core::ledger::{Account, Postings};
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::order::create::{Channel, OrderCreated, Terms};
use feiqian_core::order::{Attempt, pay::OrderPaid};
use feiqian_core::{Event, EventNumber, Fen, UnixMillis};
use feiqian_log::{BatchBuffer, FileLog, Log, Options};
use feiqian_store::{Committed, Store};

fn cpu_ns() -> u64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(' ').next().unwrap().parse().unwrap()
}
fn threads() -> Vec<(String, f64)> {
    let mut out = vec![];
    for t in std::fs::read_dir("/proc/self/task").unwrap() {
        let p = t.unwrap().path();
        let Ok(n) = std::fs::read_to_string(p.join("comm")) else { continue };
        let Ok(s) = std::fs::read_to_string(p.join("schedstat")) else { continue };
        out.push((n.trim().to_owned(), s.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9));
    }
    out
}
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        z ^ (z >> 31)
    }
}
const BATCH: usize = 4096; // payments
fn merchant(r: &mut Rng) -> u32 { let x = (r.next() % 1_000_000) as f64 / 1e6; (x * x * x * 100_000.0) as u32 }
fn number(i: u64) -> Number { Number::new(&format!("2017111122001{i:014}")).unwrap() }

fn main() {
    let payments: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let rate: f64 = std::env::args().nth(2).map_or(0.0, |r| r.parse().unwrap());
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let (mut log, _) = FileLog::open(&dir.path().join("log"), Options::default()).unwrap();
    let store = Store::open(&dir.path().join("store"), log.reader()).unwrap();
    let mut r = Rng(1);
    let mut buf = BatchBuffer::new();
    let (mut apply_cpu, mut next, start) = (0u64, 0u64, Instant::now());
    let mut slowest = Duration::ZERO;
    let mut merchants: Vec<u32> = Vec::new();
    let mut i = 0;
    let mut appending = Duration::ZERO;
    let mut mark = Instant::now();
    while i < payments {
        let mut events = Vec::with_capacity(BATCH * 2);
        let at = UnixMillis(1_510_329_600_000 + (i / 256) as i64);
        // pairs: created of this group then paid
        for _ in 0..BATCH {
            let m = merchant(&mut r);
            merchants.push(m);
            events.push(Event::OrderCreated(OrderCreated { at, merchant: MerchantId(m), number: number(i), digest: Digest([7; 16]), expires_at: at.plus(1000),
                terms: Terms { amount: Fen(1234), channel: Channel::Scan, description: "noodles".into(), attach: None, notify: None, expires_at: None, only_payer: None, echo: None } }));
            let u = UserId((r.next() % 10_000_000) as u32);
            let order = OrderId(EventNumber(next + events.len() as u64 - 1));
            events.push(Event::OrderPaid(OrderPaid { at, order, merchant: MerchantId(m), payer: u, brand: BrandId(0), attempt: Attempt(3), amount: Fen(1234), fee: Fen(7),
                postings: Postings::new().with(Account::Wallet(u), Account::Merchant(MerchantId(m)), Fen(1234)).with(Account::Merchant(MerchantId(m)), Account::FeeIncome(BrandId(0)), Fen(7)) }));
            i += 1;
        }
        buf.clear();
        for e in &events { buf.push(|v| { minicbor::encode(e, v).unwrap(); }).unwrap(); }
        let t0 = Instant::now();
        let a = log.append(log.end(), at.0, &mut buf).unwrap();
        appending += t0.elapsed();
        let addresses: Vec<_> = buf.addresses(&a).map(|(_, x)| x).collect();
        let batch = Committed { first: EventNumber(next), at, events: addresses.into_iter().zip(events).collect() };
        next = batch.next().0;
        let (c, t) = (cpu_ns(), Instant::now());
        store.apply(&batch).unwrap();
        apply_cpu += cpu_ns() - c;
        slowest = slowest.max(t.elapsed());
        if rate > 0.0 { let due = i as f64 / rate; let now = start.elapsed().as_secs_f64(); if due > now { std::thread::sleep(Duration::from_secs_f64(due - now)); } }
        if mark.elapsed() > Duration::from_secs(10) {
            mark = Instant::now();
            let others: Vec<_> = threads().into_iter().map(|(n, s)| format!("{n} {:.3}", s / (i as f64 / 1e6))).collect();
            println!("{i} payments {:.1}s apply {:.3} cpu s/M; {}", start.elapsed().as_secs_f64(), apply_cpu as f64 / 1e9 / (i as f64 / 1e6), others.join(", "));
        }
    }
    let took = start.elapsed().as_secs_f64();
    println!("{payments} payments in {took:.1}s = {:.0}/s; append {appending:?}; slowest apply {slowest:?}", payments as f64 / took);
    let t = Instant::now();
    store.flush().unwrap();
    println!("flush {:?}", t.elapsed());
    let m = payments as f64 / 1e6;
    println!("apply cpu {:.3} s/M", apply_cpu as f64 / 1e9 / m);
    for (n, s) in threads() { println!("{n}: {:.3} cpu s/M", s / m); }
    println!("{}", store.describe());
    let o = std::process::Command::new("du").arg("-sm").arg(dir.path().join("store")).arg(dir.path().join("log")).output().unwrap();
    println!("{}", String::from_utf8_lossy(&o.stdout));
    let o = std::process::Command::new("sh").arg("-c").arg(format!("cd {}/store/index; du -sm * keyspaces/*; ls -la . keyspaces/1 | head -40", dir.path().display())).output().unwrap();
    println!("{}", String::from_utf8_lossy(&o.stdout));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM")).collect::<Vec<_>>().join(" "));
    lookups(&store, &mut r, payments, &merchants, "right after");
    std::thread::sleep(Duration::from_secs(20));
    println!("{}", store.describe());
    for (n, s) in threads() { println!("{n}: {:.3} cpu s/M", s / m); }
    lookups(&store, &mut r, payments, &merchants, "after 20 s idle");
    drop(store);
    let t = Instant::now();
    let store = Store::open(&dir.path().join("store"), log.reader()).unwrap();
    println!("open {:?}", t.elapsed());
    while !store.filter_complete() { std::thread::sleep(Duration::from_millis(10)); }
    println!("filter filled {:?}", t.elapsed());
    lookups(&store, &mut r, payments, &merchants, "after reopening");
}
fn lookups(store: &Store, r: &mut Rng, payments: u64, merchants: &[u32], when: &str) {
    println!("-- {when}");
    let key = |i: u64| Key { scope: Scope::Orders(MerchantId(merchants[i as usize])), number: number(i) };
    timed("known number", || { let i = r.next() % payments; let k = key(i); let t = Instant::now(); let f = store.number(&k).unwrap().unwrap(); assert_eq!(f.0.0, 2 * i); t.elapsed() });
    let mut false_positives = 0;
    timed("unknown number", || { let i = r.next() % payments; let k = Key { scope: Scope::Orders(MerchantId(200_000)), number: number(i) }; let t = Instant::now(); assert!(store.number(&k).unwrap().is_none()); let e = t.elapsed(); if e > Duration::from_micros(5) { false_positives += 1; } e });
    timed("wallet's last 20", || { let u = Account::Wallet(UserId((r.next() % 10_000_000) as u32)); let t = Instant::now(); store.entries(u, None, 20).unwrap(); t.elapsed() });
    timed("merchant's last 20", || { let m = Account::Merchant(MerchantId(merchant(r))); let t = Instant::now(); store.entries(m, None, 20).unwrap(); t.elapsed() });
    timed("merchant's 20 in the middle", || { let m = Account::Merchant(MerchantId(merchant(r))); let b = EventNumber(r.next() % (2 * payments)); let t = Instant::now(); store.entries(m, Some(b), 20).unwrap(); t.elapsed() });
    timed("event", || { let e = EventNumber(r.next() % (2 * payments)); let t = Instant::now(); store.event(e).unwrap().unwrap(); t.elapsed() });
    timed("order", || { let e = OrderId(EventNumber(r.next() % payments * 2)); let t = Instant::now(); assert_eq!(store.order(e).unwrap().unwrap().later.len(), 1); t.elapsed() });
    timed("first event at", || { let e = UnixMillis(1_510_329_600_000 + (r.next() % payments / 256) as i64); let t = Instant::now(); store.first_event_at(e).unwrap(); t.elapsed() });
}
fn timed(what: &str, mut f: impl FnMut() -> Duration) {
    let mut all: Vec<_> = (0..5_000).map(|_| f()).collect();
    all.sort();
    println!("{what:28} p50 {:?} p99 {:?} max {:?}", all[2500], all[4950], all[4999]);
}

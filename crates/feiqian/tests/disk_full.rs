//! The real binary on a small disk that somebody fills and empties again.
//!
//! It mounts a file as a disk, for which it must be root; where it may not, it says so and checks
//! nothing. What needs no disk of its own is checked in `crates/engine/tests/room.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

mod common;

use common::{Folder, Server, Shop, audit, text};

/// A file system of 2 GiB in a file, which takes no more than what is written.
struct Mounted(PathBuf);

impl Mounted {
    fn new(folder: &Folder) -> Option<Self> {
        let (image, at) = (folder.file("image"), folder.file("disk"));
        std::fs::File::create(&image)
            .unwrap()
            .set_len(2 << 30)
            .unwrap();
        std::fs::create_dir(&at).unwrap();
        let done = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output();
            output.is_ok_and(|output| output.status.success())
        };
        let made = done("mkfs.ext4", &["-q", text(&image)]);
        (made && done("mount", &["-o", "loop", text(&image), text(&at)])).then(|| Self(at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

/// Takes up this much of the disk.
fn ballast(disk: &Path, mib: u64) -> PathBuf {
    let file = disk.join(format!("ballast-{mib}"));
    let size = format!("{mib}M");
    let status = Command::new("fallocate")
        .args(["-l", &size, text(&file)])
        .status();
    assert!(status.unwrap().success());
    file
}

/// Places an order until the answer is this one.
fn order_until(shop: &Shop, number: &str, wanted: u16) -> serde_json::Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    for attempt in 0.. {
        let (status, body) = shop.order(&format!("{number}-{attempt}"), 10);
        if status == wanted {
            return body;
        }
        assert!(Instant::now() < deadline, "still {status} {body}");
        std::thread::sleep(Duration::from_millis(100));
    }
    unreachable!()
}

#[test]
fn a_full_disk_refuses_what_is_new_and_goes_on_by_itself() {
    let folder = Folder::new();
    let Some(disk) = Mounted::new(&folder) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let (data, credentials) = (disk.0.join("data"), folder.file("credentials.json"));
    let (server, _) = Server::start(&[
        "demo",
        "--data",
        text(&data),
        "--listen",
        "127.0.0.1:0",
        "--credentials",
        text(&credentials),
    ]);
    let credentials = serde_json::from_slice(&std::fs::read(&credentials).unwrap()).unwrap();
    let shop = Shop::new(&credentials);
    let paid = shop.paid("first", 100);
    let balance = shop.balance();

    let nearly = ballast(&disk.0, 800);
    let refused = order_until(&shop, "nearly", 503);
    assert_eq!(refused["error"]["code"], "disk_full", "{refused}");
    assert!(shop.metrics().contains("feiqian_disk_full 1\n"));
    // Not a byte is left, and still it answers.
    let available = free_mib(&disk.0);
    let full = ballast(&disk.0, available - 1);
    assert_eq!(shop.look(&paid), ("paid".into(), 100, 0));
    assert_eq!(shop.balance(), balance);
    assert_eq!(
        shop.order("first", 100).1["id"],
        paid,
        "what was asked before"
    );
    assert_eq!(shop.order("first", 101).0, 409);
    assert_eq!(shop.refund(&paid, "r", 1).1["error"]["code"], "disk_full");

    std::fs::remove_file(full).unwrap();
    std::fs::remove_file(nearly).unwrap();
    order_until(&shop, "again", 201);
    assert_eq!(shop.refund(&paid, "r", 1).0, 201);
    assert!(shop.metrics().contains("feiqian_disk_full 0\n"));
    server.stop();
    assert_eq!(audit(&data)["refunded"], 1);
    drop(disk);
}

fn free_mib(disk: &Path) -> u64 {
    let output = Command::new("df")
        .args(["--output=avail", "-m", text(disk)])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().nth(1).unwrap().trim().parse().unwrap()
}

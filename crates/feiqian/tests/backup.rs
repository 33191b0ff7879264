//! Backup and restore, as an operator does them: the source is destroyed, and what was acknowledged
//! must be there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use feiqian_log::{BatchBuffer, FileLog, Log, Options, Position};

mod common;

use common::{BINARY, Folder, Shop, audit, demo, demo_in, refusal, run, stdout, text};

/// The first file of a log.
const LOG: &str = "log/0000000000000000.log";

fn backup(data: &Path, to: &Path) -> String {
    stdout(&run(&["backup", "--data", text(data), "--to", text(to)]))
}

fn restore(from: &Path, data: &Path) -> String {
    stdout(&run(&[
        "restore",
        "--from",
        text(from),
        "--data",
        text(data),
    ]))
}

#[test]
fn everything_acknowledged_before_a_backup_comes_back_without_the_source() {
    let folder = Folder::new();
    let (data, to) = (folder.file("demo"), folder.file("backup"));
    let (server, credentials) = demo(&folder);
    let shop = Shop::new(&credentials);
    let first = shop.paid("first", 1_000);
    let balance_of_first = shop.balance();

    // Payments go on while the first backup is made.
    let made = AtomicBool::new(false);
    let during = std::thread::scope(|scope| {
        let making = scope.spawn(|| {
            let said = backup(&data, &to);
            made.store(true, Ordering::Relaxed);
            said
        });
        let mut during = Vec::new();
        while !made.load(Ordering::Relaxed) || during.len() < 5 {
            during.push(shop.paid(&format!("during-{}", during.len()), 7));
        }
        assert!(making.join().unwrap().contains("0 B were there already"));
        during
    });
    let first_restored = folder.file("first-restored");
    restore(&to, &first_restored);

    let second = shop.paid("second", 2_000);
    assert_eq!(shop.refund(&first, "refund", 300).0, 201);
    let balance = shop.balance();
    let said = backup(&data, &to);
    assert!(
        !said.contains("0 B were there already") && !said.contains("damaged"),
        "{said}"
    );
    let totals = audit(&data);
    shop.paid("after", 5);
    server.kill();
    let key = fs::read(data.join("master.key")).unwrap();
    fs::remove_dir_all(&data).unwrap();

    // Nothing that opens anything lies in the backup.
    assert!(!to.join("master.key").exists() && !to.join("operator.key").exists());
    assert_eq!(audit(&to), totals);
    let restored = folder.file("restored");
    let said = restore(&to, &restored);
    assert!(said.contains("audit passed"), "{said}");
    assert_eq!(audit(&restored), totals);
    assert!(
        refusal(&["restore", "--from", text(&to), "--data", text(&restored)]).contains("not empty")
    );

    let said = refusal(&["demo", "--data", text(&restored), "--listen", "127.0.0.1:0"]);
    assert!(said.contains("master.key is missing"), "{said}");
    put_key(&restored, &key);
    let (server, again) = demo_in(&folder, "restored");
    assert_eq!(
        again["wechat"], credentials["wechat"],
        "merchants keep their keys"
    );
    let shop = shop.at(&again);
    assert_eq!(shop.balance(), balance);
    assert_eq!(shop.look(&first), ("paid".into(), 1_000, 300));
    assert_eq!(shop.look(&second), ("paid".into(), 2_000, 0));
    for order in &during {
        assert_eq!(shop.look(order), ("paid".into(), 7, 0));
    }
    // The same numbers are the same things, and there is no more to give back than there was.
    assert_eq!(shop.order("second", 2_000).1["id"], second);
    assert_eq!(shop.refund(&first, "refund", 300).0, 200);
    assert_eq!(shop.refund(&first, "too-much", 701).0, 422);
    server.stop();

    put_key(&first_restored, &key);
    let (server, again) = demo_in(&folder, "first-restored");
    let shop = shop.at(&again);
    assert_eq!(shop.look(&first), ("paid".into(), 1_000, 0));
    assert!(shop.balance() <= balance_of_first);
    server.stop();
}

fn put_key(data: &Path, key: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    let path = data.join("master.key");
    fs::write(&path, key).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_stopped_folder_is_backed_up_too_and_damage_is_refused_by_name() {
    let folder = Folder::new();
    let (data, to) = (folder.file("demo"), folder.file("backup"));
    let (server, credentials) = demo(&folder);
    Shop::new(&credentials).paid("a", 10);
    server.stop();
    backup(&data, &to);
    let totals = audit(&data);

    let log = to.join(LOG);
    let part = fs::read_dir(to.join("parts"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    for (file, at) in [(log, 400), (part, 9), (to.join("manifest.json"), 40)] {
        let sound = fs::read(&file).unwrap();
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).unwrap();
        let restored = folder.file("restored");
        let said = refusal(&["restore", "--from", text(&to), "--data", text(&restored)]);
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name) && said.contains("damaged"), "{said}");
        if restored.exists() {
            let said = refusal(&["demo", "--data", text(&restored), "--listen", "127.0.0.1:0"]);
            assert!(said.contains("did not end"), "{said}");
        }
        if name != "manifest.json" {
            // The next backup sees it and copies the file again.
            let said = backup(&data, &to);
            assert!(
                said.contains(name) && said.contains("copied again"),
                "{said}"
            );
        }
        assert_eq!(fs::read(&file).unwrap() == sound, name != "manifest.json");
        fs::write(&file, &sound).unwrap();
    }

    // A damaged log is put right by its backup, as docs/OPERATIONS.md says, and loses nothing.
    let (damaged, sound) = (data.join(LOG), to.join(LOG));
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[400] ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    let said = refusal(&["audit", "--data", text(&data)]);
    assert!(said.contains("events before it are sound"), "{said}");
    let (from, over) = (
        format!("if={}", text(&sound)),
        format!("of={}", text(&damaged)),
    );
    let dd = ["conv=notrunc", "bs=1M", "status=none", &from, &over];
    assert!(Command::new("dd").args(dd).status().unwrap().success());
    assert_eq!(audit(&data), totals);

    // What an interrupted backup wrote beyond the last one that ended is no part of it.
    let mut log = fs::OpenOptions::new()
        .append(true)
        .open(to.join(LOG))
        .unwrap();
    std::io::Write::write_all(&mut log, b"more").unwrap();
    fs::write(to.join("log/00000000000a0000.log"), b"half").unwrap();
    restore(&to, &folder.file("restored"));
    assert_eq!(audit(&folder.file("restored")), totals);

    let other = folder.file("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.txt"), "years of work").unwrap();
    let said = refusal(&["backup", "--data", text(&data), "--to", text(&other)]);
    assert!(said.contains("thesis.txt"), "{said}");
}

#[test]
fn a_backup_goes_on_with_its_own_log_only() {
    let folder = Folder::new();
    let (server, _) = demo(&folder);
    let to = folder.file("backup");
    backup(&folder.file("demo"), &to);
    server.stop();
    let (server, _) = demo_in(&folder, "another");
    let said = refusal(&[
        "backup",
        "--data",
        text(&folder.file("another")),
        "--to",
        text(&to),
    ]);
    assert!(said.contains("of another"), "{said}");
    server.stop();
}

/// A log of many small files, whose first event is that of a sandbox.
fn many_segments(dir: &Path) -> FileLog {
    let options = Options {
        segment_bytes: 64 << 10,
        ..Options::default()
    };
    let (mut log, _) = FileLog::open(dir, options).unwrap();
    let opened = feiqian_core::Event::Opened(feiqian_core::brand::open::Opened {
        at: feiqian_core::UnixMillis(1),
        mode: feiqian_core::Mode::Sandbox,
    });
    let mut batch = BatchBuffer::new();
    batch
        .push(|bytes| minicbor::encode(&opened, bytes).unwrap())
        .unwrap();
    log.append(Position(0), 1, &mut batch).unwrap();
    append(&mut log, 200);
    log
}

fn append(log: &mut FileLog, batches: u64) {
    let mut batch = BatchBuffer::new();
    for _ in 0..batches {
        batch.clear();
        batch
            .push(|bytes| bytes.extend_from_slice(&[7; 60 << 10]))
            .unwrap();
        log.append(log.end(), 2, &mut batch).unwrap();
    }
}

#[test]
fn a_backup_that_was_killed_is_continued_by_the_next() {
    let folder = Folder::new();
    let (data, to) = (folder.file("data"), folder.file("backup"));
    let mut log = many_segments(&data.join("log"));
    drop(log);
    for round in 0..2 {
        let mut killed = Command::new(BINARY)
            .args(["backup", "--data", text(&data), "--to", text(&to)])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let patience = Instant::now() + Duration::from_secs(60);
        while !to.join("unfinished.json").exists() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
        killed.kill().unwrap();
        assert!(
            !killed.wait().unwrap().success(),
            "round {round}: it ended before it was killed"
        );
        assert_eq!(to.join("manifest.json").exists(), round > 0);

        let said = backup(&data, &to);
        assert!(!said.contains("; 0 B were there already"), "{said}");
        assert!(!said.contains("damaged"), "{said}");
        assert!(!to.join("unfinished.json").exists());
        same(&data.join("log"), &to.join("log"));
        let again = backup(&data, &to);
        assert!(again.contains("copied 0 B of the log"), "{again}");
        let quick = stdout(&run(&[
            "backup",
            "--data",
            text(&data),
            "--to",
            text(&to),
            "--quick",
        ]));
        assert_eq!(quick, again);

        (log, _) = FileLog::open(&data.join("log"), Options::default()).unwrap();
        append(&mut log, 200);
        drop(log);
    }
}

/// Every file of the copy is what its source begins with.
fn same(source: &Path, copy: &Path) {
    let mut files = 0;
    for entry in fs::read_dir(source).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "LOCK" {
            let (from, to) = (
                fs::read(source.join(&name)).unwrap(),
                fs::read(copy.join(&name)).unwrap(),
            );
            assert!(
                from.starts_with(&to) && from[to.len()..].iter().all(|byte| *byte == 0),
                "{name:?}"
            );
            files += 1;
        }
    }
    assert!(files > 1);
}

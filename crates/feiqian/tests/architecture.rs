//! The shape of the workspace, as docs/ARCHITECTURE.md draws it, read from `cargo metadata`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each of our crates may use.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("feiqian-core", &[]),
    ("feiqian-log", &[]),
    ("feiqian-fuzz", &[]),
    ("feiqian-store", &["feiqian-core", "feiqian-log"]),
    ("feiqian-reports", &["feiqian-core"]),
    (
        "feiqian-engine",
        &["feiqian-core", "feiqian-log", "feiqian-store"],
    ),
    (
        "feiqian-sim",
        &[
            "feiqian-core",
            "feiqian-engine",
            "feiqian-log",
            "feiqian-store",
        ],
    ),
    (
        "feiqian-gateway",
        &[
            "feiqian-core",
            "feiqian-engine",
            "feiqian-reports",
            "feiqian-store",
        ],
    ),
    (
        "feiqian",
        &[
            "feiqian-core",
            "feiqian-engine",
            "feiqian-gateway",
            "feiqian-log",
            "feiqian-reports",
            "feiqian-store",
        ],
    ),
];

/// Only these crates may be the only ones to use these libraries.
const KEPT_TO: [(&str, &str); 2] = [("axum", "feiqian-gateway"), ("utoipa", "feiqian-gateway")];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Names of the dependencies, tests' ones aside, of each of our crates.
fn dependencies(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let ours = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["source"].is_null());
    ours.map(|package| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let names = dependencies
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
        (
            package["name"].as_str().unwrap().to_owned(),
            names.collect(),
        )
    })
    .collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let all = dependencies(&metadata());
    let ours: BTreeSet<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(
        ours,
        ALLOWED.iter().map(|(name, _)| *name).collect(),
        "a new crate needs a line"
    );
    for (name, allowed) in ALLOWED {
        let used: Vec<_> = all[name]
            .iter()
            .filter(|used| ours.contains(used.as_str()))
            .collect();
        for used in used {
            assert!(
                allowed.contains(&used.as_str()),
                "{name} must not use {used}"
            );
        }
    }
    for (library, home) in KEPT_TO {
        for (name, used) in &all {
            assert!(
                name == home || !used.contains(library),
                "{name} must not use {library}"
            );
        }
    }
}

#[test]
fn every_licence_is_one_that_we_allow() {
    let metadata = metadata();
    let deny = include_str!("../../../deny.toml");
    let allowed = deny
        .split("allow = [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    let allowed: BTreeSet<&str> = allowed.split('"').skip(1).step_by(2).collect();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("none");
        // SPDX: every AND part must have an OR alternative that is allowed.
        let fine = licence
            .replace(['(', ')'], "")
            .replace('/', " OR ")
            .split(" AND ")
            .all(|part| {
                part.split(" OR ")
                    .any(|alternative| allowed.contains(alternative.trim()))
            });
        assert!(fine, "{} is under {licence}", package["name"]);
    }
}

#[test]
fn there_is_one_cryptography() {
    let metadata = metadata();
    let names: BTreeSet<&str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    for other in ["openssl", "openssl-sys", "native-tls"] {
        assert!(!names.contains(other), "{other} is a second cryptography");
    }
}

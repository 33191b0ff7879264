//! The web apps are part of the binary: when they were built anew, so is it.

use std::path::Path;

fn main() {
    // Without `dist` its parent is watched, so that its coming is seen.
    let dist = Path::new("../../web/dist");
    let watched = if dist.exists() {
        "../../web/dist"
    } else {
        "../../web"
    };
    println!("cargo::rerun-if-changed={watched}");
}

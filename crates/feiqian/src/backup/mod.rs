//! `feiqian backup`: a copy from which everything comes back, made while the server runs.
//!
//! ```text
//! TO/manifest.json   what the backup holds, with the hash of every file; written last
//! TO/log/            the log up to the backup's position: a folder that `feiqian audit` reads
//! TO/parts/          vault and notices, sealed as they were; each file is named by its hash
//! ```
//!
//! The vault is taken first, then the log is copied up to the position that was durable right after.
//! So no event is missing of which the vault holds something: ids are given anew after a restore, and
//! must not meet the secrets of those who had them.
//!
//! Not in it: the master key and the operator's key, which nobody should find beside what they open;
//! `store/` and `state/`, which are made again from the log.

pub mod ask;
pub mod files;
pub mod log;
pub mod manifest;
pub mod parts;

use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};

use crate::{Failure, folder};
use files::Folder;
use log::Copied;
use manifest::Manifest;

#[derive(Args)]
pub struct Options {
    /// Data folder to back up; a server may be running on it
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Folder of the backup; made if it is not there, else only what is new is copied
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Do not read again what earlier backups copied, to see whether it is still sound
    #[arg(long)]
    quick: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let log = options.data.join("log");
    if !log.is_dir() {
        let data = options.data.display();
        return Err(format!("{data} is no data folder of Feiqian: it has no log").into());
    }
    let to = Folder::open(&options.to)?;
    let before = to.manifest()?;
    let mut parts = parts::Keeper::new(&to)?;
    let source = ask::take(&options.data, &mut |which, part| parts.keep(which, part))?;

    let bar = folder::byte_bar("copying the log");
    let copied = log::copy(
        &log,
        &to,
        before.as_ref(),
        source.events,
        options.quick,
        &bar,
    )?;
    // Until here a server that was not running must not start.
    drop(source);
    bar.finish_and_clear();

    let manifest = Manifest::new(&copied, parts.list())?;
    to.put_manifest(&manifest)?;
    to.remove_unlisted(&manifest)?;
    report(options, &copied, &parts, &manifest);
    Ok(())
}

fn report(options: &Options, copied: &Copied, parts: &parts::Keeper, manifest: &Manifest) {
    for damaged in copied.damaged.iter().chain(parts.damaged()) {
        crate::say!("{damaged} of the backup was damaged and was copied again: check its disk");
    }
    crate::say!(
        "copied {} of the log and {} of vault and notices; {} were there already",
        HumanBytes(copied.new_bytes),
        HumanBytes(parts.new_bytes()),
        HumanBytes(copied.old_bytes.saturating_add(parts.old_bytes())),
    );
    crate::say!(
        "{} holds {} events, chain {}",
        options.to.display(),
        HumanCount(manifest.events),
        manifest.chain
    );
    crate::say!("the master key is not in it; without the key the vault cannot be opened again");
}

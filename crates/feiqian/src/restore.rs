//! `feiqian restore`: a data folder from a backup, audited before it is called done.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use feiqian_log::Reader;
use feiqian_store::export::Import;
use feiqian_store::vault::{MasterKey, Vault};
use indicatif::{HumanCount, ProgressBar};

use crate::backup::files::{self, failed, sync_folder};
use crate::backup::log::each_block;
use crate::backup::manifest::{Manifest, Segment};
use crate::{Failure, audit, folder};

#[derive(Args)]
pub struct Options {
    /// Folder of the backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Data folder to make; it must be empty or not be there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// See whether this master key opens the restored vault
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<PathBuf>,
}

/// Marks a folder whose restore has not ended: it must not be served.
const UNFINISHED: &str = "RESTORING";

/// A folder that is half restored would start with secrets and no money, or the other way round.
pub fn refuse_unfinished(data: &Path) -> Result<(), Failure> {
    if data.join(UNFINISHED).exists() {
        let data = data.display();
        return Err(format!("the restore into {data} did not end; run it again").into());
    }
    Ok(())
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let (from, data) = (&options.from, &options.data);
    let manifest = files::manifest(from)?;
    prepare(data)?;

    let bar = folder::byte_bar("restoring");
    bar.set_length(manifest.log.iter().map(|segment| segment.bytes).sum());
    fs::create_dir(data.join("log"))?;
    for segment in &manifest.log {
        copy(from, data, segment, &bar)?;
    }
    sync_folder(&data.join("log"))?;
    bar.finish_and_clear();
    import(from, &data.join("vault"), &manifest.vault)?;
    import(from, &data.join("notify"), &manifest.notices)?;
    if let Some(key) = &options.master_key_file {
        Vault::open(&data.join("vault"), MasterKey::read(key)?)?;
    }

    check(data, &manifest)?;
    fs::remove_file(data.join(UNFINISHED))?;
    sync_folder(data)?;
    report(options, &manifest);
    Ok(())
}

/// An empty folder, marked. What an earlier restore left that did not end is removed.
fn prepare(data: &Path) -> Result<(), Failure> {
    let mark = data.join(UNFINISHED);
    if mark.exists() {
        for name in ["log", "vault", "notify"] {
            match fs::remove_dir_all(data.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        fs::remove_file(&mark)?;
    }
    fs::create_dir_all(data).map_err(|error| failed(data, &error))?;
    if fs::read_dir(data)?.next().is_some() {
        let data = data.display();
        return Err(format!("{data} is not empty; name another folder with --data").into());
    }
    files::replace(&mark, b"a restore has not ended\n")
}

/// Copies a file of the log and checks what it copied.
fn copy(from: &Path, data: &Path, segment: &Segment, bar: &ProgressBar) -> Result<(), Failure> {
    let path = from.join("log").join(&segment.file);
    let target = data.join("log").join(&segment.file);
    let mut source = File::open(&path).map_err(|error| failed(&path, &error))?;
    let mut to = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&target)
        .map_err(|error| failed(&target, &error))?;
    let mut hasher = blake3::Hasher::new();
    let copied = each_block(&mut source, segment.bytes, |block| {
        hasher.update(block);
        bar.inc(block.len() as u64);
        to.write_all(block)
    });
    copied
        .and_then(|_| to.sync_all())
        .map_err(|error| failed(&target, &error))?;
    if hasher.finalize().to_string() != segment.blake3 {
        return Err(damaged(&path));
    }
    Ok(())
}

fn damaged(path: &Path) -> Failure {
    let path = path.display();
    format!("{path} is damaged: it is not what was backed up; take another backup").into()
}

fn import(from: &Path, folder: &Path, parts: &[String]) -> Result<(), Failure> {
    if parts.is_empty() {
        return Ok(());
    }
    let mut import = Import::create(folder)?;
    for hash in parts {
        let path = from.join("parts").join(hash);
        let part = fs::read(&path).map_err(|error| failed(&path, &error))?;
        if blake3::hash(&part).to_string() != *hash {
            return Err(damaged(&path));
        }
        import.part(&part)?;
    }
    Ok(import.finish()?)
}

/// The same audit as `feiqian audit`, and whether it is the log that was backed up.
fn check(data: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let bar = folder::bar("auditing");
    bar.set_length(manifest.events);
    let reader = Reader::open(&data.join("log"))?;
    let audited = audit::audit(&reader, |events| bar.set_position(events))?;
    bar.finish_and_clear();
    let found = (audited.totals.events, audited.chain.to_string());
    if found != (manifest.events, manifest.chain.clone()) {
        return Err("the restored log is not the one that was backed up".into());
    }
    Ok(())
}

fn report(options: &Options, manifest: &Manifest) {
    crate::say!(
        "restored {} events to {}, chain {}",
        HumanCount(manifest.events),
        options.data.display(),
        manifest.chain
    );
    crate::say!("audit passed: debits equal credits, every rule held");
    crate::say!(
        "Next: put the master key of the backed up installation in its place; the first start makes \
         the indexes again, and another operator's key. What was acknowledged after the backup is \
         not there: see \"Restoring\" in docs/OPERATIONS.md."
    );
}

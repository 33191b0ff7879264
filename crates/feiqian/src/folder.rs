//! A data folder, opened and served: what `demo` and `serve` have in common.
//!
//! ```text
//! DIR/log/    the log, which is the database     DIR/vault/        personal data and secrets
//! DIR/state/  snapshots of the balances          DIR/notify/       notices on their way
//! DIR/store/  indexes, made from the log         DIR/operator.key  bearer key of the operator
//! ```

use std::fs::OpenOptions;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use feiqian_core::Mode;
use feiqian_engine::{Clock, Engine, Stage};
use feiqian_gateway::access::Role;
use feiqian_gateway::app::outside::Outside;
use feiqian_gateway::bank::sandbox::SandboxBank;
use feiqian_gateway::notify::Notifier;
use feiqian_gateway::platform::Platform;
use feiqian_gateway::reports::Books;
use feiqian_gateway::server::{self, TlsFiles};
use feiqian_store::vault::{MasterKey, Vault};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Failure, backup, restore};

/// Where the operator's bearer key is written on the first start.
pub const OPERATOR_KEY: &str = "operator.key";

/// Makes the folder if it is not there; refuses one whose restore did not end.
pub fn prepare(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    restore::refuse_unfinished(dir)
}

/// Opens engine, vault and platform.
pub async fn open(
    dir: &Path,
    mode: Mode,
    master: MasterKey,
    base_url: String,
    clock: Clock,
    outside: Outside,
) -> Result<Arc<Platform>, Failure> {
    let bar = bar("replaying the log");
    let mut options = feiqian_engine::Options::new(dir, mode);
    options.clock = clock;
    let shown = bar.clone();
    options.progress = Some(Box::new(move |stage| match stage {
        Stage::Snapshot => {}
        Stage::Rebuild => shown.set_message("making the indexes anew"),
        Stage::Replay(done, todo) => {
            shown.set_length(todo);
            shown.set_position(done);
        }
    }));
    let engine = Engine::open(options)?;
    bar.finish_and_clear();
    let vault = Vault::open(&dir.join("vault"), master)?;
    let platform = Platform::open_with(engine, vault, base_url, outside).await?;
    write_operator_key(&platform, &dir.join(OPERATOR_KEY), Role::first_operator())?;
    Ok(platform)
}

/// A progress bar on a terminal, nothing elsewhere.
pub fn bar(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
    let bar = ProgressBar::new(0).with_message(what);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// [`bar`] for bytes; its length is set later.
pub fn byte_bar(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(0).with_message(what);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// On the first start an operator's key is made and written to a file that only its owner reads.
pub fn write_operator_key(platform: &Platform, path: &Path, role: Role) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    let key = platform.access.grant(&platform.vault, role)?;
    write_secret(path, &format!("{}\n", key.expose_secret()))
}

/// Writes a file of mode 0600, whole or not at all.
pub fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}

/// Opens the port before anything else, so that a second start fails at once.
pub fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; name another address or stop what has it")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until Ctrl-C, SIGTERM or a failure of the engine; then stops in order.
pub async fn serve(
    platform: Arc<Platform>,
    dir: &Path,
    listener: TcpListener,
    tls: Option<TlsFiles>,
    stop: Stop,
) -> Result<(), Failure> {
    let notifier = Notifier::start(platform.clone(), &dir.join("notify"))?;
    let bank = platform
        .is_sandbox()
        .then(|| SandboxBank::start(&platform))
        .transpose()?;
    let engine = platform.engine.clone();
    let backups = backup::ask::answer(platform.clone(), notifier.clone(), dir);
    let books = Books::start(engine.clone(), &dir.join("reports"))?;
    let router = server::router_with(platform, Some(notifier.clone()), Some(books.clone()));
    let served = server::serve_on(router, listener, tls, stop.asked(engine.clone())).await;
    drop(backups);
    if let Some(bank) = bank {
        bank.stop();
    }
    notifier.stop();
    books.stop();
    let failed = engine.failed();
    tokio::task::spawn_blocking(move || engine.stop()).await?;
    served?;
    match failed {
        Some(why) => Err(why.into()),
        None => Ok(()),
    }
}

/// Ctrl-C and SIGTERM, heard from the moment this is made.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Needs a runtime.
    pub fn listen() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits until somebody or a failure of the engine asks to stop.
    async fn asked(mut self, engine: Engine) {
        tokio::select! {
            _ = self.interrupt.recv() => tracing::info!("stopping"),
            _ = self.terminate.recv() => tracing::info!("stopping"),
            why = engine.failure() => tracing::error!(why, "the engine failed; stopping"),
        }
    }
}

//! `feiqian serve`: production. It refuses to start where starting would be unsafe.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use feiqian_core::Mode;
use feiqian_engine::system_clock;
use feiqian_gateway::app::outside::{Endpoint, Outside};
use feiqian_gateway::server::TlsFiles;
use feiqian_store::vault::MasterKey;
use serde::Deserialize;

use crate::folder::Stop;
use crate::{Failure, folder};

/// The environment variable that holds the master key when no file does.
const MASTER_KEY: &str = "FEIQIAN_MASTER_KEY";

#[derive(Args)]
pub struct Options {
    /// Configuration file; docs/OPERATIONS.md explains every line
    #[arg(long, value_name = "FILE", default_value = "feiqian.toml")]
    config: PathBuf,
}

/// The configuration file. An unknown line is an error, not a wish unheard.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Data folder.
    data: PathBuf,
    /// Address to listen on.
    #[serde(default = "loopback")]
    listen: SocketAddr,
    /// Where the public reaches this server.
    public_url: String,
    /// File of mode 0600 with the master key; else the environment variable has it.
    master_key_file: Option<PathBuf>,
    tls: Option<Tls>,
    /// Sends one-time codes to phones.
    sms: Option<Service>,
    /// Knows who bears an identity number.
    real_name: Option<Service>,
}

/// A service that is asked by HTTP; docs/APPS.md says what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    /// https, or http on this machine.
    url: String,
    /// Sent as a bearer token.
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    /// PEM, leaf first.
    certificate: PathBuf,
    /// PEM.
    key: PathBuf,
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8443))
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let config = read(&options.config)?;
    let master = master_key(&config)?;
    check(&config, &master)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        folder::prepare(&config.data)?;
        let tls = config.tls.map(|tls| TlsFiles {
            certificate: tls.certificate,
            key: tls.key,
        });
        let stop = Stop::listen()?;
        let listener = folder::listen(config.listen)?;
        let url = config.public_url.trim_end_matches('/').to_owned();
        let outside = Outside::of(
            config.sms.map(endpoint).transpose()?,
            config.real_name.map(endpoint).transpose()?,
        );
        let clock = system_clock();
        let mode = Mode::Production;
        let platform = folder::open(&config.data, mode, master, url, clock, outside).await?;
        let key = config.data.join(folder::OPERATOR_KEY);
        crate::say!(
            "Serving on {}; the operator's key is in {}",
            listener.local_addr()?,
            key.display()
        );
        folder::serve(platform, &config.data, listener, tls, stop).await
    })
}

fn endpoint(service: Service) -> Result<Endpoint, Failure> {
    Ok(Endpoint::new(&service.url, service.token.into())?)
}

fn read(path: &Path) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!(
            "cannot read {}: {error}; docs/OPERATIONS.md has an example",
            path.display()
        )
    })?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn master_key(config: &Config) -> Result<MasterKey, Failure> {
    match (&config.master_key_file, std::env::var(MASTER_KEY)) {
        (Some(path), _) if !path.exists() => Err(format!(
            "there is no master key in {}; make one with: (umask 077; openssl rand -hex 32 > {0})",
            path.display()
        )
        .into()),
        (Some(path), _) => Ok(MasterKey::read(path)?),
        (None, Ok(hex)) => Ok(MasterKey::from_hex(&hex)?),
        (None, Err(_)) => {
            Err(format!("name a master_key_file in the configuration, or set {MASTER_KEY}").into())
        }
    }
}

fn check(config: &Config, master: &MasterKey) -> Result<(), Failure> {
    if master.is_sandbox() {
        return Err(
            "this master key was made by a sandbox, so others may have it; \
            make another: openssl rand -hex 32"
                .into(),
        );
    }
    if config.tls.is_none() && !config.listen.ip().is_loopback() {
        return Err(format!(
            "{} can be reached from other machines, so it needs [tls] certificate and key; \
             or listen on 127.0.0.1 behind a proxy that does TLS",
            config.listen
        )
        .into());
    }
    let https = config.public_url.starts_with("https://");
    let loopback = config.public_url.starts_with("http://127.0.0.1")
        || config.public_url.starts_with("http://localhost");
    if !(https || loopback && config.listen.ip().is_loopback()) {
        return Err(format!("public_url {} must start with https://", config.public_url).into());
    }
    Ok(())
}

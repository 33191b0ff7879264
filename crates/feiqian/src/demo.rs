//! `feiqian demo`: a sandbox that is ready in seconds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use feiqian_core::{MerchantId, Mode, Number};
use feiqian_gateway::access::{FIRST_OPERATOR, Role};
use feiqian_gateway::alipay::app;
use feiqian_gateway::app::outside::Outside;
use feiqian_gateway::platform::Platform;
use feiqian_store::vault::MasterKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::folder::Stop;
use crate::seed::{self, SHOPPER, SandboxClock};
use crate::{Failure, folder};

#[derive(Args)]
pub struct Options {
    /// Folder of the sandbox's data; made and filled if it is not there
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Address to listen on [default: 127.0.0.1:8080; with --ephemeral a free port]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// File to write the integration credentials to, as JSON
    #[arg(long, value_name = "FILE", default_value = "credentials.json")]
    credentials: PathBuf,
    /// Delete the folder's sandbox first and start afresh
    #[arg(long)]
    reset: bool,
    /// Use a temporary folder, removed at the end: for tests, several at once if need be
    #[arg(long, conflicts_with_all = ["data", "reset"])]
    ephemeral: bool,
}

impl Options {
    fn listen(&self) -> SocketAddr {
        let port = if self.ephemeral { 0 } else { 8080 };
        self.listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

const MASTER_KEY: &str = "master.key";
/// A second operator: whoever adds a campaign does not approve it.
const SECOND: &str = "second";
const SECOND_KEY: &str = "second.key";

pub fn run(options: &Options) -> Result<(), Failure> {
    if options.reset {
        reset(&options.data)?;
    }
    let temporary = options.ephemeral.then(tempfile::tempdir).transpose()?;
    let data = temporary
        .as_ref()
        .map_or(options.data.as_path(), TempDir::path);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(demo(options, data))?;
    drop(runtime);
    if let Some(temporary) = temporary {
        temporary.close()?;
        crate::say!("Stopped, and its folder is removed.");
    } else {
        crate::say!("Stopped. `feiqian demo` goes on where it was; --reset starts afresh.");
    }
    Ok(())
}

async fn demo(options: &Options, data: &Path) -> Result<(), Failure> {
    folder::prepare(data)?;
    let key_file = data.join(MASTER_KEY);
    let master = if key_file.exists() {
        MasterKey::read(&key_file)?
    } else if data.join("vault").exists() {
        let key = key_file.display();
        return Err(format!("{key} is missing, and no other key opens the vault beside it").into());
    } else {
        MasterKey::create(&key_file, true)?
    };
    let stop = Stop::listen()?;
    let listener = folder::listen(options.listen())?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let clock = SandboxClock::in_the_past();
    let time = clock.clock();
    let platform = folder::open(
        data,
        Mode::Sandbox,
        master,
        base_url.clone(),
        time,
        Outside::sandbox(),
    )
    .await?;
    let second = Number::new(SECOND)?;
    let role = Role::Operator(second);
    folder::write_operator_key(&platform, &data.join(SECOND_KEY), role)?;
    // Whoever is written down is listed.
    let operator = platform.desk.operators.get(&platform.vault, second)?;
    platform
        .desk
        .operators
        .put(&platform.vault, second, operator)?;
    seed::seed(&platform, &clock).await?;
    let till = seed::till::staff(&platform, data).await?;
    let credentials = credentials(&platform, data, &till)?;
    folder::write_secret(&options.credentials, &format!("{credentials:#}\n"))?;
    print_next_steps(&base_url, data, &options.credentials)?;
    folder::serve(platform, data, listener, None, stop).await
}

/// Removes a sandbox, and nothing that is not one.
fn reset(dir: &Path) -> Result<(), Failure> {
    if !dir.exists() {
        return Ok(());
    }
    let key = dir.join(MASTER_KEY);
    let empty = std::fs::read_dir(dir)?.next().is_none();
    let sandbox = empty || key.exists() && MasterKey::read(&key)?.is_sandbox();
    if !sandbox {
        return Err(format!(
            "{} is not a sandbox's folder, so --reset leaves it alone; name another with --data",
            dir.display()
        )
        .into());
    }
    Ok(std::fs::remove_dir_all(dir)?)
}

/// What a merchant's engineer and a test need, in one file.
fn credentials(platform: &Platform, dir: &Path, till: &Value) -> Result<Value, Failure> {
    let base_url = &platform.base_url;
    let binary = std::env::current_exe()?;
    let binary = shell_word(
        binary
            .to_str()
            .ok_or("the path of this program is not UTF-8")?,
    );
    let key = |file| std::fs::read_to_string(dir.join(file)).map(|key| key.trim().to_owned());
    let operator_key = key(folder::OPERATOR_KEY)?;
    Ok(json!({
        "base_url": base_url,
        "operator_key": operator_key,
        "operators": [
            { "name": FIRST_OPERATOR, "api_key": operator_key },
            { "name": SECOND, "api_key": key(SECOND_KEY)? },
        ],
        "wechat": wechat(platform, MerchantId(0))?,
        "wechat_other": wechat(platform, MerchantId(1))?,
        "alipay": alipay(platform, MerchantId(0))?,
        "alipay_other": alipay(platform, MerchantId(1))?,
        "till": till,
        "payer": {
            "pay_command": format!("{binary} pay --server {base_url} --as {SHOPPER} '{{code_url}}'"),
            "auth_code_command": format!("{binary} paycode --server {base_url} --as {SHOPPER}"),
        },
    }))
}

/// What a WeChat Pay SDK asks for, with the openid of a shopper.
fn wechat(platform: &Platform, merchant: MerchantId) -> Result<Value, Failure> {
    let merchant = platform
        .credentials(merchant)?
        .ok_or("the sandbox lacks a merchant")?;
    let shopper = platform
        .find_person(SHOPPER)?
        .ok_or("the sandbox lacks its shopper")?;
    let private_key = merchant
        .private_key_pem
        .as_ref()
        .map(|pem| pem.expose_secret().to_owned());
    Ok(json!({
        "mchid": merchant.mchid,
        "appid": merchant.appid,
        "merchant_serial_no": merchant.serial_no,
        "merchant_private_key_pem": private_key,
        "merchant_cert_pem": merchant.certificate_pem,
        "api_v3_key": merchant.api_v3_key.expose_secret(),
        "api_v2_key": merchant.api_v2_key.expose_secret(),
        "platform_public_key_id": platform.signer.public_key_id,
        "platform_public_key_pem": platform.signer.key.public().to_pem(),
        "openid": platform.ids.openid(shopper.0.into(), &merchant.appid),
    }))
}

/// What an Alipay SDK asks for. A sandbox that was made before it had Alipay gets its apps now.
fn alipay(platform: &Platform, merchant: MerchantId) -> Result<Value, Failure> {
    let app = app::register(platform, merchant, None)?;
    let private_key = app.private_key_pem.as_ref().map(|pem| pem.expose_secret());
    Ok(json!({
        "app_id": app.app_id,
        "app_private_key_pem": private_key,
        "platform_public_key_pem": app.platform_public_key_pem,
        "gateway_path": app.gateway_path,
        "encrypt_key": app.encrypt_key.expose_secret(),
    }))
}

/// As one word for a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn print_next_steps(base_url: &str, data: &Path, credentials: &Path) -> Result<(), Failure> {
    let binary = std::env::current_exe()?;
    let binary = shell_word(&binary.to_string_lossy());
    let credentials = credentials.canonicalize()?;
    let credentials = shell_word(&credentials.to_string_lossy());
    let data = data.canonicalize()?;
    let data = shell_word(&data.to_string_lossy());
    crate::say!(
        "\
Feiqian sandbox on {base_url}   (play money; credentials in {credentials})

What to try next, in another terminal:

  1. Place an order with WeChat Pay's own SDK, from the repository's folder; it prints a code_url:
     make order CREDENTIALS={credentials}

  2. Pay it as the shopper {SHOPPER}:
     {binary} pay --server {base_url} --as {SHOPPER} CODE_URL

  3. See it in the books:
     {binary} audit --data {data}

In a browser: the wallet {base_url}/wallet/ (any phone number; the code is shown), the till {base_url}/till/ (shop, name and
password are in the credentials under \"till\"), the console {base_url}/console/ (with the key operator_key).

Ctrl-C stops."
    );
    Ok(())
}

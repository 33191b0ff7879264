//! Scratch: serves a sandbox for schemathesis. To be removed.
use feiqian_core::Mode;
use feiqian_engine::{Engine, Options};
use feiqian_gateway::access::Role;
use feiqian_gateway::platform::Platform;
use feiqian_gateway::{bank, server};
use feiqian_store::vault::{MasterKey, Vault};
use secrecy::ExposeSecret;
fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let port: u16 = std::env::args().nth(2).unwrap().parse().unwrap();
    let mode = if std::env::args().nth(3).is_some() { Mode::Production } else { Mode::Sandbox };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let engine = Engine::open(Options::new(&dir.join("data"), mode)).unwrap();
        let vault = Vault::open(&dir.join("vault"), MasterKey::from_hex(&"07".repeat(32)).unwrap()).unwrap();
        let platform = Platform::open(engine, vault, format!("http://127.0.0.1:{port}")).await.unwrap();
        let key = platform.access.grant(&platform.vault, Role::Operator).unwrap();
        println!("{}", key.expose_secret());
        let bank = (mode == Mode::Sandbox).then(|| bank::SandboxBank::start(&platform).unwrap());
        let notifier = feiqian_gateway::notify::Notifier::start(platform.clone(), &dir.join("notices")).unwrap();
        let router = server::router(platform.clone(), Some(notifier));
        let listen = server::Listen { address: ([127, 0, 0, 1], port).into(), tls: None };
        server::serve(router, listen, async { tokio::signal::ctrl_c().await.unwrap() }).await.unwrap();
        drop(bank);
        platform.engine.stop();
    });
}

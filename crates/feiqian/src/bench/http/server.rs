//! A sandbox in a process of its own, so that its CPU time is what the operating system says.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Failure;
use crate::bench::process;

/// A running sandbox.
pub struct Server {
    child: Child,
    /// What its `credentials.json` says.
    pub credentials: Value,
}

impl Server {
    /// Starts one in a folder.
    pub fn start(dir: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir)?;
        let file = dir.join("credentials.json");
        let child = Command::new(std::env::current_exe()?)
            .arg("demo")
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(dir.join("data"))
            .arg("--credentials")
            .arg(&file)
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Self {
            child,
            credentials: Value::Null,
        };
        server.credentials = wait_for(&file)?;
        Ok(server)
    }

    /// Where it listens.
    pub fn base_url(&self) -> &str {
        self.credentials["base_url"].as_str().unwrap_or_default()
    }

    /// CPU seconds that it has used.
    pub fn cpu_seconds(&self) -> Result<f64, Failure> {
        process::cpu_seconds(self.child.id()).ok_or_else(|| "the server is gone".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(file: &Path) -> Result<Value, Failure> {
    let patience = Instant::now() + Duration::from_secs(60);
    while Instant::now() < patience {
        if let Ok(text) = std::fs::read_to_string(file) {
            return Ok(serde_json::from_str(&text)?);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err("the server did not start within a minute".into())
}

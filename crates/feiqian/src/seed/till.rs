//! Who works the tills of the two shops that an integrator tries, each with a password made here.

use std::path::Path;
use std::sync::Arc;

use feiqian_core::MerchantId;
use feiqian_gateway::app::staff::StaffRole;
use feiqian_gateway::app::till::crew::join;
use feiqian_gateway::platform::Platform;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::Failure;
use crate::folder;

/// Passwords are shown once, so a sandbox keeps them here.
const FILE: &str = "till.json";
const SHOPS: [MerchantId; 2] = [MerchantId(0), MerchantId(1)];

/// Everybody's shop, name, role and password, as `credentials.json` has them.
pub async fn staff(platform: &Arc<Platform>, dir: &Path) -> Result<Value, Failure> {
    let file = dir.join(FILE);
    if file.exists() {
        return Ok(serde_json::from_str(&std::fs::read_to_string(&file)?)?);
    }
    let mut staff = Vec::new();
    for merchant in SHOPS {
        let shop = platform
            .credentials(merchant)?
            .ok_or("the sandbox lacks a merchant")?
            .mchid;
        for (name, role) in [("owner", StaffRole::Owner), ("cashier", StaffRole::Cashier)] {
            // Stopped before the file was written: that person's password is lost.
            if let Ok((_, password)) = join(platform, merchant, name, role).await {
                let password = password.expose_secret();
                staff.push(
                    json!({ "shop": shop, "name": name, "role": role, "password": password }),
                );
            }
        }
    }
    let staff = Value::from(staff);
    folder::write_secret(&file, &format!("{staff:#}\n"))?;
    Ok(staff)
}

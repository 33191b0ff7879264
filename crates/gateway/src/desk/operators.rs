//! Operators: their roles, and whether they are operators still.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use axum::http::Method;
use feiqian_core::Number;
use feiqian_store::vault::Vault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::platform::{PlatformError, read_record, write_record};

/// What an operator may change. All of them may look, but for persons' data and shops' keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything; the only one who makes operators and brands.
    Admin,
    /// Shops: applications, fees, pause, keys, people at tills.
    Merchants,
    /// Campaigns and their budgets.
    Campaigns,
    /// Money by hand.
    Finance,
    /// Users, their data, freezing; notices.
    Support,
    /// Nothing.
    Auditor,
}

/// An operator as the vault keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// It was one, and is none any more.
    #[serde(default)]
    pub closed: bool,
}

impl Operator {
    /// Of a name without a record: made before there were roles.
    fn first() -> Self {
        Self {
            roles: BTreeSet::from([Role::Admin]),
            closed: false,
        }
    }

    /// Whether it has this role, or all.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        !self.closed && (self.roles.contains(&role) || self.roles.contains(&Role::Admin))
    }

    /// Whether it may ask this: a method, and a route of `/v1` as it is written in the document.
    #[must_use]
    pub fn may(&self, method: &Method, route: &str) -> bool {
        !self.closed
            && needed(method, route).is_none_or(|any| any.iter().any(|role| self.is(*role)))
    }
}

/// Which roles open a route, any of them; none where all operators may.
fn needed(method: &Method, route: &str) -> Option<&'static [Role]> {
    // A person's data, and a shop's keys.
    let guarded = [
        "/v1/users/{id}",
        "/v1/users/{id}/reads",
        "/v1/merchants/{id}/alipay_app",
    ];
    if method.is_safe() && !guarded.contains(&route) {
        return None;
    }
    let path = route.strip_prefix("/v1/").unwrap_or_default();
    let area = path.split('/').next().unwrap_or_default();
    // Reading a code changes nothing. One's own key can be revoked by everybody; the operation itself
    // looks whose it is.
    if ["/v1/codes/read", "/v1/keys/revoke"].contains(&route) {
        return None;
    }
    // What is new is closed until it stands here.
    Some(match area {
        "merchants" | "applications" => &[Role::Merchants],
        "campaigns" => &[Role::Campaigns],
        "users" | "notifications" | "orders" | "transfers" => &[Role::Support],
        "brands" if route.ends_with("/capital") || route.ends_with("/withdrawal_terms") => {
            &[Role::Finance]
        }
        // Which one it takes depends on what is to be approved.
        "approvals" => &[Role::Finance, Role::Campaigns],
        _ => &[Role::Admin],
    })
}

/// Operators seen so far.
#[derive(Default)]
pub struct Operators {
    seen: RwLock<HashMap<Number, Operator>>,
}

const PREFIX: &str = "operator/";

impl Operators {
    /// An operator; whoever has a key and no record was made before there were roles.
    ///
    /// # Errors
    /// [`PlatformError`] of the vault.
    pub fn get(&self, vault: &Vault, name: Number) -> Result<Operator, PlatformError> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(operator) = seen.get(&name) {
            return Ok(operator.clone());
        }
        drop(seen);
        let operator = Self::find(vault, name)?.unwrap_or_else(Operator::first);
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        // What was written meanwhile is newer.
        Ok(seen.entry(name).or_insert(operator).clone())
    }

    /// An operator who was written down.
    ///
    /// # Errors
    /// [`PlatformError`] of the vault.
    pub fn find(vault: &Vault, name: Number) -> Result<Option<Operator>, PlatformError> {
        read_record(vault, &record(name))
    }

    /// Writes an operator down. It counts from the next request on.
    ///
    /// # Errors
    /// [`PlatformError`] of the vault.
    pub fn put(
        &self,
        vault: &Vault,
        name: Number,
        operator: Operator,
    ) -> Result<(), PlatformError> {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        write_record(vault, &record(name), &operator)?;
        seen.insert(name, operator);
        Ok(())
    }

    /// The names of all who were written down.
    ///
    /// # Errors
    /// [`PlatformError`] of the vault.
    pub fn names(vault: &Vault) -> Result<Vec<Number>, PlatformError> {
        let names = vault.secrets_with_prefix(PREFIX)?;
        let name = |text: &String| Number::new(text.strip_prefix(PREFIX)?).ok();
        Ok(names.iter().filter_map(name).collect())
    }
}

fn record(name: Number) -> String {
    format!("{PREFIX}{}", name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(role: Role) -> Operator {
        Operator {
            roles: BTreeSet::from([role]),
            closed: false,
        }
    }

    #[test]
    fn each_role_opens_its_own_doors() {
        use Role::{Admin, Auditor, Campaigns, Finance, Merchants, Support};
        let rows: [(Method, &str, &[Role]); 18] = [
            (
                Method::GET,
                "/v1/merchants",
                &[Admin, Merchants, Campaigns, Finance, Support, Auditor],
            ),
            (Method::GET, "/v1/users/{id}", &[Admin, Support]),
            (
                Method::GET,
                "/v1/users/{id}/balance",
                &[Admin, Merchants, Campaigns, Finance, Support, Auditor],
            ),
            (Method::POST, "/v1/users/{id}/reads", &[Admin, Support]),
            (Method::POST, "/v1/users/{id}/status", &[Admin, Support]),
            (Method::PATCH, "/v1/merchants/{id}", &[Admin, Merchants]),
            (
                Method::GET,
                "/v1/merchants/{id}/alipay_app",
                &[Admin, Merchants],
            ),
            (
                Method::POST,
                "/v1/merchants/{id}/alipay_app",
                &[Admin, Merchants],
            ),
            (
                Method::POST,
                "/v1/applications/{id}/approve",
                &[Admin, Merchants],
            ),
            (
                Method::POST,
                "/v1/campaigns/{id}/budget",
                &[Admin, Campaigns],
            ),
            (Method::POST, "/v1/brands/{id}/capital", &[Admin, Finance]),
            (
                Method::PUT,
                "/v1/brands/{id}/withdrawal_terms",
                &[Admin, Finance],
            ),
            (Method::PUT, "/v1/users/{id}/tier", &[Admin, Support]),
            (Method::POST, "/v1/brands", &[Admin]),
            (
                Method::POST,
                "/v1/approvals/{id}/approve",
                &[Admin, Campaigns, Finance],
            ),
            (Method::POST, "/v1/operators", &[Admin]),
            (Method::DELETE, "/v1/operators/{name}", &[Admin]),
            (Method::POST, "/v1/what/is/new", &[Admin]),
        ];
        for (method, route, may) in rows {
            for role in [Admin, Merchants, Campaigns, Finance, Support, Auditor] {
                let operator = with(role);
                assert_eq!(
                    operator.may(&method, route),
                    may.contains(&role),
                    "{role:?} {method} {route}"
                );
            }
        }
    }

    #[test]
    fn whoever_is_closed_may_nothing() {
        let gone = Operator {
            closed: true,
            ..with(Role::Admin)
        };
        assert!(!gone.may(&Method::GET, "/v1/brands"));
        assert!(!gone.is(Role::Admin));
    }
}

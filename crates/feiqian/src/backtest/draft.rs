//! Reads a draft: what POST /v1/campaigns takes.

use std::path::Path;

use feiqian_core::Fen;
use feiqian_core::campaign::terms::Terms;
use feiqian_gateway::v1::campaigns::terms::NewCampaign;

use crate::Failure;

/// A draft and its budget.
pub struct Draft {
    pub terms: Terms,
    pub budget: Fen,
}

/// Reads it. A draft draws the same each time it is tried.
pub fn read(path: &Path) -> Result<Draft, Failure> {
    let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let draft: NewCampaign = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let budget = draft.budget.into();
    let terms = draft.terms.into_core(0).map_err(|error| wrong(&error))?;
    Ok(Draft { terms, budget })
}

//! The word with which everybody who knows it claims a coupon of one campaign.
//!
//! It lies in what the campaign's terms echo for this API.

use feiqian_core::campaign::Terms;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const ECHO: &str = "v1 code ";

/// 4 to 16 capitals and digits: shorter than the unique codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9A-Z]{4,16}$", example = "SPRING26")]
pub struct SharedCode(String);

impl TryFrom<String> for SharedCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let good = (4..=16).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        good.then_some(Self(text))
            .ok_or("a shared code has 4 to 16 characters of A-Z 0-9")
    }
}

impl SharedCode {
    /// As it lies in the terms.
    pub fn echo(&self) -> String {
        format!("{ECHO}{}", self.0)
    }

    /// That of a campaign, if it has one.
    pub fn of(terms: &Terms) -> Option<Self> {
        let code = terms.echo.as_deref()?.strip_prefix(ECHO)?;
        Some(Self(code.to_owned()))
    }

    /// Whether this is what a shopper typed.
    pub fn is(&self, typed: &str) -> bool {
        self.0.eq_ignore_ascii_case(typed.trim())
    }
}

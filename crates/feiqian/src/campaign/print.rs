//! Answers of the server, for people.

use feiqian_core::Fen;
use serde_json::Value;

use super::Server;

/// Prints an answer: as lines, or as it came.
pub fn answer(server: &Server, value: &Value, lines: impl Fn(&Value)) {
    if server.json {
        crate::say!("{value}");
    } else {
        lines(value);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn yuan(value: &Value) -> Fen {
    Fen(value.as_i64().unwrap_or_default())
}

/// A campaign on a line.
pub fn line(campaign: &Value) {
    crate::say!(
        "{} {}: {}, {} of {} yuan left, {} spent, {} promised",
        text(&campaign["id"]),
        text(&campaign["terms"]["name"]),
        text(&campaign["status"]),
        yuan(&campaign["left"]),
        yuan(&campaign["budget"]),
        yuan(&campaign["spent"]),
        yuan(&campaign["promised"]),
    );
}

/// A campaign with all that is known of it.
pub fn campaign(campaign: &Value) {
    line(campaign);
    crate::say!(
        "added by {}; {} payers, {} coupons; {} yuan from the platform, {} left of a merchant's \
         advance, {} in rebates that wait",
        text(&campaign["added_by"]),
        campaign["users"],
        campaign["coupons"],
        yuan(&campaign["subsidy"]),
        yuan(&campaign["fund"]),
        yuan(&campaign["pending"]),
    );
    crate::say!("{:#}", campaign["terms"]);
}

/// A change of a budget.
pub fn budget(change: &Value) {
    crate::say!(
        "{}: {} yuan, was {}",
        text(&change["campaign_id"]),
        yuan(&change["to"]),
        yuan(&change["from"]),
    );
}

/// What an order would cost.
pub fn quote(quote: &Value) {
    crate::say!(
        "{}: {} yuan to pay of {}",
        text(&quote["order_id"]),
        yuan(&quote["payable"]),
        yuan(&quote["amount"]),
    );
    for discount in quote["discounts"].as_array().into_iter().flatten() {
        crate::say!("  {} less: {}", yuan(&discount["amount"]), named(discount));
    }
    if quote["rebate"].is_object() {
        let rebate = &quote["rebate"];
        let when = rebate["due"].as_str().unwrap_or("at once");
        crate::say!(
            "  {} back, {when}: {}",
            yuan(&rebate["amount"]),
            named(rebate)
        );
    }
    if quote["earned"].is_object() {
        crate::say!("  a coupon: {}", named(&quote["earned"]));
    }
    for passed in quote["passed_over"].as_array().into_iter().flatten() {
        let why = text(&passed["why"]).replace('_', " ");
        crate::say!("  not {}: {why}", named(passed));
    }
    if let Some(campaign) = quote["told"].as_str() {
        crate::say!("  {campaign} has nothing left: a payment must say at_most");
    }
}

fn named(of: &Value) -> String {
    format!("{} ({})", text(&of["campaign"]), text(&of["campaign_id"]))
}

//! Amounts as Alipay writes them: yuan with two decimals, as a text.

use feiqian_core::Fen;
use serde_json::Value;

/// Most that one trade is for: 100,000,000.00 yuan.
pub const TRADE_MAX: Fen = Fen(10_000_000_000);

/// `0.01` to `100000000.00`, as a text or a number of JSON; at most two decimals.
#[must_use]
pub fn read(value: &Value) -> Option<Fen> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let (yuan, part) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !digits(yuan) || !digits(part) || yuan.len() > 9 || part.len() > 2 {
        return None;
    }
    let fen: i64 = format!("{yuan}{part:0<2}").parse().ok()?;
    Some(Fen(fen)).filter(|amount| amount.is_amount() && *amount <= TRADE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_to_the_fen_and_nothing_is_rounded() {
        let read = |text: &str| read(&serde_json::from_str(text).unwrap()).map(|fen| fen.0);
        for (text, fen) in [
            ("\"0.01\"", 1),
            ("0.01", 1),
            ("\"88\"", 8_800),
            ("88.8", 8_880),
            ("\"88.80\"", 8_880),
            ("88.0", 8_800),
            ("\"100000000.00\"", 10_000_000_000),
            ("\"007\"", 700),
        ] {
            assert_eq!(read(text), Some(fen), "{text}");
        }
        for text in [
            "0",
            "\"0.00\"",
            "\"100000000.01\"",
            "0.001",
            "\"0.001\"",
            "-1",
            "\"-1\"",
            "\"+1\"",
            "\"\"",
            "\".5\"",
            "\"5.\"",
            "\"1e2\"",
            "1e20",
            "null",
            "true",
            "[1]",
            "\" 1\"",
            "\"1,000\"",
            "\"\u{ff11}\"",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

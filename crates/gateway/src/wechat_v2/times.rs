//! Times as v2 writes them: `20091225091010`, China's clock.

use feiqian_core::UnixMillis;

use crate::wechat::times::{self, bill_time};

/// `20091225091010`.
pub(super) fn stamp(at: UnixMillis) -> String {
    bill_time(at).chars().filter(char::is_ascii_digit).collect()
}

/// Reads `20091225091010`.
pub(super) fn read(text: &str) -> Option<UnixMillis> {
    if text.len() != 14 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (date, time) = text.split_at(8);
    let day = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    let clock = format!("{}:{}:{}", &time[..2], &time[2..4], &time[4..]);
    times::read(&format!("{day}T{clock}+08:00"))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn times_are_fourteen_digits() {
        let at = read("20260101000000").unwrap();
        assert_eq!(at, times::read("2025-12-31T16:00:00Z").unwrap());
        assert_eq!(stamp(at), "20260101000000");
        for bad in [
            "",
            "2026010100000",
            "20261301000000",
            "2026-01-01 0000",
            "店店店店12",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

//! Times as WeChat Pay writes them: China's clock, `+08:00` (contract 2.5).

use feiqian_core::UnixMillis;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::ids::china;

/// `2015-05-20T13:29:35+08:00`.
pub(crate) fn rfc3339(at: UnixMillis) -> String {
    written(china(at.0), 'T') + "+08:00"
}

/// `2015-05-20 13:29:35`, as bills have it.
pub fn bill_time(at: UnixMillis) -> String {
    written(china(at.0), ' ')
}

/// Reads `2015-05-20 13:29:35`, China's clock.
pub(crate) fn read_bill_time(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.split_once(' ')?;
    read(&format!("{date}T{time}+08:00"))
}

/// China's date.
pub(crate) fn date(at: UnixMillis) -> Date {
    china(at.0).date()
}

/// When a day begins in China.
pub(crate) fn start_of(day: Date) -> Option<UnixMillis> {
    let start = Offset::constant(8).to_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
    start.ok().map(|start| UnixMillis(start.as_millisecond()))
}

/// Reads `2018-06-08T10:34:56+08:00`, any offset.
pub(crate) fn read(text: &str) -> Option<UnixMillis> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(UnixMillis(at.as_millisecond()))
}

fn written(at: DateTime, between: char) -> String {
    let (date, hour, minute, second) = (at.date(), at.hour(), at.minute(), at.second());
    format!("{date}{between}{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn china_is_eight_hours_ahead() {
        let at = read("2025-12-31T16:00:00Z").unwrap();
        assert_eq!(rfc3339(at), "2026-01-01T00:00:00+08:00");
        assert_eq!(bill_time(at), "2026-01-01 00:00:00");
        assert_eq!(date(at).to_string(), "2026-01-01");
        assert_eq!(start_of(date(at)), Some(at));
        assert_eq!(read("2026-01-01T00:00:00.000+08:00"), Some(at));
        for bad in [
            "tomorrow",
            "2026-13-45T00:00:00+08:00",
            "2026-01-01",
            "",
            "1",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

//! What people spend money on: the trades of merchants (ISO 18245) in a dozen groups that a chart can
//! show.

use feiqian_core::merchant::Category;

/// The group of a trade. A word for programs; the wallet has the words for people.
#[must_use]
pub fn category(code: Category) -> &'static str {
    match code.0 {
        5411 | 5422 | 5441 | 5451 | 5462 | 5499 | 5921 => "groceries",
        5811..=5814 => "dining",
        3000..=3999 | 4411 | 4511 | 4722 | 7011 | 7012 | 7032 | 7033 => "travel",
        4000..=4799 | 5511..=5599 | 7511..=7549 => "transport",
        4800..=4999 => "utilities",
        5122 | 5912 | 5975 | 5976 | 8000..=8099 => "health",
        5192 | 5733 | 5735 | 5815..=5818 | 5942 | 5945 | 5994 | 7800..=7999 => "leisure",
        8200..=8299 | 8351 => "education",
        5200..=5299 | 5700..=5732 | 5734 => "home",
        5137 | 5139 | 5600..=5699 => "clothing",
        5300..=5399 | 5000..=5199 | 5900..=5999 => "shopping",
        1500..=2999 | 7200..=7299 | 7300..=7399 | 7600..=7699 | 8100..=8199 | 8300..=8999 => {
            "services"
        }
        9000..=9999 => "government",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_trades_are_where_people_look_for_them() {
        for (code, group) in [
            (5411, "groceries"),
            (5812, "dining"),
            (4111, "transport"),
            (4511, "travel"),
            (5541, "transport"),
            (4814, "utilities"),
            (5912, "health"),
            (7832, "leisure"),
            (8220, "education"),
            (5651, "clothing"),
            (5311, "shopping"),
            (7230, "services"),
            (9311, "government"),
            (763, "other"),
        ] {
            assert_eq!(category(Category(code)), group, "{code}");
        }
    }
}

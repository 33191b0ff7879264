//! The trade bill: one day's payments and refunds as text (contract 4.12).
//!
//! UTF-8 with a byte-order mark; a header line; rows with a backtick before each value, so that
//! spreadsheets do not turn long numbers into floats; a summary header and row; CRLF after every
//! line. Amounts in yuan with two decimals, computed from integers.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use flate2::{Compression, GzBuilder};

use super::ids::hex;

const BYTE_ORDER_MARK: &str = "\u{feff}";
const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,\
    交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,\
    退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const SUMMARY_HEADER: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,\
    申请退款总金额";

/// One line of the bill: a payment, or a refund. Texts are made safe here; amounts are in fen.
///
/// Of a payment the refund fields are empty and zero; of a refund, `settlement` and `order_total`
/// are zero and `fee` is negative when it is given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row<'a> {
    /// 交易时间, `2026-01-01 12:00:00`, +08:00.
    pub time: &'a str,
    /// 公众账号ID.
    pub appid: &'a str,
    /// 商户号.
    pub mchid: &'a str,
    /// 特约商户号, `0` for none.
    pub sub_mchid: &'a str,
    /// 设备号.
    pub device: &'a str,
    /// 微信订单号.
    pub transaction_id: &'a str,
    /// 商户订单号.
    pub out_trade_no: &'a str,
    /// 用户标识.
    pub openid: &'a str,
    /// 交易类型: NATIVE, JSAPI, MICROPAY ….
    pub trade_type: &'a str,
    /// 交易状态: SUCCESS, REFUND, REVOKED.
    pub trade_state: &'a str,
    /// 付款银行, or what paid.
    pub bank: &'a str,
    /// 货币种类: CNY.
    pub currency: &'a str,
    /// 应结订单金额, fen: what the merchant is to receive before fees.
    pub settlement: i64,
    /// 代金券金额, fen.
    pub coupon: i64,
    /// 微信退款单号.
    pub refund_id: &'a str,
    /// 商户退款单号.
    pub out_refund_no: &'a str,
    /// 退款金额, fen.
    pub refund: i64,
    /// 充值券退款金额, fen.
    pub coupon_refund: i64,
    /// 退款类型: ORIGINAL, BALANCE.
    pub refund_type: &'a str,
    /// 退款状态: SUCCESS, PROCESSING ….
    pub refund_state: &'a str,
    /// 商品名称.
    pub description: &'a str,
    /// 商户数据包 (`attach`).
    pub attach: &'a str,
    /// 手续费, fen.
    pub fee: i64,
    /// 费率, `0.60%`.
    pub rate: &'a str,
    /// 订单金额, fen.
    pub order_total: i64,
    /// 申请退款金额, fen.
    pub requested_refund: i64,
    /// 费率备注.
    pub rate_note: &'a str,
}

/// A bill being written, row by row. No rows give a bill without rows, not an error: whether such a
/// day has a bill is the caller's to say (`NO_STATEMENT_EXIST`).
#[derive(Clone, Debug)]
pub struct TradeBill {
    text: String,
    rows: usize,
    // i128 cannot overflow: fewer than 2^64 rows of i64.
    settlement: i128,
    refund: i128,
    coupon_refund: i128,
    fee: i128,
    order_total: i128,
    requested_refund: i128,
}

impl Default for TradeBill {
    fn default() -> Self {
        Self {
            text: format!("{BYTE_ORDER_MARK}{HEADER}\r\n"),
            rows: 0,
            settlement: 0,
            refund: 0,
            coupon_refund: 0,
            fee: 0,
            order_total: 0,
            requested_refund: 0,
        }
    }
}

impl TradeBill {
    /// Adds a row.
    pub fn push(&mut self, row: &Row<'_>) {
        push_row(&mut self.text, &values(row));
        self.rows += 1;
        self.settlement += i128::from(row.settlement);
        self.refund += i128::from(row.refund);
        self.coupon_refund += i128::from(row.coupon_refund);
        self.fee += i128::from(row.fee);
        self.order_total += i128::from(row.order_total);
        self.requested_refund += i128::from(row.requested_refund);
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The bill as downloaded.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.text.push_str(SUMMARY_HEADER);
        self.text.push_str("\r\n");
        let summary = [
            self.rows.to_string(),
            yuan(self.settlement),
            yuan(self.refund),
            yuan(self.coupon_refund),
            yuan(self.fee),
            yuan(self.order_total),
            yuan(self.requested_refund),
        ];
        push_row(&mut self.text, &summary);
        self.text.into_bytes()
    }
}

/// SHA-1 in lower-case hexadecimal digits, as `hash_value` has it: over the **uncompressed** bill.
/// A check against damage, not against forgery.
#[must_use]
pub fn sha1_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
}

/// The bill for `tar_type=GZIP` (RFC 1952). The same bill gives the same bytes: no time, no name.
///
/// # Panics
/// Never: writing to memory does not fail.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("memory takes every byte")
}

fn values(row: &Row<'_>) -> [String; 27] {
    let fen = |amount: i64| yuan(i128::from(amount));
    [
        clean(row.time),
        clean(row.appid),
        clean(row.mchid),
        clean(row.sub_mchid),
        clean(row.device),
        clean(row.transaction_id),
        clean(row.out_trade_no),
        clean(row.openid),
        clean(row.trade_type),
        clean(row.trade_state),
        clean(row.bank),
        clean(row.currency),
        fen(row.settlement),
        fen(row.coupon),
        clean(row.refund_id),
        clean(row.out_refund_no),
        fen(row.refund),
        fen(row.coupon_refund),
        clean(row.refund_type),
        clean(row.refund_state),
        clean(row.description),
        clean(row.attach),
        fen(row.fee),
        clean(row.rate),
        fen(row.order_total),
        fen(row.requested_refund),
        clean(row.rate_note),
    ]
}

pub(super) fn push_row(bill: &mut String, values: &[String]) {
    bill.push('`');
    bill.push_str(&values.join(",`"));
    bill.push_str("\r\n");
}

/// No character that splits rows or values for any reader: those become their full-width twins or
/// blanks, so that a person still reads the same.
pub(super) fn clean(text: &str) -> String {
    let safe = |letter: char| match letter {
        ',' => '，',
        '`' => '｀',
        '\u{2028}' | '\u{2029}' | '\u{feff}' => ' ',
        other if other.is_control() => ' ',
        other => other,
    };
    text.chars().map(safe).collect()
}

/// Fen as yuan: `-1` is `-0.01`.
pub(super) fn yuan(fen: i128) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn trade_bill(rows: &[Row<'_>]) -> Vec<u8> {
        let mut bill = TradeBill::default();
        rows.iter().for_each(|row| bill.push(row));
        assert_eq!(bill.rows(), rows.len());
        bill.finish()
    }

    /// As wechatpay-axios-plugin's `Formatter.castCsvBill` reads a bill (contract 1.3).
    fn read(bill: &[u8]) -> Vec<Vec<String>> {
        let text = std::str::from_utf8(&bill[3..]).unwrap();
        let lines = text.strip_suffix("\r\n").unwrap().split("\r\n");
        let values = |line: &str| match line.strip_prefix('`') {
            Some(row) => row.split(",`").map(str::to_owned).collect(),
            None => line.split(',').map(str::to_owned).collect(),
        };
        lines.map(values).collect()
    }

    fn payment() -> Row<'static> {
        Row {
            time: "2026-01-01 12:00:00",
            mchid: "1900000001",
            currency: "CNY",
            settlement: 100,
            order_total: 105,
            coupon: 5,
            fee: 1,
            rate: "0.60%",
            ..Row::default()
        }
    }

    #[test]
    fn the_bytes_of_a_bill() {
        let refund = Row {
            refund: 7,
            requested_refund: 7,
            fee: -1,
            refund_id: "50",
            ..Row::default()
        };
        let text = String::from_utf8(trade_bill(&[payment(), refund])).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(
            lines[0].starts_with("\u{feff}交易时间,公众账号ID,商户号,") && !lines[0].contains(' ')
        );
        assert_eq!(
            lines[1],
            "`2026-01-01 12:00:00,`,`1900000001,`,`,`,`,`,`,`,`,`CNY,`1.00,`0.05,`,`,`0.00,`0.00,`,`,`,`,`0.01,`0.60%,`1.05,`0.00,`"
        );
        assert_eq!(
            lines[2],
            "`,`,`,`,`,`,`,`,`,`,`,`,`0.00,`0.00,`50,`,`0.07,`0.00,`,`,`,`,`-0.01,`,`0.00,`0.07,`"
        );
        assert_eq!(
            lines[3],
            "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
        );
        assert_eq!(lines[4], "`2,`1.00,`0.07,`0.00,`0.00,`1.05,`0.07");
        assert_eq!(lines[5..], [""]);
    }

    #[test]
    fn every_line_has_its_columns_whatever_the_texts() {
        let hostile = "a,`b,`c`\r\nd\n\r\u{2028}\u{85}\t\"=cmd()\u{feff},";
        let row = Row {
            description: hostile,
            attach: hostile,
            out_trade_no: "`",
            bank: ",",
            rate_note: "\r\n",
            ..payment()
        };
        for rows in [vec![], vec![row], vec![row; 3]] {
            let bill = trade_bill(&rows);
            assert_eq!(bill[..3], [0xEF, 0xBB, 0xBF]);
            let lines = read(&bill);
            assert_eq!(lines.len(), rows.len() + 3);
            let (summary, rows) = lines.split_at(rows.len() + 1);
            assert!(summary.iter().all(|line| line.len() == 27), "{summary:?}");
            assert!(rows.iter().all(|line| line.len() == 7), "{rows:?}");
        }
        assert!(clean(hostile).starts_with("a，｀b"));
    }

    #[test]
    fn yuan_from_fen() {
        for (fen, text) in [
            (0, "0.00"),
            (1, "0.01"),
            (-1, "-0.01"),
            (100, "1.00"),
            (-12_345, "-123.45"),
        ] {
            assert_eq!(yuan(fen), text);
        }
        assert_eq!(yuan(i128::from(i64::MIN)), "-92233720368547758.08");
    }

    #[test]
    fn hash_and_gzip() {
        // FIPS 180-4 example.
        assert_eq!(sha1_hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let bill = trade_bill(&[payment(); 100]);
        let packed = gzip(&bill);
        assert!(packed.len() < bill.len() / 10 && packed == gzip(&bill));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, bill);
    }
}

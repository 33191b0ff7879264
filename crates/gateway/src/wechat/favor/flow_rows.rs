//! A stock's uses and refunds as text: a header line, rows with a backtick before each value, and what they
//! add up to. Amounts in yuan.

use feiqian_core::Fen;
use feiqian_core::order::create::Channel;

use crate::wechat::csv::{clean, push_row, yuan};
use crate::wechat::order_object::trade_type;

const USES: &str = "批次ID,优惠ID,优惠类型,优惠金额（元）,订单总金额（元）,交易类型,支付单号,消耗时间,消耗商户号,\
    设备号,银行流水号,单品信息";
const REFUNDS: &str = "批次ID,优惠ID,优惠类型,优惠金额（元）,订单总金额（元）,交易类型,支付单号,消耗时间,消耗商户号,\
    退款单号,退款优惠金额（元）,退款时间";
const SUMMARY: &str = "总条数,优惠总金额（元）";

/// A use of a coupon.
pub(super) struct Use<'a> {
    pub stock_id: &'a str,
    pub coupon_id: String,
    pub amount: Fen,
    pub order_amount: Fen,
    pub channel: Channel,
    pub transaction_id: String,
    pub time: String,
    pub mchid: String,
    pub device: String,
}

/// What a refund gave back of it.
pub(super) struct Back {
    pub refund_id: String,
    pub amount: Fen,
    pub time: String,
}

/// A file being written, row by row.
pub(crate) struct FlowFile {
    text: String,
    rows: usize,
    sum: i128,
}

impl FlowFile {
    pub(super) fn of_uses() -> Self {
        Self::new(USES)
    }

    pub(super) fn of_refunds() -> Self {
        Self::new(REFUNDS)
    }

    fn new(header: &str) -> Self {
        Self {
            text: format!("\u{feff}{header}\r\n"),
            rows: 0,
            sum: 0,
        }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push_use(&mut self, used: &Use<'_>) {
        let mut values = of_use(used);
        values.extend([clean(&used.device), String::new(), String::new()]);
        self.push(&values, used.amount);
    }

    pub(super) fn push_refund(&mut self, used: &Use<'_>, back: &Back) {
        let mut values = of_use(used);
        let amount = yuan(i128::from(back.amount.0));
        values.extend([back.refund_id.clone(), amount, back.time.clone()]);
        self.push(&values, back.amount);
    }

    fn push(&mut self, values: &[String], amount: Fen) {
        push_row(&mut self.text, values);
        self.rows += 1;
        self.sum += i128::from(amount.0);
    }

    /// The file as downloaded.
    pub fn finish(mut self) -> Vec<u8> {
        self.text.push_str(SUMMARY);
        self.text.push_str("\r\n");
        push_row(&mut self.text, &[self.rows.to_string(), yuan(self.sum)]);
        self.text.into_bytes()
    }
}

fn of_use(used: &Use<'_>) -> Vec<String> {
    vec![
        used.stock_id.to_owned(),
        used.coupon_id.clone(),
        "全场券".into(),
        yuan(i128::from(used.amount.0)),
        yuan(i128::from(used.order_amount.0)),
        trade_type(used.channel).into(),
        used.transaction_id.clone(),
        used.time.clone(),
        used.mchid.clone(),
    ]
}

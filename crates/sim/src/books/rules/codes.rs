//! Pay codes: spent at a till, and the consent that a shopper is asked for.

use feiqian_core::order::decline::DeclineOrder;
use feiqian_core::order::spend_code::SpendCode;
use feiqian_core::order::{decline, spend_code};
use feiqian_core::user::UserStatus;
use feiqian_core::{Fen, Refusal};

use super::super::orders::Stage;
use super::super::{Books, Verdict, What};
use super::refused;

const STEP: i64 = 30_000;
const CONSENT: i64 = 5 * 60_000;
/// Above this everybody is asked.
const UNASKED_MAX: Fen = Fen(100_000);

impl Books {
    pub(super) fn spend_code(&self, now: i64, asked: &SpendCode) -> Verdict {
        use spend_code::Refusal as R;
        let order = self.orders.get(&asked.order.0.0);
        let asked_until = order.and_then(|order| {
            let unasked = asked.unasked.min(UNASKED_MAX);
            let end = order.expires_at.min(now + CONSENT);
            (order.amount > unasked.0).then_some(end)
        });
        let what = What::CodeSpent {
            asked: asked.clone(),
            asked_until,
        };
        self.numbered(what, now, || {
            let order = order.filter(|order| order.merchant == asked.merchant);
            let Some(order) = order else {
                return Some(R::OrderNotFound);
            };
            match order.stage {
                Stage::Open => {}
                Stage::Paid => return Some(R::AlreadyPaid),
                Stage::Closed | Stage::Reversed => return Some(R::OrderClosed),
            }
            if order.expires_at <= now {
                return Some(R::OrderExpired);
            }
            let Some(payer) = self.user(asked.payer) else {
                return Some(R::PayerNotFound);
            };
            let step = u64::try_from(now.div_euclid(STEP)).unwrap_or(0);
            let refusals = [
                (
                    order.only_payer.is_some() && order.only_payer != Some(asked.payer),
                    R::OtherPayer,
                ),
                (order.asked().is_some(), R::AnotherIsAsked),
                (payer.status != UserStatus::Active, R::PayerNotActive),
                (step.abs_diff(asked.code.step) > 1, R::NotNow),
            ];
            let first = refusals.into_iter().find(|(is, _)| *is);
            first.map(|(_, refusal)| refusal)
        })
        .map_refusal(R::CodeSpent, Refusal::SpendCode)
    }

    pub(super) fn decline_order(&self, now: i64, asked: &DeclineOrder) -> Verdict {
        use decline::Refusal as R;
        let refuse = |refusal| refused(Refusal::DeclineOrder(refusal));
        let id = asked.order.0.0;
        let Some(order) = self.orders.get(&id) else {
            return refuse(R::OrderNotFound);
        };
        if order.asked() != Some(asked.payer) {
            return refuse(R::NotAsked);
        }
        match order.stage {
            Stage::Open => super::operators::happens(
                now,
                What::OrderDeclined {
                    order: id,
                    merchant: order.merchant,
                    payer: asked.payer,
                },
            ),
            Stage::Closed => Verdict::Again(order.last(id)),
            Stage::Paid => refuse(R::AlreadyPaid),
            Stage::Reversed => refuse(R::NotAsked),
        }
    }
}

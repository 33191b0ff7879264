//! Orders: created, paid, closed, expired, undone, given back.

use feiqian_core::campaign::grant::Granted;
use feiqian_core::merchant::MerchantStatus;
use feiqian_core::numbers::Scope;
use feiqian_core::order::create::{CreateOrder, Notify, Terms};
use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::order::{OrderRef, close, create, expire, pay, refund, reverse};
use feiqian_core::user::UserStatus;
use feiqian_core::{Account, CampaignId, Fen, MerchantId, Number, Refusal};

use super::super::facts::asked_of_refund;
use super::super::orders::{Order, Stage};
use super::super::{Books, Fact, Verdict, What};
use super::choose::Choice;
use super::give_back::GivenBack;
use super::operators::happens;
use super::{is_amount, refused};

const DAY: i64 = 86_400_000;

/// `whole × part / of`, half-up; nothing of nothing. None is below zero.
pub(in super::super) fn part(whole: i64, part: i64, of: i64) -> i64 {
    let (product, of) = (i128::from(whole) * i128::from(part), i128::from(of.max(1)));
    let up = i128::from(product % of * 2 >= of);
    i64::try_from(product / of + up).unwrap_or(i64::MAX)
}

impl Books {
    pub(super) fn create(&self, now: i64, asked: &CreateOrder) -> Verdict {
        use create::Refusal as R;
        let terms = &asked.terms;
        let expires_at = terms.expires_at.map_or(now + 7 * DAY, |end| end.0);
        let what = What::OrderCreated {
            asked: asked.clone(),
            expires_at,
        };
        self.numbered(what, now, || {
            match self.merchant(asked.merchant) {
                None => return Some(R::MerchantNotFound),
                Some(shop) if shop.status != MerchantStatus::Active => {
                    return Some(R::MerchantNotActive);
                }
                Some(_) => {}
            }
            if !is_amount(terms.amount) {
                return Some(R::AmountOutOfRange);
            }
            if !texts_fit(terms) {
                return Some(R::TextTooLong);
            }
            if !(now + 1..=now + 7 * DAY).contains(&expires_at) {
                return Some(R::ExpiryOutOfRange);
            }
            let payer = terms.only_payer;
            payer
                .is_some_and(|payer| self.user(payer).is_none())
                .then_some(R::PayerNotFound)
        })
        .map_refusal(R::NumberReused, Refusal::CreateOrder)
    }

    pub(super) fn pay(&self, now: i64, asked: &PayOrder) -> Verdict {
        use pay::Refusal as R;
        let refuse = |refusal| refused(Refusal::PayOrder(refusal));
        let Some(order) = self.orders.get(&asked.order.0.0) else {
            return refuse(R::OrderNotFound);
        };
        match (order.stage, &order.paid) {
            (Stage::Open, _) => {}
            (Stage::Paid, Some(paid))
                if paid.payer == asked.payer && paid.attempt == asked.attempt =>
            {
                return Verdict::Again(paid.event);
            }
            (Stage::Paid, _) => return refuse(R::AlreadyPaid),
            (Stage::Closed | Stage::Reversed, _) => return refuse(R::OrderClosed),
        }
        if order.expires_at <= now {
            return refuse(R::OrderExpired);
        }
        let Some(payer) = self.user(asked.payer) else {
            return refuse(R::PayerNotFound);
        };
        let shown = order.shown.map(|(payer, _, _)| payer);
        let mut only = [order.only_payer, shown].into_iter().flatten();
        if only.any(|only| only != asked.payer) {
            return refuse(R::OtherPayer);
        }
        if payer.status != UserStatus::Active {
            return refuse(R::PayerNotActive);
        }
        let shop = self.merchants[order.merchant.0 as usize];
        if shop.status != MerchantStatus::Active {
            return refuse(R::MerchantNotActive);
        }
        let choice = self.choose(now, order, asked.payer);
        let payable = Fen(choice.payable);
        match asked.at_most {
            Some(most) if most < payable => return refuse(R::PriceChanged { payable }),
            None if choice.told => return refuse(R::CampaignSpent { payable }),
            Some(_) | None => {}
        }
        let available = self.balance(Account::Wallet(asked.payer));
        if available < choice.payable {
            return refuse(R::BalanceShort {
                available: Fen(available),
            });
        }
        if let Some(above) = self.above(now, asked.payer, choice.payable) {
            return refuse(R::AboveLimit { above });
        }
        self.paid(now, asked, order, choice)
    }

    /// Who gives what to whom, when nothing is in the way of a payment.
    fn paid(&self, now: i64, asked: &PayOrder, order: &Order, choice: Choice) -> Verdict {
        let brand = self.users[asked.payer.0 as usize].brand;
        let (wallet, shop) = (
            Account::Wallet(asked.payer),
            Account::Merchant(order.merchant),
        );
        let mut moves = vec![(wallet, shop, choice.payable)];
        let mut received = order.amount;
        let mut gives = |moves: &mut Vec<_>, id: CampaignId, amount: Fen, platform: Fen, to| {
            let funder = amount.0 - platform.0;
            moves.push((Account::Subsidy(id), to, platform.0));
            moves.push((Account::CampaignFund(id), to, funder));
            let own = self.campaigns.rows[id.0 as usize].funded_by() == Some(order.merchant);
            // What a merchant gives itself is no income.
            received -= if own && to == shop { funder } else { 0 };
        };
        for grant in &choice.granted.grants {
            gives(
                &mut moves,
                grant.campaign,
                grant.amount,
                grant.platform,
                shop,
            );
        }
        let mut rebate = Vec::new();
        if let Some(given) = &choice.granted.rebate {
            let waits = Account::PendingRebate(given.campaign);
            let to = if given.due.is_some() { waits } else { wallet };
            gives(
                &mut rebate,
                given.campaign,
                given.amount,
                given.platform,
                to,
            );
        }
        let rate = self.merchants[order.merchant.0 as usize].fee;
        let fee = part(received, i64::from(rate), 10_000);
        moves.push((shop, Account::FeeIncome(brand), fee));
        moves.append(&mut rebate);
        let nothing = choice.granted == Granted::default();
        let what = What::OrderPaid {
            asked: asked.clone(),
            merchant: order.merchant,
            brand,
            amount: order.amount,
            fee,
            granted: (!nothing).then_some(choice.granted),
        };
        happens(now, what).moving(moves)
    }

    /// The merchant's order of this name.
    fn order_of(&self, merchant: MerchantId, name: OrderRef) -> Option<(u64, &Order)> {
        let id = match name {
            OrderRef::Id(id) => id.0.0,
            OrderRef::Number(number) => self.order_named(merchant, number)?,
        };
        let order = self.orders.get(&id)?;
        (order.merchant == merchant).then_some((id, order))
    }

    fn order_named(&self, merchant: MerchantId, number: Number) -> Option<u64> {
        self.named(Scope::Orders(merchant), number)
            .map(|(event, _)| *event)
    }

    pub(super) fn close(&self, now: i64, merchant: MerchantId, name: OrderRef) -> Verdict {
        let refuse = |refusal| refused(Refusal::CloseOrder(refusal));
        let Some((id, order)) = self.order_of(merchant, name) else {
            return refuse(close::Refusal::OrderNotFound);
        };
        match (order.stage, &order.paid) {
            (Stage::Open, _) => Verdict::Happens(Fact {
                at: now,
                what: What::OrderClosed { order: id },
                moves: Vec::new(),
            }),
            (Stage::Closed | Stage::Reversed, None) => Verdict::Again(order.last(id)),
            (_, _) => refuse(close::Refusal::AlreadyPaid),
        }
    }

    /// The answer of a timer, or to who plays one.
    #[must_use]
    pub fn expire(&self, now: i64, id: u64) -> Verdict {
        use expire::Refusal as R;
        let refuse = |refusal| refused(Refusal::ExpireOrder(refusal));
        let Some(order) = self.orders.get(&id) else {
            return refuse(R::OrderNotFound);
        };
        if order.stage != Stage::Open {
            // What is settled may have left memory, and timers do not look further.
            let either = [R::NotOpen, R::OrderNotFound];
            return Verdict::Refused(either.map(Refusal::ExpireOrder).to_vec());
        }
        if now < order.expires_at {
            return refuse(R::NotDue);
        }
        Verdict::Happens(Fact {
            at: now,
            what: What::OrderExpired { order: id },
            moves: Vec::new(),
        })
    }

    pub(super) fn reverse(&self, now: i64, merchant: MerchantId, name: OrderRef) -> Verdict {
        use reverse::Refusal as R;
        let refuse = |refusal| refused(Refusal::ReverseOrder(refusal));
        let Some((id, order)) = self.order_of(merchant, name) else {
            return refuse(R::OrderNotFound);
        };
        let undone = |amount, back: Option<GivenBack>| {
            let (fee_returned, returned, moves) = match back {
                None => (0, None, Vec::new()),
                Some(back) => (back.fee, back.returned, back.moves),
            };
            let what = What::OrderReversed {
                order: id,
                amount,
                fee_returned,
                returned,
            };
            happens(now, what).moving(moves)
        };
        match (order.stage, &order.paid) {
            (Stage::Closed | Stage::Reversed, _) => Verdict::Again(order.last(id)),
            (Stage::Paid, Some(paid)) => {
                if paid.refunds > 0 {
                    return refuse(R::AlreadyRefunded);
                }
                if now - paid.at > 7 * DAY {
                    return refuse(R::TooLate);
                }
                let account = Account::Merchant(merchant);
                let available = self.balance(account);
                let back = self.give_back(now, order, paid, order.amount);
                if available + back.fee < back.from_merchant {
                    return refuse(R::BalanceShort {
                        available: Fen(available),
                    });
                }
                undone(order.amount, Some(back))
            }
            (Stage::Open | Stage::Paid, _) => undone(0, None),
        }
    }

    pub(super) fn refund(&self, now: i64, asked: &RefundOrder) -> Verdict {
        use refund::Refusal as R;
        let refuse = |refusal| refused(Refusal::RefundOrder(refusal));
        let found = self.order_of(asked.merchant, asked.order);
        let words = asked_of_refund(asked, found.map(|(id, _)| id));
        match self.named(Scope::Refunds(asked.merchant), asked.number) {
            Some((event, before)) if *before == words => return Verdict::Again(*event),
            Some(_) => return refuse(R::NumberReused),
            None => {}
        }
        let Some((id, order)) = found else {
            return refuse(R::OrderNotFound);
        };
        let paid = match (order.stage, &order.paid) {
            (Stage::Paid, Some(paid)) => paid,
            (Stage::Reversed, _) => return refuse(R::Reversed),
            (_, _) => return refuse(R::NotPaid),
        };
        let reason = asked.reason.as_deref().unwrap_or_default();
        let refundable = order.amount - paid.refunded;
        let early = [
            (
                asked.order_amount.0 != order.amount,
                R::OtherOrderAmount {
                    amount: Fen(order.amount),
                },
            ),
            (
                reason.chars().count() > 80 || !address_fits(asked.notify.as_deref()),
                R::TextTooLong,
            ),
            (now - paid.at > 365 * DAY, R::TooLate),
            (paid.refunds >= 50, R::TooMany),
            (
                !(1..=refundable).contains(&asked.amount.0),
                R::AboveRefundable {
                    refundable: Fen(refundable),
                },
            ),
        ];
        if let Some((_, refusal)) = early.into_iter().find(|(applies, _)| *applies) {
            return refuse(refusal);
        }
        let back = self.give_back(now, order, paid, asked.amount.0);
        let account = Account::Merchant(asked.merchant);
        let available = self.balance(account);
        if available + back.fee < back.from_merchant {
            return refuse(R::BalanceShort {
                available: Fen(available),
            });
        }
        let what = What::OrderRefunded {
            asked: asked.clone(),
            order: id,
            payer: paid.payer,
            fee_returned: back.fee,
            returned: back.returned,
        };
        happens(now, what).moving(back.moves)
    }
}

/// Moves of something; nothing is not moved.
pub(super) fn moves<const N: usize>(
    all: [(Account, Account, i64); N],
) -> Vec<(Account, Account, i64)> {
    all.into_iter().filter(|(_, _, fen)| *fen > 0).collect()
}

fn address_fits(notify: Option<&Notify>) -> bool {
    notify.is_none_or(|notify| (1..=256).contains(&notify.url.chars().count()))
}

fn texts_fit(terms: &Terms) -> bool {
    let characters = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
    (1..=127).contains(&terms.description.chars().count())
        && characters(&terms.attach) <= 128
        && address_fits(terms.notify.as_ref())
        && terms.echo.as_ref().map_or(0, String::len) <= 8_192
}

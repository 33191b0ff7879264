//! What goes back of a payment, and to whom.

use feiqian_core::campaign::Status;
use feiqian_core::campaign::grant::{Part, Rebate, RebateBack, RebateStage, Returned};
use feiqian_core::{Account, CampaignId, Fen};

use super::super::Books;
use super::super::orders::{Order, Paid};
use super::orders::{moves, part};

/// What goes back, and how.
pub struct GivenBack {
    /// Of the fee.
    pub fee: i64,
    /// None when no campaign had a part in the payment.
    pub returned: Option<Returned>,
    /// Fen that the merchant gives.
    pub from_merchant: i64,
    /// Who gives what to whom.
    pub moves: Vec<(Account, Account, i64)>,
}

impl Books {
    /// Gives back `amount` more of a payment.
    pub(super) fn give_back(&self, now: i64, order: &Order, paid: &Paid, amount: i64) -> GivenBack {
        let all = paid.refunded + amount;
        let fee = part(paid.fee, all, order.amount) - paid.fee_returned;
        let shop = Account::Merchant(order.merchant);
        let wallet = Account::Wallet(paid.payer);
        let income = Account::FeeIncome(paid.brand);
        let Some(granted) = &paid.granted else {
            return GivenBack {
                fee,
                returned: None,
                from_merchant: amount,
                moves: moves([(income, shop, fee), (shop, wallet, amount)]),
            };
        };
        // Of all that went back the campaigns' share, of that the first one's, and so on.
        let mut granted_left: i64 = granted.grants.iter().map(|grant| grant.amount.0).sum();
        let mut back_left = part(granted_left, all, order.amount);
        let payer = all - back_left - paid.returned.payer;
        let mut parts = Vec::new();
        for (grant, before) in granted.grants.iter().zip(&paid.returned.grants) {
            let own = part(grant.amount.0, back_left, granted_left);
            granted_left -= grant.amount.0;
            back_left -= own;
            let platform = part(grant.platform.0, own, grant.amount.0);
            parts.push(Part {
                campaign: grant.campaign,
                platform: Fen(platform - before.0),
                funder: Fen(own - platform - before.1),
            });
        }
        let mut all_moves = vec![(income, shop, fee), (shop, wallet, payer)];
        for part in &parts {
            self.to_campaign(&mut all_moves, shop, part);
        }
        let from_shop = all_moves.iter().filter(|(from, _, _)| *from == shop);
        let from_merchant = from_shop.map(|(_, _, fen)| fen).sum();
        let rebate = granted.rebate.map(|rebate| {
            let back = part(rebate.amount.0, all, order.amount);
            let platform = part(rebate.platform.0, back, rebate.amount.0);
            let before = paid.returned.rebate_platform;
            let part = Part {
                campaign: rebate.campaign,
                platform: Fen(platform - before),
                funder: Fen(back - platform - (paid.returned.rebate - before)),
            };
            self.take_back(&mut all_moves, paid, &rebate, part, payer)
        });
        all_moves.retain(|(_, _, fen)| *fen > 0);
        let returned = Returned {
            payer: Fen(payer),
            coupons: if all == order.amount {
                self.good_again(now, paid, &parts)
            } else {
                Vec::new()
            },
            grants: parts,
            rebate,
        };
        GivenBack {
            fee,
            returned: Some(returned),
            from_merchant,
            moves: all_moves,
        }
    }

    /// Coupons of a payment that are good again when all of it went back: their time is not over, and the
    /// budget covers them.
    fn good_again(&self, now: i64, paid: &Paid, parts: &[Part]) -> Vec<feiqian_core::CouponId> {
        let grants = paid.granted.iter().flat_map(|granted| &granted.grants);
        let good = grants.zip(parts).filter(|(grant, back)| {
            let id = grant.coupon.map_or(u64::MAX, |coupon| coupon.0.0);
            let coupon = self.campaigns.coupons.get(&id);
            let row = &self.campaigns.rows[grant.campaign.0 as usize];
            let left = self.left(grant.campaign) + back.platform.0 + back.funder.0;
            coupon.is_some_and(|coupon| coupon.used && now < coupon.until)
                && Self::worth(row) <= left
        });
        good.filter_map(|(grant, _)| grant.coupon).collect()
    }

    fn take_back(
        &self,
        all: &mut Vec<(Account, Account, i64)>,
        paid: &Paid,
        rebate: &Rebate,
        part: Part,
        refunded: i64,
    ) -> RebateBack {
        if !paid.returned.arrived {
            self.to_campaign(all, Account::PendingRebate(rebate.campaign), &part);
            return RebateBack {
                part,
                from: RebateStage::Waits,
                lost: Fen(0),
            };
        }
        let wallet = Account::Wallet(paid.payer);
        let has = self.balance(wallet) + refunded;
        // The funder is given its part first.
        let funder = part.funder.0.min(has);
        let platform = part.platform.0.min(has - funder);
        let (campaign, wants) = (part.campaign, part.platform.0 + part.funder.0);
        let of = |platform, funder| Part {
            campaign,
            platform: Fen(platform),
            funder: Fen(funder),
        };
        self.to_campaign(all, wallet, &of(platform, funder));
        let lost = of(part.platform.0 - platform, part.funder.0 - funder);
        self.to_campaign(all, Account::RebateLoss(paid.brand), &lost);
        RebateBack {
            part,
            from: RebateStage::Arrived,
            lost: Fen(wants - platform - funder),
        }
    }

    fn to_campaign(&self, all: &mut Vec<(Account, Account, i64)>, from: Account, part: &Part) {
        let id: CampaignId = part.campaign;
        let row = &self.campaigns.rows[id.0 as usize];
        all.push((from, Account::Subsidy(id), part.platform.0));
        let Some(merchant) = row.funded_by() else {
            return;
        };
        let to = if row.status == Status::Ended {
            Account::Merchant(merchant)
        } else {
            Account::CampaignFund(id)
        };
        // What would go from a merchant to itself stays.
        if to != from {
            all.push((from, to, part.funder.0));
        }
    }
}

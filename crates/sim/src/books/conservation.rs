//! Conservation, from the log alone: nothing else is looked at than what events say.

use std::collections::BTreeMap;

use super::packets_in_log::Packets;
use feiqian_core::campaign::grant::{Granted, Part, Returned};
use feiqian_core::{Account, CampaignId, Event};

/// What one part of one payment took and gave back, in fen.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    took: i64,
    returned: i64,
}

/// Parts of one order's payment.
#[derive(Debug, Default)]
struct Parts {
    amount: i64,
    refunded: i64,
    /// The payer's; then of each grant the platform's and the funder's; then those of the rebate.
    parts: Vec<Taken>,
}

/// What campaigns granted, and what went back.
#[derive(Debug, Default)]
pub struct Conservation {
    orders: BTreeMap<u64, Parts>,
    /// Each campaign's platform part, granted less returned.
    platform: BTreeMap<CampaignId, i64>,
    /// Each subsidy account, by postings.
    subsidy: BTreeMap<CampaignId, i64>,
    packets: Packets,
    /// The number of the next event.
    next: u64,
}

impl Conservation {
    /// Reads the next event.
    ///
    /// # Errors
    /// A part of which more went back than was taken; a packet that does not add up.
    pub fn read(&mut self, event: &Event) -> Result<(), String> {
        self.packets.read(self.next, event)?;
        self.next += 1;
        for posting in event.postings().map_or(&[][..], |postings| postings) {
            for (account, by) in [(posting.debit, 1), (posting.credit, -1)] {
                if let Account::Subsidy(id) = account {
                    *self.subsidy.entry(id).or_default() += by * posting.amount.0;
                }
            }
        }
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "the others grant and return nothing"
        )]
        match event {
            Event::OrderPaid(event) => {
                if let Some(granted) = &event.granted {
                    self.take(event.order.0.0, event.amount.0, granted);
                }
            }
            Event::OrderRefunded(event) => {
                let (id, amount) = (event.order.0.0, event.amount.0);
                return self.give_back(id, amount, event.returned.as_deref());
            }
            Event::OrderReversed(event) => {
                let (id, amount) = (event.order.0.0, event.amount.0);
                return self.give_back(id, amount, event.returned.as_deref());
            }
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self, order: u64, amount: i64, granted: &Granted) {
        let discount: i64 = granted.grants.iter().map(|grant| grant.amount.0).sum();
        let grants = granted.grants.iter();
        let grants = grants.map(|grant| (grant.campaign, grant.amount.0, grant.platform.0));
        let rebate = granted.rebate.iter();
        let rebate = rebate.map(|one| (one.campaign, one.amount.0, one.platform.0));
        let mut all = vec![amount - discount];
        for (campaign, amount, platform) in grants.chain(rebate) {
            *self.platform.entry(campaign).or_default() += platform;
            all.extend([platform, amount - platform]);
        }
        let taken = |took| Taken { took, returned: 0 };
        let parts = Parts {
            amount,
            refunded: 0,
            parts: all.into_iter().map(taken).collect(),
        };
        self.orders.insert(order, parts);
    }

    fn give_back(&mut self, id: u64, amount: i64, back: Option<&Returned>) -> Result<(), String> {
        let (order, back) = match (self.orders.get_mut(&id), back) {
            (None, None) => return Ok(()),
            (Some(order), Some(back)) => (order, back),
            (_, _) => return Err(format!("order {id} has grants or gives back, but not both")),
        };
        let rebate = back.rebate.iter().map(|back| &back.part);
        let mut all = vec![back.payer.0];
        for Part {
            campaign,
            platform,
            funder,
        } in back.grants.iter().chain(rebate)
        {
            *self.platform.entry(*campaign).or_default() -= platform.0;
            all.extend([platform.0, funder.0]);
        }
        order.refunded += amount;
        let whole = order.refunded == order.amount;
        let known = order.parts.len() == all.len() && order.refunded <= order.amount;
        for (part, more) in order.parts.iter_mut().zip(&all) {
            part.returned += more;
            let right =
                (0..=part.took).contains(&part.returned) && (!whole || part.returned == part.took);
            if !right || *more < 0 {
                return Err(format!(
                    "order {id} does not give back what it took: {order:?}"
                ));
            }
        }
        known
            .then_some(())
            .ok_or_else(|| format!("order {id} gives back {all:?} of {order:?}"))
    }

    /// Checks the sums, when all is read.
    ///
    /// # Errors
    /// A campaign whose subsidy is not what it granted and did not get back; a packet that never ended.
    pub fn finish(&self) -> Result<(), String> {
        if self.packets.open() > 0 {
            return Err(format!("packets are open at the end: {:?}", self.packets));
        }
        let nothing = |sums: &BTreeMap<CampaignId, i64>| -> BTreeMap<CampaignId, i64> {
            let some = sums.iter().filter(|(_, fen)| **fen != 0);
            some.map(|(id, fen)| (*id, *fen)).collect()
        };
        let (granted, posted) = (nothing(&self.platform), nothing(&self.subsidy));
        if granted == posted {
            return Ok(());
        }
        Err(format!(
            "campaigns granted {granted:?}, but their subsidies are {posted:?}"
        ))
    }
}

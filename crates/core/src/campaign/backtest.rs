//! What a draft would have done: past payments, with one campaign more.
//!
//! It follows a log with what campaigns ask for and nothing else: users, merchants, campaigns, coupons; no
//! orders, no numbers, and no balances but campaigns'. So its memory does not grow with the log. Before a payment is
//! applied, the draft stands beside the campaigns that ran then, and [`choose`] is asked.
//!
//! Nothing that the draft changes is fed back: shoppers pay as they did, and a campaign that it would have
//! displaced keeps what it granted. A draft of coupons is taken as if every payer held one until
//! all are used: the most that it can cost.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::campaign::choose::choose;
use crate::campaign::grant::{Rebate, Returned, Why};
use crate::campaign::terms::{CouponTerms, Flaw, Kind, Terms};
use crate::campaign::{Campaign, Had, Payer, Status, step};
use crate::event::Event;
use crate::ids::{CampaignId, Number, OrderId};
use crate::ledger::{Account, Postings, Side, move_side};
use crate::money::Fen;
use crate::order::pay::OrderPaid;
use crate::order::{Order, OrderState, grant_counted, returned_counted};
use crate::state::State;
use crate::table::Table;
use crate::time::{Day, UnixMillis};
use crate::{brand, campaign, merchant, user};

/// A draft beside what happened.
pub struct Backtest {
    state: State,
    draft: Campaign,
    had: Table<Payer, Had>,
    /// Times that it still gives; coupons are that many and no more.
    left: u32,
    given: HashMap<OrderId, Given, FixedState>,
}

/// What the draft would have given to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Given {
    amount: Fen,
    platform: Fen,
    /// The order's.
    order_amount: Fen,
    refunded: Fen,
}

/// What the draft would have done when something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Nothing.
    Nothing,
    /// It would have given so much to a payment.
    Gave {
        /// How much.
        amount: Fen,
        /// The platform's part of it.
        platform: Fen,
    },
    /// So much of it would have come back with a refund.
    GotBack {
        /// How much.
        amount: Fen,
        /// The platform's part of it.
        platform: Fen,
    },
    /// The payer is in its control group.
    HeldOut,
    /// It would have given, but for what is said: budget, day, or how many payers.
    Spent(Why),
}

/// A group that no other campaign is in: coupons go together with discounts.
const OWN_GROUP: u16 = u16::MAX;

impl Backtest {
    /// A draft that runs from one instant to before another.
    ///
    /// # Errors
    /// When its terms do not make sense.
    pub fn new(
        mut terms: Terms,
        budget: Fen,
        from: UnixMillis,
        until: UnixMillis,
    ) -> Result<Self, Flaw> {
        if let Some(flaw) = terms.flaw(budget) {
            return Err(flaw);
        }
        (terms.from, terms.until) = (from, until);
        let mut left = u32::MAX;
        if let Kind::Coupon(CouponTerms { most, per_user, .. }) = terms.kind {
            left = most;
            terms.kind = Kind::Discount;
            terms.group = terms.group.or(Some(OWN_GROUP));
            let times = terms
                .per_user
                .times
                .map_or(per_user, |times| times.min(per_user));
            terms.per_user.times = Some(times);
        }
        let mut draft = Campaign {
            added: Default::default(),
            by: Number::new("draft").expect("a number of five letters"),
            terms: Arc::new(terms),
            status: Status::Running,
            budget,
            spent: Fen::ZERO,
            promised: Fen::ZERO,
            subsidy: Fen::ZERO,
            fund: Fen::ZERO,
            pending: Fen::ZERO,
            day: Day::default(),
            day_spent: Fen::ZERO,
            users: 0,
            coupons: 0,
            last: Default::default(),
            coupons_most: None,
        };
        draft.fund = draft.funder_part(budget);
        Ok(Self {
            state: State::default(),
            draft,
            had: Table::default(),
            left,
            given: HashMap::default(),
        })
    }

    /// Reads the next event of a log, from its first on.
    pub fn read(&mut self, event: &Event) -> Did {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "a draft does nothing of other events"
        )]
        let did = match event {
            Event::OrderPaid(event) => self.pay(event),
            Event::OrderRefunded(event) => self.get_back(event.order, event.amount),
            Event::OrderReversed(event) => self.get_back(event.order, event.amount),
            _ => Did::Nothing,
        };
        apply(&mut self.state, event);
        self.state.next = self.state.next.next();
        did
    }

    /// What the draft gave and did not get back.
    #[must_use]
    pub fn spent(&self) -> Fen {
        self.draft.spent
    }

    fn pay(&mut self, event: &OrderPaid) -> Did {
        let draft = &self.draft;
        if self.left == 0 || !draft.runs(event.at) || !draft.terms.is_at(event.merchant) {
            return Did::Nothing;
        }
        let order = Order {
            merchant: event.merchant,
            amount: event.amount,
            only_payer: None,
            expires_at: event.at,
            state: OrderState::Open,
            last: event.order.0,
            shown: None,
        };
        let id = self.stand();
        let mut why = None;
        let choice = choose(&self.state, event.at, &order, event.payer, |of, reason| {
            why = why.or((of == id).then_some(reason));
        });
        let grant = choice
            .granted
            .grants
            .iter()
            .find(|grant| grant.campaign == id);
        let grant = grant.map(|grant| (grant.amount, grant.platform));
        let rebate = choice.granted.rebate.filter(|rebate| rebate.campaign == id);
        let did = match grant.or(rebate.map(|rebate| (rebate.amount, rebate.platform))) {
            Some((amount, platform)) => {
                self.grant(id, event, amount, platform);
                Did::Gave { amount, platform }
            }
            None if choice.granted.held_out.contains(&id) => Did::HeldOut,
            None => match why {
                Some(why @ (Why::BudgetSpent | Why::DaySpent | Why::UsersLimit)) => Did::Spent(why),
                Some(_) | None => Did::Nothing,
            },
        };
        self.stand_back(id);
        did
    }

    fn grant(&mut self, id: CampaignId, event: &OrderPaid, amount: Fen, platform: Fen) {
        let terms = self.draft_terms(id);
        let payer = self.state.counted(&terms, event.payer);
        self.state
            .campaigns
            .granted(id, payer, amount, event.at.day());
        let row = self.state.campaigns.row_mut(id);
        let funder = amount.minus(platform).expect("a part of it");
        row.fund = row.fund.minus(funder).expect("no more than there is");
        row.subsidy = row.subsidy.plus(platform).expect("within the budget");
        self.left = self.left.saturating_sub(1);
        let given = Given {
            amount,
            platform,
            order_amount: event.amount,
            refunded: Fen::ZERO,
        };
        self.given.insert(event.order, given);
    }

    fn draft_terms(&self, id: CampaignId) -> Arc<Terms> {
        self.state
            .campaign(id)
            .expect("it stands there")
            .terms
            .clone()
    }

    /// Puts the draft beside the campaigns that run, last of them.
    fn stand(&mut self) -> CampaignId {
        let campaigns = &mut self.state.campaigns;
        let id = CampaignId(u32::try_from(campaigns.rows.len()).expect("ids are 32 bits"));
        campaigns.rows.push(self.draft.clone());
        campaigns.had.push(core::mem::take(&mut self.had));
        campaigns.live.push(id);
        // It is for this merchant, which was asked before.
        campaigns.everywhere.push(id);
        id
    }

    /// Takes it away again: the next campaign that was added has its id.
    fn stand_back(&mut self, id: CampaignId) {
        let campaigns = &mut self.state.campaigns;
        assert!(campaigns.live.pop() == Some(id), "it stands last");
        campaigns.everywhere.pop();
        self.draft = campaigns.rows.pop().expect("it stands there");
        self.had = campaigns.had.pop().expect("it stands there");
    }

    fn get_back(&mut self, order: OrderId, amount: Fen) -> Did {
        let Some(given) = self.given.get_mut(&order) else {
            return Did::Nothing;
        };
        // One grant of a payment comes back as a rebate does: in proportion, to the fen.
        let whole = Rebate {
            campaign: CampaignId(0),
            amount: given.amount,
            platform: given.platform,
            due: None,
        };
        let refunded = given
            .refunded
            .plus(amount)
            .expect("within the order's amount");
        let part = whole.split(given.order_amount, given.refunded, refunded);
        given.refunded = refunded;
        if refunded == given.order_amount {
            self.given.remove(&order);
        }
        let draft = &mut self.draft;
        draft.spent = draft.spent.minus(part.amount()).expect("it was granted");
        draft.subsidy = draft.subsidy.minus(part.platform).expect("it was granted");
        draft.fund = draft.fund.plus(part.funder).expect("it came from there");
        Did::GotBack {
            amount: part.amount(),
            platform: part.platform,
        }
    }
}

/// Applies what campaigns ask for.
fn apply(state: &mut State, event: &Event) {
    match event {
        Event::BrandAdded(event) => brand::add::evolve(state, event),
        Event::UserAdded(event) => user::add::evolve(state, event),
        Event::TraitsSet(event) => user::set_traits::evolve(state, event),
        Event::UserTierSet(event) => user::set_tier::evolve(state, event),
        Event::MerchantAdded(event) => merchant::add::evolve(state, event),
        Event::CampaignAdded(event) => campaign::add::evolve(state, event),
        Event::CampaignStepped(event) => step::evolve(state, event),
        Event::BudgetChanged(event) => campaign::budget::evolve(state, event),
        Event::CampaignEnded(event) => campaign::end::evolve(state, event),
        Event::CouponGiven(event) => campaign::give::evolve(state, event),
        Event::Swept(event) => campaign::sweep::evolve(state, event),
        Event::CouponUsed(event) => campaign::use_coupon::evolve(state, event),
        Event::CouponReturned(event) => campaign::return_coupon::evolve(state, event),
        Event::CouponVoided(event) => campaign::void_coupon::evolve(state, event),
        Event::CouponsChanged(event) => campaign::coupons::evolve(state, event),
        Event::OrderPaid(event) => {
            if let Some(granted) = &event.granted {
                grant_counted(state, event, granted);
            }
            state.shoppers.paid(event.payer, event.amount, event.at);
        }
        Event::OrderRefunded(event) => count(state, event.returned.as_deref()),
        Event::OrderReversed(event) => count(state, event.returned.as_deref()),
        Event::RebatePaid(event) => {
            state.campaigns.rebate_is_paid(event.campaign, event.order);
        }
        Event::Opened(_)
        | Event::UserStatusSet(_)
        | Event::MerchantChanged(_)
        | Event::TopUpRequested(_)
        | Event::WithdrawalRequested(_)
        | Event::TransferAnswered(_)
        | Event::OrderCreated(_)
        | Event::CodeSpent(_)
        | Event::OrderDeclined(_)
        | Event::OrderClosed(_)
        | Event::OrderExpired(_)
        | Event::BrandFunded(_)
        | Event::WithdrawalTermsSet(_)
        | Event::SubsidyPaid(_)
        | Event::SubsidyReturned(_)
        | Event::PacketSent(_)
        | Event::ShareGrabbed(_)
        | Event::PacketExpired(_)
        | Event::MoneySent(_)
        | Event::RemittanceArrived(_)
        | Event::RemittanceTakenBack(_)
        | Event::RemittanceAccepted(_)
        | Event::RemittanceReturned(_)
        | Event::MoneyRequested(_)
        | Event::ShareDeclined(_)
        | Event::RequestCancelled(_)
        | Event::RequestExpired(_) => {}
    }
    if let Some(postings) = event.postings() {
        post_to_campaigns(state, postings);
    }
}

fn count(state: &mut State, returned: Option<&Returned>) {
    if let Some(returned) = returned {
        returned_counted(state, returned);
    }
}

/// Moves the campaigns' side of postings: choosing looks at what is left of a fund.
fn post_to_campaigns(state: &mut State, postings: &Postings) {
    let is_campaigns = |account| {
        matches!(
            account,
            Account::Subsidy(_) | Account::CampaignFund(_) | Account::PendingRebate(_)
        )
    };
    for posting in postings.iter() {
        for (account, side) in [(posting.debit, Side::Debit), (posting.credit, Side::Credit)] {
            if is_campaigns(account) {
                move_side(state, account, side, posting);
            }
        }
    }
}

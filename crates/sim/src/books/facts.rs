//! What happened, as the books have it; compared with what the log has.

use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::bank::withdraw::Withdraw;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::brand::fund::FundBrand;
use feiqian_core::brand::set_withdrawal_terms::SetWithdrawalTerms;
use feiqian_core::campaign::Terms as Campaign;
use feiqian_core::campaign::add::AddCampaign;
use feiqian_core::campaign::budget::ChangeBudget;
use feiqian_core::campaign::end::EndedBy;
use feiqian_core::campaign::give::GiveCoupon;
use feiqian_core::campaign::grant::{Granted, Returned};
use feiqian_core::campaign::step::StepCampaign;
use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::merchant::change::ChangeMerchant;
use feiqian_core::numbers::{Key, Scope};
use feiqian_core::order::create::{CreateOrder, Terms};
use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::order::spend_code::SpendCode;
use feiqian_core::packet::Kind;
use feiqian_core::packet::send::SendPacket;
use feiqian_core::remittance::send::SendMoney;
use feiqian_core::request::ask::RequestMoney;
use feiqian_core::user::add::AddUser;
use feiqian_core::user::set_status::SetUserStatus;
use feiqian_core::user::set_tier::SetTier;
use feiqian_core::user::set_traits::SetTraits;
use feiqian_core::{Account, BrandId, CampaignId, Event, MerchantId, Mode, Number, UserId};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Fact {
    /// When.
    pub at: i64,
    /// What.
    pub what: What,
    /// Money that moved: debited, credited, fen.
    pub moves: Vec<(Account, Account, i64)>,
}

/// What happened, mostly in the words of who asked for it.
#[derive(Clone, Debug)]
pub enum What {
    /// The log was opened.
    Opened(Mode),
    /// A brand was added.
    BrandAdded(AddBrand),
    /// The operator's money was put into a reserve.
    BrandFunded(FundBrand),
    /// A user was added.
    UserAdded(AddUser),
    /// A user's status was set.
    UserStatusSet(SetUserStatus),
    /// What campaigns may know of a user was set; the person, if it was not known before.
    TraitsSet(SetTraits),
    /// A merchant was added.
    MerchantAdded(AddMerchant),
    /// A merchant was changed.
    MerchantChanged(ChangeMerchant),
    /// The bank was asked for money.
    TopUpRequested(TopUp),
    /// Money is on its way to the bank.
    WithdrawalRequested {
        /// As asked.
        asked: Withdraw,
        /// Fen on top, if the brand has terms.
        fee: Option<i64>,
    },
    /// What a brand takes for withdrawals was set.
    WithdrawalTermsSet(SetWithdrawalTerms),
    /// The bank answered.
    TransferAnswered {
        /// As asked.
        asked: AnswerTransfer,
        /// Fen that are free again this month.
        uncounted: Option<i64>,
    },
    /// An order was created.
    OrderCreated {
        /// As asked.
        asked: CreateOrder,
        /// When it ends.
        expires_at: i64,
    },
    /// An order was paid.
    OrderPaid {
        /// As asked.
        asked: PayOrder,
        /// Who is paid.
        merchant: MerchantId,
        /// The payer's brand.
        brand: BrandId,
        /// Fen.
        amount: i64,
        /// Fen.
        fee: i64,
        /// What campaigns did to it.
        granted: Option<Granted>,
    },
    /// A shopper's pay code was spent on an order.
    CodeSpent {
        /// As asked.
        asked: SpendCode,
        /// The shopper is asked until then.
        asked_until: Option<i64>,
    },
    /// A shopper who was asked declined an order.
    OrderDeclined {
        /// Which.
        order: u64,
        /// Whose order.
        merchant: MerchantId,
        /// Who was asked.
        payer: UserId,
    },
    /// An order was closed by its merchant.
    OrderClosed {
        /// Which.
        order: u64,
    },
    /// An order's time was over.
    OrderExpired {
        /// Which.
        order: u64,
    },
    /// An order was undone.
    OrderReversed {
        /// Which.
        order: u64,
        /// Fen given back.
        amount: i64,
        /// Of the fee, fen given back.
        fee_returned: i64,
        /// What went to whom, if campaigns had a part in it.
        returned: Option<Returned>,
    },
    /// Part or all of an order was given back.
    OrderRefunded {
        /// As asked.
        asked: RefundOrder,
        /// Which.
        order: u64,
        /// Who gets it.
        payer: UserId,
        /// Of the fee, fen given back.
        fee_returned: i64,
        /// What went to whom, if campaigns had a part in it.
        returned: Option<Returned>,
    },
    /// A campaign was added.
    CampaignAdded {
        /// As asked.
        asked: AddCampaign,
        /// Its id.
        campaign: CampaignId,
    },
    /// A campaign was approved, started, paused, resumed or ended.
    CampaignStepped(StepCampaign),
    /// A campaign's budget was changed.
    BudgetChanged(ChangeBudget),
    /// A campaign's time or budget was over.
    CampaignEnded {
        /// Which.
        campaign: CampaignId,
        /// By what.
        by: EndedBy,
    },
    /// A user was given a coupon.
    CouponGiven {
        /// As asked.
        asked: GiveCoupon,
        /// It ends here.
        until: i64,
    },
    /// A rebate reached the wallet.
    RebatePaid {
        /// Of which order's payment.
        order: u64,
        /// Whose rebate.
        campaign: CampaignId,
        /// Who gets it.
        payer: UserId,
        /// Fen.
        amount: i64,
    },
    /// What time made useless was let go of.
    Swept,
    /// A user's tier was set.
    TierSet(SetTier),
    /// A user sent money to a person.
    MoneySent(SendMoney),
    /// Money that waited reached its payee.
    RemittanceArrived {
        /// Which.
        remittance: u64,
        /// Who sent it.
        payer: UserId,
        /// Who has it.
        payee: UserId,
        /// Whether it waited for somebody to register.
        claimed: bool,
    },
    /// Money that waited is its payer's again.
    RemittanceBack {
        /// Which.
        remittance: u64,
        /// Who sent it.
        payer: UserId,
        /// Taken back, not returned.
        taken: bool,
    },
    /// A user asked persons for money.
    MoneyRequested(RequestMoney),
    /// Money was put into a red packet.
    PacketSent(SendPacket),
    /// A share of a red packet was taken.
    ShareGrabbed {
        /// Of which.
        packet: u64,
        /// By whom.
        user: UserId,
        /// Fen.
        amount: i64,
        /// Fen that went along between the brands' banks.
        reserve: i64,
    },
    /// What nobody took of a red packet went back.
    PacketExpired {
        /// Of which.
        packet: u64,
        /// Who sent it.
        sender: UserId,
        /// Fen.
        amount: i64,
    },
    /// A share of a request was declined.
    ShareDeclined {
        /// Of which.
        request: u64,
        /// Whose share.
        payer: UserId,
        /// Who asked.
        asker: UserId,
    },
    /// A request was cancelled, or its time was over.
    RequestEnded {
        /// Which.
        request: u64,
        /// Who asked.
        asker: UserId,
        /// By its asker, not by time.
        cancelled: bool,
    },
}

/// Everything of an order's terms but the form of the notice.
fn asked_of_order(terms: &Terms) -> String {
    let url = terms.notify.as_ref().map(|notify| &notify.url);
    format!(
        "{:?}",
        (
            terms.amount,
            terms.channel,
            &terms.description,
            &terms.attach,
            url,
            &terms.echo,
            terms.expires_at,
            terms.only_payer,
        )
    )
}

/// What a refund's number stands for.
pub(super) fn asked_of_refund(asked: &RefundOrder, order: Option<u64>) -> String {
    format!("{:?}", (order, asked.amount, asked.order_amount))
}

/// Everything of a campaign but its seed: whoever tries again draws another.
fn asked_of_campaign(asked: &AddCampaign) -> String {
    let terms = Campaign {
        seed: 0,
        ..(*asked.terms).clone()
    };
    format!("{:?}", (asked.by, asked.budget, terms))
}

impl What {
    /// The number that it uses up, with what was asked under it, in words.
    #[allow(clippy::too_many_lines, reason = "a few lines for each kind")]
    pub(super) fn named(&self) -> Option<(Key, String)> {
        let (scope, number, asked) = match self {
            Self::BrandAdded(asked) => (Scope::Brands, asked.number, asked.name.clone()),
            Self::UserAdded(asked) => {
                let words = format!("{:?}", (asked.brand, asked.tier));
                (Scope::Users, asked.number, words)
            }
            Self::MerchantAdded(asked) => {
                let words = format!("{:?}", (&asked.name, asked.category, asked.fee));
                (Scope::Merchants, asked.number, words)
            }
            Self::TopUpRequested(asked) => {
                let words = asked.amount.0.to_string();
                (Scope::TopUps(asked.user), asked.number, words)
            }
            Self::WithdrawalRequested { asked, .. } => {
                let words = asked.amount.0.to_string();
                (Scope::Withdrawals(asked.user), asked.number, words)
            }
            Self::OrderCreated { asked, .. } => {
                let words = asked_of_order(&asked.terms);
                (Scope::Orders(asked.merchant), asked.number, words)
            }
            Self::OrderRefunded { asked, order, .. } => {
                let words = asked_of_refund(asked, Some(*order));
                (Scope::Refunds(asked.merchant), asked.number, words)
            }
            Self::BrandFunded(asked) => {
                let words = asked.amount.0.to_string();
                (Scope::Capital(asked.brand), asked.number, words)
            }
            Self::CampaignAdded { asked, .. } => {
                let words = asked_of_campaign(asked);
                (Scope::Campaigns, asked.number, words)
            }
            Self::BudgetChanged(asked) => {
                let words = format!("{:?}", (asked.from, asked.to));
                (Scope::Budgets(asked.campaign), asked.number, words)
            }
            Self::CouponGiven { asked, .. } => {
                let words = asked.user.to_string();
                (Scope::Coupons(asked.campaign), asked.number, words)
            }
            Self::MoneySent(asked) => {
                let words = format!(
                    "{:?}",
                    (asked.to, asked.amount, &asked.message, asked.request)
                );
                (Scope::Remittances(asked.payer), asked.number, words)
            }
            Self::MoneyRequested(asked) => {
                let words = format!("{:?}", (&asked.shares, &asked.note));
                (Scope::Requests(asked.asker), asked.number, words)
            }
            Self::CodeSpent { asked, .. } => {
                let words = format!("{:?}", (asked.merchant, asked.order, asked.payer));
                let code = format!("{}-{}", asked.code.alias, asked.code.step);
                let number = Number::new(&code).ok()?;
                (Scope::PayCodes, number, words)
            }
            Self::PacketSent(asked) => {
                // Another seed is no other packet.
                let head = (asked.kind == Kind::Lucky, asked.to, asked.total);
                let words = format!("{:?}", (head, asked.shares, &asked.message));
                (Scope::Packets(asked.sender), asked.number, words)
            }
            Self::Opened(_)
            | Self::ShareGrabbed { .. }
            | Self::PacketExpired { .. }
            | Self::TierSet(_)
            | Self::RemittanceArrived { .. }
            | Self::RemittanceBack { .. }
            | Self::ShareDeclined { .. }
            | Self::RequestEnded { .. }
            | Self::UserStatusSet(_)
            | Self::TraitsSet(_)
            | Self::MerchantChanged(_)
            | Self::TransferAnswered { .. }
            | Self::WithdrawalTermsSet(_)
            | Self::OrderPaid { .. }
            | Self::OrderDeclined { .. }
            | Self::OrderClosed { .. }
            | Self::OrderExpired { .. }
            | Self::OrderReversed { .. }
            | Self::CampaignStepped(_)
            | Self::CampaignEnded { .. }
            | Self::RebatePaid { .. }
            | Self::Swept => return None,
        };
        Some((Key { scope, number }, asked))
    }
}

impl Fact {
    /// Whether an event of the log says the same.
    ///
    /// # Errors
    /// Says how they differ.
    pub fn compare(&self, event: &Event) -> Result<(), String> {
        let postings = event.postings().map_or(&[][..], |postings| postings);
        let moves: Vec<_> = postings
            .iter()
            .map(|posting| (posting.debit, posting.credit, posting.amount.0))
            .collect();
        if event.at().0 == self.at && moves == self.moves && self.what.is(event) {
            return Ok(());
        }
        Err(format!("the log has {event:?}, but it should be {self:?}"))
    }
}

impl What {
    fn is(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::Opened(mode), Event::Opened(event)) => event.mode == *mode,
            (Self::BrandAdded(asked), Event::BrandAdded(event)) => {
                (event.number, &event.name) == (asked.number, &asked.name)
            }
            (Self::UserAdded(asked), Event::UserAdded(event)) => {
                (event.number, event.brand, event.tier) == (asked.number, asked.brand, asked.tier)
            }
            (Self::UserStatusSet(asked), Event::UserStatusSet(event)) => {
                (event.user, event.status) == (asked.user, asked.status)
            }
            (Self::MerchantAdded(asked), Event::MerchantAdded(event)) => {
                let said = (event.number, &event.name, event.category, event.fee);
                said == (asked.number, &asked.name, asked.category, asked.fee)
            }
            (Self::MerchantChanged(asked), Event::MerchantChanged(event)) => {
                let said = (event.merchant, event.fee, event.status);
                said == (asked.merchant, asked.fee, asked.status)
            }
            (Self::TopUpRequested(asked), Event::TopUpRequested(event)) => {
                (event.number, event.user, event.amount) == (asked.number, asked.user, asked.amount)
            }
            (Self::WithdrawalRequested { asked, fee }, Event::WithdrawalRequested(event)) => {
                (event.number, event.user, event.amount) == (asked.number, asked.user, asked.amount)
                    && event.fee.map(|fee| fee.0) == *fee
            }
            (Self::TransferAnswered { asked, uncounted }, Event::TransferAnswered(event)) => {
                (event.transfer, event.answer) == (asked.transfer, asked.answer)
                    && event.uncounted.map(|fen| fen.0) == *uncounted
            }
            (Self::WithdrawalTermsSet(asked), Event::WithdrawalTermsSet(event)) => {
                (event.brand, event.terms) == (asked.brand, asked.terms)
            }
            (Self::BrandFunded(asked), Event::BrandFunded(event)) => {
                let said = (event.number, event.brand, event.amount);
                said == (asked.number, asked.brand, asked.amount)
            }
            (Self::TraitsSet(asked), Event::TraitsSet(event)) => {
                let said = (event.user, event.city, event.segment, event.person);
                said == (asked.user, asked.city, asked.segment, asked.person)
            }
            (Self::TierSet(asked), Event::UserTierSet(event)) => {
                (event.user, event.tier) == (asked.user, asked.tier)
            }
            _ => self.is_of_order(event) || self.is_of_campaign(event) || self.is_of_people(event),
        }
    }

    fn is_of_campaign(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::CampaignAdded { asked, campaign }, Event::CampaignAdded(event)) => {
                let said = (event.number, event.by, event.budget, &event.terms);
                said == (asked.number, asked.by, asked.budget, &asked.terms)
                    && event.campaign == *campaign
            }
            (Self::CampaignStepped(asked), Event::CampaignStepped(event)) => {
                (event.campaign, event.step, event.by) == (asked.campaign, asked.step, asked.by)
            }
            (Self::BudgetChanged(asked), Event::BudgetChanged(event)) => {
                let said = (event.campaign, event.number, event.by);
                said == (asked.campaign, asked.number, asked.by)
                    && (event.from, event.to) == (asked.from, asked.to)
            }
            (Self::CampaignEnded { campaign, by }, Event::CampaignEnded(event)) => {
                (event.campaign, event.by) == (*campaign, *by)
            }
            (Self::CouponGiven { asked, until }, Event::CouponGiven(event)) => {
                let said = (event.campaign, event.number, event.user, event.until.0);
                said == (asked.campaign, asked.number, asked.user, *until)
            }
            (
                Self::RebatePaid {
                    order,
                    campaign,
                    payer,
                    amount,
                },
                Event::RebatePaid(event),
            ) => {
                let said = (event.order.0.0, event.campaign, event.payer, event.amount.0);
                said == (*order, *campaign, *payer, *amount)
            }
            (Self::Swept, Event::Swept(_)) => true,
            _ => false,
        }
    }

    fn is_of_people(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::MoneySent(asked), Event::MoneySent(event)) => {
                let said = (event.payer, event.number, event.to, event.amount);
                said == (asked.payer, asked.number, asked.to, asked.amount)
                    && (&event.message, event.request) == (&asked.message, asked.request)
                    && event.due.map(|due| due.0) == super::people::due(asked.to, event.at.0)
            }
            (
                Self::RemittanceArrived {
                    remittance,
                    payer,
                    payee,
                    claimed,
                },
                event,
            ) => {
                #[allow(clippy::wildcard_enum_match_arm, reason = "two events say so")]
                let said = match event {
                    Event::RemittanceArrived(event) => {
                        (event.remittance.0.0, event.payer, event.payee, false)
                    }
                    Event::RemittanceAccepted(event) => {
                        (event.remittance.0.0, event.payer, event.payee, true)
                    }
                    _ => return false,
                };
                said == (*remittance, *payer, *payee, *claimed)
            }
            (
                Self::RemittanceBack {
                    remittance,
                    payer,
                    taken,
                },
                event,
            ) => {
                #[allow(clippy::wildcard_enum_match_arm, reason = "two events say so")]
                let said = match event {
                    Event::RemittanceTakenBack(event) => (event.remittance.0.0, event.payer, true),
                    Event::RemittanceReturned(event) => (event.remittance.0.0, event.payer, false),
                    _ => return false,
                };
                said == (*remittance, *payer, *taken)
            }
            _ => self.is_of_request(event) || self.is_of_packet(event),
        }
    }

    fn is_of_packet(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::PacketSent(asked), Event::PacketSent(event)) => {
                let said = (event.sender, event.number, event.kind, event.to);
                said == (asked.sender, asked.number, asked.kind, asked.to)
                    && (event.total, event.shares) == (asked.total, asked.shares)
                    && (&event.message, event.seed) == (&asked.message, asked.seed)
            }
            (
                Self::ShareGrabbed {
                    packet,
                    user,
                    amount,
                    reserve,
                },
                Event::ShareGrabbed(event),
            ) => {
                let said = (event.packet.event().0, event.user);
                said == (*packet, *user) && (event.amount.0, event.reserve.0) == (*amount, *reserve)
            }
            (
                Self::PacketExpired {
                    packet,
                    sender,
                    amount,
                },
                Event::PacketExpired(event),
            ) => {
                let said = (event.packet.event().0, event.sender, event.amount.0);
                said == (*packet, *sender, *amount)
            }
            _ => false,
        }
    }

    fn is_of_request(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::MoneyRequested(asked), Event::MoneyRequested(event)) => {
                let said = (event.asker, event.number, &event.shares, &event.note);
                said == (asked.asker, asked.number, &asked.shares, &asked.note)
                    && event.until.0 == event.at.0 + 7 * 86_400_000
            }
            (
                Self::ShareDeclined {
                    request,
                    payer,
                    asker,
                },
                Event::ShareDeclined(event),
            ) => {
                let said = (event.request.0.0, event.payer, event.asker);
                said == (*request, *payer, *asker)
            }
            (
                Self::RequestEnded {
                    request,
                    asker,
                    cancelled,
                },
                event,
            ) => {
                #[allow(clippy::wildcard_enum_match_arm, reason = "two events say so")]
                let said = match event {
                    Event::RequestCancelled(event) => (event.request.0.0, event.asker, true),
                    Event::RequestExpired(event) => (event.request.0.0, event.asker, false),
                    _ => return false,
                };
                said == (*request, *asker, *cancelled)
            }
            _ => false,
        }
    }

    fn is_of_order(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::OrderCreated { asked, expires_at }, Event::OrderCreated(event)) => {
                let said = (event.merchant, event.number, &event.terms);
                said == (asked.merchant, asked.number, &asked.terms)
                    && event.expires_at.0 == *expires_at
            }
            (
                Self::OrderPaid {
                    asked,
                    merchant,
                    brand,
                    amount,
                    fee,
                    granted,
                },
                Event::OrderPaid(event),
            ) => {
                let said = (event.order, event.payer, event.attempt);
                said == (asked.order, asked.payer, asked.attempt)
                    && (event.merchant, event.brand) == (*merchant, *brand)
                    && (event.amount.0, event.fee.0) == (*amount, *fee)
                    && event.granted.as_deref() == granted.as_ref()
            }
            (Self::CodeSpent { asked, asked_until }, Event::CodeSpent(event)) => {
                let said = (event.order, event.merchant, event.payer, event.code);
                said == (asked.order, asked.merchant, asked.payer, asked.code)
                    && event.asked_until.map(|end| end.0) == *asked_until
            }
            (
                Self::OrderDeclined {
                    order,
                    merchant,
                    payer,
                },
                Event::OrderDeclined(event),
            ) => (event.order.0.0, event.merchant, event.payer) == (*order, *merchant, *payer),
            (Self::OrderClosed { order }, Event::OrderClosed(event)) => event.order.0.0 == *order,
            (Self::OrderExpired { order }, Event::OrderExpired(event)) => event.order.0.0 == *order,
            (
                Self::OrderReversed {
                    order,
                    amount,
                    fee_returned,
                    returned,
                },
                Event::OrderReversed(event),
            ) => {
                let said = (event.order.0.0, event.amount.0, event.fee_returned.0);
                said == (*order, *amount, *fee_returned)
                    && event.returned.as_deref() == returned.as_ref()
            }
            (
                Self::OrderRefunded {
                    asked,
                    order,
                    payer,
                    fee_returned,
                    returned,
                },
                Event::OrderRefunded(event),
            ) => {
                let said = (event.merchant, event.number, event.amount);
                said == (asked.merchant, asked.number, asked.amount)
                    && (&event.reason, &event.notify) == (&asked.reason, &asked.notify)
                    && (event.order.0.0, event.payer) == (*order, *payer)
                    && event.fee_returned.0 == *fee_returned
                    && event.returned.as_deref() == returned.as_ref()
            }
            _ => false,
        }
    }
}

/// A transfer's moves once the bank answered.
pub(super) fn settled(
    transfer: &super::Transfer,
    brand: BrandId,
    answer: Answer,
) -> Vec<(Account, Account, i64)> {
    use feiqian_core::bank::Direction;
    let wallet = Account::Wallet(transfer.user);
    let (reserve, transit) = (Account::BankReserve(brand), Account::Transit(brand));
    let fee = transfer.fee.unwrap_or(0);
    let income = Account::FeeIncome(brand);
    let mut moves = match (transfer.direction, answer) {
        (Direction::TopUp, Answer::Done) => vec![(reserve, wallet, transfer.amount)],
        (Direction::TopUp, Answer::Declined) => Vec::new(),
        (Direction::Withdrawal, Answer::Done) => {
            vec![(transit, reserve, transfer.amount), (transit, income, fee)]
        }
        (Direction::Withdrawal, Answer::Declined) => {
            vec![(transit, wallet, transfer.amount + fee)]
        }
    };
    moves.retain(|(_, _, fen)| *fen > 0);
    moves
}

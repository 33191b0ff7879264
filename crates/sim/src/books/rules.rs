//! The auditor's own statement of the rules: what the answer to each command must be.

use feiqian_core::bank::answer::AnswerTransfer;
use feiqian_core::bank::{answer, top_up, withdraw};
use feiqian_core::merchant::MerchantStatus;
use feiqian_core::numbers::Scope;
use feiqian_core::order::create::{CreateOrder, Notify, Terms};
use feiqian_core::order::pay::PayOrder;
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::order::{OrderRef, close, create, expire, pay, refund, reverse};
use feiqian_core::user::{UserStatus, set_status};
use feiqian_core::{
    Account, Command, Fen, MerchantId, Number, Refusal, UserId, brand, merchant, user,
};

use super::facts::{asked_of_refund, settled};
use super::orders::{Order, Stage};
use super::{Books, Fact, Verdict, What};

const DAY: i64 = 86_400_000;

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Refused(vec![refusal])
}

fn is_amount(fen: Fen) -> bool {
    1 <= fen.0 && fen.0 <= 1_000_000_000_000
}

fn is_name(name: &str) -> bool {
    let characters = name.chars().count();
    (1..=64).contains(&characters)
        && name.chars().any(|c| !c.is_whitespace())
        && !name.chars().any(char::is_control)
}

/// `whole × part / of`, half-up. All are amounts.
fn part(whole: i64, part: i64, of: i64) -> i64 {
    let (product, of) = (i128::from(whole) * i128::from(part), i128::from(of));
    let up = i128::from(product % of * 2 >= of);
    i64::try_from(product / of + up).unwrap_or(i64::MAX)
}

impl Books {
    /// What the answer must be, at this time.
    #[must_use]
    pub fn judge(&self, now: i64, command: &Command) -> Verdict {
        let happens = |what| {
            Verdict::Happens(Fact {
                at: now,
                what,
                moves: Vec::new(),
            })
        };
        match command {
            Command::Open(asked) => match self.mode {
                None => happens(What::Opened(asked.mode)),
                Some(mode) if mode == asked.mode => Verdict::Again(0),
                Some(_) => refused(Refusal::Open(brand::open::Refusal::OtherMode)),
            },
            Command::AddBrand(asked) => {
                use brand::add::Refusal as R;
                self.numbered(What::BrandAdded(asked.clone()), now, || {
                    if !is_name(&asked.name) {
                        return Some(R::BadName);
                    }
                    (self.brands >= 100).then_some(R::TooMany)
                })
                .map_refusal(R::NumberReused, Refusal::AddBrand)
            }
            Command::AddUser(asked) => {
                use user::add::Refusal as R;
                self.numbered(What::UserAdded(asked.clone()), now, || {
                    (asked.brand.0 >= self.brands).then_some(R::BrandNotFound)
                })
                .map_refusal(R::NumberReused, Refusal::AddUser)
            }
            Command::SetUserStatus(asked) => {
                let refuse = |refusal| refused(Refusal::SetUserStatus(refusal));
                match self.user(asked.user) {
                    None => refuse(set_status::Refusal::UserNotFound),
                    Some(user)
                        if user.status == UserStatus::Closed
                            && asked.status != UserStatus::Closed =>
                    {
                        refuse(set_status::Refusal::UserClosed)
                    }
                    Some(_) => happens(What::UserStatusSet(asked.clone())),
                }
            }
            Command::AddMerchant(asked) => {
                use merchant::add::Refusal as R;
                self.numbered(What::MerchantAdded(asked.clone()), now, || {
                    if !is_name(&asked.name) {
                        return Some(R::BadName);
                    }
                    if asked.category.0 > 9_999 {
                        return Some(R::BadCategory);
                    }
                    (asked.fee.0 > 1_000).then_some(R::FeeTooHigh)
                })
                .map_refusal(R::NumberReused, Refusal::AddMerchant)
            }
            Command::ChangeMerchant(asked) => {
                use merchant::change::Refusal as R;
                if self.merchant(asked.merchant).is_none() {
                    return refused(Refusal::ChangeMerchant(R::MerchantNotFound));
                }
                if asked.fee.is_some_and(|fee| fee.0 > 1_000) {
                    return refused(Refusal::ChangeMerchant(R::FeeTooHigh));
                }
                happens(What::MerchantChanged(asked.clone()))
            }
            Command::TopUp(asked) => self.top_up(now, asked),
            Command::Withdraw(asked) => self.withdraw(now, asked),
            Command::AnswerTransfer(asked) => self.answer(now, asked),
            Command::CreateOrder(asked) => self.create(now, asked),
            Command::PayOrder(asked) => self.pay(now, asked),
            Command::CloseOrder(asked) => self.close(now, asked.merchant, asked.order),
            Command::ExpireOrder(asked) => self.expire(now, asked.order.0.0),
            Command::ReverseOrder(asked) => self.reverse(now, asked.merchant, asked.order),
            Command::RefundOrder(asked) => self.refund(now, asked),
        }
    }

    /// Of what uses up a number: its own checks come after the number's.
    fn numbered<R>(&self, what: What, now: i64, checks: impl FnOnce() -> Option<R>) -> Numbered<R> {
        let Some((key, asked)) = what.named() else {
            unreachable!("only what has a number is asked here")
        };
        match self.numbers.get(&key) {
            Some((event, before)) if *before == asked => Numbered::Again(*event),
            Some(_) => Numbered::Reused,
            None => match checks() {
                Some(refusal) => Numbered::Refused(refusal),
                None => Numbered::New(Fact {
                    at: now,
                    what,
                    moves: Vec::new(),
                }),
            },
        }
    }

    fn top_up(&self, now: i64, asked: &top_up::TopUp) -> Verdict {
        use top_up::Refusal as R;
        self.numbered(What::TopUpRequested(asked.clone()), now, || {
            match self.user(asked.user) {
                None => Some(R::UserNotFound),
                Some(user) if user.status != UserStatus::Active => Some(R::UserNotActive),
                Some(_) => (!is_amount(asked.amount)).then_some(R::AmountOutOfRange),
            }
        })
        .map_refusal(R::NumberReused, Refusal::TopUp)
    }

    fn withdraw(&self, now: i64, asked: &withdraw::Withdraw) -> Verdict {
        use withdraw::Refusal as R;
        let wallet = Account::Wallet(asked.user);
        let verdict = self
            .numbered(What::WithdrawalRequested(asked.clone()), now, || {
                let available = self.balance(wallet);
                match self.user(asked.user) {
                    None => Some(R::UserNotFound),
                    Some(user) if user.status != UserStatus::Active => Some(R::UserNotActive),
                    Some(_) if !is_amount(asked.amount) => Some(R::AmountOutOfRange),
                    Some(_) => (asked.amount.0 > available).then_some(R::BalanceShort {
                        available: Fen(available),
                    }),
                }
            })
            .map_refusal(R::NumberReused, Refusal::Withdraw);
        match (verdict, self.user(asked.user)) {
            (Verdict::Happens(fact), Some(user)) => {
                let moves = vec![(wallet, Account::Transit(user.brand), asked.amount.0)];
                Verdict::Happens(Fact { moves, ..fact })
            }
            (other, _) => other,
        }
    }

    fn answer(&self, now: i64, asked: &AnswerTransfer) -> Verdict {
        let id = asked.transfer.0.0;
        let pending = self
            .transfers
            .get(&id)
            .filter(|_| self.pending.contains(&id));
        let Some(transfer) = pending else {
            return refused(Refusal::AnswerTransfer(answer::Refusal::NotPending));
        };
        let brand = self.users[transfer.user.0 as usize].brand;
        Verdict::Happens(Fact {
            at: now,
            what: What::TransferAnswered(asked.clone()),
            moves: settled(transfer, brand, asked.answer),
        })
    }

    fn create(&self, now: i64, asked: &CreateOrder) -> Verdict {
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

    fn pay(&self, now: i64, asked: &PayOrder) -> Verdict {
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
        if order.only_payer.is_some() && order.only_payer != Some(asked.payer) {
            return refuse(R::OtherPayer);
        }
        if payer.status != UserStatus::Active {
            return refuse(R::PayerNotActive);
        }
        let shop = self.merchants[order.merchant.0 as usize];
        if shop.status != MerchantStatus::Active {
            return refuse(R::MerchantNotActive);
        }
        let available = self.balance(Account::Wallet(asked.payer));
        if available < order.amount {
            return refuse(R::BalanceShort {
                available: Fen(available),
            });
        }
        let fee = part(order.amount, i64::from(shop.fee), 10_000);
        let account = Account::Merchant(order.merchant);
        Verdict::Happens(Fact {
            at: now,
            what: What::OrderPaid {
                asked: asked.clone(),
                merchant: order.merchant,
                brand: payer.brand,
                amount: order.amount,
                fee,
            },
            moves: moves([
                (Account::Wallet(asked.payer), account, order.amount),
                (account, Account::FeeIncome(payer.brand), fee),
            ]),
        })
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

    fn close(&self, now: i64, merchant: MerchantId, name: OrderRef) -> Verdict {
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

    fn reverse(&self, now: i64, merchant: MerchantId, name: OrderRef) -> Verdict {
        use reverse::Refusal as R;
        let refuse = |refusal| refused(Refusal::ReverseOrder(refusal));
        let Some((id, order)) = self.order_of(merchant, name) else {
            return refuse(R::OrderNotFound);
        };
        let happens = |amount, fee_returned, moves| {
            Verdict::Happens(Fact {
                at: now,
                what: What::OrderReversed {
                    order: id,
                    amount,
                    fee_returned,
                },
                moves,
            })
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
                if available + paid.fee < order.amount {
                    return refuse(R::BalanceShort {
                        available: Fen(available),
                    });
                }
                let moves = give_back(account, paid.payer, order.amount, paid.brand, paid.fee);
                happens(order.amount, paid.fee, moves)
            }
            (Stage::Open | Stage::Paid, _) => happens(0, 0, Vec::new()),
        }
    }

    fn refund(&self, now: i64, asked: &RefundOrder) -> Verdict {
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
        let all_back = part(paid.fee, paid.refunded + asked.amount.0, order.amount);
        let fee_returned = all_back - paid.fee_returned;
        let account = Account::Merchant(asked.merchant);
        let available = self.balance(account);
        if available + fee_returned < asked.amount.0 {
            return refuse(R::BalanceShort {
                available: Fen(available),
            });
        }
        let amount = asked.amount.0;
        Verdict::Happens(Fact {
            at: now,
            what: What::OrderRefunded {
                asked: asked.clone(),
                order: id,
                payer: paid.payer,
                fee_returned,
            },
            moves: give_back(account, paid.payer, amount, paid.brand, fee_returned),
        })
    }
}

/// What was asked under a number, before the refusals are named.
enum Numbered<R> {
    New(Fact),
    Again(u64),
    Reused,
    Refused(R),
}

impl<R> Numbered<R> {
    fn map_refusal(self, reused: R, named: impl FnOnce(R) -> Refusal) -> Verdict {
        match self {
            Self::New(fact) => Verdict::Happens(fact),
            Self::Again(event) => Verdict::Again(event),
            Self::Reused => refused(named(reused)),
            Self::Refused(refusal) => refused(named(refusal)),
        }
    }
}

/// Moves of something; nothing is not moved.
fn moves<const N: usize>(all: [(Account, Account, i64); N]) -> Vec<(Account, Account, i64)> {
    all.into_iter().filter(|(_, _, fen)| *fen > 0).collect()
}

fn give_back(
    account: Account,
    payer: UserId,
    amount: i64,
    brand: feiqian_core::BrandId,
    fee: i64,
) -> Vec<(Account, Account, i64)> {
    moves([
        (Account::FeeIncome(brand), account, fee),
        (account, Account::Wallet(payer), amount),
    ])
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

//! Top-ups, withdrawals, and the bank's answers.

use feiqian_core::bank::answer::AnswerTransfer;
use feiqian_core::bank::{answer, top_up, withdraw};
use feiqian_core::brand::set_withdrawal_terms;
use feiqian_core::brand::set_withdrawal_terms::SetWithdrawalTerms;
use feiqian_core::user::{Tier, UserStatus};
use feiqian_core::{Account, Fen, Refusal};

use super::super::facts::settled;
use super::super::withdrawals::month;
use super::super::{Books, Fact, User, Verdict, What};
use super::operators::happens;
use super::{is_amount, refused};

impl Books {
    pub(super) fn top_up(&self, now: i64, asked: &top_up::TopUp) -> Verdict {
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

    pub(super) fn withdraw(&self, now: i64, asked: &withdraw::Withdraw) -> Verdict {
        use withdraw::Refusal as R;
        let wallet = Account::Wallet(asked.user);
        let brand = self.user(asked.user).map(|user| user.brand);
        let fee =
            brand.and_then(|brand| self.withdrawals.fee(now, asked.user, brand, asked.amount.0));
        let total = asked.amount.0.saturating_add(fee.unwrap_or(0));
        let what = What::WithdrawalRequested {
            asked: asked.clone(),
            fee,
        };
        let verdict = self
            .numbered(what, now, || {
                let available = self.balance(wallet);
                match self.user(asked.user) {
                    None => Some(R::UserNotFound),
                    Some(user) if user.status != UserStatus::Active => Some(R::UserNotActive),
                    Some(_) if !is_amount(asked.amount) => Some(R::AmountOutOfRange),
                    Some(_)
                        if asked
                            .fee_at_most
                            .is_some_and(|most| fee.unwrap_or(0) > most.0) =>
                    {
                        Some(R::FeeAbove {
                            fee: Fen(fee.unwrap_or(0)),
                        })
                    }
                    Some(_) if total > available => Some(R::BalanceShort {
                        available: Fen(available),
                    }),
                    Some(user) => self.withdrawal_refused(now, asked, *user),
                }
            })
            .map_refusal(R::NumberReused, Refusal::Withdraw);
        match (verdict, self.user(asked.user)) {
            (Verdict::Happens(fact), Some(user)) => {
                let moves = vec![(wallet, Account::Transit(user.brand), total)];
                Verdict::Happens(Fact { moves, ..fact })
            }
            (other, _) => other,
        }
    }

    /// What stands against a withdrawal that the wallet could bear.
    fn withdrawal_refused(
        &self,
        now: i64,
        asked: &withdraw::Withdraw,
        user: User,
    ) -> Option<withdraw::Refusal> {
        use withdraw::Refusal as R;
        // Of those who are known least, money to the own bank account counts, too.
        let limited = user.tier == Tier::Basic;
        if let Some(above) = self
            .above(now, asked.user, asked.amount.0)
            .filter(|_| limited)
        {
            return Some(R::AboveLimit { above });
        }
        // What is on its way to the bank is spoken for.
        let free = self.balance(Account::BankReserve(user.brand))
            - self.balance(Account::Transit(user.brand));
        (asked.amount.0 > free).then_some(R::ReserveShort)
    }

    pub(super) fn answer(&self, now: i64, asked: &AnswerTransfer) -> Verdict {
        let id = asked.transfer.0.0;
        let pending = self
            .transfers
            .get(&id)
            .filter(|_| self.pending.contains(&id));
        let Some(transfer) = pending else {
            return refused(Refusal::AnswerTransfer(answer::Refusal::NotPending));
        };
        let brand = self.users[transfer.user.0 as usize].brand;
        // Of the quota of its own month only.
        let uncounted = transfer.fee.is_some()
            && asked.answer == answer::Answer::Declined
            && month(transfer.at) == month(now);
        Verdict::Happens(Fact {
            at: now,
            what: What::TransferAnswered {
                asked: asked.clone(),
                uncounted: uncounted.then_some(transfer.amount),
            },
            moves: settled(transfer, brand, asked.answer),
        })
    }

    pub(super) fn set_withdrawal_terms(&self, now: i64, asked: &SetWithdrawalTerms) -> Verdict {
        use set_withdrawal_terms::Refusal as R;
        let terms = asked.terms;
        let refusals = [
            (asked.brand.0 >= self.brands, R::BrandNotFound),
            (
                !(0..=9_000_000_000_000_000_000).contains(&terms.free_per_month.0),
                R::FreeOutOfRange,
            ),
            (terms.rate.0 > 1_000, R::FeeTooHigh),
            (!(0..=10_000).contains(&terms.least.0), R::LeastOutOfRange),
        ];
        match refusals.into_iter().find(|(is, _)| *is) {
            Some((_, refusal)) => refused(Refusal::SetWithdrawalTerms(refusal)),
            None => happens(now, What::WithdrawalTermsSet(asked.clone())),
        }
    }
}

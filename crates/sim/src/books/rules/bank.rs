//! Top-ups, withdrawals, and the bank's answers.

use feiqian_core::bank::answer::AnswerTransfer;
use feiqian_core::bank::{answer, top_up, withdraw};
use feiqian_core::user::{Tier, UserStatus};
use feiqian_core::{Account, Fen, Refusal};

use super::super::facts::settled;
use super::super::{Books, Fact, Verdict, What};
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
        let free = |brand| {
            // What is on its way to the bank is spoken for.
            self.balance(Account::BankReserve(brand)) - self.balance(Account::Transit(brand))
        };
        let verdict = self
            .numbered(What::WithdrawalRequested(asked.clone()), now, || {
                let available = self.balance(wallet);
                match self.user(asked.user) {
                    None => Some(R::UserNotFound),
                    Some(user) if user.status != UserStatus::Active => Some(R::UserNotActive),
                    Some(_) if !is_amount(asked.amount) => Some(R::AmountOutOfRange),
                    Some(_) if asked.amount.0 > available => Some(R::BalanceShort {
                        available: Fen(available),
                    }),
                    Some(user) => {
                        let above = self.above(now, asked.user, asked.amount.0);
                        match above.filter(|_| user.tier == Tier::Basic) {
                            Some(above) => Some(R::AboveLimit { above }),
                            None => (asked.amount.0 > free(user.brand)).then_some(R::ReserveShort),
                        }
                    }
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
        Verdict::Happens(Fact {
            at: now,
            what: What::TransferAnswered(asked.clone()),
            moves: settled(transfer, brand, asked.answer),
        })
    }
}

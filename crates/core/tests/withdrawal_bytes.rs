//! What withdrawals with a fee leave in logs, byte for byte. A golden line is never changed.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use feiqian_core::bank::answer::{Answer, TransferAnswered};
use feiqian_core::bank::fee::WithdrawalTerms;
use feiqian_core::bank::withdraw::WithdrawalRequested;
use feiqian_core::brand::set_withdrawal_terms::WithdrawalTermsSet;
use feiqian_core::ids::Digest;
use feiqian_core::ledger::Postings;
use feiqian_core::money::BasisPoints;
use feiqian_core::{BrandId, Event, EventNumber, Fen, Number, TransferId, UnixMillis, UserId};

const AT: UnixMillis = UnixMillis(1_510_329_600_000);

#[test]
fn every_event_keeps_its_bytes() {
    let set = Event::WithdrawalTermsSet(WithdrawalTermsSet {
        at: AT,
        brand: BrandId(1),
        terms: WithdrawalTerms {
            free_per_month: Fen(100_000),
            rate: BasisPoints(10),
            least: Fen(10),
        },
    });
    let requested = Event::WithdrawalRequested(Box::new(WithdrawalRequested {
        at: AT,
        number: Number::new("w").unwrap(),
        digest: Digest([0xab; 16]),
        user: UserId(2),
        amount: Fen(500),
        postings: Postings::new(),
        fee: Some(Fen(10)),
    }));
    let answered = Event::TransferAnswered(TransferAnswered {
        at: AT,
        transfer: TransferId(EventNumber(8)),
        user: UserId(2),
        answer: Answer::Declined,
        postings: Postings::new(),
        uncounted: Some(Fen(500)),
    });
    let golden = [
        (
            set,
            "82182b81a3001b0000015fa6a8c800010102a3001a000186a0010a020a",
        ),
        (
            requested,
            "820781a7001b0000015fa6a8c80001617702\
             50abababababababababababababababab0302041901f40580060a",
        ),
        (
            answered,
            "820881a6001b0000015fa6a8c8000108020203010480051901f4",
        ),
    ];
    for (event, golden) in golden {
        let bytes = minicbor::to_vec(&event).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden, "{event:?}");
        assert_eq!(minicbor::decode::<Event>(&bytes).unwrap(), event);
    }
}

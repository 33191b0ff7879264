//! What pay codes leave in logs, byte for byte. A golden line is never changed.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use feiqian_core::ids::Digest;
use feiqian_core::order::decline::OrderDeclined;
use feiqian_core::order::spend_code::{CodeSpent, PayCode};
use feiqian_core::{Event, EventNumber, MerchantId, OrderId, UnixMillis, UserId};

const AT: UnixMillis = UnixMillis(1_510_329_600_000);

fn spent(asked_until: Option<UnixMillis>) -> Event {
    Event::CodeSpent(Box::new(CodeSpent {
        at: AT,
        order: OrderId(EventNumber(8)),
        merchant: MerchantId(3),
        code: PayCode {
            alias: 123_456_789,
            step: 50_344_320,
        },
        payer: UserId(2),
        digest: Digest([0xab; 16]),
        asked_until,
    }))
}

#[test]
fn every_event_keeps_its_bytes() {
    let declined = Event::OrderDeclined(OrderDeclined {
        at: AT,
        order: OrderId(EventNumber(8)),
        merchant: MerchantId(3),
        payer: UserId(2),
    });
    let golden = [
        (
            spent(None),
            "82183281a6001b0000015fa6a8c80001080203\
             03821a075bcd151a0300318004020550abababababababababababababababab",
        ),
        (
            spent(Some(AT.plus(300_000))),
            "82183281a7001b0000015fa6a8c80001080203\
             03821a075bcd151a0300318004020550abababababababababababababababab061b0000015fa6ad5be0",
        ),
        (
            declined,
            "82183381a4001b0000015fa6a8c80001080203\
                    0302",
        ),
    ];
    for (event, golden) in golden {
        let bytes = minicbor::to_vec(&event).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden, "{event:?}");
        assert_eq!(minicbor::decode::<Event>(&bytes).unwrap(), event);
    }
}

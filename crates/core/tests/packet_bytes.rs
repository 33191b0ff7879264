//! What red packets leave in logs, byte for byte, written down by another program. A golden line is never
//! changed.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use feiqian_core::ids::Digest;
use feiqian_core::packet::draw::Seed;
use feiqian_core::packet::expire::PacketExpired;
use feiqian_core::packet::grab::ShareGrabbed;
use feiqian_core::packet::{Kind, send::PacketSent};
use feiqian_core::{
    Account, BrandId, Event, EventNumber, Fen, Number, PacketId, Postings, UnixMillis, UserId,
};

const AT: UnixMillis = UnixMillis(1_510_329_600_000);
// Different numbers, so that two fields that change places are seen.
const SENDER: UserId = UserId(2);
const TAKER: UserId = UserId(5);

fn packet() -> PacketId {
    PacketId::new(EventNumber(8)).unwrap()
}

fn sent(kind: Kind, to: Option<UserId>, message: Option<&str>) -> Event {
    let (wallet, inside) = (Account::Wallet(SENDER), Account::Packet(packet()));
    Event::PacketSent(Box::new(PacketSent {
        at: AT,
        sender: SENDER,
        number: Number::new("p").unwrap(),
        digest: Digest([0xab; 16]),
        kind,
        to,
        total: Fen(1_000),
        shares: 3,
        seed: Seed(*b"Feiqian packets!"),
        message: message.map(Into::into),
        postings: Postings::new().with(wallet, inside, Fen(1_000)),
    }))
}

fn grabbed() -> Event {
    let (inside, wallet) = (Account::Packet(packet()), Account::Wallet(TAKER));
    let [from, to] = [1, 2].map(|brand| Account::BankReserve(BrandId(brand)));
    Event::ShareGrabbed(ShareGrabbed {
        at: AT,
        packet: packet(),
        user: TAKER,
        amount: Fen(379),
        reserve: Fen(379),
        postings: Postings::new()
            .with(inside, wallet, Fen(379))
            .with(to, from, Fen(379)),
    })
}

fn expired() -> Event {
    let (inside, wallet) = (Account::Packet(packet()), Account::Wallet(SENDER));
    Event::PacketExpired(Box::new(PacketExpired {
        at: AT,
        packet: packet(),
        sender: SENDER,
        amount: Fen(621),
        postings: Postings::new().with(inside, wallet, Fen(621)),
    }))
}

#[test]
fn every_event_keeps_its_bytes() {
    let golden = [
        (
            sent(Kind::Lucky, Some(TAKER), Some("恭喜发财")),
            "82182881ab001b0000015fa6a8c80001020261700350abababababababababababababababab040105050619\
             03e8070308504665697169616e207061636b65747321096ce681ade5969ce58f91e8b4a20a81831902011908\
             0d1903e8",
        ),
        (
            sent(Kind::Equal, None, None),
            "82182881a9001b0000015fa6a8c80001020261700350abababababababababababababababab0400061903e8\
             070308504665697169616e207061636b657473210a818319020119080d1903e8",
        ),
        (
            grabbed(),
            "82182981a6001b0000015fa6a8c800010802050319017b0419017b05828319080d19050119017b8319020419\
             010419017b",
        ),
        (
            expired(),
            "82182a81a5001b0000015fa6a8c800010802020319026d04818319080d19020119026d",
        ),
    ];
    for (event, golden) in golden {
        let bytes = minicbor::to_vec(&event).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden, "{event:?}");
        assert_eq!(minicbor::decode::<Event>(&bytes).unwrap(), event);
    }
}

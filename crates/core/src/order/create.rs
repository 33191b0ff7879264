//! Create an order.
//!
//! Units: amount in [`Fen`]. Ledger: none; an order is a request until it is paid.
//! Invariants: one merchant's order number names one order for ever; the order's id is the number of
//! this event.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{Digest, EventNumber, MerchantId, Number, OrderId, UserId};
use crate::limits::{
    ATTACH_CHARS_MAX, DESCRIPTION_CHARS_MAX, ECHO_BYTES_MAX, NOTIFY_URL_CHARS_MAX,
    ORDER_LIFE_DEFAULT_MS, ORDER_LIFE_MAX_MS,
};
use crate::merchant::MerchantStatus;
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::order::{Order, OrderState};
use crate::state::State;
use crate::time::UnixMillis;

/// Command. `number` is the merchant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOrder {
    /// Who asks.
    pub merchant: MerchantId,
    /// Send the same one when trying again.
    pub number: Number,
    /// What is asked.
    pub terms: Arc<Terms>,
}

/// What a merchant asks of a shopper. Compared when a number comes again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Terms {
    /// For how much.
    #[n(0)]
    pub amount: Fen,
    /// How the shopper is reached.
    #[n(1)]
    pub channel: Channel,
    /// For what, in the merchant's words.
    #[n(2)]
    pub description: String,
    /// Given back with every answer about the order.
    #[n(3)]
    pub attach: Option<String>,
    /// Who is told.
    #[n(4)]
    pub notify: Option<Notify>,
    /// Until when it can be paid; 7 days if not said.
    #[n(5)]
    pub expires_at: Option<UnixMillis>,
    /// The only user who may pay.
    #[n(6)]
    pub only_payer: Option<UserId>,
    /// What the merchant's API wants echoed, in that API's own form.
    #[n(7)]
    pub echo: Option<String>,
}

/// How the shopper is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Channel {
    /// Scans the merchant's code (WeChat Pay `NATIVE`).
    #[n(0)]
    Scan,
    /// Inside the wallet's browser (`JSAPI`).
    #[n(1)]
    InWallet,
    /// From the merchant's app (`APP`).
    #[n(2)]
    App,
    /// From a browser on the phone (`MWEB`).
    #[n(3)]
    Browser,
    /// The merchant scanned the shopper's pay code (`MICROPAY`).
    #[n(4)]
    PayCode,
}

/// Whom to tell what became of an order or refund, and how.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Notify {
    /// Where the notice is posted.
    #[n(0)]
    pub url: String,
    /// In which API's form.
    #[n(1)]
    pub form: NotifyForm,
}

/// The form of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum NotifyForm {
    /// WeChat Pay v3, signed under the platform's public key id.
    #[n(0)]
    WechatPublicKey,
    /// WeChat Pay v3, signed under the platform's certificate.
    #[n(1)]
    WechatCertificate,
    /// Alipay, a form signed with RSA2.
    #[n(2)]
    Alipay,
    /// WeChat Pay v2, XML signed with MD5.
    #[n(3)]
    WechatXmlMd5,
    /// WeChat Pay v2, XML signed with HMAC-SHA256.
    #[n(4)]
    WechatXmlHmac,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OrderCreated {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Who asks.
    #[n(1)]
    pub merchant: MerchantId,
    /// The merchant's number.
    #[n(2)]
    pub number: Number,
    /// Digest of the terms.
    #[n(3)]
    pub digest: Digest,
    /// It cannot be paid from here on.
    #[n(4)]
    pub expires_at: UnixMillis,
    /// What is asked: shared with the command, for texts are dear to copy.
    #[cbor(n(5), with = "crate::cbor")]
    pub terms: Arc<Terms>,
}

refusals! {
    /// The number names another order. Final.
    NumberReused = "this number was used for another order",
    /// No such merchant. Final.
    MerchantNotFound = "there is no such merchant",
    /// Paused. May succeed later.
    MerchantNotActive = "this merchant may not take payments now",
    /// Outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
    /// A text is empty or longer than its limit. Final.
    TextTooLong = "a text of the order is empty or too long",
    /// The end has come already or is more than 7 days off. Final.
    ExpiryOutOfRange = "an order ends later than now and within 7 days",
    /// The only payer is no user. Final.
    PayerNotFound = "there is no such payer",
}

impl CreateOrder {
    pub(crate) fn key(&self) -> Key {
        Key {
            scope: Scope::Orders(self.merchant),
            number: self.number,
        }
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }
}

impl Terms {
    /// Of everything but the form of the notice: the same request from a client of another key mode is
    /// the same request.
    fn digest(&self) -> Digest {
        let url = self.notify.as_ref().map(|notify| &notify.url);
        let texts = (&self.description, &self.attach, url, &self.echo);
        Digest::of(&(
            self.amount,
            self.channel,
            texts,
            self.expires_at,
            self.only_payer,
        ))
    }

    fn texts_fit(&self) -> bool {
        let fits = |text: &Option<String>, max| {
            text.as_ref().is_none_or(|text| text.chars().count() <= max)
        };
        (1..=DESCRIPTION_CHARS_MAX).contains(&self.description.chars().count())
            && fits(&self.attach, ATTACH_CHARS_MAX)
            && self.notify.as_ref().is_none_or(Notify::fits)
            && self
                .echo
                .as_ref()
                .is_none_or(|echo| echo.len() <= ECHO_BYTES_MAX)
    }
}

impl Notify {
    pub(super) fn fits(&self) -> bool {
        (1..=NOTIFY_URL_CHARS_MAX).contains(&self.url.chars().count())
    }
}

impl OrderCreated {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (
            Key {
                scope: Scope::Orders(self.merchant),
                number: self.number,
            },
            self.digest,
        )
    }

    pub(super) fn order(&self, number: EventNumber) -> Order {
        Order {
            merchant: self.merchant,
            amount: self.terms.amount,
            only_payer: self.terms.only_payer,
            expires_at: self.expires_at,
            state: OrderState::Open,
            last: number,
            shown: None,
        }
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &CreateOrder,
) -> Decision<OrderCreated, Refusal> {
    let terms = &command.terms;
    let digest = terms.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some(merchant) = state.merchant(command.merchant) else {
        return Decision::Refuse(Refusal::MerchantNotFound);
    };
    if merchant.status != MerchantStatus::Active {
        return Decision::Refuse(Refusal::MerchantNotActive);
    }
    if !terms.amount.is_amount() {
        return Decision::Refuse(Refusal::AmountOutOfRange);
    }
    if !terms.texts_fit() {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    let expires_at = terms
        .expires_at
        .unwrap_or_else(|| now.plus(ORDER_LIFE_DEFAULT_MS));
    if expires_at <= now || expires_at > now.plus(ORDER_LIFE_MAX_MS) {
        return Decision::Refuse(Refusal::ExpiryOutOfRange);
    }
    if terms
        .only_payer
        .is_some_and(|payer| state.user(payer).is_none())
    {
        return Decision::Refuse(Refusal::PayerNotFound);
    }
    Decision::Accept(OrderCreated {
        at: now,
        merchant: command.merchant,
        number: command.number,
        digest,
        expires_at,
        terms: terms.clone(),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &OrderCreated) {
    let id = OrderId(state.next);
    state.orders.insert(id, event.order(state.next));
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::limits::AMOUNT_MAX;
    use crate::testing::{
        FREE_SHOP, MEI, NO_SHOP, NOBODY, ORDER, SHOP, create, create_with, given, notify, nth,
        pause, terms,
    };

    /// A new order of `SHOP` with one thing changed.
    fn new(change: impl FnOnce(&mut Terms)) -> crate::Command {
        let mut terms = terms(10);
        change(&mut terms);
        create_with(SHOP, "new", terms)
    }

    #[test]
    fn an_order_waits_for_its_shopper() {
        let world = given([create("a", 10)]);
        let expires_at = world.now.plus(ORDER_LIFE_DEFAULT_MS);
        let order = Order {
            merchant: SHOP,
            amount: Fen(10),
            only_payer: None,
            expires_at,
            state: OrderState::Open,
            last: nth(0),
            shown: None,
        };
        assert_eq!(world.state.order(ORDER), Some(&order));
        assert_eq!(world.state.next_due(), Some(expires_at));
    }

    #[test]
    fn the_widest_terms_are_accepted() {
        let now = given([]).now;
        let widest = Terms {
            amount: AMOUNT_MAX,
            channel: Channel::PayCode,
            description: "面".repeat(DESCRIPTION_CHARS_MAX),
            attach: Some("附".repeat(ATTACH_CHARS_MAX)),
            notify: notify(NOTIFY_URL_CHARS_MAX),
            expires_at: Some(now.plus(ORDER_LIFE_MAX_MS)),
            only_payer: Some(MEI),
            echo: Some("e".repeat(ECHO_BYTES_MAX)),
        };
        given([create_with(SHOP, "a", widest)])
            .when(new(|terms| terms.expires_at = Some(now.plus(1))))
            .accepts();
    }

    #[test]
    fn the_same_number_is_answered_again_by_its_shop_only() {
        given([create("a", 10), pause(SHOP)])
            .after_ms(ORDER_LIFE_MAX_MS)
            .when(create("a", 10))
            .answers_again(nth(0))
            .when(create_with(FREE_SHOP, "a", terms(10)))
            .accepts();
        let now = given([]).now;
        let changes: [fn(&mut Terms, UnixMillis); 8] = [
            |t, _| t.amount = Fen(11),
            |t, _| t.channel = Channel::App,
            |t, _| t.description = "rice".into(),
            |t, _| t.attach = Some("a".into()),
            |t, _| t.notify = notify(1),
            |t, now| t.expires_at = Some(now.plus(5)),
            |t, _| t.only_payer = Some(MEI),
            |t, _| t.echo = Some("e".into()),
        ];
        for change in changes {
            given([new(|_| {})])
                .when(new(|terms| change(terms, now)))
                .refuses(NumberReused);
        }
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let now = given([]).now;
        // Each is wrong in all that comes after it, too.
        let worst = |fen| {
            let mut terms = terms(fen);
            terms.description = String::new();
            terms.expires_at = Some(now);
            terms.only_payer = Some(NOBODY);
            terms
        };
        let mut no_payer = worst(10);
        no_payer.description = "noodles".into();
        given([create("a", 10), pause(FREE_SHOP)]).refuses_each([
            (create("a", 0), NumberReused),
            (create_with(NO_SHOP, "a", worst(0)), MerchantNotFound),
            (create_with(FREE_SHOP, "a", worst(0)), MerchantNotActive),
            (create_with(SHOP, "new", worst(0)), AmountOutOfRange),
            (create_with(SHOP, "new", worst(10)), TextTooLong),
            (create_with(SHOP, "new", no_payer), ExpiryOutOfRange),
            (new(|t| t.only_payer = Some(NOBODY)), PayerNotFound),
            (new(|t| t.amount = Fen(-1)), AmountOutOfRange),
            (new(|t| t.amount = Fen(AMOUNT_MAX.0 + 1)), AmountOutOfRange),
            (new(|t| t.description = "面".repeat(128)), TextTooLong),
            (new(|t| t.attach = Some("附".repeat(129))), TextTooLong),
            (new(|t| t.notify = notify(0)), TextTooLong),
            (new(|t| t.notify = notify(257)), TextTooLong),
            (new(|t| t.echo = Some("e".repeat(8_193))), TextTooLong),
            (new(|t| t.expires_at = Some(now)), ExpiryOutOfRange),
            (
                new(|t| t.expires_at = Some(now.plus(ORDER_LIFE_MAX_MS + 1))),
                ExpiryOutOfRange,
            ),
        ]);
    }
}

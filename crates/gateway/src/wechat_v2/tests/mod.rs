//! The endpoints, asked as SDKs ask them: in this process, through the server's own router.

mod edge;
mod notices;
mod orders;
mod refunds;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use secrecy::ExposeSecret as _;
use tower::ServiceExt as _;

use super::sign::{ApiV2Key, SignType};
use super::xml::{self, Fields};
use crate::server::router;
use crate::wechat::world::{Merchant, World};

const UNIFIED: &str = "/pay/unifiedorder";
const QUERY: &str = "/pay/orderquery";
const CLOSE: &str = "/pay/closeorder";
const MICROPAY: &str = "/pay/micropay";
const REVERSE: &str = "/secapi/pay/reverse";
const REFUND: &str = "/secapi/pay/refund";
const REFUND_QUERY: &str = "/pay/refundquery";

/// A merchant's program that speaks v2.
struct Shop {
    world: World,
    router: Router,
    kind: SignType,
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

impl Shop {
    async fn open() -> Self {
        let world = World::new().await;
        let router = router(world.platform.clone(), None);
        Self {
            world,
            router,
            kind: SignType::Md5,
        }
    }

    fn key(&self) -> ApiV2Key {
        key_of(&self.world.shop)
    }

    /// What every request has, and these.
    fn fields(&self, more: Pairs<'_>) -> Fields {
        let credentials = &self.world.shop.credentials;
        let mut fields = Fields::new();
        let common = [
            ("appid", credentials.appid.as_str()),
            ("mch_id", &credentials.mchid),
            ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
        ];
        for (name, value) in common.iter().chain(more) {
            fields.insert((*name).to_owned(), (*value).to_owned());
        }
        if self.kind == SignType::HmacSha256 {
            fields.insert("sign_type".into(), "HMAC-SHA256".into());
        }
        fields
    }

    fn signed(&self, mut fields: Fields) -> Fields {
        let sign = self.key().sign(self.kind, pairs(&fields));
        fields.insert("sign".into(), sign);
        fields
    }

    /// Asks, and gives back the answer once its signature is right.
    async fn ask(&self, path: &str, more: Pairs<'_>) -> Fields {
        let answer = self.send(path, &self.signed(self.fields(more))).await;
        if answer["return_code"] == "SUCCESS" {
            assert!(self.key().verify(self.kind, &answer), "{path}: {answer:?}");
            assert_eq!(answer["mch_id"], self.world.shop.credentials.mchid);
            let digits = if self.kind == SignType::Md5 { 32 } else { 64 };
            assert_eq!(answer["sign"].len(), digits);
        }
        answer
    }

    async fn send(&self, path: &str, fields: &Fields) -> Fields {
        let body = self
            .post(path, xml::write("xml", pairs(fields)).into_bytes())
            .await;
        xml::read(&body).unwrap()
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> Vec<u8> {
        let request = Request::builder().method("POST").uri(path);
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    async fn unified(&self, number: &str, total: &str, more: Pairs<'_>) -> Fields {
        self.ask(UNIFIED, &[&order(number, total)[..], more].concat())
            .await
    }

    /// Places an order and has it paid.
    async fn paid(&self, number: &str, total: &str, more: Pairs<'_>) {
        let placed = self.unified(number, total, more).await;
        let token = placed["code_url"].rsplit('/').next().unwrap().to_owned();
        let order = self.world.platform.ids.read_code_token(&token).unwrap();
        self.world
            .pay(feiqian_core::OrderId(feiqian_core::EventNumber(order)))
            .await;
    }

    async fn query(&self, number: &str) -> Fields {
        self.ask(QUERY, &[("out_trade_no", number)]).await
    }
}

fn order<'a>(number: &'a str, total: &'a str) -> [(&'a str, &'a str); 7] {
    [
        ("body", "牛肉面 <大&辣>"),
        ("attach", "table 7"),
        ("out_trade_no", number),
        ("total_fee", total),
        ("spbill_create_ip", "127.0.0.1"),
        ("notify_url", "http://127.0.0.1:9/notify"),
        ("trade_type", "NATIVE"),
    ]
}

fn key_of(merchant: &Merchant) -> ApiV2Key {
    ApiV2Key::new(merchant.credentials.api_v2_key.expose_secret().to_owned())
}

fn pairs(fields: &Fields) -> impl Iterator<Item = (&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// `return_code`, and what is told to people if that is FAIL, else the code.
fn said(answer: &Fields) -> (&str, &str) {
    let name = if answer["return_code"] == "FAIL" {
        "return_msg"
    } else {
        "err_code"
    };
    let told = answer.get(name).map_or("", String::as_str);
    (&answer["return_code"], told)
}

fn refused(code: &str) -> (&str, &str) {
    ("SUCCESS", code)
}

//! Texts from outside that are read before or beside a request's body.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feiqian_core::{Number, UserId};
use feiqian_fuzz::{fuzz, words};
use feiqian_gateway::alipay::params::Params;
use feiqian_gateway::codes::cpm::{self, ConsumerCode};
use feiqian_gateway::codes::emv::{Fault, MerchantCode, crc16};
use feiqian_gateway::paycode::derive::{CodeKey, Scanned, Time};
use feiqian_gateway::server::{TlsFiles, serve_on};
use feiqian_gateway::wechat::authorization::{parse, same_serial};
use feiqian_gateway::wechat::ids::{Ids, mchid, read_mchid};
use feiqian_gateway::wechat::keys::{Authority, MerchantCertificate, RsaKeyPem, Subject};
use feiqian_gateway::wechat::oaep::Decryptor;
use feiqian_gateway::wechat::sign::{PlatformKey, VerifyingKey};
use feiqian_gateway::wechat_v2::sign::{ApiV2Key, SignType};
use feiqian_gateway::wechat_v2::xml;
use secrecy::ExposeSecret as _;

#[test]
fn authorization() {
    fuzz("authorization", [], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let credential = parse(&text);
        if let Ok(credential) = &credential {
            assert!(same_serial(credential.serial_no, credential.serial_no));
        }
        credential
            .map(|_| ())
            .map_err(|error| words(&error.to_string()))
    });
}

/// Parameters of Alipay's gateway: whatever is sent, the text to be signed has every one of them but the sign.
#[test]
fn alipay_parameters() {
    let seed = b"charset=GBK&biz_content=%7B%22a%22%3A1+%7D&sign=x&empty=".to_vec();
    fuzz("alipay_parameters", [seed], |bytes| {
        let mut params = Params::default();
        let read = params.add_form(bytes);
        let (with, without) = (params.signed_text(true), params.signed_text(false));
        assert!(with.len() >= without.len());
        assert!(params.has_empty() || with == without);
        let wrong = read.map_err(|error| words(&error.to_string()));
        (
            wrong,
            params.charset().is_some(),
            params.text("biz_content").is_some(),
        )
    });
}

/// WeChat Pay v2's XML: whatever is read is the same after it was written, and bears a signature then.
#[test]
fn wechat_v2_xml() {
    let seeds: [&[u8]; 3] = [
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><xml><a><![CDATA[1]]></a><b>&lt;&#65;</b><sign>0</sign></xml>",
        b"<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><a>&x;</a></xml>",
        b"<xml><sign_type>HMAC-SHA256</sign_type><c/><d>]]></d></xml>",
    ];
    let key = ApiV2Key::new("192006250b4c09247ec02edce69f6a2d".to_owned());
    fuzz("wechat_v2_xml", seeds.map(<[u8]>::to_vec), |bytes| {
        let fields = match xml::read(bytes) {
            Ok(fields) => fields,
            Err(error) => return Err(words(&error.to_string())),
        };
        let plain = |value: &String| xml::plain(value);
        let mut fields: xml::Fields = fields.iter().map(|(n, v)| (n.clone(), plain(v))).collect();
        let kind = SignType::of(&fields).unwrap_or_default();
        let pairs = |fields: &xml::Fields| -> Vec<(String, String)> {
            fields.clone().into_iter().collect()
        };
        let all = pairs(&fields);
        let sign = key.sign(kind, all.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        fields.insert("sign".into(), sign);
        let all = pairs(&fields);
        let written = xml::write("xml", all.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        if written.len() <= xml::XML_MAX && fields.len() <= xml::FIELDS_MAX {
            assert_eq!(xml::read(written.as_bytes()).as_ref(), Ok(&fields));
        }
        assert!(key.verify(kind, &fields));
        Ok((fields.len(), kind == SignType::Md5))
    });
}

/// A code that nobody's key made is good at no time, however it looks.
#[test]
fn pay_codes() {
    let key = CodeKey::new(UserId(7), 13, 45_678_901, &[1; 32]);
    let step = 58_812_345;
    let known = key.code(step);
    let payload = cpm::write(&known).unwrap();
    let seeds = [&known, &payload].map(|text| text.clone().into_bytes());
    fuzz("pay_codes", seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let scanned = Scanned::read(&text)?;
        let time = key.time_of(scanned, step);
        if [&*known, &*payload].contains(&text.trim_ascii()) {
            assert_eq!(time, Time::Step(step));
        }
        Some(format!("{time:?}"))
    });
}

/// Shoppers' codes of anybody, as the bytes of which the payload is base64: digits that are read are written
/// back.
#[test]
fn consumer_codes() {
    let own = STANDARD.decode(cpm::write("130456789014333309").unwrap());
    fuzz("consumer_codes", [own.unwrap()], |bytes| {
        let code = ConsumerCode::read(&STANDARD.encode(bytes));
        if let Ok(Some(digits)) = code.as_ref().map(ConsumerCode::pay_code) {
            let text = cpm::write(&digits).unwrap();
            let again = ConsumerCode::read(&text).unwrap();
            assert_eq!(again.pay_code(), Some(digits));
        }
        code.map(|code| {
            (
                code.applications.len(),
                code.common.len(),
                code.pay_code().is_some(),
            )
        })
        .map_err(|fault| words(&fault.to_string()))
    });
}

/// Merchants' codes of anybody, with the sum put right, so that what is behind it is reached: what is read is
/// written and read again as the same.
#[test]
fn merchant_codes() {
    fuzz("merchant_codes", [], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let plain = MerchantCode::read(&text).err();
        let body = match text.char_indices().rev().nth(3) {
            Some((end, _)) => text.split_at(end).0,
            None => &text,
        };
        let code = MerchantCode::read(&format!("{body}{:04X}", crc16(body.as_bytes())));
        // What is written says whether it is for one payment, which may make it too long.
        if let Ok(code) = &code
            && let Some(text) = code.write()
        {
            let again = MerchantCode::read(&text).unwrap();
            assert_eq!(again.write(), Some(text));
            assert_eq!((&again.name, &again.amount), (&code.name, &code.amount));
        }
        let words = |fault: Fault| words(&fault.to_string());
        (
            plain.map(words),
            code.map(|code| code.others.len()).map_err(words),
        )
    });
}

/// Everything by which we call things outside, and callers' numbers: what is read is what would be
/// written.
#[test]
fn names() {
    let (ids, at) = (Ids::new(&[7; 32]), 1_510_329_600_000);
    let seeds = [
        ids.openid(5, "wx0123456789abcdef"),
        ids.transaction_id(77, at),
        ids.refund_id(78, at),
        ids.prepay_id(79, at),
        ids.code_token(80),
        ids.notice_id(81),
        ids.appid(3),
        mchid(3),
        "order-1_|*@.:".to_owned(),
    ];
    fuzz("names", seeds.map(String::into_bytes), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Some(order) = ids.read_code_token(&text) {
            assert_eq!(ids.code_token(order), text);
        }
        if let Some(merchant) = read_mchid(&text) {
            assert_eq!(mchid(merchant), text);
        }
        if let Ok(number) = Number::new(&text) {
            assert_eq!(number.as_str(), text);
        }
        [
            ids.read_openid(&text, "wx0123456789abcdef").is_some(),
            ids.read_transaction_id(&text).is_some(),
            ids.read_refund_id(&text).is_some(),
            ids.read_prepay_id(&text).is_some(),
            ids.read_notice_id(&text).is_some(),
            ids.read_appid(&text).is_some(),
        ]
    });
}

/// A key, and a certificate of it.
fn key_and_certificate() -> (String, String, String) {
    let pair = RsaKeyPem::generate().unwrap();
    let authority = Authority::new(&pair.private).unwrap();
    let public = VerifyingKey::from_pem(&pair.public).unwrap();
    let subject = Subject::Merchant {
        mchid: "1900000001",
        name: "面",
    };
    let issued = authority.issue(subject, &public, 1_510_329_600).unwrap();
    let private = pair.private.expose_secret().to_owned();
    (private, pair.public, issued.pem)
}

fn der_of(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

fn pem_of(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

/// As merchants' certificates and keys come: PEM, and what is in it.
#[test]
fn certificates() {
    let (private, public, certificate) = key_and_certificate();
    let texts = [&private, &public, &certificate];
    let seeds = texts.map(|pem| der_of(pem)).into_iter();
    let seeds = seeds.chain(texts.map(|pem| pem.clone().into_bytes()));
    fuzz("certificates", seeds.collect::<Vec<_>>(), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        (
            MerchantCertificate::from_pem(&pem_of(bytes))
                .err()
                .map(|e| e.to_string()),
            MerchantCertificate::from_pem(&text)
                .err()
                .map(|e| e.to_string()),
            VerifyingKey::from_pem(&text).err().map(|e| e.to_string()),
            VerifyingKey::from_der(bytes).is_ok(),
            PlatformKey::from_pem(&text).is_ok(),
            PlatformKey::from_der(bytes).is_ok(),
            Decryptor::from_der(bytes).is_ok(),
        )
    });
}

/// The server's own TLS files: it serves, or says what is wrong with them.
#[test]
fn tls_files() {
    let (private, _, certificate) = key_and_certificate();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.pem");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let seeds = [format!("{certificate}{private}"), private, certificate];
    let at = format!("{}: ", file.display());
    fuzz("tls_files", seeds.map(String::into_bytes), |bytes| {
        std::fs::write(&file, bytes).unwrap();
        let files = TlsFiles {
            certificate: file.clone(),
            key: file.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let stop = std::future::ready(());
        let served = serve_on(axum::Router::new(), listener, Some(files), stop);
        let served = runtime.block_on(served);
        served.map_err(|error| words(error.to_string().trim_start_matches(&at)))
    });
}

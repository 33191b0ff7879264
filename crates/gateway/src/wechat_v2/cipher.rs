//! `req_info` of refund notices (contract 2.6): AES-256-ECB under the digits of the key's MD5, in base64.

use aws_lc_rs::cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::sign::ApiV2Key;

/// Seals. ECB shows which blocks are equal; the protocol has nothing better.
pub(crate) fn seal(key: &ApiV2Key, plain: &str) -> Result<String, Unspecified> {
    let key = UnboundCipherKey::new(&AES_256, key.digits().as_bytes())?;
    let key = PaddedBlockEncryptingKey::ecb_pkcs7(key)?;
    let mut bytes = plain.as_bytes().to_vec();
    key.encrypt(&mut bytes)?;
    Ok(STANDARD.encode(bytes))
}

/// Opens, as a merchant does.
#[cfg(test)]
pub(crate) fn open(key: &ApiV2Key, sealed: &str) -> Option<String> {
    use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};
    let key = UnboundCipherKey::new(&AES_256, key.digits().as_bytes()).ok()?;
    let key = PaddedBlockDecryptingKey::ecb_pkcs7(key).ok()?;
    let mut bytes = STANDARD.decode(sealed).ok()?;
    let plain = key.decrypt(&mut bytes, DecryptionContext::None).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

#[cfg(test)]
mod unit {
    use super::*;

    /// Made with `printf '<root>店</root>' | openssl enc -aes-256-ecb -K $(printf $(printf %s KEY | md5sum | cut -c-32)
    /// | xxd -p -c64) -base64`.
    const BY_OPENSSL: &str = "8fCBvnzb/RK3vn7NYQ7JrPwXAd2fVvyZUPuCqJRycuk=";

    #[test]
    fn openssl_agrees() {
        let key = ApiV2Key::new("192006250b4c09247ec02edce69f6a2d".to_owned());
        assert_eq!(seal(&key, "<root>店</root>").unwrap(), BY_OPENSSL);
        assert_eq!(open(&key, BY_OPENSSL).as_deref(), Some("<root>店</root>"));
    }
}

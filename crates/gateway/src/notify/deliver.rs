//! One try to deliver one notice: build it, sign it, post it, see whether it is acknowledged.

use std::time::Duration;

use feiqian_core::order::create::NotifyForm;

use super::address;
use super::rows::{NoticeNumber, Row};
use super::run::Shared;
use super::{alipay, wechat, wechat_xml};

/// Longest answer read, in bytes.
const ANSWER_MAX: usize = 16 * 1024;

/// A notice, ready to be posted.
pub(super) struct Post {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// Why a try failed. It is kept with the row for the operator, so it holds nothing of the notice.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The endpoint answered something else than an acknowledgement.
    #[error("answered with HTTP status {0}")]
    Status(u16),
    /// The endpoint answered other words than those that acknowledge.
    #[error("answered other words than those that acknowledge")]
    Words,
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// No connection, or one that broke.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It may not be posted there.
    #[error(transparent)]
    Address(address::BadAddress),
    /// The log has no such event, or no such merchant: it will never succeed.
    #[error("there is nothing to tell: the log or the vault was replaced")]
    Nothing,
    /// What it tells cannot be read now.
    #[error("the notice cannot be put together: {0}")]
    Here(String),
}

impl Failure {
    /// Whether trying again is of no use.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Address(_) | Self::Nothing => true,
            Self::Status(_)
            | Self::Words
            | Self::Timeout(_)
            | Self::Unreachable(_)
            | Self::Here(_) => false,
        }
    }
}

pub(super) async fn deliver(
    shared: &Shared,
    notice: NoticeNumber,
    row: &Row,
) -> Result<(), Failure> {
    let url = address::check(&row.url, shared.reach).map_err(Failure::Address)?;
    let post = match row.form {
        NotifyForm::WechatPublicKey | NotifyForm::WechatCertificate => {
            wechat::post(&shared.platform, notice, row.form).await?
        }
        NotifyForm::Alipay => alipay::post(&shared.platform, notice).await?,
        NotifyForm::WechatXmlMd5 | NotifyForm::WechatXmlHmac => {
            wechat_xml::post(&shared.platform, notice, row.form).await?
        }
    };
    let acknowledges: fn(&[u8]) -> bool = match row.form {
        NotifyForm::WechatPublicKey | NotifyForm::WechatCertificate => |_| true,
        NotifyForm::Alipay => |read| read == alipay::ACKNOWLEDGEMENT,
        NotifyForm::WechatXmlMd5 | NotifyForm::WechatXmlHmac => wechat_xml::acknowledges,
    };
    let within = shared.options.answer_within;
    // The client's own limit starts when it connects; this one is over all.
    match tokio::time::timeout(within, send(shared, url, post, acknowledges)).await {
        Ok(sent) => sent,
        Err(_) => Err(Failure::Timeout(within)),
    }
}

/// Posts. An answer acknowledges by its status, and by its words where those count.
async fn send(
    shared: &Shared,
    url: reqwest::Url,
    post: Post,
    acknowledges: fn(&[u8]) -> bool,
) -> Result<(), Failure> {
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            return Failure::Timeout(shared.options.answer_within);
        }
        let causes = std::iter::successors(std::error::Error::source(&error), |e| e.source());
        let cause = causes.last().map_or_else(String::new, ToString::to_string);
        Failure::Unreachable(cause)
    };
    let mut request = shared.client.post(url).body(post.body);
    for (name, value) in post.headers {
        request = request.header(name, value);
    }
    let mut answer = request.send().await.map_err(failed)?;
    let status = answer.status().as_u16();
    // All of it is read, so that the endpoint is not cut off while it writes.
    let mut read = Vec::new();
    while let Ok(Some(part)) = answer.chunk().await {
        read.extend_from_slice(&part);
        if read.len() > ANSWER_MAX {
            break;
        }
    }
    if !matches!(status, 200 | 204) {
        return Err(Failure::Status(status));
    }
    if acknowledges(&read) {
        Ok(())
    } else {
        Err(Failure::Words)
    }
}

//! Which addresses notices may be posted to. A merchant chooses the address and this server posts
//! there, so without a limit merchants could reach into the operator's own network (SSRF, CWE-918).
//!
//! Names are checked when they are resolved for the very connection that is made, so a name that
//! changes its address in between gains nothing. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::platform::Platform;

/// How far notices may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses only.
    Public,
    /// The machine itself and private networks too: a sandbox's merchants are there.
    Sandbox,
}

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not `http://host…` or `https://host…`.
    #[error("not an http or https address")]
    Form,
    /// It carries a name or password.
    #[error("an address must not carry a name or password")]
    Credentials,
    /// It carries a query, which WeChat Pay refuses.
    #[error("an address must not carry a query")]
    Query,
    /// It does not lead to the public network.
    #[error("the address is not a public one")]
    Private,
}

impl BadAddress {
    /// For a merchant's engineer.
    pub(crate) const fn issue(self) -> &'static str {
        match self {
            Self::Form => "须为以http://或https://开头的完整地址",
            Self::Credentials => "不能包含用户名或密码",
            Self::Query => "不能携带查询参数",
            Self::Private => "须为外网可访问的地址",
        }
    }
}

impl Reach {
    /// That of a platform's mode.
    pub(crate) fn of(platform: &Platform) -> Self {
        if platform.is_sandbox() {
            Self::Sandbox
        } else {
            Self::Public
        }
    }

    /// Whether a notice may be posted to this address.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match (self, address) {
            (Self::Public, IpAddr::V4(address)) => is_public_v4(address),
            (Self::Public, IpAddr::V6(address)) => is_public_v6(address),
            // Clouds give out secrets on link-local addresses; no merchant listens there.
            (Self::Sandbox, IpAddr::V4(address)) => {
                !(address.is_link_local() || address.is_multicast() || address.octets()[0] >= 240)
            }
            (Self::Sandbox, IpAddr::V6(address)) => {
                !(address.is_unicast_link_local() || address.is_multicast())
            }
        }
    }
}

/// Whether an address may be told to us, as far as can be said without asking for its host.
pub fn check(text: &str, reach: Reach) -> Result<Url, BadAddress> {
    let url = Url::parse(text).map_err(|_| BadAddress::Form)?;
    // The parser forgives blanks and missing slashes; other clients would not.
    let scheme = text.starts_with("http://") || text.starts_with("https://");
    let Some(host) = url.host_str().filter(|host| scheme && !host.is_empty()) else {
        return Err(BadAddress::Form);
    };
    if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(BadAddress::Form);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadAddress::Credentials);
    }
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    match (reach, literal) {
        (_, Ok(address)) if !reach.allows(address) => return Err(BadAddress::Private),
        (Reach::Public, Err(_)) if is_local_name(host) => return Err(BadAddress::Private),
        (Reach::Public | Reach::Sandbox, _) => {}
    }
    if reach == Reach::Public && url.query().is_some() {
        return Err(BadAddress::Query);
    }
    Ok(url)
}

/// Names that are nobody's in the public network.
fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let ends = ["localhost", "local", "internal", "home.arpa"];
    !host.contains('.')
        || ends
            .iter()
            .any(|end| host.rsplit('.').next() == Some(end) || host.ends_with(".home.arpa"))
}

/// Registers of IANA: special-purpose addresses are not public.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(first == 0
        || first >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (first == 100 && second & 0xc0 == 64)
        || (first == 192 && second == 0 && third == 0)
        || (first == 192 && second == 88 && third == 99)
        || (first == 198 && second & 0xfe == 18))
}

/// Global unicast only, and of it nothing that leads to an IPv4 address in disguise.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let tunnel = first == 0x2002 || (first == 0x2001 && second < 0x200);
    let documentation =
        (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
    first & 0xe000 == 0x2000 && !tunnel && !documentation
}

/// Resolves names to the addresses that may be reached.
pub(super) struct Resolver(pub Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(BadAddress::Private.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// A client that goes only as far.
pub(super) fn client(
    reach: Reach,
    answer_within: std::time::Duration,
) -> Result<reqwest::Client, reqwest::Error> {
    // Only the first call in a program does anything.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let builder = || {
        reqwest::Client::builder()
            .dns_resolver(Arc::new(Resolver(reach)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(answer_within)
            // A merchant may close an idle connection just when it is used again; a notice lost to
            // that would wait for the next try.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("feiqian-notify/", env!("CARGO_PKG_VERSION")))
    };
    builder().build().or_else(|error| {
        // A bare container has none. Notices by http, and everything else, work without.
        tracing::warn!(
            %error,
            "no certificate authorities are installed: notices to https addresses fail; \
             install ca-certificates and start again"
        );
        builder().tls_certs_only([]).build()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_production_only_public_addresses_without_query() {
        for good in [
            "https://shop.example.com/notify",
            "http://shop.example.com:8080/a/b",
            "https://8.8.8.8/notify",
            "https://[2606:4700::1111]/notify",
        ] {
            assert!(check(good, Reach::Public).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("ftp://shop.example.com/", BadAddress::Form),
            ("shop.example.com/notify", BadAddress::Form),
            ("https:shop.example.com", BadAddress::Form),
            ("http://", BadAddress::Form),
            ("http://shop.example.com/a b", BadAddress::Form),
            (
                "https://me:secret@shop.example.com/",
                BadAddress::Credentials,
            ),
            ("https://shop.example.com/?a=b", BadAddress::Query),
            ("http://localhost/notify", BadAddress::Private),
            ("http://intranet/notify", BadAddress::Private),
            ("http://db.internal/notify", BadAddress::Private),
            ("http://127.0.0.1/notify", BadAddress::Private),
            ("http://2130706433/notify", BadAddress::Private),
            ("http://0x7f.1/notify", BadAddress::Private),
            ("http://10.1.2.3/notify", BadAddress::Private),
            ("http://172.16.0.1/", BadAddress::Private),
            ("http://192.168.1.1/", BadAddress::Private),
            (
                "http://169.254.169.254/latest/meta-data",
                BadAddress::Private,
            ),
            ("http://100.64.0.1/", BadAddress::Private),
            ("http://0.0.0.0/", BadAddress::Private),
            ("http://[::1]/notify", BadAddress::Private),
            ("http://[::ffff:10.0.0.1]/", BadAddress::Private),
            ("http://[fd00::1]/", BadAddress::Private),
            ("http://[fe80::1]/", BadAddress::Private),
            ("http://[64:ff9b::a00:1]/", BadAddress::Private),
            ("http://[2002:a00:1::]/", BadAddress::Private),
        ] {
            assert_eq!(check(bad, Reach::Public).unwrap_err(), why, "{bad}");
        }
    }

    #[test]
    fn a_sandbox_reaches_its_own_machine_but_not_the_clouds_secrets() {
        for good in [
            "http://127.0.0.1:9/notify?a=b",
            "http://localhost:8080/",
            "http://10.0.0.5/",
        ] {
            assert!(check(good, Reach::Sandbox).is_ok(), "{good}");
        }
        for bad in [
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://224.0.0.1/",
        ] {
            assert_eq!(
                check(bad, Reach::Sandbox).unwrap_err(),
                BadAddress::Private,
                "{bad}"
            );
        }
        assert_eq!(
            check("not an address", Reach::Sandbox).unwrap_err(),
            BadAddress::Form
        );
    }
}

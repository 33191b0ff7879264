//! How often one caller may ask.
//!
//! Each key (operator, merchant, shopper) has a bucket of its own, and so has each address from which
//! somebody asks without one. Buckets live in memory; those that are full again are dropped.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use feiqian_core::MerchantId;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::access::Role;

/// Requests a second with one key, on average.
pub const KEY_PER_SECOND: u32 = 2_000;
/// Requests at once with one key.
pub const KEY_BURST: u32 = 4_000;
/// Requests a second without a key from one address, on average.
pub const ADDRESS_PER_SECOND: u32 = 100;
/// Requests at once without a key from one address.
pub const ADDRESS_BURST: u32 = 200;
/// Requests a second of one person, device or cashier, on average.
pub const ASKER_PER_SECOND: u32 = 20;
/// Requests at once of one person, device or cashier.
pub const ASKER_BURST: u32 = 100;
/// One-time codes an hour that are sent on behalf of one address, on average.
pub const CODES_PER_HOUR: u32 = 30;
/// One-time codes at once on behalf of one address.
pub const CODES_BURST: u32 = 10;
/// After so many checks full buckets are dropped, so that addresses do not pile up.
const SWEEP_EVERY: u32 = 65_536;

/// Too much is asked: ask again after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; ask again after {} s", .0.as_secs_f64().ceil())]
pub struct RetryAfter(pub Duration);

impl RetryAfter {
    /// For the `Retry-After` header (RFC 9110, 10.2.3): whole seconds, at least one.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0.as_secs().saturating_add(1)
    }
}

/// Somebody signed in to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A shopper, at whatever device.
    User(u32),
    /// A device.
    Device([u8; 16]),
    /// Somebody of a shop.
    Staff(u32, u32),
}

/// All buckets.
pub struct Limiter {
    keys: DefaultKeyedRateLimiter<Role>,
    askers: DefaultKeyedRateLimiter<Asker>,
    codes: DefaultKeyedRateLimiter<IpAddr>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    spare_loopback: bool,
    checks: AtomicU32,
}

impl Limiter {
    /// Full buckets. `spare_loopback` sets no limit to requests without a key from this machine: for
    /// sandboxes, where one developer plays everybody.
    #[must_use]
    pub fn new(spare_loopback: bool) -> Self {
        let number = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let codes = Quota::per_hour(number(CODES_PER_HOUR)).allow_burst(number(CODES_BURST));
        let quota = |rate, burst| Quota::per_second(number(rate)).allow_burst(number(burst));
        Self {
            keys: RateLimiter::keyed(quota(KEY_PER_SECOND, KEY_BURST)),
            askers: RateLimiter::keyed(quota(ASKER_PER_SECOND, ASKER_BURST)),
            codes: RateLimiter::keyed(codes),
            addresses: RateLimiter::keyed(quota(ADDRESS_PER_SECOND, ADDRESS_BURST)),
            spare_loopback,
            checks: AtomicU32::new(0),
        }
    }

    /// Takes one request of a caller who proved who they are.
    pub fn allow(&self, role: Role) -> Result<(), RetryAfter> {
        self.sweep();
        let wait = |not_until: governor::NotUntil<_>| not_until.wait_time_from(now());
        self.keys
            .check_key(&role)
            .map_err(|not_until| RetryAfter(wait(not_until)))
    }

    /// Takes one request of a merchant who proved who it is.
    pub fn allow_merchant(&self, merchant: MerchantId) -> Result<(), RetryAfter> {
        self.allow(Role::merchant(merchant))
    }

    /// Takes one request of somebody signed in to an app.
    pub fn allow_asker(&self, asker: Asker) -> Result<(), RetryAfter> {
        self.sweep();
        let wait = |not_until: governor::NotUntil<_>| not_until.wait_time_from(now());
        self.askers
            .check_key(&asker)
            .map_err(|not_until| RetryAfter(wait(not_until)))
    }

    /// Takes one request of somebody at this address, who proved nothing. Of an IPv6 address the
    /// network (/64) counts: who has one such address has them all.
    pub fn allow_address(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.allow_from(&self.addresses, address)
    }

    /// Takes one message to a phone on behalf of somebody at this address.
    pub fn allow_code(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.allow_from(&self.codes, address)
    }

    fn allow_from(
        &self,
        buckets: &DefaultKeyedRateLimiter<IpAddr>,
        address: IpAddr,
    ) -> Result<(), RetryAfter> {
        let address = address.to_canonical();
        if self.spare_loopback && address.is_loopback() {
            return Ok(());
        }
        self.sweep();
        let network = network(address);
        let wait = |not_until: governor::NotUntil<_>| not_until.wait_time_from(now());
        buckets
            .check_key(&network)
            .map_err(|not_until| RetryAfter(wait(not_until)))
    }

    fn sweep(&self) {
        if self
            .checks
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(SWEEP_EVERY)
        {
            self.keys.retain_recent();
            self.askers.retain_recent();
            self.codes.retain_recent();
            self.addresses.retain_recent();
        }
    }
}

/// Of an IPv6 address the network (/64): who has one such address has them all.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

fn now() -> <DefaultClock as governor::clock::Clock>::Instant {
    DefaultClock::default().now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_bucket() {
        let limiter = Limiter::new(false);
        let first = |_| limiter.allow_merchant(MerchantId(1)).is_err();
        assert!((0..2 * KEY_BURST).any(first), "the burst has an end");
        assert_eq!(limiter.allow_merchant(MerchantId(2)), Ok(()));
        assert_eq!(limiter.allow(Role::User(1)), Ok(()));
    }

    #[test]
    fn a_network_of_version_6_is_one_address() {
        let limiter = Limiter::new(false);
        let mut refused = None;
        for n in 0..2 * ADDRESS_BURST {
            let address = format!("2001:db8::{n:x}").parse().unwrap();
            refused = refused.or(limiter.allow_address(address).err());
        }
        assert!(
            refused.is_some_and(|wait| wait.seconds() == 1),
            "{refused:?}"
        );
        assert_eq!(
            limiter.allow_address("2001:db8:0:1::".parse().unwrap()),
            Ok(())
        );
    }

    #[test]
    fn only_a_sandbox_spares_its_own_machine() {
        for (spare, address) in [
            (true, "127.0.0.1"),
            (true, "::ffff:127.0.0.1"),
            (false, "::1"),
        ] {
            let limiter = Limiter::new(spare);
            let ask = |_| limiter.allow_address(address.parse().unwrap()).is_ok();
            assert_eq!((0..2 * ADDRESS_BURST).all(ask), spare, "{address}");
        }
    }
}

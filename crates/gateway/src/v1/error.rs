//! One shape for everything that goes wrong, and where each refusal of the rules finds its words.
//!
//! `type` tells a program what to do: put the request right (`invalid_request`), send another number
//! (`conflict`), ask the person (`refused`), wait (`rate_limit`, `unavailable`). `code` says exactly
//! what it was. A code never changes its meaning.

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use feiqian_core::{bank, brand, campaign, merchant, order, packet, remittance, request, user};
use feiqian_engine::{Rejected, Stopped};
use feiqian_store::StoreError;
use feiqian_store::vault::VaultError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::campaigns::cel::RuleError;
use crate::limiter::RetryAfter;
use crate::paycode::BadCode;
use crate::platform::{AddMerchantError, AddUserError, PlatformError};

/// When to ask again while the disk is full: somebody has to make room first.
const DISK_FULL_SECONDS: u64 = 10;

/// What kind of answer it is: decides the HTTP status, except where one is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// 400 (405, 413, 415): the request is not what this document says. Put it right.
    InvalidRequest,
    /// 401: no key, or one that nobody holds.
    Authentication,
    /// 403: the key's holder may not do this.
    Permission,
    /// 404: there is no such thing, or the holder may not know of it.
    NotFound,
    /// 409: the `Idempotency-Key` was used for something else.
    Conflict,
    /// 422: a rule says no; nothing changed.
    Refused,
    /// 429: too many requests. `Retry-After` says when to ask again.
    RateLimit,
    /// 503: ask again with the same `Idempotency-Key`; it may have happened.
    Unavailable,
    /// 500: our fault.
    Internal,
}

impl ErrorType {
    fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::Authentication => StatusCode::UNAUTHORIZED,
            Self::Permission => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What every error answer is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct Problem {
    /// What went wrong.
    error: Detail,
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ErrorDetail)]
struct Detail {
    #[serde(rename = "type")]
    kind: ErrorType,
    /// Exactly what it was, e.g. `balance_short`.
    #[schema(pattern = "^[a-z0-9_]+$")]
    code: &'static str,
    /// For people, in English. Its words may change.
    message: String,
    /// The part of the request that is at fault, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
}

/// An error answer on its way out.
#[derive(Clone, Debug)]
pub struct ApiError {
    status: StatusCode,
    detail: Detail,
    retry_after: Option<u64>,
}

impl ApiError {
    /// An answer with the status of its type.
    #[must_use]
    pub fn new(kind: ErrorType, code: &'static str, message: impl Into<String>) -> Self {
        let detail = Detail {
            kind,
            code,
            message: message.into(),
            param: None,
        };
        Self {
            status: kind.status(),
            detail,
            retry_after: None,
        }
    }

    /// The request is not what it should be.
    #[must_use]
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorType::InvalidRequest, code, message)
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(code: &'static str, what: &str) -> Self {
        Self::new(
            ErrorType::NotFound,
            code,
            format!("there is no such {what}"),
        )
    }

    /// The key's holder may not do this.
    #[must_use]
    pub fn forbidden(message: &str) -> Self {
        Self::new(ErrorType::Permission, "not_allowed", message)
    }

    /// Names the part of the request that is at fault.
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.detail.param = Some(param.into());
        self
    }

    /// Answers with another status of the same class.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Says when to ask again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The code, for pages that word it otherwise.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.detail.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Our fault: logged here, said without detail.
    pub fn internal(error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        tracing::error!(%error, ?causes, "a request failed through our fault");
        Self::new(
            ErrorType::Internal,
            "internal",
            "something failed on our side; it was logged",
        )
    }

    fn conflict(error: &impl ToString) -> Self {
        Self::new(ErrorType::Conflict, "number_reused", error.to_string()).at("Idempotency-Key")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Problem { error: self.detail })).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

impl From<RetryAfter> for ApiError {
    fn from(retry: RetryAfter) -> Self {
        Self::new(ErrorType::RateLimit, "too_many_requests", retry.to_string())
            .retry_after(retry.seconds())
    }
}

impl From<Stopped> for ApiError {
    fn from(_: Stopped) -> Self {
        Self::new(
            ErrorType::Unavailable,
            "stopped",
            "the server is stopping; ask again",
        )
        .retry_after(1)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::internal(&error)
    }
}

impl From<PlatformError> for ApiError {
    fn from(error: PlatformError) -> Self {
        match error {
            PlatformError::Stopped(stopped) => stopped.into(),
            PlatformError::Vault(_)
            | PlatformError::Key(_)
            | PlatformError::Record(_)
            | PlatformError::Store(_) => Self::internal(&error),
        }
    }
}

impl<R: core::fmt::Debug + core::fmt::Display + Into<Self>> From<Rejected<R>> for ApiError {
    fn from(rejected: Rejected<R>) -> Self {
        let unavailable =
            |code, message: String| Self::new(ErrorType::Unavailable, code, message).retry_after(1);
        match rejected {
            Rejected::Refused(refusal) => refusal.into(),
            Rejected::Busy => unavailable("busy", rejected.to_string()),
            Rejected::DiskFull => {
                unavailable("disk_full", rejected.to_string()).retry_after(DISK_FULL_SECONDS)
            }
            Rejected::Unknown => unavailable("outcome_unknown", rejected.to_string()),
        }
    }
}

impl From<AddMerchantError> for ApiError {
    fn from(error: AddMerchantError) -> Self {
        match error {
            AddMerchantError::Certificate(_) => {
                Self::invalid("certificate_bad", error.to_string()).at("certificate_pem")
            }
            AddMerchantError::Rejected(rejected) => rejected.into(),
            AddMerchantError::Platform(error) => error.into(),
        }
    }
}

impl From<AddUserError> for ApiError {
    fn from(error: AddUserError) -> Self {
        match error {
            AddUserError::Rejected(rejected) => rejected.into(),
            AddUserError::Platform(error) => error.into(),
        }
    }
}

/// How the refusals of one command are answered. Every refusal is named: a new one does not compile
/// until it has its words here.
macro_rules! answers {
    ($module:path { $($kind:ident: $($refusal:ident = $code:literal $(at $param:literal)?),+;)+ }) => {
        impl From<$module> for ApiError {
            fn from(refusal: $module) -> Self {
                use $module as Refusal;
                match &refusal {
                    Refusal::NumberReused => Self::conflict(&refusal),
                    $($(Refusal::$refusal { .. } => {
                        Self::new(ErrorType::$kind, $code, refusal.to_string())$(.at($param))?
                    })+)+
                }
            }
        }
    };
    (unnumbered $module:path { $($kind:ident: $($refusal:ident = $code:literal $(at $param:literal)?),+;)+ }) => {
        impl From<$module> for ApiError {
            fn from(refusal: $module) -> Self {
                use $module as Refusal;
                match &refusal {
                    $($(Refusal::$refusal { .. } => {
                        Self::new(ErrorType::$kind, $code, refusal.to_string())$(.at($param))?
                    })+)+
                }
            }
        }
    };
}

answers!(brand::add::Refusal {
    InvalidRequest: BadName = "name_bad" at "name";
    Refused: TooMany = "too_many_brands";
});
answers!(user::add::Refusal {
    Refused: BrandNotFound = "brand_not_found" at "brand_id", TooMany = "too_many_users";
});
answers!(unnumbered user::set_status::Refusal {
    NotFound: UserNotFound = "user_not_found";
    Refused: UserClosed = "user_closed";
});
answers!(merchant::add::Refusal {
    InvalidRequest: BadName = "name_bad" at "name", BadCategory = "category_bad" at "category",
        FeeTooHigh = "fee_too_high" at "fee_bps";
    Refused: TooMany = "too_many_merchants";
});
answers!(unnumbered merchant::change::Refusal {
    NotFound: MerchantNotFound = "merchant_not_found";
    InvalidRequest: FeeTooHigh = "fee_too_high" at "fee_bps";
});
answers!(bank::top_up::Refusal {
    NotFound: UserNotFound = "user_not_found";
    InvalidRequest: AmountOutOfRange = "amount_out_of_range" at "amount";
    Refused: UserNotActive = "user_not_active";
});
answers!(bank::withdraw::Refusal {
    NotFound: UserNotFound = "user_not_found";
    InvalidRequest: AmountOutOfRange = "amount_out_of_range" at "amount";
    Refused: UserNotActive = "user_not_active", BalanceShort = "balance_short",
        FeeAbove = "fee_above" at "fee_at_most", AboveLimit = "above_limit" at "amount", ReserveShort = "reserve_short";
});
answers!(order::create::Refusal {
    InvalidRequest: AmountOutOfRange = "amount_out_of_range" at "amount", TextTooLong = "text_bad";
    Refused: MerchantNotFound = "merchant_not_found", MerchantNotActive = "merchant_not_active",
        ExpiryOutOfRange = "expiry_out_of_range" at "expires_at",
        PayerNotFound = "payer_not_found" at "only_payer";
});
answers!(unnumbered order::pay::Refusal {
    NotFound: OrderNotFound = "order_not_found";
    Refused: AlreadyPaid = "already_paid", OrderClosed = "order_closed",
        OrderExpired = "order_expired", PayerNotFound = "payer_not_found",
        OtherPayer = "other_payer", PayerNotActive = "payer_not_active",
        MerchantNotActive = "merchant_not_active", PriceChanged = "price_changed",
        CampaignSpent = "campaign_spent", BalanceShort = "balance_short",
        AboveLimit = "above_limit";
});
answers!(unnumbered order::spend_code::Refusal {
    NotFound: OrderNotFound = "order_not_found";
    Refused: CodeSpent = "pay_code_spent" at "pay_code", AlreadyPaid = "already_paid",
        OrderClosed = "order_closed", OrderExpired = "order_expired",
        PayerNotFound = "payer_not_found", OtherPayer = "other_payer",
        AnotherIsAsked = "another_is_asked", PayerNotActive = "payer_not_active",
        NotNow = "pay_code_expired" at "pay_code";
});
answers!(unnumbered order::decline::Refusal {
    NotFound: OrderNotFound = "order_not_found";
    Refused: NotAsked = "not_asked", AlreadyPaid = "already_paid";
});
answers!(unnumbered order::close::Refusal {
    NotFound: OrderNotFound = "order_not_found";
    Refused: AlreadyPaid = "already_paid";
});
answers!(unnumbered order::reverse::Refusal {
    NotFound: OrderNotFound = "order_not_found";
    Refused: AlreadyRefunded = "already_refunded", TooLate = "too_late",
        BalanceShort = "merchant_balance_short";
});
answers!(order::refund::Refusal {
    NotFound: OrderNotFound = "order_not_found";
    InvalidRequest: TextTooLong = "text_bad" at "reason";
    Refused: NotPaid = "not_paid", Reversed = "order_reversed",
        OtherOrderAmount = "other_order_amount", TooLate = "too_late",
        TooMany = "too_many_refunds", AboveRefundable = "above_refundable" at "amount",
        BalanceShort = "balance_short";
});
answers!(brand::fund::Refusal {
    NotFound: BrandNotFound = "brand_not_found";
    InvalidRequest: AmountOutOfRange = "amount_out_of_range" at "amount";
    Refused: ReserveFull = "reserve_full";
});
answers!(unnumbered user::set_traits::Refusal {
    NotFound: UserNotFound = "user_not_found";
    Refused: OtherPerson = "other_person" at "identity";
});
answers!(campaign::add::Refusal {
    InvalidRequest: Flawed = "terms_bad" at "terms";
    Refused: BrandNotFound = "brand_not_found" at "terms.brand_id",
        MerchantNotFound = "merchant_not_found" at "terms", TooMany = "too_many_campaigns";
});
answers!(unnumbered campaign::step::Refusal {
    NotFound: CampaignNotFound = "campaign_not_found";
    Refused: WrongStatus = "wrong_status", TimeOver = "time_over", SameOperator = "same_operator",
        BalanceShort = "balance_short", TooManyRunning = "too_many_running";
});
answers!(campaign::budget::Refusal {
    NotFound: CampaignNotFound = "campaign_not_found";
    InvalidRequest: AmountOutOfRange = "amount_out_of_range" at "to";
    Refused: Ended = "campaign_ended", OtherBudget = "other_budget" at "from",
        BelowUsed = "below_used" at "to", BalanceShort = "balance_short";
});
answers!(packet::send::Refusal {
    NotFound: UserNotFound = "user_not_found";
    InvalidRequest: SharesOutOfRange = "shares_out_of_range" at "shares",
        AmountOutOfRange = "amount_out_of_range" at "total",
        BelowShares = "below_shares" at "total", Uneven = "uneven" at "total",
        TextTooLong = "text_bad" at "message";
    Refused: UserNotActive = "user_not_active", PayeeNotFound = "payee_not_found" at "to",
        PayeeIsSender = "payee_is_sender" at "to",
        BalanceShort = "balance_short", AboveLimit = "above_limit" at "total";
});
answers!(unnumbered packet::grab::Refusal {
    NotFound: PacketNotFound = "packet_not_found", UserNotFound = "user_not_found";
    Refused: UserNotActive = "user_not_active", ForAnother = "packet_for_another",
        Empty = "packet_empty", Expired = "packet_expired";
});
answers!(campaign::give::Refusal {
    NotFound: CampaignNotFound = "campaign_not_found";
    Refused: UserNotFound = "user_not_found", UserNotActive = "user_not_active",
        OtherBrand = "other_brand", NotClaimed = "not_claimed", NotRunning = "campaign_not_running",
        Spent = "coupons_spent", UserLimit = "user_limit";
});
answers!(unnumbered brand::set_withdrawal_terms::Refusal {
    NotFound: BrandNotFound = "brand_not_found";
    InvalidRequest: FreeOutOfRange = "amount_out_of_range" at "free_per_month",
        FeeTooHigh = "fee_too_high" at "fee_bps", LeastOutOfRange = "amount_out_of_range" at "fee_least";
});
answers!(unnumbered user::set_tier::Refusal {
    NotFound: UserNotFound = "user_not_found";
    Refused: UserClosed = "user_closed";
});
answers!(remittance::send::Refusal {
    InvalidRequest: AmountOutOfRange = "amount_out_of_range" at "amount",
        TextTooLong = "text_bad" at "message";
    Refused: PayerNotFound = "payer_not_found", PayerNotActive = "payer_not_active",
        PayeeNotFound = "payee_not_found" at "to", PayeeNotActive = "payee_not_active" at "to",
        ToOneself = "to_oneself" at "to", RequestNotOpen = "request_not_open",
        NotAsked = "not_asked", ShareSettled = "share_settled", OtherShare = "other_share",
        BalanceShort = "balance_short", AboveLimit = "above_limit" at "amount";
});
answers!(unnumbered remittance::take_back::Refusal {
    NotFound: NotYours = "transfer_not_found";
    Refused: NotWaiting = "transfer_not_waiting", TooLate = "too_late";
});
answers!(unnumbered remittance::accept::Refusal {
    NotFound: OtherClaim = "transfer_not_found";
    Refused: NotWaiting = "transfer_not_waiting", PayeeNotFound = "payee_not_found",
        PayeeNotActive = "payee_not_active", TooLate = "too_late";
});
answers!(request::ask::Refusal {
    InvalidRequest: SharesOutOfRange = "shares_out_of_range" at "shares",
        TextTooLong = "text_bad" at "note", AskedTwice = "asked_twice" at "shares",
        AmountOutOfRange = "amount_out_of_range" at "shares";
    Refused: AskerNotFound = "user_not_found", AskerNotActive = "user_not_active",
        PayerNotFound = "payer_not_found" at "shares", PayerClosed = "user_closed" at "shares",
        OfOneself = "of_oneself" at "shares", TooManyOpen = "too_many_requests";
});
answers!(unnumbered request::decline::Refusal {
    NotFound: NotAsked = "request_not_found";
    Refused: RequestNotOpen = "request_not_open", ShareSettled = "share_settled";
});
answers!(unnumbered request::cancel::Refusal {
    NotFound: NotYours = "request_not_found";
    Refused: RequestNotOpen = "request_not_open";
});

impl From<BadCode> for ApiError {
    fn from(bad: BadCode) -> Self {
        let (kind, code) = match bad {
            BadCode::Invalid => (ErrorType::Refused, "pay_code_invalid"),
            BadCode::Expired => (ErrorType::Refused, "pay_code_expired"),
            BadCode::TooMany => (ErrorType::RateLimit, "too_many_wrong_codes"),
        };
        Self::new(kind, code, bad.to_string()).at("pay_code")
    }
}

impl From<RuleError> for ApiError {
    fn from(error: RuleError) -> Self {
        Self::invalid("rule_bad", error.to_string()).at("terms.rule")
    }
}

//! Who is asked outside: a gateway that sends messages to phones, and a service that knows who bears which
//! identity number. A sandbox has its own of both.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::phone::Phone;

/// One try lasts so long.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Tries of one call.
const TRIES: u32 = 3;
/// Before the second try; before the third twice as long.
const PAUSE: Duration = Duration::from_millis(300);

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, OutsideError>> + Send + 'a>>;

/// Why nobody outside did it. Holds nothing of the person.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// Operator: the configuration names none.
    #[error("none is configured")]
    None,
    /// Them: no answer in time, or no connection.
    #[error("cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Them: another answer than they should give.
    #[error("answered with HTTP status {0}")]
    Status(u16),
}

/// Sends a text to a phone.
pub trait Sms: Send + Sync {
    /// Done once the gateway has taken it over.
    fn send<'a>(&'a self, phone: &'a Phone, text: &'a str) -> Later<'a, ()>;
    /// Whether codes are shown on the screen instead: in a sandbox only.
    fn shows(&self) -> bool {
        false
    }
}

/// Knows who bears an identity number.
pub trait Registry: Send + Sync {
    /// Whether name and number belong together.
    fn knows<'a>(&'a self, name: &'a str, id_number: &'a str) -> Later<'a, bool>;
}

/// Both.
pub struct Outside {
    /// Messages to phones.
    pub sms: Box<dyn Sms>,
    /// Names and identity numbers.
    pub registry: Box<dyn Registry>,
}

impl Outside {
    /// A sandbox's: codes are shown, and everybody is who they say.
    #[must_use]
    pub fn sandbox() -> Self {
        Self {
            sms: Box::new(Sandbox),
            registry: Box::new(Sandbox),
        }
    }

    /// Those that are configured; asking one that is not fails.
    #[must_use]
    pub fn of(sms: Option<Endpoint>, registry: Option<Endpoint>) -> Self {
        let absent = || Box::new(Absent);
        Self {
            sms: sms.map_or_else(|| absent() as Box<dyn Sms>, |it| Box::new(it)),
            registry: registry.map_or_else(|| absent() as Box<dyn Registry>, |it| Box::new(it)),
        }
    }
}

struct Sandbox;

impl Sms for Sandbox {
    fn send<'a>(&'a self, _: &'a Phone, _: &'a str) -> Later<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn shows(&self) -> bool {
        true
    }
}

impl Registry for Sandbox {
    fn knows<'a>(&'a self, _: &'a str, _: &'a str) -> Later<'a, bool> {
        Box::pin(async { Ok(true) })
    }
}

struct Absent;

impl Sms for Absent {
    fn send<'a>(&'a self, _: &'a Phone, _: &'a str) -> Later<'a, ()> {
        Box::pin(async { Err(OutsideError::None) })
    }
}

impl Registry for Absent {
    fn knows<'a>(&'a self, _: &'a str, _: &'a str) -> Later<'a, bool> {
        Box::pin(async { Err(OutsideError::None) })
    }
}

/// A service that is asked by HTTP: JSON posted with a bearer token. `docs/APPS.md` says what.
pub struct Endpoint {
    url: reqwest::Url,
    token: SecretString,
    client: reqwest::Client,
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadEndpoint {
    /// Not an address, or one that anybody on the way could read.
    #[error("{0} is no https address")]
    Url(String),
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

impl Endpoint {
    /// At this address: https, or http on this machine.
    ///
    /// # Errors
    /// [`BadEndpoint`].
    pub fn new(url: &str, token: SecretString) -> Result<Self, BadEndpoint> {
        let parsed = reqwest::Url::parse(url).ok().filter(|url| {
            let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
            url.scheme() == "https" || url.scheme() == "http" && here
        });
        // Only the first call in a program does anything.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self {
            url: parsed.ok_or_else(|| BadEndpoint::Url(url.to_owned()))?,
            token,
            client: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(ANSWER_WITHIN)
                .user_agent(concat!("feiqian/", env!("CARGO_PKG_VERSION")))
                .build()?,
        })
    }

    /// Posts until it is answered, a few times at most, under one number.
    async fn post(&self, body: &impl Serialize) -> Result<reqwest::Response, OutsideError> {
        let mut number = [0; 16];
        // Without random bytes the number is all zeros, and the service may take two calls for one.
        let _ = aws_lc_rs::rand::fill(&mut number);
        let number = URL_SAFE_NO_PAD.encode(number);
        let mut pause = PAUSE;
        for tried in 1.. {
            let request = self.client.post(self.url.clone()).json(body);
            let request = request
                .bearer_auth(self.token.expose_secret())
                .header("Idempotency-Key", &number);
            let failure = match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => OutsideError::Status(answer.status().as_u16()),
                Err(error) => OutsideError::Unreachable(error.without_url()),
            };
            let again = !matches!(failure, OutsideError::Status(400..=428 | 430..=499));
            if tried >= TRIES || !again {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(OutsideError::None)
    }
}

impl Sms for Endpoint {
    fn send<'a>(&'a self, phone: &'a Phone, text: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            let body = json!({ "phone": phone.as_str(), "text": text });
            self.post(&body).await.map(|_| ())
        })
    }
}

/// What the registry answers.
#[derive(Deserialize)]
struct Known {
    matches: bool,
}

impl Registry for Endpoint {
    fn knows<'a>(&'a self, name: &'a str, id_number: &'a str) -> Later<'a, bool> {
        Box::pin(async move {
            let body = json!({ "name": name, "id_number": id_number });
            let answer = self.post(&body).await?;
            let known = answer.json::<Known>().await;
            let known = known.map_err(|error| OutsideError::Unreachable(error.without_url()))?;
            Ok(known.matches)
        })
    }
}

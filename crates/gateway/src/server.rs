//! The HTTP server: every edge behind one door, with a limit on everything.
//!
//! What is limited, from the outside in: connections, the time of a TLS handshake, of a request's
//! header, of a whole request; the size of a body; requests per key ([`crate::limiter`]). A handler
//! that panics answers 500 and takes nothing else with it.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tower_http::catch_panic::CatchPanicLayer;

use crate::desk::trail;
use crate::health::{self, Watch};
use crate::notify::Notifier;
use crate::platform::Platform;
use crate::reports::Books;
use crate::sandbox::{self, Sessions};
use crate::v1::auth::Anybody;
use crate::v1::error::{ApiError, ErrorType};
use crate::{alipay, app as apps, link, v1, web, wechat, wechat_v2};

/// Longest request body, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;
/// Most connections at once; further ones are closed at once.
pub const CONNECTIONS_MAX: usize = 10_000;
/// A connection's first request must have begun within this time.
pub const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// A request's header must have arrived within this time; a connection without requests ends after it.
pub const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// A TLS handshake must be done within this time.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// A request, its body included, is answered within this time.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// After the word to stop, requests being answered have this time to end.
pub const STOP_WITHIN: Duration = Duration::from_secs(20);

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// Engine, vault and keys.
    pub platform: Arc<Platform>,
    /// Counts of requests.
    pub watch: Arc<Watch>,
    /// Sends notices, if this server does.
    pub notifier: Option<Notifier>,
    /// Keeps the reports' totals, if this server does.
    pub books: Option<Books>,
    /// Whom the sandbox plays.
    pub sessions: Arc<Sessions>,
}

impl FromRef<App> for Arc<Platform> {
    fn from_ref(app: &App) -> Self {
        app.platform.clone()
    }
}

/// All edges of a platform. What only a sandbox has is absent in production.
pub fn router(platform: Arc<Platform>, notifier: Option<Notifier>) -> Router {
    router_with(platform, notifier, None)
}

/// As [`router`], with reports.
pub fn router_with(
    platform: Arc<Platform>,
    notifier: Option<Notifier>,
    books: Option<Books>,
) -> Router {
    let watch = Arc::new(Watch::new(&platform.engine));
    let app = App {
        platform,
        watch,
        notifier,
        books,
        sessions: Arc::default(),
    };
    let with_sandbox = app.platform.is_sandbox();
    let mut router = Router::new()
        .merge(health::routes())
        .merge(
            v1::routes(with_sandbox).layer(from_fn_with_state(app.platform.clone(), trail::keep)),
        )
        .merge(wechat::routes().with_state(app.platform.clone()))
        .merge(alipay::routes().with_state(app.platform.clone()))
        .merge(wechat_v2::routes().with_state(app.platform.clone()))
        .merge(apps::routes(&app))
        .merge(web::routes())
        .merge(link::routes());
    if with_sandbox {
        router = router.merge(sandbox::pages());
    }
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(app)
}

async fn unknown_path(_: Anybody) -> ApiError {
    ApiError::not_found("path_not_found", "path")
}

async fn unknown_method(_: Anybody) -> ApiError {
    ApiError::invalid(
        "method_not_allowed",
        "this path knows other methods, see Allow",
    )
    .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    // The panic's text may hold what a request said, so it stays on standard error (the panic hook).
    tracing::error!("a handler panicked; the request was answered with 500");
    let message = "something failed on our side; it was logged";
    ApiError::new(ErrorType::Internal, "internal", message).into_response()
}

/// Around every request: its time, its count, and the headers that all answers bear.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = health::method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answer = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| {
        let message = "this took too long; ask again with the same number";
        ApiError::new(ErrorType::Unavailable, "timeout", message)
            .retry_after(1)
            .into_response()
    });
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let (status, took) = (response.status(), begun.elapsed());
    tracing::debug!(method, route, status = status.as_u16(), ?took, "answered");
    app.watch.count(method, route, status, took);
    let headers = response.headers_mut();
    // The body stays as it is: the WeChat Pay edge has signed it.
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
    /// With TLS, if there is a certificate.
    pub tls: Option<TlsFiles>,
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate first, then those that vouch for it.
    pub certificate: PathBuf,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// Listens and serves until `shutdown`, then takes no more connections and ends what it has begun.
pub async fn serve(
    router: Router,
    listen: Listen,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = TcpListener::bind(listen.address)?;
    serve_on(router, listener, listen.tls, shutdown).await
}

/// [`serve`] on a port that is open already.
pub async fn serve_on(
    router: Router,
    listener: TcpListener,
    tls: Option<TlsFiles>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let handle = Handle::new();
    let stopping = handle.clone();
    let stopper = tokio::spawn(async move {
        shutdown.await;
        stopping.graceful_shutdown(Some(STOP_WITHIN));
    });
    let capped = Capped {
        handle: handle.clone(),
    };
    let mut server = axum_server::from_tcp(listener)?
        .handle(handle)
        .first_request_timeout(FIRST_REQUEST_WITHIN)
        .accept_error_handler(|peer, error| tracing::debug!(?peer, %error, "no connection"))
        .http1_only();
    server
        .http_builder()
        .http1()
        .header_read_timeout(HEADER_WITHIN);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = match tls {
        None => server.acceptor(capped).serve(service).await,
        Some(files) => {
            let config = RustlsConfig::from_config(Arc::new(tls_config(&files)?));
            let acceptor = RustlsAcceptor::new(config)
                .handshake_timeout(HANDSHAKE_WITHIN)
                .acceptor(capped);
            server.acceptor(acceptor).serve(service).await
        }
    };
    stopper.abort();
    served
}

/// Turns connections away beyond the limit.
#[derive(Clone)]
struct Capped {
    handle: Handle<SocketAddr>,
}

impl<S> Accept<TcpStream, S> for Capped {
    type Stream = TcpStream;
    type Service = S;
    type Future = std::future::Ready<io::Result<(TcpStream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // The new one counts already.
        let accepted = if self.handle.connection_count() > CONNECTIONS_MAX {
            Err(io::Error::other("too many connections"))
        } else {
            stream.set_nodelay(true).map(|()| (stream, service))
        };
        std::future::ready(accepted)
    }
}

fn tls_config(files: &TlsFiles) -> io::Result<rustls::ServerConfig> {
    fn named(path: &Path, error: impl std::fmt::Display) -> io::Error {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {error}", path.display()),
        )
    }
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| named(&files.certificate, error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| named(&files.key, error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| named(&files.certificate, error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_500_and_takes_nothing_else_with_it() {
        async fn panics() -> StatusCode {
            panic!("of this handler only")
        }
        let router = Router::new()
            .route("/panics", get(panics))
            .route("/works", get(async || "works"))
            .layer(CatchPanicLayer::custom(panicked));
        for (path, status) in [("/panics", 500), ("/works", 200)] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status);
        }
    }
}

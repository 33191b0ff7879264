//! The lightest client: one keep-alive connection, one request at a time on it.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// What goes wrong on a connection, in words: it has to cross tasks.
pub type Problem = String;

/// A connection to the server.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

/// One header.
pub type Header = (HeaderName, HeaderValue);

impl Connection {
    /// Connects to `http://HOST:PORT`.
    pub async fn open(base_url: &str) -> Result<Self, Problem> {
        let authority = base_url.trim_start_matches("http://");
        let stream = TcpStream::connect(authority).await.map_err(words)?;
        stream.set_nodelay(true).map_err(words)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(words)?;
        // It ends with the sender.
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: HeaderValue::from_str(authority).map_err(words)?,
        })
    }

    /// Sends a request and reads its answer; one that is no success is a problem.
    pub async fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: &[Header],
        body: impl Into<Bytes>,
    ) -> Result<Bytes, Problem> {
        let mut request = Request::new(Full::new(body.into()));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().map_err(words)?;
        let own = request.headers_mut();
        own.insert(HOST, self.host.clone());
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            own.insert(name, value.clone());
        }
        self.sender.ready().await.map_err(words)?;
        let answer = self.sender.send_request(request).await.map_err(words)?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(words)?;
        let bytes = body.to_bytes();
        if status.is_success() {
            Ok(bytes)
        } else {
            let text = String::from_utf8_lossy(&bytes);
            Err(format!("{target} was answered with {status}: {text}"))
        }
    }

    /// Sends JSON, reads JSON.
    pub async fn json(
        &mut self,
        method: Method,
        target: &str,
        headers: &[Header],
        body: &Value,
    ) -> Result<Value, Problem> {
        let bytes = self.send(method, target, headers, body.to_string()).await?;
        serde_json::from_slice(&bytes).map_err(words)
    }
}

/// An error, in words.
pub fn words(error: impl std::fmt::Display) -> Problem {
    error.to_string()
}

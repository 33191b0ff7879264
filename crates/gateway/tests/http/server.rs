//! The server on a real port.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use feiqian_gateway::server::{FIRST_REQUEST_WITHIN, TlsFiles, serve_on};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

fn start(router: Router, tls: Option<TlsFiles>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let ended = tokio::spawn(serve_on(router, listener, tls, shutdown));
    Served {
        address,
        stop,
        ended,
    }
}

fn client(root: Option<&str>) -> reqwest::Client {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    drop(provider.install_default());
    let mut builder = reqwest::Client::builder().no_proxy();
    if let Some(pem) = root {
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        builder = builder.tls_certs_only([root]);
    }
    builder.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_is_finished_before_it_stops() {
    let slow = get(async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        "done"
    });
    let served = start(Router::new().route("/slow", slow), None);
    let client = client(None);
    let request = client.get(format!("http://{}/slow", served.address)).send();
    let request = tokio::spawn(request);
    tokio::time::sleep(Duration::from_millis(200)).await;
    served.stop.send(()).unwrap();
    assert_eq!(
        request.await.unwrap().unwrap().text().await.unwrap(),
        "done"
    );
    served.ended.await.unwrap().unwrap();
    assert!(
        TcpStream::connect(served.address).is_err(),
        "it takes no more connections"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let tls = TlsFiles {
        certificate: dir.path().join("certificate.pem"),
        key: dir.path().join("key.pem"),
    };
    std::fs::write(&tls.certificate, &certificate).unwrap();
    std::fs::write(&tls.key, key.serialize_pem()).unwrap();
    let served = start(
        Router::new().route("/", get(async || "hello")),
        Some(tls.clone()),
    );
    let url = format!("https://localhost:{}/", served.address.port());
    let answer = client(Some(&certificate)).get(url).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "hello");
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
    std::fs::write(&tls.key, "nonsense").unwrap();
    let error = start(Router::new(), Some(tls))
        .ended
        .await
        .unwrap()
        .unwrap_err()
        .to_string();
    assert!(error.contains("key.pem"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_a_header_byte_by_byte_is_cut_off() {
    let served = start(Router::new().route("/", get(async || "hello")), None);
    let address = served.address;
    let cut_off = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(250)))
            .unwrap();
        let begun = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        while begun.elapsed() < 2 * FIRST_REQUEST_WITHIN {
            if stream.write_all(b"x: y\r\n").is_err() {
                return true;
            }
            let mut byte = [0];
            if stream.read(&mut byte).is_ok_and(|read| read == 0) {
                return true;
            }
        }
        false
    });
    assert!(cut_off.await.unwrap());
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
}

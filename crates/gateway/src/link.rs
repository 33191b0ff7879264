//! Pages for people: what stands behind a QR code (`/q/{token}`), and what this server is (`/`).
//!
//! Behind a code is the wallet, which opens the cashier. Without it, or at `/q/{token}/plain`, there is a
//! page that needs no script.
//!
//! Plain HTML without scripts; what others wrote is escaped, and the content security policy would
//! stop it all the same. In a sandbox an order can be paid here as any of its shoppers.

use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::rand;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State as Extract};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::{EventNumber, Fen, Number, OrderId};
use feiqian_store::OrderStory;
use qrcode::{Color, QrCode};
use serde::Deserialize;

use crate::alipay::returning::{return_address, returns};
use crate::platform::Platform;
use crate::sandbox::{SandboxShopper, shoppers};
use crate::server::App;
use crate::v1::auth::Anybody;
use crate::v1::error::ApiError;
use crate::v1::fields::UserRef;
use crate::v1::input::Paging;
use crate::v1::order_view::{OrderStatus, code_url, status};
use crate::v1::payments::pay_order;
use crate::v1::{ask, merchants};
use crate::web;

/// No script, no foreign content, no frame around it; forms lead back here only.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// Blank modules around a QR code (ISO/IEC 18004, 6.3.8).
const QUIET_ZONE: usize = 4;

/// The pages that every server has.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(landing))
        .route("/q/{token}", get(wallet_or_page))
        .route("/q/{token}/plain", get(order_page))
        .route("/q/{token}/return", get(back_to_shop))
        .route("/q/{token}/{rest}", get(wallet_or_nothing))
        .route("/link.css", get(style))
}

/// The pages that only a sandbox has.
pub fn sandbox_routes() -> Router<App> {
    Router::new().route("/q/{token}/pay", post(pay))
}

async fn style(_: Anybody) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, include_str!("link.css"))
}

/// A whole page. `content` is HTML.
fn page(platform: &Platform, status: StatusCode, title: &str, content: &str) -> Response {
    let banner = if platform.is_sandbox() {
        "<p class=\"banner\" role=\"note\">Sandbox: no real money. \
         <span lang=\"zh\">沙箱环境，非真实资金。</span></p>"
    } else {
        ""
    };
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} · Feiqian 飞钱</title>\n\
         <link rel=\"stylesheet\" href=\"/link.css\">\n</head>\n<body>\n<main>\n{banner}\n{content}\n\
         </main>\n</body>\n</html>\n",
        escape(title)
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    (status, headers, Html(html)).into_response()
}

/// Why a signed request for the cashier is refused, for the shopper who was sent here.
pub(crate) fn refused(
    platform: &Platform,
    status: StatusCode,
    code: &str,
    message: &str,
) -> Response {
    let content = format!(
        "<section>\n<h1>Not paid <span lang=\"zh\">未支付</span></h1>\n\
         <p>The shop's request was refused. <span lang=\"zh\">商家的支付请求未被受理。</span></p>\n\
         <p class=\"soft\">{}</p>\n<p class=\"soft\" lang=\"zh\">{}</p>\n</section>",
        escape(code),
        escape(message)
    );
    page(platform, status, "Not paid", &content)
}

/// Text for element content and quoted attributes, of HTML and of SVG.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

async fn landing(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Response, ApiError> {
    let mut content = String::from(
        "<section>\n<h1>Feiqian <span lang=\"zh\">飞钱</span></h1>\n\
         <p>A mobile payment platform that its operator runs itself. \
         <span lang=\"zh\">自建移动支付平台。</span></p>\n\
         <p>For engineers: <a href=\"/openapi.json\">the native API</a>; WeChat Pay v3 SDKs work with \
         this address as their base URL. <span lang=\"zh\">开发者：原生接口文档见上；微信支付 v3 SDK \
         只需更换域名。</span></p>\n</section>",
    );
    content.push_str(&apps());
    if platform.is_sandbox() {
        let shops = merchants::page(&platform, Paging::first()).await?;
        content.push_str("\n<section>\n<h2>Shops <span lang=\"zh\">商户</span></h2>\n<ul>\n");
        for shop in shops.data {
            let (name, number) = (escape(&shop.name), escape(&shop.mchid));
            let _ = writeln!(
                content,
                "<li><span>{name}</span><span class=\"soft\">{number}</span></li>"
            );
        }
        content.push_str("</ul>\n</section>\n<section>\n");
        content.push_str("<h2>Shoppers <span lang=\"zh\">用户</span></h2>\n<ul>\n");
        for shopper in shoppers(&platform).await? {
            let (name, balance) = (escape(&label(&shopper)), Fen(shopper.balance));
            let _ = writeln!(
                content,
                "<li><span>{name}</span><span class=\"soft\">¥{balance}</span></li>"
            );
        }
        content.push_str("</ul>\n</section>");
    }
    Ok(page(&platform, StatusCode::OK, "Payments", &content))
}

/// Links to the apps that are built in.
fn apps() -> String {
    let mut links = String::new();
    for (app, name, chinese) in [
        ("wallet", "Wallet", "钱包"),
        ("till", "Till", "收银台"),
        ("console", "Console", "运营后台"),
    ] {
        if web::has(app) {
            let _ = writeln!(
                links,
                "<li><a href=\"/{app}/\">{name} <span lang=\"zh\">{chinese}</span></a></li>"
            );
        }
    }
    if links.is_empty() {
        return links;
    }
    format!(
        "\n<section>\n<h2>Apps <span lang=\"zh\">应用</span></h2>\n<ul>\n{links}</ul>\n</section>"
    )
}

fn label(shopper: &SandboxShopper) -> String {
    let latin = shopper
        .latin_name
        .as_ref()
        .map(|name| format!(" {name}"))
        .unwrap_or_default();
    format!("{}{latin} · {}", shopper.name, shopper.brand)
}

async fn wallet_or_page(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    match web::app("wallet")? {
        Some(wallet) => Ok(wallet),
        None => show(&platform, &token, None).await,
    }
}

/// Links of another kind, as a shop's own code: the wallet knows them.
async fn wallet_or_nothing(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Response, ApiError> {
    let wallet = web::app("wallet")?;
    Ok(wallet.unwrap_or_else(|| no_page(&platform)))
}

async fn order_page(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    show(&platform, &token, None).await
}

/// To the shop's own page, with what became of the order, if the shop gave an address.
async fn back_to_shop(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let Some(id) = order_of(&platform, &token) else {
        return Ok(no_page(&platform));
    };
    let story = ask(&platform, move |store| store.order(id)).await?;
    let address = story.and_then(|story| return_address(&platform, id, story));
    let address = address.unwrap_or_else(|| format!("/q/{token}/plain"));
    Ok(Redirect::to(&address).into_response())
}

fn order_of(platform: &Platform, token: &str) -> Option<OrderId> {
    platform
        .ids
        .read_code_token(token)
        .map(|number| OrderId(EventNumber(number)))
}

fn no_page(platform: &Platform) -> Response {
    let content = "<section>\n<h1>No such payment link <span lang=\"zh\">链接无效</span></h1>\n\
                   <p>Nothing was paid. Ask the shop for a new code. \
                   <span lang=\"zh\">未发生付款，请向商家索取新的二维码。</span></p>\n</section>";
    page(platform, StatusCode::NOT_FOUND, "No such link", content)
}

/// The page of an order; `problem` says why a try to pay it failed.
async fn show(
    platform: &Platform,
    token: &str,
    problem: Option<&ApiError>,
) -> Result<Response, ApiError> {
    let Some(id) = order_of(platform, token) else {
        return Ok(no_page(platform));
    };
    let Some(story) = ask(platform, move |store| store.order(id)).await? else {
        return Ok(no_page(platform));
    };
    let shop = platform.shop_name(story.created.merchant).await?;
    let terms = &story.created.terms;
    let mut content = String::from("<section>\n");
    let _ = writeln!(content, "<h1>{}</h1>", escape(&shop));
    let _ = writeln!(content, "<p class=\"amount\">¥{}</p>", terms.amount);
    let _ = writeln!(
        content,
        "<p class=\"soft\">{}</p>",
        escape(&terms.description)
    );
    content.push_str(state_text(&story));
    if let Some(problem) = problem {
        let _ = writeln!(
            content,
            "<p class=\"alert\" role=\"alert\">{}</p>",
            problem_text(problem)
        );
    }
    let open = status(&story) == OrderStatus::Open;
    if open {
        content.push_str(&qr_svg(&code_url(platform, id)));
        content.push_str(
            "<p class=\"soft\">Scan with the wallet. <span lang=\"zh\">请用钱包扫码支付。</span></p>\n",
        );
    }
    if returns(&story) {
        let _ = writeln!(
            content,
            "<p><a href=\"/q/{}/return\">Back to the shop <span lang=\"zh\">返回商家</span></a></p>",
            escape(token)
        );
    }
    content.push_str("</section>\n");
    if open && platform.is_sandbox() {
        content.push_str(&pay_form(platform, token).await?);
    }
    let status = problem.map_or(StatusCode::OK, ApiError::status);
    Ok(page(platform, status, &shop, &content))
}

fn state_text(story: &OrderStory) -> &'static str {
    match status(story) {
        OrderStatus::Open => {
            "<p class=\"state\">Waiting for payment <span lang=\"zh\">待支付</span></p>\n"
        }
        OrderStatus::Paid => "<p class=\"state paid\">✓ Paid <span lang=\"zh\">已支付</span></p>\n",
        OrderStatus::Closed => {
            "<p class=\"state over\">Closed, not paid <span lang=\"zh\">已关闭，未支付</span></p>\n"
        }
        OrderStatus::Expired => {
            "<p class=\"state over\">Expired, not paid <span lang=\"zh\">已过期，未支付</span></p>\n"
        }
        OrderStatus::Reversed => {
            "<p class=\"state over\">Undone, money given back <span lang=\"zh\">已撤销</span></p>\n"
        }
    }
}

/// What a person reads: what happened, what it means for their money, what to do.
fn problem_text(problem: &ApiError) -> &'static str {
    match problem.code() {
        "balance_short" => {
            "Not paid: the wallet has too little money. <span lang=\"zh\">未支付：余额不足。</span>"
        }
        "already_paid" => {
            "This order was paid before; nothing was paid now. <span lang=\"zh\">订单此前已支付，本次未扣款。</span>"
        }
        "order_closed" | "order_expired" => {
            "Not paid: the order is over. Ask the shop for a new one. <span lang=\"zh\">未支付：订单已结束，请重新下单。</span>"
        }
        "other_payer" => {
            "Not paid: this order is for somebody else. <span lang=\"zh\">未支付：该订单限定了付款人。</span>"
        }
        "payer_not_active" => {
            "Not paid: this wallet is frozen or closed. <span lang=\"zh\">未支付：钱包已冻结或注销。</span>"
        }
        "merchant_not_active" => {
            "Not paid: the shop takes no payments now. <span lang=\"zh\">未支付：商户暂停收款。</span>"
        }
        "busy" | "outcome_unknown" | "stopped" => {
            "It is not known yet whether this was paid. Try again: it is paid once only. <span lang=\"zh\">结果未知，请重试，不会重复扣款。</span>"
        }
        _ => "Not paid. Try again. <span lang=\"zh\">未支付，请重试。</span>",
    }
}

/// The link as a QR code: black on white in both colour schemes, as scanners want it. Empty if it is too long.
pub(crate) fn qr_svg(text: &str) -> String {
    let Ok(code) = QrCode::new(text) else {
        return String::new();
    };
    let (width, colors) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (index, _) in colors
        .iter()
        .enumerate()
        .filter(|(_, color)| **color == Color::Dark)
    {
        let (x, y) = (index % width + QUIET_ZONE, index / width + QUIET_ZONE);
        let _ = write!(path, "M{x} {y}h1v1h-1z");
    }
    let side = width + 2 * QUIET_ZONE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"qr\" role=\"img\" aria-label=\"QR code of this payment 付款二维码\" \
         viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>\n"
    )
}

async fn pay_form(platform: &Platform, token: &str) -> Result<String, ApiError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|error| ApiError::internal(&error))?;
    let attempt = URL_SAFE_NO_PAD.encode(bytes);
    let mut form = format!(
        "<section>\n<form method=\"post\" action=\"/q/{}/pay\">\n\
         <input type=\"hidden\" name=\"attempt\" value=\"{attempt}\">\n\
         <label for=\"shopper\">Pay as <span lang=\"zh\">付款人</span></label>\n\
         <select id=\"shopper\" name=\"shopper\">\n",
        escape(token)
    );
    for shopper in shoppers(platform).await? {
        let (id, name, balance) = (shopper.user_id, label(&shopper), Fen(shopper.balance));
        let _ = writeln!(
            form,
            "<option value=\"{id}\">{} · ¥{balance}</option>",
            escape(&name)
        );
    }
    form.push_str(
        "</select>\n<button>Pay <span lang=\"zh\">付款</span></button>\n</form>\n</section>\n",
    );
    Ok(form)
}

/// Who pays. `attempt` is the same however often the button is pressed.
#[derive(Deserialize)]
struct PayForm {
    attempt: String,
    shopper: String,
}

async fn pay(
    _: Anybody,
    Extract(platform): Extract<Arc<Platform>>,
    Path(token): Path<String>,
    form: Result<Form<PayForm>, FormRejection>,
) -> Result<Response, ApiError> {
    let form = form.map_err(|error| {
        ApiError::invalid("form_bad", error.body_text()).with_status(error.status())
    })?;
    let Some(order) = order_of(&platform, &token) else {
        return Ok(no_page(&platform));
    };
    let payer = form.shopper.parse::<UserRef>();
    let payer = payer.map_err(|e| ApiError::invalid("form_bad", e.to_string()).at("shopper"))?;
    let attempt = Number::new(&form.attempt);
    let attempt =
        attempt.map_err(|e| ApiError::invalid("form_bad", e.to_string()).at("attempt"))?;
    match pay_order(&platform, order, payer.0, &attempt, None).await {
        Ok(_) => Ok(Redirect::to(&format!("/q/{token}/plain")).into_response()),
        Err(problem) => show(&platform, &token, Some(&problem)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_escaped() {
        assert_eq!(
            escape("<b a='x' b=\"y\">&"),
            "&lt;b a=&#39;x&#39; b=&quot;y&quot;&gt;&amp;"
        );
    }

    #[test]
    fn a_qr_code_has_its_quiet_zone() {
        // Version 1 has 21 modules a side; the first dark one is the corner of a finder pattern.
        let svg = qr_svg("feiqian");
        assert!(
            svg.contains("viewBox=\"0 0 29 29\"") && svg.contains("d=\"M4 4h1"),
            "{svg}"
        );
    }
}

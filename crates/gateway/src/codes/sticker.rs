//! The sticker of a shop's code: A6, as SVG and as PDF, drawn from one layout.
//!
//! Lengths are millimetres, from the top left corner.

use feiqian_core::Fen;
use pdf_writer::{Content, Finish as _, Pdf, Rect, Ref, Str, TextStr};

use super::picture::{Qr, Run};
use crate::link::escape;
use crate::pdf::{self, FONT, fitted, utf16, width};

/// A6 upright (ISO 216).
const WIDTH: f32 = 105.0;
const HEIGHT: f32 = 148.0;
const POINTS_PER_MM: f32 = 72.0 / 25.4;
const BAND: f32 = 29.0;
/// Upper left corner and side of the QR code, its quiet zone included.
const QR: (f32, f32, f32) = (15.5, 32.0, 74.0);
/// Sizes of the shop's name, and how many thousandths of them fit into a line (93 mm).
const LARGE: (f32, u32) = (8.0, 11_600);
const SMALL: (f32, u32) = (6.0, 15_500);
const BRAND_RED: (u8, u8, u8) = (0xB3, 0x27, 0x1E);

/// What is on it.
pub struct Sticker {
    /// What the public calls the shop.
    pub shop: String,
    /// None: the payer says how much.
    pub amount: Option<Fen>,
    /// What the QR code holds.
    pub code: String,
    /// Whether it is marked as one for play money.
    pub sandbox: bool,
}

/// A line of text, set in the middle.
struct Line {
    baseline: f32,
    size: f32,
    is_white: bool,
    text: String,
}

impl Line {
    fn dark(baseline: f32, size: f32, text: String) -> Self {
        Self {
            baseline,
            size,
            is_white: false,
            text,
        }
    }

    fn white(baseline: f32, size: f32, text: &str) -> Self {
        Self {
            is_white: true,
            ..Self::dark(baseline, size, text.into())
        }
    }
}

/// A name on one line, or on two smaller ones; what is longer still ends with an ellipsis.
fn name(shop: &str) -> Vec<Line> {
    let ((large, whole_room), (small, room)) = (LARGE, SMALL);
    let whole: u32 = shop.chars().map(width).sum();
    if whole <= whole_room {
        return vec![Line::dark(117.0, large, shop.into())];
    }
    let (mut used, mut end, mut blank) = (0, 0, None);
    for (place, c) in shop.char_indices() {
        used += width(c);
        if used > room {
            break;
        }
        if c.is_whitespace() {
            blank = Some(place);
        }
        end = place + c.len_utf8();
    }
    let end = blank.filter(|_| end < shop.len()).unwrap_or(end);
    let (first, second) = shop.split_at(end);
    let (second, _) = fitted(second.trim_start(), room);
    let first = Line::dark(113.0, small, first.into());
    if second.is_empty() {
        return vec![first];
    }
    vec![first, Line::dark(120.5, small, second)]
}

impl Sticker {
    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![
            Line::white(15.0, 11.0, "扫码支付"),
            Line::white(24.0, 6.0, "Scan to pay"),
        ];
        lines.extend(name(&self.shop));
        if let Some(amount) = self.amount {
            lines.push(Line::dark(132.0, 9.0, format!("¥{amount}")));
        }
        let play = if self.sandbox {
            " · 沙箱 sandbox, no real money"
        } else {
            ""
        };
        lines.push(Line::dark(143.0, 4.0, format!("飞钱 Feiqian{play}")));
        lines
    }

    /// As SVG; none if the code is too long for a QR code.
    #[must_use]
    pub fn svg(&self) -> Option<String> {
        let qr = Qr::of(&self.code)?;
        let (left, top, side) = QR;
        let scale = side / f32::from(qr.side());
        let text = |line: Line| {
            let fill = if line.is_white { "#fff" } else { "#1a1a1a" };
            let (x, text) = (WIDTH / 2.0, escape(&line.text));
            let Line { baseline, size, .. } = line;
            format!(
                "<text x=\"{x}\" y=\"{baseline}\" font-size=\"{size}\" fill=\"{fill}\">{text}</text>"
            )
        };
        let lines: String = self.lines().into_iter().map(text).collect();
        let ((red, green, blue), title) = (BRAND_RED, escape(&self.shop));
        Some(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}mm\" height=\"{HEIGHT}mm\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\"><title>{title}</title>\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\
             <rect width=\"{WIDTH}\" height=\"{BAND}\" fill=\"rgb({red},{green},{blue})\"/>\
             <path transform=\"translate({left} {top}) scale({scale})\" d=\"{}\" fill=\"#000\" \
             shape-rendering=\"crispEdges\"/>\
             <g text-anchor=\"middle\" \
             font-family=\"'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif\">{lines}</g></svg>\n",
            qr.path()
        ))
    }

    /// As PDF; none if the code is too long for a QR code.
    #[must_use]
    pub fn pdf(&self) -> Option<Vec<u8>> {
        let qr = Qr::of(&self.code)?;
        let mut pdf = Pdf::new();
        let (catalog, tree, font, info) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(6));
        let (sheet, body) = (Ref::new(7), Ref::new(8));
        pdf.catalog(catalog).pages(tree);
        pdf.pages(tree).count(1).kids([sheet]);
        pdf::write_font(&mut pdf, font);
        let paper = Rect::new(0.0, 0.0, WIDTH * POINTS_PER_MM, HEIGHT * POINTS_PER_MM);
        let mut page = pdf.page(sheet);
        page.parent(tree).media_box(paper).contents(body);
        page.resources().fonts().pair(FONT, font);
        page.finish();
        pdf::write_content(&mut pdf, body, &self.content(&qr));
        pdf.document_info(info).title(TextStr(&self.shop));
        Some(pdf.finish())
    }

    fn content(&self, qr: &Qr) -> Vec<u8> {
        let mut content = Content::new();
        content.transform([POINTS_PER_MM, 0.0, 0.0, POINTS_PER_MM, 0.0, 0.0]);
        let (red, green, blue) = BRAND_RED;
        let [red, green, blue] = [red, green, blue].map(|part| f32::from(part) / 255.0);
        content.set_fill_rgb(red, green, blue);
        content.rect(0.0, HEIGHT - BAND, WIDTH, BAND).fill_nonzero();
        let (left, top, side) = QR;
        let module = side / f32::from(qr.side());
        content.set_fill_gray(0.0);
        for Run { x, y, length } in qr.runs() {
            let [x, y, length] = [*x, *y, *length].map(|count| f32::from(count) * module);
            content.rect(left + x, HEIGHT - top - y - module, length, module);
        }
        content.fill_nonzero();
        for line in self.lines() {
            let ems = line.text.chars().map(width).sum::<u32>();
            let ems = f32::from(u16::try_from(ems).unwrap_or(u16::MAX)) / 1_000.0;
            content.set_fill_gray(if line.is_white { 1.0 } else { 0.1 });
            content
                .begin_text()
                .set_font(FONT, line.size)
                .next_line((WIDTH - ems * line.size) / 2.0, HEIGHT - line.baseline)
                .show(Str(&utf16(&line.text)))
                .end_text();
        }
        content.finish().into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sticker(shop: &str, amount: Option<Fen>) -> Sticker {
        Sticker {
            shop: shop.into(),
            amount,
            code: "https://pay.example.com/q/m/AAAAAwAAAAAAAAAAAAAAAAA".into(),
            sandbox: false,
        }
    }

    #[test]
    fn what_it_says() {
        let texts = |shop, amount| {
            let lines = sticker(shop, amount).lines().into_iter();
            lines.map(|line| line.text).collect::<Vec<_>>()
        };
        let open = ["扫码支付", "Scan to pay", "老王面馆", "飞钱 Feiqian"];
        assert_eq!(texts("老王面馆", None), open);
        assert_eq!(texts("老王面馆", Some(Fen(1_250)))[3], "¥12.50");
    }

    #[test]
    fn a_long_name_takes_two_lines_and_no_more_room() {
        let texts = |shop: &str| {
            let lines = name(shop).into_iter();
            lines.map(|line| line.text).collect::<Vec<_>>()
        };
        let words = "The Honourable Company of Noodle Makers";
        assert_eq!(texts(words), ["The Honourable Company of Noodle", "Makers"]);
        let long = texts(&"面".repeat(64));
        assert_eq!(long.len(), 2);
        assert!(long[1].ends_with('…'));
        for shop in [words.to_owned(), "面".repeat(64), "W".repeat(64)] {
            for line in texts(&shop) {
                let used: u32 = line.chars().map(width).sum();
                assert!(used <= SMALL.1, "{line}");
            }
        }
    }

    #[test]
    fn what_others_wrote_is_escaped() {
        let svg = sticker("<script>&", None).svg().unwrap();
        assert!(svg.contains("&lt;script&gt;&amp;") && !svg.contains("<script"));
        assert!(
            sticker("面", Some(Fen(1)))
                .pdf()
                .unwrap()
                .starts_with(b"%PDF-")
        );
    }
}

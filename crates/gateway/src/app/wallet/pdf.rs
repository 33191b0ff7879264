//! A statement as PDF (ISO 32000-1): A4 pages with a table.
//!
//! Chinese without a font file in it: the font is one of those that every reader supplies for Adobe's
//! character collection of simplified Chinese (9.7.5.2, predefined CMap `UniGB-UTF16-H`).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

/// What is written on the pages.
pub struct Statement {
    /// On top.
    pub title: String,
    /// Below: whose, and of which time.
    pub lines: Vec<String>,
    /// Of the columns.
    pub heads: [&'static str; 6],
    /// Oldest first.
    pub rows: Vec<Row>,
}

/// A line of the table.
pub struct Row {
    /// When.
    pub time: String,
    /// What kind of entry.
    pub kind: String,
    /// Who on the other side.
    pub title: String,
    /// What was said.
    pub note: String,
    /// Yuan.
    pub amount: String,
    /// Yuan.
    pub balance: String,
}

/// A4 in points.
const PAGE: Rect = Rect {
    x1: 0.0,
    y1: 0.0,
    x2: 595.0,
    y2: 842.0,
};
const FONT: Name = Name(b"F1");
const BASE_FONT: Name = Name(b"STSong-Light");
const SIZE: u16 = 8;
const LINE: u16 = 14;
const TOP: u16 = 790;
const BOTTOM: u16 = 50;
/// Left edge and width of each column, in points; the last two are set to the right.
const COLUMNS: [(u16, u16); 6] = [
    (40, 82),
    (126, 68),
    (198, 116),
    (318, 110),
    (432, 58),
    (494, 61),
];
const RIGHT_FROM: usize = 4;

/// Widths of space to tilde in STSong-Light, in thousandths of the size (Adobe-GB1 CIDs 1 to 95).
const LATIN: [u16; 95] = [
    207, 270, 342, 467, 462, 797, 710, 239, 374, 374, 423, 605, 238, 375, 238, 334, 462, 462, 462,
    462, 462, 462, 462, 462, 462, 462, 238, 238, 605, 605, 605, 344, 748, 684, 560, 695, 739, 563,
    511, 729, 793, 318, 312, 666, 526, 896, 758, 772, 544, 772, 628, 465, 607, 753, 711, 972, 647,
    620, 607, 374, 333, 374, 606, 500, 239, 417, 503, 427, 529, 415, 264, 444, 518, 241, 230, 495,
    228, 793, 527, 524, 524, 504, 338, 336, 277, 517, 450, 652, 466, 452, 407, 370, 258, 370, 605,
];

/// Thousandths of the size.
fn width(c: char) -> u32 {
    let place = u32::from(c).checked_sub(32);
    let place = place.and_then(|place| usize::try_from(place).ok());
    let latin = place.and_then(|place| LATIN.get(place));
    latin.map_or(1_000, |width| u32::from(*width))
}

/// As much of a text as fits into a column, and its width in points.
fn fitted(text: &str, points: u16) -> (String, f32) {
    let room = u32::from(points).saturating_mul(1_000) / u32::from(SIZE);
    let whole = text.chars().map(width).sum::<u32>();
    let (mut kept, mut used) = (String::new(), 0_u32);
    let room = if whole <= room {
        room
    } else {
        room.saturating_sub(width('…'))
    };
    for c in text.chars() {
        if used.saturating_add(width(c)) > room {
            kept.push('…');
            break;
        }
        used = used.saturating_add(width(c));
        kept.push(c);
    }
    let used = used.saturating_mul(u32::from(SIZE)) / 1_000;
    (kept, f32::from(u16::try_from(used).unwrap_or(u16::MAX)))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// One page as it is written.
struct Sheet {
    content: Content,
    y: u16,
}

impl Sheet {
    fn new() -> Self {
        Self {
            content: Content::new(),
            y: TOP,
        }
    }

    fn text(&mut self, x: f32, size: u16, text: &str) {
        self.content
            .begin_text()
            .set_font(FONT, f32::from(size))
            .next_line(x, f32::from(self.y))
            .show(Str(&utf16(text)))
            .end_text();
    }

    fn line(&mut self, cells: [&str; 6]) {
        for (nth, (cell, (left, wide))) in cells.into_iter().zip(COLUMNS).enumerate() {
            let (text, used) = fitted(cell, wide);
            let left = f32::from(left);
            let x = if nth >= RIGHT_FROM {
                left + f32::from(wide) - used
            } else {
                left
            };
            self.text(x, SIZE, &text);
        }
        self.y = self.y.saturating_sub(LINE);
    }

    fn rule(&mut self) {
        let y = f32::from(self.y) + 10.0;
        self.content
            .set_line_width(0.5)
            .move_to(40.0, y)
            .line_to(555.0, y)
            .stroke();
    }

    fn is_full(&self) -> bool {
        self.y < BOTTOM
    }
}

/// Writes it down.
#[must_use]
pub fn render(statement: &Statement) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree, font, info) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(6));
    write_font(&mut pdf, font);
    let sheets = sheets(statement);
    let count = i32::try_from(sheets.len()).unwrap_or(i32::MAX);
    let page_ref = |nth: i32| Ref::new(nth.saturating_mul(2).saturating_add(7));
    let body_ref = |nth: i32| Ref::new(nth.saturating_mul(2).saturating_add(8));
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).count(count).kids((0..count).map(page_ref));
    for (nth, sheet) in (0..count).zip(sheets) {
        let mut page = pdf.page(page_ref(nth));
        page.parent(tree).media_box(PAGE).contents(body_ref(nth));
        page.resources().fonts().pair(FONT, font);
        page.finish();
        let plain = sheet.content.finish();
        match deflated(&plain) {
            Some(bytes) => {
                pdf.stream(body_ref(nth), &bytes)
                    .filter(Filter::FlateDecode);
            }
            None => {
                pdf.stream(body_ref(nth), &plain);
            }
        }
    }
    pdf.document_info(info).title(TextStr(&statement.title));
    pdf.finish()
}

fn deflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn sheets(statement: &Statement) -> Vec<Sheet> {
    let mut sheet = Sheet::new();
    sheet.text(40.0, 16, &statement.title);
    sheet.y = sheet.y.saturating_sub(24);
    for line in &statement.lines {
        sheet.text(40.0, 10, line);
        sheet.y = sheet.y.saturating_sub(16);
    }
    let mut sheets = Vec::new();
    let head = |sheet: &mut Sheet| {
        sheet.line(statement.heads);
        sheet.rule();
    };
    head(&mut sheet);
    for row in &statement.rows {
        if sheet.is_full() {
            sheets.push(std::mem::replace(&mut sheet, Sheet::new()));
            head(&mut sheet);
        }
        sheet.line([
            &row.time,
            &row.kind,
            &row.title,
            &row.note,
            &row.amount,
            &row.balance,
        ]);
    }
    sheets.push(sheet);
    sheets
}

/// Objects `font`, and the two after it.
fn write_font(pdf: &mut Pdf, font: Ref) {
    let (cid, descriptor) = (Ref::new(font.get() + 1), Ref::new(font.get() + 2));
    pdf.type0_font(font)
        .base_font(BASE_FONT)
        .encoding_predefined(Name(b"UniGB-UTF16-H"))
        .descendant_font(cid);
    let mut cid_font = pdf.cid_font(cid);
    cid_font
        .subtype(CidFontType::Type0)
        .base_font(BASE_FONT)
        .system_info(SystemInfo {
            registry: Str(b"Adobe"),
            ordering: Str(b"GB1"),
            supplement: 4,
        })
        .font_descriptor(descriptor)
        .default_width(1_000.0);
    cid_font
        .widths()
        .consecutive(1, LATIN.into_iter().map(f32::from));
    cid_font.finish();
    pdf.font_descriptor(descriptor)
        .name(BASE_FONT)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(-25.0, -254.0, 1_000.0, 880.0))
        .italic_angle(0.0)
        .ascent(880.0)
        .descent(-120.0)
        .cap_height(880.0)
        .stem_v(93.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_with_an_ellipsis_within_its_column() {
        let (text, used) = fitted("面馆", 110);
        assert_eq!((text.as_str(), used), ("面馆", 16.0));
        let (text, used) = fitted(&"面".repeat(100), 110);
        assert!(text.ends_with('…') && text.chars().count() == 13, "{text}");
        assert!(used <= 110.0, "{used}");
    }

    #[test]
    fn pages_are_begun_as_needed() {
        let row = || Row {
            time: "2026-11-22 12:00:00".into(),
            kind: "付款".into(),
            title: "面馆".into(),
            note: String::new(),
            amount: "-12.34".into(),
            balance: "1.00".into(),
        };
        let statement = |rows: usize| Statement {
            title: "钱包对账单".into(),
            lines: vec!["梅".into()],
            heads: ["a", "b", "c", "d", "e", "f"],
            rows: (0..rows).map(|_| row()).collect(),
        };
        for (rows, pages) in [(0, 1), (45, 1), (60, 2), (500, 10)] {
            assert_eq!(sheets(&statement(rows)).len(), pages, "{rows} rows");
        }
        assert!(render(&statement(60)).starts_with(b"%PDF-1."));
    }
}

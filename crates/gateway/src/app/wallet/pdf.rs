//! A statement as PDF (ISO 32000-1): A4 pages with a table.

use pdf_writer::{Content, Finish as _, Pdf, Rect, Ref, Str, TextStr};

use crate::pdf::{self, FONT, utf16};

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

/// As much of a text as fits into a column, and its width in points.
fn fitted(text: &str, points: u16) -> (String, f32) {
    let room = u32::from(points).saturating_mul(1_000) / u32::from(SIZE);
    let (kept, used) = pdf::fitted(text, room);
    let used = used.saturating_mul(u32::from(SIZE)) / 1_000;
    (kept, f32::from(u16::try_from(used).unwrap_or(u16::MAX)))
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
    pdf::write_font(&mut pdf, font);
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
        pdf::write_content(&mut pdf, body_ref(nth), &sheet.content.finish());
    }
    pdf.document_info(info).title(TextStr(&statement.title));
    pdf.finish()
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

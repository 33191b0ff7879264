//! What our PDFs (ISO 32000-1) share: a font with Chinese, and how a page's content is written.
//!
//! There is no font file in them: the font is one of those that every reader supplies for Adobe's character
//! collection of simplified Chinese (9.7.5.2, predefined CMap `UniGB-UTF16-H`).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Filter, Finish as _, Name, Pdf, Rect, Ref, Str};

/// The font's name among a page's resources.
pub const FONT: Name = Name(b"F1");
const BASE_FONT: Name = Name(b"STSong-Light");

/// Widths of space to tilde in STSong-Light, in thousandths of the size (Adobe-GB1 CIDs 1 to 95).
const LATIN: [u16; 95] = [
    207, 270, 342, 467, 462, 797, 710, 239, 374, 374, 423, 605, 238, 375, 238, 334, 462, 462, 462,
    462, 462, 462, 462, 462, 462, 462, 238, 238, 605, 605, 605, 344, 748, 684, 560, 695, 739, 563,
    511, 729, 793, 318, 312, 666, 526, 896, 758, 772, 544, 772, 628, 465, 607, 753, 711, 972, 647,
    620, 607, 374, 333, 374, 606, 500, 239, 417, 503, 427, 529, 415, 264, 444, 518, 241, 230, 495,
    228, 793, 527, 524, 524, 504, 338, 336, 277, 517, 450, 652, 466, 452, 407, 370, 258, 370, 605,
];

/// Width of a character, in thousandths of the size.
#[must_use]
pub fn width(c: char) -> u32 {
    let place = u32::from(c).checked_sub(32);
    let place = place.and_then(|place| usize::try_from(place).ok());
    let latin = place.and_then(|place| LATIN.get(place));
    latin.map_or(1_000, |width| u32::from(*width))
}

/// As much of a text as fits into `room`, with an ellipsis if that is not all, and its width; both in
/// thousandths of the size.
#[must_use]
pub fn fitted(text: &str, room: u32) -> (String, u32) {
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
            used = used.saturating_add(width('…'));
            break;
        }
        used = used.saturating_add(width(c));
        kept.push(c);
    }
    (kept, used)
}

/// A text as the font takes it.
#[must_use]
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Writes a page's content, compressed.
pub fn write_content(pdf: &mut Pdf, at: Ref, plain: &[u8]) {
    match deflated(plain) {
        Some(bytes) => pdf.stream(at, &bytes).filter(Filter::FlateDecode).finish(),
        None => pdf.stream(at, plain).finish(),
    }
}

fn deflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Writes the font: objects `font`, and the two after it.
pub fn write_font(pdf: &mut Pdf, font: Ref) {
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

//! Codes as pictures, black on white with their quiet zones: QR codes (ISO/IEC 18004, level M) as SVG and PNG,
//! and bar codes as SVG.

use qrcode::{Color, QrCode};

use super::barcode;

/// Blank modules around a QR code (ISO/IEC 18004, 6.3.8).
const QUIET_ZONE: usize = 4;
/// Pixels of a module's side.
const PIXELS: usize = 12;
/// Of a bar code, in narrowest bars.
const BAR_HEIGHT: usize = 40;

/// A QR code with its quiet zone, in modules.
pub struct Qr {
    side: u16,
    runs: Vec<Run>,
}

/// Dark modules beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
    /// How many.
    pub length: u16,
}

impl Qr {
    /// Of a text; none if it is too long.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let width = code.width();
        let mut runs = Vec::<Run>::new();
        for (index, color) in code.to_colors().into_iter().enumerate() {
            let place = |along: usize| u16::try_from(along + QUIET_ZONE).ok();
            let (x, y) = (place(index % width)?, place(index / width)?);
            match runs.last_mut() {
                _ if color == Color::Light => {}
                Some(run) if run.y == y && run.x + run.length == x => run.length += 1,
                _ => runs.push(Run { x, y, length: 1 }),
            }
        }
        let side = u16::try_from(width + 2 * QUIET_ZONE).ok()?;
        Some(Self { side, runs })
    }

    /// Modules a side, with the quiet zone.
    #[must_use]
    pub fn side(&self) -> u16 {
        self.side
    }

    /// The dark ones.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The dark ones, as data of an SVG path with modules as units.
    #[must_use]
    pub fn path(&self) -> String {
        let run = |Run { x, y, length }: &Run| format!("M{x} {y}h{length}v1h-{length}z");
        self.runs.iter().map(run).collect()
    }

    /// As a picture of its own.
    #[must_use]
    pub fn svg(&self) -> String {
        let (side, path) = (self.side, self.path());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
             <path d=\"{path}\" fill=\"#000\"/></svg>\n"
        )
    }

    /// As a picture of one bit a pixel, twelve pixels a module.
    ///
    /// # Errors
    /// Of the encoder.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let pixels = usize::from(self.side) * PIXELS;
        let row_bytes = pixels.div_ceil(8);
        let mut rows = vec![0xFF_u8; row_bytes * pixels];
        for Run { x, y, length } in &self.runs {
            let [x, y, length] = [*x, *y, *length].map(|count| usize::from(count) * PIXELS);
            for row in rows.chunks_exact_mut(row_bytes).skip(y).take(PIXELS) {
                for pixel in x..x + length {
                    row[pixel / 8] &= !(0x80 >> (pixel % 8));
                }
            }
        }
        let mut file = Vec::new();
        let side = u32::from(self.side) * u32::try_from(PIXELS).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut file, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&rows)?;
        writer.finish()?;
        Ok(file)
    }
}

/// A text as a QR code in SVG; none if it is too long.
#[must_use]
pub fn qr_svg(text: &str) -> Option<String> {
    Some(Qr::of(text)?.svg())
}

/// Digits as a bar code in SVG; none if [`barcode::widths`] gives none.
#[must_use]
pub fn barcode_svg(digits: &str) -> Option<String> {
    let widths = barcode::widths(digits)?;
    let (mut x, mut bars) = (barcode::QUIET_ZONE, String::new());
    for (place, width) in widths.into_iter().enumerate() {
        if place % 2 == 0 {
            bars.push_str(&format!("M{x} 0h{width}v{BAR_HEIGHT}h-{width}z"));
        }
        x += usize::from(width);
    }
    let all = x + barcode::QUIET_ZONE;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {all} {BAR_HEIGHT}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{all}\" height=\"{BAR_HEIGHT}\" fill=\"#fff\"/>\
         <path d=\"{bars}\" fill=\"#000\"/></svg>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_has_its_quiet_zone() {
        // Version 1 has 21 modules a side; the first dark ones are the top of a finder pattern.
        let qr = Qr::of("feiqian").unwrap();
        let top = Run {
            x: 4,
            y: 4,
            length: 7,
        };
        assert_eq!((qr.side(), qr.runs()[0]), (29, top));
        assert!(qr.svg().contains("viewBox=\"0 0 29 29\""));
        assert!(Qr::of(&"x".repeat(3_000)).is_none());
    }

    #[test]
    fn the_picture_has_the_modules_of_the_code() {
        let qr = Qr::of("feiqian").unwrap();
        let file = qr.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut rows = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rows).unwrap();
        assert_eq!((info.width, info.height), (29 * 12, 29 * 12));
        let is_dark = |x: usize, y: usize| {
            let pixel = x * PIXELS + PIXELS / 2;
            let row = (y * PIXELS + PIXELS / 2) * info.line_size;
            rows[row + pixel / 8] & 0x80 >> (pixel % 8) == 0
        };
        let dark = |x: u16, y: u16| {
            let mut runs = qr.runs().iter();
            runs.any(|run| run.y == y && (run.x..run.x + run.length).contains(&x))
        };
        for y in 0..29 {
            for x in 0..29 {
                assert_eq!(is_dark(x.into(), y.into()), dark(x, y), "{x} {y}");
            }
        }
    }
}

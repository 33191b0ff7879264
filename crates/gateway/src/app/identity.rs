//! Identity numbers of residents of China (GB 11643-1999): 17 digits and a check character.

use jiff::civil::Date;

/// ISO 7064 MOD 11-2: the character that makes the sum fit, by the sum's remainder.
const CHECK: [u8; 11] = *b"10X98765432";

/// The number as it is kept, if it can be one: region, birthday, order, check character.
#[must_use]
pub fn read(text: &str) -> Option<String> {
    let number: String = text.trim().to_ascii_uppercase();
    let bytes = number.as_bytes();
    let (digits, check) = bytes.split_at_checked(17)?;
    if check.len() != 1 || !digits.iter().all(u8::is_ascii_digit) || digits[0] == b'0' {
        return None;
    }
    let part = |from: usize, to: usize| number.get(from..to)?.parse::<i16>().ok();
    let (month, day) = (part(10, 12)?, part(12, 14)?);
    Date::new(
        part(6, 10)?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()?;
    // The weight of a digit is 2 to the power of its place, modulo 11.
    let sum = digits
        .iter()
        .fold(0, |sum, digit| (sum * 2 + u32::from(digit - b'0')) % 11);
    let fits = CHECK[(sum * 2 % 11) as usize] == check[0];
    fits.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_character_fits() {
        // The two examples of the standard.
        for good in ["11010519491231002X", "440524188001010014"] {
            assert_eq!(read(good).as_deref(), Some(good));
        }
        assert_eq!(
            read(" 11010519491231002x "),
            Some("11010519491231002X".into())
        );
        for bad in [
            "110105194912310021",
            "11010519491231003X",
            "11010519491331002X",
            "1101051949123100",
            "11010519491231002XX",
            "a1010519491231002X",
            "",
            "1101051949123100２X",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

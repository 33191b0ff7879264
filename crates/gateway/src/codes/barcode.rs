//! Code 128 (ISO/IEC 15417) in code set C: two digits a symbol.

/// Blank widths on either side.
pub const QUIET_ZONE: usize = 10;
const START_C: usize = 105;
const STOP: &str = "2331112";

/// Six widths of a bar or gap for each of the 106 values, the stop aside.
const WIDTHS: &str = concat!(
    "212222222122222221121223121322131222122213122312132212221213221312231212112232",
    "122132122231113222123122123221223211221132221231213212223112312131311222321122",
    "321221312212322112322211212123212321232121111323131123131321112313132113132311",
    "211313231113231311112133112331132131113123113321133121313121211331231131213113",
    "213311213131311123311321331121312113312311332111314111221411431111111224111422",
    "121124121421141122141221112214112412122114122411142112142211241211221114413111",
    "241112134111111242121142121241114212124112124211411212421112421211212141214121",
    "412121111143111341131141114113114311411113411311113141114131311141411131211412",
    "211214211232",
);

/// Widths of bars and gaps by turns, a bar first, in narrowest bars; none but for an even number of digits.
#[must_use]
pub fn widths(digits: &str) -> Option<Vec<u8>> {
    let is_pairs = !digits.is_empty() && digits.len().is_multiple_of(2);
    if !is_pairs || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    let pairs = pairs.map(|pair| usize::from(pair[0] - b'0') * 10 + usize::from(pair[1] - b'0'));
    let mut values = vec![START_C];
    values.extend(pairs);
    let weighted = values.iter().enumerate();
    let sum: usize = weighted.map(|(place, value)| value * place.max(1)).sum();
    values.push(sum % 103);
    let symbols = values
        .into_iter()
        .filter_map(|value| WIDTHS.get(value * 6..value * 6 + 6))
        .chain([STOP]);
    Some(
        symbols
            .flat_map(|symbol| symbol.bytes().map(|digit| digit - b'0'))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(WIDTHS.len(), 106 * 6);
        let mut seen = std::collections::HashSet::new();
        for value in 0..106 {
            let symbol = &WIDTHS[value * 6..value * 6 + 6];
            let width: u32 = symbol.bytes().map(|digit| u32::from(digit - b'0')).sum();
            // ISO/IEC 15417, 4.2: eleven modules, an even number of dark ones.
            let dark: u32 = symbol
                .bytes()
                .step_by(2)
                .map(|digit| u32::from(digit - b'0'))
                .sum();
            assert_eq!((width, dark % 2), (11, 0), "{value}");
            assert!(seen.insert(symbol), "{value} comes twice");
        }
    }

    #[test]
    fn nine_pairs_are_twelve_symbols() {
        let widths = widths("130456789014333309").unwrap();
        assert_eq!(widths.len(), 11 * 6 + 7);
        assert_eq!(
            widths.iter().map(|width| u32::from(*width)).sum::<u32>(),
            11 * 11 + 13
        );
        for bad in ["", "1", "12a4", "１２"] {
            assert_eq!(super::widths(bad), None, "{bad}");
        }
    }
}

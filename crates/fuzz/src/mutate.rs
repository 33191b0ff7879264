//! Changes an input: bytes, ranges, numbers, and what other inputs have.

/// Longest input made, in bytes.
const INPUT_MAX: usize = 64 << 10;

/// Most changes at once.
const CHANGES_MAX: usize = 4;

/// Bytes at which readers tend to decide something.
const BYTES: &[u8] = b"\0\x01\x17\x18\x1f\x7f\x80\xbf\xff\"\\{}[]:,=&%+- \t\r\n/.eE09";

/// Numbers at which arithmetic tends to end.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "-0",
    "00",
    "1.5",
    "1e9",
    "1e400",
    "127",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "1000000000001",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999999999999",
];

pub struct Mutator(u64);

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of the inputs, changed. Its first line is mostly left alone: it says what the rest is.
    pub fn mutate(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.one_of(pool).clone();
        let line = input.iter().position(|byte| *byte == b'\n');
        let head = line.filter(|_| self.below(4) > 0).map_or(0, |end| end + 1);
        let mut rest = input.split_off(head);
        for _ in 0..=self.below(CHANGES_MAX) {
            let other = self.one_of(pool);
            self.change(&mut rest, other);
        }
        input.append(&mut rest);
        input.truncate(INPUT_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len() + 1);
        let range = at..at + self.length(input.len() - at);
        let from = self.below(other.len() + 1);
        let theirs = &other[from..from + self.length(other.len() - from)];
        match self.below(10) {
            0 => self.set(input, |byte, chance| *byte ^= 1 << (chance % 8)),
            1 => self.set(input, |byte, chance| *byte = chance.to_le_bytes()[0]),
            2 => {
                let byte = *self.one_of(BYTES);
                self.set(input, |old, _| *old = byte);
            }
            3 => drop(input.drain(range)),
            4 => {
                let copy = input[range].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            5 => {
                let byte = *self.one_of(BYTES);
                let many = self.length(INPUT_MAX / 8);
                input.splice(at..at, std::iter::repeat_n(byte, many));
            }
            6 => drop(input.splice(range, theirs.iter().copied())),
            7 => {
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            8 => self.number(input, at),
            _ => input.truncate(at),
        }
    }

    fn set(&mut self, input: &mut [u8], change: impl FnOnce(&mut u8, u64)) {
        let (at, chance) = (self.below(input.len()), self.next());
        if let Some(byte) = input.get_mut(at) {
            change(byte, chance);
        }
    }

    /// Puts a number in place of the digits that come next.
    fn number(&mut self, input: &mut Vec<u8>, at: usize) {
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let Some(start) = input[at..].iter().position(is_digit).map(|n| at + n) else {
            return;
        };
        let digits = input[start..].iter().take_while(|byte| is_digit(byte));
        let end = start + digits.count();
        let number = *self.one_of(NUMBERS);
        input.splice(start..end, number.bytes());
    }

    /// A length up to `max`, mostly a short one.
    fn length(&mut self, max: usize) -> usize {
        let bits = self.below(17);
        self.below((max + 1).min(1 << bits))
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Below `bound`; zero when that is zero.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_changes_inputs_its_own_way() {
        let pool = [b"{\"amount\":12}".to_vec(), b"abc".to_vec(), Vec::new()];
        let run = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..1_000)
                .map(|_| mutator.mutate(&pool))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let made = run(3);
        assert!(made.iter().all(|input| input.len() <= INPUT_MAX));
        let holds = |text: &str| made.iter().any(|input| input.starts_with(text.as_bytes()));
        assert!(holds("{\"amount\":-1}") || holds("{\"amount\":0}"));
    }
}

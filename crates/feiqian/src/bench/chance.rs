//! Chance for loads.

/// `SplitMix64`: enough chance for a load, and the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        let product = u128::from(self.next()) * u128::from(bound);
        u32::try_from(product >> 64).unwrap_or(0)
    }
}

/// Ranks that are hit in proportion to 1 / (rank + 1), as shops among real ones: log-uniform.
pub struct Zipf {
    bound: u32,
    ln: f64,
}

impl Zipf {
    /// Ranks from 0 to before `bound`.
    pub fn new(bound: u32) -> Self {
        Self {
            bound,
            ln: (f64::from(bound) + 1.0).ln(),
        }
    }

    pub fn draw(&self, chance: &mut Chance) -> u32 {
        let share = f64::from(chance.below(u32::MAX)) / f64::from(u32::MAX);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 1 to bound + 1"
        )]
        let rank = (share * self.ln).exp() as u32;
        rank.saturating_sub(1).min(self.bound - 1)
    }
}

//! Chance without state. A draw is a pure function of the seed, what is drawn for, and two numbers that name the
//! draw (an instance and its how-many-th start, a caller and the attempt). So the order in which things happen
//! never changes what happens: two policies that meet the same callers meet the same boot times as well, and a
//! comparison between them compares policies, not luck. It refuses to be a stream that is passed around.

use jiff::SignedDuration;
use uuid::Uuid;

/// What a draw is for; each purpose has its own draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draw {
    BootTime = 1,
    Pending,
    Stopping,
    NeverReady,
    Report,
    Consistency,
    PublicAddress,
    EventDelay,
    EventFault,
    Redial,
    Internet,
    Conference,
    Participant,
    Event,
}

/// Draws for one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dice {
    seed: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// 64 evenly spread bits.
    pub(crate) fn bits(self, what: Draw, a: u64, b: u64) -> u64 {
        let mixed = mix(self.seed ^ mix(what as u64));
        mix(mix(mixed ^ a).wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(self, what: Draw, a: u64, b: u64) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.bits(what, a, b) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A duration between two others, to the microsecond.
    pub(crate) fn between(
        self,
        what: Draw,
        a: u64,
        b: u64,
        (low, high): (SignedDuration, SignedDuration),
    ) -> SignedDuration {
        let span = high.as_micros().saturating_sub(low.as_micros()).max(0) as f64;
        let micros = (self.unit(what, a, b) * span) as i64;
        low.saturating_add(SignedDuration::from_micros(micros))
    }

    /// A version-4 UUID.
    pub(crate) fn uuid(self, what: Draw, a: u64, b: u64) -> Uuid {
        let high = u128::from(self.bits(what, a, b));
        let low = u128::from(self.bits(what, a, !b));
        uuid::Builder::from_random_bytes((high << 64 | low).to_be_bytes()).into_uuid()
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014): every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_independent_of_order() {
        let dice = Dice::new(7);
        let mean = (0..10_000).map(|n| dice.unit(Draw::BootTime, n, 0)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "mean {mean}");
        assert_eq!(dice.unit(Draw::Redial, 3, 1).to_bits(), dice.unit(Draw::Redial, 3, 1).to_bits());
        assert_ne!(dice.bits(Draw::Redial, 3, 1), dice.bits(Draw::Redial, 1, 3));
        assert_ne!(dice.bits(Draw::Redial, 3, 1), dice.bits(Draw::Pending, 3, 1));
        assert_ne!(dice.bits(Draw::Redial, 3, 1), Dice::new(8).bits(Draw::Redial, 3, 1));
    }

    #[test]
    fn durations_stay_in_their_range() {
        let range = (SignedDuration::from_secs(15), SignedDuration::from_secs(60));
        for n in 0..1_000 {
            let drawn = Dice::new(1).between(Draw::Report, n, 0, range);
            assert!(drawn >= range.0 && drawn <= range.1);
        }
    }
}

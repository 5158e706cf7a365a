//! Load and capacity in exact units. Sums are kept for hours of simulated time, call by call, so they are whole
//! numbers of millionths of an HD call: what is added is taken away again exactly.

use std::ops::{Add, AddAssign, Sub, SubAssign};

use spillway_core::ids::{HdCalls, InstanceType};

use crate::load_model::{CallKind, CallMedia};

/// Millionths of an HD call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Load(pub u64);

impl Load {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// One HD call.
    pub const HD: Self = Self(1_000_000);

    /// That many HD calls.
    pub fn of_hd(calls: u32) -> Self {
        Self(u64::from(calls) * Self::HD.0)
    }

    /// In HD calls.
    pub fn hd(self) -> f64 {
        self.0 as f64 / Self::HD.0 as f64
    }

    /// Whole HD calls, rounded down.
    pub fn whole_hd(self) -> HdCalls {
        HdCalls(u32::try_from(self.0 / Self::HD.0).unwrap_or(u32::MAX))
    }

    /// This times a number, for weights.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).floor() as u64)
    }
}

impl Add for Load {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Load {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Load {
    fn sum<I: Iterator<Item = Self>>(loads: I) -> Self {
        loads.fold(Self::NONE, |sum, load| sum + load)
    }
}

/// What a node carries of each kind of call, when it carries nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeCapacity {
    /// HD calls.
    pub hd: u32,
    /// Full HD calls.
    pub full_hd: u32,
    /// SD calls.
    pub sd: u32,
    /// Audio-only calls.
    pub audio: u32,
}

/// Whether the simulated EC2 has this instance type, in every zone: a few families that Pexip Infinity runs on, in the sizes
/// that EC2 has of them.
pub fn is_offered(instance_type: &InstanceType) -> bool {
    const SIZES: [&str; 8] =
        ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "9xlarge", "12xlarge", "18xlarge"];
    let Some((family, size)) = instance_type.as_str().split_once('.') else { return false };
    match family {
        "c4" => ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"].contains(&size),
        "c5" => SIZES.contains(&size) && size != "8xlarge",
        "m5" | "c6i" | "m6i" => SIZES.contains(&size) && !["9xlarge", "18xlarge"].contains(&size),
        _ => false,
    }
}

impl NodeCapacity {
    /// A c5.2xlarge: 17 HD, 39 SD or 324 audio-only calls (guide: *Recommended instance types and call capacity
    /// guidelines*); full HD is half the HD calls (vendor documentation).
    pub const C5_2XLARGE: Self = Self { hd: 17, full_hd: 8, sd: 39, audio: 324 };

    /// By instance type. Only the c5.2xlarge is the guide's; other sizes are scaled by their processors.
    pub fn of(instance_type: &InstanceType) -> Self {
        let (family, size) =
            instance_type.as_str().split_once('.').unwrap_or((instance_type.as_str(), "2xlarge"));
        let eighths: u32 = match size {
            "large" => 2,
            "xlarge" => 4,
            "4xlarge" => 16,
            "8xlarge" => 32,
            "9xlarge" => 36,
            "12xlarge" => 48,
            _ => 8,
        };
        // General-purpose processors are a little slower than the compute-optimised ones.
        let percent = if family.starts_with('m') { 85 } else { 100 };
        let scaled = |calls: u32| (calls * eighths * percent / 800).max(1);
        let Self { hd, full_hd, sd, audio } = Self::C5_2XLARGE;
        Self { hd: scaled(hd), full_hd: scaled(full_hd), sd: scaled(sd), audio: scaled(audio) }
    }

    /// A node of another size in the same proportions.
    pub fn of_hd(hd: u32) -> Self {
        let scaled = |calls: u32| (calls * hd / Self::C5_2XLARGE.hd).max(1);
        Self { hd, full_hd: (hd / 2).max(1), sd: scaled(39), audio: scaled(324) }
    }

    /// In load units.
    pub fn load(self) -> Load {
        Load::of_hd(self.hd)
    }

    /// What one call weighs on such a node, rounded down so that the guide's numbers fit: 39 SD calls fill a
    /// c5.2xlarge and are not one too many.
    pub fn weight(self, media: CallMedia) -> Load {
        let share = |calls: u32| Load(self.load().0 / u64::from(calls.max(1)));
        let video = match media.kind {
            CallKind::Hd => Load::HD,
            CallKind::FullHd => Load::of_hd(2),
            CallKind::Sd => share(self.sd),
            CallKind::Audio => share(self.audio),
        };
        let coded = if media.vp9 && media.kind != CallKind::Audio { video.times(1.25) } else { video };
        if media.presenting { coded + Load(Load::HD.0 / 2) } else { coded }
    }
}

/// What a call weighs where no node is in question: the demand of a caller.
pub fn demand(media: CallMedia, legs: u8) -> Load {
    Load(NodeCapacity::C5_2XLARGE.weight(media).0 * u64::from(legs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_numbers_fill_a_node_exactly() {
        let node = NodeCapacity::C5_2XLARGE;
        for (kind, calls) in [(CallKind::Hd, 17), (CallKind::Sd, 39), (CallKind::Audio, 324)] {
            let weight = node.weight(CallMedia { kind, ..CallMedia::HD });
            assert!(weight.0 * calls <= node.load().0, "{kind:?}");
            assert!(weight.0 * (calls + 1) > node.load().0, "{kind:?}");
        }
    }

    #[test]
    fn heavier_calls_weigh_more() {
        let weight = |media| NodeCapacity::C5_2XLARGE.weight(media).hd();
        assert!((weight(CallMedia { kind: CallKind::FullHd, ..CallMedia::HD }) - 2.0).abs() < 1e-9);
        assert!((weight(CallMedia { vp9: true, ..CallMedia::HD }) - 1.25).abs() < 1e-9);
        assert!((weight(CallMedia { presenting: true, ..CallMedia::HD }) - 1.5).abs() < 1e-9);
        assert!((weight(CallMedia { kind: CallKind::Sd, ..CallMedia::HD }) - 0.436).abs() < 1e-3);
        assert!((weight(CallMedia::AUDIO) - 0.0525).abs() < 1e-3);
    }

    #[test]
    fn other_sizes_scale() {
        assert_eq!(NodeCapacity::of(&"c5.2xlarge".into()), NodeCapacity::C5_2XLARGE);
        assert_eq!(NodeCapacity::of(&"c5.4xlarge".into()).hd, 34);
        assert_eq!(NodeCapacity::of_hd(17), NodeCapacity::C5_2XLARGE);
    }
}

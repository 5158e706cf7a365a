//! What callers are like: which conferences they make, how heavy and how long their calls are, how they redial.
//! Every number is a field with its default; where a number comes from the vendor it says so, the rest is
//! experience and meant to be changed. It refuses to know the platform: weights on a given node are the node's.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What a call sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// 720p video: the unit.
    Hd,
    /// 1080p video: two units (vendor documentation).
    FullHd,
    /// Standard definition.
    Sd,
    /// Audio only.
    Audio,
}

/// The media of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMedia {
    /// Kind.
    pub kind: CallKind,
    /// VP9 video costs 1.25 times (vendor documentation).
    pub vp9: bool,
    /// Sending a presentation costs about half an HD call (vendor documentation).
    pub presenting: bool,
}

impl CallMedia {
    /// A plain HD call.
    pub const HD: Self = Self { kind: CallKind::Hd, vp9: false, presenting: false };
    /// An audio-only call.
    pub const AUDIO: Self = Self { kind: CallKind::Audio, vp9: false, presenting: false };
}

/// What a conference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeetingKind {
    /// A virtual meeting room with a few people.
    Meeting,
    /// A call through the gateway: one caller, two legs.
    Gateway,
    /// A meeting on the telephone.
    AudioMeeting,
    /// A large conference, most of whose callers listen.
    TownHall,
}

/// How common each kind of conference is, by conference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeetingMix {
    /// Meetings.
    pub meeting: f64,
    /// Gateway calls.
    pub gateway: f64,
    /// Audio meetings.
    pub audio: f64,
    /// Town halls.
    pub town_hall: f64,
}

/// How common each kind of call is in one kind of conference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KindMix {
    /// HD.
    pub hd: f64,
    /// Full HD.
    pub full_hd: f64,
    /// SD.
    pub sd: f64,
    /// Audio only.
    pub audio: f64,
}

/// The whole model of callers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadModel {
    /// Conferences by kind.
    pub mix: MeetingMix,
    /// Callers of a meeting or an audio meeting, from and to.
    pub meeting_size: (u32, u32),
    /// Callers of a town hall, from and to.
    pub town_hall_size: (u32, u32),
    /// Calls in meetings.
    pub meeting_calls: KindMix,
    /// Calls in town halls: most listen on a small picture or the telephone.
    pub town_hall_calls: KindMix,
    /// Calls through the gateway.
    pub gateway_calls: KindMix,
    /// Share of video calls that use VP9.
    pub vp9: f64,
    /// Share of meetings in which somebody presents.
    pub presenting: f64,
    /// Share of a conference's callers who come in at another location than the rest.
    pub stray: f64,
    /// Mean length of a call where the trace has none.
    pub mean_call: SignedDuration,
    /// Spread (sigma of the logarithm) of conference lengths around the two usual ones.
    pub length_spread: f64,
    /// The two usual lengths, as shares of their mean: about 25 and 50 minutes, equally common.
    pub usual_lengths: (f64, f64),
    /// No call is longer.
    pub longest_call: SignedDuration,
    /// A refused caller dials again after this long, from and to.
    pub redial_after: (SignedDuration, SignedDuration),
    /// How often a refused caller dials again before giving up.
    pub redials: u32,
}

impl Default for LoadModel {
    fn default() -> Self {
        Self {
            mix: MeetingMix { meeting: 0.55, gateway: 0.25, audio: 0.15, town_hall: 0.05 },
            meeting_size: (2, 8),
            town_hall_size: (60, 300),
            meeting_calls: KindMix { hd: 0.70, full_hd: 0.05, sd: 0.15, audio: 0.10 },
            town_hall_calls: KindMix { hd: 0.05, full_hd: 0.0, sd: 0.25, audio: 0.70 },
            gateway_calls: KindMix { hd: 0.80, full_hd: 0.05, sd: 0.15, audio: 0.0 },
            vp9: 0.2,
            presenting: 0.5,
            stray: 0.1,
            mean_call: SignedDuration::from_mins(40),
            length_spread: 0.35,
            usual_lengths: (25.0 / 37.5, 50.0 / 37.5),
            longest_call: SignedDuration::from_hours(4),
            redial_after: (SignedDuration::from_secs(10), SignedDuration::from_secs(60)),
            redials: 3,
        }
    }
}

impl MeetingMix {
    /// The kind at a point of `0.0..1.0`.
    pub(crate) fn pick(&self, point: f64) -> MeetingKind {
        let Self { meeting, gateway, audio, town_hall } = *self;
        pick(
            point,
            &[
                (meeting, MeetingKind::Meeting),
                (gateway, MeetingKind::Gateway),
                (audio, MeetingKind::AudioMeeting),
                (town_hall, MeetingKind::TownHall),
            ],
        )
        .unwrap_or(MeetingKind::Meeting)
    }
}

impl KindMix {
    /// The kind at a point of `0.0..1.0`.
    pub(crate) fn pick(&self, point: f64) -> CallKind {
        let Self { hd, full_hd, sd, audio } = *self;
        pick(
            point,
            &[(hd, CallKind::Hd), (full_hd, CallKind::FullHd), (sd, CallKind::Sd), (audio, CallKind::Audio)],
        )
        .unwrap_or(CallKind::Hd)
    }
}

fn pick<T: Copy>(point: f64, shares: &[(f64, T)]) -> Option<T> {
    let mut left = point * shares.iter().map(|(share, _)| share).sum::<f64>();
    for (share, what) in shares {
        if left < *share {
            return Some(*what);
        }
        left -= share;
    }
    shares.iter().rev().find(|(share, _)| *share > 0.0).map(|(_, what)| *what)
}

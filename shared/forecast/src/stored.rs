//! Days and profiles as bytes, so that a ledger's items stay small: a day 2.9 kB, a profile 14.4 kB for each kind of day.

use jiff::civil::{Date, date};

use crate::day::{Day, Disturbance, LeftOut, MINUTES};
use crate::kind::Week;
use crate::profile::{Curves, LARGEST_Z, Profile, Target};

/// First byte: a reader refuses what it does not know.
const VERSION: u8 = 1;

/// A tenth of an HD call is the unit of stored curves.
const TENTHS: f64 = 10.0;

/// Days are counted from here.
const EPOCH: Date = date(2000, 1, 1);

/// Bytes that are no day or profile of a version that this one knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored bytes are not a day or profile of version {VERSION}: it is written anew by the next fit")]
pub struct StoredError;

impl Day {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        put_date(&mut bytes, self.date);
        bytes.extend(self.always_on.to_le_bytes());
        put_words(&mut bytes, self.disturbed.iter().copied());
        put_words(&mut bytes, self.kept.iter().copied());
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// Bytes of another kind or version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        let mut reader = Reader(bytes);
        reader.version()?;
        let date = reader.date()?;
        let always_on = u32::from_le_bytes(reader.take()?);
        let mut disturbed = [0; Disturbance::ALL.len()];
        for minutes in &mut disturbed {
            *minutes = u16::from_le_bytes(reader.take()?);
        }
        let day = Self { date, kept: reader.words()?, always_on, disturbed };
        reader.end(day)
    }
}

impl Profile {
    /// As bytes. Curves are kept in tenths of an HD call.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        put_date(&mut bytes, self.fitted);
        bytes.extend(self.week.0.iter().map(|working| u8::from(*working)));
        for curves in [&self.working, &self.quiet] {
            put_curves(&mut bytes, curves.as_ref());
        }
        let left_out = self.left_out.get(..self.left_out.len().min(usize::from(u8::MAX)));
        let left_out = left_out.unwrap_or_default();
        bytes.push(u8::try_from(left_out.len()).unwrap_or(u8::MAX));
        for (day, why) in left_out {
            put_date(&mut bytes, *day);
            bytes.push(match why {
                LeftOut::Holes => 0,
                LeftOut::TooQuiet => 1,
                LeftOut::Disturbed(Disturbance::Outage) => 2,
                LeftOut::Disturbed(Disturbance::Upgrade) => 3,
                LeftOut::Disturbed(Disturbance::Pause) => 4,
            });
        }
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// Bytes of another kind or version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        let mut reader = Reader(bytes);
        reader.version()?;
        let fitted = reader.date()?;
        let mut week = [false; 7];
        for working in &mut week {
            *working = reader.byte()? != 0;
        }
        let (working, quiet) = (reader.curves()?, reader.curves()?);
        let mut left_out = Vec::new();
        for _ in 0..reader.byte()? {
            let day = reader.date()?;
            let why = match reader.byte()? {
                0 => LeftOut::Holes,
                1 => LeftOut::TooQuiet,
                2 => LeftOut::Disturbed(Disturbance::Outage),
                3 => LeftOut::Disturbed(Disturbance::Upgrade),
                4 => LeftOut::Disturbed(Disturbance::Pause),
                _ => return Err(StoredError),
            };
            left_out.push((day, why));
        }
        reader.end(Self { fitted, working, quiet, left_out, week: Week(week) })
    }
}

fn put_date(bytes: &mut Vec<u8>, day: Date) {
    let days = day.since(EPOCH).map_or(0, |span| span.get_days());
    bytes.extend(days.to_le_bytes());
}

fn put_words(bytes: &mut Vec<u8>, words: impl Iterator<Item = u16>) {
    for word in words {
        bytes.extend(word.to_le_bytes());
    }
}

fn put_curves(bytes: &mut Vec<u8>, curves: Option<&Curves>) {
    let Some(curves) = curves else {
        bytes.push(0);
        return;
    };
    bytes.push(1);
    bytes.extend(curves.days.to_le_bytes());
    bytes.extend(curves.z.to_le_bytes());
    bytes.extend(curves.unmet.to_le_bytes());
    bytes.push(match curves.target {
        Target::Met => 0,
        Target::TooDear => 1,
        Target::OutOfReach => 2,
    });
    let Curves { start, start_spread, stop, stop_spread, level, .. } = curves;
    for curve in [start, start_spread, stop, stop_spread, level] {
        let word = |minute: usize| to_word(curve.get(minute).copied().unwrap_or(0.0));
        put_words(bytes, (0..MINUTES).map(word));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and inside the range")]
fn to_word(value: f64) -> u16 {
    if value.is_finite() { (value * TENTHS).round().clamp(0.0, f64::from(u16::MAX)) as u16 } else { 0 }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoredError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(StoredError)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, StoredError> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn version(&mut self) -> Result<(), StoredError> {
        if self.byte()? == VERSION { Ok(()) } else { Err(StoredError) }
    }

    fn date(&mut self) -> Result<Date, StoredError> {
        let days = i32::from_le_bytes(self.take()?);
        let span = jiff::Span::new().try_days(days).map_err(|_| StoredError)?;
        EPOCH.checked_add(span).map_err(|_| StoredError)
    }

    fn words(&mut self) -> Result<Vec<u16>, StoredError> {
        (0..MINUTES).map(|_| self.take().map(u16::from_le_bytes)).collect()
    }

    /// A number from 0 to `most`: what a fit cannot have written was written by something else.
    fn number(&mut self, most: f64) -> Result<f64, StoredError> {
        let number = f64::from_le_bytes(self.take()?);
        if (0.0..=most).contains(&number) { Ok(number) } else { Err(StoredError) }
    }

    fn target(&mut self) -> Result<Target, StoredError> {
        match self.byte()? {
            0 => Ok(Target::Met),
            1 => Ok(Target::TooDear),
            2 => Ok(Target::OutOfReach),
            _ => Err(StoredError),
        }
    }

    fn curve(&mut self) -> Result<Vec<f64>, StoredError> {
        Ok(self.words()?.into_iter().map(|word| f64::from(word) / TENTHS).collect())
    }

    fn curves(&mut self) -> Result<Option<Curves>, StoredError> {
        match self.byte()? {
            0 => Ok(None),
            1 => Ok(Some(Curves {
                days: u32::from_le_bytes(self.take()?),
                z: self.number(LARGEST_Z)?,
                unmet: self.number(1.0)?,
                target: self.target()?,
                start: self.curve()?,
                start_spread: self.curve()?,
                stop: self.curve()?,
                stop_spread: self.curve()?,
                level: self.curve()?,
            })),
            _ => Err(StoredError),
        }
    }

    /// Nothing may be left: what is longer is something else.
    fn end<T>(self, read: T) -> Result<T, StoredError> {
        if self.0.is_empty() { Ok(read) } else { Err(StoredError) }
    }
}

//! Days and profiles of the forecast: one item each, their curves as bytes. Written once a night by one writer, so without
//! a condition: whatever is written last is as good as what was written before.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::LocationName;
use spillway_core::outlook::{Days, Profiles};
use spillway_forecast::{Day, Profile};

use crate::item::{EXPIRES_AT, Item, SCHEMA, is_expired, schema, sort_key};
use crate::keys::{FORECAST, FORECAST_DAY, FORECAST_PROFILE, Key, PK, SK};
use crate::ledger::DynamoLedger;
use crate::state::text;

/// The attribute of the bytes.
const CURVES: &str = "curves";

/// Days are kept a little longer than the longest time that a policy learns from.
const DAYS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 120);

/// A profile that nobody renews goes.
const PROFILES_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

impl DynamoLedger {
    pub(crate) async fn read_stored_profiles(&self) -> Result<Profiles, Fault> {
        let mut profiles = Profiles::new();
        for (sort_key, bytes) in self.read_curves(FORECAST_PROFILE).await? {
            let Some(name) = sort_key.strip_prefix(FORECAST_PROFILE) else { continue };
            // One of another version says nothing: the next fit writes it anew.
            if let Ok(profile) = Profile::from_bytes(&bytes) {
                profiles.insert(LocationName::new(name), profile);
            }
        }
        Ok(profiles)
    }

    pub(crate) async fn read_stored_days(&self, since: Date) -> Result<Days, Fault> {
        let mut days: Days = BTreeMap::new();
        for (sort_key, bytes) in self.read_curves(FORECAST_DAY).await? {
            let name = sort_key.strip_prefix(FORECAST_DAY).and_then(|rest| rest.split_once('#'));
            let (Some((_, name)), Ok(day)) = (name, Day::from_bytes(&bytes)) else { continue };
            if day.date >= since {
                days.entry(LocationName::new(name)).or_default().push(day);
            }
        }
        Ok(days)
    }

    pub(crate) async fn put_stored_days(&self, days: &Days) -> Result<(), Fault> {
        for (name, days) in days {
            for day in days {
                self.put_curves(Key::forecast_day(day.date, name), day.to_bytes(), DAYS_KEPT).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn put_stored_profiles(&self, profiles: &Profiles) -> Result<(), Fault> {
        for (name, profile) in profiles {
            self.put_curves(Key::forecast_profile(name), profile.to_bytes(), PROFILES_KEPT).await?;
        }
        Ok(())
    }

    async fn read_curves(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let values =
            HashMap::from([(":pk".to_owned(), text(FORECAST)), (":prefix".to_owned(), text(prefix))]);
        let now = self.now();
        let items = self.query("pk = :pk AND begins_with(sk, :prefix)", values).await?;
        let there = items.into_iter().filter(|item| !is_expired(item, now));
        there
            .map(|mut item| {
                let key = sort_key(&item).to_owned();
                match item.remove(CURVES) {
                    Some(AttributeValue::B(bytes)) => Ok((key, bytes.into_inner())),
                    _ => Err(Fault::new(
                        System::Ledger,
                        FaultKind::Malformed,
                        format!("item {FORECAST} {key} has no `{CURVES}`"),
                    )
                    .with_remedy("delete it: the next fit writes it anew")),
                }
            })
            .collect()
    }

    async fn put_curves(&self, key: Key, bytes: Vec<u8>, kept: SignedDuration) -> Result<(), Fault> {
        let expires_at = self.now().saturating_add(kept).unwrap_or(Timestamp::MAX);
        self.put(Item::from([
            (PK.to_owned(), AttributeValue::S(key.pk)),
            (SK.to_owned(), AttributeValue::S(key.sk)),
            (SCHEMA.to_owned(), schema()),
            (EXPIRES_AT.to_owned(), AttributeValue::N(expires_at.as_second().to_string())),
            (CURVES.to_owned(), AttributeValue::B(Blob::new(bytes))),
        ]))
        .await
    }
}

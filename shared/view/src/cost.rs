//! What overflow nodes cost: hours and money by location and by what started them, at the policy's prices.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use spillway_core::ids::{InstanceId, InstanceType};
use spillway_core::ledger::Actor;
use spillway_core::observation::Fleet;
use spillway_core::policy::Policy;
use spillway_core::report::actor;

use crate::paint::{Paint, Tone};
use crate::runs::NodeRun;
use crate::table::{Align, Columns};

/// The cost between two instants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Version of the shape.
    pub schema: u32,
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
    /// By location and by what started the nodes.
    pub lines: Vec<CostLine>,
    /// All lines.
    pub node_hours: f64,
    /// All lines that have a price.
    pub money: f64,
    /// Hours of nodes without a price: the policy has none for the type, or EC2 does not show the instance any more.
    pub hours_without_price: f64,
    /// Their types; `unknown` where EC2 does not show the instance.
    pub types_without_price: Vec<String>,
}

/// One location and one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostLine {
    /// Location; `unknown` where the history has none.
    pub location: String,
    /// `need`, `hold <name>`, a person, Pexip, somebody else.
    pub reason: String,
    /// Runs, whole or in part.
    pub starts: u32,
    /// Hours.
    pub node_hours: f64,
    /// Money, where the policy has a price for all of it.
    pub money: f64,
}

/// Adds up.
pub fn cost(policy: &Policy, fleet: &Fleet, runs: &[NodeRun], from: Timestamp, until: Timestamp) -> Cost {
    let types: BTreeMap<&InstanceId, &InstanceType> =
        fleet.instances.iter().map(|instance| (&instance.id, &instance.instance_type)).collect();
    let mut lines: BTreeMap<(String, String), CostLine> = BTreeMap::new();
    let mut without_price: BTreeMap<String, f64> = BTreeMap::new();
    for run in runs {
        let time = run.within(from, until);
        if time == SignedDuration::ZERO {
            continue;
        }
        let hours = time.as_secs_f64() / 3600.0;
        let location = run.location.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let reason = reason(run);
        let line = lines.entry((location.clone(), reason.clone())).or_insert(CostLine {
            location,
            reason,
            starts: 0,
            node_hours: 0.0,
            money: 0.0,
        });
        line.starts += 1;
        line.node_hours += hours;
        let kind = types.get(&run.instance);
        if let Some(price) = kind.and_then(|kind| policy.price_per_hour.get(*kind)) {
            line.money += price * hours;
        } else {
            let kind = kind.map_or_else(|| "unknown".to_owned(), ToString::to_string);
            *without_price.entry(kind).or_default() += hours;
        }
    }
    let lines: Vec<CostLine> = lines.into_values().collect();
    Cost {
        schema: crate::SCHEMA,
        from,
        until,
        node_hours: sum(lines.iter().map(|line| line.node_hours)),
        money: sum(lines.iter().map(|line| line.money)),
        hours_without_price: sum(without_price.values().copied()),
        types_without_price: without_price.into_keys().collect(),
        lines,
    }
}

/// The sum of nothing is 0; the standard library's is -0, which is shown as such.
fn sum(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |sum, number| sum + number)
}

/// What started a run, without the numbers and times that differ each time.
fn reason(run: &NodeRun) -> String {
    match &run.by {
        Actor::Spillway => match run.reason.strip_prefix("hold ") {
            // A window's hold is called after the window and the time.
            Some(hold) => format!("hold {}", hold.split([':', '#', '@', ' ']).next().unwrap_or_default()),
            None => "need".to_owned(),
        },
        other => actor(other).to_owned(),
    }
}

/// As a table.
pub fn render_cost(cost: &Cost, paint: &impl Paint) -> String {
    let mut columns = Columns::new(&[
        ("location", Align::Left),
        ("started by", Align::Left),
        ("runs", Align::Right),
        ("node-hours", Align::Right),
        ("cost", Align::Right),
    ]);
    for line in &cost.lines {
        columns.row([
            line.location.clone(),
            line.reason.clone(),
            line.starts.to_string(),
            format!("{:.1}", line.node_hours),
            format!("{:.2}", line.money),
        ]);
    }
    let runs: u32 = cost.lines.iter().map(|line| line.starts).sum();
    columns.row([
        "all".to_owned(),
        String::new(),
        runs.to_string(),
        format!("{:.1}", cost.node_hours),
        format!("{:.2}", cost.money),
    ]);
    let mut text = String::new();
    for (number, line) in columns.lines().iter().enumerate() {
        let tone = if number == 0 { Tone::Head } else { Tone::Plain };
        text.push_str(&paint.paint(tone, line));
        text.push('\n');
    }
    if cost.hours_without_price > 0.0 {
        let note = format!(
            "{:.1} node-hours have no price: set price_per_hour in the policy for {}",
            cost.hours_without_price,
            cost.types_without_price.join(", ")
        );
        text.push_str(&paint.paint(Tone::Warn, &crate::clean(&note)));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::observation::{Instance, InstanceState};

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
    }

    fn run(instance: &str, hours: (i64, Option<i64>), by: Actor, reason: &str) -> NodeRun {
        NodeRun {
            instance: instance.into(),
            node: None,
            location: Some("AWS burst".into()),
            from: Some(at(hours.0)),
            ready: None,
            drain: None,
            until: hours.1.map(at),
            failed: false,
            by,
            reason: reason.to_owned(),
            ended: String::new(),
        }
    }

    fn instance(id: &str, kind: &str) -> Instance {
        Instance {
            id: id.into(),
            name: String::new(),
            region: String::new(),
            zone: String::new(),
            vpc: String::new(),
            instance_type: kind.into(),
            state: InstanceState::Stopped,
            state_reason: String::new(),
            launched_at: None,
            private_ip: None,
            public_ip: None,
            addresses: Vec::new(),
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn an_empty_period_costs_nothing_and_not_minus_nothing() {
        let nothing = cost(&Policy::with_defaults("mgr"), &Fleet::default(), &[], at(0), at(8));
        for number in [nothing.node_hours, nothing.money, nothing.hours_without_price] {
            assert!(number == 0.0 && number.is_sign_positive(), "{number}");
        }
        assert!(!render_cost(&nothing, &()).contains("-0"), "{}", render_cost(&nothing, &()));
        assert!(!serde_json::to_string(&nothing).unwrap().contains("-0.0"));
    }

    #[test]
    fn hours_and_money_by_location_and_reason_within_the_time_asked() {
        let mut policy = Policy::with_defaults("mgr");
        policy.price_per_hour.insert("c5.2xlarge".into(), 0.5);
        let fleet = Fleet {
            instances: vec![instance("i-1", "c5.2xlarge"), instance("i-2", "m5.large")],
            ..Fleet::default()
        };
        let runs = [
            run("i-1", (0, Some(4)), Actor::Spillway, "needed: London has 5 HD calls free"),
            run("i-1", (6, None), Actor::Spillway, "hold morning@2026-03-02T07:50Z: pre-warm"),
            run("i-1", (-9, Some(1)), Actor::Spillway, "needed: Paris has 4 HD calls free"),
            run("i-2", (2, Some(3)), Actor::Pexip, ""),
            run("i-3", (2, Some(3)), Actor::Person("anna".to_owned()), ""),
            run("i-1", (20, Some(30)), Actor::Spillway, "needed"),
        ];
        let cost = cost(&policy, &fleet, &runs, at(0), at(8));
        let lines: Vec<(&str, u32, f64, f64)> = cost
            .lines
            .iter()
            .map(|line| (line.reason.as_str(), line.starts, line.node_hours, line.money))
            .collect();
        let wanted = [
            ("Pexip", 1, 1.0, 0.0),
            ("anna", 1, 1.0, 0.0),
            ("hold morning", 1, 2.0, 1.0),
            ("need", 2, 5.0, 2.5),
        ];
        assert_eq!(lines, wanted);
        assert_eq!((cost.node_hours, cost.money, cost.hours_without_price), (9.0, 3.5, 2.0));
        assert_eq!(cost.types_without_price, ["m5.large", "unknown"]);
        insta::assert_snapshot!(render_cost(&cost, &()));
    }
}

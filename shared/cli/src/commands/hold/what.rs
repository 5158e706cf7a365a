//! What to hold, as it is typed, and the holds that this makes.

use clap::Args;
use jiff::Timestamp;
use spillway_core::blocker::may_start;
use spillway_core::ids::{HdCalls, HoldId};
use spillway_core::ledger::{Hold, HoldAmount, HoldScope};

use super::times::Times;
use crate::exit::Failure;
use crate::known::KnownState;
use crate::session::CliSession;

/// What to hold.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("amount").required(true).args(["node", "hd_calls", "nodes", "all"])))]
pub(crate) struct What {
    /// These overflow nodes, by name or instance id
    #[arg(value_name = "NODE")]
    node: Vec<String>,
    /// Capacity for this many HD calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    hd_calls: Option<u32>,
    /// This many overflow nodes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    nodes: Option<u32>,
    /// All overflow nodes
    #[arg(long)]
    all: bool,
    /// Only in this overflow location
    #[arg(long, value_name = "NAME", conflicts_with = "node")]
    location: Option<String>,
    /// For how long: 2h, 90m (one hour unless said)
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until")]
    pub(super) lasts: Option<String>,
    /// Until when: 17:30, 2026-03-02T08:50
    #[arg(long, value_name = "WHEN")]
    pub(super) until: Option<String>,
}

/// The holds that were asked for.
pub(super) fn wanted(
    session: &CliSession<'_>,
    known: &KnownState,
    what: &What,
    times: &Times,
) -> Result<Vec<Hold>, Failure> {
    let (from, until) = (times.from, times.until);
    let timed = |hold| Hold { spike_at: times.spike_at(), ..hold };
    if !what.node.is_empty() {
        return what
            .node
            .iter()
            .map(|name| {
                let found = known.find(session.policy(), name)?;
                may_start(&found.node, known.ledger.nodes.get(&found.instance.id))?;
                Ok(timed(session.operator().node_hold(&found.instance.id, from, until)))
            })
            .collect();
    }
    let scope = match &what.location {
        None => HoldScope::All,
        Some(name) => HoldScope::Location(known.overflow_location(session.policy(), name)?),
    };
    let amount = match (what.hd_calls, what.nodes) {
        (Some(calls), _) => HoldAmount::HdCalls(HdCalls(calls)),
        (None, Some(nodes)) => HoldAmount::Nodes(nodes),
        (None, None) => HoldAmount::AllNodes,
    };
    Ok(vec![timed(session.operator().hold(hold_id(known.now), scope, amount, from, until))])
}

/// The id of a hold that is on no single node. With the nanoseconds: those of two operators in one second are two holds.
fn hold_id(now: Timestamp) -> HoldId {
    HoldId::new(format!("operator-{}", now.strftime("%Y%m%dT%H%M%S.%9fZ")))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::hold_id;

    #[test]
    fn two_holds_in_one_second_are_two() {
        let now: jiff::Timestamp = "2026-03-02T08:50:00.000001Z".parse().unwrap();
        assert_eq!(hold_id(now).as_str(), "operator-20260302T085000.000001000Z");
        assert_ne!(hold_id(now), hold_id(now + SignedDuration::from_nanos(1)));
    }
}

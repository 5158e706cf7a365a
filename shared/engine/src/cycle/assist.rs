//! Starts where Pexip's own bursting decides (`assist` mode): Pexip starts the node, since two controllers must never
//! drive the same instances. One command for each, by the instance id that its own bursting lists (guide: *Manually
//! starting an overflow node*).

use std::time::Duration;

use futures_util::future::join;

use crate::cycle::LAST_START;
use crate::ports::{Clock, InstanceOrder, OrderResults, OverflowStart};
use spillway_core::fault::{Fault, FaultKind, Refusal, RefusalKind};
use spillway_core::ids::InstanceId;

/// Has Pexip start instances, two at a time: what a Management Node takes at once. What it lists is asked for once a cycle, however
/// many rounds of substitutes there are.
pub(crate) async fn start_through_pexip<M: OverflowStart, C: Clock>(
    management: &M,
    clock: &C,
    deadline: Duration,
    orders: &[InstanceOrder],
    known: &mut Option<Vec<InstanceId>>,
) -> OrderResults {
    let read = match known.take() {
        Some(listed) => Ok(listed),
        None => management.read_cloud_instances().await,
    };
    let listed = match read {
        Ok(listed) => &*known.insert(listed),
        Err(fault) => {
            let refusal = refusal_of(&fault);
            return orders.iter().map(|order| (order.instance.clone(), Err(refusal.clone()))).collect();
        }
    };
    let start = async |order: &InstanceOrder| {
        if deadline.saturating_sub(clock.monotonic()) < LAST_START {
            return Err(not_attempted("too little time was left"));
        }
        let instance = named(listed, order)?;
        management.start_overflow_node(instance).await.map_err(|fault| refusal_of(&fault))
    };
    let mut results = Vec::with_capacity(orders.len());
    for pair in orders.chunks(2) {
        match pair {
            [one, other] => {
                let (first, second) = join(start(one), start(other)).await;
                results.push((one.instance.clone(), first));
                results.push((other.instance.clone(), second));
            }
            _ => {
                for order in pair {
                    results.push((order.instance.clone(), start(order).await));
                }
            }
        }
    }
    results
}

/// The instance as Pexip's bursting knows it. An empty list is no statement: releases differ in when they fill it.
fn named<'a>(listed: &'a [InstanceId], order: &'a InstanceOrder) -> Result<&'a InstanceId, Refusal> {
    if listed.is_empty() {
        return Ok(&order.instance);
    }
    listed.iter().find(|each| **each == order.instance).ok_or_else(|| Refusal {
        kind: RefusalKind::NoSuchInstance,
        code: "NoCloudNode".to_owned(),
        message: "Pexip's own bursting does not list the instance: check its tag, its region and the AWS key under \
                  Platform > Global Settings > Cloud Bursting"
            .to_owned(),
    })
}

/// A fault of the Management Node as a refusal: only one that is about the instance makes it back off.
fn refusal_of(fault: &Fault) -> Refusal {
    let kind = match fault.kind {
        FaultKind::Rejected | FaultKind::NotFound => RefusalKind::Other,
        FaultKind::Unauthorized | FaultKind::Forbidden => RefusalKind::Unauthorized,
        FaultKind::Throttled => RefusalKind::Throttled,
        FaultKind::Unreachable
        | FaultKind::Timeout
        | FaultKind::Certificate
        | FaultKind::Server
        | FaultKind::Malformed
        | FaultKind::Setting => RefusalKind::NotAttempted,
    };
    Refusal { kind, code: "start_cloudnode".to_owned(), message: fault.to_string() }
}

fn not_attempted(why: &str) -> Refusal {
    Refusal { kind: RefusalKind::NotAttempted, code: "NotAttempted".to_owned(), message: why.to_owned() }
}

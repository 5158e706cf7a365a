//! Orders, in as few requests as possible, each instance with its own answer.
//!
//! A request takes up to 50 instances of one region, neighbours by zone and type, so that a lack of capacity meets
//! a request that is mostly of one kind. When EC2 refuses a request and names instances, those have their answer
//! and the rest is sent again; when it names none, the request is sent again in two halves.
//!
//! The cost: a named refusal costs one more request for at least one instance that fails. An unnamed one costs two,
//! and a failing instance is in at most six of them (50, 32, 16, 8, 4, 2 and then alone), so that N instances of
//! which k fail cost at most ceil(N/50) + 12 k requests in one region.

use std::future::Future;

use spillway_core::fault::Refusal;
use spillway_core::ids::InstanceId;
use spillway_engine::ports::{InstanceOrder, OrderResults};
use tokio::time::Instant;

use crate::bucket::TokenBucket;
use crate::exhaustion::Exhaustion;
use crate::refusal::{CallError, Reach, not_attempted};

/// Instances in one request. EC2 takes more; beyond fifty AWS advises smaller ones (EC2 API reference:
/// *`StartInstances`*), and a refusal costs more to take apart.
pub(crate) const LARGEST_BATCH: usize = 50;

/// What to do with instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    /// `StartInstances`.
    Start,
    /// `StopInstances`, never forced.
    Stop,
}

/// One request to one region, all or nothing.
pub(crate) trait PowerTransport: Send + Sync {
    fn request(
        &self,
        power: Power,
        instances: Vec<InstanceId>,
    ) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Carries out the orders of one region. No request begins after `until`.
pub(crate) async fn carry_out<T: PowerTransport>(
    transport: &T,
    power: Power,
    orders: Vec<InstanceOrder>,
    bucket: &TokenBucket,
    until: Instant,
) -> OrderResults {
    let mut results = OrderResults::with_capacity(orders.len());
    let mut exhaustion = Exhaustion::default();
    // A stack: the next batch is at the end.
    let mut waiting = pack(orders);
    waiting.reverse();
    while let Some(batch) = waiting.pop() {
        let batch = set_apart_known(batch, &exhaustion, &mut results);
        if batch.is_empty() {
            continue;
        }
        if !bucket.take(until).await {
            let late = not_attempted("OutOfTime", "the cycle's time for requests to EC2 ran out");
            waiting.push(batch);
            for batch in &waiting {
                answer(&mut results, batch, &late);
            }
            break;
        }
        let ids = batch.iter().map(|order| order.instance.clone()).collect();
        let Err(error) = transport.request(power, ids).await else {
            exhaustion.note_success(&batch);
            results.extend(batch.into_iter().map(|order| (order.instance, Ok(()))));
            continue;
        };
        let refusal = error.refusal();
        if error.reach() == Reach::Region {
            answer(&mut results, &batch, &refusal);
            let rest = not_attempted(
                &refusal.code,
                format!("not asked, as EC2 refused the request before it: {}", refusal.message),
            );
            for batch in &waiting {
                answer(&mut results, batch, &rest);
            }
            break;
        }
        let (named, rest): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|order| error.names(&order.instance));
        answer(&mut results, &named, &refusal);
        if !named.is_empty() {
            waiting.push(rest);
        } else if let [order] = rest.as_slice() {
            exhaustion.note_refusal(order, &refusal, error.status);
            answer(&mut results, &rest, &refusal);
        } else {
            let (first, second) = halve(rest);
            waiting.push(second);
            waiting.push(first);
        }
    }
    results
}

fn answer(results: &mut OrderResults, orders: &[InstanceOrder], refusal: &Refusal) {
    results.extend(orders.iter().map(|order| (order.instance.clone(), Err(refusal.clone()))));
}

/// Gives their answer to those whose answer is known, and keeps the others.
fn set_apart_known(
    batch: Vec<InstanceOrder>,
    exhaustion: &Exhaustion,
    results: &mut OrderResults,
) -> Vec<InstanceOrder> {
    let mut unknown = Vec::with_capacity(batch.len());
    for order in batch {
        match exhaustion.answer_for(&order) {
            Some(refusal) => results.push((order.instance, Err(refusal))),
            None => unknown.push(order),
        }
    }
    unknown
}

/// The fewest batches, cut between zones and types where that costs no further batch.
fn pack(mut orders: Vec<InstanceOrder>) -> Vec<Vec<InstanceOrder>> {
    orders.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.instance.cmp(&b.instance)));
    orders.dedup_by(|a, b| a.instance == b.instance);
    let mut batches = Vec::new();
    let mut left = orders.len().div_ceil(LARGEST_BATCH);
    while !orders.is_empty() {
        left = left.saturating_sub(1);
        let least = orders.len().saturating_sub(left * LARGEST_BATCH).max(1);
        let most = orders.len().min(LARGEST_BATCH);
        let cut = boundaries(&orders, least, most).last().unwrap_or(most);
        let rest = orders.split_off(cut);
        batches.push(std::mem::replace(&mut orders, rest));
    }
    batches
}

/// Two halves, cut between zones and types where neither gets larger than halving would allow at worst (the power
/// of two below): so deep, and no deeper, goes the search for one bad instance.
fn halve(mut batch: Vec<InstanceOrder>) -> (Vec<InstanceOrder>, Vec<InstanceOrder>) {
    let largest = (batch.len().next_power_of_two() / 2).max(1);
    let middle = batch.len() / 2;
    let cut = boundaries(&batch, batch.len().saturating_sub(largest).max(1), largest)
        .min_by_key(|cut| cut.abs_diff(middle))
        .unwrap_or(middle);
    let second = batch.split_off(cut);
    (batch, second)
}

/// Where the zone or type changes, within a range of positions; the end of the list counts as a change.
fn boundaries(orders: &[InstanceOrder], least: usize, most: usize) -> impl Iterator<Item = usize> {
    (least..=most)
        .filter(|&at| orders.get(at).is_none_or(|next| at > 0 && place(next) != place(&orders[at - 1])))
}

fn place(order: &InstanceOrder) -> (&str, &str) {
    (&order.zone, order.instance_type.as_str())
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;

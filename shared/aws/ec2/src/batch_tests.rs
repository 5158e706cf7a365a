//! The search for the bad instances, against an EC2 that is all or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;
use spillway_core::fault::RefusalKind;

use super::*;

/// How one instance refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// `IncorrectInstanceState`, which names it.
    Named,
    /// A code that names nothing.
    Unnamed,
}

#[derive(Debug, Default)]
struct SimEc2 {
    troubles: BTreeMap<InstanceId, Trouble>,
    /// Instances left per zone and type; no entry: without end.
    capacity: Mutex<BTreeMap<(String, String), usize>>,
    places: BTreeMap<InstanceId, (String, String)>,
    /// The n-th request and all after it are throttled.
    throttled_from: Option<usize>,
    requests: Mutex<Vec<Vec<InstanceId>>>,
    on: Mutex<BTreeSet<InstanceId>>,
}

fn refused(code: &str, message: String, status: u16) -> Result<(), CallError> {
    Err(CallError { code: code.to_owned(), message, status })
}

impl PowerTransport for SimEc2 {
    async fn request(&self, _: Power, ids: Vec<InstanceId>) -> Result<(), CallError> {
        let mut requests = self.requests.lock().unwrap();
        requests.push(ids.clone());
        if self.throttled_from.is_some_and(|n| requests.len() > n) {
            return refused("RequestLimitExceeded", "Request limit exceeded.".to_owned(), 503);
        }
        // EC2 reports one problem at a time.
        for id in &ids {
            match self.troubles.get(id) {
                Some(Trouble::Named) => {
                    let message =
                        format!("The instance '{id}' is not in a state from which it can be started.");
                    return refused("IncorrectInstanceState", message, 400);
                }
                Some(Trouble::Unnamed) => {
                    return refused("InsufficientHostCapacity", "There is no room.".to_owned(), 400);
                }
                None => {}
            }
        }
        let mut wanted: BTreeMap<&(String, String), usize> = BTreeMap::new();
        for id in &ids {
            *wanted.entry(&self.places[id]).or_default() += 1;
        }
        let mut capacity = self.capacity.lock().unwrap();
        if wanted.iter().any(|(place, n)| capacity.get(*place).is_some_and(|left| left < n)) {
            return refused(
                "InsufficientInstanceCapacity",
                "We currently do not have enough.".to_owned(),
                500,
            );
        }
        for (place, n) in wanted {
            capacity.entry(place.clone()).and_modify(|left| *left -= n);
        }
        self.on.lock().unwrap().extend(ids);
        Ok(())
    }
}

fn order(n: usize, zone: usize, kind: usize) -> InstanceOrder {
    InstanceOrder {
        instance: InstanceId::new(format!("i-{n:05}")),
        region: "eu-west-1".to_owned(),
        zone: format!("eu-west-1{}", ["a", "b", "c"][zone]),
        instance_type: ["c5.2xlarge", "c6i.2xlarge"][kind].into(),
    }
}

fn ec2(orders: &[InstanceOrder]) -> SimEc2 {
    let places = orders
        .iter()
        .map(|order| (order.instance.clone(), (order.zone.clone(), order.instance_type.as_str().to_owned())))
        .collect();
    SimEc2 { places, ..SimEc2::default() }
}

async fn run(ec2: &SimEc2, orders: &[InstanceOrder]) -> OrderResults {
    let until = Instant::now() + Duration::from_secs(1_000_000);
    carry_out(ec2, Power::Start, orders.to_vec(), &TokenBucket::full(), until).await
}

fn refusals(results: &OrderResults) -> Vec<(&str, RefusalKind)> {
    let mut list: Vec<_> =
        results.iter().filter_map(|(id, result)| Some((id.as_str(), result.as_ref().err()?.kind))).collect();
    list.sort_unstable();
    list
}

fn one_type(count: usize) -> Vec<InstanceOrder> {
    (0..count).map(|n| order(n, 0, 0)).collect()
}

#[tokio::test(start_paused = true)]
async fn one_bad_instance_does_not_block_a_hundred() {
    for trouble in [Trouble::Named, Trouble::Unnamed] {
        for bad in [0, 37, 99] {
            let orders = one_type(100);
            let mut ec2 = ec2(&orders);
            ec2.troubles.insert(orders[bad].instance.clone(), trouble);
            let results = run(&ec2, &orders).await;
            assert_eq!(refusals(&results).len(), 1, "{trouble:?} {bad}");
            assert_eq!(ec2.on.lock().unwrap().len(), 99);
            let requests = ec2.requests.lock().unwrap().len();
            assert!(
                requests <= if trouble == Trouble::Named { 3 } else { 14 },
                "{trouble:?} {bad}: {requests}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_go_out_in_twenty_requests_at_two_a_second() {
    let orders = one_type(1_000);
    let ec2 = ec2(&orders);
    let began = Instant::now();
    let results = run(&ec2, &orders).await;
    assert!(results.iter().all(|(_, result)| result.is_ok()));
    assert_eq!(ec2.requests.lock().unwrap().len(), 20);
    assert_eq!(began.elapsed(), Duration::from_millis(7_500));
}

#[tokio::test(start_paused = true)]
async fn no_capacity_for_a_type_is_known_after_three_and_leaves_the_other_type_alone() {
    let orders: Vec<_> = (0..60).map(|n| order(n, 0, usize::from(n >= 40))).collect();
    let ec2 = ec2(&orders);
    ec2.capacity.lock().unwrap().insert(("eu-west-1a".to_owned(), "c5.2xlarge".to_owned()), 0);
    let results = run(&ec2, &orders).await;
    assert_eq!(refusals(&results).len(), 40);
    assert!(refusals(&results).iter().all(|(_, kind)| *kind == RefusalKind::InstanceCapacity));
    assert_eq!(ec2.on.lock().unwrap().len(), 20);
    assert!(ec2.requests.lock().unwrap().len() <= 12, "{}", ec2.requests.lock().unwrap().len());
    let unasked = results.iter().filter_map(|(_, result)| result.as_ref().err());
    assert!(unasked.clone().any(|refusal| refusal.message.starts_with("not asked, as 3 others")));
}

#[tokio::test(start_paused = true)]
async fn capacity_for_some_is_used_to_the_last() {
    for left in [1, 7, 30, 49] {
        let orders = one_type(50);
        let ec2 = ec2(&orders);
        ec2.capacity.lock().unwrap().insert(("eu-west-1a".to_owned(), "c5.2xlarge".to_owned()), left);
        let results = run(&ec2, &orders).await;
        assert_eq!(ec2.on.lock().unwrap().len(), left);
        assert_eq!(refusals(&results).len(), 50 - left);
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_ends_the_round_and_nobody_is_to_blame() {
    let orders = one_type(150);
    let mut ec2 = ec2(&orders);
    ec2.throttled_from = Some(1);
    let results = run(&ec2, &orders).await;
    let kinds = |kind| results.iter().filter(|(_, r)| r.as_ref().is_err_and(|r| r.kind == kind)).count();
    assert_eq!(results.iter().filter(|(_, r)| r.is_ok()).count(), 50);
    assert_eq!((kinds(RefusalKind::Throttled), kinds(RefusalKind::NotAttempted)), (50, 50));
    assert_eq!(ec2.requests.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_into_the_time_is_not_attempted() {
    let orders = one_type(400);
    let ec2 = ec2(&orders);
    let until = Instant::now() + Duration::from_millis(500);
    let results = carry_out(&ec2, Power::Stop, orders, &TokenBucket::full(), until).await;
    assert_eq!(ec2.requests.lock().unwrap().len(), 6);
    assert_eq!(results.len(), 400);
    let late = results.iter().filter(|(_, r)| r.as_ref().is_err_and(|r| r.code == "OutOfTime")).count();
    assert_eq!(late, 100);
}

#[test]
fn batches_are_few_and_cut_between_types() {
    let sizes = |orders: Vec<InstanceOrder>| pack(orders).iter().map(Vec::len).collect::<Vec<_>>();
    let mixed = |first: usize, second: usize| {
        (0..first + second).map(|n| order(n, 0, usize::from(n >= first))).collect::<Vec<_>>()
    };
    assert_eq!(sizes(mixed(30, 30)), [30, 30], "two requests are needed anyway: one for each type");
    assert_eq!(sizes(mixed(30, 20)), [50], "one request is enough");
    assert_eq!(sizes(mixed(70, 30)), [50, 50]);
    assert_eq!(sizes(mixed(0, 0)), [0; 0]);
    assert_eq!(sizes(mixed(101, 0)), [50, 50, 1]);
    let mut twice = mixed(3, 0);
    twice.extend(mixed(3, 0));
    assert_eq!(sizes(twice), [3], "an instance is asked for once");
}

#[test]
fn halves_are_cut_between_types_but_never_so_unevenly_that_the_search_gets_longer() {
    for count in 2..=LARGEST_BATCH {
        for change in 0..count {
            let orders = (0..count).map(|n| order(n, 0, usize::from(n >= change))).collect();
            let (first, second) = halve(orders);
            let largest = count.next_power_of_two() / 2;
            assert_eq!(first.len() + second.len(), count);
            assert!(
                (1..=largest).contains(&first.len()) && (1..=largest).contains(&second.len()),
                "{count} {change}"
            );
            if change > 0 && change <= largest && count - change <= largest {
                assert_eq!(first.len(), change, "{count} {change}");
            }
        }
    }
}

fn world() -> impl Strategy<Value = (Vec<InstanceOrder>, Vec<Option<Trouble>>, Vec<Option<usize>>)> {
    let trouble = prop_oneof![
        18 => Just(None),
        1 => Just(Some(Trouble::Named)),
        1 => Just(Some(Trouble::Unnamed)),
    ];
    (0..220_usize).prop_flat_map(move |count| {
        (
            prop::collection::vec((0..3_usize, 0..2_usize), count)
                .prop_map(|places| places.iter().enumerate().map(|(n, (z, k))| order(n, *z, *k)).collect()),
            prop::collection::vec(trouble.clone(), count),
            prop::collection::vec(prop::option::weighted(0.3, 0..60_usize), 6),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Every order has one answer, every instance that can start has started, and the bound holds.
    #[test]
    fn all_that_can_start_do_within_the_bound((orders, troubles, pools) in world()) {
        let mut ec2 = ec2(&orders);
        for (order, trouble) in orders.iter().zip(&troubles) {
            ec2.troubles.extend(trouble.map(|trouble| (order.instance.clone(), trouble)));
        }
        let places: BTreeSet<_> = ec2.places.values().cloned().collect();
        let limits: BTreeMap<_, _> =
            places.iter().zip(&pools).filter_map(|(place, left)| Some((place.clone(), (*left)?))).collect();
        *ec2.capacity.lock().unwrap() = limits.clone();

        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let results = runtime.block_on(run(&ec2, &orders));

        let answered: BTreeSet<_> = results.iter().map(|(id, _)| id.clone()).collect();
        prop_assert_eq!(answered.len(), orders.len());
        prop_assert_eq!(results.len(), orders.len());
        let on = ec2.on.lock().unwrap();
        for (id, result) in &results {
            prop_assert_eq!(result.is_ok(), on.contains(id), "{}", id);
        }
        for place in &places {
            let healthy = orders
                .iter()
                .filter(|order| ec2.places[&order.instance] == *place && !ec2.troubles.contains_key(&order.instance))
                .count();
            let started = on.iter().filter(|id| ec2.places[*id] == *place).count();
            let expected = limits.get(place).map_or(healthy, |left| healthy.min(*left));
            prop_assert_eq!(started, expected, "{:?}", place);
        }
        let requests = ec2.requests.lock().unwrap();
        prop_assert!(requests.iter().all(|ids| (1..=LARGEST_BATCH).contains(&ids.len())));
        let failed = results.iter().filter(|(_, result)| result.is_err()).count();
        let bound = orders.len().div_ceil(LARGEST_BATCH) + 12 * failed;
        prop_assert!(requests.len() <= bound, "{} requests for {} of which {} fail", requests.len(), orders.len(), failed);
    }
}

//! The test API of a served world, for a test whose EC2 is another simulator: it tells the world which instances
//! were started and stopped there, and reads what became of the callers. It is not part of the Management API, listens on an address of its own, and refuses to decide anything: an instance follows what it
//! is told, with the world's own delays on top.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spillway_core::ids::InstanceId;
use spillway_core::observation::InstanceState;

use spillway_world::{CallSpec, Initiator, NodeView, ServiceView, SharedWorld, World, lock, state_word};

/// What an instance elsewhere does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Told {
    Pending,
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
}

impl Told {
    fn is_up(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

#[derive(Clone)]
struct Control {
    world: SharedWorld,
    catch_up: Arc<dyn Fn() + Send + Sync>,
}

/// Calls put on a node by hand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    /// Where.
    node: String,
    /// How many HD calls.
    count: u32,
    /// After how many seconds they hang up.
    lasts_s: u32,
}

/// An upgrade of the platform, as an administrator begins one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewVersion {
    /// Such as `39 (78000.0.0)`.
    version: String,
}

/// The addresses: `GET /sim/world` shows everything, `POST /sim/instances` takes
/// `{"<private address>": "<EC2 state>"}` and gives back what was refused, `POST /sim/calls` puts calls on a node and
/// gives back how many, `POST /sim/upgrade` begins an upgrade of the platform. `catch_up` brings the world to the present before each.
pub fn router(world: SharedWorld, catch_up: impl Fn() + Send + Sync + 'static) -> Router {
    let control = Control { world, catch_up: Arc::new(catch_up) };
    Router::new()
        .route("/sim/world", get(show))
        .route("/sim/instances", post(follow))
        .route("/sim/calls", post(seat))
        .route("/sim/upgrade", post(upgrade))
        .with_state(control)
}

async fn show(State(control): State<Control>) -> Response {
    (control.catch_up)();
    reply(&view(&lock(&control.world)))
}

async fn follow(State(control): State<Control>, body: String) -> Response {
    match serde_json::from_str::<BTreeMap<Ipv4Addr, Told>>(&body) {
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Ok(told) => {
            (control.catch_up)();
            reply(&json!({ "refused": follow_all(&mut lock(&control.world), &told) }))
        }
    }
}

async fn seat(State(control): State<Control>, body: String) -> Response {
    match serde_json::from_str::<Calls>(&body) {
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Ok(Calls { node, count, lasts_s }) => {
            (control.catch_up)();
            let lasts = Some(SignedDuration::from_secs(i64::from(lasts_s)));
            let spec = CallSpec { lasts, ..CallSpec::HD };
            let seated = lock(&control.world).seat_calls(&node, count, spec).len();
            reply(&json!({ "seated": seated }))
        }
    }
}

async fn upgrade(State(control): State<Control>, body: String) -> Response {
    match serde_json::from_str::<NewVersion>(&body) {
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Ok(NewVersion { version }) => {
            (control.catch_up)();
            lock(&control.world).begin_upgrade(&version);
            reply(&json!({ "upgrading_to": version }))
        }
    }
}

fn reply(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Starts and stops what is not yet as told; an address that no instance has, and a start or stop that the
/// world's EC2 refuses, is said with its reason. Saying the same again changes nothing.
fn follow_all(world: &mut World, told: &BTreeMap<Ipv4Addr, Told>) -> BTreeMap<Ipv4Addr, String> {
    let mut refused = BTreeMap::new();
    let (mut start, mut stop) = (Vec::new(), Vec::new());
    let mut addresses: BTreeMap<InstanceId, Ipv4Addr> = BTreeMap::new();
    for (address, state) in told {
        let node = world.nodes().into_iter().find(|node| node.address == *address);
        let Some((id, now)) = node.and_then(|node| node.instance.zip(node.state)) else {
            refused.insert(*address, "no node with an instance has this address".to_owned());
            continue;
        };
        addresses.insert(id.clone(), *address);
        match (state.is_up(), now) {
            (true, InstanceState::Stopped) => start.push(id),
            // Not yet stopped: EC2 would refuse a start. Whoever tells us will tell us again.
            (true, InstanceState::Stopping) => {
                refused.insert(*address, "still stopping".to_owned());
            }
            (false, InstanceState::Pending | InstanceState::Running) => stop.push(id),
            _ => {}
        }
    }
    let results = world
        .start_instances(&start, Initiator::Spillway)
        .into_iter()
        .chain(world.stop_instances(&stop, Initiator::Spillway));
    for (id, result) in results {
        if let (Err(refusal), Some(address)) = (result, addresses.get(&id)) {
            refused.insert(*address, refusal.to_string());
        }
    }
    refused
}

/// The world as it really is, whatever the Management Node shows of it.
fn view(world: &World) -> Value {
    let stats = world.stats();
    let nodes: Vec<Value> = world.nodes().iter().map(node).collect();
    json!({
        "now": world.now().to_string(),
        "offered": stats.offered,
        "attempts": stats.attempts,
        "refused": stats.refused,
        "refused_attempts": stats.refused_attempts,
        "completed": stats.completed,
        "dropped": {
            "by_spillway": stats.dropped.by_spillway,
            "by_pexip": stats.dropped.by_pexip,
            "by_outside": stats.dropped.by_outside,
        },
        "starts": stats.starts_total(),
        "in_progress": world.in_progress(),
        "redialling": world.redialling(),
        "callers_to_come": (world.callers().list.len() as u64).saturating_sub(stats.offered),
        "nodes": nodes,
    })
}

fn node(node: &NodeView) -> Value {
    json!({
        "name": node.name,
        "location": node.location,
        "address": node.address,
        "overflow": node.is_overflow,
        "instance": node.instance,
        "state": node.state.map(state_word),
        "service": match node.service {
            ServiceView::Stopped => "stopped",
            ServiceView::Booting => "booting",
            ServiceView::Ready => "ready",
            ServiceView::Maintenance => "maintenance",
        },
        "maintenance": node.maintenance_configured,
        "busy": node.busy,
        "load": node.load,
        "free": node.free.0,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use spillway_world::WorldBuilder;
    use spillway_world::callers::{Arrival, Callers};
    use spillway_world::load_model::LoadModel;

    fn world() -> World {
        builder().build().expect("a world")
    }

    fn builder() -> WorldBuilder {
        WorldBuilder::new(Timestamp::UNIX_EPOCH)
            .location("Oslo")
            .location("Oslo burst")
            .overflow("Oslo", "Oslo burst")
            .always_on("Oslo", 1)
            .overflow_nodes("Oslo burst", 2)
            .boots_in(SignedDuration::from_secs(40))
            .settings(|s| s.boot.never_ready = 0.0)
    }

    fn burst(world: &World, n: usize) -> NodeView {
        world.nodes().into_iter().filter(|node| node.is_overflow).nth(n).expect("an overflow node")
    }

    #[test]
    fn a_node_follows_what_its_instance_does_elsewhere() {
        let mut world = world();
        let address = burst(&world, 0).address;
        for (state, then) in [
            (Told::Pending, ServiceView::Booting),
            (Told::Running, ServiceView::Ready),
            (Told::Stopping, ServiceView::Stopped),
            (Told::Stopped, ServiceView::Stopped),
        ] {
            assert_eq!(follow_all(&mut world, &BTreeMap::from([(address, state)])), BTreeMap::new());
            // Told again: nothing more happens.
            assert_eq!(follow_all(&mut world, &BTreeMap::from([(address, state)])), BTreeMap::new());
            if state == Told::Running {
                world.advance_by(SignedDuration::from_mins(2));
            }
            assert_eq!(burst(&world, 0).service, then, "{state:?}");
            assert_eq!(burst(&world, 1).service, ServiceView::Stopped, "the other one was not spoken of");
        }
        assert_eq!(world.stats().starts_total(), 1);
    }

    #[test]
    fn a_start_while_the_node_still_stops_is_said_and_taken_later() {
        let mut world = world();
        let address = burst(&world, 0).address;
        follow_all(&mut world, &BTreeMap::from([(address, Told::Running)]));
        world.advance_by(SignedDuration::from_mins(2));
        follow_all(&mut world, &BTreeMap::from([(address, Told::Stopped)]));
        let told = BTreeMap::from([(address, Told::Pending)]);
        assert_eq!(follow_all(&mut world, &told).get(&address).map(String::as_str), Some("still stopping"));
        world.advance_by(SignedDuration::from_mins(2));
        assert_eq!(follow_all(&mut world, &told), BTreeMap::new());
        assert_eq!(world.stats().starts_total(), 2);
    }

    #[test]
    fn an_address_that_no_instance_has_is_named() {
        let mut world = world();
        let address = Ipv4Addr::new(192, 0, 2, 1);
        assert!(follow_all(&mut world, &BTreeMap::from([(address, Told::Running)])).contains_key(&address));
    }

    #[test]
    fn a_call_dropped_by_a_stop_elsewhere_is_counted_as_ours() {
        let hour = Some(SignedDuration::from_hours(1));
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(5);
        let arrivals = vec![Arrival { at, duration: hour }; 60];
        let callers = Callers::from_arrivals(arrivals, &LoadModel::default(), 1);
        let mut world = builder().callers(Arc::new(callers)).calls_to("Oslo", 1.0).build().expect("a world");
        let address = burst(&world, 0).address;
        follow_all(&mut world, &BTreeMap::from([(address, Told::Running)]));
        world.advance_by(SignedDuration::from_mins(6));
        assert!(burst(&world, 0).busy, "60 callers do not fit on one always-on node");
        assert_eq!(view(&world).pointer("/callers_to_come"), Some(&json!(0)));
        follow_all(&mut world, &BTreeMap::from([(address, Told::Stopping)]));
        let dropped = view(&world).pointer("/dropped/by_spillway").and_then(Value::as_u64);
        assert!(dropped.is_some_and(|dropped| dropped > 0), "{dropped:?}");
    }
}

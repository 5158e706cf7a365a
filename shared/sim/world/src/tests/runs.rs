//! Boots, reports, replication, maintenance mode, addresses, upgrades, failover.

use spillway_core::ids::HdCalls;
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{Node, Platform};

use super::{instance_of, mins, pair, secs, start};
use crate::{BootFailure, CallSpec, Initiator, NodeSpec, RefusalCause, ServiceView, World, WorldBuilder};

fn platform(world: &World) -> Platform {
    world.platform(PlatformScope { shards: true }).unwrap()
}

fn seen(world: &World, name: &str) -> Node {
    platform(world).nodes.into_iter().find(|node| node.name.as_str() == name).unwrap()
}

#[test]
fn a_started_node_reports_without_capacity_first_and_is_synced_only_when_ready() {
    let mut world = pair(1, 1).build().unwrap();
    let node = instance_of(&world, "aws-burst-1");
    assert_eq!(seen(&world, "aws-burst-1").status.unwrap().max_hd_calls, HdCalls(17), "as last reported");
    world.start_instances(&[node], Initiator::Spillway);
    world.advance_by(mins(4));
    let status = seen(&world, "aws-burst-1").status.unwrap();
    assert!(!status.synced && status.last_updated.unwrap() < start());
    assert_eq!(status.max_hd_calls, HdCalls(0));
    world.advance_by(secs(45));
    let status = seen(&world, "aws-burst-1").status.unwrap();
    assert!(!status.synced && status.last_updated.unwrap() > start());
    assert_eq!(status.max_hd_calls, HdCalls(0));
    assert_eq!(world.node("aws-burst-1").unwrap().service, ServiceView::Booting);
    world.advance_by(secs(16));
    let status = seen(&world, "aws-burst-1").status.unwrap();
    assert!(status.synced);
    assert_eq!(status.max_hd_calls, HdCalls(17));
    assert_eq!(world.node("aws-burst-1").unwrap().service, ServiceView::Ready);
}

#[test]
fn a_node_that_was_never_contacted_shows_nulls() {
    let world = WorldBuilder::new(start())
        .location("AWS burst")
        .with(NodeSpec::overflow("AWS burst").never_contacted())
        .build()
        .unwrap();
    let status = seen(&world, "aws-burst-1").status.unwrap();
    assert_eq!((status.last_updated, status.max_hd_calls, status.version.as_str()), (None, HdCalls(0), ""));
}

#[test]
fn a_report_is_at_most_a_minute_old_and_does_not_show_what_came_after_it() {
    let mut world = pair(1, 0).build().unwrap();
    let mut oldest = 0;
    for _ in 0..600 {
        world.advance_by(secs(1));
        let updated = seen(&world, "london-1").status.unwrap().last_updated.unwrap();
        oldest = oldest.max(world.now().duration_since(updated).as_secs());
    }
    assert!((40..=60).contains(&oldest), "{oldest}");
    let before = seen(&world, "london-1").status.unwrap();
    let _calls = world.call_many("London", 5, CallSpec::HD);
    assert_eq!(seen(&world, "london-1").status.unwrap(), before);
    world.advance_by(secs(61));
    let after = seen(&world, "london-1").status.unwrap();
    assert_eq!((after.media_load, after.media_tokens_used), (Some(29.0), 60));
}

#[test]
fn maintenance_mode_reaches_the_node_after_a_minute_and_keeps_existing_calls() {
    let mut world = pair(2, 0).build().unwrap();
    let call = world.call("London", CallSpec::HD).unwrap();
    let id = world.node("london-1").unwrap().id;
    world.set_maintenance(id, true, "Spillway: drain").unwrap();
    assert!(!seen(&world, "london-1").status.unwrap().synced);
    assert!(seen(&world, "london-1").maintenance_mode);
    world.advance_by(secs(59));
    assert_eq!(world.node("london-1").unwrap().service, ServiceView::Ready);
    world.advance_by(secs(62));
    let node = seen(&world, "london-1");
    let status = node.status.unwrap();
    assert_eq!(node.maintenance_mode_reason, "Spillway: drain");
    assert!(status.synced && status.maintenance_mode);
    assert_eq!(status.media_load, Some(100.0));
    assert_eq!(world.media_node_of(call).unwrap(), "london-1");
    for call in world.call_many("London", 40, CallSpec::HD) {
        assert_eq!(world.media_node_of(call).unwrap(), "london-2");
    }
}

#[test]
fn maintenance_mode_survives_a_stop_and_a_start() {
    let mut world = pair(1, 1).build().unwrap();
    world.person_sets_maintenance("aws-burst-1", true, "broken");
    let node = instance_of(&world, "aws-burst-1");
    world.start_instances(&[node], Initiator::Spillway);
    world.advance_by(mins(7));
    assert_eq!(world.node("aws-burst-1").unwrap().service, ServiceView::Maintenance);
    let id = world.node("aws-burst-1").unwrap().id;
    world.set_maintenance(id, false, "").unwrap();
    world.advance_by(secs(61));
    assert_eq!(world.node("aws-burst-1").unwrap().service, ServiceView::Ready);
}

#[test]
fn replication_takes_longer_above_sixty_nodes() {
    let delay = |nodes| pair(nodes, 0).build().unwrap().replication_delay();
    assert_eq!((delay(60), delay(61), delay(100)), (secs(60), secs(61), secs(100)));
}

#[test]
fn a_change_made_before_a_boot_does_not_bring_a_later_one_early() {
    let mut world = pair(1, 1).build().unwrap();
    let node = instance_of(&world, "aws-burst-1");
    let id = world.node("aws-burst-1").unwrap().id;
    world.start_instances(&[node], Initiator::Spillway);
    world.advance_by(secs(250));
    // On its way when the node first reports at 270 s, and taken then.
    world.set_static_nat(id, Some("192.0.2.1".parse().unwrap())).unwrap();
    world.advance_by(secs(30));
    assert_eq!(world.node("aws-burst-1").unwrap().effective_static_nat, Some("192.0.2.1".parse().unwrap()));
    world.set_static_nat(id, Some("192.0.2.2".parse().unwrap())).unwrap();
    world.advance_by(secs(59));
    assert_eq!(world.node("aws-burst-1").unwrap().effective_static_nat, Some("192.0.2.1".parse().unwrap()));
    world.advance_by(secs(1));
    assert_eq!(world.node("aws-burst-1").unwrap().effective_static_nat, Some("192.0.2.2".parse().unwrap()));
}

#[test]
fn a_stopped_nodes_calls_are_dropped_and_counted_on_whoever_stopped_it() {
    let (day, callers) = {
        let at = start();
        let arrival = crate::callers::Arrival { at, duration: Some(mins(60)) };
        let model = crate::load_model::LoadModel::default();
        (at, crate::callers::Callers::from_arrivals(vec![arrival; 6], &model, 1))
    };
    for by in [Initiator::Spillway, Initiator::Pexip, Initiator::Outside] {
        let mut world = WorldBuilder::new(day)
            .location("London")
            .always_on("London", 1)
            .callers(std::sync::Arc::new(callers.clone()))
            .build()
            .unwrap();
        world.advance_by(secs(1));
        assert_eq!(world.in_progress(), 6);
        let node = instance_of(&world, "london-1");
        assert!(world.stop_instances(&[node], by)[0].1.is_ok());
        let dropped = world.stats().dropped;
        assert_eq!(dropped.total(), 6);
        let counted = match by {
            Initiator::Spillway => dropped.by_spillway,
            Initiator::Pexip => dropped.by_pexip,
            Initiator::Outside => dropped.by_outside,
        };
        assert_eq!(counted, 6);
        assert!(world.conferences.is_empty() && !world.nodes[0].is_busy());
    }
}

#[test]
fn a_caller_from_the_internet_needs_the_right_static_nat_address() {
    let mut world = WorldBuilder::new(start())
        .location("London")
        .with(NodeSpec::overflow("London").public())
        .boots_in(mins(5))
        .build()
        .unwrap();
    let node = instance_of(&world, "london-1");
    world.start_instances(&[node], Initiator::Spillway);
    world.advance_by(mins(6));
    let outside = CallSpec { from_internet: true, ..CallSpec::HD };
    let node = world.node("london-1").unwrap();
    assert_ne!(node.public_ip, node.static_nat);
    assert!(world.call("London", CallSpec::HD).is_ok());
    assert_eq!(world.call("London", outside), Err(RefusalCause::StaleAddress));
    world.set_static_nat(node.id, node.public_ip).unwrap();
    assert_eq!(world.call("London", outside), Err(RefusalCause::StaleAddress));
    world.advance_by(secs(61));
    assert!(world.call("London", outside).is_ok());
}

#[test]
fn a_silent_node_serves_calls_and_goes_stale() {
    let mut world = pair(1, 0).build().unwrap();
    world.silence("london-1", true);
    world.advance_by(mins(4));
    assert!(world.call("London", CallSpec::HD).is_ok());
    let status = seen(&world, "london-1").status.unwrap();
    assert!(!status.synced && world.now().duration_since(status.last_updated.unwrap()) >= mins(3));
    world.silence("london-1", false);
    world.advance_by(secs(61));
    assert!(seen(&world, "london-1").status.unwrap().synced);
}

#[test]
fn a_boot_can_fail_in_two_ways() {
    let mut world = pair(1, 2).build().unwrap();
    world.fail_next_boot("aws-burst-1", BootFailure::NeverReady);
    world.fail_next_boot("aws-burst-2", BootFailure::StopsAgain(secs(90)));
    for node in ["aws-burst-1", "aws-burst-2"] {
        let id = instance_of(&world, node);
        world.start_instances(&[id], Initiator::Spillway);
    }
    world.advance_by(mins(30));
    let (never, stopped) = (world.node("aws-burst-1").unwrap(), world.node("aws-burst-2").unwrap());
    assert_eq!((never.service, stopped.service), (ServiceView::Booting, ServiceView::Stopped));
    assert_eq!(world.stats().failed_boots, 2);
}

#[test]
fn an_upgrade_takes_nodes_by_groups_of_ten_and_leaves_stopped_ones_behind_while_bursting_is_off() {
    let mut world = pair(25, 2).build().unwrap();
    world.begin_upgrade("39 (78000.0.0)");
    assert!(world.platform(PlatformScope { shards: false }).is_err());
    world.advance_by(mins(5) + secs(20));
    let view = platform(&world);
    assert!(view.upgrading);
    assert_eq!(view.version, "39 (78000.0.0)");
    let upgrading =
        |world: &World| platform(world).nodes.iter().filter(|n| n.status.as_ref().unwrap().upgrading).count();
    assert_eq!(upgrading(&world), 10);
    world.advance_by(mins(12));
    assert_eq!(upgrading(&world), 0);
    let view = platform(&world);
    assert!(!view.upgrading);
    let old: Vec<_> =
        view.nodes.iter().filter(|n| n.status.as_ref().unwrap().version != view.version).collect();
    assert_eq!(old.len(), 2);
}

#[test]
fn a_busy_node_waits_for_its_upgrade_without_losing_a_call() {
    let mut world = pair(2, 0).build().unwrap();
    let call = world.call("London", CallSpec::HD).unwrap();
    world.begin_upgrade("39 (78000.0.0)");
    world.advance_by(mins(30));
    assert_eq!(world.media_node_of(call).unwrap(), "london-1");
    assert!(platform(&world).upgrading);
    world.hang_up(call);
    world.advance_by(mins(5));
    assert!(!platform(&world).upgrading);
    assert_eq!(seen(&world, "london-1").status.unwrap().version, "39 (78000.0.0)");
}

#[test]
fn overflow_nodes_are_started_for_an_upgrade_while_bursting_is_on() {
    let mut world = pair(1, 2).bursting(true).build().unwrap();
    world.begin_upgrade("39 (78000.0.0)");
    world.advance_by(mins(30));
    let view = platform(&world);
    assert!(!view.upgrading);
    assert!(view.nodes.iter().all(|n| n.status.as_ref().unwrap().version == view.version));
}

#[test]
fn a_failover_answers_nothing_and_then_from_another_address() {
    let mut world = pair(1, 0).with_standby().build().unwrap();
    assert_eq!(platform(&world).address, "10.44.254.1");
    world.fail_over(mins(2));
    assert!(world.platform(PlatformScope { shards: false }).is_err());
    world.advance_by(mins(2));
    assert_eq!(platform(&world).address, "10.44.254.2");
}

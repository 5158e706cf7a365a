//! Every script in `tests/scenarios` is played and compared with its golden transcript. A changed transcript is a
//! changed behaviour: read the difference, then accept it with `UPDATE_GOLDEN=1 cargo nextest run -p spillway-proof`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use spillway_harness::scenario::{Script, play};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn hold(name: &str) {
    let text = std::fs::read_to_string(folder().join(format!("{name}.scenario"))).expect("the script");
    let script = Script::parse(&text).unwrap_or_else(|error| panic!("{name}.scenario: {error}"));
    let played = play(&script).unwrap_or_else(|error| panic!("{name}.scenario: {error}"));
    let transcript = format!("{}\n\n{}", script.title(), played.transcript());
    let golden = folder().join("golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &transcript).expect("the golden transcript is written");
    }
    let failures = played.failures().join("\n  ");
    assert!(failures.is_empty(), "{name}.scenario does not hold:\n  {failures}\n\n{transcript}");
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(
        expected == transcript,
        "{name}: another transcript than the golden one\n{}",
        difference(&expected, &transcript)
    );
}

/// The first lines that differ, with what comes before.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let show = |lines: &[&str], sign: char| {
        let some: Vec<String> =
            lines.iter().skip(same).take(12).map(|line| format!("{sign} {line}")).collect();
        some.join("\n")
    };
    let before = old.get(same.saturating_sub(3)..same).unwrap_or_default().join("\n  ");
    format!("  {before}\n{}\n{}", show(&old, '-'), show(&new, '+'))
}

#[test]
fn a_line_that_is_not_understood_is_named() {
    let table = [
        ("locaton HQ", "line 1: \"locaton\" is not understood"),
        ("location HQ overflow=Burst\n08:00 wait", "there is no location \"Burst\""),
        ("location HQ\nalways-on HQ nodes=two", "line 2: nodes is \"two\", which is not a number"),
        ("world boot=soon", "line 1: boot is \"soon\"; write it like 90s, 5min or 1h"),
        ("policy treshold=5\n08:00 wait", "unknown field `treshold`"),
        ("policy threshold=0\n08:00 wait", "`threshold` is 0; it must be 1 to 10000"),
        ("location HQ\n08:00 callers HQ", "line 2: how many is missing"),
        ("location HQ\n08:00 wait now", "line 2: \"now\" is not understood here"),
        ("location HQ\n08:00 person maintains burst-9", "line 2: there is no node \"burst-9\""),
        ("location HQ\n08:00 expect node", "line 2: the node is missing"),
        ("location HQ\n08:00 expect starts few", "line 2: \"few\" is neither a number nor a range"),
        ("location \"HQ", "line 1: a quotation mark is missing"),
        ("location HQ\n08:00 wait\nlocation B", "line 3: a time such as 08:50 is expected"),
    ];
    for (text, says) in table {
        let error = Script::parse(text).and_then(|script| play(&script).map(|_| ()));
        let error = error.err().map_or_else(|| "nothing".to_owned(), |error| error.to_string());
        assert!(error.contains(says), "{text}\n  said: {error}\n  want: {says}");
    }
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { hold(stringify!($name)); })*

        #[test]
        fn every_script_is_played() {
            let played: BTreeSet<String> = [$(stringify!($name).to_owned()),*].into();
            let entries = std::fs::read_dir(folder()).expect("the folder of scripts");
            let written: BTreeSet<String> = entries
                .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
                .filter_map(|name| name.strip_suffix(".scenario").map(str::to_owned))
                .collect();
            assert_eq!(played, written);
        }
    };
}

scenarios!(
    a_call_arrives_between_the_idle_check_and_the_stop,
    a_caller_rings_right_after_the_last_look_before_the_stop,
    no_capacity_for_one_type_does_not_lose_the_start,
    one_bad_instance_does_not_block_the_batch_of_100,
    throttling_at_1000_nodes,
    no_runaway_starts_while_nodes_boot,
    no_runaway_starts_while_ec2_does_not_list_a_node,
    missing_or_stale_telemetry_is_not_idleness,
    most_always_on_nodes_stale_together_is_an_outage,
    no_flapping_around_the_threshold_for_an_hour,
    two_evaluators_at_once_and_a_duplicate,
    the_process_dies_in_a_cycle,
    a_node_that_never_becomes_ready,
    a_node_that_is_stopped_again_while_booting,
    maintenance_mode_set_by_a_person_is_left_alone,
    a_person_clears_our_maintenance_mode,
    need_cancels_a_drain_before_anything_is_started,
    a_node_in_a_secondary_overflow_location_is_used_but_never_started,
    an_empty_overflow_location_that_nobody_needs_starts_nothing,
    threshold_30_asks_for_the_headroom_at_once_and_stops_there,
    two_principal_locations_share_one_overflow_location,
    proxying_nodes_with_a_transcoding_location,
    nodes_of_mixed_size,
    the_management_node_says_unknown,
    the_tag_is_missing_or_belongs_to_another_platform,
    stops_that_ec2_refuses_hold_no_place,
    the_tag_value_unknown_shared_by_two_platforms_in_two_vpcs,
    an_upgrade_puts_nodes_in_maintenance_by_groups,
    minimum_lifetime_exactly_reached,
    free_calls_at_threshold_plus_three_two_one_and_zero,
    synced_lost_after_our_own_patch,
    sixty_one_nodes,
    overlapping_holds_end_one_by_one,
    the_management_node_fails_over,
    the_ledger_is_down,
    bursting_is_switched_on_under_us,
    static_nat_follows_the_public_address_after_each_start,
    an_elastic_ip_is_taken_by_its_tag_and_never_from_another,
    state_changes_lost_doubled_late_and_disordered,
    private_only_nodes_have_no_static_nat_address,
    a_dynamic_address_is_cleared_on_stop_where_the_policy_says_so,
    in_assist_mode_the_address_follows_and_the_history_says_who,
    in_assist_mode_what_spillway_would_have_done_is_told_beside_what_pexip_does,
    a_prewarm_meets_the_spike,
    a_busy_lease_loses_no_prewarm,
    licences_leave_no_room_for_a_prewarm,
    a_prewarm_without_the_management_node,
    assist_starts_only_what_a_prewarm_asks_for,
    assist_gives_back_a_node_that_was_draining,
    two_prewarm_windows_end_one_by_one,
    forty_nodes_of_two_windows_that_end_at_the_same_minute,
    a_late_and_a_doubled_prewarm_tick,
    a_prewarm_on_a_holiday_is_skipped,
    everything_that_can_be_in_the_way_of_one_cycle,
    two_commands_about_one_node_and_the_later_one_counts,
    a_node_that_failed_to_start_is_stopped_although_its_location_is_needed,
    a_missing_right_for_one_instance_does_not_lose_the_start,
    in_assist_mode_what_pexip_lists_is_asked_for_once,
    a_node_of_the_fallback_location_stays_as_long_as_it_is_needed_for_another,
);

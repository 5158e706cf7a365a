//! Counts what keeps one node busy. This stands between a conference and the end of its node, so a row that
//! does not say where it runs counts as running here.

use std::net::Ipv4Addr;

use spillway_core::observation::NodeActivity;

use crate::rows::{Backplane, ConferenceShard, Participant, names};

/// What is on the node, among rows that the server may or may not have filtered.
pub(crate) fn count_activity(
    node: Ipv4Addr,
    shards: &[ConferenceShard],
    participants: &[Participant],
    backplanes: &[Backplane],
) -> NodeActivity {
    NodeActivity {
        shards: count(shards, |row| is_on(node, &[&row.node])),
        participants: count(participants, |row| {
            is_on(node, &[&row.media_node, &row.signalling_node, &row.proxy_node])
        }),
        backplanes: count(backplanes, |row| {
            is_on(node, &[&row.media_node, &row.remote_media_node, &row.proxy_node])
        }),
    }
}

/// Whether any of the fields names the node, or none of them names any node at all.
fn is_on(node: Ipv4Addr, fields: &[&Option<String>]) -> bool {
    let named: Vec<bool> = fields.iter().filter_map(|field| names(field.as_deref(), node)).collect();
    named.is_empty() || named.contains(&true)
}

fn count<T>(rows: &[T], on_the_node: impl Fn(&T) -> bool) -> u32 {
    u32::try_from(rows.iter().filter(|row| on_the_node(row)).count()).unwrap_or(u32::MAX)
}

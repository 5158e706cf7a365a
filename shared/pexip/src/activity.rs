//! Counts what keeps one node busy. This stands between a conference and the end of its node, so a row that
//! does not say where it runs, or says it in a way that cannot be placed, counts as running here.

use std::net::Ipv4Addr;

use spillway_core::observation::NodeActivity;

use crate::rows::{Backplane, ConferenceShard, NamedNode, Participant, named_node};

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

/// Whether any of the fields names the node or cannot be placed, or none of them names any node at all.
fn is_on(node: Ipv4Addr, fields: &[&Option<String>]) -> bool {
    let named: Vec<NamedNode> = fields.iter().filter_map(|field| named_node(field.as_deref())).collect();
    named.is_empty() || named.contains(&NamedNode::At(node)) || named.contains(&NamedNode::Unplaced)
}

fn count<T>(rows: &[T], on_the_node: impl Fn(&T) -> bool) -> u32 {
    u32::try_from(rows.iter().filter(|row| on_the_node(row)).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn participant(media_node: &str) -> Participant {
        Participant { media_node: Some(media_node.to_owned()), ..Participant::default() }
    }

    #[test]
    fn a_row_that_cannot_be_placed_counts_as_here() {
        let node = Ipv4Addr::new(10, 0, 0, 5);
        for (named, here) in [
            ("10.0.0.5", true),
            (" 10.0.0.5 ", true),
            ("::ffff:10.0.0.5", true),
            ("[::ffff:a00:5]", true),
            ("10.0.0.6", false),
            ("::ffff:10.0.0.6", false),
            // No IPv4 address: it may be any node.
            ("conf05.example.com", true),
            ("2001:db8::5", true),
            ("", true),
        ] {
            let shard = ConferenceShard { node: Some(named.to_owned()), ..ConferenceShard::default() };
            let activity = count_activity(node, &[shard], &[participant(named)], &[]);
            assert_eq!(
                (activity.shards, activity.participants),
                (u32::from(here), u32::from(here)),
                "{named}"
            );
        }
    }
}

//! What keeps a node from being used, in sentences, each with what to do about it.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use spillway_core::assess::wrong_address;
use spillway_core::assess::{Assessment, Issue, OverflowNode};
use spillway_core::ids::InstanceId;
use spillway_core::observation::{Certificate, Fleet, Platform};
use spillway_core::policy::Policy;
use spillway_core::safety::TAG_KEY;

use crate::status::IssueLine;

/// A certificate is renewed by people, who are on holiday for two weeks at the longest.
const CERTIFICATE_WARNING: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Everything that keeps a node from being used, in the order of what it is about.
pub fn issues(
    policy: &Policy,
    fleet: &Fleet,
    view: &Assessment<'_>,
    certificates: &[Certificate],
) -> Vec<IssueLine> {
    let names: BTreeMap<&InstanceId, &str> =
        view.nodes.iter().map(|node| (&node.instance.id, node.node.name.as_str())).collect();
    let mut lines: Vec<IssueLine> = view.issues.iter().map(|issue| line(issue, &names)).collect();
    lines.extend(view.nodes.iter().filter_map(|node| address(policy, view, node)));
    lines.extend(missed_upgrade(view));
    lines.extend(view.nodes.iter().filter_map(unusable_key));
    lines.extend(certificates.iter().filter_map(|certificate| ending(view.platform, certificate)));
    if fleet.instances.is_empty() {
        lines.push(IssueLine {
            about: "overflow nodes".to_owned(),
            what: format!("there are none: no instance has the tag {TAG_KEY} = {}", policy.tag_value),
            remedy: "tag the instances, or correct tag_value, regions and vpcs in the policy".to_owned(),
        });
    }
    lines.sort();
    lines
}

fn line(issue: &Issue, names: &BTreeMap<&InstanceId, &str>) -> IssueLine {
    let named = |id: &InstanceId| names.get(id).map_or_else(|| id.to_string(), |&name| name.to_owned());
    let (about, what, remedy) = match issue {
        Issue::NoSuchNode { instance, address: Some(address) } => (
            instance.to_string(),
            format!("no Conferencing Node has its private address {address}"),
            "deploy a node on it, or remove its tag",
        ),
        Issue::NoSuchNode { instance, address: None } => (
            instance.to_string(),
            "the instance has no private address".to_owned(),
            "deploy a node on it, or remove its tag",
        ),
        Issue::Ambiguous { instance, address } => (
            instance.to_string(),
            format!("two instances or two nodes have the address {address}"),
            "name the platform's VPCs in the policy (`vpcs`), or correct the node's address",
        ),
        Issue::SeveralVpcs { vpcs } => (
            "overflow nodes".to_owned(),
            format!(
                "the tagged instances are in several VPCs ({}): none is started, stopped or given an address",
                vpcs.join(", ")
            ),
            "name the platform's in the policy (`vpcs`)",
        ),
        Issue::ProxyingNode { instance } => (
            named(instance),
            "is a proxying node: it adds no HD calls, so it is never started".to_owned(),
            "make it a transcoding node, or remove its tag",
        ),
        Issue::MixedLocation { location } => (
            location.to_string(),
            "mixes always-on with overflow nodes, or proxying with transcoding ones".to_owned(),
            "give each kind of node a location of its own (guide: Configuring dynamic bursting)",
        ),
        Issue::SecondaryOnly { location } => (
            location.to_string(),
            "is only a secondary overflow location: its nodes are used while they run, and never started"
                .to_owned(),
            "make it the primary overflow location of a location with always-on nodes",
        ),
        Issue::NotAnOverflowLocation { location } => (
            location.to_string(),
            "has overflow nodes, and no location overflows to it".to_owned(),
            "make it the primary overflow location of a location with always-on nodes",
        ),
        Issue::DistributedDatabase { instance } => (
            named(instance),
            "has the distributed database enabled; an overflow node must have it disabled".to_owned(),
            "disable it on the node's page",
        ),
        Issue::ForeignMaintenance { instance, reason } => (
            named(instance),
            if reason.is_empty() {
                "is in maintenance mode, set by somebody else".to_owned()
            } else {
                format!("is in maintenance mode, set by somebody else: {reason}")
            },
            "clear it on the node's page when the work is done",
        ),
        Issue::VersionBehind { instance, version, left_behind: false } => (
            named(instance),
            format!("runs {version}, which is not the Management Node's version"),
            "while an upgrade runs, spillway node upgrade starts and holds it; after it, spillway node upgrade --before-upgrade",
        ),
        Issue::VersionBehind { instance, version, left_behind: true } => (
            named(instance),
            format!(
                "still runs {version} a day after the Management Node's version changed: the upgrade left it behind"
            ),
            "start the upgrade again on the Management Node, or deploy the node anew; it is stopped when it is idle",
        ),
        Issue::RegionUnreadable { region, detail, remedy } => {
            let else_remedy = "enable the region for the account, or remove it from `regions` in the policy";
            let remedy = if remedy.is_empty() { else_remedy } else { remedy.as_str() };
            (
                format!("region {region}"),
                format!(
                    "EC2 cannot be read there: {detail}; its nodes are neither started nor stopped, the other regions go on"
                ),
                remedy,
            )
        }
        Issue::UpgradeOverdue { since } => (
            "upgrade".to_owned(),
            format!(
                "an upgrade is shown since {since}, longer than the 24 hours that one can last; nodes are stopped again"
            ),
            "look at Status > Conferencing Nodes for nodes whose upgrade failed, and start it again",
        ),
        Issue::TakesNoCalls { instance, since, phase } => (
            named(instance),
            format!("has run since {since} without taking calls ({phase}), and is paid for"),
            "look at its console and its row under Status > Conferencing Nodes; spillway stop NODE --now stops it",
        ),
        Issue::StopRefused { instance, cause } => (
            named(instance),
            format!("EC2 refuses to stop it: {cause}"),
            "end what protects it: stop protection (aws ec2 modify-instance-attribute --no-disable-api-stop), a policy of the organisation, or a spot request",
        ),
        Issue::DrainGivenUp { instance, cause, until } => (
            named(instance),
            format!(
                "its drain could not be ended ({cause}); it takes calls, and is drained again after {until}"
            ),
            "look at its row under Status > Conferencing Nodes; spillway stop NODE --now stops it",
        ),
    };
    IssueLine { about, what, remedy: remedy.to_owned() }
}

/// A start that EC2 accepted, and whose instance fell back to `stopped` since its volume could not be decrypted. EC2 keeps the state
/// reason until the next start (EC2 user guide: *Troubleshoot instance launch issues*, `Client.InternalError` and
/// `Client.InvalidKMSKey.*`).
fn unusable_key(node: &OverflowNode<'_>) -> Option<IssueLine> {
    let reason = &node.instance.state_reason;
    let about_a_key =
        ["Client.InternalError", "Client.InvalidKMSKey"].iter().any(|code| reason.contains(code));
    (about_a_key && !node.is_running()).then(|| IssueLine {
        about: node.node.name.to_string(),
        what: format!("its last start was accepted and fell back to stopped: {reason}"),
        remedy: "if a KMS key of yours encrypts its volume, name its ARN in the stack's parameter VolumeKeyArns, and enable the key"
            .to_owned(),
    })
}

/// Nodes that stood stopped while the platform was upgraded, by the version that they reported last.
fn missed_upgrade(view: &Assessment<'_>) -> Vec<IssueLine> {
    let mut by_version: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in view.nodes.iter().filter(|node| !node.is_running()) {
        let Some(status) = &node.node.status else { continue };
        let (version, current) = (status.version.as_str(), view.platform.version.as_str());
        if !version.is_empty() && !current.is_empty() && version != current {
            by_version.entry(version).or_default().push(node.node.name.as_str());
        }
    }
    let line = |(version, names): (&str, Vec<&str>)| {
        IssueLine {
        about: several(&names),
        what: format!("reported version {version} last, which is not the Management Node's version"),
        remedy: "it takes no calls before it is upgraded: spillway node upgrade --before-upgrade has it up for the next upgrade"
            .to_owned(),
    }
    };
    by_version.into_iter().map(line).collect()
}

/// The first of several, and how many more there are.
fn several(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

/// A certificate that devices refuse, or soon will. Many nodes may have the same one.
fn ending(platform: &Platform, certificate: &Certificate) -> Option<IssueLine> {
    let Certificate { id, subject, ends } = certificate;
    let with = platform.nodes.iter().filter(|node| node.certificate == Some(*id));
    let names: Vec<&str> = with.map(|node| node.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let about = several(&names);
    let left = ends.duration_since(platform.server_time);
    if left > CERTIFICATE_WARNING {
        return None;
    }
    let (verb, days) = if left.is_positive() { ("ends", left) } else { ("ended", -left) };
    let when = match (verb, days.as_hours() / 24) {
        (_, 0) => "today".to_owned(),
        ("ends", 1) => "in a day".to_owned(),
        ("ends", days) => format!("in {days} days"),
        (_, 1) => "a day ago".to_owned(),
        (_, days) => format!("{days} days ago"),
    };
    let what = format!("its TLS certificate ({subject}) {verb} {when}: devices that check it cannot call");
    let remedy = "upload a new one and assign it (Certificates > TLS Certificates)".to_owned();
    Some(IssueLine { about, what, remedy })
}

/// A node that runs and tells callers another address than its instance has. While it boots that is being put right.
fn address(policy: &Policy, view: &Assessment<'_>, node: &OverflowNode<'_>) -> Option<IssueLine> {
    let location = view.location_name(node.node.location);
    if !node.was_ready() || !node.is_running() {
        return None;
    }
    let wrong = wrong_address(policy, Some(&location), node.instance, node.node)?;
    Some(IssueLine {
        about: node.node.name.to_string(),
        what: wrong.to_string(),
        remedy: "callers from outside have no media on this node until the reconciler corrects the address"
            .to_owned(),
    })
}

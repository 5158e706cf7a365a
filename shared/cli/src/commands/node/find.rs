//! A node and its instance, by what was typed.

use spillway_core::ids::InstanceId;
use spillway_core::operation::Subject;
use spillway_ec2::Operator;
use spillway_engine::ports::OperatorFleet;

use crate::exit::Failure;
use crate::session::CliSession;

/// The node with this name and its instance, by private address; or an instance whose node is deleted already.
pub(super) async fn find(
    session: &CliSession<'_>,
    ec2: &Operator,
    name: &str,
    instance: Option<&str>,
) -> Result<Subject, Failure> {
    let known = session.read().await?;
    let node = known.platform.nodes.iter().find(|node| node.name.as_str() == name);
    let Some(node) = node else {
        let by_name = known.ledger.nodes.iter().find(|(id, record)| {
            id.as_str() == name || record.name.as_ref().is_some_and(|each| each.as_str() == name)
        });
        let remembered =
            by_name.map(|(id, _)| id.clone()).or_else(|| name.starts_with("i-").then(|| name.into()));
        if let Some(id) = remembered
            && let Some(detail) = ec2.read_instance(&id).await?
        {
            // An instance whose node is configured is that node's.
            let node = known.platform.nodes.iter().find(|node| detail.instance.has_private(node.address));
            return Ok(Subject {
                name: node.map_or_else(|| name.into(), |node| node.name.clone()),
                address: node.map(|node| node.address),
                instance: Some(id),
            });
        }
        return Err(Failure::usage(format!("the Management Node has no node {name}"))
            .remedy("the names are listed under Platform > Conferencing Nodes"));
    };
    let found = ec2.find_instances(node.address).await?;
    let instance = match (instance, found.as_slice()) {
        (Some(id), found) => {
            if !found.iter().any(|each| each.instance.id.as_str() == id) {
                return Err(Failure::refused(format!("{id} does not have the private address of {name}"))
                    .remedy(format!("its private address is {}", node.address)));
            }
            Some(InstanceId::new(id))
        }
        (None, []) => None,
        (None, [one]) => Some(one.instance.id.clone()),
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|each| each.instance.id.as_str()).collect();
            return Err(Failure::usage(format!("several instances have the private address of {name}"))
                .remedy(format!("add --instance {}", ids.join(" | "))));
        }
    };
    Ok(Subject { name: node.name.clone(), address: Some(node.address), instance })
}

//! An instance as EC2 describes it, as the core knows it.

use std::net::Ipv4Addr;

use aws_sdk_ec2::types::{
    Instance as Described, InstanceNetworkInterface, InstancePrivateIpAddress, InstanceStateName,
};
use jiff::Timestamp;
use spillway_core::ids::{InstanceId, InstanceType};
use spillway_core::observation::{Instance, InstanceState, InterfaceAddress};

/// `None` for a row without an id, which EC2 does not send.
pub(crate) fn instance_from(region: &str, described: &Described) -> Option<Instance> {
    let tags = described
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect::<std::collections::BTreeMap<_, _>>();
    Some(Instance {
        id: InstanceId::new(described.instance_id()?),
        name: tags.get("Name").cloned().unwrap_or_default(),
        region: region.to_owned(),
        zone: described.placement().and_then(|at| at.availability_zone()).unwrap_or_default().to_owned(),
        vpc: described.vpc_id().unwrap_or_default().to_owned(),
        instance_type: InstanceType::new(described.instance_type().map_or("", |kind| kind.as_str())),
        state: state_from(described.state().and_then(|state| state.name())),
        state_reason: reason_from(described),
        launched_at: described
            .launch_time()
            .and_then(|at| Timestamp::new(at.secs(), at.subsec_nanos().try_into().ok()?).ok()),
        private_ip: address_from(described.private_ip_address()),
        public_ip: address_from(described.public_ip_address()),
        addresses: addresses_from(described.network_interfaces()),
        tags,
    })
}

fn addresses_from(interfaces: &[InstanceNetworkInterface]) -> Vec<InterfaceAddress> {
    let of = |interface: &InstanceNetworkInterface| {
        let id = interface.network_interface_id().unwrap_or_default().to_owned();
        let row = |row: &InstancePrivateIpAddress| {
            Some(InterfaceAddress {
                interface: id.clone(),
                private: address_from(row.private_ip_address())?,
                public: row.association().and_then(|with| address_from(with.public_ip())),
            })
        };
        interface.private_ip_addresses().iter().filter_map(row).collect::<Vec<_>>()
    };
    interfaces.iter().flat_map(of).collect()
}

fn state_from(name: Option<&InstanceStateName>) -> InstanceState {
    match name {
        Some(InstanceStateName::Pending) => InstanceState::Pending,
        Some(InstanceStateName::Running) => InstanceState::Running,
        Some(InstanceStateName::ShuttingDown) => InstanceState::ShuttingDown,
        Some(InstanceStateName::Stopped) => InstanceState::Stopped,
        Some(InstanceStateName::Stopping) => InstanceState::Stopping,
        Some(InstanceStateName::Terminated) => InstanceState::Terminated,
        _ => InstanceState::Unknown,
    }
}

/// The code and the message are mostly the same words (`Client.UserInitiatedShutdown: User initiated shutdown`,
/// or the code twice); the older `StateTransitionReason` is all that some stopped instances have. It is also the only
/// place where EC2 says when an instance was stopped, so its time goes to the end of the text.
fn reason_from(described: &Described) -> String {
    let reason = described.state_reason();
    let code = reason.and_then(|reason| reason.code()).unwrap_or_default();
    let message = reason.and_then(|reason| reason.message()).unwrap_or_default();
    let transition = described.state_transition_reason().unwrap_or_default();
    let text = match (code, message) {
        ("", "") => return transition.to_owned(),
        ("", text) | (text, "") => text.to_owned(),
        (code, message) if message.starts_with(code) => message.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    match transition.rsplit_once('(').filter(|(_, time)| time.ends_with(')')) {
        Some((_, time)) => format!("{text} ({time}"),
        None => text,
    }
}

fn address_from(text: Option<&str>) -> Option<Ipv4Addr> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{InstanceNetworkInterfaceAssociation, StateReason};

    use super::*;

    fn with_reason(code: &str, message: &str) -> String {
        let reason = StateReason::builder().code(code).message(message).build();
        reason_from(&Described::builder().state_reason(reason).build())
    }

    #[test]
    fn a_state_reason_is_one_text() {
        assert_eq!(
            with_reason(
                "Client.UserInitiatedShutdown",
                "Client.UserInitiatedShutdown: User initiated shutdown"
            ),
            "Client.UserInitiatedShutdown: User initiated shutdown"
        );
        assert_eq!(
            with_reason("Server.InsufficientInstanceCapacity", "none left"),
            "Server.InsufficientInstanceCapacity: none left"
        );
        assert_eq!(with_reason("pending", "pending"), "pending");
        let old =
            Described::builder().state_transition_reason("User initiated (2026-03-02 08:00:00 GMT)").build();
        assert_eq!(reason_from(&old), "User initiated (2026-03-02 08:00:00 GMT)");
        assert_eq!(reason_from(&Described::builder().build()), "");
    }

    #[test]
    fn the_time_of_a_stop_is_read_out_of_the_older_reason() {
        let state = aws_sdk_ec2::types::InstanceState::builder().name(InstanceStateName::Stopped).build();
        let reason = StateReason::builder()
            .code("Client.UserInitiatedShutdown")
            .message("Client.UserInitiatedShutdown: User initiated shutdown")
            .build();
        let described = Described::builder()
            .instance_id("i-1")
            .state(state)
            .state_reason(reason)
            .state_transition_reason("User initiated (2026-03-02 08:00:00 GMT)")
            .build();
        let instance = instance_from("eu-west-1", &described).unwrap();
        assert_eq!(instance.stopped_at(), Some("2026-03-02T08:00:00Z".parse().unwrap()));
        assert!(instance.state_reason.starts_with("Client.UserInitiatedShutdown: User initiated"));
    }

    #[test]
    fn every_private_address_is_read_with_its_interface_and_its_public_address() {
        let row = |private: &str, public: Option<&str>| {
            let with =
                public.map(|public| InstanceNetworkInterfaceAssociation::builder().public_ip(public).build());
            InstancePrivateIpAddress::builder().private_ip_address(private).set_association(with).build()
        };
        let first = InstanceNetworkInterface::builder()
            .network_interface_id("eni-1")
            .private_ip_addresses(row("10.0.1.6", Some("203.0.113.6")));
        let second = InstanceNetworkInterface::builder()
            .network_interface_id("eni-2")
            .private_ip_addresses(row("10.0.2.6", None))
            .private_ip_addresses(row("10.0.2.66", Some("198.51.100.7")));
        let described = Described::builder()
            .instance_id("i-1")
            .private_ip_address("10.0.1.6")
            .public_ip_address("203.0.113.6")
            .network_interfaces(first.build())
            .network_interfaces(second.build())
            .build();
        let instance = instance_from("eu-west-1", &described).unwrap();
        let own: Vec<String> = instance.private_addresses().map(|address| address.to_string()).collect();
        assert_eq!(own, ["10.0.1.6", "10.0.2.6", "10.0.2.66"]);
        assert_eq!(instance.public_of([10, 0, 2, 66].into()), Some([198, 51, 100, 7].into()));
        assert_eq!(instance.public_of([10, 0, 2, 6].into()), None);
        let at = instance.one_of_several([10, 0, 2, 66].into()).unwrap();
        assert_eq!(at.interface, "eni-2");
    }

    #[test]
    fn a_terminated_instance_has_lost_nearly_everything_and_is_still_one() {
        let state = aws_sdk_ec2::types::InstanceState::builder().name(InstanceStateName::Terminated).build();
        let described = Described::builder().instance_id("i-1").state(state).private_ip_address("").build();
        let instance = instance_from("eu-west-1", &described).unwrap();
        assert_eq!(instance.state, InstanceState::Terminated);
        assert_eq!((instance.private_ip, instance.vpc.as_str()), (None, ""));
        assert!(instance_from("eu-west-1", &Described::builder().build()).is_none());
        assert_eq!(state_from(Some(&"hibernating".into())), InstanceState::Unknown);
    }
}

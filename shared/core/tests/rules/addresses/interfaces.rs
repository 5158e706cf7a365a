//! Instances with several network interfaces: which node they are, and which of their addresses callers reach it by.

use std::net::Ipv4Addr;

use spillway_core::observation::InterfaceAddress;
use spillway_core::reconcile::{AddressAction, AddressReason};

use super::{Look, NEW, OLD, young};

/// An instance with two interfaces, the second of which has two private addresses, and its node at one of them.
fn with_several_addresses(look: &mut Look, node_at: usize, public_of_node: Option<Ipv4Addr>) {
    let own = look.scene.platform.nodes[0].address;
    let private = [own, Ipv4Addr::new(10, 9, 2, 6), Ipv4Addr::new(10, 9, 2, 66)];
    look.scene.platform.nodes[0].address = private[node_at];
    let addresses = private.iter().enumerate().map(|(at, private)| InterfaceAddress {
        interface: if at == 0 { "eni-1" } else { "eni-2" }.to_owned(),
        private: *private,
        public: public_of_node.filter(|_| at == node_at),
    });
    look.instance().addresses = addresses.collect();
}

#[test]
fn a_node_on_another_interface_is_found_and_has_the_public_address_of_its_private_one() {
    for node_at in 0..3 {
        let look =
            Look::new(Some(OLD), Some(OLD)).with(|look| with_several_addresses(look, node_at, Some(NEW)));
        assert_eq!(
            look.does(),
            "set 203.0.113.2",
            "{node_at}: the primary address's public one is not the node's"
        );
    }
    let bare = Look::new(Some(OLD), Some(NEW)).with(|look| with_several_addresses(look, 1, None));
    assert_eq!(
        bare.does(),
        "",
        "nothing public leads to the node, and what is stored may be its operator's own"
    );
    let two = Look::new(Some(OLD), Some(NEW)).with(|look| {
        with_several_addresses(look, 1, Some(NEW));
        let mut other = look.scene.platform.nodes[0].clone();
        other.address = look.instance().private_ip.unwrap();
        look.scene.platform.nodes.push(other);
    });
    assert!(matches!(two.why()[..], [AddressReason::Ambiguous { .. }]), "{:?}", two.why());
}

#[test]
fn an_elastic_ip_goes_to_the_private_address_that_is_the_nodes() {
    let look =
        Look::new(None, None).with(young).with(|look| with_several_addresses(look, 2, None)).asks(|_| ());
    let plan = look.plan();
    let [AddressAction::AssociateAddress { at: Some(at), .. }] = &plan.actions[..] else {
        panic!("{:?}", plan.actions)
    };
    assert_eq!((at.interface.as_str(), at.private), ("eni-2", Ipv4Addr::new(10, 9, 2, 66)));
    let single = Look::new(None, None).with(young).asks(|_| ()).plan();
    assert!(matches!(&single.actions[..], [AddressAction::AssociateAddress { at: None, .. }]));
    // It stays where somebody put it, and the node's own address stays what callers reach.
    let aside = Look::new(Some(OLD), Some(OLD)).with(|look| with_several_addresses(look, 2, Some(NEW))).asks(
        |elastic| {
            elastic.instance = Some("i-00001".into());
            elastic.private = Some(Ipv4Addr::new(10, 9, 2, 6));
        },
    );
    assert_eq!(aside.does(), "set 203.0.113.2");
    let why = aside.why();
    assert!(matches!(why[0], AddressReason::ElasticIpAside { .. }), "{why:?}");
    assert!(why[0].is_issue() && why[0].to_string().contains("Associate it with 10.9.2.66"), "{}", why[0]);
}

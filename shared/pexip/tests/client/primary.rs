//! Several Management Nodes: the addresses in order, the primary one followed, never a mixture.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use spillway_core::fault::FaultKind;
use spillway_core::ids::NodeId;
use spillway_core::ledger::KnownPlatform;
use spillway_core::observation::Platform;
use spillway_core::observation::PlatformScope;
use spillway_engine::ports::{ManagementRead, ManagementWrite, PlatformRefresh};
use spillway_pexip::{HttpManagement, Tls};

use crate::support::{Answer, Seen, Server, basic, list, nobody, platform, settings};

const SCOPE: PlatformScope = PlatformScope { shards: false };

fn management_vm(id: u64, primary: impl Into<Option<bool>>) -> Value {
    let primary: Option<bool> = primary.into();
    json!({"id": id, "configuration_id": id, "name": format!("mgr{id}"), "primary": primary, "version": format!("v{id}"),
        "upgrade_status": "IDLE", "resource_uri": format!("/api/admin/status/v1/management_vm/{id}/")})
}

/// A platform whose Management Nodes are described so; they have the addresses 127.0.0.1, 127.0.0.2 and so on.
fn with_managers(rows: Vec<Value>) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    move |seen| {
        match seen.resource().as_str() {
        "status/management_vm" => list(&rows),
        "configuration/management_vm" => list(
            &(1..=2)
                .map(|id| json!({"id": id, "address": format!("127.0.0.{id}"), "hostname": "mgr", "domain": "example.com", "resource_uri": id.to_string()}))
                .collect::<Vec<_>>(),
        ),
        _ => platform(seen),
    }
    }
}

fn client(addresses: &[&str]) -> HttpManagement {
    HttpManagement::new(settings(addresses, basic(), Tls::PublicCas)).unwrap()
}

async fn read(addresses: &[&str]) -> Result<Platform, spillway_core::fault::Fault> {
    client(addresses).read_platform(SCOPE).await
}

#[tokio::test]
async fn a_known_address_that_does_not_answer_any_more_is_left_for_the_next() {
    let good = Server::start(with_managers(vec![management_vm(1, true)])).await;
    let nobody = nobody();
    let both = client(&[&nobody, &good.address]);
    let known = KnownPlatform {
        address: nobody.clone(),
        ..KnownPlatform::of(&both.read_platform(SCOPE).await.unwrap())
    };
    assert_eq!(both.refresh_platform(&known, SCOPE).await.unwrap().address, good.address);
    let alone = client(&[&nobody]).refresh_platform(&known, SCOPE).await.unwrap_err();
    assert_eq!(alone.kind, FaultKind::Unreachable);
}

const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let good = Server::start(with_managers(vec![management_vm(1, true)])).await;
    let failing = Server::start(|_| Answer::html(503, "Starting")).await;
    let hanging = Server::start(|seen| platform(seen).after(std::time::Duration::from_mins(1))).await;
    for first in [nobody(), failing.address.clone(), hanging.address.clone()] {
        let mut settings = settings(&[&first, &good.address], basic(), Tls::PublicCas);
        settings.timing.request = std::time::Duration::from_millis(200);
        let management = HttpManagement::new(settings).unwrap();
        let read = management.read_platform(SCOPE).await.unwrap();
        assert_eq!(read.address, good.address);
        let before = failing.seen().len() + hanging.seen().len();
        management.read_platform(SCOPE).await.unwrap();
        management.set_static_nat(NodeId(1), None).await.unwrap();
        assert_eq!(
            failing.seen().len() + hanging.seen().len(),
            before,
            "the one that answered is asked first"
        );
    }
    assert_eq!(hanging.seen().len(), 2, "one that hangs is not asked again while there are others");
}

#[tokio::test]
async fn when_none_answers_the_error_tells_of_all() {
    let failing = Server::start(|_| Answer::html(503, "Starting")).await;
    let nobody = nobody();
    let fault = read(&[&nobody, &failing.address]).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.detail.contains(&nobody) && fault.detail.contains(&failing.address), "{fault}");
    assert!(fault.detail.contains("refused") && fault.detail.contains("503"), "{fault}");
}

#[tokio::test]
async fn a_refusal_is_the_same_everywhere_and_final() {
    let refusing = Server::start(|_| Answer::new(401, "")).await;
    let second = Server::start(platform).await;
    assert_eq!(read(&[&refusing.address, &second.address]).await.unwrap_err().kind, FaultKind::Unauthorized);
    assert!(second.seen().is_empty(), "a wrong password is not tried elsewhere");
}

#[tokio::test]
async fn a_standby_is_not_followed() {
    let rows = vec![management_vm(1, false), management_vm(2, true)];
    let standby = Server::start(with_managers(rows.clone())).await;
    let primary = Server::start_on(SECOND, with_managers(rows)).await;
    let management = client(&[&standby.address, &primary.address]);
    let read = management.read_platform(SCOPE).await.unwrap();
    assert_eq!((read.address.as_str(), read.version.as_str()), (primary.address.as_str(), "v2"));
    let asked = standby.seen().len();
    assert_eq!(asked, 6, "five and, once, which address is whose");
    management.read_platform(SCOPE).await.unwrap();
    management.set_static_nat(NodeId(1), None).await.unwrap();
    management.read_activity(Ipv4Addr::LOCALHOST).await.unwrap();
    assert_eq!(standby.seen().len(), asked);
    assert_eq!(primary.seen().len(), 5 + 5 + 1 + 3);
}

#[tokio::test]
async fn a_change_before_any_reading_goes_to_the_primary_too() {
    let rows = vec![management_vm(1, false), management_vm(2, true)];
    let standby = Server::start(with_managers(rows.clone())).await;
    let primary = Server::start_on(SECOND, with_managers(rows)).await;
    client(&[&standby.address, &primary.address]).set_maintenance(NodeId(1), true, "x").await.unwrap();
    assert!(standby.seen().iter().all(|seen| seen.method == "GET"));
    assert_eq!(primary.seen().last().unwrap().method, "PATCH");
}

#[tokio::test]
async fn a_failover_is_followed_and_seen_in_the_address() {
    let failed_over = Arc::new(AtomicBool::new(false));
    let rows = |failed_over: bool| vec![management_vm(1, !failed_over), management_vm(2, failed_over)];
    let serve = |failed_over: &Arc<AtomicBool>| {
        let failed_over = Arc::clone(failed_over);
        move |seen: &Seen| with_managers(rows(failed_over.load(Ordering::SeqCst)))(seen)
    };
    let first = Server::start(serve(&failed_over)).await;
    let second = Server::start_on(SECOND, serve(&failed_over)).await;
    let management = client(&[&first.address, &second.address]);
    assert_eq!(management.read_platform(SCOPE).await.unwrap().address, first.address);
    assert!(second.seen().is_empty());
    failed_over.store(true, Ordering::SeqCst);
    assert_eq!(management.read_platform(SCOPE).await.unwrap().address, second.address);
    failed_over.store(false, Ordering::SeqCst);
    assert_eq!(management.read_platform(SCOPE).await.unwrap().address, first.address);
}

#[tokio::test]
async fn a_standby_alone_is_an_outage_that_names_the_primary() {
    let rows = vec![management_vm(1, false), management_vm(2, true)];
    let standby = Server::start(with_managers(rows)).await;
    let dead = nobody().replace("127.0.0.1", "127.0.0.2");
    for addresses in [[standby.address.as_str(), &dead], [&dead, standby.address.as_str()]] {
        let fault = read(&addresses).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unreachable);
        assert!(fault.detail.contains("mgr2 is"), "{fault}");
    }
}

#[tokio::test]
async fn where_nothing_speaks_against_it_the_first_that_answers_is_taken() {
    for rows in [
        vec![],
        vec![management_vm(1, None)],
        vec![management_vm(1, true)],
        // An address that is an alias: the configuration does not tell whose it is.
        vec![management_vm(7, false), management_vm(8, true)],
    ] {
        let shown = format!("{rows:?}");
        let first = Server::start_on(Ipv4Addr::new(127, 0, 0, 9), with_managers(rows.clone())).await;
        let second = Server::start_on(Ipv4Addr::new(127, 0, 0, 10), with_managers(rows)).await;
        assert_eq!(read(&[&first.address, &second.address]).await.unwrap().address, first.address, "{shown}");
        assert!(second.seen().is_empty());
    }
    // One that says of itself that it is not: the next is asked.
    let standby = Server::start(with_managers(vec![management_vm(1, false)])).await;
    let primary = Server::start(with_managers(vec![management_vm(1, true)])).await;
    assert_eq!(read(&[&standby.address, &primary.address]).await.unwrap().address, primary.address);
    // A single address leaves no choice.
    assert_eq!(read(&[&standby.address]).await.unwrap().address, standby.address);
}

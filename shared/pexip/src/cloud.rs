//! Pexip's own bursting and what stands around it: the nodes and locations that it watches, its start command, the
//! licences in use, and the history of node starts and stops. The `cloud_*` lists may be empty or frozen while
//! Pexip's bursting is off, and older releases lack some of these resources: an empty list is no statement.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};
use spillway_core::fault::Fault;
use spillway_core::ids::{CertificateId, HdCalls, InstanceId, LocationId, LocationName, NodeId, NodeName};
use spillway_core::observation::Certificate;
use spillway_core::observation::Licences;
use spillway_engine::ports::{CertificateRead, LicenceRead, OverflowStart};

use crate::error::{ManagementError, Problem};
use crate::management::HttpManagement;
use crate::path::ApiPath;
use crate::resources;
use crate::rows::{CloudLocation, CloudNodeRow, LicensingRow, StatusEvent, TlsCertificate};
use crate::transport::Call;
use crate::wire::Verb;

/// An overflow node as Pexip's bursting service sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudNode {
    /// The provider's instance id: what the start command takes.
    pub instance: InstanceId,
    /// The provider's name for it, or empty.
    pub instance_name: String,
    /// Its private address.
    pub address: Option<Ipv4Addr>,
    /// The provider's word for its state. `unknown` means that the Management Node could not ask.
    pub state: String,
    /// When it was last started.
    pub launched_at: Option<Timestamp>,
    /// Its capacity.
    pub max_hd_calls: HdCalls,
    /// Its load, percent.
    pub media_load: Option<f64>,
    /// The Conferencing Node that it is; none when no node matches the instance.
    pub node: Option<NodeId>,
    /// The node's name.
    pub node_name: Option<NodeName>,
    /// The node's location.
    pub location: Option<LocationName>,
}

/// A location that Pexip's bursting watches.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitoredLocation {
    /// Name, which is what joins it to the configuration: its id is its own.
    pub name: LocationName,
    /// HD calls that can still be taken: what is held against the threshold.
    pub free_hd_calls: Option<HdCalls>,
    /// Capacity.
    pub max_hd_calls: Option<HdCalls>,
    /// Load, percent.
    pub media_load: Option<f64>,
}

/// A location with bursting nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct OverflowLocation {
    /// Name.
    pub name: LocationName,
    /// Configuration id.
    pub location: Option<LocationId>,
    /// HD calls that can still be taken.
    pub free_hd_calls: Option<HdCalls>,
    /// Capacity.
    pub max_hd_calls: Option<HdCalls>,
    /// Load, percent.
    pub media_load: Option<f64>,
}

/// Pexip's own bursting, as `assist` mode shows it beside ours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CloudView {
    /// The overflow nodes.
    pub nodes: Vec<CloudNode>,
    /// The watched locations.
    pub monitored: Vec<MonitoredLocation>,
    /// The overflow locations.
    pub overflow: Vec<OverflowLocation>,
}

/// Licences: more nodes do not help once all ports are in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Licensing {
    /// Port licences in use.
    pub ports_used: u64,
    /// Port licences there are.
    pub ports_total: u64,
    /// Audio licences in use.
    pub audio_used: u64,
    /// Audio licences there are.
    pub audio_total: u64,
}

/// One line of the Conferencing Node history. Its words are not documented: show them, decide nothing from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatusEvent {
    /// When.
    pub at: Timestamp,
    /// What kind, as the platform words it.
    pub event_type: String,
    /// The new state, as the platform words it.
    pub state: String,
    /// More, as the platform words it.
    pub context: String,
    /// The reason, as the platform words it.
    pub details: String,
    /// The node.
    pub node: Option<NodeId>,
    /// Its name.
    pub node_name: Option<NodeName>,
}

impl HttpManagement {
    /// Asks Pexip to start an overflow node, by the provider's instance id (`i-…`, not the node's id or name). Sent
    /// once: whether an unanswered command was carried out is for the next reading to show. There is no command
    /// that stops one.
    pub async fn start_cloudnode(&self, instance: &InstanceId) -> Result<(), ManagementError> {
        let target = self.target().await?;
        let path = ApiPath::command("platform", "start_cloudnode");
        let body = json!({"instance_id": instance.as_str()}).to_string();
        let call = Call { verb: Verb::Post, path: &path, query: "", body: Some(&body) };
        // The envelope says `status`; any 2xx with no JSON, or none of that, is a success too.
        let sent = self.transport().send(target, call, |reply| {
            Ok(serde_json::from_slice::<Value>(&reply.body)
                .ok()
                .map(|envelope| (reply.status.as_u16(), envelope)))
        });
        let answer = self.observe(sent.await)?;
        match answer
            .as_ref()
            .and_then(|(code, envelope)| Some((code, envelope.get("status")?.as_str()?, envelope)))
        {
            Some((code, status, envelope)) if !status.eq_ignore_ascii_case("success") => {
                let said = self.transport().shown(&crate::answer::said(envelope.to_string().as_bytes()));
                let request = self.transport().line(target, Verb::Post, &path);
                Err(ManagementError::new(request, Problem::Rejected { status: *code, said }))
            }
            _ => Ok(()),
        }
    }

    /// Pexip's own bursting: three lists.
    pub async fn read_cloud(&self) -> Result<CloudView, ManagementError> {
        let target = self.target().await?;
        let (nodes, monitored, overflow) = self.observe(tokio::try_join!(
            self.list_if_any::<CloudNodeRow>(target, resources::cloud_node()),
            self.list_if_any::<CloudLocation>(target, resources::cloud_monitored_location()),
            self.list_if_any::<CloudLocation>(target, resources::cloud_overflow_location()),
        ))?;
        Ok(CloudView {
            nodes: nodes.into_iter().filter_map(cloud_node).collect(),
            monitored: monitored.into_iter().filter_map(monitored_location).collect(),
            overflow: overflow.into_iter().filter_map(overflow_location).collect(),
        })
    }

    /// The overflow nodes that Pexip's own bursting lists: one list.
    pub async fn read_cloud_nodes(&self) -> Result<Vec<CloudNode>, ManagementError> {
        let target = self.target().await?;
        let rows = self.list_if_any::<CloudNodeRow>(target, resources::cloud_node()).await;
        Ok(self.observe(rows)?.into_iter().filter_map(cloud_node).collect())
    }

    /// Licences in use; none where the release does not say.
    pub async fn read_licensing(&self) -> Result<Option<Licensing>, ManagementError> {
        let target = self.target().await?;
        let rows = self.observe(self.list_if_any::<LicensingRow>(target, resources::licensing()).await)?;
        Ok(rows.into_iter().next().map(|row| Licensing {
            ports_used: row.port_count.unwrap_or(0),
            ports_total: row.port_total.unwrap_or(0),
            audio_used: row.audio_count.unwrap_or(0),
            audio_total: row.audio_total.unwrap_or(0),
        }))
    }

    /// Starts and stops of Conferencing Nodes from one instant (included) to another (excluded), oldest first.
    pub async fn read_node_history(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NodeStatusEvent>, ManagementError> {
        let target = self.target().await?;
        let mut list = resources::workervm_status_event();
        // Filters take no zone and no fraction; both ends are widened to whole seconds and cut to size below.
        let naive = |instant: Timestamp| instant.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let a_second = jiff::SignedDuration::from_secs(1);
        list.filters = vec![
            ("time_changed__gte", naive(from)),
            ("time_changed__lt", naive(until.checked_add(a_second).unwrap_or(until))),
        ];
        let rows = self.observe(self.list_if_any::<StatusEvent>(target, list).await)?;
        let mut events: Vec<NodeStatusEvent> = rows
            .into_iter()
            .filter_map(node_status_event)
            .filter(|event| (from..until).contains(&event.at))
            .collect();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }
}

impl CertificateRead for HttpManagement {
    async fn read_certificates(&self) -> Result<Vec<Certificate>, Fault> {
        let target = self.target().await?;
        let rows = self.list_if_any::<TlsCertificate>(target, resources::tls_certificate()).await;
        Ok(self.observe(rows)?.into_iter().filter_map(certificate).collect())
    }
}

impl LicenceRead for HttpManagement {
    async fn read_licences(&self) -> Result<Option<Licences>, Fault> {
        let licensing = self.read_licensing().await?;
        // No platform has none at all: a release that does not fill the field in.
        Ok(licensing
            .filter(|licensing| licensing.ports_total > 0)
            .map(|Licensing { ports_used, ports_total, .. }| Licences { ports_used, ports_total }))
    }
}

impl OverflowStart for HttpManagement {
    async fn read_cloud_instances(&self) -> Result<Vec<InstanceId>, Fault> {
        Ok(self.read_cloud_nodes().await?.into_iter().map(|node| node.instance).collect())
    }

    async fn start_overflow_node(&self, instance: &InstanceId) -> Result<(), Fault> {
        Ok(self.start_cloudnode(instance).await?)
    }
}

fn cloud_node(row: CloudNodeRow) -> Option<CloudNode> {
    let set = |new: Option<String>, old: Option<String>| new.filter(|text| !text.is_empty()).or(old);
    let address = set(row.cloud_instance_ip, row.aws_instance_ip);
    Some(CloudNode {
        // Without the id nothing can be done with it.
        instance: InstanceId::new(
            set(row.cloud_instance_id, row.aws_instance_id).filter(|id| !id.is_empty())?,
        ),
        instance_name: set(row.cloud_instance_name, row.aws_instance_name).unwrap_or_default(),
        address: address.and_then(|text| text.trim().parse().ok()),
        state: set(row.cloud_instance_state, row.aws_instance_state).unwrap_or_else(|| "unknown".to_owned()),
        launched_at: row.cloud_instance_launch_time.or(row.aws_instance_launch_time),
        max_hd_calls: hd_calls(row.max_hd_calls.unwrap_or(0)),
        media_load: row.media_load,
        node: row.workervm_configuration_id.map(NodeId),
        node_name: row.workervm_configuration_name.map(NodeName::new),
        location: row.workervm_configuration_location_name.map(LocationName::new),
    })
}

fn certificate(row: TlsCertificate) -> Option<Certificate> {
    let TlsCertificate { id, subject_name, end_date, resource_uri: _ } = row;
    Some(Certificate { id: CertificateId(id?), subject: subject_name.unwrap_or_default(), ends: end_date? })
}

fn monitored_location(row: CloudLocation) -> Option<MonitoredLocation> {
    Some(MonitoredLocation {
        name: LocationName::new(row.name?),
        free_hd_calls: row.free_hd_calls.map(hd_calls),
        max_hd_calls: row.max_hd_calls.map(hd_calls),
        media_load: row.media_load,
    })
}

fn overflow_location(row: CloudLocation) -> Option<OverflowLocation> {
    Some(OverflowLocation {
        location: row.systemlocation_id.map(LocationId),
        name: LocationName::new(row.name?),
        free_hd_calls: row.free_hd_calls.map(hd_calls),
        max_hd_calls: row.max_hd_calls.map(hd_calls),
        media_load: row.media_load,
    })
}

fn node_status_event(row: StatusEvent) -> Option<NodeStatusEvent> {
    Some(NodeStatusEvent {
        at: row.time_changed?,
        event_type: row.event_type.unwrap_or_else(|| "unknown".to_owned()),
        state: row.state.unwrap_or_default(),
        context: row.context.unwrap_or_default(),
        details: row.details.unwrap_or_default(),
        node: row.workervm_configuration_id.map(NodeId),
        node_name: row.workervm_configuration_name.map(NodeName::new),
    })
}

fn hd_calls(number: u64) -> HdCalls {
    HdCalls(u32::try_from(number).unwrap_or(u32::MAX))
}

//! The provisioning document that the creation of a Conferencing Node answers with: XML, where everything else is JSON
//! or empty. What is inside the vendor's is not public; this one is well-formed and names the node.

use std::fmt::Write as _;

use serde_json::Value;
use uuid::Uuid;

use super::text::xml_escape;
use spillway_pexip_model::Row;

/// Writes the document for a node.
pub(super) fn document(node: &Row, location: Option<&str>) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conferencing_node_configuration>\n");
    let mut element = |name: &str, text: &str| {
        let _ = writeln!(out, "  <{name}>{}</{name}>", xml_escape(text));
    };
    for name in ["name", "hostname", "domain", "address", "netmask", "gateway", "node_type"] {
        if let Some(text) = node.get(name).and_then(Value::as_str) {
            element(name, text);
        }
    }
    if let Some(location) = location {
        element("system_location", location);
    }
    element("nonce", &Uuid::new_v4().simple().to_string());
    out.push_str("</conferencing_node_configuration>\n");
    out
}

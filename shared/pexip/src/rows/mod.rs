//! Rows as the API gives them, with the fields that Spillway uses and no others: what is not decoded cannot be
//! logged or stored (participants are people, `global` holds the platform's cloud credentials). Every field is
//! optional, since the nullability of most is not documented and older releases lack some.

/// Rows that say which they are by `resource_uri`.
macro_rules! rows {
    ($($row:ty),+) => {$(
        impl crate::paging::Row for $row {
            fn uri(&self) -> Option<&str> {
                self.resource_uri.as_deref()
            }
        }
    )+};
}

mod cloud;
mod configuration;
mod status;

pub(crate) use cloud::{CloudLocation, CloudNodeRow, LicensingRow, StatusEvent};
pub(crate) use configuration::{
    GlobalSettings, ManagementVmConfiguration, SystemLocation, TlsCertificate, WorkerVmConfiguration,
};
pub(crate) use status::{
    Backplane, ConferenceShard, ManagementVmStatus, NamedNode, Participant, WorkerVmStatus, named_node,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)),
            "[a-zA-Z0-9/:. -]{0,24}".prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("id|resource_uri|name", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    const FIELDS: [&str; 16] = [
        "id",
        "configuration_id",
        "name",
        "address",
        "system_location",
        "node_type",
        "transcoding",
        "maintenance_mode",
        "media_load",
        "max_hd_calls",
        "last_updated",
        "overflow_location1",
        "bursting_enabled",
        "node",
        "media_node",
        "primary",
    ];

    proptest! {
        /// One odd value never costs the page of 500 rows around it.
        #[test]
        fn no_value_of_any_field_fails_a_row(values in prop::collection::vec(any_json(), FIELDS.len())) {
            let row: Map<String, Value> = FIELDS.iter().map(|field| (*field).to_owned()).zip(values).collect();
            let text = Value::Object(row).to_string();
            macro_rules! reads {
                ($($row:ty),+) => {$(
                    prop_assert!(serde_json::from_str::<$row>(&text).is_ok(), "{} from {text}", stringify!($row));
                )+};
            }
            reads!(
                WorkerVmConfiguration, SystemLocation, GlobalSettings, ManagementVmConfiguration, WorkerVmStatus,
                ManagementVmStatus, ConferenceShard, Participant, Backplane, CloudNodeRow, CloudLocation, LicensingRow, StatusEvent
            );
        }
    }
}

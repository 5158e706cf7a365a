//! What the function is invoked with: state changes from the queue, or anything else for a sweep. An event is a hint: all
//! that is taken from it is which instance to look at.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spillway_core::ids::InstanceId;

/// The only kind of event that the rule lets through.
const STATE_CHANGE: &str = "EC2 Instance State-change Notification";

/// Why the function was invoked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// By the schedule, or by a person: look at everything.
    Sweep,
    /// By the queue.
    Messages(Vec<Message>),
}

/// A message of the queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The queue's id for it.
    pub(crate) id: String,
    /// The instance that changed; or why the message is not understood.
    pub(crate) instance: Result<InstanceId, String>,
}

/// What the function answers the queue: the messages that have to come again.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct BatchAnswer {
    #[serde(rename = "batchItemFailures")]
    pub(crate) failures: Vec<BatchItem>,
}

/// One message of [`BatchAnswer`].
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BatchItem {
    #[serde(rename = "itemIdentifier")]
    pub(crate) id: String,
}

impl BatchAnswer {
    pub(crate) fn again(messages: impl IntoIterator<Item = String>) -> Self {
        Self { failures: messages.into_iter().map(|id| BatchItem { id }).collect() }
    }
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "messageId")]
    id: String,
    #[serde(default)]
    body: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "detail-type", default)]
    kind: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "instance-id")]
    instance: String,
}

impl Invocation {
    /// Anything that is not a batch of messages is a sweep: whoever invokes the function by hand wants one.
    pub(crate) fn of(event: Value) -> Self {
        match serde_json::from_value::<Batch>(event) {
            Ok(batch) => Self::Messages(batch.records.into_iter().map(Message::of).collect()),
            Err(_) => Self::Sweep,
        }
    }
}

impl Message {
    fn of(record: Record) -> Self {
        Self { id: record.id, instance: instance_of(&record.body) }
    }
}

fn instance_of(body: &str) -> Result<InstanceId, String> {
    let event: Event = serde_json::from_str(body).map_err(|error| format!("not an event of EC2: {error}"))?;
    if event.kind != STATE_CHANGE {
        return Err(format!("an event of another kind: {:?}", event.kind));
    }
    let id = event.detail.instance;
    let number = id.strip_prefix("i-").unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("not an instance's id: {id:?}"));
    }
    Ok(InstanceId::new(id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An event as EventBridge delivers it (EC2 user guide: *State change events for your instances*).
    fn state_change(instance: &str) -> String {
        json!({
            "version": "0",
            "id": "7bf73129-1428-4cd3-a780-95db273d1602",
            "detail-type": "EC2 Instance State-change Notification",
            "source": "aws.ec2",
            "account": "123456789012",
            "time": "2026-03-02T08:50:04Z",
            "region": "eu-west-1",
            "resources": [format!("arn:aws:ec2:eu-west-1:123456789012:instance/{instance}")],
            "detail": {"instance-id": instance, "state": "running"}
        })
        .to_string()
    }

    /// A record as Lambda delivers it (Lambda developer guide: *Using Lambda with Amazon SQS*).
    fn record(id: &str, body: &str) -> Value {
        json!({
            "messageId": id,
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772441404000"},
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:state-changes",
            "awsRegion": "eu-west-1"
        })
    }

    #[test]
    fn messages_name_instances_and_everything_else_is_a_sweep() {
        let batch = json!({"Records": [record("m-1", &state_change("i-0a1")), record("m-2", &state_change("i-0b2"))]});
        let Invocation::Messages(messages) = Invocation::of(batch) else { panic!("messages") };
        let ids: Vec<_> =
            messages.iter().map(|message| (message.id.as_str(), message.instance.clone())).collect();
        assert_eq!(ids, [("m-1", Ok("i-0a1".into())), ("m-2", Ok("i-0b2".into()))]);
        for event in [json!({"source": "spillway.sweep"}), json!({}), json!(null), json!({"Records": "?"})] {
            assert_eq!(Invocation::of(event), Invocation::Sweep);
        }
    }

    #[test]
    fn a_body_that_is_not_understood_is_said_and_keeps_no_other_from_being_read() {
        let other = state_change("i-0a1").replace("State-change", "Rebalance");
        for (body, says) in [
            ("", "not an event of EC2"),
            ("null", "not an event of EC2"),
            (r#"{"detail-type":"EC2 Instance State-change Notification","detail":{}}"#, "instance-id"),
            (other.as_str(), "an event of another kind"),
            (state_change("vol-1").as_str(), "not an instance's id"),
            (state_change("i-1 OR 1").as_str(), "not an instance's id"),
        ] {
            let batch = json!({"Records": [record("m-1", body), record("m-2", &state_change("i-0b2"))]});
            let Invocation::Messages(messages) = Invocation::of(batch) else { panic!("messages") };
            let error = messages[0].instance.clone().unwrap_err();
            assert!(error.contains(says), "{body}\n  said: {error}\n  want: {says}");
            assert_eq!(messages[1].instance, Ok("i-0b2".into()));
        }
    }

    #[test]
    fn the_answer_is_what_the_queue_reads() {
        let answer = BatchAnswer::again(["m-2".to_owned()]);
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({"batchItemFailures": [{"itemIdentifier": "m-2"}]})
        );
        assert_eq!(serde_json::to_value(BatchAnswer::default()).unwrap(), json!({"batchItemFailures": []}));
    }
}

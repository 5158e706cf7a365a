//! What a script lets happen: callers, people, EC2, the Management Node, the ledger, evaluators. Each step is
//! something that can happen to a real platform.

use jiff::SignedDuration;
use spillway_core::fault::FaultKind;
use spillway_core::ledger::HoldAmount;
use spillway_core::policy::Mode;
use spillway_core::prewarm::Tick;

use super::address_step::AddressStep;
use super::fault_step::FaultStep;
use super::words::{ScriptError, Words};

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// From now on so many HD calls by hand at a location: the difference calls in, or hangs up.
    Callers {
        location: String,
        calls: usize,
    },
    /// From now on so many HD calls on a node, placed there whatever the rules say.
    CallsOn {
        node: String,
        calls: usize,
    },
    /// Everybody whose media is on the node hangs up.
    NobodyOn(String),
    /// Everybody hangs up.
    EverybodyLeaves,
    /// So many instances of a type may run in a zone.
    Room {
        kind: String,
        zone: String,
        room: Option<usize>,
    },
    Quota(Option<usize>),
    StopProtected {
        node: String,
        on: bool,
    },
    Unlisted {
        node: String,
        time: SignedDuration,
    },
    FleetFails(Option<FaultKind>),
    NeverReady(String),
    StopsAgain {
        node: String,
        after: SignedDuration,
    },
    /// A node, or all nodes of a location, stop reporting, or go on.
    Silent {
        whom: String,
        silent: bool,
    },
    LoadHidden {
        node: String,
        hidden: bool,
    },
    PersonMaintains {
        node: String,
        reason: Option<String>,
    },
    PersonStarts(String),
    PersonStops(String),
    PersonTerminates(String),
    Tag {
        node: String,
        value: Option<String>,
    },
    Bursting(bool),
    Upgrade(String),
    ManagementFails(Option<FaultKind>),
    FailsOver(SignedDuration),
    /// The Management Node cannot reach EC2 itself: it shows its cloud nodes as `unknown`.
    ManagementLosesEc2(bool),
    LedgerFails(Option<FaultKind>),
    LedgerForgets,
    Hold {
        id: String,
        location: Option<String>,
        amount: HoldAmount,
        from: Option<String>,
        until: String,
        why: String,
    },
    ReleaseHold(String),
    /// A pre-warm window fires.
    Prewarm {
        tick: Box<Tick>,
        /// The scheduled time, where it is not this minute; by hand: none at all.
        scheduled: Scheduled,
    },
    /// So many port licences; `None`: the release does not show them.
    Licences(Option<u64>),
    RequestStop {
        node: String,
        why: String,
    },
    RequestRelease(String),
    Pause {
        until: String,
    },
    Resume,
    /// The policy's mode from now on.
    Mode(Mode),
    /// So many evaluators run at each minute.
    Evaluators(usize),
    /// The next cycle's invocation is delivered again after it.
    Duplicate,
    /// The next cycle dies at this await point.
    Dies(u64),
    /// At the n-th reading of a node's activity from now, before or after it is answered.
    AtReading {
        node: String,
        nth: u32,
        after: bool,
        step: Box<Step>,
    },
    /// Addresses, events and the reconciler.
    Address(AddressStep),
    /// What goes wrong with one cycle or one order.
    Fault(FaultStep),
    /// Nothing: time passes.
    Wait,
}

/// What Scheduler says of when a window was to fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scheduled {
    /// This minute.
    Now,
    /// At a time of this day.
    At(String),
    /// Nothing: somebody invokes the function by hand.
    ByHand,
}

const FAULTS: [(&str, FaultKind); 8] = [
    ("unreachable", FaultKind::Unreachable),
    ("timeout", FaultKind::Timeout),
    ("401", FaultKind::Unauthorized),
    ("403", FaultKind::Forbidden),
    ("429", FaultKind::Throttled),
    ("503", FaultKind::Server),
    ("html", FaultKind::Malformed),
    ("certificate", FaultKind::Certificate),
];

const MODES: [(&str, Mode); 2] = [("assist", Mode::Assist), ("control", Mode::Control)];
const ON_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];

impl Step {
    pub(super) fn parse(words: &mut Words) -> Result<Self, ScriptError> {
        let step = match words.word("what happens")?.as_str() {
            "callers" => {
                Self::Callers { location: words.word("the location")?, calls: words.number("how many")? }
            }
            "calls-on" => Self::CallsOn { node: words.word("the node")?, calls: words.number("how many")? },
            "nobody-on" => Self::NobodyOn(words.word("the node")?),
            "everybody-leaves" => Self::EverybodyLeaves,
            "ec2" => Self::parse_ec2(words)?,
            "boot" => {
                let node = words.word("the node")?;
                let kinds = [("never-ready", true), ("stops-again", false)];
                if words.one_of("what becomes of the boot", &kinds)? {
                    Self::NeverReady(node)
                } else {
                    Self::StopsAgain { node, after: words.duration("after how long")? }
                }
            }
            "reports" => Self::Silent {
                whom: words.word("the node or location")?,
                silent: !words.one_of("reports", &ON_OFF)?,
            },
            "load" => Self::LoadHidden {
                node: words.word("the node")?,
                hidden: words.one_of("the load", &[("null", true), ("known", false)])?,
            },
            "person" => Self::parse_person(words)?,
            "tag" => {
                let node = words.word("the node")?;
                let value = words.word("the value, or none")?;
                Self::Tag { node, value: (value != "none").then_some(value) }
            }
            "upgrade" => Self::Upgrade(words.word("the version")?),
            "management" => Self::parse_management(words)?,
            "ledger" => match words.word("what about it")?.as_str() {
                "fails" => Self::LedgerFails(Some(words.one_of("the fault", &FAULTS)?)),
                "answers" => Self::LedgerFails(None),
                "forgets" => Self::LedgerForgets,
                other => return words.error(format!("{other:?}: possible are fails, answers, forgets")),
            },
            "hold" => Self::parse_hold(words)?,
            "prewarm" => Self::parse_prewarm(words)?,
            "licences" => match words.word("how many, or unknown")?.as_str() {
                "unknown" => Self::Licences(None),
                number => match number.parse() {
                    Ok(total) => Self::Licences(Some(total)),
                    Err(_) => return words.error(format!("{number:?} is neither a number nor unknown")),
                },
            },
            "release-hold" => Self::ReleaseHold(words.word("its id")?),
            "operator" => match words.word("what the operator does")?.as_str() {
                "stops" => {
                    Self::RequestStop { node: words.word("the node")?, why: words.word("the reason")? }
                }
                "releases" => Self::RequestRelease(words.word("the node")?),
                "pauses" => Self::Pause { until: words.option("until").unwrap_or_default() },
                "resumes" => Self::Resume,
                "sets-mode" => Self::Mode(words.one_of("the mode", &MODES)?),
                other => {
                    let possible = "stops, releases, pauses, resumes, sets-mode";
                    return words.error(format!("{other:?}: possible are {possible}"));
                }
            },
            "evaluators" => Self::Evaluators(words.number("how many")?),
            "evaluator" => match words.word("what about it")?.as_str() {
                "duplicate" => Self::Duplicate,
                "dies-at" => Self::Dies(words.number("the await point")?),
                "fails-at" => Self::Fault(FaultStep::parse_call(words)?),
                "rival-at" => Self::Fault(FaultStep::Rival(words.number("the turn")?)),
                other => {
                    let possible = "duplicate, dies-at, fails-at, rival-at";
                    return words.error(format!("{other:?}: possible are {possible}"));
                }
            },
            word @ ("reconciler" | "events" | "elastic" | "nat") => {
                Self::Address(AddressStep::parse(word, words)?)
            }
            "replication" => Self::Fault(FaultStep::CutOff {
                node: words.word("the node")?,
                cut_off: !words.one_of("replication", &ON_OFF)?,
            }),
            "clock" => Self::Fault(FaultStep::parse_clock(words)?),
            "when" => Self::parse_when(words)?,
            "wait" => Self::Wait,
            other => {
                return words
                    .error(format!("{other:?} is nothing that can happen; see the scenarios' README"));
            }
        };
        Ok(step)
    }

    fn parse_ec2(words: &mut Words) -> Result<Self, ScriptError> {
        let any = |words: &mut Words| -> Result<Option<usize>, ScriptError> {
            if words.peek() == Some("any") {
                words.maybe();
                return Ok(None);
            }
            words.number("how many").map(Some)
        };
        Ok(match words.word("what about EC2")?.as_str() {
            "room" => {
                let (kind, zone) = (words.word("the instance type")?, words.word("the zone")?);
                Self::Room { kind, zone, room: any(words)? }
            }
            "quota" => Self::Quota(any(words)?),
            "refuses" => Self::Fault(FaultStep::parse_refusal(false, words)?),
            "refuses-stops" => Self::Fault(FaultStep::parse_refusal(true, words)?),
            "protects" => Self::StopProtected {
                node: words.word("the node")?,
                on: words.one_of("stop protection", &ON_OFF)?,
            },
            "hides" => {
                Self::Unlisted { node: words.word("the node")?, time: words.duration("for how long")? }
            }
            "fails" => Self::FleetFails(Some(words.one_of("the fault", &FAULTS)?)),
            "answers" => Self::FleetFails(None),
            other => {
                let possible = "room, quota, refuses, refuses-stops, protects, hides, fails, answers";
                return words.error(format!("{other:?}: possible are {possible}"));
            }
        })
    }

    fn parse_person(words: &mut Words) -> Result<Self, ScriptError> {
        Ok(match words.word("what the person does")?.as_str() {
            "maintains" => Self::PersonMaintains {
                node: words.word("the node")?,
                reason: Some(words.maybe().unwrap_or_default()),
            },
            "clears" => Self::PersonMaintains { node: words.word("the node")?, reason: None },
            "starts" => Self::PersonStarts(words.word("the node")?),
            "stops" => Self::PersonStops(words.word("the node")?),
            "terminates" => Self::PersonTerminates(words.word("the node")?),
            "sets-bursting" => Self::Bursting(words.one_of("bursting", &ON_OFF)?),
            other => {
                let possible = "maintains, clears, starts, stops, terminates, sets-bursting";
                return words.error(format!("{other:?}: possible are {possible}"));
            }
        })
    }

    fn parse_management(words: &mut Words) -> Result<Self, ScriptError> {
        Ok(match words.word("what about the Management Node")?.as_str() {
            "fails" => Self::ManagementFails(Some(words.one_of("the fault", &FAULTS)?)),
            "answers" => Self::ManagementFails(None),
            "fails-over" => Self::FailsOver(words.duration("how long it takes")?),
            "loses-ec2" => Self::ManagementLosesEc2(true),
            "finds-ec2" => Self::ManagementLosesEc2(false),
            "slow" => Self::Fault(FaultStep::Slow(words.duration("how long a reply takes")?)),
            "hides-shards" => Self::Fault(FaultStep::HidesShards(words.one_of("shards hidden", &ON_OFF)?)),
            other => {
                let possible = "fails, answers, fails-over, loses-ec2, finds-ec2, slow, hides-shards";
                return words.error(format!("{other:?}: possible are {possible}"));
            }
        })
    }

    fn parse_prewarm(words: &mut Words) -> Result<Self, ScriptError> {
        let window = words.word("the window's name")?;
        let location = words.word("the location, or everywhere")?;
        let mut payload = serde_json::json!({"window": window, "time_zone": "UTC"});
        let mut set = |key: &str, value: serde_json::Value| payload[key] = value;
        if location != "everywhere" {
            set("location", location.into());
        }
        if let Some(nodes) = words.option_number::<u32>("nodes")? {
            set("amount", serde_json::json!({"nodes": nodes}));
        }
        if let Some(calls) = words.option_number::<u32>("calls")? {
            set("amount", serde_json::json!({"hd_calls": calls}));
        }
        for (option, key) in [("lead", "lead_minutes"), ("for", "hold_minutes")] {
            if let Some(time) = words.option_duration(option)? {
                set(key, time.as_mins().into());
            }
        }
        if let Some(zone) = words.option("zone") {
            set("time_zone", zone.into());
        }
        if let Some(date) = words.option("skip") {
            set("skip", serde_json::json!([date]));
        }
        if let Some(how) = words.option("licences") {
            set("ignore_licences", (how == "ignored").into());
        }
        let scheduled = match words.option("scheduled") {
            None => Scheduled::Now,
            Some(word) if word == "by-hand" => Scheduled::ByHand,
            Some(clock) => Scheduled::At(clock),
        };
        match Tick::parse(payload) {
            Ok(tick) => Ok(Self::Prewarm { tick: Box::new(tick), scheduled }),
            Err(error) => words.error(error.to_string()),
        }
    }

    fn parse_hold(words: &mut Words) -> Result<Self, ScriptError> {
        let id = words.word("the hold's id")?;
        let location = words.word("the location, or everywhere")?;
        let amount = if let Some(nodes) = words.option_number("nodes")? {
            HoldAmount::Nodes(nodes)
        } else if let Some(calls) = words.option_number("calls")? {
            HoldAmount::HdCalls(spillway_core::ids::HdCalls(calls))
        } else {
            HoldAmount::AllNodes
        };
        let from = words.option("from");
        let Some(until) = words.option("until") else { return words.error("until=HH:MM is missing") };
        let why = words.maybe().unwrap_or_else(|| "a scenario".to_owned());
        Ok(Self::Hold {
            id,
            location: (location != "everywhere").then_some(location),
            amount,
            from,
            until,
            why,
        })
    }

    fn parse_when(words: &mut Words) -> Result<Self, ScriptError> {
        let after = words.one_of("before or after", &[("before", false), ("after", true)])?;
        let nth = words.number("which reading")?;
        let node = words.word("the node")?;
        let step = Box::new(Self::parse(words)?);
        if !matches!(*step, Self::CallsOn { .. } | Self::Callers { .. } | Self::PersonMaintains { .. }) {
            return words
                .error("only callers, calls-on and person maintains or clears can happen at a reading");
        }
        Ok(Self::AtReading { node, nth, after, step })
    }
}

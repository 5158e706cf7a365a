//! `spillway whoami`: what the history will call this operator.

use serde_json::json;
use spillway_core::report::actor;
use spillway_view::clean;

use crate::context::Context;
use crate::exit::{Ended, Exit};
use crate::identity::Caller;
use crate::output::{self, Output};

pub(crate) async fn run(context: &Context, output: &Output) -> Ended {
    let Caller { by, account, .. } = context.caller().await?;
    if output.json {
        output::json(&json!({"schema": 1, "actor": by, "account": account, "platform": context.platform}));
    } else {
        output::text(&format!("{}\n", clean(actor(by))));
    }
    Ok(Exit::Done)
}

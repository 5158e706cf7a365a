//! The options that every command has.

use clap::Args;

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The platform: its settings are under `/spillway/<platform>/`. Repeat it to see several
    #[arg(
        long = "platform",
        env = "SPILLWAY_PLATFORM",
        value_name = "NAME",
        global = true,
        value_delimiter = ','
    )]
    pub(crate) platforms: Vec<String>,
    /// A profile of the AWS configuration, as the AWS CLI has it (`AWS_PROFILE`)
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// The region of the stack (`AWS_REGION`)
    #[arg(long, value_name = "REGION", global = true)]
    pub(crate) region: Option<String>,
    /// The ledger's table; else what the stack wrote under `/spillway/<platform>/stack`
    #[arg(long, env = "SPILLWAY_TABLE", value_name = "NAME", global = true)]
    pub(crate) table: Option<String>,
    /// One JSON value instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Times in UTC instead of this machine's zone
    #[arg(long, global = true)]
    pub(crate) utc: bool,
}

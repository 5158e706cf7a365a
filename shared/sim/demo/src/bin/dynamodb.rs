//! An embedded DynamoDB alone, for the tests that run the functions as processes: in memory, gone at the end.
//! It makes no table: on AWS the stack does that, and a test does what the stack does.

use anyhow::{Context, Result, anyhow};
use clap::Parser;

/// Serves an empty DynamoDB in memory.
#[derive(Debug, Parser)]
#[command(name = "dynamodb")]
struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on.
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let database = dynoxide::Database::memory()
        .map_err(|error| anyhow!("{error}"))
        .context("cannot open a database in memory")?;
    dynoxide::server::start(&options.host, options.port, database)
        .await
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("cannot serve on {}:{}", options.host, options.port))
}

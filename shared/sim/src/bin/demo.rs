//! `cargo demo`: a simulated weekday of bursting, on this machine, without an account.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use spillway_sim::demo::{Options, run};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options, &mut std::io::stdout()).await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

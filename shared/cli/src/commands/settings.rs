//! `spillway settings put`: addresses, credentials and certificate authority into Parameter Store, checked by the same
//! rules as when they are read. A secret comes from a file or from standard input, never from the command line, which
//! shells keep and every process of the machine can read.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Value, json};
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::observation::PlatformScope;
use spillway_engine::ports::ManagementRead;

use super::settings_history::record;
use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::text_file;

/// `spillway settings`.
#[derive(Debug, Subcommand)]
pub(crate) enum Settings {
    /// Store a parameter
    #[command(subcommand)]
    Put(Put),
}

/// `spillway settings put`.
#[derive(Debug, Subcommand)]
pub(crate) enum Put {
    /// The Management Node's addresses, and how Spillway signs in
    Management(Management),
    /// User name and password, or OAuth2 client and key, as JSON from a file or standard input
    Credentials(Credentials),
    /// The certificate authority that signed the Management Node's certificate, PEM
    Ca(FromFile),
}

/// `spillway settings put management`.
#[derive(Debug, Args)]
pub(crate) struct Management {
    /// An address, such as `https://mgr.example.com`; repeat it for a standby Management Node
    #[arg(long = "address", required = true, value_name = "URL")]
    addresses: Vec<String>,
    /// How Spillway signs in
    #[arg(long, default_value = "basic", value_parser = ["basic", "oauth2"])]
    authentication: String,
    /// SHA-256 of the Management Node's certificate, for a self-signed one
    #[arg(long, value_name = "HEX")]
    pin_sha256: Option<String>,
    /// The audience of the token, where it is not the address (OAuth2)
    #[arg(long, value_name = "URL")]
    token_audience: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

/// A value from a file.
#[derive(Debug, Args)]
pub(crate) struct FromFile {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    acting: Acting,
}

/// `spillway settings put credentials`.
#[derive(Debug, Args)]
pub(crate) struct Credentials {
    #[command(flatten)]
    from: FromFile,
    /// Store them without trying to log in at the Management Node with them
    #[arg(long)]
    without_login: bool,
}

impl FromFile {
    /// As a secret from the start: not even an error shows it.
    fn read(&self) -> Result<SecretString, Failure> {
        if text_file::is_stdin(&self.file) && std::io::stdin().is_terminal() {
            return Err(Failure::usage("a secret is not read from a terminal, which would show it")
                .remedy("name a file that only you can read, or pipe it in"));
        }
        Ok(SecretString::from(text_file::read(&self.file)?))
    }
}

pub(crate) async fn run(context: &Context, command: &Settings, output: &Output) -> Ended {
    let Settings::Put(put) = command;
    let (name, acting) = match put {
        Put::Management(options) => ("management", &options.acting),
        Put::Credentials(options) => ("credentials", &options.from.acting),
        Put::Ca(options) => ("ca", &options.acting),
    };
    let store = context.connector.store();
    let place = context.place().await;
    let question = || confirm(acting, &place, &format!("Store `{name}` of platform {}?", context.platform));
    let mut login = None;
    let open = match put {
        Put::Management(options) => {
            let json = options.json();
            let open = store.check_management(&json).await?;
            output::note(&json);
            question()?;
            store.put_management(&json).await?;
            open
        }
        Put::Credentials(options) => {
            let secret = options.from.read()?;
            let open = store.check_credentials(&secret).await?;
            if !options.without_login {
                login = Some(log_in(context, &secret).await?);
            }
            question()?;
            store.put_credentials(&secret).await?;
            open
        }
        Put::Ca(options) => {
            let pem = options.read()?;
            let open = store.check_ca(&pem).await?;
            question()?;
            store.put_ca(&pem).await?;
            open
        }
    };
    let recorded = record(context, acting, &format!("settings: {name} stored")).await;
    if output.json {
        output::json(
            &json!({"schema": 1, "platform": context.platform, "stored": name, "open": open, "logged_in": login}),
        );
    } else {
        output::text(&format!("stored /spillway/{}/{name}\n", context.platform));
        if let Some(open) = open {
            output::note(&format!("still to be done: {open}"));
        }
    }
    if let Err(failure) = recorded {
        output::note(&format!("the history has no line about this: {failure}"));
    }
    Ok(Exit::Done)
}

/// Tries credentials at the Management Node before they are stored; gives whether that was possible.
///
/// # Errors
/// It refuses them, or does not answer. Nothing was stored.
async fn log_in(context: &Context, secret: &SecretString) -> Result<bool, Failure> {
    let Some(settings) = context.connector.store().read_management(Some(secret)).await? else {
        output::note("not tried: how the Management Node is reached is not stored yet");
        return Ok(false);
    };
    let management = context.connector.management_at(settings)?;
    let platform =
        management.read_platform(PlatformScope { shards: false }).await.map_err(|fault| refused(&fault))?;
    output::note(&format!("logged in at {}, version {}", platform.address, platform.version));
    Ok(true)
}

/// Why credentials are not stored.
fn refused(fault: &Fault) -> Failure {
    let (exit, what, remedy) = match fault.kind {
        FaultKind::Unauthorized => {
            let remedy = "check user name and password, or client and key";
            (Exit::Usage, "the Management Node refuses these credentials", remedy.to_owned())
        }
        FaultKind::Forbidden => {
            (Exit::Usage, "the account may not read what Spillway needs", fault.remedy.clone())
        }
        _ => (Exit::Failed, "whether the credentials are right could not be tried", fault.remedy.clone()),
    };
    let all_the_same = "to store them all the same, add --without-login";
    let remedy = [remedy.as_str(), all_the_same].into_iter().filter(|text| !text.is_empty());
    Failure::new(exit, format!("{what}; nothing was stored: {fault}"))
        .remedy(remedy.collect::<Vec<_>>().join("; "))
}

impl Management {
    fn json(&self) -> String {
        let Self { addresses, authentication, pin_sha256, token_audience, acting: _ } = self;
        let mut value = json!({"addresses": addresses, "authentication": authentication});
        if let Some(pin) = pin_sha256 {
            value["pin_sha256"] = Value::from(pin.as_str());
        }
        if let Some(audience) = token_audience {
            value["token_audience"] = Value::from(audience.as_str());
        }
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use spillway_core::fault::System;

    use super::*;

    #[test]
    fn credentials_that_are_refused_are_not_stored_and_how_to_store_them_all_the_same_is_said() {
        let table = [
            (FaultKind::Unauthorized, Exit::Usage, "refuses these credentials"),
            (FaultKind::Forbidden, Exit::Usage, "may not read"),
            (FaultKind::Unreachable, Exit::Failed, "could not be tried"),
        ];
        for (kind, exit, says) in table {
            let failure = refused(&Fault::new(System::ManagementNode, kind, "GET /api/admin: 401"));
            assert_eq!(failure.exit, exit, "{kind:?}");
            assert!(
                failure.message.contains(says) && failure.message.contains("nothing was stored"),
                "{failure}"
            );
            assert!(
                failure.remedy.ends_with("to store them all the same, add --without-login"),
                "{}",
                failure.remedy
            );
        }
    }
}

//! Serves a simulated Management Node that any Pexip client can be pointed at. The platform, its callers and its
//! faults come from a platform file, or are the built-in ones; the world moves on by itself, at the speed asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use spillway_pexip_model::Row;
use spillway_pexip_server::{Account, Faults, ManagementServer, Rights, Running, ServeOptions};
use spillway_simulate::platform_file::{LoadSpec, PlatformFile};
use spillway_world::{Paced, SharedWorld};

/// Serve a simulated Pexip Management Node over HTTPS (or HTTP).
///
/// Without a platform file: location London with 3 always-on nodes that overflows to AWS burst with 7 overflow nodes, and
/// the built-in weekday of callers from now on. Its format is described in shared/sim/simulate/README.md.
#[derive(Debug, Parser)]
#[command(name = "simulate", version)]
struct Options {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Speak plain HTTP instead of HTTPS
    #[arg(long)]
    http: bool,
    /// Platform file (JSON)
    #[arg(long, value_name = "FILE")]
    platform: Option<PathBuf>,
    /// Where to write the certificate of the CA made for this run
    #[arg(long, value_name = "FILE", default_value = "ca.pem")]
    ca_out: PathBuf,
    /// Another host name or address that the node is reached by (for its certificate and token audience); repeatable
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Account for basic authentication
    #[arg(long, default_value = "admin")]
    user: String,
    /// File with its password; without it the password is `admin`
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Also serve an account `readonly` with the same password, that may only read
    #[arg(long)]
    read_only_account: bool,
    /// Seed of everything that is drawn (over the platform file's)
    #[arg(long)]
    seed: Option<u64>,
    /// Seconds of the world per real second (over the platform file's)
    #[arg(long)]
    speed: Option<f64>,
    /// Turn Pexip's own bursting on (over the platform file's); while it is off, the `cloud_*` lists are empty
    #[arg(long)]
    bursting: bool,
    /// Also listen here for the test API: GET /sim/world, POST /sim/instances
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut platform = match &options.platform {
        Some(path) => PlatformFile::read(path)?,
        None => {
            PlatformFile { load: Some(LoadSpec::Weekday { peak: 120, days: 7 }), ..PlatformFile::default() }
        }
    };
    platform.seed = options.seed.or(platform.seed);
    platform.bursting.enabled |= options.bursting;
    let speed = options.speed.or(platform.speed).unwrap_or(1.0);
    anyhow::ensure!(
        speed > 0.0 && speed <= 100_000.0,
        "the speed is {speed}; give a number above 0, at most 100000"
    );

    let world = platform.world(Timestamp::now())?;
    let began = Instant::now();
    let paced = Paced::new(world.clone(), speed, move || began.elapsed());
    let server =
        ManagementServer::start(Arc::new(Mutex::new(paced)), serve_options(&options, &platform)?).await?;
    prepare(&server, &platform)?;
    let control = match options.control {
        Some(address) => Some(open_control(address, world, speed, began).await?),
        None => None,
    };
    announce(&options, &server, control, speed);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = tick.tick() => server.tick(),
            stopped = tokio::signal::ctrl_c() => {
                stopped.context("cannot wait for the signal to stop")?;
                break;
            }
        }
    }
    server.stop().await;
    Ok(())
}

fn serve_options(options: &Options, platform: &PlatformFile) -> anyhow::Result<ServeOptions> {
    let password = match &options.password_file {
        None => SecretString::from("admin"),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the password from {}", path.display()))?;
            SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned())
        }
    };
    anyhow::ensure!(
        !password.expose_secret().is_empty(),
        "the password file is empty: put a password into it"
    );
    let mut accounts =
        vec![Account { name: options.user.clone(), password: password.clone(), rights: Rights::ReadWrite }];
    if options.read_only_account {
        accounts.push(Account { name: "readonly".into(), password, rights: Rights::ReadOnly });
    }
    let mut made = ServeOptions {
        listen: options.listen,
        https: !options.http,
        ca_out: (!options.http).then(|| options.ca_out.clone()),
        accounts,
        faults: Faults::new(platform.faults.clone()),
        ..ServeOptions::default()
    };
    made.names.extend(options.names.iter().cloned());
    let api = &platform.api;
    made.max_limit = api.max_limit.unwrap_or(made.max_limit);
    made.command_status = api.command_status.unwrap_or(made.command_status);
    made.forbidden_status = api.forbidden_status.unwrap_or(made.forbidden_status);
    made.audience = api.audience.unwrap_or(made.audience);
    made.key_form = api.private_key.unwrap_or(made.key_form);
    if let Some(kind) = &api.document_type {
        made.document_type = kind.clone().into();
    }
    if let Some(seconds) = api.read_timeout_s {
        made.read_timeout = Duration::from_secs(seconds);
    }
    if let Some(limit) = api.rate_limit {
        made.rate_limit = (limit > 0).then_some(limit);
    }
    Ok(made)
}

/// Writes the keys of the platform file's OAuth2 clients and applies its authentication settings.
fn prepare(server: &Running, platform: &PlatformFile) -> anyhow::Result<()> {
    for client in &platform.oauth2_clients {
        let made = server.issue_client(&client.name, client.client_id.clone(), client.rights)?;
        let path = &client.private_key_out;
        std::fs::write(path, made.private_key.expose_secret())
            .with_context(|| format!("cannot write the private key to {}", path.display()))?;
        say(&format!(
            "OAuth2 client {} is {}, its private key is in {}",
            client.name,
            made.client_id,
            path.display()
        ));
    }
    let mut settings = Row::new();
    if platform.api.disable_basic {
        settings.insert("api_oauth2_disable_basic".into(), json!(true));
    }
    if let Some(lifetime) = platform.api.token_lifetime_s {
        settings.insert("api_oauth2_expiration".into(), json!(lifetime));
    }
    server.set("authentication", settings);
    Ok(())
}

async fn open_control(
    address: SocketAddr,
    world: SharedWorld,
    speed: f64,
    began: Instant,
) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} for the test API"))?;
    let address = listener.local_addr()?;
    let paced = Paced::new(world.clone(), speed, move || began.elapsed());
    let routes = spillway_simulate::control::router(world, move || {
        paced.catch_up();
    });
    tokio::spawn(async move {
        // The listener never fails.
        let _ = axum::serve(listener, routes).await;
    });
    Ok(address)
}

fn announce(options: &Options, server: &Running, control: Option<SocketAddr>, speed: f64) {
    say(&format!("Management Node: {}", server.base_url));
    if !options.http {
        say(&format!("CA certificate: {}", options.ca_out.display()));
    }
    if let Some(address) = control {
        say(&format!("Test API: http://{address}"));
    }
    let password = if options.password_file.is_some() { "the file's" } else { "admin" };
    say(&format!("Account: {}, password: {password}; clock speed: {speed}", options.user));
    let ca = if options.http { String::new() } else { format!("--cacert {} ", options.ca_out.display()) };
    let example = "/api/admin/status/v1/worker_vm/";
    say(&format!("Try: curl {ca}-u {} '{}{example}'", options.user, server.base_url));
}

#[expect(clippy::print_stdout, reason = "a program's own output")]
fn say(line: &str) {
    println!("{line}");
}

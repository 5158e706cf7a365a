//! What the stack tells the function. Everything else is in Parameter Store, where it can change without a
//! deployment.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The environment variables of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `SPILLWAY_PLATFORM`: which platform; the settings are under `/spillway/<platform>/`.
    pub platform: String,
    /// `SPILLWAY_TABLE`: the ledger's table.
    pub table: String,
    /// `SPILLWAY_TIMEOUT_SECONDS`: the function's timeout, 45 s unless the template says otherwise. Lambda's own
    /// deadline is not used: local emulators give one that is no time at all.
    pub timeout: Duration,
}

impl Environment {
    /// Reads the variables that the template sets.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong, and what it is for.
    pub fn read() -> Result<Self> {
        Self::from(|name| std::env::var(name).ok())
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let required = |name: &str, what: &str| {
            variable(name)
                .filter(|value| !value.trim().is_empty())
                .with_context(|| format!("{name} is not set: it names {what}; the SAM template sets it"))
        };
        let seconds: u64 = match variable("SPILLWAY_TIMEOUT_SECONDS") {
            None => 45,
            Some(text) => text.parse().with_context(|| {
                format!("SPILLWAY_TIMEOUT_SECONDS is {text:?}; write whole seconds, 10 to 50")
            })?,
        };
        // A lease lasts 55 s: a function that may run longer could act after somebody else took over.
        ensure!((10..=50).contains(&seconds), "SPILLWAY_TIMEOUT_SECONDS is {seconds}; it must be 10 to 50");
        Ok(Self {
            platform: required(
                "SPILLWAY_PLATFORM",
                "the platform whose settings are under /spillway/<platform>/",
            )?,
            table: required("SPILLWAY_TABLE", "the DynamoDB table of the ledger")?,
            timeout: Duration::from_secs(seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Environment> {
        Environment::from(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_missing_variable_is_named_with_what_it_is_for() {
        let complete = [("SPILLWAY_PLATFORM", "acme"), ("SPILLWAY_TABLE", "t")];
        assert_eq!(read(&complete).unwrap().timeout, Duration::from_secs(45));
        for missing in ["SPILLWAY_PLATFORM", "SPILLWAY_TABLE"] {
            let rest: Vec<_> = complete.into_iter().filter(|(name, _)| *name != missing).collect();
            assert!(read(&rest).unwrap_err().to_string().contains(missing));
        }
    }

    #[test]
    fn a_timeout_beyond_the_lease_is_refused() {
        for wrong in ["9", "51", "soon", "-1"] {
            let pairs =
                [("SPILLWAY_PLATFORM", "a"), ("SPILLWAY_TABLE", "t"), ("SPILLWAY_TIMEOUT_SECONDS", wrong)];
            assert!(
                format!("{:#}", read(&pairs).unwrap_err()).contains("SPILLWAY_TIMEOUT_SECONDS"),
                "{wrong}"
            );
        }
    }
}

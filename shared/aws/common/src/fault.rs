//! Words for a failed call. The kind is decided by AWS's error code, else by what the transport says; the detail
//! repeats AWS's own message except where that message can hold a secret.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use spillway_core::fault::{Fault, FaultKind, System};

/// A message longer than this says nothing more to a person; encoded authorization messages run to kilobytes.
const LONGEST_MESSAGE: usize = 400;

/// What was asked, as IAM calls it: what an operator has to allow when it is refused.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The system.
    pub system: System,
    /// The IAM action, `dynamodb:Query`.
    pub action: &'a str,
    /// What it was about, `table spillway-prod`.
    pub resource: &'a str,
}

/// The service's error code, where the service answered with one.
pub fn code_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// The service's message, whole, without what could be a secret: the refusal of a signature repeats the signed
/// request, and with it the session token.
pub fn message_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let Some(service) = error.as_service_error() else { return String::new() };
    if service.code().is_some_and(is_signature_code) {
        return "the request's signature was not accepted".to_owned();
    }
    service.message().unwrap_or_default().trim().to_owned()
}

/// The fault for a failed call.
pub fn fault_of<E>(call: Call<'_>, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            if (200..300).contains(&status) {
                return unreadable(call, status);
            }
            from_service(call, code_of(error).unwrap_or_default(), &message_of(error), status)
        }
        SdkError::TimeoutError(_) => unanswered(call),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => unanswered(call),
        SdkError::ResponseError(response) => unreadable(call, response.raw().status().as_u16()),
        _ => from_transport(call, &chain_of(error)),
    }
}

fn unreadable(Call { system, action, resource }: Call<'_>, status: u16) -> Fault {
    Fault::new(
        system,
        FaultKind::Malformed,
        format!("{action} on {resource}: the answer (HTTP {status}) could not be read"),
    )
    .with_remedy("check AWS_ENDPOINT_URL, if it is set, and any proxy between here and AWS")
}

fn unanswered(Call { system, action, resource }: Call<'_>) -> Fault {
    Fault::new(system, FaultKind::Timeout, format!("{action} on {resource}: no answer in time")).with_remedy(
        "if this lasts, check the function's way out of its VPC (NAT gateway or VPC endpoint) and its security group",
    )
}

fn from_transport(call: Call<'_>, chain: &str) -> Fault {
    let Call { system, action, resource } = call;
    let lower = chain.to_lowercase();
    let about = format!("{action} on {resource}");
    // No typed error says "there are no credentials": the providers' errors are told apart by their words. The
    // words are not repeated, since a provider's message may quote its input.
    if lower.contains("credential") || lower.contains("identity") {
        return Fault::new(system, FaultKind::Unauthorized, format!("{about}: no usable AWS credentials"))
            .with_remedy(
                "give the function a role, or sign in (`aws sts get-caller-identity` shows who you are)",
            );
    }
    if lower.contains("certificate") {
        return Fault::new(system, FaultKind::Certificate, format!("{about}: {}", clip(chain)))
            .with_remedy("check AWS_CA_BUNDLE and any proxy between here and AWS");
    }
    if lower.contains("region") && !lower.contains("connect") {
        return Fault::new(system, FaultKind::Setting, format!("{about}: {}", clip(chain)))
            .with_remedy("set AWS_REGION");
    }
    Fault::new(system, FaultKind::Unreachable, format!("{about}: {}", clip(chain))).with_remedy(
        "check the network's way to AWS (NAT gateway or VPC endpoint) and AWS_ENDPOINT_URL, if it is set",
    )
}

fn from_service(call: Call<'_>, code: &str, message: &str, status: u16) -> Fault {
    let Call { system, action, resource } = call;
    let kind = kind_of(code, status);
    let message = clip(message);
    let code = if code.is_empty() { format!("HTTP {status}") } else { code.to_owned() };
    let fault = Fault::new(system, kind, format!("{action} on {resource}: {code}: {message}"));
    match kind {
        FaultKind::Forbidden => {
            fault.with_remedy(format!("allow {action} on {resource} in the role that runs this"))
        }
        FaultKind::Unauthorized if code.starts_with("Expired") || code == "RequestExpired" => {
            fault.with_remedy("the credentials have expired: sign in again")
        }
        FaultKind::Unauthorized => fault.with_remedy(
            "check the credentials in use (`aws sts get-caller-identity` shows who you are) and the clock",
        ),
        _ => fault,
    }
}

fn is_signature_code(code: &str) -> bool {
    matches!(
        code,
        "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
    )
}

/// The kind behind an error code. The codes are those of AWS's *Common errors* pages for the JSON and the query
/// protocol, which name the same thing differently.
fn kind_of(code: &str, status: u16) -> FaultKind {
    match code {
        "ResourceNotFoundException" | "ParameterNotFound" | "TableNotFoundException" => FaultKind::NotFound,
        "AccessDeniedException"
        | "AccessDenied"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "OptInRequired"
        | "KMSAccessDeniedException" => FaultKind::Forbidden,
        "AuthFailure"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidAccessKeyId" => FaultKind::Unauthorized,
        code if is_signature_code(code) => FaultKind::Unauthorized,
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottlingError"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "SlowDown" => FaultKind::Throttled,
        _ if status == 429 => FaultKind::Throttled,
        _ if status >= 500 => FaultKind::Server,
        _ if status == 401 => FaultKind::Unauthorized,
        _ if status == 403 => FaultKind::Forbidden,
        _ => FaultKind::Rejected,
    }
}

/// The error and its causes in one line, without repeats.
fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// The text, cut between characters where it is longer than a person reads.
pub fn clip(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const CALL: Call<'static> =
        Call { system: System::Ledger, action: "dynamodb:Query", resource: "table spillway" };

    fn service(code: &str, message: &str, status: u16) -> SdkError<ErrorMetadata, HttpResponse> {
        let raw = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        SdkError::service_error(ErrorMetadata::builder().code(code).message(message).build(), raw)
    }

    #[test]
    fn codes_have_kinds() {
        for (code, status, kind) in [
            ("ResourceNotFoundException", 400, FaultKind::NotFound),
            ("AccessDeniedException", 400, FaultKind::Forbidden),
            ("UnauthorizedOperation", 403, FaultKind::Forbidden),
            ("AuthFailure", 401, FaultKind::Unauthorized),
            ("ExpiredTokenException", 400, FaultKind::Unauthorized),
            ("UnrecognizedClientException", 400, FaultKind::Unauthorized),
            ("ThrottlingException", 400, FaultKind::Throttled),
            ("RequestLimitExceeded", 503, FaultKind::Throttled),
            ("ProvisionedThroughputExceededException", 400, FaultKind::Throttled),
            ("InternalServerError", 500, FaultKind::Server),
            ("ServiceUnavailable", 503, FaultKind::Server),
            ("ValidationException", 400, FaultKind::Rejected),
            ("", 403, FaultKind::Forbidden),
            ("", 502, FaultKind::Server),
        ] {
            assert_eq!(fault_of(CALL, &service(code, "because", status)).kind, kind, "{code} {status}");
        }
    }

    #[test]
    fn a_missing_right_is_named() {
        let fault = fault_of(CALL, &service("AccessDeniedException", "User: x is not authorized", 400));
        assert_eq!(fault.remedy, "allow dynamodb:Query on table spillway in the role that runs this");
        assert_eq!(
            fault.to_string(),
            "ledger (DynamoDB): dynamodb:Query on table spillway: AccessDeniedException: User: x is not authorized"
        );
    }

    #[test]
    fn a_refused_signature_does_not_repeat_the_session_token() {
        let message =
            "The Canonical String for this request should have been 'POST / x-amz-security-token:IQoJb3Jp'";
        let fault = fault_of(CALL, &service("InvalidSignatureException", message, 403));
        assert_eq!(fault.kind, FaultKind::Unauthorized);
        assert!(!format!("{fault:?}").contains("IQoJb3Jp"), "{fault:?}");
    }

    #[test]
    fn transport_failures_have_kinds() {
        let dispatch =
            |error: ConnectorError| SdkError::<ErrorMetadata, HttpResponse>::dispatch_failure(error);
        for (error, kind) in [
            (dispatch(ConnectorError::timeout("slow".into())), FaultKind::Timeout),
            (dispatch(ConnectorError::io("connection refused".into())), FaultKind::Unreachable),
            (
                dispatch(ConnectorError::other("no credentials in the chain".into(), None)),
                FaultKind::Unauthorized,
            ),
            (
                dispatch(ConnectorError::io("invalid peer certificate: UnknownIssuer".into())),
                FaultKind::Certificate,
            ),
            (SdkError::timeout_error("late"), FaultKind::Timeout),
            (SdkError::construction_failure("Invalid Configuration: Missing Region"), FaultKind::Setting),
        ] {
            let fault = fault_of(CALL, &error);
            assert_eq!(fault.kind, kind, "{fault}");
            assert!(!fault.remedy.is_empty(), "{fault}");
        }
    }

    #[test]
    fn long_messages_are_clipped_between_characters() {
        assert_eq!(clip(&"é".repeat(1_000)).chars().count(), LONGEST_MESSAGE + 1);
        assert_eq!(clip(" short "), "short");
    }
}

//! Token endpoints that grant no token, in sentences. No part of a login stands in any of them.

use crate::net::tls::Cause;
use crate::net::{ConnectError, reason};
use crate::oauth::{ClientAuthentication, Grant, OAuthError, Unusable};
use crate::term::{Foreign, plural};

use super::ways::proxy;
use super::{Attempted, Finding};

/// Why there is no token from the endpoint of `grant`. `now` is in seconds since 1970.
pub fn not_granted(error: &OAuthError, grant: &Grant, now: i64) -> Finding {
    let at = format!("the token endpoint {}", grant.url);
    match error {
        OAuthError::Connect(error) => not_reached(error, &at, grant, now),
        OAuthError::TimedOut(limit) => {
            Finding::error("oauth.timeout", format!("{at} gave no answer within {} s", limit.as_secs_f64()))
                .fix("is it the right URL, and the server up? pub, sub and rr wait longer by --connect-timeout, check and qshape by --timeout")
        }
        OAuthError::Http(error) => {
            Finding::error("oauth.not-an-endpoint", format!("{at} does not speak HTTP as it should: {error}"))
                .fix("are host and port those of the OAuth server?")
        }
        OAuthError::TooLarge { limit } => Finding::error(
            "oauth.too-large",
            format!("{at} answers with more than {}", plural(*limit as u64, "byte")),
        )
        .fix("is it the right URL? an answer with a token is short"),
        OAuthError::Unsendable => Finding::error(
            "oauth.refused",
            "client id and secret cannot be sent to the token endpoint: a header cannot hold them",
        )
        .fix("are they copied whole, without line ends?"),
        OAuthError::Answer(why) => unusable(why, &at, grant),
    }
}

fn not_reached(error: &ConnectError, at: &str, grant: &Grant, now: i64) -> Finding {
    match error {
        ConnectError::Proxy { proxy: on_the_way, error } => {
            let attempted = Attempted { endpoint: &grant.route.endpoint, tls: None, websocket: None, now };
            proxy(on_the_way, error, &attempted)
        }
        ConnectError::Tls(failure) => {
            let finding = Finding::error("oauth.tls", format!("there is no TLS session with {at}: {failure}"));
            match failure.cause {
                Cause::Certificate => {
                    finding.fix("if its CA is not one of the operating system's: --oauth-cafile FILE")
                }
                Cause::NotTls | Cause::Closed if failure.seen.speaks_tls() != Some(true) => {
                    finding.fix("is its port right? http:// is for this machine alone")
                }
                _ => finding.fix("openssl s_client -connect HOST:PORT shows what it offers"),
            }
        }
        ConnectError::Lookup { name, error } => {
            Finding::error("oauth.not-reached", format!("{at}: the name {name} has no address: {}", reason(error)))
                .fix("check the spelling in --oauth-token-url")
        }
        error => Finding::error("oauth.not-reached", format!("{at} cannot be reached: {error}"))
            .fix("are host and port in --oauth-token-url right? where only a proxy leads there: HTTPS_PROXY"),
    }
}

fn unusable(why: &Unusable, at: &str, grant: &Grant) -> Finding {
    match why {
        Unusable::Refused { error, description } => {
            let mut what = format!("{at} refuses: {}", Foreign::new(error));
            if !description.is_empty() {
                what = format!("{what}: {}", Foreign::new(description));
            }
            Finding::error("oauth.refused", what).fix(what_to_do(error, grant))
        }
        Unusable::Busy { status, error } => {
            let said = if error.is_empty() { String::new() } else { format!(": {}", Foreign::new(error)) };
            Finding::error("oauth.unavailable", format!("{at} issues no tokens for now: HTTP {status}{said}"))
                .fix("try again later; the server's own log says more")
        }
        Unusable::Moved { status, to } if to.is_empty() => not_an_endpoint(format!("{at} redirects: HTTP {status}")),
        Unusable::Moved { status, to } => Finding::error(
            "oauth.not-an-endpoint",
            format!("{at} redirects to {}: HTTP {status}; the secret is not sent on", Foreign::new(to)),
        )
        .fix("if that is the token endpoint, give its URL"),
        Unusable::Foreign { status: 404 | 405, .. } => {
            not_an_endpoint(format!("{at} is none: the server has no such path for requests of this kind"))
        }
        Unusable::Foreign { status, is_html: true } => {
            not_an_endpoint(format!("{at} answers with a web page (HTML), HTTP {status}"))
        }
        Unusable::Foreign { status, is_html: false } => {
            not_an_endpoint(format!("{at} answers with what is no JSON of OAuth, HTTP {status}"))
        }
        Unusable::NoToken => Finding::error("oauth.no-token", format!("the answer of {at} has no access_token in it"))
            .fix("is it the token endpoint, and not another of the server's?"),
        Unusable::Token => Finding::error(
            "oauth.no-token",
            format!(
                "the access_token of {at} cannot be a password: it has blanks or control characters, or more than 65,535 bytes"
            ),
        ),
        Unusable::TokenType(kind) => Finding::error(
            "oauth.token-type",
            format!(
                "{at} gives tokens of the type `{}`, and a password can only be one of type Bearer",
                Foreign::new(kind)
            ),
        )
        .fix("ask who runs the server for bearer tokens for this client"),
    }
}

fn not_an_endpoint(what: String) -> Finding {
    Finding::error("oauth.not-an-endpoint", what).fix(
        "the server names its own as token_endpoint, in /.well-known/openid-configuration: Keycloak has /realms/NAME/protocol/openid-connect/token, Entra /TENANT/oauth2/v2.0/token, Auth0 /oauth/token",
    )
}

/// RFC 6749, 5.2.
fn what_to_do(error: &str, grant: &Grant) -> &'static str {
    match (error, grant.authentication) {
        ("invalid_client", ClientAuthentication::Basic) => {
            "are --oauth-client-id and the secret right? some servers want them in the form: --oauth-client-auth post"
        }
        ("invalid_client", ClientAuthentication::Post) => {
            "are --oauth-client-id and the secret right? some servers want them as HTTP Basic: --oauth-client-auth basic"
        }
        ("unauthorized_client" | "unsupported_grant_type", _) => {
            "the server has to allow this client the grant client_credentials"
        }
        ("invalid_scope", _) => "is --oauth-scope right? Entra wants one that ends in /.default",
        ("invalid_target" | "access_denied", _) => "is --oauth-audience right, and may this client have tokens for it?",
        ("invalid_request", _) => "some servers want --oauth-scope or --oauth-audience, or --oauth-client-auth post",
        _ => "the server's log says more",
    }
}

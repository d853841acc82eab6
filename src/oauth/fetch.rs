//! Asking a token endpoint.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LOCATION, USER_AGENT};
use tokio::time::timeout;

use super::answer::{self, Answer, Unusable};
use super::grant::{Grant, Granted};
use crate::http::{self, OpenError, encode};
use crate::net::ConnectError;

/// Bytes of an answer; a token with all that stands beside it has a few thousand.
const ANSWER_LIMIT: usize = 256 * 1024;

/// Why there is no token.
#[derive(Debug)]
pub enum OAuthError {
    Connect(ConnectError),
    TimedOut(Duration),
    /// What answers breaks HTTP, or hangs up in the middle.
    Http(hyper::Error),
    TooLarge {
        limit: usize,
    },
    /// Client id or secret cannot stand in a header.
    Unsendable,
    Answer(Unusable),
}

/// Asks for a token.
pub async fn fetch(grant: &Grant) -> Result<Granted, OAuthError> {
    let limit = grant.route.timeout;
    timeout(limit, ask(grant)).await.unwrap_or(Err(OAuthError::TimedOut(limit)))
}

async fn ask(grant: &Grant) -> Result<Granted, OAuthError> {
    let secret = grant.secret.current();
    let authorization = grant.authorization(&secret);
    let mut request = Request::post(grant.url.target.clone())
        .header(HOST, grant.url.authority())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(USER_AGENT, http::USER_AGENT);
    if let Some(text) = &authorization {
        let mut value = HeaderValue::from_str(text).map_err(|_| OAuthError::Unsendable)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let body = Bytes::copy_from_slice(grant.form(&secret).as_bytes());
    let request = request.body(Full::new(body)).map_err(|_| OAuthError::Unsendable)?;
    let mut sender = http::open(&grant.route).await.map_err(|error| match error {
        OpenError::Connect(error) => OAuthError::Connect(error),
        OpenError::Protocol(error) => OAuthError::Http(error),
    })?;
    let response = sender.send_request(request).await.map_err(OAuthError::Http)?;
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION).cloned();
    let mut incoming = response.into_body();
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(bytes) = frame.map_err(OAuthError::Http)?.into_data() else { continue };
        if body.len() + bytes.len() > ANSWER_LIMIT {
            return Err(OAuthError::TooLarge { limit: ANSWER_LIMIT });
        }
        body.extend_from_slice(&bytes);
    }
    let encoded = encode(secret.expose());
    let basic = authorization.as_ref().and_then(|text| text.strip_prefix("Basic "));
    let pair = grant.raw_pair(&secret);
    let secrets = [Some(secret.expose()), Some(encoded.as_bytes()), basic.map(str::as_bytes), Some(pair.as_bytes())];
    let secrets: Vec<&[u8]> = secrets.into_iter().flatten().collect();
    let answer = Answer { status, location: location.as_ref().map_or(&[], HeaderValue::as_bytes), body: &body };
    answer::judge(&answer, &secrets).map_err(OAuthError::Answer)
}

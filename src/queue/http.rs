//! GET requests to a broker's HTTP API, and nothing but GET: several brokers remove a client at the
//! same address with another method. Answers are JSON, bounded in size and time.

use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use hyper::{Request, Uri};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::{Instant, timeout, timeout_at};

use super::split::{Place, SplitError, Splitter};
use crate::http::{self, OpenError};
use crate::net::{ConnectError, Route};
use crate::term::Secret;

/// The most bytes of all answers together: several millions of clients with all their fields.
const MAX_TOGETHER: u64 = 512 * 1024 * 1024;
/// All requests together may take this many times what one may.
const ALL_REQUESTS: u32 = 60;
/// Bytes of a refusal that are shown.
const MAX_SHOWN: usize = 200;

/// Where an API is and how to speak to it.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its timeout is that of one request, the connection included.
    pub route: Route,
    /// `USER:PASSWORD`, or one token without a colon.
    pub credentials: Option<Secret>,
}

/// Why a request has no answer.
#[derive(Debug)]
pub enum HttpError {
    Connect(ConnectError),
    Timeout(Duration),
    Protocol(hyper::Error),
    /// Not 200; with the start of what the server said.
    Status {
        code: u16,
        path: String,
        said: String,
    },
    /// More than is taken of one answer, or of one element of its list.
    TooLong {
        path: String,
    },
    /// The connection ended within it.
    BrokenOff {
        path: String,
    },
    /// All answers together have more bytes than are taken.
    TooMuch {
        bytes: u64,
    },
    /// All requests together took longer than this.
    TooSlow(Duration),
    /// Not JSON, or JSON of another shape than this API has.
    NotUnderstood {
        path: String,
    },
    System(std::io::Error),
}

/// An API that is spoken to over one connection after the other.
pub struct Api {
    address: Address,
    runtime: Runtime,
    sender: Option<SendRequest<Empty<Bytes>>>,
    /// When all must be done.
    deadline: Option<Instant>,
    /// Bytes of answers so far.
    received: u64,
}

impl Api {
    pub fn new(address: Address) -> Result<Self, HttpError> {
        let runtime = crate::os::runtime::on_this_thread().map_err(HttpError::System)?;
        Ok(Self { address, runtime, sender: None, deadline: None, received: 0 })
    }

    /// `HOST:PORT`, for people.
    pub fn place(&self) -> String {
        self.address.route.endpoint.to_string()
    }

    /// The JSON at `path`, query included.
    pub fn get(&mut self, path: &str) -> Result<Value, HttpError> {
        self.split(path, Place::Nowhere, &mut |_| ()).map(|(value, _)| value)
    }

    /// Gives each element of the list that the answer at `path` holds to `each` while the answer arrives, and returns
    /// what is around them. More than `most` elements are an error.
    pub fn list(
        &mut self,
        path: &str,
        place: Place,
        most: usize,
        each: &mut dyn FnMut(&Value),
    ) -> Result<Value, HttpError> {
        let mut count = 0;
        let counted = &mut |element: &Value| {
            count += 1;
            if count <= most {
                each(element);
            }
        };
        let (rest, was_found) = self.split(path, place, counted)?;
        let path = path.to_owned();
        match was_found {
            true if count > most => Err(HttpError::TooLong { path }),
            true => Ok(rest),
            false => Err(HttpError::NotUnderstood { path }),
        }
    }

    fn split(&mut self, path: &str, place: Place, each: &mut dyn FnMut(&Value)) -> Result<(Value, bool), HttpError> {
        let limit = self.address.route.timeout;
        let sender = self.sender.take();
        let request = self.request(path);
        let route = &self.address.route;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + limit * ALL_REQUESTS);
        let mut answer = Answer { path, splitter: Splitter::new(place), each, limit, received: &mut self.received };
        let answered = self.runtime.block_on(async {
            timeout_at(deadline, answer.exchange(sender, route, request))
                .await
                .unwrap_or(Err(HttpError::TooSlow(limit * ALL_REQUESTS)))
        });
        self.sender = Some(answered?);
        answer.splitter.finish().map_err(|error| not_split(error, path))
    }

    fn request(&self, path: &str) -> Option<Request<Empty<Bytes>>> {
        let mut request = Request::get(path.parse::<Uri>().ok()?)
            .header(HOST, self.place())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, http::USER_AGENT);
        if let Some(secret) = &self.address.credentials {
            request = request.header(AUTHORIZATION, authorization(secret));
        }
        request.body(Empty::new()).ok()
    }
}

fn authorization(secret: &Secret) -> String {
    let bytes = secret.expose();
    if bytes.contains(&b':') {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(bytes))
    } else {
        format!("Bearer {}", String::from_utf8_lossy(bytes))
    }
}

fn not_split(error: SplitError, path: &str) -> HttpError {
    let path = path.to_owned();
    match error {
        SplitError::Malformed => HttpError::NotUnderstood { path },
        SplitError::TooLong => HttpError::TooLong { path },
    }
}

/// One answer on its way.
struct Answer<'a> {
    path: &'a str,
    splitter: Splitter,
    each: &'a mut dyn FnMut(&Value),
    /// How long the server may be silent.
    limit: Duration,
    received: &'a mut u64,
}

impl Answer<'_> {
    /// One request and its answer, over the connection of the request before if it still stands.
    async fn exchange(
        &mut self,
        sender: Option<SendRequest<Empty<Bytes>>>,
        route: &Route,
        request: Option<Request<Empty<Bytes>>>,
    ) -> Result<SendRequest<Empty<Bytes>>, HttpError> {
        let request = request.ok_or_else(|| HttpError::NotUnderstood { path: self.path.to_owned() })?;
        let limit = self.limit;
        let silent = |_| HttpError::Timeout(limit);
        let begun = async {
            let mut sender = match still_open(sender).await {
                Some(sender) => sender,
                None => open(route).await?,
            };
            let answer = sender.send_request(request).await.map_err(HttpError::Protocol)?;
            Ok((sender, answer))
        };
        let (sender, answer) = timeout(limit, begun).await.map_err(silent)??;
        let code = answer.status().as_u16();
        let mut body = answer.into_body();
        let mut refusal = Vec::new();
        while let Some(frame) = timeout(limit, body.frame()).await.map_err(silent)? {
            let frame = frame.map_err(|_| HttpError::BrokenOff { path: self.path.to_owned() })?;
            let Ok(bytes) = frame.into_data() else { continue };
            *self.received += bytes.len() as u64;
            if *self.received > MAX_TOGETHER {
                return Err(HttpError::TooMuch { bytes: MAX_TOGETHER });
            }
            if code == 200 {
                self.splitter.feed(&bytes, self.each).map_err(|error| not_split(error, self.path))?;
            } else if refusal.len() < MAX_SHOWN {
                refusal.extend_from_slice(&bytes);
            }
        }
        if code != 200 {
            let said = String::from_utf8_lossy(&refusal[..refusal.len().min(MAX_SHOWN)]).trim().to_owned();
            return Err(HttpError::Status { code, path: self.path.to_owned(), said });
        }
        Ok(sender)
    }
}

async fn still_open(sender: Option<SendRequest<Empty<Bytes>>>) -> Option<SendRequest<Empty<Bytes>>> {
    let mut sender = sender?;
    sender.ready().await.ok().map(|()| sender)
}

async fn open(route: &Route) -> Result<SendRequest<Empty<Bytes>>, HttpError> {
    http::open(route).await.map_err(|error| match error {
        OpenError::Connect(error) => HttpError::Connect(error),
        OpenError::Protocol(error) => HttpError::Protocol(error),
    })
}

/// A field as a number, also when the API writes it as text; 0 when it is not there.
pub fn number(value: &Value, field: &str) -> u64 {
    optional_number(value, field).unwrap_or(0)
}

pub fn optional_number(value: &Value, field: &str) -> Option<u64> {
    match value.get(field)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A field as text; empty when it is not there.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_with_a_colon_are_basic_and_others_a_token() {
        assert_eq!(authorization(&Secret::new("u:p")), "Basic dTpw");
        assert_eq!(authorization(&Secret::new("token")), "Bearer token");
    }
}

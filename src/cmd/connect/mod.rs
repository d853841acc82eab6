//! What every verb that reaches a broker, or its API, shares: the options, and from them to a route, TLS and a login.

pub mod api;
pub mod arg_error;
pub mod args;
pub mod bound_args;
mod bound_values;
pub mod checks;
pub mod data_args;
mod data_values;
pub mod environment;
pub mod login;
mod no_proxy;
pub mod oauth;
pub mod oauth_args;
pub mod options;
pub mod outcome;
pub mod properties;
pub mod proxy;
pub mod reach;
pub mod runtime;
pub mod tls;
pub mod unreadable;
pub mod valid;
pub mod values;
pub mod websocket;

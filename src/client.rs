//! A session over a stream: connect, publish, subscribe, next event.

//! How to reach a peer or be reached, TLS included; knows no packet.

//! The password file: parse, hash, verify, rewrite whole or not at all.

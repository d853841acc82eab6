//! Keys, certificates, chains: make, read, judge.

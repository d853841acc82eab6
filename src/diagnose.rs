//! Facts of a failure → cause and hint, by stable finding id.

//! What brokers leave on disk.

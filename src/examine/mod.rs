//! What is wrong with files, configurations, access rules, sessions and running brokers.
//!
//! Each judge gathers facts and findings, stage by stage, into a [`report::Report`]; none knows an option, and
//! none how a report looks.

pub mod acl;
pub mod config;
pub mod content;
pub mod files;
pub mod lint;
pub mod online;
pub mod preset;
pub mod report;
pub mod session;
pub mod spelling;
pub mod token;
pub mod verify;

//! One test binary: it mirrors the service. Everything runs on real databases, real HTTP and Apple's simulator.

mod graph;
mod storage;
mod support;

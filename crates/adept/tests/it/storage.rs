//! The storage: every test of the battery runs on SQLite and on PostgreSQL.

mod erased;
mod on_postgres;
mod on_sqlite;
mod sealing_key;

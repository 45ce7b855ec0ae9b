//! The importer of cluster files: the files of `clusters/`, each rule by itself, and arbitrary text.

mod brokers;
mod clusters;
mod compose;
mod fuzz;
mod images;
mod order;
mod plain;
mod plays;
mod properties;
mod rules;
mod shown;
mod together;

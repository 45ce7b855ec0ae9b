//! What a person would notice of Kafka's clients: transcripts against scripted brokers, and the tools' exact texts.

mod admin;
mod consumer;
mod load;
mod producer;
mod render;
mod scripted;

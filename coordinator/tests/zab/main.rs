//! One server on a bench, its peers and clients played by hand: what it says, does and asks of the disk, line by line.

mod client;
mod follower;
mod leader;
mod stage;
mod standalone;
mod synchronisation;

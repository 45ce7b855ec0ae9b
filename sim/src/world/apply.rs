//! Faults that need no machine: everything but the beginning and the end of lives.

use machine::Input;

use super::core::Core;
use super::fault::{ClockFault, DiskFault, Fault};

impl Core {
    /// Counts a fault in the fingerprint.
    pub(crate) fn record(&mut self, fault: &Fault) {
        let text = serde_json::to_string(fault).expect("a fault is plain data");
        self.fingerprint.tag(98);
        self.fingerprint.number(self.now);
        self.fingerprint.text(&text);
        self.fingerprint.fold();
    }

    pub(crate) fn apply(&mut self, fault: &Fault) {
        match fault {
            Fault::Stop { node } => self.enqueue(node.0, Input::Stop, 0),
            Fault::Pause { node } => {
                let there = &mut self.nodes[node.0 as usize];
                there.paused = there.up;
            }
            Fault::Resume { node } => {
                self.nodes[node.0 as usize].paused = false;
                self.serve_next(node.0);
            }
            Fault::Wipe { node } => self.nodes[node.0 as usize].drive.wipe(),
            Fault::Cut { from, to } => self.net.set_cut(*from, *to, true),
            Fault::Heal { from, to } => self.net.set_cut(*from, *to, false),
            Fault::HealAll => self.net.heal_all(),
            Fault::Latency { from, to, low, high } => {
                self.net.set_latency(*from, *to, low.as_micros(), high.as_micros());
            }
            Fault::Loss { from, to, per_million } => self.net.set_loss(*from, *to, *per_million),
            Fault::Bandwidth { from, to, bytes_per_second } => {
                self.net.set_bandwidth(*from, *to, *bytes_per_second);
            }
            Fault::Disk { node, fault } => {
                self.nodes[node.0 as usize].drive.apply(fault);
                if *fault == DiskFault::Resume {
                    self.resume_disk(node.0);
                }
            }
            Fault::Clock { node, change } => {
                let clock = &mut self.nodes[node.0 as usize].clock;
                match change {
                    ClockFault::Step { micros } => clock.step_wall(*micros),
                    ClockFault::Drift { ppm } => clock.drift(self.now, *ppm),
                }
                self.schedule_wake(node.0);
            }
            Fault::ServiceTime { node, per_input, per_byte_nanos } => {
                let there = &mut self.nodes[node.0 as usize];
                there.per_input = per_input.as_micros();
                there.per_byte_nanos = *per_byte_nanos;
            }
            Fault::Tamper { from, to } => self.net.tamper(*from, *to),
            Fault::Boot { .. }
            | Fault::Restart { .. }
            | Fault::Kill { .. }
            | Fault::PowerLoss { .. } => unreachable!("lives begin and end with their machines"),
        }
    }
}

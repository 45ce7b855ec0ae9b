//! Streams, files, clocks and chance mean the same in every environment: each case is played in the
//! simulated world and on real sockets and files.
//!
//! The live arm runs in real time, because real sockets are its subject.

mod arms;
mod files;
mod puppet;
mod streams;

use arms::Arm;

fn play(mut arm: impl Arm, case: fn(&mut dyn Arm)) {
    case(&mut arm);
    arm.finish();
}

/// One test per case and arm.
macro_rules! conform {
    ($($room:ident :: $case:ident),* $(,)?) => {
        mod world {
            use crate::{arms::WorldArm, play};
            $(#[test] fn $case() { play(WorldArm::new(), crate::$room::$case); })*
        }
        mod live {
            use crate::{arms::LiveArm, play};
            $(#[test] fn $case() { play(LiveArm::new(), crate::$room::$case); })*
        }
    };
}

conform! {
    streams::pieces_arrive_in_order,
    streams::a_full_stream_drains,
    streams::close_flushes,
    streams::abort_resets,
    streams::dials_fail,
    streams::a_dial_may_come_too_early,
    streams::listeners_have_names,
    streams::listening_fails,
    streams::both_ends_close,
    streams::death_resets,
    streams::localhost_is_oneself,
    streams::an_ended_stream_swallows,
    streams::exit_is_the_end,
    streams::slices_leave_room_for_streams,
    files::files_keep_what_they_are_given,
    files::names_can_change,
    files::syncs_are_answered,
    files::a_sync_outlives_a_rename,
    files::files_survive_death,
    files::chance_is_the_same_everywhere,
    files::alarms_ring_in_time,
}

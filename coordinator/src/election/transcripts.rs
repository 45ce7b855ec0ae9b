//! One server's election on the bench, line by line.

use bytes::Bytes;
use machine::transcript::Bench;
use machine::{Closed, Conn, Context, Duration, Input, Instant, Machine, Ticket};

use super::{Election, State};
use crate::config::Server;
use crate::id::{Epoch, ServerId, Zxid};
use crate::mechanism::Mechanisms;
use crate::note::ServerNote;
use crate::quorum::Voters;
use crate::wire::vote::{Greeting, Notification, PeerState, VoteStream};

/// A server that does nothing but elect. `Stop` tells it that its role is lost, `Ready` with ticket n that its leader is
/// established in epoch n.
struct Lone {
    election: Election,
    last: Zxid,
    current: Epoch,
}

impl Machine for Lone {
    type Note = ServerNote;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, ServerNote>) {
        let mut events = Vec::new();
        match input {
            Input::Booted => {
                self.election.open(cx).expect("the bench has free ports");
                self.election.look(self.last, self.current, cx, &mut events);
            }
            Input::Stop => self.election.look(self.last, self.current, cx, &mut events),
            Input::Ready { ticket } => self.election.serves(Epoch(ticket.0 as u32)),
            other => self.election.handle(&other, cx, &mut events),
        }
        for super::ElectionEvent::Elected { leader, .. } in events {
            let leads = leader == self.election.me;
            self.election.settle(if leads { State::Leading } else { State::Following });
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.election.wake_at()
    }

    fn view(&self) {}
}

/// Server `me` of `count`, with an epoch-1 history of `n` transactions (0: an empty one).
fn server(me: u64, count: u64, n: u32) -> Bench<Lone> {
    let server =
        |id: u64| Server { host: format!("zk{id}"), quorum_port: 2888, election_port: 3888 };
    let servers = (1..=count).map(|id| (ServerId(id), server(id))).collect();
    let voters = Voters::majority((1..=count).map(ServerId));
    let patience = Duration::from_secs(5);
    let mechanisms = Mechanisms::default();
    let election = Election::new(ServerId(me), &servers, voters, patience, &mechanisms);
    let current = Epoch(u32::from(n > 0));
    let last = if n > 0 { Zxid::new(current, n) } else { Zxid::ZERO };
    Bench::new(Lone { election, last, current }).rendering(render)
}

/// `I am 2`, or `looking: 3 (epoch 1, zxid 0x100000002, round 1)`.
fn render(_: Conn, bytes: &Bytes) -> String {
    let mut stream = VoteStream::new();
    stream.push(bytes);
    if bytes.len() < 20 {
        let greeting = stream.take_greeting().expect("a greeting parses");
        return format!("I am {}", greeting.expect("a greeting is whole").server);
    }
    let said = stream.take().expect("a notification parses").expect("a notification is whole");
    let state = format!("{:?}", said.state).to_lowercase();
    let epoch = said.peer_epoch.expect("ours say their epoch");
    format!("{state}: {} (epoch {epoch}, zxid {}, round {})", said.leader, said.zxid, said.round)
}

fn hello(server: u64) -> Bytes {
    Greeting { server: ServerId(server), address: None }.encode()
}

/// A vote for `leader` with `n` transactions of epoch 1 (0: an empty history).
fn says(state: PeerState, leader: u64, n: u32, round: u64) -> Bytes {
    let epoch = Epoch(u32::from(n > 0));
    let zxid = if n > 0 { Zxid::new(epoch, n) } else { Zxid::ZERO };
    let leader = ServerId(leader);
    Notification { state, leader, zxid, round, peer_epoch: Some(epoch) }.encode()
}

use PeerState::{Following, Leading, Looking};

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A larger server calls and says who it is.
fn called_by(bench: &mut Bench<Lone>, id: u64) -> Conn {
    let conn = bench.accept("election", &format!("zk{id}"));
    bench.receive(conn, hello(id));
    conn
}

/// Compares with the snapshot `name` and forgets.
fn check(name: &str, bench: &mut Bench<Lone>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, bench.take()));
}

#[test]
fn start_of_three() {
    let mut bench = server(2, 3, 2);
    bench.boot();
    let one = bench.dialled()[0].0;
    bench.remark("the smaller server answers the call: this connection stays");
    bench.opened(one).receive(one, says(Looking, 1, 5, 1));
    bench.remark("its history is longer: two of three vote for it");
    bench.advance(millis(150)).remark("the third server is found, calls back, and agrees");
    let three = bench.dialled()[1].0;
    bench.opened(three);
    let three = called_by(&mut bench, 3);
    bench.receive(three, says(Looking, 3, 1, 1)).receive(three, says(Looking, 1, 5, 1));
    bench.remark("200 ms without a better candidate").advance(millis(200));
    check("start_of_three", &mut bench);
}

#[test]
fn a_better_candidate_comes_while_finalising() {
    let mut bench = server(2, 3, 2);
    bench.boot();
    let one = bench.dialled()[0].0;
    bench.opened(one).receive(one, says(Looking, 2, 2, 1)).take();
    bench.remark("two of three vote for this server").advance(millis(199));
    let three = called_by(&mut bench, 3);
    bench.receive(three, says(Looking, 3, 9, 1)).remark("a quorum for it: decided 200 ms later");
    bench.advance(millis(400));
    check("a_better_candidate_comes_while_finalising", &mut bench);
}

#[test]
fn latecomer_joins_an_established_ensemble() {
    let mut bench = server(3, 3, 9);
    bench.boot();
    let (one, two) = (bench.dialled()[0].0, bench.dialled()[1].0);
    bench.opened(one).opened(two).take();
    bench.remark("a follower of 2, elected in round 7: not enough alone");
    bench.receive(one, says(Following, 2, 4, 7));
    bench.remark("2 says itself that it leads, whatever its zxid in its vote: it is followed");
    bench.receive(two, says(Leading, 2, 3, 7)).advance(millis(1_000));
    check("latecomer_joins_an_established_ensemble", &mut bench);
}

#[test]
fn nobody_follows_a_leader_that_was_not_heard_from() {
    let mut bench = server(1, 3, 1);
    bench.boot();
    bench.take();
    let (two, three) = (called_by(&mut bench, 2), called_by(&mut bench, 3));
    bench.take();
    bench.remark("2 and 3 are a quorum, but 3 does not say that it leads");
    bench.receive(two, says(Following, 3, 1, 4)).receive(three, says(Following, 3, 1, 4));
    bench.remark("now it does").receive(three, says(Leading, 3, 1, 4));
    check("nobody_follows_a_leader_that_was_not_heard_from", &mut bench);
}

#[test]
fn nobody_leads_by_the_votes_of_another_round() {
    let mut bench = server(3, 3, 1);
    bench.boot();
    let (one, two) = (bench.dialled()[0].0, bench.dialled()[1].0);
    bench.opened(one).opened(two).take();
    bench.remark("this server was their leader in round 4, before it was restarted");
    bench.receive(one, says(Following, 3, 1, 4)).receive(two, says(Following, 3, 1, 4));
    bench.remark("they give up and look: now it may lead");
    bench.receive(one, says(Looking, 1, 1, 5)).receive(one, says(Looking, 3, 1, 5));
    bench.advance(millis(200));
    check("nobody_leads_by_the_votes_of_another_round", &mut bench);
}

#[test]
fn rounds() {
    let mut bench = server(1, 3, 3);
    bench.boot();
    let two = called_by(&mut bench, 2);
    bench.give(Input::Stop).take();
    bench.remark("an older round is not counted, but answered");
    bench.receive(two, says(Looking, 2, 9, 1));
    bench.remark("a newer round is adopted, the best of its vote and our own first one is voted");
    bench.receive(two, says(Looking, 2, 1, 6));
    check("rounds", &mut bench);
}

/// ZOOKEEPER-1805: votes for the same server that mean different histories or rounds are not one quorum.
#[test]
fn mixed_votes_are_no_quorum() {
    let mut bench = server(1, 5, 1);
    bench.boot();
    let peers: Vec<Conn> = (2..=5).map(|id| called_by(&mut bench, id)).collect();
    bench.take();
    bench.receive(peers[3], says(Looking, 5, 4, 3)).receive(peers[0], says(Looking, 5, 3, 3));
    bench.receive(peers[1], says(Looking, 5, 4, 2)).receive(peers[2], says(Following, 5, 4, 1));
    bench.remark("two of five are of its mind").advance(millis(199));
    bench.remark("with a third they are enough").receive(peers[0], says(Looking, 5, 4, 3));
    bench.advance(millis(200));
    check("mixed_votes_are_no_quorum", &mut bench);
}

#[test]
fn a_settled_server_answers_those_who_look() {
    let mut bench = server(1, 3, 0);
    bench.boot();
    let two = called_by(&mut bench, 2);
    bench.receive(two, says(Looking, 2, 0, 1)).advance(millis(250)).take();
    bench.remark("2 was elected on an empty history").give(Input::Ready { ticket: Ticket(1) });
    bench.remark("its leadership is established in epoch 1; 3 comes late");
    let three = called_by(&mut bench, 3);
    bench.receive(three, says(Looking, 3, 0, 1));
    bench.remark("those who do not look are not answered");
    bench.receive(two, says(Leading, 2, 0, 1));
    check("a_settled_server_answers_those_who_look", &mut bench);
}

#[test]
fn the_larger_server_calls() {
    let mut bench = server(2, 3, 0);
    bench.boot();
    bench.remark("1 calls while it is being called: when our call fails, 1 is called again");
    let one = called_by(&mut bench, 1);
    assert!(!bench.machine().election.owns(one));
    let call = bench.dialled()[0].0;
    bench.closed(call, Closed::Refused);
    let one = bench.dialled().last().expect("it calls again").0;
    bench.opened(one);
    bench.remark("1 was restarted and calls: the connection is made anew, by us");
    called_by(&mut bench, 1);
    bench.remark("3 answers our call: it is told who called, and calls itself");
    let three = bench.dialled()[1].0;
    bench.opened(three);
    called_by(&mut bench, 3);
    bench.remark(
        "3 calls again: the new connection replaces the old one, the last message is repeated",
    );
    called_by(&mut bench, 3);
    bench.remark("a stranger, and a call that came back to its caller");
    called_by(&mut bench, 9);
    called_by(&mut bench, 2);
    check("the_larger_server_calls", &mut bench);
}

#[test]
fn one_message_waits_and_the_last_is_repeated() {
    let mut bench = server(3, 3, 0);
    bench.boot();
    let two = bench.dialled()[1].0;
    bench.opened(two).remark("a newer vote takes the place of the one that waits for 1");
    bench.receive(two, says(Looking, 2, 5, 1));
    let one = bench.dialled()[0].0;
    bench.opened(one).remark("1 is lost: nothing is dialled until there is something to say");
    bench.closed(one, Closed::Reset).receive(two, says(Looking, 2, 6, 1));
    bench
        .remark("the connection to 2 is lost after a vote was sent, and made again by a call of 2");
    bench.closed(two, Closed::Reset);
    called_by(&mut bench, 2);
    let two = bench.dialled().last().expect("2 is called back").0;
    bench.opened(two);
    check("one_message_waits_and_the_last_is_repeated", &mut bench);
}

#[test]
fn silence_doubles_the_wait() {
    let mut bench = server(1, 2, 0);
    bench.boot();
    let mut refused = 0;
    let mut dialled_at = vec![bench.now()];
    while dialled_at.len() < 13 {
        let calls = bench.dialled().to_vec();
        for (conn, _) in &calls[refused..] {
            bench.closed(*conn, Closed::Refused);
        }
        refused = calls.len();
        while bench.dialled().len() == refused {
            let wake = bench.machine().wake_at().expect("who looks wakes up");
            let span = wake.since(bench.now());
            bench.advance(span);
        }
        dialled_at.push(bench.now());
    }
    let waits = dialled_at.windows(2).map(|pair| pair[1].since(pair[0]).to_string());
    let waits = waits.collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!(waits, @"0.2s 0.4s 0.8s 1.6s 3.2s 6.4s 12.8s 25.6s 51.2s 60s 60s 60s");
}

#[test]
fn a_call_is_given_up() {
    let mut bench = server(1, 2, 0);
    bench.boot();
    let nameless = bench.accept("election", "somebody");
    bench.advance(Duration::from_secs(6));
    assert!(!bench.machine().election.owns(nameless));
    check("a_call_is_given_up", &mut bench);
}

#[test]
fn nonsense_ends_the_connection() {
    let mut bench = server(1, 2, 0);
    bench.boot();
    let two = called_by(&mut bench, 2);
    bench.take();
    bench.receive(two, says(Looking, 2, 1, 1)).take();
    let mut bench = bench.rendering(|_, bytes| format!("{} bytes", bytes.len()));
    bench.receive(two, vec![0x7f; 9]);
    let caller = bench.accept("election", "somebody");
    bench.receive(caller, vec![0xff; 20]);
    check("nonsense_ends_the_connection", &mut bench);
}

//! A server without an ensemble.

use coordinator::txn::Acl;
use coordinator::wire::client::Request;
use insta::assert_snapshot;

use crate::stage::Stage;

#[test]
fn a_session_its_ephemeral_and_its_end() {
    let mut stage = Stage::standalone();
    let client = stage.client_comes();
    stage.client_greets(client);
    let (path, acl) = ("/me".into(), Acl::open());
    stage.ask(client, 1, Request::Create { path, data: None, acl, flags: 1 });
    stage.ask(client, 2, Request::CloseSession);
    stage.bench.remark("its transactions are still there after a restart");
    stage.restart();
    assert_snapshot!(stage.text());
}

#[test]
fn a_session_that_is_not_heard_of_expires() {
    let mut stage = Stage::standalone();
    let client = stage.client_comes();
    stage.client_greets(client);
    stage.text();
    stage.bench.remark("it asks for 6 s; ticks are of 2 s");
    stage.wait(5_000);
    stage.ask(client, -2, Request::Ping);
    stage.wait(9_000);
    assert_snapshot!(stage.text());
}

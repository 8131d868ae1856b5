use super::*;
use crate::id::MessageId;
use crate::model::bench::Bench;

const P: PartitionId = PartitionId(0);

const POLICY: FetchPolicy = FetchPolicy {
    broker: NodeId(0),
    group: GroupId(2),
    batch: 10,
    timeout: Span::millis(50),
    wait_max: Span::millis(20),
    commit: CommitPolicy::Answered,
    on_timeout: OnTimeout::Resend,
    checksum: Verify::Verify,
};

fn client(policy: FetchPolicy) -> (Bench, ConsumerClient) {
    let partitions = [P, PartitionId(1)].into_iter();
    (Bench::machine(1), ConsumerClient::new(policy, partitions, TimerId(0), 3))
}

/// The number of the only request that was sent.
fn request(bench: &mut Bench) -> u64 {
    match bench.take_sent()[..] {
        [
            Message::Fetch { request, .. }
            | Message::OffsetFetch { request, .. }
            | Message::Commit { request: Some(request), .. },
        ] => request,
        ref other => panic!("{other:?}"),
    }
}

fn fetched(request: u64, base: u64, entries: &[Entry]) -> Message {
    let reading = Reading::Entries(entries.to_vec());
    Message::Fetched { request, partition: P, base, reading }
}

fn entry(bench: &mut Bench) -> Entry {
    let body = bench.desk.blobs.put(b"body");
    Entry::new(MessageId::new(NodeId(1), 0), 0, body)
}

#[test]
fn it_reads_from_where_its_group_stands() {
    let (mut bench, mut client) = client(POLICY);
    bench.with(|ctx| client.locate(0, ctx));
    let asked = request(&mut bench);
    let offset = 5;
    bench.with(|ctx| {
        let message = Message::OffsetFetched { request: asked, partition: P, offset };
        client.deliver(message, ctx)
    });
    let sent = bench.take_sent();
    assert!(matches!(sent[..], [Message::Fetch { offset: 5, batch: 10, .. }]), "{sent:?}");
}

#[test]
fn only_the_answer_to_the_last_request_counts() {
    let (mut bench, mut client) = client(POLICY);
    let entries = [entry(&mut bench)];
    bench.with(|ctx| client.poll(0, 0, ctx));
    let stale = request(&mut bench);
    bench.with(|ctx| client.wake(TimerId(0), ctx));
    let fresh = request(&mut bench);
    assert!(stale >> 32 == 3 && fresh > stale, "told apart from those of earlier incarnations");
    let mut deliver = |request| {
        bench.with(|ctx| client.deliver(fetched(request, 0, &entries), ctx)) != Progress::None
    };
    assert_eq!([deliver(stale), deliver(fresh), deliver(fresh)], [false, true, false]);
}

#[test]
fn an_empty_answer_is_followed_by_the_next_poll() {
    let (mut bench, mut client) = client(POLICY);
    bench.with(|ctx| client.poll(0, 4, ctx));
    let first = request(&mut bench);
    bench.with(|ctx| client.deliver(fetched(first, 4, &[]), ctx));
    assert!(request(&mut bench) > first);
}

#[test]
fn entries_that_went_bad_are_asked_for_again_at_leisure() {
    for (checksum, handed) in [(Verify::Verify, false), (Verify::Trust, true)] {
        let (mut bench, mut client) = client(FetchPolicy { checksum, ..POLICY });
        let bad = Entry { checksum: 1, ..entry(&mut bench) };
        bench.with(|ctx| client.poll(0, 0, ctx));
        let asked = request(&mut bench);
        let progress = bench.with(|ctx| client.deliver(fetched(asked, 0, &[bad]), ctx));
        assert_eq!(progress != Progress::None, handed);
        assert_eq!(bench.take_sent(), []);
        bench.with(|ctx| client.wake(TimerId(0), ctx));
        assert_eq!(bench.take_sent().len(), usize::from(!handed));
    }
}

#[test]
fn an_offset_that_the_log_has_lost_starts_over_where_the_log_does() {
    for start in [0, 4] {
        let (mut bench, mut client) = client(POLICY);
        bench.with(|ctx| client.poll(0, 9, ctx));
        let request = request(&mut bench);
        let reading = Reading::OutOfRange { start };
        bench.with(|ctx| {
            client.deliver(Message::Fetched { request, partition: P, base: 9, reading }, ctx)
        });
        let sent = bench.take_sent();
        assert!(matches!(sent[..], [Message::Fetch { offset, .. }] if offset == start));
    }
}

#[test]
fn a_commit_is_repeated_until_it_is_answered() {
    let (mut bench, mut client) = client(POLICY);
    assert!(!bench.with(|ctx| client.commit(0, 6, ctx)));
    request(&mut bench);
    bench.with(|ctx| client.disconnected(NodeId(0), ctx));
    let again = request(&mut bench);
    let answer = Message::Committed { request: again, partition: P };
    let progress = bench.with(|ctx| client.deliver(answer, ctx));
    assert_eq!(progress, Progress::Settled { lane: 0 });
    let (group, partition) = (POLICY.group, P);
    let ok = Event::CommitOk { group, partition, offset: 6 };
    assert_eq!(bench.events, [Event::CommitInvoke { group, partition, offset: 6 }, ok]);
}

#[test]
fn an_unanswered_commit_holds_nobody_up() {
    let commit = CommitPolicy::Unanswered;
    let (mut bench, mut client) = client(FetchPolicy { commit, ..POLICY });
    assert!(bench.with(|ctx| client.commit(0, 6, ctx)));
    let sent = bench.take_sent();
    assert!(matches!(sent[..], [Message::Commit { request: None, offset: 6, .. }]), "{sent:?}");
    assert_eq!(bench.timers, []);
}

#[test]
fn a_connection_that_is_given_up_takes_every_request_with_it() {
    let on_timeout = OnTimeout::Disconnect;
    let (mut bench, mut client) = client(FetchPolicy { on_timeout, ..POLICY });
    bench.with(|ctx| client.poll(0, 0, ctx));
    bench.with(|ctx| client.poll(1, 0, ctx));
    bench.take_sent();
    bench.with(|ctx| client.wake(TimerId(1), ctx));
    assert_eq!((bench.take_sent().len(), bench.disconnects), (2, 1));
}

/// Polls, and is handed entries up to `end`.
fn hand_out(bench: &mut Bench, client: &mut ConsumerClient, base: u64, end: u64) {
    let all: Vec<_> = (base..end).map(|_| entry(bench)).collect();
    bench.with(|ctx| client.poll(0, base, ctx));
    let sent = bench.take_sent();
    let Some(&Message::Fetch { request, .. }) = sent.last() else { panic!("{sent:?}") };
    bench.with(|ctx| client.deliver(fetched(request, base, &all), ctx));
    assert!(bench.with(|ctx| client.commit(0, end, ctx)), "it holds nobody up");
}

/// The offsets that were committed since it was last looked at.
fn commits(bench: &mut Bench) -> Vec<u64> {
    let events = std::mem::take(&mut bench.events);
    let commit = |event| match event {
        Event::CommitInvoke { offset, .. } => Some(offset),
        _ => None,
    };
    events.into_iter().filter_map(commit).collect()
}

#[test]
fn a_poll_commits_what_the_polls_before_it_returned_once_an_interval() {
    let commit = CommitPolicy::Every(Span::millis(100));
    let (mut bench, mut client) = client(FetchPolicy { commit, ..POLICY });
    hand_out(&mut bench, &mut client, 5, 8);
    assert_eq!(commits(&mut bench), [0; 0], "nothing has been returned yet");
    hand_out(&mut bench, &mut client, 8, 9);
    assert_eq!(commits(&mut bench), [0; 0], "the interval is not over");
    bench.now += Span::millis(100);
    bench.with(|ctx| client.poll(0, 9, ctx));
    assert_eq!(commits(&mut bench), [9]);
    let sent = bench.take_sent();
    let expected = Message::Commit { request: None, group: GroupId(2), partition: P, offset: 9 };
    assert_eq!(sent[0], expected);
    bench.now += Span::millis(100);
    bench.with(|ctx| client.poll(0, 9, ctx));
    assert_eq!(commits(&mut bench), [0; 0], "nothing new");
}

#[test]
fn a_timer_commits_what_was_handed_out_handled_or_not() {
    let commit = CommitPolicy::Background(Span::millis(100));
    let (mut bench, mut client) = client(FetchPolicy { commit, ..POLICY });
    hand_out(&mut bench, &mut client, 5, 8);
    assert_eq!(commits(&mut bench), [0; 0]);
    let timer = TimerId(2);
    assert!(bench.timers.contains(&(timer, Span::millis(100))), "behind those of the lanes");
    assert!(bench.with(|ctx| client.wake(timer, ctx)));
    assert_eq!(commits(&mut bench), [8]);
    assert!(bench.with(|ctx| client.wake(timer, ctx)));
    assert_eq!(commits(&mut bench), [0; 0], "nothing new");
    assert!(!bench.with(|ctx| client.wake(TimerId(3), ctx)), "not the client's");
}

#[test]
fn what_is_to_be_committed_shows_in_the_fingerprint() {
    let commit = CommitPolicy::Background(Span::millis(100));
    let (mut bench, mut client) = client(FetchPolicy { commit, ..POLICY });
    let digest = |client: &ConsumerClient| {
        let mut digest = Digest::new();
        client.fingerprint(&mut digest);
        digest.value()
    };
    hand_out(&mut bench, &mut client, 5, 8);
    let handed = digest(&client);
    bench.with(|ctx| client.wake(TimerId(2), ctx));
    assert_ne!(digest(&client), handed);
}

//! What a frame costs on its way in and on its way out.
//!
//! Budget: cutting, checking and decoding a frame with a body of 128 bytes takes at most 1.6 times what prost alone needs to
//! decode that body from a `Bytes`; the aim is 1.2. Encoding a room push takes at most 1.8 times what prost alone needs.
//! `cargo bench --bench codec` measures each step; `cargo bench --bench codec -- --ratio` prints the ratios only.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chatroom::wire::{FrameCodec, Packet, Push, Request, pb};
use criterion::{BatchSize, Criterion, Throughput};
use prost::Message;
use tokio_util::codec::Decoder;

/// The allocator of the server's binary.
#[cfg(feature = "server")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Frames in the buffer at once: what one read of a busy socket brings.
const BURST: usize = 64;
const BODY_BYTES: usize = 128;

/// A text message as a client sends it, whose encoding is [`BODY_BYTES`] long.
fn send_request() -> pb::MessageSendRequest {
    let request = pb::MessageSendRequest {
        room_id: 1_000_001,
        message_id: "0b6f9a2e-7d1c-4c55-9f3a-5f1f2f6f0a11".into(),
        body: Bytes::from(vec![b'x'; 80]),
        resend: false,
        ..Default::default()
    };
    filled(request, |request, pad| request.body = Bytes::from(vec![b'x'; 80 + pad]))
}

/// A text message as the members receive it, whose encoding is [`BODY_BYTES`] long.
fn message() -> pb::Message {
    let message = pb::Message {
        room_id: 1_000_001,
        seq: 4711,
        time_ms: 1_790_000_000_000,
        message_id: "0b6f9a2e-7d1c-4c55-9f3a-5f1f2f6f0a11".into(),
        from: "alice".into(),
        from_nick: "Alice".into(),
        from_client_type: 4,
        body: Bytes::from(vec![b'x'; 40]),
        epoch: 3,
        ..Default::default()
    };
    filled(message, |message, pad| message.body = Bytes::from(vec![b'x'; 40 + pad]))
}

fn filled<M: Message>(mut message: M, fill: impl FnOnce(&mut M, usize)) -> M {
    let pad = BODY_BYTES.checked_sub(message.encoded_len()).expect("the sample is shorter than the target");
    fill(&mut message, pad);
    assert_eq!(message.encoded_len(), BODY_BYTES);
    message
}

/// One frame of each sort, and its body alone.
struct Sample {
    name: &'static str,
    packet: Packet,
    body: Bytes,
    decode: fn(Bytes),
    encode: fn(&Packet, &mut BytesMut),
}

fn samples() -> [Sample; 2] {
    let send = send_request();
    let push = message();
    [
        Sample {
            name: "send",
            body: send.encode_to_vec().into(),
            packet: Packet::Request { sequence: 7, request: Request::MessageSend(Box::new(send)) },
            decode: |body| drop(black_box(pb::MessageSendRequest::decode(body))),
            encode: |packet, out| {
                let Packet::Request { request: Request::MessageSend(message), .. } = packet else { return };
                message.encode(out).expect("a BytesMut grows");
            },
        },
        Sample {
            name: "push",
            body: push.encode_to_vec().into(),
            packet: Packet::Push(Push::Message(Box::new(push))),
            decode: |body| drop(black_box(pb::Message::decode(body))),
            encode: |packet, out| {
                let Packet::Push(Push::Message(message)) = packet else { return };
                message.encode(out).expect("a BytesMut grows");
            },
        },
    ]
}

impl Sample {
    /// The bodies of [`BURST`] frames, cut out of one buffer just as the receive path finds them.
    fn bodies(&self) -> Vec<Bytes> {
        let buffer = Bytes::from(self.body.repeat(BURST));
        (0..BURST).map(|place| buffer.slice(place * BODY_BYTES..(place + 1) * BODY_BYTES)).collect()
    }

    /// A buffer with [`BURST`] frames of this sort.
    fn burst(&self) -> BytesMut {
        let mut burst = BytesMut::new();
        for _ in 0..BURST {
            self.packet.encode(&mut burst);
        }
        burst
    }
}

/// The receive path: frames cut, checked, decoded and dropped until the buffer is empty.
fn receive(mut buffer: BytesMut) {
    let mut codec = FrameCodec::default();
    while let Some(frame) = codec.decode(&mut buffer).expect("the bench's frames are right") {
        drop(black_box(Packet::decode(frame).expect("the bench's bodies are right")));
    }
}

/// The frame layer of the receive path alone.
fn cut(mut buffer: BytesMut) {
    let mut codec = FrameCodec::default();
    while let Some(frame) = codec.decode(&mut buffer).expect("the bench's frames are right") {
        black_box(frame);
    }
}

fn prost_alone(bodies: Vec<Bytes>, decode: fn(Bytes)) {
    for body in bodies {
        decode(body);
    }
}

fn criterion_groups(criterion: &mut Criterion) {
    for sample in samples() {
        let mut group = criterion.benchmark_group(sample.name);
        group.throughput(Throughput::Elements(BURST as u64));
        let burst = sample.burst();
        let copy = || BytesMut::from(&burst[..]);
        group.bench_function("receive", |bencher| bencher.iter_batched(copy, receive, BatchSize::SmallInput));
        group.bench_function("receive/cut", |bencher| bencher.iter_batched(copy, cut, BatchSize::SmallInput));
        group.bench_function("receive/prost", |bencher| {
            bencher.iter_batched(|| sample.bodies(), |bodies| prost_alone(bodies, sample.decode), BatchSize::SmallInput);
        });
        let mut out = BytesMut::with_capacity(burst.len());
        group.bench_function("encode", |bencher| {
            bencher.iter(|| {
                out.clear();
                (0..BURST).for_each(|_| black_box(&sample.packet).encode(&mut out));
            });
        });
        group.bench_function("encode/prost", |bencher| {
            bencher.iter(|| {
                out.clear();
                (0..BURST).for_each(|_| (sample.encode)(black_box(&sample.packet), &mut out));
            });
        });
        group.finish();
    }
}

/// Time of the fastest of many runs, in nanoseconds per frame: what disturbs a run only ever makes it slower.
fn fastest<T>(mut setup: impl FnMut() -> T, mut run: impl FnMut(T)) -> impl FnMut() -> f64 {
    move || {
        let input = setup();
        let start = Instant::now();
        run(input);
        start.elapsed().as_nanos() as f64 / BURST as f64
    }
}

/// Runs both sides by turns, so that both see the same machine.
fn compare(mut ours: impl FnMut() -> f64, mut prost: impl FnMut() -> f64) -> (f64, f64) {
    let end = Instant::now() + Duration::from_millis(1500);
    let mut best = (f64::MAX, f64::MAX);
    while Instant::now() < end {
        best = (best.0.min(ours()), best.1.min(prost()));
    }
    best
}

fn print_ratios() {
    for sample in samples() {
        let burst = sample.burst();
        let (ours, prost) = compare(
            fastest(|| BytesMut::from(&burst[..]), receive),
            fastest(|| sample.bodies(), |bodies| prost_alone(bodies, sample.decode)),
        );
        println!("ratio {} receive: {:.2} (ours {ours:.0} ns, prost alone {prost:.0} ns)", sample.name, ours / prost);
        let (frame_layer, _) = compare(fastest(|| BytesMut::from(&burst[..]), cut), || 0.0);
        println!("      {} receive: the frame layer alone {frame_layer:.0} ns", sample.name);
        let (mut framed, mut bare) = (BytesMut::with_capacity(burst.len()), BytesMut::with_capacity(burst.len()));
        let (ours, prost) = compare(
            fastest(
                || (),
                |()| {
                    framed.clear();
                    (0..BURST).for_each(|_| black_box(&sample.packet).encode(&mut framed));
                },
            ),
            fastest(
                || (),
                |()| {
                    bare.clear();
                    (0..BURST).for_each(|_| (sample.encode)(black_box(&sample.packet), &mut bare));
                },
            ),
        );
        println!("ratio {} encode: {:.2} (ours {ours:.0} ns, prost alone {prost:.0} ns)", sample.name, ours / prost);
    }
}

fn main() {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if !given("--ratio") {
        let mut criterion = Criterion::default().configure_from_args();
        criterion_groups(&mut criterion);
        criterion.final_summary();
    }
    if !given("--profile-time") {
        print_ratios();
    }
}

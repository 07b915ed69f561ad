//! Devices: submissions on their way, tickets, pipelines that are ready before they are needed; on the tests' device and on the twins.

use std::sync::{Arc, Mutex};

use zowarmup::config::Config;
use zowarmup::device::{Device, DeviceError, PlanningDevice, ReferenceDevice, Selection, as_f32, testing};
use zowarmup::engine::Engine;
use zowarmup::fed::experiment::Experiment;
use zowarmup::fed::warmup::Warmup;
use zowarmup::fed::zo::ZoPhase;
use zowarmup::kernels::fill_constant;
use zowarmup::recording::{BufferId, Recording, Span};

const LEN: u32 = 1000;

fn devices() -> Vec<Box<dyn Device>> {
    vec![testing::device(), Box::new(ReferenceDevice::new(None))]
}

fn buffer(device: &mut dyn Device) -> BufferId {
    device.create_buffer("values", u64::from(LEN) * 4).unwrap()
}

/// Fills a buffer with a value, and reads its first value and the whole back.
fn filled(buffer: BufferId, value: f32) -> Recording {
    let mut rec = Recording::new();
    fill_constant::record(&mut rec, Span::of(buffer, u64::from(LEN) * 4), value);
    rec.read_back(Span::of(buffer, 4));
    rec.read_back(Span::of(buffer, u64::from(LEN) * 4));
    rec
}

fn brought(results: &[Vec<u8>]) -> f32 {
    let (first, all) = (as_f32(&results[0]), as_f32(&results[1]));
    assert!(results.len() == 2 && all.len() == LEN as usize && all.iter().all(|v| *v == first[0]));
    first[0]
}

#[test]
fn submissions_see_what_those_before_wrote_and_are_collected_in_any_order() {
    for mut device in devices() {
        let target = buffer(device.as_mut());
        let mut tickets: Vec<_> = (0..8).map(|i| Some(device.submit(&filled(target, i as f32)).unwrap())).collect();
        // Nobody collects this one; it takes place.
        drop(device.submit(&filled(target, 8.0)).unwrap());
        let mut now = Recording::new();
        now.read_back(Span::of(target, 4));
        assert_eq!(as_f32(&device.run(&now).unwrap()[0]), [8.0]);
        for i in [3, 0, 7, 1, 6, 2, 5, 4] {
            let ticket = tickets[i].take().unwrap();
            assert_eq!(brought(&device.collect(ticket).unwrap()), i as f32);
        }
        let nothing = device.submit(&Recording::new()).unwrap();
        assert!(device.collect(nothing).unwrap().is_empty());
    }
}

#[test]
fn a_ticket_belongs_to_its_device() {
    let (mut one, mut other) = (testing::device(), ReferenceDevice::new(None));
    let target = buffer(one.as_mut());
    let ticket = one.submit(&filled(target, 1.0)).unwrap();
    assert!(matches!(other.collect(ticket), Err(DeviceError::Internal(_))));
    let mut planning = PlanningDevice::like(one.as_ref());
    let target = buffer(&mut planning);
    assert_eq!(brought(&planning.run(&filled(target, 5.0)).unwrap()), 1.0);
}

#[test]
fn a_device_goes_to_another_thread_with_its_submissions() {
    for mut device in devices() {
        let target = buffer(device.as_mut());
        let ticket = device.submit(&filled(target, 2.0)).unwrap();
        let there = std::thread::spawn(move || {
            let first = brought(&device.collect(ticket).unwrap());
            (first, brought(&device.run(&filled(target, 3.0)).unwrap()))
        });
        assert_eq!(there.join().unwrap(), (2.0, 3.0));
    }
}

#[test]
fn a_refused_recording_leaves_the_device_usable() {
    for mut device in devices() {
        let target = buffer(device.as_mut());
        let mut beyond = filled(target, 4.0);
        beyond.read_back(Span { buffer: target, offset: 4000, bytes: 400 });
        assert!(matches!(device.submit(&beyond), Err(DeviceError::Internal(_))));
        assert_eq!(brought(&device.run(&filled(target, 5.0)).unwrap()), 5.0);
    }
}

#[test]
fn pipelines_are_ready_when_they_are_needed_and_counted_once() {
    // Alone, and with the help of other cores.
    for compile_cores in [Some(1), Some(3)] {
        let selection = Selection { compile_cores, ..testing::selection() };
        let mut device = testing::opened(&selection);
        let before = device.compiled();
        let target = buffer(device.as_mut());
        let told = Arc::new(Mutex::new(Vec::new()));
        let watch = Arc::clone(&told);
        device.watch_compiling(Box::new(move |done, of| watch.lock().unwrap().push((done, of))));
        let mut fill = filled(target, 6.0);
        let sums = Span::of(buffer(device.as_mut()), 12);
        zowarmup::kernels::fingerprint::record(&mut fill, target, 0, LEN, sums);
        device.prepare(&[&fill, &fill]).unwrap();
        let after = device.compiled();
        if device.info().backend != "reference" {
            let made = after.pipelines - before.pipelines;
            assert!(made >= 1 && after.seconds > before.seconds, "{before:?} {after:?}");
            let told = told.lock().unwrap();
            assert_eq!((told.first(), told.last()), (Some(&(0, made as usize)), Some(&(made as usize, made as usize))));
            assert!(told.is_sorted(), "{told:?}");
        }
        assert_eq!(brought(&device.run(&filled(target, 7.0)).unwrap()), 7.0);
        assert_eq!(device.compiled(), after, "compiled again");
    }
}

#[test]
fn rounds_give_the_same_bits_while_a_timeline_is_written() {
    let sets = ["split.clients=4", "split.high_share=0.5", "warmup.local_epochs=1"].map(str::to_owned);
    let experiment = Experiment::prepare(&Config::load(None, &sets).unwrap()).unwrap();
    let rounds = |watched: bool| {
        let mut engine = Engine::new(testing::device(), experiment.graph.clone(), &experiment.initial).unwrap();
        let train = engine.upload(&experiment.train_set()).unwrap();
        if watched {
            engine.device_mut().start_timeline().unwrap();
        }
        let warmup = Warmup::new(&mut engine, &experiment).unwrap();
        warmup.round(&mut engine, &experiment, &train, 0).unwrap();
        let first = experiment.config.warmup.rounds;
        ZoPhase::new(&experiment).round(&mut engine, &experiment, &train, first).unwrap();
        let timeline = engine.device_mut().take_timeline().unwrap();
        assert_eq!(timeline.is_some_and(|t| !t.events.is_empty()), watched);
        engine.weights().unwrap()
    };
    let bits = |weights: Vec<f32>| weights.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(rounds(true)), bits(rounds(false)));
}

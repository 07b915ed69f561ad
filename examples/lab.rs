use zowarmup::device::*; use zowarmup::kernels::*; use zowarmup::plan::*; use zowarmup::reference::ReferenceDevice;
use params::Lane; use chunk::Chunk; use tiling::Tiling;
fn rnd(n: usize, s: u32) -> Vec<f32> { let mut x = s.wrapping_mul(2654435761).wrapping_add(12345); (0..n).map(|_| { x ^= x << 13; x ^= x >> 17; x ^= x << 5; (x as f32 / 4294967296.0) - 0.5 }).collect() }
struct P { conv: Option<conv::Geometry>, k: u32, n: u32, rows: u32, pert: u32 }
fn run(dev: &mut dyn Device, p: &P, t: Tiling, off: u32, time: bool) -> (Vec<f32>, f64) {
    let (inl, outl, wl) = match &p.conv { Some(g) => (g.input.iter().product::<u32>(), g.output.iter().product::<u32>(), g.output[0]*g.depth()), None => (p.k, p.n, p.k*p.n) };
    let oc = p.conv.map_or(p.n, |g| g.output[0]);
    let d = off + wl + oc;
    let mk = |dev: &mut dyn Device, n: u32, name: &str| { let b = dev.create_buffer(name, n as u64*4+16).unwrap(); Span::of(b, (n as u64*4).next_multiple_of(16)) };
    let w = mk(dev, d, "w"); let x = mk(dev, p.rows*inl, "x"); let y = mk(dev, p.rows*outl, "y"); let l = mk(dev, 8, "l");
    let lane = [Lane { rows: p.rows, seed_lo: 77, seed_hi: 5, coef: 0.01, ..Default::default() }];
    let mut r = Recording::new(); r.upload(w.buffer, 0, &rnd(d as usize, 1)); r.upload(x.buffer, 0, &rnd((p.rows*inl) as usize, 2)); r.upload(l.buffer, 0, &lane); dev.run(&r).unwrap();
    let c = Chunk::new(&lane, l, p.pert, t);
    let mut r = Recording::new();
    match &p.conv { Some(g) => conv::record(&mut r, &c, g, &conv::Params { weight_offset: off, bias_offset: off+wl, from_batch: 1, relu: 0 }, w, x, y),
      None => linear::record(&mut r, &c, &linear::Params { inputs: p.k, outputs: p.n, weight_offset: off, bias_offset: off+wl, from_batch: 1, relu: 0 }, w, x, y) }
    let mut best = f64::MAX;
    if time { let t0 = std::time::Instant::now(); dev.run(&r).unwrap(); dev.time(&r).unwrap(); let c0=t0.elapsed().as_secs_f64(); for _ in 0..7 { best = best.min(dev.time(&r).unwrap()); } if std::env::var("V").is_ok() { println!("   compile+first {:.3}", c0); } }
    r.read_back(Span::of(y.buffer, (p.rows*outl*4) as u64));
    let o = as_f32(&dev.run(&r).unwrap().concat());
    for b in [w,x,y,l] { dev.destroy_buffer(b.buffer); }
    (o, best)
}
fn main() {
    let mut dev = open(&Selection::default()).unwrap();
    println!("{:?}", dev.info());
    let base = Tiling::of(dev.info());
    let g = |ic, h, oc, k, s, pd| conv::Geometry { input: [ic,h,h], output: [oc,(h+2*pd-k)/s+1,(h+2*pd-k)/s+1], kernel: k, stride: s, padding: pd };
    for pert in 0..5 { for off in [0u32, 3, 4] { for p in [P{conv:None,k:1,n:1,rows:1,pert}, P{conv:None,k:67,n:35,rows:41,pert}, P{conv:None,k:300,n:10,rows:71,pert},P{conv:None,k:64,n:64,rows:9,pert}, P{conv:Some(g(3,9,13,3,2,1)),k:0,n:0,rows:5,pert}, P{conv:Some(g(1,7,5,5,1,2)),k:0,n:0,rows:2,pert}, P{conv:Some(g(4,5,40,1,1,0)),k:0,n:0,rows:3,pert}] {
        let (a, _) = run(dev.as_mut(), &p, base, off, false);
        let (b, _) = run(&mut ReferenceDevice::new(None), &p, base, off, false);
        let bad = a.iter().zip(&b).filter(|(x,y)| (*x-*y).abs() > 1e-4).count(); let ne = a.iter().zip(&b).filter(|(x,y)| x.to_bits()!=y.to_bits()).count();
        if bad > 0 || ne > 0 { println!("k {} n {} rows {} conv {:?} pert {} off {}: bad {} differ {} of {}", p.k, p.n, p.rows, p.conv, pert, off, bad, ne, a.len()); }
    }}}
    println!("checked");
    let shapes: Vec<Tiling> = if base.share > 1 { [(4,4),(4,8),(8,4),(2,8),(2,4),(8,2),(4,2)].iter().map(|&(o,q)| Tiling { tile_o: o, tile_q: q, ..base }).collect() } else { [(8,8),(4,8),(8,4),(8,16),(16,8)].iter().map(|&(o,q)| Tiling{ tile_o: o, tile_q: q, ..base}).collect() };
    for t in shapes { for pert in [0,1] {
        let p = P { conv: None, k: 1024, n: 1024, rows: 1024, pert };
        let (_, s) = run(dev.as_mut(), &p, t, 0, true);
        let c = P { conv: Some(g(32,16,64,3,1,1)), k:0,n:0, rows: 64, pert };
        let (_, cs) = run(dev.as_mut(), &c, t, 0, true);
        println!("o {} q {} pert {}: gemm {:.1} GFLOP/s, conv {:.1} GFLOP/s", t.tile_o, t.tile_q, pert, 2.0*1024f64.powi(3)/s*1e-9, 2.0*64.0*64.0*256.0*288.0/cs*1e-9);
    }}
}
